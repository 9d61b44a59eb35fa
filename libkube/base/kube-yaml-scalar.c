/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-yaml-scalar-private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *words; /* separated by spaces */
  KubeYamlType type;
  double value;
} Words;

static const Words reserved[] = {
  { "~ null Null NULL", KUBE_YAML_NULL, 0 },
  { "y Y yes Yes YES true True TRUE on On ON", KUBE_YAML_BOOLEAN, 1 },
  { "n N no No NO false False FALSE off Off OFF", KUBE_YAML_BOOLEAN, 0 },
  { ".nan .NaN .NAN", KUBE_YAML_FLOAT, NAN },
  { ".inf .Inf .INF +.inf +.Inf +.INF", KUBE_YAML_FLOAT, INFINITY },
  { "-.inf -.Inf -.INF", KUBE_YAML_FLOAT, -INFINITY },
};

static gboolean
has_word (const char *words, const char *text, gsize length)
{
  for (const char *word = words; word != NULL; word = strchr (word, ' ')) {
    word += *word == ' ';
    if (strncmp (word, text, length) == 0 && (word[length] == ' ' || word[length] == '\0'))
      return TRUE;
  }
  return FALSE;
}

static gboolean
resolve_reserved (const char *text, gsize length, KubeYamlScalar *scalar)
{
  if (length > 5 || memchr (text, ' ', length) != NULL || memchr (text, '\0', length) != NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (reserved); i++) {
    if (!has_word (reserved[i].words, text, length))
      continue;
    scalar->type = reserved[i].type;
    if (scalar->type == KUBE_YAML_FLOAT)
      scalar->number = reserved[i].value;
    else
      scalar->integer = (gint64) reserved[i].value;
    return TRUE;
  }
  return FALSE;
}

/* Timestamps */

static gboolean
take_number (const char **p, guint max_digits, guint low, guint high, guint *value)
{
  guint digits = 0;

  for (*value = 0; digits < max_digits && g_ascii_isdigit (**p); digits++)
    *value = 10 * *value + (*(*p)++ - '0');
  return digits > 0 && *value >= low && *value <= high;
}

static gboolean
take_character (const char **p, char c)
{
  if (**p != c)
    return FALSE;
  (*p)++;
  return TRUE;
}

static gboolean
take_zone (const char **p)
{
  guint hours, minutes;

  if (take_character (p, 'Z'))
    return TRUE;
  if (!take_character (p, '+') && !take_character (p, '-'))
    return FALSE;
  return g_ascii_isdigit ((*p)[0]) && g_ascii_isdigit ((*p)[1]) && take_number (p, 2, 0, 24, &hours) && take_character (p, ':')
         && g_ascii_isdigit ((*p)[0]) && g_ascii_isdigit ((*p)[1]) && take_number (p, 2, 0, 60, &minutes);
}

static gboolean
take_time (const char **p)
{
  guint hour, minute, second;

  if (!take_number (p, 2, 0, 23, &hour) || !take_character (p, ':') || !take_number (p, 2, 0, 59, &minute)
      || !take_character (p, ':') || !take_number (p, 2, 0, 59, &second))
    return FALSE;
  if ((**p == '.' || **p == ',') && g_ascii_isdigit ((*p)[1])) {
    for ((*p)++; g_ascii_isdigit (**p);)
      (*p)++;
  }
  return TRUE;
}

/* @text is NUL-terminated at its length. */
static gboolean
is_timestamp (const char *text, gsize length)
{
  const char *p = text;
  guint year, month, day;

  if (length < 8 || strspn (text, "0123456789") != 4 || text[4] != '-')
    return FALSE;
  if (!take_number (&p, 4, 0, 9999, &year) || !take_character (&p, '-') || !take_number (&p, 2, 1, 12, &month)
      || !take_character (&p, '-') || !take_number (&p, 2, 1, 31, &day))
    return FALSE;
  if (day > g_date_get_days_in_month (month, year % 400 != 0 ? year % 400 : 400))
    return FALSE;
  if (*p == 'T' || *p == 't') {
    p++;
    return take_time (&p) && take_zone (&p) && p == text + length;
  }
  if (*p == ' ') {
    p += strspn (p, " ");
    return take_time (&p) && p == text + length;
  }
  return p == text + length;
}

/* Numbers */

/* Go's rules for numbers of base 0: 0x, 0o, 0b, and a leading 0 for octal. */
static gboolean
resolve_integer (const char *plain, KubeYamlScalar *scalar)
{
  gboolean negative = *plain == '-';
  const char *digits = plain + (*plain == '-' || *plain == '+');
  guint64 value;
  int base = 10;
  char *end;

  if (digits[0] == '0' && digits[1] != '\0') {
    char prefix = g_ascii_tolower (digits[1]);

    base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
    digits += prefix == 'x' || prefix == 'b' || prefix == 'o' ? 2 : 1;
  }
  if (!g_ascii_isxdigit (*digits))
    return FALSE;
  errno = 0;
  value = strtoull (digits, &end, base);
  if (errno != 0 || *end != '\0' || end == digits || (base == 16 && strpbrk (digits, "xX") != NULL))
    return FALSE;
  if (negative && value > (guint64) G_MAXINT64 + 1)
    return FALSE;
  if (value > G_MAXINT64 && !negative) {
    if (*plain == '+')
      return FALSE;
    scalar->type = KUBE_YAML_UNSIGNED;
    scalar->natural = value;
    return TRUE;
  }
  scalar->type = KUBE_YAML_INTEGER;
  scalar->natural = negative ? -value : value;
  return TRUE;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static gboolean
is_float (const char *p)
{
  gsize whole, fraction = 0;

  p += *p == '-' || *p == '+';
  whole = strspn (p, "0123456789");
  p += whole;
  if (*p == '.') {
    fraction = strspn (p + 1, "0123456789");
    p += 1 + fraction;
  }
  if (whole + fraction == 0)
    return FALSE;
  if (*p == 'e' || *p == 'E') {
    p++;
    p += *p == '-' || *p == '+';
    if (!g_ascii_isdigit (*p))
      return FALSE;
    p += strspn (p, "0123456789");
  }
  return *p == '\0';
}

static gboolean
resolve_float (const char *plain, KubeYamlScalar *scalar)
{
  double number;

  if (!is_float (plain))
    return FALSE;
  number = g_ascii_strtod (plain, NULL);
  if (!isfinite (number))
    return FALSE;
  scalar->type = KUBE_YAML_FLOAT;
  scalar->number = number;
  return TRUE;
}

/* Go's own syntax, in which underscores stand between digits. */
static void
resolve_fraction (const char *text, gsize length, KubeYamlScalar *scalar)
{
  g_autofree char *plain = g_malloc (length + 1);
  gsize n = 0;

  for (gsize i = 0; i < length; i++) {
    if (text[i] == '_' && (!g_ascii_isdigit (text[i - 1]) || !g_ascii_isdigit (text[i + 1])))
      return;
    if (text[i] != '_')
      plain[n++] = text[i];
  }
  plain[n] = '\0';
  if (strlen (plain) == n)
    resolve_float (plain, scalar);
}

static gboolean
resolve_number (const char *text, gsize length, KubeYamlScalar *scalar)
{
  g_autofree char *longer = NULL;
  char buffer[128];
  char *plain = buffer;
  gsize n = 0;

  if (memchr (text, '\0', length) != NULL)
    return FALSE;
  if (is_timestamp (text, length)) {
    scalar->type = KUBE_YAML_TIMESTAMP;
    return TRUE;
  }
  if (length >= sizeof buffer)
    plain = longer = g_malloc (length + 1);
  for (gsize i = 0; i < length; i++) {
    if (text[i] != '_')
      plain[n++] = text[i];
  }
  plain[n] = '\0';
  return resolve_integer (plain, scalar) || resolve_float (plain, scalar);
}

void
kube_yaml_resolve (const char *text, gsize length, KubeYamlScalar *scalar)
{
  scalar->type = KUBE_YAML_STRING;
  scalar->integer = 0;
  if (length == 0) {
    scalar->type = KUBE_YAML_NULL;
    return;
  }
  if (strchr ("yYnNtTfFoO~.+-0123456789", text[0]) == NULL || resolve_reserved (text, length, scalar))
    return;
  if (text[0] == '.')
    resolve_fraction (text, length, scalar);
  else if (g_ascii_isdigit (text[0]) || text[0] == '-' || text[0] == '+')
    resolve_number (text, length, scalar);
}

/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? */
gboolean
kube_yaml_is_base60 (const char *text, gsize length)
{
  const char *p = text + (*text == '-' || *text == '+');

  if (!g_ascii_isdigit (*p))
    return FALSE;
  p += strspn (p, "0123456789_");
  if (*p != ':')
    return FALSE;
  while (*p == ':') {
    gsize digits = strspn (++p, "0123456789");

    if (digits == 0 || digits > 2 || (digits == 2 && *p > '5'))
      return FALSE;
    p += digits;
  }
  if (*p == '.')
    p += 1 + strspn (p + 1, "0123456789_");
  return p == text + length;
}

/* Printing floats */

/* The fewest digits that read back as @number, without point; returns the decimal exponent of the first. */
static int
shortest_digits (double number, int bits, char *digits)
{
  char text[64], format[16];

  for (int precision = 1; precision <= 17; precision++) {
    double back;

    g_snprintf (format, sizeof format, "%%.%de", precision - 1);
    g_ascii_formatd (text, sizeof text, format, number);
    back = g_ascii_strtod (text, NULL);
    if (bits == 32 ? (float) back == (float) number : back == number)
      break;
  }
  for (const char *p = text; *p != 'e'; p++) {
    if (g_ascii_isdigit (*p))
      *digits++ = *p;
  }
  *digits = '\0';
  return atoi (strchr (text, 'e') + 1);
}

static void
put_exponent (char *out, gsize size, const char *digits, int exponent, const char *format)
{
  g_snprintf (out, size, digits[1] != '\0' ? "%c.%s" : "%c", digits[0], digits + 1);
  g_snprintf (out + strlen (out), size - strlen (out), format, exponent < 0 ? '-' : '+', ABS (exponent));
}

static void
put_plain (char *out, const char *digits, int exponent)
{
  int n = strlen (digits);

  if (exponent < 0) {
    out += g_snprintf (out, 16, "0.%.*s", -exponent - 1, "00000000");
    strcpy (out, digits);
    return;
  }
  for (int i = 0; i <= exponent || i < n; i++) {
    if (i == exponent + 1)
      *out++ = '.';
    *out++ = i < n ? digits[i] : '0';
  }
  *out = '\0';
}

void
kube_yaml_format_float (double number, int bits, char *out)
{
  char digits[32];
  int exponent;

  if (!isfinite (number)) {
    strcpy (out, isnan (number) ? ".nan" : number < 0 ? "-.inf" : ".inf");
    return;
  }
  if (signbit (number))
    *out++ = '-';
  exponent = shortest_digits (fabs (number), bits, digits);
  if (exponent < -4 || exponent >= 6)
    put_exponent (out, KUBE_YAML_FLOAT_SIZE - 1, digits, exponent, "e%c%02d");
  else
    put_plain (out, digits, exponent);
}

gboolean
kube_yaml_format_json_float (double number, char *out)
{
  char digits[32];
  int exponent;

  if (!isfinite (number))
    return FALSE;
  if (signbit (number))
    *out++ = '-';
  number = fabs (number);
  exponent = shortest_digits (number, 64, digits);
  if (number != 0 && (number < 1e-6 || number >= 1e21))
    put_exponent (out, KUBE_YAML_FLOAT_SIZE - 1, digits, exponent, "e%c%d");
  else
    put_plain (out, digits, exponent);
  return TRUE;
}
