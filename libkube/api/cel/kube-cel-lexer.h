/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-source.h"

G_BEGIN_DECLS

typedef enum {
  KUBE_CEL_TOKEN_END,
  KUBE_CEL_TOKEN_IDENTIFIER,
  KUBE_CEL_TOKEN_ESCAPED, /* an identifier between backquotes */
  KUBE_CEL_TOKEN_INT,
  KUBE_CEL_TOKEN_UINT,
  KUBE_CEL_TOKEN_DOUBLE,
  KUBE_CEL_TOKEN_STRING,
  KUBE_CEL_TOKEN_BYTES,
  KUBE_CEL_TOKEN_CONSTANT, /* true, false, null */
  KUBE_CEL_TOKEN_SIGN,     /* operators, brackets, `in` */
} KubeCelTokenType;

typedef struct {
  KubeCelTokenType type;
  const char *start; /* in the source's text */
  gsize length;
} KubeCelToken;

/* (element-type KubeCelToken): ends with TOKEN_END. Text that is no token is told to the source and left out. */
GArray *kube_cel_read_tokens (KubeCelSource *source);
gboolean kube_cel_token_is (const KubeCelToken *token, const char *sign);

G_END_DECLS
