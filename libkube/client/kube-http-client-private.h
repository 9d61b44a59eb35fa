/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-http-client.h>
#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/* @clock: for the waits between tries and the age of credentials. */
KubeClient *kube_http_client_new_with_clock (KubeConfig *config, KubeClock *clock, GError **error);

/* (transfer full): what a good answer says to @request. */
KubeResponse *kube_http_client_parse_response (KubeRequest *request, int status, gboolean is_json, GBytes *body,
                                               const char *const *warnings, GError **error);

G_END_DECLS
