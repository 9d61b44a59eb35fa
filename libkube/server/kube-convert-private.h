/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-convert.h"

G_BEGIN_DECLS

KubeObject *kube_convert_autoscaler_to_v1 (KubeKind *kind, KubeObject *stored);
KubeObject *kube_convert_autoscaler_to_v2 (KubeObject *object, KubeObject *previous);

G_END_DECLS
