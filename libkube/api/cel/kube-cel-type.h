/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* The types of expressions. Types live as long as the pool that made them, and those without parameters for ever. */

typedef enum {
  KUBE_CEL_ERROR, /* of what is wrong: goes with everything, so that one mistake is told once */
  KUBE_CEL_DYN,
  KUBE_CEL_ANY,
  KUBE_CEL_NULL,
  KUBE_CEL_BOOL,
  KUBE_CEL_INT,
  KUBE_CEL_UINT,
  KUBE_CEL_DOUBLE,
  KUBE_CEL_STRING,
  KUBE_CEL_BYTES,
  KUBE_CEL_DURATION,
  KUBE_CEL_TIMESTAMP,
  KUBE_CEL_LIST,
  KUBE_CEL_MAP,
  KUBE_CEL_TYPE, /* of a type as a value */
  KUBE_CEL_OPAQUE,
  KUBE_CEL_STRUCT,
  KUBE_CEL_PARAM, /* one that stands for any, until something binds it */
} KubeCelKind;

typedef struct _KubeCelType KubeCelType;

struct _KubeCelType {
  KubeCelKind kind;
  const char *name; /* (nullable): of opaque types, structures and parameters */
  guint n_params;
  const KubeCelType *params[2];
  guint variable;      /* of a parameter: which */
  const char *fields;  /* (nullable): of a structure: `name type, name type` */
  KubeValue *schema;   /* (nullable): of a structure: the schema that has its fields; borrowed */
  gboolean is_resource; /* of such a structure: it has the fields that all objects have */
};

typedef struct {
  GPtrArray *types; /* (element-type KubeCelType) */
  GStringChunk *names;
} KubeCelTypes;

void kube_cel_types_init (KubeCelTypes *self);
void kube_cel_types_clear (KubeCelTypes *self);

/* Of a kind without parameters. */
const KubeCelType *kube_cel_type_of (KubeCelKind kind);
const KubeCelType *kube_cel_types_list (KubeCelTypes *self, const KubeCelType *element);
const KubeCelType *kube_cel_types_map (KubeCelTypes *self, const KubeCelType *key, const KubeCelType *value);
const KubeCelType *kube_cel_types_type (KubeCelTypes *self, const KubeCelType *type);
const KubeCelType *kube_cel_types_optional (KubeCelTypes *self, const KubeCelType *type);
const KubeCelType *kube_cel_types_variable (KubeCelTypes *self, guint variable);
/* Like @type, with other parameters. */
const KubeCelType *kube_cel_types_with_params (KubeCelTypes *self, const KubeCelType *type, const KubeCelType *const *params);
/* @type with types in the places of its letters. */
const KubeCelType *kube_cel_types_instantiate (KubeCelTypes *self, const KubeCelType *type, const KubeCelType *const *letters);
/* As it is written in the table of functions: `map(string, list(A))`. @at: (inout): goes behind it. One capital letter is a parameter, whose
 * variable is its place in the alphabet. */
const KubeCelType *kube_cel_types_parse (KubeCelTypes *self, const char **at);
/* What values by @schema are. NULL where expressions do not see them. @name: of the structures in it */
const KubeCelType *kube_cel_types_from_schema (KubeCelTypes *self, KubeValue *schema, gboolean is_resource, const char *name);
/* The type of a structure's field. NULL where it has none. @known: (out): whether anything is known of the structure's fields */
const KubeCelType *kube_cel_types_find_field (KubeCelTypes *self, const KubeCelType *type, const char *name, gboolean *known);

/* Whether a schema says itself what all objects have. */
gboolean kube_cel_schema_describes_object (KubeValue *schema);
/* Whether expressions write a property's name as @name. @plain: or as it is, where it is a word that the language keeps for itself */
gboolean kube_cel_schema_names_field (const char *property, const char *name, gboolean plain);

gboolean kube_cel_type_equal (const KubeCelType *a, const KubeCelType *b);
gboolean kube_cel_type_is_optional (const KubeCelType *type);
static inline gboolean
kube_cel_type_is_dyn (const KubeCelType *type)
{
  return type->kind == KUBE_CEL_DYN || type->kind == KUBE_CEL_ANY;
}
/* As messages of the checker name it. */
void kube_cel_type_print (const KubeCelType *type, GString *out);
/* As others name it, where that differs: `google.protobuf.Duration`. */
void kube_cel_type_print_declared (const KubeCelType *type, GString *out);

G_END_DECLS
