/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-table.h"

static KubeStoreKey *
key_new (const char *name)
{
  gsize length = strlen (name);
  KubeStoreKey *key = g_malloc0 (sizeof *key + length + 1);

  g_atomic_ref_count_init (&key->refs);
  memcpy (key->name, name, length + 1);
  return key;
}

static KubeStoreKey *
key_ref (KubeStoreKey *key)
{
  g_atomic_ref_count_inc (&key->refs);
  return key;
}

static void
key_unref (KubeStoreKey *key)
{
  if (g_atomic_ref_count_dec (&key->refs))
    g_free (key);
}

static gsize
version_bytes (KubeStoreVersion *version)
{
  return sizeof *version + (version->value != NULL ? g_bytes_get_size (version->value) : 0);
}

static void
version_free (KubeStoreTable *table, KubeStoreVersion *version)
{
  table->bytes -= version_bytes (version);
  g_clear_pointer (&version->value, g_bytes_unref);
  key_unref (version->key);
  g_free (version);
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (a, b);
}

void
kube_store_table_init (KubeStoreTable *table, guint64 revision)
{
  *table = (KubeStoreTable) { .base = revision, .newest = revision };
  g_rw_lock_init (&table->lock);
  table->keys = g_tree_new_full (compare_names, NULL, NULL, (GDestroyNotify) key_unref);
}

static gboolean
free_chain (gpointer name, gpointer value, gpointer user_data)
{
  KubeStoreVersion *previous;

  for (KubeStoreVersion *version = ((KubeStoreKey *) value)->newest; version != NULL; version = previous) {
    previous = version->previous;
    version_free (user_data, version);
  }
  return FALSE;
}

void
kube_store_table_clear (KubeStoreTable *table)
{
  g_tree_foreach (table->keys, free_chain, table);
  g_clear_pointer (&table->keys, g_tree_unref);
  g_clear_pointer (&table->log, g_free);
  g_rw_lock_clear (&table->lock);
}

KubeStoreVersion *
kube_store_table_find (KubeStoreTable *table, const char *name)
{
  KubeStoreKey *key = g_tree_lookup (table->keys, name);

  return key != NULL ? key->newest : NULL;
}

KubeStoreVersion *
kube_store_version_at (KubeStoreVersion *version, guint64 revision)
{
  while (version != NULL && version->revision > revision)
    version = version->previous;
  return version;
}

KubeStoreVersion *
kube_store_table_get (KubeStoreTable *table, guint64 revision)
{
  return table->log[table->head + (revision - table->base - 1)];
}

void
kube_store_version_get_record (KubeStoreVersion *version, KubeStoreRecord *record)
{
  *record = (KubeStoreRecord) { .revision = version->revision, .previous = version->replaced, .removed = version->removed,
                                .has_value = version->value != NULL, .key = version->key->name };
  if (version->value != NULL)
    record->value = g_bytes_get_data (version->value, &record->length);
}

static void
log_append (KubeStoreTable *table, KubeStoreVersion *version)
{
  gsize used = table->newest - table->base;

  if (table->head + used == table->room) {
    if (table->head > table->room / 2) {
      memmove (table->log, table->log + table->head, used * sizeof *table->log);
      table->head = 0;
    } else {
      table->room = MAX (64, table->room * 2);
      table->log = g_renew (KubeStoreVersion *, table->log, table->room);
    }
  }
  table->log[table->head + used] = version;
}

KubeStoreVersion *
kube_store_table_append (KubeStoreTable *table, const char *name, guint64 replaced, GBytes *value, gboolean removed)
{
  KubeStoreKey *key = g_tree_lookup (table->keys, name);
  KubeStoreVersion *version = g_new0 (KubeStoreVersion, 1);

  if (key == NULL) {
    key = key_new (name);
    g_tree_insert (table->keys, key->name, key);
  }
  version->revision = table->newest + 1;
  version->replaced = replaced;
  version->key = key_ref (key);
  version->previous = key->newest;
  version->value = value != NULL ? g_bytes_ref (value) : NULL;
  version->removed = removed;
  if (version->previous != NULL)
    version->previous->next = version;
  key->newest = version;
  log_append (table, version);
  table->newest++;
  table->bytes += version_bytes (version);
  return version;
}

/* Takes a version out of its key's chain; a key without versions goes. */
static void
unlink_version (KubeStoreTable *table, KubeStoreVersion *version)
{
  KubeStoreKey *key = version->key;

  if (version->previous != NULL)
    version->previous->next = version->next;
  if (version->next != NULL)
    version->next->previous = version->previous;
  else
    key->newest = version->previous;
  if (key->newest == NULL)
    g_tree_remove (table->keys, key->name);
  version_free (table, version);
}

static KubeStoreVersion *
log_take_first (KubeStoreTable *table)
{
  KubeStoreVersion *version = table->log[table->head++];

  table->base++;
  return version;
}

void
kube_store_table_compact_first (KubeStoreTable *table)
{
  KubeStoreVersion *version = log_take_first (table);

  if (version->previous != NULL)
    unlink_version (table, version->previous);
  if (version->removed && version->next == NULL)
    unlink_version (table, version);
}

void
kube_store_table_drop_first (KubeStoreTable *table)
{
  unlink_version (table, log_take_first (table));
}

void
kube_store_table_drop_last (KubeStoreTable *table)
{
  KubeStoreVersion *version = kube_store_table_get (table, table->newest);

  table->newest--;
  unlink_version (table, version);
}

static KubeStoreItem
take_item (KubeStoreVersion *version)
{
  return (KubeStoreItem) { key_ref (version->key), version->value != NULL ? g_bytes_ref (version->value) : NULL,
                           version->revision, version->removed };
}

void
kube_store_table_take (KubeStoreTable *table, const KubeStoreRange *range, const char *from, gboolean after, guint64 at,
                       gboolean removed_too, guint most, GArray *items)
{
  GTreeNode *node = after ? g_tree_upper_bound (table->keys, from) : g_tree_lower_bound (table->keys, from);

  for (; node != NULL && most > 0; node = g_tree_node_next (node)) {
    KubeStoreKey *key = g_tree_node_value (node);
    KubeStoreVersion *version;
    KubeStoreItem item;

    if (range->end != NULL ? strcmp (key->name, range->end) >= 0 : strcmp (key->name, range->start) != 0)
      break;
    version = kube_store_version_at (key->newest, at);
    if (version == NULL || (version->removed && !removed_too))
      continue;
    item = take_item (version);
    g_array_append_val (items, item);
    most--;
  }
}

void
kube_store_item_clear (KubeStoreItem *item)
{
  g_clear_pointer (&item->value, g_bytes_unref);
  g_clear_pointer (&item->key, key_unref);
}

void
kube_store_table_take_log (KubeStoreTable *table, guint64 after, guint most, GArray *changes)
{
  for (; after < table->newest && most > 0; most--) {
    KubeStoreVersion *version = kube_store_table_get (table, ++after), *replaced = version->previous;
    KubeStoreChange change = { .item = take_item (version), .replaced = version->replaced };

    if (replaced != NULL && !replaced->removed)
      change.previous = g_bytes_ref (replaced->value);
    g_array_append_val (changes, change);
  }
}

void
kube_store_change_clear (KubeStoreChange *change)
{
  g_clear_pointer (&change->previous, g_bytes_unref);
  kube_store_item_clear (&change->item);
}

void
kube_store_change_get_event (KubeStoreChange *change, KubeStoreEvent *event)
{
  *event = (KubeStoreEvent){
    .type = change->item.removed ? KUBE_STORE_EVENT_REMOVE : KUBE_STORE_EVENT_PUT,
    .revision = change->item.revision,
    .key = change->item.key->name,
    .value = change->item.value != NULL ? change->item.value : change->previous,
    .previous = change->previous,
  };
}
