/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeImage:
 *
 * A container image of a #KubeImageStore, as it was when it was looked up. Immutable; any thread.
 *
 * Since: 1.0
 */
typedef struct _KubeImage KubeImage;

#define KUBE_TYPE_IMAGE (kube_image_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_image_get_type (void) G_GNUC_CONST;
KUBE_AVAILABLE_IN_1_0
KubeImage *kube_image_ref (KubeImage *image);
KUBE_AVAILABLE_IN_1_0
void kube_image_unref (KubeImage *image);
/* `sha256:…` of its configuration. */
KUBE_AVAILABLE_IN_1_0
const char *kube_image_get_id (KubeImage *image);
/* `sha256:…` of its manifest. */
KUBE_AVAILABLE_IN_1_0
const char *kube_image_get_digest (KubeImage *image);
/* Its names with tag (`docker.io/library/nginx:1.27`) and with digest, where it was pulled. */
KUBE_AVAILABLE_IN_1_0
const char *const *kube_image_get_names (KubeImage *image);
/* Bytes of its blobs. */
KUBE_AVAILABLE_IN_1_0
gint64 kube_image_get_size (KubeImage *image);
/* The image configuration's `config` (Env, Cmd, Entrypoint, User, …). */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_image_get_config (KubeImage *image);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeImage, kube_image_unref)

#define KUBE_TYPE_IMAGE_STORE (kube_image_store_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeImageStore, kube_image_store, KUBE, IMAGE_STORE, GObject)

/* @data_dir: kube-all's; it is made where it is missing, at the first write. */
KUBE_AVAILABLE_IN_1_0
KubeImageStore *kube_image_store_new (const char *data_dir) G_GNUC_WARN_UNUSED_RESULT;
/* @path: an OCI layout (folder or tar) or a docker archive, perhaps compressed. @name: what to call it. Errors: KUBE_ERROR_NOT_FOUND, KUBE_ERROR_INVALID. */
KUBE_AVAILABLE_IN_1_0
KubeImage *kube_image_store_import (KubeImageStore *store, const char *path, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* @name: a name or an id. Errors: KUBE_ERROR_NOT_FOUND, KUBE_ERROR_INVALID for what cannot be a name. */
KUBE_AVAILABLE_IN_1_0
KubeImage *kube_image_store_find (KubeImageStore *store, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer container) (element-type KubeImage) */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_image_store_list (KubeImageStore *store, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Removes a name, or with an id all of an image's names; with the last name go its layers. Errors: KUBE_ERROR_CONFLICT while a container uses it. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_image_store_remove (KubeImageStore *store, const char *name, GError **error);
/* `nginx` is `docker.io/library/nginx:latest`, as containerd has it. Errors: KUBE_ERROR_INVALID, worded as upstream's. */
KUBE_AVAILABLE_IN_1_0
char *kube_image_normalize_name (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
