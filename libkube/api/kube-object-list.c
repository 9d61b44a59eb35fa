/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-object.h>

struct _KubeObjectList {
  gatomicrefcount refs;
  GPtrArray *objects; /* (owned) (element-type KubeObject) */
  char *resource_version;
  char *continue_token;
  gint64 remaining;
};

G_DEFINE_BOXED_TYPE (KubeObjectList, kube_object_list, kube_object_list_ref, kube_object_list_unref)

/**
 * kube_object_list_new:
 * @objects: (transfer full) (element-type KubeObject): the objects
 * @resource_version: (nullable): the revision at which they were read
 * @continue_token: (nullable): where the next page begins, %NULL or "" on the last one
 * @remaining: how many come after these, or -1 where that is not known
 *
 * Returns: (transfer full): the list
 * Since: 1.0
 */
KubeObjectList *
kube_object_list_new (GPtrArray *objects, const char *resource_version, const char *continue_token, gint64 remaining)
{
  KubeObjectList *list;

  g_return_val_if_fail (objects != NULL, NULL);

  list = g_new0 (KubeObjectList, 1);
  g_atomic_ref_count_init (&list->refs);
  g_ptr_array_set_free_func (objects, (GDestroyNotify) kube_object_unref);
  list->objects = objects;
  list->resource_version = g_strdup (resource_version);
  list->continue_token = continue_token != NULL && *continue_token != '\0' ? g_strdup (continue_token) : NULL;
  list->remaining = remaining;
  return list;
}

/**
 * kube_object_list_ref:
 * @list: a list
 *
 * Returns: (transfer full): @list
 * Since: 1.0
 */
KubeObjectList *
kube_object_list_ref (KubeObjectList *list)
{
  g_atomic_ref_count_inc (&list->refs);
  return list;
}

/**
 * kube_object_list_unref:
 * @list: (transfer full): a list
 *
 * Since: 1.0
 */
void
kube_object_list_unref (KubeObjectList *list)
{
  if (!g_atomic_ref_count_dec (&list->refs))
    return;
  g_ptr_array_unref (list->objects);
  g_free (list->resource_version);
  g_free (list->continue_token);
  g_free (list);
}

/**
 * kube_object_list_get_length:
 * @list: a list
 *
 * Returns: how many objects it has
 * Since: 1.0
 */
guint
kube_object_list_get_length (KubeObjectList *list)
{
  return list->objects->len;
}

/**
 * kube_object_list_get:
 * @list: a list
 * @index: less than its length
 *
 * Returns: (transfer none): the object there
 * Since: 1.0
 */
KubeObject *
kube_object_list_get (KubeObjectList *list, guint index)
{
  g_return_val_if_fail (index < list->objects->len, NULL);
  return g_ptr_array_index (list->objects, index);
}

/**
 * kube_object_list_get_resource_version:
 * @list: a list
 *
 * A watch from here on misses nothing and sees nothing twice.
 *
 * Returns: (nullable): the revision at which the objects were read
 * Since: 1.0
 */
const char *
kube_object_list_get_resource_version (KubeObjectList *list)
{
  return list->resource_version;
}

/**
 * kube_object_list_get_continue:
 * @list: a list
 *
 * Returns: (nullable): the token that gets the rest; %NULL: the list is complete
 * Since: 1.0
 */
const char *
kube_object_list_get_continue (KubeObjectList *list)
{
  return list->continue_token;
}

/**
 * kube_object_list_get_remaining:
 * @list: a list
 *
 * Returns: how many objects come after these; -1 where that is not known
 * Since: 1.0
 */
gint64
kube_object_list_get_remaining (KubeObjectList *list)
{
  return list->remaining;
}
