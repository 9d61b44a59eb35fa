/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include <string.h>

SCHED_DEFINE_PLUGIN (SchedNodeName, sched_node_name)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodeName";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED;
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  return cycle->pod->node_name == NULL ? KUBE_SCHEDULER_SKIP : KUBE_SCHEDULER_OK;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  if (strcmp (cycle->pod->node_name, cycle->cache->nodes[node]->name) == 0)
    return KUBE_SCHEDULER_OK;
  kube_scheduler_cycle_add_reason (cycle, "node(s) didn't match the requested node name");
  return KUBE_SCHEDULER_UNRESOLVABLE;
}

static void
sched_node_name_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
}
