/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-auth-private.h"
#include <kube/kube-selector.h>
#include <kube/kube-time.h>

/* The answers of the virtual kinds of authentication.k8s.io and authorization.k8s.io. */

static GStrv
dup_strings (KubeValue *array)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < kube_value_get_length (array); i++) {
    const char *string = kube_value_peek_string (kube_value_get_element (array, i), NULL);
    if (string != NULL)
      g_ptr_array_add (strings, g_strdup (string));
  }
  g_ptr_array_add (strings, NULL);
  return (GStrv) g_ptr_array_steal (strings, NULL);
}

static KubeBuilder *
begin_answer (KubeObject *review)
{
  KubeBuilder *builder = kube_builder_new (kube_object_get_value (review));

  kube_node_ensure_object (kube_builder_get_root (builder), "metadata");
  kube_node_put_object (kube_builder_get_root (builder), "status");
  return builder;
}

/* An answer that keeps nothing of the question but what it is. */
static KubeBuilder *
begin_new_answer (KubeObject *review)
{
  KubeBuilder *builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_put_string (root, "apiVersion", kube_object_get_string (review, "apiVersion"));
  kube_node_put_string (root, "kind", kube_object_get_kind (review));
  kube_node_put_object (root, "metadata");
  kube_node_put_object (root, "status");
  return builder;
}

KubeObject *
kube_auth_review_token (KubeAuth *auth, KubeObject *review, GError **error)
{
  const char *token = kube_object_get_string (review, "spec.token");
  g_auto (GStrv) audiences = dup_strings (kube_object_get (review, "spec.audiences"));
  g_auto (GStrv) matched = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (KubeUser) user = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  KubeNode *status;

  if (token == NULL || *token == '\0') {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "token is required for TokenReview in authentication");
    return NULL;
  }
  user = kube_tokens_authenticate (auth->tokens, token, audiences[0] != NULL ? (const char *const *) audiences : NULL, &matched, &failure);
  builder = begin_answer (review);
  status = kube_node_get (kube_builder_get_root (builder), "status");
  if (user != NULL) {
    KubeNode *good_for = kube_node_ensure_array (status, "audiences");
    kube_node_set_boolean (status, "authenticated", TRUE);
    for (char **audience = matched; *audience != NULL; audience++)
      kube_node_append_string (good_for, *audience);
    kube_user_write (user, kube_node_put_object (status, "user"));
  } else {
    g_autofree char *text = g_strdup_printf ("[%s, Token could not be verified]", failure->message);
    kube_node_put_string (status, "error", g_str_equal (failure->message, "invalid bearer token") ? failure->message : text);
    kube_node_put_object (status, "user");
  }
  return kube_object_new_from_builder (builder);
}

KubeObject *
kube_auth_review_self_subject (KubeAuth *auth, KubeUser *user, KubeObject *review, GError **error)
{
  g_autoptr (KubeBuilder) builder = begin_new_answer (review);
  char now[KUBE_TIME_STRING_SIZE];

  kube_node_set_string (kube_builder_get_root (builder), "metadata.creationTimestamp", kube_time_format (kube_clock_get_time (auth->clock), now));
  kube_user_write (user, kube_node_ensure_object (kube_builder_get_root (builder), "status.userInfo"));
  return kube_object_new_from_builder (builder);
}

static char *
text_of (KubeValue *attributes, const char *name)
{
  const char *text = kube_value_get_member_string (attributes, name);
  return (char *) (text != NULL ? text : "");
}

/* Borrows from @spec. */
static void
read_attributes (KubeValue *spec, KubeRequestInfo *info)
{
  KubeValue *resource = kube_value_get_member (spec, "resourceAttributes");
  KubeValue *other = kube_value_get_member (spec, "nonResourceAttributes");
  KubeValue *attributes = resource != NULL ? resource : other;

  *info = (KubeRequestInfo) {
    .is_resource = resource != NULL,
    .verb = text_of (attributes, "verb"),
    .path = text_of (attributes, "path"),
    .group = text_of (attributes, "group"),
    .version = text_of (attributes, "version"),
    .resource = text_of (attributes, "resource"),
    .subresource = text_of (attributes, "subresource"),
    .namespace_ = text_of (attributes, "namespace"),
    .name = text_of (attributes, "name"),
  };
}

static KubeUser *
get_subject (KubeUser *user, KubeObject *review)
{
  g_auto (GStrv) groups = NULL;
  const char *name = kube_object_get_string (review, "spec.user");

  if (g_strcmp0 (kube_object_get_kind (review), "SelfSubjectAccessReview") == 0)
    return kube_user_ref (user);
  groups = dup_strings (kube_object_get (review, "spec.groups"));
  return kube_user_new (name != NULL ? name : "", kube_object_get_string (review, "spec.uid"), (const char *const *) groups,
                        kube_object_get (review, "spec.extra"));
}

/* --- what a list or watch is limited to: RBAC does not look at it, but says where it is not understood --- */

typedef enum {
  SELECTOR_GOOD,
  SELECTOR_IGNORED,
  SELECTOR_IGNORED_IN_PART,
} SelectorState;

static gboolean
is_requirement (KubeValue *requirement, gboolean labels)
{
  const char *operator = kube_value_get_member_string (requirement, "operator");
  gboolean compares = g_strcmp0 (operator, "In") == 0 || g_strcmp0 (operator, "NotIn") == 0;

  if (labels)
    return compares || g_strcmp0 (operator, "Exists") == 0 || g_strcmp0 (operator, "DoesNotExist") == 0;
  return compares && kube_value_get_length (kube_value_get_member (requirement, "values")) == 1;
}

static SelectorState
check_selector (KubeValue *selector, gboolean labels)
{
  const char *raw = kube_value_get_member_string (selector, "rawSelector");
  KubeValue *requirements = kube_value_get_member (selector, "requirements");
  guint n = kube_value_get_length (requirements), good = 0;

  if (raw != NULL && *raw != '\0') {
    g_autoptr (KubeSelector) parsed = labels ? kube_selector_parse (raw, NULL) : kube_selector_parse_fields (raw, NULL);
    return parsed != NULL ? SELECTOR_GOOD : SELECTOR_IGNORED;
  }
  for (guint i = 0; i < n; i++)
    good += is_requirement (kube_value_get_element (requirements, i), labels);
  return good == n ? SELECTOR_GOOD : good == 0 ? SELECTOR_IGNORED : SELECTOR_IGNORED_IN_PART;
}

static void
write_selector_errors (KubeObject *review, KubeNode *status)
{
  static const char *const selectors[] = { "fieldSelector", "labelSelector" };
  KubeValue *attributes = kube_object_get (review, "spec.resourceAttributes");
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (selectors); i++) {
    SelectorState state = check_selector (kube_value_get_member (attributes, selectors[i]), i == 1);
    if (state != SELECTOR_GOOD)
      g_string_append_printf (text, "%sspec.resourceAttributes.%s %signored due to parse error", text->len > 0 ? "; " : "", selectors[i],
                              state == SELECTOR_IGNORED_IN_PART ? "partially " : "");
  }
  if (text->len > 0)
    kube_node_put_string (status, "evaluationError", text->str);
}

KubeObject *
kube_auth_review_access (KubeAuth *auth, KubeUser *user, KubeObject *review)
{
  g_autoptr (KubeUser) subject = get_subject (user, review);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autofree char *reason = NULL;
  KubeRequestInfo info;
  KubeNode *status;

  read_attributes (kube_object_get (review, "spec"), &info);
  builder = begin_answer (review);
  status = kube_node_get (kube_builder_get_root (builder), "status");
  kube_node_set_boolean (status, "allowed", kube_auth_authorize (auth, subject, &info, &reason));
  if (reason != NULL && *reason != '\0')
    kube_node_put_string (status, "reason", reason);
  write_selector_errors (review, status);
  return kube_object_new_from_builder (builder);
}

KubeObject *
kube_auth_review_rules (KubeAuth *auth, KubeUser *user, KubeObject *review, GError **error)
{
  const char *namespace_ = kube_object_get_string (review, "spec.namespace");
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (GPtrArray) rules = NULL;
  KubeNode *status, *resource_rules, *other_rules;

  if (namespace_ == NULL || *namespace_ == '\0') {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "no namespace on request");
    return NULL;
  }
  rules = kube_rbac_list_rules (auth->rbac, user, namespace_);
  builder = begin_new_answer (review);
  kube_node_put_object (kube_builder_get_root (builder), "spec");
  status = kube_node_get (kube_builder_get_root (builder), "status");
  kube_node_set_boolean (status, "incomplete", FALSE);
  resource_rules = kube_node_ensure_array (status, "resourceRules");
  other_rules = kube_node_ensure_array (status, "nonResourceRules");
  for (guint i = 0; i < rules->len; i++) {
    KubeValue *rule = g_ptr_array_index (rules, i);
    kube_node_append_value (kube_value_get_length (kube_value_get_member (rule, "resources")) > 0 ? resource_rules : other_rules, rule);
  }
  return kube_object_new_from_builder (builder);
}
