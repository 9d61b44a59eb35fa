/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <kube/kube-builder.h>
#include "cpu-time.h"
#include "random-json.h"

namespace
{

struct Value {
  KubeValue *v;
  explicit Value (KubeValue *taken) : v (taken) {}
  explicit Value (const char *text) : v (kube_value_parse (text, -1, NULL)) { EXPECT_NE (v, nullptr) << text; }
  Value (const Value &) = delete;
  ~Value () { g_clear_pointer (&v, kube_value_unref); }
  operator KubeValue * () const { return v; }
};

struct Builder {
  KubeBuilder *b;
  explicit Builder (KubeValue *base) : b (kube_builder_new (base)) {}
  explicit Builder (const char *text) { b = kube_builder_new (Value (text)); }
  Builder (const Builder &) = delete;
  ~Builder () { kube_builder_unref (b); }
  operator KubeBuilder * () const { return b; }
  KubeNode *root () { return kube_builder_get_root (b); }
};

std::string
print (KubeValue *value)
{
  gsize length;
  g_autofree char *text = kube_value_print (value, &length);

  return std::string (text, length);
}

std::string
end (KubeBuilder *builder)
{
  return print (Value (kube_builder_end (builder)));
}

TEST (KubeBuilder, BuildsFromNothingInCanonicalOrder)
{
  Builder builder ((KubeValue *) NULL);
  KubeNode *root = builder.root ();

  EXPECT_EQ (end (builder), "{}");
  root = builder.root ();
  kube_node_set_string (root, "kind", "Pod");
  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_integer (root, "spec.n", -5);
  kube_node_set_boolean (root, "spec.b", TRUE);
  kube_node_set_null (root, "spec.z");
  kube_node_put_string (kube_node_ensure_object (root, "metadata.labels"), "app.kubernetes.io/name", "x");
  KubeNode *containers = kube_node_ensure_array (root, "spec.containers");
  kube_node_set_string (kube_node_append_object (containers), "name", "a");
  kube_node_append_string (containers, "s");
  kube_node_append_integer (containers, 7);
  kube_node_put_integer (kube_node_put_object (root, "o"), "i", 1);
  kube_node_put_boolean (kube_node_get (root, "o"), "f", FALSE);
  kube_node_append_string (kube_node_put_array (root, "l"), "e");
  EXPECT_EQ (end (builder), R"({"apiVersion":"v1","kind":"Pod","l":["e"],"metadata":{"labels":{"app.kubernetes.io/name":"x"}},"o":{"f":false,"i":1},)"
                            R"("spec":{"b":true,"containers":[{"name":"a"},"s",7],"n":-5,"z":null}})");
}

TEST (KubeBuilder, AnUntouchedCanonicalBaseIsReturnedItself)
{
  Value base (R"({"a":{"b":[1,{"c":2}]},"d":"x"})");
  Builder builder (base);

  EXPECT_EQ (kube_node_get_integer (builder.root (), "a.b.1.c", 0), 2);
  EXPECT_NE (kube_node_get (builder.root (), "a.b.1.c"), nullptr);
  Value result (kube_builder_end (builder));
  EXPECT_EQ (result.v, base.v);
}

TEST (KubeBuilder, UnsortedBasesAreSortedThroughout)
{
  Builder builder (R"({"z":{"b":1,"a":[{"d":1,"c":2}]},"m":{"y":1,"x":2},"a":1})");

  kube_node_set_integer (builder.root (), "m.k", 3);
  EXPECT_EQ (end (builder), R"({"a":1,"m":{"k":3,"x":2,"y":1},"z":{"a":[{"c":2,"d":1}],"b":1}})");
}

TEST (KubeBuilder, TheBaseIsNotChanged)
{
  Value base (R"({"a":{"b":1,"c":[1,2]}})");
  Builder builder (base);

  kube_node_set_integer (builder.root (), "a.b", 2);
  kube_node_remove (builder.root (), "a.c.0");
  EXPECT_EQ (end (builder), R"({"a":{"b":2,"c":[2]}})");
  EXPECT_EQ (print (base), R"({"a":{"b":1,"c":[1,2]}})");
}

TEST (KubeBuilder, OutlivesTheReferencesToItsValues)
{
  Builder builder ((KubeValue *) NULL);
  {
    Value document (R"({"part":{"s":"shared"}})");

    kube_node_set_value (builder.root (), "x", kube_value_get (document, "part"));
    kube_node_put_value (builder.root (), "y.z", kube_value_get (document, "part.s"));
  }
  EXPECT_STREQ (kube_node_get_string (builder.root (), "x.s"), "shared");
  EXPECT_EQ (end (builder), R"({"x":{"s":"shared"},"y.z":"shared"})");
  EXPECT_EQ (end (builder), R"({"x":{"s":"shared"},"y.z":"shared"})");
}

TEST (KubeBuilder, AGraftedValueIsCopiedOnlyWhenItsNodeIsChanged)
{
  Value part (R"({"deep":{"n":1},"list":[1,2,3]})");
  Builder builder ("{}");
  KubeNode *array = kube_node_ensure_array (builder.root (), "a");
  KubeNode *first = kube_node_append_value (array, part);
  KubeNode *second = kube_node_append_value (array, part);

  kube_node_set_integer (second, "deep.n", 2);
  kube_node_insert_value (array, 1, kube_value_get (part, "list"));
  kube_node_append_integer (kube_node_get (first, "list"), 4);
  EXPECT_EQ (end (builder), R"({"a":[{"deep":{"n":1},"list":[1,2,3,4]},[1,2,3],{"deep":{"n":2},"list":[1,2,3]}]})");
}

TEST (KubeBuilder, NodesStayValidWhileTheTreeChangesElsewhere)
{
  Builder builder (R"({"keep":{"n":1},"list":[{"i":0},{"i":1}]})");
  KubeNode *root = builder.root ();
  KubeNode *keep = kube_node_get (root, "keep");
  KubeNode *second = kube_node_get (root, "list.1");

  for (int i = 0; i < 1000; i++) {
    kube_node_set_integer (root, ("other." + std::to_string (i)).c_str (), i);
    kube_node_append_integer (kube_node_get (root, "list"), i);
  }
  kube_node_remove_element (kube_node_get (root, "list"), 0);
  kube_node_set_integer (keep, "n", 2);
  kube_node_set_string (second, "i", "changed");
  EXPECT_EQ (kube_node_get (root, "keep"), keep);
  EXPECT_STREQ (kube_node_get_string (root, "list.0.i"), "changed");
  Value value (kube_builder_end (builder));
  EXPECT_EQ (kube_value_get_integer (value, "keep.n", 0), 2);
  EXPECT_EQ (kube_value_get_integer (value, "other.999", 0), 999);
}

TEST (KubeBuilder, SetMakesObjectsOnItsWayButNoElements)
{
  Builder builder (R"({"n":null,"s":"text","a":[{"x":1}]})");
  KubeNode *root = builder.root ();

  kube_node_set_integer (root, "n.x", 1);
  kube_node_set_integer (root, "s.x.y", 2);
  kube_node_set_integer (root, "a.0.y", 3);
  kube_node_set_integer (root, "a.1.y", 4);
  EXPECT_EQ (kube_node_ensure_object (root, "a.5"), nullptr);
  EXPECT_EQ (end (builder), R"({"a":[{"x":1,"y":3}],"n":{"x":1},"s":{"x":{"y":2}}})");
}

TEST (KubeBuilder, SetOnANodeItselfReplacesIt)
{
  Builder builder ("[1]");

  kube_node_set_string (builder.root (), NULL, "text");
  EXPECT_EQ (end (builder), "\"text\"");
  kube_node_become_value (builder.root (), Value ("[true]"));
  EXPECT_EQ (end (builder), "[true]");
  kube_node_become_value (builder.root (), NULL);
  EXPECT_EQ (end (builder), "null");
  kube_node_set_null (builder.root (), "a");
  EXPECT_EQ (end (builder), R"({"a":null})");
}

TEST (KubeBuilder, RemovingSaysWhetherItWasThere)
{
  Builder builder (R"({"a":{"b":1,"c":2},"l":[1,2,3],"x.y":1,"s":"t"})");
  KubeNode *root = builder.root ();

  EXPECT_FALSE (kube_node_remove (root, "a.z"));
  EXPECT_FALSE (kube_node_remove (root, "z.b"));
  EXPECT_FALSE (kube_node_remove (root, "l.3"));
  EXPECT_FALSE (kube_node_remove (root, "l.b"));
  EXPECT_FALSE (kube_node_remove (root, "s.t"));
  EXPECT_FALSE (kube_node_remove (root, "x.y"));
  EXPECT_FALSE (kube_node_remove (root, ""));
  EXPECT_FALSE (kube_node_remove (NULL, "a"));
  EXPECT_TRUE (kube_node_remove (root, "a.b"));
  EXPECT_FALSE (kube_node_remove (root, "a.b"));
  EXPECT_TRUE (kube_node_remove (root, "l.1"));
  EXPECT_TRUE (kube_node_remove_member (root, "x.y"));
  EXPECT_FALSE (kube_node_remove_member (kube_node_get (root, "l"), "0"));
  kube_node_set_string (root, "s", NULL);
  kube_node_put_value (root, "nothing", NULL);
  kube_node_remove_element (kube_node_get (root, "l"), 7);
  EXPECT_EQ (end (builder), R"({"a":{"c":2},"l":[1,3]})");
}

TEST (KubeBuilder, ReadsWithoutOpening)
{
  Builder builder (R"({"a":{"s":"x","i":5,"b":true,"o":{},"l":[1,{"k":"v"}]}})");
  KubeNode *root = builder.root ();

  EXPECT_STREQ (kube_node_get_string (root, "a.s"), "x");
  EXPECT_EQ (kube_node_get_integer (root, "a.i", 0), 5);
  EXPECT_TRUE (kube_node_get_boolean (root, "a.b", FALSE));
  EXPECT_EQ (kube_node_get_string (root, "a.i"), nullptr);
  EXPECT_EQ (kube_node_get_integer (root, "a.none", 9), 9);
  EXPECT_EQ (kube_node_get_integer (NULL, "a", 9), 9);
  kube_node_set_integer (root, "a.i", 6);
  EXPECT_EQ (kube_node_get_integer (root, "a.i", 0), 6);
  EXPECT_STREQ (kube_node_get_string (root, "a.l.1.k"), "v");
  EXPECT_EQ (kube_node_get_length (kube_node_get (root, "a")), 5u);
  EXPECT_EQ (kube_node_get_value_type (kube_node_get (root, "a.l")), KUBE_VALUE_ARRAY);
  EXPECT_EQ (kube_node_get (root, "a.s.x"), nullptr);
  EXPECT_EQ (kube_node_get_element (kube_node_get (root, "a.l"), 2), nullptr);
  EXPECT_EQ (kube_node_get_key (kube_node_get (root, "a.l"), 0), nullptr);
}

TEST (KubeBuilder, MembersAreCountedAfterRemovals)
{
  Builder builder (R"({"a":1,"b":2,"c":3})");
  KubeNode *root = builder.root ();

  kube_node_remove (root, "a");
  ASSERT_EQ (kube_node_get_length (root), 2u);
  EXPECT_STREQ (kube_node_get_key (root, 0), "b");
  EXPECT_EQ (kube_node_get_integer (kube_node_get_element (root, 1), NULL, 0), 3);
  kube_node_set_integer (root, "a", 4);
  ASSERT_EQ (kube_node_get_length (root), 3u);
  EXPECT_STREQ (kube_node_get_key (root, 2), "a");
}

TEST (KubeBuilder, StringsAreValidUtf8AndMayHoldNul)
{
  Builder builder (R"({"a":"x\u0000y"})");

  kube_node_set_string (builder.root (), "b", "\xff");
  EXPECT_EQ (end (builder), "{\"a\":\"x\\u0000y\",\"b\":\"\xef\xbf\xbd\"}");
}

TEST (KubeBuilder, ToValueTakesWhatStandsThereNow)
{
  Builder builder (R"({"a":{"z":1,"b":[1]}})");
  KubeNode *a = kube_node_get (builder.root (), "a");

  EXPECT_EQ (print (Value (kube_node_to_value (a))), R"({"b":[1],"z":1})");
  kube_node_append_integer (kube_node_get (a, "b"), 2);
  EXPECT_EQ (print (Value (kube_node_to_value (a))), R"({"b":[1,2],"z":1})");
  kube_node_set_integer (a, "c", 1);
  EXPECT_EQ (end (builder), R"({"a":{"b":[1,2],"c":1,"z":1}})");
}

TEST (KubeBuilder, ManyMembersAreAddedAndRemovedInTime)
{
  const int n = 100000;
  gint64 begin = cpu_time ();
  Builder builder ("{}");
  KubeNode *root = builder.root ();

  for (int i = 0; i < n; i++)
    kube_node_put_string (root, std::to_string (i).c_str (), "x");
  EXPECT_EQ (kube_node_get_length (root), (guint) n);
  Value value (kube_builder_end (builder));
  EXPECT_EQ (kube_value_get_length (value), (guint) n);
  root = builder.root ();
  for (int i = 0; i < n - 1; i++)
    ASSERT_TRUE (kube_node_remove_member (root, std::to_string (i).c_str ()));
  EXPECT_EQ (end (builder), R"({"99999":"x"})");
  EXPECT_LT (cpu_time () - begin, 20 * G_TIME_SPAN_SECOND);
}

TEST (KubeBuilder, DeepTreesNeedNoStack)
{
  Builder builder ("{}");
  KubeNode *node = builder.root ();

  for (int i = 0; i < 200000; i++)
    node = kube_node_put_object (node, "a");
  Value value (kube_builder_end (builder));
  EXPECT_EQ (print (value).size (), 200000u * 6 + 2);
}

TEST (KubeBuilder, BoxedNodesKeepWhatTheyPointTo)
{
  KubeNode *boxed;
  {
    Builder builder (R"({"a":{"s":"kept"}})");

    boxed = (KubeNode *) g_boxed_copy (KUBE_TYPE_NODE, kube_node_get (builder.root (), "a"));
    kube_node_set_string (builder.root (), "b", "new");
    EXPECT_EQ (end (builder), R"({"a":{"s":"kept"},"b":"new"})");
    EXPECT_STREQ (kube_node_get_string (boxed, "s"), "kept");
  }
  EXPECT_STREQ (kube_node_get_string (boxed, "s"), "kept");
  g_boxed_free (KUBE_TYPE_NODE, boxed);
}

TEST (KubeBuilder, ChangesBackAndForthInLargeObjectsStayCheap)
{
  Builder builder ("{}");
  KubeNode *root = builder.root ();
  gint64 begin = cpu_time ();

  for (int i = 0; i < 20000; i++)
    kube_node_put_string (root, ("k" + std::to_string (i)).c_str (), "x");
  for (int i = 0; i < 20000; i++) {
    std::string key = "k" + std::to_string (i % 100);

    ASSERT_TRUE (kube_node_remove_member (root, key.c_str ()));
    kube_node_put_string (root, key.c_str (), "y");
  }
  EXPECT_EQ (kube_node_get_length (root), 20000u);
  EXPECT_LT (cpu_time () - begin, 10 * G_TIME_SPAN_SECOND);
}

/* A plain mutable tree to compare with. */
struct Model {
  KubeValueType type = KUBE_VALUE_NULL;
  std::string text;
  gint64 integer = 0;
  std::map<std::string, std::unique_ptr<Model>> members;
  std::vector<std::unique_ptr<Model>> elements;

  void read (KubeValue *value)
  {
    clear (kube_value_get_value_type (value));
    if (type == KUBE_VALUE_ARRAY)
      for (guint i = 0; i < kube_value_get_length (value); i++) {
        elements.emplace_back (new Model);
        elements.back ()->read (kube_value_get_element (value, i));
      }
    else if (type == KUBE_VALUE_OBJECT)
      for (guint i = 0; i < kube_value_get_length (value); i++) {
        auto &member = members[kube_value_get_key (value, i)];

        member.reset (new Model);
        member->read (kube_value_get_element (value, i));
      }
    else
      text = print (value);
  }

  void clear (KubeValueType to)
  {
    type = to;
    members.clear ();
    elements.clear ();
    text.clear ();
  }

  std::string print_key (const std::string &key) { return print (Value (kube_value_new_string (key.c_str ()))); }
  static std::string print (KubeValue *value) { return ::print (value); }

  std::string write ()
  {
    std::string out, separator;

    if (type == KUBE_VALUE_ARRAY) {
      for (auto &element : elements) {
        out += separator + element->write ();
        separator = ",";
      }
      return "[" + out + "]";
    }
    if (type == KUBE_VALUE_OBJECT) {
      for (auto &member : members) {
        out += separator + print_key (member.first) + ":" + member.second->write ();
        separator = ",";
      }
      return "{" + out + "}";
    }
    return text;
  }
};

/* Goes down the same random way in both. */
void
descend (RandomJson &random, KubeNode **node, Model **model)
{
  while (random.below (3) != 0) {
    if ((*model)->type == KUBE_VALUE_OBJECT && !(*model)->members.empty ()) {
      auto at = (*model)->members.begin ();

      std::advance (at, random.below ((*model)->members.size ()));
      *node = kube_node_get_member (*node, at->first.c_str ());
      *model = at->second.get ();
    } else if ((*model)->type == KUBE_VALUE_ARRAY && !(*model)->elements.empty ()) {
      guint i = random.below ((*model)->elements.size ());

      *node = kube_node_get_element (*node, i);
      *model = (*model)->elements[i].get ();
    } else {
      return;
    }
    ASSERT_NE (*node, nullptr);
    ASSERT_EQ (kube_node_get_value_type (*node), (*model)->type);
  }
}

std::string
a_key (RandomJson &random, Model *model)
{
  if (!model->members.empty () && random.below (2) == 0) {
    auto at = model->members.begin ();

    std::advance (at, random.below (model->members.size ()));
    return at->first;
  }
  return "new" + std::to_string (random.below (40));
}

Model *
put (Model *model, const std::string &key)
{
  if (model->type != KUBE_VALUE_OBJECT)
    model->clear (KUBE_VALUE_OBJECT);
  auto &member = model->members[key];
  if (!member)
    member.reset (new Model);
  return member.get ();
}

void
change (RandomJson &random, KubeNode *node, Model *model)
{
  Value value (random.value (3).c_str ());
  std::string key = a_key (random, model);
  guint n = model->elements.size ();

  switch (random.below (8)) {
  case 0:
    kube_node_put_value (node, key.c_str (), value);
    put (model, key)->read (value);
    break;
  case 1:
    kube_node_put_string (node, key.c_str (), key.c_str ());
    put (model, key)->read (Value (kube_value_new_string (key.c_str ())));
    break;
  case 2:
    EXPECT_EQ (kube_node_remove_member (node, key.c_str ()), model->members.erase (key) > 0);
    break;
  case 3:
    if (model->type == KUBE_VALUE_ARRAY) {
      guint i = random.below (n + 1);

      kube_node_insert_value (node, i, value);
      model->elements.emplace (model->elements.begin () + i, new Model);
      model->elements[i]->read (value);
    }
    break;
  case 4:
    if (n > 0) {
      guint i = random.below (n);

      kube_node_remove_element (node, i);
      model->elements.erase (model->elements.begin () + i);
    }
    break;
  case 5:
    if (random.below (4) == 0) {
      kube_node_become_value (node, value);
      model->read (value);
    }
    break;
  case 6:
    kube_node_put_object (node, key.c_str ());
    put (model, key)->clear (KUBE_VALUE_OBJECT);
    break;
  default:
    ASSERT_EQ (kube_node_get_length (node), model->members.size () + n);
    break;
  }
}

TEST (KubeBuilder, BehavesAsAPlainTree)
{
  RandomJson random (42);

  random.nul_in_keys = false; /* the builder's keys are C strings */
  for (int round = 0; round < 300; round++) {
    Value base (("{\"root\":" + random.value (0) + "}").c_str ());
    Builder builder (base);
    Model root;

    root.read (base);
    for (int step = 0; step < 60; step++) {
      KubeNode *node = builder.root ();
      Model *model = &root;

      descend (random, &node, &model);
      change (random, node, model);
      if (random.below (20) == 0) {
        ASSERT_EQ (print (Value (kube_node_to_value (node))), model->write ());
      }
      if (random.below (30) == 0) {
        ASSERT_EQ (end (builder), root.write ());
      }
    }
    Value result (kube_builder_end (builder)), reparsed (print (result).c_str ());
    ASSERT_EQ (print (result), root.write ());
    /* Both are canonical: their blocks must be the same. */
    ASSERT_TRUE (kube_value_equal (result, reparsed));
  }
}

}
