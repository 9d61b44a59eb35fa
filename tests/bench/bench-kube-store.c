/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures of the store: bench-kube-store [FOLDER]. The folder is made, filled and removed; it should be on a real disk. */
#include <kube/sys/kube-store.h>

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  KubeStore *store;
  GMainLoop *loop;
  GBytes *value;
  guint left;    /* to begin */
  guint running; /* begun, not done */
  guint serial;
  guint n_keys;
  GArray *latencies; /* us */
} Load;

typedef struct {
  Load *load;
  gint64 began;
} One;

static void begin_one (Load *load);

static void
on_written (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  One *one = user_data;
  Load *load = one->load;
  guint latency = g_get_monotonic_time () - one->began;

  if (result->error != NULL)
    g_error ("%s", result->error->message);
  g_array_append_val (load->latencies, latency);
  g_free (one);
  load->running--;
  if (load->left > 0)
    begin_one (load);
  else if (load->running == 0)
    g_main_loop_quit (load->loop);
}

static void
begin_one (Load *load)
{
  g_autofree char *key = g_strdup_printf ("/registry/pods/default/pod-%06u", load->serial++ % load->n_keys);
  KubeStoreWrite write = { key, load->value, NULL, KUBE_STORE_ANY_REVISION, KUBE_STORE_NO_OFFSET, FALSE };
  One *one = g_new (One, 1);

  load->left--;
  load->running++;
  one->load = load;
  one->began = g_get_monotonic_time ();
  kube_store_write (load->store, &write, on_written, one);
}

static int
compare_latencies (gconstpointer a, gconstpointer b)
{
  return (int) (*(const guint *) a) - (int) (*(const guint *) b);
}

static void
bench_writes (KubeStore *store, const char *engine, guint writers, guint n, guint n_keys)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GArray) latencies = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree char *data = g_malloc (2048);
  gint64 began = g_get_monotonic_time ();
  double seconds;

  memset (data, 'x', 2048);
  Load load = { .store = store, .loop = loop, .value = g_bytes_new (data, 2048), .left = n, .n_keys = n_keys, .latencies = latencies };
  for (guint i = 0; i < writers; i++)
    begin_one (&load);
  g_main_loop_run (loop);
  seconds = (g_get_monotonic_time () - began) / 1e6;
  g_array_sort (latencies, compare_latencies);
  g_print ("%s: %u writers: %.0f writes/s of 2 KB, p50 %u us, p99 %u us\n", engine, writers, n / seconds,
           g_array_index (latencies, guint, n / 2), g_array_index (latencies, guint, n * 99 / 100));
  g_bytes_unref (load.value);
}

static gboolean
on_visit (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  *(guint64 *) user_data += length + value[length / 2];
  return TRUE;
}

static void
bench_reads (KubeStore *store, const char *engine, guint n_keys)
{
  KubeStoreRange range = { "/registry/pods/", "/registry/pods0", 0, 0 };
  guint n = 300000;
  guint64 bytes = 0, count;
  gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < n; i++) {
    char key[64];
    GBytes *value;

    g_snprintf (key, sizeof key, "/registry/pods/default/pod-%06u", (i * 7919u) % n_keys);
    value = kube_store_get (store, key, NULL, NULL);
    g_assert (value != NULL);
    g_bytes_unref (value);
  }
  g_print ("%s: %.2f M gets/s\n", engine, n / (double) (g_get_monotonic_time () - began));

  for (int round = 0; round < 2; round++) {
    bytes = 0;
    began = g_get_monotonic_time ();
    kube_store_range (store, &range, on_visit, &bytes, NULL, NULL, NULL);
    g_print ("%s: range of %u x 2 KB: %.1f ms\n", engine, n_keys, (g_get_monotonic_time () - began) / 1e3);
  }
  began = g_get_monotonic_time ();
  count = kube_store_count (store, &range);
  g_print ("%s: count of %" G_GUINT64_FORMAT ": %.1f ms\n", engine, count, (g_get_monotonic_time () - began) / 1e3);
}

static void
bench_engine (KubeStore *store, const char *engine)
{
  guint n_keys = 150000;

  bench_writes (store, engine, 1, 3000, 3000);
  bench_writes (store, engine, 64, n_keys, n_keys);
  bench_reads (store, engine, n_keys);
  bench_writes (store, engine, 64, 60000, n_keys);
  kube_store_compact (store, kube_store_get_revision (store));
  bench_writes (store, engine, 64, 60000, n_keys);
  bench_writes (store, engine, 1, 3000, n_keys);
  g_print ("%s: %" G_GUINT64_FORMAT " MB\n", engine, kube_store_get_size (store) / 1000000);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    g_remove (file);
  }
  g_rmdir (path);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = argc > 1 ? g_strdup (argv[1]) : g_dir_make_tmp ("bench-kube-store-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  KubeStore *store = kube_store_memory_new ();

  bench_engine (store, "memory");
  g_object_unref (store);

  store = kube_store_lmdb_new (path, &error);
  if (store == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  bench_engine (store, "lmdb");
  g_object_unref (store);
  remove_folder (path);
  return 0;
}
