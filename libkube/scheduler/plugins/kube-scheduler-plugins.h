/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kube-scheduler-private.h"

G_BEGIN_DECLS

/* Each makes one built-in plugin, in a file of its own. */
KubeSchedulerPlugin *sched_balanced_allocation_new (void);
KubeSchedulerPlugin *sched_default_binder_new (KubeClient *client);
KubeSchedulerPlugin *sched_default_preemption_new (KubeClient *client, KubeClock *clock);
KubeSchedulerPlugin *sched_dynamic_resources_new (void);
KubeSchedulerPlugin *sched_image_locality_new (void);
KubeSchedulerPlugin *sched_inter_pod_affinity_new (void);
KubeSchedulerPlugin *sched_node_affinity_new (void);
KubeSchedulerPlugin *sched_node_name_new (void);
KubeSchedulerPlugin *sched_node_ports_new (void);
KubeSchedulerPlugin *sched_node_unschedulable_new (void);
KubeSchedulerPlugin *sched_pod_topology_spread_new (void);
KubeSchedulerPlugin *sched_resources_fit_new (void);
KubeSchedulerPlugin *sched_scheduling_gates_new (void);
KubeSchedulerPlugin *sched_taint_toleration_new (void);

/* Brings scores to 0 … 100 by the largest; @reverse: the largest is the worst. */
void sched_normalise (gint64 *scores, guint n, gboolean reverse);

/* Whether the node is one that the pod's nodeSelector and required node affinity name. */
gboolean sched_node_affinity_matches (const SchedPod *pod, const SchedNode *node);
gboolean sched_taints_tolerated (const SchedPod *pod, const SchedNode *node);

/* A plugin's type without members of its own. */
#define SCHED_DEFINE_PLUGIN(TypeName, type_name) \
  typedef struct { \
    GObject parent_instance; \
  } TypeName; \
  typedef GObjectClass TypeName##Class; \
  static void type_name##_iface_init (KubeSchedulerPluginInterface *iface); \
  GType type_name##_get_type (void); \
  G_DEFINE_FINAL_TYPE_WITH_CODE (TypeName, type_name, G_TYPE_OBJECT, \
                                 G_IMPLEMENT_INTERFACE (KUBE_TYPE_SCHEDULER_PLUGIN, type_name##_iface_init)) \
  static void type_name##_class_init (TypeName##Class *klass) \
  { \
  } \
  static void type_name##_init (TypeName *self) \
  { \
  } \
  KubeSchedulerPlugin *type_name##_new (void) \
  { \
    return g_object_new (type_name##_get_type (), NULL); \
  }

G_END_DECLS
