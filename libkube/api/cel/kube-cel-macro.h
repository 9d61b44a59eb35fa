/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-expr.h"
#include "kube-cel-source.h"

G_BEGIN_DECLS

/* What a call becomes where it is a macro: all(), has(), map() and their like. NULL where it is none; what is wrong with one is told to the
 * source. @with_bind: whether cel.bind() is one. */
KubeCelExpr *kube_cel_expand_macro (KubeCelSource *source, KubeCelPool *pool, KubeCelExpr *call, gboolean with_bind);

G_END_DECLS
