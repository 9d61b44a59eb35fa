/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-expr.h"
#include "kube-cel-source.h"

G_BEGIN_DECLS

/* The tree of an expression, with its macros expanded. NULL where its syntax is wrong, which the source is told. @with_bind: whether cel.bind()
 * is a macro */
KubeCelExpr *kube_cel_parse (KubeCelSource *source, KubeCelPool *pool, gboolean with_bind);

G_END_DECLS
