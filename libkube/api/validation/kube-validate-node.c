/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#define TAINTS "scheduler.alpha.kubernetes.io/taints"
#define AVOIDED "scheduler.alpha.kubernetes.io/preferAvoidPods"

static void
check_taints (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *taints)
{
  g_autoptr (GHashTable) seen = NULL;

  for (guint i = 0; i < kube_value_get_length (taints); i++) {
    KubeValue *taint = kube_value_get_element (taints, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *value = string_of (taint, "value"), *effect = string_of (taint, "effect");

    kube_validate_format (errors, AT (at, "key"), KUBE_NAME_QUALIFIED, string_of (taint, "key"));
    kube_validate_format_joined (errors, AT (at, "value"), KUBE_NAME_LABEL_VALUE, value, ";");
    if (*effect == '\0')
      kube_field_errors_required (errors, AT (at, "effect"), NULL);
    else
      kube_validate_taint_effect (errors, AT (at, "effect"), effect);
    if (seen == NULL)
      seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    if (!g_hash_table_add (seen, g_strconcat (effect, "\n", string_of (taint, "key"), NULL))) {
      g_autoptr (GString) bad = g_string_new (NULL);
      kube_go_struct_print (bad, "@core.Taint", taint);
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_DUPLICATE, at, bad->str, "taints must be unique by key and effect pair");
    }
  }
}

static void
check_resources (KubeFieldErrors *errors, KubeValue *status)
{
  static const char *const maps[] = { "capacity", "allocatable" };

  for (gsize m = 0; m < G_N_ELEMENTS (maps); m++) {
    KubeValue *map = member_of (status, maps[m]);
    for (guint i = 0; i < kube_value_get_length (map); i++)
      kube_validate_resource_quantity (errors, AT (AT (AT (NULL, "status"), maps[m]), kube_value_get_key (map, i)), kube_value_get_key (map, i),
                                       kube_value_get_element (map, i));
  }
}

/* `MyFeature/mySubFeature`. Returns: (nullable): what is wrong. */
static char *
check_feature_name (const char *name)
{
  if (strlen (name) > 253)
    return g_strdup_printf ("invalid feature name \"%s\": must be no more than 253 characters", name);
  if (!g_regex_match_simple ("^[A-Z][a-zA-Z0-9]*(/[a-zA-Z][a-zA-Z0-9]*)*$", name, G_REGEX_DOLLAR_ENDONLY, 0))
    return g_strdup_printf ("invalid feature name \"%s\": must start with an UpperCamelCase segment, with subsequent segments separated by '/' "
                            "(e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
                            name);
  return NULL;
}

static void
check_features (KubeFieldErrors *errors, KubeValue *features)
{
  const KubeFieldPath *path = AT (AT (NULL, "status"), "declaredFeatures");

  for (guint i = 0; i < kube_value_get_length (features); i++) {
    const char *name = element_string (features, i), *next = i + 1 < kube_value_get_length (features) ? element_string (features, i + 1) : NULL;
    g_autofree char *problem = check_feature_name (name);
    int order = next != NULL ? strcmp (name, next) : -1;

    if (problem != NULL)
      kube_field_errors_invalid (errors, AT_INDEX (path, i), name, problem);
    if (order == 0)
      kube_field_errors_duplicate (errors, AT_INDEX (path, i + 1), next);
    else if (order > 0)
      kube_field_errors_invalid (errors, AT_INDEX (path, i + 1), next, "list must be sorted alphabetically");
  }
}

/* What was said in annotations before there were fields for it. */
static void
check_annotations (KubeFieldErrors *errors, KubeValue *annotations)
{
  const KubeFieldPath *path = AT (AT (NULL, "metadata"), "annotations");
  const char *taints = string_of (annotations, TAINTS), *avoided = string_of (annotations, AVOIDED);
  g_autoptr (KubeValue) taint_list = NULL, avoided_list = NULL;
  g_autoptr (GError) error = NULL, avoided_error = NULL;
  KubeValue *entries;

  if (*taints != '\0' && (taint_list = kube_value_parse (taints, -1, &error)) == NULL)
    kube_field_errors_invalid (errors, path, TAINTS, error->message);
  check_taints (errors, AT (path, TAINTS), taint_list);
  if (*avoided != '\0' && (avoided_list = kube_value_parse (avoided, -1, &avoided_error)) == NULL)
    kube_field_errors_invalid (errors, AT (path, "AvoidPods"), AVOIDED, avoided_error->message);
  entries = member_of (avoided_list, "preferAvoidPods");
  for (guint i = 0; i < kube_value_get_length (entries); i++) {
    const KubeFieldPath *at = AT (AT_INDEX (AT (path, AVOIDED), i), "PodSignature");
    KubeValue *controller = kube_value_get (kube_value_get_element (entries, i), "podSignature.podController");

    if (controller == NULL)
      kube_field_errors_required (errors, at, NULL);
    else if (!boolean_of (controller, "controller"))
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT (AT (at, "PodController"), "Controller"), "false", "must point to a controller");
  }
}

static void
create_node (KubeFieldErrors *errors, KubeValue *node)
{
  KubeValue *spec = member_of (node, "spec"), *ranges = member_of (spec, "podCIDRs"), *swap = kube_value_get (node, "status.nodeInfo.swap");
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "podCIDRs");
  guint n = kube_value_get_length (ranges);
  int families[2] = { 0, 0 }, prefix;

  check_annotations (errors, kube_value_get (node, "metadata.annotations"));
  check_taints (errors, AT (AT (NULL, "metadata"), "taints"), member_of (spec, "taints"));
  check_resources (errors, member_of (node, "status"));
  if (swap != NULL && integer_of (swap, "capacity", 1) <= 0)
    kube_validate_positive (errors, AT (AT (AT (NULL, "metadata"), "nodeSwapStatus"), "capacity"), integer_of (swap, "capacity", 1));
  check_features (errors, kube_value_get (node, "status.declaredFeatures"));
  for (guint i = 0; i < n; i++) {
    kube_validate_is_cidr (element_string (ranges, i), &families[i & 1], &prefix);
    kube_validate_cidr (errors, AT_INDEX (path, i), element_string (ranges, i));
  }
  if (n > 2 || (n == 2 && families[0] == families[1]))
    kube_field_errors_invalid_value (errors, path, ranges, "may specify no more than one CIDR for each IP family");
}

static void
check_addresses (KubeFieldErrors *errors, KubeValue *addresses)
{
  g_autoptr (GHashTable) seen = NULL;

  for (guint i = 0; i < kube_value_get_length (addresses); i++) {
    KubeValue *address = kube_value_get_element (addresses, i);
    if (seen == NULL)
      seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    if (!g_hash_table_add (seen, g_strconcat (string_of (address, "type"), "\n", string_of (address, "address"), NULL))) {
      g_autoptr (GString) bad = g_string_new (NULL);
      kube_go_struct_print (bad, "@core.NodeAddress", address);
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_DUPLICATE, AT_INDEX (AT (AT (NULL, "status"), "addresses"), i), bad->str, NULL);
    }
  }
}

static void
check_node_change (KubeFieldErrors *errors, KubeValue *node, KubeValue *old_node)
{
  KubeValue *spec = member_of (node, "spec"), *old = member_of (old_node, "spec");
  KubeValue *ranges = member_of (spec, "podCIDRs"), *old_ranges = member_of (old, "podCIDRs");
  const KubeFieldPath *path = AT (NULL, "spec");

  check_annotations (errors, kube_value_get (node, "metadata.annotations"));
  check_resources (errors, member_of (node, "status"));
  check_features (errors, kube_value_get (node, "status.declaredFeatures"));
  check_addresses (errors, kube_value_get (node, "status.addresses"));
  if (kube_value_get_length (old_ranges) > 0) {
    gboolean length = kube_value_get_length (ranges) == kube_value_get_length (old_ranges);
    if (!length)
      kube_field_errors_forbidden (errors, AT (path, "podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
    for (guint i = 0; length && i < kube_value_get_length (ranges); i++)
      if (!equals (element_string (ranges, i), element_string (old_ranges, i)))
        kube_field_errors_forbidden (errors, AT (path, "podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
  }
  if (has_text (old, "providerID") && !equals (string_of (old, "providerID"), string_of (spec, "providerID")))
    kube_field_errors_forbidden (errors, AT (path, "providerID"), "node updates may not change providerID except from \"\" to valid");
  check_taints (errors, AT (AT (NULL, "metadata"), "taints"), member_of (spec, "taints"));
  if (!equals (string_of (spec, "externalID"), string_of (old, "externalID")))
    kube_field_errors_forbidden (errors, AT (path, "externalID"), "may not be updated");
}

/* The strategy looks at the whole node first, then at what may change. */
static void
update_node (KubeFieldErrors *errors, KubeValue *node, KubeValue *old)
{
  kube_validate_meta_update (errors, AT (NULL, "metadata"), member_of (node, "metadata"), member_of (old, "metadata"));
  check_node_change (errors, node, old);
}

const KubeValidateRules kube_validate_node_rules[] = {
  { "", "Node", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST, create_node, update_node, check_node_change },
  { NULL },
};
