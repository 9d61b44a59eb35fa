/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-bootstrap.h"
#include "kube-decode.h"
#include "kube-splice.h"
#include "kube-storage.h"
#include <kube/kube-names.h>
#include <kube/kube-time.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

/* All writes go out at once and end in one or two commits of the store. */
typedef struct {
  KubeServer *server;
  GMainContext *context;
  guint pending;
  GError *error; /* (nullable): the first */
} Bootstrap;

static const char *const namespaces[] = { "default", "kube-node-lease", "kube-public", "kube-system" };

static const char *const fixed[] = {
  "{\"apiVersion\":\"scheduling.k8s.io/v1\",\"kind\":\"PriorityClass\",\"metadata\":{\"name\":\"system-cluster-critical\"},\"value\":2000000000,"
  "\"description\":\"Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.\"}",
  "{\"apiVersion\":\"scheduling.k8s.io/v1\",\"kind\":\"PriorityClass\",\"metadata\":{\"name\":\"system-node-critical\"},\"value\":2000001000,"
  "\"description\":\"Used for system critical pods that must not be moved from their current node.\"}",
};

static void
on_written (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  Bootstrap *self = user_data;

  self->pending--;
  /* another server over the same store was faster: fine */
  if (result->error != NULL && result->error->code != KUBE_ERROR_CONFLICT && self->error == NULL)
    self->error = g_error_copy (result->error);
}

static void
write_value (Bootstrap *self, const char *key, KubeValue *value, guint64 expected)
{
  g_autoptr (GBytes) printed = kube_value_to_bytes (value);
  KubeStoreWrite write = { .key = key, .expected = expected };
  g_autoptr (GBytes) bytes = kube_splice_clear_version (printed, &write.revision_at);

  write.value = bytes;
  self->pending++;
  kube_store_write (kube_server_get_store (self->server), &write, on_written, self);
}

static KubeValue *
complete (Bootstrap *self, KubeKind *kind, KubeValue *value, GError **error)
{
  g_autoptr (KubeValue) decoded = kube_decode_object (kind, value, NULL, NULL, error);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autofree char *uid = kube_uid_new ();
  char now[KUBE_TIME_STRING_SIZE];
  KubeNode *root, *meta;

  if (decoded == NULL)
    return NULL;
  builder = kube_builder_new (decoded);
  root = kube_builder_get_root (builder);
  kube_default (kind, root);
  meta = kube_node_ensure_object (root, "metadata");
  kube_node_put_string (meta, "uid", uid);
  kube_node_put_string (meta, "creationTimestamp", kube_time_format (kube_clock_get_time (kube_server_get_clock (self->server)), now));
  kube_node_put_string (meta, "resourceVersion", "");
  return kube_builder_end (builder);
}

static KubeKind *
kind_of (Bootstrap *self, KubeValue *value)
{
  return kube_scheme_find_kind (kube_server_get_scheme (self->server), kube_value_get_string (value, "apiVersion"), kube_value_get_string (value, "kind"));
}

/* Writes an object that is not there. */
static gboolean
ensure (Bootstrap *self, KubeValue *value, GError **error)
{
  KubeKind *kind = kind_of (self, value);
  g_autofree char *key = NULL;
  g_autoptr (GBytes) there = NULL;
  g_autoptr (KubeValue) whole = NULL;

  if (kind == NULL)
    return TRUE;
  key = kube_storage_key (kind, kube_value_get_string (value, "metadata.namespace"), kube_value_get_string (value, "metadata.name"));
  there = kube_store_get (kube_server_get_store (self->server), key, NULL, NULL);
  if (there != NULL)
    return TRUE;
  whole = complete (self, kind, value, error);
  if (whole == NULL)
    return FALSE;
  write_value (self, key, whole, 0);
  return TRUE;
}

static gboolean
ensure_text (Bootstrap *self, const char *json, GError **error)
{
  g_autoptr (KubeValue) value = kube_value_parse (json, -1, error);
  return value != NULL && ensure (self, value, error);
}

static gboolean
ensure_namespaces (Bootstrap *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (namespaces); i++) {
    g_autofree char *json = g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\",\"labels\":{\"kubernetes.io/metadata.name\":\"%s\"}},"
                                             "\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}",
        namespaces[i], namespaces[i]);
    if (!ensure_text (self, json, error))
      return FALSE;
  }
  return TRUE;
}

/* Roles and bindings: made where they are missing, and given what upstream's have gained since. */
static gboolean
ensure_policy (Bootstrap *self, GError **error)
{
  g_autoptr (GPtrArray) policy = kube_auth_get_bootstrap_policy ();

  for (guint i = 0; i < policy->len; i++) {
    KubeObject *expected = g_ptr_array_index (policy, i);
    KubeKind *kind = kind_of (self, kube_object_get_value (expected));
    g_autofree char *key = kube_storage_key (kind, kube_object_get_namespace (expected), kube_object_get_name (expected));
    guint64 revision = 0;
    g_autoptr (GBytes) there = kube_store_get (kube_server_get_store (self->server), key, &revision, NULL);
    g_autoptr (KubeObject) stored = there != NULL ? kube_object_new_from_bytes (there) : NULL, changed = NULL;
    if (stored == NULL) {
      if (!ensure (self, kube_object_get_value (expected), error))
        return FALSE;
      continue;
    }
    changed = kube_auth_reconcile_policy (stored, expected);
    if (changed != NULL)
      write_value (self, key, kube_object_get_value (changed), revision);
  }
  return TRUE;
}

/* The first address of the range of services is the server's own. */
static char *
first_address (const char *cidr)
{
  g_auto (GStrv) parts = g_strsplit (cidr, "/", 2);
  g_autoptr (GInetAddress) base = g_inet_address_new_from_string (parts[0]);
  guint8 bytes[16];
  gsize size;
  g_autoptr (GInetAddress) first = NULL;

  if (base == NULL)
    return g_strdup ("10.96.0.1");
  size = g_inet_address_get_native_size (base);
  memcpy (bytes, g_inet_address_to_bytes (base), size);
  bytes[size - 1] |= 1;
  first = g_inet_address_new_from_bytes (bytes, g_inet_address_get_family (base));
  return g_inet_address_to_string (first);
}

static gboolean
ensure_service (Bootstrap *self, GError **error)
{
  const char *cidr = kube_server_get_options (self->server)->service_cidr;
  g_autofree char *address = first_address (cidr);
  g_autofree char *service = g_strdup_printf (
      "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\",\"labels\":{\"component\":\"apiserver\",\"provider\":\"kubernetes\"}},"
      "\"spec\":{\"clusterIP\":\"%s\",\"clusterIPs\":[\"%s\"],\"ipFamilies\":[\"%s\"],\"ipFamilyPolicy\":\"SingleStack\",\"type\":\"ClusterIP\","
      "\"ports\":[{\"name\":\"https\",\"port\":443,\"protocol\":\"TCP\",\"targetPort\":6443}]}}",
      address, address, strchr (address, ':') != NULL ? "IPv6" : "IPv4");
  g_autofree char *range = g_strdup_printf ("{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"ServiceCIDR\",\"metadata\":{\"name\":\"kubernetes\"},\"spec\":{\"cidrs\":[\"%s\"]}}", cidr);

  return ensure_text (self, service, error) && ensure_text (self, range, error);
}

static gboolean
ensure_fixed (Bootstrap *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++) {
    if (!ensure_text (self, fixed[i], error))
      return FALSE;
  }
  return TRUE;
}

/* What extension servers need to know whom to believe. */
static gboolean
ensure_authentication (Bootstrap *self, GError **error)
{
  const char *ca = kube_server_get_options (self->server)->client_ca_pem;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) value = NULL;
  KubeNode *root;

  if (ca == NULL)
    return TRUE;
  builder = kube_builder_new (NULL);
  root = kube_builder_get_root (builder);
  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_string (root, "kind", "ConfigMap");
  kube_node_set_string (root, "metadata.name", "extension-apiserver-authentication");
  kube_node_set_string (root, "metadata.namespace", "kube-system");
  kube_node_set_string (root, "data.client-ca-file", ca);
  value = kube_builder_end (builder);
  return ensure (self, value, error);
}

static void
begin (Bootstrap *self, KubeServer *server)
{
  *self = (Bootstrap){ .server = server, .context = g_main_context_new () };
  g_main_context_push_thread_default (self->context);
}

/* Waits for all writes. @good: whether what led to them was. */
static gboolean
end (Bootstrap *self, gboolean good, GError **error)
{
  while (self->pending > 0)
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  if (self->error == NULL)
    return good;
  if (good)
    g_propagate_error (error, self->error);
  else
    g_error_free (self->error);
  return FALSE;
}

gboolean
kube_bootstrap (KubeServer *server, GError **error)
{
  Bootstrap self;
  gboolean good;

  begin (&self, server);
  good = ensure_namespaces (&self, error) && ensure_policy (&self, error) && ensure_fixed (&self, error) && ensure_service (&self, error) && ensure_authentication (&self, error);
  return end (&self, good, error);
}

/* --- where the server is reached --- */

/* Writes an object that is not there, or what of it differs from what @json says beside its metadata. */
static gboolean
publish_text (Bootstrap *self, const char *json, GError **error)
{
  g_autoptr (KubeValue) parsed = kube_value_parse (json, -1, error), wanted = NULL, changed = NULL;
  g_autoptr (KubeObject) stored = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (GBytes) there = NULL;
  g_autofree char *key = NULL;
  KubeKind *kind = parsed != NULL ? kind_of (self, parsed) : NULL;
  guint64 revision = 0;

  if (kind == NULL)
    return parsed != NULL;
  wanted = complete (self, kind, parsed, error);
  if (wanted == NULL)
    return FALSE;
  key = kube_storage_key (kind, kube_value_get_string (wanted, "metadata.namespace"), kube_value_get_string (wanted, "metadata.name"));
  there = kube_store_get (kube_server_get_store (self->server), key, &revision, NULL);
  if (there == NULL) {
    write_value (self, key, wanted, 0);
    return TRUE;
  }
  stored = kube_object_new_from_bytes (there);
  builder = kube_builder_new (kube_object_get_value (stored));
  for (guint i = 0; i < kube_value_get_length (wanted); i++) {
    if (!g_str_equal (kube_value_get_key (wanted, i), "metadata"))
      kube_node_put_value (kube_builder_get_root (builder), kube_value_get_key (wanted, i), kube_value_get_element (wanted, i));
  }
  changed = kube_builder_end (builder);
  if (!kube_value_equal (changed, kube_object_get_value (stored)))
    write_value (self, key, changed, revision);
  return TRUE;
}

/* The address of this host by which others reach it: that of the way out, else any that is not loopback. No packet is sent. */
static char *
own_address (void)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr (GSocketAddress) outside = g_inet_socket_address_new_from_string ("192.0.2.1", 9), local = NULL;
  struct ifaddrs *all = NULL;
  char *found = NULL;

  if (socket != NULL && g_socket_connect (socket, outside, NULL, NULL))
    local = g_socket_get_local_address (socket, NULL);
  if (local != NULL)
    return g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local)));
  if (getifaddrs (&all) != 0)
    return NULL;
  for (struct ifaddrs *one = all; one != NULL && found == NULL; one = one->ifa_next) {
    char text[INET_ADDRSTRLEN];
    if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET && (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0)
      found = g_strdup (inet_ntop (AF_INET, &((struct sockaddr_in *) one->ifa_addr)->sin_addr, text, sizeof text));
  }
  freeifaddrs (all);
  return found;
}

static gboolean
is_usable (const char *address)
{
  g_autoptr (GInetAddress) parsed = address != NULL ? g_inet_address_new_from_string (address) : NULL;
  return parsed != NULL && !g_inet_address_get_is_any (parsed) && !g_inet_address_get_is_loopback (parsed);
}

gboolean
kube_bootstrap_publish (KubeServer *server, const char *address, guint16 port, GError **error)
{
  g_autofree char *own = is_usable (address) ? g_strdup (address) : own_address ();
  g_autofree char *endpoints = NULL, *slice = NULL;
  Bootstrap self;
  gboolean good;

  /* a host without any address but loopback is reached by nobody else */
  if (own == NULL)
    return TRUE;
  endpoints = g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\","
                               "\"labels\":{\"endpointslice.kubernetes.io/skip-mirror\":\"true\"}},"
                               "\"subsets\":[{\"addresses\":[{\"ip\":\"%s\"}],\"ports\":[{\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}]}",
      own, port);
  slice = g_strdup_printf ("{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\",\"generation\":1,"
                           "\"labels\":{\"kubernetes.io/service-name\":\"kubernetes\"}},\"addressType\":\"%s\",\"endpoints\":[{\"addresses\":[\"%s\"],\"conditions\":{\"ready\":true}}],"
                           "\"ports\":[{\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}",
      strchr (own, ':') != NULL ? "IPv6" : "IPv4", own, port);
  begin (&self, server);
  good = publish_text (&self, endpoints, error) && publish_text (&self, slice, error);
  return end (&self, good, error);
}
