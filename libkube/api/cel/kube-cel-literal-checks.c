/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-checker.h"

#include <string.h>

#include "kube-go-regex.h"
#include "kube-go-text.h"

/* What only the values of literals tell: durations, times, patterns and formats that are none, and lists of different things. */

/* (nullable): a string with its end, which GBytes does not have. */
static char *
dup_string (const KubeCelExpr *expr)
{
  gboolean is_string = expr->kind == KUBE_CEL_EXPR_LITERAL && expr->literal.kind == KUBE_CEL_STRING;
  gsize length = 0;
  const char *data = is_string ? g_bytes_get_data (expr->literal.bytes, &length) : NULL;

  return is_string ? g_strndup (data != NULL ? data : "", length) : NULL;
}

static gboolean
is_duration (const KubeCelExpr *literal)
{
  g_autofree char *text = dup_string (literal), *problem = text != NULL ? kube_go_check_duration (text) : NULL;

  return text != NULL && problem == NULL;
}

static gboolean
is_timestamp (const KubeCelExpr *literal)
{
  g_autofree char *text = dup_string (literal);
  g_autoptr (GDateTime) time = NULL;

  if (text == NULL)
    return literal->literal.kind == KUBE_CEL_INT;
  if (!g_regex_match_simple ("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d([.,]\\d+)?(Z|[+-]\\d\\d:\\d\\d)$", text, G_REGEX_DOLLAR_ENDONLY, 0))
    return FALSE;
  time = g_date_time_new_from_iso8601 (text, NULL);
  return time != NULL;
}

static gboolean
is_pattern (const KubeCelExpr *literal)
{
  g_autofree char *text = dup_string (literal), *problem = text != NULL ? kube_go_regex_check (text) : NULL;

  return problem == NULL;
}

static void
check_argument (KubeCelSource *source, const KubeCelExpr *call)
{
  static const struct {
    const char *function;
    gboolean (*is_good) (const KubeCelExpr *literal);
  } functions[] = { { "duration", is_duration }, { "timestamp", is_timestamp }, { "matches", is_pattern } };

  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++) {
    const KubeCelExpr *literal;

    if (strcmp (call->name, functions[i].function) != 0 || kube_cel_expr_get_n_args (call) == 0)
      continue;
    literal = kube_cel_expr_get_arg (call, 0);
    if (literal->kind == KUBE_CEL_EXPR_LITERAL && !functions[i].is_good (literal))
      kube_cel_source_add (source, literal->offset, "invalid %s argument", call->name);
  }
}

/* --- formats --- */

#define BIT(kind) (1u << KUBE_CEL_##kind)

/* What each letter of a format takes, and what upstream says of anything else. */
static const struct {
  char letter;
  guint32 kinds;
  const char *otherwise;
} clauses[] = {
  { 's',
    BIT (LIST) | BIT (MAP) | BIT (INT) | BIT (UINT) | BIT (DOUBLE) | BIT (BOOL) | BIT (STRING) | BIT (TIMESTAMP) | BIT (BYTES) | BIT (DURATION)
        | BIT (TYPE) | BIT (NULL),
    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps" },
  { 'd', BIT (INT) | BIT (UINT), "decimal clause can only be used on integers" },
  { 'f', BIT (DOUBLE) | BIT (STRING), "fixed-point clause can only be used on doubles" },
  { 'e', BIT (DOUBLE) | BIT (STRING), "scientific clause can only be used on doubles" },
  { 'b', BIT (INT) | BIT (UINT) | BIT (BOOL), "only integers and bools can be formatted as binary" },
  { 'x', BIT (INT) | BIT (UINT) | BIT (STRING) | BIT (BYTES), "only integers, byte buffers, and strings can be formatted as hex" },
  { 'X', BIT (INT) | BIT (UINT) | BIT (STRING) | BIT (BYTES), "only integers, byte buffers, and strings can be formatted as hex" },
  { 'o', BIT (INT) | BIT (UINT), "octal clause can only be used on integers" },
};

/* One clause, of which @at stands behind the percent sign. FALSE: something is wrong, and told */
static gboolean
check_clause (KubeCelSource *source, const KubeCelExpr *call, const char **at, const KubeCelExpr *arg)
{
  const char *digits = *at + 1;

  if (**at == '.') {
    *at = digits + strspn (digits, "0123456789");
    if (**at == '\0' || *at == digits) {
      kube_cel_source_add (source, call->offset, "could not parse formatting clause: error while parsing precision: %s",
                           **at == '\0' ? "could not find end of precision specifier"
                                        : "error while converting precision to integer: strconv.Atoi: parsing \"\": invalid syntax");
      return FALSE;
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (clauses); i++) {
    g_autoptr (GString) text = g_string_new (NULL);

    if (clauses[i].letter != **at)
      continue;
    ++*at;
    if (arg->type->kind == KUBE_CEL_DYN || (clauses[i].kinds >> arg->type->kind & 1) != 0)
      return TRUE;
    kube_cel_type_print_declared (arg->type, text);
    g_string_truncate (text, strcspn (text->str, "("));
    kube_cel_source_add (source, arg->offset, "error during formatting: %s, was given %s", clauses[i].otherwise, text->str);
    return FALSE;
  }
  kube_cel_source_add (source, call->offset, "could not parse formatting clause: unrecognized formatting clause \"%c\"", **at);
  return FALSE;
}

static void
check_format (KubeCelSource *source, const KubeCelExpr *call)
{
  g_autofree char *format = call->operand != NULL && strcmp (call->name, "format") == 0 ? dup_string (call->operand) : NULL;
  const KubeCelExpr *args = format != NULL && kube_cel_expr_get_n_args (call) == 1 ? kube_cel_expr_get_arg (call, 0) : NULL;
  guint n_used = 0, n;

  if (args == NULL || args->kind != KUBE_CEL_EXPR_LIST)
    return;
  n = kube_cel_expr_get_n_args (args);
  for (const char *at = format; *at != '\0';) {
    if (*at++ != '%')
      continue;
    if (*at == '%') {
      at++;
      continue;
    }
    if (*at == '\0' || n_used >= n) {
      if (*at == '\0')
        kube_cel_source_add (source, call->offset, "unexpected end of string");
      else
        kube_cel_source_add (source, call->offset, "index %u out of range", n_used);
      return;
    }
    if (!check_clause (source, call, &at, kube_cel_expr_get_arg (args, n_used++)))
      return;
  }
  if (n > n_used)
    kube_cel_source_add (source, call->offset, "too many arguments supplied to string.format (expected %u, got %u)", n_used, n);
}

/* --- lists and maps --- */

static gboolean
check_same (KubeCelSource *source, const KubeCelExpr *expr, const KubeCelType *wanted, const KubeCelType *found)
{
  g_autoptr (GString) wanted_text = g_string_new (NULL), text = g_string_new (NULL);

  if (kube_cel_type_equal (wanted, found))
    return TRUE;
  kube_cel_type_print (wanted, wanted_text);
  kube_cel_type_print (found, text);
  kube_cel_source_add (source, expr->offset, "expected type '%s' but found '%s'", wanted_text->str, text->str);
  return FALSE;
}

static const KubeCelType *
element_type (const KubeCelExpr *expr, gboolean optional)
{
  return optional && kube_cel_type_is_optional (expr->type) ? expr->type->params[0] : expr->type;
}

static void
check_elements (KubeCelSource *source, const KubeCelExpr *list)
{
  const KubeCelType *first = NULL;

  for (guint i = 0; i < kube_cel_expr_get_n_args (list); i++) {
    const KubeCelExpr *element = kube_cel_expr_get_arg (list, i);
    const KubeCelType *type = element_type (element, kube_cel_expr_get_mark (list, i)->optional);

    if (first != NULL && !check_same (source, element, first, type))
      return;
    first = first != NULL ? first : type;
  }
}

static void
check_entries (KubeCelSource *source, const KubeCelExpr *map)
{
  const KubeCelType *key = NULL, *value = NULL;

  for (guint i = 0; i < kube_cel_expr_get_n_args (map) / 2; i++) {
    const KubeCelExpr *key_expr = kube_cel_expr_get_arg (map, 2 * i), *value_expr = kube_cel_expr_get_arg (map, 2 * i + 1);
    const KubeCelType *type = element_type (value_expr, kube_cel_expr_get_mark (map, i)->optional);

    if (i > 0) {
      check_same (source, key_expr, key, key_expr->type);
      check_same (source, value_expr, value, type);
    } else {
      key = key_expr->type;
      value = type;
    }
  }
}

/* --- trees --- */

static void visit (KubeCelSource *source, const KubeCelExpr *expr, gboolean in_format);

static void
visit_loop (KubeCelSource *source, const KubeCelLoop *loop, gboolean in_format)
{
  visit (source, loop->range, in_format);
  visit (source, loop->start, in_format);
  visit (source, loop->condition, in_format);
  visit (source, loop->step, in_format);
  visit (source, loop->result, in_format);
}

/* @in_format: what is formatted may be of different types. */
static void
visit (KubeCelSource *source, const KubeCelExpr *expr, gboolean in_format)
{
  if (expr->kind == KUBE_CEL_EXPR_CALL) {
    check_argument (source, expr);
    check_format (source, expr);
    in_format |= strcmp (expr->name, "format") == 0;
  } else if (expr->kind == KUBE_CEL_EXPR_LIST && !in_format) {
    check_elements (source, expr);
  } else if (expr->kind == KUBE_CEL_EXPR_MAP && !in_format) {
    check_entries (source, expr);
  } else if (expr->kind == KUBE_CEL_EXPR_LOOP) {
    visit_loop (source, &expr->loop, in_format);
  }
  if (expr->operand != NULL)
    visit (source, expr->operand, in_format);
  for (guint i = 0; i < kube_cel_expr_get_n_args (expr); i++)
    visit (source, kube_cel_expr_get_arg (expr, i), in_format);
}

void
kube_cel_check_literals (KubeCelSource *source, KubeCelExpr *expr)
{
  visit (source, expr, FALSE);
}
