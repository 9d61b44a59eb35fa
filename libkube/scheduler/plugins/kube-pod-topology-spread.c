/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include "../kube-scheduler-owners.h"

#include <math.h>
#include <string.h>

SCHED_DEFINE_PLUGIN (SchedPodTopologySpread, sched_pod_topology_spread)

#define NO_DOMAIN (-1) /* of a count: no eligible node is there */

typedef struct {
  SchedTopology *topology;
  SchedGroup *group;
  gint32 max_skew, min_domains;
  gint32 least;     /* pods in the domain that has the fewest */
  gint32 self;      /* 1: the pod counts itself */
  gboolean any_node, any_taint; /* nodeAffinityPolicy: Ignore; nodeTaintsPolicy: Ignore */
  gboolean is_hostname;
  double weight;
  gint32 *counts;   /* by domain; tail of the state's block */
} Spread;

typedef struct {
  guint n;
  gboolean partly; /* nodes that lack a label count for the other constraints */
  Spread spreads[];
} State;

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "PodTopologySpread";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_POD_ADDED | KUBE_SCHEDULER_POD_REMOVED | KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_LABELS
         | KUBE_SCHEDULER_NODE_TAINTS;
}

/* Pods of the same kind: by the constraint's selector, and by having the same values of some labels as this pod. */
static GPtrArray *
make_matchers (KubeSchedulerCycle *cycle, KubeValue *constraint, GString *id)
{
  GPtrArray *matchers = g_ptr_array_new_with_free_func ((GDestroyNotify) sched_matcher_free);
  KubeValue *selector = kube_value_get_member (constraint, "labelSelector"), *keys = kube_value_get_member (constraint, "matchLabelKeys");
  const char *namespace_ = cycle->pod->namespace_;

  g_string_append_printf (id, "spread %s ", namespace_);
  if (selector != NULL)
    kube_value_print_to (selector, id);
  g_ptr_array_add (matchers, sched_matcher_new (namespace_, selector));
  if (kube_value_get_length (keys) > 0) {
    g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
    g_autoptr (KubeValue) wanted = NULL;
    KubeNode *labels = kube_node_ensure_object (kube_builder_get_root (builder), "matchLabels");

    for (guint i = 0; i < kube_value_get_length (keys); i++) {
      const char *key = kube_value_peek_string (kube_value_get_element (keys, i), NULL);
      const char *value = key != NULL ? kube_object_get_label (cycle->pod->object, key) : NULL;

      if (value != NULL)
        kube_node_put_string (labels, key, value);
    }
    wanted = kube_builder_end (builder);
    kube_value_print_to (wanted, id);
    g_ptr_array_add (matchers, sched_matcher_new (namespace_, wanted));
  }
  return matchers;
}

static void
read_constraint (KubeSchedulerCycle *cycle, KubeValue *constraint, Spread *spread)
{
  g_autoptr (GString) id = g_string_new (NULL);
  GPtrArray *matchers = make_matchers (cycle, constraint, id);
  const char *key = kube_value_get_member_string (constraint, "topologyKey");

  spread->self = 1;
  for (guint i = 0; i < matchers->len; i++)
    spread->self = spread->self && sched_matcher_matches (cycle->cache->topologies, matchers->pdata[i], cycle->pod->object);
  spread->topology = sched_topology_get (cycle->cache, key != NULL ? key : "");
  spread->group = sched_group_get (cycle->cache, id->str, matchers, TRUE);
  spread->max_skew = (gint32) kube_value_get_integer (constraint, "maxSkew", 1);
  spread->min_domains = (gint32) kube_value_get_integer (constraint, "minDomains", 0);
  spread->any_node = g_strcmp0 (kube_value_get_member_string (constraint, "nodeAffinityPolicy"), "Ignore") == 0;
  spread->any_taint = g_strcmp0 (kube_value_get_member_string (constraint, "nodeTaintsPolicy"), "Honor") != 0;
  spread->is_hostname = g_strcmp0 (key, "kubernetes.io/hostname") == 0;
}

/* Constraints in one block with their counts. */
static State *
make_state (KubeSchedulerCycle *cycle, const Spread *spreads, guint n)
{
  gsize size = sizeof (State) + n * sizeof (Spread), n_counts = 0;
  gint32 *counts;
  State *state;

  for (guint i = 0; i < n; i++)
    n_counts += spreads[i].topology->n_domains;
  state = g_malloc (size + n_counts * sizeof (gint32));
  state->n = n;
  state->partly = FALSE;
  memcpy (state->spreads, spreads, n * sizeof (Spread));
  counts = (gint32 *) ((char *) state + size);
  for (guint i = 0; i < n; i++) {
    state->spreads[i].counts = counts;
    for (guint j = 0; j < state->spreads[i].topology->n_domains; j++)
      *counts++ = NO_DOMAIN;
  }
  g_free (cycle->state[cycle->current]);
  cycle->state[cycle->current] = state;
  return state;
}

/* The pod's own constraints of one kind. (nullable) */
static State *
read_constraints (KubeSchedulerCycle *cycle, const char *kind)
{
  KubeValue *constraints = kube_object_get (cycle->pod->object, "spec.topologySpreadConstraints");
  guint n_all = kube_value_get_length (constraints), n = 0;
  g_autofree Spread *spreads = n_all > 0 ? g_new0 (Spread, n_all) : NULL;

  for (guint i = 0; i < n_all; i++) {
    KubeValue *constraint = kube_value_get_element (constraints, i);

    if (g_strcmp0 (kube_value_get_member_string (constraint, "whenUnsatisfiable"), kind) == 0)
      read_constraint (cycle, constraint, &spreads[n++]);
  }
  return n > 0 ? make_state (cycle, spreads, n) : NULL;
}

/* What holds for pods that say nothing: to be spread, with those that belong to the same services and the same set, over nodes and,
 * less so, over zones. (nullable) */
static State *
default_constraints (KubeSchedulerCycle *cycle)
{
  g_autoptr (GString) id = NULL;
  GPtrArray *matchers;
  State *state;

  if (cycle->cache->owners == NULL || kube_value_get_length (kube_object_get (cycle->pod->object, "spec.topologySpreadConstraints")) > 0)
    return NULL;
  id = g_string_new ("default ");
  g_string_append (id, cycle->pod->namespace_);
  matchers = sched_owners_make_matchers (cycle->cache->owners, cycle->pod->object, id);
  if (matchers == NULL)
    return NULL;
  SchedGroup *group = sched_group_get (cycle->cache, id->str, matchers, TRUE);
  Spread spreads[] = {
    { .topology = sched_topology_get (cycle->cache, "kubernetes.io/hostname"), .group = group, .max_skew = 3, .any_taint = TRUE, .is_hostname = TRUE },
    { .topology = sched_topology_get (cycle->cache, "topology.kubernetes.io/zone"), .group = group, .max_skew = 5, .any_taint = TRUE },
  };
  state = make_state (cycle, spreads, G_N_ELEMENTS (spreads));
  state->partly = TRUE;
  return state;
}

static gboolean
has_labels (const State *state, guint node)
{
  if (state->partly)
    return TRUE;
  for (guint i = 0; i < state->n; i++) {
    if (state->spreads[i].topology->domains->cells[node] < 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_eligible (KubeSchedulerCycle *cycle, const Spread *spread, guint node)
{
  const SchedNode *info = cycle->cache->nodes[node];

  return (spread->any_node || sched_node_affinity_matches (cycle->pod, info))
         && (spread->any_taint || sched_taints_tolerated (cycle->pod, info));
}

static void
count_domains (KubeSchedulerCycle *cycle, State *state)
{
  for (guint node = 0; node < cycle->cache->n_nodes; node++) {
    if (!has_labels (state, node))
      continue;
    for (guint i = 0; i < state->n; i++) {
      Spread *spread = &state->spreads[i];
      gint32 domain = spread->topology->domains->cells[node];

      if (domain >= 0 && is_eligible (cycle, spread, node))
        spread->counts[domain] = MAX (spread->counts[domain], 0) + spread->group->counts->cells[node];
    }
  }
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  State *state = read_constraints (cycle, "DoNotSchedule");

  if (state == NULL)
    return KUBE_SCHEDULER_SKIP;
  count_domains (cycle, state);
  for (guint i = 0; i < state->n; i++) {
    Spread *spread = &state->spreads[i];
    gint32 n_domains = 0;

    spread->least = G_MAXINT32;
    for (guint j = 0; j < spread->topology->n_domains; j++) {
      if (spread->counts[j] == NO_DOMAIN)
        continue;
      spread->least = MIN (spread->least, spread->counts[j]);
      n_domains++;
    }
    if (n_domains < MAX (spread->min_domains, 1))
      spread->least = 0;
  }
  return KUBE_SCHEDULER_OK;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  const State *state = cycle->state[cycle->current];

  for (guint i = 0; i < state->n; i++) {
    const Spread *spread = &state->spreads[i];
    gint32 domain = spread->topology->domains->cells[node];

    if (domain < 0) {
      kube_scheduler_cycle_add_reason (cycle, "node(s) didn't match pod topology spread constraints (missing required label)");
      return KUBE_SCHEDULER_UNRESOLVABLE;
    }
    if (MAX (spread->counts[domain], 0) + spread->self - spread->least > spread->max_skew) {
      kube_scheduler_cycle_add_reason (cycle, "node(s) didn't match pod topology spread constraints");
      return KUBE_SCHEDULER_UNSCHEDULABLE;
    }
  }
  return KUBE_SCHEDULER_OK;
}

/* The more domains there are, the more each pod more in one of them weighs. */
static void
weigh (State *state, const guint *nodes, guint n_nodes)
{
  for (guint i = 0; i < state->n; i++) {
    Spread *spread = &state->spreads[i];
    guint n = 0;

    for (guint j = 0; j < n_nodes; j++) {
      gint32 domain = spread->topology->domains->cells[nodes[j]];

      if (domain < 0 || !has_labels (state, nodes[j]))
        continue;
      n += spread->is_hostname || spread->counts[domain] == NO_DOMAIN;
      spread->counts[domain] = 0;
    }
    spread->weight = log (n + 2);
  }
}

static KubeSchedulerCode
pre_score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes)
{
  State *state = read_constraints (cycle, "ScheduleAnyway");

  if (state == NULL)
    state = default_constraints (cycle);
  if (state == NULL)
    return KUBE_SCHEDULER_SKIP;
  weigh (state, nodes, n_nodes);
  count_domains (cycle, state);
  return KUBE_SCHEDULER_OK;
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  const State *state = cycle->state[cycle->current];

  for (guint i = 0; i < n_nodes; i++) {
    double sum = 0;

    scores[i] = -1;
    if (!has_labels (state, nodes[i]))
      continue;
    for (guint j = 0; j < state->n; j++) {
      const Spread *spread = &state->spreads[j];
      gint32 domain = spread->topology->domains->cells[nodes[i]];

      if (domain >= 0)
        sum += MAX (spread->counts[domain], 0) * spread->weight + (spread->max_skew - 1);
    }
    scores[i] = (gint64) round (sum);
  }
}

/* The fewest are best; nodes that lack a label come last. */
static void
normalise (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, gint64 *scores, guint n_nodes)
{
  gint64 least = G_MAXINT64, most = 0;

  for (guint i = 0; i < n_nodes; i++) {
    if (scores[i] < 0)
      continue;
    least = MIN (least, scores[i]);
    most = MAX (most, scores[i]);
  }
  for (guint i = 0; i < n_nodes; i++) {
    if (scores[i] < 0)
      scores[i] = 0;
    else
      scores[i] = most == 0 ? SCHED_MAX_SCORE : SCHED_MAX_SCORE * (most + least - scores[i]) / most;
  }
}

static void
sched_pod_topology_spread_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
  iface->pre_score = pre_score;
  iface->score = score;
  iface->normalise = normalise;
}
