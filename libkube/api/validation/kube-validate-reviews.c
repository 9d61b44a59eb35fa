/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* What is asked of the authorizer. */

static void
check_requirement (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement, gboolean labels)
{
  if (labels) {
    kube_validate_label_requirement (errors, path, requirement, TRUE);
    return;
  }
  if (!has_text (requirement, "key"))
    kube_field_errors_required (errors, AT (path, "key"), "must be specified");
  kube_validate_requirement_values (errors, path, requirement);
}

static void
check_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector, gboolean labels)
{
  KubeValue *requirements = member_of (selector, "requirements");
  guint n = kube_value_get_length (requirements);

  if (selector == NULL)
    return;
  if (has_text (selector, "rawSelector") && n > 0)
    kube_field_errors_invalid (errors, AT (path, "rawSelector"), string_of (selector, "rawSelector"), "may not specified at the same time as requirements");
  if (!has_text (selector, "rawSelector") && n == 0) {
    g_autofree char *detail =
      g_strdup_printf ("when spec.resourceAttributes.%s is specified, requirements or rawSelector is required", path->name);
    kube_field_errors_required (errors, AT (path, "requirements"), detail);
  }
  for (guint i = 0; i < n; i++)
    check_requirement (errors, AT_INDEX (AT (path, "requirements"), i), kube_value_get_element (requirements, i), labels);
}

static void
check_what (KubeFieldErrors *errors, KubeValue *spec, gboolean has_subject)
{
  KubeValue *resource = member_of (spec, "resourceAttributes"), *other = member_of (spec, "nonResourceAttributes");
  const KubeFieldPath *path = AT (NULL, "spec"), *at = AT (path, "resourceAttributes");

  if (resource != NULL && other != NULL)
    kube_validate_invalid_struct (errors, AT (path, "nonResourceAttributes"), "@authorization.NonResourceAttributes", other,
                                  "cannot be specified in combination with resourceAttributes");
  if (resource == NULL && other == NULL)
    kube_field_errors_invalid_value (errors, at, NULL, "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  if (has_subject && !has_text (spec, "user") && kube_value_get_length (member_of (spec, "groups")) == 0)
    kube_field_errors_invalid (errors, AT (path, "user"), "", "at least one of user or group must be specified");
  check_selector (errors, AT (at, "fieldSelector"), member_of (resource, "fieldSelector"), FALSE);
  check_selector (errors, AT (at, "labelSelector"), member_of (resource, "labelSelector"), TRUE);
}

static gboolean
is_set (KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL);

  if (text != NULL)
    return *text != '\0';
  if (kube_value_get_value_type (value) == KUBE_VALUE_INTEGER)
    return kube_value_get_integer (value, NULL, 0) != 0;
  return kube_value_get_length (value) > 0;
}

/* A question has no metadata. @except: (nullable): what it may have */
static void
check_meta (KubeFieldErrors *errors, KubeValue *meta, const char *except, const char *detail)
{
  for (guint i = 0; i < kube_value_get_length (meta); i++) {
    const char *key = kube_value_get_key (meta, i);

    if (equals (key, "managedFields") || g_strcmp0 (key, except) == 0 || !is_set (kube_value_get_element (meta, i)))
      continue;
    kube_validate_invalid_struct (errors, AT (NULL, "metadata"), "@meta.ObjectMeta", meta, detail);
    return;
  }
}

static void
create_review (KubeFieldErrors *errors, KubeValue *review)
{
  check_what (errors, member_of (review, "spec"), TRUE);
  check_meta (errors, member_of (review, "metadata"), NULL, "must be empty");
}

static void
create_self_review (KubeFieldErrors *errors, KubeValue *review)
{
  check_what (errors, member_of (review, "spec"), FALSE);
  check_meta (errors, member_of (review, "metadata"), NULL, "must be empty");
}

static void
create_local_review (KubeFieldErrors *errors, KubeValue *review)
{
  KubeValue *spec = member_of (review, "spec"), *meta = member_of (review, "metadata");
  KubeValue *resource = member_of (spec, "resourceAttributes"), *other = member_of (spec, "nonResourceAttributes");
  const KubeFieldPath *path = AT (NULL, "spec");

  check_what (errors, spec, TRUE);
  check_meta (errors, meta, "namespace", "must be empty except for namespace");
  if (resource != NULL && !equals (string_of (resource, "namespace"), string_of (meta, "namespace")))
    kube_field_errors_invalid (errors, AT (AT (path, "resourceAttributes"), "namespace"), string_of (resource, "namespace"),
                               "must match metadata.namespace");
  if (other != NULL)
    kube_validate_invalid_struct (errors, AT (path, "nonResourceAttributes"), "@authorization.NonResourceAttributes", other,
                                  "disallowed on this kind of request");
}

const KubeValidateRules kube_validate_review_rules[] = {
  { "authorization.k8s.io", "SubjectAccessReview", KUBE_NAME_RULE_ANY, 0, create_review, NULL, NULL, NULL },
  { "authorization.k8s.io", "SelfSubjectAccessReview", KUBE_NAME_RULE_ANY, 0, create_self_review, NULL, NULL, NULL },
  { "authorization.k8s.io", "LocalSubjectAccessReview", KUBE_NAME_RULE_ANY, 0, create_local_review, NULL, NULL, NULL },
  { NULL },
};
