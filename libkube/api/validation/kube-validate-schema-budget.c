/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* What the rules of a schema may cost, each and together. */

#define RULE_MAX G_GUINT64_CONSTANT (10000000)
#define SCHEMA_MAX G_GUINT64_CONSTANT (100000000)

enum { DEAREST = 4 };

typedef struct {
  char *path;
  guint64 cost;
} Dear;

static void
dear_clear (gpointer data)
{
  g_free (((Dear *) data)->path);
}

void
kube_schema_budget_clear (KubeSchemaBudget *budget)
{
  g_clear_pointer (&budget->dearest, g_array_unref);
}

static char *
describe (const char *what, guint64 cost, guint64 limit)
{
  double factor = (double) cost / (double) limit;
  g_autofree char *text = NULL;

  if (factor > 100)
    text = g_strdup ("more than 100x");
  else if (factor < 1.5)
    text = g_strdup_printf ("%fx", factor);
  else
    text = g_strdup_printf ("%.1fx", factor);
  return g_strdup_printf ("%s exceeds budget by factor of %s (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, "
                          "maps, and strings are declared)",
                          what, text);
}

/* Those that cost most, the dearest first; what costs nearly nothing is not among them. */
static void
note_dear (KubeSchemaBudget *budget, const KubeFieldPath *path, guint64 cost)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint at = 0;
  Dear dear;

  if (cost < SCHEMA_MAX / 100)
    return;
  if (budget->dearest == NULL) {
    budget->dearest = g_array_new (FALSE, FALSE, sizeof (Dear));
    g_array_set_clear_func (budget->dearest, dear_clear);
  }
  while (at < budget->dearest->len && g_array_index (budget->dearest, Dear, at).cost >= cost)
    at++;
  kube_field_path_print (path, text);
  dear = (Dear){ g_string_free (g_steal_pointer (&text), FALSE), cost };
  g_array_insert_val (budget->dearest, at, dear);
  if (budget->dearest->len > DEAREST)
    g_array_set_size (budget->dearest, DEAREST);
}

void
kube_schema_budget_add (KubeSchemaBudget *budget, KubeFieldErrors *errors, const KubeFieldPath *path, const char *what, guint64 cost)
{
  if (budget->each && cost > RULE_MAX) {
    g_autofree char *detail = describe (what, cost, RULE_MAX);
    kube_field_errors_forbidden (errors, path, detail);
  }
  budget->total = cost > G_MAXUINT64 - budget->total ? G_MAXUINT64 : budget->total + cost;
  note_dear (budget, path, cost);
}

void
kube_schema_budget_check (const KubeSchemaBudget *budget, KubeFieldErrors *errors, const KubeFieldPath *path)
{
  g_autofree char *detail = NULL;

  if (budget->total <= SCHEMA_MAX)
    return;
  for (guint i = 0; budget->dearest != NULL && i < budget->dearest->len; i++)
    kube_field_errors_forbidden (errors, AT (NULL, g_array_index (budget->dearest, Dear, i).path),
                                 "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
  detail = describe ("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", budget->total, SCHEMA_MAX);
  kube_field_errors_forbidden (errors, path, detail);
}
