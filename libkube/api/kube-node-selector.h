/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* Which nodes a pod's spec names: by its nodeSelector, and by the terms of its node affinity. A node counts by its name and its labels (nullable). */

/* @selector: (nullable): a nodeSelector; whether the node has all labels of it. */
gboolean kube_node_selector_matches (KubeValue *selector, KubeValue *labels);
/* A term without requirements matches nothing. */
gboolean kube_node_term_matches (KubeValue *term, const char *name, KubeValue *labels);
/* @terms: (nullable): whether one of them matches; NULL: all nodes do. */
gboolean kube_node_terms_match (KubeValue *terms, const char *name, KubeValue *labels);
/* (transfer none) (nullable): the values of the term's `metadata.name in (…)`, where it has one. */
KubeValue *kube_node_term_get_names (KubeValue *term);

G_END_DECLS
