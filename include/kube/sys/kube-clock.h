/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-version-macros.h>

G_BEGIN_DECLS

/**
 * KubeClock:
 *
 * Where libkube gets the time and its timers. The real clock is the default; a #KubeVirtualClock moves only when it is told to,
 * and then runs the timers that are due in their order: a cluster runs a day in a test's second. May be used from any thread.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_CLOCK (kube_clock_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeClock, kube_clock, KUBE, CLOCK, GObject)

struct _KubeClockInterface {
  GTypeInterface parent;
  /* wall clock, microseconds since the epoch */
  gint64 (*get_time) (KubeClock *clock);
  /* monotonic, microseconds */
  gint64 (*get_monotonic_time) (KubeClock *clock);
  /* (transfer full): a source, not yet attached, that is ready once the monotonic time has come; one-shot unless its callback sets it again */
  GSource *(*create_timer) (KubeClock *clock, gint64 monotonic_time);
  /* sets such a source anew, -1: it waits for the next time that it is set */
  void (*set_timer) (KubeClock *clock, GSource *timer, gint64 monotonic_time);
  gpointer reserved[4];
};

/* (transfer none): the real clock, shared. */
KUBE_AVAILABLE_IN_1_0
KubeClock *kube_clock_get_real (void);
KUBE_AVAILABLE_IN_1_0
gint64 kube_clock_get_time (KubeClock *clock);
KUBE_AVAILABLE_IN_1_0
gint64 kube_clock_get_monotonic_time (KubeClock *clock);
KUBE_AVAILABLE_IN_1_0
GSource *kube_clock_create_timer (KubeClock *clock, gint64 monotonic_time) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_clock_set_timer (KubeClock *clock, GSource *timer, gint64 monotonic_time);
/* Calls @func once after @delay microseconds on the thread-default main context.
 * Returns: (transfer full): the attached source, to be destroyed with g_source_destroy() where it is no longer wanted */
KUBE_AVAILABLE_IN_1_0
GSource *kube_clock_add_timeout (KubeClock *clock, gint64 delay, GSourceFunc func, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_clock_sleep_async (KubeClock *clock, gint64 delay, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_clock_sleep_finish (KubeClock *clock, GAsyncResult *result, GError **error);

#define KUBE_TYPE_VIRTUAL_CLOCK (kube_virtual_clock_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeVirtualClock, kube_virtual_clock, KUBE, VIRTUAL_CLOCK, GObject)

/* @time: wall clock to begin with, microseconds since the epoch. */
KUBE_AVAILABLE_IN_1_0
KubeVirtualClock *kube_virtual_clock_new (gint64 time);
/* Moves on by @microseconds, from one due instant to the next, and runs what falls due before it goes on. */
KUBE_AVAILABLE_IN_1_0
void kube_virtual_clock_advance (KubeVirtualClock *clock, gint64 microseconds);
/* When the next timer falls due (monotonic), or -1. */
KUBE_AVAILABLE_IN_1_0
gint64 kube_virtual_clock_get_next (KubeVirtualClock *clock);

G_END_DECLS
