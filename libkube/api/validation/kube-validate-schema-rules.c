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

/* --- the expressions --- */

static void
add_invalid (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule, const char *format, const char *problem)
{
  g_autofree char *detail = g_strconcat (format, problem, NULL);

  kube_validate_invalid_struct (errors, path, "@apiextensions.ValidationRule", rule, detail);
}

static void
compile_message (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *rule, const KubeCelEnvironment *environment,
                 gboolean is_resource, KubeSchemaBudget *budget)
{
  g_autofree char *problem = NULL;
  g_autoptr (KubeCelProgram) program = kube_cel_compile (environment, string_of (rule, "messageExpression"), &problem);

  if (program == NULL)
    add_invalid (errors, path, rule, "messageExpression compilation failed: ", problem);
  else if (!equals (kube_cel_program_get_output (program), "string"))
    add_invalid (errors, path, rule, "messageExpression must evaluate to a string", NULL);
  else
    kube_schema_budget_add (budget, errors, path, "estimated messageExpression cost", kube_cel_program_estimate_cost (program, schema, is_resource));
}

/* What a rule costs where all values are looked at that one object may have of its schema. */
static guint64
cost_of_rule (const KubeCelProgram *program, KubeValue *schema, const KubeExpressionPlace *place)
{
  guint64 cost = kube_cel_program_estimate_cost (program, schema, place->is_resource);
  guint64 n = place->unbounded ? kube_cel_schema_get_most_occurrences (schema, place->is_resource) : place->occurrences;

  return n > 0 && cost > G_MAXUINT64 / n ? G_MAXUINT64 : cost * n;
}

/* A rule that speaks of the value before, and one that only says whether it may be missing. */
static void
check_old_self (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule, gboolean uses_old, const KubeFieldPath *uncorrelated)
{
  if (uses_old && uncorrelated != NULL) {
    g_autoptr (GString) place = g_string_new (NULL);
    kube_field_path_print (uncorrelated, place);
    kube_field_errors_invalid_format (errors, AT (path, "rule"), string_of (rule, "rule"),
                                      "oldSelf cannot be used on the uncorrelatable portion of the schema within %s", place->str);
  } else if (!uses_old && has_member (rule, "optionalOldSelf")) {
    kube_field_errors_invalid_value (errors, AT (path, "optionalOldSelf"), member_of (rule, "optionalOldSelf"),
                                     "may not be set if oldSelf is not used in rule");
  }
}

static void
compile_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *rule, const KubeCelEnvironment *environment,
              const KubeExpressionPlace *place, KubeSchemaBudget *budget)
{
  g_autofree char *problem = NULL;
  g_autoptr (KubeCelProgram) program = kube_cel_compile (environment, string_of (rule, "rule"), &problem);
  gboolean good = program != NULL && equals (kube_cel_program_get_output (program), "bool");

  if (program == NULL)
    add_invalid (errors, AT (path, "rule"), rule, "compilation failed: ", problem);
  else if (!good)
    add_invalid (errors, AT (path, "rule"), rule, "cel expression must evaluate to a bool", NULL);
  else
    kube_schema_budget_add (budget, errors, AT (path, "rule"), "estimated rule cost", cost_of_rule (program, schema, place));
  if (good && has_text (rule, "messageExpression"))
    compile_message (errors, AT (path, "messageExpression"), schema, rule, environment, place->is_resource, budget);
  check_old_self (errors, path, rule, good && kube_cel_program_uses (program, "oldSelf"), place->uncorrelated);
}

void
kube_validate_schema_expressions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const KubeExpressionPlace *place,
                                  KubeSchemaBudget *budget)
{
  KubeValue *rules = member_of (schema, "x-kubernetes-validations");
  const KubeFieldPath *list = AT (path, "x-kubernetes-validations");
  g_autoptr (KubeCelEnvironment) plain = NULL, optional = NULL;

  if (kube_value_get_length (rules) == 0)
    return;
  plain = kube_cel_environment_new ();
  optional = kube_cel_environment_new ();
  if (!kube_cel_environment_add_schema (plain, "self", schema, place->is_resource, FALSE)) {
    kube_field_errors_internal (errors, list,
                                "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural "
                                "schema to CEL declarations");
    return;
  }
  kube_cel_environment_add_schema (plain, "oldSelf", schema, place->is_resource, FALSE);
  kube_cel_environment_add_schema (optional, "self", schema, place->is_resource, FALSE);
  kube_cel_environment_add_schema (optional, "oldSelf", schema, place->is_resource, TRUE);
  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *rule = kube_value_get_element (rules, i);
    compile_rule (errors, AT_INDEX (list, i), schema, rule, boolean_of (rule, "optionalOldSelf") ? optional : plain, place, budget);
  }
}
