/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>
#include "kube-schema.h"

G_BEGIN_DECLS

/* Between the form in which a kind is stored and another one in which it is served too: events are the same objects in the core group and in events.k8s.io,
 * autoscalers are in autoscaling/v1 and v2. */

/* Whether objects of @kind are stored in another form. */
gboolean kube_convert_is_needed (KubeKind *kind);
/* (transfer full): the stored object as a @kind; itself where it is one. */
KubeObject *kube_convert_from_storage (KubeKind *kind, KubeObject *stored);
/* (transfer full): an object of @kind in the form in which it is stored. @previous: (nullable): the stored object that it takes the place of, which may say more than @kind can. */
KubeObject *kube_convert_to_storage (KubeKind *kind, KubeObject *object, KubeObject *previous);

G_END_DECLS
