/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-spdy.h"

#include "fuzz.h"

static gboolean
on_opened (KubeSpdy *spdy, guint32 stream, GHashTable *headers, gpointer user_data)
{
  FUZZ_CHECK (stream % 2 == 1);
  g_string_append_printf (user_data, "+%u/%u", stream, g_hash_table_size (headers));
  return stream % 3 != 0;
}

static void
on_data (KubeSpdy *spdy, guint32 stream, const guint8 *data, gsize length, gpointer user_data)
{
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (user_data, "%02x", data[i]);
}

static void
on_ended (KubeSpdy *spdy, guint32 stream, gpointer user_data)
{
  g_string_append_printf (user_data, "-%u", stream);
}

static void
on_write (KubeSpdy *spdy, GBytes *bytes, gpointer user_data)
{
  g_string_append_printf (user_data, "=%zu", g_bytes_get_size (bytes));
}

static char *
parse (const uint8_t *data, size_t size, size_t piece)
{
  static const KubeSpdyFuncs funcs = { on_opened, on_data, on_ended, on_write };
  GString *seen = g_string_new (NULL);
  g_autoptr (KubeSpdy) spdy = kube_spdy_new (&funcs, seen);
  gboolean good = TRUE;

  for (size_t at = 0; at < size && good; at += piece)
    good = kube_spdy_take (spdy, data + at, MIN (piece, size - at));
  g_string_append (seen, good ? "." : "!");
  return g_string_free (seen, FALSE);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *whole = parse (data, size, MAX (size, 1));
  g_autofree char *split = parse (data, size, 1);

  FUZZ_CHECK (g_str_equal (whole, split));
  return 0;
}
