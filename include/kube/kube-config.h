/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeConfig:
 *
 * Where a cluster is and who one is there: a kubeconfig, or a pod's service account. Immutable; any thread.
 *
 * Since: 1.0
 */
typedef struct _KubeConfig KubeConfig;

#define KUBE_TYPE_CONFIG (kube_config_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_config_get_type (void) G_GNUC_CONST;
/* @path: (nullable): NULL: $KUBECONFIG (several files merge as kubectl merges them), else ~/.kube/config, else in cluster. @context: (nullable): the current one. */
KUBE_AVAILABLE_IN_1_0
KubeConfig *kube_config_load (const char *path, const char *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeConfig *kube_config_new_in_cluster (GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of one's own making: @server "https://127.0.0.1:6443", PEM texts (nullable). */
KUBE_AVAILABLE_IN_1_0
KubeConfig *kube_config_new (const char *server, const char *ca_pem, const char *certificate_pem, const char *key_pem, const char *token) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeConfig *kube_config_ref (KubeConfig *config);
KUBE_AVAILABLE_IN_1_0
void kube_config_unref (KubeConfig *config);
KUBE_AVAILABLE_IN_1_0
const char *kube_config_get_server (KubeConfig *config);
KUBE_AVAILABLE_IN_1_0
const char *kube_config_get_namespace (KubeConfig *config);
/* The text of a kubeconfig file with one cluster, user and context called @name. */
KUBE_AVAILABLE_IN_1_0
char *kube_config_print (KubeConfig *config, const char *name) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeConfig, kube_config_unref)

G_END_DECLS
