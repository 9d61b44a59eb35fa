/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include "../kube-scheduler-owners.h"

#include <kube/kube-event-recorder.h>
#include <kube/kube-time.h>
#include <string.h>

/* Where no node has room for a pod, looks for the node on which evicting the fewest and least important pods makes room, evicts
 * them, and nominates the node. */

#define CANDIDATES_LEAST 100
#define CANDIDATES_PERCENT 10

typedef struct {
  GObject parent_instance;
  KubeClient *client; /* (owned) */
  KubeClock *clock;   /* (owned) */
  KubeKind *kind;
  KubeEventRecorder *recorder; /* (owned) */
} SchedDefaultPreemption;

typedef GObjectClass SchedDefaultPreemptionClass;

static void sched_default_preemption_iface_init (KubeSchedulerPluginInterface *iface);
GType sched_default_preemption_get_type (void);
G_DEFINE_FINAL_TYPE_WITH_CODE (SchedDefaultPreemption, sched_default_preemption, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_SCHEDULER_PLUGIN, sched_default_preemption_iface_init))

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "DefaultPreemption";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_POD_REMOVED;
}

static gint64
start_time (const SchedPod *pod)
{
  const char *text = kube_object_get_string (pod->object, "status.startTime");
  gint64 time;

  return text != NULL && kube_time_parse (text, &time, NULL) ? time : G_MAXINT64;
}

/* The more important first: by priority, then by how long it runs. */
static int
compare_importance (gconstpointer a, gconstpointer b)
{
  const SchedPod *x = *(SchedPod *const *) a, *y = *(SchedPod *const *) b;
  gint64 x_start, y_start;

  if (x->priority != y->priority)
    return x->priority > y->priority ? -1 : 1;
  x_start = start_time (x);
  y_start = start_time (y);
  return (x_start > y_start) - (x_start < y_start);
}

typedef struct {
  guint node;
  GPtrArray *victims; /* (element-type SchedPod), the most important first */
  guint n_violating;  /* of them, more than their disruption budgets allow */
} Candidate;

static void
candidate_clear (gpointer data)
{
  g_ptr_array_unref (((Candidate *) data)->victims);
}

static void
count_reasons (GHashTable *counts, const char *reason)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, reason));

  g_hash_table_insert (counts, g_strdup (reason), GUINT_TO_POINTER (n + 1));
}

/* Orders @pods by importance, those first whose eviction their budgets do not allow; returns how many those are. */
static guint
sort_pods (KubeSchedulerCycle *cycle, GPtrArray *pods)
{
  g_autoptr (GHashTable) left = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) allowed = g_ptr_array_new ();
  guint n = 0;

  g_ptr_array_sort (pods, compare_importance);
  if (cycle->cache->owners == NULL)
    return 0;
  for (guint i = 0; i < pods->len; i++) {
    SchedPod *pod = pods->pdata[i];

    if (sched_owners_take_disruption (cycle->cache->owners, pod->object, left))
      pods->pdata[n++] = pod;
    else
      g_ptr_array_add (allowed, pod);
  }
  for (guint i = 0; i < allowed->len; i++)
    pods->pdata[n + i] = allowed->pdata[i];
  return n;
}

/* Which pods must go from @node: all of lower priority, less those that can stay after all. (nullable) */
static GPtrArray *
select_victims (KubeSchedulerCycle *cycle, guint node, GHashTable *counts, guint *n_violating)
{
  g_autoptr (GPtrArray) lower = g_ptr_array_new (), reasons = g_ptr_array_new_with_free_func (g_free), victims = g_ptr_array_new ();
  GPtrArray *pods = cycle->cache->nodes[node]->pods, *asked = cycle->reasons;
  gboolean fits;
  guint n;

  for (guint i = 0; i < pods->len; i++) {
    if (((SchedPod *) pods->pdata[i])->priority < cycle->pod->priority)
      g_ptr_array_add (lower, pods->pdata[i]);
  }
  if (lower->len == 0) {
    count_reasons (counts, "No preemption victims found for incoming pod");
    return NULL;
  }
  for (guint i = 0; i < lower->len; i++)
    sched_cache_count_pod (cycle->cache, lower->pdata[i], node, -1);
  cycle->reasons = reasons;
  fits = sched_framework_filter (cycle->framework, cycle, node) <= KUBE_SCHEDULER_SKIP;
  for (guint i = 0; !fits && i < reasons->len; i++)
    count_reasons (counts, reasons->pdata[i]);
  cycle->reasons = NULL;

  n = sort_pods (cycle, lower);
  for (guint i = 0; i < lower->len; i++) {
    sched_cache_count_pod (cycle->cache, lower->pdata[i], node, 1);
    if (fits && sched_framework_filter (cycle->framework, cycle, node) > KUBE_SCHEDULER_SKIP) {
      sched_cache_count_pod (cycle->cache, lower->pdata[i], node, -1);
      g_ptr_array_add (victims, lower->pdata[i]);
      *n_violating += i < n;
    }
  }
  g_ptr_array_sort (victims, compare_importance);
  for (guint i = 0; i < victims->len; i++)
    sched_cache_count_pod (cycle->cache, victims->pdata[i], node, 1);
  cycle->reasons = asked;
  return fits && victims->len > 0 ? g_steal_pointer (&victims) : NULL;
}

/* Negative where @a is the better one: how many of its victims' budgets do not allow it, its most important victim, the sum of its victims' priorities, how many they are, and how late
 * the most important of them started. */
static int
compare_candidates (const Candidate *a, const Candidate *b)
{
  const SchedPod *x = a->victims->pdata[0], *y = b->victims->pdata[0];
  gint64 x_sum = 0, y_sum = 0;

  if (a->n_violating != b->n_violating)
    return a->n_violating < b->n_violating ? -1 : 1;
  if (x->priority != y->priority)
    return x->priority < y->priority ? -1 : 1;
  for (guint i = 0; i < a->victims->len; i++)
    x_sum += ((SchedPod *) a->victims->pdata[i])->priority + (gint64) G_MAXINT32 + 1;
  for (guint i = 0; i < b->victims->len; i++)
    y_sum += ((SchedPod *) b->victims->pdata[i])->priority + (gint64) G_MAXINT32 + 1;
  if (x_sum != y_sum)
    return x_sum < y_sum ? -1 : 1;
  if (a->victims->len != b->victims->len)
    return a->victims->len < b->victims->len ? -1 : 1;
  return start_time (x) > start_time (y) ? -1 : 0;
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, NULL);
}

static void
evict (SchedDefaultPreemption *self, SchedPod *victim, KubeSchedulerCycle *cycle, const char *node)
{
  const char *scheduler = kube_object_get_string (cycle->pod->object, "spec.schedulerName");
  char now[KUBE_TIME_STRING_SIZE];
  g_autofree char *message = g_strdup_printf ("%s: preempting to accommodate a higher priority pod",
                                              scheduler != NULL ? scheduler : "default-scheduler");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *condition = kube_node_append_object (kube_node_ensure_array (kube_builder_get_root (builder), "status.conditions"));
  g_autoptr (KubeRequest) patch = kube_request_new (KUBE_VERB_PATCH, self->kind, victim->namespace_, victim->name);
  g_autoptr (KubeRequest) removal = kube_request_new (KUBE_VERB_DELETE, self->kind, victim->namespace_, victim->name);
  g_autoptr (KubeValue) value = NULL;

  kube_node_put_string (condition, "type", "DisruptionTarget");
  kube_node_put_string (condition, "status", "True");
  kube_node_put_string (condition, "reason", "PreemptionByScheduler");
  kube_node_put_string (condition, "message", message);
  kube_node_put_string (condition, "lastTransitionTime", kube_time_format (kube_clock_get_time (self->clock), now));
  value = kube_builder_end (builder);
  kube_request_set_subresource (patch, "status");
  kube_request_set_patch (patch, KUBE_PATCH_STRATEGIC, value);
  kube_client_send_async (self->client, patch, NULL, on_answered, NULL);
  kube_request_set_delete_options (removal, -1, NULL, victim->uid, NULL);
  kube_client_send_async (self->client, removal, NULL, on_answered, NULL);
  kube_event_recorder_recordf (self->recorder, victim->object, NULL, "Normal", "Preempted", "Preempted by pod %s on node %s",
                               cycle->pod->uid, node);
}

/* Pods that were evicted for it are still on their way out. */
static gboolean
waits_for_evicted (KubeSchedulerCycle *cycle)
{
  const char *nominated = kube_object_get_string (cycle->pod->object, "status.nominatedNodeName");
  SchedNode *node = nominated != NULL ? g_hash_table_lookup (cycle->cache->by_name, nominated) : NULL;

  if (node == NULL || cycle->codes[node->index] == KUBE_SCHEDULER_UNRESOLVABLE)
    return FALSE;
  for (guint i = 0; i < node->pods->len; i++) {
    SchedPod *pod = node->pods->pdata[i];

    if (pod->priority < cycle->pod->priority && kube_object_is_deleting (pod->object))
      return TRUE;
  }
  return FALSE;
}

static KubeSchedulerCode
post_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, char **nominated)
{
  SchedDefaultPreemption *self = (SchedDefaultPreemption *) plugin;
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));
  guint n = cycle->cache->n_nodes, most = MAX (n * CANDIDATES_PERCENT / 100, CANDIDATES_LEAST);
  const Candidate *best = NULL;
  g_autofree char *text = NULL, *message = NULL;

  if (cycle->pod->never_preempts) {
    kube_scheduler_cycle_add_reason (cycle, "preemption: not eligible due to preemptionPolicy=Never.");
    return KUBE_SCHEDULER_UNSCHEDULABLE;
  }
  if (waits_for_evicted (cycle)) {
    kube_scheduler_cycle_add_reason (cycle, "preemption: not eligible due to a terminating pod on the nominated node.");
    return KUBE_SCHEDULER_UNSCHEDULABLE;
  }
  g_array_set_clear_func (candidates, candidate_clear);
  for (guint i = 0; i < n && candidates->len < most; i++) {
    Candidate candidate = { .node = i };

    if (cycle->codes[i] == KUBE_SCHEDULER_UNRESOLVABLE)
      count_reasons (counts, "Preemption is not helpful for scheduling");
    else
      candidate.victims = select_victims (cycle, i, counts, &candidate.n_violating);
    if (candidate.victims != NULL)
      g_array_append_val (candidates, candidate);
  }
  for (guint i = 0; i < candidates->len; i++) {
    const Candidate *candidate = &g_array_index (candidates, Candidate, i);

    if (best == NULL || compare_candidates (candidate, best) < 0)
      best = candidate;
  }
  if (best == NULL) {
    text = sched_fit_message (n, counts);
    message = g_strconcat ("preemption: ", text, NULL);
    kube_scheduler_cycle_add_reason (cycle, message);
    return KUBE_SCHEDULER_UNSCHEDULABLE;
  }
  *nominated = g_strdup (cycle->cache->nodes[best->node]->name);
  for (guint i = 0; i < best->victims->len; i++)
    evict (self, best->victims->pdata[i], cycle, *nominated);
  return KUBE_SCHEDULER_OK;
}

static void
sched_default_preemption_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->post_filter = post_filter;
}

static void
sched_default_preemption_finalize (GObject *object)
{
  SchedDefaultPreemption *self = (SchedDefaultPreemption *) object;

  g_object_unref (self->recorder);
  g_object_unref (self->client);
  g_object_unref (self->clock);
  G_OBJECT_CLASS (sched_default_preemption_parent_class)->finalize (object);
}

static void
sched_default_preemption_class_init (SchedDefaultPreemptionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sched_default_preemption_finalize;
}

static void
sched_default_preemption_init (SchedDefaultPreemption *self)
{
}

KubeSchedulerPlugin *
sched_default_preemption_new (KubeClient *client, KubeClock *clock)
{
  SchedDefaultPreemption *self = g_object_new (sched_default_preemption_get_type (), NULL);

  self->client = g_object_ref (client);
  self->clock = g_object_ref (clock);
  self->kind = KUBE_KIND ("v1", "Pod");
  self->recorder = kube_event_recorder_new (client, clock, "default-scheduler", NULL);
  return KUBE_SCHEDULER_PLUGIN (self);
}
