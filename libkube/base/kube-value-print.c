/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-value-private.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a thread keeps between two prints. */
#define KEEP_BYTES 32768
#define KEEP_FRAMES 1024

typedef struct {
  const KubeValue *next; /* the next child, in an object its key */
  const KubeValue *end;
  gboolean object;
} PrintFrame;

typedef struct {
  char *data; /* (owned) */
  gsize length;
  gsize max;
  PrintFrame *frames; /* (owned) open containers */
  guint n_frames;
  guint max_frames;
} Printer;

static void
printer_free (gpointer data)
{
  Printer *printer = data;

  g_free (printer->data);
  g_free (printer->frames);
  g_free (printer);
}

static GPrivate thread_printer = G_PRIVATE_INIT (printer_free);

static Printer *
printer_get (void)
{
  Printer *printer = g_private_get (&thread_printer);

  if (printer == NULL) {
    printer = g_new0 (Printer, 1);
    g_private_set (&thread_printer, printer);
  }
  printer->length = printer->n_frames = 0;
  return printer;
}

static void
printer_trim (Printer *printer)
{
  if (printer->max > KEEP_BYTES) {
    g_clear_pointer (&printer->data, g_free);
    printer->max = 0;
  }
  if (printer->max_frames > KEEP_FRAMES) {
    g_clear_pointer (&printer->frames, g_free);
    printer->max_frames = 0;
  }
}

static inline char *
reserve (Printer *printer, gsize n)
{
  if (G_UNLIKELY (n > printer->max - printer->length)) {
    printer->max = MAX (2 * printer->max, printer->length + n + 4096);
    printer->data = g_realloc (printer->data, printer->max);
  }
  return printer->data + printer->length;
}

/* Strings */

/* What stands after the backslash of a short escape, 'u' for the long form, 0 for what needs none. 0xe2 begins U+2028 and U+2029,
 * which Go escapes for the sake of JavaScript. */
static char
escape_of (guchar c)
{
  switch (c) {
  case '"':
  case '\\':
    return c;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return c < ' ' ? 'u' : 0;
  }
}

/* Writes the one character at @in that stopped copying, at most 6 bytes, and returns how many bytes it was. */
static gsize
put_special (const char *in, gsize available, char **out)
{
  static const char digits[] = "0123456789abcdef";
  guchar c = *in;
  char escape = escape_of (c);

  if (c == 0xe2) {
    if (available >= 3 && (guchar) in[1] == 0x80 && ((guchar) in[2] & 0xfe) == 0xa8) {
      memcpy (*out, (guchar) in[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
      *out += 6;
      return 3;
    }
    *(*out)++ = c;
    return 1;
  }
  *(*out)++ = '\\';
  *(*out)++ = escape;
  if (escape == 'u') {
    *(*out)++ = '0';
    *(*out)++ = '0';
    *(*out)++ = digits[c >> 4];
    *(*out)++ = digits[c & 15];
  }
  return 1;
}

static inline gboolean
is_special (guchar c)
{
  return c < ' ' || c == '"' || c == '\\' || c == 0xe2;
}

/* Copies up to the next special character. 16 bytes from @in + @length on must be readable, and from the copy's end writable. */
static inline gsize
copy_plain (const char *in, gsize length, char *out)
{
  gsize i = 0;

#ifdef __SSE2__
  for (; i < length; i += 16) {
    __m128i chunk = _mm_loadu_si128 ((const __m128i *) (gconstpointer) (in + i));
    __m128i quote = _mm_cmpeq_epi8 (chunk, _mm_set1_epi8 ('"'));
    __m128i backslash = _mm_cmpeq_epi8 (chunk, _mm_set1_epi8 ('\\'));
    __m128i low = _mm_cmpeq_epi8 (_mm_min_epu8 (chunk, _mm_set1_epi8 (0x1f)), chunk);
    __m128i separator = _mm_cmpeq_epi8 (chunk, _mm_set1_epi8 ((char) 0xe2));
    guint mask = (guint) _mm_movemask_epi8 (_mm_or_si128 (_mm_or_si128 (quote, backslash), _mm_or_si128 (low, separator)));

    _mm_storeu_si128 ((__m128i *) (gpointer) (out + i), chunk);
    if (mask != 0) {
      i += __builtin_ctz (mask);
      break;
    }
  }
  return MIN (i, length);
#else
  for (; i < length && !is_special (in[i]); i++)
    out[i] = in[i];
  return i;
#endif
}

static inline void
print_string (Printer *printer, const char *in, gsize length)
{
  char *out = reserve (printer, length + 32);

  *out++ = '"';
  for (;;) {
    gsize n = copy_plain (in, length, out);

    in += n;
    out += n;
    length -= n;
    if (G_LIKELY (length == 0))
      break;
    printer->length = out - printer->data;
    out = reserve (printer, length + 40);
    n = put_special (in, length, &out);
    in += n;
    length -= n;
  }
  *out++ = '"';
  printer->length = out - printer->data;
}

/* Values */

static char *
put_natural (char *out, guint64 natural)
{
  static const char pairs[]
      = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
  char digits[20];
  char *p = digits + sizeof digits;

  for (; natural >= 100; natural /= 100)
    p = memcpy (p - 2, &pairs[2 * (natural % 100)], 2);
  if (natural >= 10)
    p = memcpy (p - 2, &pairs[2 * natural], 2);
  else
    *--p = '0' + natural;
  memcpy (out, p, digits + sizeof digits - p);
  return out + (digits + sizeof digits - p);
}

static inline void
print_scalar (Printer *printer, const KubeValue *value, const char *strings)
{
  char *out;

  if (G_LIKELY (value_type (value) == KUBE_VALUE_STRING)) {
    print_string (printer, strings + value->text, value->length);
    return;
  }
  out = reserve (printer, 32);
  switch (value_type (value)) {
  case KUBE_VALUE_BOOLEAN:
    out = value->integer != 0 ? (char *) mempcpy (out, "true", 4) : (char *) mempcpy (out, "false", 5);
    break;
  case KUBE_VALUE_INTEGER:
    if (value->integer < 0)
      *out++ = '-';
    out = put_natural (out, value->integer < 0 ? -value->natural : value->natural);
    break;
  case KUBE_VALUE_UNSIGNED:
    out = put_natural (out, value->natural);
    break;
  case KUBE_VALUE_NUMBER:
    out = mempcpy (reserve (printer, value->length + 8), strings + value->text, value->length);
    break;
  default:
    out = mempcpy (out, "null", 4);
  }
  printer->length = out - printer->data;
}

static inline void
print_character (Printer *printer, char c)
{
  *reserve (printer, 1) = c;
  printer->length++;
}

static void
open_frame (Printer *printer, const KubeValue *container)
{
  PrintFrame *frame;

  if (G_UNLIKELY (printer->n_frames == printer->max_frames)) {
    printer->max_frames = MAX (2 * printer->max_frames, 64);
    printer->frames = g_renew (PrintFrame, printer->frames, printer->max_frames);
  }
  frame = &printer->frames[printer->n_frames++];
  frame->object = value_type (container) == KUBE_VALUE_OBJECT;
  frame->next = value_children (container);
  frame->end = frame->next + value_n_nodes (container);
  print_character (printer, frame->object ? '{' : '[');
}

static void
print_value (Printer *printer, const KubeValue *value)
{
  const char *strings = document_strings (value_document (value));

  if (!value_is_container (value)) {
    print_scalar (printer, value, strings);
    return;
  }
  open_frame (printer, value);
  while (printer->n_frames > 0) {
    PrintFrame *frame = &printer->frames[printer->n_frames - 1];
    const KubeValue *child = frame->next;

    if (child == frame->end) {
      print_character (printer, frame->object ? '}' : ']');
      printer->n_frames--;
      if (printer->n_frames > 0 && frame[-1].next != frame[-1].end)
        print_character (printer, ',');
      continue;
    }
    if (frame->object) {
      print_string (printer, strings + child->text, child->length);
      print_character (printer, ':');
      child++;
    }
    frame->next = child + 1;
    if (value_is_container (child)) {
      open_frame (printer, child);
      continue;
    }
    print_scalar (printer, child, strings);
    if (frame->next != frame->end)
      print_character (printer, ',');
  }
}

/**
 * kube_value_print:
 * @value: a value
 * @length: (out) (optional): the length of the text
 *
 * Compact JSON, members in the value's order. Strings are escaped as Go's encoding/json does without HTML escaping.
 *
 * Returns: (transfer full): the text, NUL-terminated
 *
 * Since: 1.0
 */
char *
kube_value_print (KubeValue *value, gsize *length)
{
  Printer *printer;
  char *text;

  g_return_val_if_fail (value != NULL, NULL);

  printer = printer_get ();
  print_value (printer, value);
  print_character (printer, '\0');
  if (length != NULL)
    *length = printer->length - 1;
  if (printer->length > KEEP_BYTES) {
    text = g_realloc (printer->data, printer->length);
    printer->data = NULL;
    printer->max = 0;
  } else {
    text = g_memdup2 (printer->data, printer->length);
  }
  printer_trim (printer);
  return text;
}

/**
 * kube_value_to_string:
 * @value: a value
 *
 * Returns: (transfer full): what kube_value_print() returns
 *
 * Since: 1.0
 */
char *
kube_value_to_string (KubeValue *value)
{
  return kube_value_print (value, NULL);
}

/**
 * kube_value_print_to:
 * @value: a value
 * @out: where to append it
 *
 * Appends what kube_value_print() returns.
 *
 * Since: 1.0
 */
void
kube_value_print_to (KubeValue *value, GString *out)
{
  Printer *printer;

  g_return_if_fail (value != NULL);
  g_return_if_fail (out != NULL);

  printer = printer_get ();
  print_value (printer, value);
  g_string_append_len (out, printer->data, printer->length);
  printer_trim (printer);
}

/**
 * kube_value_to_bytes:
 * @value: a value
 *
 * Returns: (transfer full): what kube_value_print() returns, without a NUL after it
 *
 * Since: 1.0
 */
GBytes *
kube_value_to_bytes (KubeValue *value)
{
  gsize length;
  char *text;

  g_return_val_if_fail (value != NULL, NULL);

  text = kube_value_print (value, &length);
  return g_bytes_new_take (text, length);
}

/**
 * kube_json_append_string:
 * @out: where to append it
 * @string: UTF-8
 * @length: its length in bytes, or -1 where it is NUL-terminated
 *
 * Appends a JSON string literal with its quotes, escaped as kube_value_print() does.
 *
 * Since: 1.0
 */
void
kube_json_append_string (GString *out, const char *string, gssize length)
{
  gsize n = length < 0 ? strlen (string) : (gsize) length;
  gsize begin = 0;

  g_string_append_c (out, '"');
  for (gsize i = 0; i < n;) {
    char special[8], *end = special;

    if (G_LIKELY (!is_special (string[i]))) {
      i++;
      continue;
    }
    g_string_append_len (out, string + begin, i - begin);
    i += put_special (string + i, n - i, &end);
    begin = i;
    g_string_append_len (out, special, end - special);
  }
  g_string_append_len (out, string + begin, n - begin);
  g_string_append_c (out, '"');
}
