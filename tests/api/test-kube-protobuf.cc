/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>

#include <kube/kube-scheme.h>

#include <string>

#include "kube-decode.h"
#include "kube-protobuf.h"
#include "reference-data.h"

namespace
{

std::string
text (KubeValue *value)
{
  g_autofree char *printed = kube_value_print (value, nullptr);
  return printed;
}

KubeValue *
decode (KubeKind *kind, const std::string &body, GError **error)
{
  g_autofree char *api_version = nullptr, *name = nullptr;
  const guint8 *raw;
  gsize length;

  if (!kube_protobuf_open (reinterpret_cast<const guint8 *> (body.data ()), body.size (), &api_version, &name, &raw, &length, error))
    return nullptr;
  g_autoptr (KubeValue) value = kube_protobuf_decode (kind->type, raw, length, error);
  return value != nullptr ? kube_decode_object (kind, value, nullptr, nullptr, error) : nullptr;
}

std::string
encode (KubeKind *kind, KubeValue *value)
{
  g_autoptr (GBytes) bytes = kube_protobuf_encode_object (kind->type, kind->api_version, kind->name, value, nullptr, 0);
  gsize length;
  const char *data = static_cast<const char *> (g_bytes_get_data (bytes, &length));

  return std::string (data, length);
}

TEST (KubeProtobuf, WhatIsNoEnvelopeIsRefused)
{
  for (const std::string &body : { std::string (), std::string ("k8s"), std::string ("{\"kind\":\"Pod\"}"), std::string ("k8s\0\x0a\x7f", 6) })
    {
      g_autoptr (GError) error = nullptr;
      EXPECT_EQ (decode (KUBE_KIND ("v1", "Pod"), body, &error), nullptr);
      EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
    }
}

TEST (KubeProtobuf, TruncatedMessagesAreRefusedOrShorter)
{
  g_autoptr (KubeValue) pod = kube_value_parse (R"({"metadata":{"name":"a","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","ports":[{"containerPort":1}]}]}})",
                                                -1, nullptr);
  g_autoptr (KubeValue) canonical = kube_decode_object (KUBE_KIND ("v1", "Pod"), pod, nullptr, nullptr, nullptr);
  std::string body = encode (KUBE_KIND ("v1", "Pod"), canonical);

  for (gsize n = 0; n < body.size (); n++)
    {
      g_autoptr (GError) error = nullptr;
      g_autoptr (KubeValue) value = decode (KUBE_KIND ("v1", "Pod"), body.substr (0, n), &error);
      EXPECT_TRUE ((value == nullptr) == (error != nullptr)) << n;
    }
  g_autoptr (KubeValue) whole = decode (KUBE_KIND ("v1", "Pod"), body, nullptr);
  EXPECT_EQ (text (whole), text (canonical));
}

/* Upstream's own data: one object of each kind with all its fields, in both forms. */
TEST (KubeProtobuf, BothFormsAreUpstreams)
{
  ReferenceData data;
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (kube_scheme_get_default ());
  guint n = 0;

  if (!data.has_definitions ())
    GTEST_SKIP () << "no definitions at " << data.definitions;
  for (guint i = 0; i < kube_schema_n_kinds; i++)
    {
      KubeKind *kind = const_cast<KubeKind *> (&kube_schema_kinds[i]);
      std::string stem = data.definitions + "/roundtrip/" + (kind->group[0] != '\0' ? kind->group : "core") + "." + kind->version + "." + kind->name;
      std::string json = ReferenceData::read_file (stem + ".json"), expected = ReferenceData::read_file (stem + ".pb");
      g_autoptr (GError) error = nullptr;

      if (json.empty () || expected.empty ())
        continue;
      g_autoptr (KubeValue) value = kube_value_parse (json.data (), json.size (), nullptr);
      g_autoptr (KubeValue) canonical = kube_decode_object (kind, value, nullptr, nullptr, &error);
      ASSERT_NE (canonical, nullptr) << stem << ": " << error->message;
      EXPECT_EQ (encode (kind, canonical), expected) << stem;
      g_autoptr (KubeValue) decoded = decode (kind, expected, &error);
      ASSERT_NE (decoded, nullptr) << stem << ": " << error->message;
      EXPECT_EQ (text (decoded), text (canonical)) << stem;
      n++;
    }
  EXPECT_GT (n, 60u);
}

} // namespace
