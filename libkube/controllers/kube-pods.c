/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-pods.h"

gboolean
kube_pod_is_ready (KubeObject *pod)
{
  return kube_condition_is (kube_object_get_value (pod), "Ready", "True");
}

gboolean
kube_pod_is_finished (KubeObject *pod)
{
  const char *phase = kube_object_get_string (pod, "status.phase");

  return g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0;
}

gboolean
kube_pod_is_active (KubeObject *pod)
{
  return !kube_object_is_deleting (pod) && !kube_pod_is_finished (pod);
}

int
kube_pod_get_phase_rank (KubeObject *pod)
{
  const char *phase = kube_object_get_string (pod, "status.phase");

  return g_strcmp0 (phase, "Running") == 0 ? 2 : g_strcmp0 (phase, "Unknown") == 0 ? 1 : 0;
}

gint64
kube_pod_get_ready_time (KubeObject *pod)
{
  KubeValue *condition = kube_condition_find (kube_object_get_value (pod), "Ready");
  gint64 time = -1;

  if (condition != NULL)
    kube_time_parse (kube_value_get_string (condition, "lastTransitionTime"), &time, NULL);
  return time;
}

gint64
kube_pod_count_restarts (KubeObject *pod)
{
  KubeValue *statuses = kube_object_get (pod, "status.containerStatuses");
  gint64 most = 0;

  for (guint i = 0; i < kube_value_get_length (statuses); i++)
    most = MAX (most, kube_value_get_integer (kube_value_get_element (statuses, i), "restartCount", 0));
  return most;
}

gint64
kube_pod_available_in (KubeObject *pod, gint64 min_ready, gint64 now)
{
  KubeValue *ready = kube_condition_find (kube_object_get_value (pod), "Ready");
  gint64 since;

  if (g_strcmp0 (kube_value_get_string (ready, "status"), "True") != 0)
    return -1;
  if (min_ready == 0)
    return 0;
  if (!kube_time_parse (kube_value_get_string (ready, "lastTransitionTime"), &since, NULL))
    return -1;
  return MAX (since + min_ready - now, 0);
}

static void
add_node_values (KubeObject *pod, GPtrArray *values, gpointer user_data)
{
  const char *node = kube_object_get_string (pod, "spec.nodeName");

  if (node != NULL)
    g_ptr_array_add (values, g_strdup (node));
}

void
kube_pod_add_node_index (KubeInformer *pods)
{
  kube_informer_add_index (pods, "node", add_node_values, NULL);
}

void
kube_pod_plan_disruption (KubePlan *plan, KubeObject *pod, const char *phase, const char *reason, const char *message, gint64 now)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeValue) patch = NULL;

  kube_node_set_string (root, "metadata.uid", kube_object_get_uid (pod));
  if (phase != NULL)
    kube_node_set_string (root, "status.phase", phase);
  kube_condition_set (kube_node_ensure_object (root, "status"), "DisruptionTarget", "True", reason, message, now, KUBE_CONDITION_DEFAULT);
  patch = kube_builder_end (builder);
  kube_plan_patch (plan, pod, "status", KUBE_PATCH_STRATEGIC, patch);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

void
kube_slow_start_next (KubeSlowStart *self, KubePlan *plan)
{
  if (self->left == 0) {
    kube_plan_then (plan);
    self->left = self->batch *= 2;
  }
  self->left--;
}

static guint16
find_named_port (KubeValue *containers, const char *name, const char *protocol)
{
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *ports = kube_value_get (kube_value_get_element (containers, i), "ports");

    for (guint k = 0; k < kube_value_get_length (ports); k++) {
      KubeValue *port = kube_value_get_element (ports, k);
      const char *its = kube_value_get_string (port, "protocol");

      if (g_strcmp0 (kube_value_get_string (port, "name"), name) == 0 && g_strcmp0 (its == NULL ? "TCP" : its, protocol) == 0)
        return kube_value_get_integer (port, "containerPort", 0);
    }
  }
  return 0;
}

guint16
kube_pod_find_port (KubeObject *pod, KubeValue *service_port)
{
  KubeValue *target = kube_value_get (service_port, "targetPort");
  const char *name = kube_value_peek_string (target, NULL), *protocol = kube_value_get_string (service_port, "protocol");
  guint16 port;

  if (name == NULL)
    return kube_value_get_integer (target, NULL, kube_value_get_integer (service_port, "port", 0));
  if (protocol == NULL)
    protocol = "TCP";
  port = find_named_port (kube_object_get (pod, "spec.containers"), name, protocol);
  return port != 0 ? port : find_named_port (kube_object_get (pod, "spec.initContainers"), name, protocol);
}
