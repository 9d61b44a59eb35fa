/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"
#include "kube-go-regex.h"

/* Structural schemas: each value's type stands outside of the logical operators, and these say nothing of values that are not named outside. */

enum { DEPTH_MAX = 100 };

typedef enum {
  LEVEL_ROOT,
  LEVEL_ITEM,
  LEVEL_FIELD,
} Level;

static const char *const operators[] = { "allOf", "anyOf", "oneOf" };

/* Whether something is said with it: false, no text, and empty lists and maps are as good as nothing. */
static gboolean
is_said (KubeValue *schema, const char *key)
{
  KubeValue *value = member_of (schema, key);

  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_BOOLEAN:
    return kube_value_get_boolean (value, NULL, FALSE);
  case KUBE_VALUE_STRING:
    return *kube_value_peek_string (value, NULL) != '\0';
  case KUBE_VALUE_ARRAY:
  case KUBE_VALUE_OBJECT:
    return kube_value_get_length (value) > 0;
  default:
    return value != NULL;
  }
}

/* --- what has no structure --- */

static gboolean
may_have_structure (KubeValue *schema, const char **reason, guint depth)
{
  static const struct {
    const char *key, *reason;
    gboolean any; /* even false or nothing */
  } refused[] = {
    { "id", "OpenAPIV3Schema 'id' is not supported", FALSE },
    { "$schema", "OpenAPIV3Schema 'schema' is not supported", FALSE },
    { "$ref", "OpenAPIV3Schema '$ref' is not supported", FALSE },
    { "patternProperties", "OpenAPIV3Schema 'patternProperties' is not supported", FALSE },
    { "dependencies", "OpenAPIV3Schema 'dependencies' is not supported", FALSE },
    { "additionalItems", "OpenAPIV3Schema 'additionalItems' is not supported", TRUE },
    { "definitions", "OpenAPIV3Schema 'definitions' is not supported", FALSE },
  };
  KubeValue *preserve = member_of (schema, "x-kubernetes-preserve-unknown-fields"), *properties = member_of (schema, "properties");

  *reason = NULL;
  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (refused) && *reason == NULL; i++)
    if (refused[i].any ? has_member (schema, refused[i].key) : is_said (schema, refused[i].key))
      *reason = refused[i].reason;
  if (*reason == NULL && may_have_structure (member_of (schema, "not"), reason, depth + 1))
    for (gsize o = 0; o < G_N_ELEMENTS (operators); o++)
      for (guint i = 0; i < kube_value_get_length (member_of (schema, operators[o])) && *reason == NULL; i++)
        may_have_structure (kube_value_get_element (member_of (schema, operators[o]), i), reason, depth + 1);
  if (*reason == NULL && preserve != NULL && !kube_value_get_boolean (preserve, NULL, TRUE))
    *reason = "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  if (*reason == NULL && kube_value_is_array (member_of (schema, "items")))
    *reason = "OpenAPIV3Schema 'items' must be a schema, but is an array";
  if (*reason == NULL && may_have_structure (member_of (schema, "items"), reason, depth + 1))
    for (guint i = 0; i < kube_value_get_length (properties) && *reason == NULL; i++)
      may_have_structure (kube_value_get_element (properties, i), reason, depth + 1);
  return *reason == NULL && may_have_structure (member_of (schema, "additionalProperties"), reason, depth + 1);
}

gboolean
kube_schema_may_be_structural (KubeValue *schema, const char **reason)
{
  return may_have_structure (schema, reason, 0);
}

/* --- what logical operators may say --- */

static void check_nested (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean skip_any_of, guint depth);

/* `[{type: integer}, {type: string}]`: how an integer or string is written. */
static gboolean
is_integer_or_string (KubeValue *any_of)
{
  static const char *const types[] = { "integer", "string" };

  for (guint i = 0; i < 2; i++) {
    KubeValue *one = kube_value_get_element (any_of, i);
    if (kube_value_get_length (one) != 1 || !equals (string_of (one, "type"), types[i]))
      return FALSE;
  }
  return kube_value_get_length (any_of) == 2;
}

/* What narrows a value. @skip_any_of, @skip_first: that the anyOf, or that in the first allOf, is the form of an integer or string */
static void
check_narrowing (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean skip_any_of, gboolean skip_first, guint depth)
{
  const char *pattern = string_of (schema, "pattern");
  g_autofree char *problem = *pattern != '\0' ? kube_go_regex_check (pattern) : NULL;

  for (gsize o = 0; o < G_N_ELEMENTS (operators); o++) {
    KubeValue *list = member_of (schema, operators[o]);

    for (guint i = 0; i < kube_value_get_length (list) && !(skip_any_of && equals (operators[o], "anyOf")); i++)
      check_nested (errors, AT_INDEX (AT (path, operators[o]), i), kube_value_get_element (list, i),
                    skip_first && i == 0 && equals (operators[o], "allOf"), depth + 1);
  }
  check_nested (errors, AT (path, "not"), member_of (schema, "not"), FALSE, depth + 1);
  if (problem != NULL)
    kube_field_errors_invalid_format (errors, AT (path, "pattern"), pattern, "must be a valid regular expression, but isn't: %s", problem);
}

static void
check_nested (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean skip_any_of, guint depth)
{
  static const struct {
    const char *key, *detail;
  } refused[] = {
    { "type", "must be empty to be structural" },
    { "title", "must be empty to be structural" },
    { "description", "must be empty to be structural" },
    { "nullable", "must be false to be structural" },
    { "x-kubernetes-preserve-unknown-fields", "must be false to be structural" },
    { "x-kubernetes-embedded-resource", "must be false to be structural" },
    { "x-kubernetes-int-or-string", "must be false to be structural" },
    { "x-kubernetes-list-map-keys", "must be empty to be structural" },
    { "x-kubernetes-validations", "must be empty to be structural" },
  };
  static const char *const undefined[] = { "default", "x-kubernetes-list-type", "x-kubernetes-map-type" };
  KubeValue *properties = member_of (schema, "properties"), *additional = member_of (schema, "additionalProperties");

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  check_narrowing (errors, path, schema, skip_any_of, FALSE, depth);
  check_nested (errors, AT (path, "items"), member_of (schema, "items"), FALSE, depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    check_nested (errors, AT_KEY (AT (path, "properties"), kube_value_get_key (properties, i)), kube_value_get_element (properties, i), FALSE, depth + 1);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    if (is_said (schema, refused[i].key))
      kube_field_errors_forbidden (errors, AT (path, refused[i].key), refused[i].detail);
  for (gsize i = 0; i < G_N_ELEMENTS (undefined); i++)
    if (has_member (schema, undefined[i]))
      kube_field_errors_forbidden (errors, AT (path, undefined[i]), "must be undefined to be structural");
  if (kube_value_is_object (additional) || kube_value_get_boolean (additional, NULL, FALSE))
    kube_field_errors_forbidden (errors, AT (path, "additionalProperties"), "must be undefined to be structural");
  if (kube_value_get_member (properties, "metadata") != NULL)
    kube_field_errors_forbidden (errors, AT_KEY (AT (path, "properties"), "metadata"), "must not be specified in a nested context");
}

/* --- types --- */

static void
check_type (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, Level level)
{
  static const char *const details[] = { "must not be empty at the root", "must not be empty for specified array items",
                                         "must not be empty for specified object fields" };
  static const char embedded[] = "must be object if x-kubernetes-embedded-resource is true";
  const char *type = string_of (schema, "type");
  const KubeFieldPath *at = AT (path, "type");

  if (boolean_of (schema, "x-kubernetes-embedded-resource") && !equals (type, "object")) {
    if (*type == '\0')
      kube_field_errors_required (errors, at, embedded);
    else
      kube_field_errors_invalid (errors, at, type, embedded);
  } else if (*type == '\0' && !boolean_of (schema, "x-kubernetes-int-or-string") && !boolean_of (schema, "x-kubernetes-preserve-unknown-fields")) {
    kube_field_errors_required (errors, at, details[level]);
  }
  if (level == LEVEL_ROOT && *type != '\0' && !equals (type, "object"))
    kube_field_errors_invalid (errors, at, type, "must be object at the root");
}

/* Whether a schema of metadata says more than that it is an object with a name. */
static gboolean
says_more_of_metadata (KubeValue *meta)
{
  KubeValue *names = member_of (meta, "properties");

  for (guint i = 0; i < kube_value_get_length (names); i++)
    if (!equals (kube_value_get_key (names, i), "name") && !equals (kube_value_get_key (names, i), "generateName"))
      return TRUE;
  for (guint i = 0; i < kube_value_get_length (meta); i++) {
    const char *key = kube_value_get_key (meta, i);
    if (!equals (key, "type") && !equals (key, "properties") && !equals (key, "default")
        && (is_said (meta, key) || equals (key, "additionalProperties")))
      return TRUE;
  }
  return FALSE;
}

/* kind, apiVersion and metadata are what they are in all objects. */
static void
check_object_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *properties, Level level)
{
  static const struct {
    const char *name, *type, *detail;
  } fields[] = { { "kind", "string", "must be string" }, { "apiVersion", "string", "must be string" }, { "metadata", "object", "must be object" } };

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++) {
    KubeValue *property = member_of (properties, fields[i].name);
    if (property != NULL && !equals (string_of (property, "type"), fields[i].type))
      kube_field_errors_invalid (errors, AT (AT_KEY (path, fields[i].name), "type"), string_of (property, "type"), fields[i].detail);
  }
  if (level == LEVEL_ROOT && says_more_of_metadata (member_of (properties, "metadata")))
    kube_field_errors_forbidden (errors, AT_KEY (path, "metadata"),
                                 "must not specify anything other than name and generateName, but metadata is implicitly specified");
}

static void
check_extensions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const char *const others[] = { "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource" };
  gboolean embedded = boolean_of (schema, "x-kubernetes-embedded-resource");

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if (boolean_of (schema, "x-kubernetes-int-or-string") && boolean_of (schema, others[i]))
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT (path, others[i]), "true", "must be false if x-kubernetes-int-or-string is true");
  if (embedded && has_member (schema, "additionalProperties"))
    kube_field_errors_forbidden (errors, AT (path, "additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set");
  if (embedded && !boolean_of (schema, "x-kubernetes-preserve-unknown-fields") && !is_said (schema, "properties"))
    kube_field_errors_required (errors, AT (path, "properties"),
                                "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
}

static void
check_invariants (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, Level level, guint depth)
{
  KubeValue *properties = member_of (schema, "properties"), *all_of = member_of (schema, "allOf");

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  if (equals (string_of (schema, "type"), "array") && !has_member (schema, "items"))
    kube_field_errors_required (errors, AT (path, "items"), "must be specified");
  check_invariants (errors, AT (path, "items"), member_of (schema, "items"), LEVEL_ITEM, depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    check_invariants (errors, AT_KEY (AT (path, "properties"), kube_value_get_key (properties, i)), kube_value_get_element (properties, i), LEVEL_FIELD,
                      depth + 1);
  if (level == LEVEL_ROOT && has_member (schema, "additionalProperties"))
    kube_field_errors_forbidden (errors, AT (path, "additionalProperties"), "must not be used at the root");
  check_invariants (errors, AT (path, "additionalProperties"), member_of (schema, "additionalProperties"), LEVEL_FIELD, depth + 1);
  check_extensions (errors, path, schema);
  check_narrowing (errors, path, schema, is_integer_or_string (member_of (schema, "anyOf")),
                   is_integer_or_string (member_of (kube_value_get_element (all_of, 0), "anyOf")), depth);
  check_type (errors, path, schema, level);
  if (level == LEVEL_ROOT || boolean_of (schema, "x-kubernetes-embedded-resource"))
    check_object_fields (errors, AT (path, "properties"), properties, level);
}

/* --- completeness: what operators speak of is there outside of them --- */

static void check_complete (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const KubeFieldPath *by, KubeValue *nested, guint depth);

static void
check_operators_complete (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const KubeFieldPath *by, KubeValue *nested, guint depth)
{
  check_complete (errors, path, schema, AT (by, "not"), member_of (nested, "not"), depth + 1);
  for (gsize o = 0; o < G_N_ELEMENTS (operators); o++) {
    KubeValue *list = member_of (nested, operators[o]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      check_complete (errors, path, schema, AT_INDEX (AT (by, operators[o]), i), kube_value_get_element (list, i), depth + 1);
  }
}

static void
require (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeFieldPath *by)
{
  g_autoptr (GString) place = g_string_new (NULL);
  g_autofree char *detail = NULL;

  kube_field_path_print (by, place);
  detail = g_strconcat ("because it is defined in ", place->str, NULL);
  kube_field_errors_required (errors, path, detail);
}

static void
check_complete (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const KubeFieldPath *by, KubeValue *nested, guint depth)
{
  KubeValue *properties = member_of (nested, "properties");

  if (!kube_value_is_object (nested) || depth > DEPTH_MAX)
    return;
  if (schema == NULL) {
    require (errors, path, by);
    return;
  }
  check_operators_complete (errors, path, schema, by, nested, depth);
  check_complete (errors, AT (path, "items"), member_of (schema, "items"), AT (by, "items"), member_of (nested, "items"), depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++) {
    const char *key = kube_value_get_key (properties, i);
    check_complete (errors, AT_KEY (AT (path, "properties"), key), member_of (member_of (schema, "properties"), key), AT_KEY (AT (by, "properties"), key),
                    kube_value_get_element (properties, i), depth + 1);
  }
}

void
kube_validate_structural_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  guint before = kube_field_errors_get_length (errors);

  check_invariants (errors, path, schema, LEVEL_ROOT, 0);
  check_operators_complete (errors, path, schema, path, schema, 0);
  kube_field_errors_sort (errors, before);
}
