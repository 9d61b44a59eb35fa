/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

static void
check_claims (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *claims, KubeValue *meta, NameSet *names)
{
  for (guint i = 0; i < kube_value_get_length (claims); i++) {
    KubeValue *claim = kube_value_get_element (claims, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *name = string_of (claim, "name");
    gboolean direct = has_member (claim, "resourceClaimName"), template_ = has_member (claim, "resourceClaimTemplateName");

    if (kube_value_get_member (member_of (meta, "annotations"), "kubernetes.io/config.mirror") != NULL) {
      kube_field_errors_forbidden (errors, AT (NULL, ""), "static pods do not support resource claims");
      continue;
    }
    if (*name == '\0')
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    else if (!name_set_add (names, name))
      kube_field_errors_duplicate (errors, AT (at, "name"), name);
    else
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_DNS1123_LABEL, name);
    if (direct && template_)
      kube_validate_invalid_struct (errors, at, "@core.PodResourceClaim", claim,
                                    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    if (!direct && !template_)
      kube_validate_invalid_struct (errors, at, "@core.PodResourceClaim", claim,
                                    "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    if (direct)
      kube_validate_format (errors, AT (at, "resourceClaimName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (claim, "resourceClaimName"));
    if (template_)
      kube_validate_format (errors, AT (at, "resourceClaimTemplateName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (claim, "resourceClaimTemplateName"));
  }
}

static void
check_host_network (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, gboolean is_pod)
{
  KubeValue *containers = member_of (spec, "containers");

  for (guint c = 0; boolean_of (spec, "hostNetwork") && c < kube_value_get_length (containers); c++) {
    KubeValue *ports = member_of (kube_value_get_element (containers, c), "ports");
    for (guint p = 0; p < kube_value_get_length (ports); p++) {
      KubeValue *port = kube_value_get_element (ports, p);
      gint64 host = integer_of (port, "hostPort", 0);
      if ((is_pod || host != 0) && host != integer_of (port, "containerPort", 0))
        kube_field_errors_invalid_integer (errors, AT (AT_INDEX (AT (AT_INDEX (AT (path, "containers"), c), "ports"), p), "hostPort"), host,
                                           "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

/* Labels that begin with a letter or digit, perhaps behind one underscore, and end with a letter or digit. */
static gboolean
is_search_domain (const char *text, char **trimmed)
{
  gsize length = strlen (text);
  gboolean begins = TRUE; /* nothing but an underscore stands in this label */
  char before = '.';

  if (length > 0 && text[length - 1] == '.')
    length--;
  *trimmed = g_strndup (text, length);
  if (length == 0 || length > 253)
    return FALSE;
  for (gsize i = 0; i < length; before = text[i++]) {
    gboolean word = g_ascii_islower (text[i]) || g_ascii_isdigit (text[i]);

    if (text[i] == '.' && !begins && before != '-' && before != '_')
      begins = TRUE;
    else if (word)
      begins = FALSE;
    else if (begins ? text[i] != '_' || before != '.' : text[i] != '-' && text[i] != '_')
      return FALSE;
  }
  return !begins && before != '-' && before != '_';
}

static void
check_searches (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *searches)
{
  guint n = kube_value_get_length (searches);
  gsize total = n > 0 ? n - 1 : 0;

  for (guint i = 0; i < n; i++)
    total += strlen (element_string (searches, i));
  if (n > 32)
    kube_field_errors_invalid_value (errors, path, searches, "must not have more than 32 search paths");
  if (total > 2048)
    kube_field_errors_invalid_value (errors, path, searches, "must not have more than 2048 characters (including spaces) in the search list");
  for (guint i = 0; i < n; i++) {
    g_autofree char *trimmed = NULL;
    const char *search = element_string (searches, i);

    if (equals (search, ".") || is_search_domain (search, &trimmed))
      continue;
    if (strlen (trimmed) > 253)
      kube_field_errors_invalid (errors, AT_INDEX (path, i), trimmed, "must be no more than 253 characters");
    else
      kube_field_errors_invalid (
        errors, AT_INDEX (path, i), trimmed,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'example.com', regex used for validation is "
        "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')");
  }
}

static void
check_dns_config (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *config, const char *policy)
{
  KubeValue *servers = member_of (config, "nameservers"), *options = member_of (config, "options");
  guint n = kube_value_get_length (servers);

  if (equals (policy, "None") && config == NULL) {
    kube_field_errors_required (errors, path, "must provide `dnsConfig` when `dnsPolicy` is None");
    return;
  }
  if (equals (policy, "None") && n == 0) {
    kube_field_errors_required (errors, AT (path, "nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
    return;
  }
  if (n > 3)
    kube_field_errors_invalid_value (errors, AT (path, "nameservers"), servers, "must not have more than 3 nameservers");
  for (guint i = 0; i < n; i++)
    kube_validate_ip (errors, AT_INDEX (AT (path, "nameservers"), i), element_string (servers, i));
  check_searches (errors, AT (path, "searches"), member_of (config, "searches"));
  for (guint i = 0; i < kube_value_get_length (options); i++)
    if (!has_text (kube_value_get_element (options, i), "name"))
      kube_field_errors_required (errors, AT_INDEX (AT (path, "options"), i), "must not be empty");
}

static void
check_gates (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *readiness = member_of (spec, "readinessGates"), *scheduling = member_of (spec, "schedulingGates");
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (readiness); i++)
    kube_validate_format (errors, AT (AT_INDEX (AT (path, "readinessGates"), i), "conditionType"), KUBE_NAME_QUALIFIED,
                          string_of (kube_value_get_element (readiness, i), "conditionType"));
  for (guint i = 0; i < kube_value_get_length (scheduling); i++) {
    const char *name = string_of (kube_value_get_element (scheduling, i), "name");
    const KubeFieldPath *at = AT_INDEX (AT (path, "schedulingGates"), i);
    kube_validate_format (errors, at, KUBE_NAME_QUALIFIED, name);
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, at, name);
  }
}

static void
check_host_users (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };

  if (boolean_of (spec, "hostPID"))
    kube_field_errors_forbidden (errors, AT (path, "HostPID"), "when `hostUsers` is false");
  if (boolean_of (spec, "hostIPC"))
    kube_field_errors_forbidden (errors, AT (path, "HostIPC"), "when `hostUsers` is false");
  if (boolean_of (spec, "hostNetwork"))
    kube_field_errors_forbidden (errors, AT (path, "hostNetwork"), "when `hostUsers` is false");
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (spec, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      if (kube_value_get_length (member_of (kube_value_get_element (list, i), "volumeDevices")) > 0)
        kube_field_errors_forbidden (errors, AT (AT_INDEX (AT (path, lists[l]), i), "volumeDevices"), "when `hostUsers` is false");
  }
}

static void
check_host_name (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  const char *name = string_of (spec, "hostnameOverride");
  const KubeFieldPath *at = AT (path, "hostnameOverride");

  if (!has_member (spec, "hostnameOverride"))
    return;
  if (boolean_of (spec, "setHostnameAsFQDN"))
    kube_field_errors_forbidden (errors, at, "may not be specified when setHostnameAsFQDN is true");
  if (boolean_of (spec, "hostNetwork"))
    kube_field_errors_forbidden (errors, at, "may not be specified when hostNetwork is true");
  if (strlen (name) > 64)
    kube_field_errors_too_long (errors, at, 64);
  kube_validate_format (errors, at, KUBE_NAME_DNS1123_SUBDOMAIN, name);
}

static void
check_host_aliases (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *aliases)
{
  for (guint i = 0; i < kube_value_get_length (aliases); i++) {
    KubeValue *alias = kube_value_get_element (aliases, i), *names = member_of (alias, "hostnames");
    kube_validate_ip (errors, AT (AT_INDEX (path, i), "ip"), string_of (alias, "ip"));
    for (guint k = 0; k < kube_value_get_length (names); k++)
      kube_validate_format (errors, AT_INDEX (AT (AT_INDEX (path, i), "hostnames"), k), KUBE_NAME_DNS1123_SUBDOMAIN, element_string (names, k));
  }
}

static void
check_format_if_set (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key, KubeNameFormat format)
{
  if (has_text (object, key))
    kube_validate_format (errors, AT (path, key), format, string_of (object, key));
}

static void
check_containers_os (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };

  if (has_member (member_of (spec, "securityContext"), "windowsOptions"))
    kube_field_errors_forbidden (errors, AT (AT (path, "securityContext"), "windowsOptions"), "windows options cannot be set for a linux pod");
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (spec, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      if (has_member (member_of (kube_value_get_element (list, i), "securityContext"), "windowsOptions"))
        kube_field_errors_forbidden (errors, AT (AT (AT_INDEX (AT (path, lists[l]), i), "securityContext"), "windowsOptions"),
                                     "windows options cannot be set for a linux pod");
  }
}

static void
check_os (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const valid[] = { "linux", "windows", NULL };
  const char *name = string_of (member_of (spec, "os"), "name");

  if (!has_member (spec, "os"))
    return;
  if (*name == '\0')
    kube_field_errors_required (errors, AT (AT (path, "os"), "name"), "cannot be empty");
  else if (!kube_validate_one_of (name, valid))
    kube_field_errors_not_supported (errors, AT (path, "os"), name, valid);
  if (equals (name, "linux"))
    check_containers_os (errors, path, spec);
  else if (equals (name, "windows"))
    kube_validate_windows (errors, path, spec);
}

static void
check_numbers (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  gint64 deadline = integer_of (spec, "activeDeadlineSeconds", 1);

  if (deadline < 1 || deadline > G_MAXINT32)
    kube_field_errors_invalid_integer (errors, AT (path, "activeDeadlineSeconds"), deadline, "must be between 1 and 2147483647, inclusive");
}

static void
check_file_volumes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *env, KubeValue *volumes)
{
  for (guint i = 0; i < kube_value_get_length (env); i++) {
    KubeValue *ref = kube_value_get (kube_value_get_element (env, i), "valueFrom.fileKeyRef"), *volume = NULL;
    const KubeFieldPath *at = AT (AT (AT (AT_INDEX (path, i), "valueFrom"), "fileKeyRef"), "volumeName");
    const char *name = string_of (ref, "volumeName");

    for (guint v = 0; ref != NULL && v < kube_value_get_length (volumes) && volume == NULL; v++)
      if (equals (string_of (kube_value_get_element (volumes, v), "name"), name))
        volume = kube_value_get_element (volumes, v);
    if (ref != NULL && volume == NULL)
      kube_field_errors_not_found (errors, at, name);
    else if (ref != NULL && !has_member (volume, "emptyDir"))
      kube_field_errors_invalid (errors, at, name, "referenced volume must be of type emptyDir");
  }
}

/* Variables that come from a file need the volume in which it is. */
static void
check_files (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (spec, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      check_file_volumes (errors, AT (AT_INDEX (AT (path, lists[l]), i), "env"), member_of (kube_value_get_element (list, i), "env"), member_of (spec, "volumes"));
  }
}

static void
check_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const preemption[] = { "PreemptLowerPriority", "Never", NULL };

  check_format_if_set (errors, path, spec, "serviceAccountName", KUBE_NAME_DNS1123_SUBDOMAIN);
  check_format_if_set (errors, path, spec, "nodeName", KUBE_NAME_DNS1123_SUBDOMAIN);
  check_numbers (errors, path, spec);
  check_format_if_set (errors, path, spec, "hostname", KUBE_NAME_DNS1123_LABEL);
  check_format_if_set (errors, path, spec, "subdomain", KUBE_NAME_DNS1123_LABEL);
  kube_validate_tolerations (errors, AT (path, "tolerations"), member_of (spec, "tolerations"));
  check_host_aliases (errors, AT (path, "hostAliases"), member_of (spec, "hostAliases"));
  check_format_if_set (errors, path, spec, "priorityClassName", KUBE_NAME_DNS1123_SUBDOMAIN);
  if (has_member (spec, "runtimeClassName"))
    kube_validate_format (errors, AT (path, "runtimeClassName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (spec, "runtimeClassName"));
  if (has_member (spec, "preemptionPolicy"))
    kube_validate_enum (errors, AT (path, "preemptionPolicy"), string_of (spec, "preemptionPolicy"), "", preemption);
  kube_validate_overhead (errors, AT (path, "overhead"), member_of (spec, "overhead"));
  check_os (errors, path, spec);
  check_files (errors, path, spec);
}

/* @meta: (nullable): of the pod; NULL in templates. */
void
kube_validate_pod_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *meta, gboolean is_pod)
{
  static const char *const restart_policies[] = { "Always", "OnFailure", "Never", NULL };
  static const char *const dns_policies[] = { "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", NULL };
  g_auto (NameSet) volumes = { 0 };
  g_auto (NameSet) claims = { 0 };
  KubePodCheck check = { .errors = errors, .spec = spec, .volumes = &volumes, .claims = &claims, .is_pod = is_pod };

  check.has_grace_period = has_member (spec, "terminationGracePeriodSeconds");
  check.grace_period = integer_of (spec, "terminationGracePeriodSeconds", -1);
  check.host_users = !has_member (spec, "hostUsers") || boolean_of (spec, "hostUsers");
  if (!check.has_grace_period)
    kube_field_errors_required (errors, AT (path, "terminationGracePeriodSeconds"), NULL);

  kube_validate_pod_volumes (errors, AT (path, "volumes"), member_of (spec, "volumes"), meta, is_pod, &volumes);
  check_claims (errors, AT (path, "resourceClaims"), member_of (spec, "resourceClaims"), meta, &claims);
  kube_validate_containers (&check, AT (path, "containers"), member_of (spec, "containers"));
  kube_validate_init_containers (&check, AT (path, "initContainers"), member_of (spec, "initContainers"), member_of (spec, "containers"));
  kube_validate_ephemeral_containers (&check, AT (path, "ephemeralContainers"), member_of (spec, "ephemeralContainers"));
  kube_validate_pod_resources (errors, AT (path, "resources"), spec, &claims);
  check_host_network (errors, path, spec, is_pod);
  kube_validate_enum (errors, AT (path, "restartPolicy"), string_of (spec, "restartPolicy"), "", restart_policies);
  kube_validate_enum (errors, AT (path, "dnsPolicy"), string_of (spec, "dnsPolicy"), "", dns_policies);
  kube_validate_labels (errors, AT (path, "nodeSelector"), member_of (spec, "nodeSelector"));
  kube_validate_pod_security_context (errors, AT (path, "securityContext"), member_of (spec, "securityContext"), spec);
  kube_validate_affinity (errors, AT (path, "affinity"), member_of (spec, "affinity"));
  check_dns_config (errors, AT (path, "dnsConfig"), member_of (spec, "dnsConfig"), string_of (spec, "dnsPolicy"));
  check_gates (errors, path, spec);
  kube_validate_spread_constraints (errors, AT (path, "topologySpreadConstraints"), member_of (spec, "topologySpreadConstraints"));
  kube_validate_host_processes (errors, path, spec);
  if (!check.host_users)
    check_host_users (errors, path, spec);
  check_host_name (errors, path, spec);
  check_names (errors, path, spec);
}

void
kube_validate_pod_template (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *template_)
{
  KubeValue *meta = member_of (template_, "metadata"), *spec = member_of (template_, "spec");

  kube_validate_labels (errors, AT (path, "labels"), member_of (meta, "labels"));
  kube_validate_annotations (errors, AT (path, "annotations"), member_of (meta, "annotations"));
  kube_validate_pod_annotations (errors, AT (path, "annotations"), member_of (meta, "annotations"), spec);
  kube_validate_pod_spec (errors, AT (path, "spec"), spec, NULL, FALSE);
  kube_validate_pod_profiles (errors, AT (path, "spec"), spec, member_of (meta, "annotations"));
  if (kube_value_get_length (member_of (spec, "ephemeralContainers")) > 0)
    kube_field_errors_forbidden (errors, AT (AT (path, "spec"), "ephemeralContainers"), "ephemeral containers not allowed in pod template");
}

void
kube_validate_pod_images (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *containers, gboolean update)
{
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    const char *image = string_of (kube_value_get_element (containers, i), "image");
    gsize length = strlen (image);

    if (update && length == 0)
      kube_field_errors_required (errors, AT (AT_INDEX (path, i), "image"), NULL);
    if (length > 0 && (g_ascii_isspace (image[0]) || g_ascii_isspace (image[length - 1])))
      kube_field_errors_invalid (errors, AT (AT_INDEX (path, i), "image"), image, "must not have leading or trailing whitespace");
  }
}

static void
check_tokens (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *volumes = member_of (spec, "volumes");

  if (has_text (spec, "serviceAccountName"))
    return;
  for (guint v = 0; v < kube_value_get_length (volumes); v++) {
    KubeValue *sources = member_of (member_of (kube_value_get_element (volumes, v), "projected"), "sources");
    for (guint s = 0; s < kube_value_get_length (sources); s++)
      if (has_member (kube_value_get_element (sources, s), "serviceAccountToken"))
        kube_field_errors_forbidden (errors, AT (AT_INDEX (AT (AT (AT_INDEX (AT (path, "volumes"), v), "projected"), "sources"), s), "serviceAccountToken"),
                                     "must not be specified when serviceAccountName is not set");
  }
}

void
kube_validate_whole_pod (KubeFieldErrors *errors, KubeValue *pod)
{
  KubeValue *meta = member_of (pod, "metadata"), *spec = member_of (pod, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");

  kube_validate_pod_annotations (errors, AT (AT (NULL, "metadata"), "annotations"), member_of (meta, "annotations"), spec);
  kube_validate_pod_spec (errors, path, spec, meta, TRUE);
  check_tokens (errors, path, spec);
  kube_validate_pod_images (errors, AT (path, "containers"), member_of (spec, "containers"), FALSE);
  kube_validate_pod_images (errors, AT (path, "initContainers"), member_of (spec, "initContainers"), FALSE);
}

static void
create_pod (KubeFieldErrors *errors, KubeValue *pod)
{
  KubeValue *spec = member_of (pod, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");

  kube_validate_whole_pod (errors, pod);
  if (kube_value_get_length (member_of (spec, "ephemeralContainers")) > 0)
    kube_field_errors_forbidden (errors, AT (path, "ephemeralContainers"), "cannot be set on create");
  if (has_text (spec, "nodeName") && kube_value_get_length (member_of (spec, "schedulingGates")) > 0)
    kube_field_errors_forbidden (errors, AT (path, "nodeName"), "cannot be set until all schedulingGates have been cleared");
  kube_validate_pod_profiles (errors, path, spec, kube_value_get (pod, "metadata.annotations"));
}

static void
create_pod_template (KubeFieldErrors *errors, KubeValue *object)
{
  kube_validate_pod_template (errors, AT (NULL, "template"), member_of (object, "template"));
}

static void
update_pod_template (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_pod_template (errors, object);
}

const KubeValidateRules kube_validate_pod_rules[] = {
  { "", "Pod", KUBE_NAME_RULE_SUBDOMAIN, 0, create_pod, kube_validate_pod_update, kube_validate_pod_update_status, kube_validate_pod_update_part },
  { "", "PodTemplate", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_pod_template, update_pod_template, NULL },
  { NULL },
};
