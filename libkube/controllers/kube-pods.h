/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-informer.h>
#include <kube/kube-plan.h>

G_BEGIN_DECLS

/* What controllers ask of pods. */

gboolean kube_pod_is_ready (KubeObject *pod);
gboolean kube_pod_is_finished (KubeObject *pod); /* Succeeded or Failed */
gboolean kube_pod_is_active (KubeObject *pod);   /* neither finished nor being deleted */
/* The further a pod is (pending, unknown, running), the higher: the later it goes where some have to. */
int kube_pod_get_phase_rank (KubeObject *pod);
gint64 kube_pod_get_ready_time (KubeObject *pod); /* since when it is ready or not; -1: unknown */
gint64 kube_pod_count_restarts (KubeObject *pod);
/* 0: it is ready and has been for @min_ready; > 0: it will have been in so many microseconds; -1: it is not ready. */
gint64 kube_pod_available_in (KubeObject *pod, gint64 min_ready, gint64 now);
/* The index "node" of an informer of pods: by spec.nodeName. */
void kube_pod_add_node_index (KubeInformer *pods);
/* Writes why @pod is about to be deleted (its condition DisruptionTarget), and with @phase what has become of it. As a patch: that is what the controllers may do. */
void kube_pod_plan_disruption (KubePlan *plan, KubeObject *pod, const char *phase, const char *reason, const char *message, gint64 now);

/* Requests go out one, then two, then four at a time: where the first is refused (quota, admission), the rest is not tried. */
typedef struct {
  guint batch, left;
} KubeSlowStart;

#define KUBE_SLOW_START_INIT { 1, 1 }

/* Before a request is added to @plan. */
void kube_slow_start_next (KubeSlowStart *self, KubePlan *plan);

/* The port that a Service's targetPort means in @pod, 0 where it has none of that name. */
guint16 kube_pod_find_port (KubeObject *pod, KubeValue *service_port);

G_END_DECLS
