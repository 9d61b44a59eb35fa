/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/sys/kube-clock.h>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;
constexpr gint64 start = 1767323045 * second;

struct VirtualClock : testing::Test {
  KubeVirtualClock *virt = kube_virtual_clock_new (start);
  KubeClock *clock = KUBE_CLOCK (virt);
  gint64 origin = kube_clock_get_monotonic_time (clock);
  std::vector<std::pair<std::string, gint64> > log;

  ~VirtualClock () override
  {
    g_object_unref (virt);
  }

  struct Note {
    VirtualClock *test;
    std::string name;
    gint64 again;
  };

  static gboolean
  on_due (gpointer data)
  {
    auto *note = static_cast<Note *> (data);
    note->test->log.emplace_back (note->name, kube_clock_get_monotonic_time (note->test->clock) - note->test->origin);
    if (note->again > 0) {
      gint64 delay = std::exchange (note->again, 0);
      g_source_unref (kube_clock_add_timeout (note->test->clock, delay, on_due, note));
    }
    return G_SOURCE_REMOVE;
  }

  void
  after (Note *note, gint64 delay)
  {
    g_source_unref (kube_clock_add_timeout (clock, delay, on_due, note));
  }
};

using Log = std::vector<std::pair<std::string, gint64> >;

}

TEST_F (VirtualClock, StandsUntilItIsAdvanced)
{
  EXPECT_EQ (kube_clock_get_time (clock), start);
  kube_virtual_clock_advance (virt, 90 * second);
  EXPECT_EQ (kube_clock_get_time (clock), start + 90 * second);
  EXPECT_EQ (kube_clock_get_monotonic_time (clock), origin + 90 * second);
}

TEST_F (VirtualClock, RunsTimersInTheOrderOfTheirTimes)
{
  Note a{ this, "a", 0 }, b{ this, "b", 0 }, c{ this, "c", 0 };
  after (&a, 30 * second);
  after (&b, 10 * second);
  after (&c, 40 * second);
  EXPECT_EQ (kube_virtual_clock_get_next (virt), origin + 10 * second);
  kube_virtual_clock_advance (virt, 30 * second);
  EXPECT_EQ (log, (Log{ { "b", 10 * second }, { "a", 30 * second } }));
  EXPECT_EQ (kube_virtual_clock_get_next (virt), origin + 40 * second);
  kube_virtual_clock_advance (virt, 10 * second);
  EXPECT_EQ (log.back ().first, "c");
  EXPECT_EQ (kube_virtual_clock_get_next (virt), -1);
}

TEST_F (VirtualClock, TimersThatTimersSetAreServedAtTheirOwnTime)
{
  Note a{ this, "a", 2 * second }, b{ this, "b", 0 };
  after (&a, 1 * second);
  after (&b, 5 * second);
  kube_virtual_clock_advance (virt, 10 * second);
  EXPECT_EQ (log, (Log{ { "a", 1 * second }, { "a", 3 * second }, { "b", 5 * second } }));
}

TEST_F (VirtualClock, WorkThatIsDueNowRunsBeforeTheTimeMoves)
{
  Note now{ this, "now", 0 };
  after (&now, 0);
  kube_virtual_clock_advance (virt, second);
  EXPECT_EQ (log, (Log{ { "now", 0 } }));
}

TEST_F (VirtualClock, DestroyedTimersDoNotFireAndAreNotNext)
{
  Note a{ this, "a", 0 };
  GSource *source = kube_clock_add_timeout (clock, second, on_due, &a);
  g_source_destroy (source);
  EXPECT_EQ (kube_virtual_clock_get_next (virt), -1);
  g_source_unref (source);
  kube_virtual_clock_advance (virt, 2 * second);
  EXPECT_TRUE (log.empty ());
}

TEST_F (VirtualClock, ATimerCanBeSetAnew)
{
  struct State {
    KubeClock *clock;
    GSource *timer;
    int fired = 0;
  } state{ clock, nullptr };
  state.timer = kube_clock_create_timer (clock, -1);
  g_source_set_callback (
      state.timer,
      [] (gpointer data) -> gboolean {
        auto *s = static_cast<State *> (data);
        if (++s->fired < 3)
          kube_clock_set_timer (s->clock, s->timer, kube_clock_get_monotonic_time (s->clock) + second);
        return G_SOURCE_CONTINUE;
      },
      &state, NULL);
  g_source_attach (state.timer, NULL);
  kube_virtual_clock_advance (virt, 5 * second);
  EXPECT_EQ (state.fired, 0);
  kube_clock_set_timer (clock, state.timer, kube_clock_get_monotonic_time (clock) + second);
  kube_virtual_clock_advance (virt, 10 * second);
  EXPECT_EQ (state.fired, 3);
  kube_clock_set_timer (clock, state.timer, kube_clock_get_monotonic_time (clock) + second);
  kube_clock_set_timer (clock, state.timer, -1);
  kube_virtual_clock_advance (virt, 10 * second);
  EXPECT_EQ (state.fired, 3);
  g_source_destroy (state.timer);
  g_source_unref (state.timer);
}

TEST_F (VirtualClock, WaitsForTimersOfOtherThreads)
{
  GMainContext *context = g_main_context_new ();
  GMainLoop *loop = g_main_loop_new (context, FALSE);
  std::atomic<gint64> seen{ 0 };
  struct State {
    KubeClock *clock;
    std::atomic<gint64> *seen;
  } state{ clock, &seen };
  std::thread thread ([&] {
    g_main_context_push_thread_default (context);
    g_main_loop_run (loop);
    g_main_context_pop_thread_default (context);
  });
  GSource *timer = kube_clock_create_timer (clock, origin + second);
  g_source_set_callback (
      timer,
      [] (gpointer data) -> gboolean {
        auto *s = static_cast<State *> (data);
        *s->seen = kube_clock_get_monotonic_time (s->clock);
        return G_SOURCE_REMOVE;
      },
      &state, NULL);
  g_source_attach (timer, context);
  while (!g_main_loop_is_running (loop))
    std::this_thread::yield ();
  kube_virtual_clock_advance (virt, 60 * second);
  EXPECT_EQ (seen.load (), origin + second);
  g_source_unref (timer);
  g_main_loop_quit (loop);
  thread.join ();
  g_main_loop_unref (loop);
  g_main_context_unref (context);
}

TEST_F (VirtualClock, TimersMayBeMadeAndDroppedInManyThreadsWhileItMoves)
{
  std::atomic<bool> stop{ false };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; t++) {
    threads.emplace_back ([&] {
      GMainContext *context = g_main_context_new ();
      while (!stop) {
        GSource *source = kube_clock_create_timer (clock, kube_clock_get_monotonic_time (clock) + 1000);
        g_source_set_callback (
            source, [] (gpointer) -> gboolean { return G_SOURCE_REMOVE; }, NULL, NULL);
        g_source_attach (source, context);
        g_main_context_iteration (context, FALSE);
        g_source_destroy (source);
        g_source_unref (source);
      }
      g_main_context_unref (context);
    });
  }
  for (int i = 0; i < 200; i++)
    kube_virtual_clock_advance (virt, 700);
  stop = true;
  for (auto &thread : threads)
    thread.join ();
  EXPECT_EQ (kube_clock_get_monotonic_time (clock), origin + 200 * 700);
  EXPECT_EQ (kube_virtual_clock_get_next (virt), -1);
}

TEST_F (VirtualClock, SleepEndsInTimeOrWhenCancelled)
{
  struct Result {
    gboolean done = FALSE, ok = FALSE;
    GError *error = NULL;
  } slept, cancelled;
  auto finish = [] (GObject *object, GAsyncResult *result, gpointer data) {
    auto *r = static_cast<Result *> (data);
    r->done = TRUE;
    r->ok = kube_clock_sleep_finish (KUBE_CLOCK (object), result, &r->error);
  };
  GCancellable *cancellable = g_cancellable_new ();
  kube_clock_sleep_async (clock, 5 * second, NULL, finish, &slept);
  kube_clock_sleep_async (clock, 5 * second, cancellable, finish, &cancelled);
  kube_virtual_clock_advance (virt, 4 * second);
  EXPECT_FALSE (slept.done);
  g_cancellable_cancel (cancellable);
  kube_virtual_clock_advance (virt, 0);
  EXPECT_TRUE (cancelled.done);
  EXPECT_TRUE (g_error_matches (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  kube_virtual_clock_advance (virt, second);
  EXPECT_TRUE (slept.ok);
  EXPECT_EQ (kube_virtual_clock_get_next (virt), -1);
  g_clear_error (&cancelled.error);
  g_object_unref (cancellable);
}

TEST (RealClock, TimersFireOnceTheirTimeHasCome)
{
  KubeClock *clock = kube_clock_get_real ();
  EXPECT_EQ (clock, kube_clock_get_real ());
  EXPECT_LT (ABS (kube_clock_get_time (clock) - g_get_real_time ()), 60 * second);
  gint64 fired = 0, begin = kube_clock_get_monotonic_time (clock);
  g_source_unref (kube_clock_add_timeout (
      clock, 2000,
      [] (gpointer data) -> gboolean {
        *static_cast<gint64 *> (data) = g_get_monotonic_time ();
        return G_SOURCE_REMOVE;
      },
      &fired));
  while (fired == 0)
    g_main_context_iteration (NULL, TRUE);
  EXPECT_GE (fired - begin, 2000);
}
