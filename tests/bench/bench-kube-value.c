/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <kube/kube-builder.h>
#include <kube/kube-value.h>
#include <kube/kube-yaml.h>

/* What KubeValue does with a Pod of about 4 KB, in MB/s of its text and microseconds for each: the best of five rounds. */

typedef struct {
  char *text;
  gsize length;
  KubeValue *value;
  KubeValue *canonical;
  KubeValue *other;
  KubeValue *unsorted;
  char *yaml;
} Pod;

static void
bench_parse (const Pod *pod)
{
  kube_value_unref (kube_value_parse (pod->text, pod->length, NULL));
}

static void
bench_print (const Pod *pod)
{
  g_free (kube_value_print (pod->value, NULL));
}

static void
bench_equal (const Pod *pod)
{
  if (!kube_value_equal (pod->canonical, pod->other))
    abort ();
}

static void
bench_equal_unsorted (const Pod *pod)
{
  if (!kube_value_equal (pod->unsorted, pod->canonical))
    abort ();
}

static void
bench_hash (const Pod *pod)
{
  if (kube_value_hash (pod->value) == 0)
    abort ();
}

static void
bench_canonicalize (const Pod *pod)
{
  kube_value_unref (kube_value_canonicalize (pod->unsorted));
}

static void
bench_build (const Pod *pod)
{
  KubeBuilder *builder = kube_builder_new (pod->canonical);

  kube_node_set_string (kube_builder_get_root (builder), "status.phase", "Failed");
  kube_node_set_string (kube_builder_get_root (builder), "metadata.resourceVersion", "184468");
  kube_value_unref (kube_builder_end (builder));
  kube_builder_unref (builder);
}

static void
bench_get (const Pod *pod)
{
  if (kube_value_get_string (pod->canonical, "spec.containers.0.livenessProbe.httpGet.path") == NULL)
    abort ();
}

static void
bench_yaml_parse (const Pod *pod)
{
  kube_value_unref (kube_yaml_parse (pod->yaml, -1, NULL));
}

static void
bench_yaml_print (const Pod *pod)
{
  g_free (kube_yaml_print (pod->value));
}

static void
run (const char *name, void (*once) (const Pod *), const Pod *pod, gsize size)
{
  double best = G_MAXDOUBLE;

  for (int round = 0; round < 5; round++) {
    guint64 n = 0;
    gint64 begin = g_get_monotonic_time (), now;

    do {
      for (int i = 0; i < 64; i++)
        once (pod);
      n += 64;
      now = g_get_monotonic_time ();
    } while (now - begin < 100 * 1000);
    best = MIN (best, (double) (now - begin) / n);
  }
  g_print ("%-20s %8.3f us", name, best);
  if (size > 0)
    g_print (" %8.0f MB/s", size / best);
  g_print ("\n");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Pod pod = { 0 };

  if (argc != 2 || !g_file_get_contents (argv[1], &pod.text, &pod.length, &error) ||
      (pod.value = kube_value_parse (pod.text, pod.length, &error)) == NULL) {
    g_printerr ("bench-kube-value POD.json: %s\n", error != NULL ? error->message : "usage");
    return 1;
  }
  pod.unsorted = kube_value_parse (pod.text, pod.length, NULL);
  pod.canonical = kube_value_canonicalize (pod.value);
  pod.other = kube_value_canonicalize (pod.value);
  pod.yaml = kube_yaml_print (pod.value);
  run ("parse", bench_parse, &pod, pod.length);
  run ("print", bench_print, &pod, pod.length);
  run ("equal", bench_equal, &pod, 0);
  run ("equal, unsorted", bench_equal_unsorted, &pod, 0);
  run ("hash", bench_hash, &pod, 0);
  run ("canonicalize", bench_canonicalize, &pod, 0);
  run ("change two fields", bench_build, &pod, 0);
  run ("get by path", bench_get, &pod, 0);
  run ("yaml parse", bench_yaml_parse, &pod, strlen (pod.yaml));
  run ("yaml print", bench_yaml_print, &pod, strlen (pod.yaml));
  return 0;
}
