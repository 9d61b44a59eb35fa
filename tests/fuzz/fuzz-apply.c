/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>

#include "apply/kube-managers.h"
#include "kube-decode.h"

#include "fuzz.h"

/* What @config makes of @live, stored as the server would; @live where it is refused. */
static KubeValue *
apply (KubeKind *kind, KubeValue *live, KubeValue *config, const char *manager)
{
  KubeManagerInfo info = { manager, kind->api_version, "", "2026-01-01T00:00:00Z", NULL };
  g_autoptr (KubeManagers) managers = kube_managers_choose (live, NULL, TRUE);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) next = kube_managers_apply (managers, kind, live, config, &info, TRUE, &error);
  g_autoptr (KubeValue) decoded = NULL;
  g_autoptr (KubeBuilder) builder = NULL;

  FUZZ_CHECK ((next == NULL) == (error != NULL));
  decoded = next != NULL ? kube_decode_object (kind, next, NULL, NULL, NULL) : NULL;
  if (decoded == NULL)
    return kube_value_ref (live);
  builder = kube_builder_new (decoded);
  kube_managers_write (managers, kube_builder_get_root (builder));
  return kube_builder_end (builder);
}

/* As a client that sends @object itself would have it stored: with the managers that it says it has, where they can be read. */
static KubeValue *
accept (KubeValue *object)
{
  g_autoptr (KubeManagers) managers = kube_managers_choose (NULL, object, FALSE);
  g_autoptr (KubeBuilder) builder = kube_builder_new (object);

  kube_managers_write (managers, kube_builder_get_root (builder));
  return kube_builder_end (builder);
}

/* What was written is found again. */
static void
check_managers (KubeValue *object)
{
  g_autoptr (KubeValue) again = accept (object);

  FUZZ_CHECK (kube_value_equal (object, again));
}

/* An array: an object with whatever managers it says it has, and what one manager then applies, one after the other. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  KubeParseOptions options = { .max_depth = 100, .max_size = 65536 };
  KubeKind *kind = KUBE_KIND ("v1", "Pod");
  g_autoptr (KubeValue) input = kube_value_parse_with_options ((const char *) data, size, &options, NULL);
  KubeValue *first = kube_value_is_array (input) ? kube_value_get_element (input, 0) : NULL;
  g_autoptr (KubeValue) decoded = first != NULL ? kube_decode_object (kind, first, NULL, NULL, NULL) : NULL;
  g_autoptr (KubeValue) live = decoded != NULL ? accept (decoded) : NULL;

  for (guint i = 1; live != NULL && i < kube_value_get_length (input) && i < 8; i++) {
    g_autoptr (KubeValue) before = g_steal_pointer (&live);
    live = apply (kind, before, kube_value_get_element (input, i), i % 2 != 0 ? "one" : "kubectl");
    check_managers (live);
  }
  return 0;
}
