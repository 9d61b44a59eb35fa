/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* upstream's order */
static const KubeAdmissionPlugin *const plugins[] = {
  &kube_admission_rbac_escalation,
  &kube_admission_namespace_lifecycle,
  &kube_admission_limit_ranger,
  &kube_admission_service_account,
  &kube_admission_node_restriction,
  &kube_admission_taint_nodes_by_condition,
  &kube_admission_pod_security,
  &kube_admission_priority,
  &kube_admission_default_toleration_seconds,
  &kube_admission_default_storage_class,
  &kube_admission_storage_object_in_use_protection,
  &kube_admission_runtime_class,
  &kube_admission_certificate_approval,
  &kube_admission_certificate_signing,
  &kube_admission_certificate_subject_restriction,
  &kube_admission_default_ingress_class,
};

gboolean
kube_admission_mutate (KubeAdmission *admission, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++) {
    if ((plugins[i]->operations & admission->operation) != 0 && plugins[i]->mutate != NULL && !plugins[i]->mutate (admission, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
kube_admission_validate (KubeAdmission *admission, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++) {
    if ((plugins[i]->operations & admission->operation) != 0 && plugins[i]->validate != NULL && !plugins[i]->validate (admission, error))
      return FALSE;
  }
  return TRUE;
}

KubeNode *
kube_admission_get_root (KubeAdmission *admission)
{
  return admission->object != NULL ? kube_builder_get_root (admission->object) : NULL;
}

static const char *
get_metadata (KubeAdmission *admission, const char *path)
{
  const char *text = admission->final != NULL ? kube_object_get_string (admission->final, path)
                                              : kube_node_get_string (kube_admission_get_root (admission), path);
  return text != NULL && *text != '\0' ? text : NULL;
}

static const char *
get_name (KubeAdmission *admission)
{
  const char *name = *admission->info->name != '\0' ? admission->info->name : get_metadata (admission, "metadata.name");

  if (name == NULL)
    name = get_metadata (admission, "metadata.generateName");
  return name != NULL ? name : "Unknown";
}

gboolean
kube_admission_forbid (KubeAdmission *admission, GError **error, const char *format, ...)
{
  const KubeRequestInfo *info = admission->info;
  const char *name = get_name (admission);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "%s%s%s \"%s\" is forbidden: %s", info->resource, *info->group != '\0' ? "." : "",
               info->group, name, text);
  if (error != NULL)
    kube_error_set_subject (*error, info->group, info->resource, name);
  return FALSE;
}

gboolean
kube_admission_is (KubeAdmission *admission, const char *group, const char *plural)
{
  return g_str_equal (admission->info->resource, plural) && g_str_equal (admission->info->group, group) &&
         *admission->info->subresource == '\0';
}

KubeObject *
kube_admission_get (KubeAdmission *admission, const char *api_version, const char *kind, const char *namespace_, const char *name, GError **error)
{
  KubeKind *found = kube_scheme_find_kind (admission->scheme, api_version, kind);

  if (admission->cache != NULL)
    return kube_storage_cache_get (admission->cache, found, namespace_, name, error);
  return kube_storage_get (admission->store, found, namespace_, name, error);
}

GPtrArray *
kube_admission_list (KubeAdmission *admission, const char *api_version, const char *kind, const char *namespace_)
{
  KubeKind *found = kube_scheme_find_kind (admission->scheme, api_version, kind);

  if (admission->cache != NULL)
    return kube_storage_cache_list (admission->cache, found, namespace_);
  return kube_storage_list (admission->store, found, namespace_, NULL, NULL);
}
