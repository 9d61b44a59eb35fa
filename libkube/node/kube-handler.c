/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-handler.h"
#include "kube-grpc-health.h"
#include "kube-source.h"

#include <stdlib.h>
#include <string.h>

#define MAX_OUTPUT (10 * 1024)
#define MAX_HEAD (64 * 1024)
#define MAX_REDIRECTS 10

struct _KubeHandler {
  guint references;
  KubeNodeContext *node;
  KubeHandlerFunc func; /* NULL: told, or cancelled */
  gpointer user_data;
  GCancellable *cancellable;
  GSource *timer; /* (nullable) */
  gint64 timeout;
  KubeExec *exec; /* (nullable) */
  guint streams;  /* that are still read */
  GString *output;
  char *what;    /* the request, for messages */
  char *address; /* (nullable): host:port */
  GSocketConnection *connection;
  char *request; /* (nullable): HTTP */
  KubeValue *headers; /* (nullable): HTTP: more of them */
  guint redirects;
  char *service; /* (nullable): gRPC */
  gboolean unreachable; /* gRPC: it is said at the end of the time */
  char buffer[2048];
};

static KubeHandler *
handler_ref (KubeHandler *handler)
{
  handler->references++;
  return handler;
}

static void
handler_unref (KubeHandler *handler)
{
  if (--handler->references > 0)
    return;
  kube_clear_source (&handler->timer);
  g_clear_object (&handler->exec);
  g_clear_object (&handler->connection);
  g_object_unref (handler->cancellable);
  g_string_free (handler->output, TRUE);
  g_free (handler->what);
  g_free (handler->address);
  g_free (handler->request);
  g_clear_pointer (&handler->headers, kube_value_unref);
  g_free (handler->service);
  g_free (handler);
}

static void
finish (KubeHandler *handler, KubeHandlerResult result, const char *output)
{
  KubeHandlerFunc func = g_steal_pointer (&handler->func);
  g_autofree char *valid = g_utf8_make_valid (output, MIN (strlen (output), MAX_OUTPUT));

  if (func == NULL)
    return;
  kube_clear_source (&handler->timer);
  func (result, valid, handler->user_data);
  handler_unref (handler);
}

static gboolean
on_timeout (gpointer data)
{
  KubeHandler *handler = handler_ref (data);

  g_clear_pointer (&handler->timer, g_source_unref);
  g_cancellable_cancel (handler->cancellable);
  if (handler->unreachable) {
    g_autofree char *text = kube_grpc_health_describe_unreachable (handler->address, handler->timeout);
    finish (handler, KUBE_HANDLER_FAILURE, text);
  } else if (handler->service != NULL) {
    /* the call that is cancelled says how far it came */
  } else if (handler->address == NULL) {
    g_autofree char *text = g_strdup_printf ("command timed out: %s timed out after %gs", handler->what,
                                             (double) handler->timeout / G_USEC_PER_SEC);
    if (handler->exec != NULL)
      kube_exec_close (handler->exec);
    finish (handler, KUBE_HANDLER_FAILURE, text);
  } else {
    g_autofree char *text = handler->request != NULL
                              ? g_strdup_printf (
                                  "Get \"%s\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                                  handler->what)
                              : g_strdup_printf ("dial tcp %s: i/o timeout", handler->what);
    finish (handler, KUBE_HANDLER_FAILURE, text);
  }
  handler_unref (handler);
  return G_SOURCE_REMOVE;
}

static void
on_exec_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autoptr (GError) error = NULL;
  int code;

  if (!kube_exec_wait_finish (KUBE_EXEC (object), result, &code, &error))
    finish (handler, KUBE_HANDLER_ERROR, error->message);
  else
    finish (handler, code == 0 ? KUBE_HANDLER_SUCCESS : KUBE_HANDLER_FAILURE, handler->output->str);
  handler_unref (handler);
}

static void
on_exec_output (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, NULL);

  if (bytes != NULL && g_bytes_get_size (bytes) > 0) {
    if (handler->output->len < MAX_OUTPUT)
      g_string_append_len (handler->output, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    g_input_stream_read_bytes_async (G_INPUT_STREAM (object), 4096, G_PRIORITY_DEFAULT, NULL, on_exec_output, handler);
    return;
  }
  if (--handler->streams == 0)
    kube_exec_wait_async (handler->exec, NULL, on_exec_ended, handler_ref (handler));
  handler_unref (handler);
}

static void
on_exec_started (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autoptr (GError) error = NULL;

  handler->exec = kube_runtime_exec_finish (KUBE_RUNTIME (object), result, &error);
  if (handler->exec == NULL)
    finish (handler, KUBE_HANDLER_ERROR, error->message);
  else if (handler->func == NULL)
    kube_exec_close (handler->exec);
  else {
    GInputStream *streams[] = { kube_exec_get_stdout (handler->exec), kube_exec_get_stderr (handler->exec) };
    handler->streams = 2;
    for (int i = 0; i < 2; i++)
      g_input_stream_read_bytes_async (streams[i], 4096, G_PRIORITY_DEFAULT, NULL, on_exec_output, handler_ref (handler));
  }
  handler_unref (handler);
}

static void
run_exec (KubeHandler *handler, const char *id, KubeValue *command)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  for (guint i = 0; i < kube_value_get_length (command); i++)
    g_ptr_array_add (argv, (gpointer) kube_value_peek_string (kube_value_get_element (command, i), NULL));
  g_ptr_array_add (argv, NULL);
  g_autofree char *joined = g_strjoinv (" ", (char **) argv->pdata);
  handler->what = g_strdup_printf ("\"%s\"", joined);
  KubeExecOptions options = { .argv = (const char *const *) argv->pdata, .stdout_open = TRUE, .stderr_open = TRUE };
  kube_runtime_exec_async (handler->node->runtime, id, &options, NULL, on_exec_started, handler_ref (handler));
}

/* A number, or the name of one of the container's ports. */
static guint16
find_port (KubeValue *container, KubeValue *port)
{
  const char *name = kube_value_peek_string (port, NULL);
  KubeValue *named = kube_value_find_element (kube_value_get (container, "ports"), "name", name);

  if (name == NULL)
    return kube_value_get_integer (port, NULL, 0);
  return named != NULL ? kube_value_get_integer (named, "containerPort", 0) : atoi (name);
}

static void send_http (KubeHandler *handler, GUri *uri);

static int
get_status (KubeHandler *handler)
{
  const char *space = strchr (handler->output->str, ' ');

  return g_str_has_prefix (handler->output->str, "HTTP/1.") && space != NULL ? atoi (space + 1) : 0;
}

/* Where the answer sends its reader; NULL: nowhere else. */
static GUri *
get_redirect (KubeHandler *handler, GUri *from)
{
  static const int codes[] = { 301, 302, 303, 307, 308 };
  g_auto (GStrv) lines = g_strsplit (handler->output->str, "\r\n", -1);
  int status = get_status (handler);
  gboolean redirects = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    redirects = redirects || codes[i] == status;
  for (char **line = lines + 1; redirects && lines[0] != NULL && *line != NULL && **line != '\0'; line++) {
    if (g_ascii_strncasecmp (*line, "Location:", 9) == 0)
      return g_uri_parse_relative (from, g_strstrip (*line + 9), G_URI_FLAGS_ENCODED, NULL);
  }
  return NULL;
}

/* Within its host a redirect is followed. Elsewhere it is not: whoever answers a probe must not send the node on errands; it answered, and that is told. */
static void
judge_response (KubeHandler *handler, const char *problem)
{
  int status = get_status (handler);
  g_autoptr (GUri) from = g_uri_parse (handler->what, G_URI_FLAGS_ENCODED, NULL);
  g_autoptr (GUri) to = from != NULL ? get_redirect (handler, from) : NULL;
  gboolean local = to != NULL && g_strcmp0 (g_uri_get_host (from), g_uri_get_host (to)) == 0;
  const char *body = strstr (handler->output->str, "\r\n\r\n");
  g_autofree char *text = NULL;

  if (local && ++handler->redirects < MAX_REDIRECTS) {
    send_http (handler, to);
    return;
  }
  if (local)
    text = g_strdup_printf ("Get \"%s\": stopped after %d redirects", handler->what, MAX_REDIRECTS);
  else if (status >= 300 && status < 400)
    text = g_strdup_printf ("Probe terminated redirects, Response body: %s", body != NULL ? body + 4 : "");
  else if (status >= 400 || (status > 0 && status < 200))
    text = g_strdup_printf ("HTTP probe failed with statuscode: %d", status);
  else if (status == 0)
    text = g_strdup_printf ("Get \"%s\": %s", handler->what, problem != NULL ? problem : "EOF");
  if (text == NULL)
    finish (handler, KUBE_HANDLER_SUCCESS, "");
  else
    finish (handler, !local && status >= 300 && status < 400 ? KUBE_HANDLER_WARNING : KUBE_HANDLER_FAILURE, text);
}

/* The status says it all, but for a redirect: where it leads is in the head, and the event shows the rest. */
static gboolean
wants_more (KubeHandler *handler)
{
  int status = get_status (handler);

  if (strchr (handler->output->str, '\n') == NULL)
    return handler->output->len < MAX_OUTPUT;
  return status >= 300 && status < 400 && handler->output->len < MAX_HEAD;
}

static void
on_response (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (object), result, &error);

  if (n > 0)
    g_string_append_len (handler->output, handler->buffer, n);
  if (n > 0 && wants_more (handler)) {
    g_input_stream_read_async (G_INPUT_STREAM (object), handler->buffer, sizeof handler->buffer, G_PRIORITY_DEFAULT,
                               handler->cancellable, on_response, handler);
    return;
  }
  if (handler->func != NULL)
    judge_response (handler, error != NULL ? error->message : NULL);
  handler_unref (handler);
}

static void
on_request_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (object), result, NULL, &error)) {
    g_autofree char *text = g_strdup_printf ("Get \"%s\": %s", handler->what, error->message);
    finish (handler, KUBE_HANDLER_FAILURE, text);
    handler_unref (handler);
    return;
  }
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (handler->connection)), handler->buffer,
                             sizeof handler->buffer, G_PRIORITY_DEFAULT, handler->cancellable, on_response, handler);
}

static void
on_health_checked (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autofree char *output = NULL;
  gboolean healthy = kube_grpc_health_check_finish (result, &output);

  finish (handler, healthy ? KUBE_HANDLER_SUCCESS : KUBE_HANDLER_FAILURE, output);
  handler_unref (handler);
}

/* Who refuses a connection may take it a moment later: gRPC's client tries for as long as it has time, and says only then that there was none. */
static void
on_grpc_connected (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;

  handler->connection = g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (object), result, NULL);
  if (handler->connection != NULL) {
    kube_grpc_health_check_async (G_IO_STREAM (handler->connection), handler->address, handler->service, handler->timeout,
                                  handler->cancellable, on_health_checked, handler);
    return;
  }
  handler->unreachable = TRUE;
  if (g_cancellable_is_cancelled (handler->cancellable)) {
    g_autofree char *text = kube_grpc_health_describe_unreachable (handler->address, handler->timeout);
    finish (handler, KUBE_HANDLER_FAILURE, text);
  }
  handler_unref (handler);
}

static void
on_connected (GObject *object, GAsyncResult *result, gpointer data)
{
  KubeHandler *handler = data;
  g_autoptr (GError) error = NULL;

  handler->connection = g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (object), result, &error);
  if (handler->connection == NULL) {
    const char *why = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) ? "connect: connection refused"
                                                                                         : error->message;
    g_autofree char *text = handler->request != NULL
                              ? g_strdup_printf ("Get \"%s\": dial tcp %s: %s", handler->what, handler->address, why)
                              : g_strdup_printf ("dial tcp %s: %s", handler->what, why);
    finish (handler, KUBE_HANDLER_FAILURE, text);
  } else if (handler->request == NULL)
    finish (handler, KUBE_HANDLER_SUCCESS, "");
  else {
    g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (handler->connection)), handler->request,
                                     strlen (handler->request), G_PRIORITY_DEFAULT, handler->cancellable, on_request_sent,
                                     handler);
    return;
  }
  handler_unref (handler);
}

static gboolean
accept_any_certificate (GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  return TRUE; /* as upstream: a probe asks whether the server works, not who it is */
}

static void
on_client_event (GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable, GIOStream *connection,
                 gpointer data)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_signal_connect (connection, "accept-certificate", G_CALLBACK (accept_any_certificate), NULL);
}

static void
dial (KubeHandler *handler, const char *host, guint16 port, gboolean tls)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_free (handler->address);
  handler->address = g_strdup_printf ("%s:%u", host, port);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_tls (client, tls);
  g_signal_connect (client, "event", G_CALLBACK (on_client_event), NULL);
  g_socket_client_connect_to_host_async (client, host, port, handler->cancellable,
                                         handler->service != NULL ? on_grpc_connected : on_connected, handler_ref (handler));
}

/* A request of its own for each redirect. */
static void
send_http (KubeHandler *handler, GUri *uri)
{
  const char *host = g_uri_get_host (uri), *path = g_uri_get_path (uri), *query = g_uri_get_query (uri);
  gboolean tls = g_strcmp0 (g_uri_get_scheme (uri), "https") == 0, has_host = FALSE;
  int given = g_uri_get_port (uri);
  guint16 port = given > 0 ? given : tls ? 443 : 80;
  g_autoptr (GString) request = g_string_new (NULL);

  g_free (handler->what);
  handler->what = g_uri_to_string (uri);
  g_string_append_printf (request, "GET %s%s%s HTTP/1.1\r\n", *path != '\0' ? path : "/", query != NULL ? "?" : "", query != NULL ? query : "");
  for (guint i = 0; i < kube_value_get_length (handler->headers); i++) {
    KubeValue *header = kube_value_get_element (handler->headers, i);
    const char *name = kube_value_get_string (header, "name"), *value = kube_value_get_string (header, "value");
    if (name == NULL || value == NULL || strpbrk (name, "\r\n:") != NULL || strpbrk (value, "\r\n") != NULL)
      continue;
    has_host = has_host || g_ascii_strcasecmp (name, "Host") == 0;
    g_string_append_printf (request, "%s: %s\r\n", name, value);
  }
  if (!has_host)
    g_string_append_printf (request, "Host: %s:%u\r\n", host, port);
  g_string_append (request, "User-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n\r\n");
  g_free (handler->request);
  handler->request = g_string_free (g_steal_pointer (&request), FALSE);
  g_string_truncate (handler->output, 0);
  g_clear_object (&handler->connection);
  dial (handler, host, port, tls);
}

static void
run_http (KubeHandler *handler, KubeValue *container, KubeValue *get, const char *pod_ip)
{
  const char *host = kube_value_get_string (get, "host"), *path = kube_value_get_string (get, "path"),
             *scheme = kube_value_get_string (get, "scheme");
  gboolean tls = g_strcmp0 (scheme, "HTTPS") == 0;
  guint16 port = find_port (container, kube_value_get (get, "port"));

  if (host == NULL || *host == '\0')
    host = pod_ip;
  if (path == NULL)
    path = "";
  handler->headers = kube_value_get (get, "httpHeaders");
  if (handler->headers != NULL)
    kube_value_ref (handler->headers);
  gsize length = strcspn (path, "?");
  g_autofree char *absolute = g_strdup_printf ("%s%.*s", *path == '/' ? "" : "/", (int) length, path);
  g_autoptr (GUri) uri = g_uri_build (G_URI_FLAGS_ENCODED, tls ? "https" : "http", NULL, host, port, absolute,
                                      path[length] == '?' ? path + length + 1 : NULL, NULL);
  send_http (handler, uri);
}

static void
run_tcp (KubeHandler *handler, KubeValue *container, KubeValue *tcp, const char *pod_ip)
{
  const char *host = kube_value_get_string (tcp, "host");
  guint16 port = find_port (container, kube_value_get (tcp, "port"));

  if (host == NULL || *host == '\0')
    host = pod_ip;
  handler->what = g_strdup_printf ("%s:%u", host, port);
  dial (handler, host, port, FALSE);
}

static void
run_grpc (KubeHandler *handler, KubeValue *grpc, const char *pod_ip)
{
  const char *service = kube_value_get_string (grpc, "service");

  handler->service = g_strdup (service != NULL ? service : "");
  dial (handler, pod_ip, kube_value_get_integer (grpc, "port", 0), FALSE);
}

static gboolean
on_slept (gpointer data)
{
  KubeHandler *handler = data;

  g_clear_pointer (&handler->timer, g_source_unref);
  finish (handler, KUBE_HANDLER_SUCCESS, "");
  return G_SOURCE_REMOVE;
}

static gboolean
on_unsupported (gpointer data)
{
  KubeHandler *handler = data;

  g_clear_pointer (&handler->timer, g_source_unref);
  finish (handler, KUBE_HANDLER_ERROR, "this kind of handler is not supported");
  return G_SOURCE_REMOVE;
}

KubeHandler *
kube_handler_run (KubeNodeContext *node, KubeObject *pod, KubeValue *container, const char *id, KubeValue *spec,
                  const char *pod_ip, gint64 timeout, KubeHandlerFunc func, gpointer user_data)
{
  KubeHandler *handler = g_new0 (KubeHandler, 1);
  KubeValue *part;
  const char *host = pod_ip != NULL ? pod_ip : "127.0.0.1";

  handler->references = 1;
  handler->node = node;
  handler->func = func;
  handler->user_data = user_data;
  handler->timeout = timeout;
  handler->cancellable = g_cancellable_new ();
  handler->output = g_string_new (NULL);
  if ((part = kube_value_get (spec, "sleep")) != NULL) {
    handler->timer = kube_clock_add_timeout (node->clock, kube_value_get_integer (part, "seconds", 0) * G_USEC_PER_SEC, on_slept,
                                             handler);
    return handler;
  }
  if ((part = kube_value_get (spec, "exec")) != NULL)
    run_exec (handler, id, kube_value_get (part, "command"));
  else if ((part = kube_value_get (spec, "httpGet")) != NULL)
    run_http (handler, container, part, host);
  else if ((part = kube_value_get (spec, "tcpSocket")) != NULL)
    run_tcp (handler, container, part, host);
  else if ((part = kube_value_get (spec, "grpc")) != NULL)
    run_grpc (handler, part, host);
  else {
    handler->timer = kube_clock_add_timeout (node->clock, 0, on_unsupported, handler);
    return handler;
  }
  handler->timer = kube_clock_add_timeout (node->clock, timeout, on_timeout, handler);
  return handler;
}

void
kube_handler_cancel (KubeHandler *handler)
{
  handler->func = NULL;
  kube_clear_source (&handler->timer);
  g_cancellable_cancel (handler->cancellable);
  if (handler->exec != NULL)
    kube_exec_close (handler->exec);
  handler_unref (handler);
}
