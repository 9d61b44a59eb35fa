/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-grpc-health.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "kube-probe/1.36"
#define MAX_MESSAGE 4096
#define PREFIX 5 /* of a gRPC message: whether it is compressed, and its length */
#define STATUS_FIELD 1

/* grpc.codes, and what their Go names are */
enum { CODE_UNKNOWN = 2, CODE_UNIMPLEMENTED = 12, CODE_INTERNAL = 13, CODE_UNAVAILABLE = 14 };
static const char *const codes[] = {
  "OK",      "Canceled", "Unknown",    "InvalidArgument", "DeadlineExceeded", "NotFound",    "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
  "Aborted", "OutOfRange", "Unimplemented", "Internal",        "Unavailable",      "DataLoss", "Unauthenticated",
};
static const char *const statuses[] = { "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" };
enum { SERVING = 1 };

/* One call: what is written and what is read takes turns, for neither side sends more than a few frames. */
typedef struct {
  GIOStream *stream;
  nghttp2_session *session;
  char *authority;
  gint64 timeout;
  GByteArray *request; /* the message that goes out */
  gsize sent;
  GByteArray *reply;
  GByteArray *frames;  /* on their way out */
  guint8 buffer[4096];
  gboolean connected;  /* it speaks HTTP/2 */
  gboolean ended;      /* the answer is whole */
  int http_status;
  int code;            /* -1: none came */
  char *message;       /* (nullable) */
} Check;

static void exchange (GTask *task);

static void
check_free (gpointer data)
{
  Check *check = data;

  nghttp2_session_del (check->session);
  g_object_unref (check->stream);
  g_byte_array_unref (check->request);
  g_byte_array_unref (check->reply);
  g_byte_array_unref (check->frames);
  g_free (check->authority);
  g_free (check->message);
  g_free (check);
}

static int
on_header (nghttp2_session *session, const nghttp2_frame *frame, const guint8 *name, size_t name_length, const guint8 *value,
           size_t value_length, guint8 flags, gpointer data)
{
  Check *check = data;

  if (strcmp ((const char *) name, ":status") == 0)
    check->http_status = atoi ((const char *) value);
  else if (strcmp ((const char *) name, "grpc-status") == 0)
    check->code = atoi ((const char *) value);
  else if (strcmp ((const char *) name, "grpc-message") == 0) {
    g_free (check->message);
    check->message = g_uri_unescape_string ((const char *) value, NULL);
  }
  return 0;
}

static int
on_data (nghttp2_session *session, guint8 flags, gint32 stream, const guint8 *data, size_t length, gpointer user_data)
{
  Check *check = user_data;

  if (check->reply->len + length > MAX_MESSAGE)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  g_byte_array_append (check->reply, data, length);
  return 0;
}

static int
on_stream_closed (nghttp2_session *session, gint32 stream, guint32 code, gpointer data)
{
  Check *check = data;

  check->ended = TRUE;
  if (code != NGHTTP2_NO_ERROR && check->code < 0) {
    check->code = CODE_INTERNAL;
    check->message = g_strdup_printf ("stream terminated by RST_STREAM with error code: %s", nghttp2_http2_strerror (code));
  }
  return 0;
}

static ssize_t
read_request (nghttp2_session *session, gint32 stream, guint8 *buffer, size_t length, guint32 *flags, nghttp2_data_source *source,
              gpointer data)
{
  Check *check = data;
  gsize n = MIN (length, check->request->len - check->sent);

  memcpy (buffer, check->request->data + check->sent, n);
  check->sent += n;
  if (check->sent == check->request->len)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return n;
}

static void
submit (Check *check)
{
  const char *const headers[] = { ":method", "POST", ":scheme", "http", ":path", "/grpc.health.v1.Health/Check", ":authority",
                                  check->authority, "content-type", "application/grpc", "user-agent", USER_AGENT, "te", "trailers" };
  nghttp2_nv pairs[G_N_ELEMENTS (headers) / 2];
  nghttp2_data_provider provider = { .read_callback = read_request };

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    pairs[i] = (nghttp2_nv){ (guint8 *) headers[2 * i], (guint8 *) headers[2 * i + 1], strlen (headers[2 * i]), strlen (headers[2 * i + 1]),
                             NGHTTP2_NV_FLAG_NONE };
  nghttp2_submit_request (check->session, NULL, pairs, G_N_ELEMENTS (pairs), &provider, NULL);
}

/* Its settings tell that it speaks HTTP/2: gRPC's client sends no request before. */
static int
on_frame (nghttp2_session *session, const nghttp2_frame *frame, gpointer data)
{
  Check *check = data;

  if (frame->hd.type == NGHTTP2_SETTINGS && !check->connected)
    submit (check);
  check->connected = check->connected || frame->hd.type == NGHTTP2_SETTINGS;
  return 0;
}

/* --- the messages --- */

static void
append_varint (GByteArray *out, guint64 value)
{
  for (; value >= 0x80; value >>= 7) {
    guint8 byte = value | 0x80;
    g_byte_array_append (out, &byte, 1);
  }
  guint8 last = value;
  g_byte_array_append (out, &last, 1);
}

/* HealthCheckRequest { string service = 1; } */
static GByteArray *
make_request (const char *service)
{
  GByteArray *out = g_byte_array_new ();
  const guint8 prefix[PREFIX] = { 0 }, tag = 1 << 3 | 2;

  g_byte_array_append (out, prefix, PREFIX);
  if (*service != '\0') {
    g_byte_array_append (out, &tag, 1);
    append_varint (out, strlen (service));
    g_byte_array_append (out, (const guint8 *) service, strlen (service));
  }
  guint32 length = GUINT32_TO_BE (out->len - PREFIX);
  memcpy (out->data + 1, &length, sizeof length);
  return out;
}

static gboolean
take_varint (const guint8 **data, const guint8 *end, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; *data < end && shift < 64; shift += 7) {
    guint8 byte = *(*data)++;
    *value |= (guint64) (byte & 0x7f) << shift;
    if (byte < 0x80)
      return TRUE;
  }
  return FALSE;
}

/* HealthCheckResponse { ServingStatus status = 1; }; -1: it is none. */
static int
parse_reply (GByteArray *reply)
{
  const guint8 *data = reply->data + PREFIX, *end = reply->data + reply->len;
  guint64 tag, value;
  int status = 0;

  if (reply->len < PREFIX || reply->data[0] != 0)
    return -1;
  while (data < end) {
    if (!take_varint (&data, end, &tag) || !take_varint (&data, end, &value))
      return -1;
    if (tag == STATUS_FIELD << 3)
      status = MIN (value, G_N_ELEMENTS (statuses));
    else if ((tag & 7) == 2 && value <= (guint64) (end - data))
      data += value; /* a field of a later version */
    else if ((tag & 7) != 0)
      return -1;
  }
  return status;
}

/* --- what is made of it --- */

static void
tell (GTask *task, gboolean healthy, char *output)
{
  g_object_set_data_full (G_OBJECT (task), "output", output, g_free);
  g_task_return_boolean (task, healthy);
}

static void
tell_code (GTask *task, int code, const char *message)
{
  const char *name = code >= 0 && (gsize) code < G_N_ELEMENTS (codes) ? codes[code] : codes[CODE_UNKNOWN];

  if (code == CODE_UNIMPLEMENTED)
    tell (task, FALSE,
          g_strdup_printf ("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", message));
  else
    tell (task, FALSE, g_strdup_printf ("error: health rpc probe failed: rpc error: code = %s desc = %s", name, message));
}

static void
judge (GTask *task)
{
  Check *check = g_task_get_task_data (task);
  int status = parse_reply (check->reply);

  if (check->code > 0)
    tell_code (task, check->code, check->message != NULL ? check->message : "");
  else if (check->code < 0) {
    g_autofree char *text = g_strdup_printf ("unexpected HTTP status code received from server: %d", check->http_status);
    tell_code (task, check->http_status == 404 ? CODE_UNIMPLEMENTED : CODE_UNKNOWN, text);
  } else if (status < 0)
    tell_code (task, CODE_INTERNAL, "the answer is no HealthCheckResponse");
  else if (status == SERVING)
    tell (task, TRUE, g_strdup ("service healthy"));
  else if ((gsize) status < G_N_ELEMENTS (statuses))
    tell (task, FALSE, g_strdup_printf ("service unhealthy (responded with \"%s\")", statuses[status]));
  else
    tell (task, FALSE, g_strdup ("service unhealthy (responded with an unknown status)"));
}

/* The connection ended, or the time. */
static void
give_up (GTask *task, const GError *error)
{
  Check *check = g_task_get_task_data (task);

  if (!check->connected)
    tell (task, FALSE, kube_grpc_health_describe_unreachable (check->authority, check->timeout));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tell (task, FALSE, g_strdup_printf ("timeout: health rpc did not complete within %gs", (double) check->timeout / G_USEC_PER_SEC));
  else {
    g_autofree char *text = g_strdup_printf ("error reading from server: %s", error != NULL ? error->message : "EOF");
    tell_code (task, CODE_UNAVAILABLE, text);
  }
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (object), result, &error);

  if (n <= 0)
    give_up (task, error);
  else if (nghttp2_session_mem_recv (check->session, check->buffer, n) < 0)
    give_up (task, NULL);
  else if (check->ended)
    judge (task);
  else
    exchange (task);
}

static void
on_written (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (object), result, NULL, &error)) {
    give_up (task, error);
    return;
  }
  g_input_stream_read_async (g_io_stream_get_input_stream (check->stream), check->buffer, sizeof check->buffer, G_PRIORITY_DEFAULT,
                             g_task_get_cancellable (task), on_read, g_object_ref (task));
}

/* Writes what is to be written, then reads once. */
static void
exchange (GTask *task)
{
  Check *check = g_task_get_task_data (task);
  const guint8 *data;
  ssize_t n;

  g_byte_array_set_size (check->frames, 0);
  while ((n = nghttp2_session_mem_send (check->session, &data)) > 0)
    g_byte_array_append (check->frames, data, n);
  if (!nghttp2_session_want_read (check->session)) {
    give_up (task, NULL);
    return;
  }
  g_output_stream_write_all_async (g_io_stream_get_output_stream (check->stream), check->frames->data, check->frames->len,
                                   G_PRIORITY_DEFAULT, g_task_get_cancellable (task), on_written, g_object_ref (task));
}

static nghttp2_session *
make_session (Check *check)
{
  nghttp2_session_callbacks *callbacks;
  nghttp2_session *session;

  nghttp2_session_callbacks_new (&callbacks);
  nghttp2_session_callbacks_set_on_header_callback (callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback (callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback (callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback (callbacks, on_stream_closed);
  nghttp2_session_client_new (&session, callbacks, check);
  nghttp2_session_callbacks_del (callbacks);
  nghttp2_submit_settings (session, NGHTTP2_FLAG_NONE, NULL, 0);
  return session;
}

void
kube_grpc_health_check_async (GIOStream *stream, const char *authority, const char *service, gint64 timeout, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  Check *check = g_new0 (Check, 1);

  g_task_set_source_tag (task, kube_grpc_health_check_async);
  g_task_set_task_data (task, check, check_free);
  g_task_set_check_cancellable (task, FALSE);
  check->stream = g_object_ref (stream);
  check->authority = g_strdup (authority);
  check->timeout = timeout;
  check->code = -1;
  check->request = make_request (service);
  check->reply = g_byte_array_new ();
  check->frames = g_byte_array_new ();
  check->session = make_session (check);
  exchange (task);
}

gboolean
kube_grpc_health_check_finish (GAsyncResult *result, char **output)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, kube_grpc_health_check_async), FALSE);

  *output = g_strdup (g_object_get_data (G_OBJECT (result), "output"));
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

char *
kube_grpc_health_describe_unreachable (const char *authority, gint64 timeout)
{
  return g_strdup_printf ("timeout: failed to connect service \"%s\" within %gs: context deadline exceeded", authority,
                          (double) timeout / G_USEC_PER_SEC);
}
