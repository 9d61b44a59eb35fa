/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/sys/kube-store.h>

G_BEGIN_DECLS

/* What the engines have in common. */

#define KUBE_STORE_MAX_KEY 1024
#define KUBE_STORE_MAX_VALUE (64 * 1024 * 1024)
#define KUBE_STORE_FIRST_REVISION 1

/* kube_store_lmdb_new() with files of the journal that are full after @writes writes. */
KubeStore *kube_store_lmdb_new_with_journal (const char *path, guint64 writes, GError **error);

/* A write on its way: what is asked for, and then its outcome. */
typedef struct _KubeStorePending KubeStorePending;
struct _KubeStorePending {
  KubeStorePending *next;
  KubeStore *store;      /* (owned) */
  GMainContext *context; /* (owned): where the callback runs */
  KubeStoreWriteFunc callback;
  gpointer user_data;
  KubeStoreWrite write; /* its members are owned; the key is the tail of this block */

  GError *error;    /* (owned) (nullable) */
  guint64 revision; /* of the write, or of what is there on a conflict */
  GBytes *value;    /* (owned) (nullable) */
  GBytes *previous; /* (owned) (nullable): what a committed write replaced */

  char key[];
};

KubeStorePending *kube_store_pending_new (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback,
                                          gpointer user_data);
void kube_store_pending_free (KubeStorePending *pending);
void kube_store_pending_fail (KubeStorePending *pending, const GError *error);
/* Decides whether the write may be made on what is there (@current 0: nothing); FALSE: its error is set. The caller adds the value that is there. */
gboolean kube_store_pending_check (KubeStorePending *pending, guint64 current);
/* (transfer full) (nullable): the value to store at @revision, the revision written into it. */
GBytes *kube_store_pending_make_value (KubeStorePending *pending, guint64 revision);
/* The event of a write that was made. It borrows from @pending. */
void kube_store_pending_get_event (KubeStorePending *pending, KubeStoreEvent *event);
/* Tells the writers of a list, in its order: one source, and so one wake-up, for each main context. Takes the list. */
void kube_store_pending_deliver (KubeStorePending *first);

/* Revisions that running ranges read at: what they need is not removed under them. */
typedef struct {
  GMutex mutex;
  GArray *revisions; /* (element-type guint64) (mutex mutex) */
} KubeStorePins;

void kube_store_pins_init (KubeStorePins *pins);
void kube_store_pins_clear (KubeStorePins *pins);
void kube_store_pins_add (KubeStorePins *pins, guint64 revision);
void kube_store_pins_remove (KubeStorePins *pins, guint64 revision);
/* @revision, or the oldest pinned revision where that is older. */
guint64 kube_store_pins_limit (KubeStorePins *pins, guint64 revision);

/* What a range hands to its visitor. */
typedef struct {
  KubeStoreVisitFunc visit;
  gpointer user_data;
  guint64 limit;
  guint64 visited;
  gboolean ended; /* by the limit or the visitor */
  gboolean more;  /* and there was another key after that */
} KubeStoreVisit;

/* FALSE: the range is to end, this key was not taken. */
gboolean kube_store_visit_offer (KubeStoreVisit *state, const char *key, const guint8 *value, gsize length, guint64 revision);

/* Errors as upstream words them. Return FALSE. */
gboolean kube_store_set_expired (GError **error);
gboolean kube_store_set_too_old (GError **error, guint64 revision, guint64 compacted);
gboolean kube_store_set_too_large (GError **error, guint64 revision, guint64 current);
gboolean kube_store_set_closed (GError **error);

G_END_DECLS
