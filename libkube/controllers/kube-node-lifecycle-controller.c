/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-scheme.h>
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"
#include "kube-node-zones.h"
#include "kube-pods.h"

/* --node-monitor-grace-period: how long a node may be silent. */
#define GRACE (50 * G_USEC_PER_SEC)
#define UNREACHABLE "node.kubernetes.io/unreachable"
#define NOT_READY "node.kubernetes.io/not-ready"

typedef struct {
  KubeInformer *nodes;  /* (unowned) */
  KubeInformer *leases; /* (unowned) */
  KubeInformer *pods;   /* (unowned) */
  GHashTable *heard;    /* (element-type utf8 Heard): when a node was last heard of */
  KubeNodeZones *zones; /* (owned) */
} NodeLifecycle;

/* The time of this process counts, not the node's: clocks of machines differ. */
typedef struct {
  char *mark;           /* the lease's renewTime */
  gint64 since;         /* monotonic, when it was first seen */
} Heard;

static void
heard_free (gpointer data)
{
  g_free (((Heard *) data)->mark);
  g_free (data);
}

static void
node_lifecycle_free (gpointer data)
{
  NodeLifecycle *self = data;

  g_hash_table_unref (self->heard);
  kube_node_zones_free (self->zones);
  g_free (self);
}

/* --- is it alive --- */

static gint64
get_silence (NodeLifecycle *self, KubeObject *node, gint64 now)
{
  const char *name = kube_object_get_name (node);
  KubeObject *lease = kube_informer_get (self->leases, "kube-node-lease", name);
  const char *mark = lease == NULL ? NULL : kube_object_get_string (lease, "spec.renewTime");
  const char *beat = kube_value_get_string (kube_condition_find (kube_object_get_value (node), "Ready"), "lastHeartbeatTime");
  g_autofree char *both = g_strconcat (mark == NULL ? "" : mark, " ", beat == NULL ? "" : beat, NULL);
  Heard *heard = g_hash_table_lookup (self->heard, name);

  if (heard == NULL || strcmp (heard->mark, both) != 0) {
    heard = g_new0 (Heard, 1);
    heard->mark = g_steal_pointer (&both);
    heard->since = now;
    g_hash_table_replace (self->heard, g_strdup (name), heard);
  }
  return now - heard->since;
}

static gboolean
plan_unknown (KubePlan *plan, KubeObject *node, gint64 now)
{
  static const char *const types[] = { "Ready", "MemoryPressure", "DiskPressure", "PIDPressure" };
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (node));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  gboolean changed = FALSE;
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    KubeValue *condition = kube_condition_find (kube_object_get_value (node), types[i]);

    if (condition == NULL)
      changed |= kube_condition_set (status, types[i], "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status.", now, KUBE_CONDITION_DEFAULT);
    else if (g_strcmp0 (kube_value_get_string (condition, "status"), "Unknown") != 0)
      changed |= kube_condition_set (status, types[i], "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", now, KUBE_CONDITION_DEFAULT);
  }
  if (!changed)
    return FALSE;
  updated = kube_object_new_from_builder (builder);
  kube_plan_update_status (plan, updated);
  kube_plan_event (plan, node, "Normal", "NodeNotReady", "Node %s status is now: NodeNotReady", kube_object_get_name (node));
  return TRUE;
}

/* --- taints --- */

typedef struct {
  const char *key, *effect;
  gboolean wanted;
} Taint;

/* upstream: nodeConditionToTaintKeyStatusMap, and the NoExecute taints of a node that is not ready or not reachable */
static void
get_taints (KubeObject *node, const char *ready, gboolean evicts, Taint taints[8])
{
  KubeValue *value = kube_object_get_value (node);
  gboolean not_ready = g_strcmp0 (ready, "False") == 0, unknown = g_strcmp0 (ready, "Unknown") == 0;
  const Taint all[8] = {
    { NOT_READY, "NoSchedule", not_ready },
    { UNREACHABLE, "NoSchedule", unknown },
    { "node.kubernetes.io/memory-pressure", "NoSchedule", kube_condition_is (value, "MemoryPressure", "True") },
    { "node.kubernetes.io/disk-pressure", "NoSchedule", kube_condition_is (value, "DiskPressure", "True") },
    { "node.kubernetes.io/pid-pressure", "NoSchedule", kube_condition_is (value, "PIDPressure", "True") },
    { "node.kubernetes.io/network-unavailable", "NoSchedule", kube_condition_is (value, "NetworkUnavailable", "True") },
    { NOT_READY, "NoExecute", not_ready && evicts },
    { UNREACHABLE, "NoExecute", unknown && evicts },
  };

  memcpy (taints, all, sizeof all);
}

static gboolean
apply_taint (KubeNode *root, const Taint *taint, gint64 now)
{
  KubeNode *list = kube_node_get (root, "spec.taints"), *added;
  char time[KUBE_TIME_STRING_SIZE];
  guint i;

  for (i = 0; i < kube_node_get_length (list); i++) {
    KubeNode *each = kube_node_get_element (list, i);

    if (g_strcmp0 (kube_node_get_string (each, "key"), taint->key) == 0 && g_strcmp0 (kube_node_get_string (each, "effect"), taint->effect) == 0)
      break;
  }
  if ((i < kube_node_get_length (list)) == taint->wanted)
    return FALSE;
  if (!taint->wanted) {
    kube_node_remove_element (list, i);
    return TRUE;
  }
  added = kube_node_append_object (kube_node_ensure_array (root, "spec.taints"));
  kube_node_put_string (added, "key", taint->key);
  kube_node_put_string (added, "effect", taint->effect);
  if (strcmp (taint->effect, "NoExecute") == 0)
    kube_node_put_string (added, "timeAdded", kube_time_format (now, time));
  return TRUE;
}

static gboolean
apply_taint_of_unschedulable (KubeNode *root, gint64 now)
{
  const Taint taint = { "node.kubernetes.io/unschedulable", "NoSchedule", kube_node_get_boolean (root, "spec.unschedulable", FALSE) };

  return apply_taint (root, &taint, now);
}

static void
plan_taints (KubePlan *plan, KubeObject *node, const char *ready, gboolean evicts, gint64 now)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL), edited = kube_builder_new (kube_object_get_value (node));
  KubeNode *root = kube_builder_get_root (edited), *taint_list;
  Taint taints[8];
  gboolean changed;
  g_autoptr (KubeValue) list = NULL, patch = NULL;

  get_taints (node, ready, evicts, taints);
  changed = apply_taint_of_unschedulable (root, now);
  for (guint i = 0; i < G_N_ELEMENTS (taints); i++)
    changed |= apply_taint (root, &taints[i], now);
  if (!changed)
    return;
  taint_list = kube_node_ensure_array (root, "spec.taints");
  list = kube_node_to_value (taint_list);
  kube_node_set_value (kube_builder_get_root (builder), "spec.taints", list);
  /* The list is written as a whole: the version keeps it from undoing another's taint. */
  kube_node_set_string (kube_builder_get_root (builder), "metadata.resourceVersion", kube_object_get_resource_version (node));
  patch = kube_builder_end (builder);
  kube_plan_patch (plan, node, NULL, KUBE_PATCH_MERGE, patch);
}

/* --- pods of a node that is not ready --- */

static void
plan_pods_not_ready (NodeLifecycle *self, KubePlan *plan, KubeObject *node, gint64 now)
{
  g_autoptr (GPtrArray) pods = kube_informer_list_by (self->pods, "node", kube_object_get_name (node));

  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (pods, i);
    g_autoptr (KubeBuilder) builder = NULL;
    g_autoptr (KubeObject) updated = NULL;

    if (!kube_pod_is_ready (pod))
      continue;
    builder = kube_builder_new (kube_object_get_value (pod));
    kube_condition_set (kube_node_ensure_object (kube_builder_get_root (builder), "status"), "Ready", "False", NULL, NULL, now, KUBE_CONDITION_DEFAULT);
    updated = kube_object_new_from_builder (builder);
    kube_plan_update_status (plan, updated);
    kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
    kube_plan_tolerate (plan, KUBE_ERROR_CONFLICT);
    kube_plan_event (plan, pod, "Warning", "NodeNotReady", "Node is not ready");
  }
}

static gboolean
has_eviction_taint (KubeObject *node)
{
  KubeValue *taints = kube_object_get (node, "spec.taints");

  for (guint i = 0; i < kube_value_get_length (taints); i++) {
    const char *key = kube_value_get_string (kube_value_get_element (taints, i), "key");

    if (g_strcmp0 (kube_value_get_string (kube_value_get_element (taints, i), "effect"), "NoExecute") == 0 && (g_strcmp0 (key, NOT_READY) == 0 || g_strcmp0 (key, UNREACHABLE) == 0))
      return TRUE;
  }
  return FALSE;
}

/* Whether the pods of a node that is not ready may be sent away now. */
static gboolean
may_evict (NodeLifecycle *self, KubeController *controller, KubePlan *plan, KubeObject *node)
{
  gint64 now = kube_clock_get_monotonic_time (kube_controller_get_clock (controller)), turn;

  if (kube_node_zones_all_down (self->zones))
    return FALSE;
  if (has_eviction_taint (node))
    return TRUE;
  turn = kube_node_zones_take_turn (self->zones, kube_object_get_name (node), now);
  if (turn > now)
    kube_plan_requeue_after (plan, turn - now);
  return turn == now;
}

static void
queue_all (NodeLifecycle *self, KubeController *controller)
{
  g_autoptr (GPtrArray) nodes = kube_informer_list (self->nodes, NULL, NULL);

  for (guint i = 0; i < nodes->len; i++)
    kube_controller_enqueue (controller, kube_object_get_name (g_ptr_array_index (nodes, i)));
}

/* A node that was never heard of is given time to register fully before it counts as silent. */
static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  NodeLifecycle *self = user_data;
  KubeClock *clock = kube_controller_get_clock (controller);
  KubeObject *node = kube_informer_get_by_key (self->nodes, key);
  gint64 now = kube_clock_get_time (clock), silence;
  gboolean silent;
  const char *ready;

  if (node == NULL) {
    g_hash_table_remove (self->heard, key);
    if (kube_node_zones_remove (self->zones, key))
      queue_all (self, controller);
    return TRUE;
  }
  silence = get_silence (self, node, kube_clock_get_monotonic_time (clock));
  silent = silence >= GRACE;
  ready = silent ? "Unknown" : kube_value_get_string (kube_condition_find (kube_object_get_value (node), "Ready"), "status");
  if (kube_node_zones_set (self->zones, node, g_strcmp0 (ready, "True") == 0))
    queue_all (self, controller);
  /* The taints follow when this shows: they are written for the version that was seen. */
  if (silent && plan_unknown (plan, node, now))
    return TRUE;
  if (!silent)
    kube_plan_requeue_after (plan, GRACE - silence);
  plan_taints (plan, node, ready, g_strcmp0 (ready, "True") != 0 && may_evict (self, controller, plan, node), now);
  if (silent || g_strcmp0 (ready, "False") == 0)
    plan_pods_not_ready (self, plan, node, now);
  return TRUE;
}

/* A heart-beat of a node that counts as silent brings it back; of others it changes nothing: their timer looks at the lease when it is due. */
static void
keys_of_lease (KubeController *controller, KubeObject *lease, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  NodeLifecycle *self = user_data;
  KubeObject *node;

  if (g_strcmp0 (kube_object_get_namespace (lease), "kube-node-lease") != 0)
    return;
  node = kube_informer_get (self->nodes, NULL, kube_object_get_name (lease));
  if (node != NULL && kube_condition_is (kube_object_get_value (node), "Ready", "Unknown"))
    g_ptr_array_add (keys, g_strdup (kube_object_get_name (lease)));
}

void
kube_node_lifecycle_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  NodeLifecycle *self = g_new0 (NodeLifecycle, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "node-controller", reconcile, self, node_lifecycle_free);

  self->zones = kube_node_zones_new ();
  self->heard = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, heard_free);
  self->nodes = kube_controller_watch (controller, KUBE_KIND ("v1", "Node"), NULL, NULL);
  self->leases = kube_controller_watch (controller, KUBE_KIND ("coordination.k8s.io/v1", "Lease"), keys_of_lease, self);
  self->pods = kube_controller_get_informer (controller, KUBE_KIND ("v1", "Pod"));
  kube_pod_add_node_index (self->pods);
}
