/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"
#include <kube/kube-time.h>

#define CHUNK (32 * 1024)
#define MAX_QUEUED (1024 * 1024)

typedef struct {
  KubeOperation *op;
  KubeNodeApi *node;
  GInputStream *stream; /* (nullable) */
  gboolean waiting;
} Log;

static void log_read (Log *log);

static void
log_free (Log *log)
{
  kube_call_set_drain_func (log->op->call, NULL, NULL);
  g_clear_object (&log->stream);
  g_object_unref (log->node);
  kube_operation_unref (log->op);
  g_free (log);
}

static gboolean
on_drained (gpointer user_data)
{
  Log *log = user_data;

  if (log->waiting) {
    log->waiting = FALSE;
    log_read (log);
  }
  return G_SOURCE_CONTINUE;
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Log *log = user_data;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);

  if (bytes == NULL || g_bytes_get_size (bytes) == 0) {
    kube_call_end_stream (log->op->call, NULL);
    log_free (log);
    return;
  }
  kube_call_push (log->op->call, bytes);
  log->waiting = kube_call_get_queued (log->op->call) > MAX_QUEUED;
  if (!log->waiting || g_cancellable_is_cancelled (kube_call_get_cancellable (log->op->call)))
    log_read (log);
}

static void
log_read (Log *log)
{
  g_input_stream_read_bytes_async (log->stream, CHUNK, G_PRIORITY_DEFAULT, kube_call_get_cancellable (log->op->call), on_read, log);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Log *log = user_data;
  g_autoptr (GError) error = NULL;

  log->stream = kube_node_api_open_log_finish (KUBE_NODE_API (source), result, &error);
  if (log->stream == NULL) {
    kube_operation_answer_error (log->op, error);
    log_free (log);
    return;
  }
  if (kube_pod_log_wants_socket (log->op)) {
    kube_pod_log_serve_socket (log->op, log->stream);
    log_free (log);
    return;
  }
  kube_call_begin_stream (log->op->call, 200, "text/plain");
  kube_call_set_drain_func (log->op->call, on_drained, log);
  log_read (log);
}

static void
check_number (KubeFieldErrors *errors, KubeOperation *op, const char *name, gint64 value, gint64 least)
{
  const char *given = kube_call_get_query (op->call, name);

  if (given != NULL && *given != '\0' && value < least)
    kube_field_errors_invalid_integer (errors, KUBE_FIELD (NULL, name), value, least == 0 ? "must be greater than or equal to 0" : "must be greater than 0");
}

gboolean
kube_pod_read_log_options (KubeOperation *op, KubeLogOptions *options, GError **error)
{
  const char *since_time = kube_call_get_query (op->call, "sinceTime"), *since_seconds = kube_call_get_query (op->call, "sinceSeconds");
  g_auto (KubeFieldErrors) errors = { NULL };
  gint64 since = -1;
  GError *invalid;

  options->follow = kube_operation_get_flag (op, "follow");
  options->previous = kube_operation_get_flag (op, "previous");
  options->timestamps = kube_operation_get_flag (op, "timestamps");
  options->since_time = options->tail_lines = options->limit_bytes = -1;
  if (!kube_operation_get_integer (op, "tailLines", &options->tail_lines, error) || !kube_operation_get_integer (op, "limitBytes", &options->limit_bytes, error)
      || !kube_operation_get_integer (op, "sinceSeconds", &since, error))
    return FALSE;
  if (since_time != NULL && *since_time != '\0' && !kube_time_parse (since_time, &options->since_time, error))
    return FALSE;
  check_number (&errors, op, "tailLines", options->tail_lines, 0);
  check_number (&errors, op, "limitBytes", options->limit_bytes, 1);
  if (since_seconds != NULL && *since_seconds != '\0' && options->since_time >= 0)
    kube_field_errors_forbidden (&errors, KUBE_FIELD_KEY (NULL, ""), "at most one of `sinceTime` or `sinceSeconds` may be specified");
  else
    check_number (&errors, op, "sinceSeconds", since, 1);
  /* behind a gate that is closed by default */
  if (kube_call_get_query (op->call, "stream") != NULL)
    kube_field_errors_forbidden (&errors, KUBE_FIELD (NULL, "stream"), "may not be specified");
  if (since > 0 && options->since_time < 0)
    options->since_time = kube_clock_get_time (op->clock) - since * G_TIME_SPAN_SECOND;
  invalid = kube_field_errors_to_error (&errors, "", "PodLogOptions", op->info.name);
  if (invalid != NULL)
    g_propagate_error (error, invalid);
  return invalid == NULL;
}

void
kube_pod_stream_log (KubeOperation *op, KubeNodeApi *node, KubeObject *pod, const KubeLogOptions *options)
{
  Log *log = g_new0 (Log, 1);

  log->op = kube_operation_ref (op);
  log->node = g_object_ref (node);
  kube_node_api_open_log_async (node, pod, options, kube_call_get_cancellable (op->call), on_opened, log);
}
