/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-warnings.h"
#include <arpa/inet.h>

/* As Go prints an IPv6 address. The C library writes those that begin with zeros alone as if they were IPv4's. */
static char *
print_address (const struct in6_addr *address)
{
  char text[INET6_ADDRSTRLEN];

  if (IN6_IS_ADDR_V4COMPAT (address)) {
    guint high = address->s6_addr[12] << 8 | address->s6_addr[13], low = address->s6_addr[14] << 8 | address->s6_addr[15];
    return high != 0 ? g_strdup_printf ("::%x:%x", high, low) : g_strdup_printf ("::%x", low);
  }
  return g_strdup (inet_ntop (AF_INET6, address, text, sizeof text));
}

/* Validation lets only the well-formed through; of these IPv6 alone can be written in several ways. */
void
kube_address_warn (KubeOperation *op, const char *path, const char *text)
{
  struct in6_addr address;
  g_autofree char *canonical = NULL;

  if (text == NULL || inet_pton (AF_INET6, text, &address) != 1)
    return;
  canonical = print_address (&address);
  if (!g_str_equal (canonical, text))
    kube_warn (op, "%s: IPv6 address \"%s\" should be in RFC 5952 canonical format (\"%s\")", path, text, canonical);
}

void
kube_range_warn (KubeOperation *op, const char *path, const char *text)
{
  const char *slash = text != NULL ? strchr (text, '/') : NULL;
  g_autofree char *first = slash != NULL ? g_strndup (text, (gsize)(slash - text)) : NULL;
  g_autofree char *address = NULL, *canonical = NULL;
  struct in6_addr bytes;

  if (first == NULL || inet_pton (AF_INET6, first, &bytes) != 1)
    return;
  address = print_address (&bytes);
  canonical = g_strconcat (address, slash, NULL);
  if (!g_str_equal (canonical, text))
    kube_warn (op, "%s: IPv6 CIDR value \"%s\" should be in RFC 5952 canonical format (\"%s\")", path, text, canonical);
}

void
kube_endpoints_warn (KubeOperation *op, KubeValue *endpoints, KubeValue *old)
{
  static const char *const lists[] = { "addresses", "notReadyAddresses" };
  KubeValue *subsets = kube_value_get_member (endpoints, "subsets"), *labels = kube_value_get (endpoints, "metadata.labels");

  /* Upstream's controller writes none but good ones. */
  if (g_strcmp0 (kube_value_get_member_string (labels, "endpoints.kubernetes.io/managed-by"), "endpoint-controller") == 0)
    return;
  for (guint s = 0; s < kube_value_get_length (subsets); s++)
    for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
      KubeValue *list = kube_value_get_member (kube_value_get_element (subsets, s), lists[l]);
      for (guint i = 0; i < kube_value_get_length (list); i++) {
        g_autofree char *path = g_strdup_printf ("subsets[%u].%s[%u].ip", s, lists[l], i);
        kube_address_warn (op, path, kube_value_get_member_string (kube_value_get_element (list, i), "ip"));
      }
    }
}

void
kube_endpoint_slice_warn (KubeOperation *op, KubeValue *slice, KubeValue *old)
{
  static const char *const controllers[] = { "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io", NULL };
  KubeValue *endpoints = kube_value_get_member (slice, "endpoints"), *labels = kube_value_get (slice, "metadata.labels");
  const char *manager = kube_value_get_member_string (labels, "endpointslice.kubernetes.io/managed-by");

  if (old == NULL && g_strcmp0 (kube_value_get_member_string (slice, "addressType"), "FQDN") == 0)
    kube_warn (op, "spec.addressType: FQDN endpoints are deprecated");
  if (manager != NULL && g_strv_contains (controllers, manager))
    return;
  for (guint e = 0; e < kube_value_get_length (endpoints); e++) {
    KubeValue *list = kube_value_get_member (kube_value_get_element (endpoints, e), "addresses");
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      g_autofree char *path = g_strdup_printf ("endpoints[%u].addresses[%u]", e, i);
      kube_address_warn (op, path, kube_value_get_string (kube_value_get_element (list, i), NULL));
    }
  }
}

void
kube_pod_warn_status (KubeOperation *op, KubeValue *pod)
{
  static const char *const lists[] = { "podIPs", "hostIPs" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = kube_value_get_member (kube_value_get_member (pod, "status"), lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      g_autofree char *path = g_strdup_printf ("status.%s[%u].ip", lists[l], i);
      kube_address_warn (op, path, kube_value_get_member_string (kube_value_get_element (list, i), "ip"));
    }
  }
}
