/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

SCHED_DEFINE_PLUGIN (SchedSchedulingGates, sched_scheduling_gates)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "SchedulingGates";
}

static gboolean
pre_enqueue (KubeSchedulerPlugin *plugin, KubeObject *pod)
{
  return kube_value_get_length (kube_object_get (pod, "spec.schedulingGates")) == 0;
}

static void
sched_scheduling_gates_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->pre_enqueue = pre_enqueue;
}
