/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-image-private.h"

struct _KubeImage {
  gatomicrefcount references;
  char *id;
  char *digest;
  GStrv names;
  GStrv layers;
  gint64 size;
  KubeValue *config; /* (nullable) */
};

G_DEFINE_BOXED_TYPE (KubeImage, kube_image, kube_image_ref, kube_image_unref)

KubeImage *
kube_image_new (const char *id, const char *digest, const char *const *names, gint64 size, KubeValue *config, GStrv layers)
{
  KubeImage *image = g_new0 (KubeImage, 1);

  g_atomic_ref_count_init (&image->references);
  image->id = g_strdup (id);
  image->digest = g_strdup (digest);
  image->names = g_strdupv ((GStrv) names);
  image->size = size;
  image->config = config != NULL ? kube_value_ref (config) : NULL;
  image->layers = layers;
  return image;
}

/**
 * kube_image_ref:
 * @image: an image
 *
 * Returns: (transfer full): @image
 * Since: 1.0
 */
KubeImage *
kube_image_ref (KubeImage *image)
{
  g_atomic_ref_count_inc (&image->references);
  return image;
}

/**
 * kube_image_unref:
 * @image: (transfer full): an image
 *
 * Since: 1.0
 */
void
kube_image_unref (KubeImage *image)
{
  if (!g_atomic_ref_count_dec (&image->references))
    return;
  g_free (image->id);
  g_free (image->digest);
  g_strfreev (image->names);
  g_strfreev (image->layers);
  g_clear_pointer (&image->config, kube_value_unref);
  g_free (image);
}

/**
 * kube_image_get_id:
 * @image: an image
 *
 * Returns: `sha256:…` of its configuration
 * Since: 1.0
 */
const char *
kube_image_get_id (KubeImage *image)
{
  return image->id;
}

/**
 * kube_image_get_digest:
 * @image: an image
 *
 * Returns: `sha256:…` of its manifest
 * Since: 1.0
 */
const char *
kube_image_get_digest (KubeImage *image)
{
  return image->digest;
}

/**
 * kube_image_get_names:
 * @image: an image
 *
 * Returns: (array zero-terminated=1): its names
 * Since: 1.0
 */
const char *const *
kube_image_get_names (KubeImage *image)
{
  return (const char *const *) image->names;
}

/**
 * kube_image_get_size:
 * @image: an image
 *
 * Returns: bytes of its blobs
 * Since: 1.0
 */
gint64
kube_image_get_size (KubeImage *image)
{
  return image->size;
}

/**
 * kube_image_get_config:
 * @image: an image
 *
 * Returns: (transfer none) (nullable): the `config` of its configuration
 * Since: 1.0
 */
KubeValue *
kube_image_get_config (KubeImage *image)
{
  return image->config;
}

const char *const *
kube_image_get_layers (KubeImage *image)
{
  return (const char *const *) image->layers;
}
