/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"

/* Deletes what has lost its owners, and lets owners go in the order that their deletion asked for. There is no graph beside the informers: their index of owners is the graph.
 * A key is "KIND|namespace/name", KIND a number of the list of kinds. */

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"
/* How many owners that are known to be gone are remembered; for others the server is asked. */
#define GONE_LIMIT 4096

typedef struct {
  struct _Collector *collector; /* (unowned) */
  KubeKind *kind;               /* (owned) */
  KubeInformer *informer;       /* (unowned) */
  guint number;
} Kind;

typedef struct _Collector {
  GPtrArray *kinds;             /* (element-type Kind) */
  GHashTable *by_kind;          /* (element-type KubeKind Kind) */
  KubeScheme *scheme;           /* (owned) */
  GHashTable *gone;             /* (element-type utf8): uids of objects that were seen to go */
  GQueue gone_order;            /* (element-type utf8): of them, oldest first; borrowed */
} Collector;

/* How an owner stands to an object that names it. */
typedef enum { OWNER_SOLID, OWNER_GONE, OWNER_WAITS, OWNER_UNKNOWN } OwnerState;

static void
kind_free (gpointer data)
{
  Kind *kind = data;

  kube_kind_unref (kind->kind);
  g_free (kind);
}

static void
collector_free (gpointer data)
{
  Collector *self = data;

  g_ptr_array_unref (self->kinds);
  g_hash_table_unref (self->by_kind);
  g_queue_clear (&self->gone_order);
  g_hash_table_unref (self->gone);
  g_object_unref (self->scheme);
  g_free (self);
}

static void
remember_gone (Collector *self, const char *uid)
{
  char *copy;

  if (uid == NULL || g_hash_table_contains (self->gone, uid))
    return;
  if (g_queue_get_length (&self->gone_order) >= GONE_LIMIT)
    g_hash_table_remove (self->gone, g_queue_pop_head (&self->gone_order));
  copy = g_strdup (uid);
  g_hash_table_add (self->gone, copy);
  g_queue_push_tail (&self->gone_order, copy);
}

/* --- objects and their relations --- */

static char *
make_key (const Kind *kind, KubeObject *object)
{
  g_autofree char *key = kube_object_dup_key (object);

  return g_strdup_printf ("%u|%s", kind->number, key);
}

static gboolean
waits_for_dependents (KubeObject *object)
{
  return kube_object_is_deleting (object) && kube_object_has_finalizer (object, FOREGROUND);
}

static Kind *
find_owner_kind (Collector *self, KubeValue *reference)
{
  KubeKind *kind = kube_scheme_find_kind (self->scheme, kube_value_get_string (reference, "apiVersion"), kube_value_get_string (reference, "kind"));

  return kind == NULL ? NULL : g_hash_table_lookup (self->by_kind, kind);
}

static const char *
get_owner_namespace (const Kind *kind, KubeObject *object)
{
  return kube_kind_is_namespaced (kind->kind) ? kube_object_get_namespace (object) : NULL;
}

static KubeObject *
find_owner (const Kind *kind, KubeObject *object, KubeValue *reference)
{
  const char *namespace_ = get_owner_namespace (kind, object);
  KubeObject *owner;

  if (kube_kind_is_namespaced (kind->kind) && namespace_ == NULL)
    return NULL;
  owner = kube_informer_get (kind->informer, namespace_, kube_value_get_string (reference, "name"));
  return owner != NULL && g_strcmp0 (kube_object_get_uid (owner), kube_value_get_string (reference, "uid")) == 0 ? owner : NULL;
}

static OwnerState
get_owner_state (Collector *self, KubeObject *object, KubeValue *reference)
{
  const char *uid = kube_value_get_string (reference, "uid");
  Kind *kind;
  KubeObject *owner;

  if (uid != NULL && g_hash_table_contains (self->gone, uid))
    return OWNER_GONE;
  kind = find_owner_kind (self, reference);
  if (kind == NULL)
    return OWNER_SOLID; /* of a kind that is not collected: nothing can be said of it */
  if (kube_kind_is_namespaced (kind->kind) && kube_object_get_namespace (object) == NULL)
    return OWNER_SOLID; /* a mistake of who wrote it: no namespace to look in */
  owner = find_owner (kind, object, reference);
  if (owner == NULL)
    return OWNER_UNKNOWN;
  return waits_for_dependents (owner) ? OWNER_WAITS : OWNER_SOLID;
}

static KubeValue *
find_reference (KubeObject *object, const char *uid)
{
  return kube_value_find_element (kube_object_get (object, "metadata.ownerReferences"), "uid", uid);
}

typedef void (*DependentFunc) (const Kind *kind, KubeObject *dependent, KubeValue *reference, gpointer user_data);

static void
for_each_dependent (Collector *self, const char *uid, DependentFunc func, gpointer user_data)
{
  if (uid == NULL)
    return;
  for (guint i = 0; i < self->kinds->len; i++) {
    const Kind *kind = g_ptr_array_index (self->kinds, i);
    g_autoptr (GPtrArray) dependents = kube_informer_list_by (kind->informer, "owner", uid);

    for (guint k = 0; k < dependents->len; k++)
      func (kind, g_ptr_array_index (dependents, k), find_reference (g_ptr_array_index (dependents, k), uid), user_data);
  }
}

/* --- what a change queues --- */

static void
add_dependent_key (const Kind *kind, KubeObject *dependent, KubeValue *reference, gpointer keys)
{
  g_ptr_array_add (keys, make_key (kind, dependent));
}

static void
add_waiting_owners (Collector *self, KubeObject *object, GPtrArray *keys)
{
  KubeValue *references = kube_object_get (object, "metadata.ownerReferences");

  for (guint i = 0; i < kube_value_get_length (references); i++) {
    Kind *kind = find_owner_kind (self, kube_value_get_element (references, i));
    KubeObject *owner = kind == NULL ? NULL : find_owner (kind, object, kube_value_get_element (references, i));

    if (owner != NULL && waits_for_dependents (owner))
      g_ptr_array_add (keys, make_key (kind, owner));
  }
}

static void
keys_of_object (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  const Kind *kind = user_data;
  Collector *self = kind->collector;
  KubeValue *references = kube_object_get (object, "metadata.ownerReferences");
  gboolean same_references = old != NULL && kube_value_equal (kube_object_get (old, "metadata.ownerReferences"), references);
  KubeObject *present = kube_informer_get (kind->informer, kube_object_get_namespace (object), kube_object_get_name (object));

  if (present == NULL || g_strcmp0 (kube_object_get_uid (present), kube_object_get_uid (object)) != 0) {
    remember_gone (self, kube_object_get_uid (object));
    for_each_dependent (self, kube_object_get_uid (object), add_dependent_key, keys);
    add_waiting_owners (self, object, keys);
    return;
  }
  if (kube_object_is_deleting (object) || (references != NULL && !same_references))
    g_ptr_array_add (keys, make_key (kind, object));
  if (!same_references && old != NULL)
    add_waiting_owners (self, old, keys);
}

/* --- requests --- */

static KubeRequest *
new_request (KubeVerb verb, const Kind *kind, KubeObject *object)
{
  return kube_request_new (verb, kind->kind, kube_object_get_namespace (object), kube_object_get_name (object));
}

/* The resourceVersion in the patch keeps it from undoing somebody else's change. */
static void
plan_metadata_patch (KubePlan *plan, const Kind *kind, KubeObject *object, KubeBuilder *builder)
{
  g_autoptr (KubeRequest) request = new_request (KUBE_VERB_PATCH, kind, object);
  g_autoptr (KubeValue) patch = NULL;

  kube_node_set_string (kube_builder_get_root (builder), "metadata.resourceVersion", kube_object_get_resource_version (object));
  kube_node_set_string (kube_builder_get_root (builder), "metadata.uid", kube_object_get_uid (object));
  patch = kube_builder_end (builder);
  kube_request_set_patch (request, KUBE_PATCH_MERGE, patch);
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static void
plan_drop_references (KubePlan *plan, const Kind *kind, KubeObject *object, GPtrArray *uids)
{
  KubeValue *references = kube_object_get (object, "metadata.ownerReferences");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *kept = kube_node_ensure_array (kube_builder_get_root (builder), "metadata.ownerReferences");

  for (guint i = 0; i < kube_value_get_length (references); i++) {
    KubeValue *reference = kube_value_get_element (references, i);

    if (!g_ptr_array_find_with_equal_func (uids, kube_value_get_string (reference, "uid"), g_str_equal, NULL))
      kube_node_append_value (kept, reference);
  }
  plan_metadata_patch (plan, kind, object, builder);
}

static void
plan_drop_finalizer (KubePlan *plan, const Kind *kind, KubeObject *object, const char *finalizer)
{
  KubeValue *finalizers = kube_object_get (object, "metadata.finalizers");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *kept = kube_node_ensure_array (kube_builder_get_root (builder), "metadata.finalizers");

  for (guint i = 0; i < kube_value_get_length (finalizers); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (finalizers, i), NULL);

    if (g_strcmp0 (name, finalizer) != 0)
      kube_node_append_string (kept, name);
  }
  plan_metadata_patch (plan, kind, object, builder);
}

static void
plan_delete (KubePlan *plan, const Kind *kind, KubeObject *object, const char *propagation, gboolean this_version)
{
  g_autoptr (KubeRequest) request = new_request (KUBE_VERB_DELETE, kind, object);

  kube_request_set_delete_options (request, -1, propagation, kube_object_get_uid (object), this_version ? kube_object_get_resource_version (object) : NULL);
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

/* --- owners that are being deleted --- */

typedef struct {
  KubeController *controller;
  KubePlan *plan;
  const char *uid;
  guint count, blocking;
} Dependents;

static void
queue_dependent (const Kind *kind, KubeObject *dependent, KubeValue *reference, gpointer user_data)
{
  Dependents *dependents = user_data;
  g_autofree char *key = make_key (kind, dependent);

  dependents->count++;
  if (!kube_value_get_boolean (reference, "blockOwnerDeletion", FALSE))
    return;
  dependents->blocking++;
  if (!kube_object_is_deleting (dependent))
    kube_controller_enqueue (dependents->controller, key);
}

static void
orphan_dependent (const Kind *kind, KubeObject *dependent, KubeValue *reference, gpointer user_data)
{
  Dependents *dependents = user_data;
  g_autoptr (GPtrArray) uids = g_ptr_array_new ();

  dependents->count++;
  g_ptr_array_add (uids, (gpointer) dependents->uid);
  plan_drop_references (dependents->plan, kind, dependent, uids);
}

static void
plan_deleting (Collector *self, KubeController *controller, const Kind *kind, KubeObject *object, KubePlan *plan)
{
  Dependents dependents = { controller, plan, kube_object_get_uid (object), 0, 0 };

  if (kube_object_has_finalizer (object, ORPHAN)) {
    for_each_dependent (self, dependents.uid, orphan_dependent, &dependents);
    kube_plan_then (plan);
    plan_drop_finalizer (plan, kind, object, ORPHAN);
  } else if (kube_object_has_finalizer (object, FOREGROUND)) {
    for_each_dependent (self, dependents.uid, queue_dependent, &dependents);
    if (dependents.blocking == 0)
      plan_drop_finalizer (plan, kind, object, FOREGROUND);
  }
}

/* --- objects that may have lost their owners --- */

typedef struct {
  guint count;
  gboolean waiting; /* one of them itself waits for its dependents */
} Below;

static void
count_dependent (const Kind *kind, KubeObject *dependent, KubeValue *reference, gpointer user_data)
{
  Below *below = user_data;

  below->count++;
  below->waiting |= waits_for_dependents (dependent);
}

/* Objects may own each other in a circle: one of them must stop to hold up its owners. */
static void
plan_unblock (KubePlan *plan, const Kind *kind, KubeObject *object)
{
  KubeValue *references = kube_object_get (object, "metadata.ownerReferences");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *kept = kube_node_ensure_array (kube_builder_get_root (builder), "metadata.ownerReferences");
  gboolean blocking = FALSE;

  for (guint i = 0; i < kube_value_get_length (references); i++) {
    KubeNode *reference = kube_node_append_value (kept, kube_value_get_element (references, i));

    blocking |= kube_node_get_boolean (reference, "blockOwnerDeletion", FALSE);
    kube_node_set_boolean (reference, "blockOwnerDeletion", FALSE);
  }
  if (blocking) {
    plan_metadata_patch (plan, kind, object, builder);
    kube_plan_then (plan);
  }
}

/* upstream: attemptToDeleteItem, once it is known how each owner stands */
static void
plan_unowned (Collector *self, const Kind *kind, KubeObject *object, KubePlan *plan)
{
  KubeValue *references = kube_object_get (object, "metadata.ownerReferences");
  g_autoptr (GPtrArray) lost = g_ptr_array_new ();
  guint solid = 0, waiting = 0;
  Below below = { 0, FALSE };

  for (guint i = 0; i < kube_value_get_length (references); i++) {
    KubeValue *reference = kube_value_get_element (references, i);
    OwnerState state = get_owner_state (self, object, reference);

    solid += state == OWNER_SOLID;
    waiting += state == OWNER_WAITS;
    if (state != OWNER_SOLID)
      g_ptr_array_add (lost, (gpointer) kube_value_get_string (reference, "uid"));
  }
  if (lost->len == 0)
    return;
  if (solid > 0) {
    plan_drop_references (plan, kind, object, lost);
    return;
  }
  if (waiting > 0)
    for_each_dependent (self, kube_object_get_uid (object), count_dependent, &below);
  if (below.count > 0) {
    if (below.waiting)
      plan_unblock (plan, kind, object);
    /* Without the version where it was just patched: the uid still guards it. */
    plan_delete (plan, kind, object, "Foreground", !below.waiting);
  }
  else if (kube_object_has_finalizer (object, ORPHAN))
    plan_delete (plan, kind, object, "Orphan", TRUE);
  else if (kube_object_has_finalizer (object, FOREGROUND))
    plan_delete (plan, kind, object, "Foreground", TRUE);
  else
    plan_delete (plan, kind, object, "Background", TRUE);
}

/* The owners that the informers do not show, as the server was asked about them. */
typedef struct {
  Collector *collector;  /* (unowned) */
  const Kind *kind;      /* (unowned) */
  KubeObject *object;    /* (owned) */
  GPtrArray *uids;       /* (element-type utf8): in the order of the requests */
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  kube_object_unref (question->object);
  g_ptr_array_unref (question->uids);
  g_free (question);
}

static gboolean
on_answers (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error)
{
  const Question *question = user_data;

  for (guint i = 0; i < answers->len; i++) {
    KubeResponse *answer = g_ptr_array_index (answers, i);
    const char *uid = answer == NULL ? NULL : kube_object_get_uid (kube_response_get_object (answer));

    /* It is there, and the informer will show it: its coming queues nothing, so look again. */
    if (uid != NULL && g_strcmp0 (uid, g_ptr_array_index (question->uids, i)) == 0) {
      kube_plan_requeue_after (next, G_USEC_PER_SEC);
      return TRUE;
    }
    remember_gone (question->collector, g_ptr_array_index (question->uids, i));
  }
  plan_unowned (question->collector, question->kind, question->object, next);
  return TRUE;
}

static void
plan_questions (Collector *self, const Kind *kind, KubeObject *object, KubePlan *plan)
{
  KubeValue *references = kube_object_get (object, "metadata.ownerReferences");
  Question *question = g_new0 (Question, 1);

  question->collector = self;
  question->kind = kind;
  question->object = kube_object_ref (object);
  question->uids = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < kube_value_get_length (references); i++) {
    KubeValue *reference = kube_value_get_element (references, i);
    Kind *owner_kind = find_owner_kind (self, reference);
    g_autoptr (KubeRequest) request = NULL;

    if (get_owner_state (self, object, reference) != OWNER_UNKNOWN)
      continue;
    request = kube_request_new (KUBE_VERB_GET, owner_kind->kind, get_owner_namespace (owner_kind, object), kube_value_get_string (reference, "name"));
    kube_plan_add_request (plan, request);
    kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
    g_ptr_array_add (question->uids, g_strdup (kube_value_get_string (reference, "uid")));
  }
  kube_plan_continue (plan, on_answers, question, question_free);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Collector *self = user_data;
  char *rest;
  guint64 number = g_ascii_strtoull (key, &rest, 10);
  const Kind *kind = g_ptr_array_index (self->kinds, number);
  KubeObject *object = kube_informer_get_by_key (kind->informer, rest + 1);

  if (object == NULL)
    return TRUE;
  if (kube_object_is_deleting (object))
    plan_deleting (self, controller, kind, object, plan);
  else
    plan_questions (self, kind, object, plan);
  return TRUE;
}

static gboolean
is_collected (KubeKind *kind)
{
  return (kube_kind_get_verbs (kind) & KUBE_VERB_DELETE) && (kube_kind_get_verbs (kind) & KUBE_VERB_LIST) && (kube_kind_get_verbs (kind) & KUBE_VERB_WATCH) &&
         strcmp (kube_kind_get_plural (kind), "events") != 0;
}

void
kube_garbage_collector_add (KubeManager *manager, const KubeControllersOptions *options)
{
  Collector *self = g_new0 (Collector, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "generic-garbage-collector", reconcile, self, collector_free);
  g_autoptr (GPtrArray) all = NULL;

  self->scheme = g_object_ref (kube_client_get_scheme (kube_manager_get_client (manager)));
  self->kinds = g_ptr_array_new_with_free_func (kind_free);
  self->by_kind = g_hash_table_new (NULL, NULL);
  self->gone = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  all = kube_scheme_list_kinds (self->scheme);
  for (guint i = 0; i < all->len; i++) {
    Kind *kind;

    if (!is_collected (g_ptr_array_index (all, i)))
      continue;
    kind = g_new0 (Kind, 1);
    *kind = (Kind) { self, kube_kind_ref (g_ptr_array_index (all, i)), NULL, self->kinds->len };
    g_ptr_array_add (self->kinds, kind);
    g_hash_table_insert (self->by_kind, kind->kind, kind);
    kind->informer = kube_controller_watch (controller, kind->kind, keys_of_object, kind);
  }
  kube_controller_set_concurrency (controller, 20);
}
