/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "kube-openapi.h"
#include "kube-schema.h"
#include "kube-wire.h"
#include "reference-data.h"

namespace
{

KubeValue *
parse (GBytes *bytes)
{
  gsize length = 0;
  const char *text = static_cast<const char *> (g_bytes_get_data (bytes, &length));
  KubeParseOptions options = { 0, length, nullptr, {} };

  return kube_value_parse_with_options (text, length, &options, nullptr);
}

KubeValue *
version_2 ()
{
  g_autoptr (GBytes) bytes = kube_openapi_get_v2 (kube_scheme_get_default (), FALSE, nullptr);

  return parse (bytes);
}

std::string
text (KubeValue *value)
{
  g_autofree char *printed = kube_value_print (value, nullptr);
  return printed;
}

TEST (KubeOpenapi, TheIndexNamesEachDocumentWithItsHash)
{
  g_autoptr (GBytes) bytes = kube_openapi_get_v3_index (kube_scheme_get_default ());
  g_autoptr (KubeValue) index = parse (bytes);
  KubeValue *paths = kube_value_get (index, "paths");

  EXPECT_GT (kube_value_get_length (paths), 20u);
  for (guint i = 0; i < kube_value_get_length (paths); i++)
    {
      const char *path = kube_value_get_key (paths, i);
      g_autofree char *hash = nullptr;
      g_autoptr (GBytes) document = kube_openapi_get_v3 (kube_scheme_get_default (), path, FALSE, &hash);
      ASSERT_NE (document, nullptr) << path;
      EXPECT_EQ (kube_value_get_string (kube_value_get_element (paths, i), "serverRelativeURL"),
                 std::string ("/openapi/v3/") + path + "?hash=" + hash);
    }
  EXPECT_EQ (kube_openapi_get_v3 (kube_scheme_get_default (), "apis/nosuch/v1", FALSE, nullptr), nullptr);
}

void
check_references (KubeValue *value, KubeValue *document, const std::string &where)
{
  const char *reference = kube_value_is_object (value) ? kube_value_get_member_string (value, "$ref") : nullptr;

  if (reference != nullptr)
    {
      bool v3 = g_str_has_prefix (reference, "#/components/schemas/");
      KubeValue *all = kube_value_get (document, v3 ? "components.schemas" : "definitions");
      EXPECT_NE (kube_value_get_member (all, strrchr (reference, '/') + 1), nullptr) << where << " refers to " << reference;
    }
  if (kube_value_is_object (value) || kube_value_is_array (value))
    for (guint i = 0; i < kube_value_get_length (value); i++)
      check_references (kube_value_get_element (value, i), document, where);
}

TEST (KubeOpenapi, AllThatIsReferredToIsDefined)
{
  g_autoptr (GBytes) index_bytes = kube_openapi_get_v3_index (kube_scheme_get_default ());
  g_autoptr (KubeValue) index = parse (index_bytes);
  g_autoptr (KubeValue) v2 = version_2 ();
  KubeValue *paths = kube_value_get (index, "paths");

  ASSERT_NE (v2, nullptr);
  check_references (v2, v2, "v2");
  for (guint i = 0; i < kube_value_get_length (paths); i++)
    {
      g_autoptr (GBytes) bytes = kube_openapi_get_v3 (kube_scheme_get_default (), kube_value_get_key (paths, i), FALSE, nullptr);
      g_autoptr (KubeValue) document = parse (bytes);
      ASSERT_NE (document, nullptr);
      check_references (document, document, kube_value_get_key (paths, i));
    }
}

TEST (KubeOpenapi, ExplainFindsAKindByItsPath)
{
  g_autoptr (GBytes) bytes = kube_openapi_get_v3 (kube_scheme_get_default (), "apis/apps/v1", FALSE, nullptr);
  g_autoptr (KubeValue) document = parse (bytes);
  KubeValue *item = kube_value_get_member (kube_value_get (document, "paths"), "/apis/apps/v1/namespaces/{namespace}/deployments/{name}");

  EXPECT_EQ (text (kube_value_get_member (kube_value_get (item, "patch"), "x-kubernetes-group-version-kind")),
             R"({"group":"apps","kind":"Deployment","version":"v1"})");
  EXPECT_NE (text (kube_value_get (item, "patch.parameters")).find ("\"fieldValidation\""), std::string::npos);
  KubeValue *pod = kube_value_get_member (kube_value_get (document, "components.schemas"), "io.k8s.api.core.v1.PodSpec");
  EXPECT_EQ (text (kube_value_get (pod, "properties.dnsPolicy.enum")), R"(["ClusterFirst","ClusterFirstWithHostNet","Default","None"])");
  EXPECT_EQ (text (kube_value_get (pod, "properties.dnsPolicy.default")), R"("ClusterFirst")");
}

TEST (KubeOpenapi, KindsThatAreAddedAppear)
{
  KubeField field = {};
  KubeType type = {};
  KubeKind model = {};
  g_autoptr (KubeScheme) scheme = kube_scheme_new ();
  g_autofree char *before = nullptr, *after = nullptr;

  field.name = "spec";
  field.name_length = 4;
  field.go_type = field.go_element = field.go_inner = "string";
  type.name = "Widget";
  type.package = "v1";
  type.definition = "com.example.v1.Widget";
  type.fields = &field;
  type.n_fields = 1;
  model.group = "example.com";
  model.version = "v1";
  model.name = "Widget";
  model.plural = "widgets";
  model.verbs = KUBE_VERBS_ALL;
  model.type = &type;
  g_autoptr (KubeKind) widget = kube_kind_new_from_model (&model, nullptr, nullptr);
  g_autoptr (GBytes) old = kube_openapi_get_v2 (scheme, FALSE, &before);
  ASSERT_TRUE (kube_scheme_add_kind (scheme, widget, nullptr));
  g_autoptr (GBytes) now = kube_openapi_get_v2 (scheme, FALSE, &after);
  g_autoptr (KubeValue) document = parse (now);

  EXPECT_STRNE (before, after);
  EXPECT_NE (kube_value_get_member (kube_value_get (document, "definitions"), "com.example.v1.Widget"), nullptr);
  EXPECT_NE (kube_value_get_member (kube_value_get (document, "paths"), "/apis/example.com/v1/widgets/{name}"), nullptr);
}

/* How many fields of a number a message has. */
guint
count (KubeWire wire, guint number, KubeWire *last)
{
  KubeWireField field;
  gboolean broken = FALSE;
  guint n = 0;

  while (kube_wire_next (&wire, &field, &broken))
    if (field.number == number)
      {
        n++;
        *last = field.bytes;
      }
  EXPECT_FALSE (broken);
  return n;
}

TEST (KubeOpenapi, ProtobufHoldsTheSamePathsAndDefinitions)
{
  g_autoptr (GBytes) bytes = kube_openapi_get_v2 (kube_scheme_get_default (), TRUE, nullptr);
  g_autoptr (KubeValue) v2 = version_2 ();
  KubeWire wire = {}, inner = {}, unused = {};

  wire.data = static_cast<const guint8 *> (g_bytes_get_data (bytes, &wire.length));
  ASSERT_EQ (count (wire, 8, &inner), 1u);
  EXPECT_EQ (count (inner, 2, &unused), kube_value_get_length (kube_value_get (v2, "paths")));
  ASSERT_EQ (count (wire, 9, &inner), 1u);
  EXPECT_EQ (count (inner, 1, &unused), kube_value_get_length (kube_value_get (v2, "definitions")));
}

/* The differences from upstream's document that are kept: lines of "where: why" beside this file; `*` in where stands for anything. */
class Kept
{
public:
  explicit Kept ()
  {
    std::string all = ReferenceData::read_file (std::string (KUBE_SOURCE_ROOT) + "/tests/api/swagger-differences.txt");
    g_auto (GStrv) rows = g_strsplit (all.c_str (), "\n", -1);

    for (char **line = rows; *line != nullptr; line++)
      if (**line != '\0' && **line != '#')
        lines.insert (std::string (*line).substr (0, std::string (*line).find (": ")));
  }

  bool has (const std::string &where)
  {
    for (auto &line : lines)
      if (g_pattern_match_simple (line.c_str (), where.c_str ()))
        {
          used.insert (line);
          return true;
        }
    return false;
  }

  std::set<std::string> lines, used;
};

bool
is_ours (const std::string &name)
{
  return name.find ("alpha") == std::string::npos && name.find ("beta") == std::string::npos;
}

std::set<std::string>
keys (KubeValue *a, KubeValue *b)
{
  std::set<std::string> all;

  for (KubeValue *value : { a, b })
    for (guint i = 0; i < kube_value_get_length (value); i++)
      all.insert (kube_value_get_key (value, i));
  return all;
}

std::set<std::string>
elements (KubeValue *list)
{
  std::set<std::string> all;

  for (guint i = 0; i < kube_value_get_length (list); i++)
    {
      KubeValue *element = kube_value_get_element (list, i);
      const char *version = kube_value_get_string (element, "version");
      if (version == nullptr || is_ours (version))
        all.insert (text (element));
    }
  return all;
}

void
compare_members (KubeValue *ours, KubeValue *theirs, const std::string &where, Kept &kept)
{
  for (auto &key : keys (ours, theirs))
    {
      KubeValue *a = kube_value_get_member (ours, key.c_str ()), *b = kube_value_get_member (theirs, key.c_str ());
      if (key == "description" || key == "properties" || kept.has (where + " " + key))
        continue;
      if (key == "required" || key == "x-kubernetes-group-version-kind")
        EXPECT_EQ (elements (a), elements (b)) << where << " " << key;
      else
        EXPECT_TRUE (kube_value_equal (a, b)) << where << " " << key << ": " << text (a) << ", upstream " << text (b);
    }
}

TEST (KubeOpenapi, DefinitionsAreUpstreams)
{
  ReferenceData data;
  Kept kept;

  if (!data.has_definitions ())
    GTEST_SKIP () << "no definitions at " << data.definitions;
  std::string swagger = ReferenceData::read_file (data.definitions + "/swagger.json");
  KubeParseOptions options = { 0, swagger.size (), nullptr, {} };
  g_autoptr (KubeValue) theirs = kube_value_parse_with_options (swagger.data (), swagger.size (), &options, nullptr);
  g_autoptr (KubeValue) ours = version_2 ();
  KubeValue *a = kube_value_get (ours, "definitions"), *b = kube_value_get (theirs, "definitions");
  guint n = 0;

  for (auto &name : keys (a, b))
    {
      KubeValue *x = kube_value_get_member (a, name.c_str ()), *y = kube_value_get_member (b, name.c_str ());
      if (!is_ours (name) || kept.has (name))
        continue;
      ASSERT_TRUE (x != nullptr && y != nullptr) << name << (x == nullptr ? " is missing" : " is not upstream's");
      compare_members (x, y, name, kept);
      KubeValue *p = kube_value_get (x, "properties"), *q = kube_value_get (y, "properties");
      for (auto &property : keys (p, q))
        {
          KubeValue *f = kube_value_get_member (p, property.c_str ()), *g = kube_value_get_member (q, property.c_str ());
          EXPECT_TRUE (f != nullptr && g != nullptr) << name << "." << property;
          compare_members (f, g, name + "." + property, kept);
          n++;
        }
    }
  EXPECT_GT (n, 2000u);
  for (auto &path : keys (kube_value_get (ours, "paths"), kube_value_get (theirs, "paths")))
    {
      KubeValue *x = kube_value_get_member (kube_value_get (ours, "paths"), path.c_str ());
      KubeValue *y = kube_value_get_member (kube_value_get (theirs, "paths"), path.c_str ());
      if (!is_ours (path) || kept.has (path))
        continue;
      ASSERT_TRUE (x != nullptr && y != nullptr) << path << (x == nullptr ? " is missing" : " is not upstream's");
      for (auto &method : keys (x, y))
        {
          if (method == "parameters" || kept.has (path + " " + method))
            continue;
          for (const char *member : { "operationId", "x-kubernetes-action", "x-kubernetes-group-version-kind", "tags" })
            EXPECT_TRUE (kube_value_equal (kube_value_get_member (kube_value_get (x, method.c_str ()), member),
                                           kube_value_get_member (kube_value_get (y, method.c_str ()), member)))
              << path << " " << method << " " << member;
        }
    }
  for (auto &line : kept.lines)
    EXPECT_TRUE (kept.used.count (line)) << "no longer a difference: " << line;
}

} // namespace
