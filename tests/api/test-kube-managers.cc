/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

extern "C" {
#include "apply/kube-last-applied.h"
#include "apply/kube-managers.h"
#include "kube-decode.h"
}

namespace {

/* A Deployment that managers write one after the other, as the registry would. */
class KubeManagersTest : public testing::Test {
protected:
  KubeKind *kind = KUBE_KIND ("apps/v1", "Deployment");
  KubeValue *live = nullptr;
  int clock = 0;

  ~KubeManagersTest () override { g_clear_pointer (&live, kube_value_unref); }

  void
  store (KubeValue *next, KubeManagers *managers)
  {
    g_autoptr (KubeValue) decoded = kube_decode_object (kind, next, nullptr, nullptr, nullptr);
    g_autoptr (KubeBuilder) builder = kube_builder_new (decoded);

    kube_managers_write (managers, kube_builder_get_root (builder));
    g_clear_pointer (&live, kube_value_unref);
    live = kube_builder_end (builder);
  }

  KubeManagerInfo
  info (const char *name)
  {
    static char time[32];
    g_snprintf (time, sizeof time, "2026-01-01T00:00:%02dZ", clock++);
    return { name, "apps/v1", "", time, nullptr };
  }

  /* "" or the error's message */
  std::string
  apply (const char *manager, const char *spec, bool force = false)
  {
    g_autofree char *text = g_strdup_printf (R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":%s})", spec);
    g_autoptr (KubeValue) config = kube_value_parse (text, -1, nullptr);
    g_autoptr (KubeManagers) managers = kube_managers_choose (live, nullptr, TRUE);
    g_autoptr (GError) error = nullptr;
    KubeManagerInfo who = info (manager);
    g_autoptr (KubeValue) next = kube_managers_apply (managers, kind, live, config, &who, force, &error);

    if (next == nullptr)
      return error->message;
    store (next, managers);
    return "";
  }

  void
  update (const char *manager, const char *spec)
  {
    g_autofree char *text = g_strdup_printf (R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":%s})", spec);
    g_autoptr (KubeValue) body = kube_value_parse (text, -1, nullptr), next = kube_decode_object (kind, body, nullptr, nullptr, nullptr);
    g_autoptr (KubeManagers) managers = kube_managers_choose (live, next, FALSE);
    KubeManagerInfo who = info (manager);

    kube_managers_update (managers, kind, live, next, &who);
    store (next, managers);
  }

  std::string
  get (const char *path)
  {
    KubeValue *value = kube_value_get (live, path);
    g_autofree char *text = value != nullptr ? kube_value_to_string (value) : g_strdup ("");
    return text;
  }

  std::string
  fields (const char *manager)
  {
    KubeValue *entries = kube_value_get (live, "metadata.managedFields");
    for (guint i = 0; i < kube_value_get_length (entries); i++) {
      KubeValue *entry = kube_value_get_element (entries, i);
      if (g_str_equal (kube_value_get_string (entry, "manager"), manager)) {
        g_autofree char *text = kube_value_to_string (kube_value_get (entry, "fieldsV1"));
        return text;
      }
    }
    return "";
  }
};

TEST_F (KubeManagersTest, AnApplierOwnsWhatItSaysAndAnUpdaterWhatItChanged)
{
  update ("maker", R"({"replicas":1,"paused":true})");
  EXPECT_EQ (fields ("maker"), R"({"f:spec":{"f:paused":{},"f:replicas":{}}})");
  EXPECT_EQ (apply ("one", R"({"replicas":1})"), "") << "the same value is no conflict";
  EXPECT_EQ (fields ("one"), R"({"f:spec":{"f:replicas":{}}})");
  update ("other", R"({"replicas":5,"paused":true})");
  EXPECT_EQ (fields ("other"), R"({"f:spec":{"f:replicas":{}}})");
  EXPECT_EQ (fields ("one"), "");
  EXPECT_EQ (fields ("maker"), R"({"f:spec":{"f:paused":{}}})");
}

TEST_F (KubeManagersTest, WhatAnotherOwnsIsAConflictUnlessForced)
{
  ASSERT_EQ (apply ("one", R"({"replicas":1,"paused":true})"), "");
  EXPECT_EQ (apply ("two", R"({"replicas":2})"), "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");
  EXPECT_EQ (apply ("two", R"({"replicas":2,"paused":false})"), "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.paused\n- .spec.replicas");
  EXPECT_EQ (get ("spec.replicas"), "1");
  EXPECT_EQ (apply ("two", R"({"replicas":2})", true), "");
  EXPECT_EQ (get ("spec.replicas"), "2");
  EXPECT_EQ (fields ("one"), R"({"f:spec":{"f:paused":{}}})");
}

TEST_F (KubeManagersTest, WhatAnApplierNoLongerSaysGoesUnlessAnotherSaysIt)
{
  ASSERT_EQ (apply ("one", R"({"replicas":1,"minReadySeconds":3,"revisionHistoryLimit":4})"), "");
  ASSERT_EQ (apply ("two", R"({"minReadySeconds":3})"), "");
  ASSERT_EQ (apply ("one", R"({"replicas":1})"), "");
  EXPECT_EQ (get ("spec.revisionHistoryLimit"), "");
  EXPECT_EQ (get ("spec.minReadySeconds"), "3");
}

TEST_F (KubeManagersTest, KeyedListsMergeElementByElementInTheAppliersOrder)
{
  ASSERT_EQ (apply ("one", R"({"template":{"spec":{"containers":[{"name":"a","image":"a"},{"name":"b","image":"b"}]}}})"), "");
  ASSERT_EQ (apply ("two", R"({"template":{"spec":{"containers":[{"name":"c","image":"c"},{"name":"a","tty":true}]}}})"), "");
  EXPECT_EQ (get ("spec.template.spec.containers.0.name"), "\"c\"");
  EXPECT_EQ (get ("spec.template.spec.containers.1.name"), "\"a\"");
  EXPECT_EQ (get ("spec.template.spec.containers.1.image"), "\"a\"");
  EXPECT_EQ (get ("spec.template.spec.containers.1.tty"), "true");
  EXPECT_EQ (get ("spec.template.spec.containers.2.name"), "\"b\"");
  ASSERT_EQ (apply ("one", R"({"template":{"spec":{"containers":[{"name":"b","image":"b"}]}}})"), "");
  EXPECT_EQ (get ("spec.template.spec.containers.1.tty"), "true") << "another's element stays";
  EXPECT_EQ (get ("spec.template.spec.containers.1.image"), "") << "without what it did not say";
}

TEST_F (KubeManagersTest, AConfigurationMustHaveTheFormOfItsSchema)
{
  EXPECT_EQ (apply ("one", R"({"x":1})"), ".spec.x: field not declared in schema");
  EXPECT_EQ (apply ("one", R"({"replicas":"3"})"), ".spec.replicas: expected numeric (int or float), got string");
  EXPECT_EQ (apply ("one", R"({"template":{"metadata":{"labels":{"a":80}}}})"), ".spec.template.metadata.labels.a: expected string, got &value.valueUnstructured{Value:80}");
  EXPECT_EQ (apply ("one", R"({"template":{"spec":{"containers":[{"name":"a"},{"name":"a"}],"hostname":1}}})"),
      "errors:\n  .spec.template.spec.containers: duplicate entries for key [name=\"a\"]\n  .spec.template.spec.hostname: expected string, got &value.valueUnstructured{Value:1}");
}

TEST_F (KubeManagersTest, ObjectsThatNobodyTrackedBelongToBeforeFirstApply)
{
  live = kube_value_parse (R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","uid":"u"},"spec":{"replicas":1}})", -1, nullptr);
  EXPECT_EQ (apply ("one", R"({"replicas":2})"), "Apply failed with 1 conflict: conflict with \"before-first-apply\" using apps/v1: .spec.replicas");
  update ("two", R"({"replicas":3})");
  EXPECT_EQ (get ("metadata.managedFields"), "") << "an update does not begin to track";
}

TEST_F (KubeManagersTest, OneEmptyEntryBeginsAnew)
{
  g_autoptr (KubeValue) next = kube_value_parse (R"({"metadata":{"managedFields":[{}]}})", -1, nullptr);

  ASSERT_EQ (apply ("one", R"({"replicas":1})"), "");
  g_autoptr (KubeManagers) reset = kube_managers_choose (live, next, FALSE), kept = kube_managers_choose (live, next, TRUE);
  EXPECT_TRUE (kube_managers_is_empty (reset));
  EXPECT_FALSE (kube_managers_is_empty (kept)) << "not through a subresource";
}

TEST_F (KubeManagersTest, ManagersThatUpdateAreLimitedInNumber)
{
  for (int i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf ("m%02d", i), *spec = g_strdup_printf (R"({"replicas":1,"template":{"metadata":{"labels":{"l%d":"x"}}}})", i);
    update (name, spec);
    g_autofree char *both = g_strdup_printf (R"({"replicas":%d})", i);
    update (name, both);
  }
  for (int i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf ("a%02d", i);
    g_autoptr (KubeBuilder) builder = kube_builder_new (live);
    g_autofree char *label = g_strdup_printf ("l%d", i);
    kube_node_put_string (kube_node_ensure_object (kube_builder_get_root (builder), "metadata.labels"), label, "x");
    g_autoptr (KubeValue) next = kube_builder_end (builder);
    g_autoptr (KubeManagers) managers = kube_managers_choose (live, next, FALSE);
    KubeManagerInfo who = info (name);
    kube_managers_update (managers, kind, live, next, &who);
    store (next, managers);
  }
  EXPECT_EQ (kube_value_get_length (kube_value_get (live, "metadata.managedFields")), 10u);
  EXPECT_NE (fields ("ancient-changes").find ("f:l0"), std::string::npos);
  EXPECT_NE (fields ("a19"), "");
}

TEST_F (KubeManagersTest, KubectlTakesOverWhatItAppliedOnTheClientsSide)
{
  live = kube_value_parse (R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","uid":"u","annotations":{"kubectl.kubernetes.io/last-applied-configuration":
"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":1,\"paused\":true}}"}},"spec":{"replicas":1}})", -1, nullptr);
  EXPECT_EQ (apply ("kubectl", R"({"replicas":2})"), "");
  EXPECT_EQ (get ("spec.replicas"), "2");
  EXPECT_EQ (apply ("somebody", R"({"replicas":3})"), "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas");
}

} // namespace
