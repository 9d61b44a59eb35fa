/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include "auth/kube-client-ca.h"

G_BEGIN_DECLS

/* The server's side of TLS over a non-blocking socket: nothing in here waits, and no thread is taken for a handshake. */

/* What all connections of a port share. Immutable; any thread. */
typedef struct _KubeTlsServer KubeTlsServer;

/* @ask_clients: whether client certificates are asked for (none is fine). Errors: KUBE_ERROR_INTERNAL: the key does not fit the certificate. */
KubeTlsServer *kube_tls_server_new (const char *certificate_pem, const char *key_pem, gboolean ask_clients, GError **error);
void kube_tls_server_free (KubeTlsServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeTlsServer, kube_tls_server_free)

/* One connection. */
typedef struct _KubeTls KubeTls;

#define KUBE_TLS_AGAIN ((gssize) -1)  /* not now */
#define KUBE_TLS_FAILED ((gssize) -2) /* never again */

/* @fd stays the caller's. */
KubeTls *kube_tls_new (KubeTlsServer *server, int fd);
void kube_tls_free (KubeTls *tls);
/* 0: done, KUBE_TLS_AGAIN (@wants_write: for what it waits) or KUBE_TLS_FAILED. */
gssize kube_tls_handshake (KubeTls *tls, gboolean *wants_write);
/* Bytes read; 0: the client has closed its side. */
gssize kube_tls_read (KubeTls *tls, void *buffer, gsize size);
/* Bytes taken. After KUBE_TLS_AGAIN the same bytes must come first in the next call, however many: they were sealed already. */
gssize kube_tls_write (KubeTls *tls, const void *data, gsize size);
/* Whether decrypted bytes wait that poll() does not see. */
gboolean kube_tls_has_pending (KubeTls *tls);
/* Says good-bye where that is possible without waiting. */
void kube_tls_bye (KubeTls *tls);
/* (nullable) (transfer full): who the client's certificate says it is; @error: the certificate is not to be believed. */
KubeUser *kube_tls_identify (KubeTls *tls, KubeClientCa *ca, GError **error);

G_END_DECLS
