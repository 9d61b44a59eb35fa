/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-client.h"
#include <gtest/gtest.h>

namespace
{

struct Request : testing::Test {
  KubeKind *pods = kube_kind_new ("", "v1", "Pod", "pods", TRUE);
  KubeKind *nodes = kube_kind_new ("", "v1", "Node", "nodes", FALSE);
  KubeRequest *request = NULL;

  void
  TearDown () override
  {
    g_clear_pointer (&request, kube_request_unref);
    kube_kind_unref (pods);
    kube_kind_unref (nodes);
  }

  std::string
  http () const
  {
    char *path = kube_request_dup_path (request);
    std::string result = std::string (kube_request_get_method (request)) + " " + path;
    g_free (path);
    return result;
  }

  std::string
  body () const
  {
    GBytes *bytes = kube_request_dup_body (request);
    std::string result ((const char *) g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    g_bytes_unref (bytes);
    return result;
  }
};

}

TEST_F (Request, PathsAreUpstreams)
{
  const struct {
    KubeVerb verb;
    KubeKind *kind;
    const char *ns, *name, *subresource, *want;
  } cases[] = {
    { KUBE_VERB_LIST, pods, NULL, NULL, NULL, "GET /api/v1/pods" },
    { KUBE_VERB_CREATE, pods, "ns", NULL, NULL, "POST /api/v1/namespaces/ns/pods" },
    { KUBE_VERB_UPDATE, pods, "ns", "p", "status", "PUT /api/v1/namespaces/ns/pods/p/status" },
    { KUBE_VERB_CREATE, pods, "ns", "p", "binding", "POST /api/v1/namespaces/ns/pods/p/binding" },
    { KUBE_VERB_PATCH, nodes, NULL, "a b/c?", NULL, "PATCH /api/v1/nodes/a%20b%2Fc%3F" },
    { KUBE_VERB_GET, nodes, NULL, "system:node", NULL, "GET /api/v1/nodes/system:node" },
    { KUBE_VERB_DELETE, nodes, NULL, "n", NULL, "DELETE /api/v1/nodes/n" },
    { KUBE_VERB_DELETE_COLLECTION, pods, "ns", NULL, NULL, "DELETE /api/v1/namespaces/ns/pods" },
    { KUBE_VERB_WATCH, pods, NULL, NULL, NULL, "GET /api/v1/pods?watch=true" },
  };
  for (const auto &c : cases) {
    g_clear_pointer (&request, kube_request_unref);
    request = kube_request_new (c.verb, c.kind, c.ns, c.name);
    kube_request_set_subresource (request, c.subresource);
    EXPECT_EQ (http (), c.want);
  }
}

TEST_F (Request, OptionsAreEscapedAndMayRepeat)
{
  request = kube_request_new (KUBE_VERB_LIST, pods, NULL, NULL);
  kube_request_set_option (request, "labelSelector", "app in (a,b)&x");
  kube_request_set_option_integer (request, "limit", 5);
  kube_request_set_option (request, "command", "a");
  kube_request_set_option (request, "command", "b");
  EXPECT_EQ (http (), "GET /api/v1/pods?labelSelector=app%20in%20%28a%2Cb%29%26x&limit=5&command=a&command=b");
  EXPECT_STREQ (kube_request_get_option (request, "limit"), "5");
  kube_request_set_option (request, "command", NULL);
  EXPECT_EQ (kube_request_get_option (request, "command"), nullptr);
}

TEST_F (Request, RawOnesKeepTheirQuery)
{
  request = kube_request_new_raw ("GET", "/readyz?verbose=1");
  kube_request_set_option (request, "exclude", "etcd");
  EXPECT_EQ (http (), "GET /readyz?verbose=1&exclude=etcd");
  EXPECT_EQ (kube_request_get_verb (request), 0);
  EXPECT_EQ (kube_request_get_content_type (request), nullptr);
  EXPECT_EQ (kube_request_dup_body (request), nullptr);
}

TEST_F (Request, BodiesHaveTheirMediaTypes)
{
  request = kube_request_new (KUBE_VERB_PATCH, pods, "ns", "p");
  KubeValue *patch = kube_value_parse ("{\"a\":null}", -1, NULL);
  kube_request_set_patch (request, KUBE_PATCH_MERGE, patch);
  EXPECT_STREQ (kube_request_get_content_type (request), "application/merge-patch+json");
  EXPECT_EQ (body (), "{\"a\":null}");
  kube_request_set_patch (request, KUBE_PATCH_APPLY, patch);
  EXPECT_STREQ (kube_request_get_content_type (request), "application/apply-patch+yaml");
  kube_value_unref (patch);
}

TEST_F (Request, DeleteOptionsAreABody)
{
  request = kube_request_new (KUBE_VERB_DELETE, pods, "ns", "p");
  kube_request_set_delete_options (request, 0, "Foreground", "u", NULL);
  EXPECT_EQ (body (),
             "{\"apiVersion\":\"v1\",\"gracePeriodSeconds\":0,\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":\"u\"},"
             "\"propagationPolicy\":\"Foreground\"}");
  kube_request_set_delete_options (request, -1, NULL, NULL, NULL);
  EXPECT_EQ (body (), "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"}");
}

TEST (Client, BlockingCallsWaitForTheAnswer)
{
  FakeClient fake;
  KubeKind *pods = kube_kind_new ("", "v1", "Pod", "pods", TRUE);
  fake.answer = [] (FakeCall &call) {
    return call.path () == "GET /api/v1/namespaces/ns/pods/p" ? fake_object ("{'kind':'Pod','metadata':{'name':'p'}}")
                                                              : fake_error (KUBE_ERROR_NOT_FOUND, "pods \"q\" not found");
  };
  GError *error = NULL;
  KubeObject *pod = kube_client_get (fake.client, pods, "ns", "p", &error);
  ASSERT_NE (pod, nullptr);
  EXPECT_STREQ (kube_object_get_name (pod), "p");
  kube_object_unref (pod);
  EXPECT_EQ (kube_client_get (fake.client, pods, "ns", "q", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND));
  g_clear_error (&error);
  kube_kind_unref (pods);
}

TEST (Client, AnObjectOfAnUnknownKindIsABadRequest)
{
  FakeClient fake;
  KubeObject *object = fake_parse ("{'apiVersion':'example.com/v1','kind':'Nothing','metadata':{'name':'x'}}");
  GError *error = NULL;
  EXPECT_EQ (kube_client_create (fake.client, object, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
  EXPECT_STREQ (error->message, "no kind \"Nothing\" is registered for version \"example.com/v1\"");
  g_clear_error (&error);
  kube_object_unref (object);
}

TEST (Watch, GivesOutOneClosedAtMostAndNothingAfterAStop)
{
  FakeClient fake;
  KubeKind *pods = kube_kind_new ("", "v1", "Pod", "pods", TRUE);
  KubeRequest *request = kube_request_new (KUBE_VERB_WATCH, pods, NULL, NULL);
  std::string log;
  auto on_event = +[] (KubeWatch *, int, KubeObject *object, std::string *l) { *l += kube_object_get_name (object); };
  auto on_closed = +[] (KubeWatch *, GError *error, std::string *l) { *l += error != NULL ? "!" : "."; };
  for (bool stop : { false, true }) {
    KubeWatch *watch = kube_client_watch (fake.client, request);
    g_signal_connect (watch, "event", G_CALLBACK (on_event), &log);
    g_signal_connect (watch, "closed", G_CALLBACK (on_closed), &log);
    fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("early", "1")));
    kube_watch_start (watch);
    fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("a", "1")));
    if (stop)
      kube_watch_stop (watch);
    fake.watch ().close (NULL);
    fake.watch ().close (g_error_new_literal (KUBE_ERROR, KUBE_ERROR_GONE, "x"));
    fake.watch ().emit (KUBE_WATCH_ADDED, fake_parse (fake_map ("late", "1")));
    EXPECT_EQ (log, stop ? "a" : "a.");
    log.clear ();
    g_object_unref (watch);
  }
  kube_request_unref (request);
  kube_kind_unref (pods);
}
