/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-store-private.h"
#include "kube-store-record.h"

G_BEGIN_DECLS

/* Writes in memory: a balanced tree of keys, each with the chain of its versions from the newest back, and a log of the versions in the
 * order of their revisions, which follow each other. It is all of the memory engine's content, and of the durable engine's what
 * stands in its journal only.
 *
 * One thread at a time writes; `lock` guards what readers see and is held for short steps only, never while somebody else's function
 * runs. All functions but init and clear are called with it held, for writing where they change something. */

typedef struct _KubeStoreVersion KubeStoreVersion;

typedef struct {
  gatomicrefcount refs;
  KubeStoreVersion *newest; /* (nullable): not in a table any more */
  char name[];
} KubeStoreKey;

struct _KubeStoreVersion {
  guint64 revision;
  guint64 replaced; /* revision of the version before it; 0: none */
  KubeStoreKey *key; /* (owned) */
  KubeStoreVersion *previous, *next; /* (nullable): of the same key, where the table has them */
  GBytes *value;  /* (owned) (nullable): a removal that shows what was there before it */
  gboolean removed;
};

typedef struct {
  GRWLock lock;
  GTree *keys;            /* (element-type KubeStoreKey) */
  KubeStoreVersion **log; /* of revisions base + 1 … newest, from `head` on */
  gsize head, room;
  guint64 base, newest;
  guint64 bytes; /* that values and versions take */
} KubeStoreTable;

/* A key's state, taken out of a table. */
typedef struct {
  KubeStoreKey *key; /* (owned) */
  GBytes *value;     /* (owned) (nullable) */
  guint64 revision;
  gboolean removed;
} KubeStoreItem;

/* A write, taken out of a table's log. */
typedef struct {
  KubeStoreItem item;
  guint64 replaced; /* revision of what it replaced; 0: nothing */
  GBytes *previous; /* (owned) (nullable): what it replaced, where the table has it */
} KubeStoreChange;

void kube_store_table_init (KubeStoreTable *table, guint64 revision);
void kube_store_table_clear (KubeStoreTable *table);

/* (nullable): the newest version of a key */
KubeStoreVersion *kube_store_table_find (KubeStoreTable *table, const char *name);
/* (nullable): what @version's key was as of @revision, a removal too */
KubeStoreVersion *kube_store_version_at (KubeStoreVersion *version, guint64 revision);
KubeStoreVersion *kube_store_table_get (KubeStoreTable *table, guint64 revision);
void kube_store_version_get_record (KubeStoreVersion *version, KubeStoreRecord *record);

/* Adds the next revision's version. @replaced: revision of the version before it, which the table need not have. */
KubeStoreVersion *kube_store_table_append (KubeStoreTable *table, const char *name, guint64 replaced, GBytes *value, gboolean removed);
/* The log's first version leaves the log: what it replaced goes, and itself where it is the removal of a key that did not come back. */
void kube_store_table_compact_first (KubeStoreTable *table);
/* The log's first version goes, wholly. */
void kube_store_table_drop_first (KubeStoreTable *table);
/* The log's last version goes, as if it had not been written. */
void kube_store_table_drop_last (KubeStoreTable *table);

/* Appends what keys of @range were as of @at, in order, from the one named @from on (or after it), at most @most. */
void kube_store_table_take (KubeStoreTable *table, const KubeStoreRange *range, const char *from, gboolean after, guint64 at,
                            gboolean removed_too, guint most, GArray *items);
void kube_store_item_clear (KubeStoreItem *item);
/* Appends the log's writes after revision @after, which it must have, at most @most. */
void kube_store_table_take_log (KubeStoreTable *table, guint64 after, guint most, GArray *changes);
void kube_store_change_clear (KubeStoreChange *change);
/* It borrows from @change. */
void kube_store_change_get_event (KubeStoreChange *change, KubeStoreEvent *event);

G_END_DECLS
