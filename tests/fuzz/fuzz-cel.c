/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-value.h>

#include "fuzz.h"
#include "kube-cel.h"

/* An expression that is good stays so within parentheses, and one whose syntax is wrong does not become good by more variables. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const variables[] = { "object", "request", NULL };
  static const char *const none[] = { NULL };
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autofree char *nested = NULL, *problem = NULL, *problem_nested = NULL, *problem_without = NULL;

  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  problem = kube_cel_check (text, variables);
  problem_without = kube_cel_check (text, none);
  FUZZ_CHECK (problem == NULL || *problem != '\0');
  FUZZ_CHECK (problem == NULL || problem_without != NULL);
  nested = g_strconcat ("(", text, "\n)", NULL);
  problem_nested = kube_cel_check (nested, variables);
  FUZZ_CHECK (problem != NULL || problem_nested == NULL || strstr (problem_nested, "limit") != NULL);
  return 0;
}
