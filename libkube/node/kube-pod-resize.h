/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-pod-worker-private.h"

G_BEGIN_DECLS

/* A change of a running pod's resources: first the node grants it, or it waits for room; then the kernel is told step by step. A container has at each moment what the runtime's configuration of it says, so that each
 * step is found by comparing, and a later agent goes on where this one stopped. */

void kube_pod_resize_init (KubePodWorker *worker);
void kube_pod_resize_clear (KubePodWorker *worker);
/* The API asks for something, or there is more room than before. TRUE: worker->pod is another one now. */
gboolean kube_pod_resize_ask (KubePodWorker *worker);
/* Takes the next step towards what is granted, if there is one. */
void kube_pod_resize_step (KubePodWorker *worker);
/* PodResizePending and PodResizeInProgress, where they hold. */
void kube_pod_resize_put_conditions (KubePodWorker *worker, KubeNode *list);

G_END_DECLS
