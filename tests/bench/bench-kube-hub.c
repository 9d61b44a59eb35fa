/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long an event takes from its commit to the first and to the last of its watchers, over the memory engine. */
#include "kube-hub.h"

#include <string.h>

typedef struct {
  guint n_watchers, n_seen;
  gint64 first, last;
} Fan;

static void
on_events (KubeHubWatch *watch, KubeHubEvent *const *events, guint n_events, guint64 revision, const GError *error,
           gpointer user_data)
{
  Fan *fan = user_data;

  if (fan->n_seen++ == 0)
    fan->first = g_get_monotonic_time ();
  if (fan->n_seen == fan->n_watchers)
    fan->last = g_get_monotonic_time ();
}

static void
put (KubeStore *store, const char *key, GBytes *value)
{
  KubeStoreWrite write = { key, value, NULL, KUBE_STORE_ANY_REVISION, KUBE_STORE_NO_OFFSET, FALSE };

  kube_store_write (store, &write, NULL, NULL);
}

static void
bench_fan_out (KubeStore *store, KubeHub *hub, GBytes *value, guint n_watchers)
{
  g_autofree KubeHubWatch **watches = g_new (KubeHubWatch *, n_watchers);
  Fan fan = { .n_watchers = n_watchers };
  double first = 0, last = 0, other;
  gint64 began;
  guint rounds = 50, n_other = 20000;

  for (guint i = 0; i < n_watchers; i++)
    watches[i] = kube_hub_watch (hub, "/registry/configmaps/default/one", 0, on_events, &fan);
  for (guint i = 0; i < rounds; i++) {
    fan.n_seen = 0;
    began = g_get_monotonic_time ();
    put (store, "/registry/configmaps/default/one", value);
    while (fan.n_seen < n_watchers)
      g_main_context_iteration (NULL, TRUE);
    first += fan.first - began;
    last += fan.last - began;
  }
  began = g_get_monotonic_time ();
  for (guint i = 0; i < n_other; i++)
    put (store, "/registry/pods/default/other", value);
  other = (g_get_monotonic_time () - began) / (double) n_other;
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_print ("%u watchers of one object: first after %.0f us, last after %.0f us; a commit of another kind %.2f us\n", n_watchers,
           first / rounds, last / rounds, other);
  for (guint i = 0; i < n_watchers; i++)
    kube_hub_watch_stop (watches[i]);
}

int
main (void)
{
  g_autoptr (KubeStore) store = kube_store_memory_new ();
  g_autoptr (KubeHub) hub = kube_hub_new (store, 0);
  char data[2048];
  g_autoptr (GBytes) value = NULL;

  memset (data, 'x', sizeof data);
  value = g_bytes_new (data, sizeof data);
  bench_fan_out (store, hub, value, 1);
  bench_fan_out (store, hub, value, 1000);
  bench_fan_out (store, hub, value, 10000);
  kube_hub_close (hub);
  return 0;
}
