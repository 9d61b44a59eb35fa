/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-time.h>
#include <string>
#include <time.h>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;

std::string
parse (const char *text, bool micro = false)
{
  gint64 t = 0;
  GError *error = NULL;
  gboolean ok = micro ? kube_time_parse_micro (text, &t, &error) : kube_time_parse (text, &t, &error);
  char out[KUBE_TIME_STRING_SIZE];
  std::string result = ok ? kube_time_format_micro (t, out) : error->message;
  g_clear_error (&error);
  return result;
}

std::string
age (gint64 microseconds)
{
  char *text = kube_time_print_age (microseconds);
  std::string result = text;
  g_free (text);
  return result;
}

}

TEST (KubeTime, FormatsAgreeWithTheCLibrary)
{
  char out[KUBE_TIME_STRING_SIZE], want[64];
  for (gint64 t = -62135596800; t < 253402300800; t += 86400 * 37 + 4711) {
    struct tm tm;
    time_t seconds = t;
    gmtime_r (&seconds, &tm);
    g_snprintf (want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                tm.tm_min, tm.tm_sec);
    ASSERT_STREQ (kube_time_format (t * second, out), want);
    gint64 back;
    ASSERT_TRUE (kube_time_parse (want, &back, NULL));
    ASSERT_EQ (back, t * second) << want;
  }
  EXPECT_STREQ (kube_time_format_micro (1767323045 * second + 6, out), "2026-01-02T03:04:05.000006Z");
  EXPECT_STREQ (kube_time_format_micro (-1, out), "1969-12-31T23:59:59.999999Z");
  EXPECT_STREQ (kube_time_format (G_MAXINT64, out), "9999-12-31T23:59:59Z");
}

TEST (KubeTime, ParsesWhatGoParses)
{
  EXPECT_EQ (parse ("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05.000000Z");
  EXPECT_EQ (parse ("2026-01-02T3:04:05Z"), "2026-01-02T03:04:05.000000Z");
  EXPECT_EQ (parse ("2026-01-02T03:04:05+02:00"), "2026-01-02T01:04:05.000000Z");
  EXPECT_EQ (parse ("2026-01-02T03:04:05-23:30"), "2026-01-03T02:34:05.000000Z");
  EXPECT_EQ (parse ("2026-01-02T03:04:05.5Z"), "2026-01-02T03:04:05.500000Z");
  EXPECT_EQ (parse ("2026-01-02T03:04:05,123456789Z"), "2026-01-02T03:04:05.123456Z");
  EXPECT_EQ (parse ("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000000Z");
  EXPECT_EQ (parse ("2026-01-02T03:04:05.000006Z", true), "2026-01-02T03:04:05.000006Z");
}

TEST (KubeTime, RefusesInGosWords)
{
  const std::string as = " as \"2006-01-02T15:04:05Z07:00\": cannot parse ";
  EXPECT_EQ (parse ("x"), "parsing time \"x\"" + as + "\"x\" as \"2006\"");
  EXPECT_EQ (parse (""), "parsing time \"\"" + as + "\"\" as \"2006\"");
  EXPECT_EQ (parse ("2026-01-02"), "parsing time \"2026-01-02\"" + as + "\"\" as \"T\"");
  EXPECT_EQ (parse ("2026-1-02T00:00:00Z"), "parsing time \"2026-1-02T00:00:00Z\"" + as + "\"1-02T00:00:00Z\" as \"01\"");
  EXPECT_EQ (parse ("2026-13-01T00:00:00Z"), "parsing time \"2026-13-01T00:00:00Z\": month out of range");
  EXPECT_EQ (parse ("2026-02-29T00:00:00Z"), "parsing time \"2026-02-29T00:00:00Z\": day out of range");
  EXPECT_EQ (parse ("2026-01-01T24:00:00Z"), "parsing time \"2026-01-01T24:00:00Z\": hour out of range");
  EXPECT_EQ (parse ("2026-01-01T00:00:60Z"), "parsing time \"2026-01-01T00:00:60Z\": second out of range");
  EXPECT_EQ (parse ("2026-01-01T00:00:00Zx"), "parsing time \"2026-01-01T00:00:00Zx\": extra text: \"x\"");
  EXPECT_EQ (parse ("2026-01-01T00:00:00"), "parsing time \"2026-01-01T00:00:00\"" + as + "\"\" as \"Z07:00\"");
  EXPECT_EQ (parse ("\"\xc3"), "parsing time \"\\\"\\xc3\"" + as + "\"\\\"\\xc3\" as \"2006\"");
  EXPECT_EQ (parse ("1500m"), "parsing time \"1500m\"" + as + "\"m\" as \"-\"");
}

TEST (KubeTime, NoTextIsNoTime)
{
  g_autoptr (GError) error = nullptr;
  gint64 time = 7;

  EXPECT_FALSE (kube_time_parse (nullptr, &time, &error));
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
  EXPECT_FALSE (kube_time_parse_micro (nullptr, &time, nullptr));
  EXPECT_EQ (time, 7);
}

TEST (KubeTime, MicroTimeWantsSixDigits)
{
  const std::string as = " as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse ";
  EXPECT_EQ (parse ("2026-01-02T03:04:05Z", true), "parsing time \"2026-01-02T03:04:05Z\"" + as + "\"Z\" as \".000000\"");
  EXPECT_EQ (parse ("2026-01-02T03:04:05+02:00", true),
             "parsing time \"2026-01-02T03:04:05+02:00\"" + as + "\"+02:00\" as \".000000\"");
  EXPECT_EQ (parse ("2026-01-02T03:04:05.123456789Z", true),
             "parsing time \"2026-01-02T03:04:05.123456789Z\"" + as + "\"789Z\" as \"Z07:00\"");
  EXPECT_EQ (parse ("2026-01-02T03:04:05.000000Zx", true), "parsing time \"2026-01-02T03:04:05.000000Zx\": extra text: \"x\"");
}

TEST (KubeTime, AgesAreKubectls)
{
  const gint64 minute = 60 * second, hour = 60 * minute, day = 24 * hour, year = 365 * day;
  const std::pair<gint64, const char *> cases[] = {
    { -2 * second, "<invalid>" },
    { -second, "0s" },
    { 0, "0s" },
    { 119 * second, "119s" },
    { 2 * minute, "2m" },
    { 2 * minute + second, "2m1s" },
    { 9 * minute + 59 * second, "9m59s" },
    { 10 * minute + second, "10m" },
    { 179 * minute, "179m" },
    { 3 * hour, "3h" },
    { 7 * hour + 59 * minute, "7h59m" },
    { 8 * hour + minute, "8h" },
    { 47 * hour, "47h" },
    { 2 * day, "2d" },
    { 2 * day + 4 * hour, "2d4h" },
    { 8 * day + hour, "8d" },
    { 400 * day, "400d" },
    { 2 * year, "2y" },
    { 2 * year + day, "2y1d" },
    { 8 * year + day, "8y" },
  };
  for (const auto &[t, want] : cases)
    EXPECT_EQ (age (t), want);
}
