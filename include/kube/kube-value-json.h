/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <kube/kube-value.h>

G_BEGIN_DECLS

/* For programs that work with json-glib already; not for untrusted text, which kube_value_parse() reads. */

KUBE_AVAILABLE_IN_1_0
JsonNode *kube_value_to_json_node (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_from_json_node (JsonNode *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
