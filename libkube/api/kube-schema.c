/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-schema.h"

#include <string.h>

static int
name_compare (const char *a, gsize a_length, const char *b, gsize b_length)
{
  int order = memcmp (a, b, MIN (a_length, b_length));

  return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/* The field @name (@length bytes) of @type, or NULL. */
const KubeField *
kube_type_find_field (const KubeType *type, const char *name, gsize length)
{
  guint low = 0, high = type->n_fields;

  while (low < high) {
    guint middle = (low + high) / 2;
    const KubeField *field = &type->fields[middle];
    int order = name_compare (name, length, field->name, field->name_length);

    if (order == 0)
      return field;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

const KubeSubresource *
kube_kind_find_subresource (KubeKind *kind, const char *name)
{
  for (guint i = 0; i < kind->n_subresources; i++)
    if (strcmp (kind->subresources[i].name, name) == 0)
      return &kind->subresources[i];
  return NULL;
}

const KubeType *
kube_schema_find_type (const char *definition)
{
  guint low = 0, high = kube_schema_n_types;

  while (low < high) {
    guint middle = (low + high) / 2;
    int order = strcmp (definition, kube_schema_types[middle].definition);

    if (order == 0)
      return &kube_schema_types[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}
