/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-warnings.h"
#include <kube/kube-names.h>

/* Where pods are, and where their own metadata. */
static const char *const pod_paths[] = { "", "spec.template.", "template.", "spec.jobTemplate.spec.template." };

/* In the order in which upstream visits them. */
static const char *const container_lists[] = { "initContainers", "containers", "ephemeralContainers" };

static const char *
text_of (KubeValue *object, const char *key)
{
  const char *text = kube_value_get_member_string (object, key);

  return text != NULL ? text : "";
}

static void
warn_node_labels (KubeOperation *op, const char *path, KubeValue *spec)
{
  static const char required[] = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  static const char preferred[] = "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution";
  KubeValue *selector = kube_value_get_member (spec, "nodeSelector"), *terms = kube_value_get (spec, required),
            *wishes = kube_value_get (spec, preferred);

  for (guint i = 0; i < kube_value_get_length (selector); i++)
    if (kube_old_node_label (kube_value_get_key (selector, i)) != NULL)
      kube_warn (op, "%s.nodeSelector[%s]: %s", path, kube_value_get_key (selector, i),
                 kube_old_node_label (kube_value_get_key (selector, i)));
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    g_autofree char *at = g_strdup_printf ("%s.%s[%u]", path, required, i);
    kube_node_term_warn (op, at, kube_value_get_element (terms, i), FALSE);
  }
  for (guint i = 0; i < kube_value_get_length (wishes); i++) {
    g_autofree char *at = g_strdup_printf ("%s.%s[%u].preference", path, preferred, i);
    kube_node_term_warn (op, at, kube_value_get_member (kube_value_get_element (wishes, i), "preference"), TRUE);
  }
}

static void
warn_pull_secrets (KubeOperation *op, const char *path, KubeValue *spec)
{
  KubeValue *secrets = kube_value_get_member (spec, "imagePullSecrets");
  guint n = kube_value_get_length (secrets);
  g_autoptr (GHashTable) names = n > 0 ? g_hash_table_new (g_str_hash, g_str_equal) : NULL;

  for (guint i = 0; i < n; i++) {
    const char *name = text_of (kube_value_get_element (secrets, i), "name");
    if (!g_hash_table_add (names, (gpointer)name))
      kube_warn (op, "%s.imagePullSecrets[%u].name: duplicate name \"%s\"", path, i, name);
    if (*name == '\0')
      kube_warn (op, "%s.imagePullSecrets[%u].name: invalid empty name \"\"", path, i);
  }
}

static void
warn_addresses (KubeOperation *op, const char *path, KubeValue *spec)
{
  KubeValue *aliases = kube_value_get_member (spec, "hostAliases"), *servers = kube_value_get (spec, "dnsConfig.nameservers");
  guint n_aliases = kube_value_get_length (aliases);
  g_autoptr (GHashTable) seen = n_aliases > 0 ? g_hash_table_new (g_str_hash, g_str_equal) : NULL;

  for (guint i = 0; i < n_aliases; i++) {
    const char *address = text_of (kube_value_get_element (aliases, i), "ip");
    g_autofree char *at = g_strdup_printf ("%s.hostAliases[%u].ip", path, i);
    if (!g_hash_table_add (seen, (gpointer)address))
      kube_warn (op, "%s: duplicate ip \"%s\"", at, address);
    kube_address_warn (op, at, address);
  }
  for (guint i = 0; i < kube_value_get_length (servers); i++) {
    g_autofree char *at = g_strdup_printf ("%s.dnsConfig.nameservers[%u]", path, i);
    kube_address_warn (op, at, kube_value_get_string (kube_value_get_element (servers, i), NULL));
  }
}

static void
warn_terms (KubeOperation *op, const char *path, KubeValue *spec, const char *list, const char *inner)
{
  KubeValue *terms = kube_value_get (spec, list);

  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    if (kube_value_is_null (kube_value_get (kube_value_get_element (terms, i), inner)))
      kube_warn (op, "%s.%s[%u].%s: a null labelSelector results in matching no pod", path, list, i, inner);
  }
}

static void
warn_selectors (KubeOperation *op, const char *path, KubeValue *spec)
{
  KubeValue *constraints = kube_value_get_member (spec, "topologySpreadConstraints");

  for (guint i = 0; i < kube_value_get_length (constraints); i++) {
    const char *key = text_of (kube_value_get_element (constraints, i), "topologyKey");
    if (kube_old_node_label (key) != NULL)
      kube_warn (op, "%s.topologySpreadConstraints[%u].topologyKey: %s is %s", path, i, key, kube_old_node_label (key));
  }
  warn_terms (op, path, spec, "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", "labelSelector");
  warn_terms (op, path, spec, "affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution",
              "podAffinityTerm.labelSelector");
  warn_terms (op, path, spec, "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", "labelSelector");
  warn_terms (op, path, spec, "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution",
              "podAffinityTerm.labelSelector");
  warn_terms (op, path, spec, "topologySpreadConstraints", "labelSelector");
}

/* A later value hides an earlier one, unless it is made of it. */
static void
warn_env (KubeOperation *op, const char *path, KubeValue *env)
{
  g_autoptr (GHashTable) names = kube_value_get_length (env) > 1 ? g_hash_table_new (g_str_hash, g_str_equal) : NULL;

  for (guint i = 0; names != NULL && i < kube_value_get_length (env); i++) {
    KubeValue *variable = kube_value_get_element (env, i);
    const char *name = text_of (variable, "name"), *value = text_of (variable, "value");
    g_autofree char *reference = NULL;

    if (g_hash_table_add (names, (gpointer)name))
      continue;
    reference = g_strdup_printf ("$(%s)", name);
    if (kube_value_get_member (variable, "valueFrom") != NULL || g_str_equal (value, reference)
        || strstr (value, reference) == NULL)
      kube_warn (op, "%s.env[%u]: hides previous definition of \"%s\", which may be dropped when using apply", path, i, name);
  }
}

static void
warn_container (KubeOperation *op, const char *path, KubeValue *container)
{
  static const char *const bytes[] = { "memory", "ephemeral-storage", NULL };
  static const char *const lists[] = { "limits", "requests" };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    KubeValue *amounts = kube_value_get_member (kube_value_get_member (container, "resources"), lists[i]);
    g_autofree char *at = amounts != NULL ? g_strconcat (path, ".resources.", lists[i], NULL) : NULL;
    kube_amounts_warn (op, at, amounts, bytes);
  }
  warn_env (op, path, kube_value_get_member (container, "env"));
}

/* --- ports --- */

/* Each is compared with those before it; a limit keeps long lists cheap. */
enum { PORTS_MAX = 1000 };

typedef struct {
  KubeValue *port;
  char *path;
} Port;

static void
port_clear (gpointer data)
{
  g_free (((Port *)data)->path);
}

static gint64
host_port (KubeValue *port)
{
  return kube_value_get_integer (port, "hostPort", 0);
}

static gboolean
is_same_port (KubeValue *a, KubeValue *b)
{
  return kube_value_get_integer (a, "containerPort", 0) == kube_value_get_integer (b, "containerPort", 0)
         && g_str_equal (text_of (a, "protocol"), text_of (b, "protocol"));
}

static void
warn_port (KubeOperation *op, GArray *ports, Port port)
{
  const char *address = text_of (port.port, "hostIP");

  if (*address != '\0' && host_port (port.port) == 0)
    kube_warn (op,
               "%s: hostIP set without hostPort: {Name:%s HostPort:0 ContainerPort:%" G_GINT64_FORMAT " Protocol:%s HostIP:%s}",
               port.path, text_of (port.port, "name"), kube_value_get_integer (port.port, "containerPort", 0),
               text_of (port.port, "protocol"), address);
  for (guint i = 0; i < ports->len; i++) {
    Port *other = &g_array_index (ports, Port, i);
    const char *other_address = text_of (other->port, "hostIP");

    if (!is_same_port (port.port, other->port))
      continue;
    if (g_str_equal (address, other_address) && host_port (port.port) == host_port (other->port))
      kube_warn (op, "%s: duplicate port definition with %s", port.path, other->path);
    else if (host_port (port.port) == 0 || host_port (other->port) == 0)
      kube_warn (op, "%s: overlapping port definition with %s", port.path, other->path);
    else if (host_port (port.port) == host_port (other->port) && (*address == '\0' || *other_address == '\0'))
      kube_warn (op, "%s: dangerously ambiguous port definition with %s", port.path, other->path);
  }
  g_array_append_val (ports, port);
}

static void
warn_containers (KubeOperation *op, const char *path, KubeValue *spec)
{
  g_autoptr (GArray) ports = g_array_new (FALSE, FALSE, sizeof (Port));

  g_array_set_clear_func (ports, port_clear);
  for (gsize l = 0; l < G_N_ELEMENTS (container_lists); l++) {
    KubeValue *containers = kube_value_get_member (spec, container_lists[l]);

    for (guint i = 0; i < kube_value_get_length (containers); i++) {
      KubeValue *container = kube_value_get_element (containers, i), *list = kube_value_get_member (container, "ports");
      g_autofree char *at = g_strdup_printf ("%s.%s[%u]", path, container_lists[l], i);

      warn_container (op, at, container);
      for (guint k = 0; k < kube_value_get_length (list) && ports->len < PORTS_MAX; k++)
        warn_port (op, ports, (Port){ kube_value_get_element (list, k), g_strdup_printf ("%s.ports[%u]", at, k) });
    }
  }
}

static const char seccomp_pod[] = "seccomp.security.alpha.kubernetes.io/pod";
static const char seccomp_container[] = "container.seccomp.security.alpha.kubernetes.io/";
static const char app_armor_container[] = "container.apparmor.security.beta.kubernetes.io/";

static gboolean
has_annotation (KubeValue *annotations, const char *prefix, const char *name)
{
  g_autofree char *key = g_strconcat (prefix, name, NULL);

  return kube_value_get_member (annotations, key) != NULL;
}

/* Annotations that were there before the fields, and are not read where there are no such fields. */
static void
warn_profiles (KubeOperation *op, const char *prefix, KubeValue *annotations, KubeValue *spec)
{
  static const char profile[] = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
  KubeValue *context = kube_value_get_member (spec, "securityContext");
  gboolean confined = kube_value_get_member (context, "appArmorProfile") != NULL;

  if (kube_value_get_member (context, "seccompProfile") == NULL && has_annotation (annotations, seccomp_pod, ""))
    kube_warn (op, "%smetadata.annotations[%s]: %s", prefix, seccomp_pod, profile);
  for (gsize l = 0; l < G_N_ELEMENTS (container_lists); l++) {
    KubeValue *containers = kube_value_get_member (spec, container_lists[l]);

    for (guint i = 0; i < kube_value_get_length (containers); i++) {
      KubeValue *container = kube_value_get_element (containers, i), *own = kube_value_get_member (container, "securityContext");
      const char *name = text_of (container, "name");

      if (kube_value_get_member (own, "seccompProfile") == NULL && has_annotation (annotations, seccomp_container, name))
        kube_warn (op, "%smetadata.annotations[%s%s]: %s", prefix, seccomp_container, name, profile);
      /* A pod's own annotation becomes the field; this is told where it is done. */
      if (*prefix != '\0' && !confined && kube_value_get_member (own, "appArmorProfile") == NULL && has_annotation (annotations, app_armor_container, name))
        kube_warn (op, "%smetadata.annotations[%s%s]: deprecated since v1.30; use the \"appArmorProfile\" field instead", prefix, app_armor_container, name);
    }
  }
}

static void
warn_annotations (KubeOperation *op, const char *prefix, KubeValue *annotations)
{
  static const struct {
    const char *key, *text;
  } old[] = {
    { "scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead" },
    { "security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead" },
    { "security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (old); i++)
    if (kube_value_get_member (annotations, old[i].key) != NULL)
      kube_warn (op, "%smetadata.annotations[%s]: %s", prefix, old[i].key, old[i].text);
}

static void
warn_spec (KubeOperation *op, const char *path, KubeValue *spec)
{
  static const char *const bytes[] = { "memory", "ephemeral-storage", NULL };
  g_autofree char *volumes = g_strconcat (path, ".volumes", NULL), *overhead = g_strconcat (path, ".overhead", NULL);

  warn_node_labels (op, path, spec);
  kube_volumes_warn (op, volumes, kube_value_get_member (spec, "volumes"));
  warn_addresses (op, path, spec);
  warn_pull_secrets (op, path, spec);
  kube_amounts_warn (op, overhead, kube_value_get_member (spec, "overhead"), bytes);
  warn_selectors (op, path, spec);
  warn_containers (op, path, spec);
  if (kube_value_get_integer (spec, "terminationGracePeriodSeconds", 0) < 0)
    kube_warn (op, "%s.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1", path);
}

/* Names of pods, and of what names pods after itself, become hostnames. */
static void
warn_name (KubeOperation *op, KubeValue *object)
{
  static const struct {
    const char *plural, *use;
  } named[] = {
    { "pods", "the Pod's hostname" },
    { "replicationcontrollers", "Pod names and hostnames" },
    { "deployments", "Pod names and hostnames" },
    { "replicasets", "Pod names and hostnames" },
    { "jobs", "Pod names and hostnames" },
    { "cronjobs", "Pod names and hostnames" },
  };
  const char *name = kube_value_get_string (object, "metadata.name");
  g_autoptr (GPtrArray) problems = name != NULL ? kube_name_check_all (KUBE_NAME_DNS1123_LABEL, name) : NULL;
  g_autofree char *list = NULL;

  if (problems == NULL)
    return;
  g_ptr_array_add (problems, NULL);
  list = g_strjoinv (" ", (char **)problems->pdata);
  for (gsize i = 0; i < G_N_ELEMENTS (named); i++)
    if (g_str_equal (op->kind->plural, named[i].plural))
      kube_warn (op, "metadata.name: this is used in %s, which can result in surprising behavior; a DNS label is recommended: [%s]", named[i].use, list);
}

/* More indexes than a Job's status can tell of. */
static void
warn_indexes (KubeOperation *op, const char *path, KubeValue *spec)
{
  if (g_strcmp0 (kube_value_get_member_string (spec, "completionMode"), "Indexed") == 0
      && kube_value_get_integer (spec, "completions", 0) > 100000 && kube_value_get_integer (spec, "parallelism", 0) > 10000)
    kube_warn (op, "%s: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail", path);
}

static gboolean
is_same_generation (KubeValue *object, KubeValue *old)
{
  return kube_value_get_integer (object, "metadata.generation", 0) == kube_value_get_integer (old, "metadata.generation", 0);
}

void
kube_pod_warn (KubeOperation *op, KubeValue *object, KubeValue *old)
{
  for (guint i = 0; i < G_N_ELEMENTS (pod_paths); i++) {
    g_autofree char *spec_path = g_strconcat (pod_paths[i], "spec", NULL),
                    *meta_path = g_strconcat (pod_paths[i], "metadata", NULL);
    KubeValue *spec = kube_value_get (object, spec_path), *annotations;

    if (kube_value_get_member (spec, "containers") == NULL)
      continue;
    /* Nobody changes a pod by hand. */
    if (old != NULL && (i == 0 || is_same_generation (object, old)))
      return;
    if (old == NULL)
      warn_name (op, object);
    warn_indexes (op, "spec", kube_value_get_member (object, "spec"));
    warn_indexes (op, "spec.jobTemplate.spec", kube_value_get (object, "spec.jobTemplate.spec"));
    annotations = kube_value_get_member (kube_value_get (object, meta_path), "annotations");
    if (annotations != NULL) {
      warn_annotations (op, pod_paths[i], annotations);
      warn_profiles (op, pod_paths[i], annotations, spec);
    }
    warn_spec (op, spec_path, spec);
    return;
  }
}
