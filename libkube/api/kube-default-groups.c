/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-default-private.h"

#include <string.h>

/* Defaults of the other groups that depend on more than their type. */

static gboolean
string_is (KubeNode *object, const char *path, const char *wanted)
{
  const char *text = kube_node_get_string (object, path);

  return text != NULL && strcmp (text, wanted) == 0;
}

static void
unset_integer (KubeNode *object, const char *path, gint64 integer)
{
  if (kube_node_get (object, path) == NULL)
    kube_node_set_integer (object, path, integer);
}

static void
unset_boolean (KubeNode *object, const char *path, gboolean boolean)
{
  if (kube_node_get (object, path) == NULL)
    kube_node_set_boolean (object, path, boolean);
}

static void
unset_json (KubeNode *object, const char *path, const char *json)
{
  g_autoptr (KubeValue) value = NULL;

  if (kube_node_get (object, path) != NULL)
    return;
  value = kube_value_parse (json, -1, NULL);
  kube_node_set_value (object, path, value);
}

void
kube_default_deployment_strategy (KubeNode *object)
{
  if (string_is (object, "type", "RollingUpdate"))
    kube_node_ensure_object (object, "rollingUpdate");
}

void
kube_default_daemon_set_strategy (KubeNode *object)
{
  if (!string_is (object, "type", "RollingUpdate"))
    return;
  unset_integer (object, "rollingUpdate.maxUnavailable", 1);
  unset_integer (object, "rollingUpdate.maxSurge", 0);
}

void
kube_default_stateful_set_strategy (KubeNode *object)
{
  const char *type = kube_node_get_string (object, "type");

  if (type == NULL || type[0] == '\0') {
    kube_node_set_string (object, "type", "RollingUpdate");
    kube_node_ensure_object (object, "rollingUpdate");
  }
  if (string_is (object, "type", "RollingUpdate") && kube_node_get (object, "rollingUpdate") != NULL)
    unset_integer (object, "rollingUpdate.partition", 0);
}

/* Templates of claims name their kind, whatever they said. */
void
kube_default_stateful_set_spec (KubeNode *object)
{
  KubeNode *templates = kube_node_get (object, "volumeClaimTemplates");

  for (guint i = 0; i < kube_node_get_length (templates); i++) {
    kube_node_set_string (kube_node_get_element (templates, i), "apiVersion", "v1");
    kube_node_set_string (kube_node_get_element (templates, i), "kind", "PersistentVolumeClaim");
  }
}

void
kube_default_job (KubeNode *object)
{
  KubeNode *spec = kube_node_ensure_object (object, "spec");

  if (kube_node_get (spec, "parallelism") == NULL)
    unset_integer (spec, "completions", 1);
  unset_integer (spec, "parallelism", 1);
  unset_integer (spec, "backoffLimit", kube_node_get (spec, "backoffLimitPerIndex") != NULL ? G_MAXINT32 : 6);
  if (kube_node_get_length (kube_node_get (object, "metadata.labels")) == 0)
    kube_default_copy_missing (object, "spec.template.metadata.labels", "metadata.labels");
  if (kube_node_get (spec, "completionMode") == NULL)
    kube_node_set_string (spec, "completionMode", "NonIndexed");
  unset_boolean (spec, "suspend", FALSE);
  if (kube_node_get (spec, "podReplacementPolicy") == NULL)
    kube_node_set_string (spec, "podReplacementPolicy", kube_node_get (spec, "podFailurePolicy") != NULL ? "Failed" : "TerminatingOrFailed");
  unset_boolean (spec, "manualSelector", FALSE);
}

#define UP_POLICIES                                                                                                              \
  "[{\"periodSeconds\":15,\"type\":\"Pods\",\"value\":4},{\"periodSeconds\":15,\"type\":\"Percent\",\"value\":100}]"
#define DOWN_POLICIES "[{\"periodSeconds\":15,\"type\":\"Percent\",\"value\":100}]"
#define CPU_METRIC                                                                                                               \
  "[{\"resource\":{\"name\":\"cpu\",\"target\":{\"averageUtilization\":80,\"type\":\"Utilization\"}},\"type\":\"Resource\"}]"

void
kube_default_autoscaler_spec (KubeNode *object)
{
  unset_json (object, "metrics", CPU_METRIC);
  if (kube_node_get (object, "behavior") == NULL)
    return;
  unset_integer (object, "behavior.scaleUp.stabilizationWindowSeconds", 0);
  unset_json (object, "behavior.scaleUp.selectPolicy", "\"Max\"");
  unset_json (object, "behavior.scaleUp.policies", UP_POLICIES);
  unset_json (object, "behavior.scaleDown.selectPolicy", "\"Max\"");
  unset_json (object, "behavior.scaleDown.policies", DOWN_POLICIES);
}

/* What version 2 says in metrics, version 1 keeps in an annotation: without it, the one metric is the processor's. */
void
kube_default_autoscaler_v1 (KubeNode *object)
{
  if (kube_node_get_member (kube_node_get (object, "metadata.annotations"), "autoscaling.alpha.kubernetes.io/metrics") == NULL)
    unset_integer (object, "spec.targetCPUUtilizationPercentage", 80);
}

void
kube_default_network_policy_spec (KubeNode *object)
{
  if (kube_node_get_length (kube_node_get (object, "policyTypes")) > 0)
    return;
  kube_node_append_string (kube_node_ensure_array (object, "policyTypes"), "Ingress");
  if (kube_node_get_length (kube_node_get (object, "egress")) > 0)
    kube_node_append_string (kube_node_get (object, "policyTypes"), "Egress");
}

void
kube_default_subject (KubeNode *object)
{
  if (string_is (object, "kind", "User") || string_is (object, "kind", "Group"))
    kube_default_unset_string (object, "apiGroup", "rbac.authorization.k8s.io");
}

void
kube_default_custom_resource_definition (KubeNode *object)
{
  KubeNode *versions = kube_node_get (object, "spec.versions");
  const char *kind = kube_node_get_string (object, "spec.names.kind");

  if (kind != NULL && kind[0] != '\0') {
    g_autofree char *singular = g_utf8_strdown (kind, -1);
    g_autofree char *list = g_strconcat (kind, "List", NULL);

    kube_default_unset_string (object, "spec.names.singular", singular);
    kube_default_unset_string (object, "spec.names.listKind", list);
  }
  if (kube_node_get_length (kube_node_get (object, "status.storedVersions")) > 0)
    return;
  for (guint i = 0; i < kube_node_get_length (versions); i++) {
    KubeNode *version = kube_node_get_element (versions, i);
    const char *name = kube_node_get_string (version, "name");

    if (!kube_node_get_boolean (version, "storage", FALSE))
      continue;
    kube_node_append_string (kube_node_ensure_array (object, "status.storedVersions"), name ?: "");
    return;
  }
}

void
kube_default_device_request (KubeNode *object)
{
  if (string_is (object, "allocationMode", "ExactCount") && kube_node_get_integer (object, "count", 0) == 0)
    kube_node_set_integer (object, "count", 1);
}

void
kube_default_device (KubeNode *object)
{
  KubeNode *mappings = kube_node_get (object, "nodeAllocatableResourceMappings");

  for (guint i = 0; i < kube_node_get_length (mappings); i++)
    kube_default_unset_string (kube_node_get_element (mappings, i), "allocationMultiplier", "1");
}
