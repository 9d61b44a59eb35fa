/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-strategy.h"
#include "strategies/kube-warnings.h"
#include <kube/kube-names.h>
#include <kube/kube-time.h>

static const KubeStrategy none;

/* A limit range without a name gets one. */
static void
name_limit_range (KubeWriteContext *context)
{
  const char *name = kube_node_get_string (context->object, "metadata.name"), *prefix = kube_node_get_string (context->object, "metadata.generateName");
  g_autofree char *uid = kube_uid_new ();

  if ((name == NULL || *name == '\0') && (prefix == NULL || *prefix == '\0'))
    kube_node_set_string (context->object, "metadata.name", uid);
}

/* What the server serves itself is there at once. */
static void
note_local_service (KubeWriteContext *context)
{
  KubeNode *condition;
  char now[KUBE_TIME_STRING_SIZE];

  if (kube_node_get (context->object, "spec.service") != NULL)
    return;
  condition = kube_node_append_object (kube_node_ensure_array (context->object, "status.conditions"));
  kube_node_set_string (condition, "type", "Available");
  kube_node_set_string (condition, "status", "True");
  kube_node_set_string (condition, "lastTransitionTime", kube_time_format (kube_clock_get_time (context->op->clock), now));
  kube_node_set_string (condition, "reason", "Local");
  kube_node_set_string (condition, "message", "Local APIServices are always available");
}

/* Kinds of which only a property differs, or a line or two. */
static const KubeStrategy plain[] = {
  { .group = "", .plural = "endpoints", .warn = kube_endpoints_warn, .update_creates = TRUE },
  { .group = "", .plural = "events", .update_creates = TRUE, .expires = TRUE },
  { .group = "events.k8s.io", .plural = "events", .update_creates = TRUE, .expires = TRUE },
  { .group = "", .plural = "limitranges", .prepare_create = name_limit_range, .update_creates = TRUE },
  { .group = "", .plural = "nodes", .warn = kube_node_warn, .created_with_status = TRUE },
  { .group = "", .plural = "podtemplates", .returns_deleted = TRUE },
  { .group = "", .plural = "replicationcontrollers", .orphans = TRUE },
  { .group = "", .plural = "resourcequotas", .returns_deleted = TRUE },
  { .group = "", .plural = "secrets", .warn = kube_secret_warn },
  { .group = "", .plural = "serviceaccounts", .returns_deleted = TRUE },
  { .group = "admissionregistration.k8s.io", .plural = "mutatingadmissionpolicies", .needs_version = TRUE },
  { .group = "admissionregistration.k8s.io", .plural = "mutatingadmissionpolicybindings", .needs_version = TRUE },
  { .group = "admissionregistration.k8s.io", .plural = "mutatingwebhookconfigurations", .needs_version = TRUE },
  { .group = "admissionregistration.k8s.io", .plural = "validatingadmissionpolicies", .needs_version = TRUE, .status_metadata = TRUE },
  { .group = "admissionregistration.k8s.io", .plural = "validatingadmissionpolicybindings", .needs_version = TRUE },
  { .group = "admissionregistration.k8s.io", .plural = "validatingwebhookconfigurations", .needs_version = TRUE },
  { .group = "apiregistration.k8s.io", .plural = "apiservices", .prepare_create = note_local_service, .needs_version = TRUE, .status_metadata = TRUE },
  { .group = "apps", .plural = "deployments", .generation_of_annotations = TRUE, .status_labels = TRUE },
  { .group = "coordination.k8s.io", .plural = "leases", .needs_version = TRUE, .update_creates = TRUE },
  { .group = "discovery.k8s.io", .plural = "endpointslices", .warn = kube_endpoint_slice_warn, .generation_of_labels = TRUE },
  { .group = "flowcontrol.apiserver.k8s.io", .plural = "flowschemas", .status_metadata = TRUE },
  { .group = "flowcontrol.apiserver.k8s.io", .plural = "prioritylevelconfigurations", .status_metadata = TRUE },
  { .group = "networking.k8s.io", .plural = "servicecidrs", .status_metadata = TRUE },
  { .group = "node.k8s.io", .plural = "runtimeclasses", .warn = kube_runtime_class_warn, .needs_version = TRUE, .update_creates = TRUE },
  { .group = "policy", .plural = "poddisruptionbudgets", .needs_version = TRUE },
  { .group = "rbac.authorization.k8s.io", .plural = "clusterrolebindings", .update_creates = TRUE },
  { .group = "rbac.authorization.k8s.io", .plural = "clusterroles", .update_creates = TRUE },
  { .group = "rbac.authorization.k8s.io", .plural = "rolebindings", .update_creates = TRUE },
  { .group = "rbac.authorization.k8s.io", .plural = "roles", .update_creates = TRUE },
  { .group = "resource.k8s.io", .plural = "deviceclasses", .returns_deleted = TRUE },
  { .group = "resource.k8s.io", .plural = "resourceslices", .returns_deleted = TRUE },
  { .group = "scheduling.k8s.io", .plural = "priorityclasses", .generation_fixed = TRUE },
  { .group = "storage.k8s.io", .plural = "csidrivers", .warn = kube_csi_driver_warn, .generation_from_zero = TRUE, .needs_version = TRUE, .returns_deleted = TRUE },
  { .group = "storage.k8s.io", .plural = "csinodes", .needs_version = TRUE },
  { .group = "storage.k8s.io", .plural = "csistoragecapacities", .needs_version = TRUE },
  { .group = "storage.k8s.io", .plural = "storageclasses", .returns_deleted = TRUE },
  { .group = "storage.k8s.io", .plural = "volumeattachments", .needs_version = TRUE, .returns_deleted = TRUE, .status_metadata = TRUE },
  { .group = "storage.k8s.io", .plural = "volumeattributesclasses", .returns_deleted = TRUE },
};

static const KubeStrategy *const with_code[] = {
  &kube_certificate_request_strategy,
  &kube_daemon_set_strategy,
  &kube_definition_strategy,
  &kube_ingress_strategy,
  &kube_job_strategy,
  &kube_namespace_strategy,
  &kube_network_policy_strategy,
  &kube_persistent_volume_claim_strategy,
  &kube_persistent_volume_strategy,
  &kube_pod_strategy,
  &kube_resource_claim_strategy,
  &kube_resource_claim_template_strategy,
  &kube_service_strategy,
  &kube_stateful_set_strategy,
};

static gboolean
is_for (const KubeStrategy *strategy, KubeKind *kind)
{
  return g_str_equal (strategy->plural, kind->plural) && g_str_equal (strategy->group, kind->group);
}

const KubeStrategy *
kube_strategy_find (KubeKind *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (with_code); i++) {
    if (is_for (with_code[i], kind))
      return with_code[i];
  }
  for (guint i = 0; i < G_N_ELEMENTS (plain); i++) {
    if (is_for (&plain[i], kind))
      return &plain[i];
  }
  return &none;
}

void
kube_strategy_warn (const KubeStrategy *strategy, KubeOperation *op, KubeValue *object, KubeValue *old)
{
  if (g_str_equal (op->info.subresource, "status")) {
    if (strategy->warn_status != NULL)
      strategy->warn_status (op, object);
    return;
  }
  if (strategy->warn != NULL && *op->info.subresource == '\0')
    strategy->warn (op, object, old);
  if (op->kind->constant)
    kube_pod_warn (op, object, old);
}
