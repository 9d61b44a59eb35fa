/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-yaml.h>

#include <math.h>
#include <yaml.h>

#include "kube-value-private.h"
#include "kube-yaml-scalar-private.h"

/* The order of go-yaml, in which a2 stands before a10: numbers in keys count as numbers, and letters come after all else. */

static gint64
take_digits (const char **p, const char *end, gint64 value, guint *n)
{
  guint64 number = value;

  for (*n = 0; *p < end && g_unichar_isdigit (g_utf8_get_char (*p)); (*n)++) {
    number = 10 * number + (g_utf8_get_char (*p) - '0');
    *p = g_utf8_next_char (*p);
  }
  return number;
}

static gboolean
follows_nonzero_digit (const char *begin, const char *p)
{
  while (p > begin) {
    gunichar c;

    p = g_utf8_prev_char (p);
    c = g_utf8_get_char (p);
    if (!g_unichar_isdigit (c))
      return FALSE;
    if (c != '0')
      return TRUE;
  }
  return FALSE;
}

static int
compare_difference (const char *a_begin, const char *a, const char *a_end, const char *b, const char *b_end)
{
  gunichar left = g_utf8_get_char (a), right = g_utf8_get_char (b);
  gint64 start = (left == '0' || right == '0') && follows_nonzero_digit (a_begin, a);
  gint64 a_number, b_number;
  guint a_digits, b_digits;

  if (g_unichar_isalpha (left) && g_unichar_isalpha (right))
    return left < right ? -1 : 1;
  if (g_unichar_isalpha (left) || g_unichar_isalpha (right))
    return g_unichar_isalpha (right) ? -1 : 1;
  a_number = take_digits (&a, a_end, start, &a_digits);
  b_number = take_digits (&b, b_end, start, &b_digits);
  if (a_number != b_number)
    return a_number < b_number ? -1 : 1;
  if (a_digits != b_digits)
    return a_digits < b_digits ? -1 : 1;
  return left < right ? -1 : 1;
}

static int
compare_keys (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const KubeValue *members = user_data;
  const KubeValue *left = &members[2 * *(const guint *) a], *right = &members[2 * *(const guint *) b];
  const char *begin = value_text (left), *p = begin, *q = value_text (right);
  const char *p_end = p + left->length, *q_end = q + right->length;

  while (p < p_end && q < q_end) {
    if (g_utf8_get_char (p) != g_utf8_get_char (q))
      return compare_difference (begin, p, p_end, q, q_end);
    p = g_utf8_next_char (p);
    q = g_utf8_next_char (q);
  }
  return (p < p_end) - (q < q_end);
}

/* Events */

typedef struct {
  const KubeValue *container;
  guint next;
  guint order; /* where its order begins in the printer's orders */
} PrintFrame;

typedef struct {
  yaml_emitter_t yaml;
  GString *out;
  GArray *frames; /* (element-type PrintFrame) */
  GArray *orders; /* (element-type guint) */
} Printer;

static int
on_write (void *data, unsigned char *buffer, size_t size)
{
  g_string_append_len (data, (const char *) buffer, size);
  return 1;
}

/* The events are well-formed, so only memory can fail, and that aborts as in g_malloc(). */
static void
emit (Printer *printer, yaml_event_t *event, int initialized)
{
  if (!initialized || !yaml_emitter_emit (&printer->yaml, event))
    g_error ("A YAML document cannot be written: %s", printer->yaml.problem != NULL ? printer->yaml.problem : "out of memory");
}

static void
emit_scalar (Printer *printer, const char *text, gsize length, yaml_scalar_style_t style)
{
  yaml_event_t event;

  emit (printer, &event, yaml_scalar_event_initialize (&event, NULL, NULL, (const yaml_char_t *) text, length, 1, 1, style));
}

/* YAML's line breaks that are not JSON's: libyaml's quoted and literal styles do not bring them back. */
static gboolean
has_odd_breaks (const char *text, gsize length)
{
  return memmem (text, length, "\302\205", 2) != NULL || memmem (text, length, "\342\200\250", 3) != NULL
         || memmem (text, length, "\342\200\251", 3) != NULL;
}

static void
emit_string (Printer *printer, const char *text, gsize length)
{
  KubeYamlScalar scalar;

  kube_yaml_resolve (text, length, &scalar);
  if (has_odd_breaks (text, length))
    emit_scalar (printer, text, length, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
  else if (memchr (text, '\n', length) != NULL)
    emit_scalar (printer, text, length, YAML_LITERAL_SCALAR_STYLE);
  else if (scalar.type == KUBE_YAML_STRING && !kube_yaml_is_base60 (text, length))
    emit_scalar (printer, text, length, YAML_PLAIN_SCALAR_STYLE);
  else
    emit_scalar (printer, text, length, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* A plain `<<` would merge. */
static void
emit_key (Printer *printer, const char *text, gsize length)
{
  if (length == 2 && memcmp (text, "<<", 2) == 0)
    emit_scalar (printer, text, length, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
  else
    emit_string (printer, text, length);
}

static void
emit_leaf (Printer *printer, const KubeValue *value)
{
  char text[KUBE_YAML_FLOAT_SIZE] = "null";
  double number;

  switch (value_type (value)) {
  case KUBE_VALUE_STRING:
    emit_string (printer, value_text (value), value->length);
    return;
  case KUBE_VALUE_BOOLEAN:
    g_strlcpy (text, value->integer != 0 ? "true" : "false", sizeof text);
    break;
  case KUBE_VALUE_INTEGER:
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value->integer);
    break;
  case KUBE_VALUE_UNSIGNED:
    g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, value->natural);
    break;
  case KUBE_VALUE_NUMBER:
    number = g_ascii_strtod (value_text (value), NULL);
    if (!isfinite (number)) {
      emit_string (printer, value_text (value), value->length);
      return;
    }
    kube_yaml_format_float (number, 64, text);
    break;
  default:
    break;
  }
  emit_scalar (printer, text, strlen (text), YAML_PLAIN_SCALAR_STYLE);
}

static void
open_container (Printer *printer, const KubeValue *container)
{
  PrintFrame frame = { container, 0, printer->orders->len };
  yaml_event_t event;

  if (value_type (container) == KUBE_VALUE_OBJECT) {
    for (guint i = 0; i < container->length; i++)
      g_array_append_val (printer->orders, i);
    if (container->length > 1)
      g_qsort_with_data (&g_array_index (printer->orders, guint, frame.order), container->length, sizeof (guint), compare_keys,
                         value_children (container));
    emit (printer, &event, yaml_mapping_start_event_initialize (&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
  } else {
    emit (printer, &event, yaml_sequence_start_event_initialize (&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
  }
  g_array_append_val (printer->frames, frame);
}

static void
close_container (Printer *printer, const PrintFrame *frame)
{
  yaml_event_t event;

  if (value_type (frame->container) == KUBE_VALUE_OBJECT)
    emit (printer, &event, yaml_mapping_end_event_initialize (&event));
  else
    emit (printer, &event, yaml_sequence_end_event_initialize (&event));
  g_array_set_size (printer->orders, frame->order);
  g_array_set_size (printer->frames, printer->frames->len - 1);
}

static void
print_node (Printer *printer, const KubeValue *value)
{
  if (value_is_container (value))
    open_container (printer, value);
  else
    emit_leaf (printer, value);
}

static void
print_value (Printer *printer, const KubeValue *value)
{
  print_node (printer, value);
  while (printer->frames->len > 0) {
    PrintFrame *frame = &g_array_index (printer->frames, PrintFrame, printer->frames->len - 1);
    const KubeValue *child = value_children (frame->container);

    if (frame->next == frame->container->length) {
      close_container (printer, frame);
      continue;
    }
    if (value_type (frame->container) == KUBE_VALUE_OBJECT) {
      child += 2 * g_array_index (printer->orders, guint, frame->order + frame->next);
      emit_key (printer, value_text (child), child->length);
      child++;
    } else {
      child += frame->next;
    }
    frame->next++;
    print_node (printer, child);
  }
}

/**
 * kube_yaml_print:
 * @value: a value
 *
 * Block style, keys sorted, strings quoted only where they would read as something else: what `kubectl get -o yaml` prints.
 *
 * Returns: (transfer full): the text, which ends with a newline
 *
 * Since: 1.0
 */
char *
kube_yaml_print (KubeValue *value)
{
  Printer printer = { .out = g_string_new (NULL) };
  yaml_event_t event;

  g_return_val_if_fail (value != NULL, NULL);

  printer.frames = g_array_new (FALSE, FALSE, sizeof (PrintFrame));
  printer.orders = g_array_new (FALSE, FALSE, sizeof (guint));
  if (!yaml_emitter_initialize (&printer.yaml))
    g_error ("A YAML document cannot be written: out of memory");
  yaml_emitter_set_output (&printer.yaml, on_write, printer.out);
  yaml_emitter_set_unicode (&printer.yaml, 1);
  emit (&printer, &event, yaml_stream_start_event_initialize (&event, YAML_UTF8_ENCODING));
  emit (&printer, &event, yaml_document_start_event_initialize (&event, NULL, NULL, NULL, 1));
  print_value (&printer, value);
  /* Otherwise a text that keeps its last newlines makes libyaml write the end of the document, which go-yaml does not. */
  printer.yaml.open_ended = 0;
  emit (&printer, &event, yaml_document_end_event_initialize (&event, 1));
  printer.yaml.open_ended = 0;
  emit (&printer, &event, yaml_stream_end_event_initialize (&event));
  yaml_emitter_delete (&printer.yaml);
  g_array_unref (printer.frames);
  g_array_unref (printer.orders);
  return g_string_free (printer.out, FALSE);
}
