/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scheduler against an API server whose answers the test writes. */
#include "fake-client.h"

#include <gtest/gtest.h>
#include <kube/kube-scheduler.h>
#include <map>
#include <set>

class Scheduler : public testing::Test {
protected:
  void SetUp () override
  {
    clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1767323045000000));
    client.answer = [this] (FakeCall &call) { return answer (call); };
  }

  void TearDown () override
  {
    if (scheduler != nullptr)
      kube_scheduler_stop (scheduler);
    g_clear_object (&scheduler);
    settle ();
    g_clear_object (&clock);
  }

  void start ()
  {
    scheduler = kube_scheduler_new (client.client, KUBE_CLOCK (clock), nullptr);
    kube_scheduler_start (scheduler);
    settle ();
    ASSERT_TRUE (kube_scheduler_is_synced (scheduler));
  }

  static void settle ()
  {
    while (g_main_context_iteration (nullptr, FALSE))
      continue;
  }

  FakeAnswer answer (FakeCall &call)
  {
    KubeRequest *request = call.request;
    std::string plural = kube_kind_get_plural (kube_request_get_kind (request));
    const char *subresource = kube_request_get_subresource (request);
    switch (kube_request_get_verb (request)) {
    case KUBE_VERB_LIST: {
      std::vector<std::string> items;
      for (auto &item : plural == "pods" ? pods : plural == "nodes" ? nodes : others[plural])
        items.push_back (item.second);
      return fake_list (items, "100");
    }
    case KUBE_VERB_CREATE:
      if (subresource != nullptr && std::string (subresource) == "binding") {
        bound[kube_request_get_name (request)] = kube_object_get_string (kube_request_get_object (request), "target.name");
        if (fail_binding)
          return fake_error (KUBE_ERROR_INTERNAL, "etcd is full");
        return fake_object ("{'kind':'Status','status':'Success'}");
      }
      messages.push_back (std::string (kube_object_get_string (kube_request_get_object (request), "reason")) + ": "
                          + kube_object_get_string (kube_request_get_object (request), "message"));
      return fake_object ("{'kind':'Event','metadata':{'name':'e'}}");
    case KUBE_VERB_PATCH: {
      KubeValue *patch = kube_request_get_patch (request, nullptr);
      char *text = kube_value_print (patch, nullptr);
      patches[kube_request_get_name (request)].push_back (text);
      g_free (text);
      return fake_object ("{'kind':'Pod','metadata':{'name':'x'}}");
    }
    default:
      return fake_object ("{'kind':'Status'}");
    }
  }

  static std::string make_node (const std::string &name, const std::string &cpu = "4", const std::string &version = "1", const std::string &spec = "")
  {
    return "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" + name + "','uid':'" + name + "','resourceVersion':'" + version
           + "'},'spec':{" + spec + "},'status':{'allocatable':{'cpu':'" + cpu + "','memory':'8Gi','pods':'110'}}}";
  }

  static std::string make_pod (const std::string &name, const std::string &cpu = "1", const std::string &more = "", const std::string &version = "1",
                               const std::string &meta = "")
  {
    return "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" + name + "','namespace':'d','uid':'" + name + "','generation':1,'resourceVersion':'"
           + version + "'" + meta + "},'spec':{'schedulerName':'default-scheduler'" + more
           + ",'containers':[{'name':'c','image':'i','resources':{'requests':{'cpu':'" + cpu + "'}}}]},'status':{'phase':'Pending'}}";
  }

  void emit (const char *plural, KubeWatchEventType type, const std::string &json)
  {
    KubeObject *object = fake_parse (json);
    for (auto &watch : client.watches) {
      if (watch->watch != nullptr && std::string (kube_kind_get_plural (kube_request_get_kind (watch->request))) == plural)
        watch->emit (type, kube_object_ref (object)); // takes it
    }
    kube_object_unref (object);
    settle ();
  }

  FakeClient client;
  KubeVirtualClock *clock;
  KubeScheduler *scheduler = nullptr;
  std::map<std::string, std::string> pods, nodes, bound;
  std::map<std::string, std::map<std::string, std::string>> others; // by plural
  std::map<std::string, std::vector<std::string>> patches;
  std::vector<std::string> messages;
  bool fail_binding = false;
};

TEST_F (Scheduler, BindsWhatWaitsAndWhatComes)
{
  nodes["a"] = make_node ("a");
  pods["p"] = make_pod ("p");
  start ();
  EXPECT_EQ (bound["p"], "a");
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("q"));
  EXPECT_EQ (bound["q"], "a");
  EXPECT_EQ (messages, (std::vector<std::string>{ "Scheduled: Successfully assigned d/p to a", "Scheduled: Successfully assigned d/q to a" }));
  EXPECT_EQ (kube_scheduler_get_n_pending (scheduler), 0u);
}

TEST_F (Scheduler, LeavesOthersPodsAlone)
{
  nodes["a"] = make_node ("a");
  start ();
  std::string other = make_pod ("p");
  other.replace (other.find ("default-scheduler"), 17, "another");
  emit ("pods", KUBE_WATCH_ADDED, other);
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("gated", "1", ",'schedulingGates':[{'name':'x'}]"));
  EXPECT_TRUE (bound.empty ());
  EXPECT_TRUE (patches.empty ()) << "the server says of a gated pod why it waits";
  EXPECT_TRUE (messages.empty ());
}

TEST_F (Scheduler, AGatedPodGoesOnceItsGatesAreGone)
{
  nodes["a"] = make_node ("a");
  start ();
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("p", "1", ",'schedulingGates':[{'name':'x'}]"));
  std::string open = make_pod ("p", "1", "", "2");
  open.replace (open.find ("'generation':1"), 14, "'generation':2");
  emit ("pods", KUBE_WATCH_MODIFIED, open);
  EXPECT_EQ (bound["p"], "a");
}

TEST_F (Scheduler, AssumedPodsCountBeforeTheyAreSeenBound)
{
  nodes["a"] = make_node ("a", "4");
  nodes["b"] = make_node ("b", "4");
  for (int i = 0; i < 8; i++)
    pods["p" + std::to_string (i)] = make_pod ("p" + std::to_string (i));
  start ();
  std::map<std::string, int> counts;
  for (auto &entry : bound)
    counts[entry.second]++;
  EXPECT_EQ (counts["a"], 4);
  EXPECT_EQ (counts["b"], 4);
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("more"));
  EXPECT_EQ (bound.count ("more"), 0u);
  emit ("pods", KUBE_WATCH_MODIFIED, make_pod ("p0", "1", ",'nodeName':'" + bound["p0"] + "'", "2"));
  EXPECT_EQ (bound.count ("more"), 0u) << "confirming does not free anything";
  emit ("pods", KUBE_WATCH_DELETED, make_pod ("p0", "1", ",'nodeName':'" + bound["p0"] + "'", "3"));
  EXPECT_EQ (bound["more"], bound["p0"]);
}

TEST_F (Scheduler, SaysWhyAPodWaitsOnce)
{
  nodes["a"] = make_node ("a", "2");
  pods["p"] = make_pod ("p", "4");
  start ();
  std::string message = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is "
                        "not helpful for scheduling.";
  EXPECT_EQ (messages, (std::vector<std::string>{ "FailedScheduling: " + message }));
  ASSERT_EQ (patches["p"].size (), 1u);
  EXPECT_EQ (patches["p"][0],
             "{\"status\":{\"conditions\":[{\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-01-02T03:04:05Z\",\"message\":\"" + message
               + "\",\"observedGeneration\":1,\"reason\":\"Unschedulable\",\"status\":\"False\",\"type\":\"PodScheduled\"}]}}");
  // Its own patch coming back is no reason to try again.
  std::string patched = make_pod ("p", "4", "", "2");
  patched.replace (patched.find ("'phase'"), 7,
                   "'conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable','observedGeneration':1,'message':'" + std::string ("0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.")
                     + "'}],'phase'");
  emit ("pods", KUBE_WATCH_MODIFIED, patched);
  EXPECT_EQ (messages.size (), 1u);
  EXPECT_EQ (kube_scheduler_get_n_pending (scheduler), 1u);

  // A change that does not help is not tried either; one that does is.
  emit ("nodes", KUBE_WATCH_MODIFIED, make_node ("a", "3", "2"));
  EXPECT_EQ (messages.size (), 1u);
  emit ("nodes", KUBE_WATCH_MODIFIED, make_node ("a", "4", "3"));
  EXPECT_EQ (bound["p"], "a");
}

TEST_F (Scheduler, APodThatWaitsIsTriedWhenANodeComes)
{
  pods["p"] = make_pod ("p");
  start ();
  EXPECT_EQ (messages, (std::vector<std::string>{ "FailedScheduling: no nodes available to schedule pods" }));
  emit ("nodes", KUBE_WATCH_ADDED, make_node ("a", "4", "1", "'unschedulable':true"));
  EXPECT_TRUE (bound.empty ());
  emit ("nodes", KUBE_WATCH_MODIFIED, make_node ("a", "4", "2"));
  EXPECT_EQ (bound["p"], "a");
}

TEST_F (Scheduler, AnUnschedulablePodIsTriedAgainAfterFiveMinutes)
{
  nodes["a"] = make_node ("a", "2");
  pods["p"] = make_pod ("p", "4");
  start ();
  kube_virtual_clock_advance (clock, 299 * G_USEC_PER_SEC);
  settle ();
  size_t before = client.calls.size ();
  kube_virtual_clock_advance (clock, 2 * G_USEC_PER_SEC);
  settle ();
  EXPECT_GT (client.calls.size (), before) << "the event is counted up";
}

TEST_F (Scheduler, AFailedBindingIsTakenBackAndTriedAgain)
{
  nodes["a"] = make_node ("a", "2");
  pods["p"] = make_pod ("p", "2");
  fail_binding = true;
  start ();
  EXPECT_EQ (bound["p"], "a");
  EXPECT_EQ (kube_scheduler_get_n_pending (scheduler), 1u);
  EXPECT_EQ (messages, (std::vector<std::string>{ "FailedScheduling: running Bind plugin \"DefaultBinder\": etcd is full" }));
  ASSERT_EQ (patches["p"].size (), 1u);
  EXPECT_NE (patches["p"][0].find ("\"reason\":\"SchedulerError\""), std::string::npos);
  bound.clear ();
  fail_binding = false;
  settle ();
  EXPECT_TRUE (bound.empty ()) << "it waits out its back-off";
  kube_virtual_clock_advance (clock, G_USEC_PER_SEC);
  settle ();
  EXPECT_EQ (bound["p"], "a") << "and what it had taken is free again";
}

TEST_F (Scheduler, ADeletedPodIsForgotten)
{
  nodes["a"] = make_node ("a", "2");
  pods["p"] = make_pod ("p", "4");
  start ();
  emit ("pods", KUBE_WATCH_DELETED, make_pod ("p", "4", "", "2"));
  EXPECT_EQ (kube_scheduler_get_n_pending (scheduler), 0u);
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("q", "1", "", "3", ",'deletionTimestamp':'2026-01-01T00:00:00Z'"));
  EXPECT_TRUE (bound.empty ());
  EXPECT_EQ (messages.back (), "FailedScheduling: skip schedule deleting pod: d/q");
}

TEST_F (Scheduler, APodThatWantsCompanyIsTriedWhenItComesAnywhere)
{
  nodes["a"] = make_node ("a");
  nodes["b"] = make_node ("b");
  for (auto &node : nodes)
    node.second.replace (node.second.find ("'uid'"), 5, "'labels':{'zone':'z'},'uid'");
  start ();
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("p", "3", ",'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'zone','labelSelector':"
                                                      "{'matchLabels':{'app':'db'}}}]}}"));
  EXPECT_EQ (messages.back (), "FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match pod affinity rules. no new claims to deallocate, preemption: "
                               "0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("db", "3", ",'nodeName':'a'", "1", ",'labels':{'app':'db'}"));
  EXPECT_EQ (bound["p"], "b") << "a is full, but in the same zone";
}

TEST_F (Scheduler, PodsOfOneSetAreSpreadByDefault)
{
  // Two zones, of which one has pods of the same set; the other node is fuller, so that resources speak for the first.
  for (const char *name : { "a", "b" }) {
    nodes[name] = make_node (name, "64");
    nodes[name].replace (nodes[name].find ("'uid'"), 5,
                         std::string ("'labels':{'kubernetes.io/hostname':'") + name + "','topology.kubernetes.io/zone':'" + name + "'},'uid'");
  }
  others["replicasets"]["set"] = "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'set','namespace':'d','uid':'set','resourceVersion':'1'},"
                                 "'spec':{'selector':{'matchLabels':{'app':'web'}}}}";
  std::string owned = ",'labels':{'app':'web'},'ownerReferences':[{'apiVersion':'apps/v1','kind':'ReplicaSet','name':'set','uid':'set','controller':true}]";
  pods["w1"] = make_pod ("w1", "1", ",'nodeName':'a'", "1", owned);
  pods["w2"] = make_pod ("w2", "1", ",'nodeName':'a'", "1", owned);
  pods["x"] = make_pod ("x", "8", ",'nodeName':'b'");
  start ();
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("free", "1"));
  EXPECT_EQ (bound["free"], "a");
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("w3", "1", "", "1", owned));
  EXPECT_EQ (bound["w3"], "b");
}

TEST_F (Scheduler, EvictsWhereBudgetsAllowIt)
{
  nodes["a"] = make_node ("a", "2");
  nodes["b"] = make_node ("b", "2");
  others["poddisruptionbudgets"]["pdb"] = "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'pdb','namespace':'d','uid':'pdb','resourceVersion':'1'},"
                                          "'spec':{'selector':{'matchLabels':{'app':'kept'}}},'status':{'disruptionsAllowed':0}}";
  pods["kept"] = make_pod ("kept", "2", ",'nodeName':'a'", "1", ",'labels':{'app':'kept'}");
  pods["free"] = make_pod ("free", "2", ",'nodeName':'b','priority':5");
  start ();
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("high", "2", ",'priority':10"));
  ASSERT_EQ (patches.count ("high"), 1u);
  EXPECT_NE (patches["high"].back ().find ("\"nominatedNodeName\":\"b\""), std::string::npos)
    << "though the pod there is the more important one";
  EXPECT_EQ (patches.count ("kept"), 0u);
  EXPECT_EQ (patches.count ("free"), 1u);
}

TEST_F (Scheduler, WhatANodeWasClearedForIsKeptForIt)
{
  nodes["a"] = make_node ("a", "2");
  start ();
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("low", "2", ",'nodeName':'a'"));
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("high", "2", ",'priority':10"));
  ASSERT_EQ (patches.count ("high"), 1u);
  EXPECT_NE (patches["high"].back ().find ("\"nominatedNodeName\":\"a\""), std::string::npos);
  bound.clear ();
  emit ("pods", KUBE_WATCH_ADDED, make_pod ("late", "1"));
  emit ("pods", KUBE_WATCH_DELETED, make_pod ("low", "2", ",'nodeName':'a'", "2"));
  EXPECT_EQ (bound.count ("late"), 0u);
  EXPECT_EQ (bound["high"], "a");
}
