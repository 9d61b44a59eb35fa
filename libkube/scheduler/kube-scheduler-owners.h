/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-scheduler-topology.h"

#include <kube/kube-informer.h>

G_BEGIN_DECLS

/* What pods belong together by: the services that select them and the set that controls them, by which pods are spread that say nothing
 * of their own, and the budgets of how many of them may be missing. */
struct _SchedOwners {
  KubeInformer *services, *replica_sets, *replication_controllers, *stateful_sets, *budgets; /* (owned) */
};

/* @synced: called, with @user_data as last argument, when one of its informers has synced. */
SchedOwners *sched_owners_new (KubeClient *client, KubeClock *clock, GCallback synced, gpointer user_data);
void sched_owners_free (SchedOwners *owners);
gboolean sched_owners_are_synced (SchedOwners *owners);
/* (transfer full) (nullable) (element-type SchedMatcher): all of which pods like @pod match; appends to @id what names them. */
GPtrArray *sched_owners_make_matchers (SchedOwners *owners, KubeObject *pod, GString *id);

/* Whether evicting @pod is more than its disruption budgets allow; what is left of each is kept in @left (by their address). */
gboolean sched_owners_take_disruption (SchedOwners *owners, KubeObject *pod, GHashTable *left);

G_END_DECLS
