/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* What a node may write of itself and its pods: what the node authorizer cannot see, because it is in the object. */

#define PREFIX "system:node:"
#define MIRROR "kubernetes.io/config.mirror"
#define RESTRICTED "node-restriction.kubernetes.io"

/* (nullable): the name of the node that makes the request. */
static const char *
get_node (KubeAdmission *admission)
{
  const char *name = admission->user->name;

  if (!g_str_has_prefix (name, PREFIX) || !kube_user_in_group (admission->user, "system:nodes"))
    return NULL;
  return name + strlen (PREFIX);
}

static gboolean
check_new_pod (KubeAdmission *admission, const char *node, GError **error)
{
  KubeObject *pod = admission->final;
  KubeValue *volumes = kube_object_get (pod, "spec.volumes");
  const char *account = kube_object_get_string (pod, "spec.serviceAccountName");

  if (kube_object_get_annotation (pod, MIRROR) == NULL)
    return kube_admission_forbid (admission, error, "pod does not have \"" MIRROR "\" annotation, node \"%s\" can only create mirror pods", node);
  if (g_strcmp0 (kube_object_get_string (pod, "spec.nodeName"), node) != 0)
    return kube_admission_forbid (admission, error, "node \"%s\" can only create pods with spec.nodeName set to itself", node);
  if (account != NULL && *account != '\0')
    return kube_admission_forbid (admission, error, "node \"%s\" can not create pods that reference a service account", node);
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    if (kube_value_get_member (volume, "secret") != NULL)
      return kube_admission_forbid (admission, error, "node \"%s\" can not create pods that reference secrets", node);
    if (kube_value_get_member (volume, "configMap") != NULL)
      return kube_admission_forbid (admission, error, "node \"%s\" can not create pods that reference configmaps", node);
    if (kube_value_get_member (volume, "persistentVolumeClaim") != NULL)
      return kube_admission_forbid (admission, error, "node \"%s\" can not create pods that reference persistentvolumeclaims", node);
  }
  return TRUE;
}

static gboolean
check_pod (KubeAdmission *admission, const char *node, GError **error)
{
  gboolean status = g_str_equal (admission->info->subresource, "status");

  if (admission->operation == KUBE_ADMIT_CREATE && *admission->info->subresource == '\0')
    return check_new_pod (admission, node, error);
  if (admission->old == NULL)
    return TRUE;
  if (g_strcmp0 (kube_object_get_string (admission->old, "spec.nodeName"), node) != 0)
    return kube_admission_forbid (admission, error, "node \"%s\" can only %s pods with spec.nodeName set to itself", node,
                   admission->operation == KUBE_ADMIT_DELETE ? "delete" : status ? "update pod status for" : "update");
  if (status && !kube_value_equal (kube_object_get (admission->old, "metadata.labels"), kube_object_get (admission->final, "metadata.labels")))
    return kube_admission_forbid (admission, error, "node \"%s\" cannot update labels through pod status", node);
  return TRUE;
}

static gboolean
is_kubernetes_label (const char *key)
{
  const char *slash = strchr (key, '/');
  g_autofree char *domain = slash != NULL ? g_strndup (key, slash - key) : NULL;

  return domain != NULL && (g_str_equal (domain, "kubernetes.io") || g_str_has_suffix (domain, ".kubernetes.io") || g_str_equal (domain, "k8s.io") ||
                            g_str_has_suffix (domain, ".k8s.io"));
}

static gboolean
may_label (const char *key)
{
  static const char *const own[] = { "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/arch", "beta.kubernetes.io/os",
                                     "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
                                     "failure-domain.beta.kubernetes.io/region", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
                                     "node.kubernetes.io/windows-build", NULL };
  const char *slash = strchr (key, '/');
  g_autofree char *domain = slash != NULL ? g_strndup (key, slash - key) : NULL;

  if (domain != NULL && (g_str_equal (domain, RESTRICTED) || g_str_has_suffix (domain, "." RESTRICTED)))
    return FALSE;
  if (!is_kubernetes_label (key) || g_strv_contains (own, key))
    return TRUE;
  return g_str_equal (domain, "kubelet.kubernetes.io") || g_str_has_suffix (domain, ".kubelet.kubernetes.io") || g_str_equal (domain, "node.kubernetes.io") ||
         g_str_has_suffix (domain, ".node.kubernetes.io");
}

static char *
list_forbidden_labels (KubeAdmission *admission)
{
  KubeValue *new = kube_object_get (admission->final, "metadata.labels"), *old = admission->old != NULL ? kube_object_get (admission->old, "metadata.labels") : NULL;
  GString *keys = g_string_new (NULL);

  for (guint pass = 0; pass < 2; pass++) {
    KubeValue *labels = pass == 0 ? new : old, *others = pass == 0 ? old : new;
    for (guint i = 0; i < kube_value_get_length (labels); i++) {
      const char *key = kube_value_get_key (labels, i);
      KubeValue *other = kube_value_get_member (others, key);
      gboolean changed = pass == 0 ? !kube_value_equal (kube_value_get_element (labels, i), other) : other == NULL;
      if (changed && !may_label (key))
        g_string_append_printf (keys, "%s%s", keys->len > 0 ? ", " : "", key);
    }
  }
  return g_string_free (keys, FALSE);
}

static gboolean
check_node (KubeAdmission *admission, const char *node, GError **error)
{
  const char *name = *admission->info->name != '\0' ? admission->info->name : kube_object_get_name (admission->final);
  g_autofree char *labels = NULL;

  if (g_strcmp0 (name, node) != 0)
    return kube_admission_forbid (admission, error, "node \"%s\" is not allowed to modify node \"%s\"", node, name);
  if (admission->operation == KUBE_ADMIT_DELETE)
    return TRUE;
  if (admission->old != NULL && !kube_value_equal (kube_object_get (admission->old, "spec.taints"), kube_object_get (admission->final, "spec.taints")))
    return kube_admission_forbid (admission, error, "node \"%s\" is not allowed to modify taints", node);
  if (admission->old != NULL && kube_value_get_length (kube_object_get (admission->final, "metadata.ownerReferences")) > 0 &&
      !kube_value_equal (kube_object_get (admission->old, "metadata.ownerReferences"), kube_object_get (admission->final, "metadata.ownerReferences")))
    return kube_admission_forbid (admission, error, "node \"%s\" is not allowed to modify owner references", node);
  labels = list_forbidden_labels (admission);
  if (*labels != '\0')
    return kube_admission_forbid (admission, error, "is not allowed to modify labels: %s", labels);
  return TRUE;
}

static gboolean
check_lease (KubeAdmission *admission, const char *node, GError **error)
{
  const char *name = *admission->info->name != '\0' ? admission->info->name : kube_object_get_name (admission->final);

  if (!g_str_equal (admission->info->namespace_, "kube-node-lease"))
    return kube_admission_forbid (admission, error, "can only access leases in the \"kube-node-lease\" system namespace");
  if (g_strcmp0 (name, node) != 0)
    return kube_admission_forbid (admission, error, "can only access node lease with the same name as the requesting node");
  return TRUE;
}

static gboolean
validate (KubeAdmission *admission, GError **error)
{
  const char *node = get_node (admission);
  const KubeRequestInfo *info = admission->info;

  if (node == NULL)
    return TRUE;
  if (*info->group == '\0' && g_str_equal (info->resource, "pods"))
    return check_pod (admission, node, error);
  if (*info->group == '\0' && g_str_equal (info->resource, "nodes"))
    return check_node (admission, node, error);
  if (g_str_equal (info->resource, "leases") && g_str_equal (info->group, "coordination.k8s.io"))
    return check_lease (admission, node, error);
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_node_restriction = {
  "NodeRestriction", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE | KUBE_ADMIT_DELETE, NULL, validate
};
