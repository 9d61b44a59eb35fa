/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include "kube-schema.h"

G_BEGIN_DECLS

/* From a parsed document to an object of a type, as upstream's decoders and defaulting functions do it. */

/* Types are checked, unknown fields left out, what upstream's encoder would not write is left out (empty values of omitempty fields, nulls) and what it always writes is there.
 * @problems: (nullable) (element-type utf8): strict decoding's findings are appended: unknown field "spec.x".
 * Errors: KUBE_ERROR_BAD_REQUEST with Go's words: json: cannot unmarshal number into Go struct field ConfigMap.data of type string.
 * The zero value of a type is what an empty object decodes to. */
KubeValue *kube_decode (const KubeType *type, KubeValue *value, GPtrArray *problems, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Upstream's defaults of a decoded object, in place. */
void kube_default (KubeKind *kind, KubeNode *object);

G_END_DECLS
