/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Cutting in the canonical JSON bytes of stored objects without parsing them. The bytes are trusted: they are what this library has printed. */

/* A part of some bytes. */
typedef struct {
  const char *start;
  const char *end;
} KubePart;

/* Finds the value of the member @key of the object that begins at @json. @member: (out) (optional): the member with its key, and the comma that goes with it. */
gboolean kube_splice_find (const char *json, gsize length, const char *key, KubePart *value, KubePart *member);
/* metadata.@key. */
gboolean kube_splice_find_meta (const char *json, gsize length, const char *key, KubePart *value);
/* What stands at a dotted path of objects. */
gboolean kube_splice_find_path (const char *json, gsize length, const char *path, KubePart *value);
/* The object without its apiVersion and kind: as it stands in the items of a list. */
void kube_splice_append_item (const char *json, gsize length, GString *out);
/* The bytes with an empty metadata.resourceVersion, and where its digits go; %G_MAXSIZE where the object has none. */
GBytes *kube_splice_clear_version (GBytes *json, gsize *revision_at);
/* The bytes with another metadata.resourceVersion. */
GBytes *kube_splice_set_version (GBytes *json, guint64 revision);

G_END_DECLS
