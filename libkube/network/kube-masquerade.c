/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-masquerade.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/ip.h>
#include <stddef.h>
#include <sys/socket.h>

#define CHAIN "postrouting"
#define PRIORITY_SRCNAT 100

typedef struct {
  struct mnl_nlmsg_batch *batch;
  guint32 sequence;
  char buffer[16 * 1024];
} Batch;

static void
batch_begin (Batch *batch)
{
  batch->sequence = 1;
  batch->batch = mnl_nlmsg_batch_start (batch->buffer, sizeof batch->buffer);
  nftnl_batch_begin (mnl_nlmsg_batch_current (batch->batch), batch->sequence++);
  mnl_nlmsg_batch_next (batch->batch);
}

static struct nlmsghdr *
batch_add (Batch *batch, guint16 type, guint16 flags)
{
  return nftnl_nlmsg_build_hdr (mnl_nlmsg_batch_current (batch->batch), type, NFPROTO_IPV4, flags, batch->sequence++);
}

static void
batch_add_table (Batch *batch, guint16 type, guint16 flags, const char *table)
{
  struct nftnl_table *t = nftnl_table_alloc ();

  nftnl_table_set_u32 (t, NFTNL_TABLE_FAMILY, NFPROTO_IPV4);
  nftnl_table_set_str (t, NFTNL_TABLE_NAME, table);
  nftnl_table_nlmsg_build_payload (batch_add (batch, type, flags), t);
  nftnl_table_free (t);
  mnl_nlmsg_batch_next (batch->batch);
}

static void
batch_add_chain (Batch *batch, const char *table)
{
  struct nftnl_chain *c = nftnl_chain_alloc ();

  nftnl_chain_set_str (c, NFTNL_CHAIN_TABLE, table);
  nftnl_chain_set_str (c, NFTNL_CHAIN_NAME, CHAIN);
  nftnl_chain_set_str (c, NFTNL_CHAIN_TYPE, "nat");
  nftnl_chain_set_u32 (c, NFTNL_CHAIN_HOOKNUM, NF_INET_POST_ROUTING);
  nftnl_chain_set_s32 (c, NFTNL_CHAIN_PRIO, PRIORITY_SRCNAT);
  nftnl_chain_set_u32 (c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
  nftnl_chain_nlmsg_build_payload (batch_add (batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), c);
  nftnl_chain_free (c);
  mnl_nlmsg_batch_next (batch->batch);
}

static void
add_address_match (struct nftnl_rule *rule, guint32 offset, guint32 network, guint prefix, enum nft_cmp_ops op)
{
  guint32 mask = htonl (prefix == 0 ? 0 : ~(guint32) 0 << (32 - prefix)), value = htonl (network), zero = 0;
  struct nftnl_expr *load = nftnl_expr_alloc ("payload"), *bits = nftnl_expr_alloc ("bitwise"),
                    *compare = nftnl_expr_alloc ("cmp");

  nftnl_expr_set_u32 (load, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
  nftnl_expr_set_u32 (load, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32 (load, NFTNL_EXPR_PAYLOAD_LEN, 4);
  nftnl_expr_set_u32 (load, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
  nftnl_rule_add_expr (rule, load);
  nftnl_expr_set_u32 (bits, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
  nftnl_expr_set_u32 (bits, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
  nftnl_expr_set_u32 (bits, NFTNL_EXPR_BITWISE_LEN, 4);
  nftnl_expr_set (bits, NFTNL_EXPR_BITWISE_MASK, &mask, 4);
  nftnl_expr_set (bits, NFTNL_EXPR_BITWISE_XOR, &zero, 4);
  nftnl_rule_add_expr (rule, bits);
  nftnl_expr_set_u32 (compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32 (compare, NFTNL_EXPR_CMP_OP, op);
  nftnl_expr_set (compare, NFTNL_EXPR_CMP_DATA, &value, 4);
  nftnl_rule_add_expr (rule, compare);
}

static void
batch_add_rule (Batch *batch, const char *table, guint32 source, guint source_prefix, guint32 cluster, guint cluster_prefix)
{
  struct nftnl_rule *rule = nftnl_rule_alloc ();

  nftnl_rule_set_u32 (rule, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
  nftnl_rule_set_str (rule, NFTNL_RULE_TABLE, table);
  nftnl_rule_set_str (rule, NFTNL_RULE_CHAIN, CHAIN);
  add_address_match (rule, offsetof (struct iphdr, saddr), source, source_prefix, NFT_CMP_EQ);
  add_address_match (rule, offsetof (struct iphdr, daddr), cluster, cluster_prefix, NFT_CMP_NEQ);
  /* multicast stays as it is */
  add_address_match (rule, offsetof (struct iphdr, daddr), 0xe0000000, 4, NFT_CMP_NEQ);
  nftnl_rule_add_expr (rule, nftnl_expr_alloc ("masq"));
  nftnl_rule_nlmsg_build_payload (batch_add (batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), rule);
  nftnl_rule_free (rule);
  mnl_nlmsg_batch_next (batch->batch);
}

static int
receive_acks (struct mnl_socket *socket)
{
  char buffer[8 * 1024];
  int failed = 0;

  /* The kernel has answered all of a batch when the send returns; the answers wait in the socket. */
  for (;;) {
    ssize_t n = recv (mnl_socket_get_fd (socket), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK ? failed : errno;
    for (struct nlmsghdr *message = (struct nlmsghdr *) buffer; mnl_nlmsg_ok (message, n);) {
      if (message->nlmsg_type == NLMSG_ERROR) {
        int code = -((struct nlmsgerr *) mnl_nlmsg_get_payload (message))->error;
        failed = failed != 0 ? failed : code;
      }
      int rest = n;
      message = mnl_nlmsg_next (message, &rest);
      n = rest;
    }
  }
}

static int
batch_commit (Batch *batch)
{
  struct mnl_socket *socket;
  int code = 0;

  nftnl_batch_end (mnl_nlmsg_batch_current (batch->batch), batch->sequence++);
  mnl_nlmsg_batch_next (batch->batch);
  socket = mnl_socket_open2 (NETLINK_NETFILTER, SOCK_CLOEXEC);
  if (socket == NULL)
    code = errno;
  else if (mnl_socket_bind (socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
           mnl_socket_sendto (socket, mnl_nlmsg_batch_head (batch->batch), mnl_nlmsg_batch_size (batch->batch)) < 0)
    code = errno;
  else
    code = receive_acks (socket);
  if (socket != NULL)
    mnl_socket_close (socket);
  mnl_nlmsg_batch_stop (batch->batch);
  return code;
}

static gboolean
check (int code, const char *what, GError **error)
{
  if (code == 0)
    return TRUE;
  g_set_error (error, KUBE_ERROR, code == EPERM ? KUBE_ERROR_FORBIDDEN : KUBE_ERROR_INTERNAL, "%s: %s", what, g_strerror (code));
  return FALSE;
}

gboolean
kube_masquerade_install (const char *table, guint32 source, guint source_prefix, guint32 cluster, guint cluster_prefix,
                         GError **error)
{
  g_autofree Batch *batch = g_new0 (Batch, 1);

  batch_begin (batch);
  /* Made, deleted and made again in one transaction: it replaces whatever was there, and deleting never fails. */
  batch_add_table (batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
  batch_add_table (batch, NFT_MSG_DELTABLE, 0, table);
  batch_add_table (batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
  batch_add_chain (batch, table);
  batch_add_rule (batch, table, source, source_prefix, cluster, cluster_prefix);
  return check (batch_commit (batch), "cannot make the nftables table of the pod network", error);
}

gboolean
kube_masquerade_remove (const char *table, GError **error)
{
  g_autofree Batch *batch = g_new0 (Batch, 1);

  batch_begin (batch);
  batch_add_table (batch, NFT_MSG_DELTABLE, 0, table);
  int code = batch_commit (batch);
  return check (code == ENOENT ? 0 : code, "cannot delete the nftables table of the pod network", error);
}
