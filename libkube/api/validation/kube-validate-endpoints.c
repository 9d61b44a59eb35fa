/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <arpa/inet.h>

static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };

void
kube_validate_endpoint_ip (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  struct in_addr v4;
  struct in6_addr v6;
  guint32 address = 0;
  g_autofree char *plain = kube_validate_plain_ip (text);
  gboolean is_v4 = inet_pton (AF_INET, plain, &v4) == 1;

  if (!is_v4 && inet_pton (AF_INET6, plain, &v6) != 1) {
    kube_field_errors_invalid (errors, path, text, "must be a valid IP address");
    return;
  }
  if (is_v4)
    address = ntohl (v4.s_addr);
  if (is_v4 ? address == 0 : IN6_IS_ADDR_UNSPECIFIED (&v6))
    kube_field_errors_invalid_format (errors, path, text, "may not be unspecified (%s)", text);
  if (is_v4 ? address >> 24 == 127 : IN6_IS_ADDR_LOOPBACK (&v6))
    kube_field_errors_invalid (errors, path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (is_v4 ? address >> 16 == 0xa9fe : IN6_IS_ADDR_LINKLOCAL (&v6))
    kube_field_errors_invalid (errors, path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (is_v4 ? address >> 8 == 0xe00000 : IN6_IS_ADDR_MC_LINKLOCAL (&v6))
    kube_field_errors_invalid (errors, path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

static void
check_address (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *address)
{
  const char *ip = string_of (address, "ip");

  kube_validate_ip (errors, AT (path, "ip"), ip);
  if (has_text (address, "hostname"))
    kube_validate_format (errors, AT (path, "hostname"), KUBE_NAME_DNS1123_LABEL, string_of (address, "hostname"));
  if (has_member (address, "nodeName"))
    kube_validate_format (errors, AT (path, "nodeName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (address, "nodeName"));
  kube_validate_endpoint_ip (errors, AT (path, "ip"), ip);
}

static void
check_port (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *port, gboolean require_name)
{
  if (has_text (port, "name"))
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, string_of (port, "name"));
  else if (require_name)
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  kube_validate_port_number (errors, AT (path, "port"), integer_of (port, "port", 0));
  kube_validate_enum (errors, AT (path, "protocol"), string_of (port, "protocol"), "", protocols);
  if (has_member (port, "appProtocol"))
    kube_validate_format (errors, AT (path, "appProtocol"), KUBE_NAME_QUALIFIED, string_of (port, "appProtocol"));
}

static void
check_subset (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *subset)
{
  static const char *const lists[] = { "addresses", "notReadyAddresses" };
  KubeValue *ports = member_of (subset, "ports");

  if (kube_value_get_length (member_of (subset, "addresses")) == 0 && kube_value_get_length (member_of (subset, "notReadyAddresses")) == 0)
    kube_field_errors_required (errors, path, "must specify `addresses` or `notReadyAddresses`");
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (subset, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      check_address (errors, AT_INDEX (AT (path, lists[l]), i), kube_value_get_element (list, i));
  }
  for (guint i = 0; i < kube_value_get_length (ports); i++)
    check_port (errors, AT_INDEX (AT (path, "ports"), i), kube_value_get_element (ports, i), kube_value_get_length (ports) > 1);
}

static void
create_endpoints (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *subsets = member_of (object, "subsets");

  for (guint i = 0; i < kube_value_get_length (subsets); i++)
    check_subset (errors, AT_INDEX (AT (NULL, "subsets"), i), kube_value_get_element (subsets, i));
}

/* Endpoints that are as they were may be as wrong as they were. */
static void
update_endpoints (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (object, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  if (!kube_validate_semantic_equal (member_of (object, "subsets"), member_of (old, "subsets")))
    create_endpoints (errors, object);
}

/* --- slices --- */

static void
check_slice_address (KubeFieldErrors *errors, const KubeFieldPath *path, guint index, const char *address, const char *type)
{
  const KubeFieldPath *at = AT_INDEX (path, index);
  int family = 0;

  if (equals (type, "IPv4") || equals (type, "IPv6")) {
    if (!kube_validate_is_ip (address, &family) || kube_validate_is_mapped_ip (address)) {
      kube_validate_ip (errors, at, address);
      return;
    }
    if (family != type[3] - '0')
      kube_field_errors_invalid_format (errors, path, address, "must be an %s address", type);
    kube_validate_endpoint_ip (errors, at, address);
  } else if (equals (type, "FQDN")) {
    if (*address == '\0')
      kube_field_errors_required (errors, at, NULL);
    else if (kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, address) && strchr (address, '.') == NULL)
      kube_field_errors_invalid (errors, at, address, "should be a domain with at least two segments separated by dots");
    else
      kube_validate_format (errors, at, KUBE_NAME_DNS1123_SUBDOMAIN, address);
  }
}

static void
check_hints (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *hints, const char *key, KubeNameFormat format)
{
  KubeValue *list = member_of (hints, key);
  const KubeFieldPath *at = AT (path, key);
  guint n = kube_value_get_length (list);
  g_auto (NameSet) names = { 0 };

  if (n > 8) {
    kube_field_errors_too_many (errors, at, (int) n, 8);
    return;
  }
  for (guint i = 0; i < n; i++) {
    const char *name = string_of (kube_value_get_element (list, i), "name");
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, AT (AT_INDEX (at, i), "name"), name);
    kube_validate_format (errors, AT (AT_INDEX (at, i), "name"), format, name);
  }
}

static void
check_endpoint (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *endpoint, const char *type)
{
  KubeValue *addresses = member_of (endpoint, "addresses"), *hints = member_of (endpoint, "hints"), *topology = member_of (endpoint, "deprecatedTopology");
  guint n = kube_value_get_length (addresses);

  if (n == 0)
    kube_field_errors_required (errors, AT (path, "addresses"), "must contain at least 1 address");
  else if (n > 100)
    kube_field_errors_too_many (errors, AT (path, "addresses"), (int) n, 100);
  for (guint i = 0; i < n; i++)
    check_slice_address (errors, AT (path, "addresses"), i, element_string (addresses, i), type);
  if (has_member (endpoint, "nodeName"))
    kube_validate_format (errors, AT (path, "nodeName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (endpoint, "nodeName"));
  if (kube_value_get_length (topology) > 16)
    kube_field_errors_too_many (errors, AT (path, "deprecatedTopology"), (int) kube_value_get_length (topology), 16);
  kube_validate_labels (errors, AT (path, "deprecatedTopology"), topology);
  if (has_member (endpoint, "hostname"))
    kube_validate_format (errors, AT (path, "hostname"), KUBE_NAME_DNS1123_LABEL, string_of (endpoint, "hostname"));
  if (hints != NULL) {
    check_hints (errors, AT (path, "hints"), hints, "forZones", KUBE_NAME_LABEL_VALUE);
    check_hints (errors, AT (path, "hints"), hints, "forNodes", KUBE_NAME_DNS1123_SUBDOMAIN);
  }
}

static void
check_slice_ports (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ports)
{
  g_auto (NameSet) names = { 0 };
  guint n = kube_value_get_length (ports);

  if (n > 20000) {
    kube_field_errors_too_many (errors, path, (int) n, 20000);
    return;
  }
  for (guint i = 0; i < n; i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *name = string_of (port, "name");

    if (*name != '\0')
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_DNS1123_LABEL, name);
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, AT (at, "name"), name);
    if (!has_member (port, "protocol"))
      kube_field_errors_required (errors, AT (at, "protocol"), NULL);
    else if (!kube_validate_one_of (string_of (port, "protocol"), protocols))
      kube_field_errors_not_supported (errors, AT (at, "protocol"), string_of (port, "protocol"), protocols);
    if (has_member (port, "appProtocol"))
      kube_validate_format (errors, AT (at, "appProtocol"), KUBE_NAME_QUALIFIED, string_of (port, "appProtocol"));
  }
}

static void
create_slice (KubeFieldErrors *errors, KubeValue *slice)
{
  static const char *const types[] = { "FQDN", "IPv4", "IPv6", NULL };
  KubeValue *endpoints = member_of (slice, "endpoints");
  const char *type = string_of (slice, "addressType");
  guint n = kube_value_get_length (endpoints);

  kube_validate_enum (errors, AT (NULL, "addressType"), type, "", types);
  check_slice_ports (errors, AT (NULL, "ports"), member_of (slice, "ports"));
  if (n > 1000)
    kube_field_errors_too_many (errors, AT (NULL, "endpoints"), (int) n, 1000);
  for (guint i = 0; i < n && n <= 1000; i++)
    check_endpoint (errors, AT_INDEX (AT (NULL, "endpoints"), i), kube_value_get_element (endpoints, i), type);
}

static void
update_slice (KubeFieldErrors *errors, KubeValue *slice, KubeValue *old)
{
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (slice, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  create_slice (errors, slice);
  if (!equals (string_of (slice, "addressType"), string_of (old, "addressType")))
    kube_field_errors_invalid (errors, AT (NULL, "addressType"), string_of (slice, "addressType"), "field is immutable");
}

const KubeValidateRules kube_validate_endpoints_rules[] = {
  { "", "Endpoints", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_endpoints, update_endpoints, NULL },
  { "discovery.k8s.io", "EndpointSlice", KUBE_NAME_RULE_SUBDOMAIN, 0, create_slice, update_slice, NULL },
  { NULL },
};
