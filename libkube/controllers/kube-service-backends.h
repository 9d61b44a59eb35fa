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
/* {kind: Pod, name, namespace, uid} */
void kube_service_put_target (KubeNode *object, KubeObject *pod);

G_END_DECLS
