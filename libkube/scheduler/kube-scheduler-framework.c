/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-private.h"

#include <string.h>

#define FEASIBLE_LEAST 100

G_DEFINE_INTERFACE (KubeSchedulerPlugin, kube_scheduler_plugin, G_TYPE_OBJECT)

static void
kube_scheduler_plugin_default_init (KubeSchedulerPluginInterface *iface)
{
}

/**
 * kube_scheduler_plugin_get_name:
 * @plugin: a #KubeSchedulerPlugin
 *
 * Returns: its name, for example `NodeResourcesFit`
 *
 * Since: 1.0
 */
const char *
kube_scheduler_plugin_get_name (KubeSchedulerPlugin *plugin)
{
  g_return_val_if_fail (KUBE_IS_SCHEDULER_PLUGIN (plugin), NULL);

  return KUBE_SCHEDULER_PLUGIN_GET_IFACE (plugin)->get_name (plugin);
}

/**
 * kube_scheduler_cycle_get_pod:
 * @cycle: a #KubeSchedulerCycle
 *
 * Returns: (transfer none): the pod that a node is looked for
 *
 * Since: 1.0
 */
KubeObject *
kube_scheduler_cycle_get_pod (KubeSchedulerCycle *cycle)
{
  return cycle->pod->object;
}

/**
 * kube_scheduler_cycle_get_n_nodes:
 * @cycle: a #KubeSchedulerCycle
 *
 * Returns: how many nodes there are
 *
 * Since: 1.0
 */
guint
kube_scheduler_cycle_get_n_nodes (KubeSchedulerCycle *cycle)
{
  return cycle->cache->n_nodes;
}

/**
 * kube_scheduler_cycle_get_node:
 * @cycle: a #KubeSchedulerCycle
 * @node: a node's number
 *
 * Returns: (transfer none): the node
 *
 * Since: 1.0
 */
KubeObject *
kube_scheduler_cycle_get_node (KubeSchedulerCycle *cycle, guint node)
{
  g_return_val_if_fail (node < cycle->cache->n_nodes, NULL);

  return cycle->cache->nodes[node]->object;
}

/**
 * kube_scheduler_cycle_add_reason:
 * @cycle: a #KubeSchedulerCycle
 * @reason: why, as it shall stand in the pod's condition, for example `node(s) were unschedulable`
 *
 * Says why a plugin refuses.
 *
 * Since: 1.0
 */
void
kube_scheduler_cycle_add_reason (KubeSchedulerCycle *cycle, const char *reason)
{
  if (cycle->reasons != NULL)
    g_ptr_array_add (cycle->reasons, g_strdup (reason));
}

static void
clear_plugin (gpointer data)
{
  g_object_unref (((SchedPlugin *) data)->plugin);
}

SchedFramework *
sched_framework_new (void)
{
  SchedFramework *framework = g_new0 (SchedFramework, 1);

  framework->plugins = g_array_new (FALSE, FALSE, sizeof (SchedPlugin));
  g_array_set_clear_func (framework->plugins, clear_plugin);
  framework->feasible = g_array_new (FALSE, FALSE, sizeof (guint));
  framework->random = 2463534242u;
  return framework;
}

void
sched_framework_free (SchedFramework *framework)
{
  g_array_unref (framework->plugins);
  g_array_unref (framework->feasible);
  g_free (framework->total);
  g_free (framework->scores);
  g_free (framework->codes);
  g_free (framework);
}

void
sched_framework_add (SchedFramework *framework, KubeSchedulerPlugin *plugin, guint weight)
{
  SchedPlugin entry = { g_object_ref (plugin), KUBE_SCHEDULER_PLUGIN_GET_IFACE (plugin), weight, 0 };

  g_return_if_fail (framework->plugins->len < 64);

  if (entry.iface->get_events != NULL)
    entry.events = entry.iface->get_events (plugin);
  g_array_append_val (framework->plugins, entry);
}

static SchedPlugin *
get_plugin (SchedFramework *framework, guint i)
{
  return &g_array_index (framework->plugins, SchedPlugin, i);
}

void
sched_result_clear (SchedResult *result)
{
  g_clear_pointer (&result->message, g_free);
  g_clear_pointer (&result->nominated, g_free);
}

/* A pod's attempt: the cycle that plugins see, and which filters it takes. */
typedef struct {
  KubeSchedulerCycle cycle;
  guint8 filters[64];
  guint n_filters;
  guint64 rejectors;
} Attempt;

static void
attempt_clear (Attempt *attempt)
{
  for (guint i = 0; i < G_N_ELEMENTS (attempt->cycle.state); i++)
    g_free (attempt->cycle.state[i]);
  g_clear_pointer (&attempt->cycle.only, g_array_unref);
}

static KubeSchedulerCode
attempt_begin (SchedFramework *framework, Attempt *attempt, SchedCache *cache, SchedPod *pod, GPtrArray *reasons)
{
  *attempt = (Attempt) { .cycle = { .cache = cache, .pod = pod, .framework = framework, .reasons = reasons } };
  for (guint i = 0; i < framework->plugins->len; i++) {
    SchedPlugin *plugin = get_plugin (framework, i);
    KubeSchedulerCode code = KUBE_SCHEDULER_OK;

    attempt->cycle.current = i;
    if (plugin->iface->pre_filter != NULL)
      code = plugin->iface->pre_filter (plugin->plugin, &attempt->cycle);
    if (code > KUBE_SCHEDULER_SKIP) {
      attempt->rejectors |= (guint64) 1 << i;
      return code;
    }
    if (code == KUBE_SCHEDULER_OK && plugin->iface->filter != NULL)
      attempt->filters[attempt->n_filters++] = (guint8) i;
  }
  attempt->cycle.reasons = NULL;
  return KUBE_SCHEDULER_OK;
}

/* The first refusal, and in @rejector whose it is. */
static inline KubeSchedulerCode
attempt_filter (Attempt *attempt, SchedPlugin *plugins, guint node, guint *rejector)
{
  for (guint i = 0; i < attempt->n_filters; i++) {
    guint number = attempt->filters[i];
    KubeSchedulerCode code;

    attempt->cycle.current = number;
    code = plugins[number].iface->filter (plugins[number].plugin, &attempt->cycle, node);
    if (code > KUBE_SCHEDULER_SKIP) {
      *rejector = number;
      return code;
    }
  }
  return KUBE_SCHEDULER_OK;
}

KubeSchedulerCode
sched_framework_filter (SchedFramework *framework, KubeSchedulerCycle *cycle, guint node)
{
  guint rejector;

  return attempt_filter ((Attempt *) cycle, (SchedPlugin *) framework->plugins->data, node, &rejector);
}

gboolean
sched_framework_fits (SchedFramework *framework, SchedCache *cache, SchedPod *pod, guint node)
{
  Attempt attempt;
  guint rejector;
  gboolean fits = attempt_begin (framework, &attempt, cache, pod, NULL) == KUBE_SCHEDULER_OK;

  for (guint i = 0; fits && attempt.cycle.only != NULL; i++) {
    if (i == attempt.cycle.only->len)
      fits = FALSE;
    else if (g_array_index (attempt.cycle.only, guint, i) == node)
      break;
  }
  fits = fits && attempt_filter (&attempt, (SchedPlugin *) framework->plugins->data, node, &rejector) == KUBE_SCHEDULER_OK;
  attempt_clear (&attempt);
  return fits;
}

static guint
count_to_find (SchedFramework *framework, guint n_nodes)
{
  guint percentage = framework->percentage;

  if (n_nodes < FEASIBLE_LEAST)
    return n_nodes;
  if (percentage == 0)
    percentage = (guint) MAX (50 - (int) (n_nodes / 125), 5);
  return MAX (n_nodes * MIN (percentage, 100) / 100, FEASIBLE_LEAST);
}

/* Goes round the nodes from where the last search ended, until enough fit. */
static void
find_feasible (SchedFramework *framework, Attempt *attempt, guint n_all)
{
  SchedPlugin *plugins = (SchedPlugin *) framework->plugins->data;
  const guint *only = attempt->cycle.only != NULL ? (guint *) attempt->cycle.only->data : NULL;
  guint n = only != NULL ? attempt->cycle.only->len : n_all, wanted = count_to_find (framework, n), done = 0, rejector;
  guint at = n > 0 ? framework->start % n : 0, n_found = 0, *found;

  g_array_set_size (framework->feasible, MIN (n, wanted));
  found = (guint *) framework->feasible->data;
  for (; done < n && n_found < wanted; done++) {
    guint node = only != NULL ? only[at] : at;

    if (attempt_filter (attempt, plugins, node, &rejector) == KUBE_SCHEDULER_OK)
      found[n_found++] = node;
    if (++at == n)
      at = 0;
  }
  g_array_set_size (framework->feasible, n_found);
  framework->start = (framework->start + done) % n_all;
}

static void
count_reason (GHashTable *reasons, const char *reason, guint n)
{
  guint before = GPOINTER_TO_UINT (g_hash_table_lookup (reasons, reason));

  g_hash_table_insert (reasons, g_strdup (reason), GUINT_TO_POINTER (before + n));
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
sched_fit_message (guint n_nodes, GHashTable *reasons)
{
  GString *message = g_string_new (NULL);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer reason, n;

  g_string_append_printf (message, "0/%u nodes are available:", n_nodes);
  g_hash_table_iter_init (&iter, reasons);
  while (g_hash_table_iter_next (&iter, &reason, &n))
    g_ptr_array_add (texts, g_strdup_printf ("%u %s", GPOINTER_TO_UINT (n), (char *) reason));
  g_ptr_array_sort (texts, compare_texts);
  for (guint i = 0; i < texts->len; i++)
    g_string_append_printf (message, "%s%s", i == 0 ? " " : ", ", (char *) texts->pdata[i]);
  if (texts->len > 0)
    g_string_append_c (message, '.');
  return g_string_free (message, FALSE);
}

static guint8 *
ensure_codes (SchedFramework *framework, guint n_nodes, KubeSchedulerCode code)
{
  if (framework->codes_size < n_nodes) {
    framework->codes_size = n_nodes * 2;
    framework->codes = g_renew (guint8, framework->codes, framework->codes_size);
  }
  memset (framework->codes, code, n_nodes);
  return framework->codes;
}

static char *
list_pre_filters (SchedFramework *framework, guint64 plugins)
{
  GString *names = g_string_new ("node(s) didn't satisfy plugin(s) [");

  for (guint i = 0; i < framework->plugins->len; i++) {
    if (plugins & (guint64) 1 << i)
      g_string_append_printf (names, "%s%s", names->str[names->len - 1] == '[' ? "" : " ",
                              kube_scheduler_plugin_get_name (get_plugin (framework, i)->plugin));
  }
  g_string_append_c (names, ']');
  return g_string_free (names, FALSE);
}

/* Filters once more, now asking for reasons. */
static char *
explain (SchedFramework *framework, Attempt *attempt, guint n_all)
{
  g_autoptr (GHashTable) reasons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  SchedPlugin *plugins = (SchedPlugin *) framework->plugins->data;
  const guint *only = attempt->cycle.only != NULL ? (guint *) attempt->cycle.only->data : NULL;
  guint n = only != NULL ? attempt->cycle.only->len : n_all, rejector = 0;
  guint8 *codes = ensure_codes (framework, n_all, KUBE_SCHEDULER_UNRESOLVABLE);

  attempt->rejectors |= attempt->cycle.narrowed;
  attempt->cycle.reasons = texts;
  for (guint i = 0; i < n; i++) {
    guint node = only != NULL ? only[i] : i;

    g_ptr_array_set_size (texts, 0);
    codes[node] = attempt_filter (attempt, plugins, node, &rejector);
    attempt->rejectors |= (guint64) 1 << rejector;
    for (guint j = 0; j < texts->len; j++)
      count_reason (reasons, texts->pdata[j], 1);
  }
  attempt->cycle.reasons = NULL;
  if (only != NULL && n < n_all) {
    g_autofree char *text = list_pre_filters (framework, attempt->cycle.narrowed);

    count_reason (reasons, text, n_all - n);
  }
  attempt->cycle.codes = codes;
  return sched_fit_message (n_all, reasons);
}

static void
run_post_filters (SchedFramework *framework, Attempt *attempt, SchedResult *result)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined = NULL, *before = NULL;

  attempt->cycle.reasons = texts;
  for (guint i = 0; i < framework->plugins->len; i++) {
    SchedPlugin *plugin = get_plugin (framework, i);
    KubeSchedulerCode code;

    if (plugin->iface->post_filter == NULL)
      continue;
    attempt->cycle.current = i;
    code = plugin->iface->post_filter (plugin->plugin, &attempt->cycle, &result->nominated);
    if (code == KUBE_SCHEDULER_OK)
      return; /* it helped: nobody else is asked, and the message has nothing to add */
    if (code == KUBE_SCHEDULER_UNRESOLVABLE)
      break;
  }
  if (texts->len == 0)
    return;
  g_ptr_array_add (texts, NULL);
  joined = g_strjoinv (", ", (char **) texts->pdata);
  before = g_steal_pointer (&result->message);
  result->message = g_strconcat (before, " ", joined, NULL);
}

static void
refuse_all (SchedFramework *framework, Attempt *attempt, SchedResult *result, guint n_all, KubeSchedulerCode code, GPtrArray *reasons)
{
  g_autofree char *joined = NULL;

  g_ptr_array_add (reasons, NULL);
  joined = g_strjoinv (", ", (char **) reasons->pdata);
  if (code == KUBE_SCHEDULER_ERROR) {
    result->failed = TRUE;
    result->message = g_steal_pointer (&joined);
    return;
  }
  result->message = g_strdup_printf ("0/%u nodes are available: %s.", n_all, joined);
  attempt->cycle.codes = ensure_codes (framework, n_all, code);
  run_post_filters (framework, attempt, result);
}

static guint
next_random (SchedFramework *framework)
{
  framework->random ^= framework->random << 13;
  framework->random ^= framework->random >> 17;
  framework->random ^= framework->random << 5;
  return framework->random;
}

static guint
pick_best (SchedFramework *framework, Attempt *attempt)
{
  guint n = framework->feasible->len, best = 0, ties = 1;
  const guint *nodes = (guint *) framework->feasible->data;
  gint64 *total, *scores;

  if (n == 1)
    return nodes[0];
  framework->total = total = g_renew (gint64, framework->total, n);
  framework->scores = scores = g_renew (gint64, framework->scores, n);
  memset (total, 0, n * sizeof *total);
  for (guint i = 0; i < framework->plugins->len; i++) {
    SchedPlugin *plugin = get_plugin (framework, i);

    if (plugin->iface->score == NULL || plugin->weight == 0)
      continue;
    attempt->cycle.current = i;
    if (plugin->iface->pre_score != NULL
        && plugin->iface->pre_score (plugin->plugin, &attempt->cycle, nodes, n) != KUBE_SCHEDULER_OK)
      continue;
    plugin->iface->score (plugin->plugin, &attempt->cycle, nodes, n, scores);
    if (plugin->iface->normalise != NULL)
      plugin->iface->normalise (plugin->plugin, &attempt->cycle, scores, n);
    for (guint j = 0; j < n; j++)
      total[j] += plugin->weight * scores[j];
  }
  for (guint j = 1; j < n; j++) {
    if (total[j] > total[best]) {
      best = j;
      ties = 1;
    } else if (total[j] == total[best] && next_random (framework) % ++ties == 0) {
      best = j;
    }
  }
  return nodes[best];
}

static void
unreserve (SchedFramework *framework, Attempt *attempt, guint node)
{
  for (guint i = framework->plugins->len; i > 0; i--) {
    SchedPlugin *plugin = get_plugin (framework, i - 1);

    if (plugin->iface->unreserve != NULL)
      plugin->iface->unreserve (plugin->plugin, attempt->cycle.pod->object, attempt->cycle.cache->nodes[node]->name);
  }
}

/* Reserve and permit; a refusal here is as one of the chosen node. */
static void
settle (SchedFramework *framework, Attempt *attempt, SchedResult *result, guint node)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  KubeSchedulerCode code = KUBE_SCHEDULER_OK;

  attempt->cycle.reasons = reasons;
  for (guint i = 0; i < 2 * framework->plugins->len && code <= KUBE_SCHEDULER_SKIP; i++) {
    guint number = i % framework->plugins->len;
    SchedPlugin *plugin = get_plugin (framework, number);
    KubeSchedulerCode (*step) (KubeSchedulerPlugin *, KubeSchedulerCycle *, guint)
      = i < framework->plugins->len ? plugin->iface->reserve : plugin->iface->permit;

    if (step == NULL)
      continue;
    attempt->cycle.current = number;
    code = step (plugin->plugin, &attempt->cycle, node);
    if (code > KUBE_SCHEDULER_SKIP)
      attempt->rejectors |= (guint64) 1 << number;
  }
  attempt->cycle.reasons = NULL;
  if (code <= KUBE_SCHEDULER_SKIP) {
    result->node = node;
    return;
  }
  unreserve (framework, attempt, node);
  g_ptr_array_add (reasons, NULL);
  result->failed = code == KUBE_SCHEDULER_ERROR;
  g_autofree char *joined = g_strjoinv (", ", (char **) reasons->pdata);
  result->message = result->failed ? g_strdup (joined) : g_strdup_printf ("0/1 nodes are available: 1 %s.", joined);
}

void
sched_framework_schedule (SchedFramework *framework, SchedCache *cache, SchedPod *pod, SchedResult *result)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  guint n_all = cache->n_nodes;
  KubeSchedulerCode code;
  Attempt attempt;

  *result = (SchedResult) { .node = SCHED_NO_NODE };
  if (n_all == 0) {
    result->message = g_strdup ("no nodes available to schedule pods");
    return;
  }
  code = attempt_begin (framework, &attempt, cache, pod, reasons);
  if (code > KUBE_SCHEDULER_SKIP) {
    attempt.cycle.reasons = NULL;
    refuse_all (framework, &attempt, result, n_all, code, reasons);
  } else {
    find_feasible (framework, &attempt, n_all);
    if (framework->feasible->len > 0) {
      settle (framework, &attempt, result, pick_best (framework, &attempt));
    } else {
      result->message = explain (framework, &attempt, n_all);
      run_post_filters (framework, &attempt, result);
    }
  }
  result->rejectors = attempt.rejectors;
  attempt_clear (&attempt);
}
