/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-record.h"

#define HEADER 12
#define FLAG_REMOVED 1
#define FLAG_VALUE 2

gsize
kube_store_record_get_size (const KubeStoreRecord *record)
{
  return HEADER + strlen (record->key) + 1 + record->length;
}

void
kube_store_record_print (const KubeStoreRecord *record, guint8 *out)
{
  gsize key_length = strlen (record->key);

  kube_store_write_u64 (out, record->previous);
  out[8] = (record->removed ? FLAG_REMOVED : 0) | (record->has_value ? FLAG_VALUE : 0);
  out[9] = 0;
  kube_store_write_u16 (out + 10, (guint16) key_length);
  memcpy (out + HEADER, record->key, key_length + 1);
  if (record->length > 0)
    memcpy (out + HEADER + key_length + 1, record->value, record->length);
}

gboolean
kube_store_record_parse (KubeStoreRecord *record, guint64 revision, const guint8 *data, gsize length)
{
  gsize key_length;

  if (length < HEADER)
    return FALSE;
  key_length = kube_store_read_u16 (data + 10);
  if (length < HEADER + key_length + 1 || memchr (data + HEADER, '\0', key_length + 1) != data + HEADER + key_length)
    return FALSE;
  *record = (KubeStoreRecord) {
    .revision = revision,
    .previous = kube_store_read_u64 (data),
    .removed = (data[8] & FLAG_REMOVED) != 0,
    .has_value = (data[8] & FLAG_VALUE) != 0,
    .key = (const char *) data + HEADER,
    .value = data + HEADER + key_length + 1,
    .length = length - HEADER - key_length - 1,
  };
  return record->previous < revision;
}
