/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-value-writer.h"

G_DEFINE_BOXED_TYPE (KubeValue, kube_value, kube_value_ref, kube_value_unref)

/**
 * kube_value_ref:
 * @value: a value
 *
 * Keeps the whole document of @value.
 *
 * Returns: (transfer full): @value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_ref (KubeValue *value)
{
  g_return_val_if_fail (value != NULL, NULL);

  __atomic_fetch_add (&value_document (value)->ref_count, 1, __ATOMIC_RELAXED);
  return value;
}

/**
 * kube_value_unref:
 * @value: (transfer full): a value
 *
 * Gives up a reference to the document of @value.
 *
 * Since: 1.0
 */
void
kube_value_unref (KubeValue *value)
{
  KubeDocument *document;

  g_return_if_fail (value != NULL);

  document = value_document (value);
  if (__atomic_fetch_sub (&document->ref_count, 1, __ATOMIC_ACQ_REL) == 1)
    g_free (document);
}

static KubeValue *
new_scalar (KubeValueType type, gint64 integer)
{
  KubeWriter *writer = kube_writer_acquire ();
  KubeValue *value;

  kube_writer_push (writer, type, integer);
  value = kube_writer_finish (writer);
  kube_writer_release (writer);
  return value;
}

static KubeValue *
new_text (KubeValueType type, const char *text, gsize length)
{
  KubeWriter *writer = kube_writer_acquire ();
  KubeValue *value;

  kube_writer_push_text (writer, type, text, length);
  value = kube_writer_finish (writer);
  kube_writer_release (writer);
  return value;
}

/**
 * kube_value_new_string:
 * @string: UTF-8; bytes that are not are replaced by U+FFFD
 *
 * Returns: (transfer full): a string value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_new_string (const char *string)
{
  g_autofree char *valid = NULL;
  gsize length;

  g_return_val_if_fail (string != NULL, NULL);

  length = strlen (string);
  if (g_utf8_validate_len (string, length, NULL))
    return new_text (KUBE_VALUE_STRING, string, length);
  valid = g_utf8_make_valid (string, length);
  return new_text (KUBE_VALUE_STRING, valid, strlen (valid));
}

/**
 * kube_value_new_integer:
 * @integer: an integer
 *
 * Returns: (transfer full): an integer value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_new_integer (gint64 integer)
{
  return new_scalar (KUBE_VALUE_INTEGER, integer);
}

/**
 * kube_value_new_boolean:
 * @boolean: a boolean
 *
 * Returns: (transfer full): a boolean value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_new_boolean (gboolean boolean)
{
  return new_scalar (KUBE_VALUE_BOOLEAN, boolean != FALSE);
}

/**
 * kube_value_new_null:
 *
 * Returns: (transfer full): a null value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_new_null (void)
{
  return new_scalar (KUBE_VALUE_NULL, 0);
}

/**
 * kube_value_new_empty_object:
 *
 * Returns: (transfer full): an object without members
 *
 * Since: 1.0
 */
KubeValue *
kube_value_new_empty_object (void)
{
  KubeWriter *writer = kube_writer_acquire ();
  KubeValue *value;

  kube_writer_open (writer, KUBE_VALUE_OBJECT);
  kube_writer_close (writer);
  value = kube_writer_finish (writer);
  kube_writer_release (writer);
  return value;
}

static KubeValue *
copy_value (KubeValue *value, gboolean canonical)
{
  KubeWriter *writer = kube_writer_acquire ();
  KubeValue *copy;

  kube_writer_push_value (writer, value, canonical);
  copy = kube_writer_finish (writer);
  kube_writer_release (writer);
  if (copy == NULL)
    g_error ("A JSON document does not fit into memory");
  return copy;
}

/**
 * kube_value_detach:
 * @value: a value
 *
 * A document of its own for a node, so that a large document need not be kept for a small part of it. @value itself where it is
 * a whole document already.
 *
 * Returns: (transfer full): an equal value, members in the same order
 *
 * Since: 1.0
 */
KubeValue *
kube_value_detach (KubeValue *value)
{
  g_return_val_if_fail (value != NULL, NULL);

  if (value_is_root (value))
    return kube_value_ref (value);
  return copy_value (value, FALSE);
}

/**
 * kube_value_canonicalize:
 * @value: a value
 *
 * An equal document in which the members of all objects are sorted by key, bytewise. @value itself where it is one already.
 *
 * Returns: (transfer full): the canonical document
 *
 * Since: 1.0
 */
KubeValue *
kube_value_canonicalize (KubeValue *value)
{
  g_return_val_if_fail (value != NULL, NULL);

  if (value_is_root (value) && (value->tag & KUBE_TAG_CANONICAL) != 0)
    return kube_value_ref (value);
  return copy_value (value, TRUE);
}

/**
 * kube_value_get_value_type:
 * @value: (nullable): a value
 *
 * Returns: its type, %KUBE_VALUE_NULL for %NULL
 *
 * Since: 1.0
 */
KubeValueType
kube_value_get_value_type (KubeValue *value)
{
  return value == NULL ? KUBE_VALUE_NULL : value_type (value);
}

/**
 * kube_value_is_object:
 * @value: (nullable): a value
 *
 * Returns: whether it is an object
 *
 * Since: 1.0
 */
gboolean
kube_value_is_object (KubeValue *value)
{
  return value != NULL && value_type (value) == KUBE_VALUE_OBJECT;
}

/**
 * kube_value_is_array:
 * @value: (nullable): a value
 *
 * Returns: whether it is an array
 *
 * Since: 1.0
 */
gboolean
kube_value_is_array (KubeValue *value)
{
  return value != NULL && value_type (value) == KUBE_VALUE_ARRAY;
}

/**
 * kube_value_is_string:
 * @value: (nullable): a value
 *
 * Returns: whether it is a string
 *
 * Since: 1.0
 */
gboolean
kube_value_is_string (KubeValue *value)
{
  return value != NULL && value_type (value) == KUBE_VALUE_STRING;
}

/**
 * kube_value_is_null:
 * @value: (nullable): a value
 *
 * Returns: whether it is %NULL or JSON's null
 *
 * Since: 1.0
 */
gboolean
kube_value_is_null (KubeValue *value)
{
  return value == NULL || value_type (value) == KUBE_VALUE_NULL;
}

/* Members and paths */

static const KubeValue *
search_sorted (const KubeValue *members, const char *strings, guint n, const char *key, gsize length)
{
  guint low = 0, high = n;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    const KubeValue *at = &members[2 * middle];
    int order = key_compare (strings + at->text, at->length, key, length);

    if (order == 0)
      return at + 1;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

KubeValue *
kube_value_lookup (const KubeValue *object, const char *key, gsize length)
{
  const KubeValue *member = value_children (object);
  const char *strings = document_strings (value_document (object));

  if (object->length > 12 && (object->first & KUBE_FIRST_SORTED) != 0)
    return (KubeValue *) search_sorted (member, strings, object->length, key, length);
  for (guint i = 0; i < object->length; i++, member += 2) {
    const char *text = strings + member->text;

    if (member->length != length || (length > 0 && (text[0] != key[0] || text[length - 1] != key[length - 1]))) /* a call less for nearly all */
      continue;
    if (memcmp (text, key, length) == 0)
      return (KubeValue *) member + 1;
  }
  return NULL;
}

gboolean
kube_path_next (const char **path, const char **segment, gsize *length)
{
  const char *dot;

  if (*path == NULL || **path == '\0')
    return FALSE;
  *segment = *path;
  dot = strchrnul (*path, '.');
  *length = dot - *path;
  *path = *dot == '\0' ? dot : dot + 1;
  return TRUE;
}

gboolean
kube_path_index (const char *segment, gsize length, guint *index)
{
  guint64 value = 0;

  if (length == 0 || length > 9)
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isdigit (segment[i]))
      return FALSE;
    value = 10 * value + (segment[i] - '0');
  }
  *index = value;
  return TRUE;
}

/**
 * kube_value_get:
 * @value: (nullable): a value
 * @path: (nullable): member names and element numbers, joined by dots
 *
 * Goes down from @value. "" or %NULL is @value itself.
 *
 * Returns: (transfer none) (nullable): what stands there, owned by the document of @value
 *
 * Since: 1.0
 */
KubeValue *
kube_value_get (KubeValue *value, const char *path)
{
  const char *segment;
  gsize length;
  guint index;

  while (value != NULL && kube_path_next (&path, &segment, &length)) {
    if (value_type (value) == KUBE_VALUE_OBJECT)
      value = kube_value_lookup (value, segment, length);
    else if (value_type (value) == KUBE_VALUE_ARRAY && kube_path_index (segment, length, &index) && index < value->length)
      value = value_children (value) + index;
    else
      value = NULL;
  }
  return value;
}

/**
 * kube_value_get_member:
 * @value: (nullable): a value
 * @key: a key, which may contain dots
 *
 * Returns: (transfer none) (nullable): the member of an object
 *
 * Since: 1.0
 */
KubeValue *
kube_value_get_member (KubeValue *value, const char *key)
{
  g_return_val_if_fail (key != NULL, NULL);

  return kube_value_is_object (value) ? kube_value_lookup (value, key, strlen (key)) : NULL;
}

/**
 * kube_value_get_string:
 * @value: (nullable): a value
 * @path: (nullable): where to look
 *
 * Returns: (transfer none) (nullable): the string there; %NULL where there is none or it is not a string
 *
 * Since: 1.0
 */
const char *
kube_value_get_string (KubeValue *value, const char *path)
{
  return kube_value_peek_string (kube_value_get (value, path), NULL);
}

/**
 * kube_value_get_member_string:
 * @value: (nullable): a value
 * @key: a key, which may contain dots
 *
 * Returns: (transfer none) (nullable): the string that is the member of an object
 *
 * Since: 1.0
 */
const char *
kube_value_get_member_string (KubeValue *value, const char *key)
{
  return kube_value_peek_string (kube_value_get_member (value, key), NULL);
}

/**
 * kube_value_get_integer:
 * @value: (nullable): a value
 * @path: (nullable): where to look
 * @fallback: what to return where there is none
 *
 * Returns: the integer there; @fallback where there is none, it is of another type or does not fit
 *
 * Since: 1.0
 */
gint64
kube_value_get_integer (KubeValue *value, const char *path, gint64 fallback)
{
  KubeValue *found = kube_value_get (value, path);

  return found != NULL && value_type (found) == KUBE_VALUE_INTEGER ? found->integer : fallback;
}

/**
 * kube_value_get_boolean:
 * @value: (nullable): a value
 * @path: (nullable): where to look
 * @fallback: what to return where there is none
 *
 * Returns: the boolean there; @fallback where there is none or it is of another type
 *
 * Since: 1.0
 */
gboolean
kube_value_get_boolean (KubeValue *value, const char *path, gboolean fallback)
{
  KubeValue *found = kube_value_get (value, path);

  return found != NULL && value_type (found) == KUBE_VALUE_BOOLEAN ? found->integer != 0 : fallback;
}

/**
 * kube_value_get_double:
 * @value: (nullable): a value
 * @path: (nullable): where to look
 * @fallback: what to return where there is none
 *
 * Returns: the number there, of any of the three types of number; @fallback where there is none
 *
 * Since: 1.0
 */
double
kube_value_get_double (KubeValue *value, const char *path, double fallback)
{
  KubeValue *found = kube_value_get (value, path);

  switch (kube_value_get_value_type (found)) {
  case KUBE_VALUE_INTEGER:
    return found->integer;
  case KUBE_VALUE_UNSIGNED:
    return found->natural;
  case KUBE_VALUE_NUMBER:
    return g_ascii_strtod (value_text (found), NULL);
  default:
    return fallback;
  }
}

/**
 * kube_value_peek_string:
 * @value: (nullable): a value
 * @length: (out) (optional): its length in bytes
 *
 * Returns: (transfer none) (nullable): the string that @value is, NUL-terminated; it may contain U+0000 before that
 *
 * Since: 1.0
 */
const char *
kube_value_peek_string (KubeValue *value, gsize *length)
{
  if (!kube_value_is_string (value))
    return NULL;
  if (length != NULL)
    *length = value->length;
  return value_text (value);
}

/**
 * kube_value_peek_number:
 * @value: (nullable): a value
 *
 * Returns: (transfer none) (nullable): the text of a %KUBE_VALUE_NUMBER as it was written
 *
 * Since: 1.0
 */
const char *
kube_value_peek_number (KubeValue *value)
{
  return kube_value_get_value_type (value) == KUBE_VALUE_NUMBER ? value_text (value) : NULL;
}

/**
 * kube_value_peek_unsigned:
 * @value: (nullable): a value
 * @natural: (out): the number
 *
 * Reads a %KUBE_VALUE_UNSIGNED, or a %KUBE_VALUE_INTEGER that is not negative.
 *
 * Returns: whether @value is one
 *
 * Since: 1.0
 */
gboolean
kube_value_peek_unsigned (KubeValue *value, guint64 *natural)
{
  KubeValueType type = kube_value_get_value_type (value);

  if (type != KUBE_VALUE_UNSIGNED && (type != KUBE_VALUE_INTEGER || value->integer < 0))
    return FALSE;
  *natural = value->natural;
  return TRUE;
}

/**
 * kube_value_get_length:
 * @value: (nullable): a value
 *
 * Returns: how many elements an array or members an object has; 0 for all else
 *
 * Since: 1.0
 */
guint
kube_value_get_length (KubeValue *value)
{
  return value != NULL && value_is_container (value) ? value->length : 0;
}

/**
 * kube_value_get_element:
 * @value: (nullable): a value
 * @index: which one
 *
 * Returns: (transfer none) (nullable): an element of an array, or the value of an object's member
 *
 * Since: 1.0
 */
KubeValue *
kube_value_get_element (KubeValue *value, guint index)
{
  if (index >= kube_value_get_length (value))
    return NULL;
  return value_children (value) + (value_type (value) == KUBE_VALUE_OBJECT ? 2 * index + 1 : index);
}

/**
 * kube_value_find_element:
 * @value: (nullable): a value
 * @key: a member of its elements
 * @text: (nullable): a string
 *
 * Finds what Kubernetes keeps in lists by a key: a condition by its `type`, a container, a port or a volume by its `name`.
 *
 * Returns: (transfer none) (nullable): the first element of an array whose member @key is @text
 *
 * Since: 1.0
 */
KubeValue *
kube_value_find_element (KubeValue *value, const char *key, const char *text)
{
  guint length = kube_value_is_array (value) && text != NULL ? value->length : 0;

  for (guint i = 0; i < length; i++) {
    KubeValue *element = value_children (value) + i;

    if (g_strcmp0 (kube_value_get_member_string (element, key), text) == 0)
      return element;
  }
  return NULL;
}

/**
 * kube_value_get_key:
 * @value: (nullable): a value
 * @index: which one
 *
 * Returns: (transfer none) (nullable): the key of an object's member
 *
 * Since: 1.0
 */
const char *
kube_value_get_key (KubeValue *value, guint index)
{
  if (!kube_value_is_object (value) || index >= value->length)
    return NULL;
  return value_text (value_children (value) + 2 * index);
}

KubeValue *
kube_value_with_string (KubeValue *value, const char *path, const char *text)
{
  KubeDocument *document = value_document (value), *copy;
  const KubeValue *at = value_is_root (value) ? kube_value_get (value, path) : NULL;
  gsize n_head = document->n_units * sizeof *value, length = strlen (text), before, after;
  KubeValue *nodes;
  char *strings;

  if (at == NULL || value_type (at) != KUBE_VALUE_STRING || length > G_MAXUINT32)
    return NULL;
  before = at->text;
  after = before + at->length;
  copy = g_malloc (n_head + document->n_bytes - at->length + length + KUBE_DOCUMENT_SLACK);
  memcpy (copy, document, n_head);
  copy->ref_count = 1;
  copy->n_bytes += length - at->length;

  nodes = (KubeValue *) (gpointer) copy;
  for (guint i = KUBE_DOCUMENT_HEADER_UNITS; i < copy->n_units; i++) {
    if (value_is_text (&nodes[i]) && nodes[i].text > before)
      nodes[i].text += length - at->length;
  }
  nodes[at - (KubeValue *) (gpointer) document].length = (guint32) length;

  strings = mempcpy ((char *) (nodes + copy->n_units), document_strings (document), before);
  strings = mempcpy (strings, text, length);
  memcpy (strings, document_strings (document) + after, document->n_bytes - after + KUBE_DOCUMENT_SLACK);
  return nodes + (value - (KubeValue *) (gpointer) document);
}
