/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-client.h"
#include <gtest/gtest.h>
#include <kube/kube-leader-elector.h>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;
constexpr gint64 start = 1767323045 * second; /* 2026-01-02T03:04:05Z */

/* One Lease with optimistic writes, as a server has it. */
struct LeaseServer {
  KubeObject *lease = NULL;
  int revision = 0;
  int reads = 0, writes = 0;
  bool away = false;

  ~LeaseServer ()
  {
    g_clear_pointer (&lease, kube_object_unref);
  }

  FakeAnswer
  answer (KubeObject *object)
  {
    return { kube_response_new (200, object, NULL, NULL, NULL), NULL };
  }

  FakeAnswer
  store (KubeObject *object)
  {
    KubeBuilder *builder = kube_builder_new (kube_object_get_value (object));
    kube_node_set_string (kube_builder_get_root (builder), "metadata.resourceVersion", std::to_string (++revision).c_str ());
    g_clear_pointer (&lease, kube_object_unref);
    lease = kube_object_new_from_builder (builder);
    kube_builder_unref (builder);
    writes++;
    return answer (lease);
  }

  FakeAnswer
  handle (FakeCall &call)
  {
    KubeObject *object = kube_request_get_object (call.request);
    if (away)
      return fake_error (KUBE_ERROR_SERVICE_UNAVAILABLE, "away");
    switch (kube_request_get_verb (call.request)) {
    case KUBE_VERB_GET:
      reads++;
      return lease != NULL ? answer (lease) : fake_error (KUBE_ERROR_NOT_FOUND, "not found");
    case KUBE_VERB_CREATE:
      return lease == NULL ? store (object) : fake_error (KUBE_ERROR_ALREADY_EXISTS, "exists");
    default:
      if (lease == NULL || g_strcmp0 (kube_object_get_resource_version (object), kube_object_get_resource_version (lease)) != 0)
        return fake_error (KUBE_ERROR_CONFLICT, "changed");
      return store (object);
    }
  }

  const char *
  get (const char *member)
  {
    return kube_object_get_string (lease, (std::string ("spec.") + member).c_str ());
  }
};

struct LeaderElector : testing::Test {
  KubeVirtualClock *clock = kube_virtual_clock_new (start);
  LeaseServer server;
  FakeClient fake;
  std::vector<std::string> log;
  std::vector<KubeLeaderElector *> electors;

  static void
  on_started (KubeLeaderElector *, std::vector<std::string> *l)
  {
    l->push_back ("started");
  }
  static void
  on_stopped (KubeLeaderElector *, std::vector<std::string> *l)
  {
    l->push_back ("stopped");
  }
  static void
  on_leader (KubeLeaderElector *, const char *identity, std::vector<std::string> *l)
  {
    l->push_back (std::string ("leader ") + identity);
  }

  void
  SetUp () override
  {
    fake.answer = [this] (FakeCall &call) { return server.handle (call); };
  }

  void
  TearDown () override
  {
    for (KubeLeaderElector *elector : electors) {
      g_signal_handlers_disconnect_by_data (elector, &log);
      kube_leader_elector_stop (elector);
      g_object_unref (elector);
    }
    kube_virtual_clock_advance (clock, 0);
    g_object_unref (clock);
  }

  KubeLeaderElector *
  add (const char *identity, bool watched)
  {
    KubeLeaderElector *elector = kube_leader_elector_new (fake.client, KUBE_CLOCK (clock), "kube-system", "x", identity);
    electors.push_back (elector);
    if (watched) {
      g_signal_connect (elector, "started-leading", G_CALLBACK (on_started), &log);
      g_signal_connect (elector, "stopped-leading", G_CALLBACK (on_stopped), &log);
      g_signal_connect (elector, "new-leader", G_CALLBACK (on_leader), &log);
    }
    kube_leader_elector_start (elector);
    advance (0);
    return elector;
  }

  void
  advance (gint64 by)
  {
    kube_virtual_clock_advance (clock, by);
  }

  std::vector<std::string>
  take ()
  {
    return std::exchange (log, {});
  }
};

using Log = std::vector<std::string>;

}

TEST_F (LeaderElector, CreatesTheLeaseAndLeads)
{
  KubeLeaderElector *a = add ("a", true);
  EXPECT_EQ (take (), (Log{ "leader a", "started" }));
  EXPECT_TRUE (kube_leader_elector_is_leader (a));
  EXPECT_STREQ (server.get ("holderIdentity"), "a");
  EXPECT_STREQ (server.get ("acquireTime"), "2026-01-02T03:04:05.000000Z");
  EXPECT_EQ (kube_object_get_integer (server.lease, "spec.leaseDurationSeconds", 0), 15);
  EXPECT_EQ (kube_object_get_integer (server.lease, "spec.leaseTransitions", -1), 0);
}

TEST_F (LeaderElector, RenewsEveryTwoSecondsWithoutReading)
{
  add ("a", true);
  int reads = server.reads, writes = server.writes;
  advance (20 * second);
  EXPECT_EQ (server.reads, reads);
  EXPECT_EQ (server.writes, writes + 10);
  EXPECT_STREQ (server.get ("renewTime"), "2026-01-02T03:04:25.000000Z");
  EXPECT_STREQ (server.get ("acquireTime"), "2026-01-02T03:04:05.000000Z");
}

TEST_F (LeaderElector, AnotherWaitsUntilTheLeaseHasRunOut)
{
  KubeLeaderElector *a = add ("a", false);
  KubeLeaderElector *b = add ("b", true);
  EXPECT_EQ (take (), Log{ "leader a" });
  advance (60 * second);
  EXPECT_FALSE (kube_leader_elector_is_leader (b));
  EXPECT_TRUE (kube_leader_elector_is_leader (a));

  /* a dies: nobody gives the lease back */
  g_signal_handlers_disconnect_matched (a, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, &log);
  KubeObject *last = kube_object_ref (server.lease);
  server.away = true;
  kube_leader_elector_stop (a);
  advance (0);
  server.away = false;
  EXPECT_EQ (kube_object_get_bytes (last), kube_object_get_bytes (server.lease));
  kube_object_unref (last);

  /* b tries every two seconds and up to 1.2 times that more: it sees a's last renewal 4.4 s later at most, and the lease's
     end of 15 s again 4.4 s later at most. */
  advance (14 * second);
  EXPECT_FALSE (kube_leader_elector_is_leader (b));
  advance (10 * second);
  EXPECT_TRUE (kube_leader_elector_is_leader (b));
  EXPECT_EQ (take (), (Log{ "leader b", "started" }));
  EXPECT_EQ (kube_object_get_integer (server.lease, "spec.leaseTransitions", 0), 1);
}

TEST_F (LeaderElector, ALeaseGivenBackIsTakenAtOnce)
{
  KubeLeaderElector *a = add ("a", true);
  KubeLeaderElector *b = add ("b", false);
  take ();
  kube_leader_elector_stop (a);
  EXPECT_EQ (take (), Log{ "stopped" });
  EXPECT_STREQ (server.get ("holderIdentity"), "");
  EXPECT_EQ (kube_object_get_integer (server.lease, "spec.leaseDurationSeconds", 0), 1);
  advance (5 * second);
  EXPECT_TRUE (kube_leader_elector_is_leader (b));
}

TEST_F (LeaderElector, StopsLeadingWhereItCannotRenewInTimeAndTriesAgain)
{
  KubeLeaderElector *a = add ("a", true);
  take ();
  server.away = true;
  advance (2 * second + 9 * second);
  EXPECT_TRUE (kube_leader_elector_is_leader (a));
  advance (second);
  EXPECT_FALSE (kube_leader_elector_is_leader (a)) << "ten seconds after the renewal that failed was due";
  EXPECT_EQ (take (), Log{ "stopped" });
  server.away = false;
  advance (10 * second);
  EXPECT_TRUE (kube_leader_elector_is_leader (a));
}

TEST_F (LeaderElector, AServerThatDoesNotAnswerCountsAsAway)
{
  KubeLeaderElector *a = add ("a", true);
  take ();
  fake.answer = nullptr;
  advance (12 * second);
  EXPECT_EQ (take (), Log{ "stopped" });
  EXPECT_FALSE (kube_leader_elector_is_leader (a));
}

TEST_F (LeaderElector, LosesToAnotherWriter)
{
  KubeLeaderElector *a = add ("a", true);
  take ();
  KubeBuilder *builder = kube_builder_new (kube_object_get_value (server.lease));
  kube_node_set_string (kube_builder_get_root (builder), "spec.holderIdentity", "usurper");
  KubeObject *stolen = kube_object_new_from_builder (builder);
  FakeAnswer answer = server.store (stolen);
  kube_response_unref (answer.response);
  kube_object_unref (stolen);
  kube_builder_unref (builder);
  advance (2 * second);
  EXPECT_EQ (take (), Log{ "leader usurper" });
  advance (10 * second);
  EXPECT_EQ (take (), Log{ "stopped" });
  EXPECT_FALSE (kube_leader_elector_is_leader (a));
  EXPECT_STREQ (server.get ("holderIdentity"), "usurper");
}

TEST_F (LeaderElector, KeepsFieldsOfTheLeaseThatItDoesNotKnow)
{
  server.lease = fake_parse (
      "{'metadata':{'name':'x','labels':{'k':'v'},'resourceVersion':'1'},'spec':{'strategy':'OldestEmulationVersion'}}");
  add ("a", true);
  EXPECT_STREQ (server.get ("holderIdentity"), "a");
  EXPECT_STREQ (server.get ("strategy"), "OldestEmulationVersion");
  EXPECT_STREQ (kube_object_get_label (server.lease, "k"), "v");
}
