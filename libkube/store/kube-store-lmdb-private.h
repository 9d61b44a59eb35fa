/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-store-private.h"

#include <lmdb.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* The LMDB engine's parts: format (what stands in the databases), reader, writer, and the object that holds them.
 *
 * Three databases, as etcd's MVCC has them: `log` holds every write under its revision, with its value and the revision of the write
 * before it to the same key; `keys` holds for each key its newest revision; `meta` the format and how far history is compacted. A value
 * is written once, appended; a read as of an older revision follows the chain of previous revisions. */

#define LMDB_FORMAT 1
#define LMDB_KEY_MAX 511        /* LMDB's own limit */
#define LMDB_READERS 1000       /* slots in the lock file */
#define LMDB_READ_TIME 10000    /* us that a read transaction may last */
#define LMDB_BATCH_WRITES 1024  /* writes in one transaction */
#define LMDB_BATCH_BYTES (8 * 1024 * 1024)

/* A write in `log`. */
typedef struct {
  guint64 revision;
  guint64 previous; /* revision of the write before it to this key; 0: none */
  gboolean removed;
  gboolean has_value; /* a removal without one has the value of the write before it */
  const char *key;
  const guint8 *value;
  gsize length;
} LmdbRecord;

/* What `keys` says of a key. */
typedef struct {
  guint64 revision; /* 0: nothing */
  gboolean removed;
} LmdbEntry;

typedef struct {
  MDB_dbi log, keys, meta;
} LmdbDatabases;

/* One position in `keys`. Keys of LMDB_KEY_MAX bytes and more share a record with all that begin with the same LMDB_KEY_MAX bytes,
 * sorted by the rest, so that long keys are in order too. */
typedef struct {
  MDB_cursor *cursor; /* (unowned) */
  const guint8 *bucket; /* rest of the shared record, NULL outside of one */
  const guint8 *bucket_end;
  LmdbEntry entry;
  gsize key_length;
  char key[KUBE_STORE_MAX_KEY + 1];
} LmdbWalk;

gsize lmdb_record_size (KubeStorePending *pending);
int lmdb_record_append (MDB_cursor *log, guint64 revision, guint64 previous, KubeStorePending *pending, GBytes *value);
int lmdb_record_get (MDB_cursor *log, guint64 revision, LmdbRecord *record);
int lmdb_record_first (MDB_cursor *log, guint64 from, LmdbRecord *record);
int lmdb_record_next (MDB_cursor *log, LmdbRecord *record);
int lmdb_record_last_revision (MDB_cursor *log, guint64 *revision);
int lmdb_record_delete (MDB_txn *txn, MDB_dbi log, guint64 revision);

int lmdb_entry_get (MDB_cursor *keys, const char *key, LmdbEntry *entry);
int lmdb_entry_put (MDB_txn *txn, MDB_dbi keys, const char *key, const LmdbEntry *entry);
int lmdb_entry_delete (MDB_txn *txn, MDB_dbi keys, const char *key);
/* Goes to the first key that is not less than @start (@after: that is greater); MDB_NOTFOUND at the end. */
int lmdb_walk_begin (LmdbWalk *walk, MDB_cursor *keys, const char *start, gboolean after);
int lmdb_walk_next (LmdbWalk *walk);

/* Opens the databases of @env, makes them where @env is empty. */
gboolean lmdb_open_databases (MDB_env *env, const char *path, LmdbDatabases *databases, GError **error);
int lmdb_meta_put_compacted (MDB_txn *txn, MDB_dbi meta, guint64 compacted, guint64 done);
int lmdb_meta_get_compacted (MDB_txn *txn, MDB_dbi meta, guint64 *compacted, guint64 *done);
gboolean lmdb_set_error (GError **error, int rc, const char *what);

typedef struct {
  MDB_txn *txn;
  MDB_cursor *log, *keys;
} LmdbReader;

/* What the object and its writer thread share: each holds a reference, so that either may end first. */
typedef struct {
  gatomicrefcount refs;
  MDB_env *env;
  LmdbDatabases databases;
  int lock_fd;

  _Atomic guint64 revision;  /* newest that is durable */
  _Atomic guint64 compacted; /* what may be forgotten */
  _Atomic guint64 done;      /* up to where it is forgotten on the disk */
  KubeStorePins pins;

  GMutex mutex;
  GCond wake;
  KubeStorePending *first; /* (mutex mutex) */
  KubeStorePending **last;
  gboolean closing;
  gboolean compact_pending;
  GThread *thread;

  GMutex commit_mutex;
  KubeStoreCommitFunc commit_func; /* (mutex commit_mutex) */
  gpointer commit_data;

  GMutex pool_mutex;
  GCond pool_cond;
  GPtrArray *idle_readers; /* (mutex pool_mutex) (element-type LmdbReader) */
  guint n_readers, n_active, n_waiting;
  gboolean closed;

  gsize page_size;
  GMutex space_mutex;
  GCond space_wake;
  guint64 reserved; /* (mutex space_mutex): up to where the file is written */
  gboolean grow, space_closing;
  GThread *space_thread;

  guint64 saved_compacted; /* what stands in `meta`; only on the writer's thread */
} LmdbCore;

void lmdb_core_unref (LmdbCore *core);
void lmdb_core_close_readers (LmdbCore *core);
gpointer lmdb_writer_run (gpointer core);
void lmdb_writer_poke (LmdbCore *core);

gpointer lmdb_space_run (gpointer core);
gboolean lmdb_space_reserve (LmdbCore *core, guint64 bytes, GError **error);
void lmdb_space_committed (LmdbCore *core);

GBytes *lmdb_reader_get (LmdbCore *core, const char *key, guint64 *revision, GError **error);
gboolean lmdb_reader_range (LmdbCore *core, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data,
                            guint64 *read_at, gboolean *more, GError **error);
guint64 lmdb_reader_count (LmdbCore *core, const KubeStoreRange *range);
gboolean lmdb_reader_history (LmdbCore *core, KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func,
                              gpointer user_data, GError **error);

G_END_DECLS
