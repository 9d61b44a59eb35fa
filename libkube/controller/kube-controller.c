/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "controller"

#include <kube/kube-log.h>
#include <kube/kube-scheme.h>
#include <kube/kube-work-queue.h>
#include "kube-controller-private.h"
#include "kube-plan-private.h"
#include "kube-source.h"

/* How long a key waits for the informers to show its writes before it is looked at all the same (upstream's ControllerExpectations expire after 5 minutes). */
#define OBSERVE_TIMEOUT (5 * 60 * G_USEC_PER_SEC)

struct _KubeController {
  GObject parent;

  KubeManager *manager;       /* (unowned) */
  char *name;
  KubeReconcileFunc reconcile;
  gpointer user_data;
  GDestroyNotify destroy;
  KubeClient *client;         /* (owned) */
  KubeClock *clock;           /* (owned) */
  KubeEventRecorder *recorder;/* (owned) */
  KubeWorkQueue *queue;       /* (owned) */
  GHashTable *informers;      /* (element-type KubeKind KubeInformer): that this controller reads */
  GPtrArray *watches;         /* (element-type Watch) */
  GPtrArray *runs;            /* (element-type Run): keys in work */
  GHashTable *errors;         /* (element-type utf8 GError): of keys whose last plan failed */
  GCancellable *cancellable;  /* (owned) */
  GMainContext *context;      /* (owned) */
  GSource *check;             /* (owned) (nullable): looks which runs have seen what they wait for */
  guint concurrency;
  gboolean started;
  gboolean pumping;           /* runs that end at once do not take the next key from within */
};

G_DEFINE_FINAL_TYPE (KubeController, kube_controller, G_TYPE_OBJECT)

/* What an informer has to show before a key that was written about is reconciled again. */
typedef struct {
  KubeInformer *informer;     /* (unowned) */
  guint64 revision;           /* that it has seen this revision; 0: that the object is gone or going */
  char *key, *uid;
} Observation;

/* One key in work. */
typedef struct {
  KubeController *controller; /* (owned) */
  char *key;
  KubePlan *plan;             /* (owned) */
  GPtrArray *answers;         /* (element-type KubeResponse): NULL for a failure that was tolerated */
  gint64 requeue_after;       /* of the plans so far, -1: no */
  guint next;                 /* first step that was not sent */
  guint in_flight;
  GError *error;              /* (owned) (nullable): the first failure */
  GArray *observations;       /* (element-type Observation) */
  gboolean observing;
  GSource *timeout;           /* (owned) (nullable) */
} Run;

typedef struct {
  Run *run;
  guint step;
} Sent;

typedef struct {
  KubeController *controller; /* (unowned) */
  KubeKeyFunc keys;
  gpointer user_data;
  GDestroyNotify destroy;     /* (nullable) */
  KubeKind *owner_kind;       /* (nullable): keys are those of the controlling owner */
} Watch;

static void pump (KubeController *self);
static void run_step (Run *run);

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  if (watch->destroy != NULL)
    watch->destroy (watch->user_data);
  g_free (watch);
}

/* --- what keys a change queues --- */

static void
add_owner_key (const Watch *watch, KubeObject *object, GPtrArray *keys)
{
  KubeValue *owner = object == NULL ? NULL : kube_object_get_controller (object);
  const char *api_version = kube_value_get_string (owner, "apiVersion");
  const char *slash, *group = kube_kind_get_group (watch->owner_kind);
  gsize length;

  if (api_version == NULL || g_strcmp0 (kube_value_get_string (owner, "kind"), kube_kind_get_name (watch->owner_kind)) != 0)
    return;
  slash = strchr (api_version, '/');
  length = slash == NULL ? 0 : (gsize) (slash - api_version);
  if (strlen (group) != length || strncmp (group, api_version, length) != 0)
    return;
  if (kube_kind_is_namespaced (watch->owner_kind))
    g_ptr_array_add (keys, g_strconcat (kube_object_get_namespace (object), "/", kube_value_get_string (owner, "name"), NULL));
  else
    g_ptr_array_add (keys, g_strdup (kube_value_get_string (owner, "name")));
}

static void
queue_for (const Watch *watch, KubeObject *object, KubeObject *old)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);

  if (watch->owner_kind != NULL) {
    add_owner_key (watch, object, keys);
    add_owner_key (watch, old, keys);
  } else if (watch->keys != NULL) {
    watch->keys (watch->controller, object, old, keys, watch->user_data);
  } else {
    g_ptr_array_add (keys, kube_object_dup_key (object));
  }
  for (guint i = 0; i < keys->len; i++)
    kube_work_queue_add (watch->controller->queue, g_ptr_array_index (keys, i));
}

static void
on_added (KubeInformer *informer, KubeObject *object, gpointer user_data)
{
  queue_for (user_data, object, NULL);
}

static void
on_updated (KubeInformer *informer, KubeObject *old, KubeObject *object, gpointer user_data)
{
  queue_for (user_data, object, old);
}

/* --- waiting until the informers show what was written --- */

static void
observation_clear (gpointer data)
{
  Observation *observation = data;

  g_free (observation->key);
  g_free (observation->uid);
}

static gboolean
observation_holds (const Observation *observation)
{
  KubeObject *object;

  if (observation->revision > 0)
    return kube_informer_get_revision (observation->informer) >= observation->revision;
  object = kube_informer_get_by_key (observation->informer, observation->key);
  return object == NULL || kube_object_is_deleting (object) || g_strcmp0 (kube_object_get_uid (object), observation->uid) != 0;
}

static gboolean
run_has_observed (Run *run)
{
  for (guint i = run->observations->len; i > 0; i--) {
    if (observation_holds (&g_array_index (run->observations, Observation, i - 1)))
      g_array_remove_index_fast (run->observations, i - 1);
  }
  return run->observations->len == 0;
}

static void
run_expect (Run *run, KubeRequest *request, KubeObject *answer)
{
  KubeInformer *informer = g_hash_table_lookup (run->controller->informers, kube_request_get_kind (request));
  const char *subresource = kube_request_get_subresource (request);
  Observation observation = { informer, 0, NULL, NULL };

  if (informer == NULL || (subresource != NULL && strcmp (subresource, "status") != 0))
    return;
  if (kube_request_get_verb (request) == KUBE_VERB_DELETE) {
    const char *namespace_ = kube_request_get_namespace (request);

    observation.uid = g_strdup (kube_object_get_string (kube_request_get_object (request), "preconditions.uid"));
    observation.key = namespace_ == NULL ? g_strdup (kube_request_get_name (request)) : g_strconcat (namespace_, "/", kube_request_get_name (request), NULL);
  } else if (answer != NULL && kube_object_get_resource_version (answer) != NULL) {
    observation.revision = g_ascii_strtoull (kube_object_get_resource_version (answer), NULL, 10);
    if (observation.revision == 0)
      return;
  } else {
    return;
  }
  g_array_append_val (run->observations, observation);
}

/* A run that ends takes the next keys, and a reconcile function may stop the controller: runs come and go while this goes through them. */
static gboolean
on_check (gpointer user_data)
{
  g_autoptr (KubeController) self = g_object_ref (user_data);

  kube_clear_source (&self->check);
  for (guint i = self->runs->len; i > 0; i--) {
    Run *run = i > self->runs->len ? NULL : g_ptr_array_index (self->runs, i - 1);

    if (run != NULL && run->observing && run_has_observed (run))
      run_step (run);
  }
  return G_SOURCE_REMOVE;
}

/* In a turn of its own: once for many changes, and not from within the hand-out of a list, whose revision is known before all its objects are. */
static void
on_informer_moved (KubeController *self)
{
  gboolean observing = FALSE;

  for (guint i = 0; i < self->runs->len; i++)
    observing |= ((Run *) g_ptr_array_index (self->runs, i))->observing;
  if (!observing || self->check != NULL)
    return;
  self->check = g_idle_source_new ();
  g_source_set_priority (self->check, G_PRIORITY_DEFAULT);
  g_source_set_static_name (self->check, "kube-controller-check");
  g_source_set_callback (self->check, on_check, self, NULL);
  g_source_attach (self->check, self->context);
}

static gboolean
on_observe_timeout (gpointer user_data)
{
  Run *run = user_data;

  kube_warning ("%s: %s: the informers do not show what was written", run->controller->name, run->key);
  g_array_set_size (run->observations, 0);
  run_step (run);
  return G_SOURCE_REMOVE;
}

/* --- carrying out a plan --- */

static void
run_free (gpointer data)
{
  Run *run = data;

  kube_clear_source (&run->timeout);
  g_array_unref (run->observations);
  g_clear_error (&run->error);
  g_clear_pointer (&run->plan, kube_plan_unref);
  g_clear_pointer (&run->answers, g_ptr_array_unref);
  g_object_unref (run->controller);
  g_free (run->key);
  g_free (run);
}

static void
report (KubeController *self, const KubePlanStep *step, KubeObject *answer, const GError *error)
{
  if (step->about == NULL)
    return;
  if (error == NULL && step->good_reason != NULL) {
    const char *name = answer == NULL ? NULL : kube_object_get_name (answer);

    if (name == NULL || g_strcmp0 (kube_object_get_kind (answer), "Status") == 0)
      name = kube_request_get_name (step->request);
    kube_event_recorder_recordf (self->recorder, step->about, NULL, "Normal", step->good_reason, "%s%s", step->good_message, name == NULL ? "" : name);
  } else if (error != NULL && step->bad_reason != NULL) {
    kube_event_recorder_recordf (self->recorder, step->about, NULL, "Warning", step->bad_reason, "%s%s", step->bad_message, error->message);
  }
}

static void
record_events (Run *run, guint after)
{
  for (guint i = 0; i < run->plan->events->len; i++) {
    const KubePlanEvent *event = g_ptr_array_index (run->plan->events, i);

    if (event->after == after)
      kube_event_recorder_record (run->controller->recorder, event->about, NULL, event->type, event->reason, event->message);
  }
}

static gboolean
is_tolerated (const KubePlanStep *step, const GError *error)
{
  const KubeErrorDetails *details = kube_error_get_details (error);

  if (error->domain != KUBE_ERROR)
    return FALSE;
  if ((step->tolerated & (1u << error->code)) != 0)
    return TRUE;
  for (guint i = 0; step->tolerated_cause != NULL && details->causes != NULL && i < details->causes->len; i++) {
    if (g_strcmp0 (((KubeErrorCause *) g_ptr_array_index (details->causes, i))->reason, step->tolerated_cause) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
check_required (const KubePlanStep *step, KubeResponse *response, GError **error)
{
  KubeObject *answer;
  g_autofree char *key = NULL;

  if (step->required == NULL)
    return TRUE;
  answer = kube_response_get_object (response);
  key = kube_object_dup_key (step->required);
  if (g_strcmp0 (kube_object_get_uid (answer), kube_object_get_uid (step->required)) != 0)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT, "original %s %s is gone: got uid %s, wanted %s", kube_object_get_kind (step->required), key, kube_object_get_uid (answer),
                 kube_object_get_uid (step->required));
  else if (kube_object_is_deleting (answer))
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT, "%s has just been deleted at %s", key, kube_object_get_string (answer, "metadata.deletionTimestamp"));
  else
    return TRUE;
  return FALSE;
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Sent *sent = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);
  Run *run = sent->run;
  KubePlanStep *step = g_ptr_array_index (run->plan->steps, sent->step);

  run->in_flight--;
  if (response != NULL && !check_required (step, response, &error))
    g_clear_pointer (&response, kube_response_unref);
  if (response != NULL) {
    run_expect (run, step->request, kube_response_get_object (response));
    report (run->controller, step, kube_response_get_object (response), NULL);
    record_events (run, sent->step + 1);
    g_ptr_array_index (run->answers, sent->step) = g_steal_pointer (&response);
  } else if (is_tolerated (step, error)) {
    kube_info (4, "%s: %s: %s", run->controller->name, run->key, error->message);
  } else {
    if (run->controller->started) {
      report (run->controller, step, NULL, error);
      /* Somebody else wrote first: ordinary life, the next look decides anew. */
      if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT))
        kube_info (2, "%s: %s: %s", run->controller->name, run->key, error->message);
      else
        kube_warning ("%s: %s: %s", run->controller->name, run->key, error->message);
    }
    if (run->error == NULL)
      run->error = g_steal_pointer (&error);
  }
  if (run->in_flight == 0)
    run_step (run);
}

static void
run_send_stage (Run *run)
{
  GPtrArray *steps = run->plan->steps;
  guint stage = ((KubePlanStep *) g_ptr_array_index (steps, run->next))->stage;

  /* One is held for the loop itself, so that answers that come at once do not end the stage early. */
  run->in_flight = 1;
  while (run->next < steps->len && ((KubePlanStep *) g_ptr_array_index (steps, run->next))->stage == stage) {
    Sent *sent = g_new (Sent, 1);

    *sent = (Sent) { run, run->next++ };
    run->in_flight++;
    kube_client_send_async (run->controller->client, ((KubePlanStep *) g_ptr_array_index (steps, sent->step))->request, run->controller->cancellable, on_answer, sent);
  }
  if (--run->in_flight == 0)
    run_step (run);
}

static void
run_end (Run *run)
{
  g_autoptr (KubeController) self = g_object_ref (run->controller);

  if (run->error != NULL) {
    g_hash_table_replace (self->errors, g_strdup (run->key), g_steal_pointer (&run->error));
    kube_work_queue_add_rate_limited (self->queue, run->key);
  } else {
    g_hash_table_remove (self->errors, run->key);
    kube_work_queue_forget (self->queue, run->key);
    if (run->requeue_after >= 0)
      kube_work_queue_add_after (self->queue, run->key, run->requeue_after);
  }
  kube_work_queue_done (self->queue, run->key);
  g_ptr_array_remove_fast (self->runs, run);
  pump (self);
}

static void
response_free (gpointer response)
{
  if (response != NULL)
    kube_response_unref (response);
}

static void
run_take_plan (Run *run, KubePlan *plan)
{
  g_clear_pointer (&run->plan, kube_plan_unref);
  g_clear_pointer (&run->answers, g_ptr_array_unref);
  run->plan = plan;
  run->next = 0;
  run->answers = g_ptr_array_new_with_free_func (response_free);
  g_ptr_array_set_size (run->answers, plan->steps->len);
  if (plan->requeue_after >= 0 && (run->requeue_after < 0 || plan->requeue_after < run->requeue_after))
    run->requeue_after = plan->requeue_after;
  record_events (run, 0);
}

static void
run_fail (Run *run)
{
  if (run->error == NULL)
    g_set_error_literal (&run->error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "the function gave no reason");
  kube_warning ("%s: %s: %s", run->controller->name, run->key, run->error->message);
}

static void
run_continue (Run *run)
{
  g_autoptr (KubePlan) next = kube_plan_new ();

  if (run->plan->func (run->controller, run->key, run->answers, next, run->plan->user_data, &run->error))
    run_take_plan (run, g_steal_pointer (&next));
  else
    run_fail (run);
  run_step (run);
}

/* A run goes: send the stages one after the other (an error ends them), go on with the plan that follows from the answers, wait until the informers show what was written, end. */
static void
run_step (Run *run)
{
  if (!run->observing && run->error == NULL && run->controller->started && run->next < run->plan->steps->len) {
    run_send_stage (run);
    return;
  }
  if (!run->observing && run->error == NULL && run->controller->started && run->plan->func != NULL) {
    run_continue (run);
    return;
  }
  if (!run->observing && run->controller->started && !run_has_observed (run)) {
    run->observing = TRUE;
    run->timeout = kube_clock_add_timeout (run->controller->clock, OBSERVE_TIMEOUT, on_observe_timeout, run);
    return;
  }
  run_end (run);
}

static void
run_begin (KubeController *self, char *key)
{
  Run *run = g_new0 (Run, 1);
  g_autoptr (KubePlan) plan = kube_plan_new ();

  run->controller = g_object_ref (self);
  run->key = key;
  run->requeue_after = -1;
  run->observations = g_array_new (FALSE, FALSE, sizeof (Observation));
  g_array_set_clear_func (run->observations, observation_clear);
  g_ptr_array_add (self->runs, run);

  if (self->reconcile (self, key, plan, self->user_data, &run->error))
    run_take_plan (run, g_steal_pointer (&plan));
  else
    run_fail (run);
  run_step (run);
}

static void
pump (KubeController *controller)
{
  g_autoptr (KubeController) self = g_object_ref (controller);

  if (self->pumping)
    return;
  self->pumping = TRUE;
  while (self->started && self->runs->len < self->concurrency) {
    char *key = kube_work_queue_take (self->queue);

    if (key == NULL)
      break;
    run_begin (self, key);
  }
  self->pumping = FALSE;
}

static void
on_queue_ready (KubeWorkQueue *queue, gpointer user_data)
{
  pump (user_data);
}

/* --- the type --- */

static void
kube_controller_init (KubeController *self)
{
  self->informers = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) kube_kind_unref, g_object_unref);
  self->watches = g_ptr_array_new_with_free_func (watch_free);
  self->runs = g_ptr_array_new_with_free_func (run_free);
  self->errors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_error_free);
  self->cancellable = g_cancellable_new ();
  self->context = g_main_context_ref_thread_default ();
  self->concurrency = 5;
}

static void
kube_controller_dispose (GObject *object)
{
  KubeController *self = KUBE_CONTROLLER (object);
  GHashTableIter iter;
  gpointer informer;

  g_hash_table_iter_init (&iter, self->informers);
  while (g_hash_table_iter_next (&iter, NULL, &informer)) {
    g_signal_handlers_disconnect_by_data (informer, self);
    for (guint i = 0; i < self->watches->len; i++)
      g_signal_handlers_disconnect_by_data (informer, g_ptr_array_index (self->watches, i));
  }
  g_hash_table_remove_all (self->informers);
  kube_clear_source (&self->check);
  G_OBJECT_CLASS (kube_controller_parent_class)->dispose (object);
}

static void
kube_controller_finalize (GObject *object)
{
  KubeController *self = KUBE_CONTROLLER (object);

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_hash_table_unref (self->informers);
  g_ptr_array_unref (self->watches);
  g_ptr_array_unref (self->runs);
  g_hash_table_unref (self->errors);
  g_clear_object (&self->queue);
  g_clear_object (&self->recorder);
  g_clear_object (&self->client);
  g_clear_object (&self->clock);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->name);
  G_OBJECT_CLASS (kube_controller_parent_class)->finalize (object);
}

static void
kube_controller_class_init (KubeControllerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kube_controller_dispose;
  G_OBJECT_CLASS (klass)->finalize = kube_controller_finalize;
}

/**
 * kube_controller_new:
 * @manager: the manager that it belongs to, and that starts and stops it
 * @name: its name ("replicaset-controller"): in events, metrics and its identity
 * @reconcile: (scope notified): turns a key into a plan
 * @user_data: (closure reconcile): data for @reconcile
 * @destroy: (destroy reconcile) (nullable): frees @user_data
 *
 * Returns: (transfer full): a controller that watches nothing yet
 * Since: 1.0
 */
KubeController *
kube_controller_new (KubeManager *manager, const char *name, KubeReconcileFunc reconcile, gpointer user_data, GDestroyNotify destroy)
{
  KubeController *self = g_object_new (KUBE_TYPE_CONTROLLER, NULL);

  self->manager = manager;
  self->name = g_strdup (name);
  self->reconcile = reconcile;
  self->user_data = user_data;
  self->destroy = destroy;
  self->clock = g_object_ref (kube_manager_get_clock (manager));
  kube_manager_add (manager, self);
  kube_controller_set_identity (self, name);
  self->queue = kube_work_queue_new (name, self->clock);
  kube_work_queue_set_func (self->queue, on_queue_ready, self);
  return self;
}

/**
 * kube_controller_set_identity:
 * @controller: a controller that was not started
 * @identity: the name of the account that it writes as
 *
 * For a controller that shares another's account; it has one of its own name otherwise.
 *
 * Since: 1.0
 */
void
kube_controller_set_identity (KubeController *self, const char *identity)
{
  g_return_if_fail (!self->started);
  g_clear_object (&self->recorder);
  g_clear_object (&self->client);
  self->client = kube_manager_make_client (self->manager, identity);
  self->recorder = kube_event_recorder_new (self->client, self->clock, self->name, NULL);
}

void
kube_controller_start (KubeController *self)
{
  self->started = TRUE;
  pump (self);
}

void
kube_controller_stop (KubeController *self)
{
  self->started = FALSE;
  kube_clear_source (&self->check);
  g_cancellable_cancel (self->cancellable);
  kube_work_queue_shut_down (self->queue);
  /* Runs that wait for answers end with those; runs that wait for informers end here. */
  for (guint i = self->runs->len; i > 0; i--) {
    Run *run = g_ptr_array_index (self->runs, i - 1);

    if (run->observing)
      run_end (run);
  }
}

/**
 * kube_controller_get_informer:
 * @controller: a controller
 * @kind: a kind
 *
 * Returns: (transfer none): the manager's informer for @kind, whose changes queue nothing
 * Since: 1.0
 */
KubeInformer *
kube_controller_get_informer (KubeController *self, KubeKind *kind)
{
  KubeInformer *informer = g_hash_table_lookup (self->informers, kind);

  if (informer != NULL)
    return informer;
  informer = kube_informer_factory_get (kube_manager_get_informers (self->manager), kind);
  g_hash_table_insert (self->informers, kube_kind_ref (kind), g_object_ref (informer));
  /* After the handlers that queue keys, which are connected without "after". */
  g_signal_connect_data (informer, "added", G_CALLBACK (on_informer_moved), self, NULL, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_data (informer, "updated", G_CALLBACK (on_informer_moved), self, NULL, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_data (informer, "removed", G_CALLBACK (on_informer_moved), self, NULL, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  return informer;
}

static KubeInformer *
add_watch (KubeController *self, KubeKind *kind, const Watch *what)
{
  KubeInformer *informer = kube_controller_get_informer (self, kind);
  Watch *watch = g_memdup2 (what, sizeof *what);

  watch->controller = self;
  g_ptr_array_add (self->watches, watch);
  g_signal_connect (informer, "added", G_CALLBACK (on_added), watch);
  g_signal_connect (informer, "updated", G_CALLBACK (on_updated), watch);
  g_signal_connect (informer, "removed", G_CALLBACK (on_added), watch);
  return informer;
}

/**
 * kube_controller_watch: (skip)
 * @controller: a controller that was not started
 * @kind: what to watch
 * @keys: (nullable) (scope forever): which keys a change queues; %NULL: the object's own
 * @user_data: data for @keys
 *
 * Returns: (transfer none): the informer
 * Since: 1.0
 */
KubeInformer *
kube_controller_watch (KubeController *self, KubeKind *kind, KubeKeyFunc keys, gpointer user_data)
{
  return add_watch (self, kind, &(Watch){ .keys = keys, .user_data = user_data });
}

typedef struct {
  KubeKeyListFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable) */
} ListFunc;

static void
list_func_free (gpointer data)
{
  ListFunc *list = data;

  if (list->destroy != NULL)
    list->destroy (list->user_data);
  g_free (list);
}

static void
add_listed_keys (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  ListFunc *list = user_data;
  g_autofree char **found = list->func (controller, object, old, list->user_data);

  for (char **key = found; key != NULL && *key != NULL; key++)
    g_ptr_array_add (keys, *key);
}

/**
 * kube_controller_watch_full: (rename-to kube_controller_watch)
 * @controller: a controller that was not started
 * @kind: what to watch
 * @keys: (nullable) (scope notified) (closure user_data) (destroy destroy): which keys a change queues; %NULL: the object's own
 * @user_data: data for @keys
 * @destroy: (nullable): frees @user_data
 *
 * As kube_controller_watch(), for languages whose functions return what they find.
 *
 * Returns: (transfer none): the informer
 * Since: 1.0
 */
KubeInformer *
kube_controller_watch_full (KubeController *self, KubeKind *kind, KubeKeyListFunc keys, gpointer user_data, GDestroyNotify destroy)
{
  ListFunc *list;

  if (keys == NULL)
    return add_watch (self, kind, &(Watch){ .user_data = user_data, .destroy = destroy });
  list = g_new (ListFunc, 1);
  *list = (ListFunc){ keys, user_data, destroy };
  return add_watch (self, kind, &(Watch){ .keys = add_listed_keys, .user_data = list, .destroy = list_func_free });
}

/**
 * kube_controller_watch_owned:
 * @controller: a controller that was not started
 * @kind: what to watch
 * @owner_kind: the kind of the owners
 *
 * Changes of an object queue the key of its controlling owner where that is of @owner_kind.
 *
 * Returns: (transfer none): the informer
 * Since: 1.0
 */
KubeInformer *
kube_controller_watch_owned (KubeController *self, KubeKind *kind, KubeKind *owner_kind)
{
  return add_watch (self, kind, &(Watch){ .owner_kind = owner_kind });
}

/**
 * kube_controller_set_concurrency:
 * @controller: a controller
 * @keys: how many keys may be in work at once
 *
 * Since: 1.0
 */
void
kube_controller_set_concurrency (KubeController *self, guint keys)
{
  self->concurrency = MAX (keys, 1);
}

/**
 * kube_controller_enqueue:
 * @controller: a controller
 * @key: a key
 *
 * Since: 1.0
 */
void
kube_controller_enqueue (KubeController *self, const char *key)
{
  kube_work_queue_add (self->queue, key);
}

/**
 * kube_controller_enqueue_after:
 * @controller: a controller
 * @key: a key
 * @delay: microseconds
 *
 * Since: 1.0
 */
void
kube_controller_enqueue_after (KubeController *self, const char *key, gint64 delay)
{
  kube_work_queue_add_after (self->queue, key, delay);
}

/**
 * kube_controller_get_name:
 * @controller: a controller
 *
 * Returns: its name
 * Since: 1.0
 */
const char *
kube_controller_get_name (KubeController *self)
{
  return self->name;
}

/**
 * kube_controller_get_manager:
 * @controller: a controller
 *
 * Returns: (transfer none): its manager
 * Since: 1.0
 */
KubeManager *
kube_controller_get_manager (KubeController *self)
{
  return self->manager;
}

/**
 * kube_controller_get_client:
 * @controller: a controller
 *
 * Returns: (transfer none): the client that it writes with
 * Since: 1.0
 */
KubeClient *
kube_controller_get_client (KubeController *self)
{
  return self->client;
}

/**
 * kube_controller_get_clock:
 * @controller: a controller
 *
 * Returns: (transfer none): its clock
 * Since: 1.0
 */
KubeClock *
kube_controller_get_clock (KubeController *self)
{
  return self->clock;
}

/**
 * kube_controller_get_recorder:
 * @controller: a controller
 *
 * Returns: (transfer none): what records its events
 * Since: 1.0
 */
KubeEventRecorder *
kube_controller_get_recorder (KubeController *self)
{
  return self->recorder;
}

/**
 * kube_controller_get_error:
 * @controller: a controller
 * @key: a key
 *
 * Returns: (transfer none) (nullable): why the last plan for @key failed, %NULL where it did not
 * Since: 1.0
 */
const GError *
kube_controller_get_error (KubeController *self, const char *key)
{
  return g_hash_table_lookup (self->errors, key);
}

/**
 * kube_controller_is_idle:
 * @controller: a controller
 *
 * Returns: whether no key is ready or in work
 * Since: 1.0
 */
gboolean
kube_controller_is_idle (KubeController *self)
{
  return self->runs->len == 0 && kube_work_queue_get_length (self->queue) == 0;
}
