/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-address-pool.h"

#include <arpa/inet.h>
#include <string.h>

struct _KubeAddressPool {
  guint32 network;
  guint prefix;
  guint32 last;       /* given out last; the search goes on behind it */
  GHashTable *owners; /* (owned) (element-type utf8 guint32) */
  GHashTable *taken;  /* (owned) (element-type guint32 utf8): borrows from owners */
};

gboolean
kube_cidr_parse (const char *cidr, guint32 *address, guint *prefix, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (cidr, "/", 2);
  struct in_addr in;
  guint64 bits;

  if (g_strv_length (parts) != 2 || inet_pton (AF_INET, parts[0], &in) != 1 ||
      !g_ascii_string_to_unsigned (parts[1], 10, 8, 30, &bits, NULL)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "invalid CIDR address: %s (an IPv4 network of 8 to 30 bits is needed)",
                 cidr);
    return FALSE;
  }
  *prefix = bits;
  *address = ntohl (in.s_addr) & ~(guint32) ((G_GUINT64_CONSTANT (1) << (32 - bits)) - 1);
  return TRUE;
}

char *
kube_address_print (guint32 address)
{
  return g_strdup_printf ("%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

KubeAddressPool *
kube_address_pool_new (const char *cidr, GError **error)
{
  guint32 network;
  guint prefix;

  if (!kube_cidr_parse (cidr, &network, &prefix, error))
    return NULL;
  KubeAddressPool *pool = g_new0 (KubeAddressPool, 1);
  pool->network = network;
  pool->prefix = prefix;
  pool->last = network + 1;
  pool->owners = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  pool->taken = g_hash_table_new (NULL, NULL);
  return pool;
}

void
kube_address_pool_free (KubeAddressPool *pool)
{
  g_hash_table_unref (pool->taken);
  g_hash_table_unref (pool->owners);
  g_free (pool);
}

static guint32
get_broadcast (KubeAddressPool *pool)
{
  return pool->network | (guint32) ((G_GUINT64_CONSTANT (1) << (32 - pool->prefix)) - 1);
}

guint32
kube_address_pool_get_gateway (KubeAddressPool *pool)
{
  return pool->network + 1;
}

guint
kube_address_pool_get_prefix (KubeAddressPool *pool)
{
  return pool->prefix;
}

gboolean
kube_address_pool_claim (KubeAddressPool *pool, const char *owner, guint32 address)
{
  gpointer key = GUINT_TO_POINTER (address);
  const char *other = g_hash_table_lookup (pool->taken, key);

  if (address <= pool->network + 1 || address >= get_broadcast (pool))
    return FALSE;
  if (other != NULL)
    return g_str_equal (other, owner);
  if (g_hash_table_contains (pool->owners, owner))
    return FALSE;
  char *copy = g_strdup (owner);
  g_hash_table_insert (pool->owners, copy, key);
  g_hash_table_insert (pool->taken, key, copy);
  return TRUE;
}

guint32
kube_address_pool_take (KubeAddressPool *pool, const char *owner, GError **error)
{
  guint32 broadcast = get_broadcast (pool), address = kube_address_pool_find (pool, owner);

  if (address != 0)
    return address;
  if (g_hash_table_size (pool->taken) >= broadcast - pool->network - 2) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "no IP addresses available in the node's pod network");
    return 0;
  }
  for (address = pool->last;;) {
    if (++address >= broadcast)
      address = pool->network + 2;
    if (kube_address_pool_claim (pool, owner, address)) {
      pool->last = address;
      return address;
    }
  }
}

guint32
kube_address_pool_find (KubeAddressPool *pool, const char *owner)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (pool->owners, owner));
}

void
kube_address_pool_give_back (KubeAddressPool *pool, const char *owner)
{
  gpointer key = g_hash_table_lookup (pool->owners, owner);

  if (key == NULL)
    return;
  g_hash_table_remove (pool->taken, key);
  g_hash_table_remove (pool->owners, owner);
}

GStrv
kube_address_pool_list_owners (KubeAddressPool *pool)
{
  GPtrArray *owners = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer owner;

  g_hash_table_iter_init (&iter, pool->owners);
  while (g_hash_table_iter_next (&iter, &owner, NULL))
    g_ptr_array_add (owners, g_strdup (owner));
  g_ptr_array_add (owners, NULL);
  return (GStrv) g_ptr_array_free (owners, FALSE);
}
