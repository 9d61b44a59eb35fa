/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-selector-private.h"

/* The text form of label selectors. */

typedef enum {
  TOKEN_ERROR,
  TOKEN_END,
  TOKEN_CLOSE,
  TOKEN_COMMA,
  TOKEN_NOT,
  TOKEN_DOUBLE_EQUALS,
  TOKEN_EQUALS,
  TOKEN_GREATER,
  TOKEN_IDENTIFIER,
  TOKEN_IN,
  TOKEN_LESS,
  TOKEN_NOT_EQUALS,
  TOKEN_NOT_IN,
  TOKEN_OPEN,
} TokenType;

typedef struct {
  TokenType type;
  const char *text;
  gsize length;
} Token;

typedef struct {
  const char *at;
  Token token; /* the one ahead */
} Parser;

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static gboolean
is_special (char c)
{
  return c != '\0' && strchr ("=!(),><", c) != NULL;
}

static TokenType
special_type (const char *text, gsize length)
{
  static const struct {
    const char *text;
    TokenType type;
  } specials[] = { { ")", TOKEN_CLOSE },    { ",", TOKEN_COMMA }, { "!", TOKEN_NOT },         { "==", TOKEN_DOUBLE_EQUALS }, { "=", TOKEN_EQUALS },
                   { ">", TOKEN_GREATER }, { "<", TOKEN_LESS },  { "!=", TOKEN_NOT_EQUALS }, { "(", TOKEN_OPEN } };

  for (gsize i = 0; i < G_N_ELEMENTS (specials); i++)
    if (strlen (specials[i].text) == length && memcmp (specials[i].text, text, length) == 0)
      return specials[i].type;
  return TOKEN_ERROR;
}

static Token
scan_special (Parser *parser)
{
  Token found = { TOKEN_ERROR, parser->at, 1 };

  /* Every special character is a token, and two of them may be one: the longest wins. */
  found.type = special_type (parser->at, 1);
  if (is_special (parser->at[1]) && special_type (parser->at, 2) != TOKEN_ERROR) {
    found.type = special_type (parser->at, 2);
    found.length = 2;
  }
  parser->at += found.length;
  return found;
}

static Token
scan_word (Parser *parser)
{
  Token found = { TOKEN_IDENTIFIER, parser->at, 0 };

  while (*parser->at != '\0' && !is_blank (*parser->at) && !is_special (*parser->at))
    parser->at++;
  found.length = (gsize) (parser->at - found.text);
  if (found.length == 2 && memcmp (found.text, "in", 2) == 0)
    found.type = TOKEN_IN;
  else if (found.length == 5 && memcmp (found.text, "notin", 5) == 0)
    found.type = TOKEN_NOT_IN;
  return found;
}

static void
parser_advance (Parser *parser)
{
  while (is_blank (*parser->at))
    parser->at++;
  if (*parser->at == '\0')
    parser->token = (Token){ TOKEN_END, "", 0 };
  else
    parser->token = is_special (*parser->at) ? scan_special (parser) : scan_word (parser);
}

/* The token ahead where a key or a value stands: `in` and `notin` are words there. */
static TokenType
parser_peek (Parser *parser)
{
  TokenType type = parser->token.type;
  return type == TOKEN_IN || type == TOKEN_NOT_IN ? TOKEN_IDENTIFIER : type;
}

static gboolean
fail (GError **error, const Token *token, const char *expected)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "found '%.*s', expected: %s", (int) token->length, token->text, expected);
  return FALSE;
}

static char *
token_dup (const Token *token)
{
  return g_strndup (token->text, token->length);
}

static gboolean
parse_list (Parser *parser, GPtrArray *values, GError **error)
{
  if (parser->token.type != TOKEN_OPEN) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "found '%.*s' expected: '('", (int) parser->token.length, parser->token.text);
    return FALSE;
  }
  parser_advance (parser);
  if (parser->token.type == TOKEN_CLOSE) {
    g_ptr_array_add (values, g_strdup (""));
    return TRUE;
  }
  if (parser_peek (parser) != TOKEN_IDENTIFIER && parser->token.type != TOKEN_COMMA)
    return fail (error, &parser->token, "',', ')' or identifier");

  for (;;) {
    if (parser_peek (parser) == TOKEN_IDENTIFIER) {
      g_ptr_array_add (values, token_dup (&parser->token));
      parser_advance (parser);
      if (parser->token.type == TOKEN_CLOSE)
        return TRUE;
      if (parser->token.type != TOKEN_COMMA)
        return fail (error, &parser->token, "',' or ')'");
    } else if (parser->token.type == TOKEN_COMMA) {
      if (values->len == 0)
        g_ptr_array_add (values, g_strdup (""));
      parser_advance (parser);
      if (parser->token.type == TOKEN_CLOSE || parser->token.type == TOKEN_COMMA)
        g_ptr_array_add (values, g_strdup (""));
      if (parser->token.type == TOKEN_CLOSE)
        return TRUE;
    } else {
      return fail (error, &parser->token, "',', or identifier");
    }
  }
}

static gboolean
parse_operator (Parser *parser, KubeRequirement *requirement, GError **error)
{
  switch (parser->token.type) {
  case TOKEN_IN:
    requirement->operator = KUBE_OPERATOR_IN;
    break;
  case TOKEN_NOT_IN:
    requirement->operator = KUBE_OPERATOR_NOT_IN;
    break;
  case TOKEN_EQUALS:
    requirement->operator = KUBE_OPERATOR_EQUALS;
    break;
  case TOKEN_DOUBLE_EQUALS:
    requirement->operator = KUBE_OPERATOR_DOUBLE_EQUALS;
    break;
  case TOKEN_NOT_EQUALS:
    requirement->operator = KUBE_OPERATOR_NOT_EQUALS;
    break;
  case TOKEN_GREATER:
    requirement->operator = KUBE_OPERATOR_GREATER;
    break;
  case TOKEN_LESS:
    requirement->operator = KUBE_OPERATOR_LESS;
    break;
  default:
    return fail (error, &parser->token, "in, notin, =, ==, !=, gt, lt");
  }
  parser_advance (parser);
  return TRUE;
}

static gboolean
parse_values (Parser *parser, KubeRequirement *requirement, GPtrArray *values, GError **error)
{
  if (requirement->operator == KUBE_OPERATOR_IN || requirement->operator == KUBE_OPERATOR_NOT_IN) {
    if (!parse_list (parser, values, error))
      return FALSE;
    parser_advance (parser);
    return TRUE;
  }
  if (parser->token.type == TOKEN_END || parser->token.type == TOKEN_COMMA) {
    g_ptr_array_add (values, g_strdup (""));
    return TRUE;
  }
  if (parser_peek (parser) != TOKEN_IDENTIFIER)
    return fail (error, &parser->token, "identifier");
  g_ptr_array_add (values, token_dup (&parser->token));
  parser_advance (parser);
  return TRUE;
}

static gboolean
parse_key (Parser *parser, KubeRequirement *requirement, GError **error)
{
  g_auto (KubeFieldErrors) errors = { 0 };
  gboolean negated = parser->token.type == TOKEN_NOT;

  if (negated)
    parser_advance (parser);
  if (parser_peek (parser) != TOKEN_IDENTIFIER)
    return fail (error, &parser->token, "identifier");
  requirement->key = token_dup (&parser->token);
  kube_requirement_check_key (&errors, NULL, requirement->key);
  if (kube_field_errors_get_length (&errors) > 0) {
    g_autofree char *text = kube_field_errors_print (&errors);
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, text);
    return FALSE;
  }
  parser_advance (parser);
  requirement->operator = negated ? KUBE_OPERATOR_DOES_NOT_EXIST : KUBE_OPERATOR_IN;
  if (!negated && (parser->token.type == TOKEN_END || parser->token.type == TOKEN_COMMA))
    requirement->operator = KUBE_OPERATOR_EXISTS;
  return TRUE;
}

static gboolean
parse_requirement (Parser *parser, KubeRequirement *requirement, GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  if (!parse_key (parser, requirement, error))
    return FALSE;
  if (requirement->operator != KUBE_OPERATOR_EXISTS && requirement->operator != KUBE_OPERATOR_DOES_NOT_EXIST)
    if (!parse_operator (parser, requirement, error) || !parse_values (parser, requirement, values, error))
      return FALSE;
  kube_requirement_take_values (requirement, g_steal_pointer (&values));
  return kube_requirement_check (requirement, error);
}

/**
 * kube_selector_parse:
 * @text: a label selector as text, "" selects everything
 * @error: return location for an error
 *
 * Reads `app=web,tier in (a,b),!canary`.
 *
 * Returns: (transfer full): the selector, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeSelector *
kube_selector_parse (const char *text, GError **error)
{
  g_autoptr (KubeSelector) selector = kube_selector_alloc ();
  Parser parser = { .at = text };

  parser_advance (&parser);
  while (parser.token.type != TOKEN_END) {
    KubeRequirement requirement = { 0 };

    if (parser_peek (&parser) != TOKEN_IDENTIFIER && parser.token.type != TOKEN_NOT) {
      fail (error, &parser.token, "!, identifier, or 'end of string'");
      return NULL;
    }
    if (!parse_requirement (&parser, &requirement, error)) {
      kube_requirement_clear (&requirement);
      g_prefix_error (error, "unable to parse requirement: ");
      return NULL;
    }
    g_array_append_val (selector->requirements, requirement);

    if (parser.token.type == TOKEN_COMMA) {
      parser_advance (&parser);
      if (parser_peek (&parser) != TOKEN_IDENTIFIER && parser.token.type != TOKEN_NOT) {
        fail (error, &parser.token, "identifier after ','");
        return NULL;
      }
    } else if (parser.token.type != TOKEN_END) {
      fail (error, &parser.token, "',' or 'end of string'");
      return NULL;
    }
  }
  kube_selector_sort (selector);
  return g_steal_pointer (&selector);
}
