/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* CustomResourceDefinition: its group, scope, names, versions and what these have of schemas, subresources and columns.
 *
 * Upstream keeps what all versions share outside of them, as the first form of the API had it. Where its rules find something wrong there, they
 * name that place: `spec.validation` for the schemas of versions that have the same. */

/* @tested: @value as it is tested; @prefix: what stands before the messages */
static void
check_format (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value, const char *tested, const char *prefix)
{
  g_autoptr (GPtrArray) messages = NULL;
  g_autofree char *joined = NULL;

  if (kube_name_is_valid (format, tested))
    return;
  messages = kube_name_check_all (format, tested);
  g_ptr_array_add (messages, NULL);
  joined = g_strjoinv (",", (char **)messages->pdata);
  kube_field_errors_invalid_format (errors, path, value, "%s%s", prefix, joined);
}

static void
check_label (KubeFieldErrors *errors, const KubeFieldPath *path, const char *label)
{
  check_format (errors, path, KUBE_NAME_DNS1035_LABEL, label, label, "");
}

static void
check_mixed_case (KubeFieldErrors *errors, const KubeFieldPath *path, const char *kind)
{
  g_autofree char *lower = g_utf8_strdown (kind, -1);

  if (*kind != '\0')
    check_format (errors, path, KUBE_NAME_DNS1035_LABEL, kind, lower, "may have mixed case, but should otherwise match: ");
}

static void
check_labels (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  for (guint i = 0; i < kube_value_get_length (names); i++)
    check_label (errors, AT_INDEX (path, i), element_string (names, i));
}

static void
check_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  const char *kind = string_of (names, "kind"), *list = string_of (names, "listKind");

  if (has_text (names, "plural"))
    check_label (errors, AT (path, "plural"), string_of (names, "plural"));
  if (has_text (names, "singular"))
    check_label (errors, AT (path, "singular"), string_of (names, "singular"));
  check_mixed_case (errors, AT (path, "kind"), kind);
  check_mixed_case (errors, AT (path, "listKind"), list);
  check_labels (errors, AT (path, "shortNames"), member_of (names, "shortNames"));
  if (*kind != '\0' && equals (kind, list))
    kube_field_errors_invalid (errors, AT (path, "listKind"), list, "kind and listKind may not be the same");
  check_labels (errors, AT (path, "categories"), member_of (names, "categories"));
}

static void
check_required_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  static const char *const required[] = { "plural", "singular", "kind", "listKind" };

  for (gsize i = 0; i < G_N_ELEMENTS (required); i++)
    if (!has_text (names, required[i]))
      kube_field_errors_required (errors, AT (path, required[i]), NULL);
}

static void
check_group (KubeFieldErrors *errors, const KubeFieldPath *path, const char *group)
{
  if (*group == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  check_format (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, group, group, "");
  if (kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, group) && strchr (group, '.') == NULL)
    kube_field_errors_invalid (errors, path, group, "should be a domain with at least one dot");
}

/* --- what versions have --- */

typedef enum { PART_SCHEMA, PART_SUBRESOURCES, PART_COLUMNS, PART_SELECTABLE, PARTS } Part;

static const char *const version_parts[PARTS] = { "schema", "subresources", "additionalPrinterColumns", "selectableFields" };

/* The members that all versions share; NULL where they differ, or have none. */
typedef struct {
  KubeValue *parts[PARTS];
} Shared;

static Shared
find_shared (KubeValue *versions)
{
  Shared shared = { { NULL } };

  for (gsize p = 0; p < PARTS; p++) {
    shared.parts[p] = member_of (kube_value_get_element (versions, 0), version_parts[p]);
    for (guint i = 1; i < kube_value_get_length (versions) && shared.parts[p] != NULL; i++)
      if (!kube_validate_semantic_equal (shared.parts[p], member_of (kube_value_get_element (versions, i), version_parts[p])))
        shared.parts[p] = NULL;
  }
  return shared;
}

/* What all versions have, as upstream keeps it, and what was stored before. */
typedef struct {
  const Shared *shared;
  KubeValue *old; /* (nullable): the spec before */
  KubeSchemaRules rules;
} Check;

static KubeValue *
find_version (KubeValue *versions, const char *name)
{
  return kube_value_find_element (versions, "name", name);
}

/* What is stored already may cost what it does. */
static KubeSchemaRules
rules_for (const Check *check, KubeValue *version)
{
  KubeValue *old = find_version (member_of (check->old, "versions"), string_of (version, "name"));

  if (old == NULL || !kube_validate_semantic_equal (member_of (old, "schema"), member_of (version, "schema")))
    return check->rules;
  return check->rules & ~KUBE_SCHEMA_CHEAP_RULES;
}

static gboolean
has_status (KubeValue *subresources)
{
  return has_member (subresources, "status");
}

static gboolean
any_has_status (KubeValue *versions)
{
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    if (has_status (member_of (kube_value_get_element (versions, i), "subresources")))
      return TRUE;
  return FALSE;
}

static void
check_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *part, gboolean status, KubeSchemaRules rules)
{
  KubeValue *schema = member_of (part, "openAPIV3Schema");

  if (schema != NULL)
    kube_validate_resource_schema (errors, AT (path, "openAPIV3Schema"), schema, status, rules);
}

/* @without: what is said where fields are selected of no schema */
static void
check_selectable (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *fields, KubeValue *part, KubeValue *stored, const char *without)
{
  KubeValue *schema = member_of (part, "openAPIV3Schema");
  const char *reason;

  if (kube_value_get_length (fields) == 0)
    return;
  if (schema == NULL) {
    kube_field_errors_invalid (errors, AT (path, "selectableFields"), "", without);
    return;
  }
  if (!kube_schema_may_be_structural (schema, &reason)) {
    kube_field_errors_invalid (errors, AT (path, "schema.openAPIV3Schema"), "", reason);
    schema = NULL;
  }
  kube_validate_selectable_fields (errors, AT (path, "selectableFields"), fields, schema, stored);
}

/* What all versions share. */
static void
check_shared (KubeFieldErrors *errors, const KubeFieldPath *path, const Check *check, KubeValue *versions)
{
  KubeValue *const *parts = check->shared->parts;
  Shared before = find_shared (member_of (check->old, "versions"));

  check_schema (errors, AT (path, "validation"), parts[PART_SCHEMA], any_has_status (versions),
                rules_for (check, kube_value_get_element (versions, 0)));
  kube_validate_resource_subresources (errors, AT (path, "subresources"), parts[PART_SUBRESOURCES]);
  kube_validate_resource_columns (errors, AT (path, "additionalPrinterColumns"), parts[PART_COLUMNS]);
  check_selectable (errors, path, parts[PART_SELECTABLE], parts[PART_SCHEMA], before.parts[PART_SELECTABLE],
                    "may only be set when validations.schema is included");
}

/* A version's own part: NULL where all share it. */
static KubeValue *
own_part (const Check *check, KubeValue *version, Part part)
{
  return check->shared->parts[part] == NULL ? member_of (version, version_parts[part]) : NULL;
}

static void
check_version (KubeFieldErrors *errors, const KubeFieldPath *path, const Check *check, KubeValue *versions, KubeValue *version)
{
  const char *name = string_of (version, "name");
  KubeValue *subresources = member_of (find_version (versions, name), "subresources"), *schema = own_part (check, version, PART_SCHEMA);
  KubeValue *stored = member_of (find_version (member_of (check->old, "versions"), name), "selectableFields");

  check_label (errors, AT (path, "name"), name);
  kube_validate_deprecation (errors, path, version);
  check_schema (errors, AT (path, "schema"), schema, has_status (subresources), rules_for (check, version));
  kube_validate_resource_subresources (errors, AT (path, "subresources"), own_part (check, version, PART_SUBRESOURCES));
  kube_validate_resource_columns (errors, AT (path, "additionalPrinterColumns"), own_part (check, version, PART_COLUMNS));
  check_selectable (errors, path, own_part (check, version, PART_SELECTABLE), schema, stored,
                    "may only be set when `version.schema.openAPIV3Schema` is not included");
}

/* The versions as upstream prints them: without what they share. */
static void
add_versions_error (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *versions, const Shared *shared,
                    const char *detail)
{
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) bare = NULL;

  if (versions == NULL) {
    kube_field_errors_invalid_value (errors, path, NULL, detail);
    return;
  }
  builder = kube_builder_new (versions);
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    for (gsize p = 0; p < PARTS; p++)
      if (shared->parts[p] != NULL)
        kube_node_remove_member (kube_node_get_element (kube_builder_get_root (builder), i), version_parts[p]);
  bare = kube_builder_end (builder);
  kube_validate_invalid_struct (errors, path, "[@apiextensions.CustomResourceDefinitionVersion", bare, detail);
}

static void
check_versions (KubeFieldErrors *errors, const KubeFieldPath *path, const Check *check, KubeValue *versions)
{
  const char *first = string_of (kube_value_get_element (versions, 0), "name");
  guint n_stored = 0, n = kube_value_get_length (versions);
  gboolean repeated = FALSE;
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < n; i++) {
    KubeValue *version = kube_value_get_element (versions, i);

    n_stored += boolean_of (version, "storage");
    repeated |= !name_set_add (&names, string_of (version, "name"));
    check_version (errors, AT_INDEX (path, i), check, versions, version);
  }
  if (repeated)
    add_versions_error (errors, path, versions, check->shared, "must contain unique version names");
  if (n_stored != 1)
    add_versions_error (errors, path, versions, check->shared, "must have exactly one version marked as storage version");
  if (*first != '\0')
    check_label (errors, AT (AT (NULL, "spec"), "version"), first);
}

/* Each version that is stored is there once, and the one in which new objects are stored is among them. */
static void
check_stored (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *stored, KubeValue *versions)
{
  g_autoptr (GHashTable) left = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = kube_value_get_length (stored);

  if (n == 0)
    kube_field_errors_invalid_value (errors, path, stored, "must have at least one stored version");
  for (guint i = 0; i < n; i++)
    g_hash_table_add (left, (gpointer)element_string (stored, i));
  for (guint i = 0; i < kube_value_get_length (versions) && n > 0; i++) {
    KubeValue *version = kube_value_get_element (versions, i);
    const char *name = string_of (version, "name");

    if (!g_hash_table_remove (left, name) && boolean_of (version, "storage")) {
      g_autofree char *detail = g_strconcat ("must have the storage version ", name, NULL);
      kube_field_errors_invalid_value (errors, path, stored, detail);
    }
  }
  for (guint i = 0; i < n; i++)
    if (g_hash_table_contains (left, element_string (stored, i)))
      kube_field_errors_invalid_format (
          errors, AT_INDEX (path, i), element_string (stored, i),
          "missing from spec.versions; %1$s was previously a storage version, and must remain in spec.versions until a storage migration ensures "
          "no data remains persisted in %1$s and removes %1$s from status.storedVersions",
          element_string (stored, i));
}

/* --- groups of the community --- */

static const char approved_key[] = "api-approved.kubernetes.io";

typedef enum { APPROVAL_MISSING, APPROVAL_BYPASSED, APPROVAL_GIVEN, APPROVAL_INVALID } Approval;

static const char *
approval_text (KubeValue *object)
{
  const char *text = kube_value_get_member_string (kube_value_get (object, "metadata.annotations"), approved_key);

  return text != NULL ? text : "";
}

static Approval
find_approval (KubeValue *object)
{
  const char *text = approval_text (object);

  if (*text == '\0')
    return APPROVAL_MISSING;
  if (g_str_has_prefix (text, "unapproved"))
    return APPROVAL_BYPASSED;
  return g_regex_match_simple ("^[a-zA-Z][a-zA-Z0-9+.-]*://[^/]+", text, 0, 0) ? APPROVAL_GIVEN : APPROVAL_INVALID;
}

/* @old: (nullable): what was as wrong before may stay so */
static void
check_approval (KubeFieldErrors *errors, KubeValue *object, KubeValue *old, const char *group)
{
  static const char *const community[] = { "k8s.io", "kubernetes.io", NULL };
  static const char see[] = "see https://github.com/kubernetes/enhancements/pull/1111";
  const KubeFieldPath *path = AT_KEY (AT (AT (NULL, "metadata"), "annotations"), approved_key);
  Approval approval = find_approval (object);
  g_autofree char *detail = NULL;

  if (!kube_validate_one_of (group, community) && !g_str_has_suffix (group, ".k8s.io") && !g_str_has_suffix (group, ".kubernetes.io"))
    return;
  if (old != NULL && find_approval (old) == approval)
    return;
  if (approval == APPROVAL_MISSING) {
    detail = g_strdup_printf ("protected groups must have approval annotation \"%s\", %s", approved_key, see);
    kube_field_errors_required (errors, path, detail);
  } else if (approval == APPROVAL_INVALID) {
    detail = g_strdup_printf (
        "protected groups must have approval annotation \"%s\" with either a URL or a reason starting with \"unapproved\", %s", approved_key, see);
    kube_field_errors_invalid (errors, path, approval_text (object), detail);
  }
}

/* --- whole definitions --- */

static void
check_preserving (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *versions = member_of (spec, "versions");
  const char *strategy = string_of (member_of (spec, "conversion"), "strategy");
  gboolean has_default = FALSE;

  if (!boolean_of (spec, "preserveUnknownFields"))
    return;
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    has_default |= kube_schema_has_default (kube_value_get (kube_value_get_element (versions, i), "schema.openAPIV3Schema"));
  if (has_default)
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT (path, "preserveUnknownFields"), "true",
                           "must be false in order to use defaults in the schema");
  if (*strategy != '\0' && !equals (strategy, "None"))
    kube_field_errors_invalid (errors, AT (AT (path, "conversion"), "strategy"), strategy, "must be None if spec.preserveUnknownFields is true");
}

/* All rules but those that what is stored already breaks. */
static KubeSchemaRules
find_rules (KubeValue *old)
{
  KubeValue *versions = member_of (old, "versions");
  KubeSchemaRules broken = 0;

  for (guint i = 0; i < kube_value_get_length (versions); i++)
    broken |= kube_schema_find_broken_rules (kube_value_get (kube_value_get_element (versions, i), "schema.openAPIV3Schema"));
  return KUBE_SCHEMA_ALL_RULES & ~broken;
}

static void
check_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *old)
{
  static const char *const scopes[] = { "Cluster", "Namespaced", NULL };
  KubeValue *versions = member_of (spec, "versions");
  Shared shared = find_shared (versions);
  Check check = { &shared, old, find_rules (old) };

  check_group (errors, AT (path, "group"), string_of (spec, "group"));
  if (!has_text (spec, "scope"))
    kube_field_errors_required (errors, AT (path, "scope"), NULL);
  else if (!kube_validate_one_of (string_of (spec, "scope"), scopes))
    kube_field_errors_not_supported (errors, AT (path, "scope"), string_of (spec, "scope"), scopes);
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    if (kube_value_is_null (kube_value_get (kube_value_get_element (versions, i), "schema.openAPIV3Schema")))
      kube_field_errors_required (errors, AT (AT (AT_INDEX (AT (path, "versions"), i), "schema"), "openAPIV3Schema"), NULL);
  check_versions (errors, AT (path, "versions"), &check, versions);
  check_required_names (errors, AT (path, "names"), member_of (spec, "names"));
  check_names (errors, AT (path, "names"), member_of (spec, "names"));
  check_shared (errors, path, &check, versions);
  check_preserving (errors, path, spec);
  kube_validate_conversion (errors, AT (path, "conversion"), member_of (spec, "conversion"), member_of (old, "conversion"));
}

/* @old: (nullable) */
static void
check_definition (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  KubeValue *spec = member_of (object, "spec"), *status = member_of (object, "status"), *old_spec = member_of (old, "spec");

  check_spec (errors, AT (NULL, "spec"), spec, old_spec);
  check_names (errors, AT (AT (NULL, "status"), "acceptedNames"), member_of (status, "acceptedNames"));
  check_stored (errors, AT (AT (NULL, "status"), "storedVersions"), member_of (status, "storedVersions"),
                member_of (spec, "versions"));
  check_approval (errors, object, old, string_of (spec, "group"));
  if (boolean_of (spec, "preserveUnknownFields") && !boolean_of (old_spec, "preserveUnknownFields"))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT (AT (NULL, "spec"), "preserveUnknownFields"), "true",
                           "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
}

static void
create_definition (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *names = member_of (spec, "names");
  const char *name = string_of (member_of (object, "metadata"), "name"), *group = string_of (spec, "group");
  g_autofree char *required = g_strconcat (string_of (names, "plural"), ".", group, NULL);

  if (*name != '\0' && !equals (name, required))
    kube_field_errors_invalid (errors, AT (AT (NULL, "metadata"), "name"), name, "must be spec.names.plural+\".\"+spec.group");
  check_definition (errors, object, NULL);
}

static gboolean
is_established (KubeValue *object)
{
  KubeValue *conditions = kube_value_get (object, "status.conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++)
    if (equals (string_of (kube_value_get_element (conditions, i), "type"), "Established"))
      return equals (string_of (kube_value_get_element (conditions, i), "status"), "True");
  return FALSE;
}

static void
update_definition (KubeFieldErrors *errors, KubeValue *object, KubeValue *old_object)
{
  KubeValue *spec = member_of (object, "spec"), *old = member_of (old_object, "spec");
  const KubeFieldPath *path = AT (NULL, "spec"), *names = AT (path, "names");

  check_definition (errors, object, old_object);
  if (is_established (old_object)) {
    kube_validate_immutable (errors, AT (path, "scope"), member_of (spec, "scope"), member_of (old, "scope"), "s");
    kube_validate_immutable (errors, AT (names, "kind"), kube_value_get (spec, "names.kind"), kube_value_get (old, "names.kind"),
                             "s");
  }
  kube_validate_immutable (errors, AT (path, "group"), member_of (spec, "group"), member_of (old, "group"), "s");
  kube_validate_immutable (errors, AT (names, "plural"), kube_value_get (spec, "names.plural"),
                           kube_value_get (old, "names.plural"), "s");
}

static void
update_definition_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old_object G_GNUC_UNUSED)
{
  check_names (errors, AT (AT (NULL, "status"), "acceptedNames"), kube_value_get (object, "status.acceptedNames"));
}

const KubeValidateRules kube_validate_definition_rules[] = {
  { "apiextensions.k8s.io", "CustomResourceDefinition", KUBE_NAME_RULE_SUBDOMAIN,
    KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_ANY_FINALIZER, create_definition, update_definition,
    update_definition_status },
  { NULL },
};
