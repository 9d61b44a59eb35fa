/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

struct _KubeNetlink {
  struct mnl_socket *socket; /* (owned) */
  guint32 sequence;
  char buffer[32 * 1024];
};

static gboolean
fail (GError **error, int code, const char *what)
{
  KubeError kind = code == EPERM || code == EACCES    ? KUBE_ERROR_FORBIDDEN
                   : code == ENODEV || code == ENOENT ? KUBE_ERROR_NOT_FOUND
                   : code == EEXIST                   ? KUBE_ERROR_ALREADY_EXISTS
                                                      : KUBE_ERROR_INTERNAL;

  g_set_error (error, KUBE_ERROR, kind, "%s: %s", what, g_strerror (code));
  return FALSE;
}

KubeNetlink *
kube_netlink_open (int netns, GError **error)
{
  int home = -1;

  if (netns >= 0) {
    home = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || setns (netns, CLONE_NEWNET) < 0) {
      fail (error, errno, "cannot enter the pod's network namespace");
      if (home >= 0)
        close (home);
      return NULL;
    }
  }
  struct mnl_socket *socket = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC);
  int code = errno;
  if (home >= 0) {
    /* A thread that cannot go home would run the next task in a pod's network. */
    if (setns (home, CLONE_NEWNET) < 0)
      g_error ("cannot go back to the host's network namespace: %s", g_strerror (errno));
    close (home);
  }
  if (socket == NULL || mnl_socket_bind (socket, 0, MNL_SOCKET_AUTOPID) < 0) {
    fail (error, socket == NULL ? code : errno, "cannot open a netlink socket");
    if (socket != NULL)
      mnl_socket_close (socket);
    return NULL;
  }
  KubeNetlink *netlink = g_new0 (KubeNetlink, 1);
  netlink->socket = socket;
  return netlink;
}

void
kube_netlink_close (KubeNetlink *netlink)
{
  mnl_socket_close (netlink->socket);
  g_free (netlink);
}

static struct nlmsghdr *
begin (KubeNetlink *netlink, guint16 type, guint16 flags)
{
  struct nlmsghdr *message = mnl_nlmsg_put_header (netlink->buffer);

  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  message->nlmsg_seq = ++netlink->sequence;
  return message;
}

/* Sends a message and hands the answers to @callback until the kernel says that it is done. */
static int
exchange (KubeNetlink *netlink, struct nlmsghdr *message, mnl_cb_t callback, gpointer data)
{
  guint port = mnl_socket_get_portid (netlink->socket);
  int result;

  if (mnl_socket_sendto (netlink->socket, message, message->nlmsg_len) < 0)
    return errno;
  do {
    ssize_t n = mnl_socket_recvfrom (netlink->socket, netlink->buffer, sizeof netlink->buffer);
    if (n < 0)
      return errno;
    result = mnl_cb_run (netlink->buffer, n, netlink->sequence, port, callback, data);
  } while (result > MNL_CB_STOP);
  return result < 0 ? errno : 0;
}

static gboolean
execute (KubeNetlink *netlink, struct nlmsghdr *message, const char *what, GError **error)
{
  message->nlmsg_flags |= NLM_F_ACK;
  int code = exchange (netlink, message, NULL, NULL);
  return code == 0 || fail (error, code, what);
}

static struct ifinfomsg *
begin_link (KubeNetlink *netlink, struct nlmsghdr **message, guint16 type, guint16 flags, int index)
{
  *message = begin (netlink, type, flags);
  struct ifinfomsg *info = mnl_nlmsg_put_extra_header (*message, sizeof *info);
  info->ifi_family = AF_UNSPEC;
  info->ifi_index = index;
  return info;
}

void
kube_netlink_link_free (KubeNetlinkLink *link)
{
  g_free (link->name);
  g_free (link->alias);
  g_free (link->kind);
  g_free (link);
}

static int
on_link (const struct nlmsghdr *message, void *data)
{
  const struct ifinfomsg *info = mnl_nlmsg_get_payload (message);
  const struct nlattr *attribute, *nested;
  GPtrArray *links = data;
  KubeNetlinkLink *link;

  if (message->nlmsg_type != RTM_NEWLINK)
    return MNL_CB_OK;
  link = g_new0 (KubeNetlinkLink, 1);
  link->index = info->ifi_index;
  mnl_attr_for_each (attribute, message, sizeof *info)
  {
    guint16 type = mnl_attr_get_type (attribute);
    if (type == IFLA_IFNAME && link->name == NULL)
      link->name = g_strdup (mnl_attr_get_str (attribute));
    else if (type == IFLA_IFALIAS && link->alias == NULL)
      link->alias = g_strdup (mnl_attr_get_str (attribute));
    else if (type == IFLA_MASTER)
      link->master = mnl_attr_get_u32 (attribute);
    else if (type == IFLA_LINKINFO) {
      mnl_attr_for_each_nested (nested, attribute)
      {
        if (mnl_attr_get_type (nested) == IFLA_INFO_KIND && link->kind == NULL)
          link->kind = g_strdup (mnl_attr_get_str (nested));
      }
    }
  }
  g_ptr_array_add (links, link);
  return MNL_CB_OK;
}

GPtrArray *
kube_netlink_list_links (KubeNetlink *netlink, GError **error)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_netlink_link_free);
  struct nlmsghdr *message;
  int code;

  begin_link (netlink, &message, RTM_GETLINK, NLM_F_DUMP, 0);
  code = exchange (netlink, message, on_link, links);
  if (code != 0) {
    fail (error, code, "cannot list the network links");
    return NULL;
  }
  return g_steal_pointer (&links);
}

KubeNetlinkLink *
kube_netlink_get_link (KubeNetlink *netlink, const char *name, GError **error)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_netlink_link_free);
  struct nlmsghdr *message;
  int code;

  begin_link (netlink, &message, RTM_GETLINK, NLM_F_ACK, 0);
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  code = exchange (netlink, message, on_link, links);
  if (code != 0 || links->len == 0) {
    g_autofree char *what = g_strdup_printf ("link %s", name);
    fail (error, code != 0 ? code : ENODEV, what);
    return NULL;
  }
  return g_ptr_array_steal_index (links, 0);
}

gboolean
kube_netlink_set_alias (KubeNetlink *netlink, const char *name, const char *alias, GError **error)
{
  struct nlmsghdr *message;

  begin_link (netlink, &message, RTM_NEWLINK, 0, 0);
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  mnl_attr_put_str (message, IFLA_IFALIAS, alias);
  return execute (netlink, message, "cannot name the owner of a link", error);
}

/* Of a bridge without an address of its own the kernel makes the lowest of its links' the address: it would change as pods come and go, and what the others send would be lost
 * until they ask again who the gateway is. */
static void
put_address (struct nlmsghdr *message)
{
  guint8 address[6];

  for (gsize i = 0; i < sizeof address; i++)
    address[i] = g_random_int ();
  address[0] = (address[0] & ~1) | 2; /* of one machine, and locally administered */
  mnl_attr_put (message, IFLA_ADDRESS, sizeof address, address);
}

gboolean
kube_netlink_add_bridge (KubeNetlink *netlink, const char *name, const char *alias, GError **error)
{
  struct nlmsghdr *message;
  struct nlattr *nest;

  struct ifinfomsg *info = begin_link (netlink, &message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
  info->ifi_flags = info->ifi_change = IFF_UP;
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  put_address (message);
  nest = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "bridge");
  mnl_attr_nest_end (message, nest);
  if (!execute (netlink, message, "cannot make the bridge", error))
    return FALSE;
  return kube_netlink_set_alias (netlink, name, alias, error);
}

gboolean
kube_netlink_add_veth (KubeNetlink *netlink, const char *name, int master, const char *peer, int peer_netns, GError **error)
{
  struct nlmsghdr *message;
  struct nlattr *info_nest, *data_nest, *peer_nest;

  struct ifinfomsg *info = begin_link (netlink, &message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
  info->ifi_flags = info->ifi_change = IFF_UP;
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  mnl_attr_put_u32 (message, IFLA_MASTER, master);
  info_nest = mnl_attr_nest_start (message, IFLA_LINKINFO);
  mnl_attr_put_strz (message, IFLA_INFO_KIND, "veth");
  data_nest = mnl_attr_nest_start (message, IFLA_INFO_DATA);
  peer_nest = mnl_attr_nest_start (message, VETH_INFO_PEER);
  mnl_nlmsg_put_extra_header (message, sizeof (struct ifinfomsg));
  mnl_attr_put_strz (message, IFLA_IFNAME, peer);
  mnl_attr_put_u32 (message, IFLA_NET_NS_FD, peer_netns);
  mnl_attr_nest_end (message, peer_nest);
  mnl_attr_nest_end (message, data_nest);
  mnl_attr_nest_end (message, info_nest);
  return execute (netlink, message, "cannot make the pod's interface", error);
}

gboolean
kube_netlink_set_up (KubeNetlink *netlink, int index, GError **error)
{
  struct nlmsghdr *message;

  struct ifinfomsg *info = begin_link (netlink, &message, RTM_NEWLINK, 0, index);
  info->ifi_flags = info->ifi_change = IFF_UP;
  return execute (netlink, message, "cannot bring a link up", error);
}

gboolean
kube_netlink_delete_link (KubeNetlink *netlink, const char *name, GError **error)
{
  g_autoptr (GError) local = NULL;
  struct nlmsghdr *message;

  begin_link (netlink, &message, RTM_DELLINK, 0, 0);
  mnl_attr_put_strz (message, IFLA_IFNAME, name);
  if (execute (netlink, message, "cannot delete a link", &local) || g_error_matches (local, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static struct nlmsghdr *
begin_address (KubeNetlink *netlink, guint16 type, guint16 flags, int index, guint prefix)
{
  struct nlmsghdr *message = begin (netlink, type, flags);
  struct ifaddrmsg *info = mnl_nlmsg_put_extra_header (message, sizeof *info);

  info->ifa_family = AF_INET;
  info->ifa_prefixlen = prefix;
  info->ifa_index = index;
  return message;
}

gboolean
kube_netlink_add_address (KubeNetlink *netlink, int index, guint32 address, guint prefix, GError **error)
{
  struct nlmsghdr *message = begin_address (netlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, prefix);

  mnl_attr_put_u32 (message, IFA_LOCAL, htonl (address));
  mnl_attr_put_u32 (message, IFA_ADDRESS, htonl (address));
  return execute (netlink, message, "cannot add an address", error);
}

gboolean
kube_netlink_delete_address (KubeNetlink *netlink, int index, guint32 address, guint prefix, GError **error)
{
  struct nlmsghdr *message = begin_address (netlink, RTM_DELADDR, 0, index, prefix);

  mnl_attr_put_u32 (message, IFA_LOCAL, htonl (address));
  return execute (netlink, message, "cannot remove an address", error);
}

typedef struct {
  int index;
  GArray *addresses;
} AddressList;

static int
on_address (const struct nlmsghdr *message, void *data)
{
  const struct ifaddrmsg *info = mnl_nlmsg_get_payload (message);
  const struct nlattr *attribute;
  AddressList *list = data;

  if (message->nlmsg_type != RTM_NEWADDR || (int) info->ifa_index != list->index || info->ifa_family != AF_INET)
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, message, sizeof *info)
  {
    if (mnl_attr_get_type (attribute) == IFA_LOCAL) {
      KubeNetlinkAddress address = { ntohl (mnl_attr_get_u32 (attribute)), info->ifa_prefixlen };
      g_array_append_val (list->addresses, address);
    }
  }
  return MNL_CB_OK;
}

GArray *
kube_netlink_list_addresses (KubeNetlink *netlink, int index, GError **error)
{
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (KubeNetlinkAddress));
  AddressList list = { index, addresses };
  struct nlmsghdr *message = begin_address (netlink, RTM_GETADDR, NLM_F_DUMP, 0, 0);
  int code = exchange (netlink, message, on_address, &list);

  if (code != 0) {
    fail (error, code, "cannot list addresses");
    return NULL;
  }
  return g_steal_pointer (&addresses);
}

gboolean
kube_netlink_add_route (KubeNetlink *netlink, int index, guint32 network, guint prefix, guint32 gateway, GError **error)
{
  struct nlmsghdr *message = begin (netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  struct rtmsg *info = mnl_nlmsg_put_extra_header (message, sizeof *info);

  info->rtm_family = AF_INET;
  info->rtm_dst_len = prefix;
  info->rtm_protocol = RTPROT_STATIC;
  info->rtm_scope = gateway != 0 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  info->rtm_type = RTN_UNICAST;
  info->rtm_table = RT_TABLE_MAIN;
  if (prefix > 0)
    mnl_attr_put_u32 (message, RTA_DST, htonl (network));
  mnl_attr_put_u32 (message, RTA_OIF, index);
  if (gateway != 0)
    mnl_attr_put_u32 (message, RTA_GATEWAY, htonl (gateway));
  return execute (netlink, message, "cannot add a route", error);
}
