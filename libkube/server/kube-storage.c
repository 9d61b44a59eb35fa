/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-storage.h"
#include "kube-schema.h"

/* One slice of a range: how much is copied within one read transaction of the store. */
#define SLICE 512

typedef struct {
  GPtrArray *objects;
  char *last;
} Slice;

char *
kube_storage_key (KubeKind *kind, const char *namespace_, const char *name)
{
  const char *group = kind->storage_group != NULL ? kind->storage_group : kind->group;
  GString *key = g_string_sized_new (128);

  g_string_append (key, "/registry/");
  g_string_append (key, *group != '\0' ? group : "core");
  g_string_append_c (key, '/');
  g_string_append (key, kind->plural);
  g_string_append_c (key, '/');
  if (kind->namespaced && namespace_ != NULL && *namespace_ != '\0') {
    g_string_append (key, namespace_);
    g_string_append_c (key, '/');
  }
  if (name != NULL)
    g_string_append (key, name);
  return g_string_free (key, FALSE);
}

char *
kube_storage_end_of (const char *prefix)
{
  gsize length = strlen (prefix);
  char *end = g_strdup (prefix);

  g_assert (length > 0 && end[length - 1] == '/');
  end[length - 1] = '/' + 1;
  return end;
}

GError *
kube_storage_not_found (KubeKind *kind, const char *name)
{
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s \"%s\" not found", kind->qualified_name, name);
  kube_error_set_subject (error, kind->group, kind->plural, name);
  return error;
}

KubeObject *
kube_storage_get (KubeStore *store, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  g_autofree char *key = kube_storage_key (kind, namespace_, name);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GBytes) bytes = kube_store_get (store, key, NULL, &failure);

  if (bytes != NULL)
    return kube_object_new_from_bytes (bytes);
  if (g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
    g_propagate_error (error, kube_storage_not_found (kind, name));
  else
    g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

static gboolean
collect (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  Slice *slice = user_data;
  g_autoptr (GBytes) bytes = g_bytes_new (value, length);

  g_ptr_array_add (slice->objects, kube_object_new_from_bytes (bytes));
  g_free (slice->last);
  slice->last = g_strdup (key);
  return TRUE;
}

GPtrArray *
kube_storage_list (KubeStore *store, KubeKind *kind, const char *namespace_, guint64 *revision, GError **error)
{
  g_autofree char *start = kube_storage_key (kind, namespace_, NULL);
  g_autofree char *end = kube_storage_end_of (start);
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  guint64 at = 0;
  gboolean more = TRUE;

  while (more) {
    KubeStoreRange range = { start, end, at, SLICE };
    Slice slice = { objects, NULL };
    if (!kube_store_range (store, &range, collect, &slice, &at, &more, error))
      return NULL;
    if (slice.last != NULL) {
      /* the least key after the last one */
      g_free (start);
      start = g_strconcat (slice.last, "\001", NULL);
      g_free (slice.last);
    }
  }
  if (revision != NULL)
    *revision = at;
  return g_steal_pointer (&objects);
}
