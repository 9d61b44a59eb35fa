/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-selector.h>

#include "fuzz.h"

/* What is read prints to text that reads as the same; the order of the terms is settled only once "==" is printed as "=". */
static void
check_selector (KubeSelector *(*parse) (const char *text, GError **error), const char *text, KubeValue *labels)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeSelector) selector = parse (text, &error);
  g_autoptr (KubeSelector) again = NULL, settled = NULL;
  g_autofree char *printed = NULL, *printed_again = NULL, *printed_settled = NULL;
  g_autofree const char **keys = NULL;

  FUZZ_CHECK ((selector == NULL) == (error != NULL));
  if (selector == NULL)
    return;
  printed = kube_selector_print (selector);
  again = parse (printed, NULL);
  if (again == NULL)
    return;
  printed_again = kube_selector_print (again);
  settled = parse (printed_again, NULL);
  FUZZ_CHECK (settled != NULL);
  printed_settled = kube_selector_print (settled);
  FUZZ_CHECK (g_str_equal (printed_again, printed_settled));
  FUZZ_CHECK (kube_selector_matches_labels (selector, labels) == kube_selector_matches_labels (again, labels));
  keys = kube_selector_list_keys (selector);
  for (guint i = 0; keys[i] != NULL; i++)
    kube_selector_get_required (selector, keys[i]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autoptr (KubeValue) labels = kube_value_parse ("{\"a\":\"b\",\"n\":\"5\",\"x/y\":\"\"}", -1, NULL);

  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  check_selector (kube_selector_parse, text, labels);
  check_selector (kube_selector_parse_fields, text, labels);
  return 0;
}
