/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include <kube/kube-quantity.h>

static const char *const compute_resources[] = { "cpu", "memory" };

static gboolean
is_zero (KubeNode *amount)
{
  g_autoptr (KubeValue) value = amount != NULL ? kube_node_to_value (amount) : NULL;
  KubeQuantity quantity;

  return value == NULL || !kube_quantity_from_value (value, &quantity, NULL) || quantity.value == 0;
}

static gboolean
is_same_amount (KubeNode *a, KubeNode *b)
{
  g_autoptr (KubeValue) x = kube_node_to_value (a), y = kube_node_to_value (b);
  KubeQuantity p, q;

  return kube_quantity_from_value (x, &p, NULL) && kube_quantity_from_value (y, &q, NULL) && kube_quantity_compare (&p, &q) == 0;
}

/* Looks at one list of containers: whether any asks for anything, and whether all are limited to what they ask for. */
static void
look_at_containers (KubeNode *containers, gboolean *any, gboolean *guaranteed)
{
  for (guint i = 0; i < kube_node_get_length (containers); i++) {
    KubeNode *container = kube_node_get_element (containers, i);
    KubeNode *requests = kube_node_get (container, "resources.requests"), *limits = kube_node_get (container, "resources.limits");
    for (guint k = 0; k < G_N_ELEMENTS (compute_resources); k++) {
      KubeNode *request = kube_node_get_member (requests, compute_resources[k]), *limit = kube_node_get_member (limits, compute_resources[k]);
      *any |= !is_zero (request) || !is_zero (limit);
      if (is_zero (limit) || (!is_zero (request) && !is_same_amount (request, limit)))
        *guaranteed = FALSE;
    }
  }
}

static const char *
qos_class (KubeNode *pod)
{
  gboolean any = FALSE, guaranteed = TRUE;

  look_at_containers (kube_node_get (pod, "spec.containers"), &any, &guaranteed);
  look_at_containers (kube_node_get (pod, "spec.initContainers"), &any, &guaranteed);
  if (!any)
    return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

/* The scheduler does not look at a gated pod: that it waits is told from the beginning. */
static void
tell_gated (KubeNode *pod)
{
  KubeNode *condition = kube_node_append_object (kube_node_ensure_array (pod, "status.conditions"));

  kube_node_set_string (condition, "type", "PodScheduled");
  kube_node_set_string (condition, "status", "False");
  kube_node_set_null (condition, "lastProbeTime");
  kube_node_set_null (condition, "lastTransitionTime");
  kube_node_set_string (condition, "reason", "SchedulingGated");
  kube_node_set_string (condition, "message", "Scheduling is blocked due to non-empty scheduling gates");
}

static void
prepare_create (KubeWriteContext *context)
{
  kube_node_set_string (context->object, "status.phase", "Pending");
  if (kube_node_get_length (kube_node_get (context->object, "spec.schedulingGates")) > 0)
    tell_gated (context->object);
  kube_node_set_string (context->object, "status.qosClass", qos_class (context->object));
}

/* What a subresource of the spec may change is put into the old state; all else stays. */
static void
take_only (KubeWriteContext *context, const char *path)
{
  KubeNode *node = kube_node_get (context->object, path);
  g_autoptr (KubeValue) value = node != NULL ? kube_node_to_value (node) : NULL;

  kube_node_set_value (context->object, "spec", kube_value_get (context->old, "spec"));
  kube_node_set_value (context->object, path, value);
}

static void
take_resources (KubeWriteContext *context)
{
  g_autoptr (KubeValue) new = kube_node_to_value (kube_node_get (context->object, "spec"));
  KubeValue *wanted = kube_value_get (new, "containers");
  KubeNode *containers;

  kube_node_set_value (context->object, "spec", kube_value_get (context->old, "spec"));
  containers = kube_node_get (context->object, "spec.containers");
  for (guint i = 0; i < kube_node_get_length (containers); i++) {
    KubeNode *container = kube_node_get_element (containers, i);
    for (guint k = 0; k < kube_value_get_length (wanted); k++) {
      KubeValue *other = kube_value_get_element (wanted, k);
      if (g_strcmp0 (kube_node_get_string (container, "name"), kube_value_get_string (other, "name")) != 0)
        continue;
      kube_node_set_value (container, "resources", kube_value_get (other, "resources"));
      kube_node_set_value (container, "resizePolicy", kube_value_get (other, "resizePolicy"));
    }
  }
}

static void
prepare_update (KubeWriteContext *context)
{
  if (g_str_equal (context->subresource, "ephemeralcontainers"))
    take_only (context, "spec.ephemeralContainers");
  else if (g_str_equal (context->subresource, "resize"))
    take_resources (context);
  if (!g_str_equal (context->subresource, "status"))
    return;
  /* old kubelets corrupt owner references */
  kube_node_set_value (context->object, "metadata.ownerReferences", kube_value_get (context->old, "metadata.ownerReferences"));
  if (kube_node_get_string (context->object, "status.qosClass") == NULL)
    kube_node_set_string (context->object, "status.qosClass", kube_value_get_string (context->old, "status.qosClass"));
}

static gboolean
check_graceful (KubeObject *pod, gint64 *grace)
{
  const char *node = kube_object_get_string (pod, "spec.nodeName"), *phase = kube_object_get_string (pod, "status.phase");

  if (*grace < 0)
    *grace = kube_object_get_integer (pod, "spec.terminationGracePeriodSeconds", 0);
  if (node == NULL || *node == '\0' || g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0)
    *grace = 0;
  if (*grace < 0)
    *grace = 1;
  return TRUE;
}

const KubeStrategy kube_pod_strategy = {
  .group = "",
  .plural = "pods",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .check_graceful = check_graceful,
  .returns_deleted = TRUE,
};
