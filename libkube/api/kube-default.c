/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-decode.h"

#include <string.h>

/* Defaults are constants in the schema files where they can be, and functions (kube_default_*, named there by default-hook=) where they
 * depend on more than their type. As upstream, an object's come before those of what it holds, so that what a default adds gets
 * defaults of its own. The functions also do what upstream's conversions to and from its internal types do to an object: fields that mirror
 * each other agree afterwards. */

static void default_struct (const KubeType *type, KubeNode *object);

static gboolean
is_unset (const KubeField *field, KubeNode *node)
{
  switch (kube_node_get_value_type (node)) {
  case KUBE_VALUE_NULL:
    return TRUE;
  case KUBE_VALUE_STRING:
    return !(field->flags & KUBE_FIELD_POINTER) && kube_node_get_string (node, NULL)[0] == '\0';
  case KUBE_VALUE_INTEGER:
    return !(field->flags & KUBE_FIELD_POINTER) && kube_node_get_integer (node, NULL, 1) == 0;
  case KUBE_VALUE_BOOLEAN:
    return !(field->flags & KUBE_FIELD_POINTER) && !kube_node_get_boolean (node, NULL, TRUE);
  case KUBE_VALUE_ARRAY:
    return kube_node_get_length (node) == 0;
  default:
    return FALSE;
  }
}

static void
set_constant (KubeNode *object, const KubeField *field)
{
  g_autoptr (KubeValue) value = NULL;

  if (field->default_json[0] == '"' && strchr (field->default_json, '\\') == NULL) {
    gsize length = strlen (field->default_json) - 2;
    g_autofree char *text = g_strndup (field->default_json + 1, length);

    kube_node_put_string (object, field->name, text);
    return;
  }
  if (g_ascii_isdigit (field->default_json[0]) && strspn (field->default_json, "0123456789") == strlen (field->default_json)) {
    kube_node_put_integer (object, field->name, g_ascii_strtoll (field->default_json, NULL, 10));
    return;
  }
  value = kube_value_parse (field->default_json, -1, NULL);
  kube_node_put_value (object, field->name, value);
}

static void
default_field (const KubeField *field, KubeNode *node)
{
  if (field->shape == KUBE_SHAPE_ONE) {
    default_struct (field->type, node);
    return;
  }
  for (guint i = 0; i < kube_node_get_length (node); i++)
    default_struct (field->type, kube_node_get_element (node, i));
}

static void
default_struct (const KubeType *type, KubeNode *object)
{
  if (kube_node_get_value_type (object) != KUBE_VALUE_OBJECT)
    return;
  for (guint i = 0; i < type->n_fields; i++) {
    const KubeField *field = &type->fields[i];

    if (field->default_json != NULL && is_unset (field, kube_node_get_member (object, field->name)))
      set_constant (object, field);
  }
  if (type->default_hook != NULL)
    type->default_hook (object);
  for (guint i = 0; i < type->n_fields; i++) {
    const KubeField *field = &type->fields[i];

    if (field->scalar == KUBE_SCALAR_STRUCT && field->type->has_defaults)
      default_field (field, kube_node_get_member (object, field->name));
  }
}

/**
 * kube_default:
 * @kind: a kind
 * @object: a decoded object of @kind
 *
 * Gives @object upstream's defaults, in place.
 */
void
kube_default (KubeKind *kind, KubeNode *object)
{
  if (kind->type != NULL && kind->type->has_defaults)
    default_struct (kind->type, object);
}
