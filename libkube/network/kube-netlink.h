/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* A blocking rtnetlink socket: what the pod network asks of the kernel, one message each. For one thread. Addresses are IPv4 in host byte order. */
typedef struct _KubeNetlink KubeNetlink;

typedef struct {
  int index;
  int master; /* 0: none */
  char *name;
  char *alias; /* (nullable) */
  char *kind;  /* (nullable): "bridge", "veth" */
} KubeNetlinkLink;

/* @netns: a descriptor of a network namespace, or -1 for the caller's; the calling thread enters it for a moment. */
KubeNetlink *kube_netlink_open (int netns, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void kube_netlink_close (KubeNetlink *netlink);

void kube_netlink_link_free (KubeNetlinkLink *link);
/* (transfer full) (element-type KubeNetlinkLink) */
GPtrArray *kube_netlink_list_links (KubeNetlink *netlink, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): the link of that name; KUBE_ERROR_NOT_FOUND. */
KubeNetlinkLink *kube_netlink_get_link (KubeNetlink *netlink, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_netlink_add_bridge (KubeNetlink *netlink, const char *name, const char *alias, GError **error);
/* The pair @name, here under the bridge @master and up, and @peer, in the namespace @peer_netns. */
gboolean kube_netlink_add_veth (KubeNetlink *netlink, const char *name, int master, const char *peer, int peer_netns,
                                GError **error);
gboolean kube_netlink_set_alias (KubeNetlink *netlink, const char *name, const char *alias, GError **error);
gboolean kube_netlink_set_up (KubeNetlink *netlink, int index, GError **error);
/* A link that is not there is no error. */
gboolean kube_netlink_delete_link (KubeNetlink *netlink, const char *name, GError **error);

gboolean kube_netlink_add_address (KubeNetlink *netlink, int index, guint32 address, guint prefix, GError **error);
gboolean kube_netlink_delete_address (KubeNetlink *netlink, int index, guint32 address, guint prefix, GError **error);
/* (transfer full) (element-type KubeNetlinkAddress) */
typedef struct {
  guint32 address;
  guint prefix;
} KubeNetlinkAddress;
GArray *kube_netlink_list_addresses (KubeNetlink *netlink, int index, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* @gateway 0: on the link. */
gboolean kube_netlink_add_route (KubeNetlink *netlink, int index, guint32 network, guint prefix, guint32 gateway, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeNetlink, kube_netlink_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeNetlinkLink, kube_netlink_link_free)

G_END_DECLS
