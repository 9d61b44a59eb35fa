/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-error.h>
#include <kube/kube-object.h>

G_BEGIN_DECLS

/**
 * KubeStore:
 *
 * An ordered key space with history: one revision for the whole store that grows by one with each write, compare-and-swap writes, reads of a range
 * as of a revision, the history since a revision, and compaction. It knows nothing of objects: values are bytes, and what a writer knows of them beyond that is
 * handed on.
 *
 * Writes are asynchronous and complete once they are durable; an engine may put many in one transaction (group commit). Reads are synchronous and
 * may be made from any thread; an engine that has to wait for a network says so in kube_store_is_remote(), and its reads are then made off the main loops.
 * The revision of an empty store is 1.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_STORE (kube_store_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeStore, kube_store, KUBE, STORE, GObject)

#define KUBE_STORE_NO_OFFSET G_MAXSIZE
#define KUBE_STORE_ANY_REVISION G_MAXUINT64

/**
 * KubeStoreWrite:
 * @key: at most 1,024 bytes, no NUL
 * @value: (nullable): the bytes to store. For a removal: the last state as the event shall show it (%NULL: as it was stored)
 * @previous: (nullable): the value that this write replaces, where the writer knows it; it is used only if @expected matches, and saves reading it again
 * @expected: the revision at which the key must have been written last; 0: the key must not exist; %KUBE_STORE_ANY_REVISION: whatever is there
 * @revision_at: where in @value the new revision is written in decimal digits (inserted, nothing is overwritten); %KUBE_STORE_NO_OFFSET: nowhere
 * @remove: remove the key
 * @object: (nullable): what @value says, where the writer has it; handed on to the event, so that nobody parses @value again
 *
 * One write. The store takes its own references.
 */
typedef struct {
  const char *key;
  GBytes *value;
  GBytes *previous;
  guint64 expected;
  gsize revision_at;
  gboolean remove;
  KubeObject *object;
} KubeStoreWrite;

/**
 * KubeStoreResult:
 * @error: (nullable): %KUBE_ERROR_CONFLICT (@expected did not match; @value and @revision are then what is there, NULL and 0 where nothing is),
 *   %KUBE_ERROR_NOT_FOUND (removal of what is not there), %KUBE_ERROR_INTERNAL (disk full, I/O error: nothing was written), %KUBE_ERROR_SERVICE_UNAVAILABLE at shutdown
 * @revision: the revision of this write
 * @value: (nullable): the value as it was stored, with its revision in it
 *
 * The outcome of one write; borrowed, valid during the callback.
 */
typedef struct {
  const GError *error;
  guint64 revision;
  GBytes *value;
} KubeStoreResult;

typedef void (*KubeStoreWriteFunc) (KubeStore *store, const KubeStoreResult *result, gpointer user_data);

typedef enum {
  KUBE_STORE_EVENT_PUT,
  KUBE_STORE_EVENT_REMOVE,
} KubeStoreEventType;

/**
 * KubeStoreEvent:
 * @type: what happened
 * @revision: at which revision
 * @key: to which key
 * @value: the value after it; for a removal the last state, with the removal's revision where the writer gave a place for it
 * @previous: (nullable): the value before it; %NULL: the key did not exist (or, in history, its previous state is compacted)
 * @object: (nullable): of the write; it may have another metadata.resourceVersion than @value
 *
 * One committed write.
 */
typedef struct {
  KubeStoreEventType type;
  guint64 revision;
  const char *key;
  GBytes *value;
  GBytes *previous;
  KubeObject *object;
} KubeStoreEvent;

/* Called for all writes, in order, without gap, after they are durable and before the writers are told; on the engine's own thread: it must be quick and
 * must not call the store. */
typedef void (*KubeStoreCommitFunc) (KubeStore *store, const KubeStoreEvent *events, guint n_events, gpointer user_data);

/**
 * KubeStoreRange:
 * @start: first key
 * @end: (nullable): the key before which the range ends; %NULL: @start alone
 * @revision: as of which revision; 0: the newest
 * @limit: at most so many; 0: all
 */
typedef struct {
  const char *start;
  const char *end;
  guint64 revision;
  guint64 limit;
} KubeStoreRange;

/* Called for each key in order; @value is valid during the call only. FALSE ends the range there (the key was taken). It must not block. */
typedef gboolean (*KubeStoreVisitFunc) (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data);

struct _KubeStoreInterface {
  GTypeInterface parent;
  void (*write) (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data);
  /* Errors: KUBE_ERROR_NOT_FOUND */
  GBytes *(*get) (KubeStore *store, const char *key, guint64 *revision, GError **error);
  /* @read_at: the revision of the snapshot. @more: whether the limit or the visitor ended it before the end.
   * Errors: KUBE_ERROR_EXPIRED (compacted), KUBE_ERROR_TIMEOUT (a revision that is not there yet). */
  gboolean (*range) (KubeStore *store, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data, guint64 *read_at, gboolean *more, GError **error);
  guint64 (*count) (KubeStore *store, const KubeStoreRange *range);
  guint64 (*get_revision) (KubeStore *store);
  guint64 (*get_compacted) (KubeStore *store);
  /* Events after revision @after, at most @limit, in order. Errors: KUBE_ERROR_EXPIRED. */
  gboolean (*history) (KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data, GError **error);
  /* Forgets what is older than @revision; works in slices of its own, returns at once. */
  void (*compact) (KubeStore *store, guint64 revision);
  /* At most one; set before the first write. */
  void (*set_commit_func) (KubeStore *store, KubeStoreCommitFunc func, gpointer user_data);
  gboolean (*is_remote) (KubeStore *store);
  guint64 (*get_size) (KubeStore *store); /* bytes that the store takes */
  void (*close) (KubeStore *store);       /* completes what was written, then refuses */
  gpointer reserved[8];
};

/* @callback is called on the main context that is thread-default now, in the order of the writes of this thread. */
KUBE_AVAILABLE_IN_1_0
void kube_store_write (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data);
/* Waits for one write; not on a thread whose main context other writes complete on. Returns the revision, 0 on error. */
KUBE_AVAILABLE_IN_1_0
guint64 kube_store_write_sync (KubeStore *store, const KubeStoreWrite *write, GError **error);
KUBE_AVAILABLE_IN_1_0
GBytes *kube_store_get (KubeStore *store, const char *key, guint64 *revision, GError **error);
KUBE_AVAILABLE_IN_1_0
gboolean kube_store_range (KubeStore *store, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data, guint64 *read_at, gboolean *more, GError **error);
KUBE_AVAILABLE_IN_1_0
guint64 kube_store_count (KubeStore *store, const KubeStoreRange *range);
KUBE_AVAILABLE_IN_1_0
guint64 kube_store_get_revision (KubeStore *store);
KUBE_AVAILABLE_IN_1_0
guint64 kube_store_get_compacted (KubeStore *store);
KUBE_AVAILABLE_IN_1_0
gboolean kube_store_history (KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_store_compact (KubeStore *store, guint64 revision);
KUBE_AVAILABLE_IN_1_0
void kube_store_set_commit_func (KubeStore *store, KubeStoreCommitFunc func, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_store_is_remote (KubeStore *store);
KUBE_AVAILABLE_IN_1_0
guint64 kube_store_get_size (KubeStore *store);
KUBE_AVAILABLE_IN_1_0
void kube_store_close (KubeStore *store);

/* The LMDB engine: durable, for one process. @path: a folder, made where it is missing (mode 0700). Errors: %KUBE_ERROR_INTERNAL: in use by another process
 * (says by which pid), not a store of ours, made by a newer libkube, no space. */
KUBE_AVAILABLE_IN_1_0
KubeStore *kube_store_lmdb_new (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The memory engine: gone with its process. Writes complete on the next turn of the caller's main context; no threads. */
KUBE_AVAILABLE_IN_1_0
KubeStore *kube_store_memory_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
