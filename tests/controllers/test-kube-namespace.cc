/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

namespace {

class Namespace : public ControllersTest {
protected:
  void
  SetUp () override
  {
    ControllersTest::SetUp ();
    kube_test_kubelet_add (cluster, kSecond, 20 * kSecond);
    Start ({ "namespace-controller", "serviceaccount-controller", "garbage-collector-controller" });
  }

  void
  Make (const std::string &name)
  {
    Create ("{apiVersion: v1, kind: Namespace, metadata: {name: " + name + "}}");
    Settle ();
  }

  bool Gone (const std::string &name) { return !Get ("Namespace", name); }
};

TEST_F (Namespace, TakesContentOfAllKindsWithIt)
{
  Make ("ns");
  Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: ns}}");
  Create ("{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: ns}}");
  Create ("{apiVersion: v1, kind: Service, metadata: {name: v, namespace: ns}, spec: {ports: [{port: 80}]}}");
  Create ("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: ns}, rules: []}");
  Create ("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: l, namespace: ns}}");
  Create ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ns}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: "
          "{containers: [{name: c, image: 'v:1'}]}}}}");
  Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}");
  Delete ("Namespace", "ns");
  EXPECT_EQ (Get ("Namespace", "ns").text ("status.phase"), "Terminating");
  ASSERT_TRUE (Until ([&] { return Gone ("ns"); }));
  for (const char *kind : { "ConfigMap", "Secret", "Service", "Role", "Lease", "Deployment", "ServiceAccount" })
    EXPECT_TRUE (List (kind, nullptr, "ns").empty ()) << kind;
  EXPECT_TRUE (Get ("ConfigMap", "m"));
}

TEST_F (Namespace, AnEmptyOneGoesAtOnce)
{
  Make ("ns");
  Delete ("Namespace", "ns");
  Settle ();
  EXPECT_TRUE (Gone ("ns"));
}

TEST_F (Namespace, WaitsForItsPodsAndKeepsWhatTheyUseUntilThen)
{
  Make ("ns");
  Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: ns}}");
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ns}, spec: {nodeName: n1, containers: [{name: c, image: 'v:1'}]}}");
  Run (2 * kSecond);
  gint64 begin = kube_test_cluster_get_time (cluster);
  Delete ("Namespace", "ns");
  Run (10 * kSecond);
  EXPECT_TRUE (Get ("Pod", "p", "ns").deleting ());
  EXPECT_TRUE (Get ("ConfigMap", "m", "ns"));
  Obj ns = Get ("Namespace", "ns");
  EXPECT_EQ (ns.condition ("NamespaceContentRemaining"), "True");
  EXPECT_EQ (ns.condition ("NamespaceContentRemaining", "reason"), "SomeResourcesRemain");
  EXPECT_EQ (ns.condition ("NamespaceContentRemaining", "message"), "Some resources are remaining: pods. has 1 resource instances");
  EXPECT_EQ (ns.condition ("NamespaceDeletionContentFailure"), "False");
  ASSERT_TRUE (Until ([&] { return Gone ("ns"); }));
  /* As soon as the pod has gone, not at the next look. */
  EXPECT_NEAR (kube_test_cluster_get_time (cluster) - begin, 20 * kSecond, 2 * kSecond);
}

TEST_F (Namespace, AFinalizerHoldsItAndTheConditionsSayWhose)
{
  Make ("ns");
  Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: ns, finalizers: [example.com/hold]}}");
  Delete ("Namespace", "ns");
  Run (60 * kSecond);
  Obj ns = Get ("Namespace", "ns");
  EXPECT_EQ (ns.condition ("NamespaceFinalizersRemaining"), "True");
  EXPECT_EQ (ns.condition ("NamespaceFinalizersRemaining", "reason"), "SomeFinalizersRemain");
  EXPECT_EQ (ns.condition ("NamespaceFinalizersRemaining", "message"), "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances");
  EXPECT_EQ (ns.condition ("NamespaceContentRemaining", "message"), "Some resources are remaining: configmaps. has 1 resource instances");
  Patch ("ConfigMap", "m", "{metadata: {finalizers: null}}", nullptr, "ns");
  ASSERT_TRUE (Until ([&] { return Gone ("ns"); }));
}

TEST_F (Namespace, OneThatIsHeldDoesNotHoldOthers)
{
  for (int i = 0; i < 30; i++) {
    std::string name = "held-" + std::to_string (i);
    Make (name);
    Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: " + name + ", finalizers: [example.com/hold]}}");
    Delete ("Namespace", name);
  }
  Settle ();
  Make ("free");
  Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: free}}");
  gint64 begin = kube_test_cluster_get_time (cluster);
  Delete ("Namespace", "free");
  ASSERT_TRUE (Until ([&] { return Gone ("free"); }));
  EXPECT_LT (kube_test_cluster_get_time (cluster) - begin, kSecond);
}

TEST_F (Namespace, ItsOwnFinalizersAreKeptForOthers)
{
  Make ("ns");
  Patch ("Namespace", "ns", "{metadata: {finalizers: [example.com/mine]}}");
  Delete ("Namespace", "ns");
  Run (60 * kSecond);
  ASSERT_TRUE (Get ("Namespace", "ns"));
  EXPECT_EQ (Get ("Namespace", "ns").length ("spec.finalizers"), 0u);
  Patch ("Namespace", "ns", "{metadata: {finalizers: null}}");
  EXPECT_TRUE (Gone ("ns"));
}

class Accounts : public ControllersTest {
protected:
  void
  SetUp () override
  {
    KubeControllersOptions options = {};
    options.root_ca_pem = "PEM";
    ControllersTest::SetUp ();
    Start ({ "serviceaccount-controller", "root-ca-certificate-publisher-controller", "namespace-controller" }, &options);
  }
};

TEST_F (Accounts, EveryNamespaceHasTheDefaultAccountAndTheRootCertificate)
{
  Create ("{apiVersion: v1, kind: Namespace, metadata: {name: ns}}");
  Settle ();
  for (const char *ns : { "default", "kube-system", "ns" }) {
    EXPECT_TRUE (Get ("ServiceAccount", "default", ns)) << ns;
    EXPECT_EQ (Get ("ConfigMap", "kube-root-ca.crt", ns).json ("data"), "{\"ca.crt\":\"PEM\"}") << ns;
    EXPECT_NE (Get ("ConfigMap", "kube-root-ca.crt", ns).annotation ("kubernetes.io/description"), "");
  }
}

TEST_F (Accounts, WhatWasDeletedOrChangedComesBack)
{
  std::string before = Get ("ServiceAccount", "default").uid ();
  Delete ("ServiceAccount", "default");
  Delete ("ConfigMap", "kube-root-ca.crt");
  Settle ();
  EXPECT_TRUE (Get ("ServiceAccount", "default"));
  EXPECT_NE (Get ("ServiceAccount", "default").uid (), before);
  EXPECT_EQ (Get ("ConfigMap", "kube-root-ca.crt").json ("data"), "{\"ca.crt\":\"PEM\"}");
  Patch ("ConfigMap", "kube-root-ca.crt", "{data: {ca.crt: forged, more: x}}");
  Settle ();
  EXPECT_EQ (Get ("ConfigMap", "kube-root-ca.crt").json ("data"), "{\"ca.crt\":\"PEM\"}");
}

TEST_F (Accounts, ANamespaceThatGoesGetsNothingAgain)
{
  Create ("{apiVersion: v1, kind: Namespace, metadata: {name: ns}}");
  Settle ();
  Create ("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: ns, finalizers: [example.com/hold]}}");
  Delete ("Namespace", "ns");
  Run (60 * kSecond);
  EXPECT_FALSE (Get ("ServiceAccount", "default", "ns"));
  EXPECT_FALSE (Get ("ConfigMap", "kube-root-ca.crt", "ns"));
}

}
