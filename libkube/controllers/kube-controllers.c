/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-error.h>
#include "kube-controllers-private.h"

/* The built-in controllers by the names that kube-controller-manager's --controllers has for them. */
static const struct {
  const char *name;
  KubeControllerAddFunc add;
} controllers[] = {
  { "clusterrole-aggregation-controller", kube_cluster_role_aggregation_controller_add },
  { "cronjob-controller", kube_cron_job_controller_add },
  { "daemonset-controller", kube_daemon_set_controller_add },
  { "deployment-controller", kube_deployment_controller_add },
  { "endpoints-controller", kube_endpoints_controller_add },
  { "endpointslice-controller", kube_endpoint_slice_controller_add },
  { "garbage-collector-controller", kube_garbage_collector_add },
  { "job-controller", kube_job_controller_add },
  { "namespace-controller", kube_namespace_controller_add },
  { "node-ipam-controller", kube_node_ipam_controller_add },
  { "node-lifecycle-controller", kube_node_lifecycle_controller_add },
  { "persistentvolume-protection-controller", kube_volume_protection_controller_add },
  { "persistentvolumeclaim-protection-controller", kube_volume_claim_protection_controller_add },
  { "pod-garbage-collector-controller", kube_pod_garbage_collector_add },
  { "replicaset-controller", kube_replica_set_controller_add },
  { "replicationcontroller-controller", kube_replication_controller_add },
  { "root-ca-certificate-publisher-controller", kube_root_ca_controller_add },
  { "serviceaccount-controller", kube_service_account_controller_add },
  { "statefulset-controller", kube_stateful_set_controller_add },
  { "taint-eviction-controller", kube_taint_eviction_controller_add },
  { "ttl-after-finished-controller", kube_ttl_after_finished_controller_add },
  { "volumeattributesclass-protection-controller", kube_volume_attributes_class_protection_controller_add },
};

static gboolean
check_selection (const char *const *selection, GError **error)
{
  for (guint i = 0; selection[i] != NULL; i++) {
    const char *name = selection[i][0] == '-' ? selection[i] + 1 : selection[i];

    if (strcmp (name, "*") != 0 && !g_strv_contains (kube_controllers_list (), name)) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "%s is not in the list of known controllers", name);
      return FALSE;
    }
  }
  return TRUE;
}

/* As upstream: what is named counts, else what is named with a minus, else whether there is a star. */
static gboolean
is_selected (const char *name, const char *const *selection)
{
  g_autofree char *without = g_strconcat ("-", name, NULL);

  if (selection == NULL || g_strv_contains (selection, name))
    return TRUE;
  return !g_strv_contains (selection, without) && g_strv_contains (selection, "*");
}

/**
 * kube_controllers_add:
 * @manager: a manager that was not started
 * @options: (nullable): what they have to be told
 * @selection: (nullable) (array zero-terminated=1): which ones; %NULL: all
 * @error: return location
 *
 * Adds the built-in controllers to @manager.
 *
 * Returns: whether @selection names controllers only; nothing was added otherwise
 * Since: 1.0
 */
gboolean
kube_controllers_add (KubeManager *manager, const KubeControllersOptions *options, const char *const *selection, GError **error)
{
  const KubeControllersOptions defaults = { 0 };

  if (selection != NULL && !check_selection (selection, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (controllers); i++) {
    if (is_selected (controllers[i].name, selection))
      controllers[i].add (manager, options == NULL ? &defaults : options);
  }
  return TRUE;
}

/**
 * kube_controllers_list:
 *
 * Returns: (transfer none) (array zero-terminated=1): the names of the built-in controllers
 * Since: 1.0
 */
const char *const *
kube_controllers_list (void)
{
  static const char *names[G_N_ELEMENTS (controllers) + 1];
  static gsize once;

  if (g_once_init_enter (&once)) {
    for (guint i = 0; i < G_N_ELEMENTS (controllers); i++)
      names[i] = controllers[i].name;
    g_once_init_leave (&once, 1);
  }
  return names;
}
