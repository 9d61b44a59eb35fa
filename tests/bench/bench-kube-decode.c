/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>

#include "kube-decode.h"
#include "kube-openapi.h"
#include "kube-protobuf.h"

/* What a Pod of about 4 KB costs on its way in and out, in microseconds for each: the best of five rounds; and the OpenAPI documents, once. */

typedef struct {
  KubeKind *kind;
  KubeValue *body;
  KubeValue *object;
  GByteArray *message;
} Pod;

static void
bench_decode (const Pod *pod)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  kube_value_unref (kube_decode_object (pod->kind, pod->body, NULL, problems, NULL));
}

static void
bench_default (const Pod *pod)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (pod->object);

  kube_default (pod->kind, kube_builder_get_root (builder));
  kube_value_unref (kube_builder_end (builder));
}

static void
bench_protobuf_encode (const Pod *pod)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();

  kube_protobuf_encode (pod->kind->type, pod->object, out);
}

static void
bench_protobuf_decode (const Pod *pod)
{
  kube_value_unref (kube_protobuf_decode (pod->kind->type, pod->message->data, pod->message->len, NULL));
}

static void
run (const char *name, void (*body) (const Pod *), const Pod *pod)
{
  const guint n = 5000;
  gint64 best = G_MAXINT64;

  for (guint round = 0; round < 5; round++) {
    gint64 start = g_get_monotonic_time ();

    for (guint i = 0; i < n; i++)
      body (pod);
    best = MIN (best, g_get_monotonic_time () - start);
  }
  g_print ("%-16s %7.2f us\n", name, (double) best / n);
}

static void
run_documents (void)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GBytes) index = kube_openapi_get_v3_index (kube_scheme_get_default ());
  gint64 index_end = g_get_monotonic_time ();
  g_autoptr (GBytes) v2 = kube_openapi_get_v2 (kube_scheme_get_default (), FALSE, NULL);
  gint64 v2_end = g_get_monotonic_time ();

  g_print ("%-16s %7.2f ms\n%-16s %7.2f ms, %" G_GSIZE_FORMAT " KB\n", "openapi index", (index_end - start) / 1e3, "openapi v2",
           (v2_end - index_end) / 1e3, g_bytes_get_size (v2) / 1024);
}

int
main (int argc, char **argv)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  Pod pod = { KUBE_KIND ("v1", "Pod"), NULL, NULL, g_byte_array_new () };

  if (argc != 2 || !g_file_get_contents (argv[1], &text, &length, &error) || !(pod.body = kube_value_parse (text, length, &error)) ||
      !(pod.object = kube_decode_object (pod.kind, pod.body, NULL, NULL, &error))) {
    g_printerr ("%s\n", error != NULL ? error->message : "usage: bench-kube-decode POD.json");
    return 1;
  }
  kube_protobuf_encode (pod.kind->type, pod.object, pod.message);
  run ("decode", bench_decode, &pod);
  run ("default", bench_default, &pod);
  run ("protobuf encode", bench_protobuf_encode, &pod);
  run ("protobuf decode", bench_protobuf_decode, &pod);
  run_documents ();
  kube_value_unref (pod.body);
  kube_value_unref (pod.object);
  g_byte_array_unref (pod.message);
  return 0;
}
