/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <string>

#include "kube-decode.h"

namespace
{

std::string
decode (const char *api_version, const char *kind, const std::string &json, std::string *problems = nullptr)
{
  g_autoptr (GPtrArray) duplicates = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = nullptr;
  KubeParseOptions options = { 0, 0, duplicates, {} };
  g_autoptr (KubeValue) value = kube_value_parse_with_options (json.c_str (), json.size (), &options, &error);

  EXPECT_NE (value, nullptr) << json;
  g_autoptr (KubeValue) decoded = kube_decode_object (KUBE_KIND (api_version, kind), value, duplicates, problems != nullptr ? found : nullptr, &error);
  for (guint i = 0; i < found->len; i++)
    *problems += std::string (i > 0 ? ", " : "") + static_cast<const char *> (found->pdata[i]);
  if (decoded == nullptr)
    return error->message;
  g_autofree char *text = kube_value_print (decoded, nullptr);
  return text;
}

std::string
config_map (const char *rest)
{
  return decode ("v1", "ConfigMap", std::string ("{") + rest + "}");
}

#define CONFIG_MAP(rest) "{\"apiVersion\":\"v1\"," rest "\"kind\":\"ConfigMap\",\"metadata\":{}}"

TEST (KubeDecode, MembersAreSortedAndZeroValuesDropped)
{
  EXPECT_EQ (config_map (R"("metadata":{"name":"b","labels":{"z":"1","a":null},"annotations":{}},"data":{"k":"v"},"immutable":false)"),
             R"({"apiVersion":"v1","data":{"k":"v"},"immutable":false,"kind":"ConfigMap","metadata":{"labels":{"a":"","z":"1"},"name":"b"}})");
  EXPECT_EQ (config_map (R"("data":null,"binaryData":{},"metadata":null)"), CONFIG_MAP (""));
  EXPECT_EQ (decode ("v1", "ConfigMap", "null"), CONFIG_MAP (""));
  EXPECT_EQ (decode ("v1", "ConfigMap", R"({"apiVersion":"v2","kind":"Other"})"), CONFIG_MAP (""));
}

TEST (KubeDecode, WhatUpstreamAlwaysWritesIsThere)
{
  EXPECT_EQ (decode ("rbac.authorization.k8s.io/v1", "Role", "{}"),
             R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{},"rules":null})");
  EXPECT_EQ (decode ("apps/v1", "Deployment", "{}"),
             R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{},"spec":{"selector":null,"strategy":{},)"
             R"("template":{"metadata":{},"spec":{"containers":null}}},"status":{}})");
}

TEST (KubeDecode, PointersKeepTheirZeroAndPlainValuesDoNot)
{
  std::string text = decode ("v1", "Pod", R"({"spec":{"hostNetwork":false,"enableServiceLinks":false,"nodeName":"","priority":0,"containers":[]}})");

  EXPECT_EQ (text, R"({"apiVersion":"v1","kind":"Pod","metadata":{},"spec":{"containers":null,"enableServiceLinks":false,"priority":0},"status":{}})");
}

TEST (KubeDecode, ScalarsTakeTheirCanonicalForm)
{
  EXPECT_EQ (decode ("v1", "LimitRange", R"({"spec":{"limits":[{"type":"Pod","max":{"memory":"1024Ki","cpu":0.5,"n":"1n"}}]}})"),
             R"({"apiVersion":"v1","kind":"LimitRange","metadata":{},"spec":{"limits":[{"max":{"cpu":"500m","memory":"1Mi","n":"1m"},"type":"Pod"}]}})");
  EXPECT_EQ (config_map (R"("metadata":{"creationTimestamp":"2026-01-02T03:04:05.9+01:00","deletionTimestamp":"0001-01-01T00:00:00Z"})"),
             R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"creationTimestamp":"2026-01-02T02:04:05Z"}})");
  EXPECT_EQ (config_map (R"("binaryData":{"a":"aGVs\nbG8="})"),
             R"({"apiVersion":"v1","binaryData":{"a":"aGVsbG8="},"kind":"ConfigMap","metadata":{}})");
  EXPECT_EQ (config_map (R"("binaryData":{"a":"aGVsbG8"})"), "illegal base64 data at input byte 4");
}

TEST (KubeDecode, FindingsComeInTheDocumentsOrder)
{
  std::string problems;

  decode ("v1", "Pod", R"({"zz":1,"spec":{"containers":[{"name":"a","imag":"x","image":"1","image":"2"}],"b":{"c":1}},"metadata":{"labels":{"a":"1","a":"2"}}})",
          &problems);
  EXPECT_EQ (problems, "unknown field \"zz\", unknown field \"spec.containers[0].imag\", duplicate field \"spec.containers[0].image\", "
                       "unknown field \"spec.b\", duplicate field \"metadata.labels.a\"");
}

TEST (KubeDecode, TheFirstFaultOfTypeIsReportedAndADecodersOwnFaultEndsAll)
{
  EXPECT_EQ (decode ("v1", "Pod", R"({"spec":{"nodeName":1,"hostname":2}})"),
             "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string");
  EXPECT_EQ (decode ("v1", "Pod", R"({"spec":{"nodeName":1,"containers":[{"resources":{"limits":{"cpu":"x"}}}]}})"),
             "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  EXPECT_EQ (decode ("v1", "Pod", R"({"spec":{"volumes":[{"hostPath":{"path":[]}}]}})"),
             "json: cannot unmarshal array into Go struct field HostPathVolumeSource.spec.volumes.VolumeSource.hostPath.path of type string");
  EXPECT_EQ (decode ("v1", "Pod", R"({"spec":{"priority":2147483648}})"),
             "json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32");
  EXPECT_EQ (decode ("v1", "Pod", R"([])"), "json: cannot unmarshal array into Go value of type v1.Pod");
}

TEST (KubeDecode, SchemasInSchemasAreReadLeniently)
{
  std::string problems;
  std::string text = decode ("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                             R"({"spec":{"versions":[{"name":"v1","schema":{"openAPIV3Schema":{"items":{"type":"string","odd":1},)"
                             R"("additionalProperties":false,"maximum":1.50,"default":{"b":1,"a":null}}}}]}})",
                             &problems);

  EXPECT_EQ (problems, "");
  EXPECT_NE (text.find (R"({"additionalProperties":false,"default":{"a":null,"b":1},"items":{"type":"string"},"maximum":1.5})"), std::string::npos) << text;
}

TEST (KubeDecode, AZeroTimeIsTheSameAsNone)
{
  g_autoptr (KubeValue) zero = kube_value_parse (R"({"firstTimestamp":"0001-01-01T00:00:00Z","eventTime":null})", -1, nullptr);
  g_autoptr (KubeValue) a = kube_decode_object (KUBE_KIND ("v1", "Event"), zero, nullptr, nullptr, nullptr);
  g_autoptr (KubeValue) b = kube_decode_object (KUBE_KIND ("v1", "Event"), nullptr, nullptr, nullptr, nullptr);

  EXPECT_TRUE (kube_value_equal (a, b));
}

TEST (KubeDecode, ARequestKeepsItsEmptyListsUntilItIsStored)
{
  g_autoptr (KubeValue) given = kube_value_parse (R"({"metadata":{"labels":{},"finalizers":[]}})", -1, nullptr);
  gboolean has_empty = FALSE;
  g_autoptr (KubeValue) request = kube_decode_request (KUBE_KIND ("v1", "ConfigMap"), given, nullptr, nullptr, &has_empty, nullptr);
  g_autoptr (KubeValue) stored = kube_decode_object (KUBE_KIND ("v1", "ConfigMap"), request, nullptr, nullptr, nullptr);

  EXPECT_TRUE (has_empty);
  EXPECT_NE (kube_value_get (request, "metadata.labels"), nullptr);
  EXPECT_NE (kube_value_get (request, "metadata.finalizers"), nullptr);
  EXPECT_EQ (kube_value_get_length (kube_value_get (stored, "metadata")), 0u);
  kube_value_unref (kube_decode_request (KUBE_KIND ("v1", "ConfigMap"), stored, nullptr, nullptr, &has_empty, nullptr));
  EXPECT_FALSE (has_empty);
}

TEST (KubeDecode, AZeroOfAnotherTypeIsNoZero)
{
  EXPECT_EQ (decode ("v1", "Pod", R"({"spec":{"hostNetwork":""}})"),
             "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool");
  EXPECT_EQ (decode ("v1", "Event", R"({"count":-0.0})"), "json: cannot unmarshal number -0.0 into Go struct field Event.count of type int32");
  EXPECT_EQ (config_map (R"("metadata":{"creationTimestamp":"0001-01-01T00:00:00Z"})"), CONFIG_MAP (""));
}

TEST (KubeDecode, NumbersPrintAsGoPrintsThem)
{
  for (auto [given, expected] : std::initializer_list<std::pair<const char *, const char *>>{
         { "1.50", "1.5" },
         { "1e3", "1000" },
         { "-0.000001", "-0.000001" },
         { "1e-7", "1e-7" },
         { "9223372036854775808", "9223372036854776000" },
         { "1e21", "1e+21" },
         { "123456.789e-3", "123.456789" },
         { "0.1", "0.1" },
       })
    {
      std::string text = decode ("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                                 std::string (R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":{"maximum":)") + given + "}}}]}}");
      EXPECT_NE (text.find (std::string ("{\"maximum\":") + expected + "}"), std::string::npos) << given << " " << text;
    }
}

TEST (KubeDecode, BytesMayComeAsNumbers)
{
  EXPECT_EQ (config_map (R"("binaryData":{"a":[104,105,null]})"), R"({"apiVersion":"v1","binaryData":{"a":"aGkA"},"kind":"ConfigMap","metadata":{}})");
  EXPECT_EQ (config_map (R"("binaryData":{"a":[256]})"), "json: cannot unmarshal number 256 into Go struct field ConfigMap.binaryData of type uint8");
}

TEST (KubeDecode, NullIsAbsent)
{
  EXPECT_EQ (decode ("apps/v1", "Deployment", R"({"spec":{"strategy":{"rollingUpdate":{"maxSurge":null}},"replicas":null}})"),
             decode ("apps/v1", "Deployment", R"({"spec":{"strategy":{"rollingUpdate":{}}}})"));
  EXPECT_EQ (decode ("v1", "Service", R"({"spec":{"ports":[{"targetPort":null,"port":1}]}})"),
             R"({"apiVersion":"v1","kind":"Service","metadata":{},"spec":{"ports":[{"port":1,"targetPort":0}]},"status":{"loadBalancer":{}}})");
}

TEST (KubeDecode, SchemasDoNotNestForEver)
{
  std::string json = R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":)";

  for (int i = 0; i < 5000; i++)
    json += R"({"not":)";
  json += "{}";
  for (int i = 0; i < 5000; i++)
    json += "}";
  EXPECT_EQ (decode ("apiextensions.k8s.io/v1", "CustomResourceDefinition", json + "}}]}}"), "exceeded max depth");
}

TEST (KubeDecode, DecodingTwiceChangesNothing)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (kube_scheme_get_default ());

  for (guint i = 0; i < kinds->len; i++)
    {
      KubeKind *kind = static_cast<KubeKind *> (kinds->pdata[i]);
      g_autoptr (KubeValue) once = kube_decode_object (kind, nullptr, nullptr, nullptr, nullptr);
      g_autoptr (KubeValue) twice = kube_decode_object (kind, once, nullptr, nullptr, nullptr);
      EXPECT_TRUE (kube_value_equal (once, twice)) << kind->qualified_kind;
    }
}

} // namespace
