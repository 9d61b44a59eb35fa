/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* After the last answer: how long and how much more is read and dropped, so that the client gets to read it before its own writes are reset. */
#define LINGER_TIME (2 * G_USEC_PER_SEC)
#define LINGER_BYTES (4 * 1024 * 1024)
/* One connection's share of a turn of the loop. */
#define READS_AT_ONCE 16
#define BYTES_AT_ONCE (1024 * 1024)
#define FIRST_BODY 65536

typedef enum {
  HANDSHAKE,
  IDLE,
  HEADER,
  BODY,
  ANSWER,  /* the pipeline has it: no deadline */
  WRITE,   /* all of an answer is queued */
  STREAM,  /* an endless answer: quiet for as long as it likes */
  RAW,     /* no longer HTTP */
  LAST,    /* what is queued, then CLOSING */
  CLOSING, /* dropping what comes, for a little while */
  CLOSED,
} State;

typedef struct {
  GBytes *bytes;
  char prefix[20]; /* a chunk's size line */
  guint8 prefix_length;
  guint8 suffix_length;
} Piece;

struct _KubeHttpConnection {
  guint refs;
  KubeHttpWorker *worker; /* (owned) */
  GList link;
  GSocket *socket;        /* (nullable): NULL once closed */
  int fd;
  KubeTls *tls;           /* (nullable): NULL once closed */
  guint32 interest;
  char *address;
  KubeUser *peer;         /* (owned) (nullable) */
  char *peer_error;       /* (nullable) */
  State state;
  gint64 deadline;        /* -1: none */

  GByteArray *in;         /* (nullable): read and not yet understood */
  gsize scanned;
  KubeHttpHead head;
  GByteArray *body;       /* (nullable) */
  KubeHttpChunks chunks;
  gsize dropped;

  GQueue out;             /* (element-type Piece) */
  gsize out_offset;       /* in the first piece */
  gsize queued;
  gboolean writing;       /* flush() is at work */
  gboolean understanding; /* understand() is at work */
  gboolean looked_later;

  KubeHttpCall *call;     /* (owned) (nullable): the one under way */
  gboolean keep_alive;
  const KubeHttpRawFuncs *raw;
  gpointer raw_data;
  gboolean paused;
};

static void flush (KubeHttpConnection *connection);
static void understand (KubeHttpConnection *connection, const char *data, gsize length);

KubeHttpConnection *
kube_http_connection_ref (KubeHttpConnection *connection)
{
  connection->refs++;
  return connection;
}

void
kube_http_connection_unref (KubeHttpConnection *connection)
{
  if (--connection->refs > 0)
    return;
  g_clear_pointer (&connection->peer, kube_user_unref);
  g_free (connection->peer_error);
  g_free (connection->address);
  kube_http_worker_unref (connection->worker);
  g_free (connection);
}

static void
look_later (KubeHttpConnection *connection)
{
  if (connection->looked_later)
    return;
  connection->looked_later = TRUE;
  kube_http_worker_look_later (connection->worker, kube_http_connection_ref (connection));
}

static void
piece_free (gpointer data)
{
  g_bytes_unref (((Piece *) data)->bytes);
  g_free (data);
}

static void
clear_request (KubeHttpConnection *connection)
{
  kube_http_head_clear (&connection->head);
  g_clear_pointer (&connection->body, g_byte_array_unref);
}

void
kube_http_connection_close (KubeHttpConnection *connection)
{
  KubeHttpCall *call;
  const KubeHttpRawFuncs *raw;

  if (connection->state == CLOSED)
    return;
  call = g_steal_pointer (&connection->call);
  raw = g_steal_pointer (&connection->raw);
  if (connection->state != HANDSHAKE)
    kube_tls_bye (connection->tls);
  connection->state = CLOSED;
  connection->deadline = -1;
  g_clear_pointer (&connection->tls, kube_tls_free);
  epoll_ctl (connection->worker->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
  g_socket_close (connection->socket, NULL);
  g_clear_object (&connection->socket);
  g_queue_unlink (&connection->worker->connections, &connection->link);
  kube_http_gate_leave (connection->worker->settings.gate, connection->address);
  g_queue_clear_full (&connection->out, piece_free);
  connection->queued = 0;
  clear_request (connection);
  g_clear_pointer (&connection->in, g_byte_array_unref);
  if (call != NULL) {
    kube_http_call_finish (call);
    g_object_unref (call);
  }
  if (raw != NULL)
    raw->closed (connection->raw_data);
  /* its own reference: events of this turn may still name it */
  kube_http_worker_look_later (connection->worker, connection);
}

static gint64
get_patience (const KubeHttpTimeouts *timeouts, State state)
{
  switch (state) {
  case HANDSHAKE:
    return timeouts->handshake;
  case IDLE:
    return timeouts->idle;
  case HEADER:
    return timeouts->header;
  case BODY:
    return timeouts->body;
  case WRITE:
  case LAST:
    return timeouts->stall;
  case RAW:
    return timeouts->session;
  case CLOSING:
    return LINGER_TIME;
  default:
    return -1;
  }
}

static void
set_patience (KubeHttpConnection *connection, gint64 patience)
{
  KubeHttpWorker *worker = connection->worker;

  connection->deadline = patience < 0 ? -1 : kube_clock_get_monotonic_time (worker->settings.clock) + patience;
  if (connection->deadline >= 0)
    kube_http_worker_arm (worker, connection->deadline);
}

static void
set_state (KubeHttpConnection *connection, State state)
{
  connection->state = state;
  set_patience (connection, get_patience (&connection->worker->settings.timeouts, state));
}

static void
set_interest (KubeHttpConnection *connection, guint32 interest)
{
  struct epoll_event event = { .events = interest, .data.ptr = connection };

  if (connection->interest == interest || connection->state == CLOSED)
    return;
  connection->interest = interest;
  epoll_ctl (connection->worker->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static gboolean
is_reading (KubeHttpConnection *connection)
{
  State state = connection->state;

  return state == IDLE || state == HEADER || state == BODY || state == CLOSING || (state == RAW && !connection->paused);
}

static void
want_input (KubeHttpConnection *connection)
{
  if (is_reading (connection))
    set_interest (connection, connection->interest | EPOLLIN | EPOLLRDHUP);
}

gint64
kube_http_connection_expire (KubeHttpConnection *connection, gint64 now)
{
  if (connection->deadline < 0 || connection->deadline > now)
    return connection->deadline;
  kube_http_connection_close (connection);
  return -1;
}

GMainContext *
kube_http_connection_get_context (KubeHttpConnection *connection)
{
  return connection->worker->context;
}

KubeClock *
kube_http_connection_get_clock (KubeHttpConnection *connection)
{
  return connection->worker->settings.clock;
}

const KubeHttpTimeouts *
kube_http_connection_get_timeouts (KubeHttpConnection *connection)
{
  return &connection->worker->settings.timeouts;
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

gsize
kube_http_connection_get_queued (KubeHttpConnection *connection)
{
  return connection->queued;
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

GString *
kube_http_connection_get_scratch (KubeHttpConnection *connection)
{
  return g_string_truncate (connection->worker->scratch, 0);
}

const char *
kube_http_connection_get_date (KubeHttpConnection *connection)
{
  static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
  static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  KubeHttpWorker *worker = connection->worker;
  gint64 second = kube_clock_get_time (worker->settings.clock) / G_USEC_PER_SEC;
  g_autoptr (GDateTime) time = NULL;

  if (second == worker->date_at)
    return worker->date;
  worker->date_at = second;
  time = g_date_time_new_from_unix_utc (second);
  g_snprintf (worker->date, sizeof worker->date, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[g_date_time_get_day_of_week (time) - 1],
              g_date_time_get_day_of_month (time), months[g_date_time_get_month (time) - 1], g_date_time_get_year (time),
              g_date_time_get_hour (time), g_date_time_get_minute (time), g_date_time_get_second (time));
  return worker->date;
}

/* Writing */

static gsize
piece_length (const Piece *piece)
{
  return piece->prefix_length + g_bytes_get_size (piece->bytes) + piece->suffix_length;
}

/* What of @piece begins at @offset, as far as it is of one part. */
static gconstpointer
piece_at (const Piece *piece, gsize offset, gsize *length)
{
  gsize size;
  const char *data = g_bytes_get_data (piece->bytes, &size);

  if (offset < piece->prefix_length) {
    *length = piece->prefix_length - offset;
    return piece->prefix + offset;
  }
  offset -= piece->prefix_length;
  if (offset < size) {
    *length = size - offset;
    return data + offset;
  }
  *length = piece->suffix_length - (offset - size);
  return &"\r\n"[offset - size];
}

/* The next record: where it is in one part it is not copied. */
static gconstpointer
gather (KubeHttpConnection *connection, gsize *length)
{
  gsize used = 0, offset = connection->out_offset;
  char *out = connection->worker->out;

  for (GList *link = connection->out.head; link != NULL && used < KUBE_HTTP_RECORD; link = link->next) {
    const Piece *piece = link->data;
    while (offset < piece_length (piece) && used < KUBE_HTTP_RECORD) {
      gsize part;
      gconstpointer data = piece_at (piece, offset, &part);
      if (used == 0 && part >= KUBE_HTTP_RECORD) {
        *length = KUBE_HTTP_RECORD;
        return data;
      }
      part = MIN (part, KUBE_HTTP_RECORD - used);
      memcpy (out + used, data, part);
      used += part;
      offset += part;
    }
    offset = 0;
  }
  *length = used;
  return out;
}

static void
consume (KubeHttpConnection *connection, gsize length)
{
  connection->queued -= length;
  while (length > 0) {
    Piece *piece = g_queue_peek_head (&connection->out);
    gsize left = piece_length (piece) - connection->out_offset;
    if (length < left) {
      connection->out_offset += length;
      return;
    }
    length -= left;
    connection->out_offset = 0;
    piece_free (g_queue_pop_head (&connection->out));
  }
}

/* FALSE: not all is written, or the connection is closed. */
static gboolean
write_queue (KubeHttpConnection *connection)
{
  gsize written = 0;

  while (connection->state != CLOSED && connection->out.length > 0) {
    gsize length;
    gconstpointer data = gather (connection, &length);
    gssize sent = kube_tls_write (connection->tls, data, length);

    if (sent == KUBE_TLS_FAILED) {
      kube_http_connection_close (connection);
      return FALSE;
    }
    if (sent == KUBE_TLS_AGAIN) {
      set_interest (connection, connection->interest | EPOLLOUT);
      return FALSE;
    }
    consume (connection, sent);
    written += sent;
    set_patience (connection, connection->state == CLOSING ? LINGER_TIME : connection->worker->settings.timeouts.stall);
    if (written >= BYTES_AT_ONCE) {
      look_later (connection);
      return FALSE;
    }
  }
  if (connection->state != CLOSED)
    set_interest (connection, connection->interest & ~EPOLLOUT);
  return connection->state != CLOSED;
}

static void
begin_closing (KubeHttpConnection *connection)
{
  kube_tls_bye (connection->tls);
  shutdown (connection->fd, SHUT_WR);
  connection->dropped = 0;
  set_state (connection, CLOSING);
  want_input (connection);
}

/* The answer is out: the next request. */
static void
end_request (KubeHttpConnection *connection)
{
  KubeHttpCall *call = g_steal_pointer (&connection->call);

  kube_http_call_finish (call);
  g_object_unref (call);
  if (connection->state == CLOSED)
    return;
  if (!connection->keep_alive || connection->worker->draining) {
    if (connection->in != NULL || connection->understanding)
      begin_closing (connection);
    else
      kube_http_connection_close (connection);
    return;
  }
  set_state (connection, IDLE);
  want_input (connection);
  if (!connection->understanding && (connection->in != NULL || kube_tls_has_pending (connection->tls)))
    look_later (connection);
}

static void
tell_drained (KubeHttpConnection *connection)
{
  if (connection->queued >= KUBE_HTTP_MAX_QUEUED / 4)
    return;
  if (connection->state == STREAM && connection->call != NULL)
    kube_call_drained (KUBE_CALL (connection->call));
  else if (connection->state == RAW && connection->raw != NULL)
    connection->raw->drained (connection->raw_data);
}

static void
flush (KubeHttpConnection *connection)
{
  gsize before;

  if (connection->writing || connection->state == CLOSED)
    return;
  connection->writing = TRUE;
  do {
    gboolean all = write_queue (connection);
    before = connection->queued;
    if (connection->state == STREAM || connection->state == RAW) {
      if (all)
        set_patience (connection, get_patience (&connection->worker->settings.timeouts, connection->state));
      tell_drained (connection);
    }
    if (!all)
      break;
  } while (connection->queued > before && !connection->looked_later);
  connection->writing = FALSE;
  if (connection->state == CLOSED)
    return;
  if (connection->queued > 0 && (connection->interest & EPOLLOUT) == 0)
    look_later (connection);
  if (connection->queued > 0)
    return;
  if (connection->state == WRITE)
    end_request (connection);
  else if (connection->state == LAST)
    begin_closing (connection);
}

static void
enqueue (KubeHttpConnection *connection, GBytes *bytes, gboolean chunk)
{
  Piece *piece = g_new (Piece, 1);

  piece->bytes = g_bytes_ref (bytes);
  piece->prefix_length = chunk ? g_snprintf (piece->prefix, sizeof piece->prefix, "%zx\r\n", g_bytes_get_size (bytes)) : 0;
  piece->suffix_length = chunk ? 2 : 0;
  g_queue_push_tail (&connection->out, piece);
  connection->queued += piece_length (piece);
}

void
kube_http_connection_send (KubeHttpConnection *connection, const void *data, gsize length)
{
  const char *rest = data;

  while (length > 0 && connection->state != CLOSED && connection->out.length == 0) {
    gssize sent = kube_tls_write (connection->tls, rest, MIN (length, KUBE_HTTP_RECORD));
    if (sent == KUBE_TLS_FAILED)
      kube_http_connection_close (connection);
    if (sent < 0)
      break;
    rest += sent;
    length -= sent;
  }
  if (length > 0 && connection->state != CLOSED) {
    g_autoptr (GBytes) bytes = g_bytes_new (rest, length);
    enqueue (connection, bytes, FALSE);
    set_interest (connection, connection->interest | EPOLLOUT);
  }
}

void
kube_http_connection_push (KubeHttpConnection *connection, GBytes *bytes, gboolean chunk)
{
  if (connection->state == CLOSED || g_bytes_get_size (bytes) == 0)
    return;
  enqueue (connection, bytes, chunk);
  if (connection->deadline < 0 || connection->out.length == 1)
    set_patience (connection, connection->worker->settings.timeouts.stall);
  if (!connection->writing && (connection->interest & EPOLLOUT) == 0)
    look_later (connection);
}

void
kube_http_connection_begin_stream (KubeHttpConnection *connection)
{
  if (connection->state == ANSWER)
    set_state (connection, STREAM);
}

void
kube_http_connection_end_answer (KubeHttpConnection *connection, gboolean keep_alive)
{
  if (connection->state != ANSWER && connection->state != STREAM)
    return;
  connection->keep_alive = connection->keep_alive && keep_alive;
  set_state (connection, WRITE);
  flush (connection);
}

void
kube_http_connection_take_over (KubeHttpConnection *connection, const KubeHttpRawFuncs *funcs, gpointer user_data)
{
  g_autoptr (KubeHttpCall) call = NULL;

  if (connection->state == CLOSED) {
    funcs->closed (user_data);
    return;
  }
  call = g_steal_pointer (&connection->call);
  connection->raw = funcs;
  connection->raw_data = user_data;
  set_state (connection, RAW);
  want_input (connection);
  if (call != NULL)
    kube_http_call_finish (call);
  if (connection->in != NULL || kube_tls_has_pending (connection->tls))
    look_later (connection);
}

void
kube_http_connection_set_paused (KubeHttpConnection *connection, gboolean paused)
{
  connection->paused = paused;
  want_input (connection);
  if (!paused && connection->state == RAW)
    look_later (connection);
}

void
kube_http_connection_finish (KubeHttpConnection *connection)
{
  if (connection->state != RAW)
    return;
  set_state (connection, LAST);
  flush (connection);
}

/* Reading */

static void
refuse_with (KubeHttpConnection *connection, int status, const char *reason, const char *content_type, const char *body)
{
  g_autofree char *answer = g_strdup_printf ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status, reason,
                                             content_type, strlen (body), body);
  g_autoptr (GBytes) bytes = g_bytes_new (answer, strlen (answer));

  clear_request (connection);
  enqueue (connection, bytes, FALSE);
  set_state (connection, LAST);
  flush (connection);
}

static void
refuse (KubeHttpConnection *connection, int status)
{
  static const struct {
    int status;
    const char *reason, *body;
  } texts[] = {
    { 400, "Bad Request", "400 Bad Request" },
    { 431, "Request Header Fields Too Large", "431 Request Header Fields Too Large" },
    { 501, "Not Implemented", "Unsupported transfer encoding" },
    { 505, "HTTP Version Not Supported", "505 HTTP Version Not Supported: unsupported protocol version" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    if (texts[i].status == status)
      refuse_with (connection, status, texts[i].reason, "text/plain; charset=utf-8", texts[i].body);
  }
}

static void
refuse_size (KubeHttpConnection *connection)
{
  g_autoptr (GError) error = g_error_new (KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "Request entity too large: limit is %zu",
                                          connection->worker->settings.max_body);
  g_autofree char *body = kube_call_print_status (error, NULL);

  refuse_with (connection, 413, "Request Entity Too Large", "application/json", body);
}

static void
dispatch (KubeHttpConnection *connection)
{
  KubeHttpSettings *settings = &connection->worker->settings;
  g_autoptr (GBytes) body = connection->body != NULL ? g_byte_array_free_to_bytes (g_steal_pointer (&connection->body)) : NULL;
  KubeCall *call;

  connection->keep_alive = connection->head.keep_alive;
  call = kube_http_call_new (connection, &connection->head, body);
  connection->call = KUBE_HTTP_CALL (g_object_ref (call));
  set_state (connection, ANSWER);
  settings->handle (call, settings->handle_data);
  g_object_unref (call);
}

static gsize
take_head (KubeHttpConnection *connection, const char *data, gsize length)
{
  gsize size = kube_http_head_find (data, length, &connection->scanned);
  int refused;

  if (size == 0 || size > KUBE_HTTP_MAX_HEAD) {
    if (length > KUBE_HTTP_MAX_HEAD)
      refuse (connection, 431);
    return 0;
  }
  connection->scanned = 0;
  refused = kube_http_head_parse (data, size, &connection->head);
  if (refused != 0) {
    refuse (connection, refused);
  } else if (connection->head.length > (gint64) connection->worker->settings.max_body) {
    refuse_size (connection);
  } else if (connection->head.length > 0 || connection->head.chunked) {
    connection->body = g_byte_array_sized_new (MIN (MAX (connection->head.length, 1024), FIRST_BODY));
    connection->chunks = (KubeHttpChunks) { 0 };
    set_state (connection, BODY);
    if (connection->head.expects_continue && size == length)
      kube_http_connection_send (connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  } else {
    dispatch (connection);
  }
  return size;
}

static gsize
take_body (KubeHttpConnection *connection, const char *data, gsize length)
{
  gsize used;
  gboolean done;

  if (connection->head.chunked) {
    if (!kube_http_chunks_take (&connection->chunks, data, length, connection->body, &used, &done)) {
      refuse (connection, 400);
      return length;
    }
    if (connection->body->len > connection->worker->settings.max_body) {
      refuse_size (connection);
      return length;
    }
  } else {
    used = MIN (length, (gsize) connection->head.length - connection->body->len);
    g_byte_array_append (connection->body, (const guint8 *) data, used);
    done = connection->body->len == (gsize) connection->head.length;
  }
  if (done)
    dispatch (connection);
  return used;
}

/* Takes what it can of @data, which is @connection->in or all that is known; keeps the rest there. */
static void
understand (KubeHttpConnection *connection, const char *data, gsize length)
{
  gsize at = 0;
  gboolean more = TRUE;

  connection->understanding = TRUE;
  while (more && at < length) {
    gsize used = 0;
    if (connection->state == IDLE)
      set_state (connection, HEADER);
    if (connection->state == HEADER)
      used = take_head (connection, data + at, length - at);
    else if (connection->state == BODY)
      used = take_body (connection, data + at, length - at);
    at += used;
    more = used > 0;
  }
  connection->understanding = FALSE;
  if (connection->state == CLOSED || connection->state == LAST || connection->state == CLOSING || at >= length) {
    g_clear_pointer (&connection->in, g_byte_array_unref);
  } else if (connection->in == NULL) {
    connection->in = g_byte_array_sized_new (length - at);
    g_byte_array_append (connection->in, (const guint8 *) data + at, length - at);
  } else if (at > 0) {
    g_byte_array_remove_range (connection->in, 0, at);
  }
}

static void
take_input (KubeHttpConnection *connection, const char *data, gsize length)
{
  if (connection->state == CLOSING) {
    connection->dropped += length;
    if (connection->dropped > LINGER_BYTES)
      kube_http_connection_close (connection);
  } else if (connection->state == RAW) {
    if (connection->out.length == 0)
      set_patience (connection, get_patience (&connection->worker->settings.timeouts, RAW));
    connection->raw->data (data, length, connection->raw_data);
  } else if (connection->in != NULL) {
    g_byte_array_append (connection->in, (const guint8 *) data, length);
    understand (connection, (const char *) connection->in->data, connection->in->len);
  } else {
    understand (connection, data, length);
  }
}

static void
take_kept (KubeHttpConnection *connection)
{
  g_autoptr (GByteArray) kept = NULL;

  if (connection->in == NULL || !is_reading (connection))
    return;
  if (connection->state == RAW) {
    kept = g_steal_pointer (&connection->in);
    connection->raw->data (kept->data, kept->len, connection->raw_data);
  } else {
    understand (connection, (const char *) connection->in->data, connection->in->len);
  }
}

static void
read_more (KubeHttpConnection *connection)
{
  for (guint i = 0; i < READS_AT_ONCE && is_reading (connection); i++) {
    gssize got = kube_tls_read (connection->tls, connection->worker->in, KUBE_HTTP_RECORD);

    if (got == KUBE_TLS_AGAIN)
      return;
    if (got <= 0) {
      kube_http_connection_close (connection);
      return;
    }
    take_input (connection, connection->worker->in, got);
  }
  if (is_reading (connection))
    look_later (connection);
}

static void
identify_peer (KubeHttpConnection *connection)
{
  g_autoptr (GError) error = NULL;

  if (connection->worker->settings.client_ca == NULL)
    return;
  connection->peer = kube_tls_identify (connection->tls, connection->worker->settings.client_ca, &error);
  if (error != NULL)
    connection->peer_error = g_strdup (error->message);
}

static void
shake_hands (KubeHttpConnection *connection)
{
  gboolean wants_write;
  gssize result = kube_tls_handshake (connection->tls, &wants_write);

  if (result == KUBE_TLS_FAILED) {
    kube_http_connection_close (connection);
  } else if (result == KUBE_TLS_AGAIN) {
    set_interest (connection, EPOLLRDHUP | (wants_write ? EPOLLOUT : EPOLLIN));
  } else {
    identify_peer (connection);
    set_interest (connection, EPOLLRDHUP | EPOLLIN);
    set_state (connection, HEADER);
    read_more (connection);
  }
}

void
kube_http_connection_on_ready (KubeHttpConnection *connection, guint32 events)
{
  g_autoptr (KubeHttpConnection) hold = kube_http_connection_ref (connection);

  if (connection->state == CLOSED)
    return;
  if (connection->state == HANDSHAKE) {
    shake_hands (connection);
    return;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 || ((events & EPOLLRDHUP) != 0 && connection->state == STREAM)) {
    kube_http_connection_close (connection);
    return;
  }
  /* a client that has sent its request may close its side and wait for the answer */
  if ((events & EPOLLRDHUP) != 0 && connection->state == ANSWER) {
    connection->keep_alive = FALSE;
    kube_call_gone (KUBE_CALL (connection->call));
  }
  if ((events & EPOLLOUT) != 0)
    flush (connection);
  if ((events & (EPOLLIN | EPOLLRDHUP)) == 0)
    return;
  if (is_reading (connection))
    read_more (connection);
  else
    set_interest (connection, connection->interest & ~(events & (EPOLLIN | EPOLLRDHUP)));
}

void
kube_http_connection_continue (KubeHttpConnection *connection)
{
  connection->looked_later = FALSE;
  if (connection->state == CLOSED || connection->state == HANDSHAKE)
    return;
  if (connection->queued > 0 || connection->state == WRITE || connection->state == LAST)
    flush (connection);
  take_kept (connection);
  if (is_reading (connection))
    read_more (connection);
}

void
kube_http_connection_begin (KubeHttpWorker *worker, GSocket *socket, const char *address)
{
  KubeHttpConnection *connection = g_new0 (KubeHttpConnection, 1);
  struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection };

  connection->refs = 1;
  connection->worker = kube_http_worker_ref (worker);
  connection->socket = g_object_ref (socket);
  connection->fd = g_socket_get_fd (socket);
  connection->address = g_strdup (address);
  connection->link.data = connection;
  connection->head.length = -1;
  g_queue_init (&connection->out);
  g_queue_push_tail_link (&worker->connections, &connection->link);
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
  g_socket_set_keepalive (socket, TRUE);
  connection->tls = kube_tls_new (worker->settings.tls, connection->fd);
  connection->interest = event.events;
  epoll_ctl (worker->epoll, EPOLL_CTL_ADD, connection->fd, &event);
  set_state (connection, HANDSHAKE);
}

void
kube_http_connection_drain (KubeHttpConnection *connection)
{
  if (connection->state == STREAM && connection->call != NULL)
    kube_http_call_end_stream (connection->call);
  else if (connection->state == IDLE || connection->state == HANDSHAKE || connection->state == RAW ||
           (connection->state == HEADER && connection->in == NULL))
    kube_http_connection_close (connection);
}
