/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-clock.h>

G_DEFINE_INTERFACE (KubeClock, kube_clock, G_TYPE_OBJECT)

static void
kube_clock_default_init (KubeClockInterface *iface)
{
}

/* The real clock: GLib's own times, and sources that the main loop's poll timeout serves. */
#define KUBE_TYPE_REAL_CLOCK (kube_real_clock_get_type ())
G_DECLARE_FINAL_TYPE (KubeRealClock, kube_real_clock, KUBE, REAL_CLOCK, GObject)

struct _KubeRealClock {
  GObject parent;
};

static gboolean
dispatch_real (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func != NULL ? func (user_data) : G_SOURCE_REMOVE;
}

static GSourceFuncs real_timer_funcs = { NULL, NULL, dispatch_real, NULL };

static gint64
real_get_time (KubeClock *clock)
{
  return g_get_real_time ();
}

static gint64
real_get_monotonic_time (KubeClock *clock)
{
  return g_get_monotonic_time ();
}

static GSource *
real_create_timer (KubeClock *clock, gint64 monotonic_time)
{
  GSource *source = g_source_new (&real_timer_funcs, sizeof (GSource));
  g_source_set_static_name (source, "kube-timer");
  g_source_set_ready_time (source, MAX (monotonic_time, 0));
  return source;
}

static void
real_set_timer (KubeClock *clock, GSource *timer, gint64 monotonic_time)
{
  g_source_set_ready_time (timer, monotonic_time);
}

static void
kube_real_clock_iface_init (KubeClockInterface *iface)
{
  iface->get_time = real_get_time;
  iface->get_monotonic_time = real_get_monotonic_time;
  iface->create_timer = real_create_timer;
  iface->set_timer = real_set_timer;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (KubeRealClock, kube_real_clock, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_CLOCK, kube_real_clock_iface_init))

static void
kube_real_clock_class_init (KubeRealClockClass *class)
{
}

static void
kube_real_clock_init (KubeRealClock *self)
{
}

/**
 * kube_clock_get_real:
 *
 * Returns: (transfer none): the real clock, one for the process
 * Since: 1.0
 */
KubeClock *
kube_clock_get_real (void)
{
  static gsize real;

  if (g_once_init_enter (&real))
    g_once_init_leave (&real, (gsize) g_object_new (KUBE_TYPE_REAL_CLOCK, NULL));
  return (KubeClock *) real;
}

/**
 * kube_clock_get_time:
 * @clock: a clock
 *
 * Returns: wall-clock time, microseconds since the epoch, UTC
 * Since: 1.0
 */
gint64
kube_clock_get_time (KubeClock *clock)
{
  return KUBE_CLOCK_GET_IFACE (clock)->get_time (clock);
}

/**
 * kube_clock_get_monotonic_time:
 * @clock: a clock
 *
 * Returns: microseconds since some instant of the past, never less than before and never 0
 * Since: 1.0
 */
gint64
kube_clock_get_monotonic_time (KubeClock *clock)
{
  return KUBE_CLOCK_GET_IFACE (clock)->get_monotonic_time (clock);
}

/**
 * kube_clock_create_timer:
 * @clock: a clock
 * @monotonic_time: when it falls due; -1 for not before kube_clock_set_timer() says so
 *
 * Makes a source, not yet attached, that is ready once @monotonic_time has come. Its callback is a #GSourceFunc; after it has
 * returned %G_SOURCE_CONTINUE the source stays attached and waits for kube_clock_set_timer().
 *
 * Returns: (transfer full): the source
 * Since: 1.0
 */
GSource *
kube_clock_create_timer (KubeClock *clock, gint64 monotonic_time)
{
  return KUBE_CLOCK_GET_IFACE (clock)->create_timer (clock, monotonic_time);
}

/**
 * kube_clock_set_timer:
 * @clock: the clock that made @timer
 * @timer: a timer of this clock
 * @monotonic_time: when it falls due; -1 stops it
 *
 * Sets a timer anew, whether it has fired or not. May be called from any thread.
 *
 * Since: 1.0
 */
void
kube_clock_set_timer (KubeClock *clock, GSource *timer, gint64 monotonic_time)
{
  KUBE_CLOCK_GET_IFACE (clock)->set_timer (clock, timer, monotonic_time);
}

/**
 * kube_clock_add_timeout:
 * @clock: a clock
 * @delay: microseconds
 * @func: (scope forever): what to call
 * @user_data: its argument
 *
 * Calls @func once after @delay on the thread-default main context.
 *
 * Returns: (transfer full): the attached source, to be destroyed with g_source_destroy() where it is no longer wanted
 * Since: 1.0
 */
GSource *
kube_clock_add_timeout (KubeClock *clock, gint64 delay, GSourceFunc func, gpointer user_data)
{
  GSource *source = kube_clock_create_timer (clock, kube_clock_get_monotonic_time (clock) + MAX (delay, 0));
  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static gboolean
on_slept (gpointer user_data)
{
  GTask *task = user_data;

  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/**
 * kube_clock_sleep_async:
 * @clock: a clock
 * @delay: microseconds
 * @cancellable: (nullable): ends the sleep early
 * @callback: (scope async): called at the end
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_clock_sleep_async (KubeClock *clock, gint64 delay, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (clock, cancellable, callback, user_data);
  g_autoptr (GSource) timer = kube_clock_create_timer (clock, kube_clock_get_monotonic_time (clock) + MAX (delay, 0));

  g_task_set_source_tag (task, kube_clock_sleep_async);
  if (cancellable != NULL) {
    g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);
    g_source_set_dummy_callback (cancelled);
    g_source_add_child_source (timer, cancelled);
  }
  g_source_set_callback (timer, on_slept, task, g_object_unref);
  g_source_attach (timer, g_main_context_get_thread_default ());
}

/**
 * kube_clock_sleep_finish:
 * @clock: a clock
 * @result: what the callback got
 * @error: %G_IO_ERROR_CANCELLED
 *
 * Returns: whether the time has come
 * Since: 1.0
 */
gboolean
kube_clock_sleep_finish (KubeClock *clock, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, clock), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
