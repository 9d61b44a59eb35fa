/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-stream-session-private.h"

#define MIN_COMPRESSED (128 * 1024)
/* Up to this, head and body of an answer are one TLS record and one system call. */
#define MAX_TOGETHER (15 * 1024)

struct _KubeHttpCall {
  KubeCall parent;
  KubeHttpConnection *connection; /* (owned) */
  KubeHttpHead head;
  GPtrArray *joined;  /* (element-type utf8) (nullable): values of headers that came several times */
  gboolean answered;
  gboolean streaming;
  gboolean chunked;
  gboolean bodiless;  /* HEAD: what is pushed goes nowhere */
  gboolean ended;     /* all of the answer was handed over, or nobody is there to take it */
};

G_DEFINE_FINAL_TYPE (KubeHttpCall, kube_http_call, KUBE_TYPE_CALL)

static void
kube_http_call_init (KubeHttpCall *call)
{
}

static void
kube_http_call_finalize (GObject *object)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (object);

  kube_http_head_clear (&call->head);
  g_clear_pointer (&call->joined, g_ptr_array_unref);
  kube_http_connection_unref (call->connection);
  G_OBJECT_CLASS (kube_http_call_parent_class)->finalize (object);
}

/* A list over several lines is one list (RFC 9110, 5.3). */
static const char *
get_header (KubeCall *parent, const char *name)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  const char *first = NULL;
  g_autoptr (GString) joined = NULL;

  for (guint i = 0; i < call->head.n_headers; i++) {
    if (g_ascii_strcasecmp (call->head.headers[i].name, name) != 0)
      continue;
    if (first == NULL) {
      first = call->head.headers[i].value;
      continue;
    }
    if (joined == NULL)
      joined = g_string_new (first);
    g_string_append_printf (joined, ", %s", call->head.headers[i].value);
  }
  if (joined == NULL)
    return first;
  if (call->joined == NULL)
    call->joined = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (call->joined, g_string_free (g_steal_pointer (&joined), FALSE));
  return g_ptr_array_index (call->joined, call->joined->len - 1);
}

static void
foreach_header (KubeCall *parent, KubeCallHeaderFunc func, gpointer user_data)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);

  for (guint i = 0; i < call->head.n_headers; i++)
    func (call->head.headers[i].name, call->head.headers[i].value, user_data);
}

static const char *
get_reason (int status)
{
  static const struct {
    int status;
    const char *reason;
  } reasons[] = {
    { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
    { 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
    { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 409, "Conflict" }, { 410, "Gone" },
    { 413, "Request Entity Too Large" }, { 415, "Unsupported Media Type" }, { 422, "Unprocessable Entity" }, { 429, "Too Many Requests" },
    { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    if (reasons[i].status == status)
      return reasons[i].reason;
  }
  return "Status";
}

/* A line break in a value would begin a header of its own. */
static void
append_header (GString *out, const char *name, const char *value)
{
  gsize at;

  g_string_append (out, name);
  g_string_append (out, ": ");
  at = out->len;
  g_string_append (out, value);
  for (; at < out->len; at++) {
    if ((guchar) out->str[at] < ' ' && out->str[at] != '\t')
      out->str[at] = ' ';
  }
  g_string_append (out, "\r\n");
}

static void
append_audit_id (KubeHttpCall *call, GString *out)
{
  const char *given = kube_http_head_get (&call->head, "Audit-ID");
  guint32 r[4];
  char id[37];

  if (given != NULL && *given != '\0' && strlen (given) <= 64) {
    append_header (out, "Audit-Id", given);
    return;
  }
  for (guint i = 0; i < 4; i++)
    r[i] = kube_http_connection_random (call->connection);
  g_snprintf (id, sizeof id, "%08x-%04x-4%03x-%04x-%04x%08x", r[0], r[1] >> 16, r[1] & 0xfff, 0x8000 | (r[2] >> 16 & 0x3fff),
              r[2] & 0xffff, r[3]);
  append_header (out, "Audit-Id", id);
}

static gboolean
keeps_alive (KubeHttpCall *call)
{
  return call->head.keep_alive && !kube_http_connection_is_draining (call->connection);
}

static GString *
begin_answer (KubeHttpCall *call, int http_status, const char *content_type)
{
  GString *out = kube_http_connection_get_scratch (call->connection);
  const char *const *extra = kube_call_get_answer_headers (KUBE_CALL (call));

  call->answered = TRUE;
  g_string_append_printf (out, "HTTP/1.1 %d %s\r\n", http_status, get_reason (http_status));
  append_audit_id (call, out);
  g_string_append (out, "Cache-Control: no-cache, private\r\n");
  if (content_type != NULL)
    append_header (out, "Content-Type", content_type);
  for (guint i = 0; extra[i] != NULL; i += 2)
    append_header (out, extra[i], extra[i + 1]);
  append_header (out, "Date", kube_http_connection_get_date (call->connection));
  if (!keeps_alive (call))
    g_string_append (out, "Connection: close\r\n");
  return out;
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

static gboolean
has_body (KubeHttpCall *call, int http_status)
{
  return strcmp (call->head.method, "HEAD") != 0 && http_status != 204 && http_status != 304;
}

static void
send_body (KubeHttpCall *call, GString *out, GBytes *body, gsize size)
{
  if (size <= MAX_TOGETHER) {
    g_string_append_len (out, g_bytes_get_data (body, NULL), size);
    kube_http_connection_send (call->connection, out->str, out->len);
  } else {
    kube_http_connection_send (call->connection, out->str, out->len);
    kube_http_connection_push (call->connection, body, FALSE);
  }
}

static void
respond (KubeCall *parent, int http_status, const char *content_type, GBytes *body)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  g_autoptr (GBytes) compressed = NULL;
  gsize size = body != NULL ? g_bytes_get_size (body) : 0;
  GString *out;

  if (call->ended || call->answered)
    return;
  if (size > MIN_COMPRESSED && kube_http_head_has_token (&call->head, "Accept-Encoding", "gzip"))
    compressed = compress (body);
  out = begin_answer (call, http_status, content_type);
  if (compressed != NULL) {
    g_string_append (out, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
    body = compressed;
    size = g_bytes_get_size (body);
  }
  if (http_status != 204)
    g_string_append_printf (out, "Content-Length: %zu\r\n", size);
  g_string_append (out, "\r\n");
  call->ended = TRUE;
  if (size > 0 && has_body (call, http_status))
    send_body (call, out, body, size);
  else
    kube_http_connection_send (call->connection, out->str, out->len);
  kube_http_connection_end_answer (call->connection, keeps_alive (call));
}

static void
begin_stream (KubeCall *parent, int http_status, const char *content_type)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  GString *out;

  if (call->ended || call->answered)
    return;
  out = begin_answer (call, http_status, content_type);
  call->streaming = TRUE;
  call->chunked = !call->head.http_1_0;
  call->bodiless = !has_body (call, http_status);
  if (call->chunked)
    g_string_append (out, "Transfer-Encoding: chunked\r\n");
  g_string_append (out, "\r\n");
  kube_http_connection_begin_stream (call->connection);
  kube_http_connection_send (call->connection, out->str, out->len);
}

static void
push (KubeCall *parent, GBytes *bytes)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);

  if (call->ended || !call->streaming || call->bodiless)
    return;
  if (kube_http_connection_get_queued (call->connection) > KUBE_HTTP_MAX_QUEUED) {
    kube_http_connection_close (call->connection);
    return;
  }
  kube_http_connection_push (call->connection, bytes, call->chunked);
}

static void
end_stream (KubeCall *parent, const GError *error)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);

  if (call->ended || !call->streaming)
    return;
  if (error != NULL) {
    /* the status line is gone: a body that breaks off is how the client learns of it */
    kube_http_connection_close (call->connection);
    return;
  }
  call->ended = TRUE;
  if (call->chunked && !call->bodiless) {
    g_autoptr (GBytes) last = g_bytes_new_static ("0\r\n\r\n", 5);
    kube_http_connection_push (call->connection, last, FALSE);
  }
  kube_http_connection_end_answer (call->connection, keeps_alive (call));
}

static gsize
get_queued (KubeCall *parent)
{
  return kube_http_connection_get_queued (KUBE_HTTP_CALL (parent)->connection);
}

static KubeStreamSession *
upgrade (KubeCall *parent, const char *const *protocols, GError **error)
{
  KubeHttpCall *call = KUBE_HTTP_CALL (parent);
  gboolean asked = kube_http_head_has_token (&call->head, "Connection", "Upgrade");
  KubeStreamSession *session;

  if (call->ended) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "the client has gone");
    return NULL;
  }
  if (protocols == NULL) {
    session = kube_plain_session_new (call->connection);
  } else if (asked && kube_http_head_has_token (&call->head, "Upgrade", "websocket")) {
    session = kube_web_session_new (call->connection, &call->head, protocols, error);
  } else if (asked && kube_http_head_has_token (&call->head, "Upgrade", "SPDY/3.1")) {
    session = kube_spdy_session_new (call->connection, &call->head, protocols, error);
  } else {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "Upgrade request required");
    return NULL;
  }
  if (session == NULL)
    return NULL;
  call->answered = call->ended = TRUE;
  kube_stream_session_take_over (session);
  return session;
}

static void
kube_http_call_class_init (KubeHttpCallClass *klass)
{
  KubeCallClass *call_class = KUBE_CALL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = kube_http_call_finalize;
  call_class->get_header = get_header;
  call_class->foreach_header = foreach_header;
  call_class->respond = respond;
  call_class->begin_stream = begin_stream;
  call_class->push = push;
  call_class->end_stream = end_stream;
  call_class->get_queued = get_queued;
  call_class->upgrade = upgrade;
}

KubeCall *
kube_http_call_new (KubeHttpConnection *connection, KubeHttpHead *head, GBytes *body)
{
  KubeHttpCall *call = g_object_new (KUBE_TYPE_HTTP_CALL, NULL);
  KubeCallRequest request = {
    .method = head->method,
    .path = head->path,
    .query = head->query,
    .content_type = kube_http_head_get (head, "Content-Type"),
    .remote = kube_http_connection_get_address (connection),
    .body = body,
  };

  request.peer = kube_http_connection_get_peer (connection, &request.peer_error);
  call->connection = kube_http_connection_ref (connection);
  kube_call_set_request (KUBE_CALL (call), &request);
  call->head = *head;
  *head = (KubeHttpHead) { .length = -1 };
  return KUBE_CALL (call);
}

const KubeHttpHead *
kube_http_call_get_head (KubeHttpCall *call)
{
  return &call->head;
}

GMainContext *
kube_http_call_get_context (KubeHttpCall *call)
{
  return kube_http_connection_get_context (call->connection);
}

void
kube_http_call_finish (KubeHttpCall *call)
{
  g_autoptr (KubeHttpCall) hold = g_object_ref (call);

  if (!call->ended)
    kube_call_gone (KUBE_CALL (call));
  call->ended = TRUE;
}

void
kube_http_call_end_stream (KubeHttpCall *call)
{
  /* whoever ends its stream when told to lets go of the call */
  g_autoptr (KubeHttpCall) hold = g_object_ref (call);

  if (!call->streaming || call->ended)
    return;
  kube_call_gone (KUBE_CALL (call));
  end_stream (KUBE_CALL (call), NULL);
}
