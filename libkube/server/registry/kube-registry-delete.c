/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-strategy.h"
#include "../kube-admission.h"
#include "kube-decode.h"
#include <errno.h>
#include <kube/kube-time.h>

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"
/* Deletions of a collection that are under way at a time. */
#define WINDOW 64

/* --- DeleteOptions --- */

static KubeValue *
options_from_query (KubeOperation *op, GError **error)
{
  static const char *const texts[] = { "propagationPolicy", NULL };
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  const char *grace = kube_call_get_query (op->call, "gracePeriodSeconds");
  const char *const *dry_run = kube_call_get_query_all (op->call, "dryRun");
  gint64 seconds;

  if (!kube_operation_get_integer (op, "gracePeriodSeconds", &seconds, error))
    return NULL;
  if (grace != NULL && *grace != '\0')
    kube_node_set_integer (root, "gracePeriodSeconds", seconds);
  if (kube_call_get_query (op->call, "orphanDependents") != NULL)
    kube_node_set_boolean (root, "orphanDependents", kube_operation_get_flag (op, "orphanDependents"));
  for (guint i = 0; dry_run != NULL && dry_run[i] != NULL; i++)
    kube_node_append_string (kube_node_ensure_array (root, "dryRun"), dry_run[i]);
  for (guint i = 0; texts[i] != NULL; i++) {
    const char *value = kube_call_get_query (op->call, texts[i]);
    if (value != NULL && *value != '\0')
      kube_node_set_string (root, texts[i], value);
  }
  return kube_builder_end (builder);
}

static gboolean
is_dry_run (KubeValue *values)
{
  for (guint i = 0; i < kube_value_get_length (values); i++)
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (values, i), NULL), "All") != 0)
      return FALSE;
  return TRUE;
}

static gboolean
check_delete_options (const KubeDeleteOptions *options, GError **error)
{
  KubeValue *dry_run = kube_value_get_member (options->value, "dryRun");
  static const char *const policies[] = { "Background", "Foreground", "Orphan", NULL };
  g_auto (KubeFieldErrors) errors = { NULL };
  const KubeFieldPath *path = KUBE_FIELD (NULL, "propagationPolicy");
  GError *invalid;

  if (options->orphan >= 0 && options->propagation != NULL)
    kube_field_errors_invalid (&errors, path, options->propagation, "orphanDependents and deletionPropagation cannot be both set");
  if (options->propagation != NULL && !g_strv_contains (policies, options->propagation)) {
    g_autoptr (GString) bad = g_string_new (NULL);
    kube_go_quote (bad, options->propagation, -1);
    kube_field_errors_add (&errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad->str, "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"");
  }
  if (!is_dry_run (dry_run)) {
    g_autofree char *bad = kube_value_print (dry_run, NULL);
    kube_field_errors_add (&errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, KUBE_FIELD (NULL, "dryRun"), bad, "supported values: \"All\"");
  }
  invalid = kube_field_errors_to_error (&errors, "meta.k8s.io", "DeleteOptions", "");
  if (invalid != NULL)
    g_propagate_error (error, invalid);
  return invalid == NULL;
}

gboolean
kube_delete_options_init (KubeDeleteOptions *options, KubeOperation *op, KubeValue *body, GError **error)
{
  memset (options, 0, sizeof *options);
  options->value = body != NULL && kube_value_is_object (body) ? kube_value_ref (body) : options_from_query (op, error);
  if (options->value == NULL)
    return FALSE;
  options->grace = kube_value_get_integer (options->value, "gracePeriodSeconds", -1);
  options->propagation = kube_value_get_string (options->value, "propagationPolicy");
  options->orphan = kube_value_get_boolean (options->value, "orphanDependents", -1);
  options->uid = kube_value_get_string (options->value, "preconditions.uid");
  options->version = kube_value_get_string (options->value, "preconditions.resourceVersion");
  if (kube_value_get_length (kube_value_get (options->value, "dryRun")) > 0)
    op->dry_run = TRUE;
  return TRUE;
}

void
kube_delete_options_clear (KubeDeleteOptions *options)
{
  g_clear_pointer (&options->value, kube_value_unref);
}

/* --- one object --- */

typedef struct {
  KubeDeleteOptions options;
  KubeModifiedFunc done;
  gpointer user_data;
} Deletion;

gboolean
kube_delete_options_check (const KubeDeleteOptions *options, KubeModify *modify, KubeObject *old, GError **error)
{
  g_autofree char *message = NULL;
  GError *refused;

  if (kube_strategy_find (modify->kind)->hold_deletion != NULL) { /* upstream deletes these in a way of their own */
    message = kube_registry_dup_precondition (old, options->uid, options->version);
    if (message != NULL)
      g_propagate_error (error, kube_registry_conflict (modify->kind, modify->name, message));
    return message == NULL;
  }
  if (options->uid != NULL && g_strcmp0 (options->uid, kube_object_get_uid (old)) != 0)
    message = g_strdup_printf ("the UID in the precondition (%s) does not match the UID in record (%s). The object might have been deleted and then recreated", options->uid, kube_object_get_uid (old));
  else if (options->version != NULL && *options->version != '\0' && g_strcmp0 (options->version, kube_object_get_resource_version (old)) != 0)
    message = g_strdup_printf ("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). The object might have been modified", options->version,
        kube_object_get_resource_version (old));
  if (message == NULL)
    return TRUE;
  refused = g_error_new (KUBE_ERROR, KUBE_ERROR_CONFLICT, "Operation cannot be fulfilled on %s \"%s\": %s", modify->kind->qualified_kind, modify->name, message);
  kube_error_set_subject (refused, modify->kind->group, modify->kind->name, modify->name);
  g_propagate_error (error, refused);
  return FALSE;
}

static gboolean
admit (KubeModify *modify, KubeObject *old, GError **error)
{
  KubeOperation *op = modify->op;
  KubeAdmission admission = {
    .store = op->store, .cache = kube_server_get_cache (op->server), .scheme = op->scheme, .auth = kube_server_get_auth (op->server), .clock = op->clock, .operation = KUBE_ADMIT_DELETE, .info = &op->info, .kind = modify->kind,
    .user = op->user, .old = old, .dry_run = op->dry_run, .warnings = g_ptr_array_new_with_free_func (g_free),
  };
  gboolean good = kube_admission_mutate (&admission, error) && kube_admission_validate (&admission, error);

  for (guint i = 0; i < admission.warnings->len; i++)
    kube_call_add_warning (op->call, g_ptr_array_index (admission.warnings, i));
  g_ptr_array_unref (admission.warnings);
  return good;
}

/* Which of the garbage collector's two finalizers the deletion asks for; an explicit wish goes before what the object has. */
static const char *
wanted_finalizer (const KubeStrategy *strategy, const KubeDeleteOptions *options, KubeObject *old)
{
  if (strategy->expires) /* events: nobody collects their dependents */
    return NULL;
  if (options->orphan >= 0)
    return options->orphan ? ORPHAN : NULL;
  if (options->propagation != NULL)
    return g_str_equal (options->propagation, "Orphan") ? ORPHAN : g_str_equal (options->propagation, "Foreground") ? FOREGROUND : NULL;
  if (kube_object_has_finalizer (old, ORPHAN))
    return ORPHAN;
  if (kube_object_has_finalizer (old, FOREGROUND))
    return FOREGROUND;
  return strategy->orphans ? ORPHAN : NULL;
}

static void
set_finalizers (const KubeStrategy *strategy, const KubeDeleteOptions *options, KubeObject *old, KubeNode *meta)
{
  const char *wanted = wanted_finalizer (strategy, options, old);
  KubeValue *finalizers = kube_object_get (old, "metadata.finalizers");
  KubeNode *array;

  if (wanted == NULL && !kube_object_has_finalizer (old, ORPHAN) && !kube_object_has_finalizer (old, FOREGROUND))
    return;
  if (wanted != NULL && kube_object_has_finalizer (old, wanted))
    return;
  kube_node_remove_member (meta, "finalizers");
  array = kube_node_ensure_array (meta, "finalizers");
  for (guint i = 0; i < kube_value_get_length (finalizers); i++) {
    const char *name = kube_value_peek_string (kube_value_get_element (finalizers, i), NULL);
    if (name != NULL && !g_str_equal (name, ORPHAN) && !g_str_equal (name, FOREGROUND))
      kube_node_append_string (array, name);
  }
  if (wanted != NULL)
    kube_node_append_string (array, wanted);
  if (kube_node_get_length (array) == 0)
    kube_node_remove_member (meta, "finalizers");
}

static void
set_deletion (KubeOperation *op, KubeObject *old, KubeNode *meta, gint64 grace, gint64 since)
{
  char text[KUBE_TIME_STRING_SIZE];

  if (!kube_object_is_deleting (old) && kube_object_get_generation (old) > 0)
    kube_node_set_integer (meta, "generation", kube_object_get_generation (old) + 1);
  kube_node_set_string (meta, "deletionTimestamp", kube_time_format (since + grace * G_TIME_SPAN_SECOND, text));
  kube_node_set_integer (meta, "deletionGracePeriodSeconds", grace);
}

typedef enum { NOT_GRACEFUL, GRACEFUL, ALREADY_PENDING } Grace;

/* upstream's BeforeDelete: who is being deleted already may only be given less time. */
static Grace
begin_graceful (KubeModify *modify, const KubeDeleteOptions *options, KubeObject *old, KubeNode *meta, gint64 *grace)
{
  const KubeStrategy *strategy = kube_strategy_find (modify->kind);
  gint64 now = kube_clock_get_time (modify->op->clock), pending;

  *grace = options->grace;
  if (strategy->check_graceful == NULL)
    return NOT_GRACEFUL;
  if (kube_object_is_deleting (old)) {
    pending = kube_object_get_integer (old, "metadata.deletionGracePeriodSeconds", -1);
    if (pending < 0)
      return NOT_GRACEFUL;
    if (options->grace < 0 || options->grace >= pending)
      return ALREADY_PENDING;
    set_deletion (modify->op, old, meta, options->grace, kube_object_get_deletion_time (old) - pending * G_TIME_SPAN_SECOND);
    return GRACEFUL;
  }
  if (!strategy->check_graceful (old, grace))
    return NOT_GRACEFUL;
  set_deletion (modify->op, old, meta, *grace, now);
  return GRACEFUL;
}

static KubeChange
mark_deleted (KubeModify *modify, Deletion *deletion, KubeObject *old, KubeBuilder *builder)
{
  const KubeStrategy *strategy = kube_strategy_find (modify->kind);
  KubeNode *root = kube_builder_get_root (builder), *meta = kube_node_ensure_object (root, "metadata");
  gint64 grace, now = kube_clock_get_time (modify->op->clock);
  Grace state = begin_graceful (modify, &deletion->options, old, meta, &grace);
  gboolean finalizers;

  if (state == ALREADY_PENDING)
    return kube_value_get_length (kube_object_get (old, "metadata.finalizers")) == 0 && kube_object_get_integer (old, "metadata.deletionGracePeriodSeconds", -1) == 0 ? KUBE_CHANGE_REMOVE : KUBE_CHANGE_NONE;
  set_finalizers (strategy, &deletion->options, old, meta);
  if (strategy->hold_deletion != NULL && strategy->hold_deletion (modify->op, old, root))
    return KUBE_CHANGE_WRITE;
  finalizers = kube_node_get_length (kube_node_get_member (meta, "finalizers")) > 0;
  if (state == NOT_GRACEFUL && finalizers) {
    gint64 since = kube_object_get_deletion_time (old);
    set_deletion (modify->op, old, meta, 0, since >= 0 && since <= now ? since : now);
    return KUBE_CHANGE_WRITE;
  }
  return finalizers || (state == GRACEFUL && grace > 0) ? KUBE_CHANGE_WRITE : KUBE_CHANGE_REMOVE;
}

static KubeChange
delete_it (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  Deletion *deletion = user_data;
  g_autoptr (KubeBuilder) builder = NULL;
  KubeChange change;

  if (!kube_delete_options_check (&deletion->options, modify, old, error) || !admit (modify, old, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (kube_object_get_value (old));
  change = mark_deleted (modify, deletion, old, builder);
  if (change == KUBE_CHANGE_NONE)
    return change;
  *object = kube_object_new_from_builder (builder);
  if (change == KUBE_CHANGE_WRITE && kube_value_equal (kube_object_get_value (*object), kube_object_get_value (old))) {
    g_clear_pointer (object, kube_object_unref);
    return KUBE_CHANGE_NONE;
  }
  return change;
}

static void
on_deleted (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  Deletion *deletion = user_data;
  const KubeStrategy *strategy = kube_strategy_find (modify->kind);

  if (removed && error == NULL && !modify->op->dry_run && strategy->settle != NULL)
    strategy->settle (modify->op, object, modify->old, TRUE, TRUE);
  deletion->done (modify, object, removed, error, deletion->user_data);
  kube_delete_options_clear (&deletion->options);
  g_free (deletion);
}

void
kube_registry_delete_one (KubeOperation *op, KubeKind *kind, const char *namespace_, const char *name, const KubeDeleteOptions *options, KubeModifiedFunc done, gpointer user_data)
{
  Deletion *deletion = g_new0 (Deletion, 1);

  if (options->orphan < 0 && options->propagation == NULL && g_str_equal (kind->plural, "jobs"))
    kube_call_add_warning (op->call, "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to "
                                     "suppress this warning");
  deletion->options = *options;
  deletion->done = done;
  deletion->user_data = user_data;
  kube_modify (op, kind, namespace_, name, KUBE_MODIFY_RETRIES, delete_it, on_deleted, deletion);
}

static void
answer_deleted (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  if (error != NULL)
    kube_operation_answer_error (modify->op, error);
  else if (!removed || kube_strategy_find (modify->kind)->returns_deleted)
    kube_operation_answer_object (modify->op, 200, object);
  else
    kube_operation_answer_success (modify->op, 200, modify->kind, modify->name, kube_object_get_uid (object));
}

/* What the body says, decoded; (nullable) without an error: there is none. */
static KubeValue *
read_body (KubeOperation *op, GError **error)
{
  const KubeType *type = kube_schema_find_type ("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
  GBytes *body = kube_call_get_body (op->call);
  g_autoptr (KubeValue) value = NULL, decoded = NULL;
  g_autoptr (GError) failure = NULL;

  if (kube_call_get_object (op->call) == NULL && (body == NULL || g_bytes_get_size (body) == 0))
    return NULL;
  value = kube_operation_parse_body (op, type, NULL, &failure);
  if (value == NULL && g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST))
    g_prefix_error (&failure, "couldn't get version/kind; json parse error: ");
  if (value != NULL)
    decoded = kube_decode (type, value, NULL, &failure);
  if (decoded == NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return g_steal_pointer (&decoded);
}

/* The body of a deletion: DeleteOptions, or nothing. A query that asks for a dry run is one, whatever the body says. */
static gboolean
read_options (KubeOperation *op, KubeDeleteOptions *options, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (KubeValue) value = read_body (op, &failure);

  if (failure != NULL) {
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
  }
  op->dry_run = kube_call_get_query (op->call, "dryRun") != NULL;
  return kube_delete_options_init (options, op, value, error) && check_delete_options (options, error);
}

void
kube_registry_delete (KubeOperation *op)
{
  KubeDeleteOptions options = { 0 };
  GError *error = NULL;

  if (!read_options (op, &options, &error)) {
    kube_delete_options_clear (&options);
    kube_operation_take_error (op, error);
    return;
  }
  kube_registry_delete_one (op, op->kind, op->info.namespace_, op->info.name, &options, answer_deleted, NULL);
}

/* --- a collection --- */

typedef struct {
  KubeOperation *op;
  KubeDeleteOptions options;
  GPtrArray *objects;  /* to delete */
  GPtrArray *deleted;  /* what they became */
  guint next, under_way;
  guint64 revision;
  GError *error;       /* (nullable): the first one */
  gboolean pumping;
} Collection;

static void
collection_answer (Collection *collection)
{
  KubeOperation *op = collection->op;
  g_autofree char *version = g_strdup_printf ("%" G_GUINT64_FORMAT, collection->revision);

  if (collection->error != NULL) {
    kube_operation_answer_error (op, collection->error);
  } else if (kube_call_is_local (op->call)) {
    g_autoptr (KubeObjectList) list = kube_object_list_new (g_ptr_array_ref (collection->deleted), version, NULL, 0);
    kube_call_respond_local (op->call, 200, NULL, list);
  } else {
    g_autoptr (GBytes) bytes = NULL;
    GString *out = g_string_new (NULL);
    g_string_append_printf (out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%s\"},\"items\":[", op->kind->list_name, op->kind->api_version, version);
    op->form = KUBE_FORM_OBJECT;
    for (guint i = 0; i < collection->deleted->len; i++) {
      gsize length;
      const char *json = g_bytes_get_data (kube_object_get_bytes (g_ptr_array_index (collection->deleted, i)), &length);
      if (i > 0)
        g_string_append_c (out, ',');
      kube_operation_append_form (op, json, length, FALSE, out);
    }
    g_string_append (out, "]}");
    bytes = g_string_free_to_bytes (out);
    kube_operation_answer_json (op, 200, bytes);
  }
  kube_delete_options_clear (&collection->options);
  g_clear_error (&collection->error);
  g_ptr_array_unref (collection->objects);
  g_ptr_array_unref (collection->deleted);
  kube_operation_unref (op);
  g_free (collection);
}

static void collection_pump (Collection *collection);

static void
on_one_deleted (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  Collection *collection = user_data;

  collection->under_way--;
  if (error == NULL)
    g_ptr_array_add (collection->deleted, kube_object_ref (object));
  else if (error->code != KUBE_ERROR_NOT_FOUND && collection->error == NULL)
    collection->error = g_error_copy (error);
  if (!collection->pumping)
    collection_pump (collection);
}

static void
collection_pump (Collection *collection)
{
  collection->pumping = TRUE;
  while (collection->under_way < WINDOW && collection->next < collection->objects->len) {
    KubeObject *object = g_ptr_array_index (collection->objects, collection->next++);
    KubeDeleteOptions options = collection->options;
    if (options.value != NULL)
      kube_value_ref (options.value);
    collection->under_way++;
    kube_registry_delete_one (collection->op, collection->op->kind, kube_object_get_namespace (object), kube_object_get_name (object), &options, on_one_deleted, collection);
  }
  collection->pumping = FALSE;
  if (collection->under_way == 0 && collection->next == collection->objects->len)
    collection_answer (collection);
}

static GPtrArray *
select_objects (KubeOperation *op, const KubeListOptions *options, guint64 *revision, GError **error)
{
  g_autoptr (GPtrArray) all = kube_storage_list (op->store, op->kind, op->info.namespace_, revision, error);

  if (all == NULL)
    return NULL;
  for (guint i = all->len; i > 0; i--) {
    gsize length;
    const char *json = g_bytes_get_data (kube_object_get_bytes (g_ptr_array_index (all, i - 1)), &length);
    if (!kube_registry_matches (options, json, length))
      g_ptr_array_remove_index (all, i - 1);
  }
  return g_steal_pointer (&all);
}

void
kube_registry_delete_collection (KubeOperation *op)
{
  g_auto (KubeListOptions) list = { NULL };
  KubeDeleteOptions options = { 0 };
  g_autoptr (GPtrArray) objects = NULL;
  GError *error = NULL;
  guint64 revision = 0;
  Collection *collection;

  if (read_options (op, &options, &error) && kube_operation_get_list_options (op, FALSE, &list, &error))
    objects = select_objects (op, &list, &revision, &error);
  if (objects == NULL) {
    kube_delete_options_clear (&options);
    kube_operation_take_error (op, error);
    return;
  }
  collection = g_new0 (Collection, 1);
  collection->op = kube_operation_ref (op);
  collection->options = options;
  collection->objects = g_steal_pointer (&objects);
  collection->deleted = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  collection->revision = revision;
  collection_pump (collection);
}
