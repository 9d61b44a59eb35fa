/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-stream-session-private.h"
#include "http/kube-web-socket.h"

/* channel.k8s.io and its kin over a WebSocket: the first byte of a message is its channel. v5 adds a message that closes one; the base64 forms are text, for clients that have no binary
 * messages; binary.k8s.io and its base64 form have no channels. */

#define MAX_MESSAGE (1024 * 1024)
#define CLOSE_SIGNAL 255
#define TUNNEL "SPDY/3.1+"

typedef struct {
  KubeStreamSession parent;
  KubeWebSocketParser parser;
  gboolean base64;
  gboolean channels;
  gboolean v5;
  gboolean close_sent;
} WebSession;

static void
write_frame (WebSession *self, KubeWebSocketOpcode opcode, const void *prefix, gsize prefix_length, const void *data, gsize length)
{
  g_autoptr (GBytes) frame = kube_web_socket_make_frame (opcode, prefix, prefix_length, data, length);

  kube_stream_session_write (&self->parent, frame);
}

static void
write_close (WebSession *self, guint code, const char *reason)
{
  guint8 prefix[2] = { code >> 8, code };
  gsize length = reason != NULL ? MIN (strlen (reason), 123) : 0;

  if (self->close_sent)
    return;
  self->close_sent = TRUE;
  while (length > 0 && !g_utf8_validate (reason, length, NULL))
    length--;
  write_frame (self, KUBE_WEB_SOCKET_CLOSE, prefix, sizeof prefix, reason, length);
}

static void
take_text (WebSession *self, const guint8 *data, gsize length)
{
  g_autofree char *text = g_strndup ((const char *) data + 1, length - 1);
  gsize size;
  g_autofree guchar *decoded = g_base64_decode (text, &size);

  if (g_ascii_isdigit (data[0]))
    kube_stream_session_tell_data (&self->parent, data[0] - '0', decoded, size);
}

static void
take_message (WebSession *self, const guint8 *data, gsize length)
{
  if (!self->channels)
    kube_stream_session_tell_data (&self->parent, 0, data, length);
  else if (length == 0)
    return;
  else if (self->v5 && data[0] == CLOSE_SIGNAL && length == 2)
    kube_stream_session_tell_channel_closed (&self->parent, data[1]);
  else if (self->base64)
    take_text (self, data, length);
  else
    kube_stream_session_tell_data (&self->parent, data[0], data + 1, length - 1);
}

static gboolean
on_message (KubeWebSocketOpcode opcode, const guint8 *data, gsize length, gpointer user_data)
{
  WebSession *self = user_data;

  switch (opcode) {
  case KUBE_WEB_SOCKET_PING:
    write_frame (self, KUBE_WEB_SOCKET_PONG, NULL, 0, data, length);
    break;
  case KUBE_WEB_SOCKET_CLOSE:
    write_close (self, length >= 2 ? (guint) (data[0] << 8 | data[1]) : 1000, NULL);
    kube_stream_session_end (&self->parent, NULL);
    break;
  case KUBE_WEB_SOCKET_TEXT:
  case KUBE_WEB_SOCKET_BINARY:
    take_message (self, data, length);
    break;
  default:
    break;
  }
  return !self->parent.closing;
}

static void
input (KubeStreamSession *session, const guint8 *data, gsize length)
{
  g_autoptr (KubeStreamSession) hold = kube_stream_session_ref (session);
  WebSession *self = (WebSession *) session;
  guint code = kube_web_socket_parser_take (&self->parser, data, length);

  if (code == 0 || session->closing)
    return;
  write_close (self, code, NULL);
  kube_stream_session_end (session, g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the client broke the WebSocket protocol (%u)", code));
}

static void
send (KubeStreamSession *session, guint channel, GBytes *bytes)
{
  WebSession *self = (WebSession *) session;
  gsize length;
  const guchar *data = g_bytes_get_data (bytes, &length);
  guint8 prefix = channel;

  if (self->base64) {
    g_autofree char *text = g_base64_encode (data, length);
    prefix = '0' + channel;
    write_frame (self, KUBE_WEB_SOCKET_TEXT, &prefix, self->channels, text, strlen (text));
  } else {
    write_frame (self, KUBE_WEB_SOCKET_BINARY, &prefix, self->channels, data, length);
  }
}

static void
close_session (KubeStreamSession *session, guint code, const char *reason)
{
  write_close ((WebSession *) session, code, reason);
}

static void
clear (KubeStreamSession *session)
{
  kube_web_socket_parser_clear (&((WebSession *) session)->parser);
}

static const KubeStreamSessionOps ops = { input, send, NULL, close_session, clear };

/* The first of what the client offers that is served; "" where it offers nothing. */
static char *
choose_protocol (const KubeHttpHead *head, const char *const *protocols)
{
  gboolean offered = FALSE;

  for (guint i = 0; i < head->n_headers; i++) {
    g_auto (GStrv) names = NULL;
    if (g_ascii_strcasecmp (head->headers[i].name, "Sec-WebSocket-Protocol") != 0)
      continue;
    names = g_strsplit (head->headers[i].value, ",", -1);
    for (char **name = names; *name != NULL; name++) {
      g_strstrip (*name);
      offered = offered || **name != '\0';
      if (g_strv_contains (protocols, *name))
        return g_strdup (*name);
    }
  }
  return offered ? NULL : g_strdup ("");
}

static char *
check (const KubeHttpHead *head, GError **error)
{
  const char *version = kube_http_head_get (head, "Sec-WebSocket-Version"), *key = kube_http_head_get (head, "Sec-WebSocket-Key");
  char *accept = key != NULL ? kube_web_socket_accept_key (key) : NULL;

  if (accept != NULL && version != NULL && g_str_equal (version, "13") && g_str_equal (head->method, "GET"))
    return accept;
  g_free (accept);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "unable to upgrade: the request is no WebSocket handshake of version 13");
  return NULL;
}

static void
answer (KubeHttpConnection *connection, const char *accept, const char *protocol)
{
  GString *out = kube_http_connection_get_scratch (connection);

  g_string_append_printf (out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n", accept);
  if (*protocol != '\0')
    g_string_append_printf (out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
  g_string_append (out, "\r\n");
  kube_http_connection_send (connection, out->str, out->len);
}

KubeStreamSession *
kube_web_session_new (KubeHttpConnection *connection, const KubeHttpHead *head, const char *const *protocols, GError **error)
{
  g_autofree char *accept = check (head, error);
  g_autofree char *protocol = accept != NULL ? choose_protocol (head, protocols) : NULL;
  WebSession *self;

  if (accept == NULL)
    return NULL;
  if (protocol == NULL) {
    g_autofree char *served = g_strjoinv (" ", (char **) protocols);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "unable to upgrade: unable to negotiate protocol: server accepts [%s]", served);
    return NULL;
  }
  answer (connection, accept, protocol);
  if (g_str_has_prefix (protocol, TUNNEL))
    return kube_spdy_session_new_tunnelled (connection, protocol + strlen (TUNNEL));
  self = g_new0 (WebSession, 1);
  self->v5 = g_str_has_prefix (protocol, "v5.");
  self->base64 = strstr (protocol, "base64") != NULL;
  self->channels = !g_strv_contains (protocols, "binary.k8s.io");
  self->parser = (KubeWebSocketParser) { .max_message = MAX_MESSAGE, .func = on_message, .user_data = self };
  kube_stream_session_init (&self->parent, &ops, connection, protocol, self->v5);
  return &self->parent;
}
