/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/* What the node has let a pod have: the resources of each of its containers when it was let in, or when a change of them was last granted. What the API asks for may differ from it for as long as there is no room. It is
 * kept in a file of the pod's folder, so that a later agent knows what it grants. */
typedef struct _KubePodAllocation KubePodAllocation;

/* @path: (nullable): the file; where it is not there, all that @pod asks for is granted. */
KubePodAllocation *kube_pod_allocation_new (const char *path, KubeObject *pod);
void kube_pod_allocation_free (KubePodAllocation *allocation);
/* Grants what @pod asks for. */
void kube_pod_allocation_grant (KubePodAllocation *allocation, KubeObject *pod);
/* @pod with the resources that are granted; itself where it asks for no others. */
KubeObject *kube_pod_allocation_apply (KubePodAllocation *allocation, KubeObject *pod) G_GNUC_WARN_UNUSED_RESULT;

/* A resource of one container as the kernel knows it: thousandths of a processor, or bytes; 0: none. @resources: its `resources`, @list: "requests" or "limits", @name: "cpu" or "memory". */
gint64 kube_resources_get (KubeValue *resources, const char *list, const char *name);
/* Of all its containers together. */
gint64 kube_pod_sum_requests (KubeObject *pod, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubePodAllocation, kube_pod_allocation_free)

G_END_DECLS
