/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-version-macros.h>

G_BEGIN_DECLS

/* The version of libkube in use: "1.0.0". */
KUBE_AVAILABLE_IN_1_0
const char *kube_get_version (void);
/* The version of Kubernetes whose API it has: "v1.36.3". */
KUBE_AVAILABLE_IN_1_0
const char *kube_get_kubernetes_version (void);

G_END_DECLS
