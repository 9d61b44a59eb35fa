/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controller.h>

G_BEGIN_DECLS

/* What Endpoints and EndpointSlices have in common: which pods stand behind a Service. */

typedef struct {
  KubeObject *pod;     /* (owned) */
  const char *address; /* (unowned): of the pod */
  gboolean ready, serving, terminating;
} KubeBackend;

/* (transfer full) (element-type KubeBackend): ordered by address. Pods without an address, finished ones, and ones of another namespace are none. */
GArray *kube_service_list_backends (KubeObject *service, KubeInformer *pods) G_GNUC_WARN_UNUSED_RESULT;
/* Whether a controller makes endpoints for @service: it has a selector and is no ExternalName. */
gboolean kube_service_has_backends (KubeObject *service);
/* An index of @services for kube_service_add_keys_of_pod(). */
void kube_service_add_index (KubeInformer *services);
/* A KubeKeyFunc for pods; @user_data: the KubeInformer of Services. */
void kube_service_add_keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data);

/* The labels of the Service, and whether it is headless. Returns: the labels of @root, for the caller's own. */
KubeNode *kube_service_put_labels (KubeNode *root, KubeObject *service);
/* (transfer full): the ports of one backend. @unnamed (nullable): what the name of a port without one is. */
KubeValue *kube_service_build_ports (KubeObject *service, KubeObject *pod, const char *unnamed) G_GNUC_WARN_UNUSED_RESULT;
/* What an address of Endpoints and an endpoint of a slice say alike about their pod: targetRef, nodeName, hostname. */
void kube_service_put_pod (KubeNode *endpoint, KubeObject *service, KubeObject *pod);

G_END_DECLS
