/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <functional>
#include <libsoup/soup.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pods-fixture.h"

/* What a node makes of pods over time: probes, hooks, changing volumes, pulled images, restarts of the agent. */

namespace {

/* Probes and pulls come to it while the test waits. */
struct Server : WebServer {
  std::function<void (SoupServerMessage *, const std::string &)> answer;
  Server (std::function<void (SoupServerMessage *, const std::string &)> func, GTlsCertificate *own = nullptr) : WebServer (own), answer (func)
  {
    soup_server_add_handler (server, nullptr, on_request, this, nullptr);
  }
  static void on_request (SoupServer *, SoupServerMessage *message, const char *path, GHashTable *, gpointer data)
  {
    ((Server *) data)->answer (message, path);
  }
};

// Takes connections and says nothing.
struct Silent {
  GSocketListener *listener = g_socket_listener_new ();
  guint16 number;
  Silent ()
  {
    g_socket_listener_set_backlog (listener, 1000);
    number = g_socket_listener_add_any_inet_port (listener, nullptr, nullptr);
  }
  ~Silent () { g_object_unref (listener); }
  std::string port () const { return std::to_string (number); }
};

std::string
header (SoupServerMessage *message, const char *name)
{
  const char *value = soup_message_headers_get_one (soup_server_message_get_request_headers (message), name);
  return value != nullptr ? value : "";
}

class KubePods : public PodsTest {};

}

TEST_F (KubePods, AnHttpProbeDecidesReadiness)
{
  guint status = 503;
  std::string agent, custom, host, asked;
  Server server ([&] (SoupServerMessage *message, const std::string &path) {
    agent = header (message, "User-Agent");
    custom = header (message, "X-Probe");
    host = header (message, "Host");
    asked = path;
    soup_server_message_set_status (message, status, nullptr);
  });
  pod ("http", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"failureThreshold":1,"httpGet":{"host":"127.0.0.1","port":)" + server.port () +
       R"(,"path":"/healthz","httpHeaders":[{"name":"X-Probe","value":"yes"},{"name":"Host","value":"example.test"}]}},)");
  EXPECT_TRUE (tells ("http", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"));
  EXPECT_TRUE (becomes ("http", "status.phase", "Running"));
  EXPECT_FALSE (is_ready ("http"));
  EXPECT_EQ (agent, "kube-probe/1.36");
  EXPECT_EQ (custom, "yes");
  EXPECT_EQ (host, "example.test");
  EXPECT_EQ (asked, "/healthz");
  status = 204;
  EXPECT_TRUE (wait_until ([&] { return is_ready ("http"); }));
  status = 500;
  EXPECT_TRUE (wait_until ([&] { return !is_ready ("http"); }));
  EXPECT_EQ (at ("http", "status.containerStatuses.0.restartCount"), "0");
}

TEST_F (KubePods, AnHttpProbeFollowsRedirectsWithinItsHost)
{
  std::string asked, agent;
  Server server ([&] (SoupServerMessage *message, const std::string &path) {
    asked += path + " ";
    agent = header (message, "User-Agent");
    const char *to = path == "/away" ? "http://192.0.2.1/elsewhere" : path == "/round" ? "/round" : path == "/here" ? "sub/ok?x=1" : nullptr;
    soup_server_message_set_status (message, to != nullptr ? 302 : path == "/sub/ok" ? 200 : 404, nullptr);
    if (to != nullptr)
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Location", to);
    soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "moved", 5);
  });
  auto probed = [&] (const char *name) {
    pod (name, "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"failureThreshold":1,"httpGet":{"host":"127.0.0.1","port":)" + server.port () + R"(,"path":"/)" + name + R"("}},)");
  };
  probed ("here");
  EXPECT_TRUE (wait_until ([&] { return is_ready ("here"); })) << asked;
  EXPECT_NE (asked.find ("/here /sub/ok "), std::string::npos) << asked;
  EXPECT_EQ (agent, "kube-probe/1.36");
  remove ("here");
  probed ("away");
  EXPECT_TRUE (wait_until ([&] { return is_ready ("away"); }));
  EXPECT_TRUE (tells ("away", "ProbeWarning", "Readiness probe warning: Probe terminated redirects, Response body: moved"));
  probed ("round");
  EXPECT_TRUE (tells ("round", "Unhealthy", "Readiness probe failed: Get \"http://127.0.0.1:" + server.port () + "/round\": stopped after 10 redirects"));
  EXPECT_FALSE (is_ready ("round"));
}

TEST_F (KubePods, AProbeFindsPortsByNameAndAsksNotWhoAnswers)
{
  std::string port = std::to_string (kube_cluster_get_port (cluster));
  pod ("named", "echo hello >/tmp/index.html; httpd -f -p 8080 -h /tmp", R"("ports":[{"name":"web","containerPort":8080}],"readinessProbe":{"periodSeconds":1,"httpGet":{"port":"web","path":"index.html"}},)");
  pod ("tcp", "httpd -f -p 9000 -h /tmp", R"("ports":[{"name":"raw","containerPort":9000}],"readinessProbe":{"periodSeconds":1,"tcpSocket":{"port":"raw"}},)");
  pod ("tls", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"timeoutSeconds":10,"httpGet":{"scheme":"HTTPS","host":"127.0.0.1","path":"/readyz","port":)" + port + "}},");
  for (const char *name : { "named", "tcp", "tls" })
    EXPECT_TRUE (wait_until ([&] { return is_ready (name); })) << name << at (name, "status");
}

TEST_F (KubePods, FailedProbesAreToldAsUpstreamTellsThem)
{
  Silent silent;
  pod ("refused", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"tcpSocket":{"port":81}},)");
  pod ("nobody", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"httpGet":{"port":81}},)");
  pod ("silent", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"httpGet":{"host":"127.0.0.1","port":)" + silent.port () + "}},");
  pod ("grpc", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"grpc":{"port":81}},)");
  pod ("slow", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"exec":{"command":["sleep","100"]}},)");
  pod ("output", "sleep 1000", R"("readinessProbe":{"periodSeconds":1,"exec":{"command":["sh","-c","echo no; echo really >&2; exit 3"]}},)");
  ASSERT_TRUE (becomes ("refused", "status.phase", "Running"));
  ASSERT_TRUE (becomes ("nobody", "status.phase", "Running"));
  EXPECT_TRUE (tells ("refused", "Unhealthy", "Readiness probe failed: dial tcp " + at ("refused", "status.podIP") + ":81: connect: connection refused"));
  std::string ip = at ("nobody", "status.podIP");
  EXPECT_TRUE (tells ("nobody", "Unhealthy", "Readiness probe failed: Get \"http://" + ip + ":81/\": dial tcp " + ip + ":81: connect: connection refused"));
  EXPECT_TRUE (tells ("silent", "Unhealthy", "Readiness probe failed: Get \"http://127.0.0.1:" + silent.port () + "/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"));
  ASSERT_TRUE (becomes ("grpc", "status.phase", "Running"));
  EXPECT_TRUE (tells ("grpc", "Unhealthy", "Readiness probe failed: timeout: failed to connect service \"" + at ("grpc", "status.podIP") + ":81\" within 1s: context deadline exceeded"));
  EXPECT_TRUE (tells ("slow", "Unhealthy", "Readiness probe failed: command timed out: \"sleep 100\" timed out after 1s"));
  EXPECT_TRUE (tells ("output", "Unhealthy", "Readiness probe failed: no\nreally\n"));
}

TEST_F (KubePods, FailedLivenessAndStartupProbesRestart)
{
  pod ("live", "touch /tmp/ok; sleep 1000", R"("livenessProbe":{"periodSeconds":1,"failureThreshold":1,"exec":{"command":["test","-e","/s/alive"]}},)" + mount_shared (),
       volume_shared () + R"("terminationGracePeriodSeconds":1,)");
  pod ("start", "sleep 1000", R"("startupProbe":{"periodSeconds":1,"failureThreshold":1,"exec":{"command":["test","-e","/s/started"]}},"readinessProbe":{"exec":{"command":["true"]}},)" + mount_shared (),
       volume_shared () + R"("terminationGracePeriodSeconds":1,)");
  EXPECT_TRUE (tells ("live", "Killing", "Container c failed liveness probe, will be restarted"));
  EXPECT_TRUE (tells ("start", "Killing", "Container c failed startup probe, will be restarted"));
  EXPECT_NE (at ("start", "status.containerStatuses.0.started"), "true");
  write_file (shared ("alive"), "");
  write_file (shared ("started"), "");
  EXPECT_TRUE (wait_until ([&] { return at ("live", "status.containerStatuses.0.restartCount") != "0"; }));
  EXPECT_EQ (at ("live", "status.containerStatuses.0.lastState.terminated.exitCode"), "137");
  EXPECT_TRUE (wait_until ([&] { return is_ready ("start"); })) << at ("start", "status");
  EXPECT_EQ (at ("start", "status.containerStatuses.0.started"), "true");
}

TEST_F (KubePods, HooksRunAfterTheStartAndBeforeTheStop)
{
  pod ("hooks", "trap 'echo term >>/s/order; exit 0' TERM; touch /s/trapped; while :; do sleep 0.05; done",
       R"("lifecycle":{"postStart":{"exec":{"command":["sh","-c","echo post >>/s/order"]}},"preStop":{"exec":{"command":["sh","-c","echo pre >>/s/order"]}}},)" + mount_shared (), volume_shared ());
  ASSERT_TRUE (becomes ("hooks", "status.phase", "Running"));
  EXPECT_EQ (read_file (shared ("order")), "post\n") << "it does not count as running before";
  ASSERT_TRUE (wait_until ([&] { return g_file_test (shared ("trapped").c_str (), G_FILE_TEST_EXISTS); }));
  remove ("hooks", 20);
  EXPECT_TRUE (wait_until ([&] { return is_gone ("hooks"); }));
  EXPECT_EQ (read_file (shared ("order")), "post\npre\nterm\n");
}

TEST_F (KubePods, APostStartHookHoldsTheOtherContainersBack)
{
  make (R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":"held"},"spec":{"restartPolicy":"Never",)" + volume_shared () +
        R"("containers":[{"name":"a","image":"localhost/busybox:1",)" + mount_shared () + R"("command":["sleep","1000"],"lifecycle":{"postStart":{"exec":{"command":["sh","-c","echo up >/s/hooked; until [ -e /s/free ]; do sleep 0.05; done"]}}}},)"
        R"({"name":"b","image":"localhost/busybox:1","command":["sleep","1000"]}]}})");
  ASSERT_TRUE (wait_until ([&] { return read_file (shared ("hooked")) == "up\n"; }));
  EXPECT_TRUE (becomes ("held", "status.containerStatuses.0.state.waiting.reason", "ContainerCreating"));
  EXPECT_EQ (at ("held", "status.phase"), "Pending");
  EXPECT_EQ (at ("held", "status.containerStatuses.1.containerID"), "");
  write_file (shared ("free"), "");
  EXPECT_TRUE (wait_until ([&] { return at ("held", "status.containerStatuses.1.ready") == "true"; }));
  EXPECT_EQ (at ("held", "status.containerStatuses.0.ready"), "true");
}

TEST_F (KubePods, AFailedHookIsTold)
{
  pod ("post", "sleep 1000", R"("lifecycle":{"postStart":{"exec":{"command":["false"]}}},)", R"("terminationGracePeriodSeconds":1,)");
  pod ("pre", "trap 'exit 0' TERM; while :; do sleep 0.05; done", R"("lifecycle":{"preStop":{"exec":{"command":["/nosuch"]}}},)");
  pod ("sleepy", "trap 'exit 0' TERM; while :; do sleep 0.05; done", R"("lifecycle":{"preStop":{"sleep":{"seconds":1}}},)");
  EXPECT_TRUE (tells ("post", "FailedPostStartHook", "PostStartHook failed"));
  EXPECT_TRUE (wait_until ([&] { return at ("post", "status.containerStatuses.0.restartCount") != "0"; }));
  ASSERT_TRUE (becomes ("pre", "status.phase", "Running"));
  remove ("pre", 20);
  EXPECT_TRUE (tells ("pre", "FailedPreStopHook", "PreStopHook failed"));
  EXPECT_TRUE (wait_until ([&] { return is_gone ("pre"); })) << "it ends all the same";
  ASSERT_TRUE (becomes ("sleepy", "status.phase", "Running"));
  gint64 begin = g_get_monotonic_time ();
  remove ("sleepy", 20);
  EXPECT_TRUE (wait_until ([&] { return is_gone ("sleepy"); }));
  EXPECT_GE (g_get_monotonic_time () - begin, G_USEC_PER_SEC);
}

TEST_F (KubePods, VolumesFollowTheirSources)
{
  make (R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"default","name":"cm"},"data":{"a":"one","b":"two"}})");
  make (R"({"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"default","name":"sec"},"data":{"k":"czNjcmV0"}})");
  pod ("vol", "cat /v/a /v/k /v/name /v/labels; stat -L -c ' %a' /v/k; [ ! -e /v/b ] && echo chosen; touch /s/read; until [ \"$(cat /v/a)\" = new ]; do sleep 0.05; done; cat /v/a",
       R"("volumeMounts":[{"name":"v","mountPath":"/v"},{"name":"s","mountPath":"/s"}],)",
       R"("restartPolicy":"Never","volumes":[{"name":"s","hostPath":{"path":")" + std::string (folder) + R"("}},{"name":"v","projected":{"sources":[{"configMap":{"name":"cm","items":[{"key":"a","path":"a"}]}},{"secret":{"name":"sec","items":[{"key":"k","path":"k","mode":256}]}},)"
       R"({"configMap":{"name":"none","optional":true}},{"downwardAPI":{"items":[{"path":"name","fieldRef":{"fieldPath":"metadata.name"}},{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}}]}}]}}],)");
  ASSERT_TRUE (wait_until ([&] { return g_file_test (shared ("read").c_str (), G_FILE_TEST_EXISTS); })) << at ("vol", "status");
  patch ("ConfigMap", "cm", R"({"data":{"a":"new"}})");
  EXPECT_EQ (output ("vol"), "ones3cretvol 400\nchosen\nnew");
}

TEST_F (KubePods, HostPathsAreWhatTheirTypeSays)
{
  auto volume = [&] (const char *name, const char *type) {
    return std::string (R"({"name":")") + name + R"(","hostPath":{"path":")" + shared (name) + R"(","type":")" + type + R"("}})";
  };
  write_file (shared ("a-file"), "content");
  pod ("hosts", "cat /f; touch /n; touch /d/x", R"("volumeMounts":[{"name":"a-file","mountPath":"/f"},{"name":"new-file","mountPath":"/n"},{"name":"new-folder","mountPath":"/d"}],)",
       R"("restartPolicy":"Never","volumes":[)" + volume ("a-file", "File") + "," + volume ("new-file", "FileOrCreate") + "," + volume ("new-folder", "DirectoryOrCreate") + "],");
  EXPECT_EQ (output ("hosts"), "content");
  EXPECT_TRUE (g_file_test (shared ("new-file").c_str (), G_FILE_TEST_IS_REGULAR));
  EXPECT_TRUE (g_file_test (shared ("new-folder/x").c_str (), G_FILE_TEST_IS_REGULAR));

  for (auto &[name, type, what] : std::vector<std::tuple<const char *, const char *, const char *>> {
         { "dir", "Directory", "directory" }, { "socket", "Socket", "socket file" }, { "char", "CharDevice", "character device" }, { "block", "BlockDevice", "block device" } }) {
    write_file (shared (name), "");
    pod (name, "true", "", R"("volumes":[)" + volume (name, type) + "],");
    EXPECT_TRUE (tells (name, "FailedMount", std::string ("MountVolume.SetUp failed for volume \"") + name + "\" : hostPath type check failed: " + shared (name) + " is not a " + what));
  }
  EXPECT_EQ (at ("dir", "status.containerStatuses.0.state.waiting.reason"), "ContainerCreating");
  unlink (shared ("dir").c_str ());
  mkdir (shared ("dir").c_str (), 0755);
  EXPECT_TRUE (becomes ("dir", "status.containerStatuses.0.lastState.terminated.reason", "Completed")) << "it is tried again";
}

TEST_F (KubePods, AMissingSourceHoldsAPodBackUntilItIsThere)
{
  pod ("waits", "cat /v/late; echo $FROM $PRE_late", R"("volumeMounts":[{"name":"v","mountPath":"/v"}],"envFrom":[{"prefix":"PRE_","configMapRef":{"name":"late"}},{"secretRef":{"name":"no","optional":true}}],)"
       R"("env":[{"name":"FROM","valueFrom":{"configMapKeyRef":{"name":"late","key":"late"}}},{"name":"NOT","valueFrom":{"secretKeyRef":{"name":"no","key":"x","optional":true}}}],)",
       R"("restartPolicy":"Never","volumes":[{"name":"v","configMap":{"name":"late"}}],)");
  EXPECT_TRUE (tells ("waits", "FailedMount", "MountVolume.SetUp failed for volume \"v\" : configmap \"late\" not found"));
  make (R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"default","name":"late"},"data":{"late":"here"}})");
  EXPECT_EQ (output ("waits"), "herehere here\n");

  pod ("key", "true", R"("env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"late","key":"nokey"}}}],)");
  ASSERT_TRUE (becomes ("key", "status.containerStatuses.0.state.waiting.reason", "CreateContainerConfigError"));
  EXPECT_EQ (at ("key", "status.containerStatuses.0.state.waiting.message"), "couldn't find key nokey in ConfigMap default/late");
}

TEST_F (KubePods, SubPathsStayInsideTheirVolume)
{
  pod ("sub", "echo x >/made/f; [ -d /made ] && echo made; cat /file; stat -c %a /made", R"("volumeMounts":[{"name":"e","mountPath":"/made","subPath":"a/b"},{"name":"s","mountPath":"/file","subPath":"sub-file"}],)",
       R"("restartPolicy":"Never","volumes":[{"name":"e","emptyDir":{}},{"name":"s","hostPath":{"path":")" + std::string (folder) + R"("}}],)");
  write_file (shared ("sub-file"), "inside\n");
  EXPECT_EQ (output ("sub"), "made\ninside\n777\n");
  EXPECT_EQ (symlink ("/etc", shared ("out").c_str ()), 0);
  pod ("escape", "cat /e/passwd", R"("volumeMounts":[{"name":"s","mountPath":"/e","subPath":"out","readOnly":true}],)", R"("restartPolicy":"Never",)" + volume_shared ());
  EXPECT_TRUE (becomes ("escape", "status.containerStatuses.0.state.waiting.reason", "CreateContainerConfigError"));
  EXPECT_EQ (at ("escape", "status.containerStatuses.0.state.waiting.message").rfind ("failed to prepare subPath for volumeMount", 0), 0u) << at ("escape", "status");
}

TEST_F (KubePods, ASubPathOfVariablesStaysInsideAndIsTriedAgain)
{
  auto expression = [&] (const char *name, const char *value) {
    pod (name, "sleep 1000", std::string (R"("env":[{"name":"A","value":")") + value + R"x("}],"volumeMounts":[{"name":"e","mountPath":"/m","subPathExpr":"$(A)"}],)x", R"("volumes":[{"name":"e","emptyDir":{}}],)");
  };
  expression ("absolute", "/tmp");
  expression ("upwards", "a/../..");
  expression ("nothing", "");
  for (const char *name : { "absolute", "upwards", "nothing" })
    ASSERT_TRUE (becomes (name, "status.containerStatuses.0.state.waiting.reason", "CreateContainerConfigError"));
  EXPECT_EQ (at ("absolute", "status.containerStatuses.0.state.waiting.message"), "error SubPath `/tmp` must not be an absolute path");
  EXPECT_EQ (at ("upwards", "status.containerStatuses.0.state.waiting.message"), "unable to provision SubPath `a/../..`: must not contain '..'");
  EXPECT_EQ (at ("nothing", "status.containerStatuses.0.state.waiting.message"), "missing value for A");
  EXPECT_EQ (at ("absolute", "status.phase"), "Pending");

  pod ("later", "ls /e; sleep 1000",
       R"("env":[{"name":"WHERE","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['where']"}}},{"name":"B","value":"b"}],)"
       R"x("volumeMounts":[{"name":"e","mountPath":"/m","subPathExpr":"$(WHERE)/$(B)"},{"name":"e","mountPath":"/e"}],)x", R"("volumes":[{"name":"e","emptyDir":{}}],)");
  ASSERT_TRUE (becomes ("later", "status.containerStatuses.0.state.waiting.message", "missing value for WHERE"));
  patch ("Pod", "later", R"({"metadata":{"annotations":{"where":"here"}}})");
  EXPECT_TRUE (becomes ("later", "status.phase", "Running"));
  EXPECT_TRUE (wait_until ([&] { return log ("later") == "here\n"; })) << log ("later");
}

TEST_F (KubePods, AnEphemeralContainerRunsOnceBesideTheOthers)
{
  pod ("debugged", "sleep 1234");
  ASSERT_TRUE (becomes ("debugged", "status.phase", "Running"));
  auto add = [&] (const char *json) {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, KUBE_KIND ("v1", "Pod"), "default", "debugged");
    g_autoptr (KubeValue) value = kube_value_parse (json, -1, nullptr);
    kube_request_set_subresource (request, "ephemeralcontainers");
    kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, value);
    g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, &error);
    ASSERT_NE (response, nullptr) << error->message;
  };
  add (R"({"spec":{"ephemeralContainers":[{"name":"look","image":"localhost/busybox:1","imagePullPolicy":"Never","targetContainerName":"c","command":["sh","-c","grep -a -c 1234 /proc/1/cmdline; exit 3"]}]}})");
  EXPECT_TRUE (becomes ("debugged", "status.ephemeralContainerStatuses.0.state.terminated.exitCode", "3"));
  EXPECT_EQ (at ("debugged", "status.ephemeralContainerStatuses.0.restartCount"), "0");
  EXPECT_EQ (log ("debugged", "container", "look"), "1\n") << "it sees the processes of the container that it names";
  add (R"({"spec":{"ephemeralContainers":[{"name":"alone","image":"localhost/busybox:1","imagePullPolicy":"Never","command":["sh","-c","echo I am $$$$; sleep 1000"]}]}})");
  EXPECT_TRUE (wait_until ([&] { return log ("debugged", "container", "alone") == "I am 1\n"; }));
  EXPECT_TRUE (is_ready ("debugged"));
  EXPECT_EQ (at ("debugged", "status.phase"), "Running");
  auto of = [&] (const char *name, const char *path) {
    g_autoptr (KubeObject) pod = kube_client_get (client, KUBE_KIND ("v1", "Pod"), "default", "debugged", nullptr);
    KubeValue *status = kube_value_find_element (kube_object_get (pod, "status.ephemeralContainerStatuses"), "name", name);
    return kube_value_get_integer (status, path, -1);
  };
  EXPECT_EQ (of ("look", "state.terminated.exitCode"), 3) << "it is not begun again";
  EXPECT_EQ (of ("alone", "restartCount"), 0);
  remove ("debugged");
  EXPECT_TRUE (wait_until ([&] { return is_gone ("debugged"); }));
}

/* A registry with the one image, for those who know the password where there is one. */
struct Registry : Server {
  std::string folder, digest, password;
  int refused = 0;
  Registry (const std::string &layout, const std::string &manifest, GTlsCertificate *certificate)
      : Server ([this] (SoupServerMessage *message, const std::string &path) { serve (message, path); }, certificate), folder (layout + "/blobs/sha256/"), digest (manifest)
  {
  }
  void serve (SoupServerMessage *message, const std::string &path)
  {
    std::string name = path.substr (path.rfind ('/') + 1);
    if (!password.empty () && header (message, "Authorization") != "Basic " + password) {
      refused++;
      soup_message_headers_append (soup_server_message_get_response_headers (message), "WWW-Authenticate", "Basic realm=\"here\"");
      soup_server_message_set_status (message, 401, nullptr);
      return;
    }
    bool manifest = path.find ("/manifests/") != std::string::npos;
    std::string data = name == "1" ? read_file (folder + digest.substr (7)) : name.rfind ("sha256:", 0) == 0 ? read_file (folder + name.substr (7)) : "";
    soup_server_message_set_status (message, data.empty () && path != "/v2/" ? 404 : 200, nullptr);
    soup_server_message_set_response (message, manifest && !data.empty () ? "application/vnd.oci.image.manifest.v1+json" : "application/octet-stream", SOUP_MEMORY_COPY, data.data (), data.size ());
  }
};

TEST_F (KubePods, ImagesArePulledWithTheSecretsOfThePod)
{
  g_autofree char *index = nullptr;
  ASSERT_TRUE (g_file_get_contents ((layout () + "/index.json").c_str (), &index, nullptr, nullptr));
  g_autoptr (KubeValue) value = kube_value_parse (index, -1, nullptr);
  std::string digest = kube_value_get_string (kube_value_get_element (kube_value_get (value, "manifests"), 0), "digest");
  std::string keys = std::string (data) + "/pki/apiserver";
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_files ((keys + ".crt").c_str (), (keys + ".key").c_str (), nullptr);
  Registry registry (layout (), digest, certificate);
  std::string image = "127.0.0.1:" + registry.port () + "/busybox";
  auto run = [&] (const std::string &name, const std::string &tag, const std::string &spec = "") {
    make (R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":")" + name + R"("},"spec":{"restartPolicy":"Never",)" + spec + R"("containers":[{"name":"c","image":")" + image + tag +
          R"(","imagePullPolicy":"Always","command":["echo","hi"]}]}})");
  };
  g_autofree char *password = g_base64_encode ((const guchar *) "me:secret", 9);
  registry.password = password;
  run ("stranger", ":1");
  ASSERT_TRUE (becomes ("stranger", "status.containerStatuses.0.state.waiting.reason", "ErrImagePull"));
  EXPECT_GT (registry.refused, 0);
  EXPECT_TRUE (tells ("stranger", "Failed", "Failed to pull image \"" + image + ":1\": "));
  EXPECT_TRUE (becomes ("stranger", "status.containerStatuses.0.state.waiting.reason", "ImagePullBackOff"));
  EXPECT_EQ (at ("stranger", "status.containerStatuses.0.state.waiting.message").rfind ("Back-off pulling image \"" + image + ":1\": ErrImagePull: ", 0), 0u);

  std::string config = R"({"auths":{"127.0.0.1:)" + registry.port () + R"(":{"auth":")" + password + R"("}}})";
  g_autofree char *encoded = g_base64_encode ((const guchar *) config.data (), config.size ());
  make (R"({"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"default","name":"pull"},"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":")" + std::string (encoded) + R"("}})");
  run ("friend", ":1", R"("imagePullSecrets":[{"name":"pull"}],)");
  EXPECT_EQ (output ("friend"), "hi\n");
  EXPECT_EQ (at ("friend", "status.containerStatuses.0.imageID"), image + "@" + digest);
  EXPECT_TRUE (tells ("friend", "Pulled", "Successfully pulled image \"" + image + ":1\" in "));

  registry.password.clear ();
  run ("absent", ":none");
  ASSERT_TRUE (becomes ("absent", "status.containerStatuses.0.state.waiting.reason", "ErrImagePull"));
  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (log ("absent", nullptr, nullptr, &error), "");
  EXPECT_STREQ (error->message, "container \"c\" in pod \"absent\" is waiting to start: image can't be pulled");
  run ("exact", "@" + digest);
  EXPECT_EQ (output ("exact"), "hi\n");
}

TEST_F (KubePods, ContainersOutliveTheCluster)
{
  pod ("stays", "echo begun; until [ -e /s/finish ]; do sleep 0.05; done; echo ended", R"("readinessProbe":{"periodSeconds":1,"exec":{"command":["true"]}},)" + mount_shared (), R"("restartPolicy":"Never",)" + volume_shared ());
  ASSERT_TRUE (wait_until ([&] { return is_ready ("stays"); }));
  std::string id = at ("stays", "status.containerStatuses.0.containerID"), ip = at ("stays", "status.podIP");
  stop_cluster ();
  start_cluster ();
  client = kube_cluster_get_client (cluster);
  pod ("after", "sleep 1000");
  ASSERT_TRUE (becomes ("after", "status.phase", "Running"));
  EXPECT_NE (at ("after", "status.podIP"), ip);
  EXPECT_TRUE (is_ready ("stays"));
  write_file (shared ("finish"), "");
  EXPECT_EQ (output ("stays"), "begun\nended\n");
  EXPECT_EQ (at ("stays", "status.containerStatuses.0.containerID"), id);
  EXPECT_EQ (at ("stays", "status.containerStatuses.0.restartCount"), "0");
}

TEST_F (KubePods, ResourcesChangeUnderARunningContainer)
{
  auto resize = [&] (const char *cpu) {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, KUBE_KIND ("v1", "Pod"), "default", "sized");
    std::string text = R"({"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":")" + std::string (cpu) + R"("},"limits":{"cpu":")" + cpu + R"("}}}]}})";
    g_autoptr (KubeValue) patch = kube_value_parse (text.c_str (), -1, nullptr);
    kube_request_set_subresource (request, "resize");
    kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
    g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, &error);
    ASSERT_NE (response, nullptr) << error->message;
  };
  /* what the container itself sees, of either version of cgroups */
  auto sees = [&] (const std::string &quota) {
    return wait_until ([&] { return read_file (shared ("quota")).rfind (quota, 0) == 0; });
  };
  pod ("sized", "while :; do cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null >/s/new; mv /s/new /s/quota; sleep 0.05; done",
       R"("resources":{"requests":{"cpu":"20m","memory":"64Mi"},"limits":{"cpu":"20m","memory":"64Mi"}},)" + mount_shared (), volume_shared ());
  ASSERT_TRUE (becomes ("sized", "status.phase", "Running"));
  EXPECT_TRUE (sees ("2000"));
  std::string id = at ("sized", "status.containerStatuses.0.containerID");
  resize ("50m");
  EXPECT_TRUE (becomes ("sized", "status.containerStatuses.0.resources.limits.cpu", "50m"));
  EXPECT_TRUE (sees ("5000"));
  EXPECT_TRUE (tells ("sized", "ResizeCompleted", "Pod resize completed: {\"containers\":[{\"name\":\"c\""));

  resize ("1000");
  EXPECT_TRUE (tells ("sized", "ResizeDeferred", "Pod resize Deferred: "));
  stop_cluster ();
  start_cluster ();
  client = kube_cluster_get_client (cluster);
  pod ("later", "sleep 1000");
  ASSERT_TRUE (becomes ("later", "status.phase", "Running"));
  EXPECT_EQ (at ("sized", "status.containerStatuses.0.allocatedResources.cpu"), "50m") << "what was granted is known to a later agent";
  resize ("30m");
  EXPECT_TRUE (sees ("3000"));
  EXPECT_TRUE (becomes ("sized", "status.containerStatuses.0.resources.limits.cpu", "30m"));
  EXPECT_EQ (at ("sized", "status.containerStatuses.0.containerID"), id);
}

TEST_F (KubePods, AnImageIsAVolume)
{
  pod ("shelf", "/image/bin/busybox true 2>/dev/null || echo not run; cd /image && ls -d bin; touch /image/new 2>/dev/null || echo not written; ls /part | grep -x busybox",
       R"("volumeMounts":[{"name":"i","mountPath":"/image"},{"name":"i","mountPath":"/part","subPath":"bin"}],)",
       R"("restartPolicy":"Never","volumes":[{"name":"i","image":{"reference":"localhost/busybox:1","pullPolicy":"Never"}}],)");
  EXPECT_EQ (output ("shelf"), "not run\nbin\nnot written\nbusybox\n");
  pod ("bare", "true", R"("volumeMounts":[{"name":"i","mountPath":"/image"}],)", R"("volumes":[{"name":"i","image":{"reference":"localhost/none:1","pullPolicy":"Never"}}],)");
  EXPECT_TRUE (becomes ("bare", "status.containerStatuses.0.state.waiting.reason", "ErrImageNeverPull"));
  EXPECT_EQ (at ("bare", "status.containerStatuses.0.state.waiting.message"), "Container image \"localhost/none:1\" is not present with pull policy of Never");
  remove ("shelf");
  EXPECT_TRUE (wait_until ([&] { return is_gone ("shelf"); }));
}
