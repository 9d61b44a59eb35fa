/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-quantity.h>

#include <math.h>
#include <string.h>

#include "fuzz.h"

static void
check_canonical (const char *text, int min_scale)
{
  g_autofree char *once = kube_quantity_canonicalize (text, min_scale, NULL);
  KubeQuantity a, b;

  FUZZ_CHECK (once != NULL);
  /* A binary number that no power of 1024 divides prints without a suffix, as upstream's does, and is a decimal one when it is read again. */
  g_autofree char *twice = kube_quantity_canonicalize (once, min_scale, NULL);
  g_autofree char *settled = twice != NULL ? kube_quantity_canonicalize (twice, min_scale, NULL) : NULL;
  FUZZ_CHECK (twice != NULL && g_strcmp0 (twice, settled) == 0);
  FUZZ_CHECK (kube_quantity_parse (text, &a, NULL) && kube_quantity_parse (once, &b, NULL));
  if (min_scale == -9)
    FUZZ_CHECK (kube_quantity_compare (&a, &b) == 0);
  else
    FUZZ_CHECK (ABS (kube_quantity_get_double (&a)) <= ABS (kube_quantity_get_double (&b)) * (1 + 1e-12));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup (size > 0 ? (const char *) data : "", size);
  KubeQuantity quantity, again;

  if (strlen (text) > 4096)
    return 0;
  if (!kube_quantity_parse (text, &quantity, NULL)) {
    FUZZ_CHECK (kube_quantity_canonicalize (text, -9, NULL) == NULL);
    return 0;
  }
  check_canonical (text, -9);
  check_canonical (text, -3);

  g_autofree char *printed = kube_quantity_print (&quantity);
  FUZZ_CHECK (kube_quantity_parse (printed, &again, NULL) && kube_quantity_compare (&quantity, &again) == 0);
  kube_quantity_subtract (&again, &quantity);
  FUZZ_CHECK (again.value == 0);
  kube_quantity_add (&again, &quantity);
  FUZZ_CHECK (kube_quantity_compare (&again, &quantity) == 0);
  kube_quantity_get_value (&quantity);
  kube_quantity_get_milli_value (&quantity);
  return 0;
}
