/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "scheduler"

#include "kube-scheduler-owners.h"
#include "kube-scheduler-private.h"
#include "kube-scheduler-topology.h"
#include "kube-source.h"

#include <kube/kube-event-recorder.h>
#include <kube/kube-informer.h>
#include <kube/kube-log.h>
#include <kube/kube-metrics.h>
#include <kube/kube-time.h>
#include <string.h>

/**
 * KubeScheduler:
 *
 * Finds a node for each pod that has none: it takes pods from its queue, asks its plugins (#KubeSchedulerPlugin) which nodes fit and which
 * is best, assumes the pod there at once, and binds it while it goes on with the next. A pod that fits nowhere waits until something
 * happens that may change that, and says why in an event and in its `PodScheduled` condition, in upstream's words.
 *
 * It lives on the main context that was thread-default when it was made.
 *
 * Since: 1.0
 */

#define TURN (10 * 1000)    /* us that one turn of the loop may take */
#define BINDING_MOST 256    /* bindings under way: enough to fill the transactions of a store, less than what a server takes at a time */
#define TOUCHED_MOST 16     /* nodes that are looked at one by one when they change */
#define MESSAGE_MOST 1024   /* of an event */

struct _KubeScheduler {
  GObject parent_instance;

  KubeClient *client;     /* (owned) */
  KubeClock *clock;       /* (owned) */
  GMainContext *context;  /* (owned) */
  char *name;
  KubeKind *pod_kind;
  SchedFramework *framework;
  SchedCache *cache;
  SchedQueue *queue;
  KubeInformer *pods, *nodes, *namespaces; /* (owned) (nullable) */
  KubeEventRecorder *recorder; /* (owned) */
  GCancellable *cancellable;   /* (owned) */
  KubeSchedulerPlugin *binder; /* borrowed from the framework */
  KubeMetric *attempts;

  GSource *turn;  /* (owned) (nullable) */
  GSource *timer; /* (owned) (nullable) */
  gint64 timer_at;
  guint n_binding;
  GPtrArray *nominated; /* (element-type utf8): uids of pods with a nominated node */

  KubeSchedulerEvents events; /* since the last turn */
  GHashTable *touched;        /* (element-type utf8): the nodes they were on */
};

G_DEFINE_FINAL_TYPE (KubeScheduler, kube_scheduler, G_TYPE_OBJECT)

static void wake (KubeScheduler *self);
static void set_timer (KubeScheduler *self, gint64 at);

static gint64
now_of (KubeScheduler *self)
{
  return kube_clock_get_monotonic_time (self->clock);
}

static SchedPod *
make_pod (KubeScheduler *self, KubeObject *object)
{
  return sched_pod_new (object, self->cache->resources, self->cache->resource_index);
}

static void
post_events (KubeScheduler *self, KubeSchedulerEvents events, const char *node)
{
  if (events == 0)
    return;
  self->events |= events;
  if (node != NULL && g_hash_table_size (self->touched) <= TOUCHED_MOST)
    g_hash_table_add (self->touched, g_strdup (node));
  wake (self);
}

static void
enqueue (KubeScheduler *self, SchedPod *pod)
{
  for (guint i = 0; i < self->framework->plugins->len; i++) {
    SchedPlugin *plugin = &g_array_index (self->framework->plugins, SchedPlugin, i);

    if (plugin->iface->pre_enqueue != NULL && !plugin->iface->pre_enqueue (plugin->plugin, pod->object)) {
      sched_queue_add_gated (self->queue, pod);
      return;
    }
  }
  sched_queue_add (self->queue, pod, now_of (self));
  wake (self);
}

/* A pod left its node. */
static void
leave_node (KubeScheduler *self, SchedPod *pod)
{
  const char *node = pod->node != NULL ? pod->node->name : NULL;

  sched_cache_remove_pod (self->cache, pod->uid);
  if (node != NULL)
    post_events (self, KUBE_SCHEDULER_POD_REMOVED, node);
  sched_pod_free (pod);
}

static void
forget (KubeScheduler *self, const char *uid)
{
  SchedPod *queued = sched_queue_remove (self->queue, uid), *cached = g_hash_table_lookup (self->cache->pods, uid);

  g_clear_pointer (&queued, sched_pod_free);
  if (cached != NULL)
    leave_node (self, cached);
}

static void
set_assigned (KubeScheduler *self, KubeObject *object, const char *uid, const char *node_name)
{
  SchedPod *queued = sched_queue_remove (self->queue, uid), *cached = g_hash_table_lookup (self->cache->pods, uid);

  g_clear_pointer (&queued, sched_pod_free);
  if (cached != NULL && (cached->node == NULL || strcmp (cached->node->name, node_name) == 0)
      && sched_cache_update_pod (self->cache, cached, object)) {
    cached->assumed = FALSE;
    post_events (self, KUBE_SCHEDULER_POD_ADDED, node_name);
    return;
  }
  if (cached != NULL)
    leave_node (self, cached);
  sched_cache_add_pod (self->cache, make_pod (self, object), node_name);
  post_events (self, KUBE_SCHEDULER_POD_ADDED, node_name);
}

static void
set_unassigned (KubeScheduler *self, KubeObject *object, const char *uid)
{
  const char *scheduler = kube_object_get_string (object, "spec.schedulerName");
  SchedPod *queued = g_hash_table_lookup (self->queue->pods, uid), *pod;
  SchedWhere where;

  if (g_strcmp0 (scheduler != NULL ? scheduler : "default-scheduler", self->name) != 0
      || g_hash_table_contains (self->cache->pods, uid))
    return; /* another's, or being bound */
  if (queued != NULL && sched_pod_update (queued, object))
    return;
  pod = make_pod (self, object);
  if (queued == NULL) {
    enqueue (self, pod);
    return;
  }
  where = queued->where;
  pod->attempts = queued->attempts;
  pod->ready_at = queued->ready_at;
  sched_queue_remove (self->queue, uid);
  sched_pod_free (queued);
  if (where != SCHED_IN_UNSCHEDULABLE) {
    enqueue (self, pod);
    return;
  }
  sched_queue_add_unschedulable (self->queue, pod, pod->ready_at);
  sched_queue_move (self->queue, pod, now_of (self));
  wake (self);
}

static void
set_pod (KubeScheduler *self, KubeObject *object)
{
  const char *uid = kube_object_get_uid (object), *node_name = kube_object_get_string (object, "spec.nodeName");
  const char *phase = kube_object_get_string (object, "status.phase");

  if (uid == NULL)
    return;
  if (g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0)
    forget (self, uid);
  else if (node_name != NULL && node_name[0] != '\0')
    set_assigned (self, object, uid, node_name);
  else
    set_unassigned (self, object, uid);
}

static void
on_pod_added (KubeInformer *informer, KubeObject *object, KubeScheduler *self)
{
  set_pod (self, object);
}

static void
on_pod_updated (KubeInformer *informer, KubeObject *old, KubeObject *object, KubeScheduler *self)
{
  set_pod (self, object);
}

static void
on_pod_removed (KubeInformer *informer, KubeObject *object, KubeScheduler *self)
{
  if (kube_object_get_uid (object) != NULL)
    forget (self, kube_object_get_uid (object));
}

static void
on_node_added (KubeInformer *informer, KubeObject *object, KubeScheduler *self)
{
  post_events (self, sched_cache_set_node (self->cache, object), kube_object_get_name (object));
}

static void
on_node_updated (KubeInformer *informer, KubeObject *old, KubeObject *object, KubeScheduler *self)
{
  on_node_added (informer, object, self);
}

static void
on_node_removed (KubeInformer *informer, KubeObject *object, KubeScheduler *self)
{
  sched_cache_remove_node (self->cache, kube_object_get_name (object));
}

static void
on_namespace_added (KubeInformer *informer, KubeObject *object, KubeScheduler *self)
{
  sched_topologies_set_namespace (self->cache->topologies, kube_object_get_name (object), object);
}

static void
on_namespace_updated (KubeInformer *informer, KubeObject *old, KubeObject *object, KubeScheduler *self)
{
  on_namespace_added (informer, object, self);
}

static void
on_namespace_removed (KubeInformer *informer, KubeObject *object, KubeScheduler *self)
{
  sched_topologies_set_namespace (self->cache->topologies, kube_object_get_name (object), NULL);
}

static void
on_synced (KubeInformer *informer, KubeScheduler *self)
{
  wake (self);
}

/* Whether what happened may help a pod that these plugins refused; @anywhere: also on other nodes than where it happened, as for plugins
 * that look at pods elsewhere. */
static gboolean
plugins_want (KubeScheduler *self, guint64 rejectors, KubeSchedulerEvents events, gboolean *anywhere)
{
  gboolean wanted = *anywhere = rejectors == 0;

  for (guint i = 0; i < self->framework->plugins->len; i++) {
    const SchedPlugin *plugin = &g_array_index (self->framework->plugins, SchedPlugin, i);

    if (!(rejectors & (guint64) 1 << i) || !(plugin->events & events))
      continue;
    wanted = TRUE;
    *anywhere = *anywhere || (plugin->events & KUBE_SCHEDULER_POD_ADDED) != 0;
  }
  return wanted;
}

static gboolean
fits_on_touched (KubeScheduler *self, SchedPod *pod)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->touched);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    SchedNode *node = g_hash_table_lookup (self->cache->by_name, name);

    if (node != NULL && sched_framework_fits (self->framework, self->cache, pod, node->index))
      return TRUE;
  }
  return FALSE;
}

/* What happened since the last turn brings back those pods that it may help: refused by a plugin that waits for such a thing, and, where
 * only few nodes changed, let in by one of them now. */
static void
move_pods (KubeScheduler *self)
{
  g_autoptr (GPtrArray) moved = NULL;
  gboolean look = g_hash_table_size (self->touched) <= TOUCHED_MOST;
  GHashTableIter iter;
  gpointer key;

  if (self->events == 0)
    return;
  moved = g_ptr_array_new ();
  g_hash_table_iter_init (&iter, self->queue->unschedulable);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    SchedPod *pod = key;
    gboolean anywhere;

    if (plugins_want (self, pod->rejectors, self->events, &anywhere) && (!look || anywhere || fits_on_touched (self, pod)))
      g_ptr_array_add (moved, pod);
  }
  self->events = 0;
  g_hash_table_remove_all (self->touched);
  for (guint i = 0; i < moved->len; i++)
    sched_queue_move (self->queue, moved->pdata[i], now_of (self));
}

static void
on_patched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KubeScheduler) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (response == NULL && !g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    kube_warning ("cannot write why a pod is not scheduled: %s", error->message);
}

/* Writes the PodScheduled condition, and the nominated node, where they are not what stands there. */
static void
write_status (KubeScheduler *self, SchedPod *pod, const char *reason, const SchedResult *result)
{
  KubeValue *before = kube_value_find_element (kube_object_get (pod->object, "status.conditions"), "type", "PodScheduled");
  gboolean was_false = g_strcmp0 (kube_value_get_member_string (before, "status"), "False") == 0;
  const char *nominated_before = kube_object_get_string (pod->object, "status.nominatedNodeName");
  const char *nominated = result->nominated != NULL ? result->nominated : "";
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) patch = NULL;
  g_autoptr (KubeRequest) request = NULL;
  char now[KUBE_TIME_STRING_SIZE];
  KubeNode *root, *condition;

  if (was_false && g_strcmp0 (kube_value_get_member_string (before, "reason"), reason) == 0
      && g_strcmp0 (kube_value_get_member_string (before, "message"), result->message) == 0
      && kube_value_get_integer (before, "observedGeneration", 0) == pod->generation
      && g_strcmp0 (nominated_before != NULL ? nominated_before : "", nominated) == 0)
    return;

  builder = kube_builder_new (NULL);
  root = kube_builder_get_root (builder);
  condition = kube_node_append_object (kube_node_ensure_array (root, "status.conditions"));
  kube_node_put_string (condition, "type", "PodScheduled");
  kube_node_put_string (condition, "status", "False");
  kube_node_put_string (condition, "reason", reason);
  kube_node_put_string (condition, "message", result->message);
  kube_node_set_null (condition, "lastProbeTime");
  if (pod->generation != 0)
    kube_node_set_integer (condition, "observedGeneration", pod->generation);
  if (!was_false)
    kube_node_put_string (condition, "lastTransitionTime", kube_time_format (kube_clock_get_time (self->clock), now));
  if (nominated[0] != '\0')
    kube_node_set_string (root, "status.nominatedNodeName", nominated);
  else if (nominated_before != NULL)
    kube_node_set_null (root, "status.nominatedNodeName");
  patch = kube_builder_end (builder);
  request = kube_request_new (KUBE_VERB_PATCH, self->pod_kind, pod->namespace_, pod->name);
  kube_request_set_subresource (request, "status");
  kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
  kube_client_send_async (self->client, request, self->cancellable, on_patched, g_object_ref (self));
}

static void
count_attempt (KubeScheduler *self, const char *what)
{
  const char *labels[] = { self->name, what, NULL };

  kube_metric_add (self->attempts, labels, 1);
}

/* Takes @pod. */
static void
put_back (KubeScheduler *self, SchedPod *pod, SchedResult *result)
{
  gint64 now = now_of (self);
  g_autofree char *text = NULL;

  count_attempt (self, result->failed ? "error" : "unschedulable");
  pod->rejectors = result->rejectors;
  g_free (pod->nominated);
  pod->nominated = g_strdup (result->nominated);
  if (pod->nominated != NULL)
    g_ptr_array_add (self->nominated, g_strdup (pod->uid));
  if (strlen (result->message) > MESSAGE_MOST)
    text = g_strdup_printf ("%.*s ...", MESSAGE_MOST - 4, result->message);
  kube_event_recorder_record (self->recorder, pod->object, NULL, "Warning", "FailedScheduling",
                              text != NULL ? text : result->message);
  write_status (self, pod, result->failed ? "SchedulerError" : "Unschedulable", result);
  set_timer (self, result->failed ? sched_queue_add_failed (self->queue, pod, now)
                                  : sched_queue_add_unschedulable (self->queue, pod, now));
}

/* A pod on its way to its node. The assumed pod in the cache may go meanwhile, so it is found again by its uid. */
typedef struct {
  KubeScheduler *self; /* (owned) */
  KubeObject *pod;     /* (owned) */
  char *node;
  guint attempts;
  guint step; /* number of the next plugin that may have a pre-bind */
} Binding;

static void
binding_free (Binding *binding)
{
  kube_object_unref (binding->pod);
  g_free (binding->node);
  g_object_unref (binding->self);
  g_free (binding);
}

static void
binding_fail (Binding *binding, const GError *error)
{
  KubeScheduler *self = binding->self;
  const char *uid = kube_object_get_uid (binding->pod);
  SchedPod *assumed = g_hash_table_lookup (self->cache->pods, uid);
  SchedResult result = { .node = SCHED_NO_NODE, .failed = TRUE };
  KubeObject *newest;
  SchedPod *pod;

  for (guint i = self->framework->plugins->len; i > 0; i--) {
    SchedPlugin *plugin = &g_array_index (self->framework->plugins, SchedPlugin, i - 1);

    if (plugin->iface->unreserve != NULL)
      plugin->iface->unreserve (plugin->plugin, binding->pod, binding->node);
  }
  if (assumed == NULL || !assumed->assumed)
    return; /* gone, or bound after all */
  leave_node (self, assumed);
  newest = self->pods != NULL ? kube_informer_get (self->pods, kube_object_get_namespace (binding->pod), kube_object_get_name (binding->pod))
                              : NULL;
  if (newest == NULL || g_strcmp0 (kube_object_get_uid (newest), uid) != 0 || g_cancellable_is_cancelled (self->cancellable))
    return;
  pod = make_pod (self, newest);
  pod->attempts = binding->attempts;
  result.message = g_strdup_printf ("running Bind plugin \"%s\": %s", kube_scheduler_plugin_get_name (self->binder), error->message);
  put_back (self, pod, &result);
  sched_result_clear (&result);
}

static void
binding_end (Binding *binding, const GError *error)
{
  KubeScheduler *self = binding->self;

  self->n_binding--;
  if (error != NULL) {
    binding_fail (binding, error);
  } else {
    count_attempt (self, "scheduled");
    kube_event_recorder_recordf (self->recorder, binding->pod, NULL, "Normal", "Scheduled", "Successfully assigned %s/%s to %s",
                                 kube_object_get_namespace (binding->pod), kube_object_get_name (binding->pod), binding->node);
    for (guint i = 0; i < self->framework->plugins->len; i++) {
      SchedPlugin *plugin = &g_array_index (self->framework->plugins, SchedPlugin, i);

      if (plugin->iface->post_bind != NULL)
        plugin->iface->post_bind (plugin->plugin, binding->pod, binding->node);
    }
  }
  wake (self);
  binding_free (binding);
}

static void
on_bound (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubeSchedulerPlugin *plugin = KUBE_SCHEDULER_PLUGIN (source);
  g_autoptr (GError) error = NULL;

  KUBE_SCHEDULER_PLUGIN_GET_IFACE (plugin)->bind_finish (plugin, result, &error);
  binding_end (user_data, error);
}

static void binding_next (Binding *binding);

static void
on_pre_bound (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubeSchedulerPlugin *plugin = KUBE_SCHEDULER_PLUGIN (source);
  g_autoptr (GError) error = NULL;

  if (KUBE_SCHEDULER_PLUGIN_GET_IFACE (plugin)->pre_bind_finish (plugin, result, &error))
    binding_next (user_data);
  else
    binding_end (user_data, error);
}

static void
binding_next (Binding *binding)
{
  KubeScheduler *self = binding->self;

  while (binding->step < self->framework->plugins->len) {
    SchedPlugin *plugin = &g_array_index (self->framework->plugins, SchedPlugin, binding->step++);

    if (plugin->iface->pre_bind_async != NULL) {
      plugin->iface->pre_bind_async (plugin->plugin, binding->pod, binding->node, self->cancellable, on_pre_bound, binding);
      return;
    }
  }
  KUBE_SCHEDULER_PLUGIN_GET_IFACE (self->binder)
    ->bind_async (self->binder, binding->pod, binding->node, self->cancellable, on_bound, binding);
}

/* Pods that a node was cleared for count there for all that are not more important. */
static void
count_nominated (KubeScheduler *self, SchedPod *pod, int sign)
{
  for (guint i = self->nominated->len; i > 0; i--) {
    SchedPod *other = g_hash_table_lookup (self->queue->pods, self->nominated->pdata[i - 1]);
    SchedNode *node = other != NULL && other->nominated != NULL ? g_hash_table_lookup (self->cache->by_name, other->nominated) : NULL;

    if (other != NULL && node != NULL && other->priority >= pod->priority)
      sched_cache_count_pod (self->cache, other, node->index, sign);
    else if (other == NULL && sign < 0 && g_strcmp0 (pod->uid, self->nominated->pdata[i - 1]) != 0)
      g_ptr_array_remove_index_fast (self->nominated, i - 1);
  }
}

static void
start_binding (KubeScheduler *self, SchedPod *pod, guint node)
{
  Binding *binding = g_new0 (Binding, 1);

  binding->self = g_object_ref (self);
  binding->pod = kube_object_ref (pod->object);
  binding->node = g_strdup (self->cache->nodes[node]->name);
  binding->attempts = pod->attempts;
  pod->assumed = TRUE;
  sched_cache_add_pod (self->cache, pod, binding->node);
  self->n_binding++;
  binding_next (binding);
}

/* Takes @pod. */
static void
schedule_one (KubeScheduler *self, SchedPod *pod)
{
  SchedResult result;

  if (kube_object_is_deleting (pod->object)) {
    kube_event_recorder_recordf (self->recorder, pod->object, NULL, "Warning", "FailedScheduling", "skip schedule deleting pod: %s/%s",
                                 pod->namespace_, pod->name);
    sched_pod_free (pod);
    return;
  }
  if (self->nominated->len > 0)
    count_nominated (self, pod, 1);
  sched_framework_schedule (self->framework, self->cache, pod, &result);
  if (self->nominated->len > 0)
    count_nominated (self, pod, -1);
  if (result.node != SCHED_NO_NODE)
    start_binding (self, pod, result.node);
  else
    put_back (self, pod, &result);
  sched_result_clear (&result);
}

static gboolean
on_turn (gpointer data)
{
  KubeScheduler *self = data;
  gint64 deadline = g_get_monotonic_time () + TURN;
  SchedPod *pod;

  move_pods (self);
  while (self->n_binding < BINDING_MOST && g_get_monotonic_time () < deadline) {
    pod = sched_queue_take (self->queue, now_of (self));
    if (pod == NULL)
      break;
    schedule_one (self, pod);
  }
  if (self->n_binding < BINDING_MOST && sched_queue_has_ready (self->queue))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->turn, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
wake (KubeScheduler *self)
{
  if (self->turn != NULL || !kube_scheduler_is_synced (self)
      || (self->events == 0 && (self->n_binding >= BINDING_MOST || !sched_queue_has_ready (self->queue))))
    return;
  self->turn = g_idle_source_new ();
  g_source_set_priority (self->turn, G_PRIORITY_DEFAULT + 10); /* after what informers have to say */
  g_source_set_static_name (self->turn, "kube-scheduler");
  g_source_set_callback (self->turn, on_turn, self, NULL);
  g_source_attach (self->turn, self->context);
}

static gboolean
on_timer (gpointer data)
{
  KubeScheduler *self = data;

  g_clear_pointer (&self->timer, g_source_unref);
  set_timer (self, sched_queue_flush (self->queue, now_of (self)));
  wake (self);
  return G_SOURCE_REMOVE;
}

static void
set_timer (KubeScheduler *self, gint64 at)
{
  if (at < 0 || (self->timer != NULL && self->timer_at <= at))
    return;
  kube_clear_source (&self->timer);
  self->timer_at = at;
  self->timer = kube_clock_create_timer (self->clock, at);
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, self->context);
}

/**
 * kube_scheduler_add_plugin:
 * @scheduler: a #KubeScheduler that is not started
 * @plugin: a plugin
 * @weight: what its scores count
 *
 * Adds a plugin after the built-in ones.
 *
 * Since: 1.0
 */
void
kube_scheduler_add_plugin (KubeScheduler *self, KubeSchedulerPlugin *plugin, guint weight)
{
  g_return_if_fail (KUBE_IS_SCHEDULER (self));
  g_return_if_fail (self->pods == NULL);

  sched_framework_add (self->framework, plugin, weight);
}

static void
choose_plugins (KubeScheduler *self)
{
  for (guint i = 0; i < self->framework->plugins->len; i++) {
    SchedPlugin *plugin = &g_array_index (self->framework->plugins, SchedPlugin, i);

    if (plugin->iface->compare != NULL)
      self->queue->sorter = plugin->plugin;
    if (plugin->iface->bind_async != NULL)
      self->binder = plugin->plugin;
  }
}

static KubeInformer *
start_informer (KubeScheduler *self, KubeKind *kind, const char *fields, GCallback added, GCallback updated, GCallback removed)
{
  KubeInformer *informer = kube_informer_new (self->client, kind, NULL);

  kube_informer_set_clock (informer, self->clock);
  kube_informer_set_selectors (informer, NULL, fields);
  g_signal_connect_object (informer, "added", added, self, 0);
  g_signal_connect_object (informer, "updated", updated, self, 0);
  g_signal_connect_object (informer, "removed", removed, self, 0);
  g_signal_connect_object (informer, "synced", G_CALLBACK (on_synced), self, 0);
  kube_informer_start (informer);
  return informer;
}

/**
 * kube_scheduler_start:
 * @scheduler: a #KubeScheduler
 *
 * Begins to watch pods, nodes and what else plugins look at, and to schedule once all were listed.
 *
 * Since: 1.0
 */
void
kube_scheduler_start (KubeScheduler *self)
{
  g_return_if_fail (KUBE_IS_SCHEDULER (self));
  g_return_if_fail (self->pods == NULL);

  choose_plugins (self);
  self->cache->owners = sched_owners_new (self->client, self->clock, G_CALLBACK (on_synced), self);
  self->namespaces = start_informer (self, KUBE_KIND ("v1", "Namespace"), NULL, G_CALLBACK (on_namespace_added),
                                     G_CALLBACK (on_namespace_updated), G_CALLBACK (on_namespace_removed));
  self->nodes = start_informer (self, KUBE_KIND ("v1", "Node"), NULL, G_CALLBACK (on_node_added), G_CALLBACK (on_node_updated),
                                G_CALLBACK (on_node_removed));
  self->pods = start_informer (self, self->pod_kind, "status.phase!=Succeeded,status.phase!=Failed", G_CALLBACK (on_pod_added),
                               G_CALLBACK (on_pod_updated), G_CALLBACK (on_pod_removed));
}

/**
 * kube_scheduler_stop:
 * @scheduler: a #KubeScheduler
 *
 * Stops for good; bindings that are under way are cancelled.
 *
 * Since: 1.0
 */
void
kube_scheduler_stop (KubeScheduler *self)
{
  g_return_if_fail (KUBE_IS_SCHEDULER (self));

  g_cancellable_cancel (self->cancellable);
  kube_clear_source (&self->turn);
  kube_clear_source (&self->timer);
  if (self->pods != NULL)
    kube_informer_stop (self->pods);
  if (self->nodes != NULL)
    kube_informer_stop (self->nodes);
  if (self->namespaces != NULL)
    kube_informer_stop (self->namespaces);
  g_clear_object (&self->pods);
  g_clear_object (&self->nodes);
  g_clear_object (&self->namespaces);
  g_clear_pointer (&self->cache->owners, sched_owners_free);
}

/**
 * kube_scheduler_is_synced:
 * @scheduler: a #KubeScheduler
 *
 * Returns: whether it has seen all pods and nodes, and so schedules
 *
 * Since: 1.0
 */
gboolean
kube_scheduler_is_synced (KubeScheduler *self)
{
  g_return_val_if_fail (KUBE_IS_SCHEDULER (self), FALSE);

  return self->pods != NULL && kube_informer_is_synced (self->pods) && kube_informer_is_synced (self->nodes)
         && kube_informer_is_synced (self->namespaces) && sched_owners_are_synced (self->cache->owners);
}

/**
 * kube_scheduler_get_n_pending:
 * @scheduler: a #KubeScheduler
 *
 * Returns: how many pods wait for a node, for whatever reason
 *
 * Since: 1.0
 */
guint
kube_scheduler_get_n_pending (KubeScheduler *self)
{
  g_return_val_if_fail (KUBE_IS_SCHEDULER (self), 0);

  return g_hash_table_size (self->queue->pods);
}

static void
kube_scheduler_dispose (GObject *object)
{
  kube_scheduler_stop (KUBE_SCHEDULER (object));
  G_OBJECT_CLASS (kube_scheduler_parent_class)->dispose (object);
}

static void
kube_scheduler_finalize (GObject *object)
{
  KubeScheduler *self = KUBE_SCHEDULER (object);

  sched_queue_free (self->queue);
  sched_cache_free (self->cache);
  sched_framework_free (self->framework);
  g_hash_table_unref (self->touched);
  g_ptr_array_unref (self->nominated);
  g_object_unref (self->recorder);
  g_object_unref (self->cancellable);
  g_object_unref (self->client);
  g_object_unref (self->clock);
  g_main_context_unref (self->context);
  g_free (self->name);
  G_OBJECT_CLASS (kube_scheduler_parent_class)->finalize (object);
}

static void
kube_scheduler_class_init (KubeSchedulerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kube_scheduler_dispose;
  G_OBJECT_CLASS (klass)->finalize = kube_scheduler_finalize;
}

static void
kube_scheduler_init (KubeScheduler *self)
{
  static const char *const labels[] = { "profile", "result", NULL };

  self->context = g_main_context_ref_thread_default ();
  self->framework = sched_framework_new ();
  self->cache = sched_cache_new ();
  self->queue = sched_queue_new ();
  self->cancellable = g_cancellable_new ();
  self->touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->nominated = g_ptr_array_new_with_free_func (g_free);
  self->pod_kind = KUBE_KIND ("v1", "Pod");
  self->attempts = kube_metric_get (KUBE_METRIC_COUNTER, "scheduler_schedule_attempts_total",
                                    "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be "
                                    "scheduled, while 'error' means an internal scheduler problem.",
                                    labels, NULL);
}

/**
 * kube_scheduler_new:
 * @client: the API server's client
 * @clock: (nullable): its clock; %NULL: the real one
 * @options: (nullable): what differs from the defaults
 *
 * Makes a scheduler with upstream's default plugins.
 *
 * Returns: (transfer full): a scheduler, not started
 *
 * Since: 1.0
 */
KubeScheduler *
kube_scheduler_new (KubeClient *client, KubeClock *clock, const KubeSchedulerOptions *options)
{
  KubeScheduler *self = g_object_new (KUBE_TYPE_SCHEDULER, NULL);

  self->client = g_object_ref (client);
  self->clock = g_object_ref (clock != NULL ? clock : kube_clock_get_real ());
  self->name = g_strdup (options != NULL && options->name != NULL ? options->name : "default-scheduler");
  self->framework->percentage = options != NULL ? options->percentage : 0;
  self->recorder = kube_event_recorder_new (client, self->clock, self->name, NULL);
  sched_add_default_plugins (self->framework, self->client, self->clock);
  return self;
}
