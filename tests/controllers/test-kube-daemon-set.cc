/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

#include <set>

namespace {

class DaemonSet : public ControllersTest {
protected:
  void
  StartAll (int nodes)
  {
    kube_test_kubelet_add (cluster, kSecond, kSecond);
    Start ({ "daemonset-controller", "garbage-collector-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
    for (int i = 1; i <= nodes; i++)
      AddNode ("n" + std::to_string (i), i == 1 ? "ssd" : "rust");
  }

  /* New nodes are tainted as not ready. */
  void
  AddNode (const std::string &name, const std::string &disk)
  {
    Create ("{apiVersion: v1, kind: Node, metadata: {name: " + name + ", labels: {disk: " + disk + "}}}");
    Patch ("Node", name, "{spec: {taints: null}}");
  }

  Obj
  Make (const std::string &more = "", const std::string &pod = "")
  {
    return Create ("{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: log}, spec: {selector: {matchLabels: {app: log}}, template: {metadata: {labels: {app: log}}, "
                   "spec: {containers: [{name: c, image: 'v:1'}]" + pod + "}}" + more + "}}");
  }

  Obj Log () { return Get ("DaemonSet", "log"); }
  void SetImage (const std::string &image) { Patch ("DaemonSet", "log", "{spec: {template: {spec: {containers: [{name: c, image: '" + image + "'}]}}}}"); }

  bool
  Done (gint64 count)
  {
    Obj log = Log ();
    return log.number ("status.observedGeneration") == log.number ("metadata.generation") && log.number ("status.desiredNumberScheduled") == count &&
           log.number ("status.updatedNumberScheduled", 0) == count && log.number ("status.numberAvailable", 0) == count && List ("Pod").size () == (size_t) count;
  }

  static std::string
  NodeOf (const Obj &pod)
  {
    return pod.text ("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0.matchFields.0.values.0");
  }

  std::multiset<std::string>
  Nodes ()
  {
    std::multiset<std::string> nodes;
    for (const Obj &pod : List ("Pod")) {
      if (!pod.deleting ())
        nodes.insert (NodeOf (pod));
    }
    return nodes;
  }

  int
  CountAvailable ()
  {
    int count = 0;
    for (const Obj &pod : List ("Pod"))
      count += pod.condition ("Ready") == "True" && !pod.deleting ();
    return count;
  }
};

TEST_F (DaemonSet, RunsOnePodOnEachNode)
{
  StartAll (3);
  Obj log = Make ();
  ASSERT_TRUE (Until ([&] { return Done (3); }));
  EXPECT_EQ (Nodes (), (std::multiset<std::string>{ "n1", "n2", "n3" }));
  auto revisions = List ("ControllerRevision");
  ASSERT_EQ (revisions.size (), 1u);
  for (const Obj &pod : List ("Pod")) {
    EXPECT_EQ (pod.text ("metadata.generateName"), "log-");
    EXPECT_EQ (pod.text ("metadata.ownerReferences.0.uid"), log.uid ());
    EXPECT_EQ (pod.label ("controller-revision-hash"), revisions[0].label ("controller-revision-hash"));
    EXPECT_EQ (pod.label ("pod-template-generation"), "1");
    EXPECT_EQ (pod.length ("spec.tolerations"), 6u);
    EXPECT_TRUE (HasEvent ("log", "Normal SuccessfulCreate Created pod: " + pod.name ()));
  }
  EXPECT_EQ (Log ().number ("status.currentNumberScheduled"), 3);
  EXPECT_EQ (Log ().number ("status.numberReady"), 3);
  EXPECT_EQ (Log ().number ("status.numberMisscheduled"), 0);
  EXPECT_FALSE (Log ().has ("status.numberUnavailable"));
}

TEST_F (DaemonSet, SavesItsTemplateAsWhatPutsItBack)
{
  StartAll (1);
  Obj log = Make ();
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  Obj revision = List ("ControllerRevision")[0];
  EXPECT_EQ (revision.name (), "log-" + revision.label ("controller-revision-hash"));
  EXPECT_EQ (revision.label ("app"), "log");
  EXPECT_EQ (revision.number ("revision"), 1);
  EXPECT_EQ (revision.text ("metadata.ownerReferences.0.uid"), log.uid ());
  EXPECT_EQ (revision.annotation ("deprecated.daemonset.template.generation"), "1");
  EXPECT_EQ (revision.text ("data.spec.template.$patch"), "replace");
  EXPECT_EQ (revision.text ("data.spec.template.spec.containers.0.image"), "v:1");
}

TEST_F (DaemonSet, FollowsTheNodes)
{
  StartAll (1);
  Make ("", ", nodeSelector: {disk: rust}");
  Settle ();
  EXPECT_EQ (List ("Pod").size (), 0u);
  AddNode ("n2", "rust");
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  EXPECT_EQ (Nodes (), (std::multiset<std::string>{ "n2" }));
  Patch ("Node", "n1", "{metadata: {labels: {disk: rust}}}");
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  Patch ("Node", "n2", "{metadata: {labels: {disk: ssd}}}");
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  EXPECT_EQ (Nodes (), (std::multiset<std::string>{ "n1" }));
  Delete ("Node", "n1");
  ASSERT_TRUE (Until ([&] { return Done (0); }));
}

TEST_F (DaemonSet, KeepsAwayFromTaintsButStaysUnderThoseThatDoNotEvict)
{
  StartAll (2);
  Patch ("Node", "n1", "{spec: {taints: [{key: own, effect: NoSchedule}]}}");
  Patch ("Node", "n2", "{spec: {taints: [{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]}}");
  Make ();
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  EXPECT_EQ (Nodes (), (std::multiset<std::string>{ "n2" }));

  Patch ("Node", "n2", "{spec: {taints: [{key: own, effect: NoSchedule}]}}");
  ASSERT_TRUE (Until ([&] { return Log ().number ("status.numberMisscheduled") == 1; }));
  EXPECT_EQ (Nodes (), (std::multiset<std::string>{ "n2" }));
  EXPECT_EQ (Log ().number ("status.desiredNumberScheduled"), 0);

  Patch ("Node", "n2", "{spec: {taints: [{key: own, effect: NoExecute}]}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod").empty () && Log ().number ("status.numberMisscheduled") == 0; }));
}

TEST_F (DaemonSet, NetworkIsToleratedAsUnavailableByThoseThatAreOfTheHost)
{
  StartAll (1);
  Patch ("Node", "n1", "{spec: {taints: [{key: node.kubernetes.io/network-unavailable, effect: NoSchedule}]}}");
  Make ("", ", hostNetwork: true");
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  EXPECT_EQ (List ("Pod")[0].length ("spec.tolerations"), 7u);
}

TEST_F (DaemonSet, ReplacesOldPodsOnlyAsManyAtATimeAsMayBeUnavailable)
{
  StartAll (5);
  Make (", updateStrategy: {rollingUpdate: {maxUnavailable: 2}}");
  ASSERT_TRUE (Until ([&] { return Done (5); }));
  SetImage ("v:2");
  int least = 5;
  ASSERT_TRUE (Until ([&] {
    least = std::min (least, CountAvailable ());
    return Done (5);
  }));
  EXPECT_EQ (least, 3);
  for (const Obj &pod : List ("Pod"))
    EXPECT_EQ (pod.text ("spec.containers.0.image"), "v:2");
  EXPECT_EQ (Nodes ().size (), 5u);
  EXPECT_EQ (List ("ControllerRevision").size (), 2u);
}

TEST_F (DaemonSet, SurgesWithoutEverBeingWithoutAPod)
{
  StartAll (4);
  Make (", updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}");
  ASSERT_TRUE (Until ([&] { return Done (4); }));
  SetImage ("v:2");
  int least = 4;
  size_t most = 4;
  ASSERT_TRUE (Until ([&] {
    least = std::min (least, CountAvailable ());
    most = std::max (most, Nodes ().size ());
    return Done (4);
  }));
  EXPECT_EQ (least, 4);
  EXPECT_EQ (most, 5u);
  for (const Obj &pod : List ("Pod"))
    EXPECT_EQ (pod.text ("spec.containers.0.image"), "v:2");
}

TEST_F (DaemonSet, LeavesOldPodsAloneWhereTheyAreUpdatedOnDeletion)
{
  StartAll (2);
  Make (", updateStrategy: {type: OnDelete}");
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  SetImage ("v:2");
  ASSERT_TRUE (Until ([&] { return Log ().number ("status.observedGeneration") == 2; }));
  Run (10 * kSecond);
  EXPECT_EQ (Log ().number ("status.updatedNumberScheduled", 0), 0);
  std::string first = List ("Pod")[0].name (), second = List ("Pod")[1].name ();
  Delete ("Pod", first);
  ASSERT_TRUE (Until ([&] { return Log ().number ("status.updatedNumberScheduled") == 1 && Log ().number ("status.numberReady") == 2; }));
  EXPECT_EQ (Get ("Pod", second).text ("spec.containers.0.image"), "v:1");
}

TEST_F (DaemonSet, CountsAPodAsAvailableOnlyWhenItHasBeenReadyForLongEnough)
{
  StartAll (1);
  Make (", minReadySeconds: 30");
  ASSERT_TRUE (Until ([&] { return Log ().number ("status.numberReady") == 1; }));
  EXPECT_EQ (Log ().number ("status.numberUnavailable"), 1);
  Run (20 * kSecond);
  EXPECT_FALSE (Log ().has ("status.numberAvailable"));
  ASSERT_TRUE (Until ([&] { return Done (1); }, 15 * kSecond));
}

TEST_F (DaemonSet, BringsARevisionBackToTheFrontWhoseTemplateComesAgain)
{
  StartAll (1);
  Make ();
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  Obj first = List ("ControllerRevision")[0];
  SetImage ("v:2");
  ASSERT_TRUE (Until ([&] { return Done (1) && List ("ControllerRevision").size () == 2; }));
  SetImage ("v:1");
  ASSERT_TRUE (Until ([&] { return Get ("ControllerRevision", first.name ()).number ("revision") == 3 && Done (1); }));
  EXPECT_EQ (List ("ControllerRevision").size (), 2u);
  EXPECT_EQ (List ("Pod")[0].label ("controller-revision-hash"), first.label ("controller-revision-hash"));
}

TEST_F (DaemonSet, KeepsNoMoreOldRevisionsThanItIsToldTo)
{
  StartAll (1);
  Make (", revisionHistoryLimit: 1");
  for (int i = 2; i <= 4; i++) {
    ASSERT_TRUE (Until ([&] { return Done (1); }));
    SetImage ("v:" + std::to_string (i));
  }
  ASSERT_TRUE (Until ([&] { return Done (1) && List ("ControllerRevision").size () == 2; }));
  std::set<gint64> numbers;
  for (const Obj &revision : List ("ControllerRevision"))
    numbers.insert (revision.number ("revision"));
  EXPECT_EQ (numbers, (std::set<gint64>{ 3, 4 }));
}

TEST_F (DaemonSet, TakesInTheRevisionsAndPodsOfOneThatLeftThem)
{
  StartAll (2);
  Make ();
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  std::string pod = List ("Pod")[0].uid (), revision = List ("ControllerRevision")[0].uid ();
  Delete ("DaemonSet", "log", "Orphan");
  Settle ();
  ASSERT_FALSE (Log ());
  ASSERT_EQ (List ("Pod").size (), 2u);

  Obj log = Make ();
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  ASSERT_EQ (List ("ControllerRevision").size (), 1u);
  EXPECT_EQ (List ("ControllerRevision")[0].uid (), revision);
  EXPECT_EQ (List ("ControllerRevision")[0].text ("metadata.ownerReferences.0.uid"), log.uid ());
  EXPECT_TRUE (List ("Pod")[0].uid () == pod || List ("Pod")[1].uid () == pod);
}

TEST_F (DaemonSet, CountsACollisionWhereItsRevisionsNameIsTaken)
{
  StartAll (1);
  Make ();
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  std::string name = List ("ControllerRevision")[0].name ();
  Delete ("DaemonSet", "log", "Background");
  ASSERT_TRUE (Until ([&] { return List ("Pod").empty () && List ("ControllerRevision").empty (); }));
  Create ("{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: " + name + "}, revision: 1, data: {other: 1}}");
  Settle ();
  Make ();
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  EXPECT_EQ (Log ().number ("status.collisionCount"), 1);
  EXPECT_EQ (List ("ControllerRevision", "app=log").size (), 1u);
  EXPECT_NE (List ("ControllerRevision", "app=log")[0].name (), name);
}

TEST_F (DaemonSet, MakesOneOfRevisionsThatSayTheSame)
{
  StartAll (1);
  Make ();
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  Obj first = List ("ControllerRevision")[0];
  Create ("{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: twin, labels: {app: log}}, revision: 7, data: " + first.json ("data") + "}");
  ASSERT_TRUE (Until ([&] { return List ("ControllerRevision").size () == 1 && Done (1); }));
  EXPECT_EQ (List ("ControllerRevision")[0].name (), "twin");
  EXPECT_EQ (List ("ControllerRevision")[0].label ("controller-revision-hash"), "twin");
  EXPECT_EQ (List ("Pod")[0].label ("controller-revision-hash"), "twin");
}

TEST_F (DaemonSet, ReplacesFailedPodsLessAndLessOften)
{
  StartAll (1);
  Make ();
  int failed = 0;
  std::string last;
  gint64 begin = kube_test_cluster_get_time (cluster);
  while (kube_test_cluster_get_time (cluster) < begin + 120 * kSecond) {
    ASSERT_TRUE (Until ([&] { return List ("Pod").size () == 1 && List ("Pod")[0].uid () != last && !List ("Pod")[0].deleting (); }, 600 * kSecond));
    last = List ("Pod")[0].uid ();
    Patch ("Pod", List ("Pod")[0].name (), "{status: {phase: Failed}}", "status");
    failed++;
  }
  /* 1, 2, 4, … 64 seconds. */
  EXPECT_GE (failed, 6);
  EXPECT_LE (failed, 9);
  EXPECT_TRUE (HasEvent ("log", "Warning FailedDaemonPod Found failed daemon pod default/log-"));
}

TEST_F (DaemonSet, LeavesAloneWhatItIsNotToSelect)
{
  StartAll (1);
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: other, labels: {app: log}, ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: " + Get ("Node", "n1").uid () + ", controller: true}]}, "
          "spec: {containers: [{name: c, image: 'v:0'}]}}");
  Make ();
  ASSERT_TRUE (Until ([&] { return Log ().number ("status.numberReady") == 1; }));
  EXPECT_EQ (List ("Pod").size (), 2u);
  EXPECT_EQ (Get ("Pod", "other").text ("metadata.ownerReferences.0.kind"), "Node");
}

} // namespace
