/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* When something is to happen again and again, in cron's form: five fields of numbers, names, ranges, steps and lists, or `@daily`, `@every 5m` and their like. A zone may go before it
 * (`TZ=Europe/Berlin 0 4 * * *`). */
typedef struct _KubeCronSchedule KubeCronSchedule;

/* @zone: (nullable): where the schedule names none; NULL: where this process runs. Errors are worded as upstream's parser words them. */
KubeCronSchedule *kube_cron_schedule_new (const char *text, const char *zone, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void kube_cron_schedule_free (KubeCronSchedule *schedule);
/* The first time after @time, both in microseconds since the epoch; -1: none in the next five years ("0 0 30 2 *"). */
gint64 kube_cron_schedule_next (KubeCronSchedule *schedule, gint64 time);

/* (transfer full) (nullable): the zone that the time zones' data has by this name; GLib makes zones of other names too. */
GTimeZone *kube_time_zone_find (const char *name) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeCronSchedule, kube_cron_schedule_free)

G_END_DECLS
