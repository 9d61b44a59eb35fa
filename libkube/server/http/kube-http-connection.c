/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-worker.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define TLS_RECORD_HEADER 5
#define TLS_HANDSHAKE 22
#define MAX_CLIENT_HELLO 16384
/* After a refusal: how much more is read and dropped, so that the client gets to read the answer before its writes are reset. */
#define LINGER_TIME (2 * G_USEC_PER_SEC)
#define LINGER_BYTES (4 * 1024 * 1024)

struct _KubeHttpConnection {
  guint refs;
  KubeHttpWorker *worker; /* (owned) */
  GList link;
  GSocket *socket;
  GIOStream *stream;      /* (owned) (nullable): TLS, until libsoup has it */
  char *address;
  KubeUser *peer;         /* (owned) (nullable) */
  char *peer_error;       /* (nullable) */
  KubeHttpState state;
  gint64 deadline;        /* -1: none */
  KubeHttpCall *call;     /* (nullable): the one under way */
  GSource *source;        /* (owned) (nullable): waiting for a ClientHello, a hang-up, the end of a refused request */
  GSourceFunc hangup;
  gpointer hangup_data;
  gsize count;            /* of the body, or of what was dropped */
};

static G_DEFINE_QUARK (kube-http-connection, connection)
static G_DEFINE_QUARK (kube-http-call, call)

KubeHttpConnection *
kube_http_connection_ref (KubeHttpConnection *connection)
{
  connection->refs++;
  return connection;
}

static void
clear_source (KubeHttpConnection *connection)
{
  if (connection->source == NULL)
    return;
  g_source_destroy (connection->source);
  g_clear_pointer (&connection->source, g_source_unref);
}

void
kube_http_connection_unref (KubeHttpConnection *connection)
{
  if (--connection->refs > 0)
    return;
  clear_source (connection);
  g_queue_unlink (&connection->worker->connections, &connection->link);
  kube_http_gate_leave (connection->worker->settings.gate, connection->address);
  g_clear_object (&connection->stream);
  g_clear_object (&connection->socket);
  g_clear_pointer (&connection->peer, kube_user_unref);
  g_free (connection->peer_error);
  g_free (connection->address);
  kube_http_worker_unref (connection->worker);
  g_free (connection);
}

static gint64
get_patience (const KubeHttpTimeouts *timeouts, KubeHttpState state)
{
  switch (state) {
  case KUBE_HTTP_HANDSHAKE:
    return timeouts->handshake;
  case KUBE_HTTP_IDLE:
    return timeouts->idle;
  case KUBE_HTTP_HEADER:
    return timeouts->header;
  case KUBE_HTTP_BODY:
    return timeouts->body;
  case KUBE_HTTP_WRITE:
    return timeouts->stall;
  case KUBE_HTTP_CLOSING:
    return LINGER_TIME;
  default:
    return -1;
  }
}

void
kube_http_connection_set_state (KubeHttpConnection *connection, KubeHttpState state)
{
  KubeHttpWorker *worker = connection->worker;
  gint64 patience = get_patience (&worker->settings.timeouts, state);

  connection->state = state;
  connection->deadline = patience < 0 ? -1 : kube_clock_get_monotonic_time (worker->settings.clock) + patience;
  if (connection->deadline >= 0)
    kube_http_worker_arm (worker, connection->deadline);
}

void
kube_http_connection_cut (KubeHttpConnection *connection)
{
  shutdown (g_socket_get_fd (connection->socket), SHUT_RDWR);
}

void
kube_http_connection_started (KubeHttpConnection *connection)
{
  kube_http_connection_set_state (connection, KUBE_HTTP_HEADER);
}

gint64
kube_http_connection_expire (KubeHttpConnection *connection, gint64 now)
{
  if (connection->deadline < 0 || connection->deadline > now)
    return connection->deadline;
  connection->deadline = -1;
  kube_http_connection_cut (connection);
  /* a message that libsoup has paused does not see the end of its connection by itself */
  if (connection->state == KUBE_HTTP_CLOSING) {
    clear_source (connection);
    g_io_stream_close_async (connection->stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
    kube_http_connection_unref (connection);
  }
  return -1;
}

KubeHttpConnection *
kube_http_connection_of (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  return remote != NULL ? g_object_get_qdata (G_OBJECT (remote), connection_quark ()) : NULL;
}

GMainContext *
kube_http_connection_get_context (KubeHttpConnection *connection)
{
  return connection->worker->context;
}

KubeUser *
kube_http_connection_get_peer (KubeHttpConnection *connection, const char **error)
{
  *error = connection->peer_error;
  return connection->peer;
}

const char *
kube_http_connection_get_address (KubeHttpConnection *connection)
{
  return connection->address;
}

gboolean
kube_http_connection_is_draining (KubeHttpConnection *connection)
{
  return connection->worker->draining;
}

guint32
kube_http_connection_random (KubeHttpConnection *connection)
{
  guint64 *s = connection->worker->random;
  guint64 a = s[0], b = s[1];

  /* xorshift128+: request ids need to differ, not to be secret */
  s[0] = b;
  a ^= a << 23;
  s[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
  return (s[1] + b) >> 32;
}

static gboolean
on_hangup (int fd, GIOCondition condition, gpointer user_data)
{
  KubeHttpConnection *connection = user_data;
  GSourceFunc func = connection->hangup;
  gpointer data = connection->hangup_data;

  clear_source (connection);
  func (data);
  return G_SOURCE_REMOVE;
}

void
kube_http_connection_watch_hangup (KubeHttpConnection *connection, GSourceFunc func, gpointer user_data)
{
  clear_source (connection);
  connection->hangup = func;
  connection->hangup_data = user_data;
  /* GLib has no name for it but hands it on to poll() */
  connection->source = g_unix_fd_source_new (g_socket_get_fd (connection->socket), (GIOCondition) POLLRDHUP);
  g_source_set_callback (connection->source, G_SOURCE_FUNC (on_hangup), connection, NULL);
  g_source_attach (connection->source, connection->worker->context);
}

void
kube_http_connection_unwatch_hangup (KubeHttpConnection *connection)
{
  if (connection->hangup == NULL)
    return;
  connection->hangup = NULL;
  clear_source (connection);
}

static void
identify_peer (KubeHttpConnection *connection)
{
  GTlsCertificate *certificate = g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (connection->stream));
  g_autoptr (GError) error = NULL;

  if (certificate == NULL || connection->worker->settings.client_ca == NULL)
    return;
  connection->peer = kube_client_ca_identify (connection->worker->settings.client_ca, certificate, &error);
  if (error != NULL)
    connection->peer_error = g_strdup (error->message);
}

static void
hand_over (KubeHttpConnection *connection)
{
  g_autoptr (GIOStream) stream = g_steal_pointer (&connection->stream);
  g_autoptr (GSocketAddress) local = g_socket_get_local_address (connection->socket, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_get_remote_address (connection->socket, NULL);

  if (local == NULL || remote == NULL) {
    kube_http_connection_unref (connection);
    return;
  }
  g_object_set_qdata_full (G_OBJECT (remote), connection_quark (), connection, (GDestroyNotify) kube_http_connection_unref);
  soup_server_accept_iostream (connection->worker->server, stream, local, remote, NULL);
}

static void
on_handshake (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubeHttpConnection *connection = user_data;

  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, NULL) || connection->worker->stopping) {
    kube_http_connection_unref (connection);
    return;
  }
  identify_peer (connection);
  hand_over (connection);
}

static gboolean
accept_any_certificate (GTlsConnection *stream, GTlsCertificate *certificate, GTlsCertificateFlags flags, gpointer user_data)
{
  return TRUE; /* believed or not in identify_peer(): a wrong one is a 401, not a failed handshake */
}

static void
begin_handshake (KubeHttpConnection *connection)
{
  static const char *const protocols[] = { "http/1.1", NULL };
  g_autoptr (GSocketConnection) plain = g_socket_connection_factory_create_connection (connection->socket);
  KubeHttpSettings *settings = &connection->worker->settings;

  connection->stream = g_tls_server_connection_new (G_IO_STREAM (plain), settings->certificate, NULL);
  if (connection->stream == NULL) {
    kube_http_connection_unref (connection);
    return;
  }
  g_object_set (connection->stream, "advertised-protocols", protocols, "require-close-notify", FALSE, "authentication-mode",
                settings->client_ca != NULL ? G_TLS_AUTHENTICATION_REQUESTED : G_TLS_AUTHENTICATION_NONE, NULL);
  g_signal_connect (connection->stream, "accept-certificate", G_CALLBACK (accept_any_certificate), NULL);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (connection->stream), G_PRIORITY_DEFAULT, NULL, on_handshake, connection);
}

static void
set_low_water (KubeHttpConnection *connection, int bytes)
{
  g_socket_set_option (connection->socket, SOL_SOCKET, SO_RCVLOWAT, bytes, NULL);
}

/* GLib's handshake takes a thread of its process-wide pool while it waits: it is not begun before the whole ClientHello is here. */
static gboolean
on_client_hello (int fd, GIOCondition condition, gpointer user_data)
{
  KubeHttpConnection *connection = user_data;
  guint8 record[TLS_RECORD_HEADER + MAX_CLIENT_HELLO];
  gssize got = recv (fd, record, sizeof record, MSG_PEEK | MSG_DONTWAIT);
  gssize wanted = got >= TLS_RECORD_HEADER ? TLS_RECORD_HEADER + ((record[3] << 8) | record[4]) : TLS_RECORD_HEADER;

  if (got <= 0 || (condition & (G_IO_HUP | G_IO_ERR)) != 0 || record[0] != TLS_HANDSHAKE || wanted > (gssize) sizeof record) {
    kube_http_connection_unref (connection);
    return G_SOURCE_REMOVE;
  }
  if (got < wanted) {
    set_low_water (connection, wanted);
    return G_SOURCE_CONTINUE;
  }
  set_low_water (connection, 1);
  clear_source (connection);
  begin_handshake (connection);
  return G_SOURCE_REMOVE;
}

void
kube_http_connection_begin (KubeHttpWorker *worker, GSocket *socket, const char *address)
{
  KubeHttpConnection *connection = g_new0 (KubeHttpConnection, 1);

  connection->refs = 1;
  connection->worker = kube_http_worker_ref (worker);
  connection->socket = g_object_ref (socket);
  connection->address = g_strdup (address);
  connection->link.data = connection;
  g_queue_push_tail_link (&worker->connections, &connection->link);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
  g_socket_set_keepalive (socket, TRUE);
  kube_http_connection_set_state (connection, KUBE_HTTP_HANDSHAKE);
  set_low_water (connection, TLS_RECORD_HEADER);
  connection->source = g_unix_fd_source_new (g_socket_get_fd (socket), G_IO_IN);
  g_source_set_callback (connection->source, G_SOURCE_FUNC (on_client_hello), connection, NULL);
  g_source_attach (connection->source, worker->context);
}

static gboolean
on_dropped_input (GPollableInputStream *input, gpointer user_data)
{
  KubeHttpConnection *connection = user_data;
  char dropped[16384];
  gssize got = g_pollable_input_stream_read_nonblocking (input, dropped, sizeof dropped, NULL, NULL);

  connection->count += MAX (got, 0);
  if (got > 0 && connection->count <= LINGER_BYTES)
    return G_SOURCE_CONTINUE;
  connection->deadline = 0;
  kube_http_connection_expire (connection, 1);
  return G_SOURCE_REMOVE;
}

static void
on_refusal_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubeHttpConnection *connection = user_data;
  GPollableInputStream *input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (connection->stream));

  if (connection->state != KUBE_HTTP_CLOSING || connection->deadline < 0) {
    kube_http_connection_unref (connection);
    return;
  }
  shutdown (g_socket_get_fd (connection->socket), SHUT_WR);
  connection->count = 0;
  connection->source = g_pollable_input_stream_create_source (input, NULL);
  g_source_set_callback (connection->source, G_SOURCE_FUNC (on_dropped_input), connection, NULL);
  g_source_attach (connection->source, connection->worker->context);
  kube_http_connection_unref (connection);
}

static void
refuse (KubeHttpConnection *connection, SoupServerMessage *message, int http_status, const char *content_type, const char *body)
{
  g_autofree char *answer =
    g_strdup_printf ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", http_status,
                     soup_status_get_phrase (http_status), content_type, strlen (body), body);
  g_autoptr (GBytes) bytes = g_bytes_new_take (answer, strlen (answer));

  g_steal_pointer (&answer);
  /* one for itself until it is closed, one for the write */
  kube_http_connection_ref (connection);
  kube_http_connection_ref (connection);
  kube_http_connection_set_state (connection, KUBE_HTTP_CLOSING);
  connection->stream = soup_server_message_steal_connection (message);
  g_object_set_data_full (G_OBJECT (connection->stream), "answer", g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (connection->stream), g_bytes_get_data (bytes, NULL),
                                   g_bytes_get_size (bytes), G_PRIORITY_DEFAULT, NULL, on_refusal_written, connection);
}

static void
refuse_size (KubeHttpConnection *connection, SoupServerMessage *message)
{
  g_autoptr (GError) error = g_error_new (KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "Request entity too large: limit is %zu",
                                          connection->worker->settings.max_body);
  g_autofree char *body = kube_call_print_status (error, NULL);

  refuse (connection, message, 413, "application/json", body);
}

static void
on_chunk (SoupServerMessage *message, GBytes *chunk, KubeHttpConnection *connection)
{
  connection->count += g_bytes_get_size (chunk);
  if (connection->count > connection->worker->settings.max_body) {
    g_signal_handlers_disconnect_by_data (message, connection);
    refuse_size (connection, message);
  }
}

/* What libsoup reads in more than one way, and a proxy in front of it in another. */
static gboolean
is_ambiguous (SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *length = soup_message_headers_get_list (headers, "Content-Length");
  const char *encoding = soup_message_headers_get_list (headers, "Transfer-Encoding");
  const char *host = soup_message_headers_get_list (headers, "Host");

  if (length != NULL && (*length == '\0' || strlen (length) > 18 || length[strspn (length, "0123456789")] != '\0'))
    return TRUE;
  if (encoding != NULL && (length != NULL || g_ascii_strcasecmp (encoding, "chunked") != 0 ||
                           soup_server_message_get_http_version (message) == SOUP_HTTP_1_0))
    return TRUE;
  return host != NULL && strpbrk (host, ", \t/@") != NULL;
}

gboolean
kube_http_connection_check (KubeHttpConnection *connection, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *length = soup_message_headers_get_one (headers, "Content-Length");

  if (is_ambiguous (message) || soup_server_message_get_method (message) == SOUP_METHOD_CONNECT) {
    refuse (connection, message, 400, "text/plain; charset=utf-8", "400 Bad Request");
    return FALSE;
  }
  if (length != NULL && g_ascii_strtoull (length, NULL, 10) > connection->worker->settings.max_body) {
    refuse_size (connection, message);
    return FALSE;
  }
  soup_message_headers_remove (headers, "Range");
  connection->count = 0;
  if (length == NULL && soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED)
    g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), connection);
  return TRUE;
}

void
kube_http_connection_handle (KubeHttpConnection *connection, SoupServerMessage *message, const char *path)
{
  KubeCall *call = kube_http_call_new (connection, message, path);
  KubeHttpSettings *settings = &connection->worker->settings;

  g_object_set_qdata_full (G_OBJECT (message), call_quark (), call, g_object_unref);
  connection->call = KUBE_HTTP_CALL (call);
  kube_http_connection_set_state (connection, KUBE_HTTP_ANSWER);
  settings->handle (call, settings->handle_data);
  kube_http_call_pause (KUBE_HTTP_CALL (call));
}

void
kube_http_connection_finished (KubeHttpConnection *connection, SoupServerMessage *message)
{
  KubeHttpCall *call = g_object_get_qdata (G_OBJECT (message), call_quark ());

  if (call != NULL) {
    connection->call = NULL;
    kube_http_call_finish (call);
  }
  kube_http_connection_set_state (connection, KUBE_HTTP_IDLE);
  if (connection->worker->draining)
    kube_http_connection_cut (connection);
}

void
kube_http_connection_drain (KubeHttpConnection *connection)
{
  if (connection->call != NULL)
    kube_http_call_end_stream (connection->call);
  else if (connection->state == KUBE_HTTP_IDLE || connection->state == KUBE_HTTP_HANDSHAKE)
    kube_http_connection_cut (connection);
}
