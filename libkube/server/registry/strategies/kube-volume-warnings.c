/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-warnings.h"
#include <kube/kube-quantity.h>

static const char *
text_of (KubeValue *object, const char *path)
{
  const char *text = kube_value_get_string (object, path);

  return text != NULL ? text : "";
}

/* Upstream counts in thousandths, and takes what wraps around as it comes. */
static gboolean
is_fractional (const KubeQuantity *quantity)
{
  gint64 milli = kube_quantity_get_milli_value (quantity);

  if (milli == G_MAXINT64)
    milli = (gint64)((guint64)kube_quantity_get_value (quantity) * 1000);
  return milli % 1000 != 0;
}

void
kube_amounts_warn (KubeOperation *op, const char *path, KubeValue *amounts, const char *const *resources)
{
  for (; *resources != NULL; resources++) {
    KubeValue *value = kube_value_get_member (amounts, *resources);
    g_autofree char *text = NULL;
    KubeQuantity quantity;

    if (value == NULL || !kube_quantity_from_value (value, &quantity, NULL) || !is_fractional (&quantity))
      continue;
    text = kube_quantity_print (&quantity);
    kube_warn (op, "%s[%s]: fractional byte value \"%s\" is invalid, must be an integer", path, *resources, text);
  }
}

void
kube_claim_warn (KubeOperation *op, const char *path, KubeValue *spec)
{
  static const char *const storage[] = { "storage", NULL };
  static const char *const lists[] = { "requests", "limits" };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    g_autofree char *where = g_strdup_printf ("%s.resources.%s", path, lists[i]);
    kube_amounts_warn (op, where, kube_value_get_member (kube_value_get_member (spec, "resources"), lists[i]), storage);
  }
}

/* --- files that hide each other --- */

/* Each is compared with those before it; a limit keeps long lists cheap. */
enum { FILES_MAX = 1000 };

typedef struct {
  char *path;
  char *source; /* "" where the volume has only one */
} File;

static void
file_clear (gpointer data)
{
  File *file = data;

  g_free (file->path);
  g_free (file->source);
}

static char *
describe_file (const File *file)
{
  return *file->source != '\0' ? g_strdup_printf ("\"%s\" (%s)", file->path, file->source)
                               : g_strdup_printf ("\"%s\"", file->path);
}

static gboolean
is_in (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void
add_file (KubeOperation *op, GArray *files, const char *volume, const char *kind, const char *path, const char *source)
{
  File file = { g_strdup (path), g_strdup (source) };
  g_autofree char *text = NULL;

  while (*file.path != '\0' && g_str_has_suffix (file.path, "/"))
    file.path[strlen (file.path) - 1] = '\0';
  text = describe_file (&file);
  for (guint i = 0; i < files->len; i++) {
    File *other = &g_array_index (files, File, i);
    g_autofree char *other_text = describe_file (other);
    if (is_in (other->path, file.path) || is_in (file.path, other->path))
      kube_warn (op, "volume \"%s\" (%s): overlapping paths: %s with %s", volume, kind, text, other_text);
  }
  g_array_append_val (files, file);
}

static void
add_items (KubeOperation *op, GArray *files, const char *volume, const char *kind, KubeValue *source, const char *what)
{
  KubeValue *items = kube_value_get_member (source, "items");

  for (guint i = 0; i < kube_value_get_length (items) && files->len < FILES_MAX; i++)
    add_file (op, files, volume, kind, text_of (kube_value_get_element (items, i), "path"), what);
}

static char *
describe_source (const char *kind, const char *name)
{
  return name != NULL ? g_strdup_printf ("%s \"%s\"", kind, name) : g_strdup (kind);
}

static void
warn_projected (KubeOperation *op, KubeValue *volume, KubeValue *projected)
{
  static const struct {
    const char *key, *kind;
    gboolean named;
  } lists[] = { { "configMap", "ConfigMap", TRUE }, { "secret", "Secret", TRUE }, { "downwardAPI", "DownwardAPI", FALSE } };
  KubeValue *sources = kube_value_get_member (projected, "sources");
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (File));
  const char *name = text_of (volume, "name");

  g_array_set_clear_func (files, file_clear);
  for (guint i = 0; i < kube_value_get_length (sources); i++) {
    KubeValue *source = kube_value_get_element (sources, i), *bundle = kube_value_get_member (source, "clusterTrustBundle");

    if (kube_value_get_length (source) == 0)
      kube_warn (op, "volume \"%s\" (Projected) has no sources provided", name);
    for (gsize k = 0; k < G_N_ELEMENTS (lists); k++) {
      KubeValue *list = kube_value_get_member (source, lists[k].key);
      g_autofree char *what = NULL;
      if (list == NULL)
        continue;
      what = describe_source (lists[k].kind, lists[k].named ? text_of (list, "name") : NULL);
      add_items (op, files, name, "Projected", list, what);
    }
    if (kube_value_get_member (source, "serviceAccountToken") != NULL)
      add_file (op, files, name, "Projected", text_of (source, "serviceAccountToken.path"), "ServiceAccountToken");
    if (bundle != NULL) {
      const char *from = kube_value_get_string (bundle, "name");
      g_autofree char *what = describe_source ("ClusterTrustBundle", from != NULL ? from : text_of (bundle, "signerName"));
      add_file (op, files, name, "Projected", text_of (bundle, "path"), what);
    }
  }
}

static void
warn_files (KubeOperation *op, KubeValue *volume)
{
  static const struct {
    const char *key, *kind, *name;
  } lists[]
      = { { "configMap", "ConfigMap", "name" }, { "secret", "Secret", "secretName" }, { "downwardAPI", "DownwardAPI", NULL } };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    KubeValue *source = kube_value_get_member (volume, lists[i].key);
    g_autoptr (GArray) files = NULL;
    g_autofree char *kind = NULL;

    if (kube_value_get_length (kube_value_get_member (source, "items")) < 2)
      continue;
    kind = describe_source (lists[i].kind, lists[i].name != NULL ? text_of (source, lists[i].name) : NULL);
    files = g_array_new (FALSE, FALSE, sizeof (File));
    g_array_set_clear_func (files, file_clear);
    add_items (op, files, text_of (volume, "name"), kind, source, "");
  }
  if (kube_value_get_member (volume, "projected") != NULL)
    warn_projected (op, volume, kube_value_get_member (volume, "projected"));
}

/* Kinds of volumes that nobody mounts any more, as upstream calls them in a pod and (NULL: never) as a PersistentVolume. */
static const struct {
  const char *key, *pods, *volumes, *text;
} gone[] = {
  { "cephfs", "cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+" },
  { "photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+" },
  { "gitRepo", "gitRepo", NULL, "deprecated in v1.11, and disabled by default in v1.33+" },
  { "scaleIO", "scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+" },
  { "flocker", "flocker", NULL, "deprecated in v1.22, non-functional in v1.25+" },
  { "storageos", "storageOS", "storageOS", "deprecated in v1.22, non-functional in v1.25+" },
  { "quobyte", "quobyte", NULL, "deprecated in v1.22, non-functional in v1.25+" },
  { "glusterfs", "glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+" },
  { "rbd", "rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+" },
};

void
kube_volumes_warn (KubeOperation *op, const char *path, KubeValue *volumes)
{
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i),
              *claim = kube_value_get (volume, "ephemeral.volumeClaimTemplate.spec");

    for (gsize k = 0; k < G_N_ELEMENTS (gone); k++)
      if (kube_value_get_member (volume, gone[k].key) != NULL)
        kube_warn (op, "%s[%u].%s: %s", path, i, gone[k].pods, gone[k].text);
    if (claim != NULL) {
      g_autofree char *claim_path = g_strdup_printf ("%s[%u].ephemeral.volumeClaimTemplate.spec", path, i);
      kube_claim_warn (op, claim_path, claim);
    }
    warn_files (op, volume);
  }
}

void
kube_class_annotation_warn (KubeOperation *op, KubeValue *object)
{
  static const char key[] = "volume.beta.kubernetes.io/storage-class";

  if (kube_value_get_member (kube_value_get (object, "metadata.annotations"), key) != NULL)
    kube_warn (op, "metadata.annotations[%s]: deprecated since v1.8; use \"storageClassName\" attribute instead", key);
}

void
kube_persistent_volume_warn (KubeOperation *op, KubeValue *volume, KubeValue *old)
{
  static const char terms_path[] = "spec.nodeAffinity.required.nodeSelectorTerms";
  KubeValue *spec = kube_value_get_member (volume, "spec"), *terms = kube_value_get (volume, terms_path);

  kube_class_annotation_warn (op, volume);
  if (g_strcmp0 (kube_value_get_member_string (spec, "persistentVolumeReclaimPolicy"), "Recycle") == 0)
    kube_warn (op, "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.");
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    g_autofree char *path = g_strdup_printf ("%s[%u]", terms_path, i);
    kube_node_term_warn (op, path, kube_value_get_element (terms, i), FALSE);
  }
  for (gsize k = 0; k < G_N_ELEMENTS (gone); k++)
    if (gone[k].volumes != NULL && kube_value_get_member (spec, gone[k].key) != NULL)
      kube_warn (op, "spec.%s: %s", gone[k].volumes, gone[k].text);
}

void
kube_csi_driver_warn (KubeOperation *op, KubeValue *driver, KubeValue *old)
{
  KubeValue *requests = kube_value_get (driver, "spec.tokenRequests");

  if (old != NULL && kube_value_equal (requests, kube_value_get (old, "spec.tokenRequests")))
    return;
  if (kube_value_get_length (requests) > 0 && kube_value_get (driver, "spec.serviceAccountTokenInSecrets") == NULL)
    kube_warn (op, "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes");
}
