/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-strategy.h"
#include "kube-decode.h"
#include "kube-go-text.h"
#include "kube-validation.h"
#include "../kube-admission.h"
#include <kube/kube-patch.h>
#include <kube/kube-yaml.h>

/* Whether an object that is being deleted has nothing left to wait for. */
static gboolean
is_done_for (const KubeStrategy *strategy, KubeObject *object)
{
  if (strategy->is_held != NULL && strategy->is_held (object))
    return FALSE;
  return kube_object_is_deleting (object) && kube_value_get_length (kube_object_get (object, "metadata.finalizers")) == 0 && kube_object_get_integer (object, "metadata.deletionGracePeriodSeconds", 0) == 0;
}

static void
keep_meta (KubeNode *meta, KubeValue *old_meta, const char *key)
{
  kube_node_put_value (meta, key, kube_value_get_member (old_meta, key));
}

/* What an update says nothing of, or nothing that counts; what it may not change is left to validation. */
static void
keep_metadata (KubeObject *old, KubeNode *root)
{
  KubeNode *meta = kube_node_ensure_object (root, "metadata");
  KubeValue *old_meta = kube_object_get (old, "metadata");
  const char *uid = kube_node_get_string (meta, "uid");
  gboolean deleting = kube_object_is_deleting (old);

  if (uid == NULL || *uid == '\0')
    keep_meta (meta, old_meta, "uid");
  keep_meta (meta, old_meta, "creationTimestamp");
  if (deleting)
    keep_meta (meta, old_meta, "deletionTimestamp");
  keep_meta (meta, old_meta, "generation");
  keep_meta (meta, old_meta, "resourceVersion");
  keep_meta (meta, old_meta, "namespace");
  kube_node_remove_member (meta, "selfLink");
  if (deleting && kube_node_get_member (meta, "deletionGracePeriodSeconds") == NULL)
    keep_meta (meta, old_meta, "deletionGracePeriodSeconds");
}

static gboolean
belongs_to_status (const char *key)
{
  return g_str_equal (key, "apiVersion") || g_str_equal (key, "kind") || g_str_equal (key, "metadata") || g_str_equal (key, "status");
}

/* An update of the status takes nothing else from the client. */
static void
keep_all_but_status (KubeObject *old, KubeNode *root)
{
  KubeValue *value = kube_object_get_value (old);

  for (guint i = kube_node_get_length (root); i > 0; i--) {
    const char *key = kube_node_get_key (root, i - 1);
    if (!belongs_to_status (key))
      kube_node_remove_member (root, key);
  }
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    if (!belongs_to_status (key))
      kube_node_put_value (root, key, kube_value_get_element (value, i));
  }
}

/* What it does not take of the metadata, with some kinds. */
static void
keep_described (const KubeStrategy *strategy, KubeObject *old, KubeNode *root)
{
  static const char *const paths[] = { "metadata.labels", "metadata.annotations", "metadata.finalizers", "metadata.ownerReferences" };
  gsize n = strategy->status_metadata ? G_N_ELEMENTS (paths) : strategy->status_labels ? 1 : 0;

  for (gsize i = 0; i < n; i++)
    kube_node_set_value (root, paths[i], kube_object_get (old, paths[i]));
}

/* Whether what is at @path changes by more than what the store drops. */
static gboolean
differs (KubeOperation *op, KubeObject *old, KubeNode *root, const char *path)
{
  KubeNode *node = kube_node_get (root, path);
  g_autoptr (KubeValue) value = node != NULL ? kube_node_to_value (node) : NULL;
  KubeValue *before = kube_object_get (old, path);

  return !kube_value_equal (value, before) && !(op->needs_read_back && kube_validate_semantic_equal (value, before));
}

/* Of kinds without a spec, all but metadata and status counts. */
static gboolean
content_differs (KubeOperation *op, KubeObject *old, KubeNode *root)
{
  KubeValue *value = kube_object_get_value (old);

  for (guint i = 0; i < kube_node_get_length (root); i++) {
    const char *key = kube_node_get_key (root, i);
    if (!belongs_to_status (key) && differs (op, old, root, key))
      return TRUE;
  }
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    if (!belongs_to_status (key) && kube_node_get_member (root, key) == NULL)
      return TRUE;
  }
  return FALSE;
}

static void
count_generation (KubeOperation *op, KubeKind *kind, const KubeStrategy *strategy, const char *subresource, KubeObject *old, KubeNode *root)
{
  gboolean has_spec = kind->type == NULL || kube_type_find_field (kind->type, "spec", 4) != NULL;

  gboolean status = g_str_equal (subresource, "status");
  gboolean meta = (strategy->generation_of_annotations && !status && differs (op, old, root, "metadata.annotations")) || (strategy->generation_of_labels && differs (op, old, root, "metadata.labels"));

  if (kind->has_generation && !strategy->generation_fixed && (meta || (has_spec ? differs (op, old, root, "spec") : content_differs (op, old, root))))
    kube_node_set_integer (root, "metadata.generation", kube_object_get_generation (old) + 1);
}

static void
admission_init (KubeAdmission *admission, KubeOperation *op, KubeKind *kind, KubeObject *old)
{
  *admission = (KubeAdmission){
    .store = op->store, .cache = kube_server_get_cache (op->server), .scheme = op->scheme, .auth = kube_server_get_auth (op->server), .clock = op->clock, .operation = KUBE_ADMIT_UPDATE, .info = &op->info, .kind = kind, .user = op->user,
    .old = old, .dry_run = op->dry_run, .warnings = g_ptr_array_new_with_free_func (g_free),
  };
}

static gboolean
admit (KubeOperation *op, KubeKind *kind, KubeObject *old, KubeBuilder *builder, KubeObject *final, GError **error)
{
  KubeAdmission admission;
  gboolean good;

  admission_init (&admission, op, kind, old);
  admission.object = builder;
  admission.final = final;
  good = final != NULL ? kube_admission_validate (&admission, error) : kube_admission_mutate (&admission, error);
  for (guint i = 0; i < admission.warnings->len; i++)
    kube_call_add_warning (op->call, g_ptr_array_index (admission.warnings, i));
  g_ptr_array_unref (admission.warnings);
  return good;
}

static gboolean
validate (KubeOperation *op, KubeKind *kind, KubeObject *old, KubeObject *new, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  const char *subresource = kind == op->kind && *op->info.subresource != '\0' ? op->info.subresource : NULL;
  GError *invalid;

  kube_validate_update (kind, subresource, kube_object_get_value (new), kube_object_get_value (old), &errors);
  invalid = kube_field_errors_to_error (&errors, kube_registry_error_group (kind), kind->name, kube_object_get_name (old));
  if (invalid != NULL)
    g_propagate_error (error, invalid);
  return invalid == NULL;
}

static void
apply_strategy (KubeOperation *op, KubeKind *kind, const KubeStrategy *strategy, KubeObject *old, KubeNode *root)
{
  const char *subresource = kind == op->kind ? op->info.subresource : "";
  KubeWriteContext context = { op, kind, subresource, kube_object_get_value (old), root };

  if (g_str_equal (subresource, "status")) {
    keep_all_but_status (old, root);
    keep_described (strategy, old, root);
  } else if (kube_kind_find_subresource (kind, "status") != NULL && !g_str_equal (subresource, "finalize") && !g_str_equal (subresource, "approval")) {
    kube_node_put_value (root, "status", kube_object_get (old, "status"));
  }
  kube_gates_apply (&context);
  if (strategy->prepare_update != NULL)
    strategy->prepare_update (&context);
  count_generation (op, kind, strategy, subresource, old, root);
}

static gboolean
warn (KubeOperation *op, const KubeStrategy *strategy, KubeObject *old, KubeObject *new)
{
  kube_strategy_warn (strategy, op, kube_object_get_value (new), kube_object_get_value (old));
  return TRUE;
}

KubeChange
kube_registry_finish_update (KubeOperation *op, KubeKind *kind, KubeObject *old, KubeBuilder *builder, KubeObject **object, GError **error)
{
  const KubeStrategy *strategy = kube_strategy_find (kind);
  KubeWriteContext context = { op, kind, op->info.subresource, kube_object_get_value (old), NULL };
  g_autoptr (KubeObject) new = NULL, stored = NULL;

  keep_metadata (old, kube_builder_get_root (builder));
  if (!admit (op, kind, old, builder, NULL, error))
    return KUBE_CHANGE_NONE;
  context.object = kube_builder_get_root (builder);
  apply_strategy (op, kind, strategy, old, context.object);
  if (strategy->allocate != NULL && *op->info.subresource == '\0' && !strategy->allocate (&context, error))
    return KUBE_CHANGE_NONE;
  new = kube_object_new_from_builder (builder);
  if (!validate (op, kind, old, new, error) || !warn (op, strategy, old, new) || !admit (op, kind, old, builder, new, error)) {
    if (strategy->settle != NULL)
      strategy->settle (op, new, old, FALSE, FALSE);
    return KUBE_CHANGE_NONE;
  }
  stored = kube_operation_read_back (op, kind, new);
  if (is_done_for (strategy, stored)) {
    *object = g_steal_pointer (&stored);
    return KUBE_CHANGE_REMOVE;
  }
  if (kube_value_equal (kube_object_get_value (old), kube_object_get_value (stored)))
    return KUBE_CHANGE_NONE;
  *object = g_steal_pointer (&stored);
  return KUBE_CHANGE_WRITE;
}

/* --- PUT --- */

void
kube_registry_answer_update (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error)
{
  const KubeStrategy *strategy = kube_strategy_find (modify->kind);

  if (strategy->settle != NULL && modify->new != NULL)
    strategy->settle (modify->op, modify->new, modify->old, error == NULL && !modify->op->dry_run, removed);
  if (error != NULL)
    kube_operation_answer_error (modify->op, error);
  else
    kube_operation_answer_object (modify->op, 200, object);
}

/* An object that says which one it is replaces no other. */
static gboolean
check_uid (KubeModify *modify, KubeObject *old, KubeValue *value, GError **error)
{
  return kube_modify_check_preconditions (modify, old, kube_value_get_string (value, "metadata.uid"), NULL, error);
}

static void replace_stored (KubeOperation *op, KubeValue *value);

static void
on_created (KubeOperation *op, gboolean lost, gpointer user_data)
{
  if (lost)
    replace_stored (op, user_data);
  kube_value_unref (user_data);
}

static void
on_updated (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  g_autoptr (KubeValue) value = user_data;
  gboolean absent = error != NULL && error->code == KUBE_ERROR_NOT_FOUND && modify->old == NULL;
  g_autoptr (GError) mismatch = NULL;

  if (!absent || !kube_strategy_find (modify->kind)->update_creates || *modify->op->info.subresource != '\0')
    kube_registry_answer_update (modify, object, removed, error);
  else if (check_uid (modify, NULL, value, &mismatch))
    kube_registry_create_value (modify->op, value, FALSE, on_created, kube_value_ref (value));
  else
    kube_operation_answer_error (modify->op, mismatch);
}

gboolean
kube_registry_check_namespace (KubeOperation *op, const char *namespace_, GError **error)
{
  if (!op->kind->namespaced || namespace_ == NULL || *namespace_ == '\0' || g_str_equal (namespace_, op->info.namespace_))
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the namespace of the provided object does not match the namespace sent on the request");
  return FALSE;
}

gboolean
kube_registry_check_names (KubeOperation *op, KubeValue *value, GError **error)
{
  const char *name = kube_value_get_string (value, "metadata.name");

  if (!kube_registry_check_namespace (op, kube_value_get_string (value, "metadata.namespace"), error))
    return FALSE;
  if (name == NULL || *name == '\0')
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the name of the object (%s based on URL) was undeterminable: name must be provided", op->info.name);
  else if (!g_str_equal (name, op->info.name))
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the name of the object (%s) does not match the name on the URL (%s)", name, op->info.name);
  else
    return TRUE;
  return FALSE;
}

gboolean
kube_registry_check_version (KubeKind *kind, KubeObject *old, KubeValue *value, GError **error)
{
  const char *version = kube_value_get_string (value, "metadata.resourceVersion"), *current = kube_object_get_resource_version (old);
  guint64 number;

  if (version == NULL || *version == '\0' || g_str_equal (version, "0")) {
    g_auto (KubeFieldErrors) errors = { NULL };
    if (!kube_strategy_find (kind)->needs_version)
      return TRUE;
    kube_field_errors_add (&errors, KUBE_FIELD_ERROR_INVALID, KUBE_FIELD (KUBE_FIELD (NULL, "metadata"), "resourceVersion"), "0", "must be specified for an update");
    g_propagate_error (error, kube_field_errors_to_error (&errors, kind->group, kind->plural, kube_object_get_name (old)));
    return FALSE;
  }
  if (g_strcmp0 (version, current) == 0)
    return TRUE;
  if (!kube_parse_revision (version, &number, error))
    return FALSE;
  g_propagate_error (error, kube_registry_conflict (kind, kube_object_get_name (old), "the object has been modified; please apply your changes to the latest version and try again"));
  return FALSE;
}

static KubeChange
replace (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  KubeValue *value = user_data;
  g_autoptr (KubeBuilder) builder = NULL;

  if (!check_uid (modify, old, value, error) || !kube_registry_check_version (modify->kind, old, value, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (value);
  kube_registry_track (modify->op, modify->kind, old, value, kube_builder_get_root (builder));
  return kube_registry_finish_update (modify->op, modify->kind, old, builder, object, error);
}

static void
replace_stored (KubeOperation *op, KubeValue *value)
{
  const char *version = kube_value_get_string (value, "metadata.resourceVersion");

  kube_modify (op, op->kind, op->info.namespace_, op->info.name, version == NULL || *version == '\0' ? KUBE_MODIFY_RETRIES : 0, replace, on_updated, kube_value_ref (value));
}

void
kube_registry_update (KubeOperation *op)
{
  g_autoptr (KubeValue) value = NULL;
  GError *error = NULL;

  if (kube_operation_get_write_options (op, "UpdateOptions", &error))
    value = kube_operation_decode_body (op, op->kind, &error);
  if (value == NULL || !kube_registry_check_names (op, value, &error)) {
    kube_operation_take_error (op, error);
    return;
  }
  replace_stored (op, value);
}
