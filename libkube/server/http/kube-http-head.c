/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-head.h"

#include <string.h>

#define MAX_HEADERS 256
#define MAX_METHOD 32
#define MAX_CHUNK_DIGITS 8
#define MAX_CHUNK_EXTRA 8192

static gboolean
is_token_char (guchar c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static gboolean
is_token (const char *text)
{
  if (*text == '\0')
    return FALSE;
  for (; *text != '\0'; text++) {
    if (!is_token_char (*text))
      return FALSE;
  }
  return TRUE;
}

gsize
kube_http_head_find (const char *data, gsize length, gsize *scanned)
{
  gsize from = *scanned > 3 ? *scanned - 3 : 0;
  const char *end = length > from ? memmem (data + from, length - from, "\r\n\r\n", 4) : NULL;

  *scanned = length;
  return end != NULL ? (gsize) (end - data) + 4 : 0;
}

static int
hex_value (char c)
{
  return g_ascii_isxdigit (c) ? g_ascii_xdigit_value (c) : -1;
}

static gboolean
unescape (const char *path, gsize length, GString *out)
{
  for (gsize i = 0; i < length; i++) {
    int high, low;
    if (path[i] != '%') {
      g_string_append_c (out, path[i]);
      continue;
    }
    high = i + 2 < length ? hex_value (path[i + 1]) : -1;
    low = i + 2 < length ? hex_value (path[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0))
      return FALSE;
    g_string_append_c (out, (char) (high << 4 | low));
    i += 2;
  }
  return g_utf8_validate (out->str, out->len, NULL);
}

static void
remove_dot_segments (GString *path)
{
  g_autofree char *copy = g_strndup (path->str, path->len);
  const char *segment = copy + 1;
  gboolean more = TRUE;

  g_string_truncate (path, 0);
  while (more) {
    gsize length = strcspn (segment, "/");
    more = segment[length] == '/';
    if (length == 1 && segment[0] == '.') {
      if (!more)
        g_string_append_c (path, '/');
    } else if (length == 2 && segment[0] == '.' && segment[1] == '.') {
      const char *last = strrchr (path->str, '/');
      g_string_truncate (path, last != NULL ? last - path->str : 0);
      if (!more)
        g_string_append_c (path, '/');
    } else {
      g_string_append_c (path, '/');
      g_string_append_len (path, segment, length);
    }
    segment += length + 1;
  }
  if (path->len == 0)
    g_string_append_c (path, '/');
}

char *
kube_http_decode_path (const char *path, gsize length)
{
  g_autoptr (GString) decoded = g_string_sized_new (length + 1);

  if (length == 0 || *path != '/' || !unescape (path, length, decoded))
    return NULL;
  if (strstr (decoded->str, "/.") != NULL)
    remove_dot_segments (decoded);
  return g_string_free (g_steal_pointer (&decoded), FALSE);
}

/* METHOD SP target SP HTTP/1.x */
static int
parse_request_line (char *line, KubeHttpHead *head)
{
  char *target = strchr (line, ' '), *version = target != NULL ? strchr (target + 1, ' ') : NULL;
  char *query;

  if (version == NULL || target - line > MAX_METHOD || strchr (version + 1, ' ') != NULL)
    return 400;
  *target++ = '\0';
  *version++ = '\0';
  if (!is_token (line))
    return 400;
  head->method = line;
  head->http_1_0 = strcmp (version, "HTTP/1.0") == 0;
  if (!head->http_1_0 && strcmp (version, "HTTP/1.1") != 0)
    return g_str_has_prefix (version, "HTTP/") ? 505 : 400;
  if (strcmp (target, "*") == 0 && strcmp (line, "OPTIONS") == 0) {
    head->path = g_strdup ("*");
    return 0;
  }
  if (g_ascii_strncasecmp (target, "http://", 7) == 0 || g_ascii_strncasecmp (target, "https://", 8) == 0) {
    target = strchr (strchr (target, ':') + 3, '/');
    if (target == NULL)
      return 400;
  }
  for (const char *c = target; *c != '\0'; c++) {
    if ((guchar) *c <= ' ' || *c == 0x7f || *c == '#')
      return 400;
  }
  query = strchr (target, '?');
  head->path = kube_http_decode_path (target, query != NULL ? (gsize) (query - target) : strlen (target));
  head->query = query != NULL ? query + 1 : NULL;
  return head->path != NULL ? 0 : 400;
}

static gboolean
parse_header (char *line, KubeHttpHeader *header)
{
  char *colon = strchr (line, ':'), *value;
  gsize length;

  if (colon == NULL)
    return FALSE;
  *colon = '\0';
  if (!is_token (line))
    return FALSE;
  value = colon + 1;
  value += strspn (value, " \t");
  length = strlen (value);
  while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
    value[--length] = '\0';
  for (const char *c = value; *c != '\0'; c++) {
    if (((guchar) *c < ' ' && *c != '\t') || *c == 0x7f)
      return FALSE;
  }
  *header = (KubeHttpHeader) { line, value };
  return TRUE;
}

const char *
kube_http_head_get (const KubeHttpHead *head, const char *name)
{
  for (guint i = 0; i < head->n_headers; i++) {
    if (g_ascii_strcasecmp (head->headers[i].name, name) == 0)
      return head->headers[i].value;
  }
  return NULL;
}

static guint
count (const KubeHttpHead *head, const char *name)
{
  guint n = 0;

  for (guint i = 0; i < head->n_headers; i++)
    n += g_ascii_strcasecmp (head->headers[i].name, name) == 0;
  return n;
}

gboolean
kube_http_head_has_token (const KubeHttpHead *head, const char *name, const char *token)
{
  gsize length = strlen (token);

  for (guint i = 0; i < head->n_headers; i++) {
    if (g_ascii_strcasecmp (head->headers[i].name, name) != 0)
      continue;
    for (const char *at = head->headers[i].value; *at != '\0';) {
      gsize size;
      at += strspn (at, ", \t");
      size = strcspn (at, ", \t;");
      if (size == length && g_ascii_strncasecmp (at, token, length) == 0)
        return TRUE;
      at += strcspn (at, ",");
    }
  }
  return FALSE;
}

static int
read_length (KubeHttpHead *head)
{
  const char *length = kube_http_head_get (head, "Content-Length");

  if (length == NULL)
    return 0;
  if (count (head, "Content-Length") > 1 || *length == '\0' || strlen (length) > 18 || length[strspn (length, "0123456789")] != '\0')
    return 400;
  head->length = g_ascii_strtoll (length, NULL, 10);
  return 0;
}

static int
read_framing (KubeHttpHead *head)
{
  const char *coding = kube_http_head_get (head, "Transfer-Encoding"), *host = kube_http_head_get (head, "Host");
  const char *expect = kube_http_head_get (head, "Expect");
  int refused = read_length (head);

  if (refused != 0)
    return refused;
  if (coding != NULL) {
    if (head->length >= 0 || head->http_1_0 || count (head, "Transfer-Encoding") > 1)
      return 400;
    if (g_ascii_strcasecmp (coding, "chunked") != 0)
      return 501;
    head->chunked = TRUE;
  }
  if (count (head, "Host") > 1 || (host == NULL && !head->http_1_0) || (host != NULL && strpbrk (host, ", \t/@?#\\") != NULL))
    return 400;
  if (strcmp (head->method, "CONNECT") == 0)
    return 400;
  head->expects_continue = expect != NULL && !head->http_1_0 && g_ascii_strcasecmp (expect, "100-continue") == 0;
  head->keep_alive = !head->http_1_0 && !kube_http_head_has_token (head, "Connection", "close");
  return 0;
}

int
kube_http_head_parse (const char *data, gsize length, KubeHttpHead *head)
{
  KubeHttpHeader headers[MAX_HEADERS];
  char *line, *end;
  int refused;

  *head = (KubeHttpHead) { .length = -1 };
  /* RFC 9112, 2.2: an empty line before the request is forgiven */
  if (length >= 2 && data[0] == '\r' && data[1] == '\n') {
    data += 2;
    length -= 2;
  }
  if (length < 4 || memchr (data, '\0', length) != NULL)
    return 400;
  head->block = g_strndup (data, length - 2); /* the last line keeps its CRLF */
  for (line = head->block; *line != '\0'; line = end + 2) {
    end = strstr (line, "\r\n");
    if (end == NULL)
      return 400;
    *end = '\0';
    if (strpbrk (line, "\r\n") != NULL)
      return 400;
    if (head->method == NULL) {
      refused = parse_request_line (line, head);
      if (refused != 0)
        return refused;
    } else if (head->n_headers >= MAX_HEADERS) {
      return 431;
    } else if (!parse_header (line, &headers[head->n_headers])) {
      return 400;
    } else {
      head->n_headers++;
    }
  }
  if (head->method == NULL)
    return 400;
  head->headers = g_memdup2 (headers, head->n_headers * sizeof headers[0]);
  return read_framing (head);
}

void
kube_http_head_clear (KubeHttpHead *head)
{
  g_clear_pointer (&head->block, g_free);
  g_clear_pointer (&head->path, g_free);
  g_clear_pointer (&head->headers, g_free);
  head->n_headers = 0;
}

enum { SIZE, EXTENSION, SIZE_END, DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER, TRAILER_LF, END_LF, DONE };

static gboolean
take_size (KubeHttpChunks *chunks, char c)
{
  if (g_ascii_isxdigit (c)) {
    chunks->size = chunks->size << 4 | (guint) g_ascii_xdigit_value (c);
    return ++chunks->digits <= MAX_CHUNK_DIGITS;
  }
  chunks->state = c == '\r' ? SIZE_END : EXTENSION;
  return chunks->digits > 0 && (c == '\r' || c == ';' || c == ' ' || c == '\t');
}

/* One byte of what is not data. */
static gboolean
take_byte (KubeHttpChunks *chunks, char c)
{
  switch (chunks->state) {
  case SIZE:
    return take_size (chunks, c);
  case EXTENSION:
    if (c == '\r')
      chunks->state = SIZE_END;
    return c != '\n' && ++chunks->extra <= MAX_CHUNK_EXTRA;
  case SIZE_END:
    chunks->digits = 0;
    chunks->state = chunks->size > 0 ? DATA : TRAILER_START;
    return c == '\n';
  case DATA_CR:
    chunks->state = DATA_LF;
    return c == '\r';
  case DATA_LF:
    chunks->state = SIZE;
    return c == '\n';
  case TRAILER_START:
    chunks->state = c == '\r' ? END_LF : TRAILER;
    return c != '\n';
  case TRAILER:
    if (c == '\r')
      chunks->state = TRAILER_LF;
    return c != '\n' && ++chunks->extra <= MAX_CHUNK_EXTRA;
  case TRAILER_LF:
    chunks->state = TRAILER_START;
    return c == '\n';
  case END_LF:
    chunks->state = DONE;
    return c == '\n';
  default:
    return FALSE;
  }
}

gboolean
kube_http_chunks_take (KubeHttpChunks *chunks, const char *data, gsize length, GByteArray *body, gsize *used, gboolean *done)
{
  gsize at = 0;

  while (at < length && chunks->state != DONE) {
    if (chunks->state == DATA) {
      gsize size = MIN (chunks->size, length - at);
      g_byte_array_append (body, (const guint8 *) data + at, size);
      chunks->size -= size;
      at += size;
      if (chunks->size == 0)
        chunks->state = DATA_CR;
    } else if (!take_byte (chunks, data[at++])) {
      return FALSE;
    }
  }
  *used = at;
  *done = chunks->state == DONE;
  return TRUE;
}
