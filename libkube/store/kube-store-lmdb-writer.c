/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "store"
#include <kube/kube-log.h>

#include "kube-store-lmdb-private.h"

#include <unistd.h>

/* One thread makes all writes. What has queued up while it was at the last batch becomes the next: with one writer a write takes one
 * sync's time, with many they share it. */

/* What the newest write to a key left, be it durable yet or not. */
typedef struct {
  guint64 revision; /* 0: there was none */
  gboolean removed;
  GBytes *value; /* (owned) (nullable): where it was in memory */
} Newest;

static gboolean
newest_find (Newest *newest, LmdbCore *core, const char *key, GError **error)
{
  KubeStoreVersion *version;
  LmdbEntry entry;
  int rc;

  *newest = (Newest) { 0 };
  g_rw_lock_reader_lock (&core->recent.lock);
  version = kube_store_table_find (&core->recent, key);
  if (version != NULL) {
    newest->revision = version->revision;
    newest->removed = version->removed;
    newest->value = version->value != NULL ? g_bytes_ref (version->value) : NULL;
  }
  g_rw_lock_reader_unlock (&core->recent.lock);
  if (version != NULL)
    return TRUE;

  /* What is in neither is nowhere: writes leave the table only after LMDB has them. */
  rc = lmdb_reader_find (core, key, &entry);
  newest->revision = entry.revision;
  newest->removed = entry.removed;
  return rc == MDB_SUCCESS || rc == MDB_NOTFOUND || lmdb_set_error (error, rc, "the store cannot be read");
}

/* (transfer full) (nullable): the value of what is there */
static GBytes *
newest_get_value (Newest *newest, LmdbCore *core, GError **error)
{
  GBytes *value = NULL;
  int rc;

  if (newest->value != NULL)
    return g_bytes_ref (newest->value);
  rc = lmdb_reader_get_value (core, newest->revision, &value);
  if (rc != MDB_SUCCESS)
    lmdb_set_error (error, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc, "the store cannot be read");
  return value;
}

/* Sets what @pending replaces, where anybody will ask for it. */
static gboolean
find_previous (LmdbCore *core, KubeStorePending *pending, Newest *newest, guint64 current, GError **error)
{
  const KubeStoreWrite *write = &pending->write;
  gboolean wanted = core->commit_func != NULL || (write->remove && write->value == NULL);

  if (current == 0 || !wanted)
    return TRUE;
  if (write->previous != NULL && write->expected == current)
    pending->previous = g_bytes_ref (write->previous);
  else
    pending->previous = newest_get_value (newest, core, error);
  return pending->previous != NULL;
}

/* Decides on a write, and makes it in memory and in the journal's batch. FALSE: nothing can be decided; what is wrong with this one
 * write only is its error. */
static gboolean
stage (LmdbCore *core, KubeStorePending *pending, GError **error)
{
  g_autoptr (GBytes) held = NULL, stored = NULL;
  KubeStoreVersion *version;
  KubeStoreRecord record;
  Newest newest;
  guint64 current;

  if (!newest_find (&newest, core, pending->key, error))
    return FALSE;
  held = newest.value;
  current = newest.removed ? 0 : newest.revision;
  if (!kube_store_pending_check (pending, current)) {
    if (pending->revision != 0)
      pending->value = newest_get_value (&newest, core, error);
    return pending->revision == 0 || pending->value != NULL;
  }
  if (!find_previous (core, pending, &newest, current, error))
    return FALSE;

  stored = kube_store_pending_make_value (pending, core->recent.newest + 1);
  g_rw_lock_writer_lock (&core->recent.lock);
  version = kube_store_table_append (&core->recent, pending->key, newest.revision, stored, pending->write.remove);
  g_rw_lock_writer_unlock (&core->recent.lock);
  kube_store_version_get_record (version, &record);
  kube_store_journal_add (core->journal, &record);
  pending->revision = version->revision;
  pending->value = g_bytes_ref (stored != NULL ? stored : pending->previous);
  return TRUE;
}

static void
unstage (LmdbCore *core)
{
  kube_store_journal_forget (core->journal);
  g_rw_lock_writer_lock (&core->recent.lock);
  while (core->recent.newest > atomic_load (&core->revision))
    kube_store_table_drop_last (&core->recent);
  g_rw_lock_writer_unlock (&core->recent.lock);
}

/* A file that the disk has no more room for is as good as full. */
static gboolean
commit (LmdbCore *core, GError **error)
{
  g_autoptr (GError) first = NULL;

  if (kube_store_journal_commit (core->journal, &first))
    return TRUE;
  if (!lmdb_flush_seal (core, error) || !kube_store_journal_commit (core->journal, error))
    return FALSE;
  kube_warning ("%s; another file of it took the writes", first->message);
  return TRUE;
}

static void
tell_of_commit (LmdbCore *core, KubeStorePending *first, guint64 n_events)
{
  g_autofree KubeStoreEvent *events = g_new (KubeStoreEvent, n_events);
  guint n = 0;

  for (KubeStorePending *pending = first; pending != NULL; pending = pending->next) {
    if (pending->error == NULL)
      kube_store_pending_get_event (pending, &events[n++]);
  }
  core->commit_func (first->store, events, n, core->commit_data);
}

/* Bytes of a write in the journal, more or less. */
static gsize
pending_size (KubeStorePending *pending)
{
  return 64 + strlen (pending->key) + (pending->write.value != NULL ? g_bytes_get_size (pending->write.value) : 0);
}

/* Makes sure that LMDB will have room for the batch and for what is on its way there. Where there is none, what is on its way goes
 * there first: it may take less than expected, and removals make room once LMDB has them, which is why those are let through. */
static gboolean
reserve (LmdbCore *core, KubeStorePending *first, GError **error)
{
  guint64 batch = 0, batch_writes = 0, bytes, writes;
  gboolean only_removals = TRUE;

  for (KubeStorePending *pending = first; pending != NULL; pending = pending->next) {
    only_removals = only_removals && pending->write.remove;
    batch += pending_size (pending);
    batch_writes++;
  }
  for (gboolean again = FALSE;; again = TRUE) {
    kube_store_journal_get_size (core->journal, &bytes, &writes);
    /* a leaf of `keys` for each, and what a value leaves free of its last page */
    bytes += batch + (3 * (batch_writes + writes) / 2 + 32) * core->page_size;
    if (lmdb_space_reserve (core, bytes, again && !only_removals ? error : NULL) || only_removals)
      return TRUE;
    if (again)
      return FALSE;
    if (!lmdb_flush_seal (core, error) || !lmdb_flush_wait (core, error))
      return FALSE;
  }
}

static gboolean
run_batch (LmdbCore *core, KubeStorePending *first, GError **error)
{
  if (!reserve (core, first, error))
    return FALSE;
  if (kube_store_journal_is_full (core->journal) && !lmdb_flush_seal (core, error))
    return FALSE;
  for (KubeStorePending *pending = first; pending != NULL; pending = pending->next) {
    if (!stage (core, pending, error))
      return FALSE;
  }
  return core->recent.newest == atomic_load (&core->revision) || commit (core, error);
}

static void
write_batch (LmdbCore *core, KubeStorePending *first)
{
  g_autoptr (GError) error = NULL;
  guint64 before = atomic_load (&core->revision);

  g_mutex_lock (&core->commit_mutex);
  if (!run_batch (core, first, &error)) {
    unstage (core);
    g_prefix_error (&error, "the store cannot write: ");
    for (KubeStorePending *pending = first; pending != NULL; pending = pending->next)
      kube_store_pending_fail (pending, error);
  } else if (core->recent.newest > before) {
    atomic_store (&core->revision, core->recent.newest);
    if (core->commit_func != NULL)
      tell_of_commit (core, first, core->recent.newest - before);
  }
  g_mutex_unlock (&core->commit_mutex);
  kube_store_pending_deliver (first);
}

/* Takes the writes that wait, as many as one batch may have. (mutex core->mutex) */
static KubeStorePending *
take_queued (LmdbCore *core)
{
  KubeStorePending *first = core->first, *last = first;
  gsize bytes = pending_size (first);
  guint n = 1;

  while (last->next != NULL && n < LMDB_BATCH_WRITES) {
    bytes += pending_size (last->next);
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

/* Takes all into LMDB, ends the other threads and lets the files go. What cannot be taken is in the journal the next time. */
static void
finish (LmdbCore *core)
{
  g_autoptr (GError) error = NULL;

  if (!lmdb_flush_seal (core, &error))
    g_debug ("%s", error->message);
  g_mutex_lock (&core->flush_mutex);
  core->flush_closing = TRUE;
  g_cond_signal (&core->flush_wake);
  g_mutex_unlock (&core->flush_mutex);
  g_thread_join (core->flush_thread);

  g_mutex_lock (&core->space_mutex);
  core->space_closing = TRUE;
  g_cond_signal (&core->space_wake);
  g_mutex_unlock (&core->space_mutex);
  g_thread_join (core->space_thread);
  lmdb_core_close_readers (core);
  g_clear_pointer (&core->journal, kube_store_journal_free);
  g_clear_pointer (&core->env, mdb_env_close);
  close (core->lock_fd);
  core->lock_fd = -1;
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
    } else if (core->closing) {
      break;
    } else {
      g_cond_wait (&core->wake, &core->mutex);
    }
  }
  g_mutex_unlock (&core->mutex);
  finish (core);
  lmdb_core_unref (core);
  return NULL;
}
