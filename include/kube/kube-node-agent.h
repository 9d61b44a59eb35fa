/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/kube-image-store.h>
#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-network.h>
#include <kube/sys/kube-node-api.h>
#include <kube/sys/kube-runtime.h>

G_BEGIN_DECLS

/**
 * KubeNodeAgentOptions:
 * @client: the API server
 * @clock: (nullable): the real one
 * @node_name: the node's name
 * @runtime: what runs containers; of the same main context
 * @network: the pods' network
 * @images: (nullable): the images; %NULL: the runtime needs none (simulated)
 * @data_dir: (nullable): where pods' volumes and logs are kept; %NULL: pods have none (simulated)
 * @pod_cidr: (nullable): this node's pods' addresses; %NULL: the Node's `spec.podCIDR`, waited for
 * @cluster_cidr: (nullable): all pods' addresses, which are not masqueraded
 * @cluster_dns: (nullable): "10.96.0.10"
 * @cluster_domain: (nullable): "cluster.local"
 * @node_ip: (nullable): the node's address; %NULL: the host's first one, 127.0.0.1 where it has none
 * @max_pods: 0: 110
 * @cpus: 0: the host's
 * @memory: bytes, 0: the host's
 * @labels: (nullable) (array zero-terminated=1): further labels of the Node, `key=value`
 *
 * How a #KubeNodeAgent is made.
 *
 * Since: 1.0
 */
typedef struct {
  KubeClient *client;
  KubeClock *clock;
  const char *node_name;
  KubeRuntime *runtime;
  KubeNetwork *network;
  KubeImageStore *images;
  const char *data_dir;
  const char *pod_cidr;
  const char *cluster_cidr;
  const char *cluster_dns;
  const char *cluster_domain;
  const char *node_ip;
  guint max_pods;
  guint cpus;
  guint64 memory;
  const char *const *labels;
  gpointer reserved[12];
} KubeNodeAgentOptions;

#define KUBE_TYPE_NODE_AGENT (kube_node_agent_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeNodeAgent, kube_node_agent, KUBE, NODE_AGENT, GObject)

/* For the thread-default main context. Not started. */
KUBE_AVAILABLE_IN_1_0
KubeNodeAgent *kube_node_agent_new (const KubeNodeAgentOptions *options) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_node_agent_start (KubeNodeAgent *agent);
/* Containers go on. On the agent's context. */
KUBE_AVAILABLE_IN_1_0
void kube_node_agent_stop (KubeNodeAgent *agent);

/* Removes all that a node of @data_dir left on this host, and nothing else. @bridge: as kube_network_bridge_new() had it. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_node_clean_up (const char *data_dir, const char *bridge, GError **error);
/* (transfer full) (array zero-terminated=1): what this host lacks to be a node with containers, a line each with what to do; empty: nothing. */
KUBE_AVAILABLE_IN_1_0
GStrv kube_node_check_host (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
