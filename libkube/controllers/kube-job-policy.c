/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-job.h"

static gboolean
has_code (KubeValue *values, gint64 code)
{
  for (guint i = 0; i < kube_value_get_length (values); i++) {
    if (kube_value_get_integer (kube_value_get_element (values, i), NULL, -1) == code)
      return TRUE;
  }
  return FALSE;
}

/* (nullable): the first container that ended as @requirement says. */
static KubeValue *
find_exit_code (KubeValue *statuses, KubeValue *requirement)
{
  const char *name = kube_value_get_member_string (requirement, "containerName");
  gboolean in = g_strcmp0 (kube_value_get_member_string (requirement, "operator"), "In") == 0;

  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    KubeValue *status = kube_value_get_element (statuses, i);
    gint64 code = kube_value_get_integer (status, "state.terminated.exitCode", 0);

    if (code == 0 || (name != NULL && g_strcmp0 (name, kube_value_get_member_string (status, "name")) != 0))
      continue;
    if (has_code (kube_value_get_member (requirement, "values"), code) == in)
      return status;
  }
  return NULL;
}

/* (nullable): the type of the first condition of @pod that is among @patterns. */
static const char *
find_condition (KubeObject *pod, KubeValue *patterns)
{
  KubeValue *conditions = kube_object_get (pod, "status.conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    const char *type = kube_value_get_member_string (condition, "type"), *status = kube_value_get_member_string (condition, "status");

    for (guint k = 0; k < kube_value_get_length (patterns); k++) {
      KubeValue *pattern = kube_value_get_element (patterns, k);

      if (g_strcmp0 (kube_value_get_member_string (pattern, "type"), type) == 0 && g_strcmp0 (kube_value_get_member_string (pattern, "status"), status) == 0)
        return type;
    }
  }
  return NULL;
}

/* (nullable): what of @rule is true of @pod, in words. */
static char *
match_rule (KubeValue *rule, KubeObject *pod)
{
  KubeValue *codes = kube_value_get_member (rule, "onExitCodes"), *status;
  const char *condition;

  if (codes == NULL) {
    condition = find_condition (pod, kube_value_get_member (rule, "onPodConditions"));
    return condition == NULL ? NULL : g_strdup_printf ("Pod %s/%s has condition %s", kube_object_get_namespace (pod), kube_object_get_name (pod), condition);
  }
  status = find_exit_code (kube_object_get (pod, "status.containerStatuses"), codes);
  if (status == NULL)
    status = find_exit_code (kube_object_get (pod, "status.initContainerStatuses"), codes);
  if (status == NULL)
    return NULL;
  return g_strdup_printf ("Container %s for pod %s/%s failed with exit code %" G_GINT64_FORMAT, kube_value_get_member_string (status, "name"), kube_object_get_namespace (pod),
                          kube_object_get_name (pod), kube_value_get_integer (status, "state.terminated.exitCode", 0));
}

KubeJobFailure
kube_job_judge_failure (KubeJob *job, KubeObject *pod, char **message)
{
  static const struct {
    const char *action;
    KubeJobFailure failure;
  } actions[] = { { "Ignore", KUBE_JOB_FAILURE_IGNORED }, { "FailIndex", KUBE_JOB_FAILURE_OF_INDEX }, { "FailJob", KUBE_JOB_FAILURE_OF_JOB }, { "Count", KUBE_JOB_FAILURE_COUNTS } };
  KubeValue *rules = kube_value_get_member (job->failure_policy, "rules");

  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *rule = kube_value_get_element (rules, i);
    const char *action = kube_value_get_member_string (rule, "action");
    g_autofree char *match = match_rule (rule, pod);

    for (guint k = 0; match != NULL && k < G_N_ELEMENTS (actions); k++) {
      if (g_strcmp0 (actions[k].action, action) != 0)
        continue;
      if (message != NULL && actions[k].failure == KUBE_JOB_FAILURE_OF_JOB)
        *message = g_strdup_printf ("%s matching %s rule at index %u", match, action, i);
      return actions[k].failure;
    }
  }
  return KUBE_JOB_FAILURE_COUNTS;
}

static gboolean
meets_success_rule (KubeJob *job, KubeValue *rule)
{
  const char *text = kube_value_get_member_string (rule, "succeededIndexes");
  gint64 enough = kube_value_get_integer (rule, "succeededCount", G_MAXINT64), common;
  g_autoptr (GArray) required = NULL;

  if (text == NULL)
    return kube_indexes_count (job->succeeded_indexes) >= enough;
  required = kube_indexes_parse (text, job->completions);
  common = kube_indexes_count_common (required, job->succeeded_indexes);
  return required->len > 0 && (common == kube_indexes_count (required) || common >= enough);
}

char *
kube_job_match_success (KubeJob *job)
{
  KubeValue *rules = kube_object_get (job->object, "spec.successPolicy.rules");

  for (guint i = 0; job->succeeded_indexes->len > 0 && i < kube_value_get_length (rules); i++) {
    if (meets_success_rule (job, kube_value_get_element (rules, i)))
      return g_strdup_printf ("Matched rules at index %u", i);
  }
  return NULL;
}
