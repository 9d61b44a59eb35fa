/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-hub.h"
#include "store-testing.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

using namespace store_testing;

namespace {

struct Seen {
  guint64 revision;
  std::string key, value, previous;
  KubeStoreEventType type;
};

// A watch that remembers what it was given and checks that it is in order.
struct Watcher {
  KubeHubWatch *watch = nullptr;
  std::vector<Seen> seen;
  std::vector<KubeHubEvent *> events;
  guint64 revision = 0;
  int calls = 0;
  int error = -1;
  std::string message;
  std::function<void ()> then;

  Watcher (KubeHub *hub, const char *prefix, guint64 after) { watch = kube_hub_watch (hub, prefix, after, on_events, this); }
  ~Watcher () { stop (); }

  void stop ()
  {
    if (watch != nullptr)
      kube_hub_watch_stop (watch);
    watch = nullptr;
    for (KubeHubEvent *event : events)
      kube_hub_event_unref (event);
    events.clear ();
  }

  std::vector<guint64> revisions () const
  {
    std::vector<guint64> result;
    for (const Seen &s : seen)
      result.push_back (s.revision);
    return result;
  }

  static void on_events (KubeHubWatch *, KubeHubEvent *const *events, guint n, guint64 revision, const GError *error,
                         gpointer user_data)
  {
    auto self = static_cast<Watcher *> (user_data);
    EXPECT_EQ (self->error, -1) << "called after its end";
    EXPECT_EQ (error == nullptr, n > 0);
    self->calls++;
    for (guint i = 0; i < n; i++) {
      EXPECT_GT (events[i]->revision, self->seen.empty () ? 0 : self->seen.back ().revision);
      self->seen.push_back ({ events[i]->revision, events[i]->key, to_string (kube_object_get_bytes (events[i]->object)),
                              events[i]->previous != nullptr ? to_string (kube_object_get_bytes (events[i]->previous)) : "",
                              events[i]->type });
      self->events.push_back (kube_hub_event_ref (events[i]));
      EXPECT_LE (events[i]->revision, revision);
    }
    EXPECT_GE (revision, self->revision);
    self->revision = revision;
    if (error != nullptr) {
      EXPECT_EQ (error->domain, KUBE_ERROR);
      self->error = error->code;
      self->message = error->message;
    }
    if (self->then)
      self->then ();
  }
};

} // namespace

class Hub : public testing::TestWithParam<Engine> {
protected:
  void SetUp () override
  {
    path = make_folder ();
    store = GetParam ().open (path.c_str (), nullptr);
    ASSERT_NE (store, nullptr);
  }

  void make_hub (gsize bytes = 0) { hub = kube_hub_new (store, bytes); }

  void TearDown () override
  {
    if (hub != nullptr)
      kube_hub_close (hub);
    g_clear_object (&hub);
    g_clear_object (&store);
    remove_folder (path);
  }

  // Runs what is ready, so that what must not come would have come.
  void settle ()
  {
    bool done = false;
    for (int i = 0; i < 3; i++) {
      done = false;
      g_idle_add_full (
        G_PRIORITY_LOW,
        [] (gpointer data) -> gboolean {
          *static_cast<bool *> (data) = true;
          return G_SOURCE_REMOVE;
        },
        &done, nullptr);
      EXPECT_TRUE (wait_until ([&] { return done; }));
    }
  }

  std::string path;
  KubeStore *store = nullptr;
  KubeHub *hub = nullptr;
};

INSTANTIATE_TEST_SUITE_P (Engines, Hub, testing::ValuesIn (engines ()),
                          [] (const testing::TestParamInfo<Engine> &info) { return info.param.name; });

TEST_P (Hub, AWatchSeesWhatIsOfItsPrefix)
{
  make_hub ();
  Watcher all (hub, "/r/", 0), pods (hub, "/r/pods/", 0), ns (hub, "/r/pods/a/", 0), one (hub, "/r/pods/a/x", 0),
    other (hub, "/r/podsx/", 0);
  put (store, "/r/pods/a/x", "1");   // 2
  put (store, "/r/pods/a/xy", "2");  // 3
  put (store, "/r/pods/b/x", "3");   // 4
  put (store, "/r/podsx/b/x", "4");  // 5
  erase (store, "/r/pods/a/x");      // 6
  ASSERT_TRUE (wait_until ([&] { return all.seen.size () == 5 && one.seen.size () == 2 && ns.seen.size () == 3; }));
  EXPECT_EQ (all.revisions (), (std::vector<guint64>{ 2, 3, 4, 5, 6 }));
  EXPECT_EQ (pods.revisions (), (std::vector<guint64>{ 2, 3, 4, 6 }));
  EXPECT_EQ (ns.revisions (), (std::vector<guint64>{ 2, 3, 6 }));
  EXPECT_EQ (one.revisions (), (std::vector<guint64>{ 2, 6 }));
  EXPECT_EQ (other.revisions (), (std::vector<guint64>{ 5 }));
  EXPECT_EQ (one.seen[1].type, KUBE_STORE_EVENT_REMOVE);
  EXPECT_EQ (one.seen[1].previous, "1");
  EXPECT_EQ (kube_hub_get_revision (hub), 6u);
}

TEST_P (Hub, WatchersShareEventsAndFrames)
{
  make_hub ();
  int encoded = 0;
  Watcher a (hub, "/r/", 0), b (hub, "/r/k", 0);
  put (store, "/r/k", "v");
  ASSERT_TRUE (wait_until ([&] { return a.seen.size () == 1 && b.seen.size () == 1; }));
  EXPECT_EQ (a.events[0], b.events[0]);
  auto encode = [] (KubeHubEvent *event, gpointer data) {
    ++*static_cast<int *> (data);
    return g_bytes_ref (kube_object_get_bytes (event->object));
  };
  GBytes *frame = kube_hub_event_get_frame (a.events[0], 1, encode, &encoded);
  EXPECT_EQ (kube_hub_event_get_frame (b.events[0], 1, encode, &encoded), frame);
  EXPECT_EQ (encoded, 1);
}

TEST_P (Hub, WhatAnEventReplacedIsTheObjectOfTheEventThatWroteIt)
{
  make_hub ();
  Watcher all (hub, "/r/", 0);
  put (store, "/r/a", "1");
  put (store, "/r/b", "2");
  put (store, "/r/a", "3");
  erase (store, "/r/a");
  put (store, "/r/a", "4");
  ASSERT_TRUE (wait_until ([&] { return all.seen.size () == 5; }));
  EXPECT_EQ (all.events[2]->previous, all.events[0]->object);
  EXPECT_EQ (all.events[3]->previous, all.events[2]->object);
  EXPECT_EQ (all.events[4]->previous, nullptr);
}

TEST_P (Hub, WhatTheWriterHadParsedIsNotParsedAgain)
{
  make_hub ();
  Watcher all (hub, "/r/", 0);
  const std::string text = R"({"metadata":{"resourceVersion":""}})";
  g_autoptr (KubeObject) object = kube_object_parse (R"({"metadata":{"resourceVersion":""},"from":"the writer"})", -1, nullptr);
  g_autoptr (GBytes) bytes = to_bytes (text);
  KubeStoreWrite w = {};
  w.key = "/r/a";
  w.value = bytes;
  w.expected = KUBE_STORE_ANY_REVISION;
  w.revision_at = text.find ("\"\"") + 1;
  w.object = object;
  guint64 revision = write (store, w).revision;
  ASSERT_TRUE (wait_until ([&] { return all.seen.size () == 1; }));
  EXPECT_STREQ (kube_object_get_string (all.events[0]->object, "from"), "the writer");
  EXPECT_EQ (kube_object_get_resource_version (all.events[0]->object), std::to_string (revision));
  EXPECT_EQ (all.seen[0].value, R"({"metadata":{"resourceVersion":")" + std::to_string (revision) + R"("}})");
}

TEST_P (Hub, TheNewestObjectOfAKeyIsFoundByItsRevision)
{
  make_hub ();
  Watcher all (hub, "/r/", 0);
  guint64 first = put (store, "/r/a", "1").revision, second = put (store, "/r/a", "2").revision;
  ASSERT_TRUE (wait_until ([&] { return all.seen.size () == 2; }));
  g_autoptr (KubeObject) old = kube_hub_find (hub, "/r/a", first), newest = kube_hub_find (hub, "/r/a", second);
  EXPECT_EQ (old, nullptr);
  EXPECT_EQ (newest, all.events[1]->object);
  EXPECT_EQ (kube_hub_find (hub, "/r/b", second), nullptr);
  erase (store, "/r/a");
  ASSERT_TRUE (wait_until ([&] { return all.seen.size () == 3; }));
  EXPECT_EQ (kube_hub_find (hub, "/r/a", second), nullptr);
  EXPECT_EQ (kube_hub_find (hub, "/r/a", all.seen[2].revision), nullptr);
}

TEST_P (Hub, AMarkIsTheRevisionOfTheNewestWriteUnderItsPrefix)
{
  make_hub ();
  const KubeHubMark *mark = kube_hub_mark (hub, "/a/");
  EXPECT_EQ (mark, kube_hub_mark (hub, "/a/"));
  EXPECT_EQ (kube_hub_mark_get_revision (mark), 0u);
  guint64 revision = put (store, "/a/b/1", "x").revision;
  EXPECT_EQ (kube_hub_mark_get_revision (mark), revision) << "before the writer is told";
  put (store, "/ab/1", "x");
  put (store, "/a", "x");
  EXPECT_EQ (kube_hub_mark_get_revision (mark), revision);
  {
    Watcher watcher (hub, "/a/", 0);
    revision = put (store, "/a/2", "x").revision;
    ASSERT_TRUE (wait_until ([&] { return watcher.seen.size () == 1; }));
  }
  EXPECT_EQ (kube_hub_mark_get_revision (mark), revision);
  EXPECT_EQ (kube_hub_mark_get_revision (mark), revision) << "it stays when nobody watches any more";
  revision = put (store, "/a/3", "x").revision;
  EXPECT_EQ (kube_hub_mark_get_revision (mark), revision);
}

TEST_P (Hub, AWatchBeginsAfterItsRevision)
{
  make_hub ();
  for (int i = 0; i < 20; i++)
    put (store, "/r/" + std::to_string (i % 3), std::to_string (i));
  for (guint64 after = 1; after <= 21; after++) {
    Watcher w (hub, "/r/", after);
    EXPECT_EQ (w.calls, 0) << "called from within kube_hub_watch()";
    guint64 next = put (store, "/r/x", "x").revision;
    ASSERT_TRUE (wait_until ([&] { return w.revision >= next; }));
    ASSERT_EQ (w.seen.size (), next - after);
    for (guint64 i = 0; i < w.seen.size (); i++)
      EXPECT_EQ (w.seen[i].revision, after + 1 + i);
  }
}

TEST_P (Hub, WhatIsNoLongerInMemoryComesFromHistory)
{
  for (int i = 0; i < 300; i++)
    put (store, "/r/" + std::to_string (i % 7), "before" + std::to_string (i));
  make_hub (2000); // room for a few events only
  for (int i = 0; i < 300; i++)
    put (store, "/r/" + std::to_string (i % 7), "after" + std::to_string (i));
  Watcher all (hub, "/r/", 1), some (hub, "/r/3", 100), late (hub, "/r/", 590);
  ASSERT_TRUE (wait_until ([&] { return all.revision >= 601 && some.revision >= 599 && late.revision >= 601; }));
  ASSERT_EQ (all.seen.size (), 600u);
  for (guint i = 0; i < 600; i++) {
    EXPECT_EQ (all.seen[i].revision, i + 2);
    EXPECT_EQ (all.seen[i].value, (i < 300 ? "before" : "after") + std::to_string (i % 300));
  }
  for (const Seen &s : some.seen)
    EXPECT_EQ (s.key, "/r/3");
  EXPECT_EQ (late.seen.size (), 11u);
}

TEST_P (Hub, AWatchFromACompactedRevisionIsExpired)
{
  make_hub (500);
  for (int i = 0; i < 50; i++)
    put (store, "/r/a", std::string (100, 'v'));
  kube_store_compact (store, 40);
  Watcher old (hub, "/r/", 39), good (hub, "/r/", 40);
  ASSERT_TRUE (wait_until ([&] { return old.error != -1 && good.revision >= 51; }));
  EXPECT_EQ (old.error, KUBE_ERROR_EXPIRED);
  EXPECT_EQ (old.message, "too old resource version: 39 (40)");
  EXPECT_EQ (good.seen.size (), 11u);
}

TEST_P (Hub, AWatcherThatStalledCatchesUpFromHistory)
{
  make_hub (2000);
  Watcher w (hub, "/r/", 0);
  GMainContext *own = g_main_context_new (); // writes complete elsewhere, so that the watcher's context stands still
  g_main_context_push_thread_default (own);
  for (int i = 0; i < 500; i++)
    put (store, "/r/" + std::to_string (i % 5), std::string (50, 'v'));
  g_main_context_pop_thread_default (own);
  g_main_context_unref (own);
  EXPECT_EQ (w.calls, 0);
  ASSERT_TRUE (wait_until ([&] { return w.revision >= 501; }));
  ASSERT_EQ (w.seen.size (), 500u);
  put (store, "/r/x", "x");
  ASSERT_TRUE (wait_until ([&] { return w.seen.size () == 501; }));
}

TEST_P (Hub, AWatcherThatIsTooSlowForHistoryIsDropped)
{
  make_hub (2000);
  Watcher w (hub, "/r/", 0);
  GMainContext *own = g_main_context_new ();
  g_main_context_push_thread_default (own);
  for (int i = 0; i < 500; i++)
    put (store, "/r/" + std::to_string (i % 5), std::string (50, 'v'));
  g_main_context_pop_thread_default (own);
  g_main_context_unref (own);
  kube_store_compact (store, 300);
  ASSERT_TRUE (wait_until ([&] { return w.error != -1; }));
  EXPECT_EQ (w.error, KUBE_ERROR_TOO_MANY_REQUESTS);
}

TEST_P (Hub, AnIdleWatchDoesNotExpire)
{
  make_hub (2000);
  Watcher idle (hub, "/r/quiet/", 0);
  for (int i = 0; i < 200; i++)
    put (store, "/r/busy/x", std::string (50, 'v'));
  kube_store_compact (store, 201);
  settle ();
  EXPECT_EQ (kube_hub_watch_get_revision (idle.watch), 201u) << "a bookmark moves on without events";
  GMainContext *own = g_main_context_new ();
  g_main_context_push_thread_default (own);
  for (int i = 0; i < 200; i++)
    put (store, "/r/quiet/x", std::string (50, 'v'));
  g_main_context_pop_thread_default (own);
  g_main_context_unref (own);
  ASSERT_TRUE (wait_until ([&] { return idle.revision >= 401; }));
  EXPECT_EQ (idle.error, -1) << idle.message;
  EXPECT_EQ (idle.seen.size (), 200u);
}

TEST_P (Hub, WatchesCanBeStoppedAndBegunFromWithinAWatch)
{
  make_hub ();
  Watcher a (hub, "/r/", 0), b (hub, "/r/", 0), c (hub, "/r/k", 0);
  std::unique_ptr<Watcher> fresh;
  a.then = [&] {
    if (fresh == nullptr) {
      b.stop ();
      c.stop ();
      fresh = std::make_unique<Watcher> (hub, "/r/", 0);
    }
  };
  put (store, "/r/k", "1");
  ASSERT_TRUE (wait_until ([&] { return a.calls == 1; }));
  settle ();
  EXPECT_EQ (fresh->calls, 0);
  put (store, "/r/k", "2");
  ASSERT_TRUE (wait_until ([&] { return a.calls == 2 && fresh->calls == 1; }));
  EXPECT_LE (b.calls + c.calls, 2) << "they may have come before the one that stopped them";
  a.then = [&] { a.stop (); };
  put (store, "/r/k", "3");
  ASSERT_TRUE (wait_until ([&] { return fresh->calls == 2; }));
  EXPECT_EQ (a.watch, nullptr);
}

TEST_P (Hub, ClosingEndsAllWatches)
{
  make_hub (500);
  for (int i = 0; i < 100; i++)
    put (store, "/r/a", "v");
  Watcher live (hub, "/r/", 0), behind (hub, "/r/", 1);
  kube_hub_close (hub);
  Watcher late (hub, "/r/", 0);
  ASSERT_TRUE (wait_until ([&] { return live.error != -1 && behind.error != -1 && late.error != -1; }));
  for (Watcher *w : { &live, &behind, &late })
    EXPECT_EQ (w->error, KUBE_ERROR_SERVICE_UNAVAILABLE);
  put (store, "/r/a", "after");
  settle ();
}

TEST_P (Hub, ThousandsOfWatchersOfOneObjectDoNotMeetOtherEvents)
{
  make_hub ();
  std::vector<std::unique_ptr<Watcher>> many;
  for (int i = 0; i < 2000; i++)
    many.push_back (std::make_unique<Watcher> (hub, "/r/configmaps/a/one", 0));
  for (int i = 0; i < 300; i++)
    put (store, "/r/pods/a/" + std::to_string (i), "v");
  settle ();
  for (auto &w : many)
    EXPECT_EQ (w->calls, 0);
  put (store, "/r/configmaps/a/one", "v");
  ASSERT_TRUE (wait_until ([&] { return many.back ()->calls == 1; }));
  settle ();
  for (auto &w : many)
    EXPECT_EQ (w->seen.size (), 1u);
}

TEST_P (Hub, NoGapAndNoDuplicateUnderConcurrentWriters)
{
  static const int writers = 3, each = 400, watch_threads = 3, watches = 12;
  make_hub (20000);
  std::atomic<int> finished{ 0 };
  std::vector<std::thread> threads;
  for (int t = 0; t < writers; t++) {
    threads.emplace_back ([&, t] {
      for (int i = 0; i < each; i++) {
        std::string key = "/r/" + std::to_string (t) + "/" + std::to_string (i % 5), text (100, 'v');
        GBytes *value = to_bytes (text);
        KubeStoreWrite w = {};
        w.key = key.c_str ();
        w.value = value;
        w.expected = KUBE_STORE_ANY_REVISION;
        w.revision_at = KUBE_STORE_NO_OFFSET;
        EXPECT_NE (kube_store_write_sync (store, &w, nullptr), 0u);
        g_bytes_unref (value);
      }
      finished++;
    });
  }
  for (int t = 0; t < watch_threads; t++) {
    threads.emplace_back ([&, t] {
      GMainContext *context = g_main_context_new ();
      g_main_context_push_thread_default (context);
      {
        GRand *random = g_rand_new_with_seed (t);
        std::vector<std::unique_ptr<Watcher>> mine;
        std::vector<guint64> starts;
        for (int i = 0; i < watches; i++) {
          guint64 newest = kube_store_get_revision (store);
          starts.push_back (g_rand_int_range (random, 1, MAX (newest, 2u))); // there is an event to come
          mine.push_back (std::make_unique<Watcher> (hub, "/r/", starts.back ()));
          guint64 wait_for = std::min (newest + g_rand_int_range (random, 0, 60), guint64 (writers * each));
          EXPECT_TRUE (wait_until ([&] { return mine.back ()->revision >= wait_for; })) << "is at " << mine.back ()->revision << ", waits for " << wait_for;
        }
        EXPECT_TRUE (wait_until ([&] { return finished == writers; }));
        for (int i = 0; i < watches; i++) {
          Watcher *w = mine[i].get ();
          EXPECT_TRUE (wait_until ([&] { return w->revision >= guint64 (1 + writers * each); }));
          EXPECT_EQ (w->error, -1) << w->message;
          EXPECT_EQ (w->seen.size (), 1 + writers * each - starts[i]);
          if (!w->seen.empty ()) {
            EXPECT_EQ (w->seen.front ().revision, starts[i] + 1);
            EXPECT_EQ (w->seen.back ().revision, guint64 (1 + writers * each));
          }
        }
        g_rand_free (random);
      }
      g_main_context_pop_thread_default (context);
      g_main_context_unref (context);
    });
  }
  for (std::thread &thread : threads)
    thread.join ();
}
