/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-informer.h>
#include <kube/kube-plan.h>

G_BEGIN_DECLS

/* The claims of a StatefulSet's pods: made with a pod, kept when it goes, and owned by whom the set's retention policy says, so that the garbage collector deletes them in time. */
typedef struct {
  KubeObject *set;      /* (unowned) */
  KubeInformer *claims; /* (unowned) */
  KubePlan *plan;       /* (unowned) */
} KubeStatefulClaims;

/* Plans what is missing of @pod's. FALSE, and @error set: one that is needed is being deleted. */
gboolean kube_stateful_claims_create (const KubeStatefulClaims *self, KubeObject *pod, GError **error);
/* A claim of @pod still belongs to a pod of its name that is gone, and will go with that. */
gboolean kube_stateful_claims_are_stale (const KubeStatefulClaims *self, KubeObject *pod);
/* Whether the claims of @pod have the owners that the policy gives them. */
gboolean kube_stateful_claims_match (const KubeStatefulClaims *self, KubeObject *pod);
/* Plans it. */
void kube_stateful_claims_update (const KubeStatefulClaims *self, KubeObject *pod);
/* The sets of @sets whose pod @claim may be of. @keys: (element-type utf8) */
void kube_stateful_claims_add_keys (KubeInformer *sets, KubeObject *claim, GPtrArray *keys);

G_END_DECLS
