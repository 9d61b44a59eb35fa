/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>

extern "C" {
#include "kube-splice.h"
}

namespace {

std::string
item (const std::string &json)
{
  g_autoptr (GString) out = g_string_new (nullptr);
  kube_splice_append_item (json.data (), json.size (), out);
  return out->str;
}

std::string
member (const std::string &json, const char *key)
{
  KubePart value;
  return kube_splice_find (json.data (), json.size (), key, &value, nullptr) ? std::string (value.start, value.end) : "(none)";
}

TEST (KubeSplice, FindsMembersOfTheObjectItselfOnly)
{
  const std::string json = R"({"a":{"b":1,"c":"}"},"b":[1,{"b":2}],"c":"\"b\":\\","d":null})";
  EXPECT_EQ (member (json, "a"), R"({"b":1,"c":"}"})");
  EXPECT_EQ (member (json, "b"), R"([1,{"b":2}])");
  EXPECT_EQ (member (json, "c"), R"("\"b\":\\")");
  EXPECT_EQ (member (json, "d"), "null");
  EXPECT_EQ (member (json, "e"), "(none)");
  EXPECT_EQ (member ("{}", "a"), "(none)");
}

TEST (KubeSplice, WhereAValueEndsDoesNotDependOnWhereItStands)
{
  const std::string inner = R"([{"f:x":{".":{},"k:{\"name\":\"}]{[\"}":{}}},"}}}}}}}}]]]]]]]]}}}}}}}}",{},[],"\\",[[[[[[[[[["]"]]]]]]]]]]])";
  for (int pad = 0; pad < 70; pad++) {
    const std::string value = R"({"a":")" + std::string (pad, 'x') + R"(","b":)" + inner + "," + R"("c":)" + inner + "}";
    const std::string json = R"({"a":)" + value + R"(,"b":7})";
    EXPECT_EQ (member (json, "a"), value) << pad;
    EXPECT_EQ (member (json, "b"), "7") << pad;
    EXPECT_EQ (member (value, "c"), inner) << pad;
  }
}

std::string
at_path (const std::string &json, const char *path)
{
  KubePart value;
  return kube_splice_find_path (json.data (), json.size (), path, &value) ? std::string (value.start, value.end) : "(none)";
}

TEST (KubeSplice, PathsGoThroughObjectsOnly)
{
  const std::string json = R"({"a":{"b":{"c":"x"},"l":[{"c":1}],"n":null},"ab":{"c":2},"s":"{\"c\":3}"})";
  EXPECT_EQ (at_path (json, "a.b.c"), "\"x\"");
  EXPECT_EQ (at_path (json, "ab.c"), "2");
  EXPECT_EQ (at_path (json, "a.b"), R"({"c":"x"})");
  EXPECT_EQ (at_path (json, "a.c"), "(none)");
  EXPECT_EQ (at_path (json, "a.l.c"), "(none)");
  EXPECT_EQ (at_path (json, "a.n.c"), "(none)");
  EXPECT_EQ (at_path (json, "s.c"), "(none)");
  EXPECT_EQ (at_path ("{}", "a.b"), "(none)");
}

TEST (KubeSplice, ItemsOfListsHaveNoKind)
{
  EXPECT_EQ (item (R"({"apiVersion":"v1","kind":"Pod","metadata":{}})"), R"({"metadata":{}})");
  EXPECT_EQ (item (R"({"apiVersion":"v1","data":{"kind":"x"},"kind":"ConfigMap","metadata":{}})"), R"({"data":{"kind":"x"},"metadata":{}})");
  EXPECT_EQ (item (R"({"apiVersion":"v1","data":{},"kind":"X"})"), R"({"data":{}})");
  EXPECT_EQ (item (R"({"metadata":{}})"), R"({"metadata":{}})");
}

TEST (KubeSplice, TheVersionIsThatOfTheObjectAndOfNothingInIt)
{
  const std::string json = R"({"data":{"resourceVersion":"9"},"metadata":{"labels":{"resourceVersion":"8"},"name":"x","resourceVersion":"123","uid":"u"}})";
  gsize at;
  g_autoptr (GBytes) bytes = g_bytes_new (json.data (), json.size ()), clear = kube_splice_clear_version (bytes, &at), set = kube_splice_set_version (bytes, 45678);
  std::string cleared (static_cast<const char *> (g_bytes_get_data (clear, nullptr)), g_bytes_get_size (clear));
  std::string changed (static_cast<const char *> (g_bytes_get_data (set, nullptr)), g_bytes_get_size (set));
  EXPECT_EQ (cleared, R"({"data":{"resourceVersion":"9"},"metadata":{"labels":{"resourceVersion":"8"},"name":"x","resourceVersion":"","uid":"u"}})");
  EXPECT_EQ (cleared.insert (at, "123"), json);
  EXPECT_EQ (changed, R"({"data":{"resourceVersion":"9"},"metadata":{"labels":{"resourceVersion":"8"},"name":"x","resourceVersion":"45678","uid":"u"}})");
}

TEST (KubeSplice, AnObjectWithoutVersionStaysAsItIs)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("{\"metadata\":{}}", 15);
  gsize at;
  g_autoptr (GBytes) clear = kube_splice_clear_version (bytes, &at);
  EXPECT_EQ (at, G_MAXSIZE);
  EXPECT_TRUE (g_bytes_equal (clear, bytes));
}

}
