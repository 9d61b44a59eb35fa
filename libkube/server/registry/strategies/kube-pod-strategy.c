/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-warnings.h"
#include "kube-pod-resources.h"

/* The scheduler does not look at a gated pod: that it waits is told from the beginning. */
static void
tell_gated (KubeNode *pod)
{
  KubeNode *condition = kube_node_append_object (kube_node_ensure_array (pod, "status.conditions"));

  kube_node_set_string (condition, "type", "PodScheduled");
  kube_node_set_string (condition, "status", "False");
  kube_node_set_null (condition, "lastProbeTime");
  kube_node_set_null (condition, "lastTransitionTime");
  kube_node_set_string (condition, "reason", "SchedulingGated");
  kube_node_set_string (condition, "message", "Scheduling is blocked due to non-empty scheduling gates");
}

/* The field that an annotation of the time before there was one stands for; NULL: none. */
static KubeValue *
app_armor_profile (const char *annotation)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *profile = kube_builder_get_root (builder);
  const char *local = g_str_has_prefix (annotation, "localhost/") ? annotation + strlen ("localhost/") : NULL;

  if (g_str_equal (annotation, "unconfined"))
    kube_node_put_string (profile, "type", "Unconfined");
  else if (g_str_equal (annotation, "runtime/default"))
    kube_node_put_string (profile, "type", "RuntimeDefault");
  else if (local != NULL && *local != '\0') {
    kube_node_put_string (profile, "type", "Localhost");
    kube_node_put_string (profile, "localhostProfile", local);
  } else {
    return NULL;
  }
  return kube_builder_end (builder);
}

static void
take_profile (KubeWriteContext *context, KubeNode *container, KubeValue *inherited)
{
  g_autofree char *key = g_strconcat ("container.apparmor.security.beta.kubernetes.io/", kube_node_get_string (container, "name"), NULL);
  const char *annotation = kube_node_get_string (kube_node_get_member (kube_node_get (context->object, "metadata.annotations"), key), NULL);
  g_autoptr (KubeValue) profile = NULL;

  if (annotation == NULL || kube_node_get (container, "securityContext.appArmorProfile") != NULL)
    return;
  profile = app_armor_profile (annotation);
  if (profile != NULL && inherited != NULL && kube_value_equal (profile, inherited))
    return;
  if (profile != NULL)
    kube_node_set_value (container, "securityContext.appArmorProfile", profile);
  kube_warn (context->op, "metadata.annotations[%s]: deprecated since v1.30; use the \"appArmorProfile\" field instead", key);
}

static void
take_profiles (KubeWriteContext *context)
{
  static const char *const lists[] = { "spec.initContainers", "spec.containers" };
  KubeNode *whole = kube_node_get (context->object, "spec.securityContext.appArmorProfile");
  g_autoptr (KubeValue) inherited = whole != NULL ? kube_node_to_value (whole) : NULL;

  if (g_strcmp0 (kube_node_get_string (context->object, "spec.os.name"), "windows") == 0)
    return;
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeNode *containers = kube_node_get (context->object, lists[l]);
    for (guint i = 0; i < kube_node_get_length (containers); i++)
      take_profile (context, kube_node_get_element (containers, i), inherited);
  }
}

static void
set_qos_class (KubeNode *pod)
{
  KubeNode *spec = kube_node_get (pod, "spec");
  g_autoptr (KubeValue) value = spec != NULL ? kube_node_to_value (spec) : NULL;

  kube_node_set_string (pod, "status.qosClass", kube_pod_spec_get_qos_class (value));
}

/* Adds to a selector what the pod's own labels have under some keys. @keys: (nullable) */
static void
select_own_labels (KubeNode *pod, KubeNode *selector, KubeNode *keys, const char *operator)
{
  for (guint i = 0; i < kube_node_get_length (keys); i++) {
    const char *key = kube_node_get_string (kube_node_get_element (keys, i), NULL);
    const char *value = kube_node_get_string (kube_node_get_member (kube_node_get (pod, "metadata.labels"), key), NULL);
    KubeNode *expression;

    if (value == NULL)
      continue;
    expression = kube_node_append_object (kube_node_ensure_array (selector, "matchExpressions"));
    kube_node_put_string (expression, "key", key);
    kube_node_put_string (expression, "operator", operator);
    kube_node_append_string (kube_node_ensure_array (expression, "values"), value);
  }
}

static void
select_in_terms (KubeNode *pod, const char *path, const char *inner)
{
  KubeNode *terms = kube_node_get (pod, path);

  for (guint i = 0; i < kube_node_get_length (terms); i++) {
    KubeNode *term = kube_node_get_element (terms, i);
    KubeNode *selector;

    if (inner != NULL)
      term = kube_node_get_member (term, inner);
    selector = kube_node_get_member (term, "labelSelector");
    if (selector == NULL)
      continue;
    select_own_labels (pod, selector, kube_node_get_member (term, "matchLabelKeys"), "In");
    select_own_labels (pod, selector, kube_node_get_member (term, "mismatchLabelKeys"), "NotIn");
  }
}

/* Keys that stand for the pod's own labels are looked up once, here. */
static void
resolve_label_keys (KubeNode *pod)
{
  if (kube_node_get (pod, "spec.affinity") != NULL) {
    select_in_terms (pod, "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm");
    select_in_terms (pod, "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", NULL);
    select_in_terms (pod, "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm");
    select_in_terms (pod, "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", NULL);
  }
  select_in_terms (pod, "spec.topologySpreadConstraints", NULL);
}

static void
prepare_create (KubeWriteContext *context)
{
  kube_node_set_string (context->object, "status.phase", "Pending");
  if (kube_node_get_length (kube_node_get (context->object, "spec.schedulingGates")) > 0)
    tell_gated (context->object);
  set_qos_class (context->object);
  resolve_label_keys (context->object);
  if (kube_node_get (context->object, "metadata.annotations") != NULL)
    take_profiles (context);
}

/* What a subresource of the spec may change is put into the old state; all else stays. */
static void
take_only (KubeWriteContext *context, const char *path)
{
  KubeNode *node = kube_node_get (context->object, path);
  g_autoptr (KubeValue) value = node != NULL ? kube_node_to_value (node) : NULL;

  kube_node_set_value (context->object, "spec", kube_value_get (context->old, "spec"));
  kube_node_set_value (context->object, path, value);
}

/* FALSE where containers have other names than before, or another order: validation says so. */
static gboolean
is_same_list (KubeValue *wanted, KubeValue *old)
{
  if (kube_value_get_length (wanted) != kube_value_get_length (old))
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (g_strcmp0 (kube_value_get_string (kube_value_get_element (wanted, i), "name"), kube_value_get_string (kube_value_get_element (old, i), "name")) != 0)
      return FALSE;
  return TRUE;
}

static void
take_resources (KubeWriteContext *context)
{
  static const char *const lists[] = { "containers", "initContainers" };
  g_autoptr (KubeValue) new = kube_node_to_value (kube_node_get (context->object, "spec"));
  KubeValue *old = kube_value_get (context->old, "spec");

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++)
    if (kube_value_get_length (kube_value_get (new, lists[l])) != kube_value_get_length (kube_value_get (old, lists[l])))
      return;
  kube_node_set_value (context->object, "spec", old);
  kube_node_set_value (context->object, "spec.resources", kube_value_get (new, "resources"));
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *wanted = kube_value_get (new, lists[l]);
    KubeNode *containers = kube_node_get_member (kube_node_get (context->object, "spec"), lists[l]);

    if (!is_same_list (wanted, kube_value_get (old, lists[l]))) {
      kube_node_put_value (kube_node_get (context->object, "spec"), lists[l], wanted);
      continue;
    }
    for (guint i = 0; i < kube_node_get_length (containers); i++) {
      kube_node_set_value (kube_node_get_element (containers, i), "resources", kube_value_get (kube_value_get_element (wanted, i), "resources"));
      kube_node_set_value (kube_node_get_element (containers, i), "resizePolicy", kube_value_get (kube_value_get_element (wanted, i), "resizePolicy"));
    }
  }
}

/* What a status was told of is not forgotten by who does not know the field. */
static void
keep_observed (KubeNode *node, KubeValue *old)
{
  gint64 generation = kube_value_get_integer (old, "observedGeneration", 0);

  if (generation != 0 && kube_node_get_integer (node, "observedGeneration", 0) == 0)
    kube_node_set_integer (node, "observedGeneration", generation);
}

/* The n-th old condition of the type of the @index-th new one, where that is its n-th. */
static KubeValue *
find_old_condition (KubeNode *conditions, guint index, KubeValue *old)
{
  const char *type = kube_node_get_string (kube_node_get_element (conditions, index), "type");
  guint n = 0;

  for (guint i = 0; i < index; i++)
    n += g_strcmp0 (kube_node_get_string (kube_node_get_element (conditions, i), "type"), type) == 0;
  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (g_strcmp0 (kube_value_get_string (kube_value_get_element (old, i), "type"), type) == 0 && n-- == 0)
      return kube_value_get_element (old, i);
  return NULL;
}

static void
prepare_status (KubeWriteContext *context)
{
  KubeNode *status = kube_node_get (context->object, "status"), *conditions = kube_node_get (context->object, "status.conditions");
  KubeValue *old = kube_value_get (context->old, "status.conditions");

  /* old kubelets corrupt owner references */
  kube_node_set_value (context->object, "metadata.ownerReferences", kube_value_get (context->old, "metadata.ownerReferences"));
  if (kube_node_get_string (context->object, "status.qosClass") == NULL)
    kube_node_set_string (context->object, "status.qosClass", kube_value_get_string (context->old, "status.qosClass"));
  if (status != NULL)
    keep_observed (status, kube_value_get (context->old, "status"));
  for (guint i = 0; i < kube_node_get_length (conditions); i++)
    keep_observed (kube_node_get_element (conditions, i), find_old_condition (conditions, i, old));
}

static void
prepare_update (KubeWriteContext *context)
{
  if (g_str_equal (context->subresource, "ephemeralcontainers"))
    take_only (context, "spec.ephemeralContainers");
  else if (g_str_equal (context->subresource, "resize"))
    take_resources (context);
  else if (g_str_equal (context->subresource, "status"))
    prepare_status (context);
}

static gboolean
check_graceful (KubeObject *pod, gint64 *grace)
{
  const char *node = kube_object_get_string (pod, "spec.nodeName"), *phase = kube_object_get_string (pod, "status.phase");

  if (*grace < 0)
    *grace = kube_object_get_integer (pod, "spec.terminationGracePeriodSeconds", 0);
  if (node == NULL || *node == '\0' || g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0)
    *grace = 0;
  if (*grace < 0)
    *grace = 1;
  return TRUE;
}

const KubeStrategy kube_pod_strategy = {
  .group = "",
  .plural = "pods",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .check_graceful = check_graceful,
  .warn_status = kube_pod_warn_status,
  .returns_deleted = TRUE,
};
