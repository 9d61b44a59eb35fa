/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-checker.h"

#include <string.h>

#include "kube-cel-bindings.h"
#include "kube-cel-functions.h"

/* A variable that a macro declares. */
typedef struct {
  const char *name;
  const KubeCelType *type;
} Local;

typedef struct {
  const KubeCelEnvironment *environment;
  KubeCelSource *source;
  KubeCelPool *pool;
  KubeCelTypes *types;
  KubeCelBindings bindings;
  GArray *locals; /* (element-type Local): the innermost last */
  GHashTable *used;
} Checker;

static void check (Checker *self, KubeCelExpr *expr);

static const KubeCelType *
simple (KubeCelKind kind)
{
  return kube_cel_type_of (kind);
}

static const KubeCelType *
resolve (Checker *self, const KubeCelType *type)
{
  return kube_cel_bindings_substitute (&self->bindings, type, FALSE);
}

static char *
type_text (const KubeCelType *type)
{
  GString *text = g_string_new (NULL);

  kube_cel_type_print (type, text);
  return g_string_free (text, FALSE);
}

static void
add_mismatch (Checker *self, int offset, const KubeCelType *wanted, const KubeCelType *found)
{
  g_autofree char *wanted_text = type_text (wanted), *found_text = type_text (found);

  kube_cel_source_add (self->source, offset, "expected type '%s' but found '%s'", wanted_text, found_text);
}

static const KubeCelType *
add_undeclared (Checker *self, int offset, const char *name)
{
  kube_cel_source_add (self->source, offset, "undeclared reference to '%s' (in container '')", name);
  return simple (KUBE_CEL_ERROR);
}

/* --- names --- */

static const KubeCelType *
find_name (Checker *self, const char *name)
{
  const char *plain = name + (*name == '.');
  const KubeCelType *type = NULL;

  for (guint i = self->locals->len; i > 0 && type == NULL; i--) {
    const Local *local = &g_array_index (self->locals, Local, i - 1);
    type = strcmp (local->name, plain) == 0 ? local->type : NULL;
  }
  if (type == NULL)
    type = kube_cel_environment_find_name (self->environment, self->types, plain);
  if (type != NULL)
    g_hash_table_add (self->used, g_strdup (plain));
  return type;
}

static void
declare (Checker *self, const char *name, const KubeCelType *type)
{
  Local local = { name, type };

  g_array_append_val (self->locals, local);
}

/* `a.b.c` as a name, where it could be one. Returns: (nullable) */
static char *
qualified_name (const KubeCelExpr *expr)
{
  g_autofree char *outer = NULL;

  if (expr->kind == KUBE_CEL_EXPR_IDENTIFIER)
    return g_strdup (expr->name);
  if (expr->kind != KUBE_CEL_EXPR_SELECT || expr->is_test)
    return NULL;
  outer = qualified_name (expr->operand);
  return outer != NULL ? g_strconcat (outer, ".", expr->name, NULL) : NULL;
}

/* --- selections --- */

static const KubeCelType *
find_field (Checker *self, int offset, const KubeCelType *type, const char *name)
{
  gboolean known;
  const KubeCelType *field = kube_cel_environment_find_field (self->environment, self->types, type, name, &known);

  if (field != NULL)
    return field;
  if (known)
    kube_cel_source_add (self->source, offset, "undefined field '%s'", name);
  else
    kube_cel_source_add (self->source, offset, "unexpected failed resolution of '%s'", type->name);
  return simple (KUBE_CEL_ERROR);
}

static const KubeCelType *
select_field (Checker *self, int offset, KubeCelExpr *operand, const char *name, gboolean optional)
{
  const KubeCelType *type, *found = simple (KUBE_CEL_DYN);
  gboolean is_optional;

  check (self, operand);
  type = resolve (self, operand->type);
  is_optional = kube_cel_type_is_optional (type);
  type = is_optional ? type->params[0] : type;
  if (type->kind == KUBE_CEL_MAP) {
    found = type->params[1];
  } else if (type->kind == KUBE_CEL_STRUCT) {
    found = find_field (self, offset, type, name);
  } else if (type->kind == KUBE_CEL_PARAM) {
    kube_cel_bindings_assign (&self->bindings, simple (KUBE_CEL_DYN), type);
  } else if (type->kind != KUBE_CEL_ERROR && !kube_cel_type_is_dyn (type)) {
    g_autofree char *text = type_text (type);
    kube_cel_source_add (self->source, offset, "type '%s' does not support field selection", text);
  }
  return is_optional || optional ? kube_cel_types_optional (self->types, found) : found;
}

static void
check_select (Checker *self, KubeCelExpr *expr)
{
  g_autofree char *name = expr->is_test ? NULL : qualified_name (expr);
  const KubeCelType *type = name != NULL ? find_name (self, name) : NULL;

  if (type == NULL) {
    type = select_field (self, expr->offset, expr->operand, expr->name, FALSE);
  } else {
    expr->kind = KUBE_CEL_EXPR_IDENTIFIER;
    expr->name = kube_cel_pool_name (self->pool, name, strlen (name));
    expr->operand = NULL;
  }
  expr->type = expr->is_test ? simple (KUBE_CEL_BOOL) : resolve (self, type);
}

/* --- calls --- */

static void
add_no_overload (Checker *self, const KubeCelExpr *call, const char *name, const KubeCelType *const *args, guint n, gboolean has_receiver)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < n; i++) {
    if (i == 0 && !has_receiver)
      g_string_append_c (text, '(');
    else if (i > (has_receiver ? 1u : 0u))
      g_string_append (text, ", ");
    kube_cel_type_print (kube_cel_bindings_substitute (&self->bindings, args[i], TRUE), text);
    if (i == 0 && has_receiver)
      g_string_append (text, ".(");
  }
  kube_cel_source_add (self->source, call->offset, "found no matching overload for '%s' applied to '%s%s)'", name, n == 0 ? "(" : "", text->str);
}

/* An overload with parameters of its own. */
static KubeCelOverload
instantiate (Checker *self, const KubeCelOverload *overload)
{
  const KubeCelType *letters[32] = { NULL };
  KubeCelOverload fresh = *overload;

  if (overload->params == 0)
    return fresh;
  for (guint i = 0; i < G_N_ELEMENTS (letters); i++)
    if ((overload->params >> i & 1) != 0)
      letters[i] = kube_cel_bindings_new_variable (&self->bindings);
  for (guint i = 0; i < overload->n_args; i++)
    fresh.args[i] = kube_cel_types_instantiate (self->types, overload->args[i], letters);
  fresh.result = kube_cel_types_instantiate (self->types, overload->result, letters);
  return fresh;
}

/* All overloads that fit count: where they give different types, the result may be any. @fitting: (out): a bit for each. NULL: none does */
static const KubeCelType *
resolve_overloads (Checker *self, const GArray *overloads, const KubeCelType *const *args, guint n, gboolean has_receiver, guint32 *fitting)
{
  const KubeCelType *result = NULL;

  *fitting = 0;

  for (guint i = 0; i < overloads->len; i++) {
    const KubeCelOverload *overload = &g_array_index (overloads, KubeCelOverload, i);
    const KubeCelType *given;
    KubeCelOverload fresh;

    if (overload->has_receiver != has_receiver)
      continue;
    fresh = instantiate (self, overload);
    if (fresh.n_args != n || !kube_cel_bindings_assign_list (&self->bindings, args, fresh.args, n))
      continue;
    *fitting |= 1u << i;
    given = resolve (self, fresh.result);
    if (result == NULL)
      result = given;
    else if (!kube_cel_type_is_dyn (result) && !kube_cel_type_equal (given, result))
      result = simple (KUBE_CEL_DYN);
  }
  return result;
}

/* `&&` and `||` of any number of things. */
static void
check_logical (Checker *self, KubeCelExpr *call)
{
  call->type = simple (KUBE_CEL_BOOL);
  call->overloads = 1;
  for (guint i = 0; i < kube_cel_expr_get_n_args (call); i++) {
    const KubeCelExpr *arg = kube_cel_expr_get_arg (call, i);

    if (kube_cel_bindings_assign (&self->bindings, arg->type, simple (KUBE_CEL_BOOL)))
      continue;
    add_mismatch (self, arg->offset, simple (KUBE_CEL_BOOL), arg->type);
    call->type = simple (KUBE_CEL_ERROR);
  }
}

/* @receiver: (nullable) */
static void
apply (Checker *self, KubeCelExpr *call, const char *name, const GArray *overloads, const KubeCelExpr *receiver)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new ();

  if (receiver != NULL)
    g_ptr_array_add (args, (gpointer)receiver->type);
  for (guint i = 0; i < kube_cel_expr_get_n_args (call); i++)
    g_ptr_array_add (args, (gpointer)kube_cel_expr_get_arg (call, i)->type);
  call->type = resolve_overloads (self, overloads, (const KubeCelType *const *)args->pdata, args->len, receiver != NULL, &call->overloads);
  if (call->type != NULL)
    return;
  add_no_overload (self, call, name, (const KubeCelType *const *)args->pdata, args->len, receiver != NULL);
  call->type = simple (KUBE_CEL_ERROR);
}

static void
check_global_call (Checker *self, KubeCelExpr *call)
{
  GArray *overloads = kube_cel_environment_find_function (self->environment, call->name);

  if (overloads == NULL)
    call->type = add_undeclared (self, call->offset, call->name);
  else if (strcmp (call->name, KUBE_CEL_AND) == 0 || strcmp (call->name, KUBE_CEL_OR) == 0)
    check_logical (self, call);
  else
    apply (self, call, call->name + (*call->name == '.'), overloads, NULL);
}

/* `a.b.c()` is either the function a.b.c, or c of a.b. */
static void
check_member_call (Checker *self, KubeCelExpr *call)
{
  g_autofree char *prefix = qualified_name (call->operand);
  g_autofree char *full = prefix != NULL ? g_strconcat (prefix, ".", call->name, NULL) : NULL;
  GArray *overloads = full != NULL ? kube_cel_environment_find_function (self->environment, full) : NULL;

  if (overloads != NULL) {
    call->name = kube_cel_pool_name (self->pool, full, strlen (full));
    call->operand = NULL;
    apply (self, call, call->name, overloads, NULL);
    return;
  }
  check (self, call->operand);
  overloads = kube_cel_environment_find_function (self->environment, call->name);
  if (overloads != NULL)
    apply (self, call, call->name, overloads, call->operand);
  else
    call->type = add_undeclared (self, call->offset, call->name);
}

static void
check_call (Checker *self, KubeCelExpr *call)
{
  if (strcmp (call->name, KUBE_CEL_SELECT_OPTIONAL) == 0) {
    KubeCelExpr *field = kube_cel_expr_get_arg (call, 1);

    field->type = simple (KUBE_CEL_STRING);
    call->overloads = 1;
    call->type = resolve (self, select_field (self, call->offset, kube_cel_expr_get_arg (call, 0), field->name, TRUE));
    return;
  }
  for (guint i = 0; i < kube_cel_expr_get_n_args (call); i++)
    check (self, kube_cel_expr_get_arg (call, i));
  if (call->operand == NULL)
    check_global_call (self, call);
  else
    check_member_call (self, call);
}

/* --- lists, maps, structures --- */

/* The type of both: any, where they differ, of which more is said once all types are known. @before: (nullable) */
static const KubeCelType *
join (Checker *self, const KubeCelType *before, const KubeCelType *type)
{
  if (before == NULL)
    return type;
  return kube_cel_bindings_assign (&self->bindings, before, type) ? kube_cel_most_general (before, type) : simple (KUBE_CEL_DYN);
}

/* What is in an optional value. */
static const KubeCelType *
unwrap (Checker *self, int offset, const KubeCelType *type)
{
  if (kube_cel_type_is_optional (type))
    return type->params[0];
  if (!kube_cel_type_is_dyn (type))
    add_mismatch (self, offset, kube_cel_types_optional (self->types, type), type);
  return type;
}

static void
check_list (Checker *self, KubeCelExpr *list)
{
  const KubeCelType *element = NULL;

  for (guint i = 0; i < kube_cel_expr_get_n_args (list); i++) {
    KubeCelExpr *arg = kube_cel_expr_get_arg (list, i);
    const KubeCelType *type;

    check (self, arg);
    type = kube_cel_expr_get_mark (list, i)->optional ? unwrap (self, arg->offset, arg->type) : arg->type;
    element = join (self, element, type);
  }
  list->type = kube_cel_types_list (self->types, element != NULL ? element : kube_cel_bindings_new_variable (&self->bindings));
}

static void
check_map (Checker *self, KubeCelExpr *map)
{
  const KubeCelType *keys = NULL, *values = NULL;

  for (guint i = 0; i < kube_cel_expr_get_n_args (map) / 2; i++) {
    KubeCelExpr *key = kube_cel_expr_get_arg (map, 2 * i), *value = kube_cel_expr_get_arg (map, 2 * i + 1);
    const KubeCelType *type;

    check (self, key);
    keys = join (self, keys, key->type);
    check (self, value);
    type = kube_cel_expr_get_mark (map, i)->optional ? unwrap (self, value->offset, value->type) : value->type;
    values = join (self, values, type);
  }
  if (keys == NULL) {
    keys = kube_cel_bindings_new_variable (&self->bindings);
    values = kube_cel_bindings_new_variable (&self->bindings);
  }
  map->type = kube_cel_types_map (self->types, keys, values);
}

static void
check_field (Checker *self, const KubeCelExpr *expr, guint index, const KubeCelType *made)
{
  const KubeCelMark *mark = kube_cel_expr_get_mark (expr, index);
  KubeCelExpr *value = kube_cel_expr_get_arg (expr, index);
  const char *name = expr->fields->pdata[index];
  const KubeCelType *field = simple (KUBE_CEL_ERROR), *type;

  check (self, value);
  if (made->kind == KUBE_CEL_STRUCT)
    field = find_field (self, mark->offset, made, name);
  else
    kube_cel_source_add (self->source, mark->offset, "unexpected failed resolution of '%s'", expr->name);
  type = mark->optional ? unwrap (self, value->offset, value->type) : value->type;
  if (!kube_cel_bindings_assign (&self->bindings, field, type)) {
    g_autofree char *field_text = type_text (field), *text = type_text (type);
    kube_cel_source_add (self->source, mark->offset, "expected type of field '%s' is '%s' but provided type is '%s'", name, field_text, text);
  }
}

static void
check_struct (Checker *self, KubeCelExpr *expr)
{
  const KubeCelType *found = find_name (self, expr->name), *made;

  if (found == NULL) {
    expr->type = add_undeclared (self, expr->offset, expr->name);
    return;
  }
  expr->type = made = found->kind == KUBE_CEL_TYPE && found->n_params > 0 ? found->params[0] : simple (KUBE_CEL_ERROR);
  if (found->kind != KUBE_CEL_TYPE && found->kind != KUBE_CEL_ERROR) {
    g_autoptr (GString) text = g_string_new (NULL);
    kube_cel_type_print_declared (found, text);
    kube_cel_source_add (self->source, expr->offset, "'%s' is not a type", text->str);
  } else if (made->kind != KUBE_CEL_STRUCT && made->kind != KUBE_CEL_TIMESTAMP && made->kind != KUBE_CEL_DURATION && made->kind != KUBE_CEL_DYN) {
    kube_cel_source_add (self->source, expr->offset, "'%s' is not a message type", expr->name);
    expr->type = simple (KUBE_CEL_ERROR);
  }
  for (guint i = 0; i < expr->fields->len; i++)
    check_field (self, expr, i, made);
}

/* --- loops --- */

/* What a loop's variables are: elements, or indices and elements; keys, or keys and values. */
static void
find_loop_types (Checker *self, const KubeCelExpr *range, gboolean two, const KubeCelType **first, const KubeCelType **second)
{
  const KubeCelType *type = resolve (self, range->type);

  if (type->kind == KUBE_CEL_LIST) {
    *first = two ? simple (KUBE_CEL_INT) : type->params[0];
    *second = type->params[0];
  } else if (type->kind == KUBE_CEL_MAP) {
    *first = type->params[0];
    *second = type->params[1];
  } else if (type->kind == KUBE_CEL_DYN || type->kind == KUBE_CEL_ERROR || type->kind == KUBE_CEL_PARAM) {
    kube_cel_bindings_assign (&self->bindings, simple (KUBE_CEL_DYN), type);
    *first = *second = simple (KUBE_CEL_DYN);
  } else {
    g_autofree char *text = type_text (type);
    kube_cel_source_add (self->source, range->offset,
                         "expression of type '%s' cannot be range of a comprehension (must be list, map, or dynamic)", text);
    *first = *second = simple (KUBE_CEL_ERROR);
  }
}

static void
check_is (Checker *self, const KubeCelExpr *expr, const KubeCelType *type)
{
  if (!kube_cel_bindings_assign (&self->bindings, type, expr->type))
    add_mismatch (self, expr->offset, type, expr->type);
}

static void
check_loop (Checker *self, KubeCelExpr *expr)
{
  const KubeCelLoop *loop = &expr->loop;
  const KubeCelType *first, *second, *collected;
  guint outer = self->locals->len;

  check (self, loop->range);
  check (self, loop->start);
  collected = loop->start->type;
  find_loop_types (self, loop->range, loop->second != NULL, &first, &second);
  declare (self, loop->accumulator, collected);
  declare (self, loop->variable, first);
  if (loop->second != NULL)
    declare (self, loop->second, second);
  check (self, loop->condition);
  check_is (self, loop->condition, simple (KUBE_CEL_BOOL));
  check (self, loop->step);
  check_is (self, loop->step, collected);
  g_array_set_size (self->locals, outer + 1);
  check (self, loop->result);
  g_array_set_size (self->locals, outer);
  expr->type = resolve (self, loop->result->type);
}

/* --- trees --- */

static void
check (Checker *self, KubeCelExpr *expr)
{
  switch (expr->kind) {
  case KUBE_CEL_EXPR_LITERAL:
    expr->type = simple (expr->literal.kind);
    break;
  case KUBE_CEL_EXPR_IDENTIFIER:
    expr->type = find_name (self, expr->name);
    if (expr->type == NULL)
      expr->type = add_undeclared (self, expr->offset, expr->name);
    break;
  case KUBE_CEL_EXPR_SELECT:
    check_select (self, expr);
    break;
  case KUBE_CEL_EXPR_CALL:
    check_call (self, expr);
    break;
  case KUBE_CEL_EXPR_LIST:
    check_list (self, expr);
    break;
  case KUBE_CEL_EXPR_MAP:
    check_map (self, expr);
    break;
  case KUBE_CEL_EXPR_STRUCT:
    check_struct (self, expr);
    break;
  case KUBE_CEL_EXPR_LOOP:
    check_loop (self, expr);
    break;
  }
}

void
kube_cel_check (const KubeCelEnvironment *environment, KubeCelSource *source, KubeCelPool *pool, KubeCelTypes *types, KubeCelExpr *expr,
                GHashTable *used)
{
  g_autoptr (GArray) locals = g_array_new (FALSE, FALSE, sizeof (Local));
  Checker self = { .environment = environment, .source = source, .pool = pool, .types = types, .locals = locals, .used = used };

  kube_cel_bindings_init (&self.bindings, types);
  check (&self, expr);
  for (guint i = 0; i < pool->nodes->len; i++) {
    KubeCelExpr *node = pool->nodes->pdata[i];
    if (node->type != NULL)
      node->type = kube_cel_bindings_substitute (&self.bindings, node->type, TRUE);
  }
  kube_cel_bindings_clear (&self.bindings);
}
