/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-fixture.h"
#include <glib/gstdio.h>
#include <gnutls/x509.h>
#include "wait-until.h"

namespace {

TEST_F (Server, BootstrapsNamespacesAndTheKubernetesService)
{
  EXPECT_EQ (get ("Namespace", "kube-system").at ("status.phase"), "Active");
  EXPECT_EQ (get ("Service", "kubernetes").at ("spec.clusterIP"), "10.96.0.1");
}

TEST_F (Server, PublishesWhereItIsReached)
{
  ASSERT_TRUE (kube_server_publish (server, "192.0.2.7", 6443, nullptr));
  Answer first = get ("Endpoints", "kubernetes");
  EXPECT_EQ (first.at ("subsets.0.addresses.0.ip"), "192.0.2.7");
  ASSERT_TRUE (kube_server_publish (server, "192.0.2.7", 6443, nullptr));
  EXPECT_EQ (get ("Endpoints", "kubernetes").at ("metadata.resourceVersion"), first.at ("metadata.resourceVersion"));
  ASSERT_TRUE (kube_server_publish (server, "192.0.2.8", 6443, nullptr));
  Answer moved = get ("Endpoints", "kubernetes");
  EXPECT_EQ (moved.at ("subsets.0.addresses.0.ip"), "192.0.2.8");
  EXPECT_EQ (moved.at ("metadata.uid"), first.at ("metadata.uid"));
}

TEST_F (Server, CreatedObjectHasMetadataOfTheServerAndIsReadBack)
{
  Answer made = create ("ConfigMap", config_map ("a"));
  ASSERT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (made.at ("metadata.namespace"), "default");
  EXPECT_EQ (made.at ("metadata.creationTimestamp"), "2026-01-01T00:00:00Z");
  EXPECT_EQ (made.at ("metadata.uid").size (), 36u);
  EXPECT_NE (made.at ("metadata.resourceVersion"), "");
  Answer read = get ("ConfigMap", "a");
  EXPECT_TRUE (kube_value_equal (kube_object_get_value (read.object), kube_object_get_value (made.object)));
}

TEST_F (Server, SecondCreateIsRefused)
{
  create ("ConfigMap", config_map ("a"));
  Answer again = create ("ConfigMap", config_map ("a"));
  EXPECT_EQ (again.status, 409);
  EXPECT_EQ (again.reason, "AlreadyExists");
  EXPECT_EQ (again.message, "configmaps \"a\" already exists");
}

TEST_F (Server, DryRunCreatesNothing)
{
  Answer made = create ("ConfigMap", config_map ("a"), "dryRun", "All");
  EXPECT_EQ (made.status, 201);
  EXPECT_EQ (made.at ("metadata.resourceVersion"), "");
  EXPECT_EQ (get ("ConfigMap", "a").message, "configmaps \"a\" not found");
}

TEST_F (Server, GeneratedNamesDiffer)
{
  const char *json = "{\"metadata\":{\"generateName\":\"x-\"}}";
  std::string a = create ("ConfigMap", json).at ("metadata.name"), b = create ("ConfigMap", json).at ("metadata.name");
  EXPECT_EQ (a.size (), 7u);
  EXPECT_NE (a, b);
}

TEST_F (Server, UpdateWithAnOldVersionIsAConflictAndWithNoneIsNot)
{
  Answer made = create ("ConfigMap", config_map ("a"));
  ASSERT_EQ (patch ("ConfigMap", "a", "{\"data\":{\"k\":\"w\"}}").status, 200);
  Answer late = update ("ConfigMap", "a", made.object);
  EXPECT_EQ (late.status, 409);
  EXPECT_EQ (late.message, "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again");
  g_autoptr (KubeObject) fresh = kube_object_parse (config_map ("a").c_str (), -1, nullptr);
  Answer forced = update ("ConfigMap", "a", fresh);
  EXPECT_EQ (forced.status, 200) << forced.message;
  EXPECT_EQ (forced.at ("metadata.uid"), made.at ("metadata.uid"));
}

/* Its writes are on their way for a while, so that others come between a read and the write that it led to. */
class DurableServer : public Server {
protected:
  KubeStore *make_store () override
  {
    folder = g_dir_make_tmp ("test-kube-server-XXXXXX", nullptr);
    return kube_store_lmdb_new (folder, nullptr);
  }
  void TearDown () override
  {
    Server::TearDown ();
    for (const char *name : { "data.mdb", "lock.mdb", "pid" }) {
      g_autofree char *path = g_build_filename (folder, name, nullptr);
      g_unlink (path);
    }
    g_rmdir (folder);
    g_free (folder);
  }
  char *folder = nullptr;
};

TEST_F (DurableServer, ManyPatchesOfOneObjectAllComeThrough)
{
  static const int n = 100;
  struct Count {
    int done = 0, failed = 0;
  } count;
  ASSERT_EQ (create ("ConfigMap", config_map ("a")).status, 201);
  for (int i = 0; i < n; i++) {
    std::string json = "{\"data\":{\"key-" + std::to_string (i) + "\":\"v\"}}";
    g_autoptr (KubeValue) value = kube_value_parse (json.c_str (), -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", "a");
    kube_request_set_patch (request, KUBE_PATCH_MERGE, value);
    kube_client_send_async (
      client, request, nullptr,
      [] (GObject *source, GAsyncResult *result, gpointer data) {
        g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, nullptr);
        static_cast<Count *> (data)->done++;
        static_cast<Count *> (data)->failed += response == nullptr;
      },
      &count);
  }
  while (count.done < n)
    g_main_context_iteration (nullptr, TRUE);
  EXPECT_EQ (count.failed, 0);
  Answer a = get ("ConfigMap", "a");
  for (int i = 0; i < n; i++)
    EXPECT_EQ (a.at (("data.key-" + std::to_string (i)).c_str ()), "v");
}

TEST_F (DurableServer, AppliesThatMakeAnObjectAtTheSameTimeAllTakeEffect)
{
  static const int n = 8;
  struct Count {
    int done = 0, failed = 0;
  } count;
  for (int i = 0; i < n; i++) {
    std::string manager = "m" + std::to_string (i), json = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{")" + manager + R"(":"v"}})";
    g_autoptr (KubeValue) value = kube_value_parse (json.c_str (), -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", "a");
    kube_request_set_patch (request, KUBE_PATCH_APPLY, value);
    kube_request_set_option (request, "fieldManager", manager.c_str ());
    kube_client_send_async (
      client, request, nullptr,
      [] (GObject *source, GAsyncResult *result, gpointer data) {
        g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, nullptr);
        static_cast<Count *> (data)->done++;
        static_cast<Count *> (data)->failed += response == nullptr;
      },
      &count);
  }
  while (count.done < n)
    g_main_context_iteration (nullptr, TRUE);
  EXPECT_EQ (count.failed, 0);
  EXPECT_EQ (kube_value_get_length (kube_object_get (get ("ConfigMap", "a").object, "data")), (guint) n);
}

TEST_F (Server, UpdateDoesNotCreate)
{
  g_autoptr (KubeObject) object = kube_object_parse (config_map ("nosuch").c_str (), -1, nullptr);
  EXPECT_EQ (update ("ConfigMap", "nosuch", object).status, 404);
}

TEST_F (Server, WriteThatChangesNothingKeepsTheVersion)
{
  Answer made = create ("ConfigMap", config_map ("a"));
  Answer same = patch ("ConfigMap", "a", "{\"data\":{\"k\":\"v\"}}");
  EXPECT_EQ (same.status, 200);
  EXPECT_EQ (same.at ("metadata.resourceVersion"), made.at ("metadata.resourceVersion"));
}

TEST_F (Server, EmptyListsAndMapsAreNotStoredAndAreNoChange)
{
  Answer made = create ("Pod", "{\"metadata\":{\"name\":\"p\",\"labels\":{}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"env\":[]}],\"hostAliases\":[]}}");
  EXPECT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (kube_object_get (made.object, "metadata.labels"), nullptr);
  EXPECT_EQ (kube_object_get (made.object, "spec.hostAliases"), nullptr);
  EXPECT_EQ (kube_object_get (made.object, "spec.containers.0.env"), nullptr);
  Answer same = patch ("Pod", "p", "{\"spec\":{\"hostAliases\":[]}}");
  EXPECT_EQ (same.status, 200) << same.message;
  EXPECT_EQ (same.at ("metadata.resourceVersion"), made.at ("metadata.resourceVersion"));
}

TEST_F (Server, GenerationCountsChangesOfTheSpecOnly)
{
  ASSERT_EQ (create ("Deployment", "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"
                                   "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}").status, 201);
  EXPECT_EQ (kube_object_get_generation (get ("Deployment", "d").object), 1);
  EXPECT_EQ (kube_object_get_generation (patch ("Deployment", "d", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}").object), 1);
  EXPECT_EQ (kube_object_get_generation (patch ("Deployment", "d", "{\"spec\":{\"replicas\":3}}").object), 2);
  Answer status = patch ("Deployment", "d", "{\"spec\":{\"replicas\":9},\"status\":{\"replicas\":2}}", "status");
  EXPECT_EQ (kube_object_get_generation (status.object), 2);
  EXPECT_EQ (kube_object_get_integer (status.object, "spec.replicas", 0), 3);
  EXPECT_EQ (kube_object_get_integer (status.object, "status.replicas", 0), 2);
  EXPECT_EQ (kube_object_get_integer (patch ("Deployment", "d", "{\"status\":{\"replicas\":7}}").object, "status.replicas", 0), 2);
}

TEST_F (Server, AStatusComesWithoutTheRestOfTheMetadataWhereUpstreamHasItSo)
{
  static const char meta[] = R"({"metadata":{"labels":{"a":"b"},"annotations":{"a":"b"},"finalizers":["x.io/y"]}})";

  ASSERT_EQ (create ("VolumeAttachment", R"({"metadata":{"name":"v"},"spec":{"attacher":"a","nodeName":"n","source":{"persistentVolumeName":"p"}}})").status, 201);
  ASSERT_EQ (create ("ServiceCIDR", R"({"metadata":{"name":"s"},"spec":{"cidrs":["10.9.0.0/24"]}})").status, 201);
  for (const char *kind : { "VolumeAttachment", "ServiceCIDR" }) {
    Answer answer = patch (kind, kind[0] == 'V' ? "v" : "s", meta, "status");
    EXPECT_EQ (answer.status, 200) << answer.message;
    for (const char *path : { "metadata.labels", "metadata.annotations", "metadata.finalizers" })
      EXPECT_EQ (kube_object_get (answer.object, path), nullptr) << kind << path;
  }
}

TEST_F (Server, AnApiServiceOfTheServersOwnIsThereAtOnce)
{
  static const char local[] = R"({"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.z.io"},"spec":{"group":"z.io","version":"v1","groupPriorityMinimum":10,"versionPriority":10}})";
  g_autoptr (KubeObject) object = kube_object_parse (local, -1, nullptr);
  Answer made = create ("APIService", local);

  EXPECT_EQ (made.at ("status.conditions.0.reason"), "Local") << made.message;
  EXPECT_EQ (update ("APIService", "v1.z.io", object).status, 422);
}

TEST_F (Server, ScaleReadsAndWritesReplicas)
{
  create ("Deployment", "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"
                        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
  Answer scale = patch ("Deployment", "d", "{\"spec\":{\"replicas\":4}}", "scale");
  ASSERT_EQ (scale.status, 200) << scale.message;
  EXPECT_STREQ (kube_object_get_kind (scale.object), "Scale");
  EXPECT_EQ (scale.at ("status.selector"), "a=b");
  EXPECT_EQ (kube_object_get_integer (get ("Deployment", "d").object, "spec.replicas", 0), 4);
  EXPECT_EQ (patch ("Deployment", "d", "{\"metadata\":{\"name\":\"x\"}}", "scale").message, "the name of the object (x) does not match the name on the URL (d)");
  EXPECT_EQ (patch ("Deployment", "d", "{\"metadata\":{\"uid\":\"x\"}}", "scale").message,
             "Operation cannot be fulfilled on deployments/scale.apps \"d\": Precondition failed: UID in precondition: x, UID in object meta: " + get ("Deployment", "d").at ("metadata.uid"));
}

TEST_F (Server, DeletionAnswersWithAStatusAndTheObjectIsGone)
{
  Answer made = create ("ConfigMap", config_map ("a"));
  Answer gone = remove ("ConfigMap", "a");
  EXPECT_EQ (gone.status, 200);
  EXPECT_EQ (gone.at ("status"), "Success");
  EXPECT_EQ (gone.at ("details.uid"), made.at ("metadata.uid"));
  EXPECT_EQ (get ("ConfigMap", "a").status, 404);
}

TEST_F (Server, FinalizersHoldADeletionUntilTheyAreGone)
{
  create ("ConfigMap", "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.y/z\"]}}");
  Answer held = remove ("ConfigMap", "a");
  EXPECT_EQ (held.at ("metadata.deletionTimestamp"), "2026-01-01T00:00:00Z");
  EXPECT_EQ (get ("ConfigMap", "a").status, 200);
  EXPECT_EQ (patch ("ConfigMap", "a", "{\"metadata\":{\"finalizers\":null}}").status, 200);
  EXPECT_EQ (get ("ConfigMap", "a").status, 404);
}

TEST_F (Server, ForegroundDeletionAddsItsFinalizer)
{
  create ("ConfigMap", config_map ("a"));
  Answer held = remove ("ConfigMap", "a", -1, "Foreground");
  EXPECT_TRUE (kube_object_has_finalizer (held.object, "foregroundDeletion"));
}

TEST_F (Server, BoundPodIsDeletedGracefullyAndAtOnceWithoutGrace)
{
  ASSERT_EQ (create ("Pod", pod ("p", ",\"nodeName\":\"n\"")).status, 201);
  Answer dying = remove ("Pod", "p");
  EXPECT_EQ (kube_object_get_integer (dying.object, "metadata.deletionGracePeriodSeconds", -1), 30);
  EXPECT_EQ (dying.at ("metadata.deletionTimestamp"), "2026-01-01T00:00:30Z");
  EXPECT_EQ (remove ("Pod", "p", 0).status, 200);
  EXPECT_EQ (get ("Pod", "p").status, 404);
}

TEST_F (Server, BindingAssignsAPodOnce)
{
  create ("Pod", pod ("p"));
  auto bind = [this] (const char *node) {
    std::string json = std::string ("{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\",\"name\":\"") + node + "\"}}";
    g_autoptr (KubeObject) object = kube_object_parse (json.c_str (), -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Pod"), "default", "p");
    kube_request_set_subresource (request, "binding");
    kube_request_set_object (request, object);
    return send (request);
  };
  EXPECT_EQ (bind ("n1").status, 201);
  EXPECT_EQ (get ("Pod", "p").at ("spec.nodeName"), "n1");
  EXPECT_EQ (bind ("n2").message, "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n1\"");
}

TEST_F (Server, ListPagesStayOnOneSnapshot)
{
  for (const char *name : { "p1", "p2", "p3", "p4", "p5" })
    create ("ConfigMap", config_map (name, "{\"set\":\"x\"}"));
  Answer first = list ("ConfigMap", { { "limit", "2" }, { "labelSelector", "set=x" } });
  ASSERT_EQ (kube_object_list_get_length (first.list), 2u);
  create ("ConfigMap", config_map ("p25", "{\"set\":\"x\"}"));
  Answer rest = list ("ConfigMap", { { "labelSelector", "set=x" }, { "continue", kube_object_list_get_continue (first.list) } });
  ASSERT_EQ (rest.status, 200) << rest.message;
  EXPECT_EQ (kube_object_list_get_length (rest.list), 3u);
  EXPECT_EQ (kube_object_list_get_continue (rest.list), nullptr);
  EXPECT_STREQ (kube_object_list_get_resource_version (rest.list), kube_object_list_get_resource_version (first.list));
}

TEST_F (Server, AListWhosePagesHaveExpiredMayGoOnAsOfNow)
{
  for (const char *name : { "p1", "p2", "p3", "p4", "p5" })
    create ("ConfigMap", config_map (name, "{}"));
  Answer first = list ("ConfigMap", { { "limit", "2" } });
  create ("ConfigMap", config_map ("p25", "{}"));
  kube_store_compact (store, kube_store_get_revision (store));
  Answer expired = list ("ConfigMap", { { "limit", "2" }, { "continue", kube_object_list_get_continue (first.list) } });
  EXPECT_EQ (expired.status, 410);
  EXPECT_EQ (expired.reason, "Expired");
  EXPECT_EQ (expired.message.rfind ("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use", 0), 0u) << expired.message;
  ASSERT_NE (expired.go_on, "");
  Answer second = list ("ConfigMap", { { "limit", "2" }, { "continue", expired.go_on.c_str () } });
  ASSERT_EQ (second.status, 200) << second.message;
  EXPECT_STREQ (kube_object_get_name (kube_object_list_get (second.list, 0)), "p25") << "what was made meanwhile";
  EXPECT_EQ (kube_object_list_get_remaining (second.list), 2);
  EXPECT_STRNE (kube_object_list_get_resource_version (second.list), kube_object_list_get_resource_version (first.list));
  Answer last = list ("ConfigMap", { { "continue", kube_object_list_get_continue (second.list) } });
  EXPECT_EQ (kube_object_list_get_length (last.list), 2u);
}

TEST_F (Server, BadListParametersAreErrorsAsUpstreamWordsThem)
{
  EXPECT_EQ (list ("ConfigMap", { { "limit", "x" } }).message, "strconv.ParseInt: parsing \"x\": invalid syntax");
  EXPECT_EQ (list ("ConfigMap", { { "resourceVersion", "abc" } }).message, "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax");
  EXPECT_EQ (list ("ConfigMap", { { "fieldSelector", "data.k=v" } }).message, "\"data.k\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
  EXPECT_EQ (list ("ConfigMap", { { "resourceVersion", "999999999999" } }).status, 504);
}

TEST_F (Server, DeleteCollectionTakesWhatTheSelectorSays)
{
  create ("ConfigMap", config_map ("a", "{\"set\":\"x\"}"));
  create ("ConfigMap", config_map ("b", "{\"set\":\"y\"}"));
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE_COLLECTION, KUBE_KIND ("v1", "ConfigMap"), "default", nullptr);
  kube_request_set_option (request, "labelSelector", "set=x");
  EXPECT_EQ (send (request).status, 200);
  EXPECT_EQ (get ("ConfigMap", "a").status, 404);
  EXPECT_EQ (get ("ConfigMap", "b").status, 200);
}

TEST_F (Server, TheRootListsThePathsThatThereAre)
{
  Answer answer = raw ("/");
  EXPECT_EQ (answer.status, 200);
  EXPECT_NE (answer.text.find ("\"/apis/apps/v1\""), std::string::npos) << answer.text;
}

TEST_F (Server, UnknownPathsAndMethodsAreSaidSo)
{
  EXPECT_EQ (raw ("/api/v1/nosuch").message, "the server could not find the requested resource");
  EXPECT_EQ (raw ("/apis/nosuch").message, "404 page not found\n");
  EXPECT_EQ (raw ("/readyz").text, "ok");
  EXPECT_NE (raw ("/livez?verbose").text.find ("[+]ping ok"), std::string::npos);
  EXPECT_NE (raw ("/apis/apps/v1").text.find ("\"storageVersionHash\":\"8aSe+NMegvE=\""), std::string::npos);
}

TEST_F (Server, EvictionAsksTheDisruptionBudget)
{
  KubeKind *budgets = KUBE_KIND ("policy/v1", "PodDisruptionBudget");
  auto evict = [this] (const char *name) {
    g_autofree char *json = g_strdup_printf ("{\"metadata\":{\"name\":\"%s\"}}", name);
    g_autoptr (KubeObject) object = kube_object_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Pod"), "default", name);
    kube_request_set_subresource (request, "eviction");
    kube_request_set_object (request, object);
    return send (request);
  };
  for (const char *name : { "a", "b" }) {
    ASSERT_EQ (create ("Pod", std::string ("{\"metadata\":{\"name\":\"") + name + "\",\"labels\":{\"app\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}").status, 201);
    patch ("Pod", name, "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}", "status");
  }
  g_autoptr (KubeObject) budget = kube_object_parse ("{\"metadata\":{\"name\":\"b\"},\"spec\":{\"minAvailable\":1,\"selector\":{\"matchLabels\":{\"app\":\"x\"}}}}", -1, nullptr);
  g_autoptr (KubeRequest) make = kube_request_new (KUBE_VERB_CREATE, budgets, "default", nullptr);
  kube_request_set_object (make, budget);
  ASSERT_EQ (send (make).status, 201);
  EXPECT_EQ (evict ("a").status, 429);
  g_autoptr (KubeValue) status = kube_value_parse ("{\"status\":{\"observedGeneration\":1,\"disruptionsAllowed\":1,\"currentHealthy\":2,\"desiredHealthy\":1,\"expectedPods\":2}}", -1, nullptr);
  g_autoptr (KubeRequest) allow = kube_request_new (KUBE_VERB_PATCH, budgets, "default", "b");
  kube_request_set_subresource (allow, "status");
  kube_request_set_patch (allow, KUBE_PATCH_MERGE, status);
  Answer allowed = send (allow);
  ASSERT_EQ (allowed.status, 200) << allowed.message;
  Answer gone = evict ("a");
  EXPECT_EQ (gone.status, 201) << gone.message;
  EXPECT_EQ (get ("Pod", "a").status, 404);
  EXPECT_EQ (evict ("b").status, 429);
  ASSERT_EQ (create ("PodDisruptionBudget", "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"minAvailable\":1,\"selector\":{\"matchLabels\":{\"app\":\"x\"}}}}").status, 201);
  Answer torn = evict ("b");
  EXPECT_EQ (torn.status, 500);
  EXPECT_EQ (torn.message, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
}

TEST_F (Server, AnEvictedPodSaysWhyItGoes)
{
  auto evict = [this] (const std::string &options) {
    g_autoptr (KubeObject) object = kube_object_parse (("{\"metadata\":{\"name\":\"a\"},\"deleteOptions\":{" + options + "}}").c_str (), -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Pod"), "default", "a");
    kube_request_set_subresource (request, "eviction");
    kube_request_set_object (request, object);
    return send (request);
  };
  ASSERT_EQ (create ("Pod", "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x/y\"]},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}").status, 201);
  patch ("Pod", "a", "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}", "status");
  ASSERT_EQ (evict ("\"dryRun\":[\"All\"]").status, 201);
  EXPECT_EQ (kube_value_get_length (kube_object_get (get ("Pod", "a").object, "status.conditions")), 1u);
  EXPECT_EQ (evict ("\"preconditions\":{\"resourceVersion\":\"1\"}").status, 409);
  EXPECT_EQ (kube_value_get_length (kube_object_get (get ("Pod", "a").object, "status.conditions")), 1u);
  Answer before = get ("Pod", "a");
  ASSERT_EQ (evict ("\"preconditions\":{\"resourceVersion\":\"" + std::string (kube_object_get_resource_version (before.object)) + "\"}").status, 201);
  Answer after = get ("Pod", "a");
  KubeValue *condition = kube_value_find_element (kube_object_get (after.object, "status.conditions"), "type", "DisruptionTarget");
  EXPECT_STREQ (kube_value_get_string (condition, "status"), "True");
  EXPECT_STREQ (kube_value_get_string (condition, "reason"), "EvictionByEvictionAPI");
  EXPECT_STREQ (kube_value_get_string (condition, "message"), "Eviction API: evicting");
  EXPECT_TRUE (kube_object_is_deleting (after.object));
}

TEST_F (Server, ServiceGetsAnAddressAndPortsAndFreesThemWithItsEnd)
{
  const char *fixed = "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"10.96.7.7\",\"ports\":[{\"port\":80,\"nodePort\":30123}]}}";
  const char *again = "{\"metadata\":{\"name\":\"t\"},\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"10.96.7.7\",\"ports\":[{\"port\":80}]}}";
  Answer any = create ("Service", "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"ports\":[{\"port\":80}]}}");
  EXPECT_EQ (any.at ("spec.clusterIP").substr (0, 6), "10.96.");
  EXPECT_EQ (any.at ("spec.clusterIPs.0"), any.at ("spec.clusterIP"));
  ASSERT_EQ (create ("Service", fixed).status, 201);
  Answer taken = create ("Service", again);
  EXPECT_EQ (taken.status, 422);
  EXPECT_EQ (taken.message, "Service \"t\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.7.7\"]: failed to allocate IP 10.96.7.7: provided IP is already allocated");
  ASSERT_EQ (remove ("Service", "s").status, 200);
  Answer free = create ("Service", again);
  ASSERT_EQ (free.status, 201) << free.message;
  gint64 port = kube_object_get_integer (free.object, "spec.ports.0.nodePort", 0);
  EXPECT_GE (port, 30000);
  Answer changed = patch ("Service", "t", "{\"spec\":{\"type\":\"ClusterIP\"}}");
  EXPECT_EQ (kube_object_get_integer (changed.object, "spec.ports.0.nodePort", 0), 0) << changed.message;
}

TEST_F (Server, AddressesOfStoredServicesAreTakenAfterARestart)
{
  ASSERT_EQ (create ("Service", "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"10.96.7.7\",\"ports\":[{\"port\":80}]}}").status, 201);
  static const char *const masters[] = { "system:masters", nullptr };
  g_clear_object (&client);
  g_clear_object (&server);
  g_autoptr (GError) error = nullptr;
  server = kube_server_new (store, nullptr, &error);
  ASSERT_NE (server, nullptr) << error->message;
  client = kube_local_client_new (server, "admin", masters);
  EXPECT_EQ (create ("Service", "{\"metadata\":{\"name\":\"t\"},\"spec\":{\"clusterIP\":\"10.96.7.7\",\"ports\":[{\"port\":80}]}}").status, 422);
}

struct Seen {
  std::vector<std::string> events;
  bool closed = false;
  std::string error;
};

void
on_event (KubeWatch *, KubeWatchEventType type, KubeObject *object, gpointer data)
{
  static const char *const names[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK" };
  const char *name = kube_object_get_name (object);
  static_cast<Seen *> (data)->events.push_back (std::string (names[type]) + " " + (name != nullptr ? name : "-"));
}

void
on_closed (KubeWatch *, GError *error, gpointer data)
{
  static_cast<Seen *> (data)->closed = true;
  if (error != nullptr)
    static_cast<Seen *> (data)->error = error->message;
}

TEST_F (Server, WatchSendsWhatIsThereAndThenWhatHappens)
{
  Seen seen;
  create ("ConfigMap", config_map ("a", "{\"set\":\"x\"}"));
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_WATCH, KUBE_KIND ("v1", "ConfigMap"), "default", nullptr);
  kube_request_set_option (request, "labelSelector", "set=x");
  kube_request_set_option (request, "sendInitialEvents", "true");
  kube_request_set_option (request, "resourceVersionMatch", "NotOlderThan");
  kube_request_set_option (request, "allowWatchBookmarks", "true");
  g_autoptr (KubeWatch) watch = kube_client_watch (client, request);
  kube_watch_set_func (watch, on_event, &seen, nullptr);
  g_signal_connect (watch, "closed", G_CALLBACK (on_closed), &seen);
  kube_watch_start (watch);
  EXPECT_TRUE (wait_until ([&] { return seen.events.size () == 2; }));
  create ("ConfigMap", config_map ("b", "{\"set\":\"y\"}"));
  patch ("ConfigMap", "b", "{\"metadata\":{\"labels\":{\"set\":\"x\"}}}");
  patch ("ConfigMap", "a", "{\"data\":{\"k\":\"w\"}}");
  patch ("ConfigMap", "b", "{\"metadata\":{\"labels\":{\"set\":\"y\"}}}");
  remove ("ConfigMap", "a");
  EXPECT_TRUE (wait_until ([&] { return seen.events.size () == 6; }));
  EXPECT_EQ (seen.events, (std::vector<std::string>{ "ADDED a", "BOOKMARK -", "ADDED b", "MODIFIED a", "DELETED b", "DELETED a" }));
  kube_server_shut_down (server);
  EXPECT_TRUE (wait_until ([&] { return seen.closed; }));
  EXPECT_EQ (seen.error, "");
}

TEST_F (Server, AWatchOfATimeBelowZeroEndsAtOnceAndEmpty)
{
  create ("ConfigMap", config_map ("a"));
  Answer answer = raw ("/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=-1");
  EXPECT_EQ (answer.status, 200);
  EXPECT_EQ (answer.text, "");
  EXPECT_EQ (list ("ConfigMap", { { "timeoutSeconds", "-1" } }).status, 200);
}

TEST_F (Server, WhoMeansAnotherObjectIsToldOfThePlaceInTheStore)
{
  create ("ConfigMap", config_map ("a"));
  create ("Service", R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}})");
  create ("ServiceCIDR", R"({"metadata":{"name":"x"},"spec":{"cidrs":["10.1.0.0/24"]}})");
  create ("APIService", R"({"metadata":{"name":"v1.z.io"},"spec":{"group":"z.io","version":"v1","groupPriorityMinimum":10,"versionPriority":10}})");
  create ("Endpoints", R"({"metadata":{"name":"e"}})");
  struct {
    const char *kind, *name, *key, *qualified;
    bool dry;
  } cases[] = {
    { "ConfigMap", "a", "/registry/configmaps/default/a", "configmaps", false },
    { "ConfigMap", "a", "/configmaps/default/a", "configmaps", true },
    { "Service", "s", "/registry/services/specs/default/s", "services", false },
    { "ServiceCIDR", "x", "/registry/servicecidrs/x", "servicecidrs.networking.k8s.io", false },
    { "APIService", "v1.z.io", "/registry/apiregistration.k8s.io/apiservices/v1.z.io", "apiservices.apiregistration.k8s.io", false },
    { "Endpoints", "e", "/registry/services/endpoints/default/e", "endpoints", false },
    { "Endpoints", "no", "/registry/services/endpoints/default/no", "endpoints", false },
  };
  for (auto &c : cases) {
    Answer there = get (c.kind, c.name);
    g_autofree char *json = g_strdup_printf (R"({"metadata":{"name":"%s","uid":"u"}})", c.name);
    g_autoptr (KubeObject) other = kube_object_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_UPDATE, kind_of (c.kind), kube_kind_is_namespaced (kind_of (c.kind)) ? "default" : nullptr, c.name);
    kube_request_set_object (request, other);
    if (c.dry)
      kube_request_set_option (request, "dryRun", "All");
    Answer answer = send (request);
    EXPECT_EQ (answer.status, 409);
    EXPECT_EQ (answer.message, "Operation cannot be fulfilled on " + std::string (c.qualified) + " \"" + c.name + "\": StorageError: invalid object, Code: 4, Key: " + c.key +
                                 ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: u, UID in object meta: " + there.at ("metadata.uid"));
  }
}

TEST_F (Server, ANamespaceIsDeletedUnderWordsOfItsOwn)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kind_of ("Namespace"), nullptr, "default");
  kube_request_set_delete_options (request, -1, nullptr, "u", nullptr);
  EXPECT_EQ (send (request).message, "Operation cannot be fulfilled on namespaces \"default\": Precondition failed: UID in precondition: u, UID in object meta: " + get ("Namespace", "default").at ("metadata.uid"));
}

TEST_F (Server, ReviewsTellWhoWroteThemUnlessTheyAreNew)
{
  auto ask = [&] (const char *version, const char *kind, const char *json) {
    g_autoptr (KubeObject) object = kube_object_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND (version, kind), nullptr, nullptr);
    kube_request_set_object (request, object);
    return send (request);
  };
  Answer access = ask ("authorization.k8s.io/v1", "SelfSubjectAccessReview", R"({"metadata":{"uid":"u"},"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}})");
  EXPECT_EQ (access.status, 201) << access.message;
  EXPECT_EQ (access.at ("metadata.managedFields.0.operation"), "Update");
  EXPECT_EQ (access.at ("metadata.uid"), "");
  Answer rules = ask ("authorization.k8s.io/v1", "SelfSubjectRulesReview", R"({"metadata":{"labels":{"a":"b"}},"spec":{"namespace":"default"}})");
  EXPECT_EQ (kube_value_get_length (kube_object_get (rules.object, "metadata")), 0u);
  EXPECT_EQ (kube_value_get_length (kube_object_get (rules.object, "spec")), 0u);
  Answer self = ask ("authentication.k8s.io/v1", "SelfSubjectReview", R"({"metadata":{"labels":{"a":"b"}}})");
  EXPECT_EQ (kube_value_get_length (kube_object_get (self.object, "metadata")), 1u);
  EXPECT_EQ (self.at ("metadata.creationTimestamp"), "2026-01-01T00:00:00Z");
}

TEST_F (Server, WhatADeletionSaysIsDecodedAndChecked)
{
  auto ask = [&] (const char *json) {
    g_autoptr (KubeObject) options = kube_object_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kind_of ("ConfigMap"), "default", "a");
    kube_request_set_object (request, options);
    return send (request);
  };
  create ("ConfigMap", config_map ("a"));
  EXPECT_EQ (ask (R"({"dryRun":["Some"]})").message, "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"");
  EXPECT_EQ (ask (R"({"gracePeriodSeconds":"1"})").message, "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64");
  EXPECT_EQ (ask (R"({"dryRun":["All"],"nosuch":1})").status, 200);
  EXPECT_EQ (get ("ConfigMap", "a").status, 200);
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kind_of ("ConfigMap"), "default", "a");
  kube_request_set_option (request, "fieldValidation", "Odd");
  EXPECT_EQ (send (request).status, 200) << "deletions have no such option";
  EXPECT_EQ (list ("ConfigMap", { { "fieldSelector", "=" } }).message, "\"\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
}

TEST_F (Server, ARequestForATokenMayNameItsAccountAndNoOther)
{
  auto ask = [&] (const char *metadata) {
    g_autofree char *json = g_strdup_printf (R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","metadata":%s,"spec":{}})", metadata);
    g_autoptr (KubeObject) object = kube_object_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, kind_of ("ServiceAccount"), "default", "default");
    kube_request_set_object (request, object);
    kube_request_set_subresource (request, "token");
    return send (request);
  };
  std::string uid = get ("ServiceAccount", "default").at ("metadata.uid");
  EXPECT_EQ (ask (R"({"name":"x"})").message,
             "TokenRequest.authentication.k8s.io \"default\" is invalid: metadata.name: Invalid value: \"x\": must match the service account name if specified");
  EXPECT_EQ (ask (R"({"uid":"x"})").message,
             "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"default\": the UID in the token request (x) does not match the UID of the service account (" + uid + ")");
  Answer made = ask (R"({"name":"default"})");
  EXPECT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (made.at ("metadata.uid"), uid);
}

TEST_F (Server, AnEvictionAgreesWithItsRequestOnDryRuns)
{
  auto evict = [&] (const char *options) {
    g_autofree char *json = g_strdup_printf (R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"},"deleteOptions":%s})", options);
    g_autoptr (KubeObject) object = kube_object_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, kind_of ("Pod"), "default", "p");
    kube_request_set_object (request, object);
    kube_request_set_subresource (request, "eviction");
    kube_request_set_option (request, "dryRun", "All");
    return send (request);
  };
  ASSERT_EQ (create ("Pod", pod ("p")).status, 201);
  EXPECT_EQ (evict (R"({"dryRun":["Some"]})").message, "Non-matching dry-run options in request and content: [All] and [Some]");
  EXPECT_EQ (evict (R"({"ignoreStoreReadErrorWithClusterBreakingPotential":true})").message,
             "Eviction.policy \"p\" is invalid: deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: can not be set for pod eviction, try after removing the option");
  EXPECT_EQ (evict (R"({"dryRun":["All"]})").status, 201);
  EXPECT_EQ (get ("Pod", "p").status, 200);
}

TEST_F (Server, WatchEndsAtItsTime)
{
  Seen seen;
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_WATCH, KUBE_KIND ("v1", "ConfigMap"), "default", nullptr);
  kube_request_set_option (request, "timeoutSeconds", "5");
  g_autoptr (KubeWatch) watch = kube_client_watch (client, request);
  g_signal_connect (watch, "closed", G_CALLBACK (on_closed), &seen);
  kube_watch_start (watch);
  while (g_main_context_iteration (nullptr, FALSE))
    ;
  EXPECT_FALSE (seen.closed);
  kube_virtual_clock_advance (clock, 6 * G_USEC_PER_SEC);
  EXPECT_TRUE (wait_until ([&] { return seen.closed; }));
}

TEST_F (Server, AnEventIsTheSameInBothOfItsGroups)
{
  g_autoptr (KubeObject) made = kube_object_parse ("{\"metadata\":{\"name\":\"e\"},\"regarding\":{\"namespace\":\"default\",\"name\":\"p\"},\"note\":\"n\",\"reason\":\"r\",\"action\":\"a\","
                                                   "\"type\":\"Normal\",\"eventTime\":\"2026-01-01T00:00:00.000000Z\",\"reportingController\":\"x/y\",\"reportingInstance\":\"i\"}", -1, nullptr);
  KubeKind *kind = KUBE_KIND ("events.k8s.io/v1", "Event");
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, kind, "default", nullptr);
  kube_request_set_object (request, made);
  Answer answer = send (request);
  ASSERT_EQ (answer.status, 201) << answer.message;
  EXPECT_EQ (answer.at ("note"), "n");
  Answer core = get ("Event", "e");
  EXPECT_EQ (core.at ("apiVersion"), "v1");
  EXPECT_EQ (core.at ("message"), "n");
  EXPECT_EQ (core.at ("involvedObject.name"), "p");
  g_autoptr (KubeRequest) all = kube_request_new (KUBE_VERB_LIST, kind, "default", nullptr);
  Answer list = send (all);
  ASSERT_EQ (kube_object_list_get_length (list.list), 1u);
  EXPECT_STREQ (kube_object_get_string (kube_object_list_get (list.list, 0), "regarding.name"), "p");
}

TEST_F (Server, AnAutoscalerKeepsItsMetricsThroughTheOldVersion)
{
  KubeKind *v1 = KUBE_KIND ("autoscaling/v1", "HorizontalPodAutoscaler"), *v2 = KUBE_KIND ("autoscaling/v2", "HorizontalPodAutoscaler");
  g_autoptr (KubeObject) made = kube_object_parse ("{\"metadata\":{\"name\":\"h\"},\"spec\":{\"maxReplicas\":3,\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"},"
                                                   "\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\",\"averageUtilization\":50}}},"
                                                   "{\"type\":\"Resource\",\"resource\":{\"name\":\"memory\",\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"1Gi\"}}}]}}", -1, nullptr);
  g_autoptr (KubeRequest) create_request = kube_request_new (KUBE_VERB_CREATE, v2, "default", nullptr);
  kube_request_set_object (create_request, made);
  Answer created = send (create_request);
  ASSERT_EQ (created.status, 201) << created.message;
  g_autoptr (KubeRequest) read = kube_request_new (KUBE_VERB_GET, v1, "default", "h");
  Answer old = send (read);
  EXPECT_EQ (old.at ("apiVersion"), "autoscaling/v1");
  EXPECT_EQ (kube_object_get_integer (old.object, "spec.targetCPUUtilizationPercentage", 0), 50);
  g_autoptr (KubeValue) change = kube_value_parse ("{\"spec\":{\"targetCPUUtilizationPercentage\":70}}", -1, nullptr);
  g_autoptr (KubeRequest) patch_request = kube_request_new (KUBE_VERB_PATCH, v1, "default", "h");
  kube_request_set_patch (patch_request, KUBE_PATCH_MERGE, change);
  Answer changed = send (patch_request);
  ASSERT_EQ (changed.status, 200) << changed.message;
  g_autoptr (KubeRequest) again = kube_request_new (KUBE_VERB_GET, v2, "default", "h");
  Answer now = send (again);
  EXPECT_EQ (kube_object_get_integer (now.object, "spec.metrics.0.resource.target.averageUtilization", 0), 70);
  EXPECT_EQ (now.at ("spec.metrics.1.resource.name"), "memory");
}

/* What comes with it is only looked at once the patch is of a form that is served. */
TEST_F (Server, AnApplyNeedsAManagerMakesWhatIsNotThereAndRespectsOthers)
{
  auto apply = [&] (const char *manager, const char *value, const char *force) {
    g_autofree char *text = g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"p\"},\"data\":{\"a\":\"%s\"}}", value);
    g_autoptr (KubeValue) config = kube_value_parse (text, -1, NULL);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", "p");
    kube_request_set_patch (request, KUBE_PATCH_APPLY, config);
    kube_request_set_option (request, "fieldManager", manager);
    kube_request_set_option (request, "force", force);
    return send (request).status;
  };

  EXPECT_EQ (apply (NULL, "1", NULL), 422);
  EXPECT_EQ (apply ("one", "1", NULL), 201);
  EXPECT_EQ (apply ("one", "2", NULL), 200);
  EXPECT_EQ (apply ("two", "3", NULL), 409);
  EXPECT_EQ (apply ("two", "3", "true"), 200);
}

TEST_F (Server, AnApplyThatNamesAnIdentityMakesNoOtherObject)
{
  auto apply = [&] (const char *name, const char *metadata) {
    g_autofree char *text = g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",%s}}", name, metadata);
    g_autoptr (KubeValue) config = kube_value_parse (text, -1, NULL);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", name);
    kube_request_set_patch (request, KUBE_PATCH_APPLY, config);
    kube_request_set_option (request, "fieldManager", "one");
    return send (request);
  };

  Answer other = apply ("p", "\"uid\":\"u\"");
  EXPECT_EQ (other.status, 409);
  EXPECT_EQ (other.message, "Operation cannot be fulfilled on configmaps \"p\": uid mismatch: the provided object specified uid u, and no existing object was found");
  EXPECT_EQ (apply ("p", "\"resourceVersion\":\"7\"").status, 201);
  EXPECT_EQ (apply ("p", "\"uid\":\"u\"").message, "ConfigMap \"p\" is invalid: metadata.uid: Invalid value: \"u\": field is immutable");
}

static std::string
make_certificate_request ()
{
  gnutls_x509_privkey_t key;
  gnutls_x509_crq_t request;
  gnutls_datum_t pem;
  gnutls_x509_privkey_init (&key);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  gnutls_x509_crq_init (&request);
  gnutls_x509_crq_set_dn (request, "CN=someone", NULL);
  gnutls_x509_crq_set_key (request, key);
  gnutls_x509_crq_sign2 (request, key, GNUTLS_DIG_SHA256, 0);
  gnutls_x509_crq_export2 (request, GNUTLS_X509_FMT_PEM, &pem);
  std::string plain ((char *) pem.data, pem.size); /* GnuTLS says NEW CERTIFICATE REQUEST, which Kubernetes does not take */
  for (size_t at; (at = plain.find ("NEW ")) != std::string::npos;)
    plain.erase (at, strlen ("NEW "));
  g_autofree char *text = g_base64_encode ((const guchar *) plain.data (), plain.size ());
  gnutls_free (pem.data);
  gnutls_x509_crq_deinit (request);
  gnutls_x509_privkey_deinit (key);
  return text;
}

TEST_F (Server, ACertificateRequestIsItsSendersAndItsDecisionStays)
{
  KubeKind *kind = KUBE_KIND ("certificates.k8s.io/v1", "CertificateSigningRequest");
  auto object = [] (const std::string &request, const std::string &status) {
    std::string text = "{\"apiVersion\":\"certificates.k8s.io/v1\",\"kind\":\"CertificateSigningRequest\",\"metadata\":{\"name\":\"r\"},\"spec\":{\"username\":\"liar\",\"request\":\"" + request +
                       "\",\"signerName\":\"example.com/s\",\"usages\":[\"client auth\"]},\"status\":" + status + "}";
    return kube_object_parse (text.c_str (), -1, NULL);
  };
  auto ask = [&] (KubeVerb verb, const char *subresource, KubeObject *body) {
    g_autoptr (KubeRequest) request = kube_request_new (verb, kind, NULL, verb == KUBE_VERB_CREATE ? NULL : "r");
    g_autoptr (KubeObject) owned = body;
    if (subresource != NULL)
      kube_request_set_subresource (request, subresource);
    kube_request_set_object (request, owned);
    return send (request);
  };
  std::string pem = make_certificate_request ();

  Answer bad = ask (KUBE_VERB_CREATE, NULL, object ("bm9uc2Vuc2U=", "{}"));
  EXPECT_EQ (bad.status, 422);
  EXPECT_NE (bad.message.find ("spec.request: Invalid value"), std::string::npos) << bad.message;
  Answer made = ask (KUBE_VERB_CREATE, NULL, object (pem, R"({"conditions":[{"type":"Approved","status":"True"}]})"));
  ASSERT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (made.at ("spec.username"), "admin");
  EXPECT_EQ (made.at ("spec.groups.0"), "system:masters");
  EXPECT_EQ (made.at ("status.conditions.0.type"), "") << "nobody approves by creating";

  Answer approved = ask (KUBE_VERB_UPDATE, "approval", object (pem, R"({"conditions":[{"type":"Approved","status":"True","reason":"First"}]})"));
  ASSERT_EQ (approved.status, 200) << approved.message;
  EXPECT_EQ (approved.at ("status.conditions.0.lastUpdateTime"), "2026-01-01T00:00:00Z");
  EXPECT_EQ (approved.at ("spec.username"), "admin");
  kube_virtual_clock_advance (clock, 60 * G_USEC_PER_SEC);
  Answer failed = ask (KUBE_VERB_UPDATE, "status", object (pem, R"({"conditions":[{"type":"Approved","status":"True","reason":"Second"},{"type":"Failed","status":"True"}]})"));
  ASSERT_EQ (failed.status, 200) << failed.message;
  EXPECT_EQ (failed.at ("status.conditions.0.reason"), "First") << "its status is not its approval";
  EXPECT_EQ (failed.at ("status.conditions.0.lastTransitionTime"), "2026-01-01T00:00:00Z");
  EXPECT_EQ (failed.at ("status.conditions.1.lastTransitionTime"), "2026-01-01T00:01:00Z");
  kube_virtual_clock_advance (clock, 60 * G_USEC_PER_SEC);
  Answer again = ask (KUBE_VERB_UPDATE, "approval", object (pem, R"({"conditions":[{"type":"Approved","status":"True","reason":"Third"},{"type":"Failed","status":"True"}]})"));
  ASSERT_EQ (again.status, 200) << again.message;
  EXPECT_EQ (again.at ("status.conditions.0.lastUpdateTime"), "2026-01-01T00:02:00Z");
  EXPECT_EQ (again.at ("status.conditions.0.lastTransitionTime"), "2026-01-01T00:00:00Z") << "it is what it was";
  EXPECT_EQ (ask (KUBE_VERB_UPDATE, "approval", object (pem, "{}")).status, 422) << "a decision is not taken back";
}

/* So that kubectl may go back to applying on the client's side. */
TEST_F (Server, WhatKubectlAppliesIsNotedWhereItNotedItBefore)
{
  auto apply = [&] (const char *manager, const std::string &data) {
    g_autoptr (KubeValue) config = kube_value_parse (("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"p\"},\"data\":" + data + "}").c_str (), -1, NULL);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", "p");
    kube_request_set_patch (request, KUBE_PATCH_APPLY, config);
    kube_request_set_option (request, "fieldManager", manager);
    kube_request_set_option (request, "force", "true");
    Answer answer = send (request);
    const char *noted = kube_object_get_annotation (answer.object, "kubectl.kubernetes.io/last-applied-configuration");
    return std::string (noted != NULL ? noted : "");
  };
  auto config = [] (const std::string &data) { return "{\"apiVersion\":\"v1\",\"data\":" + data + ",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"p\"}}\n"; };

  EXPECT_EQ (apply ("kubectl", R"({"a":"1"})"), "") << "it has never applied on the client's side";
  patch ("ConfigMap", "p", R"({"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}})");
  EXPECT_EQ (apply ("other", R"({"a":"2"})"), "{}");
  EXPECT_EQ (apply ("kubectl", R"({"a":"3"})"), config (R"({"a":"3"})"));
  EXPECT_EQ (apply ("kubectl", "{\"a\":\"" + std::string (300 * 1024, 'x') + "\"}"), "") << "too long for an annotation";
}

TEST_F (Server, AnAppliedScaleOwnsTheReplicas)
{
  create ("Deployment", R"({"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  auto apply = [&] (const char *force) {
    g_autoptr (KubeValue) scale = kube_value_parse (R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":3}})", -1, NULL);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("Deployment"), "default", "d");
    kube_request_set_patch (request, KUBE_PATCH_APPLY, scale);
    kube_request_set_subresource (request, "scale");
    kube_request_set_option (request, "fieldManager", "one");
    kube_request_set_option (request, "force", force);
    return send (request);
  };

  EXPECT_EQ (apply (NULL).reason, "Conflict");
  EXPECT_EQ (apply ("yes").status, 200);
  Answer scaled = get ("Deployment", "d");
  EXPECT_EQ (kube_object_get_integer (scaled.object, "spec.replicas", 0), 3);
  EXPECT_EQ (scaled.at ("metadata.managedFields.0.operation"), "Apply");
  EXPECT_EQ (scaled.at ("metadata.managedFields.0.subresource"), "scale");
}

TEST_F (Server, APatchIsRefusedWithWhatItSays)
{
  create ("ConfigMap", config_map ("p"));
  auto send_patch = [&] (KubePatchType type, const char *text) {
    g_autoptr (KubeValue) value = kube_value_parse (text, -1, NULL);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", "p");
    kube_request_set_patch (request, type, value);
    kube_request_set_option (request, "fieldValidation", "Strict");
    return send (request);
  };

  EXPECT_EQ (send_patch (KUBE_PATCH_STRATEGIC, "{\"odd\":1}").message, " \"\" is invalid: patch: Invalid value: \"map[odd:1]\": strict decoding error: unknown field \"odd\"");
  Answer merged = send_patch (KUBE_PATCH_MERGE, "{\"data\":7}");
  EXPECT_EQ (merged.status, 422);
  EXPECT_TRUE (g_str_has_suffix (merged.message.c_str (), "json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string")) << merged.message;
  EXPECT_EQ (send_patch (KUBE_PATCH_MERGE, "{\"metadata\":{\"deletionTimestamp\":\"2020-01-01T00:00:00Z\"}}").message,
             "ConfigMap \"p\" is invalid: metadata.deletionTimestamp: Invalid value: \"2020-01-01T00:00:00Z\": field is immutable");
}

TEST_F (Server, AVersionOfAnObjectThatIsToBeMadeIsRefusedWhereItIsStored)
{
  std::string json = "{\"metadata\":{\"name\":\"v\",\"resourceVersion\":\"7\"}}";

  EXPECT_EQ (create ("ConfigMap", json, "dryRun", "All").status, 201);
  EXPECT_EQ (create ("ConfigMap", json).message, "resourceVersion should not be set on objects to be created");
}

TEST_F (Server, ForceIsOnlyForApply)
{
  ASSERT_EQ (create ("ConfigMap", "{\"metadata\":{\"name\":\"p\"}}").status, 201);
  g_autoptr (KubeValue) empty = kube_value_new_empty_object ();
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of ("ConfigMap"), "default", "p");
  kube_request_set_patch (request, KUBE_PATCH_MERGE, empty);
  kube_request_set_option (request, "force", "false");
  EXPECT_EQ (send (request).status, 422);
}

TEST_F (Server, EventsGoAnHourAfterTheirLastWrite)
{
  create ("Event", "{\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"namespace\":\"default\"},\"reason\":\"r\",\"type\":\"Normal\"}");
  kube_virtual_clock_advance (clock, G_GINT64_CONSTANT (3000) * G_USEC_PER_SEC);
  ASSERT_EQ (patch ("Event", "e", "{\"count\":2}").status, 200);
  kube_virtual_clock_advance (clock, G_GINT64_CONSTANT (3000) * G_USEC_PER_SEC);
  EXPECT_EQ (get ("Event", "e").status, 200);
  kube_virtual_clock_advance (clock, G_GINT64_CONSTANT (1200) * G_USEC_PER_SEC);
  EXPECT_TRUE (wait_until ([&] { return get ("Event", "e").status == 404; }));
}

/* A node whose containers have said one thing. */
struct FakeNode {
  GObject parent;
};
struct FakeNodeClass {
  GObjectClass parent;
};

void
fake_open_log_async (KubeNodeApi *api, KubeObject *, const KubeLogOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (api, cancellable, callback, data);
  std::string text = std::string ("log of ") + options->container + (options->previous ? " before" : "") + " tail " + std::to_string (options->tail_lines);
  g_autoptr (GBytes) bytes = g_bytes_new (text.data (), text.size ());
  if (strcmp (options->container, "waiting") == 0)
    g_task_return_new_error (task, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "container \"waiting\" in pod \"p\" is waiting to start: ContainerCreating");
  else
    g_task_return_pointer (task, g_memory_input_stream_new_from_bytes (bytes), g_object_unref);
}

GInputStream *
fake_open_log_finish (KubeNodeApi *, GAsyncResult *result, GError **error)
{
  return static_cast<GInputStream *> (g_task_propagate_pointer (G_TASK (result), error));
}

void
fake_node_iface_init (gpointer iface, gpointer)
{
  static_cast<KubeNodeApiInterface *> (iface)->open_log_async = fake_open_log_async;
  static_cast<KubeNodeApiInterface *> (iface)->open_log_finish = fake_open_log_finish;
}

GType
fake_node_get_type ()
{
  static GType type = [] {
    GType made = g_type_register_static_simple (G_TYPE_OBJECT, "FakeNode", sizeof (FakeNodeClass), nullptr, sizeof (FakeNode), nullptr, static_cast<GTypeFlags> (0));
    const GInterfaceInfo info = { fake_node_iface_init, nullptr, nullptr };
    g_type_add_interface_static (made, KUBE_TYPE_NODE_API, &info);
    return made;
  }();
  return type;
}

KubeNodeApi *
resolve (KubeServer *, const char *name, gpointer)
{
  return strcmp (name, "n") == 0 ? KUBE_NODE_API (g_object_new (fake_node_get_type (), nullptr)) : nullptr;
}

TEST_F (Server, LogsComeFromThePodsNode)
{
  kube_server_set_node_resolver (server, resolve, nullptr, nullptr);
  const char *two = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"},{\"name\":\"waiting\",\"image\":\"i\"}]}}";
  ASSERT_EQ (create ("Pod", two).status, 201);
  ASSERT_EQ (create ("Pod", pod ("unbound")).status, 201);
  const std::string base = "/api/v1/namespaces/default/pods/";
  EXPECT_EQ (raw ((base + "p/log?container=c&previous=true&tailLines=7").c_str ()).text, "log of c before tail 7");
  EXPECT_EQ (raw ((base + "p/log?container=c&stream=Stdout&sinceSeconds=0&sinceTime=2020-01-01T00:00:00Z").c_str ()).message,
             "PodLogOptions \"p\" is invalid: [[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified, stream: Forbidden: may not be specified]");
  EXPECT_EQ (raw ((base + "p/log").c_str ()).message, "a container name must be specified for pod p, choose one of: [c waiting]");
  EXPECT_EQ (raw ((base + "p/log?container=x").c_str ()).message, "container x is not valid for pod p");
  EXPECT_EQ (raw ((base + "p/log?container=waiting").c_str ()).message, "container \"waiting\" in pod \"p\" is waiting to start: ContainerCreating");
  EXPECT_EQ (raw ((base + "unbound/log").c_str ()).text, "");
  EXPECT_EQ (raw ((base + "p/log?tailLines=99999999999999999999").c_str ()).message, "strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
  EXPECT_EQ (raw ((base + "nosuch/log?limitBytes=0").c_str ()).message, "PodLogOptions \"nosuch\" is invalid: limitBytes: Invalid value: 0: must be greater than 0");
  EXPECT_EQ (raw ((base + "p/proxy").c_str ()).message, "address not allowed") << "it has none yet";
  EXPECT_EQ (raw ((base + "nosuch/log").c_str ()).status, 404);
}

TEST_F (Server, NamespaceIsTerminatingUntilItsFinalizerIsGone)
{
  ASSERT_EQ (create ("Namespace", "{\"metadata\":{\"name\":\"n\"}}").at ("metadata.labels.kubernetes.io/metadata.name"), "");
  Answer held = remove ("Namespace", "n");
  EXPECT_EQ (held.at ("status.phase"), "Terminating");
  g_autoptr (KubeObject) object = kube_object_parse ("{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}", -1, nullptr);
  EXPECT_EQ (update ("Namespace", "n", object, "finalize").status, 200);
  EXPECT_EQ (get ("Namespace", "n").status, 404);
}

}
