/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-lmdb-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KUBE_TYPE_STORE_LMDB (kube_store_lmdb_get_type ())
G_DECLARE_FINAL_TYPE (KubeStoreLmdb, kube_store_lmdb, KUBE, STORE_LMDB, GObject)

struct _KubeStoreLmdb {
  GObject parent_instance;
  LmdbCore *core; /* (owned) (nullable) */
};

static void kube_store_lmdb_iface_init (KubeStoreInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (KubeStoreLmdb, kube_store_lmdb, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_STORE, kube_store_lmdb_iface_init))

static LmdbCore *
core_new (void)
{
  LmdbCore *core = g_new0 (LmdbCore, 1);

  g_atomic_ref_count_init (&core->refs);
  core->lock_fd = -1;
  core->last = &core->first;
  core->idle_readers = g_ptr_array_new ();
  g_mutex_init (&core->mutex);
  g_cond_init (&core->wake);
  g_mutex_init (&core->commit_mutex);
  g_mutex_init (&core->flush_mutex);
  g_cond_init (&core->flush_wake);
  g_cond_init (&core->flush_done);
  g_mutex_init (&core->pool_mutex);
  g_cond_init (&core->pool_cond);
  g_mutex_init (&core->space_mutex);
  g_cond_init (&core->space_wake);
  kube_store_pins_init (&core->pins);
  kube_store_table_init (&core->recent, KUBE_STORE_FIRST_REVISION);
  return core;
}

void
lmdb_core_unref (LmdbCore *core)
{
  if (!g_atomic_ref_count_dec (&core->refs))
    return;
  g_clear_pointer (&core->journal, kube_store_journal_free);
  g_clear_pointer (&core->env, mdb_env_close);
  if (core->lock_fd >= 0)
    close (core->lock_fd);
  g_ptr_array_unref (core->idle_readers);
  g_mutex_clear (&core->mutex);
  g_cond_clear (&core->wake);
  g_mutex_clear (&core->commit_mutex);
  g_mutex_clear (&core->flush_mutex);
  g_cond_clear (&core->flush_wake);
  g_cond_clear (&core->flush_done);
  g_clear_error (&core->flush_error);
  g_mutex_clear (&core->pool_mutex);
  g_cond_clear (&core->pool_cond);
  g_mutex_clear (&core->space_mutex);
  g_cond_clear (&core->space_wake);
  kube_store_pins_clear (&core->pins);
  kube_store_table_clear (&core->recent);
  g_free (core);
}

static void
kube_store_lmdb_write (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data)
{
  LmdbCore *core = KUBE_STORE_LMDB (store)->core;
  KubeStorePending *pending = kube_store_pending_new (store, write, callback, user_data);

  g_mutex_lock (&core->mutex);
  if (core->closing) {
    g_mutex_unlock (&core->mutex);
    kube_store_set_closed (&pending->error);
    kube_store_pending_deliver (pending);
    return;
  }
  *core->last = pending;
  core->last = &pending->next;
  if (core->first == pending)
    g_cond_signal (&core->wake);
  g_mutex_unlock (&core->mutex);
}

static GBytes *
kube_store_lmdb_get (KubeStore *store, const char *key, guint64 *revision, GError **error)
{
  return lmdb_reader_get (KUBE_STORE_LMDB (store)->core, key, revision, error);
}

static gboolean
kube_store_lmdb_range (KubeStore *store, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data,
                       guint64 *read_at, gboolean *more, GError **error)
{
  return lmdb_reader_range (KUBE_STORE_LMDB (store)->core, range, visit, user_data, read_at, more, error);
}

static guint64
kube_store_lmdb_count (KubeStore *store, const KubeStoreRange *range)
{
  return lmdb_reader_count (KUBE_STORE_LMDB (store)->core, range);
}

static guint64
kube_store_lmdb_get_revision (KubeStore *store)
{
  return atomic_load (&KUBE_STORE_LMDB (store)->core->revision);
}

static guint64
kube_store_lmdb_get_compacted (KubeStore *store)
{
  return atomic_load (&KUBE_STORE_LMDB (store)->core->compacted);
}

static gboolean
kube_store_lmdb_history (KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data,
                         GError **error)
{
  return lmdb_reader_history (KUBE_STORE_LMDB (store)->core, store, after, limit, func, user_data, error);
}

static void
kube_store_lmdb_compact (KubeStore *store, guint64 revision)
{
  LmdbCore *core = KUBE_STORE_LMDB (store)->core;
  guint64 compacted = atomic_load (&core->compacted);

  revision = MIN (revision, atomic_load (&core->revision));
  while (revision > compacted) {
    if (atomic_compare_exchange_weak (&core->compacted, &compacted, revision)) {
      lmdb_flush_poke (core);
      break;
    }
  }
}

static void
kube_store_lmdb_set_commit_func (KubeStore *store, KubeStoreCommitFunc func, gpointer user_data)
{
  LmdbCore *core = KUBE_STORE_LMDB (store)->core;

  g_mutex_lock (&core->commit_mutex);
  core->commit_func = func;
  core->commit_data = user_data;
  g_mutex_unlock (&core->commit_mutex);
}

static guint64
kube_store_lmdb_get_size (KubeStore *store)
{
  LmdbCore *core = KUBE_STORE_LMDB (store)->core;
  guint64 size = 0, bytes, writes;
  struct stat st;
  mdb_filehandle_t fd;

  g_mutex_lock (&core->pool_mutex);
  if (!core->closed && mdb_env_get_fd (core->env, &fd) == MDB_SUCCESS && fstat (fd, &st) == 0)
    size = (guint64) st.st_blocks * 512 + kube_store_journal_get_size (core->journal, &bytes, &writes);
  g_mutex_unlock (&core->pool_mutex);
  return size;
}

static void
kube_store_lmdb_close (KubeStore *store)
{
  LmdbCore *core = KUBE_STORE_LMDB (store)->core;
  GThread *thread;

  g_mutex_lock (&core->mutex);
  core->closing = TRUE;
  thread = g_steal_pointer (&core->thread);
  g_cond_signal (&core->wake);
  g_mutex_unlock (&core->mutex);

  /* The last reference may have been with a write that the writer itself let go: then it ends by itself. */
  if (thread != NULL && thread == g_thread_self ())
    g_thread_unref (thread);
  else if (thread != NULL)
    g_thread_join (thread);
}

static void
kube_store_lmdb_iface_init (KubeStoreInterface *iface)
{
  iface->write = kube_store_lmdb_write;
  iface->get = kube_store_lmdb_get;
  iface->range = kube_store_lmdb_range;
  iface->count = kube_store_lmdb_count;
  iface->get_revision = kube_store_lmdb_get_revision;
  iface->get_compacted = kube_store_lmdb_get_compacted;
  iface->history = kube_store_lmdb_history;
  iface->compact = kube_store_lmdb_compact;
  iface->set_commit_func = kube_store_lmdb_set_commit_func;
  iface->get_size = kube_store_lmdb_get_size;
  iface->close = kube_store_lmdb_close;
}

static void
kube_store_lmdb_finalize (GObject *object)
{
  KubeStoreLmdb *self = KUBE_STORE_LMDB (object);

  if (self->core != NULL) {
    kube_store_lmdb_close (KUBE_STORE (self));
    lmdb_core_unref (self->core);
  }
  G_OBJECT_CLASS (kube_store_lmdb_parent_class)->finalize (object);
}

static void
kube_store_lmdb_class_init (KubeStoreLmdbClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_store_lmdb_finalize;
}

static void
kube_store_lmdb_init (KubeStoreLmdb *self)
{
}

static gboolean
set_errno (GError **error, const char *path, const char *what, int number)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s: %s", path, what, g_strerror (number));
  return FALSE;
}

/* One process for one store: the lock is the kernel's, so it is gone with its holder; the number in the file is for the message. */
static gboolean
take_lock (LmdbCore *core, const char *path, GError **error)
{
  g_autofree char *name = g_build_filename (path, "pid", NULL);
  char text[32] = "";
  int length;

  core->lock_fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (core->lock_fd < 0)
    return set_errno (error, name, "cannot open", errno);
  if (flock (core->lock_fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return set_errno (error, name, "cannot lock", errno);
    length = pread (core->lock_fd, text, sizeof text - 1, 0);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: in use by process %s", path,
                 length > 0 ? g_strstrip (text) : "(unknown)");
    return FALSE;
  }
  length = g_snprintf (text, sizeof text, "%d\n", (int) getpid ());
  if (ftruncate (core->lock_fd, 0) != 0 || pwrite (core->lock_fd, text, length, 0) != length)
    return set_errno (error, name, "cannot write", errno);
  return TRUE;
}

/* The map is address space, not memory: the largest that this process may have. */
static int
open_env (LmdbCore *core, const char *path)
{
  gsize size = sizeof (gsize) >= 8 ? (gsize) 256 << 30 : (gsize) 512 << 20;
  int rc;

  do {
    rc = mdb_env_create (&core->env);
    if (rc == MDB_SUCCESS)
      rc = mdb_env_set_mapsize (core->env, size);
    if (rc == MDB_SUCCESS)
      rc = mdb_env_set_maxdbs (core->env, 4);
    if (rc == MDB_SUCCESS)
      rc = mdb_env_set_maxreaders (core->env, LMDB_READERS + 8);
    if (rc == MDB_SUCCESS)
      rc = mdb_env_open (core->env, path, MDB_NOTLS, 0600);
    if (rc != MDB_SUCCESS)
      g_clear_pointer (&core->env, mdb_env_close);
    size /= 2;
  } while (rc == ENOMEM && size > ((gsize) 256 << 20));
  return rc;
}

/* A file that is shorter than what it says it holds would be a signal at the first read. */
static gboolean
check_length (LmdbCore *core, const char *path, GError **error)
{
  MDB_envinfo info;
  MDB_stat stat;
  mdb_filehandle_t fd;
  struct stat st;

  mdb_env_info (core->env, &info);
  mdb_env_stat (core->env, &stat);
  mdb_env_get_fd (core->env, &fd);
  core->page_size = stat.ms_psize;
  if (fstat (fd, &st) != 0)
    return set_errno (error, path, "cannot read", errno);
  if ((guint64) st.st_size < (info.me_last_pgno + 1) * core->page_size) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: the database is damaged: its file is cut off", path);
    return FALSE;
  }
  atomic_store (&core->reserved, st.st_size);
  return TRUE;
}

static gboolean
read_revisions (LmdbCore *core, const char *path, GError **error)
{
  guint64 revision = 0, compacted = 0, done = 0;
  MDB_cursor *log;
  MDB_txn *txn;
  int rc = mdb_txn_begin (core->env, NULL, MDB_RDONLY, &txn);

  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);
  rc = mdb_cursor_open (txn, core->databases.log, &log);
  if (rc == MDB_SUCCESS) {
    rc = lmdb_record_last_revision (log, &revision);
    mdb_cursor_close (log);
  }
  if (rc == MDB_SUCCESS)
    rc = lmdb_meta_get_compacted (txn, core->databases.meta, &compacted, &done);
  mdb_txn_abort (txn);
  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);
  if (compacted > revision || done > MAX (compacted, KUBE_STORE_FIRST_REVISION)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: the database is damaged: compacted at %" G_GUINT64_FORMAT
                 ", newest revision %" G_GUINT64_FORMAT, path, compacted, revision);
    return FALSE;
  }
  atomic_store (&core->revision, revision);
  atomic_store (&core->compacted, compacted);
  atomic_store (&core->done, done);
  core->flushed = revision;
  core->compact_pending = done < compacted;
  return TRUE;
}

static void
recover_write (const KubeStoreRecord *record, gpointer user_data)
{
  g_autoptr (GBytes) value = record->has_value ? g_bytes_new (record->value, record->length) : NULL;
  LmdbCore *core = user_data;

  kube_store_table_append (&core->recent, record->key, record->previous, value, record->removed);
}

/* What the last process wrote and LMDB has not is in the journal. */
static gboolean
open_journal (LmdbCore *core, const char *path, guint64 writes, GError **error)
{
  core->recent.base = core->recent.newest = core->flushed;
  core->journal = kube_store_journal_open (path, writes, core->flushed, recover_write, core, error);
  if (core->journal == NULL)
    return FALSE;
  core->sealed = core->recent.newest;
  atomic_store (&core->revision, core->recent.newest);
  return TRUE;
}

static gboolean
core_open (LmdbCore *core, const char *path, guint64 writes, GError **error)
{
  int rc;

  if (g_mkdir_with_parents (path, 0700) != 0)
    return set_errno (error, path, "cannot be made", errno);
  if (!take_lock (core, path, error))
    return FALSE;
  rc = open_env (core, path);
  if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: not a store of libkube, or damaged: %s", path, mdb_strerror (rc));
    return FALSE;
  }
  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);
  return check_length (core, path, error) && lmdb_open_databases (core->env, path, &core->databases, error)
         && read_revisions (core, path, error) && open_journal (core, path, writes, error)
         && lmdb_space_reserve (core, 64 * core->page_size, error);
}

KubeStore *
kube_store_lmdb_new_with_journal (const char *path, guint64 writes, GError **error)
{
  LmdbCore *core = core_new ();
  KubeStoreLmdb *self;

  if (!core_open (core, path, writes, error)) {
    lmdb_core_unref (core);
    return NULL;
  }
  self = g_object_new (KUBE_TYPE_STORE_LMDB, NULL);
  self->core = core;
  g_atomic_ref_count_inc (&core->refs);
  core->space_thread = g_thread_new ("kube-store-room", lmdb_space_run, core);
  core->flush_thread = g_thread_new ("kube-store-lmdb", lmdb_flush_run, core);
  core->thread = g_thread_new ("kube-store", lmdb_writer_run, core);
  return KUBE_STORE (self);
}

/**
 * kube_store_lmdb_new:
 * @path: a folder, made where it is missing
 * @error: return location for an error: %KUBE_ERROR_INTERNAL (in use by another process, not a store of libkube, made by a newer
 *   libkube, damaged, no space)
 *
 * Opens the durable store in a folder. Its writes are made by one thread, all that wait with one sync of its journal; each is answered
 * after the sync that made it durable, and taken into the database later. A full disk fails the writes that found no space, and nothing else; when there is space
 * again, writes go on.
 *
 * Returns: (transfer full): the store
 *
 * Since: 1.0
 */
KubeStore *
kube_store_lmdb_new (const char *path, GError **error)
{
  return kube_store_lmdb_new_with_journal (path, KUBE_STORE_JOURNAL_WRITES, error);
}
