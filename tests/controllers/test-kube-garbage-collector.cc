/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

namespace {

class GarbageCollector : public ControllersTest {
protected:
  void
  SetUp () override
  {
    ControllersTest::SetUp ();
    Start ({ "garbage-collector-controller" });
  }

  static std::string
  Reference (const Obj &owner, bool blocks = false)
  {
    return "{apiVersion: " + owner.text ("apiVersion") + ", kind: " + owner.text ("kind") + ", name: " + owner.name () + ", uid: " + owner.uid () +
           (blocks ? ", blockOwnerDeletion: true" : "") + "}";
  }

  Obj
  Map (const char *name, const std::string &owners = "", const std::string &more = "")
  {
    return Create (std::string ("{apiVersion: v1, kind: ConfigMap, metadata: {name: ") + name + ", ownerReferences: [" + owners + "]" + (more.empty () ? "" : ", " + more) + "}}");
  }

  bool Gone (const char *name) { return !Get ("ConfigMap", name); }
};

TEST_F (GarbageCollector, BackgroundDeletionTakesTheWholeChain)
{
  Obj a = Map ("a"), b = Map ("b", Reference (a)), c = Map ("c", Reference (b));
  Map ("bystander");
  Settle ();
  Delete ("ConfigMap", "a", "Background");
  EXPECT_TRUE (Gone ("a"));
  ASSERT_TRUE (Until ([&] { return Gone ("b") && Gone ("c"); }));
  EXPECT_FALSE (Gone ("bystander"));
}

TEST_F (GarbageCollector, ForegroundDeletionGoesFromBelow)
{
  Obj a = Map ("a"), b = Map ("b", Reference (a, true)), c = Map ("c", Reference (b, true), "finalizers: [test/hold]");
  Settle ();
  Delete ("ConfigMap", "a", "Foreground");
  Run (30 * kSecond);
  EXPECT_TRUE (Get ("ConfigMap", "a").deleting ());
  EXPECT_TRUE (Get ("ConfigMap", "b").deleting ());
  EXPECT_TRUE (Get ("ConfigMap", "c").deleting ());
  Patch ("ConfigMap", "c", "{metadata: {finalizers: null}}");
  ASSERT_TRUE (Until ([&] { return Gone ("a") && Gone ("b") && Gone ("c"); }));
}

TEST_F (GarbageCollector, ForegroundDeletionWaitsOnlyForWhatBlocks)
{
  Obj a = Map ("a");
  Map ("blocks-not", Reference (a), "finalizers: [test/hold]");
  Settle ();
  Delete ("ConfigMap", "a", "Foreground");
  ASSERT_TRUE (Until ([&] { return Gone ("a"); }));
  ASSERT_TRUE (Until ([&] { return Get ("ConfigMap", "blocks-not").deleting (); }));
}

TEST_F (GarbageCollector, ACircleDoesNotHoldItselfUp)
{
  Obj a = Map ("a"), b = Map ("b", Reference (a, true));
  Patch ("ConfigMap", "a", "{metadata: {ownerReferences: [" + Reference (b, true) + "]}}");
  Settle ();
  Delete ("ConfigMap", "a", "Foreground");
  ASSERT_TRUE (Until ([&] { return Gone ("a") && Gone ("b"); }));
}

TEST_F (GarbageCollector, OrphanDeletionLeavesDependentsWithoutTheirOwner)
{
  Obj a = Map ("a"), other = Map ("other"), b = Map ("b", Reference (a) + ", " + Reference (other));
  Settle ();
  Delete ("ConfigMap", "a", "Orphan");
  ASSERT_TRUE (Until ([&] { return Gone ("a"); }));
  Run (10 * kSecond);
  EXPECT_EQ (Get ("ConfigMap", "b").length ("metadata.ownerReferences"), 1u);
  EXPECT_EQ (Get ("ConfigMap", "b").text ("metadata.ownerReferences.0.name"), "other");
}

TEST_F (GarbageCollector, AnotherOwnerKeepsAnObject)
{
  Obj a = Map ("a"), b = Map ("b"), c = Map ("c", Reference (a) + ", " + Reference (b));
  Settle ();
  Delete ("ConfigMap", "a", "Background");
  ASSERT_TRUE (Until ([&] { return Get ("ConfigMap", "c").length ("metadata.ownerReferences") == 1; }));
  Delete ("ConfigMap", "b", "Background");
  ASSERT_TRUE (Until ([&] { return Gone ("c"); }));
}

TEST_F (GarbageCollector, AnOwnerThatNeverWasIsAbsent)
{
  Map ("lost", "{apiVersion: v1, kind: Secret, name: none, uid: 00000000-0000-0000-0000-000000000001}");
  ASSERT_TRUE (Until ([&] { return Gone ("lost"); }));
}

TEST_F (GarbageCollector, AnOwnerOfTheSameNameAndAnotherUidIsAbsent)
{
  Obj a = Map ("a");
  Map ("lost", "{apiVersion: v1, kind: ConfigMap, name: a, uid: 00000000-0000-0000-0000-000000000001}");
  Map ("kept", Reference (a));
  ASSERT_TRUE (Until ([&] { return Gone ("lost"); }));
  Run (10 * kSecond);
  EXPECT_FALSE (Gone ("kept"));
}

TEST_F (GarbageCollector, AnOwnerOfAnUnknownKindIsLeftAlone)
{
  Map ("kept", "{apiVersion: example.com/v1, kind: Widget, name: w, uid: 00000000-0000-0000-0000-000000000001}");
  Run (60 * kSecond);
  EXPECT_FALSE (Gone ("kept"));
}

TEST_F (GarbageCollector, ClusterScopedOwnersOwnAcrossScopes)
{
  Obj node = Create ("{apiVersion: v1, kind: Node, metadata: {name: n1}}");
  Map ("of-node", Reference (node));
  Settle ();
  Delete ("Node", "n1");
  ASSERT_TRUE (Until ([&] { return Gone ("of-node"); }));
}

TEST_F (GarbageCollector, AClusterScopedObjectIsNotJudgedByANamespacedOwner)
{
  Obj a = Map ("a");
  Create ("{apiVersion: v1, kind: Node, metadata: {name: n1, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: none, uid: 00000000-0000-0000-0000-000000000001}]}}");
  Run (60 * kSecond);
  EXPECT_TRUE (Get ("Node", "n1"));
}

TEST_F (GarbageCollector, AnOwnerThatComesBackUnderItsNameIsAnother)
{
  Obj a = Map ("a");
  Map ("b", Reference (a));
  Settle ();
  Delete ("ConfigMap", "a", "Background");
  Map ("a");
  ASSERT_TRUE (Until ([&] { return Gone ("b"); }));
  EXPECT_FALSE (Gone ("a"));
}

TEST_F (GarbageCollector, ADependentsOwnDependentsMayBeOrphaned)
{
  Obj a = Map ("a"), b = Map ("b", Reference (a), "finalizers: [orphan]"), c = Map ("c", Reference (b));
  Settle ();
  Delete ("ConfigMap", "a", "Background");
  ASSERT_TRUE (Until ([&] { return Gone ("b"); }));
  Run (10 * kSecond);
  EXPECT_EQ (Get ("ConfigMap", "c").length ("metadata.ownerReferences"), 0u);
  EXPECT_FALSE (Gone ("c"));
}

TEST_F (GarbageCollector, ThousandsOfDependentsGo)
{
  Obj a = Map ("a");
  for (int i = 0; i < 2000; i++)
    Map (("m" + std::to_string (i)).c_str (), Reference (a, true));
  Settle ();
  Delete ("ConfigMap", "a", "Foreground");
  ASSERT_TRUE (Until ([&] { return Gone ("a"); }));
  EXPECT_EQ (List ("ConfigMap").size (), 0u);
}

class Chain : public ControllersTest {
protected:
  void
  SetUp () override
  {
    ControllersTest::SetUp ();
    kube_test_kubelet_add (cluster, kSecond, 5 * kSecond);
    Start ({ "deployment-controller", "replicaset-controller", "garbage-collector-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
    Create ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, "
            "spec: {nodeName: n1, containers: [{name: c, image: 'v:1'}]}}}}");
    ASSERT_TRUE (Until ([&] { return Get ("Deployment", "web").number ("status.readyReplicas") == 3; }));
  }
};

TEST_F (Chain, OfADeploymentGoesInTheBackground)
{
  Delete ("Deployment", "web", "Background");
  EXPECT_FALSE (Get ("Deployment", "web"));
  ASSERT_TRUE (Until ([&] { return List ("ReplicaSet").empty () && List ("Pod").empty (); }));
}

TEST_F (Chain, OfADeploymentGoesInTheForegroundPodsFirst)
{
  Delete ("Deployment", "web", "Foreground");
  Settle ();
  Run (kSecond);
  EXPECT_TRUE (Get ("Deployment", "web").deleting ());
  EXPECT_TRUE (List ("ReplicaSet")[0].deleting ());
  EXPECT_EQ (List ("Pod").size (), 3u);
  ASSERT_TRUE (Until ([&] {
    bool deployment = bool (Get ("Deployment", "web")), set = !List ("ReplicaSet").empty (), pods = !List ("Pod").empty ();
    EXPECT_TRUE (deployment || !set);
    EXPECT_TRUE (set || !pods);
    return !deployment;
  }));
}

}
