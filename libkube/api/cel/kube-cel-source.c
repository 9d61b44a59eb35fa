/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-source.h"

#include <stdlib.h>
#include <string.h>

/* How many problems are told, and of how long lines they show the text. */
enum { ERRORS_MAX = 100, SNIPPET_MAX = 16384 };

typedef struct {
  int offset;
  guint number; /* problems of one place are told in the order in which they were found */
  char *message;
} KubeCelProblem;

static void
problem_free (gpointer data)
{
  KubeCelProblem *problem = data;

  g_free (problem->message);
  g_free (problem);
}

void
kube_cel_source_init (KubeCelSource *self, const char *text)
{
  *self = (KubeCelSource){ .text = text, .errors = g_ptr_array_new_with_free_func (problem_free) };
}

void
kube_cel_source_clear (KubeCelSource *self)
{
  g_clear_pointer (&self->errors, g_ptr_array_unref);
}

void
kube_cel_source_add (KubeCelSource *self, int offset, const char *format, ...)
{
  KubeCelProblem *problem;
  va_list args;

  if (++self->n_errors > ERRORS_MAX)
    return;
  problem = g_new (KubeCelProblem, 1);
  problem->offset = offset;
  problem->number = self->n_errors;
  va_start (args, format);
  problem->message = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (self->errors, problem);
}

/* The line as it is shown, and a mark under the place; characters that are wide have wide dots. */
static void
print_snippet (GString *out, const char *line, const char *place)
{
  gsize length = strcspn (line, "\n");

  if (length > SNIPPET_MAX)
    return;
  g_string_append (out, "\n | ");
  for (gsize i = 0; i < length; i++)
    g_string_append_c (out, line[i] == '\t' ? ' ' : line[i]);
  g_string_append (out, "\n | ");
  for (const char *at = line; at < place; at = g_utf8_next_char (at))
    g_string_append (out, (guchar)*at < 0x80 ? "." : "．");
  g_string_append (out, (guchar)*place < 0x80 ? "^" : "＾");
}

static void
print_problem (GString *out, const char *text, const KubeCelProblem *problem)
{
  const char *place = text + MAX (problem->offset, 0), *line = text;
  guint number = 1;

  if (problem->offset == KUBE_CEL_NOWHERE) {
    g_string_append_printf (out, "ERROR: <input>:-1:0: %s", problem->message);
    return;
  }
  for (const char *at = text; at < place; at++)
    if (*at == '\n') {
      number++;
      line = at + 1;
    }
  g_string_append_printf (out, "ERROR: <input>:%u:%ld: %s", number, *text != '\0' ? g_utf8_strlen (line, place - line) + 1 : 0, problem->message);
  if (*text != '\0')
    print_snippet (out, line, place);
}

static int
problem_compare (gconstpointer a, gconstpointer b)
{
  const KubeCelProblem *one = *(const KubeCelProblem *const *)a, *other = *(const KubeCelProblem *const *)b;

  if (one->offset != other->offset)
    return one->offset < other->offset ? -1 : 1;
  return one->number < other->number ? -1 : one->number > other->number;
}

char *
kube_cel_source_print (const KubeCelSource *self)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (self->n_errors == 0)
    return NULL;
  g_ptr_array_sort (self->errors, problem_compare);
  for (guint i = 0; i < self->errors->len; i++) {
    if (i > 0)
      g_string_append_c (out, '\n');
    print_problem (out, self->text, self->errors->pdata[i]);
  }
  if (self->n_errors > ERRORS_MAX)
    g_string_append_printf (out, "\n%u more errors were truncated", self->n_errors - ERRORS_MAX);
  return g_string_free (g_steal_pointer (&out), FALSE);
}
