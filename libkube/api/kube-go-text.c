/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-go-text.h"

static void
append_rune (GString *out, gunichar c)
{
  switch (c) {
  case '"':
  case '\\':
    g_string_append_c (out, '\\');
    g_string_append_c (out, (char) c);
    return;
  case '\a':
    g_string_append (out, "\\a");
    return;
  case '\b':
    g_string_append (out, "\\b");
    return;
  case '\f':
    g_string_append (out, "\\f");
    return;
  case '\n':
    g_string_append (out, "\\n");
    return;
  case '\r':
    g_string_append (out, "\\r");
    return;
  case '\t':
    g_string_append (out, "\\t");
    return;
  case '\v':
    g_string_append (out, "\\v");
    return;
  }

  /* Of the spaces Go prints only U+0020 as it is. */
  if (c == ' ' || (g_unichar_isgraph (c) && !g_unichar_isspace (c)))
    g_string_append_unichar (out, c);
  else if (c < 0x80)
    g_string_append_printf (out, "\\x%02x", c);
  else if (c < 0x10000)
    g_string_append_printf (out, "\\u%04x", c);
  else
    g_string_append_printf (out, "\\U%08x", c);
}

void
kube_go_quote (GString *out, const char *string, gssize length)
{
  const char *end = string + (length < 0 ? strlen (string) : (gsize) length);

  g_string_append_c (out, '"');
  while (string < end) {
    gunichar c = g_utf8_get_char_validated (string, end - string);

    if (*string == '\0') {
      append_rune (out, 0);
      string++;
    } else if (c == (gunichar) -1 || c == (gunichar) -2) {
      g_string_append_printf (out, "\\x%02x", (guint8) *string);
      string++;
    } else {
      append_rune (out, c);
      string = g_utf8_next_char (string);
    }
  }
  g_string_append_c (out, '"');
}

void
kube_go_json (GString *out, KubeValue *value)
{
  gsize start = out->len;

  if (value == NULL)
    g_string_append (out, "null");
  else
    kube_value_print_to (value, out);

  for (gsize i = start; i < out->len; i++) {
    char c = out->str[i];
    if (c == '<' || c == '>' || c == '&') {
      char text[7];
      g_snprintf (text, sizeof text, "\\u%04x", c);
      g_string_erase (out, (gssize) i, 1);
      g_string_insert (out, (gssize) i, text);
      i += 5;
    }
  }
}

void
kube_go_print (GString *out, KubeValue *value)
{
  guint n = kube_value_get_length (value);
  gsize length;

  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_NULL:
    g_string_append (out, "<nil>");
    return;
  case KUBE_VALUE_STRING: {
    const char *string = kube_value_peek_string (value, &length);
    g_string_append_len (out, string, (gssize) length);
    return;
  }
  case KUBE_VALUE_ARRAY:
    g_string_append_c (out, '[');
    for (guint i = 0; i < n; i++) {
      g_string_append (out, i > 0 ? " " : "");
      kube_go_print (out, kube_value_get_element (value, i));
    }
    g_string_append_c (out, ']');
    return;
  case KUBE_VALUE_OBJECT:
    g_string_append (out, "map[");
    for (guint i = 0; i < n; i++) {
      g_string_append_printf (out, "%s%s:", i > 0 ? " " : "", kube_value_get_key (value, i));
      kube_go_print (out, kube_value_get_element (value, i));
    }
    g_string_append_c (out, ']');
    return;
  default:
    kube_value_print_to (value, out);
    return;
  }
}

gboolean
kube_go_parse_int (const char *text, gint64 *number)
{
  const char *digits = text + (*text == '-' || *text == '+');
  char *end;

  if (!g_ascii_isdigit (*digits))
    return FALSE;
  errno = 0;
  *number = g_ascii_strtoll (text, &end, 10);
  return errno == 0 && *end == '\0';
}

static char *
duration_problem (const char *problem, const char *unit, gsize length, const char *text)
{
  g_autoptr (GString) out = g_string_new ("time: ");

  g_string_append (out, problem);
  if (unit != NULL) {
    kube_go_quote (out, unit, (gssize) length);
    g_string_append (out, " in duration ");
  }
  kube_go_quote (out, text, -1);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
kube_go_parse_duration (const char *text, gint64 *microseconds)
{
  static const char *const units[] = { "ns", "us", "\u00b5s", "\u03bcs", "ms", "s", "m", "h" };
  static const double lengths[] = { 1e-3, 1, 1, 1, 1e3, 1e6, 60e6, 3600e6 };
  static const char digits[] = "0123456789";
  const char *at = text;
  double sum = 0, number;

  at += *at == '-' || *at == '+';
  if (microseconds != NULL)
    *microseconds = 0;
  if (strcmp (at, "0") == 0)
    return NULL;
  do {
    gsize whole = strspn (at, digits), fraction = at[whole] == '.' ? strspn (at + whole + 1, digits) : 0, length, i = 0;

    if (whole + fraction == 0)
      return duration_problem ("invalid duration ", NULL, 0, text);
    number = g_ascii_strtod (at, NULL);
    at += whole + (at[whole] == '.') + fraction;
    length = strcspn (at, ".0123456789");
    if (length == 0)
      return duration_problem ("missing unit in duration ", NULL, 0, text);
    while (i < G_N_ELEMENTS (units) && !(strlen (units[i]) == length && strncmp (at, units[i], length) == 0))
      i++;
    if (i == G_N_ELEMENTS (units))
      return duration_problem ("unknown unit ", at, length, text);
    sum += number * lengths[i];
    at += length;
  } while (*at != '\0');
  /* what a number of nanoseconds does not hold */
  if (sum * 1e3 >= (double) G_MAXINT64)
    return duration_problem ("invalid duration ", NULL, 0, text);
  if (microseconds != NULL)
    *microseconds = (gint64) (*text == '-' ? -sum : sum);
  return NULL;
}

char *
kube_go_check_duration (const char *text)
{
  return kube_go_parse_duration (text, NULL);
}
