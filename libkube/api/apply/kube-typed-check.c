/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-typed.h"
#include "kube-go-text.h"

typedef struct {
  const KubeFieldPlace *place; /* where the check is */
  GPtrArray *problems; /* (element-type utf8) */
} Check;

static void
print_place (const KubeFieldPlace *place, GString *out)
{
  g_autofree char *step = NULL;

  if (place->above == NULL)
    return;
  step = g_strconcat (place->prefix, place->name, NULL);
  print_place (place->above, out);
  kube_field_step_print (step, out);
}

static void G_GNUC_PRINTF (2, 3)
complain (Check *check, const char *format, ...)
{
  GString *text = g_string_new (NULL);
  va_list arguments;

  print_place (check->place, text);
  if (text->len > 0)
    g_string_append (text, ": ");
  va_start (arguments, format);
  g_string_append_vprintf (text, format, arguments);
  va_end (arguments);
  g_ptr_array_add (check->problems, g_string_free (text, FALSE));
}

/* Decoded JSON as Go's %#v prints it. */
static void
print_syntax (KubeValue *value, GString *out)
{
  gboolean object = kube_value_is_object (value);

  if (kube_value_is_string (value)) {
    kube_go_quote (out, kube_value_peek_string (value, NULL), -1);
  } else if (kube_value_is_null (value)) {
    g_string_append (out, "interface {}(nil)");
  } else if (object || kube_value_is_array (value)) {
    g_string_append (out, object ? "map[string]interface {}{" : "[]interface {}{");
    for (guint i = 0; i < kube_value_get_length (value); i++) {
      g_string_append (out, i > 0 ? ", " : "");
      if (object) {
        kube_go_quote (out, kube_value_get_key (value, i), -1);
        g_string_append_c (out, ':');
      }
      print_syntax (kube_value_get_element (value, i), out);
    }
    g_string_append_c (out, '}');
  } else {
    kube_value_print_to (value, out);
  }
}

static const char *
get_go_type (KubeValue *value)
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_STRING:
    return "string";
  case KUBE_VALUE_BOOLEAN:
    return "bool";
  case KUBE_VALUE_OBJECT:
    return "map[string]interface {}";
  default:
    return "[]interface {}";
  }
}

static void
complain_of (Check *check, const char *expected, KubeValue *value)
{
  g_autoptr (GString) text = g_string_new (NULL);

  kube_go_print (text, value);
  complain (check, "expected %s, got &{%s}", expected, text->str);
}

static gboolean
is_number (KubeValue *value)
{
  KubeValueType type = kube_value_get_value_type (value);

  return type == KUBE_VALUE_INTEGER || type == KUBE_VALUE_UNSIGNED || type == KUBE_VALUE_NUMBER;
}

static void
check_string (Check *check, KubeValue *value)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (kube_value_is_string (value))
    return;
  print_syntax (value, text);
  complain (check, "expected string, got &value.valueUnstructured{Value:%s}", text->str);
}

static void
check_scalar (Check *check, KubeScalar scalar, KubeValue *value)
{
  switch (scalar) {
  case KUBE_SCALAR_STRING:
  case KUBE_SCALAR_BYTES:
    check_string (check, value);
    break;
  case KUBE_SCALAR_BOOLEAN:
    if (kube_value_get_value_type (value) != KUBE_VALUE_BOOLEAN)
      complain_of (check, "boolean", value);
    break;
  case KUBE_SCALAR_INT32:
  case KUBE_SCALAR_INT64:
  case KUBE_SCALAR_DOUBLE:
    if (!is_number (value))
      complain (check, "expected numeric (int or float), got %s", get_go_type (value));
    break;
  case KUBE_SCALAR_TIME:
  case KUBE_SCALAR_MICRO_TIME:
  case KUBE_SCALAR_DURATION:
  case KUBE_SCALAR_QUANTITY:
  case KUBE_SCALAR_INT_OR_STRING:
    if (kube_value_is_object (value) || kube_value_is_array (value))
      complain_of (check, "any scalar", value);
    break;
  default:
    break;
  }
}

static void check_value (Check *check, KubeSlot slot, KubeValue *value);

static void
check_below (const Check *check, const char *prefix, const char *name, gboolean declared, KubeSlot slot, KubeValue *value)
{
  const KubeFieldPlace at = { (KubeFieldPlace *) check->place, prefix, name, NULL, { NULL } };
  Check deeper = { &at, check->problems };

  if (declared)
    check_value (&deeper, slot, value);
  else
    complain (&deeper, "field not declared in schema");
}

static void
check_members (Check *check, KubeSlot slot, KubeValue *value)
{
  gboolean closed = kube_slot_get_topology (slot, value) == KUBE_TOPOLOGY_STRUCT;

  for (guint i = 0; i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    check_below (check, "f:", key, !closed || kube_slot_declares (slot, key), kube_slot_get_member (slot, key), kube_value_get_element (value, i));
  }
}

static void
check_elements (Check *check, KubeSlot slot, KubeValue *value)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < kube_value_get_length (value); i++) {
    KubeValue *element = kube_value_get_element (value, i);
    char *step = kube_slot_dup_step (slot, element);
    if (g_hash_table_contains (seen, step)) {
      g_autoptr (GString) text = g_string_new (NULL);
      kube_field_step_print (step, text);
      complain (check, "duplicate entries for key %s", text->str);
      g_free (step);
      continue;
    }
    g_hash_table_add (seen, step);
    check_below (check, "", step, TRUE, kube_slot_get_element (slot), element);
  }
}

static void
check_value (Check *check, KubeSlot slot, KubeValue *value)
{
  const KubeField *field = slot.field;
  KubeTopology topology = kube_slot_get_topology (slot, value);
  gboolean list = topology == KUBE_TOPOLOGY_SET || topology == KUBE_TOPOLOGY_LIST;
  gboolean whole_list = topology == KUBE_TOPOLOGY_LEAF && field != NULL && slot.depth == 0 && field->shape == KUBE_SHAPE_LIST;

  if (kube_value_is_null (value))
    return;
  if (list || whole_list) {
    if (!kube_value_is_array (value))
      complain_of (check, "list", value);
    else if (list)
      check_elements (check, slot, value);
  } else if (topology != KUBE_TOPOLOGY_LEAF) {
    if (!kube_value_is_object (value))
      complain_of (check, "map", value);
    else
      check_members (check, slot, value);
  } else if (field != NULL && (slot.depth == 1 || field->shape == KUBE_SHAPE_ONE)) {
    check_scalar (check, field->scalar, value);
  }
}

gboolean
kube_typed_check (KubeSlot slot, KubeValue *config, GError **error)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) text = g_string_new ("errors:");
  const KubeFieldPlace root = { NULL };
  Check check = { &root, problems };

  check_value (&check, slot, config);
  if (problems->len == 0)
    return TRUE;
  for (guint i = 0; i < problems->len; i++)
    g_string_append_printf (text, "\n  %s", (const char *) g_ptr_array_index (problems, i));
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNKNOWN, problems->len == 1 ? g_ptr_array_index (problems, 0) : text->str);
  return FALSE;
}
