/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

void
sched_normalise (gint64 *scores, guint n, gboolean reverse)
{
  gint64 most = 0;

  for (guint i = 0; i < n; i++)
    most = MAX (most, scores[i]);
  for (guint i = 0; i < n; i++) {
    if (most > 0)
      scores[i] = SCHED_MAX_SCORE * scores[i] / most;
    if (reverse)
      scores[i] = SCHED_MAX_SCORE - scores[i];
  }
}

static void
add (SchedFramework *framework, KubeSchedulerPlugin *plugin, guint weight)
{
  sched_framework_add (framework, plugin, weight);
  g_object_unref (plugin);
}

void
sched_add_default_plugins (SchedFramework *framework, KubeClient *client, KubeClock *clock)
{
  add (framework, sched_scheduling_gates_new (), 0);
  add (framework, sched_node_unschedulable_new (), 0);
  add (framework, sched_node_name_new (), 0);
  add (framework, sched_taint_toleration_new (), 3);
  add (framework, sched_node_affinity_new (), 2);
  add (framework, sched_node_ports_new (), 0);
  add (framework, sched_resources_fit_new (), 1);
  add (framework, sched_pod_topology_spread_new (), 2);
  add (framework, sched_inter_pod_affinity_new (), 2);
  add (framework, sched_dynamic_resources_new (), 0);
  add (framework, sched_default_preemption_new (client, clock), 0);
  add (framework, sched_balanced_allocation_new (), 1);
  add (framework, sched_image_locality_new (), 1);
  add (framework, sched_default_binder_new (client), 0);
}
