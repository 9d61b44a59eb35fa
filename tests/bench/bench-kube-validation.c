/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include <kube/kube-patch.h>
#include <kube/kube-scheme.h>
#include <kube/kube-selector.h>

#include "kube-decode.h"
#include "kube-table.h"
#include "kube-validation.h"

/* What the API layer does with a good Pod, in microseconds for each: the best of five rounds. */

typedef struct {
  KubeKind *kind;
  KubeValue *pod;
  KubeValue *stored; /* with the version that an update must name */
  KubeValue *patch;
  KubeSelector *selector;
  KubeValue *labels;
} Bench;

static void
bench_create (const Bench *bench)
{
  KubeFieldErrors errors = { NULL };

  kube_validate_create (bench->kind, bench->pod, &errors);
  if (kube_field_errors_get_length (&errors) > 0)
    g_error ("%s: %s", kube_field_errors_get (&errors, 0)->field, kube_field_errors_get (&errors, 0)->body);
}

static void
bench_update (const Bench *bench)
{
  KubeFieldErrors errors = { NULL };

  kube_validate_update (bench->kind, NULL, bench->stored, bench->stored, &errors);
  if (kube_field_errors_get_length (&errors) > 0)
    g_error ("%s: %s", kube_field_errors_get (&errors, 0)->field, kube_field_errors_get (&errors, 0)->body);
}

static void
bench_row (const Bench *bench)
{
  g_autoptr (GString) out = g_string_new (NULL);
  kube_table_print_cells (bench->kind, bench->pod, 0, out);
}

static void
bench_strategic (const Bench *bench)
{
  g_autoptr (KubeValue) value = kube_patch_strategic (bench->kind, bench->pod, bench->patch, NULL);
  if (value == NULL)
    abort ();
}

static void
bench_merge (const Bench *bench)
{
  g_autoptr (KubeValue) value = kube_patch_merge (bench->pod, bench->patch, NULL);
  if (value == NULL)
    abort ();
}

static void
bench_selector (const Bench *bench)
{
  if (!kube_selector_matches_labels (bench->selector, bench->labels))
    abort ();
}

static void
run (const char *name, void (*function) (const Bench *bench), const Bench *bench)
{
  const int n = 20000;
  gint64 best = G_MAXINT64;

  for (int round = 0; round < 5; round++) {
    gint64 start = g_get_monotonic_time ();
    for (int i = 0; i < n; i++)
      function (bench);
    best = MIN (best, g_get_monotonic_time () - start);
  }
  g_print ("%-24s %8.3f us\n", name, (double) best / n);
}

int
main (int argc, char **argv)
{
  Bench bench = { .kind = KUBE_KIND ("v1", "Pod") };
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (KubeValue) decoded = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) version = kube_value_parse ("{\"metadata\":{\"resourceVersion\":\"7\"}}", -1, NULL);

  if (argc != 2 || !g_file_get_contents (argv[1], &text, NULL, &error))
    g_error ("usage: %s POD.json: %s", argv[0], error != NULL ? error->message : "");
  value = kube_value_parse (text, -1, &error);
  decoded = value != NULL ? kube_decode_object (bench.kind, value, NULL, NULL, &error) : NULL;
  if (decoded == NULL)
    g_error ("%s: %s", argv[1], error->message);
  builder = kube_builder_new (decoded);
  kube_default (bench.kind, kube_builder_get_root (builder));
  bench.pod = kube_builder_end (builder);
  bench.stored = kube_patch_merge (bench.pod, version, NULL);
  bench.patch = kube_value_parse ("{\"metadata\":{\"annotations\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"new\"}]}}", -1, NULL);
  bench.selector = kube_selector_parse ("app=web,tier in (a,b),!canary", NULL);
  bench.labels = kube_value_parse ("{\"app\":\"web\",\"tier\":\"b\",\"x\":\"y\"}", -1, NULL);

  run ("validate create", bench_create, &bench);
  run ("validate update", bench_update, &bench);
  run ("table row", bench_row, &bench);
  run ("strategic merge patch", bench_strategic, &bench);
  run ("merge patch", bench_merge, &bench);
  run ("label selector", bench_selector, &bench);

  kube_value_unref (bench.pod);
  kube_value_unref (bench.patch);
  kube_value_unref (bench.labels);
  kube_selector_unref (bench.selector);
  return 0;
}
