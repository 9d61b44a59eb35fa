/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-field-errors.h"
#include "kube-schema.h"

G_BEGIN_DECLS

/* Upstream's validation of whole objects: metadata, structure by the tables, and the rules of single kinds. The object is decoded and defaulted. */

void kube_validate_create (KubeKind *kind, KubeValue *object, KubeFieldErrors *errors);
/* With the metadata's update rules and the fields that may not change. @subresource: (nullable): "status" and others have rules of their own. */
void kube_validate_update (KubeKind *kind, const char *subresource, KubeValue *object, KubeValue *old, KubeFieldErrors *errors);
/* The rules of a service's addresses alone, which upstream applies before it allocates any. */
void kube_validate_service_addresses (KubeFieldErrors *errors, KubeValue *service);
/* Equal as upstream's semantic equality has it: null, absent and empty are the same. */
gboolean kube_validate_semantic_equal (KubeValue *a, KubeValue *b);

G_END_DECLS
