/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* What the tables say of a kind that has no rules of its own: required fields, allowed words, limits. */

static void check_fields (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeType *type, KubeValue *object);

static gboolean
is_unset (const KubeField *field, KubeValue *value)
{
  if (value == NULL)
    return TRUE;
  if (field->shape != KUBE_SHAPE_ONE)
    return kube_value_get_length (value) == 0;
  return kube_value_is_string (value) && !(field->flags & KUBE_FIELD_POINTER) && *kube_value_peek_string (value, NULL) == '\0';
}

static void
check_value (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeField *field, KubeValue *value)
{
  const char *string = kube_value_peek_string (value, NULL);
  gint64 integer = kube_value_get_integer (value, NULL, field->minimum);

  if (field->scalar == KUBE_SCALAR_STRUCT)
    check_fields (errors, path, field->type, value);
  else if (string != NULL && field->enum_values != NULL && *string != '\0' && !kube_validate_one_of (string, field->enum_values))
    kube_field_errors_not_supported (errors, path, string, field->enum_values);
  else if (string != NULL && field->format == KUBE_FORMAT_NAME && *string != '\0')
    kube_validate_format (errors, path, field->name_format, string);
  else if (field->format == KUBE_FORMAT_NON_NEGATIVE)
    kube_validate_non_negative (errors, path, kube_value_get_integer (value, NULL, 0));
  else if (field->format == KUBE_FORMAT_PORT && kube_value_get_value_type (value) == KUBE_VALUE_INTEGER)
    kube_validate_port_number (errors, path, integer);
}

static void
check_field (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeField *field, KubeValue *value)
{
  guint n = kube_value_get_length (value);

  if (is_unset (field, value)) {
    if ((field->flags & (KUBE_FIELD_REQUIRED | KUBE_FIELD_LENIENT)) == KUBE_FIELD_REQUIRED &&
        !(field->scalar == KUBE_SCALAR_BOOLEAN || field->scalar == KUBE_SCALAR_INT32 || field->scalar == KUBE_SCALAR_INT64))
      kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (field->shape == KUBE_SHAPE_ONE)
    check_value (errors, path, field, value);
  for (guint i = 0; i < n && field->shape == KUBE_SHAPE_LIST; i++)
    check_value (errors, AT_INDEX (path, i), field, kube_value_get_element (value, i));
  for (guint i = 0; i < n && field->shape == KUBE_SHAPE_MAP; i++)
    check_value (errors, AT_KEY (path, kube_value_get_key (value, i)), field, kube_value_get_element (value, i));
}

static void
check_fields (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeType *type, KubeValue *object)
{
  if (!kube_value_is_object (object))
    return;
  for (guint i = 0; i < type->n_fields; i++)
    check_field (errors, AT (path, type->fields[i].name), &type->fields[i], member_of (object, type->fields[i].name));
}

void
kube_validate_structure (KubeFieldErrors *errors, KubeKind *kind, KubeValue *object)
{
  if (kind->type == NULL)
    return;
  for (guint i = 0; i < kind->type->n_fields; i++) {
    const KubeField *field = &kind->type->fields[i];
    if (!equals (field->name, "metadata") && !equals (field->name, "status") && !equals (field->name, "kind") && !equals (field->name, "apiVersion"))
      check_field (errors, AT (NULL, field->name), field, member_of (object, field->name));
  }
}
