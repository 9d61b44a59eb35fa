/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-client.h"
#include <gtest/gtest.h>
#include <kube/kube-event-recorder.h>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;
constexpr gint64 start = 1767323045 * second; /* 2026-01-02T03:04:05Z */

struct EventRecorder : testing::Test {
  KubeVirtualClock *clock = kube_virtual_clock_new (start);
  FakeClient fake;
  KubeEventRecorder *recorder = kube_event_recorder_new (fake.client, KUBE_CLOCK (clock), "kubelet", "node-1");
  KubeObject *pod = fake_parse (
      "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'web','namespace':'ns','uid':'u','resourceVersion':'7'}}");

  void
  SetUp () override
  {
    fake.answer = [] (FakeCall &) { return fake_object ("{'kind':'Event','metadata':{'name':'x'}}"); };
  }

  void
  TearDown () override
  {
    g_clear_object (&recorder);
    kube_object_unref (pod);
    g_object_unref (clock);
  }

  void
  record (const char *reason, const std::string &message, KubeObject *about = NULL)
  {
    kube_event_recorder_record (recorder, about != NULL ? about : pod, "spec.containers{web}", "Normal", reason,
                                message.c_str ());
    kube_virtual_clock_advance (clock, 0);
  }

  std::string
  body (size_t i) const
  {
    GBytes *bytes = kube_request_dup_body (fake.calls.at (i)->request);
    std::string text ((const char *) g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    g_bytes_unref (bytes);
    return text;
  }
};

}

TEST_F (EventRecorder, WritesAnEventAsUpstreamDoes)
{
  record ("Pulled", "Container image \"i\" already present");
  ASSERT_EQ (fake.calls.size (), 1u);
  EXPECT_EQ (fake.last ().path (), "POST /api/v1/namespaces/ns/events");
  EXPECT_EQ (
      body (0),
      "{\"apiVersion\":\"v1\",\"count\":1,\"firstTimestamp\":\"2026-01-02T03:04:05Z\",\"involvedObject\":{\"apiVersion\":\"v1\","
      "\"fieldPath\":\"spec.containers{web}\",\"kind\":\"Pod\",\"name\":\"web\",\"namespace\":\"ns\",\"resourceVersion\":\"7\","
      "\"uid\":\"u\"},\"kind\":\"Event\",\"lastTimestamp\":\"2026-01-02T03:04:05Z\",\"message\":\"Container image \\\"i\\\" "
      "already "
      "present\",\"metadata\":{\"name\":\"web.1886caf21c963200\",\"namespace\":\"ns\"},\"reason\":\"Pulled\","
      "\"reportingComponent\":"
      "\"kubelet\",\"reportingInstance\":\"node-1\",\"source\":{\"component\":\"kubelet\",\"host\":\"node-1\"},\"type\":"
      "\"Normal\"}");
}

TEST_F (EventRecorder, WhatRepeatsIsCountedUpByAPatch)
{
  record ("BackOff", "restarting");
  kube_virtual_clock_advance (clock, 10 * second);
  record ("BackOff", "restarting");
  record ("BackOff", "restarting");
  ASSERT_EQ (fake.calls.size (), 3u);
  std::string path = fake.calls[1]->path ();
  EXPECT_EQ (path.substr (0, 42), "PATCH /api/v1/namespaces/ns/events/web.188");
  EXPECT_STREQ (kube_request_get_content_type (fake.calls[1]->request), "application/strategic-merge-patch+json");
  EXPECT_EQ (body (1), "{\"count\":2,\"lastTimestamp\":\"2026-01-02T03:04:15Z\",\"message\":\"restarting\"}");
  EXPECT_EQ (body (2), "{\"count\":3,\"lastTimestamp\":\"2026-01-02T03:04:15Z\",\"message\":\"restarting\"}");
}

TEST_F (EventRecorder, APatchOfAnEventThatHasExpiredCreatesItAnew)
{
  record ("BackOff", "restarting");
  fake.answer = [] (FakeCall &call) {
    return kube_request_get_verb (call.request) == KUBE_VERB_PATCH ? fake_error (KUBE_ERROR_NOT_FOUND, "gone")
                                                                   : fake_object ("{'kind':'Event'}");
  };
  record ("BackOff", "restarting");
  ASSERT_EQ (fake.calls.size (), 3u);
  EXPECT_EQ (fake.last ().path (), "POST /api/v1/namespaces/ns/events");
  EXPECT_NE (body (2).find ("\"count\":2"), std::string::npos);
}

TEST_F (EventRecorder, ManySimilarOnesAreAggregated)
{
  for (int i = 0; i < 12; i++)
    record ("Failed", "try " + std::to_string (i));
  ASSERT_EQ (fake.calls.size (), 12u);
  EXPECT_NE (body (8).find ("\"message\":\"try 8\""), std::string::npos);
  EXPECT_NE (body (9).find ("\"message\":\"(combined from similar events): try 9\""), std::string::npos);
  EXPECT_EQ (kube_request_get_verb (fake.calls[9]->request), KUBE_VERB_CREATE);
  EXPECT_EQ (kube_request_get_verb (fake.calls[10]->request), KUBE_VERB_PATCH);
  EXPECT_NE (body (11).find ("\"count\":3"), std::string::npos) << body (11);

  kube_virtual_clock_advance (clock, 601 * second);
  record ("Failed", "later");
  EXPECT_NE (body (12).find ("\"message\":\"later\""), std::string::npos) << "the interval begins anew";
}

TEST_F (EventRecorder, AFloodAboutOneObjectIsDropped)
{
  for (int i = 0; i < 40; i++)
    record ("Reason", "same");
  EXPECT_EQ (fake.calls.size (), 25u);
  KubeObject *other = fake_parse ("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'}}");
  record ("Reason", "same", other);
  EXPECT_EQ (fake.calls.size (), 26u);
  EXPECT_EQ (fake.last ().path (), "POST /api/v1/namespaces/default/events") << "what has no namespace is recorded in default";
  kube_virtual_clock_advance (clock, 300 * second);
  record ("Reason", "same");
  EXPECT_EQ (fake.calls.size (), 27u);
  EXPECT_NE (body (26).find ("\"count\":41"), std::string::npos) << "what was dropped is counted";
  kube_object_unref (other);
}

TEST_F (EventRecorder, WritesOfOneEventWaitForEachOtherAndOthersDoNot)
{
  fake.answer = nullptr;
  record ("A", "x");
  record ("B", "x");
  record ("A", "x");
  record ("C", "x");
  ASSERT_EQ (fake.calls.size (), 2u);
  FakeClient::respond (*fake.calls[0], fake_object ("{'kind':'Event'}"));
  kube_virtual_clock_advance (clock, 0);
  ASSERT_EQ (fake.calls.size (), 4u);
  EXPECT_EQ (kube_request_get_verb (fake.calls[2]->request), KUBE_VERB_PATCH);
}

TEST_F (EventRecorder, TriesAgainWhereTheServerIsAwayAndNotWhereItRefuses)
{
  fake.answer = [] (FakeCall &) { return fake_error (KUBE_ERROR_SERVICE_UNAVAILABLE, "connection refused"); };
  record ("A", "x");
  EXPECT_EQ (fake.calls.size (), 1u);
  kube_virtual_clock_advance (clock, 10 * second);
  EXPECT_EQ (fake.calls.size (), 2u);
  kube_virtual_clock_advance (clock, 3600 * second);
  EXPECT_EQ (fake.calls.size (), 12u);

  fake.answer = [] (FakeCall &) { return fake_error (KUBE_ERROR_FORBIDDEN, "namespace is being terminated"); };
  record ("B", "x");
  kube_virtual_clock_advance (clock, 3600 * second);
  EXPECT_EQ (fake.calls.size (), 13u);
}

TEST_F (EventRecorder, MayGoWhileWritesAreUnderWay)
{
  fake.answer = nullptr;
  record ("A", "x");
  record ("A", "x");
  g_clear_object (&recorder);
  EXPECT_EQ (fake.calls.size (), 1u);
  FakeClient::respond (*fake.calls[0], fake_object ("{'kind':'Event'}"));
  kube_virtual_clock_advance (clock, 0);
  EXPECT_EQ (fake.calls.size (), 1u);
}

TEST_F (EventRecorder, LongMessagesAreCutBetweenCharacters)
{
  std::string message (1023, 'a');
  record ("A", message + "\u00e4\u00e4");
  EXPECT_NE (body (0).find ("\"message\":\"" + message + "\""), std::string::npos);
}
