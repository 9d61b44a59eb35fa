/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-type.h"

#include <string.h>

/* In the order of the kinds: how messages name types, and how they are declared. */
static const struct {
  const char *name, *declared;
} kinds[] = {
  { "!error!", "*error*" },
  { "dyn", "dyn" },
  { "any", "google.protobuf.Any" },
  { "null", "null_type" },
  { "bool", "bool" },
  { "int", "int" },
  { "uint", "uint" },
  { "double", "double" },
  { "string", "string" },
  { "bytes", "bytes" },
  { "duration", "google.protobuf.Duration" },
  { "timestamp", "google.protobuf.Timestamp" },
  { "list", "list" },
  { "map", "map" },
  { "type", "type" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == KUBE_CEL_OPAQUE);

/* Structures that functions and variables have, with their fields; the others have none that expressions see. */
static const struct {
  const char *name, *fields;
} structures[] = {
  { "kubernetes.AdmissionRequest",
    "kind kubernetes.GroupVersionKind, resource kubernetes.GroupVersionResource, subResource string, requestKind kubernetes.GroupVersionKind, "
    "requestResource kubernetes.GroupVersionResource, requestSubResource string, name string, namespace string, operation string, "
    "userInfo kubernetes.UserInfo, dryRun bool, options dyn" },
  { "kubernetes.DRADevice",
    "driver string, attributes map(string, map(string, any)), capacity map(string, map(string, kubernetes.Quantity)), "
    "allowMultipleAllocations bool" },
  { "kubernetes.GroupVersionKind", "group string, version string, kind string" },
  { "kubernetes.GroupVersionResource", "group string, version string, resource string" },
  { "kubernetes.Namespace",
    "metadata kubernetes.NamespaceMetadata, spec kubernetes.NamespaceSpec, status kubernetes.NamespaceStatus" },
  { "kubernetes.NamespaceCondition", "status string, type string, lastTransitionTime timestamp, message string, reason string" },
  { "kubernetes.NamespaceMetadata",
    "name string, generateName string, namespace string, labels map(string, string), annotations map(string, string), UID string, "
    "creationTimestamp timestamp, deletionGracePeriodSeconds int, deletionTimestamp timestamp, generation int, resourceVersion string, "
    "finalizers list(string)" },
  { "kubernetes.NamespaceSpec", "finalizers list(string)" },
  { "kubernetes.NamespaceStatus", "conditions list(kubernetes.NamespaceCondition), phase string" },
  { "kubernetes.UserInfo", "username string, uid string, groups list(string), extra map(string, list(string))" },
};

void
kube_cel_types_init (KubeCelTypes *self)
{
  self->types = g_ptr_array_new_with_free_func (g_free);
  self->names = g_string_chunk_new (256);
}

void
kube_cel_types_clear (KubeCelTypes *self)
{
  g_clear_pointer (&self->types, g_ptr_array_unref);
  g_clear_pointer (&self->names, g_string_chunk_free);
}

const KubeCelType *
kube_cel_type_of (KubeCelKind kind)
{
  static const KubeCelType simple[] = {
    { .kind = KUBE_CEL_ERROR },  { .kind = KUBE_CEL_DYN },    { .kind = KUBE_CEL_ANY },      { .kind = KUBE_CEL_NULL },
    { .kind = KUBE_CEL_BOOL },   { .kind = KUBE_CEL_INT },    { .kind = KUBE_CEL_UINT },     { .kind = KUBE_CEL_DOUBLE },
    { .kind = KUBE_CEL_STRING }, { .kind = KUBE_CEL_BYTES },  { .kind = KUBE_CEL_DURATION }, { .kind = KUBE_CEL_TIMESTAMP },
    { .kind = KUBE_CEL_ERROR },  { .kind = KUBE_CEL_ERROR },  { .kind = KUBE_CEL_TYPE },
  };

  return &simple[kind];
}

static KubeCelType *
add (KubeCelTypes *self, KubeCelKind kind, const char *name)
{
  KubeCelType *type = g_new0 (KubeCelType, 1);

  type->kind = kind;
  type->name = name;
  g_ptr_array_add (self->types, type);
  return type;
}

static const KubeCelType *
add_with (KubeCelTypes *self, KubeCelKind kind, const char *name, const KubeCelType *first, const KubeCelType *second)
{
  KubeCelType *type = add (self, kind, name);

  type->n_params = second != NULL ? 2 : 1;
  type->params[0] = first;
  type->params[1] = second;
  return type;
}

const KubeCelType *
kube_cel_types_list (KubeCelTypes *self, const KubeCelType *element)
{
  return add_with (self, KUBE_CEL_LIST, NULL, element, NULL);
}

const KubeCelType *
kube_cel_types_map (KubeCelTypes *self, const KubeCelType *key, const KubeCelType *value)
{
  return add_with (self, KUBE_CEL_MAP, NULL, key, value);
}

const KubeCelType *
kube_cel_types_type (KubeCelTypes *self, const KubeCelType *type)
{
  return add_with (self, KUBE_CEL_TYPE, NULL, type, NULL);
}

const KubeCelType *
kube_cel_types_optional (KubeCelTypes *self, const KubeCelType *type)
{
  return add_with (self, KUBE_CEL_OPAQUE, "optional_type", type, NULL);
}

const KubeCelType *
kube_cel_types_variable (KubeCelTypes *self, guint variable)
{
  char name[32];
  KubeCelType *type;

  g_snprintf (name, sizeof name, "_var%u", variable);
  type = add (self, KUBE_CEL_PARAM, g_string_chunk_insert (self->names, name));
  type->variable = variable;
  return type;
}

const KubeCelType *
kube_cel_types_with_params (KubeCelTypes *self, const KubeCelType *type, const KubeCelType *const *params)
{
  return add_with (self, type->kind, type->name, params[0], type->n_params > 1 ? params[1] : NULL);
}

const KubeCelType *
kube_cel_types_instantiate (KubeCelTypes *self, const KubeCelType *type, const KubeCelType *const *letters)
{
  const KubeCelType *params[2] = { NULL, NULL };

  if (type->kind == KUBE_CEL_PARAM)
    return letters[type->variable];
  for (guint i = 0; i < type->n_params; i++)
    params[i] = kube_cel_types_instantiate (self, type->params[i], letters);
  return type->n_params > 0 ? kube_cel_types_with_params (self, type, params) : type;
}

/* --- reading --- */

static const char *
find_fields (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (structures); i++)
    if (strcmp (structures[i].name, name) == 0)
      return structures[i].fields;
  return NULL;
}

static const KubeCelType *
parse_named (KubeCelTypes *self, const char *name, gsize length)
{
  static const char *const opaque[] = { "net.IP", "net.CIDR", NULL };
  KubeCelType *type;

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strlen (kinds[i].name) == length && strncmp (kinds[i].name, name, length) == 0)
      return kube_cel_type_of ((KubeCelKind)i);
  name = g_string_chunk_insert_len (self->names, name, (gssize)length);
  if (length == 1 && g_ascii_isupper (*name)) {
    type = add (self, KUBE_CEL_PARAM, name);
    type->variable = (guint)(*name - 'A');
  } else {
    type = add (self, g_strv_contains (opaque, name) ? KUBE_CEL_OPAQUE : KUBE_CEL_STRUCT, name);
    type->fields = find_fields (name);
  }
  return type;
}

const KubeCelType *
kube_cel_types_parse (KubeCelTypes *self, const char **at)
{
  static const struct {
    const char *name;
    KubeCelKind kind;
  } generic[] = { { "list(", KUBE_CEL_LIST }, { "map(", KUBE_CEL_MAP }, { "type(", KUBE_CEL_TYPE }, { "optional_type(", KUBE_CEL_OPAQUE } };

  for (gsize i = 0; i < G_N_ELEMENTS (generic); i++) {
    const KubeCelType *first, *second = NULL;

    if (!g_str_has_prefix (*at, generic[i].name))
      continue;
    *at += strlen (generic[i].name);
    first = kube_cel_types_parse (self, at);
    if (**at == ',') {
      *at += strlen (", ");
      second = kube_cel_types_parse (self, at);
    }
    *at += strlen (")");
    return add_with (self, generic[i].kind, generic[i].kind == KUBE_CEL_OPAQUE ? "optional_type" : NULL, first, second);
  }
  {
    const char *name = *at;
    *at += strcspn (name, "(), ;");
    return parse_named (self, name, (gsize)(*at - name));
  }
}

/* --- fields --- */

/* `name type, name type` */
static const KubeCelType *
find_in_text (KubeCelTypes *self, const char *fields, const char *name)
{
  gsize length = strlen (name);

  while (*fields != '\0') {
    const char *at = fields + strcspn (fields, " ") + 1;
    gboolean found = strncmp (fields, name, length) == 0 && fields[length] == ' ';
    const KubeCelType *type = kube_cel_types_parse (self, &at);

    if (found)
      return type;
    fields = *at == ',' ? at + strlen (", ") : at;
  }
  return NULL;
}

/* How expressions write a property's name. NULL: they cannot */
static char *
escape (const char *name)
{
  static const char *const reserved[]
      = { "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
          "namespace", "return", "var", "void", "while", NULL };
  g_autoptr (GString) out = g_string_new (NULL);

  if (*name == '\0' || g_ascii_isdigit (*name))
    return NULL;
  if (g_strv_contains (reserved, name))
    return g_strdup_printf ("__%s__", name);
  for (; *name != '\0'; name++) {
    if (name[0] == '_' && name[1] == '_') {
      g_string_append (out, "__underscores__");
      name++;
    } else if (g_ascii_isalnum (*name) || *name == '_') {
      g_string_append_c (out, *name);
    } else if (*name == '.' || *name == '-' || *name == '/') {
      g_string_append (out, *name == '.' ? "__dot__" : *name == '-' ? "__dash__" : "__slash__");
    } else {
      return NULL;
    }
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean
has_type (KubeValue *schema, const char *property, const char *type)
{
  KubeValue *found = kube_value_get_member (kube_value_get_member (schema, "properties"), property);

  return g_strcmp0 (kube_value_get_member_string (found, "type"), type) == 0;
}

gboolean
kube_cel_schema_names_field (const char *property, const char *name, gboolean plain)
{
  g_autofree char *escaped = escape (property), *wrapped = g_strdup_printf ("__%s__", name);

  return escaped != NULL && (strcmp (escaped, name) == 0 || (plain && strcmp (property, name) == 0 && strcmp (escaped, wrapped) == 0));
}

gboolean
kube_cel_schema_describes_object (KubeValue *schema)
{
  KubeValue *meta = kube_value_get (schema, "properties.metadata");

  return has_type (schema, "kind", "string") && has_type (schema, "apiVersion", "string") && has_type (schema, "metadata", "object")
         && has_type (meta, "name", "string") && has_type (meta, "generateName", "string");
}

static const KubeCelType *
find_of_object (KubeCelTypes *self, const char *name, const char *structure)
{
  KubeCelType *meta;

  if (strcmp (name, "kind") == 0 || strcmp (name, "apiVersion") == 0)
    return kube_cel_type_of (KUBE_CEL_STRING);
  if (strcmp (name, "metadata") != 0)
    return NULL;
  meta = add (self, KUBE_CEL_STRUCT, structure);
  meta->fields = "name string, generateName string";
  return meta;
}

static const KubeCelType *
find_in_schema (KubeCelTypes *self, const KubeCelType *type, const char *name)
{
  KubeValue *properties = kube_value_get_member (type->schema, "properties");
  g_autofree char *path = g_strdup_printf ("%s.%s", type->name, name);
  const KubeCelType *found = NULL;

  if (type->is_resource && !kube_cel_schema_describes_object (type->schema))
    found = find_of_object (self, name, g_string_chunk_insert (self->names, path));
  for (guint i = 0; i < kube_value_get_length (properties) && found == NULL; i++) {
    KubeValue *property = kube_value_get_element (properties, i);

    if (kube_cel_schema_names_field (kube_value_get_key (properties, i), name, TRUE))
      found = kube_cel_types_from_schema (self, property, kube_value_get_boolean (property, "x-kubernetes-embedded-resource", FALSE), path);
  }
  return found;
}

const KubeCelType *
kube_cel_types_find_field (KubeCelTypes *self, const KubeCelType *type, const char *name, gboolean *known)
{
  *known = type->schema != NULL || type->fields != NULL;
  if (type->schema != NULL)
    return find_in_schema (self, type, name);
  return type->fields != NULL ? find_in_text (self, type->fields, name) : NULL;
}

/* --- schemas --- */

static const KubeCelType *
string_type (KubeValue *schema)
{
  const char *format = kube_value_get_member_string (schema, "format");

  if (g_strcmp0 (format, "byte") == 0)
    return kube_cel_type_of (KUBE_CEL_BYTES);
  if (g_strcmp0 (format, "duration") == 0)
    return kube_cel_type_of (KUBE_CEL_DURATION);
  if (g_strcmp0 (format, "date") == 0 || g_strcmp0 (format, "date-time") == 0)
    return kube_cel_type_of (KUBE_CEL_TIMESTAMP);
  return kube_cel_type_of (KUBE_CEL_STRING);
}

static const KubeCelType *
object_type (KubeCelTypes *self, KubeValue *schema, gboolean is_resource, const char *name)
{
  KubeValue *additional = kube_value_get_member (schema, "additionalProperties");
  KubeCelType *type;

  if (kube_value_is_object (additional)) {
    g_autofree char *path = g_strconcat (name, ".@elem", NULL);
    const KubeCelType *value
        = kube_cel_types_from_schema (self, additional, kube_value_get_boolean (additional, "x-kubernetes-embedded-resource", FALSE), path);
    return value != NULL ? kube_cel_types_map (self, kube_cel_type_of (KUBE_CEL_STRING), value) : NULL;
  }
  type = add (self, KUBE_CEL_STRUCT, g_string_chunk_insert (self->names, name));
  type->schema = schema;
  type->is_resource = is_resource;
  return type;
}

const KubeCelType *
kube_cel_types_from_schema (KubeCelTypes *self, KubeValue *schema, gboolean is_resource, const char *name)
{
  static const struct {
    const char *type;
    KubeCelKind kind;
  } scalars[] = { { "boolean", KUBE_CEL_BOOL }, { "number", KUBE_CEL_DOUBLE }, { "integer", KUBE_CEL_INT } };
  const char *type = kube_value_get_member_string (schema, "type");
  KubeValue *items = kube_value_get_member (schema, "items");

  if (kube_value_get_boolean (schema, "x-kubernetes-int-or-string", FALSE))
    return kube_cel_type_of (KUBE_CEL_DYN);
  for (gsize i = 0; i < G_N_ELEMENTS (scalars); i++)
    if (g_strcmp0 (type, scalars[i].type) == 0)
      return kube_cel_type_of (scalars[i].kind);
  if (g_strcmp0 (type, "string") == 0)
    return string_type (schema);
  if (g_strcmp0 (type, "object") == 0)
    return object_type (self, schema, is_resource, name);
  if (g_strcmp0 (type, "array") == 0 && kube_value_is_object (items)) {
    g_autofree char *path = g_strconcat (name, ".@idx", NULL);
    const KubeCelType *element
        = kube_cel_types_from_schema (self, items, kube_value_get_boolean (items, "x-kubernetes-embedded-resource", FALSE), path);
    return element != NULL ? kube_cel_types_list (self, element) : NULL;
  }
  return NULL;
}

/* --- comparing and printing --- */

gboolean
kube_cel_type_equal (const KubeCelType *a, const KubeCelType *b)
{
  if (a == b)
    return TRUE;
  if (a->kind != b->kind || a->n_params != b->n_params || g_strcmp0 (a->name, b->name) != 0)
    return FALSE;
  for (guint i = 0; i < a->n_params; i++)
    if (!kube_cel_type_equal (a->params[i], b->params[i]))
      return FALSE;
  return TRUE;
}

gboolean
kube_cel_type_is_optional (const KubeCelType *type)
{
  return type->kind == KUBE_CEL_OPAQUE && strcmp (type->name, "optional_type") == 0;
}

static void
print (const KubeCelType *type, GString *out, gboolean declared)
{
  const char *name = type->kind < KUBE_CEL_OPAQUE ? (declared ? kinds[type->kind].declared : kinds[type->kind].name) : type->name;

  g_string_append (out, name);
  for (guint i = 0; i < type->n_params; i++) {
    g_string_append (out, i == 0 ? "(" : ", ");
    print (type->params[i], out, declared);
  }
  if (type->n_params > 0)
    g_string_append_c (out, ')');
}

void
kube_cel_type_print (const KubeCelType *type, GString *out)
{
  print (type, out, FALSE);
}

void
kube_cel_type_print_declared (const KubeCelType *type, GString *out)
{
  print (type, out, TRUE);
}
