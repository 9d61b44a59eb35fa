/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/* (transfer full): @object as it was stored at @revision, as @bytes. It is parsed already where @object is. */
KubeObject *kube_object_new_stored (KubeObject *object, GBytes *bytes, guint64 revision);

G_END_DECLS
