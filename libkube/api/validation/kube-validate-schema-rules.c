/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* x-kubernetes-validations: what stands beside the expressions. */

static gboolean
is_blank (const char *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (!g_unichar_isspace (g_utf8_get_char (text)))
      return FALSE;
  return TRUE;
}

static gboolean
has_line_break (const char *text)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));

  return strpbrk (stripped, "\n\r") != NULL;
}

static void
check_message (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  const char *text = string_of (rule, "rule"), *message = string_of (rule, "message");

  if (is_blank (text))
    kube_field_errors_required (errors, AT (path, "rule"), "rule is not specified");
  else if (*message != '\0' && is_blank (message))
    kube_field_errors_invalid (errors, AT (path, "message"), message, "must be non-empty if specified");
  else if (has_line_break (message))
    kube_field_errors_invalid (errors, AT (path, "message"), message, "must not contain line breaks");
  else if (has_line_break (text) && is_blank (message))
    kube_field_errors_required (errors, AT (path, "message"), "message must be specified if rule contains line breaks");
}

static void
check_field_path (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const char *field)
{
  g_autofree char *normal = NULL, *problem = NULL;
  const char *reason;

  if (*field != '\0' && is_blank (field))
    kube_field_errors_invalid (errors, path, field, "must be non-empty if specified");
  if (strpbrk (field, "\n\r") != NULL)
    kube_field_errors_invalid (errors, path, field, "must not contain line breaks");
  if (*field != '\0' && kube_schema_may_be_structural (schema, &reason) && !kube_schema_find_path (&schema, field, TRUE, &normal, &problem))
    kube_field_errors_invalid (errors, path, field, "must be a valid path");
}

void
kube_validate_schema_rules (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  static const char *const reasons[] = { "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired", NULL };
  KubeValue *rules = member_of (schema, "x-kubernetes-validations");
  const KubeFieldPath *list = AT (path, "x-kubernetes-validations");

  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *rule = kube_value_get_element (rules, i);
    const KubeFieldPath *at = AT_INDEX (list, i);

    check_message (errors, at, rule);
    if (has_text (rule, "messageExpression") && is_blank (string_of (rule, "messageExpression")))
      kube_field_errors_required (errors, AT (at, "messageExpression"), "messageExpression must be non-empty if specified");
    if (has_member (rule, "reason") && !kube_validate_one_of (string_of (rule, "reason"), reasons))
      kube_field_errors_not_supported (errors, AT (at, "reason"), string_of (rule, "reason"), reasons);
    check_field_path (errors, AT (at, "fieldPath"), schema, string_of (rule, "fieldPath"));
  }
}
