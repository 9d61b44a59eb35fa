/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-field-errors.h"

enum { FIELD_ERRORS_MAX = 10000 };

static const struct {
  const char *cause;
  const char *words;
} types[] = {
  [KUBE_FIELD_ERROR_REQUIRED] = { "FieldValueRequired", "Required value" },
  [KUBE_FIELD_ERROR_INVALID] = { "FieldValueInvalid", "Invalid value" },
  [KUBE_FIELD_ERROR_NOT_SUPPORTED] = { "FieldValueNotSupported", "Unsupported value" },
  [KUBE_FIELD_ERROR_FORBIDDEN] = { "FieldValueForbidden", "Forbidden" },
  [KUBE_FIELD_ERROR_DUPLICATE] = { "FieldValueDuplicate", "Duplicate value" },
  [KUBE_FIELD_ERROR_TOO_LONG] = { "FieldValueTooLong", "Too long" },
  [KUBE_FIELD_ERROR_TOO_SHORT] = { "FieldValueTooShort", "Too short" },
  [KUBE_FIELD_ERROR_TOO_MANY] = { "FieldValueTooMany", "Too many" },
  [KUBE_FIELD_ERROR_TOO_FEW] = { "FieldValueTooFew", "Too few" },
  [KUBE_FIELD_ERROR_NOT_FOUND] = { "FieldValueNotFound", "Not found" },
  [KUBE_FIELD_ERROR_INTERNAL] = { "InternalError", "Internal error" },
  [KUBE_FIELD_ERROR_TYPE_INVALID] = { "FieldValueTypeInvalid", "Invalid value" },
};

void
kube_field_path_print (const KubeFieldPath *path, GString *out)
{
  if (path == NULL)
    return;

  kube_field_path_print (path->parent, out);
  if (path->name != NULL) {
    if (out->len > 0)
      g_string_append_c (out, '.');
    g_string_append (out, path->name);
  } else if (path->key != NULL) {
    g_string_append_printf (out, "[%s]", path->key);
  } else {
    g_string_append_printf (out, "[%u]", path->index);
  }
}

static void
field_error_free (gpointer data)
{
  KubeFieldError *field_error = data;

  g_free (field_error->field);
  g_free (field_error->body);
  g_free (field_error);
}

void
kube_field_errors_clear (KubeFieldErrors *errors)
{
  g_clear_pointer (&errors->list, g_ptr_array_unref);
}

guint
kube_field_errors_get_length (const KubeFieldErrors *errors)
{
  return errors->list != NULL ? errors->list->len : 0;
}

const KubeFieldError *
kube_field_errors_get (const KubeFieldErrors *errors, guint index)
{
  return g_ptr_array_index (errors->list, index);
}

void
kube_field_errors_truncate (KubeFieldErrors *errors, guint length)
{
  if (errors->list != NULL && errors->list->len > length)
    g_ptr_array_set_size (errors->list, (int) length);
}

static int
field_error_compare (gconstpointer a, gconstpointer b)
{
  const KubeFieldError *one = *(const KubeFieldError *const *) a, *other = *(const KubeFieldError *const *) b;
  g_autofree char *text = g_strconcat (one->field, ": ", one->body, NULL), *other_text = g_strconcat (other->field, ": ", other->body, NULL);

  return strcmp (text, other_text);
}

void
kube_field_errors_sort (KubeFieldErrors *errors, guint from)
{
  if (errors->list != NULL && errors->list->len > from + 1)
    qsort (errors->list->pdata + from, errors->list->len - from, sizeof (gpointer), field_error_compare);
}

void
kube_field_errors_take (KubeFieldErrors *errors, KubeFieldErrors *others)
{
  if (errors->list == NULL)
    errors->list = g_steal_pointer (&others->list);
  else if (others->list != NULL)
    g_ptr_array_extend_and_steal (errors->list, g_steal_pointer (&others->list));
}

void
kube_field_errors_add (KubeFieldErrors *errors, KubeFieldErrorType type, const KubeFieldPath *path, const char *bad, const char *detail)
{
  KubeFieldError *field_error;
  GString *field, *body;

  if (errors->list == NULL)
    errors->list = g_ptr_array_new_with_free_func (field_error_free);
  if (errors->list->len >= FIELD_ERRORS_MAX)
    return;

  field = g_string_new (NULL);
  if (path == NULL)
    g_string_append (field, "<nil>");
  kube_field_path_print (path, field);

  body = g_string_new (types[type].words);
  if (bad != NULL)
    g_string_append_printf (body, ": %s", bad);
  if (detail != NULL && *detail != '\0')
    g_string_append_printf (body, ": %s", detail);

  field_error = g_new (KubeFieldError, 1);
  field_error->type = type;
  field_error->field = g_string_free (field, FALSE);
  field_error->body = g_string_free (body, FALSE);
  g_ptr_array_add (errors->list, field_error);
}

static void
add_string (KubeFieldErrors *errors, KubeFieldErrorType type, const KubeFieldPath *path, const char *bad, const char *detail)
{
  g_autoptr (GString) text = g_string_new (NULL);

  kube_go_quote (text, bad != NULL ? bad : "", -1);
  kube_field_errors_add (errors, type, path, text->str, detail);
}

static void
add_integer (KubeFieldErrors *errors, KubeFieldErrorType type, const KubeFieldPath *path, gint64 bad, const char *detail)
{
  char text[32];

  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, bad);
  kube_field_errors_add (errors, type, path, text, detail);
}

static void
add_value (KubeFieldErrors *errors, KubeFieldErrorType type, const KubeFieldPath *path, KubeValue *bad, const char *detail)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize length;
  const char *string = kube_value_peek_string (bad, &length);

  if (string != NULL)
    kube_go_quote (text, string, (gssize) length);
  else
    kube_go_json (text, bad);
  kube_field_errors_add (errors, type, path, text->str, detail);
}

void
kube_field_errors_required (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail)
{
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_REQUIRED, path, NULL, detail);
}

void
kube_field_errors_forbidden (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail)
{
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_FORBIDDEN, path, NULL, detail);
}

void
kube_field_errors_invalid (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *detail)
{
  add_string (errors, KUBE_FIELD_ERROR_INVALID, path, bad, detail);
}

void
kube_field_errors_invalid_format (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *format, ...)
{
  g_autofree char *detail = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  add_string (errors, KUBE_FIELD_ERROR_INVALID, path, bad, detail);
}

void
kube_field_errors_invalid_integer (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 bad, const char *detail)
{
  add_integer (errors, KUBE_FIELD_ERROR_INVALID, path, bad, detail);
}

void
kube_field_errors_invalid_value (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *bad, const char *detail)
{
  add_value (errors, KUBE_FIELD_ERROR_INVALID, path, bad, detail);
}

void
kube_field_errors_not_supported (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *const *valid)
{
  g_autoptr (GString) detail = g_string_new (NULL);

  for (gsize i = 0; valid[i] != NULL; i++) {
    g_string_append (detail, i == 0 ? "supported values: " : ", ");
    kube_go_quote (detail, valid[i], -1);
  }
  add_string (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, path, bad, detail->str);
}

void
kube_field_errors_duplicate (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad)
{
  add_string (errors, KUBE_FIELD_ERROR_DUPLICATE, path, bad, NULL);
}

void
kube_field_errors_duplicate_integer (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 bad)
{
  add_integer (errors, KUBE_FIELD_ERROR_DUPLICATE, path, bad, NULL);
}

void
kube_field_errors_duplicate_value (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *bad)
{
  add_value (errors, KUBE_FIELD_ERROR_DUPLICATE, path, bad, NULL);
}

void
kube_field_errors_not_found (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad)
{
  add_string (errors, KUBE_FIELD_ERROR_NOT_FOUND, path, bad, NULL);
}

void
kube_field_errors_too_long (KubeFieldErrors *errors, const KubeFieldPath *path, int maximum)
{
  g_autofree char *detail = g_strdup_printf ("may not be more than %d byte%s", maximum, maximum == 1 ? "" : "s");
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_TOO_LONG, path, NULL, detail);
}

void
kube_field_errors_too_many (KubeFieldErrors *errors, const KubeFieldPath *path, int actual, int maximum)
{
  g_autofree char *detail = g_strdup_printf ("must have at most %d item%s", maximum, maximum == 1 ? "" : "s");
  add_integer (errors, KUBE_FIELD_ERROR_TOO_MANY, path, actual, detail);
}

void
kube_field_errors_internal (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail)
{
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_INTERNAL, path, NULL, detail);
}

/* Upstream names each message once, and brackets them where there are several. */
static void
append_aggregate (const KubeFieldErrors *errors, GString *out)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gsize start = out->len;

  for (guint i = 0; i < errors->list->len; i++) {
    const KubeFieldError *e = g_ptr_array_index (errors->list, i);
    char *text = g_strconcat (e->field, ": ", e->body, NULL);

    if (g_hash_table_contains (seen, text)) {
      g_free (text);
      continue;
    }
    if (out->len > start)
      g_string_append (out, ", ");
    g_string_append (out, text);
    g_hash_table_add (seen, text);
  }
  if (g_hash_table_size (seen) > 1) {
    g_string_insert_c (out, (gssize) start, '[');
    g_string_append_c (out, ']');
  }
}

char *
kube_field_errors_print (const KubeFieldErrors *errors)
{
  GString *out = g_string_new (NULL);

  if (kube_field_errors_get_length (errors) > 0)
    append_aggregate (errors, out);
  return g_string_free (out, FALSE);
}

GError *
kube_field_errors_to_error (const KubeFieldErrors *errors, const char *group, const char *kind, const char *name)
{
  g_autoptr (GString) message = NULL;
  GError *error;

  if (kube_field_errors_get_length (errors) == 0)
    return NULL;

  message = g_string_new (kind);
  if (group != NULL && *group != '\0')
    g_string_append_printf (message, ".%s", group);
  g_string_append_c (message, ' ');
  kube_go_quote (message, name != NULL ? name : "", -1);
  g_string_append (message, " is invalid: ");
  append_aggregate (errors, message);

  error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_INVALID, message->str);
  kube_error_set_subject (error, group, kind, name);
  for (guint i = 0; i < errors->list->len; i++) {
    const KubeFieldError *e = g_ptr_array_index (errors->list, i);
    kube_error_add_cause (error, types[e->type].cause, e->field, e->body);
  }
  return error;
}
