/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

SCHED_DEFINE_PLUGIN (SchedTaintToleration, sched_taint_toleration)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "TaintToleration";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_TAINTS;
}

gboolean
sched_taints_tolerated (const SchedPod *pod, const SchedNode *node)
{
  for (guint i = 0; node->taints != NULL && i < node->taints->len; i++) {
    const KubeTaint *taint = &g_array_index (node->taints, KubeTaint, i);

    if ((taint->effect == KUBE_TAINT_EFFECT_NO_SCHEDULE || taint->effect == KUBE_TAINT_EFFECT_NO_EXECUTE)
        && !kube_tolerations_cover (pod->tolerations, taint))
      return FALSE;
  }
  return TRUE;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  if (!(cycle->cache->flags[node] & SCHED_NODE_TAINTED) || sched_taints_tolerated (cycle->pod, cycle->cache->nodes[node]))
    return KUBE_SCHEDULER_OK;
  kube_scheduler_cycle_add_reason (cycle, "node(s) had untolerated taint(s)");
  return KUBE_SCHEDULER_UNRESOLVABLE;
}

static gint64
count_disliked (KubeSchedulerCycle *cycle, guint node)
{
  GArray *taints = cycle->cache->nodes[node]->taints;
  gint64 n = 0;

  if (!(cycle->cache->flags[node] & SCHED_NODE_DISLIKED))
    return 0;
  for (guint i = 0; i < taints->len; i++) {
    const KubeTaint *taint = &g_array_index (taints, KubeTaint, i);

    n += taint->effect == KUBE_TAINT_EFFECT_PREFER_NO_SCHEDULE && !kube_tolerations_cover (cycle->pod->tolerations, taint);
  }
  return n;
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  for (guint i = 0; i < n_nodes; i++)
    scores[i] = count_disliked (cycle, nodes[i]);
}

static void
normalise (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, gint64 *scores, guint n_nodes)
{
  sched_normalise (scores, n_nodes, TRUE);
}

static void
sched_taint_toleration_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->filter = filter;
  iface->score = score;
  iface->normalise = normalise;
}
