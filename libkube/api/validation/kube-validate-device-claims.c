/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-device.h"

/* ResourceClaim, ResourceClaimTemplate and DeviceClass. Of the expressions of selectors, syntax and names are checked. */

enum {
  REQUESTS_MAX = 32,
  CONSTRAINTS_MAX = 32,
  FIRST_AVAILABLE_MAX = 8,
  SELECTORS_MAX = 32,
  EXPRESSION_MAX = 10 * 1024,
  ID_MAX = 32,
  POOL_NAME_MAX = 253,
  PARAMETERS_MAX = 10 * 1024,
  BINDING_CONDITIONS_MAX = 4,
};

/* What names a request: itself, or itself and one of its alternatives behind a slash. */
static const char not_a_request[] = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/* --- what slices have too --- */

static void
check_identifier (KubeFieldErrors *errors, const KubeFieldPath *path, const char *id)
{
  if (strlen (id) > ID_MAX)
    kube_field_errors_too_long (errors, path, ID_MAX);
  kube_validate_format (errors, path, KUBE_NAME_C_IDENTIFIER, id);
}

void
kube_validate_device_attribute_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  const char *slash = strchr (name, '/');
  g_autofree char *domain = NULL;

  if (slash == NULL) {
    check_identifier (errors, path, name);
    return;
  }
  if (strchr (slash + 1, '/') != NULL)
    return;
  domain = g_strndup (name, (gsize)(slash - name));
  if (*domain == '\0')
    kube_field_errors_invalid (errors, path, "", "the domain must not be empty");
  else
    kube_validate_csi_driver (errors, path, domain);
  if (slash[1] == '\0')
    kube_field_errors_invalid (errors, path, "", "the name must not be empty");
  else
    check_identifier (errors, path, slash + 1);
}

void
kube_validate_device_pool_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);

  if (*name == '\0')
    kube_field_errors_required (errors, path, NULL);
  if (strlen (name) > POOL_NAME_MAX)
    kube_field_errors_too_long (errors, path, POOL_NAME_MAX);
  for (guint i = 0; parts[i] != NULL; i++)
    kube_validate_format (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, parts[i]);
}

gboolean
kube_validate_device_list (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, guint maximum, KubeValidateElementFunc check, gconstpointer data)
{
  guint n = kube_value_get_length (list);

  if (n > maximum) {
    kube_field_errors_too_many (errors, path, (int)n, (int)maximum);
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    check (errors, AT_INDEX (path, i), kube_value_get_element (list, i), data);
  return TRUE;
}

void
kube_validate_device_set (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, guint maximum, KubeValidateElementFunc check, gconstpointer data,
                          const char *key)
{
  g_auto (NameSet) seen = { 0 };

  if (!kube_validate_device_list (errors, path, list, maximum, check, data))
    return;
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    const char *name = key != NULL ? string_of (kube_value_get_element (list, i), key) : element_string (list, i);
    if (!name_set_add (&seen, name))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), name);
  }
}

static void
check_label_name (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *element, gconstpointer data G_GNUC_UNUSED)
{
  const char *name = kube_value_peek_string (element, NULL);
  kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, name != NULL ? name : "");
}

static void
check_binding_overlap (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions, KubeValue *others)
{
  g_auto (NameSet) seen = { 0 };

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    const char *name = element_string (conditions, i);

    if (!name_set_add (&seen, name))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), name);
    for (guint o = 0; o < kube_value_get_length (others); o++)
      if (equals (element_string (others, o), name)) {
        kube_field_errors_invalid (errors, AT_INDEX (path, i), name, "bindingFailureConditions must not overlap with bindingConditions");
        break;
      }
  }
}

void
kube_validate_device_binding (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object)
{
  KubeValue *conditions = member_of (object, "bindingConditions"), *failures = member_of (object, "bindingFailureConditions");
  const KubeFieldPath *at = AT (path, "bindingConditions"), *failures_at = AT (path, "bindingFailureConditions");
  guint n = kube_value_get_length (conditions), n_failures = kube_value_get_length (failures);

  kube_validate_device_list (errors, at, conditions, BINDING_CONDITIONS_MAX, check_label_name, NULL);
  kube_validate_device_list (errors, failures_at, failures, BINDING_CONDITIONS_MAX, check_label_name, NULL);
  check_binding_overlap (errors, at, conditions, NULL);
  check_binding_overlap (errors, failures_at, failures, conditions);
  if (n == 0 && n_failures > 0)
    kube_field_errors_invalid_value (errors, at, conditions, "bindingConditions are required to use bindingFailureConditions");
  if (n_failures == 0 && n > 0)
    kube_field_errors_invalid_value (errors, failures_at, failures, "bindingFailureConditions are required to use bindingConditions");
}

/* --- requests --- */

/* What a device has may be of any type, so that its value may be the result. */
static void
check_device_expression (KubeFieldErrors *errors, const KubeFieldPath *path, const char *expression)
{
  static const char *const results[] = { "bool", "google.protobuf.Any", NULL };
  g_autoptr (KubeCelEnvironment) environment = kube_cel_environment_new ();
  g_autoptr (KubeCelProgram) program = NULL;

  kube_cel_environment_add_variable (environment, "device", "kubernetes.DRADevice");
  kube_cel_environment_allow_bind (environment);
  program = kube_validate_expression (errors, path, expression, environment, NULL);
  if (program != NULL && !kube_validate_one_of (kube_cel_program_get_output (program), results))
    kube_field_errors_invalid_format (errors, path, expression, "must evaluate to bool or the unknown type, not %s",
                                      kube_cel_program_get_output (program));
}

static void
check_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector, gconstpointer data G_GNUC_UNUSED)
{
  KubeValue *cel = member_of (selector, "cel");
  const KubeFieldPath *at = AT (AT (path, "cel"), "expression");

  if (cel == NULL)
    kube_field_errors_required (errors, AT (path, "cel"), NULL);
  else if (strlen (string_of (cel, "expression")) > EXPRESSION_MAX)
    kube_field_errors_too_long (errors, at, EXPRESSION_MAX);
  else
    check_device_expression (errors, at, string_of (cel, "expression"));
}

void
kube_validate_device_effect (KubeFieldErrors *errors, const KubeFieldPath *path, const char *effect)
{
  static const char *const effects[] = { "NoExecute", "NoSchedule", "None", NULL };

  if (!kube_validate_one_of (effect, effects))
    kube_field_errors_not_supported (errors, path, effect, effects);
}

static void
check_toleration (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *toleration)
{
  static const char *const operators[] = { "Equal", "Exists", NULL };
  const char *op = string_of (toleration, "operator"), *value = string_of (toleration, "value");

  if (has_text (toleration, "key"))
    kube_validate_format (errors, AT (path, "key"), KUBE_NAME_QUALIFIED, string_of (toleration, "key"));
  if (*op == '\0')
    kube_field_errors_required (errors, AT (path, "operator"), NULL);
  else if (!kube_validate_one_of (op, operators))
    kube_field_errors_not_supported (errors, AT (path, "operator"), op, operators);
  else if (equals (op, "Equal"))
    kube_validate_format (errors, AT (path, "value"), KUBE_NAME_LABEL_VALUE, value);
  else if (*value != '\0')
    kube_field_errors_invalid (errors, AT (path, "value"), value, "must be empty for operator `Exists`");
  if (has_text (toleration, "effect"))
    kube_validate_device_effect (errors, AT (path, "effect"), string_of (toleration, "effect"));
}

static void
check_allocation_mode (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *request)
{
  static const char *const modes[] = { "All", "ExactCount", NULL };
  const char *mode = string_of (request, "allocationMode");
  gint64 count = integer_of (request, "count", 0);

  if (!kube_validate_one_of (mode, modes))
    kube_field_errors_not_supported (errors, AT (path, "allocationMode"), mode, modes);
  else if (equals (mode, "All") && count != 0)
    kube_field_errors_invalid_integer (errors, AT (path, "count"), count, "must not be specified when allocationMode is 'All'");
  else if (equals (mode, "ExactCount") && count <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "count"), count, "must be greater than zero");
}

/* What the exact request and each of the alternatives say of the devices that they want. */
static void
check_wanted (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *request)
{
  KubeValue *tolerations = member_of (request, "tolerations");
  const char *class = string_of (request, "deviceClassName");

  if (*class == '\0')
    kube_field_errors_required (errors, AT (path, "deviceClassName"), NULL);
  else
    kube_validate_format (errors, AT (path, "deviceClassName"), KUBE_NAME_DNS1123_SUBDOMAIN, class);
  kube_validate_device_list (errors, AT (path, "selectors"), member_of (request, "selectors"), SELECTORS_MAX, check_selector, NULL);
  check_allocation_mode (errors, path, request);
  for (guint i = 0; i < kube_value_get_length (tolerations); i++)
    check_toleration (errors, AT_INDEX (AT (path, "tolerations"), i), kube_value_get_element (tolerations, i));
}

static void
check_alternative (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *request, gconstpointer data G_GNUC_UNUSED)
{
  kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, string_of (request, "name"));
  check_wanted (errors, path, request);
}

static void
check_request (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *request, gconstpointer data G_GNUC_UNUSED)
{
  KubeValue *exactly = member_of (request, "exactly"), *alternatives = member_of (request, "firstAvailable");
  const KubeFieldPath *at = AT (path, "firstAvailable");
  gboolean has_alternatives = kube_value_get_length (alternatives) > 0;

  kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, string_of (request, "name"));
  if (exactly != NULL && has_alternatives) {
    kube_field_errors_invalid_value (errors, path, NULL,
                                     "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set");
  } else if (exactly != NULL) {
    check_wanted (errors, AT (path, "exactly"), exactly);
  } else if (has_alternatives) {
    kube_validate_device_set (errors, at, alternatives, FIRST_AVAILABLE_MAX, check_alternative, NULL, "name");
  } else {
    kube_field_errors_required (errors, path, "exactly one of `exactly` or `firstAvailable` is required");
  }
}

/* --- what refers to requests --- */

void
kube_validate_device_request_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *element, gconstpointer claim)
{
  const char *name = kube_value_peek_string (element, NULL);
  g_auto (GStrv) steps = NULL;
  KubeValue *request;
  gboolean found;

  name = name != NULL ? name : "";
  steps = g_strsplit (name, "/", -1);
  if (g_strv_length (steps) > 2) {
    kube_field_errors_invalid (errors, path, name, not_a_request);
    return;
  }
  kube_validate_format (errors, path, KUBE_NAME_DNS1123_LABEL, steps[0] != NULL ? steps[0] : "");
  if (steps[0] != NULL && steps[1] != NULL)
    kube_validate_format (errors, path, KUBE_NAME_DNS1123_LABEL, steps[1]);

  request = find_by (member_of ((KubeValue *)claim, "requests"), "name", steps[0] != NULL ? steps[0] : "");
  found = request != NULL;
  if (found && steps[0] != NULL && steps[1] != NULL)
    found = find_by (member_of (request, "firstAvailable"), "name", steps[1]) != NULL;
  if (!found)
    kube_field_errors_invalid (errors, path, name, not_a_request);
}

static void
check_request_refs (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *refs, gconstpointer claim)
{
  kube_validate_device_set (errors, path, refs, REQUESTS_MAX, kube_validate_device_request_ref, claim, NULL);
}

static void
check_full_attribute_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  kube_validate_device_attribute_name (errors, path, name);
  if (strchr (name, '/') == NULL)
    kube_field_errors_invalid (errors, path, name, "a fully qualified name must be a domain and a name separated by a slash");
}

static void
check_constraint (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraint, gconstpointer claim)
{
  check_request_refs (errors, AT (path, "requests"), member_of (constraint, "requests"), claim);
  if (has_member (constraint, "matchAttribute"))
    check_full_attribute_name (errors, AT (path, "matchAttribute"), string_of (constraint, "matchAttribute"));
  else if (has_member (constraint, "distinctAttribute"))
    check_full_attribute_name (errors, AT (path, "distinctAttribute"), string_of (constraint, "distinctAttribute"));
  else
    kube_field_errors_required (
      errors, path, "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set");
}

void
kube_validate_device_object (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object)
{
  g_autofree char *text = object != NULL ? kube_value_to_string (object) : NULL;

  if (text == NULL)
    kube_field_errors_required (errors, path, NULL);
  else if (strlen (text) > PARAMETERS_MAX)
    kube_field_errors_too_long (errors, path, PARAMETERS_MAX);
  else if (!kube_value_is_object (object))
    kube_field_errors_invalid (errors, path, "<value omitted>", "must be a valid JSON object");
}

void
kube_validate_device_config (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *config, gconstpointer claim)
{
  KubeValue *opaque = member_of (config, "opaque");
  const KubeFieldPath *at = AT (path, "opaque");

  if (claim != NULL)
    check_request_refs (errors, AT (path, "requests"), member_of (config, "requests"), claim);
  if (opaque == NULL) {
    kube_field_errors_required (errors, at, NULL);
    return;
  }
  kube_validate_csi_driver (errors, AT (at, "driver"), string_of (opaque, "driver"));
  kube_validate_device_object (errors, AT (at, "parameters"), member_of (opaque, "parameters"));
}

static void
check_claim (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *claim)
{
  KubeValue *requests = member_of (claim, "requests");

  kube_validate_device_set (errors, AT (path, "requests"), requests, REQUESTS_MAX, check_request, NULL, "name");
  kube_validate_device_list (errors, AT (path, "constraints"), member_of (claim, "constraints"), CONSTRAINTS_MAX, check_constraint, claim);
  kube_validate_device_list (errors, AT (path, "config"), member_of (claim, "config"), KUBE_DEVICE_CONFIG_MAX, kube_validate_device_config, claim);
}

/* --- kinds --- */

static void
create_claim (KubeFieldErrors *errors, KubeValue *object)
{
  check_claim (errors, AT (AT (NULL, "spec"), "devices"), member_of (member_of (object, "spec"), "devices"));
}

/* A claim's specification never changes, so it is not looked at again. */
static void
update_claim (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_immutable (errors, AT (NULL, "spec"), member_of (object, "spec"), member_of (old, "spec"), "@resource.ResourceClaimSpec");
}

static void
create_template (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *meta = member_of (spec, "metadata");
  const KubeFieldPath *path = AT (NULL, "spec"), *meta_path = AT (path, "metadata");

  kube_validate_labels (errors, AT (meta_path, "labels"), member_of (meta, "labels"));
  kube_validate_annotations (errors, AT (meta_path, "annotations"), member_of (meta, "annotations"));
  check_claim (errors, AT (AT (path, "spec"), "devices"), member_of (member_of (spec, "spec"), "devices"));
}

static void
update_template (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_immutable (errors, AT (NULL, "spec"), member_of (object, "spec"), member_of (old, "spec"),
                           "@resource.ResourceClaimTemplateSpec");
}

static void
create_class (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  const KubeFieldPath *path = AT (NULL, "spec"), *at = AT (path, "extendedResourceName");
  const char *resource = string_of (spec, "extendedResourceName");

  kube_validate_device_list (errors, AT (path, "selectors"), member_of (spec, "selectors"), SELECTORS_MAX, check_selector, NULL);
  kube_validate_device_list (errors, AT (path, "config"), member_of (spec, "config"), KUBE_DEVICE_CONFIG_MAX, kube_validate_device_config, NULL);
  if (has_member (spec, "extendedResourceName") && !kube_validate_is_extended_resource (resource))
    kube_field_errors_invalid (errors, at, resource, "must be a valid extended resource name");
}

const KubeValidateRules kube_validate_device_claim_rules[] = {
  { "resource.k8s.io", "ResourceClaim", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_claim, update_claim,
    kube_validate_device_claim_status },
  { "resource.k8s.io", "ResourceClaimTemplate", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST | KUBE_VALIDATE_META_ON_UPDATE,
    create_template, update_template, NULL },
  { "resource.k8s.io", "DeviceClass", KUBE_NAME_RULE_LONG_NAME, KUBE_VALIDATE_AGAIN_FIRST | KUBE_VALIDATE_META_ON_UPDATE, create_class,
    NULL, NULL },
  { NULL },
};
