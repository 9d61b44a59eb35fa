/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include <stdlib.h>
#include <string.h>

SCHED_DEFINE_PLUGIN (SchedNodeAffinity, sched_node_affinity)

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "NodeAffinity";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_LABELS;
}

static gboolean
contains (KubeValue *values, const char *value)
{
  for (guint i = 0; i < kube_value_get_length (values); i++) {
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (values, i), NULL), value) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
compare_numbers (const char *have, KubeValue *values, gboolean greater)
{
  const char *limit = kube_value_peek_string (kube_value_get_element (values, 0), NULL);
  gint64 a, b;

  if (have == NULL || limit == NULL || kube_value_get_length (values) != 1 || !g_ascii_string_to_signed (have, 10, G_MININT64, G_MAXINT64, &a, NULL)
      || !g_ascii_string_to_signed (limit, 10, G_MININT64, G_MAXINT64, &b, NULL))
    return FALSE;
  return greater ? a > b : a < b;
}

static gboolean
matches_requirement (KubeValue *requirement, const char *have)
{
  const char *operator = kube_value_get_member_string (requirement, "operator");
  KubeValue *values = kube_value_get_member (requirement, "values");

  if (operator == NULL)
    return FALSE;
  if (strcmp (operator, "In") == 0)
    return have != NULL && contains (values, have);
  if (strcmp (operator, "NotIn") == 0)
    return have == NULL || !contains (values, have);
  if (strcmp (operator, "Exists") == 0)
    return have != NULL;
  if (strcmp (operator, "DoesNotExist") == 0)
    return have == NULL;
  if (strcmp (operator, "Gt") == 0)
    return compare_numbers (have, values, TRUE);
  return strcmp (operator, "Lt") == 0 && compare_numbers (have, values, FALSE);
}

/* A term without requirements matches nothing. */
static gboolean
matches_term (KubeValue *term, const SchedNode *node)
{
  KubeValue *expressions = kube_value_get_member (term, "matchExpressions"), *fields = kube_value_get_member (term, "matchFields");

  if (kube_value_get_length (expressions) == 0 && kube_value_get_length (fields) == 0)
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (expressions); i++) {
    KubeValue *requirement = kube_value_get_element (expressions, i);
    const char *key = kube_value_get_member_string (requirement, "key");

    if (key == NULL || !matches_requirement (requirement, kube_value_get_member_string (node->labels, key)))
      return FALSE;
  }
  for (guint i = 0; i < kube_value_get_length (fields); i++) {
    KubeValue *requirement = kube_value_get_element (fields, i);
    gboolean is_name = g_strcmp0 (kube_value_get_member_string (requirement, "key"), "metadata.name") == 0;

    if (!matches_requirement (requirement, is_name ? node->name : NULL))
      return FALSE;
  }
  return TRUE;
}

static gboolean
matches_selector (KubeValue *selector, const SchedNode *node)
{
  for (guint i = 0; i < kube_value_get_length (selector); i++) {
    const char *value = kube_value_peek_string (kube_value_get_element (selector, i), NULL);

    if (g_strcmp0 (kube_value_get_member_string (node->labels, kube_value_get_key (selector, i)), value) != 0)
      return FALSE;
  }
  return TRUE;
}

/* The values of a term's `metadata.name in (…)`, where it has one. */
static KubeValue *
names_of_term (KubeValue *term)
{
  KubeValue *fields = kube_value_get_member (term, "matchFields");

  for (guint i = 0; i < kube_value_get_length (fields); i++) {
    KubeValue *requirement = kube_value_get_element (fields, i);

    if (g_strcmp0 (kube_value_get_member_string (requirement, "key"), "metadata.name") == 0
        && g_strcmp0 (kube_value_get_member_string (requirement, "operator"), "In") == 0)
      return kube_value_get_member (requirement, "values");
  }
  return NULL;
}

/* Where every term names its nodes, as a DaemonSet's pods do, only those are looked at. */
static void
narrow (KubeSchedulerCycle *cycle, KubeValue *terms)
{
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    if (names_of_term (kube_value_get_element (terms, i)) == NULL)
      return;
  }
  cycle->only = g_array_new (FALSE, FALSE, sizeof (guint));
  cycle->narrowed |= (guint64) 1 << cycle->current;
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    KubeValue *names = names_of_term (kube_value_get_element (terms, i));

    for (guint j = 0; j < kube_value_get_length (names); j++) {
      const char *name = kube_value_peek_string (kube_value_get_element (names, j), NULL);
      SchedNode *node = name != NULL ? g_hash_table_lookup (cycle->cache->by_name, name) : NULL;
      gboolean known = FALSE;

      for (guint k = 0; node != NULL && k < cycle->only->len && !known; k++)
        known = g_array_index (cycle->only, guint, k) == node->index;
      if (node != NULL && !known)
        g_array_append_val (cycle->only, node->index);
    }
  }
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  SchedPod *pod = cycle->pod;

  if (kube_value_get_length (pod->node_selector) == 0 && pod->required_affinity == NULL)
    return KUBE_SCHEDULER_SKIP;
  if (kube_value_get_length (pod->required_affinity) > 0)
    narrow (cycle, pod->required_affinity);
  return KUBE_SCHEDULER_OK;
}

gboolean
sched_node_affinity_matches (const SchedPod *pod, const SchedNode *node)
{
  if (!matches_selector (pod->node_selector, node))
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (pod->required_affinity); i++) {
    if (matches_term (kube_value_get_element (pod->required_affinity, i), node))
      return TRUE;
  }
  return pod->required_affinity == NULL;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  if (sched_node_affinity_matches (cycle->pod, cycle->cache->nodes[node]))
    return KUBE_SCHEDULER_OK;
  kube_scheduler_cycle_add_reason (cycle, "node(s) didn't match Pod's node affinity/selector");
  return KUBE_SCHEDULER_UNRESOLVABLE;
}

static KubeSchedulerCode
pre_score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes)
{
  return kube_value_get_length (cycle->pod->preferred_affinity) == 0 ? KUBE_SCHEDULER_SKIP : KUBE_SCHEDULER_OK;
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  KubeValue *terms = cycle->pod->preferred_affinity;

  for (guint i = 0; i < n_nodes; i++) {
    scores[i] = 0;
    for (guint j = 0; j < kube_value_get_length (terms); j++) {
      KubeValue *term = kube_value_get_element (terms, j);

      if (matches_term (kube_value_get_member (term, "preference"), cycle->cache->nodes[nodes[i]]))
        scores[i] += kube_value_get_integer (term, "weight", 0);
    }
  }
}

static void
normalise (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, gint64 *scores, guint n_nodes)
{
  sched_normalise (scores, n_nodes, FALSE);
}

static void
sched_node_affinity_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
  iface->pre_score = pre_score;
  iface->score = score;
  iface->normalise = normalise;
}
