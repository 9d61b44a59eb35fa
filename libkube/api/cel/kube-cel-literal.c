/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-literal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *
read_integer (const char *text, gboolean negative, KubeCelLiteral *literal)
{
  gboolean hex = g_str_has_prefix (text, "0x");
  guint64 number;

  errno = 0;
  number = g_ascii_strtoull (text + (hex ? 2 : 0), NULL, hex ? 16 : 10);
  if (errno != 0 || number > (guint64)G_MAXINT64 + negative)
    return "invalid int literal";
  *literal = (KubeCelLiteral){ .kind = KUBE_CEL_INT, .integer = negative ? (gint64)(0 - number) : (gint64)number };
  return NULL;
}

static const char *
read_natural (const char *text, KubeCelLiteral *literal)
{
  gboolean hex = g_str_has_prefix (text, "0x");
  guint64 number;

  errno = 0;
  number = g_ascii_strtoull (text + (hex ? 2 : 0), NULL, hex ? 16 : 10);
  if (errno != 0)
    return "invalid uint literal";
  *literal = (KubeCelLiteral){ .kind = KUBE_CEL_UINT, .natural = number };
  return NULL;
}

static const char *
read_double (const char *text, gboolean negative, KubeCelLiteral *literal)
{
  double number = g_ascii_strtod (text, NULL);

  if (isinf (number))
    return "invalid double literal";
  *literal = (KubeCelLiteral){ .kind = KUBE_CEL_DOUBLE, .number = negative ? -number : number };
  return NULL;
}

/* --- strings --- */

static void
append (GByteArray *out, gunichar c, gboolean byte)
{
  char text[6];
  guint8 single = (guint8)c;

  if (byte)
    g_byte_array_append (out, &single, 1);
  else
    g_byte_array_append (out, (const guint8 *)text, (guint)g_unichar_to_utf8 (c, text));
}

/* An escape sequence, of which @at stands behind the backslash; the lexer has seen that it is whole. */
static const char *
read_escape (const char **at, gboolean is_bytes, GByteArray *out)
{
  static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
  const char *found = strchr (names, **at);
  char c = *(*at)++;
  gsize digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  gunichar value = 0;

  if (found != NULL) {
    append (out, (gunichar)values[found - names], TRUE);
    return NULL;
  }
  if (digits > 2 && is_bytes)
    return "unable to unescape string";
  if (digits == 0 && !(c >= '0' && c <= '3')) {
    append (out, (guchar)c, TRUE);
    return NULL;
  }
  if (digits == 0)
    value = (gunichar)(((c - '0') << 6) | (((*at)[0] - '0') << 3) | ((*at)[1] - '0'));
  for (gsize i = 0; i < digits; i++)
    value = value << 4 | (gunichar)g_ascii_xdigit_value ((*at)[i]);
  *at += digits > 0 ? digits : 2;
  if (!is_bytes && !g_unichar_validate (value))
    return "invalid unicode code point";
  append (out, value, is_bytes);
  return NULL;
}

static const char *
read_string (const KubeCelToken *token, KubeCelLiteral *literal)
{
  gboolean is_bytes = token->type == KUBE_CEL_TOKEN_BYTES;
  const char *at = token->start + is_bytes, *end = token->start + token->length, *problem = NULL;
  gboolean raw = *at == 'r' || *at == 'R';
  gsize width;
  g_autoptr (GByteArray) out = g_byte_array_new ();

  at += raw;
  width = end - at >= 6 && at[1] == at[0] && at[2] == at[0] ? 3 : 1;
  at += width;
  end -= width;
  while (at < end && problem == NULL) {
    if (*at == '\\' && !raw) {
      at++;
      problem = read_escape (&at, is_bytes, out);
    } else if (*at == '\r') {
      append (out, '\n', TRUE);
      at += at[1] == '\n' ? 2 : 1;
    } else {
      append (out, (guchar)*at++, TRUE);
    }
  }
  if (problem == NULL)
    *literal = (KubeCelLiteral){ .kind = is_bytes ? KUBE_CEL_BYTES : KUBE_CEL_STRING,
                                 .bytes = g_byte_array_free_to_bytes (g_steal_pointer (&out)) };
  return problem;
}

const char *
kube_cel_read_literal (const KubeCelToken *token, gboolean negative, KubeCelLiteral *literal)
{
  g_autofree char *text = g_strndup (token->start, token->length);

  switch (token->type) {
  case KUBE_CEL_TOKEN_INT:
    return read_integer (text, negative, literal);
  case KUBE_CEL_TOKEN_UINT:
    return read_natural (text, literal);
  case KUBE_CEL_TOKEN_DOUBLE:
    return read_double (text, negative, literal);
  case KUBE_CEL_TOKEN_CONSTANT:
    *literal = (KubeCelLiteral){ .kind = *text == 'n' ? KUBE_CEL_NULL : KUBE_CEL_BOOL, .boolean = *text == 't' };
    return NULL;
  default:
    return read_string (token, literal);
  }
}
