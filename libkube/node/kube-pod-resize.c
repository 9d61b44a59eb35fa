/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-resize.h"

#include "kube-node-admission.h"
#include "kube-source.h"

#include <kube/kube-time.h>

#define RETRY_DELAY (10 * (gint64) G_USEC_PER_SEC)
#define PENDING "PodResizePending"
#define IN_PROGRESS "PodResizeInProgress"

/* CPU and memory change one after the other: each has an order of its own. */
typedef struct {
  const char *name;             /* of the resource */
  const char *limit, *request;  /* members of a runtime's resources; NULL: it has none of it */
} Kind;
static const Kind kinds[] = { { "memory", "memory", NULL }, { "cpu", "cpuQuota", "cpuShares" } };

/* --- its conditions and events --- */

static void
set_state (KubePodWorker *worker, KubeResizeState *state, const char *reason, const char *message, gint64 generation)
{
  gint64 now = kube_clock_get_time (worker->node->clock);

  if (state->since == 0 || g_strcmp0 (state->reason, reason) != 0)
    state->since = now;
  state->probed = now;
  state->reason = reason;
  state->generation = generation;
  g_free (state->message);
  state->message = g_strdup (message);
}

static void
clear_state (KubeResizeState *state)
{
  g_free (state->message);
  *state = (KubeResizeState){ 0 };
}

static char *
print_containers (KubeValue *list)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *array = kube_node_ensure_array (kube_builder_get_root (builder), "list");

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *container = kube_value_get_element (list, i), *resources = kube_value_get (container, "resources");
    KubeNode *entry = kube_node_append_object (array);
    kube_node_set_string (entry, "name", kube_value_get_string (container, "name"));
    if (resources != NULL)
      kube_node_set_value (entry, "resources", resources);
    else
      kube_node_put_object (entry, "resources");
  }
  g_autoptr (KubeValue) value = kube_builder_end (builder);
  return kube_value_print (kube_value_get (value, "list"), NULL);
}

/* All that the pod shall have, as upstream's events tell it, down to the order. */
static char *
summarize (KubeObject *pod, gint64 generation, const char *error)
{
  KubeValue *init = kube_object_get (pod, "spec.initContainers");
  g_autofree char *first = print_containers (init);
  g_autofree char *main = print_containers (kube_object_get (pod, "spec.containers"));
  g_autoptr (KubeValue) text = error != NULL ? kube_value_new_string (error) : NULL;
  g_autofree char *quoted = text != NULL ? kube_value_print (text, NULL) : NULL;
  gboolean has_init = kube_value_get_length (init) > 0;

  return g_strdup_printf ("{%s%s%s\"containers\":%s,\"generation\":%" G_GINT64_FORMAT "%s%s}", has_init ? "\"initContainers\":" : "",
                          has_init ? first : "", has_init ? "," : "", main, generation, quoted != NULL ? ",\"error\":" : "",
                          quoted != NULL ? quoted : "");
}

static void
put_condition (KubeNode *list, const char *type, const KubeResizeState *state)
{
  char time[KUBE_TIME_STRING_SIZE];

  if (state->since == 0)
    return;
  KubeNode *node = kube_node_append_object (list);
  kube_node_set_string (node, "type", type);
  kube_node_set_string (node, "status", "True");
  kube_node_set_string (node, "lastProbeTime", kube_time_format (state->probed, time));
  kube_node_set_string (node, "lastTransitionTime", kube_time_format (state->since, time));
  kube_node_set_integer (node, "observedGeneration", state->generation);
  kube_node_set_string (node, "reason", state->reason);
  kube_node_set_string (node, "message", state->message);
}

void
kube_pod_resize_put_conditions (KubePodWorker *worker, KubeNode *list)
{
  if (worker->end_phase != NULL)
    return;
  put_condition (list, PENDING, &worker->pending);
  put_condition (list, IN_PROGRESS, &worker->in_progress);
}

void
kube_pod_resize_clear (KubePodWorker *worker)
{
  kube_clear_source (&worker->resize_timer);
  clear_state (&worker->pending);
  clear_state (&worker->in_progress);
}

/* --- what is granted --- */

static void
grant (KubePodWorker *worker)
{
  gint64 generation = kube_object_get_generation (worker->wanted);
  g_autofree char *summary = summarize (worker->wanted, generation, NULL);

  kube_pod_allocation_grant (worker->allocation, worker->wanted);
  kube_object_ref (worker->wanted);
  kube_object_unref (worker->pod);
  worker->pod = worker->wanted;
  kube_clear_source (&worker->resize_timer);
  clear_state (&worker->pending);
  clear_state (&worker->in_progress);
  set_state (worker, &worker->in_progress, NULL, NULL, generation);
  kube_pod_worker_event (worker, NULL, "Normal", "ResizeStarted", "Pod resize started: %s", summary);
}

gboolean
kube_pod_resize_ask (KubePodWorker *worker)
{
  const char *resource;
  g_autofree char *message = NULL;
  gint64 generation = kube_object_get_generation (worker->wanted);

  if (worker->wanted == worker->pod) {
    clear_state (&worker->pending);
    return FALSE;
  }
  if (kube_node_admission_has_room (worker->node->admission, worker, worker->wanted, &resource, &message)) {
    grant (worker);
    return TRUE;
  }
  gboolean told = worker->pending.since > 0 && worker->pending.generation == generation;
  set_state (worker, &worker->pending, "Deferred", message, generation);
  if (!told) {
    g_autofree char *summary = summarize (worker->wanted, generation, message);
    kube_pod_worker_event (worker, NULL, "Warning", "ResizeDeferred", "Pod resize Deferred: %s", summary);
  }
  return FALSE;
}

/* --- what the kernel is told --- */

static KubeValue *
get_actual (KubePodContainer *container)
{
  KubeValue *actual = kube_value_get (container->info->config, "resources.of");

  return actual != NULL ? actual : kube_value_get (container->spec, "resources");
}

static gboolean
differs (KubePodContainer *container, const Kind *kind, const char *list)
{
  return kube_resources_get (kube_value_get (container->spec, "resources"), list, kind->name) !=
         kube_resources_get (get_actual (container), list, kind->name);
}

static gboolean
is_stale (KubePodContainer *container, const Kind *kind)
{
  return container->role != KUBE_ROLE_EPHEMERAL && container->info != NULL && container->info->state == KUBE_CONTAINER_RUNNING &&
         (differs (container, kind, "limits") || differs (container, kind, "requests"));
}

static gboolean
wants_restart (KubePodContainer *container, const Kind *kind)
{
  KubeValue *policy = kube_value_find_element (kube_value_get (container->spec, "resizePolicy"), "resourceName", kind->name);

  return g_strcmp0 (kube_value_get_string (policy, "restartPolicy"), "RestartContainer") == 0;
}

static gint64
growth (KubePodContainer *container, const Kind *kind)
{
  const char *list = differs (container, kind, "limits") ? "limits" : "requests";

  return kube_resources_get (kube_value_get (container->spec, "resources"), list, kind->name) -
         kube_resources_get (get_actual (container), list, kind->name);
}

/* What has to end first, else who gets less, else who gets more. */
static KubePodContainer *
find_stale (KubePodWorker *worker, const Kind *kind)
{
  KubePodContainer *found = NULL;

  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    if (!is_stale (container, kind))
      continue;
    if (container->step == KUBE_STEP_STOPPING || wants_restart (container, kind))
      return container;
    if (found == NULL || (growth (found, kind) > 0 && growth (container, kind) < 0))
      found = container;
  }
  return found;
}

static gboolean
is_any_stale (KubePodWorker *worker)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (find_stale (worker, &kinds[i]) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* What an earlier agent had begun, whether it told the API of it or not. */
void
kube_pod_resize_init (KubePodWorker *worker)
{
  KubeValue *old = kube_value_find_element (kube_value_get (worker->sent, "conditions"), "type", IN_PROGRESS);
  const char *since = kube_value_get_string (old, "lastTransitionTime");
  KubeResizeState *state = &worker->in_progress;

  if (old != NULL || is_any_stale (worker))
    set_state (worker, state, g_strcmp0 (kube_value_get_string (old, "reason"), "Error") == 0 ? "Error" : NULL,
               kube_value_get_string (old, "message"),
               kube_value_get_integer (old, "observedGeneration", kube_object_get_generation (worker->pod)));
  if (since != NULL)
    kube_time_parse (since, &state->since, NULL);
}

/* A limit below what is used would end in a kill. */
static char *
find_obstacle (KubePodWorker *worker)
{
  for (guint i = 0; i < worker->containers->len; i++) {
    KubePodContainer *container = worker->containers->pdata[i];
    KubeContainerUsage usage;
    if (!is_stale (container, &kinds[0]) || wants_restart (container, &kinds[0]))
      continue;
    gint64 limit = kube_resources_get (kube_value_get (container->spec, "resources"), "limits", "memory");
    gint64 actual = kube_resources_get (get_actual (container), "limits", "memory");
    if (limit > 0 && (actual == 0 || limit < actual) && kube_runtime_get_usage (worker->node->runtime, container->info->id, &usage) &&
        usage.memory_working_set >= (guint64) limit)
      return g_strdup_printf ("cannot decrease memory limits: attempting to set container \"%s\" memory limit (%" G_GINT64_FORMAT
                              ") below current usage (%" G_GUINT64_FORMAT ")",
                              container->name, limit, usage.memory_working_set);
  }
  return NULL;
}

static gboolean
on_retry (gpointer data)
{
  KubePodWorker *worker = kube_pod_worker_ref (data);

  g_clear_pointer (&worker->resize_timer, g_source_unref);
  kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
  return G_SOURCE_REMOVE;
}

/* It stays in progress, and is tried again. */
static void
fail (KubePodWorker *worker, const char *message)
{
  gboolean told = g_strcmp0 (worker->in_progress.reason, "Error") == 0 && g_strcmp0 (worker->in_progress.message, message) == 0;
  gint64 generation = worker->in_progress.since > 0 ? worker->in_progress.generation : kube_object_get_generation (worker->pod);

  set_state (worker, &worker->in_progress, "Error", message, generation);
  if (!told) {
    g_autofree char *summary = summarize (worker->pod, generation, message);
    kube_pod_worker_event (worker, NULL, "Warning", "ResizeError", "Pod resize error: %s", summary);
  }
  kube_clear_source (&worker->resize_timer);
  worker->resize_timer = kube_clock_add_timeout (worker->node->clock, RETRY_DELAY, on_retry, worker);
}

static void
end_update (KubePodWorker *worker, const GError *error)
{
  worker->resizing = FALSE;
  if (worker->gone != NULL && error != NULL && worker->state == KUBE_WORKER_RUNNING)
    fail (worker, error->message);
  kube_pod_worker_step (worker);
  kube_pod_worker_unref (worker);
}

static void
on_pod_updated (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  kube_runtime_update_pod_finish (KUBE_RUNTIME (object), result, &error);
  end_update (data, error);
}

typedef struct {
  KubePodWorker *worker;
  KubePodContainer *container;
} Update;

static void
on_container_updated (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Update *update = data;
  KubePodContainer *container = update->container;
  KubePodWorker *worker = update->worker;
  g_autoptr (GError) error = NULL;
  gboolean good = kube_runtime_update_container_finish (KUBE_RUNTIME (object), result, &error);

  if (good && container->info != NULL)
    kube_pod_container_refresh (container);
  /* it ended meanwhile: its next instance has what it shall have */
  gboolean ended = container->info == NULL || container->info->state != KUBE_CONTAINER_RUNNING;
  end_update (worker, ended ? NULL : error);
}

/* What it has now, with one resource of what it shall have. */
static KubeValue *
mix (KubePodContainer *container, const Kind *kind)
{
  static const char *const lists[] = { "requests", "limits" };
  KubeValue *wanted = kube_value_get (container->spec, "resources");
  g_autoptr (KubeBuilder) builder = kube_builder_new (get_actual (container));
  KubeNode *root = kube_builder_get_root (builder);

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *value = kube_value_get_member (kube_value_get_member (wanted, lists[l]), kind->name);
    if (value != NULL)
      kube_node_put_value (kube_node_ensure_object (root, lists[l]), kind->name, value);
    else if (kube_node_get_member (root, lists[l]) != NULL)
      kube_node_remove (kube_node_get_member (root, lists[l]), kind->name);
  }
  return kube_builder_end (builder);
}

static void
update_container (KubePodContainer *container, const Kind *kind)
{
  KubePodWorker *worker = container->worker;
  g_autoptr (KubeValue) of = mix (container, kind);
  g_autoptr (KubeValue) resources = kube_container_config_make_resources (container, of);
  Update *update = g_new0 (Update, 1);

  update->worker = kube_pod_worker_ref (worker);
  update->container = container;
  worker->resizing = TRUE;
  kube_runtime_update_container_async (worker->node->runtime, container->info->id, resources, on_container_updated, update);
}

static void
restart_container (KubePodContainer *container)
{
  KubePodWorker *worker = container->worker;
  g_autofree char *message = g_strdup_printf ("Container %s resize requires restart", container->name);

  container->restart_now = TRUE;
  kube_pod_container_stop (container, kube_pod_worker_after (worker, kube_pod_worker_get_grace (worker)), message);
}

/* One value of the pod's own cgroup. @grow: only if it becomes more, else only if it becomes less. TRUE: it is under way. A limit that the pod has no more stays, as upstream's does. */
static gboolean
update_pod (KubePodWorker *worker, const char *key, gboolean grow)
{
  if (key == NULL)
    return FALSE;
  g_autoptr (KubeValue) pod = kube_runtime_dup_pod (worker->node->runtime, worker->uid);
  g_autoptr (KubeValue) config = kube_pod_config_make (worker);
  KubeValue *actual = kube_value_get (pod, "resources"), *wanted = kube_value_get (config, "resources");
  gint64 from = kube_value_get_integer (actual, key, 0), to = kube_value_get_integer (wanted, key, 0);

  if (pod == NULL || to == 0 || from == to || (to > from) != grow)
    return FALSE;
  g_autoptr (KubeBuilder) builder = kube_builder_new (actual);
  KubeNode *root = kube_builder_get_root (builder);
  kube_node_set_integer (root, key, to);
  if (g_str_equal (key, "cpuQuota"))
    kube_node_set_integer (root, "cpuPeriod", kube_value_get_integer (wanted, "cpuPeriod", 0));
  g_autoptr (KubeValue) resources = kube_builder_end (builder);
  worker->resizing = TRUE;
  kube_runtime_update_pod_async (worker->node->runtime, worker->uid, resources, on_pod_updated, kube_pod_worker_ref (worker));
  return TRUE;
}

/* TRUE: something is under way. The pod's own limits grow before its containers', and shrink after them. */
static gboolean
take_step (KubePodWorker *worker, const Kind *kind)
{
  KubePodContainer *container;

  if (update_pod (worker, kind->limit, TRUE) || update_pod (worker, kind->request, TRUE))
    return TRUE;
  container = find_stale (worker, kind);
  if (container != NULL && (container->step == KUBE_STEP_STOPPING || container->step == KUBE_STEP_BUSY))
    return TRUE;
  if (container != NULL && wants_restart (container, kind)) {
    restart_container (container);
    return TRUE;
  }
  if (container != NULL) {
    update_container (container, kind);
    return TRUE;
  }
  return update_pod (worker, kind->request, FALSE) || update_pod (worker, kind->limit, FALSE);
}

void
kube_pod_resize_step (KubePodWorker *worker)
{
  if (worker->in_progress.since == 0 || worker->resizing || worker->resize_timer != NULL || worker->state != KUBE_WORKER_RUNNING)
    return;
  g_autofree char *obstacle = find_obstacle (worker);
  if (obstacle != NULL) {
    fail (worker, obstacle);
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (take_step (worker, &kinds[i]))
      return;
  }
  gint64 generation = worker->in_progress.generation;
  g_autofree char *summary = summarize (worker->pod, generation, NULL);
  clear_state (&worker->in_progress);
  kube_pod_worker_event (worker, NULL, "Normal", "ResizeCompleted", "Pod resize completed: %s", summary);
}
