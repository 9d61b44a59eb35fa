/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* Claims and ingresses that name no class get the one that is marked as default; of several the youngest, of the same age the first by name. */

static KubeObject *
find_default (KubeAdmission *admission, const char *api_version, const char *kind, const char *annotation)
{
  g_autoptr (GPtrArray) classes = kube_admission_list (admission, api_version, kind, NULL);
  KubeObject *best = NULL;

  for (guint i = 0; classes != NULL && i < classes->len; i++) {
    KubeObject *class = g_ptr_array_index (classes, i);
    if (g_strcmp0 (kube_object_get_annotation (class, annotation), "true") == 0 &&
        (best == NULL || kube_object_get_creation_time (class) > kube_object_get_creation_time (best)))
      best = class;
  }
  return best != NULL ? kube_object_ref (best) : NULL;
}

static gboolean
is_given (KubeNode *root, const char *path, const char *annotation)
{
  KubeNode *class = kube_node_get (root, path);

  return (class != NULL && kube_node_get_value_type (class) != KUBE_VALUE_NULL) ||
         kube_node_get_member (kube_node_get (root, "metadata.annotations"), annotation) != NULL;
}

static gboolean
set_storage_class (KubeAdmission *admission, GError **error)
{
  KubeNode *root = kube_admission_get_root (admission);
  g_autoptr (KubeObject) class = NULL;

  if (!kube_admission_is (admission, "", "persistentvolumeclaims") ||
      is_given (root, "spec.storageClassName", "volume.beta.kubernetes.io/storage-class"))
    return TRUE;
  class = find_default (admission, "storage.k8s.io/v1", "StorageClass", "storageclass.kubernetes.io/is-default-class");
  if (class == NULL)
    class = find_default (admission, "storage.k8s.io/v1", "StorageClass", "storageclass.beta.kubernetes.io/is-default-class");
  if (class != NULL)
    kube_node_set_string (root, "spec.storageClassName", kube_object_get_name (class));
  return TRUE;
}

static gboolean
set_ingress_class (KubeAdmission *admission, GError **error)
{
  KubeNode *root = kube_admission_get_root (admission);
  g_autoptr (KubeObject) class = NULL;

  if (!kube_admission_is (admission, "networking.k8s.io", "ingresses") || is_given (root, "spec.ingressClassName", "kubernetes.io/ingress.class"))
    return TRUE;
  class = find_default (admission, "networking.k8s.io/v1", "IngressClass", "ingressclass.kubernetes.io/is-default-class");
  if (class != NULL)
    kube_node_set_string (root, "spec.ingressClassName", kube_object_get_name (class));
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_default_storage_class = { "DefaultStorageClass", KUBE_ADMIT_CREATE, set_storage_class, NULL };
const KubeAdmissionPlugin kube_admission_default_ingress_class = { "DefaultIngressClass", KUBE_ADMIT_CREATE, set_ingress_class, NULL };
