/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-hub.h"
#include "kube-request-info.h"
#include "kube-user.h"

G_BEGIN_DECLS

/* Roles and bindings as the store has them, indexed by subject. Any thread.
 *
 * Readers take an immutable snapshot. The watches that keep it up to date deliver on a main context of its own, which is iterated by whoever takes a snapshot: so nothing waits for
 * a main loop, and a write that was answered is in the next snapshot. */

typedef struct _KubeRbac KubeRbac;

KubeRbac *kube_rbac_new (KubeStore *store, KubeHub *hub, KubeScheme *scheme);
void kube_rbac_free (KubeRbac *rbac);
gboolean kube_rbac_start (KubeRbac *rbac, GError **error);

/* @reason: (out) (optional) (nullable) (transfer full): which binding allows it. */
gboolean kube_rbac_allows (KubeRbac *rbac, KubeUser *user, const KubeRequestInfo *info, char **reason);
/* Whether the ClusterRole @name allows it, whoever asks. */
gboolean kube_rbac_role_allows (KubeRbac *rbac, const char *name, const KubeRequestInfo *info);
/* (transfer full) (element-type KubeValue): the PolicyRules that @user holds in @namespace_ ("": cluster-wide ones only). */
GPtrArray *kube_rbac_list_rules (KubeRbac *rbac, KubeUser *user, const char *namespace_);
/* (transfer full) (nullable): the Role (@namespace_) or ClusterRole (NULL) @name. */
KubeObject *kube_rbac_ref_role (KubeRbac *rbac, const char *namespace_, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeRbac, kube_rbac_free)

G_END_DECLS
