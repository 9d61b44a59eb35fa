/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

#include <algorithm>
#include <set>

namespace {

class StatefulSet : public ControllersTest {
protected:
  void
  StartAll ()
  {
    kube_test_kubelet_add (cluster, kSecond, kSecond);
    Start ({ "statefulset-controller", "garbage-collector-controller", "persistentvolumeclaim-protection-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  Obj
  Make (int replicas, const std::string &more = "", const std::string &annotations = "")
  {
    return Create ("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {serviceName: peers, replicas: " + std::to_string (replicas) +
                   ", selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}" + annotations + "}, spec: {nodeName: n1, containers: [{name: c, image: 'v:1'}]}}" + more + "}}");
  }

  static std::string
  Claims (const std::string &policy = "")
  {
    return ", volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]" +
           (policy.empty () ? "" : ", persistentVolumeClaimRetentionPolicy: " + policy);
  }

  Obj Web () { return Get ("StatefulSet", "web"); }
  Obj Pod (int ordinal) { return Get ("Pod", "web-" + std::to_string (ordinal)); }
  Obj Claim (int ordinal) { return Get ("PersistentVolumeClaim", "data-web-" + std::to_string (ordinal)); }
  void SetImage (const std::string &image) { Patch ("StatefulSet", "web", "{spec: {template: {spec: {containers: [{name: c, image: '" + image + "'}]}}}}"); }
  void Scale (int replicas) { Patch ("StatefulSet", "web", "{spec: {replicas: " + std::to_string (replicas) + "}}"); }

  bool
  Done (gint64 count)
  {
    Obj web = Web ();
    return web.number ("status.observedGeneration", 0) == web.number ("metadata.generation") && web.number ("status.replicas") == count &&
           web.number ("status.readyReplicas", 0) == count && web.number ("status.availableReplicas", 0) == count && List ("Pod").size () == (size_t) count;
  }

  bool
  Updated (gint64 count)
  {
    return Done (count) && Web ().number ("status.updatedReplicas", 0) == count && Web ().text ("status.currentRevision") == Web ().text ("status.updateRevision");
  }

  size_t
  CountDeleting ()
  {
    size_t count = 0;
    for (const Obj &pod : List ("Pod"))
      count += pod.deleting ();
    return count;
  }

  std::string
  Images (int count)
  {
    std::string images;
    for (int i = 0; i < count; i++)
      images += Pod (i).text ("spec.containers.0.image").substr (2);
    return images;
  }
};

TEST_F (StatefulSet, MakesItsPodsOneAfterTheOther)
{
  StartAll ();
  Obj web = Make (3);
  bool ordered = true;
  ASSERT_TRUE (Until ([&] {
    for (int i = 1; i < 3; i++)
      ordered = ordered && (!Pod (i) || Pod (i - 1).condition ("Ready") == "True");
    return Done (3);
  }));
  EXPECT_TRUE (ordered);
  auto revisions = List ("ControllerRevision");
  ASSERT_EQ (revisions.size (), 1u);
  EXPECT_EQ (revisions[0].name (), "web-" + revisions[0].label ("controller.kubernetes.io/hash"));
  for (int i = 0; i < 3; i++) {
    Obj pod = Pod (i);
    EXPECT_EQ (pod.label ("statefulset.kubernetes.io/pod-name"), pod.name ());
    EXPECT_EQ (pod.label ("apps.kubernetes.io/pod-index"), std::to_string (i));
    EXPECT_EQ (pod.label ("controller-revision-hash"), revisions[0].name ());
    EXPECT_EQ (pod.text ("spec.hostname"), pod.name ());
    EXPECT_EQ (pod.text ("spec.subdomain"), "peers");
    EXPECT_EQ (pod.text ("metadata.ownerReferences.0.uid"), web.uid ());
    EXPECT_TRUE (HasEvent ("web", "Normal SuccessfulCreate Create Pod " + pod.name () + " in StatefulSet web successful"));
  }
  EXPECT_EQ (Web ().text ("status.currentRevision"), revisions[0].name ());
  EXPECT_EQ (Web ().text ("status.updateRevision"), revisions[0].name ());
  EXPECT_EQ (Web ().number ("status.currentReplicas"), 3);
  EXPECT_EQ (Web ().number ("status.collisionCount"), 0);
}

TEST_F (StatefulSet, MakesThemAllAtOnceWhereTheyArePeers)
{
  StartAll ();
  Make (5, ", podManagementPolicy: Parallel");
  Settle ();
  EXPECT_EQ (List ("Pod").size (), 5u);
  ASSERT_TRUE (Until ([&] { return Done (5); }));
  Scale (1);
  Settle ();
  EXPECT_EQ (CountDeleting (), 4u);
  ASSERT_TRUE (Until ([&] { return Done (1); }));
}

TEST_F (StatefulSet, WaitsForAPodThatIsNotReady)
{
  StartAll ();
  Make (2, "", ", annotations: {test/ready: 'false'}");
  Run (30 * kSecond);
  EXPECT_TRUE (Pod (0));
  EXPECT_FALSE (Pod (1));
  Patch ("Pod", "web-0", "{metadata: {annotations: {test/ready: 'true'}}}");
  ASSERT_TRUE (Until ([&] { return (bool) Pod (1); }));
}

TEST_F (StatefulSet, GoesDownFromTheHighestOneByOne)
{
  StartAll ();
  Make (3);
  ASSERT_TRUE (Until ([&] { return Done (3); }));
  Scale (0);
  size_t most = 0;
  bool ordered = true;
  ASSERT_TRUE (Until ([&] {
    auto pods = List ("Pod");
    most = std::max (most, CountDeleting ());
    for (size_t i = 0; i < pods.size (); i++)
      ordered = ordered && (bool) Pod ((int) i);
    return Done (0);
  }));
  EXPECT_EQ (most, 1u);
  EXPECT_TRUE (ordered);
  EXPECT_TRUE (HasEvent ("web", "Normal SuccessfulDelete Delete Pod web-2 in StatefulSet web successful"));
}

TEST_F (StatefulSet, BeginsToCountWhereItIsTold)
{
  StartAll ();
  Make (2, ", ordinals: {start: 4}");
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  EXPECT_TRUE (Pod (4) && Pod (5));
  Patch ("StatefulSet", "web", "{spec: {ordinals: {start: 3}}}");
  ASSERT_TRUE (Until ([&] { return Done (2) && Pod (3) && !Pod (5); }));
}

TEST_F (StatefulSet, ReplacesPodsByName)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  std::string first = Pod (0).uid ();
  Delete ("Pod", "web-0");
  ASSERT_TRUE (Until ([&] { return Done (2) && Pod (0).uid () != first; }));
  first = Pod (0).uid ();
  Patch ("Pod", "web-0", "{status: {phase: Failed}}", "status");
  ASSERT_TRUE (Until ([&] { return Done (2) && Pod (0).uid () != first; }));
}

TEST_F (StatefulSet, UpdatesFromTheHighestDownWhenThoseAboveAreWell)
{
  StartAll ();
  Make (3);
  ASSERT_TRUE (Until ([&] { return Done (3); }));
  SetImage ("v:2");
  std::vector<std::string> seen;
  int least = 3;
  ASSERT_TRUE (Until ([&] {
    int available = 0;
    for (const Obj &pod : List ("Pod"))
      available += pod.condition ("Ready") == "True" && !pod.deleting ();
    least = std::min (least, available);
    Obj web = Web ();
    /* What `kubectl rollout status` goes by. */
    if (web.number ("status.observedGeneration") == 2 && web.number ("status.updatedReplicas", 0) == 3) {
      EXPECT_EQ (Images (3), "222");
    }
    if (Done (3) && (seen.empty () || seen.back () != Images (3)))
      seen.push_back (Images (3));
    return Updated (3) && Images (3) == "222";
  }));
  EXPECT_EQ (least, 2);
  std::set<std::string> allowed = { "111", "112", "122", "222" };
  for (const std::string &images : seen)
    EXPECT_TRUE (allowed.count (images) == 1) << images;
  EXPECT_EQ (List ("ControllerRevision").size (), 2u);
}

TEST_F (StatefulSet, KeepsPodsBelowThePartitionAtTheCurrentRevision)
{
  StartAll ();
  Make (3, ", updateStrategy: {rollingUpdate: {partition: 2}}");
  ASSERT_TRUE (Until ([&] { return Done (3); }));
  SetImage ("v:2");
  ASSERT_TRUE (Until ([&] { return Done (3) && Images (3) == "112"; }));
  EXPECT_NE (Web ().text ("status.currentRevision"), Web ().text ("status.updateRevision"));
  EXPECT_EQ (Web ().number ("status.currentReplicas"), 2);
  EXPECT_EQ (Web ().number ("status.updatedReplicas"), 1);
  Delete ("Pod", "web-0");
  Delete ("Pod", "web-2");
  Settle ();
  ASSERT_TRUE (Until ([&] { return Done (3); }));
  EXPECT_EQ (Images (3), "112");
  Patch ("StatefulSet", "web", "{spec: {updateStrategy: {rollingUpdate: {partition: 0}}}}");
  ASSERT_TRUE (Until ([&] { return Updated (3); }));
  EXPECT_EQ (Images (3), "222");
}

TEST_F (StatefulSet, LeavesOldPodsAloneWhereTheyAreUpdatedOnDeletion)
{
  StartAll ();
  Make (2, ", updateStrategy: {type: OnDelete}");
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  SetImage ("v:2");
  Run (20 * kSecond);
  EXPECT_EQ (Images (2), "11");
  Delete ("Pod", "web-0");
  ASSERT_TRUE (Until ([&] { return Done (2) && Images (2) == "21"; }));
}

TEST_F (StatefulSet, LetsABrokenRevisionBeForcedOut)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  Obj good = List ("ControllerRevision")[0];
  Patch ("StatefulSet", "web", "{spec: {template: {metadata: {annotations: {test/ready: 'false'}}}}}");
  ASSERT_TRUE (Until ([&] { return Pod (1).annotation ("test/ready") == "false"; }));
  Patch ("StatefulSet", "web", "{spec: {template: {metadata: {annotations: null}}}}");
  Run (30 * kSecond);
  /* In order, a pod that never gets ready blocks what comes after it. */
  EXPECT_EQ (Pod (1).annotation ("test/ready"), "false");
  EXPECT_EQ (Get ("ControllerRevision", good.name ()).number ("revision"), 3);
  Delete ("Pod", "web-1");
  ASSERT_TRUE (Until ([&] { return Updated (2); }));
  EXPECT_EQ (Web ().text ("status.currentRevision"), good.name ());
}

TEST_F (StatefulSet, CountsAPodAsAvailableOnlyWhenItHasBeenReadyForLongEnough)
{
  StartAll ();
  Make (2, ", minReadySeconds: 30");
  ASSERT_TRUE (Until ([&] { return Web ().number ("status.readyReplicas", 0) == 1; }));
  Run (20 * kSecond);
  EXPECT_FALSE (Pod (1));
  EXPECT_EQ (Web ().number ("status.availableReplicas"), 0);
  ASSERT_TRUE (Until ([&] { return Web ().number ("status.availableReplicas") == 1 && Pod (1); }, 15 * kSecond));
  ASSERT_TRUE (Until ([&] { return Done (2); }, 40 * kSecond));
}

TEST_F (StatefulSet, MakesTheClaimsOfAPodBeforeItAndKeepsThem)
{
  StartAll ();
  Make (2, Claims ());
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  for (int i = 0; i < 2; i++) {
    ASSERT_TRUE (Claim (i));
    EXPECT_EQ (Claim (i).label ("app"), "web");
    EXPECT_FALSE (Claim (i).has ("metadata.ownerReferences.0"));
    EXPECT_EQ (Pod (i).text ("spec.volumes.0.name"), "data");
    EXPECT_EQ (Pod (i).text ("spec.volumes.0.persistentVolumeClaim.claimName"), Claim (i).name ());
    EXPECT_TRUE (HasEvent ("web", "Normal SuccessfulCreate Create Claim " + Claim (i).name () + " Pod " + Pod (i).name () + " in StatefulSet web success"));
  }
  std::string claim = Claim (1).uid ();
  Scale (1);
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  Scale (2);
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  EXPECT_EQ (Claim (1).uid (), claim);
}

TEST_F (StatefulSet, GivesClaimsToThePodThatGoesWhereScalingDeletesThem)
{
  StartAll ();
  Make (2, Claims ("{whenScaled: Delete, whenDeleted: Retain}"));
  ASSERT_TRUE (Until ([&] { return Done (2); }));
  EXPECT_FALSE (Claim (1).has ("metadata.ownerReferences.0"));
  Scale (1);
  ASSERT_TRUE (Until ([&] { return Done (1) && !Claim (1); }));
  EXPECT_TRUE (Claim (0));
}

TEST_F (StatefulSet, GivesClaimsToTheSetWhereItsDeletionDeletesThem)
{
  StartAll ();
  Obj web = Make (1, Claims ("{whenScaled: Retain, whenDeleted: Delete}"));
  ASSERT_TRUE (Until ([&] { return Done (1) && Claim (0).text ("metadata.ownerReferences.0.uid") == web.uid (); }));
  Patch ("StatefulSet", "web", "{spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}}}");
  ASSERT_TRUE (Until ([&] { return !Claim (0).has ("metadata.ownerReferences.0"); }));
  Patch ("StatefulSet", "web", "{spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}}");
  ASSERT_TRUE (Until ([&] { return Claim (0).text ("metadata.ownerReferences.0.uid") == web.uid (); }));
  Delete ("StatefulSet", "web", "Background");
  ASSERT_TRUE (Until ([&] { return !Claim (0); }));
}

TEST_F (StatefulSet, WaitsForAClaimThatIsOnItsWayOut)
{
  StartAll ();
  Create ("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data-web-0, finalizers: [test/hold]}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}");
  Delete ("PersistentVolumeClaim", "data-web-0");
  Make (1, Claims ());
  Run (30 * kSecond);
  EXPECT_FALSE (Pod (0));
  EXPECT_TRUE (HasEvent ("web", "Warning FailedCreate Create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted"));
  Patch ("PersistentVolumeClaim", "data-web-0", "{metadata: {finalizers: null}}");
  ASSERT_TRUE (Until ([&] { return Done (1); }));
}

TEST_F (StatefulSet, PutsTheLabelsOfAPodBack)
{
  StartAll ();
  Make (1);
  ASSERT_TRUE (Until ([&] { return Done (1); }));
  Patch ("Pod", "web-0", "{metadata: {labels: {statefulset.kubernetes.io/pod-name: other}}}");
  ASSERT_TRUE (Until ([&] { return Pod (0).label ("statefulset.kubernetes.io/pod-name") == "web-0"; }));
  EXPECT_TRUE (HasEvent ("web", "Normal SuccessfulUpdate Update Pod web-0 in StatefulSet web successful"));
}

TEST_F (StatefulSet, TakesInOnlyPodsThatAreNamedAsItsOwn)
{
  StartAll ();
  for (const char *name : { "web-0", "web-x", "web-9" })
    Create (std::string ("{apiVersion: v1, kind: Pod, metadata: {name: ") + name + ", labels: {app: web}}, spec: {containers: [{name: c, image: 'v:0'}]}}");
  std::string first = Pod (0).uid (), other = Get ("Pod", "web-x").uid ();
  Obj web = Make (1);
  ASSERT_TRUE (Until ([&] { return !Pod (9) && Pod (0).text ("spec.containers.0.image") == "v:1"; }));
  EXPECT_FALSE (Get ("Pod", "web-x").has ("metadata.ownerReferences.0"));
}

TEST_F (StatefulSet, KeepsNoMoreOldRevisionsThanItIsToldTo)
{
  StartAll ();
  Make (1, ", revisionHistoryLimit: 1");
  for (int i = 2; i <= 4; i++) {
    ASSERT_TRUE (Until ([&] { return Updated (1); }));
    SetImage ("v:" + std::to_string (i));
  }
  ASSERT_TRUE (Until ([&] { return Updated (1) && List ("ControllerRevision").size () == 2; }));
  std::set<gint64> numbers;
  for (const Obj &revision : List ("ControllerRevision"))
    numbers.insert (revision.number ("revision"));
  EXPECT_EQ (numbers, (std::set<gint64>{ 3, 4 }));
}

} // namespace
