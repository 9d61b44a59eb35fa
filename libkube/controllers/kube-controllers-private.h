/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controllers.h>

G_BEGIN_DECLS

/* A built-in controller is one file with one of these functions, and one row of the table in kube-controllers.c. It makes its KubeController and declares what that watches;
 * the manager keeps it. */
typedef void (*KubeControllerAddFunc) (KubeManager *manager, const KubeControllersOptions *options);

void kube_cluster_role_aggregation_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_cron_job_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_daemon_set_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_deployment_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_endpoint_slice_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_endpoints_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_garbage_collector_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_job_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_namespace_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_node_ipam_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_node_lifecycle_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_pod_garbage_collector_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_replica_set_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_replication_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_root_ca_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_service_account_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_stateful_set_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_taint_eviction_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_ttl_after_finished_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_volume_attributes_class_protection_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_volume_claim_protection_controller_add (KubeManager *manager, const KubeControllersOptions *options);
void kube_volume_protection_controller_add (KubeManager *manager, const KubeControllersOptions *options);

G_END_DECLS
