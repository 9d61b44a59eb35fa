/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-selector-fields.h"
#include "kube-selector-private.h"

/* Field selectors: their text form, and the fields of an object. */

static int
compare_terms (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
unescape_field (const char *text, gsize length, GError **error)
{
  g_autoptr (GString) out = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++) {
    if (text[i] == ',' || text[i] == '=') {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid field selector: unescaped character in value: %d", text[i]);
      return NULL;
    }
    if (text[i] == '\\') {
      i++;
      if (i >= length || (text[i] != '\\' && text[i] != ',' && text[i] != '=')) {
        gsize n = i < length ? (gsize) (g_utf8_next_char (text + i) - (text + i)) : 0;
        g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid field selector: invalid escape sequence: \\%.*s", (int) n, text + i);
        return NULL;
      }
    }
    g_string_append_c (out, text[i]);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean
selector_add_field (KubeSelector *selector, const char *text, const char *term, GError **error)
{
  gsize key = strcspn (term, "=!");
  KubeRequirement requirement = { 0 };
  GPtrArray *values;
  const char *rest;
  char *value;

  while (term[key] == '!' && term[key + 1] != '=')
    key += 1 + strcspn (term + key + 1, "=!");
  if (term[key] == '\0') {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid selector: '%s'; can't understand '%s'", text, term);
    return FALSE;
  }
  requirement.operator = term[key] == '!' ? KUBE_OPERATOR_NOT_EQUALS : KUBE_OPERATOR_EQUALS;
  rest = term + key + (term[key + 1] == '=' ? 2 : 1);
  value = unescape_field (rest, strlen (rest), error);
  if (value == NULL)
    return FALSE;

  requirement.key = g_strndup (term, key);
  values = g_ptr_array_new ();
  g_ptr_array_add (values, value);
  kube_requirement_take_values (&requirement, values);
  g_array_append_val (selector->requirements, requirement);
  return TRUE;
}

/**
 * kube_selector_parse_fields:
 * @text: a field selector as text
 * @error: return location for an error
 *
 * Reads `metadata.name=x,status.phase!=Running`; a backslash stands before a comma, an equals sign or a backslash within a value.
 *
 * Returns: (transfer full): the selector, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeSelector *
kube_selector_parse_fields (const char *text, GError **error)
{
  g_autoptr (KubeSelector) selector = kube_selector_alloc ();
  g_autoptr (GPtrArray) terms = g_ptr_array_new_with_free_func (g_free);
  const char *start = text;

  selector->of_fields = TRUE;
  for (const char *at = text;; at++) {
    if (*at == '\\' && at[1] != '\0') {
      at++;
    } else if (*at == ',' || *at == '\0') {
      if (at > start)
        g_ptr_array_add (terms, g_strndup (start, (gsize) (at - start)));
      if (*at == '\0')
        break;
      start = at + 1;
    }
  }
  if (terms->len > 1)
    qsort (terms->pdata, terms->len, sizeof (gpointer), compare_terms);
  for (guint i = 0; i < terms->len; i++)
    if (!selector_add_field (selector, text, terms->pdata[i], error))
      return NULL;
  return g_steal_pointer (&selector);
}

/* Selectable fields whose name is no path, and those whose absence does not read as "": the zero values of numbers and booleans. */
static const struct {
  const char *field;
  const char *path;
  const char *fallback_path;
  const char *absent;
} selectable_fields[] = {
  { "spec.unschedulable", "spec.unschedulable", NULL, "false" },
  { "spec.hostNetwork", "spec.hostNetwork", NULL, "false" },
  { "status.replicas", "status.replicas", NULL, "0" },
  { "status.successful", "status.succeeded", NULL, "0" },
  { "source", "source.component", "reportingComponent", "" },
  { "reportingComponent", "reportingComponent", "reportingController", "" },
};

static const char *
field_text (KubeValue *value, char buffer[32])
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_STRING:
    return kube_value_peek_string (value, NULL);
  case KUBE_VALUE_BOOLEAN:
    return kube_value_get_boolean (value, NULL, FALSE) ? "true" : "false";
  case KUBE_VALUE_INTEGER:
    g_snprintf (buffer, 32, "%" G_GINT64_FORMAT, kube_value_get_integer (value, NULL, 0));
    return buffer;
  default:
    return NULL;
  }
}

typedef struct {
  KubeObject *object;
  char buffer[32];
} ObjectFields;

static const char *
object_field (const char *path, gpointer user_data)
{
  ObjectFields *fields = user_data;

  if (strcmp (path, "metadata.name") == 0)
    return kube_object_get_name (fields->object);
  if (strcmp (path, "metadata.namespace") == 0)
    return kube_object_get_namespace (fields->object);
  return field_text (kube_object_get (fields->object, path), fields->buffer);
}

static gboolean
field_matches (const KubeRequirement *requirement, KubeSelectorFieldFunc func, gpointer user_data)
{
  const char *path = requirement->key, *fallback_path = NULL, *absent = "", *text;

  for (gsize i = 0; i < G_N_ELEMENTS (selectable_fields); i++) {
    if (strcmp (selectable_fields[i].field, requirement->key) == 0) {
      path = selectable_fields[i].path;
      fallback_path = selectable_fields[i].fallback_path;
      absent = selectable_fields[i].absent;
    }
  }
  text = func (path, user_data);
  if (fallback_path != NULL && (text == NULL || *text == '\0'))
    text = func (fallback_path, user_data);
  return kube_requirement_matches (requirement, text != NULL ? text : absent);
}

gboolean
kube_selector_matches_fields (KubeSelector *selector, KubeSelectorFieldFunc func, gpointer user_data)
{
  for (guint i = 0; i < selector->requirements->len; i++) {
    if (!field_matches (&g_array_index (selector->requirements, KubeRequirement, i), func, user_data))
      return FALSE;
  }
  return TRUE;
}

gboolean
kube_selector_matches_object_fields (KubeSelector *selector, KubeObject *object)
{
  ObjectFields fields = { object, "" };

  return kube_selector_matches_fields (selector, object_field, &fields);
}
