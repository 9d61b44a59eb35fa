/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "node-ipam"

#include <gio/gio.h>
#include <kube/kube-log.h>
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"

/* Gives each node a range of pod addresses out of the cluster's (IPv4). */
typedef struct {
  KubeInformer *nodes; /* (unowned) */
  guint32 base;        /* first address of the cluster's range, host order */
  guint prefix, mask;  /* lengths of the cluster's and of a node's range */
  guint next;          /* where to begin to look for a free range */
} NodeIpam;

static gboolean
parse_cidr (const char *text, guint32 *address, guint *prefix)
{
  g_autoptr (GInetAddressMask) mask = text == NULL ? NULL : g_inet_address_mask_new_from_string (text, NULL);
  const guint8 *bytes;

  if (mask == NULL || g_inet_address_mask_get_family (mask) != G_SOCKET_FAMILY_IPV4)
    return FALSE;
  bytes = g_inet_address_to_bytes (g_inet_address_mask_get_address (mask));
  *address = (guint32) bytes[0] << 24 | (guint32) bytes[1] << 16 | (guint32) bytes[2] << 8 | bytes[3];
  *prefix = g_inet_address_mask_get_length (mask);
  return TRUE;
}

/* The numbers of the ranges that a node's range covers. */
static void
index_ranges (KubeObject *node, GPtrArray *values, gpointer user_data)
{
  const NodeIpam *self = user_data;
  guint32 address, first, last, count = 1u << (self->mask - self->prefix);
  guint prefix;

  if (!parse_cidr (kube_object_get_string (node, "spec.podCIDR"), &address, &prefix) || prefix == 0)
    return;
  first = (address - self->base) >> (32 - self->mask);
  last = (address + (guint32) ((G_GUINT64_CONSTANT (1) << (32 - prefix)) - 1) - self->base) >> (32 - self->mask);
  for (guint32 i = first; i <= last && i < count; i++)
    g_ptr_array_add (values, g_strdup_printf ("%u", i));
}

static gboolean
take_range (NodeIpam *self, guint *index)
{
  guint count = 1u << (self->mask - self->prefix);

  for (guint i = 0; i < count; i++) {
    char number[16];
    g_autoptr (GPtrArray) users = NULL;

    *index = (self->next + i) % count;
    g_snprintf (number, sizeof number, "%u", *index);
    users = kube_informer_list_by (self->nodes, "range", number);
    if (users->len == 0) {
      self->next = *index + 1;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  NodeIpam *self = user_data;
  KubeObject *node = kube_informer_get_by_key (self->nodes, key);
  g_autofree char *cidr = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) patch = NULL;
  guint32 address;
  guint index;

  if (node == NULL || kube_object_is_deleting (node) || kube_object_get_string (node, "spec.podCIDR") != NULL)
    return TRUE;
  if (!take_range (self, &index)) {
    kube_plan_event (plan, node, "Normal", "CIDRNotAvailable", "Node %s status is now: CIDRNotAvailable", key);
    return TRUE;
  }
  address = self->base + (index << (32 - self->mask));
  cidr = g_strdup_printf ("%u.%u.%u.%u/%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, self->mask);
  builder = kube_builder_new (NULL);
  kube_node_set_string (kube_builder_get_root (builder), "spec.podCIDR", cidr);
  kube_node_append_string (kube_node_ensure_array (kube_builder_get_root (builder), "spec.podCIDRs"), cidr);
  patch = kube_builder_end (builder);
  kube_plan_patch (plan, node, NULL, KUBE_PATCH_STRATEGIC, patch);
  return TRUE;
}

/* A node that goes gives its range back: to one that found none. */
static void
keys_of_node (KubeController *controller, KubeObject *node, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  NodeIpam *self = user_data;
  g_autoptr (GPtrArray) nodes = NULL;

  if (kube_informer_get (self->nodes, NULL, kube_object_get_name (node)) != NULL) {
    g_ptr_array_add (keys, kube_object_dup_key (node));
    return;
  }
  nodes = kube_informer_list (self->nodes, NULL, NULL);
  for (guint i = 0; i < nodes->len; i++) {
    if (kube_object_get_string (g_ptr_array_index (nodes, i), "spec.podCIDR") == NULL)
      g_ptr_array_add (keys, kube_object_dup_key (g_ptr_array_index (nodes, i)));
  }
}

void
kube_node_ipam_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  NodeIpam *self;
  g_autoptr (KubeController) controller = NULL;
  guint32 base;
  guint prefix, mask = options->node_cidr_mask == 0 ? 24 : options->node_cidr_mask;

  if (options->cluster_cidr == NULL)
    return;
  if (!parse_cidr (options->cluster_cidr, &base, &prefix) || mask < prefix || mask > 30 || mask - prefix > 16) {
    kube_warning ("%s: no ranges of /%u can be given to nodes from it", options->cluster_cidr, mask);
    return;
  }
  self = g_new0 (NodeIpam, 1);
  self->base = base;
  self->prefix = prefix;
  self->mask = mask;
  controller = kube_controller_new (manager, "node-ipam-controller", reconcile, self, g_free);
  kube_controller_set_identity (controller, "node-controller");
  self->nodes = kube_controller_watch (controller, KUBE_KIND ("v1", "Node"), keys_of_node, self);
  kube_informer_add_index (self->nodes, "range", index_ranges, self);
  /* One at a time: each choice must see the one before it. */
  kube_controller_set_concurrency (controller, 1);
}
