/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-decode.h"

G_BEGIN_DECLS

/* Sets a string that is absent or empty. */
void kube_default_unset_string (KubeNode *object, const char *path, const char *text);
/* Copies the members of the object at @from that the one at @to does not have. */
void kube_default_copy_missing (KubeNode *object, const char *from, const char *to);

/* The functions that the schema files name. */
void kube_default_autoscaler_spec (KubeNode *object);
void kube_default_autoscaler_v1 (KubeNode *object);
void kube_default_container (KubeNode *object);
void kube_default_custom_resource_definition (KubeNode *object);
void kube_default_daemon_set_strategy (KubeNode *object);
void kube_default_deployment_strategy (KubeNode *object);
void kube_default_device (KubeNode *object);
void kube_default_device_request (KubeNode *object);
void kube_default_job (KubeNode *object);
void kube_default_limit_range_item (KubeNode *object);
void kube_default_namespace (KubeNode *object);
void kube_default_network_policy_spec (KubeNode *object);
void kube_default_node_spec (KubeNode *object);
void kube_default_node_status (KubeNode *object);
void kube_default_persistent_volume (KubeNode *object);
void kube_default_pod (KubeNode *object);
void kube_default_pod_spec (KubeNode *object);
void kube_default_pod_status (KubeNode *object);
void kube_default_replication_controller (KubeNode *object);
void kube_default_secret (KubeNode *object);
void kube_default_service (KubeNode *object);
void kube_default_stateful_set_spec (KubeNode *object);
void kube_default_stateful_set_strategy (KubeNode *object);
void kube_default_subject (KubeNode *object);
void kube_default_volume (KubeNode *object);

G_END_DECLS
