/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-error.h>

G_BEGIN_DECLS

/**
 * KubeNetwork:
 *
 * The pod network of a node: gives network namespaces that the runtime made their interfaces and addresses. Any thread; callbacks come on the main context
 * that was thread-default at the call. What an implementation set up outlives its process: a new one finds it again in kube_network_set_up().
 *
 * Since: 1.0
 */
#define KUBE_TYPE_NETWORK (kube_network_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeNetwork, kube_network, KUBE, NETWORK, GObject)

struct _KubeNetworkInterface {
  GTypeInterface parent;
  /* @pod_cidr: the node's part of the cluster's; @cluster_cidr: (nullable): what is not masqueraded. Adopts what is there. Called again where the CIDR changes. */
  gboolean (*set_up) (KubeNetwork *network, const char *pod_cidr, const char *cluster_cidr, GError **error);
  /* attaches one pod; called again for the same uid it answers the same */
  void (*attach_async) (KubeNetwork *network, const char *uid, const char *netns, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  GStrv (*attach_finish) (KubeNetwork *network, GAsyncResult *result, GError **error);
  void (*detach_async) (KubeNetwork *network, const char *uid, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*detach_finish) (KubeNetwork *network, GAsyncResult *result, GError **error);
  /* (nullable) (transfer full): the pod's addresses */
  GStrv (*lookup) (KubeNetwork *network, const char *uid);
  /* (transfer full): uids of all attached pods */
  GStrv (*list) (KubeNetwork *network);
  gboolean (*clean_up) (KubeNetwork *network, GError **error);
  gpointer reserved[8];
};

KUBE_AVAILABLE_IN_1_0
gboolean kube_network_set_up (KubeNetwork *network, const char *pod_cidr, const char *cluster_cidr, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_network_attach_async (KubeNetwork *network, const char *uid, const char *netns, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
GStrv kube_network_attach_finish (KubeNetwork *network, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_network_detach_async (KubeNetwork *network, const char *uid, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_network_detach_finish (KubeNetwork *network, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
GStrv kube_network_lookup (KubeNetwork *network, const char *uid) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
GStrv kube_network_list (KubeNetwork *network) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
gboolean kube_network_clean_up (KubeNetwork *network, GError **error);

/* The default: a Linux bridge, a veth pair for each pod, masquerade by nftables. @bridge: (nullable): its name, at most 11 bytes; NULL: "kube0". Needs root. */
#define KUBE_TYPE_NETWORK_BRIDGE (kube_network_bridge_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeNetworkBridge, kube_network_bridge, KUBE, NETWORK_BRIDGE, GObject)
KUBE_AVAILABLE_IN_1_0
KubeNetwork *kube_network_bridge_new (const char *bridge) G_GNUC_WARN_UNUSED_RESULT;

/* Addresses only: nothing outside of the process. */
#define KUBE_TYPE_NETWORK_SIM (kube_network_sim_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeNetworkSim, kube_network_sim, KUBE, NETWORK_SIM, GObject)
KUBE_AVAILABLE_IN_1_0
KubeNetwork *kube_network_sim_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
