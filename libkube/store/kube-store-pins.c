/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-private.h"

void
kube_store_pins_init (KubeStorePins *pins)
{
  g_mutex_init (&pins->mutex);
  pins->revisions = g_array_new (FALSE, FALSE, sizeof (guint64));
}

void
kube_store_pins_clear (KubeStorePins *pins)
{
  g_mutex_clear (&pins->mutex);
  g_clear_pointer (&pins->revisions, g_array_unref);
}

void
kube_store_pins_add (KubeStorePins *pins, guint64 revision)
{
  g_mutex_lock (&pins->mutex);
  g_array_append_val (pins->revisions, revision);
  g_mutex_unlock (&pins->mutex);
}

void
kube_store_pins_remove (KubeStorePins *pins, guint64 revision)
{
  g_mutex_lock (&pins->mutex);
  for (guint i = 0; i < pins->revisions->len; i++) {
    if (g_array_index (pins->revisions, guint64, i) == revision) {
      g_array_remove_index_fast (pins->revisions, i);
      break;
    }
  }
  g_mutex_unlock (&pins->mutex);
}

guint64
kube_store_pins_limit (KubeStorePins *pins, guint64 revision)
{
  g_mutex_lock (&pins->mutex);
  for (guint i = 0; i < pins->revisions->len; i++)
    revision = MIN (revision, g_array_index (pins->revisions, guint64, i));
  g_mutex_unlock (&pins->mutex);
  return revision;
}
