/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-clock.h>

/**
 * KubeVirtualClock:
 *
 * A clock that moves only when kube_virtual_clock_advance() says so.
 *
 * An advance goes from one due instant to the next. At each it lets the timers of that instant run, and all that they set going
 * on the caller's thread-default main context, before the time moves on: a timer that sets another one for a second later is
 * served a second later. Timers of main contexts that other threads run are waited for, for at most a second of real time; what
 * real threads and real I/O do meanwhile is not waited for.
 *
 * Since: 1.0
 */
struct _KubeVirtualClock {
  GObject parent;

  GMutex lock;
  GCond dispatched;
  gint64 wall_offset; /* wall clock minus monotonic time */
  gint64 now;         /* (mutex lock) */
  guint64 next_order; /* (mutex lock) */
  GSequence *timers;  /* (mutex lock) (element-type VirtualTimer): not owned, ordered by due time, then by when they were set */
};

typedef struct {
  GSource source;
  KubeVirtualClock *clock; /* (owned) */
  gint64 due;              /* (mutex clock->lock) */
  guint64 order;           /* (mutex clock->lock) */
  GSequenceIter *place;    /* (mutex clock->lock) (nullable): NULL while it waits for nothing */
  gboolean fired;          /* (mutex clock->lock): ready and not yet dispatched */
} VirtualTimer;

#define OTHER_THREADS_WAIT G_USEC_PER_SEC
#define IDLE_CONTEXT_WAIT (10 * 1000) /* nobody runs it: it may be between two iterations, or not run at all */

static void kube_virtual_clock_iface_init (KubeClockInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KubeVirtualClock, kube_virtual_clock, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_CLOCK, kube_virtual_clock_iface_init))

static int
compare_timers (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const VirtualTimer *x = a, *y = b;

  if (x->due != y->due)
    return x->due < y->due ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* (mutex lock) */
static void
timer_unset (VirtualTimer *timer)
{
  g_clear_pointer (&timer->place, g_sequence_remove);
}

/* (mutex lock) */
static void
timer_fire (VirtualTimer *timer)
{
  timer_unset (timer);
  timer->fired = TRUE;
  g_source_set_ready_time (&timer->source, 0);
}

static gboolean
dispatch_virtual (GSource *source, GSourceFunc func, gpointer user_data)
{
  VirtualTimer *timer = (VirtualTimer *) source;
  KubeVirtualClock *self = timer->clock;

  g_source_set_ready_time (source, -1);
  gboolean keep = func != NULL ? func (user_data) : G_SOURCE_REMOVE;

  g_mutex_lock (&self->lock);
  timer->fired = FALSE;
  g_cond_broadcast (&self->dispatched);
  g_mutex_unlock (&self->lock);
  return keep;
}

static void
dispose_virtual (GSource *source)
{
  VirtualTimer *timer = (VirtualTimer *) source;

  g_mutex_lock (&timer->clock->lock);
  timer_unset (timer);
  g_mutex_unlock (&timer->clock->lock);
}

static void
finalize_virtual (GSource *source)
{
  VirtualTimer *timer = (VirtualTimer *) source;
  g_clear_object (&timer->clock);
}

static GSourceFuncs virtual_timer_funcs = { NULL, NULL, dispatch_virtual, finalize_virtual };

static gint64
virtual_get_monotonic_time (KubeClock *clock)
{
  KubeVirtualClock *self = KUBE_VIRTUAL_CLOCK (clock);

  g_mutex_lock (&self->lock);
  gint64 now = self->now;
  g_mutex_unlock (&self->lock);
  return now;
}

static gint64
virtual_get_time (KubeClock *clock)
{
  return virtual_get_monotonic_time (clock) + KUBE_VIRTUAL_CLOCK (clock)->wall_offset;
}

static void
virtual_set_timer (KubeClock *clock, GSource *source, gint64 monotonic_time)
{
  KubeVirtualClock *self = KUBE_VIRTUAL_CLOCK (clock);
  VirtualTimer *timer = (VirtualTimer *) source;

  g_return_if_fail (timer->clock == self);

  g_mutex_lock (&self->lock);
  timer_unset (timer);
  timer->due = monotonic_time;
  timer->order = self->next_order++;
  if (monotonic_time < 0)
    g_source_set_ready_time (source, -1);
  else if (monotonic_time <= self->now)
    g_source_set_ready_time (source, 0);
  else {
    g_source_set_ready_time (source, -1);
    timer->place = g_sequence_insert_sorted (self->timers, timer, compare_timers, NULL);
  }
  g_mutex_unlock (&self->lock);
}

static GSource *
virtual_create_timer (KubeClock *clock, gint64 monotonic_time)
{
  GSource *source = g_source_new (&virtual_timer_funcs, sizeof (VirtualTimer));
  VirtualTimer *timer = (VirtualTimer *) source;

  timer->clock = g_object_ref (KUBE_VIRTUAL_CLOCK (clock));
  g_source_set_static_name (source, "kube-virtual-timer");
  g_source_set_dispose_function (source, dispose_virtual);
  virtual_set_timer (clock, source, monotonic_time);
  return source;
}

static void
kube_virtual_clock_iface_init (KubeClockInterface *iface)
{
  iface->get_time = virtual_get_time;
  iface->get_monotonic_time = virtual_get_monotonic_time;
  iface->create_timer = virtual_create_timer;
  iface->set_timer = virtual_set_timer;
}

static void
kube_virtual_clock_finalize (GObject *object)
{
  KubeVirtualClock *self = KUBE_VIRTUAL_CLOCK (object);

  g_sequence_free (self->timers);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->dispatched);
  G_OBJECT_CLASS (kube_virtual_clock_parent_class)->finalize (object);
}

static void
kube_virtual_clock_class_init (KubeVirtualClockClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_virtual_clock_finalize;
}

static void
kube_virtual_clock_init (KubeVirtualClock *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->dispatched);
  self->timers = g_sequence_new (NULL);
  self->now = G_USEC_PER_SEC; /* not 0, which users take for "never" */
}

/**
 * kube_virtual_clock_new:
 * @time: wall clock to begin with, microseconds since the epoch
 *
 * Returns: (transfer full): a clock that stands
 * Since: 1.0
 */
KubeVirtualClock *
kube_virtual_clock_new (gint64 time)
{
  KubeVirtualClock *self = g_object_new (KUBE_TYPE_VIRTUAL_CLOCK, NULL);
  self->wall_offset = time - self->now;
  return self;
}

/* (mutex lock): the next timer that is still wanted, NULL where there is none; drops those that were destroyed on the way. What
 * it looked at is kept alive in @held, to be let go without the lock, which the last reference takes. */
static VirtualTimer *
first_timer (KubeVirtualClock *self, GPtrArray *held)
{
  while (TRUE) {
    GSequenceIter *iter = g_sequence_get_begin_iter (self->timers);
    if (g_sequence_iter_is_end (iter))
      return NULL;
    VirtualTimer *timer = g_sequence_get (iter);
    g_ptr_array_add (held, g_source_ref (&timer->source));
    if (!g_source_is_destroyed (&timer->source))
      return timer;
    timer_unset (timer);
  }
}

static void
settle (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}

static gboolean
is_run (GMainContext *context)
{
  if (!g_main_context_acquire (context))
    return TRUE;
  g_main_context_release (context);
  return FALSE;
}

/* (mutex lock): other threads run these; they are many callbacks away, so only so long */
static void
wait_dispatched (KubeVirtualClock *self, VirtualTimer *timer, gint64 deadline)
{
  while (timer->fired && !g_source_is_destroyed (&timer->source)) {
    gint64 step = MIN (deadline, g_get_monotonic_time () + 5000); /* nothing tells of a destroyed source */
    if (!g_cond_wait_until (&self->dispatched, &self->lock, step) && step == deadline)
      return;
  }
}

/* (mutex lock): brings the clock to the due time of its first timers and lets them run */
static void
run_instant (KubeVirtualClock *self, gint64 due, GPtrArray *held, GMainContext *context, gboolean ours)
{
  self->now = due;
  for (VirtualTimer *timer = first_timer (self, held); timer != NULL && timer->due <= due; timer = first_timer (self, held))
    timer_fire (timer);

  gint64 now = g_get_monotonic_time ();
  for (guint i = 0; i < held->len; i++) {
    VirtualTimer *timer = g_ptr_array_index (held, i);
    GMainContext *timer_context = g_source_is_destroyed (&timer->source) ? NULL : g_source_get_context (&timer->source);
    if (timer_context != NULL && timer_context != context)
      wait_dispatched (self, timer, now + (is_run (timer_context) ? OTHER_THREADS_WAIT : IDLE_CONTEXT_WAIT));
  }

  g_mutex_unlock (&self->lock);
  if (ours)
    settle (context);
  g_ptr_array_set_size (held, 0);
  g_mutex_lock (&self->lock);
}

/**
 * kube_virtual_clock_advance:
 * @clock: a virtual clock
 * @microseconds: how far
 *
 * Moves on by @microseconds, from one due instant to the next, and runs what falls due before it goes on: the thread-default
 * main context of the caller is iterated until it has nothing more to do, first of all and then at every instant.
 *
 * Since: 1.0
 */
void
kube_virtual_clock_advance (KubeVirtualClock *clock, gint64 microseconds)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func ((GDestroyNotify) g_source_unref);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  gboolean ours = g_main_context_acquire (context);

  g_return_if_fail (microseconds >= 0);

  if (ours)
    settle (context);

  g_mutex_lock (&clock->lock);
  gint64 target = clock->now + microseconds;
  for (VirtualTimer *timer = first_timer (clock, held); timer != NULL && timer->due <= target; timer = first_timer (clock, held))
    run_instant (clock, timer->due, held, context, ours);
  clock->now = MAX (clock->now, target); /* a callback may have moved it on */
  g_mutex_unlock (&clock->lock);

  if (ours)
    g_main_context_release (context);
}

/**
 * kube_virtual_clock_get_next:
 * @clock: a virtual clock
 *
 * Returns: when the next timer falls due, in monotonic time; -1 where there is none
 * Since: 1.0
 */
gint64
kube_virtual_clock_get_next (KubeVirtualClock *clock)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func ((GDestroyNotify) g_source_unref);

  g_mutex_lock (&clock->lock);
  VirtualTimer *timer = first_timer (clock, held);
  gint64 next = timer != NULL ? timer->due : -1;
  g_mutex_unlock (&clock->lock);
  return next;
}
