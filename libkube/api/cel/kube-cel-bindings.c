/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-bindings.h"

#include <string.h>

typedef struct {
  guint variable;
  gpointer before;
} Change;

static gboolean assign (KubeCelBindings *self, const KubeCelType *from, const KubeCelType *to);

void
kube_cel_bindings_init (KubeCelBindings *self, KubeCelTypes *types)
{
  self->types = types;
  self->bound = g_ptr_array_new ();
  self->trail = g_array_new (FALSE, FALSE, sizeof (Change));
}

void
kube_cel_bindings_clear (KubeCelBindings *self)
{
  g_clear_pointer (&self->bound, g_ptr_array_unref);
  g_clear_pointer (&self->trail, g_array_unref);
}

const KubeCelType *
kube_cel_bindings_new_variable (KubeCelBindings *self)
{
  g_ptr_array_add (self->bound, NULL);
  return kube_cel_types_variable (self->types, self->bound->len - 1);
}

static const KubeCelType *
find (KubeCelBindings *self, const KubeCelType *type)
{
  return type->kind == KUBE_CEL_PARAM ? self->bound->pdata[type->variable] : NULL;
}

static void
bind (KubeCelBindings *self, const KubeCelType *param, const KubeCelType *type)
{
  Change change = { param->variable, self->bound->pdata[param->variable] };

  g_array_append_val (self->trail, change);
  self->bound->pdata[param->variable] = (gpointer)type;
}

/* A parameter does not stand for something that it is part of. */
static gboolean
occurs_in (KubeCelBindings *self, const KubeCelType *param, const KubeCelType *type)
{
  const KubeCelType *bound = find (self, type);

  if (kube_cel_type_equal (param, type))
    return TRUE;
  if (type->kind == KUBE_CEL_PARAM)
    return bound != NULL && occurs_in (self, param, bound);
  for (guint i = 0; i < type->n_params; i++)
    if (occurs_in (self, param, type->params[i]))
      return TRUE;
  return FALSE;
}

static gboolean
is_equal_or_more_general (const KubeCelType *a, const KubeCelType *b)
{
  if (kube_cel_type_is_dyn (a) || a->kind == KUBE_CEL_PARAM)
    return TRUE;
  if (kube_cel_type_is_dyn (b) || b->kind == KUBE_CEL_PARAM || a->kind != b->kind)
    return FALSE;
  if (a->kind == KUBE_CEL_TYPE)
    return TRUE;
  if (g_strcmp0 (a->name, b->name) != 0 || a->n_params != b->n_params)
    return FALSE;
  for (guint i = 0; i < a->n_params; i++)
    if (!is_equal_or_more_general (a->params[i], b->params[i]))
      return FALSE;
  return TRUE;
}

const KubeCelType *
kube_cel_most_general (const KubeCelType *a, const KubeCelType *b)
{
  return is_equal_or_more_general (a, b) ? a : b;
}

/* Whether @param may stand for @type. @has_bound: (out): whether it stands for something already */
static gboolean
assign_param (KubeCelBindings *self, const KubeCelType *type, const KubeCelType *param, gboolean *has_bound)
{
  const KubeCelType *bound = find (self, param);

  *has_bound = TRUE;
  if (kube_cel_type_equal (type, param))
    return TRUE;
  if (bound != NULL) {
    const KubeCelType *general;

    if (kube_cel_type_equal (type, bound))
      return TRUE;
    if (!assign (self, type, bound))
      return FALSE;
    general = kube_cel_most_general (type, bound);
    if (!occurs_in (self, param, general))
      bind (self, param, general);
    return TRUE;
  }
  *has_bound = FALSE;
  if (occurs_in (self, param, type))
    return FALSE;
  bind (self, param, type);
  return TRUE;
}

static gboolean
is_nullable (const KubeCelType *type)
{
  return type->kind == KUBE_CEL_NULL || type->kind == KUBE_CEL_OPAQUE || type->kind == KUBE_CEL_STRUCT || type->kind == KUBE_CEL_DURATION
         || type->kind == KUBE_CEL_TIMESTAMP;
}

static gboolean
is_wild (const KubeCelType *type)
{
  return type->kind == KUBE_CEL_ERROR || kube_cel_type_is_dyn (type);
}

static gboolean
assign (KubeCelBindings *self, const KubeCelType *from, const KubeCelType *to)
{
  gboolean has_bound;

  if (to->kind == KUBE_CEL_PARAM) {
    if (assign_param (self, from, to, &has_bound))
      return TRUE;
    if (has_bound)
      return FALSE;
  }
  if (from->kind == KUBE_CEL_PARAM)
    return assign_param (self, to, from, &has_bound);
  if (is_wild (from) || is_wild (to))
    return TRUE;
  if (from->kind == KUBE_CEL_NULL)
    return is_nullable (to);
  if (to->kind == KUBE_CEL_NULL)
    return is_nullable (from);
  if (from->kind != to->kind)
    return FALSE;
  if (from->kind == KUBE_CEL_TYPE)
    return TRUE;
  if (g_strcmp0 (from->name, to->name) != 0 || from->n_params != to->n_params)
    return FALSE;
  for (guint i = 0; i < from->n_params; i++)
    if (!assign (self, from->params[i], to->params[i]))
      return FALSE;
  return TRUE;
}

gboolean
kube_cel_bindings_assign_list (KubeCelBindings *self, const KubeCelType *const *from, const KubeCelType *const *to, guint n)
{
  gboolean good = TRUE;

  g_array_set_size (self->trail, 0);
  for (guint i = 0; i < n && good; i++)
    good = assign (self, from[i], to[i]);
  for (guint i = self->trail->len; i > 0 && !good; i--) {
    const Change *change = &g_array_index (self->trail, Change, i - 1);
    self->bound->pdata[change->variable] = change->before;
  }
  return good;
}

gboolean
kube_cel_bindings_assign (KubeCelBindings *self, const KubeCelType *from, const KubeCelType *to)
{
  return kube_cel_bindings_assign_list (self, &from, &to, 1);
}

const KubeCelType *
kube_cel_bindings_substitute (KubeCelBindings *self, const KubeCelType *type, gboolean to_dyn)
{
  const KubeCelType *bound = find (self, type), *params[2] = { NULL, NULL };
  gboolean same = TRUE;

  if (bound != NULL)
    return kube_cel_bindings_substitute (self, bound, to_dyn);
  if (type->kind == KUBE_CEL_PARAM)
    return to_dyn ? kube_cel_type_of (KUBE_CEL_DYN) : type;
  for (guint i = 0; i < type->n_params; i++) {
    params[i] = kube_cel_bindings_substitute (self, type->params[i], to_dyn);
    same &= params[i] == type->params[i];
  }
  return same ? type : kube_cel_types_with_params (self->types, type, params);
}
