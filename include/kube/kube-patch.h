/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-kind.h>
#include <kube/kube-value.h>

G_BEGIN_DECLS

/* (transfer full): RFC 6902. At most 10,000 operations; copies may grow the document to at most 3 MiB. Errors: %KUBE_ERROR_INVALID ("the server rejected
 * our request due to an error in our request"), %KUBE_ERROR_BAD_REQUEST for text that is no patch, %KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_patch_json (KubeValue *target, KubeValue *patch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* RFC 7386. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_patch_merge (KubeValue *target, KubeValue *patch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Strategic merge by @kind's merge keys, with the directives $patch, $retainKeys, $setElementOrder, $deleteFromPrimitiveList. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_patch_strategic (KubeKind *kind, KubeValue *target, KubeValue *patch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The smallest merge patch that leads from @a to @b, {} where they are equal. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_patch_make_merge (KubeValue *a, KubeValue *b) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
