/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-env.h"

#include <string.h>

#define MAX_NAMESERVERS 3
#define MAX_SEARCHES 32
#define MAX_HOSTNAME 63

char *
kube_pod_hostname (KubeObject *pod)
{
  const char *hostname = kube_object_get_string (pod, "spec.hostnameOverride");

  if (hostname == NULL)
    hostname = kube_object_get_string (pod, "spec.hostname");
  if (hostname == NULL || *hostname == '\0')
    hostname = kube_object_get_name (pod);
  char *copy = g_strndup (hostname, MAX_HOSTNAME);
  for (gsize n = strlen (copy); n > 0 && (copy[n - 1] == '-' || copy[n - 1] == '.'); n--)
    copy[n - 1] = '\0';
  return copy;
}

char *
kube_pod_fqdn (KubeNodeContext *node, KubeObject *pod)
{
  const char *subdomain = kube_object_get_string (pod, "spec.subdomain");
  g_autofree char *hostname = kube_pod_hostname (pod);

  if (subdomain == NULL || *subdomain == '\0' || kube_object_get_string (pod, "spec.hostnameOverride") != NULL)
    return NULL;
  return g_strdup_printf ("%s.%s.%s.svc.%s", hostname, subdomain, kube_object_get_namespace (pod), node->cluster_domain);
}

static void
append_aliases (GString *out, KubeValue *aliases)
{
  if (kube_value_get_length (aliases) > 0)
    g_string_append (out, "\n# Entries added by HostAliases.\n");
  for (guint i = 0; i < kube_value_get_length (aliases); i++) {
    KubeValue *alias = kube_value_get_element (aliases, i), *names = kube_value_get (alias, "hostnames");
    g_string_append (out, kube_value_get_string (alias, "ip"));
    for (guint j = 0; j < kube_value_get_length (names); j++)
      g_string_append_printf (out, "\t%s", kube_value_peek_string (kube_value_get_element (names, j), NULL));
    g_string_append_c (out, '\n');
  }
}

char *
kube_pod_make_hosts (KubeNodeContext *node, KubeObject *pod, const char *const *pod_ips)
{
  GString *out = g_string_new (NULL);

  if (kube_object_get_boolean (pod, "spec.hostNetwork", FALSE)) {
    g_autofree char *hosts = NULL;
    g_file_get_contents ("/etc/hosts", &hosts, NULL, NULL);
    g_string_append_printf (out, "# Kubernetes-managed hosts file (host network).\n%s", hosts != NULL ? hosts : "");
  } else {
    g_autofree char *hostname = kube_pod_hostname (pod);
    g_autofree char *fqdn = kube_pod_fqdn (node, pod);
    g_string_append (
      out,
      "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
      "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n");
    for (guint i = 0; pod_ips != NULL && pod_ips[i] != NULL; i++)
      g_string_append_printf (out, "%s\t%s%s%s\n", pod_ips[i], fqdn != NULL ? fqdn : "", fqdn != NULL ? "\t" : "", hostname);
  }
  append_aliases (out, kube_object_get (pod, "spec.hostAliases"));
  return g_string_free (out, FALSE);
}

/* What a resolv.conf is made of. */
typedef struct {
  GPtrArray *nameservers, *searches, *options; /* (element-type utf8) */
} Resolver;

static void
add_unique (GPtrArray *list, const char *text)
{
  if (text != NULL && *text != '\0' && !g_ptr_array_find_with_equal_func (list, text, g_str_equal, NULL))
    g_ptr_array_add (list, g_strdup (text));
}

static void
read_host (Resolver *resolver)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/etc/resolv.conf", &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) words = g_strsplit_set (g_strstrip (*line), " \t", -1);
    GPtrArray *list = g_strcmp0 (words[0], "nameserver") == 0 ? resolver->nameservers
                      : g_strcmp0 (words[0], "search") == 0   ? resolver->searches
                      : g_strcmp0 (words[0], "options") == 0  ? resolver->options
                                                              : NULL;
    if (list == resolver->searches)
      g_ptr_array_set_size (list, 0); /* the last line holds */
    for (char **word = words + 1; list != NULL && *word != NULL; word++)
      add_unique (list, *word);
  }
}

static void
add_all (GPtrArray *list, KubeValue *array)
{
  for (guint i = 0; i < kube_value_get_length (array); i++)
    add_unique (list, kube_value_peek_string (kube_value_get_element (array, i), NULL));
}

static void
set_option (GPtrArray *options, const char *name, const char *value)
{
  g_autofree char *prefix = g_strconcat (name, ":", NULL);
  g_autofree char *text = value != NULL && *value != '\0' ? g_strconcat (prefix, value, NULL) : g_strdup (name);

  for (guint i = 0; i < options->len; i++) {
    if (g_str_equal (options->pdata[i], name) || g_str_has_prefix (options->pdata[i], prefix)) {
      g_free (options->pdata[i]);
      options->pdata[i] = g_steal_pointer (&text);
      return;
    }
  }
  g_ptr_array_add (options, g_steal_pointer (&text));
}

static void
add_cluster (KubeNodeContext *node, KubeObject *pod, Resolver *resolver)
{
  g_autoptr (GPtrArray) host = resolver->searches;
  g_autofree char *first = g_strdup_printf ("%s.svc.%s", kube_object_get_namespace (pod), node->cluster_domain);
  g_autofree char *second = g_strdup_printf ("svc.%s", node->cluster_domain);

  resolver->searches = g_ptr_array_new_with_free_func (g_free);
  add_unique (resolver->searches, first);
  add_unique (resolver->searches, second);
  add_unique (resolver->searches, node->cluster_domain);
  for (guint i = 0; i < host->len; i++)
    add_unique (resolver->searches, host->pdata[i]);
  g_ptr_array_set_size (resolver->nameservers, 0);
  add_unique (resolver->nameservers, node->cluster_dns);
  g_ptr_array_set_size (resolver->options, 0);
  g_ptr_array_add (resolver->options, g_strdup ("ndots:5"));
}

static char *
print_resolver (Resolver *resolver)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < MIN (resolver->searches->len, MAX_SEARCHES); i++)
    g_string_append_printf (out, "%s %s", i == 0 ? "search" : "", (char *) resolver->searches->pdata[i]);
  if (resolver->searches->len > 0)
    g_string_append_c (out, '\n');
  for (guint i = 0; i < MIN (resolver->nameservers->len, MAX_NAMESERVERS); i++)
    g_string_append_printf (out, "nameserver %s\n", (char *) resolver->nameservers->pdata[i]);
  for (guint i = 0; i < resolver->options->len; i++)
    g_string_append_printf (out, "%s %s%s", i == 0 ? "options" : "", (char *) resolver->options->pdata[i],
                            i + 1 == resolver->options->len ? "\n" : "");
  return g_string_free (out, FALSE);
}

char *
kube_pod_make_resolv_conf (KubeNodeContext *node, KubeObject *pod)
{
  const char *policy = kube_object_get_string (pod, "spec.dnsPolicy");
  gboolean host_network = kube_object_get_boolean (pod, "spec.hostNetwork", FALSE);
  KubeValue *config = kube_object_get (pod, "spec.dnsConfig"), *options = kube_value_get (config, "options");
  Resolver resolver = { g_ptr_array_new_with_free_func (g_free), g_ptr_array_new_with_free_func (g_free),
                        g_ptr_array_new_with_free_func (g_free) };

  if (g_strcmp0 (policy, "None") != 0)
    read_host (&resolver);
  if (g_strcmp0 (policy, "ClusterFirstWithHostNet") == 0 ||
      ((policy == NULL || g_str_equal (policy, "ClusterFirst")) && !host_network))
    add_cluster (node, pod, &resolver);
  add_all (resolver.nameservers, kube_value_get (config, "nameservers"));
  add_all (resolver.searches, kube_value_get (config, "searches"));
  for (guint i = 0; i < kube_value_get_length (options); i++) {
    KubeValue *option = kube_value_get_element (options, i);
    set_option (resolver.options, kube_value_get_string (option, "name"), kube_value_get_string (option, "value"));
  }
  char *text = print_resolver (&resolver);
  g_ptr_array_unref (resolver.nameservers);
  g_ptr_array_unref (resolver.searches);
  g_ptr_array_unref (resolver.options);
  return text;
}
