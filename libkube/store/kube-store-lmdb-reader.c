/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-lmdb-private.h"

#include <string.h>

/* Read transactions come from a pool: one that was used keeps its slot and its cursors, and is renewed without a lock. */

#define HISTORY_PIECE 128
#define LOOK_AT_CLOCK 32

static void
reader_free (LmdbReader *reader)
{
  mdb_cursor_close (reader->log);
  mdb_cursor_close (reader->keys);
  mdb_txn_abort (reader->txn);
  g_free (reader);
}

static LmdbReader *
reader_new (LmdbCore *core, GError **error)
{
  LmdbReader *reader = g_new0 (LmdbReader, 1);
  int rc = mdb_txn_begin (core->env, NULL, MDB_RDONLY, &reader->txn);

  if (rc == MDB_SUCCESS) {
    rc = mdb_cursor_open (reader->txn, core->databases.log, &reader->log);
    if (rc == MDB_SUCCESS)
      rc = mdb_cursor_open (reader->txn, core->databases.keys, &reader->keys);
    if (rc == MDB_SUCCESS)
      return reader;
    if (reader->log != NULL)
      mdb_cursor_close (reader->log);
    mdb_txn_abort (reader->txn);
  }
  g_free (reader);
  lmdb_set_error (error, rc, "cannot begin to read");
  return NULL;
}

static int
reader_renew (LmdbReader *reader)
{
  int rc = mdb_txn_renew (reader->txn);

  if (rc == MDB_SUCCESS)
    rc = mdb_cursor_renew (reader->txn, reader->log);
  if (rc == MDB_SUCCESS)
    rc = mdb_cursor_renew (reader->txn, reader->keys);
  return rc;
}

static void
pool_give_back (LmdbCore *core, LmdbReader *reader)
{
  g_mutex_lock (&core->pool_mutex);
  if (reader != NULL)
    g_ptr_array_add (core->idle_readers, reader);
  else
    core->n_readers--;
  core->n_active--;
  if (core->n_waiting > 0) /* to signal costs a system call, waiter or not */
    g_cond_broadcast (&core->pool_cond);
  g_mutex_unlock (&core->pool_mutex);
}

/* (mutex core->pool_mutex) */
static void
pool_wait (LmdbCore *core)
{
  core->n_waiting++;
  g_cond_wait (&core->pool_cond, &core->pool_mutex);
  core->n_waiting--;
}

static LmdbReader *
reader_begin (LmdbCore *core, GError **error)
{
  LmdbReader *reader = NULL;
  int rc;

  g_mutex_lock (&core->pool_mutex);
  while (!core->closed && core->idle_readers->len == 0 && core->n_readers == LMDB_READERS)
    pool_wait (core);
  if (core->closed) {
    g_mutex_unlock (&core->pool_mutex);
    kube_store_set_closed (error);
    return NULL;
  }
  if (core->idle_readers->len > 0)
    reader = g_ptr_array_steal_index_fast (core->idle_readers, core->idle_readers->len - 1);
  else
    core->n_readers++;
  core->n_active++;
  g_mutex_unlock (&core->pool_mutex);

  if (reader == NULL) {
    reader = reader_new (core, error);
  } else if ((rc = reader_renew (reader)) != MDB_SUCCESS) {
    lmdb_set_error (error, rc, "cannot begin to read");
    g_clear_pointer (&reader, reader_free);
  }
  if (reader == NULL)
    pool_give_back (core, NULL);
  return reader;
}

static void
reader_end (LmdbCore *core, LmdbReader *reader)
{
  mdb_txn_reset (reader->txn);
  pool_give_back (core, reader);
}

/* Refuses new reads, waits for those that run, and frees the pool. */
void
lmdb_core_close_readers (LmdbCore *core)
{
  g_mutex_lock (&core->pool_mutex);
  core->closed = TRUE;
  g_cond_broadcast (&core->pool_cond);
  while (core->n_active > 0)
    pool_wait (core);
  for (guint i = 0; i < core->idle_readers->len; i++)
    reader_free (core->idle_readers->pdata[i]);
  g_ptr_array_set_size (core->idle_readers, 0);
  core->n_readers = 0;
  g_mutex_unlock (&core->pool_mutex);
}

GBytes *
lmdb_reader_get (LmdbCore *core, const char *key, guint64 *revision, GError **error)
{
  LmdbReader *reader = reader_begin (core, error);
  GBytes *value = NULL;
  LmdbEntry entry;
  LmdbRecord record;
  int rc;

  if (reader == NULL)
    return NULL;
  rc = lmdb_entry_get (reader->keys, key, &entry);
  if (rc == MDB_SUCCESS && entry.removed)
    rc = MDB_NOTFOUND;
  if (rc == MDB_SUCCESS) {
    rc = lmdb_record_get (reader->log, entry.revision, &record);
    if (rc == MDB_SUCCESS)
      value = g_bytes_new (record.value, record.length);
    else if (rc == MDB_NOTFOUND)
      rc = MDB_CORRUPTED;
  }
  reader_end (core, reader);

  if (rc == MDB_NOTFOUND)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s: there is no such key", key);
  else if (rc != MDB_SUCCESS)
    lmdb_set_error (error, rc, key);
  else if (revision != NULL)
    *revision = entry.revision;
  return value;
}

/* The state of @entry's key as of @at: MDB_NOTFOUND where it did not exist then. */
static int
record_as_of (LmdbReader *reader, const LmdbEntry *entry, guint64 at, LmdbRecord *record)
{
  guint64 revision = entry->revision;
  int rc = MDB_SUCCESS;

  if (entry->removed && revision <= at)
    return MDB_NOTFOUND;
  do {
    if (revision == 0)
      return MDB_NOTFOUND;
    rc = lmdb_record_get (reader->log, revision, record);
    /* The chain of an old entry ends where it is compacted; the newest record is always there. */
    if (rc != MDB_SUCCESS)
      return rc == MDB_NOTFOUND && revision == entry->revision ? MDB_CORRUPTED : rc;
    revision = record->previous;
  } while (record->revision > at);
  return record->removed ? MDB_NOTFOUND : MDB_SUCCESS;
}

/* Begins to read as of a revision, which is pinned: from now on compaction leaves what it needs, also across transactions. */
static LmdbReader *
begin_at (LmdbCore *core, guint64 revision, guint64 *at, GError **error)
{
  for (;;) {
    LmdbReader *reader = reader_begin (core, error);
    guint64 newest = 0, compacted;
    int rc;

    if (reader == NULL)
      return NULL;
    rc = lmdb_record_last_revision (reader->log, &newest);
    if (rc != MDB_SUCCESS) {
      reader_end (core, reader);
      lmdb_set_error (error, rc, "cannot read the newest revision");
      return NULL;
    }
    *at = revision != 0 ? revision : newest;
    kube_store_pins_add (&core->pins, *at);
    compacted = atomic_load (&core->compacted);
    if (*at >= compacted && *at <= newest)
      return reader;

    kube_store_pins_remove (&core->pins, *at);
    reader_end (core, reader);
    if (revision == 0)
      continue; /* it was compacted past what was the newest a moment ago */
    if (revision < compacted)
      kube_store_set_expired (error);
    else
      kube_store_set_too_large (error, revision, newest);
    return NULL;
  }
}

static void
end_at (LmdbCore *core, LmdbReader *reader, guint64 at)
{
  if (reader != NULL)
    reader_end (core, reader);
  kube_store_pins_remove (&core->pins, at);
  if (atomic_load (&core->compacted) > atomic_load (&core->done))
    lmdb_writer_poke (core);
}

typedef struct {
  LmdbCore *core;
  const KubeStoreRange *range;
  gsize end_length;
  guint64 at;
  LmdbReader *reader;
  LmdbWalk walk;
  gint64 began;
  guint steps;
} RangeRead;

static gboolean
range_is_over (RangeRead *read)
{
  return read->range->end != NULL ? strcmp (read->walk.key, read->range->end) >= 0
                                  : strcmp (read->walk.key, read->range->start) != 0;
}

static int
range_begin (RangeRead *read)
{
  read->began = g_get_monotonic_time ();
  return lmdb_walk_begin (&read->walk, read->reader->keys, read->range->start, FALSE);
}

/* Goes on to the next key, in a new transaction where the old one has lasted long enough. */
static int
range_step (RangeRead *read)
{
  int rc;

  if (++read->steps % LOOK_AT_CLOCK == 0 && g_get_monotonic_time () - read->began >= LMDB_READ_TIME) {
    g_autofree char *key = g_strdup (read->walk.key);

    mdb_txn_reset (read->reader->txn);
    rc = reader_renew (read->reader);
    if (rc != MDB_SUCCESS)
      return rc;
    read->began = g_get_monotonic_time ();
    return lmdb_walk_begin (&read->walk, read->reader->keys, key, TRUE);
  }
  return lmdb_walk_next (&read->walk);
}

gboolean
lmdb_reader_range (LmdbCore *core, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data, guint64 *read_at,
                   gboolean *more, GError **error)
{
  KubeStoreVisit state = { .visit = visit, .user_data = user_data, .limit = range->limit };
  RangeRead read = { .core = core, .range = range };
  gboolean wanted = TRUE;
  LmdbRecord record;
  int rc;

  read.reader = begin_at (core, range->revision, &read.at, error);
  if (read.reader == NULL)
    return FALSE;
  for (rc = range_begin (&read); rc == MDB_SUCCESS && wanted && !range_is_over (&read); rc = range_step (&read)) {
    rc = record_as_of (read.reader, &read.walk.entry, read.at, &record);
    if (rc == MDB_SUCCESS)
      wanted = kube_store_visit_offer (&state, record.key, record.value, record.length, record.revision);
    else if (rc != MDB_NOTFOUND)
      break;
    if (!wanted)
      break;
  }
  end_at (core, read.reader, read.at);

  if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
    return lmdb_set_error (error, rc, range->start);
  *read_at = read.at;
  *more = state.more;
  return TRUE;
}

guint64
lmdb_reader_count (LmdbCore *core, const KubeStoreRange *range)
{
  RangeRead read = { .core = core, .range = range };
  guint64 count = 0;
  LmdbRecord record;

  read.reader = begin_at (core, range->revision, &read.at, NULL);
  if (read.reader == NULL)
    return 0;
  for (int rc = range_begin (&read); rc == MDB_SUCCESS && !range_is_over (&read); rc = range_step (&read)) {
    if (read.walk.entry.revision <= read.at)
      count += !read.walk.entry.removed;
    else
      count += record_as_of (read.reader, &read.walk.entry, read.at, &record) == MDB_SUCCESS;
  }
  end_at (core, read.reader, read.at);
  return count;
}

static int
history_take (LmdbReader *reader, MDB_cursor *at, const LmdbRecord *record, KubeStoreEvent *event)
{
  LmdbRecord replaced = { 0 };
  gboolean has_previous = FALSE;
  int rc;

  if (record->previous != 0) {
    rc = lmdb_record_get (at, record->previous, &replaced);
    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
      return rc;
    has_previous = rc == MDB_SUCCESS && !replaced.removed;
  }
  event->type = record->removed ? KUBE_STORE_EVENT_REMOVE : KUBE_STORE_EVENT_PUT;
  event->revision = record->revision;
  event->key = g_strdup (record->key);
  event->previous = has_previous ? g_bytes_new (replaced.value, replaced.length) : NULL;
  if (record->has_value)
    event->value = g_bytes_new (record->value, record->length);
  else
    event->value = has_previous ? g_bytes_ref (event->previous) : g_bytes_new (NULL, 0);
  return MDB_SUCCESS;
}

static void
clear_events (KubeStoreEvent *events, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_free ((char *) events[i].key);
    g_bytes_unref (events[i].value);
    g_clear_pointer (&events[i].previous, g_bytes_unref);
  }
}

/* One transaction's worth of history; returns LMDB's code. */
static int
history_piece (LmdbReader *reader, guint64 after, guint limit, KubeStoreEvent *events, guint *n)
{
  MDB_cursor *others;
  LmdbRecord record;
  int rc = mdb_cursor_open (reader->txn, mdb_cursor_dbi (reader->log), &others);

  if (rc != MDB_SUCCESS)
    return rc;
  for (rc = lmdb_record_first (reader->log, after + 1, &record); rc == MDB_SUCCESS && *n < limit;
       rc = lmdb_record_next (reader->log, &record)) {
    rc = history_take (reader, others, &record, &events[*n]);
    if (rc != MDB_SUCCESS)
      break;
    (*n)++;
  }
  mdb_cursor_close (others);
  return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

gboolean
lmdb_reader_history (LmdbCore *core, KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data,
                     GError **error)
{
  guint64 compacted, position = after;
  gboolean ok = TRUE, more = TRUE;

  kube_store_pins_add (&core->pins, after);
  compacted = atomic_load (&core->compacted);
  if (after < compacted) {
    end_at (core, NULL, after);
    return kube_store_set_too_old (error, after, compacted);
  }
  while (ok && more && limit > 0) {
    KubeStoreEvent events[HISTORY_PIECE];
    LmdbReader *reader = reader_begin (core, error);
    guint wanted = MIN (limit, HISTORY_PIECE), n = 0;
    int rc;

    if (reader == NULL) {
      ok = FALSE;
      break;
    }
    rc = history_piece (reader, position, wanted, events, &n);
    reader_end (core, reader);
    if (rc != MDB_SUCCESS)
      ok = lmdb_set_error (error, rc, "cannot read the history");
    else if (n > 0)
      func (store, events, n, user_data);
    if (n > 0)
      position = events[n - 1].revision;
    more = n == wanted;
    limit -= n;
    clear_events (events, n);
  }
  end_at (core, NULL, after);
  return ok;
}
