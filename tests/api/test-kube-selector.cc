/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-selector.h>

namespace {

bool
matches (const char *text, const char *labels)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeSelector) selector = kube_selector_parse (text, &error);
  EXPECT_NE (selector, nullptr) << text << ": " << (error != nullptr ? error->message : "");
  g_autoptr (KubeValue) value = kube_value_parse (labels, -1, nullptr);
  return selector != nullptr && kube_selector_matches_labels (selector, value);
}

TEST (KubeSelector, MatchesAsUpstreamDoes)
{
  const char *labels = R"({"a":"b","n":"5","odd":""})";

  EXPECT_TRUE (matches ("", labels));
  EXPECT_TRUE (matches ("a=b,n==5", labels));
  EXPECT_FALSE (matches ("a!=b", labels));
  EXPECT_TRUE (matches ("zz!=b", labels));
  EXPECT_TRUE (matches ("a in (x, b)", labels));
  EXPECT_TRUE (matches ("a notin (x,y),zz notin (b)", labels));
  EXPECT_TRUE (matches ("odd,!even", labels));
  EXPECT_FALSE (matches ("!odd", labels));
  EXPECT_TRUE (matches ("n>4,n<6", labels));
  EXPECT_FALSE (matches ("n>5", labels));
  EXPECT_FALSE (matches ("a>1", labels));
  EXPECT_TRUE (matches ("odd=", labels));
  EXPECT_TRUE (matches ("odd in (,x)", labels));
  EXPECT_TRUE (matches ("in notin (in)", labels));
}

struct Bad {
  const char *text;
  const char *message;
};

class KubeSelectorErrors : public testing::TestWithParam<Bad> {};

TEST_P (KubeSelectorErrors, AreUpstreams)
{
  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (kube_selector_parse (GetParam ().text, &error), nullptr);
  ASSERT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
  EXPECT_STREQ (error->message, GetParam ().message);
}

INSTANTIATE_TEST_SUITE_P (
  All, KubeSelectorErrors,
  testing::Values (Bad{ "a=b=c", "found '=', expected: ',' or 'end of string'" }, Bad{ "a in b", "unable to parse requirement: found 'b' expected: '('" },
                   Bad{ "a,,b", "found ',', expected: identifier after ','" }, Bad{ ",", "found ',', expected: !, identifier, or 'end of string'" },
                   Bad{ "a in (b", "unable to parse requirement: found '', expected: ',' or ')'" },
                   Bad{ "set=sel,n>x",
                        "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer" },
                   Bad{ "(a)", "found '(', expected: !, identifier, or 'end of string'" },
                   Bad{ "a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt" },
                   Bad{ "!", "unable to parse requirement: found '', expected: identifier" }));

TEST (KubeSelector, PrintsInUpstreamsOrder)
{
  g_autoptr (KubeSelector) selector = kube_selector_parse ("z==1, !b,a in (y,x,y),c", nullptr);
  g_autofree char *text = kube_selector_print (selector);
  EXPECT_STREQ (text, "a in (x,y),!b,c,z==1");
  EXPECT_STREQ (kube_selector_get_required (selector, "z"), "1");
  EXPECT_EQ (kube_selector_get_required (selector, "a"), nullptr);
}

TEST (KubeSelector, ALabelSelectorThatIsAbsentSelectsNothingAndAnEmptyOneEverything)
{
  g_autoptr (KubeValue) labels = kube_value_parse (R"({"a":"b"})", -1, nullptr);
  g_autoptr (KubeValue) empty = kube_value_new_empty_object ();
  g_autoptr (KubeSelector) none = kube_selector_from_value (nullptr, nullptr);
  g_autoptr (KubeSelector) all = kube_selector_from_value (empty, nullptr);

  EXPECT_FALSE (kube_selector_matches_labels (none, labels));
  EXPECT_TRUE (kube_selector_matches_labels (all, labels));
  EXPECT_TRUE (kube_selector_is_empty (all));
  EXPECT_FALSE (kube_selector_is_empty (none));
}

TEST (KubeSelector, ALabelSelectorsExpressionsCount)
{
  g_autoptr (KubeValue) value =
    kube_value_parse (R"({"matchLabels":{"a":"b"},"matchExpressions":[{"key":"t","operator":"In","values":["x","y"]},{"key":"u","operator":"DoesNotExist"}]})", -1, nullptr);
  g_autoptr (KubeSelector) selector = kube_selector_from_value (value, nullptr);
  g_autoptr (KubeValue) good = kube_value_parse (R"({"a":"b","t":"y"})", -1, nullptr);
  g_autoptr (KubeValue) bad = kube_value_parse (R"({"a":"b","t":"y","u":""})", -1, nullptr);

  EXPECT_TRUE (kube_selector_matches_labels (selector, good));
  EXPECT_FALSE (kube_selector_matches_labels (selector, bad));

  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeValue) odd = kube_value_parse (R"({"matchExpressions":[{"key":"t","operator":"Odd"}]})", -1, nullptr);
  EXPECT_EQ (kube_selector_from_value (odd, &error), nullptr);
  EXPECT_STREQ (error->message, "\"Odd\" is not a valid label selector operator");
}

bool
field_matches (const char *text, const char *json)
{
  g_autoptr (KubeSelector) selector = kube_selector_parse_fields (text, nullptr);
  g_autoptr (KubeValue) value = kube_value_parse (json, -1, nullptr);
  g_autoptr (KubeObject) object = kube_object_new (value);
  EXPECT_NE (selector, nullptr) << text;
  return selector != nullptr && kube_selector_matches (selector, object);
}

TEST (KubeSelector, FieldsAreReadFromTheObject)
{
  const char *node = R"({"metadata":{"name":"a,b"},"spec":{}})";

  EXPECT_TRUE (field_matches ("metadata.name=a\\,b", node));
  EXPECT_TRUE (field_matches ("metadata.name!=x,spec.unschedulable=false", node));
  EXPECT_FALSE (field_matches ("spec.unschedulable=true", node));
  EXPECT_TRUE (field_matches ("status.phase=", node));
  EXPECT_TRUE (field_matches ("", node));
}

TEST (KubeSelector, BadFieldSelectorsAreToldInUpstreamsWords)
{
  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (kube_selector_parse_fields ("metadata.name", &error), nullptr);
  EXPECT_STREQ (error->message, "invalid selector: 'metadata.name'; can't understand 'metadata.name'");
  g_clear_error (&error);
  EXPECT_EQ (kube_selector_parse_fields ("a=b=c", &error), nullptr);
  EXPECT_STREQ (error->message, "invalid field selector: unescaped character in value: 61");
  g_clear_error (&error);
  EXPECT_EQ (kube_selector_parse_fields ("a=b\\c", &error), nullptr);
  EXPECT_STREQ (error->message, "invalid field selector: invalid escape sequence: \\c");
}

}
