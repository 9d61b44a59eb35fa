/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-yaml.h>

#include "fuzz.h"

static void
check_print (KubeValue *value)
{
  g_autofree char *text = kube_yaml_print (value);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) again = kube_yaml_parse (text, -1, &error);

  if (again == NULL || !kube_value_equal (value, again))
    g_printerr ("%s\n%s\n", text, error != NULL ? error->message : "reads as another value");
  FUZZ_CHECK (again != NULL && kube_value_equal (value, again));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) duplicates = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (KubeValue) first = kube_yaml_parse_with_duplicates ((const char *) data, size, duplicates, NULL);
  g_autoptr (GPtrArray) all = kube_yaml_parse_all ((const char *) data, size, NULL);

  if (first != NULL)
    check_print (first);
  for (guint i = 0; all != NULL && i < all->len; i++) {
    g_autoptr (KubeValue) canonical = kube_value_canonicalize (g_ptr_array_index (all, i));
    g_autofree char *text = kube_value_print (canonical, NULL);
    g_autoptr (KubeValue) json = kube_value_parse (text, -1, NULL);

    FUZZ_CHECK (json != NULL && kube_value_equal (json, g_ptr_array_index (all, i)));
    check_print (g_ptr_array_index (all, i));
  }
  return 0;
}
