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

/* What the volume's binding and a bound claim may change is put back. */
static KubeValue *
munge_claim (KubeValue *claim, KubeValue *spec, KubeValue *old)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (spec);
  KubeNode *root = kube_builder_get_root (builder);

  if (!has_text (old, "volumeName"))
    kube_node_remove_member (root, "volumeName");
  if (!has_member (old, "storageClassName"))
    kube_node_remove_member (root, "storageClassName");
  if (equals (string_of (member_of (claim, "status"), "phase"), "Bound")) {
    copy_member (root, "resources.requests.storage", old);
    kube_node_remove_member (root, "volumeAttributesClassName");
    copy_member (root, "volumeAttributesClassName", old);
  }
  return kube_builder_end (builder);
}

static void
update_claim (KubeFieldErrors *errors, KubeValue *claim, KubeValue *old_claim)
{
  KubeValue *spec = member_of (claim, "spec"), *old = member_of (old_claim, "spec");
  g_autoptr (KubeValue) munged = munge_claim (claim, spec, old);
  const KubeFieldPath *path = AT (NULL, "spec");
  KubeQuantity size = { 0 }, before = { 0 }, capacity = { 0 };

  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (claim, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  create_claim (errors, claim);
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
  { "", "PersistentVolumeClaim", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_claim, update_claim, NULL },
  { "authentication.k8s.io", "TokenRequest", KUBE_NAME_RULE_ANY, 0, create_token_request, NULL, NULL },
  { "", "Binding", KUBE_NAME_RULE_ANY, 0, create_binding, NULL, NULL },
  { NULL },
};
