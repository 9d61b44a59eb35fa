/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* The defaults in structural schemas: they are values that their schema allows, with nothing in them that it would prune. */

enum { DEPTH_MAX = 100 };

static gboolean
is_meta (const char *name)
{
  static const char *const metas[] = { "apiVersion", "kind", "metadata", NULL };

  return kube_validate_one_of (name, metas);
}

/* --- pruning --- */

static gboolean
is_embedded (KubeValue *schema)
{
  return boolean_of (schema, "x-kubernetes-embedded-resource");
}

/* @embedded: it is a resource; @keep: a schema around says that what is unknown stays */
static gboolean
would_prune (KubeValue *schema, KubeValue *value, gboolean embedded, gboolean keep, guint depth)
{
  KubeValue *additional = member_of (schema, "additionalProperties");

  if (depth > DEPTH_MAX)
    return FALSE;
  keep |= boolean_of (schema, "x-kubernetes-preserve-unknown-fields");
  for (guint i = 0; kube_value_is_array (value) && i < kube_value_get_length (value); i++)
    if (would_prune (member_of (schema, "items"), kube_value_get_element (value, i), is_embedded (member_of (schema, "items")), keep, depth + 1))
      return TRUE;
  for (guint i = 0; kube_value_is_object (value) && i < kube_value_get_length (value); i++) {
    const char *name = kube_value_get_key (value, i);
    KubeValue *property = member_of (member_of (schema, "properties"), name);

    if (embedded && is_meta (name))
      continue;
    property = property != NULL ? property : additional;
    if (property != NULL ? would_prune (property, kube_value_get_element (value, i), is_embedded (property), FALSE, depth + 1) : !keep)
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_unpruned_defaults (KubeValue *schema, guint depth)
{
  static const char *const single[] = { "items", "additionalProperties" };
  KubeValue *properties = member_of (schema, "properties");

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return FALSE;
  if (has_member (schema, "default") && would_prune (schema, member_of (schema, "default"), is_embedded (schema), FALSE, 0))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (single); i++)
    if (has_unpruned_defaults (member_of (schema, single[i]), depth + 1))
      return TRUE;
  for (guint i = 0; i < kube_value_get_length (properties); i++)
    if (has_unpruned_defaults (kube_value_get_element (properties, i), depth + 1))
      return TRUE;
  return FALSE;
}

gboolean
kube_schema_has_unpruned_defaults (KubeValue *schema)
{
  return has_unpruned_defaults (schema, 0);
}

/* --- resources within --- */

static void
check_version (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *version)
{
  const char *text = kube_value_peek_string (version, NULL), *slash = text != NULL ? strchr (text, '/') : NULL;

  if (text == NULL)
    kube_field_errors_invalid_value (errors, path, version, "must be a string");
  else if (*text == '\0')
    kube_field_errors_invalid (errors, path, text, "must not be empty");
  else if (slash != NULL && strchr (slash + 1, '/') != NULL)
    kube_field_errors_invalid_format (errors, path, text, "unexpected GroupVersion string: %s", text);
}

static void
check_kind (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *kind)
{
  const char *text = kube_value_peek_string (kind, NULL);
  g_autofree char *lower = g_ascii_strdown (text != NULL ? text : "", -1);

  if (text == NULL) {
    kube_field_errors_invalid_value (errors, path, kind, "must be a string");
  } else if (*text == '\0') {
    kube_field_errors_invalid (errors, path, text, "must not be empty");
  } else if (!kube_name_is_valid (KUBE_NAME_DNS1035_LABEL, lower)) {
    g_autoptr (GPtrArray) messages = kube_name_check_all (KUBE_NAME_DNS1035_LABEL, lower);
    g_autofree char *joined = NULL;

    g_ptr_array_add (messages, NULL);
    joined = g_strjoinv (",", (char **) messages->pdata);
    kube_field_errors_invalid_format (errors, path, text, "may have mixed case, but should otherwise match: %s", joined);
  }
}

static void
check_resource (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *value)
{
  KubeValue *version = kube_value_get_member (value, "apiVersion"), *kind = kube_value_get_member (value, "kind"), *meta = member_of (value, "metadata");

  if (version == NULL)
    kube_field_errors_required (errors, AT (path, "apiVersion"), NULL);
  if (kind == NULL)
    kube_field_errors_required (errors, AT (path, "kind"), NULL);
  if (version != NULL)
    check_version (errors, AT (path, "apiVersion"), version);
  if (kind != NULL)
    check_kind (errors, AT (path, "kind"), kind);
  if (kube_value_is_object (meta)) {
    g_autoptr (KubeBuilder) builder = kube_builder_new (meta);
    g_autoptr (KubeValue) named = NULL;

    /* A name is not asked for, but what there is is looked at. */
    if (!has_text (meta, "name"))
      kube_node_put_string (kube_builder_get_root (builder), "name", "fakename");
    named = kube_builder_end (builder);
    kube_validate_meta (errors, AT (path, "metadata"), named, has_text (meta, "namespace"), KUBE_NAME_RULE_PATH_SEGMENT);
  }
}

static void
check_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value, gboolean embedded, guint depth)
{
  KubeValue *additional = member_of (schema, "additionalProperties");

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  if (kube_value_is_object (value) && embedded)
    check_resource (errors, path, value);
  for (guint i = 0; kube_value_is_object (value) && i < kube_value_get_length (value); i++) {
    const char *name = kube_value_get_key (value, i);
    KubeValue *property = member_of (member_of (schema, "properties"), name), *element = kube_value_get_element (value, i);

    if (property != NULL)
      check_resources (errors, AT (path, name), property, element, is_embedded (property), depth + 1);
    else
      check_resources (errors, AT_KEY (path, name), additional, element, is_embedded (additional), depth + 1);
  }
  for (guint i = 0; kube_value_is_array (value) && i < kube_value_get_length (value); i++)
    check_resources (errors, AT_INDEX (path, i), member_of (schema, "items"), kube_value_get_element (value, i), is_embedded (member_of (schema, "items")),
                     depth + 1);
}

/* --- defaults --- */

/* Metadata is not told by its schema alone, so that nothing is pruned of it. */
static void
check_default (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean embedded, gboolean in_meta, gboolean pruned)
{
  KubeValue *value = member_of (schema, "default");
  guint before;

  if (value == NULL)
    return;
  if (pruned && !in_meta && would_prune (schema, value, embedded, FALSE, 0))
    kube_field_errors_invalid_value (errors, path, value, "must not have unknown fields");
  before = kube_field_errors_get_length (errors);
  if (!in_meta)
    check_resources (errors, path, schema, value, embedded, 0);
  if (kube_field_errors_get_length (errors) == before)
    kube_validate_by_schema (errors, path, schema, value);
}

static void
check_defaults (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean is_root, gboolean in_meta, gboolean pruned, guint depth)
{
  KubeValue *properties = member_of (schema, "properties");
  gboolean embedded = is_root || is_embedded (schema);

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  in_meta &= !embedded;
  check_default (errors, AT (path, "default"), schema, embedded, in_meta, pruned);
  check_defaults (errors, AT (path, "items"), member_of (schema, "items"), FALSE, in_meta, pruned, depth + 1);
  for (guint i = 0; i < kube_value_get_length (properties); i++) {
    const char *name = kube_value_get_key (properties, i);
    check_defaults (errors, AT_KEY (AT (path, "properties"), name), kube_value_get_element (properties, i), FALSE, in_meta || (embedded && is_meta (name)),
                    pruned, depth + 1);
  }
}

void
kube_validate_schema_defaults (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean pruned)
{
  check_defaults (errors, path, schema, TRUE, FALSE, pruned, 0);
}
