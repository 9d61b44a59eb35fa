/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-decode.h"

/* A strategic merge is put back into Go's structures by another decoder than bodies are read with, which has other words for what does not fit. */

enum { DEPTH_MAX = 100 };

static char *restore_struct (const KubeType *type, KubeValue *value, guint depth);

static const char *
go_kind (KubeValue *value)
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_BOOLEAN:
    return "bool";
  case KUBE_VALUE_INTEGER:
    return "int64";
  case KUBE_VALUE_NUMBER:
    return "float64";
  case KUBE_VALUE_STRING:
    return "string";
  case KUBE_VALUE_ARRAY:
    return "slice";
  default:
    return "map";
  }
}

static char *
restore_scalar (const KubeField *field, KubeValue *value)
{
  static const char *const kinds[] = {
    [KUBE_SCALAR_STRING] = "string", [KUBE_SCALAR_BOOLEAN] = "bool",   [KUBE_SCALAR_INT32] = "int32",
    [KUBE_SCALAR_INT64] = "int64",   [KUBE_SCALAR_DOUBLE] = "float64",
  };
  const char *wanted = field->scalar < G_N_ELEMENTS (kinds) ? kinds[field->scalar] : NULL;
  KubeValueType type = kube_value_get_value_type (value);
  gboolean number = type == KUBE_VALUE_INTEGER || type == KUBE_VALUE_NUMBER, good;

  /* Other types read themselves. */
  if (wanted == NULL)
    return NULL;
  good = field->scalar == KUBE_SCALAR_STRING    ? type == KUBE_VALUE_STRING
         : field->scalar == KUBE_SCALAR_BOOLEAN ? type == KUBE_VALUE_BOOLEAN
                                                : number;
  return good ? NULL : g_strdup_printf ("unrecognized type: %s", wanted);
}

static char *
restore_one (const KubeField *field, KubeValue *value, guint depth)
{
  if (kube_value_is_null (value))
    return NULL;
  return field->scalar == KUBE_SCALAR_STRUCT ? restore_struct (field->type, value, depth) : restore_scalar (field, value);
}

static char *
restore_field (const KubeField *field, KubeValue *value, guint depth)
{
  gboolean list = field->shape == KUBE_SHAPE_LIST, map = field->shape == KUBE_SHAPE_MAP;
  char *problem = NULL;

  if (kube_value_is_null (value))
    return NULL;
  if (field->shape == KUBE_SHAPE_ONE)
    return restore_one (field, value, depth);
  if (list && !kube_value_is_array (value))
    return g_strdup_printf ("cannot restore slice from %s", go_kind (value));
  if (map && !kube_value_is_object (value))
    return g_strdup_printf ("cannot restore map from %s", go_kind (value));
  for (guint i = 0; (list || map) && problem == NULL && i < kube_value_get_length (value); i++)
    problem = restore_one (field, kube_value_get_element (value, i), depth);
  return problem;
}

static char *
restore_struct (const KubeType *type, KubeValue *value, guint depth)
{
  char *problem = NULL;

  if (!kube_value_is_object (value))
    return g_strdup_printf ("cannot restore struct from: %s", go_kind (value));
  for (guint i = 0; i < type->n_fields && problem == NULL && depth < DEPTH_MAX; i++)
    problem = restore_field (&type->fields[i], kube_value_get_member (value, type->fields[i].name), depth + 1);
  return problem;
}

/* What that decoder finds wrong with a merged object; NULL where nothing is. */
char *
kube_decode_restore (KubeKind *kind, KubeValue *value)
{
  return kind->type != NULL ? restore_struct (kind->type, value, 0) : NULL;
}
