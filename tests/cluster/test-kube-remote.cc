/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-cluster.h>
#include <kube/kube-http-client.h>
#include <kube/kube-informer.h>
#include <glib/gstdio.h>
#include <string>
#include <vector>
#include "wait-until.h"

/* The HTTP client and what stands on it, against the library's own server over TLS. */

namespace
{

struct Remote : testing::Test {
  static KubeCluster *cluster;
  static KubeConfig *config;
  KubeClient *client = NULL;
  KubeKind *maps = KUBE_KIND ("v1", "ConfigMap");
  GError *error = NULL;

  static void
  SetUpTestSuite ()
  {
    const char *disabled[] = { "kube-controller-manager", "kube-scheduler", "kubelet", NULL };
    KubeClusterOptions options = {};
    options.serve = TRUE;
    options.bind_address = "127.0.0.1";
    options.disabled = disabled;
    GError *cause = NULL;
    cluster = kube_cluster_new (&options, &cause);
    ASSERT_NE (cluster, nullptr) << cause->message;
    char *text = kube_cluster_dup_kubeconfig (cluster), *path;
    g_close (g_file_open_tmp ("kubeconfig-XXXXXX", &path, NULL), NULL);
    g_file_set_contents (path, text, -1, NULL);
    config = kube_config_load (path, NULL, &cause);
    EXPECT_NE (config, nullptr) << cause->message;
    g_remove (path);
    g_free (path);
    g_free (text);
  }

  static void
  TearDownTestSuite ()
  {
    g_clear_pointer (&config, kube_config_unref);
    if (cluster != NULL)
      kube_cluster_stop (cluster);
    g_clear_object (&cluster);
  }

  void
  SetUp () override
  {
    ASSERT_NE (config, nullptr);
    client = kube_http_client_new (config, &error);
    ASSERT_NE (client, nullptr) << error->message;
  }

  void
  TearDown () override
  {
    if (client != NULL) {
      KubeRequest *request = kube_request_new (KUBE_VERB_DELETE_COLLECTION, maps, "default", NULL);
      kube_request_set_option (request, "labelSelector", "test=remote");
      g_autoptr (KubeResponse) response = kube_client_send (client, request, NULL, NULL);
      kube_request_unref (request);
    }
    g_clear_object (&client);
    g_clear_error (&error);
  }

  KubeObject *
  make (const std::string &name, const char *data)
  {
    std::string text = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                       + "\",\"namespace\":\"default\",\"labels\":{\"test\":\"remote\"}},\"data\":{\"d\":\"" + data + "\"}}";
    g_autoptr (KubeValue) value = kube_value_parse (text.c_str (), -1, NULL);
    return kube_object_new (value);
  }

  void
  create (const std::string &name, const char *data)
  {
    g_autoptr (KubeObject) object = make (name, data);
    g_autoptr (KubeObject) created = kube_client_create (client, object, &error);
    ASSERT_NE (created, nullptr) << error->message;
  }
};

KubeCluster *Remote::cluster;
KubeConfig *Remote::config;

std::string
certificate_authority (const std::string &kubeconfig)
{
  const std::string member = "certificate-authority-data: ";
  size_t from = kubeconfig.find (member) + member.size ();
  gsize length;
  g_autofree guchar *data = g_base64_decode (kubeconfig.substr (from, kubeconfig.find ('\n', from) - from).c_str (), &length);
  return std::string ((char *) data, length);
}

struct Counts {
  int added = 0, updated = 0, removed = 0, synced = 0;

  explicit Counts (KubeInformer *informer)
  {
    g_signal_connect_swapped (informer, "added", G_CALLBACK (+[] (Counts *c) { c->added++; }), this);
    g_signal_connect_swapped (informer, "updated", G_CALLBACK (+[] (Counts *c) { c->updated++; }), this);
    g_signal_connect_swapped (informer, "removed", G_CALLBACK (+[] (Counts *c) { c->removed++; }), this);
    g_signal_connect_swapped (informer, "synced", G_CALLBACK (+[] (Counts *c) { c->synced++; }), this);
  }
};

}

TEST_F (Remote, WritesAndReads)
{
  create ("a", "1");
  g_autoptr (KubeObject) read = kube_client_get (client, maps, "default", "a", &error);
  ASSERT_NE (read, nullptr) << error->message;
  EXPECT_STREQ (kube_object_get_string (read, "data.d"), "1");
  EXPECT_NE (kube_object_get_uid (read), nullptr);

  g_autoptr (KubeValue) patch = kube_value_parse ("{\"data\":{\"d\":\"2\"}}", -1, NULL);
  g_autoptr (KubeObject) patched = kube_client_patch (client, read, KUBE_PATCH_MERGE, patch, &error);
  ASSERT_NE (patched, nullptr) << error->message;
  EXPECT_STREQ (kube_object_get_string (patched, "data.d"), "2");

  EXPECT_EQ (kube_client_update (client, read, &error), nullptr) << "it has changed since";
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT));
  EXPECT_STREQ (error->message,
                "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your "
                "changes to the latest version and try again");
  g_clear_error (&error);

  EXPECT_TRUE (kube_client_delete (client, maps, "default", "a", &error));
  EXPECT_EQ (kube_client_get (client, maps, "default", "a", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND));
}

TEST_F (Remote, ErrorsHaveTheirCauses)
{
  g_autoptr (KubeObject) bad = make ("UPPER", "1");
  EXPECT_EQ (kube_client_create (client, bad, &error), nullptr);
  ASSERT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INVALID)) << error->message;
  const KubeErrorDetails *details = kube_error_get_details (error);
  EXPECT_STREQ (details->name, "UPPER");
  ASSERT_NE (details->causes, nullptr);
  EXPECT_STREQ (((KubeErrorCause *) g_ptr_array_index (details->causes, 0))->field, "metadata.name");
}

/* More than a page, listed and streamed. */
TEST_F (Remote, InformersFollow)
{
  const int many = 612;
  for (int i = 0; i < many; i++)
    create ("m" + std::to_string (i), "1");
  for (bool streaming : { false, true }) {
    g_autoptr (KubeInformer) informer = kube_informer_new (client, maps, "default");
    kube_informer_set_selectors (informer, "test=remote", NULL);
    kube_informer_set_streaming (informer, streaming);
    Counts counts (informer);
    kube_informer_start (informer);
    ASSERT_TRUE (wait_until ([&] { return counts.synced == 1; })) << streaming;
    EXPECT_EQ (counts.added, many) << streaming;
    g_autoptr (KubeValue) patch
        = kube_value_parse (streaming ? "{\"data\":{\"d\":\"3\"}}" : "{\"data\":{\"d\":\"2\"}}", -1, NULL);
    g_autoptr (KubeObject) object = make ("m7", "1");
    g_autoptr (KubeObject) patched = kube_client_patch (client, object, KUBE_PATCH_MERGE, patch, &error);
    ASSERT_NE (patched, nullptr) << error->message;
    create (streaming ? "streamed" : "listed", "1");
    ASSERT_TRUE (kube_client_delete (client, maps, "default", streaming ? "streamed" : "listed", &error)) << error->message;
    EXPECT_TRUE (wait_until ([&] { return counts.removed == 1; })) << streaming;
    EXPECT_EQ (counts.added, many + 1);
    EXPECT_EQ (counts.updated, 1);
    EXPECT_STREQ (kube_object_get_string (kube_informer_get (informer, "default", "m7"), "data.d"), streaming ? "3" : "2");
  }
}

TEST_F (Remote, AWatchGoesOnFromARevision)
{
  create ("w", "1");
  g_autoptr (KubeObject) first = kube_client_get (client, maps, "default", "w", &error);
  g_autoptr (KubeValue) patch = kube_value_parse ("{\"data\":{\"d\":\"2\"}}", -1, NULL);
  g_autoptr (KubeObject) patched = kube_client_patch (client, first, KUBE_PATCH_MERGE, patch, &error);
  ASSERT_NE (patched, nullptr) << error->message;

  KubeRequest *request = kube_request_new (KUBE_VERB_WATCH, maps, "default", NULL);
  kube_request_set_option (request, "resourceVersion", kube_object_get_resource_version (first));
  kube_request_set_option (request, "fieldSelector", "metadata.name=w");
  g_autoptr (KubeWatch) watch = kube_client_watch (client, request);
  std::string seen;
  kube_watch_set_func (
      watch,
      [] (KubeWatch *, KubeWatchEventType type, KubeObject *object, gpointer data) {
        if (type == KUBE_WATCH_MODIFIED)
          *static_cast<std::string *> (data) += kube_object_get_string (object, "data.d");
      },
      &seen, NULL);
  kube_watch_start (watch);
  EXPECT_TRUE (wait_until ([&] { return !seen.empty (); }));
  EXPECT_EQ (seen, "2");
  kube_request_unref (request);
}

/* One process may speak for several users: what TLS remembers of one must not become another's. */
TEST_F (Remote, EveryClientIsItsOwnUser)
{
  g_autofree char *text = kube_cluster_dup_kubeconfig (cluster);
  g_autoptr (KubeConfig) nobody = kube_config_new (kube_config_get_server (config), certificate_authority (text).c_str (), NULL, NULL, NULL);
  for (int round = 0; round < 3; round++) {
    g_autoptr (KubeClient) stranger = kube_http_client_new (nobody, &error);
    ASSERT_NE (stranger, nullptr) << error->message;
    g_autoptr (KubeObjectList) refused = kube_client_list (stranger, maps, "default", NULL, &error);
    EXPECT_EQ (refused, nullptr) << round;
    EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN)) << round;
    g_clear_error (&error);
    g_autoptr (KubeClient) admin = kube_http_client_new (config, &error);
    g_autoptr (KubeObjectList) list = kube_client_list (admin, maps, "default", NULL, &error);
    EXPECT_NE (list, nullptr) << round << error->message;
    g_clear_error (&error);
  }
}
