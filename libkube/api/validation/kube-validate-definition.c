/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* CustomResourceDefinition: its group, scope, names, versions and what these have of schemas, subresources and columns.
 *
 * Upstream keeps what all versions share outside of them, as the first form of the API had it. Where its rules find something wrong there, they
 * name that place: `spec.validation` for the schemas of versions that have the same. */

static void
check_mixed_case (KubeFieldErrors *errors, const KubeFieldPath *path, const char *kind)
{
  g_autofree char *lower = g_ascii_strdown (kind, -1), *joined = NULL;
  g_autoptr (GPtrArray) messages = NULL;

  if (*kind == '\0' || kube_name_is_valid (KUBE_NAME_DNS1035_LABEL, lower))
    return;
  messages = kube_name_check_all (KUBE_NAME_DNS1035_LABEL, lower);
  g_ptr_array_add (messages, NULL);
  joined = g_strjoinv (",", (char **)messages->pdata);
  kube_field_errors_invalid_format (errors, path, kind, "may have mixed case, but should otherwise match: %s", joined);
}

static void
check_labels (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  for (guint i = 0; i < kube_value_get_length (names); i++)
    kube_validate_format (errors, AT_INDEX (path, i), KUBE_NAME_DNS1035_LABEL, element_string (names, i));
}

static void
check_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  const char *kind = string_of (names, "kind"), *list = string_of (names, "listKind");

  if (has_text (names, "plural"))
    kube_validate_format (errors, AT (path, "plural"), KUBE_NAME_DNS1035_LABEL, string_of (names, "plural"));
  if (has_text (names, "singular"))
    kube_validate_format (errors, AT (path, "singular"), KUBE_NAME_DNS1035_LABEL, string_of (names, "singular"));
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
  kube_validate_format (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, group);
  if (kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, group) && strchr (group, '.') == NULL)
    kube_field_errors_invalid (errors, path, group, "should be a domain with at least one dot");
}

/* --- what versions have --- */

enum { PARTS = 4 };

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

static void
check_json_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text, const char *under)
{
  if (*text != '.') {
    kube_field_errors_invalid (errors, path, text, "must be a simple json path starting with .");
  } else if (under != NULL && !(g_str_has_prefix (text, under) && text[strlen (under)] == '.')) {
    g_autofree char *detail = g_strconcat ("should be a json path under ", under, NULL);
    kube_field_errors_invalid (errors, path, text, detail);
  }
}

static void
check_subresources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *subresources)
{
  static const struct {
    const char *key, *name, *under;
  } paths[] = { { "specReplicasPath", "scale.specReplicasPath", ".spec" },
                { "statusReplicasPath", "scale.statusReplicasPath", ".status" } };
  KubeValue *scale = member_of (subresources, "scale");

  if (scale == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    if (!has_text (scale, paths[i].key))
      kube_field_errors_required (errors, AT (path, paths[i].name), NULL);
    else
      check_json_path (errors, AT (path, paths[i].name), string_of (scale, paths[i].key), paths[i].under);
  if (has_text (scale, "labelSelectorPath")) {
    const char *selector = string_of (scale, "labelSelectorPath");
    if (*selector == '.' && !g_str_has_prefix (selector, ".status.") && !g_str_has_prefix (selector, ".spec."))
      kube_field_errors_invalid (errors, AT (path, "scale.labelSelectorPath"), selector,
                                 "should be a json path under either .status or .spec");
    else
      check_json_path (errors, AT (path, "scale.labelSelectorPath"), selector, NULL);
  }
}

static void
check_column (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *column)
{
  static const char *const types[] = { "boolean", "date", "integer", "number", "string", NULL };
  static const char *const formats[] = { "byte", "date", "date-time", "double", "float", "int32", "int64", "password", NULL };
  static const char one_of[] = "must be one of boolean,date,integer,number,string";
  const char *type = string_of (column, "type"), *format = string_of (column, "format");

  if (!has_text (column, "name"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  if (*type == '\0')
    kube_field_errors_required (errors, AT (path, "type"), one_of);
  else if (!kube_validate_one_of (type, types))
    kube_field_errors_invalid (errors, AT (path, "type"), type, one_of);
  if (*format != '\0' && !kube_validate_one_of (format, formats))
    kube_field_errors_invalid (errors, AT (path, "format"), format,
                               "must be one of byte,date,date-time,double,float,int32,int64,password");
  if (!has_text (column, "jsonPath"))
    kube_field_errors_required (errors, AT (path, "JSONPath"), NULL);
  else
    check_json_path (errors, AT (path, "JSONPath"), string_of (column, "jsonPath"), NULL);
}

/* One version's part, or the one that all share. */
static void
check_part (KubeFieldErrors *errors, const KubeFieldPath *path, const char *key, KubeValue *part, gboolean shared,
            gboolean has_status)
{
  if (part == NULL)
    return;
  if (equals (key, "schema") && has_member (part, "openAPIV3Schema"))
    kube_validate_resource_schema (errors, AT (AT (path, shared ? "validation" : "schema"), "openAPIV3Schema"),
                                   member_of (part, "openAPIV3Schema"), has_status);
  else if (equals (key, "subresources"))
    check_subresources (errors, AT (path, "subresources"), part);
  else if (equals (key, "additionalPrinterColumns"))
    for (guint i = 0; i < kube_value_get_length (part); i++)
      check_column (errors, AT_INDEX (AT (path, key), i), kube_value_get_element (part, i));
}

static gboolean
has_status (KubeValue *version)
{
  return has_member (member_of (version, "subresources"), "status");
}

static gboolean
any_has_status (KubeValue *versions)
{
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    if (has_status (kube_value_get_element (versions, i)))
      return TRUE;
  return FALSE;
}

static void
check_version (KubeFieldErrors *errors, const KubeFieldPath *path, const Shared *shared, KubeValue *version)
{
  kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1035_LABEL, string_of (version, "name"));
  for (gsize i = 0; i < PARTS; i++)
    if (shared->parts[i] == NULL)
      check_part (errors, path, version_parts[i], member_of (version, version_parts[i]), FALSE, has_status (version));
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
check_versions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *versions, const Shared *shared)
{
  const char *first = string_of (kube_value_get_element (versions, 0), "name");
  guint n_stored = 0, n = kube_value_get_length (versions);
  gboolean repeated = FALSE;
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < n; i++)
    if (kube_value_is_null (kube_value_get (kube_value_get_element (versions, i), "schema.openAPIV3Schema")))
      kube_field_errors_required (errors, AT (AT (AT_INDEX (path, i), "schema"), "openAPIV3Schema"), NULL);
  for (guint i = 0; i < n; i++) {
    KubeValue *version = kube_value_get_element (versions, i);

    n_stored += boolean_of (version, "storage");
    repeated |= !name_set_add (&names, string_of (version, "name"));
    check_version (errors, AT_INDEX (path, i), shared, version);
  }
  if (repeated)
    add_versions_error (errors, path, versions, shared, "must contain unique version names");
  if (n_stored != 1)
    add_versions_error (errors, path, versions, shared, "must have exactly one version marked as storage version");
  if (*first != '\0')
    kube_validate_format (errors, AT (AT (NULL, "spec"), "version"), KUBE_NAME_DNS1035_LABEL, first);
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
      kube_field_errors_invalid (errors, AT_INDEX (path, i), element_string (stored, i), "must appear in spec.versions");
}

static void
check_approval (KubeFieldErrors *errors, KubeValue *object, const char *group)
{
  static const char key[] = "api-approved.kubernetes.io";
  static const char see[] = "see https://github.com/kubernetes/enhancements/pull/1111";
  const char *approval = kube_value_get_member_string (kube_value_get (object, "metadata.annotations"), key);
  const KubeFieldPath *path = AT_KEY (AT (AT (NULL, "metadata"), "annotations"), key);
  g_autofree char *detail = NULL;

  if (!g_str_has_suffix (group, ".k8s.io") && !g_str_has_suffix (group, ".kubernetes.io"))
    return;
  if (approval == NULL || *approval == '\0') {
    detail = g_strdup_printf ("protected groups must have approval annotation \"%s\", %s", key, see);
    kube_field_errors_required (errors, path, detail);
  } else if (!g_str_has_prefix (approval, "unapproved") && !g_regex_match_simple ("^[a-z]+://[^/]+", approval, 0, 0)) {
    detail = g_strdup_printf (
        "protected groups must have approval annotation \"%s\" with either a URL or a reason starting with \"unapproved\", %s",
        key, see);
    kube_field_errors_invalid (errors, path, approval, detail);
  }
}

static void
check_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const scopes[] = { "Cluster", "Namespaced", NULL };
  KubeValue *versions = member_of (spec, "versions");
  Shared shared = find_shared (versions);

  check_group (errors, AT (path, "group"), string_of (spec, "group"));
  if (!has_text (spec, "scope"))
    kube_field_errors_required (errors, AT (path, "scope"), NULL);
  else if (!kube_validate_one_of (string_of (spec, "scope"), scopes))
    kube_field_errors_not_supported (errors, AT (path, "scope"), string_of (spec, "scope"), scopes);
  check_versions (errors, AT (path, "versions"), versions, &shared);
  check_required_names (errors, AT (path, "names"), member_of (spec, "names"));
  check_names (errors, AT (path, "names"), member_of (spec, "names"));
  for (gsize i = 0; i < PARTS; i++)
    check_part (errors, path, version_parts[i], shared.parts[i], TRUE, any_has_status (versions));
}

static void
check_definition (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *status = member_of (object, "status");

  check_spec (errors, AT (NULL, "spec"), spec);
  check_names (errors, AT (AT (NULL, "status"), "acceptedNames"), member_of (status, "acceptedNames"));
  check_stored (errors, AT (AT (NULL, "status"), "storedVersions"), member_of (status, "storedVersions"),
                member_of (spec, "versions"));
  check_approval (errors, object, string_of (spec, "group"));
}

static void
create_definition (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *names = member_of (spec, "names");
  const char *name = string_of (member_of (object, "metadata"), "name"), *group = string_of (spec, "group");
  g_autofree char *required = g_strconcat (string_of (names, "plural"), ".", group, NULL);

  if (*name != '\0' && !equals (name, required))
    kube_field_errors_invalid (errors, AT (AT (NULL, "metadata"), "name"), name, "must be spec.names.plural+\".\"+spec.group");
  check_definition (errors, object);
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

  check_definition (errors, object);
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
