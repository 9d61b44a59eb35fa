/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-schema.h"

G_BEGIN_DECLS

/* Whether a list is a message of its own, with the elements as field 1: that of a Go type with a name (Verbs). */
static inline gboolean
kube_protobuf_is_wrapped (const KubeField *field)
{
  return field->shape == KUBE_SHAPE_LIST && field->go_type[0] != '[';
}

gboolean kube_protobuf_open (const guint8 *data, gsize length, char **api_version, char **kind, const guint8 **raw, gsize *raw_length, GError **error);
KubeValue *kube_protobuf_decode (const KubeType *type, const guint8 *data, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void kube_protobuf_encode (const KubeType *type, KubeValue *value, GByteArray *out);
GBytes *kube_protobuf_encode_object (const KubeType *type, const char *api_version, const char *kind, KubeValue *value, const void *rest, gsize rest_length) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
