/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-plan.h>

G_BEGIN_DECLS

/* Storage that must not go while somebody uses it: it is born with a finalizer, which its controller takes away once it is being deleted and nobody does. */

/* Whether @object waits for @finalizer to go. */
gboolean kube_protection_is_asked (KubeObject *object, const char *finalizer);
void kube_protection_plan_release (KubePlan *plan, KubeObject *object, const char *finalizer);
/* Gives @object its finalizer where it came to be without. */
void kube_protection_plan_hold (KubePlan *plan, KubeObject *object, const char *finalizer);

G_END_DECLS
