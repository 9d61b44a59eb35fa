/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-plan.h>

G_BEGIN_DECLS

/* One look at a Deployment and its ReplicaSets, and what is to become of them. The steps change `replicas` and annotations of the sets in place; kube_rollout_commit() turns what changed into the plan's requests. */

#define KUBE_ROLLOUT_REVISION "deployment.kubernetes.io/revision"
#define KUBE_ROLLOUT_REVISION_HISTORY "deployment.kubernetes.io/revision-history"
#define KUBE_ROLLOUT_DESIRED "deployment.kubernetes.io/desired-replicas"
#define KUBE_ROLLOUT_MAX "deployment.kubernetes.io/max-replicas"
#define KUBE_ROLLOUT_HASH "pod-template-hash"

typedef struct {
  KubeObject *object;      /* (owned) */
  gint64 replicas, was;    /* spec.replicas: to be, and as it is */
  gint64 actual, ready, available, terminating; /* of its status */
  gint64 revision;
  KubeBuilder *edit;       /* (owned) (nullable): annotations or other fields that change */
} KubeRolloutSet;

typedef struct {
  KubeObject *deployment;  /* (unowned) */
  KubePlan *plan;          /* (unowned) */
  gint64 now;
  GPtrArray *sets;         /* (element-type KubeRolloutSet): all that belong to it, oldest first */
  KubeRolloutSet *current; /* (nullable): the one whose template is the Deployment's */
  gint64 replicas, max_surge, max_unavailable;
  gboolean rolling, paused;
  KubeBuilder *deployment_edit; /* (owned) (nullable): the Deployment's revision annotation and conditions as they change */
} KubeRollout;

/* @sets: (element-type KubeObject): claimed ReplicaSets. */
void kube_rollout_init (KubeRollout *rollout, KubeObject *deployment, GPtrArray *sets, KubePlan *plan, gint64 now);
void kube_rollout_clear (KubeRollout *rollout);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeRollout, kube_rollout_clear)

/* The revision of the current set, its annotations, and the Deployment's revision annotation. FALSE: something was changed, look again when it shows. */
gboolean kube_rollout_sync_revision (KubeRollout *rollout);
/* Plans the creation of the current set. */
void kube_rollout_create_current (KubeRollout *rollout);
/* How many replicas the current set may have now (upstream: NewRSNewReplicas). */
gint64 kube_rollout_get_current_target (KubeRollout *rollout, gint64 current_replicas);

gboolean kube_rollout_is_scaling (KubeRollout *rollout);
/* Spreads a change of spec.replicas over the sets. */
void kube_rollout_scale (KubeRollout *rollout);
/* The steps of a rolling update; TRUE: a set changes. */
gboolean kube_rollout_scale_current (KubeRollout *rollout);
gboolean kube_rollout_scale_down_old (KubeRollout *rollout);
gboolean kube_rollout_drop_old (KubeRollout *rollout); /* all old ones to 0, for Recreate */
/* Deletes old sets beyond revisionHistoryLimit. */
void kube_rollout_clean_up (KubeRollout *rollout);
gint64 kube_rollout_sum_replicas (KubeRollout *rollout);

/* The node of the Deployment's status, to be changed. */
KubeNode *kube_rollout_edit_status (KubeRollout *rollout);
/* Whether spec.progressDeadlineSeconds is set; the largest number is none. */
gboolean kube_rollout_has_deadline (KubeRollout *rollout);
void kube_rollout_set_progressing (KubeRollout *rollout, const char *value, const char *reason, const char *format, ...) G_GNUC_PRINTF (4, 5);
/* Counts and the Available condition. */
void kube_rollout_update_status (KubeRollout *rollout);
/* Those, and the Progressing and ReplicaFailure conditions of a rollout. */
void kube_rollout_update_progress (KubeRollout *rollout);
gboolean kube_rollout_is_complete (KubeRollout *rollout);
/* An int-or-string of @total: "25%" rounded up or down. NULL is 0. */
gint64 kube_rollout_resolve (KubeValue *value, gint64 total, gboolean up);

void kube_rollout_commit (KubeRollout *rollout);

G_END_DECLS
