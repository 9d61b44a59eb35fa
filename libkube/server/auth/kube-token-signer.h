/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* JSON web tokens signed with ECDSA on P-256 (ES256). Any thread. */

typedef struct _KubeTokenSigner KubeTokenSigner;

/* Errors: KUBE_ERROR_INTERNAL: no P-256 key. */
KubeTokenSigner *kube_token_signer_new (const char *key_pem, GError **error);
void kube_token_signer_free (KubeTokenSigner *signer);
char *kube_token_signer_sign (KubeTokenSigner *signer, KubeValue *claims, GError **error);
/* (transfer full): the claims of a token that this key has signed. Errors: KUBE_ERROR_UNAUTHORIZED. */
KubeValue *kube_token_signer_verify (KubeTokenSigner *signer, const char *token, GError **error);
/* RFC 7517's key set with this one key. */
KubeValue *kube_token_signer_get_jwks (KubeTokenSigner *signer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeTokenSigner, kube_token_signer_free)

G_END_DECLS
