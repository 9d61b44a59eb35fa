/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"
#include "kube-pod-resources.h"

/* What may change of a pod that is there. */

#define ONLY_THESE                                                                                                                   \
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`," \
  "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "   \
  "previously negative)\n"

static gboolean
check_container_updates (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *containers, KubeValue *old)
{
  if (kube_value_get_length (containers) != kube_value_get_length (old)) {
    kube_field_errors_forbidden (errors, path, "pod updates may not add or remove containers");
    return FALSE;
  }
  kube_validate_pod_images (errors, path, containers, TRUE);
  return TRUE;
}

static gboolean
check_deadline_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *old)
{
  gint64 deadline = integer_of (spec, "activeDeadlineSeconds", 0);
  const KubeFieldPath *at = AT (path, "activeDeadlineSeconds");

  if (!has_member (spec, "activeDeadlineSeconds")) {
    if (has_member (old, "activeDeadlineSeconds"))
      kube_field_errors_invalid_value (errors, at, NULL, "must not update from a positive integer to nil value");
    return TRUE;
  }
  if (deadline < 0 || deadline > G_MAXINT32) {
    kube_field_errors_invalid_integer (errors, at, deadline, "must be between 0 and 2147483647, inclusive");
    return FALSE;
  }
  if (has_member (old, "activeDeadlineSeconds") && integer_of (old, "activeDeadlineSeconds", 0) < deadline) {
    kube_field_errors_invalid_integer (errors, at, deadline, "must be less than or equal to previous value");
    return FALSE;
  }
  return TRUE;
}

static gboolean
same_toleration (KubeValue *a, KubeValue *b)
{
  static const char *const keys[] = { "key", "operator", "value", "effect" };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!equals (string_of (a, keys[i]), string_of (b, keys[i])))
      return FALSE;
  return TRUE;
}

static void
check_toleration_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *tolerations, KubeValue *old)
{
  for (guint i = 0; i < kube_value_get_length (old); i++) {
    gboolean found = FALSE;
    for (guint k = 0; k < kube_value_get_length (tolerations) && !found; k++)
      found = same_toleration (kube_value_get_element (old, i), kube_value_get_element (tolerations, k));
    if (!found) {
      kube_field_errors_forbidden (errors, path, "existing toleration can not be modified except its tolerationSeconds");
      return;
    }
  }
  kube_validate_tolerations (errors, path, tolerations);
}

static void
check_gate_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *gates, KubeValue *old)
{
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (old); i++)
    name_set_add (&names, string_of (kube_value_get_element (old, i), "name"));
  for (guint i = 0; i < kube_value_get_length (gates); i++) {
    const char *name = string_of (kube_value_get_element (gates, i), "name");
    if (!name_set_has (&names, name)) {
      g_autofree char *detail = g_strdup_printf ("only deletion is allowed, but found new scheduling gate '%s'", name);
      kube_field_errors_forbidden (errors, AT (AT_INDEX (path, i), "name"), detail);
    }
  }
}

static void
restore_images (KubeNode *spec, const char *list, KubeValue *old)
{
  KubeNode *containers = kube_node_get_member (spec, list);
  KubeValue *old_list = member_of (old, list);

  for (guint i = 0; i < kube_node_get_length (containers); i++)
    kube_node_put_value (kube_node_get_element (containers, i), "image", member_of (kube_value_get_element (old_list, i), "image"));
}

static void
restore_member (KubeNode *spec, const char *key, KubeValue *old)
{
  KubeValue *value = member_of (old, key);

  if (value != NULL)
    kube_node_put_value (spec, key, value);
  else
    kube_node_remove_member (spec, key);
}

/* A pod that waits for its gates may be placed more narrowly than before, so that nothing that was found out about it becomes wrong. */
static void
check_selector_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector, KubeValue *old)
{
  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (g_strcmp0 (kube_value_get_member_string (selector, kube_value_get_key (old, i)), element_string (old, i)) != 0) {
      kube_field_errors_invalid_value (errors, path, selector, "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
      return;
    }
}

static gboolean
begins_with (KubeValue *list, KubeValue *old)
{
  if (kube_value_get_length (list) < kube_value_get_length (old))
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (!kube_validate_semantic_equal (kube_value_get_element (list, i), kube_value_get_element (old, i)))
      return FALSE;
  return TRUE;
}

static gboolean
only_adds (KubeValue *term, KubeValue *old)
{
  static const char *const lists[] = { "matchExpressions", "matchFields" };
  guint had = 0, has = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    had += kube_value_get_length (member_of (old, lists[i]));
    has += kube_value_get_length (member_of (term, lists[i]));
    if (!begins_with (member_of (term, lists[i]), member_of (old, lists[i])))
      return FALSE;
  }
  /* A term without requirements matches nothing: one more would make it match. */
  return had > 0 || has == 0;
}

static void
check_node_affinity_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *affinity, KubeValue *old)
{
  static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution";
  KubeValue *terms = member_of (member_of (affinity, required), "nodeSelectorTerms");
  KubeValue *old_terms = member_of (member_of (old, required), "nodeSelectorTerms");
  const KubeFieldPath *at = AT (AT (path, required), "nodeSelectorTerms");
  guint n = kube_value_get_length (old_terms);

  if (n > 0 && kube_value_get_length (terms) != n) {
    kube_validate_invalid_struct (errors, at, "[@core.NodeSelectorTerm", terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
    return;
  }
  for (guint i = 0; i < n; i++)
    if (!only_adds (kube_value_get_element (terms, i), kube_value_get_element (old_terms, i)))
      kube_validate_invalid_struct (errors, AT_INDEX (at, i), "@core.NodeSelectorTerm", kube_value_get_element (terms, i),
                                    "only additions are allowed (no mutations or deletions)");
}

static void
check_gated_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNode *munged, KubeValue *spec, KubeValue *old)
{
  KubeValue *affinity = member_of (spec, "affinity"), *old_affinity = member_of (old, "affinity");
  KubeValue *nodes = member_of (affinity, "nodeAffinity"), *old_nodes = member_of (old_affinity, "nodeAffinity");

  check_selector_update (errors, AT (path, "nodeSelector"), member_of (spec, "nodeSelector"), member_of (old, "nodeSelector"));
  restore_member (munged, "nodeSelector", old);
  if (kube_validate_semantic_equal (nodes, old_nodes))
    return;
  check_node_affinity_update (errors, AT (AT (path, "affinity"), "nodeAffinity"), nodes, old_nodes);
  if (affinity == NULL || (old_affinity == NULL && !has_member (affinity, "podAffinity") && !has_member (affinity, "podAntiAffinity")))
    restore_member (munged, "affinity", old_nodes != NULL ? old : NULL);
  else
    restore_member (kube_node_get_member (munged, "affinity"), "nodeAffinity", old_affinity);
}

/* What may change is put back; whatever differs then may not. */
static KubeValue *
munge_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *old)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (spec);
  KubeNode *root = kube_builder_get_root (builder);

  restore_images (root, "containers", old);
  restore_images (root, "initContainers", old);
  restore_member (root, "activeDeadlineSeconds", old);
  restore_member (root, "schedulingGates", old);
  restore_member (root, "tolerations", old);
  if (integer_of (old, "terminationGracePeriodSeconds", 0) < 0 && integer_of (spec, "terminationGracePeriodSeconds", 0) == 1)
    restore_member (root, "terminationGracePeriodSeconds", old);
  if (kube_value_get_length (member_of (old, "schedulingGates")) > 0)
    check_gated_update (errors, path, root, spec, old);
  return kube_builder_end (builder);
}

/* The pod as a whole, its metadata once for the update and once more. */
static void
check_again (KubeFieldErrors *errors, KubeValue *pod)
{
  const KubeFieldPath *meta = AT (NULL, "metadata");

  for (guint i = 0; i < 2; i++) {
    kube_validate_meta (errors, meta, member_of (pod, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
    kube_validate_finalizer_names (errors, AT (meta, "finalizers"), kube_value_get (pod, "metadata.finalizers"));
  }
  kube_validate_whole_pod (errors, pod);
}

void
kube_validate_pod_update (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod)
{
  KubeValue *spec = member_of (pod, "spec"), *old = member_of (old_pod, "spec");
  const KubeFieldPath *path = AT (NULL, "spec"), *meta = AT (NULL, "metadata");
  g_autoptr (KubeValue) munged = NULL;

  kube_validate_meta_update (errors, meta, member_of (pod, "metadata"), member_of (old_pod, "metadata"));
  check_again (errors, pod);
  kube_validate_pod_update_annotations (errors, pod, old_pod);
  if (!check_container_updates (errors, AT (path, "containers"), member_of (spec, "containers"), member_of (old, "containers")) ||
      !check_container_updates (errors, AT (path, "initContainers"), member_of (spec, "initContainers"), member_of (old, "initContainers")) ||
      !check_deadline_update (errors, path, spec, old))
    return;
  check_toleration_update (errors, AT (path, "tolerations"), member_of (spec, "tolerations"), member_of (old, "tolerations"));
  check_gate_update (errors, AT (path, "schedulingGates"), member_of (spec, "schedulingGates"), member_of (old, "schedulingGates"));
  if (kube_validate_semantic_equal (spec, old))
    return;

  munged = munge_spec (errors, path, spec, old);
  if (!kube_validate_semantic_equal (munged, old)) {
    g_autofree char *diff = kube_go_struct_diff ("@core.PodSpec", old, munged);
    g_autofree char *detail = g_strconcat (ONLY_THESE, diff, NULL);
    kube_field_errors_forbidden (errors, path, detail);
  }
}

/* --- parts that have paths of their own --- */

static void
update_ephemeral_containers (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod)
{
  KubeValue *containers = kube_value_get (pod, "spec.ephemeralContainers"), *old = kube_value_get (old_pod, "spec.ephemeralContainers");
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "ephemeralContainers");

  check_again (errors, pod);
  kube_validate_pod_update_annotations (errors, pod, old_pod);
  for (guint i = 0; i < kube_value_get_length (old); i++) {
    KubeValue *before = kube_value_get_element (old, i), *now = find_by (containers, "name", string_of (before, "name"));
    g_autofree char *detail = NULL;

    if (now == NULL) {
      detail = g_strdup_printf ("existing ephemeral containers \"%s\" may not be removed\n", string_of (before, "name"));
    } else if (!kube_validate_semantic_equal (before, now)) {
      g_autofree char *diff = kube_go_struct_diff ("@core.EphemeralContainer", before, now);
      detail = g_strdup_printf ("existing ephemeral containers \"%s\" may not be changed\n%s", string_of (before, "name"), diff);
    }
    if (detail != NULL)
      kube_field_errors_forbidden (errors, path, detail);
  }
}

static const char *const resizable[] = { "cpu", "memory" };

static gboolean
has_removed (KubeValue *amounts, KubeValue *old)
{
  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (!has_member (amounts, kube_value_get_key (old, i)))
      return TRUE;
  return FALSE;
}

static void
check_removed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *resources, KubeValue *old, const char *what)
{
  static const char *const lists[] = { "requests", "limits" };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    if (has_removed (member_of (resources, lists[i]), member_of (old, lists[i]))) {
      g_autofree char *detail = g_strdup_printf ("%s %s cannot be removed", what, lists[i]);
      kube_field_errors_forbidden (errors, AT (path, lists[i]), detail);
    }
}

/* Puts processors and memory back to what they were. */
static void
restore_amounts (KubeNode *resources, KubeValue *old)
{
  static const char *const lists[] = { "requests", "limits" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *old_amounts = member_of (old, lists[l]);
    KubeNode *amounts = kube_node_get_member (resources, lists[l]);

    if (amounts == NULL && kube_value_get_length (old_amounts) > 0)
      amounts = kube_node_ensure_object (resources, lists[l]);
    for (gsize i = 0; i < G_N_ELEMENTS (resizable) && amounts != NULL; i++)
      restore_member (amounts, resizable[i], old_amounts);
    if (amounts != NULL && kube_node_get_length (amounts) == 0)
      kube_node_remove_member (resources, lists[l]);
  }
}

/* A container with claims never is: upstream compares what it has without them. */
static gboolean
is_same_but_amounts (KubeValue *container, KubeValue *old)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (container);
  KubeNode *resources = kube_node_ensure_object (kube_builder_get_root (builder), "resources");
  g_autoptr (KubeValue) munged = NULL;

  restore_amounts (resources, member_of (old, "resources"));
  kube_node_remove_member (resources, "claims");
  munged = kube_builder_end (builder);
  return kube_validate_semantic_equal (munged, old);
}

static gboolean
has_amounts (KubeValue *resources)
{
  return kube_value_get_length (member_of (resources, "requests")) + kube_value_get_length (member_of (resources, "limits")) > 0;
}

static void
check_whole_resized (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *resources, KubeValue *old)
{
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) munged = NULL;

  if (!has_amounts (resources) && !has_amounts (old))
    return;
  if (resources == NULL) {
    kube_field_errors_forbidden (errors, AT (path, "resources"), "pod-level resources cannot be removed");
    return;
  }
  check_removed (errors, AT (path, "resources"), resources, old, "pod-level resource");
  builder = kube_builder_new (resources);
  restore_amounts (kube_builder_get_root (builder), old);
  munged = kube_builder_end (builder);
  if (!kube_validate_semantic_equal (munged, old) && !(old == NULL && kube_value_get_length (munged) == 0))
    kube_field_errors_forbidden (errors, path, "only cpu and memory resources are mutable at pod-level");
}

static gboolean
check_order (KubeFieldErrors *errors, const char *list, KubeValue *spec, KubeValue *old_spec)
{
  KubeValue *containers = member_of (spec, list), *old = member_of (old_spec, list);
  const KubeFieldPath *path = AT (AT (NULL, "spec"), list);
  gboolean same = kube_value_get_length (containers) == kube_value_get_length (old);

  if (!same) {
    g_autofree char *detail = g_strconcat (list, " may not be added or removed on resize", NULL);
    kube_field_errors_forbidden (errors, path, detail);
    return FALSE;
  }
  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (!equals (string_of (kube_value_get_element (containers, i), "name"), string_of (kube_value_get_element (old, i), "name"))) {
      g_autofree char *detail = g_strconcat (list, " may not be renamed or reordered on resize", NULL);
      kube_field_errors_forbidden (errors, AT (AT_INDEX (path, i), "name"), detail);
      same = FALSE;
    }
  return same;
}

static void
check_list_removed (KubeFieldErrors *errors, const char *list, KubeValue *spec, KubeValue *old_spec)
{
  KubeValue *containers = member_of (spec, list), *old = member_of (old_spec, list);
  const KubeFieldPath *path = AT (AT (NULL, "spec"), list);

  for (guint i = 0; i < kube_value_get_length (old); i++)
    check_removed (errors, AT (AT_INDEX (path, i), "resources"), member_of (kube_value_get_element (containers, i), "resources"),
                   member_of (kube_value_get_element (old, i), "resources"), "resource");
}

/* One that ends before the others start is never started again. */
static void
check_restarted (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *container)
{
  KubeValue *policies = member_of (container, "resizePolicy");

  for (guint i = 0; i < kube_value_get_length (policies); i++)
    if (equals (string_of (kube_value_get_element (policies, i), "restartPolicy"), "RestartContainer"))
      kube_field_errors_forbidden (errors, path, "non-sidecar init containers with a resize policy of RestartContainer cannot be resized");
}

static void
check_only_amounts (KubeFieldErrors *errors, KubeValue *spec, KubeValue *old_spec)
{
  KubeValue *old = member_of (old_spec, "containers"), *old_inits = member_of (old_spec, "initContainers");
  const KubeFieldPath *path = AT (NULL, "spec");

  for (guint i = 0; i < kube_value_get_length (old); i++)
    if (!is_same_but_amounts (kube_value_get_element (member_of (spec, "containers"), i), kube_value_get_element (old, i)))
      kube_field_errors_forbidden (errors, path, "only cpu and memory resources are mutable");
  for (guint i = 0; i < kube_value_get_length (old_inits); i++) {
    KubeValue *now = kube_value_get_element (member_of (spec, "initContainers"), i), *before = kube_value_get_element (old_inits, i);
    const KubeFieldPath *at = AT_INDEX (AT (path, "initContainers"), i);

    if (!is_same_but_amounts (now, before))
      kube_field_errors_forbidden (errors, at, "only cpu and memory resources for init or sidecar containers are mutable");
    if (!equals (string_of (now, "restartPolicy"), "Always") && !kube_validate_semantic_equal (now, before))
      check_restarted (errors, at, now);
  }
}

/* A node tells what its containers have once it can change it. */
static gboolean
can_resize (KubeValue *pod)
{
  KubeValue *statuses = kube_value_get (pod, "status.containerStatuses");

  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    KubeValue *status = kube_value_get_element (statuses, i);
    if (has_member (member_of (status, "state"), "running"))
      return has_member (status, "resources");
  }
  return TRUE;
}

static void
update_resources (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod)
{
  KubeValue *spec = member_of (pod, "spec"), *old = member_of (old_pod, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");
  const char *class = string_of (member_of (old_pod, "status"), "qosClass");
  gboolean ordered;

  check_again (errors, pod);
  if (!equals (class, kube_pod_spec_get_qos_class (spec)))
    kube_field_errors_invalid (errors, path, class, "Pod QOS Class may not change as a result of resizing");
  if (!can_resize (old_pod))
    kube_field_errors_forbidden (errors, path, "Pod running on node without support for resize");
  check_whole_resized (errors, path, member_of (spec, "resources"), member_of (old, "resources"));
  ordered = check_order (errors, "containers", spec, old);
  if (!check_order (errors, "initContainers", spec, old) || !ordered)
    return;
  check_list_removed (errors, "initContainers", spec, old);
  check_list_removed (errors, "containers", spec, old);
  check_only_amounts (errors, spec, old);
}

void
kube_validate_pod_update_part (KubeFieldErrors *errors, const char *subresource, KubeValue *pod, KubeValue *old)
{
  KubeValue *annotations = kube_value_get (old, "metadata.annotations");
  const KubeFieldPath *whole = AT_KEY (NULL, "");
  gboolean resize = equals (subresource, "resize");

  if (!resize && !equals (subresource, "ephemeralcontainers"))
    return;
  if (kube_value_get_member (annotations, "kubernetes.io/config.mirror") != NULL)
    kube_field_errors_forbidden (errors, whole, resize ? "static pods cannot be resized" : "static pods do not support ephemeral containers");
  else if (resize && g_strcmp0 (kube_value_get_string (old, "spec.os.name"), "windows") == 0)
    kube_field_errors_forbidden (errors, whole, "windows pods cannot be resized");
  else if (resize)
    update_resources (errors, pod, old);
  else
    update_ephemeral_containers (errors, pod, old);
}
