/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-store.h>

extern "C" {
#include "kube-housekeeper.h"
}

namespace {

const char kPrefix[] = "/registry/events/";
const gint64 kTtl = 3600;

/* A store on virtual time, and who keeps its house. */
class KubeHousekeeperTest : public testing::Test {
protected:
  KubeVirtualClock *clock = kube_virtual_clock_new (1700000000 * G_TIME_SPAN_SECOND);
  KubeStore *store = kube_store_memory_new ();
  GMainContext *context = g_main_context_default ();
  KubeHousekeeper *housekeeper = nullptr;

  ~KubeHousekeeperTest () override
  {
    g_clear_pointer (&housekeeper, kube_housekeeper_free);
    turn ();
    g_object_unref (store);
    g_object_unref (clock);
  }

  void
  start ()
  {
    housekeeper = kube_housekeeper_new (store, KUBE_CLOCK (clock), context, kPrefix, kTtl);
  }

  void
  turn ()
  {
    while (g_main_context_iteration (context, FALSE))
      ;
  }

  void
  write (const std::string &key)
  {
    g_autoptr (GBytes) value = g_bytes_new_static ("{}", 2);
    KubeStoreWrite w = { key.c_str (), value, nullptr, KUBE_STORE_ANY_REVISION, KUBE_STORE_NO_OFFSET, FALSE, nullptr };
    guint64 revision = kube_store_write_sync (store, &w, nullptr);

    ASSERT_GT (revision, 0u);
    if (housekeeper != nullptr)
      kube_housekeeper_note_write (housekeeper, revision, key.rfind (kPrefix, 0) == 0);
  }

  void
  pass (gint64 seconds)
  {
    kube_virtual_clock_advance (clock, seconds * G_TIME_SPAN_SECOND);
    turn ();
  }

  bool
  there (const std::string &key)
  {
    g_autoptr (GBytes) value = kube_store_get (store, key.c_str (), nullptr, nullptr);
    return value != nullptr;
  }
};

TEST_F (KubeHousekeeperTest, WhatIsKeptForATimeGoesWithinAMinuteAfterIt)
{
  start ();
  write ("/registry/events/a");
  write ("/registry/pods/a");
  pass (kTtl - 1);
  EXPECT_TRUE (there ("/registry/events/a"));
  pass (62);
  EXPECT_FALSE (there ("/registry/events/a"));
  EXPECT_TRUE (there ("/registry/pods/a"));
}

TEST_F (KubeHousekeeperTest, WhatIsWrittenAgainBeginsItsTimeAnew)
{
  start ();
  write ("/registry/events/a");
  write ("/registry/events/b");
  pass (kTtl / 2);
  write ("/registry/events/a");
  pass (kTtl / 2 + 62);
  EXPECT_TRUE (there ("/registry/events/a"));
  EXPECT_FALSE (there ("/registry/events/b"));
  pass (kTtl / 2);
  EXPECT_FALSE (there ("/registry/events/a"));
}

TEST_F (KubeHousekeeperTest, WhatAnEarlierServerLeftGoesToo)
{
  write ("/registry/events/a");
  start ();
  pass (kTtl + 62);
  EXPECT_FALSE (there ("/registry/events/a"));
}

TEST_F (KubeHousekeeperTest, ManyGoInPieces)
{
  start ();
  for (int i = 0; i < 2500; i++)
    write ("/registry/events/" + std::to_string (i));
  pass (kTtl + 62);
  EXPECT_FALSE (there ("/registry/events/0"));
  EXPECT_FALSE (there ("/registry/events/999"));
  EXPECT_FALSE (there ("/registry/events/2499"));
}

TEST_F (KubeHousekeeperTest, NoTimerRunsWhereNothingIsWritten)
{
  start ();
  EXPECT_EQ (kube_virtual_clock_get_next (clock), -1);
}

TEST_F (KubeHousekeeperTest, HistoryIsForgottenAfterFiveToTenMinutes)
{
  start ();
  write ("/registry/pods/a");
  write ("/registry/pods/a");
  pass (301);
  pass (301);
  EXPECT_GE (kube_store_get_compacted (store), 2u);
}

} // namespace
