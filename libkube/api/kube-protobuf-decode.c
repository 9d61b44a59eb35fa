/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-protobuf.h"

#include "kube-wire.h"

#include <kube/kube-time.h>

#include <string.h>

/* Upstream's protobuf form of an object, read into what its JSON form would be: a value that still has to be decoded as one (kube_decode_object()),
 * which drops zero values and fills in what is always there. Messages of numbers that the tables do not have are left out. */

#define MAX_DEPTH 200

typedef struct {
  gboolean broken;
  guint depth;
} Reader;

static void read_struct (Reader *self, const KubeType *type, const guint8 *prefix, guint n_prefix, KubeWire wire, KubeNode *object);

static const char magic[4] = { 'k', '8', 's', '\0' };

static char *
wire_text (KubeWire bytes)
{
  return bytes.length > 0 ? g_utf8_make_valid ((const char *) bytes.data, bytes.length) : g_strdup ("");
}

/* The one field of a number in a message that wraps a value; FALSE: it is absent. */
static gboolean
unwrap (Reader *self, KubeWire wire, guint number, KubeWireField *found)
{
  KubeWireField field;
  gboolean any = FALSE;

  while (kube_wire_next (&wire, &field, &self->broken))
    if (field.number == number) {
      *found = field;
      any = TRUE;
    }
  return any;
}

static KubeValue *
read_time (Reader *self, KubeWire wire, gboolean micro)
{
  KubeWireField seconds = { 0 }, nanos = { 0 };
  char text[KUBE_TIME_STRING_SIZE];
  gint64 time;

  if (wire.length == 0)
    return kube_value_new_null ();
  unwrap (self, wire, 1, &seconds);
  unwrap (self, wire, 2, &nanos);
  time = CLAMP ((gint64) seconds.integer, -G_GINT64_CONSTANT (62135596800), G_GINT64_CONSTANT (253402300799)) * G_USEC_PER_SEC;
  if (micro)
    time += CLAMP ((gint64) nanos.integer, 0, 999999999) / 1000;
  return kube_value_new_string (micro ? kube_time_format_micro (time, text) : kube_time_format (time, text));
}

static KubeValue *
read_int_or_string (Reader *self, KubeWire wire)
{
  KubeWireField type = { 0 }, integer = { 0 }, string = { 0 };
  g_autofree char *text = NULL;

  unwrap (self, wire, 1, &type);
  unwrap (self, wire, 2, &integer);
  if (type.integer == 0)
    return kube_value_new_integer ((gint32) integer.integer);
  unwrap (self, wire, 3, &string);
  text = wire_text (string.bytes);
  return kube_value_new_string (text);
}

static KubeValue *
read_any (Reader *self, KubeWire wire)
{
  KubeWireField raw = { 0 };
  KubeValue *value;

  if (!unwrap (self, wire, 1, &raw) || raw.bytes.length == 0)
    return kube_value_new_null ();
  value = kube_value_parse ((const char *) raw.bytes.data, raw.bytes.length, NULL);
  if (value == NULL)
    self->broken = TRUE;
  return value != NULL ? value : kube_value_new_null ();
}

static KubeValue *
read_nanoseconds (Reader *self, KubeWire wire)
{
  KubeWireField duration = { 0 };
  g_autofree char *text = NULL;

  unwrap (self, wire, 1, &duration);
  text = g_strdup_printf ("%" G_GINT64_FORMAT "ns", (gint64) duration.integer);
  return kube_value_new_string (text);
}

static KubeValue *
read_double (guint64 bits)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double number;

  memcpy (&number, &bits, sizeof number);
  return kube_value_parse (g_ascii_dtostr (text, sizeof text, number), -1, NULL);
}

/* The wire type that a scalar has. */
static KubeWireType
scalar_wire_type (KubeScalar scalar)
{
  if (scalar == KUBE_SCALAR_DOUBLE)
    return KUBE_WIRE_FIXED64;
  return scalar >= KUBE_SCALAR_BOOLEAN && scalar <= KUBE_SCALAR_INT64 ? KUBE_WIRE_VARINT : KUBE_WIRE_BYTES;
}

static KubeValue *
read_scalar (Reader *self, KubeScalar scalar, const KubeWireField *field)
{
  g_autofree char *text = NULL;
  KubeWireField inner = { 0 };

  if (field->type != scalar_wire_type (scalar)) {
    self->broken = TRUE;
    return NULL;
  }
  switch (scalar) {
  case KUBE_SCALAR_STRING:
    text = wire_text (field->bytes);
    return kube_value_new_string (text);
  case KUBE_SCALAR_BOOLEAN:
    return kube_value_new_boolean (field->integer != 0);
  case KUBE_SCALAR_INT32:
    return kube_value_new_integer ((gint32) field->integer);
  case KUBE_SCALAR_INT64:
    return kube_value_new_integer ((gint64) field->integer);
  case KUBE_SCALAR_DOUBLE:
    return read_double (field->integer);
  case KUBE_SCALAR_BYTES:
    text = g_base64_encode (field->bytes.data, field->bytes.length);
    return kube_value_new_string (text);
  case KUBE_SCALAR_TIME:
  case KUBE_SCALAR_MICRO_TIME:
    return read_time (self, field->bytes, scalar == KUBE_SCALAR_MICRO_TIME);
  case KUBE_SCALAR_DURATION:
    return read_nanoseconds (self, field->bytes);
  case KUBE_SCALAR_QUANTITY:
    unwrap (self, field->bytes, 1, &inner);
    text = wire_text (inner.bytes);
    return kube_value_new_string (text[0] != '\0' ? text : "0");
  case KUBE_SCALAR_INT_OR_STRING:
    return read_int_or_string (self, field->bytes);
  case KUBE_SCALAR_ANY:
    return read_any (self, field->bytes);
  default:
    return NULL;
  }
}

/* A message that holds a schema or something else in its place. */
static void
read_struct_or_other (Reader *self, const KubeField *field, KubeWire wire, KubeNode *node)
{
  guint schema = field->scalar == KUBE_SCALAR_STRUCT_OR_BOOLEAN ? 2 : 1;
  KubeWireField one;
  gboolean allows = FALSE;

  while (kube_wire_next (&wire, &one, &self->broken)) {
    if (one.number == schema && one.type == KUBE_WIRE_BYTES) {
      read_struct (self, field->type, NULL, 0, one.bytes, kube_node_ensure_object (node, NULL));
    } else if (one.number == 3 - schema && one.type == KUBE_WIRE_BYTES) {
      kube_node_ensure_array (node, NULL);
      if (field->scalar == KUBE_SCALAR_STRUCT_OR_LIST) {
        read_struct (self, field->type, NULL, 0, one.bytes, kube_node_append_object (node));
      } else {
        g_autofree char *text = wire_text (one.bytes);

        kube_node_append_string (node, text);
      }
    } else if (one.number == 1 && one.type == KUBE_WIRE_VARINT) {
      allows = one.integer != 0;
    }
  }
  if (field->scalar == KUBE_SCALAR_STRUCT_OR_BOOLEAN && kube_node_get_value_type (node) != KUBE_VALUE_OBJECT) {
    g_autoptr (KubeValue) boolean = kube_value_new_boolean (allows);

    kube_node_become_value (node, boolean);
  }
}

/* One value of a field into the node that stands for it. */
static void
read_one (Reader *self, const KubeField *field, const KubeWireField *wire, KubeNode *node)
{
  g_autoptr (KubeValue) value = NULL;

  if (field->scalar >= KUBE_SCALAR_STRUCT && wire->type != KUBE_WIRE_BYTES) {
    self->broken = TRUE;
    return;
  }
  if (field->scalar == KUBE_SCALAR_STRUCT) {
    read_struct (self, field->type, NULL, 0, wire->bytes, kube_node_ensure_object (node, NULL));
    return;
  }
  if (field->scalar > KUBE_SCALAR_STRUCT) {
    read_struct_or_other (self, field, wire->bytes, node);
    return;
  }
  value = read_scalar (self, field->scalar, wire);
  if (value != NULL)
    kube_node_become_value (node, value);
}

static KubeNode *
append_null (KubeNode *array)
{
  g_autoptr (KubeValue) null = kube_value_new_null ();

  return kube_node_append_value (array, null);
}

static void
read_element (Reader *self, const KubeField *field, const KubeWireField *wire, KubeNode *array)
{
  KubeWireType wanted = scalar_wire_type (field->scalar);
  KubeWire packed = wire->bytes;

  if (wire->type == wanted || field->scalar >= KUBE_SCALAR_STRUCT) {
    read_one (self, field, wire, append_null (array));
    return;
  }
  while (wire->type == KUBE_WIRE_BYTES && packed.length > 0 && !self->broken) {
    KubeWireField one = { .type = wanted };

    if (!kube_wire_read (&packed, &one))
      self->broken = TRUE;
    else
      read_one (self, field, &one, append_null (array));
  }
}

/* A list as the value of a map or the element of a list: a message with the elements as its field 1. */
static void
read_items (Reader *self, const KubeField *field, KubeWire wire, KubeNode *array)
{
  KubeWireField item;

  while (kube_wire_next (&wire, &item, &self->broken))
    if (item.number == 1)
      read_element (self, field, &item, array);
}

static void
read_entry (Reader *self, const KubeField *field, KubeWire wire, KubeNode *map)
{
  g_autoptr (KubeValue) null = kube_value_new_null ();
  g_autofree char *key = NULL;
  KubeWireField name = { 0 }, value = { .type = scalar_wire_type (field->scalar) };
  KubeNode *node;

  unwrap (self, wire, 1, &name);
  unwrap (self, wire, 2, &value);
  key = wire_text (name.bytes);
  kube_node_put_value (map, key, null);
  node = kube_node_get_member (map, key);
  if (field->shape == KUBE_SHAPE_MAP_OF_LIST)
    read_items (self, field, value.bytes, kube_node_ensure_array (node, NULL));
  else
    read_one (self, field, &value, node);
}

static void
read_field (Reader *self, const KubeField *field, const KubeWireField *wire, KubeNode *object)
{
  if (field->shape != KUBE_SHAPE_ONE && (field->shape != KUBE_SHAPE_LIST || kube_protobuf_is_wrapped (field)) && wire->type != KUBE_WIRE_BYTES) {
    self->broken = TRUE;
    return;
  }
  switch ((KubeShape) field->shape) {
  case KUBE_SHAPE_ONE:
    if (kube_node_get_member (object, field->name) == NULL) {
      g_autoptr (KubeValue) null = kube_value_new_null ();

      kube_node_put_value (object, field->name, null);
    }
    read_one (self, field, wire, kube_node_get_member (object, field->name));
    return;
  case KUBE_SHAPE_LIST:
    if (kube_protobuf_is_wrapped (field))
      read_items (self, field, wire->bytes, kube_node_ensure_array (object, field->name));
    else
      read_element (self, field, wire, kube_node_ensure_array (object, field->name));
    return;
  case KUBE_SHAPE_LIST_OF_LIST:
    read_items (self, field, wire->bytes, kube_node_ensure_array (append_null (kube_node_ensure_array (object, field->name)), NULL));
    return;
  case KUBE_SHAPE_MAP:
  case KUBE_SHAPE_MAP_OF_LIST:
    read_entry (self, field, wire->bytes, kube_node_ensure_object (object, field->name));
    return;
  }
}

static gboolean
is_within (const KubeField *field, const guint8 *prefix, guint n_prefix)
{
  for (guint i = 0; i < n_prefix; i++)
    if (field->embedded_numbers == NULL || field->embedded_numbers[i] != prefix[i])
      return FALSE;
  return TRUE;
}

/* @prefix: the numbers of the embedded messages that @wire is in; their fields are @object's. */
static void
read_message_field (Reader *self, const KubeType *type, const guint8 *prefix, guint n_prefix, const KubeWireField *wire, KubeNode *object)
{
  for (guint i = 0; i < type->n_fields; i++) {
    const KubeField *field = &type->fields[i];
    guint8 next;

    if (field->number == 0 || !is_within (field, prefix, n_prefix))
      continue;
    next = field->embedded_numbers != NULL ? field->embedded_numbers[n_prefix] : 0;
    if (next == 0 && field->number == wire->number) {
      read_field (self, field, wire, object);
      return;
    }
    if (next != 0 && next == wire->number && wire->type == KUBE_WIRE_BYTES) {
      read_struct (self, type, field->embedded_numbers, n_prefix + 1, wire->bytes, object);
      return;
    }
  }
}

static void
read_struct (Reader *self, const KubeType *type, const guint8 *prefix, guint n_prefix, KubeWire wire, KubeNode *object)
{
  KubeWireField field;

  if (++self->depth > MAX_DEPTH)
    self->broken = TRUE;
  while (!self->broken && kube_wire_next (&wire, &field, &self->broken))
    read_message_field (self, type, prefix, n_prefix, &field, object);
  self->depth--;
}

/**
 * kube_protobuf_open:
 * @data: (array length=length): a body of application/vnd.kubernetes.protobuf
 * @length: its length
 * @api_version: (out) (transfer full): what it says of its group and version
 * @kind: (out) (transfer full): what it says of its kind
 * @raw: (out) (transfer none): the object's message, in @data
 * @raw_length: (out): its length
 * @error: return location for an error
 *
 * Opens the envelope of an object. %KUBE_ERROR_BAD_REQUEST, worded as upstream's.
 *
 * Returns: %TRUE on success
 */
gboolean
kube_protobuf_open (const guint8 *data, gsize length, char **api_version, char **kind, const guint8 **raw, gsize *raw_length, GError **error)
{
  KubeWire wire = { data + sizeof magic, length - sizeof magic };
  KubeWireField meta = { 0 }, body = { 0 }, field = { 0 };
  Reader self = { 0 };
  char *names[2];

  if (length < sizeof magic || memcmp (data, magic, sizeof magic) != 0) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                         "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
    return FALSE;
  }
  unwrap (&self, wire, 1, &meta);
  unwrap (&self, wire, 2, &body);
  if (self.broken) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "unexpected EOF");
    return FALSE;
  }
  for (guint i = 0; i < 2; i++) {
    field = (KubeWireField){ 0 };
    unwrap (&self, meta.bytes, i + 1, &field);
    names[i] = wire_text (field.bytes);
  }
  *api_version = names[0];
  *kind = names[1];
  *raw = body.bytes.data;
  *raw_length = body.bytes.length;
  return TRUE;
}

/**
 * kube_protobuf_decode:
 * @type: a type
 * @data: (array length=length): a message of @type
 * @length: its length
 * @error: return location for an error
 *
 * Reads a message into the value that its JSON form would be, to be decoded as such. %KUBE_ERROR_BAD_REQUEST where it is broken.
 *
 * Returns: (transfer full): the value
 */
KubeValue *
kube_protobuf_decode (const KubeType *type, const guint8 *data, gsize length, GError **error)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  Reader self = { 0 };

  read_struct (&self, type, NULL, 0, (KubeWire){ data, length }, kube_builder_get_root (builder));
  if (self.broken) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the protobuf message of a %s is broken", type->name);
    return NULL;
  }
  return kube_builder_end (builder);
}
