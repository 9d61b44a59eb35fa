/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <cmath>
#include <string>
#include <kube/kube-value-json.h>

namespace
{

std::string
there_and_back (const char *text)
{
  g_autoptr (KubeValue) value = kube_value_parse (text, -1, NULL);
  g_autoptr (JsonNode) node = kube_value_to_json_node (value);
  g_autoptr (KubeValue) back = kube_value_from_json_node (node, NULL);
  g_autofree char *printed = kube_value_print (back, NULL);

  return printed;
}

TEST (KubeValueJson, GoesToJsonGlibAndBack)
{
  for (const char *text : { "null", "true", "-9223372036854775808", "1.5", "\"x\\ny\"", "[]", "{}", R"([1,"a",[null,false]])",
                            R"({"b":{"c":[{"d":1}]},"a":""})" })
    EXPECT_EQ (there_and_back (text), text);
}

TEST (KubeValueJson, LosesOnlyWhatJsonGlibCannotHold)
{
  EXPECT_EQ (there_and_back ("\"a\\u0000b\""), "\"a\"");
  EXPECT_EQ (there_and_back ("18446744073709551615"), "1.8446744073709552e+19");
}

TEST (KubeValueJson, RejectsWhatJsonCannotSay)
{
  g_autoptr (JsonNode) number = json_node_init_double (json_node_alloc (), NAN);
  g_autoptr (JsonNode) text = json_node_init_string (json_node_alloc (), "\xff");
  g_autoptr (GError) error = NULL;

  EXPECT_EQ (kube_value_from_json_node (number, &error), nullptr);
  EXPECT_STREQ (error->message, "json: unsupported value: NaN");
  g_clear_error (&error);
  EXPECT_EQ (kube_value_from_json_node (text, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
}

}
