/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-head.h"

#include <string.h>

#include "fuzz.h"

static void
check_head (const KubeHttpHead *head)
{
  FUZZ_CHECK (head->method != NULL && *head->method != '\0');
  FUZZ_CHECK (head->path != NULL && (*head->path == '/' || strcmp (head->path, "*") == 0));
  FUZZ_CHECK (g_utf8_validate (head->path, -1, NULL));
  FUZZ_CHECK (strstr (head->path, "/../") == NULL && strstr (head->path, "/./") == NULL && !g_str_has_suffix (head->path, "/.."));
  FUZZ_CHECK (!head->chunked || head->length < 0);
  for (guint i = 0; i < head->n_headers; i++)
    FUZZ_CHECK (strpbrk (head->headers[i].name, " \t\r\n:") == NULL && strpbrk (head->headers[i].value, "\r\n") == NULL);
  kube_http_head_get (head, "Host");
  kube_http_head_has_token (head, "Connection", "close");
}

static GByteArray *
dechunk (const char *data, gsize length, gsize piece, gboolean *good, gboolean *done)
{
  KubeHttpChunks chunks = { 0 };
  GByteArray *body = g_byte_array_new ();
  gsize at = 0;

  *good = TRUE;
  *done = FALSE;
  while (at < length && *good && !*done) {
    gsize used = 0;
    *good = kube_http_chunks_take (&chunks, data + at, MIN (piece, length - at), body, &used, done);
    at += used;
  }
  FUZZ_CHECK (body->len <= length);
  return body;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  KubeHttpHead head;
  gsize scanned = 0, length = kube_http_head_find ((const char *) data, size, &scanned);
  gboolean good, done, good_too, done_too;
  g_autoptr (GByteArray) whole = dechunk ((const char *) data, size, size, &good, &done);
  g_autoptr (GByteArray) split = dechunk ((const char *) data, size, 1, &good_too, &done_too);

  FUZZ_CHECK (good == good_too && done == done_too && (!good || (whole->len == split->len && (whole->len == 0 || memcmp (whole->data, split->data, whole->len) == 0))));
  if (length > 0) {
    if (kube_http_head_parse ((const char *) data, length, &head) == 0)
      check_head (&head);
    kube_http_head_clear (&head);
  }
  return 0;
}
