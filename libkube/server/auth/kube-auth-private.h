/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "auth/kube-rbac.h"
#include "auth/kube-token-signer.h"
#include "kube-authenticator.h"

G_BEGIN_DECLS

/* What the files of auth/ share. */

#define KUBE_GROUP_AUTHENTICATED "system:authenticated"
#define KUBE_GROUP_UNAUTHENTICATED "system:unauthenticated"
#define KUBE_GROUP_MASTERS "system:masters"
#define KUBE_USER_ANONYMOUS "system:anonymous"
#define KUBE_SERVICE_ACCOUNT_PREFIX "system:serviceaccount:"
#define KUBE_GROUP_SERVICE_ACCOUNTS "system:serviceaccounts"

typedef struct _KubeTokens KubeTokens;

struct _KubeAuth {
  KubeStore *store;
  KubeScheme *scheme;
  KubeClock *clock;
  KubeRbac *rbac;
  KubeTokens *tokens;
};

/* Service account tokens. Any thread. */
KubeTokens *kube_tokens_new (KubeStore *store, KubeScheme *scheme, KubeClock *clock, const char *key_pem, const char *issuer, GError **error);
void kube_tokens_free (KubeTokens *tokens);
/* The user of a token that is good for one of @audiences (NULL: the server itself). @matched: (out) (optional) (transfer full): which of them.
 * Errors: KUBE_ERROR_UNAUTHORIZED: says what is wrong with it. */
KubeUser *kube_tokens_authenticate (KubeTokens *tokens, const char *token, const char *const *audiences, char ***matched, GError **error);
KubeObject *kube_tokens_create (KubeTokens *tokens, KubeObject *service_account, KubeObject *request, GError **error);
GBytes *kube_tokens_get_jwks (KubeTokens *tokens);
const char *kube_tokens_get_issuer (KubeTokens *tokens);

/* Splits "system:serviceaccount:NAMESPACE:NAME". */
gboolean kube_service_account_parse (const char *user, char **namespace_, char **name);

/* A copy of @user with @group, or @user itself where it has it. */
KubeUser *kube_user_with_group (KubeUser *user, const char *group);

/* Applies the Impersonate-* headers of @call to @user: (transfer full). Errors: KUBE_ERROR_FORBIDDEN. */
KubeUser *kube_auth_impersonate (KubeAuth *auth, KubeCall *call, KubeUser *user, GError **error);

/* @reason: (out) (optional) (nullable) (transfer full): why a node may not. */
gboolean kube_node_authorizer_allows (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, char **reason);

/* upstream's UserInfo at @node. */
void kube_user_write (KubeUser *user, KubeNode *node);

G_END_DECLS
