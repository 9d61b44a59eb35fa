/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-builder.h>
#include <kube/kube-yaml.h>

#include <map>
#include <string>
#include <vector>

/* The reference data that lies beside the project: upstream's definitions (k8s-1.36) and recorded answers (oracle). Tests that need them are
 * skipped where they are absent. $KUBE_REFERENCE_DATA names the folder that holds k8s-1.36. */
struct ReferenceData
{
  std::string definitions;
  std::string oracle;
  std::map<std::string, KubeValue *> bases;

  ReferenceData ()
  {
    const char *given = g_getenv ("KUBE_REFERENCE_DATA");

    definitions = given != nullptr ? given : std::string (KUBE_SOURCE_ROOT) + "/../shared/k8s-1.36";
    for (const char *up : { "/../../shared", "/../../../shared" })
      if (given == nullptr && !g_file_test (definitions.c_str (), G_FILE_TEST_IS_DIR))
        definitions = std::string (KUBE_SOURCE_ROOT) + up + "/k8s-1.36";
    oracle = definitions + "/../oracle";
  }

  ~ReferenceData ()
  {
    for (auto &base : bases)
      kube_value_unref (base.second);
  }

  bool has_definitions () const { return g_file_test ((definitions + "/swagger.json").c_str (), G_FILE_TEST_EXISTS); }
  bool has_oracle () const { return g_file_test ((oracle + "/bases.yaml").c_str (), G_FILE_TEST_EXISTS); }

  static std::string read_file (const std::string &path)
  {
    g_autofree char *text = nullptr;
    gsize length = 0;

    return g_file_get_contents (path.c_str (), &text, &length, nullptr) ? std::string (text, length) : std::string ();
  }

  std::vector<std::string> read_lines (const std::string &name) const
  {
    g_autoptr (GFile) file = g_file_new_for_path ((oracle + "/" + name).c_str ());
    g_autoptr (GFileInputStream) compressed = g_file_read (file, nullptr, nullptr);
    g_autoptr (GZlibDecompressor) unpacker = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
    g_autoptr (GInputStream) plain = g_converter_input_stream_new (G_INPUT_STREAM (compressed), G_CONVERTER (unpacker));
    g_autoptr (GDataInputStream) stream = g_data_input_stream_new (plain);
    std::vector<std::string> lines;
    gsize length;

    while (char *line = g_data_input_stream_read_line (stream, &length, nullptr, nullptr))
      {
        lines.emplace_back (line, length);
        g_free (line);
      }
    return lines;
  }

  void load_bases ()
  {
    std::string text = quote_letters (read_file (oracle + "/bases.yaml"));
    std::string request = read_file (oracle + "/csr.b64");
    g_autoptr (GPtrArray) documents = kube_yaml_parse_all (text.c_str (), text.size (), nullptr);

    while (!request.empty () && g_ascii_isspace (request.back ()))
      request.pop_back ();
    for (guint i = 0; i < documents->len; i++)
      {
        KubeValue *value = static_cast<KubeValue *> (documents->pdata[i]);
        std::string name = kube_value_get_string (value, "x-base");
        g_autoptr (KubeBuilder) builder = kube_builder_new (value);

        kube_node_remove_member (kube_builder_get_root (builder), "x-base");
        if (name == "csr-min")
          kube_node_set_string (kube_builder_get_root (builder), "spec.request", request.c_str ());
        bases[name] = kube_builder_end (builder);
      }
  }

  /* The body that a case sends: its base object with its change. */
  KubeValue *changed_base (KubeValue *test)
  {
    KubeValue *change = kube_value_get (test, "change"), *path = kube_value_get_element (change, 1);
    guint n = kube_value_get_length (path);

    if (bases.empty ())
      load_bases ();
    KubeValue *base = bases.at (kube_value_get_string (test, "base"));
    if (change == nullptr)
      return kube_value_ref (base);
    g_autoptr (KubeBuilder) builder = kube_builder_new (base);
    KubeNode *node = kube_builder_get_root (builder);
    for (guint i = 0; i + 1 < n; i++)
      node = step (node, kube_value_get_element (path, i));
    KubeValue *last = kube_value_get_element (path, n - 1);
    std::string operation = kube_value_get_string (change, "0");
    bool remove = operation == "remove";
    if (operation == "again")
      {
        KubeNode *list = step (node, last);
        g_autoptr (KubeValue) first = kube_node_to_value (kube_node_get_element (list, 0));
        kube_node_append_value (list, first);
      }
    else if (remove && kube_value_is_string (last))
      kube_node_remove_member (node, kube_value_get_string (last, nullptr));
    else if (remove)
      kube_node_remove_element (node, kube_value_get_integer (last, nullptr, 0));
    else if (kube_value_is_string (last))
      kube_node_put_value (node, kube_value_get_string (last, nullptr), kube_value_get_element (change, 2));
    else if (kube_value_get_integer (last, nullptr, 0) == kube_node_get_length (node))
      kube_node_append_value (node, kube_value_get_element (change, 2));
    else
      kube_node_become_value (kube_node_get_element (node, kube_value_get_integer (last, nullptr, 0)), kube_value_get_element (change, 2));
    return kube_builder_end (builder);
  }

private:
  /* Its readers take a bare y and n for strings; in YAML 1.1, which kubectl reads, they are booleans. */
  static std::string quote_letters (const std::string &yaml)
  {
    g_autoptr (GRegex) letters = g_regex_new ("(?<=[\\[{ ])([yn])(?=[],}:])", G_REGEX_DEFAULT, G_REGEX_MATCH_DEFAULT, nullptr);
    g_autofree char *quoted = g_regex_replace (letters, yaml.c_str (), yaml.size (), 0, "\"\\1\"", G_REGEX_MATCH_DEFAULT, nullptr);

    return quoted;
  }

  static KubeNode *step (KubeNode *node, KubeValue *key)
  {
    if (kube_value_is_string (key))
      return kube_node_get_member (node, kube_value_get_string (key, nullptr));
    return kube_node_get_element (node, kube_value_get_integer (key, nullptr, 0));
  }
};
