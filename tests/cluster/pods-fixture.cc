/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pods-fixture.h"

#include <fstream>
#include <sched.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include <kube/kube-image-store.h>
#include "busybox-layout.h"
#include "image/kube-image-private.h"

KubeCluster *PodsTest::cluster;
char *PodsTest::folder, *PodsTest::data;
std::string PodsTest::missing;

std::string
read_file (const std::string &path)
{
  std::ifstream in (path);
  return std::string (std::istreambuf_iterator<char> (in), {});
}

void
write_file (const std::string &path, const std::string &text)
{
  std::ofstream (path) << text;
}

/* What lives as long as the program: the namespace, the image, the cluster. */
class PodsEnvironment : public testing::Environment {
  void SetUp () override
  {
    for (const char *program : { "crun", "conmon", "skopeo", "ip" }) {
      g_autofree char *path = g_find_program_in_path (program);
      if (path == nullptr)
        PodsTest::missing = program;
    }
    if (access ("/bin/busybox", X_OK) != 0)
      PodsTest::missing = "busybox-static";
    if (geteuid () != 0 || unshare (CLONE_NEWNET) != 0 || !g_spawn_command_line_sync ("ip link set lo up", nullptr, nullptr, nullptr, nullptr))
      PodsTest::missing = "root";
    if (!PodsTest::missing.empty ())
      return;
    g_autoptr (GError) error = nullptr;
    PodsTest::data = g_dir_make_tmp ("kube-pods-XXXXXX", nullptr);
    PodsTest::folder = g_build_filename (PodsTest::data, "shared", nullptr);
    g_mkdir_with_parents (PodsTest::folder, 0755);
    make_busybox_layout (PodsTest::layout ());
    g_autoptr (KubeImageStore) images = kube_image_store_new (PodsTest::data);
    g_autoptr (KubeImage) image = kube_image_store_import (images, PodsTest::layout ().c_str (), "localhost/busybox:1", &error);
    ASSERT_NE (image, nullptr) << error->message;
    PodsTest::start_cluster ();
  }
  void TearDown () override
  {
    if (PodsTest::data == nullptr)
      return;
    PodsTest::stop_cluster ();
    g_autoptr (GError) error = nullptr;
    EXPECT_TRUE (kube_cluster_clean_up (PodsTest::data, &error)) << error->message;
    EXPECT_EQ (read_file ("/proc/self/mountinfo").find (PodsTest::data), std::string::npos) << "a mount is left";
    kube_folder_remove (PodsTest::data, nullptr);
    g_free (PodsTest::folder);
    g_free (PodsTest::data);
  }
};

static testing::Environment *const environment = testing::AddGlobalTestEnvironment (new PodsEnvironment);

std::string
PodsTest::layout ()
{
  return std::string (data) + "/layout";
}

void
PodsTest::start_cluster ()
{
  g_autoptr (GError) error = nullptr;
  KubeClusterOptions options = {};
  options.data_dir = data;
  options.serve = TRUE;
  options.bind_address = "127.0.0.1";
  options.runtime = "oci";
  options.node_name = "n1";
  cluster = kube_cluster_new (&options, &error);
  ASSERT_NE (cluster, nullptr) << error->message;
}

void
PodsTest::stop_cluster ()
{
  if (cluster != nullptr)
    kube_cluster_stop (cluster);
  g_clear_object (&cluster);
}

void
PodsTest::SetUp ()
{
  if (!missing.empty ())
    GTEST_SKIP () << "needs " << missing;
  ASSERT_NE (cluster, nullptr);
  client = kube_cluster_get_client (cluster);
  ASSERT_TRUE (wait_until ([&] {
    g_autoptr (KubeObject) account = kube_client_get (client, KUBE_KIND ("v1", "ServiceAccount"), "default", "default", nullptr);
    return account != nullptr;
  }));
}

void
PodsTest::TearDown ()
{
  if (client == nullptr)
    return;
  g_autoptr (KubeObjectList) pods = kube_client_list (client, KUBE_KIND ("v1", "Pod"), "default", nullptr, nullptr);
  for (guint i = 0; i < kube_object_list_get_length (pods); i++)
    remove (kube_object_get_name (kube_object_list_get (pods, i)));
}

void
PodsTest::make (const std::string &json)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeObject) object = kube_object_parse (json.c_str (), -1, &error);
  ASSERT_NE (object, nullptr) << error->message << "\n" << json;
  g_autoptr (KubeObject) made = kube_client_create (client, object, &error);
  ASSERT_NE (made, nullptr) << error->message;
}

void
PodsTest::pod (const char *name, const std::string &script, const std::string &container, const std::string &spec)
{
  std::string quoted;
  for (char c : script)
    quoted += c == '"' || c == '\\' ? std::string ("\\") + c : std::string (1, c);
  make (R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":")" + std::string (name) + R"("},"spec":{)" + spec + R"("containers":[{"name":"c",)" + container +
        R"("image":"localhost/busybox:1","imagePullPolicy":"IfNotPresent","command":["sh","-c",")" + quoted + R"("]}]}})");
}

void
PodsTest::patch (const char *kind, const char *name, const char *json)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeObject) object = kube_client_get (client, KUBE_KIND ("v1", kind), "default", name, &error);
  g_autoptr (KubeValue) value = kube_value_parse (json, -1, nullptr);
  ASSERT_NE (object, nullptr) << error->message;
  g_autoptr (KubeObject) patched = kube_client_patch (client, object, KUBE_PATCH_MERGE, value, &error);
  ASSERT_NE (patched, nullptr) << error->message;
}

void
PodsTest::remove (const char *name, gint64 grace)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, KUBE_KIND ("v1", "Pod"), "default", name);
  kube_request_set_delete_options (request, grace, nullptr, nullptr, nullptr);
  g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, nullptr);
}

std::string
PodsTest::at (const char *name, const char *path)
{
  g_autoptr (KubeObject) object = kube_client_get (client, KUBE_KIND ("v1", "Pod"), "default", name, nullptr);
  KubeValue *value = object != nullptr ? kube_object_get (object, path) : nullptr;
  if (value == nullptr)
    return "";
  const char *text = kube_value_peek_string (value, nullptr);
  g_autofree char *printed = kube_value_print (value, nullptr);
  return text != nullptr ? text : printed;
}

bool
PodsTest::becomes (const char *name, const char *path, const char *value)
{
  bool good = wait_until ([&] { return at (name, path) == value; });
  EXPECT_EQ (at (name, path), value) << name << ": " << at (name, "status");
  return good;
}

bool
PodsTest::is_ready (const char *name)
{
  return at (name, "status.containerStatuses.0.ready") == "true";
}

bool
PodsTest::is_gone (const char *name)
{
  g_autoptr (KubeObject) object = kube_client_get (client, KUBE_KIND ("v1", "Pod"), "default", name, nullptr);
  return object == nullptr;
}

testing::AssertionResult
PodsTest::tells (const char *name, const char *reason, const std::string &message)
{
  std::string others;
  bool found = wait_until ([&] {
    g_autoptr (KubeObjectList) events = kube_client_list (client, KUBE_KIND ("v1", "Event"), "default", nullptr, nullptr);
    others.clear ();
    for (guint i = 0; i < kube_object_list_get_length (events); i++) {
      KubeObject *event = kube_object_list_get (events, i);
      if (g_strcmp0 (kube_object_get_string (event, "involvedObject.name"), name) != 0)
        continue;
      std::string text = kube_object_get_string (event, "message");
      if (g_strcmp0 (kube_object_get_string (event, "reason"), reason) == 0 && text.rfind (message, 0) == 0)
        return true;
      others += std::string (kube_object_get_string (event, "reason")) + ": " + text + "\n";
    }
    return false;
  });
  return found ? testing::AssertionSuccess () : testing::AssertionFailure () << "no " << reason << ": " << message << " about " << name << ", but\n" << others;
}

std::string
PodsTest::log (const char *name, const char *option, const char *value, GError **error)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_GET, KUBE_KIND ("v1", "Pod"), "default", name);
  kube_request_set_subresource (request, "log");
  if (option != nullptr)
    kube_request_set_option (request, option, value);
  g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, error);
  GBytes *body = response != nullptr ? kube_response_get_body (response) : nullptr;
  return body != nullptr ? std::string ((const char *) g_bytes_get_data (body, nullptr), g_bytes_get_size (body)) : "";
}

std::string
PodsTest::output (const char *name)
{
  EXPECT_TRUE (wait_until ([&] { std::string phase = at (name, "status.phase"); return phase == "Succeeded" || phase == "Failed"; })) << at (name, "status");
  return log (name);
}

static std::string
between (const std::string &text, const std::string &before)
{
  size_t from = text.find (before) + before.size ();
  return text.substr (from, text.find ('\n', from) - from);
}

GTlsCertificate *
administrator (KubeCluster *cluster)
{
  g_autofree char *kubeconfig = kube_cluster_dup_kubeconfig (cluster);
  std::string pem;
  for (const char *member : { "client-certificate-data: ", "client-key-data: " }) {
    gsize length;
    g_autofree guchar *data = g_base64_decode (between (kubeconfig, member).c_str (), &length);
    pem.append ((char *) data, length);
  }
  return g_tls_certificate_new_from_pem (pem.data (), pem.size (), nullptr);
}

static void
on_network_event (SoupMessage *, GSocketClientEvent event, GIOStream *connection, gpointer certificate)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_tls_connection_set_certificate (G_TLS_CONNECTION (connection), (GTlsCertificate *) certificate);
}

void
present (SoupMessage *message, GTlsCertificate *certificate)
{
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), certificate);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (+[] { return TRUE; }), nullptr);
}

WebServer::WebServer (GTlsCertificate *own) : certificate (own)
{
  number = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), nullptr, nullptr);
  g_signal_connect (service, "incoming", G_CALLBACK (on_connection), this);
}

WebServer::~WebServer ()
{
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  g_object_unref (service);
  soup_server_disconnect (server);
  g_object_unref (server);
}

gboolean
WebServer::on_connection (GSocketService *, GSocketConnection *connection, GObject *, gpointer data)
{
  WebServer *self = (WebServer *) data;
  g_autoptr (GSocketAddress) ours = g_socket_connection_get_local_address (connection, nullptr), theirs = g_socket_connection_get_remote_address (connection, nullptr);
  g_autoptr (GIOStream) stream = self->certificate != nullptr ? g_tls_server_connection_new (G_IO_STREAM (connection), self->certificate, nullptr) : G_IO_STREAM (g_object_ref (connection));
  return soup_server_accept_iostream (self->server, stream, ours, theirs, nullptr);
}
