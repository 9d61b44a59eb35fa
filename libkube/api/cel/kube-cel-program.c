/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-checker.h"
#include "kube-cel-cost.h"
#include "kube-cel-parser.h"

/* How long an expression may be. */
enum { CHARACTERS_MAX = 100000 };

struct _KubeCelProgram {
  KubeCelPool pool;
  KubeCelTypes types;
  KubeCelExpr *expr;
  GHashTable *used; /* (element-type utf8) */
  char *output, *type;
};

static char *
print (const KubeCelType *type, void (*func) (const KubeCelType *type, GString *out))
{
  GString *text = g_string_new (NULL);

  func (type, text);
  return g_string_free (text, FALSE);
}

/* The steps of compilation: each is gone only where those before it found nothing wrong. */
static void
compile (KubeCelProgram *self, const KubeCelEnvironment *environment, KubeCelSource *source)
{
  glong size = g_utf8_strlen (source->text, -1);

  if (size > CHARACTERS_MAX) {
    kube_cel_source_add (source, KUBE_CEL_NOWHERE, "expression code point size exceeds limit: size: %ld, limit %d", size, CHARACTERS_MAX);
    return;
  }
  self->expr = kube_cel_parse (source, &self->pool, kube_cel_environment_has_bind (environment));
  if (self->expr == NULL)
    return;
  kube_cel_check (environment, source, &self->pool, &self->types, self->expr, self->used);
  if (source->n_errors == 0)
    kube_cel_check_literals (source, self->expr);
}

KubeCelProgram *
kube_cel_compile (const KubeCelEnvironment *environment, const char *expression, char **problem)
{
  g_autoptr (KubeCelProgram) self = g_new0 (KubeCelProgram, 1);
  g_auto (KubeCelSource) source;

  kube_cel_source_init (&source, expression);
  kube_cel_pool_init (&self->pool);
  kube_cel_types_init (&self->types);
  self->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  compile (self, environment, &source);
  *problem = kube_cel_source_print (&source);
  if (*problem != NULL)
    return NULL;
  self->output = print (self->expr->type, kube_cel_type_print_declared);
  self->type = print (self->expr->type, kube_cel_type_print);
  return g_steal_pointer (&self);
}

void
kube_cel_program_free (KubeCelProgram *self)
{
  if (self == NULL)
    return;
  kube_cel_pool_clear (&self->pool);
  kube_cel_types_clear (&self->types);
  g_clear_pointer (&self->used, g_hash_table_unref);
  g_free (self->output);
  g_free (self->type);
  g_free (self);
}

const char *
kube_cel_program_get_output (const KubeCelProgram *self)
{
  return self->output;
}

const char *
kube_cel_program_get_type (const KubeCelProgram *self)
{
  return self->type;
}

gboolean
kube_cel_program_uses (const KubeCelProgram *self, const char *name)
{
  return g_hash_table_contains (self->used, name);
}

guint64
kube_cel_program_estimate_cost (const KubeCelProgram *self, KubeValue *schema, gboolean is_resource)
{
  return kube_cel_estimate_cost (self->expr, schema, is_resource).most;
}
