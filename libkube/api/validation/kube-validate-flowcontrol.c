/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <math.h>

/* FlowSchema and PriorityLevelConfiguration. */

enum {
  PRECEDENCE_MAX = 10000,
  QUEUES_MAX = 10 * 1000 * 1000,
  HASH_BITS_MAX = 60, /* what a request's hash has to deal a hand of queues with */
};

static const char *const verbs_known[] = { "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch", NULL };

/* NotSupported with a bad value that is more than a string. */
static void
add_not_supported (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *const *valid)
{
  g_autoptr (GString) detail = g_string_new ("supported values: ");

  for (gsize i = 0; valid[i] != NULL; i++) {
    g_string_append (detail, i == 0 ? "" : ", ");
    kube_go_quote (detail, valid[i], -1);
  }
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad, detail->str);
}

/* Required where empty, Invalid where the wildcard is not alone. TRUE where the elements still have to be looked at. */
static gboolean
check_list (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, const char *required, const char *others)
{
  if (kube_value_get_length (list) == 0) {
    kube_field_errors_required (errors, path, required);
    return FALSE;
  }
  if (!kube_validate_has_wildcard (list))
    return TRUE;
  if (kube_value_get_length (list) > 1) {
    g_autofree char *detail = g_strconcat ("if '*' is present, must not specify other ", others, NULL);
    kube_field_errors_invalid_value (errors, path, list, detail);
  }
  return FALSE;
}

static void
check_verbs (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *verbs)
{
  if (!check_list (errors, path, verbs, "verbs must contain at least one value", "verbs"))
    return;
  for (guint i = 0; i < kube_value_get_length (verbs); i++)
    if (!kube_validate_one_of (element_string (verbs, i), verbs_known)) {
      g_autoptr (GString) bad = g_string_new (NULL);
      kube_go_json (bad, verbs);
      add_not_supported (errors, path, bad->str, verbs_known);
      return;
    }
}

static const char *
find_fault_of_url (const char *url)
{
  const char *star = strchr (url, '*');

  if (*url == '\0')
    return "must not be empty";
  if (*url != '/')
    return "must start with slash";
  if (strchr (url, ' ') != NULL)
    return "must not contain white-space";
  if (strstr (url, "//") != NULL)
    return "must not contain double slash";
  if (star != NULL && (star[1] != '\0' || star[-1] != '/'))
    return "wildcard can only do suffix matching";
  return NULL;
}

static void
check_non_resource_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  const KubeFieldPath *at = AT (path, "nonResourceURLs");
  KubeValue *urls = member_of (rule, "nonResourceURLs");

  check_verbs (errors, AT (path, "verbs"), member_of (rule, "verbs"));
  if (!check_list (errors, at, urls, "nonResourceURLs must contain at least one value", "non-resource URLs"))
    return;
  for (guint i = 0; i < kube_value_get_length (urls); i++) {
    const char *url = element_string (urls, i), *fault = find_fault_of_url (url);
    if (fault != NULL)
      kube_field_errors_invalid (errors, AT_INDEX (at, i), url, fault);
  }
}

static void
check_resource_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  const KubeFieldPath *at = AT (path, "namespaces");
  KubeValue *namespaces = member_of (rule, "namespaces");

  check_verbs (errors, AT (path, "verbs"), member_of (rule, "verbs"));
  check_list (errors, AT (path, "apiGroups"), member_of (rule, "apiGroups"), "resource rules must supply at least one api group",
              "api groups");
  check_list (errors, AT (path, "resources"), member_of (rule, "resources"), "resource rules must supply at least one resource",
              "resources");
  if (kube_value_get_length (namespaces) == 0 && boolean_of (rule, "clusterScope"))
    return;
  if (!check_list (errors, at, namespaces, "resource rules that are not cluster scoped must supply at least one namespace",
                   "namespaces"))
    return;
  for (guint i = 0; i < kube_value_get_length (namespaces); i++)
    kube_validate_format_prefixed (errors, AT_INDEX (at, i), KUBE_NAME_DNS1123_LABEL, element_string (namespaces, i),
                                   "each member of this list must be '*' or a DNS-1123 label; ");
}

static void
check_service_account (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *account)
{
  const char *name = string_of (account, "name");

  if (*name == '\0')
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  else if (!equals (name, "*"))
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_SUBDOMAIN, name);
  if (has_text (account, "namespace"))
    kube_validate_format (errors, AT (path, "namespace"), KUBE_NAME_DNS1123_LABEL, string_of (account, "namespace"));
  else
    kube_field_errors_required (errors, AT (path, "namespace"), "must specify namespace for service account");
}

/* The kinds of subject, and the member that each has to itself. */
static const struct {
  const char *kind, *member;
} subjects[] = {
  { "ServiceAccount", "serviceAccount" },
  { "User", "user" },
  { "Group", "group" },
};

static void
check_subject (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *subject)
{
  static const char *const kinds[] = { "Group", "ServiceAccount", "User", NULL };
  const char *kind = string_of (subject, "kind");

  if (!kube_validate_one_of (kind, kinds)) {
    kube_field_errors_not_supported (errors, AT (path, "kind"), kind, kinds);
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (subjects); i++) {
    KubeValue *member = member_of (subject, subjects[i].member);
    const KubeFieldPath *at = AT (path, subjects[i].member);

    if (!equals (kind, subjects[i].kind))
      continue;
    if (member == NULL) {
      g_autofree char *detail = g_strdup_printf ("%s is required when subject kind is '%s'", subjects[i].member, kind);
      kube_field_errors_required (errors, at, detail);
    } else if (i == 0) {
      check_service_account (errors, at, member);
    } else if (!has_text (member, "name")) {
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (subjects); i++)
    if (!equals (kind, subjects[i].kind) && has_member (subject, subjects[i].member)) {
      g_autofree char *detail =
        g_strdup_printf ("%s is forbidden when subject kind is not '%s'", subjects[i].member, subjects[i].kind);
      kube_field_errors_forbidden (errors, AT (path, subjects[i].member), detail);
    }
}

static void
check_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  KubeValue *who = member_of (rule, "subjects"), *resource = member_of (rule, "resourceRules");
  KubeValue *other = member_of (rule, "nonResourceRules");
  guint n_resource = kube_value_get_length (resource), n_other = kube_value_get_length (other);

  if (kube_value_get_length (who) == 0)
    kube_field_errors_required (errors, AT (path, "subjects"), "subjects must contain at least one value");
  for (guint i = 0; i < kube_value_get_length (who); i++)
    check_subject (errors, AT_INDEX (AT (path, "subjects"), i), kube_value_get_element (who, i));
  if (n_resource == 0 && n_other == 0)
    kube_field_errors_required (errors, path, "at least one of resourceRules and nonResourceRules has to be non-empty");
  for (guint i = 0; i < n_resource; i++)
    check_resource_rule (errors, AT_INDEX (AT (path, "resourceRules"), i), kube_value_get_element (resource, i));
  for (guint i = 0; i < n_other; i++)
    check_non_resource_rule (errors, AT_INDEX (AT (path, "nonResourceRules"), i), kube_value_get_element (other, i));
}

static void
check_conditions (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *conditions = member_of (member_of (object, "status"), "conditions");
  const KubeFieldPath *path = AT (AT (NULL, "status"), "conditions");
  g_auto (NameSet) types = { 0 };

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    const char *type = string_of (kube_value_get_element (conditions, i), "type");
    const KubeFieldPath *at = AT (AT_INDEX (path, i), "type");

    if (!name_set_add (&types, type))
      kube_field_errors_duplicate (errors, at, type);
    if (*type == '\0')
      kube_field_errors_required (errors, at, "must not be empty");
  }
}

static void
check_precedence (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema)
{
  gint64 precedence = integer_of (member_of (schema, "spec"), "matchingPrecedence", 0);

  if (precedence <= 0)
    kube_field_errors_invalid_integer (errors, path, precedence, "must be a positive value");
  if (precedence > PRECEDENCE_MAX)
    kube_field_errors_invalid_integer (errors, path, precedence, "must not be greater than 10000");
  if (precedence == 1 && !equals (string_of (member_of (schema, "metadata"), "name"), "exempt"))
    kube_field_errors_invalid_integer (errors, path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
}

/* --- what every cluster has, with one content --- */

#define ALL_RULES \
  "\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"*\"]}]," \
  "\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]"
#define GROUP(name) "{\"kind\":\"Group\",\"group\":{\"name\":\"" name "\"}}"

typedef struct {
  const char *name, *spec;
  const char *free; /* (nullable): a member of the spec that may be anything */
} Mandatory;

static const Mandatory mandatory_schemas[] = {
  { "exempt",
    "{\"matchingPrecedence\":1,\"priorityLevelConfiguration\":{\"name\":\"exempt\"},\"rules\":[{\"subjects\":[" GROUP ("system:masters") "]," ALL_RULES "}]}", NULL },
  { "catch-all",
    "{\"matchingPrecedence\":10000,\"priorityLevelConfiguration\":{\"name\":\"catch-all\"},\"distinguisherMethod\":{\"type\":\"ByUser\"},\"rules\":[{\"subjects\":["
    GROUP ("system:unauthenticated") "," GROUP ("system:authenticated") "]," ALL_RULES "}]}", NULL },
  { NULL },
};

static const Mandatory mandatory_levels[] = {
  { "exempt", "{\"type\":\"Exempt\",\"exempt\":{\"nominalConcurrencyShares\":0,\"lendablePercent\":0}}", "exempt" },
  { "catch-all", "{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":5,\"lendablePercent\":0,\"limitResponse\":{\"type\":\"Reject\"}}}", NULL },
  { NULL },
};

static void
check_mandatory (KubeFieldErrors *errors, KubeValue *object, const Mandatory *mandatory, const char *type)
{
  const char *name = string_of (member_of (object, "metadata"), "name");
  KubeValue *spec = member_of (object, "spec");
  g_autoptr (KubeValue) fixed = NULL, changed = NULL;
  g_autofree char *detail = NULL;

  while (mandatory->name != NULL && !equals (mandatory->name, name))
    mandatory++;
  if (mandatory->name == NULL)
    return;
  fixed = kube_value_parse (mandatory->spec, -1, NULL);
  if (mandatory->free != NULL) {
    g_autoptr (KubeBuilder) builder = kube_builder_new (fixed);
    kube_node_put_value (kube_builder_get_root (builder), mandatory->free, member_of (spec, mandatory->free));
    changed = kube_builder_end (builder);
  }
  if (kube_validate_semantic_equal (spec, changed != NULL ? changed : fixed))
    return;
  detail = mandatory->free != NULL ? g_strdup_printf ("spec of '%s' except the 'spec.%s' field must equal the fixed value", name, mandatory->free)
                                   : g_strdup_printf ("spec of '%s' must equal the fixed value", name);
  kube_validate_invalid_struct (errors, AT (NULL, "spec"), type, spec, detail);
}

static void
create_flow_schema (KubeFieldErrors *errors, KubeValue *schema)
{
  static const char *const methods[] = { "ByNamespace", "ByUser", NULL };
  KubeValue *spec = member_of (schema, "spec"), *method = member_of (spec, "distinguisherMethod"), *rules = member_of (spec, "rules");
  const char *level = string_of (member_of (spec, "priorityLevelConfiguration"), "name");
  const KubeFieldPath *path = AT (NULL, "spec"), *level_path = AT (AT (path, "priorityLevelConfiguration"), "name");

  check_precedence (errors, AT (path, "matchingPrecedence"), schema);
  if (method != NULL && !kube_validate_one_of (string_of (method, "type"), methods)) {
    g_autoptr (GString) bad = g_string_new (NULL);
    kube_go_struct_print (bad, "@flowcontrol.FlowDistinguisherMethod", method);
    add_not_supported (errors, AT (AT (path, "distinguisherMethod"), "type"), bad->str, methods);
  }
  if (*level != '\0')
    kube_validate_format (errors, level_path, KUBE_NAME_DNS1123_SUBDOMAIN, level);
  else
    kube_field_errors_required (errors, level_path, "must reference a priority level");
  for (guint i = 0; i < kube_value_get_length (rules); i++)
    check_rule (errors, AT_INDEX (AT (path, "rules"), i), kube_value_get_element (rules, i));
  check_mandatory (errors, schema, mandatory_schemas, "@flowcontrol.FlowSchemaSpec");
  check_conditions (errors, schema);
}

static void
update_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old G_GNUC_UNUSED)
{
  check_conditions (errors, object);
}

/* --- priority levels --- */

/* How many bits it takes at most to deal @hand of @deck cards. */
static double
entropy_bits (gint64 deck, gint64 hand)
{
  return ceil (log2 ((double)deck) * (double)hand);
}

static void
check_queuing (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *queuing)
{
  gint64 limit = integer_of (queuing, "queueLengthLimit", 0), queues = integer_of (queuing, "queues", 0);
  gint64 hand = integer_of (queuing, "handSize", 0);
  g_autofree char *detail = NULL;

  if (limit <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "queueLengthLimit"), limit, "must be positive");
  if (queues <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "queues"), queues, "must be positive");
  else if (queues > QUEUES_MAX)
    kube_field_errors_invalid_integer (errors, AT (path, "queues"), queues, "must not be greater than 10000000");

  if (hand <= 0)
    detail = g_strdup ("must be positive");
  else if (hand > queues)
    detail = g_strdup_printf ("should not be greater than queues (%" G_GINT64_FORMAT ")", queues);
  else if (entropy_bits (queues, hand) > HASH_BITS_MAX)
    detail = g_strdup_printf ("required entropy bits of deckSize %" G_GINT64_FORMAT " and handSize %" G_GINT64_FORMAT
                              " should not be greater than %d", queues, hand, HASH_BITS_MAX);
  if (detail != NULL)
    kube_field_errors_invalid_integer (errors, AT (path, "handSize"), hand, detail);
}

static void
check_response (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *response)
{
  static const char *const types[] = { "Queue", "Reject", NULL };
  KubeValue *queuing = member_of (response, "queuing");
  const char *type = string_of (response, "type");
  const KubeFieldPath *at = AT (path, "queuing");

  if (*type == '\0')
    kube_field_errors_required (errors, AT (path, "type"), NULL);
  else if (equals (type, "Reject") && queuing != NULL)
    kube_field_errors_forbidden (errors, at, "must be nil if limited.limitResponse.type is not Limited");
  else if (equals (type, "Queue") && queuing == NULL)
    kube_field_errors_required (errors, at, "must not be empty if limited.limitResponse.type is Limited");
  else if (equals (type, "Queue"))
    check_queuing (errors, at, queuing);
  else if (!kube_validate_one_of (type, types))
    kube_field_errors_not_supported (errors, AT (path, "type"), type, types);
}

static void
check_shares (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *level)
{
  gint64 shares = integer_of (level, "nominalConcurrencyShares", 0);

  if (shares < 0)
    kube_field_errors_invalid_integer (errors, AT (path, "nominalConcurrencyShares"), shares, "must be a non-negative integer");
}

static void
check_lendable (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *level)
{
  gint64 percent = integer_of (level, "lendablePercent", 0);

  if (percent < 0 || percent > 100)
    kube_field_errors_invalid_integer (errors, AT (path, "lendablePercent"), percent, "must be between 0 and 100, inclusive");
}

static void
check_limited (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *limited)
{
  gint64 borrowing = integer_of (limited, "borrowingLimitPercent", 0);

  check_shares (errors, path, limited);
  check_response (errors, AT (path, "limitResponse"), member_of (limited, "limitResponse"));
  check_lendable (errors, path, limited);
  if (borrowing < 0)
    kube_field_errors_invalid_integer (errors, AT (path, "borrowingLimitPercent"), borrowing,
                                       "if specified, must be a non-negative integer");
}

static void
create_priority_level (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const types[] = { "Exempt", "Limited", NULL };
  KubeValue *spec = member_of (object, "spec"), *limited = member_of (spec, "limited"), *exempt = member_of (spec, "exempt");
  const char *type = string_of (spec, "type");
  const KubeFieldPath *path = AT (NULL, "spec"), *limited_path = AT (path, "limited");

  if (equals (string_of (member_of (object, "metadata"), "name"), "exempt") != equals (type, "Exempt"))
    kube_field_errors_invalid (errors, AT (path, "type"), type, "must be 'Exempt' if and only if `name` is 'exempt'");
  if (*type == '\0')
    kube_field_errors_required (errors, AT (path, "type"), NULL);
  else if (!kube_validate_one_of (type, types))
    kube_field_errors_not_supported (errors, AT (path, "type"), type, types);
  if (equals (type, "Exempt")) {
    if (limited != NULL)
      kube_field_errors_forbidden (errors, limited_path, "must be nil if the type is not Limited");
    check_shares (errors, AT (path, "exempt"), exempt);
    check_lendable (errors, AT (path, "exempt"), exempt);
  } else if (equals (type, "Limited")) {
    if (exempt != NULL)
      kube_field_errors_forbidden (errors, AT (path, "exempt"), "must be nil if the type is Limited");
    if (limited != NULL)
      check_limited (errors, limited_path, limited);
    else
      kube_field_errors_required (errors, limited_path, "must not be empty when type is Limited");
  }
  check_mandatory (errors, object, mandatory_levels, "@flowcontrol.PriorityLevelConfigurationSpec");
  check_conditions (errors, object);
}

const KubeValidateRules kube_validate_flowcontrol_rules[] = {
  { "flowcontrol.apiserver.k8s.io", "FlowSchema", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST, create_flow_schema, NULL,
    update_status },
  { "flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST,
    create_priority_level, NULL, update_status },
  { NULL },
};
