/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz.h"
#include "registry/kube-html-links.h"

/* The first byte says in pieces of what size the page comes. Links that are replaced by themselves leave a page what it was, and where a link ends does not depend on the pieces. */
static char *
same (const char *link, gpointer user_data)
{
  ++*(guint *) user_data;
  return g_strdup (link);
}

static GString *
rewrite (const uint8_t *data, size_t size, size_t piece, guint *links)
{
  g_autoptr (KubeHtmlLinks) rewriter = kube_html_links_new (same, links);
  GString *out = g_string_new (NULL);
  g_autoptr (GBytes) last = NULL;

  for (size_t at = 0; at < size; at += piece) {
    g_autoptr (GBytes) bytes = kube_html_links_take (rewriter, data + at, MIN (piece, size - at));
    g_string_append_len (out, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  }
  last = kube_html_links_end (rewriter);
  g_string_append_len (out, g_bytes_get_data (last, NULL), g_bytes_get_size (last));
  return out;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2 || size > 8192 || memchr (data + 1, '\0', size - 1) != NULL)
    return 0;
  guint whole_links = 0, piece_links = 0;
  GString *whole = rewrite (data + 1, size - 1, size, &whole_links);
  GString *pieces = rewrite (data + 1, size - 1, data[0] % 32 + 1, &piece_links);

  FUZZ_CHECK (whole->len == size - 1 && memcmp (whole->str, data + 1, size - 1) == 0);
  FUZZ_CHECK (g_string_equal (whole, pieces) && whole_links == piece_links);
  g_string_free (whole, TRUE);
  g_string_free (pieces, TRUE);
  return 0;
}
