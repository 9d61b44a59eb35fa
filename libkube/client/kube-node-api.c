/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-node-api.h>

G_DEFINE_INTERFACE (KubeNodeApi, kube_node_api, G_TYPE_OBJECT)

static void
kube_node_api_default_init (KubeNodeApiInterface *iface)
{
}

/**
 * kube_node_api_open_log_async:
 * @api: a node
 * @pod: one of its pods
 * @options: which log, and how much of it
 * @cancellable: (nullable): ends the call early
 * @callback: (scope async): called at the end
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_node_api_open_log_async (KubeNodeApi *api, KubeObject *pod, const KubeLogOptions *options, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_NODE_API_GET_IFACE (api)->open_log_async (api, pod, options, cancellable, callback, user_data);
}

/**
 * kube_node_api_open_log_finish:
 * @api: a node
 * @result: what the callback got
 * @error: %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_BAD_REQUEST
 *
 * Returns: (transfer full): the log as a stream of bytes
 * Since: 1.0
 */
GInputStream *
kube_node_api_open_log_finish (KubeNodeApi *api, GAsyncResult *result, GError **error)
{
  return KUBE_NODE_API_GET_IFACE (api)->open_log_finish (api, result, error);
}

/**
 * kube_node_api_exec_async:
 * @api: a node
 * @pod: one of its pods
 * @options: what to run, with which streams
 * @cancellable: (nullable): ends the call early
 * @callback: (scope async): called at the end
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_node_api_exec_async (KubeNodeApi *api, KubeObject *pod, const KubeExecOptions *options, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_NODE_API_GET_IFACE (api)->exec_async (api, pod, options, cancellable, callback, user_data);
}

/**
 * kube_node_api_exec_finish:
 * @api: a node
 * @result: what the callback got
 * @error: %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_BAD_REQUEST
 *
 * Returns: (transfer full): what runs
 * Since: 1.0
 */
KubeExec *
kube_node_api_exec_finish (KubeNodeApi *api, GAsyncResult *result, GError **error)
{
  return KUBE_NODE_API_GET_IFACE (api)->exec_finish (api, result, error);
}

/**
 * kube_node_api_dial_async:
 * @api: a node
 * @pod: one of its pods
 * @port: a port of the pod
 * @cancellable: (nullable): ends the call early
 * @callback: (scope async): called at the end
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_node_api_dial_async (KubeNodeApi *api, KubeObject *pod, guint16 port, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_NODE_API_GET_IFACE (api)->dial_async (api, pod, port, cancellable, callback, user_data);
}

/**
 * kube_node_api_dial_finish:
 * @api: a node
 * @result: what the callback got
 * @error: %KUBE_ERROR_NOT_FOUND, or why there is no connection
 *
 * Returns: (transfer full): a connection to the port
 * Since: 1.0
 */
GIOStream *
kube_node_api_dial_finish (KubeNodeApi *api, GAsyncResult *result, GError **error)
{
  return KUBE_NODE_API_GET_IFACE (api)->dial_finish (api, result, error);
}

G_DEFINE_ABSTRACT_TYPE (KubeExec, kube_exec, G_TYPE_OBJECT)

static void
kube_exec_class_init (KubeExecClass *class)
{
}

static void
kube_exec_init (KubeExec *self)
{
}

/**
 * kube_exec_get_stdin:
 * @exec: what runs
 *
 * Returns: (transfer none) (nullable): its standard input, %NULL where that is not open
 * Since: 1.0
 */
GOutputStream *
kube_exec_get_stdin (KubeExec *exec)
{
  return KUBE_EXEC_GET_CLASS (exec)->get_stdin (exec);
}

/**
 * kube_exec_get_stdout:
 * @exec: what runs
 *
 * Returns: (transfer none) (nullable): its standard output
 * Since: 1.0
 */
GInputStream *
kube_exec_get_stdout (KubeExec *exec)
{
  return KUBE_EXEC_GET_CLASS (exec)->get_stdout (exec);
}

/**
 * kube_exec_get_stderr:
 * @exec: what runs
 *
 * Returns: (transfer none) (nullable): its standard error; with a terminal there is none
 * Since: 1.0
 */
GInputStream *
kube_exec_get_stderr (KubeExec *exec)
{
  return KUBE_EXEC_GET_CLASS (exec)->get_stderr (exec);
}

/**
 * kube_exec_resize:
 * @exec: what runs
 * @columns: width of the terminal
 * @rows: its height
 *
 * Since: 1.0
 */
void
kube_exec_resize (KubeExec *exec, guint columns, guint rows)
{
  KUBE_EXEC_GET_CLASS (exec)->resize (exec, columns, rows);
}

/**
 * kube_exec_wait_async:
 * @exec: what runs
 * @cancellable: (nullable): ends the call early
 * @callback: (scope async): called once it has ended and its output was read
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_exec_wait_async (KubeExec *exec, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_EXEC_GET_CLASS (exec)->wait_async (exec, cancellable, callback, user_data);
}

/**
 * kube_exec_wait_finish:
 * @exec: what runs
 * @result: what the callback got
 * @exit_code: (out): how it ended
 * @error: why that is not known
 *
 * Returns: whether @exit_code was set
 * Since: 1.0
 */
gboolean
kube_exec_wait_finish (KubeExec *exec, GAsyncResult *result, int *exit_code, GError **error)
{
  return KUBE_EXEC_GET_CLASS (exec)->wait_finish (exec, result, exit_code, error);
}

/**
 * kube_exec_close:
 * @exec: what runs
 *
 * Ends it: the client has gone.
 *
 * Since: 1.0
 */
void
kube_exec_close (KubeExec *exec)
{
  KUBE_EXEC_GET_CLASS (exec)->close (exec);
}
