/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* HorizontalPodAutoscaler of both versions. */

static void
check_segment (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key, const char *required)
{
  if (!has_text (object, key))
    kube_field_errors_required (errors, AT (path, key), required);
  else
    kube_validate_format (errors, AT (path, key), KUBE_NAME_PATH_SEGMENT, string_of (object, key));
}

static void
check_reference (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref, gboolean allow_core)
{
  const char *version = string_of (ref, "apiVersion"), *slash = strchr (version, '/');

  check_segment (errors, path, ref, "kind", NULL);
  check_segment (errors, path, ref, "name", NULL);
  if (slash != NULL && strchr (slash + 1, '/') != NULL)
    kube_field_errors_invalid_format (errors, AT (path, "apiVersion"), version, "unexpected GroupVersion string: %s", version);
  else if (!allow_core && (slash == NULL || slash == version))
    kube_field_errors_invalid (errors, AT (path, "apiVersion"), version, "apiVersion must specify API group");
}

static void
check_positive_quantity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *target, const char *key)
{
  KubeQuantity quantity;

  if (kube_validate_get_quantity (target, key, &quantity) && quantity.value <= 0) {
    g_autofree char *text = kube_quantity_print (&quantity);
    kube_field_errors_invalid (errors, AT (path, key), text, "must be positive");
  }
}

static void
check_target (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *target)
{
  static const char *const types[] = { "Utilization", "Value", "AverageValue", NULL };
  const char *type = string_of (target, "type");
  gint64 utilization = integer_of (target, "averageUtilization", 1);

  if (*type == '\0')
    kube_field_errors_required (errors, AT (path, "type"), "must specify a metric target type");
  if (!kube_validate_one_of (type, types))
    kube_field_errors_invalid (errors, AT (path, "type"), type, "must be either Utilization, Value, or AverageValue");
  check_positive_quantity (errors, path, target, "value");
  check_positive_quantity (errors, path, target, "averageValue");
  if (utilization < 1)
    kube_field_errors_invalid_integer (errors, AT (path, "averageUtilization"), utilization, "must be greater than 0");
}

static void
check_identified_target (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  check_segment (errors, AT (path, "metric"), member_of (source, "metric"), "name", "must specify a metric name");
  check_target (errors, AT (path, "target"), member_of (source, "target"));
}

static void
check_object (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *target = member_of (source, "target");

  check_reference (errors, AT (path, "describedObject"), member_of (source, "describedObject"), TRUE);
  check_identified_target (errors, path, source);
  if (!has_member (target, "value") && !has_member (target, "averageValue"))
    kube_field_errors_required (errors, AT (AT (path, "target"), "averageValue"), "must set either a target value or averageValue");
}

static void
check_external (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *target = member_of (source, "target");

  check_identified_target (errors, path, source);
  if (!has_member (target, "value") && !has_member (target, "averageValue"))
    kube_field_errors_required (errors, AT (AT (path, "target"), "averageValue"), "must set either a target value for metric or a per-pod target");
  if (has_member (target, "value") && has_member (target, "averageValue"))
    kube_field_errors_forbidden (errors, AT (AT (path, "target"), "value"), "may not set both a target value for metric and a per-pod target");
}

static void
check_pods (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  check_identified_target (errors, path, source);
  if (!has_member (member_of (source, "target"), "averageValue"))
    kube_field_errors_required (errors, AT (AT (path, "target"), "averageValue"), "must specify a positive target averageValue");
}

static void
check_utilization (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *target)
{
  check_target (errors, path, target);
  if (!has_member (target, "averageUtilization") && !has_member (target, "averageValue"))
    kube_field_errors_required (errors, AT (path, "averageUtilization"), "must set either a target raw value or a target utilization");
  if (has_member (target, "averageUtilization") && has_member (target, "averageValue"))
    kube_field_errors_forbidden (errors, AT (path, "averageValue"), "may not set both a target raw value and a target utilization");
}

static void
check_resource (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  if (!has_text (source, "name"))
    kube_field_errors_required (errors, AT (path, "name"), "must specify a resource name");
  check_utilization (errors, AT (path, "target"), member_of (source, "target"));
}

static void
check_container_resource (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  const char *name = string_of (source, "name");

  if (*name == '\0')
    kube_field_errors_required (errors, AT (path, "name"), "must specify a resource name");
  else
    kube_validate_container_resource_name (errors, AT (path, "name"), name);
  if (!has_text (source, "container"))
    kube_field_errors_required (errors, AT (path, "container"), "must specify a container");
  else
    kube_validate_format (errors, AT (path, "container"), KUBE_NAME_DNS1123_LABEL, string_of (source, "container"));
  check_utilization (errors, AT (path, "target"), member_of (source, "target"));
}

static void
check_metric (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *metric)
{
  /* In the order in which upstream looks at them; only the first that is there is looked into. */
  static const struct {
    const char *key;
    const char *type;
    void (*check) (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source);
  } sources[] = { { "object", "Object", check_object },
                  { "external", "External", check_external },
                  { "pods", "Pods", check_pods },
                  { "resource", "Resource", check_resource },
                  { "containerResource", "ContainerResource", check_container_resource } };
  static const char *const types[] = { "ContainerResource", "External", "Object", "Pods", "Resource", NULL };
  const char *type = string_of (metric, "type"), *expected = "";
  guint present = 0;

  if (*type == '\0')
    kube_field_errors_required (errors, AT (path, "type"), "must specify a metric source type");
  if (!kube_validate_one_of (type, types)) {
    kube_field_errors_not_supported (errors, AT (path, "type"), type, types);
    kube_field_errors_not_supported (errors, AT (path, "type"), type, types);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
    KubeValue *source = member_of (metric, sources[i].key);
    if (equals (sources[i].type, type)) {
      expected = sources[i].key;
      if (source == NULL)
        kube_field_errors_required (errors, AT (path, expected), "must populate information for the given metric source");
    }
    if (source != NULL && present++ == 0)
      sources[i].check (errors, AT (path, sources[i].key), source);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (sources) && present != 1; i++)
    if (has_member (metric, sources[i].key) && !equals (sources[i].key, expected))
      kube_field_errors_forbidden (errors, AT (path, sources[i].key), "must populate the given metric source only");
}

static void
check_scaling_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *policy)
{
  static const char *const types[] = { "Percent", "Pods", NULL };
  gint64 value = integer_of (policy, "value", 0), period = integer_of (policy, "periodSeconds", 0);

  if (!kube_validate_one_of (string_of (policy, "type"), types))
    kube_field_errors_not_supported (errors, AT (path, "type"), string_of (policy, "type"), types);
  if (value <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "value"), value, "must be greater than zero");
  if (period <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "periodSeconds"), period, "must be greater than zero");
  if (period > 1800)
    kube_field_errors_invalid_integer (errors, AT (path, "periodSeconds"), period, "must be less than or equal to 1800");
}

static void
check_scaling_rules (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rules)
{
  static const char *const selects[] = { "Disabled", "Max", "Min", NULL };
  KubeValue *policies = member_of (rules, "policies");
  gint64 window = integer_of (rules, "stabilizationWindowSeconds", 0);
  KubeQuantity tolerance;

  if (rules == NULL)
    return;
  if (window < 0)
    kube_field_errors_invalid_integer (errors, AT (path, "stabilizationWindowSeconds"), window, "must be greater than or equal to zero");
  if (window > 3600)
    kube_field_errors_invalid_integer (errors, AT (path, "stabilizationWindowSeconds"), window, "must be less than or equal to 3600");
  if (has_member (rules, "selectPolicy") && !kube_validate_one_of (string_of (rules, "selectPolicy"), selects))
    kube_field_errors_not_supported (errors, AT (path, "selectPolicy"), string_of (rules, "selectPolicy"), selects);
  if (kube_value_get_length (policies) == 0)
    kube_field_errors_required (errors, AT (path, "policies"), "must specify at least one Policy");
  for (guint i = 0; i < kube_value_get_length (policies); i++)
    check_scaling_policy (errors, AT_INDEX (AT (path, "policies"), i), kube_value_get_element (policies, i));
  if (kube_validate_get_quantity (rules, "tolerance", &tolerance) && tolerance.value < 0) {
    g_autofree char *text = kube_quantity_print (&tolerance);
    kube_field_errors_invalid (errors, AT (path, "tolerance"), text, "must be greater than or equal to 0");
  }
}

static void
create_autoscaler (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *metrics = member_of (spec, "metrics"), *behavior = member_of (spec, "behavior");
  const KubeFieldPath *path = AT (NULL, "spec");
  gint64 least = integer_of (spec, "minReplicas", 1), most = integer_of (spec, "maxReplicas", 0);
  gint64 cpu = integer_of (spec, "targetCPUUtilizationPercentage", 1);

  if (least < 1)
    kube_field_errors_invalid_integer (errors, AT (path, "minReplicas"), least, "must be greater than or equal to 1");
  if (most == 0)
    kube_field_errors_required (errors, AT (path, "maxReplicas"), "must be set and greater than 0");
  else if (most < 0)
    kube_field_errors_invalid_integer (errors, AT (path, "maxReplicas"), most, "must be greater than or equal to 1");
  if (has_member (spec, "minReplicas") && most < least)
    kube_field_errors_invalid_integer (errors, AT (path, "maxReplicas"), most, "must be greater than or equal to `minReplicas`");
  check_reference (errors, AT (path, "scaleTargetRef"), member_of (spec, "scaleTargetRef"), FALSE);
  for (guint i = 0; i < kube_value_get_length (metrics); i++)
    check_metric (errors, AT_INDEX (AT (path, "metrics"), i), kube_value_get_element (metrics, i));
  if (cpu < 1)
    kube_field_errors_invalid_integer (errors, AT (AT (AT (AT_INDEX (AT (path, "metrics"), 0), "resource"), "target"), "averageUtilization"), cpu,
                                       "must be greater than 0");
  if (least == 0 && has_member (spec, "minReplicas") && kube_value_get_length (metrics) == 0)
    kube_field_errors_forbidden (errors, AT (path, "metrics"), "must specify at least one Object or External metric to support scaling to zero replicas");
  check_scaling_rules (errors, AT (AT (path, "behavior"), "scaleUp"), member_of (behavior, "scaleUp"));
  check_scaling_rules (errors, AT (AT (path, "behavior"), "scaleDown"), member_of (behavior, "scaleDown"));
}

static void
update_autoscaler (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_autoscaler (errors, object);
}

static void
update_autoscaler_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_non_negative_member (errors, AT (NULL, "status"), member_of (object, "status"), "currentReplicas");
  kube_validate_non_negative_member (errors, AT (NULL, "status"), member_of (object, "status"), "desiredReplicas");
}

const KubeValidateRules kube_validate_autoscaling_rules[] = {
  { "autoscaling", "HorizontalPodAutoscaler", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_autoscaler, update_autoscaler,
    update_autoscaler_status },
  { NULL },
};
