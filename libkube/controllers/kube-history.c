/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-history.h"
#include <kube/kube-names.h>
#include <string.h>
#include "kube-owner.h"

/* So much of the owner's name goes into that of a revision. */
#define MAX_PREFIX 223

/* A strategic merge patch that puts the owner's template back as it is now. */
static KubeValue *
make_data (KubeObject *owner)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_set_value (root, "spec.template", kube_object_get (owner, "spec.template"));
  kube_node_set_string (root, "spec.template.$patch", "replace");
  return kube_builder_end (builder);
}

/* 32-bit FNV-1 over the text of @data and the number, as upstream has it: the same template gets the same name from both. */
static char *
make_hash (KubeValue *data, gint64 collisions)
{
  g_autofree char *text = kube_value_print (data, NULL), *number = g_strdup_printf ("%" G_GINT64_FORMAT, collisions);
  const char *parts[] = { text, number };
  guint32 hash = 2166136261u;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    for (const char *at = parts[i]; *at != '\0'; at++)
      hash = hash * 16777619u ^ (guchar) *at;
  }
  return kube_name_safe_encode (hash);
}

static int
compare_revisions (gconstpointer a, gconstpointer b)
{
  KubeObject *x = *(KubeObject *const *) a, *y = *(KubeObject *const *) b;
  gint64 number_x = kube_object_get_integer (x, "revision", 0), number_y = kube_object_get_integer (y, "revision", 0);

  if (number_x == number_y) {
    number_x = kube_object_get_creation_time (x);
    number_y = kube_object_get_creation_time (y);
  }
  if (number_x != number_y)
    return number_x < number_y ? -1 : 1;
  return g_strcmp0 (kube_object_get_name (x), kube_object_get_name (y));
}

static gint64
get_last_number (KubeHistory *self, KubeObject *but)
{
  gint64 last = 0;

  for (guint i = 0; i < self->revisions->len; i++) {
    KubeObject *revision = g_ptr_array_index (self->revisions, i);

    if (revision != but)
      last = MAX (last, kube_object_get_integer (revision, "revision", 0));
  }
  return last;
}

static KubeObject *
make_revision (KubeHistory *self, KubeValue *data, const char *name, const char *hash)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  KubeValue *labels = kube_object_get (self->owner, "spec.template.metadata.labels"), *annotations = kube_object_get (self->owner, "metadata.annotations");
  g_autoptr (KubeValue) reference = kube_owner_reference_new (self->owner);

  kube_node_put_string (root, "apiVersion", "apps/v1");
  kube_node_put_string (root, "kind", "ControllerRevision");
  kube_node_set_string (root, "metadata.name", name);
  kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (self->owner));
  if (labels != NULL)
    kube_node_set_value (root, "metadata.labels", labels);
  kube_node_put_string (kube_node_ensure_object (root, "metadata.labels"), self->rules->hash_label, hash);
  if (annotations != NULL)
    kube_node_set_value (root, "metadata.annotations", annotations);
  kube_node_append_value (kube_node_ensure_array (root, "metadata.ownerReferences"), reference);
  kube_node_put_value (root, "data", data);
  kube_node_put_integer (root, "revision", get_last_number (self, NULL) + 1);
  return kube_object_new_from_builder (builder);
}

/* A name that is taken by a revision that says something else is a collision: another count gives another name. One that says the same is as good as a new one, whosever it is. */
static void
create_present (KubeHistory *self, KubeInformer *informer, KubeValue *data)
{
  for (;;) {
    g_autofree char *hash = make_hash (data, self->collisions);
    g_autofree char *name = g_strdup_printf ("%.*s-%s", MAX_PREFIX, kube_object_get_name (self->owner), hash);
    KubeObject *taken = kube_informer_get (informer, kube_object_get_namespace (self->owner), name);

    if (taken != NULL && !kube_value_equal (kube_object_get (taken, "data"), data)) {
      self->collisions++;
      continue;
    }
    if (taken != NULL) {
      self->present = kube_object_ref (taken);
      return;
    }
    self->present = make_revision (self, data, name, hash);
    kube_plan_create (self->plan, self->present);
    kube_plan_then (self->plan);
    return;
  }
}

static void
plan_edited (KubeHistory *self, KubeBuilder *builder)
{
  g_autoptr (KubeObject) edited = kube_object_new_from_builder (builder);

  kube_plan_update (self->plan, edited);
}

/* Which are of the present template; the last of them is it, and gets the highest number. */
static void
choose_present (KubeHistory *self, KubeValue *data)
{
  gint64 others = 0;
  g_autoptr (KubeBuilder) builder = NULL;

  for (guint i = 0; i < self->revisions->len; i++) {
    KubeObject *revision = g_ptr_array_index (self->revisions, i);

    if (!kube_value_equal (kube_object_get (revision, "data"), data)) {
      others = MAX (others, kube_object_get_integer (revision, "revision", 0));
      continue;
    }
    if (self->present != NULL)
      g_ptr_array_add (self->doubles, g_steal_pointer (&self->present));
    self->present = kube_object_ref (revision);
  }
  if (self->present == NULL || kube_object_get_integer (self->present, "revision", 0) > others)
    return;
  builder = kube_builder_new (kube_object_get_value (self->present));
  kube_node_put_integer (kube_builder_get_root (builder), "revision", get_last_number (self, self->present) + 1);
  plan_edited (self, builder);
  kube_plan_then (self->plan);
}

/* Revisions that were made by hand, or by an ancient release, lack the label that pods are told by; their names do as well. */
static void
label_revisions (KubeHistory *self)
{
  for (guint i = 0; i < self->revisions->len; i++) {
    KubeObject *revision = g_ptr_array_index (self->revisions, i);
    g_autoptr (KubeBuilder) builder = NULL;

    if (kube_object_get_label (revision, self->rules->hash_label) != NULL)
      continue;
    builder = kube_builder_new (kube_object_get_value (revision));
    kube_node_put_string (kube_node_ensure_object (kube_builder_get_root (builder), "metadata.labels"), self->rules->hash_label, kube_object_get_name (revision));
    plan_edited (self, builder);
  }
}

void
kube_history_init (KubeHistory *self, const KubeHistoryRules *rules, KubeObject *owner, KubeSelector *selector, KubeInformer *informer, KubePlan *plan)
{
  g_autoptr (GPtrArray) candidates = kube_owner_list_candidates (informer, owner);
  g_autoptr (KubeValue) data = make_data (owner);

  *self = (KubeHistory) { .rules = rules, .owner = owner, .plan = plan, .collisions = kube_object_get_integer (owner, "status.collisionCount", 0) };
  self->revisions = kube_owner_claim (owner, selector, candidates, plan);
  self->doubles = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  g_ptr_array_sort (self->revisions, compare_revisions);
  choose_present (self, data);
  if (self->present == NULL)
    create_present (self, informer, data);
  if (!rules->pods_carry_names)
    label_revisions (self);
}

void
kube_history_clear (KubeHistory *self)
{
  g_clear_pointer (&self->revisions, g_ptr_array_unref);
  g_clear_pointer (&self->doubles, g_ptr_array_unref);
  g_clear_pointer (&self->present, kube_object_unref);
}

KubeObject *
kube_history_find (KubeHistory *self, const char *name)
{
  for (guint i = 0; i < self->revisions->len; i++) {
    if (g_strcmp0 (kube_object_get_name (g_ptr_array_index (self->revisions, i)), name) == 0)
      return g_ptr_array_index (self->revisions, i);
  }
  return NULL;
}

const char *
kube_history_get_id (KubeHistory *self, KubeObject *revision)
{
  const char *hash = self->rules->pods_carry_names ? NULL : kube_object_get_label (revision, self->rules->hash_label);

  return hash != NULL ? hash : kube_object_get_name (revision);
}

void
kube_history_drop_doubles (KubeHistory *self)
{
  for (guint i = 0; i < self->doubles->len; i++) {
    kube_plan_delete (self->plan, g_ptr_array_index (self->doubles, i), NULL);
    g_ptr_array_remove (self->revisions, g_ptr_array_index (self->doubles, i));
  }
}

KubeValue *
kube_history_dup_template (KubeHistory *self, KubeObject *revision)
{
  KubeValue *template_ = kube_object_get (revision, "data.spec.template");
  g_autoptr (KubeBuilder) builder = kube_builder_new (template_ != NULL ? template_ : kube_object_get (self->owner, "spec.template"));

  kube_node_remove_member (kube_builder_get_root (builder), "$patch");
  return kube_builder_end (builder);
}

void
kube_history_truncate (KubeHistory *self, GHashTable *live)
{
  g_autoptr (GPtrArray) dead = g_ptr_array_new ();
  gint64 surplus = -kube_object_get_integer (self->owner, "spec.revisionHistoryLimit", 10);

  for (guint i = 0; i < self->revisions->len; i++) {
    KubeObject *revision = g_ptr_array_index (self->revisions, i);
    gboolean is_live = g_hash_table_contains (live, kube_history_get_id (self, revision));

    if (revision == self->present)
      continue;
    surplus += !is_live || self->rules->live_count;
    if (!is_live)
      g_ptr_array_add (dead, revision);
  }
  for (guint i = 0; i < dead->len && (gint64) i < surplus; i++)
    kube_plan_delete (self->plan, g_ptr_array_index (dead, i), NULL);
}
