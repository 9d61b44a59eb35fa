/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-conditions.h"
#include "kube-job.h"
#include "kube-pods.h"

gboolean
kube_job_is_finished (KubeObject *object)
{
  KubeValue *value = kube_object_get_value (object);

  return kube_condition_is (value, "Complete", "True") || kube_condition_is (value, "Failed", "True");
}

gboolean
kube_job_is_foreign (KubeObject *object)
{
  const char *manager = kube_object_get_string (object, "spec.managedBy");

  return manager != NULL && g_strcmp0 (manager, "kubernetes.io/job-controller") != 0;
}

static gint64
read_count (KubeObject *pod, const char *annotation, gint64 fallback)
{
  const char *text = kube_object_get_annotation (pod, annotation);
  gint64 count;

  return text != NULL && g_ascii_string_to_signed (text, 10, 0, G_MAXINT32, &count, NULL) ? count : fallback;
}

gint64
kube_job_count_index_failures (KubeObject *pod, gboolean with_ignored)
{
  return read_count (pod, KUBE_JOB_INDEX_FAILURES, 0) + (with_ignored ? read_count (pod, KUBE_JOB_INDEX_IGNORED_FAILURES, 0) : 0);
}

static void
read_spec (KubeJob *job)
{
  KubeObject *object = job->object;

  job->parallelism = kube_object_get_integer (object, "spec.parallelism", 1);
  job->completions = kube_object_get_integer (object, "spec.completions", -1);
  job->backoff_limit = kube_object_get_integer (object, "spec.backoffLimit", 6);
  job->index_backoff_limit = kube_object_get_integer (object, "spec.backoffLimitPerIndex", -1);
  job->indexed = g_strcmp0 (kube_object_get_string (object, "spec.completionMode"), "Indexed") == 0;
  job->suspended = kube_object_get_boolean (object, "spec.suspend", FALSE);
  job->failure_policy = kube_object_get (object, "spec.podFailurePolicy");
  job->replaces_failed = job->failure_policy != NULL || g_strcmp0 (kube_object_get_string (object, "spec.podReplacementPolicy"), "Failed") == 0;
}

static GHashTable *
read_uids (KubeValue *list)
{
  GHashTable *uids = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < kube_value_get_length (list); i++)
    g_hash_table_add (uids, (gpointer) kube_value_get_string (kube_value_get_element (list, i), NULL));
  return uids;
}

static KubeJobPod
read_pod (KubeJob *job, KubeObject *object)
{
  const char *phase = kube_object_get_string (object, "status.phase");
  KubeJobPod pod = { object, read_count (object, KUBE_JOB_COMPLETION_INDEX, -1), 0, 0, 0, 0, 0, 0 };

  pod.tracked = kube_object_has_finalizer (object, KUBE_JOB_TRACKING);
  pod.in_range = !job->indexed || (pod.index >= 0 && pod.index < job->completions);
  pod.active = kube_pod_is_active (object);
  pod.terminating = kube_object_is_deleting (object) && !kube_pod_is_finished (object);
  pod.succeeded = g_strcmp0 (phase, "Succeeded") == 0;
  /* What is deleted may never get to its end where its node is gone, so it counts as failed unless it is to be waited for. */
  pod.failed = g_strcmp0 (phase, "Failed") == 0 || (pod.terminating && !job->replaces_failed);
  return pod;
}

static int
by_index (gconstpointer a, gconstpointer b)
{
  const KubeJobPod *x = a, *y = b;

  return x->index != y->index ? (x->index < y->index ? -1 : 1) : g_strcmp0 (kube_object_get_uid (x->object), kube_object_get_uid (y->object));
}

static void
read_pods (KubeJob *job, GPtrArray *pods)
{
  job->pods = g_array_sized_new (FALSE, FALSE, sizeof (KubeJobPod), pods->len);
  for (guint i = 0; i < pods->len; i++) {
    KubeJobPod pod = read_pod (job, g_ptr_array_index (pods, i));

    job->active += pod.active;
    job->ready += pod.active && kube_pod_is_ready (pod.object);
    job->terminating += pod.terminating;
    g_array_append_val (job->pods, pod);
  }
  g_array_sort (job->pods, by_index);
}

static void
count_finished (KubeJob *job)
{
  g_autoptr (GPtrArray) succeeded = g_ptr_array_new (), failed = g_ptr_array_new ();

  job->succeeded = kube_object_get_integer (job->object, "status.succeeded", 0) + g_hash_table_size (job->uncounted_succeeded);
  job->failed = kube_object_get_integer (job->object, "status.failed", 0) + g_hash_table_size (job->uncounted_failed);
  for (guint i = 0; i < job->pods->len; i++) {
    KubeJobPod *pod = KUBE_JOB_POD (job, i);
    const char *uid = kube_object_get_uid (pod->object);

    if (!pod->tracked || !pod->in_range)
      continue;
    if (pod->succeeded && !g_hash_table_contains (job->uncounted_succeeded, uid))
      g_ptr_array_add (succeeded, pod);
    if (pod->failed && !g_hash_table_contains (job->uncounted_failed, uid)) {
      g_ptr_array_add (failed, pod);
      job->failed += kube_job_judge_failure (job, pod->object, NULL) != KUBE_JOB_FAILURE_IGNORED;
    }
  }
  job->succeeded += succeeded->len;
  kube_job_backoff_observe (job->backoff, succeeded, failed);
}

static gboolean
fails_its_index (KubeJob *job, KubeJobPod *pod)
{
  KubeJobFailure failure;

  if (!pod->failed)
    return FALSE;
  failure = kube_job_judge_failure (job, pod->object, NULL);
  return failure == KUBE_JOB_FAILURE_OF_INDEX || (failure != KUBE_JOB_FAILURE_IGNORED && kube_job_count_index_failures (pod->object, FALSE) >= job->index_backoff_limit);
}

/* What the status says of an index, and what the pods say that it does not count yet. */
static void
read_indexes (KubeJob *job)
{
  g_autoptr (GArray) succeeded = g_array_new (FALSE, FALSE, sizeof (gint64)), failed = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) new_succeeded = NULL, known_failed = NULL, new_failed = NULL;

  for (guint i = 0; i < job->pods->len; i++) {
    KubeJobPod *pod = KUBE_JOB_POD (job, i);

    if (!pod->tracked || !pod->in_range)
      continue;
    if (pod->succeeded)
      g_array_append_val (succeeded, pod->index);
    else if (job->index_backoff_limit >= 0 && fails_its_index (job, pod))
      g_array_append_val (failed, pod->index);
  }
  new_succeeded = kube_indexes_new (succeeded);
  job->counted_indexes = kube_indexes_parse (kube_object_get_string (job->object, "status.completedIndexes"), job->completions);
  job->succeeded_indexes = kube_indexes_merge (job->counted_indexes, new_succeeded);
  job->succeeded = kube_indexes_count (job->succeeded_indexes);
  if (job->index_backoff_limit < 0)
    return;
  known_failed = kube_indexes_parse (kube_object_get_string (job->object, "status.failedIndexes"), job->completions);
  new_failed = kube_indexes_new (failed);
  job->failed_indexes = kube_indexes_merge (known_failed, new_failed);
}

static gboolean
failed_after (KubeJobPod *pod, KubeJobPod *other)
{
  return kube_job_count_index_failures (pod->object, TRUE) >= kube_job_count_index_failures (other->object, TRUE) &&
         kube_job_pod_finish_time (pod->object) >= kube_job_pod_finish_time (other->object);
}

/* Of each index that is to be tried again: the pod that failed last. It stays until the next one is there, which takes over the count of failures. */
static void
find_awaiting (KubeJob *job)
{
  g_autoptr (GHashTable) active = g_hash_table_new (g_int64_hash, g_int64_equal);

  job->awaiting = g_hash_table_new (g_int64_hash, g_int64_equal);
  for (guint i = 0; i < job->pods->len; i++) {
    if (KUBE_JOB_POD (job, i)->active)
      g_hash_table_add (active, &KUBE_JOB_POD (job, i)->index);
  }
  for (guint i = 0; job->index_backoff_limit >= 0 && i < job->pods->len; i++) {
    KubeJobPod *pod = KUBE_JOB_POD (job, i), *other;

    if (!pod->tracked || !pod->in_range || !pod->failed || g_hash_table_contains (active, &pod->index) || kube_indexes_has (job->succeeded_indexes, pod->index) ||
        kube_indexes_has (job->failed_indexes, pod->index))
      continue;
    other = g_hash_table_lookup (job->awaiting, &pod->index);
    if (other == NULL || failed_after (pod, other))
      g_hash_table_replace (job->awaiting, &pod->index, pod);
  }
}

void
kube_job_init (KubeJob *job, KubeObject *object, GPtrArray *pods, KubeJobBackoff *backoff, gint64 now)
{
  *job = (KubeJob) { .object = object, .backoff = backoff, .now = now };
  read_spec (job);
  job->uncounted_succeeded = read_uids (kube_object_get (object, "status.uncountedTerminatedPods.succeeded"));
  job->uncounted_failed = read_uids (kube_object_get (object, "status.uncountedTerminatedPods.failed"));
  job->doomed = g_ptr_array_new ();
  job->wanted = g_array_new (FALSE, FALSE, sizeof (gint64));
  read_pods (job, pods);
  count_finished (job);
  if (job->indexed)
    read_indexes (job);
  find_awaiting (job);
}

void
kube_job_clear (KubeJob *job)
{
  g_clear_pointer (&job->pods, g_array_unref);
  g_clear_pointer (&job->uncounted_succeeded, g_hash_table_unref);
  g_clear_pointer (&job->uncounted_failed, g_hash_table_unref);
  g_clear_pointer (&job->counted_indexes, g_array_unref);
  g_clear_pointer (&job->succeeded_indexes, g_array_unref);
  g_clear_pointer (&job->failed_indexes, g_array_unref);
  g_clear_pointer (&job->awaiting, g_hash_table_unref);
  g_clear_pointer (&job->doomed, g_ptr_array_unref);
  g_clear_pointer (&job->wanted, g_array_unref);
  g_clear_pointer (&job->message, g_free);
}
