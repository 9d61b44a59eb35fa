/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-compactor.h"

#define INTERVAL (5 * 60 * G_USEC_PER_SEC)

struct _KubeCompactor {
  KubeStore *store;  /* (owned) */
  KubeClock *clock;  /* (owned) */
  GSource *timer;    /* (owned) */
  guint64 revision;  /* at the last turn: what is compacted at the next one */
};

static gboolean
turn (gpointer user_data)
{
  KubeCompactor *self = user_data;
  guint64 revision = kube_store_get_revision (self->store);

  if (self->revision > kube_store_get_compacted (self->store))
    kube_store_compact (self->store, self->revision);
  self->revision = revision;
  g_source_unref (self->timer);
  self->timer = kube_clock_add_timeout (self->clock, INTERVAL, turn, self);
  return G_SOURCE_REMOVE;
}

KubeCompactor *
kube_compactor_new (KubeStore *store, KubeClock *clock)
{
  KubeCompactor *self = g_new0 (KubeCompactor, 1);

  self->store = g_object_ref (store);
  self->clock = g_object_ref (clock);
  self->revision = kube_store_get_revision (store);
  self->timer = kube_clock_add_timeout (clock, INTERVAL, turn, self);
  return self;
}

void
kube_compactor_free (KubeCompactor *self)
{
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  g_object_unref (self->store);
  g_object_unref (self->clock);
  g_free (self);
}
