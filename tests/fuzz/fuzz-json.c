/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-builder.h>
#include <kube/kube-value.h>

#include "fuzz.h"

static void
check_print (KubeValue *value)
{
  gsize length;
  g_autofree char *text = kube_value_print (value, &length);
  g_autoptr (KubeValue) again = kube_value_parse (text, length, NULL);

  FUZZ_CHECK (again != NULL && kube_value_equal (value, again) && kube_value_hash (value) == kube_value_hash (again));
}

static void
check_builder (KubeValue *value)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (value);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeValue) built = NULL;

  /* Opened here and there, but not changed. */
  for (guint i = 0; i < MIN (kube_node_get_length (root), 16); i++)
    kube_node_get_element (kube_node_get_element (root, i), 0);
  if (kube_node_get_value_type (root) == KUBE_VALUE_ARRAY) {
    kube_node_append_integer (root, 1);
    kube_node_remove_element (root, kube_node_get_length (root) - 1);
  } else if (kube_node_get_value_type (root) == KUBE_VALUE_OBJECT && kube_node_get_member (root, "new") == NULL) {
    kube_node_put_string (root, "new", "x");
    kube_node_remove_member (root, "new");
  }
  built = kube_builder_end (builder);
  FUZZ_CHECK (kube_value_equal (built, value));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) duplicates = g_ptr_array_new_with_free_func (g_free);
  KubeParseOptions options = { .duplicates = duplicates };
  g_autoptr (KubeValue) value = kube_value_parse_with_options ((const char *) data, size, &options, NULL);
  g_autoptr (KubeValue) canonical = NULL;

  if (value == NULL)
    return 0;
  canonical = kube_value_canonicalize (value);
  FUZZ_CHECK (kube_value_equal (value, canonical) && kube_value_equal (canonical, value));
  FUZZ_CHECK (kube_value_hash (value) == kube_value_hash (canonical));
  check_print (value);
  check_print (canonical);
  check_builder (value);
  for (guint i = 0; i < MIN (kube_value_get_length (value), 16); i++) {
    g_autoptr (KubeValue) part = kube_value_detach (kube_value_get_element (value, i));

    FUZZ_CHECK (kube_value_equal (part, kube_value_get_element (value, i)));
  }
  return 0;
}
