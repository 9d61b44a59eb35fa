/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-patch.h>
#include <kube/kube-scheme.h>

namespace {

enum Type { kJson, kMerge, kStrategic, kPodStrategic };

struct Case {
  Type type;
  const char *target;
  const char *patch;
  const char *result; /* or the error's message, where it does not begin with a brace */
};

KubeValue *
apply (const Case &c, GError **error)
{
  g_autoptr (KubeValue) target = kube_value_parse (c.target, -1, nullptr);
  g_autoptr (KubeValue) patch = kube_value_parse (c.patch, -1, nullptr);

  EXPECT_NE (target, nullptr) << c.target;
  EXPECT_NE (patch, nullptr) << c.patch;
  switch (c.type) {
  case kJson:
    return kube_patch_json (target, patch, error);
  case kMerge:
    return kube_patch_merge (target, patch, error);
  case kStrategic:
    return kube_patch_strategic (KUBE_KIND ("apps/v1", "Deployment"), target, patch, error);
  default:
    return kube_patch_strategic (KUBE_KIND ("v1", "Pod"), target, patch, error);
  }
}

class KubePatch : public testing::TestWithParam<Case> {};

TEST_P (KubePatch, GivesWhatUpstreamGives)
{
  const Case &c = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeValue) result = apply (c, &error);

  if (c.result[0] != '{') {
    ASSERT_EQ (result, nullptr);
    EXPECT_STREQ (error->message, c.result);
    return;
  }
  ASSERT_NE (result, nullptr) << error->message;
  g_autoptr (KubeValue) expected = kube_value_parse (c.result, -1, nullptr);
  g_autofree char *text = kube_value_print (result, nullptr);
  EXPECT_TRUE (kube_value_equal (result, expected)) << text;
}

constexpr char kRefused[] = "the server rejected our request due to an error in our request";

INSTANTIATE_TEST_SUITE_P (
  Json, KubePatch,
  testing::Values (Case{ kJson, R"({"a":1})", R"([{"op":"replace","path":"/a","value":9}])", R"({"a":9})" },
                   Case{ kJson, R"({"a":1})", R"([{"op":"replace","path":"/b","value":9}])", R"({"a":1,"b":9})" },
                   Case{ kJson, R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-","value":3},{"op":"add","path":"/a/0","value":0}])", R"({"a":[0,1,2,3]})" },
                   Case{ kJson, R"({"a":[1,2,3]})", R"([{"op":"remove","path":"/a/-1"},{"op":"replace","path":"/a/0","value":null}])", R"({"a":[null,2]})" },
                   Case{ kJson, R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":"/c~1d~0"}])", R"({"a":{},"c/d~":1})" },
                   Case{ kJson, R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"},{"op":"test","path":"/c/b","value":1}])", R"({"a":{"b":1},"c":{"b":1}})" },
                   Case{ kJson, R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", kRefused },
                   Case{ kJson, R"({"a":1})", R"([{"op":"test","path":"/b","value":null}])", R"({"a":1})" },
                   Case{ kJson, R"({"a":1})", R"([{"op":"remove","path":"/b"}])", kRefused },
                   Case{ kJson, R"({"a":1})", R"([{"op":"add","path":"/b/c","value":1}])", kRefused },
                   Case{ kJson, R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])", kRefused },
                   Case{ kJson, R"({"a":[1]})", R"([{"op":"replace","path":"/a/1","value":1}])", kRefused },
                   Case{ kJson, R"({"a":1})", R"([{"op":"odd","path":"/a"}])", kRefused }, Case{ kJson, R"({"a":1})", R"([{"path":"/a"}])", kRefused },
                   Case{ kJson, R"({"a":1})", R"([])", R"({"a":1})" },
                   Case{ kJson, R"({"a":1})", R"({})", "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp" }));

INSTANTIATE_TEST_SUITE_P (
  Merge, KubePatch,
  testing::Values (Case{ kMerge, R"({"a":{"b":1,"c":2},"d":3})", R"({"a":{"b":null,"e":{"f":null,"g":4}},"d":[1,null]})", R"({"a":{"c":2,"e":{"g":4}},"d":[1,null]})" },
                   Case{ kMerge, R"({"a":{"b":1}})", R"({"a":[{"x":null}]})", R"({"a":[{"x":null}]})" },
                   Case{ kMerge, R"({"a":1})", R"([])", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}" }));

constexpr char kPod[] = R"({"metadata":{"finalizers":["a/b","q/r"],"labels":{"x":"y"}},"spec":{"containers":[{"env":[{"name":"A","value":"0"}],"image":"i","name":"c","ports":[{"containerPort":80}]},{"image":"k","name":"d"}],"volumes":[{"emptyDir":{},"name":"v"}],"tolerations":[{"key":"t"}]}})";

INSTANTIATE_TEST_SUITE_P (
  Strategic, KubePatch,
  testing::Values (
    Case{ kPodStrategic, R"({"spec":{"containers":[{"image":"i","name":"c"},{"image":"k","name":"d"}]}})", R"({"spec":{"containers":[{"name":"d","image":"new"}]}})",
          R"({"spec":{"containers":[{"image":"i","name":"c"},{"image":"new","name":"d"}]}})" },
    Case{ kPodStrategic, R"({"spec":{"containers":[{"image":"i","name":"c"}]}})", R"({"spec":{"containers":[{"name":"d","image":"new"}]}})",
          R"({"spec":{"containers":[{"image":"new","name":"d"},{"image":"i","name":"c"}]}})" },
    Case{ kPodStrategic, R"({"spec":{"containers":[{"image":"i","name":"c"},{"image":"k","name":"d"}]}})", R"({"spec":{"containers":[{"$patch":"delete","name":"c"}]}})",
          R"({"spec":{"containers":[{"image":"k","name":"d"}]}})" },
    Case{ kPodStrategic, R"({"spec":{"containers":[{"image":"i","name":"c"}]}})", R"({"spec":{"containers":[{"$patch":"replace"},{"name":"e","image":"e"}]}})",
          R"({"spec":{"containers":[{"image":"e","name":"e"}]}})" },
    Case{ kPodStrategic, kPod, R"({"spec":{"containers":[{"image":"noname"}]}})", "map: map[image:noname] does not contain declared merge key: name" },
    Case{ kPodStrategic, R"({"spec":{"containers":[{"image":"i","name":"c"},{"image":"k","name":"d"}]}})",
          R"({"spec":{"$setElementOrder/containers":[{"name":"z"},{"name":"d"},{"name":"c"}],"containers":[{"name":"z","image":"z"}]}})",
          R"({"spec":{"containers":[{"image":"z","name":"z"},{"image":"k","name":"d"},{"image":"i","name":"c"}]}})" },
    Case{ kPodStrategic, R"({"spec":{"volumes":[{"emptyDir":{},"name":"v"}]}})", R"({"spec":{"volumes":[{"$retainKeys":["name","configMap"],"name":"v","configMap":{"name":"x"}}]}})",
          R"({"spec":{"volumes":[{"configMap":{"name":"x"},"name":"v"}]}})" },
    Case{ kPodStrategic, R"({"metadata":{"finalizers":["a/b","q/r"]}})", R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"],"finalizers":["s/t"]}})",
          R"({"metadata":{"finalizers":["s/t","q/r"]}})" },
    Case{ kPodStrategic, R"({"metadata":{"labels":{"x":"y"}}})", R"({"metadata":{"labels":{"$patch":"replace","z":"y"}}})", R"({"metadata":{"labels":{"z":"y"}}})" },
    Case{ kPodStrategic, R"({"spec":{"tolerations":[{"key":"t"}]}})", R"({"spec":{"tolerations":[{"key":"u"}]}})", R"({"spec":{"tolerations":[{"key":"u"}]}})" },
    Case{ kStrategic, R"({"spec":{"strategy":{"rollingUpdate":{"maxSurge":1},"type":"RollingUpdate"}}})", R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})",
          R"({"spec":{"strategy":{"type":"Recreate"}}})" },
    Case{ kStrategic, R"({"spec":{"strategy":{"type":"Recreate"}}})", R"({"spec":{"strategy":{"$retainKeys":["other"],"type":"Recreate"}}})", "invalid patch format of retainKeys" },
    Case{ kPodStrategic, kPod, R"({"spec":{"containers":[{"$patch":"merge","name":"c"}]}})", "merging lists cannot yet be specified in the patch" },
    Case{ kPodStrategic, kPod, R"({"spec":{"containers":[{"$patch":"odd"}]}})", "unknown patch type: odd in map: map[$patch:odd]" },
    Case{ kPodStrategic, kPod, R"({"spec":{"containers":[{"$patch":"delete"}]}})", "map: map[$patch:delete] does not contain declared merge key: name" },
    Case{ kPodStrategic, kPod, R"({"spec":{"$setElementOrder/containers":"x"}})", "expected a []interface {}, but received a string" },
    Case{ kPodStrategic, kPod, R"({"spec":{"$setElementOrder/containers":[{"name":"d"}],"containers":[{"image":"e","name":"e"}]}})",
          "The order in patch list:\n[map[image:e name:e]]\n doesn't match $setElementOrder list:\n[map[name:d]]\n" },
    Case{ kPodStrategic, kPod, R"({"spec":{"$setElementOrder/containers":[{"image":"d"}],"containers":[{"name":"c"}]}})", "map: map[image:d] does not contain declared merge key: name" },
    Case{ kPodStrategic, R"({"metadata":{"finalizers":["a/b","q/r"]}})", R"({"metadata":{"$setElementOrder/finalizers":["q/r","a/b"]}})", R"({"metadata":{"finalizers":["q/r","a/b"]}})" },
    Case{ kPodStrategic, R"({"spec":{}})", R"({"spec":{"$setElementOrder/containers":[{"name":"c"}]}})", R"({"spec":{}})" },
    Case{ kPodStrategic, kPod, R"({"metadata":{"finalizers":[1]}})", "list element types are not identical" },
    Case{ kPodStrategic, kPod, R"({"metadata":{"finalizers":[["s/t"]]}})", kRefused },
    Case{ kPodStrategic, kPod, R"({"metadata":{"$deleteFromPrimitiveList/finalizers":"a/b"}})", "invalid patch format of primitive list" },
    Case{ kPodStrategic, R"({"nosuch":{"a":1}})", R"({"nosuch":{"b":1}})", "unable to find api field in struct Pod for the json field \"nosuch\"" },
    Case{ kPodStrategic, R"({"metadata":{}})", R"({"metadata":{"labels":{"a":null,"b":"c"}}})", R"({"metadata":{"labels":{"b":"c"}}})" },
    Case{ kStrategic, R"({"spec":{"strategy":{}}})", R"({"spec":{"strategy":{"$retainKeys":"type"}}})", "invalid patch format of retainKeys" },
    Case{ kStrategic, R"({"spec":{}})", R"({"$patch":"delete"})", R"({})" },
    Case{ kStrategic, R"({"spec":{}})", R"({"$patch":"odd"})", "unknown patch type: odd in map: map[$patch:odd]" },
    Case{ kStrategic, R"({"spec":{}})", R"([])", "json: cannot unmarshal array into Go value of type map[string]interface {}" }));

TEST (KubePatchMake, LeadsFromOneToTheOther)
{
  g_autoptr (KubeValue) a = kube_value_parse (R"({"a":{"b":1,"c":2},"d":[1],"e":5})", -1, nullptr);
  g_autoptr (KubeValue) b = kube_value_parse (R"({"a":{"b":1,"c":3},"d":[1,2],"f":{"g":1}})", -1, nullptr);
  g_autoptr (KubeValue) patch = kube_patch_make_merge (a, b);
  g_autoptr (KubeValue) back = kube_patch_merge (a, patch, nullptr);
  g_autofree char *text = kube_value_print (patch, nullptr);

  EXPECT_STREQ (text, R"({"a":{"c":3},"d":[1,2],"e":null,"f":{"g":1}})");
  EXPECT_TRUE (kube_value_equal (back, b));

  g_autoptr (KubeValue) nothing = kube_patch_make_merge (a, a);
  EXPECT_EQ (kube_value_get_length (nothing), 0u);
}

}
