/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-macro.h"

#include <string.h>

typedef struct {
  KubeCelSource *source;
  KubeCelPool *pool;
  KubeCelExpr *call; /* the macro's */
} Expansion;

typedef KubeCelExpr *(*ExpandFunc) (Expansion *self);

/* --- nodes --- */

#define CALL(self, name, operand, ...) kube_cel_expr_new_call ((self)->pool, (self)->call->offset, name, operand, __VA_ARGS__, NULL)
#define BOOLEAN(self, value) kube_cel_expr_new_boolean ((self)->pool, (self)->call->offset, value)
#define INTEGER(self, value) kube_cel_expr_new_integer ((self)->pool, (self)->call->offset, value)

static KubeCelExpr *
node (Expansion *self, KubeCelExprKind kind, const char *name)
{
  return kube_cel_expr_new (self->pool, kind, self->call->offset, name);
}

static KubeCelExpr *
accumulator (Expansion *self)
{
  return node (self, KUBE_CEL_EXPR_IDENTIFIER, KUBE_CEL_ACCUMULATOR);
}

static KubeCelExpr *
arg (Expansion *self, guint index)
{
  return kube_cel_expr_get_arg (self->call, index);
}

static KubeCelExpr *
list_of (Expansion *self, KubeCelExpr *element)
{
  KubeCelExpr *list = node (self, KUBE_CEL_EXPR_LIST, NULL);

  if (element != NULL) {
    KubeCelMark mark = { KUBE_CEL_NOWHERE, FALSE };
    kube_cel_expr_add (list, element);
    list->marks = g_array_new (FALSE, FALSE, sizeof (KubeCelMark));
    g_array_append_val (list->marks, mark);
  }
  return list;
}

/* Stands for what is wrong, which is told already. */
static KubeCelExpr *
fail (Expansion *self, const KubeCelExpr *where, const char *message)
{
  kube_cel_source_add (self->source, where->offset, "%s", message);
  return BOOLEAN (self, FALSE);
}

/* --- variables --- */

/* @what: what is said where an argument is no name. */
static gboolean
read_variable (Expansion *self, guint index, const char *what, const char **name)
{
  const KubeCelExpr *variable = arg (self, index);

  if (variable->kind != KUBE_CEL_EXPR_IDENTIFIER) {
    fail (self, variable, what);
    return FALSE;
  }
  if (strcmp (variable->name, "__result__") == 0) {
    fail (self, variable, "iteration variable overwrites accumulator variable");
    return FALSE;
  }
  *name = variable->name;
  return TRUE;
}

/* The variables of loops with one or, where the macro has that many arguments, two. */
static gboolean
read_variables (Expansion *self, KubeCelLoop *loop, gboolean two, const char *what)
{
  *loop = (KubeCelLoop){ .range = self->call->operand, .accumulator = KUBE_CEL_ACCUMULATOR, .result = accumulator (self) };
  if (!read_variable (self, 0, what, &loop->variable) || (two && !read_variable (self, 1, what, &loop->second)))
    return FALSE;
  if (two && strcmp (loop->variable, loop->second) == 0) {
    kube_cel_source_add (self->source, arg (self, 1)->offset, "duplicate variable name: %s", loop->second);
    return FALSE;
  }
  return TRUE;
}

static KubeCelExpr *
loop_node (Expansion *self, const KubeCelLoop *loop)
{
  KubeCelExpr *expr = node (self, KUBE_CEL_EXPR_LOOP, NULL);

  expr->loop = *loop;
  return expr;
}

/* --- macros --- */

static KubeCelExpr *
expand_has (Expansion *self)
{
  const KubeCelExpr *selection = arg (self, 0);
  KubeCelExpr *test;

  if (selection->kind != KUBE_CEL_EXPR_SELECT)
    return fail (self, selection, "invalid argument to has() macro");
  test = node (self, KUBE_CEL_EXPR_SELECT, selection->name);
  test->operand = selection->operand;
  test->is_test = TRUE;
  return test;
}

static KubeCelExpr *
expand_quantifier (Expansion *self)
{
  guint n = kube_cel_expr_get_n_args (self->call);
  gboolean is_all = strcmp (self->call->name, "all") == 0;
  KubeCelExpr *going = accumulator (self), *predicate = arg (self, n - 1);
  KubeCelLoop loop;

  if (!read_variables (self, &loop, n == 3, "argument must be a simple name"))
    return BOOLEAN (self, FALSE);
  if (!is_all)
    going = CALL (self, KUBE_CEL_NOT, NULL, going);
  loop.start = BOOLEAN (self, is_all);
  loop.condition = CALL (self, KUBE_CEL_NOT_STRICTLY_FALSE, NULL, going);
  loop.step = CALL (self, is_all ? KUBE_CEL_AND : KUBE_CEL_OR, NULL, accumulator (self), predicate);
  return loop_node (self, &loop);
}

static KubeCelExpr *
expand_exists_one (Expansion *self)
{
  guint n = kube_cel_expr_get_n_args (self->call);
  KubeCelLoop loop;

  if (!read_variables (self, &loop, n == 3, "argument must be a simple name"))
    return BOOLEAN (self, FALSE);
  loop.start = INTEGER (self, 0);
  loop.condition = BOOLEAN (self, TRUE);
  loop.step = CALL (self, KUBE_CEL_CONDITIONAL, NULL, arg (self, n - 1), CALL (self, KUBE_CEL_ADD, NULL, accumulator (self), INTEGER (self, 1)),
                    accumulator (self));
  loop.result = CALL (self, KUBE_CEL_EQUALS, NULL, loop.result, INTEGER (self, 1));
  return loop_node (self, &loop);
}

/* @filter: (nullable): @step is made only where it holds */
static KubeCelExpr *
collect (Expansion *self, KubeCelLoop *loop, KubeCelExpr *start, KubeCelExpr *filter, KubeCelExpr *step)
{
  loop->start = start;
  loop->condition = BOOLEAN (self, TRUE);
  loop->step = filter != NULL ? CALL (self, KUBE_CEL_CONDITIONAL, NULL, filter, step, accumulator (self)) : step;
  return loop_node (self, loop);
}

static KubeCelExpr *
append (Expansion *self, KubeCelExpr *element)
{
  return CALL (self, KUBE_CEL_ADD, NULL, accumulator (self), list_of (self, element));
}

static KubeCelExpr *
expand_map (Expansion *self)
{
  guint n = kube_cel_expr_get_n_args (self->call);
  KubeCelLoop loop;

  if (!read_variables (self, &loop, FALSE, "argument is not an identifier"))
    return BOOLEAN (self, FALSE);
  return collect (self, &loop, list_of (self, NULL), n == 3 ? arg (self, 1) : NULL, append (self, arg (self, n - 1)));
}

static KubeCelExpr *
expand_filter (Expansion *self)
{
  KubeCelLoop loop;

  if (!read_variables (self, &loop, FALSE, "argument is not an identifier"))
    return BOOLEAN (self, FALSE);
  return collect (self, &loop, list_of (self, NULL), arg (self, 1), append (self, arg (self, 0)));
}

static KubeCelExpr *
expand_transform_list (Expansion *self)
{
  guint n = kube_cel_expr_get_n_args (self->call);
  KubeCelLoop loop;

  if (!read_variables (self, &loop, TRUE, "argument must be a simple name"))
    return BOOLEAN (self, FALSE);
  return collect (self, &loop, list_of (self, NULL), n == 4 ? arg (self, 2) : NULL, append (self, arg (self, n - 1)));
}

static KubeCelExpr *
expand_transform_map (Expansion *self)
{
  static const char insert[] = "cel.@mapInsert";
  guint n = kube_cel_expr_get_n_args (self->call);
  gboolean is_entry = strcmp (self->call->name, "transformMapEntry") == 0;
  KubeCelExpr *step, *last = arg (self, n - 1);
  KubeCelLoop loop;

  if (!read_variables (self, &loop, TRUE, "argument must be a simple name"))
    return BOOLEAN (self, FALSE);
  if (is_entry)
    step = CALL (self, insert, NULL, accumulator (self), last);
  else
    step = CALL (self, insert, NULL, accumulator (self), node (self, KUBE_CEL_EXPR_IDENTIFIER, loop.variable), last);
  return collect (self, &loop, node (self, KUBE_CEL_EXPR_MAP, NULL), n == 4 ? arg (self, 2) : NULL, step);
}

/* A value that has a name in @body: a loop that is never gone through. */
static KubeCelExpr *
bind (Expansion *self, const char *name, KubeCelExpr *value, KubeCelExpr *body)
{
  KubeCelLoop loop = { .range = list_of (self, NULL),
                       .variable = "#unused",
                       .accumulator = name,
                       .start = value,
                       .condition = BOOLEAN (self, FALSE),
                       .step = node (self, KUBE_CEL_EXPR_IDENTIFIER, name),
                       .result = body };

  return loop_node (self, &loop);
}

static KubeCelExpr *
expand_optional (Expansion *self)
{
  gboolean flat = strcmp (self->call->name, "optFlatMap") == 0;
  const KubeCelExpr *variable = arg (self, 0);
  KubeCelExpr *target = self->call->operand, *mapped;

  if (variable->kind != KUBE_CEL_EXPR_IDENTIFIER)
    return fail (self, variable,
                 flat ? "optFlatMap() variable name must be a simple identifier" : "optMap() variable name must be a simple identifier");
  mapped = bind (self, variable->name, kube_cel_expr_new_call (self->pool, self->call->offset, "value", target, NULL), arg (self, 1));
  if (!flat)
    mapped = CALL (self, "optional.of", NULL, mapped);
  return CALL (self, KUBE_CEL_CONDITIONAL, NULL, kube_cel_expr_new_call (self->pool, self->call->offset, "hasValue", target, NULL), mapped,
               kube_cel_expr_new_call (self->pool, self->call->offset, "optional.none", NULL, NULL));
}

static KubeCelExpr *
expand_sort (Expansion *self)
{
  static const char input[] = "@__sortBy_input__";
  KubeCelExpr *target = self->call->operand;
  KubeCelLoop loop;

  if (target->kind == KUBE_CEL_EXPR_LITERAL || target->kind == KUBE_CEL_EXPR_MAP || target->kind == KUBE_CEL_EXPR_STRUCT)
    return fail (self, target, "sortBy can only be applied to a list, identifier, comprehension, call or select expression");
  if (!read_variables (self, &loop, FALSE, "argument is not an identifier"))
    return BOOLEAN (self, FALSE);
  loop.range = node (self, KUBE_CEL_EXPR_IDENTIFIER, input);
  return bind (self, input, target,
               CALL (self, "@sortByAssociatedKeys", node (self, KUBE_CEL_EXPR_IDENTIFIER, input),
                     collect (self, &loop, list_of (self, NULL), NULL, append (self, arg (self, 1)))));
}

static KubeCelExpr *
expand_bind (Expansion *self)
{
  const KubeCelExpr *variable = arg (self, 0);

  if (variable->kind != KUBE_CEL_EXPR_IDENTIFIER)
    return fail (self, variable, "cel.bind() variable names must be simple identifiers");
  return bind (self, variable->name, arg (self, 1), arg (self, 2));
}

static const struct {
  const char *name;
  guint least, most; /* arguments */
  ExpandFunc expand;
} macros[] = {
  { "all", 2, 3, expand_quantifier },
  { "exists", 2, 3, expand_quantifier },
  { "exists_one", 2, 3, expand_exists_one },
  { "existsOne", 2, 3, expand_exists_one },
  { "filter", 2, 2, expand_filter },
  { "map", 2, 3, expand_map },
  { "optFlatMap", 2, 2, expand_optional },
  { "optMap", 2, 2, expand_optional },
  { "sortBy", 2, 2, expand_sort },
  { "transformList", 3, 4, expand_transform_list },
  { "transformMap", 3, 4, expand_transform_map },
  { "transformMapEntry", 3, 4, expand_transform_map },
};

KubeCelExpr *
kube_cel_expand_macro (KubeCelSource *source, KubeCelPool *pool, KubeCelExpr *call, gboolean with_bind)
{
  Expansion self = { source, pool, call };
  guint n = kube_cel_expr_get_n_args (call);

  if (call->operand == NULL)
    return strcmp (call->name, "has") == 0 && n == 1 ? expand_has (&self) : NULL;
  if (with_bind && n == 3 && strcmp (call->name, "bind") == 0 && call->operand->kind == KUBE_CEL_EXPR_IDENTIFIER
      && strcmp (call->operand->name, "cel") == 0)
    return expand_bind (&self);
  for (gsize i = 0; i < G_N_ELEMENTS (macros); i++)
    if (strcmp (macros[i].name, call->name) == 0 && n >= macros[i].least && n <= macros[i].most)
      return macros[i].expand (&self);
  return NULL;
}
