/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-job.h"
#include "kube-owner.h"

/* What happens to pods, and to the status, is looked at once in this time: a Job of many pods has many changes at once. */
#define BATCH G_USEC_PER_SEC

typedef struct {
  KubeInformer *jobs;   /* (unowned) */
  KubeInformer *pods;   /* (unowned) */
  GHashTable *backoffs; /* (element-type utf8 KubeJobBackoff): by key */
} Jobs;

/* --- what is looked at when --- */

static void
keys_of_job (KubeController *controller, KubeObject *job, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  g_autofree char *key = kube_object_dup_key (job);

  if (old == NULL || kube_object_get_generation (job) != kube_object_get_generation (old))
    g_ptr_array_add (keys, g_steal_pointer (&key));
  else
    kube_controller_enqueue_after (controller, key, BATCH);
}

static void
add_owner (KubeObject *pod, GPtrArray *keys)
{
  KubeValue *owner = pod == NULL ? NULL : kube_object_get_controller (pod);

  if (owner != NULL && g_strcmp0 (kube_value_get_string (owner, "kind"), "Job") == 0 && g_strcmp0 (kube_value_get_string (owner, "apiVersion"), "batch/v1") == 0)
    g_ptr_array_add (keys, g_strconcat (kube_object_get_namespace (pod), "/", kube_value_get_string (owner, "name"), NULL));
}

static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  Jobs *self = user_data;
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);

  add_owner (pod, found);
  add_owner (old, found);
  kube_owner_add_keys_of_orphan (controller, pod, old, found, self->jobs);
  for (guint i = 0; i < found->len; i++)
    kube_controller_enqueue_after (controller, g_ptr_array_index (found, i), BATCH);
}

/* --- one Job --- */

static KubeJobBackoff *
get_backoff (Jobs *self, const char *key, KubeObject *job)
{
  KubeJobBackoff *backoff = g_hash_table_lookup (self->backoffs, key);

  if (backoff == NULL || g_strcmp0 (backoff->uid, kube_object_get_uid (job)) != 0) {
    backoff = kube_job_backoff_new (kube_object_get_uid (job));
    g_hash_table_replace (self->backoffs, g_strdup (key), backoff);
  }
  return backoff;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Jobs *self = user_data;
  KubeObject *object = kube_informer_get_by_key (self->jobs, key);
  g_autoptr (KubeSelector) selector = NULL;
  g_autoptr (GPtrArray) candidates = NULL, pods = NULL;
  g_auto (KubeJob) job = { 0 };

  if (object == NULL || kube_job_is_finished (object)) {
    g_hash_table_remove (self->backoffs, key);
    return TRUE;
  }
  if (kube_job_is_foreign (object))
    return TRUE;
  selector = kube_selector_from_value (kube_object_get (object, "spec.selector"), error);
  if (selector == NULL)
    return FALSE;
  candidates = kube_owner_list_candidates (self->pods, object);
  pods = kube_owner_claim_full (object, selector, candidates, KUBE_JOB_TRACKING, plan);
  if (!kube_plan_is_empty (plan)) {
    /* What was taken in has its finalizer when the informers show it. */
    kube_plan_requeue_after (plan, 0);
    return TRUE;
  }
  kube_job_init (&job, object, pods, get_backoff (self, key, object), kube_clock_get_time (kube_controller_get_clock (controller)));
  job.retrying = kube_controller_get_error (controller, key) != NULL;
  kube_job_decide (&job, plan);
  kube_job_plan (&job, plan);
  return TRUE;
}

static void
jobs_free (gpointer data)
{
  Jobs *self = data;

  g_hash_table_unref (self->backoffs);
  g_free (self);
}

void
kube_job_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  Jobs *self = g_new0 (Jobs, 1);
  g_autoptr (KubeController) controller = NULL;

  self->backoffs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kube_job_backoff_free);
  controller = kube_controller_new (manager, "job-controller", reconcile, self, jobs_free);
  self->jobs = kube_controller_watch (controller, KUBE_KIND ("batch/v1", "Job"), keys_of_job, self);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_owner_add_index (self->pods);
  kube_job_orphans_add (manager);
}
