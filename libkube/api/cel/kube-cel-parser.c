/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-parser.h"

#include <string.h>

#include "kube-cel-lexer.h"
#include "kube-cel-literal.h"
#include "kube-cel-macro.h"

/* How deep expressions may nest, and of how many parts a chain of operators or selections may be, each of which makes the tree deeper. */
enum { DEPTH_MAX = 250 };

#define STARTS "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
#define EXPRESSION "{" STARTS
#define ARGUMENT "{'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
#define INDEX "{'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
#define ELEMENT "{'[', ']', '{', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
#define ENTRY "{'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

typedef struct {
  KubeCelSource *source;
  KubeCelPool *pool;
  GArray *tokens; /* (element-type KubeCelToken) */
  guint at;
  guint depth, brackets;
  gboolean with_bind;
  gboolean failed; /* nothing more is read */
} Parser;

static KubeCelExpr *read_expression (Parser *self);

/* --- tokens --- */

static const KubeCelToken *
peek (const Parser *self, guint ahead)
{
  return &g_array_index (self->tokens, KubeCelToken, MIN (self->at + ahead, self->tokens->len - 1));
}

static gboolean
next_is (const Parser *self, guint ahead, const char *sign)
{
  return kube_cel_token_is (peek (self, ahead), sign);
}

static int
offset_of (const Parser *self, const KubeCelToken *token)
{
  return (int)(token->start - self->source->text);
}

static int
here (const Parser *self)
{
  return offset_of (self, peek (self, 0));
}

static gboolean
accept (Parser *self, const char *sign)
{
  if (self->failed || !next_is (self, 0, sign))
    return FALSE;
  self->at++;
  return TRUE;
}

/* --- what is wrong --- */

static void
stop (Parser *self)
{
  self->failed = TRUE;
  self->at = self->tokens->len - 1;
}

/* @kind: the words before the text that was found, @then: those behind it */
static void
fail (Parser *self, const char *kind, const char *then)
{
  const KubeCelToken *token = peek (self, 0);
  gboolean end = token->type == KUBE_CEL_TOKEN_END;

  if (!self->failed)
    kube_cel_source_add (self->source, offset_of (self, token), "Syntax error: %s '%.*s'%s%s", kind, end ? (int)strlen ("<EOF>") : (int)token->length,
                         end ? "<EOF>" : token->start, then != NULL ? " expecting " : "", then != NULL ? then : "");
  stop (self);
}

/* From @start on, nothing fits what follows. */
static void
fail_alternative (Parser *self, const char *start)
{
  const KubeCelToken *token = peek (self, 0);

  if (!self->failed)
    kube_cel_source_add (self->source, offset_of (self, token), "Syntax error: no viable alternative at input '%.*s'",
                         (int)(token->start + token->length - start), start);
  stop (self);
}

static void
fail_deep (Parser *self)
{
  if (!self->failed)
    kube_cel_source_add (self->source, KUBE_CEL_NOWHERE, "expression recursion limit exceeded: %d", DEPTH_MAX);
  stop (self);
}

static gboolean
can_begin (const KubeCelToken *token)
{
  if (token->type == KUBE_CEL_TOKEN_SIGN)
    return token->length == 1 && strchr ("[{(.-!", *token->start) != NULL;
  return token->type != KUBE_CEL_TOKEN_END && token->type != KUBE_CEL_TOKEN_ESCAPED;
}

/* Whether what is there may stand behind @sign. */
static gboolean
follows (const Parser *self, const char *sign)
{
  static const char *const always[] = { ".", "[", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||", "+", "-", "*", "/", "%", "?" };
  static const char *const within[] = { ")", "]", "}", "," };

  if (*sign == ':')
    return can_begin (peek (self, 0));
  for (gsize i = 0; i < G_N_ELEMENTS (always); i++)
    if (next_is (self, 0, always[i]))
      return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (within) && self->brackets > 1; i++)
    if (next_is (self, 0, within[i]))
      return TRUE;
  return peek (self, 0)->type == KUBE_CEL_TOKEN_END && self->brackets <= 1;
}

/* As the parser that upstream has words it: a sign too many if what is behind it would do, a sign too few if what is there may stand behind it. */
static void
expect (Parser *self, const char *sign)
{
  const KubeCelToken *token = peek (self, 0);
  gboolean end = token->type == KUBE_CEL_TOKEN_END;
  g_autofree char *quoted = g_strdup_printf ("'%s'", sign);

  if (accept (self, sign) || self->failed)
    return;
  if (next_is (self, 1, sign)) {
    fail (self, "extraneous input", quoted);
  } else if (follows (self, sign)) {
    kube_cel_source_add (self->source, offset_of (self, token), "Syntax error: missing %s at '%.*s'", quoted,
                         end ? (int)strlen ("<EOF>") : (int)token->length, end ? "<EOF>" : token->start);
    stop (self);
  } else {
    fail (self, "mismatched input", quoted);
  }
}

/* The end of a list, where another element could be too. */
static void
expect_end (Parser *self, const char *end, gboolean after_comma)
{
  g_autofree char *both = g_strdup_printf ("{'%s', ','}", end);

  if (after_comma)
    expect (self, end);
  else if (!accept (self, end) && !self->failed)
    fail (self, next_is (self, 1, end) || next_is (self, 1, ",") ? "extraneous input" : "mismatched input", both);
}

/* Notes how deep a tree is once it is whole. @step: what it adds itself */
static KubeCelExpr *
settle (Parser *self, KubeCelExpr *expr, guint step)
{
  guint depth = expr->operand != NULL ? expr->operand->depth : 0;

  for (guint i = 0; i < kube_cel_expr_get_n_args (expr); i++)
    depth = MAX (depth, kube_cel_expr_get_arg (expr, i)->depth);
  expr->depth = depth + step;
  if (expr->depth > DEPTH_MAX && !self->failed) {
    kube_cel_source_add (self->source, KUBE_CEL_NOWHERE, "max recursion depth exceeded");
    stop (self);
  }
  return expr;
}

static KubeCelExpr *
node (Parser *self, KubeCelExprKind kind, int offset)
{
  return kube_cel_expr_new (self->pool, kind, offset, NULL);
}

/* Words that are no variables. */
static gboolean
is_reserved (const char *name)
{
  static const char *const reserved[] = { "as",   "break",  "const",   "continue",  "else",   "for", "function", "if",
                                          "import", "let",  "loop",    "package", "namespace", "return", "var", "void",     "while", NULL };

  return g_strv_contains (reserved, name);
}

static const char *
name_of (Parser *self, const KubeCelToken *token)
{
  if (token->type == KUBE_CEL_TOKEN_ESCAPED) {
    kube_cel_source_add (self->source, offset_of (self, token), "unsupported syntax: '`'");
    return kube_cel_pool_name (self->pool, token->start + 1, token->length - 2);
  }
  return kube_cel_pool_name (self->pool, token->start, token->length);
}

/* --- lists --- */

static void
add_element (Parser *self, KubeCelExpr *expr, int offset, gboolean optional, KubeCelExpr *element)
{
  KubeCelMark mark = { offset, optional };

  if (expr->marks == NULL)
    expr->marks = g_array_new (FALSE, FALSE, sizeof (KubeCelMark));
  if (!self->failed) {
    kube_cel_expr_add (expr, element);
    g_array_append_val (expr->marks, mark);
  }
}

/* What begins with neither an element nor the end. */
static void
check_first (Parser *self, const char *end, const char *expected)
{
  if (!self->failed && !can_begin (peek (self, 0)) && !next_is (self, 0, "?") && !next_is (self, 0, ",") && !next_is (self, 0, end))
    fail (self, can_begin (peek (self, 1)) || next_is (self, 1, end) ? "extraneous input" : "mismatched input", expected);
}

static void
read_elements (Parser *self, KubeCelExpr *expr)
{
  gboolean comma;

  check_first (self, "]", ELEMENT);
  comma = accept (self, ",");

  while (!comma && !self->failed && !next_is (self, 0, "]")) {
    gboolean optional = accept (self, "?");
    add_element (self, expr, KUBE_CEL_NOWHERE, optional, read_expression (self));
    comma = accept (self, ",");
    if (!comma || next_is (self, 0, "]") || !(can_begin (peek (self, 0)) || next_is (self, 0, "?")))
      break;
    comma = FALSE;
  }
  expect_end (self, "]", comma);
}

static void
read_entries (Parser *self, KubeCelExpr *expr)
{
  gboolean comma;

  check_first (self, "}", ENTRY);
  comma = accept (self, ",");

  while (!comma && !self->failed && !next_is (self, 0, "}")) {
    gboolean optional = accept (self, "?");
    KubeCelExpr *key = read_expression (self);
    int colon = here (self);

    expect (self, ":");
    add_element (self, expr, colon, optional, key);
    if (!self->failed)
      kube_cel_expr_add (expr, read_expression (self));
    comma = accept (self, ",");
    if (!comma || !(can_begin (peek (self, 0)) || next_is (self, 0, "?")))
      break;
    comma = FALSE;
  }
  expect_end (self, "}", comma);
}

static gboolean
is_name (const KubeCelToken *token)
{
  return token->type == KUBE_CEL_TOKEN_IDENTIFIER || token->type == KUBE_CEL_TOKEN_ESCAPED;
}

static void
read_fields (Parser *self, KubeCelExpr *expr)
{
  gboolean comma = accept (self, ",");

  expr->fields = g_ptr_array_new ();
  if (!comma && !self->failed && !next_is (self, 0, "}") && !next_is (self, 0, "?") && !is_name (peek (self, 0)))
    fail (self, "mismatched input", "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
  while (!comma && !self->failed && !next_is (self, 0, "}")) {
    gboolean optional = accept (self, "?");
    const KubeCelToken *name = peek (self, 0);
    int colon;

    if (!is_name (name)) {
      fail (self, "mismatched input", "{IDENTIFIER, ESC_IDENTIFIER}");
      return;
    }
    self->at++;
    colon = here (self);
    expect (self, ":");
    g_ptr_array_add (expr->fields, (gpointer)name_of (self, name));
    add_element (self, expr, colon, optional, read_expression (self));
    comma = accept (self, ",");
    if (!comma || !(is_name (peek (self, 0)) || next_is (self, 0, "?")))
      break;
    comma = FALSE;
  }
  expect_end (self, "}", comma);
}

/* A call, of which the bracket is read. */
static KubeCelExpr *
read_call (Parser *self, int bracket, const char *name, KubeCelExpr *operand)
{
  KubeCelExpr *call = node (self, KUBE_CEL_EXPR_CALL, bracket), *expanded;
  gboolean more = !accept (self, ")");

  call->name = name;
  call->operand = operand;
  if (more && !can_begin (peek (self, 0)))
    fail (self, can_begin (peek (self, 1)) || next_is (self, 1, ")") ? "extraneous input" : "mismatched input", ARGUMENT);
  while (more && !self->failed) {
    kube_cel_expr_add (call, read_expression (self));
    more = accept (self, ",");
    if (!more)
      expect (self, ")");
  }
  if (self->failed)
    return call;
  settle (self, call, operand != NULL);
  expanded = kube_cel_expand_macro (self->source, self->pool, call, self->with_bind);
  if (expanded == NULL)
    return call;
  expanded->depth = call->depth;
  return expanded;
}

/* --- primaries --- */

/* One that may have a sign. */
static gboolean
is_number (const KubeCelToken *token)
{
  return token->type == KUBE_CEL_TOKEN_INT || token->type == KUBE_CEL_TOKEN_DOUBLE;
}

static KubeCelExpr *
read_literal (Parser *self)
{
  int offset = here (self);
  gboolean negative = accept (self, "-");
  KubeCelExpr *expr = node (self, KUBE_CEL_EXPR_LITERAL, offset);
  const char *problem = kube_cel_read_literal (peek (self, 0), negative, &expr->literal);

  if (problem != NULL)
    kube_cel_source_add (self->source, offset, "%s", problem);
  self->at++;
  return expr;
}

/* `example.Type{…}`: how many tokens stand before its bracket; 0 where it is none. */
static guint
message_length (const Parser *self)
{
  guint ahead = next_is (self, 0, ".");

  if (peek (self, ahead)->type != KUBE_CEL_TOKEN_IDENTIFIER)
    return 0;
  for (ahead++; next_is (self, ahead, ".") && peek (self, ahead + 1)->type == KUBE_CEL_TOKEN_IDENTIFIER;)
    ahead += 2;
  return next_is (self, ahead, "{") ? ahead : 0;
}

static KubeCelExpr *
read_message (Parser *self, guint length)
{
  const KubeCelToken *bracket = peek (self, length);
  KubeCelExpr *expr = node (self, KUBE_CEL_EXPR_STRUCT, offset_of (self, bracket));
  g_autoptr (GString) name = g_string_new (NULL);

  for (guint i = 0; i < length; i++)
    g_string_append_len (name, peek (self, i)->start, (gssize)peek (self, i)->length);
  expr->name = kube_cel_pool_name (self->pool, name->str, name->len);
  self->at += length + 1;
  self->brackets++;
  read_fields (self, expr);
  self->brackets--;
  return settle (self, expr, 0);
}

static KubeCelExpr *
read_name (Parser *self)
{
  const KubeCelToken *start = peek (self, 0);
  gboolean dot = accept (self, ".");
  const KubeCelToken *token = peek (self, 0);
  g_autofree char *name = NULL;
  KubeCelExpr *expr;
  int offset = offset_of (self, token);

  if (token->type != KUBE_CEL_TOKEN_IDENTIFIER) {
    fail_alternative (self, start->start);
    return node (self, KUBE_CEL_EXPR_IDENTIFIER, offset);
  }
  self->at++;
  name = g_strdup_printf ("%s%.*s", dot ? "." : "", (int)token->length, token->start);
  if (is_reserved (dot ? name + 1 : name))
    kube_cel_source_add (self->source, offset_of (self, start), "reserved identifier: %s", dot ? name + 1 : name);
  if (next_is (self, 0, "(")) {
    offset = here (self);
    self->at++;
    self->brackets++;
    expr = read_call (self, offset, kube_cel_pool_name (self->pool, name, strlen (name)), NULL);
    self->brackets--;
    return expr;
  }
  expr = node (self, KUBE_CEL_EXPR_IDENTIFIER, offset);
  expr->name = kube_cel_pool_name (self->pool, name, strlen (name));
  return expr;
}

static KubeCelExpr *
read_bracket (Parser *self, char bracket)
{
  KubeCelExpr *expr = node (self, bracket == '[' ? KUBE_CEL_EXPR_LIST : KUBE_CEL_EXPR_MAP, here (self));

  self->at++;
  self->brackets++;
  if (bracket == '[') {
    read_elements (self, expr);
    settle (self, expr, 0);
  } else if (bracket == '{') {
    read_entries (self, expr);
    settle (self, expr, 0);
  } else {
    expr = read_expression (self);
    expect (self, ")");
  }
  self->brackets--;
  return expr;
}

static KubeCelExpr *
read_primary (Parser *self)
{
  const KubeCelToken *token = peek (self, 0);
  guint message = message_length (self);

  if (message > 0)
    return read_message (self, message);
  if (token->type == KUBE_CEL_TOKEN_IDENTIFIER || next_is (self, 0, "."))
    return read_name (self);
  if (next_is (self, 0, "[") || next_is (self, 0, "{") || next_is (self, 0, "("))
    return read_bracket (self, *token->start);
  if (token->type == KUBE_CEL_TOKEN_SIGN && !(next_is (self, 0, "-") && is_number (peek (self, 1)))) {
    fail (self, can_begin (peek (self, 1)) ? "extraneous input" : "mismatched input", EXPRESSION);
    return node (self, KUBE_CEL_EXPR_IDENTIFIER, 0);
  }
  if (token->type == KUBE_CEL_TOKEN_END || token->type == KUBE_CEL_TOKEN_ESCAPED) {
    fail (self, "mismatched input", EXPRESSION);
    return node (self, KUBE_CEL_EXPR_IDENTIFIER, 0);
  }
  return read_literal (self);
}

/* --- members --- */

static KubeCelExpr *
read_selection (Parser *self, KubeCelExpr *operand, int dot)
{
  gboolean optional = accept (self, "?");
  const KubeCelToken *token = peek (self, 0);
  KubeCelExpr *expr, *field;

  if (token->type == KUBE_CEL_TOKEN_CONSTANT || (optional && !is_name (token))) {
    fail (self, "mismatched input", optional ? "{IDENTIFIER, ESC_IDENTIFIER}" : "IDENTIFIER");
    return operand;
  }
  if (!is_name (token)) {
    fail_alternative (self, self->source->text + dot);
    return operand;
  }
  self->at++;
  if (!optional && token->type == KUBE_CEL_TOKEN_IDENTIFIER && next_is (self, 0, "(")) {
    int bracket = here (self);
    self->at++;
    self->brackets++;
    expr = read_call (self, bracket, kube_cel_pool_name (self->pool, token->start, token->length), operand);
    self->brackets--;
    return expr;
  }
  if (!optional) {
    expr = node (self, KUBE_CEL_EXPR_SELECT, dot);
    expr->name = name_of (self, token);
    expr->operand = operand;
    return settle (self, expr, 1);
  }
  field = node (self, KUBE_CEL_EXPR_LITERAL, offset_of (self, token));
  expr = kube_cel_expr_new_call (self->pool, dot, KUBE_CEL_SELECT_OPTIONAL, NULL, operand, field, NULL);
  field->name = name_of (self, token);
  field->literal = (KubeCelLiteral){ .kind = KUBE_CEL_STRING, .bytes = g_bytes_new (field->name, strlen (field->name)) };
  return settle (self, expr, 1);
}

static KubeCelExpr *
read_index (Parser *self, KubeCelExpr *operand, int bracket)
{
  gboolean optional = accept (self, "?");
  KubeCelExpr *index;

  if (!can_begin (peek (self, 0)))
    fail (self, can_begin (peek (self, 1)) ? "extraneous input" : "mismatched input", INDEX);
  self->brackets++;
  index = read_expression (self);
  expect (self, "]");
  self->brackets--;
  return settle (self, kube_cel_expr_new_call (self->pool, bracket, optional ? "_[?_]" : "_[_]", NULL, operand, index, NULL), 1);
}

static KubeCelExpr *
read_member (Parser *self)
{
  KubeCelExpr *expr = read_primary (self);

  for (guint n = 1; !self->failed; n++) {
    int offset = here (self);

    if (n > DEPTH_MAX)
      fail_deep (self);
    else if (accept (self, "."))
      expr = read_selection (self, expr, offset);
    else if (accept (self, "["))
      expr = read_index (self, expr, offset);
    else
      break;
  }
  return expr;
}

/* --- operators --- */

static KubeCelExpr *
read_unary (Parser *self)
{
  const char *sign = next_is (self, 0, "!") ? "!" : next_is (self, 0, "-") ? "-" : NULL;
  int offset = here (self);
  guint n = 0;
  KubeCelExpr *expr;

  if (sign == NULL || (*sign == '-' && is_number (peek (self, 1))))
    return read_member (self);
  while (accept (self, sign))
    n++;
  if (*sign == '-' && (!can_begin (peek (self, 0)) || next_is (self, 0, "!")))
    fail_alternative (self, self->source->text + offset);
  expr = read_member (self);
  if (n % 2 == 0)
    return expr;
  return settle (self, kube_cel_expr_new_call (self->pool, offset, *sign == '!' ? KUBE_CEL_NOT : KUBE_CEL_NEGATE, NULL, expr, NULL), 0);
}

/* Operators that bind alike, and what stands between them. */
typedef struct {
  const char *signs[8], *functions[8];
} Level;

static const Level levels[] = {
  { { "==", "!=", "<", "<=", ">", ">=", "in", NULL }, { "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", NULL } },
  { { "+", "-", NULL }, { "_+_", "_-_", NULL } },
  { { "*", "/", "%", NULL }, { "_*_", "_/_", "_%_", NULL } },
};

static const char *
accept_operator (Parser *self, const Level *level)
{
  for (guint i = 0; level->signs[i] != NULL; i++)
    if (accept (self, level->signs[i]))
      return level->functions[i];
  return NULL;
}

static KubeCelExpr *
read_level (Parser *self, gsize level)
{
  KubeCelExpr *expr = level == G_N_ELEMENTS (levels) ? read_unary (self) : read_level (self, level + 1);

  for (guint n = 1; level < G_N_ELEMENTS (levels) && !self->failed; n++) {
    int offset = here (self);
    const char *function = accept_operator (self, &levels[level]);

    if (function == NULL)
      break;
    if (n > DEPTH_MAX)
      fail_deep (self);
    expr = settle (self, kube_cel_expr_new_call (self->pool, offset, function, NULL, expr, read_level (self, level + 1), NULL), 1);
  }
  return expr;
}

/* `a && b && c && d` as `(a && b) && (c && d)`: from the term at @first over the operators up to @last. */
static KubeCelExpr *
balance (Parser *self, const char *function, const GPtrArray *terms, const GArray *offsets, guint first, guint last)
{
  guint middle = (first + last + 1) / 2;
  KubeCelExpr *left = middle == first ? terms->pdata[middle] : balance (self, function, terms, offsets, first, middle - 1);
  KubeCelExpr *right = middle == last ? terms->pdata[middle + 1] : balance (self, function, terms, offsets, middle + 1, last);

  return settle (self, kube_cel_expr_new_call (self->pool, g_array_index (offsets, int, middle), function, NULL, left, right, NULL), 0);
}

static KubeCelExpr *
read_logical (Parser *self, gboolean is_or)
{
  const char *sign = is_or ? "||" : "&&";
  KubeCelExpr *first = is_or ? read_logical (self, FALSE) : read_level (self, 0);
  g_autoptr (GPtrArray) terms = NULL;
  g_autoptr (GArray) offsets = NULL;

  if (self->failed || !next_is (self, 0, sign))
    return first;
  terms = g_ptr_array_new ();
  offsets = g_array_new (FALSE, FALSE, sizeof (int));
  g_ptr_array_add (terms, first);
  for (int offset = here (self); accept (self, sign); offset = here (self)) {
    g_ptr_array_add (terms, is_or ? read_logical (self, FALSE) : read_level (self, 0));
    g_array_append_val (offsets, offset);
  }
  return balance (self, is_or ? KUBE_CEL_OR : KUBE_CEL_AND, terms, offsets, 0, offsets->len - 1);
}

static KubeCelExpr *
read_expression (Parser *self)
{
  KubeCelExpr *expr, *yes, *no;
  int offset;

  if (++self->depth > DEPTH_MAX)
    fail_deep (self);
  expr = read_logical (self, TRUE);
  offset = here (self);
  if (accept (self, "?")) {
    yes = read_logical (self, TRUE);
    expect (self, ":");
    no = read_expression (self);
    expr = settle (self, kube_cel_expr_new_call (self->pool, offset, KUBE_CEL_CONDITIONAL, NULL, expr, yes, no, NULL), 1);
  }
  self->depth--;
  return expr;
}

KubeCelExpr *
kube_cel_parse (KubeCelSource *source, KubeCelPool *pool, gboolean with_bind)
{
  g_autoptr (GArray) tokens = kube_cel_read_tokens (source);
  Parser self = { .source = source, .pool = pool, .tokens = tokens, .with_bind = with_bind };
  KubeCelExpr *expr = read_expression (&self);

  if (!self.failed && peek (&self, 0)->type != KUBE_CEL_TOKEN_END)
    fail (&self, peek (&self, 1)->type == KUBE_CEL_TOKEN_END ? "extraneous input" : "mismatched input", "<EOF>");
  return source->n_errors == 0 ? expr : NULL;
}
