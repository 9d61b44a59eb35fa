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
  GMutex mutex;
  GHashTable *items; /* (mutex mutex) key → Item */
  gsize size;        /* (mutex mutex) */
};

typedef struct {
  guint64 revision; /* at which the object was written: no other text has it */
  KubeObject *object;
} Item;

typedef struct {
  KubeStorageCache *cache; /* (nullable) */
  GPtrArray *objects;
  char *last;
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

  kube_object_unref (item->object);
  g_free (item);
}

KubeStorageCache *
kube_storage_cache_new (KubeStore *store)
{
  KubeStorageCache *cache = g_new0 (KubeStorageCache, 1);

  cache->store = g_object_ref (store);
  g_mutex_init (&cache->mutex);
  cache->items = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, item_free);
  return cache;
}

void
kube_storage_cache_free (KubeStorageCache *cache)
{
  g_hash_table_unref (cache->items);
  g_mutex_clear (&cache->mutex);
  g_object_unref (cache->store);
  g_free (cache);
}

/* (transfer full) (nullable) */
static KubeObject *
recall (KubeStorageCache *cache, const char *key, guint64 revision)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&cache->mutex);
  Item *item = g_hash_table_lookup (cache->items, key);

  return item != NULL && item->revision == revision ? kube_object_ref (item->object) : NULL;
}

static void
remember (KubeStorageCache *cache, const char *key, guint64 revision, KubeObject *object)
{
  gsize size = g_bytes_get_size (kube_object_get_bytes (object));
  g_autoptr (GMutexLocker) locker = NULL;
  Item *item;

  if (size > CACHE_ITEM_LIMIT)
    return;
  locker = g_mutex_locker_new (&cache->mutex);
  cache->size += size; /* what is replaced counts on, so that what nobody asks for goes, too */
  if (cache->size > CACHE_LIMIT) {
    g_hash_table_remove_all (cache->items);
    cache->size = size;
  }
  item = g_new (Item, 1);
  *item = (Item){ revision, kube_object_ref (object) };
  g_hash_table_replace (cache->items, g_strdup (key), item);
}

static KubeObject *
get (KubeStore *store, KubeStorageCache *cache, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  g_autofree char *key = kube_storage_key (kind, namespace_, name);
  g_autoptr (GError) failure = NULL;
  guint64 revision = 0;
  g_autoptr (GBytes) bytes = kube_store_get (store, key, &revision, &failure);
  KubeObject *object;

  if (bytes == NULL) {
    if (g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
      g_propagate_error (error, kube_storage_not_found (kind, name));
    else
      g_propagate_error (error, g_steal_pointer (&failure));
    return NULL;
  }
  object = cache != NULL ? recall (cache, key, revision) : NULL;
  if (object != NULL)
    return object;
  object = kube_object_new_from_bytes (bytes);
  if (cache != NULL)
    remember (cache, key, revision, object);
  return object;
}

KubeObject *
kube_storage_get (KubeStore *store, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  return get (store, NULL, kind, namespace_, name, error);
}

KubeObject *
kube_storage_cache_get (KubeStorageCache *cache, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  return get (cache->store, cache, kind, namespace_, name, error);
}

static gboolean
collect (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  Slice *slice = user_data;
  KubeObject *object = slice->cache != NULL ? recall (slice->cache, key, revision) : NULL;

  if (object == NULL) {
    g_autoptr (GBytes) bytes = g_bytes_new (value, length);
    object = kube_object_new_from_bytes (bytes);
    if (slice->cache != NULL)
      remember (slice->cache, key, revision, object);
  }
  g_ptr_array_add (slice->objects, object);
  g_free (slice->last);
  slice->last = g_strdup (key);
  return TRUE;
}

static GPtrArray *
list (KubeStore *store, KubeStorageCache *cache, KubeKind *kind, const char *namespace_, guint64 *revision, GError **error)
{
  g_autofree char *start = kube_storage_key (kind, namespace_, NULL);
  g_autofree char *end = kube_storage_end_of (start);
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  guint64 at = 0;
  gboolean more = TRUE;

  while (more) {
    KubeStoreRange range = { start, end, at, SLICE };
    Slice slice = { cache, objects, NULL };
    if (!kube_store_range (store, &range, collect, &slice, &at, &more, error))
      return NULL;
    if (slice.last != NULL) {
      /* the least key after the last one */
      g_free (start);
      start = g_strconcat (slice.last, "\001", NULL);
      g_free (slice.last);
    }
  }
  if (revision != NULL)
    *revision = at;
  return g_steal_pointer (&objects);
}

GPtrArray *
kube_storage_list (KubeStore *store, KubeKind *kind, const char *namespace_, guint64 *revision, GError **error)
{
  return list (store, NULL, kind, namespace_, revision, error);
}

GPtrArray *
kube_storage_cache_list (KubeStorageCache *cache, KubeKind *kind, const char *namespace_)
{
  return list (cache->store, cache, kind, namespace_, NULL, NULL);
}
