/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-client.h"
#include "kube-scheduler-private.h"

#include <gtest/gtest.h>

static const gint64 second = G_USEC_PER_SEC;

class SchedulerQueue : public testing::Test {
protected:
  void SetUp () override
  {
    queue = sched_queue_new ();
    cache = sched_cache_new ();
  }
  void TearDown () override
  {
    sched_queue_free (queue);
    sched_cache_free (cache);
  }

  SchedPod *pod (const std::string &name, int priority = 0)
  {
    KubeObject *object = fake_parse ("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" + name + "','namespace':'d','uid':'" + name
                                     + "'},'spec':{'priority':" + std::to_string (priority) + "}}");
    SchedPod *made = sched_pod_new (object, cache->resources, cache->resource_index);
    kube_object_unref (object);
    return made;
  }

  std::string take (gint64 now)
  {
    SchedPod *taken = sched_queue_take (queue, now);
    if (taken == nullptr)
      return "";
    std::string name = taken->name;
    last_attempts = taken->attempts;
    held = taken;
    return name;
  }

  void drop () { g_clear_pointer (&held, sched_pod_free); }

  SchedQueue *queue;
  SchedCache *cache;
  SchedPod *held = nullptr;
  guint last_attempts = 0;
};

TEST_F (SchedulerQueue, GivesTheMostImportantThenTheOldest)
{
  sched_queue_add (queue, pod ("low"), 1);
  sched_queue_add (queue, pod ("high", 10), 2);
  sched_queue_add (queue, pod ("low-too"), 1);
  sched_queue_add (queue, pod ("older"), 0);
  for (const char *name : { "high", "older", "low", "low-too", "" }) {
    EXPECT_EQ (take (3), name);
    drop ();
  }
}

TEST_F (SchedulerQueue, HeapsKeepTheirOrderUnderRemovals)
{
  GRand *random = g_rand_new_with_seed (7);
  std::vector<std::pair<int, std::string>> left;
  for (int i = 0; i < 500; i++) {
    int priority = g_rand_int_range (random, 0, 50);
    std::string name = "p" + std::to_string (1000 + i);
    sched_queue_add (queue, pod (name, priority), i);
    left.push_back ({ -priority, name });
  }
  for (int i = 0; i < 250; i++) {
    size_t victim = g_rand_int_range (random, 0, left.size ());
    SchedPod *removed = sched_queue_remove (queue, left[victim].second.c_str ());
    ASSERT_NE (removed, nullptr);
    sched_pod_free (removed);
    left.erase (left.begin () + victim);
  }
  std::sort (left.begin (), left.end ());
  for (auto &expected : left) {
    EXPECT_EQ (take (1000), expected.second);
    drop ();
  }
  g_rand_free (random);
}

TEST_F (SchedulerQueue, AFailedPodWaitsLongerEachTimeUpToTenSeconds)
{
  gint64 now = 0;
  sched_queue_add (queue, pod ("a"), now);
  for (gint64 wait : { 1, 2, 4, 8, 10, 10 }) {
    EXPECT_EQ (take (now), "a");
    EXPECT_EQ (sched_queue_add_failed (queue, held, now), now + wait * second);
    sched_queue_flush (queue, now + wait * second - 1);
    EXPECT_FALSE (sched_queue_has_ready (queue));
    now += wait * second;
    sched_queue_flush (queue, now);
  }
  EXPECT_TRUE (sched_queue_has_ready (queue));
}

TEST_F (SchedulerQueue, AnUnschedulablePodWaitsForAChangeOrFiveMinutes)
{
  sched_queue_add (queue, pod ("a"), 0);
  take (0);
  EXPECT_EQ (sched_queue_add_unschedulable (queue, held, 0), 300 * second);
  EXPECT_EQ (sched_queue_flush (queue, 299 * second), 300 * second);
  EXPECT_EQ (take (299 * second), "");
  sched_queue_flush (queue, 300 * second);
  EXPECT_EQ (take (300 * second), "a");
  EXPECT_EQ (last_attempts, 2u);
  sched_queue_add_unschedulable (queue, held, 300 * second);
  sched_queue_move (queue, held, 301 * second);
  EXPECT_EQ (take (301 * second), "a") << "its back-off is not waited out where nothing else is ready";
  drop ();
}

TEST_F (SchedulerQueue, BackoffGivesWayToReadyPods)
{
  sched_queue_add (queue, pod ("a", 100), 0);
  take (0);
  sched_queue_add_unschedulable (queue, held, 0);
  sched_queue_move (queue, held, 1);
  held = nullptr;
  sched_queue_add (queue, pod ("b"), 2);
  EXPECT_EQ (take (3), "b");
  drop ();
  EXPECT_EQ (take (3), "a");
  drop ();
}

TEST_F (SchedulerQueue, AGatedPodIsNotGivenOut)
{
  sched_queue_add_gated (queue, pod ("a"));
  sched_queue_flush (queue, 1000 * second);
  EXPECT_EQ (take (1000 * second), "");
  SchedPod *removed = sched_queue_remove (queue, "a");
  ASSERT_NE (removed, nullptr);
  sched_pod_free (removed);
}
