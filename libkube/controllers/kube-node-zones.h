/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/* How many nodes of each zone are ready, and how fast the pods of those that are not may be sent away. Where most of a zone, or all of the cluster, seems to be down at once, it is
 * rather this process that does not see them: then nothing is sent away. */
typedef struct _KubeNodeZones KubeNodeZones;

KubeNodeZones *kube_node_zones_new (void) G_GNUC_WARN_UNUSED_RESULT;
void kube_node_zones_free (KubeNodeZones *zones);
/* Whether what may be said of other nodes changed by it. */
gboolean kube_node_zones_set (KubeNodeZones *zones, KubeObject *node, gboolean ready);
gboolean kube_node_zones_remove (KubeNodeZones *zones, const char *name);
/* No node of the cluster is ready. */
gboolean kube_node_zones_all_down (KubeNodeZones *zones);
/* When the pods of @name may be sent away, monotonic: @now, later, or -1: not until something changes. @now counts as taken. */
gint64 kube_node_zones_take_turn (KubeNodeZones *zones, const char *name, gint64 now);

G_END_DECLS
