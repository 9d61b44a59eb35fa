/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-decode-private.h"

#include "kube-value-writer.h"

#include <string.h>

/* Reading a body makes what upstream would make of it by decoding it into its Go types and encoding those again: fields that are not
 * known are gone, nulls and zero values of fields that omit them too, fields that are always written are there, scalars are in their
 * canonical form, and members are sorted.
 *
 * The way through a good document is one pass that writes the new one. It only notices that something is wrong; what exactly, and in
 * which order upstream would have found it, is left to kube_decode_explain(), which walks the document again. */
typedef struct {
  KubeWriter *writer;
  GString *detail;
  gboolean failed;
  gboolean unknown; /* a field was dropped that strict decoding minds */
  gboolean keep_empty;
  gboolean has_empty;
  guint depth;
  guint quiet;      /* within values that upstream decodes on their own, leniently */
} Decoder;

static void write_struct (Decoder *self, const KubeType *type, KubeValue *value, KubeKind *kind);

static void
push_key (Decoder *self, const KubeField *field)
{
  kube_writer_push_text (self->writer, KUBE_VALUE_STRING, field->name, field->name_length);
}

static void
push_null (Decoder *self)
{
  kube_writer_push (self->writer, KUBE_VALUE_NULL, 0);
}

static void
push_string (Decoder *self, const char *text)
{
  kube_writer_push_text (self->writer, KUBE_VALUE_STRING, text, strlen (text));
}

static void
write_zero (Decoder *self, const KubeField *field)
{
  switch (field->scalar) {
  case KUBE_SCALAR_STRING:
    push_string (self, "");
    return;
  case KUBE_SCALAR_BOOLEAN:
    kube_writer_push (self->writer, KUBE_VALUE_BOOLEAN, FALSE);
    return;
  case KUBE_SCALAR_INT32:
  case KUBE_SCALAR_INT64:
  case KUBE_SCALAR_DOUBLE:
  case KUBE_SCALAR_INT_OR_STRING:
    kube_writer_push (self->writer, KUBE_VALUE_INTEGER, 0);
    return;
  case KUBE_SCALAR_DURATION:
    push_string (self, "0s");
    return;
  case KUBE_SCALAR_QUANTITY:
    push_string (self, "0");
    return;
  case KUBE_SCALAR_STRUCT:
    write_struct (self, field->type, NULL, NULL);
    return;
  default:
    push_null (self);
  }
}

static void
write_struct_or_other (Decoder *self, const KubeField *field, KubeValue *value)
{
  if (kube_value_is_object (value)) {
    write_struct (self, field->type, value, NULL);
  } else if (field->scalar == KUBE_SCALAR_STRUCT_OR_BOOLEAN) {
    self->failed |= kube_value_get_value_type (value) != KUBE_VALUE_BOOLEAN;
    kube_writer_push (self->writer, KUBE_VALUE_BOOLEAN, kube_value_get_boolean (value, NULL, FALSE));
  } else if (!kube_value_is_array (value) || kube_value_get_length (value) == 0) {
    push_null (self);
  } else {
    kube_writer_open (self->writer, KUBE_VALUE_ARRAY);
    for (guint i = 0; i < kube_value_get_length (value); i++) {
      KubeValue *element = kube_value_get_element (value, i);

      if (field->scalar == KUBE_SCALAR_STRUCT_OR_LIST)
        write_struct (self, field->type, element, NULL);
      else
        push_string (self, kube_value_get_string (element, NULL) ?: "");
      self->failed
          |= field->scalar == KUBE_SCALAR_STRUCT_OR_STRINGS && !kube_value_is_string (element) && !kube_value_is_null (element);
    }
    kube_writer_close (self->writer);
  }
}

/* One value, of a field itself or in its list or map. */
static void
write_one (Decoder *self, const KubeField *field, int min_scale, KubeValue *value)
{
  const char *go_type;
  KubeDecodeScalar scalar;

  if (field->scalar == KUBE_SCALAR_ANY) {
    kube_writer_push_value (self->writer, value, TRUE);
    return;
  }
  if (kube_value_is_null (value)) {
    /* Go keeps a nil in a map of byte slices until the store has read it back. */
    if (field->scalar == KUBE_SCALAR_BYTES)
      push_string (self, "");
    else
      write_zero (self, field);
    return;
  }
  if (field->scalar == KUBE_SCALAR_STRUCT) {
    write_struct (self, field->type, value, NULL);
    return;
  }
  if (field->scalar > KUBE_SCALAR_STRUCT) {
    self->quiet++;
    write_struct_or_other (self, field, value);
    self->quiet--;
    return;
  }
  if (kube_decode_read_scalar (field->scalar, min_scale, value, &scalar, self->detail, &go_type) != KUBE_DECODE_GOOD) {
    self->failed = TRUE;
    push_null (self);
    return;
  }
  if (scalar.type == KUBE_VALUE_STRING || scalar.type == KUBE_VALUE_NUMBER)
    kube_writer_push_text (self->writer, scalar.type, scalar.text, scalar.length);
  else
    kube_writer_push (self->writer, scalar.type, scalar.integer);
  g_free (scalar.owned);
}

static void
write_list (Decoder *self, const KubeField *field, KubeValue *value)
{
  guint n = kube_value_get_length (value);

  self->failed |= !kube_value_is_array (value) && !kube_value_is_null (value);
  kube_writer_open (self->writer, KUBE_VALUE_ARRAY);
  for (guint i = 0; i < n && !self->failed; i++)
    write_one (self, field, -9, kube_value_get_element (value, i));
  kube_writer_close (self->writer);
}

typedef struct {
  const char *key;
  gsize length;
  guint index;
} Member;

static int
member_compare (gconstpointer a, gconstpointer b)
{
  const Member *x = a, *y = b;

  return key_compare (x->key, x->length, y->key, y->length);
}

/* The members of an object in the order of their keys. */
static Member *
sort_members (KubeValue *value)
{
  guint n = kube_value_get_length (value);
  Member *members = g_new (Member, n);
  gboolean sorted = TRUE;

  for (guint i = 0; i < n; i++) {
    members[i] = (Member){ kube_value_get_key (value, i), 0, i };
    members[i].length = strlen (members[i].key);
    sorted = sorted && (i == 0 || member_compare (&members[i - 1], &members[i]) < 0);
  }
  if (!sorted)
    qsort (members, n, sizeof (Member), member_compare);
  return members;
}

static gboolean
all_strings (KubeValue *value)
{
  for (guint i = 0; i < kube_value_get_length (value); i++)
    if (!kube_value_is_string (kube_value_get_element (value, i)))
      return FALSE;
  return TRUE;
}

static void
write_map (Decoder *self, const KubeField *field, KubeValue *value)
{
  g_autofree Member *members = NULL;
  int min_scale = kube_decode_min_scale (field);

  self->failed |= !kube_value_is_object (value);
  if (self->failed || (field->scalar == KUBE_SCALAR_STRING && field->shape == KUBE_SHAPE_MAP && all_strings (value))) {
    kube_writer_push_value (self->writer, value, TRUE);
    return;
  }
  members = sort_members (value);
  kube_writer_open (self->writer, KUBE_VALUE_OBJECT);
  for (guint i = 0; i < kube_value_get_length (value) && !self->failed; i++) {
    KubeValue *element = kube_value_get_element (value, members[i].index);

    kube_writer_push_text (self->writer, KUBE_VALUE_STRING, members[i].key, members[i].length);
    if (field->shape == KUBE_SHAPE_MAP)
      write_one (self, field, min_scale, element);
    else
      write_list (self, field, element);
  }
  kube_writer_close (self->writer);
}

static void
write_list_of_list (Decoder *self, const KubeField *field, KubeValue *value)
{
  self->failed |= !kube_value_is_array (value);
  kube_writer_open (self->writer, KUBE_VALUE_ARRAY);
  for (guint i = 0; i < kube_value_get_length (value) && !self->failed; i++)
    write_list (self, field, kube_value_get_element (value, i));
  kube_writer_close (self->writer);
}

/* Whether Go would leave out a value that omits its zero. Structs are never left out. A value of the wrong type is no zero. */
static gboolean
is_zero (Decoder *self, const KubeField *field, KubeValue *value)
{
  KubeValueType type = kube_value_get_value_type (value);
  const char *go_type;
  KubeDecodeScalar scalar;

  if (field->shape != KUBE_SHAPE_ONE)
    return FALSE;
  switch ((KubeScalar) field->scalar) {
  case KUBE_SCALAR_STRING:
  case KUBE_SCALAR_BYTES:
    return type == KUBE_VALUE_STRING ? kube_value_peek_string (value, NULL)[0] == '\0'
                                     : field->scalar == KUBE_SCALAR_BYTES && type == KUBE_VALUE_ARRAY && kube_value_get_length (value) == 0;
  case KUBE_SCALAR_BOOLEAN:
    return type == KUBE_VALUE_BOOLEAN && !kube_value_get_boolean (value, NULL, FALSE);
  case KUBE_SCALAR_INT32:
  case KUBE_SCALAR_INT64:
    return type == KUBE_VALUE_INTEGER && kube_value_get_integer (value, NULL, 1) == 0;
  case KUBE_SCALAR_DOUBLE:
    return (type == KUBE_VALUE_INTEGER || type == KUBE_VALUE_NUMBER) && kube_value_get_double (value, NULL, 1) == 0;
  case KUBE_SCALAR_TIME:
  case KUBE_SCALAR_MICRO_TIME:
    return (field->flags & (KUBE_FIELD_OMIT_ZERO | KUBE_FIELD_POINTER)) &&
           kube_decode_read_scalar (field->scalar, -9, value, &scalar, self->detail, &go_type) == KUBE_DECODE_GOOD &&
           scalar.type == KUBE_VALUE_NULL;
  default:
    return FALSE;
  }
}

static void
write_absent (Decoder *self, const KubeField *field)
{
  if (!(field->flags & KUBE_FIELD_ALWAYS))
    return;
  push_key (self, field);
  if (field->shape != KUBE_SHAPE_ONE || (field->flags & KUBE_FIELD_POINTER))
    push_null (self);
  else
    write_zero (self, field);
}

static void
write_field (Decoder *self, const KubeField *field, KubeValue *value)
{
  gboolean keep = field->flags & (KUBE_FIELD_ALWAYS | KUBE_FIELD_POINTER);

  if (field->shape != KUBE_SHAPE_ONE && (kube_value_is_array (value) || kube_value_is_object (value))
      && kube_value_get_length (value) == 0) {
    /* An empty list or map of the right type is nothing once the store has read it back; until then it is itself. */
    self->failed |= kube_value_is_array (value) != (field->shape == KUBE_SHAPE_LIST || field->shape == KUBE_SHAPE_LIST_OF_LIST);
    self->has_empty = TRUE;
    if (self->keep_empty) {
      push_key (self, field);
      kube_writer_push_value (self->writer, value, TRUE);
    } else {
      write_absent (self, field);
    }
    return;
  }
  if (field->scalar == KUBE_SCALAR_TIME || field->scalar == KUBE_SCALAR_MICRO_TIME)
    keep = field->flags & KUBE_FIELD_ALWAYS; /* a zero time is no time, even behind a pointer */
  if (!keep && is_zero (self, field, value))
    return;
  push_key (self, field);
  switch ((KubeShape)field->shape) {
  case KUBE_SHAPE_ONE:
    write_one (self, field, -9, value);
    break;
  case KUBE_SHAPE_LIST:
    write_list (self, field, value);
    break;
  case KUBE_SHAPE_MAP:
  case KUBE_SHAPE_MAP_OF_LIST:
    write_map (self, field, value);
    break;
  case KUBE_SHAPE_LIST_OF_LIST:
    write_list_of_list (self, field, value);
    break;
  }
}

/* Finds the members of @value that are fields of @type; clients mostly send them in the tables' order. */
static guint
assign_members (const KubeType *type, KubeValue *value, KubeValue **slots)
{
  guint n = kube_value_get_length (value), next = 0, n_unknown = 0;

  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (value, i);
    const KubeField *field;

    for (guint tries = 0; tries < 2 && next < type->n_fields && strcmp (type->fields[next].name, key) < 0; tries++)
      next++;
    field = next < type->n_fields && strcmp (type->fields[next].name, key) == 0 ? &type->fields[next]
                                                                                : kube_type_find_field (type, key, strlen (key));
    if (field == NULL) {
      n_unknown++;
      continue;
    }
    next = field - type->fields;
    slots[next++] = kube_value_get_element (value, i);
  }
  return n_unknown;
}

/* Fields and what is not known, together in the order of their names. */
static void
write_open_struct (Decoder *self, const KubeType *type, KubeValue *value, KubeValue **slots)
{
  g_autofree Member *members = sort_members (value);
  guint n = kube_value_get_length (value), next = 0;

  for (guint i = 0; i < n; i++) {
    if (kube_type_find_field (type, members[i].key, members[i].length) != NULL)
      continue;
    while (next < type->n_fields
           && key_compare (type->fields[next].name, type->fields[next].name_length, members[i].key, members[i].length) < 0) {
      if (kube_value_is_null (slots[next]))
        write_absent (self, &type->fields[next]);
      else
        write_field (self, &type->fields[next], slots[next]);
      next++;
    }
    kube_writer_push_text (self->writer, KUBE_VALUE_STRING, members[i].key, members[i].length);
    kube_writer_push_value (self->writer, kube_value_get_element (value, members[i].index), TRUE);
  }
  for (; next < type->n_fields; next++) {
    if (kube_value_is_null (slots[next]))
      write_absent (self, &type->fields[next]);
    else
      write_field (self, &type->fields[next], slots[next]);
  }
}

static gboolean
write_type_meta (Decoder *self, const KubeField *field, KubeKind *kind)
{
  gboolean is_kind = strcmp (field->name, "kind") == 0;

  if (!is_kind && strcmp (field->name, "apiVersion") != 0)
    return FALSE;
  push_key (self, field);
  push_string (self, is_kind ? kind->name : kind->api_version);
  return TRUE;
}

/* @kind: (nullable): of the object as a whole, whose apiVersion and kind are written as they must be. */
static void
write_struct_members (Decoder *self, const KubeType *type, KubeValue *value, KubeKind *kind)
{
  KubeValue *slots[64] = { NULL };
  guint n_unknown = 0;

  g_assert (type->n_fields <= G_N_ELEMENTS (slots));
  if (kube_value_is_object (value))
    n_unknown = assign_members (type, value, slots);
  else if (!kube_value_is_null (value))
    self->failed = TRUE;
  kube_writer_open (self->writer, KUBE_VALUE_OBJECT);
  if (type->open && n_unknown > 0) {
    write_open_struct (self, type, value, slots);
    kube_writer_close (self->writer);
    return;
  }
  self->unknown |= n_unknown > 0 && self->quiet == 0;
  for (guint i = 0; i < type->n_fields && !self->failed; i++) {
    const KubeField *field = &type->fields[i];

    if (kind != NULL && write_type_meta (self, field, kind))
      continue;
    if (kube_value_is_null (slots[i]))
      write_absent (self, field);
    else
      write_field (self, field, slots[i]);
  }
  kube_writer_close (self->writer);
}

static void
write_struct (Decoder *self, const KubeType *type, KubeValue *value, KubeKind *kind)
{
  if (++self->depth > KUBE_DECODE_MAX_DEPTH) {
    self->failed = TRUE;
    push_null (self);
  } else {
    write_struct_members (self, type, value, kind);
  }
  self->depth--;
}

/* @problems: (nullable): receives what strict decoding minds. */
static KubeValue *
decode (const KubeType *type, KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *problems, gboolean *has_empty, GError **error)
{
  Decoder self = { .writer = kube_writer_acquire (), .detail = g_string_new (NULL), .keep_empty = has_empty != NULL };
  gboolean minded = problems != NULL && duplicates != NULL && duplicates->len > 0;
  gboolean explained = TRUE;
  KubeValue *result = NULL;

  write_struct (&self, type, value, kind);
  g_string_free (self.detail, TRUE);
  minded = minded || (problems != NULL && self.unknown);
  if (self.failed || minded)
    explained = kube_decode_explain (type, value, duplicates, problems, error);
  if (explained && self.failed)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the object cannot be decoded");
  else if (explained && (result = kube_writer_finish (self.writer)) == NULL)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "the object is too large");
  kube_writer_release (self.writer);
  if (has_empty != NULL)
    *has_empty = self.has_empty;
  return result;
}

/**
 * kube_decode:
 * @type: a type
 * @value: (nullable): what to read; null is an empty object
 * @problems: (nullable) (element-type utf8): what strict decoding finds is appended: `unknown field "spec.x"`
 * @error: return location for an error
 *
 * Reads a value of a type as upstream's decoder does, and writes it as upstream's encoder would: types are checked, unknown fields are left
 * out, and so are nulls and the empty values that the encoder omits; what it always writes is there. %KUBE_ERROR_BAD_REQUEST, worded as
 * Go's decoder words it.
 *
 * Returns: (transfer full): the canonical form; of an empty object it is the zero value of @type
 */
KubeValue *
kube_decode (const KubeType *type, KubeValue *value, GPtrArray *problems, GError **error)
{
  return decode (type, NULL, value, NULL, problems, NULL, error);
}

/* A kind without a schema: any object, but of this kind. */
static KubeValue *
decode_unknown (KubeKind *kind, KubeValue *value, GError **error)
{
  g_autoptr (KubeBuilder) builder = NULL;

  if (!kube_value_is_object (value)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                 "json: cannot unmarshal %s into Go value of type map[string]interface {}", kube_decode_value_word (value));
    return NULL;
  }
  builder = kube_builder_new (value);
  kube_node_put_string (kube_builder_get_root (builder), "apiVersion", kind->api_version);
  kube_node_put_string (kube_builder_get_root (builder), "kind", kind->name);
  return kube_builder_end (builder);
}

/**
 * kube_decode_request:
 * @kind: a kind
 * @value: (nullable): the body of a request
 * @duplicates: (nullable) (element-type utf8): paths of keys that the body had twice, from kube_value_parse_with_options()
 * @problems: (nullable) (element-type utf8): what strict decoding finds is appended, @duplicates among it in the document's order
 * @has_empty: (nullable) (out): whether the result holds lists or maps without members, as upstream's objects do until they are stored;
 *   with %NULL they are left out, as they are of what is stored
 * @error: return location for an error
 *
 * Reads a body as an object of @kind, whatever it says of its own kind. %KUBE_ERROR_BAD_REQUEST, worded as upstream's without what it
 * puts before ("Pod in version "v1" cannot be handled as a Pod: ").
 *
 * Returns: (transfer full): its canonical form, without defaults
 */
KubeValue *
kube_decode_request (KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *problems, gboolean *has_empty, GError **error)
{
  if (has_empty != NULL)
    *has_empty = FALSE;
  if (kind->type == NULL)
    return decode_unknown (kind, value, error);
  return decode (kind->type, kind, value, duplicates, problems, has_empty, error);
}

/**
 * kube_decode_object:
 * @kind: a kind
 * @value: (nullable): an object as JSON has it
 * @duplicates: (nullable) (element-type utf8): paths of keys that the body had twice, from kube_value_parse_with_options()
 * @problems: (nullable) (element-type utf8): what strict decoding finds is appended, @duplicates among it in the document's order
 * @error: return location for an error
 *
 * Reads an object as kube_decode_request() does, without empty lists and maps.
 *
 * Returns: (transfer full): its canonical form, without defaults
 */
KubeValue *
kube_decode_object (KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *problems, GError **error)
{
  return kube_decode_request (kind, value, duplicates, problems, NULL, error);
}

/**
 * kube_decode_zero:
 * @kind: a kind
 *
 * Returns: (transfer full): an object of @kind that nothing was said of, without defaults: what its encoder always writes
 */
KubeValue *
kube_decode_zero (KubeKind *kind)
{
  static GMutex mutex;
  static GHashTable *zeros; /* KubeKind → KubeValue; of constant kinds, which live for ever */
  g_autoptr (KubeValue) empty = NULL;
  KubeValue *zero;

  if (kind->type == NULL)
    return kube_value_new_empty_object ();
  if (kind->constant) {
    g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
    if (zeros == NULL)
      zeros = g_hash_table_new (NULL, NULL);
    zero = g_hash_table_lookup (zeros, kind);
    if (zero != NULL)
      return kube_value_ref (zero);
  }
  empty = kube_value_new_empty_object ();
  zero = kube_decode (kind->type, empty, NULL, NULL);
  if (kind->constant) {
    g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
    if (!g_hash_table_contains (zeros, kind))
      g_hash_table_insert (zeros, kind, kube_value_ref (zero));
  }
  return zero;
}
