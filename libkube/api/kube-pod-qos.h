/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* Guaranteed, Burstable or BestEffort: by what the containers of a pod ask for, or the pod as a whole where it says so. */
const char *kube_pod_spec_get_qos_class (KubeValue *spec);

G_END_DECLS
