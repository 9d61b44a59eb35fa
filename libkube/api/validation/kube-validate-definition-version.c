/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* What versions of a custom resource have beside their schemas, and how objects are converted between them. */

enum { SELECTABLE_FIELDS_MAX = 8, WARNING_MAX = 256 };

static gboolean
check_json_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  if (*text == '.')
    return TRUE;
  kube_field_errors_invalid (errors, path, text, "must be a simple json path starting with .");
  return FALSE;
}

void
kube_validate_resource_subresources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *subresources)
{
  static const struct {
    const char *key, *name, *under, *detail;
  } paths[] = {
    { "specReplicasPath", "scale.specReplicasPath", ".spec.", "should be a json path under .spec" },
    { "statusReplicasPath", "scale.statusReplicasPath", ".status.", "should be a json path under .status" },
  };
  KubeValue *scale = member_of (subresources, "scale");
  const KubeFieldPath *at = AT (path, "scale.labelSelectorPath");
  const char *selector = string_of (scale, "labelSelectorPath");

  if (scale == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++) {
    const char *text = string_of (scale, paths[i].key);

    if (*text == '\0')
      kube_field_errors_required (errors, AT (path, paths[i].name), NULL);
    else if (check_json_path (errors, AT (path, paths[i].name), text) && !g_str_has_prefix (text, paths[i].under))
      kube_field_errors_invalid (errors, AT (path, paths[i].name), text, paths[i].detail);
  }
  if (*selector != '\0' && check_json_path (errors, at, selector) && !g_str_has_prefix (selector, ".spec.") && !g_str_has_prefix (selector, ".status."))
    kube_field_errors_invalid (errors, at, selector, "should be a json path under either .spec or .status");
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
    kube_field_errors_invalid (errors, AT (path, "format"), format, "must be one of byte,date,date-time,double,float,int32,int64,password");
  if (!has_text (column, "jsonPath"))
    kube_field_errors_required (errors, AT (path, "JSONPath"), NULL);
  else
    check_json_path (errors, AT (path, "JSONPath"), string_of (column, "jsonPath"));
}

void
kube_validate_resource_columns (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *columns)
{
  for (guint i = 0; i < kube_value_get_length (columns); i++)
    check_column (errors, AT_INDEX (path, i), kube_value_get_element (columns, i));
}

/* --- selectable fields --- */

static void
check_selectable (KubeFieldErrors *errors, const KubeFieldPath *path, const char *json_path, KubeValue *schema, GHashTable *seen)
{
  static const char *const types[] = { "string", "boolean", "integer", NULL };
  g_autofree char *normal = NULL, *problem = NULL;

  if (*json_path == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (!kube_schema_find_path (&schema, json_path, FALSE, &normal, &problem)) {
    kube_field_errors_invalid_format (errors, path, json_path, "is an invalid path: %s", problem);
    return;
  }
  if (strcspn (normal, ".[") == strlen ("metadata") && g_str_has_prefix (normal, "metadata"))
    kube_field_errors_invalid (errors, path, json_path, "must not point to fields in metadata");
  if (!kube_validate_one_of (string_of (schema, "type"), types))
    kube_field_errors_invalid (
        errors, path, json_path,
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
  if (!g_hash_table_add (seen, g_steal_pointer (&normal)))
    kube_field_errors_duplicate (errors, path, json_path);
}

void
kube_validate_selectable_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *fields, KubeValue *schema, KubeValue *stored)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean as_before = kube_value_get_length (stored) > SELECTABLE_FIELDS_MAX && kube_validate_semantic_equal (fields, stored);

  for (guint i = 0; i < kube_value_get_length (fields); i++)
    check_selectable (errors, AT (AT_INDEX (path, i), "jsonPath"), string_of (kube_value_get_element (fields, i), "jsonPath"), schema, seen);
  if (g_hash_table_size (seen) > SELECTABLE_FIELDS_MAX && !as_before)
    kube_field_errors_too_many (errors, path, (int) g_hash_table_size (seen), SELECTABLE_FIELDS_MAX);
}

/* --- deprecation --- */

static void
check_printable (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at)) {
    gunichar c = g_utf8_get_char (at);

    /* Of all that are spaces, Go prints only one. */
    if (c != ' ' && (!g_unichar_isgraph (c) || g_unichar_isspace (c))) {
      kube_field_errors_invalid_format (
          errors, path, text, "must only contain printable UTF-8 characters; non-printable character found at index %d", (int) (at - text));
      return;
    }
  }
}

void
kube_validate_deprecation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *version)
{
  const KubeFieldPath *at = AT (path, "deprecationWarning");
  const char *warning = string_of (version, "deprecationWarning");

  if (!has_member (version, "deprecationWarning"))
    return;
  if (!boolean_of (version, "deprecated")) {
    kube_field_errors_invalid (errors, at, warning, "can only be set for deprecated versions");
    return;
  }
  if (strlen (warning) > WARNING_MAX)
    kube_field_errors_invalid (errors, at, warning, "must be <= 256 characters long");
  if (*warning == '\0')
    kube_field_errors_invalid (errors, at, warning, "must not be an empty string");
  check_printable (errors, at, warning);
}

/* --- conversion --- */

static gboolean
is_review_version (const char *version)
{
  return equals (version, "v1") || equals (version, "v1beta1");
}

static gboolean
has_review_version (KubeValue *versions)
{
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    if (is_review_version (element_string (versions, i)))
      return TRUE;
  return FALSE;
}

static void
check_review_versions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *versions, KubeValue *stored)
{
  g_auto (NameSet) seen = { 0 };

  if (kube_value_get_length (versions) == 0)
    kube_field_errors_required (errors, path, NULL);
  for (guint i = 0; i < kube_value_get_length (versions); i++) {
    const char *version = element_string (versions, i);

    if (name_set_add (&seen, version))
      kube_validate_format (errors, AT_INDEX (path, i), KUBE_NAME_DNS1035_LABEL, version);
    else
      kube_field_errors_invalid (errors, AT_INDEX (path, i), version, "duplicate version");
  }
  if (kube_value_get_length (versions) > 0 && !has_review_version (versions) && (kube_value_get_length (stored) == 0 || has_review_version (stored)))
    kube_field_errors_invalid_value (errors, path, versions, "must include at least one of v1, v1beta1");
}

/* @path: the conversion's, whose members upstream names as the first form of the API had them. @stored: (nullable): the conversion before */
void
kube_validate_conversion (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conversion, KubeValue *stored)
{
  static const char *const strategies[] = { "None", "Webhook", NULL };
  KubeValue *webhook = member_of (conversion, "webhook"), *client = member_of (webhook, "clientConfig"),
            *versions = member_of (webhook, "conversionReviewVersions");
  const KubeFieldPath *client_path = AT (path, "webhookClientConfig"), *versions_path = AT (path, "conversionReviewVersions");
  const char *strategy = string_of (conversion, "strategy");

  if (conversion == NULL)
    return;
  if (*strategy == '\0')
    kube_field_errors_required (errors, AT (path, "strategy"), NULL);
  else if (!kube_validate_one_of (strategy, strategies))
    kube_field_errors_not_supported (errors, AT (path, "strategy"), strategy, strategies);
  if (!equals (strategy, "Webhook")) {
    static const char detail[] = "should not be set when strategy is not set to Webhook";
    if (client != NULL)
      kube_field_errors_forbidden (errors, client_path, detail);
    if (kube_value_get_length (versions) > 0)
      kube_field_errors_forbidden (errors, versions_path, detail);
    return;
  }
  if (client == NULL)
    kube_field_errors_required (errors, client_path, "required when strategy is set to Webhook");
  else
    kube_validate_webhook_client (errors, client_path, client);
  check_review_versions (errors, versions_path, versions, kube_value_get (stored, "webhook.conversionReviewVersions"));
}
