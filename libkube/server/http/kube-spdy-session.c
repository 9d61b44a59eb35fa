/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-spdy.h"
#include "http/kube-stream-session-private.h"
#include "http/kube-web-socket.h"

/* The channels of a session as streams of SPDY: the client opens a stream for each, and says in its headers for which. What we send on a channel waits for its stream. kubectl's
 * port-forward since 1.31 speaks the same within WebSocket messages. */

#define MAX_STREAMS 1024
#define MAX_MESSAGE (1024 * 1024)
#define NO_CHANNEL G_MAXUINT

typedef struct {
  guint channel;
  guint32 stream;       /* 0: not opened yet */
  GQueue waiting;       /* (element-type GBytes) */
  gboolean end_waiting;
  gboolean ended;       /* by us */
} Channel;

typedef struct {
  char *request;
  guint channel;
  guint16 port;
  gboolean has_data, has_error;
} Forward;

typedef struct {
  KubeStreamSession parent;
  KubeSpdy *spdy;
  GPtrArray *channels; /* (element-type Channel) */
  GPtrArray *forwards; /* (element-type Forward) */
  gboolean tunnelled;
  KubeWebSocketParser parser;
  guint n_streams;
  guint expected; /* streams that the client opens before it goes on */
} SpdySession;

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  g_queue_clear_full (&channel->waiting, (GDestroyNotify) g_bytes_unref);
  g_free (channel);
}

static void
forward_free (gpointer data)
{
  g_free (((Forward *) data)->request);
  g_free (data);
}

static Channel *
find_channel (SpdySession *self, guint number)
{
  Channel *channel;

  for (guint i = 0; i < self->channels->len; i++) {
    channel = g_ptr_array_index (self->channels, i);
    if (channel->channel == number)
      return channel;
  }
  channel = g_new0 (Channel, 1);
  channel->channel = number;
  g_queue_init (&channel->waiting);
  g_ptr_array_add (self->channels, channel);
  return channel;
}

static guint
find_number (SpdySession *self, guint32 stream)
{
  for (guint i = 0; i < self->channels->len; i++) {
    Channel *channel = g_ptr_array_index (self->channels, i);
    if (channel->stream == stream)
      return channel->channel;
  }
  return NO_CHANNEL;
}

static void
send_waiting (SpdySession *self, Channel *channel)
{
  GBytes *bytes;

  while ((bytes = g_queue_pop_head (&channel->waiting)) != NULL) {
    gsize length;
    gconstpointer data = g_bytes_get_data (bytes, &length);
    kube_spdy_send (self->spdy, channel->stream, data, length, FALSE);
    g_bytes_unref (bytes);
  }
  if (channel->end_waiting && !channel->ended) {
    channel->ended = TRUE;
    kube_spdy_send (self->spdy, channel->stream, NULL, 0, TRUE);
  }
}

static guint
number_of_type (const char *type)
{
  static const char *const types[] = { "stdin", "stdout", "stderr", "error", "resize" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_strcmp0 (types[i], type) == 0)
      return i;
  }
  return NO_CHANNEL;
}

static Forward *
find_forward (SpdySession *self, const char *request, guint16 port)
{
  Forward *forward;

  for (guint i = 0; i < self->forwards->len; i++) {
    forward = g_ptr_array_index (self->forwards, i);
    if (g_str_equal (forward->request, request))
      return forward;
  }
  forward = g_new0 (Forward, 1);
  forward->request = g_strdup (request);
  forward->channel = 2 * self->forwards->len;
  forward->port = port;
  g_ptr_array_add (self->forwards, forward);
  return forward;
}

static gboolean
open_forward (SpdySession *self, GHashTable *headers, guint *number)
{
  const char *type = g_hash_table_lookup (headers, "streamtype"), *request = g_hash_table_lookup (headers, "requestid");
  const char *text = g_hash_table_lookup (headers, "port");
  gboolean data = g_strcmp0 (type, "data") == 0;
  guint64 port;
  Forward *forward;

  if ((!data && g_strcmp0 (type, "error") != 0) || text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  forward = find_forward (self, request != NULL ? request : text, port);
  *number = forward->channel + (data ? 0 : 1);
  forward->has_data = forward->has_data || data;
  forward->has_error = forward->has_error || !data;
  if (!forward->has_data || !forward->has_error)
    return TRUE;
  return self->parent.funcs != NULL && self->parent.funcs->port_opened != NULL &&
         self->parent.funcs->port_opened (&self->parent, forward->channel, forward->port, self->parent.user_data);
}

static gboolean
on_opened (KubeSpdy *spdy, guint32 stream, GHashTable *headers, gpointer user_data)
{
  SpdySession *self = user_data;
  guint number = number_of_type (g_hash_table_lookup (headers, "streamtype"));

  if (++self->n_streams > MAX_STREAMS)
    return FALSE;
  if (g_hash_table_contains (headers, "port") && !open_forward (self, headers, &number))
    return FALSE;
  if (number == NO_CHANNEL)
    return FALSE;
  /* what waits for it is sent after the reply */
  find_channel (self, number)->stream = stream;
  return TRUE;
}

static void
send_all_waiting (SpdySession *self)
{
  for (guint i = 0; i < self->channels->len; i++) {
    Channel *channel = g_ptr_array_index (self->channels, i);
    if (channel->stream != 0)
      send_waiting (self, channel);
  }
}

static void
on_data (KubeSpdy *spdy, guint32 stream, const guint8 *data, gsize length, gpointer user_data)
{
  SpdySession *self = user_data;
  guint number = find_number (self, stream);

  if (number != NO_CHANNEL && length > 0)
    kube_stream_session_tell_data (&self->parent, number, data, length);
}

static void
on_ended (KubeSpdy *spdy, guint32 stream, gpointer user_data)
{
  SpdySession *self = user_data;
  guint number = find_number (self, stream);

  if (number != NO_CHANNEL)
    kube_stream_session_tell_channel_closed (&self->parent, number);
}

static void
on_write (KubeSpdy *spdy, GBytes *bytes, gpointer user_data)
{
  SpdySession *self = user_data;
  g_autoptr (GBytes) frame = NULL;
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  if (!self->tunnelled) {
    kube_stream_session_write (&self->parent, bytes);
    return;
  }
  frame = kube_web_socket_make_frame (KUBE_WEB_SOCKET_BINARY, NULL, 0, data, length);
  kube_stream_session_write (&self->parent, frame);
}

static void
take (SpdySession *self, const guint8 *data, gsize length)
{
  if (!kube_spdy_take (self->spdy, data, length) && !self->parent.closing)
    kube_stream_session_end (&self->parent, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the client broke the SPDY protocol"));
  else if (!self->parent.closing)
    send_all_waiting (self);
  kube_stream_session_opened (&self->parent);
}

static gboolean
on_message (KubeWebSocketOpcode opcode, const guint8 *data, gsize length, gpointer user_data)
{
  SpdySession *self = user_data;
  g_autoptr (GBytes) answer = NULL;

  if (opcode == KUBE_WEB_SOCKET_BINARY) {
    take (self, data, length);
  } else if (opcode == KUBE_WEB_SOCKET_PING || opcode == KUBE_WEB_SOCKET_CLOSE) {
    answer = kube_web_socket_make_frame (opcode == KUBE_WEB_SOCKET_PING ? KUBE_WEB_SOCKET_PONG : opcode, NULL, 0, data, length);
    kube_stream_session_write (&self->parent, answer);
    if (opcode == KUBE_WEB_SOCKET_CLOSE)
      kube_stream_session_end (&self->parent, NULL);
  }
  return !self->parent.closing;
}

static void
input (KubeStreamSession *session, const guint8 *data, gsize length)
{
  g_autoptr (KubeStreamSession) hold = kube_stream_session_ref (session);
  SpdySession *self = (SpdySession *) session;

  if (!self->tunnelled)
    take (self, data, length);
  else if (kube_web_socket_parser_take (&self->parser, data, length) != 0 && !session->closing)
    kube_stream_session_end (session, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the client broke the WebSocket protocol"));
}

static void
send (KubeStreamSession *session, guint number, GBytes *bytes)
{
  SpdySession *self = (SpdySession *) session;
  Channel *channel = find_channel (self, number);

  if (channel->ended || channel->end_waiting)
    return;
  g_queue_push_tail (&channel->waiting, g_bytes_ref (bytes));
  if (channel->stream != 0)
    send_waiting (self, channel);
}

static void
close_channel (KubeStreamSession *session, guint number)
{
  SpdySession *self = (SpdySession *) session;
  Channel *channel = find_channel (self, number);

  channel->end_waiting = TRUE;
  if (channel->stream != 0)
    send_waiting (self, channel);
}

static void
close_session (KubeStreamSession *session, guint code, const char *reason)
{
  SpdySession *self = (SpdySession *) session;
  guint8 good_bye[2] = { code >> 8, code };
  g_autoptr (GBytes) frame = NULL;

  for (guint i = 0; i < self->channels->len; i++) {
    Channel *channel = g_ptr_array_index (self->channels, i);
    channel->end_waiting = TRUE;
    if (channel->stream != 0)
      send_waiting (self, channel);
  }
  kube_spdy_go_away (self->spdy);
  if (!self->tunnelled)
    return;
  frame = kube_web_socket_make_frame (KUBE_WEB_SOCKET_CLOSE, good_bye, sizeof good_bye, NULL, 0);
  kube_stream_session_write (session, frame);
}

static void
clear (KubeStreamSession *session)
{
  SpdySession *self = (SpdySession *) session;

  kube_spdy_free (self->spdy);
  g_ptr_array_unref (self->channels);
  g_ptr_array_unref (self->forwards);
  kube_web_socket_parser_clear (&self->parser);
}

static gboolean
is_open (KubeStreamSession *session)
{
  return ((SpdySession *) session)->n_streams >= ((SpdySession *) session)->expected;
}

static KubeStreamSession *
make (KubeHttpConnection *connection, const char *protocol, gboolean tunnelled)
{
  static const KubeStreamSessionOps ops = { input, send, close_channel, close_session, clear, is_open };
  static const KubeSpdyFuncs funcs = { on_opened, on_data, on_ended, on_write };
  SpdySession *self = g_new0 (SpdySession, 1);

  self->spdy = kube_spdy_new (&funcs, self);
  self->channels = g_ptr_array_new_with_free_func (channel_free);
  self->forwards = g_ptr_array_new_with_free_func (forward_free);
  self->tunnelled = tunnelled;
  self->parser = (KubeWebSocketParser) { .max_message = MAX_MESSAGE, .func = on_message, .user_data = self };
  kube_stream_session_init (&self->parent, &ops, connection, protocol, TRUE);
  return &self->parent;
}

KubeStreamSession *
kube_spdy_session_new_tunnelled (KubeHttpConnection *connection, const char *protocol)
{
  return make (connection, protocol, TRUE);
}

static const char *
choose_protocol (const KubeHttpHead *head, const char *const *protocols)
{
  for (guint i = 0; i < head->n_headers; i++) {
    g_auto (GStrv) names = NULL;
    if (g_ascii_strcasecmp (head->headers[i].name, "X-Stream-Protocol-Version") != 0)
      continue;
    names = g_strsplit (head->headers[i].value, ",", -1);
    for (char **name = names; *name != NULL; name++) {
      g_strstrip (*name);
      for (const char *const *served = protocols; *served != NULL; served++) {
        if (g_str_equal (*served, *name))
          return *served;
      }
    }
  }
  return NULL;
}

static gboolean
asks_for (const KubeHttpHead *head, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (head->query != NULL ? head->query : "", "&", -1);

  for (char **part = parts; *part != NULL; part++) {
    gsize length = strlen (name);
    if (g_str_has_prefix (*part, name) && (g_str_equal (*part + length, "=true") || g_str_equal (*part + length, "=1")))
      return TRUE;
  }
  return FALSE;
}

/* As upstream counts them: one for errors, one for each of what was asked for, and with a terminal one for its size instead of stderr. */
static guint
count_expected (const KubeHttpHead *head, const char *protocol)
{
  gboolean tty = asks_for (head, "tty"), resizes = g_str_has_prefix (protocol, "v3.") || g_str_has_prefix (protocol, "v4.");

  if (!g_str_has_suffix (head->path, "/exec") && !g_str_has_suffix (head->path, "/attach"))
    return 0;
  return 1 + asks_for (head, "stdin") + asks_for (head, "stdout") + (tty ? resizes : asks_for (head, "stderr"));
}

KubeStreamSession *
kube_spdy_session_new (KubeHttpConnection *connection, const KubeHttpHead *head, const char *const *protocols, GError **error)
{
  const char *protocol = choose_protocol (head, protocols);
  KubeStreamSession *session;
  GString *out;

  if (protocol == NULL) {
    g_autofree char *served = g_strjoinv (" ", (char **) protocols);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "unable to upgrade: unable to negotiate protocol: server accepts [%s]", served);
    return NULL;
  }
  out = kube_http_connection_get_scratch (connection);
  g_string_append_printf (out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: %s\r\n\r\n", protocol);
  kube_http_connection_send (connection, out->str, out->len);
  session = make (connection, protocol, FALSE);
  ((SpdySession *) session)->expected = count_expected (head, protocol);
  return session;
}
