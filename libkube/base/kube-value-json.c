/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-value-json.h>

#include <math.h>

#include "kube-value-writer.h"

/* json-glib's own functions recurse. */
#define MAX_DEPTH 1000

static JsonNode *
leaf_to_node (KubeValue *value)
{
  JsonNode *node = json_node_alloc ();

  switch (value_type (value)) {
  case KUBE_VALUE_BOOLEAN:
    return json_node_init_boolean (node, value->integer != 0);
  case KUBE_VALUE_INTEGER:
    return json_node_init_int (node, value->integer);
  case KUBE_VALUE_UNSIGNED:
  case KUBE_VALUE_NUMBER:
    return json_node_init_double (node, kube_value_get_double (value, NULL, 0));
  case KUBE_VALUE_STRING:
    return json_node_init_string (node, value_text (value));
  default:
    return json_node_init_null (node);
  }
}

static JsonNode *
value_to_node (KubeValue *value, guint depth)
{
  KubeValue *child;
  JsonArray *array;
  JsonObject *object;
  JsonNode *node;

  if (!value_is_container (value))
    return leaf_to_node (value);
  if (depth == MAX_DEPTH)
    return json_node_init_null (json_node_alloc ());
  child = value_children (value);
  if (value_type (value) == KUBE_VALUE_ARRAY) {
    array = json_array_sized_new (value->length);
    node = json_node_init_array (json_node_alloc (), array);
    json_array_unref (array);
    for (guint i = 0; i < value->length; i++)
      json_array_add_element (array, value_to_node (&child[i], depth + 1));
    return node;
  }
  object = json_object_new ();
  node = json_node_init_object (json_node_alloc (), object);
  json_object_unref (object);
  for (guint i = 0; i < value->length; i++)
    json_object_set_member (object, value_text (&child[2 * i]), value_to_node (&child[2 * i + 1], depth + 1));
  return node;
}

/**
 * kube_value_to_json_node:
 * @value: a value
 *
 * Integers over the range of gint64, and numbers that are none, become doubles; strings end at U+0000; what nests deeper than 1000
 * becomes null: json-glib can do no more.
 *
 * Returns: (transfer full): a node of json-glib
 *
 * Since: 1.0
 */
JsonNode *
kube_value_to_json_node (KubeValue *value)
{
  g_return_val_if_fail (value != NULL, NULL);

  return value_to_node (value, 0);
}

static gboolean
push_text (KubeWriter *writer, const char *text, GError **error)
{
  if (!g_utf8_validate (text, -1, NULL)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "a string is not valid UTF-8");
    return FALSE;
  }
  kube_writer_push_text (writer, KUBE_VALUE_STRING, text, strlen (text));
  return TRUE;
}

static gboolean
push_double (KubeWriter *writer, double number, GError **error)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (number)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "json: unsupported value: %s",
                 isnan (number) ? "NaN"
                 : number < 0   ? "-Inf"
                                : "+Inf");
    return FALSE;
  }
  g_ascii_dtostr (text, sizeof text, number);
  kube_writer_push_text (writer, KUBE_VALUE_NUMBER, text, strlen (text));
  return TRUE;
}

static gboolean
push_leaf (KubeWriter *writer, JsonNode *node, GError **error)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type == G_TYPE_STRING)
    return push_text (writer, json_node_get_string (node), error);
  if (type == G_TYPE_DOUBLE)
    return push_double (writer, json_node_get_double (node), error);
  if (type == G_TYPE_INT64)
    kube_writer_push (writer, KUBE_VALUE_INTEGER, json_node_get_int (node));
  else if (type == G_TYPE_BOOLEAN)
    kube_writer_push (writer, KUBE_VALUE_BOOLEAN, json_node_get_boolean (node) != FALSE);
  else
    kube_writer_push (writer, KUBE_VALUE_NULL, 0);
  return TRUE;
}

static gboolean push_node (KubeWriter *writer, JsonNode *node, guint depth, GError **error);

static gboolean
push_members (KubeWriter *writer, JsonObject *object, guint depth, GError **error)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *member;

  kube_writer_open (writer, KUBE_VALUE_OBJECT);
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &key, &member)) {
    if (!push_text (writer, key, error) || !push_node (writer, member, depth + 1, error))
      return FALSE;
  }
  kube_writer_close (writer);
  return TRUE;
}

static gboolean
push_node (KubeWriter *writer, JsonNode *node, guint depth, GError **error)
{
  if (depth > MAX_DEPTH) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "exceeded max depth");
    return FALSE;
  }
  if (JSON_NODE_HOLDS_OBJECT (node))
    return push_members (writer, json_node_get_object (node), depth, error);
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return push_leaf (writer, node, error);
  kube_writer_open (writer, KUBE_VALUE_ARRAY);
  for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++) {
    if (!push_node (writer, json_array_get_element (json_node_get_array (node), i), depth + 1, error))
      return FALSE;
  }
  kube_writer_close (writer);
  return TRUE;
}

/**
 * kube_value_from_json_node:
 * @node: a node of json-glib
 * @error: return location for an error
 *
 * Errors: %KUBE_ERROR_BAD_REQUEST where a string is not UTF-8, a number is not finite, or it nests deeper than 1000.
 *
 * Returns: (transfer full): a value, members in the order in which they were set
 *
 * Since: 1.0
 */
KubeValue *
kube_value_from_json_node (JsonNode *node, GError **error)
{
  KubeWriter *writer;
  KubeValue *value = NULL;

  g_return_val_if_fail (node != NULL, NULL);

  writer = kube_writer_acquire ();
  if (push_node (writer, node, 0, error))
    value = kube_writer_finish (writer);
  kube_writer_release (writer);
  return value;
}
