/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-node-admission.h"
#include "kube-pod-allocation.h"
#include "kube-pod-resources.h"

static const char *const resources[] = { "cpu", "memory" };

struct _KubeNodeAdmission {
  GHashTable *workers;    /* (unowned) */
  KubeValue *allocatable; /* (owned) */
  guint max_pods;
};

KubeNodeAdmission *
kube_node_admission_new (GHashTable *workers, KubeValue *allocatable, guint max_pods)
{
  KubeNodeAdmission *self = g_new0 (KubeNodeAdmission, 1);

  self->workers = workers;
  self->allocatable = kube_value_ref (allocatable);
  self->max_pods = max_pods;
  return self;
}

void
kube_node_admission_free (KubeNodeAdmission *self)
{
  kube_value_unref (self->allocatable);
  g_free (self);
}

static gint64
get_allocatable (KubeNodeAdmission *self, const char *resource)
{
  KubeQuantity quantity;

  if (!kube_quantity_from_value (kube_value_get_member (self->allocatable, resource), &quantity, NULL))
    return 0;
  return g_str_equal (resource, "cpu") ? kube_quantity_get_milli_value (&quantity) : kube_quantity_get_value (&quantity);
}

static char *
describe (const char *resource, gint64 requested, gint64 used, gint64 capacity)
{
  return g_strdup_printf ("Node didn't have enough resource: %s, requested: %" G_GINT64_FORMAT ", used: %" G_GINT64_FORMAT
                          ", capacity: %" G_GINT64_FORMAT,
                          resource, requested, used, capacity);
}

gboolean
kube_node_admission_has_room (KubeNodeAdmission *self, KubePodWorker *worker, KubeObject *pod, const char **resource, char **message)
{
  gint64 used[G_N_ELEMENTS (resources)] = { 0 };
  guint count = 0;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->workers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (value == worker || !kube_pod_worker_is_active (value))
      continue;
    count++;
    for (gsize i = 0; i < G_N_ELEMENTS (resources); i++)
      used[i] += MIN (kube_pod_sum_requests (kube_pod_worker_get_pod (value), resources[i]), G_MAXINT64 - used[i]);
  }
  if (count >= self->max_pods) {
    *resource = "pods";
    *message = describe ("pods", 1, count, self->max_pods);
    return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (resources); i++) {
    gint64 wanted = kube_pod_sum_requests (pod, resources[i]), room = get_allocatable (self, resources[i]);
    if (wanted == 0 || used[i] <= room - wanted)
      continue;
    *resource = resources[i];
    *message = describe (resources[i], wanted, used[i], room);
    return FALSE;
  }
  return TRUE;
}

/* What does not grow needs no room; then by priority, by class of service, and by how long they wait. */
static int
compare_waiting (gconstpointer a, gconstpointer b)
{
  KubePodWorker *x = *(KubePodWorker *const *) a, *y = *(KubePodWorker *const *) b;
  KubeObject *pods[] = { kube_pod_worker_get_pod (x), kube_pod_worker_get_pod (y) };
  gint64 order[][2] = {
    { kube_pod_worker_wants_more (x), kube_pod_worker_wants_more (y) },
    { -kube_object_get_integer (pods[0], "spec.priority", 0), -kube_object_get_integer (pods[1], "spec.priority", 0) },
    { !g_str_equal (kube_pod_spec_get_qos_class (kube_object_get (pods[0], "spec")), "Guaranteed"),
      !g_str_equal (kube_pod_spec_get_qos_class (kube_object_get (pods[1], "spec")), "Guaranteed") },
    { kube_pod_worker_waits_since (x), kube_pod_worker_waits_since (y) },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (order); i++) {
    if (order[i][0] != order[i][1])
      return order[i][0] < order[i][1] ? -1 : 1;
  }
  return 0;
}

void
kube_node_admission_retry (KubeNodeAdmission *self)
{
  g_autoptr (GPtrArray) waiting = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_pod_worker_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->workers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (kube_pod_worker_waits_since (value) > 0)
      g_ptr_array_add (waiting, kube_pod_worker_ref (value));
  }
  g_ptr_array_sort (waiting, compare_waiting);
  for (guint i = 0; i < waiting->len; i++)
    kube_pod_worker_ask_again (waiting->pdata[i]);
}
