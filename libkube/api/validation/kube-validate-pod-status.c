/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* Conditions of others than the node and the scheduler. */
static void
check_conditions (KubeFieldErrors *errors, KubeValue *conditions)
{
  static const char *const known[] = { "PodScheduled", "Ready", "Initialized", NULL };
  const KubeFieldPath *path = AT (AT (NULL, "metadata"), "conditions"); /* where upstream says that they are */

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    const char *type = string_of (kube_value_get_element (conditions, i), "type");
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

static KubeValue *
find_named (KubeValue *list, const char *name)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (equals (string_of (kube_value_get_element (list, i), "name"), name))
      return kube_value_get_element (list, i);
  return NULL;
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
    KubeValue *now = ended != NULL ? find_named (statuses, string_of (before, "name")) : NULL;

    if (now != NULL && member_of (member_of (now, "state"), "terminated") == NULL
        && !may_restart (find_named (containers, string_of (before, "name")), policy, integer_of (ended, "exitCode", 0)))
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

    if (find_named (claims, name) == NULL)
      kube_field_errors_invalid (errors, at, name, "must match the name of an entry in `spec.resourceClaims`");
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, at, name);
    if (has_member (status, "resourceClaimName"))
      kube_validate_format (errors, at, KUBE_NAME_DNS1123_SUBDOMAIN, string_of (status, "resourceClaimName"));
  }
}

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
  kube_validate_immutable (errors, AT (path, "qosClass"), member_of (status, "qosClass"), member_of (old, "qosClass"), NULL);
  check_transitions (errors, AT (path, "containerStatuses"), member_of (status, "containerStatuses"), member_of (old, "containerStatuses"),
                     member_of (spec, "containers"), policy);
  check_transitions (errors, AT (path, "initContainerStatuses"), member_of (status, "initContainerStatuses"), member_of (old, "initContainerStatuses"),
                     member_of (spec, "initContainers"), policy);
  check_transitions (errors, AT (path, "ephemeralContainerStatuses"), member_of (status, "ephemeralContainerStatuses"),
                     member_of (old, "ephemeralContainerStatuses"), NULL, "Never");
  check_claim_statuses (errors, AT (path, "resourceClaimStatuses"), member_of (status, "resourceClaimStatuses"), member_of (spec, "resourceClaims"));
  check_addresses (errors, AT (path, "podIPs"), member_of (status, "podIPs"), "@core.PodIP");
  if (kube_value_get_length (hosts) > 0 && !equals (string_of (status, "hostIP"), string_of (kube_value_get_element (hosts, 0), "ip")))
    kube_field_errors_invalid (errors, AT (AT_INDEX (AT (path, "hostIPs"), 0), "ip"), string_of (kube_value_get_element (hosts, 0), "ip"),
                               "must be equal to `hostIP`");
  check_addresses (errors, AT (path, "hostIPs"), hosts, "@core.HostIP");
}
