/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <functional>
#include <string>
#include <gio/gio.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include "kube-grpc-health.h"

namespace {

/* The server's side of one connection, on a thread of its own: it notes what it is asked, and answers as it is told to. */
struct Answer {
  std::string status = "200";
  std::string body;         /* as it goes over the wire */
  std::string code, detail; /* trailers; without a body they are the only headers */
  bool silent = false;      /* takes the request and says no more */
};

class Server {
public:
  Server (Answer answer) : answer (answer)
  {
    int fds[2];
    EXPECT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    client = wrap (fds[0]);
    own = wrap (fds[1]);
    thread = g_thread_new ("grpc-server", run, this);
  }
  ~Server ()
  {
    g_io_stream_close (client, nullptr, nullptr);
    g_thread_join (thread);
    g_object_unref (client);
    g_object_unref (own);
  }
  /* What the check makes of it: "+" or "-" and its output. */
  std::string check (const char *service, GCancellable *cancellable = nullptr)
  {
    std::string outcome;
    kube_grpc_health_check_async (client, "192.0.2.7:50051", service, 3 * G_USEC_PER_SEC, cancellable,
                                  [] (GObject *, GAsyncResult *result, gpointer data) {
                                    g_autofree char *output = nullptr;
                                    bool good = kube_grpc_health_check_finish (result, &output);
                                    *(std::string *) data = (good ? "+" : "-") + std::string (output);
                                  },
                                  &outcome);
    while (outcome.empty ())
      g_main_context_iteration (nullptr, TRUE);
    return outcome;
  }

  std::string headers, request; /* what came */
  std::function<void ()> on_asked;

private:
  static GIOStream *wrap (int fd)
  {
    g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, nullptr);
    return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  }
  static nghttp2_nv pair (const char *name, const std::string &value)
  {
    return { (uint8_t *) name, (uint8_t *) value.data (), strlen (name), value.size (), NGHTTP2_NV_FLAG_NONE };
  }
  static ssize_t read_body (nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t, uint32_t *flags, nghttp2_data_source *, void *data)
  {
    Server *self = (Server *) data;
    nghttp2_nv trailers[] = { pair ("grpc-status", self->answer.code), pair ("grpc-message", self->answer.detail) };
    memcpy (buffer, self->answer.body.data (), self->answer.body.size ());
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!self->answer.code.empty ()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      nghttp2_submit_trailer (session, stream, trailers, 2);
    }
    return self->answer.body.size ();
  }
  static int on_frame (nghttp2_session *session, const nghttp2_frame *frame, void *data)
  {
    Server *self = (Server *) data;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) || frame->hd.stream_id == 0)
      return 0;
    if (self->on_asked)
      self->on_asked ();
    if (self->answer.silent)
      return 0;
    static const std::string type = "application/grpc";
    nghttp2_data_provider provider = { { 0 }, read_body };
    nghttp2_nv plain[] = { pair (":status", self->answer.status), pair ("content-type", type) };
    nghttp2_nv only[] = { plain[0], plain[1], pair ("grpc-status", self->answer.code), pair ("grpc-message", self->answer.detail) };
    if (self->answer.body.empty ())
      nghttp2_submit_response (session, frame->hd.stream_id, only, self->answer.code.empty () ? 2 : 4, nullptr);
    else
      nghttp2_submit_response (session, frame->hd.stream_id, plain, 2, &provider);
    return 0;
  }
  static int on_header (nghttp2_session *, const nghttp2_frame *, const uint8_t *name, size_t, const uint8_t *value, size_t, uint8_t, void *data)
  {
    ((Server *) data)->headers += std::string ((const char *) name) + "=" + (const char *) value + "\n";
    return 0;
  }
  static int on_data (nghttp2_session *, uint8_t, int32_t, const uint8_t *bytes, size_t length, void *data)
  {
    ((Server *) data)->request.append ((const char *) bytes, length);
    return 0;
  }
  void flush (nghttp2_session *session)
  {
    const uint8_t *bytes;
    ssize_t n;
    while ((n = nghttp2_session_mem_send (session, &bytes)) > 0)
      g_output_stream_write_all (g_io_stream_get_output_stream (own), bytes, n, nullptr, nullptr, nullptr);
  }
  static gpointer run (gpointer data)
  {
    Server *self = (Server *) data;
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    uint8_t buffer[1024];
    gssize n;
    nghttp2_session_callbacks_new (&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback (callbacks, on_frame);
    nghttp2_session_callbacks_set_on_header_callback (callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback (callbacks, on_data);
    nghttp2_session_server_new (&session, callbacks, self);
    nghttp2_session_callbacks_del (callbacks);
    nghttp2_submit_settings (session, NGHTTP2_FLAG_NONE, nullptr, 0);
    do {
      self->flush (session);
      n = g_input_stream_read (g_io_stream_get_input_stream (self->own), buffer, sizeof buffer, nullptr, nullptr);
    } while (n > 0 && nghttp2_session_mem_recv (session, buffer, n) == n);
    nghttp2_session_del (session);
    return nullptr;
  }

  Answer answer;
  GIOStream *client, *own;
  GThread *thread;
};

std::string
message (const std::string &content)
{
  return std::string (4, '\0') + (char) content.size () + content;
}

Answer
serves (const std::string &content)
{
  Answer answer;
  answer.body = message (content);
  answer.code = "0";
  return answer;
}

}

TEST (KubeGrpcHealth, AsksAsUpstreamsProberDoes)
{
  Server server (serves ("\x08\x01"));
  EXPECT_EQ (server.check ("db"), "+service healthy");
  EXPECT_EQ (server.headers, ":method=POST\n:scheme=http\n:path=/grpc.health.v1.Health/Check\n:authority=192.0.2.7:50051\ncontent-type=application/grpc\n"
                             "user-agent=kube-probe/1.36\nte=trailers\n");
  EXPECT_EQ (server.request, message ("\x0a\x02" "db"));
  Server whole (serves ("\x08\x01"));
  EXPECT_EQ (whole.check (""), "+service healthy");
  EXPECT_EQ (whole.request, message (""));
}

TEST (KubeGrpcHealth, SaysWhatTheServiceAnswered)
{
  EXPECT_EQ (Server (serves ("\x08\x02")).check (""), "-service unhealthy (responded with \"NOT_SERVING\")");
  EXPECT_EQ (Server (serves ("")).check (""), "-service unhealthy (responded with \"UNKNOWN\")");
  EXPECT_EQ (Server (serves ("\x08\x03")).check (""), "-service unhealthy (responded with \"SERVICE_UNKNOWN\")");
  EXPECT_EQ (Server (serves ("\x12\x02xy\x08\x01")).check (""), "+service healthy") << "fields of later versions are passed over";
  EXPECT_EQ (Server (serves ("\x12\x7fxy")).check (""), "-error: health rpc probe failed: rpc error: code = Internal desc = the answer is no HealthCheckResponse");
}

TEST (KubeGrpcHealth, ErrorsOfTheCallAreTold)
{
  Answer missing;
  missing.code = "5";
  missing.detail = "unknown%20service";
  EXPECT_EQ (Server (missing).check ("x"), "-error: health rpc probe failed: rpc error: code = NotFound desc = unknown service");
  missing.code = "12";
  missing.detail = "unknown service grpc.health.v1.Health";
  EXPECT_EQ (Server (missing).check (""), "-error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health");
  Answer plain;
  plain.status = "503";
  EXPECT_EQ (Server (plain).check (""), "-error: health rpc probe failed: rpc error: code = Unknown desc = unexpected HTTP status code received from server: 503");
  Answer much = serves ("");
  much.body = std::string (8000, 'x');
  EXPECT_EQ (Server (much).check ("").rfind ("-error: health rpc probe failed: rpc error: code = Unavailable", 0), 0u);
}

TEST (KubeGrpcHealth, TheEndOfTheTimeIsTold)
{
  Answer answer;
  answer.silent = true;
  Server server (answer);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  server.on_asked = [&] { g_cancellable_cancel (cancellable); };
  EXPECT_EQ (server.check ("", cancellable), "-timeout: health rpc did not complete within 3s");

  int fds[2];
  ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  ASSERT_EQ (write (fds[1], "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fds[0], nullptr);
  g_autoptr (GSocketConnection) connection = g_socket_connection_factory_create_connection (socket);
  g_autofree char *output = nullptr;
  kube_grpc_health_check_async (G_IO_STREAM (connection), "192.0.2.7:1", "", G_USEC_PER_SEC, nullptr,
                                [] (GObject *, GAsyncResult *result, gpointer data) { EXPECT_FALSE (kube_grpc_health_check_finish (result, (char **) data)); }, &output);
  while (output == nullptr)
    g_main_context_iteration (nullptr, TRUE);
  EXPECT_STREQ (output, "timeout: failed to connect service \"192.0.2.7:1\" within 1s: context deadline exceeded");
  close (fds[1]);
}
