/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-informer.h>

G_BEGIN_DECLS

/* The ConfigMaps and Secrets that the node's pods use, each watched while somebody holds it: a node sees only what its pods name. For one main context. */
typedef struct _KubeObjectSources KubeObjectSources;

/* @changed: an object came, changed or went after it was first known. */
typedef void (*KubeObjectSourcesFunc) (const char *kind, const char *namespace_, const char *name, gpointer user_data);

KubeObjectSources *kube_object_sources_new (KubeClient *client, KubeClock *clock, KubeObjectSourcesFunc changed,
                                            gpointer user_data);
void kube_object_sources_free (KubeObjectSources *sources);
/* @kind: "ConfigMap", "Secret". Counted. */
void kube_object_sources_hold (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name);
void kube_object_sources_release (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name);
/* Whether it is known if there is one. */
gboolean kube_object_sources_is_known (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name);
/* (transfer none) (nullable) */
KubeObject *kube_object_sources_get (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeObjectSources, kube_object_sources_free)

G_END_DECLS
