/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-private.h"

struct _KubeHttpGate {
  gatomicrefcount refs;
  GMutex mutex;
  GCond emptied;
  GHashTable *inside; /* (element-type utf8 guint) */
  guint total;
  guint max;
  guint max_per_address;
};

KubeHttpGate *
kube_http_gate_new (guint max, guint max_per_address)
{
  KubeHttpGate *gate = g_new0 (KubeHttpGate, 1);

  g_atomic_ref_count_init (&gate->refs);
  g_mutex_init (&gate->mutex);
  g_cond_init (&gate->emptied);
  gate->inside = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gate->max = max;
  gate->max_per_address = max_per_address;
  return gate;
}

KubeHttpGate *
kube_http_gate_ref (KubeHttpGate *gate)
{
  g_atomic_ref_count_inc (&gate->refs);
  return gate;
}

void
kube_http_gate_unref (KubeHttpGate *gate)
{
  if (!g_atomic_ref_count_dec (&gate->refs))
    return;
  g_hash_table_unref (gate->inside);
  g_mutex_clear (&gate->mutex);
  g_cond_clear (&gate->emptied);
  g_free (gate);
}

gboolean
kube_http_gate_enter (KubeHttpGate *gate, const char *address)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&gate->mutex);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (gate->inside, address));

  if (gate->total >= gate->max || count >= gate->max_per_address)
    return FALSE;
  gate->total++;
  g_hash_table_insert (gate->inside, g_strdup (address), GUINT_TO_POINTER (count + 1));
  return TRUE;
}

void
kube_http_gate_leave (KubeHttpGate *gate, const char *address)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&gate->mutex);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (gate->inside, address));

  if (count > 1)
    g_hash_table_insert (gate->inside, g_strdup (address), GUINT_TO_POINTER (count - 1));
  else
    g_hash_table_remove (gate->inside, address);
  if (--gate->total == 0)
    g_cond_broadcast (&gate->emptied);
}

gboolean
kube_http_gate_wait_empty (KubeHttpGate *gate, gint64 end_time)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&gate->mutex);

  while (gate->total > 0) {
    if (!g_cond_wait_until (&gate->emptied, &gate->mutex, end_time))
      return gate->total == 0;
  }
  return TRUE;
}
