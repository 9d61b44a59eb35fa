/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-node-context.h"

G_BEGIN_DECLS

/* $(NAME) is replaced where @variables (element-type utf8 utf8) has it, $$ is a $; all else stays. */
char *kube_expand (const char *text, GHashTable *variables) G_GNUC_WARN_UNUSED_RESULT;

/* The same, where every name must have a value. */
char *kube_expand_all (const char *text, GHashTable *variables, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The variables of one container, in order, as `NAME=value`. @variables: (out) (nullable): the same as a table, for kube_expand(). Errors: what keeps the container from being made, worded as
 * upstream (`configmap "x" not found`). @pod_ips: (nullable). */
GPtrArray *kube_pod_env_make (KubeNodeContext *node, KubeObject *pod, KubeValue *container, const char *const *pod_ips,
                              GHashTable **variables, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a fieldRef's path is; NULL where there is no such field. */
char *kube_pod_field (KubeNodeContext *node, KubeObject *pod, const char *path,
                      const char *const *pod_ips) G_GNUC_WARN_UNUSED_RESULT;
/* What a resourceFieldRef is, for @container unless it names another. */
char *kube_pod_resource_field (KubeNodeContext *node, KubeObject *pod, KubeValue *container, KubeValue *selector,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A Secret's value, or a ConfigMap's (data or binaryData); NULL where there is no such key. */
GBytes *kube_object_get_data (KubeObject *object, const char *key) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *kube_object_list_data_keys (KubeObject *object) G_GNUC_WARN_UNUSED_RESULT;
KubeValue *kube_pod_find_container (KubeObject *pod, const char *name); /* also an init container */

char *kube_pod_hostname (KubeObject *pod) G_GNUC_WARN_UNUSED_RESULT;
/* pod.subdomain.namespace.svc.domain, or NULL without a subdomain */
char *kube_pod_fqdn (KubeNodeContext *node, KubeObject *pod) G_GNUC_WARN_UNUSED_RESULT;
char *kube_pod_make_hosts (KubeNodeContext *node, KubeObject *pod, const char *const *pod_ips) G_GNUC_WARN_UNUSED_RESULT;
char *kube_pod_make_resolv_conf (KubeNodeContext *node, KubeObject *pod) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
