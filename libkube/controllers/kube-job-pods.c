/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-job.h"
#include "kube-pods.h"

/* A pod that was waited for comes at the earliest after as long as changes of pods are batched. */
#define SHORTEST_WAIT G_USEC_PER_SEC

static int
order (gint64 a, gint64 b)
{
  return a < b ? -1 : a > b;
}

/* Which of two active pods goes first, upstream's ActivePods: the one with which less is lost. */
static int
compare_active (gconstpointer a, gconstpointer b)
{
  KubeObject *x = (*(KubeJobPod *const *) a)->object, *y = (*(KubeJobPod *const *) b)->object;
  gboolean ready = kube_pod_is_ready (x);
  int result = order (kube_object_get_string (x, "spec.nodeName") != NULL, kube_object_get_string (y, "spec.nodeName") != NULL);

  if (result == 0)
    result = order (kube_pod_get_phase_rank (x), kube_pod_get_phase_rank (y));
  if (result == 0)
    result = order (ready, kube_pod_is_ready (y));
  if (result == 0 && ready)
    result = order (kube_pod_get_ready_time (y), kube_pod_get_ready_time (x));
  if (result == 0)
    result = order (kube_pod_count_restarts (y), kube_pod_count_restarts (x));
  if (result == 0)
    result = order (kube_object_get_creation_time (y), kube_object_get_creation_time (x));
  return result;
}

static void
add_range (GPtrArray *to, GPtrArray *from, guint start, guint end)
{
  for (guint i = start; i < end; i++)
    g_ptr_array_add (to, g_ptr_array_index (from, i));
}

/* @active is ordered by index. All but the best pod of each index go, and so do those that have no index of the Job's. */
static void
doom_duplicates (KubeJob *job, GPtrArray *active, GPtrArray *left)
{
  for (guint start = 0, end; start < active->len; start = end) {
    gint64 index = ((KubeJobPod *) g_ptr_array_index (active, start))->index;
    g_autoptr (GPtrArray) same = g_ptr_array_new ();

    for (end = start; end < active->len && ((KubeJobPod *) g_ptr_array_index (active, end))->index == index; end++)
      g_ptr_array_add (same, g_ptr_array_index (active, end));
    g_ptr_array_sort (same, compare_active);
    if (index < 0 || index >= job->completions) {
      add_range (job->doomed, same, 0, same->len);
    } else {
      add_range (job->doomed, same, 0, same->len - 1);
      add_range (left, same, same->len - 1, same->len);
    }
  }
}

static void
doom (KubeJob *job, GPtrArray *active, gint64 at_least)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();

  if (job->indexed)
    doom_duplicates (job, active, left);
  else
    add_range (left, active, 0, active->len);
  if (job->doomed->len < at_least) {
    g_ptr_array_sort (left, compare_active);
    add_range (job->doomed, left, 0, at_least - job->doomed->len);
  }
  if (job->doomed->len > KUBE_JOB_BURST)
    g_ptr_array_set_size (job->doomed, KUBE_JOB_BURST);
}

static GArray *
list_indexes (KubeJob *job, gboolean terminating)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < job->pods->len; i++) {
    KubeJobPod *pod = KUBE_JOB_POD (job, i);

    if (pod->index >= 0 && (pod->active || (terminating && pod->terminating)))
      g_array_append_val (numbers, pod->index);
  }
  return kube_indexes_new (numbers);
}

/* The lowest indexes that have neither ended nor a pod. */
static GArray *
list_pending (KubeJob *job, gint64 most)
{
  g_autoptr (GArray) taken = list_indexes (job, job->replaces_failed);
  g_autoptr (GArray) done = kube_indexes_merge (job->succeeded_indexes, job->failed_indexes);
  g_autoptr (GArray) used = kube_indexes_merge (done, taken);

  return kube_indexes_list_absent (used, job->completions, most);
}

/* Each index waits for itself. Where none may come now, the first that may says when. */
static void
want_indexes (KubeJob *job, gint64 count, KubePlan *plan)
{
  g_autoptr (GArray) pending = list_pending (job, count);
  gint64 shortest = G_MAXINT64;

  for (guint i = 0; i < pending->len; i++) {
    gint64 index = g_array_index (pending, gint64, i), left = 0;
    KubeJobPod *before = g_hash_table_lookup (job->awaiting, &index);

    if (before != NULL)
      left = kube_job_backoff_left (kube_job_count_index_failures (before->object, TRUE) + 1, kube_job_pod_finish_time (before->object), job->now);
    if (left == 0)
      g_array_append_val (job->wanted, index);
    else
      shortest = MIN (shortest, left);
  }
  if (shortest < G_MAXINT64)
    kube_plan_requeue_after (plan, MAX (shortest, SHORTEST_WAIT));
}

static void
want (KubeJob *job, gint64 count, KubePlan *plan)
{
  const gint64 none = -1;
  gint64 left = job->index_backoff_limit >= 0 ? 0 : kube_job_backoff_left (job->backoff->failures, job->backoff->last_failure, job->now);

  count = MIN (count, KUBE_JOB_BURST);
  if (left > 0)
    kube_plan_requeue_after (plan, MAX (left, SHORTEST_WAIT));
  else if (job->indexed)
    want_indexes (job, count, plan);
  else
    for (gint64 i = 0; i < count; i++)
      g_array_append_val (job->wanted, none);
}

/* Pods go or come, not both in one go. */
void
kube_job_choose_pods (KubeJob *job, KubePlan *plan)
{
  g_autoptr (GPtrArray) active = g_ptr_array_new ();
  gint64 target;

  for (guint i = 0; i < job->pods->len; i++) {
    if (KUBE_JOB_POD (job, i)->active)
      g_ptr_array_add (active, KUBE_JOB_POD (job, i));
  }
  if (job->outcome != KUBE_JOB_UNDECIDED) {
    add_range (job->doomed, active, 0, active->len);
    return;
  }
  if (kube_object_is_deleting (job->object))
    return;
  if (job->suspended)
    target = 0;
  else if (job->completions >= 0)
    target = CLAMP (job->completions - job->succeeded, 0, job->parallelism);
  else
    target = job->succeeded > 0 ? job->active : job->parallelism;
  doom (job, active, MAX (job->active - target, 0));
  target -= job->active + (job->replaces_failed ? job->terminating : 0);
  if (job->doomed->len == 0 && target > 0)
    want (job, target, plan);
}
