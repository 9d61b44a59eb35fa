/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-plan.h>
#include "kube-stateful-claims.h"

G_BEGIN_DECLS

/* One look at a StatefulSet and its pods, and what is to become of these. */
typedef struct {
  KubeObject *set;             /* (unowned) */
  KubePlan *plan;              /* (unowned) */
  KubeStatefulClaims claims;
  const char *current, *updated; /* revisions, as pods carry them */
  KubeValue *current_template; /* (unowned) */
  gint64 collisions, now;

  gint64 min_ready;
  gboolean monotonic;          /* one after the other, by ordinals */
  GPtrArray *replicas;         /* (element-type KubeObject): one for each ordinal that is to be; those without a uid are to be made */
  GPtrArray *condemned;        /* (element-type KubeObject) (unowned): of other ordinals, the highest first */
  KubeObject *first_unavailable; /* (unowned) (nullable) */
  GPtrArray *finished;         /* (element-type KubeObject) (unowned): pods that go so that they come anew */
  GPtrArray *missing;          /* (element-type KubeObject) (unowned): pods to make */
  GPtrArray *doomed;           /* (element-type KubeObject) (unowned): pods that go once the missing ones are made */
  gint64 outdated;             /* of @doomed: of the current revision, which go for that */
} KubeStatefulRollout;

/* @self: its first members, up to @now, are set. @pods: of the set. */
void kube_stateful_rollout_init (KubeStatefulRollout *self, GPtrArray *pods);
void kube_stateful_rollout_clear (KubeStatefulRollout *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeStatefulRollout, kube_stateful_rollout_clear)

/* What is to be done with the pods: their number and health first, then their revision. */
void kube_stateful_rollout_decide (KubeStatefulRollout *self);
void kube_stateful_rollout_update_status (KubeStatefulRollout *self);
/* Puts what was decided into the plan. */
void kube_stateful_rollout_commit (KubeStatefulRollout *self);

G_END_DECLS
