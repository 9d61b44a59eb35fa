/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include "kube-node-selector.h"

SCHED_DEFINE_PLUGIN (SchedNodeAffinity, sched_node_affinity)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodeAffinity";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_LABELS;
}

/* Where every term names its nodes, as a DaemonSet's pods do, only those are looked at. */
static void
narrow (KubeSchedulerCycle *cycle, KubeValue *terms)
{
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    if (kube_node_term_get_names (kube_value_get_element (terms, i)) == NULL)
      return;
  }
  cycle->only = g_array_new (FALSE, FALSE, sizeof (guint));
  cycle->narrowed |= (guint64) 1 << cycle->current;
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    KubeValue *names = kube_node_term_get_names (kube_value_get_element (terms, i));

    for (guint j = 0; j < kube_value_get_length (names); j++) {
      const char *name = kube_value_peek_string (kube_value_get_element (names, j), NULL);
      SchedNode *node = name != NULL ? g_hash_table_lookup (cycle->cache->by_name, name) : NULL;
      gboolean known = FALSE;

      for (guint k = 0; node != NULL && k < cycle->only->len && !known; k++)
        known = g_array_index (cycle->only, guint, k) == node->index;
      if (node != NULL && !known)
        g_array_append_val (cycle->only, node->index);
    }
  }
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  SchedPod *pod = cycle->pod;

  if (kube_value_get_length (pod->node_selector) == 0 && pod->required_affinity == NULL)
    return KUBE_SCHEDULER_SKIP;
  if (kube_value_get_length (pod->required_affinity) > 0)
    narrow (cycle, pod->required_affinity);
  return KUBE_SCHEDULER_OK;
}

gboolean
sched_node_affinity_matches (const SchedPod *pod, const SchedNode *node)
{
  return kube_node_selector_matches (pod->node_selector, node->labels) && kube_node_terms_match (pod->required_affinity, node->name, node->labels);
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  if (sched_node_affinity_matches (cycle->pod, cycle->cache->nodes[node]))
    return KUBE_SCHEDULER_OK;
  kube_scheduler_cycle_add_reason (cycle, "node(s) didn't match Pod's node affinity/selector");
  return KUBE_SCHEDULER_UNRESOLVABLE;
}

static KubeSchedulerCode
pre_score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes)
{
  return kube_value_get_length (cycle->pod->preferred_affinity) == 0 ? KUBE_SCHEDULER_SKIP : KUBE_SCHEDULER_OK;
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  KubeValue *terms = cycle->pod->preferred_affinity;

  for (guint i = 0; i < n_nodes; i++) {
    const SchedNode *node = cycle->cache->nodes[nodes[i]];

    scores[i] = 0;
    for (guint j = 0; j < kube_value_get_length (terms); j++) {
      KubeValue *term = kube_value_get_element (terms, j);

      if (kube_node_term_matches (kube_value_get_member (term, "preference"), node->name, node->labels))
        scores[i] += kube_value_get_integer (term, "weight", 0);
    }
  }
}

static void
normalise (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, gint64 *scores, guint n_nodes)
{
  sched_normalise (scores, n_nodes, FALSE);
}

static void
sched_node_affinity_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
  iface->pre_score = pre_score;
  iface->score = score;
  iface->normalise = normalise;
}
