/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "image/kube-image-private.h"

/* A name in full is its own name in full. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autoptr (GError) error = NULL;
  g_autofree char *full = kube_image_normalize_name (text, &error);
  g_autofree char *again = full != NULL ? kube_image_normalize_name (full, NULL) : NULL;

  FUZZ_CHECK ((full == NULL) == (error != NULL));
  FUZZ_CHECK (g_strcmp0 (full, again) == 0);
  return 0;
}
