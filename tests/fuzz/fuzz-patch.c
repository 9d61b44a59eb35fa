/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-patch.h>
#include <kube/kube-scheme.h>

#include "fuzz.h"

static const char pod[] =
  "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"finalizers\":[\"a/b\",\"c/d\"],\"labels\":{\"x\":\"y\"},\"name\":\"p\"},"
  "\"spec\":{\"containers\":[{\"env\":[{\"name\":\"A\",\"value\":\"1\"}],\"image\":\"i\",\"name\":\"c\",\"ports\":[{\"containerPort\":80}]},"
  "{\"image\":\"j\",\"name\":\"d\"}],\"tolerations\":[{\"key\":\"t\"}],\"volumes\":[{\"emptyDir\":{},\"name\":\"v\"}]}}";

static void
check (KubeValue *result, const GError *error)
{
  FUZZ_CHECK ((result == NULL) == (error != NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  KubeParseOptions options = { .max_depth = 100, .max_size = 65536 };
  g_autoptr (KubeValue) target = kube_value_parse (pod, -1, NULL);
  g_autoptr (KubeValue) patch = kube_value_parse_with_options ((const char *) data, size, &options, NULL);
  g_autoptr (KubeValue) merged = NULL;
  g_autoptr (KubeValue) strategic = NULL;
  g_autoptr (KubeValue) json = NULL;
  g_autoptr (GError) merge_error = NULL;
  g_autoptr (GError) strategic_error = NULL;
  g_autoptr (GError) json_error = NULL;

  if (patch == NULL)
    return 0;
  merged = kube_patch_merge (target, patch, &merge_error);
  check (merged, merge_error);
  strategic = kube_patch_strategic (KUBE_KIND ("v1", "Pod"), target, patch, &strategic_error);
  check (strategic, strategic_error);
  json = kube_patch_json (target, patch, &json_error);
  check (json, json_error);

  if (merged != NULL) {
    g_autoptr (KubeValue) difference = kube_patch_make_merge (target, merged);
    g_autoptr (KubeValue) again = kube_patch_merge (target, difference, NULL);
    g_autoptr (KubeValue) nothing = NULL;

    FUZZ_CHECK (again != NULL);
    nothing = kube_patch_make_merge (again, again);
    FUZZ_CHECK (kube_value_get_length (nothing) == 0);
  }
  return 0;
}
