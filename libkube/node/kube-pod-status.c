/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-pod-resize.h"

#include <kube/kube-time.h>
#include <string.h>

/* A pod usually starts within this: then its first status is already that it runs. */
#define QUIET_DELAY (150 * 1000)
#define RETRY_DELAY (1 * (gint64) G_USEC_PER_SEC)

static void
put_time (KubeNode *node, const char *path, gint64 time)
{
  char text[KUBE_TIME_STRING_SIZE];

  kube_node_set_string (node, path, kube_time_format (time, text));
}

static char *
print_id (const char *id)
{
  return id != NULL ? g_strconcat ("kube://", id, NULL) : NULL;
}

static void
put_terminated (KubeNode *state, const KubeContainer *info)
{
  KubeNode *node = kube_node_put_object (state, "terminated");
  g_autofree char *id = print_id (info->id);

  kube_node_set_integer (node, "exitCode", info->exit_code);
  kube_node_set_string (node, "reason", info->reason != NULL ? info->reason : info->exit_code == 0 ? "Completed" : "Error");
  if (info->message != NULL && *info->message != '\0')
    kube_node_set_string (node, "message", info->message);
  put_time (node, "startedAt", info->started_at);
  put_time (node, "finishedAt", info->finished_at);
  kube_node_set_string (node, "containerID", id);
}

static const char *
default_waiting (KubePodContainer *container)
{
  GPtrArray *all = container->worker->containers;

  if (container->role < KUBE_ROLE_MAIN || all->len == 0)
    return "PodInitializing";
  /* with init containers the others wait for them */
  return ((KubePodContainer *) all->pdata[0])->role < KUBE_ROLE_MAIN ? "PodInitializing" : "ContainerCreating";
}

static gboolean
is_waiting (KubePodContainer *container)
{
  return container->info == NULL || container->step == KUBE_STEP_HOOK ||
         (container->info->state != KUBE_CONTAINER_RUNNING && container->reason != NULL && container->step != KUBE_STEP_EXITED) ||
         (container->step == KUBE_STEP_EXITED && g_strcmp0 (container->reason, "CrashLoopBackOff") == 0);
}

static void
put_states (KubeNode *node, KubePodContainer *container)
{
  KubeNode *state = kube_node_put_object (node, "state"), *last = kube_node_put_object (node, "lastState");

  if (is_waiting (container)) {
    KubeNode *waiting = kube_node_put_object (state, "waiting");
    kube_node_set_string (waiting, "reason", container->reason != NULL ? container->reason : default_waiting (container));
    kube_node_set_string (waiting, "message", container->message);
    const KubeContainer *ended = container->info != NULL && container->info->state == KUBE_CONTAINER_EXITED ? container->info : container->last;
    if (ended != NULL && ended->state == KUBE_CONTAINER_EXITED)
      put_terminated (last, ended);
    return;
  }
  if (container->info->state == KUBE_CONTAINER_RUNNING)
    put_time (kube_node_put_object (state, "running"), "startedAt", container->info->started_at);
  else
    put_terminated (state, container->info);
  if (container->last != NULL && container->last->state == KUBE_CONTAINER_EXITED)
    put_terminated (last, container->last);
}

static void
put_volume_mounts (KubeNode *node, KubePodContainer *container)
{
  KubeValue *mounts = kube_value_get (container->spec, "volumeMounts");

  if (kube_value_get_length (mounts) == 0)
    return;
  KubeNode *list = kube_node_ensure_array (node, "volumeMounts");
  for (guint i = 0; i < kube_value_get_length (mounts); i++) {
    KubeValue *mount = kube_value_get_element (mounts, i);
    KubeNode *entry = kube_node_append_object (list);
    kube_node_set_string (entry, "name", kube_value_get_string (mount, "name"));
    kube_node_set_string (entry, "mountPath", kube_value_get_string (mount, "mountPath"));
    if (kube_value_get_boolean (mount, "readOnly", FALSE)) {
      kube_node_set_boolean (entry, "readOnly", TRUE);
      kube_node_set_string (entry, "recursiveReadOnly", "Disabled");
    }
  }
}

static void
put_container (KubeNode *list, KubePodContainer *container)
{
  KubeNode *node = kube_node_append_object (list);
  gboolean running = !is_waiting (container) && container->info->state == KUBE_CONTAINER_RUNNING;
  g_autofree char *id = container->info != NULL ? print_id (container->info->id) : NULL;
  gboolean ephemeral = container->role == KUBE_ROLE_EPHEMERAL;
  gboolean ready = container->role == KUBE_ROLE_INIT ? kube_pod_container_has_succeeded (container)
                                                     : running && container->ready && !ephemeral;
  KubeValue *granted = kube_value_get (container->spec, "resources"), *requests = kube_value_get (granted, "requests");
  KubeValue *actual = running ? kube_value_get (container->info->config, "resources.of") : NULL;

  kube_node_set_string (node, "name", container->name);
  put_states (node, container);
  kube_node_set_boolean (node, "ready", ready);
  kube_node_set_integer (node, "restartCount",
                         container->info != NULL ? kube_value_get_integer (container->info->config, "attempt", 0)
                                                 : container->restarts);
  kube_node_set_string (node, "image",
                        container->info != NULL && container->image_name != NULL
                          ? container->image_name
                          : kube_value_get_string (container->spec, "image"));
  kube_node_set_string (node, "imageID", container->info != NULL && container->image_id != NULL ? container->image_id : "");
  kube_node_set_string (node, "containerID", id);
  if (!ephemeral)
    kube_node_set_boolean (node, "started", running && container->started);
  if (container->info != NULL && kube_value_get_length (requests) > 0)
    kube_node_set_value (node, "allocatedResources", requests);
  if (container->info != NULL)
    kube_node_set_value (node, "resources", actual != NULL ? actual : granted);
  put_volume_mounts (node, container);
  if (running && container->user != NULL)
    kube_node_set_value (node, "user.linux", container->user);
}

const char *
kube_pod_status_get_phase (KubePodWorker *worker)
{
  const char *policy = kube_object_get_string (worker->pod, "spec.restartPolicy");
  guint pending_init = 0, failed_init = 0, running = 0, waiting = 0, stopped = 0, succeeded = 0;
  gboolean main_began = kube_pod_worker_has_main_begun (worker);

  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *c = worker->containers->pdata[i];
    if (c->role == KUBE_ROLE_EPHEMERAL)
      continue;
    if (c->role == KUBE_ROLE_SIDECAR) {
      pending_init += !main_began && !c->started;
      continue;
    }
    if (c->role == KUBE_ROLE_INIT) {
      gboolean done = kube_pod_container_has_succeeded (c);
      failed_init += !done && c->step == KUBE_STEP_EXITED;
      pending_init += !done;
    } else if (is_waiting (c))
      c->last != NULL || (c->info != NULL && c->info->state == KUBE_CONTAINER_EXITED) ? stopped++ : waiting++;
    else if (c->info->state == KUBE_CONTAINER_RUNNING)
      running++;
    else {
      stopped++;
      succeeded += c->info->exit_code == 0;
    }
  }
  if (failed_init > 0 && g_strcmp0 (policy, "Never") == 0)
    return "Failed";
  if ((pending_init > 0 && !main_began) || waiting > 0)
    return "Pending";
  if (running > 0)
    return "Running";
  if (stopped == 0)
    return "Pending";
  if (policy == NULL || g_str_equal (policy, "Always"))
    return "Running";
  if (stopped == succeeded)
    return "Succeeded";
  return g_str_equal (policy, "Never") ? "Failed" : "Running";
}

static void
put_condition (KubePodWorker *worker, KubeNode *list, const char *type, gboolean good, const char *reason, const char *message)
{
  KubeValue *old = kube_value_find_element (kube_value_get (worker->sent, "conditions"), "type", type);
  const char *status = good ? "True" : "False", *since = kube_value_get_string (old, "lastTransitionTime");
  KubeNode *node = kube_node_append_object (list);
  gint64 generation = kube_object_get_generation (worker->pod);

  kube_node_set_string (node, "type", type);
  kube_node_set_string (node, "status", status);
  kube_node_set_null (node, "lastProbeTime");
  if (since != NULL && g_strcmp0 (kube_value_get_string (old, "status"), status) == 0)
    kube_node_set_string (node, "lastTransitionTime", since);
  else
    put_time (node, "lastTransitionTime", kube_clock_get_time (worker->node->clock));
  if (generation > 0)
    kube_node_set_integer (node, "observedGeneration", generation);
  kube_node_set_string (node, "reason", reason);
  kube_node_set_string (node, "message", message != NULL && *message != '\0' ? message : NULL);
}

/* "containers with unready status: [a b]" of those that @bad picks; NULL: none. */
static char *
list_containers (KubePodWorker *worker, const char *prefix, gboolean (*bad) (KubePodContainer *container))
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (bad (container))
      g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", container->name);
  }
  return names->len > 0 ? g_strdup_printf ("%s: [%s]", prefix, names->str) : NULL;
}

static gboolean
is_unready (KubePodContainer *container)
{
  gboolean running = container->info != NULL && container->info->state == KUBE_CONTAINER_RUNNING;

  return container->role != KUBE_ROLE_INIT && container->role != KUBE_ROLE_EPHEMERAL && !(running && container->ready);
}

static gboolean
is_incomplete (KubePodContainer *container)
{
  return container->role == KUBE_ROLE_INIT ? !kube_pod_container_has_succeeded (container)
                                           : container->role == KUBE_ROLE_SIDECAR && !container->started;
}

static void
put_initialized (KubePodWorker *worker, KubeNode *list, const char *phase)
{
  g_autofree char *incomplete = list_containers (worker, "containers with incomplete status", is_incomplete);

  if (g_str_equal (phase, "Succeeded"))
    put_condition (worker, list, "Initialized", TRUE, "PodCompleted", NULL);
  else if (incomplete == NULL || kube_pod_worker_has_main_begun (worker))
    put_condition (worker, list, "Initialized", TRUE, NULL, NULL);
  else
    put_condition (worker, list, "Initialized", FALSE, "ContainersNotInitialized", incomplete);
}

static char *
list_gates (KubePodWorker *worker)
{
  KubeValue *gates = kube_object_get (worker->pod, "spec.readinessGates");
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (gates); i++) {
    const char *type = kube_value_get_string (kube_value_get_element (gates, i), "conditionType");
    KubeValue *condition = kube_value_find_element (kube_object_get (worker->pod, "status.conditions"), "type", type);
    const char *status = kube_value_get_string (condition, "status");
    const char *comma = out->len > 0 ? ", " : "";
    if (condition == NULL)
      g_string_append_printf (out, "%scorresponding condition of pod readiness gate \"%s\" does not exist.", comma, type);
    else if (g_strcmp0 (status, "True") != 0)
      g_string_append_printf (out, "%sthe status of pod readiness gate \"%s\" is not \"True\", but %s", comma, type, status);
  }
  return out->len > 0 ? g_strdup (out->str) : NULL;
}

static void
put_ready (KubePodWorker *worker, KubeNode *list, const char *phase)
{
  g_autofree char *unready = list_containers (worker, "containers with unready status", is_unready);
  g_autofree char *gates = list_gates (worker);
  const char *reason = g_str_equal (phase, "Succeeded") ? "PodCompleted"
                       : g_str_equal (phase, "Failed")  ? "PodFailed"
                       : unready != NULL                ? "ContainersNotReady"
                                                        : NULL;
  const char *message = reason != NULL && g_str_equal (reason, "ContainersNotReady") ? unready : NULL;

  if (reason == NULL && gates != NULL)
    put_condition (worker, list, "Ready", FALSE, "ReadinessGatesNotReady", gates);
  else
    put_condition (worker, list, "Ready", reason == NULL, reason, message);
  put_condition (worker, list, "ContainersReady", reason == NULL, reason, message);
}

static void
put_addresses (KubePodWorker *worker, KubeNode *root)
{
  kube_node_set_string (root, "hostIP", worker->node->node_ip);
  kube_node_set_string (kube_node_append_object (kube_node_ensure_array (root, "hostIPs")), "ip", worker->node->node_ip);
  if (worker->ips == NULL || worker->ips[0] == NULL)
    return;
  kube_node_set_string (root, "podIP", worker->ips[0]);
  KubeNode *list = kube_node_ensure_array (root, "podIPs");
  for (char **ip = worker->ips; *ip != NULL; ip++)
    kube_node_set_string (kube_node_append_object (list), "ip", *ip);
}

/* Init containers in their order, all others by name: so upstream lists them. */
static int
compare_containers (gconstpointer a, gconstpointer b)
{
  const KubePodContainer *x = *(KubePodContainer *const *) a, *y = *(KubePodContainer *const *) b;
  gboolean x_first = x->role < KUBE_ROLE_MAIN, y_first = y->role < KUBE_ROLE_MAIN;

  if (x_first || y_first)
    return y_first - x_first; /* the sort is stable */
  return strcmp (x->name, y->name);
}

static void
put_containers (KubePodWorker *worker, KubeNode *root)
{
  static const char *const lists[] = { "initContainerStatuses", "initContainerStatuses", "containerStatuses",
                                       "ephemeralContainerStatuses" };
  g_autoptr (GPtrArray) sorted = g_ptr_array_copy (worker->containers, NULL, NULL);

  g_ptr_array_set_free_func (sorted, NULL);
  g_ptr_array_sort (sorted, compare_containers);
  for (guint i = 0; i < sorted->len; i++) {
    KubePodContainer *container = sorted->pdata[i];
    put_container (kube_node_ensure_array (root, lists[container->role]), container);
  }
}

/* The whole status, as far as it is this node's: conditions of others stay out of it. */
KubeValue *
kube_pod_status_make (KubePodWorker *worker)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder), *conditions;
  const char *phase = worker->end_phase != NULL ? worker->end_phase : kube_pod_status_get_phase (worker), *shown = phase;
  gboolean ended = g_str_equal (phase, "Succeeded") || g_str_equal (phase, "Failed");
  gint64 generation = kube_object_get_generation (worker->pod);

  /* The end is told when nothing of it runs any more; until then it is what it was. */
  if (ended && worker->state < KUBE_WORKER_FINISHED) {
    shown = kube_value_get_string (worker->sent, "phase");
    shown = shown != NULL ? shown : "Pending";
  }
  kube_node_set_string (root, "phase", shown);
  if (generation > 0)
    kube_node_set_integer (root, "observedGeneration", generation);
  put_time (root, "startTime", worker->start_time);
  kube_node_set_string (root, "reason", shown == phase ? worker->end_reason : NULL);
  kube_node_set_string (root, "message", shown == phase ? worker->end_message : NULL);
  if (worker->rejected)
    return kube_builder_end (builder);
  conditions = kube_node_ensure_array (root, "conditions");
  put_condition (worker, conditions, "PodReadyToStartContainers",
                 worker->state >= KUBE_WORKER_RUNNING && worker->state < KUBE_WORKER_FINISHED && worker->ips != NULL, NULL, NULL);
  put_initialized (worker, conditions, phase);
  put_ready (worker, conditions, phase);
  kube_pod_resize_put_conditions (worker, conditions);
  put_addresses (worker, root);
  put_containers (worker, root);
  return kube_builder_end (builder);
}

/* Conditions that are not as the API has them, and those that are no more. */
static void
add_conditions (KubeNode *out, KubeValue *sent, KubeValue *now)
{
  static const char *const passing[] = { "PodResizePending", "PodResizeInProgress" };
  KubeValue *list = kube_value_get (now, "conditions"), *before = kube_value_get (sent, "conditions");

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *condition = kube_value_get_element (list, i),
              *old = kube_value_find_element (before, "type", kube_value_get_string (condition, "type"));
    if (kube_value_equal (condition, old))
      continue;
    KubeNode *node = kube_node_append_value (kube_node_ensure_array (out, "conditions"), condition);
    static const char *const may_go[] = { "reason", "message" };
    for (gsize j = 0; j < G_N_ELEMENTS (may_go); j++) {
      if (kube_value_get (old, may_go[j]) != NULL && kube_value_get (condition, may_go[j]) == NULL)
        kube_node_set_null (node, may_go[j]);
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (passing); i++) {
    if (kube_value_find_element (before, "type", passing[i]) == NULL || kube_value_find_element (list, "type", passing[i]) != NULL)
      continue;
    KubeNode *gone = kube_node_append_object (kube_node_ensure_array (out, "conditions"));
    kube_node_set_string (gone, "type", passing[i]);
    kube_node_set_string (gone, "$patch", "delete");
  }
}

static void
add_merged_list (KubeNode *out, const char *name, KubeValue *old, KubeValue *now)
{
  KubeNode *list = kube_node_ensure_array (out, name);

  /* a strategic patch would keep the old elements beside the new ones */
  if (kube_value_get_length (old) > 0)
    kube_node_set_string (kube_node_append_object (list), "$patch", "replace");
  for (guint i = 0; i < kube_value_get_length (now); i++)
    kube_node_append_value (list, kube_value_get_element (now, i));
}

/* A strategic merge patch from what the API has to @now; NULL: nothing to do. */
static KubeValue *
make_patch (KubePodWorker *worker, KubeValue *now)
{
  static const char *const may_go[] = { "reason", "message" };
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder), *status = kube_node_ensure_object (root, "status");

  for (guint i = 0; i < kube_value_get_length (now); i++) {
    const char *key = kube_value_get_key (now, i);
    KubeValue *value = kube_value_get_member (now, key), *old = kube_value_get_member (worker->sent, key);
    if (g_str_equal (key, "conditions"))
      add_conditions (status, worker->sent, now);
    else if (kube_value_equal (value, old))
      continue;
    else if (g_str_equal (key, "podIPs") || g_str_equal (key, "hostIPs"))
      add_merged_list (status, key, old, value);
    else
      kube_node_put_value (status, key, value);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (may_go); i++) {
    if (kube_value_get (worker->sent, may_go[i]) != NULL && kube_value_get (now, may_go[i]) == NULL)
      kube_node_set_null (status, may_go[i]);
  }
  if (kube_node_get_length (status) == 0)
    return NULL;
  kube_node_set_string (root, "metadata.uid", worker->uid);
  return kube_builder_end (builder);
}

gboolean
kube_pod_status_is_current (KubePodWorker *worker)
{
  g_autoptr (KubeValue) now = worker->settled ? NULL : kube_pod_status_make (worker);
  g_autoptr (KubeValue) patch = worker->patching || worker->settled ? NULL : make_patch (worker, now);

  return !worker->patching && patch == NULL;
}

static gboolean
on_status_time (gpointer data)
{
  KubePodWorker *worker = data;

  g_clear_pointer (&worker->status_timer, g_source_unref);
  worker->patch_again = TRUE; /* now, whatever it says */
  kube_pod_status_update (worker);
  return G_SOURCE_REMOVE;
}

static void
set_status_timer (KubePodWorker *worker, gint64 delay)
{
  if (worker->status_timer == NULL)
    worker->status_timer = kube_clock_add_timeout (worker->node->clock, delay, on_status_time, worker);
}

static void
on_patched (GObject *object, GAsyncResult *result, gpointer data)
{
  KubePodWorker *worker = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (object), result, &error);
  KubeObject *pod = response != NULL ? kube_response_get_object (response) : NULL;

  worker->patching = FALSE;
  if (worker->gone == NULL) {
    kube_pod_worker_unref (worker);
    return;
  }
  if (pod != NULL) {
    const char *version = kube_object_get_resource_version (pod);
    g_clear_pointer (&worker->sent, kube_value_unref);
    KubeValue *status = kube_object_get (pod, "status");
    worker->sent = status != NULL ? kube_value_ref (status) : NULL;
    worker->revision = MAX (worker->revision, version != NULL ? g_ascii_strtoull (version, NULL, 10) : 0);
  } else if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND) ||
             g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT))
    worker->removed = worker->removed || g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND);
  else {
    kube_warning ("pod %s/%s: its status is not written, trying again: %s", kube_object_get_namespace (worker->pod),
                  kube_object_get_name (worker->pod), error->message);
    set_status_timer (worker, RETRY_DELAY);
    kube_pod_worker_unref (worker);
    return;
  }
  worker->patch_again = TRUE;
  kube_pod_status_update (worker);
  kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
}

/* Nothing has happened yet that anybody waits for. */
static gboolean
is_quiet (KubePodWorker *worker)
{
  if (worker->state > KUBE_WORKER_RUNNING || worker->rejected)
    return FALSE;
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (container->info != NULL || container->reason != NULL)
      return FALSE;
  }
  return TRUE;
}

void
kube_pod_status_update (KubePodWorker *worker)
{
  gboolean again = worker->patch_again;

  worker->patch_again = FALSE;
  if (worker->removed || worker->settled || worker->gone == NULL || worker->state == KUBE_WORKER_NEW ||
      worker->state >= KUBE_WORKER_DELETING)
    return;
  if (worker->patching) {
    worker->patch_again = TRUE;
    return;
  }
  /* taken over, but not yet looked at in full: the API knows more of it than we do */
  if (!again && worker->adopted && worker->state < KUBE_WORKER_RUNNING)
    return;
  if (!again && is_quiet (worker)) {
    set_status_timer (worker, QUIET_DELAY);
    return;
  }
  g_autoptr (KubeValue) now = kube_pod_status_make (worker);
  g_autoptr (KubeValue) patch = make_patch (worker, now);
  if (patch == NULL)
    return;
  g_autoptr (KubeRequest) request = kube_request_new (
    KUBE_VERB_PATCH, KUBE_KIND ("v1", "Pod"), kube_object_get_namespace (worker->pod), kube_object_get_name (worker->pod));
  kube_request_set_subresource (request, "status");
  kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
  worker->patching = TRUE;
  kube_client_send_async (worker->node->client, request, NULL, on_patched, kube_pod_worker_ref (worker));
}
