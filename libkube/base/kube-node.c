/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-builder-private.h"

/**
 * kube_node_get_value_type:
 * @node: (nullable): a node
 *
 * Returns: the type of what stands there, %KUBE_VALUE_NULL for %NULL
 *
 * Since: 1.0
 */
KubeValueType
kube_node_get_value_type (KubeNode *node)
{
  return node == NULL ? KUBE_VALUE_NULL : node->type;
}

/**
 * kube_node_get:
 * @node: (nullable): a node
 * @path: (nullable): member names and element numbers, joined by dots
 *
 * Returns: (transfer none) (nullable): the node there, %NULL where there is none
 *
 * Since: 1.0
 */
KubeNode *
kube_node_get (KubeNode *node, const char *path)
{
  const char *segment;
  gsize length;

  while (node != NULL && kube_path_next (&path, &segment, &length))
    node = kube_node_find_child (node, segment, length);
  return node;
}

/**
 * kube_node_get_member:
 * @node: (nullable): a node
 * @key: a key, which may contain dots
 *
 * Returns: (transfer none) (nullable): the member of an object
 *
 * Since: 1.0
 */
KubeNode *
kube_node_get_member (KubeNode *node, const char *key)
{
  g_return_val_if_fail (key != NULL, NULL);

  if (node == NULL || node->type != KUBE_VALUE_OBJECT)
    return NULL;
  return kube_node_find_child (node, key, strlen (key));
}

/**
 * kube_node_get_length:
 * @node: (nullable): a node
 *
 * Returns: how many elements an array or members an object has; 0 for all else
 *
 * Since: 1.0
 */
guint
kube_node_get_length (KubeNode *node)
{
  if (node == NULL || node->type < KUBE_VALUE_ARRAY)
    return 0;
  return node->open ? node->n_slots - node->n_dead : node->shared->length;
}

/**
 * kube_node_get_element:
 * @node: (nullable): a node
 * @index: which one
 *
 * Returns: (transfer none) (nullable): an element of an array, or the value of an object's member
 *
 * Since: 1.0
 */
KubeNode *
kube_node_get_element (KubeNode *node, guint index)
{
  if (index >= kube_node_get_length (node))
    return NULL;
  return kube_node_of_slot (node, kube_node_peek_slot (node, index));
}

/**
 * kube_node_get_key:
 * @node: (nullable): a node
 * @index: which one
 *
 * Returns: (transfer none) (nullable): the key of an object's member, valid as long as the builder's tree
 *
 * Since: 1.0
 */
const char *
kube_node_get_key (KubeNode *node, guint index)
{
  if (index >= kube_node_get_length (node) || node->type != KUBE_VALUE_OBJECT)
    return NULL;
  return kube_node_peek_slot (node, index)->key;
}

static const char *
node_peek_string (KubeNode *node)
{
  if (kube_node_get_value_type (node) != KUBE_VALUE_STRING)
    return NULL;
  return node->shared != NULL ? value_text (node->shared) : node->string;
}

/* Where the way to @path is not open, the rest of it is looked up in the shared value, and nothing is opened. */
static KubeNode *
find_nearest (KubeNode *node, const char **path)
{
  const char *segment;
  gsize length;

  while (node != NULL && (node->open || node->shared == NULL) && kube_path_next (path, &segment, &length))
    node = kube_node_find_child (node, segment, length);
  return node;
}

/**
 * kube_node_get_string:
 * @node: (nullable): a node
 * @path: (nullable): where to look
 *
 * Returns: (transfer none) (nullable): the string there, %NULL where there is none; valid until something else is put there
 *
 * Since: 1.0
 */
const char *
kube_node_get_string (KubeNode *node, const char *path)
{
  KubeNode *found = find_nearest (node, &path);

  if (found != NULL && !found->open && found->shared != NULL)
    return kube_value_get_string (found->shared, path);
  return node_peek_string (found);
}

/**
 * kube_node_get_integer:
 * @node: (nullable): a node
 * @path: (nullable): where to look
 * @fallback: what to return where there is none
 *
 * Returns: the integer there
 *
 * Since: 1.0
 */
gint64
kube_node_get_integer (KubeNode *node, const char *path, gint64 fallback)
{
  KubeNode *found = find_nearest (node, &path);

  if (found != NULL && !found->open && found->shared != NULL)
    return kube_value_get_integer (found->shared, path, fallback);
  return found != NULL && found->type == KUBE_VALUE_INTEGER ? found->integer : fallback;
}

/**
 * kube_node_get_boolean:
 * @node: (nullable): a node
 * @path: (nullable): where to look
 * @fallback: what to return where there is none
 *
 * Returns: the boolean there
 *
 * Since: 1.0
 */
gboolean
kube_node_get_boolean (KubeNode *node, const char *path, gboolean fallback)
{
  KubeNode *found = find_nearest (node, &path);

  if (found != NULL && !found->open && found->shared != NULL)
    return kube_value_get_boolean (found->shared, path, fallback);
  return found != NULL && found->type == KUBE_VALUE_BOOLEAN ? found->integer != 0 : fallback;
}

/* Writing */

/* The node at @path, with the objects on the way; NULL where the way leads to an element that an array does not have. */
static KubeNode *
ensure_path (KubeNode *node, const char *path)
{
  const char *segment;
  gsize length;
  guint index;

  while (node != NULL && kube_path_next (&path, &segment, &length)) {
    if (node->type == KUBE_VALUE_ARRAY && kube_path_index (segment, length, &index))
      node = kube_node_find_child (node, segment, length);
    else
      node = kube_node_ensure_child (node, segment, length);
  }
  return node;
}

static KubeNode *
ensure_container (KubeNode *node, const char *path, KubeValueType type)
{
  KubeNode *found = ensure_path (node, path);

  if (found != NULL && found->type != type)
    kube_node_set_to_empty (found, type);
  return found;
}

/**
 * kube_node_ensure_object:
 * @node: (nullable): a node
 * @path: (nullable): where
 *
 * Makes sure that an object stands at @path. What is missing, null, or of another type is replaced by an empty object.
 *
 * Returns: (transfer none) (nullable): the object; %NULL only where the way leads to an element that an array does not have
 *
 * Since: 1.0
 */
KubeNode *
kube_node_ensure_object (KubeNode *node, const char *path)
{
  return ensure_container (node, path, KUBE_VALUE_OBJECT);
}

/**
 * kube_node_ensure_array:
 * @node: (nullable): a node
 * @path: (nullable): where
 *
 * Makes sure that an array stands at @path. What is missing, null, or of another type is replaced by an empty array.
 *
 * Returns: (transfer none) (nullable): the array; %NULL only where the way leads to an element that an array does not have
 *
 * Since: 1.0
 */
KubeNode *
kube_node_ensure_array (KubeNode *node, const char *path)
{
  return ensure_container (node, path, KUBE_VALUE_ARRAY);
}

/**
 * kube_node_set_string:
 * @node: (nullable): a node
 * @path: (nullable): where
 * @string: (nullable): UTF-8; %NULL removes
 *
 * Since: 1.0
 */
void
kube_node_set_string (KubeNode *node, const char *path, const char *string)
{
  KubeNode *at;

  if (string == NULL) {
    kube_node_remove (node, path);
    return;
  }
  at = ensure_path (node, path);
  if (at != NULL)
    kube_node_set_to_string (at, string);
}

/**
 * kube_node_set_integer:
 * @node: (nullable): a node
 * @path: (nullable): where
 * @integer: an integer
 *
 * Since: 1.0
 */
void
kube_node_set_integer (KubeNode *node, const char *path, gint64 integer)
{
  KubeNode *at = ensure_path (node, path);

  if (at != NULL)
    kube_node_set_to_scalar (at, KUBE_VALUE_INTEGER, integer);
}

/**
 * kube_node_set_boolean:
 * @node: (nullable): a node
 * @path: (nullable): where
 * @boolean: a boolean
 *
 * Since: 1.0
 */
void
kube_node_set_boolean (KubeNode *node, const char *path, gboolean boolean)
{
  KubeNode *at = ensure_path (node, path);

  if (at != NULL)
    kube_node_set_to_scalar (at, KUBE_VALUE_BOOLEAN, boolean != FALSE);
}

/**
 * kube_node_set_null:
 * @node: (nullable): a node
 * @path: (nullable): where
 *
 * Puts JSON's null there.
 *
 * Since: 1.0
 */
void
kube_node_set_null (KubeNode *node, const char *path)
{
  KubeNode *at = ensure_path (node, path);

  if (at != NULL)
    kube_node_set_to_empty (at, KUBE_VALUE_NULL);
}

/**
 * kube_node_set_value:
 * @node: (nullable): a node
 * @path: (nullable): where
 * @value: (nullable): a value, which is shared; %NULL removes
 *
 * Since: 1.0
 */
void
kube_node_set_value (KubeNode *node, const char *path, KubeValue *value)
{
  KubeNode *at;

  if (value == NULL) {
    kube_node_remove (node, path);
    return;
  }
  at = ensure_path (node, path);
  if (at != NULL)
    kube_node_set_to_value (at, value);
}

/**
 * kube_node_remove:
 * @node: (nullable): a node
 * @path: (nullable): where; the node itself cannot be removed
 *
 * Returns: whether something was there
 *
 * Since: 1.0
 */
gboolean
kube_node_remove (KubeNode *node, const char *path)
{
  const char *segment = NULL, *rest = path;
  gsize length;

  while (node != NULL && kube_path_next (&rest, &segment, &length) && *rest != '\0')
    node = kube_node_find_child (node, segment, length);
  if (node == NULL || segment == NULL)
    return FALSE;
  return kube_node_drop_child (node, segment, length);
}

/**
 * kube_node_put_string:
 * @object: (nullable): a node, which becomes an object if it is none
 * @key: a key, which may contain dots
 * @string: (nullable): UTF-8; %NULL removes
 *
 * Since: 1.0
 */
void
kube_node_put_string (KubeNode *object, const char *key, const char *string)
{
  g_return_if_fail (key != NULL);

  if (object == NULL)
    return;
  if (string == NULL)
    kube_node_remove_member (object, key);
  else
    kube_node_set_to_string (kube_node_ensure_child (object, key, strlen (key)), string);
}

/**
 * kube_node_put_integer:
 * @object: (nullable): a node, which becomes an object if it is none
 * @key: a key, which may contain dots
 * @integer: an integer
 *
 * Since: 1.0
 */
void
kube_node_put_integer (KubeNode *object, const char *key, gint64 integer)
{
  g_return_if_fail (key != NULL);

  if (object != NULL)
    kube_node_set_to_scalar (kube_node_ensure_child (object, key, strlen (key)), KUBE_VALUE_INTEGER, integer);
}

/**
 * kube_node_put_boolean:
 * @object: (nullable): a node, which becomes an object if it is none
 * @key: a key, which may contain dots
 * @boolean: a boolean
 *
 * Since: 1.0
 */
void
kube_node_put_boolean (KubeNode *object, const char *key, gboolean boolean)
{
  g_return_if_fail (key != NULL);

  if (object != NULL)
    kube_node_set_to_scalar (kube_node_ensure_child (object, key, strlen (key)), KUBE_VALUE_BOOLEAN, boolean != FALSE);
}

/**
 * kube_node_put_value:
 * @object: (nullable): a node, which becomes an object if it is none
 * @key: a key, which may contain dots
 * @value: (nullable): a value, which is shared; %NULL removes
 *
 * Since: 1.0
 */
void
kube_node_put_value (KubeNode *object, const char *key, KubeValue *value)
{
  g_return_if_fail (key != NULL);

  if (object == NULL)
    return;
  if (value == NULL)
    kube_node_remove_member (object, key);
  else
    kube_node_set_to_value (kube_node_ensure_child (object, key, strlen (key)), value);
}

static KubeNode *
put_container (KubeNode *object, const char *key, KubeValueType type)
{
  KubeNode *member = kube_node_ensure_child (object, key, strlen (key));

  kube_node_set_to_empty (member, type);
  return member;
}

/**
 * kube_node_put_object:
 * @object: (nullable): a node, which becomes an object if it is none
 * @key: a key, which may contain dots
 *
 * Puts a new empty object there.
 *
 * Returns: (transfer none) (nullable): it; %NULL where @object is
 *
 * Since: 1.0
 */
KubeNode *
kube_node_put_object (KubeNode *object, const char *key)
{
  g_return_val_if_fail (key != NULL, NULL);

  return object != NULL ? put_container (object, key, KUBE_VALUE_OBJECT) : NULL;
}

/**
 * kube_node_put_array:
 * @object: (nullable): a node, which becomes an object if it is none
 * @key: a key, which may contain dots
 *
 * Puts a new empty array there.
 *
 * Returns: (transfer none) (nullable): it; %NULL where @object is
 *
 * Since: 1.0
 */
KubeNode *
kube_node_put_array (KubeNode *object, const char *key)
{
  g_return_val_if_fail (key != NULL, NULL);

  return object != NULL ? put_container (object, key, KUBE_VALUE_ARRAY) : NULL;
}

/**
 * kube_node_remove_member:
 * @object: (nullable): a node
 * @key: a key, which may contain dots
 *
 * Returns: whether it was there
 *
 * Since: 1.0
 */
gboolean
kube_node_remove_member (KubeNode *object, const char *key)
{
  g_return_val_if_fail (key != NULL, FALSE);

  return object != NULL && object->type == KUBE_VALUE_OBJECT && kube_node_drop_child (object, key, strlen (key));
}

/**
 * kube_node_append_object:
 * @array: (nullable): a node, which becomes an array if it is none
 *
 * Returns: (transfer none) (nullable): the new element, an empty object
 *
 * Since: 1.0
 */
KubeNode *
kube_node_append_object (KubeNode *array)
{
  KubeNode *element;

  if (array == NULL)
    return NULL;
  element = kube_node_insert_child (array, G_MAXUINT);
  kube_node_set_to_empty (element, KUBE_VALUE_OBJECT);
  return element;
}

/**
 * kube_node_append_string:
 * @array: (nullable): a node, which becomes an array if it is none
 * @string: UTF-8
 *
 * Since: 1.0
 */
void
kube_node_append_string (KubeNode *array, const char *string)
{
  g_return_if_fail (string != NULL);

  if (array != NULL)
    kube_node_set_to_string (kube_node_insert_child (array, G_MAXUINT), string);
}

/**
 * kube_node_append_integer:
 * @array: (nullable): a node, which becomes an array if it is none
 * @integer: an integer
 *
 * Since: 1.0
 */
void
kube_node_append_integer (KubeNode *array, gint64 integer)
{
  if (array != NULL)
    kube_node_set_to_scalar (kube_node_insert_child (array, G_MAXUINT), KUBE_VALUE_INTEGER, integer);
}

/**
 * kube_node_append_value:
 * @array: (nullable): a node, which becomes an array if it is none
 * @value: a value, which is shared
 *
 * Returns: (transfer none) (nullable): the new element
 *
 * Since: 1.0
 */
KubeNode *
kube_node_append_value (KubeNode *array, KubeValue *value)
{
  return kube_node_insert_value (array, G_MAXUINT, value);
}

/**
 * kube_node_insert_value:
 * @array: (nullable): a node, which becomes an array if it is none
 * @index: what stands there and after it moves up; past the end appends
 * @value: a value, which is shared
 *
 * Returns: (transfer none) (nullable): the new element
 *
 * Since: 1.0
 */
KubeNode *
kube_node_insert_value (KubeNode *array, guint index, KubeValue *value)
{
  KubeNode *element;

  g_return_val_if_fail (value != NULL, NULL);

  if (array == NULL)
    return NULL;
  element = kube_node_insert_child (array, index);
  kube_node_set_to_value (element, value);
  return element;
}

/**
 * kube_node_remove_element:
 * @array: (nullable): a node
 * @index: which element; past the end nothing happens
 *
 * Since: 1.0
 */
void
kube_node_remove_element (KubeNode *array, guint index)
{
  char segment[16];

  if (kube_node_get_value_type (array) == KUBE_VALUE_ARRAY)
    kube_node_drop_child (array, segment, g_snprintf (segment, sizeof segment, "%u", index));
}

/**
 * kube_node_become_value:
 * @node: (nullable): a node
 * @value: (nullable): a value, which is shared; %NULL: null
 *
 * Replaces what stands at @node.
 *
 * Since: 1.0
 */
void
kube_node_become_value (KubeNode *node, KubeValue *value)
{
  if (node == NULL)
    return;
  if (value == NULL)
    kube_node_set_to_empty (node, KUBE_VALUE_NULL);
  else
    kube_node_set_to_value (node, value);
}
