/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-definition-private.h"

/* The formats of strings that schemas may ask for. */

static gboolean
is_duration (const char *text)
{
  /* As Go reads it, or with words: `3 hours`. */
  return g_regex_match_simple ("^\\s*(\\d+(\\.\\d+)?\\s*(ns|nano(second)?s?|us|µs|µs|micro(second)?s?|ms|milli(second)?s?|s|sec(ond)?s?|m|min(ute)?s?"
                               "|h|hrs?|hours?|d|days?|w|wks?|weeks?)\\s*)+$",
                               text, G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0)
         || equals (text, "0");
}

static gboolean
is_date (const char *text)
{
  guint64 year, month, day;

  if (!g_regex_match_simple ("^\\d{4}-\\d\\d-\\d\\d$", text, G_REGEX_DOLLAR_ENDONLY, 0))
    return FALSE;
  year = g_ascii_strtoull (text, NULL, 10);
  month = g_ascii_strtoull (text + strlen ("2006-"), NULL, 10);
  day = g_ascii_strtoull (text + strlen ("2006-01-"), NULL, 10);
  /* GLib's calendar has no year 0, which was a leap year. */
  return g_date_valid_dmy ((GDateDay) day, (GDateMonth) month, (GDateYear) (year > 0 ? year : 2000));
}

static gboolean
is_date_time (const char *text)
{
  gsize length = strcspn (text, "tT");
  g_autofree char *date = g_strndup (text, length);

  return text[length] != '\0' && is_date (date)
         && g_regex_match_simple ("^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(.\\d+)?(z|[+-]\\d\\d:\\d\\d)$", text + length + 1,
                                  G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
is_ipv4 (const char *text)
{
  int family;

  return kube_validate_is_ip (text, &family) && strchr (text, ':') == NULL;
}

static gboolean
is_ipv6 (const char *text)
{
  int family;

  return kube_validate_is_ip (text, &family) && strchr (text, ':') != NULL;
}

static gboolean
is_cidr (const char *text)
{
  int family, prefix;

  return kube_validate_is_cidr (text, &family, &prefix);
}

static gboolean
is_short_name (const char *text)
{
  return kube_name_is_valid (KUBE_NAME_DNS1123_LABEL, text);
}

static gboolean
is_long_name (const char *text)
{
  return kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, text);
}

static const struct {
  const char *name; /* without dashes */
  const char *pattern;
  gboolean (*is_valid) (const char *text);
} formats[] = {
  { "bsonobjectid", "^[0-9a-f]{24}$", NULL },
  { "byte", "^(?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=|[a-z0-9+/]{4})$", NULL },
  { "cidr", NULL, is_cidr },
  { "date", NULL, is_date },
  { "datetime", NULL, is_date_time },
  { "duration", NULL, is_duration },
  { "hexcolor", "^#?([0-9a-f]{3}|[0-9a-f]{6})$", NULL },
  { "ipv4", NULL, is_ipv4 },
  { "ipv6", NULL, is_ipv6 },
  { "k8slongname", NULL, is_long_name },
  { "k8sshortname", NULL, is_short_name },
  { "ssn", "^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$", NULL },
  { "uuid", "^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$", NULL },
  { "uuid3", "^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$", NULL },
  { "uuid4", "^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$", NULL },
  { "uuid5", "^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$", NULL },
};

gboolean
kube_schema_format_accepts (const char *format, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (format, "-", -1);
  g_autofree char *plain = g_strjoinv (NULL, parts);

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (!equals (formats[i].name, plain))
      continue;
    return formats[i].is_valid != NULL ? formats[i].is_valid (text)
                                       : g_regex_match_simple (formats[i].pattern, text, G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0);
  }
  return TRUE;
}
