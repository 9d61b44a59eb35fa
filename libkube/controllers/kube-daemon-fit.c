/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-daemon-fit.h"
#include "kube-history.h"
#include "kube-node-selector.h"
#include "kube-owner.h"
#include "kube-taint.h"

#define GENERATION_ANNOTATION "deprecated.daemonset.template.generation"
#define GENERATION_LABEL "pod-template-generation"
#define REQUIRED_TERMS "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"

/* What every daemon tolerates: it is neither evicted from a node that is ill nor kept away from one. */
static const struct {
  const char *key, *effect;
  gboolean of_host_network;
} tolerated[] = {
  { "node.kubernetes.io/not-ready", "NoExecute", FALSE },         { "node.kubernetes.io/unreachable", "NoExecute", FALSE },
  { "node.kubernetes.io/disk-pressure", "NoSchedule", FALSE },    { "node.kubernetes.io/memory-pressure", "NoSchedule", FALSE },
  { "node.kubernetes.io/pid-pressure", "NoSchedule", FALSE },     { "node.kubernetes.io/unschedulable", "NoSchedule", FALSE },
  { "node.kubernetes.io/network-unavailable", "NoSchedule", TRUE },
};

static gboolean
is_same_toleration (KubeNode *toleration, const char *key, const char *effect)
{
  const char *value = kube_node_get_string (toleration, "value");

  return g_strcmp0 (kube_node_get_string (toleration, "key"), key) == 0 && g_strcmp0 (kube_node_get_string (toleration, "effect"), effect) == 0 &&
         g_strcmp0 (kube_node_get_string (toleration, "operator"), "Exists") == 0 && (value == NULL || *value == '\0');
}

/* One that the template has for a time only is for ever from now on. */
static void
add_toleration (KubeNode *tolerations, const char *key, const char *effect)
{
  KubeNode *added;

  for (guint i = 0; i < kube_node_get_length (tolerations); i++) {
    KubeNode *toleration = kube_node_get_element (tolerations, i);

    if (is_same_toleration (toleration, key, effect)) {
      kube_node_remove_member (toleration, "tolerationSeconds");
      return;
    }
  }
  added = kube_node_append_object (tolerations);
  kube_node_put_string (added, "key", key);
  kube_node_put_string (added, "operator", "Exists");
  kube_node_put_string (added, "effect", effect);
}

void
kube_daemon_fit_init (KubeDaemonFit *self, KubeObject *set)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get (set, "spec.template"));
  KubeNode *tolerations = kube_node_ensure_array (kube_builder_get_root (builder), "spec.tolerations");
  gboolean host_network = kube_object_get_boolean (set, "spec.template.spec.hostNetwork", FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (tolerated); i++) {
    if (host_network || !tolerated[i].of_host_network)
      add_toleration (tolerations, tolerated[i].key, tolerated[i].effect);
  }
  *self = (KubeDaemonFit) { .set = set, .template_ = kube_builder_end (builder) };
  self->tolerations = kube_tolerations_read (kube_value_get (self->template_, "spec.tolerations"));
}

void
kube_daemon_fit_clear (KubeDaemonFit *self)
{
  g_clear_pointer (&self->tolerations, g_array_unref);
  g_clear_pointer (&self->template_, kube_value_unref);
}

KubeDaemonFitFlags
kube_daemon_fit_check (KubeDaemonFit *self, KubeObject *node)
{
  KubeValue *spec = kube_value_get_member (self->template_, "spec"), *taints = kube_object_get (node, "spec.taints"), *labels = kube_object_get (node, "metadata.labels");
  const char *name = kube_object_get_name (node), *wanted = kube_value_get_string (spec, "nodeName");
  KubeDaemonFitFlags fits = KUBE_DAEMON_RUN | KUBE_DAEMON_STAY;

  if (wanted != NULL && *wanted != '\0' && g_strcmp0 (wanted, name) != 0)
    return 0;
  if (!kube_node_selector_matches (kube_value_get (spec, "nodeSelector"), labels) || !kube_node_terms_match (kube_value_get (spec, REQUIRED_TERMS), name, labels))
    return 0;
  for (guint i = 0; i < kube_value_get_length (taints); i++) {
    KubeTaint taint = kube_taint_read (kube_value_get_element (taints, i));

    if (kube_tolerations_cover (self->tolerations, &taint))
      continue;
    if (taint.effect == KUBE_TAINT_EFFECT_NO_EXECUTE)
      return 0;
    if (taint.effect == KUBE_TAINT_EFFECT_NO_SCHEDULE)
      fits = KUBE_DAEMON_STAY;
  }
  return fits;
}

/* (nullable): the generation of the template, as text. */
static char *
dup_generation (KubeObject *set)
{
  const char *text = kube_object_get_annotation (set, GENERATION_ANNOTATION);
  gint64 generation;

  if (text == NULL || !g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &generation, NULL))
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT, generation);
}

/* Of all nodes that the template allows it is this one. */
static void
bind_to (KubeNode *spec, const char *node)
{
  KubeNode *required = kube_node_ensure_object (spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution");
  KubeNode *field = kube_node_append_object (kube_node_put_array (kube_node_append_object (kube_node_put_array (required, "nodeSelectorTerms")), "matchFields"));

  kube_node_put_string (field, "key", "metadata.name");
  kube_node_put_string (field, "operator", "In");
  kube_node_append_string (kube_node_put_array (field, "values"), node);
}

KubeObject *
kube_daemon_fit_make_pod (KubeDaemonFit *self, const char *hash, const char *node)
{
  g_autoptr (KubeBuilder) builder = kube_owner_begin_from_template (self->set, "v1", "Pod", self->template_);
  KubeNode *root = kube_builder_get_root (builder), *labels = kube_node_ensure_object (root, "metadata.labels");
  g_autofree char *prefix = g_strconcat (kube_object_get_name (self->set), "-", NULL), *generation = dup_generation (self->set);

  kube_node_set_string (root, "metadata.generateName", prefix);
  if (generation != NULL)
    kube_node_put_string (labels, GENERATION_LABEL, generation);
  kube_node_put_string (labels, KUBE_HISTORY_POD_LABEL, hash);
  bind_to (kube_node_ensure_object (root, "spec"), node);
  return kube_object_new_from_builder (builder);
}

const char *
kube_daemon_fit_get_node (KubeObject *pod)
{
  const char *node = kube_object_get_string (pod, "spec.nodeName");
  KubeValue *terms = kube_object_get (pod, "spec." REQUIRED_TERMS);

  if (node != NULL && *node != '\0')
    return node;
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    KubeValue *names = kube_node_term_get_names (kube_value_get_element (terms, i));

    if (names != NULL)
      return kube_value_get_length (names) == 1 ? kube_value_peek_string (kube_value_get_element (names, 0), NULL) : NULL;
  }
  return NULL;
}

gboolean
kube_daemon_fit_is_updated (KubeObject *set, KubeObject *pod, const char *hash)
{
  g_autofree char *generation = dup_generation (set);

  return g_strcmp0 (kube_object_get_label (pod, KUBE_HISTORY_POD_LABEL), hash) == 0 ||
         (generation != NULL && g_strcmp0 (kube_object_get_label (pod, GENERATION_LABEL), generation) == 0);
}
