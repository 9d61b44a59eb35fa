/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-node-agent.h>
#include <kube/kube-server.h>
#include <string>
#include "wait-until.h"

namespace {

/* A node agent with a simulated runtime on a virtual clock, at a real server in memory. */
struct KubeNodeAgentTest : testing::Test {
  KubeVirtualClock *clock;
  KubeStore *store;
  KubeServer *server;
  KubeClient *client;
  KubeRuntime *runtime;
  KubeNetwork *network;
  KubeNodeAgent *agent = nullptr;

  void SetUp () override
  {
    static const char *const masters[] = { "system:masters", nullptr };
    g_autoptr (GError) error = nullptr;
    clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1767225600) * G_USEC_PER_SEC);
    store = kube_store_memory_new ();
    KubeServerOptions options = {};
    options.clock = KUBE_CLOCK (clock);
    server = kube_server_new (store, &options, &error);
    ASSERT_NE (server, nullptr) << error->message;
    client = kube_local_client_new (server, "admin", masters);
    runtime = kube_runtime_sim_new (KUBE_CLOCK (clock));
    network = kube_network_sim_new ();
    make (R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"default"}})");
    start ("10.1.0.0/24");
  }
  void TearDown () override
  {
    stop ();
    pump ();
    g_clear_object (&runtime);
    g_clear_object (&network);
    g_clear_object (&client);
    g_clear_object (&server);
    g_clear_object (&store);
    g_clear_object (&clock);
  }
  void start (const char *cidr)
  {
    KubeNodeAgentOptions options = {};
    options.client = client;
    options.clock = KUBE_CLOCK (clock);
    options.node_name = "n1";
    options.runtime = runtime;
    options.network = network;
    options.pod_cidr = cidr;
    options.node_ip = "192.0.2.1";
    options.cpus = 4;
    options.memory = G_GUINT64_CONSTANT (8) << 30;
    options.max_pods = 3;
    agent = kube_node_agent_new (&options);
    kube_node_agent_start (agent);
  }
  void stop ()
  {
    if (agent != nullptr)
      kube_node_agent_stop (agent);
    g_clear_object (&agent);
  }
  static void pump ()
  {
    while (g_main_context_iteration (nullptr, FALSE))
      ;
  }
  void make (const std::string &text)
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeObject) object = kube_object_parse (text.c_str (), -1, nullptr);
    g_autoptr (KubeObject) made = kube_client_create (client, object, &error);
    ASSERT_NE (made, nullptr) << error->message;
  }
  void pod (const std::string &name, const std::string &spec, const std::string &annotations = "{}")
  {
    make (R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":")" + name + R"(","annotations":)" + annotations +
          R"(},"spec":{"nodeName":"n1","automountServiceAccountToken":false,)" + spec + "}}");
  }
  KubeObject *get (const char *kind, const char *namespace_, const char *name)
  {
    return kube_client_get (client, KUBE_KIND (strcmp (kind, "Lease") == 0 ? "coordination.k8s.io/v1" : "v1", kind), namespace_, name, nullptr);
  }
  std::string at (const char *name, const char *path)
  {
    g_autoptr (KubeObject) object = get ("Pod", "default", name);
    KubeValue *value = object != nullptr ? kube_object_get (object, path) : nullptr;
    if (value == nullptr)
      return "";
    const char *text = kube_value_peek_string (value, nullptr);
    g_autofree char *printed = kube_value_print (value, nullptr);
    return text != nullptr ? text : printed;
  }
  bool becomes (const char *name, const char *path, const char *value)
  {
    bool good = wait_until ([&] { return at (name, path) == value; });
    EXPECT_EQ (at (name, path), value) << path;
    return good;
  }
  std::string condition (const char *name, const char *type)
  {
    g_autoptr (KubeObject) object = get ("Pod", "default", name);
    KubeValue *list = object != nullptr ? kube_object_get (object, "status.conditions") : nullptr;
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      KubeValue *c = kube_value_get_element (list, i);
      if (g_strcmp0 (kube_value_get_string (c, "type"), type) == 0)
        return std::string (kube_value_get_string (c, "status")) + "/" + (kube_value_get_string (c, "reason") != nullptr ? kube_value_get_string (c, "reason") : "");
    }
    return "";
  }
  void resize (const char *name, int cpus)
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, KUBE_KIND ("v1", "Pod"), "default", name);
    std::string text = R"({"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":)" + std::to_string (cpus) + R"(},"limits":{"cpu":)" + std::to_string (2 * cpus) + "}}}]}}";
    g_autoptr (KubeValue) patch = kube_value_parse (text.c_str (), -1, nullptr);
    kube_request_set_subresource (request, "resize");
    kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
    g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, &error);
    ASSERT_NE (response, nullptr) << error->message;
  }
  /* What the runtime was told last of the container, or of the pod as a whole. */
  gint64 in_runtime (const char *name, const char *key, bool whole = false)
  {
    g_autoptr (KubeObject) object = get ("Pod", "default", name);
    g_autofree char *path = g_strconcat ("resources.", key, nullptr);
    if (whole) {
      g_autoptr (KubeValue) pod = kube_runtime_dup_pod (runtime, kube_object_get_uid (object));
      return kube_value_get_integer (pod, path, -1);
    }
    g_autoptr (GPtrArray) list = kube_runtime_list_containers (runtime, kube_object_get_uid (object));
    for (guint i = 0; i < list->len; i++) {
      KubeContainer *info = (KubeContainer *) list->pdata[i];
      if (info->state == KUBE_CONTAINER_RUNNING)
        return kube_value_get_integer (info->config, path, -1);
    }
    return -1;
  }
  bool has_event (const char *name, const std::string &reason, const std::string &message)
  {
    g_autoptr (KubeObjectList) list = kube_client_list (client, KUBE_KIND ("v1", "Event"), "default", nullptr, nullptr);
    for (guint i = 0; i < kube_object_list_get_length (list); i++) {
      KubeObject *event = kube_object_list_get (list, i);
      if (g_strcmp0 (kube_object_get_string (event, "involvedObject.name"), name) == 0 && reason == kube_object_get_string (event, "reason") &&
          message == kube_object_get_string (event, "message"))
        return true;
    }
    return false;
  }
  void advance (double seconds)
  {
    kube_virtual_clock_advance (clock, seconds * G_USEC_PER_SEC);
    pump ();
  }
};

/* One container that asks for so many processors, and may have twice as many. */
std::string
asking (int cpus, const char *policy = "NotRequired")
{
  return R"("containers":[{"name":"c","image":"web","resizePolicy":[{"resourceName":"cpu","restartPolicy":")" + std::string (policy) + R"("}],"resources":{"requests":{"cpu":)" +
         std::to_string (cpus) + R"(},"limits":{"cpu":)" + std::to_string (2 * cpus) + "}}}]";
}

const char *const web = R"("containers":[{"name":"c","image":"web"}])";

}

TEST_F (KubeNodeAgentTest, RegistersTheNodeAndRenewsItsLease)
{
  ASSERT_TRUE (wait_until ([&] { g_autoptr (KubeObject) lease = get ("Lease", "kube-node-lease", "n1"); return lease != nullptr; }));
  g_autoptr (KubeObject) node = get ("Node", nullptr, "n1");
  ASSERT_NE (node, nullptr);
  EXPECT_STREQ (kube_object_get_label (node, "kubernetes.io/hostname"), "n1");
  EXPECT_STREQ (kube_object_get_string (node, "status.allocatable.cpu"), "4");
  EXPECT_STREQ (kube_object_get_string (node, "status.conditions.3.status"), "True");
  g_autoptr (KubeObject) before = get ("Lease", "kube-node-lease", "n1");
  advance (11);
  EXPECT_TRUE (wait_until ([&] {
    g_autoptr (KubeObject) lease = get ("Lease", "kube-node-lease", "n1");
    return g_strcmp0 (kube_object_get_string (lease, "spec.renewTime"), kube_object_get_string (before, "spec.renewTime")) != 0;
  }));
}

TEST_F (KubeNodeAgentTest, APodRunsUntilItIsDeleted)
{
  pod ("a", web);
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  EXPECT_EQ (at ("a", "status.podIP"), "10.1.0.2");
  EXPECT_EQ (at ("a", "status.hostIP"), "192.0.2.1");
  EXPECT_EQ (condition ("a", "Ready"), "True/");
  EXPECT_EQ (condition ("a", "PodReadyToStartContainers"), "True/");
  EXPECT_EQ (at ("a", "status.containerStatuses.0.ready"), "true");
  EXPECT_TRUE (kube_client_delete (client, KUBE_KIND ("v1", "Pod"), "default", "a", nullptr));
  EXPECT_TRUE (wait_until ([&] { advance (0); g_autoptr (KubeObject) object = get ("Pod", "default", "a"); return object == nullptr; }));
  EXPECT_TRUE (wait_until ([&] { g_auto (GStrv) left = kube_network_list (network); return g_strv_length (left) == 0; }));
}

TEST_F (KubeNodeAgentTest, APodThatEndsHasThePhaseOfItsContainers)
{
  pod ("good", R"("restartPolicy":"Never",)" + std::string (web), R"({"sim.libkube.dev/run-seconds":"5"})");
  pod ("bad", R"("restartPolicy":"Never",)" + std::string (web), R"({"sim.libkube.dev/run-seconds":"5","sim.libkube.dev/exit-code":"3"})");
  ASSERT_TRUE (becomes ("good", "status.phase", "Running"));
  ASSERT_TRUE (becomes ("bad", "status.phase", "Running"));
  advance (6);
  ASSERT_TRUE (becomes ("good", "status.phase", "Succeeded"));
  ASSERT_TRUE (becomes ("bad", "status.phase", "Failed"));
  EXPECT_EQ (condition ("good", "Ready"), "False/PodCompleted");
  EXPECT_EQ (condition ("bad", "Ready"), "False/PodFailed");
  EXPECT_EQ (condition ("good", "PodReadyToStartContainers"), "False/");
  EXPECT_EQ (at ("good", "status.containerStatuses.0.state.terminated.reason"), "Completed");
  EXPECT_EQ (at ("bad", "status.containerStatuses.0.state.terminated.exitCode"), "3");
}

TEST_F (KubeNodeAgentTest, ACrashLoopBacksOffLongerAndLonger)
{
  pod ("a", web, R"({"sim.libkube.dev/run-seconds":"1","sim.libkube.dev/exit-code":"1"})");
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  advance (1.1);
  ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.restartCount", "1")) << "the first restart is at once";
  EXPECT_EQ (at ("a", "status.containerStatuses.0.lastState.terminated.exitCode"), "1");
  advance (1.1);
  ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.state.waiting.reason", "CrashLoopBackOff"));
  EXPECT_EQ (at ("a", "status.containerStatuses.0.state.waiting.message").rfind ("back-off 10s restarting failed container=c pod=a_default(", 0), 0u);
  EXPECT_EQ (at ("a", "status.phase"), "Running");
  advance (8);
  EXPECT_EQ (at ("a", "status.containerStatuses.0.restartCount"), "1");
  advance (2.1);
  ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.restartCount", "2"));
  advance (1.1);
  ASSERT_TRUE (wait_until ([&] { return at ("a", "status.containerStatuses.0.state.waiting.message").rfind ("back-off 20s", 0) == 0; }));
}

TEST_F (KubeNodeAgentTest, InitContainersComeFirst)
{
  pod ("a", R"("restartPolicy":"Never","initContainers":[{"name":"i","image":"web"},{"name":"s","image":"web","restartPolicy":"Always"}],)" + std::string (web),
       R"({"sim.libkube.dev/run-seconds":"3"})");
  ASSERT_TRUE (wait_until ([&] { return condition ("a", "Initialized") == "False/ContainersNotInitialized"; }));
  EXPECT_EQ (at ("a", "status.containerStatuses.0.state.waiting.reason"), "PodInitializing");
  advance (3.1);
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  EXPECT_EQ (at ("a", "status.initContainerStatuses.0.state.terminated.reason"), "Completed");
  EXPECT_EQ (at ("a", "status.initContainerStatuses.1.started"), "true");
  EXPECT_EQ (condition ("a", "Initialized"), "True/");
  advance (3.1);
  ASSERT_TRUE (wait_until ([&] { advance (0.1); return at ("a", "status.phase") == "Succeeded"; })) << "the sidecar ends with the others";
}

TEST_F (KubeNodeAgentTest, ADeadlineEndsAPod)
{
  pod ("a", R"("activeDeadlineSeconds":10,)" + std::string (web));
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  advance (9);
  EXPECT_EQ (at ("a", "status.phase"), "Running");
  advance (1.5);
  ASSERT_TRUE (wait_until ([&] { advance (0.1); return at ("a", "status.phase") == "Failed"; }));
  EXPECT_EQ (at ("a", "status.reason"), "DeadlineExceeded");
}

TEST_F (KubeNodeAgentTest, ANewAgentTakesOverWhatRuns)
{
  pod ("a", web);
  pod ("b", web);
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  ASSERT_TRUE (becomes ("b", "status.phase", "Running"));
  std::string id = at ("a", "status.containerStatuses.0.containerID"), version = at ("a", "metadata.resourceVersion");
  stop ();
  /* deleted while nobody looks */
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, KUBE_KIND ("v1", "Pod"), "default", "b");
  kube_request_set_delete_options (request, 0, nullptr, nullptr, nullptr);
  g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, nullptr);
  start ("10.1.0.0/24");
  EXPECT_TRUE (wait_until ([&] { g_auto (GStrv) left = kube_runtime_list_pods (runtime); return g_strv_length (left) == 1; }));
  advance (5);
  EXPECT_EQ (at ("a", "status.containerStatuses.0.containerID"), id);
  EXPECT_EQ (at ("a", "status.containerStatuses.0.restartCount"), "0");
  EXPECT_EQ (at ("a", "metadata.resourceVersion"), version) << "nothing changed, so nothing is written";
}

TEST_F (KubeNodeAgentTest, WhatDoesNotFitIsRejected)
{
  pod ("big", R"("containers":[{"name":"c","image":"web","resources":{"requests":{"cpu":"5"}}}])");
  ASSERT_TRUE (becomes ("big", "status.phase", "Failed"));
  EXPECT_EQ (at ("big", "status.reason"), "OutOfcpu");
  EXPECT_EQ (at ("big", "status.message"), "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000");
  pod ("huge", R"("containers":[{"name":"c","image":"web","resources":{"requests":{"memory":"7Ei"}}},{"name":"d","image":"web","resources":{"requests":{"memory":"7Ei"}}}])");
  ASSERT_TRUE (becomes ("huge", "status.phase", "Failed"));
  EXPECT_EQ (at ("huge", "status.reason"), "OutOfmemory") << "not even where the sum is too large for a number";
  for (const char *name : { "a", "b", "c" }) {
    pod (name, web);
    ASSERT_TRUE (becomes (name, "status.phase", "Running"));
  }
  pod ("d", web);
  ASSERT_TRUE (becomes ("d", "status.reason", "OutOfpods"));
}

TEST_F (KubeNodeAgentTest, ResourcesChangeInPlace)
{
  pod ("a", asking (1));
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  EXPECT_EQ (at ("a", "status.containerStatuses.0.allocatedResources.cpu"), "1");
  EXPECT_EQ (in_runtime ("a", "cpuQuota"), 200000);
  resize ("a", 2);
  ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.resources.limits.cpu", "4"));
  ASSERT_TRUE (becomes ("a", "status.observedGeneration", "2"));
  EXPECT_EQ (at ("a", "status.containerStatuses.0.allocatedResources.cpu"), "2");
  EXPECT_EQ (at ("a", "status.containerStatuses.0.restartCount"), "0");
  EXPECT_EQ (in_runtime ("a", "cpuQuota"), 400000);
  EXPECT_EQ (in_runtime ("a", "cpuShares"), 2048);
  EXPECT_EQ (in_runtime ("a", "cpuQuota", true), 400000);
  EXPECT_EQ (in_runtime ("a", "cpuShares", true), 2048);
  ASSERT_TRUE (wait_until ([&] { return condition ("a", "PodResizeInProgress") == ""; }));
  const std::string summary = R"({"containers":[{"name":"c","resources":{"limits":{"cpu":"4"},"requests":{"cpu":"2"}}}],"generation":2})";
  EXPECT_TRUE (wait_until ([&] { return has_event ("a", "ResizeStarted", "Pod resize started: " + summary); }));
  EXPECT_TRUE (wait_until ([&] { return has_event ("a", "ResizeCompleted", "Pod resize completed: " + summary); }));
  resize ("a", 1);
  ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.resources.limits.cpu", "2"));
  ASSERT_TRUE (wait_until ([&] { return in_runtime ("a", "cpuQuota", true) == 200000; }));
}

TEST_F (KubeNodeAgentTest, MoreResourcesWaitForRoom)
{
  pod ("a", asking (2));
  pod ("b", asking (1));
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  ASSERT_TRUE (becomes ("b", "status.phase", "Running"));
  resize ("b", 3);
  ASSERT_TRUE (wait_until ([&] { return condition ("b", "PodResizePending") == "True/Deferred"; }));
  EXPECT_TRUE (wait_until ([&] {
    return has_event ("b", "ResizeDeferred", R"(Pod resize Deferred: {"containers":[{"name":"c","resources":{"limits":{"cpu":"6"},"requests":{"cpu":"3"}}}],)"
                                             R"("generation":2,"error":"Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000"})");
  }));
  EXPECT_EQ (at ("b", "status.containerStatuses.0.allocatedResources.cpu"), "1");
  EXPECT_EQ (at ("b", "status.containerStatuses.0.resources.limits.cpu"), "2");
  pod ("c", asking (1));
  ASSERT_TRUE (becomes ("c", "status.phase", "Running")) << "what is not granted takes no room";

  ASSERT_TRUE (kube_client_delete (client, KUBE_KIND ("v1", "Pod"), "default", "c", nullptr));
  ASSERT_TRUE (kube_client_delete (client, KUBE_KIND ("v1", "Pod"), "default", "a", nullptr));
  ASSERT_TRUE (wait_until ([&] { advance (0.1); return at ("b", "status.containerStatuses.0.resources.limits.cpu") == "6"; }));
  ASSERT_TRUE (wait_until ([&] { return condition ("b", "PodResizePending") == "" && condition ("b", "PodResizeInProgress") == ""; }));
}

TEST_F (KubeNodeAgentTest, AChangeThatIsTakenBackWaitsNoMore)
{
  pod ("a", asking (1));
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  resize ("a", 5);
  ASSERT_TRUE (wait_until ([&] { return condition ("a", "PodResizePending") == "True/Deferred"; }));
  resize ("a", 1);
  ASSERT_TRUE (wait_until ([&] { return condition ("a", "PodResizePending") == ""; }));
  EXPECT_EQ (in_runtime ("a", "cpuQuota"), 200000);
}

TEST_F (KubeNodeAgentTest, AContainerThatWantsItIsRestartedWithItsNewResources)
{
  pod ("a", asking (1, "RestartContainer"));
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  for (int turn = 1; turn <= 2; turn++) {
    resize ("a", turn == 1 ? 2 : 1);
    ASSERT_TRUE (wait_until ([&] { advance (0.01); return at ("a", "status.containerStatuses.0.restartCount") == std::to_string (turn); })) << "without back-off";
    ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.resources.limits.cpu", turn == 1 ? "4" : "2"));
    ASSERT_TRUE (wait_until ([&] { return condition ("a", "PodResizeInProgress") == ""; }));
    EXPECT_EQ (in_runtime ("a", "cpuQuota"), turn == 1 ? 400000 : 200000);
    EXPECT_TRUE (wait_until ([&] { return has_event ("a", "Killing", "Container c resize requires restart"); }));
  }
}

TEST_F (KubeNodeAgentTest, ANewAgentEndsAChangeThatWasBegun)
{
  pod ("a", asking (1));
  ASSERT_TRUE (becomes ("a", "status.phase", "Running"));
  stop ();
  resize ("a", 2);
  start ("10.1.0.0/24");
  ASSERT_TRUE (becomes ("a", "status.containerStatuses.0.resources.limits.cpu", "4"));
  EXPECT_EQ (in_runtime ("a", "cpuQuota"), 400000);
}
