/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

/* Nothing here publishes devices, so a claim can be allocated on no node. */
SCHED_DEFINE_PLUGIN (SchedDynamicResources, sched_dynamic_resources)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "DynamicResources";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED;
}

static gboolean
has_claims (KubeSchedulerCycle *cycle)
{
  return kube_value_get_length (kube_object_get (cycle->pod->object, "spec.resourceClaims")) > 0;
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  return has_claims (cycle) ? KUBE_SCHEDULER_OK : KUBE_SCHEDULER_SKIP;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  kube_scheduler_cycle_add_reason (cycle, "cannot allocate all claims");
  return KUBE_SCHEDULER_UNRESOLVABLE;
}

static KubeSchedulerCode
post_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, char **nominated)
{
  kube_scheduler_cycle_add_reason (cycle, has_claims (cycle) ? "still not schedulable" : "no new claims to deallocate");
  return KUBE_SCHEDULER_UNSCHEDULABLE;
}

static void
sched_dynamic_resources_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
  iface->post_filter = post_filter;
}
