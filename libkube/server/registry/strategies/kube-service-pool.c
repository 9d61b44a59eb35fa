/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-service-pool.h"

/* Addresses are numbered from the network's own, 0; a larger IPv6 range is used up to this many. */
#define MAX_ADDRESSES (1u << 20)
#define PORTS 65536

struct _KubeServicePool {
  GMutex mutex;
  char *cidr, *port_range;
  GInetAddressMask *mask;
  guint32 n_addresses;
  guint8 *addresses;      /* (mutex mutex): a bit each */
  guint64 low_port, high_port;
  guint8 ports[PORTS / 8]; /* (mutex mutex) */
};

static gboolean
bit_get (const guint8 *bits, guint32 at)
{
  return (bits[at / 8] >> (at % 8)) & 1;
}

static void
bit_set (guint8 *bits, guint32 at, gboolean value)
{
  bits[at / 8] = (guint8) ((bits[at / 8] & ~(1 << (at % 8))) | (value << (at % 8)));
}

static void
pool_free (gpointer data)
{
  KubeServicePool *pool = data;

  g_clear_object (&pool->mask);
  g_free (pool->cidr);
  g_free (pool->port_range);
  g_free (pool->addresses);
  g_mutex_clear (&pool->mutex);
  g_free (pool);
}

static const guint8 *
base_bytes (KubeServicePool *pool, gsize *size)
{
  GInetAddress *base = g_inet_address_mask_get_address (pool->mask);

  *size = g_inet_address_get_native_size (base);
  return g_inet_address_to_bytes (base);
}

static guint32
low_bits (const guint8 *bytes, gsize size)
{
  return (guint32) bytes[size - 4] << 24 | (guint32) bytes[size - 3] << 16 | (guint32) bytes[size - 2] << 8 | bytes[size - 1];
}

/* The number of @address in the range, or -1. The network's and the broadcast address are none. */
static gint64
address_number (KubeServicePool *pool, const char *address, KubePoolOutcome *outcome)
{
  g_autoptr (GInetAddress) parsed = g_inet_address_new_from_string (address);
  gsize size;
  const guint8 *base = base_bytes (pool, &size);
  guint32 number;

  *outcome = KUBE_POOL_NO_ADDRESS;
  if (parsed == NULL)
    return -1;
  *outcome = KUBE_POOL_OUT_OF_RANGE;
  if (!g_inet_address_mask_matches (pool->mask, parsed))
    return -1;
  number = low_bits (g_inet_address_to_bytes (parsed), size) - low_bits (base, size);
  if (number == 0 || number >= pool->n_addresses)
    return -1;
  *outcome = KUBE_POOL_GOOD;
  return number;
}

static char *
print_address (KubeServicePool *pool, guint32 number)
{
  gsize size;
  const guint8 *base = base_bytes (pool, &size);
  guint8 bytes[16];
  guint32 low = low_bits (base, size) + number;
  g_autoptr (GInetAddress) address = NULL;

  memcpy (bytes, base, size);
  for (int i = 0; i < 4; i++)
    bytes[size - 1 - i] = (guint8) (low >> (8 * i));
  address = g_inet_address_new_from_bytes (bytes, g_inet_address_mask_get_family (pool->mask));
  return g_inet_address_to_string (address);
}

/* What a stored service holds is taken, whether or not it should have been given. */
static void
read_service (KubeServicePool *pool, KubeObject *service)
{
  KubeValue *addresses = kube_object_get (service, "spec.clusterIPs"), *ports = kube_object_get (service, "spec.ports");
  KubePoolOutcome outcome;

  for (guint i = 0; i < kube_value_get_length (addresses); i++) {
    const char *address = kube_value_peek_string (kube_value_get_element (addresses, i), NULL);
    gint64 number = address != NULL ? address_number (pool, address, &outcome) : -1;
    if (number >= 0)
      bit_set (pool->addresses, (guint32) number, TRUE);
  }
  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    gint64 port = kube_value_get_integer (kube_value_get_element (ports, i), "nodePort", 0);
    if (port > 0 && port < PORTS)
      bit_set (pool->ports, (guint32) port, TRUE);
  }
  bit_set (pool->ports, (guint32) (kube_object_get_integer (service, "spec.healthCheckNodePort", 0) & (PORTS - 1)), TRUE);
}

static KubeServicePool *
pool_new (KubeServer *server)
{
  const KubeServerOptions *options = kube_server_get_options (server);
  KubeServicePool *pool = g_new0 (KubeServicePool, 1);
  g_auto (GStrv) range = g_strsplit (options->service_node_ports, "-", 2);
  g_autoptr (GPtrArray) services = kube_storage_list (kube_server_get_store (server), KUBE_KIND ("v1", "Service"), NULL, NULL, NULL);
  guint bits;

  g_mutex_init (&pool->mutex);
  pool->cidr = g_strdup (options->service_cidr);
  pool->port_range = g_strdup (options->service_node_ports);
  pool->mask = g_inet_address_mask_new_from_string (options->service_cidr, NULL);
  if (pool->mask == NULL)
    pool->mask = g_inet_address_mask_new_from_string ("10.96.0.0/16", NULL);
  bits = (guint) g_inet_address_get_native_size (g_inet_address_mask_get_address (pool->mask)) * 8 - g_inet_address_mask_get_length (pool->mask);
  pool->n_addresses = bits >= 20 ? MAX_ADDRESSES : (1u << bits) - (g_inet_address_mask_get_family (pool->mask) == G_SOCKET_FAMILY_IPV4 && bits > 1);
  pool->addresses = g_malloc0 (pool->n_addresses / 8 + 1);
  pool->low_port = g_ascii_strtoull (range[0], NULL, 10);
  pool->high_port = range[0] != NULL && range[1] != NULL ? g_ascii_strtoull (range[1], NULL, 10) : pool->low_port;
  for (guint i = 0; services != NULL && i < services->len; i++)
    read_service (pool, g_ptr_array_index (services, i));
  return pool;
}

KubeServicePool *
kube_service_pool_get (KubeServer *server)
{
  static GMutex mutex;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  KubeServicePool *pool = g_object_get_data (G_OBJECT (server), "kube-service-pool");

  if (pool == NULL) {
    pool = pool_new (server);
    g_object_set_data_full (G_OBJECT (server), "kube-service-pool", pool, pool_free);
  }
  return pool;
}

KubePoolOutcome
kube_service_pool_take_address (KubeServicePool *pool, const char *address, gboolean dry_run)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&pool->mutex);
  KubePoolOutcome outcome;
  gint64 number = address_number (pool, address, &outcome);

  if (number < 0 || dry_run)
    return outcome;
  if (bit_get (pool->addresses, (guint32) number))
    return KUBE_POOL_TAKEN;
  bit_set (pool->addresses, (guint32) number, TRUE);
  return KUBE_POOL_GOOD;
}

/* The lower part of the range is for addresses that are chosen by hand: it is given out last. */
static guint32
static_band (guint32 size)
{
  return MIN (MAX (16, size / 16), 256);
}

static gint64
find_free (const guint8 *bits, guint64 low, guint64 high)
{
  guint64 size = high - low + 1, begin;

  if (high < low)
    return -1;
  begin = (guint64) g_random_int () % size;
  for (guint64 i = 0; i < size; i++) {
    guint32 at = (guint32) (low + (begin + i) % size);
    if (!bit_get (bits, at))
      return at;
  }
  return -1;
}

char *
kube_service_pool_take_any_address (KubeServicePool *pool, gboolean dry_run)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&pool->mutex);
  guint32 band = static_band (pool->n_addresses);
  gint64 number = band < pool->n_addresses ? find_free (pool->addresses, band, pool->n_addresses - 1) : -1;

  if (number < 0)
    number = find_free (pool->addresses, 1, MIN (band, pool->n_addresses) - 1);
  if (number < 0)
    return NULL;
  if (!dry_run)
    bit_set (pool->addresses, (guint32) number, TRUE);
  return print_address (pool, (guint32) number);
}

void
kube_service_pool_release_address (KubeServicePool *pool, const char *address)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&pool->mutex);
  KubePoolOutcome outcome;
  gint64 number = address_number (pool, address, &outcome);

  if (number >= 0)
    bit_set (pool->addresses, (guint32) number, FALSE);
}

KubePoolOutcome
kube_service_pool_take_port (KubeServicePool *pool, gint64 port, gboolean dry_run)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&pool->mutex);

  if (port <= 0 || port >= PORTS)
    return KUBE_POOL_OUT_OF_RANGE;
  if (bit_get (pool->ports, (guint32) port))
    return KUBE_POOL_TAKEN;
  /* upstream looks at the range only where it takes the port */
  if (dry_run)
    return KUBE_POOL_GOOD;
  if ((guint64) port < pool->low_port || (guint64) port > pool->high_port)
    return KUBE_POOL_OUT_OF_RANGE;
  bit_set (pool->ports, (guint32) port, TRUE);
  return KUBE_POOL_GOOD;
}

gint64
kube_service_pool_take_any_port (KubeServicePool *pool, gboolean dry_run)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&pool->mutex);
  guint64 size = pool->high_port - pool->low_port + 1, band = MIN (MAX (16, size / 32), 128);
  gint64 port = size > band ? find_free (pool->ports, pool->low_port + band, MIN (pool->high_port, PORTS - 1)) : -1;

  if (port < 0)
    port = find_free (pool->ports, pool->low_port, MIN (pool->high_port, PORTS - 1));
  if (port > 0 && !dry_run)
    bit_set (pool->ports, (guint32) port, TRUE);
  return MAX (port, 0);
}

void
kube_service_pool_release_port (KubeServicePool *pool, gint64 port)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&pool->mutex);

  if (port > 0 && port < PORTS)
    bit_set (pool->ports, (guint32) port, FALSE);
}

const char *
kube_service_pool_get_cidr (KubeServicePool *pool)
{
  return pool->cidr;
}

const char *
kube_service_pool_get_ports (KubeServicePool *pool)
{
  return pool->port_range;
}

const char *
kube_service_pool_get_family (KubeServicePool *pool)
{
  return g_inet_address_mask_get_family (pool->mask) == G_SOCKET_FAMILY_IPV6 ? "IPv6" : "IPv4";
}
