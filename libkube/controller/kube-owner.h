/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controller.h>
#include <kube/kube-selector.h>

G_BEGIN_DECLS

/* Owner references: who made an object and looks after it. */

/* A reference to @owner as the controlling owner: apiVersion, kind, name, uid, controller, blockOwnerDeletion. */
KubeValue *kube_owner_reference_new (KubeObject *owner) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_owner_is_controlled_by (KubeObject *object, KubeObject *owner);

/* An index of @informer by which kube_owner_list_candidates() finds what nobody controls. */
void kube_owner_add_index (KubeInformer *informer);
/* (transfer full) (element-type KubeObject): what @owner controls, and what nobody controls in its namespace. */
GPtrArray *kube_owner_list_candidates (KubeInformer *informer, KubeObject *owner) G_GNUC_WARN_UNUSED_RESULT;

/* A KubeKeyFunc for what has owners; @user_data: the KubeInformer of these. An object that nobody controls may be wanted by any owner of its namespace whose selector it matches. */
void kube_owner_add_keys_of_orphan (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data);

/* Which of @candidates belong to @owner, as upstream's ControllerRefManager decides it: what it controls and its selector matches is kept, what it controls and does not match
 * is released, what nobody controls and matches is adopted (unless one of the two is being deleted). The patches go into @plan, in a stage of their own.
 * Returns: (transfer full) (element-type KubeObject) */
GPtrArray *kube_owner_claim (KubeObject *owner, KubeSelector *selector, GPtrArray *candidates, KubePlan *plan) G_GNUC_WARN_UNUSED_RESULT;
/* @finalizer: (nullable): what is adopted gets it, and what is released loses it. */
GPtrArray *kube_owner_claim_full (KubeObject *owner, KubeSelector *selector, GPtrArray *candidates, const char *finalizer, KubePlan *plan) G_GNUC_WARN_UNUSED_RESULT;

/* An object of @kind ("v1", "Pod") from a template (metadata and spec of it), controlled by @owner; not yet named. */
KubeBuilder *kube_owner_begin_from_template (KubeObject *owner, const char *api_version, const char *kind, KubeValue *template_) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
