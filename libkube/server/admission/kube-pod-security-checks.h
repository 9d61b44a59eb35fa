/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* The Pod Security Standards, as upstream's pod-security-admission words what violates them. */

typedef enum { KUBE_POD_SECURITY_PRIVILEGED, KUBE_POD_SECURITY_BASELINE, KUBE_POD_SECURITY_RESTRICTED } KubePodSecurityLevel;

/* (transfer full) (nullable): what of a pod's @metadata and @spec violates @level; NULL: nothing. */
char *kube_pod_security_check (KubePodSecurityLevel level, KubeValue *metadata, KubeValue *spec);

G_END_DECLS
