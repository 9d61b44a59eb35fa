/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../kube-operation.h"

G_BEGIN_DECLS

/* What upstream warns of: nothing is refused for it. @old: (nullable): NULL on create */

/* The pod, or the template of pods, that an object of a built-in kind carries. */
void kube_pod_warn (KubeOperation *op, KubeValue *object, KubeValue *old);
void kube_pod_warn_status (KubeOperation *op, KubeValue *pod);

/* --- kinds, for their strategies --- */

void kube_csi_driver_warn (KubeOperation *op, KubeValue *driver, KubeValue *old);
void kube_endpoints_warn (KubeOperation *op, KubeValue *endpoints, KubeValue *old);
void kube_endpoint_slice_warn (KubeOperation *op, KubeValue *slice, KubeValue *old);
void kube_node_warn (KubeOperation *op, KubeValue *node, KubeValue *old);
void kube_persistent_volume_warn (KubeOperation *op, KubeValue *volume, KubeValue *old);
void kube_runtime_class_warn (KubeOperation *op, KubeValue *runtime_class, KubeValue *old);
void kube_secret_warn (KubeOperation *op, KubeValue *secret, KubeValue *old);

/* --- parts of them; @path: where the thing is, as text --- */

void kube_warn (KubeOperation *op, const char *format, ...) G_GNUC_PRINTF (2, 3);
void kube_volumes_warn (KubeOperation *op, const char *path, KubeValue *volumes);
/* The spec of a PersistentVolumeClaim. */
void kube_claim_warn (KubeOperation *op, const char *path, KubeValue *spec);
/* A PersistentVolume's or a claim's class that is named as it was before there was a field for it. */
void kube_class_annotation_warn (KubeOperation *op, KubeValue *object);
/* Memory and storage of which there are parts of a byte. @amounts: (nullable): a list of resources */
void kube_amounts_warn (KubeOperation *op, const char *path, KubeValue *amounts, const char *const *resources);
/* Addresses, and ranges of them, that are written in an unusual way. @text: (nullable) */
void kube_address_warn (KubeOperation *op, const char *path, const char *text);
void kube_range_warn (KubeOperation *op, const char *path, const char *text);
/* What to say of a label that nodes had once; NULL for others. */
const char *kube_old_node_label (const char *key);
/* The labels of nodes that a NodeSelectorTerm asks for, and, with @values, what is asked of them. */
void kube_node_term_warn (KubeOperation *op, const char *path, KubeValue *term, gboolean values);

G_END_DECLS
