/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-informer.h>

#include "kube-reflector-private.h"

typedef struct {
  char *key;          /* (owned) */
  KubeObject *object; /* (owned) */
  guint64 generation; /* of the list that it was last in */
} Entry;

typedef struct {
  const char *name; /* interned */
  KubeIndexFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable) */
  GHashTable *values; /* (element-type utf8 GHashTable): value -> set of Entry, not owned */
} Index;

struct _KubeInformer {
  GObject parent;

  KubeClient *client; /* (owned) */
  KubeClock *clock;   /* (owned) (nullable): the real one */
  KubeKind *kind;     /* (owned) */
  char *namespace_;
  char *label_selector;
  char *field_selector;
  gboolean streaming;

  KubeReflector *reflector; /* (owned) (nullable) */
  GHashTable *entries;      /* (element-type utf8 Entry): key owned by the entry */
  GPtrArray *indexes;       /* (element-type Index) */
  guint64 generation;
  gboolean synced;
};

enum { ADDED, UPDATED, REMOVED, SYNCED, ERROR, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (KubeInformer, kube_informer, G_TYPE_OBJECT)

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  g_free (entry->key);
  kube_object_unref (entry->object);
  g_free (entry);
}

static void
index_free (gpointer data)
{
  Index *index = data;

  if (index->destroy != NULL)
    index->destroy (index->user_data);
  g_hash_table_unref (index->values);
  g_free (index);
}

static void
kube_informer_dispose (GObject *object)
{
  kube_informer_stop (KUBE_INFORMER (object));
  G_OBJECT_CLASS (kube_informer_parent_class)->dispose (object);
}

static void
kube_informer_finalize (GObject *object)
{
  KubeInformer *self = KUBE_INFORMER (object);

  g_ptr_array_unref (self->indexes);
  g_hash_table_unref (self->entries);
  g_free (self->namespace_);
  g_free (self->label_selector);
  g_free (self->field_selector);
  kube_kind_unref (self->kind);
  g_clear_object (&self->clock);
  g_object_unref (self->client);
  G_OBJECT_CLASS (kube_informer_parent_class)->finalize (object);
}

static guint
new_signal (const char *name, guint n_params, GType param)
{
  return g_signal_new (name, KUBE_TYPE_INFORMER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, n_params,
                       param | G_SIGNAL_TYPE_STATIC_SCOPE, param | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
kube_informer_class_init (KubeInformerClass *class)
{
  G_OBJECT_CLASS (class)->dispose = kube_informer_dispose;
  G_OBJECT_CLASS (class)->finalize = kube_informer_finalize;

  /**
   * KubeInformer::added:
   * @informer: the informer
   * @object: what is new
   *
   * Since: 1.0
   */
  signals[ADDED] = new_signal ("added", 1, KUBE_TYPE_OBJECT);
  /**
   * KubeInformer::updated:
   * @informer: the informer
   * @old: what it was
   * @object: what it is
   *
   * Both have the same uid: an object that was replaced by another of its name is removed, then added.
   *
   * Since: 1.0
   */
  signals[UPDATED] = new_signal ("updated", 2, KUBE_TYPE_OBJECT);
  /**
   * KubeInformer::removed:
   * @informer: the informer
   * @object: what it last was, as far as is known
   *
   * Since: 1.0
   */
  signals[REMOVED] = new_signal ("removed", 1, KUBE_TYPE_OBJECT);
  /**
   * KubeInformer::synced:
   * @informer: the informer
   *
   * Once, after all that the first list had was handed out.
   *
   * Since: 1.0
   */
  signals[SYNCED] = new_signal ("synced", 0, G_TYPE_NONE);
  /**
   * KubeInformer::error:
   * @informer: the informer
   * @error: what went wrong
   *
   * The informer tries again by itself, later and later.
   *
   * Since: 1.0
   */
  signals[ERROR] = new_signal ("error", 1, G_TYPE_ERROR);
}

static void
kube_informer_init (KubeInformer *self)
{
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  self->indexes = g_ptr_array_new_with_free_func (index_free);
}

/**
 * kube_informer_new:
 * @client: the way to the server
 * @kind: of what
 * @namespace_: (nullable): %NULL for all
 *
 * Returns: (transfer full): an informer that was not started
 * Since: 1.0
 */
KubeInformer *
kube_informer_new (KubeClient *client, KubeKind *kind, const char *namespace_)
{
  KubeInformer *self = g_object_new (KUBE_TYPE_INFORMER, NULL);

  self->client = g_object_ref (client);
  self->kind = kube_kind_ref (kind);
  self->namespace_ = g_strdup (namespace_);
  return self;
}

/**
 * kube_informer_set_selectors:
 * @informer: an informer that was not started
 * @label_selector: (nullable): text as in a request's option
 * @field_selector: (nullable): text as in a request's option
 *
 * Since: 1.0
 */
void
kube_informer_set_selectors (KubeInformer *informer, const char *label_selector, const char *field_selector)
{
  g_free (informer->label_selector);
  g_free (informer->field_selector);
  informer->label_selector = g_strdup (label_selector);
  informer->field_selector = g_strdup (field_selector);
}

/**
 * kube_informer_set_clock:
 * @informer: an informer that was not started
 * @clock: (nullable): the real one
 *
 * Since: 1.0
 */
void
kube_informer_set_clock (KubeInformer *informer, KubeClock *clock)
{
  g_set_object (&informer->clock, clock);
}

/**
 * kube_informer_set_streaming:
 * @informer: an informer that was not started
 * @streaming: whether to read what there is as a stream of events (`sendInitialEvents`) instead of lists, while the server can do
 *   that; it spares the server whole lists of large collections
 *
 * Since: 1.0
 */
void
kube_informer_set_streaming (KubeInformer *informer, gboolean streaming)
{
  informer->streaming = streaming;
}

static void
index_add (Index *index, Entry *entry)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  index->func (entry->object, values, index->user_data);
  for (guint i = 0; i < values->len; i++) {
    const char *value = g_ptr_array_index (values, i);
    GHashTable *set = g_hash_table_lookup (index->values, value);
    if (set == NULL) {
      set = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (index->values, g_strdup (value), set);
    }
    g_hash_table_add (set, entry);
  }
}

static void
index_remove (Index *index, Entry *entry)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  index->func (entry->object, values, index->user_data);
  for (guint i = 0; i < values->len; i++) {
    const char *value = g_ptr_array_index (values, i);
    GHashTable *set = g_hash_table_lookup (index->values, value);
    if (set == NULL)
      continue;
    g_hash_table_remove (set, entry);
    if (g_hash_table_size (set) == 0)
      g_hash_table_remove (index->values, value);
  }
}

static void
index_all (KubeInformer *self, Entry *entry, void (*change) (Index *index, Entry *entry))
{
  for (guint i = 0; i < self->indexes->len; i++)
    change (g_ptr_array_index (self->indexes, i), entry);
}

static void
put_new (KubeInformer *self, char *key, KubeObject *object)
{
  Entry *entry = g_new (Entry, 1);

  entry->key = key;
  entry->object = kube_object_ref (object);
  entry->generation = self->generation;
  g_hash_table_insert (self->entries, entry->key, entry);
  index_all (self, entry, index_add);
  g_signal_emit (self, signals[ADDED], 0, object);
}

static void
take_out (KubeInformer *self, Entry *entry, KubeObject *last)
{
  g_autoptr (KubeObject) object = kube_object_ref (last != NULL ? last : entry->object);

  index_all (self, entry, index_remove);
  g_hash_table_remove (self->entries, entry->key);
  g_signal_emit (self, signals[REMOVED], 0, object);
}

static void
put (KubeInformer *self, KubeObject *object)
{
  g_autofree char *key = kube_object_dup_key (object);
  Entry *entry = g_hash_table_lookup (self->entries, key);
  const KubeReflector *reflector = self->reflector;

  if (entry != NULL && g_strcmp0 (kube_object_get_uid (entry->object), kube_object_get_uid (object)) != 0) {
    take_out (self, entry, NULL);
    entry = NULL;
    if (self->reflector != reflector)
      return;
  }
  if (entry == NULL) {
    put_new (self, g_steal_pointer (&key), object);
    return;
  }
  entry->generation = self->generation;
  if (g_strcmp0 (kube_object_get_resource_version (entry->object), kube_object_get_resource_version (object)) == 0)
    return;
  g_autoptr (KubeObject) old = entry->object;
  index_all (self, entry, index_remove);
  entry->object = kube_object_ref (object);
  index_all (self, entry, index_add);
  g_signal_emit (self, signals[UPDATED], 0, old, object);
}

static void
remove_unlisted (KubeInformer *self)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_free);
  const KubeReflector *reflector = self->reflector;
  GHashTableIter iter;
  Entry *entry;

  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &entry)) {
    if (entry->generation != self->generation)
      g_ptr_array_add (gone, g_strdup (entry->key));
  }
  for (guint i = 0; i < gone->len && self->reflector == reflector; i++) {
    entry = g_hash_table_lookup (self->entries, g_ptr_array_index (gone, i));
    if (entry != NULL)
      take_out (self, entry, NULL);
  }
}

static void
on_replace (GPtrArray *objects, gpointer user_data)
{
  g_autoptr (KubeInformer) self = g_object_ref (user_data);
  const KubeReflector *reflector = self->reflector; /* a listener may stop the informer, and start it anew */

  self->generation++;
  for (guint i = 0; i < objects->len && self->reflector == reflector; i++)
    put (self, g_ptr_array_index (objects, i));
  if (self->reflector == reflector)
    remove_unlisted (self);
  if (self->reflector != reflector || self->synced)
    return;
  self->synced = TRUE;
  g_signal_emit (self, signals[SYNCED], 0);
}

static void
on_event (KubeWatchEventType type, KubeObject *object, gpointer user_data)
{
  g_autoptr (KubeInformer) self = g_object_ref (user_data);

  if (type != KUBE_WATCH_DELETED) {
    put (self, object);
    return;
  }
  g_autofree char *key = kube_object_dup_key (object);
  Entry *entry = g_hash_table_lookup (self->entries, key);
  if (entry != NULL)
    take_out (self, entry, object);
}

static void
on_error (const GError *error, gpointer user_data)
{
  g_autoptr (KubeInformer) self = g_object_ref (user_data);
  g_signal_emit (self, signals[ERROR], 0, error);
}

static const KubeReflectorFuncs reflector_funcs = { on_replace, on_event, on_error };

/**
 * kube_informer_start:
 * @informer: an informer
 *
 * Begins to list and watch. An informer that was stopped goes on with what it has: what changed meanwhile is handed out.
 *
 * Since: 1.0
 */
void
kube_informer_start (KubeInformer *informer)
{
  if (informer->reflector != NULL)
    return;
  informer->reflector = kube_reflector_new (informer->client, informer->clock != NULL ? informer->clock : kube_clock_get_real (),
                                            informer->kind, informer->namespace_, &reflector_funcs, informer);
  kube_reflector_set_selectors (informer->reflector, informer->label_selector, informer->field_selector);
  kube_reflector_set_streaming (informer->reflector, informer->streaming);
  kube_reflector_start (informer->reflector);
}

/**
 * kube_informer_stop:
 * @informer: an informer
 *
 * No signal comes after it; what it holds can still be read.
 *
 * Since: 1.0
 */
void
kube_informer_stop (KubeInformer *informer)
{
  g_autoptr (KubeReflector) reflector = g_steal_pointer (&informer->reflector);

  if (reflector != NULL)
    kube_reflector_stop (reflector);
}

/**
 * kube_informer_is_synced:
 * @informer: an informer
 *
 * Returns: whether the first list was handed out
 * Since: 1.0
 */
gboolean
kube_informer_is_synced (KubeInformer *informer)
{
  return informer->synced;
}

/**
 * kube_informer_get_kind:
 * @informer: an informer
 *
 * Returns: (transfer none): its kind
 * Since: 1.0
 */
KubeKind *
kube_informer_get_kind (KubeInformer *informer)
{
  return informer->kind;
}

/**
 * kube_informer_get_revision:
 * @informer: an informer
 *
 * Returns: the newest resourceVersion that it has seen, bookmarks included; 0 before the first list and once it is stopped
 * Since: 1.0
 */
guint64
kube_informer_get_revision (KubeInformer *informer)
{
  const char *text = informer->reflector != NULL ? kube_reflector_get_resource_version (informer->reflector) : NULL;
  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;
}

/**
 * kube_informer_get:
 * @informer: an informer
 * @namespace_: (nullable): %NULL for cluster-scoped kinds
 * @name: name of the object
 *
 * Returns: (transfer none) (nullable): the object
 * Since: 1.0
 */
KubeObject *
kube_informer_get (KubeInformer *informer, const char *namespace_, const char *name)
{
  g_autofree char *key = namespace_ != NULL ? g_strconcat (namespace_, "/", name, NULL) : NULL;
  return kube_informer_get_by_key (informer, key != NULL ? key : name);
}

/**
 * kube_informer_get_by_key:
 * @informer: an informer
 * @key: as kube_object_dup_key() has it
 *
 * Returns: (transfer none) (nullable): the object
 * Since: 1.0
 */
KubeObject *
kube_informer_get_by_key (KubeInformer *informer, const char *key)
{
  const Entry *entry = g_hash_table_lookup (informer->entries, key);
  return entry != NULL ? entry->object : NULL;
}

static void
add_if (GPtrArray *out, const Entry *entry, const char *namespace_, KubeSelector *selector)
{
  if (namespace_ != NULL && g_strcmp0 (kube_object_get_namespace (entry->object), namespace_) != 0)
    return;
  if (selector == NULL || kube_selector_matches (selector, entry->object))
    g_ptr_array_add (out, kube_object_ref (entry->object));
}

static Index *
find_index (KubeInformer *self, const char *name)
{
  for (guint i = 0; i < self->indexes->len; i++) {
    Index *index = g_ptr_array_index (self->indexes, i);
    if (g_str_equal (index->name, name))
      return index;
  }
  return NULL;
}

/**
 * kube_informer_list:
 * @informer: an informer
 * @namespace_: (nullable): %NULL for all
 * @selector: (nullable): %NULL for all
 *
 * Returns: (transfer container) (element-type KubeObject): a snapshot, ordered by nothing
 * Since: 1.0
 */
GPtrArray *
kube_informer_list (KubeInformer *informer, const char *namespace_, KubeSelector *selector)
{
  GPtrArray *out = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  Index *index = namespace_ != NULL ? find_index (informer, "namespace") : NULL;
  GHashTable *within = index != NULL ? g_hash_table_lookup (index->values, namespace_) : informer->entries;
  GHashTableIter iter;
  Entry *entry;

  if (within == NULL)
    return out;
  g_hash_table_iter_init (&iter, within);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &entry))
    add_if (out, entry, namespace_, selector);
  return out;
}

/**
 * kube_informer_get_length:
 * @informer: an informer
 *
 * Returns: how many objects there are
 * Since: 1.0
 */
guint
kube_informer_get_length (KubeInformer *informer)
{
  return g_hash_table_size (informer->entries);
}

static void
index_namespace (KubeObject *object, GPtrArray *values, gpointer user_data)
{
  const char *namespace_ = kube_object_get_namespace (object);

  if (namespace_ != NULL)
    g_ptr_array_add (values, g_strdup (namespace_));
}

static void
index_controller (KubeObject *object, GPtrArray *values, gpointer user_data)
{
  const char *uid = kube_value_get_string (kube_object_get_controller (object), "uid");

  if (uid != NULL)
    g_ptr_array_add (values, g_strdup (uid));
}

static void
index_owner (KubeObject *object, GPtrArray *values, gpointer user_data)
{
  KubeValue *owners = kube_object_get (object, "metadata.ownerReferences");

  for (guint i = 0; i < kube_value_get_length (owners); i++) {
    const char *uid = kube_value_get_string (kube_value_get_element (owners, i), "uid");
    if (uid != NULL)
      g_ptr_array_add (values, g_strdup (uid));
  }
}

static const struct {
  const char *name;
  KubeIndexFunc func;
} ready_made[] = {
  { "namespace", index_namespace },
  { "controller", index_controller },
  { "owner", index_owner },
};

static Index *
make_index (KubeInformer *self, const char *name, KubeIndexFunc func, gpointer user_data, GDestroyNotify destroy)
{
  Index *index = g_new (Index, 1);
  GHashTableIter iter;
  Entry *entry;

  *index = (Index){ g_intern_string (name), func, user_data, destroy, NULL };
  index->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  g_ptr_array_add (self->indexes, index);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &entry))
    index_add (index, entry);
  return index;
}

static Index *
get_index (KubeInformer *self, const char *name)
{
  Index *index = find_index (self, name);

  for (guint i = 0; index == NULL && i < G_N_ELEMENTS (ready_made); i++) {
    if (g_str_equal (name, ready_made[i].name))
      index = make_index (self, ready_made[i].name, ready_made[i].func, NULL, NULL);
  }
  return index;
}

/**
 * kube_informer_add_index: (skip)
 * @informer: an informer
 * @name: its name; an index of the same name is made once
 * @func: (scope forever) (nullable): says under which values an object is found; of an object it must always say the same.
 *   %NULL for the ready-made ones, which are also made when they are first read
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_informer_add_index (KubeInformer *informer, const char *name, KubeIndexFunc func, gpointer user_data)
{
  if (func != NULL && find_index (informer, name) == NULL)
    make_index (informer, name, func, user_data, NULL);
  g_return_if_fail (get_index (informer, name) != NULL);
}

typedef struct {
  KubeIndexListFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable) */
} ListFunc;

static void
list_func_free (gpointer data)
{
  ListFunc *list = data;

  if (list->destroy != NULL)
    list->destroy (list->user_data);
  g_free (list);
}

static void
add_listed_values (KubeObject *object, GPtrArray *values, gpointer user_data)
{
  ListFunc *list = user_data;
  g_autofree char **found = list->func (object, list->user_data);

  for (char **value = found; value != NULL && *value != NULL; value++)
    g_ptr_array_add (values, *value);
}

/**
 * kube_informer_add_index_full: (rename-to kube_informer_add_index)
 * @informer: an informer
 * @name: its name; an index of the same name is made once
 * @func: (scope notified) (closure user_data) (destroy destroy): says under which values an object is found; of an object it must always say the same
 * @user_data: its argument
 * @destroy: (nullable): frees @user_data
 *
 * As kube_informer_add_index(), for languages whose functions return what they find.
 *
 * Since: 1.0
 */
void
kube_informer_add_index_full (KubeInformer *informer, const char *name, KubeIndexListFunc func, gpointer user_data, GDestroyNotify destroy)
{
  ListFunc *list = g_new (ListFunc, 1);

  *list = (ListFunc){ func, user_data, destroy };
  if (find_index (informer, name) == NULL)
    make_index (informer, name, add_listed_values, list, list_func_free);
  else
    list_func_free (list);
}

/**
 * kube_informer_list_by:
 * @informer: an informer
 * @index: name of an index
 * @value: a value in it
 *
 * Returns: (transfer container) (element-type KubeObject): a snapshot of what is found there, ordered by nothing
 * Since: 1.0
 */
GPtrArray *
kube_informer_list_by (KubeInformer *informer, const char *index, const char *value)
{
  GPtrArray *out = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  Index *found = get_index (informer, index);
  GHashTable *set = found != NULL ? g_hash_table_lookup (found->values, value) : NULL;
  GHashTableIter iter;
  Entry *entry;

  g_return_val_if_fail (found != NULL, out);
  if (set == NULL)
    return out;
  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, (gpointer *) &entry, NULL))
    g_ptr_array_add (out, kube_object_ref (entry->object));
  return out;
}
