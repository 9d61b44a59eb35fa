/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-private.h"

#include <string.h>

G_DEFINE_INTERFACE (KubeStore, kube_store, G_TYPE_OBJECT)

static void
kube_store_default_init (KubeStoreInterface *iface)
{
}

static GError *
check_arguments (const KubeStoreWrite *write)
{
  gsize length = write->key != NULL ? strlen (write->key) : 0;

  if (length == 0 || length > KUBE_STORE_MAX_KEY)
    return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "a key must have 1 to %d bytes, not %" G_GSIZE_FORMAT,
                        KUBE_STORE_MAX_KEY, length);
  if (write->value == NULL)
    return write->remove ? NULL : g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s: no value", write->key);
  if (g_bytes_get_size (write->value) > KUBE_STORE_MAX_VALUE)
    return g_error_new (KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "%s: a value must have at most %d bytes", write->key,
                        KUBE_STORE_MAX_VALUE);
  if (write->revision_at != KUBE_STORE_NO_OFFSET && write->revision_at > g_bytes_get_size (write->value))
    return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s: the place of the revision is beyond the value", write->key);
  return NULL;
}

/**
 * kube_store_write:
 * @store: a #KubeStore
 * @write: what to write; the store takes its own references
 * @callback: (scope async): called once with the outcome
 * @user_data: for @callback
 *
 * Writes one key. @callback is called on the main context that is thread-default now, never from within this call, in the order of
 * the writes of this thread; only a write that is refused for its arguments (a key that is too long) may be answered ahead of
 * others.
 *
 * Since: 1.0
 */
void
kube_store_write (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data)
{
  g_return_if_fail (KUBE_IS_STORE (store));
  g_return_if_fail (write != NULL && write->key != NULL);

  GError *error = check_arguments (write);

  if (error != NULL) {
    KubeStoreWrite refused = { .key = "", .revision_at = KUBE_STORE_NO_OFFSET };
    KubeStorePending *pending = kube_store_pending_new (store, &refused, callback, user_data);

    pending->error = error;
    kube_store_pending_deliver (pending);
    return;
  }
  KUBE_STORE_GET_IFACE (store)->write (store, write, callback, user_data);
}

typedef struct {
  gboolean done;
  guint64 revision;
  GError *error;
} SyncWrite;

static void
on_sync_written (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  SyncWrite *sync = user_data;

  sync->done = TRUE;
  if (result->error != NULL)
    sync->error = g_error_copy (result->error);
  else
    sync->revision = result->revision;
}

/**
 * kube_store_write_sync:
 * @store: a #KubeStore
 * @write: what to write
 * @error: return location for an error
 *
 * Writes one key and waits until it is durable. Any thread may call it: it waits on a main context of its own.
 *
 * Returns: the revision of the write, 0 on error
 *
 * Since: 1.0
 */
guint64
kube_store_write_sync (KubeStore *store, const KubeStoreWrite *write, GError **error)
{
  static GPrivate thread_context = G_PRIVATE_INIT ((GDestroyNotify) g_main_context_unref);
  GMainContext *context = g_private_get (&thread_context);
  SyncWrite sync = { 0 };

  g_return_val_if_fail (KUBE_IS_STORE (store), 0);

  if (context == NULL) {
    context = g_main_context_new ();
    g_private_set (&thread_context, context);
  }
  g_main_context_push_thread_default (context);
  kube_store_write (store, write, on_sync_written, &sync);
  while (!sync.done)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);

  if (sync.error != NULL)
    g_propagate_error (error, sync.error);
  return sync.revision;
}

/**
 * kube_store_get:
 * @store: a #KubeStore
 * @key: a key
 * @revision: (out) (optional): the revision at which it was written last
 * @error: return location for an error: %KUBE_ERROR_NOT_FOUND
 *
 * Reads the newest value of one key.
 *
 * Returns: (transfer full): the value
 *
 * Since: 1.0
 */
GBytes *
kube_store_get (KubeStore *store, const char *key, guint64 *revision, GError **error)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), NULL);

  return KUBE_STORE_GET_IFACE (store)->get (store, key, revision, error);
}

/**
 * kube_store_range:
 * @store: a #KubeStore
 * @range: what to read
 * @visit: (scope call): called for each key, in order
 * @user_data: for @visit
 * @read_at: (out) (optional): the revision of the snapshot that was read
 * @more: (out) (optional): whether the limit or @visit ended it before the end of the range
 * @error: return location for an error: %KUBE_ERROR_EXPIRED (compacted), %KUBE_ERROR_TIMEOUT (a revision that is not there yet)
 *
 * Reads a range of keys, all as of one revision, however long it takes.
 *
 * Since: 1.0
 */
gboolean
kube_store_range (KubeStore *store, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data, guint64 *read_at,
                  gboolean *more, GError **error)
{
  guint64 ignored_read_at;
  gboolean ignored_more;

  g_return_val_if_fail (KUBE_IS_STORE (store), FALSE);

  return KUBE_STORE_GET_IFACE (store)->range (store, range, visit, user_data, read_at != NULL ? read_at : &ignored_read_at,
                                              more != NULL ? more : &ignored_more, error);
}

/**
 * kube_store_count:
 * @store: a #KubeStore
 * @range: which keys; its limit does not count
 *
 * Counts keys without reading values.
 *
 * Returns: how many there are; 0 for a revision that cannot be read
 *
 * Since: 1.0
 */
guint64
kube_store_count (KubeStore *store, const KubeStoreRange *range)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), 0);

  return KUBE_STORE_GET_IFACE (store)->count (store, range);
}

/**
 * kube_store_get_revision:
 * @store: a #KubeStore
 *
 * Returns: the revision of the newest committed write, 1 for an empty store
 *
 * Since: 1.0
 */
guint64
kube_store_get_revision (KubeStore *store)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), 0);

  return KUBE_STORE_GET_IFACE (store)->get_revision (store);
}

/**
 * kube_store_get_compacted:
 * @store: a #KubeStore
 *
 * Returns: the oldest revision that can be read as of, and after which history can be read; 0 where nothing was ever compacted
 *
 * Since: 1.0
 */
guint64
kube_store_get_compacted (KubeStore *store)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), 0);

  return KUBE_STORE_GET_IFACE (store)->get_compacted (store);
}

/**
 * kube_store_history:
 * @store: a #KubeStore
 * @after: the revision after which to begin
 * @limit: at most so many events
 * @func: (scope call): called with the events, in order, in one or more pieces; not at all where there are none
 * @user_data: for @func
 * @error: return location for an error: %KUBE_ERROR_EXPIRED (@after is older than what was compacted)
 *
 * Reads what was committed after a revision.
 *
 * Since: 1.0
 */
gboolean
kube_store_history (KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data, GError **error)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), FALSE);

  return KUBE_STORE_GET_IFACE (store)->history (store, after, limit, func, user_data, error);
}

/**
 * kube_store_compact:
 * @store: a #KubeStore
 * @revision: what is older cannot be read any more; more than the newest revision means that one
 *
 * Forgets old states: at once for who asks, step by step on the disk.
 *
 * Since: 1.0
 */
void
kube_store_compact (KubeStore *store, guint64 revision)
{
  g_return_if_fail (KUBE_IS_STORE (store));

  KUBE_STORE_GET_IFACE (store)->compact (store, revision);
}

/**
 * kube_store_set_commit_func:
 * @store: a #KubeStore
 * @func: (nullable) (scope forever): called for all writes, in order, after they are durable and before the writers are told
 * @user_data: for @func
 *
 * Sets who is told of every commit: one for each store, before the first write. Once this has returned, the former one is not called
 * any more.
 *
 * Since: 1.0
 */
void
kube_store_set_commit_func (KubeStore *store, KubeStoreCommitFunc func, gpointer user_data)
{
  g_return_if_fail (KUBE_IS_STORE (store));

  KUBE_STORE_GET_IFACE (store)->set_commit_func (store, func, user_data);
}

/**
 * kube_store_is_remote:
 * @store: a #KubeStore
 *
 * Returns: whether reads wait for a network, and so do not belong on a main loop
 *
 * Since: 1.0
 */
gboolean
kube_store_is_remote (KubeStore *store)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), FALSE);

  return KUBE_STORE_GET_IFACE (store)->is_remote != NULL && KUBE_STORE_GET_IFACE (store)->is_remote (store);
}

/**
 * kube_store_get_size:
 * @store: a #KubeStore
 *
 * Returns: how many bytes the store takes, on the disk or in memory
 *
 * Since: 1.0
 */
guint64
kube_store_get_size (KubeStore *store)
{
  g_return_val_if_fail (KUBE_IS_STORE (store), 0);

  return KUBE_STORE_GET_IFACE (store)->get_size (store);
}

/**
 * kube_store_close:
 * @store: a #KubeStore
 *
 * Completes what was written and then refuses everything with %KUBE_ERROR_SERVICE_UNAVAILABLE. Waits for running reads, so it is not
 * to be called from a visitor.
 *
 * Since: 1.0
 */
void
kube_store_close (KubeStore *store)
{
  g_return_if_fail (KUBE_IS_STORE (store));

  KUBE_STORE_GET_IFACE (store)->close (store);
}

gboolean
kube_store_visit_offer (KubeStoreVisit *state, const char *key, const guint8 *value, gsize length, guint64 revision)
{
  if (state->ended) {
    state->more = TRUE;
    return FALSE;
  }
  state->visited++;
  state->ended = !state->visit (key, value, length, revision, state->user_data) || state->visited == state->limit;
  return TRUE;
}

gboolean
kube_store_set_expired (GError **error)
{
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_EXPIRED, "The resourceVersion for the provided list is too old.");
  return FALSE;
}

gboolean
kube_store_set_too_old (GError **error, guint64 revision, guint64 compacted)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_EXPIRED,
               "too old resource version: %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT ")", revision, compacted);
  return FALSE;
}

gboolean
kube_store_set_too_large (GError **error, guint64 revision, guint64 current)
{
  GError *made = g_error_new (KUBE_ERROR, KUBE_ERROR_TIMEOUT,
                              "Timeout: Too large resource version: %" G_GUINT64_FORMAT ", current: %" G_GUINT64_FORMAT,
                              revision, current);

  kube_error_add_cause (made, "ResourceVersionTooLarge", NULL, "Too large resource version");
  kube_error_get_details (made)->retry_after = 1;
  g_propagate_error (error, made);
  return FALSE;
}

gboolean
kube_store_set_closed (GError **error)
{
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "the store is closed");
  return FALSE;
}
