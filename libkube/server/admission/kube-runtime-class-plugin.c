/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* A pod takes on what its RuntimeClass says of overhead and of the nodes that have the handler. */

static gboolean
find_class (KubeAdmission *admission, const char *name, KubeObject **class, GError **error)
{
  g_autoptr (GError) failure = NULL;

  *class = kube_admission_get (admission, "node.k8s.io/v1", "RuntimeClass", NULL, name, &failure);
  if (*class != NULL)
    return TRUE;
  if (g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
    return kube_admission_forbid (admission, error, "pod rejected: RuntimeClass \"%s\" not found", name);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
set_overhead (KubeAdmission *admission, KubeNode *root, KubeObject *class, GError **error)
{
  KubeValue *fixed = kube_object_get (class, "overhead.podFixed");
  KubeNode *given = kube_node_get (root, "spec.overhead");
  g_autoptr (KubeValue) value = given != NULL ? kube_node_to_value (given) : NULL;

  if (kube_value_is_null (fixed))
    return TRUE;
  if (kube_value_get_length (value) > 0 && !kube_value_equal (value, fixed))
    return kube_admission_forbid (admission, error, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  kube_node_set_value (root, "spec.overhead", fixed);
  return TRUE;
}

static gboolean
merge_node_selector (KubeAdmission *admission, KubeNode *root, KubeValue *selector, GError **error)
{
  for (guint i = 0; i < kube_value_get_length (selector); i++) {
    const char *key = kube_value_get_key (selector, i), *value = kube_value_peek_string (kube_value_get_element (selector, i), NULL);
    KubeNode *own = kube_node_ensure_object (root, "spec.nodeSelector");
    const char *given = kube_node_get_string (kube_node_get_member (own, key), "");
    if (given != NULL && g_strcmp0 (given, value) != 0)
      return kube_admission_forbid (admission, error, "conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; pod.spec.nodeSelector[%s] = %s", key,
                                    value, key, given);
    kube_node_put_string (own, key, value);
  }
  return TRUE;
}

static void
add_tolerations (KubeNode *root, KubeValue *tolerations)
{
  for (guint i = 0; i < kube_value_get_length (tolerations); i++) {
    KubeNode *own = kube_node_ensure_array (root, "spec.tolerations");
    KubeValue *toleration = kube_value_get_element (tolerations, i);
    g_autoptr (KubeValue) present = kube_node_to_value (own);
    gboolean found = FALSE;
    for (guint j = 0; j < kube_value_get_length (present) && !found; j++)
      found = kube_value_equal (kube_value_get_element (present, j), toleration);
    if (!found)
      kube_node_append_value (own, toleration);
  }
}

static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  KubeNode *root = kube_admission_get_root (admission);
  const char *name = kube_node_get_string (root, "spec.runtimeClassName");
  g_autoptr (KubeObject) class = NULL;

  if (!kube_admission_is (admission, "", "pods"))
    return TRUE;
  if (name == NULL) {
    if (kube_node_get_length (kube_node_get (root, "spec.overhead")) > 0)
      return kube_admission_forbid (admission, error, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    return TRUE;
  }
  if (!find_class (admission, name, &class, error) || !set_overhead (admission, root, class, error) ||
      !merge_node_selector (admission, root, kube_object_get (class, "scheduling.nodeSelector"), error))
    return FALSE;
  add_tolerations (root, kube_object_get (class, "scheduling.tolerations"));
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_runtime_class = { "RuntimeClass", KUBE_ADMIT_CREATE, mutate, NULL };
