/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include "kube-schema.h"

G_BEGIN_DECLS

/* From a parsed document to an object of a type, as upstream's decoders and defaulting functions do it. */

KubeValue *kube_decode (const KubeType *type, KubeValue *value, GPtrArray *problems, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KubeValue *kube_decode_object (KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *problems,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
KubeValue *kube_decode_request (KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *problems, gboolean *has_empty,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

char *kube_decode_restore (KubeKind *kind, KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;
/* How Go's decoder names the type of a JSON value. */
const char *kube_decode_value_word (KubeValue *value);
KubeValue *kube_decode_zero (KubeKind *kind) G_GNUC_WARN_UNUSED_RESULT;

/* Upstream's defaults of a decoded object, in place. */
void kube_default (KubeKind *kind, KubeNode *object);

G_END_DECLS
