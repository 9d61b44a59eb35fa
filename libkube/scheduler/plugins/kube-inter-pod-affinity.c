/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include "../kube-scheduler-topology.h"

#include <string.h>

SCHED_DEFINE_PLUGIN (SchedInterPodAffinity, sched_inter_pod_affinity)

/* What a pod that was placed by a required term adds for pods that the term is about. */
#define HARD_WEIGHT 1

/* In which domains there are pods that count. */
typedef struct {
  SchedTopology *topology;
  gint32 *counts; /* by domain; tail of the state's block */
} Check;

/* First the terms of affinity, then those of anti-affinity, then those that pods in place have against this one. */
typedef struct {
  guint n_near, n_apart, n_others;
  gboolean is_first; /* nothing matches the terms of affinity yet, but the pod itself does */
  Check checks[];
} State;

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "InterPodAffinity";
}

static KubeSchedulerEvents
get_events (KubeSchedulerPlugin *plugin)
{
  return KUBE_SCHEDULER_POD_ADDED | KUBE_SCHEDULER_POD_REMOVED | KUBE_SCHEDULER_NODE_ADDED | KUBE_SCHEDULER_NODE_LABELS;
}

static SchedMatcher *
dup_matcher (const SchedMatcher *matcher)
{
  SchedMatcher *copy = g_new0 (SchedMatcher, 1);

  copy->namespaces = g_strdupv (matcher->namespaces);
  copy->namespaced = matcher->namespaced != NULL ? kube_selector_ref (matcher->namespaced) : NULL;
  copy->selector = matcher->selector != NULL ? kube_selector_ref (matcher->selector) : NULL;
  return copy;
}

/* The pods that match @terms, all of them. */
static SchedGroup *
get_group (KubeSchedulerCycle *cycle, SchedTerm *const *terms, guint n)
{
  g_autoptr (GString) id = g_string_new ("affinity");
  GPtrArray *matchers = g_ptr_array_new_with_free_func ((GDestroyNotify) sched_matcher_free);

  for (guint i = 0; i < n; i++) {
    g_string_append_printf (id, " %s", terms[i]->id);
    g_ptr_array_add (matchers, dup_matcher (&terms[i]->matcher));
  }
  return sched_group_get (cycle->cache, id->str, matchers, FALSE);
}

/* A check and the column that it adds up, before there is a block for its counts. */
typedef struct {
  SchedTopology *topology;
  const SchedColumn *column;
} Source;

static void
add_source (GArray *sources, KubeSchedulerCycle *cycle, const char *topology_key, const SchedColumn *column)
{
  Source source = { sched_topology_get (cycle->cache, topology_key), column };

  g_array_append_val (sources, source);
}

static void
sum_domains (const SchedCache *cache, const SchedTopology *topology, const SchedColumn *column, gint32 *counts)
{
  const gint32 *domains = topology->domains->cells, *cells = column->cells;

  memset (counts, 0, topology->n_domains * sizeof *counts);
  for (guint i = 0; i < cache->n_nodes; i++) {
    if (domains[i] >= 0)
      counts[domains[i]] += cells[i];
  }
}

static void
make_state (KubeSchedulerCycle *cycle, GArray *sources, const State *head)
{
  gsize size = sizeof (State) + sources->len * sizeof (Check), n_counts = 0;
  gint32 *counts;
  State *state;

  for (guint i = 0; i < sources->len; i++)
    n_counts += g_array_index (sources, Source, i).topology->n_domains;
  state = g_malloc (size + n_counts * sizeof (gint32));
  *state = *head;
  counts = (gint32 *) ((char *) state + size);
  for (guint i = 0; i < sources->len; i++) {
    const Source *source = &g_array_index (sources, Source, i);

    state->checks[i] = (Check) { source->topology, counts };
    sum_domains (cycle->cache, source->topology, source->column, counts);
    counts += source->topology->n_domains;
  }
  g_free (cycle->state[cycle->current]);
  cycle->state[cycle->current] = state;
}

static gboolean
matches_itself (KubeSchedulerCycle *cycle, SchedTerm *const *terms, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (!sched_matcher_matches (cycle->cache->topologies, &terms[i]->matcher, cycle->pod->object))
      return FALSE;
  }
  return TRUE;
}

static void
add_own_terms (KubeSchedulerCycle *cycle, GArray *sources, State *head)
{
  GPtrArray *terms = cycle->pod->terms;
  g_autoptr (GPtrArray) near = g_ptr_array_new ();

  for (guint i = 0; terms != NULL && i < terms->len; i++) {
    if (((SchedTerm *) terms->pdata[i])->kind == SCHED_TERM_AFFINITY)
      g_ptr_array_add (near, terms->pdata[i]);
  }
  if (near->len > 0) {
    SchedGroup *group = get_group (cycle, (SchedTerm *const *) near->pdata, near->len);

    head->is_first = group->total == 0 && matches_itself (cycle, (SchedTerm *const *) near->pdata, near->len);
    head->n_near = near->len;
    for (guint i = 0; i < near->len; i++)
      add_source (sources, cycle, ((SchedTerm *) near->pdata[i])->topology_key, group->counts);
  }
  for (guint i = 0; terms != NULL && i < terms->len; i++) {
    SchedTerm *term = terms->pdata[i];

    if (term->kind != SCHED_TERM_ANTI_AFFINITY)
      continue;
    add_source (sources, cycle, term->topology_key, get_group (cycle, &term, 1)->counts);
    head->n_apart++;
  }
}

static KubeSchedulerCode
pre_filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle)
{
  SchedTopologies *topologies = cycle->cache->topologies;
  g_autoptr (GArray) sources = NULL;
  State head = { 0 };
  GHashTableIter iter;
  gpointer value;

  if (cycle->pod->terms == NULL && g_hash_table_size (topologies->holders) == 0)
    return KUBE_SCHEDULER_SKIP;
  sources = g_array_new (FALSE, FALSE, sizeof (Source));
  add_own_terms (cycle, sources, &head);
  g_hash_table_iter_init (&iter, topologies->holders);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const SchedHolders *holders = value;

    if (holders->term->kind != SCHED_TERM_ANTI_AFFINITY
        || !sched_matcher_matches (topologies, &holders->term->matcher, cycle->pod->object))
      continue;
    add_source (sources, cycle, holders->term->topology_key, holders->counts);
    head.n_others++;
  }
  if (sources->len == 0)
    return KUBE_SCHEDULER_SKIP;
  make_state (cycle, sources, &head);
  return KUBE_SCHEDULER_OK;
}

static KubeSchedulerCode
refuse (KubeSchedulerCycle *cycle, KubeSchedulerCode code, const char *reason)
{
  kube_scheduler_cycle_add_reason (cycle, reason);
  return code;
}

static KubeSchedulerCode
filter (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, guint node)
{
  const State *state = cycle->state[cycle->current];
  const Check *check = state->checks;
  gboolean exist = TRUE;

  for (guint i = 0; i < state->n_near; i++, check++) {
    gint32 domain = check->topology->domains->cells[node];

    if (domain < 0)
      return refuse (cycle, KUBE_SCHEDULER_UNRESOLVABLE, "node(s) didn't match pod affinity rules");
    exist = exist && check->counts[domain] > 0;
  }
  if (!exist && !state->is_first)
    return refuse (cycle, KUBE_SCHEDULER_UNRESOLVABLE, "node(s) didn't match pod affinity rules");
  for (guint i = 0; i < state->n_apart + state->n_others; i++, check++) {
    gint32 domain = check->topology->domains->cells[node];

    if (domain >= 0 && check->counts[domain] > 0)
      return refuse (cycle, KUBE_SCHEDULER_UNSCHEDULABLE,
                     i < state->n_apart ? "node(s) didn't match pod anti-affinity rules"
                                        : "node(s) didn't satisfy existing pods anti-affinity rules");
  }
  return KUBE_SCHEDULER_OK;
}

static gint
weight_of_holders (KubeSchedulerCycle *cycle, const SchedHolders *holders)
{
  if (holders->term->kind == SCHED_TERM_ANTI_AFFINITY
      || !sched_matcher_matches (cycle->cache->topologies, &holders->term->matcher, cycle->pod->object))
    return 0;
  return holders->term->kind == SCHED_TERM_AFFINITY ? HARD_WEIGHT : holders->term->weight;
}

static KubeSchedulerCode
pre_score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes)
{
  GHashTableIter iter;
  gpointer holders;

  for (guint i = 0; cycle->pod->terms != NULL && i < cycle->pod->terms->len; i++) {
    if (((SchedTerm *) cycle->pod->terms->pdata[i])->kind == SCHED_TERM_PREFERRED)
      return KUBE_SCHEDULER_OK;
  }
  g_hash_table_iter_init (&iter, cycle->cache->topologies->holders);
  while (g_hash_table_iter_next (&iter, NULL, &holders)) {
    if (weight_of_holders (cycle, holders) != 0)
      return KUBE_SCHEDULER_OK;
  }
  return KUBE_SCHEDULER_SKIP;
}

static void
add_scores (KubeSchedulerCycle *cycle, const char *topology_key, const SchedColumn *column, gint weight, const guint *nodes,
            guint n_nodes, gint64 *scores)
{
  SchedTopology *topology = sched_topology_get (cycle->cache, topology_key);
  g_autofree gint32 *counts = g_new (gint32, topology->n_domains);

  sum_domains (cycle->cache, topology, column, counts);
  for (guint i = 0; i < n_nodes; i++) {
    gint32 domain = topology->domains->cells[nodes[i]];

    if (domain >= 0)
      scores[i] += (gint64) weight * counts[domain];
  }
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  GPtrArray *terms = cycle->pod->terms;
  GHashTableIter iter;
  gpointer value;

  memset (scores, 0, n_nodes * sizeof *scores);
  for (guint i = 0; terms != NULL && i < terms->len; i++) {
    SchedTerm *term = terms->pdata[i];

    if (term->kind == SCHED_TERM_PREFERRED)
      add_scores (cycle, term->topology_key, get_group (cycle, &term, 1)->counts, term->weight, nodes, n_nodes, scores);
  }
  g_hash_table_iter_init (&iter, cycle->cache->topologies->holders);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const SchedHolders *holders = value;
    gint weight = weight_of_holders (cycle, holders);

    if (weight != 0)
      add_scores (cycle, holders->term->topology_key, holders->counts, weight, nodes, n_nodes, scores);
  }
}

static void
normalise (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, gint64 *scores, guint n_nodes)
{
  gint64 least = G_MAXINT64, most = G_MININT64;

  for (guint i = 0; i < n_nodes; i++) {
    least = MIN (least, scores[i]);
    most = MAX (most, scores[i]);
  }
  for (guint i = 0; i < n_nodes; i++)
    scores[i] = most > least ? (gint64) ((double) SCHED_MAX_SCORE * (double) (scores[i] - least) / (double) (most - least)) : 0;
}

static void
sched_inter_pod_affinity_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->get_events = get_events;
  iface->pre_filter = pre_filter;
  iface->filter = filter;
  iface->pre_score = pre_score;
  iface->score = score;
  iface->normalise = normalise;
}
