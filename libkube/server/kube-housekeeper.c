/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-housekeeper.h"
#include "kube-splice.h"
#include "kube-source.h"

/* As upstream: history is kept for five to ten minutes. */
#define COMPACTION_INTERVAL (5 * G_TIME_SPAN_MINUTE)
/* Expiries are collected for so long, so that many events cost one wake-up. */
#define EXPIRY_SLACK (10 * G_TIME_SPAN_SECOND)

typedef struct {
  char *key;
  guint64 revision;
  gint64 deadline; /* monotonic */
} Expiry;

struct _KubeHousekeeper {
  KubeStore *store;
  KubeClock *clock;
  GMutex mutex;
  GQueue expiries;       /* (mutex mutex) (element-type Expiry): in the order of their deadlines, as all have the same time to live */
  gboolean expiry_armed; /* (mutex mutex) */
  gint compaction_armed; /* (atomic) */
  guint64 last_revision; /* at the last compaction; only on the context */
  GSource *expiry_timer, *compaction_timer;
};

static void
expiry_free (gpointer data)
{
  Expiry *expiry = data;

  g_free (expiry->key);
  g_free (expiry);
}

static void
on_removed (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  /* it was written again, or somebody else removed it */
}

static void
expire_one (KubeHousekeeper *self, const Expiry *expiry)
{
  guint64 revision = 0;
  g_autoptr (GBytes) bytes = kube_store_get (self->store, expiry->key, &revision, NULL);
  g_autoptr (GBytes) last = NULL;
  KubeStoreWrite write = { .key = expiry->key, .expected = expiry->revision, .remove = TRUE };

  if (bytes == NULL || revision != expiry->revision)
    return;
  last = kube_splice_clear_version (bytes, &write.revision_at);
  write.value = last;
  write.previous = bytes;
  kube_store_write (self->store, &write, on_removed, NULL);
}

static Expiry *
take_due (KubeHousekeeper *self, gint64 now)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Expiry *head = g_queue_peek_head (&self->expiries);

  if (head != NULL && head->deadline <= now)
    return g_queue_pop_head (&self->expiries);
  self->expiry_armed = head != NULL;
  if (head != NULL)
    kube_clock_set_timer (self->clock, self->expiry_timer, head->deadline + EXPIRY_SLACK);
  return NULL;
}

static gboolean
on_expiry (gpointer user_data)
{
  KubeHousekeeper *self = user_data;
  gint64 now = kube_clock_get_monotonic_time (self->clock);
  Expiry *expiry;

  kube_clock_set_timer (self->clock, self->expiry_timer, -1);
  while ((expiry = take_due (self, now)) != NULL) {
    expire_one (self, expiry);
    expiry_free (expiry);
  }
  return G_SOURCE_CONTINUE;
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
    kube_housekeeper_note_write (self);
  self->last_revision = revision;
  return G_SOURCE_CONTINUE;
}

static GSource *
add_timer (KubeHousekeeper *self, GMainContext *context, GSourceFunc func)
{
  GSource *timer = kube_clock_create_timer (self->clock, -1);

  g_source_set_callback (timer, func, self, NULL);
  kube_clock_set_timer (self->clock, timer, -1);
  g_source_attach (timer, context);
  return timer;
}

KubeHousekeeper *
kube_housekeeper_new (KubeStore *store, KubeClock *clock, GMainContext *context)
{
  KubeHousekeeper *self = g_new0 (KubeHousekeeper, 1);

  self->store = g_object_ref (store);
  self->clock = g_object_ref (clock);
  g_mutex_init (&self->mutex);
  g_queue_init (&self->expiries);
  self->expiry_timer = add_timer (self, context, on_expiry);
  self->compaction_timer = add_timer (self, context, on_compaction);
  return self;
}

void
kube_housekeeper_free (KubeHousekeeper *self)
{
  kube_clear_source (&self->expiry_timer);
  kube_clear_source (&self->compaction_timer);
  g_queue_clear_full (&self->expiries, expiry_free);
  g_mutex_clear (&self->mutex);
  g_object_unref (self->store);
  g_object_unref (self->clock);
  g_free (self);
}

void
kube_housekeeper_note_write (KubeHousekeeper *self)
{
  if (g_atomic_int_get (&self->compaction_armed) == 0 && g_atomic_int_compare_and_exchange (&self->compaction_armed, 0, 1))
    kube_clock_set_timer (self->clock, self->compaction_timer, kube_clock_get_monotonic_time (self->clock) + COMPACTION_INTERVAL);
}

void
kube_housekeeper_expire (KubeHousekeeper *self, const char *key, guint64 revision, gint64 ttl)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Expiry *expiry = g_new (Expiry, 1);

  *expiry = (Expiry){ g_strdup (key), revision, kube_clock_get_monotonic_time (self->clock) + ttl * G_TIME_SPAN_SECOND };
  g_queue_push_tail (&self->expiries, expiry);
  if (self->expiry_armed)
    return;
  self->expiry_armed = TRUE;
  kube_clock_set_timer (self->clock, self->expiry_timer, expiry->deadline + EXPIRY_SLACK);
}
