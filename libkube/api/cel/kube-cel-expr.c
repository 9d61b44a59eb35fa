/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-expr.h"

static void
expr_free (gpointer data)
{
  KubeCelExpr *self = data;

  g_clear_pointer (&self->args, g_ptr_array_unref);
  g_clear_pointer (&self->fields, g_ptr_array_unref);
  g_clear_pointer (&self->marks, g_array_unref);
  g_clear_pointer (&self->literal.bytes, g_bytes_unref);
  g_free (self);
}

void
kube_cel_pool_init (KubeCelPool *self)
{
  self->nodes = g_ptr_array_new_with_free_func (expr_free);
  self->strings = g_string_chunk_new (256);
}

void
kube_cel_pool_clear (KubeCelPool *self)
{
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  g_clear_pointer (&self->strings, g_string_chunk_free);
}

const char *
kube_cel_pool_name (KubeCelPool *self, const char *text, gsize length)
{
  return g_string_chunk_insert_len (self->strings, text, (gssize)length);
}

KubeCelExpr *
kube_cel_expr_new (KubeCelPool *pool, KubeCelExprKind kind, int offset, const char *name)
{
  KubeCelExpr *self = g_new0 (KubeCelExpr, 1);

  self->kind = kind;
  self->offset = offset;
  self->name = name;
  g_ptr_array_add (pool->nodes, self);
  return self;
}

KubeCelExpr *
kube_cel_expr_new_call (KubeCelPool *pool, int offset, const char *name, KubeCelExpr *operand, ...)
{
  KubeCelExpr *self = kube_cel_expr_new (pool, KUBE_CEL_EXPR_CALL, offset, name), *arg;
  va_list args;

  self->operand = operand;
  va_start (args, operand);
  while ((arg = va_arg (args, KubeCelExpr *)) != NULL)
    kube_cel_expr_add (self, arg);
  va_end (args);
  return self;
}

KubeCelExpr *
kube_cel_expr_new_boolean (KubeCelPool *pool, int offset, gboolean boolean)
{
  KubeCelExpr *self = kube_cel_expr_new (pool, KUBE_CEL_EXPR_LITERAL, offset, NULL);

  self->literal = (KubeCelLiteral){ .kind = KUBE_CEL_BOOL, .boolean = boolean };
  return self;
}

KubeCelExpr *
kube_cel_expr_new_integer (KubeCelPool *pool, int offset, gint64 integer)
{
  KubeCelExpr *self = kube_cel_expr_new (pool, KUBE_CEL_EXPR_LITERAL, offset, NULL);

  self->literal = (KubeCelLiteral){ .kind = KUBE_CEL_INT, .integer = integer };
  return self;
}

void
kube_cel_expr_add (KubeCelExpr *self, KubeCelExpr *arg)
{
  if (self->args == NULL)
    self->args = g_ptr_array_new ();
  g_ptr_array_add (self->args, arg);
}

guint
kube_cel_expr_get_n_args (const KubeCelExpr *self)
{
  return self->args != NULL ? self->args->len : 0;
}

KubeCelExpr *
kube_cel_expr_get_arg (const KubeCelExpr *self, guint index)
{
  return self->args->pdata[index];
}

const KubeCelMark *
kube_cel_expr_get_mark (const KubeCelExpr *self, guint index)
{
  return &g_array_index (self->marks, KubeCelMark, index);
}
