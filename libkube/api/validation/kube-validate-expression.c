/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* Expressions, wherever they are stored: that they compile, and give what is wanted. */

const char *const kube_validate_boolean_result[] = { "bool", NULL };

KubeCelEnvironment *
kube_validate_admission_environment (KubeAdmissionNames names)
{
  static const struct {
    const char *name, *type;
    KubeAdmissionNames needed;
  } variables[] = {
    { "object", "dyn", 0 },
    { "oldObject", "dyn", 0 },
    { "namespaceObject", "kubernetes.Namespace", 0 },
    { "request", "kubernetes.AdmissionRequest", 0 },
    { "params", "dyn", KUBE_ADMISSION_PARAMS },
    { "authorizer", "kubernetes.authorization.Authorizer", KUBE_ADMISSION_AUTHORIZER },
    { "authorizer.requestResource", "kubernetes.authorization.ResourceCheck", KUBE_ADMISSION_AUTHORIZER },
    { "variables", "kubernetes.variables", KUBE_ADMISSION_VARIABLES },
  };
  KubeCelEnvironment *environment = kube_cel_environment_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    if ((variables[i].needed & ~names) == 0)
      kube_cel_environment_add_variable (environment, variables[i].name, variables[i].type);
  if (names & KUBE_ADMISSION_PATCHES)
    kube_cel_environment_allow_patches (environment);
  return environment;
}

KubeCelProgram *
kube_validate_expression (KubeFieldErrors *errors, const KubeFieldPath *path, const char *expression, const KubeCelEnvironment *environment,
                          const char *const *results)
{
  g_autofree char *problem = NULL, *wanted = NULL;
  g_autoptr (KubeCelProgram) program = kube_cel_compile (environment, expression, &problem);

  if (program == NULL) {
    g_autofree char *detail = g_strconcat ("compilation failed: ", problem, NULL);
    kube_field_errors_invalid (errors, path, expression, detail);
    return NULL;
  }
  if (results == NULL || kube_validate_one_of (kube_cel_program_get_output (program), results))
    return g_steal_pointer (&program);
  wanted = g_strjoinv (" ", (char **) results);
  if (results[1] == NULL)
    kube_field_errors_invalid_format (errors, path, expression, "must evaluate to %s but got %s", wanted, kube_cel_program_get_output (program));
  else
    kube_field_errors_invalid_format (errors, path, expression, "must evaluate to one of [%s] but got %s", wanted,
                                      kube_cel_program_get_output (program));
  return NULL;
}
