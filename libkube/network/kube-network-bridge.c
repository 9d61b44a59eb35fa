/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-network.h>

#include "kube-address-pool.h"
#include "kube-masquerade.h"
#include "kube-netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OWNER "libkube"
#define LINK_PREFIX "kv"
#define POD_LINK "eth0"

/**
 * KubeNetworkBridge:
 *
 * A Linux bridge whose address is the pods' gateway, and for each pod a veth pair. A pod's address is a /32 and everything it sends goes by the gateway: so
 * the host sees both directions of every connection, and what the service proxy translated is translated back even between two pods of one bridge. What
 * leaves the cluster's addresses takes the host's address (an nftables table named after the bridge).
 *
 * There is no state file: each veth bears the pod's uid and address in its alias (`libkube BRIDGE UID ADDRESS`), from which a later process
 * learns what is given out, and by which kube_network_clean_up() knows what is ours.
 *
 * Since: 1.0
 */
struct _KubeNetworkBridge {
  GObject parent;
  char *bridge;          /* (owned) */
  char *table;           /* (owned) */
  GMutex lock;           /* for all below */
  char *pod_cidr;        /* (owned) (nullable) */
  char *cluster;         /* (owned) (nullable) */
  KubeAddressPool *pool; /* (owned) (nullable) */
  int index;             /* of the bridge */
  GThreadPool *workers;  /* (owned) */
};

typedef struct {
  char *uid;
  char *netns; /* NULL: detach */
} Job;

static void network_iface_init (KubeNetworkInterface *iface);

G_DEFINE_TYPE_WITH_CODE (KubeNetworkBridge, kube_network_bridge, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (KUBE_TYPE_NETWORK, network_iface_init))

static void
job_free (Job *job)
{
  g_free (job->uid);
  g_free (job->netns);
  g_free (job);
}

static char *
link_name (const char *uid)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, uid, -1);

  return g_strdup_printf (LINK_PREFIX "%.12s", sum);
}

static char *
bridge_alias (KubeNetworkBridge *self)
{
  return g_strdup_printf (OWNER " %s", self->bridge);
}

/* Splits `libkube BRIDGE UID ADDRESS`; NULL where it is not one of ours. */
static GStrv
parse_alias (KubeNetworkBridge *self, const KubeNetlinkLink *link)
{
  g_auto (GStrv) parts = link->alias != NULL ? g_strsplit (link->alias, " ", 4) : NULL;

  if (parts == NULL || g_strv_length (parts) != 4 || !g_str_equal (parts[0], OWNER) || !g_str_equal (parts[1], self->bridge))
    return NULL;
  return g_steal_pointer (&parts);
}

static gboolean
parse_address (const char *text, guint32 *address)
{
  guint a, b, c, d;
  char rest;

  if (sscanf (text, "%u.%u.%u.%u%c", &a, &b, &c, &d, &rest) != 4 || (a | b | c | d) > 255)
    return FALSE;
  *address = a << 24 | b << 16 | c << 8 | d;
  return TRUE;
}

static gboolean
write_setting (const char *path, const char *value, GError **error)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  int code = fd < 0 ? errno : 0;

  if (fd >= 0 && write (fd, value, strlen (value)) < 0)
    code = errno;
  if (fd >= 0)
    close (fd);
  if (code == 0)
    return TRUE;
  g_set_error (error, KUBE_ERROR, code == EACCES || code == EPERM ? KUBE_ERROR_FORBIDDEN : KUBE_ERROR_INTERNAL,
               "cannot write %s: %s", path, g_strerror (code));
  return FALSE;
}

static gboolean
set_up_sysctls (KubeNetworkBridge *self, GError **error)
{
  g_autofree char *current = NULL;
  g_autofree char *redirects = g_strdup_printf ("/proc/sys/net/ipv4/conf/%s/send_redirects", self->bridge);

  if (!g_file_get_contents ("/proc/sys/net/ipv4/ip_forward", &current, NULL, NULL) || current[0] != '1') {
    if (!write_setting ("/proc/sys/net/ipv4/ip_forward", "1", error))
      return FALSE;
  }
  /* Pods send to each other by the gateway; it must not tell them to talk directly. */
  return write_setting (redirects, "0", error);
}

static gboolean
set_up_addresses (KubeNetworkBridge *self, KubeNetlink *netlink, KubeAddressPool *pool, GError **error)
{
  guint32 gateway = kube_address_pool_get_gateway (pool);
  guint prefix = kube_address_pool_get_prefix (pool);
  g_autoptr (GArray) present = kube_netlink_list_addresses (netlink, self->index, error);

  if (present == NULL)
    return FALSE;
  for (guint i = 0; i < present->len; i++) {
    KubeNetlinkAddress *a = &g_array_index (present, KubeNetlinkAddress, i);
    if ((a->address != gateway || a->prefix != prefix) &&
        !kube_netlink_delete_address (netlink, self->index, a->address, a->prefix, error))
      return FALSE;
  }
  return kube_netlink_add_address (netlink, self->index, gateway, prefix, error);
}

/* The bridge, made where it is missing; one of that name that is not ours is left alone. */
static gboolean
set_up_bridge (KubeNetworkBridge *self, KubeNetlink *netlink, GError **error)
{
  g_autofree char *alias = bridge_alias (self);
  g_autoptr (GError) local = NULL;
  g_autoptr (KubeNetlinkLink) link = kube_netlink_get_link (netlink, self->bridge, &local);

  if (link == NULL && !g_error_matches (local, KUBE_ERROR, KUBE_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (link == NULL) {
    if (!kube_netlink_add_bridge (netlink, self->bridge, alias, error))
      return FALSE;
    link = kube_netlink_get_link (netlink, self->bridge, error);
    if (link == NULL)
      return FALSE;
  } else if (g_strcmp0 (link->alias, alias) != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS, "there is a link %s that does not belong to this program",
                 self->bridge);
    return FALSE;
  }
  self->index = link->index;
  return kube_netlink_set_up (netlink, link->index, error);
}

static gboolean
adopt_links (KubeNetworkBridge *self, KubeNetlink *netlink, KubeAddressPool *pool, GError **error)
{
  g_autoptr (GPtrArray) links = kube_netlink_list_links (netlink, error);

  for (guint i = 0; links != NULL && i < links->len; i++) {
    KubeNetlinkLink *link = g_ptr_array_index (links, i);
    g_auto (GStrv) alias = parse_alias (self, link);
    guint32 address;
    if (alias == NULL)
      continue;
    if (!parse_address (alias[3], &address) || !kube_address_pool_claim (pool, alias[2], address)) {
      /* of an older pod CIDR: its pod cannot be reached any more */
      if (!kube_netlink_delete_link (netlink, link->name, error))
        return FALSE;
    }
  }
  return links != NULL;
}

static gboolean
set_up_locked (KubeNetworkBridge *self, const char *pod_cidr, const char *cluster_cidr, GError **error)
{
  guint32 network, cluster;
  guint prefix, cluster_prefix;
  g_autoptr (KubeAddressPool) pool = kube_address_pool_new (pod_cidr, error);

  if (pool == NULL || !kube_cidr_parse (pod_cidr, &network, &prefix, error) ||
      !kube_cidr_parse (cluster_cidr, &cluster, &cluster_prefix, error))
    return FALSE;
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (-1, error);
  if (netlink == NULL || !set_up_bridge (self, netlink, error) || !set_up_addresses (self, netlink, pool, error) ||
      !set_up_sysctls (self, error) || !adopt_links (self, netlink, pool, error) ||
      !kube_masquerade_install (self->table, network, prefix, cluster, cluster_prefix, error))
    return FALSE;
  g_clear_pointer (&self->pool, kube_address_pool_free);
  self->pool = g_steal_pointer (&pool);
  g_free (self->pod_cidr);
  self->pod_cidr = g_strdup (pod_cidr);
  g_free (self->cluster);
  self->cluster = g_strdup (cluster_cidr);
  return TRUE;
}

static gboolean
network_bridge_set_up (KubeNetwork *network, const char *pod_cidr, const char *cluster_cidr, GError **error)
{
  KubeNetworkBridge *self = KUBE_NETWORK_BRIDGE (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (cluster_cidr == NULL)
    cluster_cidr = pod_cidr;
  if (g_strcmp0 (self->pod_cidr, pod_cidr) == 0 && g_strcmp0 (self->cluster, cluster_cidr) == 0)
    return TRUE;
  return set_up_locked (self, pod_cidr, cluster_cidr, error);
}

/* Inside the pod: loopback, its address, and the gateway for everything. */
static gboolean
configure_pod (int netns, guint32 address, guint32 gateway, GError **error)
{
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (netns, error);

  if (netlink == NULL)
    return FALSE;
  g_autoptr (KubeNetlinkLink) link = kube_netlink_get_link (netlink, POD_LINK, error);
  return link != NULL && kube_netlink_set_up (netlink, 1, error) &&
         kube_netlink_add_address (netlink, link->index, address, 32, error) &&
         kube_netlink_set_up (netlink, link->index, error) &&
         kube_netlink_add_route (netlink, link->index, gateway, 32, 0, error) &&
         kube_netlink_add_route (netlink, link->index, 0, 0, gateway, error);
}

/* The alias is written before the pod is configured: from then on the address is taken, whatever becomes of this process. */
static gboolean
connect_pod (KubeNetworkBridge *self, const char *uid, int netns, guint32 address, guint32 gateway, GError **error)
{
  g_autofree char *name = link_name (uid);
  g_autofree char *text = kube_address_print (address);
  g_autofree char *alias = g_strdup_printf (OWNER " %s %s %s", self->bridge, uid, text);
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (-1, error);

  if (netlink == NULL)
    return FALSE;
  g_autoptr (GError) local = NULL;
  gboolean made = kube_netlink_add_veth (netlink, name, self->index, POD_LINK, netns, &local);
  if (!made && g_error_matches (local, KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS)) {
    /* the pod's namespace is a new one, or an attach was cut off: begin again */
    if (!kube_netlink_delete_link (netlink, name, error))
      return FALSE;
    g_clear_error (&local);
    made = kube_netlink_add_veth (netlink, name, self->index, POD_LINK, netns, &local);
  }
  if (!made) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (kube_netlink_set_alias (netlink, name, alias, error) && configure_pod (netns, address, gateway, error))
    return TRUE;
  kube_netlink_delete_link (netlink, name, NULL);
  return FALSE;
}

static gboolean
is_configured (int netns, guint32 address)
{
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (netns, NULL);
  g_autoptr (KubeNetlinkLink) link = netlink != NULL ? kube_netlink_get_link (netlink, POD_LINK, NULL) : NULL;
  g_autoptr (GArray) addresses = link != NULL ? kube_netlink_list_addresses (netlink, link->index, NULL) : NULL;

  return addresses != NULL && addresses->len == 1 && g_array_index (addresses, KubeNetlinkAddress, 0).address == address;
}

static GStrv
attach (KubeNetworkBridge *self, const char *uid, const char *path, GError **error)
{
  guint32 address = 0, known = 0, gateway = 0;

  g_mutex_lock (&self->lock);
  if (self->pool == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "the pod network is not set up");
  else {
    known = kube_address_pool_find (self->pool, uid);
    gateway = kube_address_pool_get_gateway (self->pool);
    address = kube_address_pool_take (self->pool, uid, error);
  }
  g_mutex_unlock (&self->lock);
  if (address == 0)
    return NULL;

  int netns = open (path, O_RDONLY | O_CLOEXEC);
  gboolean good = netns >= 0;
  if (!good)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "cannot open network namespace %s: %s", path, g_strerror (errno));
  else if (known == 0 || !is_configured (netns, address))
    good = connect_pod (self, uid, netns, address, gateway, error);
  if (netns >= 0)
    close (netns);
  if (!good) {
    g_mutex_lock (&self->lock);
    kube_address_pool_give_back (self->pool, uid);
    g_mutex_unlock (&self->lock);
    return NULL;
  }
  GStrv addresses = g_new0 (char *, 2);
  addresses[0] = kube_address_print (address);
  return addresses;
}

static gboolean
detach (KubeNetworkBridge *self, const char *uid, GError **error)
{
  g_autofree char *name = link_name (uid);
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (-1, error);

  if (netlink == NULL || !kube_netlink_delete_link (netlink, name, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  if (self->pool != NULL)
    kube_address_pool_give_back (self->pool, uid);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
work (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  KubeNetworkBridge *self = g_task_get_source_object (task);
  Job *job = g_task_get_task_data (task);
  GError *error = NULL;

  if (job->netns == NULL) {
    if (detach (self, job->uid, &error))
      g_task_return_boolean (task, TRUE);
    else
      g_task_return_error (task, error);
    return;
  }
  GStrv addresses = attach (self, job->uid, job->netns, &error);
  if (addresses != NULL)
    g_task_return_pointer (task, addresses, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

static void
queue_job (KubeNetworkBridge *self, const char *uid, const char *netns, gpointer tag, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Job *job = g_new0 (Job, 1);

  g_task_set_source_tag (task, tag);
  job->uid = g_strdup (uid);
  job->netns = g_strdup (netns);
  g_task_set_task_data (task, job, (GDestroyNotify) job_free);
  g_thread_pool_push (self->workers, task, NULL);
}

static void
network_bridge_attach_async (KubeNetwork *network, const char *uid, const char *netns, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  queue_job (KUBE_NETWORK_BRIDGE (network), uid, netns, network_bridge_attach_async, cancellable, callback, user_data);
}

static GStrv
network_bridge_attach_finish (KubeNetwork *network, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
network_bridge_detach_async (KubeNetwork *network, const char *uid, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  queue_job (KUBE_NETWORK_BRIDGE (network), uid, NULL, network_bridge_detach_async, cancellable, callback, user_data);
}

static gboolean
network_bridge_detach_finish (KubeNetwork *network, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static GStrv
network_bridge_lookup (KubeNetwork *network, const char *uid)
{
  KubeNetworkBridge *self = KUBE_NETWORK_BRIDGE (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint32 address = self->pool != NULL ? kube_address_pool_find (self->pool, uid) : 0;

  if (address == 0)
    return NULL;
  GStrv addresses = g_new0 (char *, 2);
  addresses[0] = kube_address_print (address);
  return addresses;
}

static GStrv
network_bridge_list (KubeNetwork *network)
{
  KubeNetworkBridge *self = KUBE_NETWORK_BRIDGE (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->pool != NULL ? kube_address_pool_list_owners (self->pool) : g_new0 (char *, 1);
}

static gboolean
network_bridge_clean_up (KubeNetwork *network, GError **error)
{
  KubeNetworkBridge *self = KUBE_NETWORK_BRIDGE (network);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autofree char *bridge = bridge_alias (self);
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (-1, error);
  g_autoptr (GPtrArray) links = netlink != NULL ? kube_netlink_list_links (netlink, error) : NULL;
  gboolean found = FALSE;

  if (links == NULL)
    return FALSE;
  for (guint i = 0; i < links->len; i++) {
    KubeNetlinkLink *link = g_ptr_array_index (links, i);
    g_auto (GStrv) alias = parse_alias (self, link);
    if (alias == NULL && g_strcmp0 (link->alias, bridge) != 0)
      continue;
    found = TRUE;
    if (!kube_netlink_delete_link (netlink, link->name, error))
      return FALSE;
  }
  g_clear_pointer (&self->pool, kube_address_pool_free);
  g_clear_pointer (&self->pod_cidr, g_free);
  /* Without a bridge of ours there is no table of ours; asking would load nf_tables into the kernel. */
  return kube_masquerade_remove (self->table, error) || !found;
}

static void
kube_network_bridge_finalize (GObject *object)
{
  KubeNetworkBridge *self = KUBE_NETWORK_BRIDGE (object);

  g_thread_pool_free (self->workers, FALSE, FALSE);
  g_clear_pointer (&self->pool, kube_address_pool_free);
  g_free (self->pod_cidr);
  g_free (self->cluster);
  g_free (self->bridge);
  g_free (self->table);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (kube_network_bridge_parent_class)->finalize (object);
}

static void
network_iface_init (KubeNetworkInterface *iface)
{
  iface->set_up = network_bridge_set_up;
  iface->attach_async = network_bridge_attach_async;
  iface->attach_finish = network_bridge_attach_finish;
  iface->detach_async = network_bridge_detach_async;
  iface->detach_finish = network_bridge_detach_finish;
  iface->lookup = network_bridge_lookup;
  iface->list = network_bridge_list;
  iface->clean_up = network_bridge_clean_up;
}

static void
kube_network_bridge_class_init (KubeNetworkBridgeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_network_bridge_finalize;
}

static void
kube_network_bridge_init (KubeNetworkBridge *self)
{
  g_mutex_init (&self->lock);
  /* The kernel serialises link changes; more threads would only wait. Deleting a veth waits for a grace period, so not one only. */
  self->workers = g_thread_pool_new (work, NULL, 4, FALSE, NULL);
}

/**
 * kube_network_bridge_new:
 * @bridge: (nullable): the bridge's name, at most 11 bytes; %NULL: `kube0`
 *
 * Returns: (transfer full): a pod network of a bridge, not yet set up
 * Since: 1.0
 */
KubeNetwork *
kube_network_bridge_new (const char *bridge)
{
  KubeNetworkBridge *self = g_object_new (KUBE_TYPE_NETWORK_BRIDGE, NULL);

  self->bridge = g_strdup (bridge != NULL ? bridge : "kube0");
  self->table = g_strdup_printf ("libkube-%s", self->bridge);
  return KUBE_NETWORK (self);
}
