/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-strategy.h"

#include <string.h>

/* What belongs to features that are off by default: upstream takes it away from objects that have nothing of the feature yet, and leaves it where it was. */

typedef struct {
  const char *group, *plural;
  const char *paths[4]; /* of one feature; * is any element or member */
  gboolean empties;     /* what has nothing else goes, too */
} Gate;

static const Gate gates[] = {
  { "", "nodes", { "spec.configSource" } },
  { "", "nodes", { "status.config" } },
  { "", "pods", { "status.nodeAllocatableResourceClaimStatuses" } },
  { "", "pods", { "status.containerStatuses.*.volumeMounts.*.volumeStatus", "status.initContainerStatuses.*.volumeMounts.*.volumeStatus", "status.ephemeralContainerStatuses.*.volumeMounts.*.volumeStatus" } },
  { "apps", "statefulsets", { "spec.updateStrategy.rollingUpdate.maxUnavailable" } },
  { "coordination.k8s.io", "leases", { "spec.preferredHolder" } },
  { "coordination.k8s.io", "leases", { "spec.strategy" } },
  { "resource.k8s.io", "resourceslices", { "spec.devices.*.attributes.*.bools", "spec.devices.*.attributes.*.ints", "spec.devices.*.attributes.*.strings", "spec.devices.*.attributes.*.versions" } },
  { "resource.k8s.io", "resourceslices", { "spec.devices.*.nodeAllocatableResourceMappings" } },
  { "storage.k8s.io", "csidrivers", { "spec.preventPodSchedulingIfMissing" } },
};

/* Of pods, wherever they are. */
static const Gate pod_gates[] = {
  { NULL, NULL, { "spec.schedulingGroup" } },
  { NULL, NULL, { "spec.volumes.*.projected.sources.*.clusterTrustBundle" } },
  { NULL, NULL, { "spec.volumes.*.projected.sources.*.podCertificate" } },
  { NULL, NULL, { "spec.containers.*.lifecycle.stopSignal", "spec.initContainers.*.lifecycle.stopSignal", "spec.ephemeralContainers.*.lifecycle.stopSignal" }, .empties = TRUE },
};

static const char *
next_step (const char *path, char **key)
{
  const char *dot = strchr (path, '.');

  *key = dot != NULL ? g_strndup (path, (gsize) (dot - path)) : g_strdup (path);
  return dot != NULL ? dot + 1 : NULL;
}

static gboolean
uses (KubeValue *value, const char *path)
{
  g_autofree char *key = NULL;
  const char *rest = path != NULL ? next_step (path, &key) : NULL;

  if (path == NULL || value == NULL)
    return value != NULL && !kube_value_is_null (value);
  if (!g_str_equal (key, "*"))
    return uses (kube_value_get_member (value, key), rest);
  for (guint i = 0; i < kube_value_get_length (value); i++)
    if (uses (kube_value_get_element (value, i), rest))
      return TRUE;
  return FALSE;
}

/* Whether @node is left without anything by it. */
static gboolean
drop (KubeNode *node, const char *path, gboolean empties)
{
  g_autofree char *key = NULL;
  const char *rest = next_step (path, &key);
  KubeNode *below;

  if (rest == NULL)
    return kube_node_remove_member (node, key) && kube_node_get_length (node) == 0;
  if (g_str_equal (key, "*")) {
    for (guint i = 0; i < kube_node_get_length (node); i++)
      drop (kube_node_get_element (node, i), rest, empties);
    return FALSE;
  }
  below = kube_node_get_member (node, key);
  if (below != NULL && drop (below, rest, empties) && empties)
    kube_node_remove_member (node, key);
  return FALSE;
}

/* Of an update the spec or the status alone is the client's: the other one is the old one, and has what that has. */
static gboolean
is_written (KubeWriteContext *context, const char *path)
{
  gboolean of_status = g_str_has_prefix (path, "status.");

  return context->old == NULL || of_status == g_str_equal (context->subresource, "status");
}

static void
apply_gate (KubeWriteContext *context, const Gate *gate, KubeValue *old, KubeNode *object)
{
  gboolean used = FALSE;

  if (!is_written (context, gate->paths[0]))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (gate->paths) && gate->paths[i] != NULL; i++)
    used |= uses (old, gate->paths[i]);
  for (gsize i = 0; !used && i < G_N_ELEMENTS (gate->paths) && gate->paths[i] != NULL; i++)
    drop (object, gate->paths[i], gate->empties);
}

/* (nullable): where objects of a kind have a pod; "" for the object itself. */
static const char *
find_pod (KubeKind *kind)
{
  static const struct { const char *group, *plural, *path; } pods[] = {
    { "", "pods", "" }, { "", "podtemplates", "template" }, { "", "replicationcontrollers", "spec.template" },
    { "apps", "daemonsets", "spec.template" }, { "apps", "deployments", "spec.template" }, { "apps", "replicasets", "spec.template" }, { "apps", "statefulsets", "spec.template" },
    { "batch", "jobs", "spec.template" }, { "batch", "cronjobs", "spec.jobTemplate.spec.template" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (pods); i++)
    if (g_str_equal (pods[i].plural, kind->plural) && g_str_equal (pods[i].group, kind->group))
      return pods[i].path;
  return NULL;
}

void
kube_gates_apply (KubeWriteContext *context)
{
  KubeKind *kind = context->kind;
  const char *path = find_pod (kind);
  KubeNode *pod = path == NULL ? NULL : *path != '\0' ? kube_node_get (context->object, path) : context->object;
  KubeValue *old = pod == NULL ? NULL : *path != '\0' ? kube_value_get (context->old, path) : context->old;

  for (gsize i = 0; i < G_N_ELEMENTS (gates); i++)
    if (g_str_equal (gates[i].plural, kind->plural) && g_str_equal (gates[i].group, kind->group))
      apply_gate (context, &gates[i], context->old, context->object);
  for (gsize i = 0; pod != NULL && i < G_N_ELEMENTS (pod_gates); i++)
    apply_gate (context, &pod_gates[i], old, pod);
}
