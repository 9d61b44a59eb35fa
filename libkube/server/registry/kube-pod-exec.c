/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"

/* A command in a container, or its own process, over the channels of remotecommand: 0 stdin, 1 stdout, 2 stderr, 3 the outcome, 4 the terminal's size. */

enum { STDIN, STDOUT, STDERR, OUTCOME, RESIZE };

static const char *const protocols[] = { "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io", "v4.base64.channel.k8s.io", "base64.channel.k8s.io", NULL };

typedef struct {
  KubeOperation *op;
  KubeNodeApi *node;
  KubeExec *exec;             /* (nullable) */
  KubeStreamSession *session; /* (nullable) */
  KubePump *pumps[2];         /* (nullable): stdout, stderr */
  KubeSink *sink;             /* (nullable): stdin */
  guint open;                 /* outputs that have not ended */
  gboolean waiting;           /* for the exit code */
  gboolean closed;            /* the connection is gone */
} Exec;

static void
exec_free (Exec *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->pumps); i++)
    g_clear_pointer (&self->pumps[i], kube_pump_free);
  g_clear_pointer (&self->sink, kube_sink_free);
  g_clear_pointer (&self->session, kube_stream_session_unref);
  g_clear_object (&self->exec);
  g_object_unref (self->node);
  kube_operation_unref (self->op);
  g_free (self);
}

/* --- the outcome --- */

static gboolean
has_status (Exec *self)
{
  const char *protocol = kube_stream_session_get_protocol (self->session);
  return g_str_has_prefix (protocol, "v4.") || g_str_has_prefix (protocol, "v5.");
}

static void
send_outcome (Exec *self, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  kube_stream_session_send (self->session, OUTCOME, bytes);
}

static void
send_exit (Exec *self, int code)
{
  g_autofree char *text = NULL;

  if (code == 0) {
    if (has_status (self))
      send_outcome (self, "{\"metadata\":{},\"status\":\"Success\"}");
    return;
  }
  if (has_status (self))
    text = g_strdup_printf ("{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated with non-zero exit code: exit status %d\",\"reason\":\"NonZeroExitCode\","
                            "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"%d\"}]}}",
        code, code);
  else
    text = g_strdup_printf ("command terminated with non-zero exit code: exit status %d", code);
  send_outcome (self, text);
}

static void
send_failure (Exec *self, const GError *error)
{
  g_autofree char *status = has_status (self) ? kube_call_print_status (error, NULL) : NULL;
  send_outcome (self, status != NULL ? status : error->message);
}

static void
on_exited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exec *self = user_data;
  g_autoptr (GError) error = NULL;
  int code = 0;

  self->waiting = FALSE;
  if (!kube_exec_wait_finish (KUBE_EXEC (source), result, &code, &error) && !self->closed)
    send_failure (self, error);
  else if (!self->closed)
    send_exit (self, code);
  if (self->closed)
    exec_free (self);
  else
    kube_stream_session_close (self->session, 1000, NULL);
}

static void
output_ended (gpointer user_data)
{
  Exec *self = user_data;

  if (--self->open > 0)
    return;
  self->waiting = TRUE;
  kube_exec_wait_async (self->exec, NULL, on_exited, self);
}

/* --- what the client sends --- */

static void
on_data (KubeStreamSession *session, guint channel, GBytes *data, gpointer user_data)
{
  Exec *self = user_data;
  gsize length;
  const char *text = g_bytes_get_data (data, &length);

  if (channel == STDIN && self->sink != NULL) {
    kube_sink_write (self->sink, data);
  } else if (channel == RESIZE) {
    g_autoptr (KubeValue) size = kube_value_parse (text, (gssize) length, NULL);
    gint64 columns = kube_value_get_integer (size, "Width", 0), rows = kube_value_get_integer (size, "Height", 0);
    if (columns > 0 && rows > 0 && columns <= G_MAXUINT16 && rows <= G_MAXUINT16)
      kube_exec_resize (self->exec, (guint) columns, (guint) rows);
  }
}

static void
on_channel_closed (KubeStreamSession *session, guint channel, gpointer user_data)
{
  Exec *self = user_data;

  if (channel == STDIN && self->sink != NULL)
    kube_sink_end (self->sink);
}

static void
on_drained (KubeStreamSession *session, gpointer user_data)
{
  Exec *self = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (self->pumps); i++) {
    if (self->pumps[i] != NULL)
      kube_pump_resume (self->pumps[i]);
  }
}

static void
on_closed (KubeStreamSession *session, const GError *error, gpointer user_data)
{
  Exec *self = user_data;

  self->closed = TRUE;
  kube_exec_close (self->exec);
  if (!self->waiting)
    exec_free (self);
}

static void
start (Exec *self)
{
  static const KubeStreamSessionFuncs funcs = { .data = on_data, .channel_closed = on_channel_closed, .drained = on_drained, .closed = on_closed };
  GInputStream *outputs[] = { kube_exec_get_stdout (self->exec), kube_exec_get_stderr (self->exec) };
  GOutputStream *input = kube_exec_get_stdin (self->exec);

  if (input != NULL)
    self->sink = kube_sink_new (self->session, input);
  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++)
    self->open += outputs[i] != NULL;
  /* one more, so that a command without outputs ends too */
  self->open++;
  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    if (outputs[i] != NULL)
      self->pumps[i] = kube_pump_new (self->session, STDOUT + i, outputs[i], output_ended, self);
  }
  kube_stream_session_start (self->session, &funcs, self);
  output_ended (self);
}

static void
on_begun (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exec *self = user_data;
  g_autoptr (GError) error = NULL;

  self->exec = kube_node_api_exec_finish (KUBE_NODE_API (source), result, &error);
  if (self->exec != NULL)
    self->session = kube_call_upgrade (self->op->call, protocols, &error);
  if (self->session != NULL) {
    start (self);
    return;
  }
  if (self->exec != NULL)
    kube_exec_close (self->exec);
  kube_operation_answer_error (self->op, error);
  exec_free (self);
}

void
kube_pod_stream_exec (KubeOperation *op, KubeNodeApi *node, KubeObject *pod, const char *container)
{
  gboolean attach = g_str_equal (op->info.subresource, "attach");
  KubeExecOptions options = { .container = container, .argv = attach ? NULL : kube_call_get_query_all (op->call, "command") };
  const char *problem = NULL;
  Exec *self;

  options.stdin_open = kube_operation_get_flag (op, "stdin");
  options.stdout_open = kube_operation_get_flag (op, "stdout");
  options.tty = kube_operation_get_flag (op, "tty");
  options.stderr_open = kube_operation_get_flag (op, "stderr") && !options.tty;
  if (!attach && options.argv == NULL)
    problem = "you must specify at least one command";
  else if (!options.stdin_open && !options.stdout_open && !options.stderr_open)
    problem = "you must specify at least 1 of stdin, stdout, stderr";
  else if (kube_call_get_header (op->call, "Upgrade") == NULL)
    problem = "Upgrade request required";
  if (problem != NULL) {
    kube_operation_take_error (op, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, problem));
    return;
  }
  self = g_new0 (Exec, 1);
  self->op = kube_operation_ref (op);
  self->node = g_object_ref (node);
  kube_node_api_exec_async (node, pod, &options, kube_call_get_cancellable (op->call), on_begun, self);
}
