/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-proxy.h"

void
kube_proxy_target_clear (KubeProxyTarget *target)
{
  g_clear_pointer (&target->address, g_free);
}

char *
kube_proxy_target_print (const KubeProxyTarget *target)
{
  return g_strdup_printf (strchr (target->address, ':') != NULL ? "[%s]:%u" : "%s:%u", target->address, target->port);
}

/* upstream: SplitSchemeNamePort. @name and @port: borrowed of @parts. */
static gboolean
split_name (char **parts, KubeProxyTarget *target, const char **name, const char **port)
{
  guint n = g_strv_length (parts);

  if (n == 0 || n > 3)
    return FALSE;
  *name = parts[n == 3 ? 1 : 0];
  *port = n == 1 ? "" : parts[n - 1];
  target->tls = n == 3 && g_str_equal (parts[0], "https");
  if (n == 3 && !target->tls && *parts[0] != '\0' && !g_str_equal (parts[0], "http"))
    return FALSE;
  return **name != '\0';
}

/* An address of this machine, or of a link, would be another's than the pod's. */
static gboolean
is_global_unicast (const char *address)
{
  g_autoptr (GInetAddress) parsed = address != NULL ? g_inet_address_new_from_string (address) : NULL;

  return parsed != NULL && !g_inet_address_get_is_any (parsed) && !g_inet_address_get_is_loopback (parsed) && !g_inet_address_get_is_multicast (parsed)
         && !g_inet_address_get_is_link_local (parsed) && !g_str_equal (address, "255.255.255.255");
}

static gint64
get_first_port (KubeObject *pod)
{
  KubeValue *containers = kube_object_get (pod, "spec.containers");

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *ports = kube_value_get_member (kube_value_get_element (containers, i), "ports");
    if (kube_value_get_length (ports) > 0)
      return kube_value_get_integer (kube_value_get_element (ports, 0), "containerPort", 0);
  }
  return 0;
}

static gboolean
find_pod (KubeOperation *op, const char *name, const char *port, KubeProxyTarget *target, GError **error)
{
  g_autoptr (KubeObject) pod = kube_storage_get (op->store, op->kind, op->info.namespace_, name, error);
  const char *address = pod != NULL ? kube_object_get_string (pod, "status.podIPs.0.ip") : NULL;
  guint64 number = 0;

  if (pod == NULL)
    return FALSE;
  if (!is_global_unicast (address)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "address not allowed");
    return FALSE;
  }
  if (*port != '\0' && !g_ascii_string_to_unsigned (port, 10, 1, G_MAXUINT16, &number, NULL)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "error trying to reach service: dial tcp: address %s: invalid port", port);
    return FALSE;
  }
  target->port = *port != '\0' ? number : (guint16) get_first_port (pod);
  target->address = g_strdup (address);
  return TRUE;
}

/* Clients give a service's port by number, endpoints have its name. (transfer full) */
static char *
get_port_name (KubeOperation *op, const char *name, const char *port, GError **error)
{
  g_autoptr (KubeObject) service = NULL;
  KubeValue *ports;
  guint64 number;

  if (!g_ascii_string_to_unsigned (port, 10, 0, G_MAXINT64, &number, NULL))
    return g_strdup (port);
  service = kube_storage_get (op->store, op->kind, op->info.namespace_, name, error);
  if (service == NULL)
    return NULL;
  ports = kube_object_get (service, "spec.ports");
  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *candidate = kube_value_get_element (ports, i);
    const char *found = kube_value_get_string (candidate, "name");
    if (kube_value_get_integer (candidate, "port", 0) == (gint64) number)
      return g_strdup (found != NULL ? found : "");
  }
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "no service port %" G_GUINT64_FORMAT " found for service \"%s\"", number, name);
  return NULL;
}

/* Endpoints are what anybody may write: a request goes to nothing but a pod that has the address. */
static gboolean
is_address_of_pod (KubeOperation *op, KubeValue *address)
{
  const char *ip = kube_value_get_string (address, "ip"), *name = kube_value_get_string (address, "targetRef.name"), *namespace_ = kube_value_get_string (address, "targetRef.namespace");
  g_autoptr (KubeObject) pod = NULL;
  KubeValue *all;

  if (name == NULL || ip == NULL || g_strcmp0 (namespace_, op->info.namespace_) != 0 || !is_global_unicast (ip))
    return FALSE;
  pod = kube_storage_get (op->store, kube_scheme_find_kind (op->scheme, "v1", "Pod"), namespace_, name, NULL);
  all = pod != NULL ? kube_object_get (pod, "status.podIPs") : NULL;
  return kube_value_find_element (all, "ip", ip) != NULL;
}

static gboolean
find_in_subset (KubeOperation *op, KubeValue *subset, const char *port_name, KubeProxyTarget *target)
{
  KubeValue *ports = kube_value_get_member (subset, "ports"), *addresses = kube_value_get_member (subset, "addresses");
  guint n = kube_value_get_length (addresses), first = n > 0 ? g_random_int_range (0, n) : 0;

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    const char *name = kube_value_get_string (port, "name");
    if (!g_str_equal (name != NULL ? name : "", port_name))
      continue;
    for (guint k = 0; k < n; k++) {
      KubeValue *address = kube_value_get_element (addresses, (first + k) % n);
      if (!is_address_of_pod (op, address))
        continue;
      target->address = g_strdup (kube_value_get_string (address, "ip"));
      target->port = kube_value_get_integer (port, "port", 0);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
find_endpoint (KubeOperation *op, const char *name, const char *port, KubeProxyTarget *target, GError **error)
{
  g_autofree char *port_name = get_port_name (op, name, port, error);
  g_autoptr (KubeObject) endpoints = NULL;
  KubeValue *subsets;
  guint n, first;

  if (port_name == NULL)
    return FALSE;
  endpoints = kube_storage_get (op->store, kube_scheme_find_kind (op->scheme, "v1", "Endpoints"), op->info.namespace_, name, error);
  if (endpoints == NULL)
    return FALSE;
  subsets = kube_object_get (endpoints, "subsets");
  n = kube_value_get_length (subsets);
  first = n > 0 ? g_random_int_range (0, n) : 0;
  for (guint i = 0; i < n; i++) {
    if (find_in_subset (op, kube_value_get_element (subsets, (first + i) % n), port_name, target))
      return TRUE;
  }
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "no endpoints available for service \"%s\"", n > 0 ? op->info.name : name);
  return FALSE;
}

gboolean
kube_proxy_find_target (KubeOperation *op, KubeProxyTarget *target, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (op->info.name, ":", 4);
  gboolean of_pod = g_str_equal (op->kind->plural, "pods");
  const char *name, *port;

  if (!split_name (parts, target, &name, &port)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid %s request \"%s\"", of_pod ? "pod" : "service", op->info.name);
    return FALSE;
  }
  if (!(of_pod ? find_pod (op, name, port, target, error) : find_endpoint (op, name, port, target, error)))
    return FALSE;
  if (target->port == 0)
    target->port = target->tls ? 443 : 80;
  return TRUE;
}
