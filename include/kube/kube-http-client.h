/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/kube-config.h>

G_BEGIN_DECLS

/**
 * KubeHttpClient:
 *
 * A client of any API server over HTTPS: keeps connections, presents the config's certificate or token, tries again after 429 and after a connection broke, as client-go does.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_HTTP_CLIENT (kube_http_client_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeHttpClient, kube_http_client, KUBE, HTTP_CLIENT, GObject)

KUBE_AVAILABLE_IN_1_0
KubeClient *kube_http_client_new (KubeConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* "kube-scheduler/v1.36": the User-Agent. */
KUBE_AVAILABLE_IN_1_0
void kube_http_client_set_user_agent (KubeHttpClient *client, const char *user_agent);

G_END_DECLS
