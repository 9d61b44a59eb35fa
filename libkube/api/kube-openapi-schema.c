/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-openapi-private.h"

#include <string.h>

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."
#define EXTENSIONS "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."

/* Scalars that upstream gives definitions of their own. */
typedef struct {
  const char *go; /* Go's name, for those that the scalar alone does not tell */
  guint8 scalar;
  const char *definition;
  const char *doc;
  const char *v2, *v3; /* members of the definition */
} ScalarDefinition;

static const ScalarDefinition scalar_definitions[] = {
  { NULL, KUBE_SCALAR_TIME, META "Time", "A time in RFC 3339 form, to the second.",
    "\"type\":\"string\",\"format\":\"date-time\"", NULL },
  { NULL, KUBE_SCALAR_MICRO_TIME, META "MicroTime", "A time in RFC 3339 form with six digits of a second.",
    "\"type\":\"string\",\"format\":\"date-time\"", NULL },
  { NULL, KUBE_SCALAR_QUANTITY, "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "An exact amount: a decimal number with an optional suffix (m, k, M, G, Ki, Mi, Gi, ...) or exponent.", "\"type\":\"string\"",
    "\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]" },
  { NULL, KUBE_SCALAR_INT_OR_STRING, "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "A 32-bit integer or a string.",
    "\"type\":\"string\",\"format\":\"int-or-string\"",
    "\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],\"format\":\"int-or-string\"" },
  { NULL, KUBE_SCALAR_DURATION, META "Duration", "A span of time in Go's text form, such as 1m30s.", "\"type\":\"string\"",
    NULL },
  { "runtime.RawExtension", KUBE_SCALAR_ANY, "io.k8s.apimachinery.pkg.runtime.RawExtension", "Any object.", "\"type\":\"object\"",
    NULL },
  { "v1.FieldsV1", KUBE_SCALAR_ANY, META "FieldsV1",
    "A set of fields: a tree whose keys name fields (f:), list elements (k:, v:, i:) and the field itself (.).",
    "\"type\":\"object\"", NULL },
  { "v1.JSON", KUBE_SCALAR_ANY, EXTENSIONS "JSON", "Any JSON value.", "", NULL },
  { NULL, KUBE_SCALAR_STRUCT_OR_BOOLEAN, EXTENSIONS "JSONSchemaPropsOrBool", "A schema, or whether any value will do.", "",
    NULL },
  { NULL, KUBE_SCALAR_STRUCT_OR_LIST, EXTENSIONS "JSONSchemaPropsOrArray", "A schema or a list of schemas.", "", NULL },
  { NULL, KUBE_SCALAR_STRUCT_OR_STRINGS, EXTENSIONS "JSONSchemaPropsOrStringArray", "A schema or a list of names.", "", NULL },
  { "Patch", KUBE_SCALAR_ANY, META "Patch", "A patch in one of the forms that the request's content type names.",
    "\"type\":\"object\"", NULL },
};

void
kube_openapi_next (GString *out)
{
  char last = out->len > 0 ? out->str[out->len - 1] : '{';

  if (last != '{' && last != '[' && last != ':')
    g_string_append_c (out, ',');
}

void
kube_openapi_key (GString *out, const char *key)
{
  kube_openapi_next (out);
  kube_json_append_string (out, key, -1);
  g_string_append_c (out, ':');
}

void
kube_openapi_text (GString *out, const char *key, const char *text)
{
  kube_openapi_key (out, key);
  kube_json_append_string (out, text, -1);
}

static void
append_list (GString *out, const char *key, const char *const *list)
{
  kube_openapi_key (out, key);
  g_string_append_c (out, '[');
  for (; *list != NULL; list++) {
    kube_openapi_next (out);
    kube_json_append_string (out, *list, -1);
  }
  g_string_append_c (out, ']');
}

static const ScalarDefinition *
find_scalar (const KubeField *field)
{
  for (guint i = 0; i < G_N_ELEMENTS (scalar_definitions); i++) {
    const ScalarDefinition *one = &scalar_definitions[i];

    if (one->scalar == field->scalar && (one->go == NULL || strcmp (one->go, field->go_inner) == 0))
      return one;
  }
  return NULL;
}

void
kube_openapi_use_type (KubeOpenapi *self, const KubeType *type)
{
  if (g_hash_table_add (self->types, (gpointer)type))
    g_ptr_array_add (self->pending, (gpointer)type);
}

void
kube_openapi_append_ref (KubeOpenapi *self, const char *definition)
{
  g_autofree char *path = g_strconcat (self->v3 ? "#/components/schemas/" : "#/definitions/", definition, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (scalar_definitions); i++)
    if (strcmp (scalar_definitions[i].definition, definition) == 0)
      g_hash_table_add (self->scalars, (gpointer)scalar_definitions[i].definition);
  kube_openapi_text (self->out, "$ref", path);
}

static const char *
field_definition (const KubeField *field)
{
  const ScalarDefinition *scalar = find_scalar (field);

  if (field->scalar == KUBE_SCALAR_STRUCT)
    return field->type->definition;
  return scalar != NULL ? scalar->definition : NULL;
}

static void
append_plain (KubeOpenapi *self, const KubeField *field)
{
  static const struct {
    const char *type, *format;
  } plain[] = {
    [KUBE_SCALAR_STRING] = { "string", NULL },     [KUBE_SCALAR_BOOLEAN] = { "boolean", NULL },
    [KUBE_SCALAR_INT32] = { "integer", "int32" },  [KUBE_SCALAR_INT64] = { "integer", "int64" },
    [KUBE_SCALAR_DOUBLE] = { "number", "double" }, [KUBE_SCALAR_BYTES] = { "string", "byte" },
  };

  if (field->scalar > KUBE_SCALAR_BYTES) {
    kube_openapi_text (self->out, "type", "object");
    return;
  }
  kube_openapi_text (self->out, "type", plain[field->scalar].type);
  if (plain[field->scalar].format != NULL)
    kube_openapi_text (self->out, "format", plain[field->scalar].format);
  if (self->v3 && field->enum_values != NULL)
    append_list (self->out, "enum", field->enum_values);
}

/* What a field itself, its elements or its map's values are, as members of a schema. */
static void
append_inner (KubeOpenapi *self, const KubeField *field)
{
  const char *definition = field_definition (field);

  if (field->scalar == KUBE_SCALAR_STRUCT)
    kube_openapi_use_type (self, field->type);
  if (definition != NULL)
    kube_openapi_append_ref (self, definition);
  else
    append_plain (self, field);
}

static void
append_array (KubeOpenapi *self, const KubeField *field, gboolean nested)
{
  kube_openapi_text (self->out, "type", "array");
  kube_openapi_key (self->out, "items");
  g_string_append_c (self->out, '{');
  if (nested)
    append_array (self, field, FALSE);
  else
    append_inner (self, field);
  g_string_append_c (self->out, '}');
}

static void
append_shape (KubeOpenapi *self, const KubeField *field)
{
  switch ((KubeShape)field->shape) {
  case KUBE_SHAPE_ONE:
    if (self->v3 && field_definition (field) != NULL) {
      kube_openapi_key (self->out, "allOf");
      g_string_append (self->out, "[{");
      append_inner (self, field);
      g_string_append (self->out, "}]");
    } else {
      append_inner (self, field);
    }
    return;
  case KUBE_SHAPE_LIST:
  case KUBE_SHAPE_LIST_OF_LIST:
    append_array (self, field, field->shape == KUBE_SHAPE_LIST_OF_LIST);
    return;
  case KUBE_SHAPE_MAP:
  case KUBE_SHAPE_MAP_OF_LIST:
    kube_openapi_text (self->out, "type", "object");
    kube_openapi_key (self->out, "additionalProperties");
    g_string_append_c (self->out, '{');
    if (field->shape == KUBE_SHAPE_MAP_OF_LIST)
      append_array (self, field, FALSE);
    else
      append_inner (self, field);
    g_string_append_c (self->out, '}');
    return;
  }
}

static void
append_list_type (GString *out, const KubeField *field)
{
  static const char *const names[] = { [KUBE_LIST_ATOMIC] = "atomic", [KUBE_LIST_SET] = "set", [KUBE_LIST_MAP] = "map" };

  if (field->list_type != KUBE_LIST_UNSET)
    kube_openapi_text (out, "x-kubernetes-list-type", names[field->list_type]);
  if (field->list_keys != NULL)
    append_list (out, "x-kubernetes-list-map-keys", field->list_keys);
  if ((field->flags & KUBE_FIELD_ATOMIC) && (field->type == NULL || !field->type->atomic))
    kube_openapi_text (out, "x-kubernetes-map-type", "atomic");
  if (field->flags & KUBE_FIELD_GRANULAR)
    kube_openapi_text (out, "x-kubernetes-map-type", "granular");
}

static void
append_strategy (GString *out, const KubeField *field)
{
  static const struct {
    guint flag;
    const char *name;
  } words[] = { { KUBE_FIELD_MERGE, "merge" }, { KUBE_FIELD_REPLACE, "replace" }, { KUBE_FIELD_RETAIN_KEYS, "retainKeys" } };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (field->flags & words[i].flag)
      g_string_append_printf (text, "%s%s", text->len > 0 ? "," : "", words[i].name);
  if (text->len > 0)
    kube_openapi_text (out, "x-kubernetes-patch-strategy", text->str);
  if (field->merge_key != NULL)
    kube_openapi_text (out, "x-kubernetes-patch-merge-key", field->merge_key);
}

static void
append_field (KubeOpenapi *self, const KubeField *field)
{
  kube_openapi_key (self->out, field->name);
  g_string_append_c (self->out, '{');
  if (field->doc != NULL)
    kube_openapi_text (self->out, "description", field->doc);
  append_shape (self, field);
  if (self->v3 && field->default_json != NULL) {
    kube_openapi_key (self->out, "default");
    g_string_append (self->out, field->default_json);
  }
  append_list_type (self->out, field);
  append_strategy (self->out, field);
  g_string_append_c (self->out, '}');
}

static void
append_required (GString *out, const KubeType *type)
{
  gboolean open = FALSE;

  for (guint i = 0; i < type->n_fields; i++) {
    if (!(type->fields[i].flags & KUBE_FIELD_REQUIRED))
      continue;
    if (!open) {
      kube_openapi_key (out, "required");
      g_string_append_c (out, '[');
    }
    open = TRUE;
    kube_openapi_next (out);
    kube_json_append_string (out, type->fields[i].name, -1);
  }
  if (open)
    g_string_append_c (out, ']');
}

static void
append_type (KubeOpenapi *self, const KubeType *type)
{
  GString *kinds = g_hash_table_lookup (self->kinds_of, type);

  kube_openapi_key (self->out, type->definition);
  g_string_append_c (self->out, '{');
  if (type->doc != NULL)
    kube_openapi_text (self->out, "description", type->doc);
  kube_openapi_text (self->out, "type", "object");
  append_required (self->out, type);
  if (type->n_fields > 0) {
    kube_openapi_key (self->out, "properties");
    g_string_append_c (self->out, '{');
    for (guint i = 0; i < type->n_fields; i++)
      append_field (self, &type->fields[i]);
    g_string_append_c (self->out, '}');
  }
  if (type->open)
    g_string_append (self->out, ",\"x-kubernetes-preserve-unknown-fields\":true");
  if (type->atomic)
    kube_openapi_text (self->out, "x-kubernetes-map-type", "atomic");
  if (kinds != NULL) {
    kube_openapi_key (self->out, "x-kubernetes-group-version-kind");
    g_string_append_printf (self->out, "[%s]", kinds->str);
  }
  g_string_append_c (self->out, '}');
}

static int
type_compare (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const KubeType *const *)a)->definition, (*(const KubeType *const *)b)->definition);
}

/* Writes each definition that is referred to, until those that they refer to are written too. */
void
kube_openapi_append_definitions (KubeOpenapi *self)
{
  while (self->pending->len > 0) {
    g_autoptr (GPtrArray) batch = g_steal_pointer (&self->pending);

    self->pending = g_ptr_array_new ();
    g_ptr_array_sort (batch, type_compare);
    for (guint i = 0; i < batch->len; i++)
      append_type (self, batch->pdata[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (scalar_definitions); i++) {
    const ScalarDefinition *one = &scalar_definitions[i];
    const char *members = self->v3 && one->v3 != NULL ? one->v3 : one->v2;

    if (!g_hash_table_contains (self->scalars, one->definition))
      continue;
    kube_openapi_key (self->out, one->definition);
    g_string_append_c (self->out, '{');
    kube_openapi_text (self->out, "description", one->doc);
    if (members[0] != '\0')
      g_string_append_printf (self->out, ",%s", members);
    g_string_append_c (self->out, '}');
  }
}
