/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-work-queue.h>
#include <string>
#include <vector>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;
constexpr gint64 millisecond = second / 1000;

struct WorkQueue : testing::Test {
  KubeVirtualClock *clock = kube_virtual_clock_new (1767323045 * second);
  KubeWorkQueue *queue = kube_work_queue_new ("test", KUBE_CLOCK (clock));
  int calls = 0;

  void
  SetUp () override
  {
    kube_work_queue_set_func (
        queue, [] (KubeWorkQueue *, gpointer data) { static_cast<WorkQueue *> (data)->calls++; }, this);
  }

  void
  TearDown () override
  {
    g_object_unref (queue);
    g_object_unref (clock);
  }

  std::string
  take ()
  {
    char *key = kube_work_queue_take (queue);
    std::string result = key != NULL ? key : "-";
    g_free (key);
    return result;
  }

  void
  advance (gint64 by)
  {
    kube_virtual_clock_advance (clock, by);
  }
};

}

TEST_F (WorkQueue, AKeyIsThereOnceHoweverOftenItIsAdded)
{
  kube_work_queue_add (queue, "a");
  kube_work_queue_add (queue, "b");
  kube_work_queue_add (queue, "a");
  EXPECT_EQ (kube_work_queue_get_length (queue), 2u);
  EXPECT_EQ (take (), "a");
  EXPECT_EQ (take (), "b");
  EXPECT_EQ (take (), "-");
}

TEST_F (WorkQueue, WhatIsInWorkIsNotGivenOutAndComesAgainOnce)
{
  kube_work_queue_add (queue, "a");
  EXPECT_EQ (take (), "a");
  kube_work_queue_add (queue, "a");
  kube_work_queue_add (queue, "a");
  EXPECT_EQ (take (), "-");
  kube_work_queue_done (queue, "a");
  EXPECT_EQ (take (), "a");
  kube_work_queue_done (queue, "a");
  EXPECT_EQ (take (), "-");
}

TEST_F (WorkQueue, SaysOnceFromTheMainLoopThatThereIsWork)
{
  kube_work_queue_add (queue, "a");
  kube_work_queue_add (queue, "b");
  EXPECT_EQ (calls, 0);
  advance (0);
  EXPECT_EQ (calls, 1);
  take ();
  take ();
  kube_work_queue_add (queue, "a");
  advance (0);
  EXPECT_EQ (calls, 1) << "it is in work";
  kube_work_queue_done (queue, "a");
  advance (0);
  EXPECT_EQ (calls, 2);
}

TEST_F (WorkQueue, DelayedKeysComeAtTheirTimeTheEarlierOneCounting)
{
  kube_work_queue_add_after (queue, "late", 10 * second);
  kube_work_queue_add_after (queue, "a", 5 * second);
  kube_work_queue_add_after (queue, "a", 2 * second);
  kube_work_queue_add_after (queue, "a", 7 * second);
  kube_work_queue_add_after (queue, "now", 0);
  EXPECT_EQ (take (), "now");
  advance (2 * second - 1);
  EXPECT_EQ (take (), "-");
  advance (1);
  EXPECT_EQ (take (), "a");
  kube_work_queue_done (queue, "a");
  advance (8 * second);
  EXPECT_EQ (take (), "late");
  EXPECT_EQ (take (), "-");
  EXPECT_EQ (kube_virtual_clock_get_next (clock), -1);
}

TEST_F (WorkQueue, FailuresDoubleTheDelayUntilForgotten)
{
  for (gint64 delay : { 5, 10, 20, 40 }) {
    kube_work_queue_add_rate_limited (queue, "a");
    advance (delay * millisecond - 1);
    EXPECT_EQ (take (), "-") << delay;
    advance (1);
    EXPECT_EQ (take (), "a") << delay;
    kube_work_queue_done (queue, "a");
  }
  EXPECT_EQ (kube_work_queue_get_failures (queue, "a"), 4u);
  kube_work_queue_forget (queue, "a");
  EXPECT_EQ (kube_work_queue_get_failures (queue, "a"), 0u);
  kube_work_queue_add_rate_limited (queue, "a");
  advance (5 * millisecond);
  EXPECT_EQ (take (), "a");
}

TEST_F (WorkQueue, TheDelayHasAnUpperBound)
{
  kube_work_queue_set_backoff (queue, second, 60 * second);
  for (int i = 0; i < 80; i++) {
    kube_work_queue_add_rate_limited (queue, "a");
    advance (60 * second);
    ASSERT_EQ (take (), "a") << i;
    kube_work_queue_done (queue, "a");
  }
}

TEST_F (WorkQueue, AllKeysTogetherAreLimitedToTenASecondAfterABurst)
{
  for (int i = 0; i < 120; i++)
    kube_work_queue_add_rate_limited (queue, std::to_string (i).c_str ());
  advance (5 * millisecond);
  EXPECT_EQ (kube_work_queue_get_length (queue), 100u);
  advance (second - 5 * millisecond);
  EXPECT_EQ (kube_work_queue_get_length (queue), 110u);
  advance (second);
  EXPECT_EQ (kube_work_queue_get_length (queue), 120u);
}

TEST_F (WorkQueue, ShutDownTakesNoMoreButGivesOutWhatIsReady)
{
  kube_work_queue_add (queue, "a");
  kube_work_queue_add_after (queue, "b", second);
  kube_work_queue_shut_down (queue);
  kube_work_queue_add (queue, "c");
  advance (10 * second);
  EXPECT_EQ (take (), "a");
  EXPECT_EQ (take (), "-");
}

TEST_F (WorkQueue, MayBeDroppedFromItsOwnCallback)
{
  kube_work_queue_set_func (
      queue,
      [] (KubeWorkQueue *q, gpointer data) {
        static_cast<WorkQueue *> (data)->queue = NULL;
        g_object_unref (q);
      },
      this);
  kube_work_queue_add (queue, "a");
  advance (0);
  EXPECT_EQ (queue, nullptr);
  queue = kube_work_queue_new (NULL, NULL);
}
