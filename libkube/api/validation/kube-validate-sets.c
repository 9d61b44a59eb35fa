/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <kube/kube-selector.h>

/* DaemonSet, StatefulSet, ControllerRevision, PodDisruptionBudget. */

#define MISMATCH "`selector` does not match template `labels`"

static void
check_int_or_percent (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL);

  if (text != NULL)
    kube_validate_format (errors, path, KUBE_NAME_PERCENT, text);
  else
    kube_validate_non_negative (errors, path, kube_value_get_integer (value, NULL, 0));
}

static gint64
number_of (KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL);

  if (text == NULL)
    return kube_value_get_integer (value, NULL, 0);
  return kube_name_is_valid (KUBE_NAME_PERCENT, text) ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static void
check_at_most_all (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *value)
{
  if (kube_value_is_string (value) && number_of (value) > 100)
    kube_field_errors_invalid_value (errors, path, value, "must not be greater than 100%");
}

static void
check_restart (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, const char *deadline)
{
  static const char *const always[] = { "Always", NULL };
  const KubeFieldPath *at = AT (AT (path, "template"), "spec");
  KubeValue *pod = kube_value_get (spec, "template.spec");

  if (!equals (string_of (pod, "restartPolicy"), "Always"))
    kube_field_errors_not_supported (errors, AT (at, "restartPolicy"), string_of (pod, "restartPolicy"), always);
  if (has_member (pod, "activeDeadlineSeconds"))
    kube_field_errors_forbidden (errors, AT (at, "activeDeadlineSeconds"), deadline);
}

/* --- daemon sets --- */

static void
check_daemon_rolling_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rolling)
{
  KubeValue *unavailable = member_of (rolling, "maxUnavailable"), *surge = member_of (rolling, "maxSurge");

  check_int_or_percent (errors, AT (path, "maxUnavailable"), unavailable);
  check_int_or_percent (errors, AT (path, "maxSurge"), surge);
  check_at_most_all (errors, AT (path, "maxUnavailable"), unavailable);
  check_at_most_all (errors, AT (path, "maxSurge"), surge);
  if (number_of (unavailable) != 0 && number_of (surge) != 0)
    kube_field_errors_invalid_value (errors, AT (path, "maxSurge"), surge, "may not be set when maxUnavailable is non-zero");
  else if (number_of (unavailable) == 0 && number_of (surge) == 0)
    kube_field_errors_required (errors, AT (path, "maxUnavailable"), "cannot be 0 when maxSurge is 0");
}

static void
check_daemon_strategy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *strategy)
{
  const char *type = string_of (strategy, "type");
  KubeValue *rolling = member_of (strategy, "rollingUpdate");

  if (equals (type, "OnDelete"))
    return;
  if (!equals (type, "RollingUpdate")) {
    g_autoptr (GString) bad = g_string_new (NULL);
    kube_go_struct_print (bad, "@apps.DaemonSetUpdateStrategy", strategy);
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad->str, "supported values: \"RollingUpdate\", \"OnDelete\"");
  } else if (rolling == NULL) {
    kube_field_errors_required (errors, AT (path, "rollingUpdate"), NULL);
  } else {
    check_daemon_rolling_update (errors, AT (path, "rollingUpdate"), rolling);
  }
}

static guint
selector_size (KubeValue *selector)
{
  return kube_value_get_length (member_of (selector, "matchLabels")) + kube_value_get_length (member_of (selector, "matchExpressions"));
}

static void
create_daemon_set (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *value = member_of (spec, "selector"), *labels = kube_value_get (spec, "template.metadata.labels");
  const KubeFieldPath *path = AT (NULL, "spec");
  g_autoptr (KubeSelector) selector = kube_selector_from_value (value, NULL);

  kube_validate_label_selector (errors, AT (path, "selector"), value);
  if (selector != NULL && !kube_selector_matches_labels (selector, labels))
    kube_field_errors_invalid_value (errors, AT (AT (AT (path, "template"), "metadata"), "labels"), labels, MISMATCH);
  if (value != NULL && selector_size (value) == 0)
    kube_validate_invalid_struct (errors, AT (path, "selector"), "@meta.LabelSelector", value, "empty selector is invalid for daemonset");
  kube_validate_pod_template (errors, AT (path, "template"), member_of (spec, "template"));
  check_restart (errors, path, spec, "activeDeadlineSeconds in DaemonSet is not Supported");
  kube_validate_non_negative_member (errors, path, spec, "minReadySeconds");
  check_daemon_strategy (errors, AT (path, "updateStrategy"), member_of (spec, "updateStrategy"));
  kube_validate_non_negative_member (errors, path, spec, "revisionHistoryLimit");
}

static void
update_daemon_set (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_immutable (errors, AT (AT (NULL, "spec"), "selector"), kube_value_get (object, "spec.selector"), kube_value_get (old, "spec.selector"),
                           "*@meta.LabelSelector");
  create_daemon_set (errors, object);
}

static void
check_collision_count (KubeFieldErrors *errors, KubeValue *status, KubeValue *old)
{
  gint64 count = integer_of (status, "collisionCount", 0);

  if (count < integer_of (old, "collisionCount", 0))
    kube_field_errors_invalid_integer (errors, AT (AT (NULL, "status"), "collisionCount"), count, "cannot be decremented");
}

static void
update_daemon_set_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  static const char *const counts[] = { "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
                                        "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount" };
  KubeValue *status = member_of (object, "status");

  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    kube_validate_non_negative_member (errors, AT (NULL, "status"), status, counts[i]);
  check_collision_count (errors, status, member_of (old, "status"));
}

/* --- stateful sets --- */

static void
check_stateful_rolling_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rolling)
{
  KubeValue *unavailable = member_of (rolling, "maxUnavailable");
  const KubeFieldPath *at = AT (path, "maxUnavailable");

  kube_validate_non_negative_member (errors, path, rolling, "partition");
  if (unavailable == NULL)
    return;
  check_int_or_percent (errors, at, unavailable);
  if (number_of (unavailable) == 0)
    kube_field_errors_invalid_value (errors, at, unavailable, "cannot be 0");
  check_at_most_all (errors, at, unavailable);
}

static void
check_stateful_strategy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *strategy)
{
  const char *type = string_of (strategy, "type");
  KubeValue *rolling = member_of (strategy, "rollingUpdate");

  if (*type == '\0') {
    kube_field_errors_required (errors, path, NULL);
  } else if (equals (type, "OnDelete")) {
    if (rolling != NULL)
      kube_validate_invalid_struct (errors, AT (path, "rollingUpdate"), "@apps.RollingUpdateStatefulSetStrategy", rolling,
                                    "only allowed for updateStrategy 'RollingUpdate'");
  } else if (!equals (type, "RollingUpdate")) {
    kube_validate_invalid_struct (errors, path, "@apps.StatefulSetUpdateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'");
  } else if (rolling != NULL) {
    check_stateful_rolling_update (errors, AT (path, "rollingUpdate"), rolling);
  }
}

/* The volumes that the claim templates will make stand before those of the pod, and name and domain are the set's own business. */
static KubeValue *
template_with_claims (KubeValue *spec)
{
  KubeValue *claims = member_of (spec, "volumeClaimTemplates"), *template_ = member_of (spec, "template"), *volumes = kube_value_get (template_, "spec.volumes");
  g_autoptr (KubeBuilder) builder = kube_builder_new (template_);
  KubeNode *root = kube_builder_get_root (builder), *list;
  g_auto (NameSet) names = { 0 };

  kube_node_remove (root, "spec.subdomain");
  kube_node_remove (root, "spec.hostname");
  if (kube_value_get_length (claims) == 0)
    return kube_builder_end (builder);
  kube_node_remove (root, "spec.volumes");
  list = kube_node_ensure_array (root, "spec.volumes");
  for (guint i = 0; i < kube_value_get_length (claims); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (claims, i), "metadata.name");
    KubeNode *volume;
    if (!name_set_add (&names, name != NULL ? name : ""))
      continue;
    volume = kube_node_append_object (list);
    kube_node_put_string (volume, "name", name != NULL ? name : "");
    kube_node_set_string (volume, "persistentVolumeClaim.claimName", name != NULL ? name : "");
  }
  for (guint i = 0; i < kube_value_get_length (volumes); i++)
    if (!name_set_has (&names, string_of (kube_value_get_element (volumes, i), "name")))
      kube_node_append_value (list, kube_value_get_element (volumes, i));
  return kube_builder_end (builder);
}

static void
check_stateful_template (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  g_autoptr (KubeSelector) selector = kube_selector_from_value (member_of (spec, "selector"), NULL);
  g_autoptr (KubeValue) template_ = NULL;
  KubeValue *labels = kube_value_get (spec, "template.metadata.labels");
  const KubeFieldPath *at = AT (path, "template");

  if (selector == NULL) {
    kube_validate_invalid_struct (errors, AT (path, "selector"), "@meta.LabelSelector", member_of (spec, "selector"), NULL);
    return;
  }
  if (!kube_selector_is_empty (selector) && !kube_selector_matches_labels (selector, labels))
    kube_field_errors_invalid_value (errors, AT (AT (at, "metadata"), "labels"), labels, MISMATCH);
  template_ = template_with_claims (spec);
  kube_validate_pod_template (errors, at, template_);
  kube_validate_labels (errors, AT (at, "labels"), labels);
  kube_validate_annotations (errors, AT (at, "annotations"), kube_value_get (spec, "template.metadata.annotations"));
}

static void
check_stateful_spec (KubeFieldErrors *errors, KubeValue *spec, gboolean update)
{
  static const char *const policies[] = { "Retain", "Delete", NULL };
  static const char *const whens[] = { "whenDeleted", "whenScaled" };
  const KubeFieldPath *path = AT (NULL, "spec");
  KubeValue *retention = member_of (spec, "persistentVolumeClaimRetentionPolicy"), *claims = member_of (spec, "volumeClaimTemplates");
  const char *management = string_of (spec, "podManagementPolicy");

  if (*management == '\0')
    kube_field_errors_required (errors, AT (path, "podManagementPolicy"), NULL);
  else if (!equals (management, "OrderedReady") && !equals (management, "Parallel"))
    kube_field_errors_invalid (errors, AT (path, "podManagementPolicy"), management, "must be 'OrderedReady' or 'Parallel'");
  check_stateful_strategy (errors, AT (path, "updateStrategy"), member_of (spec, "updateStrategy"));
  for (gsize i = 0; i < G_N_ELEMENTS (whens) && retention != NULL; i++)
    if (!kube_validate_one_of (string_of (retention, whens[i]), policies))
      kube_field_errors_not_supported (errors, AT (AT (path, "persistentVolumeClaimRetentionPolicy"), whens[i]), string_of (retention, whens[i]), policies);
  for (guint i = 0; i < kube_value_get_length (claims) && !update; i++)
    kube_validate_volume_claim_spec (errors, AT (AT_INDEX (AT (path, "volumeClaimTemplates"), i), "spec"), member_of (kube_value_get_element (claims, i), "spec"));
  kube_validate_non_negative_member (errors, path, spec, "replicas");
  kube_validate_non_negative_member (errors, path, spec, "minReadySeconds");
  if (has_member (spec, "ordinals"))
    kube_validate_non_negative (errors, AT (path, "ordinals.start"), integer_of (member_of (spec, "ordinals"), "start", 0));
  if (has_text (spec, "serviceName") && !update)
    kube_validate_format (errors, AT (path, "serviceName"), KUBE_NAME_DNS1123_LABEL, string_of (spec, "serviceName"));
  if (!has_member (spec, "selector"))
    kube_field_errors_required (errors, AT (path, "selector"), NULL);
  kube_validate_label_selector (errors, AT (path, "selector"), member_of (spec, "selector"));
  if (has_member (spec, "selector") && selector_size (member_of (spec, "selector")) == 0)
    kube_validate_invalid_struct (errors, AT (path, "selector"), "@meta.LabelSelector", member_of (spec, "selector"), "empty selector is invalid for statefulset");
  check_stateful_template (errors, path, spec);
  check_restart (errors, path, spec, "activeDeadlineSeconds in StatefulSet is not Supported");
}

static void
create_stateful_set (KubeFieldErrors *errors, KubeValue *object)
{
  check_stateful_spec (errors, member_of (object, "spec"), FALSE);
}

static void
update_stateful_set (KubeFieldErrors *errors, KubeValue *object, KubeValue *old_object)
{
  static const char *const fixed[] = { "serviceName", "selector", "volumeClaimTemplates", "podManagementPolicy" };
  KubeValue *spec = member_of (object, "spec"), *old = member_of (old_object, "spec");

  check_stateful_spec (errors, spec, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++)
    if (!kube_validate_semantic_equal (member_of (spec, fixed[i]), member_of (old, fixed[i]))) {
      kube_field_errors_forbidden (errors, AT (NULL, "spec"),
                                   "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                                   "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
      return;
    }
}

static void
update_stateful_set_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  static const char *const counts[] = { "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount" };
  KubeValue *status = member_of (object, "status");
  const KubeFieldPath *path = AT (NULL, "status");
  gint64 replicas = integer_of (status, "replicas", 0), available = integer_of (status, "availableReplicas", 0);

  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    kube_validate_non_negative_member (errors, path, status, counts[i]);
  for (gsize i = 1; i < 5; i++)
    if (integer_of (status, counts[i], 0) > replicas)
      kube_field_errors_invalid_integer (errors, AT (path, counts[i]), integer_of (status, counts[i], 0), "cannot be greater than status.replicas");
  if (available > integer_of (status, "readyReplicas", 0))
    kube_field_errors_invalid_integer (errors, AT (path, "availableReplicas"), available, "cannot be greater than status.readyReplicas");
  check_collision_count (errors, status, member_of (old, "status"));
}

/* --- revisions and budgets --- */

static void
check_revision (KubeFieldErrors *errors, KubeValue *object)
{
  kube_validate_non_negative (errors, AT (NULL, "revision"), integer_of (object, "revision", 0));
}

static void
create_revision (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *data = member_of (object, "data");

  check_revision (errors, object);
  if (data == NULL)
    kube_field_errors_required (errors, AT (NULL, "data"), "data is mandatory");
  else if (!kube_value_is_object (data))
    kube_field_errors_required (errors, AT (NULL, "data"), "data must be a valid JSON object");
}

static void
update_revision (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (object, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  check_revision (errors, object);
  kube_validate_immutable (errors, AT (NULL, "data"), member_of (object, "data"), member_of (old, "data"), NULL);
}

static void
create_budget (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const amounts[] = { "minAvailable", "maxUnavailable" };
  static const char *const policies[] = { "AlwaysAllow", "IfHealthyBudget", NULL };
  KubeValue *spec = member_of (object, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");

  if (has_member (spec, "minAvailable") && has_member (spec, "maxUnavailable"))
    kube_validate_invalid_struct (errors, path, "@policy.PodDisruptionBudgetSpec", spec, "minAvailable and maxUnavailable cannot be both set");
  for (gsize i = 0; i < G_N_ELEMENTS (amounts); i++)
    if (has_member (spec, amounts[i])) {
      check_int_or_percent (errors, AT (path, amounts[i]), member_of (spec, amounts[i]));
      check_at_most_all (errors, AT (path, amounts[i]), member_of (spec, amounts[i]));
    }
  kube_validate_label_selector (errors, AT (path, "selector"), member_of (spec, "selector"));
  if (has_member (spec, "unhealthyPodEvictionPolicy") && !kube_validate_one_of (string_of (spec, "unhealthyPodEvictionPolicy"), policies))
    kube_field_errors_not_supported (errors, AT (path, "unhealthyPodEvictionPolicy"), string_of (spec, "unhealthyPodEvictionPolicy"), policies);
}

static void
update_budget (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_budget (errors, object);
}

static void
update_budget_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old G_GNUC_UNUSED)
{
  static const char *const counts[] = { "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods" };
  KubeValue *status = member_of (object, "status");
  const KubeFieldPath *path = AT (NULL, "status");

  kube_validate_conditions (errors, AT (path, "conditions"), member_of (status, "conditions"));
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    kube_validate_non_negative_member (errors, path, status, counts[i]);
}

const KubeValidateRules kube_validate_sets_rules[] = {
  { "apps", "DaemonSet", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_daemon_set, update_daemon_set, update_daemon_set_status },
  { "apps", "StatefulSet", KUBE_NAME_RULE_LABEL, KUBE_VALIDATE_META_ON_UPDATE, create_stateful_set, update_stateful_set, update_stateful_set_status },
  { "apps", "ControllerRevision", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_revision, update_revision, NULL },
  { "policy", "PodDisruptionBudget", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_ANY_FINALIZER | KUBE_VALIDATE_STATUS_ALONE, create_budget, update_budget, update_budget_status },
  { NULL },
};
