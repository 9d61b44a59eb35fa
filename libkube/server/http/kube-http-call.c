/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-private.h"

/* A stream whose client takes less than it is sent is cut above this. */
#define MAX_QUEUED (1024 * 1024)
#define MIN_COMPRESSED (128 * 1024)

struct _KubeHttpCall {
  KubeCall parent;
  KubeHttpConnection *connection; /* (owned) */
  SoupServerMessage *message;     /* (owned) (nullable): NULL once libsoup is done with it */
  gboolean paused;
  gboolean answered;
  gboolean streaming;
  gboolean ended;
  gsize queued;
};

G_DEFINE_FINAL_TYPE (KubeHttpCall, kube_http_call, KUBE_TYPE_CALL)

static void
kube_http_call_init (KubeHttpCall *call)
{
}

static void
kube_http_call_dispose (GObject *object)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (object);

  g_clear_object (&call->message);
  g_clear_pointer (&call->connection, kube_http_connection_unref);
  G_OBJECT_CLASS (kube_http_call_parent_class)->dispose (object);
}

static const char *
get_header (KubeCall *parent, const char *name)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);

  return call->message != NULL ? soup_message_headers_get_list (soup_server_message_get_request_headers (call->message), name) : NULL;
}

static void
foreach_header (KubeCall *parent, KubeCallHeaderFunc func, gpointer user_data)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  SoupMessageHeadersIter iter;
  const char *name, *value;

  if (call->message == NULL)
    return;
  soup_message_headers_iter_init (&iter, soup_server_message_get_request_headers (call->message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    func (name, value, user_data);
}

static void
resume (KubeHttpCall *call)
{
  if (!call->paused)
    return;
  call->paused = FALSE;
  soup_server_message_unpause (call->message);
}

static void
set_audit_id (KubeHttpCall *call, SoupMessageHeaders *headers)
{
  const char *given = get_header (KUBE_CALL (call), "Audit-ID");
  guint32 r[4];
  char id[37];

  for (guint i = 0; i < 4; i++)
    r[i] = kube_http_connection_random (call->connection);
  g_snprintf (id, sizeof id, "%08x-%04x-4%03x-%04x-%04x%08x", r[0], r[1] >> 16, r[1] & 0xfff, 0x8000 | (r[2] >> 16 & 0x3fff),
              r[2] & 0xffff, r[3]);
  soup_message_headers_append (headers, "Audit-Id", given != NULL && *given != '\0' ? given : id);
}

static void
begin_answer (KubeHttpCall *call, int http_status, const char *content_type)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (call->message);
  const char *const *extra = kube_call_get_answer_headers (KUBE_CALL (call));

  call->answered = TRUE;
  soup_server_message_set_status (call->message, http_status, NULL);
  set_audit_id (call, headers);
  soup_message_headers_append (headers, "Cache-Control", "no-cache, private");
  if (content_type != NULL)
    soup_message_headers_append (headers, "Content-Type", content_type);
  for (guint i = 0; extra[i] != NULL; i += 2)
    soup_message_headers_append (headers, extra[i], extra[i + 1]);
  if (kube_http_connection_is_draining (call->connection))
    soup_message_headers_append (headers, "Connection", "close");
}

static gboolean
wants_gzip (KubeHttpCall *call)
{
  const char *accepted = get_header (KUBE_CALL (call), "Accept-Encoding");

  return accepted != NULL && soup_header_contains (accepted, "gzip");
}

static GBytes *
compress (GBytes *body)
{
  g_autoptr (GZlibCompressor) compressor = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 1);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) stream = g_converter_output_stream_new (memory, G_CONVERTER (compressor));
  gsize size;
  const void *data = g_bytes_get_data (body, &size);

  if (!g_output_stream_write_all (stream, data, size, NULL, NULL, NULL) || !g_output_stream_close (stream, NULL, NULL))
    return NULL;
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
}

static void
respond (KubeCall *parent, int http_status, const char *content_type, GBytes *body)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  g_autoptr (GBytes) compressed = NULL;

  if (call->message == NULL || call->answered)
    return;
  begin_answer (call, http_status, content_type);
  if (body != NULL && g_bytes_get_size (body) > MIN_COMPRESSED && wants_gzip (call))
    compressed = compress (body);
  if (compressed != NULL) {
    soup_message_headers_append (soup_server_message_get_response_headers (call->message), "Content-Encoding", "gzip");
    soup_message_headers_append (soup_server_message_get_response_headers (call->message), "Vary", "Accept-Encoding");
  }
  if (body != NULL && g_bytes_get_size (body) > 0)
    soup_message_body_append_bytes (soup_server_message_get_response_body (call->message), compressed != NULL ? compressed : body);
  call->ended = TRUE;
  kube_http_connection_set_state (call->connection, KUBE_HTTP_WRITE);
  resume (call);
}

static void
on_wrote (SoupServerMessage *message, guint size, KubeHttpCall *call)
{
  call->queued -= MIN (size, call->queued);
  if (call->queued == 0)
    kube_http_connection_set_state (call->connection, call->ended ? KUBE_HTTP_WRITE : KUBE_HTTP_STREAM);
  else
    kube_http_connection_set_state (call->connection, KUBE_HTTP_WRITE);
  if (call->queued < MAX_QUEUED / 4 && !call->ended)
    kube_call_drained (KUBE_CALL (call));
}

static gboolean
on_hangup (gpointer user_data)
{
  g_autoptr (KubeHttpCall) call = g_object_ref (user_data);

  kube_call_gone (KUBE_CALL (call));
  kube_http_connection_cut (call->connection);
  if (call->message != NULL && call->queued == 0)
    soup_server_message_unpause (call->message);
  return G_SOURCE_REMOVE;
}

static void
begin_stream (KubeCall *parent, int http_status, const char *content_type)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  SoupMessageHeaders *headers;
  gboolean old_client;

  if (call->message == NULL || call->answered)
    return;
  begin_answer (call, http_status, content_type);
  headers = soup_server_message_get_response_headers (call->message);
  old_client = soup_server_message_get_http_version (call->message) == SOUP_HTTP_1_0;
  soup_message_headers_set_encoding (headers, old_client ? SOUP_ENCODING_EOF : SOUP_ENCODING_CHUNKED);
  soup_message_body_set_accumulate (soup_server_message_get_response_body (call->message), FALSE);
  g_signal_connect (call->message, "wrote-body-data", G_CALLBACK (on_wrote), call);
  call->streaming = TRUE;
  kube_http_connection_set_state (call->connection, KUBE_HTTP_STREAM);
  kube_http_connection_watch_hangup (call->connection, on_hangup, call);
  resume (call);
}

static void
push (KubeCall *parent, GBytes *bytes)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);

  if (call->message == NULL || call->ended || g_bytes_get_size (bytes) == 0)
    return;
  if (call->queued > MAX_QUEUED) {
    call->ended = TRUE;
    kube_http_connection_cut (call->connection);
    kube_call_gone (parent);
    return;
  }
  soup_message_body_append_bytes (soup_server_message_get_response_body (call->message), bytes);
  if (call->queued == 0) {
    kube_http_connection_set_state (call->connection, KUBE_HTTP_WRITE);
    /* libsoup pauses a message by itself where it has nothing more to write */
    if (!call->paused)
      soup_server_message_unpause (call->message);
  }
  call->queued += g_bytes_get_size (bytes);
}

static void
end_stream (KubeCall *parent, const GError *error)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);

  if (call->message == NULL || call->ended)
    return;
  call->ended = TRUE;
  kube_http_connection_unwatch_hangup (call->connection);
  if (error != NULL) {
    /* the status line is gone: a broken body is how the client learns of it */
    kube_http_connection_cut (call->connection);
  } else {
    soup_message_body_complete (soup_server_message_get_response_body (call->message));
  }
  kube_http_connection_set_state (call->connection, KUBE_HTTP_WRITE);
  soup_server_message_unpause (call->message);
}

static gsize
get_queued (KubeCall *parent)
{
  return KUBE_HTTP_CALL (parent)->queued;
}

static void
kube_http_call_class_init (KubeHttpCallClass *klass)
{
  KubeCallClass *call_class = KUBE_CALL_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = kube_http_call_dispose;
  call_class->get_header = get_header;
  call_class->foreach_header = foreach_header;
  call_class->respond = respond;
  call_class->begin_stream = begin_stream;
  call_class->push = push;
  call_class->end_stream = end_stream;
  call_class->get_queued = get_queued;
}

KubeCall *
kube_http_call_new (KubeHttpConnection *connection, SoupServerMessage *message, const char *path)
{
  KubeHttpCall *call = g_object_new (KUBE_TYPE_HTTP_CALL, NULL);
  SoupMessageBody *request_body = soup_server_message_get_request_body (message);
  g_autoptr (GBytes) body = request_body->length > 0 ? soup_message_body_flatten (request_body) : NULL;
  const char *peer_error = NULL;
  KubeCallRequest request = {
    .method = soup_server_message_get_method (message),
    .path = path,
    .query = g_uri_get_query (soup_server_message_get_uri (message)),
    .content_type = soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Content-Type"),
    .remote = kube_http_connection_get_address (connection),
    .body = body,
    .peer = kube_http_connection_get_peer (connection, &peer_error),
  };

  request.peer_error = peer_error;
  call->connection = kube_http_connection_ref (connection);
  call->message = g_object_ref (message);
  kube_call_set_request (KUBE_CALL (call), &request);
  return KUBE_CALL (call);
}

GMainContext *
kube_http_call_get_context (KubeHttpCall *call)
{
  return kube_http_connection_get_context (call->connection);
}

void
kube_http_call_pause (KubeHttpCall *call)
{
  if (call->answered || call->message == NULL)
    return;
  call->paused = TRUE;
  soup_server_message_pause (call->message);
}

void
kube_http_call_finish (KubeHttpCall *call)
{
  if (call->message == NULL)
    return;
  g_signal_handlers_disconnect_by_data (call->message, call);
  kube_http_connection_unwatch_hangup (call->connection);
  g_clear_object (&call->message);
  if (!call->ended)
    kube_call_gone (KUBE_CALL (call));
  call->ended = TRUE;
}

void
kube_http_call_end_stream (KubeHttpCall *call)
{
  if (!call->streaming || call->ended)
    return;
  kube_call_gone (KUBE_CALL (call));
  end_stream (KUBE_CALL (call), NULL);
}
