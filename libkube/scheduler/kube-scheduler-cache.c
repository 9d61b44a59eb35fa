/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-private.h"
#include "kube-scheduler-topology.h"

#include <string.h>

static void
sched_node_free (SchedNode *node)
{
  g_free (node->name);
  g_clear_pointer (&node->object, kube_object_unref);
  g_clear_pointer (&node->taints, g_array_unref);
  g_clear_pointer (&node->images, g_hash_table_unref);
  g_ptr_array_unref (node->pods);
  g_array_unref (node->ports);
  g_free (node);
}

SchedCache *
sched_cache_new (void)
{
  SchedCache *cache = g_new0 (SchedCache, 1);

  cache->allocatable = g_ptr_array_new_with_free_func (g_free);
  cache->requested = g_ptr_array_new_with_free_func (g_free);
  cache->resources = g_ptr_array_new_with_free_func (g_free);
  cache->resource_index = g_hash_table_new (g_str_hash, g_str_equal);
  cache->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) sched_node_free);
  cache->pods = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) sched_pod_free);
  cache->homeless = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  cache->images = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  cache->topologies = sched_topologies_new ();
  sched_resource_index (cache->resources, cache->resource_index, "cpu");
  sched_resource_index (cache->resources, cache->resource_index, "memory");
  sched_resource_index (cache->resources, cache->resource_index, "ephemeral-storage");
  return cache;
}

void
sched_cache_free (SchedCache *cache)
{
  sched_topologies_free (cache->topologies);
  g_hash_table_unref (cache->by_name);
  g_hash_table_unref (cache->pods);
  g_hash_table_unref (cache->homeless);
  g_hash_table_unref (cache->images);
  g_ptr_array_unref (cache->allocatable);
  g_ptr_array_unref (cache->requested);
  g_hash_table_unref (cache->resource_index);
  g_ptr_array_unref (cache->resources);
  g_free (cache->nodes);
  g_free (cache->flags);
  g_free (cache->n_pods);
  g_free (cache->max_pods);
  g_free (cache->scored[0]);
  g_free (cache->scored[1]);
  g_free (cache);
}

/* A column for each resource that was met meanwhile. */
static void
add_columns (SchedCache *cache)
{
  while (cache->allocatable->len < cache->resources->len) {
    g_ptr_array_add (cache->allocatable, g_new0 (gint64, MAX (cache->capacity, 1)));
    g_ptr_array_add (cache->requested, g_new0 (gint64, MAX (cache->capacity, 1)));
  }
}

static void
add_rows (SchedCache *cache)
{
  cache->capacity = MAX (64, cache->capacity * 2);
  cache->nodes = g_renew (SchedNode *, cache->nodes, cache->capacity);
  cache->flags = g_renew (guint8, cache->flags, cache->capacity);
  cache->n_pods = g_renew (gint32, cache->n_pods, cache->capacity);
  cache->max_pods = g_renew (gint32, cache->max_pods, cache->capacity);
  for (guint i = 0; i < 2; i++)
    cache->scored[i] = g_renew (gint64, cache->scored[i], cache->capacity);
  for (guint i = 0; i < cache->allocatable->len; i++) {
    cache->allocatable->pdata[i] = g_renew (gint64, cache->allocatable->pdata[i], cache->capacity);
    cache->requested->pdata[i] = g_renew (gint64, cache->requested->pdata[i], cache->capacity);
  }
  sched_topologies_resize (cache->topologies, cache->capacity);
}

static gint64 *
column (GPtrArray *columns, guint resource)
{
  return columns->pdata[resource];
}

static void
clear_row (SchedCache *cache, guint row)
{
  cache->flags[row] = 0;
  cache->n_pods[row] = cache->max_pods[row] = 0;
  cache->scored[0][row] = cache->scored[1][row] = 0;
  for (guint i = 0; i < cache->allocatable->len; i++)
    column (cache->allocatable, i)[row] = column (cache->requested, i)[row] = 0;
  sched_topologies_clear (cache->topologies, row);
}

static void
move_row (SchedCache *cache, guint from, guint to)
{
  cache->nodes[to] = cache->nodes[from];
  cache->nodes[to]->index = to;
  cache->flags[to] = cache->flags[from];
  cache->n_pods[to] = cache->n_pods[from];
  cache->max_pods[to] = cache->max_pods[from];
  cache->scored[0][to] = cache->scored[0][from];
  cache->scored[1][to] = cache->scored[1][from];
  for (guint i = 0; i < cache->allocatable->len; i++) {
    column (cache->allocatable, i)[to] = column (cache->allocatable, i)[from];
    column (cache->requested, i)[to] = column (cache->requested, i)[from];
  }
  sched_topologies_move (cache->topologies, from, to);
}

static gboolean
read_allocatable (SchedCache *cache, guint row, KubeValue *list)
{
  g_autofree gint64 *amounts = NULL;
  gint32 max_pods = 0;
  gboolean changed;

  for (guint i = 0; i < kube_value_get_length (list); i++)
    sched_resource_index (cache->resources, cache->resource_index, kube_value_get_key (list, i));
  add_columns (cache);
  amounts = g_new0 (gint64, cache->resources->len);
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    const char *name = kube_value_get_key (list, i);
    guint resource = sched_resource_index (cache->resources, cache->resource_index, name);

    amounts[resource] = sched_quantity (resource, kube_value_get_element (list, i));
    if (strcmp (name, "pods") == 0)
      max_pods = (gint32) MIN (amounts[resource], G_MAXINT32);
  }
  changed = cache->max_pods[row] != max_pods;
  cache->max_pods[row] = max_pods;
  for (guint i = 0; i < cache->resources->len; i++) {
    changed = changed || column (cache->allocatable, i)[row] != amounts[i];
    column (cache->allocatable, i)[row] = amounts[i];
  }
  return changed;
}

static void
read_taints (SchedCache *cache, SchedNode *node, KubeValue *taints)
{
  guint n = kube_value_get_length (taints);
  guint8 *flags = &cache->flags[node->index];

  *flags &= ~(SCHED_NODE_TAINTED | SCHED_NODE_DISLIKED);
  g_clear_pointer (&node->taints, g_array_unref);
  if (n == 0)
    return;
  node->taints = g_array_sized_new (FALSE, FALSE, sizeof (KubeTaint), n);
  for (guint i = 0; i < n; i++) {
    KubeTaint taint = kube_taint_read (kube_value_get_element (taints, i));

    if (taint.effect == KUBE_TAINT_EFFECT_NO_SCHEDULE || taint.effect == KUBE_TAINT_EFFECT_NO_EXECUTE)
      *flags |= SCHED_NODE_TAINTED;
    else if (taint.effect == KUBE_TAINT_EFFECT_PREFER_NO_SCHEDULE)
      *flags |= SCHED_NODE_DISLIKED;
    g_array_append_val (node->taints, taint);
  }
}

static void
forget_images (SchedCache *cache, SchedNode *node)
{
  GHashTableIter iter;
  gpointer name;

  if (node->images == NULL)
    return;
  g_hash_table_iter_init (&iter, node->images);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    guint n = GPOINTER_TO_UINT (g_hash_table_lookup (cache->images, name));

    if (n <= 1)
      g_hash_table_remove (cache->images, name);
    else
      g_hash_table_insert (cache->images, g_strdup (name), GUINT_TO_POINTER (n - 1));
  }
  g_clear_pointer (&node->images, g_hash_table_unref);
}

static void
read_images (SchedCache *cache, SchedNode *node, KubeValue *images)
{
  forget_images (cache, node);
  for (guint i = 0; i < kube_value_get_length (images); i++) {
    KubeValue *image = kube_value_get_element (images, i), *names = kube_value_get_member (image, "names");
    gint64 size = kube_value_get_integer (image, "sizeBytes", 0);

    for (guint j = 0; j < kube_value_get_length (names); j++) {
      const char *name = kube_value_peek_string (kube_value_get_element (names, j), NULL);

      if (name == NULL)
        continue;
      if (node->images == NULL)
        node->images = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      if (!g_hash_table_insert (node->images, g_strdup (name), g_memdup2 (&size, sizeof size)))
        continue;
      g_hash_table_insert (cache->images, g_strdup (name),
                           GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (cache->images, name)) + 1));
    }
  }
}

static SchedNode *
add_node (SchedCache *cache, const char *name)
{
  SchedNode *node = g_new0 (SchedNode, 1);

  add_columns (cache);
  if (cache->n_nodes == cache->capacity)
    add_rows (cache);
  node->index = cache->n_nodes++;
  node->name = g_strdup (name);
  node->pods = g_ptr_array_new ();
  node->ports = g_array_new (FALSE, FALSE, sizeof (SchedPort));
  cache->nodes[node->index] = node;
  clear_row (cache, node->index);
  g_hash_table_insert (cache->by_name, node->name, node);
  return node;
}

static void
settle_pods (SchedCache *cache, const char *name)
{
  g_autoptr (GPtrArray) pods = NULL;
  gpointer key = NULL, value = NULL;

  if (!g_hash_table_steal_extended (cache->homeless, name, &key, &value))
    return;
  g_free (key);
  pods = value;
  for (guint i = 0; i < pods->len; i++) {
    SchedPod *pod = pods->pdata[i];

    g_hash_table_steal (cache->pods, pod->uid);
    sched_cache_add_pod (cache, pod, name);
  }
}

KubeSchedulerEvents
sched_cache_set_node (SchedCache *cache, KubeObject *object)
{
  const char *name = kube_object_get_name (object);
  SchedNode *node = g_hash_table_lookup (cache->by_name, name);
  g_autoptr (KubeObject) before = NULL;
  KubeValue *status, *list, *spec = kube_object_get (object, "spec");
  KubeSchedulerEvents events = 0;
  gboolean unschedulable = kube_value_get_boolean (spec, "unschedulable", FALSE), is_new = node == NULL;

  if (is_new)
    node = add_node (cache, name);
  before = g_steal_pointer (&node->object);
  node->object = kube_object_ref (object);
  node->labels = kube_object_get (object, "metadata.labels");

  status = kube_object_get (object, "status");
  list = kube_value_get_member (status, "allocatable");
  if (read_allocatable (cache, node->index, list != NULL ? list : kube_value_get_member (status, "capacity")))
    events |= KUBE_SCHEDULER_NODE_ALLOCATABLE;
  read_taints (cache, node, kube_value_get_member (spec, "taints"));
  if (unschedulable)
    cache->flags[node->index] |= SCHED_NODE_UNSCHEDULABLE;
  else
    cache->flags[node->index] &= ~SCHED_NODE_UNSCHEDULABLE;
  if (before == NULL || !kube_value_equal (kube_object_get (before, "status.images"), kube_value_get_member (status, "images")))
    read_images (cache, node, kube_value_get_member (status, "images"));
  if (is_new || !kube_value_equal (kube_object_get (before, "metadata.labels"), node->labels))
    sched_topologies_set_node (cache->topologies, node);
  if (is_new) {
    settle_pods (cache, name);
    return KUBE_SCHEDULER_NODE_ADDED;
  }
  if (!kube_value_equal (kube_object_get (before, "metadata.labels"), node->labels))
    events |= KUBE_SCHEDULER_NODE_LABELS;
  if (!kube_value_equal (kube_object_get (before, "spec.taints"), kube_value_get_member (spec, "taints"))
      || kube_object_get_boolean (before, "spec.unschedulable", FALSE) != unschedulable)
    events |= KUBE_SCHEDULER_NODE_TAINTS;
  return events;
}

static void
make_homeless (SchedCache *cache, SchedPod *pod, const char *node_name)
{
  GPtrArray *pods = g_hash_table_lookup (cache->homeless, node_name);

  if (pods == NULL) {
    pods = g_ptr_array_new ();
    g_hash_table_insert (cache->homeless, g_strdup (node_name), pods);
  }
  pod->node = NULL;
  g_ptr_array_add (pods, pod);
}

void
sched_cache_remove_node (SchedCache *cache, const char *name)
{
  SchedNode *node = g_hash_table_lookup (cache->by_name, name);

  if (node == NULL)
    return;
  forget_images (cache, node);
  for (guint i = 0; i < node->pods->len; i++) {
    sched_cache_count_pod (cache, node->pods->pdata[i], node->index, -1);
    make_homeless (cache, node->pods->pdata[i], name);
  }
  cache->n_nodes--;
  if (node->index != cache->n_nodes)
    move_row (cache, cache->n_nodes, node->index);
  g_hash_table_remove (cache->by_name, name);
}

static void
count_ports (SchedCache *cache, SchedPod *pod, SchedNode *node, int sign)
{
  for (guint i = 0; pod->ports != NULL && i < pod->ports->len; i++) {
    SchedPort *port = &g_array_index (pod->ports, SchedPort, i);

    if (sign > 0) {
      g_array_append_val (node->ports, *port);
      continue;
    }
    for (guint j = 0; j < node->ports->len; j++) {
      SchedPort *used = &g_array_index (node->ports, SchedPort, j);

      if (used->ip == port->ip && used->protocol == port->protocol && used->port == port->port) {
        g_array_remove_index_fast (node->ports, j);
        break;
      }
    }
  }
  if (node->ports->len > 0)
    cache->flags[node->index] |= SCHED_NODE_PORTS;
  else
    cache->flags[node->index] &= ~SCHED_NODE_PORTS;
}

void
sched_cache_count_pod (SchedCache *cache, SchedPod *pod, guint row, int sign)
{
  add_columns (cache);
  for (guint i = 0; i < pod->requests->len; i++) {
    const SchedRequest *request = &g_array_index (pod->requests, SchedRequest, i);

    column (cache->requested, request->resource)[row] += sign * request->amount;
  }
  cache->scored[SCHED_CPU][row] += sign * pod->scored[SCHED_CPU];
  cache->scored[SCHED_MEMORY][row] += sign * pod->scored[SCHED_MEMORY];
  cache->n_pods[row] += sign;
  if (pod->ports != NULL)
    count_ports (cache, pod, cache->nodes[row], sign);
  sched_topologies_count_pod (cache->topologies, pod, row, sign);
}

void
sched_cache_add_pod (SchedCache *cache, SchedPod *pod, const char *node_name)
{
  SchedNode *node = g_hash_table_lookup (cache->by_name, node_name);

  g_hash_table_insert (cache->pods, pod->uid, pod);
  if (node == NULL) {
    make_homeless (cache, pod, node_name);
    return;
  }
  pod->node = node;
  g_ptr_array_add (node->pods, pod);
  sched_cache_count_pod (cache, pod, node->index, 1);
}

gboolean
sched_cache_update_pod (SchedCache *cache, SchedPod *pod, KubeObject *object)
{
  gboolean updated;

  if (pod->node != NULL)
    sched_cache_count_pod (cache, pod, pod->node->index, -1);
  updated = sched_pod_update (pod, object);
  if (pod->node != NULL)
    sched_cache_count_pod (cache, pod, pod->node->index, 1);
  return updated;
}

static void
leave_homeless (SchedCache *cache, SchedPod *pod)
{
  GHashTableIter iter;
  gpointer pods;

  g_hash_table_iter_init (&iter, cache->homeless);
  while (g_hash_table_iter_next (&iter, NULL, &pods)) {
    if (g_ptr_array_remove_fast (pods, pod))
      break;
  }
}

SchedPod *
sched_cache_remove_pod (SchedCache *cache, const char *uid)
{
  SchedPod *pod = g_hash_table_lookup (cache->pods, uid);

  if (pod == NULL)
    return NULL;
  g_hash_table_steal (cache->pods, uid);
  if (pod->node != NULL) {
    sched_cache_count_pod (cache, pod, pod->node->index, -1);
    g_ptr_array_remove_fast (pod->node->pods, pod);
    pod->node = NULL;
  } else {
    leave_homeless (cache, pod);
  }
  return pod;
}
