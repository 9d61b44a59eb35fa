/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "kube-cel.h"

static KubeValue *
make_schema (void)
{
  static const char schema[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
                               "\"m\":{\"type\":\"object\",\"additionalProperties\":{\"x-kubernetes-int-or-string\":true}}}}";

  return kube_value_parse (schema, -1, NULL);
}

/* A place with variables of all sorts: unknown, of the library's structures, of a schema's. */
static KubeCelEnvironment *
make_environment (KubeValue *schema)
{
  KubeCelEnvironment *environment = kube_cel_environment_new ();

  kube_cel_environment_add_variable (environment, "object", "dyn");
  kube_cel_environment_add_variable (environment, "request", "kubernetes.AdmissionRequest");
  kube_cel_environment_add_schema (environment, "self", schema, TRUE, FALSE);
  kube_cel_environment_add_schema (environment, "oldSelf", schema, TRUE, TRUE);
  kube_cel_environment_allow_patches (environment);
  kube_cel_environment_allow_bind (environment);
  return environment;
}

/* An expression that is good stays so, gives the same and costs the same within parentheses; it has no use for what it does not name; and
 * one that is wrong does not become good where less is known. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (KubeValue) schema = make_schema ();
  g_autoptr (KubeCelEnvironment) environment = make_environment (schema), bare = kube_cel_environment_new ();
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autofree char *nested = NULL, *problem = NULL, *problem_nested = NULL, *problem_bare = NULL;
  g_autoptr (KubeCelProgram) program = NULL, program_nested = NULL, program_bare = NULL;

  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  program = kube_cel_compile (environment, text, &problem);
  FUZZ_CHECK ((program == NULL) == (problem != NULL));
  FUZZ_CHECK (problem == NULL || g_str_has_prefix (problem, "ERROR: <input>:"));
  nested = g_strconcat ("(", text, "\n)", NULL);
  program_nested = kube_cel_compile (environment, nested, &problem_nested);
  FUZZ_CHECK (program == NULL || program_nested != NULL || strstr (problem_nested, "exceeded") != NULL || strstr (problem_nested, "limit") != NULL);
  if (program != NULL && program_nested != NULL) {
    FUZZ_CHECK (kube_cel_program_estimate_cost (program, schema, TRUE) == kube_cel_program_estimate_cost (program_nested, schema, TRUE));
    FUZZ_CHECK (g_str_equal (kube_cel_program_get_output (program), kube_cel_program_get_output (program_nested)));
  }
  program_bare = kube_cel_compile (bare, text, &problem_bare);
  FUZZ_CHECK (program_bare == NULL || program != NULL);
  if (program != NULL && !kube_cel_program_uses (program, "object") && !kube_cel_program_uses (program, "request")
      && !kube_cel_program_uses (program, "self") && !kube_cel_program_uses (program, "oldSelf") && strstr (text, "Patch") == NULL
      && strstr (text, "Object") == NULL && strstr (text, "jsonpatch") == NULL && strstr (text, "bind") == NULL)
    FUZZ_CHECK (program_bare != NULL);
  return 0;
}
