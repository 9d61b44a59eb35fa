/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-daemon-rollout.h"
#include "kube-history.h"
#include "kube-owner.h"

typedef struct {
  KubeInformer *sets;      /* (unowned) */
  KubeInformer *pods;      /* (unowned) */
  KubeInformer *nodes;     /* (unowned) */
  KubeInformer *revisions; /* (unowned) */
  KubeDaemonBackoff *backoff;
} DaemonSets;

static const KubeHistoryRules rules = { .hash_label = KUBE_HISTORY_POD_LABEL, .live_count = TRUE };

static void
daemon_sets_free (gpointer data)
{
  kube_daemon_backoff_free (((DaemonSets *) data)->backoff);
  g_free (data);
}

static gboolean
looks_the_same (KubeObject *node, KubeObject *old)
{
  return kube_value_equal (kube_object_get (node, "metadata.labels"), kube_object_get (old, "metadata.labels")) &&
         kube_value_equal (kube_object_get (node, "spec.taints"), kube_object_get (old, "spec.taints"));
}

/* A node concerns the sets for which it becomes another one: that may run on it now, or no longer. */
static void
keys_of_node (KubeController *controller, KubeObject *node, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  DaemonSets *self = user_data;
  gboolean here = kube_informer_get (self->nodes, NULL, kube_object_get_name (node)) != NULL;
  g_autoptr (GPtrArray) sets = NULL;

  if (old != NULL && looks_the_same (node, old))
    return;
  sets = kube_informer_list (self->sets, NULL, NULL);
  for (guint i = 0; i < sets->len; i++) {
    KubeObject *set = g_ptr_array_index (sets, i);
    g_auto (KubeDaemonFit) fit = { 0 };

    kube_daemon_fit_init (&fit, set);
    if (!here || kube_daemon_fit_check (&fit, node) != (old == NULL ? 0 : kube_daemon_fit_check (&fit, old)))
      g_ptr_array_add (keys, kube_object_dup_key (set));
  }
}

/* Where several revisions say the same, pods of all of them become those of the one that stays. TRUE: there are such pods, so the rest comes later. */
static gboolean
merge_doubles (KubeHistory *history, GPtrArray *pods, KubePlan *plan)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autoptr (KubeValue) patch = NULL;
  guint before = kube_plan_get_length (plan);

  kube_node_put_string (kube_node_ensure_object (kube_builder_get_root (builder), "metadata.labels"), KUBE_HISTORY_POD_LABEL, kube_history_get_id (history, history->present));
  patch = kube_builder_end (builder);
  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (pods, i);

    for (guint k = 0; k < history->doubles->len; k++) {
      if (g_strcmp0 (kube_object_get_label (pod, KUBE_HISTORY_POD_LABEL), kube_history_get_id (history, g_ptr_array_index (history->doubles, k))) == 0)
        kube_plan_patch (plan, pod, NULL, KUBE_PATCH_MERGE, patch);
    }
  }
  if (kube_plan_get_length (plan) > before)
    return TRUE;
  kube_history_drop_doubles (history);
  return FALSE;
}

static void
truncate_history (KubeHistory *history, GPtrArray *pods)
{
  g_autoptr (GHashTable) live = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < pods->len; i++) {
    const char *hash = kube_object_get_label (g_ptr_array_index (pods, i), KUBE_HISTORY_POD_LABEL);

    if (hash != NULL)
      g_hash_table_add (live, (gpointer) hash);
  }
  kube_history_truncate (history, live);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  DaemonSets *self = user_data;
  KubeObject *set = kube_informer_get_by_key (self->sets, key);
  KubeClock *clock = kube_controller_get_clock (controller);
  g_autoptr (KubeSelector) selector = NULL;
  g_autoptr (GPtrArray) candidates = NULL, pods = NULL, nodes = NULL;
  g_auto (KubeHistory) history = { 0 };
  g_auto (KubeDaemonFit) fit = { 0 };
  g_auto (KubeDaemonRollout) rollout = { 0 };

  if (set == NULL || kube_object_is_deleting (set))
    return TRUE;
  selector = kube_selector_from_value (kube_object_get (set, "spec.selector"), error);
  if (selector == NULL)
    return FALSE;
  if (kube_selector_is_empty (selector)) {
    kube_plan_event (plan, set, "Warning", "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
    return TRUE;
  }
  kube_history_init (&history, &rules, set, selector, self->revisions, plan);
  candidates = kube_owner_list_candidates (self->pods, set);
  pods = kube_owner_claim (set, selector, candidates, plan);
  if (merge_doubles (&history, pods, plan))
    return TRUE;

  kube_daemon_fit_init (&fit, set);
  nodes = kube_informer_list (self->nodes, NULL, NULL);
  rollout = (KubeDaemonRollout) { set, &fit, self->backoff, plan, kube_history_get_id (&history, history.present), kube_clock_get_time (clock), kube_clock_get_monotonic_time (clock),
                                  kube_object_get_integer (set, "spec.minReadySeconds", 0) * G_USEC_PER_SEC };
  kube_daemon_rollout_init (&rollout, nodes, pods);
  kube_daemon_rollout_update_status (&rollout, history.collisions);
  if (!kube_daemon_rollout_manage (&rollout))
    kube_daemon_rollout_roll (&rollout);
  kube_daemon_rollout_commit (&rollout);
  truncate_history (&history, pods);
  return TRUE;
}

void
kube_daemon_set_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  DaemonSets *self = g_new0 (DaemonSets, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "daemonset-controller", reconcile, self, daemon_sets_free);
  KubeKind *kind = KUBE_KIND ("apps/v1", "DaemonSet"), *pod = KUBE_KIND ("v1", "Pod"), *revision = KUBE_KIND ("apps/v1", "ControllerRevision");

  kube_controller_set_identity (controller, "daemon-set-controller");
  self->backoff = kube_daemon_backoff_new ();
  self->sets = kube_controller_watch (controller, kind, NULL, NULL);
  self->pods = kube_controller_watch_owned (controller, pod, kind);
  kube_controller_watch (controller, pod, kube_owner_add_keys_of_orphan, self->sets);
  self->revisions = kube_controller_watch_owned (controller, revision, kind);
  kube_controller_watch (controller, revision, kube_owner_add_keys_of_orphan, self->sets);
  self->nodes = kube_controller_watch (controller, KUBE_KIND ("v1", "Node"), keys_of_node, self);
  kube_owner_add_index (self->pods);
  kube_owner_add_index (self->revisions);
}
