/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

#define SECONDS 300

/* Pods stay for five minutes on a node that is not ready or not reachable. */

static gboolean
tolerates (KubeNode *tolerations, const char *key)
{
  for (guint i = 0; i < kube_node_get_length (tolerations); i++) {
    KubeNode *toleration = kube_node_get_element (tolerations, i);
    const char *its_key = kube_node_get_string (toleration, "key"), *effect = kube_node_get_string (toleration, "effect");
    if ((its_key == NULL || *its_key == '\0' || g_str_equal (its_key, key)) &&
        (effect == NULL || *effect == '\0' || g_str_equal (effect, "NoExecute")))
      return TRUE;
  }
  return FALSE;
}

static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  static const char *const keys[] = { "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable" };
  KubeNode *root = kube_admission_get_root (admission);
  gboolean tolerated[G_N_ELEMENTS (keys)];

  if (!kube_admission_is (admission, "", "pods"))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    tolerated[i] = tolerates (kube_node_get (root, "spec.tolerations"), keys[i]);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    KubeNode *toleration;
    if (tolerated[i])
      continue;
    toleration = kube_node_append_object (kube_node_ensure_array (root, "spec.tolerations"));
    kube_node_put_string (toleration, "key", keys[i]);
    kube_node_put_string (toleration, "operator", "Exists");
    kube_node_put_string (toleration, "effect", "NoExecute");
    kube_node_set_integer (toleration, "tolerationSeconds", SECONDS);
  }
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_default_toleration_seconds = {
  "DefaultTolerationSeconds", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE, mutate, NULL
};
