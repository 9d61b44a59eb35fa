/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/**
 * KubeWorkQueue:
 *
 * Keys that wait to be worked on, as client-go's workqueue: a key is in the queue once however often it is added, and is not given out while somebody works on
 * it; added meanwhile, it comes again after kube_work_queue_done(). Failures come back later and later (5 ms doubling to 1000 s for each key, and 10/s with bursts of 100
 * in all). For one thread.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_WORK_QUEUE (kube_work_queue_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeWorkQueue, kube_work_queue, KUBE, WORK_QUEUE, GObject)

typedef void (*KubeWorkQueueFunc) (KubeWorkQueue *queue, gpointer user_data);

/* @name: for metrics (workqueue_depth, …). @clock: (nullable): the real one. */
KUBE_AVAILABLE_IN_1_0
KubeWorkQueue *kube_work_queue_new (const char *name, KubeClock *clock) G_GNUC_WARN_UNUSED_RESULT;
/* Called from the main loop whenever there is something to take that was not there before. */
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_set_func (KubeWorkQueue *queue, KubeWorkQueueFunc func, gpointer user_data);
/* microseconds; the defaults are in the class' description. */
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_set_backoff (KubeWorkQueue *queue, gint64 first, gint64 longest);
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_add (KubeWorkQueue *queue, const char *key);
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_add_after (KubeWorkQueue *queue, const char *key, gint64 delay);
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_add_rate_limited (KubeWorkQueue *queue, const char *key);
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_forget (KubeWorkQueue *queue, const char *key); /* its failures */
KUBE_AVAILABLE_IN_1_0
guint kube_work_queue_get_failures (KubeWorkQueue *queue, const char *key);
/* (transfer full) (nullable): the next key, now in work; NULL: nothing to do. */
KUBE_AVAILABLE_IN_1_0
char *kube_work_queue_take (KubeWorkQueue *queue) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_done (KubeWorkQueue *queue, const char *key);
KUBE_AVAILABLE_IN_1_0
guint kube_work_queue_get_length (KubeWorkQueue *queue); /* ready to take */
KUBE_AVAILABLE_IN_1_0
void kube_work_queue_shut_down (KubeWorkQueue *queue);

G_END_DECLS
