/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-server.h>
#include "kube-component.h"

G_BEGIN_DECLS

/* The nodes of a cluster: node agents on one main context, and the server's way to them. */

/**
 * KubeClusterNodesOptions:
 * @server: the API server in this process
 * @real: one node with containers, this machine; else @count simulated ones
 * @data_dir: (nullable): for a real node
 * @name: of a real node; simulated ones are "node-1" …
 * @same_thread: on the caller's main context
 */
typedef struct {
  KubeServer *server;
  gboolean real;
  guint count;
  const char *data_dir, *name, *cluster_cidr, *cluster_dns, *cluster_domain;
  gboolean same_thread;
} KubeClusterNodesOptions;

typedef struct _KubeClusterNodes KubeClusterNodes;

/* Errors: what kube_runtime_oci_check() gives. */
KubeClusterNodes *kube_cluster_nodes_new (const KubeClusterNodesOptions *options, GError **error);
void kube_cluster_nodes_free (KubeClusterNodes *nodes);

G_END_DECLS
