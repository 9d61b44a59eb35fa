/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <arpa/inet.h>

/* Ingress, IngressClass, NetworkPolicy, IPAddress, ServiceCIDR. */

/* --- ingress --- */

static void
check_reference (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref)
{
  static const char *const keys[] = { "kind", "name" };

  if (has_member (ref, "apiGroup"))
    kube_validate_format (errors, AT (path, "apiGroup"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (ref, "apiGroup"));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!has_text (ref, keys[i]))
      kube_field_errors_required (errors, AT (path, keys[i]), NULL);
    else
      kube_validate_format (errors, AT (path, keys[i]), KUBE_NAME_PATH_SEGMENT, string_of (ref, keys[i]));
}

static void
check_backend (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *backend)
{
  KubeValue *resource = member_of (backend, "resource"), *service = member_of (backend, "service"), *port = member_of (service, "port");
  const KubeFieldPath *at = AT (path, "service");
  gint64 number = integer_of (port, "number", 0);

  if (resource != NULL && service != NULL) {
    kube_field_errors_invalid (errors, path, "", "cannot set both resource and service backends");
  } else if (resource != NULL) {
    check_reference (errors, AT (path, "resource"), resource);
  } else if (service == NULL) {
    kube_field_errors_invalid (errors, path, "", "resource or service backend is required");
  } else {
    if (!has_text (service, "name"))
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    else
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_DNS1123_LABEL, string_of (service, "name"));
    if (has_text (port, "name") && number != 0)
      kube_field_errors_invalid (errors, path, "", "cannot set both port name & port number");
    else if (has_text (port, "name"))
      kube_validate_format (errors, AT (AT (at, "port"), "name"), KUBE_NAME_PORT, string_of (port, "name"));
    else if (number != 0)
      kube_validate_port_number (errors, AT (AT (at, "port"), "number"), number);
    else
      kube_field_errors_required (errors, path, "port name or number is required");
  }
}

static void
check_path_text (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  static const char *const sequences[] = { "//", "/./", "/../", "%2f", "%2F" };
  static const char *const suffixes[] = { "/..", "/." };
  const KubeFieldPath *at = AT (path, "path");

  if (*text != '/')
    kube_field_errors_invalid (errors, at, text, "must be an absolute path");
  for (gsize i = 0; i < G_N_ELEMENTS (sequences); i++)
    if (strstr (text, sequences[i]) != NULL)
      kube_field_errors_invalid_format (errors, at, text, "must not contain '%s'", sequences[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (g_str_has_suffix (text, suffixes[i]))
      kube_field_errors_invalid_format (errors, at, text, "cannot end with '%s'", suffixes[i]);
}

static void
check_http_path (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object)
{
  static const char *const types[] = { "Exact", "ImplementationSpecific", "Prefix", NULL };
  const char *type = string_of (object, "pathType"), *text = string_of (object, "path");

  if (!has_member (object, "pathType")) {
    kube_field_errors_required (errors, AT (path, "pathType"), "pathType must be specified");
    return;
  }
  if (equals (type, "Exact") || equals (type, "Prefix"))
    check_path_text (errors, path, text);
  else if (!kube_validate_one_of (type, types))
    kube_field_errors_not_supported (errors, AT (path, "pathType"), type, types);
  else if (*text != '\0' && *text != '/')
    kube_field_errors_invalid (errors, AT (path, "path"), text, "must be an absolute path");
  check_backend (errors, AT (path, "backend"), member_of (object, "backend"));
}

static void
check_host (KubeFieldErrors *errors, const KubeFieldPath *path, const char *host)
{
  kube_validate_format (errors, path, strchr (host, '*') != NULL ? KUBE_NAME_WILDCARD_DNS1123_SUBDOMAIN : KUBE_NAME_DNS1123_SUBDOMAIN, host);
}

static void
check_ingress_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  KubeValue *http = member_of (rule, "http"), *paths = member_of (http, "paths");
  const char *host = string_of (rule, "host");

  if (*host != '\0') {
    kube_validate_no_ip (errors, AT (path, "host"), host);
    check_host (errors, AT (path, "host"), host);
  }
  if (http != NULL && kube_value_get_length (paths) == 0)
    kube_field_errors_required (errors, AT (AT (path, "http"), "paths"), NULL);
  for (guint i = 0; i < kube_value_get_length (paths); i++)
    check_http_path (errors, AT_INDEX (AT (AT (path, "http"), "paths"), i), kube_value_get_element (paths, i));
}

static void
check_ingress_tls (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list)
{
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *tls = kube_value_get_element (list, i), *hosts = member_of (tls, "hosts");
    const KubeFieldPath *at = AT_INDEX (path, i);
    for (guint k = 0; k < kube_value_get_length (hosts); k++)
      check_host (errors, AT_INDEX (AT (at, "hosts"), k), element_string (hosts, k));
    if (has_text (tls, "secretName"))
      kube_validate_format (errors, AT (at, "secretName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (tls, "secretName"));
  }
}

static void
check_ingress (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *rules = member_of (spec, "rules");
  const KubeFieldPath *path = AT (NULL, "spec");

  if (kube_value_get_length (rules) == 0 && !has_member (spec, "defaultBackend"))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, rules != NULL ? "[]" : "null", "either `defaultBackend` or `rules` must be specified");
  if (has_member (spec, "defaultBackend"))
    check_backend (errors, AT (path, "defaultBackend"), member_of (spec, "defaultBackend"));
  for (guint i = 0; i < kube_value_get_length (rules); i++)
    check_ingress_rule (errors, AT_INDEX (AT (path, "rules"), i), kube_value_get_element (rules, i));
  check_ingress_tls (errors, AT (path, "tls"), member_of (spec, "tls"));
  if (has_member (spec, "ingressClassName"))
    kube_validate_format (errors, AT (path, "ingressClassName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (spec, "ingressClassName"));
}

static void
create_ingress (KubeFieldErrors *errors, KubeValue *object)
{
  const char *annotation = kube_value_get_member_string (kube_value_get (object, "metadata.annotations"), "kubernetes.io/ingress.class");
  const char *name = kube_value_get_string (object, "spec.ingressClassName");

  check_ingress (errors, object);
  if (annotation != NULL && name != NULL && !equals (annotation, name))
    kube_field_errors_invalid (errors, AT (AT (NULL, "annotations"), "kubernetes.io/ingress.class"), annotation,
                               "must match `ingressClassName` when both are specified");
}

static void
update_ingress (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (object, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  check_ingress (errors, object);
}

static void
update_ingress_status (KubeFieldErrors *errors, KubeValue *ingress, KubeValue *old_ingress)
{
  static const char where[] = "status.loadBalancer.ingress";
  KubeValue *points = kube_value_get (ingress, where), *old = kube_value_get (old_ingress, where);
  const KubeFieldPath *path = AT (AT (AT (NULL, "status"), "loadBalancer"), "ingress");

  for (guint i = 0; i < kube_value_get_length (points); i++) {
    KubeValue *point = kube_value_get_element (points, i);

    kube_validate_point_ip (errors, AT_INDEX (path, i), point, old);
    kube_validate_point_host (errors, AT_INDEX (path, i), point);
  }
}

static void
check_class_parameters (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *parameters)
{
  static const char *const scopes[] = { "Cluster", "Namespace", NULL };
  const char *scope = string_of (parameters, "scope");

  if (parameters == NULL)
    return;
  check_reference (errors, path, parameters);
  if (!has_member (parameters, "scope"))
    kube_field_errors_required (errors, AT (path, "scope"), NULL);
  else if (!kube_validate_one_of (scope, scopes))
    kube_field_errors_not_supported (errors, AT (path, "scope"), scope, scopes);
  else if (equals (scope, "Cluster") && has_member (parameters, "namespace"))
    kube_field_errors_forbidden (errors, AT (path, "namespace"), "`parameters.scope` is set to 'Cluster'");
  else if (equals (scope, "Namespace") && !has_member (parameters, "namespace"))
    kube_field_errors_required (errors, AT (path, "namespace"), "`parameters.scope` is set to 'Namespace'");
  else if (equals (scope, "Namespace"))
    kube_validate_format (errors, AT (path, "namespace"), KUBE_NAME_DNS1123_LABEL, string_of (parameters, "namespace"));
}

static void
create_ingress_class (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  const char *controller = string_of (spec, "controller");
  const KubeFieldPath *path = AT (NULL, "spec");

  if (strlen (controller) > 250)
    kube_field_errors_too_long (errors, AT (path, "controller"), 250);
  kube_validate_domain_path (errors, AT (path, "controller"), controller);
  check_class_parameters (errors, AT (path, "parameters"), member_of (spec, "parameters"));
}

static void
update_ingress_class (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  const char *controller = string_of (member_of (object, "spec"), "controller");

  if (!equals (controller, string_of (member_of (old, "spec"), "controller")))
    kube_field_errors_invalid (errors, AT (AT (NULL, "spec"), "controller"), controller, "field is immutable");
}

/* --- network policies --- */

static void
check_policy_port (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object)
{
  static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
  KubeValue *port = member_of (object, "port");
  gboolean has_end = has_member (object, "endPort");
  gint64 end = integer_of (object, "endPort", 0), number = kube_value_get_integer (port, NULL, 0);

  if (has_member (object, "protocol") && !kube_validate_one_of (string_of (object, "protocol"), protocols))
    kube_field_errors_not_supported (errors, AT (path, "protocol"), string_of (object, "protocol"), protocols);
  if (port == NULL) {
    if (has_end)
      kube_field_errors_invalid_integer (errors, AT (path, "endPort"), end, "may not be specified when `port` is not specified");
  } else if (kube_value_is_string (port)) {
    if (has_end)
      kube_field_errors_invalid_integer (errors, AT (path, "endPort"), end, "may not be specified when `port` is non-numeric");
    kube_validate_int_or_name_port (errors, AT (path, "port"), port);
  } else {
    kube_validate_port_number (errors, AT (path, "port"), number);
    if (has_end && end < number)
      kube_field_errors_invalid_integer (errors, AT (path, "endPort"), number, "must be greater than or equal to `port`");
    if (has_end)
      kube_validate_port_number (errors, AT (path, "endPort"), end);
  }
}

/* Whether the range @inner lies in @outer and is smaller. */
static gboolean
is_strict_subset (const char *inner, const char *outer)
{
  int families[2], prefixes[2];
  guint8 addresses[2][16] = { { 0 } };
  const char *texts[2] = { inner, outer };

  for (int i = 0; i < 2; i++) {
    g_autofree char *address = g_strndup (texts[i], strcspn (texts[i], "/"));
    if (!kube_validate_is_cidr (texts[i], &families[i], &prefixes[i]))
      return FALSE;
    inet_pton (families[i] == 4 ? AF_INET : AF_INET6, address, addresses[i]);
  }
  if (families[0] != families[1] || prefixes[1] >= prefixes[0])
    return FALSE;
  for (int bit = 0; bit < prefixes[1]; bit++)
    if (((addresses[0][bit / 8] ^ addresses[1][bit / 8]) >> (7 - bit % 8)) & 1)
      return FALSE;
  return TRUE;
}

static void
check_ip_block (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *block)
{
  KubeValue *except = member_of (block, "except");
  const char *range = string_of (block, "cidr");
  int family, prefix;

  if (*range == '\0') {
    kube_field_errors_required (errors, AT (path, "cidr"), NULL);
    return;
  }
  kube_validate_cidr (errors, AT (path, "cidr"), range);
  for (guint i = 0; i < kube_value_get_length (except) && kube_validate_is_cidr (range, &family, &prefix); i++) {
    const char *part = element_string (except, i);
    kube_validate_cidr (errors, AT_INDEX (AT (path, "except"), i), part);
    if (kube_validate_is_cidr (part, &family, &prefix) && !is_strict_subset (part, range))
      kube_field_errors_invalid (errors, AT_INDEX (AT (path, "except"), i), part, "must be a strict subset of `cidr`");
  }
}

static void
check_peer (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *peer)
{
  KubeValue *pods = member_of (peer, "podSelector"), *namespaces = member_of (peer, "namespaceSelector"), *block = member_of (peer, "ipBlock");

  kube_validate_label_selector (errors, AT (path, "podSelector"), pods);
  kube_validate_label_selector (errors, AT (path, "namespaceSelector"), namespaces);
  if (block != NULL)
    check_ip_block (errors, AT (path, "ipBlock"), block);
  if (pods == NULL && namespaces == NULL && block == NULL)
    kube_field_errors_required (errors, path, "must specify a peer");
  else if (block != NULL && (pods != NULL || namespaces != NULL))
    kube_field_errors_forbidden (errors, path, "may not specify both ipBlock and another peer");
}

static void
check_policy_rules (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rules, const char *peers_key)
{
  for (guint r = 0; r < kube_value_get_length (rules); r++) {
    KubeValue *rule = kube_value_get_element (rules, r), *ports = member_of (rule, "ports"), *peers = member_of (rule, peers_key);
    const KubeFieldPath *at = AT_INDEX (path, r);
    for (guint i = 0; i < kube_value_get_length (ports); i++)
      check_policy_port (errors, AT_INDEX (AT (at, "ports"), i), kube_value_get_element (ports, i));
    for (guint i = 0; i < kube_value_get_length (peers); i++)
      check_peer (errors, AT_INDEX (AT (at, peers_key), i), kube_value_get_element (peers, i));
  }
}

static void
create_policy (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const types[] = { "Ingress", "Egress", NULL };
  KubeValue *spec = member_of (object, "spec"), *list = member_of (spec, "policyTypes");
  const KubeFieldPath *path = AT (NULL, "spec");
  guint n = kube_value_get_length (list);

  kube_validate_label_selector (errors, AT (path, "podSelector"), member_of (spec, "podSelector"));
  check_policy_rules (errors, AT (path, "ingress"), member_of (spec, "ingress"), "from");
  check_policy_rules (errors, AT (path, "egress"), member_of (spec, "egress"), "to");
  if (n > 2) {
    kube_field_errors_invalid_value (errors, AT (path, "policyTypes"), list, "may not specify more than two policyTypes");
    return;
  }
  for (guint i = 0; i < n; i++)
    if (!kube_validate_one_of (element_string (list, i), types))
      kube_field_errors_not_supported (errors, AT_INDEX (AT (path, "policyTypes"), i), element_string (list, i), types);
}

static void
update_policy (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_policy (errors, object);
}

/* --- addresses of services --- */

static void
create_ip_address (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const keys[] = { "resource", "name", "namespace" };
  KubeValue *ref = kube_value_get (object, "spec.parentRef");
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "parentRef");

  if (kube_value_is_null (ref)) {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (has_text (ref, "group"))
    kube_validate_format (errors, AT (path, "group"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (ref, "group"));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (has_text (ref, keys[i]))
      kube_validate_format (errors, AT (path, keys[i]), KUBE_NAME_PATH_SEGMENT, string_of (ref, keys[i]));
    else if (i < 2)
      kube_field_errors_required (errors, AT (path, keys[i]), NULL);
}

static void
update_ip_address (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_ip_address (errors, object);
  kube_validate_immutable (errors, AT (AT (NULL, "spec"), "parentRef"), kube_value_get (object, "spec.parentRef"), kube_value_get (old, "spec.parentRef"),
                           "*@networking.ParentReference");
}

static void
check_ranges (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ranges, KubeValue *spec)
{
  guint n = kube_value_get_length (ranges);
  int families[2] = { 0, 1 }, prefix;

  if (n == 0) {
    kube_field_errors_required (errors, path, "at least one CIDR required");
    return;
  }
  if (n > 2) {
    kube_validate_invalid_struct (errors, path, "@networking.ServiceCIDRSpec", spec, "may only hold up to 2 values");
    return;
  }
  for (guint i = 0; i < n; i++) {
    const char *range = element_string (ranges, i);
    if (!kube_validate_is_cidr (range, &families[i], &prefix))
      kube_validate_cidr (errors, AT_INDEX (path, i), range);
  }
  if (n == 2 && families[0] == families[1])
    kube_field_errors_invalid_value (errors, path, ranges, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64");
}

static void
create_service_cidr (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  check_ranges (errors, AT (AT (NULL, "spec"), "cidrs"), member_of (spec, "cidrs"), spec);
}

static void
update_service_cidr (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  KubeValue *ranges = kube_value_get (object, "spec.cidrs"), *before = kube_value_get (old, "spec.cidrs");
  guint n = kube_value_get_length (ranges), m = kube_value_get_length (before);
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "cidrs");

  if (n != m && !(m == 1 && n == 2)) {
    kube_field_errors_invalid_value (errors, path, ranges, "field is immutable");
    return;
  }
  for (guint i = 0; i < m; i++)
    if (!equals (element_string (ranges, i), element_string (before, i)))
      kube_field_errors_invalid (errors, AT_INDEX (path, i), element_string (ranges, i), "field is immutable");
  if (n != m)
    create_service_cidr (errors, object);
}

const KubeValidateRules kube_validate_networking_rules[] = {
  { "networking.k8s.io", "Ingress", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_ingress, update_ingress,
    update_ingress_status },
  { "networking.k8s.io", "IngressClass", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE, create_ingress_class,
    update_ingress_class, NULL },
  { "networking.k8s.io", "NetworkPolicy", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_policy, update_policy, NULL },
  { "networking.k8s.io", "IPAddress", KUBE_NAME_RULE_IP, KUBE_VALIDATE_META_ON_UPDATE, create_ip_address, update_ip_address, NULL },
  { "networking.k8s.io", "ServiceCIDR", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_service_cidr, update_service_cidr, NULL },
  { NULL },
};
