/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-node-context.h"

G_BEGIN_DECLS

/* The volumes of one pod, as they shall stand on the disk. It is made from the API's objects on the agent's context (kube_volume_set_new()), and put in place by a
 * worker thread (kube_volume_set_apply()), at first and again whenever an object changed. */
typedef struct _KubeVolumeSet KubeVolumeSet;

/* @tokens: (element-type utf8 utf8): the tokens of projected volumes, "volume/path" -> token. Errors: KUBE_ERROR_NOT_FOUND for an object or a key that is not there (the volume's name before it). */
KubeVolumeSet *kube_volume_set_new (KubeNodeContext *node, KubeObject *pod, GHashTable *tokens,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void kube_volume_set_free (KubeVolumeSet *set);
gboolean kube_volume_set_is_empty (KubeVolumeSet *set);
/* @first: mounts and folders too, not only files. */
gboolean kube_volume_set_apply (KubeVolumeSet *set, gboolean first, GError **error);
/* Everything of a pod's folder, mounts first. */
void kube_volumes_remove (const char *pod_folder);

/* Where the volume @name is on the host: its folder, or a hostPath. NULL: no such volume. */
char *kube_volume_get_path (const char *pod_folder, KubeObject *pod, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* A place inside of a volume for a subPath, bound to @target so that it cannot be changed under us. */
gboolean kube_volume_bind_sub_path (const char *volume, const char *sub_path, const char *target, gboolean read_only,
                                    GError **error);

/* Calls @func for each object (kind, name, optional) that the pod's volumes, variables and pull secrets name. */
typedef void (*KubeReferenceFunc) (const char *kind, const char *name, gpointer user_data);
void kube_pod_foreach_reference (KubeObject *pod, KubeReferenceFunc func, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeVolumeSet, kube_volume_set_free)

G_END_DECLS
