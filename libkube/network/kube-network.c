/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-network.h>

G_DEFINE_INTERFACE (KubeNetwork, kube_network, G_TYPE_OBJECT)

static void
kube_network_default_init (KubeNetworkInterface *iface)
{
}

/**
 * kube_network_set_up:
 * @network: a network
 * @pod_cidr: addresses of this node's pods, `10.244.0.0/24`
 * @cluster_cidr: (nullable): addresses of all pods; %NULL: @pod_cidr
 * @error: return location
 *
 * Makes what the pods of this node share, or takes over what an earlier process made. Errors: %KUBE_ERROR_INVALID for a CIDR that is none, %KUBE_ERROR_FORBIDDEN
 * without root, %KUBE_ERROR_INTERNAL.
 *
 * Since: 1.0
 */
gboolean
kube_network_set_up (KubeNetwork *network, const char *pod_cidr, const char *cluster_cidr, GError **error)
{
  return KUBE_NETWORK_GET_IFACE (network)->set_up (network, pod_cidr, cluster_cidr, error);
}

/**
 * kube_network_attach_async:
 * @network: a network
 * @uid: the pod's uid
 * @netns: path of its network namespace
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Gives a pod its interfaces and addresses. For a pod that is attached already it answers what it has.
 *
 * Since: 1.0
 */
void
kube_network_attach_async (KubeNetwork *network, const char *uid, const char *netns, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  KUBE_NETWORK_GET_IFACE (network)->attach_async (network, uid, netns, cancellable, callback, user_data);
}

/**
 * kube_network_attach_finish:
 * @network: a network
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: (transfer full): the pod's addresses, the first one is its podIP
 * Since: 1.0
 */
GStrv
kube_network_attach_finish (KubeNetwork *network, GAsyncResult *result, GError **error)
{
  return KUBE_NETWORK_GET_IFACE (network)->attach_finish (network, result, error);
}

/**
 * kube_network_detach_async:
 * @network: a network
 * @uid: the pod's uid
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Takes a pod's interfaces away and frees its addresses. A pod that is not attached is no error.
 *
 * Since: 1.0
 */
void
kube_network_detach_async (KubeNetwork *network, const char *uid, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  KUBE_NETWORK_GET_IFACE (network)->detach_async (network, uid, cancellable, callback, user_data);
}

/**
 * kube_network_detach_finish:
 * @network: a network
 * @result: what the callback was given
 * @error: return location
 *
 * Returns: whether it went well
 * Since: 1.0
 */
gboolean
kube_network_detach_finish (KubeNetwork *network, GAsyncResult *result, GError **error)
{
  return KUBE_NETWORK_GET_IFACE (network)->detach_finish (network, result, error);
}

/**
 * kube_network_lookup:
 * @network: a network
 * @uid: a pod's uid
 *
 * Returns: (transfer full) (nullable): the addresses of an attached pod
 * Since: 1.0
 */
GStrv
kube_network_lookup (KubeNetwork *network, const char *uid)
{
  return KUBE_NETWORK_GET_IFACE (network)->lookup (network, uid);
}

/**
 * kube_network_list:
 * @network: a network
 *
 * Returns: (transfer full): the uids of all attached pods
 * Since: 1.0
 */
GStrv
kube_network_list (KubeNetwork *network)
{
  return KUBE_NETWORK_GET_IFACE (network)->list (network);
}

/**
 * kube_network_clean_up:
 * @network: a network
 * @error: return location
 *
 * Removes everything that this network made on the host, and nothing else. It needs no kube_network_set_up() before.
 *
 * Returns: whether nothing is left
 * Since: 1.0
 */
gboolean
kube_network_clean_up (KubeNetwork *network, GError **error)
{
  return KUBE_NETWORK_GET_IFACE (network)->clean_up (network, error);
}
