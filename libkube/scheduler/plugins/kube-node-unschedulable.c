/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

SCHED_DEFINE_PLUGIN (SchedNodeUnschedulable, sched_node_unschedulable)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodeUnschedulable";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_TAINTS;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  static const KubeTaint taint = { "node.kubernetes.io/unschedulable", "", KUBE_TAINT_EFFECT_NO_SCHEDULE };

  if (!(cycle->cache->flags[node] & SCHED_NODE_UNSCHEDULABLE) || kube_tolerations_cover (cycle->pod->tolerations, &taint))
    return KUBE_SCHEDULER_OK;
  kube_scheduler_cycle_add_reason (cycle, "node(s) were unschedulable");
  return KUBE_SCHEDULER_UNRESOLVABLE;
}

static void
sched_node_unschedulable_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->filter = filter;
}
