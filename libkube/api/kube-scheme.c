/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>

#include "kube-schema.h"

#include <string.h>

/* The kinds of Kubernetes are constant tables behind two hash indexes that all schemes share. What a scheme adds, replaces or
 * removes lies over them. Kinds that leave a scheme live as long as it does, because lookups lend them. */
struct _KubeScheme {
  GObject parent_instance;

  gboolean constant;
  GRWLock lock;
  GHashTable *by_kind;     /* (lock) (element-type utf8 KubeKind) "apps/v1/Deployment"; a NULL value: removed */
  GHashTable *by_resource; /* (lock) (element-type utf8 KubeKind) "apps/v1/deployments"; a NULL value: removed */
  GPtrArray *retired;      /* (lock) (element-type KubeKind) (owned) */
  int n_changes;           /* atomic: whether the tables above need to be asked */
  guint64 generation;      /* (lock) */
};

G_DEFINE_FINAL_TYPE (KubeScheme, kube_scheme, G_TYPE_OBJECT)

#define INDEX_SIZE 1024

static struct {
  gsize ready;
  guint16 kinds[INDEX_SIZE]; /* 1 + index in kube_schema_kinds; 0: free */
  guint16 resources[INDEX_SIZE];
} builtin;

static guint
hash_two (const char *a, const char *b)
{
  guint hash = 5381;

  for (; *a != '\0'; a++)
    hash = hash * 33 + (guchar)*a;
  hash = hash * 33 + '/';
  for (; *b != '\0'; b++)
    hash = hash * 33 + (guchar)*b;
  return hash ^ (hash >> 15);
}

static void
index_put (guint16 *slots, const char *api_version, const char *name, guint position)
{
  guint slot = hash_two (api_version, name) % INDEX_SIZE;

  while (slots[slot] != 0)
    slot = (slot + 1) % INDEX_SIZE;
  slots[slot] = position + 1;
}

static void
builtin_prepare (void)
{
  if (!g_once_init_enter (&builtin.ready))
    return;
  g_assert (kube_schema_n_kinds < INDEX_SIZE / 2);
  for (guint i = 0; i < kube_schema_n_kinds; i++) {
    const KubeKind *kind = &kube_schema_kinds[i];

    index_put (builtin.kinds, kind->api_version, kind->name, i);
    if (kind->verbs != 0)
      index_put (builtin.resources, kind->api_version, kind->plural, i);
  }
  g_once_init_leave (&builtin.ready, 1);
}

static KubeKind *
builtin_find (const guint16 *slots, const char *api_version, const char *name)
{
  gboolean by_kind = slots == builtin.kinds;

  for (guint slot = hash_two (api_version, name) % INDEX_SIZE; slots[slot] != 0; slot = (slot + 1) % INDEX_SIZE) {
    const KubeKind *kind = &kube_schema_kinds[slots[slot] - 1];

    if (strcmp (by_kind ? kind->name : kind->plural, name) == 0 && strcmp (kind->api_version, api_version) == 0)
      return (KubeKind *)kind;
  }
  return NULL;
}

static void
kube_scheme_finalize (GObject *object)
{
  KubeScheme *self = KUBE_SCHEME (object);

  g_hash_table_unref (self->by_kind);
  g_hash_table_unref (self->by_resource);
  g_ptr_array_unref (self->retired);
  g_rw_lock_clear (&self->lock);
  G_OBJECT_CLASS (kube_scheme_parent_class)->finalize (object);
}

static void
kube_scheme_class_init (KubeSchemeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_scheme_finalize;
}

static void
kube_scheme_init (KubeScheme *self)
{
  builtin_prepare ();
  g_rw_lock_init (&self->lock);
  self->by_kind = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->by_resource = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->retired = g_ptr_array_new_with_free_func ((GDestroyNotify)kube_kind_unref);
  self->generation = 1;
}

/**
 * kube_scheme_get_default:
 *
 * The scheme with the kinds of Kubernetes. It cannot be changed.
 *
 * Returns: (transfer none): the scheme
 *
 * Since: 1.0
 */
KubeScheme *
kube_scheme_get_default (void)
{
  static KubeScheme *scheme;

  if (g_once_init_enter (&scheme)) {
    KubeScheme *made = g_object_new (KUBE_TYPE_SCHEME, NULL);

    made->constant = TRUE;
    g_once_init_leave (&scheme, made);
  }
  return scheme;
}

/**
 * kube_scheme_new:
 *
 * Makes a scheme that begins with the kinds of Kubernetes.
 *
 * Returns: (transfer full): the scheme
 *
 * Since: 1.0
 */
KubeScheme *
kube_scheme_new (void)
{
  return g_object_new (KUBE_TYPE_SCHEME, NULL);
}

/* Whether the scheme's own tables know the name; *kind is NULL where it was removed. */
static gboolean
overlay_find (KubeScheme *self, GHashTable *table, const char *api_version, const char *name, KubeKind **kind)
{
  g_autofree char *key = NULL;
  gboolean found;

  if (g_atomic_int_get (&self->n_changes) == 0)
    return FALSE;
  key = g_strconcat (api_version, "/", name, NULL);
  g_rw_lock_reader_lock (&self->lock);
  found = g_hash_table_lookup_extended (table, key, NULL, (gpointer *)kind);
  g_rw_lock_reader_unlock (&self->lock);
  return found;
}

/**
 * kube_scheme_find_kind:
 * @scheme: a scheme
 * @api_version: group and version: `v1`, `apps/v1`
 * @kind: a kind's name
 *
 * Returns: (transfer none) (nullable): the kind
 *
 * Since: 1.0
 */
KubeKind *
kube_scheme_find_kind (KubeScheme *scheme, const char *api_version, const char *kind)
{
  KubeKind *found = NULL;

  g_return_val_if_fail (api_version != NULL && kind != NULL, NULL);
  if (overlay_find (scheme, scheme->by_kind, api_version, kind, &found))
    return found;
  return builtin_find (builtin.kinds, api_version, kind);
}

/**
 * kube_scheme_find_resource:
 * @scheme: a scheme
 * @group: API group, "" for the core group
 * @version: version
 * @plural: the resource's name in paths
 *
 * Returns: (transfer none) (nullable): the kind of the resource
 *
 * Since: 1.0
 */
KubeKind *
kube_scheme_find_resource (KubeScheme *scheme, const char *group, const char *version, const char *plural)
{
  char api_version[512];
  KubeKind *found = NULL;

  g_return_val_if_fail (group != NULL && version != NULL && plural != NULL, NULL);
  if (g_snprintf (api_version, sizeof api_version, "%s%s%s", group, group[0] != '\0' ? "/" : "", version)
      >= (int)sizeof api_version)
    return NULL;
  if (overlay_find (scheme, scheme->by_resource, api_version, plural, &found))
    return found;
  return builtin_find (builtin.resources, api_version, plural);
}

static int
kind_compare (gconstpointer a, gconstpointer b)
{
  const KubeKind *x = *(KubeKind *const *)a, *y = *(KubeKind *const *)b;
  int order = strcmp (x->group, y->group);

  if (order == 0)
    order = strcmp (x->version, y->version);
  return order != 0 ? order : strcmp (x->plural, y->plural);
}

/**
 * kube_scheme_list_kinds:
 * @scheme: a scheme
 *
 * All kinds that have a resource, ordered by group, version and plural.
 *
 * Returns: (transfer container) (element-type KubeKind): the kinds
 *
 * Since: 1.0
 */
GPtrArray *
kube_scheme_list_kinds (KubeScheme *scheme)
{
  GPtrArray *kinds = g_ptr_array_new_with_free_func ((GDestroyNotify)kube_kind_unref);
  GHashTableIter iter;
  gpointer kind;

  g_rw_lock_reader_lock (&scheme->lock);
  for (guint i = 0; i < kube_schema_n_kinds && kube_schema_kinds[i].verbs != 0; i++) {
    const KubeKind *constant = &kube_schema_kinds[i];
    g_autofree char *key = g_strconcat (constant->api_version, "/", constant->plural, NULL);

    if (!g_hash_table_contains (scheme->by_resource, key))
      g_ptr_array_add (kinds, (gpointer)constant);
  }
  g_hash_table_iter_init (&iter, scheme->by_resource);
  while (g_hash_table_iter_next (&iter, NULL, &kind))
    if (kind != NULL)
      g_ptr_array_add (kinds, kube_kind_ref (kind));
  g_rw_lock_reader_unlock (&scheme->lock);
  g_ptr_array_sort (kinds, kind_compare);
  return kinds;
}

static void
overlay_set (KubeScheme *self, KubeKind *kind, KubeKind *value)
{
  g_hash_table_insert (self->by_kind, g_strconcat (kind->api_version, "/", kind->name, NULL), value);
  g_hash_table_insert (self->by_resource, g_strconcat (kind->api_version, "/", kind->plural, NULL), value);
}

static gboolean
check_names (KubeScheme *scheme, KubeKind *kind, GError **error)
{
  KubeKind *other;

  if (scheme->constant) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "the default scheme cannot be changed");
    return FALSE;
  }
  if (kind->version[0] == '\0' || kind->name[0] == '\0' || kind->plural[0] == '\0') {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "a kind needs a version, a name and a plural: \"%s\" \"%s\" \"%s\"",
                 kind->version, kind->name, kind->plural);
    return FALSE;
  }
  other = kube_scheme_find_kind (scheme, kind->api_version, kind->name);
  if (other != NULL && strcmp (other->plural, kind->plural) != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "kind \"%s\" of %s already belongs to resource \"%s\"", kind->name,
                 kind->api_version, other->plural);
    return FALSE;
  }
  return TRUE;
}

/**
 * kube_scheme_add_kind:
 * @scheme: a scheme of one's own
 * @kind: what to add
 * @error: return location for an error
 *
 * Adds a kind, or replaces the one of the same group, version and plural. %KUBE_ERROR_INVALID: the scheme is the default one, or
 * the names clash.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
kube_scheme_add_kind (KubeScheme *scheme, KubeKind *kind, GError **error)
{
  KubeKind *old;

  if (!check_names (scheme, kind, error))
    return FALSE;
  old = kube_scheme_find_resource (scheme, kind->group, kind->version, kind->plural);
  g_rw_lock_writer_lock (&scheme->lock);
  if (old != NULL)
    overlay_set (scheme, old, NULL);
  g_ptr_array_add (scheme->retired, kube_kind_ref (kind));
  overlay_set (scheme, kind, kind);
  scheme->generation++;
  g_atomic_int_set (&scheme->n_changes, 1);
  g_rw_lock_writer_unlock (&scheme->lock);
  return TRUE;
}

/**
 * kube_scheme_remove_kind:
 * @scheme: a scheme of one's own
 * @kind: what to remove
 *
 * Returns: whether it was there
 *
 * Since: 1.0
 */
gboolean
kube_scheme_remove_kind (KubeScheme *scheme, KubeKind *kind)
{
  if (scheme->constant || kube_scheme_find_resource (scheme, kind->group, kind->version, kind->plural) != kind)
    return FALSE;
  g_rw_lock_writer_lock (&scheme->lock);
  overlay_set (scheme, kind, NULL);
  scheme->generation++;
  g_atomic_int_set (&scheme->n_changes, 1);
  g_rw_lock_writer_unlock (&scheme->lock);
  return TRUE;
}

/**
 * kube_scheme_get_generation:
 * @scheme: a scheme
 *
 * Returns: a number that grows with each change, for caches of what is derived from the scheme
 *
 * Since: 1.0
 */
guint64
kube_scheme_get_generation (KubeScheme *scheme)
{
  guint64 generation;

  g_rw_lock_reader_lock (&scheme->lock);
  generation = scheme->generation;
  g_rw_lock_reader_unlock (&scheme->lock);
  return generation;
}
