/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-node-context.h"
#include "kube-pod-worker.h"

G_BEGIN_DECLS

/* Whether there is room on the node: for a pod that comes, and for more of what a running one has. */

/* @workers: (unowned): uid -> KubePodWorker */
KubeNodeAdmission *kube_node_admission_new (GHashTable *workers, KubeValue *allocatable, guint max_pods);
void kube_node_admission_free (KubeNodeAdmission *admission);
/* @pod: as @worker wants it to be, beside what the others are granted. @resource: (out) (nullable): what there is too little of; @message: (out): worded as upstream. */
gboolean kube_node_admission_has_room (KubeNodeAdmission *admission, KubePodWorker *worker, KubeObject *pod, const char **resource, char **message);
/* Room was made: who waits for some asks again, in upstream's order. */
void kube_node_admission_retry (KubeNodeAdmission *admission);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeNodeAdmission, kube_node_admission_free)

G_END_DECLS
