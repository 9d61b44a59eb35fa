/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-expr.h"
#include "kube-cel-size.h"

G_BEGIN_DECLS

/* What a part of an expression is about, for those who know what functions cost. */
typedef struct {
  const KubeCelExpr *expr;
  const KubeCelType *type;
  KubeCelRange size;
  KubeCelRange element_size; /* of what is in it */
} KubeCelOperand;

/* What a function of Kubernetes' libraries costs beside its arguments. @receiver: (nullable). @has_size: (out): whether @size is what it gives.
 * FALSE: it is none of these */
gboolean kube_cel_function_get_cost (const KubeCelExpr *call, const KubeCelOperand *receiver, const KubeCelOperand *args, guint n,
                                     KubeCelRange *cost, gboolean *has_size, KubeCelRange *size);
/* Whether one of the overloads that may be meant has an argument of @kind. */
gboolean kube_cel_call_takes (const KubeCelExpr *call, guint arg, KubeCelKind kind);

/* What evaluating costs, at the least and the most, where variables have values by @schema. */
KubeCelRange kube_cel_estimate_cost (const KubeCelExpr *expr, KubeValue *schema, gboolean is_resource);

#define KUBE_CEL_TRAVERSAL 0.1 /* of a string, for each character */
#define KUBE_CEL_REGEX 0.25    /* of a pattern */

G_END_DECLS
