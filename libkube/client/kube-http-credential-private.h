/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-http-transport-private.h"

#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/* KubeHttpCredential: what a config says of who one is, as an Authorization header: a token, a token in a file that changes, a
 * password, or what a program answers. Only on the transport's thread. */
typedef struct _KubeHttpCredential KubeHttpCredential;

KubeHttpCredential *kube_http_credential_new (KubeHttpTransport *transport, KubeConfig *config, KubeClock *clock);
void kube_http_credential_free (KubeHttpCredential *self);
/* @callback gets (nullable) the header's value by _finish. */
void kube_http_credential_get_async (KubeHttpCredential *self, GAsyncReadyCallback callback, gpointer user_data);
char *kube_http_credential_get_finish (KubeHttpCredential *self, GAsyncResult *result, GError **error);
/* The server did not take it. Returns whether asking again may give another one. */
gboolean kube_http_credential_refuse (KubeHttpCredential *self);

G_END_DECLS
