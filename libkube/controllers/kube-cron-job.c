/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-error.h>
#include <kube/kube-time.h>
#include "kube-cron-job.h"

/* It is looked at a little after its time, so that clocks that differ a little do not make it early. */
#define DELAY (100 * 1000)

/* A schedule with few times is gone through; how many it has missed is estimated from the first two, since one that has not been looked at for years may have missed millions. */
gboolean
kube_cron_times_init (KubeCronTimes *times, KubeObject *cron_job, KubeCronSchedule *schedule, gint64 now, gboolean with_deadline, GError **error)
{
  gint64 deadline = kube_object_get_integer (cron_job, "spec.startingDeadlineSeconds", -1), first, second, between, from;

  *times = (KubeCronTimes) { kube_object_get_creation_time (cron_job), -1, 0 };
  kube_time_parse (kube_object_get_string (cron_job, "status.lastScheduleTime"), &times->since, NULL);
  if (with_deadline && deadline >= 0 && deadline < now / G_USEC_PER_SEC)
    times->since = MAX (times->since, now - deadline * G_USEC_PER_SEC);
  first = kube_cron_schedule_next (schedule, times->since);
  if (first > now)
    return TRUE;
  second = first < 0 ? -1 : kube_cron_schedule_next (schedule, first);
  between = (second - first) / G_USEC_PER_SEC;
  if (second > now) {
    times->latest = first;
    return TRUE;
  }
  if (second < 0 || between < 1) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "time difference between two schedules is less than 1 second");
    return FALSE;
  }
  times->missed = (now - first) / G_USEC_PER_SEC / between + 1;
  /* One more step back, for schedules whose times are not evenly spaced. */
  from = first + (times->missed - 2) * between * G_USEC_PER_SEC;
  for (gint64 time = kube_cron_schedule_next (schedule, from); time >= 0 && time <= now; time = kube_cron_schedule_next (schedule, time))
    times->latest = time;
  return TRUE;
}

gint64
kube_cron_next_look (KubeObject *cron_job, KubeCronSchedule *schedule, gint64 now)
{
  KubeCronTimes times;
  gint64 from = now, next;

  if (kube_cron_times_init (&times, cron_job, schedule, now, FALSE, NULL)) {
    if (times.latest >= 0)
      from = times.latest;
    else if (times.missed == 0)
      from = times.since;
  }
  next = kube_cron_schedule_next (schedule, from);
  return next < 0 ? -1 : MAX (next + DELAY - now, 0);
}
