/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <algorithm>
#include "controllers-fixture.h"

namespace {

class Nodes : public ControllersTest {
protected:
  void
  StartAll (const std::vector<const char *> &more = {})
  {
    std::vector<const char *> names = { "node-lifecycle-controller", "taint-eviction-controller" };
    names.insert (names.end (), more.begin (), more.end ());
    kube_test_kubelet_add (cluster, 0, kSecond);
    Start (names);
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  void
  Node (const std::string &name)
  {
    Create ("{apiVersion: v1, kind: Node, metadata: {name: " + name + "}}");
    Patch ("Node", name, "{status: {conditions: [{type: Ready, status: 'True', reason: KubeletReady, lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z'}]}}", "status");
    Settle ();
  }

  void
  Beat (const std::string &name)
  {
    g_autofree char *time = nullptr;
    g_autoptr (GDateTime) now = g_date_time_new_from_unix_utc (kube_test_cluster_get_time (cluster) / kSecond);
    time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.000000Z");
    if (!Get ("Lease", name, "kube-node-lease"))
      Create ("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: " + name + ", namespace: kube-node-lease}, spec: {holderIdentity: " + name + "}}");
    Patch ("Lease", name, std::string ("{spec: {renewTime: '") + time + "'}}", nullptr, "kube-node-lease");
    Settle ();
  }

  void
  Pod (const std::string &name, const std::string &node, const std::string &tolerations = "")
  {
    Create ("{apiVersion: v1, kind: Pod, metadata: {name: " + name + "}, spec: {nodeName: " + node + ", tolerations: [" + tolerations + "], containers: [{name: c, image: 'v:1'}]}}");
    Settle ();
  }

  std::string Taints (const std::string &node)
  {
    std::string text;
    Obj object = Get ("Node", node);
    for (guint i = 0; i < object.length ("spec.taints"); i++) {
      std::string at = "spec.taints." + std::to_string (i) + ".";
      text += object.text ((at + "key").c_str ()) + ":" + object.text ((at + "effect").c_str ()) + " ";
    }
    return text;
  }

  const std::string kStays = "{operator: Exists}";
};

TEST_F (Nodes, ASilentNodeBecomesUnknownAndIsTaintedAndItsPodsAreNotReady)
{
  StartAll ();
  Node ("n1");
  Node ("n2");
  Pod ("p", "n1", kStays);
  /* Or the played agent would make it ready again. */
  Patch ("Pod", "p", "{metadata: {annotations: {test/ignore: ''}}}");
  for (int i = 0; i < 12; i++) {
    Beat ("n2");
    if (i < 4)
      Beat ("n1");
    EXPECT_EQ (Get ("Node", "n1").condition ("Ready"), i <= 8 ? "True" : Get ("Node", "n1").condition ("Ready")) << i;
    Run (10 * kSecond);
  }
  Obj silent = Get ("Node", "n1");
  EXPECT_EQ (silent.condition ("Ready"), "Unknown");
  EXPECT_EQ (silent.condition ("Ready", "reason"), "NodeStatusUnknown");
  EXPECT_EQ (silent.condition ("Ready", "message"), "Kubelet stopped posting node status.");
  EXPECT_EQ (silent.condition ("MemoryPressure", "reason"), "NodeStatusNeverUpdated");
  EXPECT_EQ (Taints ("n1"), "node.kubernetes.io/unreachable:NoSchedule node.kubernetes.io/unreachable:NoExecute ");
  EXPECT_EQ (Get ("Pod", "p").condition ("Ready"), "False");
  EXPECT_TRUE (HasEvent ("n1", "Normal NodeNotReady Node n1 status is now: NodeNotReady", "default"));
  EXPECT_EQ (Get ("Node", "n2").condition ("Ready"), "True");
  EXPECT_EQ (Taints ("n2"), "");
}

TEST_F (Nodes, ANodeThatComesBackLosesItsTaints)
{
  StartAll ();
  Node ("n1");
  ASSERT_TRUE (Until ([&] { return Taints ("n1") == "node.kubernetes.io/unreachable:NoSchedule "; }, 120 * kSecond));
  Beat ("n1");
  Patch ("Node", "n1", "{status: {conditions: [{type: Ready, status: 'True', reason: KubeletReady, lastHeartbeatTime: '2026-01-01T01:00:00Z', lastTransitionTime: '2026-01-01T01:00:00Z'}]}}", "status");
  ASSERT_TRUE (Until ([&] { return Taints ("n1") == ""; }));
  EXPECT_EQ (Get ("Node", "n1").condition ("Ready"), "True");
}

TEST_F (Nodes, ConditionsBecomeTaints)
{
  StartAll ();
  Node ("n1");
  Node ("n2");
  Patch ("Node", "n1", "{spec: {unschedulable: true}}");
  Settle ();
  EXPECT_EQ (Taints ("n1"), "node.kubernetes.io/unschedulable:NoSchedule ");
  Patch ("Node", "n1", "{spec: {unschedulable: null}}");
  Patch ("Node", "n1", "{status: {conditions: [{type: Ready, status: 'False', lastHeartbeatTime: '2026-01-01T00:00:01Z'}, {type: DiskPressure, status: 'True'}]}}", "status");
  Settle ();
  EXPECT_NE (Taints ("n1").find ("node.kubernetes.io/disk-pressure:NoSchedule"), std::string::npos);
  EXPECT_NE (Taints ("n1").find ("node.kubernetes.io/not-ready:NoSchedule"), std::string::npos);
  EXPECT_NE (Taints ("n1").find ("node.kubernetes.io/not-ready:NoExecute"), std::string::npos);
  EXPECT_EQ (Taints ("n1").find ("unschedulable"), std::string::npos);
}

TEST_F (Nodes, KeepsTheTaintsOfOthers)
{
  StartAll ();
  Create ("{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {taints: [{key: mine, effect: NoSchedule}]}}");
  ASSERT_TRUE (Until ([&] { return Taints ("n1").find ("unreachable:NoSchedule") != std::string::npos; }, 120 * kSecond));
  EXPECT_EQ (Taints ("n1").find ("mine:NoSchedule"), 0u);
}

TEST_F (Nodes, WhereNoNodeIsReadyNobodyIsSentAway)
{
  StartAll ();
  Node ("n1");
  Node ("n2");
  Pod ("p", "n1");
  for (int i = 0; i < 12; i++) {
    Beat ("n2");
    Run (10 * kSecond);
  }
  EXPECT_NE (Taints ("n1").find ("unreachable:NoExecute"), std::string::npos);
  Run (100 * kSecond);
  EXPECT_EQ (Taints ("n1"), "node.kubernetes.io/unreachable:NoSchedule ");
  EXPECT_EQ (Taints ("n2"), "node.kubernetes.io/unreachable:NoSchedule ");
}

TEST_F (Nodes, MostOfAZoneAtOnceIsRatherAMistakeAndFewGoOneByOne)
{
  StartAll ();
  for (int i = 0; i < 8; i++)
    Node ("n" + std::to_string (i));
  auto tainted = [&] {
    int count = 0;
    for (int i = 0; i < 8; i++)
      count += Taints ("n" + std::to_string (i)).find ("NoExecute") != std::string::npos;
    return count;
  };
  auto run = [&] (int alive, int seconds) {
    for (int i = 0; i < seconds; i += 5) {
      for (int k = 0; k < alive; k++)
        Beat ("n" + std::to_string (k));
      Run (5 * kSecond);
    }
  };
  run (6, 54);
  EXPECT_EQ (tainted (), 1) << "one in ten seconds";
  run (6, 10);
  EXPECT_EQ (tainted (), 2);
  run (3, 120);
  EXPECT_LE (tainted (), 3);
}

TEST_F (Nodes, PodsThatDoNotTolerateATaintGoAndOthersWhenTheirTimeIsUp)
{
  StartAll ();
  Node ("n1");
  Pod ("leaves", "n1");
  Pod ("later", "n1", "{key: bad, operator: Exists, effect: NoExecute, tolerationSeconds: 60}");
  Pod ("shorter", "n1", "{key: bad, operator: Exists, effect: NoExecute, tolerationSeconds: 100}, {operator: Exists, effect: NoExecute, tolerationSeconds: 20}");
  Pod ("stays", "n1", "{key: bad, operator: Equal, value: x, effect: NoExecute}");
  Pod ("wrong", "n1", "{key: bad, operator: Equal, value: other, effect: NoExecute}");
  Patch ("Node", "n1", "{spec: {taints: [{key: bad, value: x, effect: NoExecute}]}}");
  Settle ();
  Run (2 * kSecond);
  EXPECT_FALSE (Get ("Pod", "leaves"));
  EXPECT_FALSE (Get ("Pod", "wrong"));
  EXPECT_TRUE (HasEvent ("leaves", "Normal TaintManagerEviction Marking for deletion Pod default/leaves"));
  Beat ("n1");
  Run (16 * kSecond);
  EXPECT_TRUE (Get ("Pod", "shorter"));
  Run (6 * kSecond);
  EXPECT_FALSE (Get ("Pod", "shorter"));
  Beat ("n1");
  Run (33 * kSecond);
  EXPECT_TRUE (Get ("Pod", "later"));
  Beat ("n1");
  Run (10 * kSecond);
  EXPECT_FALSE (Get ("Pod", "later"));
  EXPECT_TRUE (Get ("Pod", "stays"));
}

TEST_F (Nodes, ATaintThatGoesInTimeEvictsNobody)
{
  StartAll ();
  Node ("n1");
  Pod ("p", "n1", "{key: bad, operator: Exists, effect: NoExecute, tolerationSeconds: 60}");
  Patch ("Node", "n1", "{spec: {taints: [{key: bad, effect: NoExecute}]}}");
  Run (30 * kSecond);
  Patch ("Node", "n1", "{spec: {taints: null}}");
  Beat ("n1");
  Run (40 * kSecond);
  EXPECT_FALSE (Get ("Pod", "p").deleting ());
  EXPECT_TRUE (Get ("Pod", "p"));
}

TEST_F (Nodes, APodThatComesToATaintedNodeHasItsWholeTime)
{
  StartAll ();
  Node ("n1");
  Patch ("Node", "n1", "{spec: {taints: [{key: bad, effect: NoExecute, timeAdded: '2025-01-01T00:00:00Z'}]}}");
  Settle ();
  for (int round = 0; round < 2; round++) {
    Pod ("p", "n1", "{key: bad, operator: Exists, effect: NoExecute, tolerationSeconds: 40}");
    Beat ("n1");
    Run (35 * kSecond);
    EXPECT_FALSE (Get ("Pod", "p").deleting ());
    EXPECT_TRUE (Get ("Pod", "p"));
    Beat ("n1");
    Run (10 * kSecond);
    EXPECT_FALSE (Get ("Pod", "p"));
  }
}

TEST_F (Nodes, TheCollectorTakesPodsOfMissingNodesAfterAWhile)
{
  StartAll ({ "pod-garbage-collector-controller" });
  Node ("n1");
  Pod ("p", "n1", kStays);
  Delete ("Node", "n1");
  Run (30 * kSecond);
  EXPECT_TRUE (Get ("Pod", "p"));
  ASSERT_TRUE (Until ([&] { return !Get ("Pod", "p"); }, 30 * kSecond));
}

TEST_F (Nodes, TheCollectorWaitsForANodeThatComesBack)
{
  StartAll ({ "pod-garbage-collector-controller" });
  Node ("n1");
  Pod ("p", "n1", kStays);
  Delete ("Node", "n1");
  Run (30 * kSecond);
  Node ("n1");
  Run (30 * kSecond);
  EXPECT_TRUE (Get ("Pod", "p"));
  Delete ("Node", "n1");
  Run (30 * kSecond);
  EXPECT_TRUE (Get ("Pod", "p")) << "a new absence is a new wait";
}

TEST_F (Nodes, GetARangeOfAddressesEach)
{
  KubeControllersOptions options = {};
  options.cluster_cidr = "10.244.0.0/22";
  Start ({ "node-ipam-controller" }, &options);
  for (int i = 0; i < 4; i++)
    Create ("{apiVersion: v1, kind: Node, metadata: {name: n" + std::to_string (i) + "}}");
  Settle ();
  std::vector<std::string> ranges;
  for (int i = 0; i < 4; i++) {
    Obj node = Get ("Node", "n" + std::to_string (i));
    ranges.push_back (node.text ("spec.podCIDR"));
    EXPECT_EQ (node.text ("spec.podCIDRs.0"), ranges.back ());
  }
  std::sort (ranges.begin (), ranges.end ());
  EXPECT_EQ (ranges, (std::vector<std::string>{ "10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24" }));
  Create ("{apiVersion: v1, kind: Node, metadata: {name: n4}}");
  Settle ();
  EXPECT_EQ (Get ("Node", "n4").text ("spec.podCIDR"), "");
  EXPECT_TRUE (HasEvent ("n4", "Normal CIDRNotAvailable Node n4 status is now: CIDRNotAvailable"));
  std::string freed = Get ("Node", "n1").text ("spec.podCIDR");
  Delete ("Node", "n1");
  ASSERT_TRUE (Until ([&] { return Get ("Node", "n4").text ("spec.podCIDR") == freed; }));
}

}
