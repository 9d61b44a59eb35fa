/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-strategy.h"
#include <kube/kube-time.h>

static KubeKind *
pods (void)
{
  return KUBE_KIND ("v1", "Pod");
}

/* Upstream gives these as plain errors: 500 without a reason. */
static gboolean
check_target (KubeValue *binding, GError **error)
{
  const char *kind = kube_value_get_string (binding, "target.kind"), *name = kube_value_get_string (binding, "target.name");

  if (kind != NULL && *kind != '\0' && !g_str_equal (kind, "Node")) {
    g_autoptr (GString) quoted = g_string_new (NULL);
    kube_go_quote (quoted, kind, -1);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNKNOWN, "target.kind: Unsupported value: %s: supported values: \"Node\", \"<empty>\"", quoted->str);
    return FALSE;
  }
  if (name == NULL || *name == '\0') {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNKNOWN, "target.name: Required value");
    return FALSE;
  }
  return TRUE;
}

static GError *
refuse (KubeModify *modify, const char *format, const char *a, const char *b)
{
  g_autofree char *message = g_strdup_printf (format, a, b);
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_CONFLICT, "Operation cannot be fulfilled on pods/binding \"%s\": %s", modify->name, message);

  kube_error_set_subject (error, NULL, "pods/binding", modify->name);
  return error;
}

static gboolean
check_pod (KubeModify *modify, KubeObject *pod, KubeValue *binding, GError **error)
{
  const char *node = kube_object_get_string (pod, "spec.nodeName");

  if (!kube_modify_check_preconditions (modify, pod, kube_value_get_string (binding, "metadata.uid"), kube_value_get_string (binding, "metadata.resourceVersion"), error))
    return FALSE;
  if (kube_object_is_deleting (pod)) {
    g_propagate_error (error, refuse (modify, "pod %s is being deleted, cannot be assigned to a host", modify->name, NULL));
    return FALSE;
  }
  if (node != NULL && *node != '\0') {
    g_propagate_error (error, refuse (modify, "pod %s is already assigned to node \"%s\"", modify->name, node));
    return FALSE;
  }
  if (kube_value_get_length (kube_object_get (pod, "spec.schedulingGates")) > 0) {
    g_propagate_error (error, refuse (modify, "pod %s has non-empty .spec.schedulingGates", modify->name, NULL));
    return FALSE;
  }
  return TRUE;
}

static void
set_scheduled (KubeOperation *op, KubeNode *root)
{
  KubeNode *conditions = kube_node_ensure_array (root, "status.conditions"), *condition = NULL;
  char now[KUBE_TIME_STRING_SIZE];

  for (guint i = 0; i < kube_node_get_length (conditions) && condition == NULL; i++) {
    KubeNode *one = kube_node_get_element (conditions, i);
    if (g_strcmp0 (kube_node_get_string (one, "type"), "PodScheduled") == 0)
      condition = one;
  }
  if (condition == NULL) {
    condition = kube_node_append_object (conditions);
    kube_node_set_string (condition, "type", "PodScheduled");
  }
  kube_node_set_string (condition, "status", "True");
  kube_node_set_null (condition, "lastProbeTime");
  kube_node_set_string (condition, "lastTransitionTime", kube_time_format (kube_clock_get_time (op->clock), now));
  kube_node_remove (condition, "reason");
  kube_node_remove (condition, "message");
}

static KubeChange
bind_pod (KubeModify *modify, KubeObject *pod, KubeObject **object, gpointer user_data, GError **error)
{
  KubeValue *binding = user_data, *annotations = kube_value_get (binding, "metadata.annotations"), *labels = kube_value_get (binding, "metadata.labels");
  g_autoptr (KubeBuilder) builder = NULL;
  KubeNode *root;

  if (!check_pod (modify, pod, binding, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (kube_object_get_value (pod));
  root = kube_builder_get_root (builder);
  kube_node_set_string (root, "spec.nodeName", kube_value_get_string (binding, "target.name"));
  for (guint i = 0; i < kube_value_get_length (annotations); i++)
    kube_node_put_value (kube_node_ensure_object (root, "metadata.annotations"), kube_value_get_key (annotations, i), kube_value_get_element (annotations, i));
  for (guint i = 0; i < kube_value_get_length (labels); i++)
    kube_node_put_value (kube_node_ensure_object (root, "metadata.labels"), kube_value_get_key (labels, i), kube_value_get_element (labels, i));
  set_scheduled (modify->op, root);
  *object = kube_object_new_from_builder (builder);
  return KUBE_CHANGE_WRITE;
}

static void
on_bound (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  if (error != NULL)
    kube_operation_answer_error (modify->op, error);
  else
    kube_operation_answer_success (modify->op, 201, NULL, NULL, NULL);
  kube_value_unref (user_data);
}

static gboolean
check_names (KubeOperation *op, KubeValue *binding, const char *name, GError **error)
{
  if (!kube_registry_check_namespace (op, kube_value_get_string (binding, "metadata.namespace"), error))
    return FALSE;
  if (*op->info.subresource == '\0' || g_strcmp0 (name, op->info.name) == 0)
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "name in URL does not match name in Binding object");
  return FALSE;
}

/* POST pods/NAME/binding, and POST bindings as older schedulers do. */
void
kube_registry_bind (KubeOperation *op)
{
  g_autoptr (KubeValue) binding = NULL;
  const char *name;
  GError *error = NULL;

  if (kube_operation_get_write_options (op, "CreateOptions", &error))
    binding = kube_operation_decode_body (op, KUBE_KIND ("v1", "Binding"), &error);
  name = binding != NULL ? kube_value_get_string (binding, "metadata.name") : NULL;
  if (binding == NULL || !check_names (op, binding, name, &error) || !check_target (binding, &error)) {
    kube_operation_take_error (op, error);
    return;
  }
  kube_modify (op, pods (), op->info.namespace_, name != NULL ? name : "", KUBE_MODIFY_RETRIES, bind_pod, on_bound, kube_value_ref (binding));
}
