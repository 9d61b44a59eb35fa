/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-lmdb-private.h"

#include <string.h>
#include <unistd.h>

/* One thread makes all writes. What has queued up while it was at the last transaction becomes the next: with one writer a
 * write takes one sync's time, with many they share it. Compaction goes with the transactions, or in small ones of its own when
 * there is nothing to write. */

#define COMPACT_WITH_BATCH 1000 /* us */
#define COMPACT_ALONE 3000      /* us */
#define COMPACT_STEP 16

typedef struct {
  LmdbCore *core;
  MDB_txn *txn;
  MDB_cursor *log, *others, *keys;
  guint64 revision; /* newest in this transaction */
  guint64 done; /* compacted up to here */
  guint64 compacted; /* what `meta` says after it */
  gboolean want_events;
  guint n_events;
} Batch;

static int
batch_begin (Batch *batch, LmdbCore *core)
{
  int rc;

  *batch = (Batch) { .core = core, .revision = atomic_load (&core->revision), .done = atomic_load (&core->done),
                     .compacted = core->saved_compacted };
  rc = mdb_txn_begin (core->env, NULL, 0, &batch->txn);
  if (rc != MDB_SUCCESS)
    return rc;
  rc = mdb_cursor_open (batch->txn, core->databases.log, &batch->log);
  if (rc == MDB_SUCCESS)
    rc = mdb_cursor_open (batch->txn, core->databases.log, &batch->others);
  if (rc == MDB_SUCCESS)
    rc = mdb_cursor_open (batch->txn, core->databases.keys, &batch->keys);
  if (rc != MDB_SUCCESS)
    mdb_txn_abort (batch->txn);
  return rc;
}

static int
read_value (MDB_cursor *log, guint64 revision, GBytes **value)
{
  LmdbRecord record;
  int rc = lmdb_record_get (log, revision, &record);

  if (rc == MDB_SUCCESS)
    *value = g_bytes_new (record.value, record.length);
  return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int
find_previous (Batch *batch, KubeStorePending *pending, guint64 current)
{
  const KubeStoreWrite *write = &pending->write;

  if (current == 0 || (!batch->want_events && !(write->remove && write->value == NULL)))
    return MDB_SUCCESS;
  if (write->previous != NULL && write->expected == current) {
    pending->previous = g_bytes_ref (write->previous);
    return MDB_SUCCESS;
  }
  return read_value (batch->others, current, &pending->previous);
}

/* LMDB's code; what is wrong with this one write only is its error, and the transaction goes on. */
static int
batch_write (Batch *batch, KubeStorePending *pending)
{
  LmdbEntry entry;
  guint64 current;
  g_autoptr (GBytes) stored = NULL;
  int rc = lmdb_entry_get (batch->keys, pending->key, &entry);

  if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
    return rc;
  current = entry.removed ? 0 : entry.revision;
  if (!kube_store_pending_check (pending, current))
    return pending->revision != 0 ? read_value (batch->others, current, &pending->value) : MDB_SUCCESS;

  rc = find_previous (batch, pending, current);
  if (rc != MDB_SUCCESS)
    return rc;
  stored = kube_store_pending_make_value (pending, batch->revision + 1);
  rc = lmdb_record_append (batch->log, batch->revision + 1, entry.revision, pending, stored);
  if (rc == MDB_SUCCESS) {
    entry = (LmdbEntry) { batch->revision + 1, pending->write.remove };
    rc = lmdb_entry_put (batch->txn, batch->core->databases.keys, pending->key, &entry);
  }
  if (rc != MDB_SUCCESS)
    return rc;
  pending->revision = ++batch->revision;
  pending->value = g_bytes_ref (stored != NULL ? stored : pending->previous);
  batch->n_events++;
  return MDB_SUCCESS;
}

static int
compact_one (Batch *batch, guint64 revision, gboolean *keep)
{
  LmdbCore *core = batch->core;
  LmdbRecord record;
  LmdbEntry entry;
  guint64 replaced;
  g_autofree char *removed_key = NULL;
  int rc = lmdb_record_get (batch->others, revision, &record);

  if (rc != MDB_SUCCESS)
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
  replaced = record.previous;
  if (record.removed)
    removed_key = g_strdup (record.key);
  if (replaced != 0)
    rc = lmdb_record_delete (batch->txn, core->databases.log, replaced);
  if (rc != MDB_SUCCESS || removed_key == NULL)
    return rc;

  /* The last record says what the newest revision is. */
  if (revision == batch->revision) {
    *keep = TRUE;
    return MDB_SUCCESS;
  }
  rc = lmdb_entry_get (batch->keys, removed_key, &entry);
  if (rc != MDB_SUCCESS)
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
  if (entry.revision != revision)
    return MDB_SUCCESS; /* it came back: this record goes with the one that replaced it */
  rc = lmdb_entry_delete (batch->txn, core->databases.keys, removed_key);
  return rc == MDB_SUCCESS ? lmdb_record_delete (batch->txn, core->databases.log, revision) : rc;
}

/* Removes what the writes up to the compacted revision replaced, for at most @time microseconds; sets whether there was anything. */
static int
batch_compact (Batch *batch, gint64 time, gboolean *progress)
{
  LmdbCore *core = batch->core;
  guint64 compacted = atomic_load (&core->compacted), limit = MIN (kube_store_pins_limit (&core->pins, compacted), batch->revision);
  gint64 deadline = g_get_monotonic_time () + time;
  gboolean keep = FALSE;
  int rc = MDB_SUCCESS;

  *progress = FALSE;
  for (guint i = 1; batch->done < limit; i++) {
    rc = compact_one (batch, batch->done + 1, &keep);
    if (rc != MDB_SUCCESS || keep)
      break;
    batch->done++;
    *progress = TRUE;
    if (i % COMPACT_STEP == 0 && g_get_monotonic_time () >= deadline)
      break;
  }
  if (rc != MDB_SUCCESS || (!*progress && compacted == batch->compacted))
    return rc;
  *progress = TRUE;
  batch->compacted = compacted;
  return lmdb_meta_put_compacted (batch->txn, core->databases.meta, compacted, batch->done);
}

static guint64
estimate (LmdbCore *core, KubeStorePending *first, gboolean *only_removals)
{
  guint64 pages = 32;

  *only_removals = TRUE;
  for (KubeStorePending *pending = first; pending != NULL; pending = pending->next) {
    pages += lmdb_record_size (pending) / core->page_size + 3;
    *only_removals = *only_removals && pending->write.remove;
  }
  return pages * core->page_size;
}

static int
batch_run (Batch *batch, LmdbCore *core, KubeStorePending *first, gboolean *progress)
{
  int rc = batch_begin (batch, core);

  if (rc != MDB_SUCCESS)
    return rc;
  /* whoever has something to write holds the commit mutex */
  batch->want_events = first != NULL && core->commit_func != NULL;
  for (KubeStorePending *pending = first; pending != NULL && rc == MDB_SUCCESS; pending = pending->next)
    rc = batch_write (batch, pending);
  if (rc == MDB_SUCCESS)
    rc = batch_compact (batch, first != NULL ? COMPACT_WITH_BATCH : COMPACT_ALONE, progress);

  if (rc != MDB_SUCCESS || (batch->n_events == 0 && !*progress)) {
    mdb_txn_abort (batch->txn);
    return rc;
  }
  g_mutex_lock (&core->space_mutex);
  rc = mdb_txn_commit (batch->txn);
  lmdb_space_committed (core);
  g_mutex_unlock (&core->space_mutex);
  if (rc == MDB_SUCCESS) {
    atomic_store (&core->revision, batch->revision);
    atomic_store (&core->done, batch->done);
    core->saved_compacted = batch->compacted;
  }
  return rc;
}

static void
tell_of_commit (LmdbCore *core, KubeStorePending *first, guint n_events)
{
  g_autofree KubeStoreEvent *events = g_new (KubeStoreEvent, n_events);
  guint n = 0;

  for (KubeStorePending *pending = first; pending != NULL; pending = pending->next) {
    if (pending->error == NULL)
      kube_store_pending_get_event (pending, &events[n++]);
  }
  core->commit_func (first->store, events, n, core->commit_data);
}

static void
fail_all (KubeStorePending *first, const GError *error)
{
  for (KubeStorePending *pending = first; pending != NULL; pending = pending->next)
    kube_store_pending_fail (pending, error);
}

static void
write_batch (LmdbCore *core, KubeStorePending *first)
{
  g_autoptr (GError) error = NULL;
  gboolean only_removals, progress = FALSE;
  guint64 bytes = estimate (core, first, &only_removals);
  Batch batch = { 0 };
  gboolean room;
  int rc;

  g_mutex_lock (&core->space_mutex);
  room = lmdb_space_reserve (core, bytes, &error);
  g_mutex_unlock (&core->space_mutex);
  if (!room && !only_removals) {
    fail_all (first, error);
    kube_store_pending_deliver (first);
    return;
  }
  g_mutex_lock (&core->commit_mutex);
  rc = batch_run (&batch, core, first, &progress);
  if (rc != MDB_SUCCESS) {
    g_clear_error (&error);
    lmdb_set_error (&error, rc, "the store cannot write");
    fail_all (first, error);
  } else if (core->commit_func != NULL && batch.n_events > 0) {
    tell_of_commit (core, first, batch.n_events);
  }
  g_mutex_unlock (&core->commit_mutex);
  kube_store_pending_deliver (first);
}

static gboolean
compact_alone (LmdbCore *core)
{
  gboolean progress = FALSE;
  Batch batch;

  return batch_run (&batch, core, NULL, &progress) == MDB_SUCCESS && progress;
}

/* Takes the writes that wait, as many as one transaction may have. (mutex core->mutex) */
static KubeStorePending *
take_queued (LmdbCore *core)
{
  KubeStorePending *first = core->first, *last = first;
  gsize bytes = lmdb_record_size (first);
  guint n = 1;

  while (last->next != NULL && n < LMDB_BATCH_WRITES) {
    bytes += lmdb_record_size (last->next);
    if (bytes > LMDB_BATCH_BYTES)
      break;
    last = last->next;
    n++;
  }
  core->first = last->next;
  if (core->first == NULL)
    core->last = &core->first;
  last->next = NULL;
  return first;
}

static gboolean
compaction_waits (LmdbCore *core)
{
  return atomic_load (&core->done) < atomic_load (&core->compacted);
}

/* Something that held compaction up is gone. */
void
lmdb_writer_poke (LmdbCore *core)
{
  g_mutex_lock (&core->mutex);
  core->compact_pending = TRUE;
  g_cond_signal (&core->wake);
  g_mutex_unlock (&core->mutex);
}

gpointer
lmdb_writer_run (gpointer data)
{
  LmdbCore *core = data;

  g_mutex_lock (&core->mutex);
  for (;;) {
    if (core->first != NULL) {
      KubeStorePending *first = take_queued (core);

      g_mutex_unlock (&core->mutex);
      write_batch (core, first);
      g_mutex_lock (&core->mutex);
      core->compact_pending = compaction_waits (core);
    } else if (core->closing) {
      break;
    } else if (core->compact_pending) {
      gboolean again;

      core->compact_pending = FALSE;
      g_mutex_unlock (&core->mutex);
      again = compact_alone (core) && compaction_waits (core);
      g_mutex_lock (&core->mutex);
      core->compact_pending = core->compact_pending || again;
    } else {
      g_cond_wait (&core->wake, &core->mutex);
    }
  }
  g_mutex_unlock (&core->mutex);

  g_mutex_lock (&core->space_mutex);
  core->space_closing = TRUE;
  g_cond_signal (&core->space_wake);
  g_mutex_unlock (&core->space_mutex);
  g_thread_join (core->space_thread);
  lmdb_core_close_readers (core);
  mdb_env_close (core->env);
  core->env = NULL;
  close (core->lock_fd);
  core->lock_fd = -1;
  lmdb_core_unref (core);
  return NULL;
}
