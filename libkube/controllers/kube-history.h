/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-informer.h>
#include <kube/kube-plan.h>

G_BEGIN_DECLS

/* The label of pods that says by which revision they were made. */
#define KUBE_HISTORY_POD_LABEL "controller-revision-hash"

/* In what the histories of the kinds differ. */
typedef struct {
  const char *hash_label;    /* of a revision */
  gboolean pods_carry_names; /* of revisions in their label; else their hashes */
  gboolean live_count;       /* revisions that pods are of count towards the limit */
} KubeHistoryRules;

/* The templates that an owner of pods has had, as ControllerRevisions: what `kubectl rollout history` shows and `kubectl rollout undo` goes back to. One pass of a controller. */
typedef struct {
  const KubeHistoryRules *rules;
  KubeObject *owner; /* (unowned) */
  KubePlan *plan;    /* (unowned) */
  GPtrArray *revisions; /* (element-type KubeObject): of the owner, oldest first; its present one is among them */
  GPtrArray *doubles;   /* (element-type KubeObject): those of them that say the same as the present one */
  KubeObject *present;  /* (owned): what holds the owner's template as it is now */
  gint64 collisions;    /* for status.collisionCount */
} KubeHistory;

/* Finds the revisions of @owner, takes in those that nobody controls, and sees to it that the newest one is that of the present template: makes it, or brings an older one that
 * says the same to the front. @informer: of ControllerRevisions, with kube_owner_add_index(). */
void kube_history_init (KubeHistory *self, const KubeHistoryRules *rules, KubeObject *owner, KubeSelector *selector, KubeInformer *informer, KubePlan *plan);
void kube_history_clear (KubeHistory *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeHistory, kube_history_clear)

/* (transfer none) (nullable): a revision of this name. */
KubeObject *kube_history_find (KubeHistory *self, const char *name);
/* What pods of @revision carry in their label. */
const char *kube_history_get_id (KubeHistory *self, KubeObject *revision);
/* Deletes what says the same as the present revision; no pod may be of it any more. */
void kube_history_drop_doubles (KubeHistory *self);
/* (transfer full): the template that @revision holds. */
KubeValue *kube_history_dup_template (KubeHistory *self, KubeObject *revision) G_GNUC_WARN_UNUSED_RESULT;
/* Deletes the oldest beyond spec.revisionHistoryLimit that no pod is of. @live: (element-type utf8): what pods carry, and what is to be kept besides. */
void kube_history_truncate (KubeHistory *self, GHashTable *live);

G_END_DECLS
