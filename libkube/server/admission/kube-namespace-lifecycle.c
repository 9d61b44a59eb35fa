/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* Nothing new comes into a namespace that is not there or is going; the namespaces that the system stands on do not go. */

static gboolean
is_immortal (const char *name)
{
  return g_str_equal (name, "default") || g_str_equal (name, "kube-system") || g_str_equal (name, "kube-public");
}

static gboolean
refuse_terminating (KubeAdmission *admission, GError **error)
{
  const char *namespace_ = admission->info->namespace_;
  g_autofree char *message = g_strdup_printf ("namespace %s is being terminated", namespace_);

  kube_admission_forbid (admission, error, "unable to create new content in namespace %s because it is being terminated", namespace_);
  if (error != NULL)
    kube_error_add_cause (*error, "NamespaceTerminating", "metadata.namespace", message);
  return FALSE;
}

static gboolean
check (KubeAdmission *admission, GError **error)
{
  const KubeRequestInfo *info = admission->info;
  g_autoptr (KubeObject) namespace_ = NULL;

  if (kube_admission_is (admission, "", "namespaces")) {
    if (admission->operation == KUBE_ADMIT_DELETE && is_immortal (info->name))
      return kube_admission_forbid (admission, error, "this namespace may not be deleted");
    return TRUE;
  }
  if (*info->namespace_ == '\0' || admission->operation == KUBE_ADMIT_DELETE || g_str_equal (info->resource, "namespaces") ||
      kube_admission_is (admission, "authorization.k8s.io", "localsubjectaccessreviews"))
    return TRUE;
  namespace_ = kube_admission_get (admission, "v1", "Namespace", NULL, info->namespace_, error);
  if (namespace_ == NULL)
    return FALSE;
  if (admission->operation == KUBE_ADMIT_CREATE && g_strcmp0 (kube_object_get_string (namespace_, "status.phase"), "Terminating") == 0)
    return refuse_terminating (admission, error);
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_namespace_lifecycle = {
  "NamespaceLifecycle", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE | KUBE_ADMIT_DELETE, check, NULL
};
