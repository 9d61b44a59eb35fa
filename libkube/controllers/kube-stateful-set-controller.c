/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-history.h"
#include "kube-owner.h"
#include "kube-stateful-pods.h"
#include "kube-stateful-rollout.h"

typedef struct {
  KubeInformer *sets;      /* (unowned) */
  KubeInformer *pods;      /* (unowned) */
  KubeInformer *claims;    /* (unowned) */
  KubeInformer *revisions; /* (unowned) */
} StatefulSets;

static const KubeHistoryRules rules = { .hash_label = "controller.kubernetes.io/hash", .pods_carry_names = TRUE };

/* Pods wait for claims that are on their way out. */
static void
keys_of_claim (KubeController *controller, KubeObject *claim, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  kube_stateful_claims_add_keys (((StatefulSets *) user_data)->sets, claim, keys);
}

/* Pods of other names are nobody's to take in. */
static GPtrArray *
list_candidates (StatefulSets *self, KubeObject *set)
{
  GPtrArray *pods = kube_owner_list_candidates (self->pods, set);

  for (guint i = pods->len; i > 0; i--) {
    if (kube_stateful_pod_get_ordinal (set, g_ptr_array_index (pods, i - 1)) < 0)
      g_ptr_array_remove_index_fast (pods, i - 1);
  }
  return pods;
}

static void
truncate_history (KubeHistory *history, KubeStatefulRollout *rollout, GPtrArray *pods)
{
  g_autoptr (GHashTable) live = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_add (live, (gpointer) rollout->current);
  for (guint i = 0; i < pods->len; i++) {
    const char *revision = kube_object_get_label (g_ptr_array_index (pods, i), KUBE_HISTORY_POD_LABEL);

    if (revision != NULL)
      g_hash_table_add (live, (gpointer) revision);
  }
  kube_history_truncate (history, live);
}

/* The pods of a set that is being deleted are left to the garbage collector; it still says what there is. */
static void
show_deletion (KubeStatefulRollout *rollout, GPtrArray *pods)
{
  rollout->current = kube_object_get_string (rollout->set, "status.currentRevision");
  rollout->updated = kube_object_get_string (rollout->set, "status.updateRevision");
  rollout->current_template = kube_object_get (rollout->set, "spec.template");
  rollout->collisions = kube_object_get_integer (rollout->set, "status.collisionCount", 0);
  if (rollout->current == NULL || rollout->updated == NULL)
    return;
  kube_stateful_rollout_init (rollout, pods);
  kube_stateful_rollout_update_status (rollout);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  StatefulSets *self = user_data;
  KubeObject *set = kube_informer_get_by_key (self->sets, key), *current;
  g_autoptr (KubeSelector) selector = NULL;
  g_autoptr (GPtrArray) candidates = NULL, pods = NULL;
  g_autoptr (KubeValue) current_template = NULL;
  g_auto (KubeHistory) history = { 0 };
  g_auto (KubeStatefulRollout) rollout = { set, plan, { set, self->claims, plan }, .now = kube_clock_get_time (kube_controller_get_clock (controller)) };

  if (set == NULL)
    return TRUE;
  selector = kube_selector_from_value (kube_object_get (set, "spec.selector"), error);
  if (selector == NULL)
    return FALSE;
  candidates = list_candidates (self, set);
  pods = kube_owner_claim (set, selector, candidates, plan);
  if (kube_object_is_deleting (set)) {
    show_deletion (&rollout, pods);
    return TRUE;
  }
  kube_history_init (&history, &rules, set, selector, self->revisions, plan);
  current = kube_history_find (&history, kube_object_get_string (set, "status.currentRevision"));
  if (current == NULL)
    current = history.present;
  current_template = kube_history_dup_template (&history, current);
  rollout.current = kube_history_get_id (&history, current);
  rollout.updated = kube_history_get_id (&history, history.present);
  rollout.current_template = current_template;
  rollout.collisions = history.collisions;
  kube_stateful_rollout_init (&rollout, pods);
  kube_stateful_rollout_decide (&rollout);
  kube_stateful_rollout_update_status (&rollout);
  truncate_history (&history, &rollout, pods);
  kube_stateful_rollout_commit (&rollout);
  return TRUE;
}

void
kube_stateful_set_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  StatefulSets *self = g_new0 (StatefulSets, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "statefulset-controller", reconcile, self, g_free);
  KubeKind *kind = KUBE_KIND ("apps/v1", "StatefulSet"), *pod = KUBE_KIND ("v1", "Pod"), *revision = KUBE_KIND ("apps/v1", "ControllerRevision");

  self->sets = kube_controller_watch (controller, kind, NULL, NULL);
  self->pods = kube_controller_watch_owned (controller, pod, kind);
  kube_controller_watch (controller, pod, kube_owner_add_keys_of_orphan, self->sets);
  self->revisions = kube_controller_watch_owned (controller, revision, kind);
  kube_controller_watch (controller, revision, kube_owner_add_keys_of_orphan, self->sets);
  self->claims = kube_controller_watch (controller, KUBE_KIND ("v1", "PersistentVolumeClaim"), keys_of_claim, self);
  kube_owner_add_index (self->pods);
  kube_owner_add_index (self->revisions);
}
