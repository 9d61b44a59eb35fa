/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of KubeStore, over every engine. */
#include "store-testing.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace store_testing;

class Store : public testing::TestWithParam<Engine> {
protected:
  void SetUp () override
  {
    path = make_folder ();
    reopen ();
  }

  void TearDown () override
  {
    g_clear_object (&store);
    remove_folder (path);
  }

  void reopen ()
  {
    GError *error = nullptr;
    g_clear_object (&store);
    store = GetParam ().open (path.c_str (), &error);
    ASSERT_NE (store, nullptr) << error->message;
  }

  std::string get (const std::string &key, guint64 *revision = nullptr)
  {
    GError *error = nullptr;
    GBytes *bytes = kube_store_get (store, key.c_str (), revision, &error);
    if (bytes == nullptr) {
      EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND));
      g_error_free (error);
      return "(none)";
    }
    std::string value = to_string (bytes);
    g_bytes_unref (bytes);
    return value;
  }

  guint64 count (const std::string &start, const char *end, guint64 revision = 0)
  {
    KubeStoreRange r = { start.c_str (), end, revision, 0 };
    return kube_store_count (store, &r);
  }

  std::string path;
  KubeStore *store = nullptr;
};

INSTANTIATE_TEST_SUITE_P (Engines, Store, testing::ValuesIn (engines ()),
                          [] (const testing::TestParamInfo<Engine> &info) { return info.param.name; });

TEST_P (Store, AnEmptyStoreIsAtRevisionOne)
{
  EXPECT_EQ (kube_store_get_revision (store), 1u);
  EXPECT_EQ (kube_store_get_compacted (store), 0u);
  EXPECT_EQ (get ("/a"), "(none)");
  Range all = range (store, "/", "0");
  EXPECT_TRUE (all.ok);
  EXPECT_TRUE (all.items.empty ());
  EXPECT_EQ (all.read_at, 1u);
  EXPECT_FALSE (all.more);
  EXPECT_TRUE (history (store, 1).empty ());
}

TEST_P (Store, EachWriteTakesTheNextRevision)
{
  EXPECT_EQ (put (store, "/a", "1").revision, 2u);
  EXPECT_EQ (put (store, "/b", "2").revision, 3u);
  EXPECT_EQ (erase (store, "/a").revision, 4u);
  EXPECT_EQ (put (store, "/a", "3").revision, 5u);
  EXPECT_EQ (kube_store_get_revision (store), 5u);
  guint64 revision = 0;
  EXPECT_EQ (get ("/b", &revision), "2");
  EXPECT_EQ (revision, 3u);
}

TEST_P (Store, AFailedWriteTakesNoRevision)
{
  EXPECT_EQ (put (store, "/a", "1").revision, 2u);
  EXPECT_EQ (put (store, "/a", "2", 0).error, KUBE_ERROR_CONFLICT);
  EXPECT_EQ (erase (store, "/nothing").error, KUBE_ERROR_NOT_FOUND);
  EXPECT_EQ (put (store, "/a", "3").revision, 3u);
}

TEST_P (Store, AConflictTellsWhatIsThere)
{
  put (store, "/a", "old");
  guint64 current = put (store, "/a", "new").revision;

  for (guint64 expected : { guint64 (0), current - 1, current + 100 }) {
    Outcome outcome = put (store, "/a", "mine", expected);
    EXPECT_EQ (outcome.error, KUBE_ERROR_CONFLICT);
    EXPECT_EQ (outcome.revision, current);
    EXPECT_EQ (outcome.value, "new");
  }
  Outcome outcome = erase (store, "/a", current - 1);
  EXPECT_EQ (outcome.error, KUBE_ERROR_CONFLICT);
  EXPECT_EQ (outcome.value, "new");
  EXPECT_EQ (get ("/a"), "new");
  EXPECT_EQ (put (store, "/a", "mine", current).revision, current + 1);
}

TEST_P (Store, AConflictWhereNothingIsSaysSo)
{
  Outcome outcome = put (store, "/a", "x", 5);
  EXPECT_EQ (outcome.error, KUBE_ERROR_CONFLICT);
  EXPECT_EQ (outcome.revision, 0u);
  EXPECT_FALSE (outcome.has_value);

  put (store, "/a", "x");
  erase (store, "/a");
  outcome = put (store, "/a", "x", 2);
  EXPECT_EQ (outcome.error, KUBE_ERROR_CONFLICT);
  EXPECT_EQ (outcome.revision, 0u);
  EXPECT_FALSE (outcome.has_value);
  EXPECT_EQ (put (store, "/a", "again", 0).error, -1);
}

TEST_P (Store, TheRevisionIsWrittenIntoTheValue)
{
  Outcome outcome = put (store, "/a", "{\"resourceVersion\":\"\"}", 0, 20);
  EXPECT_EQ (outcome.value, "{\"resourceVersion\":\"2\"}");
  EXPECT_EQ (get ("/a"), "{\"resourceVersion\":\"2\"}");
  EXPECT_EQ (put (store, "/b", "", 0, 0).value, "3");
  EXPECT_EQ (put (store, "/c", "at end ", 0, 7).value, "at end 4");
}

TEST_P (Store, ARemovalShowsTheLastStateWithItsOwnRevision)
{
  std::vector<Event> events;
  kube_store_set_commit_func (store, append_events, &events);
  put (store, "/a", "v");
  GBytes *last = to_bytes ("last@!");
  KubeStoreWrite w = {};
  w.key = "/a";
  w.value = last;
  w.expected = 2;
  w.revision_at = 5;
  w.remove = TRUE;
  Outcome outcome = write (store, w);
  g_bytes_unref (last);

  EXPECT_EQ (outcome.value, "last@3!");
  EXPECT_EQ (get ("/a"), "(none)");
  std::vector<Event> expected = { { KUBE_STORE_EVENT_PUT, 2, "/a", "v", false, "" },
                                  { KUBE_STORE_EVENT_REMOVE, 3, "/a", "last@3!", true, "v" } };
  EXPECT_EQ (events, expected);
  EXPECT_EQ (history (store, 1), expected);
}

TEST_P (Store, ARemovalWithoutAValueShowsWhatWasStored)
{
  std::vector<Event> events;
  kube_store_set_commit_func (store, append_events, &events);
  put (store, "/a", "v");
  erase (store, "/a");
  std::vector<Event> expected = { { KUBE_STORE_EVENT_PUT, 2, "/a", "v", false, "" },
                                  { KUBE_STORE_EVENT_REMOVE, 3, "/a", "v", true, "v" } };
  EXPECT_EQ (events, expected);
  EXPECT_EQ (history (store, 1), expected);
}

TEST_P (Store, BadArgumentsAreRefusedWithAnError)
{
  EXPECT_EQ (put (store, "", "x").error, KUBE_ERROR_BAD_REQUEST);
  EXPECT_EQ (put (store, std::string (1025, 'k'), "x").error, KUBE_ERROR_BAD_REQUEST);
  EXPECT_EQ (put (store, "/a", "x", 0, 2).error, KUBE_ERROR_BAD_REQUEST);
  KubeStoreWrite w = {};
  w.key = "/a";
  EXPECT_EQ (write (store, w).error, KUBE_ERROR_BAD_REQUEST);
  EXPECT_EQ (kube_store_get_revision (store), 1u);
}

TEST_P (Store, RangesAreOrderedAndHalfOpen)
{
  for (const char *key : { "/b/2", "/a", "/b/1", "/b0", "/b/", "/c" })
    put (store, key, key);
  EXPECT_EQ (range (store, "/b/", "/b0").keys (), (std::vector<std::string>{ "/b/", "/b/1", "/b/2" }));
  EXPECT_EQ (range (store, "/b/1", nullptr).keys (), (std::vector<std::string>{ "/b/1" }));
  EXPECT_TRUE (range (store, "/b/3", nullptr).keys ().empty ());
  EXPECT_EQ (range (store, "/", "0").keys (), (std::vector<std::string>{ "/a", "/b/", "/b/1", "/b/2", "/b0", "/c" }));
  EXPECT_EQ (count ("/b/", "/b0"), 3u);
  EXPECT_EQ (count ("/b/1", nullptr), 1u);
}

TEST_P (Store, ALimitSaysWhetherThereIsMore)
{
  for (int i = 0; i < 5; i++)
    put (store, "/k/" + std::to_string (i), "v");
  put (store, "/l", "v");
  Range three = range (store, "/k/", "/k0", 0, 3);
  EXPECT_EQ (three.items.size (), 3u);
  EXPECT_TRUE (three.more);
  Range five = range (store, "/k/", "/k0", 0, 5);
  EXPECT_EQ (five.items.size (), 5u);
  EXPECT_FALSE (five.more);
  EXPECT_FALSE (range (store, "/k/", "/k0", 0, 6).more);
  EXPECT_EQ (count ("/k/", "/k0"), 5u);
}

TEST_P (Store, AVisitorCanEndARange)
{
  for (int i = 0; i < 5; i++)
    put (store, "/k/" + std::to_string (i), "v");
  KubeStoreRange r = { "/k/", "/k0", 0, 0 };
  for (int stop_after : { 1, 4, 5 }) {
    struct {
      int seen, stop;
    } state = { 0, stop_after };
    gboolean more = FALSE;
    EXPECT_TRUE (kube_store_range (
      store, &r,
      [] (const char *, const guint8 *, gsize, guint64, gpointer data) -> gboolean {
        auto s = static_cast<decltype (state) *> (data);
        return ++s->seen < s->stop;
      },
      &state, nullptr, &more, nullptr));
    EXPECT_EQ (state.seen, stop_after);
    EXPECT_EQ (more, stop_after < 5);
  }
}

TEST_P (Store, ARangeIsReadAsOfItsRevision)
{
  put (store, "/k/1", "one");                // 2
  put (store, "/k/2", "two");                // 3
  put (store, "/k/1", "one again");          // 4
  erase (store, "/k/2");                     // 5
  put (store, "/k/2", "two again", 0);       // 6
  put (store, "/k/0", "zero");               // 7

  auto at = [&] (guint64 revision) {
    Range r = range (store, "/k/", "/k0", revision);
    EXPECT_TRUE (r.ok) << r.message;
    EXPECT_EQ (r.read_at, revision);
    EXPECT_EQ (count ("/k/", "/k0", revision), r.items.size ());
    return r.items;
  };
  EXPECT_EQ (at (1), (std::vector<Item>{}));
  EXPECT_EQ (at (2), (std::vector<Item>{ { "/k/1", "one", 2 } }));
  EXPECT_EQ (at (3), (std::vector<Item>{ { "/k/1", "one", 2 }, { "/k/2", "two", 3 } }));
  EXPECT_EQ (at (4), (std::vector<Item>{ { "/k/1", "one again", 4 }, { "/k/2", "two", 3 } }));
  EXPECT_EQ (at (5), (std::vector<Item>{ { "/k/1", "one again", 4 } }));
  EXPECT_EQ (at (6), (std::vector<Item>{ { "/k/1", "one again", 4 }, { "/k/2", "two again", 6 } }));
  EXPECT_EQ (range (store, "/k/", "/k0").items, at (7));

  Range future = range (store, "/k/", "/k0", 8);
  EXPECT_FALSE (future.ok);
  EXPECT_EQ (future.error, KUBE_ERROR_TIMEOUT);
  EXPECT_EQ (future.message, "Timeout: Too large resource version: 8, current: 7");
}

TEST_P (Store, PagesAtOneRevisionAreOneSnapshot)
{
  for (int i = 0; i < 500; i++)
    put (store, "/k/" + std::to_string (1000 + i), "old");
  Range first = range (store, "/k/", "/k0", 0, 100);
  std::vector<Item> items = first.items;
  int round = 0;
  while (first.more) {
    put (store, "/k/" + std::to_string (1000 + round * 7), "new");
    erase (store, "/k/" + std::to_string (1499 - round));
    put (store, "/k/1250-" + std::to_string (round++), "new");
    first = range (store, items.back ().key + '\x01', "/k0", first.read_at, 100);
    ASSERT_TRUE (first.ok);
    items.insert (items.end (), first.items.begin (), first.items.end ());
  }
  ASSERT_EQ (items.size (), 500u);
  for (int i = 0; i < 500; i++) {
    EXPECT_EQ (items[i].key, "/k/" + std::to_string (1000 + i));
    EXPECT_EQ (items[i].value, "old");
  }
}

TEST_P (Store, HistoryIsWhatWasCommitted)
{
  std::vector<Event> events;
  kube_store_set_commit_func (store, append_events, &events);
  put (store, "/a", "1");
  put (store, "/a", "2");
  put (store, "/b", "x");
  erase (store, "/a");
  put (store, "/a", "3");
  ASSERT_EQ (events.size (), 5u);
  for (guint i = 0; i < 5; i++)
    EXPECT_EQ (events[i].revision, i + 2);
  EXPECT_EQ (events[1].previous, "1");
  EXPECT_FALSE (events[4].has_previous);
  for (guint64 after = 1; after <= 6; after++)
    EXPECT_EQ (history (store, after), std::vector<Event> (events.begin () + (after - 1), events.end ()));
  EXPECT_EQ (history (store, 2, 2), std::vector<Event> (events.begin () + 1, events.begin () + 3));
  EXPECT_EQ (history (store, 0), events);
  EXPECT_TRUE (history (store, 99).empty ());
}

TEST_P (Store, AKnownPreviousValueIsUsedOnlyIfItMatched)
{
  std::vector<Event> events;
  kube_store_set_commit_func (store, append_events, &events);
  put (store, "/a", "1");
  GBytes *value = to_bytes ("2"), *previous = to_bytes ("1");
  KubeStoreWrite w = {};
  w.key = "/a";
  w.value = value;
  w.previous = previous;
  w.expected = 2;
  w.revision_at = KUBE_STORE_NO_OFFSET;
  EXPECT_EQ (write (store, w).revision, 3u);
  w.expected = KUBE_STORE_ANY_REVISION; // says nothing of what is there, so `previous` may be stale
  EXPECT_EQ (write (store, w).revision, 4u);
  ASSERT_EQ (events.size (), 3u);
  EXPECT_EQ (events[1].previous, "1");
  EXPECT_EQ (events[2].previous, "2");
  g_bytes_unref (value);
  g_bytes_unref (previous);
}

TEST_P (Store, CompactionForgetsWhatIsOlderAndKeepsTheRest)
{
  put (store, "/k/1", "a"); // 2
  put (store, "/k/1", "b"); // 3
  put (store, "/k/2", "c"); // 4
  erase (store, "/k/2");    // 5
  put (store, "/k/1", "d"); // 6
  put (store, "/k/3", "e"); // 7
  kube_store_compact (store, 5);

  EXPECT_EQ (kube_store_get_compacted (store), 5u);
  EXPECT_EQ (range (store, "/k/", "/k0", 4).error, KUBE_ERROR_EXPIRED);
  EXPECT_EQ (range (store, "/k/", "/k0", 4).message, "The resourceVersion for the provided list is too old.");
  int error;
  history (store, 4, 10, &error);
  EXPECT_EQ (error, KUBE_ERROR_EXPIRED);

  EXPECT_EQ (range (store, "/k/", "/k0", 5).items, (std::vector<Item>{ { "/k/1", "b", 3 } }));
  EXPECT_EQ (range (store, "/k/", "/k0").items, (std::vector<Item>{ { "/k/1", "d", 6 }, { "/k/3", "e", 7 } }));
  std::vector<Event> rest = history (store, 5);
  ASSERT_EQ (rest.size (), 2u);
  EXPECT_EQ (rest[0], (Event{ KUBE_STORE_EVENT_PUT, 6, "/k/1", "d", true, "b" }));

  kube_store_compact (store, 3);
  EXPECT_EQ (kube_store_get_compacted (store), 5u) << "it never goes back";
  kube_store_compact (store, 1000);
  EXPECT_EQ (kube_store_get_compacted (store), 7u) << "no further than the newest";
  EXPECT_EQ (put (store, "/k/2", "again", 0).revision, 8u);
  EXPECT_EQ (put (store, "/k/1", "f", 6).revision, 9u);
  EXPECT_EQ (history (store, 7).size (), 2u);
}

TEST_P (Store, ARemovedKeyCanComeBackAcrossCompactions)
{
  for (int round = 0; round < 20; round++) {
    EXPECT_EQ (put (store, "/a", std::to_string (round), 0).error, -1);
    if (round % 3 == 0)
      kube_store_compact (store, kube_store_get_revision (store) - round % 2);
    EXPECT_EQ (erase (store, "/a").error, -1);
    if (round % 2 == 0)
      kube_store_compact (store, kube_store_get_revision (store));
    EXPECT_EQ (get ("/a"), "(none)");
    EXPECT_EQ (count ("/", "0"), 0u);
  }
}

TEST_P (Store, RandomWritesAgreeWithAModel)
{
  std::map<guint64, std::map<std::string, std::string>> states;
  std::map<std::string, std::string> now;
  GRand *random = g_rand_new_with_seed (42);
  guint64 compacted = 0;
  states[1] = now;
  for (int i = 0; i < 600; i++) {
    std::string key = "/k/" + std::to_string (g_rand_int_range (random, 0, 12));
    if (g_rand_int_range (random, 0, 10) < 3) {
      Outcome outcome = erase (store, key);
      EXPECT_EQ (outcome.error == -1, now.erase (key) == 1);
    } else {
      now[key] = std::to_string (i);
      EXPECT_EQ (put (store, key, std::to_string (i)).error, -1);
    }
    guint64 revision = kube_store_get_revision (store);
    states[revision] = now;
    if (i % 50 == 49) {
      compacted = revision - 20;
      kube_store_compact (store, compacted);
    }
    if (i % 100 == 75 && GetParam ().durable) {
      reopen ();
      EXPECT_EQ (kube_store_get_revision (store), revision);
      EXPECT_EQ (kube_store_get_compacted (store), compacted);
    }
    guint64 at = g_rand_int_range (random, MAX (compacted, 1), revision + 1);
    Range r = range (store, "/k/", "/k0", at);
    ASSERT_TRUE (r.ok) << r.message;
    std::map<std::string, std::string> got;
    for (const Item &item : r.items)
      got[item.key] = item.value;
    ASSERT_EQ (got, states[at]) << "as of " << at << " of " << revision << ", compacted " << compacted;
  }
  g_rand_free (random);
}

TEST_P (Store, LongKeysKeepTheirOrder)
{
  std::vector<std::string> keys;
  std::string base (500, 'a');
  for (int length : { 500, 510, 511, 512, 513, 700, 1023, 1024 }) {
    keys.push_back (base + std::string (length - 500, 'm'));
    if (length > 500)
      keys.push_back (base + std::string (length - 501, 'm') + "b");
  }
  for (const std::string &key : keys)
    ASSERT_EQ (put (store, key, "v" + std::to_string (key.size ())).error, -1) << key.size ();
  std::set<std::string> sorted (keys.begin (), keys.end ());
  EXPECT_EQ (range (store, base, "b").keys (), std::vector<std::string> (sorted.begin (), sorted.end ()));
  std::string from = base + std::string (13, 'm'), to = base + std::string (300, 'm');
  EXPECT_EQ (range (store, from, to.c_str ()).keys (),
             std::vector<std::string> (sorted.lower_bound (from), sorted.lower_bound (to)));
  for (const std::string &key : keys) {
    EXPECT_EQ (get (key), "v" + std::to_string (key.size ()));
    EXPECT_EQ (range (store, key, nullptr).items.size (), 1u);
    EXPECT_EQ (put (store, key, "x", 0).error, KUBE_ERROR_CONFLICT);
  }
  guint64 all = kube_store_get_revision (store);
  for (const std::string &key : keys)
    EXPECT_EQ (erase (store, key).error, -1);
  EXPECT_EQ (count (base, "b"), 0u);
  EXPECT_EQ (range (store, base, "b", all).items.size (), keys.size ());
  kube_store_compact (store, kube_store_get_revision (store));
  EXPECT_EQ (put (store, keys.back (), "again", 0).error, -1);
  EXPECT_EQ (range (store, base, "b").keys (), (std::vector<std::string>{ keys.back () }));
}

TEST_P (Store, BigValuesAreKept)
{
  std::string big (5 * 1024 * 1024, 'x');
  for (size_t i = 0; i < big.size (); i += 4096)
    big[i] = char ('a' + (i / 4096) % 26);
  Outcome outcome = put (store, "/big", big);
  ASSERT_EQ (outcome.error, -1) << outcome.message;
  EXPECT_EQ (outcome.value, big);
  EXPECT_EQ (get ("/big"), big);
  EXPECT_EQ (history (store, 1)[0].value, big);
  EXPECT_EQ (put (store, "/empty", "").error, -1);
  EXPECT_EQ (get ("/empty"), "");
}

TEST_P (Store, CompletionsComeInTheOrderOfTheWrites)
{
  struct State {
    std::vector<guint64> revisions;
    int errors = 0;
  } state;
  GBytes *value = to_bytes ("v");
  for (int i = 0; i < 1000; i++) {
    std::string key = "/k/" + std::to_string (i % 10);
    KubeStoreWrite w = {};
    w.key = key.c_str ();
    w.value = value;
    w.expected = i % 100 == 99 ? 1 : KUBE_STORE_ANY_REVISION; // some fail
    w.revision_at = KUBE_STORE_NO_OFFSET;
    kube_store_write (
      store, &w,
      [] (KubeStore *, const KubeStoreResult *result, gpointer data) {
        auto s = static_cast<State *> (data);
        if (result->error != nullptr)
          s->errors++;
        else
          s->revisions.push_back (result->revision);
      },
      &state);
  }
  g_bytes_unref (value);
  ASSERT_TRUE (wait_until ([&] { return state.revisions.size () + state.errors == 1000; }));
  EXPECT_EQ (state.errors, 10);
  for (size_t i = 0; i < state.revisions.size (); i++)
    EXPECT_EQ (state.revisions[i], i + 2);
}

TEST_P (Store, OfManyWhoCompareAndSwapOneWinsEachTime)
{
  static const int threads = 4, rounds = 50;
  put (store, "/counter", "0");
  std::vector<std::thread> workers;
  std::atomic<int> conflicts{ 0 };
  for (int t = 0; t < threads; t++) {
    workers.emplace_back ([&] {
      for (int i = 0; i < rounds; i++) {
        for (;;) {
          guint64 revision;
          GBytes *bytes = kube_store_get (store, "/counter", &revision, nullptr);
          std::string next = std::to_string (std::stoi (to_string (bytes)) + 1);
          g_bytes_unref (bytes);
          GBytes *value = to_bytes (next);
          KubeStoreWrite w = {};
          w.key = "/counter";
          w.value = value;
          w.expected = revision;
          w.revision_at = KUBE_STORE_NO_OFFSET;
          GError *error = nullptr;
          guint64 written = kube_store_write_sync (store, &w, &error);
          g_bytes_unref (value);
          if (written != 0)
            break;
          EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT));
          g_error_free (error);
          conflicts++;
        }
      }
    });
  }
  for (std::thread &worker : workers)
    worker.join ();
  EXPECT_EQ (get ("/counter"), std::to_string (threads * rounds));
  EXPECT_EQ (kube_store_get_revision (store), guint64 (2 + threads * rounds));
}

TEST_P (Store, ReadersSeeWholeRevisionsWhileOthersWriteAndCompact)
{
  std::atomic<bool> stop{ false };
  std::vector<Event> events;
  kube_store_set_commit_func (store, append_events, &events);
  // Each round writes the same number to all keys one after the other, so that any snapshot is k times n+1 and then n.
  std::thread writer ([&] {
    for (int n = 0; n < 40; n++) {
      for (int i = 0; i < 20; i++) {
        std::string key = "/k/" + std::to_string (10 + i), text = std::to_string (n);
        GBytes *value = to_bytes (text);
        KubeStoreWrite w = {};
        w.key = key.c_str ();
        w.value = value;
        w.expected = KUBE_STORE_ANY_REVISION;
        w.revision_at = KUBE_STORE_NO_OFFSET;
        EXPECT_NE (kube_store_write_sync (store, &w, nullptr), 0u);
        g_bytes_unref (value);
      }
      if (n % 5 == 4)
        kube_store_compact (store, kube_store_get_revision (store));
    }
    stop = true;
  });
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; t++) {
    readers.emplace_back ([&] {
      while (!stop) {
        Range r = range (store, "/k/", "/k0");
        ASSERT_TRUE (r.ok) << r.message;
        guint64 written = r.read_at - 1;
        ASSERT_EQ (r.items.size (), MIN (written, 20u));
        for (size_t i = 0; i < r.items.size (); i++)
          ASSERT_EQ (r.items[i].value, std::to_string ((written - 1 - i) / 20)) << "at " << r.read_at;
      }
    });
  }
  writer.join ();
  for (std::thread &reader : readers)
    reader.join ();
  kube_store_set_commit_func (store, nullptr, nullptr);
  ASSERT_EQ (events.size (), 800u);
  for (size_t i = 0; i < events.size (); i++)
    EXPECT_EQ (events[i].revision, i + 2);
}

TEST_P (Store, ARangeIsNotDisturbedByACompactionDuringIt)
{
  for (int i = 0; i < 1000; i++)
    put (store, "/k/" + std::to_string (10000 + i), "old");
  struct State {
    KubeStore *store;
    int seen = 0;
    int wrong = 0;
    std::thread other;
  } state;
  state.store = store;
  KubeStoreRange r = { "/k/", "/k0", 0, 0 };
  EXPECT_TRUE (kube_store_range (
    store, &r,
    [] (const char *, const guint8 *value, gsize length, guint64, gpointer data) -> gboolean {
      auto s = static_cast<State *> (data);
      if (s->seen++ == 10) {
        s->other = std::thread ([s] {
          GMainContext *context = g_main_context_new ();
          g_main_context_push_thread_default (context);
          for (int i = 0; i < 1000; i += 3)
            put (s->store, "/k/" + std::to_string (10000 + i), "new");
          erase (s->store, "/k/10500");
          kube_store_compact (s->store, kube_store_get_revision (s->store));
          g_main_context_pop_thread_default (context);
          g_main_context_unref (context);
        });
        s->other.join ();
      }
      s->wrong += std::string (reinterpret_cast<const char *> (value), length) != "old";
      return TRUE;
    },
    &state, nullptr, nullptr, nullptr));
  EXPECT_EQ (state.seen, 1000);
  EXPECT_EQ (state.wrong, 0);
}

TEST_P (Store, AClosedStoreRefuses)
{
  put (store, "/a", "1");
  struct State {
    int done = 0, failed = 0;
  } state;
  GBytes *value = to_bytes ("v");
  KubeStoreWrite w = {};
  w.key = "/b";
  w.value = value;
  w.expected = KUBE_STORE_ANY_REVISION;
  w.revision_at = KUBE_STORE_NO_OFFSET;
  for (int i = 0; i < 50; i++)
    kube_store_write (
      store, &w,
      [] (KubeStore *, const KubeStoreResult *result, gpointer data) {
        static_cast<State *> (data)->done++;
        static_cast<State *> (data)->failed += result->error != nullptr;
      },
      &state);
  g_bytes_unref (value);
  kube_store_close (store);
  ASSERT_TRUE (wait_until ([&] { return state.done == 50; }));
  EXPECT_EQ (state.failed, 0) << "what was written before is completed";

  EXPECT_EQ (put (store, "/c", "x").error, KUBE_ERROR_SERVICE_UNAVAILABLE);
  EXPECT_EQ (range (store, "/", "0").error, KUBE_ERROR_SERVICE_UNAVAILABLE);
  int error;
  history (store, 1, 10, &error);
  EXPECT_EQ (error, KUBE_ERROR_SERVICE_UNAVAILABLE);
  GError *e = nullptr;
  EXPECT_EQ (kube_store_get (store, "/a", nullptr, &e), nullptr);
  EXPECT_TRUE (g_error_matches (e, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE));
  g_clear_error (&e);
  EXPECT_EQ (kube_store_get_revision (store), 52u);
  kube_store_compact (store, 50);
  kube_store_close (store);

  if (GetParam ().durable) {
    reopen ();
    EXPECT_EQ (kube_store_get_revision (store), 52u);
    EXPECT_EQ (get ("/b"), "v");
  }
}

TEST_P (Store, ItsSizeGrowsAndCompactionLetsItBeReused)
{
  std::string value (2000, 'v');
  auto churn = [&] {
    for (int i = 0; i < 1500; i++)
      put (store, "/k/" + std::to_string (i % 10), value);
    kube_store_compact (store, kube_store_get_revision (store));
    put (store, "/k/0", value);
  };
  churn ();
  guint64 once = kube_store_get_size (store);
  EXPECT_GT (once, 10u * 2000);
  for (int i = 0; i < 4; i++)
    churn ();
  EXPECT_LT (kube_store_get_size (store), once * 3);
}
