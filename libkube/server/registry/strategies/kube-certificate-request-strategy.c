/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "../../kube-certificate-request.h"
#include <kube/kube-time.h>

/* Who asks is what the server knows of the request's user, whatever the client writes. */
static void
prepare_create (KubeWriteContext *context)
{
  KubeUser *user = context->op->user;
  KubeNode *groups;

  kube_node_set_string (context->object, "spec.username", user->name);
  kube_node_set_string (context->object, "spec.uid", user->uid);
  kube_node_remove (context->object, "spec.groups");
  groups = kube_node_ensure_array (context->object, "spec.groups");
  for (guint i = 0; user->groups[i] != NULL; i++)
    kube_node_append_string (groups, user->groups[i]);
  kube_node_set_value (context->object, "spec.extra", user->extra);
}

/* Who asks has the key. */
static void
check (KubeOperation *op, KubeValue *object, KubeFieldErrors *errors)
{
  const char *request = kube_value_get_string (object, "spec.request");
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) organizations = kube_certificate_request_read (request, &error);

  if (organizations == NULL && g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INVALID))
    kube_field_errors_invalid (errors, KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "request"), request, error->message);
}

/* (nullable): the @nth condition of a type among those that were. */
static KubeValue *
find_old (KubeValue *conditions, const char *type, guint nth)
{
  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    if (g_strcmp0 (kube_value_get_member_string (condition, "type"), type) == 0 && nth-- == 0)
      return condition;
  }
  return NULL;
}

static guint
count (KubeNode *conditions, const char *type)
{
  guint n = 0;

  for (guint i = 0; i < kube_node_get_length (conditions); i++)
    n += g_strcmp0 (kube_node_get_string (kube_node_get_element (conditions, i), "type"), type) == 0;
  return n;
}

/* A decision stays as it was unless one comes or goes, which validation refuses. */
static void
keep_decisions (KubeNode *conditions, KubeValue *old, const char *type)
{
  guint n = count (conditions, type), nth = 0;

  if (n == 0 || find_old (old, type, n - 1) == NULL || find_old (old, type, n) != NULL)
    return;
  for (guint i = 0; i < kube_node_get_length (conditions); i++) {
    KubeNode *condition = kube_node_get_element (conditions, i);
    if (g_strcmp0 (kube_node_get_string (condition, "type"), type) == 0)
      kube_node_become_value (condition, find_old (old, type, nth++));
  }
}

static gboolean
lacks (KubeNode *condition, const char *key)
{
  const char *time = kube_node_get_string (condition, key);
  return time == NULL || *time == '\0';
}

/* When a condition came to be what it is: what the old ones say of the same, or now. */
static const char *
find_transition (KubeValue *old, KubeNode *condition, const char *now)
{
  for (guint i = 0; i < kube_value_get_length (old); i++) {
    KubeValue *other = kube_value_get_element (old, i);
    const char *time = kube_value_get_member_string (other, "lastTransitionTime");

    if (time != NULL && g_strcmp0 (kube_value_get_member_string (other, "type"), kube_node_get_string (condition, "type")) == 0 &&
        g_strcmp0 (kube_value_get_member_string (other, "status"), kube_node_get_string (condition, "status")) == 0)
      return time;
  }
  return now;
}

static void
fill_times (KubeWriteContext *context, KubeNode *conditions, KubeValue *old)
{
  char now[KUBE_TIME_STRING_SIZE];

  kube_time_format (kube_clock_get_time (context->op->clock), now);
  for (guint i = 0; i < kube_node_get_length (conditions); i++) {
    KubeNode *condition = kube_node_get_element (conditions, i);
    if (lacks (condition, "lastUpdateTime"))
      kube_node_set_string (condition, "lastUpdateTime", now);
    if (lacks (condition, "lastTransitionTime"))
      kube_node_set_string (condition, "lastTransitionTime", find_transition (old, condition, now));
  }
}

/* Approval and status change their own parts alone, and neither changes the request. */
static void
prepare_update (KubeWriteContext *context)
{
  KubeNode *conditions = kube_node_get (context->object, "status.conditions");
  KubeValue *old = kube_value_get (context->old, "status.conditions");

  kube_node_set_value (context->object, "spec", kube_value_get (context->old, "spec"));
  if (conditions != NULL && g_str_equal (context->subresource, "status")) {
    keep_decisions (conditions, old, "Approved");
    keep_decisions (conditions, old, "Denied");
  }
  if (conditions != NULL && *context->subresource != '\0')
    fill_times (context, conditions, old);
  if (g_str_equal (context->subresource, "approval")) {
    g_autoptr (KubeValue) value = conditions != NULL ? kube_node_to_value (conditions) : NULL;
    kube_node_set_value (context->object, "status", kube_value_get (context->old, "status"));
    kube_node_set_value (context->object, "status.conditions", value);
  }
}

const KubeStrategy kube_certificate_request_strategy = {
  .group = "certificates.k8s.io",
  .plural = "certificatesigningrequests",
  .spec_fixed = TRUE,
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .check = check,
};
