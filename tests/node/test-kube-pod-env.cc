/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
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
