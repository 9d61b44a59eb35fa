/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>

extern "C" {
#include "apply/kube-field-set.h"
}

namespace {

/* Sets live as long as their test. */
class KubeFieldSetTest : public testing::Test {
protected:
  KubeArena *arena = kube_arena_new ();

  ~KubeFieldSetTest () override { kube_arena_free (arena); }

  KubeFieldSet *
  parse (const char *text, GError **error = nullptr)
  {
    g_autoptr (KubeValue) value = kube_value_parse (text, -1, nullptr);
    return kube_field_set_parse (arena, value, error);
  }

  std::string
  print (const KubeFieldSet *set)
  {
    KubeWriter *writer = kube_writer_acquire ();
    kube_field_set_write (set, writer);
    g_autoptr (KubeValue) value = kube_writer_finish (writer);
    kube_writer_release (writer);
    g_autofree char *text = kube_value_to_string (value);
    return text;
  }

  std::string
  combine (const KubeFieldSet *(*function) (KubeArena *, const KubeFieldSet *, const KubeFieldSet *), const char *a, const char *b)
  {
    return print (function (arena, parse (a), parse (b)));
  }
};

TEST_F (KubeFieldSetTest, IsWrittenAsItWasRead)
{
  const char *text = R"({"f:a":{},"f:b":{".":{},"k:{\"name\":\"x\"}":{"f:y":{}}},"f:c":{"v:\"s\"":{}}})";

  EXPECT_EQ (print (parse (text)), text);
}

TEST_F (KubeFieldSetTest, RefusesWhatIsNoStep)
{
  for (const char *bad : { R"({"a":{}})", R"({"k:{":{}})", R"({"x:1":{}})", R"({"f:a":{"":{}}})", "[]", "1" }) {
    g_autoptr (GError) error = nullptr;
    EXPECT_EQ (parse (bad, &error), nullptr) << bad;
    EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST)) << bad;
  }
}

TEST_F (KubeFieldSetTest, UnionHasTheFieldsOfBoth)
{
  EXPECT_EQ (combine (kube_field_set_union, R"({"f:a":{"f:x":{}}})", R"({"f:a":{},"f:b":{}})"), R"({"f:a":{".":{},"f:x":{}},"f:b":{}})");
}

TEST_F (KubeFieldSetTest, AFieldThatIsTakenAwayLeavesWhatIsBelowIt)
{
  EXPECT_EQ (combine (kube_field_set_subtract, R"({"f:a":{".":{},"f:x":{},"f:y":{}}})", R"({"f:a":{".":{},"f:x":{}}})"), R"({"f:a":{"f:y":{}}})");
  EXPECT_EQ (combine (kube_field_set_subtract, R"({"f:a":{"f:x":{}}})", R"({"f:a":{}})"), R"({"f:a":{"f:x":{}}})");
}

TEST_F (KubeFieldSetTest, IntersectionHasTheFieldsThatAreInBoth)
{
  EXPECT_EQ (combine (kube_field_set_intersect, R"({"f:a":{".":{},"f:x":{}},"f:c":{}})", R"({"f:a":{"f:x":{}},"f:b":{}})"), R"({"f:a":{"f:x":{}}})");
}

TEST_F (KubeFieldSetTest, RemovalTakesAllThatIsBelow)
{
  KubeFieldSet *set = parse (R"({"f:metadata":{"f:name":{},"f:labels":{"f:a":{}}},"f:spec":{"f:x":{}}})");
  const char *const spec[] = { "f:spec" }, *const name[] = { "f:metadata", "f:name" }, *const none[] = { "f:metadata", "f:uid", "f:x" };

  kube_field_set_remove (set, spec, 1);
  kube_field_set_remove (set, name, 2);
  kube_field_set_remove (set, none, 3);
  EXPECT_EQ (print (set), R"({"f:metadata":{"f:labels":{"f:a":{}}}})");
}

TEST_F (KubeFieldSetTest, PathsAreWrittenAsUpstreamWritesThem)
{
  KubeFieldSet *set = parse (R"({"f:spec":{"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}},"f:set":{"v:\"a\"":{}},"f:list":{"i:3":{}}}})");
  g_autoptr (GPtrArray) paths = kube_field_set_print (set);
  std::string all;

  for (guint i = 0; i < paths->len; i++)
    all += std::string (static_cast<const char *> (g_ptr_array_index (paths, i))) + "\n";
  EXPECT_EQ (all, ".spec.list[3]\n.spec.ports[containerPort=80,protocol=\"TCP\"]\n.spec.ports[containerPort=80,protocol=\"TCP\"].name\n.spec.set[=\"a\"]\n");
}

TEST_F (KubeFieldSetTest, MeetsWhatHasAFieldOfIt)
{
  g_autoptr (KubeValue) fields = kube_value_parse (R"({"f:a":{"f:x":{}},"f:b":{".":{},"f:y":{}}})", -1, nullptr);

  EXPECT_TRUE (kube_field_set_meets (parse (R"({"f:b":{}})"), fields));
  EXPECT_TRUE (kube_field_set_meets (parse (R"({"f:a":{"f:w":{},"f:x":{}}})"), fields));
  EXPECT_FALSE (kube_field_set_meets (parse (R"({"f:a":{},"f:b":{"f:x":{}},"f:c":{}})"), fields));
}

TEST_F (KubeFieldSetTest, ManySetsFitIntoOneArena)
{
  KubeFieldSet *set = kube_field_set_new (arena);

  for (int i = 0; i < 5000; i++) {
    g_autofree char *name = g_strdup_printf ("f:%d", i);
    const char *const steps[] = { "f:all", name };
    kube_field_set_insert (arena, set, steps, 2);
  }
  g_autoptr (GPtrArray) paths = kube_field_set_print (set);
  EXPECT_EQ (paths->len, 5000u);
}

} // namespace
