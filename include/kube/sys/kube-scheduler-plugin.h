/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-client.h>

G_BEGIN_DECLS

/**
 * KubeSchedulerCode:
 * @KUBE_SCHEDULER_OK: go on
 * @KUBE_SCHEDULER_SKIP: this plugin has nothing to do with this pod (from pre-filter: its filter, from pre-score: its score is not run)
 * @KUBE_SCHEDULER_UNSCHEDULABLE: not now; evicting pods may help
 * @KUBE_SCHEDULER_UNRESOLVABLE: not now, and evicting pods would not help
 * @KUBE_SCHEDULER_ERROR: something failed; the pod is tried again after a while
 *
 * What a plugin says at one point of the framework.
 *
 * Since: 1.0
 */
typedef enum {
  KUBE_SCHEDULER_OK,
  KUBE_SCHEDULER_SKIP,
  KUBE_SCHEDULER_UNSCHEDULABLE,
  KUBE_SCHEDULER_UNRESOLVABLE,
  KUBE_SCHEDULER_ERROR,
} KubeSchedulerCode;

/**
 * KubeSchedulerEvents:
 * @KUBE_SCHEDULER_NODE_ADDED: a node came
 * @KUBE_SCHEDULER_NODE_ALLOCATABLE: what a node can give changed
 * @KUBE_SCHEDULER_NODE_LABELS: its labels
 * @KUBE_SCHEDULER_NODE_TAINTS: its taints, or whether it is unschedulable
 * @KUBE_SCHEDULER_POD_ADDED: a pod was assigned to a node, or its labels changed there
 * @KUBE_SCHEDULER_POD_REMOVED: a pod left its node
 *
 * What happens in the cluster that may make a pod schedulable that a plugin refused.
 *
 * Since: 1.0
 */
typedef enum {
  KUBE_SCHEDULER_NODE_ADDED = 1 << 0,
  KUBE_SCHEDULER_NODE_ALLOCATABLE = 1 << 1,
  KUBE_SCHEDULER_NODE_LABELS = 1 << 2,
  KUBE_SCHEDULER_NODE_TAINTS = 1 << 3,
  KUBE_SCHEDULER_POD_ADDED = 1 << 4,
  KUBE_SCHEDULER_POD_REMOVED = 1 << 5,
} KubeSchedulerEvents;

/**
 * KubeSchedulerCycle:
 *
 * One attempt to find a node for one pod. Nodes are numbers from 0 on, valid during the attempt.
 *
 * Since: 1.0
 */
typedef struct _KubeSchedulerCycle KubeSchedulerCycle;

KUBE_AVAILABLE_IN_1_0
KubeObject *kube_scheduler_cycle_get_pod (KubeSchedulerCycle *cycle);
KUBE_AVAILABLE_IN_1_0
guint kube_scheduler_cycle_get_n_nodes (KubeSchedulerCycle *cycle);
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_scheduler_cycle_get_node (KubeSchedulerCycle *cycle, guint node);
/* Why a pre-filter or a filter refuses. It costs nothing where nobody asks, so it need not be avoided. */
KUBE_AVAILABLE_IN_1_0
void kube_scheduler_cycle_add_reason (KubeSchedulerCycle *cycle, const char *reason);

/**
 * KubeSchedulerPlugin:
 *
 * A part of the scheduler's decision. All functions are called on the scheduler's thread, but for those that end in async and finish none may block, and a filter
 * should not allocate: it is called for each node and pod. Any may be %NULL but get_name.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_SCHEDULER_PLUGIN (kube_scheduler_plugin_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeSchedulerPlugin, kube_scheduler_plugin, KUBE, SCHEDULER_PLUGIN, GObject)

struct _KubeSchedulerPluginInterface {
  GTypeInterface parent;
  const char *(*get_name) (KubeSchedulerPlugin *plugin);
  /* what may make a pod schedulable that this plugin refused */
  KubeSchedulerEvents (*get_events) (KubeSchedulerPlugin *plugin);
  /* queue-sort: negative where @a comes before @b; where several plugins have it, the one added last counts */
  int (*compare) (KubeSchedulerPlugin *plugin, KubeObject *a, KubeObject *b);
  /* FALSE: the pod is not to be tried before it changes */
  gboolean (*pre_enqueue) (KubeSchedulerPlugin *plugin, KubeObject *pod);
  KubeSchedulerCode (*pre_filter) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle);
  KubeSchedulerCode (*filter) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node);
  /* no node fits. OK: the pod may fit on @nominated (transfer full) before long; else its reason is added to the message */
  KubeSchedulerCode (*post_filter) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, char **nominated);
  KubeSchedulerCode (*pre_score) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes);
  void (*score) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores);
  /* brings scores to 0 … 100; NULL: they are */
  void (*normalise) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, gint64 *scores, guint n_nodes);
  KubeSchedulerCode (*reserve) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node);
  void (*unreserve) (KubeSchedulerPlugin *plugin, KubeObject *pod, const char *node);
  KubeSchedulerCode (*permit) (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node);
  void (*pre_bind_async) (KubeSchedulerPlugin *plugin, KubeObject *pod, const char *node, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*pre_bind_finish) (KubeSchedulerPlugin *plugin, GAsyncResult *result, GError **error);
  /* where several plugins have it, the one added last counts */
  void (*bind_async) (KubeSchedulerPlugin *plugin, KubeObject *pod, const char *node, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*bind_finish) (KubeSchedulerPlugin *plugin, GAsyncResult *result, GError **error);
  void (*post_bind) (KubeSchedulerPlugin *plugin, KubeObject *pod, const char *node);
  gpointer reserved[8];
};

KUBE_AVAILABLE_IN_1_0
const char *kube_scheduler_plugin_get_name (KubeSchedulerPlugin *plugin);

G_END_DECLS
