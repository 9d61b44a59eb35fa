/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>

#include "kube-field-errors.h"

namespace {

std::string
path_text (const KubeFieldPath *path)
{
  g_autoptr (GString) out = g_string_new (nullptr);
  kube_field_path_print (path, out);
  return out->str;
}

TEST (KubeFieldErrors, PathsArePrintedAsUpstreamDoes)
{
  const KubeFieldPath spec = { nullptr, "spec", nullptr, 0 };
  const KubeFieldPath containers = { &spec, "containers", nullptr, 0 };
  const KubeFieldPath second = { &containers, nullptr, nullptr, 1 };
  const KubeFieldPath limits = { &second, "limits", nullptr, 0 };
  const KubeFieldPath cpu = { &limits, nullptr, "cpu", 0 };

  EXPECT_EQ (path_text (&cpu), "spec.containers[1].limits[cpu]");
}

TEST (KubeFieldErrors, OneErrorStandsAloneAndSeveralInBracketsEachOnce)
{
  const KubeFieldPath name = { nullptr, "name", nullptr, 0 };
  g_auto (KubeFieldErrors) errors = { nullptr };

  EXPECT_EQ (kube_field_errors_to_error (&errors, "", "Pod", "x"), nullptr);
  kube_field_errors_required (&errors, &name, nullptr);
  {
    g_autoptr (GError) error = kube_field_errors_to_error (&errors, "", "Pod", "x");
    EXPECT_STREQ (error->message, "Pod \"x\" is invalid: name: Required value");
    EXPECT_EQ (error->code, KUBE_ERROR_INVALID);
  }
  kube_field_errors_invalid (&errors, &name, "a\tb", "no tabs");
  kube_field_errors_required (&errors, &name, nullptr);
  g_autoptr (GError) error = kube_field_errors_to_error (&errors, "apps", "Deployment", "x");
  EXPECT_STREQ (error->message, "Deployment.apps \"x\" is invalid: [name: Required value, name: Invalid value: \"a\\tb\": no tabs]");
  const KubeErrorDetails *details = kube_error_get_details (error);
  ASSERT_EQ (details->causes->len, 3u);
  EXPECT_STREQ (((KubeErrorCause *) details->causes->pdata[1])->reason, "FieldValueInvalid");
  EXPECT_STREQ (((KubeErrorCause *) details->causes->pdata[1])->message, "Invalid value: \"a\\tb\": no tabs");
}

TEST (KubeGoText, QuotesAsGoDoes)
{
  g_autoptr (GString) out = g_string_new (nullptr);
  kube_go_quote (out, "a\"\\\n\x01é\xff\u00a0", -1);
  EXPECT_STREQ (out->str, "\"a\\\"\\\\\\n\\x01é\\xff\\u00a0\"");
}

TEST (KubeGoText, PrintsMapsAsGoDoes)
{
  g_autoptr (KubeValue) value = kube_value_parse (R"({"a":[1,"x",null],"b":{"c":true}})", -1, nullptr);
  g_autoptr (GString) out = g_string_new (nullptr);
  kube_go_print (out, value);
  EXPECT_STREQ (out->str, "map[a:[1 x <nil>] b:map[c:true]]");
}

}
