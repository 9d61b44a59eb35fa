/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel.h"

#include <string.h>

/* How deep parentheses, lists and calls may nest, how long an expression may be, and how much is said of it. */
enum { DEPTH_MAX = 100, CHARACTERS_MAX = 100000, TEXT_MAX = 256 * 1024 };

#define START_OF_EXPRESSION                                                                                                      \
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

typedef enum {
  TOKEN_END,
  TOKEN_IDENTIFIER,
  TOKEN_LITERAL, /* of any type, with true, false and null */
  TOKEN_SIGN,    /* all that is none of these */
  TOKEN_BAD,
} TokenType;

typedef struct {
  TokenType type;
  const char *start;
  gsize length;
} Token;

typedef struct {
  const char *text;
  const char *const *variables;
  GArray *tokens; /* (element-type Token): ends with TOKEN_END */
  guint at;
  GPtrArray *bound; /* (element-type Token): what the macros around declare; borrows from tokens */
  GString *errors;
  guint depth;
  gboolean failed; /* the syntax is wrong: nothing more is read */
} Parser;

/* --- tokens --- */

static gboolean
is_word (char c)
{
  return g_ascii_isalnum (c) || c == '_';
}

static gsize
string_length (const char *text)
{
  char quote = *text;
  gsize width = text[1] == quote && text[2] == quote ? 3 : 1;
  const char *at = text + width;

  for (; *at != '\0'; at++) {
    if (width == 1 && *at == '\n')
      return 0;
    if (*at == quote && (width == 1 || (at[1] == quote && at[2] == quote)))
      return (gsize)(at - text) + width;
    if (*at == '\\' && at[1] != '\0')
      at++;
  }
  return 0;
}

static gsize
number_length (const char *text)
{
  const char *at = text;

  if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && g_ascii_isxdigit (at[2])) {
    for (at += 2; g_ascii_isxdigit (*at);)
      at++;
    return (gsize)(at - text) + (*at == 'u' || *at == 'U');
  }
  while (g_ascii_isdigit (*at))
    at++;
  if (*at != '.' && *at != 'e' && *at != 'E')
    return (gsize)(at - text) + (*at == 'u' || *at == 'U');
  if (*at == '.' && g_ascii_isdigit (at[1]))
    for (at++; g_ascii_isdigit (*at);)
      at++;
  if (*at == 'e' || *at == 'E') {
    const char *digits = at + 1 + (at[1] == '-' || at[1] == '+');
    if (g_ascii_isdigit (*digits))
      for (at = digits; g_ascii_isdigit (*at);)
        at++;
  }
  return (gsize)(at - text);
}

static gboolean
is_one_of (const char *text, gsize length, const char *const *words)
{
  for (; *words != NULL; words++)
    if (strlen (*words) == length && strncmp (*words, text, length) == 0)
      return TRUE;
  return FALSE;
}

/* Strings may have `r` and `b` before them. */
static gsize
prefixed_string_length (const char *text)
{
  gsize prefix = strspn (text, "rRbB"), length;

  if (prefix > 2 || (text[prefix] != '"' && text[prefix] != '\''))
    return 0;
  length = string_length (text + prefix);
  return length > 0 ? prefix + length : 0;
}

static Token
read_token (const char *text)
{
  static const char *const constants[] = { "true", "false", "null", NULL };
  static const char *const operators[] = { "==", "!=", "<=", ">=", "&&", "||" };
  gsize length = prefixed_string_length (text);

  if (*text == '\0')
    return (Token){ TOKEN_END, text, 0 };
  if (length > 0)
    return (Token){ TOKEN_LITERAL, text, length };
  if (g_ascii_isdigit (*text) || (*text == '.' && g_ascii_isdigit (text[1])))
    return (Token){ TOKEN_LITERAL, text, number_length (text) };
  if (is_word (*text)) {
    while (is_word (text[length]))
      length++;
    if (length == 2 && strncmp (text, "in", 2) == 0)
      return (Token){ TOKEN_SIGN, text, 2 };
    return (Token){ is_one_of (text, length, constants) ? TOKEN_LITERAL : TOKEN_IDENTIFIER, text, length };
  }
  if (*text == '`' && strcspn (text + 1, "`\n") > 0 && text[1 + strcspn (text + 1, "`\n")] == '`')
    return (Token){ TOKEN_IDENTIFIER, text, strcspn (text + 1, "`") + 2 };
  for (gsize i = 0; i < G_N_ELEMENTS (operators); i++)
    if (strncmp (text, operators[i], 2) == 0)
      return (Token){ TOKEN_SIGN, text, 2 };
  return (Token){ strchr ("<>[]{}().,-!?:+*/%", *text) != NULL ? TOKEN_SIGN : TOKEN_BAD, text,
                  (gsize)(g_utf8_next_char (text) - text) };
}

static void
read_tokens (Parser *self)
{
  const char *at = self->text;
  Token token;

  do {
    while (g_ascii_isspace (*at) || (at[0] == '/' && at[1] == '/'))
      at += *at == '/' ? strcspn (at, "\n") : 1;
    token = read_token (at);
    g_array_append_val (self->tokens, token);
    at += token.length;
  } while (token.type != TOKEN_END);
}

static const Token *
peek (const Parser *self, guint ahead)
{
  return &g_array_index (self->tokens, Token, MIN (self->at + ahead, self->tokens->len - 1));
}

static gboolean
token_is (const Token *token, const char *sign)
{
  return token->type == TOKEN_SIGN && strlen (sign) == token->length && strncmp (token->start, sign, token->length) == 0;
}

static gboolean
accept (Parser *self, const char *sign)
{
  if (!token_is (peek (self, 0), sign))
    return FALSE;
  self->at++;
  return TRUE;
}

/* --- errors --- */

/* The message at its place, with the line and a mark below it. */
static void
add_error (Parser *self, const char *where, const char *message)
{
  guint line = 1;
  const char *start = self->text;
  glong column;

  if (self->errors->len > TEXT_MAX)
    return;
  for (const char *at = self->text; at < where; at++)
    if (*at == '\n') {
      line++;
      start = at + 1;
    }
  column = g_utf8_strlen (start, where - start);
  g_string_append_printf (self->errors, "%sERROR: <input>:%u:%ld: %s", self->errors->len > 0 ? "\n" : "", line,
                          *self->text != '\0' ? column + 1 : 0, message);
  if (*self->text == '\0')
    return;
  g_string_append_printf (self->errors, "\n | %.*s\n | ", (int)strcspn (start, "\n"), start);
  for (glong i = 0; i < column; i++)
    g_string_append_c (self->errors, '.');
  g_string_append_c (self->errors, '^');
}

/* The first is enough, and stands alone: names are looked at only where the syntax is right. */
static void
add_syntax_error (Parser *self, const char *where, const char *message)
{
  if (!self->failed) {
    g_string_truncate (self->errors, 0);
    add_error (self, where, message);
  }
  self->failed = TRUE;
  self->at = self->tokens->len - 1;
}

static void
fail (Parser *self, const char *kind, const char *expected)
{
  const Token *token = peek (self, 0);
  g_autofree char *text = token->type == TOKEN_END ? g_strdup ("<EOF>") : g_strndup (token->start, token->length);
  g_autofree char *message = g_strdup_printf ("Syntax error: %s input '%s'%s%s", kind, text,
                                              expected != NULL ? " expecting " : "", expected != NULL ? expected : "");

  if (token->type == TOKEN_BAD) {
    g_free (message);
    message = g_strdup_printf ("Syntax error: token recognition error at: '%s'", text);
  }
  add_syntax_error (self, token->start, message);
}

static void
expect (Parser *self, const char *sign)
{
  g_autofree char *quoted = g_strdup_printf ("'%s'", sign);

  if (!accept (self, sign))
    fail (self, token_is (peek (self, 1), sign) ? "extraneous" : "mismatched", quoted);
}

static gboolean
can_begin (const Token *token)
{
  return token->type == TOKEN_IDENTIFIER || token->type == TOKEN_LITERAL
         || (token->type == TOKEN_SIGN && token->length == 1 && strchr ("[{(.-!", *token->start) != NULL);
}

/* --- names --- */

static gboolean
is_known (const Parser *self, const Token *name)
{
  static const char *const types[] = { "bool", "bytes",     "double", "duration",  "dyn",  "google", "int", "list",
                                       "map",  "null_type", "string", "timestamp", "type", "uint",   NULL };

  for (guint i = 0; i < self->bound->len; i++) {
    const Token *bound = self->bound->pdata[i];
    if (bound->length == name->length && strncmp (bound->start, name->start, name->length) == 0)
      return TRUE;
  }
  return is_one_of (name->start, name->length, self->variables) || is_one_of (name->start, name->length, types);
}

/* Functions whose names have a dot: what stands before it is no variable. */
static gboolean
is_library (const Parser *self, const Token *name)
{
  static const char *const libraries[]
      = { "base64", "cel", "format", "lists", "math", "optional", "proto", "regex", "sets", "strings", NULL };

  return is_one_of (name->start, name->length, libraries) && token_is (peek (self, 0), ".")
         && peek (self, 1)->type == TOKEN_IDENTIFIER;
}

/* `example.Type{…}` */
static gboolean
begins_message (const Parser *self)
{
  guint ahead = 0;

  while (token_is (peek (self, ahead), ".") && peek (self, ahead + 1)->type == TOKEN_IDENTIFIER)
    ahead += 2;
  return token_is (peek (self, ahead), "{");
}

static void
check_name (Parser *self, const Token *name)
{
  g_autofree char *message = NULL;

  if (is_known (self, name) || is_library (self, name) || begins_message (self))
    return;
  message = g_strdup_printf ("undeclared reference to '%.*s' (in container '')", (int)name->length, name->start);
  add_error (self, name->start, message);
}

/* --- grammar --- */

static void read_expression (Parser *self);

/* Macros declare their first arguments for the others: `list.all(x, x > 0)`. */
static void
bind_arguments (Parser *self, const Token *target, const Token *name)
{
  static const char *const macros[] = { "all", "exists",        "existsOne",    "exists_one",        "filter",
                                        "map", "transformList", "transformMap", "transformMapEntry", NULL };
  gboolean is_bind = name->length == 4 && strncmp (name->start, "bind", 4) == 0 && target->length == 3
                     && strncmp (target->start, "cel", 3) == 0;

  if (!is_bind && !is_one_of (name->start, name->length, macros))
    return;
  for (guint i = 0; i < (is_bind ? 1 : 2); i++) {
    if (peek (self, 0)->type != TOKEN_IDENTIFIER || !token_is (peek (self, 1), ","))
      return;
    g_ptr_array_add (self->bound, (gpointer)peek (self, 0));
    self->at += 2;
  }
}

static void
read_list (Parser *self, const char *end, gboolean pairs)
{
  while (!self->failed && !token_is (peek (self, 0), end)) {
    accept (self, "?");
    read_expression (self);
    if (pairs) {
      expect (self, ":");
      read_expression (self);
    }
    if (!accept (self, ","))
      break;
  }
  expect (self, end);
}

static void
read_call (Parser *self, const Token *target, const Token *name)
{
  guint before = self->bound->len;

  if (target != NULL)
    bind_arguments (self, target, name);
  read_list (self, ")", FALSE);
  g_ptr_array_set_size (self->bound, before);
}

static void
read_fields (Parser *self)
{
  while (!self->failed && peek (self, 0)->type == TOKEN_IDENTIFIER) {
    self->at++;
    expect (self, ":");
    read_expression (self);
    if (!accept (self, ","))
      break;
  }
  expect (self, "}");
}

static void
read_primary (Parser *self)
{
  const Token *token = peek (self, 0);
  gboolean dot = accept (self, ".");
  const Token *name = peek (self, 0);

  if (name->type == TOKEN_IDENTIFIER) {
    self->at++;
    if (accept (self, "("))
      read_call (self, NULL, name);
    else
      check_name (self, name);
  } else if (dot) {
    g_autofree char *both = g_strndup (token->start, (gsize)(name->start + name->length - token->start));
    g_autofree char *message = g_strdup_printf ("Syntax error: no viable alternative at input '%s'", both);
    add_syntax_error (self, name->start, message);
  } else if (token->type == TOKEN_LITERAL) {
    self->at++;
  } else if (accept (self, "(")) {
    read_expression (self);
    expect (self, ")");
  } else if (accept (self, "[")) {
    read_list (self, "]", FALSE);
  } else if (accept (self, "{")) {
    read_list (self, "}", TRUE);
  } else {
    fail (self, can_begin (peek (self, 1)) ? "extraneous" : "mismatched", START_OF_EXPRESSION);
  }
}

static void
read_member (Parser *self)
{
  const Token *target = peek (self, 0);

  read_primary (self);
  while (!self->failed) {
    if (accept (self, ".")) {
      const Token *name;
      accept (self, "?");
      name = peek (self, 0);
      if (name->type != TOKEN_IDENTIFIER) {
        fail (self, "no viable alternative at", NULL);
        return;
      }
      self->at++;
      if (accept (self, "("))
        read_call (self, target, name);
      target = name;
    } else if (accept (self, "[")) {
      accept (self, "?");
      read_expression (self);
      expect (self, "]");
    } else if (accept (self, "{")) {
      read_fields (self);
    } else {
      return;
    }
  }
}

static gboolean
accept_operator (Parser *self)
{
  static const char *const operators[] = { "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||", "+", "-", "*", "/", "%" };

  for (gsize i = 0; i < G_N_ELEMENTS (operators); i++)
    if (accept (self, operators[i]))
      return TRUE;
  return FALSE;
}

/* Which operator binds more does not matter to whether it is an expression. */
static void
read_operations (Parser *self)
{
  do {
    while (accept (self, "!") || accept (self, "-"))
      ;
    read_member (self);
  } while (!self->failed && accept_operator (self));
}

static void
read_expression (Parser *self)
{
  if (self->failed)
    return;
  if (++self->depth > DEPTH_MAX)
    add_syntax_error (self, peek (self, 0)->start, "expression recursion limit exceeded: 250");
  read_operations (self);
  if (!self->failed && accept (self, "?")) {
    read_operations (self);
    expect (self, ":");
    read_expression (self);
  }
  self->depth--;
}

char *
kube_cel_check (const char *expression, const char *const *variables)
{
  glong size = g_utf8_strlen (expression, -1);
  Parser self = { .text = expression, .variables = variables };

  if (size > CHARACTERS_MAX)
    return g_strdup_printf ("ERROR: <input>:-1:0: expression code point size exceeds limit: size: %ld, limit %d", size,
                            CHARACTERS_MAX);
  self.tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  self.bound = g_ptr_array_new ();
  self.errors = g_string_new (NULL);
  read_tokens (&self);
  read_expression (&self);
  if (!self.failed && peek (&self, 0)->type != TOKEN_END)
    fail (&self, peek (&self, 1)->type == TOKEN_END ? "extraneous" : "mismatched", "<EOF>");
  g_array_unref (self.tokens);
  g_ptr_array_unref (self.bound);
  return g_string_free (self.errors, self.errors->len == 0);
}
