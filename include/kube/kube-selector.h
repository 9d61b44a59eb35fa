/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/**
 * KubeSelector:
 *
 * A label or a field selector: a conjunction of requirements. Immutable; any thread.
 *
 * Since: 1.0
 */
typedef struct _KubeSelector KubeSelector;

#define KUBE_TYPE_SELECTOR (kube_selector_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_selector_get_type (void) G_GNUC_CONST;
/* The text form (`app=web,tier in (a,b),!canary`). Errors: %KUBE_ERROR_BAD_REQUEST as upstream words them. */
KUBE_AVAILABLE_IN_1_0
KubeSelector *kube_selector_parse (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A LabelSelector object (matchLabels, matchExpressions); NULL or JSON null selects nothing, {} everything. */
KUBE_AVAILABLE_IN_1_0
KubeSelector *kube_selector_from_value (KubeValue *label_selector, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A map of labels, all of which must be there (a Service's selector). */
KUBE_AVAILABLE_IN_1_0
KubeSelector *kube_selector_from_labels (KubeValue *labels) G_GNUC_WARN_UNUSED_RESULT;
/* `metadata.name=x,status.phase!=Running` */
KUBE_AVAILABLE_IN_1_0
KubeSelector *kube_selector_parse_fields (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeSelector *kube_selector_ref (KubeSelector *selector);
KUBE_AVAILABLE_IN_1_0
void kube_selector_unref (KubeSelector *selector);
KUBE_AVAILABLE_IN_1_0
gboolean kube_selector_is_empty (KubeSelector *selector);
KUBE_AVAILABLE_IN_1_0
gboolean kube_selector_matches_labels (KubeSelector *selector, KubeValue *labels);
KUBE_AVAILABLE_IN_1_0
gboolean kube_selector_matches (KubeSelector *selector, KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_selector_get_required (KubeSelector *selector, const char *key);
/* (transfer container) (array zero-terminated=1): the keys of its requirements, borrowed: what a server checks against the fields that a kind offers. */
KUBE_AVAILABLE_IN_1_0
const char **kube_selector_list_keys (KubeSelector *selector) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
char *kube_selector_print (KubeSelector *selector) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeSelector, kube_selector_unref)

G_END_DECLS
