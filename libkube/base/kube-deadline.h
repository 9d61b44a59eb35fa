/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/* One of many deadlines. A main context looks at each of its sources every time it turns, so what there are thousands of on one context (watches) is no source of its
 * own: all deadlines of a context share one timer. Embedded in what it ends, zeroed at first; belongs to the context that was thread-default when it was set. */
typedef struct _KubeDeadline KubeDeadline;
typedef void (*KubeDeadlineFunc) (gpointer user_data);

struct _KubeDeadline {
  struct _KubeDeadlines *queue; /* NULL: not set */
  guint place;                  /* in the queue's heap */
  gint64 due;
  KubeDeadlineFunc func;
  gpointer user_data;
};

/* Calls @func once, on the thread-default main context, when @due (monotonic) has come. */
void kube_deadline_set (KubeDeadline *deadline, KubeClock *clock, gint64 due, KubeDeadlineFunc func, gpointer user_data);
void kube_deadline_clear (KubeDeadline *deadline);

G_END_DECLS
