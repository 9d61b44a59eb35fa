/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-pod-worker-private.h"

#include "kube-node-admission.h"
#include "kube-pod-resize.h"
#include "runtime/kube-container-log.h"
#include "volume/kube-volume.h"
#include "kube-source.h"

#include <errno.h>
#include <kube/kube-time.h>
#include <stdio.h>
#include <string.h>

/* kubelet's containerLogMaxSize and containerLogMaxFiles */
#define MAX_LOG_SIZE (10 * 1024 * 1024)
#define MAX_LOG_FILES 5
#define RETRY_FIRST (500 * 1000)
#define RETRY_LONGEST (120 * (gint64) G_USEC_PER_SEC)

KubePodWorker *
kube_pod_worker_ref (KubePodWorker *worker)
{
  worker->references++;
  return worker;
}

void
kube_pod_worker_unref (KubePodWorker *worker)
{
  if (--worker->references > 0)
    return;
  g_ptr_array_unref (worker->containers);
  g_hash_table_unref (worker->tokens);
  kube_object_unref (worker->pod);
  kube_object_unref (worker->wanted);
  kube_pod_allocation_free (worker->allocation);
  kube_pod_resize_clear (worker);
  g_clear_pointer (&worker->sent, kube_value_unref);
  g_strfreev (worker->ips);
  g_free (worker->uid);
  g_free (worker->folder);
  g_free (worker->end_reason);
  g_free (worker->end_message);
  g_free (worker->failure);
  g_free (worker);
}

static void
release_one (const char *kind, const char *name, gpointer data)
{
  KubePodWorker *worker = data;

  kube_object_sources_release (worker->node->sources, kind, kube_object_get_namespace (worker->pod), name);
}

static void
hold_one (const char *kind, const char *name, gpointer data)
{
  KubePodWorker *worker = data;

  kube_object_sources_hold (worker->node->sources, kind, kube_object_get_namespace (worker->pod), name);
}

static gboolean
holds_sources (KubePodWorker *worker)
{
  return worker->state > KUBE_WORKER_NEW && worker->state < KUBE_WORKER_FINISHED && !worker->simulated && !worker->rejected;
}

void
kube_pod_worker_release_sources (KubePodWorker *worker)
{
  if (holds_sources (worker))
    kube_pod_foreach_reference (worker->pod, release_one, worker);
}

/* Sources that point at it go; steps under way keep it until they end, and then find it without an owner. */
void
kube_pod_worker_free (KubePodWorker *worker)
{
  GSource **sources[] = { &worker->retry_timer, &worker->deadline_timer, &worker->token_timer, &worker->status_timer,
                          &worker->resize_timer };

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    kube_clear_source (sources[i]);
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    kube_clear_source (&container->timer);
    for (gsize j = 0; j < G_N_ELEMENTS (container->probers); j++)
      g_clear_pointer (&container->probers[j], kube_prober_free);
    g_clear_pointer (&container->hook, kube_handler_cancel);
  }
  kube_pod_worker_release_sources (worker);
  worker->gone = NULL;
  worker->state = KUBE_WORKER_GONE;
  kube_pod_worker_unref (worker);
}

const char *
kube_pod_worker_get_uid (KubePodWorker *worker)
{
  return worker->uid;
}

KubeObject *
kube_pod_worker_get_pod (KubePodWorker *worker)
{
  return worker->pod;
}

gboolean
kube_pod_worker_is_active (KubePodWorker *worker)
{
  return worker->state < KUBE_WORKER_FINISHED;
}

char *
kube_pod_worker_format (KubePodWorker *worker)
{
  return g_strdup_printf ("%s_%s(%s)", kube_object_get_name (worker->pod), kube_object_get_namespace (worker->pod), worker->uid);
}

gint64
kube_pod_worker_get_grace (KubePodWorker *worker)
{
  return kube_object_get_integer (worker->pod, "spec.terminationGracePeriodSeconds", 30);
}

gint64
kube_pod_worker_after (KubePodWorker *worker, gint64 seconds)
{
  return kube_clock_get_monotonic_time (worker->node->clock) + seconds * G_USEC_PER_SEC;
}

void
kube_pod_worker_event (KubePodWorker *worker, KubePodContainer *container, const char *type, const char *reason,
                       const char *format, ...)
{
  static const char *const lists[] = { "initContainers", "initContainers", "containers", "ephemeralContainers" };
  g_autofree char *message = NULL;
  g_autofree char *path = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  if (container != NULL)
    path = g_strdup_printf ("spec.%s{%s}", lists[container->role], container->name);
  kube_info (3, "pod %s/%s %s: %s", kube_object_get_namespace (worker->pod), kube_object_get_name (worker->pod), reason, message);
  if (worker->node->recorder != NULL && !worker->removed)
    kube_event_recorder_record (worker->node->recorder, worker->pod, path, type, reason, message);
}

static void
add_container (KubePodWorker *worker, KubeValue *spec, KubeRole role)
{
  KubePodContainer *container = g_new0 (KubePodContainer, 1);
  gboolean always = g_strcmp0 (kube_value_get_string (spec, "restartPolicy"), "Always") == 0;

  container->worker = worker;
  container->volume_images = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_image_unref);
  container->spec = kube_value_ref (spec);
  container->name = kube_value_get_string (spec, "name");
  container->role = role == KUBE_ROLE_INIT && always ? KUBE_ROLE_SIDECAR : role;
  g_ptr_array_add (worker->containers, container);
}

static void
add_containers (KubePodWorker *worker, const char *path, KubeRole role)
{
  KubeValue *list = kube_object_get (worker->pod, path);

  for (guint i = 0; i < kube_value_get_length (list); i++)
    add_container (worker, kube_value_get_element (list, i), role);
}

KubePodWorker *
kube_pod_worker_new (KubeNodeContext *node, KubeObject *pod, KubePodWorkerFunc gone, gpointer user_data)
{
  KubePodWorker *worker = g_new0 (KubePodWorker, 1);
  const char *version = kube_object_get_resource_version (pod), *start = kube_object_get_string (pod, "status.startTime");
  g_autofree char *path = NULL;

  worker->references = 1;
  worker->node = node;
  worker->uid = g_strdup (kube_object_get_uid (pod));
  worker->folder = node->pods_dir != NULL ? g_build_filename (node->pods_dir, worker->uid, NULL) : NULL;
  path = worker->folder != NULL ? g_build_filename (worker->folder, "allocation.json", NULL) : NULL;
  worker->allocation = kube_pod_allocation_new (path, pod);
  worker->wanted = kube_object_ref (pod);
  worker->pod = kube_pod_allocation_apply (worker->allocation, pod);
  worker->gone = gone;
  worker->user_data = user_data;
  worker->simulated = node->images == NULL;
  worker->containers = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_pod_container_free);
  worker->tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  worker->revision = version != NULL ? g_ascii_strtoull (version, NULL, 10) : 0;
  worker->sent = kube_object_get (pod, "status") != NULL ? kube_value_ref (kube_object_get (pod, "status")) : NULL;
  if (start == NULL || !kube_time_parse (start, &worker->start_time, NULL))
    worker->start_time = kube_clock_get_time (node->clock);
  add_containers (worker, "spec.initContainers", KUBE_ROLE_INIT);
  add_containers (worker, "spec.containers", KUBE_ROLE_MAIN);
  add_containers (worker, "spec.ephemeralContainers", KUBE_ROLE_EPHEMERAL);
  return worker;
}

static gboolean
on_retry (gpointer data)
{
  KubePodWorker *worker = kube_pod_worker_ref (data);

  g_clear_pointer (&worker->retry_timer, g_source_unref);
  kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
  return G_SOURCE_REMOVE;
}

void
kube_pod_worker_retry_later (KubePodWorker *worker, gint64 delay)
{
  kube_clear_source (&worker->retry_timer);
  worker->retry_timer = kube_clock_add_timeout (worker->node->clock, delay, on_retry, worker);
}

/* A step towards running failed: an event says so, and it is tried again later and later. */
void
kube_pod_worker_retry (KubePodWorker *worker, const char *reason, const char *message)
{
  if (g_strcmp0 (worker->failure, message) != 0 || worker->retry_delay >= 8 * RETRY_FIRST)
    kube_pod_worker_event (worker, NULL, "Warning", reason, "%s", message);
  g_free (worker->failure);
  worker->failure = g_strdup (message);
  worker->retry_delay = worker->retry_delay == 0 ? RETRY_FIRST : MIN (worker->retry_delay * 2, RETRY_LONGEST);
  kube_pod_worker_retry_later (worker, worker->retry_delay);
  worker->patch_again = TRUE;
  kube_pod_status_update (worker);
}

static void
end (KubePodWorker *worker, const char *phase, const char *reason, const char *message, gint64 grace)
{
  gint64 at = kube_clock_get_monotonic_time (worker->node->clock) + grace;

  if (worker->end_phase == NULL && phase != NULL) {
    worker->end_phase = phase;
    worker->end_reason = g_strdup (reason);
    worker->end_message = g_strdup (message);
  }
  if (worker->state < KUBE_WORKER_KILLING || at < worker->kill_at)
    worker->kill_at = at;
}

static gboolean
on_deadline (gpointer data)
{
  KubePodWorker *worker = kube_pod_worker_ref (data);

  g_clear_pointer (&worker->deadline_timer, g_source_unref);
  if (worker->state < KUBE_WORKER_KILLING) {
    kube_pod_worker_event (worker, NULL, "Normal", "DeadlineExceeded",
                           "Pod was active on the node longer than the specified deadline");
    end (worker, "Failed", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline",
         kube_pod_worker_get_grace (worker) * G_USEC_PER_SEC);
    kube_pod_worker_step (worker);
  }
  kube_pod_worker_unref (worker);
  return G_SOURCE_REMOVE;
}

static void
set_deadline (KubePodWorker *worker)
{
  gint64 seconds = kube_object_get_integer (worker->pod, "spec.activeDeadlineSeconds", -1);

  kube_clear_source (&worker->deadline_timer);
  if (seconds < 0 || worker->state >= KUBE_WORKER_KILLING)
    return;
  gint64 left = worker->start_time + seconds * G_USEC_PER_SEC - kube_clock_get_time (worker->node->clock);
  worker->deadline_timer = kube_clock_add_timeout (worker->node->clock, MAX (left, 0), on_deadline, worker);
}

static gboolean
has_ended (KubeObject *pod)
{
  const char *phase = kube_object_get_string (pod, "status.phase");

  return g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0;
}

static void update_specs (KubePodWorker *worker);

static void
enter (KubePodWorker *worker)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    kube_pod_container_adopt (container);
    worker->adopted = worker->adopted || container->info != NULL;
  }
  if (has_ended (worker->pod)) {
    const char *phase = kube_object_get_string (worker->pod, "status.phase");
    worker->end_phase = g_str_equal (phase, "Failed") ? "Failed" : "Succeeded";
    worker->end_reason = g_strdup (kube_object_get_string (worker->pod, "status.reason"));
    worker->end_message = g_strdup (kube_object_get_string (worker->pod, "status.message"));
    worker->settled = TRUE;
    worker->state = KUBE_WORKER_FINISHED;
    return;
  }
  worker->state = KUBE_WORKER_SOURCES;
  kube_pod_allocation_grant (worker->allocation, worker->pod);
  kube_pod_resize_init (worker);
  if (kube_pod_resize_ask (worker))
    update_specs (worker);
  set_deadline (worker);
  if (!worker->simulated)
    kube_pod_foreach_reference (worker->pod, hold_one, worker);
}

static gboolean
wants_restart (KubePodContainer *container)
{
  const char *policy = kube_value_get_string (container->spec, "restartPolicy");

  if (container->role == KUBE_ROLE_SIDECAR || container->restart_now)
    return TRUE;
  if (policy == NULL)
    policy = kube_object_get_string (container->worker->pod, "spec.restartPolicy");
  if (container->role == KUBE_ROLE_INIT)
    return g_strcmp0 (policy, "Never") != 0 && container->info->exit_code != 0;
  return policy == NULL || g_str_equal (policy, "Always") ||
         (g_str_equal (policy, "OnFailure") && container->info->exit_code != 0);
}

/* Has it run where it shall; FALSE: it has ended for good. */
static gboolean
keep_running (KubePodContainer *container)
{
  if (container->step == KUBE_STEP_WAITING && container->timer == NULL)
    kube_pod_container_begin (container);
  else if (container->step == KUBE_STEP_EXITED) {
    if (!wants_restart (container))
      return FALSE;
    if (kube_pod_container_may_restart (container))
      kube_pod_container_begin (container);
  }
  return TRUE;
}

gboolean
kube_pod_worker_has_main_begun (KubePodWorker *worker)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->role == KUBE_ROLE_MAIN && (container->info != NULL || container->last != NULL))
      return TRUE;
  }
  return FALSE;
}

/* The containers after one with a postStart hook begin when that has ended: what they need may be made by it. */
static gboolean
holds_others_back (KubePodContainer *container)
{
  return !container->worker->simulated && (container->step == KUBE_STEP_BUSY || container->step == KUBE_STEP_HOOK) &&
         kube_value_get (container->spec, "lifecycle.postStart") != NULL;
}

/* They run whatever the others do, once. */
static void
start_ephemeral_containers (KubePodWorker *worker)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->role == KUBE_ROLE_EPHEMERAL && container->step == KUBE_STEP_WAITING && container->timer == NULL)
      kube_pod_container_begin (container);
  }
}

/* Init containers one after the other, sidecars among them, then all the others at once; ends the pod when there is nothing left to run. */
static void
sync_containers (KubePodWorker *worker)
{
  gboolean main_begun = kube_pod_worker_has_main_begun (worker), any = FALSE, failed = FALSE;

  start_ephemeral_containers (worker);
  for (guint i = 0; i < worker->containers->len && worker->state == KUBE_WORKER_RUNNING; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    switch (container->role) {
    case KUBE_ROLE_INIT:
      if (main_begun || kube_pod_container_has_succeeded (container))
        continue;
      if (keep_running (container))
        return;
      end (worker, "Failed", NULL, NULL, kube_pod_worker_get_grace (worker) * G_USEC_PER_SEC);
      worker->state = KUBE_WORKER_KILLING;
      return;
    case KUBE_ROLE_SIDECAR:
      keep_running (container);
      if (!main_begun && !container->started)
        return;
      continue;
    case KUBE_ROLE_MAIN:
      if (keep_running (container))
        any = TRUE;
      else
        failed = failed || container->info->exit_code != 0;
      if (holds_others_back (container))
        return;
      continue;
    case KUBE_ROLE_EPHEMERAL:
      continue;
    }
  }
  if (any || worker->state != KUBE_WORKER_RUNNING)
    return;
  end (worker, failed ? "Failed" : "Succeeded", NULL, NULL, kube_pod_worker_get_grace (worker) * G_USEC_PER_SEC);
  worker->state = KUBE_WORKER_KILLING;
}

/* Stops what runs: sidecars after all others, the last started first. TRUE: nothing runs. */
static gboolean
stop_containers (KubePodWorker *worker)
{
  gboolean alive = FALSE;

  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->timer != NULL)
      kube_clear_source (&container->timer);
    if (!kube_pod_container_is_alive (container) || container->role == KUBE_ROLE_SIDECAR)
      continue;
    kube_pod_container_stop (container, worker->kill_at, NULL);
    alive = TRUE;
  }
  for (guint i = worker->containers->len; i-- > 0 && !alive;) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->role != KUBE_ROLE_SIDECAR || !kube_pod_container_is_alive (container))
      continue;
    kube_pod_container_stop (container, worker->kill_at, NULL);
    alive = TRUE;
  }
  return !alive;
}

static gboolean
is_deleting (KubePodWorker *worker)
{
  return worker->removed || kube_object_is_deleting (worker->pod);
}

/* One step of the machine; TRUE: go on with the next. */
static gboolean
advance (KubePodWorker *worker)
{
  KubeWorkerState before = worker->state;

  switch (worker->state) {
  case KUBE_WORKER_NEW:
    enter (worker);
    break;
  case KUBE_WORKER_SOURCES:
    if (kube_pod_setup_is_supplied (worker))
      worker->state = worker->simulated ? KUBE_WORKER_SANDBOX : KUBE_WORKER_TOKENS;
    break;
  case KUBE_WORKER_TOKENS:
    if (worker->token_failed) {
      g_autofree char *message = g_steal_pointer (&worker->failure);
      worker->token_failed = FALSE;
      kube_pod_worker_retry (worker, "FailedMount", message);
      break;
    }
    worker->busy = kube_pod_setup_ask_tokens (worker);
    if (!worker->busy)
      worker->state = KUBE_WORKER_VOLUMES;
    break;
  case KUBE_WORKER_VOLUMES:
    kube_pod_setup_apply_volumes (worker, TRUE);
    break;
  case KUBE_WORKER_SANDBOX:
    kube_pod_setup_start_sandbox (worker);
    break;
  case KUBE_WORKER_NETWORK:
    kube_pod_setup_attach_network (worker);
    break;
  case KUBE_WORKER_RUNNING:
    sync_containers (worker);
    break;
  case KUBE_WORKER_KILLING:
    if (stop_containers (worker))
      worker->state = KUBE_WORKER_TEARDOWN;
    break;
  case KUBE_WORKER_TEARDOWN:
    kube_pod_teardown_begin (worker);
    break;
  case KUBE_WORKER_FINISHED:
    if (worker->removed || (is_deleting (worker) && kube_pod_status_is_current (worker)))
      worker->state = KUBE_WORKER_REMOVING;
    break;
  case KUBE_WORKER_REMOVING:
    kube_pod_teardown_remove (worker);
    break;
  case KUBE_WORKER_DELETING:
    if (worker->removed)
      worker->state = KUBE_WORKER_GONE;
    else
      kube_pod_teardown_delete (worker);
    break;
  case KUBE_WORKER_GONE:
    break;
  }
  return worker->state != before && !worker->busy;
}

/* What interrupts a pod that is on its way: its deletion, or its end by a deadline. */
static void
check_end (KubePodWorker *worker)
{
  if (worker->state >= KUBE_WORKER_KILLING || worker->state == KUBE_WORKER_NEW)
    return;
  if (is_deleting (worker)) {
    gint64 grace = kube_object_get_integer (worker->pod, "metadata.deletionGracePeriodSeconds",
                                            kube_pod_worker_get_grace (worker));
    end (worker, NULL, NULL, NULL, MAX (worker->removed ? 0 : grace, 1) * G_USEC_PER_SEC);
  }
  if ((is_deleting (worker) || worker->end_phase != NULL) && !worker->busy) {
    kube_clear_source (&worker->retry_timer);
    worker->state = KUBE_WORKER_KILLING;
  }
}

void
kube_pod_worker_step (KubePodWorker *worker)
{
  gboolean again = TRUE, was_active = kube_pod_worker_is_active (worker);

  if (worker->gone == NULL)
    return;
  kube_pod_worker_ref (worker);
  while (again && worker->gone != NULL) {
    check_end (worker);
    /* KILLING and RUNNING have no step of their own under way: containers have */
    if (worker->busy || worker->retry_timer != NULL)
      break;
    again = advance (worker);
  }
  if (worker->state == KUBE_WORKER_RUNNING && worker->volumes_dirty && !worker->simulated && worker->gone != NULL) {
    worker->volumes_dirty = kube_pod_setup_ask_tokens (worker);
    if (!worker->volumes_dirty)
      kube_pod_setup_apply_volumes (worker, FALSE);
  }
  if (worker->gone != NULL)
    kube_pod_resize_step (worker);
  if (was_active && !kube_pod_worker_is_active (worker))
    kube_node_admission_retry (worker->node->admission);
  if (worker->gone != NULL && worker->state == KUBE_WORKER_GONE) {
    KubePodWorkerFunc gone = worker->gone;
    gone (worker, worker->user_data);
  } else
    kube_pod_status_update (worker);
  kube_pod_worker_unref (worker);
}

/* An image was changed in place: the container is ended, and begins anew with it. */
static void
update_spec (KubePodContainer *container, KubeValue *spec)
{
  KubePodWorker *worker = container->worker;
  gboolean changed = g_strcmp0 (kube_value_get_string (spec, "image"), kube_value_get_string (container->spec, "image")) != 0;

  kube_value_ref (spec);
  kube_value_unref (container->spec);
  container->spec = spec;
  container->name = kube_value_get_string (spec, "name");
  if (changed && kube_pod_container_is_alive (container)) {
    g_autofree char *message = g_strdup_printf ("Container %s definition changed, will be restarted", container->name);
    container->restart_now = TRUE;
    kube_pod_container_stop (container, kube_pod_worker_after (worker, kube_pod_worker_get_grace (worker)), message);
  } else if (changed && container->step == KUBE_STEP_WAITING)
    kube_clear_source (&container->timer);
}

static KubePodContainer *
find_container (KubePodWorker *worker, const char *name)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (g_strcmp0 (container->name, name) == 0)
      return container;
  }
  return NULL;
}

/* Of the lists only that of ephemeral containers grows; where in it a new one stands is up to who adds it. */
static void
update_specs (KubePodWorker *worker)
{
  static const char *const lists[] = { "spec.initContainers", "spec.containers", "spec.ephemeralContainers" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = kube_object_get (worker->pod, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      KubeValue *spec = kube_value_get_element (list, i);
      KubePodContainer *container = find_container (worker, kube_value_get_string (spec, "name"));
      if (container != NULL)
        update_spec (container, spec);
      else
        add_container (worker, spec, KUBE_ROLE_EPHEMERAL);
    }
  }
}

static void
set_pod (KubePodWorker *worker, KubeObject *pod)
{
  kube_object_ref (pod);
  kube_object_unref (worker->wanted);
  kube_object_unref (worker->pod);
  worker->wanted = pod;
  worker->pod = kube_pod_allocation_apply (worker->allocation, pod);
}

gint64
kube_pod_worker_waits_since (KubePodWorker *worker)
{
  return worker->state < KUBE_WORKER_KILLING ? worker->pending.since : 0;
}

gboolean
kube_pod_worker_wants_more (KubePodWorker *worker)
{
  return kube_pod_sum_requests (worker->wanted, "cpu") > kube_pod_sum_requests (worker->pod, "cpu") ||
         kube_pod_sum_requests (worker->wanted, "memory") > kube_pod_sum_requests (worker->pod, "memory");
}

void
kube_pod_worker_ask_again (KubePodWorker *worker)
{
  if (kube_pod_worker_waits_since (worker) == 0 || !kube_pod_resize_ask (worker))
    return;
  update_specs (worker);
  kube_pod_worker_step (worker);
}

static void
poke_container (KubePodContainer *container)
{
  /* what it lacked may be there now */
  if (container->step == KUBE_STEP_WAITING && g_strcmp0 (container->reason, "CreateContainerConfigError") == 0)
    kube_clear_source (&container->timer);
}

void
kube_pod_worker_update (KubePodWorker *worker, KubeObject *pod)
{
  const char *version = kube_object_get_resource_version (pod);
  guint64 revision = version != NULL ? g_ascii_strtoull (version, NULL, 10) : 0;
  gboolean metadata = !kube_value_equal (kube_object_get (pod, "metadata.labels"),
                                         kube_object_get (worker->pod, "metadata.labels")) ||
                      !kube_value_equal (kube_object_get (pod, "metadata.annotations"),
                                         kube_object_get (worker->pod, "metadata.annotations"));

  if (holds_sources (worker)) {
    kube_pod_foreach_reference (pod, hold_one, worker);
    kube_pod_foreach_reference (worker->pod, release_one, worker);
  }
  set_pod (worker, pod);
  if (revision >= worker->revision && !worker->patching) {
    worker->revision = revision;
    g_clear_pointer (&worker->sent, kube_value_unref);
    worker->sent = kube_object_get (pod, "status") != NULL ? kube_value_ref (kube_object_get (pod, "status")) : NULL;
  }
  if (worker->state < KUBE_WORKER_KILLING && worker->state > KUBE_WORKER_NEW) {
    kube_pod_resize_ask (worker);
    update_specs (worker);
    set_deadline (worker);
    for (guint i = 0; metadata && i < worker->containers->len; i++)
      poke_container (worker->containers->pdata[i]);
  }
  worker->volumes_dirty = worker->volumes_dirty || (metadata && worker->state == KUBE_WORKER_RUNNING);
  /* a shorter grace than before */
  if (worker->state == KUBE_WORKER_KILLING && kube_object_is_deleting (pod))
    end (worker, NULL, NULL, NULL,
         MAX (kube_object_get_integer (pod, "metadata.deletionGracePeriodSeconds", 30), 1) * G_USEC_PER_SEC);
  kube_pod_worker_step (worker);
}

void
kube_pod_worker_remove (KubePodWorker *worker)
{
  worker->removed = TRUE;
  worker->busy = worker->busy && worker->state != KUBE_WORKER_DELETING;
  if (worker->state == KUBE_WORKER_KILLING)
    end (worker, NULL, NULL, NULL, 1 * G_USEC_PER_SEC);
  kube_pod_worker_step (worker);
}

void
kube_pod_worker_container_changed (KubePodWorker *worker, const char *id)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->info != NULL && g_str_equal (container->info->id, id)) {
      kube_pod_container_changed (container);
      return;
    }
  }
}

typedef struct {
  const char *kind, *name;
  gboolean found;
} Match;

static void
match_one (const char *kind, const char *name, gpointer data)
{
  Match *match = data;

  match->found = match->found || (g_str_equal (kind, match->kind) && g_str_equal (name, match->name));
}

void
kube_pod_worker_source_changed (KubePodWorker *worker, const char *kind, const char *namespace_, const char *name)
{
  Match match = { kind, name, FALSE };

  if (worker->simulated || worker->state >= KUBE_WORKER_KILLING ||
      g_strcmp0 (namespace_, kube_object_get_namespace (worker->pod)) != 0)
    return;
  kube_pod_foreach_reference (worker->pod, match_one, &match);
  if (!match.found)
    return;
  worker->volumes_dirty = worker->state == KUBE_WORKER_RUNNING;
  for (guint i = 0; i < worker->containers->len; i++)
    poke_container (worker->containers->pdata[i]);
  if (worker->state == KUBE_WORKER_VOLUMES && !worker->busy)
    kube_clear_source (&worker->retry_timer);
  kube_pod_worker_step (worker);
}

void
kube_pod_worker_poke (KubePodWorker *worker)
{
  kube_pod_worker_step (worker);
}

void
kube_pod_worker_reject (KubePodWorker *worker, const char *reason, const char *message)
{
  kube_pod_worker_event (worker, NULL, "Warning", reason, "%s", message);
  worker->end_phase = "Failed";
  worker->end_reason = g_strdup (reason);
  worker->end_message = g_strdup (message);
  worker->rejected = TRUE;
  worker->state = KUBE_WORKER_FINISHED;
  kube_pod_worker_step (worker);
}

void
kube_pod_worker_rotate_logs (KubePodWorker *worker)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    const char *path = container->info != NULL ? kube_value_get_string (container->info->config, "logPath") : NULL;
    g_autofree char *moved = NULL;

    if (path != NULL && container->info->state == KUBE_CONTAINER_RUNNING)
      moved = kube_container_log_rotate (path, MAX_LOG_SIZE, MAX_LOG_FILES);
    /* it ends just now: its log keeps its name */
    if (moved != NULL && !kube_runtime_reopen_log (worker->node->runtime, container->info->id) && rename (moved, path) < 0)
      kube_warning ("%s: the log is not put back: %s", path, g_strerror (errno));
  }
}

static KubePodContainer *
require_container (KubePodWorker *worker, const char *name, GError **error)
{
  KubePodContainer *container = find_container (worker, name);

  if (container == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "container \"%s\" in pod \"%s\" is not available",
                 name != NULL ? name : "", kube_object_get_name (worker->pod));
  return container;
}

char *
kube_pod_worker_find_log (KubePodWorker *worker, const char *name, gboolean previous, GError **error)
{
  KubePodContainer *container = require_container (worker, name, error);
  const char *pod = kube_object_get_name (worker->pod);

  if (container == NULL)
    return NULL;
  /* while it waits to begin again, the instance that ended last is both the present and the previous one */
  gboolean waits = container->step == KUBE_STEP_EXITED && g_strcmp0 (container->reason, "CrashLoopBackOff") == 0;
  KubeContainer *info = previous && !waits ? container->last : container->info != NULL ? container->info : container->last;
  if (info != NULL)
    return g_strdup (info->id);
  if (previous)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "previous terminated container \"%s\" in pod \"%s\" not found", name,
                 pod);
  else if (g_strcmp0 (container->reason, "ErrImagePull") == 0)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                 "container \"%s\" in pod \"%s\" is waiting to start: image can't be pulled", name, pod);
  else if (g_strcmp0 (container->reason, "ImagePullBackOff") == 0)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                 "container \"%s\" in pod \"%s\" is waiting to start: trying and failing to pull image", name, pod);
  else
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "container \"%s\" in pod \"%s\" is waiting to start: %s", name, pod,
                 container->reason != NULL ? container->reason
                 : container->role >= KUBE_ROLE_MAIN &&
                     ((KubePodContainer *) worker->containers->pdata[0])->role < KUBE_ROLE_MAIN
                   ? "PodInitializing"
                   : "ContainerCreating");
  return NULL;
}

char *
kube_pod_worker_find_running (KubePodWorker *worker, const char *name, GError **error)
{
  KubePodContainer *container = find_container (worker, name);

  if (container != NULL && container->info != NULL && container->info->state == KUBE_CONTAINER_RUNNING)
    return g_strdup (container->info->id);
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "container not found (\"%s\")", name != NULL ? name : "");
  return NULL;
}
