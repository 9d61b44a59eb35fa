/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <math.h>

/* A value by the schema of a custom resource, in the words of upstream's OpenAPI library. */

enum { DEPTH_MAX = 100 };

static const char *
type_of (KubeValue *value)
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_BOOLEAN:
    return "boolean";
  case KUBE_VALUE_INTEGER:
    return "integer";
  case KUBE_VALUE_NUMBER:
    return "number";
  case KUBE_VALUE_STRING:
    return "string";
  case KUBE_VALUE_ARRAY:
    return "array";
  case KUBE_VALUE_OBJECT:
    return "object";
  default:
    return "null";
  }
}

static gboolean
has_type (KubeValue *schema, KubeValue *value)
{
  const char *type = string_of (schema, "type"), *found = type_of (value);

  if (*type == '\0' || equals (type, found))
    return TRUE;
  if (kube_value_is_null (value))
    return boolean_of (schema, "nullable");
  if (equals (type, "number"))
    return equals (found, "integer");
  /* 3.0 is an integer. */
  return equals (type, "integer") && equals (found, "number") && fmod (kube_value_get_double (value, NULL, 0.5), 1) == 0;
}

static char *
number_text (double number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (buffer, sizeof buffer, "%.15g", number));
}

/* Bounds of an integer must be integers themselves. */
static gboolean
check_bound_type (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const char *what, double bound)
{
  g_autofree char *detail = g_strdup_printf ("%s must be of type integer (default format) in ", what);

  if (!equals (string_of (schema, "type"), "integer") || fmod (bound, 1) == 0)
    return TRUE;
  kube_field_errors_invalid (errors, path, "", detail);
  return FALSE;
}

static void
check_bound (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value, gboolean upper)
{
  const char *key = upper ? "maximum" : "minimum";
  gboolean exclusive = boolean_of (schema, upper ? "exclusiveMaximum" : "exclusiveMinimum");
  double number = kube_value_get_double (value, NULL, 0), bound = kube_value_get_double (schema, key, 0);
  gboolean good = upper ? (exclusive ? number < bound : number <= bound) : (exclusive ? number > bound : number >= bound);
  g_autofree char *text = number_text (bound);
  g_autofree char *detail
      = g_strdup_printf (" in body should be %s than %s%s", upper ? "less" : "greater", exclusive ? "" : "or equal to ", text);

  if (!has_member (schema, key))
    return;
  check_bound_type (errors, path, schema, upper ? "Maximum boundary value" : "Minimum boundary value", bound);
  if (!good)
    kube_field_errors_invalid_value (errors, path, value, detail);
}

static void
check_number (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value)
{
  double number = kube_value_get_double (value, NULL, 0), multiple = kube_value_get_double (schema, "multipleOf", 0);

  check_bound_type (errors, path, schema, "Checked value", number);
  check_bound (errors, path, schema, value, TRUE);
  check_bound (errors, path, schema, value, FALSE);
  if (multiple > 0 && fmod (number, multiple) != 0) {
    g_autofree char *text = number_text (multiple);
    g_autofree char *detail = g_strdup_printf (" in body should be a multiple of %s", text);
    kube_field_errors_invalid_value (errors, path, value, detail);
  }
}

static void
check_string (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL), *pattern = string_of (schema, "pattern");
  glong length = g_utf8_strlen (text, -1);

  if (has_member (schema, "maxLength") && length > integer_of (schema, "maxLength", 0))
    kube_field_errors_invalid_format (errors, path, text, " in body should be at most %" G_GINT64_FORMAT " chars long",
                                      integer_of (schema, "maxLength", 0));
  if (has_member (schema, "minLength") && length < integer_of (schema, "minLength", 0))
    kube_field_errors_invalid_format (errors, path, text, " in body should be at least %" G_GINT64_FORMAT " chars long",
                                      integer_of (schema, "minLength", 0));
  if (*pattern != '\0' && !g_regex_match_simple (pattern, text, G_REGEX_DOLLAR_ENDONLY, 0))
    kube_field_errors_invalid_format (errors, path, text, " in body should match '%s'", pattern);
}

static void
check_enum (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value)
{
  KubeValue *list = member_of (schema, "enum");
  g_autoptr (GString) bad = g_string_new (NULL);
  g_autoptr (GString) detail = g_string_new ("supported values: ");

  if (kube_value_get_length (list) == 0)
    return;
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *element = kube_value_get_element (list, i);
    const char *text = kube_value_peek_string (element, NULL);
    g_autofree char *json = text == NULL ? kube_value_print (element, NULL) : NULL;

    if (kube_value_equal (element, value))
      return;
    g_string_append (detail, i > 0 ? ", " : "");
    kube_go_quote (detail, text != NULL ? text : json, -1);
  }
  kube_go_json (bad, value);
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad->str, detail->str);
}

static void check (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value, guint depth);

static void
check_array (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value, guint depth)
{
  guint n = kube_value_get_length (value);

  if (has_member (schema, "maxItems") && n > integer_of (schema, "maxItems", 0))
    kube_field_errors_too_many (errors, path, (int)n, (int)integer_of (schema, "maxItems", 0));
  if (has_member (schema, "minItems") && n < integer_of (schema, "minItems", 0)) {
    g_autofree char *detail
        = g_strdup_printf (" in body should have at least %" G_GINT64_FORMAT " items", integer_of (schema, "minItems", 0));
    kube_field_errors_invalid_value (errors, path, value, detail);
  }
  for (guint i = 0; i < n; i++)
    check (errors, AT_INDEX (path, i), member_of (schema, "items"), kube_value_get_element (value, i), depth + 1);
}

static void
check_object (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value, guint depth)
{
  KubeValue *properties = member_of (schema, "properties"), *required = member_of (schema, "required");

  for (guint i = 0; i < kube_value_get_length (required); i++)
    if (kube_value_get_member (value, element_string (required, i)) == NULL)
      kube_field_errors_required (errors, AT (path, element_string (required, i)), NULL);
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    KubeValue *property = member_of (properties, key);

    if (property == NULL)
      property = member_of (schema, "additionalProperties");
    check (errors, AT (path, key), property, kube_value_get_element (value, i), depth + 1);
  }
}

static void
check (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value, guint depth)
{
  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  if (!has_type (schema, value)) {
    const char *found = type_of (value);
    g_autofree char *bad = g_strdup_printf ("\"%s\"", found);
    g_autofree char *detail = g_strdup_printf (" in body must be of type %s: \"%s\"", string_of (schema, "type"), found);
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_TYPE_INVALID, path, bad, detail);
    if (kube_value_get_value_type (value) == KUBE_VALUE_NUMBER)
      check_bound_type (errors, path, schema, "Checked value", kube_value_get_double (value, NULL, 0));
    return;
  }
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_INTEGER:
  case KUBE_VALUE_NUMBER:
    check_number (errors, path, schema, value);
    break;
  case KUBE_VALUE_STRING:
    check_string (errors, path, schema, value);
    break;
  case KUBE_VALUE_ARRAY:
    check_array (errors, path, schema, value, depth);
    break;
  case KUBE_VALUE_OBJECT:
    check_object (errors, path, schema, value, depth);
    break;
  default:
    break;
  }
  check_enum (errors, path, schema, value);
}

void
kube_validate_by_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value)
{
  check (errors, path, schema, value, 0);
}
