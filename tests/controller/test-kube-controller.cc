/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <functional>
#include <gtest/gtest.h>
#include <kube/kube-controller.h>
#include <kube/kube-scheme.h>
#include <map>
#include "fake-client.h"

namespace {

constexpr gint64 kSecond = G_USEC_PER_SEC;

/* A controller of ConfigMaps whose reconcile function a test writes, over a client whose answers it gives. */
class Controller : public testing::Test {
protected:
  using Reconcile = std::function<bool (const std::string &key, KubePlan *plan, GError **error)>;
  using Continue = std::function<bool (GPtrArray *answers, KubePlan *next)>;

  void
  SetUp () override
  {
    Make ();
  }

  void
  Make ()
  {
    manager = kube_manager_new (fake.client, KUBE_CLOCK (clock));
    g_autoptr (KubeController) made = kube_controller_new (manager, "test-controller", on_reconcile, this, on_destroy);
    controller = made;
    maps = kube_controller_watch (controller, KUBE_KIND ("v1", "ConfigMap"), nullptr, nullptr);
  }

  void
  Start (const std::vector<std::string> &objects = {})
  {
    fake.answer = [objects] (FakeCall &) { return fake_list (objects, "5"); };
    kube_manager_start (manager);
    Settle ();
    fake.answer = nullptr;
  }

  void
  TearDown () override
  {
    if (manager != nullptr)
      kube_manager_stop (manager);
    for (auto &call : fake.calls) {
      if (call->task != nullptr)
        FakeClient::respond (*call, fake_error (KUBE_ERROR_INTERNAL, "the test has ended"));
    }
    Settle ();
    g_clear_object (&manager);
    g_clear_object (&clock);
  }

  static void
  Settle ()
  {
    while (g_main_context_iteration (nullptr, FALSE))
      ;
  }

  void
  Advance (gint64 time)
  {
    kube_virtual_clock_advance (clock, time);
  }

  static gboolean
  on_reconcile (KubeController *, const char *key, KubePlan *plan, gpointer user_data, GError **error)
  {
    auto *self = static_cast<Controller *> (user_data);
    self->seen.emplace_back (key);
    return !self->reconcile || self->reconcile (key, plan, error);
  }

  static void
  on_destroy (gpointer user_data)
  {
    static_cast<Controller *> (user_data)->destroyed = true;
  }

  static gboolean
  on_continue (KubeController *, const char *, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **)
  {
    return (*static_cast<Continue *> (user_data)) (answers, next);
  }

  static void
  Create (KubePlan *plan, const char *name)
  {
    g_autoptr (KubeObject) object = fake_parse (std::string ("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'namespace':'ns','name':'") + name + "'}}");
    kube_plan_create (plan, object);
  }

  /* The request for the object @name that was not answered; NULL where there is none. */
  FakeCall *
  Pending (const std::string &name, KubeVerb verb = KUBE_VERB_CREATE)
  {
    for (auto &call : fake.calls) {
      if (call->task == nullptr || kube_request_get_verb (call->request) != verb)
        continue;
      const char *called = verb == KUBE_VERB_CREATE ? kube_object_get_name (kube_request_get_object (call->request)) : kube_request_get_name (call->request);
      if (called != nullptr && name == called)
        return call.get ();
    }
    return nullptr;
  }

  void
  Good (const std::string &name, const char *version = "7", KubeVerb verb = KUBE_VERB_CREATE)
  {
    FakeCall *call = Pending (name, verb);
    ASSERT_NE (call, nullptr) << name;
    std::string map = fake_map (name.c_str (), version);
    FakeClient::respond (*call, fake_object (map.c_str ()));
    Settle ();
  }

  void
  Bad (const std::string &name, KubeError code, KubeVerb verb = KUBE_VERB_CREATE)
  {
    FakeCall *call = Pending (name, verb);
    ASSERT_NE (call, nullptr) << name;
    FakeClient::respond (*call, fake_error (code, "no"));
    Settle ();
  }

  void
  Show (KubeWatchEventType type, const char *name, const char *version, const char *more = "")
  {
    std::string map = fake_map (name, version, more);
    fake.watches[0]->emit (type, fake_parse (map));
    Settle ();
  }

  std::vector<std::string>
  Events ()
  {
    std::vector<std::string> reasons;
    for (auto &call : fake.calls) {
      if (kube_request_get_verb (call->request) == KUBE_VERB_CREATE && std::string (kube_object_get_kind (kube_request_get_object (call->request))) == "Event") {
        KubeObject *event = kube_request_get_object (call->request);
        reasons.push_back (std::string (kube_object_get_string (event, "type")) + " " + kube_object_get_string (event, "reason") + " " + kube_object_get_string (event, "message"));
      }
    }
    return reasons;
  }

  KubeVirtualClock *clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1767225600) * kSecond);
  FakeClient fake;
  KubeManager *manager = nullptr;
  KubeController *controller = nullptr;
  KubeInformer *maps = nullptr;
  Reconcile reconcile;
  std::vector<std::string> seen;
  bool destroyed = false;
};

TEST_F (Controller, BeginsWithWhatIsThereOnceItIsSynced)
{
  Start ({ fake_map ("a", "3"), fake_map ("b", "4") });
  std::sort (seen.begin (), seen.end ());
  EXPECT_EQ (seen, (std::vector<std::string>{ "ns/a", "ns/b" }));
  EXPECT_TRUE (kube_controller_is_idle (controller));
}

TEST_F (Controller, AStageWaitsForAllOfTheOneBefore)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    Create (plan, "two");
    kube_plan_then (plan);
    Create (plan, "three");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  ASSERT_TRUE (Pending ("one") && Pending ("two"));
  EXPECT_FALSE (Pending ("three"));
  Good ("two");
  EXPECT_FALSE (Pending ("three"));
  Good ("one");
  EXPECT_TRUE (Pending ("three"));
}

TEST_F (Controller, AFailureEndsThePlanAndTheKeyComesBackLaterAndLater)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    kube_plan_then (plan);
    Create (plan, "two");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  gint64 waited = 0, before = 0;
  for (int i = 0; i < 5; i++) {
    Bad ("one", KUBE_ERROR_INTERNAL);
    EXPECT_FALSE (Pending ("two"));
    EXPECT_FALSE (Pending ("one"));
    ASSERT_NE (kube_controller_get_error (controller, "k"), nullptr);
    waited = kube_virtual_clock_get_next (clock) - kube_clock_get_monotonic_time (KUBE_CLOCK (clock));
    EXPECT_GT (waited, before);
    before = waited;
    Advance (waited);
    ASSERT_TRUE (Pending ("one"));
  }
  Good ("one");
  Good ("two");
  Show (KUBE_WATCH_ADDED, "two", "7");
  EXPECT_EQ (kube_controller_get_error (controller, "k"), nullptr);
}

TEST_F (Controller, AToleratedFailureIsNone)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    kube_plan_tolerate (plan, KUBE_ERROR_ALREADY_EXISTS);
    kube_plan_then (plan);
    Create (plan, "two");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  Bad ("one", KUBE_ERROR_ALREADY_EXISTS);
  EXPECT_TRUE (Pending ("two"));
  Bad ("two", KUBE_ERROR_ALREADY_EXISTS);
  EXPECT_NE (kube_controller_get_error (controller, "k"), nullptr);
}

TEST_F (Controller, AFailureMayBeToleratedForItsCauseOnly)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    kube_plan_tolerate_cause (plan, "NamespaceTerminating");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  FakeAnswer answer = fake_error (KUBE_ERROR_FORBIDDEN, "it goes");
  kube_error_add_cause (answer.error, "NamespaceTerminating", "metadata.namespace", "it goes");
  FakeClient::respond (*Pending ("one"), answer);
  Settle ();
  EXPECT_EQ (kube_controller_get_error (controller, "k"), nullptr);
  kube_controller_enqueue (controller, "k");
  Settle ();
  Bad ("one", KUBE_ERROR_FORBIDDEN);
  EXPECT_NE (kube_controller_get_error (controller, "k"), nullptr);
}

TEST_F (Controller, EventsTellOfWhatSucceededAndOfWhatFailed)
{
  g_autoptr (KubeObject) about = fake_parse (fake_map ("about", "3"));
  reconcile = [&about] (const std::string &, KubePlan *plan, GError **) {
    kube_plan_event (plan, about, "Normal", "AtOnce", "begun");
    Create (plan, "one");
    kube_plan_event (plan, about, "Normal", "AfterOne", "one is %s", "there");
    kube_plan_then (plan);
    Create (plan, "two");
    kube_plan_report (plan, about, "Made", "made ", "NotMade", "not made: ");
    kube_plan_event (plan, about, "Normal", "AfterTwo", "two is there");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  EXPECT_EQ (Events (), (std::vector<std::string>{ "Normal AtOnce begun" }));
  Good ("one");
  for (auto &call : fake.calls) {
    if (call->task != nullptr && std::string (kube_object_get_kind (kube_request_get_object (call->request))) == "Event")
      FakeClient::respond (*call, fake_object ("{'apiVersion':'v1','kind':'Event','metadata':{'name':'e','namespace':'ns'}}"));
  }
  Settle ();
  Bad ("two", KUBE_ERROR_INVALID);
  auto events = Events ();
  EXPECT_EQ (std::count (events.begin (), events.end (), "Normal AfterOne one is there"), 1);
  EXPECT_EQ (std::count (events.begin (), events.end (), "Warning NotMade not made: no"), 1);
  for (const std::string &event : events)
    EXPECT_EQ (event.find ("AfterTwo"), std::string::npos);
}

TEST_F (Controller, AContinuationGetsTheAnswersAndItsPlanIsPartOfTheRun)
{
  Continue second = [] (GPtrArray *answers, KubePlan *next) {
    EXPECT_EQ (answers->len, 2u);
    EXPECT_NE (g_ptr_array_index (answers, 0), nullptr);
    EXPECT_EQ (g_ptr_array_index (answers, 1), nullptr);
    Create (next, "three");
    return true;
  };
  reconcile = [&second] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    Create (plan, "two");
    kube_plan_tolerate (plan, KUBE_ERROR_ALREADY_EXISTS);
    kube_plan_continue (plan, on_continue, &second, nullptr);
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  Bad ("two", KUBE_ERROR_ALREADY_EXISTS);
  EXPECT_FALSE (Pending ("three"));
  Good ("one");
  ASSERT_TRUE (Pending ("three"));
  kube_controller_enqueue (controller, "k");
  Settle ();
  EXPECT_EQ (seen.size (), 1u);
  Good ("three", "8");
  EXPECT_EQ (seen.size (), 1u);
  Show (KUBE_WATCH_ADDED, "three", "8");
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "ns/three"), 1);
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "k"), 2);
}

TEST_F (Controller, AFunctionThatFailsDoesNothingAndIsCalledAgain)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **error) {
    Create (plan, "one");
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "it is so");
    return false;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  EXPECT_FALSE (Pending ("one"));
  EXPECT_STREQ (kube_controller_get_error (controller, "k")->message, "it is so");
  Advance (kSecond);
  EXPECT_GT (seen.size (), 2u);
}

TEST_F (Controller, LooksAgainWhenThePlanSaysSo)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    kube_plan_requeue_after (plan, 20 * kSecond);
    kube_plan_requeue_after (plan, 10 * kSecond);
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  Advance (10 * kSecond - 1);
  EXPECT_EQ (seen.size (), 1u);
  Advance (1);
  EXPECT_EQ (seen.size (), 2u);
}

TEST_F (Controller, AKeyWaitsUntilTheInformersShowWhatItWrote)
{
  reconcile = [this] (const std::string &, KubePlan *plan, GError **) {
    if (kube_informer_get_length (maps) == 0)
      Create (plan, "one");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  kube_controller_enqueue (controller, "k");
  Good ("one", "9");
  Settle ();
  EXPECT_EQ (seen.size (), 1u) << "it would make another one";
  Show (KUBE_WATCH_ADDED, "else", "8");
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "k"), 1);
  Show (KUBE_WATCH_ADDED, "one", "9");
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "k"), 2);
  EXPECT_FALSE (Pending ("one"));
}

TEST_F (Controller, AListThatIsHandedOutCountsOnceItIsWhole)
{
  std::vector<guint> lengths;
  reconcile = [&] (const std::string &key, KubePlan *plan, GError **) {
    if (key != "k")
      return true;
    lengths.push_back (kube_informer_get_length (maps));
    if (lengths.size () == 1)
      Create (plan, "one");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  kube_controller_enqueue (controller, "k");
  Good ("one", "9");
  fake.answer = [] (FakeCall &call) {
    return kube_request_get_verb (call.request) == KUBE_VERB_LIST ? fake_list ({ fake_map ("x", "6"), fake_map ("y", "7"), fake_map ("one", "9") }, "9") : fake_error (KUBE_ERROR_INTERNAL, "no");
  };
  fake.watches[0]->close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_EXPIRED, "too old"));
  Advance (60 * kSecond);
  fake.answer = nullptr;
  EXPECT_EQ (lengths, (std::vector<guint>{ 0, 3 }));
}

TEST_F (Controller, AKeyWaitsUntilWhatItDeletedIsGoneOrGoing)
{
  reconcile = [this] (const std::string &key, KubePlan *plan, GError **) {
    KubeObject *object = kube_informer_get_by_key (maps, "ns/a");
    if (key == "k" && object != nullptr)
      kube_plan_delete (plan, object, nullptr);
    return true;
  };
  Start ({ fake_map ("a", "3") });
  kube_controller_enqueue (controller, "k");
  Settle ();
  kube_controller_enqueue (controller, "k");
  FakeClient::respond (*Pending ("a", KUBE_VERB_DELETE), fake_object ("{'apiVersion':'v1','kind':'Status','status':'Success'}"));
  Settle ();
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "k"), 1);
  Show (KUBE_WATCH_DELETED, "a", "8");
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "k"), 2);
}

TEST_F (Controller, AWriteThatNeverShowsHoldsItsKeyForFiveMinutes)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  kube_controller_enqueue (controller, "k");
  Good ("one", "9");
  Advance (299 * kSecond);
  EXPECT_EQ (seen.size (), 1u);
  Advance (2 * kSecond);
  EXPECT_EQ (seen.size (), 2u);
}

TEST_F (Controller, WhatAPlanRequiresMustBeAliveAndTheSame)
{
  g_autoptr (KubeObject) owner = fake_parse (fake_map ("owner", "3"));
  reconcile = [&owner] (const std::string &, KubePlan *plan, GError **) {
    kube_plan_require (plan, owner);
    kube_plan_then (plan);
    Create (plan, "one");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  std::string other = fake_map ("owner", "9", "", "another");
  FakeClient::respond (*Pending ("owner", KUBE_VERB_GET), fake_object (other.c_str ()));
  Settle ();
  EXPECT_FALSE (Pending ("one"));
  EXPECT_STREQ (kube_controller_get_error (controller, "k")->message, "original ConfigMap ns/owner is gone: got uid another, wanted owner");
  Advance (kSecond);
  std::string going = fake_map ("owner", "9", ",'deletionTimestamp':'2026-01-01T00:00:00Z'");
  FakeClient::respond (*Pending ("owner", KUBE_VERB_GET), fake_object (going.c_str ()));
  Settle ();
  EXPECT_FALSE (Pending ("one"));
  EXPECT_STREQ (kube_controller_get_error (controller, "k")->message, "ns/owner has just been deleted at 2026-01-01T00:00:00Z");
  Advance (kSecond);
  Good ("owner", "9", KUBE_VERB_GET);
  EXPECT_TRUE (Pending ("one"));
}

TEST_F (Controller, AKeyIsNeverInWorkTwice)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    return true;
  };
  Start ();
  for (int i = 0; i < 10; i++) {
    kube_controller_enqueue (controller, "k");
    Settle ();
  }
  EXPECT_EQ (seen.size (), 1u);
  Good ("one", "6");
  Show (KUBE_WATCH_ADDED, "else", "6");
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "k"), 2);
}

TEST_F (Controller, WorksOnAsManyKeysAsItMay)
{
  reconcile = [] (const std::string &key, KubePlan *plan, GError **) {
    if (key[0] == 'k')
      Create (plan, key.c_str ());
    return true;
  };
  Start ();
  kube_controller_set_concurrency (controller, 3);
  for (int i = 0; i < 9; i++)
    kube_controller_enqueue (controller, ("k" + std::to_string (i)).c_str ());
  Settle ();
  EXPECT_EQ (seen.size (), 3u);
  Bad ("k1", KUBE_ERROR_INTERNAL);
  EXPECT_EQ (seen.size (), 4u);
}

TEST_F (Controller, ManyKeysAreAllServedOnce)
{
  std::map<std::string, int> count;
  std::vector<std::string> objects;
  for (int i = 0; i < 20000; i++)
    objects.push_back (fake_map (("m" + std::to_string (i)).c_str (), "3"));
  reconcile = [&] (const std::string &key, KubePlan *, GError **) {
    count[key]++;
    return true;
  };
  Start (objects);
  EXPECT_EQ (count.size (), 20000u);
  EXPECT_EQ (seen.size (), 20000u);
}

TEST_F (Controller, StopsWhileRequestsAreUnderWay)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    kube_plan_then (plan);
    Create (plan, "two");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  kube_manager_stop (manager);
  g_clear_object (&manager);
  EXPECT_FALSE (destroyed) << "a request may still be answered";
  Good ("one");
  EXPECT_FALSE (Pending ("two"));
  EXPECT_EQ (seen.size (), 1u);
  EXPECT_TRUE (destroyed);
}

TEST_F (Controller, StopsWhileItWaitsForAnInformer)
{
  reconcile = [] (const std::string &, KubePlan *plan, GError **) {
    Create (plan, "one");
    return true;
  };
  Start ();
  kube_controller_enqueue (controller, "k");
  Settle ();
  Good ("one", "9");
  EXPECT_FALSE (kube_controller_is_idle (controller));
  kube_manager_stop (manager);
  g_clear_object (&manager);
  EXPECT_TRUE (destroyed);
  Advance (600 * kSecond);
  EXPECT_EQ (seen.size (), 1u);
}

TEST_F (Controller, AFunctionMayStopTheManagerWhileOthersWait)
{
  reconcile = [this] (const std::string &key, KubePlan *plan, GError **) {
    if (key == "stop")
      kube_manager_stop (manager);
    else
      Create (plan, key.c_str ());
    return true;
  };
  Start ();
  for (const char *key : { "a", "b", "c", "d", "e", "stop", "f" })
    kube_controller_enqueue (controller, key);
  Settle ();
  for (const char *key : { "a", "b", "c", "d", "e" })
    Good (key, "9");
  Show (KUBE_WATCH_ADDED, "x", "9");
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "stop"), 1);
  EXPECT_EQ (std::count (seen.begin (), seen.end (), "f"), 0);
  Show (KUBE_WATCH_ADDED, "y", "10");
  Advance (600 * kSecond);
}

TEST_F (Controller, ChangesOfWhatIsOwnedQueueTheOwner)
{
  kube_manager_stop (manager);
  g_clear_object (&manager);
  manager = kube_manager_new (fake.client, KUBE_CLOCK (clock));
  destroyed = false;
  g_autoptr (KubeController) made = kube_controller_new (manager, "test-controller", on_reconcile, this, on_destroy);
  controller = made;
  kube_controller_watch_owned (controller, KUBE_KIND ("v1", "ConfigMap"), KUBE_KIND ("apps/v1", "ReplicaSet"));
  Start ();
  auto owned = [] (const char *api, const char *kind, const char *more) {
    return std::string (",'ownerReferences':[{'apiVersion':'") + api + "','kind':'" + kind + "','name':'o','uid':'u'" + more + "}]";
  };
  Show (KUBE_WATCH_ADDED, "no-controller", "6", owned ("apps/v1", "ReplicaSet", "").c_str ());
  Show (KUBE_WATCH_ADDED, "other-group", "7", owned ("example.com/v1", "ReplicaSet", ",'controller':true").c_str ());
  Show (KUBE_WATCH_ADDED, "other-kind", "8", owned ("apps/v1", "Deployment", ",'controller':true").c_str ());
  EXPECT_TRUE (seen.empty ());
  Show (KUBE_WATCH_ADDED, "owned", "9", owned ("apps/v1beta1", "ReplicaSet", ",'controller':true").c_str ());
  EXPECT_EQ (seen, (std::vector<std::string>{ "ns/o" }));
  Show (KUBE_WATCH_MODIFIED, "owned", "10");
  EXPECT_EQ (seen.size (), 2u) << "the owner that it had";
}

TEST_F (Controller, KeysMayBeReturned)
{
  kube_manager_stop (manager);
  g_clear_object (&manager);
  manager = kube_manager_new (fake.client, KUBE_CLOCK (clock));
  destroyed = false;
  bool freed = false;
  KubeController *made = kube_controller_new (manager, "test-controller", on_reconcile, this, on_destroy);
  controller = made;
  kube_controller_watch_full (
    made, KUBE_KIND ("v1", "ConfigMap"),
    [] (KubeController *, KubeObject *object, KubeObject *, gpointer) -> char ** {
      return g_strcmp0 (kube_object_get_name (object), "none") == 0 ? nullptr : g_strsplit (kube_object_get_name (object), "-", -1);
    },
    &freed, [] (gpointer data) { *static_cast<bool *> (data) = true; });
  Start ();
  Show (KUBE_WATCH_ADDED, "none", "6");
  EXPECT_TRUE (seen.empty ());
  Show (KUBE_WATCH_ADDED, "a-b", "7");
  EXPECT_EQ (seen, (std::vector<std::string>{ "a", "b" }));
  kube_manager_stop (manager);
  g_object_unref (made);
  g_clear_object (&manager);
  EXPECT_TRUE (freed);
}

}
