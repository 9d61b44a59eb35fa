/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-store-journal.h"
#include "kube-store-table.h"

#include <lmdb.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* The LMDB engine's parts: format (what stands in the databases), writer, flush, reader, room, and the object that holds them.
 *
 * A write is durable once it stands in the journal, and it is read from a table in memory until it stands in LMDB too: the writer's
 * thread appends what has queued up to the journal with one sync, and a thread behind it takes what a full file of the journal holds
 * into LMDB in one transaction. So LMDB sees hundreds of writes at a time, and none of them waits for it.
 *
 * Three databases, as etcd's MVCC has them: `log` holds every write under its revision, with its value and the revision of the write
 * before it to the same key; `keys` holds for each key its newest revision; `meta` the format and how far history is compacted. A value
 * is written once, appended; a read as of an older revision follows the chain of previous revisions. */

#define LMDB_FORMAT 2
#define LMDB_KEY_MAX 511        /* LMDB's own limit */
#define LMDB_READERS 1000       /* slots in the lock file */
#define LMDB_READ_TIME 10000    /* us that a read transaction may last */
#define LMDB_BATCH_WRITES 1024  /* writes with one sync */
#define LMDB_BATCH_BYTES (8 * 1024 * 1024)

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

int lmdb_record_append (MDB_cursor *log, const KubeStoreRecord *record);
int lmdb_record_get (MDB_cursor *log, guint64 revision, KubeStoreRecord *record);
int lmdb_record_first (MDB_cursor *log, guint64 from, KubeStoreRecord *record);
int lmdb_record_next (MDB_cursor *log, KubeStoreRecord *record);
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

/* What the object and its threads share: the object and the writer hold a reference each, so that either may end first. */
typedef struct {
  gatomicrefcount refs;
  MDB_env *env;
  LmdbDatabases databases;
  int lock_fd;

  _Atomic guint64 revision;  /* newest that is durable */
  _Atomic guint64 compacted; /* what may be forgotten */
  _Atomic guint64 done;      /* up to where it is forgotten in LMDB */
  KubeStorePins pins;

  GMutex mutex;
  GCond wake;
  KubeStorePending *first; /* (mutex mutex) */
  KubeStorePending **last;
  gboolean closing;
  GThread *thread;

  GMutex commit_mutex;
  KubeStoreCommitFunc commit_func; /* (mutex commit_mutex) */
  gpointer commit_data;

  KubeStoreJournal *journal;
  KubeStoreTable recent; /* what is not in LMDB yet; what is newer than `revision` is not durable and nobody's business */

  GMutex flush_mutex;
  GCond flush_wake, flush_done;
  guint64 sealed, flushed; /* (mutex flush_mutex): up to where LMDB is to be, and is */
  GError *flush_error;     /* (mutex flush_mutex): of the last attempt; another is made when it is cleared */
  gboolean compact_pending, flush_closing;
  GThread *flush_thread;

  GMutex pool_mutex;
  GCond pool_cond;
  GPtrArray *idle_readers; /* (mutex pool_mutex) (element-type LmdbReader) */
  guint n_readers, n_active, n_waiting;
  gboolean closed;

  gsize page_size;
  _Atomic guint64 reserved; /* up to where the file is written */
  _Atomic guint64 wanted;   /* bytes that will be needed for what is on its way there */
  GMutex space_mutex;
  GCond space_wake;
  gboolean grow, space_closing;
  GThread *space_thread;
} LmdbCore;

void lmdb_core_unref (LmdbCore *core);
void lmdb_core_close_readers (LmdbCore *core);
gpointer lmdb_writer_run (gpointer core);

gpointer lmdb_flush_run (gpointer core);
/* Something that held compaction up is gone. */
void lmdb_flush_poke (LmdbCore *core);
/* Waits until all that is sealed is in LMDB, or cannot be taken there: another attempt is made. */
gboolean lmdb_flush_wait (LmdbCore *core, GError **error);
/* Ends a file of the journal, to be taken into LMDB, once the one before it is there. */
gboolean lmdb_flush_seal (LmdbCore *core, GError **error);

gpointer lmdb_space_run (gpointer core);
gboolean lmdb_space_reserve (LmdbCore *core, guint64 bytes, GError **error);
/* A transaction was committed. (mutex space_mutex) */
void lmdb_space_committed (LmdbCore *core);

/* What LMDB has of a key: MDB_NOTFOUND where nothing. */
int lmdb_reader_find (LmdbCore *core, const char *key, LmdbEntry *entry);
/* (transfer full): the value of the write of @revision, as LMDB has it; MDB_NOTFOUND also for a removal. */
int lmdb_reader_get_value (LmdbCore *core, guint64 revision, GBytes **value);
GBytes *lmdb_reader_get (LmdbCore *core, const char *key, guint64 *revision, GError **error);
gboolean lmdb_reader_range (LmdbCore *core, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data,
                            guint64 *read_at, gboolean *more, GError **error);
guint64 lmdb_reader_count (LmdbCore *core, const KubeStoreRange *range);
gboolean lmdb_reader_history (LmdbCore *core, KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func,
                              gpointer user_data, GError **error);

G_END_DECLS
