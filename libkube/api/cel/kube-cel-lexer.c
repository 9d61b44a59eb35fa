/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-lexer.h"

#include <string.h>

/* What was read of a token: all of it, or all up to the character that cannot be. */
typedef struct {
  KubeCelTokenType type;
  gsize length;
  gboolean good;
} Reading;

static gboolean
is_word (char c)
{
  return g_ascii_isalnum (c) || c == '_';
}

/* --- strings --- */

/* How long the escape sequence at @at is; 0, with @bad how far one may read, where it is none. */
static gsize
escape_length (const char *at, gsize *bad)
{
  gsize digits = at[1] == 'x' || at[1] == 'X' ? 2 : at[1] == 'u' ? 4 : at[1] == 'U' ? 8 : 0;

  *bad = 1;
  if (at[1] != '\0' && strchr ("abfnrtv\"'\\?`", at[1]) != NULL)
    return 2;
  if (at[1] >= '0' && at[1] <= '3') {
    for (*bad = 2; *bad < 4; ++*bad)
      if (at[*bad] < '0' || at[*bad] > '7')
        return 0;
    return 4;
  }
  for (*bad = digits > 0 ? 2 : 1; *bad < digits + 2 && digits > 0; ++*bad)
    if (!g_ascii_isxdigit (at[*bad]))
      return 0;
  return digits > 0 ? digits + 2 : 0;
}

/* @width: of its quotes */
static Reading
read_quoted (const char *text, gsize prefix, gboolean raw, gsize width)
{
  const char *start = text + prefix, *at = start + width;
  gsize bad;

  while (*at != '\0') {
    if (strncmp (at, start, width) == 0)
      return (Reading){ KUBE_CEL_TOKEN_STRING, (gsize)(at - text) + width, TRUE };
    if (width == 1 && (*at == '\n' || *at == '\r'))
      break;
    if (*at == '\\' && !raw) {
      gsize length = escape_length (at, &bad);
      if (length == 0)
        return (Reading){ KUBE_CEL_TOKEN_STRING, (gsize)(at - text) + bad, FALSE };
      at += length;
    } else {
      at = g_utf8_next_char (at);
    }
  }
  return (Reading){ KUBE_CEL_TOKEN_STRING, (gsize)(at - text), FALSE };
}

/* `r` and `b` may stand before it. FALSE: there is none */
static gboolean
read_string (const char *text, Reading *reading)
{
  gsize prefix = *text == 'b' || *text == 'B';
  gboolean raw = text[prefix] == 'r' || text[prefix] == 'R', bytes = prefix > 0;
  char quote;

  prefix += raw;
  quote = text[prefix];
  if (quote != '"' && quote != '\'')
    return FALSE;
  *reading = read_quoted (text, prefix, raw, 1);
  if (text[prefix + 1] == quote && text[prefix + 2] == quote) {
    Reading wide = read_quoted (text, prefix, raw, 3);
    *reading = wide.good ? wide : *reading;
  }
  if (bytes)
    reading->type = KUBE_CEL_TOKEN_BYTES;
  return TRUE;
}

/* --- numbers --- */

static Reading
read_number (const char *text)
{
  const char *at = text;
  KubeCelTokenType type = KUBE_CEL_TOKEN_INT;

  if (at[0] == '0' && at[1] == 'x' && g_ascii_isxdigit (at[2])) {
    for (at += 2; g_ascii_isxdigit (*at);)
      at++;
  } else {
    while (g_ascii_isdigit (*at))
      at++;
    if (*at == '.' && g_ascii_isdigit (at[1])) {
      type = KUBE_CEL_TOKEN_DOUBLE;
      for (at++; g_ascii_isdigit (*at);)
        at++;
    }
    if (*at == 'e' || *at == 'E') {
      const char *digits = at + 1 + (at[1] == '-' || at[1] == '+');
      if (g_ascii_isdigit (*digits)) {
        type = KUBE_CEL_TOKEN_DOUBLE;
        for (at = digits; g_ascii_isdigit (*at);)
          at++;
      }
    }
  }
  if (type == KUBE_CEL_TOKEN_INT && (*at == 'u' || *at == 'U'))
    return (Reading){ KUBE_CEL_TOKEN_UINT, (gsize)(at - text) + 1, TRUE };
  return (Reading){ type, (gsize)(at - text), TRUE };
}

/* --- all else --- */

static Reading
read_word (const char *text)
{
  static const char *const constants[] = { "true", "false", "null" };
  gsize length = 0;

  while (is_word (text[length]))
    length++;
  if (length == 2 && strncmp (text, "in", 2) == 0)
    return (Reading){ KUBE_CEL_TOKEN_SIGN, 2, TRUE };
  for (gsize i = 0; i < G_N_ELEMENTS (constants); i++)
    if (strlen (constants[i]) == length && strncmp (text, constants[i], length) == 0)
      return (Reading){ KUBE_CEL_TOKEN_CONSTANT, length, TRUE };
  return (Reading){ KUBE_CEL_TOKEN_IDENTIFIER, length, TRUE };
}

static Reading
read_escaped (const char *text)
{
  gsize length = 1;

  while (text[length] != '\0' && (is_word (text[length]) || strchr (".-/ ", text[length]) != NULL))
    length++;
  return (Reading){ KUBE_CEL_TOKEN_ESCAPED, length + (text[length] == '`' && length > 1), text[length] == '`' && length > 1 };
}

static Reading
read_sign (const char *text)
{
  static const char *const operators[] = { "==", "!=", "<=", ">=", "&&", "||" };

  for (gsize i = 0; i < G_N_ELEMENTS (operators); i++)
    if (strncmp (text, operators[i], 2) == 0)
      return (Reading){ KUBE_CEL_TOKEN_SIGN, 2, TRUE };
  if (strchr ("=&|", *text) != NULL)
    return (Reading){ KUBE_CEL_TOKEN_SIGN, 1, FALSE };
  return strchr ("<>[]{}().,-!?:+*/%", *text) != NULL ? (Reading){ KUBE_CEL_TOKEN_SIGN, 1, TRUE } : (Reading){ KUBE_CEL_TOKEN_SIGN, 0, FALSE };
}

static Reading
read_token (const char *text)
{
  Reading reading;

  if (*text == '\0')
    return (Reading){ KUBE_CEL_TOKEN_END, 0, TRUE };
  if (read_string (text, &reading))
    return reading;
  if (g_ascii_isdigit (*text) || (*text == '.' && g_ascii_isdigit (text[1])))
    return read_number (text);
  if (is_word (*text))
    return read_word (text);
  return *text == '`' ? read_escaped (text) : read_sign (text);
}

GArray *
kube_cel_read_tokens (KubeCelSource *source)
{
  GArray *tokens = g_array_new (FALSE, FALSE, sizeof (KubeCelToken));
  const char *at = source->text;
  Reading reading;

  do {
    while (*at != '\0' && (strchr ("\t \r\n\f", *at) != NULL || (at[0] == '/' && at[1] == '/')))
      at += *at == '/' ? strcspn (at, "\n") : 1;
    reading = read_token (at);
    if (reading.good) {
      KubeCelToken token = { reading.type, at, reading.length };
      g_array_append_val (tokens, token);
    } else {
      /* The character at which it went wrong is lost too. */
      if (at[reading.length] != '\0')
        reading.length = (gsize)(g_utf8_next_char (at + reading.length) - at);
      kube_cel_source_add (source, (int)(at - source->text), "Syntax error: token recognition error at: '%.*s'", (int)reading.length, at);
    }
    at += reading.length;
  } while (reading.type != KUBE_CEL_TOKEN_END);
  return tokens;
}

gboolean
kube_cel_token_is (const KubeCelToken *token, const char *sign)
{
  return token->type == KUBE_CEL_TOKEN_SIGN && strlen (sign) == token->length && strncmp (token->start, sign, token->length) == 0;
}
