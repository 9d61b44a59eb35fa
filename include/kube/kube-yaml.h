/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* YAML as kubectl reads it (YAML 1.1 scalars, merge keys, anchors; non-string keys become strings). Depth at most 100, aliases
 * may expand to at most ten times the text plus 1 MiB. Errors: %KUBE_ERROR_BAD_REQUEST with line and column. */

/* (transfer container) (element-type KubeValue): one value a document; empty documents are left out. */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_yaml_parse_all (const char *text, gssize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The first document, null where there is none. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_yaml_parse (const char *text, gssize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same, which also reports duplicate keys in the words of go-yaml's strict mode: @duplicates: (element-type utf8) (nullable). */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_yaml_parse_with_duplicates (const char *text, gssize length, GPtrArray *duplicates, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Block style, keys sorted, strings quoted only where they must be: what `kubectl get -o yaml` prints. */
KUBE_AVAILABLE_IN_1_0
char *kube_yaml_print (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
