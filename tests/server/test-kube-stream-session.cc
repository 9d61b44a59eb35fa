/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <functional>
#include <future>
#include <vector>
#include <zlib.h>
#include "http-fixture.h"
#include "http/kube-spdy.h"
#include "http/kube-stream-session.h"
#include "http/kube-web-socket.h"

namespace {

/* An echo: what comes on channel 0 goes out on 1 ("quit" ends it, with a word on 3); other channels are told on 2. */
struct Echo {
  KubeStreamSession *session;
  std::promise<std::string> *closed;
};

void
echo_send (Echo *echo, guint channel, const std::string &text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text.data (), text.size ());
  kube_stream_session_send (echo->session, channel, bytes);
}

void
echo_data (KubeStreamSession *session, guint channel, GBytes *data, gpointer user_data)
{
  Echo *echo = (Echo *) user_data;
  std::string text ((const char *) g_bytes_get_data (data, NULL), g_bytes_get_size (data));
  if (channel == 0 && text == "quit") {
    echo_send (echo, 3, "{\"status\":\"Success\"}");
    kube_stream_session_close (session, 1000, NULL);
  } else if (channel % 2 == 0 && channel != 4) {
    echo_send (echo, channel == 0 ? 1 : channel, text);
  } else {
    echo_send (echo, 2, std::to_string (channel) + ":" + text);
  }
}

void
echo_channel_closed (KubeStreamSession *, guint channel, gpointer user_data)
{
  echo_send ((Echo *) user_data, 2, "closed " + std::to_string (channel));
}

void
echo_closed (KubeStreamSession *session, const GError *error, gpointer user_data)
{
  Echo *echo = (Echo *) user_data;
  echo->closed->set_value (error != NULL ? error->message : "");
  kube_stream_session_unref (session);
  delete echo;
}

gboolean
echo_port (KubeStreamSession *, guint channel, guint16 port, gpointer user_data)
{
  if (port == 9)
    return FALSE;
  echo_send ((Echo *) user_data, channel, "port " + std::to_string (port));
  return TRUE;
}

const KubeStreamSessionFuncs echo_funcs = { echo_data, echo_channel_closed, [] (KubeStreamSession *, gpointer) {}, echo_closed, echo_port };
const char *const exec_protocols[] = { "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io", "v4.base64.channel.k8s.io", "base64.channel.k8s.io", NULL };
const char *const port_protocols[] = { "SPDY/3.1+portforward.k8s.io", "portforward.k8s.io", NULL };

class StreamTest : public testing::Test {
protected:
  void SetUp () override { serve (NULL); }
  /* @timeouts: (nullable) */
  void serve (const KubeHttpTimeouts *timeouts)
  {
    g_clear_object (&front);
    const HttpIdentity &identity = http_identity ();
    KubeHttpFrontOptions options = {};
    options.address = "127.0.0.1";
    options.certificate_pem = identity.certificate.c_str ();
    options.key_pem = identity.key.c_str ();
    options.threads = 1;
    front = kube_http_front_new_with_func (
      [] (KubeCall *call, gpointer data) {
        StreamTest *self = (StreamTest *) data;
        g_autoptr (GError) error = NULL;
        bool ports = g_str_equal (kube_call_get_path (call), "/ports");
        KubeStreamSession *session = kube_call_upgrade (call, ports ? port_protocols : exec_protocols, &error);
        if (session == NULL) {
          g_autoptr (GBytes) body = g_bytes_new (error->message, strlen (error->message));
          kube_call_respond (call, kube_error_get_http_status (error), "text/plain", body);
          return;
        }
        kube_stream_session_start (session, &echo_funcs, new Echo { session, &self->closed });
      },
      this, kube_clock_get_real (), &options, timeouts, NULL);
    ASSERT_NE (front, nullptr);
  }
  void TearDown () override { g_clear_object (&front); }

  std::string how_it_ended ()
  {
    auto f = closed.get_future ();
    return f.wait_for (std::chrono::seconds (10)) == std::future_status::ready ? f.get () : "still open";
  }

  KubeHttpFront *front = nullptr;
  std::promise<std::string> closed;
};

std::string
handshake (const std::string &more, const char *path = "/exec")
{
  return std::string ("GET ") + path + " HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + more + "\r\n";
}

std::string
frame (guint opcode, const std::string &payload, bool fin = true, bool masked = true)
{
  std::string f;
  const char mask[4] = { 0x12, 0x34, 0x56, 0x78 };
  f += (char) ((fin ? 0x80 : 0) | opcode);
  guint8 m = masked ? 0x80 : 0;
  if (payload.size () < 126) {
    f += (char) (m | payload.size ());
  } else if (payload.size () <= 0xffff) {
    f += (char) (m | 126);
    f += (char) (payload.size () >> 8);
    f += (char) payload.size ();
  } else {
    f += (char) (m | 127);
    for (int i = 7; i >= 0; i--)
      f += (char) ((guint64) payload.size () >> 8 * i);
  }
  if (masked)
    f.append (mask, 4);
  for (size_t i = 0; i < payload.size (); i++)
    f += masked ? (char) (payload[i] ^ mask[i & 3]) : payload[i];
  return f;
}

std::string
server_frame (guint opcode, const std::string &payload)
{
  return frame (opcode, payload, true, false);
}

std::string
channel (int n, const std::string &text)
{
  return std::string (1, (char) n) + text;
}

class WebSocketTest : public StreamTest {
protected:
  std::unique_ptr<RawClient> open (const char *protocol, const char *path = "/exec")
  {
    auto client = std::make_unique<RawClient> (kube_http_front_get_port (front));
    client->send (handshake (protocol != NULL ? std::string ("Sec-WebSocket-Protocol: ") + protocol + "\r\n" : "", path));
    answer = client->read_until ("\r\n\r\n");
    return client;
  }
  /* The next bytes are this frame. */
  void expect (RawClient &client, const std::string &bytes)
  {
    EXPECT_EQ (client.read_exactly (bytes.size ()), bytes);
  }
  std::string answer;
};

TEST_F (WebSocketTest, TheHandshakeIsRfc6455s)
{
  auto client = open ("nonsense, v4.channel.k8s.io, v5.channel.k8s.io");
  EXPECT_EQ (answer_status (answer), 101);
  EXPECT_EQ (answer_header (answer, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ (answer_header (answer, "Sec-WebSocket-Protocol"), "v4.channel.k8s.io");
}

TEST_F (WebSocketTest, ChannelsGoBothWaysAndCloseInOrder)
{
  auto client = open ("v5.channel.k8s.io");
  client->send (frame (2, channel (0, "hello")));
  expect (*client, server_frame (2, channel (1, "hello")));
  client->send (frame (2, channel (4, "{}")));
  expect (*client, server_frame (2, channel (2, "4:{}")));
  client->send (frame (2, std::string ("\xff\0", 2)));
  expect (*client, server_frame (2, channel (2, "closed 0")));
  client->send (frame (2, channel (0, "quit")));
  expect (*client, server_frame (2, channel (3, "{\"status\":\"Success\"}")));
  expect (*client, server_frame (8, std::string ("\x03\xe8", 2)));
  client->close ();
  EXPECT_EQ (how_it_ended (), "");
}

TEST_F (WebSocketTest, FragmentsArePutTogetherAndPingsAnsweredBetweenThem)
{
  auto client = open ("v4.channel.k8s.io");
  client->send (frame (2, channel (0, "he"), false) + frame (9, "are you there") + frame (0, "l", false) + frame (0, "lo"));
  expect (*client, server_frame (10, "are you there"));
  expect (*client, server_frame (2, channel (1, "hello")));
}

TEST_F (WebSocketTest, LongMessagesAreTakenUpToTheLimit)
{
  auto client = open ("v4.channel.k8s.io");
  std::string big (300000, 'x');
  client->send (frame (2, channel (0, big)));
  expect (*client, server_frame (2, channel (1, big)));
  client->send (frame (2, std::string (1024 * 1024 - 10, 'x'), false) + frame (0, std::string (100, 'y')));
  expect (*client, server_frame (8, std::string ("\x03\xf1", 2)));
}

TEST_F (WebSocketTest, Base64ChannelsAreText)
{
  auto client = open ("v4.base64.channel.k8s.io");
  client->send (frame (1, "0aGVsbG8="));
  expect (*client, server_frame (1, "1aGVsbG8="));
}

TEST_F (WebSocketTest, TextMessagesHaveChannelsToo)
{
  auto client = open ("v4.channel.k8s.io");
  client->send (frame (1, channel (0, "gr\xc3\xbc\xc3\x9f dich")));
  expect (*client, server_frame (2, channel (1, "gr\xc3\xbc\xc3\x9f dich")));
  client->send (frame (1, channel (0, "gr\xfc\xdf")));
  expect (*client, server_frame (8, std::string ("\x03\xef", 2)));
}

TEST_F (WebSocketTest, WithoutAProtocolChannelsAreMeant)
{
  auto client = open (NULL);
  EXPECT_EQ (answer_status (answer), 101);
  EXPECT_EQ (answer_header (answer, "Sec-WebSocket-Protocol"), "");
  client->send (frame (2, channel (0, "a")));
  expect (*client, server_frame (2, channel (1, "a")));
}

TEST_F (WebSocketTest, AClientThatSaysGoodByeIsAnswered)
{
  auto client = open ("v4.channel.k8s.io");
  client->send (frame (8, std::string ("\x03\xe9" "bye", 5)));
  expect (*client, server_frame (8, std::string ("\x03\xe9", 2)));
  client->close ();
  EXPECT_EQ (how_it_ended (), "");
}

TEST_F (WebSocketTest, AClientThatVanishesEndsTheSession)
{
  auto client = open ("v4.channel.k8s.io");
  client->close ();
  EXPECT_EQ (how_it_ended (), "");
}

TEST_F (WebSocketTest, WhatIsNoHandshakeIsRefused)
{
  RawClient client (kube_http_front_get_port (front));
  EXPECT_EQ (answer_status (client.ask ("GET /exec HTTP/1.1\r\nHost: h\r\n\r\n")), 400);
  EXPECT_EQ (answer_status (client.ask ("GET /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")), 400);
  EXPECT_EQ (answer_status (client.ask ("GET /exec HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n")), 400);
  EXPECT_EQ (answer_status (client.ask (handshake ("Sec-WebSocket-Protocol: nonsense\r\n"))), 403);
}

struct Parsed {
  std::vector<std::string> messages;
  guint code;
};

Parsed
parse (const std::string &bytes, gsize piece)
{
  Parsed result = {};
  KubeWebSocketParser parser = {};
  parser.max_message = 1000;
  parser.user_data = &result;
  parser.func = [] (KubeWebSocketOpcode opcode, const guint8 *data, gsize length, gpointer r) -> gboolean {
    ((Parsed *) r)->messages.push_back (std::to_string (opcode) + ":" + std::string ((const char *) data, length));
    return TRUE;
  };
  for (size_t i = 0; i < bytes.size () && result.code == 0; i += piece)
    result.code = kube_web_socket_parser_take (&parser, (const guint8 *) bytes.data () + i, std::min (piece, bytes.size () - i));
  kube_web_socket_parser_clear (&parser);
  return result;
}

TEST (KubeWebSocketParser, IsTheSameHoweverTheBytesCome)
{
  std::string all = frame (2, "") + frame (1, "text \xc3\xa4") + frame (2, std::string (500, 'x'), false) + frame (10, "p") + frame (0, std::string (400, 'y')) + frame (8, "");
  for (gsize piece : { 1, 2, 3, 7, 126, 10000 }) {
    Parsed parsed = parse (all, piece);
    EXPECT_EQ (parsed.code, 0u) << piece;
    ASSERT_EQ (parsed.messages.size (), 5u);
    EXPECT_EQ (parsed.messages[0], "2:");
    EXPECT_EQ (parsed.messages[2], "10:p");
    EXPECT_EQ (parsed.messages[3], "2:" + std::string (500, 'x') + std::string (400, 'y'));
    EXPECT_EQ (parsed.messages[4], "8:");
  }
}

TEST (KubeWebSocketParser, WhatTheRfcForbidsIsRefused)
{
  struct { std::string bytes; guint code; } cases[] = {
    { frame (2, "x", true, false), 1002 },                 /* not masked */
    { frame (0, "x"), 1002 },                              /* goes on with nothing */
    { frame (2, "x", false) + frame (2, "y"), 1002 },      /* begins within a message */
    { frame (9, "x", false), 1002 },                       /* a ping in parts */
    { frame (9, std::string (126, 'x')), 1002 },
    { frame (3, "x"), 1002 },
    { frame (11, "x"), 1002 },
    { std::string ("\xc2\x80\0\0\0\0", 6), 1002 },         /* a reserved bit */
    { std::string ("\x82\xfe\0\x05", 4) + "maskhello", 1002 }, /* a length in more bytes than needed */
    { std::string ("\x82\xff\0\0\0\0\0\0\xff\xff", 10) + "mask", 1002 },
    { std::string ("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10) + "mask", 1002 },
    { frame (8, "x"), 1002 },
    { frame (8, std::string ("\x03\xed", 2)), 1002 },      /* 1005 is never sent */
    { frame (8, std::string ("\x03\xe8\xff", 3)), 1007 },
    { frame (1, "\xff"), 1007 },
    { frame (1, "\xc3", false) + frame (0, "x"), 1007 },
    { frame (2, std::string (1001, 'x')), 1009 },
    { frame (2, std::string (999, 'x'), false) + frame (0, "xy"), 1009 },
  };
  for (auto &c : cases)
    EXPECT_EQ (parse (c.bytes, 1).code, c.code) << g_strescape (c.bytes.substr (0, 20).c_str (), NULL);
}

std::string
number (guint32 n)
{
  std::string s;
  for (int i = 3; i >= 0; i--)
    s += (char) (n >> 8 * i);
  return s;
}

/* All header blocks of a connection are one zlib stream: this is its beginning, for a client's first stream. */
std::string
compress_headers (const std::vector<std::string> &names_and_values)
{
  std::string plain = number (names_and_values.size () / 2);
  for (const std::string &text : names_and_values)
    plain += number (text.size ()) + text;
  std::string block (plain.size () + 1000, 0);
  GByteArray *dictionary = kube_spdy_get_dictionary ();
  z_stream stream = {};
  deflateInit (&stream, Z_BEST_SPEED);
  deflateSetDictionary (&stream, dictionary->data, dictionary->len);
  stream.next_in = (guint8 *) plain.data ();
  stream.avail_in = plain.size ();
  stream.next_out = (guint8 *) &block[0];
  stream.avail_out = block.size ();
  EXPECT_EQ (deflate (&stream, Z_SYNC_FLUSH), Z_OK);
  block.resize (stream.total_out);
  deflateEnd (&stream);
  return block;
}

std::string
syn_stream (guint32 id, const std::vector<std::string> &headers)
{
  std::string body = number (id) + number (0) + std::string (2, 0) + compress_headers (headers);
  return std::string ("\x80\x03\0\x01", 4) + number (body.size ()) + body;
}

std::string
spdy_data (guint32 id, const std::string &data, bool fin = false)
{
  return number (id) + std::string (1, fin ? 1 : 0) + number (data.size ()).substr (1) + data;
}

std::string
spdy_handshake (const char *protocol, const char *path)
{
  return std::string ("POST ") + path + " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: " + protocol + "\r\nContent-Length: 0\r\n\r\n";
}

class SpdyTest : public StreamTest {};

TEST_F (SpdyTest, StreamsAreChannelsByTheirType)
{
  RawClient client (kube_http_front_get_port (front));
  client.send (spdy_handshake ("v4.channel.k8s.io", "/exec"));
  std::string answer = client.read_until ("\r\n\r\n");
  EXPECT_EQ (answer_status (answer), 101);
  EXPECT_EQ (answer_header (answer, "X-Stream-Protocol-Version"), "v4.channel.k8s.io");
  client.send (syn_stream (1, { "streamType", "stdin" }));
  std::string reply = client.read_exactly (8);
  EXPECT_EQ (reply.substr (0, 4), std::string ("\x80\x03\0\x02", 4));
  std::string rest = client.read_exactly ((guint8) reply[7]);
  EXPECT_EQ (rest.substr (0, 4), number (1));
  client.send (std::string ("\x80\x03\0\x06\0\0\0\x04", 8) + number (7));
  EXPECT_EQ (client.read_exactly (12), std::string ("\x80\x03\0\x06\0\0\0\x04", 8) + number (7));
}

TEST_F (SpdyTest, ABrokenFrameEndsTheSession)
{
  RawClient client (kube_http_front_get_port (front));
  client.send (spdy_handshake ("v4.channel.k8s.io", "/exec"));
  client.read_until ("\r\n\r\n");
  client.send (std::string ("\x80\x02\0\x01\0\0\0\x01x", 9));
  client.read_all ();
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (how_it_ended (), "the client broke the SPDY protocol");
}

class ImpatientTest : public StreamTest {
protected:
  void serve_with (gint64 session, gint64 streams)
  {
    const gint64 long_time = 60 * G_USEC_PER_SEC;
    const KubeHttpTimeouts timeouts = { long_time, long_time, long_time, long_time, long_time, session, streams };
    serve (&timeouts);
  }
};

TEST_F (ImpatientTest, AClientThatDoesNotOpenItsStreamsIsNotHeld)
{
  serve_with (60 * G_USEC_PER_SEC, 20 * 1000);
  RawClient client (kube_http_front_get_port (front));
  client.send (spdy_handshake ("v4.channel.k8s.io", "/exec?stdin=true&command=x"));
  client.send (syn_stream (1, { "streamType", "stdin" }));
  client.read_all ();
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (how_it_ended (), "timed out waiting for client to create streams");
}

TEST_F (ImpatientTest, ASessionInWhichNothingIsSaidEnds)
{
  serve_with (20 * 1000, 60 * G_USEC_PER_SEC);
  RawClient client (kube_http_front_get_port (front));
  client.send (handshake ("Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n"));
  client.read_all ();
  EXPECT_FALSE (client.timed_out);
  EXPECT_EQ (how_it_ended (), "");
}

TEST_F (SpdyTest, UnknownProtocolsAreRefused)
{
  RawClient client (kube_http_front_get_port (front));
  EXPECT_EQ (answer_status (client.ask (spdy_handshake ("v9.channel.k8s.io", "/exec"))), 403);
}

/* The headers of a client's streams, one zlib stream over all of them; without the dictionary, which is for who compresses to use or not. */
class SpdyHeaders {
public:
  SpdyHeaders () { EXPECT_EQ (deflateInit (&zlib, Z_BEST_SPEED), Z_OK); }
  ~SpdyHeaders () { deflateEnd (&zlib); }
  SpdyHeaders (const SpdyHeaders &) = delete;
  std::string open (guint32 id, const std::vector<std::string> &names_and_values)
  {
    std::string plain = number (names_and_values.size () / 2), block (1000, 0);
    for (auto &text : names_and_values)
      plain += number (text.size ()) + text;
    zlib.next_in = (Bytef *) plain.data ();
    zlib.avail_in = plain.size ();
    zlib.next_out = (Bytef *) block.data ();
    zlib.avail_out = block.size ();
    EXPECT_EQ (deflate (&zlib, Z_SYNC_FLUSH), Z_OK);
    block.resize (block.size () - zlib.avail_out);
    std::string body = number (id) + number (0) + std::string (2, 0) + block;
    return std::string ("\x80\x03\0\x01", 4) + number (body.size ()) + body;
  }

private:
  z_stream zlib = {};
};

/* The type of a control frame, or the stream and the data of a data frame. */
struct SpdyFrame {
  guint type = 0, stream = 0;
  std::string data;
};

guint32
read_number (const std::string &bytes)
{
  guint32 n = 0;
  for (char c : bytes)
    n = n << 8 | (guint8) c;
  return n;
}

SpdyFrame
parse_frame (const std::string &bytes)
{
  SpdyFrame frame;
  if ((guint8) bytes[0] & 0x80)
    frame.type = read_number (bytes.substr (2, 2));
  else
    frame.stream = read_number (bytes.substr (0, 4));
  frame.data = bytes.substr (8);
  return frame;
}

enum { SYN_REPLY = 2, RST_STREAM = 3, GOAWAY = 7 };

SpdyFrame
read_frame (RawClient &client)
{
  std::string head = client.read_exactly (8);
  return parse_frame (head + client.read_exactly (read_number (head.substr (5))));
}

/* The same in a WebSocket's message. */
SpdyFrame
read_tunnelled (RawClient &client)
{
  std::string head = client.read_exactly (2);
  EXPECT_EQ ((guint8) head[0], 0x82);
  EXPECT_LT ((guint8) head[1], 126);
  return parse_frame (client.read_exactly ((guint8) head[1]));
}

TEST_F (SpdyTest, WhatIsSentBeforeAStreamIsOpenWaitsForIt)
{
  RawClient client (kube_http_front_get_port (front));
  SpdyHeaders headers;
  client.send (spdy_handshake ("v4.channel.k8s.io", "/exec"));
  client.read_until ("\r\n\r\n");
  client.send (headers.open (1, { "streamtype", "stdin" }) + spdy_data (1, "early"));
  EXPECT_EQ (read_frame (client).type, SYN_REPLY);
  client.send (headers.open (3, { "streamtype", "stdout" }));
  EXPECT_EQ (read_frame (client).type, SYN_REPLY);
  SpdyFrame frame = read_frame (client);
  EXPECT_EQ (frame.stream, 3u);
  EXPECT_EQ (frame.data, "early");
  client.send (headers.open (5, { "streamtype", "error" }) + spdy_data (1, "quit"));
  EXPECT_EQ (read_frame (client).type, SYN_REPLY);
  frame = read_frame (client);
  EXPECT_EQ (frame.stream, 5u);
  EXPECT_EQ (frame.data, "{\"status\":\"Success\"}");
  while ((frame = read_frame (client)).type != GOAWAY)
    EXPECT_EQ (frame.data, "") << "the ends of the streams";
  client.close ();
  EXPECT_EQ (how_it_ended (), "");
}

TEST_F (SpdyTest, StreamsOfNoKnownTypeAreRefused)
{
  RawClient client (kube_http_front_get_port (front));
  SpdyHeaders headers;
  client.send (spdy_handshake ("portforward.k8s.io", "/ports"));
  client.read_until ("\r\n\r\n");
  client.send (headers.open (1, { "streamtype", "odd" }));
  EXPECT_EQ (read_frame (client).type, RST_STREAM);
  client.send (headers.open (3, { "streamtype", "data", "port", "70000", "requestid", "0" }));
  EXPECT_EQ (read_frame (client).type, RST_STREAM);
  client.send (headers.open (5, { "streamtype", "error", "port", "9", "requestid", "1" }));
  EXPECT_EQ (read_frame (client).type, SYN_REPLY);
  client.send (headers.open (7, { "streamtype", "data", "port", "9", "requestid", "1" }));
  EXPECT_EQ (read_frame (client).type, RST_STREAM) << "the port cannot be opened";
}

struct SpdyFrames {
  std::vector<std::string> opened, data, ended;
  std::string written;
};

TEST (KubeSpdy, HeadersOfSeveralStreamsShareOneCompression)
{
  static const KubeSpdyFuncs funcs = {
    [] (KubeSpdy *, guint32 stream, GHashTable *headers, gpointer u) -> gboolean {
      ((SpdyFrames *) u)->opened.push_back (std::to_string (stream) + (const char *) g_hash_table_lookup (headers, "streamtype"));
      return TRUE;
    },
    [] (KubeSpdy *, guint32 stream, const guint8 *data, gsize length, gpointer u) {
      ((SpdyFrames *) u)->data.push_back (std::to_string (stream) + std::string ((const char *) data, length));
    },
    [] (KubeSpdy *, guint32 stream, gpointer u) { ((SpdyFrames *) u)->ended.push_back (std::to_string (stream)); },
    [] (KubeSpdy *, GBytes *bytes, gpointer u) { ((SpdyFrames *) u)->written.append ((const char *) g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)); },
  };
  SpdyFrames frames;
  g_autoptr (KubeSpdy) spdy = kube_spdy_new (&funcs, &frames);
  SpdyHeaders headers;
  std::string first = headers.open (1, { "streamtype", "stdin" }), second = headers.open (3, { "streamtype", "stdout" });
  ASSERT_TRUE (kube_spdy_take (spdy, (const guint8 *) first.data (), first.size ()));
  ASSERT_TRUE (kube_spdy_take (spdy, (const guint8 *) second.data (), second.size ()));
  std::string data = spdy_data (1, "hello") + spdy_data (1, "", true);
  for (char c : data)
    ASSERT_TRUE (kube_spdy_take (spdy, (const guint8 *) &c, 1));
  EXPECT_EQ (frames.opened, (std::vector<std::string> { "1stdin", "3stdout" }));
  EXPECT_EQ (frames.ended, std::vector<std::string> { "1" });
  std::string joined;
  for (auto &d : frames.data)
    joined += d.substr (1);
  EXPECT_EQ (joined, "hello");
  EXPECT_FALSE (kube_spdy_take (spdy, (const guint8 *) first.data (), first.size ())) << "a stream id that was used already";
}

TEST_F (WebSocketTest, PortForwardTunnelsSpdy)
{
  auto client = open ("SPDY/3.1+portforward.k8s.io", "/ports");
  EXPECT_EQ (answer_header (answer, "Sec-WebSocket-Protocol"), "SPDY/3.1+portforward.k8s.io");
  SpdyHeaders headers;
  client->send (frame (2, headers.open (1, { "streamtype", "error", "port", "80", "requestid", "0" })));
  EXPECT_EQ (read_tunnelled (*client).type, SYN_REPLY);
  client->send (frame (2, headers.open (3, { "streamtype", "data", "port", "80", "requestid", "0" })));
  EXPECT_EQ (read_tunnelled (*client).type, SYN_REPLY);
  SpdyFrame opened = read_tunnelled (*client);
  EXPECT_EQ (opened.stream, 3u);
  EXPECT_EQ (opened.data, "port 80");
  client->send (frame (2, spdy_data (3, "hi")));
  SpdyFrame echoed = read_tunnelled (*client);
  EXPECT_EQ (echoed.stream, 1u) << "the other of the pair";
  EXPECT_EQ (echoed.data, "hi");
  client->send (frame (9, "ping"));
  expect (*client, server_frame (10, "ping"));
  client->send (frame (8, std::string ("\x03\xe8", 2)));
  expect (*client, server_frame (8, std::string ("\x03\xe8", 2)));
  EXPECT_EQ (how_it_ended (), "");
}

}
