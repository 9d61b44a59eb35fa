/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-cluster.h>
#include <kube/kube-config.h>
#include <kube/kube-controllers.h>
#include <kube/kube-http-front.h>
#include <kube/kube-scheduler.h>
#include "kube-cluster-nodes.h"
#include "kube-component.h"
#include "kube-pki.h"

#define DEFAULT_SERVICE_CIDR "10.96.0.0/16"
#define DEFAULT_CLUSTER_CIDR "10.244.0.0/16"
#define DEFAULT_CLUSTER_DNS "10.96.0.10"
#define DEFAULT_CLUSTER_DOMAIN "cluster.local"
/* How long requests that are under way at a stop may still take. */
#define STOP_GRACE (5 * G_USEC_PER_SEC)

/**
 * KubeCluster:
 *
 * A whole cluster in one process: store, API server, controllers, scheduler and nodes, assembled as kube-all has them. It is up when it is made:
 *
 * |[
 *   g_autoptr (KubeCluster) cluster = kube_cluster_new (NULL, &error);
 *   KubeClient *client = kube_cluster_get_client (cluster);
 * ]|
 *
 * Its parts run on threads of their own unless #KubeClusterOptions says otherwise; the client may be used on any thread.
 *
 * Since: 1.0
 */
struct _KubeCluster {
  GObject parent;

  char *data_dir, *runtime, *node_name, *bind_address, *service_cidr, *cluster_cidr, *cluster_dns, *cluster_domain;
  char **disabled;
  guint nodes;
  gboolean same_thread;
  KubeClock *clock;            /* (owned) */
  KubePki *pki;                /* (owned) (nullable): only where there is a port or a folder */
  KubeStore *store;            /* (owned) */
  KubeServer *server;          /* (owned) */
  KubeHttpFront *front;        /* (owned) (nullable) */
  KubeClient *client;          /* (owned): of the administrator */
  KubeComponent *controllers;  /* (owned) (nullable) */
  KubeComponent *scheduler;    /* (owned) (nullable) */
  KubeClusterNodes *kubelets;  /* (owned) (nullable) */
  gboolean stopped;
};

G_DEFINE_FINAL_TYPE (KubeCluster, kube_cluster, G_TYPE_OBJECT)

static char *
or_default (const char *value, const char *fallback)
{
  return g_strdup (value == NULL ? fallback : value);
}

static void
take_options (KubeCluster *self, const KubeClusterOptions *options)
{
  self->data_dir = g_strdup (options->data_dir);
  self->runtime = or_default (options->runtime, "sim");
  self->node_name = options->node_name == NULL ? g_ascii_strdown (g_get_host_name (), -1) : g_strdup (options->node_name);
  self->bind_address = or_default (options->bind_address, "0.0.0.0");
  self->service_cidr = or_default (options->service_cidr, DEFAULT_SERVICE_CIDR);
  self->cluster_cidr = or_default (options->cluster_cidr, DEFAULT_CLUSTER_CIDR);
  self->cluster_dns = or_default (options->cluster_dns, DEFAULT_CLUSTER_DNS);
  self->cluster_domain = or_default (options->cluster_domain, DEFAULT_CLUSTER_DOMAIN);
  self->disabled = g_strdupv ((char **) options->disabled);
  self->nodes = MAX (options->nodes, 1);
  self->same_thread = options->same_thread;
  self->clock = g_object_ref (options->clock == NULL ? kube_clock_get_real () : options->clock);
}

static gboolean
check_range (const char *what, const char *text, GError **error)
{
  g_autoptr (GInetAddressMask) mask = NULL;
  g_autoptr (GError) failure = NULL;

  if (text == NULL)
    return TRUE;
  if (strchr (text, '/') != NULL)
    mask = g_inet_address_mask_new_from_string (text, &failure);
  if (mask == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "\"%s\" is not a range of addresses of %s: use one like 10.96.0.0/16%s%s", text, what,
                 failure != NULL ? ": " : "", failure != NULL ? failure->message : "");
  return mask != NULL;
}

static gboolean
check_addresses (const KubeClusterOptions *options, GError **error)
{
  g_autoptr (GInetAddress) dns = NULL;

  if (!check_range ("services", options->service_cidr, error) || !check_range ("pods", options->cluster_cidr, error))
    return FALSE;
  if (options->cluster_dns == NULL || (dns = g_inet_address_new_from_string (options->cluster_dns)) != NULL)
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "\"%s\" is not the address of a DNS server", options->cluster_dns);
  return FALSE;
}

static gboolean
check_options (const KubeClusterOptions *options, GError **error)
{
  static const char *const components[] = { "kube-controller-manager", "kube-scheduler", "kubelet", NULL };

  if (options->runtime != NULL && strcmp (options->runtime, "oci") != 0 && strcmp (options->runtime, "sim") != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "\"%s\" is not a runtime: use oci or sim", options->runtime);
    return FALSE;
  }
  if (g_strcmp0 (options->runtime, "oci") == 0 && options->data_dir == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "the runtime oci needs a data directory");
    return FALSE;
  }
  for (guint i = 0; options->disabled != NULL && options->disabled[i] != NULL; i++) {
    if (!g_strv_contains (components, options->disabled[i])) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "\"%s\" is not a component that can be disabled: use kube-controller-manager, kube-scheduler or kubelet",
                   options->disabled[i]);
      return FALSE;
    }
  }
  return check_addresses (options, error);
}

static gboolean
is_enabled (KubeCluster *self, const char *component)
{
  return self->disabled == NULL || !g_strv_contains ((const char *const *) self->disabled, component);
}

/* --- store and keys --- */

static gboolean
open_store (KubeCluster *self, GError **error)
{
  g_autofree char *folder = NULL;

  if (self->data_dir == NULL) {
    self->store = kube_store_memory_new ();
    return TRUE;
  }
  folder = g_build_filename (self->data_dir, "store", NULL);
  self->store = kube_store_lmdb_new (folder, error);
  return self->store != NULL;
}

/* The first address of the service range is the API server's own Service. */
static char *
get_server_service_address (const char *service_cidr)
{
  g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (service_cidr, NULL);
  const guint8 *bytes = mask == NULL ? NULL : g_inet_address_to_bytes (g_inet_address_mask_get_address (mask));

  if (bytes == NULL || g_inet_address_mask_get_family (mask) != G_SOCKET_FAMILY_IPV4)
    return g_strdup ("127.0.0.1");
  return g_strdup_printf ("%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3] + 1);
}

static gboolean
load_keys (KubeCluster *self, const KubeClusterOptions *options, GError **error)
{
  g_autofree char *folder = self->data_dir == NULL ? NULL : g_build_filename (self->data_dir, "pki", NULL);
  g_autofree char *service = get_server_service_address (self->service_cidr);
  g_autofree char *in_domain = g_strconcat ("kubernetes.default.svc.", self->cluster_domain, NULL);
  const char *host = g_get_host_name ();
  const char *dns_names[] = { "kubernetes", "kubernetes.default", "kubernetes.default.svc", in_domain, "localhost", host, NULL };
  const char *addresses[] = { "127.0.0.1", service, strcmp (self->bind_address, "0.0.0.0") == 0 ? NULL : self->bind_address, NULL };
  const KubePkiOptions pki = { folder, dns_names, addresses };

  if (!options->serve && folder == NULL)
    return TRUE;
  self->pki = kube_pki_load (&pki, error);
  return self->pki != NULL;
}

/* --- the server and its port --- */

static gboolean
start_server (KubeCluster *self, GError **error)
{
  const KubeServerOptions options = {
    .clock = self->clock,
    .service_cidr = self->service_cidr,
    .token_key_pem = self->pki == NULL ? NULL : self->pki->token_key,
    .client_ca_pem = self->pki == NULL ? NULL : self->pki->ca_certificate,
    .root_ca_pem = self->pki == NULL ? NULL : self->pki->ca_certificate,
  };
  static const char *const masters[] = { "system:masters", NULL };

  self->server = kube_server_new (self->store, &options, error);
  if (self->server == NULL)
    return FALSE;
  self->client = kube_local_client_new (self->server, "kubernetes-admin", masters);
  return TRUE;
}

static gboolean
open_port (KubeCluster *self, const KubeClusterOptions *options, GError **error)
{
  const KubeHttpFrontOptions front = {
    .address = self->bind_address,
    .port = options->secure_port,
    .certificate_pem = self->pki == NULL ? NULL : self->pki->server_certificate,
    .key_pem = self->pki == NULL ? NULL : self->pki->server_key,
    .client_ca_pem = self->pki == NULL ? NULL : self->pki->ca_certificate,
  };

  if (!options->serve)
    return TRUE;
  self->front = kube_http_front_new (self->server, &front, error);
  return self->front != NULL && kube_server_publish (self->server, self->bind_address, kube_http_front_get_port (self->front), error);
}

/* --- components --- */

/* Controllers act as upstream's do with --use-service-account-credentials: each with the rights of its own service account. */
static KubeClient *
make_controller_client (KubeManager *manager, const char *name, gpointer user_data)
{
  KubeCluster *self = user_data;
  static const char *const groups[] = { "system:serviceaccounts", "system:serviceaccounts:kube-system", NULL };
  g_autofree char *user = g_strconcat ("system:serviceaccount:kube-system:", name, NULL);
  KubeClient *client = kube_local_client_new (self->server, user, groups);

  kube_local_client_set_user_agent (KUBE_LOCAL_CLIENT (client), "kube-controller-manager");
  return client;
}

static gpointer
start_controllers (gpointer user_data)
{
  KubeCluster *self = user_data;
  g_autoptr (KubeClient) client = kube_local_client_new (self->server, "system:kube-controller-manager", NULL);
  KubeManager *manager = kube_manager_new (client, self->clock);
  const KubeControllersOptions options = {
    .root_ca_pem = self->pki == NULL ? NULL : self->pki->ca_certificate,
    .cluster_cidr = self->cluster_cidr,
  };

  kube_local_client_set_user_agent (KUBE_LOCAL_CLIENT (client), "kube-controller-manager");
  kube_manager_set_client_func (manager, make_controller_client, self, NULL);
  kube_controllers_add (manager, &options, NULL, NULL);
  kube_manager_start (manager);
  return manager;
}

static void
stop_controllers (gpointer object, gpointer user_data)
{
  kube_manager_stop (object);
  g_object_unref (object);
}

static gpointer
start_scheduler (gpointer user_data)
{
  KubeCluster *self = user_data;
  g_autoptr (KubeClient) client = kube_local_client_new (self->server, "system:kube-scheduler", NULL);
  KubeScheduler *scheduler = kube_scheduler_new (client, self->clock, NULL);

  kube_local_client_set_user_agent (KUBE_LOCAL_CLIENT (client), "kube-scheduler");
  kube_scheduler_start (scheduler);
  return scheduler;
}

static void
stop_scheduler (gpointer object, gpointer user_data)
{
  kube_scheduler_stop (object);
  g_object_unref (object);
}

static gboolean
start_nodes (KubeCluster *self, GError **error)
{
  const KubeClusterNodesOptions options = {
    .server = self->server,
    .real = strcmp (self->runtime, "oci") == 0,
    .count = self->nodes,
    .data_dir = self->data_dir,
    .name = self->node_name,
    .cluster_cidr = self->cluster_cidr,
    .cluster_dns = self->cluster_dns,
    .cluster_domain = self->cluster_domain,
    .same_thread = self->same_thread,
  };

  self->kubelets = kube_cluster_nodes_new (&options, error);
  return self->kubelets != NULL;
}

static gboolean
start_components (KubeCluster *self, GError **error)
{
  if (is_enabled (self, "kubelet") && !start_nodes (self, error))
    return FALSE;
  if (is_enabled (self, "kube-scheduler"))
    self->scheduler = kube_component_new ("kube-scheduler", !self->same_thread, start_scheduler, stop_scheduler, self);
  if (is_enabled (self, "kube-controller-manager"))
    self->controllers = kube_component_new ("kube-control", !self->same_thread, start_controllers, stop_controllers, self);
  return TRUE;
}

/* --- the type --- */

static void
kube_cluster_init (KubeCluster *self)
{
}

static void
kube_cluster_dispose (GObject *object)
{
  kube_cluster_stop (KUBE_CLUSTER (object));
  G_OBJECT_CLASS (kube_cluster_parent_class)->dispose (object);
}

static void
kube_cluster_finalize (GObject *object)
{
  KubeCluster *self = KUBE_CLUSTER (object);

  g_clear_object (&self->client);
  g_clear_object (&self->server);
  g_clear_object (&self->store);
  g_clear_object (&self->clock);
  g_clear_pointer (&self->pki, kube_pki_free);
  g_strfreev (self->disabled);
  g_free (self->data_dir);
  g_free (self->runtime);
  g_free (self->node_name);
  g_free (self->bind_address);
  g_free (self->service_cidr);
  g_free (self->cluster_cidr);
  g_free (self->cluster_dns);
  g_free (self->cluster_domain);
  G_OBJECT_CLASS (kube_cluster_parent_class)->finalize (object);
}

static void
kube_cluster_class_init (KubeClusterClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kube_cluster_dispose;
  G_OBJECT_CLASS (klass)->finalize = kube_cluster_finalize;
}

/**
 * kube_cluster_new:
 * @options: (nullable): how it is made; %NULL: in memory, one simulated node, no port
 * @error: return location
 *
 * Makes a cluster and brings it up. Blocks until its server answers; nodes and controllers come up beside.
 *
 * Errors: %KUBE_ERROR_INVALID for options that do not go together; %KUBE_ERROR_INTERNAL for a data directory that is in use or was written by a newer libkube, or a port that is taken.
 *
 * Returns: (transfer full): a cluster
 * Since: 1.0
 */
KubeCluster *
kube_cluster_new (const KubeClusterOptions *options, GError **error)
{
  static const KubeClusterOptions defaults = { 0 };
  g_autoptr (KubeCluster) self = NULL;

  if (options == NULL)
    options = &defaults;
  if (!check_options (options, error))
    return NULL;
  self = g_object_new (KUBE_TYPE_CLUSTER, NULL);
  take_options (self, options);
  if (!open_store (self, error) || !load_keys (self, options, error) || !start_server (self, error) || !open_port (self, options, error) ||
      !start_components (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * kube_cluster_get_client:
 * @cluster: a cluster
 *
 * Returns: (transfer none): a client with all rights
 * Since: 1.0
 */
KubeClient *
kube_cluster_get_client (KubeCluster *self)
{
  return self->client;
}

/**
 * kube_cluster_get_server:
 * @cluster: a cluster
 *
 * Returns: (transfer none): its API server
 * Since: 1.0
 */
KubeServer *
kube_cluster_get_server (KubeCluster *self)
{
  return self->server;
}

/**
 * kube_cluster_get_port:
 * @cluster: a cluster
 *
 * Returns: the port of its API server, 0 where it has none
 * Since: 1.0
 */
guint16
kube_cluster_get_port (KubeCluster *self)
{
  return self->front == NULL ? 0 : kube_http_front_get_port (self->front);
}

/**
 * kube_cluster_dup_kubeconfig:
 * @cluster: a cluster
 *
 * Returns: (transfer full) (nullable): the text of a kubeconfig for its administrator, %NULL where it has no port
 * Since: 1.0
 */
char *
kube_cluster_dup_kubeconfig (KubeCluster *self)
{
  const char *address = g_strcmp0 (self->bind_address, "0.0.0.0") == 0 ? "127.0.0.1" : self->bind_address;
  g_autofree char *server = NULL;
  g_autoptr (KubeConfig) config = NULL;

  if (self->front == NULL)
    return NULL;
  server = g_strdup_printf ("https://%s:%u", address, kube_cluster_get_port (self));
  config = kube_config_new (server, self->pki->ca_certificate, self->pki->admin_certificate, self->pki->admin_key, NULL);
  return kube_config_print (config, "kube");
}

/**
 * kube_cluster_stop:
 * @cluster: a cluster
 *
 * Stops its parts in the order in which they depend on each other: the port, nodes, scheduler and controllers, the server, the store. What was acknowledged is
 * on disk; running containers go on. Blocks.
 *
 * Since: 1.0
 */
void
kube_cluster_stop (KubeCluster *self)
{
  if (self->stopped)
    return;
  self->stopped = TRUE;
  if (self->front != NULL)
    kube_http_front_stop (self->front, STOP_GRACE);
  g_clear_pointer (&self->kubelets, kube_cluster_nodes_free);
  g_clear_pointer (&self->scheduler, kube_component_free);
  g_clear_pointer (&self->controllers, kube_component_free);
  if (self->server != NULL)
    kube_server_shut_down (self->server);
  g_clear_object (&self->front);
  if (self->store != NULL)
    kube_store_close (self->store);
}
