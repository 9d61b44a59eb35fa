/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-managers.h"
#include "kube-decode.h"
#include "kube-go-text.h"
#include "kube-last-applied.h"

/* How many managers that update are told apart; upstream's number. */
#define MAX_UPDATERS 10
#define BEFORE_FIRST_APPLY "before-first-apply"
#define ANCIENT_CHANGES "ancient-changes"
#define APPLY "Apply"
#define UPDATE "Update"

typedef struct {
  const char *name, *operation, *api_version, *subresource;
  const char *time;           /* (nullable) */
  KubeValue *entry;           /* (owned) (nullable): what it was read from, as long as it holds */
  const KubeFieldSet *fields; /* (nullable): see get_fields() */
} Manager;

/* All texts and sets are the arena's. */
struct _KubeManagers {
  KubeArena *arena;
  GPtrArray *list; /* (element-type Manager) */
};

static void
manager_clear (gpointer data)
{
  g_clear_pointer (&((Manager *) data)->entry, kube_value_unref);
}

KubeManagers *
kube_managers_new (void)
{
  KubeArena *arena = kube_arena_new ();
  KubeManagers *managers = kube_arena_alloc (arena, sizeof *managers);

  *managers = (KubeManagers){ arena, g_ptr_array_new_with_free_func (manager_clear) };
  return managers;
}

void
kube_managers_free (KubeManagers *managers)
{
  g_ptr_array_unref (managers->list);
  kube_arena_free (managers->arena);
}

gboolean
kube_managers_is_empty (KubeManagers *managers)
{
  return managers->list->len == 0;
}

static gboolean
is_applier (const Manager *manager)
{
  return g_str_equal (manager->operation, APPLY);
}

/* One that applies is the same in whichever version it does. */
static Manager *
find (KubeManagers *managers, const char *operation, const KubeManagerInfo *info)
{
  for (guint i = 0; i < managers->list->len; i++) {
    Manager *manager = g_ptr_array_index (managers->list, i);
    if (g_str_equal (manager->name, info->name) && g_str_equal (manager->operation, operation) && g_str_equal (manager->subresource, info->subresource) &&
        (is_applier (manager) || g_str_equal (manager->api_version, info->api_version)))
      return manager;
  }
  return NULL;
}

static Manager *
add (KubeManagers *managers, const char *operation, const KubeManagerInfo *info)
{
  KubeArena *arena = managers->arena;
  Manager *manager = kube_arena_alloc (arena, sizeof *manager);

  *manager = (Manager){
    .name = kube_arena_strdup (arena, info->name), .operation = operation, .api_version = kube_arena_strdup (arena, info->api_version),
    .subresource = kube_arena_strdup (arena, info->subresource), .time = kube_arena_strdup (arena, info->time),
  };
  g_ptr_array_add (managers->list, manager);
  return manager;
}

/* Entries are parsed when somebody first needs to know what is in them: most writes do not. */
static const KubeFieldSet *
get_fields (KubeManagers *managers, Manager *manager)
{
  if (manager->entry != NULL && manager->fields == NULL)
    manager->fields = kube_field_set_parse (managers->arena, kube_value_get_member (manager->entry, "fieldsV1"), NULL);
  return manager->fields;
}

static void
set_fields (Manager *manager, const KubeFieldSet *fields)
{
  g_clear_pointer (&manager->entry, kube_value_unref);
  manager->fields = fields;
}

static void
drop_empty (KubeManagers *managers)
{
  for (guint i = managers->list->len; i > 0; i--) {
    Manager *manager = g_ptr_array_index (managers->list, i - 1);
    if (manager->entry == NULL && kube_field_set_is_empty (manager->fields))
      g_ptr_array_remove_index (managers->list, i - 1);
  }
}

/* --- metadata.managedFields --- */

static const char *
get_text (KubeValue *entry, const char *key)
{
  const char *text = kube_value_get_member_string (entry, key);

  return text != NULL ? text : "";
}

/* @trusted: it is of a stored object. */
static gboolean
parse_entry (KubeManagers *managers, KubeValue *entry, gboolean trusted, GError **error)
{
  const char *operation = get_text (entry, "operation");
  KubeManagerInfo info = { get_text (entry, "manager"), get_text (entry, "apiVersion"), get_text (entry, "subresource"), kube_value_get_member_string (entry, "time"), NULL };
  gboolean applies = g_str_equal (operation, APPLY);
  Manager *same;

  if (!applies && !g_str_equal (operation, UPDATE)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "operation must be `Apply` or `Update`, is \"%s\"", operation);
    return FALSE;
  }
  same = find (managers, operation, &info);
  if (same != NULL)
    g_ptr_array_remove (managers->list, same);
  same = add (managers, applies ? APPLY : UPDATE, &info);
  if (!kube_value_is_object (kube_value_get_member (entry, "fieldsV1")))
    return TRUE;
  same->entry = kube_value_ref (entry);
  if (trusted)
    return TRUE;
  same->fields = kube_field_set_parse (managers->arena, kube_value_get_member (entry, "fieldsV1"), error);
  return same->fields != NULL;
}

static KubeManagers *
parse (KubeValue *entries, gboolean trusted, GError **error)
{
  g_autoptr (KubeManagers) managers = kube_managers_new ();

  for (guint i = 0; i < kube_value_get_length (entries); i++) {
    if (!parse_entry (managers, kube_value_get_element (entries, i), trusted, error))
      return NULL;
  }
  return g_steal_pointer (&managers);
}

static gboolean
is_reset (KubeValue *entries)
{
  guint length = kube_value_get_length (entries);

  if (!kube_value_is_array (entries))
    return FALSE;
  return length == 0 || (length == 1 && kube_value_get_length (kube_value_get_element (entries, 0)) == 0);
}

KubeManagers *
kube_managers_choose (KubeValue *live, KubeValue *next, gboolean subresource)
{
  KubeValue *stored = kube_value_get (live, "metadata.managedFields"), *sent = kube_value_get (next, "metadata.managedFields");
  KubeManagers *managers;

  if (!subresource && is_reset (sent))
    return kube_managers_new ();
  if (!subresource && sent != NULL) {
    managers = parse (sent, kube_value_equal (sent, stored), NULL);
    if (managers != NULL && managers->list->len > 0)
      return managers;
    g_clear_pointer (&managers, kube_managers_free);
  }
  managers = parse (stored, TRUE, NULL);
  return managers != NULL ? managers : kube_managers_new ();
}

static int
compare_managers (gconstpointer a, gconstpointer b)
{
  const Manager *left = *(const Manager *const *) a, *right = *(const Manager *const *) b;
  int order = strcmp (left->operation, right->operation);

  if (order == 0)
    order = g_strcmp0 (left->time, right->time);
  if (order == 0)
    order = strcmp (left->name, right->name);
  if (order == 0)
    order = strcmp (left->api_version, right->api_version);
  return order != 0 ? order : strcmp (left->subresource, right->subresource);
}

static void
write_text (KubeWriter *writer, const char *key, const char *text)
{
  kube_writer_push_text (writer, KUBE_VALUE_STRING, key, strlen (key));
  kube_writer_push_text (writer, KUBE_VALUE_STRING, text, strlen (text));
}

static void
write_manager (const Manager *manager, KubeWriter *writer)
{
  if (manager->entry != NULL) {
    kube_writer_push_value (writer, manager->entry, TRUE);
    return;
  }
  kube_writer_open (writer, KUBE_VALUE_OBJECT);
  write_text (writer, "apiVersion", manager->api_version);
  write_text (writer, "fieldsType", "FieldsV1");
  kube_writer_push_text (writer, KUBE_VALUE_STRING, "fieldsV1", strlen ("fieldsV1"));
  kube_field_set_write (manager->fields, writer);
  write_text (writer, "manager", manager->name);
  write_text (writer, "operation", manager->operation);
  if (*manager->subresource != '\0')
    write_text (writer, "subresource", manager->subresource);
  if (manager->time != NULL)
    write_text (writer, "time", manager->time);
  kube_writer_close (writer);
}

void
kube_managers_write (KubeManagers *managers, KubeNode *object)
{
  KubeNode *meta = kube_node_ensure_object (object, "metadata");
  KubeWriter *writer;
  g_autoptr (KubeValue) entries = NULL;

  if (managers->list->len > 0) {
    g_ptr_array_sort (managers->list, compare_managers);
    writer = kube_writer_acquire ();
    kube_writer_open (writer, KUBE_VALUE_ARRAY);
    for (guint i = 0; i < managers->list->len; i++)
      write_manager (g_ptr_array_index (managers->list, i), writer);
    kube_writer_close (writer);
    entries = kube_writer_finish (writer);
    kube_writer_release (writer);
  }
  kube_node_put_value (meta, "managedFields", entries);
}

/* --- what nobody owns --- */

/* Identity, what the server alone sets, and what such a request sets back. */
static void
strip (KubeFieldSet *fields, const KubeManagerInfo *info)
{
  static const char *const of_meta[] = { "f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:clusterName", "f:generation", "f:managedFields", "f:resourceVersion" };
  static const char *const of_object[] = { "f:apiVersion", "f:kind" };

  for (guint i = 0; i < G_N_ELEMENTS (of_object); i++)
    kube_field_set_remove (fields, &of_object[i], 1);
  for (guint i = 0; i < G_N_ELEMENTS (of_meta); i++)
    kube_field_set_remove (fields, (const char *const[]){ "f:metadata", of_meta[i] }, 2);
  kube_field_set_remove_alone (fields, "f:metadata");
  for (guint i = 0; info->reset != NULL && info->reset[i] != NULL; i++)
    kube_field_set_remove (fields, &info->reset[i], 1);
}

static void
compare (KubeManagers *managers, KubeKind *kind, const KubeManagerInfo *info, KubeValue *from, KubeValue *to, KubeComparison *out)
{
  kube_typed_compare (managers->arena, kube_slot_of_kind (kind), from, to, out);
  strip (out->added, info);
  strip (out->modified, info);
  strip (out->removed, info);
}

static const KubeFieldSet *
get_touched (KubeManagers *managers, const KubeComparison *comparison)
{
  return kube_field_set_union (managers->arena, comparison->added, comparison->modified);
}

/* --- update --- */

/* All but @self lose what the change touched or removed. Versions that differ name their fields differently: such managers keep what they have. */
static void
take_from_others (KubeManagers *managers, const Manager *self, const char *api_version, const KubeComparison *comparison)
{
  const KubeFieldSet *gone = kube_field_set_union (managers->arena, get_touched (managers, comparison), comparison->removed);

  for (guint i = 0; i < managers->list->len; i++) {
    Manager *manager = g_ptr_array_index (managers->list, i);
    if (manager == self || !g_str_equal (manager->api_version, api_version))
      continue;
    if (manager->entry == NULL || kube_field_set_meets (gone, kube_value_get_member (manager->entry, "fieldsV1")))
      set_fields (manager, kube_field_set_subtract (managers->arena, get_fields (managers, manager), gone));
  }
}

static int
compare_ages (gconstpointer a, gconstpointer b)
{
  const Manager *left = *(const Manager *const *) a, *right = *(const Manager *const *) b;
  int order = g_strcmp0 (left->time, right->time);

  return order != 0 ? order : strcmp (left->name, right->name);
}

/* Merges the oldest of too many managers that update into one for each version. */
static void
limit_updaters (KubeManagers *managers)
{
  g_autoptr (GPtrArray) updaters = g_ptr_array_new ();
  guint left;

  for (guint i = 0; i < managers->list->len; i++) {
    if (!is_applier (g_ptr_array_index (managers->list, i)))
      g_ptr_array_add (updaters, g_ptr_array_index (managers->list, i));
  }
  g_ptr_array_sort (updaters, compare_ages);
  left = updaters->len;
  for (guint i = 0; i < updaters->len && left > MAX_UPDATERS; i++) {
    Manager *old = g_ptr_array_index (updaters, i);
    KubeManagerInfo info = { ANCIENT_CHANGES, old->api_version, "", old->time, NULL };
    Manager *bucket = find (managers, UPDATE, &info);
    if (bucket == old)
      continue;
    if (bucket == NULL) {
      bucket = add (managers, UPDATE, &info);
      left++;
    }
    set_fields (bucket, kube_field_set_union (managers->arena, get_fields (managers, bucket), get_fields (managers, old)));
    bucket->time = old->time;
    g_ptr_array_remove (managers->list, old);
    left--;
  }
}

static void
record (KubeManagers *managers, KubeKind *kind, KubeValue *live, KubeValue *next, const KubeManagerInfo *info)
{
  KubeComparison comparison;
  const KubeFieldSet *touched;
  Manager *self;

  compare (managers, kind, info, live, next, &comparison);
  touched = get_touched (managers, &comparison);
  self = find (managers, UPDATE, info);
  if (self != NULL && !kube_field_set_is_empty (comparison.removed))
    set_fields (self, kube_field_set_subtract (managers->arena, get_fields (managers, self), comparison.removed));
  take_from_others (managers, self, info->api_version, &comparison);
  if (!kube_field_set_is_empty (touched)) {
    if (self == NULL)
      self = add (managers, UPDATE, info);
    set_fields (self, kube_field_set_union (managers->arena, get_fields (managers, self), touched));
    self->time = kube_arena_strdup (managers->arena, info->time);
  }
  drop_empty (managers);
  limit_updaters (managers);
}

void
kube_managers_update (KubeManagers *managers, KubeKind *kind, KubeValue *live, KubeValue *next, const KubeManagerInfo *info)
{
  g_autoptr (KubeValue) zero = NULL;

  if (managers->list->len == 0 && live != NULL)
    return;
  if (live == NULL)
    live = zero = kube_decode_zero (kind);
  record (managers, kind, live, next, info);
}

/* --- apply --- */

static char *
describe (const Manager *manager)
{
  GString *text = g_string_new (NULL);

  kube_go_quote (text, manager->name, -1);
  if (*manager->subresource != '\0') {
    g_string_append (text, " with subresource ");
    kube_go_quote (text, manager->subresource, -1);
  }
  if (!is_applier (manager))
    g_string_append_printf (text, " using %s", manager->api_version);
  return g_string_free (text, FALSE);
}

typedef struct {
  char *manager; /* as describe() has it */
  GPtrArray *paths;
} Conflict;

static void
conflict_free (gpointer data)
{
  Conflict *conflict = data;

  g_free (conflict->manager);
  g_ptr_array_unref (conflict->paths);
  g_free (conflict);
}

static GError *
to_error (GPtrArray *conflicts)
{
  g_autoptr (GString) lines = g_string_new (NULL), message = g_string_new (NULL);
  guint n = 0;
  GError *error;

  for (guint i = 0; i < conflicts->len; i++) {
    const Conflict *conflict = g_ptr_array_index (conflicts, i);
    n += conflict->paths->len;
    g_string_append_printf (lines, "%sconflicts with %s:", i > 0 ? "\n" : "", conflict->manager);
    for (guint k = 0; k < conflict->paths->len; k++)
      g_string_append_printf (lines, "\n- %s", (const char *) g_ptr_array_index (conflict->paths, k));
  }
  if (n == 1) {
    const Conflict *conflict = g_ptr_array_index (conflicts, 0);
    g_string_printf (message, "Apply failed with 1 conflict: conflict with %s: %s", conflict->manager, (const char *) g_ptr_array_index (conflict->paths, 0));
  } else {
    g_string_printf (message, "Apply failed with %u conflicts: %s", n, lines->str);
  }
  error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_CONFLICT, message->str);
  for (guint i = 0; i < conflicts->len; i++) {
    const Conflict *conflict = g_ptr_array_index (conflicts, i);
    g_autofree char *cause = g_strdup_printf ("conflict with %s", conflict->manager);
    for (guint k = 0; k < conflict->paths->len; k++)
      kube_error_add_cause (error, "FieldManagerConflict", g_ptr_array_index (conflict->paths, k), cause);
  }
  return error;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const Manager *const *) a)->name, (*(const Manager *const *) b)->name);
}

/* @allowed: (nullable): fields that may be taken from anybody. */
static GError *
find_conflicts (KubeManagers *managers, const Manager *self, const KubeComparison *comparison, const KubeFieldSet *allowed)
{
  const KubeFieldSet *touched = get_touched (managers, comparison);
  g_autoptr (GPtrArray) conflicts = g_ptr_array_new_with_free_func (conflict_free);

  g_ptr_array_sort (managers->list, compare_names);
  for (guint i = 0; i < managers->list->len; i++) {
    Manager *manager = g_ptr_array_index (managers->list, i);
    const KubeFieldSet *both, *forbidden;
    Conflict *conflict;
    if (manager == self || !g_str_equal (manager->api_version, self->api_version))
      continue;
    both = kube_field_set_intersect (managers->arena, get_fields (managers, manager), touched);
    forbidden = kube_field_set_subtract (managers->arena, both, allowed);
    if (kube_field_set_is_empty (forbidden))
      continue;
    conflict = g_new (Conflict, 1);
    *conflict = (Conflict){ describe (manager), kube_field_set_print (forbidden) };
    g_ptr_array_add (conflicts, conflict);
  }
  return conflicts->len > 0 ? to_error (conflicts) : NULL;
}

/* All that appliers own of such a version. */
static const KubeFieldSet *
get_applied (KubeManagers *managers, const char *api_version)
{
  const KubeFieldSet *applied = NULL;

  for (guint i = 0; i < managers->list->len; i++) {
    Manager *manager = g_ptr_array_index (managers->list, i);
    if (is_applier (manager) && g_str_equal (manager->api_version, api_version))
      applied = kube_field_set_union (managers->arena, applied, get_fields (managers, manager));
  }
  return applied;
}

static const KubeFieldSet *
get_named_fields (KubeArena *arena, KubeSlot slot, KubeValue *value)
{
  return kube_typed_name_parents (arena, slot, kube_typed_get_fields (arena, slot, value));
}

/* @merged without what @last (what its manager applied before) has and nobody applies any more; what others, or nobody, put below such a field keeps it. */
static KubeValue *
prune (KubeManagers *managers, KubeSlot slot, KubeValue *merged, const KubeFieldSet *last, const char *api_version)
{
  KubeArena *arena = managers->arena;
  const KubeFieldSet *named_last = kube_typed_name_parents (arena, slot, last), *had = get_named_fields (arena, slot, merged);
  const KubeFieldSet *applied = kube_typed_name_parents (arena, slot, get_applied (managers, api_version)), *kept, *dropped;
  g_autoptr (KubeValue) bare = kube_typed_remove (slot, merged, named_last), owned = NULL;

  kept = kube_field_set_union (arena, get_named_fields (arena, slot, bare), applied);
  owned = kube_typed_remove (slot, merged, kube_field_set_subtract (arena, had, kept));
  dropped = kube_field_set_subtract (arena, had, get_named_fields (arena, slot, owned));
  return kube_typed_remove (slot, merged, kube_field_set_intersect (arena, dropped, named_last));
}

/* What kubectl applied on the client's side is its own, whoever wrote it since in the same way. */
static GError *
refuse_conflicts (KubeManagers *managers, const Manager *self, KubeKind *kind, KubeValue *live, const KubeComparison *comparison)
{
  GError *error = find_conflicts (managers, self, comparison, NULL);

  if (error == NULL || !g_str_equal (self->name, "kubectl"))
    return error;
  g_error_free (error);
  return find_conflicts (managers, self, comparison, kube_last_applied_get_fields (managers->arena, kind, live, self->api_version));
}

KubeValue *
kube_managers_apply (KubeManagers *managers, KubeKind *kind, KubeValue *live, KubeValue *config, const KubeManagerInfo *info, gboolean force, GError **error)
{
  KubeSlot slot = kube_slot_of_kind (kind);
  g_autoptr (KubeValue) zero = kube_decode_zero (kind), merged = NULL, next = NULL;
  KubeComparison comparison;
  Manager *self;
  const KubeFieldSet *last;
  KubeFieldSet *said;
  GError *conflict;

  if (!kube_typed_check (slot, config, error))
    return NULL;
  if (managers->list->len == 0 && live != NULL) {
    KubeManagerInfo before = { BEFORE_FIRST_APPLY, info->api_version, info->subresource, info->time, info->reset };
    record (managers, kind, zero, live, &before);
  }
  merged = kube_typed_merge (slot, live != NULL ? live : zero, config);
  self = find (managers, APPLY, info);
  if (self == NULL) {
    self = add (managers, APPLY, info);
    self->time = NULL;
  }
  last = get_fields (managers, self);
  said = kube_typed_get_fields (managers->arena, slot, config);
  set_fields (self, said);
  next = kube_field_set_is_empty (last) ? kube_value_ref (merged) : prune (managers, slot, merged, last, self->api_version);
  self->api_version = kube_arena_strdup (managers->arena, info->api_version);

  compare (managers, kind, info, live != NULL ? live : zero, next, &comparison);
  conflict = force ? NULL : refuse_conflicts (managers, self, kind, live, &comparison);
  if (conflict != NULL) {
    g_propagate_error (error, conflict);
    return NULL;
  }
  take_from_others (managers, self, info->api_version, &comparison);
  strip (said, info); /* only now: what is not owned kept its parents until here */
  if (live == NULL || !kube_value_equal (live, next))
    self->time = kube_arena_strdup (managers->arena, info->time);
  drop_empty (managers);
  return g_steal_pointer (&next);
}
