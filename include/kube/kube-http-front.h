/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-server.h>

G_BEGIN_DECLS

/**
 * KubeHttpFront:
 *
 * The HTTPS port of a #KubeServer: TLS, client certificates, HTTP/1.1, WebSockets, and the limits that stand before them. It runs threads of its own.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_HTTP_FRONT (kube_http_front_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeHttpFront, kube_http_front, KUBE, HTTP_FRONT, GObject)

/**
 * KubeHttpFrontOptions:
 * @address: (nullable): "0.0.0.0"
 * @port: 0: any free one
 * @certificate_pem: the serving certificate and its chain
 * @key_pem: its key
 * @client_ca_pem: (nullable): whose client certificates are asked for and believed
 * @threads: 0: one for each core, at most four
 * @max_connections: 0: 20,000
 * @max_connections_per_address: 0: 16,384
 * @max_body: 0: 3 MiB
 *
 * Since: 1.0
 */
typedef struct {
  const char *address;
  guint16 port;
  const char *certificate_pem;
  const char *key_pem;
  const char *client_ca_pem;
  guint threads;
  guint max_connections;
  guint max_connections_per_address;
  gsize max_body;
  gpointer reserved[8];
} KubeHttpFrontOptions;

/* Errors: %KUBE_ERROR_INTERNAL: the address is in use, the key does not fit the certificate. */
KUBE_AVAILABLE_IN_1_0
KubeHttpFront *kube_http_front_new (KubeServer *server, const KubeHttpFrontOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
guint16 kube_http_front_get_port (KubeHttpFront *front);
/* Stops accepting, ends watches, waits for requests under way for at most @grace microseconds, then cuts. Blocks. */
KUBE_AVAILABLE_IN_1_0
void kube_http_front_stop (KubeHttpFront *front, gint64 grace);

G_END_DECLS
