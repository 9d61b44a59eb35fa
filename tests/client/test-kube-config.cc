/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-config-private.h"
#include <glib/gstdio.h>
#include <gtest/gtest.h>
#include <string>

namespace
{

const char *pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
const char *pem64 = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

struct Config : testing::Test {
  std::string folder;
  KubeConfig *config = NULL;
  GError *error = NULL;

  void
  SetUp () override
  {
    char *made = g_dir_make_tmp ("kube-config-XXXXXX", NULL);
    folder = made;
    g_free (made);
  }

  void
  TearDown () override
  {
    g_clear_pointer (&config, kube_config_unref);
    g_clear_error (&error);
    GDir *dir = g_dir_open (folder.c_str (), 0, NULL);
    while (const char *name = g_dir_read_name (dir))
      g_remove ((folder + "/" + name).c_str ());
    g_dir_close (dir);
    g_rmdir (folder.c_str ());
  }

  std::string
  write (const char *name, const std::string &text)
  {
    std::string path = folder + "/" + name;
    EXPECT_TRUE (g_file_set_contents (path.c_str (), text.c_str (), text.size (), NULL));
    return path;
  }

  bool
  parse (const std::string &text, const char *context = NULL)
  {
    g_clear_pointer (&config, kube_config_unref);
    g_clear_error (&error);
    config = kube_config_parse (text.c_str (), text.size (), folder.c_str (), context, &error);
    EXPECT_EQ (config == NULL, error != NULL);
    return config != NULL;
  }

  std::string
  message () const
  {
    return error != NULL ? error->message : "";
  }
};

std::string
kubeconfig (const std::string &cluster, const std::string &user)
{
  return "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
         "contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: web}\n"
         "clusters:\n- name: k\n  cluster: {"
         + cluster + "}\nusers:\n- name: u\n  user: {" + user + "}\n";
}

}

TEST_F (Config, ReadsInlineDataAndFilesBesideTheFile)
{
  write ("key.pem", "-----BEGIN KEY-----");
  ASSERT_TRUE (parse (kubeconfig (std::string ("server: 'https://a:6443', certificate-authority-data: ") + pem64,
                                  std::string ("client-key: key.pem, client-certificate-data: ") + pem64)))
      << message ();
  EXPECT_STREQ (kube_config_get_server (config), "https://a:6443");
  EXPECT_STREQ (kube_config_get_namespace (config), "web");
  EXPECT_STREQ (config->ca_pem, pem);
  EXPECT_STREQ (config->certificate_pem, pem);
  EXPECT_STREQ (config->key_pem, "-----BEGIN KEY-----");
}

TEST_F (Config, ReadsTheOtherSettings)
{
  ASSERT_TRUE (parse (kubeconfig ("server: x, insecure-skip-tls-verify: true, tls-server-name: other, proxy-url: 'http://p:1'",
                                  "token: t, tokenFile: f, as: jane, as-groups: [g, h], as-user-extra: {scopes: [s]}")))
      << message ();
  EXPECT_TRUE (config->insecure);
  EXPECT_STREQ (config->tls_server_name, "other");
  EXPECT_STREQ (config->proxy_url, "http://p:1");
  EXPECT_STREQ (config->token, "t");
  EXPECT_EQ (config->token_file, folder + "/f");
  EXPECT_STREQ (config->impersonate_user, "jane");
  EXPECT_STREQ (config->impersonate_groups[1], "h");
  EXPECT_STREQ (kube_value_get_string (config->impersonate_extra, "scopes.0"), "s");
}

TEST_F (Config, ReadsExecPlugins)
{
  ASSERT_TRUE (
      parse (kubeconfig ("server: x", "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [a, b], "
                                      "env: [{name: NAME, value: v}], interactiveMode: Never}")))
      << message ();
  EXPECT_EQ (config->exec->command, folder + "/./login");
  EXPECT_STREQ (config->exec->args[1], "b");
  EXPECT_STREQ (config->exec->env[0], "NAME=v");
  EXPECT_FALSE (parse (kubeconfig ("server: x", "exec: {apiVersion: client.authentication.k8s.io/v1}")));
  EXPECT_EQ (message (), "command must be specified for a user to use exec authentication plugin");
}

TEST_F (Config, SaysWhatIsMissingOrWrong)
{
  const std::pair<std::string, const char *> cases[] = {
    { "", "invalid configuration: no configuration has been provided" },
    { "current-context: c", "context \"c\" does not exist" },
    { "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]", "cluster \"k\" does not exist" },
    { "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: x}}]",
      "auth info \"u\" does not exist" },
    { kubeconfig ("", ""), "invalid configuration: no server found for the cluster" },
    { kubeconfig ("server: x, certificate-authority-data: '!!'", ""),
      "certificate-authority-data is not the base64 form of a PEM text" },
    { kubeconfig (std::string ("server: x, insecure-skip-tls-verify: true, certificate-authority-data: ") + pem64, ""),
      "specifying a root certificates file with the insecure flag is not allowed" },
    { kubeconfig ("server: x", std::string ("client-certificate-data: ") + pem64),
      "client-key-data or client-key must be specified for a user to use the client certificate authentication method" },
    { kubeconfig ("server: x", "auth-provider: {name: gcp}"), "auth-provider is not supported: use an exec plugin" },
    { "[1]", "a kubeconfig must be an object" },
  };
  for (const auto &[text, want] : cases) {
    EXPECT_FALSE (parse (text)) << text;
    EXPECT_EQ (message (), want);
  }
  EXPECT_FALSE (parse (kubeconfig ("server: x, certificate-authority: no-such-file", "")));
  EXPECT_EQ (message ().substr (0, 38), "unable to read certificate-authority: ");
}

TEST_F (Config, AnEmptyUserIsNobody)
{
  EXPECT_TRUE (parse ("current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                      "clusters: [{name: k, cluster: {server: x}}]\nusers: [{name: u}]"))
      << message ();
}

TEST_F (Config, OfSeveralFilesTheFirstThatSaysItCounts)
{
  std::string a = write (
      "a", "contexts: [{name: c, context: {cluster: k, user: u, namespace: from-a}}]\nusers: [{name: u, user: {token: a}}]");
  std::string b = write ("b", "current-context: c\ncontexts: [{name: c, context: {cluster: z}}]\n"
                              "clusters: [{name: k, cluster: {server: from-b}}]\nusers: [{name: u, user: {token: b}}]");
  std::string missing = folder + "/missing";
  const char *paths[] = { missing.c_str (), a.c_str (), b.c_str (), NULL };
  config = kube_config_load_files (paths, FALSE, NULL, &error);
  ASSERT_NE (config, nullptr) << message ();
  EXPECT_STREQ (config->server, "from-b");
  EXPECT_STREQ (config->namespace_, "from-a");
  EXPECT_STREQ (config->token, "a");
}

TEST_F (Config, AFileThatIsAskedForMustBeThere)
{
  std::string path = folder + "/missing";
  EXPECT_EQ (kube_config_load (path.c_str (), NULL, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND));
}

TEST_F (Config, AnotherContextCanBeChosen)
{
  std::string text = "current-context: a\ncontexts: [{name: a, context: {cluster: a}}, {name: b, context: {cluster: b}}]\n"
                     "clusters: [{name: a, cluster: {server: sa}}, {name: b, cluster: {server: sb}}]";
  ASSERT_TRUE (parse (text));
  EXPECT_STREQ (kube_config_get_server (config), "sa");
  EXPECT_STREQ (kube_config_get_namespace (config), "default");
  ASSERT_TRUE (parse (text, "b"));
  EXPECT_STREQ (kube_config_get_server (config), "sb");
  EXPECT_FALSE (parse (text, "none"));
}

TEST_F (Config, APodReadsItsServiceAccount)
{
  write ("token", "secret\n");
  write ("ca.crt", pem);
  write ("namespace", "web");
  config = kube_config_new_from_service_account (folder.c_str (), "fd00::1", "443", &error);
  ASSERT_NE (config, nullptr) << message ();
  EXPECT_STREQ (config->server, "https://[fd00::1]:443");
  EXPECT_STREQ (config->token, "secret");
  EXPECT_EQ (config->token_file, folder + "/token");
  EXPECT_STREQ (config->ca_pem, pem);
  EXPECT_STREQ (kube_config_get_namespace (config), "web");
  EXPECT_EQ (kube_config_new_from_service_account (folder.c_str (), NULL, NULL, NULL), nullptr);
}

TEST_F (Config, WhatIsPrintedIsReadBack)
{
  KubeConfig *made = kube_config_new ("https://127.0.0.1:6443", pem, pem, "-----BEGIN KEY-----\n", "tok");
  char *text = kube_config_print (made, "local");
  ASSERT_TRUE (parse (text)) << message ();
  EXPECT_STREQ (config->server, made->server);
  EXPECT_STREQ (config->ca_pem, made->ca_pem);
  EXPECT_STREQ (config->certificate_pem, made->certificate_pem);
  EXPECT_STREQ (config->key_pem, made->key_pem);
  EXPECT_STREQ (config->token, "tok");
  g_free (text);
  kube_config_unref (made);
}
