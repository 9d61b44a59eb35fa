/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-housekeeper.h"
#include "kube-source.h"
#include "kube-splice.h"
#include "kube-storage.h"

/* As upstream: history is kept for five to ten minutes. */
#define COMPACTION_INTERVAL (5 * G_TIME_SPAN_MINUTE)
/* What was written in one minute expires together. */
#define EXPIRY_INTERVAL G_TIME_SPAN_MINUTE
/* How many keys are looked at before others have their turn. */
#define KEYS_AT_ONCE 1000

/* What was written up to a revision was written before a minute ended. Revisions grow with time, so a mark a minute is all there is to remember. */
typedef struct {
  gint64 minute;
  guint64 revision;
} Mark;

struct _KubeHousekeeper {
  KubeStore *store;
  KubeClock *clock;
  GMainContext *context;
  char *prefix, *end;
  gint64 ttl; /* microseconds */
  GMutex mutex;
  GQueue marks; /* (mutex mutex) (element-type Mark): oldest first */
  gint compaction_armed; /* (atomic) */
  guint64 last_revision; /* at the last compaction; only on the context */
  GSource *expiry_timer, *compaction_timer;
  GSource *sweep; /* (nullable): only on the context */
  guint64 due;    /* of the sweep: what was written up to here goes */
  char *at;       /* of the sweep: where it goes on */
};

/* --- expiry --- */

static void
note_expiring (KubeHousekeeper *self, guint64 revision)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  gint64 minute = kube_clock_get_monotonic_time (self->clock) / EXPIRY_INTERVAL;
  Mark *last = g_queue_peek_tail (&self->marks), *mark;

  if (last != NULL && last->minute == minute) {
    last->revision = MAX (last->revision, revision);
    return;
  }
  mark = g_new (Mark, 1);
  *mark = (Mark){ minute, revision };
  g_queue_push_tail (&self->marks, mark);
  if (last == NULL)
    kube_clock_set_timer (self->clock, self->expiry_timer, (minute + 1) * EXPIRY_INTERVAL + self->ttl);
}

/* The newest revision that is due; 0: none. Sets the timer for what is not. */
static guint64
take_due (KubeHousekeeper *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  gint64 now = kube_clock_get_monotonic_time (self->clock);
  guint64 due = 0;
  Mark *mark;

  while ((mark = g_queue_peek_head (&self->marks)) != NULL && (mark->minute + 1) * EXPIRY_INTERVAL + self->ttl <= now) {
    due = mark->revision;
    g_free (g_queue_pop_head (&self->marks));
  }
  kube_clock_set_timer (self->clock, self->expiry_timer, mark != NULL ? (mark->minute + 1) * EXPIRY_INTERVAL + self->ttl : -1);
  return due;
}

static void
on_removed (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  /* it was written again, or somebody else removed it */
}

static void
expire_one (KubeHousekeeper *self, const char *key)
{
  guint64 revision = 0;
  g_autoptr (GBytes) bytes = kube_store_get (self->store, key, &revision, NULL);
  g_autoptr (GBytes) last = NULL;
  KubeStoreWrite write = { .key = key, .expected = revision, .remove = TRUE };

  if (bytes == NULL || revision > self->due)
    return;
  last = kube_splice_clear_version (bytes, &write.revision_at);
  write.value = last;
  write.previous = bytes;
  kube_store_write (self->store, &write, on_removed, NULL);
}

typedef struct {
  KubeHousekeeper *self;
  GPtrArray *due; /* (element-type utf8) */
  guint left;
} Piece;

static gboolean
look_at (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  Piece *piece = user_data;

  if (revision <= piece->self->due)
    g_ptr_array_add (piece->due, g_strdup (key));
  if (--piece->left > 0)
    return TRUE;
  g_free (piece->self->at);
  piece->self->at = g_strconcat (key, "\001", NULL);
  return FALSE;
}

static gboolean
sweep_some (gpointer user_data)
{
  KubeHousekeeper *self = user_data;
  g_autoptr (GPtrArray) due = g_ptr_array_new_with_free_func (g_free);
  Piece piece = { self, due, KEYS_AT_ONCE };
  KubeStoreRange range = { self->at, self->end, 0, 0 };
  gboolean more = FALSE, good = kube_store_range (self->store, &range, look_at, &piece, NULL, &more, NULL);

  for (guint i = 0; i < due->len; i++)
    expire_one (self, g_ptr_array_index (due, i));
  if (good && more)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->sweep, g_source_unref);
  return G_SOURCE_REMOVE;
}

static gboolean
on_expiry (gpointer user_data)
{
  KubeHousekeeper *self = user_data;
  guint64 due = take_due (self);

  if (due == 0)
    return G_SOURCE_CONTINUE;
  kube_clear_source (&self->sweep); /* one that is not at its end begins anew, with more */
  self->due = due;
  g_free (self->at);
  self->at = g_strdup (self->prefix);
  self->sweep = g_idle_source_new ();
  g_source_set_callback (self->sweep, sweep_some, self, NULL);
  g_source_attach (self->sweep, self->context);
  return G_SOURCE_CONTINUE;
}

static gboolean
is_there (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return FALSE;
}

/* What an earlier server has left begins its time anew. */
static void
note_stored (KubeHousekeeper *self)
{
  KubeStoreRange range = { self->prefix, self->end, 0, 1 };
  gboolean any = FALSE;

  if (kube_store_range (self->store, &range, is_there, &any, NULL, NULL, NULL) && any)
    note_expiring (self, kube_store_get_revision (self->store));
}

/* --- compaction --- */

static void
arm_compaction (KubeHousekeeper *self)
{
  if (g_atomic_int_get (&self->compaction_armed) == 0 && g_atomic_int_compare_and_exchange (&self->compaction_armed, 0, 1))
    kube_clock_set_timer (self->clock, self->compaction_timer, kube_clock_get_monotonic_time (self->clock) + COMPACTION_INTERVAL);
}

static gboolean
on_compaction (gpointer user_data)
{
  KubeHousekeeper *self = user_data;
  guint64 revision = kube_store_get_revision (self->store);

  kube_clock_set_timer (self->clock, self->compaction_timer, -1);
  g_atomic_int_set (&self->compaction_armed, 0);
  if (self->last_revision > 0)
    kube_store_compact (self->store, self->last_revision);
  /* what was written since is still to go: once more, even if nothing else is written */
  if (revision > self->last_revision)
    arm_compaction (self);
  self->last_revision = revision;
  return G_SOURCE_CONTINUE;
}

static GSource *
add_timer (KubeHousekeeper *self, GSourceFunc func)
{
  GSource *timer = kube_clock_create_timer (self->clock, -1);

  g_source_set_callback (timer, func, self, NULL);
  kube_clock_set_timer (self->clock, timer, -1);
  g_source_attach (timer, self->context);
  return timer;
}

KubeHousekeeper *
kube_housekeeper_new (KubeStore *store, KubeClock *clock, GMainContext *context, const char *prefix, gint64 ttl)
{
  KubeHousekeeper *self = g_new0 (KubeHousekeeper, 1);

  self->store = g_object_ref (store);
  self->clock = g_object_ref (clock);
  self->context = g_main_context_ref (context);
  self->prefix = g_strdup (prefix);
  self->end = kube_storage_end_of (prefix);
  self->ttl = ttl * G_TIME_SPAN_SECOND;
  g_mutex_init (&self->mutex);
  g_queue_init (&self->marks);
  self->expiry_timer = add_timer (self, on_expiry);
  self->compaction_timer = add_timer (self, on_compaction);
  note_stored (self);
  return self;
}

void
kube_housekeeper_free (KubeHousekeeper *self)
{
  kube_clear_source (&self->expiry_timer);
  kube_clear_source (&self->compaction_timer);
  kube_clear_source (&self->sweep);
  g_queue_clear_full (&self->marks, g_free);
  g_mutex_clear (&self->mutex);
  g_free (self->at);
  g_free (self->prefix);
  g_free (self->end);
  g_main_context_unref (self->context);
  g_object_unref (self->store);
  g_object_unref (self->clock);
  g_free (self);
}

void
kube_housekeeper_note_write (KubeHousekeeper *self, guint64 revision, gboolean expires)
{
  arm_compaction (self);
  if (expires)
    note_expiring (self, revision);
}
