/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

#include "kube-field-errors.h"

G_BEGIN_DECLS

/* One term of a selector, over labels or fields: a key, an operator, values. */

typedef enum {
  KUBE_OPERATOR_IN,
  KUBE_OPERATOR_NOT_IN,
  KUBE_OPERATOR_EQUALS,
  KUBE_OPERATOR_DOUBLE_EQUALS,
  KUBE_OPERATOR_NOT_EQUALS,
  KUBE_OPERATOR_EXISTS,
  KUBE_OPERATOR_DOES_NOT_EXIST,
  KUBE_OPERATOR_GREATER,
  KUBE_OPERATOR_LESS,
} KubeOperator;

typedef struct {
  char *key;
  char **values; /* sorted, each once */
  guint n_values;
  KubeOperator operator;
  gint64 bound; /* of GREATER and LESS */
} KubeRequirement;

/* A GDestroyNotify for one in a GArray. */
void kube_requirement_clear (gpointer requirement);
/* Takes @values and their strings; sorts them and drops what is there twice. */
void kube_requirement_take_values (KubeRequirement *requirement, GPtrArray *values);
/* Whether it is a valid one over labels; reads the bound of GREATER and LESS. Errors: %KUBE_ERROR_BAD_REQUEST */
gboolean kube_requirement_check (KubeRequirement *requirement, GError **error);
void kube_requirement_check_key (KubeFieldErrors *errors, const KubeFieldPath *path, const char *key);
/* @value (nullable): of the key; there is none */
gboolean kube_requirement_matches (const KubeRequirement *requirement, const char *value);
/* The value that @requirement asks for, where there is just one. */
const char *kube_requirement_get_only_value (const KubeRequirement *requirement);
void kube_requirement_print (const KubeRequirement *requirement, gboolean of_fields, GString *out);

G_END_DECLS
