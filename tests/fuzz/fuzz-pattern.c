/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "kube-go-regex.h"

/* A pattern of a schema, as Go would read it. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *pattern = g_strndup ((const char *) data, size);
  g_autofree char *problem = NULL;

  if (size == 0 || !g_utf8_validate (pattern, -1, NULL))
    return 0;
  problem = kube_go_regex_check (pattern);
  FUZZ_CHECK (problem == NULL || g_str_has_prefix (problem, "error parsing regexp: "));
  return 0;
}
