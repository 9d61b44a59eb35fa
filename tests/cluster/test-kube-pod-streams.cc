/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libsoup/soup.h>
#include <map>
#include <vector>
#include "pods-fixture.h"

/* exec, attach, port-forward and logs, from a client's end to the container. */

namespace {

/* A WebSocket to a pod with the administrator's certificate. */
class Stream {
public:
  Stream (KubeCluster *cluster, const std::string &path, const char *protocol)
  {
    g_autoptr (GTlsCertificate) certificate = administrator (cluster);
    std::string url = "wss://127.0.0.1:" + std::to_string (kube_cluster_get_port (cluster)) + "/api/v1/namespaces/default/pods/" + path;
    SoupMessage *message = soup_message_new ("GET", url.c_str ());
    const char *protocols[] = { protocol, nullptr };
    present (message, certificate);
    soup_session_websocket_connect_async (session, message, nullptr, (char **) protocols, G_PRIORITY_DEFAULT, nullptr, on_connected, this);
    while (!answered)
      g_main_context_iteration (nullptr, TRUE);
    status = soup_message_get_status (message);
    g_object_unref (message);
    if (connection == nullptr)
      return;
    soup_websocket_connection_set_max_incoming_payload_size (connection, 0);
    g_signal_connect (connection, "message", G_CALLBACK (on_message), this);
    g_signal_connect_swapped (connection, "closed", G_CALLBACK (+[] (Stream *self) { self->closed = true; }), this);
  }
  ~Stream ()
  {
    if (connection != nullptr) {
      g_signal_handlers_disconnect_by_data (connection, this);
      if (soup_websocket_connection_get_state (connection) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_close (connection, 1000, nullptr);
    }
    g_clear_object (&connection);
    g_object_unref (session);
  }
  Stream (const Stream &) = delete;
  void send (char channel, const std::string &text)
  {
    std::string frame = channel + text;
    soup_websocket_connection_send_binary (connection, frame.data (), frame.size ());
  }
  std::string operator[] (int channel) { return channels[channel]; }

  guint status = 0;
  bool closed = false, text = false;
  std::string error, whole; /* all messages as they came, for protocols without channels */
  int messages = 0;

private:
  static void on_connected (GObject *session, GAsyncResult *result, gpointer data)
  {
    Stream *self = (Stream *) data;
    g_autoptr (GError) error = nullptr;
    self->connection = soup_session_websocket_connect_finish (SOUP_SESSION (session), result, &error);
    self->answered = true;
    self->error = error != nullptr ? error->message : "";
  }
  static void on_message (SoupWebsocketConnection *, int type, GBytes *bytes, gpointer data)
  {
    gsize length;
    const char *frame = (const char *) g_bytes_get_data (bytes, &length);
    ((Stream *) data)->text |= type == SOUP_WEBSOCKET_DATA_TEXT;
    ((Stream *) data)->whole.append (frame, length);
    ((Stream *) data)->messages++;
    if (length > 0)
      ((Stream *) data)->channels[frame[0]].append (frame + 1, length - 1);
  }

  SoupSession *session = soup_session_new ();
  SoupWebsocketConnection *connection = nullptr;
  std::map<int, std::string> channels;
  bool answered = false;
};

class KubePodStreams : public PodsTest {
protected:
  std::string exec (const char *name, const std::vector<std::string> &command, const std::string &options)
  {
    std::string path = std::string (name) + "/exec?" + options;
    for (auto &word : command) {
      g_autofree char *escaped = g_uri_escape_string (word.c_str (), nullptr, FALSE);
      path += "&command=" + std::string (escaped);
    }
    return path;
  }
  void running (const char *name, const std::string &script, const std::string &container = "")
  {
    pod (name, script, container);
    ASSERT_TRUE (becomes (name, "status.phase", "Running"));
  }
};

const char *const success = R"({"metadata":{},"status":"Success"})";

}

TEST_F (KubePodStreams, ACommandHasItsStreamsAndItsExitCode)
{
  running ("exec", "sleep 1000");
  Stream good (cluster, exec ("exec", { "sh", "-c", "read x; echo out $x; echo err >&2" }, "stdin=1&stdout=1&stderr=1"), "v4.channel.k8s.io");
  ASSERT_EQ (good.status, 101u) << good.error;
  good.send (0, "word\n");
  ASSERT_TRUE (wait_until ([&] { return good.closed; }));
  EXPECT_EQ (good[1], "out word\n");
  EXPECT_EQ (good[2], "err\n");
  EXPECT_EQ (good[3], success);

  Stream bad (cluster, exec ("exec", { "sh", "-c", "exit 7" }, "stdout=true"), "v5.channel.k8s.io");
  ASSERT_TRUE (wait_until ([&] { return bad.closed; }));
  EXPECT_EQ (bad[3], R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}})");

  Stream old (cluster, exec ("exec", { "sh", "-c", "exit 7" }, "stdout=true"), "channel.k8s.io");
  ASSERT_TRUE (wait_until ([&] { return old.closed; }));
  EXPECT_EQ (old[3], "command terminated with non-zero exit code: exit status 7") << "the first protocol has no Status";

  Stream none (cluster, exec ("exec", { "/nosuch" }, "stdout=true"), "v5.channel.k8s.io");
  ASSERT_TRUE (wait_until ([&] { return none.closed; }));
  EXPECT_NE (none[3].find (R"("status":"Failure")"), std::string::npos) << none[3];
}

TEST_F (KubePodStreams, TheEndOfStdinReachesTheCommand)
{
  running ("pipe", "sleep 1000");
  Stream stream (cluster, exec ("pipe", { "sh", "-c", "tr -d x | sha256sum" }, "stdin=1&stdout=1"), "v5.channel.k8s.io");
  ASSERT_EQ (stream.status, 101u) << stream.error;
  std::string part (64 * 1024, 'a');
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  for (int i = 0; i < 100; i++) {
    stream.send (0, part);
    g_checksum_update (checksum, (const guchar *) part.data (), part.size ());
  }
  stream.send (-1, std::string (1, '\0'));
  ASSERT_TRUE (wait_until ([&] { return stream.closed; }));
  EXPECT_EQ (stream[1], std::string (g_checksum_get_string (checksum)) + "  -\n");
}

TEST_F (KubePodStreams, MuchOutputArrivesWhole)
{
  running ("much", "sleep 1000");
  Stream stream (cluster, exec ("much", { "sh", "-c", "head -c 16000000 /dev/zero | tr '\\0' y" }, "stdout=1"), "v5.channel.k8s.io");
  ASSERT_TRUE (wait_until ([&] { return stream.closed; }));
  EXPECT_EQ (stream[1].size (), 16000000u);
  EXPECT_EQ (stream[1].find_first_not_of ('y'), std::string::npos);
  EXPECT_EQ (stream[3], success);
}

TEST_F (KubePodStreams, ATerminalHasTheClientsSize)
{
  running ("tty", "sleep 1000");
  Stream stream (cluster, exec ("tty", { "sh", "-c", "test -t 0 && read x && stty size" }, "stdin=1&stdout=1&tty=1"), "v4.channel.k8s.io");
  stream.send (4, R"({"Width":101,"Height":43})");
  stream.send (4, "nonsense");
  stream.send (0, "go\n");
  ASSERT_TRUE (wait_until ([&] { return stream.closed; }));
  EXPECT_NE (stream[1].find ("43 101"), std::string::npos) << stream[1];
  EXPECT_EQ (stream[3], success);
}

TEST_F (KubePodStreams, BrowsersMaySpeakBase64)
{
  running ("base64", "sleep 1000");
  Stream stream (cluster, exec ("base64", { "echo", "hello" }, "stdout=1"), "v4.base64.channel.k8s.io");
  ASSERT_TRUE (wait_until ([&] { return stream.closed; }));
  EXPECT_TRUE (stream.text);
  EXPECT_EQ (stream['1'], "aGVsbG8K");
}

TEST_F (KubePodStreams, ACommandEndsWithItsClient)
{
  running ("left", "sleep 1000");
  auto processes = [&] {
    Stream list (cluster, exec ("left", { "sh", "-c", "grep -l -a ^tail /proc/[0-9]*/cmdline" }, "stdout=1"), "v5.channel.k8s.io");
    wait_until ([&] { return list.closed; });
    return list[1];
  };
  {
    Stream stream (cluster, exec ("left", { "tail", "-f", "/dev/null" }, "stdout=1"), "v5.channel.k8s.io");
    ASSERT_TRUE (wait_until ([&] { return !processes ().empty (); }));
  }
  EXPECT_TRUE (wait_until ([&] { return processes ().empty (); }));
}

TEST_F (KubePodStreams, AttachSpeaksWithTheContainersOwnProcess)
{
  running ("attach", "while read x; do echo got $x; done; echo closed; sleep 1000", R"("stdin":true,)");
  Stream stream (cluster, "attach/attach?stdin=1&stdout=1", "v4.channel.k8s.io");
  ASSERT_EQ (stream.status, 101u) << stream.error;
  stream.send (0, "this\n");
  EXPECT_TRUE (wait_until ([&] { return stream[1] == "got this\n"; })) << stream[1];
}

TEST_F (KubePodStreams, WhatCannotBeIsRefusedBeforeTheUpgrade)
{
  running ("refused", "sleep 1000");
  EXPECT_EQ (Stream (cluster, exec ("refused", {}, "stdout=1"), "v4.channel.k8s.io").status, 400u);
  EXPECT_EQ (Stream (cluster, exec ("refused", { "true" }, "tty=0"), "v4.channel.k8s.io").status, 400u);
  EXPECT_EQ (Stream (cluster, exec ("nobody", { "true" }, "stdout=1"), "v4.channel.k8s.io").status, 404u);
  EXPECT_EQ (Stream (cluster, exec ("refused", { "true" }, "stdout=1&container=other"), "v4.channel.k8s.io").status, 400u);
  EXPECT_NE (Stream (cluster, exec ("refused", { "true" }, "stdout=1"), "v9.nonsense").status, 101u);
  EXPECT_EQ (Stream (cluster, "refused/portforward?ports=80,none", "v4.channel.k8s.io").status, 400u);
}

TEST_F (KubePodStreams, PortsAreForwarded)
{
  running ("ports", "echo page >/tmp/index.html; httpd -f -p 8080 -h /tmp", R"("readinessProbe":{"periodSeconds":1,"tcpSocket":{"port":8080}},)");
  ASSERT_TRUE (wait_until ([&] { return is_ready ("ports"); }));
  Stream stream (cluster, "ports/portforward?ports=8080&ports=81", "v4.channel.k8s.io");
  ASSERT_EQ (stream.status, 101u) << stream.error;
  stream.send (0, "GET /index.html HTTP/1.0\r\n\r\n");
  std::string own_port ("\x90\x1f", 2), other_port ("Q\0", 2);
  EXPECT_TRUE (wait_until ([&] { return stream[0].find ("page\n") != std::string::npos; })) << stream[0];
  EXPECT_EQ (stream[0].substr (0, 12), own_port + "HTTP/1.1 2");
  EXPECT_EQ (stream[1], own_port);
  EXPECT_TRUE (wait_until ([&] { return stream[3].size () > 2; }));
  EXPECT_EQ (stream[3].rfind (other_port + "error forwarding port 81 to pod ports: ", 0), 0u) << stream[3];
}

TEST_F (KubePodStreams, ALogIsFollowedToTheContainersEnd)
{
  pod ("follow", "echo one; until [ -e /s/go ]; do sleep 0.05; done; echo two", mount_shared (), R"("restartPolicy":"Never",)" + volume_shared ());
  ASSERT_TRUE (becomes ("follow", "status.phase", "Running"));
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_GET, KUBE_KIND ("v1", "Pod"), "default", "follow");
  kube_request_set_subresource (request, "log");
  kube_request_set_option (request, "follow", "true");
  struct Follower {
    GInputStream *stream = nullptr;
    std::string text;
    bool ended = false;
    static void on_open (GObject *client, GAsyncResult *result, gpointer data)
    {
      Follower *self = (Follower *) data;
      g_autoptr (GError) error = nullptr;
      self->stream = kube_client_open_finish (KUBE_CLIENT (client), result, &error);
      ASSERT_NE (self->stream, nullptr) << error->message;
      self->read ();
    }
    void read () { g_input_stream_read_bytes_async (stream, 4096, G_PRIORITY_DEFAULT, nullptr, on_read, this); }
    static void on_read (GObject *stream, GAsyncResult *result, gpointer data)
    {
      Follower *self = (Follower *) data;
      g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (stream), result, nullptr);
      self->ended = bytes == nullptr || g_bytes_get_size (bytes) == 0;
      if (self->ended)
        return;
      self->text.append ((const char *) g_bytes_get_data (bytes, nullptr), g_bytes_get_size (bytes));
      self->read ();
    }
    ~Follower () { g_clear_object (&stream); }
  } follower;
  kube_client_open_async (client, request, nullptr, Follower::on_open, &follower);
  ASSERT_TRUE (wait_until ([&] { return follower.text == "one\n"; }));
  EXPECT_FALSE (follower.ended);
  write_file (shared ("go"), "");
  EXPECT_TRUE (wait_until ([&] { return follower.ended; }));
  EXPECT_EQ (follower.text, "one\ntwo\n");
}

TEST_F (KubePodStreams, ALogComesOverAWebSocketWithoutChannels)
{
  unlink (shared ("socket-go").c_str ());
  pod ("socket", "echo alive; until [ -e /s/socket-go ]; do sleep 0.05; done; echo over", mount_shared (), R"("restartPolicy":"Never",)" + volume_shared ());
  ASSERT_TRUE (wait_until ([&] { return log ("socket") == "alive\n"; }));
  Stream follower (cluster, "socket/log?follow=true", "binary.k8s.io");
  ASSERT_EQ (follower.status, 101u) << follower.error;
  ASSERT_TRUE (wait_until ([&] { return follower.whole == "alive\n"; })) << follower.whole;
  EXPECT_EQ (follower.messages, 2) << "an empty one first";
  EXPECT_FALSE (follower.closed || follower.text);
  Stream base64 (cluster, "socket/log", "base64.binary.k8s.io");
  ASSERT_TRUE (wait_until ([&] { return base64.closed; }));
  EXPECT_TRUE (base64.text);
  EXPECT_EQ (base64.whole, "YWxpdmUK");
  Stream plain (cluster, "socket/log", nullptr);
  ASSERT_TRUE (wait_until ([&] { return plain.closed; }));
  EXPECT_EQ (plain.whole, "alive\n");
  EXPECT_NE (Stream (cluster, "socket/log", "v4.channel.k8s.io").status, 101u);
  EXPECT_EQ (Stream (cluster, "nobody/log", "binary.k8s.io").status, 404u);
  write_file (shared ("socket-go"), "");
  EXPECT_TRUE (wait_until ([&] { return follower.closed; }));
  EXPECT_EQ (follower.whole, "alive\nover\n");
}

TEST_F (KubePodStreams, LogsThatAreNotThereAreExplained)
{
  g_autoptr (GError) error = nullptr;
  make (R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":"never"},"spec":{"containers":[{"name":"c","image":"localhost/none:1","imagePullPolicy":"Never"}]}})");
  ASSERT_TRUE (becomes ("never", "status.containerStatuses.0.state.waiting.reason", "ErrImageNeverPull"));
  EXPECT_EQ (log ("never", nullptr, nullptr, &error), "");
  ASSERT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
  EXPECT_STREQ (error->message, "container \"c\" in pod \"never\" is waiting to start: ErrImageNeverPull");
  g_clear_error (&error);

  running ("once", "echo first >/dev/null; echo text; sleep 1000");
  EXPECT_EQ (log ("once", "previous", "true", &error), "");
  EXPECT_STREQ (error->message, "previous terminated container \"c\" in pod \"once\" not found");
  g_clear_error (&error);
  EXPECT_EQ (log ("once", "container", "other", &error), "");
  EXPECT_STREQ (error->message, "container other is not valid for pod once");

  pod ("crash", "echo again; exit 1");
  ASSERT_TRUE (becomes ("crash", "status.containerStatuses.0.state.waiting.reason", "CrashLoopBackOff"));
  EXPECT_EQ (log ("crash", "previous", "true"), "again\n");
}
