/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-pod-worker-private.h"

#include "image/kube-image-private.h"
#include "kube-pod-env.h"
#include "runtime/kube-container-log.h"
#include "kube-source.h"

#include <string.h>

#define BACKOFF_FIRST (10 * (gint64) G_USEC_PER_SEC)
#define BACKOFF_LONGEST (300 * (gint64) G_USEC_PER_SEC)
#define BACKOFF_RESET (600 * (gint64) G_USEC_PER_SEC)
#define RETRY_DELAY (10 * (gint64) G_USEC_PER_SEC)
#define PULL_ERROR_SHOWN (2 * (gint64) G_USEC_PER_SEC)
#define LEAST_GRACE (2 * (gint64) G_USEC_PER_SEC) /* after a preStop hook that took all the time */
#define MAX_MESSAGE 4096
#define MAX_LOG_MESSAGE 2048
#define MAX_LOG_LINES 80

/* What an asynchronous step holds. */
typedef struct {
  KubePodWorker *worker;
  KubePodContainer *container;
  KubeImage *image;
  char *id;
} Step;

static Step *
step_new (KubePodContainer *container, KubeImage *image, const char *id)
{
  Step *step = g_new0 (Step, 1);

  step->worker = kube_pod_worker_ref (container->worker);
  step->container = container;
  step->image = image != NULL ? kube_image_ref (image) : NULL;
  step->id = g_strdup (id);
  return step;
}

static void
step_free (Step *step)
{
  kube_pod_worker_unref (step->worker);
  g_clear_pointer (&step->image, kube_image_unref);
  g_free (step->id);
  g_free (step);
}

static void
stop_probes (KubePodContainer *container)
{
  for (gsize i = 0; i < G_N_ELEMENTS (container->probers); i++)
    g_clear_pointer (&container->probers[i], kube_prober_free);
  g_clear_pointer (&container->hook, kube_handler_cancel);
}

void
kube_pod_container_free (KubePodContainer *container)
{
  kube_clear_source (&container->timer);
  stop_probes (container);
  g_clear_pointer (&container->info, kube_container_free);
  g_clear_pointer (&container->last, kube_container_free);
  g_clear_pointer (&container->user, kube_value_unref);
  g_ptr_array_unref (container->volume_images);
  kube_value_unref (container->spec);
  g_free (container->message);
  g_free (container->image_name);
  g_free (container->image_id);
  g_free (container->pull_error);
  g_free (container);
}

gboolean
kube_pod_container_is_alive (KubePodContainer *container)
{
  return container->step != KUBE_STEP_WAITING && container->step != KUBE_STEP_EXITED;
}

gboolean
kube_pod_container_has_succeeded (KubePodContainer *container)
{
  return container->step == KUBE_STEP_EXITED && container->info != NULL && container->info->exit_code == 0;
}

static gboolean
on_timer (gpointer data)
{
  KubePodContainer *container = data;
  KubePodWorker *worker = kube_pod_worker_ref (container->worker);

  g_clear_pointer (&container->timer, g_source_unref);
  kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
  return G_SOURCE_REMOVE;
}

static void
set_timer (KubePodContainer *container, gint64 delay)
{
  kube_clear_source (&container->timer);
  container->timer = kube_clock_add_timeout (container->worker->node->clock, MAX (delay, 0), on_timer, container);
}

/* It waits, and tries again in a while. */
static void
wait_for (KubePodContainer *container, const char *reason, const char *message, gint64 delay)
{
  container->step = KUBE_STEP_WAITING;
  container->reason = reason;
  g_free (container->message);
  container->message = g_strdup (message);
  if (delay >= 0)
    set_timer (container, delay);
  kube_pod_status_update (container->worker);
}

static void
fail_with (KubePodContainer *container, const char *reason, const char *message, const char *event)
{
  kube_pod_worker_event (container->worker, container, "Warning", "Failed", "Error: %s", event);
  wait_for (container, reason, message, RETRY_DELAY);
  kube_pod_worker_step (container->worker);
}

static char *
read_message (KubePodContainer *container, const KubeContainer *info)
{
  const char *path = kube_value_get_string (info->config, "terminationLog"),
             *log = kube_value_get_string (info->config, "logPath");
  const char *policy = kube_value_get_string (container->spec, "terminationMessagePolicy");
  g_autofree char *text = NULL;
  gsize length = 0;

  if (path != NULL && g_file_get_contents (path, &text, &length, NULL) && length > 0)
    return g_utf8_make_valid (text, MIN (length, MAX_MESSAGE));
  if (g_strcmp0 (policy, "FallbackToLogsOnError") != 0 || info->exit_code == 0 || log == NULL)
    return NULL;
  g_autofree char *tail = kube_container_log_read_tail (log, MAX_LOG_LINES, MAX_LOG_MESSAGE);
  return *tail != '\0' ? g_utf8_make_valid (tail, -1) : NULL;
}

static KubeContainer *
take_info (KubePodContainer *container, const char *id)
{
  KubeContainer *info = kube_runtime_dup_container (container->worker->node->runtime, id);

  if (info != NULL && info->state == KUBE_CONTAINER_EXITED && info->message == NULL)
    info->message = read_message (container, info);
  return info;
}

static void
set_info (KubePodContainer *container, KubeContainer *info)
{
  g_clear_pointer (&container->info, kube_container_free);
  container->info = info;
}

void
kube_pod_container_refresh (KubePodContainer *container)
{
  KubeContainer *info = take_info (container, container->info->id);

  if (info != NULL)
    set_info (container, info);
}

static void
on_probe_changed (KubeProber *prober, KubeProbeKind kind, gboolean good, gpointer data)
{
  KubePodContainer *container = data;
  KubePodWorker *worker = kube_pod_worker_ref (container->worker);
  static const char *const names[] = { "startup", "readiness", "liveness" };
  static const char *const paths[] = { "startupProbe", "readinessProbe", "livenessProbe" };

  if (kind == KUBE_PROBE_READINESS)
    container->ready = good;
  else if (kind == KUBE_PROBE_STARTUP && good)
    container->started = TRUE;
  else if (!good) {
    g_autofree char *path = g_strdup_printf ("%s.terminationGracePeriodSeconds", paths[kind]);
    g_autofree char *message = g_strdup_printf ("Container %s failed %s probe, will be restarted", container->name, names[kind]);
    gint64 grace = kube_value_get_integer (container->spec, path, kube_pod_worker_get_grace (worker));
    kube_pod_container_stop (container, kube_pod_worker_after (worker, grace), message);
  }
  /* the others begin after the startup probe */
  kube_pod_container_changed (container);
  kube_pod_worker_unref (worker);
}

static void
on_probe_failed (KubeProber *prober, KubeProbeKind kind, KubeHandlerResult result, const char *output, gpointer data)
{
  KubePodContainer *container = data;
  static const char *const names[] = { "Startup", "Readiness", "Liveness" };

  if (result == KUBE_HANDLER_WARNING)
    kube_pod_worker_event (container->worker, container, "Warning", "ProbeWarning", "%s probe warning: %s", names[kind], output);
  else if (result == KUBE_HANDLER_ERROR)
    kube_pod_worker_event (container->worker, container, "Warning", "Unhealthy",
                           "%s probe errored and resulted in unknown state: %s", names[kind], output);
  else
    kube_pod_worker_event (container->worker, container, "Warning", "Unhealthy", "%s probe failed: %s", names[kind], output);
}

static void
start_probe (KubePodContainer *container, KubeProbeKind kind, const char *field)
{
  KubePodWorker *worker = container->worker;
  KubeValue *probe = kube_value_get (container->spec, field);

  if (probe != NULL && container->probers[kind] == NULL)
    container->probers[kind] = kube_prober_new (
      worker->node, worker->pod, container->spec, container->info->id, kind, probe, worker->ips != NULL ? worker->ips[0] : NULL,
      container->info->started_at, kind == KUBE_PROBE_LIVENESS || container->ready, on_probe_changed, on_probe_failed, container);
}

static void
start_probes (KubePodContainer *container)
{
  gboolean simulated = container->worker->simulated || container->role == KUBE_ROLE_INIT || container->role == KUBE_ROLE_EPHEMERAL;

  if (!simulated && kube_value_get (container->spec, "startupProbe") != NULL && !container->started) {
    start_probe (container, KUBE_PROBE_STARTUP, "startupProbe");
    return;
  }
  container->started = TRUE;
  if (simulated || kube_value_get (container->spec, "readinessProbe") == NULL)
    container->ready = TRUE;
  if (simulated)
    return;
  start_probe (container, KUBE_PROBE_READINESS, "readinessProbe");
  start_probe (container, KUBE_PROBE_LIVENESS, "livenessProbe");
}

/* The runtime, a probe or a hook has news. */
void
kube_pod_container_changed (KubePodContainer *container)
{
  KubePodWorker *worker = container->worker;

  if (container->info == NULL || container->step == KUBE_STEP_BUSY)
    return;
  KubeContainer *info = take_info (container, container->info->id);
  if (info == NULL || info->state == KUBE_CONTAINER_EXITED) {
    stop_probes (container);
    if (info != NULL)
      set_info (container, info);
    container->step = KUBE_STEP_EXITED;
    container->started = container->ready = FALSE;
    container->announced = FALSE;
  } else {
    set_info (container, info);
    if (container->step == KUBE_STEP_RUNNING)
      start_probes (container);
  }
  kube_pod_worker_step (worker);
}

static void
on_post_start (KubeHandlerResult result, const char *output, gpointer data)
{
  KubePodContainer *container = data;
  KubePodWorker *worker = kube_pod_worker_ref (container->worker);

  container->hook = NULL;
  if (container->step == KUBE_STEP_HOOK)
    container->step = KUBE_STEP_RUNNING;
  if (result != KUBE_HANDLER_SUCCESS && result != KUBE_HANDLER_WARNING && container->step == KUBE_STEP_RUNNING) {
    kube_pod_worker_event (worker, container, "Warning", "FailedPostStartHook", "PostStartHook failed");
    kube_pod_container_stop (container, kube_pod_worker_after (worker, kube_pod_worker_get_grace (worker)), "FailedPostStartHook");
  }
  kube_pod_container_changed (container);
  kube_pod_worker_unref (worker);
}

static void
enter_running (KubePodContainer *container)
{
  KubePodWorker *worker = container->worker;
  KubeValue *hook = kube_value_get (container->spec, "lifecycle.postStart");

  container->reason = NULL;
  g_clear_pointer (&container->message, g_free);
  if (hook != NULL && !worker->simulated) {
    container->step = KUBE_STEP_HOOK;
    container->hook = kube_handler_run (worker->node, worker->pod, container->spec, container->info->id, hook,
                                        worker->ips != NULL ? worker->ips[0] : NULL, G_MAXINT64 / 4, on_post_start, container);
  } else
    container->step = KUBE_STEP_RUNNING;
  kube_pod_container_changed (container);
}

static void
on_removed (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!kube_runtime_remove_container_finish (KUBE_RUNTIME (object), result, &error))
    kube_info (2, "an old container is not removed: %s", error->message);
}

static void
on_started (GObject *object, GAsyncResult *result, gpointer data)
{
  Step *step = data;
  KubePodContainer *container = step->container;
  g_autoptr (GError) error = NULL;
  gboolean good = kube_runtime_start_container_finish (KUBE_RUNTIME (object), result, &error);

  /* The instance before is the one that `--previous` shows; those before it go. */
  if (container->info != NULL) {
    if (container->last != NULL)
      kube_runtime_remove_container_async (step->worker->node->runtime, container->last->id, on_removed, NULL);
    g_clear_pointer (&container->last, kube_container_free);
    container->last = g_steal_pointer (&container->info);
  }
  set_info (container, take_info (container, step->id));
  if (good && container->info != NULL) {
    enter_running (container);
    kube_pod_worker_event (step->worker, container, "Normal", "Started", "Container started");
    if (step->worker->state >= KUBE_WORKER_KILLING)
      kube_pod_worker_step (step->worker);
  } else {
    container->step = KUBE_STEP_EXITED;
    container->reason = "RunContainerError";
    kube_pod_worker_event (step->worker, container, "Warning", "Failed", "Error: %s",
                           error != NULL ? error->message : "the container is gone");
    kube_pod_worker_step (step->worker);
  }
  step_free (step);
}

static void
on_created (GObject *object, GAsyncResult *result, gpointer data)
{
  Step *step = data;
  KubePodContainer *container = step->container;
  g_autoptr (GError) error = NULL;

  step->id = kube_runtime_create_container_finish (KUBE_RUNTIME (object), result, &error);
  if (step->id == NULL) {
    fail_with (container, "CreateContainerError", error->message, error->message);
    step_free (step);
    return;
  }
  if (step->worker->state != KUBE_WORKER_RUNNING) {
    kube_runtime_remove_container_async (step->worker->node->runtime, step->id, on_removed, NULL);
    container->step = container->info != NULL ? KUBE_STEP_EXITED : KUBE_STEP_WAITING;
    kube_pod_worker_step (step->worker);
    step_free (step);
    return;
  }
  kube_runtime_start_container_async (step->worker->node->runtime, step->id, on_started, step);
  kube_pod_worker_event (step->worker, container, "Normal", "Created", "Container created");
}

static void
create (KubePodContainer *container, KubeImage *image)
{
  KubePodWorker *worker = container->worker;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) config = kube_container_config_make (container, image, &error);

  if (config == NULL) {
    fail_with (container, "CreateContainerConfigError", error->message, error->message);
    return;
  }
  container->step = KUBE_STEP_BUSY;
  kube_runtime_create_container_async (worker->node->runtime, worker->uid, config, image, on_created,
                                       step_new (container, image, NULL));
}

static void
use_image (KubePodContainer *container, KubeImage *image)
{
  const char *const *names = kube_image_get_names (image);
  g_autofree char *wanted = kube_image_normalize_name (kube_value_get_string (container->spec, "image"), NULL);

  g_free (container->image_name);
  container->image_name = g_strdup (wanted != NULL && g_strv_contains (names, wanted) ? wanted
                                    : names[0] != NULL                                ? names[0]
                                                                                      : wanted);
  g_free (container->image_id);
  container->image_id = g_strdup (kube_image_get_id (image));
  for (; *names != NULL; names++) {
    if (strchr (*names, '@') != NULL) {
      g_free (container->image_id);
      container->image_id = g_strdup (*names);
      break;
    }
  }
  create (container, image);
}

KubeValue *
kube_pod_container_get_image_volume (KubePodContainer *container, guint index)
{
  KubeValue *mounts = kube_value_get (container->spec, "volumeMounts");
  KubeValue *volumes = kube_object_get (container->worker->pod, "spec.volumes");

  for (guint i = 0; i < kube_value_get_length (mounts); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (mounts, i), "name");
    KubeValue *volume = kube_value_find_element (volumes, "name", name);
    if (kube_value_get (volume, "image") != NULL && index-- == 0)
      return volume;
  }
  return NULL;
}

/* The images of its volumes are needed before its own. */
static const char *
get_needed_image (KubePodContainer *container, const char **policy)
{
  KubeValue *volume = kube_pod_container_get_image_volume (container, container->volume_images->len);

  if (policy != NULL)
    *policy = volume != NULL ? kube_value_get_string (volume, "image.pullPolicy") : kube_value_get_string (container->spec, "imagePullPolicy");
  return volume != NULL ? kube_value_get_string (volume, "image.reference") : kube_value_get_string (container->spec, "image");
}

static void find_image (KubePodContainer *container);

static void
take_image (KubePodContainer *container, KubeImage *image)
{
  if (kube_pod_container_get_image_volume (container, container->volume_images->len) != NULL) {
    g_ptr_array_add (container->volume_images, kube_image_ref (image));
    find_image (container);
  } else
    use_image (container, image);
}

static void
on_pulled (GObject *object, GAsyncResult *result, gpointer data)
{
  Step *step = data;
  KubePodContainer *container = step->container;
  const char *name = get_needed_image (container, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeImage) image = kube_image_puller_pull_finish (result, &error);

  if (image != NULL) {
    gint64 took = kube_clock_get_monotonic_time (step->worker->node->clock) - container->pull_at;
    container->pull_delay = 0;
    g_clear_pointer (&container->pull_error, g_free);
    kube_pod_worker_event (step->worker, container, "Normal", "Pulled",
                           "Successfully pulled image \"%s\" in %" G_GINT64_FORMAT "ms (%" G_GINT64_FORMAT
                           "ms including waiting). Image size: %" G_GINT64_FORMAT " bytes.",
                           name, took / 1000, took / 1000, kube_image_get_size (image));
    if (step->worker->state == KUBE_WORKER_RUNNING)
      take_image (container, image);
    else {
      container->step = KUBE_STEP_WAITING;
      kube_pod_worker_step (step->worker);
    }
  } else {
    container->pull_delay = container->pull_delay == 0 ? BACKOFF_FIRST : MIN (container->pull_delay * 2, BACKOFF_LONGEST);
    container->pull_at = kube_clock_get_monotonic_time (step->worker->node->clock) + container->pull_delay;
    g_free (container->pull_error);
    container->pull_error = g_strdup_printf ("ErrImagePull: failed to pull and unpack image \"%s\": %s", name, error->message);
    kube_pod_worker_event (step->worker, container, "Warning", "Failed", "Failed to pull image \"%s\": %s", name, error->message);
    kube_pod_worker_event (step->worker, container, "Warning", "Failed", "Error: ErrImagePull");
    wait_for (container, "ErrImagePull", container->pull_error + strlen ("ErrImagePull: "), PULL_ERROR_SHOWN);
    kube_pod_worker_step (step->worker);
  }
  step_free (step);
}

/* The credentials of all the pod's pull secrets, in docker's format. */
static char *
make_auth (KubePodWorker *worker)
{
  KubeValue *secrets = kube_object_get (worker->pod, "spec.imagePullSecrets");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *auths = kube_node_ensure_object (kube_builder_get_root (builder), "auths");

  for (guint i = 0; i < kube_value_get_length (secrets); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (secrets, i), "name");
    KubeObject *secret = kube_object_sources_get (worker->node->sources, "Secret", kube_object_get_namespace (worker->pod),
                                                  name != NULL ? name : "");
    g_autoptr (GBytes) data = secret != NULL ? kube_object_get_data (secret, ".dockerconfigjson") : NULL;
    g_autoptr (KubeValue) config = data != NULL ? kube_value_parse (g_bytes_get_data (data, NULL), g_bytes_get_size (data), NULL)
                                                : NULL;
    KubeValue *entries = kube_value_get (config, "auths");
    for (guint j = 0; j < kube_value_get_length (entries); j++)
      kube_node_put_value (auths, kube_value_get_key (entries, j),
                           kube_value_get_member (entries, kube_value_get_key (entries, j)));
  }
  if (kube_node_get_length (auths) == 0)
    return NULL;
  g_autoptr (KubeValue) value = kube_builder_end (builder);
  return kube_value_print (value, NULL);
}

static void
pull (KubePodContainer *container, const char *name)
{
  KubePodWorker *worker = container->worker;
  gint64 now = kube_clock_get_monotonic_time (worker->node->clock);

  if (container->pull_delay > 0 && now < container->pull_at) {
    g_autofree char *message = g_strdup_printf ("Back-off pulling image \"%s\": %s", name, container->pull_error);
    kube_pod_worker_event (worker, container, "Normal", "BackOff", "Back-off pulling image \"%s\"", name);
    kube_pod_worker_event (worker, container, "Warning", "Failed", "Error: ImagePullBackOff");
    wait_for (container, "ImagePullBackOff", message, container->pull_at - now);
    return;
  }
  kube_pod_worker_event (worker, container, "Normal", "Pulling", "Pulling image \"%s\"", name);
  g_autofree char *auth = make_auth (worker);
  container->step = KUBE_STEP_BUSY;
  container->pull_at = now;
  kube_image_puller_pull_async (worker->node->puller, name, auth, NULL, on_pulled, step_new (container, NULL, NULL));
  kube_pod_status_update (worker);
}

static void
find_image (KubePodContainer *container)
{
  KubePodWorker *worker = container->worker;
  const char *policy, *name = get_needed_image (container, &policy);
  g_autoptr (GError) error = NULL;
  g_autofree char *full = kube_image_normalize_name (name != NULL ? name : "", &error);

  if (full == NULL) {
    g_autofree char *message = g_strdup_printf ("Failed to apply default image tag \"%s\": couldn't parse image name \"%s\": %s",
                                                name, name, error->message);
    kube_pod_worker_event (worker, container, "Warning", "InspectFailed", "%s", message);
    fail_with (container, "InvalidImageName", message, "InvalidImageName");
    return;
  }
  g_autoptr (KubeImage) image = kube_image_store_find (worker->node->images, name, NULL);
  if (g_strcmp0 (policy, "Always") == 0 || (image == NULL && g_strcmp0 (policy, "Never") != 0)) {
    pull (container, name);
    return;
  }
  if (image == NULL) {
    g_autofree char *message = g_strdup_printf ("Container image \"%s\" is not present with pull policy of Never", name);
    kube_pod_worker_event (worker, container, "Warning", "ErrImageNeverPull", "%s", message);
    fail_with (container, "ErrImageNeverPull", message, "ErrImageNeverPull");
    return;
  }
  kube_pod_worker_event (worker, container, "Normal", "Pulled",
                         "Container image \"%s\" already present on machine and can be accessed by the pod", name);
  take_image (container, image);
}

void
kube_pod_container_begin (KubePodContainer *container)
{
  kube_clear_source (&container->timer);
  if (container->info != NULL && container->step == KUBE_STEP_EXITED)
    container->restarts = MAX (container->restarts, kube_value_get_integer (container->info->config, "attempt", 0)) + 1;
  g_ptr_array_set_size (container->volume_images, 0);
  if (container->worker->simulated) {
    g_free (container->image_name);
    container->image_name = g_strdup (kube_value_get_string (container->spec, "image"));
    create (container, NULL);
  } else
    find_image (container);
}

static char *
print_seconds (gint64 microseconds)
{
  gint64 seconds = microseconds / G_USEC_PER_SEC;

  return seconds >= 60 ? g_strdup_printf ("%" G_GINT64_FORMAT "m%" G_GINT64_FORMAT "s", seconds / 60, seconds % 60)
                       : g_strdup_printf ("%" G_GINT64_FORMAT "s", seconds);
}

/* As upstream's flowcontrol.Backoff: the first restart is at once, each later one waits until so long after the end, and ten quiet minutes forget it all. */
gboolean
kube_pod_container_may_restart (KubePodContainer *container)
{
  KubePodWorker *worker = container->worker;
  gint64 now = kube_clock_get_time (worker->node->clock), finished = container->info->finished_at;

  if (container->restart_now) {
    container->restart_now = FALSE;
    return TRUE;
  }
  if (container->delay > 0 && finished - container->delay_set > BACKOFF_RESET)
    container->delay = 0;
  if (container->delay > 0 && now < finished + container->delay) {
    g_autofree char *pod = kube_pod_worker_format (worker);
    g_autofree char *delay = print_seconds (container->delay);
    if (!container->announced) {
      container->announced = TRUE;
      kube_pod_worker_event (worker, container, "Warning", "BackOff", "Back-off restarting failed container %s in pod %s",
                             container->name, pod);
      container->reason = "CrashLoopBackOff";
      g_free (container->message);
      container->message = g_strdup_printf ("back-off %s restarting failed container=%s pod=%s", delay, container->name, pod);
      set_timer (container, finished + container->delay - now);
      kube_pod_status_update (worker);
    }
    return FALSE;
  }
  container->delay = container->delay == 0 ? BACKOFF_FIRST : MIN (container->delay * 2, BACKOFF_LONGEST);
  container->delay_set = now;
  container->announced = FALSE;
  container->reason = NULL;
  g_clear_pointer (&container->message, g_free);
  return TRUE;
}

static void
on_pre_stop (KubeHandlerResult result, const char *output, gpointer data)
{
  KubePodContainer *container = data;
  KubePodWorker *worker = container->worker;
  gint64 left = container->stop_at - kube_clock_get_monotonic_time (worker->node->clock);

  container->hook = NULL;
  if (result != KUBE_HANDLER_SUCCESS && result != KUBE_HANDLER_WARNING)
    kube_pod_worker_event (worker, container, "Warning", "FailedPreStopHook", "PreStopHook failed");
  kube_runtime_stop_container (worker->node->runtime, container->info->id, MAX (left, LEAST_GRACE));
}

void
kube_pod_container_stop (KubePodContainer *container, gint64 at, const char *message)
{
  KubePodWorker *worker = container->worker;
  KubeValue *pre_stop = kube_value_get (container->spec, "lifecycle.preStop");
  gint64 grace = MAX (at - kube_clock_get_monotonic_time (worker->node->clock), 0);
  gboolean first = container->step != KUBE_STEP_STOPPING;

  if (container->info == NULL ||
      (container->step != KUBE_STEP_RUNNING && container->step != KUBE_STEP_HOOK && container->step != KUBE_STEP_STOPPING))
    return;
  if (!first && at >= container->stop_at)
    return;
  container->stop_at = at;
  if (first) {
    /* readiness goes on being what it was until the end, as upstream's status has it; the other probes stop */
    g_clear_pointer (&container->hook, kube_handler_cancel);
    container->step = KUBE_STEP_STOPPING;
    if (message != NULL)
      kube_pod_worker_event (worker, container, "Normal", "Killing", "%s", message);
    else
      kube_pod_worker_event (worker, container, "Normal", "Killing", "Stopping container %s", container->name);
    if (pre_stop != NULL && grace > 0 && !worker->simulated) {
      container->hook = kube_handler_run (worker->node, worker->pod, container->spec, container->info->id, pre_stop,
                                          worker->ips != NULL ? worker->ips[0] : NULL, grace, on_pre_stop, container);
      return;
    }
  }
  g_clear_pointer (&container->hook, kube_handler_cancel);
  kube_runtime_stop_container (worker->node->runtime, container->info->id, grace);
}

/* What the API was told of the instance that runs on: it stays ready until a probe says otherwise. */
static void
restore_readiness (KubePodContainer *container)
{
  static const char *const lists[] = { "containerStatuses", "initContainerStatuses" };
  g_autofree char *id = g_strconcat ("kube://", container->info->id, NULL);

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = kube_value_get (container->worker->sent, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      KubeValue *status = kube_value_get_element (list, i);
      if (g_strcmp0 (kube_value_get_string (status, "containerID"), id) != 0)
        continue;
      container->ready = kube_value_get_boolean (status, "ready", FALSE);
      container->started = kube_value_get_boolean (status, "started", FALSE);
    }
  }
}

void
kube_pod_container_adopt (KubePodContainer *container)
{
  KubePodWorker *worker = container->worker;
  g_autoptr (GPtrArray) list = kube_runtime_list_containers (worker->node->runtime, worker->uid);

  for (guint i = 0; i < list->len; i++) {
    KubeContainer *info = list->pdata[i];
    if (g_strcmp0 (kube_value_get_string (info->config, "name"), container->name) != 0)
      continue;
    if (info->state == KUBE_CONTAINER_CREATED) { /* made, and never started */
      kube_runtime_remove_container_async (worker->node->runtime, info->id, on_removed, NULL);
      continue;
    }
    if (container->last != NULL)
      kube_runtime_remove_container_async (worker->node->runtime, container->last->id, on_removed, NULL);
    g_clear_pointer (&container->last, kube_container_free);
    container->last = g_steal_pointer (&container->info);
    container->info = take_info (container, info->id);
  }
  if (container->info == NULL)
    return;
  container->restarts = kube_value_get_integer (container->info->config, "attempt", 0);
  container->image_name = g_strdup (kube_value_get_string (container->info->config, "imageName"));
  container->image_id = g_strdup (kube_value_get_string (container->info->config, "imageId"));
  container->step = container->info->state == KUBE_CONTAINER_RUNNING ? KUBE_STEP_RUNNING : KUBE_STEP_EXITED;
  if (container->step == KUBE_STEP_RUNNING)
    restore_readiness (container);
}
