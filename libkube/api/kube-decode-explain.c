/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-decode-private.h"
#include "kube-go-text.h"

#include <string.h>

/* Walks a document as Go's decoder does, in the document's order. Faults of type are kept until the end, and only the first of them;
 * what a type's own decoder says ends the walk. Paths come in two forms: Go's names of fields without places in lists, and the one
 * that strict decoding reports. */

#define MAX_FINDINGS 100

typedef struct {
  GString *fields; /* Go's path */
  GString *place;  /* spec.containers[0].name */
  GString *detail;
  const char *owner;      /* the struct that Go would name: where the innermost field is */
  char *saved;            /* (owned) (nullable): the first fault of type */
  char *fatal;            /* (owned) (nullable) */
  guint depth;
  GPtrArray *findings;    /* (nullable) */
  GHashTable *duplicates; /* (nullable): set of places */
} Walk;

static void walk_struct (Walk *self, const KubeType *type, KubeValue *value, const char *go_type);

static char *
type_message (Walk *self, const char *found, const char *go_type)
{
  if (self->owner == NULL)
    return g_strdup_printf ("json: cannot unmarshal %s into Go value of type %s", found, go_type);
  return g_strdup_printf ("json: cannot unmarshal %s into Go struct field %s.%s of type %s", found, self->owner,
                          self->fields->str, go_type);
}

static void
save_type (Walk *self, const char *found, const char *go_type)
{
  if (self->saved == NULL)
    self->saved = type_message (self, found, go_type);
}

static void
append_name (GString *path, const char *name)
{
  if (path->len > 0)
    g_string_append_c (path, '.');
  g_string_append (path, name);
}

static void
find (Walk *self, const char *what, const char *place)
{
  g_autoptr (GString) text = g_string_new (what);

  if (self->findings == NULL || self->findings->len >= MAX_FINDINGS)
    return;
  g_string_append_c (text, ' ');
  kube_go_quote (text, place, -1);
  if (!g_ptr_array_find_with_equal_func (self->findings, text->str, g_str_equal, NULL))
    g_ptr_array_add (self->findings, g_strdup (text->str));
}

static void
check_duplicate (Walk *self)
{
  if (self->duplicates != NULL && g_hash_table_contains (self->duplicates, self->place->str))
    find (self, "duplicate field", self->place->str);
}

/* Values that are not declared: only their duplicate keys count. */
static void
walk_any (Walk *self, KubeValue *value)
{
  gsize length = self->place->len;

  if (self->duplicates == NULL || !(kube_value_is_object (value) || kube_value_is_array (value)))
    return;
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    if (kube_value_is_object (value)) {
      append_name (self->place, kube_value_get_key (value, i));
      check_duplicate (self);
    } else {
      g_string_append_printf (self->place, "[%u]", i);
    }
    walk_any (self, kube_value_get_element (value, i));
    g_string_truncate (self->place, length);
  }
}

/* What upstream hands to another decoder: nothing in it is found, and its faults of type end the walk. */
static void
walk_struct_or_other (Walk *self, const KubeField *field, KubeValue *value)
{
  GPtrArray *findings = g_steal_pointer (&self->findings);
  char *saved = g_steal_pointer (&self->saved);

  if (kube_value_is_object (value)) {
    g_autofree char *go_type = g_strconcat ("v1.", field->type->name, NULL);
    const char *owner = self->owner;
    gsize length = self->fields->len;

    walk_struct (self, field->type, value, go_type);
    self->owner = owner;
    g_string_truncate (self->fields, length);
  } else if (field->scalar == KUBE_SCALAR_STRUCT_OR_BOOLEAN && kube_value_get_value_type (value) != KUBE_VALUE_BOOLEAN) {
    self->fatal = g_strdup ("boolean or JSON schema expected");
  } else if (kube_value_is_array (value)) {
    for (guint i = 0; i < kube_value_get_length (value); i++) {
      KubeValue *element = kube_value_get_element (value, i);

      if (field->scalar == KUBE_SCALAR_STRUCT_OR_LIST)
        walk_struct (self, field->type, element, "v1.JSONSchemaProps");
      else if (!kube_value_is_string (element) && !kube_value_is_null (element))
        save_type (self, kube_decode_value_word (element), "string");
    }
  }
  if (self->fatal == NULL)
    self->fatal = g_steal_pointer (&self->saved);
  g_free (self->saved);
  self->saved = saved;
  self->findings = findings;
}

static void
walk_one (Walk *self, const KubeField *field, int min_scale, KubeValue *value, const char *go_type)
{
  const char *wanted = NULL;
  KubeDecodeScalar scalar;
  KubeDecodeFault fault;

  if (field->scalar == KUBE_SCALAR_STRUCT) {
    walk_struct (self, field->type, value, go_type);
    return;
  }
  if (kube_value_is_null (value))
    return;
  if (field->scalar == KUBE_SCALAR_ANY) {
    /* interface{} is read by the same decoder, all else by its type's own. */
    if (strcmp (go_type, "interface {}") == 0)
      walk_any (self, value);
    return;
  }
  if (field->scalar > KUBE_SCALAR_STRUCT) {
    walk_struct_or_other (self, field, value);
    return;
  }
  fault = kube_decode_read_scalar (field->scalar, min_scale, value, &scalar, self->detail, &wanted);
  g_free (scalar.owned);
  if (fault == KUBE_DECODE_TYPE) {
    gboolean own_decoder = field->scalar >= KUBE_SCALAR_TIME && field->scalar <= KUBE_SCALAR_INT_OR_STRING;

    if (own_decoder)
      self->fatal = type_message (self, self->detail->str, wanted);
    else
      save_type (self, self->detail->str, strcmp (wanted, "uint8") == 0 ? wanted : go_type);
  } else if (fault == KUBE_DECODE_SAVED && self->saved == NULL) {
    self->saved = g_strdup (self->detail->str);
  } else if (fault == KUBE_DECODE_FATAL) {
    self->fatal = g_strdup (self->detail->str);
  }
}

static void
walk_list (Walk *self, const KubeField *field, KubeValue *value, const char *go_type, const char *go_element)
{
  gsize length = self->place->len;

  if (kube_value_is_null (value))
    return;
  if (!kube_value_is_array (value)) {
    save_type (self, kube_decode_value_word (value), go_type);
    return;
  }
  for (guint i = 0; i < kube_value_get_length (value) && self->fatal == NULL; i++) {
    KubeValue *element = kube_value_get_element (value, i);

    g_string_append_printf (self->place, "[%u]", i);
    if (field->shape == KUBE_SHAPE_LIST_OF_LIST && go_element == field->go_element)
      walk_list (self, field, element, field->go_element, field->go_inner);
    else
      walk_one (self, field, -9, element, go_element);
    g_string_truncate (self->place, length);
  }
}

static void
walk_map (Walk *self, const KubeField *field, KubeValue *value)
{
  gsize length = self->place->len;
  int min_scale = kube_decode_min_scale (field);

  if (kube_value_is_null (value))
    return;
  if (!kube_value_is_object (value)) {
    save_type (self, kube_decode_value_word (value), field->go_type);
    return;
  }
  for (guint i = 0; i < kube_value_get_length (value) && self->fatal == NULL; i++) {
    KubeValue *element = kube_value_get_element (value, i);

    append_name (self->place, kube_value_get_key (value, i));
    check_duplicate (self);
    if (field->shape == KUBE_SHAPE_MAP_OF_LIST)
      walk_list (self, field, element, field->go_element, field->go_inner);
    else
      walk_one (self, field, min_scale, element, field->go_element);
    g_string_truncate (self->place, length);
  }
}

static void
walk_field (Walk *self, const KubeType *type, const KubeField *field, KubeValue *value)
{
  const char *owner = self->owner;
  gsize length = self->fields->len;

  self->owner = type->name;
  if (field->embedded != NULL)
    append_name (self->fields, field->embedded);
  append_name (self->fields, field->name);
  if (field->shape == KUBE_SHAPE_ONE)
    walk_one (self, field, -9, value, field->go_type);
  else if (field->shape == KUBE_SHAPE_LIST || field->shape == KUBE_SHAPE_LIST_OF_LIST)
    walk_list (self, field, value, field->go_type, field->go_element);
  else
    walk_map (self, field, value);
  self->owner = owner;
  g_string_truncate (self->fields, length);
}

static void
walk_struct (Walk *self, const KubeType *type, KubeValue *value, const char *go_type)
{
  gsize length = self->place->len;

  if (kube_value_is_null (value))
    return;
  if (!kube_value_is_object (value)) {
    save_type (self, kube_decode_value_word (value), go_type[0] == '*' ? go_type + 1 : go_type);
    return;
  }
  if (++self->depth > KUBE_DECODE_MAX_DEPTH)
    self->fatal = g_strdup ("exceeded max depth");
  for (guint i = 0; i < kube_value_get_length (value) && self->fatal == NULL; i++) {
    const char *key = kube_value_get_key (value, i);
    const KubeField *field = kube_type_find_field (type, key, strlen (key));

    append_name (self->place, key);
    if (field == NULL && !type->open) {
      find (self, "unknown field", self->place->str);
    } else {
      check_duplicate (self);
      if (field != NULL)
        walk_field (self, type, field, kube_value_get_element (value, i));
    }
    g_string_truncate (self->place, length);
  }
  self->depth--;
}

gboolean
kube_decode_explain (const KubeType *type, KubeValue *value, GPtrArray *duplicates, GPtrArray *findings, GError **error)
{
  Walk self
      = { .fields = g_string_new (NULL), .place = g_string_new (NULL), .detail = g_string_new (NULL), .findings = findings };
  g_autofree char *go_type = g_strconcat (type->package, ".", type->name, NULL);
  const char *message;

  if (duplicates != NULL && duplicates->len > 0) {
    self.duplicates = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; i < duplicates->len; i++)
      g_hash_table_add (self.duplicates, duplicates->pdata[i]);
  }
  walk_struct (&self, type, value, go_type);
  message = self.fatal != NULL ? self.fatal : self.saved;
  if (message != NULL)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, message);
  g_clear_pointer (&self.duplicates, g_hash_table_unref);
  g_string_free (self.fields, TRUE);
  g_string_free (self.place, TRUE);
  g_string_free (self.detail, TRUE);
  g_free (self.saved);
  g_free (self.fatal);
  return message == NULL;
}
