/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/* Who is who among the pods of a StatefulSet: by their ordinals. */

/* -1: @pod is not named as one of @set's. */
gint64 kube_stateful_pod_get_ordinal (KubeObject *set, KubeObject *pod);
gint64 kube_stateful_set_get_start (KubeObject *set);
/* Whether @set is to have a pod of this ordinal. */
gboolean kube_stateful_set_has_ordinal (KubeObject *set, gint64 ordinal);
/* The name of the claim of the pod of this ordinal by @template_, one of the set's volumeClaimTemplates. */
char *kube_stateful_set_dup_claim_name (KubeObject *set, KubeValue *template_, gint64 ordinal) G_GNUC_WARN_UNUSED_RESULT;

/* (transfer full): the pod of @ordinal, made from the pod template of a revision. */
KubeObject *kube_stateful_pod_new (KubeObject *set, KubeValue *template_, const char *revision, gint64 ordinal) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the pod is labelled with its name, and whether its volumes are the set's claims. */
gboolean kube_stateful_pod_has_identity (KubeObject *set, KubeObject *pod);
gboolean kube_stateful_pod_has_storage (KubeObject *set, KubeObject *pod);
/* (transfer full): @pod with both. */
KubeObject *kube_stateful_pod_repair (KubeObject *set, KubeObject *pod) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
