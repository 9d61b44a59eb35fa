/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* One write as engines keep it in files: previous (8), flags (1), 0 (1), length of the key (2), the key and a NUL, the value. Its
 * revision stands outside, for it is what a record is found by. All numbers are little endian. */
typedef struct {
  guint64 revision;
  guint64 previous; /* revision of the write before it to this key; 0: none */
  gboolean removed;
  gboolean has_value; /* a removal without one has the value of the write before it */
  const char *key;
  const guint8 *value;
  gsize length;
} KubeStoreRecord;

gsize kube_store_record_get_size (const KubeStoreRecord *record);
/* @out: as many bytes as kube_store_record_get_size() says. */
void kube_store_record_print (const KubeStoreRecord *record, guint8 *out);
/* FALSE: damaged. What it finds is borrowed from @data. */
gboolean kube_store_record_parse (KubeStoreRecord *record, guint64 revision, const guint8 *data, gsize length);

static inline guint64
kube_store_read_u64 (const guint8 *data)
{
  guint64 number;

  memcpy (&number, data, sizeof number);
  return GUINT64_FROM_LE (number);
}

static inline void
kube_store_write_u64 (guint8 *data, guint64 number)
{
  number = GUINT64_TO_LE (number);
  memcpy (data, &number, sizeof number);
}

static inline guint32
kube_store_read_u32 (const guint8 *data)
{
  guint32 number;

  memcpy (&number, data, sizeof number);
  return GUINT32_FROM_LE (number);
}

static inline void
kube_store_write_u32 (guint8 *data, guint32 number)
{
  number = GUINT32_TO_LE (number);
  memcpy (data, &number, sizeof number);
}

static inline guint16
kube_store_read_u16 (const guint8 *data)
{
  return (guint16) (data[0] | data[1] << 8);
}

static inline void
kube_store_write_u16 (guint8 *data, guint16 number)
{
  data[0] = number & 0xff;
  data[1] = number >> 8;
}

G_END_DECLS
