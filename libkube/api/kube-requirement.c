/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-requirement.h"

#include <kube/kube-error.h>
#include <kube/kube-names.h>

#include "kube-go-text.h"

void
kube_requirement_clear (gpointer data)
{
  KubeRequirement *requirement = data;

  g_free (requirement->key);
  g_strfreev (requirement->values);
}

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

void
kube_requirement_take_values (KubeRequirement *requirement, GPtrArray *values)
{
  guint n = 0;

  g_ptr_array_set_free_func (values, NULL);
  if (values->len > 1)
    qsort (values->pdata, values->len, sizeof (gpointer), compare_strings);
  for (guint i = 0; i < values->len; i++) {
    if (n > 0 && strcmp (values->pdata[n - 1], values->pdata[i]) == 0)
      g_free (values->pdata[i]);
    else
      values->pdata[n++] = values->pdata[i];
  }
  g_ptr_array_set_size (values, (int) n);
  g_ptr_array_add (values, NULL);
  requirement->n_values = n;
  requirement->values = (char **) g_ptr_array_free (values, FALSE);
}

static char *
join_messages (GPtrArray *messages)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < messages->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", (const char *) messages->pdata[i]);
  return g_string_free (text, FALSE);
}

void
kube_requirement_check_key (KubeFieldErrors *errors, const KubeFieldPath *path, const char *key)
{
  g_autoptr (GPtrArray) messages = kube_name_check_all (KUBE_NAME_QUALIFIED, key);

  if (messages != NULL) {
    g_autofree char *joined = join_messages (messages);
    kube_field_errors_invalid (errors, path, key, joined);
  }
}

static void
check_number_of_values (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeRequirement *requirement)
{
  g_autoptr (GString) bad = NULL;
  const char *detail = NULL;

  switch (requirement->operator) {
  case KUBE_OPERATOR_IN:
  case KUBE_OPERATOR_NOT_IN:
    if (requirement->n_values == 0)
      detail = "for 'in', 'notin' operators, values set can't be empty";
    break;
  case KUBE_OPERATOR_EXISTS:
  case KUBE_OPERATOR_DOES_NOT_EXIST:
    if (requirement->n_values != 0)
      detail = "values set must be empty for exists and does not exist";
    break;
  default:
    break;
  }
  if (detail == NULL)
    return;

  bad = g_string_new ("[");
  for (guint i = 0; i < requirement->n_values; i++) {
    g_string_append (bad, i > 0 ? "," : "");
    kube_json_append_string (bad, requirement->values[i], -1);
  }
  g_string_append_c (bad, ']');
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, bad->str, detail);
}

gboolean
kube_requirement_check (KubeRequirement *requirement, GError **error)
{
  g_auto (KubeFieldErrors) errors = { 0 };
  g_autofree char *text = NULL;
  const KubeFieldPath *values = KUBE_FIELD (NULL, "values");

  kube_requirement_check_key (&errors, KUBE_FIELD (NULL, "key"), requirement->key);
  check_number_of_values (&errors, values, requirement);
  if (requirement->operator == KUBE_OPERATOR_GREATER || requirement->operator == KUBE_OPERATOR_LESS) {
    if (!kube_go_parse_int (requirement->values[0], &requirement->bound))
      kube_field_errors_invalid (&errors, KUBE_FIELD_INDEX (values, 0), requirement->values[0],
                                 "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  for (guint i = 0; i < requirement->n_values; i++) {
    g_autoptr (GPtrArray) messages = kube_name_check_all (KUBE_NAME_LABEL_VALUE, requirement->values[i]);
    if (messages != NULL) {
      g_autofree char *joined = join_messages (messages);
      kube_field_errors_invalid (&errors, KUBE_FIELD_KEY (KUBE_FIELD_INDEX (values, i), requirement->key), requirement->values[i], joined);
    }
  }
  if (kube_field_errors_get_length (&errors) == 0)
    return TRUE;

  text = kube_field_errors_print (&errors);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, text);
  return FALSE;
}

static gboolean
requirement_has_value (const KubeRequirement *requirement, const char *value)
{
  for (guint i = 0; i < requirement->n_values; i++)
    if (strcmp (requirement->values[i], value) == 0)
      return TRUE;
  return FALSE;
}

gboolean
kube_requirement_matches (const KubeRequirement *requirement, const char *value)
{
  gint64 number;

  switch (requirement->operator) {
  case KUBE_OPERATOR_IN:
  case KUBE_OPERATOR_EQUALS:
  case KUBE_OPERATOR_DOUBLE_EQUALS:
    return value != NULL && requirement_has_value (requirement, value);
  case KUBE_OPERATOR_NOT_IN:
  case KUBE_OPERATOR_NOT_EQUALS:
    return value == NULL || !requirement_has_value (requirement, value);
  case KUBE_OPERATOR_EXISTS:
    return value != NULL;
  case KUBE_OPERATOR_DOES_NOT_EXIST:
    return value == NULL;
  case KUBE_OPERATOR_GREATER:
    return value != NULL && kube_go_parse_int (value, &number) && number > requirement->bound;
  case KUBE_OPERATOR_LESS:
    return value != NULL && kube_go_parse_int (value, &number) && number < requirement->bound;
  }
  return FALSE;
}

const char *
kube_requirement_get_only_value (const KubeRequirement *requirement)
{
  gboolean equality = requirement->operator == KUBE_OPERATOR_EQUALS || requirement->operator == KUBE_OPERATOR_DOUBLE_EQUALS ||
                      requirement->operator == KUBE_OPERATOR_IN;

  return equality && requirement->n_values == 1 ? requirement->values[0] : NULL;
}

static void
append_escaped (GString *out, const char *text)
{
  for (; *text != '\0'; text++) {
    if (*text == '\\' || *text == ',' || *text == '=')
      g_string_append_c (out, '\\');
    g_string_append_c (out, *text);
  }
}

void
kube_requirement_print (const KubeRequirement *requirement, gboolean of_fields, GString *out)
{
  static const char *const signs[] = {
    [KUBE_OPERATOR_IN] = " in ",        [KUBE_OPERATOR_NOT_IN] = " notin ", [KUBE_OPERATOR_EQUALS] = "=",         [KUBE_OPERATOR_DOUBLE_EQUALS] = "==", [KUBE_OPERATOR_NOT_EQUALS] = "!=",
    [KUBE_OPERATOR_EXISTS] = "",        [KUBE_OPERATOR_DOES_NOT_EXIST] = "", [KUBE_OPERATOR_GREATER] = ">",        [KUBE_OPERATOR_LESS] = "<",
  };
  gboolean list = requirement->operator == KUBE_OPERATOR_IN || requirement->operator == KUBE_OPERATOR_NOT_IN;

  g_string_append_printf (out, "%s%s%s%s", requirement->operator == KUBE_OPERATOR_DOES_NOT_EXIST ? "!" : "", requirement->key,
                          signs[requirement->operator], list ? "(" : "");
  for (guint i = 0; i < requirement->n_values; i++) {
    g_string_append (out, i > 0 ? "," : "");
    if (of_fields)
      append_escaped (out, requirement->values[i]);
    else
      g_string_append (out, requirement->values[i]);
  }
  if (list)
    g_string_append_c (out, ')');
}
