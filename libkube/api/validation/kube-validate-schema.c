/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* The schemas of custom resources: what OpenAPI may be used, that they are structural, and that their defaults are valid. */

enum { DEPTH_MAX = 100 };

typedef enum {
  LEVEL_ROOT,
  LEVEL_ITEM,
  LEVEL_FIELD,
} Level;

typedef void (*VisitFunc) (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema);

static gboolean
is_object_schema (KubeValue *value)
{
  return kube_value_is_object (value);
}

static gboolean
is_said (KubeValue *value)
{
  return kube_value_get_length (value) > 0 || kube_value_is_string (value);
}

/* --- what upstream allows of OpenAPI --- */

static void
check_allowed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const struct {
    const char *key, *detail;
  } refused[] = {
    { "id", "id is not supported" },
    { "additionalItems", "additionalItems is not supported" },
    { "patternProperties", "patternProperties is not supported" },
    { "definitions", "definitions is not supported" },
    { "dependencies", "dependencies is not supported" },
    { "$ref", "$ref is not supported" },
  };
  KubeValue *additional = member_of (schema, "additionalProperties"), *bad_type = member_of (schema, "type");

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    if (is_said (member_of (schema, refused[i].key)))
      kube_field_errors_forbidden (errors, AT (path, refused[i].key), refused[i].detail);
  if (bad_type != NULL && equals (string_of (schema, "type"), "null"))
    kube_field_errors_forbidden (errors, AT (path, "type"), "type cannot be set to null, use nullable as an alternative");
  if (kube_value_is_array (member_of (schema, "items")))
    kube_field_errors_forbidden (errors, AT (path, "items"), "items must be a schema object and not an array");
  if (boolean_of (schema, "uniqueItems"))
    kube_field_errors_forbidden (errors, AT (path, "uniqueItems"),
                                 "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  if (kube_value_get_length (member_of (schema, "properties")) > 0
      && (is_object_schema (additional) || (additional != NULL && !kube_value_get_boolean (additional, NULL, TRUE))))
    kube_field_errors_forbidden (errors, AT (path, "additionalProperties"),
                                 "additionalProperties and properties are mutual exclusive");
}

static void
check_type (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const char *const types[] = { "array", "boolean", "integer", "number", "object", "string", NULL };

  if (has_text (schema, "type") && !kube_validate_one_of (string_of (schema, "type"), types))
    kube_field_errors_not_supported (errors, AT (path, "type"), string_of (schema, "type"), types);
}

static void visit (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, VisitFunc func, guint depth);

static void
visit_list (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, VisitFunc func, guint depth)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    visit (errors, AT_INDEX (path, i), kube_value_get_element (list, i), func, depth);
}

/* A schema and all that are in it. */
static void
visit (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, VisitFunc func, guint depth)
{
  static const char *const singles[] = { "additionalProperties", "not", "items" };
  static const char *const lists[] = { "allOf", "oneOf", "anyOf" };
  KubeValue *properties = member_of (schema, "properties");

  if (!is_object_schema (schema) || depth > DEPTH_MAX)
    return;
  func (errors, path, schema);
  for (gsize i = 0; i < G_N_ELEMENTS (singles); i++)
    visit (errors, AT (path, singles[i]), member_of (schema, singles[i]), func, depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    visit (errors, AT_KEY (AT (path, "properties"), kube_value_get_key (properties, i)), kube_value_get_element (properties, i),
           func, depth + 1);
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    visit_list (errors, AT (path, lists[i]), member_of (schema, lists[i]), func, depth + 1);
}

/* --- structural --- */

static void
forbid (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const char *key, const char *detail)
{
  KubeValue *value = member_of (schema, key);

  if (value != NULL && (!kube_value_is_string (value) || has_text (schema, key)) && kube_value_get_boolean (value, NULL, TRUE))
    kube_field_errors_forbidden (errors, AT (path, key), detail);
}

/* Within the logical operators, schemas only narrow what stands outside. */
static void
check_nested (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, guint depth)
{
  static const char *const empty[] = { "description", "type", "title" };
  static const char *const undefined[] = { "default", "additionalProperties" };
  static const char *const flags[]
      = { "nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string" };
  static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
  KubeValue *properties = member_of (schema, "properties");

  if (!is_object_schema (schema) || depth > DEPTH_MAX)
    return;
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (schema, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      check_nested (errors, AT_INDEX (AT (path, lists[l]), i), kube_value_get_element (list, i), depth + 1);
  }
  check_nested (errors, AT (path, "not"), member_of (schema, "not"), depth + 1);
  check_nested (errors, AT (path, "items"), member_of (schema, "items"), depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    check_nested (errors, AT_KEY (AT (path, "properties"), kube_value_get_key (properties, i)),
                  kube_value_get_element (properties, i), depth + 1);
  for (gsize i = 0; i < G_N_ELEMENTS (empty); i++)
    forbid (errors, path, schema, empty[i], "must be empty to be structural");
  for (gsize i = 0; i < G_N_ELEMENTS (undefined); i++)
    forbid (errors, path, schema, undefined[i], "must be undefined to be structural");
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    forbid (errors, path, schema, flags[i], "must be false to be structural");
}

static void
check_operators (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const char *const lists[] = { "allOf", "anyOf", "oneOf" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (schema, lists[l]);
    /* `anyOf: [{type: integer}, {type: string}]` is how an integer or string is written. */
    for (guint i = 0; i < kube_value_get_length (list) && !(l < 2 && boolean_of (schema, "x-kubernetes-int-or-string")); i++)
      check_nested (errors, AT_INDEX (AT (path, lists[l]), i), kube_value_get_element (list, i), 0);
  }
  check_nested (errors, AT (path, "not"), member_of (schema, "not"), 0);
}

static void
check_structure_type (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, Level level)
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
  } else if (*type == '\0' && !boolean_of (schema, "x-kubernetes-int-or-string")
             && !boolean_of (schema, "x-kubernetes-preserve-unknown-fields")) {
    kube_field_errors_required (errors, at, details[level]);
  }
  if (level == LEVEL_ROOT && *type != '\0' && !equals (type, "object"))
    kube_field_errors_invalid (errors, at, type, "must be object at the root");
}

/* kind, apiVersion and metadata are what they are in all objects. */
static void
check_object_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const char *const strings[] = { "kind", "apiVersion" };
  KubeValue *properties = member_of (schema, "properties"), *meta = member_of (properties, "metadata"),
            *names = member_of (meta, "properties");
  const KubeFieldPath *at = AT (path, "properties"), *meta_path = AT_KEY (at, "metadata");

  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++) {
    KubeValue *property = member_of (properties, strings[i]);
    if (property != NULL && !equals (string_of (property, "type"), "string"))
      kube_field_errors_invalid (errors, AT (AT_KEY (at, strings[i]), "type"), string_of (property, "type"), "must be string");
  }
  if (meta != NULL && !equals (string_of (meta, "type"), "object"))
    kube_field_errors_invalid (errors, AT (meta_path, "type"), string_of (meta, "type"), "must be object");
  for (guint i = 0; i < kube_value_get_length (names); i++)
    if (!equals (kube_value_get_key (names, i), "name") && !equals (kube_value_get_key (names, i), "generateName")) {
      kube_field_errors_forbidden (
          errors, AT (meta_path, "properties"),
          "must not specify anything other than name and generateName, but metadata is implicitly specified");
      return;
    }
}

static void
check_structure (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, Level level, guint depth)
{
  KubeValue *properties = member_of (schema, "properties");
  gboolean embedded = boolean_of (schema, "x-kubernetes-embedded-resource");

  if (!is_object_schema (schema) || depth > DEPTH_MAX)
    return;
  check_structure (errors, AT (path, "items"), member_of (schema, "items"), LEVEL_ITEM, depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    check_structure (errors, AT_KEY (AT (path, "properties"), kube_value_get_key (properties, i)),
                     kube_value_get_element (properties, i), LEVEL_FIELD, depth + 1);
  check_structure (errors, AT (path, "additionalProperties"), member_of (schema, "additionalProperties"), LEVEL_FIELD, depth + 1);
  if (level == LEVEL_ROOT && has_member (schema, "additionalProperties"))
    kube_field_errors_forbidden (errors, AT (path, "additionalProperties"), "must not be used at the root");
  check_operators (errors, path, schema);
  check_structure_type (errors, path, schema, level);
  if (level == LEVEL_ROOT || embedded)
    check_object_fields (errors, path, schema);
  if (embedded && !boolean_of (schema, "x-kubernetes-preserve-unknown-fields") && kube_value_get_length (properties) == 0)
    kube_field_errors_required (
        errors, AT (path, "properties"),
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
}

static void
check_default (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  KubeValue *value = kube_value_get_member (schema, "default");

  if (value != NULL)
    kube_validate_by_schema (errors, AT (path, "default"), schema, value);
}

/* With a status of its own, which is validated by `properties.status` alone, nothing may be said at the root that the status would escape. */
static void
check_root (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean has_status)
{
  static const char *const allowed[] = { "description",
                                         "type",
                                         "format",
                                         "title",
                                         "maximum",
                                         "exclusiveMaximum",
                                         "minimum",
                                         "exclusiveMinimum",
                                         "maxLength",
                                         "minLength",
                                         "pattern",
                                         "maxItems",
                                         "minItems",
                                         "uniqueItems",
                                         "multipleOf",
                                         "required",
                                         "items",
                                         "properties",
                                         "externalDocs",
                                         "example",
                                         "x-kubernetes-preserve-unknown-fields",
                                         "x-kubernetes-validations",
                                         "nullable",
                                         NULL };

  if (has_status && has_text (schema, "type") && !equals (string_of (schema, "type"), "object"))
    kube_field_errors_invalid (
        errors, AT (path, "type"), string_of (schema, "type"),
        "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled");
  for (guint i = 0; has_status && i < kube_value_get_length (schema); i++)
    if (!kube_validate_one_of (kube_value_get_key (schema, i), allowed) && has_member (schema, kube_value_get_key (schema, i))) {
      kube_field_errors_invalid_value (
          errors, path, schema,
          "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern "
          "MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields "
          "XValidations] fields are allowed at the root of the schema if the status subresource is enabled");
      break;
    }
  if (boolean_of (schema, "nullable"))
    kube_field_errors_forbidden (errors, AT (path, "nullable"), "nullable cannot be true at the root");
}

/* @has_status: whether the kind has the subresource */
void
kube_validate_resource_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean has_status)
{
  guint before;

  check_root (errors, path, schema, has_status);
  visit (errors, path, schema, check_allowed, 0);
  before = kube_field_errors_get_length (errors);
  check_structure (errors, path, schema, LEVEL_ROOT, 0);
  if (kube_field_errors_get_length (errors) == before)
    visit (errors, path, schema, check_default, 0);
  visit (errors, path, schema, check_type, 0);
}
