/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-pods.h"
#include "kube-taint.h"

typedef struct {
  KubeInformer *nodes; /* (unowned) */
  KubeInformer *pods;  /* (unowned) */
  GHashTable *since;   /* (element-type utf8 gint64*): pods under a taint that they tolerate for a time, and since when */
} TaintEviction;

static void
taint_eviction_free (gpointer data)
{
  g_hash_table_unref (((TaintEviction *) data)->since);
  g_free (data);
}

/* For how long @pod may stay under @taint: -1 for ever, 0 not at all; microseconds. The shortest of what tolerates it. */
static gint64
get_tolerated (KubeObject *pod, const KubeTaint *taint)
{
  KubeValue *tolerations = kube_object_get (pod, "spec.tolerations");
  gboolean found = FALSE;
  gint64 shortest = -1;

  for (guint i = 0; i < kube_value_get_length (tolerations); i++) {
    KubeValue *toleration = kube_value_get_element (tolerations, i), *seconds = kube_value_get (toleration, "tolerationSeconds");
    KubeToleration read = kube_toleration_read (toleration);

    if (!kube_toleration_covers (&read, taint))
      continue;
    found = TRUE;
    if (seconds != NULL) {
      gint64 time = MAX (kube_value_get_integer (seconds, NULL, 0), 0) * G_USEC_PER_SEC;

      shortest = shortest < 0 ? time : MIN (shortest, time);
    }
  }
  return found ? shortest : 0;
}

/* How long @pod may stay under the taints of its node: -1 for ever, else microseconds. */
static gint64
get_stay (KubeObject *pod, KubeObject *node)
{
  KubeValue *taints = node == NULL ? NULL : kube_object_get (node, "spec.taints");
  gint64 shortest = -1;

  for (guint i = 0; i < kube_value_get_length (taints); i++) {
    KubeTaint taint = kube_taint_read (kube_value_get_element (taints, i));
    gint64 tolerated;

    if (taint.effect != KUBE_TAINT_EFFECT_NO_EXECUTE)
      continue;
    tolerated = get_tolerated (pod, &taint);
    if (tolerated >= 0)
      shortest = shortest < 0 ? tolerated : MIN (shortest, tolerated);
  }
  return shortest;
}

/* The time counts from when the pod was first seen under taints, not from a taint's own: it may have come to the node later. */
static gint64
get_start (TaintEviction *self, const char *key, KubeObject *pod, gint64 now)
{
  gint64 *since = g_hash_table_lookup (self->since, key);

  if (since == NULL) {
    since = g_new (gint64, 1);
    *since = now;
    g_hash_table_insert (self->since, g_strdup (key), since);
  }
  return MAX (*since, kube_object_get_creation_time (pod));
}

static void
plan_eviction (KubePlan *plan, KubeObject *pod, gint64 now)
{
  g_autofree char *key = kube_object_dup_key (pod);

  kube_plan_event (plan, pod, "Normal", "TaintManagerEviction", "Marking for deletion Pod %s", key);
  kube_pod_plan_disruption (plan, pod, NULL, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", now);
  kube_plan_then (plan);
  kube_plan_delete (plan, pod, NULL);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  TaintEviction *self = user_data;
  KubeObject *pod = kube_informer_get_by_key (self->pods, key), *node;
  gint64 now = kube_clock_get_time (kube_controller_get_clock (controller)), stay = -1, deadline;

  if (pod != NULL && kube_pod_is_active (pod)) {
    node = kube_informer_get (self->nodes, NULL, kube_object_get_string (pod, "spec.nodeName"));
    stay = get_stay (pod, node);
  }
  if (stay < 0) {
    g_hash_table_remove (self->since, key);
    return TRUE;
  }
  deadline = get_start (self, key, pod, now) + stay;
  if (deadline <= now)
    plan_eviction (plan, pod, now);
  else
    kube_plan_requeue_after (plan, deadline - now);
  return TRUE;
}

static gboolean
is_tainted (KubeObject *node)
{
  return node != NULL && kube_value_find_element (kube_object_get (node, "spec.taints"), "effect", "NoExecute") != NULL;
}

static void
keys_of_node (KubeController *controller, KubeObject *node, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  TaintEviction *self = user_data;
  g_autoptr (GPtrArray) pods = NULL;

  if ((!is_tainted (node) && !is_tainted (old)) || (old != NULL && kube_value_equal (kube_object_get (old, "spec.taints"), kube_object_get (node, "spec.taints"))))
    return;
  pods = kube_informer_list_by (self->pods, "node", kube_object_get_name (node));
  for (guint i = 0; i < pods->len; i++)
    g_ptr_array_add (keys, kube_object_dup_key (g_ptr_array_index (pods, i)));
}

static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  TaintEviction *self = user_data;
  const char *node = kube_object_get_string (pod, "spec.nodeName");

  if (node == NULL || (old != NULL && g_strcmp0 (kube_object_get_string (old, "spec.nodeName"), node) == 0 &&
                       kube_value_equal (kube_object_get (old, "spec.tolerations"), kube_object_get (pod, "spec.tolerations"))))
    return;
  if (is_tainted (kube_informer_get (self->nodes, NULL, node)))
    g_ptr_array_add (keys, kube_object_dup_key (pod));
}

void
kube_taint_eviction_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  TaintEviction *self = g_new0 (TaintEviction, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "taint-eviction-controller", reconcile, self, taint_eviction_free);

  self->since = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  kube_controller_set_identity (controller, "node-controller");
  self->nodes = kube_controller_watch (controller, KUBE_KIND ("v1", "Node"), keys_of_node, self);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_pod_add_node_index (self->pods);
}
