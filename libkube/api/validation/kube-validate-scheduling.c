/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#define NOT_POSITIVE "must be greater than zero"

static void
check_node_requirement (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement, gboolean check_values)
{
  const char *operator = string_of (requirement, "operator");
  KubeValue *values = member_of (requirement, "values");
  guint n = kube_value_get_length (values);

  if (equals (operator, "In") || equals (operator, "NotIn")) {
    if (n == 0)
      kube_field_errors_required (errors, AT (path, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (equals (operator, "Exists") || equals (operator, "DoesNotExist")) {
    if (n > 0)
      kube_field_errors_forbidden (errors, AT (path, "values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else if (equals (operator, "Gt") || equals (operator, "Lt")) {
    if (n != 1)
      kube_field_errors_required (errors, AT (path, "values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
  } else {
    kube_field_errors_invalid (errors, AT (path, "operator"), operator, "not a valid selector operator");
  }
  kube_validate_format (errors, AT (path, "key"), KUBE_NAME_QUALIFIED, string_of (requirement, "key"));
  for (guint i = 0; i < n && check_values; i++)
    kube_validate_format (errors, AT_INDEX (AT (path, "values"), i), KUBE_NAME_LABEL_VALUE, element_string (values, i));
}

static void
check_node_field (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement)
{
  const char *operator = string_of (requirement, "operator"), *key = string_of (requirement, "key");
  KubeValue *values = member_of (requirement, "values");
  guint n = kube_value_get_length (values);

  if (!equals (operator, "In") && !equals (operator, "NotIn"))
    kube_field_errors_invalid (errors, AT (path, "operator"), operator, "not a valid selector operator");
  else if (n != 1)
    kube_field_errors_required (errors, AT (path, "values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  if (!equals (key, "metadata.name"))
    kube_field_errors_invalid (errors, AT (path, "key"), key, "not a valid field selector key");
  else
    for (guint i = 0; i < n; i++)
      kube_validate_format (errors, AT_INDEX (AT (path, "values"), i), KUBE_NAME_DNS1123_SUBDOMAIN, element_string (values, i));
}

static void
check_node_term (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *term, gboolean check_values)
{
  KubeValue *expressions = member_of (term, "matchExpressions"), *fields = member_of (term, "matchFields");

  for (guint i = 0; i < kube_value_get_length (expressions); i++)
    check_node_requirement (errors, AT_INDEX (AT (path, "matchExpressions"), i), kube_value_get_element (expressions, i), check_values);
  for (guint i = 0; i < kube_value_get_length (fields); i++)
    check_node_field (errors, AT_INDEX (AT (path, "matchFields"), i), kube_value_get_element (fields, i));
}

void
kube_validate_node_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector)
{
  KubeValue *terms = member_of (selector, "nodeSelectorTerms");
  const KubeFieldPath *at = AT (path, "nodeSelectorTerms");

  if (kube_value_get_length (terms) == 0)
    kube_field_errors_required (errors, at, "must have at least one node selector term");
  for (guint i = 0; i < kube_value_get_length (terms); i++)
    check_node_term (errors, AT_INDEX (at, i), kube_value_get_element (terms, i), TRUE);
}

static void
check_weight (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *term)
{
  gint64 weight = integer_of (term, "weight", 0);

  if (weight <= 0 || weight > 100)
    kube_field_errors_invalid_integer (errors, AT (path, "weight"), weight, "must be in the range 1-100");
}

static void
check_node_affinity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *affinity)
{
  KubeValue *required = member_of (affinity, "requiredDuringSchedulingIgnoredDuringExecution");
  KubeValue *preferred = member_of (affinity, "preferredDuringSchedulingIgnoredDuringExecution");

  if (required != NULL)
    kube_validate_node_selector (errors, AT (path, "requiredDuringSchedulingIgnoredDuringExecution"), required);
  for (guint i = 0; i < kube_value_get_length (preferred); i++) {
    KubeValue *term = kube_value_get_element (preferred, i);
    const KubeFieldPath *at = AT_INDEX (AT (path, "preferredDuringSchedulingIgnoredDuringExecution"), i);
    check_weight (errors, at, term);
    check_node_term (errors, AT (at, "preference"), member_of (term, "preference"), FALSE);
  }
}

static void
check_label_keys (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *keys, KubeValue *selector)
{
  if (kube_value_get_length (keys) == 0)
    return;
  if (selector == NULL) {
    kube_field_errors_forbidden (errors, path, "must not be specified when labelSelector is not set");
    return;
  }
  for (guint i = 0; i < kube_value_get_length (keys); i++)
    kube_validate_format (errors, AT_INDEX (path, i), KUBE_NAME_QUALIFIED, element_string (keys, i));
}

static int
find_string (KubeValue *list, const char *string)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (equals (element_string (list, i), string))
      return (int) i;
  return -1;
}

static void
check_match_label_keys (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *term, KubeValue *selector)
{
  KubeValue *match = member_of (term, "matchLabelKeys"), *mismatch = member_of (term, "mismatchLabelKeys");
  KubeValue *labels = member_of (selector, "matchLabels"), *expressions = member_of (selector, "matchExpressions");
  g_auto (NameSet) seen = { 0 };

  if (match == NULL && mismatch == NULL)
    return;
  check_label_keys (errors, AT (path, "matchLabelKeys"), match, selector);
  check_label_keys (errors, AT (path, "mismatchLabelKeys"), mismatch, selector);
  for (guint i = 0; i < kube_value_get_length (expressions); i++) {
    const char *key = string_of (kube_value_get_element (expressions, i), "key");
    int at = find_string (match, key);
    /* An expression that only repeats the key is what a matchLabelKeys of an earlier write left behind. */
    gboolean again = kube_value_get_member (labels, key) != NULL || !name_set_add (&seen, key);
    if (at >= 0 && again)
      kube_field_errors_invalid (errors, AT_INDEX (path, (guint) at), key, "exists in both matchLabelKeys and labelSelector");
  }
  for (guint i = 0; i < kube_value_get_length (match); i++)
    if (find_string (mismatch, element_string (match, i)) >= 0)
      kube_field_errors_invalid (errors, AT_INDEX (AT (path, "matchLabelKeys"), i), element_string (match, i),
                                 "exists in both matchLabelKeys and mismatchLabelKeys");
}

static void
check_pod_term (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *term)
{
  KubeValue *selector = member_of (term, "labelSelector"), *namespaces = member_of (term, "namespaces");

  kube_validate_label_selector (errors, AT (path, "labelSelector"), selector);
  kube_validate_label_selector (errors, AT (path, "namespaceSelector"), member_of (term, "namespaceSelector"));
  for (guint i = 0; i < kube_value_get_length (namespaces); i++)
    kube_validate_format (errors, AT (path, "namespace"), KUBE_NAME_DNS1123_LABEL, element_string (namespaces, i));
  check_match_label_keys (errors, path, term, selector);
  if (!has_text (term, "topologyKey"))
    kube_field_errors_required (errors, AT (path, "topologyKey"), "can not be empty");
  kube_validate_format (errors, AT (path, "topologyKey"), KUBE_NAME_QUALIFIED, string_of (term, "topologyKey"));
}

static void
check_pod_affinity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *affinity)
{
  KubeValue *required = member_of (affinity, "requiredDuringSchedulingIgnoredDuringExecution");
  KubeValue *preferred = member_of (affinity, "preferredDuringSchedulingIgnoredDuringExecution");

  for (guint i = 0; i < kube_value_get_length (required); i++)
    check_pod_term (errors, AT_INDEX (AT (path, "requiredDuringSchedulingIgnoredDuringExecution"), i), kube_value_get_element (required, i));
  for (guint i = 0; i < kube_value_get_length (preferred); i++) {
    KubeValue *term = kube_value_get_element (preferred, i);
    const KubeFieldPath *at = AT_INDEX (AT (path, "preferredDuringSchedulingIgnoredDuringExecution"), i);
    check_weight (errors, at, term);
    check_pod_term (errors, AT (at, "podAffinityTerm"), member_of (term, "podAffinityTerm"));
  }
}

void
kube_validate_affinity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *affinity)
{
  if (affinity == NULL)
    return;
  check_node_affinity (errors, AT (path, "nodeAffinity"), member_of (affinity, "nodeAffinity"));
  check_pod_affinity (errors, AT (path, "podAffinity"), member_of (affinity, "podAffinity"));
  check_pod_affinity (errors, AT (path, "podAntiAffinity"), member_of (affinity, "podAntiAffinity"));
}

void
kube_validate_taint_effect (KubeFieldErrors *errors, const KubeFieldPath *path, const char *effect)
{
  static const char *const valid[] = { "NoSchedule", "PreferNoSchedule", "NoExecute", NULL };

  if (!kube_validate_one_of (effect, valid))
    kube_field_errors_not_supported (errors, path, effect, valid);
}

static void
check_toleration (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *toleration)
{
  static const char *const all[] = { "Equal", "Exists", "Lt", "Gt", NULL };
  static const char *const usual[] = { "Equal", "Exists", NULL };
  const char *key = string_of (toleration, "key"), *operator = string_of (toleration, "operator"), *value = string_of (toleration, "value"),
             *effect = string_of (toleration, "effect");

  if (*key != '\0')
    kube_validate_format (errors, AT (path, "key"), KUBE_NAME_QUALIFIED, key);
  else if (!equals (operator, "Exists"))
    kube_field_errors_invalid (errors, AT (path, "operator"), operator,
                               "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
  if (has_member (toleration, "tolerationSeconds") && !equals (effect, "NoExecute"))
    kube_field_errors_invalid (errors, AT (path, "effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");

  if (equals (operator, "Equal") || *operator == '\0') {
    kube_validate_format_joined (errors, AT (path, "operator"), KUBE_NAME_LABEL_VALUE, value, ";");
  } else if (equals (operator, "Exists")) {
    if (*value != '\0')
      kube_field_errors_invalid (errors, AT (path, "operator"), value, "value must be empty when `operator` is 'Exists'");
  } else {
    kube_field_errors_not_supported (errors, AT (path, "operator"), operator, equals (operator, "Lt") || equals (operator, "Gt") ? all : usual);
  }
  if (*effect != '\0')
    kube_validate_taint_effect (errors, AT (path, "effect"), effect);
}

void
kube_validate_tolerations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *tolerations)
{
  for (guint i = 0; i < kube_value_get_length (tolerations); i++)
    check_toleration (errors, AT_INDEX (path, i), kube_value_get_element (tolerations, i));
}

static void
check_inclusion_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraint, const char *key)
{
  static const char *const valid[] = { "Honor", "Ignore", NULL };

  if (has_member (constraint, key) && !kube_validate_one_of (string_of (constraint, key), valid))
    kube_field_errors_not_supported (errors, AT (path, key), string_of (constraint, key), valid);
}

static void
check_not_repeated (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraints, guint index)
{
  KubeValue *constraint = kube_value_get_element (constraints, index);
  const char *key = string_of (constraint, "topologyKey"), *action = string_of (constraint, "whenUnsatisfiable");

  /* Upstream compares each with all that follow; a limit keeps long lists cheap. */
  for (guint i = index + 1; i < kube_value_get_length (constraints) && i < index + 1000; i++) {
    KubeValue *other = kube_value_get_element (constraints, i);
    if (equals (key, string_of (other, "topologyKey")) && equals (action, string_of (other, "whenUnsatisfiable"))) {
      g_autofree char *bad = g_strdup_printf ("{%s, %s}", key, action);
      kube_field_errors_duplicate (errors, AT (path, "{topologyKey, whenUnsatisfiable}"), bad);
      return;
    }
  }
}

static void
check_spread_constraint (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraints, guint index)
{
  static const char *const actions[] = { "DoNotSchedule", "ScheduleAnyway", NULL };
  KubeValue *constraint = kube_value_get_element (constraints, index);
  const char *action = string_of (constraint, "whenUnsatisfiable");

  if (integer_of (constraint, "maxSkew", 0) <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "maxSkew"), integer_of (constraint, "maxSkew", 0), NOT_POSITIVE);
  if (!has_text (constraint, "topologyKey"))
    kube_field_errors_required (errors, AT (path, "topologyKey"), "can not be empty");
  if (!kube_validate_one_of (action, actions))
    kube_field_errors_not_supported (errors, AT (path, "whenUnsatisfiable"), action, actions);
  check_not_repeated (errors, path, constraints, index);
  if (has_member (constraint, "minDomains")) {
    gint64 domains = integer_of (constraint, "minDomains", 0);
    if (domains <= 0)
      kube_field_errors_invalid_integer (errors, AT (path, "minDomains"), domains, NOT_POSITIVE);
    if (!equals (action, "DoNotSchedule")) {
      g_autofree char *detail = g_strdup_printf ("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not %s", action);
      kube_field_errors_invalid_integer (errors, AT (path, "minDomains"), domains, detail);
    }
  }
  check_inclusion_policy (errors, path, constraint, "nodeAffinityPolicy");
  check_inclusion_policy (errors, path, constraint, "nodeTaintsPolicy");
  check_match_label_keys (errors, path, constraint, member_of (constraint, "labelSelector"));
  kube_validate_label_selector (errors, AT (path, "labelSelector"), member_of (constraint, "labelSelector"));
}

void
kube_validate_spread_constraints (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraints)
{
  for (guint i = 0; i < kube_value_get_length (constraints); i++)
    check_spread_constraint (errors, AT_INDEX (path, i), constraints, i);
}
