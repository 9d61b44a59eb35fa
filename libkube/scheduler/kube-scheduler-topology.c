/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-topology.h"

#include <string.h>

#define GROUPS_MOST 256

static SchedColumn *
column_new (SchedTopologies *topologies, gint32 value)
{
  guint capacity = topologies->capacity;
  SchedColumn *column = g_new (SchedColumn, 1);

  column->cells = g_new (gint32, MAX (capacity, 1));
  for (guint i = 0; i < capacity; i++)
    column->cells[i] = value;
  g_ptr_array_add (topologies->columns, column);
  return column;
}

static void
column_free (gpointer data)
{
  SchedColumn *column = data;

  g_free (column->cells);
  g_free (column);
}

static void
clear_matcher (SchedMatcher *matcher)
{
  g_strfreev (matcher->namespaces);
  g_clear_pointer (&matcher->namespaced, kube_selector_unref);
  g_clear_pointer (&matcher->selector, kube_selector_unref);
}

void
sched_matcher_free (SchedMatcher *matcher)
{
  clear_matcher (matcher);
  g_free (matcher);
}

SchedMatcher *
sched_matcher_new (const char *namespace_, KubeValue *label_selector)
{
  SchedMatcher *matcher = g_new0 (SchedMatcher, 1);

  matcher->namespaces = g_strdupv ((char *[]) { (char *) namespace_, NULL });
  matcher->selector = kube_value_is_null (label_selector) ? NULL : kube_selector_from_value (label_selector, NULL);
  return matcher;
}

gboolean
sched_matcher_matches (SchedTopologies *topologies, const SchedMatcher *matcher, KubeObject *pod)
{
  const char *namespace_ = kube_object_get_namespace (pod);
  gboolean in = matcher->namespaces != NULL && g_strv_contains ((const char *const *) matcher->namespaces, namespace_);

  if (!in && matcher->namespaced != NULL) {
    KubeObject *object = g_hash_table_lookup (topologies->namespaces, namespace_);

    in = kube_selector_is_empty (matcher->namespaced)
         || (object != NULL && kube_selector_matches_labels (matcher->namespaced, kube_object_get (object, "metadata.labels")));
  }
  return in && matcher->selector != NULL
         && kube_selector_matches_labels (matcher->selector, kube_object_get (pod, "metadata.labels"));
}

static void
term_unref (gpointer data)
{
  SchedTerm *term = data;

  if (--term->refs > 0)
    return;
  clear_matcher (&term->matcher);
  g_free (term->id);
  g_free (term->topology_key);
  g_free (term);
}

static void
free_topology (gpointer data)
{
  SchedTopology *topology = data;

  g_free (topology->key);
  g_hash_table_unref (topology->ids);
  g_free (topology);
}

static void
free_group (gpointer data)
{
  SchedGroup *group = data;

  g_ptr_array_unref (group->matchers);
  g_free (group);
}

static void
free_holders (gpointer data)
{
  term_unref (((SchedHolders *) data)->term);
  g_free (data);
}

SchedTopologies *
sched_topologies_new (void)
{
  SchedTopologies *topologies = g_new0 (SchedTopologies, 1);

  topologies->columns = g_ptr_array_new_with_free_func (column_free);
  topologies->topologies = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_topology);
  topologies->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_group);
  topologies->holders = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_holders);
  topologies->namespaces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kube_object_unref);
  return topologies;
}

void
sched_topologies_free (SchedTopologies *topologies)
{
  g_hash_table_unref (topologies->topologies);
  g_hash_table_unref (topologies->groups);
  g_hash_table_unref (topologies->holders);
  g_hash_table_unref (topologies->namespaces);
  g_ptr_array_unref (topologies->columns);
  g_free (topologies);
}

void
sched_topologies_resize (SchedTopologies *topologies, guint capacity)
{
  topologies->capacity = capacity;
  for (guint i = 0; i < topologies->columns->len; i++) {
    SchedColumn *column = topologies->columns->pdata[i];

    column->cells = g_renew (gint32, column->cells, capacity);
  }
}

void
sched_topologies_move (SchedTopologies *topologies, guint from, guint to)
{
  for (guint i = 0; i < topologies->columns->len; i++) {
    SchedColumn *column = topologies->columns->pdata[i];

    column->cells[to] = column->cells[from];
  }
}

void
sched_topologies_clear (SchedTopologies *topologies, guint row)
{
  for (guint i = 0; i < topologies->columns->len; i++)
    ((SchedColumn *) topologies->columns->pdata[i])->cells[row] = 0;
}

static void
set_domain (SchedTopology *topology, const SchedNode *node)
{
  const char *value = kube_value_get_member_string (node->labels, topology->key);
  gpointer id = NULL;

  if (value == NULL) {
    topology->domains->cells[node->index] = -1;
    return;
  }
  if (!g_hash_table_lookup_extended (topology->ids, value, NULL, &id)) {
    id = GUINT_TO_POINTER (topology->n_domains++);
    g_hash_table_insert (topology->ids, g_strdup (value), id);
  }
  topology->domains->cells[node->index] = (gint32) GPOINTER_TO_UINT (id);
}

void
sched_topologies_set_node (SchedTopologies *topologies, const SchedNode *node)
{
  GHashTableIter iter;
  gpointer topology;

  g_hash_table_iter_init (&iter, topologies->topologies);
  while (g_hash_table_iter_next (&iter, NULL, &topology))
    set_domain (topology, node);
}

static gboolean
group_matches (SchedTopologies *topologies, const SchedGroup *group, KubeObject *pod)
{
  if (group->live_only && kube_object_is_deleting (pod))
    return FALSE;
  for (guint i = 0; i < group->matchers->len; i++) {
    if (!sched_matcher_matches (topologies, group->matchers->pdata[i], pod))
      return FALSE;
  }
  return TRUE;
}

static void
count_holder (SchedTopologies *topologies, SchedTerm *term, guint row, int sign)
{
  SchedHolders *holders = g_hash_table_lookup (topologies->holders, term->id);

  if (holders == NULL) {
    holders = g_new0 (SchedHolders, 1);
    holders->term = term;
    term->refs++;
    holders->counts = column_new (topologies, 0);
    g_hash_table_insert (topologies->holders, term->id, holders);
  }
  holders->counts->cells[row] += sign;
  holders->total += sign;
  if (holders->total == 0) {
    g_ptr_array_remove_fast (topologies->columns, holders->counts);
    g_hash_table_remove (topologies->holders, term->id);
  }
}

void
sched_topologies_count_pod (SchedTopologies *topologies, SchedPod *pod, guint row, int sign)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, topologies->groups);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SchedGroup *group = value;

    if (!group_matches (topologies, group, pod->object))
      continue;
    group->counts->cells[row] += sign;
    group->total += sign;
  }
  for (guint i = 0; pod->terms != NULL && i < pod->terms->len; i++)
    count_holder (topologies, pod->terms->pdata[i], row, sign);
}

static void
drop_groups (SchedTopologies *topologies)
{
  GHashTableIter iter;
  gpointer group;

  g_hash_table_iter_init (&iter, topologies->groups);
  while (g_hash_table_iter_next (&iter, NULL, &group))
    g_ptr_array_remove_fast (topologies->columns, ((SchedGroup *) group)->counts);
  g_hash_table_remove_all (topologies->groups);
}

/* Groups by the labels of namespaces are counted anew where those change. */
void
sched_topologies_set_namespace (SchedTopologies *topologies, const char *name, KubeObject *object)
{
  KubeObject *before = g_hash_table_lookup (topologies->namespaces, name);

  if (before == NULL || object == NULL
      || !kube_value_equal (kube_object_get (before, "metadata.labels"), kube_object_get (object, "metadata.labels")))
    drop_groups (topologies);
  if (object != NULL)
    g_hash_table_insert (topologies->namespaces, g_strdup (name), kube_object_ref (object));
  else
    g_hash_table_remove (topologies->namespaces, name);
}

SchedTopology *
sched_topology_get (SchedCache *cache, const char *key)
{
  SchedTopologies *topologies = cache->topologies;
  SchedTopology *topology = g_hash_table_lookup (topologies->topologies, key);

  if (topology != NULL && topology->n_domains <= 2 * cache->n_nodes + 64)
    return topology;
  if (topology != NULL) { /* mostly values that no node has any more */
    g_ptr_array_remove_fast (topologies->columns, topology->domains);
    g_hash_table_remove (topologies->topologies, key);
  }
  topology = g_new0 (SchedTopology, 1);
  topology->key = g_strdup (key);
  topology->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  topology->domains = column_new (topologies, -1);
  g_hash_table_insert (topologies->topologies, topology->key, topology);
  for (guint i = 0; i < cache->n_nodes; i++)
    set_domain (topology, cache->nodes[i]);
  return topology;
}

/* Forgets the group that was asked for longest ago. */
static void
make_room (SchedTopologies *topologies)
{
  GHashTableIter iter;
  gpointer id, value, oldest_id = NULL;
  SchedGroup *oldest = NULL;

  if (g_hash_table_size (topologies->groups) < GROUPS_MOST)
    return;
  g_hash_table_iter_init (&iter, topologies->groups);
  while (g_hash_table_iter_next (&iter, &id, &value)) {
    if (oldest == NULL || ((SchedGroup *) value)->used < oldest->used) {
      oldest = value;
      oldest_id = id;
    }
  }
  g_ptr_array_remove_fast (topologies->columns, oldest->counts);
  g_hash_table_remove (topologies->groups, oldest_id);
}

SchedGroup *
sched_group_get (SchedCache *cache, const char *id, GPtrArray *matchers, gboolean live_only)
{
  SchedTopologies *topologies = cache->topologies;
  SchedGroup *group = g_hash_table_lookup (topologies->groups, id);

  if (group != NULL) {
    g_ptr_array_unref (matchers);
    group->used = ++topologies->serial;
    return group;
  }
  make_room (topologies);
  group = g_new0 (SchedGroup, 1);
  group->matchers = matchers;
  group->live_only = live_only;
  group->used = ++topologies->serial;
  group->counts = column_new (topologies, 0);
  g_hash_table_insert (topologies->groups, g_strdup (id), group);
  for (guint i = 0; i < cache->n_nodes; i++) {
    GPtrArray *pods = cache->nodes[i]->pods;

    for (guint j = 0; j < pods->len; j++)
      group->counts->cells[i] += group_matches (topologies, group, ((SchedPod *) pods->pdata[j])->object);
    group->total += group->counts->cells[i];
  }
  return group;
}

static char **
dup_strings (KubeValue *list)
{
  guint n = kube_value_get_length (list);
  char **strings = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++) {
    const char *text = kube_value_peek_string (kube_value_get_element (list, i), NULL);

    strings[i] = g_strdup (text != NULL ? text : "");
  }
  return strings;
}

static SchedTerm *
term_new (KubeObject *pod, KubeValue *value, SchedTermKind kind, gint weight)
{
  SchedTerm *term = g_new0 (SchedTerm, 1);
  KubeValue *namespaces = kube_value_get_member (value, "namespaces"), *namespaced = kube_value_get_member (value, "namespaceSelector");
  KubeValue *selector = kube_value_get_member (value, "labelSelector");
  const char *key = kube_value_get_member_string (value, "topologyKey");
  g_autofree char *text = kube_value_print (value, NULL);

  term->refs = 1;
  term->kind = kind;
  term->weight = weight;
  term->topology_key = g_strdup (key != NULL ? key : "");
  term->matcher.selector = kube_value_is_null (selector) ? NULL : kube_selector_from_value (selector, NULL);
  term->matcher.namespaced = kube_value_is_null (namespaced) ? NULL : kube_selector_from_value (namespaced, NULL);
  if (kube_value_get_length (namespaces) > 0)
    term->matcher.namespaces = dup_strings (namespaces);
  else if (term->matcher.namespaced == NULL)
    term->matcher.namespaces = g_strdupv ((char *[]) { (char *) kube_object_get_namespace (pod), NULL });
  term->id = g_strdup_printf ("%d %d %s %s", kind, weight, kube_object_get_namespace (pod), text);
  return term;
}

static void
add_terms (GPtrArray **terms, KubeObject *pod, KubeValue *affinity, SchedTermKind kind, int sign)
{
  KubeValue *required = kube_value_get_member (affinity, "requiredDuringSchedulingIgnoredDuringExecution");
  KubeValue *preferred = kube_value_get_member (affinity, "preferredDuringSchedulingIgnoredDuringExecution");

  if (kube_value_get_length (required) + kube_value_get_length (preferred) > 0 && *terms == NULL)
    *terms = g_ptr_array_new_with_free_func (term_unref);
  for (guint i = 0; i < kube_value_get_length (required); i++)
    g_ptr_array_add (*terms, term_new (pod, kube_value_get_element (required, i), kind, 0));
  for (guint i = 0; i < kube_value_get_length (preferred); i++) {
    KubeValue *value = kube_value_get_element (preferred, i);

    g_ptr_array_add (*terms, term_new (pod, kube_value_get_member (value, "podAffinityTerm"), SCHED_TERM_PREFERRED,
                                       sign * (gint) kube_value_get_integer (value, "weight", 0)));
  }
}

GPtrArray *
sched_terms_new (KubeObject *pod)
{
  KubeValue *affinity = kube_object_get (pod, "spec.affinity");
  GPtrArray *terms = NULL;

  add_terms (&terms, pod, kube_value_get_member (affinity, "podAffinity"), SCHED_TERM_AFFINITY, 1);
  add_terms (&terms, pod, kube_value_get_member (affinity, "podAntiAffinity"), SCHED_TERM_ANTI_AFFINITY, -1);
  return terms;
}
