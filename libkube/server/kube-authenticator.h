/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-call.h"
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
/* Roles and bindings changed: called by the hub watch that auth itself keeps over the RBAC kinds; see kube_auth_start(). */

G_END_DECLS
