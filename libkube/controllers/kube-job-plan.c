/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include "kube-job.h"
#include "kube-owner.h"

/* What a generated name leaves for its prefix. */
#define MAX_PREFIX 58

void
kube_job_plan_untrack (KubePlan *plan, KubeObject *pod)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *metadata = kube_node_put_object (kube_builder_get_root (builder), "metadata");
  g_autoptr (KubeValue) patch = NULL;

  kube_node_put_string (metadata, "uid", kube_object_get_uid (pod));
  kube_node_append_string (kube_node_put_array (metadata, "$deleteFromPrimitiveList/finalizers"), KUBE_JOB_TRACKING);
  patch = kube_builder_end (builder);
  kube_plan_patch (plan, pod, NULL, KUBE_PATCH_STRATEGIC, patch);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static void
plan_untrack (GPtrArray *pods, KubePlan *plan)
{
  for (guint i = 0; i < pods->len; i++) {
    KubeJobPod *pod = g_ptr_array_index (pods, i);

    if (pod->tracked)
      kube_job_plan_untrack (plan, pod->object);
  }
}

static void
plan_deletions (KubeJob *job, KubePlan *plan)
{
  for (guint i = 0; i < job->doomed->len; i++) {
    kube_plan_delete (plan, ((KubeJobPod *) g_ptr_array_index (job->doomed, i))->object, NULL);
    kube_plan_report (plan, job->object, "SuccessfulDelete", "Deleted pod: ", "FailedDelete", "Error deleting: ");
  }
}

static void
add_index_variable (KubeNode *container)
{
  KubeNode *variables = kube_node_ensure_array (container, "env"), *variable;

  for (guint i = 0; i < kube_node_get_length (variables); i++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (variables, i), "name"), "JOB_COMPLETION_INDEX") == 0)
      return;
  }
  variable = kube_node_append_object (variables);
  kube_node_put_string (variable, "name", "JOB_COMPLETION_INDEX");
  kube_node_set_string (variable, "valueFrom.fieldRef.fieldPath", "metadata.labels['" KUBE_JOB_COMPLETION_INDEX "']");
}

static void
add_index_variables (KubeNode *containers)
{
  for (guint i = 0; containers != NULL && i < kube_node_get_length (containers); i++)
    add_index_variable (kube_node_get_element (containers, i));
}

/* The failures of the pod before, and its own. */
static void
hand_on_failures (KubeJob *job, gint64 index, KubeNode *annotations)
{
  KubeJobPod *before = g_hash_table_lookup (job->awaiting, &index);
  gint64 failures = 0, ignored = 0;
  char text[24];

  if (before != NULL) {
    gboolean is_ignored = kube_job_judge_failure (job, before->object, NULL) == KUBE_JOB_FAILURE_IGNORED;

    failures = kube_job_count_index_failures (before->object, FALSE) + !is_ignored;
    ignored = kube_job_count_index_failures (before->object, TRUE) + 1 - failures;
  }
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, failures);
  kube_node_put_string (annotations, KUBE_JOB_INDEX_FAILURES, text);
  if (ignored == 0)
    return;
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, ignored);
  kube_node_put_string (annotations, KUBE_JOB_INDEX_IGNORED_FAILURES, text);
}

static char *
get_prefix (const char *name, gint64 index)
{
  g_autofree char *end = index < 0 ? g_strdup ("-") : g_strdup_printf ("-%" G_GINT64_FORMAT "-", index);
  gsize room = index < 0 ? strlen (name) : MAX_PREFIX - strlen (end);

  return g_strdup_printf ("%.*s%s", (int) MIN (strlen (name), room), name, end);
}

static KubeObject *
make_pod (KubeJob *job, gint64 index)
{
  g_autoptr (KubeBuilder) builder = kube_owner_begin_from_template (job->object, "v1", "Pod", kube_object_get (job->object, "spec.template"));
  KubeNode *root = kube_builder_get_root (builder), *metadata = kube_node_get_member (root, "metadata");
  const char *name = kube_object_get_name (job->object);
  g_autofree char *prefix = get_prefix (name, index), *number = g_strdup_printf ("%" G_GINT64_FORMAT, index);

  kube_node_put_string (metadata, "generateName", prefix);
  kube_node_append_string (kube_node_ensure_array (metadata, "finalizers"), KUBE_JOB_TRACKING);
  if (index >= 0) {
    KubeNode *annotations = kube_node_ensure_object (metadata, "annotations");
    g_autofree char *host = g_strconcat (name, "-", number, NULL);

    kube_node_put_string (annotations, KUBE_JOB_COMPLETION_INDEX, number);
    kube_node_put_string (kube_node_ensure_object (metadata, "labels"), KUBE_JOB_COMPLETION_INDEX, number);
    kube_node_set_string (root, "spec.hostname", host);
    add_index_variables (kube_node_get (root, "spec.initContainers"));
    add_index_variables (kube_node_get (root, "spec.containers"));
    if (job->index_backoff_limit >= 0)
      hand_on_failures (job, index, annotations);
  }
  return kube_object_new_from_builder (builder);
}

/* One, then two, then four …: where the first is refused (quota, admission), the rest is not tried. */
static void
plan_creations (KubeJob *job, KubePlan *plan)
{
  for (guint i = 0; i < job->wanted->len; i++) {
    g_autoptr (KubeObject) pod = make_pod (job, g_array_index (job->wanted, gint64, i));

    if ((i & (i + 1)) == 0)
      kube_plan_then (plan);
    kube_plan_create (plan, pod);
    kube_plan_report (plan, job->object, "SuccessfulCreate", "Created pod: ", "FailedCreate", "Error creating: ");
    kube_plan_tolerate_cause (plan, "NamespaceTerminating");
  }
}

/* Pods that are deleted because the Job is decided are counted, and so let go after they were deleted; those that are too many are not, and so let go before. */
void
kube_job_plan (KubeJob *job, KubePlan *plan)
{
  g_autoptr (GPtrArray) counted = kube_job_plan_status (job, plan);
  gboolean decided = job->outcome != KUBE_JOB_UNDECIDED;

  kube_plan_then (plan);
  if (decided)
    plan_deletions (job, plan);
  else
    plan_untrack (job->doomed, plan);
  kube_plan_then (plan);
  plan_untrack (counted, plan);
  if (!decided)
    plan_deletions (job, plan);
  plan_creations (job, plan);
  /* The next look goes on from what this one wrote, and is not left to the batch of changes that follows. */
  if (counted->len + job->doomed->len + job->wanted->len > 0 || (decided && !job->was_decided))
    kube_plan_requeue_after (plan, 0);
}
