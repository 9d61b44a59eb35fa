/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pods-fixture.h"

/* Requests that the server hands on to pods. */

namespace {

struct Answer {
  guint status = 0;
  std::string body, location, type, header;
};

class KubePodProxy : public PodsTest {
protected:
  void SetUp () override
  {
    PodsTest::SetUp ();
    if (cluster != nullptr)
      certificate = administrator (cluster);
  }
  void TearDown () override
  {
    g_clear_object (&certificate);
    g_object_unref (session);
    PodsTest::TearDown ();
  }

  Answer ask (const std::string &path, const char *method = "GET", const std::string &body = "")
  {
    std::string url = "https://127.0.0.1:" + std::to_string (kube_cluster_get_port (cluster)) + "/api/v1/namespaces/default/" + path;
    g_autoptr (SoupMessage) message = soup_message_new (method, url.c_str ());
    g_autoptr (GBytes) sent = g_bytes_new (body.data (), body.size ());
    soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
    soup_message_headers_append (soup_message_get_request_headers (message), "X-Mine", "yes");
    soup_message_headers_append (soup_message_get_request_headers (message), "Authorization", "Bearer secret");
    present (message, certificate);
    if (!body.empty ())
      soup_message_set_request_body_from_bytes (message, "text/plain", sent);
    struct Wait { GBytes *bytes = nullptr; bool done = false; } waiting;
    soup_session_send_and_read_async (session, message, G_PRIORITY_DEFAULT, nullptr, [] (GObject *source, GAsyncResult *result, gpointer data) {
      ((Wait *) data)->bytes = soup_session_send_and_read_finish (SOUP_SESSION (source), result, nullptr);
      ((Wait *) data)->done = true;
    }, &waiting);
    EXPECT_TRUE (wait_until ([&] { return waiting.done; }));
    g_autoptr (GBytes) bytes = waiting.bytes;
    SoupMessageHeaders *headers = soup_message_get_response_headers (message);
    auto header = [&] (const char *name) { const char *value = soup_message_headers_get_one (headers, name); return std::string (value != nullptr ? value : ""); };
    return { soup_message_get_status (message), bytes != nullptr ? std::string ((const char *) g_bytes_get_data (bytes, nullptr), g_bytes_get_size (bytes)) : "",
             header ("Location"), header ("Content-Type"), header ("X-Pod") };
  }

  GTlsCertificate *certificate = nullptr;
  SoupSession *session = soup_session_new ();
};

}

TEST_F (KubePodProxy, HandsRequestsOnAndAnswersBack)
{
  pod ("web", "mkdir -p /tmp/a; echo page >/tmp/a/index.html; echo '<a href=\"/a/\">a</a>' >/tmp/link.html; head -c 3000000 /dev/zero >/tmp/big; httpd -f -p 8080 -h /tmp",
       R"("ports":[{"containerPort":8080}],"readinessProbe":{"periodSeconds":1,"tcpSocket":{"port":8080}},)");
  ASSERT_TRUE (wait_until ([&] { return is_ready ("web"); }));
  EXPECT_EQ (ask ("pods/web:8080/proxy/a/").body, "page\n");
  Answer page = ask ("pods/http:web:8080/proxy/a/index.html?x=y%20z");
  EXPECT_EQ (page.status, 200u);
  EXPECT_EQ (page.body, "page\n");
  EXPECT_EQ (page.type, "text/html");
  EXPECT_EQ (ask ("pods/web/proxy/a/").body, "page\n") << "the first port that the pod names";
  EXPECT_EQ (ask ("pods/web/proxy/big").body.size (), 3000000u);
  EXPECT_EQ (ask ("pods/web/proxy/none").status, 404u);
  EXPECT_EQ (ask ("pods/web/proxy/a/", "HEAD").status, 200u);

  Answer root = ask ("pods/web/proxy?q=1");
  EXPECT_EQ (root.status, 301u);
  EXPECT_EQ (root.location, "/api/v1/namespaces/default/pods/web/proxy/?q=1");
  EXPECT_EQ (ask ("pods/web/proxy/link.html").body, "<a href=\"/api/v1/namespaces/default/pods/web/proxy/a/\">a</a>\n");
  Answer inside = ask ("pods/web/proxy/a");
  EXPECT_EQ (inside.status, 302u);
  EXPECT_EQ (inside.location, "/api/v1/namespaces/default/pods/web/proxy/a/") << "a page of the pod is one behind the proxy";
}

TEST_F (KubePodProxy, ThePodSeesTheRequestButNoCredentials)
{
  pod ("echo", "nc -ll -p 9090 -e sh -c 'printf \"HTTP/1.0 203 Fine\\r\\nX-Pod: yes\\r\\n\\r\\n\"; while read -t 20 line; do echo \"$line\"; [ \"$line\" = \"the body\" ] && break; done'",
       R"("readinessProbe":{"periodSeconds":1,"tcpSocket":{"port":9090}},)");
  ASSERT_TRUE (wait_until ([&] { return is_ready ("echo"); })) << at ("echo", "status");
  Answer answer = ask ("pods/echo:9090/proxy/do%20it/?a=b&c", "POST", "the body\n");
  EXPECT_EQ (answer.status, 203u);
  EXPECT_EQ (answer.header, "yes");
  EXPECT_EQ (answer.body.rfind ("POST /do%20it/?a=b&c HTTP/1.1", 0), 0u) << answer.body;
  for (const char *line : { "X-Mine: yes", "X-Forwarded-Uri: /api/v1/namespaces/default/pods/echo:9090/proxy/do%20it/", "X-Forwarded-For: 127.0.0.1", "Content-Type: text/plain", "the body" })
    EXPECT_NE (answer.body.find (line), std::string::npos) << line << " in\n" << answer.body;
  EXPECT_EQ (answer.body.find ("secret"), std::string::npos) << answer.body;
}

TEST_F (KubePodProxy, AWebSocketGoesThrough)
{
  WebServer web;
  soup_server_add_websocket_handler (web.server, "/echo", nullptr, nullptr, [] (SoupServer *, SoupServerMessage *, const char *, SoupWebsocketConnection *connection, gpointer) {
    g_object_ref (connection);
    g_signal_connect (connection, "message", G_CALLBACK (+[] (SoupWebsocketConnection *self, int, GBytes *bytes) {
      std::string text ((const char *) g_bytes_get_data (bytes, nullptr), g_bytes_get_size (bytes));
      soup_websocket_connection_send_text (self, ("echo " + text).c_str ());
    }), nullptr);
    g_signal_connect (connection, "closed", G_CALLBACK (g_object_unref), nullptr);
  }, nullptr, nullptr);

  /* This test serves at the pods' gateway; a pod that no node runs is said to be there. */
  pod ("any", "sleep 1000");
  ASSERT_TRUE (becomes ("any", "status.phase", "Running"));
  make (R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":"host"},"spec":{"nodeName":"none","containers":[{"name":"c","image":"x"}]}})");
  g_autoptr (KubeObject) object = kube_client_get (client, KUBE_KIND ("v1", "Pod"), "default", "host", nullptr);
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (object));
  kube_node_set_string (kube_builder_get_root (builder), "status.podIP", "10.244.0.1");
  g_autoptr (KubeObject) placed = kube_object_new_from_builder (builder);
  g_autoptr (KubeObject) written = kube_client_update_status (client, placed, nullptr);
  ASSERT_EQ (at ("host", "status.podIPs.0.ip"), "10.244.0.1");
  std::string url = "wss://127.0.0.1:" + std::to_string (kube_cluster_get_port (cluster)) + "/api/v1/namespaces/default/pods/host:" + web.port () + "/proxy/echo";
  g_autoptr (SoupMessage) message = soup_message_new ("GET", url.c_str ());
  present (message, certificate);
  struct Client { SoupWebsocketConnection *connection = nullptr; std::string text, error; bool answered = false, closed = false; } socket;
  soup_session_websocket_connect_async (session, message, nullptr, nullptr, G_PRIORITY_DEFAULT, nullptr, [] (GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr (GError) error = nullptr;
    ((Client *) data)->connection = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
    ((Client *) data)->error = error != nullptr ? error->message : "";
    ((Client *) data)->answered = true;
  }, &socket);
  ASSERT_TRUE (wait_until ([&] { return socket.answered; }));
  ASSERT_NE (socket.connection, nullptr) << socket.error << " " << at ("host", "status.podIP");
  g_signal_connect (socket.connection, "message", G_CALLBACK (+[] (SoupWebsocketConnection *, int, GBytes *bytes, Client *self) {
    self->text.append ((const char *) g_bytes_get_data (bytes, nullptr), g_bytes_get_size (bytes));
  }), &socket);
  g_signal_connect_swapped (socket.connection, "closed", G_CALLBACK (+[] (Client *self) { self->closed = true; }), &socket);
  soup_websocket_connection_send_text (socket.connection, "this");
  EXPECT_TRUE (wait_until ([&] { return socket.text == "echo this"; })) << socket.text;
  soup_websocket_connection_close (socket.connection, 1000, nullptr);
  EXPECT_TRUE (wait_until ([&] { return socket.closed; }));
  g_object_unref (socket.connection);
}

TEST_F (KubePodProxy, AServiceIsOneOfItsPods)
{
  pod ("back", "echo from back >/tmp/index.html; httpd -f -p 8080 -h /tmp", R"("readinessProbe":{"periodSeconds":1,"tcpSocket":{"port":8080}},)");
  patch ("Pod", "back", R"({"metadata":{"labels":{"app":"back"}}})");
  make (R"({"apiVersion":"v1","kind":"Service","metadata":{"namespace":"default","name":"svc"},"spec":{"selector":{"app":"back"},"ports":[{"name":"web","port":80,"targetPort":8080}]}})");
  ASSERT_TRUE (wait_until ([&] { return ask ("services/svc:web/proxy/").status == 200u; })) << ask ("services/svc:web/proxy/").body;
  EXPECT_EQ (ask ("services/svc:80/proxy/").body, "from back\n");
  EXPECT_EQ (ask ("services/http:svc:web/proxy/").body, "from back\n");
  Answer other = ask ("services/svc:81/proxy/");
  EXPECT_EQ (other.status, 503u);
  EXPECT_NE (other.body.find (R"(no service port 81 found for service \"svc\")"), std::string::npos) << other.body;
  EXPECT_NE (ask ("services/svc/proxy/").body.find (R"(no endpoints available for service \"svc\")"), std::string::npos);
  EXPECT_EQ (ask ("services/none/proxy/").status, 404u);
}

TEST_F (KubePodProxy, GoesNowhereButToPods)
{
  pod ("quiet", "sleep 1000");
  ASSERT_TRUE (becomes ("quiet", "status.phase", "Running"));
  Answer refused = ask ("pods/quiet:81/proxy/");
  EXPECT_EQ (refused.status, 503u);
  EXPECT_NE (refused.body.find ("error trying to reach service: dial tcp " + at ("quiet", "status.podIP") + ":81: connect: connection refused"), std::string::npos) << refused.body;
  EXPECT_EQ (ask ("pods/ftp:quiet:81/proxy/").status, 400u);
  EXPECT_EQ (ask ("pods/none/proxy/").status, 404u);

  /* Whoever may write endpoints could name the machine itself. */
  make (R"({"apiVersion":"v1","kind":"Service","metadata":{"namespace":"default","name":"trap"},"spec":{"ports":[{"port":80}]}})");
  make (R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"default","name":"trap"},"subsets":[{"addresses":[{"ip":"10.11.12.13","targetRef":{"kind":"Pod","namespace":"default","name":"quiet"}}],"ports":[{"port":80}]}]})");
  EXPECT_EQ (ask ("services/trap:80/proxy/").status, 503u);
}
