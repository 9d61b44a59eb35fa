/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-daemon-rollout.h"
#include "kube-conditions.h"
#include "kube-history.h"
#include "kube-pods.h"
#include "kube-rollout.h"

/* At most so many pods are created, and as many deleted, for one DaemonSet in one go (upstream's BurstReplicas). */
#define BURST 250

/* --- looking --- */

static void
node_free (gpointer data)
{
  KubeDaemonNode *node = data;

  g_ptr_array_unref (node->pods);
  g_free (node);
}

static KubeDaemonNode *
add_node (KubeDaemonRollout *self, GHashTable *by_name, const char *name)
{
  KubeDaemonNode *node = g_new0 (KubeDaemonNode, 1);

  node->name = name;
  node->pods = g_ptr_array_new ();
  g_ptr_array_add (self->nodes, node);
  g_hash_table_insert (by_name, (gpointer) name, node);
  return node;
}

static int
compare_nodes (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 ((*(KubeDaemonNode *const *) a)->name, (*(KubeDaemonNode *const *) b)->name);
}

/* Bound ones first, then the oldest. */
static int
compare_pods (gconstpointer a, gconstpointer b)
{
  KubeObject *x = *(KubeObject *const *) a, *y = *(KubeObject *const *) b;
  gboolean bound_x = kube_object_get_string (x, "spec.nodeName") != NULL, bound_y = kube_object_get_string (y, "spec.nodeName") != NULL;
  gint64 created_x = kube_object_get_creation_time (x), created_y = kube_object_get_creation_time (y);

  if (bound_x != bound_y)
    return bound_x ? -1 : 1;
  if (created_x != created_y)
    return created_x < created_y ? -1 : 1;
  return g_strcmp0 (kube_object_get_name (x), kube_object_get_name (y));
}

static void
read_strategy (KubeDaemonRollout *self)
{
  KubeValue *surge = kube_object_get (self->set, "spec.updateStrategy.rollingUpdate.maxSurge");
  KubeValue *unavailable = kube_object_get (self->set, "spec.updateStrategy.rollingUpdate.maxUnavailable");

  if (g_strcmp0 (kube_object_get_string (self->set, "spec.updateStrategy.type"), "RollingUpdate") != 0)
    return;
  self->surges = kube_rollout_resolve (surge, 1, TRUE) > 0;
  self->max_surge = kube_rollout_resolve (surge, self->desired, TRUE);
  self->max_unavailable = kube_rollout_resolve (unavailable, self->desired, TRUE);
  /* A rollout must be able to move. */
  if (self->desired > 0 && self->max_surge == 0 && self->max_unavailable == 0)
    self->max_unavailable = 1;
}

void
kube_daemon_rollout_init (KubeDaemonRollout *self, GPtrArray *nodes, GPtrArray *pods)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);

  self->nodes = g_ptr_array_new_with_free_func (node_free);
  self->wanted = g_ptr_array_new ();
  self->unwanted = g_ptr_array_new ();
  for (guint i = 0; i < nodes->len; i++) {
    KubeObject *object = g_ptr_array_index (nodes, i);
    KubeDaemonNode *node = add_node (self, by_name, kube_object_get_name (object));

    node->exists = TRUE;
    node->fits = kube_daemon_fit_check (self->fit, object);
    self->desired += (node->fits & KUBE_DAEMON_RUN) != 0;
  }
  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (pods, i);
    const char *name = kube_daemon_fit_get_node (pod);
    KubeDaemonNode *node = name == NULL ? NULL : g_hash_table_lookup (by_name, name);

    /* One that has ended and is being deleted has left its node already. */
    if (name == NULL || (kube_pod_is_finished (pod) && kube_object_is_deleting (pod)))
      continue;
    g_ptr_array_add ((node == NULL ? add_node (self, by_name, name) : node)->pods, pod);
  }
  g_ptr_array_sort (self->nodes, compare_nodes);
  for (guint i = 0; i < self->nodes->len; i++)
    g_ptr_array_sort (((KubeDaemonNode *) g_ptr_array_index (self->nodes, i))->pods, compare_pods);
  read_strategy (self);
}

void
kube_daemon_rollout_clear (KubeDaemonRollout *self)
{
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  g_clear_pointer (&self->wanted, g_ptr_array_unref);
  g_clear_pointer (&self->unwanted, g_ptr_array_unref);
}

static gboolean
is_available (KubeDaemonRollout *self, KubeObject *pod)
{
  return kube_pod_available_in (pod, self->min_ready, self->now) == 0;
}

/* --- the right number of pods on each node --- */

/* A pod that failed is replaced, but not at once again and again: a node may refuse it each time. */
static gboolean
drop_finished (KubeDaemonRollout *self, KubeDaemonNode *node, KubeObject *pod)
{
  const char *phase = kube_object_get_string (pod, "status.phase");
  g_autofree char *key = kube_object_dup_key (pod), *what = NULL;
  gint64 wait;

  if (g_strcmp0 (phase, "Succeeded") == 0) {
    kube_plan_event (self->plan, self->set, "Normal", "SucceededDaemonPod", "Found succeeded daemon pod %s on node %s, will try to delete it", key, node->name);
    g_ptr_array_add (self->unwanted, pod);
    return TRUE;
  }
  if (g_strcmp0 (phase, "Failed") != 0)
    return FALSE;
  what = g_strdup_printf ("%s/%" G_GINT64_FORMAT "/%s", kube_object_get_uid (self->set), kube_object_get_integer (self->set, "status.observedGeneration", 0), node->name);
  wait = kube_daemon_backoff_try (self->backoff, what, self->monotonic);
  if (wait > 0) {
    kube_plan_requeue_after (self->plan, wait);
    return TRUE;
  }
  kube_plan_event (self->plan, self->set, "Warning", "FailedDaemonPod", "Found failed daemon pod %s on node %s, will try to kill it", key, node->name);
  g_ptr_array_add (self->unwanted, pod);
  return TRUE;
}

/* While it surges a node may have two: an old one that is ready, and a new one that is not available yet. */
static void
keep_pair (KubeDaemonRollout *self, GPtrArray *running)
{
  KubeObject *updated = NULL, *old = NULL;

  for (guint i = 0; i < running->len; i++) {
    KubeObject *pod = g_ptr_array_index (running, i);
    gboolean is_new = g_strcmp0 (kube_object_get_label (pod, KUBE_HISTORY_POD_LABEL), self->hash) == 0;

    if (is_new && updated == NULL)
      updated = pod;
    else if (!is_new && old == NULL)
      old = pod;
    else
      g_ptr_array_add (self->unwanted, pod);
  }
  if (updated != NULL && old != NULL && (!kube_pod_is_ready (old) || is_available (self, updated)))
    g_ptr_array_add (self->unwanted, old);
}

static void
keep_one (KubeDaemonRollout *self, KubeDaemonNode *node)
{
  g_autoptr (GPtrArray) running = g_ptr_array_new ();

  for (guint i = 0; i < node->pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (node->pods, i);

    if (!kube_object_is_deleting (pod) && !drop_finished (self, node, pod))
      g_ptr_array_add (running, pod);
  }
  if (self->surges && running->len > 1)
    keep_pair (self, running);
  else if (self->surges && running->len == 0 && (node->fits & KUBE_DAEMON_RUN) != 0)
    g_ptr_array_add (self->wanted, (gpointer) node->name);
  for (guint i = 1; !self->surges && i < running->len; i++)
    g_ptr_array_add (self->unwanted, g_ptr_array_index (running, i));
}

static void
keep_none (KubeDaemonRollout *self, KubeDaemonNode *node)
{
  for (guint i = 0; i < node->pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (node->pods, i);

    /* Who is bound to a node that is gone is left to the pod garbage collector. */
    if (!kube_object_is_deleting (pod) && (node->exists || kube_object_get_string (pod, "spec.nodeName") == NULL))
      g_ptr_array_add (self->unwanted, pod);
  }
}

gboolean
kube_daemon_rollout_manage (KubeDaemonRollout *self)
{
  for (guint i = 0; i < self->nodes->len; i++) {
    KubeDaemonNode *node = g_ptr_array_index (self->nodes, i);

    if ((node->fits & KUBE_DAEMON_RUN) != 0 && node->pods->len == 0)
      g_ptr_array_add (self->wanted, (gpointer) node->name);
    else if ((node->fits & KUBE_DAEMON_STAY) != 0)
      keep_one (self, node);
    else
      keep_none (self, node);
  }
  return self->wanted->len > 0 || self->unwanted->len > 0;
}

/* --- from one revision to the next --- */

/* The pods of a node that are not on their way out; FALSE: there are several of a kind, which the next look at the numbers will end. */
static gboolean
find_pair (KubeDaemonRollout *self, KubeDaemonNode *node, KubeObject **updated, KubeObject **old)
{
  *updated = *old = NULL;
  for (guint i = 0; i < node->pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (node->pods, i), **which;

    if (kube_object_is_deleting (pod))
      continue;
    which = kube_daemon_fit_is_updated (self->set, pod, self->hash) ? updated : old;
    if (*which != NULL)
      return FALSE;
    *which = pod;
  }
  return TRUE;
}

static gboolean
is_concerned (KubeDaemonNode *node)
{
  return node->pods->len > 0 || (node->fits & KUBE_DAEMON_RUN) != 0;
}

static void
take (GPtrArray *to, GPtrArray *from, gint64 count)
{
  for (guint i = 0; i < from->len && (gint64) i < count; i++)
    g_ptr_array_add (to, g_ptr_array_index (from, i));
}

/* Old pods are deleted; the new ones come with the next look. What is unavailable anyway goes in any case. */
static void
replace (KubeDaemonRollout *self)
{
  g_autoptr (GPtrArray) candidates = g_ptr_array_new ();
  gint64 unavailable = 0;

  for (guint i = 0; i < self->nodes->len; i++) {
    KubeDaemonNode *node = g_ptr_array_index (self->nodes, i);
    KubeObject *updated, *old;

    if (!is_concerned (node))
      continue;
    if (!find_pair (self, node, &updated, &old) || (old == NULL) == (updated == NULL)) {
      unavailable++;
    } else if (updated != NULL) {
      unavailable += !is_available (self, updated);
    } else if (!is_available (self, old)) {
      g_ptr_array_add (self->unwanted, old);
      unavailable++;
    } else {
      g_ptr_array_add (candidates, old);
    }
  }
  take (self->unwanted, candidates, (gint64) self->max_unavailable - unavailable);
}

typedef struct {
  GPtrArray *nodes;     /* could get a new pod beside their old one */
  GPtrArray *misplaced; /* available pods where none should be */
  gint64 surging, available;
} Surge;

static void
surge_on (KubeDaemonRollout *self, KubeDaemonNode *node, Surge *surge)
{
  KubeObject *updated, *old;
  gboolean wanted = (node->fits & KUBE_DAEMON_RUN) != 0;

  if (!find_pair (self, node, &updated, &old)) {
    surge->surging++;
    return;
  }
  if (old != NULL || updated != NULL)
    surge->available += is_available (self, old != NULL ? old : updated);
  if (old == NULL)
    return;
  if (updated != NULL && is_available (self, updated))
    g_ptr_array_add (self->unwanted, old);
  else if (updated != NULL)
    surge->surging++;
  else if (is_available (self, old))
    g_ptr_array_add (wanted ? surge->nodes : surge->misplaced, wanted ? (gpointer) node->name : old);
  else if (wanted)
    g_ptr_array_add (self->wanted, (gpointer) node->name);
  else
    g_ptr_array_add (self->unwanted, old);
}

/* New pods come first, beside the old ones, which go once the new ones are available. A pod that is no longer wanted on its node stays while it is needed elsewhere. */
static void
surge (KubeDaemonRollout *self)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new (), misplaced = g_ptr_array_new ();
  Surge surge = { nodes, misplaced, 0, 0 };

  for (guint i = 0; i < self->nodes->len; i++) {
    KubeDaemonNode *node = g_ptr_array_index (self->nodes, i);

    if (is_concerned (node))
      surge_on (self, node, &surge);
  }
  take (self->unwanted, misplaced, surge.available - self->desired);
  take (self->wanted, nodes, self->max_surge - surge.surging);
}

void
kube_daemon_rollout_roll (KubeDaemonRollout *self)
{
  if (g_strcmp0 (kube_object_get_string (self->set, "spec.updateStrategy.type"), "RollingUpdate") != 0)
    return;
  if (self->max_surge > 0)
    surge (self);
  else
    replace (self);
}

/* --- writing --- */

typedef struct {
  gint64 current, misplaced, ready, updated, available;
} Counts;

static void
count_pod (KubeDaemonRollout *self, KubeObject *pod, Counts *counts)
{
  gint64 wait = kube_pod_available_in (pod, self->min_ready, self->now);

  counts->current++;
  counts->ready += wait >= 0;
  counts->available += wait == 0;
  counts->updated += kube_daemon_fit_is_updated (self->set, pod, self->hash);
  if (wait > 0)
    kube_plan_requeue_after (self->plan, wait);
}

void
kube_daemon_rollout_update_status (KubeDaemonRollout *self, gint64 collisions)
{
  Counts counts = { 0 };
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (self->set));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < self->nodes->len; i++) {
    KubeDaemonNode *node = g_ptr_array_index (self->nodes, i);

    if (!node->exists || node->pods->len == 0)
      continue;
    if ((node->fits & KUBE_DAEMON_RUN) != 0)
      count_pod (self, g_ptr_array_index (node->pods, 0), &counts);
    else
      counts.misplaced++;
  }
  kube_node_set_integer (status, "currentNumberScheduled", counts.current);
  kube_node_set_integer (status, "desiredNumberScheduled", self->desired);
  kube_node_set_integer (status, "numberMisscheduled", counts.misplaced);
  kube_node_set_integer (status, "numberReady", counts.ready);
  kube_status_set_count (status, "updatedNumberScheduled", counts.updated);
  kube_status_set_count (status, "numberAvailable", counts.available);
  kube_status_set_count (status, "numberUnavailable", self->desired - counts.available);
  kube_node_set_integer (status, "observedGeneration", kube_object_get_generation (self->set));
  if (collisions > 0)
    kube_node_set_integer (status, "collisionCount", collisions);
  updated = kube_object_new_from_builder (builder);
  if (kube_status_is_same (self->set, updated))
    return;
  kube_plan_update_status (self->plan, updated);
  kube_plan_tolerate (self->plan, KUBE_ERROR_CONFLICT);
  kube_plan_tolerate (self->plan, KUBE_ERROR_NOT_FOUND);
}

void
kube_daemon_rollout_commit (KubeDaemonRollout *self)
{
  KubeSlowStart start = KUBE_SLOW_START_INIT;

  for (guint i = 0; i < MIN (self->unwanted->len, BURST); i++) {
    kube_plan_delete (self->plan, g_ptr_array_index (self->unwanted, i), NULL);
    kube_plan_report (self->plan, self->set, "SuccessfulDelete", "Deleted pod: ", "FailedDelete", "Error deleting: ");
  }
  for (guint i = 0; i < MIN (self->wanted->len, BURST); i++) {
    g_autoptr (KubeObject) pod = kube_daemon_fit_make_pod (self->fit, self->hash, g_ptr_array_index (self->wanted, i));

    kube_slow_start_next (&start, self->plan);
    kube_plan_create (self->plan, pod);
    kube_plan_report (self->plan, self->set, "SuccessfulCreate", "Created pod: ", "FailedCreate", "Error creating: ");
    kube_plan_tolerate_cause (self->plan, "NamespaceTerminating");
  }
}
