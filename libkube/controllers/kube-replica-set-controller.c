/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-scheme.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"
#include "kube-owner.h"
#include "kube-pods.h"
#include "kube-selector-private.h"

/* At most so many pods are created or deleted for one ReplicaSet in one go (upstream's BurstReplicas). */
#define BURST 500

/* ReplicaSets, or ReplicationControllers, which are the same with a plain selector and an older status. */
typedef struct {
  KubeInformer *replica_sets; /* (unowned) */
  KubeInformer *pods;         /* (unowned) */
} ReplicaSets;

/* --- which pods go first --- */

typedef struct {
  KubeObject *pod;
  gint64 related; /* pods of the same owner's ReplicaSets on its node */
} Victim;

static int
order (gint64 a, gint64 b)
{
  return a < b ? -1 : a > b;
}

static gint64
deletion_cost (KubeObject *pod)
{
  const char *cost = kube_object_get_annotation (pod, "controller.kubernetes.io/pod-deletion-cost");

  return cost == NULL ? 0 : g_ascii_strtoll (cost, NULL, 10);
}

/* Upstream compares ages on a logarithmic scale, so that pods of about the same age are told apart by their uid. */
static int
younger_first (gint64 a, gint64 b, gint64 now, KubeObject *pod_a, KubeObject *pod_b)
{
  guint bucket_a = g_bit_storage ((gulong) MAX (now - a, 0) / G_USEC_PER_SEC), bucket_b = g_bit_storage ((gulong) MAX (now - b, 0) / G_USEC_PER_SEC);

  if (bucket_a != bucket_b)
    return order (bucket_a, bucket_b);
  return g_strcmp0 (kube_object_get_uid (pod_a), kube_object_get_uid (pod_b));
}

/* upstream: ActivePodsWithRanks */
static int
compare_victims (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Victim *x = a, *y = b;
  gint64 now = *(const gint64 *) user_data;
  gboolean ready = kube_pod_is_ready (x->pod);
  gint64 since_x, since_y;
  int result;

  result = order (kube_object_get_string (x->pod, "spec.nodeName") != NULL, kube_object_get_string (y->pod, "spec.nodeName") != NULL);
  if (result == 0)
    result = order (kube_pod_get_phase_rank (x->pod), kube_pod_get_phase_rank (y->pod));
  if (result == 0)
    result = order (ready, kube_pod_is_ready (y->pod));
  if (result == 0)
    result = order (deletion_cost (x->pod), deletion_cost (y->pod));
  if (result == 0)
    result = order (y->related, x->related);
  if (result == 0 && ready) {
    since_x = kube_pod_get_ready_time (x->pod);
    since_y = kube_pod_get_ready_time (y->pod);
    result = since_x == since_y ? 0 : younger_first (since_x, since_y, now, x->pod, y->pod);
  }
  if (result == 0)
    result = order (kube_pod_count_restarts (y->pod), kube_pod_count_restarts (x->pod));
  if (result == 0)
    result = younger_first (kube_object_get_creation_time (x->pod), kube_object_get_creation_time (y->pod), now, x->pod, y->pod);
  return result;
}

/* Pods of ReplicaSets that share a controller (a Deployment's old and new ones) count together, so that no node keeps two where another has none. */
static void
count_related (ReplicaSets *self, KubeObject *set, GArray *victims)
{
  g_autoptr (GHashTable) on_node = g_hash_table_new (g_str_hash, g_str_equal);
  const char *owner = kube_value_get_string (kube_object_get_controller (set), "uid");
  g_autoptr (GPtrArray) sets = owner == NULL ? g_ptr_array_new () : kube_informer_list_by (self->replica_sets, "controller", owner);

  if (owner == NULL)
    g_ptr_array_add (sets, set);
  for (guint i = 0; i < sets->len; i++) {
    g_autoptr (GPtrArray) pods = kube_informer_list_by (self->pods, "controller", kube_object_get_uid (g_ptr_array_index (sets, i)));

    for (guint k = 0; k < pods->len; k++) {
      const char *node = kube_object_get_string (g_ptr_array_index (pods, k), "spec.nodeName");

      if (node != NULL && kube_pod_is_active (g_ptr_array_index (pods, k)))
        g_hash_table_insert (on_node, (gpointer) node, GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (on_node, node)) + 1));
    }
  }
  for (guint i = 0; i < victims->len; i++) {
    Victim *victim = &g_array_index (victims, Victim, i);
    const char *node = kube_object_get_string (victim->pod, "spec.nodeName");

    victim->related = node == NULL ? 0 : GPOINTER_TO_UINT (g_hash_table_lookup (on_node, node));
  }
}

static void
delete_pods (ReplicaSets *self, KubeObject *set, GPtrArray *active, guint count, gint64 now, KubePlan *plan)
{
  g_autoptr (GArray) victims = g_array_new (FALSE, FALSE, sizeof (Victim));

  for (guint i = 0; i < active->len; i++)
    g_array_append_vals (victims, &(Victim){ g_ptr_array_index (active, i), 0 }, 1);
  if (count < victims->len) {
    count_related (self, set, victims);
    g_array_sort_with_data (victims, compare_victims, &now);
  }
  for (guint i = 0; i < count; i++) {
    kube_plan_delete (plan, g_array_index (victims, Victim, i).pod, NULL);
    kube_plan_report (plan, set, "SuccessfulDelete", "Deleted pod: ", "FailedDelete", "Error deleting: ");
  }
}

static void
create_pods (KubeObject *set, guint count, KubePlan *plan)
{
  g_autoptr (KubeBuilder) builder = kube_owner_begin_from_template (set, "v1", "Pod", kube_object_get (set, "spec.template"));
  g_autofree char *prefix = g_strconcat (kube_object_get_name (set), "-", NULL);
  g_autoptr (KubeObject) pod = NULL;
  KubeSlowStart start = KUBE_SLOW_START_INIT;

  kube_node_set_string (kube_builder_get_root (builder), "metadata.generateName", prefix);
  pod = kube_object_new_from_builder (builder);
  for (guint i = 0; i < count; i++) {
    kube_slow_start_next (&start, plan);
    kube_plan_create (plan, pod);
    kube_plan_report (plan, set, "SuccessfulCreate", "Created pod: ", "FailedCreate", "Error creating: ");
    kube_plan_tolerate_cause (plan, "NamespaceTerminating");
  }
}

/* --- status --- */

static void
set_failure_condition (KubeController *controller, const char *key, gint64 difference, KubeNode *status, gint64 now)
{
  const GError *error = kube_controller_get_error (controller, key);
  gboolean failed = error != NULL && !g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT) && difference != 0;

  if (failed)
    kube_condition_set (status, "ReplicaFailure", "True", difference < 0 ? "FailedCreate" : "FailedDelete", error->message, now, KUBE_CONDITION_DEFAULT);
  else
    kube_condition_remove (status, "ReplicaFailure");
}

static void
plan_status (KubeController *controller, const char *key, KubeObject *set, GPtrArray *active, guint terminating, gint64 difference, KubePlan *plan)
{
  gint64 now = kube_clock_get_time (kube_controller_get_clock (controller));
  gint64 min_ready = kube_object_get_integer (set, "spec.minReadySeconds", 0) * G_USEC_PER_SEC;
  g_autoptr (KubeSelector) labels = kube_selector_from_labels (kube_object_get (set, "spec.template.metadata.labels"));
  gint64 labeled = 0, ready = 0, available = 0;
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (set));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < active->len; i++) {
    KubeObject *pod = g_ptr_array_index (active, i);
    gint64 wait = kube_pod_available_in (pod, min_ready, now);

    labeled += kube_selector_matches (labels, pod);
    ready += kube_pod_is_ready (pod);
    available += wait == 0;
    if (wait > 0)
      kube_plan_requeue_after (plan, wait);
  }
  kube_node_set_integer (status, "replicas", active->len);
  kube_status_set_count (status, "fullyLabeledReplicas", labeled);
  kube_status_set_count (status, "readyReplicas", ready);
  kube_status_set_count (status, "availableReplicas", available);
  if (g_str_equal (kube_object_get_kind (set), "ReplicaSet"))
    kube_node_set_integer (status, "terminatingReplicas", terminating);
  kube_node_set_integer (status, "observedGeneration", kube_object_get_generation (set));
  set_failure_condition (controller, key, difference, status, now);
  updated = kube_object_new_from_builder (builder);
  if (kube_status_is_same (set, updated))
    return;
  kube_plan_update_status (plan, updated);
  kube_plan_tolerate (plan, KUBE_ERROR_CONFLICT);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

/* Finished pods are of no interest: neither taken in nor let go. */
static GPtrArray *
list_candidates (ReplicaSets *self, KubeObject *set)
{
  GPtrArray *pods = kube_owner_list_candidates (self->pods, set);

  for (guint i = pods->len; i > 0; i--) {
    if (kube_pod_is_finished (g_ptr_array_index (pods, i - 1)))
      g_ptr_array_remove_index_fast (pods, i - 1);
  }
  return pods;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  ReplicaSets *self = user_data;
  KubeObject *set = kube_informer_get_by_key (self->replica_sets, key);
  g_autoptr (GPtrArray) candidates = NULL, pods = NULL, active = g_ptr_array_new ();
  g_autoptr (KubeSelector) selector = NULL;
  guint terminating = 0;
  gint64 difference;

  if (set == NULL)
    return TRUE;
  selector = kube_selector_from_either (kube_object_get (set, "spec.selector"), error);
  if (selector == NULL)
    return FALSE;
  candidates = list_candidates (self, set);
  pods = kube_owner_claim (set, selector, candidates, plan);
  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (pods, i);

    if (kube_pod_is_active (pod))
      g_ptr_array_add (active, pod);
    else
      terminating++;
  }
  difference = (gint64) active->len - kube_object_get_integer (set, "spec.replicas", 1);
  plan_status (controller, key, set, active, terminating, difference, plan);
  if (kube_object_is_deleting (set))
    return TRUE;
  if (difference < 0)
    create_pods (set, MIN (-difference, BURST), plan);
  else if (difference > 0)
    delete_pods (self, set, active, MIN (difference, BURST), kube_clock_get_time (kube_controller_get_clock (controller)), plan);
  return TRUE;
}

static void
add (KubeManager *manager, const char *name, KubeKind *kind)
{
  ReplicaSets *self = g_new0 (ReplicaSets, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, name, reconcile, self, g_free);
  KubeKind *pod = KUBE_KIND ("v1", "Pod");

  self->replica_sets = kube_controller_watch (controller, kind, NULL, NULL);
  self->pods = kube_controller_watch_owned (controller, pod, kind);
  kube_controller_watch (controller, pod, kube_owner_add_keys_of_orphan, self->replica_sets);
  kube_owner_add_index (self->replica_sets);
  kube_owner_add_index (self->pods);
}

void
kube_replica_set_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  add (manager, "replicaset-controller", KUBE_KIND ("apps/v1", "ReplicaSet"));
}

void
kube_replication_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  add (manager, "replication-controller", KUBE_KIND ("v1", "ReplicationController"));
}
