/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

static void
check_observed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *of)
{
  gint64 generation = integer_of (of, "observedGeneration", 0);

  if (generation < 0)
    kube_field_errors_invalid_integer (errors, AT (path, "observedGeneration"), generation, "must be a non-negative integer");
}

/* Conditions of others than the node and the scheduler. */
static void
check_conditions (KubeFieldErrors *errors, KubeValue *conditions)
{
  static const char *const known[] = { "PodScheduled", "Ready", "Initialized", NULL };
  const KubeFieldPath *path = AT (AT (NULL, "status"), "conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    const char *type = string_of (condition, "type");
    check_observed (errors, AT_INDEX (path, i), condition);
    if (!kube_validate_one_of (type, known))
      kube_validate_format (errors, AT (AT_INDEX (path, i), "Type"), KUBE_NAME_QUALIFIED, type);
  }
}

static void
check_nominated_node (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *pod, KubeValue *old)
{
  const char *node = string_of (member_of (pod, "status"), "nominatedNodeName");

  if (*node == '\0' || equals (node, string_of (member_of (old, "status"), "nominatedNodeName")))
    return;
  kube_validate_format (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, node);
  if (has_text (member_of (pod, "spec"), "nodeName"))
    kube_field_errors_forbidden (errors, path, "may not be set on pods that are already bound to a node");
}

static gboolean
has_code (KubeValue *values, gint64 code)
{
  for (guint i = 0; i < kube_value_get_length (values); i++)
    if (kube_value_get_integer (kube_value_get_element (values, i), NULL, -1) == code)
      return TRUE;
  return FALSE;
}

/* Whether a rule of the container, its own policy or the pod's has it run again after it ended with @code. */
static gboolean
may_restart (KubeValue *container, const char *policy, gint64 code)
{
  KubeValue *rules = member_of (container, "restartPolicyRules");

  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *codes = member_of (kube_value_get_element (rules, i), "exitCodes");
    if (has_code (member_of (codes, "values"), code) == equals (string_of (codes, "operator"), "In"))
      return TRUE;
  }
  if (has_text (container, "restartPolicy"))
    policy = string_of (container, "restartPolicy");
  return equals (policy, "Always") || (equals (policy, "OnFailure") && code != 0);
}

static void
check_transitions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *statuses, KubeValue *old, KubeValue *containers, const char *policy)
{
  for (guint i = 0; i < kube_value_get_length (old); i++) {
    KubeValue *before = kube_value_get_element (old, i), *ended = member_of (member_of (before, "state"), "terminated");
    KubeValue *now = ended != NULL ? find_by (statuses, "name", string_of (before, "name")) : NULL;

    if (now != NULL && member_of (member_of (now, "state"), "terminated") == NULL
        && !may_restart (find_by (containers, "name", string_of (before, "name")), policy, integer_of (ended, "exitCode", 0)))
      kube_field_errors_forbidden (errors, AT (AT_INDEX (path, i), "state"), "may not be transitioned to non-terminated state");
  }
}

static void
check_claim_statuses (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *statuses, KubeValue *claims)
{
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    KubeValue *status = kube_value_get_element (statuses, i);
    const char *name = string_of (status, "name");
    const KubeFieldPath *at = AT (AT_INDEX (path, i), "name");

    if (find_by (claims, "name", name) == NULL)
      kube_field_errors_invalid (errors, at, name, "must match the name of an entry in `spec.resourceClaims`");
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, at, name);
    if (has_member (status, "resourceClaimName"))
      kube_validate_format (errors, AT (AT_INDEX (path, i), "resourceClaimName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (status, "resourceClaimName"));
  }
}

static void
check_mapping (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *mapping, KubeValue *spec)
{
  const char *name = string_of (mapping, "containerName"), *resource = string_of (mapping, "resourceName");
  KubeValue *container = find_by (member_of (spec, "containers"), "name", name);

  if (container == NULL)
    container = find_by (member_of (spec, "initContainers"), "name", name);
  if (container == NULL)
    kube_field_errors_invalid (errors, AT (path, "containerName"), name, "must match the name of an entry in spec.initContainers.name or spec.containers.name");
  else if (!has_member (member_of (member_of (container, "resources"), "requests"), resource))
    kube_field_errors_invalid (errors, AT (path, "resourceName"), resource,
                               "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests");
}

/* The claim that was made for what the containers ask of extended resources which devices provide. */
static void
check_extended_claim (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *claim, KubeValue *spec)
{
  static const char *const keys[] = { "containerName", "resourceName", "requestName" };
  KubeValue *mappings = member_of (claim, "requestMappings");
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (claim == NULL)
    return;
  if (kube_value_get_length (mappings) == 0)
    kube_field_errors_required (errors, AT (path, "requestMappings"), "at least one request mapping is required");
  for (guint i = 0; i < kube_value_get_length (mappings); i++) {
    KubeValue *mapping = kube_value_get_element (mappings, i);
    const KubeFieldPath *at = AT_INDEX (AT (path, "requestMappings"), i);

    check_mapping (errors, at, mapping, spec);
    kube_validate_format (errors, AT (path, "requestName"), KUBE_NAME_DNS1123_LABEL, string_of (mapping, "requestName"));
    if (!g_hash_table_add (seen, g_strjoin ("\n", string_of (mapping, keys[0]), string_of (mapping, keys[1]), string_of (mapping, keys[2]), NULL)))
      for (gsize k = 0; k < G_N_ELEMENTS (keys); k++)
        kube_field_errors_duplicate (errors, AT (at, keys[k]), string_of (mapping, keys[k]));
  }
  if (!has_text (claim, "resourceClaimName"))
    kube_field_errors_required (errors, AT (path, "resourceClaimName"), NULL);
  else
    kube_validate_format (errors, AT (path, "resourceClaimName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (claim, "resourceClaimName"));
}

/* --- what a container was given --- */

#define HEALTH_MESSAGE_MAX 1024
#define ID_RANGE "must be between 0 and 2147483647, inclusive"

static void
check_id (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 id)
{
  if (id < 0 || id > G_MAXINT32)
    kube_field_errors_invalid_integer (errors, path, id, ID_RANGE);
}

static void
check_user (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *user, const char *os)
{
  KubeValue *groups = member_of (user, "supplementalGroups");

  if (user == NULL)
    return;
  if (equals (os, "windows")) {
    kube_field_errors_forbidden (errors, path, "cannot be set for a windows pod");
    return;
  }
  check_id (errors, AT (path, "uid"), integer_of (user, "uid", 0));
  check_id (errors, AT (path, "gid"), integer_of (user, "gid", 0));
  for (guint i = 0; i < kube_value_get_length (groups); i++)
    check_id (errors, AT_INDEX (AT (path, "supplementalGroups"), i), kube_value_get_integer (kube_value_get_element (groups, i), NULL, 0));
}

/* `claim:NAME/REQUEST`, or `claim:NAME` where it names no request. */
static gboolean
has_claim (KubeValue *claims, const char *name)
{
  for (guint i = 0; i < kube_value_get_length (claims); i++) {
    KubeValue *claim = kube_value_get_element (claims, i);
    const char *request = string_of (claim, "request");
    g_autofree char *full = g_strconcat ("claim:", string_of (claim, "name"), *request != '\0' ? "/" : "", request, NULL);
    if (equals (full, name))
      return TRUE;
  }
  return FALSE;
}

static void
check_resource_asked (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *container)
{
  KubeValue *resources = member_of (container, "resources");

  if (container == NULL)
    return;
  if (!g_str_has_prefix (name, "claim:") && !has_member (member_of (resources, "requests"), name))
    kube_field_errors_invalid (errors, path, name, "must match one of the container's resource requests");
  else if (g_str_has_prefix (name, "claim:") && !has_claim (member_of (resources, "claims"), name))
    kube_field_errors_invalid (errors, path, name,
                               "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty");
}

static void
check_healths (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *healths)
{
  static const char *const values[] = { "Healthy", "Unhealthy", "Unknown", NULL };
  g_auto (NameSet) seen = { 0 };

  for (guint i = 0; i < kube_value_get_length (healths); i++) {
    KubeValue *health = kube_value_get_element (healths, i);
    const char *message = string_of (health, "message");
    const KubeFieldPath *at = AT_INDEX (path, i);

    if (!kube_validate_one_of (string_of (health, "health"), values))
      kube_field_errors_not_supported (errors, AT (at, "health"), string_of (health, "health"), values);
    if (has_member (health, "message") && *message == '\0')
      kube_field_errors_required (errors, AT (at, "message"), "must be non-empty if specified");
    else if (strlen (message) > HEALTH_MESSAGE_MAX)
      kube_field_errors_too_long (errors, AT (at, "message"), HEALTH_MESSAGE_MAX);
    if (!name_set_add (&seen, string_of (health, "resourceID")))
      kube_field_errors_duplicate (errors, AT (at, "resourceID"), string_of (health, "resourceID"));
  }
}

static void
check_users (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *statuses, const char *os)
{
  for (guint i = 0; i < kube_value_get_length (statuses); i++)
    check_user (errors, AT (AT (AT_INDEX (path, i), "user"), "linux"), kube_value_get (kube_value_get_element (statuses, i), "user.linux"), os);
}

/* @containers: (nullable): whose statuses these are; nothing is set aside for ephemeral ones. */
static void
check_allocated (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *statuses, KubeValue *containers, gboolean ephemeral)
{
  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    KubeValue *status = kube_value_get_element (statuses, i), *allocated = member_of (status, "allocatedResourcesStatus");
    const KubeFieldPath *at = AT (AT_INDEX (path, i), "allocatedResourcesStatus");

    if (ephemeral && kube_value_get_length (allocated) > 0)
      kube_field_errors_forbidden (errors, at, "must not be specified in container status");
    for (guint k = 0; k < kube_value_get_length (allocated) && !ephemeral; k++) {
      KubeValue *resource = kube_value_get_element (allocated, k);
      check_resource_asked (errors, AT (AT_INDEX (at, k), "name"), string_of (resource, "name"), find_by (containers, "name", string_of (status, "name")));
      check_healths (errors, AT (AT_INDEX (at, k), "resources"), member_of (resource, "resources"));
    }
  }
}

static void
check_given (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *status, KubeValue *spec)
{
  static const struct {
    const char *statuses, *containers;
  } lists[] = { { "containerStatuses", "containers" }, { "initContainerStatuses", "initContainers" }, { "ephemeralContainerStatuses", NULL } };
  const char *os = string_of (member_of (spec, "os"), "name");

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++)
    check_users (errors, AT (path, lists[l].statuses), member_of (status, lists[l].statuses), os);
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++)
    check_allocated (errors, AT (path, lists[l].statuses), member_of (status, lists[l].statuses),
                     lists[l].containers != NULL ? member_of (spec, lists[l].containers) : NULL, lists[l].containers == NULL);
}

/* --- addresses --- */

/* One address of each family, at most. @type: the name of upstream's structure */
static void
check_addresses (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, const char *type)
{
  g_autofree char *all = g_strconcat ("[", type, NULL);
  g_auto (NameSet) seen = { 0 };
  guint n = kube_value_get_length (list);
  int families[2] = { 0, 0 };

  for (guint i = 0; i < n; i++) {
    const char *address = string_of (kube_value_get_element (list, i), "ip");
    kube_validate_ip (errors, AT_INDEX (path, i), address);
    kube_validate_is_ip (address, &families[i & 1]);
  }
  if (n > 2 || (n == 2 && families[0] == families[1]))
    kube_validate_invalid_struct (errors, path, all, list, "may specify no more than one IP for each IP family");
  for (guint i = 0; i < n && n > 1; i++)
    if (!name_set_add (&seen, string_of (kube_value_get_element (list, i), "ip"))) {
      g_autoptr (GString) bad = g_string_new (NULL);
      kube_go_struct_print (bad, type, kube_value_get_element (list, i));
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_DUPLICATE, AT_INDEX (path, i), bad->str, NULL);
    }
}

void
kube_validate_pod_update_status (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod)
{
  KubeValue *spec = member_of (pod, "spec"), *status = member_of (pod, "status"), *old = member_of (old_pod, "status");
  const char *policy = string_of (member_of (old_pod, "spec"), "restartPolicy");
  const KubeFieldPath *path = AT (NULL, "status");
  KubeValue *hosts = member_of (status, "hostIPs");

  kube_validate_pod_update_annotations (errors, pod, old_pod);
  check_conditions (errors, member_of (status, "conditions"));
  check_nominated_node (errors, AT (path, "nominatedNodeName"), pod, old_pod);
  check_observed (errors, path, status);
  kube_validate_immutable (errors, AT (path, "qosClass"), member_of (status, "qosClass"), member_of (old, "qosClass"), NULL);
  check_transitions (errors, AT (path, "containerStatuses"), member_of (status, "containerStatuses"), member_of (old, "containerStatuses"),
                     member_of (spec, "containers"), policy);
  check_transitions (errors, AT (path, "initContainerStatuses"), member_of (status, "initContainerStatuses"), member_of (old, "initContainerStatuses"),
                     member_of (spec, "initContainers"), policy);
  check_transitions (errors, AT (path, "ephemeralContainerStatuses"), member_of (status, "ephemeralContainerStatuses"),
                     member_of (old, "ephemeralContainerStatuses"), NULL, "Never");
  check_claim_statuses (errors, AT (path, "resourceClaimStatuses"), member_of (status, "resourceClaimStatuses"), member_of (spec, "resourceClaims"));
  check_extended_claim (errors, AT (path, "extendedResourceClaimStatus"), member_of (status, "extendedResourceClaimStatus"), spec);
  check_addresses (errors, AT (path, "podIPs"), member_of (status, "podIPs"), "@core.PodIP");
  if (kube_value_get_length (hosts) > 0 && !equals (string_of (status, "hostIP"), string_of (kube_value_get_element (hosts, 0), "ip")))
    kube_field_errors_invalid (errors, AT (AT_INDEX (AT (path, "hostIPs"), 0), "ip"), string_of (kube_value_get_element (hosts, 0), "ip"),
                               "must be equal to `hostIP`");
  check_addresses (errors, AT (path, "hostIPs"), hosts, "@core.HostIP");
  check_given (errors, path, status, spec);
}
