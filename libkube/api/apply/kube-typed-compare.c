/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-typed.h"

/* The sets of a comparison, as a place has them. */
enum { ADDED, MODIFIED, REMOVED };

typedef struct {
  KubeArena *arena;
  GString *step; /* of the element that is looked at */
} Walk;

static void compare (Walk *walk, KubeFieldPlace *place, KubeSlot slot, KubeValue *from, KubeValue *to);

static guint
get_set (KubeValue *from, KubeValue *to)
{
  return from == NULL ? ADDED : to == NULL ? REMOVED : MODIFIED;
}

static void
compare_member (Walk *walk, KubeFieldPlace *place, KubeSlot slot, const char *key, KubeValue *from, KubeValue *to)
{
  KubeFieldPlace at = { place, "f:", key, NULL, { NULL } };

  compare (walk, &at, kube_slot_get_member (slot, key), from, to);
}

static void
compare_members (Walk *walk, KubeFieldPlace *place, KubeSlot slot, KubeValue *from, KubeValue *to)
{
  guint n_from = kube_value_is_object (from) ? kube_value_get_length (from) : 0, n_to = kube_value_is_object (to) ? kube_value_get_length (to) : 0;

  for (guint i = 0; i < n_from; i++) {
    const char *key = kube_value_get_key (from, i);
    compare_member (walk, place, slot, key, kube_value_get_element (from, i), n_to > 0 ? kube_value_get_member (to, key) : NULL);
  }
  for (guint i = 0; i < n_to; i++) {
    const char *key = kube_value_get_key (to, i);
    if (n_from == 0 || kube_value_get_member (from, key) == NULL)
      compare_member (walk, place, slot, key, NULL, kube_value_get_element (to, i));
  }
}

/* Elements that are on one side only. Of those with the same step the first one counts: the others are not looked at. */
static void
compare_one_sided (Walk *walk, KubeFieldPlace *place, KubeSlot slot, KubeValue *list, gboolean added)
{
  guint n = kube_value_is_array (list) ? kube_value_get_length (list) : 0;
  KubeSlot below = kube_slot_get_element (slot);

  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (list, i);
    KubeFieldPlace at = { place, "", NULL, NULL, { NULL } };
    g_string_truncate (walk->step, 0);
    kube_slot_append_step (slot, element, walk->step);
    at.step = kube_arena_strdup (walk->arena, walk->step->str);
    if (!kube_field_place_is_in (&at, walk->arena, added ? ADDED : REMOVED))
      compare (walk, &at, below, added ? NULL : element, added ? element : NULL);
  }
}

static void
compare_elements (Walk *walk, KubeFieldPlace *place, KubeSlot slot, KubeValue *from, KubeValue *to)
{
  g_autoptr (GPtrArray) from_steps = g_ptr_array_new (), to_steps = g_ptr_array_new ();
  g_autoptr (GHashTable) from_index = kube_slot_index (slot, from, from_steps), to_index = kube_slot_index (slot, to, to_steps);
  KubeSlot element = kube_slot_get_element (slot);

  for (guint i = 0; i < from_steps->len + to_steps->len; i++) {
    const char *step = i < from_steps->len ? g_ptr_array_index (from_steps, i) : g_ptr_array_index (to_steps, i - from_steps->len);
    KubeFieldPlace at = { place, "", step, NULL, { NULL } };
    if (i < from_steps->len || !g_hash_table_contains (from_index, step))
      compare (walk, &at, element, g_hash_table_lookup (from_index, step), g_hash_table_lookup (to_index, step));
  }
}

/* @from, @to: (nullable): absent; not both. */
static void
compare (Walk *walk, KubeFieldPlace *place, KubeSlot slot, KubeValue *from, KubeValue *to)
{
  KubeTopology topology = kube_slot_get_topology (slot, to != NULL ? to : from);

  if (from != NULL && to != NULL && kube_value_equal (from, to))
    return;
  if (from != NULL && to != NULL && kube_slot_get_topology (slot, from) != topology)
    topology = KUBE_TOPOLOGY_LEAF; /* of a place without a schema: it became something else */
  /* What has nothing in it is a leaf, so that absent, null and empty stay different. */
  if (topology == KUBE_TOPOLOGY_LEAF || (kube_value_is_hollow (from) && kube_value_is_hollow (to))) {
    kube_field_place_insert (place, walk->arena, get_set (from, to));
    return;
  }
  if (topology == KUBE_TOPOLOGY_STRUCT || topology == KUBE_TOPOLOGY_MAP)
    compare_members (walk, place, slot, from, to);
  else if (kube_value_is_array (from) && kube_value_is_array (to))
    compare_elements (walk, place, slot, from, to);
  else
    compare_one_sided (walk, place, slot, kube_value_is_array (to) ? to : from, kube_value_is_array (to));
  if (from == NULL || to == NULL)
    kube_field_place_insert (place, walk->arena, get_set (from, to));
}

void
kube_typed_compare (KubeArena *arena, KubeSlot slot, KubeValue *from, KubeValue *to, KubeComparison *out)
{
  g_autoptr (GString) step = g_string_sized_new (128);
  KubeFieldPlace root = { .below = { kube_field_set_new (arena), kube_field_set_new (arena), kube_field_set_new (arena) } };
  Walk walk = { arena, step };

  *out = (KubeComparison){ root.below[ADDED], root.below[MODIFIED], root.below[REMOVED] };
  compare (&walk, &root, slot, from, to);
}
