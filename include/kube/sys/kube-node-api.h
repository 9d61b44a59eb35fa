/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-object.h>

G_BEGIN_DECLS

/**
 * KubeNodeApi:
 *
 * What an API server asks of a node for a client: logs, exec, attach, port-forward. The node agent implements it; a server in the same process calls it directly,
 * another one reaches it through the node's own HTTPS port (10250), whose client implements it too. Async callbacks come on the caller's thread-default main context,
 * whatever thread the node agent lives on.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_NODE_API (kube_node_api_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeNodeApi, kube_node_api, KUBE, NODE_API, GObject)

/**
 * KubeLogOptions:
 * @container: which container
 * @follow: go on with what is written later, until the container ends
 * @previous: the log of the instance before the running one
 * @timestamps: each line begins with its RFC 3339 time with nanoseconds and a space
 * @since_time: microseconds since the epoch, or -1
 * @tail_lines: at most so many of the last lines, or -1
 * @limit_bytes: at most so many bytes, or -1
 * @stream: (nullable): "All", "Stdout", "Stderr"
 *
 * Which part of a container's log, and how.
 *
 * Since: 1.0
 */
typedef struct {
  const char *container;
  gboolean follow, previous, timestamps;
  gint64 since_time, tail_lines, limit_bytes;
  const char *stream;
  gpointer reserved[4];
} KubeLogOptions;

/**
 * KubeExecOptions:
 * @container: which container
 * @argv: (nullable) (array zero-terminated=1): the command; %NULL: attach to the container's own process
 * @stdin_open: whether it is given input
 * @stdout_open: whether its output is read
 * @stderr_open: whether its errors are read; not with @tty
 * @tty: on a terminal
 *
 * A command in a container, or its own process.
 *
 * Since: 1.0
 */
typedef struct {
  const char *container;
  const char *const *argv;
  gboolean stdin_open, stdout_open, stderr_open, tty;
  gpointer reserved[4];
} KubeExecOptions;

/**
 * KubeExec:
 *
 * A command that runs in a container. Derived by node agents. It begins running at kube_node_api_exec_finish(); the streams are for one thread.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_EXEC (kube_exec_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (KubeExec, kube_exec, KUBE, EXEC, GObject)

struct _KubeExecClass {
  GObjectClass parent;
  GOutputStream *(*get_stdin) (KubeExec *exec); /* (transfer none) (nullable) */
  GInputStream *(*get_stdout) (KubeExec *exec);
  GInputStream *(*get_stderr) (KubeExec *exec);
  void (*resize) (KubeExec *exec, guint columns, guint rows);
  /* after stdout and stderr ended: the exit code */
  void (*wait_async) (KubeExec *exec, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*wait_finish) (KubeExec *exec, GAsyncResult *result, int *exit_code, GError **error);
  /* the client has gone: end it */
  void (*close) (KubeExec *exec);
  gpointer reserved[4];
};

struct _KubeNodeApiInterface {
  GTypeInterface parent;
  void (*open_log_async) (KubeNodeApi *api, KubeObject *pod, const KubeLogOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  GInputStream *(*open_log_finish) (KubeNodeApi *api, GAsyncResult *result, GError **error);
  void (*exec_async) (KubeNodeApi *api, KubeObject *pod, const KubeExecOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  KubeExec *(*exec_finish) (KubeNodeApi *api, GAsyncResult *result, GError **error);
  /* a connection to a port of the pod */
  void (*dial_async) (KubeNodeApi *api, KubeObject *pod, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  GIOStream *(*dial_finish) (KubeNodeApi *api, GAsyncResult *result, GError **error);
  gpointer reserved[6];
};

KUBE_AVAILABLE_IN_1_0
void kube_node_api_open_log_async (KubeNodeApi *api, KubeObject *pod, const KubeLogOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
GInputStream *kube_node_api_open_log_finish (KubeNodeApi *api, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_node_api_exec_async (KubeNodeApi *api, KubeObject *pod, const KubeExecOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
KubeExec *kube_node_api_exec_finish (KubeNodeApi *api, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_node_api_dial_async (KubeNodeApi *api, KubeObject *pod, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
GIOStream *kube_node_api_dial_finish (KubeNodeApi *api, GAsyncResult *result, GError **error);

KUBE_AVAILABLE_IN_1_0
GOutputStream *kube_exec_get_stdin (KubeExec *exec);
KUBE_AVAILABLE_IN_1_0
GInputStream *kube_exec_get_stdout (KubeExec *exec);
KUBE_AVAILABLE_IN_1_0
GInputStream *kube_exec_get_stderr (KubeExec *exec);
KUBE_AVAILABLE_IN_1_0
void kube_exec_resize (KubeExec *exec, guint columns, guint rows);
KUBE_AVAILABLE_IN_1_0
void kube_exec_wait_async (KubeExec *exec, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_exec_wait_finish (KubeExec *exec, GAsyncResult *result, int *exit_code, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_exec_close (KubeExec *exec);

G_END_DECLS
