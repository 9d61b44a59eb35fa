/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* ResourceQuota and LimitRange. */

static const char *const quota_resources[] = {
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
  NULL,
};

static gboolean
is_quota_resource (const char *name)
{
  return kube_validate_one_of (name, quota_resources) || g_str_has_prefix (name, "hugepages-")
         || g_str_has_prefix (name, "requests.hugepages-");
}

static void
check_amounts (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *amounts)
{
  for (guint i = 0; i < kube_value_get_length (amounts); i++) {
    const char *name = kube_value_get_key (amounts, i);

    kube_validate_resource_name (errors, AT_KEY (path, name), name);
    if (strchr (name, '/') == NULL && !is_quota_resource (name))
      kube_field_errors_invalid (errors, AT_KEY (path, name), name, "must be a standard resource for quota");
    kube_validate_resource_quantity (errors, AT_KEY (path, name), name, kube_value_get_element (amounts, i));
  }
}

static gboolean
is_scope (const char *scope)
{
  static const char *const scopes[] = { "Terminating",
                                        "NotTerminating",
                                        "BestEffort",
                                        "NotBestEffort",
                                        "PriorityClass",
                                        "VolumeAttributesClass",
                                        "CrossNamespacePodAffinity",
                                        NULL };
  return kube_validate_one_of (scope, scopes);
}

/* Whether what @scope counts has @resource. */
static gboolean
scope_has (const char *scope, const char *resource)
{
  static const char *const pods[]
      = { "pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory", NULL };

  if (!is_scope (scope))
    return TRUE;
  if (equals (scope, "BestEffort"))
    return equals (resource, "pods");
  if (equals (scope, "VolumeAttributesClass"))
    return equals (resource, "persistentvolumeclaims") || equals (resource, "requests.storage");
  return kube_validate_one_of (resource, pods);
}

static void
check_scope_resources (KubeFieldErrors *errors, const KubeFieldPath *path, const char *scope, KubeValue *hard, const char *type, KubeValue *bad)
{
  for (guint i = 0; i < kube_value_get_length (hard); i++) {
    const char *resource = kube_value_get_key (hard, i);
    if (is_quota_resource (resource) && !scope_has (scope, resource))
      kube_validate_invalid_struct (errors, path, type, bad, "unsupported scope applied to resource");
  }
}

static void
check_conflicts (KubeFieldErrors *errors, const KubeFieldPath *path, const NameSet *scopes, KubeValue *bad)
{
  if (name_set_has (scopes, "BestEffort") && name_set_has (scopes, "NotBestEffort"))
    kube_field_errors_invalid_value (errors, path, bad, "conflicting scopes");
  if (name_set_has (scopes, "Terminating") && name_set_has (scopes, "NotTerminating"))
    kube_field_errors_invalid_value (errors, path, bad, "conflicting scopes");
}

static void
check_scopes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *scopes = member_of (spec, "scopes");
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (scopes); i++) {
    const char *scope = element_string (scopes, i);
    if (!is_scope (scope))
      kube_field_errors_invalid_value (errors, path, scopes, "unsupported scope");
    check_scope_resources (errors, path, scope, member_of (spec, "hard"), "[s", scopes);
    name_set_add (&names, scope);
  }
  check_conflicts (errors, path, &names, scopes);
}

static void
check_scope_expression (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *expression)
{
  static const char *const valued[] = { "PriorityClass", "VolumeAttributesClass", NULL };
  const char *scope = string_of (expression, "scopeName"), *operator= string_of (expression, "operator");
  KubeValue *values = member_of (expression, "values");
  guint n = kube_value_get_length (values);

  if (is_scope (scope) && !kube_validate_one_of (scope, valued) && !equals (operator, "Exists"))
    kube_field_errors_invalid (
        errors, AT (path, "operator"), operator,
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
        "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
  if (equals (operator, "In") || equals (operator, "NotIn")) {
    if (n == 0)
      kube_field_errors_required (errors, AT (path, "values"),
                                  "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
  } else if (equals (operator, "Exists") || equals (operator, "DoesNotExist")) {
    if (n > 0)
      kube_field_errors_invalid_value (errors, AT (path, "values"), values,
                                       "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
  } else {
    kube_field_errors_invalid (errors, AT (path, "operator"), operator, "not a valid selector operator");
  }
}

static void
check_scope_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  KubeValue *selector = member_of (spec, "scopeSelector"), *expressions = member_of (selector, "matchExpressions");
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (expressions); i++) {
    KubeValue *expression = kube_value_get_element (expressions, i);
    const char *scope = string_of (expression, "scopeName");

    if (!is_scope (scope))
      kube_field_errors_invalid (errors, AT (path, "scopeName"), scope, "unsupported scope");
    check_scope_resources (errors, path, scope, member_of (spec, "hard"), "*@core.ScopeSelector", selector);
    check_scope_expression (errors, path, expression);
    name_set_add (&names, scope);
  }
  check_conflicts (errors, path, &names, member_of (spec, "scopes"));
}

static void
check_quota_spec (KubeFieldErrors *errors, KubeValue *quota)
{
  KubeValue *spec = member_of (quota, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");

  check_amounts (errors, AT (path, "hard"), member_of (spec, "hard"));
  check_scopes (errors, AT (path, "scopes"), spec);
  check_scope_selector (errors, AT (AT (path, "scopeSelector"), "matchExpressions"), spec);
}

static void
check_quota_status (KubeFieldErrors *errors, KubeValue *quota)
{
  KubeValue *status = member_of (quota, "status");

  check_amounts (errors, AT (AT (NULL, "status"), "hard"), member_of (status, "hard"));
  check_amounts (errors, AT (AT (NULL, "status"), "used"), member_of (status, "used"));
}

static void
create_quota (KubeFieldErrors *errors, KubeValue *quota)
{
  check_quota_spec (errors, quota);
  check_quota_status (errors, quota);
}

static gboolean
has_all_scopes (KubeValue *of, KubeValue *scopes)
{
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (of); i++)
    name_set_add (&names, element_string (of, i));
  for (guint i = 0; i < kube_value_get_length (scopes); i++)
    if (!name_set_has (&names, element_string (scopes, i)))
      return FALSE;
  return TRUE;
}

static void
update_quota (KubeFieldErrors *errors, KubeValue *quota, KubeValue *old_quota)
{
  KubeValue *scopes = member_of (member_of (quota, "spec"), "scopes"), *old = member_of (member_of (old_quota, "spec"), "scopes");

  check_quota_spec (errors, quota);
  if (!has_all_scopes (scopes, old) || !has_all_scopes (old, scopes))
    kube_field_errors_invalid_value (errors, AT (AT (NULL, "spec"), "scopes"), scopes, "field is immutable");
}

static void
update_quota_status (KubeFieldErrors *errors, KubeValue *quota, KubeValue *old)
{
  (void)old;
  check_quota_status (errors, quota);
}

/* --- limit ranges --- */

typedef struct {
  KubeQuantity quantity;
  char *text; /* (nullable): where there is none */
} Amount;

static void
amount_clear (Amount *amount)
{
  g_free (amount->text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Amount, amount_clear)

static void
amount_take (Amount *amount, KubeValue *amounts, const char *name)
{
  if (kube_validate_get_quantity (amounts, name, &amount->quantity))
    amount->text = kube_quantity_print (&amount->quantity);
}

static gboolean
is_more (const Amount *a, const Amount *b)
{
  return a->text != NULL && b->text != NULL && kube_quantity_compare (&a->quantity, &b->quantity) > 0;
}

static void
check_ratio (KubeFieldErrors *errors, const KubeFieldPath *path, const Amount *ratio, const Amount *min, const Amount *max)
{
  char most[G_ASCII_DTOSTR_BUF_SIZE * 8];
  double limit;

  if (ratio->text == NULL)
    return;
  if (kube_quantity_get_double (&ratio->quantity) < 1)
    kube_field_errors_invalid_format (errors, path, ratio->text, "ratio %s is less than 1", ratio->text);
  if (min->text == NULL || max->text == NULL)
    return;
  limit = kube_quantity_get_double (&max->quantity) / kube_quantity_get_double (&min->quantity);
  if (kube_quantity_get_double (&ratio->quantity) > limit)
    kube_field_errors_invalid_format (errors, path, ratio->text, "ratio %s is greater than max/min = %s", ratio->text,
                                      g_ascii_formatd (most, sizeof most, "%f", limit));
}

static void
check_limit_resource (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *limit, const char *name)
{
  gboolean of_pod = equals (string_of (limit, "type"), "Pod");
  g_auto (Amount) min = { 0 }, max = { 0 }, usual = { 0 }, request = { 0 }, ratio = { 0 };

  amount_take (&min, member_of (limit, "min"), name);
  amount_take (&max, member_of (limit, "max"), name);
  amount_take (&usual, of_pod ? NULL : member_of (limit, "default"), name);
  amount_take (&request, of_pod ? NULL : member_of (limit, "defaultRequest"), name);
  amount_take (&ratio, member_of (limit, "maxLimitRequestRatio"), name);

  if (is_more (&min, &max))
    kube_field_errors_invalid_format (errors, AT_KEY (AT (path, "min"), name), min.text,
                                      "min value %s is greater than max value %s", min.text, max.text);
  path = AT (path, "defaultRequest");
  if (is_more (&min, &request))
    kube_field_errors_invalid_format (errors, AT_KEY (path, name), request.text,
                                      "min value %s is greater than default request value %s", min.text, request.text);
  if (is_more (&request, &max))
    kube_field_errors_invalid_format (errors, AT_KEY (path, name), request.text,
                                      "default request value %s is greater than max value %s", request.text, max.text);
  if (is_more (&request, &usual))
    kube_field_errors_invalid_format (errors, AT_KEY (path, name), request.text,
                                      "default request value %s is greater than default limit value %s", request.text,
                                      usual.text);
  path = AT (path->parent, "default");
  if (is_more (&min, &usual))
    kube_field_errors_invalid_format (errors, AT_KEY (path, name), min.text, "min value %s is greater than default value %s",
                                      min.text, usual.text);
  if (is_more (&usual, &max))
    kube_field_errors_invalid_format (errors, AT_KEY (path, name), max.text, "default value %s is greater than max value %s",
                                      usual.text, max.text);
  check_ratio (errors, AT_KEY (AT (path->parent, "maxLimitRequestRatio"), name), &ratio, &min, &max);
  if (!kube_validate_is_overcommit_allowed (name) && usual.text != NULL && request.text != NULL
      && kube_quantity_compare (&usual.quantity, &request.quantity) != 0)
    kube_field_errors_invalid_format (errors, AT_KEY (AT (path->parent, "defaultRequest"), name), request.text,
                                      "default value %s must equal to defaultRequest value %s in %s", usual.text, request.text,
                                      name);
}

static void
check_limit_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *amounts, const char *type)
{
  for (guint i = 0; i < kube_value_get_length (amounts); i++) {
    const char *name = kube_value_get_key (amounts, i);
    if (equals (type, "Pod") || equals (type, "Container"))
      kube_validate_container_resource_name (errors, AT_KEY (path, name), name);
    else
      kube_validate_resource_name (errors, AT_KEY (path, name), name);
  }
}

static void
check_limit_type (KubeFieldErrors *errors, const KubeFieldPath *path, const char *type, NameSet *types)
{
  static const char *const standard[] = { "Pod", "Container", "PersistentVolumeClaim", NULL };
  guint before = kube_field_errors_get_length (errors);

  kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, type);
  if (kube_field_errors_get_length (errors) == before && strchr (type, '/') == NULL && !kube_validate_one_of (type, standard))
    kube_field_errors_invalid (errors, path, type, "must be a standard limit type or fully qualified");
  if (!name_set_add (types, type))
    kube_field_errors_duplicate (errors, path, type);
}

/* Whether one of the first @n of @maps has @name. */
static gboolean
is_in_one_of (KubeValue *limit, const char *const *maps, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (has_member (member_of (limit, maps[i]), name))
      return TRUE;
  return FALSE;
}

static void
check_limit (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *limit, NameSet *types)
{
  static const char *const usual[] = { "default", "defaultRequest" };
  static const char *const maps[] = { "max", "min", "default", "defaultRequest", "maxLimitRequestRatio" };
  const char *type = string_of (limit, "type");

  check_limit_type (errors, AT (path, "type"), type, types);
  check_limit_names (errors, AT (path, "max"), member_of (limit, "max"), type);
  check_limit_names (errors, AT (path, "min"), member_of (limit, "min"), type);
  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++) {
    KubeValue *amounts = member_of (limit, usual[i]);
    if (!equals (type, "Pod"))
      check_limit_names (errors, AT (path, usual[i]), amounts, type);
    else if (kube_value_get_length (amounts) > 0)
      kube_field_errors_forbidden (errors, AT (path, usual[i]), "may not be specified when `type` is 'Pod'");
  }
  if (equals (type, "PersistentVolumeClaim") && !has_member (member_of (limit, "min"), "storage")
      && !has_member (member_of (limit, "max"), "storage"))
    kube_field_errors_required (errors, AT (path, "limits"),
                                "either minimum or maximum storage value is required, but neither was provided");
  check_limit_names (errors, AT (path, "maxLimitRequestRatio"), member_of (limit, "maxLimitRequestRatio"), type);

  for (gsize m = 0; m < G_N_ELEMENTS (maps); m++) {
    KubeValue *amounts = member_of (limit, maps[m]);
    for (guint i = 0; i < kube_value_get_length (amounts); i++)
      if (!is_in_one_of (limit, maps, m, kube_value_get_key (amounts, i)))
        check_limit_resource (errors, path, limit, kube_value_get_key (amounts, i));
  }
}

static void
create_limit_range (KubeFieldErrors *errors, KubeValue *range)
{
  KubeValue *limits = member_of (member_of (range, "spec"), "limits");
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "limits");
  g_auto (NameSet) types = { 0 };

  for (guint i = 0; i < kube_value_get_length (limits); i++)
    check_limit (errors, AT_INDEX (path, i), kube_value_get_element (limits, i), &types);
}

static void
update_limit_range (KubeFieldErrors *errors, KubeValue *range, KubeValue *old)
{
  (void)old;
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (range, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  create_limit_range (errors, range);
}

const KubeValidateRules kube_validate_quota_rules[] = {
  { "", "ResourceQuota", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_quota, update_quota,
    update_quota_status },
  { "", "LimitRange", KUBE_NAME_RULE_SUBDOMAIN, 0, create_limit_range, update_limit_range, NULL },
  { NULL },
};
