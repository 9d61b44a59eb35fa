/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-value-writer.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How upstream's decoder limits what it collects about one document. */
#define MAX_DUPLICATES 100
#define DEFAULT_MAX_DEPTH 10000
#define DEFAULT_MAX_SIZE (3u * 1024 * 1024 * 8)
#define HARD_MAX_SIZE ((gsize) 1 << 30)

typedef struct {
  gsize position; /* of the later key, in the writer's strings */
  char *path;     /* (owned) */
} Duplicate;

typedef struct {
  const char *p;
  const char *end;
  KubeWriter *writer;
  guint depth;
  guint max_depth;
  GArray *duplicates; /* (owned) (nullable) (element-type Duplicate) where they are wanted */
  GError **error;
} Parser;

/* The character as Go quotes it in its messages: a byte is taken for a code point. */
static char *
quote_character (guchar c)
{
  static const char names[] = "abtnvfr";

  if (c == '\'')
    return g_strdup ("'\\''");
  if (c == '"')
    return g_strdup ("'\"'");
  if (c == '\\')
    return g_strdup ("'\\\\'");
  if (c >= 0x07 && c <= 0x0d)
    return g_strdup_printf ("'\\%c'", names[c - 0x07]);
  if (c < 0x20 || c == 0x7f)
    return g_strdup_printf ("'\\x%02x'", c);
  if ((c > 0x7f && c <= 0xa0) || c == 0xad)
    return g_strdup_printf ("'\\u%04x'", c);
  if (c > 0x7f)
    return g_strdup_printf ("'%c%c'", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
  return g_strdup_printf ("'%c'", c);
}

/* Within a token, Go takes the end of the text for a space. */
__attribute__ ((cold)) static gboolean
fail_in_token (Parser *parser, const char *p, const char *context)
{
  g_autofree char *quoted = quote_character (p < parser->end ? *p : ' ');

  g_set_error (parser->error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid character %s %s", quoted, context);
  return FALSE;
}

/* Reports what stands at @p, or that the text ends there. */
__attribute__ ((cold)) static gboolean
fail_at (Parser *parser, const char *p, const char *context)
{
  if (p < parser->end)
    return fail_in_token (parser, p, context);
  g_set_error_literal (parser->error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "unexpected end of JSON input");
  return FALSE;
}

__attribute__ ((cold)) static gboolean
fail_memory (Parser *parser)
{
  g_set_error_literal (parser->error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "the document does not fit into memory");
  return FALSE;
}

static inline void
skip_space (Parser *parser)
{
  const char *p = parser->p;

  if (G_LIKELY (p < parser->end && (guchar) *p > ' '))
    return;
  while (p < parser->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
    p++;
#ifdef __SSE2__
    while (parser->end - p >= 16) {
      __m128i chunk = _mm_loadu_si128 ((const __m128i *) (gconstpointer) p);
      guint other = 0xffffu & ~(guint) _mm_movemask_epi8 (_mm_cmpeq_epi8 (chunk, _mm_set1_epi8 (' ')));

      if (other != 0) {
        p += __builtin_ctz (other);
        break;
      }
      p += 16;
    }
#endif
  }
  parser->p = p;
}

/* Strings */

/* Copies up to the next byte that needs a decision: a quote, a backslash, a control character, a byte of a longer character. */
static inline void
copy_plain (const char **from, const char *end, char **to)
{
  const char *p = *from;
  char *out = *to;

#ifdef __SSE2__
  while (end - p >= 16) {
    __m128i chunk = _mm_loadu_si128 ((const __m128i *) (gconstpointer) p);
    __m128i quote = _mm_cmpeq_epi8 (chunk, _mm_set1_epi8 ('"'));
    __m128i backslash = _mm_cmpeq_epi8 (chunk, _mm_set1_epi8 ('\\'));
    __m128i low = _mm_cmplt_epi8 (chunk, _mm_set1_epi8 (' ')); /* signed: bytes above 0x7f, too */
    guint mask = (guint) _mm_movemask_epi8 (_mm_or_si128 (_mm_or_si128 (quote, backslash), low));

    _mm_storeu_si128 ((__m128i *) (gpointer) out, chunk);
    if (mask != 0) {
      *from = p + __builtin_ctz (mask);
      *to = out + __builtin_ctz (mask);
      return;
    }
    p += 16;
    out += 16;
  }
#endif
  while (p < end && *p != '"' && *p != '\\' && (signed char) *p >= ' ')
    *out++ = *p++;
  *from = p;
  *to = out;
}

static int
hex_digits (const char *p)
{
  int value = 0;

  for (int i = 0; i < 4; i++)
    value = value << 4 | g_ascii_xdigit_value (p[i]);
  return value;
}

static char *
put_character (char *out, gunichar c)
{
  return out + g_unichar_to_utf8 (c, out);
}

/* At `\u`: all four digits must be hexadecimal. */
static gboolean
check_unicode_escape (Parser *parser, const char *p)
{
  for (int i = 2; i < 6; i++) {
    if (p + i >= parser->end || !g_ascii_isxdigit (p[i]))
      return fail_in_token (parser, p + i, "in \\u hexadecimal character escape");
  }
  return TRUE;
}

static gboolean
copy_unicode_escape (Parser *parser, const char **from, char **to)
{
  const char *p = *from;
  gunichar c;

  if (!check_unicode_escape (parser, p))
    return FALSE;
  c = hex_digits (p + 2);
  p += 6;
  if (c >= 0xd800 && c < 0xdc00 && parser->end - p >= 2 && p[0] == '\\' && p[1] == 'u') {
    gunichar low;

    if (!check_unicode_escape (parser, p))
      return FALSE;
    low = hex_digits (p + 2);
    if (low >= 0xdc00 && low < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      p += 6;
    }
  }
  if (c >= 0xd800 && c < 0xe000)
    c = 0xfffd;
  *to = put_character (*to, c);
  *from = p;
  return TRUE;
}

static gboolean
copy_escape (Parser *parser, const char **from, char **to)
{
  const char *p = *from;
  char c;

  switch (p + 1 < parser->end ? p[1] : ' ') {
  case '"':
  case '\\':
  case '/':
    c = p[1];
    break;
  case 'b':
    c = '\b';
    break;
  case 'f':
    c = '\f';
    break;
  case 'n':
    c = '\n';
    break;
  case 'r':
    c = '\r';
    break;
  case 't':
    c = '\t';
    break;
  case 'u':
    return copy_unicode_escape (parser, from, to);
  default:
    return fail_in_token (parser, p + 1, "in string escape code");
  }
  *(*to)++ = c;
  *from = p + 2;
  return TRUE;
}

/* Upstream takes invalid UTF-8 and replaces each byte of it by U+FFFD, which is longer than what it replaces. */
static gboolean
copy_sequence (Parser *parser, const char **from, char **to)
{
  KubeWriter *writer = parser->writer;
  guint n = kube_utf8_sequence (*from, parser->end - *from);
  gsize used;

  if (n > 0) {
    memcpy (*to, *from, n);
    *from += n;
    *to += n;
    return TRUE;
  }
  used = *to - (writer->bytes + writer->n_bytes);
  if (!kube_writer_reserve_bytes (writer, used + 3 * (gsize) (parser->end - *from) + KUBE_DOCUMENT_SLACK))
    return fail_memory (parser);
  *to = put_character (writer->bytes + writer->n_bytes + used, 0xfffd);
  (*from)++;
  return TRUE;
}

/* At the opening quote. */
static gboolean
parse_string (Parser *parser)
{
  KubeWriter *writer = parser->writer;
  const char *p = parser->p + 1;
  char *out = writer->bytes + writer->n_bytes;
  KubeValue *value;
  gsize length;

  for (;;) {
    copy_plain (&p, parser->end, &out);
    if (G_UNLIKELY (p >= parser->end))
      return fail_at (parser, p, "");
    if (G_LIKELY (*p == '"'))
      break;
    if (*p == '\\') {
      if (!copy_escape (parser, &p, &out))
        return FALSE;
    } else if ((guchar) *p < ' ') {
      return fail_at (parser, p, "in string literal");
    } else if (!copy_sequence (parser, &p, &out)) {
      return FALSE;
    }
  }
  *out = '\0';
  parser->p = p + 1;
  if (G_UNLIKELY (!kube_writer_reserve_stack (writer, 1)))
    return fail_memory (parser);
  length = out - (writer->bytes + writer->n_bytes);
  value = &writer->stack[writer->n_stack++];
  value->tag = KUBE_VALUE_STRING | KUBE_TAG_CANONICAL;
  value->length = length;
  value->text = writer->n_bytes;
  writer->n_bytes += length + 1;
  return TRUE;
}

/* Numbers and literals */

static inline const char *
skip_digits (const char *p, const char *end)
{
  while (p < end && g_ascii_isdigit (*p))
    p++;
  return p;
}

/* @p is after the integer part, where a fraction or an exponent begins. */
static gboolean
parse_decimal (Parser *parser, const char *p)
{
  if (*p == '.') {
    p++;
    if (p >= parser->end || !g_ascii_isdigit (*p))
      return fail_in_token (parser, p, "after decimal point in numeric literal");
    p = skip_digits (p, parser->end);
  }
  if (p < parser->end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < parser->end && (*p == '+' || *p == '-'))
      p++;
    if (p >= parser->end || !g_ascii_isdigit (*p))
      return fail_in_token (parser, p, "in exponent of numeric literal");
    p = skip_digits (p, parser->end);
  }
  if (!kube_writer_reserve_stack (parser->writer, 1))
    return fail_memory (parser);
  kube_writer_push_text (parser->writer, KUBE_VALUE_NUMBER, parser->p, p - parser->p);
  parser->p = p;
  return TRUE;
}

static gboolean
parse_number (Parser *parser)
{
  const char *p = parser->p;
  gboolean negative = *p == '-';
  gboolean overflow = FALSE;
  guint64 natural = 0;

  p += negative;
  if (p >= parser->end || !g_ascii_isdigit (*p))
    return fail_in_token (parser, p, "in numeric literal");
  if (*p == '0') {
    p++;
  } else {
    for (; p < parser->end && g_ascii_isdigit (*p); p++) {
      overflow |= __builtin_mul_overflow (natural, (guint64) 10, &natural);
      overflow |= __builtin_add_overflow (natural, (guint64) (*p - '0'), &natural);
    }
  }
  if (p < parser->end && (*p == '.' || *p == 'e' || *p == 'E'))
    return parse_decimal (parser, p);
  if (!kube_writer_reserve_stack (parser->writer, 1))
    return fail_memory (parser);
  if (overflow || (negative && natural > (guint64) G_MAXINT64 + 1))
    kube_writer_push_text (parser->writer, KUBE_VALUE_NUMBER, parser->p, p - parser->p);
  else if (negative)
    kube_writer_push (parser->writer, KUBE_VALUE_INTEGER, (gint64) -natural);
  else
    kube_writer_push (parser->writer, natural > G_MAXINT64 ? KUBE_VALUE_UNSIGNED : KUBE_VALUE_INTEGER, (gint64) natural);
  parser->p = p;
  return TRUE;
}

static gboolean
parse_literal (Parser *parser, const char *literal, KubeValueType type, gint64 value)
{
  const char *p = parser->p;

  for (guint i = 1; literal[i] != '\0'; i++) {
    g_autofree char *context = NULL;

    if (p + i < parser->end && p[i] == literal[i])
      continue;
    context = g_strdup_printf ("in literal %s (expecting '%c')", literal, literal[i]);
    return fail_in_token (parser, p + i, context);
  }
  parser->p = p + strlen (literal);
  if (!kube_writer_reserve_stack (parser->writer, 1))
    return fail_memory (parser);
  kube_writer_push (parser->writer, type, value);
  return TRUE;
}

/* Objects */

static void
append_key (GString *path, KubeWriter *writer, const KubeValue *key, gboolean first)
{
  if (!first)
    g_string_append_c (path, '.');
  g_string_append_len (path, writer->bytes + key->text, key->length);
}

static void
report_duplicate (KubeWriter *writer, const KubeValue *key, gpointer user_data)
{
  Parser *parser = user_data;
  g_autoptr (GString) path = g_string_new (NULL);
  g_autoptr (GArray) frames = g_array_new (FALSE, FALSE, sizeof (guint));
  Duplicate duplicate = { key->text, NULL };

  if (parser->duplicates == NULL || parser->duplicates->len > MAX_DUPLICATES)
    return;
  for (guint frame = writer->frame; frame != KUBE_WRITER_NO_FRAME; frame = writer->stack[frame].length)
    g_array_append_val (frames, frame);
  for (guint i = frames->len - 1; i > 0; i--) {
    const KubeValue *container = &writer->stack[g_array_index (frames, guint, i)];
    guint next = g_array_index (frames, guint, i - 1);

    if (value_type (container) == KUBE_VALUE_OBJECT)
      append_key (path, writer, &writer->stack[next - 1], i + 1 == frames->len);
    else
      g_string_append_printf (path, "[%u]", next - g_array_index (frames, guint, i) - 1);
  }
  append_key (path, writer, key, frames->len == 1);
  duplicate.path = g_string_free (g_steal_pointer (&path), FALSE);
  g_array_append_val (parser->duplicates, duplicate);
}

static gboolean
parse_key (Parser *parser)
{
  skip_space (parser);
  if (parser->p >= parser->end || *parser->p != '"')
    return fail_at (parser, parser->p, "looking for beginning of object key string");
  if (!parse_string (parser))
    return FALSE;
  skip_space (parser);
  if (parser->p >= parser->end || *parser->p != ':')
    return fail_at (parser, parser->p, "after object key");
  parser->p++;
  return TRUE;
}

/* Values */

static gboolean
close_container (Parser *parser)
{
  KubeWriter *writer = parser->writer;

  parser->p++;
  parser->depth--;
  if (value_type (&writer->stack[writer->frame]) == KUBE_VALUE_OBJECT)
    return kube_writer_close_distinct (writer, report_duplicate, parser) || fail_memory (parser);
  if (!kube_writer_reserve_nodes (writer, writer->n_stack - writer->frame - 1))
    return fail_memory (parser);
  kube_writer_close_sorted (writer, TRUE);
  return TRUE;
}

/* At the bracket: opens a container and goes to where its first value begins, or closes it where it is empty. */
static gboolean
open_container (Parser *parser, KubeValueType type, gboolean *complete)
{
  if (++parser->depth > parser->max_depth) {
    g_set_error_literal (parser->error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "exceeded max depth");
    return FALSE;
  }
  if (!kube_writer_reserve_stack (parser->writer, 1))
    return fail_memory (parser);
  parser->p++;
  skip_space (parser);
  if (parser->p < parser->end && *parser->p == (type == KUBE_VALUE_OBJECT ? '}' : ']')) {
    kube_writer_push_empty (parser->writer, type);
    parser->p++;
    parser->depth--;
    return TRUE;
  }
  kube_writer_open (parser->writer, type);
  *complete = FALSE;
  return type == KUBE_VALUE_ARRAY || parse_key (parser);
}

/* One scalar, or the beginning of a container; @complete says whether a whole value was read. */
static gboolean
parse_value (Parser *parser, gboolean *complete)
{
  *complete = TRUE;
  skip_space (parser);
  if (parser->p >= parser->end)
    return fail_at (parser, parser->p, "");
  switch (*parser->p) {
  case '"':
    return parse_string (parser);
  case '{':
    return open_container (parser, KUBE_VALUE_OBJECT, complete);
  case '[':
    return open_container (parser, KUBE_VALUE_ARRAY, complete);
  case 't':
    return parse_literal (parser, "true", KUBE_VALUE_BOOLEAN, TRUE);
  case 'f':
    return parse_literal (parser, "false", KUBE_VALUE_BOOLEAN, FALSE);
  case 'n':
    return parse_literal (parser, "null", KUBE_VALUE_NULL, 0);
  default:
    if (*parser->p == '-' || g_ascii_isdigit (*parser->p))
      return parse_number (parser);
    return fail_at (parser, parser->p, "looking for beginning of value");
  }
}

/* After a value: closes the containers that end here and goes to where the next value begins, if there is one. */
static gboolean
go_to_next (Parser *parser, gboolean *complete)
{
  KubeWriter *writer = parser->writer;

  while (*complete && parser->depth > 0) {
    gboolean in_object = value_type (&writer->stack[writer->frame]) == KUBE_VALUE_OBJECT;
    char c;

    skip_space (parser);
    c = parser->p < parser->end ? *parser->p : '\0';
    if (c == ',') {
      *complete = FALSE;
      parser->p++;
      if (in_object && !parse_key (parser))
        return FALSE;
    } else if (c != (in_object ? '}' : ']')) {
      return fail_at (parser, parser->p, in_object ? "after object key:value pair" : "after array element");
    } else if (!close_container (parser)) {
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
parse_document (Parser *parser)
{
  gboolean complete;

  do {
    if (!parse_value (parser, &complete) || !go_to_next (parser, &complete))
      return FALSE;
  } while (!complete);
  skip_space (parser);
  return parser->p == parser->end || fail_at (parser, parser->p, "after top-level value");
}

static int
compare_duplicates (gconstpointer a, gconstpointer b)
{
  const Duplicate *left = a, *right = b;

  return (left->position > right->position) - (left->position < right->position);
}

static void
duplicate_clear (gpointer data)
{
  g_free (((Duplicate *) data)->path);
}

static void
deliver_duplicates (Parser *parser, GPtrArray *result)
{
  g_array_sort (parser->duplicates, compare_duplicates);
  for (guint i = 0; i < parser->duplicates->len && i < MAX_DUPLICATES; i++) {
    const char *path = g_array_index (parser->duplicates, Duplicate, i).path;

    if (!g_ptr_array_find_with_equal_func (result, path, g_str_equal, NULL))
      g_ptr_array_add (result, g_strdup (path));
  }
}

/**
 * kube_value_parse_with_options:
 * @data: (array length=length) (element-type guint8): JSON text
 * @length: its length in bytes, or -1 where it is NUL-terminated
 * @options: (nullable): limits, and what to report
 * @error: return location for an error
 *
 * Parses exactly one JSON document (RFC 8259, strict). Bytes in strings that are not UTF-8 become U+FFFD, as do lone surrogates:
 * upstream takes them so. The last of several members with the same key wins.
 *
 * Errors: %KUBE_ERROR_BAD_REQUEST, worded as Go's encoding/json words it ("unexpected end of JSON input", "invalid character 'x'
 * looking for beginning of value"); %KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE over the size limit or out of memory.
 *
 * Returns: (transfer full): the value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_parse_with_options (const char *data, gssize length, const KubeParseOptions *options, GError **error)
{
  Parser parser = { .max_depth = DEFAULT_MAX_DEPTH, .error = error };
  gsize max_size = DEFAULT_MAX_SIZE;
  gsize size = length < 0 ? strlen (data) : (gsize) length;
  KubeValue *value = NULL;

  if (options != NULL && options->max_depth > 0)
    parser.max_depth = options->max_depth;
  if (options != NULL && options->max_size > 0)
    max_size = MIN (options->max_size, HARD_MAX_SIZE);
  if (size > max_size) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "Request entity too large: limit is %" G_GSIZE_FORMAT,
                 max_size);
    return NULL;
  }
  parser.p = size > 0 ? data : "";
  parser.end = parser.p + size;
  if (options != NULL && options->duplicates != NULL) {
    parser.duplicates = g_array_new (FALSE, FALSE, sizeof (Duplicate));
    g_array_set_clear_func (parser.duplicates, duplicate_clear);
  }
  parser.writer = kube_writer_acquire ();
  if (!kube_writer_reserve_bytes (parser.writer, size + 2 * KUBE_DOCUMENT_SLACK))
    fail_memory (&parser);
  else if (parse_document (&parser) && (value = kube_writer_finish (parser.writer)) == NULL)
    fail_memory (&parser);
  kube_writer_release (parser.writer);
  if (value != NULL && parser.duplicates != NULL)
    deliver_duplicates (&parser, options->duplicates);
  g_clear_pointer (&parser.duplicates, g_array_unref);
  return value;
}

/**
 * kube_value_parse:
 * @data: (array length=length) (element-type guint8): JSON text
 * @length: its length in bytes, or -1 where it is NUL-terminated
 * @error: return location for an error
 *
 * kube_value_parse_with_options() with the default limits.
 *
 * Returns: (transfer full): the value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_parse (const char *data, gssize length, GError **error)
{
  return kube_value_parse_with_options (data, length, NULL, error);
}
