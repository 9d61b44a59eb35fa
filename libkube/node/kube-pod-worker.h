/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-node-context.h"

G_BEGIN_DECLS

/* What becomes of one pod on this node, from its admission to its last trace: a state machine, driven by the agent (the pod changed, an object that it uses changed), by the runtime (a container ended), by
 * timers and by its own steps' ends. It writes the pod's status, and deletes the pod at the end. */
typedef struct _KubePodWorker KubePodWorker;

/* @gone: nothing is left of it; the agent frees it then (not within the call). */
typedef void (*KubePodWorkerFunc) (KubePodWorker *worker, gpointer user_data);

KubePodWorker *kube_pod_worker_new (KubeNodeContext *node, KubeObject *pod, KubePodWorkerFunc gone, gpointer user_data);
/* Lets go of it; containers go on. */
void kube_pod_worker_free (KubePodWorker *worker);
KubePodWorker *kube_pod_worker_ref (KubePodWorker *worker);
void kube_pod_worker_unref (KubePodWorker *worker);
const char *kube_pod_worker_get_uid (KubePodWorker *worker);
/* With the resources that it is granted. */
KubeObject *kube_pod_worker_get_pod (KubePodWorker *worker);
/* Whether it counts against the node's room: not yet ended. */
gboolean kube_pod_worker_is_active (KubePodWorker *worker);

void kube_pod_worker_update (KubePodWorker *worker, KubeObject *pod);
/* The API has it no more. */
void kube_pod_worker_remove (KubePodWorker *worker);
void kube_pod_worker_container_changed (KubePodWorker *worker, const char *id);
void kube_pod_worker_source_changed (KubePodWorker *worker, const char *kind, const char *namespace_, const char *name);
/* What it waited for on the node is there now: the network, the services. */
void kube_pod_worker_poke (KubePodWorker *worker);
/* Since when it waits for room for more resources (wall clock); 0: it does not. */
gint64 kube_pod_worker_waits_since (KubePodWorker *worker);
gboolean kube_pod_worker_wants_more (KubePodWorker *worker);
void kube_pod_worker_ask_again (KubePodWorker *worker);
/* It does not run here: it fails for good. */
void kube_pod_worker_reject (KubePodWorker *worker, const char *reason, const char *message);
void kube_pod_worker_rotate_logs (KubePodWorker *worker);

/* For logs, exec and attach: the container's id. Errors as the kubelet words them. */
char *kube_pod_worker_find_log (KubePodWorker *worker, const char *container, gboolean previous,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *kube_pod_worker_find_running (KubePodWorker *worker, const char *container, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
