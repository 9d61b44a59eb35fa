/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>
#include "kube-cron-schedule.h"

G_BEGIN_DECLS

/* When a CronJob is due. */

typedef struct {
  gint64 since;   /* the last time that it was due for, or its creation: what counts comes after */
  gint64 latest;  /* the last time at which it should have run; -1: none */
  gint64 missed;  /* about how often it should have run */
} KubeCronTimes;

/* @with_deadline: what is too late to start does not count. Errors: the schedule has no two times that follow each other. */
gboolean kube_cron_times_init (KubeCronTimes *times, KubeObject *cron_job, KubeCronSchedule *schedule, gint64 now, gboolean with_deadline, GError **error);
/* How long until it is to be looked at again, after its next time; -1: never. */
gint64 kube_cron_next_look (KubeObject *cron_job, KubeCronSchedule *schedule, gint64 now);

G_END_DECLS
