/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-storage.h"
#include "kube-schema.h"

/* One slice of a range: how much is copied within one read transaction of the store. */
#define SLICE 512

/* How much text the cache holds, and how much of it one object may be. */
#define CACHE_LIMIT (1024 * 1024)
#define CACHE_ITEM_LIMIT (CACHE_LIMIT / 32)

struct _KubeStorageCache {
  KubeStore *store;
  KubeHub *hub;
  GMutex mutex;
  GHashTable *items; /* (mutex mutex) (element-type utf8 Item): of a key, or of a prefix what a list gave */
  gsize size;        /* (mutex mutex) */
};

/* What was read: that is what is there as long as nothing was written to any object of its kind. */
typedef struct {
  const KubeHubMark *mark;
  guint64 seen;       /* the mark before it was read */
  guint64 revision;   /* at which an object was written: no other text has it */
  KubeObject *object; /* (nullable) */
  GPtrArray *objects; /* (nullable) (element-type KubeObject): of a list */
} Item;

typedef struct {
  GPtrArray *objects;
  char *last;
  gsize size; /* of their text */
} Slice;

char *
kube_storage_key (KubeKind *kind, const char *namespace_, const char *name)
{
  const char *group = kind->storage_group != NULL ? kind->storage_group : kind->group;
  GString *key = g_string_sized_new (128);

  g_string_append (key, "/registry/");
  g_string_append (key, *group != '\0' ? group : "core");
  g_string_append_c (key, '/');
  g_string_append (key, kind->plural);
  g_string_append_c (key, '/');
  if (kind->namespaced && namespace_ != NULL && *namespace_ != '\0') {
    g_string_append (key, namespace_);
    g_string_append_c (key, '/');
  }
  if (name != NULL)
    g_string_append (key, name);
  return g_string_free (key, FALSE);
}

char *
kube_storage_end_of (const char *prefix)
{
  gsize length = strlen (prefix);
  char *end = g_strdup (prefix);

  g_assert (length > 0 && end[length - 1] == '/');
  end[length - 1] = '/' + 1;
  return end;
}

GError *
kube_storage_not_found (KubeKind *kind, const char *name)
{
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s \"%s\" not found", kind->qualified_name, name);
  kube_error_set_subject (error, kind->group, kind->plural, name);
  return error;
}

static void
item_free (gpointer data)
{
  Item *item = data;

  g_clear_pointer (&item->object, kube_object_unref);
  g_clear_pointer (&item->objects, g_ptr_array_unref);
  g_free (item);
}

KubeStorageCache *
kube_storage_cache_new (KubeStore *store, KubeHub *hub)
{
  KubeStorageCache *cache = g_new0 (KubeStorageCache, 1);

  cache->store = g_object_ref (store);
  cache->hub = g_object_ref (hub);
  g_mutex_init (&cache->mutex);
  cache->items = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, item_free);
  return cache;
}

void
kube_storage_cache_free (KubeStorageCache *cache)
{
  g_hash_table_unref (cache->items);
  g_mutex_clear (&cache->mutex);
  g_object_unref (cache->hub);
  g_object_unref (cache->store);
  g_free (cache);
}

/* Looks for what is known at @key. TRUE: it is still what is there. Else @item is what the next reading is to be remembered in. (transfer full) */
static gboolean
recall (KubeStorageCache *cache, KubeKind *kind, const char *key, Item *item)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&cache->mutex);
  Item *known = g_hash_table_lookup (cache->items, key);
  guint64 now;

  if (known == NULL) {
    g_autofree char *prefix = kube_storage_key (kind, NULL, NULL);
    *item = (Item){ .mark = kube_hub_mark (cache->hub, prefix) };
    item->seen = kube_hub_mark_get_revision (item->mark);
    return FALSE;
  }
  now = kube_hub_mark_get_revision (known->mark);
  *item = (Item){ known->mark, now, known->revision, known->object != NULL ? kube_object_ref (known->object) : NULL,
                  known->objects != NULL ? g_ptr_array_ref (known->objects) : NULL };
  return known->seen == now;
}

/* Remembers @item, of which @size bytes are new. */
static void
remember (KubeStorageCache *cache, const char *key, const Item *item, gsize size)
{
  g_autoptr (GMutexLocker) locker = NULL;
  Item *known;

  if (size > CACHE_ITEM_LIMIT)
    return;
  size += sizeof *known + strlen (key);
  known = g_new (Item, 1);
  *known = *item;
  known->object = item->object != NULL ? kube_object_ref (item->object) : NULL;
  known->objects = item->objects != NULL ? g_ptr_array_ref (item->objects) : NULL;

  locker = g_mutex_locker_new (&cache->mutex);
  cache->size += size; /* what is replaced counts on, so that what nobody asks for goes, too */
  if (cache->size > CACHE_LIMIT) {
    g_hash_table_remove_all (cache->items);
    cache->size = size;
  }
  g_hash_table_replace (cache->items, g_strdup (key), known);
}

static GBytes *
read_bytes (KubeStore *store, KubeKind *kind, const char *key, const char *name, guint64 *revision, GError **error)
{
  g_autoptr (GError) failure = NULL;
  GBytes *bytes = kube_store_get (store, key, revision, &failure);

  if (bytes == NULL) {
    if (g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
      g_propagate_error (error, kube_storage_not_found (kind, name));
    else
      g_propagate_error (error, g_steal_pointer (&failure));
  }
  return bytes;
}

KubeObject *
kube_storage_get (KubeStore *store, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  g_autofree char *key = kube_storage_key (kind, namespace_, name);
  g_autoptr (GBytes) bytes = read_bytes (store, kind, key, name, NULL, error);

  return bytes != NULL ? kube_object_new_from_bytes (bytes) : NULL;
}

KubeObject *
kube_storage_cache_get (KubeStorageCache *cache, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  g_autofree char *key = kube_storage_key (kind, namespace_, name);
  g_autoptr (GBytes) bytes = NULL;
  guint64 revision = 0;
  gsize size = 0;
  Item item;

  if (recall (cache, kind, key, &item))
    return item.object;
  bytes = read_bytes (cache->store, kind, key, name, &revision, error);
  if (bytes == NULL) {
    g_clear_pointer (&item.object, kube_object_unref);
    return NULL;
  }
  if (item.object == NULL || item.revision != revision) {
    g_clear_pointer (&item.object, kube_object_unref);
    item.object = kube_object_new_from_bytes (bytes);
    item.revision = revision;
    size = g_bytes_get_size (bytes);
  }
  remember (cache, key, &item, size);
  return item.object;
}

static gboolean
collect (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  Slice *slice = user_data;
  g_autoptr (GBytes) bytes = g_bytes_new (value, length);

  g_ptr_array_add (slice->objects, kube_object_new_from_bytes (bytes));
  slice->size += length;
  g_free (slice->last);
  slice->last = g_strdup (key);
  return TRUE;
}

static GPtrArray *
list (KubeStore *store, const char *prefix, guint64 *revision, gsize *size, GError **error)
{
  g_autofree char *start = g_strdup (prefix), *end = kube_storage_end_of (prefix);
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  gboolean more = TRUE;

  *revision = 0;
  *size = 0;
  while (more) {
    KubeStoreRange range = { start, end, *revision, SLICE };
    Slice slice = { objects, NULL, 0 };
    if (!kube_store_range (store, &range, collect, &slice, revision, &more, error))
      return NULL;
    *size += slice.size;
    if (slice.last != NULL) {
      /* the least key after the last one */
      g_free (start);
      start = g_strconcat (slice.last, "\001", NULL);
      g_free (slice.last);
    }
  }
  return g_steal_pointer (&objects);
}

GPtrArray *
kube_storage_list (KubeStore *store, KubeKind *kind, const char *namespace_, guint64 *revision, GError **error)
{
  g_autofree char *prefix = kube_storage_key (kind, namespace_, NULL);
  guint64 at;
  gsize size;
  GPtrArray *objects = list (store, prefix, &at, &size, error);

  if (objects != NULL && revision != NULL)
    *revision = at;
  return objects;
}

GPtrArray *
kube_storage_cache_list (KubeStorageCache *cache, KubeKind *kind, const char *namespace_)
{
  g_autofree char *prefix = kube_storage_key (kind, namespace_, NULL);
  guint64 revision;
  gsize size;
  Item item;

  if (recall (cache, kind, prefix, &item))
    return item.objects;
  g_clear_pointer (&item.objects, g_ptr_array_unref);
  item.objects = list (cache->store, prefix, &revision, &size, NULL);
  if (item.objects != NULL)
    remember (cache, prefix, &item, size);
  return item.objects;
}
