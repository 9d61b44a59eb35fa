/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-expr.h"
#include "kube-cel-lexer.h"

G_BEGIN_DECLS

/* What a token stands for. @negative: a minus stands before the number. Returns: (nullable): what is wrong with it */
const char *kube_cel_read_literal (const KubeCelToken *token, gboolean negative, KubeCelLiteral *literal);

G_END_DECLS
