/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-cost.h"

#include <string.h>

enum { COST_SELECT = 1, COST_LIST = 10, COST_MAP = 30, COST_STRUCT = 40, OPERANDS_MAX = 4 };

/* How large what is in a list or map is. */
typedef struct {
  KubeCelKind container;
  KubeCelRange key, value;
} Entries;

/* What is known of a part, or of a variable. */
typedef struct {
  const char *name;        /* of a variable */
  const KubeCelPath *path; /* (nullable): where its values come from */
  gboolean has_size, has_entries;
  KubeCelRange size;
  Entries entries;
} Facts;

typedef struct {
  KubeValue *schema;
  gboolean is_resource;
  GHashTable *facts;   /* (element-type KubeCelExpr Facts) */
  GArray *locals;      /* (element-type Facts): the innermost last */
  GPtrArray *paths;    /* (element-type KubeCelPath): that were made */
} Estimate;

static KubeCelRange cost_of (Estimate *self, const KubeCelExpr *expr);

/* --- facts --- */

static Facts *
facts_of (Estimate *self, const KubeCelExpr *expr)
{
  Facts *facts = g_hash_table_lookup (self->facts, expr);

  if (facts == NULL) {
    facts = g_new0 (Facts, 1);
    g_hash_table_insert (self->facts, (gpointer)expr, facts);
  }
  return facts;
}

static const Facts *
find_local (Estimate *self, const KubeCelExpr *expr)
{
  for (guint i = self->locals->len; expr->kind == KUBE_CEL_EXPR_IDENTIFIER && i > 0; i--) {
    const Facts *local = &g_array_index (self->locals, Facts, i - 1);
    if (strcmp (local->name, expr->name) == 0)
      return local;
  }
  return NULL;
}

static const KubeCelPath *
add_path (Estimate *self, const KubeCelPath *parent, const char *name)
{
  KubeCelPath *path = g_new (KubeCelPath, 1);

  *path = (KubeCelPath){ parent, name };
  g_ptr_array_add (self->paths, path);
  return path;
}

static const KubeCelPath *
path_of (Estimate *self, const KubeCelExpr *expr)
{
  const Facts *local = find_local (self, expr);

  return local != NULL ? local->path : facts_of (self, expr)->path;
}

static gboolean
literal_size (const KubeCelExpr *expr, KubeCelRange *size)
{
  guint64 n = kube_cel_expr_get_n_args (expr);

  if (expr->kind == KUBE_CEL_EXPR_MAP) {
    n /= 2;
  } else if (expr->kind == KUBE_CEL_EXPR_LITERAL && expr->literal.kind == KUBE_CEL_STRING) {
    n = (guint64)g_utf8_strlen (g_bytes_get_data (expr->literal.bytes, NULL), (gssize)g_bytes_get_size (expr->literal.bytes));
  } else if (expr->kind == KUBE_CEL_EXPR_LITERAL) {
    n = expr->literal.kind == KUBE_CEL_BYTES ? g_bytes_get_size (expr->literal.bytes) : 1;
  } else if (expr->kind != KUBE_CEL_EXPR_LIST) {
    return FALSE;
  }
  *size = KUBE_CEL_RANGE (n);
  return TRUE;
}

static gboolean
is_scalar (const KubeCelType *type)
{
  if (kube_cel_type_is_optional (type))
    return is_scalar (type->params[0]);
  return type->kind == KUBE_CEL_BOOL || type->kind == KUBE_CEL_DOUBLE || type->kind == KUBE_CEL_DURATION || type->kind == KUBE_CEL_INT
         || type->kind == KUBE_CEL_TIMESTAMP || type->kind == KUBE_CEL_UINT;
}

static gboolean
find_size (Estimate *self, const KubeCelExpr *expr, KubeCelRange *size)
{
  Facts *facts = facts_of (self, expr);
  const KubeCelPath *path = path_of (self, expr);
  const Facts *local = find_local (self, expr);

  if (facts->has_size) {
    *size = facts->size;
    return TRUE;
  }
  if (literal_size (expr, size))
    return TRUE;
  if (path != NULL && kube_cel_path_get_size (path, self->schema, self->is_resource, &facts->size.most)) {
    facts->has_size = TRUE;
    facts->size.least = 0;
    *size = facts->size;
    return TRUE;
  }
  if (is_scalar (expr->type)) {
    *size = KUBE_CEL_RANGE (1);
    return TRUE;
  }
  if (local != NULL && local->has_size)
    *size = local->size;
  return local != NULL && local->has_size;
}

static KubeCelRange
size_of (Estimate *self, const KubeCelExpr *expr)
{
  KubeCelRange size = KUBE_CEL_UNKNOWN_RANGE;

  find_size (self, expr, &size);
  return size;
}

static void
set_size (Estimate *self, const KubeCelExpr *expr, KubeCelRange size)
{
  Facts *facts = facts_of (self, expr);

  facts->has_size = TRUE;
  facts->size = size;
}

static const Entries *
find_entries (Estimate *self, const KubeCelExpr *expr)
{
  const Facts *facts = facts_of (self, expr), *local = find_local (self, expr);

  if (facts->has_entries)
    return &facts->entries;
  return local != NULL && local->has_entries ? &local->entries : NULL;
}

static void
set_entries (Estimate *self, const KubeCelExpr *expr, Entries entries)
{
  Facts *facts = facts_of (self, expr);

  facts->has_entries = TRUE;
  facts->entries = entries;
}

/* What either of two is. */
static void
set_joined_entries (Estimate *self, const KubeCelExpr *expr, const KubeCelExpr *a, const KubeCelExpr *b)
{
  const Entries *one = find_entries (self, a), *other = find_entries (self, b);

  if (one != NULL && other != NULL)
    set_entries (self, expr,
                 (Entries){ one->container, kube_cel_range_union (one->key, other->key), kube_cel_range_union (one->value, other->value) });
}

static void
copy_facts (Estimate *self, const KubeCelExpr *to, const KubeCelExpr *from)
{
  const Entries *entries = find_entries (self, from);
  KubeCelRange size;

  if (find_size (self, from, &size))
    set_size (self, to, size);
  if (entries != NULL)
    set_entries (self, to, *entries);
}

/* --- names and literals --- */

static KubeCelRange
cost_of_identifier (Estimate *self, const KubeCelExpr *expr)
{
  const Facts *local = find_local (self, expr);

  facts_of (self, expr)->path = local != NULL ? local->path : add_path (self, NULL, expr->name);
  return KUBE_CEL_RANGE (COST_SELECT);
}

static KubeCelRange
cost_of_selection (Estimate *self, const KubeCelExpr *expr)
{
  KubeCelRange cost = cost_of (self, expr->operand);
  KubeCelKind kind = expr->operand->type->kind;

  if (expr->is_test)
    return cost;
  facts_of (self, expr)->path = add_path (self, path_of (self, expr->operand), expr->name);
  return kind == KUBE_CEL_MAP || kind == KUBE_CEL_STRUCT ? kube_cel_range_add (cost, KUBE_CEL_RANGE (COST_SELECT)) : cost;
}

static KubeCelRange
cost_of_list (Estimate *self, const KubeCelExpr *expr)
{
  guint n = kube_cel_expr_get_n_args (expr);
  KubeCelRange cost = KUBE_CEL_RANGE (COST_LIST), element = { n > 0 ? G_MAXUINT64 : 0, 0 };

  for (guint i = 0; i < n; i++) {
    const KubeCelExpr *arg = kube_cel_expr_get_arg (expr, i);
    cost = kube_cel_range_add (cost, cost_of (self, arg));
    element = kube_cel_range_union (element, size_of (self, arg));
  }
  set_entries (self, expr, (Entries){ KUBE_CEL_LIST, KUBE_CEL_RANGE (1), element });
  return cost;
}

static KubeCelRange
cost_of_map (Estimate *self, const KubeCelExpr *expr)
{
  guint n = kube_cel_expr_get_n_args (expr);
  KubeCelRange cost = KUBE_CEL_RANGE (COST_MAP), sizes[2] = { { n > 0 ? G_MAXUINT64 : 0, 0 }, { n > 0 ? G_MAXUINT64 : 0, 0 } };

  for (guint i = 0; i < n; i++) {
    const KubeCelExpr *arg = kube_cel_expr_get_arg (expr, i);
    cost = kube_cel_range_add (cost, cost_of (self, arg));
    sizes[i % 2] = kube_cel_range_union (sizes[i % 2], size_of (self, arg));
  }
  set_entries (self, expr, (Entries){ KUBE_CEL_MAP, sizes[0], sizes[1] });
  return cost;
}

static KubeCelRange
cost_of_struct (Estimate *self, const KubeCelExpr *expr)
{
  KubeCelRange cost = KUBE_CEL_RANGE (COST_STRUCT);

  for (guint i = 0; i < kube_cel_expr_get_n_args (expr); i++)
    cost = kube_cel_range_add (cost, cost_of (self, kube_cel_expr_get_arg (expr, i)));
  return cost;
}

/* --- loops --- */

static void
declare (Estimate *self, const char *name, const KubeCelPath *path, const KubeCelRange *size, const Entries *entries)
{
  Facts local = { .name = name, .path = path, .has_size = size != NULL, .has_entries = entries != NULL };

  if (size != NULL)
    local.size = *size;
  if (entries != NULL)
    local.entries = *entries;
  g_array_append_val (self->locals, local);
}

/* The keys or the values of what is gone through. */
static void
declare_part (Estimate *self, const char *name, const KubeCelExpr *range, gboolean value)
{
  const Entries *entries = find_entries (self, range);
  KubeCelKind container = entries != NULL ? entries->container : range->type->kind;
  const char *part = value ? (container == KUBE_CEL_LIST ? "@items" : "@values") : container == KUBE_CEL_LIST ? "@indices" : "@keys";

  declare (self, name, add_path (self, path_of (self, range), part), entries == NULL ? NULL : value ? &entries->value : &entries->key, NULL);
}

static void
declare_value (Estimate *self, const char *name, const KubeCelExpr *expr)
{
  KubeCelRange size;

  declare (self, name, path_of (self, expr), find_size (self, expr, &size) ? &size : NULL, find_entries (self, expr));
}

/* A name for a value, which is no loop. */
static gboolean
is_binding (const KubeCelLoop *loop)
{
  return loop->range->kind == KUBE_CEL_EXPR_LIST && kube_cel_expr_get_n_args (loop->range) == 0 && loop->condition->kind == KUBE_CEL_EXPR_LITERAL
         && loop->condition->literal.kind == KUBE_CEL_BOOL && !loop->condition->literal.boolean;
}

static KubeCelRange
cost_of_loop (Estimate *self, const KubeCelExpr *expr)
{
  const KubeCelLoop *loop = &expr->loop;
  KubeCelRange cost = kube_cel_range_add (cost_of (self, loop->range), cost_of (self, loop->start)), times, round;
  const Entries *range = find_entries (self, loop->range), *entries;
  KubeCelKind container = range != NULL ? range->container : loop->range->type->kind;
  guint outer = self->locals->len;

  declare_value (self, loop->accumulator, loop->start);
  if (is_binding (loop)) {
    cost = kube_cel_range_add (cost, cost_of (self, loop->result));
    g_array_set_size (self->locals, outer);
    copy_facts (self, expr, loop->result);
    return cost;
  }
  declare_part (self, loop->variable, loop->range, loop->second == NULL && container == KUBE_CEL_LIST);
  if (loop->second != NULL)
    declare_part (self, loop->second, loop->range, TRUE);
  round = cost_of (self, loop->condition);
  round = kube_cel_range_add (cost_of (self, loop->step), round);
  g_array_set_size (self->locals, outer + 1);
  cost = kube_cel_range_add (cost, cost_of (self, loop->result));
  g_array_set_size (self->locals, outer);
  times = size_of (self, loop->range);
  if (loop->start->kind == KUBE_CEL_EXPR_LITERAL) {
    set_size (self, expr, size_of (self, loop->start));
  } else if (loop->start->kind == KUBE_CEL_EXPR_LIST || loop->start->kind == KUBE_CEL_EXPR_MAP) {
    set_size (self, expr, times);
    entries = find_entries (self, loop->step);
    if (entries != NULL)
      set_entries (self, expr, *entries);
  }
  return kube_cel_range_add (cost, kube_cel_range_multiply (times, round));
}

/* --- calls --- */

typedef struct {
  const KubeCelExpr *expr;
  const KubeCelOperand *receiver; /* (nullable) */
  const KubeCelOperand *args;
  guint n;
  KubeCelRange args_cost; /* of all of them */
  const KubeCelRange *arg_costs;
  gboolean has_size;
  KubeCelRange size; /* of what it gives */
} Call;

static gboolean
is_any_of (const char *name, const char *const *names)
{
  return g_strv_contains (names, name);
}

/* Strings, bytes and lists are put together. */
static KubeCelRange
cost_of_adding (Estimate *self, Call *call)
{
  gboolean is_list = kube_cel_call_takes (call->expr, 0, KUBE_CEL_LIST);
  KubeCelRange size = kube_cel_range_add (call->args[0].size, call->args[1].size), cost = { G_MAXUINT64, 0 };

  set_joined_entries (self, call->expr, call->args[0].expr, call->args[1].expr);
  call->has_size = TRUE;
  call->size = size;
  if (is_list)
    cost = kube_cel_range_union (cost, KUBE_CEL_RANGE (1));
  if (kube_cel_call_takes (call->expr, 0, KUBE_CEL_STRING) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_BYTES))
    cost = kube_cel_range_union (cost, kube_cel_range_scale (size, KUBE_CEL_TRAVERSAL));
  if (kube_cel_call_takes (call->expr, 0, KUBE_CEL_INT) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_DURATION))
    cost = kube_cel_range_union (cost, KUBE_CEL_RANGE (1));
  return cost;
}

static KubeCelRange
cost_of_comparing (const Call *call)
{
  guint64 most = MIN (call->args[0].size.most, call->args[1].size.most);

  return kube_cel_range_scale ((KubeCelRange){ most > 0 ? 1 : 0, most }, KUBE_CEL_TRAVERSAL);
}

/* Ordering numbers and times costs one, texts as much as is read of them. */
static KubeCelRange
cost_of_ordering (const Call *call)
{
  gboolean textual = kube_cel_call_takes (call->expr, 0, KUBE_CEL_STRING) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_BYTES);
  gboolean other = kube_cel_call_takes (call->expr, 0, KUBE_CEL_INT) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_DOUBLE)
                   || kube_cel_call_takes (call->expr, 0, KUBE_CEL_UINT) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_BOOL)
                   || kube_cel_call_takes (call->expr, 0, KUBE_CEL_TIMESTAMP) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_DURATION);

  if (!textual)
    return KUBE_CEL_RANGE (1);
  return other ? kube_cel_range_union (cost_of_comparing (call), KUBE_CEL_RANGE (1)) : cost_of_comparing (call);
}

static KubeCelRange
cost_of_matching (const Call *call, gboolean is_regex)
{
  KubeCelRange text = call->receiver->size;

  if (is_regex)
    text = kube_cel_range_add (text, KUBE_CEL_RANGE (1));
  return kube_cel_range_multiply (kube_cel_range_scale (text, KUBE_CEL_TRAVERSAL),
                                  kube_cel_range_scale (call->args[0].size, is_regex ? KUBE_CEL_REGEX : KUBE_CEL_TRAVERSAL));
}

/* string(), bytes() and strings.quote(), which make texts of texts. */
static gboolean
cost_of_conversion (Call *call, KubeCelRange *cost)
{
  gboolean quotes = strcmp (call->expr->name, "strings.quote") == 0;
  KubeCelRange size;

  if (call->n != 1
      || !(quotes || (strcmp (call->expr->name, "bytes") == 0 && kube_cel_call_takes (call->expr, 0, KUBE_CEL_STRING))
           || (strcmp (call->expr->name, "string") == 0 && kube_cel_call_takes (call->expr, 0, KUBE_CEL_BYTES))))
    return FALSE;
  size = call->args[0].size;
  *cost = kube_cel_range_scale (size, KUBE_CEL_TRAVERSAL);
  call->has_size = TRUE;
  if (quotes)
    call->size = (KubeCelRange){ size.least + 2, size.most * 2 + 2 };
  else if (strcmp (call->expr->name, "bytes") == 0)
    call->size = (KubeCelRange){ size.least, size.most * 4 };
  else
    call->size = (KubeCelRange){ size.least / 4, size.most };
  return TRUE;
}

/* What a function costs without its arguments. */
static KubeCelRange
cost_of_function (Estimate *self, Call *call)
{
  static const char *const order[] = { "_<_", "_<=_", "_>_", "_>=_", NULL }, *const equal[] = { "_==_", "_!=_", NULL },
                           *const ends[] = { "startsWith", "endsWith", NULL };
  const char *name = call->expr->name;
  KubeCelRange cost;

  if (kube_cel_function_get_cost (call->expr, call->receiver, call->args, call->n, &cost, &call->has_size, &call->size))
    return cost;
  if (cost_of_conversion (call, &cost))
    return cost;
  if (strcmp (name, "format") == 0 && call->receiver != NULL)
    return kube_cel_range_scale (call->receiver->size, KUBE_CEL_TRAVERSAL);
  if (is_any_of (name, ends) && call->n == 1)
    return kube_cel_range_scale (call->args[0].size, KUBE_CEL_TRAVERSAL);
  if (strcmp (name, "@in") == 0 && kube_cel_call_takes (call->expr, 1, KUBE_CEL_LIST))
    return kube_cel_call_takes (call->expr, 1, KUBE_CEL_MAP) ? kube_cel_range_union (call->args[1].size, KUBE_CEL_RANGE (1)) : call->args[1].size;
  if ((strcmp (name, "matches") == 0 || strcmp (name, "contains") == 0) && call->receiver != NULL && call->n == 1)
    return cost_of_matching (call, *name == 'm');
  if (strcmp (name, KUBE_CEL_ADD) == 0
      && (kube_cel_call_takes (call->expr, 0, KUBE_CEL_STRING) || kube_cel_call_takes (call->expr, 0, KUBE_CEL_BYTES)
          || kube_cel_call_takes (call->expr, 0, KUBE_CEL_LIST)))
    return cost_of_adding (self, call);
  if (is_any_of (name, order))
    return cost_of_ordering (call);
  return is_any_of (name, equal) ? cost_of_comparing (call) : KUBE_CEL_RANGE (1);
}

/* Operators that do not look at all they have. */
static gboolean
cost_of_operator (Estimate *self, Call *call, KubeCelRange *cost)
{
  const KubeCelRange *costs = call->arg_costs;

  if (strcmp (call->expr->name, KUBE_CEL_AND) == 0 || strcmp (call->expr->name, KUBE_CEL_OR) == 0) {
    *cost = (KubeCelRange){ costs[0].least, kube_cel_range_add (costs[0], costs[1]).most };
    return TRUE;
  }
  if (strcmp (call->expr->name, KUBE_CEL_CONDITIONAL) != 0)
    return FALSE;
  call->has_size = TRUE;
  call->size = kube_cel_range_union (call->args[1].size, call->args[2].size);
  set_joined_entries (self, call->expr, call->args[1].expr, call->args[2].expr);
  *cost = kube_cel_range_add (costs[0], kube_cel_range_union (costs[1], costs[2]));
  return TRUE;
}

static KubeCelOperand
operand_of (Estimate *self, const KubeCelExpr *expr)
{
  const KubeCelPath *path = path_of (self, expr);
  KubeCelOperand operand = { expr, expr->type, size_of (self, expr), KUBE_CEL_UNKNOWN_RANGE };
  KubeCelPath element = { path, "@items" };

  if (path != NULL && kube_cel_path_get_size (&element, self->schema, self->is_resource, &operand.element_size.most))
    operand.element_size.least = 0;
  return operand;
}

/* What `list[i]` and `map[k]` are is known from what they are taken out of. */
static void
note_element (Estimate *self, Call *call)
{
  const Entries *entries = find_entries (self, call->args[0].expr);
  gboolean is_map = kube_cel_call_takes (call->expr, 0, KUBE_CEL_MAP);

  if (!is_map && !kube_cel_call_takes (call->expr, 0, KUBE_CEL_LIST))
    return;
  facts_of (self, call->expr)->path = add_path (self, path_of (self, call->args[0].expr), is_map ? "@values" : "@items");
  call->has_size = entries != NULL;
  if (entries != NULL)
    call->size = entries->value;
}

static KubeCelRange
cost_of_call (Estimate *self, const KubeCelExpr *expr)
{
  KubeCelOperand args[OPERANDS_MAX], receiver;
  KubeCelRange costs[OPERANDS_MAX], cost, before = KUBE_CEL_RANGE (0);
  Call call = { .expr = expr, .args = args, .arg_costs = costs, .n = MIN (kube_cel_expr_get_n_args (expr), OPERANDS_MAX) };

  if (strcmp (expr->name, "dyn") == 0 && call.n == 1) {
    cost = cost_of (self, kube_cel_expr_get_arg (expr, 0));
    copy_facts (self, expr, kube_cel_expr_get_arg (expr, 0));
    return kube_cel_range_add (KUBE_CEL_RANGE (1), cost);
  }
  for (guint i = 0; i < call.n; i++) {
    costs[i] = cost_of (self, kube_cel_expr_get_arg (expr, i));
    args[i] = operand_of (self, kube_cel_expr_get_arg (expr, i));
    call.args_cost = kube_cel_range_add (call.args_cost, costs[i]);
  }
  if (expr->operand != NULL) {
    before = cost_of (self, expr->operand);
    receiver = operand_of (self, expr->operand);
    call.receiver = &receiver;
  }
  if (!cost_of_operator (self, &call, &cost))
    cost = kube_cel_range_add (cost_of_function (self, &call), call.args_cost);
  if (strcmp (expr->name, "_[_]") == 0)
    note_element (self, &call);
  if (!call.has_size)
    call.has_size = find_size (self, expr, &call.size);
  if (call.has_size)
    set_size (self, expr, call.size);
  return kube_cel_range_add (before, cost);
}

static KubeCelRange
cost_of (Estimate *self, const KubeCelExpr *expr)
{
  switch (expr->kind) {
  case KUBE_CEL_EXPR_IDENTIFIER:
    return cost_of_identifier (self, expr);
  case KUBE_CEL_EXPR_SELECT:
    return cost_of_selection (self, expr);
  case KUBE_CEL_EXPR_CALL:
    return cost_of_call (self, expr);
  case KUBE_CEL_EXPR_LIST:
    return cost_of_list (self, expr);
  case KUBE_CEL_EXPR_MAP:
    return cost_of_map (self, expr);
  case KUBE_CEL_EXPR_STRUCT:
    return cost_of_struct (self, expr);
  case KUBE_CEL_EXPR_LOOP:
    return cost_of_loop (self, expr);
  case KUBE_CEL_EXPR_LITERAL:
    break;
  }
  return KUBE_CEL_RANGE (0);
}

KubeCelRange
kube_cel_estimate_cost (const KubeCelExpr *expr, KubeValue *schema, gboolean is_resource)
{
  g_autoptr (GHashTable) facts = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_autoptr (GArray) locals = g_array_new (FALSE, FALSE, sizeof (Facts));
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  Estimate self = { schema, is_resource, facts, locals, paths };

  return cost_of (&self, expr);
}
