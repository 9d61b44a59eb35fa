/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include <kube/kube-selector.h>
#include "kube-job.h"

typedef struct {
  KubeInformer *jobs; /* (unowned) */
  KubeInformer *pods; /* (unowned) */
} Orphans;

/* Whether no Job will count it. */
static gboolean
is_orphan (Orphans *self, KubeObject *pod)
{
  KubeValue *owner = kube_object_get_controller (pod);
  KubeObject *job;

  if (!kube_object_has_finalizer (pod, KUBE_JOB_TRACKING))
    return FALSE;
  if (owner == NULL)
    return TRUE;
  if (g_strcmp0 (kube_value_get_string (owner, "kind"), "Job") != 0 || g_strcmp0 (kube_value_get_string (owner, "apiVersion"), "batch/v1") != 0)
    return FALSE;
  job = kube_informer_get (self->jobs, kube_object_get_namespace (pod), kube_value_get_string (owner, "name"));
  if (job == NULL || g_strcmp0 (kube_object_get_uid (job), kube_value_get_string (owner, "uid")) != 0)
    return TRUE;
  return !kube_job_is_foreign (job) && kube_job_is_finished (job);
}

static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  if (is_orphan (user_data, pod))
    g_ptr_array_add (keys, kube_object_dup_key (pod));
}

/* It has finished or is gone, and so may have left some. */
static void
keys_of_job (KubeController *controller, KubeObject *job, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  Orphans *self = user_data;
  g_autoptr (GPtrArray) pods = kube_informer_list_by (self->pods, "controller", kube_object_get_uid (job));

  for (guint i = 0; i < pods->len; i++)
    keys_of_pod (controller, g_ptr_array_index (pods, i), NULL, keys, user_data);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Orphans *self = user_data;
  KubeObject *pod = kube_informer_get_by_key (self->pods, key);

  if (pod != NULL && is_orphan (self, pod))
    kube_job_plan_untrack (plan, pod);
  return TRUE;
}

void
kube_job_orphans_add (KubeManager *manager)
{
  Orphans *self = g_new0 (Orphans, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "job-orphan-pods", reconcile, self, g_free);

  kube_controller_set_identity (controller, "job-controller");
  self->jobs = kube_controller_watch (controller, KUBE_KIND ("batch/v1", "Job"), keys_of_job, self);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_informer_add_index (self->pods, "controller", NULL, NULL);
}
