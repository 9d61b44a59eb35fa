/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-typed.h"

G_BEGIN_DECLS

/* The annotation in which kubectl keeps what it applied on the client's side: its way to server-side apply and back. */

/* The fields of the annotation that are live as it has them; none where there is no annotation, or one of another version. */
const KubeFieldSet *kube_last_applied_get_fields (KubeArena *arena, KubeKind *kind, KubeValue *live, const char *api_version);
/* Where @object has the annotation: makes it say @config. */
void kube_last_applied_follow (KubeNode *object, KubeValue *config);

G_END_DECLS
