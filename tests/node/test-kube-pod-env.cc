/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>
#include "kube-pod-env.h"

TEST (KubePodEnv, ExpandsAsUpstreamDoes)
{
  g_autoptr (GHashTable) table = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (table, (gpointer) "A", (gpointer) "one");
  g_hash_table_insert (table, (gpointer) "E", (gpointer) "");
  const std::pair<const char *, const char *> cases[] = {
    { "$(A)", "one" }, { "$$(A)", "$(A)" }, { "$(NOPE)", "$(NOPE)" }, { "$(A", "$(A" }, { "x$(E)y", "xy" }, { "$", "$" }, { "$$", "$" },
    { "$x", "$x" }, { "$(A)$(A)", "oneone" }, { "$$$(A)", "$one" }, { "()$()", "()$()" }, { "", "" },
  };
  for (auto &[in, out] : cases) {
    g_autofree char *got = kube_expand (in, table);
    EXPECT_STREQ (got, out) << in;
  }
}

TEST (KubePodEnv, FilesAreTheKubelets)
{
  KubeNodeContext node = {};
  node.cluster_domain = (char *) "cluster.local";
  node.cluster_dns = (char *) "10.96.0.10";
  g_autoptr (KubeObject) pod = kube_object_parse (R"({"metadata":{"name":"p","namespace":"ns"},"spec":{"hostname":"host-1","subdomain":"sub",
    "hostAliases":[{"ip":"10.9.8.7","hostnames":["db","db.local"]}],"dnsPolicy":"None","dnsConfig":{"nameservers":["1.1.1.1"],"searches":["a","b"],"options":[{"name":"ndots","value":"2"},{"name":"edns0"}]}}})", -1, nullptr);
  const char *const ips[] = { "10.1.2.3", nullptr };
  g_autofree char *hosts = kube_pod_make_hosts (&node, pod, ips);
  EXPECT_STREQ (hosts, "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
                       "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n10.1.2.3\thost-1.sub.ns.svc.cluster.local\thost-1\n"
                       "\n# Entries added by HostAliases.\n10.9.8.7\tdb\tdb.local\n");
  g_autofree char *resolver = kube_pod_make_resolv_conf (&node, pod);
  EXPECT_STREQ (resolver, "search a b\nnameserver 1.1.1.1\noptions ndots:2 edns0\n");
}

TEST (KubePodEnv, FieldsOfThePodAreWrittenAsGoWritesThem)
{
  KubeNodeContext node = {};
  node.node_ip = (char *) "192.0.2.1";
  g_autoptr (KubeObject) pod = kube_object_parse (R"({"metadata":{"name":"p","namespace":"ns","uid":"u","labels":{"a":"1","b":"2"},"annotations":{"x.y/z":"say \"\\\" \n\t\r\u0001\u007fé"}},"spec":{"serviceAccountName":"sa"}})",
                                                  -1, nullptr);
  const char *const ips[] = { "10.1.2.3", "fd00::3", nullptr };
  const std::pair<const char *, const char *> cases[] = {
    { "metadata.name", "p" }, { "metadata.uid", "u" }, { "spec.serviceAccountName", "sa" }, { "spec.nodeName", "" },
    { "status.hostIP", "192.0.2.1" }, { "status.podIP", "10.1.2.3" }, { "status.podIPs", "10.1.2.3,fd00::3" },
    { "metadata.labels", "a=\"1\"\nb=\"2\"" }, { "metadata.labels['b']", "2" }, { "metadata.labels['none']", "" },
    { "metadata.annotations", "x.y/z=\"say \\\"\\\\\\\" \\n\\t\\r\\x01\\x7fé\"" }, { "metadata.annotations['x.y/z']", "say \"\\\" \n\t\r\x01\x7f\xc3\xa9" },
  };
  for (auto &[path, text] : cases) {
    g_autofree char *got = kube_pod_field (&node, pod, path, ips);
    EXPECT_STREQ (got, text) << path;
  }
  EXPECT_EQ (kube_pod_field (&node, pod, "metadata.generation", ips), nullptr);
}

TEST (KubePodEnv, ResourcesAreRoundedUpToTheDivisor)
{
  KubeNodeContext node = {};
  g_autoptr (KubeValue) allocatable = kube_value_parse (R"({"cpu":"4","memory":"8Gi"})", -1, nullptr);
  node.allocatable = allocatable;
  g_autoptr (KubeObject) pod = kube_object_parse (R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"150m","memory":"20Mi"},"limits":{"cpu":"1500m"}}}],
    "initContainers":[{"name":"i","resources":{"limits":{"cpu":"7"}}}]}})", -1, nullptr);
  KubeValue *container = kube_pod_find_container (pod, "c");
  auto field = [&] (const char *selector, KubeValue *of) {
    g_autoptr (KubeValue) value = kube_value_parse (selector, -1, nullptr);
    g_autoptr (GError) error = nullptr;
    g_autofree char *text = kube_pod_resource_field (&node, pod, of, value, &error);
    return std::string (text != nullptr ? text : error->message);
  };
  EXPECT_EQ (field (R"({"resource":"limits.cpu"})", container), "2");
  EXPECT_EQ (field (R"({"resource":"requests.cpu","divisor":"1m"})", container), "150");
  EXPECT_EQ (field (R"({"resource":"requests.memory","divisor":"1Mi"})", container), "20");
  EXPECT_EQ (field (R"({"resource":"requests.memory","divisor":"0"})", container), "20971520") << "no divisor is one";
  EXPECT_EQ (field (R"({"resource":"limits.memory","divisor":"1Gi"})", container), "8") << "without a limit it is the node's";
  EXPECT_EQ (field (R"({"containerName":"i","resource":"limits.cpu"})", container), "7");
  EXPECT_EQ (field (R"({"containerName":"none","resource":"limits.cpu"})", container), "container none not found");
  EXPECT_EQ (field (R"({"resource":"limits"})", container), "unsupported container resource : limits");
}

TEST (KubePodEnv, KeysOfConfigMapsAndSecretsAreBytes)
{
  g_autoptr (KubeObject) map = kube_object_parse (R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"text"},"binaryData":{"b":"AAEC"}})", -1, nullptr);
  g_autoptr (KubeObject) secret = kube_object_parse (R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"dGV4dA=="}})", -1, nullptr);
  g_autoptr (GBytes) text = kube_object_get_data (map, "a"), binary = kube_object_get_data (map, "b"), plain = kube_object_get_data (secret, "a");
  g_autoptr (GPtrArray) keys = kube_object_list_data_keys (map);
  EXPECT_EQ (std::string ((const char *) g_bytes_get_data (text, nullptr), g_bytes_get_size (text)), "text");
  EXPECT_EQ (std::string ((const char *) g_bytes_get_data (binary, nullptr), g_bytes_get_size (binary)), std::string ("\0\1\2", 3));
  EXPECT_EQ (std::string ((const char *) g_bytes_get_data (plain, nullptr), g_bytes_get_size (plain)), "text");
  EXPECT_EQ (kube_object_get_data (map, "c"), nullptr);
  ASSERT_EQ (keys->len, 2u);
  EXPECT_STREQ ((const char *) keys->pdata[1], "b");
}
