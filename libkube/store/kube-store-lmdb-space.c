/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-lmdb-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The file has written blocks ahead of what LMDB uses. The map is never written to, so with blocks reserved a full disk is an error
 * before the write and not a signal; and a sync of blocks that were written before need not wait for the file system's journal. A
 * thread of its own fills the file with zeros ahead of use, in small pieces, so that no write waits for much of it; who fills and who
 * commits exclude each other by `space_mutex`, for zeros must never meet pages that a commit writes. */

#define PIECE (256 * 1024)
#define AHEAD_LEAST (2 * 1024 * 1024)
#define AHEAD_MOST (64 * 1024 * 1024)

static guint64
used_bytes (LmdbCore *core)
{
  MDB_envinfo info;

  mdb_env_info (core->env, &info);
  return (info.me_last_pgno + 1) * core->page_size;
}

static guint64
ahead_wanted (guint64 used)
{
  return CLAMP (used / 4, AHEAD_LEAST, AHEAD_MOST);
}

/* (mutex space_mutex) */
static int
grow_to (LmdbCore *core, guint64 target)
{
  static const char zeros[64 * 1024];
  mdb_filehandle_t fd;
  guint64 at = MAX (atomic_load (&core->reserved), used_bytes (core));

  mdb_env_get_fd (core->env, &fd);
  while (at < target) {
    gssize written = pwrite (fd, zeros, MIN (target - at, sizeof zeros), at);

    if (written < 0 && errno != EINTR)
      return errno;
    at += MAX (written, 0);
    atomic_store (&core->reserved, at);
  }
  return 0;
}

/* Pages that a transaction may take again: what is left where the disk is full. */
static guint64
count_free_bytes (LmdbCore *core)
{
  MDB_txn *txn;
  MDB_cursor *cursor;
  MDB_val key, data;
  guint64 pages = 0;

  if (mdb_txn_begin (core->env, NULL, MDB_RDONLY, &txn) != MDB_SUCCESS)
    return 0;
  if (mdb_cursor_open (txn, 0, &cursor) == MDB_SUCCESS) {
    while (mdb_cursor_get (cursor, &key, &data, MDB_NEXT) == MDB_SUCCESS) {
      gsize n = 0;

      if (data.mv_size >= sizeof n)
        memcpy (&n, data.mv_data, sizeof n);
      pages += n;
    }
    mdb_cursor_close (cursor);
  }
  mdb_txn_abort (txn);
  return pages * core->page_size;
}

/* Wakes the thread, but not at the price of waiting for a commit: the next write asks again. */
static void
grow_ahead (LmdbCore *core)
{
  if (!g_mutex_trylock (&core->space_mutex))
    return;
  core->grow = TRUE;
  g_cond_signal (&core->space_wake);
  g_mutex_unlock (&core->space_mutex);
}

/* Makes sure that there is room for @bytes. */
gboolean
lmdb_space_reserve (LmdbCore *core, guint64 bytes, GError **error)
{
  guint64 used = used_bytes (core), reserved = atomic_load (&core->reserved);
  int failure;

  atomic_store (&core->wanted, bytes);
  if (reserved < used + bytes + ahead_wanted (used) / 2)
    grow_ahead (core);
  if (used + bytes <= reserved)
    return TRUE;
  g_mutex_lock (&core->space_mutex);
  failure = grow_to (core, used + bytes);
  g_mutex_unlock (&core->space_mutex);
  if (failure == 0 || count_free_bytes (core) >= 2 * bytes)
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "the store cannot grow beyond %" G_GUINT64_FORMAT " bytes: %s",
               atomic_load (&core->reserved), g_strerror (failure));
  return FALSE;
}

/* A commit was made: it may have gone beyond what was reserved for it. (mutex space_mutex) */
void
lmdb_space_committed (LmdbCore *core)
{
  atomic_store (&core->reserved, MAX (atomic_load (&core->reserved), used_bytes (core)));
}

gpointer
lmdb_space_run (gpointer data)
{
  LmdbCore *core = data;
  mdb_filehandle_t fd;

  mdb_env_get_fd (core->env, &fd);
  g_mutex_lock (&core->space_mutex);
  while (!core->space_closing) {
    guint64 used = used_bytes (core), reserved = atomic_load (&core->reserved), target = used + atomic_load (&core->wanted) + ahead_wanted (used);
    gboolean grown;

    if (!core->grow || reserved >= target) {
      core->grow = FALSE;
      g_cond_wait (&core->space_wake, &core->space_mutex);
      continue;
    }
    grown = grow_to (core, MIN (reserved + PIECE, target)) == 0;
    core->grow = grown; /* where it failed, the next batch that needs room tries again and answers for it */
    g_mutex_unlock (&core->space_mutex);
    if (grown)
      fdatasync (fd);
    g_mutex_lock (&core->space_mutex);
  }
  g_mutex_unlock (&core->space_mutex);
  return NULL;
}
