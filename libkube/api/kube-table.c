/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-table.h"

#include <kube/kube-time.h>

#include "kube-table-private.h"

void
kube_table_text (GString *out, const char *text)
{
  kube_json_append_string (out, text != NULL ? text : "", -1);
}

void
kube_table_text_or (GString *out, const char *text, const char *otherwise)
{
  kube_table_text (out, text != NULL && *text != '\0' ? text : otherwise);
}

void
kube_table_integer (GString *out, gint64 integer)
{
  g_string_append_printf (out, "%" G_GINT64_FORMAT, integer);
}

void
kube_table_age (GString *out, const char *time, gint64 now)
{
  gint64 then;

  if (time == NULL || !kube_time_parse (time, &then, NULL)) {
    kube_table_text (out, "<unknown>");
  } else {
    g_autofree char *age = kube_time_print_age (now - then);
    kube_table_text (out, age);
  }
}

char *
kube_table_join (KubeValue *list, const char *key, const char *separator)
{
  GString *out = g_string_new (NULL);
  guint n = kube_value_is_array (list) ? kube_value_get_length (list) : 0;

  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (list, i);
    const char *text = key != NULL ? kube_value_get_member_string (element, key) : kube_value_peek_string (element, NULL);
    g_string_append_printf (out, "%s%s", i > 0 ? separator : "", text != NULL ? text : "");
  }
  return g_string_free (out, FALSE);
}

static void
print_age (KubeValue *object, gint64 now, GString *out)
{
  kube_table_age (out, kube_value_get_string (object, "metadata.creationTimestamp"), now);
}

static KubeTablePrinter
find_printer (const char *name)
{
  static const KubeTableCell *const tables[] = { kube_table_pod_cells, kube_table_core_cells, kube_table_workload_cells, kube_table_other_cells };

  if (strcmp (name, "@age") == 0)
    return print_age;
  for (gsize t = 0; t < G_N_ELEMENTS (tables); t++)
    for (const KubeTableCell *cell = tables[t]; cell->name != NULL; cell++)
      if (strcmp (cell->name, name) == 0)
        return cell->print;
  return NULL;
}

static const KubeColumn default_columns[] = {
  { "Name", "string", "name", "metadata.name", "The name, which is unique within its namespace.", 0, NULL },
  { "Created At", "date", "", "metadata.creationTimestamp", "When the object was created.", 0, NULL },
};

static const KubeColumn *
get_columns (KubeKind *kind, guint *n)
{
  *n = kind->columns != NULL ? kind->n_columns : G_N_ELEMENTS (default_columns);
  return kind->columns != NULL ? kind->columns : default_columns;
}

/* The array of columnDefinitions. */
void
kube_table_print_columns (KubeKind *kind, GString *out)
{
  guint n;
  const KubeColumn *columns = get_columns (kind, &n);

  g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++) {
    g_string_append (out, i > 0 ? ",{\"name\":" : "{\"name\":");
    kube_table_text (out, columns[i].name);
    g_string_append (out, ",\"type\":");
    kube_table_text (out, columns[i].type);
    g_string_append (out, ",\"format\":");
    kube_table_text (out, columns[i].format);
    g_string_append (out, ",\"description\":");
    kube_table_text (out, columns[i].doc);
    g_string_append_printf (out, ",\"priority\":%d}", columns[i].priority);
  }
  g_string_append_c (out, ']');
}

static void
print_path (const KubeColumn *column, KubeValue *object, gint64 now, GString *out)
{
  gboolean counts = *column->path == '#';
  KubeValue *value = kube_value_get (object, column->path + counts);

  if (counts)
    kube_table_integer (out, kube_value_get_length (value));
  else if (column->absent != NULL && (kube_value_is_null (value) || g_strcmp0 (kube_value_peek_string (value, NULL), "") == 0))
    g_string_append (out, column->absent);
  else if (!kube_value_is_null (value))
    kube_value_print_to (value, out);
  else
    g_string_append (out, strcmp (column->type, "integer") == 0 ? "0" : strcmp (column->type, "boolean") == 0 ? "false" : "\"\"");
}

/* The array of cells of one row. @now: microseconds since the epoch, for ages. */
void
kube_table_print_cells (KubeKind *kind, KubeValue *object, gint64 now, GString *out)
{
  guint n;
  const KubeColumn *columns = get_columns (kind, &n);

  g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++) {
    KubeTablePrinter printer = *columns[i].path == '@' ? find_printer (columns[i].path) : NULL;

    if (i > 0)
      g_string_append_c (out, ',');
    if (printer != NULL)
      printer (object, now, out);
    else
      print_path (&columns[i], object, now, out);
  }
  g_string_append_c (out, ']');
}
