/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* ValidatingWebhookConfiguration and MutatingWebhookConfiguration. Of the expressions of match conditions, syntax and names are checked. */

typedef struct {
  gboolean side_effects; /* what has side effects is accepted, as what is stored has them */
  gboolean versions;     /* … unknown versions are */
  gboolean names;        /* … names that are there twice are */
} Accepted;

static const char *const no_side_effects[] = { "None", "NoneOnDryRun", NULL };
static const char *const review_versions[] = { "v1", "v1beta1", NULL };

static void
check_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  g_autoptr (GPtrArray) messages = NULL;
  const char *dot;

  if (*name == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (!kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, name)) {
    messages = kube_name_check_all (KUBE_NAME_DNS1123_SUBDOMAIN, name);
    g_autoptr (GString) all = g_string_new (NULL);
    for (guint i = 0; messages != NULL && i < messages->len; i++)
      g_string_append_printf (all, "%s%s", i > 0 ? "," : "", (char *)messages->pdata[i]);
    kube_field_errors_invalid (errors, path, name, all->str);
    return;
  }
  dot = strchr (name, '.');
  if (dot == NULL || strchr (dot + 1, '.') == NULL)
    kube_field_errors_invalid (errors, path, name, "should be a domain with at least three segments separated by dots");
}

static void
check_list (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, const char *detail)
{
  guint n = kube_value_get_length (list);

  if (n == 0)
    kube_field_errors_required (errors, path, NULL);
  if (n > 1 && kube_validate_has_wildcard (list))
    kube_field_errors_invalid_value (errors, path, list, detail);
}

/* Whether one of the first @n has `resource` before and `subresource` behind its slash. */
static gboolean
has_pair (KubeValue *list, guint n, const char *resource, gsize length, const char *subresource)
{
  for (guint i = 0; i < n; i++) {
    const char *text = element_string (list, i), *slash = strchr (text, '/');
    if (slash != NULL && (gsize)(slash - text) == length && strncmp (text, resource, length) == 0
        && equals (slash + 1, subresource))
      return TRUE;
  }
  return FALSE;
}

static void
check_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list)
{
  gboolean all = FALSE, all_plain = FALSE, plain = FALSE;

  if (kube_value_get_length (list) == 0)
    kube_field_errors_required (errors, path, NULL);
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    const char *text = element_string (list, i), *slash = strchr (text, '/');

    if (*text == '\0') {
      kube_field_errors_required (errors, AT_INDEX (path, i), NULL);
      continue;
    }
    all = all || equals (text, "*/*");
    all_plain = all_plain || equals (text, "*");
    if (slash == NULL) {
      plain = !equals (text, "*");
      continue;
    }
    if (has_pair (list, i, text, (gsize)(slash - text), "*"))
      kube_field_errors_invalid_format (errors, AT_INDEX (path, i), text, "if '%.*s/*' is present, must not specify %s",
                                        (int)(slash - text), text, text);
    if (has_pair (list, i, "*", 1, slash + 1))
      kube_field_errors_invalid_format (errors, AT_INDEX (path, i), text, "if '*/%s' is present, must not specify %s", slash + 1,
                                        text);
  }
  if (kube_value_get_length (list) > 1 && all)
    kube_field_errors_invalid_value (errors, path, list, "if '*/*' is present, must not specify other resources");
  if (all_plain && plain)
    kube_field_errors_invalid_value (errors, path, list,
                                     "if '*' is present, must not specify other resources without subresources");
}

static void
check_enum (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key, const char *const *valid)
{
  if (has_member (object, key) && !kube_validate_one_of (string_of (object, key), valid))
    kube_field_errors_not_supported (errors, AT (path, key), string_of (object, key), valid);
}

void
kube_validate_admission_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  static const char *const operations[] = { "*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL };
  static const char *const scopes[] = { "*", "Cluster", "Namespaced", NULL };
  KubeValue *list = member_of (rule, "operations");

  check_list (errors, AT (path, "operations"), list, "if '*' is present, must not specify other operations");
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (!kube_validate_one_of (element_string (list, i), operations))
      kube_field_errors_not_supported (errors, AT_INDEX (AT (path, "operations"), i), element_string (list, i), operations);
  check_list (errors, AT (path, "apiGroups"), member_of (rule, "apiGroups"),
              "if '*' is present, must not specify other API groups");
  list = member_of (rule, "apiVersions");
  check_list (errors, AT (path, "apiVersions"), list, "if '*' is present, must not specify other API versions");
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (*element_string (list, i) == '\0')
      kube_field_errors_required (errors, AT_INDEX (AT (path, "apiVersions"), i), NULL);
  check_resources (errors, AT (path, "resources"), member_of (rule, "resources"));
  check_enum (errors, path, rule, "scope", scopes);
}

static void
check_service_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  g_auto (GStrv) steps = NULL;
  g_autofree char *inner = NULL;

  if (*text == '\0' || equals (text, "/"))
    return;
  if (equals (text, "//")) {
    kube_field_errors_invalid (errors, path, text, "segment[0] may not be empty");
    return;
  }
  if (*text != '/')
    kube_field_errors_invalid (errors, path, text, "must start with a '/'");
  inner = g_strdup (text + 1);
  if (g_str_has_suffix (inner, "/"))
    inner[strlen (inner) - 1] = '\0';
  steps = g_strsplit (*inner != '\0' ? inner : "/", "/", -1);
  for (guint i = 0; steps[i] != NULL && (i == 0 || *inner != '\0'); i++) {
    g_autoptr (GPtrArray) messages = NULL;
    if (*steps[i] == '\0') {
      kube_field_errors_invalid_format (errors, path, text, "segment[%u] may not be empty", i);
      continue;
    }
    if (kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, steps[i]))
      continue;
    messages = kube_name_check_all (KUBE_NAME_DNS1123_SUBDOMAIN, steps[i]);
    for (guint m = 0; messages != NULL && m < messages->len; m++)
      kube_field_errors_invalid_format (errors, path, text, "segment[%u]: %s", i, (char *)messages->pdata[m]);
  }
}

static void
check_service (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *service)
{
  gint64 port = integer_of (service, "port", 443);

  /* Upstream has the two the wrong way round. */
  if (!has_text (service, "namespace"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  if (!has_text (service, "name"))
    kube_field_errors_required (errors, AT (path, "namespace"), NULL);
  if (port < 1 || port > 65535)
    kube_field_errors_invalid_integer (errors, AT (path, "port"), port,
                                       "port is not valid: must be between 1 and 65535, inclusive");
  check_service_path (errors, AT (path, "path"), string_of (service, "path"));
}

static void
check_url (KubeFieldErrors *errors, const KubeFieldPath *path, const char *url)
{
  const char *form = "; desired format: https://host[/path]", *user, *end;
  gsize scheme = strspn (url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
  gsize before_query = strcspn (url, "?#");
  g_autofree char *scheme_text = NULL, *authority = NULL, *query = NULL;

  if (*url == ':') {
    g_autofree char *detail = g_strdup_printf ("url must be a valid URL: parse \"%s\": missing protocol scheme%s", url, form);
    kube_field_errors_required (errors, path, detail);
    return;
  }
  if (url[scheme] != ':' || !g_ascii_isalpha (*url))
    scheme = 0;
  scheme_text = g_ascii_strdown (url, (gssize)scheme);
  end = url + before_query;
  url += scheme > 0 ? scheme + 1 : 0;
  if (g_str_has_prefix (url, "//"))
    authority = g_strndup (url + 2, MIN (strcspn (url + 2, "/"), (gsize)(end - url - 2)));
  else
    authority = g_strdup ("");
  user = strrchr (authority, '@');

  if (!equals (scheme_text, "https")) {
    g_autofree char *detail = g_strconcat ("'https' is the only allowed URL scheme", form, NULL);
    kube_field_errors_invalid (errors, path, scheme_text, detail);
  }
  if (*(user != NULL ? user + 1 : authority) == '\0') {
    g_autofree char *detail = g_strconcat ("host must be specified", form, NULL);
    kube_field_errors_invalid (errors, path, "", detail);
  }
  if (user != NULL) {
    g_autofree char *name = g_strndup (authority, (gsize)(user - authority));
    kube_field_errors_invalid (errors, path, name, "user information is not permitted in the URL");
  }
  if (end[0] != '\0' && strchr (end, '#') != NULL && strchr (end, '#')[1] != '\0')
    kube_field_errors_invalid (errors, path, strchr (end, '#') + 1, "fragments are not permitted in the URL");
  query = *end == '?' ? g_strndup (end + 1, strcspn (end + 1, "#")) : g_strdup ("");
  if (*query != '\0')
    kube_field_errors_invalid (errors, path, query, "query parameters are not permitted in the URL");
}

void
kube_validate_webhook_client (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *client)
{
  KubeValue *service = member_of (client, "service");

  if (has_member (client, "url") == (service != NULL))
    kube_field_errors_required (errors, path, "exactly one of url or service is required");
  else if (service != NULL)
    check_service (errors, AT (path, "service"), service);
  else
    check_url (errors, AT (path, "url"), string_of (client, "url"));
}

void
kube_validate_match_conditions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions, KubeAdmissionNames admission_names)
{
  guint n = kube_value_get_length (conditions);
  g_autoptr (KubeCelEnvironment) environment = n > 0 ? kube_validate_admission_environment (admission_names) : NULL;
  g_auto (NameSet) names = { 0 };

  if (n > 64)
    kube_field_errors_too_many (errors, path, (int)n, 64);
  for (guint i = 0; i < n; i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    const char *name = string_of (condition, "name");
    const KubeFieldPath *at = AT_INDEX (path, i);
    g_autofree char *expression = g_strstrip (g_strdup (string_of (condition, "expression")));

    if (*expression == '\0')
      kube_field_errors_required (errors, AT (at, "expression"), NULL);
    else
      kube_cel_program_free (kube_validate_expression (errors, AT (at, "expression"), expression, environment, kube_validate_boolean_result));
    if (*name == '\0') {
      kube_field_errors_required (errors, AT (at, "name"), NULL);
      continue;
    }
    kube_validate_format (errors, AT (at, "name"), KUBE_NAME_QUALIFIED, name);
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, AT (at, "name"), name);
  }
}

static gboolean
has_known_version (KubeValue *versions)
{
  for (guint i = 0; i < kube_value_get_length (versions); i++)
    if (kube_validate_one_of (element_string (versions, i), review_versions))
      return TRUE;
  return FALSE;
}

static void
check_versions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *versions, gboolean accept_unknown)
{
  guint n = kube_value_get_length (versions);
  g_auto (NameSet) seen = { 0 };

  if (n == 0) {
    kube_field_errors_required (errors, path, "must specify one of v1, v1beta1");
    return;
  }
  for (guint i = 0; i < n; i++) {
    const char *version = element_string (versions, i);
    if (!name_set_add (&seen, version))
      kube_field_errors_invalid (errors, AT_INDEX (path, i), version, "duplicate version");
    else
      kube_validate_format (errors, AT_INDEX (path, i), KUBE_NAME_DNS1035_LABEL, version);
  }
  if (!accept_unknown && !has_known_version (versions))
    kube_field_errors_invalid_value (errors, path, versions, "must include at least one of v1, v1beta1");
}

static void
check_side_effects (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *hook, gboolean accept)
{
  static const char *const all[] = { "None", "NoneOnDryRun", "Some", "Unknown", NULL };

  if (!has_member (hook, "sideEffects"))
    kube_field_errors_required (errors, AT (path, "sideEffects"),
                                accept ? "must specify one of None, NoneOnDryRun, Some, Unknown"
                                       : "must specify one of None, NoneOnDryRun");
  check_enum (errors, path, hook, "sideEffects", accept ? all : no_side_effects);
}

static void
check_hook (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *hook, const Accepted *accepted)
{
  static const char *const failure[] = { "Fail", "Ignore", NULL };
  static const char *const match[] = { "Equivalent", "Exact", NULL };
  static const char *const again[] = { "IfNeeded", "Never", NULL };
  KubeValue *rules = member_of (hook, "rules");
  gint64 timeout = integer_of (hook, "timeoutSeconds", 1);

  check_name (errors, AT (path, "name"), string_of (hook, "name"));
  for (guint i = 0; i < kube_value_get_length (rules); i++)
    kube_validate_admission_rule (errors, AT_INDEX (AT (path, "rules"), i), kube_value_get_element (rules, i));
  check_enum (errors, path, hook, "failurePolicy", failure);
  check_enum (errors, path, hook, "matchPolicy", match);
  check_side_effects (errors, path, hook, accepted->side_effects);
  if (timeout < 1 || timeout > 30)
    kube_field_errors_invalid_integer (errors, AT (path, "timeoutSeconds"), timeout,
                                       "the timeout value must be between 1 and 30 seconds");
  kube_validate_label_selector (errors, AT (path, "namespaceSelector"), member_of (hook, "namespaceSelector"));
  kube_validate_label_selector (errors, AT (path, "objectSelector"), member_of (hook, "objectSelector"));
  check_enum (errors, path, hook, "reinvocationPolicy", again);
  kube_validate_webhook_client (errors, AT (path, "clientConfig"), member_of (hook, "clientConfig"));
  kube_validate_match_conditions (errors, AT (path, "matchConditions"), member_of (hook, "matchConditions"), KUBE_ADMISSION_AUTHORIZER);
  check_versions (errors, AT (path, "admissionReviewVersions"), member_of (hook, "admissionReviewVersions"), accepted->versions);
}

static void
check_hooks (KubeFieldErrors *errors, KubeValue *configuration, const Accepted *accepted)
{
  KubeValue *hooks = member_of (configuration, "webhooks");
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (hooks); i++) {
    KubeValue *hook = kube_value_get_element (hooks, i);
    const KubeFieldPath *path = AT_INDEX (AT (NULL, "webhooks"), i);

    check_hook (errors, path, hook, accepted);
    if (!accepted->names && has_text (hook, "name") && !name_set_add (&names, string_of (hook, "name")))
      kube_field_errors_duplicate (errors, AT (path, "name"), string_of (hook, "name"));
  }
}

static void
create_webhooks (KubeFieldErrors *errors, KubeValue *configuration)
{
  const Accepted nothing = { 0 };
  check_hooks (errors, configuration, &nothing);
}

static void
update_webhooks (KubeFieldErrors *errors, KubeValue *configuration, KubeValue *old)
{
  KubeValue *hooks = member_of (old, "webhooks");
  Accepted accepted = { 0 };
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (hooks); i++) {
    KubeValue *hook = kube_value_get_element (hooks, i);
    accepted.side_effects = accepted.side_effects || !kube_validate_one_of (string_of (hook, "sideEffects"), no_side_effects);
    accepted.versions = accepted.versions || !has_known_version (member_of (hook, "admissionReviewVersions"));
    accepted.names = !name_set_add (&names, string_of (hook, "name")) || accepted.names;
  }
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (configuration, "metadata"), FALSE, KUBE_NAME_RULE_SUBDOMAIN);
  check_hooks (errors, configuration, &accepted);
}

const KubeValidateRules kube_validate_webhook_rules[] = {
  { "admissionregistration.k8s.io", "ValidatingWebhookConfiguration", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_ANY_FINALIZER, create_webhooks,
    update_webhooks, NULL },
  { "admissionregistration.k8s.io", "MutatingWebhookConfiguration", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_ANY_FINALIZER, create_webhooks, update_webhooks,
    NULL },
  { NULL },
};
