/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The server's side of RFC 6455's framing, without any connection. */

typedef enum {
  KUBE_WEB_SOCKET_CONTINUATION = 0,
  KUBE_WEB_SOCKET_TEXT = 1,
  KUBE_WEB_SOCKET_BINARY = 2,
  KUBE_WEB_SOCKET_CLOSE = 8,
  KUBE_WEB_SOCKET_PING = 9,
  KUBE_WEB_SOCKET_PONG = 10,
} KubeWebSocketOpcode;

/* A whole message, its fragments put together, or a control frame. FALSE: the receiver wants no more. */
typedef gboolean (*KubeWebSocketFunc) (KubeWebSocketOpcode opcode, const guint8 *data, gsize length, gpointer user_data);

typedef struct {
  gsize max_message;     /* in all, however it is fragmented */
  KubeWebSocketFunc func;
  gpointer user_data;
  /* private: */
  guint8 header[14];
  guint header_length;
  guint64 left;          /* of the frame's payload */
  gsize masked;          /* bytes of it seen so far */
  gboolean in_payload;
  guint opcode;          /* of the message that is being put together; 0: none */
  GByteArray *message;   /* (owned) (nullable) */
  guint8 control[125];
  guint control_length;
} KubeWebSocketParser;

/* Takes all of @data. Returns 0, or the code to close with: 1002 (no RFC 6455), 1007 (text that is no UTF-8), 1009 (too long), 1000 (the receiver wants no more). */
guint kube_web_socket_parser_take (KubeWebSocketParser *parser, const guint8 *data, gsize length);
void kube_web_socket_parser_clear (KubeWebSocketParser *parser);
/* One unmasked, final frame: @prefix, then @data. */
GBytes *kube_web_socket_make_frame (KubeWebSocketOpcode opcode, const void *prefix, gsize prefix_length, const void *data, gsize length);
/* Whether a close frame may carry @code (RFC 6455, 7.4). */
gboolean kube_web_socket_is_close_code (guint code);
/* (transfer full): Sec-WebSocket-Accept for Sec-WebSocket-Key; NULL: @key is none. */
char *kube_web_socket_accept_key (const char *key);

G_END_DECLS
