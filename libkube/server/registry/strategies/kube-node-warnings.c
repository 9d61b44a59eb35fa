/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-warnings.h"
#include <kube/kube-names.h>

const char *
kube_old_node_label (const char *key)
{
  static const struct {
    const char *key, *text;
  } labels[] = {
    { "beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead" },
    { "beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead" },
    { "failure-domain.beta.kubernetes.io/region", "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead" },
    { "failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead" },
    { "beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (labels); i++)
    if (g_str_equal (labels[i].key, key))
      return labels[i].text;
  return NULL;
}

/* The scheduler passes over what cannot be a label's value. */
static void
warn_values (KubeOperation *op, const char *path, KubeValue *values)
{
  for (guint i = 0; i < kube_value_get_length (values); i++) {
    const char *value = kube_value_get_string (kube_value_get_element (values, i), NULL);
    g_autoptr (GPtrArray) problems = kube_name_check_all (KUBE_NAME_LABEL_VALUE, value != NULL ? value : "");

    for (guint k = 0; problems != NULL && k < problems->len; k++)
      kube_warn (op, "%s.values[%u]: %s is invalid, %s", path, i, value, (const char *)problems->pdata[k]);
  }
}

void
kube_node_term_warn (KubeOperation *op, const char *path, KubeValue *term, gboolean values)
{
  KubeValue *list = kube_value_get_member (term, "matchExpressions");

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *expression = kube_value_get_element (list, i);
    const char *key = kube_value_get_member_string (expression, "key");
    g_autofree char *at = g_strdup_printf ("%s.matchExpressions[%u]", path, i);

    if (key != NULL && kube_old_node_label (key) != NULL)
      kube_warn (op, "%s.key: %s is %s", at, key, kube_old_node_label (key));
    if (values)
      warn_values (op, at, kube_value_get_member (expression, "values"));
  }
}

void
kube_node_warn (KubeOperation *op, KubeValue *node, KubeValue *old)
{
  KubeValue *spec = kube_value_get_member (node, "spec"), *ranges = kube_value_get_member (spec, "podCIDRs");
  const char *external = kube_value_get_member_string (spec, "externalID");

  if (kube_value_get_member (spec, "configSource") != NULL)
    kube_warn (op, "spec.configSource: the feature is removed");
  if (external != NULL && *external != '\0')
    kube_warn (op, "spec.externalID: this field is deprecated, and is unused by Kubernetes");
  for (guint i = 0; i < kube_value_get_length (ranges); i++) {
    g_autofree char *path = g_strdup_printf ("spec.podCIDRs[%u]", i);
    kube_range_warn (op, path, kube_value_get_string (kube_value_get_element (ranges, i), NULL));
  }
}

void
kube_runtime_class_warn (KubeOperation *op, KubeValue *runtime_class, KubeValue *old)
{
  KubeValue *selector = kube_value_get (runtime_class, "scheduling.nodeSelector");

  for (guint i = 0; i < kube_value_get_length (selector); i++) {
    const char *text = kube_old_node_label (kube_value_get_key (selector, i));
    if (text != NULL)
      kube_warn (op, "scheduling.nodeSelector: %s", text);
  }
}
