/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-node-api.h>
#include <kube/sys/kube-store.h>

G_BEGIN_DECLS

#define KUBE_TYPE_SERVER (kube_server_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeServer, kube_server, KUBE, SERVER, GObject)

/**
 * KubeServerOptions:
 * @scheme: (nullable): the default one
 * @clock: (nullable): the real one
 * @service_cidr: (nullable): "10.96.0.0/16"
 * @service_node_ports: (nullable): "30000-32767"
 * @token_key_pem: (nullable): private key (P-256) that signs service account tokens; %NULL: one that lives as long as the server
 * @token_issuer: (nullable): "https://kubernetes.default.svc.cluster.local"
 * @client_ca_pem: (nullable): the CA whose certificates are users
 * @root_ca_pem: (nullable): what pods are told to trust
 * @history_bytes: newest events held for watches; 0: 8 MiB
 *
 * Zeroed is a good default.
 *
 * Since: 1.0
 */
typedef struct {
  KubeScheme *scheme;
  KubeClock *clock;
  const char *service_cidr;
  const char *service_node_ports;
  const char *token_key_pem;
  const char *token_issuer;
  const char *client_ca_pem;
  const char *root_ca_pem;
  gsize history_bytes;
  gpointer reserved[8];
} KubeServerOptions;

/* Writes what upstream's server makes at its first start (namespaces, RBAC roles and bindings, priority classes, the kubernetes service) and is ready when it returns. Blocks for that. */
KUBE_AVAILABLE_IN_1_0
KubeServer *kube_server_new (KubeStore *store, const KubeServerOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeScheme *kube_server_get_scheme (KubeServer *server);
KUBE_AVAILABLE_IN_1_0
KubeClock *kube_server_get_clock (KubeServer *server);
/* Makes the server known in the cluster as what stands behind the service "kubernetes": @address and @port in its Endpoints and EndpointSlice. @address: (nullable): %NULL, unspecified or
 * loopback: this host's own. Blocks. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_server_publish (KubeServer *server, const char *address, guint16 port, GError **error);
/* /readyz is false from here on, watches end; what is under way completes. */
KUBE_AVAILABLE_IN_1_0
void kube_server_shut_down (KubeServer *server);

/**
 * KubeNodeResolver:
 * @server: the server
 * @name: of a node
 * @user_data: the function's data
 *
 * How the server reaches the node agents. Called on any thread.
 *
 * Returns: (transfer full) (nullable): the API of the node
 * Since: 1.0
 */
typedef KubeNodeApi *(*KubeNodeResolver) (KubeServer *server, const char *name, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
void kube_server_set_node_resolver (KubeServer *server, KubeNodeResolver resolver, gpointer user_data, GDestroyNotify destroy);

/* A check that /livez, /readyz and /healthz report by its name. @check is called on any thread and must be quick; TRUE: good. */
typedef gboolean (*KubeHealthCheck) (KubeServer *server, gpointer user_data, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_server_add_health_check (KubeServer *server, const char *name, gboolean live, KubeHealthCheck check, gpointer user_data);

#define KUBE_TYPE_LOCAL_CLIENT (kube_local_client_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeLocalClient, kube_local_client, KUBE, LOCAL_CLIENT, GObject)

/* Who the requests come from: for example "system:kube-scheduler"; @groups: (nullable) (array zero-terminated=1), "system:authenticated" is added. */
KUBE_AVAILABLE_IN_1_0
KubeClient *kube_local_client_new (KubeServer *server, const char *user, const char *const *groups) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_local_client_set_user_agent (KubeLocalClient *client, const char *user_agent);

G_END_DECLS
