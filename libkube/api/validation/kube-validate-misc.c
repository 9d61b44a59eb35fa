/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* PersistentVolumeClaim, and what is asked of the server rather than stored: TokenRequest, Binding. */

void
kube_validate_access_modes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *modes)
{
  static const char *const valid[] = { "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", NULL };
  gboolean alone = FALSE, others = FALSE;

  for (guint i = 0; i < kube_value_get_length (modes); i++) {
    const char *mode = element_string (modes, i);
    if (!kube_validate_one_of (mode, valid))
      kube_field_errors_not_supported (errors, path, mode, valid);
    else if (equals (mode, "ReadWriteOncePod"))
      alone = TRUE;
    else
      others = TRUE;
  }
  if (alone && others)
    kube_field_errors_forbidden (errors, path, "may not use ReadWriteOncePod with other access modes");
}

static void
check_storage (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requests)
{
  KubeQuantity quantity;

  if (!has_member (requests, "storage")) {
    kube_field_errors_required (errors, path, NULL);
  } else if (kube_validate_get_quantity (requests, "storage", &quantity) && quantity.value <= 0) {
    g_autofree char *text = kube_quantity_print (&quantity);
    kube_field_errors_invalid (errors, path, text, "must be greater than zero");
  }
}

static void
check_data_source (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  const char *group = string_of (source, "apiGroup"), *kind = string_of (source, "kind");

  if (source == NULL)
    return;
  if (!has_text (source, "name"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  if (*kind == '\0')
    kube_field_errors_required (errors, AT (path, "kind"), NULL);
  if (*group == '\0' && !equals (kind, "PersistentVolumeClaim"))
    kube_field_errors_invalid (errors, path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  if (*group != '\0')
    kube_validate_format (errors, AT (path, "apiGroup"), KUBE_NAME_DNS1123_SUBDOMAIN, group);
  if (has_text (source, "namespace"))
    kube_validate_format (errors, AT (path, "namespace"), KUBE_NAME_DNS1123_LABEL, string_of (source, "namespace"));
}

static void
check_data_sources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *source = member_of (spec, "dataSource"), *ref = member_of (spec, "dataSourceRef");

  check_data_source (errors, AT (path, "dataSource"), source);
  check_data_source (errors, AT (path, "dataSourceRef"), ref);
  if (source == NULL || ref == NULL)
    return;
  if (has_text (ref, "namespace"))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, "{}", "may not be specified when dataSourceRef.namespace is specified");
  else if (!kube_validate_semantic_equal (member_of (source, "apiGroup"), member_of (ref, "apiGroup")) ||
           !equals (string_of (source, "kind"), string_of (ref, "kind")) || !equals (string_of (source, "name"), string_of (ref, "name")))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, "{}", "must match dataSourceRef");
}

void
kube_validate_volume_claim_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const modes[] = { "Block", "Filesystem", NULL };

  if (kube_value_get_length (member_of (spec, "accessModes")) == 0)
    kube_field_errors_required (errors, AT (path, "accessModes"), "at least 1 access mode is required");
  kube_validate_label_selector (errors, AT (path, "selector"), member_of (spec, "selector"));
  kube_validate_access_modes (errors, AT (path, "accessModes"), member_of (spec, "accessModes"));
  check_storage (errors, AT_KEY (AT (path, "resources"), "storage"), member_of (member_of (spec, "resources"), "requests"));
  if (has_text (spec, "storageClassName"))
    kube_validate_format (errors, AT (path, "storageClassName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (spec, "storageClassName"));
  if (has_member (spec, "volumeMode") && !kube_validate_one_of (string_of (spec, "volumeMode"), modes))
    kube_field_errors_not_supported (errors, AT (path, "volumeMode"), string_of (spec, "volumeMode"), modes);
  check_data_sources (errors, path, spec);
  if (has_text (spec, "volumeAttributesClassName"))
    kube_validate_format (errors, AT (path, "volumeAttributesClassName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (spec, "volumeAttributesClassName"));
}

static void
create_claim (KubeFieldErrors *errors, KubeValue *claim)
{
  kube_validate_volume_claim_spec (errors, AT (NULL, "spec"), member_of (claim, "spec"));
}

static void
copy_member (KubeNode *to, const char *path, KubeValue *from)
{
  KubeValue *value = kube_value_get (from, path);

  if (value != NULL)
    kube_node_set_value (to, path, value);
}

/* What the volume's binding, a class that was none and a bound claim may change is put back. */
static KubeValue *
munge_claim (KubeValue *claim, KubeValue *old_claim, gboolean new_class)
{
  KubeValue *old = member_of (old_claim, "spec");
  g_autoptr (KubeBuilder) builder = kube_builder_new (member_of (claim, "spec"));
  KubeNode *root = kube_builder_get_root (builder);

  if (!has_text (old, "volumeName"))
    kube_node_remove_member (root, "volumeName");
  if (new_class)
    kube_node_remove_member (root, "storageClassName");
  if (equals (string_of (member_of (claim, "status"), "phase"), "Bound")) {
    copy_member (root, "resources.requests.storage", old);
    kube_node_remove_member (root, "volumeAttributesClassName");
    copy_member (root, "volumeAttributesClassName", old);
  }
  return kube_builder_end (builder);
}

/* A claim without a class gets one once, that of its old annotation if there is one; the annotation goes only with that. Returns: whether it got one. */
static gboolean
check_class (KubeFieldErrors *errors, KubeValue *claim, KubeValue *old_claim)
{
  static const char annotation[] = "volume.beta.kubernetes.io/storage-class";
  KubeValue *annotations = kube_value_get (claim, "metadata.annotations"), *old_annotations = kube_value_get (old_claim, "metadata.annotations");
  const char *class = string_of (member_of (claim, "spec"), "storageClassName"), *now = string_of (annotations, annotation), *before = string_of (old_annotations, annotation);
  gboolean gets = has_member (member_of (claim, "spec"), "storageClassName") && !has_member (member_of (old_claim, "spec"), "storageClassName");
  gboolean annotated = has_member (old_annotations, annotation);

  if (gets && annotated && equals (class, before) && (!has_member (annotations, annotation) || equals (now, before)))
    return TRUE;
  if (!equals (now, before))
    kube_field_errors_invalid (errors, AT (AT (AT (NULL, "metadata"), "annotations"), annotation), now, "field is immutable");
  return gets && (!annotated || equals (class, before));
}

static void
check_attributes_class (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *old_claim)
{
  if (!has_member (member_of (old_claim, "status"), "currentVolumeAttributesClassName"))
    return;
  if (kube_validate_semantic_equal (member_of (spec, "volumeAttributesClassName"), kube_value_get (old_claim, "spec.volumeAttributesClassName")))
    return;
  if (!has_member (spec, "volumeAttributesClassName"))
    kube_field_errors_forbidden (errors, path, "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil");
  else if (!has_text (spec, "volumeAttributesClassName"))
    kube_field_errors_forbidden (errors, path, "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil");
}

static void
update_claim (KubeFieldErrors *errors, KubeValue *claim, KubeValue *old_claim)
{
  KubeValue *spec = member_of (claim, "spec"), *old = member_of (old_claim, "spec");
  g_autoptr (KubeValue) munged = NULL;
  const KubeFieldPath *path = AT (NULL, "spec");
  KubeQuantity size = { 0 }, before = { 0 }, capacity = { 0 };

  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (claim, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  create_claim (errors, claim);
  munged = munge_claim (claim, old_claim, check_class (errors, claim, old_claim));
  if (!kube_validate_semantic_equal (munged, old)) {
    g_autofree char *diff = kube_go_struct_diff ("@core.PersistentVolumeClaimSpec", old, munged);
    g_autofree char *detail =
      g_strconcat ("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n", diff, NULL);
    kube_field_errors_forbidden (errors, path, detail);
  }
  kube_validate_get_quantity (kube_value_get (spec, "resources.requests"), "storage", &size);
  kube_validate_get_quantity (kube_value_get (old, "resources.requests"), "storage", &before);
  kube_validate_get_quantity (kube_value_get (old_claim, "status.capacity"), "storage", &capacity);
  if (kube_quantity_compare (&size, &before) < 0 && kube_quantity_compare (&size, &capacity) <= 0)
    kube_field_errors_forbidden (errors, AT (AT (AT (path, "resources"), "requests"), "storage"), "field can not be less than status.capacity");
  kube_validate_immutable (errors, AT (NULL, "volumeMode"), member_of (spec, "volumeMode"), member_of (old, "volumeMode"), NULL);
  check_attributes_class (errors, AT (path, "volumeAttributesClassName"), spec, old_claim);
}

/* --- a claim's status --- */

static gboolean
check_claim_resource (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  static const char *const native[] = { "storage", NULL };

  if (!kube_name_is_valid (KUBE_NAME_QUALIFIED, name))
    kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, name);
  else if (kube_validate_is_native_resource (name) && !equals (name, "storage"))
    kube_field_errors_not_supported (errors, path, name, native);
  else
    return TRUE;
  return FALSE;
}

static void
update_claim_status (KubeFieldErrors *errors, KubeValue *claim, KubeValue *old_claim G_GNUC_UNUSED)
{
  static const char *const resizes[] = { "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
                                         "NodeResizePending", NULL };
  KubeValue *status = member_of (claim, "status"), *capacity = member_of (status, "capacity"), *allocated = member_of (status, "allocatedResources"),
            *statuses = member_of (status, "allocatedResourceStatuses");
  const KubeFieldPath *path = AT (NULL, "status"), *at = AT (path, "allocatedResourceStatuses");

  for (guint i = 0; i < kube_value_get_length (capacity); i++)
    kube_validate_amount (errors, AT (path, "capacity"), capacity, kube_value_get_key (capacity, i));
  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    const char *name = kube_value_get_key (statuses, i);
    check_claim_resource (errors, at, name);
    if (!kube_validate_one_of (element_string (statuses, i), resizes))
      kube_field_errors_not_supported (errors, at, name, resizes);
  }
  at = AT (path, "allocatedResources");
  for (guint i = 0; i < kube_value_get_length (allocated); i++)
    if (check_claim_resource (errors, at, kube_value_get_key (allocated, i)))
      kube_validate_amount (errors, at, allocated, kube_value_get_key (allocated, i));
}

static void
create_token_request (KubeFieldErrors *errors, KubeValue *request)
{
  gint64 seconds = integer_of (member_of (request, "spec"), "expirationSeconds", 0);
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "expirationSeconds");

  if (seconds < 600)
    kube_field_errors_invalid_integer (errors, path, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > G_GINT64_CONSTANT (1) << 32)
    kube_field_errors_invalid_integer (errors, path, seconds, "may not specify a duration larger than 2^32 seconds");
}

static void
create_binding (KubeFieldErrors *errors, KubeValue *binding)
{
  static const char *const kinds[] = { "Node", "<empty>", NULL };
  KubeValue *target = member_of (binding, "target");

  if (has_text (target, "kind") && !equals (string_of (target, "kind"), "Node"))
    kube_field_errors_not_supported (errors, AT (AT (NULL, "target"), "kind"), string_of (target, "kind"), kinds);
  if (!has_text (target, "name"))
    kube_field_errors_required (errors, AT (AT (NULL, "target"), "name"), NULL);
}

const KubeValidateRules kube_validate_misc_rules[] = {
  { "", "PersistentVolumeClaim", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_claim, update_claim, update_claim_status },
  { "authentication.k8s.io", "TokenRequest", KUBE_NAME_RULE_ANY, 0, create_token_request, NULL, NULL },
  { "", "Binding", KUBE_NAME_RULE_ANY, 0, create_binding, NULL, NULL },
  { NULL },
};
