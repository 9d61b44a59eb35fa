/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

static const char *const group_only[] = { "rbac.authorization.k8s.io", NULL };

static void
check_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule, gboolean namespaced)
{
  KubeValue *urls = member_of (rule, "nonResourceURLs");
  guint groups = kube_value_get_length (member_of (rule, "apiGroups")), resources = kube_value_get_length (member_of (rule, "resources"));

  if (kube_value_get_length (member_of (rule, "verbs")) == 0)
    kube_field_errors_required (errors, AT (path, "verbs"), "verbs must contain at least one value");
  if (kube_value_get_length (urls) > 0) {
    if (namespaced)
      kube_field_errors_invalid_value (errors, AT (path, "nonResourceURLs"), urls, "namespaced rules cannot apply to non-resource URLs");
    if (groups > 0 || resources > 0 || kube_value_get_length (member_of (rule, "resourceNames")) > 0)
      kube_field_errors_invalid_value (errors, AT (path, "nonResourceURLs"), urls, "rules cannot apply to both regular resources and non-resource URLs");
    return;
  }
  if (groups == 0)
    kube_field_errors_required (errors, AT (path, "apiGroups"), "resource rules must supply at least one api group");
  if (resources == 0)
    kube_field_errors_required (errors, AT (path, "resources"), "resource rules must supply at least one resource");
}

static void
check_rules (KubeFieldErrors *errors, KubeValue *role, gboolean namespaced)
{
  KubeValue *rules = member_of (role, "rules");

  for (guint i = 0; i < kube_value_get_length (rules); i++)
    check_rule (errors, AT_INDEX (AT (NULL, "rules"), i), kube_value_get_element (rules, i), namespaced);
}

static void
create_role (KubeFieldErrors *errors, KubeValue *role)
{
  check_rules (errors, role, TRUE);
}

static void
create_cluster_role (KubeFieldErrors *errors, KubeValue *role)
{
  KubeValue *aggregation = member_of (role, "aggregationRule"), *selectors = member_of (aggregation, "clusterRoleSelectors");
  const KubeFieldPath *path = AT (AT (NULL, "aggregationRule"), "clusterRoleSelectors");

  check_rules (errors, role, FALSE);
  if (aggregation == NULL)
    return;
  if (kube_value_get_length (selectors) == 0)
    kube_field_errors_required (errors, path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
  for (guint i = 0; i < kube_value_get_length (selectors); i++) {
    KubeValue *selector = kube_value_get_element (selectors, i);
    guint before = kube_field_errors_get_length (errors);
    kube_validate_label_selector (errors, AT_INDEX (path, i), selector);
    if (kube_field_errors_get_length (errors) > before)
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT_INDEX (path, i), "null", "invalid label selector.");
  }
}

static void
check_subject (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *subject, gboolean namespaced)
{
  static const char *const kinds[] = { "ServiceAccount", "User", "Group", NULL };
  static const char *const no_group[] = { "", NULL };
  const char *kind = string_of (subject, "kind"), *name = string_of (subject, "name"), *group = string_of (subject, "apiGroup");

  if (*name == '\0')
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  if (equals (kind, "ServiceAccount")) {
    if (*name != '\0')
      kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_SUBDOMAIN, name);
    if (*group != '\0')
      kube_field_errors_not_supported (errors, AT (path, "apiGroup"), group, no_group);
    if (!namespaced && !has_text (subject, "namespace"))
      kube_field_errors_required (errors, AT (path, "namespace"), NULL);
  } else if (equals (kind, "User") || equals (kind, "Group")) {
    if (!equals (group, group_only[0]))
      kube_field_errors_not_supported (errors, AT (path, "apiGroup"), group, group_only);
  } else {
    kube_field_errors_not_supported (errors, AT (path, "kind"), kind, kinds);
  }
}

static void
check_binding (KubeFieldErrors *errors, KubeValue *binding, const char *const *kinds, gboolean namespaced)
{
  KubeValue *ref = member_of (binding, "roleRef"), *subjects = member_of (binding, "subjects");
  const KubeFieldPath *path = AT (NULL, "roleRef");

  if (!equals (string_of (ref, "apiGroup"), group_only[0]))
    kube_field_errors_not_supported (errors, AT (path, "apiGroup"), string_of (ref, "apiGroup"), group_only);
  if (!kube_validate_one_of (string_of (ref, "kind"), kinds))
    kube_field_errors_not_supported (errors, AT (path, "kind"), string_of (ref, "kind"), kinds);
  if (!has_text (ref, "name"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  else
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_PATH_SEGMENT, string_of (ref, "name"));
  for (guint i = 0; i < kube_value_get_length (subjects); i++)
    check_subject (errors, AT_INDEX (AT (NULL, "subjects"), i), kube_value_get_element (subjects, i), namespaced);
}

static void
create_role_binding (KubeFieldErrors *errors, KubeValue *binding)
{
  static const char *const kinds[] = { "Role", "ClusterRole", NULL };
  check_binding (errors, binding, kinds, TRUE);
}

static void
create_cluster_role_binding (KubeFieldErrors *errors, KubeValue *binding)
{
  static const char *const kinds[] = { "ClusterRole", NULL };
  check_binding (errors, binding, kinds, FALSE);
}

static void
update_role (KubeFieldErrors *errors, KubeValue *role, KubeValue *old)
{
  kube_validate_meta_update (errors, AT (NULL, "metadata"), member_of (role, "metadata"), member_of (old, "metadata"));
}

static void
update_binding (KubeFieldErrors *errors, KubeValue *binding, KubeValue *old)
{
  update_role (errors, binding, old);
  if (!kube_validate_semantic_equal (member_of (binding, "roleRef"), member_of (old, "roleRef")))
    kube_validate_invalid_struct (errors, AT (NULL, "roleRef"), "@rbac.RoleRef", member_of (binding, "roleRef"), "cannot change roleRef");
}

const KubeValidateRules kube_validate_rbac_rules[] = {
  { "rbac.authorization.k8s.io", "Role", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_AGAIN_FIRST, create_role, update_role, NULL },
  { "rbac.authorization.k8s.io", "ClusterRole", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_AGAIN_FIRST, create_cluster_role, update_role, NULL },
  { "rbac.authorization.k8s.io", "RoleBinding", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_AGAIN_FIRST, create_role_binding, update_binding, NULL },
  { "rbac.authorization.k8s.io", "ClusterRoleBinding", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_AGAIN_FIRST, create_cluster_role_binding,
    update_binding, NULL },
  { NULL },
};
