/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-quantity.h>

G_BEGIN_DECLS

/* Guaranteed, Burstable or BestEffort: by what the containers of a pod ask for, or the pod as a whole where it says so. */
const char *kube_pod_spec_get_qos_class (KubeValue *spec);
/* What the containers of a pod have of a resource at any one time: those that run together, or one that runs before them, if that is more.
 * @list: "requests" or "limits"; FALSE: none has any. */
gboolean kube_pod_spec_sum (KubeValue *spec, const char *list, const char *resource, KubeQuantity *sum);

G_END_DECLS
