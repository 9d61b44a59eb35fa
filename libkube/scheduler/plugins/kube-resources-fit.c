/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

SCHED_DEFINE_PLUGIN (SchedResourcesFit, sched_resources_fit)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodeResourcesFit";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_ALLOCATABLE | KUBE_SCHEDULER_POD_REMOVED;
}

/* A resource that no node has yet has no column. */
static gint64
room (const SchedCache *cache, guint resource, guint node, gint64 *all)
{
  if (resource >= cache->allocatable->len) {
    *all = 0;
    return 0;
  }
  *all = sched_allocatable (cache, resource, node);
  return *all - sched_requested (cache, resource, node);
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  const SchedCache *cache = cycle->cache;
  GArray *requests = cycle->pod->requests;
  KubeSchedulerCode code = KUBE_SCHEDULER_OK;

  if (cache->n_pods[node] + 1 > cache->max_pods[node]) {
    code = KUBE_SCHEDULER_UNSCHEDULABLE;
    kube_scheduler_cycle_add_reason (cycle, "Too many pods");
  }
  for (guint i = 0; i < requests->len; i++) {
    const SchedRequest *request = &g_array_index (requests, SchedRequest, i);
    gint64 all;

    if (request->amount <= room (cache, request->resource, node, &all))
      continue;
    /* What the node could not give even if it were empty no eviction can help. */
    code = MAX (code, request->amount > all ? KUBE_SCHEDULER_UNRESOLVABLE : KUBE_SCHEDULER_UNSCHEDULABLE);
    if (cycle->reasons == NULL)
      return code;
    g_autofree char *reason = g_strconcat ("Insufficient ", cache->resources->pdata[request->resource], NULL);
    kube_scheduler_cycle_add_reason (cycle, reason);
  }
  return code;
}

/* LeastAllocated, over CPU and memory. */
static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  const SchedCache *cache = cycle->cache;
  guint n[2] = { SCHED_CPU, SCHED_MEMORY };

  for (guint i = 0; i < n_nodes; i++) {
    gint64 sum = 0, weight = 0;

    for (guint j = 0; j < 2; j++) {
      gint64 all = sched_allocatable (cache, n[j], nodes[i]);
      gint64 taken = cache->scored[n[j]][nodes[i]] + cycle->pod->scored[n[j]];

      if (all == 0)
        continue;
      weight++;
      if (taken <= all)
        sum += (gint64) ((double) (all - taken) * SCHED_MAX_SCORE / (double) all);
    }
    scores[i] = weight > 0 ? sum / weight : 0;
  }
}

static void
sched_resources_fit_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->filter = filter;
  iface->score = score;
}
