/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include <kube/kube-node-agent.h>

#include "kube-node-admission.h"
#include "kube-node-status.h"
#include "kube-pod-worker.h"
#include "image/kube-image-private.h"
#include "volume/kube-volume.h"
#include "kube-source.h"

#include <string.h>

/**
 * KubeNodeAgent:
 *
 * Watches the pods that are bound to its node and has one worker for each, which brings the pod up, keeps its containers as the restart policy wants them, tells
 * the API what became of it, and in the end takes away its last trace. It registers the node and renews its lease. Everything happens on the main context that was
 * thread-default when it was made; containers belong to the runtime and outlive it.
 *
 * Since: 1.0
 */
struct _KubeNodeAgent {
  GObject parent;
  KubeNodeContext node;
  GMainContext *context;         /* (owned) */
  KubeNodeStatus *status;        /* (owned) */
  KubeInformer *pods;            /* (owned) (nullable) */
  KubeInformer *self_node;       /* (owned) (nullable): waits for the pod CIDR */
  GHashTable *workers;           /* (owned): uid -> KubePodWorker */
  GPtrArray *gone;               /* (owned): workers to free */
  GSource *gone_source;          /* (owned) (nullable) */
  GSource *network_timer;        /* (owned) (nullable) */
  char *pod_cidr, *cluster_cidr; /* (owned) (nullable) */
  gulong changed_handler;
  gboolean started;
};

static void node_api_init (KubeNodeApiInterface *iface);

G_DEFINE_TYPE_WITH_CODE (KubeNodeAgent, kube_node_agent, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (KUBE_TYPE_NODE_API, node_api_init))

static gboolean
free_gone (gpointer data)
{
  KubeNodeAgent *self = data;

  g_clear_pointer (&self->gone_source, g_source_unref);
  for (guint i = 0; i < self->gone->len; i++)
    kube_pod_worker_free (self->gone->pdata[i]);
  g_ptr_array_set_size (self->gone, 0);
  return G_SOURCE_REMOVE;
}

static void
on_worker_gone (KubePodWorker *worker, gpointer data)
{
  KubeNodeAgent *self = data;
  const char *uid = kube_pod_worker_get_uid (worker);
  gpointer key;

  if (g_hash_table_lookup (self->workers, uid) != worker)
    return;
  kube_info (3, "pod %s is gone", uid);
  g_hash_table_steal_extended (self->workers, uid, &key, NULL);
  g_free (key);
  g_ptr_array_add (self->gone, worker);
  if (self->gone_source == NULL) {
    self->gone_source = g_idle_source_new ();
    g_source_set_callback (self->gone_source, free_gone, self, NULL);
    g_source_attach (self->gone_source, self->context);
  }
}

/* Whether there is room; the scheduler saw to that, unless somebody else bound the pod. */
static gboolean
admit (KubeNodeAgent *self, KubePodWorker *worker)
{
  const char *resource;
  g_autofree char *why = NULL;

  if (kube_node_admission_has_room (self->node.admission, worker, kube_pod_worker_get_pod (worker), &resource, &why))
    return TRUE;
  g_autofree char *reason = g_strconcat ("OutOf", resource, NULL);
  g_autofree char *message = g_strconcat ("Pod was rejected: ", why, NULL);
  kube_pod_worker_reject (worker, reason, message);
  return FALSE;
}

static void
on_pod_added (KubeInformer *informer, KubeObject *pod, gpointer data)
{
  KubeNodeAgent *self = data;
  const char *uid = kube_object_get_uid (pod), *phase = kube_object_get_string (pod, "status.phase");
  gboolean ended = g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0;
  KubePodWorker *worker = g_hash_table_lookup (self->workers, uid);

  if (worker != NULL) {
    kube_pod_worker_update (worker, pod);
    return;
  }
  worker = kube_pod_worker_new (&self->node, pod, on_worker_gone, self);
  g_hash_table_insert (self->workers, g_strdup (uid), worker);
  /* what has begun here already was let in */
  if (!ended && kube_object_get_string (pod, "status.startTime") == NULL && !kube_runtime_has_pod (self->node.runtime, uid) &&
      !admit (self, worker))
    return;
  kube_pod_worker_poke (worker);
}

static void
on_pod_removed (KubeInformer *informer, KubeObject *pod, gpointer data)
{
  KubeNodeAgent *self = data;
  KubePodWorker *worker = g_hash_table_lookup (self->workers, kube_object_get_uid (pod));

  if (worker != NULL)
    kube_pod_worker_remove (worker);
}

static void
on_pod_updated (KubeInformer *informer, KubeObject *old, KubeObject *pod, gpointer data)
{
  /* another pod of the same name, made while nobody looked */
  if (g_strcmp0 (kube_object_get_uid (old), kube_object_get_uid (pod)) != 0)
    on_pod_removed (informer, old, data);
  on_pod_added (informer, pod, data);
}

static void
on_orphan_removed (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!kube_runtime_remove_pod_finish (KUBE_RUNTIME (object), result, &error))
    kube_warning ("what is left of a pod is not removed: %s", error->message);
}

static void
remove_orphan (KubeNodeAgent *self, const char *uid)
{
  kube_info (1, "pod %s was deleted while the agent was away", uid);
  kube_runtime_remove_pod_async (self->node.runtime, uid, on_orphan_removed, NULL);
  kube_network_detach_async (self->node.network, uid, NULL, NULL, NULL);
}

static void
remove_orphan_folders (KubeNodeAgent *self, const char *folder, gboolean is_log)
{
  g_autoptr (GDir) dir = folder != NULL ? g_dir_open (folder, 0, NULL) : NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    const char *uid = is_log ? strrchr (name, '_') : name;
    if (uid == NULL || g_hash_table_contains (self->workers, is_log ? uid + 1 : uid))
      continue;
    kube_volumes_remove (path);
  }
}

/* Everything that is here and belongs to no pod of the API. */
static void
on_pods_synced (KubeInformer *informer, gpointer data)
{
  KubeNodeAgent *self = data;
  g_auto (GStrv) pods = kube_runtime_list_pods (self->node.runtime);
  g_auto (GStrv) attached = kube_network_list (self->node.network);
  g_autoptr (GPtrArray) containers = kube_runtime_list_containers (self->node.runtime, NULL);
  g_autoptr (GHashTable) here = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer uid;

  for (char **pod = pods; *pod != NULL; pod++)
    g_hash_table_add (here, *pod);
  for (guint i = 0; i < containers->len; i++)
    g_hash_table_add (here, ((KubeContainer *) containers->pdata[i])->pod_uid);
  for (char **pod = attached; *pod != NULL; pod++)
    g_hash_table_add (here, *pod);
  g_hash_table_iter_init (&iter, here);
  while (g_hash_table_iter_next (&iter, &uid, NULL)) {
    if (*(const char *) uid != '\0' && !g_hash_table_contains (self->workers, uid))
      remove_orphan (self, uid);
  }
  remove_orphan_folders (self, self->node.pods_dir, FALSE);
  remove_orphan_folders (self, self->node.logs_dir, TRUE);
}

static void
foreach_worker (KubeNodeAgent *self, void (*func) (KubePodWorker *worker))
{
  g_autoptr (GList) workers = g_hash_table_get_values (self->workers);

  for (GList *l = workers; l != NULL; l = l->next)
    func (l->data);
}

static void
on_services_synced (KubeInformer *informer, gpointer data)
{
  foreach_worker (data, kube_pod_worker_poke);
}

static void
on_source_changed (const char *kind, const char *namespace_, const char *name, gpointer data)
{
  KubeNodeAgent *self = data;
  g_autoptr (GList) workers = g_hash_table_get_values (self->workers);

  for (GList *l = workers; l != NULL; l = l->next)
    kube_pod_worker_source_changed (l->data, kind, namespace_, name);
}

static void
on_container_changed (KubeRuntime *runtime, const char *id, gpointer data)
{
  KubeNodeAgent *self = data;
  g_autoptr (KubeContainer) info = kube_runtime_dup_container (runtime, id);
  KubePodWorker *worker = info != NULL ? g_hash_table_lookup (self->workers, info->pod_uid) : NULL;

  if (worker != NULL)
    kube_pod_worker_container_changed (worker, id);
}

/* With the lease's beat, so that it wakes nobody up by itself. */
static void
on_tick (gpointer data)
{
  KubeNodeAgent *self = data;

  foreach_worker (self, kube_pod_worker_rotate_logs);
  kube_node_admission_retry (self->node.admission);
}

static void set_up_network (KubeNodeAgent *self, const char *cidr);

static gboolean
on_network_time (gpointer data)
{
  KubeNodeAgent *self = data;
  g_autofree char *cidr = g_strdup (self->pod_cidr);

  g_clear_pointer (&self->network_timer, g_source_unref);
  set_up_network (self, cidr);
  return G_SOURCE_REMOVE;
}

static void
set_up_network (KubeNodeAgent *self, const char *cidr)
{
  g_autoptr (GError) error = NULL;

  if (self->pod_cidr != cidr) {
    g_free (self->pod_cidr);
    self->pod_cidr = g_strdup (cidr);
  }
  if (!kube_network_set_up (self->node.network, cidr, self->cluster_cidr, &error)) {
    kube_warning ("the pod network is not set up, trying again: %s", error->message);
    if (self->network_timer == NULL)
      self->network_timer = kube_clock_add_timeout (self->node.clock, 5 * G_USEC_PER_SEC, on_network_time, self);
    return;
  }
  if (self->node.network_ready)
    return;
  self->node.network_ready = TRUE;
  kube_node_status_changed (self->status);
  foreach_worker (self, kube_pod_worker_poke);
}

static void
on_node_seen (KubeInformer *informer, KubeObject *node, gpointer data)
{
  KubeNodeAgent *self = data;
  const char *cidr = kube_object_get_string (node, "spec.podCIDR");

  if (cidr != NULL && g_strcmp0 (cidr, self->pod_cidr) != 0)
    set_up_network (self, cidr);
}

static void
on_node_updated (KubeInformer *informer, KubeObject *old, KubeObject *node, gpointer data)
{
  on_node_seen (informer, node, data);
}

static KubeInformer *
make_informer (KubeNodeAgent *self, const char *kind, const char *field, const char *value)
{
  KubeInformer *informer = kube_informer_new (self->node.client, KUBE_KIND ("v1", kind), NULL);
  g_autofree char *selector = field != NULL ? g_strdup_printf ("%s=%s", field, value) : NULL;

  if (selector != NULL)
    kube_informer_set_selectors (informer, NULL, selector);
  kube_informer_set_clock (informer, self->node.clock);
  return informer;
}

/**
 * kube_node_agent_start:
 * @agent: an agent
 *
 * Registers the node and begins to run its pods; those whose containers run already are taken over.
 *
 * Since: 1.0
 */
void
kube_node_agent_start (KubeNodeAgent *agent)
{
  KubeNodeContext *node = &agent->node;

  g_return_if_fail (!agent->started);
  agent->started = TRUE;
  agent->changed_handler = g_signal_connect (node->runtime, "changed", G_CALLBACK (on_container_changed), agent);
  if (agent->pod_cidr != NULL) {
    g_autofree char *cidr = g_strdup (agent->pod_cidr);
    set_up_network (agent, cidr);
  } else {
    agent->self_node = make_informer (agent, "Node", "metadata.name", node->node_name);
    g_signal_connect (agent->self_node, "added", G_CALLBACK (on_node_seen), agent);
    g_signal_connect (agent->self_node, "updated", G_CALLBACK (on_node_updated), agent);
    kube_informer_start (agent->self_node);
  }
  if (node->images != NULL) {
    node->services = make_informer (agent, "Service", NULL, NULL);
    g_signal_connect (node->services, "synced", G_CALLBACK (on_services_synced), agent);
    kube_informer_start (node->services);
  }
  agent->pods = make_informer (agent, "Pod", "spec.nodeName", node->node_name);
  g_signal_connect (agent->pods, "added", G_CALLBACK (on_pod_added), agent);
  g_signal_connect (agent->pods, "updated", G_CALLBACK (on_pod_updated), agent);
  g_signal_connect (agent->pods, "removed", G_CALLBACK (on_pod_removed), agent);
  g_signal_connect (agent->pods, "synced", G_CALLBACK (on_pods_synced), agent);
  kube_informer_start (agent->pods);
  kube_node_status_start (agent->status);
}

static void
drop_informer (KubeNodeAgent *self, KubeInformer **informer)
{
  if (*informer == NULL)
    return;
  g_signal_handlers_disconnect_by_data (*informer, self);
  kube_informer_stop (*informer);
  g_clear_object (informer);
}

/**
 * kube_node_agent_stop:
 * @agent: an agent
 *
 * Lets go of everything. Containers run on; the Node stays registered.
 *
 * Since: 1.0
 */
void
kube_node_agent_stop (KubeNodeAgent *agent)
{
  if (!agent->started)
    return;
  agent->started = FALSE;
  g_signal_handler_disconnect (agent->node.runtime, agent->changed_handler);
  drop_informer (agent, &agent->pods);
  drop_informer (agent, &agent->self_node);
  g_hash_table_remove_all (agent->workers);
  if (agent->gone_source != NULL) {
    g_source_destroy (agent->gone_source);
    free_gone (agent);
  }
  drop_informer (agent, &agent->node.services);
  kube_clear_source (&agent->network_timer);
  g_clear_pointer (&agent->status, kube_node_status_free);
}

static void
kube_node_agent_finalize (GObject *object)
{
  KubeNodeAgent *self = KUBE_NODE_AGENT (object);
  KubeNodeContext *node = &self->node;

  kube_node_agent_stop (self);
  g_clear_pointer (&self->status, kube_node_status_free);
  g_hash_table_unref (self->workers);
  g_ptr_array_unref (self->gone);
  g_clear_pointer (&node->admission, kube_node_admission_free);
  g_clear_pointer (&node->puller, kube_image_puller_free);
  g_clear_pointer (&node->sources, kube_object_sources_free);
  g_clear_object (&node->recorder);
  g_clear_object (&node->client);
  g_clear_object (&node->clock);
  g_clear_object (&node->runtime);
  g_clear_object (&node->network);
  g_clear_object (&node->images);
  kube_value_unref (node->allocatable);
  char *strings[] = { node->node_name,   node->node_ip,        node->pods_dir, node->logs_dir,
                      node->cluster_dns, node->cluster_domain, self->pod_cidr, self->cluster_cidr };
  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++)
    g_free (strings[i]);
  g_main_context_unref (self->context);
  G_OBJECT_CLASS (kube_node_agent_parent_class)->finalize (object);
}

static void
kube_node_agent_class_init (KubeNodeAgentClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_node_agent_finalize;
}

static void
kube_node_agent_init (KubeNodeAgent *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->workers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kube_pod_worker_free);
  self->gone = g_ptr_array_new ();
}

/**
 * kube_node_agent_new:
 * @options: how it is made
 *
 * Returns: (transfer full): an agent for the thread-default main context
 * Since: 1.0
 */
KubeNodeAgent *
kube_node_agent_new (const KubeNodeAgentOptions *options)
{
  KubeNodeAgent *self = g_object_new (KUBE_TYPE_NODE_AGENT, NULL);
  KubeNodeContext *node = &self->node;

  node->client = g_object_ref (options->client);
  node->clock = g_object_ref (options->clock != NULL ? options->clock : kube_clock_get_real ());
  node->runtime = g_object_ref (options->runtime);
  node->network = g_object_ref (options->network);
  node->node_name = g_strdup (options->node_name);
  node->node_ip = options->node_ip != NULL ? g_strdup (options->node_ip) : kube_node_find_address ();
  node->cluster_dns = g_strdup (options->cluster_dns != NULL ? options->cluster_dns : "10.96.0.10");
  node->cluster_domain = g_strdup (options->cluster_domain != NULL ? options->cluster_domain : "cluster.local");
  node->allocatable = kube_node_measure (options, TRUE, &node->memory_capacity);
  node->recorder = kube_event_recorder_new (node->client, node->clock, "kubelet", node->node_name);
  node->sources = kube_object_sources_new (node->client, node->clock, on_source_changed, self);
  if (options->images != NULL && options->data_dir != NULL) {
    g_autofree char *data_dir = g_canonicalize_filename (options->data_dir, NULL);
    node->images = g_object_ref (options->images);
    node->puller = kube_image_puller_new (options->images, data_dir);
    node->pods_dir = g_build_filename (data_dir, "node", "pods", NULL);
    node->logs_dir = g_build_filename (data_dir, "node", "pod-logs", NULL);
  }
  self->pod_cidr = g_strdup (options->pod_cidr);
  self->cluster_cidr = g_strdup (options->cluster_cidr);
  node->admission = kube_node_admission_new (self->workers, node->allocatable, options->max_pods > 0 ? options->max_pods : 110);
  self->status = kube_node_status_new (node, options, on_tick, self);
  return self;
}

/* A request to the node from any thread: it is looked at on the agent's context, and answered on the caller's. */
typedef struct {
  KubeObject *pod;
  KubeLogOptions log;
  KubeExecOptions exec;
  char *container;
  char **argv;
  char *stream;
  guint16 port;
} Ask;

static void
ask_free (gpointer data)
{
  Ask *ask = data;

  kube_object_unref (ask->pod);
  g_free (ask->container);
  g_strfreev (ask->argv);
  g_free (ask->stream);
  g_free (ask);
}

static GTask *
ask_new (KubeNodeApi *api, KubeObject *pod, const char *container, gpointer tag, GCancellable *cancellable,
         GAsyncReadyCallback callback, gpointer user_data, Ask **ask_out)
{
  GTask *task = g_task_new (api, cancellable, callback, user_data);
  Ask *ask = g_new0 (Ask, 1);

  ask->pod = kube_object_ref (pod);
  ask->container = g_strdup (container != NULL && *container != '\0' ? container
                                                                     : kube_object_get_string (pod, "spec.containers.0.name"));
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, ask, ask_free);
  *ask_out = ask;
  return task;
}

static KubePodWorker *
find_worker (GTask *task)
{
  KubeNodeAgent *self = g_task_get_source_object (task);
  Ask *ask = g_task_get_task_data (task);
  KubePodWorker *worker = g_hash_table_lookup (self->workers, kube_object_get_uid (ask->pod));

  if (worker == NULL)
    g_task_return_new_error (task, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "pod %s_%s(%s) does not run on this node",
                             kube_object_get_name (ask->pod), kube_object_get_namespace (ask->pod),
                             kube_object_get_uid (ask->pod));
  return worker;
}

static void
invoke (GTask *task, GSourceFunc func)
{
  KubeNodeAgent *self = g_task_get_source_object (task);

  g_main_context_invoke_full (self->context, G_PRIORITY_DEFAULT, func, task, g_object_unref);
}

static gboolean
do_open_log (gpointer data)
{
  GTask *task = data;
  KubeNodeAgent *self = g_task_get_source_object (task);
  Ask *ask = g_task_get_task_data (task);
  KubePodWorker *worker = find_worker (task);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = worker != NULL ? kube_pod_worker_find_log (worker, ask->container, ask->log.previous, &error) : NULL;
  GInputStream *stream = id != NULL ? kube_runtime_open_log (self->node.runtime, id, &ask->log, &error) : NULL;

  if (stream != NULL)
    g_task_return_pointer (task, stream, g_object_unref);
  else if (worker != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  return G_SOURCE_REMOVE;
}

static void
agent_open_log_async (KubeNodeApi *api, KubeObject *pod, const KubeLogOptions *options, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  Ask *ask;
  GTask *task = ask_new (api, pod, options->container, agent_open_log_async, cancellable, callback, user_data, &ask);

  ask->log = *options;
  ask->log.container = ask->container;
  ask->log.stream = ask->stream = g_strdup (options->stream);
  invoke (task, do_open_log);
}

static GInputStream *
agent_open_log_finish (KubeNodeApi *api, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_exec (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  KubeExec *exec = kube_runtime_exec_finish (KUBE_RUNTIME (object), result, &error);

  if (exec != NULL)
    g_task_return_pointer (task, exec, g_object_unref);
  else
    g_task_return_error (task, error);
}

static gboolean
do_exec (gpointer data)
{
  GTask *task = data;
  KubeNodeAgent *self = g_task_get_source_object (task);
  Ask *ask = g_task_get_task_data (task);
  KubePodWorker *worker = find_worker (task);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = worker != NULL ? kube_pod_worker_find_running (worker, ask->container, &error) : NULL;

  if (id != NULL)
    kube_runtime_exec_async (self->node.runtime, id, &ask->exec, g_task_get_cancellable (task), on_exec, g_object_ref (task));
  else if (worker != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  return G_SOURCE_REMOVE;
}

static void
agent_exec_async (KubeNodeApi *api, KubeObject *pod, const KubeExecOptions *options, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer user_data)
{
  Ask *ask;
  GTask *task = ask_new (api, pod, options->container, agent_exec_async, cancellable, callback, user_data, &ask);

  ask->exec = *options;
  ask->exec.container = ask->container;
  ask->argv = g_strdupv ((char **) options->argv);
  ask->exec.argv = (const char *const *) ask->argv;
  invoke (task, do_exec);
}

static KubeExec *
agent_exec_finish (KubeNodeApi *api, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_dialed (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  GIOStream *stream = kube_runtime_dial_finish (KUBE_RUNTIME (object), result, &error);

  if (stream != NULL)
    g_task_return_pointer (task, stream, g_object_unref);
  else
    g_task_return_error (task, error);
}

static gboolean
do_dial (gpointer data)
{
  GTask *task = data;
  KubeNodeAgent *self = g_task_get_source_object (task);
  Ask *ask = g_task_get_task_data (task);

  if (find_worker (task) != NULL)
    kube_runtime_dial_async (self->node.runtime, kube_object_get_uid (ask->pod), ask->port, g_task_get_cancellable (task),
                             on_dialed, g_object_ref (task));
  return G_SOURCE_REMOVE;
}

static void
agent_dial_async (KubeNodeApi *api, KubeObject *pod, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback,
                  gpointer user_data)
{
  Ask *ask;
  GTask *task = ask_new (api, pod, NULL, agent_dial_async, cancellable, callback, user_data, &ask);

  ask->port = port;
  invoke (task, do_dial);
}

static GIOStream *
agent_dial_finish (KubeNodeApi *api, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
node_api_init (KubeNodeApiInterface *iface)
{
  iface->open_log_async = agent_open_log_async;
  iface->open_log_finish = agent_open_log_finish;
  iface->exec_async = agent_exec_async;
  iface->exec_finish = agent_exec_finish;
  iface->dial_async = agent_dial_async;
  iface->dial_finish = agent_dial_finish;
}
