/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What fits where, why not, and which node is best. */
#include "fake-client.h"
#include "kube-scheduler-private.h"
#include "kube-scheduler-topology.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

class SchedulerFramework : public testing::Test {
protected:
  void SetUp () override
  {
    framework = sched_framework_new ();
    cache = sched_cache_new ();
    sched_add_default_plugins (framework, client.client, kube_clock_get_real ());
  }
  void TearDown () override
  {
    sched_cache_free (cache);
    sched_framework_free (framework);
  }

  KubeSchedulerEvents node (const std::string &name, const std::string &spec = "", const std::string &allocatable = "'cpu':'4','memory':'8Gi','pods':'110'",
                            const std::string &labels = "", const std::string &status = "")
  {
    KubeObject *object = fake_parse ("{'apiVersion':'v1','kind':'Node','metadata':{'name':'" + name + "','labels':{" + labels + "}},'spec':{" + spec
                                     + "},'status':{'allocatable':{" + allocatable + "}" + status + "}}");
    KubeSchedulerEvents events = sched_cache_set_node (cache, object);
    kube_object_unref (object);
    return events;
  }

  SchedPod *pod (const std::string &name, const std::string &spec, const std::string &labels = "", const std::string &space = "d")
  {
    KubeObject *object = fake_parse ("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" + name + "','namespace':'" + space + "','uid':'" + name
                                     + "','labels':{" + labels + "},'generation':1},'spec':{" + spec + "}}");
    SchedPod *made = sched_pod_new (object, cache->resources, cache->resource_index);
    kube_object_unref (object);
    return made;
  }

  static std::string requests (const std::string &list)
  {
    return "'containers':[{'name':'c','image':'i','resources':{'requests':{" + list + "}}}]";
  }

  void running (const std::string &name, const std::string &on, const std::string &spec, const std::string &labels = "", const std::string &space = "d")
  {
    sched_cache_add_pod (cache, pod (name, spec, labels, space), on.c_str ());
  }

  void zoned (const std::string &name, const std::string &zone)
  {
    node (name, "", "'cpu':'4','memory':'8Gi','pods':'110'", "'kubernetes.io/hostname':'" + name + "'" + (zone.empty () ? "" : ",'zone':'" + zone + "'"));
  }

  // The node, or why there is none.
  std::string schedule (const std::string &spec, const std::string &labels = "")
  {
    SchedPod *p = pod ("new", spec, labels);
    SchedResult result;
    sched_framework_schedule (framework, cache, p, &result);
    std::string text = result.node != SCHED_NO_NODE ? cache->nodes[result.node]->name : result.message;
    nominated = result.nominated != nullptr ? result.nominated : "";
    sched_result_clear (&result);
    sched_pod_free (p);
    return text;
  }

  FakeClient client;
  SchedFramework *framework;
  SchedCache *cache;
  std::string nominated;
};

static const std::string no_help = " no new claims to deallocate, preemption: ";

TEST_F (SchedulerFramework, SaysThatThereAreNoNodes)
{
  EXPECT_EQ (schedule (requests ("")), "no nodes available to schedule pods");
}

TEST_F (SchedulerFramework, SaysWhyNoNodeFitsInUpstreamsWords)
{
  node ("a");
  EXPECT_EQ (schedule ("'nodeSelector':{'no':'such'},'containers':[]"),
             "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector." + no_help
               + "0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
  node ("b", "'unschedulable':true");
  node ("c", "'taints':[{'key':'k','value':'v','effect':'NoSchedule'}]");
  node ("d", "'taints':[{'key':'k','effect':'NoExecute'}]");
  EXPECT_EQ (schedule (requests ("'cpu':'5'")),
             "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s)." + no_help
               + "0/4 nodes are available: 4 Preemption is not helpful for scheduling.");
  running ("full", "a", requests ("'cpu':'3'"));
  EXPECT_EQ (schedule (requests ("'cpu':'2','memory':'1Gi','example.com/gpu':'1'")),
             "0/4 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s)."
               + no_help + "0/4 nodes are available: 4 Preemption is not helpful for scheduling.");
  EXPECT_EQ (schedule (requests ("'cpu':'2'")),
             "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s)." + no_help
               + "0/4 nodes are available: 1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.");
  EXPECT_EQ (schedule ("'preemptionPolicy':'Never'," + requests ("'cpu':'2'")),
             "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s)."
             " no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.");
}

TEST_F (SchedulerFramework, RequestsThatAreTooLargeToAddUpFitNowhere)
{
  node ("a");
  std::string huge = "'resources':{'requests':{'memory':'4Ei','cpu':'9P'}}}";
  std::string spec = "'containers':[{'name':'a'," + huge + ",{'name':'b'," + huge + ",{'name':'c'," + huge + "]";
  EXPECT_NE (schedule (spec).find ("Insufficient cpu, 1 Insufficient memory"), std::string::npos) << schedule (spec);
  for (int i = 0; i < 3; i++)
    running ("huge" + std::to_string (i), "a", spec);
  EXPECT_NE (schedule (requests ("'memory':'1Mi'")).find ("Insufficient memory"), std::string::npos);
}

TEST_F (SchedulerFramework, CountsPods)
{
  node ("a", "", "'cpu':'4','memory':'8Gi','pods':'1'");
  EXPECT_EQ (schedule (requests ("")), "a");
  running ("r", "a", requests (""));
  EXPECT_EQ (schedule (requests ("")).substr (0, 43), "0/1 nodes are available: 1 Too many pods. n");
  SchedPod *gone = sched_cache_remove_pod (cache, "r");
  sched_pod_free (gone);
  EXPECT_EQ (schedule (requests ("")), "a");
}

TEST_F (SchedulerFramework, AddsUpWhatAPodTakesAsUpstreamDoes)
{
  auto cpu = [&] (const std::string &spec) {
    SchedPod *p = pod ("x", spec);
    gint64 result = p->cpu;
    sched_pod_free (p);
    return result;
  };
  auto c = [] (const char *amount, const char *more = "") {
    return std::string ("{'resources':{'requests':{'cpu':'") + amount + "'}}" + more + "}";
  };
  const char *sidecar = ",'restartPolicy':'Always'";
  EXPECT_EQ (cpu ("'containers':[" + c ("100m") + "," + c ("1") + "]"), 1100);
  EXPECT_EQ (cpu ("'containers':[" + c ("100m") + "],'initContainers':[" + c ("2") + "]"), 2000);
  EXPECT_EQ (cpu ("'containers':[" + c ("100m") + "],'initContainers':[" + c ("50m", sidecar) + "]"), 150);
  EXPECT_EQ (cpu ("'containers':[" + c ("100m") + "],'initContainers':[" + c ("50m", sidecar) + "," + c ("200m") + "]"), 250)
    << "an init container runs beside the sidecars before it";
  EXPECT_EQ (cpu ("'containers':[" + c ("100m") + "],'initContainers':[" + c ("200m") + "," + c ("50m", sidecar) + "]"), 200);
  EXPECT_EQ (cpu ("'overhead':{'cpu':'10m'},'containers':[" + c ("100m") + "]"), 110);
  EXPECT_EQ (cpu ("'resources':{'requests':{'cpu':'3'}},'containers':[" + c ("100m") + "]"), 3000);
}

TEST_F (SchedulerFramework, SpreadsByWhatIsLeast)
{
  node ("a");
  node ("b");
  node ("c");
  running ("r1", "a", requests ("'cpu':'2','memory':'4Gi'"));
  running ("r2", "b", requests ("'cpu':'1','memory':'2Gi'"));
  EXPECT_EQ (schedule (requests ("'cpu':'1','memory':'2Gi'")), "c");
  running ("r3", "c", requests ("'cpu':'3','memory':'6Gi'"));
  EXPECT_EQ (schedule (requests ("'cpu':'1','memory':'2Gi'")), "b");
}

TEST_F (SchedulerFramework, PodsThatAskForNothingSpreadToo)
{
  std::set<std::string> used;
  for (const char *name : { "a", "b", "c", "d" })
    node (name);
  for (int i = 0; i < 4; i++) {
    std::string chosen = schedule (requests (""));
    used.insert (chosen);
    running ("r" + std::to_string (i), chosen, requests (""));
  }
  EXPECT_EQ (used.size (), 4u);
}

TEST_F (SchedulerFramework, PrefersBalance)
{
  node ("cpu-heavy", "", "'cpu':'4','memory':'8Gi','pods':'110'");
  node ("even", "", "'cpu':'4','memory':'8Gi','pods':'110'");
  running ("r1", "cpu-heavy", requests ("'cpu':'2','memory':'1'"));
  running ("r2", "even", requests ("'cpu':'1','memory':'2Gi'"));
  EXPECT_EQ (schedule (requests ("'cpu':'1','memory':'1'")), "even");
}

TEST_F (SchedulerFramework, TaintsKeepAwayUnlessTolerated)
{
  node ("a", "'taints':[{'key':'k','value':'v','effect':'NoSchedule'}]");
  auto with = [] (const std::string &toleration) { return "'tolerations':[{" + toleration + "}],'containers':[]"; };
  EXPECT_EQ (schedule (with ("'key':'k','operator':'Equal','value':'v','effect':'NoSchedule'")), "a");
  EXPECT_EQ (schedule (with ("'key':'k','value':'v'")), "a");
  EXPECT_EQ (schedule (with ("'key':'k','operator':'Exists'")), "a");
  EXPECT_EQ (schedule (with ("'operator':'Exists'")), "a");
  EXPECT_NE (schedule (with ("'key':'k','value':'w'")), "a");
  EXPECT_NE (schedule (with ("'key':'k','value':'v','effect':'NoExecute'")), "a");
  EXPECT_NE (schedule (with ("'key':'l','operator':'Exists'")), "a");
  EXPECT_EQ (node ("a"), KUBE_SCHEDULER_NODE_TAINTS);
  EXPECT_EQ (schedule ("'containers':[]"), "a");
  node ("a", "'unschedulable':true");
  EXPECT_EQ (schedule (with ("'key':'node.kubernetes.io/unschedulable','operator':'Exists'")), "a");
}

TEST_F (SchedulerFramework, DislikedNodesComeLast)
{
  node ("a", "'taints':[{'key':'k','effect':'PreferNoSchedule'}]");
  node ("b");
  running ("r", "b", requests ("'cpu':'1'"));
  EXPECT_EQ (schedule (requests ("'cpu':'100m'")), "b");
  EXPECT_EQ (schedule ("'tolerations':[{'key':'k','operator':'Exists'}]," + requests ("'cpu':'100m'")), "a");
}

TEST_F (SchedulerFramework, NodeAffinity)
{
  auto terms = [] (const std::string &list) {
    return "'containers':[],'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[" + list + "]}}}";
  };
  auto expression = [&] (const std::string &text) { return terms ("{'matchExpressions':[{" + text + "}]}"); };
  node ("a", "", "'cpu':'4','memory':'8Gi','pods':'110'", "'zone':'x','n':'5'");
  node ("b", "", "'cpu':'4','memory':'8Gi','pods':'110'", "'zone':'y','n':'10'");
  EXPECT_EQ (schedule ("'containers':[],'nodeSelector':{'zone':'y'}"), "b");
  EXPECT_EQ (schedule (expression ("'key':'zone','operator':'In','values':['y','z']")), "b");
  EXPECT_EQ (schedule (expression ("'key':'zone','operator':'NotIn','values':['y']")), "a");
  EXPECT_EQ (schedule (expression ("'key':'n','operator':'Gt','values':['7']")), "b");
  EXPECT_EQ (schedule (expression ("'key':'n','operator':'Lt','values':['7']")), "a");
  EXPECT_EQ (schedule (expression ("'key':'none','operator':'Exists'")).substr (0, 26), "0/2 nodes are available: 2");
  EXPECT_EQ (schedule (terms ("{'matchExpressions':[{'key':'none','operator':'Exists'}]},{'matchExpressions':[{'key':'zone','operator':'In','values':['x']}]}")), "a")
    << "terms are alternatives";
  EXPECT_EQ (schedule (terms ("{}")).substr (0, 26), "0/2 nodes are available: 2") << "an empty term matches nothing";
  EXPECT_EQ (schedule ("'containers':[],'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':10,'preference':"
                       "{'matchExpressions':[{'key':'zone','operator':'In','values':['y']}]}}]}}"),
             "b");
}

TEST_F (SchedulerFramework, APodForOneNodeLooksAtThatNodeOnly)
{
  auto named = [] (const std::string &name) {
    return "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{'matchFields':"
           "[{'key':'metadata.name','operator':'In','values':['"
           + name + "']}]}]}}},";
  };
  node ("a");
  node ("b");
  node ("c");
  EXPECT_EQ (schedule (named ("b") + requests ("")), "b");
  EXPECT_EQ (schedule (named ("b") + requests ("'cpu':'8'")),
             "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]." + no_help
               + "0/3 nodes are available: 3 Preemption is not helpful for scheduling.");
}

TEST_F (SchedulerFramework, HostPorts)
{
  auto port = [] (const std::string &text) { return "'containers':[{'ports':[{" + text + "}]}]"; };
  node ("a");
  running ("r", "a", port ("'hostPort':80,'protocol':'TCP','hostIP':'10.0.0.1'"));
  EXPECT_NE (schedule (port ("'hostPort':80,'protocol':'TCP'")), "a");
  EXPECT_NE (schedule (port ("'hostPort':80,'protocol':'TCP','hostIP':'10.0.0.1'")), "a");
  EXPECT_EQ (schedule (port ("'hostPort':80,'protocol':'TCP','hostIP':'10.0.0.2'")), "a");
  EXPECT_EQ (schedule (port ("'hostPort':80,'protocol':'UDP'")), "a");
  EXPECT_EQ (schedule (port ("'hostPort':81,'protocol':'TCP'")), "a");
  EXPECT_EQ (schedule (port ("'hostPort':80")),
             "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports." + no_help
               + "0/1 nodes are available: 1 No preemption victims found for incoming pod.");
  sched_pod_free (sched_cache_remove_pod (cache, "r"));
  EXPECT_EQ (schedule (port ("'hostPort':80")), "a");
}

TEST_F (SchedulerFramework, ImagesThatAreThereAttract)
{
  std::string images = ",'images':[{'names':['registry/big:1'],'sizeBytes':900000000}]";
  node ("a");
  node ("b", "", "'cpu':'4','memory':'8Gi','pods':'110'", "", images);
  EXPECT_EQ (schedule ("'containers':[{'image':'registry/big:1'}]"), "b");
}

TEST_F (SchedulerFramework, EvictsTheLeastImportantPods)
{
  node ("a");
  node ("b");
  running ("a1", "a", "'priority':5," + requests ("'cpu':'2'"));
  running ("a2", "a", "'priority':1," + requests ("'cpu':'2'"));
  running ("b1", "b", "'priority':7," + requests ("'cpu':'4'"));
  EXPECT_EQ (schedule ("'priority':10," + requests ("'cpu':'2'")),
             "0/2 nodes are available: 2 Insufficient cpu.");
  EXPECT_EQ (nominated, "a");
  std::vector<std::string> deleted;
  for (auto &call : client.calls) {
    if (kube_request_get_verb (call->request) == KUBE_VERB_DELETE)
      deleted.push_back (kube_request_get_name (call->request));
  }
  EXPECT_EQ (deleted, (std::vector<std::string>{ "a2" })) << "a1 can stay";
  EXPECT_EQ (sched_requested (cache, SCHED_CPU, 0), 4000) << "trying out leaves no trace";
  EXPECT_EQ (sched_requested (cache, SCHED_CPU, 1), 4000);
  EXPECT_NE (schedule ("'priority':1," + requests ("'cpu':'2'")).find ("No preemption victims found"), std::string::npos);
  EXPECT_EQ (nominated, "");
}

TEST_F (SchedulerFramework, NodesComeAndGo)
{
  EXPECT_EQ (node ("a"), KUBE_SCHEDULER_NODE_ADDED);
  EXPECT_EQ (node ("b"), KUBE_SCHEDULER_NODE_ADDED);
  EXPECT_EQ (node ("c", "", "'cpu':'1','memory':'1Gi','pods':'110','example.com/gpu':'2'"), KUBE_SCHEDULER_NODE_ADDED);
  EXPECT_EQ (node ("b"), 0);
  EXPECT_EQ (node ("b", "", "'cpu':'5','memory':'8Gi','pods':'110'"), KUBE_SCHEDULER_NODE_ALLOCATABLE);
  running ("early", "later", requests ("'cpu':'4'"));
  running ("g", "c", requests ("'example.com/gpu':'1'"));
  sched_cache_remove_node (cache, "a");
  EXPECT_EQ (cache->n_nodes, 2u);
  EXPECT_EQ (schedule (requests ("'example.com/gpu':'1'")), "c") << "rows moved with all their columns";
  EXPECT_NE (schedule (requests ("'example.com/gpu':'2'")), "c");
  node ("later");
  EXPECT_EQ (schedule (requests ("'cpu':'4'")), "b") << "the pod that was there before its node counts";
  sched_cache_remove_node (cache, "c");
  node ("c", "", "'cpu':'1','memory':'1Gi','pods':'110','example.com/gpu':'2'");
  EXPECT_NE (schedule (requests ("'example.com/gpu':'2'")), "c") << "pods of a node that went are counted when it comes back";
}

TEST_F (SchedulerFramework, LooksAtAShareOfManyNodesAndGoesRound)
{
  for (int i = 0; i < 1000; i++)
    node ("n" + std::to_string (i));
  std::set<std::string> used;
  for (int i = 0; i < 200; i++) {
    std::string chosen = schedule (requests ("'cpu':'100m'"));
    EXPECT_EQ (framework->feasible->len, 420u) << "50 % less 1000/125";
    running ("r" + std::to_string (i), chosen, requests ("'cpu':'100m'"));
    used.insert (chosen);
  }
  EXPECT_EQ (used.size (), 200u);
}

static std::string
spread (const std::string &key, const std::string &more = "", const std::string &when = "DoNotSchedule")
{
  return "'containers':[],'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'" + key + "','whenUnsatisfiable':'" + when
         + "','labelSelector':{'matchLabels':{'app':'web'}}" + more + "}]";
}

TEST_F (SchedulerFramework, SpreadsOverDomains)
{
  zoned ("a1", "a");
  zoned ("a2", "a");
  zoned ("b1", "b");
  const std::string web = "'app':'web'";
  running ("r1", "a1", "'containers':[]", web);
  running ("other", "b1", "'containers':[]", "'app':'other'");
  running ("elsewhere", "b1", "'containers':[]", web, "another");
  EXPECT_EQ (schedule (spread ("zone"), web), "b1");
  running ("r2", "b1", "'containers':[]", web);
  running ("r3", "b1", "'containers':[]", web);
  std::string chosen = schedule (spread ("zone"), web);
  EXPECT_TRUE (chosen == "a1" || chosen == "a2") << chosen;
  EXPECT_EQ (schedule (spread ("kubernetes.io/hostname"), web), "a2");
  EXPECT_NE (schedule (spread ("zone"), "'app':'other'").find ("a"), std::string::npos) << "a pod that does not count itself";
  zoned ("none", "");
  EXPECT_EQ (schedule ("'nodeSelector':{'kubernetes.io/hostname':'b1'}," + spread ("kubernetes.io/hostname", ",'minDomains':2"), web),
             "0/4 nodes are available: 1 node(s) didn't match pod topology spread constraints, 3 node(s) didn't match Pod's node affinity/selector."
               + no_help + "0/4 nodes are available: 1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.");
  EXPECT_EQ (schedule ("'nodeSelector':{'kubernetes.io/hostname':'none'}," + spread ("zone"), web),
             "0/4 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label), 3 node(s) didn't match Pod's node "
             "affinity/selector."
               + no_help + "0/4 nodes are available: 4 Preemption is not helpful for scheduling.");
}

TEST_F (SchedulerFramework, SpreadingAnywayIsAPreference)
{
  for (const char *name : { "a", "b", "c" })
    zoned (name, name);
  const std::string web = "'app':'web'";
  for (int i = 0; i < 3; i++)
    running ("a" + std::to_string (i), "a", "'containers':[]", web);
  running ("b", "b", "'containers':[]", web);
  running ("c1", "c", requests ("'cpu':'1','memory':'2Gi'"));
  EXPECT_EQ (schedule (spread ("zone", "", "ScheduleAnyway"), web), "c");
}

TEST_F (SchedulerFramework, SpreadingCountsOnlyThePodsOfOneRollout)
{
  zoned ("a", "a");
  zoned ("b", "b");
  running ("old", "a", "'containers':[]", "'app':'web','hash':'1'");
  running ("new1", "b", "'containers':[]", "'app':'web','hash':'2'");
  EXPECT_EQ (schedule (spread ("zone", ",'matchLabelKeys':['hash']"), "'app':'web','hash':'2'"), "a");
  EXPECT_EQ (schedule (spread ("zone", ",'matchLabelKeys':['hash']"), "'app':'web','hash':'1'"), "b");
}

static std::string
affinity (const char *kind, const std::string &app, const std::string &key = "zone", const std::string &more = "")
{
  return std::string ("'containers':[],'affinity':{'") + kind + "':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'" + key
         + "','labelSelector':{'matchLabels':{'app':'" + app + "'}}" + more + "}]}}";
}

TEST_F (SchedulerFramework, AffinityToOtherPods)
{
  zoned ("a", "a");
  zoned ("b1", "b");
  zoned ("b2", "b");
  running ("db", "b1", requests ("'cpu':'4'"), "'app':'db'");
  EXPECT_EQ (schedule (affinity ("podAffinity", "db").replace (0, 15, requests ("'cpu':'1'"))), "b2") << "the same zone, where there is room";
  EXPECT_EQ (schedule (affinity ("podAntiAffinity", "db")), "a");
  std::string none = schedule (affinity ("podAffinity", "none"));
  EXPECT_EQ (none, "0/3 nodes are available: 3 node(s) didn't match pod affinity rules." + no_help
                     + "0/3 nodes are available: 3 Preemption is not helpful for scheduling.");
  EXPECT_EQ (schedule (affinity ("podAffinity", "web"), "'app':'web'").find (' '), std::string::npos) << "the first of its kind may go anywhere";
  running ("foreign", "a", "'containers':[]", "'app':'foreign'", "another");
  EXPECT_NE (schedule (affinity ("podAffinity", "foreign")), "a") << "pods of its own namespace only";
  EXPECT_EQ (schedule (affinity ("podAffinity", "foreign", "zone", ",'namespaces':['another']")), "a");
  EXPECT_EQ (schedule (affinity ("podAffinity", "foreign", "zone", ",'namespaceSelector':{}")), "a");
  KubeObject *space = fake_parse ("{'metadata':{'name':'another','labels':{'team':'x'}}}");
  std::string by_team = affinity ("podAffinity", "foreign", "zone", ",'namespaceSelector':{'matchLabels':{'team':'x'}}");
  EXPECT_NE (schedule (by_team), "a");
  sched_topologies_set_namespace (cache->topologies, "another", space);
  EXPECT_EQ (schedule (by_team), "a");
  kube_object_unref (space);
}

TEST_F (SchedulerFramework, PodsInPlaceKeepOthersAway)
{
  zoned ("a", "a");
  zoned ("b", "b");
  running ("loner", "a", affinity ("podAntiAffinity", "web", "kubernetes.io/hostname"));
  EXPECT_EQ (schedule ("'containers':[]", "'app':'web'"), "b");
  running ("loner2", "b", affinity ("podAntiAffinity", "web", "kubernetes.io/hostname"));
  EXPECT_EQ (schedule ("'containers':[]", "'app':'web'"),
             "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules." + no_help
               + "0/2 nodes are available: 2 No preemption victims found for incoming pod.");
  sched_pod_free (sched_cache_remove_pod (cache, "loner"));
  EXPECT_EQ (schedule ("'containers':[]", "'app':'web'"), "a");
}

TEST_F (SchedulerFramework, PreferredAffinityAttractsAndRepels)
{
  zoned ("a", "a");
  zoned ("b", "b");
  auto preferred = [] (const char *kind) {
    return std::string ("'containers':[],'affinity':{'") + kind
           + "':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':100,'podAffinityTerm':{'topologyKey':'zone','labelSelector':{'matchLabels':{'app':'db'}}}}]}}";
  };
  running ("db", "b", requests ("'cpu':'1'"), "'app':'db'");
  EXPECT_EQ (schedule (preferred ("podAffinity")), "b");
  EXPECT_EQ (schedule (preferred ("podAntiAffinity")), "a");
  running ("fan", "b", preferred ("podAffinity"));
  EXPECT_EQ (schedule ("'containers':[]", "'app':'db'"), "b") << "a pod in place that prefers this one's company";
}

TEST_F (SchedulerFramework, CountsStayTrueAsPodsAndNodesComeAndGo)
{
  GRand *random = g_rand_new_with_seed (3);
  std::map<std::string, std::string> pods; // where each is
  std::set<std::string> names;
  for (int i = 0; i < 150; i++)
    zoned ("n" + std::to_string (i), "z" + std::to_string (i % 4)), names.insert ("n" + std::to_string (i));
  schedule (spread ("zone"), "'app':'web'"); // makes a group that is kept up from now on
  for (int i = 0; i < 2000; i++) {
    std::string on = "n" + std::to_string (g_rand_int_range (random, 0, 150)), name = "p" + std::to_string (g_rand_int_range (random, 0, 300));
    switch (g_rand_int_range (random, 0, 10)) {
    case 0:
      sched_cache_remove_node (cache, on.c_str ());
      names.erase (on);
      break;
    case 1:
      zoned (on, "z" + std::to_string (g_rand_int_range (random, 0, 4)));
      names.insert (on);
      break;
    default:
      if (pods.count (name) != 0) {
        sched_pod_free (sched_cache_remove_pod (cache, name.c_str ()));
        pods.erase (name);
      } else {
        running (name, on, affinity ("podAntiAffinity", "x"), "'app':'web'");
        pods[name] = on;
      }
    }
  }
  ASSERT_EQ (g_hash_table_size (cache->topologies->groups), 1u);
  ASSERT_EQ (g_hash_table_size (cache->topologies->holders), 1u);
  GHashTableIter iter;
  gpointer group, holders;
  g_hash_table_iter_init (&iter, cache->topologies->groups);
  g_hash_table_iter_next (&iter, nullptr, &group);
  g_hash_table_iter_init (&iter, cache->topologies->holders);
  g_hash_table_iter_next (&iter, nullptr, &holders);
  SchedTopology *zone = sched_topology_get (cache, "zone");
  EXPECT_EQ (cache->n_nodes, names.size ());
  for (guint i = 0; i < cache->n_nodes; i++) {
    gint32 expected = 0;
    for (auto &entry : pods)
      expected += entry.second == cache->nodes[i]->name;
    EXPECT_EQ (static_cast<SchedGroup *> (group)->counts->cells[i], expected);
    EXPECT_EQ (static_cast<SchedHolders *> (holders)->counts->cells[i], expected);
    EXPECT_EQ (cache->n_pods[i], expected);
    EXPECT_EQ (zone->domains->cells[i],
               gint32 (GPOINTER_TO_UINT (g_hash_table_lookup (zone->ids, kube_value_get_member_string (cache->nodes[i]->labels, "zone")))));
  }
  g_rand_free (random);
}
