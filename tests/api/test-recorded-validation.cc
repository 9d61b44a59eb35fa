/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "kube-decode.h"
#include "kube-validation.h"
#include "reference-data.h"

namespace
{

using Causes = std::vector<std::string>;

constexpr char kUid[] = "3f0c34f5-1111-4222-8333-444455556666";

/* What the server does to a new job. */
void
generate_selector (KubeNode *root)
{
  const char *name = kube_node_get_string (root, "metadata.name");

  kube_node_set_string (root, "metadata.uid", kUid);
  if (kube_node_get (root, "spec.selector") != nullptr || kube_node_get_boolean (root, "spec.manualSelector", FALSE))
    return;
  KubeNode *labels = kube_node_ensure_object (root, "spec.template.metadata.labels");
  for (const char *key : { "controller-uid", "batch.kubernetes.io/controller-uid" })
    kube_node_put_string (labels, key, kUid);
  for (const char *key : { "job-name", "batch.kubernetes.io/job-name" })
    kube_node_put_string (labels, key, name != nullptr ? name : "");
  kube_node_put_string (kube_node_ensure_object (root, "spec.selector.matchLabels"), "batch.kubernetes.io/controller-uid", kUid);
}

/* The object as the server has it when it validates: decoded, defaulted, in its namespace. */
KubeValue *
prepare (KubeKind *kind, KubeValue *body, bool stored)
{
  g_autoptr (GError) error = nullptr;
  gboolean has_empty;
  g_autoptr (KubeValue) decoded = kube_decode_request (kind, body, nullptr, nullptr, &has_empty, &error);

  if (decoded == nullptr)
    return nullptr;
  g_autoptr (KubeBuilder) builder = kube_builder_new (decoded);
  KubeNode *root = kube_builder_get_root (builder);
  kube_default (kind, root);
  if (kube_kind_is_namespaced (kind))
    kube_node_set_string (root, "metadata.namespace", "oracle");
  if (stored)
    {
      kube_node_set_string (root, "metadata.uid", kUid);
      kube_node_set_string (root, "metadata.resourceVersion", "7");
    }
  if (strcmp (kube_kind_get_name (kind), "Pod") == 0 && kube_node_get_string (root, "spec.serviceAccountName") == nullptr)
    kube_node_set_string (root, "spec.serviceAccountName", "default");
  if (strcmp (kube_kind_get_name (kind), "Deployment") == 0)
    kube_node_set_integer (root, "metadata.generation", 1);
  if (strcmp (kube_kind_get_name (kind), "Job") == 0 && kube_value_get_string (decoded, "metadata.uid") == nullptr)
    generate_selector (root);
  g_autoptr (KubeValue) built = kube_builder_end (builder);
  return kube_decode_request (kind, built, nullptr, nullptr, &has_empty, nullptr);
}

/* Messages without the differences that follow in lines of their own: these depend on what admission adds. */
std::string
first_line (const char *message)
{
  std::string line (message, strcspn (message, "\n"));
  for (size_t at; (at = line.find (kUid)) != std::string::npos;)
    line.replace (at, strlen (kUid), "<uid>");
  return line;
}

Causes
wanted (KubeValue *want)
{
  KubeValue *list = kube_value_get (want, "status.causes");
  Causes causes;

  for (guint i = 0; i < kube_value_get_length (list); i++)
    {
      KubeValue *cause = kube_value_get_element (list, i);
      causes.push_back (std::string (kube_value_get_string (cause, "0")) + " " + kube_value_get_string (cause, "1") + " " +
                        first_line (kube_value_get_string (cause, "2")));
    }
  std::sort (causes.begin (), causes.end ());
  return causes;
}

Causes
found (const KubeFieldErrors *errors)
{
  g_autoptr (GError) error = kube_field_errors_to_error (errors, "", "X", "x");
  Causes causes;

  if (error == nullptr)
    return causes;
  for (guint i = 0; i < kube_error_get_details (error)->causes->len; i++)
    {
      auto *cause = (KubeErrorCause *) kube_error_get_details (error)->causes->pdata[i];
      causes.push_back (std::string (cause->reason) + " " + cause->field + " " + first_line (cause->message));
    }
  std::sort (causes.begin (), causes.end ());
  return causes;
}

std::string
text (const Causes &causes)
{
  std::string out;
  for (const auto &cause : causes)
    out += "\n    " + cause.substr (0, 300);
  return out;
}

struct Level
{
  guint cases, code, exact;
};

/* What is reached, in hundredths: it only rises. */
struct Corpus
{
  const char *name;
  guint code, exact;
};

class RecordedValidation : public testing::TestWithParam<Corpus>
{
};

TEST_P (RecordedValidation, FindsWhatUpstreamFinds)
{
  ReferenceData data;
  std::map<std::string, Level> levels;
  Level all = { 0, 0, 0 };
  bool update = strcmp (GetParam ().name, "update") == 0;
  const char *only = g_getenv ("KUBE_TEST_ONLY");

  if (!data.has_oracle ())
    GTEST_SKIP () << "no recorded answers at " << data.oracle;
  data.load_bases ();
  for (const auto &line : data.read_lines (std::string (GetParam ().name) + ".jsonl.gz"))
    {
      g_autoptr (KubeValue) test = kube_value_parse (line.data (), line.size (), nullptr);
      KubeValue *want = kube_value_get (test, "want");
      gint64 code = kube_value_get_integer (want, "code", 0);
      std::string base_name = kube_value_get_string (test, "base");

      if (code != 422 && code != 201 && code != 200)
        continue;
      KubeValue *base = data.bases.at (base_name);
      KubeKind *kind = KUBE_KIND (kube_value_get_string (base, "apiVersion"), kube_value_get_string (base, "kind"));
      if (kind == nullptr)
        continue;
      g_autoptr (KubeValue) body = nullptr;
      if (update && kube_value_get_string (test, "change.1.0") != nullptr)
        {
          /* A change of a stored object is a change of what was defaulted. */
          g_autoptr (KubeValue) stored = prepare (kind, base, true);
          KubeValue *keep = data.bases[base_name];
          data.bases[base_name] = stored;
          KubeValue *at = kube_value_get (stored, nullptr), *path = kube_value_get (test, "change.1");
          for (guint i = 0; at != nullptr && i + 1 < kube_value_get_length (path); i++)
            {
              KubeValue *step = kube_value_get_element (path, i);
              at = kube_value_is_string (step) ? kube_value_get_member (at, kube_value_get_string (step, nullptr))
                                               : kube_value_get_element (at, kube_value_get_integer (step, nullptr, 0));
            }
          if (at != nullptr)
            body = data.changed_base (test);
          data.bases[base_name] = keep;
        }
      else
        body = data.changed_base (test);
      if (body == nullptr)
        continue;
      g_autoptr (KubeValue) object = prepare (kind, body, update);
      if (object == nullptr)
        continue;
      g_auto (KubeFieldErrors) errors = { nullptr };
      if (update)
        {
          g_autoptr (KubeValue) old = prepare (kind, base, true);
          kube_validate_update (kind, nullptr, object, old, &errors);
        }
      else
        kube_validate_create (kind, object, &errors);

      Causes have = found (&errors), expected = wanted (want);
      Level &level = levels[base_name];
      bool same_code = have.empty () == (code != 422), exact = same_code && have == expected;
      for (Level *l : { &level, &all })
        {
          l->cases++;
          l->code += same_code;
          l->exact += exact;
        }
      if (!exact && only != nullptr && base_name.find (only) == 0)
        g_print ("%s\n  want %ld%s\n  have%s\n", kube_value_get_string (test, "id"), (long) code, text (expected).c_str (), text (have).c_str ());
    }

  if (only != nullptr)
    for (const auto &level : levels)
      g_print ("%-28s %5u cases  code %5.1f %%  exact %5.1f %%\n", level.first.c_str (), level.second.cases, 100.0 * level.second.code / level.second.cases,
               100.0 * level.second.exact / level.second.cases);
  g_print ("%s: %u cases, code %.1f %%, exact %.1f %%\n", GetParam ().name, all.cases, 100.0 * all.code / all.cases, 100.0 * all.exact / all.cases);
  EXPECT_GT (all.cases, 1000u);
  EXPECT_GE (all.code * 100, all.cases * GetParam ().code);
  EXPECT_GE (all.exact * 100, all.cases * GetParam ().exact);
}

INSTANTIATE_TEST_SUITE_P (Recorded, RecordedValidation, testing::Values (Corpus{ "create", 99, 99 }, Corpus{ "update", 99, 98 }),
                          [] (const testing::TestParamInfo<Corpus> &info) { return std::string (info.param.name); });

} // namespace
