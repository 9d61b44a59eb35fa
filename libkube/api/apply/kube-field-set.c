/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-field-set.h"
#include "kube-go-text.h"

typedef struct {
  const char *step;
  gboolean in;
  KubeFieldSet *below; /* (nullable) */
} Entry;

struct _KubeFieldSet {
  Entry *entries; /* by step */
  guint n, room;
};

KubeFieldSet *
kube_field_set_new (KubeArena *arena)
{
  KubeFieldSet *set = kube_arena_alloc (arena, sizeof *set);

  *set = (KubeFieldSet){ NULL, 0, 0 };
  return set;
}

/* Where @step is, or where it belongs. */
static gboolean
find (const KubeFieldSet *set, const char *step, guint *index)
{
  guint low = 0, high = set->n;

  if (high > 0) { /* steps mostly come in order, the same one many times */
    int order = strcmp (set->entries[high - 1].step, step);
    if (order <= 0) {
      *index = order == 0 ? high - 1 : high;
      return order == 0;
    }
  }
  while (low < high) {
    guint middle = low + (high - low) / 2;
    int order = strcmp (set->entries[middle].step, step);
    if (order == 0) {
      *index = middle;
      return TRUE;
    }
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *index = low;
  return FALSE;
}

static Entry *
make_room (KubeArena *arena, KubeFieldSet *set, guint index)
{
  if (set->n == set->room) {
    guint room = MAX (4, set->room * 2);
    Entry *entries = kube_arena_alloc (arena, room * sizeof (Entry));
    if (set->n > 0)
      memcpy (entries, set->entries, set->n * sizeof (Entry));
    set->entries = entries;
    set->room = room;
  }
  memmove (set->entries + index + 1, set->entries + index, (set->n - index) * sizeof (Entry));
  set->n++;
  return &set->entries[index];
}

/* @step is the arena's. */
static Entry *
ensure (KubeArena *arena, KubeFieldSet *set, const char *step)
{
  guint index;
  Entry *entry;

  if (find (set, step, &index))
    return &set->entries[index];
  entry = make_room (arena, set, index);
  *entry = (Entry){ step, FALSE, NULL };
  return entry;
}

gboolean
kube_field_set_is_empty (const KubeFieldSet *set)
{
  for (guint i = 0; set != NULL && i < set->n; i++) {
    if (set->entries[i].in || !kube_field_set_is_empty (set->entries[i].below))
      return FALSE;
  }
  return TRUE;
}

gboolean
kube_field_set_has (const KubeFieldSet *set, const char *step)
{
  guint index;

  return set != NULL && find (set, step, &index) && set->entries[index].in;
}

const KubeFieldSet *
kube_field_set_get_below (const KubeFieldSet *set, const char *step)
{
  guint index;

  return set != NULL && find (set, step, &index) ? set->entries[index].below : NULL;
}

void
kube_field_set_insert (KubeArena *arena, KubeFieldSet *set, const char *const *steps, guint n_steps)
{
  for (guint i = 0; i < n_steps; i++) {
    Entry *entry = ensure (arena, set, kube_arena_strdup (arena, steps[i]));
    if (i + 1 == n_steps)
      entry->in = TRUE;
    else if (entry->below == NULL)
      entry->below = kube_field_set_new (arena);
    set = entry->below;
  }
}

void
kube_field_set_remove (KubeFieldSet *set, const char *const *steps, guint n_steps)
{
  guint index;

  for (guint i = 0; set != NULL && i < n_steps && find (set, steps[i], &index); i++) {
    if (i + 1 < n_steps) {
      set = set->entries[index].below;
      continue;
    }
    set->n--;
    memmove (set->entries + index, set->entries + index + 1, (set->n - index) * sizeof (Entry));
    return;
  }
}

void
kube_field_set_remove_alone (KubeFieldSet *set, const char *step)
{
  guint index;

  if (set == NULL || !find (set, step, &index))
    return;
  set->entries[index].in = FALSE;
  if (kube_field_set_is_empty (set->entries[index].below))
    kube_field_set_remove (set, &step, 1);
}

void
kube_field_set_foreach (const KubeFieldSet *set, KubeFieldSetFunc func, gpointer user_data)
{
  for (guint i = 0; set != NULL && i < set->n; i++)
    func (set->entries[i].step, set->entries[i].in, set->entries[i].below, user_data);
}

/* --- places --- */

static const char *
get_step (KubeFieldPlace *place, KubeArena *arena)
{
  if (place->step == NULL)
    place->step = kube_arena_join (arena, place->prefix, place->name);
  return place->step;
}

static KubeFieldSet *
enter (KubeFieldPlace *place, KubeArena *arena, guint set)
{
  if (place->below[set] == NULL) {
    Entry *entry = ensure (arena, enter (place->above, arena, set), get_step (place, arena));
    if (entry->below == NULL)
      entry->below = kube_field_set_new (arena);
    place->below[set] = entry->below;
  }
  return place->below[set];
}

void
kube_field_place_insert (KubeFieldPlace *place, KubeArena *arena, guint set)
{
  if (place->above != NULL)
    ensure (arena, enter (place->above, arena, set), get_step (place, arena))->in = TRUE;
}

gboolean
kube_field_place_is_in (KubeFieldPlace *place, KubeArena *arena, guint set)
{
  return place->above != NULL && place->above->below[set] != NULL && kube_field_set_has (place->above->below[set], get_step (place, arena));
}

/* --- algebra: each is one walk over two sorted lists --- */

typedef enum { UNION, SUBTRACT, INTERSECT } Operation;

static KubeFieldSet *combine (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b, Operation operation);

/* What holds nothing is left out. */
static void
combine_entry (KubeArena *arena, KubeFieldSet *out, const Entry *a, const Entry *b, Operation operation)
{
  KubeFieldSet *below = combine (arena, a != NULL ? a->below : NULL, b != NULL ? b->below : NULL, operation);
  gboolean in_a = a != NULL && a->in, in_b = b != NULL && b->in;
  gboolean in = operation == UNION ? in_a || in_b : operation == SUBTRACT ? in_a && !in_b : in_a && in_b;

  if (in || !kube_field_set_is_empty (below))
    out->entries[out->n++] = (Entry){ a != NULL ? a->step : b->step, in, below };
}

/* (nullable): shares with @a and @b (nullable) what is the same. */
static KubeFieldSet *
combine (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b, Operation operation)
{
  KubeFieldSet *out;
  guint i = 0, k = 0, n_a = a != NULL ? a->n : 0, n_b = b != NULL ? b->n : 0;

  if (n_b == 0)
    return operation != INTERSECT ? (KubeFieldSet *) a : NULL;
  if (n_a == 0)
    return operation == UNION ? (KubeFieldSet *) b : NULL;
  out = kube_field_set_new (arena);
  out->room = operation == UNION ? n_a + n_b : n_a;
  out->entries = kube_arena_alloc (arena, out->room * sizeof (Entry));
  while (i < n_a || k < n_b) {
    const Entry *left = i < n_a ? &a->entries[i] : NULL, *right = k < n_b ? &b->entries[k] : NULL;
    int order = left == NULL ? 1 : right == NULL ? -1 : strcmp (left->step, right->step);
    i += order <= 0;
    k += order >= 0;
    if (order == 0 || operation == UNION || (operation == SUBTRACT && order < 0))
      combine_entry (arena, out, order <= 0 ? left : NULL, order >= 0 ? right : NULL, operation);
  }
  return out;
}

const KubeFieldSet *
kube_field_set_union (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b)
{
  return combine (arena, a, b, UNION);
}

const KubeFieldSet *
kube_field_set_subtract (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b)
{
  return combine (arena, a, b, SUBTRACT);
}

const KubeFieldSet *
kube_field_set_intersect (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b)
{
  return combine (arena, a, b, INTERSECT);
}

/* --- fieldsV1 --- */

static gboolean
check_step (const char *step, GError **error)
{
  g_autoptr (KubeValue) value = NULL;
  gboolean known = step[0] != '\0' && step[1] == ':' && strchr ("fkvi", step[0]) != NULL;

  if (!known) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "no path element in \"%s\"", step);
    return FALSE;
  }
  if (step[0] == 'f')
    return TRUE;
  value = kube_value_parse (step + 2, -1, error);
  return value != NULL;
}

static gboolean
is_member (KubeValue *below)
{
  return kube_value_get_length (below) == 0 || kube_value_get_member (below, ".") != NULL;
}

KubeFieldSet *
kube_field_set_parse (KubeArena *arena, KubeValue *fields, GError **error)
{
  KubeFieldSet *set = kube_field_set_new (arena);

  if (!kube_value_is_object (fields)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "fieldsV1 is not an object");
    return NULL;
  }
  for (guint i = 0; i < kube_value_get_length (fields); i++) {
    const char *step = kube_value_get_key (fields, i);
    KubeValue *below = kube_value_get_element (fields, i);
    Entry *entry;
    if (g_str_equal (step, "."))
      continue; /* of the step above */
    if (!check_step (step, error))
      return NULL;
    entry = ensure (arena, set, kube_arena_strdup (arena, step));
    entry->in = is_member (below);
    if (kube_value_get_length (below) > 0) {
      entry->below = kube_field_set_parse (arena, below, error);
      if (entry->below == NULL)
        return NULL;
    }
  }
  return set;
}

/* @in: whether the step to @set is a field itself. */
static void
write_below (const KubeFieldSet *set, gboolean in, KubeWriter *writer)
{
  if (set == NULL || set->n == 0) {
    kube_writer_push_empty (writer, KUBE_VALUE_OBJECT);
    return;
  }
  kube_writer_open (writer, KUBE_VALUE_OBJECT);
  if (in && !kube_field_set_is_empty (set)) {
    kube_writer_push_text (writer, KUBE_VALUE_STRING, ".", 1);
    kube_writer_push_empty (writer, KUBE_VALUE_OBJECT);
  }
  for (guint i = 0; i < set->n; i++) {
    const Entry *entry = &set->entries[i];
    if (!entry->in && kube_field_set_is_empty (entry->below))
      continue;
    kube_writer_push_text (writer, KUBE_VALUE_STRING, entry->step, strlen (entry->step));
    write_below (entry->below, entry->in, writer);
  }
  kube_writer_close (writer);
}

void
kube_field_set_write (const KubeFieldSet *set, KubeWriter *writer)
{
  write_below (set, FALSE, writer);
}

gboolean
kube_field_set_meets (const KubeFieldSet *set, KubeValue *fields)
{
  for (guint i = 0; set != NULL && i < set->n; i++) {
    const Entry *entry = &set->entries[i];
    KubeValue *below = kube_value_get_member (fields, entry->step);
    if (below != NULL && ((entry->in && is_member (below)) || kube_field_set_meets (entry->below, below)))
      return TRUE;
  }
  return FALSE;
}

/* --- paths --- */

static void
print_scalar (KubeValue *value, GString *out)
{
  gsize length;
  const char *string;

  if (!kube_value_is_string (value)) {
    kube_value_print_to (value, out);
    return;
  }
  string = kube_value_peek_string (value, &length);
  kube_go_quote (out, string, (gssize) length);
}

void
kube_field_step_print (const char *step, GString *out)
{
  g_autoptr (KubeValue) value = NULL;

  if (step[0] == 'f') {
    g_string_append_printf (out, ".%s", step + 2);
    return;
  }
  value = kube_value_parse (step + 2, -1, NULL);
  g_string_append_c (out, '[');
  if (step[0] == 'v')
    g_string_append_c (out, '=');
  if (step[0] == 'k') {
    for (guint i = 0; i < kube_value_get_length (value); i++) {
      g_string_append_printf (out, "%s%s=", i > 0 ? "," : "", kube_value_get_key (value, i));
      print_scalar (kube_value_get_element (value, i), out);
    }
  } else {
    print_scalar (value, out);
  }
  g_string_append_c (out, ']');
}

static void
print_below (const KubeFieldSet *set, GString *path, GPtrArray *out)
{
  gsize length = path->len;

  for (guint i = 0; i < set->n; i++) {
    if (set->entries[i].in) {
      kube_field_step_print (set->entries[i].step, path);
      g_ptr_array_add (out, g_strdup (path->str));
      g_string_truncate (path, length);
    }
  }
  for (guint i = 0; i < set->n; i++) {
    if (set->entries[i].below != NULL) {
      kube_field_step_print (set->entries[i].step, path);
      print_below (set->entries[i].below, path, out);
      g_string_truncate (path, length);
    }
  }
}

GPtrArray *
kube_field_set_print (const KubeFieldSet *set)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) path = g_string_new (NULL);

  if (set != NULL)
    print_below (set, path, paths);
  return paths;
}
