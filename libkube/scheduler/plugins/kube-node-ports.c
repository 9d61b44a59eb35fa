/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include <string.h>

SCHED_DEFINE_PLUGIN (SchedNodePorts, sched_node_ports)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodePorts";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_POD_REMOVED;
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  return cycle->pod->ports == NULL ? KUBE_SCHEDULER_SKIP : KUBE_SCHEDULER_OK;
}

static gboolean
conflicts (const SchedPort *a, const SchedPort *b)
{
  if (a->port != b->port || strcmp (a->protocol, b->protocol) != 0)
    return FALSE;
  return strcmp (a->ip, "0.0.0.0") == 0 || strcmp (b->ip, "0.0.0.0") == 0 || strcmp (a->ip, b->ip) == 0;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  GArray *used = cycle->cache->nodes[node]->ports, *wanted = cycle->pod->ports;

  for (guint i = 0; i < used->len; i++) {
    for (guint j = 0; j < wanted->len; j++) {
      if (conflicts (&g_array_index (used, SchedPort, i), &g_array_index (wanted, SchedPort, j))) {
        kube_scheduler_cycle_add_reason (cycle, "node(s) didn't have free ports for the requested pod ports");
        return KUBE_SCHEDULER_UNSCHEDULABLE;
      }
    }
  }
  return KUBE_SCHEDULER_OK;
}

static void
sched_node_ports_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
}
