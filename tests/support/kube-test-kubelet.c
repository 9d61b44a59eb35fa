/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-test-kubelet.h"
#include <kube/kube-time.h>

typedef struct {
  KubeInformer *pods;  /* (unowned) */
  gint64 ready_after, gone_after;
  guint addresses;     /* given so far */
} Kubelet;

static KubeNode *
set_ready (KubeNode *status, const char *value, gint64 now)
{
  KubeNode *condition = kube_node_append_object (kube_node_put_array (status, "conditions"));
  char time[KUBE_TIME_STRING_SIZE];

  kube_node_put_string (condition, "type", "Ready");
  kube_node_put_string (condition, "status", value);
  kube_node_put_string (condition, "lastTransitionTime", kube_time_format (now, time));
  return condition;
}

static void
plan_running (Kubelet *self, KubeObject *pod, gboolean ready, gint64 now, KubePlan *plan)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (pod));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  g_autoptr (KubeObject) updated = NULL;
  char time[KUBE_TIME_STRING_SIZE];

  if (kube_object_get_string (pod, "status.podIP") == NULL) {
    guint number = ++self->addresses;
    g_autofree char *address = g_strdup_printf ("10.244.%u.%u", number / 250, number % 250 + 1);

    kube_node_put_string (status, "podIP", address);
    kube_node_put_string (kube_node_append_object (kube_node_put_array (status, "podIPs")), "ip", address);
    kube_node_put_string (status, "startTime", kube_time_format (now, time));
  }
  kube_node_put_string (status, "phase", "Running");
  set_ready (status, ready ? "True" : "False", now);
  updated = kube_object_new_from_builder (builder);
  kube_plan_update_status (plan, updated);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static void
plan_gone (KubeObject *pod, KubePlan *plan)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kube_test_kind ("v1", "Pod"), kube_object_get_namespace (pod), kube_object_get_name (pod));

  kube_request_set_delete_options (request, 0, NULL, kube_object_get_uid (pod), NULL);
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static gint64
get_deletion_begin (KubeObject *pod)
{
  return kube_object_get_deletion_time (pod) - kube_object_get_integer (pod, "metadata.deletionGracePeriodSeconds", 0) * G_USEC_PER_SEC;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Kubelet *self = user_data;
  KubeObject *pod = kube_informer_get_by_key (self->pods, key);
  gint64 now = kube_clock_get_time (kube_controller_get_clock (controller)), due;

  if (pod == NULL || kube_object_get_annotation (pod, "test/ignore") != NULL)
    return TRUE;
  if (kube_object_is_deleting (pod)) {
    due = get_deletion_begin (pod) + self->gone_after;
    if (kube_object_get_annotation (pod, "test/stay") != NULL)
      return TRUE;
    if (now >= due)
      plan_gone (pod, plan);
    else
      kube_plan_requeue_after (plan, due - now);
    return TRUE;
  }
  due = kube_object_get_creation_time (pod) + self->ready_after;
  if (g_strcmp0 (kube_object_get_string (pod, "status.phase"), "Pending") == 0) {
    plan_running (self, pod, FALSE, now, plan);
  } else if (g_strcmp0 (kube_object_get_string (pod, "status.phase"), "Running") == 0 && g_strcmp0 (kube_object_get_annotation (pod, "test/ready"), "false") != 0 &&
             g_strcmp0 (kube_object_get_string (pod, "status.conditions.0.status"), "False") == 0) {
    if (now >= due)
      plan_running (self, pod, TRUE, now, plan);
    else
      kube_plan_requeue_after (plan, due - now);
  }
  return TRUE;
}

void
kube_test_kubelet_add (KubeTestCluster *cluster, gint64 ready_after, gint64 gone_after)
{
  Kubelet *self = g_new0 (Kubelet, 1);
  g_autoptr (KubeController) controller = kube_controller_new (cluster->manager, "test-kubelet", reconcile, self, g_free);

  self->ready_after = ready_after;
  self->gone_after = gone_after;
  self->pods = kube_controller_watch (controller, kube_test_kind ("v1", "Pod"), NULL, NULL);
}
