/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-protobuf.h"

#include "kube-wire.h"

#include <kube/kube-time.h>

#include <string.h>

/* Upstream's protobuf form of a canonical value, byte for byte as its generated code writes it: fields in the order of their numbers, plain
 * fields even where they are zero, pointers, lists and maps only where they hold something. A message is written in place, and moved to make
 * room for its length once that is known. */

static void write_struct (GByteArray *out, const KubeType *type, KubeValue *value);

static gsize
begin (GByteArray *out)
{
  return out->len;
}

/* Makes what was written since @at the message @number. */
static void
end (GByteArray *out, gsize at, guint number)
{
  guint8 head[KUBE_WIRE_HEAD_SIZE];
  gsize length = out->len - at;
  guint n = kube_wire_bytes_head (head, number, length);

  g_byte_array_set_size (out, out->len + n);
  memmove (out->data + at + n, out->data + at, length);
  memcpy (out->data + at, head, n);
}

static void
write_time (GByteArray *out, KubeValue *value, gboolean micro)
{
  const char *text = kube_value_get_string (value, NULL);
  gint64 time, seconds;

  if (text == NULL || !kube_time_parse (text, &time, NULL))
    return;
  seconds = time / G_USEC_PER_SEC - (time % G_USEC_PER_SEC < 0 ? 1 : 0);
  kube_wire_put_varint (out, 1, (guint64) seconds);
  kube_wire_put_varint (out, 2, micro ? (guint64) (time - seconds * G_USEC_PER_SEC) * 1000 : 0);
}

static void
write_int_or_string (GByteArray *out, KubeValue *value)
{
  const char *text = kube_value_get_string (value, NULL);

  kube_wire_put_varint (out, 1, text != NULL);
  kube_wire_put_varint (out, 2, (guint64) kube_value_get_integer (value, NULL, 0));
  kube_wire_put_string (out, 3, text ?: "");
}

static void
write_any (GByteArray *out, KubeValue *value)
{
  gsize length;
  g_autofree char *text = NULL;

  if (value == NULL)
    return;
  text = kube_value_print (value, &length);
  kube_wire_put_bytes (out, 1, text, length);
}

/* Go's text form of a span of time, as nanoseconds. */
static gint64
parse_duration (const char *text)
{
  static const struct {
    const char *unit;
    double scale;
  } units[] = { { "ns", 1 }, { "us", 1e3 }, { "µs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 6e10 }, { "h", 3.6e12 } };
  double sum = 0, sign = 1;

  if (*text == '-' || *text == '+')
    sign = *text++ == '-' ? -1 : 1;
  while (*text != '\0') {
    char *after;
    double number = g_ascii_strtod (text, &after);
    guint best = G_N_ELEMENTS (units);

    for (guint i = 0; i < G_N_ELEMENTS (units); i++)
      if (g_str_has_prefix (after, units[i].unit) && (best == G_N_ELEMENTS (units) || strlen (units[i].unit) > strlen (units[best].unit)))
        best = i;
    if (after == text || best == G_N_ELEMENTS (units))
      break;
    sum += number * units[best].scale;
    text = after + strlen (units[best].unit);
  }
  return (gint64) (sign * sum);
}

static void
write_struct_or_other (GByteArray *out, const KubeField *field, KubeValue *value)
{
  guint schema = field->scalar == KUBE_SCALAR_STRUCT_OR_BOOLEAN ? 2 : 1;

  if (field->scalar == KUBE_SCALAR_STRUCT_OR_BOOLEAN)
    kube_wire_put_varint (out, 1, kube_value_is_object (value) || kube_value_get_boolean (value, NULL, FALSE));
  if (kube_value_is_object (value)) {
    gsize at = begin (out);

    write_struct (out, field->type, value);
    end (out, at, schema);
  }
  for (guint i = 0; kube_value_is_array (value) && i < kube_value_get_length (value); i++) {
    KubeValue *element = kube_value_get_element (value, i);
    gsize at = begin (out);

    if (field->scalar == KUBE_SCALAR_STRUCT_OR_STRINGS) {
      kube_wire_put_string (out, 2, kube_value_get_string (element, NULL) ?: "");
      continue;
    }
    write_struct (out, field->type, element);
    end (out, at, 2);
  }
}

static void
write_bytes (GByteArray *out, guint number, KubeValue *value)
{
  const char *text = kube_value_get_string (value, NULL);
  gsize length = 0;
  g_autofree guchar *bytes = text != NULL && text[0] != '\0' ? g_base64_decode (text, &length) : NULL;

  kube_wire_put_bytes (out, number, bytes, length);
}

/* A message of a scalar that upstream wraps in one, or of a struct. */
static void
write_inner_message (GByteArray *out, const KubeField *field, KubeValue *value)
{
  switch ((KubeScalar) field->scalar) {
  case KUBE_SCALAR_TIME:
  case KUBE_SCALAR_MICRO_TIME:
    write_time (out, value, field->scalar == KUBE_SCALAR_MICRO_TIME);
    return;
  case KUBE_SCALAR_DURATION:
    kube_wire_put_varint (out, 1, (guint64) parse_duration (kube_value_get_string (value, NULL) ?: ""));
    return;
  case KUBE_SCALAR_QUANTITY:
    kube_wire_put_string (out, 1, kube_value_get_string (value, NULL) ?: "0");
    return;
  case KUBE_SCALAR_INT_OR_STRING:
    write_int_or_string (out, value);
    return;
  case KUBE_SCALAR_ANY:
    write_any (out, kube_value_is_null (value) ? NULL : value);
    return;
  case KUBE_SCALAR_STRUCT:
    write_struct (out, field->type, value);
    return;
  default:
    write_struct_or_other (out, field, value);
  }
}

/* @value: (nullable): NULL is the zero value. */
static void
write_one (GByteArray *out, const KubeField *field, guint number, KubeValue *value)
{
  gsize at;

  switch ((KubeScalar) field->scalar) {
  case KUBE_SCALAR_STRING:
    kube_wire_put_string (out, number, kube_value_get_string (value, NULL) ?: "");
    return;
  case KUBE_SCALAR_BOOLEAN:
    kube_wire_put_varint (out, number, kube_value_get_boolean (value, NULL, FALSE));
    return;
  case KUBE_SCALAR_INT32:
  case KUBE_SCALAR_INT64:
    kube_wire_put_varint (out, number, (guint64) kube_value_get_integer (value, NULL, 0));
    return;
  case KUBE_SCALAR_DOUBLE:
    kube_wire_put_double (out, number, kube_value_get_double (value, NULL, 0));
    return;
  case KUBE_SCALAR_BYTES:
    write_bytes (out, number, value);
    return;
  default:
    at = begin (out);
    write_inner_message (out, field, value);
    end (out, at, number);
  }
}

static void
write_items (GByteArray *out, const KubeField *field, guint number, KubeValue *list)
{
  gsize at = begin (out);

  for (guint i = 0; i < kube_value_get_length (list); i++)
    write_one (out, field, 1, kube_value_get_element (list, i));
  end (out, at, number);
}

static void
write_map (GByteArray *out, const KubeField *field, KubeValue *map)
{
  for (guint i = 0; i < kube_value_get_length (map); i++) {
    gsize at = begin (out);

    kube_wire_put_string (out, 1, kube_value_get_key (map, i));
    if (field->shape == KUBE_SHAPE_MAP_OF_LIST)
      write_items (out, field, 2, kube_value_get_element (map, i));
    else
      write_one (out, field, 2, kube_value_get_element (map, i));
    end (out, at, field->number);
  }
}

static void
write_field (GByteArray *out, const KubeField *field, KubeValue *value)
{
  guint n = kube_value_get_length (value);

  if (field->shape == KUBE_SHAPE_MAP || field->shape == KUBE_SHAPE_MAP_OF_LIST) {
    write_map (out, field, value);
  } else if (kube_protobuf_is_wrapped (field)) {
    write_items (out, field, field->number, value);
  } else if (field->shape == KUBE_SHAPE_LIST || field->shape == KUBE_SHAPE_LIST_OF_LIST) {
    for (guint i = 0; i < n; i++)
      if (field->shape == KUBE_SHAPE_LIST)
        write_one (out, field, field->number, kube_value_get_element (value, i));
      else
        write_items (out, field, field->number, kube_value_get_element (value, i));
  } else if (value != NULL || !((field->flags & KUBE_FIELD_POINTER) || field->scalar == KUBE_SCALAR_BYTES)) {
    write_one (out, field, field->number, value);
  }
}

/* How many of its first embedded messages two fields share. */
static guint
shared_depth (const guint8 *a, const guint8 *b)
{
  guint depth = 0;

  while (a != NULL && b != NULL && a[depth] != 0 && a[depth] == b[depth])
    depth++;
  return depth;
}

static void
write_struct (GByteArray *out, const KubeType *type, KubeValue *value)
{
  gsize open[8];
  const guint8 *within = NULL;
  guint depth = 0;

  for (guint i = 0; i <= type->n_wire; i++) {
    const KubeField *field = i < type->n_wire ? &type->fields[type->wire[i]] : NULL;
    const guint8 *numbers = field != NULL ? field->embedded_numbers : NULL;
    guint shared = shared_depth (within, numbers);
    KubeValue *member;

    for (; depth > shared; depth--)
      end (out, open[depth - 1], within[depth - 1]);
    if (field == NULL)
      return;
    for (within = numbers; numbers != NULL && numbers[depth] != 0 && depth < G_N_ELEMENTS (open); depth++)
      open[depth] = begin (out);
    member = kube_value_get_member (value, field->name);
    write_field (out, field, kube_value_is_null (member) ? NULL : member);
  }
}

/**
 * kube_protobuf_encode:
 * @type: a type
 * @value: (nullable): a canonical value of @type
 * @out: where the message is appended
 *
 * Writes a value in upstream's protobuf form.
 */
void
kube_protobuf_encode (const KubeType *type, KubeValue *value, GByteArray *out)
{
  write_struct (out, type, value);
}

/**
 * kube_protobuf_encode_object:
 * @type: the object's type
 * @api_version: its group and version
 * @kind: its kind
 * @value: the canonical object
 * @rest: (nullable): more fields of its message: a list's items
 * @rest_length: their length
 *
 * Writes an object as a body of application/vnd.kubernetes.protobuf.
 *
 * Returns: (transfer full): the body
 */
GBytes *
kube_protobuf_encode_object (const KubeType *type, const char *api_version, const char *kind, KubeValue *value, const void *rest, gsize rest_length)
{
  GByteArray *out = g_byte_array_new ();
  gsize at;

  g_byte_array_append (out, (const guint8 *) "k8s", 4);
  at = begin (out);
  kube_wire_put_string (out, 1, api_version);
  kube_wire_put_string (out, 2, kind);
  end (out, at, 1);
  at = begin (out);
  write_struct (out, type, value);
  g_byte_array_append (out, rest, (guint) rest_length);
  end (out, at, 2);
  kube_wire_put_string (out, 3, "");
  kube_wire_put_string (out, 4, "");
  return g_byte_array_free_to_bytes (out);
}
