/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-yaml.h>

#include <errno.h>
#include <yaml.h>

#include "kube-value-writer.h"
#include "kube-yaml-scalar-private.h"

/* Flow collections cost libyaml time quadratic in their depth. */
#define MAX_DEPTH 100
#define MAX_SIZE (3u * 1024 * 1024 * 8)
#define MAX_DUPLICATES 100
#define TAG_PREFIX "tag:yaml.org,2002:"

typedef struct {
  KubeValue node; /* as it was on the writer's stack when it was complete */
  guint height;
  gboolean complete;
} Anchor;

typedef struct {
  gboolean mapping;
  gboolean value_next; /* in a mapping: the key was read */
  gboolean merge;      /* the key was `<<` */
  Anchor *anchor;      /* (nullable) where this container has one */
  gsize line;
  guint height; /* of the highest child */
} Frame;

/* Where the value of a member began. */
typedef struct {
  guint line;
  gboolean bare; /* the key is written without quotes in messages: it was no string */
} Mark;

typedef struct {
  guint mark;
  char *text; /* (owned) */
} Duplicate;

typedef struct {
  yaml_parser_t yaml;
  yaml_event_t event;
  KubeWriter *writer;
  GHashTable *anchors;     /* (element-type utf8 Anchor) the last of each name in this document */
  GPtrArray *anchor_store; /* (element-type Anchor) */
  GArray *frames;          /* (element-type Frame) */
  GArray *marks;           /* (element-type Mark) (nullable) where duplicates are wanted */
  GArray *duplicates;      /* (element-type Duplicate) (nullable) */
  gboolean bare_key;
  gboolean final; /* the error counts as one of syntax */
  gsize budget; /* what aliases may still expand to */
  GError **error;
} Reader;

G_GNUC_PRINTF (2, 3)
static gboolean
fail (Reader *reader, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (reader->error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "yaml: %s", message);
  return FALSE;
}

/* The line is chosen as go-yaml chooses it. */
static gboolean
fail_parser (Reader *reader)
{
  const yaml_parser_t *yaml = &reader->yaml;
  const char *problem = yaml->problem != NULL ? yaml->problem : "unknown problem parsing YAML content";
  gsize line = 0;

  if (yaml->error == YAML_MEMORY_ERROR)
    problem = "out of memory";
  else if (yaml->error != YAML_READER_ERROR && yaml->problem_mark.line != 0)
    line = yaml->problem_mark.line + (yaml->error == YAML_SCANNER_ERROR);
  else if (yaml->error != YAML_READER_ERROR)
    line = yaml->context_mark.line;
  if (line == 0)
    return fail (reader, "%s", problem);
  return fail (reader, "line %" G_GSIZE_FORMAT ": %s", line, problem);
}

static gboolean
next_event (Reader *reader)
{
  yaml_event_delete (&reader->event);
  return yaml_parser_parse (&reader->yaml, &reader->event) || fail_parser (reader);
}

static Frame *
top_frame (Reader *reader)
{
  return reader->frames->len > 0 ? &g_array_index (reader->frames, Frame, reader->frames->len - 1) : NULL;
}

/* Scalars */

/* Invalid UTF-8, which !!binary may decode to, is replaced as upstream's JSON encoder replaces it. */
static gboolean
push_string (Reader *reader, const char *text, gsize length)
{
  g_autoptr (GString) valid = NULL;
  gsize begin = 0;

  for (gsize i = 0, n; i < length; i += n) {
    n = kube_utf8_sequence (text + i, length - i);
    if (n > 0)
      continue;
    if (valid == NULL)
      valid = g_string_new (NULL);
    g_string_append_len (valid, text + begin, i - begin);
    g_string_append (valid, "\357\277\275");
    n = 1;
    begin = i + 1;
  }
  if (valid != NULL)
    g_string_append_len (valid, text + begin, length - begin);
  kube_writer_push_text (reader->writer, KUBE_VALUE_STRING, valid != NULL ? valid->str : text,
                         valid != NULL ? valid->len : length);
  return TRUE;
}

static gboolean
push_float (Reader *reader, double number)
{
  char text[KUBE_YAML_FLOAT_SIZE];
  char *end;
  guint64 natural;
  gint64 integer;

  if (!kube_yaml_format_json_float (number, text)) {
    kube_yaml_format_float (number, 64, text);
    g_set_error (reader->error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "json: unsupported value: %s",
                 g_str_equal (text, ".nan")   ? "NaN"
                 : g_str_equal (text, ".inf") ? "+Inf"
                                              : "-Inf");
    return FALSE;
  }
  errno = 0;
  integer = g_ascii_strtoll (text, &end, 10);
  if (*end == '\0' && errno == 0) {
    kube_writer_push (reader->writer, KUBE_VALUE_INTEGER, integer);
    return TRUE;
  }
  errno = 0;
  natural = g_ascii_strtoull (text, &end, 10);
  if (*text != '-' && *end == '\0' && errno == 0)
    kube_writer_push (reader->writer, KUBE_VALUE_UNSIGNED, (gint64) natural);
  else
    kube_writer_push_text (reader->writer, KUBE_VALUE_NUMBER, text, strlen (text));
  return TRUE;
}

static gboolean
push_binary (Reader *reader, const char *text, gsize length)
{
  g_autofree char *copy = g_malloc (length + 1);
  g_autofree guchar *data = NULL;
  gsize n = 0, padding = 0, decoded;

  for (gsize i = 0; i < length; i++) {
    if (text[i] == '\n' || text[i] == '\r')
      continue;
    if (!g_ascii_isalnum (text[i]) && text[i] != '+' && text[i] != '/' && text[i] != '=')
      return fail (reader, "!!binary value contains invalid base64 data");
    if (padding > 0 && text[i] != '=')
      return fail (reader, "!!binary value contains invalid base64 data");
    padding += text[i] == '=';
    copy[n++] = text[i];
  }
  copy[n] = '\0';
  if (n % 4 != 0 || padding > 2)
    return fail (reader, "!!binary value contains invalid base64 data");
  data = g_base64_decode (copy, &decoded);
  return push_string (reader, (const char *) data, decoded);
}

static const char *const type_tags[] = { "!!null", "!!bool", "!!int", "!!int", "!!float", "!!str", "!!timestamp" };

/* What the event's scalar is, with its tag taken into account. */
static gboolean
resolve_event (Reader *reader, KubeYamlScalar *scalar, gboolean *binary)
{
  const char *text = (const char *) reader->event.data.scalar.value;
  gsize length = reader->event.data.scalar.length;
  const char *tag = (const char *) reader->event.data.scalar.tag;
  const char *wanted = NULL;

  *binary = FALSE;
  scalar->type = KUBE_YAML_STRING;
  if (tag == NULL && !reader->event.data.scalar.plain_implicit)
    return TRUE;
  if (tag != NULL) {
    if (!g_str_has_prefix (tag, TAG_PREFIX))
      return TRUE;
    wanted = tag + strlen (TAG_PREFIX);
    *binary = g_str_equal (wanted, "binary");
    if (!g_str_equal (wanted, "bool") && !g_str_equal (wanted, "int") && !g_str_equal (wanted, "float")
        && !g_str_equal (wanted, "null") && !g_str_equal (wanted, "timestamp"))
      return TRUE;
  }
  kube_yaml_resolve (text, length, scalar);
  if (wanted == NULL || g_str_equal (wanted, type_tags[scalar->type] + 2))
    return TRUE;
  if (g_str_equal (wanted, "float") && scalar->type == KUBE_YAML_INTEGER) {
    scalar->type = KUBE_YAML_FLOAT;
    scalar->number = (double) scalar->integer;
    return TRUE;
  }
  if (scalar->type == KUBE_YAML_TIMESTAMP)
    scalar->type = KUBE_YAML_STRING;
  return fail (reader, "cannot decode %s `%s` as a !!%s", type_tags[scalar->type], text, wanted);
}

static gboolean
push_scalar (Reader *reader)
{
  const char *text = (const char *) reader->event.data.scalar.value;
  gsize length = reader->event.data.scalar.length;
  KubeYamlScalar scalar;
  gboolean binary;

  if (!resolve_event (reader, &scalar, &binary))
    return FALSE;
  switch (scalar.type) {
  case KUBE_YAML_NULL:
    kube_writer_push (reader->writer, KUBE_VALUE_NULL, 0);
    return TRUE;
  case KUBE_YAML_BOOLEAN:
    kube_writer_push (reader->writer, KUBE_VALUE_BOOLEAN, scalar.integer);
    return TRUE;
  case KUBE_YAML_INTEGER:
    kube_writer_push (reader->writer, KUBE_VALUE_INTEGER, scalar.integer);
    return TRUE;
  case KUBE_YAML_UNSIGNED:
    kube_writer_push (reader->writer, KUBE_VALUE_UNSIGNED, scalar.integer);
    return TRUE;
  case KUBE_YAML_FLOAT:
    return push_float (reader, scalar.number);
  default:
    return binary ? push_binary (reader, text, length) : push_string (reader, text, length);
  }
}

/* Keys */

static gboolean
push_key (Reader *reader, const KubeYamlScalar *scalar, const char *text, gsize length)
{
  char buffer[KUBE_YAML_FLOAT_SIZE];

  reader->bare_key = TRUE;
  switch (scalar->type) {
  case KUBE_YAML_NULL:
  case KUBE_YAML_UNSIGNED:
    g_set_error (reader->error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "unsupported map key of type: %s",
                 scalar->type == KUBE_YAML_NULL ? "%!s(<nil>), key: <nil>" : "uint64");
    return FALSE;
  case KUBE_YAML_BOOLEAN:
    g_strlcpy (buffer, scalar->integer != 0 ? "true" : "false", sizeof buffer);
    break;
  case KUBE_YAML_INTEGER:
    g_snprintf (buffer, sizeof buffer, "%" G_GINT64_FORMAT, scalar->integer);
    break;
  case KUBE_YAML_FLOAT:
    kube_yaml_format_float (scalar->number, 32, buffer);
    break;
  default:
    reader->bare_key = FALSE;
    return push_string (reader, text, length);
  }
  return push_string (reader, buffer, strlen (buffer));
}

static gboolean
push_scalar_key (Reader *reader, Frame *frame)
{
  const char *text = (const char *) reader->event.data.scalar.value;
  gsize length = reader->event.data.scalar.length;
  const char *tag = (const char *) reader->event.data.scalar.tag;
  KubeYamlScalar scalar;
  gboolean binary;

  frame->value_next = TRUE;
  frame->merge = length == 2 && strcmp (text, "<<") == 0
                 && (reader->event.data.scalar.plain_implicit || g_strcmp0 (tag, TAG_PREFIX "merge") == 0);
  if (frame->merge)
    return TRUE;
  if (!resolve_event (reader, &scalar, &binary))
    return FALSE;
  return binary ? push_binary (reader, text, length) : push_key (reader, &scalar, text, length);
}

static gboolean
push_alias_key (Reader *reader, Frame *frame, const KubeValue *node)
{
  g_autofree char *text = NULL;
  KubeYamlScalar scalar = { KUBE_YAML_STRING, { 0 } };

  frame->value_next = TRUE;
  frame->merge = FALSE;
  if (value_is_container (node))
    return fail (reader, "invalid map key");
  if (value_is_text (node))
    text = g_memdup2 (reader->writer->bytes + node->text, node->length + 1);
  if (value_type (node) == KUBE_VALUE_NUMBER) {
    scalar.type = KUBE_YAML_FLOAT;
    scalar.number = g_ascii_strtod (text, NULL);
  } else if (value_type (node) != KUBE_VALUE_STRING) {
    scalar.type = (KubeYamlType) value_type (node);
    scalar.integer = node->integer;
  }
  return push_key (reader, &scalar, text, value_is_text (node) ? node->length : 0);
}

/* Containers */

/* go-yaml merges as if the members stood here: what comes later wins. */
static gboolean
merge_value (Reader *reader)
{
  KubeWriter *writer = reader->writer;
  KubeValue value = writer->stack[writer->n_stack - 1];

  if (value_type (&value) == KUBE_VALUE_OBJECT) {
    kube_writer_splice (writer);
    return TRUE;
  }
  if (value_type (&value) != KUBE_VALUE_ARRAY)
    return fail (reader, "map merge requires map or sequence of maps as the value");
  writer->n_stack--;
  for (guint i = value.length; i-- > 0;) {
    KubeValue element = writer->nodes[value.children - KUBE_DOCUMENT_HEADER_UNITS + i];

    if (value_type (&element) != KUBE_VALUE_OBJECT)
      return fail (reader, "map merge requires map or sequence of maps as the value");
    if (!kube_writer_reserve_stack (writer, 1))
      return fail (reader, "out of memory");
    element.tag &= KUBE_TAG_TYPE | KUBE_TAG_CANONICAL;
    writer->stack[writer->n_stack++] = element;
    kube_writer_splice (writer);
  }
  writer->untidy = TRUE;
  return TRUE;
}

/* A whole value is on top of the stack. */
static gboolean
complete_value (Reader *reader, gsize line, Anchor *anchor, guint height)
{
  KubeWriter *writer = reader->writer;
  Frame *frame = top_frame (reader);

  if (anchor != NULL) {
    anchor->node = writer->stack[writer->n_stack - 1];
    anchor->height = height;
    anchor->complete = TRUE;
  }
  if (frame == NULL)
    return TRUE;
  frame->height = MAX (frame->height, height);
  if (!frame->mapping)
    return TRUE;
  frame->value_next = FALSE;
  if (frame->merge)
    return merge_value (reader);
  if (reader->marks != NULL) {
    Mark mark = { line + 1, reader->bare_key };

    writer->stack[writer->n_stack - 2].tag |= reader->marks->len << KUBE_TAG_MARK_SHIFT;
    g_array_append_val (reader->marks, mark);
  }
  return TRUE;
}

static Anchor *
add_anchor (Reader *reader, const yaml_char_t *name)
{
  Anchor *anchor;

  if (name == NULL)
    return NULL;
  anchor = g_new0 (Anchor, 1);
  g_ptr_array_add (reader->anchor_store, anchor);
  g_hash_table_replace (reader->anchors, g_strdup ((const char *) name), anchor);
  return anchor;
}

static gboolean
open_container (Reader *reader, gboolean mapping)
{
  Frame frame = { .mapping = mapping, .line = reader->event.start_mark.line };
  Frame *parent = top_frame (reader);

  if (reader->frames->len == MAX_DEPTH)
    return fail (reader, "exceeded max depth of %d", MAX_DEPTH);
  if (parent != NULL && parent->mapping && !parent->value_next)
    return fail (reader, "invalid map key");
  frame.anchor
      = add_anchor (reader, mapping ? reader->event.data.mapping_start.anchor : reader->event.data.sequence_start.anchor);
  kube_writer_open (reader->writer, mapping ? KUBE_VALUE_OBJECT : KUBE_VALUE_ARRAY);
  g_array_append_val (reader->frames, frame);
  return TRUE;
}

static char *
quote_key (const char *text, gsize length)
{
  g_autoptr (GString) out = g_string_new ("\"");

  for (gsize i = 0; i < length; i++) {
    static const char names[] = "abtnvfr";
    guchar c = text[i];

    if (c == '"' || c == '\\')
      g_string_append_printf (out, "\\%c", c);
    else if (c >= 0x07 && c <= 0x0d)
      g_string_append_printf (out, "\\%c", names[c - 0x07]);
    else if (c < ' ' || c == 0x7f)
      g_string_append_printf (out, "\\x%02x", c);
    else
      g_string_append_c (out, c);
  }
  g_string_append_c (out, '"');
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
report_duplicate (KubeWriter *writer, const KubeValue *later, gpointer user_data)
{
  Reader *reader = user_data;
  Duplicate duplicate = { later->tag >> KUBE_TAG_MARK_SHIFT, NULL };
  const char *text = writer->bytes + later->text;
  g_autofree char *quoted = NULL;
  const Mark *mark;

  if (reader->duplicates == NULL || reader->duplicates->len >= MAX_DUPLICATES || reader->marks->len == 0)
    return;
  mark = &g_array_index (reader->marks, Mark, duplicate.mark);
  quoted = mark->bare ? g_strndup (text, later->length) : quote_key (text, later->length);
  duplicate.text = g_strdup_printf ("line %u: key %s already set in map", mark->line, quoted);
  g_array_append_val (reader->duplicates, duplicate);
}

static gboolean
close_container (Reader *reader)
{
  Frame frame = *top_frame (reader);

  g_array_set_size (reader->frames, reader->frames->len - 1);
  if (!frame.mapping)
    kube_writer_close (reader->writer);
  else if (!kube_writer_close_distinct (reader->writer, report_duplicate, reader))
    return fail (reader, "out of memory");
  return complete_value (reader, frame.line, frame.anchor, frame.height + 1);
}

static gboolean
push_alias (Reader *reader)
{
  const char *name = (const char *) reader->event.data.alias.anchor;
  const Anchor *anchor = g_hash_table_lookup (reader->anchors, name);
  Frame *frame = top_frame (reader);
  gsize size;

  if (anchor == NULL) {
    reader->final = TRUE;
    return fail (reader, "unknown anchor '%s' referenced", name);
  }
  if (!anchor->complete)
    return fail (reader, "anchor '%s' value contains itself", name);
  if (frame != NULL && frame->mapping && !frame->value_next)
    return push_alias_key (reader, frame, &anchor->node);
  if (frame != NULL && frame->merge && value_type (&anchor->node) != KUBE_VALUE_OBJECT)
    return fail (reader, "map merge requires map or sequence of maps as the value");
  if (reader->frames->len + anchor->height > MAX_DEPTH)
    return fail (reader, "exceeded max depth of %d", MAX_DEPTH);
  size = kube_writer_measure (reader->writer, &anchor->node);
  if (size > reader->budget)
    return fail (reader, "document contains excessive aliasing");
  reader->budget -= size;
  kube_writer_push_again (reader->writer, &anchor->node);
  return complete_value (reader, reader->event.start_mark.line, NULL, anchor->height);
}

static gboolean
take_scalar (Reader *reader)
{
  Frame *frame = top_frame (reader);
  Anchor *anchor = add_anchor (reader, reader->event.data.scalar.anchor);

  if (frame == NULL || !frame->mapping || frame->value_next)
    return push_scalar (reader) && complete_value (reader, reader->event.start_mark.line, anchor, 0);
  if (anchor != NULL) {
    /* The anchor's value keeps its type, the key becomes a string. */
    if (!push_scalar (reader))
      return FALSE;
    anchor->node = reader->writer->stack[--reader->writer->n_stack];
    anchor->complete = TRUE;
    reader->writer->untidy = TRUE;
  }
  return push_scalar_key (reader, frame);
}

static gboolean
take_event (Reader *reader)
{
  switch (reader->event.type) {
  case YAML_SCALAR_EVENT:
    return take_scalar (reader);
  case YAML_ALIAS_EVENT:
    return push_alias (reader);
  case YAML_MAPPING_START_EVENT:
    return open_container (reader, TRUE);
  case YAML_SEQUENCE_START_EVENT:
    return open_container (reader, FALSE);
  case YAML_MAPPING_END_EVENT:
  case YAML_SEQUENCE_END_EVENT:
    return close_container (reader);
  default:
    return TRUE;
  }
}

/* Documents */

/* go-yaml reads all of a document before it looks at what it says, so that errors of syntax come first. */
static void
prefer_syntax_error (Reader *reader)
{
  GError **error = reader->error;
  g_autoptr (GError) syntax = NULL;
  int depth = (int) reader->frames->len;

  if (reader->final)
    return;
  reader->error = &syntax;
  while (syntax == NULL && depth <= MAX_DEPTH && reader->event.type != YAML_DOCUMENT_END_EVENT) {
    if (reader->event.type == YAML_MAPPING_START_EVENT || reader->event.type == YAML_SEQUENCE_START_EVENT)
      depth++;
    else if (reader->event.type == YAML_MAPPING_END_EVENT || reader->event.type == YAML_SEQUENCE_END_EVENT)
      depth--;
    next_event (reader);
  }
  reader->error = error;
  if (syntax != NULL) {
    g_clear_error (error);
    g_propagate_error (error, g_steal_pointer (&syntax));
  }
}

/* After the start of a document: all of it, on the writer's stack. */
static gboolean
read_document (Reader *reader)
{
  do {
    if (!next_event (reader))
      return FALSE;
    if (!take_event (reader)) {
      prefer_syntax_error (reader);
      return FALSE;
    }
  } while (reader->event.type != YAML_DOCUMENT_END_EVENT);
  return TRUE;
}

static void
reader_reset (Reader *reader)
{
  g_hash_table_remove_all (reader->anchors);
  g_ptr_array_set_size (reader->anchor_store, 0);
  g_array_set_size (reader->frames, 0);
  reader->final = FALSE;
  if (reader->marks != NULL)
    g_array_set_size (reader->marks, 0);
}

static int
compare_duplicates (gconstpointer a, gconstpointer b)
{
  const Duplicate *left = a, *right = b;

  return (left->mark > right->mark) - (left->mark < right->mark);
}

static void
deliver_duplicates (Reader *reader, GPtrArray *result)
{
  g_array_sort (reader->duplicates, compare_duplicates);
  for (guint i = 0; i < reader->duplicates->len; i++)
    g_ptr_array_add (result, g_steal_pointer (&g_array_index (reader->duplicates, Duplicate, i).text));
  g_array_set_size (reader->duplicates, 0);
}

/* The next document; @value is NULL after the last. */
static gboolean
next_document (Reader *reader, KubeValue **value)
{
  gboolean done;

  *value = NULL;
  do {
    if (!next_event (reader))
      return FALSE;
    if (reader->event.type == YAML_STREAM_END_EVENT)
      return TRUE;
  } while (reader->event.type != YAML_DOCUMENT_START_EVENT);
  reader_reset (reader);
  reader->writer = kube_writer_acquire ();
  done = read_document (reader);
  if (done && (*value = kube_writer_finish (reader->writer)) == NULL)
    done = fail (reader, "out of memory");
  kube_writer_release (reader->writer);
  reader->writer = NULL;
  return done;
}

static void
duplicate_clear (gpointer data)
{
  g_clear_pointer (&((Duplicate *) data)->text, g_free);
}

static gboolean
reader_init (Reader *reader, const char *text, gsize size, gboolean want_duplicates, GError **error)
{
  reader->error = error;
  if (size > MAX_SIZE) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "Request entity too large: limit is %u", MAX_SIZE);
    return FALSE;
  }
  if (!yaml_parser_initialize (&reader->yaml))
    return fail (reader, "out of memory");
  yaml_parser_set_input_string (&reader->yaml, (const unsigned char *) (size > 0 ? text : ""), size);
  reader->anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  reader->anchor_store = g_ptr_array_new_with_free_func (g_free);
  reader->frames = g_array_new (FALSE, FALSE, sizeof (Frame));
  reader->budget = 10 * size + 1024 * 1024;
  if (want_duplicates) {
    reader->marks = g_array_new (FALSE, FALSE, sizeof (Mark));
    reader->duplicates = g_array_new (FALSE, FALSE, sizeof (Duplicate));
    g_array_set_clear_func (reader->duplicates, duplicate_clear);
  }
  return TRUE;
}

static void
reader_clear (Reader *reader)
{
  yaml_event_delete (&reader->event);
  yaml_parser_delete (&reader->yaml);
  g_clear_pointer (&reader->anchors, g_hash_table_unref);
  g_clear_pointer (&reader->anchor_store, g_ptr_array_unref);
  g_clear_pointer (&reader->frames, g_array_unref);
  g_clear_pointer (&reader->marks, g_array_unref);
  g_clear_pointer (&reader->duplicates, g_array_unref);
}

/**
 * kube_yaml_parse_all:
 * @text: (array length=length) (element-type guint8): YAML
 * @length: its length in bytes, or -1 where it is NUL-terminated
 * @error: return location for an error
 *
 * Parses all documents of a stream, as kubectl reads them: YAML 1.1 scalars, merge keys, anchors; keys that are not strings become
 * strings; of several members with the same key the last one wins. Documents nest at most 100 deep, aliases may expand to ten times
 * the text and 1 MiB.
 *
 * Errors: %KUBE_ERROR_BAD_REQUEST, worded as go-yaml words it ("yaml: line 3: did not find expected key");
 * %KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE over 24 MiB.
 *
 * Returns: (transfer container) (element-type KubeValue): the values of the documents; those that are empty or null are left out
 *
 * Since: 1.0
 */
GPtrArray *
kube_yaml_parse_all (const char *text, gssize length, GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
  Reader reader = { 0 };
  KubeValue *value = NULL;
  gboolean done = reader_init (&reader, text, length < 0 ? strlen (text) : (gsize) length, FALSE, error);

  while (done && (done = next_document (&reader, &value)) && value != NULL) {
    if (kube_value_is_null (value))
      kube_value_unref (value);
    else
      g_ptr_array_add (values, value);
  }
  reader_clear (&reader);
  return done ? g_steal_pointer (&values) : NULL;
}

/**
 * kube_yaml_parse_with_duplicates:
 * @text: (array length=length) (element-type guint8): YAML
 * @length: its length in bytes, or -1 where it is NUL-terminated
 * @duplicates: (element-type utf8) (nullable): where not %NULL, what go-yaml's strict mode says about duplicate keys is appended here
 *   (`line 1: key "a" already set in map`)
 * @error: return location for an error
 *
 * kube_yaml_parse() for those who must tell about duplicate keys.
 *
 * Returns: (transfer full): the first document, null where there is none
 *
 * Since: 1.0
 */
KubeValue *
kube_yaml_parse_with_duplicates (const char *text, gssize length, GPtrArray *duplicates, GError **error)
{
  Reader reader = { 0 };
  KubeValue *value = NULL;
  gboolean done = reader_init (&reader, text, length < 0 ? strlen (text) : (gsize) length, duplicates != NULL, error)
                  && next_document (&reader, &value);

  if (done && duplicates != NULL)
    deliver_duplicates (&reader, duplicates);
  reader_clear (&reader);
  return done && value == NULL ? kube_value_new_null () : value;
}

/**
 * kube_yaml_parse:
 * @text: (array length=length) (element-type guint8): YAML
 * @length: its length in bytes, or -1 where it is NUL-terminated
 * @error: return location for an error
 *
 * Parses the first document as kube_yaml_parse_all() does. What follows it is not looked at, as in upstream.
 *
 * Returns: (transfer full): the first document, null where there is none
 *
 * Since: 1.0
 */
KubeValue *
kube_yaml_parse (const char *text, gssize length, GError **error)
{
  return kube_yaml_parse_with_duplicates (text, length, NULL, error);
}
