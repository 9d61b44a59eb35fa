/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include <math.h>

SCHED_DEFINE_PLUGIN (SchedBalancedAllocation, sched_balanced_allocation)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodeResourcesBalancedAllocation";
}

/* Pods that ask for nothing would all go to the one node that is balanced best. */
static KubeSchedulerCode
pre_score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes)
{
  return cycle->pod->cpu == 0 && cycle->pod->memory == 0 ? KUBE_SCHEDULER_SKIP : KUBE_SCHEDULER_OK;
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  const SchedCache *cache = cycle->cache;

  for (guint i = 0; i < n_nodes; i++) {
    gint64 cpu = sched_allocatable (cache, SCHED_CPU, nodes[i]), memory = sched_allocatable (cache, SCHED_MEMORY, nodes[i]);
    double deviation = 0;

    if (cpu != 0 && memory != 0) {
      double a = (double) (sched_requested (cache, SCHED_CPU, nodes[i]) + cycle->pod->cpu) / (double) cpu;
      double b = (double) (sched_requested (cache, SCHED_MEMORY, nodes[i]) + cycle->pod->memory) / (double) memory;

      deviation = fabs ((MIN (a, 1) - MIN (b, 1)) / 2);
    }
    scores[i] = (gint64) ((1 - deviation) * SCHED_MAX_SCORE);
  }
}

static void
sched_balanced_allocation_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->pre_score = pre_score;
  iface->score = score;
}
