/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-lmdb-private.h"

/* The thread that writes to LMDB: what a file of the journal holds, in one transaction. Compaction goes with the transactions, or in
 * small ones of its own when there is nothing to take. */

#define COMPACT_WITH_FLUSH 1000 /* us */
#define COMPACT_ALONE 3000      /* us */
#define COMPACT_STEP 16
#define SLICE 128

typedef struct {
  LmdbCore *core;
  MDB_txn *txn;
  MDB_cursor *log, *others, *keys;
  guint64 revision;  /* newest in LMDB after this transaction */
  guint64 done;      /* compacted up to here */
  guint64 compacted; /* what `meta` says after it */
} Flush;

static int
flush_begin (Flush *flush, LmdbCore *core)
{
  guint64 done;
  int rc;

  *flush = (Flush) { .core = core, .revision = core->flushed, .done = atomic_load (&core->done) };
  rc = mdb_txn_begin (core->env, NULL, 0, &flush->txn);
  if (rc != MDB_SUCCESS)
    return rc;
  rc = mdb_cursor_open (flush->txn, core->databases.log, &flush->log);
  if (rc == MDB_SUCCESS)
    rc = mdb_cursor_open (flush->txn, core->databases.log, &flush->others);
  if (rc == MDB_SUCCESS)
    rc = mdb_cursor_open (flush->txn, core->databases.keys, &flush->keys);
  if (rc == MDB_SUCCESS)
    rc = lmdb_meta_get_compacted (flush->txn, core->databases.meta, &flush->compacted, &done);
  if (rc != MDB_SUCCESS)
    mdb_txn_abort (flush->txn);
  return rc;
}

/* Of what was written to a key several times only the last stands in `keys`. */
static int
flush_write (Flush *flush, KubeStoreVersion *version, gboolean is_last)
{
  LmdbEntry entry = { version->revision, version->removed };
  KubeStoreRecord record;
  int rc;

  kube_store_version_get_record (version, &record);
  rc = lmdb_record_append (flush->log, &record);
  if (rc == MDB_SUCCESS && is_last)
    rc = lmdb_entry_put (flush->txn, flush->core->databases.keys, version->key->name, &entry);
  return rc;
}

/* Versions stay where they are until this thread drops them, so the lock is for finding them only. */
static int
flush_writes (Flush *flush, guint64 until)
{
  KubeStoreTable *recent = &flush->core->recent;
  KubeStoreVersion *versions[SLICE];
  gboolean is_last[SLICE];
  int rc = MDB_SUCCESS;

  while (rc == MDB_SUCCESS && flush->revision < until) {
    guint n = MIN (until - flush->revision, SLICE);

    g_rw_lock_reader_lock (&recent->lock);
    for (guint i = 0; i < n; i++) {
      versions[i] = kube_store_table_get (recent, flush->revision + 1 + i);
      is_last[i] = versions[i]->next == NULL || versions[i]->next->revision > until;
    }
    g_rw_lock_reader_unlock (&recent->lock);
    for (guint i = 0; i < n && rc == MDB_SUCCESS; i++)
      rc = flush_write (flush, versions[i], is_last[i]);
    flush->revision += n;
  }
  return rc;
}

static int
compact_one (Flush *flush, guint64 revision, gboolean *keep)
{
  LmdbCore *core = flush->core;
  KubeStoreRecord record;
  LmdbEntry entry;
  guint64 replaced;
  g_autofree char *removed_key = NULL;
  int rc = lmdb_record_get (flush->others, revision, &record);

  if (rc != MDB_SUCCESS)
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
  replaced = record.previous;
  if (record.removed)
    removed_key = g_strdup (record.key);
  if (replaced != 0)
    rc = lmdb_record_delete (flush->txn, core->databases.log, replaced);
  if (rc != MDB_SUCCESS || removed_key == NULL)
    return rc;

  /* The last record says what the newest revision is. */
  if (revision == flush->revision) {
    *keep = TRUE;
    return MDB_SUCCESS;
  }
  rc = lmdb_entry_get (flush->keys, removed_key, &entry);
  if (rc != MDB_SUCCESS)
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
  if (entry.revision != revision)
    return MDB_SUCCESS; /* it came back: this record goes with the one that replaced it */
  rc = lmdb_entry_delete (flush->txn, core->databases.keys, removed_key);
  return rc == MDB_SUCCESS ? lmdb_record_delete (flush->txn, core->databases.log, revision) : rc;
}

/* Removes what the writes up to the compacted revision replaced, for at most @time microseconds; sets whether there was anything. */
static int
flush_compact (Flush *flush, gint64 time, gboolean *progress)
{
  LmdbCore *core = flush->core;
  guint64 compacted = MIN (atomic_load (&core->compacted), flush->revision), limit = kube_store_pins_limit (&core->pins, compacted);
  gint64 deadline = g_get_monotonic_time () + time;
  gboolean keep = FALSE;
  int rc = MDB_SUCCESS;

  *progress = FALSE;
  for (guint i = 1; flush->done < limit; i++) {
    rc = compact_one (flush, flush->done + 1, &keep);
    if (rc != MDB_SUCCESS || keep)
      break;
    flush->done++;
    *progress = TRUE;
    if (i % COMPACT_STEP == 0 && g_get_monotonic_time () >= deadline)
      break;
  }
  if (rc != MDB_SUCCESS || (!*progress && compacted == flush->compacted))
    return rc;
  *progress = TRUE;
  return lmdb_meta_put_compacted (flush->txn, core->databases.meta, compacted, flush->done);
}

/* One transaction; @progress: whether there was anything to do. */
static int
flush_run (Flush *flush, LmdbCore *core, guint64 until, gboolean *progress)
{
  gboolean writes = until > core->flushed;
  int rc = flush_begin (flush, core);

  if (rc != MDB_SUCCESS)
    return rc;
  rc = flush_writes (flush, until);
  if (rc == MDB_SUCCESS)
    rc = flush_compact (flush, writes ? COMPACT_WITH_FLUSH : COMPACT_ALONE, progress);
  *progress = *progress || writes;
  if (rc != MDB_SUCCESS || !*progress) {
    mdb_txn_abort (flush->txn);
    return rc;
  }
  g_mutex_lock (&core->space_mutex);
  rc = mdb_txn_commit (flush->txn);
  lmdb_space_committed (core);
  g_mutex_unlock (&core->space_mutex);
  if (rc == MDB_SUCCESS)
    atomic_store (&core->done, flush->done);
  return rc;
}

/* What LMDB has is not needed in memory and in the journal any more. */
static void
forget_flushed (LmdbCore *core, guint64 until)
{
  KubeStoreTable *recent = &core->recent;
  gboolean more = TRUE;

  while (more) {
    g_rw_lock_writer_lock (&recent->lock);
    for (guint i = 0; i < SLICE && recent->base < until; i++)
      kube_store_table_drop_first (recent);
    more = recent->base < until;
    g_rw_lock_writer_unlock (&recent->lock);
  }
  kube_store_journal_release (core->journal, until);
}

/* (mutex flush_mutex), given up meanwhile */
static void
flush_sealed (LmdbCore *core)
{
  guint64 until = core->sealed;
  gboolean progress = FALSE;
  Flush flush;
  int rc;

  g_mutex_unlock (&core->flush_mutex);
  rc = flush_run (&flush, core, until, &progress);
  if (rc == MDB_SUCCESS)
    forget_flushed (core, until);
  g_mutex_lock (&core->flush_mutex);
  if (rc == MDB_SUCCESS)
    core->flushed = until;
  else
    lmdb_set_error (&core->flush_error, rc, "the journal cannot be taken into the database");
  g_cond_broadcast (&core->flush_done);
}

/* (mutex flush_mutex), given up meanwhile */
static void
compact_alone (LmdbCore *core)
{
  gboolean progress = FALSE;
  Flush flush;
  int rc;

  core->compact_pending = FALSE;
  g_mutex_unlock (&core->flush_mutex);
  rc = flush_run (&flush, core, core->flushed, &progress);
  g_mutex_lock (&core->flush_mutex);
  if (rc == MDB_SUCCESS && progress && flush.done < MIN (atomic_load (&core->compacted), core->flushed))
    core->compact_pending = TRUE;
}

gpointer
lmdb_flush_run (gpointer data)
{
  LmdbCore *core = data;

  g_mutex_lock (&core->flush_mutex);
  for (;;) {
    if (core->flushed < core->sealed && core->flush_error == NULL) {
      flush_sealed (core);
      core->compact_pending = core->compact_pending || atomic_load (&core->done) < atomic_load (&core->compacted);
    } else if (core->flush_closing) {
      break;
    } else if (core->compact_pending) {
      compact_alone (core);
    } else {
      g_cond_wait (&core->flush_wake, &core->flush_mutex);
    }
  }
  g_mutex_unlock (&core->flush_mutex);
  return NULL;
}

void
lmdb_flush_poke (LmdbCore *core)
{
  g_mutex_lock (&core->flush_mutex);
  core->compact_pending = TRUE;
  g_cond_signal (&core->flush_wake);
  g_mutex_unlock (&core->flush_mutex);
}

gboolean
lmdb_flush_wait (LmdbCore *core, GError **error)
{
  gboolean ok;

  g_mutex_lock (&core->flush_mutex);
  g_clear_error (&core->flush_error);
  g_cond_signal (&core->flush_wake);
  while (core->flushed < core->sealed && core->flush_error == NULL)
    g_cond_wait (&core->flush_done, &core->flush_mutex);
  ok = core->flush_error == NULL;
  if (!ok && error != NULL)
    *error = g_error_copy (core->flush_error);
  g_mutex_unlock (&core->flush_mutex);
  return ok;
}

gboolean
lmdb_flush_seal (LmdbCore *core, GError **error)
{
  if (!lmdb_flush_wait (core, error) || !kube_store_journal_seal (core->journal, error))
    return FALSE;
  g_mutex_lock (&core->flush_mutex);
  core->sealed = atomic_load (&core->revision);
  g_cond_signal (&core->flush_wake);
  g_mutex_unlock (&core->flush_mutex);
  return TRUE;
}
