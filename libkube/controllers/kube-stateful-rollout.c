/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-stateful-rollout.h"
#include "kube-conditions.h"
#include "kube-history.h"
#include "kube-pods.h"
#include "kube-stateful-pods.h"

/* At most so many pods are made at once. */
#define MAX_BATCH 500

/* --- looking --- */

static gboolean
is_made (KubeObject *pod)
{
  return kube_object_get_uid (pod) != NULL;
}

static gboolean
is_healthy (KubeStatefulRollout *self, KubeObject *pod)
{
  return !kube_object_is_deleting (pod) && kube_pod_available_in (pod, self->min_ready, self->now) == 0;
}

static gboolean
is_running (KubeStatefulRollout *self, KubeObject *pod)
{
  return g_strcmp0 (kube_object_get_string (pod, "status.phase"), "Running") == 0 && kube_pod_available_in (pod, self->min_ready, self->now) == 0;
}

static const char *
get_revision (KubeObject *pod)
{
  return kube_object_get_label (pod, KUBE_HISTORY_POD_LABEL);
}

static int
compare_descending (gconstpointer a, gconstpointer b, gpointer set)
{
  gint64 x = kube_stateful_pod_get_ordinal (set, *(KubeObject *const *) a), y = kube_stateful_pod_get_ordinal (set, *(KubeObject *const *) b);

  return x < y ? 1 : x > y ? -1 : 0;
}

/* A rollout in parts keeps the pods below the partition at the current revision, also those that are made anew. */
static gboolean
stays_current (KubeStatefulRollout *self, gint64 ordinal)
{
  KubeValue *strategy = kube_object_get (self->set, "spec.updateStrategy"), *rolling = kube_value_get (strategy, "rollingUpdate");
  gint64 start = kube_stateful_set_get_start (self->set);

  if (rolling != NULL)
    return ordinal < start + kube_value_get_integer (rolling, "partition", 0);
  return g_strcmp0 (kube_value_get_string (strategy, "type"), "RollingUpdate") == 0 && ordinal < start + kube_object_get_integer (self->set, "status.currentReplicas", 0);
}

static KubeObject *
make_pod (KubeStatefulRollout *self, gint64 ordinal)
{
  if (stays_current (self, ordinal))
    return kube_stateful_pod_new (self->set, self->current_template, self->current, ordinal);
  return kube_stateful_pod_new (self->set, kube_object_get (self->set, "spec.template"), self->updated, ordinal);
}

static void
find_first_unavailable (KubeStatefulRollout *self)
{
  for (guint i = 0; self->first_unavailable == NULL && i < self->replicas->len; i++) {
    if (!is_healthy (self, g_ptr_array_index (self->replicas, i)))
      self->first_unavailable = g_ptr_array_index (self->replicas, i);
  }
  for (guint i = self->condemned->len; self->first_unavailable == NULL && i > 0; i--) {
    if (!is_healthy (self, g_ptr_array_index (self->condemned, i - 1)))
      self->first_unavailable = g_ptr_array_index (self->condemned, i - 1);
  }
}

void
kube_stateful_rollout_init (KubeStatefulRollout *self, GPtrArray *pods)
{
  gint64 start = kube_stateful_set_get_start (self->set);

  self->min_ready = kube_object_get_integer (self->set, "spec.minReadySeconds", 0) * G_USEC_PER_SEC;
  self->monotonic = g_strcmp0 (kube_object_get_string (self->set, "spec.podManagementPolicy"), "Parallel") != 0;
  self->replicas = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  self->condemned = g_ptr_array_new ();
  self->finished = g_ptr_array_new ();
  self->missing = g_ptr_array_new ();
  self->doomed = g_ptr_array_new ();
  g_ptr_array_set_size (self->replicas, (int) kube_object_get_integer (self->set, "spec.replicas", 1));
  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (pods, i);
    gint64 ordinal = kube_stateful_pod_get_ordinal (self->set, pod);
    KubeObject **place = kube_stateful_set_has_ordinal (self->set, ordinal) ? (KubeObject **) &g_ptr_array_index (self->replicas, ordinal - start) : NULL;

    if (place != NULL && *place == NULL)
      *place = kube_object_ref (pod);
    else
      g_ptr_array_add (self->condemned, pod);
  }
  for (guint i = 0; i < self->replicas->len; i++) {
    if (g_ptr_array_index (self->replicas, i) == NULL)
      g_ptr_array_index (self->replicas, i) = make_pod (self, start + i);
  }
  g_ptr_array_sort_with_data (self->condemned, compare_descending, self->set);
  find_first_unavailable (self);
}

void
kube_stateful_rollout_clear (KubeStatefulRollout *self)
{
  g_clear_pointer (&self->replicas, g_ptr_array_unref);
  g_clear_pointer (&self->condemned, g_ptr_array_unref);
  g_clear_pointer (&self->finished, g_ptr_array_unref);
  g_clear_pointer (&self->missing, g_ptr_array_unref);
  g_clear_pointer (&self->doomed, g_ptr_array_unref);
}

/* --- deciding --- */

/* TRUE: those after it have to wait for this one, where they wait at all. */
static gboolean
decide_replica (KubeStatefulRollout *self, KubeObject *pod)
{
  if (kube_pod_is_finished (pod)) {
    if (!kube_object_is_deleting (pod))
      g_ptr_array_add (self->finished, pod);
    return TRUE;
  }
  if (!is_made (pod)) {
    if (!kube_stateful_claims_are_stale (&self->claims, pod))
      g_ptr_array_add (self->missing, pod);
    return TRUE;
  }
  return kube_object_is_deleting (pod) || !is_running (self, pod);
}

/* TRUE: those after it have to wait until it is gone. */
static gboolean
decide_condemned (KubeStatefulRollout *self, KubeObject *pod)
{
  if (kube_object_is_deleting (pod))
    return TRUE;
  /* While something is ill, only that may go. */
  if (self->monotonic && !is_running (self, pod) && pod != self->first_unavailable)
    return TRUE;
  g_ptr_array_add (self->doomed, pod);
  return TRUE;
}

/* The highest one that is of another revision goes, if those above it are well. */
static void
decide_update (KubeStatefulRollout *self)
{
  gint64 partition = kube_object_get_integer (self->set, "spec.updateStrategy.rollingUpdate.partition", 0);

  for (gint64 i = (gint64) self->replicas->len - 1; i >= partition; i--) {
    KubeObject *pod = g_ptr_array_index (self->replicas, i);

    if (g_strcmp0 (get_revision (pod), self->updated) != 0 && !kube_object_is_deleting (pod)) {
      g_ptr_array_add (self->doomed, pod);
      self->outdated += g_strcmp0 (get_revision (pod), self->current) == 0;
      return;
    }
    if (!is_healthy (self, pod))
      return;
  }
}

void
kube_stateful_rollout_decide (KubeStatefulRollout *self)
{
  for (guint i = 0; i < self->replicas->len; i++) {
    if (decide_replica (self, g_ptr_array_index (self->replicas, i)) && self->monotonic)
      return;
  }
  for (guint i = 0; i < self->condemned->len; i++) {
    if (decide_condemned (self, g_ptr_array_index (self->condemned, i)) && self->monotonic)
      return;
  }
  if (g_strcmp0 (kube_object_get_string (self->set, "spec.updateStrategy.type"), "OnDelete") != 0)
    decide_update (self);
}

/* --- status --- */

typedef struct {
  gint64 replicas, ready, available, current, updated;
} Counts;

static void
count_pod (KubeStatefulRollout *self, KubeObject *pod, Counts *counts)
{
  gint64 wait = kube_pod_available_in (pod, self->min_ready, self->now);

  if (!is_made (pod))
    return;
  counts->replicas++;
  if (g_strcmp0 (kube_object_get_string (pod, "status.phase"), "Running") == 0) {
    counts->ready += wait >= 0;
    counts->available += wait == 0;
    if (wait > 0)
      kube_plan_requeue_after (self->plan, wait);
  }
  if (kube_object_is_deleting (pod))
    return;
  counts->current += g_strcmp0 (get_revision (pod), self->current) == 0;
  counts->updated += g_strcmp0 (get_revision (pod), self->updated) == 0;
}

static void
write_status (KubeStatefulRollout *self, const Counts *counts, KubeNode *status)
{
  gint64 wanted = self->replicas->len, current = counts->current - self->outdated;
  gboolean rolls = g_strcmp0 (kube_object_get_string (self->set, "spec.updateStrategy.type"), "RollingUpdate") == 0;
  gboolean complete = rolls && counts->updated == wanted && counts->ready == wanted && counts->replicas == wanted;

  kube_node_set_integer (status, "observedGeneration", kube_object_get_generation (self->set));
  kube_node_set_integer (status, "replicas", counts->replicas);
  kube_status_set_count (status, "readyReplicas", counts->ready);
  kube_node_set_integer (status, "availableReplicas", counts->available);
  kube_status_set_count (status, "currentReplicas", complete ? counts->updated : current);
  kube_status_set_count (status, "updatedReplicas", counts->updated);
  kube_node_set_string (status, "currentRevision", complete ? self->updated : self->current);
  kube_node_set_string (status, "updateRevision", self->updated);
  kube_node_set_integer (status, "collisionCount", self->collisions);
}

void
kube_stateful_rollout_update_status (KubeStatefulRollout *self)
{
  Counts counts = { 0 };
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (self->set));
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < self->replicas->len; i++)
    count_pod (self, g_ptr_array_index (self->replicas, i), &counts);
  for (guint i = 0; i < self->condemned->len; i++)
    count_pod (self, g_ptr_array_index (self->condemned, i), &counts);
  write_status (self, &counts, kube_node_ensure_object (kube_builder_get_root (builder), "status"));
  updated = kube_object_new_from_builder (builder);
  if (kube_status_is_same (self->set, updated))
    return;
  kube_plan_update_status (self->plan, updated);
  kube_plan_tolerate (self->plan, KUBE_ERROR_CONFLICT);
  kube_plan_tolerate (self->plan, KUBE_ERROR_NOT_FOUND);
}

/* --- writing --- */

/* What to say of the request that was added last. */
static void
report (KubeStatefulRollout *self, KubeObject *pod, const char *verb)
{
  g_autofree char *good = g_strconcat ("Successful", verb, NULL), *bad = g_strconcat ("Failed", verb, NULL);
  g_autofree char *message = g_strdup_printf ("%s Pod %s in StatefulSet %s failed error: ", verb, kube_object_get_name (pod), kube_object_get_name (self->set));

  kube_plan_report (self->plan, self->set, NULL, NULL, bad, message);
  kube_plan_event (self->plan, self->set, "Normal", good, "%s Pod %s in StatefulSet %s successful", verb, kube_object_get_name (pod), kube_object_get_name (self->set));
}

static void
delete_pods (KubeStatefulRollout *self, GPtrArray *pods)
{
  for (guint i = 0; i < pods->len; i++) {
    kube_plan_delete (self->plan, g_ptr_array_index (pods, i), NULL);
    report (self, g_ptr_array_index (pods, i), "Delete");
  }
}

/* FALSE: a claim of the pod is on its way out; it is looked at again when that is gone. */
static gboolean
create_claims (KubeStatefulRollout *self, KubeObject *pod)
{
  g_autoptr (GError) error = NULL;

  if (kube_stateful_claims_create (&self->claims, pod, &error))
    return TRUE;
  kube_plan_event (self->plan, self->set, "Warning", "FailedCreate", "Create Pod %s in StatefulSet %s failed error: %s", kube_object_get_name (pod), kube_object_get_name (self->set),
                   error->message);
  return FALSE;
}

/* One pod, then two, then four, each after its claims: where the first is refused, the rest is not tried. FALSE: some could not even be tried. */
static gboolean
create_pods (KubeStatefulRollout *self)
{
  gboolean all = TRUE;

  for (guint begin = 0, size = 1; begin < self->missing->len && all; begin += size, size = MIN (2 * size, MAX_BATCH)) {
    guint end = MIN (begin + size, self->missing->len);
    g_autoptr (GPtrArray) ready = g_ptr_array_new ();

    for (guint i = begin; i < end; i++) {
      if (create_claims (self, g_ptr_array_index (self->missing, i)))
        g_ptr_array_add (ready, g_ptr_array_index (self->missing, i));
    }
    all = ready->len == end - begin;
    kube_plan_then (self->plan);
    for (guint i = 0; i < ready->len; i++) {
      kube_plan_create (self->plan, g_ptr_array_index (ready, i));
      report (self, g_ptr_array_index (ready, i), "Create");
    }
    kube_plan_then (self->plan);
  }
  return all;
}

/* What a pod is to have that was made before: its claims, its labels, its volumes, owners of its claims. */
static void
repair_pod (KubeStatefulRollout *self, KubeObject *pod)
{
  gboolean storage = kube_stateful_pod_has_storage (self->set, pod);
  guint before = kube_plan_get_length (self->plan);
  g_autoptr (KubeObject) repaired = NULL;

  if ((!storage || g_strcmp0 (kube_object_get_string (pod, "status.phase"), "Pending") == 0) && !create_claims (self, pod))
    return;
  if (!kube_stateful_claims_match (&self->claims, pod))
    kube_stateful_claims_update (&self->claims, pod);
  if (storage && kube_stateful_pod_has_identity (self->set, pod))
    return;
  if (kube_plan_get_length (self->plan) > before)
    kube_plan_then (self->plan);
  repaired = kube_stateful_pod_repair (self->set, pod);
  kube_plan_update (self->plan, repaired);
  report (self, pod, "Update");
}

void
kube_stateful_rollout_commit (KubeStatefulRollout *self)
{
  delete_pods (self, self->finished);
  for (guint i = 0; i < self->replicas->len; i++) {
    KubeObject *pod = g_ptr_array_index (self->replicas, i);

    if (is_made (pod) && !kube_pod_is_finished (pod))
      repair_pod (self, pod);
  }
  for (guint i = 0; i < self->condemned->len; i++)
    kube_stateful_claims_update (&self->claims, g_ptr_array_index (self->condemned, i));
  if (!create_pods (self))
    return;
  if (self->missing->len == 0)
    kube_plan_then (self->plan);
  delete_pods (self, self->doomed);
}
