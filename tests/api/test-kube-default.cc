/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <string>

#include "kube-decode.h"

namespace
{

KubeValue *
decode_and_default (KubeValue *body)
{
  KubeKind *kind = KUBE_KIND (kube_value_get_string (body, "apiVersion"), kube_value_get_string (body, "kind"));
  g_autoptr (KubeValue) decoded = kube_decode_object (kind, body, nullptr, nullptr, nullptr);

  if (decoded == nullptr)
    return nullptr;
  g_autoptr (KubeBuilder) builder = kube_builder_new (decoded);
  kube_default (kind, kube_builder_get_root (builder));
  g_autoptr (KubeValue) built = kube_builder_end (builder);
  return kube_decode_object (kind, built, nullptr, nullptr, nullptr);
}

std::string
text (KubeValue *value)
{
  g_autofree char *printed = kube_value_print (value, nullptr);
  return printed;
}

std::string
defaulted (const char *json, const char *path)
{
  g_autoptr (KubeValue) value = kube_value_parse (json, -1, nullptr);
  g_autoptr (KubeValue) result = decode_and_default (value);

  return text (kube_value_get (result, path));
}

TEST (KubeDefault, ConstantsAreSetWhereNothingIs)
{
  std::string spec = defaulted (R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"i","ports":[{"containerPort":80}],
    "livenessProbe":{"httpGet":{"port":1},"failureThreshold":5}}]}})",
                                "spec");

  EXPECT_EQ (spec, R"({"containers":[{"image":"i","imagePullPolicy":"Always","livenessProbe":{"failureThreshold":5,"httpGet":{"path":"/","port":1,"scheme":"HTTP"},)"
                   R"("periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"name":"a","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{},)"
                   R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","enableServiceLinks":true,)"
                   R"("restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30})");
}

TEST (KubeDefault, ImagePullPolicyFollowsTheTag)
{
  for (auto [image, policy] : std::initializer_list<std::pair<const char *, const char *>>{
         { "nginx", "Always" },
         { "nginx:latest", "Always" },
         { "nginx:1", "IfNotPresent" },
         { "localhost:5000/a/b", "Always" },
         { "localhost:5000/a/b:2", "IfNotPresent" },
         { "Nginx", "IfNotPresent" },
         { "", "IfNotPresent" },
         { "a@sha256:0123456789012345678901234567890123456789012345678901234567890123", "IfNotPresent" },
       })
    {
      std::string json = std::string (R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":")") + image + "\"}]}}";
      EXPECT_EQ (defaulted (json.c_str (), "spec.containers.0.imagePullPolicy"), "\"" + std::string (policy) + "\"") << image;
    }
}

TEST (KubeDefault, RequestsComeFromLimitsInPodsOnly)
{
#define TEMPLATE R"({"containers":[{"name":"a","resources":{"limits":{"cpu":"2"},"requests":{"memory":"1Gi"}}}]})"
  EXPECT_EQ (defaulted (R"({"apiVersion":"v1","kind":"Pod","spec":)" TEMPLATE "}", "spec.containers.0.resources.requests"), R"({"cpu":"2","memory":"1Gi"})");
  EXPECT_EQ (defaulted (R"({"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"template":{"spec":)" TEMPLATE "}}}",
                        "spec.template.spec.containers.0.resources.requests"),
             R"({"memory":"1Gi"})");
}

TEST (KubeDefault, DeploymentsRollByAQuarter)
{
  EXPECT_EQ (defaulted (R"({"apiVersion":"apps/v1","kind":"Deployment"})", "spec.strategy"),
             R"({"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"})");
  EXPECT_EQ (defaulted (R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"strategy":{"type":"Recreate"}}})", "spec.strategy"), R"({"type":"Recreate"})");
}

TEST (KubeDefault, SecretsTakeTheirStringData)
{
  EXPECT_EQ (defaulted (R"({"apiVersion":"v1","kind":"Secret","data":{"a":"eA=="},"stringData":{"a":"y","b":"z"}})", ""),
             R"({"apiVersion":"v1","data":{"a":"eQ==","b":"eg=="},"kind":"Secret","metadata":{},"type":"Opaque"})");
}

TEST (KubeDefault, PodResourcesAreTheSumOfTheContainers)
{
  EXPECT_EQ (defaulted (R"({"apiVersion":"v1","kind":"Pod","spec":{"resources":{"limits":{"cpu":"4","memory":"2Gi"}},
    "containers":[{"name":"a","resources":{"requests":{"cpu":"500m"}}},{"name":"b","resources":{"requests":{"cpu":"1"}}}],
    "initContainers":[{"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},{"name":"i","resources":{"requests":{"cpu":"2"}}}]}})",
                        "spec.resources"),
             R"({"limits":{"cpu":"4","memory":"2Gi"},"requests":{"cpu":"3","memory":"2Gi"}})");
}

} // namespace
