/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-job.h"

static void
decide (KubeJob *job, KubeJobOutcome outcome, const char *reason, const char *message)
{
  job->outcome = outcome;
  job->reason = reason;
  job->message = g_strdup (message);
}

/* What an earlier look has decided stands. */
static void
recall_outcome (KubeJob *job)
{
  KubeValue *value = kube_object_get_value (job->object), *condition = NULL;

  if (kube_condition_is (value, "SuccessCriteriaMet", "True")) {
    condition = kube_condition_find (value, "SuccessCriteriaMet");
    decide (job, KUBE_JOB_SUCCEEDS, kube_value_get_string (condition, "reason"), kube_value_get_string (condition, "message"));
  } else if (kube_condition_is (value, "FailureTarget", "True")) {
    condition = kube_condition_find (value, "FailureTarget");
    decide (job, KUBE_JOB_FAILS, kube_value_get_string (condition, "reason"), kube_value_get_string (condition, "message"));
  }
  job->was_decided = condition != NULL;
}

static void
apply_failure_policy (KubeJob *job)
{
  for (guint i = 0; job->failure_policy != NULL && i < job->pods->len; i++) {
    KubeJobPod *pod = KUBE_JOB_POD (job, i);
    g_autofree char *message = NULL;

    if (pod->failed && kube_job_judge_failure (job, pod->object, &message) == KUBE_JOB_FAILURE_OF_JOB) {
      decide (job, KUBE_JOB_FAILS, "PodFailurePolicy", message);
      return;
    }
  }
}

static gint64
sum_restarts (KubeValue *statuses)
{
  gint64 sum = 0;

  for (guint i = 0; i < kube_value_get_length (statuses); i++)
    sum += kube_value_get_integer (kube_value_get_element (statuses, i), "restartCount", 0);
  return sum;
}

/* Containers that are started anew in their pod fail without the pod failing. */
static gboolean
restarts_exceed_limit (KubeJob *job)
{
  gint64 sum = 0;

  if (g_strcmp0 (kube_object_get_string (job->object, "spec.template.spec.restartPolicy"), "OnFailure") != 0)
    return FALSE;
  for (guint i = 0; i < job->pods->len; i++) {
    KubeObject *pod = KUBE_JOB_POD (job, i)->object;
    const char *phase = kube_object_get_string (pod, "status.phase");

    if (g_strcmp0 (phase, "Running") == 0 || g_strcmp0 (phase, "Pending") == 0)
      sum += sum_restarts (kube_object_get (pod, "status.initContainerStatuses")) + sum_restarts (kube_object_get (pod, "status.containerStatuses"));
  }
  return job->backoff_limit == 0 ? sum > 0 : sum >= job->backoff_limit;
}

static void
check_limits (KubeJob *job, KubePlan *plan)
{
  gint64 seconds = kube_object_get_integer (job->object, "spec.activeDeadlineSeconds", -1), started = job->now;

  if (job->failed > job->backoff_limit || restarts_exceed_limit (job)) {
    decide (job, KUBE_JOB_FAILS, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    return;
  }
  if (seconds < 0 || job->suspended)
    return;
  kube_time_parse (kube_object_get_string (job->object, "status.startTime"), &started, NULL);
  if (job->now - started >= seconds * G_USEC_PER_SEC)
    decide (job, KUBE_JOB_FAILS, "DeadlineExceeded", "Job was active longer than specified deadline");
  else
    kube_plan_requeue_after (plan, started + seconds * G_USEC_PER_SEC - job->now);
}

static void
check_indexes (KubeJob *job)
{
  gint64 most = kube_object_get_integer (job->object, "spec.maxFailedIndexes", G_MAXINT64), failed = kube_indexes_count (job->failed_indexes);

  if (failed > most)
    decide (job, KUBE_JOB_FAILS, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  else if (failed > 0 && failed + job->succeeded >= job->completions)
    decide (job, KUBE_JOB_FAILS, "FailedIndexes", "Job has failed indexes");
}

static void
apply_success_policy (KubeJob *job)
{
  g_autofree char *rule = kube_job_match_success (job);

  if (rule != NULL)
    decide (job, KUBE_JOB_SUCCEEDS, "SuccessPolicy", rule);
}

/* Without a number of completions, the pods that run when one succeeds may come to their end. */
static void
check_completions (KubeJob *job)
{
  if (job->active == job->doomed->len && (job->completions < 0 ? job->succeeded > 0 : job->succeeded >= job->completions))
    decide (job, KUBE_JOB_SUCCEEDS, "CompletionsReached", "Reached expected number of succeeded pods");
}

void
kube_job_decide (KubeJob *job, KubePlan *plan)
{
  recall_outcome (job);
  if (job->outcome == KUBE_JOB_UNDECIDED)
    apply_failure_policy (job);
  if (job->outcome == KUBE_JOB_UNDECIDED)
    check_limits (job, plan);
  if (job->outcome == KUBE_JOB_UNDECIDED && job->failed_indexes != NULL)
    check_indexes (job);
  if (job->outcome == KUBE_JOB_UNDECIDED && job->indexed)
    apply_success_policy (job);
  kube_job_choose_pods (job, plan);
  if (job->outcome == KUBE_JOB_UNDECIDED)
    check_completions (job);
}
