/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "kube-store-record.h"

G_BEGIN_DECLS

/* Writes in the order of their revisions, in files that are only appended to: durable with one sync, whatever they change. One file is
 * written to; when it is full it is sealed and another begun, and it is free again when its writes stand elsewhere.
 *
 * A file begins with the magic number, the version (4), a checksum of the rest of this header (4), the first revision (8) and a random
 * number (8). Then each write: length (4), checksum (4), revision (8), a record. The checksums begin from the random number, so that
 * what is left of the file's last use is none of its writes; a write that does not fit ends the file.
 *
 * For one thread, but kube_store_journal_release() and kube_store_journal_get_size(). */
typedef struct _KubeStoreJournal KubeStoreJournal;

typedef void (*KubeStoreJournalFunc) (const KubeStoreRecord *record, gpointer user_data);

#define KUBE_STORE_JOURNAL_BYTES (2 * 1024 * 1024)
#define KUBE_STORE_JOURNAL_WRITES 1024

/* Opens the journal in @folder, made where there is none, and reads the writes after revision @after: all of them, or it is an error.
 * @most_writes: how many a file may take before it is full, where it is not full of bytes before. */
KubeStoreJournal *kube_store_journal_open (const char *folder, guint64 most_writes, guint64 after, KubeStoreJournalFunc func,
                                           gpointer user_data, GError **error);
void kube_store_journal_free (KubeStoreJournal *journal);

/* Adds a write to those that the next commit makes durable. */
void kube_store_journal_add (KubeStoreJournal *journal, const KubeStoreRecord *record);
/* All that was added, or none of it. Forget: it is not to be made any more. */
gboolean kube_store_journal_commit (KubeStoreJournal *journal, GError **error);
void kube_store_journal_forget (KubeStoreJournal *journal);
/* Whether the file that is written to should be sealed before the next write. */
gboolean kube_store_journal_is_full (KubeStoreJournal *journal);
gboolean kube_store_journal_seal (KubeStoreJournal *journal, GError **error);
/* What was written up to @revision stands elsewhere. */
void kube_store_journal_release (KubeStoreJournal *journal, guint64 revision);
/* What is not released: bytes and writes. Returns what the files take on the disk. */
guint64 kube_store_journal_get_size (KubeStoreJournal *journal, guint64 *bytes, guint64 *writes);

/* Reads one file's content: its first revision and its writes, up to what is none. FALSE: it has none. */
gboolean kube_store_journal_parse (const guint8 *data, gsize length, guint64 *first, KubeStoreJournalFunc func, gpointer user_data);

G_END_DECLS
