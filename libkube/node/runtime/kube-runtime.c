/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-runtime.h>

G_DEFINE_INTERFACE (KubeRuntime, kube_runtime, G_TYPE_OBJECT)

static guint changed_signal;

static void
kube_runtime_default_init (KubeRuntimeInterface *iface)
{
  /**
   * KubeRuntime::changed:
   * @runtime: a runtime
   * @id: a container
   *
   * A container ended, or began, without being asked for.
   *
   * Since: 1.0
   */
  changed_signal = g_signal_new ("changed", KUBE_TYPE_RUNTIME, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                 G_TYPE_STRING);
}

G_DEFINE_BOXED_TYPE (KubeContainer, kube_container, kube_container_copy, kube_container_free)

/**
 * kube_container_copy:
 * @container: a container
 *
 * Returns: (transfer full): a copy
 * Since: 1.0
 */
KubeContainer *
kube_container_copy (const KubeContainer *container)
{
  KubeContainer *copy = g_new (KubeContainer, 1);

  *copy = *container;
  copy->id = g_strdup (container->id);
  copy->pod_uid = g_strdup (container->pod_uid);
  copy->config = container->config != NULL ? kube_value_ref (container->config) : NULL;
  copy->reason = g_strdup (container->reason);
  copy->message = g_strdup (container->message);
  return copy;
}

/**
 * kube_container_free:
 * @container: (transfer full): a container
 *
 * Since: 1.0
 */
void
kube_container_free (KubeContainer *container)
{
  g_free (container->id);
  g_free (container->pod_uid);
  g_clear_pointer (&container->config, kube_value_unref);
  g_free (container->reason);
  g_free (container->message);
  g_free (container);
}

/**
 * kube_runtime_emit_changed:
 * @runtime: a runtime
 * @id: a container
 *
 * For implementations, on the runtime's context.
 *
 * Since: 1.0
 */
void
kube_runtime_emit_changed (KubeRuntime *runtime, const char *id)
{
  g_signal_emit (runtime, changed_signal, 0, id);
}

/**
 * kube_runtime_get_version:
 * @runtime: a runtime
 * @name: (out) (transfer full): the runtime's name
 * @version: (out) (transfer full): its version
 *
 * Says what runs the containers.
 *
 * Since: 1.0
 */
void
kube_runtime_get_version (KubeRuntime *runtime, char **name, char **version)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->get_version (runtime, name, version);
}

/**
 * kube_runtime_start_pod_async:
 * @runtime: a runtime
 * @config: the configuration, see #KubeRuntime
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Makes a pod's namespaces and its cgroup; a pod that is there already is left as it is.
 *
 * Since: 1.0
 */
void
kube_runtime_start_pod_async (KubeRuntime *runtime, KubeValue *config, GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->start_pod_async (runtime, config, callback, user_data);
}

/**
 * kube_runtime_start_pod_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether it went well
 * Since: 1.0
 */
gboolean
kube_runtime_start_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->start_pod_finish (runtime, result, error);
}

/**
 * kube_runtime_stop_pod_async:
 * @runtime: a runtime
 * @uid: uid of a pod
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Kills a pod's containers and takes its namespaces away; what is known of the containers stays, and their logs.
 *
 * Since: 1.0
 */
void
kube_runtime_stop_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->stop_pod_async (runtime, uid, callback, user_data);
}

/**
 * kube_runtime_stop_pod_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether it went well
 * Since: 1.0
 */
gboolean
kube_runtime_stop_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->stop_pod_finish (runtime, result, error);
}

/**
 * kube_runtime_remove_pod_async:
 * @runtime: a runtime
 * @uid: uid of a pod
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Kills and removes a pod with all its containers; one that is not there is no error.
 *
 * Since: 1.0
 */
void
kube_runtime_remove_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->remove_pod_async (runtime, uid, callback, user_data);
}

/**
 * kube_runtime_remove_pod_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether it went well
 * Since: 1.0
 */
gboolean
kube_runtime_remove_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->remove_pod_finish (runtime, result, error);
}

/**
 * kube_runtime_dup_netns:
 * @runtime: a runtime
 * @uid: uid of a pod
 *
 * Returns: (transfer full) (nullable): path of the pod's own network namespace
 * Since: 1.0
 */
char *
kube_runtime_dup_netns (KubeRuntime *runtime, const char *uid)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->dup_netns (runtime, uid);
}

/**
 * kube_runtime_has_pod:
 * @runtime: a runtime
 * @uid: uid of a pod
 *
 * Returns: whether the pod has its namespaces
 * Since: 1.0
 */
gboolean
kube_runtime_has_pod (KubeRuntime *runtime, const char *uid)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->has_pod (runtime, uid);
}

/**
 * kube_runtime_list_pods:
 * @runtime: a runtime
 *
 * Returns: (transfer full): uids of all pods
 * Since: 1.0
 */
GStrv
kube_runtime_list_pods (KubeRuntime *runtime)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->list_pods (runtime);
}

/**
 * kube_runtime_create_container_async:
 * @runtime: a runtime
 * @uid: uid of a pod
 * @config: the configuration, see #KubeRuntime
 * @image: the image to run
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Makes a container ready to start: root file system, configuration.
 *
 * Since: 1.0
 */
void
kube_runtime_create_container_async (KubeRuntime *runtime, const char *uid, KubeValue *config, KubeImage *image,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->create_container_async (runtime, uid, config, image, callback, user_data);
}

/**
 * kube_runtime_create_container_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: (transfer full): the container's id
 * Since: 1.0
 */
char *
kube_runtime_create_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->create_container_finish (runtime, result, error);
}

/**
 * kube_runtime_start_container_async:
 * @runtime: a runtime
 * @id: id of a container
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Starts a created container. Where its command cannot be run, the container is left exited with the reason `StartError`.
 *
 * Since: 1.0
 */
void
kube_runtime_start_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->start_container_async (runtime, id, callback, user_data);
}

/**
 * kube_runtime_start_container_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether it went well
 * Since: 1.0
 */
gboolean
kube_runtime_start_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->start_container_finish (runtime, result, error);
}

/**
 * kube_runtime_stop_container:
 * @runtime: a runtime
 * @id: id of a container
 * @grace: microseconds between the stop signal and SIGKILL
 *
 * Asks a container to end, and makes it; #KubeRuntime::changed tells when it has.
 *
 * Since: 1.0
 */
void
kube_runtime_stop_container (KubeRuntime *runtime, const char *id, gint64 grace)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->stop_container (runtime, id, grace);
}

/**
 * kube_runtime_remove_container_async:
 * @runtime: a runtime
 * @id: id of a container
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Removes a container that has ended, or was never started; its log stays.
 *
 * Since: 1.0
 */
void
kube_runtime_remove_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->remove_container_async (runtime, id, callback, user_data);
}

/**
 * kube_runtime_remove_container_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether it went well
 * Since: 1.0
 */
gboolean
kube_runtime_remove_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->remove_container_finish (runtime, result, error);
}

/**
 * kube_runtime_dup_container:
 * @runtime: a runtime
 * @id: id of a container
 *
 * Returns: (transfer full) (nullable): the container
 * Since: 1.0
 */
KubeContainer *
kube_runtime_dup_container (KubeRuntime *runtime, const char *id)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->dup_container (runtime, id);
}

/**
 * kube_runtime_list_containers:
 * @runtime: a runtime
 * @uid: (nullable): uid of a pod; %NULL: of all
 *
 * Returns: (transfer container) (element-type KubeContainer): the containers of a pod, or of all
 * Since: 1.0
 */
GPtrArray *
kube_runtime_list_containers (KubeRuntime *runtime, const char *uid)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->list_containers (runtime, uid);
}

/**
 * kube_runtime_update_container_async:
 * @runtime: a runtime
 * @id: id of a container
 * @resources: what its configuration's `resources` are from now on
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Gives a running container other resources, without a restart; what @resources does not name stays as it is. The configuration that the runtime knows changes with it.
 *
 * Since: 1.0
 */
void
kube_runtime_update_container_async (KubeRuntime *runtime, const char *id, KubeValue *resources, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->update_container_async (runtime, id, resources, callback, user_data);
}

/**
 * kube_runtime_update_container_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether the kernel took them
 * Since: 1.0
 */
gboolean
kube_runtime_update_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->update_container_finish (runtime, result, error);
}

/**
 * kube_runtime_update_pod_async:
 * @runtime: a runtime
 * @uid: uid of a pod
 * @resources: what its configuration's `resources` are from now on
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Gives a running pod other resources, without a restart; what @resources does not name stays as it is. The configuration that the runtime knows changes with it.
 *
 * Since: 1.0
 */
void
kube_runtime_update_pod_async (KubeRuntime *runtime, const char *uid, KubeValue *resources, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->update_pod_async (runtime, uid, resources, callback, user_data);
}

/**
 * kube_runtime_update_pod_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether the kernel took them
 * Since: 1.0
 */
gboolean
kube_runtime_update_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->update_pod_finish (runtime, result, error);
}

/**
 * kube_runtime_dup_pod:
 * @runtime: a runtime
 * @uid: uid of a pod
 *
 * Returns: (transfer full) (nullable): the pod's configuration, with the resources that it has now; %NULL where it is not there
 * Since: 1.0
 */
KubeValue *
kube_runtime_dup_pod (KubeRuntime *runtime, const char *uid)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->dup_pod (runtime, uid);
}

/**
 * kube_runtime_get_usage:
 * @runtime: a runtime
 * @id: id of a container
 * @usage: (out caller-allocates): what it used
 *
 * Returns: whether it is known
 * Since: 1.0
 */
gboolean
kube_runtime_get_usage (KubeRuntime *runtime, const char *id, KubeContainerUsage *usage)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->get_usage (runtime, id, usage);
}

/**
 * kube_runtime_exec_async:
 * @runtime: a runtime
 * @id: id of a container
 * @options: what to run, or to read
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Runs a command in a container, or attaches to its own process.
 *
 * Since: 1.0
 */
void
kube_runtime_exec_async (KubeRuntime *runtime, const char *id, const KubeExecOptions *options, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->exec_async (runtime, id, options, cancellable, callback, user_data);
}

/**
 * kube_runtime_exec_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: (transfer full): the running command
 * Since: 1.0
 */
KubeExec *
kube_runtime_exec_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->exec_finish (runtime, result, error);
}

/**
 * kube_runtime_open_log:
 * @runtime: a runtime
 * @id: id of a container
 * @options: what to run, or to read
 * @error: return location
 *
 * Reads a container's log; a log that is gone is an empty one.
 *
 * Returns: (transfer full): the log
 * Since: 1.0
 */
GInputStream *
kube_runtime_open_log (KubeRuntime *runtime, const char *id, const KubeLogOptions *options, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->open_log (runtime, id, options, error);
}

/**
 * kube_runtime_reopen_log:
 * @runtime: a runtime
 * @id: id of a container
 *
 * The file of a container's log was renamed: what it writes from now on goes to a new one of the old name.
 *
 * Returns: whether it does; %FALSE where nobody writes the log any more
 * Since: 1.0
 */
gboolean
kube_runtime_reopen_log (KubeRuntime *runtime, const char *id)
{
  KubeRuntimeInterface *iface = KUBE_RUNTIME_GET_IFACE (runtime);

  return iface->reopen_log != NULL && iface->reopen_log (runtime, id);
}

/**
 * kube_runtime_dial_async:
 * @runtime: a runtime
 * @uid: uid of a pod
 * @port: a TCP port
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Connects to a port of a pod, inside of its network namespace.
 *
 * Since: 1.0
 */
void
kube_runtime_dial_async (KubeRuntime *runtime, const char *uid, guint16 port, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_RUNTIME_GET_IFACE (runtime)->dial_async (runtime, uid, port, cancellable, callback, user_data);
}

/**
 * kube_runtime_dial_finish:
 * @runtime: a runtime
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: (transfer full): the connection
 * Since: 1.0
 */
GIOStream *
kube_runtime_dial_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return KUBE_RUNTIME_GET_IFACE (runtime)->dial_finish (runtime, result, error);
}
