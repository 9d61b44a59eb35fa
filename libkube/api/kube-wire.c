/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-wire.h"

#include <string.h>

static gboolean
read_varint (KubeWire *wire, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 64 && wire->length > 0; shift += 7) {
    guint8 byte = *wire->data++;

    wire->length--;
    *value |= (guint64)(byte & 0x7f) << shift;
    if (byte < 0x80)
      return TRUE;
  }
  return FALSE;
}

static gboolean
read_fixed (KubeWire *wire, gsize size, guint64 *value)
{
  if (wire->length < size)
    return FALSE;
  *value = 0;
  for (gsize i = 0; i < size; i++)
    *value |= (guint64)wire->data[i] << (8 * i);
  wire->data += size;
  wire->length -= size;
  return TRUE;
}

gboolean
kube_wire_read (KubeWire *wire, KubeWireField *field)
{
  switch (field->type) {
  case KUBE_WIRE_VARINT:
    return read_varint (wire, &field->integer);
  case KUBE_WIRE_FIXED64:
    return read_fixed (wire, 8, &field->integer);
  case KUBE_WIRE_FIXED32:
    return read_fixed (wire, 4, &field->integer);
  case KUBE_WIRE_BYTES:
    if (!read_varint (wire, &field->integer) || field->integer > wire->length)
      return FALSE;
    field->bytes = (KubeWire){ wire->data, field->integer };
    wire->data += field->integer;
    wire->length -= field->integer;
    return TRUE;
  }
  return FALSE;
}

gboolean
kube_wire_next (KubeWire *wire, KubeWireField *field, gboolean *broken)
{
  guint64 tag;

  *field = (KubeWireField){ 0 };
  if (wire->length == 0)
    return FALSE;
  if (read_varint (wire, &tag) && tag >> 3 != 0 && tag >> 3 < (1 << 29)) {
    field->number = tag >> 3;
    field->type = (KubeWireType)(tag & 7);
    if (kube_wire_read (wire, field))
      return TRUE;
  }
  *broken = TRUE;
  return FALSE;
}

static guint
write_varint (guint8 *bytes, guint64 integer)
{
  guint n = 0;

  do {
    bytes[n++] = (integer & 0x7f) | (integer > 0x7f ? 0x80 : 0);
    integer >>= 7;
  } while (integer != 0);
  return n;
}

static void
put_raw_varint (GByteArray *out, guint64 integer)
{
  guint8 bytes[10];

  g_byte_array_append (out, bytes, write_varint (bytes, integer));
}

guint
kube_wire_bytes_head (guint8 out[KUBE_WIRE_HEAD_SIZE], guint number, gsize length)
{
  guint n = write_varint (out, (guint64) number << 3 | KUBE_WIRE_BYTES);

  return n + write_varint (out + n, length);
}

void
kube_wire_put_varint (GByteArray *out, guint number, guint64 integer)
{
  put_raw_varint (out, (guint64)number << 3 | KUBE_WIRE_VARINT);
  put_raw_varint (out, integer);
}

void
kube_wire_put_double (GByteArray *out, guint number, double value)
{
  guint64 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT64_TO_LE (bits);
  put_raw_varint (out, (guint64)number << 3 | KUBE_WIRE_FIXED64);
  g_byte_array_append (out, (const guint8 *)&bits, sizeof bits);
}

void
kube_wire_put_bytes (GByteArray *out, guint number, const void *data, gsize length)
{
  guint8 head[KUBE_WIRE_HEAD_SIZE];

  g_byte_array_append (out, head, kube_wire_bytes_head (head, number, length));
  if (length > 0)
    g_byte_array_append (out, data, length);
}

void
kube_wire_put_string (GByteArray *out, guint number, const char *text)
{
  kube_wire_put_bytes (out, number, text, strlen (text));
}
