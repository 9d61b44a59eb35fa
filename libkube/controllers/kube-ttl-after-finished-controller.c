/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"
#include "kube-job.h"

/* As it was seen: where it has changed since, it may have got more time. */
static void
plan_deletion (KubeObject *job, KubePlan *plan)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, KUBE_KIND ("batch/v1", "Job"), kube_object_get_namespace (job), kube_object_get_name (job));

  kube_request_set_delete_options (request, -1, "Foreground", kube_object_get_uid (job), kube_object_get_resource_version (job));
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  KubeInformer **jobs = user_data;
  KubeObject *job = kube_informer_get_by_key (*jobs, key);
  KubeValue *condition;
  gint64 seconds, left;

  if (job == NULL || kube_object_is_deleting (job) || !kube_job_is_finished (job))
    return TRUE;
  seconds = kube_object_get_integer (job, "spec.ttlSecondsAfterFinished", -1);
  if (seconds < 0)
    return TRUE;
  condition = kube_condition_find (kube_object_get_value (job), kube_condition_is (kube_object_get_value (job), "Complete", "True") ? "Complete" : "Failed");
  if (!kube_time_parse (kube_value_get_string (condition, "lastTransitionTime"), &left, error)) {
    g_prefix_error (error, "unable to find the time when the Job %s finished: ", key);
    return FALSE;
  }
  left += seconds * G_USEC_PER_SEC - kube_clock_get_time (kube_controller_get_clock (controller));
  if (left > 0)
    kube_plan_requeue_after (plan, left);
  else
    plan_deletion (job, plan);
  return TRUE;
}

void
kube_ttl_after_finished_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  KubeInformer **jobs = g_new0 (KubeInformer *, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "ttl-after-finished-controller", reconcile, jobs, g_free);

  *jobs = kube_controller_watch (controller, KUBE_KIND ("batch/v1", "Job"), NULL, NULL);
}
