/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-patch.h>

#include <kube/kube-builder.h>

#include "kube-decode-private.h"
#include "kube-go-text.h"

enum {
  OPERATIONS_MAX = 10000,
  COPIES_MAX = 3 * 1024 * 1024,
};

typedef struct {
  KubeNode *root;
  gsize copied; /* bytes that copy operations have added */
} Document;

/* Where an operation works: a member of an object, or an element of an array. */
typedef struct {
  KubeNode *container;
  char *key; /* (owned) */
} Place;

static void
place_clear (Place *place)
{
  g_clear_pointer (&place->key, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

static char *
decode_key (const char *text, gsize length)
{
  GString *key = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++) {
    gboolean escape = text[i] == '~' && i + 1 < length && (text[i + 1] == '0' || text[i + 1] == '1');
    g_string_append_c (key, !escape ? text[i] : text[i + 1] == '1' ? '/' : '~');
    i += escape;
  }
  return g_string_free (key, FALSE);
}

/* Negative indexes count from the end. */
static gboolean
array_index (const char *key, guint length, guint *index)
{
  gint64 i;

  if (!kube_go_parse_int (key, &i) || i >= (gint64) length || i < -(gint64) length)
    return FALSE;
  *index = (guint) (i < 0 ? i + length : i);
  return TRUE;
}

static KubeNode *
place_get (const Place *place)
{
  guint index;

  if (kube_node_get_value_type (place->container) == KUBE_VALUE_OBJECT)
    return kube_node_get_member (place->container, place->key);
  return array_index (place->key, kube_node_get_length (place->container), &index) ? kube_node_get_element (place->container, index) : NULL;
}

/* Whether something may be read or replaced there: any member, also one that is absent, but only an element that is there. */
static gboolean
place_is_readable (const Place *place)
{
  return kube_node_get_value_type (place->container) == KUBE_VALUE_OBJECT || place_get (place) != NULL;
}

static gboolean
find_place (Document *document, const char *path, Place *place)
{
  const char *at = strchr (path, '/');

  if (at == NULL)
    return FALSE;
  place->container = document->root;
  for (;;) {
    const char *start = at + 1;
    const char *end = strchr (start, '/');
    KubeValueType type;

    g_free (place->key);
    place->key = decode_key (start, end != NULL ? (gsize) (end - start) : strlen (start));
    type = kube_node_get_value_type (place->container);
    if (place->container == NULL || (type != KUBE_VALUE_OBJECT && type != KUBE_VALUE_ARRAY))
      return FALSE;
    if (end == NULL)
      return TRUE;
    place->container = place_get (place);
    at = end;
  }
}

static gboolean
place_add (const Place *place, KubeValue *value)
{
  guint length = kube_node_get_length (place->container);
  guint index;

  if (kube_node_get_value_type (place->container) == KUBE_VALUE_OBJECT)
    kube_node_put_value (place->container, place->key, value);
  else if (strcmp (place->key, "-") == 0)
    kube_node_append_value (place->container, value);
  else if (array_index (place->key, length + 1, &index))
    kube_node_insert_value (place->container, index, value);
  else
    return FALSE;
  return TRUE;
}

static gboolean
place_remove (const Place *place)
{
  guint index;

  if (kube_node_get_value_type (place->container) == KUBE_VALUE_OBJECT)
    return kube_node_remove_member (place->container, place->key);
  if (!array_index (place->key, kube_node_get_length (place->container), &index))
    return FALSE;
  kube_node_remove_element (place->container, index);
  return TRUE;
}

static KubeValue *
operation_value (KubeValue *operation)
{
  KubeValue *value = kube_value_get_member (operation, "value");
  return value != NULL ? kube_value_ref (value) : kube_value_new_null ();
}

static gboolean
apply_add (Document *document, KubeValue *operation, const char *path)
{
  g_auto (Place) place = { 0 };
  g_autoptr (KubeValue) value = operation_value (operation);

  return find_place (document, path, &place) && place_add (&place, value);
}

static gboolean
apply_remove (Document *document, const char *path)
{
  g_auto (Place) place = { 0 };

  return find_place (document, path, &place) && place_remove (&place);
}

static gboolean
apply_replace (Document *document, KubeValue *operation, const char *path)
{
  g_auto (Place) place = { 0 };
  g_autoptr (KubeValue) value = operation_value (operation);

  if (*path == '\0') {
    if (!kube_value_is_object (value) && !kube_value_is_array (value))
      return FALSE;
    kube_node_become_value (document->root, value);
    return TRUE;
  }
  if (!find_place (document, path, &place) || !place_is_readable (&place))
    return FALSE;
  if (kube_node_get_value_type (place.container) == KUBE_VALUE_OBJECT)
    kube_node_put_value (place.container, place.key, value);
  else
    kube_node_become_value (place_get (&place), value);
  return TRUE;
}

static KubeValue *
place_read (const Place *place)
{
  KubeNode *node = place_get (place);
  return node != NULL ? kube_node_to_value (node) : kube_value_new_null ();
}

static gboolean
apply_move (Document *document, const char *from, const char *path)
{
  g_auto (Place) source = { 0 };
  g_auto (Place) target = { 0 };
  g_autoptr (KubeValue) value = NULL;

  if (!find_place (document, from, &source) || !place_is_readable (&source))
    return FALSE;
  value = place_read (&source);
  return place_remove (&source) && path != NULL && find_place (document, path, &target) && place_add (&target, value);
}

static gboolean
apply_copy (Document *document, const char *from, const char *path)
{
  g_auto (Place) source = { 0 };
  g_auto (Place) target = { 0 };
  g_autoptr (KubeValue) value = NULL;
  g_autofree char *text = NULL;
  gsize length;

  if (path == NULL || !find_place (document, from, &source) || !place_is_readable (&source) || !find_place (document, path, &target))
    return FALSE;
  value = place_read (&source);
  text = kube_value_print (value, &length);
  document->copied += length;
  return document->copied <= COPIES_MAX && place_add (&target, value);
}

static gboolean
apply_test (Document *document, KubeValue *operation, const char *path)
{
  g_auto (Place) place = { 0 };
  g_autoptr (KubeValue) expected = operation_value (operation);
  g_autoptr (KubeValue) found = NULL;

  if (*path == '\0')
    found = kube_node_to_value (document->root);
  else if (find_place (document, path, &place) && place_is_readable (&place))
    found = place_read (&place);
  return found != NULL && kube_value_equal (found, expected);
}

static gboolean
apply_operation (Document *document, KubeValue *operation)
{
  const char *name = kube_value_get_member_string (operation, "op");
  const char *path = kube_value_get_member_string (operation, "path");
  const char *from = kube_value_get_member_string (operation, "from");

  if (g_strcmp0 (name, "move") == 0)
    return from != NULL && apply_move (document, from, path);
  if (g_strcmp0 (name, "copy") == 0)
    return from != NULL && apply_copy (document, from, path);
  if (name == NULL || path == NULL)
    return FALSE;
  if (strcmp (name, "add") == 0)
    return apply_add (document, operation, path);
  if (strcmp (name, "remove") == 0)
    return apply_remove (document, path);
  if (strcmp (name, "replace") == 0)
    return apply_replace (document, operation, path);
  if (strcmp (name, "test") == 0)
    return apply_test (document, operation, path);
  return FALSE;
}

static gboolean
check_form (KubeValue *patch, GError **error)
{
  static const char *const strings[] = { "op", "path", "from" };
  guint n = kube_value_get_length (patch);

  if (!kube_value_is_array (patch)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                 "error decoding patch: json: cannot unmarshal %s into Go value of type []handlers.jsonPatchOp", kube_decode_value_word (patch));
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    KubeValue *operation = kube_value_get_element (patch, i);
    if (!kube_value_is_null (operation) && !kube_value_is_object (operation)) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                   "error decoding patch: json: cannot unmarshal %s into Go value of type handlers.jsonPatchOp", kube_decode_value_word (operation));
      return FALSE;
    }
    for (gsize k = 0; k < G_N_ELEMENTS (strings); k++) {
      KubeValue *value = kube_value_get_member (operation, strings[k]);
      if (!kube_value_is_null (value) && !kube_value_is_string (value)) {
        g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                     "error decoding patch: json: cannot unmarshal %s into Go struct field jsonPatchOp.%s of type string", kube_decode_value_word (value),
                     strings[k]);
        return FALSE;
      }
    }
  }
  if (n > OPERATIONS_MAX) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "The allowed maximum operations in a JSON patch is %d, got %u",
                 OPERATIONS_MAX, n);
    return FALSE;
  }
  return TRUE;
}

/**
 * kube_patch_json:
 * @target: a JSON object
 * @patch: a JSON patch
 * @error: return location for an error
 *
 * Applies an RFC 6902 patch as kube-apiserver does: negative indexes count from the end, and `replace` may make a member. An operation
 * that does not apply is one error that does not say which, %KUBE_ERROR_INVALID.
 *
 * Returns: (transfer full): the patched value, or %NULL with an error
 * Since: 1.0
 */
KubeValue *
kube_patch_json (KubeValue *target, KubeValue *patch, GError **error)
{
  g_autoptr (KubeBuilder) builder = NULL;
  Document document = { 0 };
  guint n;

  if (kube_value_is_null (patch))
    return kube_value_ref (target);
  if (!check_form (patch, error))
    return NULL;

  builder = kube_builder_new (target);
  document.root = kube_builder_get_root (builder);
  n = kube_value_get_length (patch);
  for (guint i = 0; i < n; i++)
    if (!apply_operation (&document, kube_value_get_element (patch, i))) {
      g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "the server rejected our request due to an error in our request");
      return NULL;
    }
  return kube_builder_end (builder);
}
