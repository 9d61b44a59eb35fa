/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-rollout.h"

gboolean
kube_rollout_has_deadline (KubeRollout *self)
{
  return kube_object_get_integer (self->deployment, "spec.progressDeadlineSeconds", G_MAXINT32) != G_MAXINT32;
}

void
kube_rollout_set_progressing (KubeRollout *self, const char *value, const char *reason, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  kube_condition_set (kube_rollout_edit_status (self), "Progressing", value, reason, message, self->now, KUBE_CONDITION_UPDATE_TIME);
}

void
kube_rollout_update_status (KubeRollout *self)
{
  KubeNode *status = kube_rollout_edit_status (self);
  gint64 actual = 0, ready = 0, available = 0, terminating = 0, wanted = 0;

  for (guint i = 0; i < self->sets->len; i++) {
    const KubeRolloutSet *set = g_ptr_array_index (self->sets, i);

    actual += set->actual;
    ready += set->ready;
    available += set->available;
    terminating += set->terminating;
    wanted += set->replicas;
  }
  kube_node_set_integer (status, "observedGeneration", kube_object_get_generation (self->deployment));
  kube_status_set_count (status, "replicas", actual);
  kube_status_set_count (status, "updatedReplicas", self->current == NULL ? 0 : self->current->actual);
  kube_status_set_count (status, "readyReplicas", ready);
  kube_status_set_count (status, "availableReplicas", available);
  kube_status_set_count (status, "unavailableReplicas", MAX (wanted - available, 0));
  kube_node_set_integer (status, "terminatingReplicas", terminating);
  if (available >= self->replicas - self->max_unavailable)
    kube_condition_set (status, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", self->now, KUBE_CONDITION_UPDATE_TIME);
  else
    kube_condition_set (status, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", self->now, KUBE_CONDITION_UPDATE_TIME);
}

gboolean
kube_rollout_is_complete (KubeRollout *self)
{
  KubeNode *status = kube_rollout_edit_status (self);

  return kube_node_get_integer (status, "updatedReplicas", 0) == self->replicas && kube_node_get_integer (status, "replicas", 0) == self->replicas &&
         kube_node_get_integer (status, "availableReplicas", 0) == self->replicas &&
         kube_node_get_integer (status, "observedGeneration", 0) >= kube_object_get_generation (self->deployment);
}

static gboolean
is_progressing (KubeRollout *self, KubeNode *status)
{
  KubeValue *old = kube_object_get (self->deployment, "status");
  gint64 old_updated = kube_value_get_integer (old, "updatedReplicas", 0), updated = kube_node_get_integer (status, "updatedReplicas", 0);

  return updated > old_updated ||
         kube_node_get_integer (status, "replicas", 0) - updated < kube_value_get_integer (old, "replicas", 0) - old_updated ||
         kube_node_get_integer (status, "readyReplicas", 0) > kube_value_get_integer (old, "readyReplicas", 0) ||
         kube_node_get_integer (status, "availableReplicas", 0) > kube_value_get_integer (old, "availableReplicas", 0);
}

/* When the deadline passes, or -1 where nothing is waited for. */
static gint64
get_deadline (KubeRollout *self)
{
  KubeValue *condition = kube_condition_find (kube_object_get_value (self->deployment), "Progressing");
  const char *reason = kube_value_get_string (condition, "reason");
  gint64 from;

  if (condition == NULL || g_strcmp0 (reason, "NewReplicaSetAvailable") == 0 || !kube_time_parse (kube_value_get_string (condition, "lastUpdateTime"), &from, NULL))
    return -1;
  return from + kube_object_get_integer (self->deployment, "spec.progressDeadlineSeconds", 0) * G_USEC_PER_SEC;
}

/* Each step forward gives the rollout its whole deadline again, so that lastUpdateTime must move though status and reason stay. */
static void
touch_progressing (KubeRollout *self, const char *what, const char *name)
{
  KubeNode *status = kube_rollout_edit_status (self);
  KubeValue *old = kube_condition_find (kube_object_get_value (self->deployment), "Progressing");
  KubeNode *conditions;

  kube_condition_remove (status, "Progressing");
  kube_rollout_set_progressing (self, "True", "ReplicaSetUpdated", "%s \"%s\" is progressing.", what, name);
  if (g_strcmp0 (kube_value_get_string (old, "status"), "True") != 0)
    return;
  conditions = kube_node_get_member (status, "conditions");
  kube_node_put_string (kube_node_get_element (conditions, kube_node_get_length (conditions) - 1), "lastTransitionTime", kube_value_get_string (old, "lastTransitionTime"));
}

static void
copy_replica_failure (KubeRollout *self)
{
  KubeNode *status = kube_rollout_edit_status (self);
  KubeValue *failure = NULL;

  if (self->current != NULL)
    failure = kube_condition_find (kube_object_get_value (self->current->object), "ReplicaFailure");
  for (guint i = 0; failure == NULL && i < self->sets->len; i++)
    failure = kube_condition_find (kube_object_get_value (((KubeRolloutSet *) g_ptr_array_index (self->sets, i))->object), "ReplicaFailure");
  if (failure == NULL)
    kube_condition_remove (status, "ReplicaFailure");
  else
    kube_condition_set (status, "ReplicaFailure", kube_value_get_string (failure, "status"), kube_value_get_string (failure, "reason"),
                        kube_value_get_string (failure, "message"), self->now, KUBE_CONDITION_UPDATE_TIME);
}

void
kube_rollout_update_progress (KubeRollout *self)
{
  KubeNode *status;
  KubeValue *condition = kube_condition_find (kube_object_get_value (self->deployment), "Progressing");
  const char *what = self->current == NULL ? "Deployment" : "ReplicaSet";
  const char *name = kube_object_get_name (self->current == NULL ? self->deployment : self->current->object);
  gboolean was_complete;
  gint64 deadline;

  kube_rollout_update_status (self);
  status = kube_rollout_edit_status (self);
  copy_replica_failure (self);
  if (!kube_rollout_has_deadline (self)) {
    kube_condition_remove (status, "Progressing");
    return;
  }
  was_complete = kube_node_get_integer (status, "replicas", 0) == kube_node_get_integer (status, "updatedReplicas", 0) &&
                 g_strcmp0 (kube_value_get_string (condition, "reason"), "NewReplicaSetAvailable") == 0;
  deadline = get_deadline (self);
  if (was_complete)
    return;
  if (kube_rollout_is_complete (self))
    kube_rollout_set_progressing (self, "True", "NewReplicaSetAvailable", "%s \"%s\" has successfully progressed.", what, name);
  else if (is_progressing (self, status))
    touch_progressing (self, what, name);
  else if (deadline >= 0 && self->now >= deadline)
    kube_rollout_set_progressing (self, "False", "ProgressDeadlineExceeded", "%s \"%s\" has timed out progressing.", what, name);
  else if (deadline >= 0)
    kube_plan_requeue_after (self->plan, deadline - self->now + G_USEC_PER_SEC);
}
