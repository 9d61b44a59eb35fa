/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-table.h"

/* All of its content is one table. Writers are serialised by `writing`, which also keeps commit functions in order; the table's lock
 * guards the other members too. */

#define SLICE 128
#define COMPACT_AT_ONCE 20000
#define COMPACT_WITH_WRITE 256

#define KUBE_TYPE_STORE_MEMORY (kube_store_memory_get_type ())
G_DECLARE_FINAL_TYPE (KubeStoreMemory, kube_store_memory, KUBE, STORE_MEMORY, GObject)

struct _KubeStoreMemory {
  GObject parent_instance;

  GMutex writing;
  KubeStoreCommitFunc commit_func; /* (mutex writing) */
  gpointer commit_data;

  KubeStoreTable table;
  guint64 compacted; /* (mutex table.lock) */
  gboolean closed;   /* (mutex table.lock) */

  KubeStorePins pins;
};

static void kube_store_memory_iface_init (KubeStoreInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (KubeStoreMemory, kube_store_memory, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_STORE, kube_store_memory_iface_init))

/* Forgets what the versions up to the compacted revision have replaced, @budget versions at most. */
static void
compact_some (KubeStoreMemory *self, guint budget)
{
  guint64 limit;

  if (self->table.base >= self->compacted)
    return;
  limit = kube_store_pins_limit (&self->pins, self->compacted);
  for (; self->table.base < limit && budget > 0; budget--)
    kube_store_table_compact_first (&self->table);
}

static void
apply (KubeStoreMemory *self, KubeStorePending *pending, KubeStoreVersion *replaced)
{
  g_autoptr (GBytes) value = kube_store_pending_make_value (pending, self->table.newest + 1);
  KubeStoreVersion *version;

  if (value == NULL)
    value = g_bytes_ref (replaced->value);
  g_rw_lock_writer_lock (&self->table.lock);
  version = kube_store_table_append (&self->table, pending->key, replaced != NULL ? replaced->revision : 0, value,
                                     pending->write.remove);
  pending->revision = version->revision;
  pending->value = g_bytes_ref (value);
  if (replaced != NULL && !replaced->removed)
    pending->previous = g_bytes_ref (replaced->value);
  compact_some (self, COMPACT_WITH_WRITE);
  g_rw_lock_writer_unlock (&self->table.lock);
}

static void
kube_store_memory_write (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  KubeStorePending *pending = kube_store_pending_new (store, write, callback, user_data);
  KubeStoreVersion *there;
  KubeStoreEvent event;

  g_mutex_lock (&self->writing);
  there = kube_store_table_find (&self->table, pending->key);
  if (self->closed) {
    kube_store_set_closed (&pending->error);
  } else if (kube_store_pending_check (pending, there == NULL || there->removed ? 0 : there->revision)) {
    apply (self, pending, there);
    kube_store_pending_get_event (pending, &event);
    if (self->commit_func != NULL)
      self->commit_func (store, &event, 1, self->commit_data);
  } else if (pending->revision != 0) {
    pending->value = g_bytes_ref (there->value);
  }
  g_mutex_unlock (&self->writing);
  kube_store_pending_deliver (pending);
}

static GBytes *
kube_store_memory_get (KubeStore *store, const char *name, guint64 *revision, GError **error)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  KubeStoreVersion *version;
  GBytes *value = NULL;
  gboolean closed;

  g_rw_lock_reader_lock (&self->table.lock);
  closed = self->closed;
  version = closed ? NULL : kube_store_table_find (&self->table, name);
  if (version != NULL && !version->removed) {
    value = g_bytes_ref (version->value);
    if (revision != NULL)
      *revision = version->revision;
  }
  g_rw_lock_reader_unlock (&self->table.lock);

  if (closed)
    kube_store_set_closed (error);
  else if (value == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s: there is no such key", name);
  return value;
}

/* Pins the revision to read at, so that compaction leaves what it needs. */
static gboolean
begin_read (KubeStoreMemory *self, guint64 revision, guint64 *at, GError **error)
{
  guint64 current, compacted;
  gboolean closed;

  g_rw_lock_reader_lock (&self->table.lock);
  current = self->table.newest;
  compacted = self->compacted;
  closed = self->closed;
  *at = revision != 0 ? revision : current;
  kube_store_pins_add (&self->pins, *at);
  g_rw_lock_reader_unlock (&self->table.lock);

  if (!closed && *at >= compacted && *at <= current)
    return TRUE;
  kube_store_pins_remove (&self->pins, *at);
  if (closed)
    return kube_store_set_closed (error);
  return *at > current ? kube_store_set_too_large (error, *at, current) : kube_store_set_expired (error);
}

static gboolean
kube_store_memory_range (KubeStore *store, const KubeStoreRange *range, KubeStoreVisitFunc visit, gpointer user_data,
                         guint64 *read_at, gboolean *more, GError **error)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  KubeStoreVisit state = { .visit = visit, .user_data = user_data, .limit = range->limit };
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (KubeStoreItem));
  g_autofree char *last = NULL;
  gboolean wanted = TRUE;
  guint64 at;

  g_array_set_clear_func (items, (GDestroyNotify) kube_store_item_clear);
  if (!begin_read (self, range->revision, &at, error))
    return FALSE;
  do {
    g_array_set_size (items, 0);
    g_rw_lock_reader_lock (&self->table.lock);
    kube_store_table_take (&self->table, range, last != NULL ? last : range->start, last != NULL, at, FALSE, SLICE, items);
    g_rw_lock_reader_unlock (&self->table.lock);
    g_free (last);
    last = items->len == SLICE ? g_strdup (g_array_index (items, KubeStoreItem, SLICE - 1).key->name) : NULL;
    for (guint i = 0; i < items->len && wanted; i++) {
      KubeStoreItem *item = &g_array_index (items, KubeStoreItem, i);
      gsize length;
      const guint8 *data = g_bytes_get_data (item->value, &length);

      wanted = kube_store_visit_offer (&state, item->key->name, data, length, item->revision);
    }
  } while (last != NULL && wanted);
  kube_store_pins_remove (&self->pins, at);

  *read_at = at;
  *more = state.more;
  return TRUE;
}

static guint64
kube_store_memory_count (KubeStore *store, const KubeStoreRange *range)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 at, count = 0;

  if (!begin_read (self, range->revision, &at, NULL))
    return 0;
  g_rw_lock_reader_lock (&self->table.lock);
  for (GTreeNode *node = g_tree_lower_bound (self->table.keys, range->start); node != NULL; node = g_tree_node_next (node)) {
    KubeStoreKey *key = g_tree_node_value (node);
    KubeStoreVersion *version;

    if (range->end != NULL ? strcmp (key->name, range->end) >= 0 : strcmp (key->name, range->start) != 0)
      break;
    version = kube_store_version_at (key->newest, at);
    count += version != NULL && !version->removed;
  }
  g_rw_lock_reader_unlock (&self->table.lock);
  kube_store_pins_remove (&self->pins, at);
  return count;
}

static guint64
kube_store_memory_get_revision (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 revision;

  g_rw_lock_reader_lock (&self->table.lock);
  revision = self->table.newest;
  g_rw_lock_reader_unlock (&self->table.lock);
  return revision;
}

static guint64
kube_store_memory_get_compacted (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 compacted;

  g_rw_lock_reader_lock (&self->table.lock);
  compacted = self->compacted;
  g_rw_lock_reader_unlock (&self->table.lock);
  return compacted;
}

static gboolean
kube_store_memory_history (KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data,
                           GError **error)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  g_autoptr (GArray) changes = g_array_new (FALSE, FALSE, sizeof (KubeStoreChange));
  guint64 compacted;
  gboolean closed;

  g_array_set_clear_func (changes, (GDestroyNotify) kube_store_change_clear);
  g_rw_lock_reader_lock (&self->table.lock);
  compacted = self->compacted;
  closed = self->closed;
  after = compacted == 0 ? MAX (after, KUBE_STORE_FIRST_REVISION) : after;
  if (!closed && after >= compacted)
    kube_store_table_take_log (&self->table, after, limit, changes);
  g_rw_lock_reader_unlock (&self->table.lock);

  if (closed)
    return kube_store_set_closed (error);
  if (after < compacted)
    return kube_store_set_too_old (error, after, compacted);

  for (guint i = 0; i < changes->len; i++) {
    KubeStoreEvent event;

    kube_store_change_get_event (&g_array_index (changes, KubeStoreChange, i), &event);
    func (store, &event, 1, user_data);
  }
  return TRUE;
}

static void
kube_store_memory_compact (KubeStore *store, guint64 revision)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);

  g_mutex_lock (&self->writing);
  g_rw_lock_writer_lock (&self->table.lock);
  self->compacted = MAX (self->compacted, MIN (revision, self->table.newest));
  compact_some (self, COMPACT_AT_ONCE);
  g_rw_lock_writer_unlock (&self->table.lock);
  g_mutex_unlock (&self->writing);
}

static void
kube_store_memory_set_commit_func (KubeStore *store, KubeStoreCommitFunc func, gpointer user_data)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);

  g_mutex_lock (&self->writing);
  self->commit_func = func;
  self->commit_data = user_data;
  g_mutex_unlock (&self->writing);
}

static guint64
kube_store_memory_get_size (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 size;

  g_rw_lock_reader_lock (&self->table.lock);
  size = self->table.bytes;
  g_rw_lock_reader_unlock (&self->table.lock);
  return size;
}

static void
kube_store_memory_close (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);

  g_mutex_lock (&self->writing);
  g_rw_lock_writer_lock (&self->table.lock);
  self->closed = TRUE;
  g_rw_lock_writer_unlock (&self->table.lock);
  g_mutex_unlock (&self->writing);
}

static void
kube_store_memory_iface_init (KubeStoreInterface *iface)
{
  iface->write = kube_store_memory_write;
  iface->get = kube_store_memory_get;
  iface->range = kube_store_memory_range;
  iface->count = kube_store_memory_count;
  iface->get_revision = kube_store_memory_get_revision;
  iface->get_compacted = kube_store_memory_get_compacted;
  iface->history = kube_store_memory_history;
  iface->compact = kube_store_memory_compact;
  iface->set_commit_func = kube_store_memory_set_commit_func;
  iface->get_size = kube_store_memory_get_size;
  iface->close = kube_store_memory_close;
}

static void
kube_store_memory_finalize (GObject *object)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (object);

  kube_store_table_clear (&self->table);
  kube_store_pins_clear (&self->pins);
  g_mutex_clear (&self->writing);
  G_OBJECT_CLASS (kube_store_memory_parent_class)->finalize (object);
}

static void
kube_store_memory_class_init (KubeStoreMemoryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_store_memory_finalize;
}

static void
kube_store_memory_init (KubeStoreMemory *self)
{
  g_mutex_init (&self->writing);
  kube_store_table_init (&self->table, KUBE_STORE_FIRST_REVISION);
  kube_store_pins_init (&self->pins);
}

/**
 * kube_store_memory_new:
 *
 * Makes a store that is gone with its process, for tests and for clusters that need not outlive it. It has no threads of its own: a
 * write is made within kube_store_write() and completes in the next turn of the caller's main context.
 *
 * Returns: (transfer full): a new store
 *
 * Since: 1.0
 */
KubeStore *
kube_store_memory_new (void)
{
  return g_object_new (KUBE_TYPE_STORE_MEMORY, NULL);
}
