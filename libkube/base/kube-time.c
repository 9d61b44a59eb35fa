/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>

#include <string.h>

#define RFC3339_LAYOUT "2006-01-02T15:04:05Z07:00"
#define MICRO_LAYOUT "2006-01-02T15:04:05.000000Z07:00"

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar; years counted from March, eras of 400 years. */
static gint64
days_from_civil (int year, int month, int day)
{
  gint64 y = year - (month <= 2);
  gint64 era = (y >= 0 ? y : y - 399) / 400;
  int year_of_era = y - era * 400;
  int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void
civil_from_days (gint64 days, int *year, int *month, int *day)
{
  days += 719468;
  gint64 era = (days >= 0 ? days : days - 146096) / 146097;
  int day_of_era = days - era * 146097;
  int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int shifted = (5 * day_of_year + 2) / 153;

  *day = day_of_year - (153 * shifted + 2) / 5 + 1;
  *month = shifted < 10 ? shifted + 3 : shifted - 9;
  *year = year_of_era + era * 400 + (*month <= 2);
}

#define YEAR_1 (-62135596800 * G_USEC_PER_SEC)
#define YEAR_10000 (253402300800 * G_USEC_PER_SEC)

/* Writes @n digits of @number; returns what is behind them. */
static char *
put_digits (char *out, int number, int n)
{
  for (int i = n; i > 0; i--) {
    out[i - 1] = '0' + number % 10;
    number /= 10;
  }
  return out + n;
}

static char *
put_char (char *out, char c)
{
  *out = c;
  return out + 1;
}

static const char *
format_time (gint64 microseconds, gboolean micro, char out[KUBE_TIME_STRING_SIZE])
{
  int year, month, day;
  char *at = out;

  /* RFC 3339 has four digits for a year. */
  microseconds = CLAMP (microseconds, YEAR_1, YEAR_10000 - 1);
  gint64 seconds = microseconds / G_USEC_PER_SEC;
  int fraction = microseconds % G_USEC_PER_SEC;
  if (fraction < 0) {
    fraction += G_USEC_PER_SEC;
    seconds--;
  }
  gint64 days = seconds / 86400;
  int in_day = seconds % 86400;
  if (in_day < 0) {
    in_day += 86400;
    days--;
  }
  civil_from_days (days, &year, &month, &day);
  at = put_digits (at, year, 4);
  at = put_digits (put_char (at, '-'), month, 2);
  at = put_digits (put_char (at, '-'), day, 2);
  at = put_digits (put_char (at, 'T'), in_day / 3600, 2);
  at = put_digits (put_char (at, ':'), in_day / 60 % 60, 2);
  at = put_digits (put_char (at, ':'), in_day % 60, 2);
  if (micro)
    at = put_digits (put_char (at, '.'), fraction, 6);
  *put_char (at, 'Z') = '\0';
  return out;
}

/**
 * kube_time_format: (skip)
 * @microseconds: since the epoch, UTC
 * @out: where to write
 *
 * Returns: @out, as `2026-01-02T03:04:05Z`
 * Since: 1.0
 */
const char *
kube_time_format (gint64 microseconds, char out[KUBE_TIME_STRING_SIZE])
{
  return format_time (microseconds, FALSE, out);
}

/**
 * kube_time_format_micro: (skip)
 * @microseconds: since the epoch, UTC
 * @out: where to write
 *
 * Returns: @out, as `2026-01-02T03:04:05.000006Z`
 * Since: 1.0
 */
const char *
kube_time_format_micro (gint64 microseconds, char out[KUBE_TIME_STRING_SIZE])
{
  return format_time (microseconds, TRUE, out);
}

/* A text while it is read, with what Go's time.Parse would say of it. */
typedef struct {
  const char *text;
  const char *layout;
  const char *rest;
  const char *range; /* (nullable): what was out of range */
} TimeReader;

static void
append_quoted (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_printf (out, "\\%c", *c);
    else if (*c < ' ' || *c > '~')
      g_string_append_printf (out, "\\x%02x", (guchar) *c);
    else
      g_string_append_c (out, *c);
  }
  g_string_append_c (out, '"');
}

static gboolean
fail_message (const TimeReader *reader, const char *message, const char *quoted, GError **error)
{
  g_autoptr (GString) out = g_string_new ("parsing time ");

  append_quoted (out, reader->text);
  g_string_append (out, message);
  if (quoted != NULL)
    append_quoted (out, quoted);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, out->str);
  return FALSE;
}

static gboolean
fail_element (const TimeReader *reader, const char *at, const char *element, GError **error)
{
  g_autoptr (GString) out = g_string_new (" as ");

  append_quoted (out, reader->layout);
  g_string_append (out, ": cannot parse ");
  append_quoted (out, at);
  g_string_append (out, " as ");
  return fail_message (reader, out->str, element, error);
}

static gboolean
read_literal (TimeReader *reader, const char *literal, GError **error)
{
  if (*reader->rest != *literal)
    return fail_element (reader, reader->rest, literal, error);
  reader->rest++;
  return TRUE;
}

/* A number of two digits, or of one where @fixed is not set. */
static gboolean
read_number (TimeReader *reader, const char *element, gboolean fixed, int *number, GError **error)
{
  const char *s = reader->rest;

  if (!g_ascii_isdigit (s[0]) || (fixed && !g_ascii_isdigit (s[1])))
    return fail_element (reader, s, element, error);
  *number = s[0] - '0';
  reader->rest++;
  if (g_ascii_isdigit (s[1])) {
    *number = *number * 10 + s[1] - '0';
    reader->rest++;
  }
  return TRUE;
}

static gboolean
check_range (TimeReader *reader, int number, int min, int max, const char *what, GError **error)
{
  if (number >= min && number <= max)
    return TRUE;
  g_autofree char *message = g_strdup_printf (": %s out of range", what);
  return fail_message (reader, message, NULL, error);
}

static gboolean
read_year (TimeReader *reader, int *year, GError **error)
{
  const char *s = reader->rest;

  for (guint i = 0; i < 4; i++) {
    if (!g_ascii_isdigit (s[i]))
      return fail_element (reader, s, "2006", error);
  }
  *year = (s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0';
  reader->rest += 4;
  return TRUE;
}

/* Digits after a point, as many as there are (or exactly six where the layout has them), down to microseconds. */
static gboolean
read_fraction (TimeReader *reader, gboolean micro, int *microseconds, GError **error)
{
  const char *s = reader->rest;
  gboolean point = s[0] == '.' || s[0] == ',';
  guint digits = 0;

  *microseconds = 0;
  if (point && (micro || g_ascii_isdigit (s[1]))) {
    while (g_ascii_isdigit (s[1 + digits]) && !(micro && digits == 6))
      digits++;
  }
  if (micro && digits < 6)
    return fail_element (reader, s, ".000000", error);
  if (digits == 0)
    return TRUE;
  for (guint i = 0; i < 6; i++)
    *microseconds = *microseconds * 10 + (i < digits ? s[1 + i] - '0' : 0);
  reader->rest += 1 + digits;
  return TRUE;
}

/* Z or an offset like +01:00, in seconds. */
static gboolean
read_zone (TimeReader *reader, int *offset, GError **error)
{
  const char *s = reader->rest;

  *offset = 0;
  if (*s == 'Z') {
    reader->rest++;
    return TRUE;
  }
  if (strnlen (s, 6) < 6 || s[3] != ':' || (s[0] != '+' && s[0] != '-') || !g_ascii_isdigit (s[1]) || !g_ascii_isdigit (s[2])
      || !g_ascii_isdigit (s[4]) || !g_ascii_isdigit (s[5]))
    return fail_element (reader, s, "Z07:00", error);
  int hours = (s[1] - '0') * 10 + s[2] - '0', minutes = (s[4] - '0') * 10 + s[5] - '0';
  reader->rest += 6;
  if (!check_range (reader, hours, 0, 24, "time zone offset hour", error)
      || !check_range (reader, minutes, 0, 60, "time zone offset minute", error))
    return FALSE;
  *offset = (hours * 60 + minutes) * 60 * (s[0] == '-' ? -1 : 1);
  return TRUE;
}

static int
days_in_month (int year, int month)
{
  static const guint8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  gboolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[month - 1];
}

static gboolean
parse_time (const char *text, gboolean micro, gint64 *microseconds, GError **error)
{
  TimeReader reader = { .text = text == NULL ? "" : text, .layout = micro ? MICRO_LAYOUT : RFC3339_LAYOUT, .rest = text == NULL ? "" : text };
  TimeReader *r = &reader;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0, offset = 0;

  if (!read_year (r, &year, error) || !read_literal (r, "-", error) || !read_number (r, "01", TRUE, &month, error)
      || !check_range (r, month, 1, 12, "month", error) || !read_literal (r, "-", error)
      || !read_number (r, "02", TRUE, &day, error) || !read_literal (r, "T", error) || !read_number (r, "15", FALSE, &hour, error)
      || !check_range (r, hour, 0, 23, "hour", error) || !read_literal (r, ":", error)
      || !read_number (r, "04", TRUE, &minute, error) || !check_range (r, minute, 0, 59, "minute", error)
      || !read_literal (r, ":", error) || !read_number (r, "05", TRUE, &second, error)
      || !check_range (r, second, 0, 59, "second", error) || !read_fraction (r, micro, &fraction, error)
      || !read_zone (r, &offset, error))
    return FALSE;
  if (*r->rest != '\0')
    return fail_message (r, ": extra text: ", r->rest, error);
  if (!check_range (r, day, 1, days_in_month (year, month), "day", error))
    return FALSE;

  gint64 seconds = days_from_civil (year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  *microseconds = seconds * G_USEC_PER_SEC + fraction;
  return TRUE;
}

/**
 * kube_time_parse:
 * @text: (nullable): an RFC 3339 time; %NULL is none, as an empty text is
 * @microseconds: (out): since the epoch, UTC; what is finer is cut off
 * @error: %KUBE_ERROR_BAD_REQUEST, worded as Go's time.Parse words it
 *
 * Returns: whether @text is a time
 * Since: 1.0
 */
gboolean
kube_time_parse (const char *text, gint64 *microseconds, GError **error)
{
  return parse_time (text, FALSE, microseconds, error);
}

/**
 * kube_time_parse_micro:
 * @text: (nullable): an RFC 3339 time with exactly six digits of a second, as the API's MicroTime has it
 * @microseconds: (out): since the epoch, UTC
 * @error: %KUBE_ERROR_BAD_REQUEST, worded as Go's time.Parse words it
 *
 * Returns: whether @text is such a time
 * Since: 1.0
 */
gboolean
kube_time_parse_micro (const char *text, gint64 *microseconds, GError **error)
{
  return parse_time (text, TRUE, microseconds, error);
}

static char *
print_pair (gint64 big, const char *big_unit, gint64 small, const char *small_unit)
{
  return small == 0 ? g_strdup_printf ("%" G_GINT64_FORMAT "%s", big, big_unit)
                    : g_strdup_printf ("%" G_GINT64_FORMAT "%s%" G_GINT64_FORMAT "%s", big, big_unit, small, small_unit);
}

/**
 * kube_time_print_age:
 * @microseconds: a duration
 *
 * Returns: (transfer full): the duration as kubectl prints ages: two units while it is short, one when it is long
 * Since: 1.0
 */
char *
kube_time_print_age (gint64 microseconds)
{
  gint64 seconds = microseconds / G_USEC_PER_SEC;
  gint64 minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

  /* Clocks differ a little: a second in the future is now. */
  if (seconds < -1)
    return g_strdup ("<invalid>");
  if (seconds < 0)
    return g_strdup ("0s");
  if (seconds < 60 * 2)
    return print_pair (seconds, "s", 0, "");
  if (minutes < 10)
    return print_pair (minutes, "m", seconds % 60, "s");
  if (minutes < 60 * 3)
    return print_pair (minutes, "m", 0, "");
  if (hours < 8)
    return print_pair (hours, "h", minutes % 60, "m");
  if (hours < 48)
    return print_pair (hours, "h", 0, "");
  if (days < 8)
    return print_pair (days, "d", hours % 24, "h");
  if (days < 365 * 2)
    return print_pair (days, "d", 0, "");
  if (days < 365 * 8)
    return print_pair (days / 365, "y", days % 365, "d");
  return print_pair (days / 365, "y", 0, "");
}
