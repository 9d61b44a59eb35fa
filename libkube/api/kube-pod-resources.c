/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-resources.h"

static const char *const compute_resources[] = { "cpu", "memory" };

static gboolean
get_amount (KubeValue *amounts, const char *name, KubeQuantity *quantity)
{
  KubeValue *value = kube_value_get_member (amounts, name);

  return value != NULL && kube_quantity_from_value (value, quantity, NULL) && quantity->value > 0;
}

/* Whether it asks for anything, and whether all it asks for is all that it may have. */
static void
look_at (KubeValue *resources, gboolean *any, gboolean *guaranteed)
{
  KubeValue *requests = kube_value_get_member (resources, "requests"), *limits = kube_value_get_member (resources, "limits");

  for (gsize i = 0; i < G_N_ELEMENTS (compute_resources); i++) {
    KubeQuantity request, limit;
    gboolean asks = get_amount (requests, compute_resources[i], &request), limited = get_amount (limits, compute_resources[i], &limit);

    *any |= asks || limited;
    if (!asks || !limited || kube_quantity_compare (&request, &limit) != 0)
      *guaranteed = FALSE;
  }
}

const char *
kube_pod_spec_get_qos_class (KubeValue *spec)
{
  static const char *const lists[] = { "containers", "initContainers" };
  KubeValue *whole = kube_value_get_member (spec, "resources");
  gboolean any = FALSE, guaranteed = TRUE;

  if (kube_value_get_length (kube_value_get_member (whole, "requests")) + kube_value_get_length (kube_value_get_member (whole, "limits")) > 0) {
    look_at (whole, &any, &guaranteed);
  } else {
    for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
      KubeValue *containers = kube_value_get_member (spec, lists[l]);
      for (guint i = 0; i < kube_value_get_length (containers); i++)
        look_at (kube_value_get_member (kube_value_get_element (containers, i), "resources"), &any, &guaranteed);
    }
  }
  if (!any)
    return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

static gboolean
get_of (KubeValue *container, const char *list, const char *resource, KubeQuantity *quantity)
{
  KubeValue *value = kube_value_get_member (kube_value_get_member (kube_value_get_member (container, "resources"), list), resource);

  return value != NULL && kube_quantity_from_value (value, quantity, NULL);
}

gboolean
kube_pod_spec_sum (KubeValue *spec, const char *list, const char *resource, KubeQuantity *sum)
{
  KubeValue *containers = kube_value_get_member (spec, "containers"), *first = kube_value_get_member (spec, "initContainers");
  KubeQuantity amount, beside = { 0 }, most = { 0 };
  gboolean found = FALSE;

  *sum = (KubeQuantity){ 0 };
  for (guint i = 0; i < kube_value_get_length (containers); i++)
    if (get_of (kube_value_get_element (containers, i), list, resource, &amount)) {
      kube_quantity_add (sum, &amount);
      found = TRUE;
    }
  for (guint i = 0; i < kube_value_get_length (first); i++) {
    KubeValue *container = kube_value_get_element (first, i);
    KubeQuantity with = beside;

    if (!get_of (container, list, resource, &amount))
      continue;
    found = TRUE;
    kube_quantity_add (&with, &amount);
    if (g_strcmp0 (kube_value_get_member_string (container, "restartPolicy"), "Always") == 0) {
      kube_quantity_add (sum, &amount);
      beside = with;
    }
    if (kube_quantity_compare (&with, &most) > 0)
      most = with;
  }
  if (kube_quantity_compare (&most, sum) > 0)
    *sum = most;
  return found;
}
