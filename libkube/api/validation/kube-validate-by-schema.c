/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

#include <math.h>

/* A value by the schema of a custom resource, in the words of upstream's OpenAPI library, which names places by text of its own: `.a.b[0]`. */

enum { DEPTH_MAX = 100 };

typedef struct {
  const KubeFieldPath *root;
  KubeFieldErrors *errors;
  guint matches; /* how much of the schema was gone through: of alternatives, that which got farthest is told of */
} Check;

static void check_value (Check *check, const char *name, KubeValue *schema, KubeValue *value, guint depth);

/* --- what is wrong --- */

#define PLACE(check, name) (*(name) != '\0' ? AT ((check)->root, (name) + (*(name) == '.')) : (check)->root)

static const char *
type_of (KubeValue *value)
{
  static const char *const names[] = { "null", "boolean", "integer", "number", "number", "string", "array", "object" };

  return names[kube_value_get_value_type (value)];
}

static char *
number_text (double number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (buffer, sizeof buffer, "%.15g", number));
}

static void add_invalid (Check *check, const char *name, KubeValue *bad, const char *format, ...) G_GNUC_PRINTF (4, 5);

/* @format: what follows the name */
static void
add_invalid (Check *check, const char *name, KubeValue *bad, const char *format, ...)
{
  g_autofree char *words = NULL, *detail = NULL;
  va_list args;

  va_start (args, format);
  words = g_strdup_vprintf (format, args);
  va_end (args);
  detail = g_strconcat (name, words, NULL);
  kube_field_errors_invalid_value (check->errors, PLACE (check, name), bad, detail);
}

static void
add_wrong_type (Check *check, const char *name, const char *wanted, const char *found)
{
  g_autoptr (GString) bad = g_string_new (NULL);
  g_autofree char *detail = NULL;

  kube_go_quote (bad, found, -1);
  detail = g_strdup_printf ("%s in body must be of type %s: %s", name, wanted, bad->str);
  kube_field_errors_add (check->errors, KUBE_FIELD_ERROR_TYPE_INVALID, PLACE (check, name), bad->str, detail);
}

static void add_of_root (Check *check, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_of_root (Check *check, const char *format, ...)
{
  g_autofree char *detail = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  kube_field_errors_invalid (check->errors, check->root, "", detail);
}

/* What is wrong with a value as a whole is told of the root, with the place's name. */
static void add_of_whole (Check *check, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
add_of_whole (Check *check, const char *name, const char *format, ...)
{
  g_autoptr (GString) detail = g_string_new (NULL);
  va_list args;

  kube_go_quote (detail, name, -1);
  va_start (args, format);
  g_string_append_vprintf (detail, format, args);
  va_end (args);
  kube_field_errors_invalid (check->errors, check->root, "", detail->str);
}

/* --- types --- */

static gboolean
is_whole (KubeValue *value)
{
  return fmod (kube_value_get_double (value, NULL, 0.5), 1) == 0;
}

static void
check_type (Check *check, const char *name, KubeValue *schema, KubeValue *value)
{
  const char *type = string_of (schema, "type"), *format = string_of (schema, "format"), *found = type_of (value);
  const char *found_format = equals (found, "integer") ? "int64" : equals (found, "number") ? "float64" : "";
  gboolean textual = kube_value_is_string (value) || kube_value_is_array (value), numeric = equals (type, "number") || equals (type, "integer");
  gboolean fits = equals (type, found) || (equals (found, "integer") && equals (type, "number"))
                  || (equals (found, "number") && equals (type, "integer") && is_whole (value));

  if (*type == '\0' && *format == '\0')
    return;
  check->matches += 2;
  if (kube_value_is_null (value)) {
    if (*type != '\0' && !boolean_of (schema, "nullable"))
      add_wrong_type (check, name, type, found);
  } else if (!textual && *format != '\0' && !fits && !equals (found_format, format)) {
    add_wrong_type (check, name, format, found_format);
  } else if (!(textual && *format != '\0' && !numeric) && !fits) {
    add_wrong_type (check, name, type, found);
  }
}

/* --- logical operators --- */

/* A look at a value of which nothing is told yet. */
static guint
try_schema (Check *check, const char *name, KubeValue *schema, KubeValue *value, KubeFieldErrors *errors, guint depth)
{
  Check inner = { check->root, errors, 0 };

  check_value (&inner, name, schema, value, depth + 1);
  return inner.matches;
}

/* anyOf and oneOf. */
static void
check_choices (Check *check, const char *name, KubeValue *schema, KubeValue *value, gboolean exclusive, guint depth)
{
  KubeValue *choices = member_of (schema, exclusive ? "oneOf" : "anyOf");
  g_auto (KubeFieldErrors) best = { NULL };
  guint n_valid = 0, most = 0;

  for (guint i = 0; i < kube_value_get_length (choices) && (exclusive || n_valid == 0); i++) {
    g_auto (KubeFieldErrors) errors = { NULL };
    guint matches = try_schema (check, name, kube_value_get_element (choices, i), value, &errors, depth);

    if (kube_field_errors_get_length (&errors) == 0) {
      n_valid++;
      check->matches += n_valid == 1 ? matches : 0;
    } else if (n_valid == 0 && (kube_field_errors_get_length (&best) == 0 || matches > most)) {
      kube_field_errors_clear (&best);
      kube_field_errors_take (&best, &errors);
      most = matches;
    }
  }
  if (kube_value_get_length (choices) == 0 || n_valid == 1)
    return;
  if (!exclusive)
    add_of_whole (check, name, " must validate at least one schema (anyOf)");
  else if (n_valid == 0)
    add_of_whole (check, name, " must validate one and only one schema (oneOf). Found none valid");
  else
    add_of_whole (check, name, " must validate one and only one schema (oneOf). Found %u valid alternatives", n_valid);
  if (n_valid == 0)
    kube_field_errors_take (check->errors, &best);
}

static void
check_operators (Check *check, const char *name, KubeValue *schema, KubeValue *value, guint depth)
{
  KubeValue *all = member_of (schema, "allOf"), *not_ = member_of (schema, "not");
  guint n_valid = 0, n = kube_value_get_length (all);

  check_choices (check, name, schema, value, FALSE, depth);
  check_choices (check, name, schema, value, TRUE, depth);
  for (guint i = 0; i < n; i++) {
    g_auto (KubeFieldErrors) errors = { NULL };

    check->matches += try_schema (check, name, kube_value_get_element (all, i), value, &errors, depth);
    n_valid += kube_field_errors_get_length (&errors) == 0;
    kube_field_errors_take (check->errors, &errors);
  }
  if (n_valid < n)
    add_of_whole (check, name, " must validate all the schemas (allOf)%s", n_valid == 0 ? ". None validated" : "");
  if (not_ != NULL) {
    g_auto (KubeFieldErrors) errors = { NULL };
    try_schema (check, name, not_, value, &errors, depth);
    if (kube_field_errors_get_length (&errors) == 0)
      add_of_whole (check, name, " must not validate the schema (not)");
  }
}

/* --- numbers and strings --- */

/* What bounds an integer must be one itself. */
static void
check_range (Check *check, const char *name, KubeValue *schema, const char *what, double number)
{
  gboolean small = equals (string_of (schema, "format"), "int32");
  double limit = small ? 2147483648.0 : 9223372036854775808.0;

  if (!equals (string_of (schema, "type"), "integer") || (fmod (number, 1) == 0 && number >= -limit && number < limit))
    return;
  if (small || equals (string_of (schema, "format"), "int64"))
    add_of_root (check, "%s value must be of type integer with format %s in %s", what, string_of (schema, "format"), name);
  else
    add_of_root (check, "%s value must be of type integer (default format) in %s", what, name);
}

static void
check_bound (Check *check, const char *name, KubeValue *schema, KubeValue *value, gboolean upper)
{
  const char *key = upper ? "maximum" : "minimum";
  gboolean exclusive = boolean_of (schema, upper ? "exclusiveMaximum" : "exclusiveMinimum");
  double number = kube_value_get_double (value, NULL, 0), bound = kube_value_get_double (schema, key, 0);
  gboolean good = upper ? (exclusive ? number < bound : number <= bound) : (exclusive ? number > bound : number >= bound);
  g_autofree char *text = number_text (bound);

  if (!has_member (schema, key))
    return;
  check_range (check, name, schema, upper ? "Maximum boundary" : "Minimum boundary", bound);
  if (!good)
    add_invalid (check, name, value, " in body should be %s than %s%s", upper ? "less" : "greater", exclusive ? "" : "or equal to ", text);
}

static void
check_number (Check *check, const char *name, KubeValue *schema, KubeValue *value)
{
  double number = kube_value_get_double (value, NULL, 0), multiple = kube_value_get_double (schema, "multipleOf", 0);
  g_autofree char *text = number_text (multiple);

  check->matches += 2;
  check_range (check, name, schema, "Checked", number);
  if (multiple > 0 && fmod (number, multiple) != 0)
    add_invalid (check, name, value, " in body should be a multiple of %s", text);
  check_bound (check, name, schema, value, FALSE);
  check_bound (check, name, schema, value, TRUE);
}

static void
check_string (Check *check, const char *name, KubeValue *schema, KubeValue *value)
{
  const char *text = kube_value_peek_string (value, NULL), *pattern = string_of (schema, "pattern"), *format = string_of (schema, "format");
  glong length = g_utf8_strlen (text, -1);

  check->matches += 1 + (*format != '\0');
  if (has_member (schema, "maxLength") && length > integer_of (schema, "maxLength", 0))
    kube_field_errors_too_long (check->errors, PLACE (check, name), (int) integer_of (schema, "maxLength", 0));
  else if (has_member (schema, "minLength") && length < integer_of (schema, "minLength", 0))
    add_invalid (check, name, value, " in body should be at least %" G_GINT64_FORMAT " chars long", integer_of (schema, "minLength", 0));
  else if (*pattern != '\0' && !g_regex_match_simple (pattern, text, G_REGEX_DOLLAR_ENDONLY, 0))
    add_invalid (check, name, value, " in body should match '%s'", pattern);
  if (*format != '\0' && !kube_schema_format_accepts (format, text))
    add_wrong_type (check, name, format, text);
}

static void
check_enum (Check *check, const char *name, KubeValue *schema, KubeValue *value)
{
  KubeValue *list = member_of (schema, "enum");
  g_autoptr (GString) bad = g_string_new (NULL);
  g_autoptr (GString) detail = g_string_new ("supported values: ");

  check->matches++;
  if (kube_value_get_length (list) == 0)
    return;
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *element = kube_value_get_element (list, i);
    const char *text = kube_value_peek_string (element, NULL);
    g_autofree char *json = text == NULL ? kube_value_print (element, NULL) : NULL;

    if (kube_value_equal (element, value) && !kube_value_is_null (element))
      return;
    g_string_append (detail, i > 0 ? ", " : "");
    kube_go_quote (detail, text != NULL ? text : json, -1);
  }
  kube_go_json (bad, value);
  kube_field_errors_add (check->errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, PLACE (check, name), bad->str, detail->str);
}

/* --- lists and objects --- */

static void
check_array (Check *check, const char *name, KubeValue *schema, KubeValue *value, guint depth)
{
  guint n = kube_value_get_length (value);

  check->matches += 2;
  for (guint i = 0; i < n && has_member (schema, "items"); i++) {
    g_autofree char *inner = g_strdup_printf ("%s[%u]", name, i);
    check_value (check, inner, member_of (schema, "items"), kube_value_get_element (value, i), depth + 1);
  }
  if (has_member (schema, "minItems") && n < integer_of (schema, "minItems", 0))
    add_invalid (check, name, value, " in body should have at least %" G_GINT64_FORMAT " items", integer_of (schema, "minItems", 0));
  if (has_member (schema, "maxItems") && n > integer_of (schema, "maxItems", 0))
    kube_field_errors_too_many (check->errors, PLACE (check, name), (int) n, (int) integer_of (schema, "maxItems", 0));
}

/* Members that no property names. */
static void
check_additional (Check *check, const char *name, KubeValue *schema, KubeValue *value, guint depth)
{
  KubeValue *properties = member_of (schema, "properties"), *additional = member_of (schema, "additionalProperties");

  for (guint i = 0; additional != NULL && i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    g_autofree char *inner = g_strconcat (name, ".", key, NULL);

    if (member_of (properties, key) != NULL)
      continue;
    if (kube_value_is_object (additional)) {
      check_value (check, inner, additional, kube_value_get_element (value, i), depth + 1);
    } else if (!kube_value_get_boolean (additional, NULL, TRUE)) {
      g_autofree char *detail = g_strconcat (inner, " in body is a forbidden property", NULL);
      kube_field_errors_invalid (check->errors, PLACE (check, name), key, detail);
    }
  }
}

static void
check_object (Check *check, const char *name, KubeValue *schema, KubeValue *value, guint depth)
{
  KubeValue *properties = member_of (schema, "properties"), *required = member_of (schema, "required");
  guint n = kube_value_get_length (value);

  check->matches++;
  if (has_member (schema, "minProperties") && n < integer_of (schema, "minProperties", 0)) {
    g_autoptr (KubeValue) size = kube_value_new_integer (n);
    add_invalid (check, name, size, " in body should have at least %" G_GINT64_FORMAT " properties", integer_of (schema, "minProperties", 0));
  }
  if (has_member (schema, "maxProperties") && n > integer_of (schema, "maxProperties", 0))
    kube_field_errors_too_many (check->errors, PLACE (check, name), (int) n, (int) integer_of (schema, "maxProperties", 0));
  check_additional (check, name, schema, value, depth);
  for (guint i = 0; i < kube_value_get_length (properties); i++) {
    const char *key = kube_value_get_key (properties, i);
    g_autofree char *inner = *name != '\0' ? g_strconcat (name, ".", key, NULL) : g_strdup (key);

    if (kube_value_get_member (value, key) != NULL)
      check_value (check, inner, kube_value_get_element (properties, i), kube_value_get_member (value, key), depth + 1);
  }
  for (guint i = 0; i < kube_value_get_length (required); i++) {
    g_autofree char *inner = g_strconcat (name, ".", element_string (required, i), NULL);

    if (kube_value_get_member (value, element_string (required, i)) == NULL)
      kube_field_errors_required (check->errors, PLACE (check, inner), NULL);
  }
}

static void
check_value (Check *check, const char *name, KubeValue *schema, KubeValue *value, guint depth)
{
  KubeValueType type = kube_value_get_value_type (value);

  if (!kube_value_is_object (schema) || depth > DEPTH_MAX)
    return;
  check_type (check, name, schema, value);
  if (type != KUBE_VALUE_NULL) {
    check->matches += 2;
    check_operators (check, name, schema, value, depth);
  }
  if (type == KUBE_VALUE_STRING)
    check_string (check, name, schema, value);
  else if (type == KUBE_VALUE_INTEGER || type == KUBE_VALUE_UNSIGNED || type == KUBE_VALUE_NUMBER)
    check_number (check, name, schema, value);
  else if (type == KUBE_VALUE_ARRAY)
    check_array (check, name, schema, value, depth);
  check_enum (check, name, schema, value);
  if (type == KUBE_VALUE_OBJECT)
    check_object (check, name, schema, value, depth);
}

void
kube_validate_by_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value)
{
  Check check = { path, errors, 0 };

  check_value (&check, "", schema, value, 0);
}
