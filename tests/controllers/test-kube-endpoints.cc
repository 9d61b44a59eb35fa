/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <algorithm>
#include <set>
#include "controllers-fixture.h"

namespace {

class Endpoints : public ControllersTest {
protected:
  void
  SetUp () override
  {
    ControllersTest::SetUp ();
    kube_test_kubelet_add (cluster, 0, 5 * kSecond);
    Start ({ "endpoints-controller", "endpointslice-controller", "garbage-collector-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  Obj
  Pod (const std::string &name, const std::string &annotations = "", const std::string &spec = "")
  {
    return Create ("{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", labels: {app: web}, annotations: {" + annotations + "}}, spec: {nodeName: n1, " + spec +
                   "containers: [{name: c, image: 'v:1', ports: [{name: http, containerPort: 8080}]}]}}");
  }

  Obj
  Service (const std::string &more = "ports: [{port: 80, targetPort: 8080}]", const std::string &selector = "selector: {app: web}, ")
  {
    Obj made = Create ("{apiVersion: v1, kind: Service, metadata: {name: web, labels: {team: x}}, spec: {" + selector + more + "}}");
    Settle ();
    return made;
  }

  Obj Old () { return Get ("Endpoints", "web"); }
  std::vector<Obj> Slices () { return List ("EndpointSlice", "kubernetes.io/service-name=web"); }
  std::string Address (const std::string &pod) { return Get ("Pod", pod).text ("status.podIP"); }
};

TEST_F (Endpoints, ShowReadyPodsWithTheirPorts)
{
  Create ("{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {topology.kubernetes.io/zone: z1}}}");
  Pod ("a");
  Pod ("lame", "test/ready: 'false'");
  Obj service = Service ();
  Obj old = Old ();
  EXPECT_EQ (old.length ("subsets"), 1u);
  EXPECT_EQ (old.text ("subsets.0.addresses.0.ip"), Address ("a"));
  EXPECT_EQ (old.text ("subsets.0.addresses.0.nodeName"), "n1");
  EXPECT_EQ (old.text ("subsets.0.addresses.0.targetRef.name"), "a");
  EXPECT_EQ (old.text ("subsets.0.notReadyAddresses.0.ip"), Address ("lame"));
  EXPECT_EQ (old.json ("subsets.0.ports"), "[{\"port\":8080,\"protocol\":\"TCP\"}]");
  EXPECT_EQ (old.label ("team"), "x");

  auto slices = Slices ();
  ASSERT_EQ (slices.size (), 1u);
  EXPECT_EQ (slices[0].text ("addressType"), "IPv4");
  EXPECT_EQ (slices[0].json ("ports"), "[{\"name\":\"\",\"port\":8080,\"protocol\":\"TCP\"}]");
  EXPECT_EQ (slices[0].label ("endpointslice.kubernetes.io/managed-by"), "endpointslice-controller.k8s.io");
  EXPECT_EQ (slices[0].text ("metadata.ownerReferences.0.uid"), service.uid ());
  ASSERT_EQ (slices[0].length ("endpoints"), 2u);
  for (const char *at : { "endpoints.0", "endpoints.1" }) {
    std::string path = at;
    bool lame = slices[0].text ((path + ".targetRef.name").c_str ()) == "lame";
    EXPECT_EQ (slices[0].json ((path + ".conditions").c_str ()), lame ? "{\"ready\":false,\"serving\":false,\"terminating\":false}" : "{\"ready\":true,\"serving\":true,\"terminating\":false}");
    EXPECT_EQ (slices[0].text ((path + ".zone").c_str ()), "z1");
  }
}

TEST_F (Endpoints, FollowPodsAsTheyComeChangeAndGo)
{
  Service ();
  EXPECT_FALSE (Old ().has ("subsets"));
  ASSERT_EQ (Slices ().size (), 1u) << "one without endpoints";
  EXPECT_EQ (Slices ()[0].length ("endpoints"), 0u);
  Pod ("a");
  Settle ();
  EXPECT_EQ (Old ().length ("subsets.0.addresses"), 1u);
  EXPECT_EQ (Slices ().size (), 1u);
  EXPECT_EQ (Slices ()[0].length ("endpoints"), 1u);
  Patch ("Pod", "a", "{metadata: {labels: {app: other}}}");
  Settle ();
  EXPECT_FALSE (Old ().has ("subsets"));
  EXPECT_EQ (Slices ()[0].length ("endpoints"), 0u);
  Patch ("Pod", "a", "{metadata: {labels: {app: web}}}");
  Settle ();
  EXPECT_EQ (Slices ()[0].length ("endpoints"), 1u);
  Patch ("Pod", "a", "{status: {phase: Succeeded}}", "status");
  Settle ();
  EXPECT_EQ (Slices ()[0].length ("endpoints"), 0u);
}

TEST_F (Endpoints, APodOnItsWayOutIsTerminatingAndNotReady)
{
  Pod ("a");
  Service ();
  Delete ("Pod", "a");
  Settle ();
  EXPECT_FALSE (Old ().has ("subsets"));
  EXPECT_EQ (Slices ()[0].json ("endpoints.0.conditions"), "{\"ready\":false,\"serving\":true,\"terminating\":true}");
  ASSERT_TRUE (Until ([&] { return Slices ()[0].length ("endpoints") == 0; }));
}

TEST_F (Endpoints, PublishNotReadyAddressesMakesAllReady)
{
  Pod ("lame", "test/ready: 'false'");
  Service ("publishNotReadyAddresses: true, ports: [{port: 80}]");
  EXPECT_EQ (Old ().text ("subsets.0.addresses.0.targetRef.name"), "lame");
  EXPECT_TRUE (Slices ()[0].flag ("endpoints.0.conditions.ready"));
  Delete ("Pod", "lame");
  Settle ();
  EXPECT_EQ (Old ().length ("subsets.0.addresses"), 1u);
  EXPECT_TRUE (Slices ()[0].flag ("endpoints.0.conditions.ready"));
  EXPECT_TRUE (Slices ()[0].flag ("endpoints.0.conditions.terminating"));
}

TEST_F (Endpoints, NamedPortsAreThoseOfEachPod)
{
  Pod ("a");
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: b, labels: {app: web}}, spec: {nodeName: n1, containers: [{name: c, image: 'v:1', ports: [{name: http, containerPort: 9090}]}]}}");
  Create ("{apiVersion: v1, kind: Pod, metadata: {name: none, labels: {app: web}}, spec: {nodeName: n1, containers: [{name: c, image: 'v:1'}]}}");
  Service ("ports: [{name: web, port: 80, targetPort: http}]");
  EXPECT_EQ (Old ().length ("subsets"), 2u);
  std::set<gint64> ports;
  for (const Obj &slice : Slices ()) {
    if (slice.length ("ports") > 0) {
      ports.insert (slice.number ("ports.0.port"));
      EXPECT_EQ (slice.text ("ports.0.name"), "web");
    }
  }
  EXPECT_EQ (ports, (std::set<gint64>{ 8080, 9090 }));
}

TEST_F (Endpoints, OfHeadlessServicesHaveHostNamesAndMayHaveNoPorts)
{
  Pod ("a", "", "hostname: db-0, subdomain: web, ");
  Service ("clusterIP: None");
  EXPECT_EQ (Old ().text ("subsets.0.addresses.0.hostname"), "db-0");
  EXPECT_FALSE (Old ().has ("subsets.0.ports"));
  EXPECT_TRUE (kube_object_get_label (Old ().get (), "service.kubernetes.io/headless") != nullptr);
  EXPECT_EQ (Slices ()[0].text ("endpoints.0.hostname"), "db-0");
  EXPECT_TRUE (kube_object_get_label (Slices ()[0].get (), "service.kubernetes.io/headless") != nullptr);
}

TEST_F (Endpoints, OfServicesWithoutASelectorAreTheirOwners)
{
  Create ("{apiVersion: v1, kind: Endpoints, metadata: {name: web}, subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 1}]}]}");
  Service ("ports: [{port: 80}]", "");
  Pod ("a");
  Settle ();
  EXPECT_EQ (Old ().text ("subsets.0.addresses.0.ip"), "192.0.2.1");
  EXPECT_TRUE (Slices ().empty ());
}

TEST_F (Endpoints, AHundredToASliceAndOneChangeRewritesOneSlice)
{
  for (int i = 0; i < 250; i++)
    Pod ("p" + std::to_string (i));
  Service ();
  auto slices = Slices ();
  ASSERT_EQ (slices.size (), 3u);
  guint total = 0;
  for (const Obj &slice : slices) {
    EXPECT_LE (slice.length ("endpoints"), 100u);
    total += slice.length ("endpoints");
  }
  EXPECT_EQ (total, 250u);

  auto count_changed = [&] {
    int changed = 0;
    for (const Obj &slice : Slices ())
      changed += std::none_of (slices.begin (), slices.end (), [&] (const Obj &other) { return other.text ("metadata.resourceVersion") == slice.text ("metadata.resourceVersion"); });
    slices = Slices ();
    return changed;
  };
  Pod ("more");
  Settle ();
  EXPECT_EQ (count_changed (), 1);
  Delete ("Pod", "p0", nullptr, "default", 0);
  Settle ();
  EXPECT_EQ (count_changed (), 1);
}

TEST_F (Endpoints, GoWithTheirService)
{
  Pod ("a");
  Service ();
  Delete ("Service", "web");
  ASSERT_TRUE (Until ([&] { return !Old () && Slices ().empty (); }));
}

TEST_F (Endpoints, ComeBackWhenSomebodyDeletesOrChangesThem)
{
  Pod ("a");
  Service ();
  Delete ("EndpointSlice", Slices ()[0].name ());
  Delete ("Endpoints", "web");
  Settle ();
  ASSERT_EQ (Slices ().size (), 1u);
  EXPECT_EQ (Old ().length ("subsets"), 1u);
  Patch ("EndpointSlice", Slices ()[0].name (), "{endpoints: [{addresses: [192.0.2.1]}]}");
  Settle ();
  EXPECT_EQ (Slices ()[0].text ("endpoints.0.addresses.0"), Address ("a"));
}

TEST_F (Endpoints, AServiceOfAnotherSelectorIsNotTouched)
{
  Create ("{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {selector: {app: web, tier: x}, ports: [{port: 80}]}}");
  Service ();
  std::string version = Get ("Endpoints", "other").text ("metadata.resourceVersion");
  Pod ("a");
  Settle ();
  EXPECT_EQ (Get ("Endpoints", "other").text ("metadata.resourceVersion"), version);
  EXPECT_EQ (Old ().length ("subsets"), 1u);
}

}
