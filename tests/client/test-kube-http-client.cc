/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-config-private.h"
#include "kube-http-client-private.h"
#include "raw-server.h"
#include "wait-until.h"
#include <glib/gstdio.h>
#include <gtest/gtest.h>
#include <thread>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;

struct HttpClient : testing::Test {
  KubeKind *pods = kube_kind_new ("", "v1", "Pod", "pods", TRUE);
  KubeConfig *config = NULL;
  KubeClient *client = NULL;
  GError *error = NULL;

  void
  connect (const RawServer &server, KubeClock *clock = NULL)
  {
    g_clear_error (&error);
    if (config == NULL)
      config = kube_config_new (server.url ().c_str (), NULL, NULL, NULL, "secret");
    client = kube_http_client_new_with_clock (config, clock != NULL ? clock : kube_clock_get_real (), &error);
    ASSERT_NE (client, nullptr) << error->message;
  }

  void
  TearDown () override
  {
    g_clear_object (&client);
    g_clear_pointer (&config, kube_config_unref);
    g_clear_error (&error);
    kube_kind_unref (pods);
  }

  bool
  get ()
  {
    g_clear_error (&error);
    KubeObject *pod = kube_client_get (client, pods, "ns", "p", &error);
    bool good = pod != NULL;
    g_clear_pointer (&pod, kube_object_unref);
    return good;
  }

  KubeError
  code () const
  {
    return error != NULL && error->domain == KUBE_ERROR ? (KubeError) error->code : (KubeError) -1;
  }
};

const char *pod_json = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\"}}";

void
answer_pod (const RawRequest &, RawConnection &connection)
{
  connection.write (raw_answer ("200 OK", pod_json));
}

}

TEST_F (HttpClient, SendsWhatClientsSend)
{
  RawServer server (answer_pod);
  config = kube_config_new (server.url ().c_str (), NULL, NULL, NULL, "secret");
  config->impersonate_user = g_strdup ("jane");
  config->impersonate_groups = g_strsplit ("a b", " ", -1);
  connect (server);
  kube_http_client_set_user_agent (KUBE_HTTP_CLIENT (client), "kube-scheduler/v1.36");
  ASSERT_TRUE (get ()) << error->message;
  RawRequest request = server.seen ().at (0);
  EXPECT_EQ (request.line, "GET /api/v1/namespaces/ns/pods/p HTTP/1.1");
  EXPECT_EQ (request.headers.at ("authorization"), "Bearer secret");
  EXPECT_EQ (request.headers.at ("user-agent"), "kube-scheduler/v1.36");
  EXPECT_EQ (request.headers.at ("accept"), "application/json, */*");
  EXPECT_EQ (request.headers.at ("impersonate-user"), "jane");
  EXPECT_EQ (request.headers.at ("impersonate-group"), "a,b");
}

TEST_F (HttpClient, KeepsItsConnection)
{
  RawServer server (answer_pod);
  connect (server);
  for (int i = 0; i < 5; i++)
    ASSERT_TRUE (get ()) << error->message;
  for (KubeVerb verb : { KUBE_VERB_CREATE, KUBE_VERB_UPDATE, KUBE_VERB_PATCH, KUBE_VERB_DELETE }) {
    KubeRequest *request = kube_request_new (verb, pods, "ns", "p");
    KubeResponse *response = kube_client_send (client, request, NULL, &error);
    ASSERT_NE (response, nullptr) << error->message;
    kube_response_unref (response);
    kube_request_unref (request);
  }
  EXPECT_EQ (server.seen ().size (), 9u);
  EXPECT_EQ (server.seen ().back ().connection, 1);
}

TEST_F (HttpClient, WritesBodiesAndReadsWarnings)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_answer ("201 Created", pod_json, "Warning: 299 - \"one\"\r\nWarning: 299 - \"two\"\r\n"));
  });
  connect (server);
  KubeRequest *request = kube_request_new (KUBE_VERB_PATCH, pods, "ns", "p");
  KubeValue *patch = kube_value_parse ("{\"a\":1}", -1, NULL);
  kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
  KubeResponse *response = kube_client_send (client, request, NULL, &error);
  ASSERT_NE (response, nullptr) << error->message;
  EXPECT_EQ (kube_response_get_http_status (response), 201);
  EXPECT_STREQ (kube_response_get_warnings (response)[1], "299 - \"two\"");
  EXPECT_EQ (server.seen ().at (0).body, "{\"a\":1}");
  EXPECT_EQ (server.seen ().at (0).headers.at ("content-type"), "application/strategic-merge-patch+json");
  kube_response_unref (response);
  kube_request_unref (request);
  kube_value_unref (patch);
}

TEST_F (HttpClient, ListsSayWhatTheirItemsAre)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_answer (
        "200 OK", "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"42\",\"continue\":\"t\","
                  "\"remainingItemCount\":7},\"items\":[{\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":\"b\"}}]}"));
  });
  connect (server);
  KubeObjectList *list = kube_client_list (client, pods, NULL, "app=web", &error);
  ASSERT_NE (list, nullptr) << error->message;
  EXPECT_EQ (server.seen ().at (0).line, "GET /api/v1/pods?labelSelector=app%3Dweb HTTP/1.1");
  ASSERT_EQ (kube_object_list_get_length (list), 2u);
  EXPECT_STREQ (kube_object_get_kind (kube_object_list_get (list, 1)), "Pod");
  EXPECT_STREQ (kube_object_get_api_version (kube_object_list_get (list, 1)), "v1");
  EXPECT_STREQ (kube_object_get_name (kube_object_list_get (list, 1)), "b");
  EXPECT_STREQ (kube_object_list_get_resource_version (list), "42");
  EXPECT_STREQ (kube_object_list_get_continue (list), "t");
  EXPECT_EQ (kube_object_list_get_remaining (list), 7);
  kube_object_list_unref (list);
}

TEST_F (HttpClient, AStatusIsAnErrorWithDetails)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_answer (
        "422 Unprocessable Entity",
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"Pod \\\"p\\\" is invalid: "
        "x\",\"reason\":"
        "\"Invalid\",\"details\":{\"name\":\"p\",\"kind\":\"Pod\",\"causes\":[{\"reason\":\"FieldValueRequired\",\"message\":"
        "\"Required value\",\"field\":\"spec.containers\"}]},\"code\":422}"));
  });
  connect (server);
  EXPECT_FALSE (get ());
  EXPECT_EQ (code (), KUBE_ERROR_INVALID);
  EXPECT_STREQ (error->message, "Pod \"p\" is invalid: x");
  const KubeErrorDetails *details = kube_error_get_details (error);
  EXPECT_STREQ (details->kind, "Pod");
  ASSERT_NE (details->causes, nullptr);
  EXPECT_STREQ (((KubeErrorCause *) g_ptr_array_index (details->causes, 0))->field, "spec.containers");
}

TEST_F (HttpClient, WhatIsNoStatusIsStillAnError)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write ("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n404 page not found\n");
  });
  connect (server);
  EXPECT_FALSE (get ());
  EXPECT_EQ (code (), KUBE_ERROR_NOT_FOUND);
  EXPECT_STREQ (error->message, "the server could not find the requested resource");
  EXPECT_STREQ (((KubeErrorCause *) g_ptr_array_index (kube_error_get_details (error)->causes, 0))->message,
                "404 page not found\n");
}

TEST_F (HttpClient, AnAnswerThatIsNotJsonIsAnError)
{
  RawServer server (
      [] (const RawRequest &, RawConnection &connection) { connection.write (raw_answer ("200 OK", "{\"kind\":")); });
  connect (server);
  EXPECT_FALSE (get ());
  EXPECT_EQ (code (), KUBE_ERROR_BAD_REQUEST) << error->message;
}

TEST_F (HttpClient, WaitsAsLongAsTheServerAsks)
{
  int calls = 0;
  RawServer server ([&] (const RawRequest &, RawConnection &connection) {
    connection.write (++calls < 3 ? raw_answer ("429 Too Many Requests", "{}", "Retry-After: 7\r\n")
                                  : raw_answer ("200 OK", pod_json));
  });
  KubeVirtualClock *clock = kube_virtual_clock_new (0);
  gint64 begin = kube_clock_get_monotonic_time (KUBE_CLOCK (clock));
  connect (server, KUBE_CLOCK (clock));
  std::thread asker ([&] { EXPECT_TRUE (get ()); });
  for (int i = 1; i <= 2; i++) {
    ASSERT_TRUE (wait_until ([&] { return kube_virtual_clock_get_next (clock) >= 0; }));
    EXPECT_EQ (kube_virtual_clock_get_next (clock), begin + i * 7 * second);
    kube_virtual_clock_advance (clock, 7 * second);
  }
  asker.join ();
  EXPECT_EQ (calls, 3);
  g_object_unref (clock);
}

TEST_F (HttpClient, GivesUpAfterTenTries)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_answer ("429 Too Many Requests", "{}", "Retry-After: 0\r\n"));
  });
  connect (server);
  EXPECT_FALSE (get ());
  EXPECT_EQ (code (), KUBE_ERROR_TOO_MANY_REQUESTS);
  EXPECT_EQ (server.seen ().size (), 10u);
}

TEST_F (HttpClient, ABrokenGetIsSentAgainAndABrokenPostIsNot)
{
  RawServer server ([] (const RawRequest &request, RawConnection &connection) {
    if (request.connection > 3)
      answer_pod (request, connection);
    else
      connection.close ();
  });
  KubeVirtualClock *clock = kube_virtual_clock_new (0);
  connect (server, KUBE_CLOCK (clock));
  KubeObject *pod = NULL;
  std::thread asker ([&] { pod = kube_client_get (client, pods, "ns", "p", NULL); });
  for (int i = 0; i < 3; i++) {
    ASSERT_TRUE (wait_until ([&] { return kube_virtual_clock_get_next (clock) >= 0; }));
    kube_virtual_clock_advance (clock, second);
  }
  asker.join ();
  EXPECT_NE (pod, nullptr);
  g_clear_pointer (&pod, kube_object_unref);
  EXPECT_EQ (server.seen ().size (), 4u);
  g_object_unref (clock);
}

TEST_F (HttpClient, ABrokenPostIsAnErrorAtOnce)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) { connection.close (); });
  connect (server);
  KubeRequest *request = kube_request_new (KUBE_VERB_CREATE, pods, "ns", NULL);
  KubeValue *value = kube_value_parse (pod_json, -1, NULL);
  KubeObject *pod = kube_object_new (value);
  kube_value_unref (value);
  kube_request_set_object (request, pod);
  EXPECT_EQ (kube_client_send (client, request, NULL, &error), nullptr);
  EXPECT_EQ (code (), KUBE_ERROR_SERVICE_UNAVAILABLE) << error->message;
  EXPECT_EQ (server.seen ().size (), 1u);
  kube_object_unref (pod);
  kube_request_unref (request);
}

TEST_F (HttpClient, AServerThatIsAwayIsUnavailable)
{
  guint16 port;
  {
    RawServer server (answer_pod);
    port = server.port;
  }
  config = kube_config_new (("http://127.0.0.1:" + std::to_string (port)).c_str (), NULL, NULL, NULL, NULL);
  client = kube_http_client_new (config, &error);
  EXPECT_FALSE (get ());
  EXPECT_EQ (code (), KUBE_ERROR_SERVICE_UNAVAILABLE) << error->message;
}

TEST_F (HttpClient, ARequestCanBeCancelled)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) { connection.wait_closed (); });
  connect (server);
  GCancellable *cancellable = g_cancellable_new ();
  KubeRequest *request = kube_request_new (KUBE_VERB_GET, pods, "ns", "p");
  bool done = false;
  struct Data {
    bool *done;
    GError **error;
  } data{ &done, &error };
  kube_client_send_async (
      client, request, cancellable,
      [] (GObject *source, GAsyncResult *result, gpointer user_data) {
        auto *d = static_cast<Data *> (user_data);
        EXPECT_EQ (kube_client_send_finish (KUBE_CLIENT (source), result, d->error), nullptr);
        *d->done = true;
      },
      &data);
  ASSERT_TRUE (wait_until ([&] { return server.seen ().size () == 1; }));
  g_cancellable_cancel (cancellable);
  ASSERT_TRUE (wait_until ([&] { return done; }));
  EXPECT_TRUE (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_object_unref (cancellable);
  kube_request_unref (request);
}

TEST_F (HttpClient, ManyThreadsShareOneClient)
{
  RawServer server (answer_pod);
  connect (server);
  std::vector<std::thread> threads;
  std::atomic<int> good{ 0 };
  for (int t = 0; t < 4; t++) {
    threads.emplace_back ([&] {
      for (int i = 0; i < 25; i++) {
        KubeObject *pod = kube_client_get (client, pods, "ns", "p", NULL);
        good += pod != NULL;
        g_clear_pointer (&pod, kube_object_unref);
      }
    });
  }
  for (auto &thread : threads)
    thread.join ();
  EXPECT_EQ (good, 100);
}

namespace
{

struct WatchLog {
  std::string text;
  bool closed = false;
  GError *error = NULL;

  ~WatchLog ()
  {
    g_clear_error (&error);
  }

  static void
  on_event (KubeWatch *, KubeWatchEventType type, KubeObject *object, gpointer data)
  {
    static const char marks[] = "+~-#";
    const char *name = kube_object_get_name (object);
    static_cast<WatchLog *> (data)->text += marks[type] + std::string (name != NULL ? name : "");
  }

  static void
  on_closed (KubeWatch *, GError *error, gpointer data)
  {
    auto *log = static_cast<WatchLog *> (data);
    log->closed = true;
    log->error = error != NULL ? g_error_copy (error) : NULL;
  }
};

std::string
event (const char *type, const char *name)
{
  return std::string ("{\"type\":\"") + type + "\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" + name + "\"}}}\n";
}

}

struct HttpWatch : HttpClient {
  KubeWatch *watch = NULL;
  WatchLog log;

  void
  start (const RawServer &server)
  {
    connect (server);
    KubeRequest *request = kube_request_new (KUBE_VERB_WATCH, pods, NULL, NULL);
    kube_request_set_option (request, "resourceVersion", "5");
    watch = kube_client_watch (client, request);
    kube_watch_set_func (watch, WatchLog::on_event, &log, NULL);
    g_signal_connect (watch, "closed", G_CALLBACK (WatchLog::on_closed), &log);
    kube_watch_start (watch);
    kube_request_unref (request);
  }

  void
  TearDown () override
  {
    g_clear_object (&watch);
    HttpClient::TearDown ();
  }
};

TEST_F (HttpWatch, HandsOutEventsHoweverTheyAreCut)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    std::string all = event ("ADDED", "a") + event ("MODIFIED", "a") + "\n" + event ("DELETED", "b") + event ("BOOKMARK", "");
    connection.write (raw_chunked ());
    for (size_t i = 0; i < all.size (); i += 17)
      connection.write (raw_chunk (all.substr (i, 17)));
    connection.write ("0\r\n\r\n");
  });
  start (server);
  ASSERT_TRUE (wait_until ([&] { return log.closed; }));
  EXPECT_EQ (log.text, "+a~a-b#");
  EXPECT_EQ (log.error, nullptr);
  EXPECT_EQ (server.seen ().at (0).line, "GET /api/v1/pods?watch=true&resourceVersion=5 HTTP/1.1");
}

TEST_F (HttpWatch, AnEventComesAtOnce)
{
  std::atomic<bool> go{ false };
  RawServer server ([&] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_chunked () + raw_chunk (event ("ADDED", "a")));
    connection.wait_closed ();
    go = true;
  });
  start (server);
  ASSERT_TRUE (wait_until ([&] { return log.text == "+a"; }));
  EXPECT_FALSE (log.closed);
  kube_watch_stop (watch);
  EXPECT_TRUE (wait_until ([&] { return go.load (); })) << "a watch that is stopped closes its connection";
  EXPECT_FALSE (log.closed);
}

TEST_F (HttpWatch, AnErrorEventIsWhyItCloses)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_chunked ()
                      + raw_chunk (event ("ADDED", "a")
                                   + "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"too old "
                                     "resource version: 5 (7)\",\"reason\":\"Expired\",\"code\":410}}\n"));
    connection.wait_closed ();
  });
  start (server);
  ASSERT_TRUE (wait_until ([&] { return log.closed; }));
  EXPECT_EQ (log.text, "+a");
  EXPECT_TRUE (g_error_matches (log.error, KUBE_ERROR, KUBE_ERROR_EXPIRED));
}

TEST_F (HttpWatch, ARefusedWatchClosesWithTheStatus)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (
        raw_answer ("403 Forbidden", "{\"kind\":\"Status\",\"message\":\"no\",\"reason\":\"Forbidden\",\"code\":403}"));
  });
  start (server);
  ASSERT_TRUE (wait_until ([&] { return log.closed; }));
  EXPECT_TRUE (g_error_matches (log.error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN));
}

TEST_F (HttpWatch, ABrokenStreamEndsInOrderSoThatItIsTakenUpAgain)
{
  RawServer server ([] (const RawRequest &, RawConnection &connection) {
    connection.write (raw_chunked () + raw_chunk (event ("ADDED", "a")));
    connection.close ();
  });
  start (server);
  ASSERT_TRUE (wait_until ([&] { return log.closed; }));
  EXPECT_EQ (log.text, "+a");
  EXPECT_EQ (log.error, nullptr);
}

TEST_F (HttpWatch, WhatIsNoEventOrTooLongEndsIt)
{
  for (const std::string &bad :
       { std::string ("{\"type\":\"NEWS\",\"object\":{}}\n"), std::string ("nonsense\n"), std::string (17 << 20, 'x') }) {
    RawServer server ([&] (const RawRequest &, RawConnection &connection) {
      connection.write (raw_chunked ());
      for (size_t i = 0; i < bad.size (); i += 1 << 20)
        connection.write (raw_chunk (bad.substr (i, 1 << 20)));
      connection.wait_closed ();
    });
    g_clear_object (&watch);
    g_clear_object (&client);
    g_clear_pointer (&config, kube_config_unref);
    g_clear_error (&log.error);
    log.closed = false;
    start (server);
    ASSERT_TRUE (wait_until ([&] { return log.closed; }));
    ASSERT_NE (log.error, nullptr);
    EXPECT_EQ (log.error->domain, KUBE_ERROR);
  }
}

TEST_F (HttpWatch, ASlowReaderDoesNotMakeThemPileUp)
{
  std::atomic<int> written{ 0 };
  RawServer server ([&] (const RawRequest &, RawConnection &connection) {
    std::string many;
    for (int i = 0; i < 1000; i++)
      many += event ("ADDED", std::string (300, 'n').c_str ());
    connection.write (raw_chunked ());
    for (int i = 0; i < 60; i++) {
      connection.write (raw_chunk (many));
      written++;
    }
    connection.write ("0\r\n\r\n");
  });
  start (server);
  gint64 begin = g_get_monotonic_time ();
  int last = -1;
  /* our context does not run: the server comes to a stand before all is written */
  while (g_get_monotonic_time () - begin < 10 * second && (written != last || written == 0)) {
    last = written;
    gint64 until = g_get_monotonic_time () + second / 5;
    while (g_get_monotonic_time () < until && written == last)
      g_thread_yield ();
  }
  EXPECT_LT (written, 60);
  ASSERT_TRUE (wait_until ([&] { return log.closed; }));
  EXPECT_EQ (log.text.size (), 60u * 1000 * 301);
}

TEST_F (HttpClient, OpensStreamsThatCanBeLetGo)
{
  std::atomic<bool> closed{ false };
  RawServer server ([&] (const RawRequest &, RawConnection &connection) {
    connection.write ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                      + raw_chunk ("line 1\n"));
    connection.wait_closed ();
    closed = true;
  });
  connect (server);
  KubeRequest *request = kube_request_new (KUBE_VERB_GET, pods, "ns", "p");
  kube_request_set_subresource (request, "log");
  kube_request_set_option (request, "follow", "true");
  GInputStream *stream = NULL;
  kube_client_open_async (
      client, request, NULL,
      [] (GObject *source, GAsyncResult *result, gpointer data) {
        *static_cast<GInputStream **> (data) = kube_client_open_finish (KUBE_CLIENT (source), result, NULL);
      },
      &stream);
  ASSERT_TRUE (wait_until ([&] { return stream != NULL; }));
  char text[16] = "";
  EXPECT_EQ (g_input_stream_read (stream, text, sizeof text, NULL, NULL), 7);
  EXPECT_STREQ (text, "line 1\n");
  EXPECT_FALSE (closed);
  g_object_unref (stream);
  EXPECT_TRUE (wait_until ([&] { return closed.load (); }));
  EXPECT_EQ (server.seen ().at (0).line, "GET /api/v1/namespaces/ns/pods/p/log?follow=true HTTP/1.1");
  kube_request_unref (request);
}

struct HttpTls : HttpClient {
  Identity authority = make_identity ("authority", NULL), other = make_identity ("other", NULL);
  Identity server_identity = make_identity ("localhost", &authority);

  static GTlsCertificate *
  load (const Identity &identity)
  {
    return g_tls_certificate_new_from_pem ((identity.certificate + identity.key).c_str (), -1, NULL);
  }

  void
  set_config (const RawServer &server, const char *ca, const Identity *own = NULL)
  {
    g_clear_object (&client);
    g_clear_pointer (&config, kube_config_unref);
    config = kube_config_new (server.url ().c_str (), ca, own != NULL ? own->certificate.c_str () : NULL,
                              own != NULL ? own->key.c_str () : NULL, NULL);
  }
};

TEST_F (HttpTls, TrustsTheConfigsAuthorityAndNoOther)
{
  RawServer server (answer_pod, load (server_identity));
  set_config (server, authority.certificate.c_str ());
  connect (server);
  EXPECT_TRUE (get ()) << error->message;
  set_config (server, (other.certificate + authority.certificate).c_str ());
  connect (server);
  EXPECT_TRUE (get ()) << error->message;
  set_config (server, other.certificate.c_str ());
  connect (server);
  EXPECT_FALSE (get ());
  EXPECT_EQ (code (), KUBE_ERROR_SERVICE_UNAVAILABLE);
  set_config (server, NULL);
  connect (server);
  EXPECT_FALSE (get ()) << "the system's authorities do not know it";
  config->insecure = TRUE;
  g_clear_object (&client);
  connect (server);
  EXPECT_TRUE (get ()) << error->message;
}

TEST_F (HttpTls, ComparesTheNameAndCanBeToldAnother)
{
  Identity named = make_identity ("only-by-name", &authority);
  RawServer server (answer_pod, load (named));
  set_config (server, authority.certificate.c_str ());
  connect (server);
  EXPECT_FALSE (get ());
  g_clear_object (&client);
  config->tls_server_name = g_strdup ("only-by-name");
  connect (server);
  EXPECT_TRUE (get ()) << error->message;
  EXPECT_EQ (server.seen ().at (0).headers.at ("host"), "127.0.0.1:" + std::to_string (server.port));
}

TEST_F (HttpTls, PresentsItsCertificate)
{
  Identity own = make_identity ("system:admin", &authority);
  RawServer server (answer_pod, load (server_identity), true);
  set_config (server, authority.certificate.c_str (), &own);
  connect (server);
  ASSERT_TRUE (get ()) << error->message;
  ASSERT_EQ (server.peers ().size (), 1u);
  EXPECT_EQ (server.peers ()[0], "CN=system:admin");
}

TEST_F (HttpClient, RefusesWhatIsNoServerOrCertificate)
{
  for (const char *server : { "ftp://x", "https://", "://" }) {
    g_clear_pointer (&config, kube_config_unref);
    g_clear_error (&error);
    config = kube_config_new (server, NULL, NULL, NULL, NULL);
    EXPECT_EQ (kube_http_client_new (config, &error), nullptr) << server;
    EXPECT_NE (error, nullptr);
  }
  g_clear_pointer (&config, kube_config_unref);
  g_clear_error (&error);
  config = kube_config_new ("https://x", NULL, "nonsense", "nonsense", NULL);
  EXPECT_EQ (kube_http_client_new (config, &error), nullptr);
}

TEST_F (HttpClient, AServerMayStandBehindAPath)
{
  RawServer server (answer_pod);
  config = kube_config_new ((server.url () + "/k8s/clusters/c1/").c_str (), NULL, NULL, NULL, NULL);
  connect (server);
  ASSERT_TRUE (get ());
  EXPECT_EQ (server.seen ().at (0).line, "GET /k8s/clusters/c1/api/v1/namespaces/ns/pods/p HTTP/1.1");
}

struct HttpCredentials : HttpClient {
  std::string folder;

  void
  SetUp () override
  {
    char *made = g_dir_make_tmp ("kube-http-XXXXXX", NULL);
    folder = made;
    g_free (made);
  }

  void
  TearDown () override
  {
    for (const char *name : { "token", "login", "count" })
      g_remove ((folder + "/" + name).c_str ());
    g_rmdir (folder.c_str ());
    HttpClient::TearDown ();
  }

  std::string
  write (const char *name, const std::string &text)
  {
    std::string path = folder + "/" + name;
    g_file_set_contents (path.c_str (), text.c_str (), text.size (), NULL);
    return path;
  }
};

TEST_F (HttpCredentials, ATokenFileIsReadAgainAfterAMinute)
{
  RawServer server (answer_pod);
  KubeVirtualClock *clock = kube_virtual_clock_new (0);
  config = kube_config_new (server.url ().c_str (), NULL, NULL, NULL, "old");
  config->token_file = g_strdup (write ("token", "one\n").c_str ());
  connect (server, KUBE_CLOCK (clock));
  ASSERT_TRUE (get ());
  write ("token", "two");
  ASSERT_TRUE (get ());
  kube_virtual_clock_advance (clock, 60 * second);
  ASSERT_TRUE (get ());
  g_remove ((folder + "/token").c_str ());
  kube_virtual_clock_advance (clock, 60 * second);
  ASSERT_TRUE (get ()) << "the last one is kept";
  EXPECT_EQ (server.seen ()[0].headers.at ("authorization"), "Bearer one");
  EXPECT_EQ (server.seen ()[1].headers.at ("authorization"), "Bearer one");
  EXPECT_EQ (server.seen ()[2].headers.at ("authorization"), "Bearer two");
  EXPECT_EQ (server.seen ()[3].headers.at ("authorization"), "Bearer two");
  g_object_unref (clock);
}

TEST_F (HttpCredentials, AnExecPluginIsAskedOnceAndAgainWhereTheServerRefuses)
{
  std::string login
      = write ("login", "#!/bin/sh\necho x >>" + folder + "/count\nn=$(wc -l <" + folder
                            + "/count)\necho \"{\\\"apiVersion\\\":\\\"client.authentication.k8s.io/v1\\\",\\\"kind\\\":"
                              "\\\"ExecCredential\\\",\\\"status\\\":{\\\"token\\\":\\\"$NAME-$1-$n\\\"}}\"\n");
  g_chmod (login.c_str (), 0755);
  RawServer server ([] (const RawRequest &request, RawConnection &connection) {
    connection.write (
        request.headers.at ("authorization") == "Bearer v-arg-1" && request.line.find ("/secret") != std::string::npos
            ? raw_answer ("401 Unauthorized", "{\"kind\":\"Status\",\"reason\":\"Unauthorized\",\"message\":\"Unauthorized\"}")
            : raw_answer ("200 OK", pod_json));
  });
  std::string text
      = "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: '"
        + server.url () + "'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: '" + login
        + "', args: [arg], env: [{name: NAME, value: v}]}}}]\n";
  config = kube_config_parse (text.c_str (), text.size (), NULL, NULL, &error);
  ASSERT_NE (config, nullptr) << error->message;
  connect (server);
  ASSERT_TRUE (get ()) << error->message;
  ASSERT_TRUE (get ()) << error->message;
  EXPECT_EQ (server.seen ()[1].headers.at ("authorization"), "Bearer v-arg-1");
  KubeRequest *request = kube_request_new_raw ("GET", "/secret");
  KubeResponse *response = kube_client_send (client, request, NULL, &error);
  ASSERT_NE (response, nullptr) << error->message;
  EXPECT_EQ (server.seen ()[3].headers.at ("authorization"), "Bearer v-arg-2");
  kube_response_unref (response);
  kube_request_unref (request);
}

TEST_F (HttpCredentials, AnExecPluginThatFailsIsAnError)
{
  RawServer server (answer_pod);
  for (const char *command : { "/bin/false", "/no/such/program", "/bin/true" }) {
    g_clear_object (&client);
    g_clear_pointer (&config, kube_config_unref);
    std::string text
        = "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: '"
          + server.url ()
          + "'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: " + command + "}}}]\n";
    config = kube_config_parse (text.c_str (), text.size (), NULL, NULL, &error);
    connect (server);
    EXPECT_FALSE (get ());
    EXPECT_EQ (std::string (error->message).find ("getting credentials") != std::string::npos, true) << error->message;
  }
  EXPECT_TRUE (server.seen ().empty ());
}
