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

int
lmdb_reader_find (LmdbCore *core, const char *key, LmdbEntry *entry)
{
  LmdbReader *reader = reader_begin (core, NULL);
  int rc;

  *entry = (LmdbEntry) { 0 };
  if (reader == NULL)
    return MDB_PANIC;
  rc = lmdb_entry_get (reader->keys, key, entry);
  reader_end (core, reader);
  return rc;
}

int
lmdb_reader_get_value (LmdbCore *core, guint64 revision, GBytes **value)
{
  LmdbReader *reader = reader_begin (core, NULL);
  KubeStoreRecord record;
  int rc;

  if (reader == NULL)
    return MDB_PANIC;
  rc = lmdb_record_get (reader->log, revision, &record);
  if (rc == MDB_SUCCESS && record.removed)
    rc = MDB_NOTFOUND;
  if (rc == MDB_SUCCESS)
    *value = g_bytes_new (record.value, record.length);
  reader_end (core, reader);
  return rc;
}

/* What the table has of a key: TRUE where it has anything, which is newer than all that LMDB has. */
static gboolean
get_recent (LmdbCore *core, const char *key, GBytes **value, guint64 *revision)
{
  guint64 at = atomic_load (&core->revision);
  KubeStoreVersion *version;

  g_rw_lock_reader_lock (&core->recent.lock);
  version = kube_store_version_at (kube_store_table_find (&core->recent, key), at);
  if (version != NULL && !version->removed) {
    *value = g_bytes_ref (version->value);
    *revision = version->revision;
  }
  g_rw_lock_reader_unlock (&core->recent.lock);
  return version != NULL;
}

static int
get_stored (LmdbReader *reader, const char *key, GBytes **value, guint64 *revision)
{
  LmdbEntry entry;
  KubeStoreRecord record;
  int rc = lmdb_entry_get (reader->keys, key, &entry);

  if (rc != MDB_SUCCESS || entry.removed)
    return rc == MDB_SUCCESS ? MDB_NOTFOUND : rc;
  rc = lmdb_record_get (reader->log, entry.revision, &record);
  if (rc != MDB_SUCCESS)
    return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
  *value = g_bytes_new (record.value, record.length);
  *revision = entry.revision;
  return MDB_SUCCESS;
}

GBytes *
lmdb_reader_get (LmdbCore *core, const char *key, guint64 *revision, GError **error)
{
  GBytes *value = NULL;
  guint64 found = 0;
  int rc = MDB_NOTFOUND;

  if (!get_recent (core, key, &value, &found)) {
    LmdbReader *reader = reader_begin (core, error);

    if (reader == NULL)
      return NULL;
    rc = get_stored (reader, key, &value, &found);
    reader_end (core, reader);
  }
  if (value != NULL && revision != NULL)
    *revision = found;
  else if (value == NULL && rc == MDB_NOTFOUND)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s: there is no such key", key);
  else if (value == NULL)
    lmdb_set_error (error, rc, key);
  return value;
}

/* The state of @entry's key as of @at: MDB_NOTFOUND where it did not exist then. */
static int
record_as_of (LmdbReader *reader, const LmdbEntry *entry, guint64 at, KubeStoreRecord *record)
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
static gboolean
begin_at (LmdbCore *core, guint64 revision, guint64 *at, GError **error)
{
  for (;;) {
    guint64 newest = atomic_load (&core->revision), compacted;

    *at = revision != 0 ? revision : newest;
    kube_store_pins_add (&core->pins, *at);
    compacted = atomic_load (&core->compacted);
    if (*at >= compacted && *at <= newest)
      return TRUE;

    kube_store_pins_remove (&core->pins, *at);
    if (revision == 0)
      continue; /* it was compacted past what was the newest a moment ago */
    return revision < compacted ? kube_store_set_expired (error) : kube_store_set_too_large (error, revision, newest);
  }
}

static void
end_at (LmdbCore *core, guint64 at)
{
  guint64 compacted = atomic_load (&core->compacted);

  kube_store_pins_remove (&core->pins, at);
  if (at < compacted && atomic_load (&core->done) < compacted)
    lmdb_flush_poke (core); /* the pin may have held it up */
}

/* A range: what the table has of it, taken out when it began, and what LMDB has, merged by key. The table is asked first, so that a
 * write that moves between them is seen; a key in both is the table's, for that is newer, and as of `at` too. */
typedef struct {
  LmdbCore *core;
  const KubeStoreRange *range;
  guint64 at;
  GArray *recent; /* (element-type KubeStoreItem) */
  guint position; /* in `recent` */
  LmdbReader *reader;
  LmdbWalk walk;
  int rc; /* of the walk: MDB_NOTFOUND at its end */
  gint64 began;
  guint steps;
} RangeRead;

static void
range_check_end (RangeRead *read)
{
  const KubeStoreRange *range = read->range;

  if (read->rc == MDB_SUCCESS
      && (range->end != NULL ? strcmp (read->walk.key, range->end) >= 0 : strcmp (read->walk.key, range->start) != 0))
    read->rc = MDB_NOTFOUND;
}

static gboolean
range_begin (RangeRead *read, LmdbCore *core, const KubeStoreRange *range, GError **error)
{
  *read = (RangeRead) { .core = core, .range = range };
  if (!begin_at (core, range->revision, &read->at, error))
    return FALSE;
  read->recent = g_array_new (FALSE, FALSE, sizeof (KubeStoreItem));
  g_array_set_clear_func (read->recent, (GDestroyNotify) kube_store_item_clear);
  g_rw_lock_reader_lock (&core->recent.lock);
  kube_store_table_take (&core->recent, range, range->start, FALSE, read->at, TRUE, G_MAXUINT, read->recent);
  g_rw_lock_reader_unlock (&core->recent.lock);

  read->reader = reader_begin (core, error);
  if (read->reader == NULL) {
    g_array_unref (read->recent);
    end_at (core, read->at);
    return FALSE;
  }
  read->began = g_get_monotonic_time ();
  read->rc = lmdb_walk_begin (&read->walk, read->reader->keys, range->start, FALSE);
  range_check_end (read);
  return TRUE;
}

/* Ends it; an error of LMDB's, if that was what ended the walk. */
static gboolean
range_end (RangeRead *read, GError **error)
{
  reader_end (read->core, read->reader);
  g_array_unref (read->recent);
  end_at (read->core, read->at);
  return read->rc == MDB_SUCCESS || read->rc == MDB_NOTFOUND || lmdb_set_error (error, read->rc, read->range->start);
}

/* Goes on to LMDB's next key, in a new transaction where the old one has lasted long enough. */
static void
range_walk (RangeRead *read)
{
  if (++read->steps % LOOK_AT_CLOCK == 0 && g_get_monotonic_time () - read->began >= LMDB_READ_TIME) {
    g_autofree char *key = g_strdup (read->walk.key);

    mdb_txn_reset (read->reader->txn);
    read->rc = reader_renew (read->reader);
    read->began = g_get_monotonic_time ();
    if (read->rc == MDB_SUCCESS)
      read->rc = lmdb_walk_begin (&read->walk, read->reader->keys, key, TRUE);
  } else {
    read->rc = lmdb_walk_next (&read->walk);
  }
  range_check_end (read);
}

/* (nullable): the table's next key, where it comes before LMDB's or is the same one, which is passed then. */
static KubeStoreItem *
range_take_recent (RangeRead *read)
{
  KubeStoreItem *item;
  int order = -1;

  if (read->position == read->recent->len)
    return NULL;
  item = &g_array_index (read->recent, KubeStoreItem, read->position);
  if (read->rc == MDB_SUCCESS)
    order = strcmp (item->key->name, read->walk.key);
  if (order > 0)
    return NULL;
  if (order == 0)
    range_walk (read);
  read->position++;
  return item;
}

static gboolean
range_goes_on (RangeRead *read)
{
  return read->rc == MDB_SUCCESS || (read->rc == MDB_NOTFOUND && read->position < read->recent->len);
}

static gboolean
offer_item (KubeStoreVisit *state, KubeStoreItem *item)
{
  gsize length;
  const guint8 *data;

  if (item->removed)
    return TRUE;
  data = g_bytes_get_data (item->value, &length);
  return kube_store_visit_offer (state, item->key->name, data, length, item->revision);
}

/* Offers LMDB's key and goes on to the next. */
static gboolean
offer_stored (KubeStoreVisit *state, RangeRead *read)
{
  KubeStoreRecord record;
  int rc = record_as_of (read->reader, &read->walk.entry, read->at, &record);

  if (rc == MDB_SUCCESS && !kube_store_visit_offer (state, record.key, record.value, record.length, record.revision))
    return FALSE;
  if (rc == MDB_SUCCESS || rc == MDB_NOTFOUND)
    range_walk (read);
  else
    read->rc = rc;
  return TRUE;
}

gboolean
lmdb_reader_range (LmdbCore *core, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data, guint64 *read_at,
                   gboolean *more, GError **error)
{
  KubeStoreVisit state = { .visit = visit, .user_data = user_data, .limit = range->limit };
  gboolean wanted = TRUE;
  RangeRead read;

  if (!range_begin (&read, core, range, error))
    return FALSE;
  while (wanted && range_goes_on (&read)) {
    KubeStoreItem *item = range_take_recent (&read);

    wanted = item != NULL ? offer_item (&state, item) : offer_stored (&state, &read);
  }
  *read_at = read.at;
  *more = state.more;
  return range_end (&read, error);
}

guint64
lmdb_reader_count (LmdbCore *core, const KubeStoreRange *range)
{
  guint64 count = 0;
  KubeStoreRecord record;
  RangeRead read;

  if (!range_begin (&read, core, range, NULL))
    return 0;
  while (range_goes_on (&read)) {
    KubeStoreItem *item = range_take_recent (&read);

    if (item != NULL) {
      count += !item->removed;
      continue;
    }
    if (read.walk.entry.revision <= read.at)
      count += !read.walk.entry.removed;
    else
      count += record_as_of (read.reader, &read.walk.entry, read.at, &record) == MDB_SUCCESS;
    range_walk (&read);
  }
  range_end (&read, NULL);
  return count;
}

static int
history_take (LmdbReader *reader, MDB_cursor *at, const KubeStoreRecord *record, KubeStoreEvent *event)
{
  KubeStoreRecord replaced = { 0 };
  gboolean has_previous = FALSE;
  int rc;

  if (record->previous != 0) {
    rc = lmdb_record_get (at, record->previous, &replaced);
    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
      return rc;
    has_previous = rc == MDB_SUCCESS && !replaced.removed;
  }
  *event = (KubeStoreEvent){
    .type = record->removed ? KUBE_STORE_EVENT_REMOVE : KUBE_STORE_EVENT_PUT,
    .revision = record->revision,
    .key = g_strdup (record->key),
    .previous = has_previous ? g_bytes_new (replaced.value, replaced.length) : NULL,
  };
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
  KubeStoreRecord record;
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

/* What LMDB has of the history up to @until, in pieces; @after goes along. */
static gboolean
history_stored (LmdbCore *core, KubeStore *store, guint64 *after, guint64 until, guint *limit, KubeStoreCommitFunc func,
                gpointer user_data, GError **error)
{
  while (*after < until && *limit > 0) {
    KubeStoreEvent events[HISTORY_PIECE];
    LmdbReader *reader = reader_begin (core, error);
    guint wanted = MIN (MIN (*limit, HISTORY_PIECE), until - *after), n = 0;
    int rc;

    if (reader == NULL)
      return FALSE;
    rc = history_piece (reader, *after, wanted, events, &n);
    reader_end (core, reader);
    if (rc == MDB_SUCCESS && n > 0)
      func (store, events, n, user_data);
    if (n > 0)
      *after = events[n - 1].revision;
    *limit -= n;
    clear_events (events, n);
    if (rc != MDB_SUCCESS)
      return lmdb_set_error (error, rc, "cannot read the history");
    if (n < wanted)
      *after = until;
  }
  return TRUE;
}

/* What was taken out of the table; what its oldest writes replaced may be with LMDB. */
static gboolean
history_recent (LmdbCore *core, KubeStore *store, GArray *changes, KubeStoreCommitFunc func, gpointer user_data, GError **error)
{
  for (guint i = 0; i < changes->len; i++) {
    KubeStoreChange *change = &g_array_index (changes, KubeStoreChange, i);
    KubeStoreEvent event;

    if (change->previous == NULL && change->replaced != 0) {
      int rc = lmdb_reader_get_value (core, change->replaced, &change->previous);

      if (rc != MDB_SUCCESS && (rc != MDB_NOTFOUND || change->item.value == NULL))
        return lmdb_set_error (error, rc, "cannot read the history");
    }
    kube_store_change_get_event (change, &event);
    func (store, &event, 1, user_data);
  }
  return TRUE;
}

gboolean
lmdb_reader_history (LmdbCore *core, KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data,
                     GError **error)
{
  g_autoptr (GArray) changes = g_array_new (FALSE, FALSE, sizeof (KubeStoreChange));
  guint64 pinned = after, compacted, until, newest = atomic_load (&core->revision);
  gboolean ok;

  kube_store_pins_add (&core->pins, pinned);
  compacted = atomic_load (&core->compacted);
  if (after < compacted) {
    end_at (core, pinned);
    return kube_store_set_too_old (error, after, compacted);
  }
  after = MAX (after, KUBE_STORE_FIRST_REVISION);
  g_array_set_clear_func (changes, (GDestroyNotify) kube_store_change_clear);
  g_rw_lock_reader_lock (&core->recent.lock);
  until = core->recent.base;
  if (newest > MAX (after, until))
    kube_store_table_take_log (&core->recent, MAX (after, until), MIN (newest - MAX (after, until), limit), changes);
  g_rw_lock_reader_unlock (&core->recent.lock);

  ok = history_stored (core, store, &after, until, &limit, func, user_data, error);
  if (changes->len > limit)
    g_array_set_size (changes, limit);
  ok = ok && history_recent (core, store, changes, func, user_data, error);
  end_at (core, pinned);
  return ok;
}
