/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"

static gboolean
has_container (KubeObject *pod, const char *list, const char *name)
{
  return kube_value_find_element (kube_object_get (pod, list), "name", name) != NULL;
}

static GError *
refuse_choice (KubeObject *pod)
{
  static const char *const lists[] = { "spec.initContainers", "spec.containers", "spec.ephemeralContainers" };
  g_autoptr (GString) names = g_string_new (NULL);

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *containers = kube_object_get (pod, lists[l]);
    for (guint i = 0; i < kube_value_get_length (containers); i++)
      g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", kube_value_get_string (kube_value_get_element (containers, i), "name"));
  }
  return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "a container name must be specified for pod %s, choose one of: [%s]", kube_object_get_name (pod), names->str);
}

/* Which container is meant; NULL with @error where that is open or there is no such one. */
static const char *
choose_container (KubeObject *pod, const char *name, GError **error)
{
  KubeValue *containers = kube_object_get (pod, "spec.containers");

  if (name != NULL && *name != '\0') {
    if (has_container (pod, "spec.containers", name) || has_container (pod, "spec.initContainers", name) || has_container (pod, "spec.ephemeralContainers", name))
      return name;
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "container %s is not valid for pod %s", name, kube_object_get_name (pod));
    return NULL;
  }
  if (kube_value_get_length (containers) == 1)
    return kube_value_get_string (containers, "0.name");
  g_propagate_error (error, refuse_choice (pod));
  return NULL;
}

/* A GET that becomes a WebSocket does what a POST would: who may only get must not run commands. */
static gboolean
authorize_create (KubeOperation *op)
{
  GError *error = NULL;

  if (g_str_equal (op->info.subresource, "log") || kube_registry_may_create (op, &error))
    return TRUE;
  kube_operation_take_error (op, error);
  return FALSE;
}

/* A pod without a node has no log yet, and runs nothing. */
static void
answer_unscheduled (KubeOperation *op)
{
  if (g_str_equal (op->info.subresource, "log"))
    kube_operation_answer_text (op, 200, "");
  else
    kube_operation_take_error (op, g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "pod %s does not have a host assigned", op->info.name));
}

static void
dispatch (KubeOperation *op, KubeNodeApi *node, KubeObject *pod, const char *container, KubeLogOptions *options)
{
  options->container = container;
  if (g_str_equal (op->info.subresource, "log"))
    kube_pod_stream_log (op, node, pod, options);
  else if (g_str_equal (op->info.subresource, "portforward"))
    kube_pod_stream_ports (op, node, pod);
  else
    kube_pod_stream_exec (op, node, pod, container);
}

void
kube_registry_stream_pod (KubeOperation *op)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeObject) pod = NULL;
  g_autoptr (KubeNodeApi) node = NULL;
  const char *container = NULL, *node_name;
  KubeLogOptions options = { 0 };

  if (!g_str_equal (op->info.verb, "get") && !g_str_equal (op->info.verb, "create")) {
    kube_operation_answer_no_method (op);
    return;
  }
  if (!authorize_create (op))
    return;
  if (!g_str_equal (op->info.subresource, "log") || kube_pod_read_log_options (op, &options, &error))
    pod = kube_storage_get (op->store, op->kind, op->info.namespace_, op->info.name, &error);
  if (pod != NULL && !g_str_equal (op->info.subresource, "portforward"))
    container = choose_container (pod, kube_call_get_query (op->call, "container"), &error);
  if (error != NULL) {
    kube_operation_answer_error (op, error);
    return;
  }
  node_name = kube_object_get_string (pod, "spec.nodeName");
  if (node_name == NULL || *node_name == '\0') {
    answer_unscheduled (op);
    return;
  }
  node = kube_server_resolve_node (op->server, node_name);
  if (node == NULL)
    kube_operation_take_error (op, g_error_new (KUBE_ERROR, KUBE_ERROR_INTERNAL, "Internal error occurred: no connection to the agent of node \"%s\"", node_name));
  else
    dispatch (op, node, pod, container, &options);
}
