/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-call.h"
#include "kube-hub.h"
#include "kube-request-info.h"

G_BEGIN_DECLS

/* The seams between the pipeline (kube-server.c, registries) and who is allowed what (auth/). All functions are for any thread. */

typedef struct _KubeAuth KubeAuth;

/* Who makes @call: client certificate (the front has verified it against the client CA and hands its subject as a KubeUser), bearer token (service account tokens), else
 * system:anonymous. NULL with KUBE_ERROR_UNAUTHORIZED for credentials that are wrong. Applies Impersonate-* headers (authorized with the verb impersonate). */
KubeUser *kube_auth_authenticate (KubeAuth *auth, KubeCall *call, const KubeRequestInfo *info, GError **error);
/* Whether @user may: RBAC (with system:masters, and the node authorizer where it is on). @reason: (out) (optional) (transfer full): for reviews. */
gboolean kube_auth_authorize (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, char **reason);
/* upstream's Forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default" */
GError *kube_auth_forbidden (KubeUser *user, const KubeRequestInfo *info, const char *reason);

/* What auth reads. Borrowed; @store, @hub, @scheme and @clock must outlive it (it holds references). */
typedef struct {
  KubeStore *store;
  KubeHub *hub;
  KubeScheme *scheme;
  KubeClock *clock;
  const char *token_key_pem; /* (nullable): a key that lives as long as the object */
  const char *token_issuer;  /* (nullable): "https://kubernetes.default.svc.cluster.local" */
} KubeAuthOptions;

/* Errors: KUBE_ERROR_INTERNAL: the key is no P-256 key. Before kube_auth_start() only system:masters may do anything. */
KubeAuth *kube_auth_new (const KubeAuthOptions *options, GError **error);
void kube_auth_free (KubeAuth *auth);
/* Reads roles and bindings from the store and follows the hub from there. A write to them that was answered is effective for the next request, on every thread, without any main loop. */
gboolean kube_auth_start (KubeAuth *auth, GError **error);

/* The answering functions of virtual kinds: @object is the decoded, validated body; (transfer full): what is answered (201). */
/* serviceaccounts/token. @service_account: the stored one. Errors: as upstream. */
KubeObject *kube_auth_create_token (KubeAuth *auth, KubeObject *service_account, KubeObject *token_request, GPtrArray *warnings, GError **error);
KubeObject *kube_auth_review_token (KubeAuth *auth, KubeObject *token_review, GError **error);
KubeObject *kube_auth_review_self_subject (KubeAuth *auth, KubeUser *user, KubeObject *review, GError **error);
/* SubjectAccessReview, LocalSubjectAccessReview, SelfSubjectAccessReview by @review's kind. @namespace_: of the path, for the local one. */
KubeObject *kube_auth_review_access (KubeAuth *auth, KubeUser *user, KubeObject *review);
KubeObject *kube_auth_review_rules (KubeAuth *auth, KubeUser *user, KubeObject *review, GError **error);
/* GET /openid/v1/jwks and /.well-known/openid-configuration: (transfer full) JSON. @base: "https://10.96.0.1:443" */
GBytes *kube_auth_get_jwks (KubeAuth *auth);
GBytes *kube_auth_get_openid_configuration (KubeAuth *auth, const char *base);

/* Before a role or a binding is written: FALSE with KUBE_ERROR_FORBIDDEN where @user would give away what it has not got. @old: (nullable). */
gboolean kube_auth_check_escalation (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, KubeObject *old, KubeObject *object, GError **error);

/* upstream's bootstrap policy: (transfer container) (element-type KubeObject): ClusterRoles, Roles, ClusterRoleBindings, RoleBindings without what the server sets. */
GPtrArray *kube_auth_get_bootstrap_policy (void);
/* What of @expected is missing in @stored is added, as upstream reconciles at start; NULL: nothing to write (or autoupdate is "false"). */
KubeObject *kube_auth_reconcile_policy (KubeObject *stored, KubeObject *expected);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeAuth, kube_auth_free)

G_END_DECLS
