/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-go-text.h"
#include <kube/kube-patch.h>
#include <kube/kube-yaml.h>

#include <string.h>

/* --- what the request carries --- */

void
kube_registry_patch_free (KubeRegistryPatch *patch)
{
  g_clear_pointer (&patch->value, kube_value_unref);
  g_clear_pointer (&patch->findings, g_ptr_array_unref);
  g_free (patch);
}

static gboolean
find_type (KubeOperation *op, KubePatchType *type, GError **error)
{
  static const char *const types[] = { [KUBE_PATCH_JSON] = "application/json-patch+json", [KUBE_PATCH_MERGE] = "application/merge-patch+json", [KUBE_PATCH_STRATEGIC] = "application/strategic-merge-patch+json", [KUBE_PATCH_APPLY] = "application/apply-patch+yaml" };
  char buffer[128];
  const char *media = kube_operation_get_media_type (op, buffer);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_str_equal (types[i], media) && (i != KUBE_PATCH_STRATEGIC || op->kind->type != NULL)) {
      *type = i;
      return TRUE;
    }
  }
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE,
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml");
  return FALSE;
}

/* @findings: keys that it has twice, one a line */
static KubeValue *
parse_config (const char *data, gsize length, GPtrArray *findings, GError **error)
{
  g_autoptr (KubeValue) config = kube_yaml_parse_with_duplicates (data, (gssize) length, findings, error);

  if (config == NULL) {
    g_prefix_error (error, "error decoding YAML: error converting YAML to JSON: ");
    return NULL;
  }
  if (!kube_value_is_object (config) && !kube_value_is_null (config)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal %s into Go value of type map[string]interface {}",
        kube_decode_value_word (config));
    return NULL;
  }
  return g_steal_pointer (&config);
}

/* Members of a JSON patch's operations that mean nothing. */
static void
find_unknown (KubeValue *operations, GPtrArray *findings)
{
  static const char *const known[] = { "op", "from", "path", "value", NULL };

  for (guint i = 0; kube_value_is_array (operations) && i < kube_value_get_length (operations); i++) {
    KubeValue *operation = kube_value_get_element (operations, i);
    for (guint k = 0; kube_value_is_object (operation) && k < kube_value_get_length (operation); k++)
      if (!g_strv_contains (known, kube_value_get_key (operation, k)))
        g_ptr_array_add (findings, g_strdup_printf ("unknown field \"[%u].%s\"", i, kube_value_get_key (operation, k)));
  }
}

static KubeValue *
parse_patch (KubePatchType type, const char *data, gsize length, GPtrArray *findings, GError **error)
{
  g_autoptr (GPtrArray) duplicates = g_ptr_array_new_with_free_func (g_free);
  KubeParseOptions options = { .duplicates = duplicates };
  KubeValue *value = kube_value_parse_with_options (data, (gssize) length, &options, error);

  for (guint i = 0; value != NULL && i < duplicates->len; i++)
    g_ptr_array_add (findings, g_strdup_printf ("duplicate field \"%s\"", (const char *) duplicates->pdata[i]));
  if (value != NULL && type == KUBE_PATCH_JSON)
    find_unknown (value, findings);
  if (value == NULL && type != KUBE_PATCH_STRATEGIC)
    g_prefix_error (error, "error decoding patch: ");
  return value;
}

KubeRegistryPatch *
kube_registry_read_patch (KubeOperation *op, GError **error)
{
  KubeValue *given = kube_call_get_patch (op->call);
  GBytes *body = kube_call_get_body (op->call);
  gsize length = 0;
  const char *data = body != NULL ? g_bytes_get_data (body, &length) : NULL;
  g_autoptr (KubeRegistryPatch) patch = g_new0 (KubeRegistryPatch, 1);

  patch->findings = g_ptr_array_new_with_free_func (g_free);
  if (!find_type (op, &patch->type, error) || !kube_operation_get_write_options (op, "PatchOptions", error))
    return NULL;
  if (given != NULL)
    patch->value = kube_value_ref (given);
  else if (patch->type == KUBE_PATCH_APPLY)
    patch->value = parse_config (data != NULL ? data : "", length, patch->findings, error);
  else
    patch->value = parse_patch (patch->type, data != NULL ? data : "", length, patch->findings, error);
  return patch->value != NULL ? g_steal_pointer (&patch) : NULL;
}

/* --- what becomes of an object --- */

static KubeValue *
apply_patch (KubeKind *kind, const KubeRegistryPatch *patch, KubeValue *target, GError **error)
{
  switch (patch->type) {
  case KUBE_PATCH_JSON:
    return kube_patch_json (target, patch->value, error);
  case KUBE_PATCH_MERGE:
    return kube_patch_merge (target, patch->value, error);
  default:
    return kube_patch_strategic (kind, target, patch->value, error);
  }
}

/* A patch is refused with what it made, or for a strategic one with what it says. */
static void
set_patch_error (const KubeRegistryPatch *patch, KubeValue *patched, const char *problem, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  g_autoptr (GString) text = g_string_new (NULL);

  if (patch->type == KUBE_PATCH_STRATEGIC)
    kube_go_print (text, patch->value);
  else
    kube_value_print_to (patched, text);
  kube_field_errors_invalid (&errors, KUBE_FIELD (NULL, "patch"), text->str, problem);
  g_propagate_error (error, kube_field_errors_to_error (&errors, "", "", ""));
}

/* What strict decoding minds, in the patch and in what it made. */
static gboolean
report_findings (KubeOperation *op, const KubeRegistryPatch *patch, KubeValue *patched, GPtrArray *findings, GError **error)
{
  GPtrArray *const lists[] = { patch->findings, findings };
  g_autoptr (GString) text = g_string_new ("strict decoding error: ");
  gsize start = text->len;

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++) {
      g_string_append_printf (text, "%s%s", text->len > start ? ", " : "", (const char *) lists[l]->pdata[i]);
      if (op->strictness == KUBE_STRICTNESS_WARN)
        kube_call_add_warning (op->call, lists[l]->pdata[i]);
    }
  if (text->len == start || op->strictness != KUBE_STRICTNESS_STRICT)
    return TRUE;
  set_patch_error (patch, patched, text->str, error);
  return FALSE;
}

KubeValue *
kube_registry_apply_patch (KubeOperation *op, KubeKind *kind, const KubeRegistryPatch *patch, KubeValue *target, GError **error)
{
  g_autoptr (KubeValue) patched = apply_patch (kind, patch, target, error), decoded = NULL;
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) failure = NULL;
  g_autofree char *problem = NULL;

  if (patched == NULL)
    return NULL;
  problem = patch->type == KUBE_PATCH_STRATEGIC ? kube_decode_restore (kind, patched) : kube_operation_describe_wrong_kind (op, kind, patched);
  if (problem == NULL)
    decoded = kube_operation_decode_quietly (op, kind, patched, NULL, findings, &failure);
  if (decoded == NULL)
    set_patch_error (patch, patched, problem != NULL ? problem : failure->message, error);
  else if (report_findings (op, patch, patched, findings, error))
    return kube_operation_complete_value (op, kind, decoded);
  return NULL;
}

static KubeChange
change_by_patch (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  KubeOperation *op = modify->op;
  g_autoptr (KubeValue) decoded = kube_registry_apply_patch (op, modify->kind, user_data, kube_object_get_value (old), error);
  g_autoptr (KubeBuilder) builder = NULL;

  if (decoded == NULL || !kube_registry_check_names (op, decoded, error) || !kube_registry_check_version (modify->kind, old, decoded, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (decoded);
  kube_registry_track (op, modify->kind, old, decoded, kube_builder_get_root (builder));
  return kube_registry_finish_update (op, modify->kind, old, builder, object, error);
}

static void
on_patched (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  kube_registry_answer_update (modify, object, removed, error);
  kube_registry_patch_free (user_data);
}

void
kube_registry_patch (KubeOperation *op)
{
  GError *error = NULL;
  g_autoptr (KubeRegistryPatch) patch = kube_registry_read_patch (op, &error);

  if (patch == NULL)
    kube_operation_take_error (op, error);
  else if (patch->type == KUBE_PATCH_APPLY)
    kube_registry_apply (op, g_steal_pointer (&patch));
  else
    kube_modify (op, op->kind, op->info.namespace_, op->info.name, KUBE_MODIFY_RETRIES, change_by_patch, on_patched, g_steal_pointer (&patch));
}
