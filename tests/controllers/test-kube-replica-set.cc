/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

namespace {

class ReplicaSet : public ControllersTest {
protected:
  void
  StartAll ()
  {
    kube_test_kubelet_add (cluster, kSecond, kSecond);
    Start ({ "replicaset-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  Obj
  Make (int replicas, const std::string &more = "")
  {
    return Create ("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}, spec: {replicas: " + std::to_string (replicas) +
                   ", selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'v:1'}]}}" + more + "}}");
  }

  Obj Web () { return Get ("ReplicaSet", "web"); }
  bool Ready (gint64 count) { return Web ().number ("status.readyReplicas", 0) == count && Web ().number ("status.replicas", 0) == count; }
};

TEST_F (ReplicaSet, MakesItsPods)
{
  StartAll ();
  Obj web = Make (3);
  ASSERT_TRUE (Until ([&] { return Ready (3); }));
  auto pods = List ("Pod");
  ASSERT_EQ (pods.size (), 3u);
  for (const Obj &pod : pods) {
    EXPECT_EQ (pod.name ().compare (0, 4, "web-"), 0);
    EXPECT_EQ (pod.text ("metadata.generateName"), "web-");
    EXPECT_EQ (pod.json ("metadata.ownerReferences"), "[{\"apiVersion\":\"apps/v1\",\"blockOwnerDeletion\":true,\"controller\":true,\"kind\":\"ReplicaSet\",\"name\":\"web\",\"uid\":\"" + web.uid () + "\"}]");
    EXPECT_TRUE (HasEvent ("web", "Normal SuccessfulCreate Created pod: " + pod.name ()));
  }
  EXPECT_EQ (Web ().number ("status.fullyLabeledReplicas"), 3);
  EXPECT_EQ (Web ().number ("status.availableReplicas"), 3);
  EXPECT_EQ (Web ().number ("status.observedGeneration"), 1);
}

TEST_F (ReplicaSet, MakesNoPodTooManyHoweverOftenItIsLookedAt)
{
  StartAll ();
  Make (50);
  Settle ();
  EXPECT_EQ (List ("Pod").size (), 50u);
  for (int i = 0; i < 5; i++)
    Patch ("ReplicaSet", "web", "{metadata: {annotations: {n: '" + std::to_string (i) + "'}}}");
  ASSERT_TRUE (Until ([&] { return Ready (50); }));
  EXPECT_EQ (List ("Pod").size (), 50u);
}

TEST_F (ReplicaSet, StopsAtTheFirstRefusalAndSaysSo)
{
  StartAll ();
  Delete ("ServiceAccount", "default");
  Settle ();
  Make (100);
  ASSERT_TRUE (Until ([&] { return Web ().condition ("ReplicaFailure") == "True"; }));
  EXPECT_EQ (Web ().condition ("ReplicaFailure", "reason"), "FailedCreate");
  EXPECT_NE (Web ().condition ("ReplicaFailure", "message").find ("error looking up service account default/default"), std::string::npos)
      << Web ().condition ("ReplicaFailure", "message");
  /* With slow start one request fails, not a hundred. */
  EXPECT_TRUE (HasEvent ("web", "Warning FailedCreate Error creating: "));
  gint64 tried = 0;
  for (const Obj &event : List ("Event"))
    tried += event.text ("reason") == "FailedCreate" ? event.number ("count", 1) : 0;
  EXPECT_LT (tried, 20);

  Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  ASSERT_TRUE (Until ([&] { return Ready (100) && Web ().condition ("ReplicaFailure") == ""; }, 3600 * kSecond));
}

TEST_F (ReplicaSet, DeletesFirstWhatIsLostLeast)
{
  StartAll ();
  Make (0);
  auto pod = [&] (const char *name, const char *node, const char *cost, const char *extra) {
    Create (std::string ("{apiVersion: v1, kind: Pod, metadata: {name: ") + name + ", labels: {app: web}, annotations: {test/ignore: '', controller.kubernetes.io/pod-deletion-cost: '" + cost +
            "'}}, spec: {" + node + "containers: [{name: c, image: 'v:1'}]}}");
    Patch ("Pod", name, std::string ("{status: {") + extra + "}}", "status");
  };
  const char *const ready = "phase: Running, conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z'}]";
  Patch ("ReplicaSet", "web", "{spec: {replicas: 7}}");
  pod ("a-unassigned", "", "5", "phase: Pending");
  pod ("b-pending", "nodeName: n1, ", "0", "phase: Pending");
  pod ("c-not-ready", "nodeName: n1, ", "0", "phase: Running");
  pod ("d-cheap", "nodeName: n2, ", "-1", ready);
  pod ("e-crowded", "nodeName: n1, ", "0", ready);
  pod ("f-alone", "nodeName: n3, ", "0", ready);
  pod ("g-older", "nodeName: n1, ", "0", "phase: Running, conditions: [{type: Ready, status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z'}]");
  Settle ();
  ASSERT_EQ (List ("Pod").size (), 7u);

  static const char *const order[] = { "a-unassigned", "b-pending", "c-not-ready", "d-cheap", "e-crowded" };
  for (int left = 6; left > 1; left--) {
    const char *next = order[6 - left];
    Patch ("ReplicaSet", "web", "{spec: {replicas: " + std::to_string (left) + "}}");
    Settle ();
    Obj gone = Get ("Pod", next);
    EXPECT_TRUE (!gone || gone.deleting ()) << next;
    EXPECT_TRUE (HasEvent ("web", std::string ("Normal SuccessfulDelete Deleted pod: ") + next));
    if (left > 2) {
      EXPECT_FALSE (Get ("Pod", order[7 - left]).deleting ()) << order[7 - left];
    }
  }
  EXPECT_FALSE (Get ("Pod", "g-older").deleting ());
  EXPECT_FALSE (Get ("Pod", "f-alone").deleting ());
}

TEST_F (ReplicaSet, TakesInAPodThatNobodyControls)
{
  StartAll ();
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: lone, labels: {app: web}}, spec: {containers: [{name: c, image: 'v:0'}]}}");
  Obj web = Make (2);
  ASSERT_TRUE (Until ([&] { return Ready (2); }));
  EXPECT_EQ (List ("Pod").size (), 2u);
  EXPECT_EQ (Get ("Pod", "lone").text ("metadata.ownerReferences.0.uid"), web.uid ());

  Create ("{apiVersion: v1, kind: Pod, metadata: {name: later, labels: {app: web}}, spec: {containers: [{name: c, image: 'v:0'}]}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod").size () == 2 && Ready (2); }));
}

TEST_F (ReplicaSet, LeavesAFinishedPodThatNobodyControlsAlone)
{
  StartAll ();
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: done, labels: {app: web}, annotations: {test/ignore: ''}}, spec: {containers: [{name: c, image: 'v:0'}]}}");
  Patch ("Pod", "done", "{status: {phase: Succeeded}}", "status");
  Make (1);
  ASSERT_TRUE (Until ([&] { return Ready (1); }));
  EXPECT_FALSE (Get ("Pod", "done").has ("metadata.ownerReferences.0"));
}

TEST_F (ReplicaSet, LetsGoOfAPodWhoseLabelsNoLongerMatch)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Ready (2); }));
  std::string name = List ("Pod")[0].name ();
  Patch ("Pod", name, "{metadata: {labels: {app: debug}}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod", "app=web").size () == 2 && Ready (2); }));
  EXPECT_FALSE (Get ("Pod", name).has ("metadata.ownerReferences.0"));
}

TEST_F (ReplicaSet, ReplacesAPodThatFailedOrWasDeleted)
{
  StartAll ();
  Make (2);
  ASSERT_TRUE (Until ([&] { return Ready (2); }));
  auto pods = List ("Pod");
  Patch ("Pod", pods[0].name (), "{status: {phase: Failed}}", "status");
  Delete ("Pod", pods[1].name ());
  ASSERT_TRUE (Until ([&] { return Ready (2) && !Get ("Pod", pods[1].name ()); }));
  EXPECT_EQ (List ("Pod").size (), 3u);
  EXPECT_EQ (Get ("Pod", pods[0].name ()).text ("status.phase"), "Failed");
}

TEST_F (ReplicaSet, APodIsAvailableOnceItWasReadyForMinReadySeconds)
{
  StartAll ();
  Make (2, ", minReadySeconds: 30");
  ASSERT_TRUE (Until ([&] { return Ready (2); }));
  gint64 ready_at = kube_test_cluster_get_time (cluster);
  EXPECT_EQ (Web ().number ("status.availableReplicas", 0), 0);
  ASSERT_TRUE (Until ([&] { return Web ().number ("status.availableReplicas", 0) == 2; }));
  EXPECT_NEAR (kube_test_cluster_get_time (cluster) - ready_at, 30 * kSecond, 2 * kSecond);
}

TEST_F (ReplicaSet, MakesAndDeletesAtMostFiveHundredAtATimeAndAllInTheEnd)
{
  StartAll ();
  Make (1200);
  ASSERT_TRUE (Until ([&] { return Ready (1200); }));
  Patch ("ReplicaSet", "web", "{spec: {replicas: 0}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod").empty () && Web ().number ("status.replicas") == 0; }));
}

TEST_F (ReplicaSet, StaysCalmWhereItsNamespaceGoes)
{
  StartAll ();
  Create ("{apiVersion: v1, kind: Namespace, metadata: {name: going}}");
  Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: going}}");
  Create ("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: going}, spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, "
          "spec: {containers: [{name: c, image: 'v:1'}]}}}}");
  Settle ();
  Delete ("Namespace", "going");
  Patch ("ReplicaSet", "web", "{spec: {replicas: 2}}", nullptr, "going");
  Run (60 * kSecond);
  EXPECT_TRUE (List ("Pod", nullptr, "going").empty ());
  EXPECT_EQ (Get ("ReplicaSet", "web", "going").condition ("ReplicaFailure"), "");
}

TEST_F (ReplicaSet, AReplicationControllerIsOneWithAPlainSelector)
{
  kube_test_kubelet_add (cluster, kSecond, kSecond);
  Start ({ "replicationcontroller-controller" });
  Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: lone, labels: {app: web}}, spec: {containers: [{name: c, image: 'v:0'}]}}");
  Obj made = Create ("{apiVersion: v1, kind: ReplicationController, metadata: {name: web}, spec: {replicas: 3, selector: {app: web}, "
                     "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'v:1'}]}}}}");
  auto web = [&] { return Get ("ReplicationController", "web"); };
  auto ready = [&] (gint64 count) { return web ().number ("status.readyReplicas", 0) == count && web ().number ("status.replicas", 0) == count; };
  ASSERT_TRUE (Until ([&] { return ready (3); }));
  EXPECT_EQ (List ("Pod").size (), 3u);
  EXPECT_EQ (Get ("Pod", "lone").json ("metadata.ownerReferences"),
             "[{\"apiVersion\":\"v1\",\"blockOwnerDeletion\":true,\"controller\":true,\"kind\":\"ReplicationController\",\"name\":\"web\",\"uid\":\"" + made.uid () + "\"}]");
  EXPECT_FALSE (web ().has ("status.terminatingReplicas"));
  EXPECT_EQ (web ().number ("status.fullyLabeledReplicas"), 3);

  Patch ("Pod", "lone", "{metadata: {labels: {app: other}}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod", "app=web").size () == 3 && ready (3); }));
  EXPECT_FALSE (Get ("Pod", "lone").has ("metadata.ownerReferences.0"));
  Patch ("ReplicationController", "web", "{spec: {replicas: 1}}");
  ASSERT_TRUE (Until ([&] { return List ("Pod", "app=web").size () == 1 && ready (1); }));
}

}
