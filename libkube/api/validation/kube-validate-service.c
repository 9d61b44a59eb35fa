/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };

static gboolean
is_type (KubeValue *spec, const char *type)
{
  return equals (string_of (spec, "type"), type);
}

static gboolean
is_headless (KubeValue *spec)
{
  KubeValue *addresses = member_of (spec, "clusterIPs");
  return kube_value_get_length (addresses) == 1 && equals (element_string (addresses, 0), "None");
}

static gboolean
is_external (KubeValue *spec)
{
  return is_type (spec, "LoadBalancer") || is_type (spec, "NodePort") ||
         (is_type (spec, "ClusterIP") && kube_value_get_length (member_of (spec, "externalIPs")) > 0);
}

static gboolean
needs_health_check (KubeValue *spec)
{
  return is_type (spec, "LoadBalancer") && equals (string_of (spec, "externalTrafficPolicy"), "Local");
}

static void
check_type (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const refused[] = { "clusterIPs", "ipFamilies", "ipFamilyPolicy" };

  if (is_headless (spec) && is_type (spec, "LoadBalancer"))
    kube_field_errors_invalid (errors, AT_INDEX (AT (path, "clusterIPs"), 0), "None", "may not be set to 'None' for LoadBalancer services");
  if (is_headless (spec) && is_type (spec, "NodePort"))
    kube_field_errors_invalid (errors, AT_INDEX (AT (path, "clusterIPs"), 0), "None", "may not be set to 'None' for NodePort services");
  if (!is_type (spec, "ExternalName"))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    KubeValue *value = member_of (spec, refused[i]);
    if (kube_value_is_string (value) || kube_value_get_length (value) > 0)
      kube_field_errors_forbidden (errors, AT (path, refused[i]), "may not be set for ExternalName services");
  }
  {
    const char *name = string_of (spec, "externalName");
    gsize length = strlen (name);
    g_autofree char *trimmed = g_strndup (name, length > 0 && name[length - 1] == '.' ? length - 1 : length);
    if (*trimmed != '\0')
      kube_validate_format (errors, AT (path, "externalName"), KUBE_NAME_DNS1123_SUBDOMAIN, trimmed);
    else
      kube_field_errors_required (errors, AT (path, "externalName"), NULL);
  }
}

static void
check_port (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *port, gboolean require_name, NameSet *names)
{
  const char *name = string_of (port, "name");

  if (require_name && *name == '\0') {
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  } else if (*name != '\0') {
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, name);
    if (!name_set_add (names, name))
      kube_field_errors_duplicate (errors, AT (path, "name"), name);
  }
  kube_validate_port_number (errors, AT (path, "port"), integer_of (port, "port", 0));
  kube_validate_enum (errors, AT (path, "protocol"), string_of (port, "protocol"), "", protocols);
  kube_validate_int_or_name_port (errors, AT (path, "targetPort"), member_of (port, "targetPort"));
  if (has_member (port, "appProtocol"))
    kube_validate_format (errors, AT (path, "appProtocol"), KUBE_NAME_QUALIFIED, string_of (port, "appProtocol"));
}

static void
check_affinity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const valid[] = { "ClientIP", "None", NULL };
  const char *affinity = string_of (spec, "sessionAffinity");
  KubeValue *config = member_of (spec, "sessionAffinityConfig"), *client_ip = member_of (config, "clientIP");
  const KubeFieldPath *at = AT (path, "sessionAffinityConfig");
  gint64 timeout = integer_of (client_ip, "timeoutSeconds", 0);

  kube_validate_enum (errors, AT (path, "sessionAffinity"), affinity, "", valid);
  if (equals (affinity, "None") && config != NULL)
    kube_field_errors_forbidden (errors, at, "must not be set when session affinity is None");
  if (!equals (affinity, "ClientIP"))
    return;
  if (config == NULL)
    kube_field_errors_required (errors, at, "when session affinity type is ClientIP");
  else if (client_ip == NULL)
    kube_field_errors_required (errors, AT (at, "clientIP"), "when session affinity type is ClientIP");
  else if (!has_member (client_ip, "timeoutSeconds"))
    kube_field_errors_required (errors, AT (AT (at, "clientIP"), "timeoutSeconds"), "when session affinity type is ClientIP");
  else if (timeout <= 0 || timeout > 86400)
    kube_field_errors_invalid_integer (errors, AT (AT (at, "clientIP"), "timeoutSeconds"), timeout, "must be greater than 0 and less than 86400");
}

static void
check_cluster_addresses (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *addresses = member_of (spec, "clusterIPs"), *ip_families = member_of (spec, "ipFamilies");
  const KubeFieldPath *at = AT (path, "clusterIPs");
  guint n = kube_value_get_length (addresses), before;
  int first = 0, second = 0;

  before = kube_field_errors_get_length (errors);
  for (guint i = 0; i < n; i++) {
    const char *address = element_string (addresses, i);
    if (i == 0 && equals (address, "None")) {
      if (n > 1)
        kube_field_errors_invalid_value (errors, at, addresses, "'None' must be the first and only value");
      continue;
    }
    kube_validate_ip (errors, AT_INDEX (at, i), address);
  }
  if (n > 2)
    kube_field_errors_invalid_value (errors, at, addresses, "may only hold up to 2 values");
  else if (kube_field_errors_get_length (errors) > before)
    return;
  if (n == 2 && kube_validate_is_ip (element_string (addresses, 0), &first) && kube_validate_is_ip (element_string (addresses, 1), &second) &&
      first == second)
    kube_field_errors_invalid_value (errors, at, addresses, "may specify no more than one IP for each IP family");
  for (guint i = 0; i < n && i < kube_value_get_length (ip_families) && !is_headless (spec); i++) {
    const char *family = element_string (ip_families, i);
    int found = 0;
    kube_validate_is_ip (element_string (addresses, i), &found);
    if ((equals (family, "IPv4") && found == 6) || (equals (family, "IPv6") && found == 4))
      kube_field_errors_invalid_format (errors, AT_INDEX (at, i), element_string (addresses, i), "expected an %s value as indicated by `ipFamilies[%u]`", family, i);
  }
}

static void
check_cluster_ip_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const families[] = { "IPv4", "IPv6", NULL };
  static const char *const policies[] = { "PreferDualStack", "RequireDualStack", "SingleStack", NULL };
  KubeValue *addresses = member_of (spec, "clusterIPs"), *ip_families = member_of (spec, "ipFamilies");
  const char *address = string_of (spec, "clusterIP");
  const KubeFieldPath *at = AT (path, "clusterIPs");
  g_auto (NameSet) seen = { 0 };

  if (is_type (spec, "ExternalName"))
    return;
  if (*address != '\0' && kube_value_get_length (addresses) == 0)
    kube_field_errors_required (errors, at, NULL);
  else if (*address != '\0' && !equals (element_string (addresses, 0), address))
    kube_field_errors_invalid_value (errors, at, addresses, "first value must match `clusterIP`");
  else if (*address == '\0' && kube_value_get_length (addresses) > 0)
    kube_field_errors_invalid_value (errors, at, addresses, "must be empty when `clusterIP` is not specified");
  for (guint i = 0; i < kube_value_get_length (ip_families); i++) {
    const char *family = element_string (ip_families, i);
    const KubeFieldPath *place = AT_INDEX (AT (path, "ipFamilies"), i);
    if (!kube_validate_one_of (family, families))
      kube_field_errors_not_supported (errors, place, family, families);
    if (!name_set_add (&seen, family))
      kube_field_errors_duplicate (errors, place, family);
  }
  if (has_member (spec, "ipFamilyPolicy") && !kube_validate_one_of (string_of (spec, "ipFamilyPolicy"), policies))
    kube_field_errors_not_supported (errors, AT (path, "ipFamilyPolicy"), string_of (spec, "ipFamilyPolicy"), policies);
  check_cluster_addresses (errors, path, spec);
}

/* What must hold before addresses are given out. */
void
kube_validate_service_addresses (KubeFieldErrors *errors, KubeValue *service)
{
  check_cluster_ip_fields (errors, AT (NULL, "spec"), member_of (service, "spec"));
}

static void
check_node_ports (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *ports = member_of (spec, "ports");
  g_autoptr (GHashTable) seen = NULL;
  guint n = kube_value_get_length (ports);

  for (guint i = 0; i < n && is_type (spec, "ClusterIP"); i++)
    if (integer_of (kube_value_get_element (ports, i), "nodePort", 0) != 0)
      kube_field_errors_forbidden (errors, AT (AT_INDEX (path, i), "nodePort"), "may not be used when `type` is 'ClusterIP'");
  if (n < 2)
    return;
  seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < n; i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    gint64 number = integer_of (port, "nodePort", 0);
    if (number != 0 &&
        !g_hash_table_add (seen, g_strdup_printf ("%s/%" G_GINT64_FORMAT, string_of (port, "protocol"), number)))
      kube_field_errors_duplicate_integer (errors, AT (AT_INDEX (path, i), "nodePort"), number);
  }
  g_hash_table_remove_all (seen);
  for (guint i = 0; i < n; i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    gint64 number = integer_of (port, "port", 0);
    if (!g_hash_table_add (seen, g_strdup_printf ("%s/%" G_GINT64_FORMAT, string_of (port, "protocol"), number))) {
      g_autofree char *bad = g_strdup_printf ("{\"Name\":\"\",\"Protocol\":\"%s\",\"AppProtocol\":null,\"Port\":%" G_GINT64_FORMAT ",\"TargetPort\":0,\"NodePort\":0}",
                                              string_of (port, "protocol"), number);
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_DUPLICATE, AT_INDEX (path, i), bad, NULL);
    }
  }
}

static void
check_cidr (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  kube_validate_cidr (errors, path, trimmed);
}

static void
check_source_ranges (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *service, KubeValue *spec)
{
  KubeValue *ranges = member_of (spec, "loadBalancerSourceRanges");
  const char *annotation = kube_value_get_member_string (kube_value_get (service, "metadata.annotations"), "service.beta.kubernetes.io/load-balancer-source-ranges");
  const KubeFieldPath *at = AT (path, "LoadBalancerSourceRanges");

  if (kube_value_get_length (ranges) > 0) {
    if (!is_type (spec, "LoadBalancer"))
      kube_field_errors_forbidden (errors, at, "may only be used when `type` is 'LoadBalancer'");
    for (guint i = 0; i < kube_value_get_length (ranges); i++)
      check_cidr (errors, AT_INDEX (at, i), element_string (ranges, i));
  } else if (annotation != NULL) {
    g_auto (GStrv) parts = g_strsplit (annotation, ",", -1);
    at = AT_KEY (AT (AT (NULL, "metadata"), "annotations"), "service.beta.kubernetes.io/load-balancer-source-ranges");
    if (!is_type (spec, "LoadBalancer"))
      kube_field_errors_forbidden (errors, at, "may only be used when `type` is 'LoadBalancer'");
    for (guint i = 0; parts[i] != NULL && *annotation != '\0'; i++)
      check_cidr (errors, at, parts[i]);
  }
}

static void
check_load_balancer (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *service, KubeValue *spec)
{
  gboolean balancer = is_type (spec, "LoadBalancer");

  check_source_ranges (errors, path, service, spec);
  if (has_member (spec, "allocateLoadBalancerNodePorts") && !balancer)
    kube_field_errors_forbidden (errors, AT (path, "allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'");
  if (!has_member (spec, "allocateLoadBalancerNodePorts") && balancer)
    kube_field_errors_required (errors, AT (NULL, "allocateLoadBalancerNodePorts"), NULL);
  if (has_member (spec, "loadBalancerClass") && balancer)
    kube_validate_format (errors, AT (path, "loadBalancerClass"), KUBE_NAME_QUALIFIED, string_of (spec, "loadBalancerClass"));
  else if (has_member (spec, "loadBalancerClass"))
    kube_field_errors_forbidden (errors, AT (path, "loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'");
}

static void
check_traffic (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const policies[] = { "Cluster", "Local", NULL };
  static const char *const distributions[] = { "PreferClose", "PreferSameZone", "PreferSameNode", NULL };
  const char *external = string_of (spec, "externalTrafficPolicy"), *internal = string_of (spec, "internalTrafficPolicy");
  gint64 health = integer_of (spec, "healthCheckNodePort", 0);

  if (is_external (spec))
    kube_validate_enum (errors, AT (path, "externalTrafficPolicy"), external, "", policies);
  else if (*external != '\0')
    kube_field_errors_invalid (errors, AT (path, "externalTrafficPolicy"), external, "may only be set for externally-accessible services");
  if (!needs_health_check (spec)) {
    if (health != 0)
      kube_field_errors_invalid_integer (errors, AT (path, "healthCheckNodePort"), health,
                                         "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  } else if (health == 0) {
    kube_field_errors_required (errors, AT (path, "healthCheckNodePort"), NULL);
  } else {
    kube_validate_port_number (errors, AT (path, "healthCheckNodePort"), health);
  }
  if (!has_member (spec, "internalTrafficPolicy")) {
    if (is_type (spec, "NodePort") || is_type (spec, "LoadBalancer") || is_type (spec, "ClusterIP"))
      kube_field_errors_required (errors, AT (path, "internalTrafficPolicy"), NULL);
  } else if (!kube_validate_one_of (internal, policies)) {
    kube_field_errors_not_supported (errors, AT (path, "internalTrafficPolicy"), internal, policies);
  }
  if (has_member (spec, "trafficDistribution") && !kube_validate_one_of (string_of (spec, "trafficDistribution"), distributions))
    kube_field_errors_not_supported (errors, AT (path, "trafficDistribution"), string_of (spec, "trafficDistribution"), distributions);
}

static void
check_external_addresses (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *addresses)
{
  for (guint i = 0; i < kube_value_get_length (addresses); i++) {
    const char *address = element_string (addresses, i);
    int family;
    if (kube_validate_is_ip (address, &family))
      kube_validate_endpoint_ip (errors, AT_INDEX (path, i), address);
    else
      kube_validate_ip (errors, AT_INDEX (path, i), address);
  }
}

static void
create_service (KubeFieldErrors *errors, KubeValue *service)
{
  static const char *const types[] = { "ClusterIP", "ExternalName", "LoadBalancer", "NodePort", NULL };
  KubeValue *spec = member_of (service, "spec"), *ports = member_of (spec, "ports");
  const KubeFieldPath *path = AT (NULL, "spec");
  guint n = kube_value_get_length (ports);
  g_auto (NameSet) names = { 0 };

  if (n == 0 && !is_headless (spec) && !is_type (spec, "ExternalName"))
    kube_field_errors_required (errors, AT (path, "ports"), NULL);
  check_type (errors, path, spec);
  for (guint i = 0; i < n; i++)
    check_port (errors, AT_INDEX (AT (path, "ports"), i), kube_value_get_element (ports, i), n > 1, &names);
  kube_validate_labels (errors, AT (path, "selector"), member_of (spec, "selector"));
  check_affinity (errors, path, spec);
  check_cluster_ip_fields (errors, path, spec);
  check_external_addresses (errors, AT (path, "externalIPs"), member_of (spec, "externalIPs"));
  kube_validate_enum (errors, AT (path, "type"), string_of (spec, "type"), "", types);
  check_node_ports (errors, AT (path, "ports"), spec);
  check_load_balancer (errors, path, service, spec);
  check_traffic (errors, path, spec);
}

static void
check_list_change (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *old, const char *key, gboolean addresses)
{
  KubeValue *list = member_of (spec, key), *before = member_of (old, key);
  guint n = kube_value_get_length (list), m = kube_value_get_length (before);
  const KubeFieldPath *at = AT (path, key);

  if (m > n && kube_value_get_length (member_of (spec, "clusterIPs")) == 0)
    kube_field_errors_invalid_value (errors, AT_INDEX (at, 0), list, addresses ? "primary clusterIP can not be unset" : "primary ipFamily can not be unset");
  for (guint i = 0; i < m && i < n; i++)
    if ((i == 0 || n == m) && !equals (element_string (list, i), element_string (before, i)))
      kube_field_errors_invalid_value (errors, AT_INDEX (at, addresses ? i : 0), list, "may not change once set");
  if (m > n && n == 1 && !equals (string_of (spec, "ipFamilyPolicy"), "SingleStack"))
    kube_field_errors_invalid_value (errors, AT (path, "ipFamilyPolicy"), member_of (spec, "ipFamilyPolicy"),
                                     addresses ? "must be set to 'SingleStack' when releasing the secondary clusterIP"
                                               : "must be set to 'SingleStack' when releasing the secondary ipFamily");
}

static void
update_service (KubeFieldErrors *errors, KubeValue *service, KubeValue *old_service)
{
  KubeValue *spec = member_of (service, "spec"), *old = member_of (old_service, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");

  if (!is_type (spec, "ExternalName") && !is_type (old, "ExternalName")) {
    if (!(is_headless (spec) && is_headless (old)))
      check_list_change (errors, path, spec, old, "clusterIPs", TRUE);
    if (!is_headless (spec) && !is_headless (old))
      check_list_change (errors, path, spec, old, "ipFamilies", FALSE);
  }
  if (is_type (spec, "LoadBalancer") && is_type (old, "LoadBalancer") &&
      !kube_validate_semantic_equal (member_of (spec, "loadBalancerClass"), member_of (old, "loadBalancerClass")))
    kube_field_errors_invalid_value (errors, AT (path, "loadBalancerClass"), member_of (spec, "loadBalancerClass"), "may not change once set");
  if (needs_health_check (spec) && needs_health_check (old) && integer_of (spec, "healthCheckNodePort", 0) != integer_of (old, "healthCheckNodePort", 0))
    kube_field_errors_forbidden (errors, AT (path, "healthCheckNodePort"), "field is immutable");
  create_service (errors, service);
}

static void
check_ingress (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ingress, KubeValue *old)
{
  static const char *const modes[] = { "Proxy", "VIP", NULL };
  const char *ip = string_of (ingress, "ip"), *mode = string_of (ingress, "ipMode");

  kube_validate_point_ip (errors, path, ingress, old);
  if (*ip != '\0' && !has_member (ingress, "ipMode"))
    kube_field_errors_required (errors, AT (path, "ipMode"), "must be specified when `ip` is set");
  else if (*ip == '\0' && has_member (ingress, "ipMode"))
    kube_field_errors_forbidden (errors, AT (path, "ipMode"), "may not be specified when `ip` is not set");
  else if (has_member (ingress, "ipMode") && !kube_validate_one_of (mode, modes))
    kube_field_errors_not_supported (errors, AT (path, "ipMode"), mode, modes);
  kube_validate_point_host (errors, path, ingress);
}

static void
update_service_status (KubeFieldErrors *errors, KubeValue *service, KubeValue *old_service)
{
  static const char where[] = "status.loadBalancer.ingress";
  KubeValue *ingress = kube_value_get (service, where), *old = kube_value_get (old_service, where);
  const KubeFieldPath *path = AT (AT (AT (NULL, "status"), "loadBalancer"), "ingress");
  guint n = kube_value_get_length (ingress);

  if (n > 0 && !is_type (member_of (service, "spec"), "LoadBalancer"))
    kube_field_errors_forbidden (errors, path, "may only be used when `spec.type` is 'LoadBalancer'");
  else
    for (guint i = 0; i < n; i++)
      check_ingress (errors, AT_INDEX (path, i), kube_value_get_element (ingress, i), old);
}

const KubeValidateRules kube_validate_service_rules[] = {
  { "", "Service", KUBE_NAME_RULE_LABEL, KUBE_VALIDATE_META_ON_UPDATE, create_service, update_service, update_service_status },
  { NULL },
};
