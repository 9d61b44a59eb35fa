/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

namespace {

class Deployment : public ControllersTest {
protected:
  void
  StartAll (gint64 ready_after = kSecond)
  {
    kube_test_kubelet_add (cluster, ready_after, kSecond);
    Start ({ "deployment-controller", "replicaset-controller", "garbage-collector-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  Obj
  Make (int replicas, const std::string &more = "", const std::string &annotations = "")
  {
    return Create ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: " + std::to_string (replicas) +
                   ", selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}, annotations: {" + annotations +
                   "}}, spec: {nodeName: n1, containers: [{name: c, image: 'v:1'}]}}" + (more.empty () ? "" : ", " + more) + "}}");
  }

  void
  SetImage (const std::string &image)
  {
    Patch ("Deployment", "web", "{spec: {template: {spec: {containers: [{name: c, image: '" + image + "'}]}}}}");
  }

  Obj Web () { return Get ("Deployment", "web"); }

  bool
  Complete ()
  {
    Obj web = Web ();
    gint64 n = web.number ("spec.replicas");
    return web.number ("status.observedGeneration") == web.number ("metadata.generation") && web.number ("status.updatedReplicas", 0) == n &&
           web.number ("status.replicas", 0) == n && web.number ("status.availableReplicas", 0) == n;
  }

  Obj
  SetWith (const std::string &image)
  {
    for (const Obj &set : List ("ReplicaSet")) {
      if (set.text ("spec.template.spec.containers.0.image") == image)
        return set;
    }
    return Obj ();
  }
};

TEST_F (Deployment, RollsOutToReadyPods)
{
  StartAll ();
  Make (3);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Obj web = Web ();
  auto sets = List ("ReplicaSet");

  ASSERT_EQ (sets.size (), 1u);
  EXPECT_EQ (sets[0].name (), "web-" + sets[0].label ("pod-template-hash"));
  EXPECT_EQ (sets[0].text ("metadata.ownerReferences.0.uid"), web.uid ());
  EXPECT_EQ (sets[0].annotation ("deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ (sets[0].annotation ("deployment.kubernetes.io/desired-replicas"), "3");
  EXPECT_EQ (sets[0].annotation ("deployment.kubernetes.io/max-replicas"), "4");
  EXPECT_EQ (web.annotation ("deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ (List ("Pod", "app=web").size (), 3u);
  EXPECT_EQ (web.number ("status.readyReplicas"), 3);
  EXPECT_FALSE (web.has ("status.unavailableReplicas"));
  EXPECT_EQ (web.condition ("Available"), "True");
  EXPECT_EQ (web.condition ("Available", "reason"), "MinimumReplicasAvailable");
  EXPECT_EQ (web.condition ("Progressing", "reason"), "NewReplicaSetAvailable");
  EXPECT_EQ (web.condition ("Progressing", "message"), "ReplicaSet \"" + sets[0].name () + "\" has successfully progressed.");
  EXPECT_TRUE (HasEvent ("web", "Normal ScalingReplicaSet Scaled up replica set " + sets[0].name () + " from 0 to 3"));
}

TEST_F (Deployment, IsQuietOnceItIsComplete)
{
  StartAll ();
  Make (3);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Run (kSecond);
  std::string before = Web ().text ("metadata.resourceVersion");
  std::string set = List ("ReplicaSet")[0].text ("metadata.resourceVersion");
  Run (3600 * kSecond);
  EXPECT_EQ (Web ().text ("metadata.resourceVersion"), before);
  EXPECT_EQ (List ("ReplicaSet")[0].text ("metadata.resourceVersion"), set);
}

TEST_F (Deployment, ARolloutStaysWithinSurgeAndUnavailability)
{
  StartAll ();
  Make (10, "strategy: {rollingUpdate: {maxSurge: 2, maxUnavailable: 3}}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  SetImage ("v:2");
  gint64 most = 0, least = 10;
  ASSERT_TRUE (Until ([&] {
    gint64 wanted = 0, ready = 0;
    for (const Obj &set : List ("ReplicaSet"))
      wanted += set.number ("spec.replicas");
    for (const Obj &pod : List ("Pod"))
      ready += !pod.deleting () && pod.condition ("Ready") == "True";
    most = MAX (most, wanted);
    least = MIN (least, ready);
    return Complete ();
  }));
  EXPECT_EQ (most, 12);
  EXPECT_GE (least, 7);
  EXPECT_LT (least, 10);
  EXPECT_EQ (SetWith ("v:1").number ("spec.replicas"), 0);
  EXPECT_EQ (SetWith ("v:2").annotation ("deployment.kubernetes.io/revision"), "2");
  EXPECT_EQ (Web ().annotation ("deployment.kubernetes.io/revision"), "2");
}

TEST_F (Deployment, ABrokenTemplateStopsTheRolloutAndItsDeadlineIsReported)
{
  StartAll ();
  Make (4, "progressDeadlineSeconds: 30, strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Patch ("Deployment", "web", "{spec: {template: {metadata: {annotations: {test/ready: 'false'}}}}}");
  Run (20 * kSecond);
  EXPECT_EQ (Web ().condition ("Progressing", "reason"), "ReplicaSetUpdated");
  EXPECT_EQ (Web ().number ("status.availableReplicas"), 3);
  ASSERT_TRUE (Until ([&] { return Web ().condition ("Progressing") == "False"; }, 30 * kSecond));
  EXPECT_EQ (Web ().condition ("Progressing", "reason"), "ProgressDeadlineExceeded");
  EXPECT_NE (Web ().condition ("Progressing", "message").find ("has timed out progressing."), std::string::npos);
  Run (600 * kSecond);
  EXPECT_EQ (Web ().number ("status.availableReplicas"), 3);

  Patch ("Deployment", "web", "{spec: {template: {metadata: {annotations: {test/ready: null}}}}}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (Web ().condition ("Progressing", "reason"), "NewReplicaSetAvailable");
}

TEST_F (Deployment, ADeadlineOfTheLargestNumberIsNone)
{
  StartAll ();
  Make (1, "progressDeadlineSeconds: 2147483647");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (Web ().condition ("Progressing"), "");
}

TEST_F (Deployment, RecreateStartsNewPodsOnceAllOldOnesAreGone)
{
  StartAll ();
  Make (3, "strategy: {type: Recreate}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  std::string old = SetWith ("v:1").uid ();
  SetImage ("v:2");
  ASSERT_TRUE (Until ([&] {
    int of_old = 0, of_new = 0;
    for (const Obj &pod : List ("Pod"))
      (pod.text ("metadata.ownerReferences.0.uid") == old ? of_old : of_new)++;
    EXPECT_TRUE (of_old == 0 || of_new == 0);
    return Complete () && of_old == 0;
  }));
  EXPECT_EQ (List ("Pod").size (), 3u);
}

TEST_F (Deployment, ScalesUpAndDown)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  std::string set = List ("ReplicaSet")[0].name ();
  Patch ("Deployment", "web", "{spec: {replicas: 7}}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (List ("Pod").size (), 7u);
  Patch ("Deployment", "web", "{spec: {replicas: 0}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod").empty (); }));
  EXPECT_EQ (List ("ReplicaSet").size (), 1u);
  EXPECT_EQ (Get ("ReplicaSet", set).annotation ("deployment.kubernetes.io/desired-replicas"), "0");
  EXPECT_TRUE (HasEvent ("web", "Normal ScalingReplicaSet Scaled up replica set " + set + " from 2 to 7"));
  EXPECT_TRUE (HasEvent ("web", "Normal ScalingReplicaSet Scaled down replica set " + set + " from 7 to 0"));
}

TEST_F (Deployment, ScalingInARolloutIsSpreadInProportion)
{
  StartAll ();
  Make (10, "strategy: {rollingUpdate: {maxSurge: 3, maxUnavailable: 2}}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Patch ("Deployment", "web", "{spec: {template: {metadata: {annotations: {test/ready: 'false'}}, spec: {containers: [{name: c, image: 'v:2'}]}}}}");
  ASSERT_TRUE (Until ([&] { return SetWith ("v:1").number ("spec.replicas") == 8 && SetWith ("v:2").number ("spec.replicas") == 5; }));
  Patch ("Deployment", "web", "{spec: {replicas: 15}}");
  /* The example of upstream's documentation: 15 + 3 replicas, of which 5 more are spread over 8 and 5. */
  ASSERT_TRUE (Until ([&] { return SetWith ("v:1").number ("spec.replicas") == 11 && SetWith ("v:2").number ("spec.replicas") == 7; }))
      << SetWith ("v:1").number ("spec.replicas") << " and " << SetWith ("v:2").number ("spec.replicas");
}

TEST_F (Deployment, APausedOneScalesButDoesNotRoll)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Patch ("Deployment", "web", "{spec: {paused: true, template: {spec: {containers: [{name: c, image: 'v:2'}]}}}}");
  Run (5 * kSecond);
  EXPECT_EQ (List ("ReplicaSet").size (), 1u);
  EXPECT_EQ (Web ().condition ("Progressing", "reason"), "DeploymentPaused");
  EXPECT_EQ (Web ().condition ("Progressing"), "Unknown");
  Patch ("Deployment", "web", "{spec: {replicas: 4}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod").size () == 4; }));
  EXPECT_EQ (List ("ReplicaSet").size (), 1u);
  Patch ("Deployment", "web", "{spec: {paused: null}}");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (SetWith ("v:2").number ("spec.replicas"), 4);
  EXPECT_EQ (Web ().condition ("Progressing", "reason"), "NewReplicaSetAvailable");
}

TEST_F (Deployment, ARollbackTakesTheOldSetWithANewRevision)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  std::string first = List ("ReplicaSet")[0].name ();
  SetImage ("v:2");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  SetImage ("v:1");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (List ("ReplicaSet").size (), 2u);
  EXPECT_EQ (Get ("ReplicaSet", first).number ("spec.replicas"), 2);
  EXPECT_EQ (Get ("ReplicaSet", first).annotation ("deployment.kubernetes.io/revision"), "3");
  EXPECT_EQ (Get ("ReplicaSet", first).annotation ("deployment.kubernetes.io/revision-history"), "1");
  EXPECT_EQ (Web ().annotation ("deployment.kubernetes.io/revision"), "3");
}

TEST_F (Deployment, KeepsAsManyOldSetsAsItsHistoryLimitSays)
{
  StartAll ();
  Make (1, "revisionHistoryLimit: 2");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  for (int i = 2; i <= 6; i++) {
    SetImage ("v:" + std::to_string (i));
    ASSERT_TRUE (Until ([&] { return Complete (); })) << i;
  }
  Run (5 * kSecond);
  EXPECT_EQ (List ("ReplicaSet").size (), 3u);
  EXPECT_FALSE (SetWith ("v:3"));
  EXPECT_TRUE (SetWith ("v:4"));
}

TEST_F (Deployment, ATakenNameIsACollisionAndAnotherNameIsTaken)
{
  StartAll ();
  Obj web = Make (1);
  Settle ();
  std::string name = List ("ReplicaSet")[0].name ();
  Delete ("Deployment", "web", "Background");
  ASSERT_TRUE (Until ([&] { return List ("ReplicaSet").empty () && List ("Pod").empty (); }));
  Create ("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: " + name + "}, spec: {replicas: 0, selector: {matchLabels: {app: other}}, template: {metadata: {labels: "
          "{app: other}}, spec: {containers: [{name: c, image: 'x:1'}]}}}}");
  Make (1);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (Web ().number ("status.collisionCount"), 1);
  EXPECT_EQ (List ("ReplicaSet").size (), 2u);
}

TEST_F (Deployment, AdoptsSetsThatNobodyControlsAndLetsGoOfThoseThatDoNotMatch)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Obj set = List ("ReplicaSet")[0];
  Delete ("Deployment", "web", "Orphan");
  ASSERT_TRUE (Until ([&] { return !Web (); }));
  EXPECT_FALSE (Get ("ReplicaSet", set.name ()).has ("metadata.ownerReferences.0"));
  EXPECT_EQ (List ("Pod").size (), 2u);

  Obj again = Make (2);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (List ("ReplicaSet").size (), 1u);
  EXPECT_EQ (Get ("ReplicaSet", set.name ()).text ("metadata.ownerReferences.0.uid"), again.uid ());
  EXPECT_EQ (Get ("ReplicaSet", set.name ()).uid (), set.uid ());

  Patch ("ReplicaSet", set.name (), "{metadata: {labels: {app: elsewhere}}}");
  ASSERT_TRUE (Until ([&] { return !Get ("ReplicaSet", set.name ()).has ("metadata.ownerReferences.0"); }));
}

TEST_F (Deployment, ShowsTheFailureOfItsReplicaSet)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Delete ("ServiceAccount", "default");
  Patch ("Deployment", "web", "{spec: {replicas: 3}}");
  ASSERT_TRUE (Until ([&] { return Web ().condition ("ReplicaFailure") == "True"; }));
  EXPECT_EQ (Web ().condition ("ReplicaFailure", "reason"), "FailedCreate");
  Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  ASSERT_TRUE (Until ([&] { return Complete () && Web ().condition ("ReplicaFailure") == ""; }, 3600 * kSecond));
}

TEST_F (Deployment, CountsPodsThatAreOnTheirWayOut)
{
  StartAll ();
  Make (2, "", "test/stay: 'yes'");
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  EXPECT_EQ (Web ().number ("status.terminatingReplicas"), 0);
  Patch ("Deployment", "web", "{spec: {replicas: 1}}");
  ASSERT_TRUE (Until ([&] { return Web ().number ("status.terminatingReplicas") == 1; }));
  EXPECT_EQ (Web ().number ("status.replicas"), 1);
}

TEST_F (Deployment, ASetThatCannotBeMadeIsReported)
{
  StartAll ();
  std::string name (250, 'a');
  Create ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: " + name + "}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: "
          "{containers: [{name: c, image: 'v:1'}]}}}}");
  ASSERT_TRUE (Until ([&] { return Get ("Deployment", name).condition ("Progressing") == "False"; }));
  EXPECT_EQ (Get ("Deployment", name).condition ("Progressing", "reason"), "ReplicaSetCreateError");
  EXPECT_NE (Get ("Deployment", name).condition ("Progressing", "message").find ("Failed to create new replica set"), std::string::npos);
  EXPECT_TRUE (HasEvent (name, "Warning ReplicaSetCreateError Failed to create new replica set"));
}

TEST_F (Deployment, WhatIsOrphanedIsNotTakenInAgainByAnOwnerThatGoes)
{
  StartAll ();
  Make (3);
  ASSERT_TRUE (Until ([&] { return Complete (); }));
  Obj set = List ("ReplicaSet")[0];
  Patch ("ReplicaSet", set.name (), "{metadata: {finalizers: [test/hold]}}");
  Delete ("ReplicaSet", set.name (), "Orphan");
  ASSERT_TRUE (Until ([&] {
    int owned = 0;
    for (const Obj &pod : List ("Pod"))
      owned += pod.has ("metadata.ownerReferences.0") && pod.text ("metadata.ownerReferences.0.uid") == set.uid ();
    return owned == 0;
  }));
  Run (10 * kSecond);
  for (const Obj &pod : List ("Pod"))
    EXPECT_NE (pod.text ("metadata.ownerReferences.0.uid"), set.uid ());
}

}
