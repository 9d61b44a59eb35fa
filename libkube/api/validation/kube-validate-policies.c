/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* Admission policies that validate or mutate, and their bindings. */

enum {
  AUDIT_ANNOTATIONS_MAX = 20,
  VALUE_EXPRESSION_MAX = 5 * 1024,
};

static gboolean
is_blank (const char *text)
{
  return text[strspn (text, " \t\n\v\f\r")] == '\0';
}

static gboolean
has_line_break (const char *text)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));

  return strpbrk (stripped, "\n\r") != NULL;
}

static gboolean
is_identifier (const char *text)
{
  static const char *const reserved[] = {
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
    "package", "namespace", "return", "var", "void", "while", NULL,
  };

  return kube_name_is_valid (KUBE_NAME_C_IDENTIFIER, text) && !kube_validate_one_of (text, reserved);
}

/* What a policy's expressions may name. */
typedef struct {
  KubeCelEnvironment *values;   /* of variables, validations and annotations */
  KubeCelEnvironment *messages; /* which do not authorize */
  KubeCelEnvironment *patches;
} Environments;

/* @composed: there is `variables`, of which each variable is a field */
static void
environments_init (Environments *self, KubeValue *spec, gboolean composed)
{
  KubeAdmissionNames names = (has_member (spec, "paramKind") ? KUBE_ADMISSION_PARAMS : 0) | (composed ? KUBE_ADMISSION_VARIABLES : 0);

  self->values = kube_validate_admission_environment (names | KUBE_ADMISSION_AUTHORIZER);
  self->messages = kube_validate_admission_environment (names);
  self->patches = kube_validate_admission_environment (names | KUBE_ADMISSION_AUTHORIZER | KUBE_ADMISSION_PATCHES);
}

static void
environments_clear (Environments *self)
{
  g_clear_pointer (&self->values, kube_cel_environment_free);
  g_clear_pointer (&self->messages, kube_cel_environment_free);
  g_clear_pointer (&self->patches, kube_cel_environment_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Environments, environments_clear)

static KubeCelProgram *
check_expression (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const KubeCelEnvironment *environment,
                  const char *const *results)
{
  if (!is_blank (string_of (object, "expression")))
    return kube_validate_expression (errors, AT (path, "expression"), string_of (object, "expression"), environment, results);
  kube_field_errors_required (errors, AT (path, "expression"), "expression is not specified");
  return NULL;
}

/* --- what is matched --- */

static void
check_named_rules (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rules)
{
  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *rule = kube_value_get_element (rules, i), *names = member_of (rule, "resourceNames");
    const KubeFieldPath *at = AT_INDEX (path, i), *names_path = AT (at, "resourceNames");
    g_auto (NameSet) seen = { 0 };

    for (guint n = 0; n < kube_value_get_length (names); n++) {
      kube_validate_format (errors, AT_INDEX (names_path, n), KUBE_NAME_PATH_SEGMENT, element_string (names, n));
      if (!name_set_add (&seen, element_string (names, n)))
        kube_field_errors_duplicate (errors, AT_INDEX (names_path, n), element_string (names, n));
    }
    kube_validate_admission_rule (errors, at, rule);
  }
}

static void
check_match (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *match)
{
  static const char *const selectors[] = { "namespaceSelector", "objectSelector" };
  static const char *const policies[] = { "Equivalent", "Exact", NULL };

  if (has_member (match, "matchPolicy") && !kube_validate_one_of (string_of (match, "matchPolicy"), policies))
    kube_field_errors_not_supported (errors, AT (path, "matchPolicy"), string_of (match, "matchPolicy"), policies);
  for (gsize i = 0; i < G_N_ELEMENTS (selectors); i++)
    if (has_member (match, selectors[i]))
      kube_validate_label_selector (errors, AT (path, selectors[i]), member_of (match, selectors[i]));
    else
      kube_field_errors_required (errors, AT (path, selectors[i]), NULL);
  check_named_rules (errors, AT (path, "resourceRules"), member_of (match, "resourceRules"));
  check_named_rules (errors, AT (path, "excludeResourceRules"), member_of (match, "excludeResourceRules"));
}

/* What is being deleted cannot be changed. */
static void
check_mutable (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *match)
{
  static const char *const operations[] = { "*", "CONNECT", "CREATE", "UPDATE", NULL };
  KubeValue *rules = member_of (match, "resourceRules");

  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *list = member_of (kube_value_get_element (rules, i), "operations");
    for (guint k = 0; k < kube_value_get_length (list); k++)
      if (!kube_validate_one_of (element_string (list, k), operations))
        kube_field_errors_not_supported (errors, AT (AT (path, "resourceRules"), "operations"), element_string (list, k), operations);
  }
}

/* --- policies --- */

static void
check_param_version (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  const char *slash = strchr (text, '/'), *version = slash != NULL ? slash + 1 : text;
  g_autofree char *group = g_strndup (text, slash != NULL ? (gsize)(slash - text) : 0);

  if (*text == '\0') {
    kube_field_errors_required (errors, path, NULL);
  } else if (strchr (version, '/') != NULL) {
    kube_field_errors_invalid_format (errors, path, text, "unexpected GroupVersion string: %s", text);
  } else {
    if (*group != '\0')
      kube_validate_format_joined (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, group, ",");
    if (*version != '\0')
      kube_validate_format_joined (errors, path, KUBE_NAME_DNS1035_LABEL, version, ",");
    else
      kube_field_errors_invalid (errors, path, text, "version must be specified");
  }
}

static void
check_param_kind (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *param)
{
  const char *kind = string_of (param, "kind");
  g_autofree char *lower = g_ascii_strdown (kind, -1), *joined = NULL;
  g_autoptr (GPtrArray) messages = NULL;

  check_param_version (errors, AT (path, "apiVersion"), string_of (param, "apiVersion"));
  if (*kind == '\0') {
    kube_field_errors_required (errors, AT (path, "kind"), NULL);
    return;
  }
  if (kube_name_is_valid (KUBE_NAME_DNS1035_LABEL, lower))
    return;
  messages = kube_name_check_all (KUBE_NAME_DNS1035_LABEL, lower);
  g_ptr_array_add (messages, NULL);
  joined = g_strjoinv (",", (char **)messages->pdata);
  kube_field_errors_invalid_format (errors, AT (path, "kind"), kind, "may have mixed case, but should otherwise match: %s", joined);
}

static void
check_variable (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *variable, Environments *environments)
{
  const char *name = string_of (variable, "name");
  g_autoptr (KubeCelProgram) program = NULL;
  const char *type;

  if (is_blank (name))
    kube_field_errors_required (errors, AT (path, "name"), "name is not specified");
  else if (!is_identifier (name))
    kube_field_errors_invalid (errors, AT (path, "name"), name, "must be a valid CEL identifier");
  program = check_expression (errors, path, variable, environments->values, NULL);
  type = program != NULL ? kube_cel_program_get_type (program) : "dyn";
  kube_cel_environment_add_composed (environments->values, name, type);
  kube_cel_environment_add_composed (environments->messages, name, type);
  kube_cel_environment_add_composed (environments->patches, name, type);
}

static void
check_validation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *validation, const Environments *environments)
{
  static const char *const text[] = { "string", NULL };
  static const char *const reasons[] = { "Forbidden", "Invalid", "RequestEntityTooLarge", NULL };
  const char *message = string_of (validation, "message"), *expression = string_of (validation, "messageExpression");

  kube_cel_program_free (check_expression (errors, path, validation, environments->values, kube_validate_boolean_result));
  if (*expression != '\0' && is_blank (expression))
    kube_field_errors_invalid (errors, AT (path, "messageExpression"), expression, "must be non-empty if specified");
  else if (*expression != '\0')
    kube_cel_program_free (kube_validate_expression (errors, AT (path, "messageExpression"), expression, environments->messages, text));
  if (*message != '\0' && is_blank (message))
    kube_field_errors_invalid (errors, AT (path, "message"), message, "must be non-empty if specified");
  else if (has_line_break (message))
    kube_field_errors_invalid (errors, AT (path, "message"), message, "must not contain line breaks");
  if (has_member (validation, "reason") && !kube_validate_one_of (string_of (validation, "reason"), reasons))
    kube_field_errors_not_supported (errors, AT (path, "reason"), string_of (validation, "reason"), reasons);
}

static void
check_audit_annotation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotation, const char *policy, const Environments *environments)
{
  static const char *const results[] = { "string", "null_type", NULL };
  const char *key = string_of (annotation, "key"), *expression = string_of (annotation, "valueExpression");
  g_autofree char *name = g_strconcat (policy, "/", key, NULL);

  if (*policy == '\0')
    kube_field_errors_invalid (errors, AT (path, "key"), key, "requires metadata.name be non-empty");
  else
    kube_validate_format (errors, AT (path, "key"), KUBE_NAME_QUALIFIED, name);
  if (is_blank (expression))
    kube_field_errors_required (errors, AT (path, "valueExpression"), "valueExpression is not specified");
  else if (strlen (expression) > VALUE_EXPRESSION_MAX)
    kube_field_errors_required (errors, AT (path, "valueExpression"), "must not exceed 5120 bytes in length");
  else
    kube_cel_program_free (kube_validate_expression (errors, AT (path, "valueExpression"), expression, environments->values, results));
}

static void
check_audit_annotations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotations, const char *policy,
                         const Environments *environments)
{
  guint n = kube_value_get_length (annotations);
  g_auto (NameSet) keys = { 0 };

  if (n > AUDIT_ANNOTATIONS_MAX)
    kube_field_errors_invalid_value (errors, path, annotations, "must not have more than 20 auditAnnotations");
  for (guint i = 0; i < n; i++) {
    KubeValue *annotation = kube_value_get_element (annotations, i);
    const KubeFieldPath *at = AT_INDEX (path, i);

    check_audit_annotation (errors, at, annotation, policy, environments);
    if (!name_set_add (&keys, string_of (annotation, "key")))
      kube_field_errors_duplicate (errors, AT (at, "key"), string_of (annotation, "key"));
  }
}

static void
check_constraints (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraints)
{
  if (constraints == NULL) {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  check_match (errors, path, constraints);
  if (kube_value_get_length (member_of (constraints, "resourceRules")) == 0)
    kube_field_errors_required (errors, AT (path, "resourceRules"), NULL);
}

static void
check_common (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, gboolean mutates, Environments *environments)
{
  static const char *const failure[] = { "Fail", "Ignore", NULL };
  KubeValue *variables = member_of (spec, "variables");

  if (!has_member (spec, "failurePolicy"))
    kube_field_errors_required (errors, AT (path, "failurePolicy"), NULL);
  else if (!kube_validate_one_of (string_of (spec, "failurePolicy"), failure))
    kube_field_errors_not_supported (errors, AT (path, "failurePolicy"), string_of (spec, "failurePolicy"), failure);
  if (has_member (spec, "paramKind"))
    check_param_kind (errors, AT (path, "paramKind"), member_of (spec, "paramKind"));
  check_constraints (errors, AT (path, "matchConstraints"), member_of (spec, "matchConstraints"));
  if (mutates)
    check_mutable (errors, AT (path, "matchConstraints"), member_of (spec, "matchConstraints"));
  kube_validate_match_conditions (errors, AT (path, "matchConditions"), member_of (spec, "matchConditions"),
                                  KUBE_ADMISSION_AUTHORIZER | (has_member (spec, "paramKind") ? KUBE_ADMISSION_PARAMS : 0));
  for (guint i = 0; i < kube_value_get_length (variables); i++)
    check_variable (errors, AT_INDEX (AT (path, "variables"), i), kube_value_get_element (variables, i), environments);
}

static void
create_validating_policy (KubeFieldErrors *errors, KubeValue *object)
{
  static const char need[] = "validations or auditAnnotations must contain at least one item";
  KubeValue *spec = member_of (object, "spec");
  KubeValue *validations = member_of (spec, "validations"), *annotations = member_of (spec, "auditAnnotations");
  const KubeFieldPath *path = AT (NULL, "spec");
  g_auto (Environments) environments;

  environments_init (&environments, spec, kube_value_get_length (member_of (spec, "variables")) > 0);
  check_common (errors, path, spec, FALSE, &environments);
  if (kube_value_get_length (validations) == 0 && kube_value_get_length (annotations) == 0) {
    kube_field_errors_required (errors, AT (path, "validations"), need);
    kube_field_errors_required (errors, AT (path, "auditAnnotations"), need);
    return;
  }
  for (guint i = 0; i < kube_value_get_length (validations); i++)
    check_validation (errors, AT_INDEX (AT (path, "validations"), i), kube_value_get_element (validations, i), &environments);
  check_audit_annotations (errors, AT (path, "auditAnnotations"), annotations, string_of (member_of (object, "metadata"), "name"), &environments);
}

/* Unlike others it is told of without the blanks around it. */
static void
check_patch (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *patch, const Environments *environments, const char *const *results)
{
  g_autofree char *expression = g_strstrip (g_strdup (string_of (patch, "expression")));

  if (*expression != '\0')
    kube_cel_program_free (kube_validate_expression (errors, AT (path, "expression"), expression, environments->patches, results));
  else
    kube_field_errors_required (errors, AT (path, "expression"), NULL);
}

static void
check_mutation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *mutation, const Environments *environments)
{
  static const char *const results[][2] = { { "Object", NULL }, { "list(JSONPatch)", NULL } };
  static const char *const types[] = { "ApplyConfiguration", "JSONPatch", NULL };
  static const char *const members[] = { "applyConfiguration", "jsonPatch" };
  const char *type = string_of (mutation, "patchType");

  if (*type == '\0')
    kube_field_errors_required (errors, AT (path, "patchType"), NULL);
  else if (!kube_validate_one_of (type, types))
    kube_field_errors_not_supported (errors, AT (path, "patchType"), type, types);
  for (gsize i = 0; i < G_N_ELEMENTS (members) && *type != '\0'; i++)
    if (equals (type, types[i]) && !has_member (mutation, members[i])) {
      g_autofree char *detail = g_strdup_printf ("must be specified when patchType is %s", type);
      kube_field_errors_required (errors, AT (path, members[i]), detail);
    } else if (equals (type, types[i])) {
      check_patch (errors, AT (path, members[i]), member_of (mutation, members[i]), environments, results[i]);
    } else if (kube_validate_one_of (type, types) && has_member (mutation, members[i])) {
      g_autofree char *detail = g_strdup_printf ("must not be specified when patchType is %s", type), *bad = g_strdup_printf ("{%s}", members[i]);
      kube_field_errors_invalid (errors, AT (path, members[i]), bad, detail);
    }
}

static void
create_mutating_policy (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const reinvocation[] = { "IfNeeded", "Never", NULL };
  KubeValue *spec = member_of (object, "spec"), *mutations = member_of (spec, "mutations");
  const KubeFieldPath *path = AT (NULL, "spec");
  g_auto (Environments) environments;

  environments_init (&environments, spec, TRUE);
  check_common (errors, path, spec, TRUE, &environments);
  if (kube_value_get_length (mutations) == 0)
    kube_field_errors_required (errors, AT (path, "mutations"), "mutations must contain at least one item");
  for (guint i = 0; i < kube_value_get_length (mutations); i++)
    check_mutation (errors, AT_INDEX (AT (path, "mutations"), i), kube_value_get_element (mutations, i), &environments);
  if (!has_text (spec, "reinvocationPolicy"))
    kube_field_errors_required (errors, AT (path, "reinvocationPolicy"), NULL);
  else if (!kube_validate_one_of (string_of (spec, "reinvocationPolicy"), reinvocation))
    kube_field_errors_not_supported (errors, AT (path, "reinvocationPolicy"), string_of (spec, "reinvocationPolicy"), reinvocation);
}

/* --- bindings --- */

static void
check_param_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref)
{
  static const char exclusive[] = "name and selector are mutually exclusive";
  static const char *const actions[] = { "Deny", "Allow", NULL };
  KubeValue *selector = member_of (ref, "selector");
  gboolean named = has_text (ref, "name");

  if (named)
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_PATH_SEGMENT, string_of (ref, "name"));
  if (named && selector != NULL)
    kube_field_errors_forbidden (errors, AT (path, "name"), exclusive);
  kube_validate_label_selector (errors, AT (path, "selector"), selector);
  if (named && selector != NULL)
    kube_field_errors_forbidden (errors, AT (path, "selector"), exclusive);
  if (!named && selector == NULL)
    kube_field_errors_required (errors, path, "one of name or selector must be specified");
  kube_validate_enum (errors, AT (path, "parameterNotFoundAction"), string_of (ref, "parameterNotFoundAction"), "", actions);
}

static void
check_actions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list)
{
  static const char *const actions[] = { "Audit", "Deny", "Warn", NULL };
  g_auto (NameSet) seen = { 0 };

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    const char *action = element_string (list, i);

    if (!kube_validate_one_of (action, actions))
      kube_field_errors_not_supported (errors, AT_INDEX (path, i), action, actions);
    if (!name_set_add (&seen, action))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), action);
  }
  if (name_set_has (&seen, "Deny") && name_set_has (&seen, "Warn"))
    kube_field_errors_invalid_value (errors, path, list,
                                     "must not contain both Deny and Warn (repeating the same validation failure information in the API "
                                     "response and headers serves no purpose)");
  if (kube_value_get_length (list) == 0)
    kube_field_errors_required (errors, path, "at least one validation action is required");
}

static void
check_binding (KubeFieldErrors *errors, KubeValue *object, gboolean mutates)
{
  KubeValue *spec = member_of (object, "spec"), *match = member_of (spec, "matchResources");
  const KubeFieldPath *path = AT (NULL, "spec"), *match_path = AT (path, "matchResources");

  if (has_text (spec, "policyName"))
    kube_validate_format (errors, AT (path, "policyName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (spec, "policyName"));
  else
    kube_field_errors_required (errors, AT (path, "policyName"), NULL);
  if (has_member (spec, "paramRef"))
    check_param_ref (errors, AT (path, "paramRef"), member_of (spec, "paramRef"));
  if (match != NULL)
    check_match (errors, match_path, match);
  if (mutates)
    check_mutable (errors, match_path, match);
  else
    check_actions (errors, AT (path, "validationActions"), member_of (spec, "validationActions"));
}

static void
create_mutating_binding (KubeFieldErrors *errors, KubeValue *object)
{
  check_binding (errors, object, TRUE);
}

static void
create_validating_binding (KubeFieldErrors *errors, KubeValue *object)
{
  check_binding (errors, object, FALSE);
}

/* --- what was found of a policy --- */

static void
update_policy_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old G_GNUC_UNUSED)
{
  KubeValue *status = member_of (object, "status");
  KubeValue *warnings = member_of (member_of (status, "typeChecking"), "expressionWarnings");
  const KubeFieldPath *path = AT (NULL, "status"), *list = AT (AT (path, "typeChecking"), "expressionWarnings");

  for (guint i = 0; i < kube_value_get_length (warnings); i++) {
    KubeValue *warning = kube_value_get_element (warnings, i);
    const KubeFieldPath *at = AT_INDEX (list, i);

    if (!has_text (warning, "warning"))
      kube_field_errors_required (errors, AT (at, "warning"), NULL);
    if (is_blank (string_of (warning, "fieldRef")))
      kube_field_errors_required (errors, AT (at, "fieldRef"), NULL);
  }
  kube_validate_conditions (errors, AT (path, "conditions"), member_of (status, "conditions"));
}

#define FLAGS (KUBE_VALIDATE_AGAIN_FIRST | KUBE_VALIDATE_ANY_FINALIZER)

const KubeValidateRules kube_validate_policy_rules[] = {
  { "admissionregistration.k8s.io", "ValidatingAdmissionPolicy", KUBE_NAME_RULE_SUBDOMAIN, FLAGS, create_validating_policy, NULL,
    update_policy_status },
  { "admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", KUBE_NAME_RULE_SUBDOMAIN, FLAGS, create_validating_binding, NULL, NULL },
  { "admissionregistration.k8s.io", "MutatingAdmissionPolicy", KUBE_NAME_RULE_SUBDOMAIN, FLAGS, create_mutating_policy, NULL, NULL },
  { "admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", KUBE_NAME_RULE_SUBDOMAIN, FLAGS, create_mutating_binding, NULL, NULL },
  { NULL },
};
