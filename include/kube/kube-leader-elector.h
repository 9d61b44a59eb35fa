/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/**
 * KubeLeaderElector:
 *
 * Lets one of several processes lead, by a Lease that it renews (15 s long, renewed every 2 s, given up after 10 s without success), as client-go's leaderelection.
 * Signals: started-leading (), stopped-leading (), new-leader (identity).
 *
 * Since: 1.0
 */
#define KUBE_TYPE_LEADER_ELECTOR (kube_leader_elector_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeLeaderElector, kube_leader_elector, KUBE, LEADER_ELECTOR, GObject)

KUBE_AVAILABLE_IN_1_0
KubeLeaderElector *kube_leader_elector_new (KubeClient *client, KubeClock *clock, const char *namespace_, const char *name, const char *identity) G_GNUC_WARN_UNUSED_RESULT;
/* microseconds */
KUBE_AVAILABLE_IN_1_0
void kube_leader_elector_set_times (KubeLeaderElector *elector, gint64 lease_duration, gint64 renew_deadline, gint64 retry_period);
KUBE_AVAILABLE_IN_1_0
void kube_leader_elector_start (KubeLeaderElector *elector);
/* Gives the lease back where it is held. */
KUBE_AVAILABLE_IN_1_0
void kube_leader_elector_stop (KubeLeaderElector *elector);
KUBE_AVAILABLE_IN_1_0
gboolean kube_leader_elector_is_leader (KubeLeaderElector *elector);

G_END_DECLS
