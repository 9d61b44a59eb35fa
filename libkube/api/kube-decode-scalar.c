/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-decode-private.h"
#include "kube-go-text.h"

#include <kube/kube-quantity.h>
#include <kube/kube-time.h>

#include <math.h>
#include <string.h>

#define ZERO_TIME (-G_GINT64_CONSTANT (62135596800) * G_USEC_PER_SEC) /* 0001-01-01, Go's zero time */
#define MICRO_LAYOUT "2006-01-02T15:04:05.000000Z07:00"

const char *
kube_decode_value_word (KubeValue *value)
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_NULL:
    return "null";
  case KUBE_VALUE_BOOLEAN:
    return "bool";
  case KUBE_VALUE_STRING:
    return "string";
  case KUBE_VALUE_ARRAY:
    return "array";
  case KUBE_VALUE_OBJECT:
    return "object";
  case KUBE_VALUE_INTEGER:
  case KUBE_VALUE_UNSIGNED:
  case KUBE_VALUE_NUMBER:
    break;
  }
  return "number";
}

/* Upstream's defaulting rounds resource lists up to milli when it reads them. */
int
kube_decode_min_scale (const KubeField *field)
{
  return field->scalar == KUBE_SCALAR_QUANTITY && field->shape == KUBE_SHAPE_MAP
                 && strcmp (field->go_type, "v1.ResourceList") == 0
             ? -3
             : -9;
}

static gboolean
is_number (KubeValue *value)
{
  KubeValueType type = kube_value_get_value_type (value);

  return type == KUBE_VALUE_INTEGER || type == KUBE_VALUE_UNSIGNED || type == KUBE_VALUE_NUMBER;
}

static KubeDecodeFault
wrong_type (KubeValue *value, const char *wanted, GString *detail, const char **go_type)
{
  g_string_assign (detail, kube_decode_value_word (value));
  *go_type = wanted;
  return KUBE_DECODE_TYPE;
}

static void
set_text (KubeDecodeScalar *out, const char *text, gsize length)
{
  out->type = KUBE_VALUE_STRING;
  out->text = text;
  out->length = length;
}

static KubeDecodeFault
read_integer (KubeValue *value, gint64 minimum, gint64 maximum, const char *wanted, KubeDecodeScalar *out, GString *detail,
              const char **go_type)
{
  gint64 integer = kube_value_get_integer (value, NULL, 0);

  if (!is_number (value))
    return wrong_type (value, wanted, detail, go_type);
  if (kube_value_get_value_type (value) == KUBE_VALUE_INTEGER && integer >= minimum && integer <= maximum) {
    out->type = KUBE_VALUE_INTEGER;
    out->integer = integer;
    return KUBE_DECODE_GOOD;
  }
  g_string_assign (detail, "number ");
  kube_value_print_to (value, detail);
  *go_type = wanted;
  return KUBE_DECODE_TYPE;
}

static KubeDecodeFault
read_string (KubeValue *value, KubeDecodeScalar *out, GString *detail, const char **go_type)
{
  const char *text = kube_value_peek_string (value, &out->length);

  if (text == NULL)
    return wrong_type (value, "string", detail, go_type);
  set_text (out, text, out->length);
  return KUBE_DECODE_GOOD;
}

/* As Go prints a float64 in JSON: the shortest digits that read back the same, and zeros. */
static void
format_double (double number, KubeDecodeScalar *out)
{
  char digits[32], *exponent;
  double size = fabs (number);
  guint n = 0;
  int point;

  for (int precision = 0; precision <= 16; precision++) {
    g_ascii_formatd (out->buffer, sizeof out->buffer, (char[]){ '%', '.', '0' + precision / 10, '0' + precision % 10, 'e', '\0' }, number);
    if (g_ascii_strtod (out->buffer, NULL) == number)
      break;
  }
  exponent = strchr (out->buffer, 'e');
  out->type = KUBE_VALUE_NUMBER;
  out->text = out->buffer;
  if (number == 0 || (size >= 1e-6 && size < 1e21)) {
    for (const char *p = out->buffer; p < exponent; p++)
      if (g_ascii_isdigit (*p))
        digits[n++] = *p;
    digits[n] = '\0';
    point = atoi (exponent + 1) + 1; /* how many digits stand before the point */
    if (point <= 0)
      g_snprintf (out->buffer, sizeof out->buffer, "%s0.%.*s%s", number < 0 ? "-" : "", -point, "00000", digits);
    else if ((guint) point >= n)
      g_snprintf (out->buffer, sizeof out->buffer, "%s%s%.*s", number < 0 ? "-" : "", digits, point - (int) n, "00000000000000000000");
    else
      g_snprintf (out->buffer, sizeof out->buffer, "%s%.*s.%s", number < 0 ? "-" : "", point, digits, digits + point);
  } else if (exponent[2] == '0') { /* e-07 is e-7 */
    memmove (exponent + 2, exponent + 3, strlen (exponent + 3) + 1);
  }
  out->length = strlen (out->buffer);
  if (strpbrk (out->buffer, ".e") == NULL && size < 9e18) {
    out->type = KUBE_VALUE_INTEGER;
    out->integer = (gint64) number;
  }
}

static KubeDecodeFault
read_double (KubeValue *value, KubeDecodeScalar *out, GString *detail, const char **go_type)
{
  double number;

  if (!is_number (value))
    return wrong_type (value, "float64", detail, go_type);
  number = kube_value_get_double (value, NULL, 0);
  if (isfinite (number)) {
    format_double (number, out);
    return KUBE_DECODE_GOOD;
  }
  g_string_assign (detail, "number ");
  kube_value_print_to (value, detail);
  *go_type = "float64";
  return KUBE_DECODE_TYPE;
}

static int
base64_digit (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static gsize
skip_line_ends (const char *text, gsize at, gsize length)
{
  while (at < length && (text[at] == '\r' || text[at] == '\n'))
    at++;
  return at;
}

/* The byte that Go's decoder complains of, or -1. Line ends count as nothing, padding is a must. */
static gssize
base64_check (const char *text, gsize length)
{
  gsize at = 0;

  for (;;)
    for (guint digit = 0; digit < 4; digit++) {
      at = skip_line_ends (text, at, length);
      if (at == length)
        return digit == 0 ? -1 : (gssize)(length - digit);
      if (base64_digit (text[at++]) >= 0)
        continue;
      if (text[at - 1] != '=' || digit < 2)
        return at - 1;
      at = skip_line_ends (text, at, length);
      if (digit == 2) {
        if (at == length)
          return length;
        if (text[at] != '=')
          return at - 1;
        at = skip_line_ends (text, at + 1, length);
      }
      return at < length ? (gssize)at : -1;
    }
}

/* Go takes a list of numbers for bytes, too. */
static KubeDecodeFault
read_byte_list (KubeValue *value, KubeDecodeScalar *out, GString *detail, const char **go_type)
{
  guint n = kube_value_get_length (value);
  g_autofree guchar *bytes = g_malloc (n + 1);

  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (value, i);
    KubeDecodeScalar byte = { .integer = 0 };
    KubeDecodeFault fault = kube_value_is_null (element) ? KUBE_DECODE_GOOD : read_integer (element, 0, 255, "uint8", &byte, detail, go_type);

    if (fault != KUBE_DECODE_GOOD)
      return fault;
    bytes[i] = (guchar) byte.integer;
  }
  out->owned = g_base64_encode (bytes, n);
  set_text (out, out->owned, strlen (out->owned));
  return KUBE_DECODE_GOOD;
}

static KubeDecodeFault
read_bytes (KubeValue *value, KubeDecodeScalar *out, GString *detail, const char **go_type)
{
  gsize length, n;
  const char *text = kube_value_peek_string (value, &length);
  gssize bad;

  if (kube_value_is_array (value))
    return read_byte_list (value, out, detail, go_type);
  if (text == NULL)
    return wrong_type (value, "[]uint8", detail, go_type);
  bad = base64_check (text, length);
  if (bad >= 0) {
    g_string_printf (detail, "illegal base64 data at input byte %" G_GSSIZE_FORMAT, bad);
    return KUBE_DECODE_SAVED;
  }
  set_text (out, text, length);
  if (strcspn (text, "\r\n") < length) {
    g_autofree guchar *bytes = g_base64_decode (text, &n);

    out->owned = g_base64_encode (bytes, n);
    set_text (out, out->owned, strlen (out->owned));
  }
  return KUBE_DECODE_GOOD;
}

static KubeDecodeFault
fatal (GError *problem, GString *detail)
{
  g_string_assign (detail, problem->message);
  g_error_free (problem);
  return KUBE_DECODE_FATAL;
}

/* MicroTime's layout wants exactly six digits after the seconds, which the general parser does not. */
static gboolean
micro_time_check (const char *text, GString *detail)
{
  const char *hour = strchr (text, 'T'), *minute = hour != NULL ? strchr (hour, ':') : NULL, *second = minute != NULL ? strchr (minute + 1, ':') : NULL;
  const char *fraction = second != NULL && strlen (second) >= 3 ? second + 3 : "";
  gsize digits = fraction[0] == '.' || fraction[0] == ',' ? strspn (fraction + 1, "0123456789") : 0;

  if (digits == 6)
    return TRUE;
  g_string_printf (detail, "parsing time \"%s\" as \"" MICRO_LAYOUT "\": cannot parse \"%s\" as \".000000\"", text, fraction);
  if (digits > 6)
    g_string_printf (detail, "parsing time \"%s\" as \"" MICRO_LAYOUT "\": cannot parse \"%s\" as \"Z07:00\"", text,
                     fraction + 7);
  return FALSE;
}

static KubeDecodeFault
read_time (KubeValue *value, gboolean micro, KubeDecodeScalar *out, GString *detail, const char **go_type)
{
  const char *text = kube_value_peek_string (value, NULL);
  GError *problem = NULL;
  gint64 time;

  if (text == NULL) {
    wrong_type (value, "string", detail, go_type);
    return KUBE_DECODE_TYPE;
  }
  if (!kube_time_parse (text, &time, &problem)) {
    fatal (problem, detail);
    if (micro)
      g_string_replace (detail, "as \"2006-01-02T15:04:05Z07:00\"", "as \"" MICRO_LAYOUT "\"", 1);
    return KUBE_DECODE_FATAL;
  }
  if (micro && !micro_time_check (text, detail))
    return KUBE_DECODE_FATAL;
  if (time == ZERO_TIME) {
    out->type = KUBE_VALUE_NULL;
    return KUBE_DECODE_GOOD;
  }
  if (micro)
    kube_time_format_micro (time, out->buffer);
  else
    kube_time_format (time, out->buffer);
  set_text (out, out->buffer, strlen (out->buffer));
  return KUBE_DECODE_GOOD;
}

static KubeDecodeFault
read_duration (KubeValue *value, KubeDecodeScalar *out, GString *detail, const char **go_type)
{
  const char *text = kube_value_peek_string (value, NULL);
  g_autofree char *problem = NULL;

  if (text == NULL)
    return wrong_type (value, "string", detail, go_type);
  problem = kube_go_check_duration (text);
  if (problem != NULL) {
    g_string_assign (detail, problem);
    return KUBE_DECODE_FATAL;
  }
  set_text (out, text, strlen (text));
  return KUBE_DECODE_GOOD;
}

static KubeDecodeFault
read_quantity (KubeValue *value, int min_scale, KubeDecodeScalar *out, GString *detail)
{
  g_autofree char *printed = NULL;
  g_autofree char *trimmed = NULL;
  const char *text = kube_value_peek_string (value, NULL);
  GError *problem = NULL;

  if (text == NULL)
    text = printed = kube_value_print (value, NULL);
  if (g_ascii_isspace (text[0]) || (text[0] != '\0' && g_ascii_isspace (text[strlen (text) - 1])))
    text = trimmed = g_strstrip (g_strdup (text));
  out->owned = kube_quantity_canonicalize (text, min_scale, &problem);
  if (out->owned == NULL)
    return fatal (problem, detail);
  set_text (out, out->owned, strlen (out->owned));
  return KUBE_DECODE_GOOD;
}

KubeDecodeFault
kube_decode_read_scalar (KubeScalar scalar, int min_scale, KubeValue *value, KubeDecodeScalar *out, GString *detail,
                         const char **go_type)
{
  out->owned = NULL;
  out->integer = 0;
  switch (scalar) {
  case KUBE_SCALAR_STRING:
    return read_string (value, out, detail, go_type);
  case KUBE_SCALAR_BOOLEAN:
    if (kube_value_get_value_type (value) != KUBE_VALUE_BOOLEAN)
      return wrong_type (value, "bool", detail, go_type);
    out->type = KUBE_VALUE_BOOLEAN;
    out->integer = kube_value_get_boolean (value, NULL, FALSE);
    return KUBE_DECODE_GOOD;
  case KUBE_SCALAR_INT32:
    return read_integer (value, G_MININT32, G_MAXINT32, "int32", out, detail, go_type);
  case KUBE_SCALAR_INT64:
    return read_integer (value, G_MININT64, G_MAXINT64, "int64", out, detail, go_type);
  case KUBE_SCALAR_DOUBLE:
    return read_double (value, out, detail, go_type);
  case KUBE_SCALAR_BYTES:
    return read_bytes (value, out, detail, go_type);
  case KUBE_SCALAR_TIME:
  case KUBE_SCALAR_MICRO_TIME:
    return read_time (value, scalar == KUBE_SCALAR_MICRO_TIME, out, detail, go_type);
  case KUBE_SCALAR_DURATION:
    return read_duration (value, out, detail, go_type);
  case KUBE_SCALAR_QUANTITY:
    return read_quantity (value, min_scale, out, detail);
  case KUBE_SCALAR_INT_OR_STRING:
    if (kube_value_is_string (value))
      return read_string (value, out, detail, go_type);
    return read_integer (value, G_MININT32, G_MAXINT32, "int32", out, detail, go_type);
  case KUBE_SCALAR_ANY:
  case KUBE_SCALAR_STRUCT:
  case KUBE_SCALAR_STRUCT_OR_BOOLEAN:
  case KUBE_SCALAR_STRUCT_OR_LIST:
  case KUBE_SCALAR_STRUCT_OR_STRINGS:
    break;
  }
  g_return_val_if_reached (KUBE_DECODE_FATAL);
}
