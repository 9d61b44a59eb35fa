/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <set>
#include <string>

#include "kube-decode.h"
#include "reference-data.h"

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

/* What upstream answered to thousands of changed objects: those that its decoder refused must be refused with the same words, and no others. */
class RecordedBodies : public testing::TestWithParam<const char *>
{
};

TEST_P (RecordedBodies, RefusesWhatUpstreamRefuses)
{
  ReferenceData data;
  std::string corpus = std::string (GetParam ()) + ".jsonl.gz";
  guint n = 0;

  if (!data.has_oracle ())
    GTEST_SKIP () << "no recorded answers at " << data.oracle;
  for (const auto &line : data.read_lines (corpus))
    {
      g_autoptr (KubeValue) test = kube_value_parse (line.data (), line.size (), nullptr);
      g_autoptr (KubeValue) body = data.changed_base (test);
      const char *message = kube_value_get_string (test, "want.status.message");
      const char *marker = message != nullptr ? strstr (message, "cannot be handled as a ") : nullptr;
      KubeKind *kind = KUBE_KIND (kube_value_get_string (body, "apiVersion"), kube_value_get_string (body, "kind"));
      std::string expected = marker != nullptr ? strstr (marker, ": ") + 2 : "";
      g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (GError) error = nullptr;
      std::string actual;

      ASSERT_NE (kind, nullptr) << line;
      g_autoptr (KubeValue) decoded = kube_decode_object (kind, body, nullptr, problems, &error);
      if (error != nullptr)
        actual = error->message;
      else if (problems->len > 0 && strcmp (GetParam (), "strict") == 0)
        {
          actual = "strict decoding error: ";
          for (guint i = 0; i < problems->len; i++)
            actual += std::string (i > 0 ? ", " : "") + static_cast<const char *> (problems->pdata[i]);
        }
      if (kube_value_get_string (test, "change.1.0") != nullptr && marker == nullptr &&
          (g_str_equal (kube_value_get_string (test, "change.1.0"), "kind") || g_str_equal (kube_value_get_string (test, "change.1.0"), "apiVersion")))
        continue;
      EXPECT_EQ (actual, expected) << kube_value_get_string (test, "id");
      n++;
    }
  EXPECT_GT (n, 1000u);
}

INSTANTIATE_TEST_SUITE_P (Recorded, RecordedBodies, testing::Values ("strict", "create"));

TEST (RecordedBodiesDefault, DefaultingTwiceChangesNothing)
{
  ReferenceData data;

  if (!data.has_oracle ())
    GTEST_SKIP () << "no recorded answers at " << data.oracle;
  data.load_bases ();
  for (auto &base : data.bases)
    {
      g_autoptr (KubeValue) once = decode_and_default (base.second);
      g_autoptr (KubeValue) twice = decode_and_default (once);
      EXPECT_EQ (text (once), text (twice)) << base.first;
    }
}

void
diff (KubeValue *a, KubeValue *b, std::string path, std::string &out)
{
  if (kube_value_is_object (a) && kube_value_is_object (b))
    {
      std::set<std::string> keys;
      for (guint i = 0; i < kube_value_get_length (a); i++)
        keys.insert (kube_value_get_key (a, i));
      for (guint i = 0; i < kube_value_get_length (b); i++)
        keys.insert (kube_value_get_key (b, i));
      for (auto &key : keys)
        {
          KubeValue *x = kube_value_get_member (a, key.c_str ()), *y = kube_value_get_member (b, key.c_str ());
          g_autoptr (KubeValue) name = kube_value_new_string (key.c_str ());
          std::string at = path + (path.empty () ? "" : ",") + text (name);
          if (y == nullptr)
            out += (out.empty () ? "[[" : ",[[") + at + "]]";
          else if (x == nullptr)
            out += (out.empty () ? "[[" : ",[[") + at + "]," + text (y) + "]";
          else
            diff (x, y, at, out);
        }
      return;
    }
  if (kube_value_is_array (a) && kube_value_is_array (b) && kube_value_get_length (a) == kube_value_get_length (b))
    {
      for (guint i = 0; i < kube_value_get_length (a); i++)
        diff (kube_value_get_element (a, i), kube_value_get_element (b, i), path + "," + std::to_string (i), out);
      return;
    }
  if (!kube_value_equal (a, b))
    out += (out.empty () ? "[[" : ",[[") + path + "]," + text (b) + "]";
}

/* How upstream's answer to a changed object differs from its answer to the unchanged one is how decoded and defaulted objects differ, as far
 * as nothing but decoding and defaulting has to do with it. */
TEST (RecordedBodiesDefault, ChangesComeOutAsUpstreams)
{
  ReferenceData data;
  guint n = 0, same = 0;

  if (!data.has_oracle ())
    GTEST_SKIP () << "no recorded answers at " << data.oracle;
  for (const auto &line : data.read_lines ("create.jsonl.gz"))
    {
      g_autoptr (KubeValue) test = kube_value_parse (line.data (), line.size (), nullptr);
      KubeValue *want = kube_value_get (test, "want.diff");
      std::string changes;

      if (want == nullptr)
        continue;
      g_autoptr (KubeValue) body = data.changed_base (test);
      g_autoptr (KubeValue) before = decode_and_default (data.bases.at (kube_value_get_string (test, "base")));
      g_autoptr (KubeValue) after = decode_and_default (body);
      diff (before, after, "", changes);
      changes = "[" + changes + "]";
      g_autoptr (KubeValue) found = kube_value_parse (changes.data (), changes.size (), nullptr);
      n++;
      if (kube_value_equal (found, want))
        same++;
      else if (g_getenv ("KUBE_TEST_VERBOSE") != nullptr)
        g_print ("%s\n  want %s\n  have %s\n", kube_value_get_string (test, "id"), text (want).c_str (), changes.c_str ());
    }
  RecordProperty ("cases", n);
  RecordProperty ("same", same);
  EXPECT_GT (n, 2000u);
  EXPECT_GE (same * 100, n * 98) << same << " of " << n;
}

} // namespace
