/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <map>
#include <string>

#include "kube-decode.h"
#include "kube-table.h"
#include "reference-data.h"

namespace
{

std::string
cells (const char *api_version, const char *kind, const char *json, gint64 now = 0)
{
  g_autoptr (KubeValue) object = kube_value_parse (json, -1, nullptr);
  g_autoptr (GString) out = g_string_new (nullptr);
  EXPECT_NE (object, nullptr) << json;
  kube_table_print_cells (KUBE_KIND (api_version, kind), object, now, out);
  return out->str;
}

TEST (KubeTable, APodsRowSaysWhatItsContainersSay)
{
  EXPECT_EQ (cells ("v1", "Pod",
                    R"({"metadata":{"name":"p","creationTimestamp":"1970-01-01T00:00:00Z"},"spec":{"containers":[{"name":"a"},{"name":"b"}],"nodeName":"n"},
                        "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"containerStatuses":[
                          {"name":"a","ready":true,"restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"finishedAt":"1970-01-01T00:00:30Z"}}},
                          {"name":"b","restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}})",
                    90 * G_USEC_PER_SEC),
             R"x(["p","1/2","CrashLoopBackOff","3 (60s ago)","90s","10.0.0.1","n","<none>","<none>"])x");
  EXPECT_EQ (cells ("v1", "Pod",
                    R"({"metadata":{"name":"p","deletionTimestamp":"1970-01-01T00:00:00Z"},"spec":{"containers":[{"name":"a"}]},"status":{"phase":"Running"}})"),
             R"(["p","0/1","Terminating","0","<unknown>","<none>","<none>","<none>","<none>"])");
}

TEST (KubeTable, EveryNamedPrinterOfTheSchemaIsThere)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (kube_scheme_get_default ());
  g_autoptr (KubeValue) empty = kube_value_new_empty_object ();

  for (guint i = 0; i < kinds->len; i++)
    {
      auto *kind = (KubeKind *) kinds->pdata[i];
      g_autoptr (GString) row = g_string_new (nullptr), columns = g_string_new (nullptr);
      kube_table_print_cells (kind, empty, 0, row);
      kube_table_print_columns (kind, columns);
      g_autoptr (KubeValue) cells_value = kube_value_parse (row->str, row->len, nullptr), columns_value = kube_value_parse (columns->str, columns->len, nullptr);
      ASSERT_NE (cells_value, nullptr) << row->str;
      ASSERT_NE (columns_value, nullptr) << columns->str;
      EXPECT_EQ (kube_value_get_length (cells_value), kube_value_get_length (columns_value)) << kube_kind_get_name (kind);
      for (guint c = 0; c < kind->n_columns; c++)
        EXPECT_FALSE (*kind->columns[c].path == '@' && kube_value_get_value_type (kube_value_get_element (cells_value, c)) == KUBE_VALUE_NULL)
          << kind->columns[c].path;
    }
}

/* What the server adds, and what a row of the same object shows of it, is taken from the recorded object itself. */
TEST (KubeTable, RecordedRowsAreTheSame)
{
  ReferenceData data;
  guint n = 0, same = 0, headers = 0;

  if (!data.has_oracle ())
    GTEST_SKIP () << "no recorded answers at " << data.oracle;
  for (const auto &line : data.read_lines ("life.jsonl.gz"))
    {
      g_autoptr (KubeValue) test = kube_value_parse (line.data (), line.size (), nullptr);
      KubeValue *steps = kube_value_get (test, "want.steps");
      KubeValue *table = nullptr, *list = nullptr;

      for (guint i = 0; i < kube_value_get_length (steps); i++)
        {
          KubeValue *body = kube_value_get (kube_value_get_element (steps, i), "body");
          const char *kind = kube_value_get_string (body, "kind");
          if (kind != nullptr && strcmp (kind, "Table") == 0 && table == nullptr)
            table = body;
          else if (kind != nullptr && g_str_has_suffix (kind, "List") && strcmp (kind, "PartialObjectMetadataList") != 0 && list == nullptr)
            list = body;
        }
      if (table == nullptr || list == nullptr || kube_value_get (list, "items.0") == nullptr)
        continue;
      std::string name = kube_value_get_string (list, "kind");
      KubeKind *kind = KUBE_KIND (kube_value_get_string (list, "apiVersion"), name.substr (0, name.size () - 4).c_str ());
      if (kind == nullptr)
        continue;
      g_autoptr (GString) row = g_string_new (nullptr), columns = g_string_new (nullptr);
      kube_table_print_cells (kind, kube_value_get (list, "items.0"), 0, row);
      kube_table_print_columns (kind, columns);
      g_autoptr (KubeValue) have = kube_value_parse (row->str, row->len, nullptr), have_columns = kube_value_parse (columns->str, columns->len, nullptr);
      KubeValue *want = kube_value_get (table, "rows.0.cells"), *want_columns = kube_value_get (table, "columnDefinitions");
      bool equal = kube_value_get_length (have) == kube_value_get_length (want);
      for (guint i = 0; equal && i < kube_value_get_length (want); i++)
        {
          KubeValue *cell = kube_value_get_element (want, i);
          const char *text = kube_value_peek_string (cell, nullptr);
          /* Times, addresses and ports are hidden in the records. */
          if (text != nullptr && (strstr (text, "<age>") != nullptr || strstr (text, "<time>") != nullptr || strstr (text, "<now>") != nullptr || strstr (text, "<ip>") != nullptr || strstr (text, "<port>") != nullptr || g_str_has_suffix (text, "d")))
            continue;
          equal = kube_value_equal (cell, kube_value_get_element (have, i));
        }
      bool same_columns = kube_value_get_length (have_columns) == kube_value_get_length (want_columns);
      for (guint i = 0; same_columns && i < kube_value_get_length (want_columns); i++)
        for (const char *key : { "name", "type", "format", "priority" })
          same_columns = same_columns && kube_value_equal (kube_value_get (kube_value_get_element (want_columns, i), key),
                                                           kube_value_get (kube_value_get_element (have_columns, i), key));
      n++;
      same += equal;
      headers += same_columns;
      if ((!equal || !same_columns) && g_getenv ("KUBE_TEST_VERBOSE") != nullptr)
        {
          g_autofree char *text = kube_value_print (want, nullptr);
          g_print ("%s\n  want %s\n  have %s\n", kube_value_get_string (test, "id"), text, row->str);
        }
    }
  g_print ("tables: %u rows, %u the same, %u with the same columns\n", n, same, headers);
  EXPECT_GT (n, 30u);
  EXPECT_GE (same * 100, n * 95);
  EXPECT_GE (headers * 100, n * 95);
}

} // namespace
