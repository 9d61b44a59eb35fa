/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <kube/kube-selector.h>

/* Deployment, ReplicaSet, ReplicationController, Scale. */

static void
check_template_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, const char *deadline)
{
  static const char *const always[] = { "Always", NULL };

  if (!equals (string_of (spec, "restartPolicy"), "Always"))
    kube_field_errors_not_supported (errors, AT (path, "restartPolicy"), string_of (spec, "restartPolicy"), always);
  if (has_member (spec, "activeDeadlineSeconds"))
    kube_field_errors_forbidden (errors, AT (path, "activeDeadlineSeconds"), deadline);
}

static void
check_template (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *template_, KubeSelector *selector, const char *deadline)
{
  KubeValue *labels = member_of (member_of (template_, "metadata"), "labels");

  if (!kube_selector_is_empty (selector) && !kube_selector_matches_labels (selector, labels))
    kube_field_errors_invalid_value (errors, AT (AT (path, "metadata"), "labels"), labels, "`selector` does not match template `labels`");
  kube_validate_pod_template (errors, path, template_);
  check_template_policy (errors, AT (path, "spec"), member_of (template_, "spec"), deadline);
}

static void
check_selected_template (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *value = member_of (spec, "selector");
  g_autoptr (KubeSelector) selector = kube_selector_from_value (value, NULL);
  const KubeFieldPath *at = AT (path, "selector");

  if (value == NULL) {
    kube_field_errors_required (errors, at, NULL);
  } else {
    kube_validate_label_selector (errors, at, value);
    if (kube_value_get_length (member_of (value, "matchLabels")) + kube_value_get_length (member_of (value, "matchExpressions")) == 0)
      kube_validate_invalid_struct (errors, at, "@meta.LabelSelector", value, "empty selector is invalid for deployment");
  }
  if (selector == NULL)
    kube_validate_invalid_struct (errors, at, "@meta.LabelSelector", value, "invalid label selector");
  else
    check_template (errors, AT (path, "template"), member_of (spec, "template"), selector, "activeDeadlineSeconds in ReplicaSet is not Supported");
}

/* An integer, or a percentage. */
static gboolean
check_int_or_percent (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL);
  gint64 number = kube_value_get_integer (value, NULL, 0);

  if (text != NULL)
    kube_validate_format (errors, path, KUBE_NAME_PERCENT, text);
  else
    kube_validate_non_negative (errors, path, number);
  return text == NULL;
}

static gint64
percent_of (KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL);
  return text != NULL && kube_name_is_valid (KUBE_NAME_PERCENT, text) ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static gboolean
is_zero (KubeValue *value)
{
  return kube_value_peek_string (value, NULL) != NULL ? percent_of (value) == 0 : kube_value_get_integer (value, NULL, 0) == 0;
}

static void
check_rolling_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rolling)
{
  KubeValue *unavailable = member_of (rolling, "maxUnavailable"), *surge = member_of (rolling, "maxSurge");

  check_int_or_percent (errors, AT (path, "maxUnavailable"), unavailable);
  check_int_or_percent (errors, AT (path, "maxSurge"), surge);
  if (is_zero (unavailable) && is_zero (surge))
    kube_field_errors_invalid_value (errors, AT (path, "maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0");
  if (percent_of (unavailable) > 100)
    kube_field_errors_invalid_value (errors, AT (path, "maxUnavailable"), unavailable, "must not be greater than 100%");
}

static void
check_strategy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *strategy)
{
  const char *type = string_of (strategy, "type");
  KubeValue *rolling = member_of (strategy, "rollingUpdate");

  if (equals (type, "Recreate")) {
    if (rolling != NULL)
      kube_field_errors_forbidden (errors, AT (path, "rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
  } else if (equals (type, "RollingUpdate")) {
    if (rolling == NULL)
      kube_field_errors_required (errors, AT (path, "rollingUpdate"), "this should be defaulted and never be nil");
    else
      check_rolling_update (errors, AT (path, "rollingUpdate"), rolling);
  } else {
    g_autoptr (GString) bad = g_string_new (NULL);
    kube_go_struct_print (bad, "@apps.DeploymentStrategy", strategy);
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad->str, "supported values: \"Recreate\", \"RollingUpdate\"");
  }
}

static void
create_deployment (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");
  gint64 deadline = integer_of (spec, "progressDeadlineSeconds", 0);

  kube_validate_non_negative_member (errors, path, spec, "replicas");
  check_selected_template (errors, path, spec);
  check_strategy (errors, AT (path, "strategy"), member_of (spec, "strategy"));
  kube_validate_non_negative_member (errors, path, spec, "minReadySeconds");
  kube_validate_non_negative_member (errors, path, spec, "revisionHistoryLimit");
  if (has_member (spec, "progressDeadlineSeconds")) {
    kube_validate_non_negative (errors, AT (path, "progressDeadlineSeconds"), deadline);
    if (deadline <= integer_of (spec, "minReadySeconds", 0))
      kube_field_errors_invalid_integer (errors, AT (path, "progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
  }
}

static void
check_selector_unchanged (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_immutable (errors, AT (AT (NULL, "spec"), "selector"), kube_value_get (object, "spec.selector"), kube_value_get (old, "spec.selector"),
                           "*@meta.LabelSelector");
}

static void
update_deployment (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_deployment (errors, object);
  check_selector_unchanged (errors, object, old);
}

static void
check_not_more (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *status, const char *key, const char *than, const char *detail)
{
  gint64 value = integer_of (status, key, 0);

  if (value > integer_of (status, than, 0))
    kube_field_errors_invalid_integer (errors, AT (path, key), value, detail);
}

static void
check_replica_counts (KubeFieldErrors *errors, KubeValue *status, const char *const *counts, const char *first)
{
  const KubeFieldPath *path = AT (NULL, "status");
  static const char replicas[] = "cannot be greater than status.replicas";

  for (; *counts != NULL; counts++)
    kube_validate_non_negative_member (errors, path, status, *counts);
  check_not_more (errors, path, status, first, "replicas", replicas);
  check_not_more (errors, path, status, "readyReplicas", "replicas", replicas);
  check_not_more (errors, path, status, "availableReplicas", "replicas", replicas);
  check_not_more (errors, path, status, "availableReplicas", "readyReplicas", "cannot be greater than readyReplicas");
}

static void
update_deployment_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  static const char *const counts[] = { "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
                                        "terminatingReplicas", "collisionCount", NULL };
  KubeValue *status = member_of (object, "status");

  check_replica_counts (errors, status, counts, "updatedReplicas");
  if (integer_of (status, "collisionCount", 0) < integer_of (member_of (old, "status"), "collisionCount", 0))
    kube_field_errors_invalid_integer (errors, AT (AT (NULL, "status"), "collisionCount"), integer_of (status, "collisionCount", 0), "cannot be decremented");
}

static void
create_replica_set (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");

  kube_validate_non_negative_member (errors, path, spec, "replicas");
  kube_validate_non_negative_member (errors, path, spec, "minReadySeconds");
  check_selected_template (errors, path, spec);
}

static void
update_replica_set (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_replica_set (errors, object);
  check_selector_unchanged (errors, object, old);
}

static void
update_replica_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  static const char *const counts[] = { "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration",
                                        "terminatingReplicas", NULL };
  check_replica_counts (errors, member_of (object, "status"), counts, "fullyLabeledReplicas");
}

static void
create_replication_controller (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *template_ = member_of (spec, "template");
  const KubeFieldPath *path = AT (NULL, "spec");
  g_autoptr (KubeSelector) selector = kube_selector_from_labels (member_of (spec, "selector"));

  kube_validate_non_negative_member (errors, path, spec, "minReadySeconds");
  if (kube_selector_is_empty (selector))
    kube_field_errors_required (errors, AT (path, "selector"), NULL);
  if (!has_member (spec, "replicas"))
    kube_field_errors_required (errors, AT (path, "replicas"), NULL);
  kube_validate_non_negative_member (errors, path, spec, "replicas");
  if (template_ == NULL)
    kube_field_errors_required (errors, AT (path, "template"), NULL);
  else
    check_template (errors, AT (path, "template"), template_, selector, "activeDeadlineSeconds in ReplicationController is not Supported");
}

static void
update_replication_controller (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_replication_controller (errors, object);
}

static void
create_scale (KubeFieldErrors *errors, KubeValue *object)
{
  kube_validate_non_negative_member (errors, AT (NULL, "spec"), member_of (object, "spec"), "replicas");
}

const KubeValidateRules kube_validate_workload_rules[] = {
  { "apps", "Deployment", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_deployment, update_deployment, update_deployment_status },
  { "apps", "ReplicaSet", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_replica_set, update_replica_set, update_replica_status },
  { "", "ReplicationController", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_replication_controller, update_replication_controller,
    update_replica_status },
  { "autoscaling", "Scale", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_ON_UPDATE, create_scale, NULL, NULL },
  { NULL },
};
