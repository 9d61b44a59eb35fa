/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-scheduler-plugin.h>

G_BEGIN_DECLS

/**
 * KubeSchedulerOptions:
 * @name: (nullable): pods whose `spec.schedulerName` is this are its own; %NULL: "default-scheduler"
 * @percentage: how many of the nodes, in percent, must be found to fit before the best of them is taken; 0: upstream's adaptive share
 *
 * How a #KubeScheduler is made. Zeroed is a good default.
 *
 * Since: 1.0
 */
typedef struct {
  const char *name;
  guint percentage;
  gpointer reserved[6];
} KubeSchedulerOptions;

#define KUBE_TYPE_SCHEDULER (kube_scheduler_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeScheduler, kube_scheduler, KUBE, SCHEDULER, GObject)

/* @clock: (nullable): the real one. @options: (nullable). Not started. */
KUBE_AVAILABLE_IN_1_0
KubeScheduler *kube_scheduler_new (KubeClient *client, KubeClock *clock, const KubeSchedulerOptions *options) G_GNUC_WARN_UNUSED_RESULT;
/* Before it is started, after the built-in ones. @weight: of its scores, 0 where it has none. */
KUBE_AVAILABLE_IN_1_0
void kube_scheduler_add_plugin (KubeScheduler *scheduler, KubeSchedulerPlugin *plugin, guint weight);
KUBE_AVAILABLE_IN_1_0
void kube_scheduler_start (KubeScheduler *scheduler);
KUBE_AVAILABLE_IN_1_0
void kube_scheduler_stop (KubeScheduler *scheduler);
KUBE_AVAILABLE_IN_1_0
gboolean kube_scheduler_is_synced (KubeScheduler *scheduler);
/* Pods that wait, in all queues. */
KUBE_AVAILABLE_IN_1_0
guint kube_scheduler_get_n_pending (KubeScheduler *scheduler);

G_END_DECLS
