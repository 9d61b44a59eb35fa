/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-private.h"
#include "kube-scheduler-topology.h"

#include <kube/kube-quantity.h>
#include <string.h>

/* What a container counts for in scores where it asks for nothing. */
#define SCORED_CPU 100
#define SCORED_MEMORY (200 * 1024 * 1024)

guint
sched_resource_index (GPtrArray *resources, GHashTable *index, const char *name)
{
  gpointer found;
  char *copy;

  if (g_hash_table_lookup_extended (index, name, NULL, &found))
    return GPOINTER_TO_UINT (found);
  copy = g_strdup (name);
  g_ptr_array_add (resources, copy);
  g_hash_table_insert (index, copy, GUINT_TO_POINTER (resources->len - 1));
  return resources->len - 1;
}

gint64
sched_quantity (guint resource, KubeValue *value)
{
  KubeQuantity quantity;

  if (!kube_quantity_from_value (value, &quantity, NULL))
    return 0;
  return resource == SCHED_CPU ? kube_quantity_get_milli_value (&quantity) : kube_quantity_get_value (&quantity);
}

/* More than a node has, and yet all pods of one together do not come to a number that is too large. */
#define MAX_AMOUNT (G_MAXINT64 >> 14)

/* Amounts by resource, as many as there are columns. */
typedef struct {
  gint64 *amounts;
  guint n;
} Amounts;

static void
amounts_grow (Amounts *amounts, guint n)
{
  if (n <= amounts->n)
    return;
  amounts->amounts = g_renew (gint64, amounts->amounts, n);
  memset (amounts->amounts + amounts->n, 0, (n - amounts->n) * sizeof (gint64));
  amounts->n = n;
}

static void
amounts_add (Amounts *to, const Amounts *from)
{
  amounts_grow (to, from->n);
  for (guint i = 0; i < from->n; i++)
    to->amounts[i] = MIN (to->amounts[i] + from->amounts[i], MAX_AMOUNT);
}

static void
amounts_max (Amounts *to, const Amounts *from)
{
  amounts_grow (to, from->n);
  for (guint i = 0; i < from->n; i++)
    to->amounts[i] = MAX (to->amounts[i], from->amounts[i]);
}

typedef struct {
  GPtrArray *resources;
  GHashTable *index;
  gboolean scored; /* with defaults for what is not asked for */
} Reader;

static void
read_list (const Reader *reader, KubeValue *list, Amounts *amounts)
{
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    guint resource = sched_resource_index (reader->resources, reader->index, kube_value_get_key (list, i));

    amounts_grow (amounts, resource + 1);
    amounts->amounts[resource] = MIN (sched_quantity (resource, kube_value_get_element (list, i)), MAX_AMOUNT);
  }
}

static Amounts
read_container (const Reader *reader, KubeValue *container)
{
  KubeValue *requests = kube_value_get (container, "resources.requests");
  Amounts amounts = { 0 };

  amounts_grow (&amounts, SCHED_FIRST_EXTENDED);
  if (reader->scored) {
    amounts.amounts[SCHED_CPU] = SCORED_CPU;
    amounts.amounts[SCHED_MEMORY] = SCORED_MEMORY;
  }
  read_list (reader, requests, &amounts);
  return amounts;
}

/* What a pod takes, all in all: its containers and sidecars together, or more where an init container needs more while it runs. */
static Amounts
read_pod (const Reader *reader, KubeValue *spec)
{
  KubeValue *containers = kube_value_get_member (spec, "containers"), *inits = kube_value_get_member (spec, "initContainers");
  Amounts total = { 0 }, sidecars = { 0 }, most = { 0 }, level = { 0 };

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    Amounts one = read_container (reader, kube_value_get_element (containers, i));

    amounts_add (&total, &one);
    g_free (one.amounts);
  }
  for (guint i = 0; i < kube_value_get_length (inits); i++) {
    KubeValue *init = kube_value_get_element (inits, i);
    Amounts one = read_container (reader, init);

    if (g_strcmp0 (kube_value_get_member_string (init, "restartPolicy"), "Always") == 0) {
      amounts_add (&total, &one);
      amounts_add (&sidecars, &one);
      amounts_max (&most, &sidecars);
    } else {
      amounts_add (&one, &sidecars);
      amounts_max (&most, &one);
    }
    g_free (one.amounts);
  }
  amounts_max (&total, &most);
  /* What is asked for the pod as a whole stands in place of its containers' sums. */
  read_list (reader, kube_value_get (spec, "resources.requests"), &total);
  read_list (reader, kube_value_get_member (spec, "overhead"), &level);
  amounts_add (&total, &level);
  g_free (sidecars.amounts);
  g_free (most.amounts);
  g_free (level.amounts);
  return total;
}

static void
read_requests (SchedPod *pod, KubeValue *spec, GPtrArray *resources, GHashTable *index)
{
  Reader reader = { resources, index, FALSE };
  Amounts total = read_pod (&reader, spec);

  for (guint i = 0; i < total.n; i++) {
    SchedRequest request = { i, total.amounts[i] };

    if (request.amount > 0)
      g_array_append_val (pod->requests, request);
  }
  if (total.n > 0) {
    pod->cpu = total.amounts[SCHED_CPU];
    pod->memory = total.amounts[SCHED_MEMORY];
  }
  g_free (total.amounts);
  reader.scored = TRUE;
  total = read_pod (&reader, spec);
  pod->scored[SCHED_CPU] = total.n > 0 ? total.amounts[SCHED_CPU] : 0;
  pod->scored[SCHED_MEMORY] = total.n > 0 ? total.amounts[SCHED_MEMORY] : 0;
  g_free (total.amounts);
}

static void
read_ports (SchedPod *pod, KubeValue *containers)
{
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *ports = kube_value_get_member (kube_value_get_element (containers, i), "ports");

    for (guint j = 0; j < kube_value_get_length (ports); j++) {
      KubeValue *port = kube_value_get_element (ports, j);
      SchedPort made = { kube_value_get_member_string (port, "hostIP"), kube_value_get_member_string (port, "protocol"),
                         (guint) kube_value_get_integer (port, "hostPort", 0) };

      if (made.port == 0)
        continue;
      if (made.ip == NULL || made.ip[0] == '\0')
        made.ip = "0.0.0.0";
      if (made.protocol == NULL)
        made.protocol = "TCP";
      if (pod->ports == NULL)
        pod->ports = g_array_new (FALSE, FALSE, sizeof (SchedPort));
      g_array_append_val (pod->ports, made);
    }
  }
}

static void
clear_borrowed (SchedPod *pod)
{
  g_clear_pointer (&pod->ports, g_array_unref);
  g_clear_pointer (&pod->tolerations, g_array_unref);
}

static void
borrow (SchedPod *pod, KubeObject *object)
{
  KubeValue *spec = kube_object_get (object, "spec"), *affinity = kube_value_get (spec, "affinity.nodeAffinity");

  pod->namespace_ = kube_object_get_namespace (object);
  pod->name = kube_object_get_name (object);
  pod->node_name = kube_value_get_member_string (spec, "nodeName");
  if (pod->node_name != NULL && pod->node_name[0] == '\0')
    pod->node_name = NULL;
  pod->generation = kube_object_get_generation (object);
  pod->node_selector = kube_value_get_member (spec, "nodeSelector");
  pod->required_affinity = kube_value_get (affinity, "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
  pod->preferred_affinity = kube_value_get_member (affinity, "preferredDuringSchedulingIgnoredDuringExecution");
  g_clear_pointer (&pod->tolerations, g_array_unref);
  pod->tolerations = kube_tolerations_read (kube_value_get_member (spec, "tolerations"));
  read_ports (pod, kube_value_get_member (spec, "containers"));
  read_ports (pod, kube_value_get_member (spec, "initContainers"));
}

SchedPod *
sched_pod_new (KubeObject *object, GPtrArray *resources, GHashTable *index)
{
  SchedPod *pod = g_new0 (SchedPod, 1);
  KubeValue *spec = kube_object_get (object, "spec");

  pod->object = kube_object_ref (object);
  pod->uid = g_strdup (kube_object_get_uid (object));
  pod->requests = g_array_new (FALSE, FALSE, sizeof (SchedRequest));
  pod->priority = (gint32) kube_value_get_integer (spec, "priority", 0);
  pod->never_preempts = g_strcmp0 (kube_value_get_member_string (spec, "preemptionPolicy"), "Never") == 0;
  pod->terms = sched_terms_new (object);
  read_requests (pod, spec, resources, index);
  borrow (pod, object);
  return pod;
}

static gboolean
asks_the_same (SchedPod *pod, KubeObject *object)
{
  gint64 generation = kube_object_get_generation (object);

  if (generation != 0 && pod->generation != 0)
    return generation == pod->generation;
  return kube_value_equal (kube_object_get (pod->object, "spec"), kube_object_get (object, "spec"));
}

gboolean
sched_pod_update (SchedPod *pod, KubeObject *object)
{
  if (!asks_the_same (pod, object))
    return FALSE;
  clear_borrowed (pod);
  borrow (pod, object);
  kube_object_ref (object);
  kube_object_unref (pod->object);
  pod->object = object;
  return TRUE;
}

void
sched_pod_free (SchedPod *pod)
{
  clear_borrowed (pod);
  g_array_unref (pod->requests);
  g_clear_pointer (&pod->terms, g_ptr_array_unref);
  g_free (pod->nominated);
  kube_object_unref (pod->object);
  g_free (pod->uid);
  g_free (pod);
}
