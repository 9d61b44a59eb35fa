/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"
#include "kube-owner.h"
#include "kube-pods.h"
#include "kube-rollout.h"

typedef struct {
  KubeInformer *deployments;  /* (unowned) */
  KubeInformer *replica_sets; /* (unowned) */
  KubeInformer *pods;         /* (unowned) */
} Deployments;

/* Only Recreate waits for pods: the new ones come when the last old one has gone. */
static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  Deployments *self = user_data;
  const char *namespace_ = kube_object_get_namespace (pod);
  KubeValue *owner = kube_object_get_controller (pod);
  KubeObject *set, *deployment;

  if (owner == NULL || g_strcmp0 (kube_value_get_string (owner, "kind"), "ReplicaSet") != 0)
    return;
  set = kube_informer_get (self->replica_sets, namespace_, kube_value_get_string (owner, "name"));
  owner = set == NULL ? NULL : kube_object_get_controller (set);
  if (owner == NULL || g_strcmp0 (kube_value_get_string (owner, "kind"), "Deployment") != 0)
    return;
  deployment = kube_informer_get (self->deployments, namespace_, kube_value_get_string (owner, "name"));
  if (deployment != NULL && g_strcmp0 (kube_object_get_string (deployment, "spec.strategy.type"), "Recreate") == 0)
    g_ptr_array_add (keys, kube_object_dup_key (deployment));
}

static gboolean
old_pods_run (Deployments *self, KubeRollout *rollout)
{
  for (guint i = 0; i < rollout->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (rollout->sets, i);
    g_autoptr (GPtrArray) pods = NULL;

    if (set == rollout->current)
      continue;
    if (set->actual > 0)
      return TRUE;
    pods = kube_informer_list_by (self->pods, "controller", kube_object_get_uid (set->object));
    for (guint k = 0; k < pods->len; k++) {
      if (!kube_pod_is_finished (g_ptr_array_index (pods, k)))
        return TRUE;
    }
  }
  return FALSE;
}

static void
recreate (Deployments *self, KubeRollout *rollout)
{
  if (kube_rollout_drop_old (rollout) || old_pods_run (self, rollout)) {
    kube_rollout_update_progress (rollout);
    return;
  }
  if (rollout->current == NULL)
    kube_rollout_create_current (rollout);
  else
    kube_rollout_scale_current (rollout);
  kube_rollout_update_progress (rollout);
  if (kube_rollout_is_complete (rollout))
    kube_rollout_clean_up (rollout);
}

static void
roll (KubeRollout *rollout)
{
  if (rollout->current == NULL) {
    kube_rollout_create_current (rollout);
    kube_rollout_update_progress (rollout);
    return;
  }
  if (!kube_rollout_scale_current (rollout))
    kube_rollout_scale_down_old (rollout);
  kube_rollout_update_progress (rollout);
  if (kube_rollout_is_complete (rollout))
    kube_rollout_clean_up (rollout);
}

/* The condition tells `kubectl rollout status` and the deadline that nothing is expected to move. TRUE: it changed. */
static gboolean
sync_paused (KubeRollout *rollout)
{
  KubeValue *condition = kube_condition_find (kube_object_get_value (rollout->deployment), "Progressing");
  const char *reason = kube_value_get_string (condition, "reason");
  gboolean was_paused = g_strcmp0 (reason, "DeploymentPaused") == 0;

  if (!kube_rollout_has_deadline (rollout) || g_strcmp0 (reason, "ProgressDeadlineExceeded") == 0)
    return FALSE;
  if (rollout->paused && !was_paused)
    kube_rollout_set_progressing (rollout, "Unknown", "DeploymentPaused", "Deployment is paused");
  else if (!rollout->paused && was_paused)
    kube_rollout_set_progressing (rollout, "Unknown", "DeploymentResumed", "Deployment is resumed");
  else
    return FALSE;
  return TRUE;
}

static void
plan_deployment (Deployments *self, KubeRollout *rollout)
{
  if (kube_object_is_deleting (rollout->deployment)) {
    kube_rollout_update_status (rollout);
    return;
  }
  if (sync_paused (rollout))
    return;
  if (!kube_rollout_sync_revision (rollout))
    return;
  if (rollout->paused || kube_rollout_is_scaling (rollout)) {
    kube_rollout_scale (rollout);
    if (rollout->paused)
      kube_rollout_clean_up (rollout);
    kube_rollout_update_status (rollout);
  } else if (rollout->rolling) {
    roll (rollout);
  } else {
    recreate (self, rollout);
  }
}

/* A name that is taken by a ReplicaSet of another template: count the collision, so that the next name is another one. */
static gboolean
count_collision (KubeController *controller, const char *key, KubeObject *deployment, KubePlan *plan)
{
  const GError *error = kube_controller_get_error (controller, key);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeObject) updated = NULL;

  if (!g_error_matches (error, KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS))
    return FALSE;
  builder = kube_builder_new (kube_object_get_value (deployment));
  kube_node_set_integer (kube_builder_get_root (builder), "status.collisionCount", kube_object_get_integer (deployment, "status.collisionCount", 0) + 1);
  updated = kube_object_new_from_builder (builder);
  kube_plan_update_status (plan, updated);
  return TRUE;
}

/* The new set could not be made: the status says why, since no set can show it. */
static gboolean
plan_creation_failure (KubeController *controller, const char *key, KubeRollout *rollout)
{
  const GError *error = kube_controller_get_error (controller, key);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeObject) updated = NULL;
  g_autofree char *message = NULL;

  if (error == NULL || g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT) || !kube_rollout_has_deadline (rollout))
    return FALSE;
  message = g_strconcat ("Failed to create new replica set: ", error->message, NULL);
  builder = kube_builder_new (kube_object_get_value (rollout->deployment));
  if (!kube_condition_set (kube_node_ensure_object (kube_builder_get_root (builder), "status"), "Progressing", "False", "ReplicaSetCreateError", message, rollout->now,
                           KUBE_CONDITION_UPDATE_TIME))
    return FALSE;
  updated = kube_object_new_from_builder (builder);
  kube_plan_event (rollout->plan, rollout->deployment, "Warning", "ReplicaSetCreateError", "%s", message);
  kube_plan_update_status (rollout->plan, updated);
  return TRUE;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Deployments *self = user_data;
  KubeObject *deployment = kube_informer_get_by_key (self->deployments, key);
  g_autoptr (KubeSelector) selector = NULL;
  g_autoptr (GPtrArray) candidates = NULL, sets = NULL;
  g_auto (KubeRollout) rollout = { 0 };

  if (deployment == NULL)
    return TRUE;
  selector = kube_selector_from_value (kube_object_get (deployment, "spec.selector"), error);
  if (selector == NULL)
    return FALSE;
  if (kube_selector_is_empty (selector)) {
    kube_plan_event (plan, deployment, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
    return TRUE;
  }
  candidates = kube_owner_list_candidates (self->replica_sets, deployment);
  sets = kube_owner_claim (deployment, selector, candidates, plan);
  kube_rollout_init (&rollout, deployment, sets, plan, kube_clock_get_time (kube_controller_get_clock (controller)));
  if (rollout.current == NULL && (count_collision (controller, key, deployment, plan) || plan_creation_failure (controller, key, &rollout)))
    return TRUE;
  plan_deployment (self, &rollout);
  kube_rollout_commit (&rollout);
  return TRUE;
}

void
kube_deployment_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  Deployments *self = g_new0 (Deployments, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "deployment-controller", reconcile, self, g_free);
  KubeKind *kind = KUBE_KIND ("apps/v1", "Deployment"), *set = KUBE_KIND ("apps/v1", "ReplicaSet");

  self->deployments = kube_controller_watch (controller, kind, NULL, NULL);
  self->replica_sets = kube_controller_watch_owned (controller, set, kind);
  kube_controller_watch (controller, set, kube_owner_add_keys_of_orphan, self->deployments);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_owner_add_index (self->replica_sets);
  kube_informer_add_index (self->pods, "controller", NULL, NULL);
}
