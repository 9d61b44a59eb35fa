/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* Simple JSON paths within a schema: `.spec.parts['a.b']`. */

/* The next piece of a path: one of its signs, a quoted name, or all up to the next sign. */
static gsize
token_length (const char *text)
{
  if (*text != '\'')
    return strchr (".[]", *text) != NULL ? (*text != '\0') : strcspn (text, ".[]");
  for (const char *at = text + 1; *at != '\0'; at++)
    if (*at == '\'' && at[-1] != '\\')
      return (gsize) (at - text) + 1;
  return strlen (text);
}

/* What stands between quotes. Returns: (nullable): NULL, and @problem is set. */
static char *
unescape (const char *text, gsize length, char **problem)
{
  static const char names[] = "abfnrtv'\\", values[] = "\a\b\f\n\r\t\v'\\";
  g_autoptr (GString) out = g_string_new (NULL);

  for (gsize i = 0; i < length; i++) {
    const char *found;

    if (text[i] != '\\' || i + 1 == length) {
      g_string_append_c (out, text[i]);
      continue;
    }
    found = strchr (names, text[++i]);
    if (found == NULL || *found == '\0') {
      *problem = g_strdup_printf ("invalid string literal: invalid escape char \\%c", text[i]);
      return NULL;
    }
    g_string_append_c (out, values[found - names]);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* One step down: to a property where there are any, else to what a map holds, of which nothing may be said. */
static gboolean
step (KubeValue **schema, const char *name, GString *normal, char **problem)
{
  KubeValue *properties = member_of (*schema, "properties"), *additional = member_of (*schema, "additionalProperties"), *found;
  gboolean has_properties = kube_value_get_length (properties) > 0;

  found = has_properties ? member_of (properties, name) : additional;
  if (found == NULL) {
    *problem = g_strdup ("does not refer to a valid field");
    return FALSE;
  }
  if (has_properties)
    g_string_append_printf (normal, "%s%s", normal->len > 0 ? "." : "", name);
  else
    g_string_append_printf (normal, "[%s]", name);
  *schema = kube_value_is_object (found) ? found : NULL;
  return TRUE;
}

/* The name in `['name']`, of which @at stands behind the bracket; moves @at behind it all. */
static char *
read_quoted (const char **at, char **problem)
{
  gsize length = token_length (*at);
  g_autofree char *name = NULL;

  if (length == 0) {
    *problem = g_strdup ("unexpected end of JSON path");
    return NULL;
  }
  if (length < 2 || **at != '\'' || (*at)[length - 1] != '\'') {
    *problem = g_strdup_printf ("expected single quoted string but got %.*s", (int) length, *at);
    return NULL;
  }
  name = unescape (*at + 1, length - 2, problem);
  if (name == NULL)
    return NULL;
  *at += length;
  length = token_length (*at);
  if (length != 1 || **at != ']') {
    *problem = length == 0 ? g_strdup ("unexpected end of JSON path") : g_strdup_printf ("expected ] but got %.*s", (int) length, *at);
    return NULL;
  }
  *at += 1;
  return g_steal_pointer (&name);
}

gboolean
kube_schema_find_path (KubeValue **schema, const char *json_path, gboolean brackets, char **normal, char **problem)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *at = json_path;

  while (*at != '\0') {
    gsize length = token_length (at);
    g_autofree char *name = NULL;

    if (*at == '[' && !brackets) {
      *problem = g_strdup ("array notation is not allowed");
      return FALSE;
    }
    if (*at != '[' && *at != '.') {
      *problem = g_strdup_printf ("expected [ or . but got: %.*s", (int) length, at);
      return FALSE;
    }
    if (*at++ == '[') {
      name = read_quoted (&at, problem);
    } else if ((length = token_length (at)) > 0) {
      name = g_strndup (at, length);
      at += length;
    } else {
      *problem = g_strdup ("unexpected end of JSON path");
    }
    if (name == NULL || !step (schema, name, text, problem))
      return FALSE;
  }
  *normal = g_string_free (g_steal_pointer (&text), FALSE);
  return TRUE;
}
