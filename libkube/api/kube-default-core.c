/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-default-private.h"
#include "kube-pod-resources.h"

#include <kube/kube-quantity.h>

#include <string.h>

/* Defaults of the core group that depend on more than their type. */

void
kube_default_unset_string (KubeNode *object, const char *path, const char *text)
{
  const char *now = kube_node_get_string (object, path);

  if (now == NULL || now[0] == '\0')
    kube_node_set_string (object, path, text);
}

void
kube_default_copy_missing (KubeNode *object, const char *from, const char *to)
{
  KubeNode *source = kube_node_get (object, from);

  for (guint i = 0; i < kube_node_get_length (source); i++) {
    const char *key = kube_node_get_key (source, i);
    KubeNode *target = kube_node_ensure_object (object, to);
    g_autoptr (KubeValue) value = NULL;

    if (kube_node_get_member (target, key) != NULL)
      continue;
    value = kube_node_to_value (kube_node_get_element (source, i));
    kube_node_put_value (target, key, value);
  }
}

static gboolean
string_is (KubeNode *object, const char *path, const char *wanted)
{
  const char *text = kube_node_get_string (object, path);

  return text != NULL && strcmp (text, wanted) == 0;
}

/* Whether an image's tag is `latest`, written or implied. What is no image reference has no tag. */
static gboolean
is_latest (const char *image)
{
#define PART "[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*"
#define HOST "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
  static GRegex *reference;
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *name = NULL;
  g_autofree char *tag = NULL;
  g_autofree char *digest = NULL;

  if (g_once_init_enter (&reference))
    g_once_init_leave (
        &reference,
        g_regex_new ("^((?:(?:" HOST "(?:\\." HOST ")*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?/)?" PART "(?:/" PART ")*)"
                     "(?::(\\w[\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?\\z",
                     G_REGEX_OPTIMIZE | G_REGEX_DOLLAR_ENDONLY, 0, NULL));
  if (image == NULL || !g_regex_match (reference, image, 0, &match))
    return FALSE;
  name = g_match_info_fetch (match, 1);
  tag = g_match_info_fetch (match, 2);
  digest = g_match_info_fetch (match, 3);
  if (strlen (name) > 255 - (strchr (name, '/') == NULL ? strlen ("docker.io/library/") : 0))
    return FALSE;
  if (tag != NULL && tag[0] != '\0')
    return strcmp (tag, "latest") == 0;
  return digest == NULL || digest[0] == '\0';
}

void
kube_default_container (KubeNode *object)
{
  kube_default_unset_string (object, "imagePullPolicy",
                             is_latest (kube_node_get_string (object, "image")) ? "Always" : "IfNotPresent");
}

void
kube_default_volume (KubeNode *object)
{
  if (kube_node_get_length (object) <= (kube_node_get_member (object, "name") != NULL ? 1u : 0u))
    kube_node_ensure_object (object, "emptyDir");
  if (kube_node_get_member (object, "image") != NULL)
    kube_default_unset_string (object, "image.pullPolicy",
                               is_latest (kube_node_get_string (object, "image.reference")) ? "Always" : "IfNotPresent");
}

static void
default_requests (KubeNode *object, const char *containers)
{
  KubeNode *list = kube_node_get (object, containers);

  for (guint i = 0; i < kube_node_get_length (list); i++)
    kube_default_copy_missing (kube_node_get_element (list, i), "resources.limits", "resources.requests");
}

static void
default_host_ports (KubeNode *object, const char *containers)
{
  KubeNode *list = kube_node_get (object, containers);

  for (guint i = 0; i < kube_node_get_length (list); i++) {
    KubeNode *ports = kube_node_get (kube_node_get_element (list, i), "ports");

    for (guint k = 0; k < kube_node_get_length (ports); k++) {
      KubeNode *port = kube_node_get_element (ports, k);

      if (kube_node_get_integer (port, "hostPort", 0) == 0)
        kube_node_set_integer (port, "hostPort", kube_node_get_integer (port, "containerPort", 0));
    }
  }
}

static gboolean
is_huge_page (const char *resource)
{
  return g_str_has_prefix (resource, "hugepages-");
}

static gboolean
is_pod_level (const char *resource)
{
  return strcmp (resource, "cpu") == 0 || strcmp (resource, "memory") == 0 || is_huge_page (resource);
}

/* The names of all resources in a list of all containers. */
static GPtrArray *
list_resources (KubeNode *pod, const char *list)
{
  static const char *const places[] = { "spec.containers", "spec.initContainers" };
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint p = 0; p < G_N_ELEMENTS (places); p++) {
    KubeNode *containers = kube_node_get (pod, places[p]);

    for (guint i = 0; i < kube_node_get_length (containers); i++) {
      KubeNode *resources = kube_node_get (kube_node_get_element (containers, i), list);

      for (guint k = 0; k < kube_node_get_length (resources); k++)
        if (!g_ptr_array_find_with_equal_func (names, kube_node_get_key (resources, k), g_str_equal, NULL))
          g_ptr_array_add (names, g_strdup (kube_node_get_key (resources, k)));
    }
  }
  return names;
}

static void
fill_pod_level (KubeNode *pod, KubeValue *spec, const char *list, gboolean huge_pages)
{
  const char *short_list = strrchr (list, '.') + 1;
  g_autofree char *target = g_strconcat ("spec.resources.", short_list, NULL);
  g_autoptr (GPtrArray) names = list_resources (pod, list);

  for (guint i = 0; i < names->len; i++) {
    const char *name = names->pdata[i];
    g_autofree char *text = NULL;
    KubeQuantity sum;

    if (!is_pod_level (name) || is_huge_page (name) != huge_pages
        || kube_node_get_member (kube_node_get (pod, target), name) != NULL)
      continue;
    if (huge_pages && kube_node_get_member (kube_node_get (pod, "spec.resources.requests"), name) != NULL)
      continue;
    if (!kube_pod_spec_sum (spec, short_list, name, &sum))
      continue;
    text = kube_quantity_print (&sum);
    kube_node_put_string (kube_node_ensure_object (pod, target), name, text);
  }
}

static void
default_pod_resources (KubeNode *object)
{
  g_autoptr (KubeValue) spec = NULL;
  KubeNode *limits;

  if (kube_node_get (object, "spec.resources") == NULL)
    return;
  spec = kube_node_to_value (kube_node_get (object, "spec"));
  if (kube_node_get_length (kube_node_get (object, "spec.resources.limits"))
          + kube_node_get_length (kube_node_get (object, "spec.resources.requests"))
      > 0)
    fill_pod_level (object, spec, "resources.limits", TRUE);
  limits = kube_node_get (object, "spec.resources.limits");
  if (kube_node_get_length (limits) == 0)
    return;
  fill_pod_level (object, spec, "resources.requests", FALSE);
  for (guint i = 0; i < kube_node_get_length (limits); i++) {
    const char *key = kube_node_get_key (limits, i);
    KubeNode *requests = kube_node_ensure_object (object, "spec.resources.requests");

    if (is_pod_level (key) && kube_node_get_member (requests, key) == NULL)
      kube_node_put_string (requests, key, kube_node_get_string (kube_node_get_element (limits, i), NULL));
  }
}

void
kube_default_pod (KubeNode *object)
{
  KubeNode *spec = kube_node_get (object, "spec");

  default_requests (object, "spec.containers");
  default_requests (object, "spec.initContainers");
  default_pod_resources (object);
  if (kube_node_get (spec, "enableServiceLinks") == NULL)
    kube_node_set_boolean (object, "spec.enableServiceLinks", TRUE);
  if (kube_node_get_boolean (object, "spec.hostNetwork", FALSE)) {
    default_host_ports (object, "spec.containers");
    default_host_ports (object, "spec.initContainers");
  }
  if (kube_node_get_integer (object, "spec.terminationGracePeriodSeconds", 0) < 0)
    kube_node_set_integer (object, "spec.terminationGracePeriodSeconds", 1);
}

/* serviceAccount is the old name of serviceAccountName. */
void
kube_default_pod_spec (KubeNode *object)
{
  const char *name = kube_node_get_string (object, "serviceAccountName");

  if (name == NULL || name[0] == '\0')
    name = kube_node_get_string (object, "serviceAccount");
  if (name == NULL || name[0] == '\0')
    return;
  kube_node_set_string (object, "serviceAccountName", name);
  kube_node_set_string (object, "serviceAccount", kube_node_get_string (object, "serviceAccountName"));
}

void
kube_default_pod_status (KubeNode *object)
{
  const char *ip = kube_node_get_string (object, "podIP"), *first = kube_node_get_string (object, "podIPs.0.ip");

  if (ip != NULL && ip[0] != '\0' && (first == NULL || strcmp (ip, first) != 0)) {
    g_autofree char *copy = g_strdup (ip);

    kube_node_remove (object, "podIPs");
    kube_node_set_string (kube_node_append_object (kube_node_ensure_array (object, "podIPs")), "ip", copy);
  } else if (first != NULL) {
    g_autofree char *copy = g_strdup (first);

    kube_node_set_string (object, "podIP", copy);
  }
}

void
kube_default_node_spec (KubeNode *object)
{
  const char *cidr = kube_node_get_string (object, "podCIDR"), *first = kube_node_get_string (object, "podCIDRs.0");

  if (cidr != NULL && cidr[0] != '\0' && (first == NULL || strcmp (cidr, first) != 0)) {
    g_autofree char *copy = g_strdup (cidr);

    kube_node_remove (object, "podCIDRs");
    kube_node_append_string (kube_node_ensure_array (object, "podCIDRs"), copy);
  } else if (first != NULL) {
    g_autofree char *copy = g_strdup (first);

    kube_node_set_string (object, "podCIDR", copy);
  }
}

void
kube_default_node_status (KubeNode *object)
{
  if (kube_node_get (object, "allocatable") == NULL)
    kube_default_copy_missing (object, "capacity", "allocatable");
}

void
kube_default_namespace (KubeNode *object)
{
  const char *name = kube_node_get_string (object, "metadata.name");

  if (name != NULL && name[0] != '\0')
    kube_node_put_string (kube_node_ensure_object (object, "metadata.labels"), "kubernetes.io/metadata.name", name);
}

void
kube_default_replication_controller (KubeNode *object)
{
  if (kube_node_get_length (kube_node_get (object, "spec.selector")) == 0)
    kube_default_copy_missing (object, "spec.template.metadata.labels", "spec.selector");
  if (kube_node_get_length (kube_node_get (object, "metadata.labels")) == 0)
    kube_default_copy_missing (object, "spec.template.metadata.labels", "metadata.labels");
}

/* stringData is for writing only: its values go over data. */
void
kube_default_secret (KubeNode *object)
{
  KubeNode *strings = kube_node_get (object, "stringData");

  for (guint i = 0; i < kube_node_get_length (strings); i++) {
    const char *text = kube_node_get_string (kube_node_get_element (strings, i), NULL);
    g_autofree char *encoded = g_base64_encode ((const guchar *)(text ?: ""), strlen (text ?: ""));

    kube_node_put_string (kube_node_ensure_object (object, "data"), kube_node_get_key (strings, i), encoded);
  }
  kube_node_remove (object, "stringData");
}

void
kube_default_limit_range_item (KubeNode *object)
{
  if (!string_is (object, "type", "Container"))
    return;
  kube_default_copy_missing (object, "max", "default");
  kube_default_copy_missing (object, "default", "defaultRequest");
  kube_default_copy_missing (object, "min", "defaultRequest");
}

void
kube_default_persistent_volume (KubeNode *object)
{
  kube_default_unset_string (object, "spec.persistentVolumeReclaimPolicy", "Retain");
  if (kube_node_get (object, "spec.volumeMode") == NULL)
    kube_node_set_string (object, "spec.volumeMode", "Filesystem");
}

static void
default_target_port (KubeNode *port)
{
  KubeNode *target = kube_node_get (port, "targetPort");
  const char *name = kube_node_get_string (target, NULL);

  if (name != NULL ? name[0] == '\0' : kube_node_get_integer (target, NULL, 0) == 0)
    kube_node_set_integer (port, "targetPort", kube_node_get_integer (port, "port", 0));
}

static void
default_session_affinity (KubeNode *spec)
{
  kube_default_unset_string (spec, "sessionAffinity", "None");
  if (string_is (spec, "sessionAffinity", "None"))
    kube_node_remove (spec, "sessionAffinityConfig");
  if (string_is (spec, "sessionAffinity", "ClientIP")
      && kube_node_get (spec, "sessionAffinityConfig.clientIP.timeoutSeconds") == NULL)
    kube_node_set_integer (spec, "sessionAffinityConfig.clientIP.timeoutSeconds", 10800);
}

void
kube_default_service (KubeNode *object)
{
  KubeNode *spec = kube_node_ensure_object (object, "spec"), *ports = kube_node_get (spec, "ports"), *ingress;
  gboolean balancer, node_port, cluster;

  default_session_affinity (spec);
  kube_default_unset_string (spec, "type", "ClusterIP");
  balancer = string_is (spec, "type", "LoadBalancer");
  node_port = string_is (spec, "type", "NodePort");
  cluster = string_is (spec, "type", "ClusterIP");
  for (guint i = 0; i < kube_node_get_length (ports); i++)
    default_target_port (kube_node_get_element (ports, i));
  if (balancer || node_port || (cluster && kube_node_get_length (kube_node_get (spec, "externalIPs")) > 0))
    kube_default_unset_string (spec, "externalTrafficPolicy", "Cluster");
  if ((balancer || node_port || cluster) && kube_node_get (spec, "internalTrafficPolicy") == NULL)
    kube_node_set_string (spec, "internalTrafficPolicy", "Cluster");
  if (!balancer)
    return;
  if (kube_node_get (spec, "allocateLoadBalancerNodePorts") == NULL)
    kube_node_set_boolean (spec, "allocateLoadBalancerNodePorts", TRUE);
  ingress = kube_node_get (object, "status.loadBalancer.ingress");
  for (guint i = 0; i < kube_node_get_length (ingress); i++) {
    KubeNode *one = kube_node_get_element (ingress, i);
    const char *ip = kube_node_get_string (one, "ip");

    if (ip != NULL && ip[0] != '\0' && kube_node_get (one, "ipMode") == NULL)
      kube_node_set_string (one, "ipMode", "VIP");
  }
}
