/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "nodes"

#include <kube/kube-log.h>
#include <kube/kube-node-agent.h>
#include "kube-cluster-nodes.h"

struct _KubeClusterNodes {
  KubeServer *server;        /* (owned) */
  gboolean real;
  guint count;
  char *data_dir, *name, *cluster_cidr, *cluster_dns, *cluster_domain;
  KubeComponent *component;  /* (owned) */
  GMutex lock;
  GHashTable *agents;        /* (element-type utf8 KubeNodeAgent) (mutex lock) */
};

static void
add_agent (KubeClusterNodes *self, const char *name, KubeRuntime *runtime, KubeNetwork *network, KubeImageStore *images)
{
  static const char *const groups[] = { "system:nodes", NULL };
  g_autofree char *user = g_strconcat ("system:node:", name, NULL);
  g_autoptr (KubeClient) client = kube_local_client_new (self->server, user, groups);
  const KubeNodeAgentOptions options = {
    .client = client,
    .clock = kube_server_get_clock (self->server),
    .node_name = name,
    .runtime = runtime,
    .network = network,
    .images = images,
    .data_dir = self->real ? self->data_dir : NULL,
    .cluster_cidr = self->cluster_cidr,
    .cluster_dns = self->cluster_dns,
    .cluster_domain = self->cluster_domain,
  };
  KubeNodeAgent *agent = kube_node_agent_new (&options);

  kube_local_client_set_user_agent (KUBE_LOCAL_CLIENT (client), "kubelet");
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->agents, g_strdup (name), agent);
  g_mutex_unlock (&self->lock);
  kube_node_agent_start (agent);
}

/* On the thread that the runtime lives on: nobody waits for it, so what kube_cluster_nodes_new() could not foresee is told in the log. */
static void
start_real (KubeClusterNodes *self)
{
  g_autoptr (KubeImageStore) images = kube_image_store_new (self->data_dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeRuntime) runtime = kube_runtime_oci_new (self->data_dir, images, &error);
  g_autoptr (KubeNetwork) network = kube_network_bridge_new (NULL);

  if (runtime != NULL)
    add_agent (self, self->name, runtime, network, images);
  else
    kube_warning ("node %s does not start: %s", self->name, error->message);
}

static gpointer
start (gpointer user_data)
{
  KubeClusterNodes *self = user_data;

  if (self->real)
    start_real (self);
  for (guint i = 1; !self->real && i <= self->count; i++) {
    g_autofree char *name = g_strdup_printf ("node-%u", i);
    g_autoptr (KubeRuntime) runtime = kube_runtime_sim_new (kube_server_get_clock (self->server));
    g_autoptr (KubeNetwork) network = kube_network_sim_new ();

    add_agent (self, name, runtime, network, NULL);
  }
  return self;
}

static void
stop (gpointer object, gpointer user_data)
{
  KubeClusterNodes *self = user_data;
  g_autoptr (GHashTable) agents = NULL;
  GHashTableIter iter;
  gpointer agent;

  g_mutex_lock (&self->lock);
  agents = g_steal_pointer (&self->agents);
  g_mutex_unlock (&self->lock);
  g_hash_table_iter_init (&iter, agents);
  while (g_hash_table_iter_next (&iter, NULL, &agent))
    kube_node_agent_stop (agent);
}

static KubeNodeApi *
resolve (KubeServer *server, const char *name, gpointer user_data)
{
  KubeClusterNodes *self = user_data;
  KubeNodeAgent *agent;

  g_mutex_lock (&self->lock);
  agent = self->agents == NULL ? NULL : g_hash_table_lookup (self->agents, name);
  if (agent != NULL)
    g_object_ref (agent);
  g_mutex_unlock (&self->lock);
  return agent == NULL ? NULL : KUBE_NODE_API (agent);
}

KubeClusterNodes *
kube_cluster_nodes_new (const KubeClusterNodesOptions *options, GError **error)
{
  KubeClusterNodes *self;

  if (options->real && !kube_runtime_oci_check (error))
    return NULL;
  self = g_new0 (KubeClusterNodes, 1);
  g_mutex_init (&self->lock);
  self->server = g_object_ref (options->server);
  self->real = options->real;
  self->count = options->count;
  self->data_dir = g_strdup (options->data_dir);
  self->name = g_strdup (options->name);
  self->cluster_cidr = g_strdup (options->cluster_cidr);
  self->cluster_dns = g_strdup (options->cluster_dns);
  self->cluster_domain = g_strdup (options->cluster_domain);
  self->agents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->component = kube_component_new ("kube-nodes", !options->same_thread, start, stop, self);
  kube_server_set_node_resolver (self->server, resolve, self, NULL);
  return self;
}

void
kube_cluster_nodes_free (KubeClusterNodes *self)
{
  kube_server_set_node_resolver (self->server, NULL, NULL, NULL);
  kube_component_free (self->component);
  g_object_unref (self->server);
  g_mutex_clear (&self->lock);
  g_free (self->data_dir);
  g_free (self->name);
  g_free (self->cluster_cidr);
  g_free (self->cluster_dns);
  g_free (self->cluster_domain);
  g_free (self);
}
