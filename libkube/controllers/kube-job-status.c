/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-job.h"
#include "kube-pods.h"

/* A status being written, step by step: a finished pod's uid comes into uncountedTerminatedPods, then the pod loses its finalizer, then the uid goes and the number grows. So each is
 * counted once, whenever this process ends. */
typedef struct {
  KubeJob *job;
  KubeNode *status;
  GPtrArray *counted;   /* (element-type KubeJobPod): pods that lose their finalizer */
  GArray *new_indexes;  /* (element-type gint64): succeeded */
  gboolean is_full;     /* there are more pods to count than one look takes */
  gboolean matters;     /* more has changed than the numbers of pods */
} Status;

/* --- conditions --- */

/* A condition that says the same is left alone, and one that is not there does not get there to say no. Returns whether something has changed. */
static gboolean
set_condition (Status *self, const char *type, const char *value, const char *reason, const char *message)
{
  KubeNode *conditions = kube_node_ensure_array (self->status, "conditions"), *condition = NULL;
  char time[KUBE_TIME_STRING_SIZE];

  for (guint i = 0; i < kube_node_get_length (conditions) && condition == NULL; i++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (conditions, i), "type"), type) == 0)
      condition = kube_node_get_element (conditions, i);
  }
  if (condition == NULL && g_str_equal (value, "False")) {
    if (kube_node_get_length (conditions) == 0)
      kube_node_remove_member (self->status, "conditions");
    return FALSE;
  }
  if (condition != NULL && g_strcmp0 (kube_node_get_string (condition, "status"), value) == 0 && g_strcmp0 (kube_node_get_string (condition, "reason"), reason) == 0 &&
      g_strcmp0 (kube_node_get_string (condition, "message"), message) == 0)
    return FALSE;
  if (condition == NULL)
    condition = kube_node_append_object (conditions);
  kube_time_format (self->job->now, time);
  kube_node_put_string (condition, "type", type);
  kube_node_put_string (condition, "status", value);
  kube_node_put_string (condition, "lastProbeTime", time);
  kube_node_put_string (condition, "lastTransitionTime", time);
  kube_node_put_string (condition, "reason", reason);
  kube_node_put_string (condition, "message", message);
  self->matters = TRUE;
  return TRUE;
}

static void
put_time (Status *self, const char *field)
{
  char time[KUBE_TIME_STRING_SIZE];

  kube_node_put_string (self->status, field, kube_time_format (self->job->now, time));
}

/* --- counting --- */

/* The pods whose finalizer is gone are numbers from now on. */
static void
settle_uncounted (Status *self, const char *list, const char *counter, GHashTable *tracked)
{
  KubeNode *uids = kube_node_get (self->status, list);
  gint64 settled = 0;

  for (guint i = uids == NULL ? 0 : kube_node_get_length (uids); i > 0; i--) {
    if (g_hash_table_contains (tracked, kube_node_get_string (kube_node_get_element (uids, i - 1), NULL)))
      continue;
    kube_node_remove_element (uids, i - 1);
    settled++;
  }
  if (uids != NULL && kube_node_get_length (uids) == 0)
    kube_node_remove (self->status, list);
  if (settled == 0)
    return;
  kube_node_put_integer (self->status, counter, kube_node_get_integer (self->status, counter, 0) + settled);
  self->matters = TRUE;
}

static void
settle (Status *self)
{
  g_autoptr (GHashTable) tracked = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->job->pods->len; i++) {
    if (KUBE_JOB_POD (self->job, i)->tracked)
      g_hash_table_add (tracked, (gpointer) kube_object_get_uid (KUBE_JOB_POD (self->job, i)->object));
  }
  kube_node_ensure_object (self->status, "uncountedTerminatedPods");
  settle_uncounted (self, "uncountedTerminatedPods.succeeded", "succeeded", tracked);
  settle_uncounted (self, "uncountedTerminatedPods.failed", "failed", tracked);
}

/* A failed pod whose index is tried again is kept until its successor is there. */
static gboolean
may_lose_finalizer (KubeJob *job, KubeJobPod *pod)
{
  if (kube_object_is_deleting (job->object) || job->outcome != KUBE_JOB_UNDECIDED || pod->succeeded)
    return TRUE;
  return pod->failed && g_hash_table_lookup (job->awaiting, &pod->index) != pod;
}

static void
add_uncounted (Status *self, const char *list, KubeJobPod *pod)
{
  kube_node_append_string (kube_node_ensure_array (self->status, list), kube_object_get_uid (pod->object));
  self->matters = TRUE;
}

static void
count_pod (Status *self, KubeJobPod *pod)
{
  KubeJob *job = self->job;
  const char *uid = kube_object_get_uid (pod->object);

  if (pod->succeeded && !g_hash_table_contains (job->uncounted_failed, uid)) {
    /* The index itself says that it was counted. */
    if (!job->indexed) {
      if (!g_hash_table_contains (job->uncounted_succeeded, uid))
        add_uncounted (self, "uncountedTerminatedPods.succeeded", pod);
    } else if (pod->in_range && !kube_indexes_has (job->counted_indexes, pod->index)) {
      g_array_append_val (self->new_indexes, pod->index);
      self->matters = TRUE;
    }
  } else if ((pod->failed || job->outcome == KUBE_JOB_FAILS) && pod->in_range && !g_hash_table_contains (job->uncounted_failed, uid)) {
    /* When a Job has failed, so has what still runs of it. */
    if (kube_job_judge_failure (job, pod->object, NULL) != KUBE_JOB_FAILURE_IGNORED)
      add_uncounted (self, "uncountedTerminatedPods.failed", pod);
  }
}

static guint
count_listed (Status *self)
{
  KubeNode *succeeded = kube_node_get (self->status, "uncountedTerminatedPods.succeeded"), *failed = kube_node_get (self->status, "uncountedTerminatedPods.failed");

  return (succeeded == NULL ? 0 : kube_node_get_length (succeeded)) + (failed == NULL ? 0 : kube_node_get_length (failed));
}

static void
count_pods (Status *self)
{
  KubeJob *job = self->job;

  for (guint i = 0; i < job->pods->len && !self->is_full; i++) {
    KubeJobPod *pod = KUBE_JOB_POD (job, i);

    if (!pod->tracked || !may_lose_finalizer (job, pod))
      continue;
    g_ptr_array_add (self->counted, pod);
    count_pod (self, pod);
    self->is_full = self->new_indexes->len + count_listed (self) >= KUBE_JOB_BURST;
  }
}

/* --- the rest of the status --- */

static void
put_text (Status *self, const char *field, GArray *indexes, gboolean even_if_empty)
{
  g_autofree char *text = kube_indexes_print (indexes);
  const char *old = kube_node_get_string (self->status, field);

  self->matters |= g_strcmp0 (old == NULL ? "" : old, text) != 0;
  if (*text != '\0' || even_if_empty)
    kube_node_put_string (self->status, field, text);
  else
    kube_node_remove_member (self->status, field);
}

static void
put_indexes (Status *self)
{
  KubeJob *job = self->job;
  g_autoptr (GArray) added = kube_indexes_new (self->new_indexes), succeeded = kube_indexes_merge (job->counted_indexes, added);

  put_text (self, "completedIndexes", succeeded, FALSE);
  kube_status_set_count (self->status, "succeeded", kube_indexes_count (succeeded));
  if (job->failed_indexes != NULL)
    put_text (self, "failedIndexes", job->failed_indexes, TRUE);
  else
    kube_node_remove_member (self->status, "failedIndexes");
}

/* As it will be once the pods that are to go are going. Those that are to come are counted when they are there. */
static void
put_counts (Status *self)
{
  KubeJob *job = self->job;
  gint64 ready = job->ready;

  for (guint i = 0; i < job->doomed->len; i++)
    ready -= kube_pod_is_ready (((KubeJobPod *) g_ptr_array_index (job->doomed, i))->object);
  kube_status_set_count (self->status, "active", job->active - job->doomed->len);
  kube_node_put_integer (self->status, "ready", ready);
  kube_node_put_integer (self->status, "terminating", job->terminating + job->doomed->len);
}

/* The deadline is about the time in which it is not suspended. Returns: (nullable): the reason of an event. */
static const char *
update_suspension (Status *self)
{
  KubeJob *job = self->job;

  if (job->outcome != KUBE_JOB_UNDECIDED || kube_object_is_deleting (job->object))
    return NULL;
  if (job->suspended && set_condition (self, "Suspended", "True", "JobSuspended", "Job suspended")) {
    kube_node_remove_member (self->status, "startTime");
    return "Suspended";
  }
  if (!job->suspended && set_condition (self, "Suspended", "False", "JobResumed", "Job resumed")) {
    put_time (self, "startTime");
    return "Resumed";
  }
  return NULL;
}

/* First the status says how it will end; it has ended once each pod is counted and none is left that could still do something. Returns whether it has. */
static gboolean
update_outcome (Status *self)
{
  KubeJob *job = self->job;
  gboolean succeeds = job->outcome == KUBE_JOB_SUCCEEDS;

  if (job->outcome == KUBE_JOB_UNDECIDED)
    return FALSE;
  if (!job->was_decided) {
    set_condition (self, succeeds ? "SuccessCriteriaMet" : "FailureTarget", "True", job->reason, job->message);
    return FALSE;
  }
  if (job->active > 0 || job->terminating > 0 || self->counted->len > 0 || count_listed (self) > 0)
    return FALSE;
  set_condition (self, succeeds ? "Complete" : "Failed", "True", job->reason, job->message);
  if (succeeds)
    put_time (self, "completionTime");
  return TRUE;
}

static void
plan_events (KubeJob *job, const char *suspension, gboolean has_ended, KubePlan *plan)
{
  if (suspension != NULL)
    kube_plan_event (plan, job->object, "Normal", suspension, "Job %s", g_str_equal (suspension, "Resumed") ? "resumed" : "suspended");
  if (!has_ended)
    return;
  if (job->outcome == KUBE_JOB_FAILS) {
    kube_plan_event (plan, job->object, "Warning", job->reason, "%s", job->message);
    return;
  }
  if (job->completions >= 0 && job->succeeded > job->completions)
    kube_plan_event (plan, job->object, "Warning", "TooManySucceededPods", "Too many succeeded pods running after completion count reached");
  kube_plan_event (plan, job->object, "Normal", "Completed", "Job completed");
}

GPtrArray *
kube_job_plan_status (KubeJob *job, KubePlan *plan)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (job->object));
  g_autoptr (GArray) new_indexes = g_array_new (FALSE, FALSE, sizeof (gint64));
  Status self = { job, kube_node_ensure_object (kube_builder_get_root (builder), "status"), g_ptr_array_new (), new_indexes, FALSE, FALSE };
  g_autoptr (KubeObject) updated = NULL;
  const char *suspension;
  gboolean has_ended;

  if (kube_node_get_string (self.status, "startTime") == NULL && !job->suspended)
    put_time (&self, "startTime");
  settle (&self);
  count_pods (&self);
  if (job->indexed)
    put_indexes (&self);
  suspension = update_suspension (&self);
  has_ended = update_outcome (&self);
  put_counts (&self);
  updated = kube_object_new_from_builder (builder);
  /* Where pods come next, the look after tells of them all the rest. */
  if (kube_status_is_same (job->object, updated) || (job->wanted->len > 0 && !self.matters && !job->retrying))
    return self.counted;
  kube_plan_update_status (plan, updated);
  plan_events (job, suspension, has_ended, plan);
  return self.counted;
}
