/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_yaml_parse_all (const char *text, gssize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_yaml_parse (const char *text, gssize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_yaml_parse_with_duplicates (const char *text, gssize length, GPtrArray *duplicates,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
char *kube_yaml_print (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
