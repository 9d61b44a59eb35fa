/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../kube-operation.h"

G_BEGIN_DECLS

/* What upstream warns of in the pod, or in the template of pods, that an object of a built-in kind carries. @old: (nullable): where its pods are the same nothing is said. */
void kube_pod_warn (KubeOperation *op, KubeValue *object, KubeValue *old);

G_END_DECLS
