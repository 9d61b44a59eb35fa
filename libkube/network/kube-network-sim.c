/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-network.h>

#include "kube-address-pool.h"

/**
 * KubeNetworkSim:
 *
 * A network of which only the addresses are real: pods get them in order, nothing is made on the host.
 *
 * Since: 1.0
 */
struct _KubeNetworkSim {
  GObject parent;
  GMutex lock;
  char *cidr;            /* (mutex lock) (nullable) */
  KubeAddressPool *pool; /* (mutex lock) (nullable) */
};

static void network_iface_init (KubeNetworkInterface *iface);

G_DEFINE_TYPE_WITH_CODE (KubeNetworkSim, kube_network_sim, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (KUBE_TYPE_NETWORK, network_iface_init))

static gboolean
network_sim_set_up (KubeNetwork *network, const char *pod_cidr, const char *cluster_cidr, GError **error)
{
  KubeNetworkSim *self = KUBE_NETWORK_SIM (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (g_strcmp0 (self->cidr, pod_cidr) == 0)
    return TRUE;
  KubeAddressPool *pool = kube_address_pool_new (pod_cidr, error);
  if (pool == NULL)
    return FALSE;
  g_clear_pointer (&self->pool, kube_address_pool_free);
  g_free (self->cidr);
  self->pool = pool;
  self->cidr = g_strdup (pod_cidr);
  return TRUE;
}

static GStrv
make_addresses (guint32 address)
{
  GStrv addresses = g_new0 (char *, 2);

  addresses[0] = kube_address_print (address);
  return addresses;
}

static void
network_sim_attach_async (KubeNetwork *network, const char *uid, const char *netns, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  KubeNetworkSim *self = KUBE_NETWORK_SIM (network);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GError *error = NULL;
  guint32 address = 0;

  g_task_set_source_tag (task, network_sim_attach_async);
  if (self->pool == NULL)
    g_set_error (&error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "the pod network is not set up");
  else
    address = kube_address_pool_take (self->pool, uid, &error);
  if (address == 0)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, make_addresses (address), (GDestroyNotify) g_strfreev);
}

static GStrv
network_sim_attach_finish (KubeNetwork *network, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
network_sim_detach_async (KubeNetwork *network, const char *uid, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  KubeNetworkSim *self = KUBE_NETWORK_SIM (network);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_task_set_source_tag (task, network_sim_detach_async);
  if (self->pool != NULL)
    kube_address_pool_give_back (self->pool, uid);
  g_task_return_boolean (task, TRUE);
}

static gboolean
network_sim_detach_finish (KubeNetwork *network, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static GStrv
network_sim_lookup (KubeNetwork *network, const char *uid)
{
  KubeNetworkSim *self = KUBE_NETWORK_SIM (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint32 address = self->pool != NULL ? kube_address_pool_find (self->pool, uid) : 0;

  return address != 0 ? make_addresses (address) : NULL;
}

static GStrv
network_sim_list (KubeNetwork *network)
{
  KubeNetworkSim *self = KUBE_NETWORK_SIM (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->pool != NULL ? kube_address_pool_list_owners (self->pool) : g_new0 (char *, 1);
}

static gboolean
network_sim_clean_up (KubeNetwork *network, GError **error)
{
  return TRUE;
}

static void
kube_network_sim_finalize (GObject *object)
{
  KubeNetworkSim *self = KUBE_NETWORK_SIM (object);

  g_clear_pointer (&self->pool, kube_address_pool_free);
  g_free (self->cidr);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (kube_network_sim_parent_class)->finalize (object);
}

static void
network_iface_init (KubeNetworkInterface *iface)
{
  iface->set_up = network_sim_set_up;
  iface->attach_async = network_sim_attach_async;
  iface->attach_finish = network_sim_attach_finish;
  iface->detach_async = network_sim_detach_async;
  iface->detach_finish = network_sim_detach_finish;
  iface->lookup = network_sim_lookup;
  iface->list = network_sim_list;
  iface->clean_up = network_sim_clean_up;
}

static void
kube_network_sim_class_init (KubeNetworkSimClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_network_sim_finalize;
}

static void
kube_network_sim_init (KubeNetworkSim *self)
{
  g_mutex_init (&self->lock);
}

/**
 * kube_network_sim_new:
 *
 * Returns: (transfer full): a network without a host
 * Since: 1.0
 */
KubeNetwork *
kube_network_sim_new (void)
{
  return g_object_new (KUBE_TYPE_NETWORK_SIM, NULL);
}
