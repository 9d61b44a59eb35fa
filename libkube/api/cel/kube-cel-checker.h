/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-environment.h"
#include "kube-cel-expr.h"
#include "kube-cel-source.h"

G_BEGIN_DECLS

/* Finds the types of all parts of a tree; what is wrong is told to the source. @used: (element-type utf8): gets the names that are used. */
void kube_cel_check (const KubeCelEnvironment *environment, KubeCelSource *source, KubeCelPool *pool, KubeCelTypes *types, KubeCelExpr *expr,
                     GHashTable *used);
/* What is wrong with literals in a tree whose types are right. */
void kube_cel_check_literals (KubeCelSource *source, KubeCelExpr *expr);

G_END_DECLS
