/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-pod-worker-private.h"
#include "kube-source.h"

#define DELETE_RETRY (1 * (gint64) G_USEC_PER_SEC)

/* A pod that is deleted ends as its containers did. */
static void
set_end_phase (KubePodWorker *worker)
{
  gboolean failed = FALSE;

  if (worker->end_phase != NULL)
    return;
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    failed = failed || (container->role == KUBE_ROLE_MAIN && (container->info == NULL || container->info->exit_code != 0));
  }
  worker->end_phase = failed ? "Failed" : "Succeeded";
}

static void
finish_teardown (KubePodWorker *worker)
{
  if (--worker->tokens_pending > 0)
    return;
  worker->busy = FALSE;
  if (worker->gone == NULL)
    return;
  kube_pod_worker_release_sources (worker);
  worker->state = KUBE_WORKER_FINISHED;
  worker->patch_again = TRUE;
  kube_pod_status_update (worker);
  kube_pod_worker_step (worker);
}

static void
on_pod_stopped (GObject *object, GAsyncResult *result, gpointer data)
{
  kube_runtime_stop_pod_finish (KUBE_RUNTIME (object), result, NULL);
  finish_teardown (data);
  kube_pod_worker_unref (data);
}

static void
on_detached (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;
  g_autoptr (GError) error = NULL;

  if (!kube_network_detach_finish (KUBE_NETWORK (object), result, &error))
    kube_warning ("pod %s: %s", worker->uid, error->message);
  finish_teardown (worker);
  kube_pod_worker_unref (worker);
}

static void
on_volumes_removed (GObject *object, GAsyncResult *result, gpointer data)
{
  finish_teardown (data);
  kube_pod_worker_unref (data);
}

/* Its namespaces, its addresses and its volumes go; three steps that do not wait for each other (`tokens_pending` counts them). */
void
kube_pod_teardown_begin (KubePodWorker *worker)
{
  GSource **sources[] = { &worker->retry_timer, &worker->deadline_timer, &worker->token_timer };

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    kube_clear_source (sources[i]);
  set_end_phase (worker);
  worker->busy = TRUE;
  worker->tokens_pending = worker->simulated ? 2 : 3;
  kube_network_detach_async (worker->node->network, worker->uid, NULL, on_detached, kube_pod_worker_ref (worker));
  kube_runtime_stop_pod_async (worker->node->runtime, worker->uid, on_pod_stopped, kube_pod_worker_ref (worker));
  if (!worker->simulated)
    kube_pod_setup_remove_folders (worker, worker->folder, NULL, on_volumes_removed);
}

static void
on_removed (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;

  worker->busy = FALSE;
  if (worker->gone != NULL) {
    worker->state = KUBE_WORKER_DELETING;
    kube_pod_worker_step (worker);
  }
  kube_pod_worker_unref (worker);
}

static void
on_runtime_removed (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;

  kube_runtime_remove_pod_finish (KUBE_RUNTIME (object), result, NULL);
  if (worker->gone != NULL && worker->node->logs_dir != NULL) {
    g_autofree char *name = g_strdup_printf ("%s_%s_%s", kube_object_get_namespace (worker->pod),
                                             kube_object_get_name (worker->pod), worker->uid);
    g_autofree char *logs = g_build_filename (worker->node->logs_dir, name, NULL);
    kube_pod_setup_remove_folders (worker, worker->folder, logs, on_removed);
    kube_pod_worker_unref (worker);
  } else
    on_removed (NULL, NULL, worker);
}

void
kube_pod_teardown_remove (KubePodWorker *worker)
{
  worker->busy = TRUE;
  kube_runtime_remove_pod_async (worker->node->runtime, worker->uid, on_runtime_removed, kube_pod_worker_ref (worker));
}

static void
on_deleted (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (object), result, &error);

  if (worker->gone != NULL && error != NULL && !g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND) &&
      !g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT)) {
    worker->busy = FALSE;
    kube_pod_worker_retry_later (worker, DELETE_RETRY);
  }
  /* Else it waits for the API to say that it has gone; finalizers may still hold it. */
  kube_pod_worker_unref (worker);
}

void
kube_pod_teardown_delete (KubePodWorker *worker)
{
  g_autoptr (KubeRequest) request = kube_request_new (
    KUBE_VERB_DELETE, KUBE_KIND ("v1", "Pod"), kube_object_get_namespace (worker->pod), kube_object_get_name (worker->pod));

  kube_request_set_delete_options (request, 0, NULL, worker->uid, NULL);
  worker->busy = TRUE;
  kube_client_send_async (worker->node->client, request, NULL, on_deleted, kube_pod_worker_ref (worker));
}
