/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-selector.h>

#include "kube-requirement.h"

G_BEGIN_DECLS

struct _KubeSelector {
  gatomicrefcount refs;
  GArray *requirements; /* (element-type KubeRequirement): in the order of print() */
  gboolean of_fields;
  gboolean nothing; /* matches no object */
};

KubeSelector *kube_selector_alloc (void);
/* By key; requirements on one key stay in the order in which they were written. */
void kube_selector_sort (KubeSelector *selector);
/* Of a LabelSelector or of a map of labels, as the kinds have it that are older than LabelSelectors. */
KubeSelector *kube_selector_from_either (KubeValue *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* kube-selector-fields.c: what is absent has its zero value. */
gboolean kube_selector_matches_object_fields (KubeSelector *selector, KubeObject *object);

G_END_DECLS
