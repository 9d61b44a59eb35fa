/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>

#include "fuzz.h"
#include "kube-decode.h"

/* A body is refused, with a reason, or becomes an object that decoding and defaulting leave as it is. */
static void
check_kind (KubeKind *kind, KubeValue *body, GPtrArray *duplicates)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) object = kube_decode_object (kind, body, duplicates, problems, &error);
  g_autoptr (KubeValue) again = NULL, defaulted = NULL, twice = NULL;
  g_autoptr (KubeBuilder) builder = NULL;

  FUZZ_CHECK ((object == NULL) == (error != NULL));
  if (object == NULL)
    return;
  again = kube_decode_object (kind, object, NULL, NULL, NULL);
  FUZZ_CHECK (again != NULL && kube_value_equal (object, again));
  builder = kube_builder_new (object);
  kube_default (kind, kube_builder_get_root (builder));
  defaulted = kube_builder_end (builder);
  kube_default (kind, kube_builder_get_root (builder));
  twice = kube_builder_end (builder);
  FUZZ_CHECK (kube_value_equal (defaulted, twice));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const kinds[][2] = { { "v1", "Pod" }, { "v1", "Service" }, { "apps/v1", "Deployment" },
                                          { "apiextensions.k8s.io/v1", "CustomResourceDefinition" } };
  g_autoptr (GPtrArray) duplicates = g_ptr_array_new_with_free_func (g_free);
  KubeParseOptions options = { .duplicates = duplicates };
  g_autoptr (KubeValue) value = kube_value_parse_with_options ((const char *) data, size, &options, NULL);

  for (guint i = 0; value != NULL && i < G_N_ELEMENTS (kinds); i++)
    check_kind (KUBE_KIND (kinds[i][0], kinds[i][1]), value, duplicates);
  return 0;
}
