/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "kube-store-journal.h"

/* The input is a file of the journal, and what it would be with a checksum that is right: one record. */
static void
count (const KubeStoreRecord *record, gpointer user_data)
{
  guint64 *last = user_data;

  FUZZ_CHECK (*last == 0 || record->revision == *last + 1);
  FUZZ_CHECK (record->previous < record->revision);
  *last = record->revision;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint64 first, last = 0;
  KubeStoreRecord record;

  FUZZ_CHECK (kube_store_journal_parse (data, size, &first, count, &last) == (last != 0));
  if (kube_store_record_parse (&record, 1000, data, size)) {
    g_autofree guint8 *printed = g_malloc (size);

    FUZZ_CHECK (kube_store_record_get_size (&record) == size);
    kube_store_record_print (&record, printed);
    FUZZ_CHECK (memcmp (printed, data, 8) == 0 && memcmp (printed + 10, data + 10, size - 10) == 0);
  }
  return 0;
}
