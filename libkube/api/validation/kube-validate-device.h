/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-validate-private.h"

G_BEGIN_DECLS

/* What the kinds of resource.k8s.io share. */

enum { KUBE_DEVICE_CONFIG_MAX = 32 };

typedef void (*KubeValidateElementFunc) (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *element, gconstpointer data);

/* A list with a limit: FALSE beyond it, and then its elements are not looked at. */
gboolean kube_validate_device_list (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, guint maximum, KubeValidateElementFunc check,
                                    gconstpointer data);
/* The same, and its elements must differ: in @key, or (NULL) they are strings. */
void kube_validate_device_set (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, guint maximum, KubeValidateElementFunc check,
                               gconstpointer data, const char *key);

/* `[domain/]identifier`, as attributes and capacities of devices are called */
void kube_validate_device_attribute_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name);
void kube_validate_device_pool_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name);
void kube_validate_device_effect (KubeFieldErrors *errors, const KubeFieldPath *path, const char *effect);
/* What must hold before a pod that uses a device is bound, and what must not. */
void kube_validate_device_binding (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object);
/* The name of one of @claim's requests, a KubeValue with devices. */
void kube_validate_device_request_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *element, gconstpointer claim);
/* @claim: (nullable): a class's configuration has no requests to refer to */
void kube_validate_device_config (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *config, gconstpointer claim);
/* What a driver reads: any object that is not too long. @object: (nullable) */
void kube_validate_device_object (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object);
/* How requests may use a part of a capacity. */
void kube_validate_device_request_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *capacity);
void kube_validate_device_claim_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old);

G_END_DECLS
