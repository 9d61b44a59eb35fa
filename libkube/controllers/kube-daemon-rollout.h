/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-plan.h>
#include "kube-daemon-backoff.h"
#include "kube-daemon-fit.h"

G_BEGIN_DECLS

/* One look at a DaemonSet, the nodes and its pods on them, and what is to become of these. */

typedef struct {
  const char *name;        /* borrowed from the node, or from a pod on a node that is gone */
  gboolean exists;
  KubeDaemonFitFlags fits;
  GPtrArray *pods;         /* (element-type KubeObject) (unowned): the one that counts first */
} KubeDaemonNode;

typedef struct {
  KubeObject *set;            /* (unowned) */
  KubeDaemonFit *fit;         /* (unowned) */
  KubeDaemonBackoff *backoff; /* (unowned) */
  KubePlan *plan;             /* (unowned) */
  const char *hash;           /* of the present revision */
  gint64 now, monotonic, min_ready;
  guint desired, max_surge, max_unavailable;
  gboolean surges;
  GPtrArray *nodes;           /* (element-type KubeDaemonNode): by name */
  GPtrArray *wanted;          /* (element-type utf8) (unowned): nodes that get a pod */
  GPtrArray *unwanted;        /* (element-type KubeObject) (unowned): pods that go */
} KubeDaemonRollout;

/* @self: its first members, up to @min_ready, are set. @nodes: all. @pods: of the set. */
void kube_daemon_rollout_init (KubeDaemonRollout *self, GPtrArray *nodes, GPtrArray *pods);
void kube_daemon_rollout_clear (KubeDaemonRollout *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeDaemonRollout, kube_daemon_rollout_clear)

/* One pod on each node that is to have one, none elsewhere; of finished ones none. FALSE: all is so. */
gboolean kube_daemon_rollout_manage (KubeDaemonRollout *self);
/* Pods of older revisions give way, as many at a time as the strategy allows. */
void kube_daemon_rollout_roll (KubeDaemonRollout *self);
void kube_daemon_rollout_update_status (KubeDaemonRollout *self, gint64 collisions);
/* Puts what was decided into the plan. */
void kube_daemon_rollout_commit (KubeDaemonRollout *self);

G_END_DECLS
