/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-typed.h"

KubeSlot
kube_slot_of_kind (KubeKind *kind)
{
  return (KubeSlot){ kind->type, NULL, 0 };
}

static KubeTopology
deduce (KubeValue *value)
{
  return kube_value_is_object (value) ? KUBE_TOPOLOGY_MAP : KUBE_TOPOLOGY_LEAF;
}

static KubeTopology
get_struct_topology (const KubeType *type, const KubeField *field)
{
  gboolean atomic = type->atomic || (field != NULL && field->flags & KUBE_FIELD_ATOMIC);

  return atomic && (field == NULL || !(field->flags & KUBE_FIELD_GRANULAR)) ? KUBE_TOPOLOGY_LEAF : KUBE_TOPOLOGY_STRUCT;
}

static KubeTopology
get_container_topology (const KubeField *field)
{
  switch (field->shape) {
  case KUBE_SHAPE_LIST:
    return field->list_type == KUBE_LIST_SET ? KUBE_TOPOLOGY_SET : field->list_type == KUBE_LIST_MAP ? KUBE_TOPOLOGY_LIST : KUBE_TOPOLOGY_LEAF;
  case KUBE_SHAPE_MAP:
  case KUBE_SHAPE_MAP_OF_LIST:
    return field->flags & KUBE_FIELD_ATOMIC ? KUBE_TOPOLOGY_LEAF : KUBE_TOPOLOGY_MAP;
  default:
    return KUBE_TOPOLOGY_LEAF;
  }
}

KubeTopology
kube_slot_get_topology (KubeSlot slot, KubeValue *value)
{
  const KubeField *field = slot.field;

  if (field == NULL)
    return slot.type != NULL ? get_struct_topology (slot.type, NULL) : deduce (value);
  if (slot.depth == 0 && field->shape != KUBE_SHAPE_ONE)
    return get_container_topology (field);
  if (slot.depth == 1 && field->shape == KUBE_SHAPE_MAP_OF_LIST)
    return KUBE_TOPOLOGY_LEAF;
  if (field->scalar == KUBE_SCALAR_STRUCT)
    return get_struct_topology (field->type, slot.depth == 0 ? field : NULL);
  return KUBE_TOPOLOGY_LEAF;
}

static const KubeType *
get_struct (KubeSlot slot)
{
  if (slot.field == NULL)
    return slot.type;
  return slot.field->scalar == KUBE_SCALAR_STRUCT && (slot.depth == 1 || slot.field->shape == KUBE_SHAPE_ONE) ? slot.field->type : NULL;
}

KubeSlot
kube_slot_get_member (KubeSlot slot, const char *name)
{
  const KubeType *type = get_struct (slot);

  if (type != NULL)
    return (KubeSlot){ NULL, kube_type_find_field (type, name, strlen (name)), 0 };
  return kube_slot_get_element (slot);
}

KubeSlot
kube_slot_get_element (KubeSlot slot)
{
  if (slot.field == NULL || slot.depth > 0 || slot.field->shape == KUBE_SHAPE_ONE)
    return (KubeSlot){ NULL, NULL, 0 };
  return (KubeSlot){ NULL, slot.field, 1 };
}

gboolean
kube_slot_declares (KubeSlot slot, const char *name)
{
  const KubeType *type = get_struct (slot);

  return type != NULL && kube_type_find_field (type, name, strlen (name)) != NULL;
}

gboolean
kube_value_is_hollow (KubeValue *value)
{
  return kube_value_get_length (value) == 0;
}

/* --- steps --- */

static void
append_key (GString *out, const KubeField *list, const char *key, KubeValue *element)
{
  const KubeField *field = list->type != NULL ? kube_type_find_field (list->type, key, strlen (key)) : NULL;
  KubeValue *value = kube_value_get_member (element, key);

  if (value == NULL && (field == NULL || field->default_json == NULL))
    return;
  if (out->str[out->len - 1] != '{')
    g_string_append_c (out, ',');
  kube_json_append_string (out, key, -1);
  g_string_append_c (out, ':');
  if (value != NULL)
    kube_value_print_to (value, out);
  else
    g_string_append (out, field->default_json);
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

void
kube_slot_append_step (KubeSlot list, KubeValue *element, GString *step)
{
  const char *const *keys = list.field->list_keys;

  if (list.field->list_type == KUBE_LIST_SET) {
    g_string_append (step, "v:");
    kube_value_print_to (element, step);
    return;
  }
  g_string_append (step, "k:{");
  if (keys[1] == NULL) {
    append_key (step, list.field, keys[0], element);
  } else {
    g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
    for (; *keys != NULL; keys++)
      g_ptr_array_add (sorted, (gpointer) *keys);
    g_ptr_array_sort (sorted, compare_keys);
    for (guint i = 0; i < sorted->len; i++)
      append_key (step, list.field, g_ptr_array_index (sorted, i), element);
  }
  g_string_append_c (step, '}');
}

char *
kube_slot_dup_step (KubeSlot list, KubeValue *element)
{
  GString *step = g_string_new (NULL);

  kube_slot_append_step (list, element, step);
  return g_string_free (step, FALSE);
}

GHashTable *
kube_slot_index (KubeSlot list, KubeValue *value, GPtrArray *steps)
{
  GHashTable *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n = kube_value_is_array (value) ? kube_value_get_length (value) : 0;

  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (value, i);
    char *step = kube_slot_dup_step (list, element);
    if (g_hash_table_contains (index, step)) {
      g_free (step);
      continue;
    }
    g_hash_table_insert (index, step, element);
    g_ptr_array_add (steps, step);
  }
  return index;
}

/* --- the fields of an object --- */

static void collect (KubeArena *arena, KubeFieldPlace *place, KubeSlot slot, KubeValue *value);

static void
collect_members (KubeArena *arena, KubeFieldPlace *place, KubeSlot slot, KubeValue *value)
{
  guint n = kube_value_is_object (value) ? kube_value_get_length (value) : 0;

  for (guint i = 0; i < n; i++) {
    KubeFieldPlace at = { place, "f:", kube_value_get_key (value, i), NULL, { NULL } };
    KubeValue *member = kube_value_get_element (value, i);
    collect (arena, &at, kube_slot_get_member (slot, at.name), member);
    if (kube_value_is_null (member) || (kube_value_is_object (member) && kube_value_is_hollow (member)) || !kube_slot_declares (slot, at.name))
      kube_field_place_insert (&at, arena, 0);
  }
}

static void
collect_elements (KubeArena *arena, KubeFieldPlace *place, KubeSlot slot, KubeValue *value)
{
  guint n = kube_value_is_array (value) ? kube_value_get_length (value) : 0;

  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (value, i);
    g_autofree char *step = kube_slot_dup_step (slot, element);
    KubeFieldPlace at = { place, "", step, NULL, { NULL } };
    collect (arena, &at, kube_slot_get_element (slot), element);
    kube_field_place_insert (&at, arena, 0);
  }
}

static void
collect (KubeArena *arena, KubeFieldPlace *place, KubeSlot slot, KubeValue *value)
{
  switch (kube_slot_get_topology (slot, value)) {
  case KUBE_TOPOLOGY_LEAF:
    kube_field_place_insert (place, arena, 0);
    break;
  case KUBE_TOPOLOGY_STRUCT:
  case KUBE_TOPOLOGY_MAP:
    collect_members (arena, place, slot, value);
    break;
  case KUBE_TOPOLOGY_SET:
  case KUBE_TOPOLOGY_LIST:
    collect_elements (arena, place, slot, value);
    break;
  }
}

KubeFieldSet *
kube_typed_get_fields (KubeArena *arena, KubeSlot slot, KubeValue *value)
{
  KubeFieldPlace root = { .below = { kube_field_set_new (arena) } };

  collect (arena, &root, slot, value);
  return root.below[0];
}

/* --- the fields that lead to a field --- */

typedef struct {
  KubeArena *arena;
  KubeFieldPlace *place;
  KubeSlot slot;
} Naming;

static void
name_step (const char *step, gboolean in, const KubeFieldSet *below, gpointer user_data)
{
  const Naming *naming = user_data;
  KubeFieldPlace at = { naming->place, "", step, step, { NULL } };
  gboolean field = step[0] == 'f';

  if (in || (field && below != NULL && kube_slot_declares (naming->slot, step + 2)))
    kube_field_place_insert (&at, naming->arena, 0);
  if (below != NULL) {
    Naming deeper = { naming->arena, &at, field ? kube_slot_get_member (naming->slot, step + 2) : kube_slot_get_element (naming->slot) };
    kube_field_set_foreach (below, name_step, &deeper);
  }
}

const KubeFieldSet *
kube_typed_name_parents (KubeArena *arena, KubeSlot slot, const KubeFieldSet *set)
{
  KubeFieldPlace root = { .below = { kube_field_set_new (arena) } };
  Naming naming = { arena, &root, slot };

  kube_field_set_foreach (set, name_step, &naming);
  return root.below[0];
}
