/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-strategy.h"
#include "apply/kube-last-applied.h"
#include "apply/kube-managers.h"
#include <kube/kube-time.h>

#define MAX_NAME 128

/* Who writes: the name that the request gives, or what stands before the slash of the client's. */
static char *
dup_manager_name (KubeOperation *op)
{
  const char *given = kube_call_get_query (op->call, "fieldManager"), *agent = kube_call_get_header (op->call, "User-Agent");
  GString *name;

  if (given != NULL && *given != '\0')
    return g_strdup (given);
  name = g_string_new (NULL);
  if (agent == NULL || !g_utf8_validate (agent, -1, NULL))
    return g_string_free (name, FALSE);
  for (const char *c = agent; *c != '\0' && *c != '/'; c = g_utf8_next_char (c)) {
    gsize length = (gsize) (g_utf8_next_char (c) - c);
    if (!g_unichar_isprint (g_utf8_get_char (c)))
      continue;
    if (name->len + length > MAX_NAME)
      break;
    g_string_append_len (name, c, (gssize) length);
  }
  return g_string_free (name, FALSE);
}

/* What the strategy takes from the stored object, whatever a request of this kind says. */
static const char *const *
get_reset (KubeOperation *op, KubeKind *kind)
{
  static const char *const status[] = { "f:status", NULL }, *const spec[] = { "f:spec", NULL }, *const both[] = { "f:spec", "f:status", NULL },
                           *const described[] = { "f:metadata", "f:spec", NULL };
  const KubeStrategy *strategy = kube_strategy_find (kind);

  if (g_str_equal (op->info.subresource, "status"))
    return strategy->status_metadata ? described : spec;
  if (*op->info.subresource != '\0' || kube_kind_find_subresource (kind, "status") == NULL)
    return NULL;
  return strategy->spec_fixed ? both : status;
}

static KubeManagerInfo
describe (KubeOperation *op, KubeKind *kind, const char *name, char now[KUBE_TIME_STRING_SIZE])
{
  return (KubeManagerInfo){ name, kind->api_version, op->info.subresource, kube_time_format (kube_clock_get_time (op->clock), now), get_reset (op, kind) };
}

void
kube_registry_track (KubeOperation *op, KubeKind *kind, KubeObject *old, KubeValue *next, KubeNode *root)
{
  KubeValue *live = old != NULL ? kube_object_get_value (old) : NULL;
  g_autofree char *name = dup_manager_name (op);
  char now[KUBE_TIME_STRING_SIZE];
  KubeManagerInfo info = describe (op, kind, name, now);
  g_autoptr (KubeManagers) managers = kube_managers_choose (live, next, *info.subresource != '\0');

  kube_managers_update (managers, kind, live, next, &info);
  kube_managers_write (managers, root);
}

/* --- PATCH of what a manager wants --- */

gboolean
kube_registry_check_config (KubeKind *kind, KubeValue *config, GError **error)
{
  const char *api_version = kube_value_get_member_string (config, "apiVersion"), *name = kube_value_get_member_string (config, "kind");
  const char *group = api_version == NULL ? "/" : strchr (api_version, '/') == NULL ? "/" : "";

  if (g_strcmp0 (api_version, kind->api_version) != 0 || g_strcmp0 (name, kind->name) != 0)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid object type: %s%s, Kind=%s", group, api_version != NULL ? api_version : "", name != NULL ? name : "");
  else if (kube_value_get (config, "metadata.managedFields") != NULL)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "metadata.managedFields must be nil");
  else
    return TRUE;
  return FALSE;
}

static void
prefix_config_error (KubeOperation *op, KubeValue *config, GError **error)
{
  const char *namespace_ = kube_value_get_string (config, "metadata.namespace"), *name = kube_value_get_string (config, "metadata.name");

  if (g_error_matches (*error, KUBE_ERROR, KUBE_ERROR_UNKNOWN))
    g_prefix_error (error, "failed to create typed patch object (%s/%s; %s%s, Kind=%s): ", namespace_ != NULL ? namespace_ : "", name != NULL ? name : "",
        *op->kind->group == '\0' ? "/" : "", op->kind->api_version, op->kind->name);
}

/* Keys that a configuration has twice are looked for once it has been merged: a conflict is told of first. */
static gboolean
report_repeated (KubeOperation *op, GPtrArray *lines, GError **error)
{
  g_autoptr (GString) text = NULL;

  if (lines->len == 0 || op->strictness == KUBE_STRICTNESS_IGNORE)
    return TRUE;
  if (op->strictness == KUBE_STRICTNESS_WARN) {
    for (guint i = 0; i < lines->len; i++)
      kube_call_add_warning (op->call, lines->pdata[i]);
    return TRUE;
  }
  text = g_string_new ("error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:");
  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "\n  %s", (const char *) lines->pdata[i]);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, text->str);
  return FALSE;
}

/* The object as it is once @patch was applied to @old (nullable), decoded, with its managers. (transfer full) */
static KubeBuilder *
apply (KubeOperation *op, KubeObject *old, const KubeRegistryPatch *patch, GError **error)
{
  KubeValue *config = patch->value;
  KubeValue *live = old != NULL ? kube_object_get_value (old) : NULL;
  g_autofree char *name = dup_manager_name (op);
  char now[KUBE_TIME_STRING_SIZE];
  KubeManagerInfo info = describe (op, op->kind, name, now);
  g_autoptr (KubeManagers) managers = kube_managers_choose (live, NULL, TRUE);
  g_autoptr (KubeValue) applied = NULL, decoded = NULL;
  KubeBuilder *builder;

  applied = kube_managers_apply (managers, op->kind, live, config, &info, kube_operation_get_flag (op, "force"), error);
  if (applied == NULL) {
    prefix_config_error (op, config, error);
    return NULL;
  }
  if (report_repeated (op, patch->findings, error))
    decoded = kube_operation_decode_value (op, op->kind, applied, NULL, error);
  if (decoded == NULL || !kube_registry_check_names (op, decoded, error) || (old != NULL && !kube_registry_check_version (op->kind, old, decoded, error)))
    return NULL;
  builder = kube_builder_new (decoded);
  if (g_str_equal (info.name, "kubectl"))
    kube_last_applied_follow (kube_builder_get_root (builder), config);
  kube_managers_write (managers, kube_builder_get_root (builder));
  return builder;
}

KubeChange
kube_registry_apply_to (KubeModify *modify, KubeObject *old, const KubeRegistryPatch *config, KubeObject **object, GError **error)
{
  g_autoptr (KubeBuilder) builder = apply (modify->op, old, config, error);

  return builder != NULL ? kube_registry_finish_update (modify->op, modify->kind, old, builder, object, error) : KUBE_CHANGE_NONE;
}

/* Who names an object by its identity does not want another one. */
static gboolean
check_absent (KubeOperation *op, KubeValue *object, GError **error)
{
  const char *uid = kube_value_get_string (object, "metadata.uid");
  g_autofree char *message = NULL;

  if (uid == NULL || *uid == '\0')
    return TRUE;
  message = g_strdup_printf ("uid mismatch: the provided object specified uid %s, and no existing object was found", uid);
  g_propagate_error (error, kube_registry_conflict (op->kind, op->info.name, message));
  return FALSE;
}

static KubeChange
change_by_config (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  return kube_registry_apply_to (modify, old, user_data, object, error);
}

static void on_applied (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data);

static void
apply_to_stored (KubeOperation *op, KubeRegistryPatch *config)
{
  kube_modify (op, op->kind, op->info.namespace_, op->info.name, KUBE_MODIFY_RETRIES, change_by_config, on_applied, config);
}

/* Who applies at the same time as another one applies to what that one has made. */
static void
on_created (KubeOperation *op, gboolean lost, gpointer user_data)
{
  if (lost)
    apply_to_stored (op, user_data);
  else
    kube_registry_patch_free (user_data);
}

static void
create (KubeOperation *op, KubeRegistryPatch *config)
{
  GError *error = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) value = NULL;

  if (kube_registry_may_create (op, &error))
    builder = apply (op, NULL, config, &error);
  if (builder != NULL)
    value = kube_builder_end (builder);
  if (value != NULL && check_absent (op, value, &error)) {
    kube_registry_create_value (op, value, TRUE, on_created, config);
    return;
  }
  kube_operation_take_error (op, error);
  kube_registry_patch_free (config);
}

static void
on_applied (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  gboolean absent = error != NULL && error->code == KUBE_ERROR_NOT_FOUND && modify->old == NULL;

  if (absent && *modify->op->info.subresource == '\0') {
    create (modify->op, user_data);
    return;
  }
  kube_registry_answer_update (modify, object, removed, error);
  kube_registry_patch_free (user_data);
}

void
kube_registry_apply (KubeOperation *op, KubeRegistryPatch *config)
{
  GError *error = NULL;

  if (kube_registry_check_config (op->kind, config->value, &error)) {
    apply_to_stored (op, config);
    return;
  }
  kube_operation_take_error (op, error);
  kube_registry_patch_free (config);
}
