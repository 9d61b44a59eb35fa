/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../kube-operation.h"

G_BEGIN_DECLS

/* What upstream warns of in the pod, or in the template of pods, that an object of a built-in kind carries. @old: (nullable): where its pods are the same nothing is said. */
void kube_pod_warn (KubeOperation *op, KubeValue *object, KubeValue *old);

/* --- parts of it; @path: where the thing is, as text --- */

void kube_warn (KubeOperation *op, const char *format, ...) G_GNUC_PRINTF (2, 3);
void kube_volumes_warn (KubeOperation *op, const char *path, KubeValue *volumes);
/* The spec of a PersistentVolumeClaim. */
void kube_claim_warn (KubeOperation *op, const char *path, KubeValue *spec);
/* Memory and storage of which there are parts of a byte. @amounts: (nullable): a list of resources */
void kube_amounts_warn (KubeOperation *op, const char *path, KubeValue *amounts, const char *const *resources);
/* Addresses, and ranges of them, that are written in an unusual way. @text: (nullable) */
void kube_address_warn (KubeOperation *op, const char *path, const char *text);
void kube_range_warn (KubeOperation *op, const char *path, const char *text);

G_END_DECLS
