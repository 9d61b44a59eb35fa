/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-patch.h>

#include <kube/kube-builder.h>

#include "kube-decode.h"
#include "kube-go-text.h"
#include "kube-schema.h"

#define DELETE_LIST_PREFIX "$deleteFromPrimitiveList/"
#define ORDER_PREFIX "$setElementOrder/"

/* What the schema says of the place that is merged: the members of a type, or those of a map. Neither: any JSON, merged as it stands. */
typedef struct {
  const KubeType *type;
  const KubeField *map;
} Schema;

typedef struct {
  Schema schema; /* of the value, or of a list's elements */
  gboolean merge;
  gboolean replace;
  const char *merge_key;
} Meta;

static gboolean merge_map (KubeNode *original, KubeValue *patch, Schema schema, GError **error);

/* Upstream answers these with 500 and no reason. */
G_GNUC_PRINTF (2, 3)
static gboolean
fail (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (KUBE_ERROR, KUBE_ERROR_UNKNOWN, format, args));
  va_end (args);
  return FALSE;
}

static gboolean
fail_with_map (GError **error, const char *before, KubeValue *map, const char *after)
{
  g_autoptr (GString) text = g_string_new (before);

  kube_go_print (text, map);
  g_string_append (text, after);
  return fail (error, "%s", text->str);
}

static gboolean
fail_form (GError **error, const char *of)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid patch format of %s", of);
  return FALSE;
}

static gboolean
fail_no_merge_key (GError **error, KubeValue *map, const char *merge_key)
{
  g_autofree char *after = g_strdup_printf (" does not contain declared merge key: %s", merge_key);
  return fail_with_map (error, "map: ", map, after);
}

static gboolean
fail_patch_type (GError **error, KubeValue *directive, KubeValue *map)
{
  g_autoptr (GString) text = g_string_new ("unknown patch type: ");

  kube_go_print (text, directive);
  g_string_append (text, " in map: ");
  return fail_with_map (error, text->str, map, "");
}

static const char *
go_type_name (KubeValue *value)
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_NULL:
    return "%!s(<nil>)";
  case KUBE_VALUE_BOOLEAN:
    return "bool";
  case KUBE_VALUE_INTEGER:
    return "int64";
  case KUBE_VALUE_STRING:
    return "string";
  case KUBE_VALUE_ARRAY:
    return "[]interface {}";
  case KUBE_VALUE_OBJECT:
    return "map[string]interface {}";
  default:
    return "float64";
  }
}

static gboolean
check_list (KubeValue *value, GError **error)
{
  if (kube_value_is_array (value))
    return TRUE;
  return fail (error, "expected a []interface {}, but received a %s", go_type_name (value));
}

static Schema
field_schema (const KubeField *field)
{
  Schema schema = { 0 };

  if (field->shape == KUBE_SHAPE_MAP || field->shape == KUBE_SHAPE_MAP_OF_LIST)
    schema.map = field;
  else if (field->scalar == KUBE_SCALAR_STRUCT)
    schema.type = field->type;
  return schema;
}

static gboolean
look_up (Schema schema, const char *key, Meta *meta, GError **error)
{
  const KubeField *field;

  *meta = (Meta){ 0 };
  if (schema.map != NULL) {
    if (schema.map->scalar == KUBE_SCALAR_STRUCT)
      meta->schema.type = schema.map->type;
    return TRUE;
  }
  if (schema.type == NULL)
    return TRUE;

  field = kube_type_find_field (schema.type, key, strlen (key));
  if (field == NULL)
    return fail (error, "unable to find api field in struct %s for the json field \"%s\"", schema.type->name, key);
  meta->schema = field_schema (field);
  meta->merge = (field->flags & KUBE_FIELD_MERGE) != 0;
  meta->replace = (field->flags & KUBE_FIELD_REPLACE) != 0;
  meta->merge_key = field->merge_key;
  return TRUE;
}

/* --- values that the patch brings where there was nothing --- */

static gboolean
needs_cleaning (KubeValue *value)
{
  gboolean object = kube_value_is_object (value);
  guint n = kube_value_get_length (value);

  if (object && kube_value_get_member (value, "$patch") != NULL)
    return TRUE;
  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (value, i);
    if (kube_value_is_null (element) ? object : needs_cleaning (element))
      return TRUE;
  }
  return FALSE;
}

/* Takes away nulls, and objects that are nothing but a directive. FALSE: the node itself is such an object. */
static gboolean
clean (KubeNode *node)
{
  KubeValueType type = kube_node_get_value_type (node);

  if (type != KUBE_VALUE_OBJECT && type != KUBE_VALUE_ARRAY)
    return TRUE;
  if (type == KUBE_VALUE_OBJECT && kube_node_get_member (node, "$patch") != NULL)
    return FALSE;
  for (guint i = kube_node_get_length (node); i > 0; i--) {
    KubeNode *element = kube_node_get_element (node, i - 1);
    gboolean keep = kube_node_get_value_type (element) == KUBE_VALUE_NULL ? type == KUBE_VALUE_ARRAY : clean (element);

    if (!keep && type == KUBE_VALUE_OBJECT)
      kube_node_remove_member (node, kube_node_get_key (node, i - 1));
    else if (!keep)
      kube_node_remove_element (node, i - 1);
  }
  return TRUE;
}

static void
put_new (KubeNode *object, const char *key, KubeValue *value)
{
  kube_node_put_value (object, key, value);
  if (needs_cleaning (value) && !clean (kube_node_get_member (object, key)))
    kube_node_remove_member (object, key);
}

/* --- lists --- */

/* Places of values in a list, the first of equal ones. @merge_key NULL: of the values themselves. */
typedef struct {
  GHashTable *places; /* (element-type KubeValue guint) */
  const char *merge_key;
} Order;

static gboolean
value_equal (gconstpointer a, gconstpointer b)
{
  return kube_value_equal ((KubeValue *) a, (KubeValue *) b);
}

static guint
value_hash (gconstpointer value)
{
  return kube_value_hash ((KubeValue *) value);
}

static KubeValue *
identity (KubeValue *element, const char *merge_key)
{
  return merge_key != NULL ? kube_value_get_member (element, merge_key) : element;
}

static void
order_init (Order *order, GPtrArray *list, const char *merge_key)
{
  order->places = g_hash_table_new (value_hash, value_equal);
  order->merge_key = merge_key;
  for (guint i = 0; i < list->len; i++) {
    KubeValue *id = identity (list->pdata[i], merge_key);
    if (id != NULL && !g_hash_table_contains (order->places, id))
      g_hash_table_insert (order->places, id, GUINT_TO_POINTER (i + 1));
  }
}

/* From 1 on; 0: not in the list. */
static guint
order_find (const Order *order, KubeValue *element)
{
  KubeValue *id = identity (element, order->merge_key);
  return id != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (order->places, id)) : 0;
}

static void
order_clear (Order *order)
{
  g_clear_pointer (&order->places, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Order, order_clear)

static GPtrArray *
list_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
}

static GPtrArray *
list_of (KubeValue *array)
{
  GPtrArray *list = list_new ();
  guint n = kube_value_is_array (array) ? kube_value_get_length (array) : 0;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (list, kube_value_ref (kube_value_get_element (array, i)));
  return list;
}

static int
compare_places (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Order *order = user_data;
  guint left = order_find (order, *(KubeValue *const *) a), right = order_find (order, *(KubeValue *const *) b);
  return left < right ? -1 : left > right;
}

/* The elements that @patch_order names stand in its order, all others in the server's; where the two meet, an element of the server that
 * stood before one of the patch's stays before it. */
static GPtrArray *
order_elements (GPtrArray *merged, GPtrArray *patch_order, GPtrArray *server_order, const char *merge_key)
{
  g_auto (Order) in_patch = { 0 };
  g_auto (Order) in_server = { 0 };
  g_autoptr (GPtrArray) patched = g_ptr_array_new ();
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  GPtrArray *result = list_new ();
  guint i = 0, j = 0;

  order_init (&in_patch, patch_order, merge_key);
  order_init (&in_server, server_order, merge_key);
  for (guint k = 0; k < merged->len; k++)
    g_ptr_array_add (order_find (&in_patch, merged->pdata[k]) > 0 ? patched : others, merged->pdata[k]);
  g_ptr_array_sort_with_data (patched, compare_places, &in_patch);
  g_ptr_array_sort_with_data (others, compare_places, &in_server);

  while (i < others->len || j < patched->len) {
    gboolean server = j >= patched->len;
    if (i < others->len && j < patched->len) {
      guint left = order_find (&in_server, others->pdata[i]), right = order_find (&in_server, patched->pdata[j]);
      server = left > 0 && right > 0 && left < right;
    }
    g_ptr_array_add (result, kube_value_ref (server ? others->pdata[i++] : patched->pdata[j++]));
  }
  return result;
}

static gboolean
check_element_types (GPtrArray *original, GPtrArray *patch, KubeValueType *type, GError **error)
{
  GPtrArray *lists[] = { original, patch };
  gboolean any = FALSE;

  *type = KUBE_VALUE_NULL;
  for (guint l = 0; l < 2; l++)
    for (guint i = 0; i < lists[l]->len; i++) {
      KubeValueType found = kube_value_get_value_type (lists[l]->pdata[i]);
      if (found == KUBE_VALUE_ARRAY) {
        g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "the server rejected our request due to an error in our request");
        return FALSE;
      }
      if (any && found != *type)
        return fail (error, "list element types are not identical");
      *type = found;
      any = TRUE;
    }
  return TRUE;
}

static void
remove_matching (GPtrArray *list, const char *merge_key, KubeValue *id)
{
  for (guint i = list->len; i > 0; i--) {
    KubeValue *other = identity (list->pdata[i - 1], merge_key);
    if (other != NULL && kube_value_equal (other, id))
      g_ptr_array_remove_index (list, i - 1);
  }
}

/* Carries out the directives among the patch's elements; what remains is what is to be merged. */
static gboolean
apply_element_directives (GPtrArray **original, GPtrArray **patch, const char *merge_key, GError **error)
{
  g_autoptr (GPtrArray) plain = list_new ();
  gboolean replace = FALSE;

  for (guint i = 0; i < (*patch)->len; i++) {
    KubeValue *element = (*patch)->pdata[i];
    KubeValue *directive = kube_value_get_member (element, "$patch");
    const char *word = kube_value_peek_string (directive, NULL);

    if (directive == NULL) {
      g_ptr_array_add (plain, kube_value_ref (element));
    } else if (g_strcmp0 (word, "delete") == 0) {
      KubeValue *id = kube_value_get_member (element, merge_key);
      if (id == NULL)
        return fail_no_merge_key (error, element, merge_key);
      remove_matching (*original, merge_key, id);
    } else if (g_strcmp0 (word, "replace") == 0) {
      replace = TRUE;
    } else if (g_strcmp0 (word, "merge") == 0) {
      return fail (error, "merging lists cannot yet be specified in the patch");
    } else {
      return fail_patch_type (error, directive, element);
    }
  }

  g_ptr_array_unref (replace ? *original : *patch);
  if (replace) {
    *original = g_steal_pointer (&plain);
    g_ptr_array_set_size (*patch, 0);
  } else {
    *patch = g_steal_pointer (&plain);
  }
  return TRUE;
}

static gboolean
merge_elements (GPtrArray *original, GPtrArray *patch, const char *merge_key, Schema schema, GError **error)
{
  g_auto (Order) places = { 0 };

  order_init (&places, original, merge_key);
  for (guint i = 0; i < patch->len; i++) {
    KubeValue *element = patch->pdata[i];
    KubeValue *id = kube_value_get_member (element, merge_key);
    guint place;

    if (id == NULL)
      return fail_no_merge_key (error, element, merge_key);
    place = order_find (&places, element);
    if (place > 0) {
      g_autoptr (KubeBuilder) builder = kube_builder_new (original->pdata[place - 1]);
      if (!merge_map (kube_builder_get_root (builder), element, schema, error))
        return FALSE;
      /* The key in the table belongs to the old element. */
      g_hash_table_remove (places.places, id);
      kube_value_unref (original->pdata[place - 1]);
      original->pdata[place - 1] = kube_builder_end (builder);
      id = kube_value_get_member (original->pdata[place - 1], merge_key);
      if (id != NULL)
        g_hash_table_insert (places.places, id, GUINT_TO_POINTER (place));
    } else {
      g_ptr_array_add (original, kube_value_ref (element));
      g_hash_table_insert (places.places, id, GUINT_TO_POINTER (original->len));
    }
  }
  return TRUE;
}

static GPtrArray *
join_scalars (GPtrArray *original, GPtrArray *patch)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (value_hash, value_equal);
  GPtrArray *lists[] = { original, patch };
  GPtrArray *result = list_new ();

  for (guint l = 0; l < 2; l++)
    for (guint i = 0; i < lists[l]->len; i++)
      if (g_hash_table_add (seen, lists[l]->pdata[i]))
        g_ptr_array_add (result, kube_value_ref (lists[l]->pdata[i]));
  return result;
}

/* (nullable): NULL with an error. */
static GPtrArray *
merge_list (KubeValue *original_value, KubeValue *patch_value, const Meta *meta, GError **error)
{
  g_autoptr (GPtrArray) original = list_of (original_value);
  g_autoptr (GPtrArray) patch = list_of (patch_value);
  g_autoptr (GPtrArray) merged = NULL;
  KubeValueType type;

  if (!meta->merge)
    return g_steal_pointer (&patch);
  if (original->len == 0 && patch->len == 0)
    return g_steal_pointer (&original);
  if (!check_element_types (original, patch, &type, error))
    return NULL;
  if (type != KUBE_VALUE_OBJECT) {
    merged = join_scalars (original, patch);
    return order_elements (merged, patch, original, NULL);
  }

  if (meta->merge_key == NULL) {
    fail (error, "cannot merge lists without merge key for %s", meta->schema.type != NULL ? meta->schema.type->name : "");
    return NULL;
  }
  if (!apply_element_directives (&original, &patch, meta->merge_key, error))
    return NULL;
  merged = list_new ();
  for (guint i = 0; i < original->len; i++)
    g_ptr_array_add (merged, kube_value_ref (original->pdata[i]));
  if (!merge_elements (merged, patch, meta->merge_key, meta->schema, error))
    return NULL;
  return order_elements (merged, patch, original, meta->merge_key);
}

static void
put_list (KubeNode *object, const char *key, GPtrArray *list)
{
  KubeNode *array;

  kube_node_remove_member (object, key);
  array = kube_node_ensure_array (kube_node_put_object (object, key), NULL);
  for (guint i = 0; i < list->len; i++) {
    KubeNode *element = kube_node_append_value (array, list->pdata[i]);
    if (needs_cleaning (list->pdata[i]) && !clean (element))
      kube_node_remove_element (array, kube_node_get_length (array) - 1);
  }
}

static void
delete_scalars (KubeNode *object, const char *key, KubeValue *remove)
{
  KubeNode *array = kube_node_get_member (object, key);

  for (guint i = kube_node_get_length (array); i > 0; i--) {
    g_autoptr (KubeValue) element = kube_node_to_value (kube_node_get_element (array, i - 1));
    for (guint k = 0; k < kube_value_get_length (remove); k++)
      if (kube_value_equal (element, kube_value_get_element (remove, k))) {
        kube_node_remove_element (array, i - 1);
        break;
      }
  }
}

/* --- directives of a map --- */

static gboolean
has_string (KubeValue *list, const char *string)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (list, i), NULL), string) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_directive (const char *key)
{
  return *key == '$' && (strcmp (key, "$patch") == 0 || strcmp (key, "$retainKeys") == 0 || g_str_has_prefix (key, DELETE_LIST_PREFIX) ||
                         g_str_has_prefix (key, ORDER_PREFIX));
}

static gboolean
apply_retain_keys (KubeNode *original, KubeValue *patch, GError **error)
{
  KubeValue *retain = kube_value_get_member (patch, "$retainKeys");
  guint n = kube_value_get_length (patch);

  if (retain == NULL)
    return TRUE;
  if (!kube_value_is_array (retain))
    return fail_form (error, "retainKeys");
  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (patch, i);
    if (!is_directive (key) && !kube_value_is_null (kube_value_get_element (patch, i)) && !has_string (retain, key))
      return fail_form (error, "retainKeys");
  }
  for (guint i = kube_node_get_length (original); i > 0; i--) {
    const char *key = kube_node_get_key (original, i - 1);
    if (!has_string (retain, key))
      kube_node_remove_member (original, key);
  }
  return TRUE;
}

static gboolean
fail_order (GPtrArray *patch, KubeValue *order, GError **error)
{
  g_autoptr (GString) text = g_string_new ("The order in patch list:\n[");

  for (guint i = 0; i < patch->len; i++) {
    g_string_append (text, i > 0 ? " " : "");
    kube_go_print (text, patch->pdata[i]);
  }
  g_string_append (text, "]\n doesn't match $setElementOrder list:\n");
  kube_go_print (text, order);
  g_string_append_c (text, '\n');
  return fail (error, "%s", text->str);
}

/* The patch's own elements must stand in the order that it demands. */
static gboolean
check_order (GPtrArray *patch, KubeValue *order, const char *merge_key, GError **error)
{
  guint n = kube_value_get_length (order), at = 0;

  if (n == 0)
    return TRUE;
  for (guint i = 0; i < patch->len; i++) {
    KubeValue *element = patch->pdata[i];
    KubeValue *id = identity (element, merge_key);
    gboolean found = FALSE;

    if (kube_value_get_member (element, "$patch") != NULL)
      continue;
    if (id == NULL)
      return fail_no_merge_key (error, element, merge_key);
    for (; at < n && !found; at++) {
      KubeValue *wanted = identity (kube_value_get_element (order, at), merge_key);
      if (wanted == NULL)
        return fail_no_merge_key (error, kube_value_get_element (order, at), merge_key);
      found = kube_value_equal (wanted, id);
    }
    if (!found)
      return fail_order (patch, order, error);
  }
  return TRUE;
}

/* One `$setElementOrder/KEY` with the list of the same name in the patch, if there is one. */
static gboolean
apply_element_order (KubeNode *original, KubeValue *patch, const char *directive, KubeValue *order, Schema schema, GError **error)
{
  const char *key = directive + strlen (ORDER_PREFIX);
  KubeNode *node = kube_node_get_member (original, key);
  KubeValue *patch_value = kube_value_get_member (patch, key);
  g_autoptr (KubeValue) original_value = NULL;
  g_autoptr (GPtrArray) merged = NULL;
  g_autoptr (GPtrArray) ordered = NULL;
  g_autoptr (GPtrArray) patch_list = NULL;
  g_autoptr (GPtrArray) order_list = NULL;
  g_autoptr (GPtrArray) server_order = NULL;
  KubeValueType type;
  Meta meta;

  if (!check_list (order, error))
    return FALSE;
  if (node != NULL) {
    original_value = kube_node_to_value (node);
    if (!check_list (original_value, error))
      return FALSE;
  }
  if (patch_value != NULL && !check_list (patch_value, error))
    return FALSE;
  if (!look_up (schema, key, &meta, error))
    return FALSE;

  patch_list = list_of (patch_value);
  order_list = list_of (order);
  server_order = list_of (original_value);
  if (!check_order (patch_list, order, meta.merge_key, error))
    return FALSE;
  if (node == NULL && patch_value == NULL)
    return TRUE;
  if (!check_element_types (server_order, patch_list, &type, error))
    return FALSE;

  if (node != NULL && patch_value != NULL) {
    merged = merge_list (original_value, patch_value, &meta, error);
    if (merged == NULL)
      return FALSE;
  } else {
    merged = list_new ();
    for (guint i = 0; i < (node != NULL ? server_order : patch_list)->len; i++) {
      KubeValue *element = (node != NULL ? server_order : patch_list)->pdata[i];
      if (node != NULL || kube_value_get_member (element, "$patch") == NULL)
        g_ptr_array_add (merged, kube_value_ref (element));
    }
  }
  ordered = order_elements (merged, order_list, server_order, meta.merge_key);
  put_list (original, key, ordered);
  return TRUE;
}

static gboolean
apply_element_orders (KubeNode *original, KubeValue *patch, Schema schema, GError **error)
{
  guint n = kube_value_get_length (patch);

  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (patch, i);
    if (g_str_has_prefix (key, ORDER_PREFIX) && !apply_element_order (original, patch, key, kube_value_get_element (patch, i), schema, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_ordered (KubeValue *patch, const char *key)
{
  g_autofree char *directive = g_strconcat (ORDER_PREFIX, key, NULL);
  return kube_value_get_member (patch, directive) != NULL;
}

static gboolean
has_orders (KubeValue *patch)
{
  for (guint i = 0; i < kube_value_get_length (patch); i++)
    if (g_str_has_prefix (kube_value_get_key (patch, i), ORDER_PREFIX))
      return TRUE;
  return FALSE;
}

static gboolean
merge_member (KubeNode *original, const char *key, KubeValue *value, Schema schema, GError **error)
{
  KubeNode *current = kube_node_get_member (original, key);
  KubeValueType type = kube_node_get_value_type (current);
  g_autoptr (KubeValue) current_value = NULL;
  g_autoptr (GPtrArray) merged = NULL;
  Meta meta;

  if (kube_value_is_null (value)) {
    kube_node_remove_member (original, key);
    return TRUE;
  }
  if (current == NULL || type != kube_value_get_value_type (value) || (type != KUBE_VALUE_OBJECT && type != KUBE_VALUE_ARRAY)) {
    put_new (original, key, value);
    return TRUE;
  }
  if (!look_up (schema, key, &meta, error))
    return FALSE;
  if (type == KUBE_VALUE_OBJECT && meta.replace) {
    kube_node_put_value (original, key, value);
    return TRUE;
  }
  if (type == KUBE_VALUE_OBJECT)
    return merge_map (current, value, meta.schema, error);

  current_value = kube_node_to_value (current);
  merged = merge_list (current_value, value, &meta, error);
  if (merged == NULL)
    return FALSE;
  put_list (original, key, merged);
  return TRUE;
}

/* The whole map's directive: everything is replaced, or deleted. */
static gboolean
apply_map_directive (KubeNode *original, KubeValue *patch, KubeValue *directive, GError **error)
{
  const char *word = kube_value_peek_string (directive, NULL);

  if (g_strcmp0 (word, "replace") == 0) {
    kube_node_become_value (original, patch);
    kube_node_remove_member (original, "$patch");
    return TRUE;
  }
  if (g_strcmp0 (word, "delete") == 0) {
    g_autoptr (KubeValue) empty = kube_value_new_empty_object ();
    kube_node_become_value (original, empty);
    return TRUE;
  }
  return fail_patch_type (error, directive, patch);
}

static gboolean
merge_map (KubeNode *original, KubeValue *patch, Schema schema, GError **error)
{
  KubeValue *directive = kube_value_get_member (patch, "$patch");
  gboolean orders = has_orders (patch);
  guint n = kube_value_get_length (patch);

  if (directive != NULL)
    return apply_map_directive (original, patch, directive, error);
  if (!apply_retain_keys (original, patch, error))
    return FALSE;
  if (orders && !apply_element_orders (original, patch, schema, error))
    return FALSE;

  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (patch, i);
    KubeValue *value = kube_value_get_element (patch, i);

    if (g_str_has_prefix (key, DELETE_LIST_PREFIX)) {
      const char *list = key + strlen (DELETE_LIST_PREFIX);
      if (!kube_value_is_array (value))
        return fail_form (error, "primitive list");
      if (kube_node_get_value_type (kube_node_get_member (original, list)) == KUBE_VALUE_ARRAY)
        delete_scalars (original, list, value);
    } else if (!is_directive (key) && !(orders && is_ordered (patch, key)) && !merge_member (original, key, value, schema, error)) {
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * kube_patch_strategic:
 * @kind: the kind of @target
 * @target: a JSON object
 * @patch: a strategic merge patch
 * @error: return location for an error
 *
 * Merges by the merge keys of @kind's schema, with upstream's directives: `$patch` (replace, delete), `$retainKeys`,
 * `$setElementOrder/LIST` and `$deleteFromPrimitiveList/LIST`.
 *
 * Returns: (transfer full): the patched value, or %NULL with %KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE for kinds without a schema,
 *   %KUBE_ERROR_BAD_REQUEST for a patch of the wrong form, %KUBE_ERROR_UNKNOWN where it does not fit the schema
 * Since: 1.0
 */
KubeValue *
kube_patch_strategic (KubeKind *kind, KubeValue *target, KubeValue *patch, GError **error)
{
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) result = NULL;

  if (kind->type == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE,
                         "the body of the request was in an unknown format - accepted media types include: "
                         "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
    return NULL;
  }
  if (!kube_value_is_null (patch) && !kube_value_is_object (patch)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                 kube_decode_value_word (patch));
    return NULL;
  }

  builder = kube_builder_new (target);
  if (!merge_map (kube_builder_get_root (builder), patch, (Schema){ .type = kind->type }, error))
    return NULL;
  return kube_builder_end (builder);
}
