/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-go-text.h"
#include "kube-validate-private.h"

/* PersistentVolume. */

static const char *const volume_sources[] = {
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
};

static void
require (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key)
{
  if (!has_text (object, key))
    kube_field_errors_required (errors, AT (path, key), NULL);
}

static void
check_secret_reference (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *reference)
{
  if (reference == NULL)
    return;
  if (!has_text (reference, "name"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  else
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (reference, "name"));
  if (!has_text (reference, "namespace"))
    kube_field_errors_required (errors, AT (path, "namespace"), NULL);
  else
    kube_validate_format (errors, AT (path, "namespace"), KUBE_NAME_DNS1123_LABEL, string_of (reference, "namespace"));
}

static void
check_csi (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  static const char *const references[]
      = { "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef" };

  kube_validate_csi_driver (errors, AT (path, "driver"), string_of (source, "driver"));
  if (!has_text (source, "volumeHandle"))
    kube_field_errors_required (errors, AT (path, "volumeHandle"), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (references); i++)
    check_secret_reference (errors, AT (path, references[i]), member_of (source, references[i]));
}

static void
check_iscsi (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source, const char *volume)
{
  static const char kind[] = "must be valid format";
  const char *portal = string_of (source, "targetPortal");

  require (errors, path, source, "targetPortal");
  if (has_member (source, "initiatorName") && strlen (volume) + strlen (":") + strlen (portal) > 64)
    kube_field_errors_invalid (errors, AT (path, "targetportal"), portal,
                               "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.");
  kube_validate_iscsi_target (errors, path, source, kind);
  if (has_member (source, "secretRef"))
    require (errors, AT (path, "secretRef"), member_of (source, "secretRef"), "name");
  kube_validate_iscsi_initiator (errors, path, source, kind);
}

/* What a source must say beside what one in a pod says: a pod has a namespace, a volume has none. */
static void
check_namespace (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *source)
{
  if (equals (name, "glusterfs") && has_member (source, "endpointsNamespace")) {
    if (has_text (source, "endpointsNamespace"))
      kube_validate_format (errors, AT (path, "endpointsNamespace"), KUBE_NAME_DNS1123_LABEL, string_of (source, "endpointsNamespace"));
    else
      kube_field_errors_invalid (errors, AT (path, "endpointsNamespace"), "", "if the endpointnamespace is set, it must be a valid namespace name");
  } else if (equals (name, "azureFile") && has_member (source, "secretNamespace")) {
    require (errors, path, source, "secretNamespace");
  } else if ((equals (name, "cinder") || equals (name, "storageos")) && has_member (source, "secretRef")) {
    require (errors, AT (path, "secretRef"), member_of (source, "secretRef"), "namespace");
  }
}

static void
check_local (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source, KubeValue *affinity)
{
  if (!has_text (source, "path"))
    kube_field_errors_required (errors, AT (AT (path, "local"), "path"), NULL);
  else
    kube_validate_path_no_backsteps (errors, AT (AT (path, "local"), "path"), string_of (source, "path"));
  if (affinity == NULL)
    kube_field_errors_required (errors, AT (path, "nodeAffinity"), "Local volume requires node affinity");
}

static void
check_sources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, const char *volume)
{
  gboolean found = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (volume_sources); i++) {
    const char *name = volume_sources[i];
    KubeValue *source = member_of (spec, name);

    if (source == NULL)
      continue;
    if (found && !equals (name, "flexVolume")) {
      kube_field_errors_forbidden (errors, AT (path, equals (name, "cephfs") ? "cephFS" : name),
                                   "may not specify more than 1 volume type");
      continue;
    }
    found = TRUE;
    if (equals (name, "csi"))
      check_csi (errors, AT (path, name), source);
    else if (equals (name, "local"))
      check_local (errors, path, source, member_of (spec, "nodeAffinity"));
    else if (equals (name, "iscsi"))
      check_iscsi (errors, AT (path, name), source, volume);
    else {
      kube_validate_volume_source (errors, path, name, source);
      check_namespace (errors, AT (path, name), name, source);
    }
  }
  if (!found)
    kube_field_errors_required (errors, path, "must specify a volume type");
}

static void
check_capacity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *capacity)
{
  guint n = kube_value_get_length (capacity);

  if (n == 0)
    kube_field_errors_required (errors, path, NULL);
  if (n > 1 || !has_member (capacity, "storage")) {
    g_autoptr (GString) bad = g_string_new (NULL);
    if (capacity != NULL)
      kube_go_json (bad, capacity);
    else
      g_string_append (bad, "null");
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad->str, "supported values: \"storage\"");
  }
  for (guint i = 0; i < n; i++) {
    const char *name = kube_value_get_key (capacity, i);
    KubeQuantity quantity;

    kube_validate_amount (errors, path, capacity, name);
    if (kube_validate_get_quantity (capacity, name, &quantity) && quantity.value <= 0) {
      g_autofree char *text = kube_quantity_print (&quantity);
      kube_field_errors_invalid (errors, AT_KEY (path, name), text, "must be greater than zero");
    }
  }
}

static void
check_modes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const policies[] = { "Delete", "Recycle", "Retain", NULL };

  if (kube_value_get_length (member_of (spec, "accessModes")) == 0)
    kube_field_errors_required (errors, AT (path, "accessModes"), NULL);
  kube_validate_access_modes (errors, AT (path, "accessModes"), member_of (spec, "accessModes"));
  check_capacity (errors, AT (path, "capacity"), member_of (spec, "capacity"));
  if (has_text (spec, "persistentVolumeReclaimPolicy")
      && !kube_validate_one_of (string_of (spec, "persistentVolumeReclaimPolicy"), policies))
    kube_field_errors_not_supported (errors, AT (path, "persistentVolumeReclaimPolicy"),
                                     string_of (spec, "persistentVolumeReclaimPolicy"), policies);
}

static void
check_classes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const modes[] = { "Block", "Filesystem", NULL };

  if (has_text (spec, "storageClassName"))
    kube_validate_format (errors, AT (path, "storageClassName"), KUBE_NAME_DNS1123_SUBDOMAIN,
                          string_of (spec, "storageClassName"));
  if (has_member (spec, "volumeMode") && !kube_validate_one_of (string_of (spec, "volumeMode"), modes))
    kube_field_errors_not_supported (errors, AT (path, "volumeMode"), string_of (spec, "volumeMode"), modes);
  if (!has_member (spec, "volumeAttributesClassName"))
    return;
  if (!has_text (spec, "volumeAttributesClassName"))
    kube_field_errors_required (errors, AT (path, "volumeAttributesClassName"), "an empty string is disallowed");
  else
    kube_validate_format (errors, AT (path, "volumeAttributesClassName"), KUBE_NAME_DNS1123_SUBDOMAIN,
                          string_of (spec, "volumeAttributesClassName"));
  if (!has_member (spec, "csi"))
    kube_field_errors_required (errors, AT (path, "csi"), "has to be specified when using volumeAttributesClassName");
}

static void
create_volume (KubeFieldErrors *errors, KubeValue *volume)
{
  const KubeFieldPath *path = AT (NULL, "spec");
  KubeValue *spec = member_of (volume, "spec"), *affinity = member_of (spec, "nodeAffinity");
  const char *host_path = string_of (member_of (spec, "hostPath"), "path");

  check_modes (errors, path, spec);
  if (affinity != NULL && !has_member (affinity, "required"))
    kube_field_errors_required (errors, AT (AT (path, "nodeAffinity"), "required"), "must specify required node constraints");
  else if (affinity != NULL)
    kube_validate_node_selector (errors, AT (AT (path, "nodeAffinity"), "required"), member_of (affinity, "required"));
  check_sources (errors, path, spec, string_of (member_of (volume, "metadata"), "name"));
  if (*host_path == '/' && equals (string_of (spec, "persistentVolumeReclaimPolicy"), "Recycle")) {
    g_autofree char *clean = g_canonicalize_filename (host_path, "/");
    if (equals (clean, "/"))
      kube_field_errors_forbidden (errors, AT (path, "persistentVolumeReclaimPolicy"),
                                   "may not be 'recycle' for a hostPath mount of '/'");
  }
  check_classes (errors, path, spec);
}

static gboolean
has_same_sources (KubeValue *spec, KubeValue *old)
{
  for (gsize i = 0; i < G_N_ELEMENTS (volume_sources); i++)
    if (!kube_validate_semantic_equal (member_of (spec, volume_sources[i]), member_of (old, volume_sources[i])))
      return FALSE;
  return TRUE;
}

static void
check_source_kept (KubeFieldErrors *errors, KubeValue *spec, KubeValue *old)
{
  g_autoptr (KubeValue) kept = kube_value_ref (spec);

  /* The secret for expansion may be added later. */
  if (has_member (old, "csi") && !has_member (member_of (old, "csi"), "controllerExpandSecretRef")
      && has_member (member_of (spec, "csi"), "controllerExpandSecretRef")) {
    g_autoptr (KubeBuilder) builder = kube_builder_new (spec);
    kube_node_remove (kube_builder_get_root (builder), "csi.controllerExpandSecretRef");
    g_clear_pointer (&kept, kube_value_unref);
    kept = kube_builder_end (builder);
  }
  if (!has_same_sources (kept, old)) {
    g_autofree char *diff = kube_go_struct_diff ("@core.PersistentVolumeSource", old, kept);
    g_autofree char *detail = g_strconcat ("spec.persistentvolumesource is immutable after creation\n", diff, NULL);
    kube_field_errors_forbidden (errors, AT (AT (NULL, "spec"), "persistentvolumesource"), detail);
  }
}

/* What a label of former times is called now; "" for one that has kept its name. */
static const char *
current_label (const char *key)
{
  static const char *const labels[][2] = {
    { "beta.kubernetes.io/arch", "kubernetes.io/arch" },
    { "beta.kubernetes.io/os", "kubernetes.io/os" },
    { "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type" },
    { "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone" },
    { "failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (labels); i++)
    if (equals (labels[i][0], key))
      return labels[i][1];
  return "";
}

/* @old with the labels' current names where @affinity has these. As upstream has it, no name at all passes for the current one of any other label. */
static KubeValue *
with_current_labels (KubeValue *affinity, KubeValue *old)
{
  KubeValue *terms = kube_value_get (affinity, "required.nodeSelectorTerms");
  g_autoptr (KubeBuilder) builder = kube_builder_new (old);
  KubeNode *old_terms = kube_node_get (kube_builder_get_root (builder), "required.nodeSelectorTerms");

  for (guint t = 0; t < kube_node_get_length (old_terms); t++) {
    KubeNode *old_list = kube_node_get_member (kube_node_get_element (old_terms, t), "matchExpressions");
    KubeValue *list = member_of (kube_value_get_element (terms, t), "matchExpressions");

    for (guint i = 0; i < kube_node_get_length (old_list) && i < kube_value_get_length (list); i++) {
      KubeNode *expression = kube_node_get_element (old_list, i);
      const char *key = string_of (kube_value_get_element (list, i), "key"), *before = kube_node_get_string (expression, "key");
      if (equals (key, current_label (before != NULL ? before : "")))
        kube_node_put_string (expression, "key", key);
    }
  }
  return kube_builder_end (builder);
}

/* It may be set where there is none. */
static void
check_affinity_kept (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *affinity, KubeValue *old)
{
  const char *detail = "field is immutable, except for updating from beta label to GA";
  g_autoptr (KubeValue) allowed = old != NULL ? with_current_labels (affinity, old) : NULL;

  if (old == NULL || kube_validate_semantic_equal (affinity, allowed))
    return;
  if (affinity == NULL)
    kube_field_errors_invalid_value (errors, path, NULL, detail);
  else
    kube_validate_invalid_struct (errors, path, "@core.VolumeNodeAffinity", affinity, detail);
}

static void
update_volume (KubeFieldErrors *errors, KubeValue *volume, KubeValue *old_volume)
{
  KubeValue *spec = member_of (volume, "spec"), *old = member_of (old_volume, "spec");

  /* Upstream asks twice. */
  for (int i = 0; i < 2; i++) {
    kube_validate_meta (errors, AT (NULL, "metadata"), member_of (volume, "metadata"), FALSE, KUBE_NAME_RULE_SUBDOMAIN);
    create_volume (errors, volume);
  }
  check_source_kept (errors, spec, old);
  kube_validate_immutable (errors, AT (NULL, "volumeMode"), member_of (spec, "volumeMode"), member_of (old, "volumeMode"), NULL);
  check_affinity_kept (errors, AT (NULL, "nodeAffinity"), member_of (spec, "nodeAffinity"), member_of (old, "nodeAffinity"));
  if (has_member (old, "volumeAttributesClassName") && !has_member (spec, "volumeAttributesClassName"))
    kube_field_errors_forbidden (errors, AT (AT (NULL, "spec"), "volumeAttributesClassName"),
                                 "update from non-nil value to nil is forbidden");
}

const KubeValidateRules kube_validate_persistent_rules[] = {
  { "", "PersistentVolume", KUBE_NAME_RULE_SUBDOMAIN, 0, create_volume, update_volume, NULL },
  { NULL },
};
