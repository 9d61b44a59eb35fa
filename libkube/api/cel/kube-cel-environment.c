/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-environment.h"

#include <string.h>

#include "kube-cel-functions.h"

struct _KubeCelEnvironment {
  KubeCelTypes types;
  GHashTable *variables; /* (element-type utf8 KubeCelType) */
  GHashTable *composed;  /* (element-type utf8 KubeCelType): the fields of `variables` */
  GPtrArray *schemas;    /* (element-type KubeValue): that types are made of */
  gboolean has_patches, has_bind;
};

/* Types that have names. */
static const struct {
  const char *name, *type;
} named_types[] = {
  { "bool", "bool" },
  { "bytes", "bytes" },
  { "double", "double" },
  { "google.protobuf.Any", "any" },
  { "google.protobuf.Duration", "duration" },
  { "google.protobuf.ListValue", "list(dyn)" },
  { "google.protobuf.Struct", "map(string, dyn)" },
  { "google.protobuf.Timestamp", "timestamp" },
  { "google.protobuf.Value", "dyn" },
  { "int", "int" },
  { "list", "list(dyn)" },
  { "map", "map(dyn, dyn)" },
  { "net.CIDR", "net.CIDR" },
  { "net.IP", "net.IP" },
  { "null_type", "null" },
  { "optional_type", "optional_type(dyn)" },
  { "string", "string" },
  { "type", "type" },
  { "uint", "uint" },
};

KubeCelEnvironment *
kube_cel_environment_new (void)
{
  KubeCelEnvironment *self = g_new0 (KubeCelEnvironment, 1);

  kube_cel_types_init (&self->types);
  self->variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->composed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->schemas = g_ptr_array_new_with_free_func ((GDestroyNotify)kube_value_unref);
  return self;
}

void
kube_cel_environment_free (KubeCelEnvironment *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->variables);
  g_hash_table_unref (self->composed);
  g_ptr_array_unref (self->schemas);
  kube_cel_types_clear (&self->types);
  g_free (self);
}

static const KubeCelType *
parse (KubeCelTypes *types, const char *text)
{
  return kube_cel_types_parse (types, &text);
}

void
kube_cel_environment_add_variable (KubeCelEnvironment *self, const char *name, const char *type)
{
  g_hash_table_insert (self->variables, g_strdup (name), (gpointer)parse (&self->types, type));
}

gboolean
kube_cel_environment_add_schema (KubeCelEnvironment *self, const char *name, KubeValue *schema, gboolean is_resource, gboolean optional)
{
  const KubeCelType *type = kube_cel_types_from_schema (&self->types, schema, is_resource, "selfType");

  if (type == NULL)
    return FALSE;
  g_ptr_array_add (self->schemas, kube_value_ref (schema));
  if (optional)
    type = kube_cel_types_optional (&self->types, type);
  g_hash_table_insert (self->variables, g_strdup (name), (gpointer)type);
  return TRUE;
}

/* Of structures and other types of their own, nothing is known any more once they are put into a variable. */
static const KubeCelType *
composable (KubeCelTypes *types, const KubeCelType *type)
{
  const KubeCelType *params[2] = { NULL, NULL };

  if (type->kind == KUBE_CEL_TYPE || type->kind >= KUBE_CEL_OPAQUE)
    return kube_cel_type_of (KUBE_CEL_DYN);
  for (guint i = 0; i < type->n_params; i++)
    params[i] = composable (types, type->params[i]);
  return type->n_params > 0 ? kube_cel_types_with_params (types, type, params) : type;
}

void
kube_cel_environment_add_composed (KubeCelEnvironment *self, const char *name, const char *type)
{
  g_hash_table_insert (self->composed, g_strdup (name), (gpointer)composable (&self->types, parse (&self->types, type)));
}

void
kube_cel_environment_allow_patches (KubeCelEnvironment *self)
{
  self->has_patches = TRUE;
}

void
kube_cel_environment_allow_bind (KubeCelEnvironment *self)
{
  self->has_bind = TRUE;
}

gboolean
kube_cel_environment_has_bind (const KubeCelEnvironment *self)
{
  return self->has_bind;
}

/* `Object.spec.containers` is the type of what stands there in an object. */
static gboolean
is_patch_type (const KubeCelEnvironment *self, const char *name)
{
  return self->has_patches && (strcmp (name, "JSONPatch") == 0 || strcmp (name, "Object") == 0 || g_str_has_prefix (name, "Object."));
}

const KubeCelType *
kube_cel_environment_find_name (const KubeCelEnvironment *self, KubeCelTypes *types, const char *name)
{
  const KubeCelType *variable;

  name += *name == '.';
  variable = g_hash_table_lookup (self->variables, name);
  if (variable != NULL)
    return variable;
  for (gsize i = 0; i < G_N_ELEMENTS (named_types); i++)
    if (strcmp (named_types[i].name, name) == 0)
      return kube_cel_types_type (types, parse (types, named_types[i].type));
  return is_patch_type (self, name) ? kube_cel_types_type (types, parse (types, name)) : NULL;
}

static const KubeCelType *
find_patch_field (const KubeCelType *type, const char *name)
{
  static const char *const texts[] = { "op", "path", "from", NULL };
  gboolean is_operation = strcmp (type->name, "JSONPatch") == 0;

  if (is_operation && g_strv_contains (texts, name))
    return kube_cel_type_of (KUBE_CEL_STRING);
  return !is_operation || strcmp (name, "value") == 0 ? kube_cel_type_of (KUBE_CEL_DYN) : NULL;
}

const KubeCelType *
kube_cel_environment_find_field (const KubeCelEnvironment *self, KubeCelTypes *types, const KubeCelType *type, const char *name, gboolean *known)
{
  *known = TRUE;
  if (strcmp (type->name, "kubernetes.variables") == 0)
    return g_hash_table_lookup (self->composed, name);
  if (is_patch_type (self, type->name))
    return find_patch_field (type, name);
  return kube_cel_types_find_field (types, type, name, known);
}

GArray *
kube_cel_environment_find_function (const KubeCelEnvironment *self, const char *name)
{
  name += *name == '.';
  return self->has_patches || !g_str_has_prefix (name, "jsonpatch.") ? kube_cel_find_overloads (name) : NULL;
}
