/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

#define NOT_READY "node.kubernetes.io/not-ready"

/* A new node takes no pods before it has said that it is ready. */
static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  KubeNode *taints, *taint;

  if (!kube_admission_is (admission, "", "nodes"))
    return TRUE;
  taints = kube_node_get (kube_admission_get_root (admission), "spec.taints");
  for (guint i = 0; i < kube_node_get_length (taints); i++) {
    taint = kube_node_get_element (taints, i);
    if (g_strcmp0 (kube_node_get_string (taint, "key"), NOT_READY) == 0 && g_strcmp0 (kube_node_get_string (taint, "effect"), "NoSchedule") == 0)
      return TRUE;
  }
  taint = kube_node_append_object (kube_node_ensure_array (kube_admission_get_root (admission), "spec.taints"));
  kube_node_put_string (taint, "key", NOT_READY);
  kube_node_put_string (taint, "effect", "NoSchedule");
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_taint_nodes_by_condition = { "TaintNodesByCondition", KUBE_ADMIT_CREATE, mutate, NULL };
