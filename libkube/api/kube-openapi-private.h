/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-openapi.h"
#include "kube-schema.h"

G_BEGIN_DECLS

/* One document while it is written, as JSON text. */
typedef struct {
  KubeScheme *scheme;
  GPtrArray *kinds; /* (element-type KubeKind): all of the scheme, in order */
  gboolean v3;
  GString *out;
  GHashTable *types;    /* (element-type KubeType): set of those that the document has to define */
  GHashTable *scalars;  /* (element-type utf8): set of definition names of scalars that it has to define */
  GPtrArray *pending;   /* (element-type KubeType): of `types`, whose own fields were not looked at yet */
  GHashTable *kinds_of; /* (element-type KubeType GString): the group-version-kinds of a type, as JSON */
} KubeOpenapi;

/* Members and elements take the comma that they need before them. */
void kube_openapi_next (GString *out);
void kube_openapi_key (GString *out, const char *key);
void kube_openapi_text (GString *out, const char *key, const char *text);

void kube_openapi_use_type (KubeOpenapi *self, const KubeType *type);
void kube_openapi_append_ref (KubeOpenapi *self, const char *definition);
void kube_openapi_append_paths (KubeOpenapi *self, KubeKind *kind);
void kube_openapi_append_definitions (KubeOpenapi *self);

GBytes *kube_openapi_v2_to_protobuf (KubeValue *document) G_GNUC_WARN_UNUSED_RESULT;
GBytes *kube_openapi_v3_to_protobuf (KubeValue *document) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
