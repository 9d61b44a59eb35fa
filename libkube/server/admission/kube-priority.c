/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

#define API_VERSION "scheduling.k8s.io/v1"

/* (transfer full) (nullable): of several default classes the one of the lowest value counts. */
static KubeObject *
find_default (KubeAdmission *admission)
{
  g_autoptr (GPtrArray) classes = kube_admission_list (admission, API_VERSION, "PriorityClass", NULL);
  KubeObject *best = NULL;

  for (guint i = 0; classes != NULL && i < classes->len; i++) {
    KubeObject *class = g_ptr_array_index (classes, i);
    if (kube_object_get_boolean (class, "globalDefault", FALSE) &&
        (best == NULL || kube_object_get_integer (class, "value", 0) < kube_object_get_integer (best, "value", 0)))
      best = class;
  }
  return best != NULL ? kube_object_ref (best) : NULL;
}

static gboolean
resolve (KubeAdmission *admission, KubeNode *root, KubeObject **class, GError **error)
{
  const char *name = kube_node_get_string (root, "spec.priorityClassName");
  g_autoptr (GError) failure = NULL;

  if (name == NULL || *name == '\0') {
    *class = find_default (admission);
    if (*class != NULL)
      kube_node_set_string (root, "spec.priorityClassName", kube_object_get_name (*class));
    return TRUE;
  }
  *class = kube_admission_get (admission, API_VERSION, "PriorityClass", NULL, name, &failure);
  if (*class != NULL)
    return TRUE;
  if (g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
    return kube_admission_forbid (admission, error, "no PriorityClass with name %s was found", name);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
set_priority (KubeAdmission *admission, KubeNode *root, gint64 priority, const char *policy, GError **error)
{
  KubeNode *given = kube_node_get (root, "spec.priority");
  const char *given_policy = kube_node_get_string (root, "spec.preemptionPolicy");

  if (given != NULL && kube_node_get_value_type (given) == KUBE_VALUE_INTEGER && kube_node_get_integer (given, "", 0) != priority)
    return kube_admission_forbid (admission, error,
                                  "the integer value of priority (%" G_GINT64_FORMAT ") must not be provided in pod spec; priority admission controller computed %" G_GINT64_FORMAT " from the given PriorityClass name",
                                  kube_node_get_integer (given, "", 0), priority);
  if (given_policy != NULL && !g_str_equal (given_policy, policy))
    return kube_admission_forbid (admission, error,
                                  "the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name",
                                  given_policy, policy);
  kube_node_set_integer (root, "spec.priority", priority);
  kube_node_set_string (root, "spec.preemptionPolicy", policy);
  return TRUE;
}

static void
keep_on_update (KubeNode *root, KubeObject *old)
{
  KubeNode *priority = kube_node_get (root, "spec.priority"), *policy = kube_node_get (root, "spec.preemptionPolicy");

  /* a client that does not know the fields drops them */
  if (priority == NULL || kube_node_get_value_type (priority) == KUBE_VALUE_NULL)
    kube_node_set_value (root, "spec.priority", kube_object_get (old, "spec.priority"));
  if (policy == NULL || kube_node_get_value_type (policy) == KUBE_VALUE_NULL)
    kube_node_set_value (root, "spec.preemptionPolicy", kube_object_get (old, "spec.preemptionPolicy"));
}

static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  KubeNode *root = kube_admission_get_root (admission);
  g_autoptr (KubeObject) class = NULL;
  const char *policy;

  if (!kube_admission_is (admission, "", "pods"))
    return TRUE;
  if (admission->operation == KUBE_ADMIT_UPDATE) {
    keep_on_update (root, admission->old);
    return TRUE;
  }
  if (!resolve (admission, root, &class, error))
    return FALSE;
  policy = class != NULL ? kube_object_get_string (class, "preemptionPolicy") : NULL;
  return set_priority (admission, root, class != NULL ? kube_object_get_integer (class, "value", 0) : 0,
                       policy != NULL ? policy : "PreemptLowerPriority", error);
}

static gboolean
validate (KubeAdmission *admission, GError **error)
{
  g_autoptr (KubeObject) present = NULL;

  if (!kube_admission_is (admission, "scheduling.k8s.io", "priorityclasses") || !kube_object_get_boolean (admission->final, "globalDefault", FALSE))
    return TRUE;
  present = find_default (admission);
  if (present != NULL && g_strcmp0 (kube_object_get_name (present), kube_object_get_name (admission->final)) != 0)
    return kube_admission_forbid (admission, error, "PriorityClass %s is already marked as default. Only one default can exist",
                                  kube_object_get_name (present));
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_priority = { "Priority", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE, mutate, validate };
