/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/kube-server.h>

G_BEGIN_DECLS

/**
 * KubeClusterOptions:
 * @data_dir: (nullable): where everything that must survive is kept (see state-files.md); %NULL: a cluster in memory
 * @serve: open an HTTPS port
 * @bind_address: (nullable): "0.0.0.0"
 * @secure_port: 0: any free one
 * @runtime: (nullable): "oci": this machine is a node with real containers (needs @data_dir and root); "sim": simulated nodes; %NULL: "sim"
 * @nodes: how many simulated nodes; 0: one
 * @node_name: (nullable): of the real node; %NULL: the host's name
 * @disabled: (nullable) (array zero-terminated=1): components not to run, by upstream's process names: "kube-controller-manager", "kube-scheduler", "kubelet"
 * @service_cidr: (nullable): "10.96.0.0/16"
 * @cluster_cidr: (nullable): "10.244.0.0/16"
 * @cluster_dns: (nullable): "10.96.0.10"
 * @cluster_domain: (nullable): "cluster.local"
 * @clock: (nullable): the real one
 * @same_thread: run the controllers, the scheduler and the simulated nodes on the main context that is thread-default at kube_cluster_new(), instead of threads of their own.
 *   With a virtual clock the cluster is then deterministic; its owner must run that context.
 *
 * How a #KubeCluster is made. Zeroed is a good default: a cluster in memory with one simulated node and no port.
 *
 * Since: 1.0
 */
typedef struct {
  const char *data_dir;
  gboolean serve;
  const char *bind_address;
  guint16 secure_port;
  const char *runtime;
  guint nodes;
  const char *node_name;
  const char *const *disabled;
  const char *service_cidr;
  const char *cluster_cidr;
  const char *cluster_dns;
  const char *cluster_domain;
  KubeClock *clock;
  gboolean same_thread;
  gpointer reserved[16];
} KubeClusterOptions;

#define KUBE_TYPE_CLUSTER (kube_cluster_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeCluster, kube_cluster, KUBE, CLUSTER, GObject)

KUBE_AVAILABLE_IN_1_0
KubeCluster *kube_cluster_new (const KubeClusterOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeClient *kube_cluster_get_client (KubeCluster *cluster);
KUBE_AVAILABLE_IN_1_0
KubeServer *kube_cluster_get_server (KubeCluster *cluster);
KUBE_AVAILABLE_IN_1_0
guint16 kube_cluster_get_port (KubeCluster *cluster);
KUBE_AVAILABLE_IN_1_0
char *kube_cluster_dup_kubeconfig (KubeCluster *cluster) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_cluster_stop (KubeCluster *cluster);

KUBE_AVAILABLE_IN_1_0
GStrv kube_cluster_check_host (const char *runtime, const char *address, guint16 port) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
gboolean kube_cluster_clean_up (const char *data_dir, GError **error);

G_END_DECLS
