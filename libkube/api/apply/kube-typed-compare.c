/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-typed.h"

typedef struct {
  KubeArena *arena;
  KubeComparison *out;
  KubeTrail *trail;
} Walk;

static void compare (Walk *walk, KubeSlot slot, KubeValue *from, KubeValue *to);

static void
note (Walk *walk, KubeValue *from, KubeValue *to)
{
  KubeFieldSet *set = from == NULL ? walk->out->added : to == NULL ? walk->out->removed : walk->out->modified;

  kube_trail_insert (walk->trail, walk->arena, set);
}

static void
compare_member (Walk *walk, KubeSlot slot, const char *key, KubeValue *from, KubeValue *to)
{
  kube_trail_push (walk->trail, "f:", key);
  compare (walk, kube_slot_get_member (slot, key), from, to);
  kube_trail_pop (walk->trail);
}

static void
compare_members (Walk *walk, KubeSlot slot, KubeValue *from, KubeValue *to)
{
  guint n_from = kube_value_is_object (from) ? kube_value_get_length (from) : 0, n_to = kube_value_is_object (to) ? kube_value_get_length (to) : 0;

  for (guint i = 0; i < n_from; i++) {
    const char *key = kube_value_get_key (from, i);
    compare_member (walk, slot, key, kube_value_get_element (from, i), n_to > 0 ? kube_value_get_member (to, key) : NULL);
  }
  for (guint i = 0; i < n_to; i++) {
    const char *key = kube_value_get_key (to, i);
    if (n_from == 0 || kube_value_get_member (from, key) == NULL)
      compare_member (walk, slot, key, NULL, kube_value_get_element (to, i));
  }
}

static void
compare_elements (Walk *walk, KubeSlot slot, KubeValue *from, KubeValue *to)
{
  g_autoptr (GPtrArray) from_steps = g_ptr_array_new (), to_steps = g_ptr_array_new ();
  g_autoptr (GHashTable) from_index = kube_slot_index (slot, from, from_steps), to_index = kube_slot_index (slot, to, to_steps);
  KubeSlot element = kube_slot_get_element (slot);

  for (guint i = 0; i < from_steps->len + to_steps->len; i++) {
    const char *step = i < from_steps->len ? g_ptr_array_index (from_steps, i) : g_ptr_array_index (to_steps, i - from_steps->len);
    if (i >= from_steps->len && g_hash_table_contains (from_index, step))
      continue;
    kube_trail_push (walk->trail, "", step);
    compare (walk, element, g_hash_table_lookup (from_index, step), g_hash_table_lookup (to_index, step));
    kube_trail_pop (walk->trail);
  }
}

/* @from, @to: (nullable): absent; not both. */
static void
compare (Walk *walk, KubeSlot slot, KubeValue *from, KubeValue *to)
{
  KubeTopology topology = kube_slot_get_topology (slot, to != NULL ? to : from);

  if (from != NULL && to != NULL && kube_value_equal (from, to))
    return;
  if (from != NULL && to != NULL && kube_slot_get_topology (slot, from) != topology)
    topology = KUBE_TOPOLOGY_LEAF; /* of a place without a schema: it became something else */
  /* What has nothing in it is a leaf, so that absent, null and empty stay different. */
  if (topology == KUBE_TOPOLOGY_LEAF || (kube_value_is_hollow (from) && kube_value_is_hollow (to))) {
    note (walk, from, to);
    return;
  }
  if (topology == KUBE_TOPOLOGY_STRUCT || topology == KUBE_TOPOLOGY_MAP)
    compare_members (walk, slot, from, to);
  else
    compare_elements (walk, slot, from, to);
  if (from == NULL || to == NULL)
    note (walk, from, to);
}

void
kube_typed_compare (KubeArena *arena, KubeSlot slot, KubeValue *from, KubeValue *to, KubeComparison *out)
{
  g_auto (KubeTrail) trail;
  Walk walk = { arena, out, &trail };

  *out = (KubeComparison){ kube_field_set_new (arena), kube_field_set_new (arena), kube_field_set_new (arena) };
  kube_trail_init (&trail);
  compare (&walk, slot, from, to);
}
