/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* Claims and volumes are born with the finalizer that holds them while they are in use. */
static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  KubeNode *root = kube_admission_get_root (admission), *finalizers;
  const char *finalizer;

  if (kube_admission_is (admission, "", "persistentvolumeclaims"))
    finalizer = "kubernetes.io/pvc-protection";
  else if (kube_admission_is (admission, "", "persistentvolumes"))
    finalizer = "kubernetes.io/pv-protection";
  else if (kube_admission_is (admission, "storage.k8s.io", "volumeattributesclasses"))
    finalizer = "kubernetes.io/vac-protection";
  else
    return TRUE;
  finalizers = kube_node_ensure_array (root, "metadata.finalizers");
  for (guint i = 0; i < kube_node_get_length (finalizers); i++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (finalizers, i), ""), finalizer) == 0)
      return TRUE;
  }
  kube_node_append_string (finalizers, finalizer);
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_storage_object_in_use_protection = { "StorageObjectInUseProtection", KUBE_ADMIT_CREATE, mutate, NULL };
