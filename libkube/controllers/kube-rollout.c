/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>
#include <kube/kube-names.h>
#include "kube-conditions.h"
#include "kube-owner.h"
#include "kube-rollout.h"

/* --- reading --- */

static gint64
annotation_integer (KubeObject *object, const char *key, gint64 fallback)
{
  const char *text = kube_object_get_annotation (object, key);
  char *end;
  gint64 value;

  if (text == NULL || *text == '\0')
    return fallback;
  value = g_ascii_strtoll (text, &end, 10);
  return *end == '\0' ? value : fallback;
}

gint64
kube_rollout_resolve (KubeValue *value, gint64 total, gboolean up)
{
  const char *text = kube_value_peek_string (value, NULL);
  gint64 percent;

  if (text == NULL)
    return kube_value_get_integer (value, NULL, 0);
  percent = g_ascii_strtoll (text, NULL, 10) * total;
  return up ? (percent + 99) / 100 : percent / 100;
}

static void
read_strategy (KubeRollout *self)
{
  self->rolling = g_strcmp0 (kube_object_get_string (self->deployment, "spec.strategy.type"), "Recreate") != 0;
  if (!self->rolling)
    return;
  self->max_surge = kube_rollout_resolve (kube_object_get (self->deployment, "spec.strategy.rollingUpdate.maxSurge"), self->replicas, TRUE);
  self->max_unavailable = kube_rollout_resolve (kube_object_get (self->deployment, "spec.strategy.rollingUpdate.maxUnavailable"), self->replicas, FALSE);
  /* Both may round to nothing; a rollout must be able to move. */
  if (self->max_surge == 0 && self->max_unavailable == 0)
    self->max_unavailable = 1;
  self->max_unavailable = MIN (self->max_unavailable, self->replicas);
}

static KubeValue *
template_without_hash (KubeValue *template_)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (template_);
  KubeNode *labels = kube_node_get (kube_builder_get_root (builder), "metadata.labels");

  if (labels != NULL)
    kube_node_remove_member (labels, KUBE_ROLLOUT_HASH);
  return kube_builder_end (builder);
}

static int
compare_age (gconstpointer a, gconstpointer b)
{
  const KubeRolloutSet *x = *(KubeRolloutSet *const *) a, *y = *(KubeRolloutSet *const *) b;
  gint64 created_x = kube_object_get_creation_time (x->object), created_y = kube_object_get_creation_time (y->object);

  if (created_x != created_y)
    return created_x < created_y ? -1 : 1;
  return g_strcmp0 (kube_object_get_name (x->object), kube_object_get_name (y->object));
}

static void
set_free (gpointer data)
{
  KubeRolloutSet *set = data;

  kube_object_unref (set->object);
  g_clear_pointer (&set->edit, kube_builder_unref);
  g_free (set);
}

static KubeRolloutSet *
set_new (KubeObject *object)
{
  KubeRolloutSet *set = g_new0 (KubeRolloutSet, 1);

  set->object = kube_object_ref (object);
  set->replicas = set->was = kube_object_get_integer (object, "spec.replicas", 1);
  set->actual = kube_object_get_integer (object, "status.replicas", 0);
  set->ready = kube_object_get_integer (object, "status.readyReplicas", 0);
  set->available = kube_object_get_integer (object, "status.availableReplicas", 0);
  set->terminating = kube_object_get_integer (object, "status.terminatingReplicas", 0);
  set->revision = annotation_integer (object, KUBE_ROLLOUT_REVISION, 0);
  return set;
}

void
kube_rollout_init (KubeRollout *self, KubeObject *deployment, GPtrArray *sets, KubePlan *plan, gint64 now)
{
  g_autoptr (KubeValue) wanted = template_without_hash (kube_object_get (deployment, "spec.template"));

  *self = (KubeRollout) { .deployment = deployment, .plan = plan, .now = now };
  self->replicas = kube_object_get_integer (deployment, "spec.replicas", 1);
  self->paused = kube_object_get_boolean (deployment, "spec.paused", FALSE);
  read_strategy (self);
  self->sets = g_ptr_array_new_with_free_func (set_free);
  for (guint i = 0; i < sets->len; i++)
    g_ptr_array_add (self->sets, set_new (g_ptr_array_index (sets, i)));
  g_ptr_array_sort (self->sets, compare_age);
  /* The oldest that fits: should there ever be two, all processes choose the same one. */
  for (guint i = 0; self->current == NULL && i < self->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);
    g_autoptr (KubeValue) has = template_without_hash (kube_object_get (set->object, "spec.template"));

    if (kube_value_equal (has, wanted))
      self->current = set;
  }
}

void
kube_rollout_clear (KubeRollout *self)
{
  g_clear_pointer (&self->sets, g_ptr_array_unref);
  g_clear_pointer (&self->deployment_edit, kube_builder_unref);
}

/* --- changing --- */

static KubeNode *
edit_set (KubeRolloutSet *set)
{
  if (set->edit == NULL)
    set->edit = kube_builder_new (kube_object_get_value (set->object));
  return kube_builder_get_root (set->edit);
}

static gboolean
annotate (KubeNode *object, const char *key, const char *value)
{
  KubeNode *annotations = kube_node_ensure_object (object, "metadata.annotations");

  if (g_strcmp0 (kube_node_get_string (kube_node_get_member (annotations, key), NULL), value) == 0)
    return FALSE;
  kube_node_put_string (annotations, key, value);
  return TRUE;
}

/* Every scaled set remembers for how large a Deployment it was scaled: what proportional scaling goes by. */
static void
scale_set (KubeRollout *self, KubeRolloutSet *set, gint64 replicas)
{
  g_autofree char *desired = g_strdup_printf ("%" G_GINT64_FORMAT, self->replicas);
  g_autofree char *most = g_strdup_printf ("%" G_GINT64_FORMAT, self->replicas + self->max_surge);

  set->replicas = replicas;
  if (g_strcmp0 (kube_object_get_annotation (set->object, KUBE_ROLLOUT_DESIRED), desired) == 0 &&
      g_strcmp0 (kube_object_get_annotation (set->object, KUBE_ROLLOUT_MAX), most) == 0)
    return;
  annotate (edit_set (set), KUBE_ROLLOUT_DESIRED, desired);
  annotate (edit_set (set), KUBE_ROLLOUT_MAX, most);
}

static void
commit_set (KubeRollout *self, KubeRolloutSet *set)
{
  g_autoptr (KubeObject) updated = NULL;

  if (set->replicas != set->was)
    kube_node_set_integer (edit_set (set), "spec.replicas", set->replicas);
  if (set->edit == NULL)
    return;
  updated = kube_object_new_from_builder (set->edit);
  kube_plan_update (self->plan, updated);
  if (set->replicas != set->was)
    kube_plan_event (self->plan, self->deployment, "Normal", "ScalingReplicaSet", "Scaled %s replica set %s from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                     set->replicas > set->was ? "up" : "down", kube_object_get_name (set->object), set->was, set->replicas);
}

/* Status and the revision annotation go in one status write, as upstream does it. */
void
kube_rollout_commit (KubeRollout *self)
{
  for (guint i = 0; i < self->sets->len; i++)
    commit_set (self, g_ptr_array_index (self->sets, i));
  if (self->deployment_edit != NULL) {
    g_autoptr (KubeObject) updated = kube_object_new_from_builder (self->deployment_edit);

    if (!kube_value_equal (kube_object_get_value (updated), kube_object_get_value (self->deployment)))
      kube_plan_update_status (self->plan, updated);
  }
}

/* --- revisions --- */

static gint64
next_revision (KubeRollout *self)
{
  gint64 most = 0;

  for (guint i = 0; i < self->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);

    if (set != self->current)
      most = MAX (most, set->revision);
  }
  return most + 1;
}

static gboolean
is_copied (const char *key)
{
  static const char *const own[] = { "kubectl.kubernetes.io/last-applied-configuration", KUBE_ROLLOUT_REVISION, KUBE_ROLLOUT_REVISION_HISTORY,
                                     KUBE_ROLLOUT_DESIRED, KUBE_ROLLOUT_MAX, "deprecated.deployment.rollback.to", NULL };

  return !g_strv_contains (own, key);
}

static gboolean
copy_annotations (KubeRollout *self, KubeNode *object)
{
  KubeValue *annotations = kube_object_get (self->deployment, "metadata.annotations");
  gboolean changed = FALSE;

  for (guint i = 0; i < kube_value_get_length (annotations); i++) {
    const char *key = kube_value_get_key (annotations, i);

    if (is_copied (key))
      changed |= annotate (object, key, kube_value_get_string (kube_value_get_element (annotations, i), NULL));
  }
  return changed;
}

/* A set that becomes current again (a rollback) keeps in its history the revisions that it had before, 2,000 characters of them. */
static void
remember_revision (KubeRolloutSet *set)
{
  g_autofree char *old = set->revision == 0 ? NULL : g_strdup_printf ("%" G_GINT64_FORMAT, set->revision);
  const char *history = kube_object_get_annotation (set->object, KUBE_ROLLOUT_REVISION_HISTORY);
  g_autofree char *longer = NULL;

  if (old == NULL)
    return;
  while (history != NULL && *history != '\0' && strlen (history) + strlen (old) + 1 > 2000) {
    const char *comma = strchr (history, ',');

    history = comma == NULL ? NULL : comma + 1;
  }
  longer = history == NULL || *history == '\0' ? g_strdup (old) : g_strconcat (history, ",", old, NULL);
  annotate (edit_set (set), KUBE_ROLLOUT_REVISION_HISTORY, longer);
}

static KubeNode *
edit_deployment (KubeRollout *self)
{
  if (self->deployment_edit == NULL)
    self->deployment_edit = kube_builder_new (kube_object_get_value (self->deployment));
  return kube_builder_get_root (self->deployment_edit);
}

gboolean
kube_rollout_sync_revision (KubeRollout *self)
{
  KubeRolloutSet *set = self->current;
  gint64 revision = next_revision (self), min_ready = kube_object_get_integer (self->deployment, "spec.minReadySeconds", 0);
  g_autoptr (KubeBuilder) copy = NULL;
  g_autofree char *text = NULL;

  if (set == NULL)
    return TRUE;
  copy = kube_builder_new (kube_object_get_value (set->object));
  if (copy_annotations (self, kube_builder_get_root (copy)))
    copy_annotations (self, edit_set (set));
  if (set->revision < revision) {
    remember_revision (set);
    text = g_strdup_printf ("%" G_GINT64_FORMAT, revision);
    annotate (edit_set (set), KUBE_ROLLOUT_REVISION, text);
    set->revision = revision;
  }
  if (kube_object_get_integer (set->object, "spec.minReadySeconds", 0) != min_ready)
    kube_node_set_integer (edit_set (set), "spec.minReadySeconds", min_ready);
  if (set->edit != NULL)
    return FALSE;

  annotate (edit_deployment (self), KUBE_ROLLOUT_REVISION, kube_object_get_annotation (set->object, KUBE_ROLLOUT_REVISION));
  if (kube_rollout_has_deadline (self) && kube_condition_find (kube_object_get_value (self->deployment), "Progressing") == NULL)
    kube_rollout_set_progressing (self, "True", "FoundNewReplicaSet", "Found new replica set \"%s\"", kube_object_get_name (set->object));
  return TRUE;
}

/* --- the current set --- */

gint64
kube_rollout_sum_replicas (KubeRollout *self)
{
  gint64 sum = 0;

  for (guint i = 0; i < self->sets->len; i++)
    sum += ((KubeRolloutSet *) g_ptr_array_index (self->sets, i))->replicas;
  return sum;
}

gint64
kube_rollout_get_current_target (KubeRollout *self, gint64 current)
{
  gint64 room;

  if (!self->rolling)
    return self->replicas;
  room = self->replicas + self->max_surge - kube_rollout_sum_replicas (self);
  return room <= 0 ? current : current + MIN (room, self->replicas - current);
}

static char *
template_hash (KubeRollout *self)
{
  guint32 hash = kube_value_hash (kube_object_get (self->deployment, "spec.template"));

  /* Mixed, so that another collision count gives a wholly different name. */
  hash ^= (guint32) kube_object_get_integer (self->deployment, "status.collisionCount", 0) * 2654435761u;
  return kube_name_safe_encode (hash);
}

static void
build_current (KubeRollout *self, KubeNode *root, const char *hash, gint64 replicas)
{
  g_autofree char *name = g_strconcat (kube_object_get_name (self->deployment), "-", hash, NULL);
  g_autofree char *revision = g_strdup_printf ("%" G_GINT64_FORMAT, next_revision (self));
  g_autofree char *desired = g_strdup_printf ("%" G_GINT64_FORMAT, self->replicas);
  g_autofree char *most = g_strdup_printf ("%" G_GINT64_FORMAT, self->replicas + self->max_surge);
  g_autoptr (KubeValue) reference = kube_owner_reference_new (self->deployment);
  gint64 min_ready = kube_object_get_integer (self->deployment, "spec.minReadySeconds", 0);

  kube_node_put_string (root, "apiVersion", "apps/v1");
  kube_node_put_string (root, "kind", "ReplicaSet");
  kube_node_set_string (root, "metadata.name", name);
  kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (self->deployment));
  kube_node_append_value (kube_node_ensure_array (root, "metadata.ownerReferences"), reference);
  kube_node_set_integer (root, "spec.replicas", replicas);
  if (min_ready > 0)
    kube_node_set_integer (root, "spec.minReadySeconds", min_ready);
  kube_node_set_value (root, "spec.template", kube_object_get (self->deployment, "spec.template"));
  kube_node_put_string (kube_node_ensure_object (root, "spec.template.metadata.labels"), KUBE_ROLLOUT_HASH, hash);
  kube_node_set_value (root, "spec.selector", kube_object_get (self->deployment, "spec.selector"));
  kube_node_put_string (kube_node_ensure_object (root, "spec.selector.matchLabels"), KUBE_ROLLOUT_HASH, hash);
  kube_node_set_value (root, "metadata.labels", kube_object_get (self->deployment, "spec.template.metadata.labels"));
  kube_node_put_string (kube_node_ensure_object (root, "metadata.labels"), KUBE_ROLLOUT_HASH, hash);
  copy_annotations (self, root);
  annotate (root, KUBE_ROLLOUT_REVISION, revision);
  annotate (root, KUBE_ROLLOUT_DESIRED, desired);
  annotate (root, KUBE_ROLLOUT_MAX, most);
  annotate (edit_deployment (self), KUBE_ROLLOUT_REVISION, revision);
}

void
kube_rollout_create_current (KubeRollout *self)
{
  g_autofree char *hash = template_hash (self);
  gint64 replicas = kube_rollout_get_current_target (self, 0);
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autoptr (KubeObject) set = NULL;

  build_current (self, kube_builder_get_root (builder), hash, replicas);
  set = kube_object_new_from_builder (builder);
  kube_plan_create (self->plan, set);
  if (replicas > 0)
    kube_plan_event (self->plan, self->deployment, "Normal", "ScalingReplicaSet", "Scaled up replica set %s from 0 to %" G_GINT64_FORMAT, kube_object_get_name (set), replicas);
  kube_plan_then (self->plan);
  if (kube_rollout_has_deadline (self))
    kube_rollout_set_progressing (self, "True", "NewReplicaSetCreated", "Created new replica set \"%s\"", kube_object_get_name (set));
}

gboolean
kube_rollout_scale_current (KubeRollout *self)
{
  KubeRolloutSet *set = self->current;

  if (set == NULL || set->replicas == self->replicas)
    return FALSE;
  scale_set (self, set, set->replicas > self->replicas ? self->replicas : kube_rollout_get_current_target (self, set->replicas));
  return set->replicas != set->was;
}

/* --- old sets --- */

gboolean
kube_rollout_drop_old (KubeRollout *self)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < self->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);

    if (set != self->current && set->replicas > 0) {
      scale_set (self, set, 0);
      changed = TRUE;
    }
  }
  return changed;
}

/* Replicas that do not work go first: taking them away makes nothing worse. */
static gint64
drop_unhealthy (KubeRollout *self, gint64 most)
{
  gint64 total = 0;

  for (guint i = 0; i < self->sets->len && total < most; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);
    gint64 count = MIN (most - total, set->replicas - set->available);

    if (set == self->current || set->replicas == 0 || count <= 0)
      continue;
    scale_set (self, set, set->replicas - count);
    total += count;
  }
  return total;
}

static gint64
drop_available (KubeRollout *self, gint64 most)
{
  gint64 total = 0;

  for (guint i = 0; i < self->sets->len && total < most; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);
    gint64 count = MIN (most - total, set->replicas);

    if (set == self->current || count <= 0)
      continue;
    scale_set (self, set, set->replicas - count);
    total += count;
  }
  return total;
}

gboolean
kube_rollout_scale_down_old (KubeRollout *self)
{
  gint64 least = self->replicas - self->max_unavailable, all = kube_rollout_sum_replicas (self), available = 0, old = all, missing = 0, room, dropped;

  for (guint i = 0; i < self->sets->len; i++)
    available += ((KubeRolloutSet *) g_ptr_array_index (self->sets, i))->available;
  if (self->current != NULL) {
    old -= self->current->replicas;
    missing = self->current->replicas - self->current->available;
  }
  room = all - least - missing;
  if (old == 0 || room <= 0)
    return FALSE;
  dropped = drop_unhealthy (self, room);
  if (available > least)
    dropped += drop_available (self, available - least);
  return dropped > 0;
}

static int
compare_revision (gconstpointer a, gconstpointer b)
{
  const KubeRolloutSet *x = *(KubeRolloutSet *const *) a, *y = *(KubeRolloutSet *const *) b;

  return x->revision == y->revision ? compare_age (a, b) : x->revision < y->revision ? -1 : 1;
}

void
kube_rollout_clean_up (KubeRollout *self)
{
  g_autoptr (GPtrArray) old = g_ptr_array_new ();
  gint64 limit = kube_object_get_integer (self->deployment, "spec.revisionHistoryLimit", G_MAXINT32);

  for (guint i = 0; i < self->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);

    if (set != self->current && !kube_object_is_deleting (set->object))
      g_ptr_array_add (old, set);
  }
  g_ptr_array_sort (old, compare_revision);
  for (guint i = 0; (gint64) i < (gint64) old->len - limit; i++) {
    KubeRolloutSet *set = g_ptr_array_index (old, i);

    if (set->actual == 0 && set->was == 0 && set->replicas == 0 && kube_object_get_generation (set->object) <= kube_object_get_integer (set->object, "status.observedGeneration", 0))
      kube_plan_delete (self->plan, set->object, NULL);
  }
}

/* --- a change of spec.replicas --- */

gboolean
kube_rollout_is_scaling (KubeRollout *self)
{
  for (guint i = 0; i < self->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);
    gint64 desired = annotation_integer (set->object, KUBE_ROLLOUT_DESIRED, -1);

    if (set->replicas > 0 && desired >= 0 && desired != self->replicas)
      return TRUE;
  }
  return FALSE;
}

/* The one set that has replicas, else the current or the newest one; NULL where several have. */
static KubeRolloutSet *
find_only (KubeRollout *self)
{
  KubeRolloutSet *only = NULL;
  guint active = 0;

  for (guint i = 0; i < self->sets->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (self->sets, i);

    if (set->replicas > 0) {
      only = set;
      active++;
    }
  }
  if (active == 1)
    return only;
  if (active > 1 || self->sets->len == 0)
    return NULL;
  return self->current != NULL ? self->current : g_ptr_array_index (self->sets, self->sets->len - 1);
}

static gboolean
is_saturated (KubeRollout *self)
{
  KubeRolloutSet *set = self->current;

  return set != NULL && set->replicas == self->replicas && set->available == self->replicas && annotation_integer (set->object, KUBE_ROLLOUT_DESIRED, -1) == self->replicas;
}

/* Larger sets first; of equal ones the newer first when adding, the older first when taking away. */
static int
compare_size (gconstpointer a, gconstpointer b, gpointer adding)
{
  const KubeRolloutSet *x = *(KubeRolloutSet *const *) a, *y = *(KubeRolloutSet *const *) b;

  if (x->replicas != y->replicas)
    return x->replicas > y->replicas ? -1 : 1;
  return adding != NULL ? -compare_age (a, b) : compare_age (a, b);
}

static gint64
share_of (KubeRollout *self, KubeRolloutSet *set, gint64 to_add, gint64 added)
{
  gint64 before = annotation_integer (set->object, KUBE_ROLLOUT_MAX, kube_object_get_integer (self->deployment, "status.replicas", 0));
  gint64 fraction = -set->replicas;

  if (set->replicas == 0 || to_add == added)
    return 0;
  if (self->replicas > 0)
    fraction = before == 0 ? 0 : (gint64) round ((double) set->replicas * (double) (self->replicas + self->max_surge) / (double) before) - set->replicas;
  return to_add > 0 ? MIN (fraction, to_add - added) : MAX (fraction, to_add - added);
}

static void
scale_in_proportion (KubeRollout *self)
{
  g_autoptr (GPtrArray) active = g_ptr_array_new ();
  gint64 to_add = (self->replicas > 0 ? self->replicas + self->max_surge : 0) - kube_rollout_sum_replicas (self), added = 0;
  g_autofree gint64 *sizes = NULL;

  for (guint i = 0; i < self->sets->len; i++) {
    if (((KubeRolloutSet *) g_ptr_array_index (self->sets, i))->replicas > 0)
      g_ptr_array_add (active, g_ptr_array_index (self->sets, i));
  }
  g_ptr_array_sort_with_data (active, compare_size, GINT_TO_POINTER (to_add > 0));
  sizes = g_new0 (gint64, active->len);
  for (guint i = 0; i < active->len; i++) {
    KubeRolloutSet *set = g_ptr_array_index (active, i);
    gint64 share = to_add == 0 ? 0 : share_of (self, set, to_add, added);

    sizes[i] = set->replicas + share;
    added += share;
  }
  for (guint i = 0; i < active->len; i++)
    scale_set (self, g_ptr_array_index (active, i), MAX (i == 0 ? sizes[i] + to_add - added : sizes[i], 0));
}

void
kube_rollout_scale (KubeRollout *self)
{
  KubeRolloutSet *only = find_only (self);

  if (only != NULL)
    scale_set (self, only, self->replicas);
  else if (is_saturated (self))
    kube_rollout_drop_old (self);
  else if (self->rolling)
    scale_in_proportion (self);
}

KubeNode *
kube_rollout_edit_status (KubeRollout *self)
{
  return kube_node_ensure_object (edit_deployment (self), "status");
}
