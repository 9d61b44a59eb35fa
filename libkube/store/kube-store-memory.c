/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-private.h"

#include <string.h>

/* A balanced tree of keys, each with the chain of its versions from the newest back, and a log of the versions after the compacted
 * revision in order. Writers are serialised by `writing`, which also keeps commit functions in order; `lock` guards what readers see
 * and is held for short steps only: never while somebody else's function runs. */

#define SLICE 128
#define COMPACT_AT_ONCE 20000
#define COMPACT_WITH_WRITE 256

typedef struct _Version Version;

typedef struct {
  gatomicrefcount refs;
  Version *newest;
  char name[];
} Key;

struct _Version {
  guint64 revision;
  Key *key; /* (owned) */
  Version *previous;
  GBytes *value; /* (owned) */
  gboolean removed;
};

#define KUBE_TYPE_STORE_MEMORY (kube_store_memory_get_type ())
G_DECLARE_FINAL_TYPE (KubeStoreMemory, kube_store_memory, KUBE, STORE_MEMORY, GObject)

struct _KubeStoreMemory {
  GObject parent_instance;

  GMutex writing;
  KubeStoreCommitFunc commit_func; /* (mutex writing) */
  gpointer commit_data;

  GRWLock lock;
  GTree *keys;   /* (element-type Key) (mutex lock) */
  Version **log; /* (mutex lock): of revisions log_base + 1 … revision, from log_head on */
  gsize log_head, log_size;
  guint64 log_base;
  guint64 revision;
  guint64 compacted;
  guint64 size;
  gboolean closed;

  KubeStorePins pins;
};

static void kube_store_memory_iface_init (KubeStoreInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (KubeStoreMemory, kube_store_memory, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_STORE, kube_store_memory_iface_init))

static Key *
key_new (const char *name)
{
  gsize length = strlen (name);
  Key *key = g_malloc0 (sizeof *key + length + 1);

  g_atomic_ref_count_init (&key->refs);
  memcpy (key->name, name, length + 1);
  return key;
}

static Key *
key_ref (Key *key)
{
  g_atomic_ref_count_inc (&key->refs);
  return key;
}

static void
key_unref (Key *key)
{
  if (g_atomic_ref_count_dec (&key->refs))
    g_free (key);
}

static void
version_free (KubeStoreMemory *self, Version *version)
{
  self->size -= sizeof *version + g_bytes_get_size (version->value);
  g_bytes_unref (version->value);
  key_unref (version->key);
  g_free (version);
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (a, b);
}

static guint64
current_revision (Version *version)
{
  return version == NULL || version->removed ? 0 : version->revision;
}

static void
log_append (KubeStoreMemory *self, Version *version)
{
  gsize used = self->revision - self->log_base;

  if (self->log_head + used == self->log_size) {
    if (self->log_head > self->log_size / 2) {
      memmove (self->log, self->log + self->log_head, used * sizeof *self->log);
      self->log_head = 0;
    } else {
      self->log_size = MAX (64, self->log_size * 2);
      self->log = g_renew (Version *, self->log, self->log_size);
    }
  }
  self->log[self->log_head + used] = version;
}

static Version *
log_get (KubeStoreMemory *self, guint64 revision)
{
  return self->log[self->log_head + (revision - self->log_base - 1)];
}

/* Forgets what the versions up to the compacted revision have replaced, @budget versions at most. */
static void
compact_some (KubeStoreMemory *self, guint budget)
{
  guint64 limit;

  if (self->log_base >= self->compacted)
    return;
  limit = kube_store_pins_limit (&self->pins, self->compacted);
  for (; self->log_base < limit && budget > 0; budget--) {
    Version *version = log_get (self, self->log_base + 1);

    self->log_base++;
    self->log_head++;
    if (version->previous != NULL)
      version_free (self, g_steal_pointer (&version->previous));
    if (version->removed && version->key->newest == version) {
      g_tree_remove (self->keys, version->key->name);
      version_free (self, version);
    }
  }
}

static void
apply (KubeStoreMemory *self, KubeStorePending *pending, Key *key)
{
  Version *replaced = key != NULL ? key->newest : NULL;
  Version *version = g_new0 (Version, 1);

  version->revision = self->revision + 1;
  version->removed = pending->write.remove;
  version->value = kube_store_pending_make_value (pending, version->revision);
  if (version->value == NULL)
    version->value = g_bytes_ref (replaced->value);
  version->previous = replaced;

  g_rw_lock_writer_lock (&self->lock);
  if (key == NULL) {
    key = key_new (pending->key);
    g_tree_insert (self->keys, key->name, key);
  }
  version->key = key_ref (key);
  key->newest = version;
  log_append (self, version);
  self->revision++;
  self->size += sizeof *version + g_bytes_get_size (version->value);
  pending->revision = version->revision;
  pending->value = g_bytes_ref (version->value);
  if (replaced != NULL && !replaced->removed)
    pending->previous = g_bytes_ref (replaced->value);
  compact_some (self, COMPACT_WITH_WRITE);
  g_rw_lock_writer_unlock (&self->lock);
}

static void
kube_store_memory_write (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  KubeStorePending *pending = kube_store_pending_new (store, write, callback, user_data);
  KubeStoreEvent event;
  Key *key;

  g_mutex_lock (&self->writing);
  key = g_tree_lookup (self->keys, pending->key);
  if (self->closed) {
    kube_store_set_closed (&pending->error);
  } else if (kube_store_pending_check (pending, key != NULL ? current_revision (key->newest) : 0)) {
    apply (self, pending, key);
    kube_store_pending_get_event (pending, &event);
    if (self->commit_func != NULL)
      self->commit_func (store, &event, 1, self->commit_data);
  } else if (pending->revision != 0) {
    pending->value = g_bytes_ref (key->newest->value);
  }
  g_mutex_unlock (&self->writing);
  kube_store_pending_deliver (pending);
}

static Version *
version_at (Version *version, guint64 revision)
{
  while (version != NULL && version->revision > revision)
    version = version->previous;
  return version == NULL || version->removed ? NULL : version;
}

static GBytes *
kube_store_memory_get (KubeStore *store, const char *name, guint64 *revision, GError **error)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  GBytes *value = NULL;
  gboolean closed;
  Key *key;

  g_rw_lock_reader_lock (&self->lock);
  closed = self->closed;
  key = closed ? NULL : g_tree_lookup (self->keys, name);
  if (key != NULL && !key->newest->removed) {
    value = g_bytes_ref (key->newest->value);
    if (revision != NULL)
      *revision = key->newest->revision;
  }
  g_rw_lock_reader_unlock (&self->lock);

  if (closed)
    kube_store_set_closed (error);
  else if (value == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s: there is no such key", name);
  return value;
}

typedef struct {
  Key *key;
  GBytes *value;
  guint64 revision;
} Item;

/* The next keys of a range from the one named @from on (or after it); returns how many, at most SLICE. */
static guint
take_slice (KubeStoreMemory *self, const KubeStoreRange *range, const char *from, gboolean after, guint64 at, Item *items)
{
  GTreeNode *node;
  guint n = 0;

  g_rw_lock_reader_lock (&self->lock);
  node = after ? g_tree_upper_bound (self->keys, from) : g_tree_lower_bound (self->keys, from);
  for (; node != NULL && n < SLICE; node = g_tree_node_next (node)) {
    Key *key = g_tree_node_value (node);
    Version *version;

    if (range->end != NULL ? strcmp (key->name, range->end) >= 0 : strcmp (key->name, range->start) != 0)
      break;
    version = version_at (key->newest, at);
    if (version == NULL)
      continue;
    items[n].key = key_ref (key);
    items[n].value = g_bytes_ref (version->value);
    items[n++].revision = version->revision;
  }
  g_rw_lock_reader_unlock (&self->lock);
  return n;
}

/* Pins the revision to read at, so that compaction leaves what it needs. */
static gboolean
begin_read (KubeStoreMemory *self, guint64 revision, guint64 *at, GError **error)
{
  guint64 current, compacted;
  gboolean closed;

  g_rw_lock_reader_lock (&self->lock);
  current = self->revision;
  compacted = self->compacted;
  closed = self->closed;
  *at = revision != 0 ? revision : current;
  kube_store_pins_add (&self->pins, *at);
  g_rw_lock_reader_unlock (&self->lock);

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
  g_autofree char *last = NULL;
  Item items[SLICE];
  gboolean wanted = TRUE;
  guint64 at;
  guint n;

  if (!begin_read (self, range->revision, &at, error))
    return FALSE;
  do {
    n = take_slice (self, range, last != NULL ? last : range->start, last != NULL, at, items);
    g_free (last);
    last = n == SLICE ? g_strdup (items[n - 1].key->name) : NULL;
    for (guint i = 0; i < n; i++) {
      gsize length;
      const guint8 *data = g_bytes_get_data (items[i].value, &length);

      wanted = wanted && kube_store_visit_offer (&state, items[i].key->name, data, length, items[i].revision);
      g_bytes_unref (items[i].value);
      key_unref (items[i].key);
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
  g_rw_lock_reader_lock (&self->lock);
  for (GTreeNode *node = g_tree_lower_bound (self->keys, range->start); node != NULL; node = g_tree_node_next (node)) {
    Key *key = g_tree_node_value (node);

    if (range->end != NULL ? strcmp (key->name, range->end) >= 0 : strcmp (key->name, range->start) != 0)
      break;
    count += version_at (key->newest, at) != NULL;
  }
  g_rw_lock_reader_unlock (&self->lock);
  kube_store_pins_remove (&self->pins, at);
  return count;
}

static guint64
kube_store_memory_get_revision (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 revision;

  g_rw_lock_reader_lock (&self->lock);
  revision = self->revision;
  g_rw_lock_reader_unlock (&self->lock);
  return revision;
}

static guint64
kube_store_memory_get_compacted (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 compacted;

  g_rw_lock_reader_lock (&self->lock);
  compacted = self->compacted;
  g_rw_lock_reader_unlock (&self->lock);
  return compacted;
}

typedef struct {
  KubeStoreEvent event;
  Key *key;
} HistoryItem;

static void
history_take (HistoryItem *item, Version *version)
{
  Version *replaced = version->previous;

  item->key = key_ref (version->key);
  item->event.type = version->removed ? KUBE_STORE_EVENT_REMOVE : KUBE_STORE_EVENT_PUT;
  item->event.revision = version->revision;
  item->event.key = item->key->name;
  item->event.value = g_bytes_ref (version->value);
  item->event.previous = replaced != NULL && !replaced->removed ? g_bytes_ref (replaced->value) : NULL;
}

static gboolean
kube_store_memory_history (KubeStore *store, guint64 after, guint limit, KubeStoreCommitFunc func, gpointer user_data,
                           GError **error)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);
  guint64 compacted;
  gboolean closed;
  guint n = 0;

  g_rw_lock_reader_lock (&self->lock);
  compacted = self->compacted;
  closed = self->closed;
  after = compacted == 0 ? MAX (after, KUBE_STORE_FIRST_REVISION) : after;
  if (!closed && after >= compacted && after < self->revision)
    n = MIN (limit, self->revision - after);
  g_autofree HistoryItem *items = g_new (HistoryItem, n);
  for (guint i = 0; i < n; i++)
    history_take (&items[i], log_get (self, after + 1 + i));
  g_rw_lock_reader_unlock (&self->lock);

  if (closed)
    return kube_store_set_closed (error);
  if (after < compacted)
    return kube_store_set_too_old (error, after, compacted);

  for (guint i = 0; i < n; i++) {
    func (store, &items[i].event, 1, user_data);
    g_bytes_unref (items[i].event.value);
    g_clear_pointer (&items[i].event.previous, g_bytes_unref);
    key_unref (items[i].key);
  }
  return TRUE;
}

static void
kube_store_memory_compact (KubeStore *store, guint64 revision)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);

  g_mutex_lock (&self->writing);
  g_rw_lock_writer_lock (&self->lock);
  self->compacted = MAX (self->compacted, MIN (revision, self->revision));
  compact_some (self, COMPACT_AT_ONCE);
  g_rw_lock_writer_unlock (&self->lock);
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

  g_rw_lock_reader_lock (&self->lock);
  size = self->size;
  g_rw_lock_reader_unlock (&self->lock);
  return size;
}

static void
kube_store_memory_close (KubeStore *store)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (store);

  g_mutex_lock (&self->writing);
  g_rw_lock_writer_lock (&self->lock);
  self->closed = TRUE;
  g_rw_lock_writer_unlock (&self->lock);
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

static gboolean
free_chain (gpointer name, gpointer value, gpointer user_data)
{
  KubeStoreMemory *self = user_data;
  Version *previous;

  for (Version *version = ((Key *) value)->newest; version != NULL; version = previous) {
    previous = version->previous;
    version_free (self, version);
  }
  return FALSE;
}

static void
kube_store_memory_finalize (GObject *object)
{
  KubeStoreMemory *self = KUBE_STORE_MEMORY (object);

  g_tree_foreach (self->keys, free_chain, self);
  g_tree_unref (self->keys);
  g_free (self->log);
  kube_store_pins_clear (&self->pins);
  g_rw_lock_clear (&self->lock);
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
  g_rw_lock_init (&self->lock);
  kube_store_pins_init (&self->pins);
  self->keys = g_tree_new_full (compare_names, NULL, NULL, (GDestroyNotify) key_unref);
  self->revision = self->log_base = KUBE_STORE_FIRST_REVISION;
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
