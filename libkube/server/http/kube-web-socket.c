/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-web-socket.h"

#include <string.h>

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define MASKED 0x80
#define LENGTH 0x7f
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static guint
header_size (const KubeWebSocketParser *parser)
{
  guint length;

  if (parser->header_length < 2)
    return 2;
  length = parser->header[1] & LENGTH;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

static guint64
read_length (const guint8 *header)
{
  guint length = header[1] & LENGTH, n = length == 126 ? 2 : length == 127 ? 8 : 0;
  guint64 value = 0;

  if (n == 0)
    return length;
  for (guint i = 0; i < n; i++)
    value = value << 8 | header[2 + i];
  return value;
}

/* Each number in its shortest form only, as 5.2 demands. */
static gboolean
is_shortest (const guint8 *header, guint64 length)
{
  guint form = header[1] & LENGTH;

  return form < 126 || (form == 126 ? length >= 126 : length > 0xffff && length <= G_MAXINT64);
}

static guint
begin_frame (KubeWebSocketParser *parser)
{
  guint8 first = parser->header[0];
  guint opcode = first & OPCODE;
  gboolean control = (opcode & 8) != 0;

  parser->left = read_length (parser->header);
  if ((first & RESERVED) != 0 || !is_shortest (parser->header, parser->left))
    return 1002;
  if (opcode > KUBE_WEB_SOCKET_PONG || (opcode > KUBE_WEB_SOCKET_BINARY && opcode < KUBE_WEB_SOCKET_CLOSE))
    return 1002;
  parser->masked = 0;
  parser->in_payload = TRUE;
  if (control) {
    parser->control_length = 0;
    return (first & FIN) == 0 || parser->left > sizeof parser->control ? 1002 : 0;
  }
  if ((opcode == KUBE_WEB_SOCKET_CONTINUATION) != (parser->opcode != 0))
    return 1002;
  if (opcode != KUBE_WEB_SOCKET_CONTINUATION)
    parser->opcode = opcode;
  if (parser->message == NULL)
    parser->message = g_byte_array_new ();
  return parser->left > parser->max_message - parser->message->len ? 1009 : 0;
}

static void
unmask (KubeWebSocketParser *parser, guint8 *to, const guint8 *from, gsize length)
{
  const guint8 *mask = parser->header + header_size (parser) - 4;

  for (gsize i = 0; i < length; i++)
    to[i] = from[i] ^ mask[(parser->masked + i) & 3];
  parser->masked += length;
}

/* UTF-8, in which a NUL is a character as any other: channel 0 begins with one. */
static gboolean
is_text (const guint8 *data, gsize length)
{
  const char *at = (const char *) data, *end = length > 0 ? at + length : at;

  while (at < end && !g_utf8_validate_len (at, end - at, &at))
    if (*at++ != '\0')
      return FALSE;
  return TRUE;
}

static guint
end_control (KubeWebSocketParser *parser, guint opcode)
{
  guint code = parser->control_length >= 2 ? parser->control[0] << 8 | parser->control[1] : 0;

  if (opcode == KUBE_WEB_SOCKET_CLOSE) {
    if (parser->control_length == 1 || (parser->control_length >= 2 && !kube_web_socket_is_close_code (code)))
      return 1002;
    if (parser->control_length > 2 && !is_text (parser->control + 2, parser->control_length - 2))
      return 1007;
  }
  return parser->func (opcode, parser->control, parser->control_length, parser->user_data) ? 0 : 1000;
}

static guint
end_message (KubeWebSocketParser *parser)
{
  g_autoptr (GByteArray) message = g_steal_pointer (&parser->message);
  guint opcode = parser->opcode;

  parser->opcode = 0;
  if (opcode == KUBE_WEB_SOCKET_TEXT && !is_text (message->data, message->len))
    return 1007;
  return parser->func (opcode, message->data, message->len, parser->user_data) ? 0 : 1000;
}

static guint
end_frame (KubeWebSocketParser *parser)
{
  guint opcode = parser->header[0] & OPCODE;
  gboolean final = (parser->header[0] & FIN) != 0;

  parser->in_payload = FALSE;
  parser->header_length = 0;
  if ((opcode & 8) != 0)
    return end_control (parser, opcode);
  return final ? end_message (parser) : 0;
}

static void
take_payload (KubeWebSocketParser *parser, const guint8 *data, gsize length)
{
  if ((parser->header[0] & 8) != 0) {
    unmask (parser, parser->control + parser->control_length, data, length);
    parser->control_length += length;
  } else {
    guint at = parser->message->len;
    g_byte_array_set_size (parser->message, at + length);
    unmask (parser, parser->message->data + at, data, length);
  }
  parser->left -= length;
}

guint
kube_web_socket_parser_take (KubeWebSocketParser *parser, const guint8 *data, gsize length)
{
  while (length > 0 || (parser->in_payload && parser->left == 0)) {
    guint code = 0;
    if (!parser->in_payload) {
      parser->header[parser->header_length++] = *data++;
      length--;
      if (parser->header_length == 2 && (parser->header[1] & MASKED) == 0)
        code = 1002;
      else if (parser->header_length == header_size (parser))
        code = begin_frame (parser);
    } else if (parser->left > 0) {
      gsize part = MIN (parser->left, length);
      take_payload (parser, data, part);
      data += part;
      length -= part;
    }
    if (code == 0 && parser->in_payload && parser->left == 0)
      code = end_frame (parser);
    if (code != 0)
      return code;
  }
  return 0;
}

void
kube_web_socket_parser_clear (KubeWebSocketParser *parser)
{
  g_clear_pointer (&parser->message, g_byte_array_unref);
}

GBytes *
kube_web_socket_make_frame (KubeWebSocketOpcode opcode, const void *prefix, gsize prefix_length, const void *data, gsize length)
{
  guint64 size = prefix_length + length;
  guint extra = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
  guint8 *frame = g_malloc (2 + extra + size);

  frame[0] = FIN | opcode;
  frame[1] = extra == 0 ? size : extra == 2 ? 126 : 127;
  for (guint i = 0; i < extra; i++)
    frame[2 + i] = size >> 8 * (extra - 1 - i);
  if (prefix_length > 0)
    memcpy (frame + 2 + extra, prefix, prefix_length);
  if (length > 0)
    memcpy (frame + 2 + extra + prefix_length, data, length);
  return g_bytes_new_take (frame, 2 + extra + size);
}

gboolean
kube_web_socket_is_close_code (guint code)
{
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

char *
kube_web_socket_accept_key (const char *key)
{
  g_autofree guchar *nonce = NULL;
  g_autoptr (GChecksum) sha1 = NULL;
  guint8 digest[20];
  gsize size = sizeof digest;

  if (strlen (key) != 24)
    return NULL;
  nonce = g_base64_decode (key, &size);
  if (size != 16)
    return NULL;
  sha1 = g_checksum_new (G_CHECKSUM_SHA1);
  g_checksum_update (sha1, (const guchar *) key, -1);
  g_checksum_update (sha1, (const guchar *) GUID, -1);
  size = sizeof digest;
  g_checksum_get_digest (sha1, digest, &size);
  return g_base64_encode (digest, size);
}
