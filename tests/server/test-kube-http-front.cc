/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <atomic>
#include <functional>
#include <future>
#include <thread>
#include <vector>
#include "http-fixture.h"

namespace {

const gint64 SECOND = G_USEC_PER_SEC;

void
respond (KubeCall *call, int status, const std::string &body, const char *type = "application/json")
{
  g_autoptr (GBytes) bytes = g_bytes_new (body.data (), body.size ());
  kube_call_respond (call, status, type, bytes);
}

class KubeHttpFrontTest : public testing::Test {
protected:
  void SetUp () override { clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1700000000) * SECOND); }
  void TearDown () override
  {
    g_clear_object (&front);
    g_clear_object (&clock);
  }

  guint16 start (std::function<void (KubeCall *)> f, std::function<void (KubeHttpFrontOptions *)> change = nullptr)
  {
    const HttpIdentity &identity = http_identity ();
    KubeHttpFrontOptions options = {};
    g_autoptr (GError) error = NULL;
    handler = f;
    options.address = "127.0.0.1";
    options.certificate_pem = identity.certificate.c_str ();
    options.key_pem = identity.key.c_str ();
    options.client_ca_pem = identity.ca.c_str ();
    options.threads = 2;
    if (change)
      change (&options);
    front = kube_http_front_new_with_func (
      [] (KubeCall *call, gpointer data) {
        KubeHttpFrontTest *self = (KubeHttpFrontTest *) data;
        self->handled++;
        self->handler (call);
      },
      this, KUBE_CLOCK (clock), &options, NULL, &error);
    EXPECT_NE (front, nullptr) << error->message;
    return kube_http_front_get_port (front);
  }

  static void echo (KubeCall *call)
  {
    GBytes *body = kube_call_get_body (call);
    std::string said = std::string (kube_call_get_method (call)) + " " + kube_call_get_path (call) + " ";
    if (body != NULL)
      said.append ((const char *) g_bytes_get_data (body, NULL), g_bytes_get_size (body));
    respond (call, 200, said);
  }

  std::function<void (KubeCall *)> handler;
  std::atomic<int> handled { 0 };
  KubeHttpFront *front = nullptr;
  KubeVirtualClock *clock = nullptr;
};

const char *const HOST = "Host: h\r\n";

std::string
get (const std::string &path, const std::string &more = "")
{
  return "GET " + path + " HTTP/1.1\r\n" + HOST + more + "\r\n";
}

TEST_F (KubeHttpFrontTest, AnswersCarryUpstreamsHeadersAndKeepTheConnection)
{
  RawClient client (start (echo));
  ASSERT_TRUE (client.ok ());
  for (int i = 0; i < 3; i++) {
    std::string answer = client.ask (get ("/api?x=y"));
    EXPECT_EQ (answer_status (answer), 200);
    EXPECT_EQ (answer_body (answer), "GET /api ");
    EXPECT_EQ (answer_header (answer, "Content-Type"), "application/json");
    EXPECT_EQ (answer_header (answer, "Cache-Control"), "no-cache, private");
    EXPECT_EQ (answer_header (answer, "Audit-Id").size (), 36u);
    EXPECT_NE (answer_header (answer, "Date"), "");
  }
}

TEST_F (KubeHttpFrontTest, TheClientsAuditIdIsKept)
{
  RawClient client (start (echo));
  EXPECT_EQ (answer_header (client.ask (get ("/", "Audit-ID: mine\r\n")), "Audit-Id"), "mine");
}

TEST_F (KubeHttpFrontTest, OffersHttp11OnlyByAlpn)
{
  guint16 port = start (echo);
  RawClient client (port, NULL, false);
  const char *protocols[] = { "h2", "http/1.1", NULL };
  g_autoptr (GIOStream) tls = g_tls_client_connection_new (G_IO_STREAM (client.plain), NULL, NULL);
  g_object_set (tls, "advertised-protocols", protocols, NULL);
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (+[] (GTlsConnection *, GTlsCertificate *, GTlsCertificateFlags, gpointer) { return TRUE; }), NULL);
  ASSERT_TRUE (g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, NULL));
  EXPECT_STREQ (g_tls_connection_get_negotiated_protocol (G_TLS_CONNECTION (tls)), "http/1.1");
}

TEST_F (KubeHttpFrontTest, ClientCertificatesAreUsersWrongOnesAreReportedAndNoneIsFine)
{
  guint16 port = start ([] (KubeCall *call) {
    KubeUser *peer = kube_call_get_peer (call);
    const char *error = kube_call_get_peer_error (call);
    respond (call, 200, peer != NULL ? peer->name : error != NULL ? "wrong" : "none");
  });
  RawClient alice (port, http_identity ().client_pem.c_str ()), stranger (port, http_identity ().stranger_pem.c_str ()), nobody (port);
  EXPECT_EQ (answer_body (alice.ask (get ("/"))), "alice");
  EXPECT_EQ (answer_body (stranger.ask (get ("/"))), "wrong");
  EXPECT_EQ (answer_body (nobody.ask (get ("/"))), "none");
}

TEST_F (KubeHttpFrontTest, PlainHttpIsNotSpoken)
{
  RawClient client (start (echo), NULL, false);
  client.send (get ("/"));
  EXPECT_EQ (client.read_all (), "");
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (handled, 0);
}

TEST_F (KubeHttpFrontTest, BodiesArriveByLengthAndByChunks)
{
  RawClient client (start (echo));
  EXPECT_EQ (answer_body (client.ask ("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")), "POST /a hello");
  EXPECT_EQ (answer_body (client.ask ("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")),
             "POST /a hello");
}

TEST_F (KubeHttpFrontTest, PipelinedRequestsAreAnsweredInOrder)
{
  RawClient client (start (echo));
  client.send (get ("/1") + get ("/2") + get ("/3"));
  EXPECT_EQ (answer_body (client.read_answer ()), "GET /1 ");
  EXPECT_EQ (answer_body (client.read_answer ()), "GET /2 ");
  EXPECT_EQ (answer_body (client.read_answer ()), "GET /3 ");
}

TEST_F (KubeHttpFrontTest, HeadHasNoBody)
{
  RawClient client (start (echo));
  client.send ("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" + get ("/after"));
  std::string head = client.read_answer (true);
  EXPECT_EQ (answer_header (head, "Content-Length"), "8");
  EXPECT_EQ (answer_body (client.read_answer ()), "GET /after ");
}

TEST_F (KubeHttpFrontTest, OptionsReachThePipeline)
{
  RawClient client (start (echo));
  EXPECT_EQ (answer_body (client.ask ("OPTIONS /x HTTP/1.1\r\nHost: h\r\n\r\n")), "OPTIONS /x ");
}

TEST_F (KubeHttpFrontTest, Http10IsAnsweredAndClosed)
{
  RawClient client (start (echo));
  client.send ("GET /old HTTP/1.0\r\n\r\n");
  std::string answer = client.read_all ();
  EXPECT_EQ (answer_status (answer), 200);
  EXPECT_EQ (answer_body (answer), "GET /old ");
  EXPECT_FALSE (client.timed_out);
}

TEST_F (KubeHttpFrontTest, ExpectContinueIsAnsweredBeforeTheBodyIsSent)
{
  RawClient client (start (echo));
  client.send ("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ (answer_status (client.read_until ("\r\n\r\n")), 100);
  client.send ("hello");
  std::string answer = client.read_answer ();
  EXPECT_EQ (answer_body (answer), "POST /a hello");
  EXPECT_EQ (answer_header (answer, "Cache-Control"), "no-cache, private");
}

TEST_F (KubeHttpFrontTest, PathsAreDecodedAndNormalised)
{
  RawClient client (start (echo));
  EXPECT_EQ (answer_body (client.ask (get ("/api/v1/./x/../pods/a%20b"))), "GET /api/v1/pods/a b ");
}

TEST_F (KubeHttpFrontTest, EscapedDotDotIsResolvedBeforeAnybodyLooksAtThePath)
{
  RawClient client (start (echo));
  EXPECT_EQ (answer_body (client.ask (get ("/healthz/%2e%2e/api/v1/secrets"))), "GET /api/v1/secrets ");
  EXPECT_EQ (answer_body (client.ask (get ("/healthz/..%2fapi/v1/secrets"))), "GET /api/v1/secrets ");
  EXPECT_EQ (answer_body (client.ask (get ("/../../.."))), "GET / ");
  EXPECT_EQ (answer_body (client.ask (get ("/a/b/.."))), "GET /a/ ");
  EXPECT_EQ (answer_body (client.ask (get ("/a/.b/..c/d."))), "GET /a/.b/..c/d. ");
  EXPECT_EQ (answer_body (client.ask (get ("/a%252e"))), "GET /a%2e ");
}

TEST_F (KubeHttpFrontTest, AnAbsoluteTargetIsItsPath)
{
  RawClient client (start (echo));
  EXPECT_EQ (answer_body (client.ask (get ("https://h/api/v1?x"))), "GET /api/v1 ");
}

TEST_F (KubeHttpFrontTest, ARequestMayComeByteByByte)
{
  RawClient client (start (echo));
  for (char c : std::string ("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: x\r\n\r\n"))
    client.send (std::string (1, c));
  EXPECT_EQ (answer_body (client.read_answer ()), "POST /a hello");
  EXPECT_EQ (answer_body (client.ask (get ("/next"))), "GET /next ");
}

TEST_F (KubeHttpFrontTest, HeaderValuesCannotBeginALine)
{
  RawClient client (start ([] (KubeCall *call) {
    kube_call_add_header (call, "Location", "/x\r\nSet-Cookie: a=b");
    respond (call, 302, "");
  }));
  EXPECT_EQ (answer_header (client.ask (get ("/")), "Set-Cookie"), "");
}

TEST_F (KubeHttpFrontTest, AClientThatHasSentAllMayCloseItsSide)
{
  RawClient client (start ([] (KubeCall *call) {
    GSource *source = g_timeout_source_new (50);
    g_source_set_callback (source, [] (gpointer c) -> gboolean { respond ((KubeCall *) c, 200, "late"); return G_SOURCE_REMOVE; }, g_object_ref (call),
                           g_object_unref);
    g_source_attach (source, g_main_context_get_thread_default ());
    g_source_unref (source);
  }));
  client.send (get ("/"));
  shutdown (g_socket_get_fd (g_socket_connection_get_socket (client.plain)), SHUT_WR);
  EXPECT_EQ (answer_body (client.read_all ()), "late");
}

class KubeHttpFrontRefuses : public KubeHttpFrontTest, public testing::WithParamInterface<std::pair<const char *, std::string>> {};

TEST_P (KubeHttpFrontRefuses, WithoutHandlingIt)
{
  RawClient client (start (echo));
  client.send (GetParam ().second);
  std::string answer = client.read_all ();
  EXPECT_GE (answer_status (answer), 400) << answer;
  EXPECT_LE (answer_status (answer), 505) << answer;
  EXPECT_EQ (answer.find ("HTTP/1.1", 8), std::string::npos) << "a second answer: " << answer;
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (handled, 0);
}

#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
INSTANTIATE_TEST_SUITE_P (
  Raw, KubeHttpFrontRefuses,
  testing::Values (
    std::pair<const char *, std::string> ("LengthAndChunked", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("TwoLengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("SameLengthTwice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    std::pair<const char *, std::string> ("SignedLength", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\n{}"),
    std::pair<const char *, std::string> ("NegativeLength", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -2\r\n\r\n{}"),
    std::pair<const char *, std::string> ("HexLength", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x2\r\n\r\n{}"),
    std::pair<const char *, std::string> ("HugeLength", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n{}"),
    std::pair<const char *, std::string> ("TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    std::pair<const char *, std::string> ("HostWithComma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    std::pair<const char *, std::string> ("NoHost", "GET / HTTP/1.1\r\n\r\n"),
    std::pair<const char *, std::string> ("UnknownEncoding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("SpaceBeforeColon", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("FoldedHeader", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("BareLineFeed", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("BareCarriageReturn", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("NulInHeader", std::string ("GET / HTTP/1.1\r\nHost: h\r\nX: a") + std::string (1, 0) + "b\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("NulInPath", "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n"),
    std::pair<const char *, std::string> ("BadEscape", "GET /a%2 HTTP/1.1\r\nHost: h\r\n\r\n"),
    std::pair<const char *, std::string> ("NoUtf8", "GET /a%ff HTTP/1.1\r\nHost: h\r\n\r\n"),
    std::pair<const char *, std::string> ("Fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
    std::pair<const char *, std::string> ("Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    std::pair<const char *, std::string> ("Http9", "GET /\r\n\r\n"),
    std::pair<const char *, std::string> ("BadChunkSize", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("HugeChunkSize", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("ChunkLongerThanItSays", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("ChunkedInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("Connect", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n" SMUGGLED),
    std::pair<const char *, std::string> ("ChunkedTwice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED)),
  [] (const auto &info) { return info.param.first; });

TEST_F (KubeHttpFrontTest, RangeIsIgnored)
{
  RawClient client (start ([] (KubeCall *call) { respond (call, 200, "0123456789"); }));
  std::string ranges = "Range: bytes=0-1";
  for (int i = 0; i < 500; i++)
    ranges += ",0-9";
  std::string answer = client.ask (get ("/", ranges + "\r\n"));
  EXPECT_EQ (answer_status (answer), 200);
  EXPECT_EQ (answer_body (answer), "0123456789");
}

TEST_F (KubeHttpFrontTest, ABodyOverTheLimitIs413AsUpstreamSaysIt)
{
  guint16 port = start (echo);
  RawClient client (port);
  client.send ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3145729\r\n\r\n");
  std::string answer = client.read_all ();
  EXPECT_EQ (answer_status (answer), 413);
  EXPECT_NE (answer_body (answer).find ("\"message\":\"Request entity too large: limit is 3145728\""), std::string::npos) << answer;
  EXPECT_NE (answer_body (answer).find ("\"reason\":\"RequestEntityTooLarge\""), std::string::npos) << answer;

  RawClient chunked (port);
  chunked.send ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "10000\r\n" + std::string (0x10000, 'x') + "\r\n";
  for (int i = 0; i < 64; i++)
    chunked.send (chunk);
  EXPECT_EQ (answer_status (chunked.read_all ()), 413);
  EXPECT_EQ (handled, 0);
}

TEST_F (KubeHttpFrontTest, ABodyOfTheLimitIsTaken)
{
  RawClient client (start ([] (KubeCall *call) { respond (call, 200, std::to_string (g_bytes_get_size (kube_call_get_body (call)))); }));
  EXPECT_EQ (answer_body (client.ask ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3145728\r\n\r\n" + std::string (3145728, 'x'))), "3145728");
}

TEST_F (KubeHttpFrontTest, EndlessHeadersAreCutOff)
{
  RawClient client (start (echo));
  client.send ("GET / HTTP/1.1\r\nHost: h\r\n");
  std::string line = "X: " + std::string (8000, 'x') + "\r\n";
  for (int i = 0; i < 200; i++)
    client.send (line);
  client.read_all ();
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (handled, 0);
}

/* Moves the clock on until the server has closed. */
std::string
read_while_time_passes (RawClient &client, KubeVirtualClock *clock, gint64 step, gint64 *passed)
{
  auto reading = std::async (std::launch::async, [&] { return client.read_all (); });
  gint64 deadline = g_get_monotonic_time () + 9 * SECOND;
  *passed = 0;
  while (reading.wait_for (std::chrono::milliseconds (5)) != std::future_status::ready && g_get_monotonic_time () < deadline) {
    kube_virtual_clock_advance (clock, step);
    *passed += step;
  }
  return reading.get ();
}

TEST_F (KubeHttpFrontTest, AStalledHandshakeIsCut)
{
  guint16 port = start (echo);
  gint64 passed;
  RawClient client (port, NULL, false);
  read_while_time_passes (client, clock, SECOND, &passed);
  EXPECT_FALSE (client.timed_out);
  RawClient half (port, NULL, false);
  half.send (std::string ("\x16\x03\x01\x02\x00\x01", 6));
  read_while_time_passes (half, clock, SECOND, &passed);
  EXPECT_FALSE (half.timed_out);
}

TEST_F (KubeHttpFrontTest, ManyStalledHandshakesDoNotHoldUpAnotherClient)
{
  guint16 port = start (echo);
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 100; i++) {
    stalled.push_back (std::make_unique<RawClient> (port, nullptr, false));
    stalled.back ()->send (std::string ("\x16\x03\x01\x02\x00\x01", 6));
  }
  RawClient client (port);
  ASSERT_TRUE (client.ok ());
  EXPECT_EQ (answer_status (client.ask (get ("/"))), 200);
}

TEST_F (KubeHttpFrontTest, AHalfSentHeaderIsCut)
{
  RawClient client (start (echo));
  gint64 passed;
  client.send ("GET / HTTP/1.1\r\nHos");
  read_while_time_passes (client, clock, SECOND, &passed);
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (handled, 0);
}

TEST_F (KubeHttpFrontTest, AHalfSentBodyIsCut)
{
  RawClient client (start (echo));
  gint64 passed;
  client.send ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  read_while_time_passes (client, clock, SECOND, &passed);
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (handled, 0);
}

TEST_F (KubeHttpFrontTest, AnIdleConnectionIsClosed)
{
  RawClient client (start (echo));
  gint64 passed;
  EXPECT_EQ (answer_status (client.ask (get ("/"))), 200);
  read_while_time_passes (client, clock, SECOND, &passed);
  EXPECT_FALSE (client.timed_out);
  EXPECT_GE (passed, 80 * SECOND);
}

TEST_F (KubeHttpFrontTest, ConnectionsOfOneAddressAreLimitedAndFreedAgain)
{
  guint16 port = start (echo, [] (KubeHttpFrontOptions *options) { options->max_connections_per_address = 2; });
  RawClient one (port);
  auto two = std::make_unique<RawClient> (port);
  EXPECT_TRUE (one.ok () && two->ok ());
  EXPECT_FALSE (RawClient (port).ok ());
  EXPECT_EQ (answer_status (one.ask (get ("/"))), 200);
  EXPECT_EQ (answer_status (two->ask (get ("/"))), 200);
  two.reset ();
  gint64 deadline = g_get_monotonic_time () + 5 * SECOND;
  bool again = false;
  while (!again && g_get_monotonic_time () < deadline)
    again = RawClient (port).ok ();
  EXPECT_TRUE (again);
}

TEST_F (KubeHttpFrontTest, AnAnswerMayComeLater)
{
  RawClient client (start ([] (KubeCall *call) {
    GSource *source = g_idle_source_new ();
    g_source_set_callback (source, [] (gpointer c) -> gboolean { respond ((KubeCall *) c, 201, "late"); return G_SOURCE_REMOVE; }, g_object_ref (call),
                           g_object_unref);
    g_source_attach (source, g_main_context_get_thread_default ());
    g_source_unref (source);
  }));
  for (int i = 0; i < 3; i++)
    EXPECT_EQ (answer_body (client.ask (get ("/"))), "late");
}

TEST_F (KubeHttpFrontTest, AStreamIsChunkedAndTheConnectionIsKeptAfterIt)
{
  RawClient client (start ([] (KubeCall *call) {
    g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
    kube_call_begin_stream (call, 200, "application/json");
    kube_call_push (call, bytes);
    kube_call_push (call, bytes);
    kube_call_end_stream (call, NULL);
  }));
  for (int i = 0; i < 2; i++) {
    std::string answer = client.ask (get ("/"));
    EXPECT_EQ (answer_header (answer, "Transfer-Encoding"), "chunked");
    size_t first = answer_body (answer).find ("hello");
    EXPECT_NE (answer_body (answer).find ("hello", first + 5), std::string::npos) << answer;
  }
}

/* Answers with a stream of zeros that is made as fast as its client reads. */
class Producer {
public:
  explicit Producer (size_t size) : left (size) {}
  void answer (KubeCall *to)
  {
    call = to;
    kube_call_begin_stream (call, 200, "application/json");
    kube_call_set_drain_func (call, more, this);
    more (this);
  }
  std::atomic<gsize> largest { 0 };

private:
  static gboolean more (gpointer data)
  {
    Producer *self = (Producer *) data;
    g_autoptr (GBytes) block = g_bytes_new_take (g_malloc0 (64 * 1024), 64 * 1024);
    while (kube_call_get_queued (self->call) < 512 * 1024 && self->left > 0) {
      kube_call_push (self->call, block);
      self->left -= 64 * 1024;
      self->largest = std::max (self->largest.load (), kube_call_get_queued (self->call));
    }
    if (self->left > 0)
      return G_SOURCE_CONTINUE;
    kube_call_end_stream (self->call, NULL);
    return G_SOURCE_REMOVE;
  }
  KubeCall *call = nullptr;
  size_t left;
};

TEST_F (KubeHttpFrontTest, AStreamThatProducesOnDemandIsHeldBackByASlowClient)
{
  Producer producer (64 * 1024 * 1024);
  RawClient client (start ([&] (KubeCall *call) { producer.answer (call); }));
  client.send (get ("/", "Connection: close\r\n"));
  client.read_until ("\r\n\r\n");
  std::string all = client.read_all ();
  EXPECT_FALSE (client.timed_out);
  EXPECT_GE (all.size (), 64u * 1024 * 1024);
  EXPECT_LE (producer.largest, 1024u * 1024);
}

/* The worker has always something to read here: each request takes it longer than the clients take to send the next one. */
TEST_F (KubeHttpFrontTest, AStreamGoesOnWhileOthersKeepTheWorkerBusy)
{
  const int n_askers = 8, n_requests = 200, size = 8 * 1024 * 1024;
  std::atomic<bool> done { false };
  std::atomic<int> asked { 0 };
  std::vector<std::thread> askers;
  Producer producer (size);
  guint16 port = start (
    [&] (KubeCall *call) {
      if (!g_str_equal (kube_call_get_path (call), "/busy")) {
        producer.answer (call);
        return;
      }
      g_usleep (1000);
      respond (call, 200, "busy");
    },
    [] (KubeHttpFrontOptions *options) { options->threads = 1; });
  for (int i = 0; i < n_askers; i++) {
    askers.emplace_back ([&] {
      RawClient client (port);
      for (int j = 0; j < n_requests && !done; j++, asked++)
        client.ask (get ("/busy"));
    });
  }
  while (asked < 2 * n_askers)
    g_usleep (1000);
  RawClient client (port);
  client.send (get ("/", "Connection: close\r\n"));
  EXPECT_GE (client.read_all ().size (), (size_t) size);
  done = true;
  for (std::thread &asker : askers)
    asker.join ();
  EXPECT_LT (asked, n_askers * n_requests / 2);
}

TEST_F (KubeHttpFrontTest, AClientThatTakesNothingOfAWatchIsDropped)
{
  static std::promise<void> gone;
  gone = {};
  RawClient client (start ([] (KubeCall *call) {
    kube_call_begin_stream (call, 200, "application/json");
    g_signal_connect (kube_call_get_cancellable (call), "cancelled", G_CALLBACK (+[] (GCancellable *, gpointer) { gone.set_value (); }), NULL);
    GSource *source = g_idle_source_new ();
    g_source_set_callback (source, [] (gpointer c) -> gboolean {
      g_autoptr (GBytes) block = g_bytes_new_take (g_malloc0 (64 * 1024), 64 * 1024);
      kube_call_push ((KubeCall *) c, block);
      return !g_cancellable_is_cancelled (kube_call_get_cancellable ((KubeCall *) c));
    }, g_object_ref (call), g_object_unref);
    g_source_attach (source, g_main_context_get_thread_default ());
    g_source_unref (source);
  }));
  client.send (get ("/"));
  EXPECT_EQ (gone.get_future ().wait_for (std::chrono::seconds (10)), std::future_status::ready);
}

TEST_F (KubeHttpFrontTest, AQuietWatchNoticesThatItsClientLeft)
{
  static std::promise<void> begun, gone;
  begun = {};
  gone = {};
  RawClient client (start ([] (KubeCall *call) {
    g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
    g_signal_connect (kube_call_get_cancellable (call), "cancelled", G_CALLBACK (+[] (GCancellable *, gpointer) { gone.set_value (); }), NULL);
    kube_call_begin_stream (call, 200, "application/json");
    kube_call_push (call, bytes);
  }));
  client.send (get ("/"));
  client.read_until ("x");
  client.close ();
  EXPECT_EQ (gone.get_future ().wait_for (std::chrono::seconds (10)), std::future_status::ready);
}

TEST_F (KubeHttpFrontTest, AnAnswerThatNobodyTakesIsCut)
{
  static std::promise<void> gone;
  gone = {};
  RawClient client (start ([] (KubeCall *call) {
    respond (call, 200, std::string (64 * 1024 * 1024, 'x'));
    g_object_weak_ref (G_OBJECT (call), [] (gpointer, GObject *) { gone.set_value (); }, NULL);
  }));
  client.send (get ("/"));
  auto over = gone.get_future ();
  gint64 deadline = g_get_monotonic_time () + 9 * SECOND;
  while (over.wait_for (std::chrono::milliseconds (5)) != std::future_status::ready && g_get_monotonic_time () < deadline)
    kube_virtual_clock_advance (clock, SECOND);
  EXPECT_EQ (over.wait_for (std::chrono::seconds (0)), std::future_status::ready);
}

TEST_F (KubeHttpFrontTest, LargeAnswersAreCompressedForThoseWhoAsk)
{
  RawClient client (start ([] (KubeCall *call) {
    respond (call, 200, std::string (g_str_equal (kube_call_get_path (call), "/small") ? 1000 : 200 * 1024, 'x'));
  }));
  std::string answer = client.ask (get ("/", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ (answer_header (answer, "Content-Encoding"), "gzip");
  EXPECT_EQ (answer_header (answer, "Vary"), "Accept-Encoding");
  EXPECT_LT (answer_body (answer).size (), 10000u);
  EXPECT_EQ (answer_body (answer).substr (0, 2), "\x1f\x8b");
  EXPECT_EQ (answer_header (client.ask (get ("/")), "Content-Encoding"), "");
  EXPECT_EQ (answer_header (client.ask (get ("/small", "Accept-Encoding: gzip\r\n")), "Content-Encoding"), "");
}

/* As a watch does: whoever learns that the client has gone, or that the server stops, ends its stream and lets go of the call. */
void
stream_until_told (KubeCall *call)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  auto end = +[] (GCancellable *cancellable, gpointer data) {
    g_signal_handlers_disconnect_by_data (cancellable, data);
    kube_call_end_stream ((KubeCall *) data, NULL);
    g_object_unref (data);
  };
  g_signal_connect (kube_call_get_cancellable (call), "cancelled", G_CALLBACK (end), g_object_ref (call));
  kube_call_begin_stream (call, 200, "application/json");
  kube_call_push (call, bytes);
}

TEST_F (KubeHttpFrontTest, AStreamMayLetGoOfItsCallWhenTheServerStops)
{
  RawClient client (start (stream_until_told));
  client.send (get ("/"));
  client.read_until ("x");
  auto stopping = std::async (std::launch::async, [&] { kube_http_front_stop (front, 8 * SECOND); });
  std::string rest = client.read_all ();
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (rest.substr (rest.size () - 5), "0\r\n\r\n");
  EXPECT_EQ (stopping.wait_for (std::chrono::seconds (5)), std::future_status::ready);
}

TEST_F (KubeHttpFrontTest, AStreamMayLetGoOfItsCallWhenTheClientLeaves)
{
  static std::promise<void> freed;
  freed = {};
  RawClient client (start ([] (KubeCall *call) {
    g_object_weak_ref (G_OBJECT (call), [] (gpointer, GObject *) { freed.set_value (); }, NULL);
    stream_until_told (call);
  }));
  client.send (get ("/"));
  client.read_until ("x");
  client.close ();
  EXPECT_EQ (freed.get_future ().wait_for (std::chrono::seconds (10)), std::future_status::ready);
}

TEST_F (KubeHttpFrontTest, StoppingEndsWatchesAndLetsRequestsComplete)
{
  static std::promise<KubeCall *> waiting;
  waiting = {};
  guint16 port = start ([] (KubeCall *call) {
    if (g_str_equal (kube_call_get_path (call), "/watch")) {
      g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
      kube_call_begin_stream (call, 200, "application/json");
      kube_call_push (call, bytes);
    } else {
      waiting.set_value ((KubeCall *) g_object_ref (call));
    }
  }, [] (KubeHttpFrontOptions *options) { options->threads = 1; });
  RawClient watch (port), slow (port);
  watch.send (get ("/watch"));
  watch.read_until ("x");
  slow.send (get ("/slow"));
  KubeCall *call = waiting.get_future ().get ();
  auto stopping = std::async (std::launch::async, [&] { kube_http_front_stop (front, 8 * SECOND); });
  std::string rest = watch.read_all ();
  EXPECT_FALSE (watch.timed_out);
  EXPECT_NE (rest.find ("0\r\n\r\n"), std::string::npos) << "the watch did not end in order: " << rest;
  g_main_context_invoke_full (kube_http_call_get_context (KUBE_HTTP_CALL (call)), G_PRIORITY_DEFAULT,
                              [] (gpointer c) -> gboolean { respond ((KubeCall *) c, 200, "done"); return G_SOURCE_REMOVE; }, call, g_object_unref);
  std::string answer = slow.read_all ();
  EXPECT_EQ (answer_body (answer), "done");
  EXPECT_EQ (answer_header (answer, "Connection"), "close");
  EXPECT_EQ (stopping.wait_for (std::chrono::seconds (5)), std::future_status::ready);
  EXPECT_FALSE (RawClient (port).ok ());
}

TEST_F (KubeHttpFrontTest, AKeyThatDoesNotFitAndABusyPortAreErrors)
{
  guint16 port = start (echo);
  const HttpIdentity &identity = http_identity ();
  KubeHttpFrontOptions options = {};
  g_autoptr (GError) error = NULL;
  options.address = "127.0.0.1";
  options.port = port;
  options.certificate_pem = identity.certificate.c_str ();
  options.key_pem = identity.key.c_str ();
  EXPECT_EQ (kube_http_front_new_with_func (NULL, NULL, KUBE_CLOCK (clock), &options, NULL, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INTERNAL));
  g_clear_error (&error);
  options.port = 0;
  options.key_pem = identity.ca_key.c_str ();
  EXPECT_EQ (kube_http_front_new_with_func (NULL, NULL, KUBE_CLOCK (clock), &options, NULL, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INTERNAL));
}

}
