/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* How apply merges the lists and maps of custom resources: x-kubernetes-list-type, -list-map-keys and -map-type. */

#define LIST_TYPE "x-kubernetes-list-type"
#define LIST_KEYS "x-kubernetes-list-map-keys"
#define MAP_TYPE "x-kubernetes-map-type"

/* That a schema with @key is of @type. */
static gboolean
check_type (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const char *key, const char *type)
{
  g_autofree char *detail = NULL;

  if (!has_member (schema, key) || equals (string_of (schema, "type"), type))
    return TRUE;
  detail = g_strdup_printf ("must be %s if %s is specified", type, key);
  if (has_text (schema, "type"))
    kube_field_errors_invalid (errors, AT (path, "type"), string_of (schema, "type"), detail);
  else
    kube_field_errors_required (errors, AT (path, "type"), detail);
  return FALSE;
}

/* Elements that are compared as a whole must be merged as a whole. Returns: (nullable): the member that says otherwise */
static const char *
find_mergeable (KubeValue *items)
{
  const char *type = string_of (items, "type");

  if (equals (type, "array") && has_member (items, LIST_TYPE) && !equals (string_of (items, LIST_TYPE), "atomic"))
    return LIST_TYPE;
  return equals (type, "object") && !equals (string_of (items, MAP_TYPE), "atomic") ? MAP_TYPE : NULL;
}

static void
check_set (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *items)
{
  const char *member = find_mergeable (items);

  if (member != NULL)
    kube_field_errors_invalid_value (errors, AT (AT (path, "items"), member), member_of (items, LIST_TYPE),
                                     "must be atomic as item of a list with x-kubernetes-list-type=set");
}

static void
check_known (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const char *key, const char *const *valid)
{
  if (has_member (schema, key) && !kube_validate_one_of (string_of (schema, key), valid))
    kube_field_errors_not_supported (errors, AT (path, key), string_of (schema, key), valid);
}

static void
check_keys (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *keys, KubeValue *items)
{
  const KubeFieldPath *properties_path = AT (AT (path, "items"), "properties");
  g_auto (NameSet) seen = { 0 };

  for (guint i = 0; i < kube_value_get_length (keys); i++) {
    const char *key = element_string (keys, i);
    KubeValue *property = member_of (member_of (items, "properties"), key);

    if (property == NULL)
      kube_field_errors_invalid_value (errors, AT (path, LIST_KEYS), keys, "entries must all be names of item properties");
    else if (equals (string_of (property, "type"), "array") || equals (string_of (property, "type"), "object"))
      kube_field_errors_invalid (errors, AT (AT_KEY (properties_path, key), "type"), string_of (items, "type"),
                                 "must be a scalar type if parent array's x-kubernetes-list-type is map");
    if (!name_set_add (&seen, key))
      kube_field_errors_invalid_value (errors, AT (path, LIST_KEYS), keys, "must not contain duplicate entries");
  }
}

static void
check_map (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  KubeValue *items = member_of (schema, "items"), *keys = member_of (schema, LIST_KEYS);
  const KubeFieldPath *items_path = AT (path, "items");

  if (kube_value_get_length (keys) == 0)
    kube_field_errors_required (errors, AT (path, LIST_KEYS), "must not be empty if x-kubernetes-list-type is map");
  if (items == NULL)
    kube_field_errors_required (errors, items_path, "must have a schema if x-kubernetes-list-type is map");
  else if (!kube_value_is_object (items))
    kube_validate_invalid_struct (errors, items_path, "a@apiextensions.JSONSchemaProps", items,
                                  "must only have a single schema if x-kubernetes-list-type is map");
  else if (!equals (string_of (items, "type"), "object"))
    kube_field_errors_invalid (errors, AT (items_path, "type"), string_of (items, "type"),
                               "must be object if parent array's x-kubernetes-list-type is map");
  else
    check_keys (errors, path, keys, items);
}

static gboolean
is_required (KubeValue *schema, const char *name)
{
  KubeValue *required = member_of (schema, "required");

  for (guint i = 0; i < kube_value_get_length (required); i++)
    if (equals (element_string (required, i), name))
      return TRUE;
  return FALSE;
}

/* Elements of sets and maps are something, and the keys of maps always there. */
static void
check_sure (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  const char *list_type = string_of (schema, LIST_TYPE);
  KubeValue *items = member_of (schema, "items"), *keys = member_of (schema, LIST_KEYS);
  const KubeFieldPath *items_path = AT (path, "items"), *properties_path = AT (items_path, "properties");

  if (!kube_value_is_object (items) || !(equals (list_type, "set") || equals (list_type, "map")))
    return;
  if (boolean_of (items, "nullable")) {
    g_autofree char *detail = g_strconcat ("cannot be nullable when x-kubernetes-list-type is ", list_type, NULL);
    kube_field_errors_forbidden (errors, AT (items_path, "nullable"), detail);
  }
  for (guint i = 0; equals (list_type, "map") && i < kube_value_get_length (keys); i++) {
    const char *key = element_string (keys, i);
    KubeValue *property = member_of (member_of (items, "properties"), key);
    const KubeFieldPath *at = AT_KEY (properties_path, key);

    if (property != NULL && !is_required (items, key) && !has_member (property, "default"))
      kube_field_errors_required (errors, AT (at, "default"),
                                  "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
    if (boolean_of (property, "nullable"))
      kube_field_errors_forbidden (errors, AT (at, "nullable"), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
  }
}

void
kube_validate_schema_lists (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeSchemaRules rules)
{
  static const char *const map_types[] = { "atomic", "granular", NULL }, *const list_types[] = { "atomic", "set", "map", NULL };
  KubeValue *items = member_of (schema, "items");
  const char *list_type = string_of (schema, LIST_TYPE);

  check_type (errors, path, schema, MAP_TYPE, "object");
  check_known (errors, path, schema, MAP_TYPE, map_types);
  if (check_type (errors, path, schema, LIST_TYPE, "array") && (rules & KUBE_SCHEMA_ATOMIC_SETS) && equals (list_type, "set"))
    check_set (errors, path, items);
  check_known (errors, path, schema, LIST_TYPE, list_types);
  if (kube_value_get_length (member_of (schema, LIST_KEYS)) > 0 && !equals (list_type, "map")) {
    static const char detail[] = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (has_member (schema, LIST_TYPE))
      kube_field_errors_invalid (errors, AT (path, LIST_TYPE), list_type, detail);
    else
      kube_field_errors_required (errors, AT (path, LIST_TYPE), detail);
  }
  if (equals (list_type, "map"))
    check_map (errors, path, schema);
  if (rules & KUBE_SCHEMA_SURE_KEYS)
    check_sure (errors, path, schema);
}

KubeSchemaRules
kube_schema_find_broken_list_rules (KubeValue *schema)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  KubeSchemaRules broken = 0;

  if (equals (string_of (schema, LIST_TYPE), "set") && find_mergeable (member_of (schema, "items")) != NULL)
    broken |= KUBE_SCHEMA_ATOMIC_SETS;
  check_sure (&errors, NULL, schema);
  return broken | (kube_field_errors_get_length (&errors) > 0 ? KUBE_SCHEMA_SURE_KEYS : 0);
}
