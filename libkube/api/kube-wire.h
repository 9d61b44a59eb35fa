/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Protobuf's wire format: fields of a message, one after another. */

typedef enum {
  KUBE_WIRE_VARINT = 0,
  KUBE_WIRE_FIXED64 = 1,
  KUBE_WIRE_BYTES = 2,
  KUBE_WIRE_FIXED32 = 5,
} KubeWireType;

#define KUBE_WIRE_HEAD_SIZE 20

/* What is left to read of a message. */
typedef struct {
  const guint8 *data;
  gsize length;
} KubeWire;

/* One field that was read. */
typedef struct {
  guint number;
  KubeWireType type;
  guint64 integer; /* of VARINT, FIXED32 and FIXED64 */
  KubeWire bytes;  /* of BYTES */
} KubeWireField;

/* FALSE at the end, and where the message is broken: then @broken is set. */
gboolean kube_wire_next (KubeWire *wire, KubeWireField *field, gboolean *broken);
/* One value of the type that @field says, without its number: an element of a packed list. */
gboolean kube_wire_read (KubeWire *wire, KubeWireField *field);

/* What stands before the bytes of a field: its number and their length. */
guint kube_wire_bytes_head (guint8 out[KUBE_WIRE_HEAD_SIZE], guint number, gsize length);
void kube_wire_put_varint (GByteArray *out, guint number, guint64 integer);
void kube_wire_put_double (GByteArray *out, guint number, double value);
void kube_wire_put_bytes (GByteArray *out, guint number, const void *data, gsize length);
void kube_wire_put_string (GByteArray *out, guint number, const char *text);

G_END_DECLS
