/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-pod-worker-private.h"

#include "image/kube-image-private.h"
#include "kube-pod-env.h"
#include "volume/kube-volume.h"

#include <kube/kube-time.h>
#include <string.h>

#define MAX_TOKEN_AGE (24 * 3600 * (gint64) G_USEC_PER_SEC)

typedef struct {
  KubePodWorker *worker;
  gboolean known;
} Check;

static void
check_one (const char *kind, const char *name, gpointer data)
{
  Check *check = data;

  check->known = check->known && kube_object_sources_is_known (check->worker->node->sources, kind,
                                                               kube_object_get_namespace (check->worker->pod), name);
}

gboolean
kube_pod_setup_is_supplied (KubePodWorker *worker)
{
  Check check = { worker, TRUE };

  if (!worker->node->network_ready && !kube_object_get_boolean (worker->pod, "spec.hostNetwork", FALSE))
    return FALSE;
  if (worker->simulated)
    return TRUE;
  kube_pod_foreach_reference (worker->pod, check_one, &check);
  return check.known && (worker->node->services == NULL || kube_informer_is_synced (worker->node->services));
}

/* One token that is asked for. */
typedef struct {
  KubePodWorker *worker;
  char *key;
} TokenRequest;

static gboolean
on_token_time (gpointer data)
{
  KubePodWorker *worker = kube_pod_worker_ref (data);

  g_clear_pointer (&worker->token_timer, g_source_unref);
  g_hash_table_remove_all (worker->tokens);
  worker->volumes_dirty = TRUE;
  kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
  return G_SOURCE_REMOVE;
}

/* A token is replaced when four fifths of its life are over, or after a day. */
static void
note_expiry (KubePodWorker *worker, KubeObject *token)
{
  const char *text = kube_object_get_string (token, "status.expirationTimestamp");
  gint64 expires, now = kube_clock_get_time (worker->node->clock);

  if (text == NULL || !kube_time_parse (text, &expires, NULL) || worker->token_timer != NULL)
    return;
  gint64 delay = MIN ((expires - now) / 5 * 4, MAX_TOKEN_AGE);
  worker->token_timer = kube_clock_add_timeout (worker->node->clock, MAX (delay, 10 * G_USEC_PER_SEC), on_token_time, worker);
}

static void
on_token (GObject *object, GAsyncResult *result, gpointer data)
{
  TokenRequest *ask = data;
  KubePodWorker *worker = ask->worker;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (object), result, &error);
  KubeObject *token = response != NULL ? kube_response_get_object (response) : NULL;
  const char *text = token != NULL ? kube_object_get_string (token, "status.token") : NULL;

  worker->tokens_pending--;
  if (worker->gone != NULL && text != NULL) {
    g_hash_table_replace (worker->tokens, g_strdup (ask->key), g_strdup (text));
    note_expiry (worker, token);
  } else if (worker->gone != NULL && error != NULL) {
    worker->token_failed = TRUE;
    g_free (worker->failure);
    worker->failure = g_strdup_printf ("MountVolume.SetUp failed for volume \"%.*s\" : failed to fetch token: %s",
                                       (int) strcspn (ask->key, "/"), ask->key, error->message);
  }
  if (worker->gone != NULL && worker->tokens_pending == 0) {
    worker->busy = FALSE;
    kube_pod_worker_step (worker);
  }
  kube_pod_worker_unref (worker);
  g_free (ask->key);
  g_free (ask);
}

static void
ask_token (KubePodWorker *worker, const char *key, KubeValue *source)
{
  KubeObject *pod = worker->pod;
  const char *account = kube_object_get_string (pod, "spec.serviceAccountName"),
             *audience = kube_value_get_string (source, "audience");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "ServiceAccount"),
                                                      kube_object_get_namespace (pod), account != NULL ? account : "default");
  TokenRequest *ask = g_new0 (TokenRequest, 1);

  kube_node_set_string (root, "apiVersion", "authentication.k8s.io/v1");
  kube_node_set_string (root, "kind", "TokenRequest");
  if (audience != NULL && *audience != '\0')
    kube_node_append_string (kube_node_ensure_array (root, "spec.audiences"), audience);
  kube_node_set_integer (root, "spec.expirationSeconds", kube_value_get_integer (source, "expirationSeconds", 3600));
  kube_node_set_string (root, "spec.boundObjectRef.apiVersion", "v1");
  kube_node_set_string (root, "spec.boundObjectRef.kind", "Pod");
  kube_node_set_string (root, "spec.boundObjectRef.name", kube_object_get_name (pod));
  kube_node_set_string (root, "spec.boundObjectRef.uid", worker->uid);
  g_autoptr (KubeObject) body = kube_object_new_from_builder (builder);
  kube_request_set_subresource (request, "token");
  kube_request_set_object (request, body);
  ask->worker = kube_pod_worker_ref (worker);
  ask->key = g_strdup (key);
  worker->tokens_pending++;
  kube_client_send_async (worker->node->client, request, NULL, on_token, ask);
}

/* Asks for the tokens that are not there yet; FALSE: all are. */
gboolean
kube_pod_setup_ask_tokens (KubePodWorker *worker)
{
  KubeValue *volumes = kube_object_get (worker->pod, "spec.volumes");

  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i), *sources = kube_value_get (volume, "projected.sources");
    for (guint j = 0; j < kube_value_get_length (sources); j++) {
      KubeValue *source = kube_value_get (kube_value_get_element (sources, j), "serviceAccountToken");
      if (source == NULL)
        continue;
      g_autofree char *key = g_strdup_printf ("%s/%s", kube_value_get_string (volume, "name"),
                                              kube_value_get_string (source, "path"));
      if (!g_hash_table_contains (worker->tokens, key))
        ask_token (worker, key, source);
    }
  }
  return worker->tokens_pending > 0;
}

/* What a worker thread does for a pod. */
typedef struct {
  KubeVolumeSet *set; /* (nullable) */
  char *remove[2];    /* folders (nullable) */
  gboolean first;
} DiskJob;

static void
disk_job_free (gpointer data)
{
  DiskJob *job = data;

  g_clear_pointer (&job->set, kube_volume_set_free);
  g_free (job->remove[0]);
  g_free (job->remove[1]);
  g_free (job);
}

static void
run_disk_job (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  DiskJob *job = data;
  GError *error = NULL;
  gboolean good = job->set == NULL || kube_volume_set_apply (job->set, job->first, &error);

  if (job->remove[0] != NULL)
    kube_volumes_remove (job->remove[0]);
  if (job->remove[1] != NULL)
    kube_folder_remove (job->remove[1], NULL);
  if (good)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
push_disk_job (KubePodWorker *worker, DiskJob *job, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, kube_pod_worker_ref (worker));

  g_task_set_task_data (task, job, disk_job_free);
  g_task_run_in_thread (task, run_disk_job);
}

void
kube_pod_setup_remove_folders (KubePodWorker *worker, const char *volumes, const char *other, GAsyncReadyCallback callback)
{
  DiskJob *job = g_new0 (DiskJob, 1);

  job->remove[0] = g_strdup (volumes);
  job->remove[1] = g_strdup (other);
  push_disk_job (worker, job, callback);
}

static void
on_volumes (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;
  DiskJob *job = g_task_get_task_data (G_TASK (result));
  gboolean first = job->first;
  g_autoptr (GError) error = NULL;
  gboolean good = g_task_propagate_boolean (G_TASK (result), &error);

  worker->busy = FALSE;
  if (worker->gone == NULL) {
    kube_pod_worker_unref (worker);
    return;
  }
  if (!good && worker->state <= KUBE_WORKER_RUNNING)
    kube_pod_worker_retry (worker, "FailedMount", error->message);
  else if (first && worker->state == KUBE_WORKER_VOLUMES)
    worker->state = KUBE_WORKER_SANDBOX;
  if (good || worker->state > KUBE_WORKER_RUNNING)
    kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
}

void
kube_pod_setup_apply_volumes (KubePodWorker *worker, gboolean first)
{
  g_autoptr (GError) error = NULL;
  KubeVolumeSet *set = kube_volume_set_new (worker->node, worker->pod, worker->tokens, &error);
  DiskJob *job;

  worker->volumes_dirty = FALSE;
  if (set == NULL) {
    kube_pod_worker_retry (worker, "FailedMount", error->message);
    return;
  }
  if (kube_volume_set_is_empty (set)) { /* a folder: not worth a thread's turn */
    gboolean good = kube_volume_set_apply (set, first, &error);
    kube_volume_set_free (set);
    if (!good)
      kube_pod_worker_retry (worker, "FailedMount", error->message);
    else if (first)
      worker->state = KUBE_WORKER_SANDBOX;
    return;
  }
  job = g_new0 (DiskJob, 1);
  job->set = set;
  job->first = first;
  worker->busy = first;
  push_disk_job (worker, job, on_volumes);
}

static void
write_pod_file (KubePodWorker *worker, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (worker->folder, name, NULL);
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error))
    kube_warning ("%s", error->message);
}

/* Files that every container shares. They are bound into containers: what is there already stays the same file. */
static void
write_files (KubePodWorker *worker)
{
  g_autofree char *hosts_path = g_build_filename (worker->folder, "etc-hosts", NULL);
  const char *const *ips = (const char *const *) worker->ips;

  if (worker->simulated || g_file_test (hosts_path, G_FILE_TEST_EXISTS))
    return;
  g_mkdir_with_parents (worker->folder, 0755);
  g_autofree char *hosts = kube_pod_make_hosts (worker->node, worker->pod, ips);
  g_autofree char *resolver = kube_pod_make_resolv_conf (worker->node, worker->pod);
  g_autofree char *hostname = kube_object_get_boolean (worker->pod, "spec.hostNetwork", FALSE) ? g_strdup (g_get_host_name ())
                                                                                               : kube_pod_hostname (worker->pod);
  g_autofree char *line = g_strconcat (hostname, "\n", NULL);
  write_pod_file (worker, "resolv.conf", resolver);
  write_pod_file (worker, "hostname", line);
  write_pod_file (worker, "etc-hosts", hosts);
}

static void
enter_running (KubePodWorker *worker, GStrv ips)
{
  g_strfreev (worker->ips);
  worker->ips = ips;
  worker->retry_delay = 0;
  g_clear_pointer (&worker->failure, g_free);
  write_files (worker);
  if (worker->state == KUBE_WORKER_NETWORK)
    worker->state = KUBE_WORKER_RUNNING;
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->step == KUBE_STEP_RUNNING) /* adopted: its probes begin */
      kube_pod_container_changed (container);
  }
}

static void
on_attached (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;
  g_autoptr (GError) error = NULL;
  GStrv ips = kube_network_attach_finish (KUBE_NETWORK (object), result, &error);

  worker->busy = FALSE;
  if (worker->gone == NULL)
    g_strfreev (ips);
  else if (ips == NULL) {
    g_autofree char *message = g_strdup_printf ("Failed to create pod sandbox: failed to set up pod network: %s", error->message);
    kube_pod_worker_retry (worker, "FailedCreatePodSandBox", message);
  } else {
    enter_running (worker, ips);
    kube_pod_worker_step (worker);
  }
  kube_pod_worker_unref (worker);
}

void
kube_pod_setup_attach_network (KubePodWorker *worker)
{
  KubeNodeContext *node = worker->node;
  g_autofree char *netns = kube_runtime_dup_netns (node->runtime, worker->uid);

  if (netns == NULL) {
    GStrv ips = g_new0 (char *, 2);
    ips[0] = g_strdup (node->node_ip);
    enter_running (worker, ips);
    return;
  }
  worker->busy = TRUE;
  kube_network_attach_async (node->network, worker->uid, netns, NULL, on_attached, kube_pod_worker_ref (worker));
}

/* New namespaces: what ran in older ones has ended with them, and runs again from the beginning. */
static void
forget_old_instances (KubePodWorker *worker)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->role == KUBE_ROLE_MAIN || container->info == NULL)
      continue;
    container->restarts++;
    g_clear_pointer (&container->last, kube_container_free);
    container->last = g_steal_pointer (&container->info);
    container->step = KUBE_STEP_WAITING;
  }
}

static void
on_sandbox (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;
  g_autoptr (GError) error = NULL;
  gboolean good = kube_runtime_start_pod_finish (KUBE_RUNTIME (object), result, &error);

  worker->busy = FALSE;
  if (worker->gone != NULL && !good) {
    g_autofree char *message = g_strdup_printf ("Failed to create pod sandbox: %s", error->message);
    kube_pod_worker_retry (worker, "FailedCreatePodSandBox", message);
  } else if (worker->gone != NULL) {
    if (worker->state == KUBE_WORKER_SANDBOX)
      worker->state = KUBE_WORKER_NETWORK;
    kube_pod_worker_step (worker);
  }
  kube_pod_worker_unref (worker);
}

void
kube_pod_setup_start_sandbox (KubePodWorker *worker)
{
  g_autoptr (KubeValue) config = NULL;

  if (kube_runtime_has_pod (worker->node->runtime, worker->uid)) {
    worker->state = KUBE_WORKER_NETWORK;
    return;
  }
  forget_old_instances (worker);
  config = kube_pod_config_make (worker);
  worker->busy = TRUE;
  kube_runtime_start_pod_async (worker->node->runtime, config, on_sandbox, kube_pod_worker_ref (worker));
}
