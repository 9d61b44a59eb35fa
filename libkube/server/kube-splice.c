/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-splice.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* @at stands behind the opening quote; returns what is behind the closing one. */
static const char *
skip_string (const char *at, const char *end)
{
  while (at < end) {
    const char *quote = memchr (at, '"', (gsize) (end - at));
    const char *back;
    if (quote == NULL)
      return end;
    for (back = quote; back > at && back[-1] == '\\'; back--)
      ;
    at = quote + 1;
    if ((quote - back) % 2 == 0)
      return at;
  }
  return end;
}

#ifdef __SSE2__
static inline guint
find_bytes (__m128i chunk, char byte)
{
  return (guint) _mm_movemask_epi8 (_mm_cmpeq_epi8 (chunk, _mm_set1_epi8 (byte)));
}

/* Each bit the parity of those up to it: with quotes, what is within strings, from the opening one on. */
static inline guint
get_parity (guint bits)
{
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  return bits & 0xffff;
}

/* Goes on within a container, outside of strings, in steps of 16 bytes as long as it does not end there and nothing is escaped. Ends outside of strings, too. */
static const char *
skip_chunks (const char *at, const char *end, int *depth)
{
  const char *outside = at; /* where it was last outside of strings, *@depth deep */
  int now = *depth;
  guint carry = 0;

  while (end - at >= 16) {
    __m128i chunk = _mm_loadu_si128 ((const __m128i *) (gconstpointer) at), folded = _mm_or_si128 (chunk, _mm_set1_epi8 (0x20));
    guint strings = get_parity (find_bytes (chunk, '"')) ^ carry, opened, closed;

    if (find_bytes (chunk, '\\') != 0)
      break;
    opened = find_bytes (folded, '{') & ~strings; /* 0x20 is what brackets and braces differ in */
    closed = find_bytes (folded, '}') & ~strings;
    for (guint marks = opened | closed; marks != 0; marks &= marks - 1) {
      now += (opened & marks & -marks) != 0 ? 1 : -1;
      if (now == 0)
        return outside;
    }
    carry = (strings & 0x8000) != 0 ? 0xffff : 0;
    at += 16;
    if (carry == 0) {
      outside = at;
      *depth = now;
    }
  }
  return outside;
}
#else
static const char *
skip_chunks (const char *at, const char *end, int *depth)
{
  return at;
}
#endif

static const char *
skip_value (const char *at, const char *end)
{
  int depth = 0;

  while (at < end) {
    switch (*at) {
    case '"':
      at = skip_string (at + 1, end);
      break;
    case '{':
    case '[':
      depth++;
      at = skip_chunks (at + 1, end, &depth);
      continue;
    case '}':
    case ']':
      if (depth == 0)
        return at;
      depth--;
      at++;
      break;
    case ',':
      if (depth == 0)
        return at;
      at++;
      continue;
    default:
      at++;
      continue;
    }
    if (depth == 0)
      return at;
  }
  return end;
}

/* Where the member @key of the object at @json begins; NULL where there is none. */
static const char *
find_member (const char *json, const char *end, const char *key, gsize key_length)
{
  const char *at = json + 1;

  while (at < end && *at == '"') {
    const char *name = at + 1, *after = skip_string (name, end), *value_end;

    if ((gsize) (after - 1 - name) == key_length && memcmp (name, key, key_length) == 0)
      return at;
    value_end = skip_value (after + 1, end);
    at = *value_end == ',' ? value_end + 1 : end;
  }
  return NULL;
}

gboolean
kube_splice_find (const char *json, gsize length, const char *key, KubePart *value, KubePart *member)
{
  gsize key_length = strlen (key);
  const char *end = json + length, *at = find_member (json, end, key, key_length);

  if (at == NULL)
    return FALSE;
  value->start = at + key_length + 3;
  value->end = skip_value (value->start, end);
  if (member != NULL) {
    member->start = *value->end != ',' && at[-1] == ',' ? at - 1 : at;
    member->end = *value->end == ',' ? value->end + 1 : value->end;
  }
  return TRUE;
}

gboolean
kube_splice_find_meta (const char *json, gsize length, const char *key, KubePart *value)
{
  static const char metadata[] = "\"metadata\":";
  gsize key_length = strlen (key);
  const char *end = json + length, *at = find_member (json, end, "metadata", strlen ("metadata"));

  if (at != NULL)
    at = find_member (at + strlen (metadata), end, key, key_length);
  if (at == NULL)
    return FALSE;
  value->start = at + key_length + 3;
  value->end = skip_value (value->start, end);
  return TRUE;
}

gboolean
kube_splice_find_path (const char *json, gsize length, const char *path, KubePart *value)
{
  const char *end = json + length, *at = json;

  for (;;) {
    gsize key_length = strcspn (path, ".");

    at = at < end && *at == '{' ? find_member (at, end, path, key_length) : NULL;
    if (at == NULL)
      return FALSE;
    at += key_length + 3;
    if (path[key_length] == '\0')
      break;
    path += key_length + 1;
  }
  value->start = at;
  value->end = skip_value (at, end);
  return TRUE;
}

void
kube_splice_append_item (const char *json, gsize length, GString *out)
{
  const char *rest = json;
  KubePart value, member;

  if (kube_splice_find (json, length, "apiVersion", &value, &member)) {
    g_string_append_len (out, rest, member.start - rest);
    rest = member.end;
  }
  if (kube_splice_find (json, length, "kind", &value, &member)) {
    g_string_append_len (out, rest, MAX (member.start, rest) - rest);
    rest = member.end;
  }
  g_string_append_len (out, rest, json + length - rest);
}

GBytes *
kube_splice_clear_version (GBytes *json, gsize *revision_at)
{
  gsize length;
  const char *data = g_bytes_get_data (json, &length);
  gsize head, tail;
  KubePart value;
  char *copy;

  *revision_at = G_MAXSIZE;
  if (!kube_splice_find_meta (data, length, "resourceVersion", &value))
    return g_bytes_ref (json);
  head = (gsize) (value.start + 1 - data);
  tail = length - (gsize) (value.end - 1 - data);
  *revision_at = head;
  if (head + tail == length)
    return g_bytes_ref (json);
  copy = g_malloc (head + tail);
  memcpy (copy, data, head);
  memcpy (copy + head, value.end - 1, tail);
  return g_bytes_new_take (copy, head + tail);
}

GBytes *
kube_splice_set_version (GBytes *json, guint64 revision)
{
  gsize length, at;
  g_autoptr (GBytes) clear = kube_splice_clear_version (json, &at);
  const char *data = g_bytes_get_data (clear, &length);
  GString *out;

  if (at == G_MAXSIZE)
    return g_bytes_ref (json);
  out = g_string_sized_new (length + 24);
  g_string_append_len (out, data, (gssize) at);
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, revision);
  g_string_append_len (out, data + at, (gssize) (length - at));
  return g_string_free_to_bytes (out);
}
