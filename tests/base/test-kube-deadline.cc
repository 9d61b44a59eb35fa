/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-deadline.h"
#include <gtest/gtest.h>
#include <algorithm>
#include <functional>
#include <vector>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;

struct Deadlines : testing::Test {
  KubeVirtualClock *virt = kube_virtual_clock_new (0);
  KubeClock *clock = KUBE_CLOCK (virt);
  gint64 origin = kube_clock_get_monotonic_time (clock);
  std::vector<int> order;

  ~Deadlines () override
  {
    EXPECT_EQ (G_OBJECT (virt)->ref_count, 1u) << "a queue is left";
    g_object_unref (virt);
  }

  struct Item {
    KubeDeadline deadline = {};
    Deadlines *test;
    int name;
    std::function<void (Item &)> then;
  };

  static void
  on_due (gpointer data)
  {
    auto *item = static_cast<Item *> (data);
    item->test->order.push_back (item->name);
    if (item->then)
      item->then (*item);
  }

  void
  set (Item &item, int name, gint64 delay)
  {
    item.test = this;
    item.name = name;
    kube_deadline_set (&item.deadline, clock, kube_clock_get_monotonic_time (clock) + delay, on_due, &item);
  }
};

}

TEST_F (Deadlines, ComeInTheirOrderAndOnce)
{
  Item items[200];
  std::vector<int> expected;
  for (int i = 0; i < 200; i++) {
    int due = i * 7919 % 200;
    set (items[i], due, due * second);
    expected.push_back (due);
  }
  std::sort (expected.begin (), expected.end ());
  kube_virtual_clock_advance (virt, 99 * second);
  EXPECT_EQ (order.size (), 100u);
  kube_virtual_clock_advance (virt, 1000 * second);
  EXPECT_EQ (order, expected);
}

TEST_F (Deadlines, WhatIsClearedDoesNotCome)
{
  Item items[100];
  std::vector<int> expected;
  for (int i = 0; i < 100; i++)
    set (items[i], i, (i + 1) * second);
  for (int i = 0; i < 100; i++) {
    if (i % 3 == 0)
      kube_deadline_clear (&items[i].deadline);
    else
      expected.push_back (i);
  }
  kube_deadline_clear (&items[0].deadline);
  kube_virtual_clock_advance (virt, 1000 * second);
  EXPECT_EQ (order, expected);
}

TEST_F (Deadlines, CanBeSetAndClearedWhileOneComes)
{
  Item a, b, c;
  set (a, 1, second);
  set (b, 2, second + 1);
  set (c, 3, 3 * second);
  a.then = [&] (Item &item) {
    kube_deadline_clear (&b.deadline);
    item.then = nullptr;
    set (item, 4, second);
  };
  c.then = [&] (Item &item) { kube_deadline_clear (&item.deadline); };
  kube_virtual_clock_advance (virt, second);
  EXPECT_EQ (order, std::vector<int> ({ 1 }));
  kube_virtual_clock_advance (virt, 10 * second);
  EXPECT_EQ (order, std::vector<int> ({ 1, 4, 3 }));
}

TEST_F (Deadlines, AnEarlierOneIsNotLate)
{
  Item late, early;
  set (late, 1, 100 * second);
  set (early, 2, second);
  set (late, 1, 50 * second);
  kube_virtual_clock_advance (virt, second);
  EXPECT_EQ (order, std::vector<int> ({ 2 }));
  kube_virtual_clock_advance (virt, 49 * second);
  EXPECT_EQ (order, std::vector<int> ({ 2, 1 }));
}
