/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-web-socket.h"

#include "fuzz.h"

#define MAX_MESSAGE 4096

static gboolean
on_message (KubeWebSocketOpcode opcode, const guint8 *data, gsize length, gpointer user_data)
{
  GChecksum *seen = user_data;
  guint8 head[2] = { opcode, length & 0xff };

  FUZZ_CHECK (length <= MAX_MESSAGE && (opcode < KUBE_WEB_SOCKET_CLOSE || length <= 125));
  g_checksum_update (seen, head, sizeof head);
  if (length > 0)
    g_checksum_update (seen, data, length);
  return TRUE;
}

static char *
parse (const uint8_t *data, size_t size, size_t piece)
{
  g_autoptr (GChecksum) seen = g_checksum_new (G_CHECKSUM_SHA1);
  KubeWebSocketParser parser = { .max_message = MAX_MESSAGE, .func = on_message, .user_data = seen };
  guint code = 0;

  for (size_t at = 0; at < size && code == 0; at += piece)
    code = kube_web_socket_parser_take (&parser, data + at, MIN (piece, size - at));
  kube_web_socket_parser_clear (&parser);
  FUZZ_CHECK (code == 0 || kube_web_socket_is_close_code (code));
  return g_strdup_printf ("%u %s", code, g_checksum_get_string (seen));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *whole = parse (data, size, MAX (size, 1));
  g_autofree char *split = parse (data, size, 1);

  FUZZ_CHECK (g_str_equal (whole, split));
  return 0;
}
