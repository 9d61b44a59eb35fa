/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-client.h"
#include <gtest/gtest.h>
#include <kube/kube-informer.h>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;

struct Informer : testing::Test {
  KubeVirtualClock *clock = kube_virtual_clock_new (1767323045 * second);
  FakeClient fake;
  KubeKind *kind = kube_kind_new ("", "v1", "ConfigMap", "configmaps", TRUE);
  KubeInformer *informer = kube_informer_new (fake.client, kind, "ns");
  std::vector<std::string> log;

  static std::string
  name_of (KubeObject *object)
  {
    return std::string (kube_object_get_name (object)) + "@" + kube_object_get_resource_version (object);
  }
  static void
  on_added (KubeInformer *, KubeObject *object, Informer *test)
  {
    test->log.push_back ("+" + name_of (object));
  }
  static void
  on_updated (KubeInformer *, KubeObject *old, KubeObject *object, Informer *test)
  {
    test->log.push_back (name_of (old) + ">" + name_of (object));
  }
  static void
  on_removed (KubeInformer *, KubeObject *object, Informer *test)
  {
    test->log.push_back ("-" + name_of (object));
  }
  static void
  on_synced (KubeInformer *, Informer *test)
  {
    test->log.push_back ("synced");
  }
  static void
  on_error (KubeInformer *, GError *error, Informer *test)
  {
    test->log.push_back (std::string ("error ") + kube_error_get_reason ((KubeError) error->code));
  }

  void
  SetUp () override
  {
    kube_informer_set_clock (informer, KUBE_CLOCK (clock));
    g_signal_connect (informer, "added", G_CALLBACK (on_added), this);
    g_signal_connect (informer, "updated", G_CALLBACK (on_updated), this);
    g_signal_connect (informer, "removed", G_CALLBACK (on_removed), this);
    g_signal_connect (informer, "synced", G_CALLBACK (on_synced), this);
    g_signal_connect (informer, "error", G_CALLBACK (on_error), this);
  }

  void
  TearDown () override
  {
    g_clear_object (&informer);
    kube_kind_unref (kind);
    g_object_unref (clock);
  }

  void
  settle ()
  {
    kube_virtual_clock_advance (clock, 0);
  }

  void
  respond (FakeAnswer answer)
  {
    FakeClient::respond (fake.last (), answer);
    settle ();
  }

  void
  start_with (const std::vector<std::string> &objects, const char *resource_version)
  {
    kube_informer_start (informer);
    respond (fake_list (objects, resource_version));
    log.clear ();
  }

  std::vector<std::string>
  take ()
  {
    return std::exchange (log, {});
  }
};

using Log = std::vector<std::string>;

}

TEST_F (Informer, ListsThenWatchesFromThere)
{
  kube_informer_start (informer);
  EXPECT_EQ (fake.last ().path (), "GET /api/v1/namespaces/ns/configmaps?resourceVersion=0&limit=500");
  EXPECT_FALSE (kube_informer_is_synced (informer));
  respond (fake_list ({ fake_map ("a", "5"), fake_map ("b", "7") }, "9"));
  EXPECT_EQ (take (), (Log{ "+a@5", "+b@7", "synced" }));
  EXPECT_TRUE (kube_informer_is_synced (informer));
  EXPECT_EQ (kube_informer_get_revision (informer), 9u);
  ASSERT_EQ (fake.watches.size (), 1u);
  EXPECT_TRUE (fake.watch ().started);
  EXPECT_EQ (fake.watch ().option ("resourceVersion"), "9");
  EXPECT_EQ (fake.watch ().option ("allowWatchBookmarks"), "true");
  int timeout = std::stoi (fake.watch ().option ("timeoutSeconds"));
  EXPECT_TRUE (timeout >= 300 && timeout < 600) << timeout;
}

TEST_F (Informer, PagesAreHandedOutTogether)
{
  kube_informer_start (informer);
  respond (fake_list ({ fake_map ("a", "5") }, "9", "token"));
  EXPECT_EQ (take (), Log{});
  EXPECT_EQ (fake.last ().path (), "GET /api/v1/namespaces/ns/configmaps?continue=token&limit=500");
  respond (fake_list ({ fake_map ("b", "7") }, "9"));
  EXPECT_EQ (take (), (Log{ "+a@5", "+b@7", "synced" }));
}

TEST_F (Informer, AnExpiredContinueTokenBeginsTheListAnewAtTheNewestState)
{
  kube_informer_start (informer);
  respond (fake_list ({ fake_map ("a", "5") }, "9", "token"));
  respond (fake_error (KUBE_ERROR_EXPIRED, "too old"));
  EXPECT_EQ (fake.last ().path (), "GET /api/v1/namespaces/ns/configmaps?limit=500");
  respond (fake_list ({ fake_map ("b", "11") }, "12"));
  EXPECT_EQ (take (), (Log{ "+b@11", "synced" }));
}

TEST_F (Informer, EventsComeInOrder)
{
  start_with ({ fake_map ("a", "5") }, "9");
  fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("b", "10")));
  fake.watch ().emit (KUBE_WATCH_MODIFIED, fake_parse (fake_map ("a", "11")));
  fake.watch ().emit (KUBE_WATCH_DELETED, fake_parse (fake_map ("b", "12")));
  EXPECT_EQ (take (), (Log{ "+b@10", "a@5>a@11", "-b@12" }));
  EXPECT_EQ (kube_informer_get_revision (informer), 12u);
  fake.watch ().emit (KUBE_WATCH_BOOKMARK, fake_parse ("{'kind':'ConfigMap','metadata':{'resourceVersion':'40'}}"));
  EXPECT_EQ (take (), Log{});
  EXPECT_EQ (kube_informer_get_revision (informer), 40u);
  EXPECT_EQ (kube_informer_get_length (informer), 1u);
}

TEST_F (Informer, AnEventThatSaysNothingNewIsNotHandedOut)
{
  start_with ({ fake_map ("a", "5") }, "9");
  fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("a", "5")));
  fake.watch ().emit (KUBE_WATCH_DELETED, fake_parse (fake_map ("never-seen", "10")));
  EXPECT_EQ (take (), Log{});
}

TEST_F (Informer, AnObjectThatReplacesAnotherIsRemovedThenAdded)
{
  start_with ({ fake_map ("a", "5", "", "uid-1") }, "9");
  fake.watch ().emit (KUBE_WATCH_MODIFIED, fake_parse (fake_map ("a", "11", "", "uid-2")));
  EXPECT_EQ (take (), (Log{ "-a@5", "+a@11" }));
}

TEST_F (Informer, AWatchThatEndsInOrderGoesOnWhereItWas)
{
  start_with ({ fake_map ("a", "5") }, "9");
  fake.watch ().emit (KUBE_WATCH_BOOKMARK, fake_parse ("{'kind':'ConfigMap','metadata':{'resourceVersion':'40'}}"));
  kube_virtual_clock_advance (clock, 400 * second);
  fake.watch ().close (NULL);
  ASSERT_EQ (fake.watches.size (), 2u);
  EXPECT_EQ (fake.watch ().option ("resourceVersion"), "40");
  EXPECT_EQ (fake.calls.size (), 1u) << "it does not list again";
}

TEST_F (Informer, AWatchThatEndsAtOnceIsNotAskedForInALoop)
{
  start_with ({}, "9");
  fake.watch ().close (NULL);
  settle ();
  EXPECT_EQ (fake.watches.size (), 1u);
  kube_virtual_clock_advance (clock, 800 * 1000 - 1);
  EXPECT_EQ (fake.watches.size (), 1u);
  kube_virtual_clock_advance (clock, 800 * 1000 + 1);
  EXPECT_EQ (fake.watches.size (), 2u);
}

TEST_F (Informer, AfterGoneItListsAgainAndHandsOutTheDifference)
{
  start_with ({ fake_map ("a", "5"), fake_map ("b", "6"), fake_map ("c", "7") }, "9");
  kube_virtual_clock_advance (clock, 60 * second);
  fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_EXPIRED, "too old resource version"));
  settle ();
  ASSERT_EQ (fake.calls.size (), 2u);
  EXPECT_EQ (fake.last ().path (), "GET /api/v1/namespaces/ns/configmaps?resourceVersion=9");
  respond (fake_list ({ fake_map ("a", "5"), fake_map ("b", "20"), fake_map ("d", "21") }, "22"));
  EXPECT_EQ (take (), (Log{ "b@6>b@20", "+d@21", "-c@7" }));
  EXPECT_EQ (fake.watch ().option ("resourceVersion"), "22");
}

TEST_F (Informer, AServerThatForgetsAtOnceIsNotListedInALoop)
{
  start_with ({}, "9");
  fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_GONE, "gone"));
  settle ();
  EXPECT_EQ (fake.calls.size (), 1u);
  kube_virtual_clock_advance (clock, 1600 * 1000);
  EXPECT_EQ (fake.calls.size (), 2u);
}

TEST_F (Informer, ABrokenWatchIsTakenUpAgainFromItsLastRevisionLaterAndLater)
{
  start_with ({ fake_map ("a", "5") }, "9");
  gint64 longest = 800 * 1000;
  for (guint i = 0; i < 8; i++) {
    fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "connection refused"));
    EXPECT_EQ (take (), Log{ "error ServiceUnavailable" });
    EXPECT_EQ (fake.watches.size (), i + 1);
    kube_virtual_clock_advance (clock, longest - 1);
    EXPECT_EQ (fake.watches.size (), i + 1) << "not before the delay without its jitter";
    kube_virtual_clock_advance (clock, longest + 1);
    ASSERT_EQ (fake.watches.size (), i + 2) << "at the latest after twice the delay";
    EXPECT_EQ (fake.watch ().option ("resourceVersion"), "9");
    longest = MIN (longest * 2, 30 * second);
  }
  EXPECT_EQ (fake.calls.size (), 1u);
}

TEST_F (Informer, AForbiddenWatchListsAgain)
{
  start_with ({}, "9");
  fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "no"));
  kube_virtual_clock_advance (clock, 2 * second);
  EXPECT_EQ (fake.calls.size (), 2u);
  respond (fake_error (KUBE_ERROR_FORBIDDEN, "no"));
  EXPECT_EQ (take (), (Log{ "error Forbidden", "error Forbidden" }));
  kube_virtual_clock_advance (clock, 4 * second);
  EXPECT_EQ (fake.calls.size (), 3u);
}

TEST_F (Informer, AServerThatWasSetBackIsListedFromScratch)
{
  start_with ({ fake_map ("a", "500") }, "900");
  GError *error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_TIMEOUT, "Too large resource version: 900, current: 3");
  kube_error_add_cause (error, "ResourceVersionTooLarge", NULL, "Too large resource version");
  fake.watch ().close (error);
  kube_virtual_clock_advance (clock, 2 * second);
  EXPECT_EQ (fake.last ().path (), "GET /api/v1/namespaces/ns/configmaps?limit=500");
  respond (fake_list ({ fake_map ("b", "2") }, "3"));
  EXPECT_EQ (take (), (Log{ "error Timeout", "+b@2", "-a@500" }));
  EXPECT_EQ (fake.watch ().option ("resourceVersion"), "3");
}

TEST_F (Informer, AFailedListIsTriedAgain)
{
  kube_informer_start (informer);
  respond (fake_error (KUBE_ERROR_SERVICE_UNAVAILABLE, "starting"));
  EXPECT_EQ (take (), Log{ "error ServiceUnavailable" });
  EXPECT_EQ (fake.calls.size (), 1u);
  kube_virtual_clock_advance (clock, 1600 * 1000);
  ASSERT_EQ (fake.calls.size (), 2u);
  respond (fake_list ({}, "1"));
  EXPECT_EQ (take (), Log{ "synced" });
}

TEST_F (Informer, StreamedListsComeAsOneAndFallBackWhereTheServerCannot)
{
  kube_informer_set_streaming (informer, TRUE);
  kube_informer_start (informer);
  EXPECT_TRUE (fake.calls.empty ());
  EXPECT_EQ (fake.watch ().option ("sendInitialEvents"), "true");
  EXPECT_EQ (fake.watch ().option ("resourceVersionMatch"), "NotOlderThan");
  fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("a", "5")));
  fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("b", "6")));
  EXPECT_EQ (take (), Log{});
  fake.watch ().emit (KUBE_WATCH_BOOKMARK,
                      fake_parse ("{'metadata':{'resourceVersion':'9','annotations':{'k8s.io/initial-events-end':'true'}}}"));
  EXPECT_EQ (take (), (Log{ "+a@5", "+b@6", "synced" }));
  fake.watch ().emit (KUBE_WATCH_MODIFIED, fake_parse (fake_map ("b", "10")));
  EXPECT_EQ (take (), (Log{ "b@6>b@10" }));
  kube_virtual_clock_advance (clock, 2 * second);
  fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_EXPIRED, "old"));
  EXPECT_EQ (fake.watch ().option ("sendInitialEvents"), "true");
  fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_INVALID, "sendInitialEvents is forbidden for watch"));
  ASSERT_EQ (fake.calls.size (), 1u);
  respond (fake_list ({ fake_map ("b", "10") }, "12"));
  EXPECT_EQ (take (), (Log{ "-a@5" }));
}

TEST_F (Informer, SelectorsGoWithListAndWatch)
{
  kube_informer_set_selectors (informer, "app=web", "metadata.name=x");
  start_with ({}, "9");
  EXPECT_EQ (fake.last ().option ("labelSelector"), "app=web");
  EXPECT_EQ (fake.last ().option ("fieldSelector"), "metadata.name=x");
  EXPECT_EQ (fake.watch ().option ("labelSelector"), "app=web");
}

TEST_F (Informer, NothingComesAfterAStop)
{
  start_with ({ fake_map ("a", "5") }, "9");
  kube_informer_stop (informer);
  EXPECT_TRUE (fake.watch ().stopped);
  fake.watch ().emit (KUBE_WATCH_DELETED, fake_parse (fake_map ("a", "10")));
  EXPECT_EQ (take (), Log{});
  EXPECT_NE (kube_informer_get (informer, "ns", "a"), nullptr) << "what it holds can still be read";
  EXPECT_EQ (kube_virtual_clock_get_next (clock), -1);
}

TEST_F (Informer, AnInformerThatGoesDuringItsListIsLetGo)
{
  kube_informer_start (informer);
  g_clear_object (&informer);
  respond (fake_list ({ fake_map ("a", "5") }, "9"));
  EXPECT_EQ (take (), Log{});
  EXPECT_TRUE (fake.watches.empty ());
}

TEST_F (Informer, AListenerMayStopItAmidAList)
{
  g_signal_connect_swapped (informer, "added", G_CALLBACK (kube_informer_stop), informer);
  kube_informer_start (informer);
  respond (fake_list ({ fake_map ("a", "5"), fake_map ("b", "6") }, "9"));
  EXPECT_EQ (take (), Log{ "+a@5" });
  EXPECT_TRUE (fake.watches.empty ());
}

TEST_F (Informer, StartedAnewItHandsOutWhatChangedMeanwhile)
{
  start_with ({ fake_map ("a", "5"), fake_map ("b", "6") }, "9");
  kube_informer_stop (informer);
  kube_informer_start (informer);
  respond (fake_list ({ fake_map ("a", "12") }, "13"));
  EXPECT_EQ (take (), (Log{ "a@5>a@12", "-b@6" }));
}

TEST_F (Informer, ReadersFindByKeySelectorAndIndex)
{
  const char *owned = ",'labels':{'app':'web'},'ownerReferences':[{'uid':'u1','controller':true},{'uid':'u2'}]";
  start_with ({ fake_map ("a", "5", owned), fake_map ("b", "6") }, "9");
  EXPECT_STREQ (kube_object_get_name (kube_informer_get (informer, "ns", "a")), "a");
  EXPECT_EQ (kube_informer_get (informer, "other", "a"), nullptr);
  EXPECT_EQ (kube_informer_get_by_key (informer, "ns/none"), nullptr);

  auto count = [] (GPtrArray *list) {
    guint n = list->len;
    g_ptr_array_unref (list);
    return n;
  };
  EXPECT_EQ (count (kube_informer_list (informer, NULL, NULL)), 2u);
  EXPECT_EQ (count (kube_informer_list (informer, "other", NULL)), 0u);
  EXPECT_EQ (count (kube_informer_list_by (informer, "controller", "u1")), 1u);
  EXPECT_EQ (count (kube_informer_list_by (informer, "controller", "u2")), 0u);
  EXPECT_EQ (count (kube_informer_list_by (informer, "owner", "u2")), 1u);
  EXPECT_EQ (count (kube_informer_list_by (informer, "namespace", "ns")), 2u);
  EXPECT_EQ (count (kube_informer_list (informer, "ns", NULL)), 2u);

  fake.watch ().emit (KUBE_WATCH_MODIFIED, fake_parse (fake_map ("b", "10", owned)));
  fake.watch ().emit (KUBE_WATCH_MODIFIED, fake_parse (fake_map ("a", "11")));
  EXPECT_EQ (count (kube_informer_list_by (informer, "controller", "u1")), 1u);
  fake.watch ().emit (KUBE_WATCH_DELETED, fake_parse (fake_map ("b", "12")));
  EXPECT_EQ (count (kube_informer_list_by (informer, "controller", "u1")), 0u);
  EXPECT_EQ (count (kube_informer_list_by (informer, "namespace", "ns")), 1u);
}

TEST_F (Informer, OwnIndexesAreKept)
{
  kube_informer_add_index (
      informer, "first-letter",
      [] (KubeObject *object, GPtrArray *values, gpointer) {
        g_ptr_array_add (values, g_strndup (kube_object_get_name (object), 1));
      },
      NULL);
  start_with ({ fake_map ("a1", "5"), fake_map ("a2", "6"), fake_map ("b1", "7") }, "9");
  GPtrArray *list = kube_informer_list_by (informer, "first-letter", "a");
  EXPECT_EQ (list->len, 2u);
  g_ptr_array_unref (list);
}

TEST_F (Informer, AnIndexMayReturnItsValues)
{
  auto values = [] (KubeObject *object, gpointer) -> char ** {
    return g_str_has_prefix (kube_object_get_name (object), "a") ? g_strsplit (kube_object_get_name (object), "-", -1) : NULL;
  };
  auto count = [] (gpointer freed) { ++*static_cast<int *> (freed); };
  int freed = 0;
  kube_informer_add_index_full (informer, "parts", values, &freed, count);
  kube_informer_add_index_full (informer, "parts", values, &freed, count);
  EXPECT_EQ (freed, 1) << "an index of the same name is made once";
  start_with ({ fake_map ("a-x", "5"), fake_map ("a-y", "6"), fake_map ("b-x", "7") }, "9");
  g_autoptr (GPtrArray) of_a = kube_informer_list_by (informer, "parts", "a"), of_x = kube_informer_list_by (informer, "parts", "x");
  EXPECT_EQ (of_a->len, 2u);
  EXPECT_EQ (of_x->len, 1u);
  kube_informer_stop (informer);
  g_clear_object (&informer);
  EXPECT_EQ (freed, 2);
}

TEST_F (Informer, AFactorySharesInformersAndSaysWhenAllAreSynced)
{
  KubeKind *other = kube_kind_new ("", "v1", "Node", "nodes", FALSE);
  KubeInformerFactory *factory = kube_informer_factory_new (fake.client, KUBE_CLOCK (clock));
  int synced = 0;
  g_signal_connect_swapped (factory, "synced", G_CALLBACK (+[] (int *n) { (*n)++; }), &synced);
  KubeInformer *maps = kube_informer_factory_get (factory, kind);
  EXPECT_EQ (maps, kube_informer_factory_get (factory, kind));
  kube_informer_factory_start (factory);
  ASSERT_EQ (fake.calls.size (), 1u);
  kube_informer_factory_get (factory, other);
  ASSERT_EQ (fake.calls.size (), 2u) << "started at once, since the factory is";
  FakeClient::respond (*fake.calls[0], fake_list ({}, "1"));
  settle ();
  EXPECT_EQ (synced, 0);
  FakeClient::respond (*fake.calls[1], fake_list ({}, "1"));
  settle ();
  EXPECT_EQ (synced, 1);
  EXPECT_TRUE (kube_informer_factory_is_synced (factory));
  g_object_unref (factory);
  kube_kind_unref (other);
}
