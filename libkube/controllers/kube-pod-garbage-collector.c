/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include <kube/kube-time.h>
#include "kube-controllers-private.h"
#include "kube-pods.h"

/* How many finished pods may stay (--terminated-pod-gc-threshold), and how long a pod whose node is gone is left alone. */
#define FINISHED_LIMIT 12500
#define QUARANTINE (40 * G_USEC_PER_SEC)

typedef struct {
  KubeInformer *pods;   /* (unowned) */
  KubeInformer *nodes;  /* (unowned) */
  GHashTable *finished; /* (element-type utf8): keys of finished pods */
  GHashTable *gone;     /* (element-type utf8 gint64*): nodes that are missing, and since when */
} PodCollector;

static void
pod_collector_free (gpointer data)
{
  PodCollector *self = data;

  g_hash_table_unref (self->finished);
  g_hash_table_unref (self->gone);
  g_free (self);
}

static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  PodCollector *self = user_data;
  g_autofree char *key = kube_object_dup_key (pod);
  const char *node = kube_object_get_string (pod, "spec.nodeName");
  gboolean present = kube_informer_get_by_key (self->pods, key) != NULL;

  if (present && kube_pod_is_finished (pod))
    g_hash_table_add (self->finished, g_strdup (key));
  else
    g_hash_table_remove (self->finished, key);
  if (!present)
    return;
  if (g_hash_table_size (self->finished) > FINISHED_LIMIT || (kube_object_is_deleting (pod) && node == NULL) ||
      (node != NULL && kube_informer_get (self->nodes, NULL, node) == NULL))
    g_ptr_array_add (keys, g_steal_pointer (&key));
}

static void
keys_of_node (KubeController *controller, KubeObject *node, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  PodCollector *self = user_data;
  g_autoptr (GPtrArray) pods = NULL;

  if (kube_informer_get (self->nodes, NULL, kube_object_get_name (node)) != NULL) {
    g_hash_table_remove (self->gone, kube_object_get_name (node));
    return;
  }
  pods = kube_informer_list_by (self->pods, "node", kube_object_get_name (node));
  for (guint i = 0; i < pods->len; i++)
    g_ptr_array_add (keys, kube_object_dup_key (g_ptr_array_index (pods, i)));
}

static void
plan_force_delete (KubePlan *plan, KubeObject *pod)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, KUBE_KIND ("v1", "Pod"), kube_object_get_namespace (pod), kube_object_get_name (pod));

  kube_request_set_delete_options (request, 0, NULL, kube_object_get_uid (pod), NULL);
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static void
plan_orphaned (KubeController *controller, KubePlan *plan, KubeObject *pod)
{
  gint64 now = kube_clock_get_time (kube_controller_get_clock (controller));

  if (!kube_pod_is_finished (pod)) {
    kube_pod_plan_disruption (plan, pod, "Failed", "DeletionByPodGC", "PodGC: node no longer exists", now);
    kube_plan_then (plan);
  }
  plan_force_delete (plan, pod);
}

/* How much longer the pods of a missing node are left alone; 0: no longer. */
static gint64
get_quarantine (PodCollector *self, const char *node, gint64 now)
{
  gint64 *since = g_hash_table_lookup (self->gone, node);

  if (since == NULL) {
    since = g_new (gint64, 1);
    *since = now;
    g_hash_table_insert (self->gone, g_strdup (node), since);
  }
  return MAX (*since + QUARANTINE - now, 0);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  PodCollector *self = user_data;
  KubeObject *pod = kube_informer_get_by_key (self->pods, key);
  const char *node;
  gint64 left;

  if (pod == NULL)
    return TRUE;
  node = kube_object_get_string (pod, "spec.nodeName");
  if (node == NULL) {
    if (kube_object_is_deleting (pod))
      plan_force_delete (plan, pod);
  } else if (kube_informer_get (self->nodes, NULL, node) == NULL) {
    left = get_quarantine (self, node, kube_clock_get_monotonic_time (kube_controller_get_clock (controller)));
    if (left > 0)
      kube_plan_requeue_after (plan, left);
    else
      plan_orphaned (controller, plan, pod);
  } else if (kube_pod_is_finished (pod) && g_hash_table_size (self->finished) > FINISHED_LIMIT) {
    plan_force_delete (plan, pod);
  }
  return TRUE;
}

void
kube_pod_garbage_collector_add (KubeManager *manager, const KubeControllersOptions *options)
{
  PodCollector *self = g_new0 (PodCollector, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "pod-garbage-collector", reconcile, self, pod_collector_free);

  self->finished = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->gone = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->nodes = kube_controller_watch (controller, KUBE_KIND ("v1", "Node"), keys_of_node, self);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_pod_add_node_index (self->pods);
}
