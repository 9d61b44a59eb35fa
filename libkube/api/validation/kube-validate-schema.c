/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* The schemas of custom resources: what of OpenAPI may be used in them, wherever in them it stands. */

enum { DEPTH_MAX = 100 };

typedef struct {
  KubeFieldErrors *errors;
  KubeFieldErrors expressions; /* what is wrong with these is said after all else */
  KubeSchemaRules rules;
  KubeSchemaBudget budget;
} Check;

/* What a place in a schema has from those around it. */
typedef struct {
  gboolean is_root;
  gboolean in_meta;                  /* within a resource's apiVersion, kind or metadata */
  gboolean compile;                  /* expressions are looked at here */
  const char *no_default;            /* (nullable): why there may be none */
  const KubeFieldPath *uncorrelated; /* (nullable): within it, what is new is not known to be what was there before */
  gboolean unbounded;                /* nothing says how many values there are of it in one object */
  guint64 occurrences;               /* how many there are at most, otherwise */
} Scope;

static void check_schema (Check *check, const KubeFieldPath *path, KubeValue *schema, Scope scope, guint depth);

static gboolean
is_known_type (const char *type)
{
  static const char *const types[] = { "array", "boolean", "integer", "number", "object", "string", NULL };

  return kube_validate_one_of (type, types);
}

static void
check_allowed (Check *check, const KubeFieldPath *path, KubeValue *schema, const Scope *scope)
{
  static const char *const types[] = { "array", "boolean", "integer", "number", "object", "string", NULL };
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
  const char *type = string_of (schema, "type");
  KubeFieldErrors *errors = check->errors;

  if ((check->rules & KUBE_SCHEMA_KNOWN_TYPES) && *type != '\0' && !is_known_type (type))
    kube_field_errors_not_supported (errors, AT (path, "type"), type, types);
  if (has_member (schema, "default") && scope->no_default != NULL)
    kube_field_errors_forbidden (errors, AT (path, "default"), scope->no_default);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    KubeValue *value = member_of (schema, refused[i].key);
    if (value != NULL && (!kube_value_is_object (value) || kube_value_get_length (value) > 0))
      kube_field_errors_forbidden (errors, AT (path, refused[i].key), refused[i].detail);
  }
  if (equals (type, "null"))
    kube_field_errors_forbidden (errors, AT (path, "type"), "type cannot be set to null, use nullable as an alternative");
  if (kube_value_is_array (member_of (schema, "items")))
    kube_field_errors_forbidden (errors, AT (path, "items"), "items must be a schema object and not an array");
  if (scope->in_meta && boolean_of (schema, "x-kubernetes-embedded-resource"))
    kube_field_errors_forbidden (errors, AT (path, "x-kubernetes-embedded-resource"), "must not be used inside of resource meta");
  if (boolean_of (schema, "uniqueItems"))
    kube_field_errors_forbidden (errors, AT (path, "uniqueItems"), "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
}

/* --- what is in it --- */

static void
check_additional (Check *check, const KubeFieldPath *path, KubeValue *schema, Scope scope, guint depth)
{
  KubeValue *additional = member_of (schema, "additionalProperties");

  if (additional == NULL)
    return;
  if (kube_value_get_length (member_of (schema, "properties")) > 0
      && (kube_value_is_object (additional) || !kube_value_get_boolean (additional, NULL, TRUE)))
    kube_field_errors_forbidden (check->errors, AT (path, "additionalProperties"), "additionalProperties and properties are mutual exclusive");
  if (scope.in_meta)
    scope.no_default = "must not be set inside additionalProperties applying to object metadata";
  check_schema (check, AT (path, "additionalProperties"), additional, scope, depth);
}

static void
check_property (Check *check, const KubeFieldPath *path, KubeValue *schema, guint index, Scope scope, gboolean is_root, guint depth)
{
  static const struct {
    const char *name, *no_default;
  } metas[] = {
    { "metadata", "must not be set in top-level metadata" },
    { "kind", "must not be set in top-level kind" },
    { "apiVersion", "must not be set in top-level apiVersion" },
  };
  KubeValue *properties = member_of (schema, "properties");
  const char *name = kube_value_get_key (properties, index), *map_type = string_of (schema, "x-kubernetes-map-type");

  if (scope.uncorrelated == NULL && *map_type != '\0' && !equals (map_type, "granular"))
    scope.uncorrelated = path;
  for (gsize i = 0; i < G_N_ELEMENTS (metas); i++) {
    if (!equals (name, metas[i].name))
      continue;
    scope.in_meta |= is_root || boolean_of (schema, "x-kubernetes-embedded-resource");
    scope.no_default = is_root ? metas[i].no_default : scope.no_default;
  }
  check_schema (check, AT_KEY (AT (path, "properties"), name), kube_value_get_element (properties, index), scope, depth);
}

static void
check_items (Check *check, const KubeFieldPath *path, KubeValue *schema, Scope scope, guint depth)
{
  KubeValue *items = member_of (schema, "items");
  const KubeFieldPath *at = AT (path, "items");

  if (scope.uncorrelated == NULL && !equals (string_of (schema, "x-kubernetes-list-type"), "map"))
    scope.uncorrelated = path;
  if (!kube_value_is_array (items))
    check_schema (check, at, items, scope, depth);
  else
    for (guint i = 0; i < kube_value_get_length (items); i++)
      check_schema (check, AT_INDEX (at, i), kube_value_get_element (items, i), scope, depth);
}

/* Those within a list or map may be there as often as it has elements. */
static void
multiply_occurrences (Scope *scope, KubeValue *schema)
{
  gboolean is_map = equals (string_of (schema, "type"), "object") && has_member (schema, "additionalProperties");
  const char *limit = is_map ? "maxProperties" : equals (string_of (schema, "type"), "array") ? "maxItems" : NULL;
  guint64 most = limit != NULL ? (guint64) MAX (integer_of (schema, limit, 0), 0) : 1;

  scope->unbounded |= limit != NULL && !has_member (schema, limit);
  scope->occurrences = most > 0 && scope->occurrences > G_MAXUINT64 / most ? G_MAXUINT64 : scope->occurrences * most;
}

static void
check_children (Check *check, const KubeFieldPath *path, KubeValue *schema, Scope scope, guint depth)
{
  static const char *const lists[] = { "allOf", "oneOf", "anyOf" };
  static const char *const maps[] = { "definitions", "dependencies" };
  KubeValue *properties = member_of (schema, "properties");
  gboolean is_root = scope.is_root;
  Scope without = scope;

  scope.is_root = without.is_root = without.compile = FALSE;
  multiply_occurrences (&scope, schema);
  check_additional (check, path, schema, scope, depth);
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    check_property (check, path, schema, i, scope, is_root, depth);
  check_schema (check, AT (path, "not"), member_of (schema, "not"), without, depth);
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < kube_value_get_length (member_of (schema, lists[l])); i++)
      check_schema (check, AT_INDEX (AT (path, lists[l]), i), kube_value_get_element (member_of (schema, lists[l]), i), without, depth);
  for (gsize m = 0; m < G_N_ELEMENTS (maps); m++) {
    KubeValue *map = member_of (schema, maps[m]);
    for (guint i = 0; i < kube_value_get_length (map); i++)
      check_schema (check, AT_KEY (AT (path, maps[m]), kube_value_get_key (map, i)), kube_value_get_element (map, i), without, depth);
  }
  check_items (check, path, schema, scope, depth);
}

static void
check_schema (Check *check, const KubeFieldPath *path, KubeValue *schema, Scope scope, guint depth)
{
  KubeValue *preserve = member_of (schema, "x-kubernetes-preserve-unknown-fields");
  guint before = kube_field_errors_get_length (check->errors);

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  check_allowed (check, path, schema, &scope);
  check_children (check, path, schema, scope, depth + 1);
  if (preserve != NULL && !kube_value_get_boolean (preserve, NULL, TRUE))
    kube_field_errors_add (check->errors, KUBE_FIELD_ERROR_INVALID, AT (path, "x-kubernetes-preserve-unknown-fields"), "false", "must be true or undefined");
  kube_validate_schema_lists (check->errors, path, schema, check->rules);
  kube_validate_schema_rules (check->errors, path, schema);
  /* What a schema is that is wrong, nobody knows: its expressions wait. */
  if (scope.compile && kube_field_errors_get_length (check->errors) == before) {
    KubeExpressionPlace place = { scope.is_root || boolean_of (schema, "x-kubernetes-embedded-resource"), scope.uncorrelated, scope.occurrences,
                                  scope.unbounded };
    kube_validate_schema_expressions (&check->expressions, path, schema, &place, &check->budget);
  }
}

/* --- the root --- */

/* With a status of its own, which is validated by `properties.status` alone, nothing may be said at the root that the status would escape. */
static void
check_root_with_status (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const char *const allowed[] = { "description", "format", "title", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
                                         "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "required", "items",
                                         "properties", "externalDocs", "example", "x-kubernetes-preserve-unknown-fields",
                                         "x-kubernetes-validations", NULL };
  static const char *const before_type[] = { "id", "$schema", "$ref", NULL };
  static const char only[]
      = "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems "
        "UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the "
        "root of the schema if the status subresource is enabled";
  gboolean other_type = has_text (schema, "type") && !equals (string_of (schema, "type"), "object");

  for (guint i = 0; i < kube_value_get_length (schema); i++) {
    const char *key = kube_value_get_key (schema, i);
    KubeValue *value = kube_value_get_element (schema, i);

    if (equals (key, "type") || kube_validate_one_of (key, allowed) || kube_value_is_null (value))
      continue;
    if (!kube_value_get_boolean (value, NULL, TRUE) && !equals (key, "additionalProperties") && !equals (key, "additionalItems"))
      continue;
    /* Upstream stops at the first that it finds wrong, in the order of its structure. */
    if (other_type && !kube_validate_one_of (key, before_type))
      continue;
    kube_validate_invalid_struct (errors, path, "@apiextensions.JSONSchemaProps", schema, only);
    return;
  }
  if (other_type)
    kube_field_errors_invalid (errors, AT (path, "type"), string_of (schema, "type"),
                               "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled");
}

void
kube_validate_resource_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean has_status, KubeSchemaRules rules)
{
  Check check = { .errors = errors, .rules = rules, .budget.each = (rules & KUBE_SCHEMA_CHEAP_RULES) != 0 };
  guint before = kube_field_errors_get_length (errors), before_structure;
  Scope scope = { .is_root = TRUE, .occurrences = 1 };
  const char *reason;

  if (has_status)
    check_root_with_status (errors, path, schema);
  if (boolean_of (schema, "nullable"))
    kube_field_errors_forbidden (errors, AT (path, "nullable"), "nullable cannot be true at the root");
  if (kube_schema_may_be_structural (schema, &reason)) {
    before_structure = kube_field_errors_get_length (errors);
    kube_validate_structural_schema (errors, path, schema);
    if (kube_field_errors_get_length (errors) == before_structure)
      kube_validate_schema_defaults (errors, path, schema, (rules & KUBE_SCHEMA_PRUNED_DEFAULTS) != 0);
    scope.compile = kube_field_errors_get_length (errors) == before_structure;
  }
  check_schema (&check, path, schema, scope, 0);
  kube_field_errors_take (errors, &check.expressions);
  if (reason != NULL && kube_field_errors_get_length (errors) == before)
    kube_field_errors_invalid (errors, path, "", reason);
  if (scope.compile)
    kube_schema_budget_check (&check.budget, errors, path);
  kube_schema_budget_clear (&check.budget);
}

/* --- what is stored already --- */

typedef guint (*FlagsFunc) (KubeValue *schema);

/* What @func says of any of the schemas. */
static guint
collect_flags (KubeValue *schema, FlagsFunc func, guint depth)
{
  static const char *const single[] = { "items", "not", "additionalProperties", "additionalItems" };
  static const char *const many[] = { "items", "allOf", "anyOf", "oneOf", "properties", "patternProperties", "definitions", "dependencies" };
  guint flags;

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return 0;
  flags = func (schema);
  for (gsize i = 0; i < G_N_ELEMENTS (single); i++)
    flags |= collect_flags (member_of (schema, single[i]), func, depth + 1);
  for (gsize i = 0; i < G_N_ELEMENTS (many); i++) {
    KubeValue *schemas = member_of (schema, many[i]);
    if (i > 0 || kube_value_is_array (schemas))
      for (guint k = 0; k < kube_value_get_length (schemas); k++)
        flags |= collect_flags (kube_value_get_element (schemas, k), func, depth + 1);
  }
  return flags;
}

static guint
find_broken (KubeValue *schema)
{
  gboolean unknown = has_text (schema, "type") && !is_known_type (string_of (schema, "type"));

  return kube_schema_find_broken_list_rules (schema) | (unknown ? KUBE_SCHEMA_KNOWN_TYPES : 0);
}

KubeSchemaRules
kube_schema_find_broken_rules (KubeValue *schema)
{
  const char *reason;
  gboolean unpruned = kube_schema_may_be_structural (schema, &reason) && kube_schema_has_unpruned_defaults (schema);

  return collect_flags (schema, find_broken, 0) | (unpruned ? KUBE_SCHEMA_PRUNED_DEFAULTS : 0);
}

static guint
has_default (KubeValue *schema)
{
  return has_member (schema, "default");
}

gboolean
kube_schema_has_default (KubeValue *schema)
{
  return collect_flags (schema, has_default, 0) != 0;
}
