/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-time.h>
#include <string>

extern "C" {
#include "kube-cron-schedule.h"
}

namespace {

/* The @n times after @start, one a line. */
std::string
Times (const char *schedule, const char *start, int n = 1, const char *zone = "UTC")
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeCronSchedule) parsed = kube_cron_schedule_new (schedule, zone, &error);
  char text[KUBE_TIME_STRING_SIZE];
  std::string all;
  gint64 time;

  if (parsed == nullptr)
    return error->message;
  EXPECT_TRUE (kube_time_parse (start, &time, nullptr));
  for (int i = 0; i < n; i++) {
    time = kube_cron_schedule_next (parsed, time);
    all += (i > 0 ? " " : "") + std::string (time < 0 ? "never" : kube_time_format (time, text));
    if (time < 0)
      break;
  }
  return all;
}

TEST (CronSchedule, FindsTheNextTime)
{
  EXPECT_EQ (Times ("* * * * *", "2026-01-02T03:04:05Z", 2), "2026-01-02T03:05:00Z 2026-01-02T03:06:00Z");
  EXPECT_EQ (Times ("* * * * *", "2026-01-02T03:04:00Z"), "2026-01-02T03:05:00Z");
  EXPECT_EQ (Times ("*/15 * * * *", "2026-01-02T03:44:59Z", 2), "2026-01-02T03:45:00Z 2026-01-02T04:00:00Z");
  EXPECT_EQ (Times ("5/20 8-10 * * *", "2026-01-02T10:30:00Z", 3), "2026-01-02T10:45:00Z 2026-01-03T08:05:00Z 2026-01-03T08:25:00Z");
  EXPECT_EQ (Times ("0 0 1 */3 *", "2026-01-02T00:00:00Z", 4), "2026-04-01T00:00:00Z 2026-07-01T00:00:00Z 2026-10-01T00:00:00Z 2027-01-01T00:00:00Z");
  EXPECT_EQ (Times ("59 23 31 12 ?", "2026-12-31T23:59:00Z"), "2027-12-31T23:59:00Z");
  EXPECT_EQ (Times ("0 0 29 feb *", "2026-01-01T00:00:00Z"), "2028-02-29T00:00:00Z");
  EXPECT_EQ (Times ("30 4 * JAN-mar Mon,wed", "2026-03-30T05:00:00Z", 2), "2027-01-04T04:30:00Z 2027-01-06T04:30:00Z");
}

TEST (CronSchedule, ADayFitsBothItsFieldsOnlyWhereOneIsAny)
{
  EXPECT_EQ (Times ("0 0 13 * fri", "2026-01-01T00:00:00Z", 3), "2026-01-02T00:00:00Z 2026-01-09T00:00:00Z 2026-01-13T00:00:00Z");
  EXPECT_EQ (Times ("0 0 * * fri", "2026-01-01T00:00:00Z", 2), "2026-01-02T00:00:00Z 2026-01-09T00:00:00Z");
  EXPECT_EQ (Times ("0 0 13 * *", "2026-01-01T00:00:00Z", 2), "2026-01-13T00:00:00Z 2026-02-13T00:00:00Z");
  /* a step is not "any" */
  EXPECT_EQ (Times ("0 0 */20 * fri", "2026-01-01T00:00:00Z", 4), "2026-01-02T00:00:00Z 2026-01-09T00:00:00Z 2026-01-16T00:00:00Z 2026-01-21T00:00:00Z");
}

TEST (CronSchedule, KnowsNamesForSchedules)
{
  EXPECT_EQ (Times ("@yearly", "2026-01-02T03:04:05Z"), "2027-01-01T00:00:00Z");
  EXPECT_EQ (Times ("@monthly", "2026-01-02T03:04:05Z"), "2026-02-01T00:00:00Z");
  EXPECT_EQ (Times ("@weekly", "2026-01-02T03:04:05Z"), "2026-01-04T00:00:00Z");
  EXPECT_EQ (Times ("@daily", "2026-01-02T03:04:05Z"), "2026-01-03T00:00:00Z");
  EXPECT_EQ (Times ("@hourly", "2026-01-02T03:04:05Z"), "2026-01-02T04:00:00Z");
  EXPECT_EQ (Times ("@every 1h30m", "2026-01-02T03:04:05Z", 2), "2026-01-02T04:34:05Z 2026-01-02T06:04:05Z");
  EXPECT_EQ (Times ("@every 1500ms", "2026-01-02T03:04:05Z"), "2026-01-02T03:04:06Z");
  EXPECT_EQ (Times ("@every 1us", "2026-01-02T03:04:05Z"), "2026-01-02T03:04:06Z");
}

TEST (CronSchedule, NeverIsWhatNoYearHas)
{
  EXPECT_EQ (Times ("0 0 30 2 *", "2026-01-01T00:00:00Z"), "never");
  EXPECT_EQ (Times ("59 23 31 2,4,6 *", "2026-01-01T00:00:00Z"), "never");
}

TEST (CronSchedule, FollowsTheClocksOfItsZone)
{
  EXPECT_EQ (Times ("0 4 * * *", "2026-01-01T00:00:00Z", 1, "Asia/Tokyo"), "2026-01-01T19:00:00Z");
  EXPECT_EQ (Times ("0 4 * * *", "2026-03-28T12:00:00Z", 2, "Europe/Berlin"), "2026-03-29T02:00:00Z 2026-03-30T02:00:00Z");
  EXPECT_EQ (Times ("0 4 * * *", "2026-03-27T12:00:00Z", 1, "Europe/Berlin"), "2026-03-28T03:00:00Z");
  /* 02:30 is skipped on this day */
  EXPECT_EQ (Times ("30 2 * * *", "2026-03-28T12:00:00Z", 1, "Europe/Berlin"), "2026-03-30T00:30:00Z");
  /* and shown twice on this one */
  EXPECT_EQ (Times ("30 2 * * *", "2026-10-24T12:00:00Z", 3, "Europe/Berlin"), "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-26T01:30:00Z");
  /* this day begins at one o'clock */
  EXPECT_EQ (Times ("0 1 4 11 *", "2018-11-01T00:00:00Z", 1, "America/Sao_Paulo"), "2018-11-04T03:00:00Z");
  EXPECT_EQ (Times ("TZ=Asia/Tokyo 0 4 * * *", "2026-01-01T00:00:00Z"), "2026-01-01T19:00:00Z");
  EXPECT_EQ (Times ("CRON_TZ=UTC   0 4 * * *", "2026-01-01T00:00:00Z"), "2026-01-01T04:00:00Z");
}

TEST (CronSchedule, RefusesInUpstreamsWords)
{
  static const char *const cases[][2] = {
    { "", "expected exactly 5 fields, found 0: []" },
    { "1 2 3", "expected exactly 5 fields, found 3: [1 2 3]" },
    { "60 * * * *", "end of range (60) above maximum (59): 60" },
    { "* * 0 * *", "beginning of range (0) below minimum (1): 0" },
    { "5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2" },
    { "*/0 * * * *", "step of range should be a positive number: */0" },
    { "1-2-3 * * * *", "too many hyphens: 1-2-3" },
    { "1/2/3 * * * *", "too many slashes: 1/2/3" },
    { "x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax" },
    { "* * * * 7", "end of range (7) above maximum (6): 7" },
    { "@now", "unrecognized descriptor: @now" },
    { "@every x", "failed to parse duration @every x: time: invalid duration \"x\"" },
    { "TZ=Nowhere/City * * * * *", "provided bad location Nowhere/City: unknown time zone Nowhere/City" },
    { "TZ=UTC", "invalid schedule format: runtime error: slice bounds out of range [:-1]" },
  };
  for (auto &row : cases)
    EXPECT_EQ (Times (row[0], "2026-01-01T00:00:00Z"), row[1]) << row[0];
}

}
