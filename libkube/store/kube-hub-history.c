/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-hub-private.h"

#include <string.h>

#define PIECE 128

/* What an event may come to take: its objects are there as text, and parsed as soon as a watch looks into them; the frame for watches is one more copy. */
static gsize
event_size (KubeHubEvent *event)
{
  gsize size = sizeof *event + strlen (event->key) + 3 * g_bytes_get_size (kube_object_get_bytes (event->object));

  return size + (event->previous != NULL && !event->shares_previous ? 2 * g_bytes_get_size (kube_object_get_bytes (event->previous)) : 0);
}

/* An object that is written again and again stands once in memory, not twice, and is parsed once. */
static void
share_previous (KubeHubRing *ring, KubeHubEvent *event)
{
  KubeHubEvent *writer = event->previous != NULL ? g_hash_table_lookup (ring->newest, event->key) : NULL;

  if (writer == NULL || !g_bytes_equal (kube_object_get_bytes (writer->object), kube_object_get_bytes (event->previous)))
    return;
  kube_object_unref (event->previous);
  event->previous = kube_object_ref (writer->object);
  event->shares_previous = TRUE;
}

void
kube_hub_ring_init (KubeHubRing *ring, gsize limit, guint64 base)
{
  *ring = (KubeHubRing) { .size = 256, .limit = limit, .base = base };
  ring->events = g_new (KubeHubEvent *, ring->size);
  ring->newest = g_hash_table_new (g_str_hash, g_str_equal);
}

void
kube_hub_ring_clear (KubeHubRing *ring)
{
  for (gsize i = 0; i < ring->length; i++)
    kube_hub_event_unref (kube_hub_ring_get (ring, i));
  g_clear_pointer (&ring->events, g_free);
  g_clear_pointer (&ring->newest, g_hash_table_unref);
}

KubeHubEvent *
kube_hub_ring_get (const KubeHubRing *ring, gsize index)
{
  return ring->events[(ring->head + index) & (ring->size - 1)];
}

void
kube_hub_ring_push (KubeHubRing *ring, KubeHubEvent *event, GPtrArray *dropped)
{
  if (ring->length == ring->size) {
    KubeHubEvent **larger = g_new (KubeHubEvent *, ring->size * 2);

    for (gsize i = 0; i < ring->length; i++)
      larger[i] = kube_hub_ring_get (ring, i);
    g_free (ring->events);
    ring->events = larger;
    ring->head = 0;
    ring->size *= 2;
  }
  share_previous (ring, event);
  g_hash_table_replace (ring->newest, event->key, event);
  ring->events[(ring->head + ring->length++) & (ring->size - 1)] = event;
  ring->bytes += event_size (event);
  while (ring->bytes > ring->limit && ring->length > 1) {
    KubeHubEvent *oldest = kube_hub_ring_get (ring, 0);

    ring->head = (ring->head + 1) & (ring->size - 1);
    ring->length--;
    ring->bytes -= event_size (oldest);
    ring->base = oldest->revision;
    if (g_hash_table_lookup (ring->newest, oldest->key) == oldest)
      g_hash_table_remove (ring->newest, oldest->key);
    g_ptr_array_add (dropped, oldest);
  }
}

gsize
kube_hub_ring_find (const KubeHubRing *ring, guint64 revision)
{
  gsize low = 0, high = ring->length;

  while (low < high) {
    gsize middle = (low + high) / 2;

    if (kube_hub_ring_get (ring, middle)->revision <= revision)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void
kube_hub_history_init (KubeHubHistory *history, KubeStore *store)
{
  *history = (KubeHubHistory) { .store = store };
  g_mutex_init (&history->mutex);
}

void
kube_hub_history_forget (KubeHubHistory *history)
{
  g_mutex_lock (&history->mutex);
  for (guint i = 0; i < G_N_ELEMENTS (history->pieces); i++)
    g_clear_pointer (&history->pieces[i].events, g_ptr_array_unref);
  g_mutex_unlock (&history->mutex);
}

void
kube_hub_history_clear (KubeHubHistory *history)
{
  kube_hub_history_forget (history);
  g_mutex_clear (&history->mutex);
}

static void
collect (KubeStore *store, const KubeStoreEvent *events, guint n_events, gpointer user_data)
{
  for (guint i = 0; i < n_events; i++)
    g_ptr_array_add (user_data, kube_hub_event_new (&events[i]));
}

/* Pieces begin at round revisions, so that watches that are behind by different amounts read the same ones. */
static GPtrArray *
read_piece (KubeHubHistory *history, guint64 after, guint64 *start, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_full (PIECE, (GDestroyNotify) kube_hub_event_unref);

  *start = MAX (after / PIECE * PIECE, kube_store_get_compacted (history->store));
  if (*start < after && kube_store_history (history->store, *start, PIECE, collect, events, NULL)
      && events->len > 0 && ((KubeHubEvent *) events->pdata[events->len - 1])->revision > after)
    return g_steal_pointer (&events);

  g_ptr_array_set_size (events, 0);
  *start = after;
  return kube_store_history (history->store, after, PIECE, collect, events, error) ? g_steal_pointer (&events) : NULL;
}

GPtrArray *
kube_hub_history_read (KubeHubHistory *history, guint64 after, guint64 *last, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&history->mutex);
  guint64 start;
  GPtrArray *events;
  KubeHubPiece *piece;

  for (guint i = 0; i < G_N_ELEMENTS (history->pieces); i++) {
    piece = &history->pieces[i];
    if (piece->events != NULL && piece->after <= after && after < piece->last) {
      *last = piece->last;
      return g_ptr_array_ref (piece->events);
    }
  }
  events = read_piece (history, after, &start, error);
  if (events == NULL || events->len == 0) {
    *last = after;
    return events;
  }
  piece = &history->pieces[history->next++ % G_N_ELEMENTS (history->pieces)];
  g_clear_pointer (&piece->events, g_ptr_array_unref);
  piece->events = g_ptr_array_ref (events);
  piece->after = start;
  piece->last = *last = ((KubeHubEvent *) events->pdata[events->len - 1])->revision;
  return events;
}
