/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-cost.h"

#include <math.h>
#include <string.h>

#include "kube-cel-functions.h"

/* What the functions of Kubernetes' libraries cost. The figures decide which rules may be stored: they are upstream's. */

typedef enum {
  COST_FIXED,     /* one */
  COST_ARGUMENT,  /* the first argument is read */
  COST_CHECK,     /* somebody is asked */
  COST_SELECTOR,  /* the first argument is read as a selector */
  COST_LIST,      /* each element is compared */
  COST_RECEIVER,  /* the receiver is read, and gives something as long */
  COST_REPLACE,
  COST_SPLIT,
  COST_JOIN,
  COST_FIND,
  COST_CONTAINS_IP,
  COST_CONTAINS_CIDR,
  COST_CANONICAL,
  COST_FORMAT,
  COST_URL,
} Rule;

static const struct {
  const char *names;
  Rule rule;
} rules[] = {
  { " check ", COST_CHECK },
  { " serviceAccount path group resource subresource namespace name allowed reason error errored masked prefixLength family isUnspecified isLoopback "
    "isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan "
    "compareTo add sub major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery ",
    COST_FIXED },
  { " fieldSelector labelSelector ", COST_SELECTOR },
  { " isSorted sum max min indexOf lastIndexOf ", COST_LIST },
  { " url jsonpatch.escapeKey ", COST_URL },
  { " lowerAscii upperAscii substring trim ", COST_RECEIVER },
  { " replace ", COST_REPLACE },
  { " split ", COST_SPLIT },
  { " join ", COST_JOIN },
  { " find findAll ", COST_FIND },
  { " cidr isIP isCIDR ip quantity isQuantity semver isSemver ", COST_ARGUMENT },
  { " ip.isCanonical ", COST_CANONICAL },
  { " containsIP ", COST_CONTAINS_IP },
  { " containsCIDR ", COST_CONTAINS_CIDR },
  { " validate ", COST_FORMAT },
};

static gboolean
find_rule (const char *name, Rule *rule)
{
  g_autofree char *word = g_strdup_printf (" %s ", name);

  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    if (strstr (rules[i].names, word) != NULL) {
      *rule = rules[i].rule;
      return TRUE;
    }
  return FALSE;
}

gboolean
kube_cel_call_takes (const KubeCelExpr *call, guint arg, KubeCelKind kind)
{
  GArray *overloads = kube_cel_find_overloads (call->name);

  for (guint i = 0; overloads != NULL && i < overloads->len; i++) {
    const KubeCelOverload *overload = &g_array_index (overloads, KubeCelOverload, i);
    if ((call->overloads >> i & 1) != 0 && arg < overload->n_args && overload->args[arg]->kind == kind)
      return TRUE;
  }
  return FALSE;
}

static KubeCelRange
traverse (KubeCelRange size)
{
  return kube_cel_range_scale (size, KUBE_CEL_TRAVERSAL);
}

/* --- functions --- */

static KubeCelRange
list_cost (const KubeCelOperand *receiver)
{
  KubeCelRange element = KUBE_CEL_RANGE (1);

  if (receiver->type->n_params == 0)
    return traverse (receiver->size);
  if (receiver->type->params[0]->kind == KUBE_CEL_STRING || receiver->type->params[0]->kind == KUBE_CEL_BYTES)
    element = kube_cel_range_add (element, traverse (receiver->element_size));
  return kube_cel_range_multiply (receiver->size, element);
}

/* How long a text is in which as much as can be, or as little, is replaced. */
static KubeCelRange
replaced_size (KubeCelRange text, KubeCelRange old, KubeCelRange replacement)
{
  KubeCelRange times = { 0, 0 }, kept = { 0, 0 };

  if (old.least == 0) {
    times.most = text.most < G_MAXUINT64 ? text.most + 1 : text.most;
    kept.most = text.most;
  } else if (replacement.most <= old.least) {
    kept.most = text.most;
  } else {
    times.most = (guint64)ceil ((double)text.most / (double)old.least);
  }
  if (old.most == 0) {
    times.least = text.least < G_MAXUINT64 ? text.least + 1 : text.least;
    kept.least = text.least;
  } else if (old.most <= replacement.least) {
    kept.least = text.least;
  } else {
    times.least = (guint64)ceil ((double)text.least / (double)old.most);
  }
  return kube_cel_range_add (kube_cel_range_multiply (times, replacement), kept);
}

static KubeCelRange
split_size (const KubeCelOperand *receiver, const KubeCelOperand *args, guint n)
{
  const KubeCelExpr *most = n > 1 ? args[1].expr : NULL;

  if (most != NULL && most->kind == KUBE_CEL_EXPR_LITERAL && most->literal.kind == KUBE_CEL_INT)
    return (KubeCelRange){ 0, (guint64)most->literal.integer };
  return (KubeCelRange){ 0, receiver->size.most };
}

static KubeCelRange
joined_size (const KubeCelOperand *receiver, const KubeCelOperand *args, guint n)
{
  KubeCelRange size = kube_cel_range_multiply (receiver->size, receiver->element_size);
  KubeCelRange separators = { receiver->size.least > 0 ? receiver->size.least - 1 : 0, receiver->size.most > 0 ? receiver->size.most - 1 : 0 };

  return n > 0 ? kube_cel_range_add (size, kube_cel_range_multiply (args[0].size, separators)) : size;
}

/* Comparing addresses, which may have to be read first. */
static KubeCelRange
contains_cost (const KubeCelExpr *call, const KubeCelOperand *args, gboolean masks)
{
  KubeCelRange address = { 4, 16 }, cost = traverse (kube_cel_range_add (address, address));

  if (masks)
    cost = kube_cel_range_add (kube_cel_range_add (cost, traverse (address)), KUBE_CEL_RANGE (1));
  return kube_cel_call_takes (call, 1, KUBE_CEL_STRING) ? kube_cel_range_add (cost, traverse (args[0].size)) : cost;
}

static KubeCelRange
selector_cost (KubeCelRange size)
{
  KubeCelRange requirements = kube_cel_range_scale (kube_cel_range_scale (size, 0.5), 50);

  return kube_cel_range_add (kube_cel_range_add (KUBE_CEL_RANGE (10), traverse (size)), requirements);
}

/* Comparing what the libraries have types of their own for. */
static gboolean
equality_cost (const KubeCelOperand *args, KubeCelRange *cost)
{
  static const char *const simple[] = { "net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver", "kubernetes.authorization.Authorizer",
                                        "kubernetes.authorization.PathCheck", "kubernetes.authorization.GroupCheck",
                                        "kubernetes.authorization.ResourceCheck", "kubernetes.authorization.Decision", NULL };
  const char *name = args[0].type->name;

  *cost = KUBE_CEL_RANGE (1);
  if (!kube_cel_type_equal (args[0].type, args[1].type) || args[0].type->kind < KUBE_CEL_OPAQUE || args[0].type->kind == KUBE_CEL_PARAM)
    return FALSE;
  if (strcmp (name, "kubernetes.NamedFormat") == 0)
    *cost = traverse ((KubeCelRange){ 1, 64 });
  else if (strcmp (name, "kubernetes.URL") == 0)
    *cost = traverse ((KubeCelRange){ 1, args[1].size.most != G_MAXUINT64 ? args[1].size.most : 1 });
  else
    return g_strv_contains (simple, name);
  return TRUE;
}

/* --- lists --- */

static guint64
whole_number (const KubeCelExpr *expr, guint64 fallback)
{
  if (expr->kind != KUBE_CEL_EXPR_LITERAL || expr->literal.kind != KUBE_CEL_INT)
    return fallback;
  return (guint64)MAX (expr->literal.integer, 0);
}

/* Functions that make lists. @factor: (out): what each of the elements costs. @size: (out): how many these are. FALSE: it is none of them */
static gboolean
made_list_size (const KubeCelExpr *call, const KubeCelOperand *receiver, const KubeCelOperand *args, guint n, double *factor, KubeCelRange *size)
{
  const KubeCelOperand *sorted = strcmp (call->name, "sort") == 0 ? receiver : strcmp (call->name, "@sortByAssociatedKeys") == 0 && n == 1 ? args : NULL;

  *factor = 1;
  if (sorted != NULL) {
    KubeCelKind kind = sorted->type->n_params > 0 ? sorted->type->params[0]->kind : KUBE_CEL_DYN;
    *factor = kind == KUBE_CEL_STRING || kind == KUBE_CEL_BYTES || kind == KUBE_CEL_DYN ? 2 + KUBE_CEL_TRAVERSAL : 2;
    *size = kube_cel_range_multiply (sorted->size, sorted->size);
  } else if (strcmp (call->name, "distinct") == 0) {
    *factor = 2;
    *size = kube_cel_range_multiply (receiver->size, receiver->size);
  } else if (strcmp (call->name, "flatten") == 0) {
    *factor = n > 0 ? (double)whole_number (args[0].expr, G_MAXUINT64) : 1;
    *size = receiver->size;
  } else if (strcmp (call->name, "reverse") == 0) {
    *size = receiver->size;
  } else if (strcmp (call->name, "slice") == 0) {
    *size = KUBE_CEL_RANGE (whole_number (args[1].expr, receiver->size.most) - whole_number (args[0].expr, 0));
  } else if (strcmp (call->name, "lists.range") == 0) {
    *size = KUBE_CEL_RANGE (whole_number (args[0].expr, G_MAXUINT64));
  } else {
    return FALSE;
  }
  return TRUE;
}

/* Each element of one is looked for in the other; and back, where they have to be the same. */
static gboolean
sets_cost (const KubeCelExpr *call, const KubeCelOperand *args, guint n, KubeCelRange *cost)
{
  if (!g_str_has_prefix (call->name, "sets.") || n != 2)
    return FALSE;
  *cost = kube_cel_range_scale (kube_cel_range_multiply (args[0].size, args[1].size), strcmp (call->name, "sets.equivalent") == 0 ? 2 : 1);
  *cost = kube_cel_range_add (*cost, KUBE_CEL_RANGE (1));
  return TRUE;
}

gboolean
kube_cel_function_get_cost (const KubeCelExpr *call, const KubeCelOperand *receiver, const KubeCelOperand *args, guint n, KubeCelRange *cost,
                            gboolean *has_size, KubeCelRange *size)
{
  Rule rule;
  double factor;

  *has_size = made_list_size (call, receiver, args, n, &factor, size);
  if (*has_size) {
    *cost = kube_cel_range_add (kube_cel_range_scale (*size, factor), KUBE_CEL_RANGE (1 + 10));
    return TRUE;
  }
  if (sets_cost (call, args, n, cost))
    return TRUE;
  *cost = KUBE_CEL_RANGE (1);
  if (strcmp (call->name, KUBE_CEL_EQUALS) == 0 && n == 2)
    return equality_cost (args, cost);
  if (!find_rule (call->name, &rule))
    return FALSE;
  switch (rule) {
  case COST_FIXED:
    return TRUE;
  case COST_CHECK:
    *cost = KUBE_CEL_RANGE (350000);
    return TRUE;
  case COST_ARGUMENT:
    /* The address of a range is known. */
    if (receiver == NULL && n > 0)
      *cost = traverse (args[0].size);
    return receiver != NULL || n > 0;
  case COST_CANONICAL:
    *cost = kube_cel_range_scale (args[0].size, 2 * KUBE_CEL_TRAVERSAL);
    return TRUE;
  case COST_SELECTOR:
    *cost = selector_cost (args[0].size);
    return TRUE;
  case COST_FORMAT:
    *cost = kube_cel_range_scale (traverse (args[0].size), 128 * KUBE_CEL_REGEX);
    return TRUE;
  case COST_CONTAINS_IP:
  case COST_CONTAINS_CIDR:
    *cost = contains_cost (call, args, rule == COST_CONTAINS_CIDR);
    return TRUE;
  case COST_URL:
    *size = args[0].size;
    *cost = traverse (*size);
    break;
  case COST_LIST:
    if (receiver != NULL)
      *cost = list_cost (receiver);
    return receiver != NULL;
  case COST_RECEIVER:
    *size = receiver->size;
    *cost = traverse (*size);
    break;
  case COST_REPLACE:
    *size = replaced_size (receiver->size, args[0].size, args[1].size);
    *cost = kube_cel_range_scale (receiver->size, 2 * KUBE_CEL_TRAVERSAL);
    break;
  case COST_SPLIT:
    *size = split_size (receiver, args, n);
    *cost = kube_cel_range_scale (receiver->size, 2 * KUBE_CEL_TRAVERSAL);
    break;
  case COST_JOIN:
    *size = joined_size (receiver, args, n);
    *cost = traverse (*size);
    break;
  case COST_FIND:
    *size = (KubeCelRange){ 0, receiver->size.most };
    *cost = kube_cel_range_multiply (traverse (kube_cel_range_add (receiver->size, KUBE_CEL_RANGE (1))),
                                     kube_cel_range_scale (args[0].size, KUBE_CEL_REGEX));
    break;
  }
  *has_size = TRUE;
  return TRUE;
}
