/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* ResourceSlice. */

enum {
  DEVICES_MAX = 128,
  DEVICES_MAX_WITH_MORE = 64, /* where a device has taints or consumes counters */
  COUNTER_SETS_MAX = 8,
  ATTRIBUTES_MAX = 32, /* with the capacities */
  ATTRIBUTE_VALUE_MAX = 64,
  TAINTS_MAX = 16,
};

#define NUMBER "(0|[1-9]\\d*)"
#define PRE_RELEASE "(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)"
#define BUILD "[0-9a-zA-Z-]+"

static gboolean
is_semantic_version (const char *text)
{
  return g_regex_match_simple ("^" NUMBER "\\." NUMBER "\\." NUMBER "(-" PRE_RELEASE "(\\." PRE_RELEASE ")*)?"
                               "(\\+" BUILD "(\\." BUILD ")*)?$", text, G_REGEX_DOLLAR_ENDONLY, 0);
}

static void
check_attribute (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *attribute)
{
  static const char *const kinds[] = { "bool", "int", "string", "version" };
  const char *version = string_of (attribute, "version");
  guint n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    n += has_member (attribute, kinds[i]);
  if (strlen (string_of (attribute, "string")) > ATTRIBUTE_VALUE_MAX)
    kube_field_errors_too_long (errors, AT (path, "string"), ATTRIBUTE_VALUE_MAX);
  if (has_member (attribute, "version") && !is_semantic_version (version))
    kube_field_errors_invalid (errors, AT (path, "version"), version, "must be a string compatible with semver.org spec 2.0.0");
  if (strlen (version) > ATTRIBUTE_VALUE_MAX)
    kube_field_errors_too_long (errors, AT (path, "version"), ATTRIBUTE_VALUE_MAX);
  if (n == 0)
    kube_field_errors_invalid (errors, path, "", "exactly one value must be specified");
  else if (n > 1)
    kube_validate_invalid_struct (errors, path, "@resource.DeviceAttribute", attribute, "exactly one value must be specified");
}

static void
check_attributes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device)
{
  KubeValue *attributes = member_of (device, "attributes"), *capacity = member_of (device, "capacity");
  guint n = kube_value_get_length (attributes), n_capacity = kube_value_get_length (capacity);
  gboolean shared = boolean_of (device, "allowMultipleAllocations");

  if (n + n_capacity > ATTRIBUTES_MAX)
    kube_field_errors_invalid_integer (errors, path, n + n_capacity, "the total number of attributes and capacities must not exceed 32");
  for (guint i = 0; i < n; i++) {
    const char *name = kube_value_get_key (attributes, i);
    kube_validate_device_attribute_name (errors, AT (path, "attributes"), name);
    check_attribute (errors, AT_KEY (AT (path, "attributes"), name), kube_value_get_element (attributes, i));
  }
  for (guint i = 0; i < n_capacity; i++) {
    const char *name = kube_value_get_key (capacity, i);
    kube_validate_device_attribute_name (errors, AT (path, "capacity"), name);
    if (!shared && has_member (kube_value_get_element (capacity, i), "requestPolicy"))
      kube_field_errors_forbidden (errors, AT (AT_KEY (AT (path, "capacity"), name), "requestPolicy"),
                                   "allowMultipleAllocations must be true");
  }
}

static void
check_taints (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *taints)
{
  guint n = kube_value_get_length (taints);

  if (n > TAINTS_MAX) {
    kube_field_errors_too_many (errors, path, (int)n, TAINTS_MAX);
    return;
  }
  for (guint i = 0; i < n; i++) {
    KubeValue *taint = kube_value_get_element (taints, i);
    const KubeFieldPath *at = AT_INDEX (path, i);

    kube_validate_format (errors, AT (at, "key"), KUBE_NAME_QUALIFIED, string_of (taint, "key"));
    if (has_text (taint, "value"))
      kube_validate_format (errors, AT (at, "value"), KUBE_NAME_LABEL_VALUE, string_of (taint, "value"));
    if (has_text (taint, "effect"))
      kube_validate_device_effect (errors, AT (at, "effect"), string_of (taint, "effect"));
    else
      kube_field_errors_required (errors, AT (at, "effect"), NULL);
  }
}

/* Where something can be reached from: exactly one of the members says it. Adds to @set how those that do print. */
static void
check_places (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *empty, GPtrArray *set)
{
  KubeValue *selector = member_of (object, "nodeSelector");

  if (has_text (object, "nodeName")) {
    g_ptr_array_add (set, (gpointer) "`nodeName`");
    kube_validate_format (errors, AT (path, "nodeName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (object, "nodeName"));
  } else if (has_member (object, "nodeName")) {
    kube_field_errors_invalid (errors, AT (path, "nodeName"), "", empty);
  }
  if (selector != NULL) {
    g_ptr_array_add (set, (gpointer) "`nodeSelector`");
    kube_validate_node_selector (errors, AT (path, "nodeSelector"), selector);
  }
}

static void
check_flag (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key, const char *text, GPtrArray *set)
{
  if (boolean_of (object, key))
    g_ptr_array_add (set, (gpointer)text);
  else if (has_member (object, key))
    kube_field_errors_invalid_value (errors, AT (path, key), member_of (object, key), "must be either unset or set to true");
}

static void
add_several (KubeFieldErrors *errors, const KubeFieldPath *path, GPtrArray *set, const char *detail)
{
  g_autoptr (GString) bad = g_string_new ("{");

  for (guint i = 0; i < set->len; i++)
    g_string_append_printf (bad, "%s%s", i > 0 ? ", " : "", (const char *)set->pdata[i]);
  g_string_append_c (bad, '}');
  kube_field_errors_invalid (errors, path, bad->str, detail);
}

static void
check_device_place (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device, gboolean each)
{
  static const char need[] = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to "
                             "true in the ResourceSlice spec";
  g_autoptr (GPtrArray) set = NULL;

  if (!each) {
    if (has_member (device, "nodeName") || has_member (device, "nodeSelector") || has_member (device, "allNodes"))
      kube_field_errors_invalid_value (errors, path, NULL,
                                       "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to "
                                       "true in the ResourceSlice spec");
    return;
  }
  set = g_ptr_array_new ();
  check_places (errors, path, device, "must not be empty", set);
  check_flag (errors, path, device, "allNodes", "`allNodes`", set);
  if (set->len == 0)
    kube_field_errors_required (errors, path, need);
  else if (set->len > 1)
    add_several (errors, path, set, need);
}

static void
check_device (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device, gboolean each)
{
  kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, string_of (device, "name"));
  check_attributes (errors, path, device);
  check_taints (errors, AT (path, "taints"), member_of (device, "taints"));
  check_device_place (errors, path, device, each);
}

static void
check_devices (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *devices, gboolean each)
{
  guint n = kube_value_get_length (devices), maximum = DEVICES_MAX;
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < n; i++) {
    KubeValue *device = kube_value_get_element (devices, i);
    if (kube_value_get_length (member_of (device, "taints")) > 0 || kube_value_get_length (member_of (device, "consumesCounters")) > 0)
      maximum = DEVICES_MAX_WITH_MORE;
  }
  if (n > maximum) {
    kube_field_errors_too_many (errors, path, (int)n, (int)maximum);
    return;
  }
  for (guint i = 0; i < n; i++)
    check_device (errors, AT_INDEX (path, i), kube_value_get_element (devices, i), each);
  for (guint i = 0; i < n; i++) {
    const char *name = string_of (kube_value_get_element (devices, i), "name");
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), name);
  }
}

static void
check_counter_sets (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *sets)
{
  guint n = kube_value_get_length (sets);
  g_auto (NameSet) names = { 0 };

  if (n > COUNTER_SETS_MAX) {
    kube_field_errors_too_many (errors, path, (int)n, COUNTER_SETS_MAX);
    return;
  }
  for (guint i = 0; i < n; i++) {
    KubeValue *set = kube_value_get_element (sets, i), *counters = member_of (set, "counters");
    const KubeFieldPath *at = AT_INDEX (path, i);

    if (has_text (set, "name"))
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_DNS1123_LABEL, string_of (set, "name"));
    else
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    if (kube_value_get_length (counters) == 0)
      kube_field_errors_required (errors, AT (at, "counters"), NULL);
    for (guint c = 0; c < kube_value_get_length (counters); c++)
      kube_validate_format (errors, AT (at, "counters"), KUBE_NAME_DNS1123_LABEL, kube_value_get_key (counters, c));
  }
  for (guint i = 0; i < n; i++) {
    const char *name = string_of (kube_value_get_element (sets, i), "name");
    if (!name_set_add (&names, name))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), name);
  }
}

static void
check_pool (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *pool)
{
  gint64 count = integer_of (pool, "resourceSliceCount", 0), generation = integer_of (pool, "generation", 0);

  kube_validate_device_pool_name (errors, AT (path, "name"), string_of (pool, "name"));
  if (count <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "resourceSliceCount"), count, "must be greater than zero");
  if (generation < 0)
    kube_field_errors_invalid_integer (errors, AT (path, "generation"), generation, "must be greater than or equal to zero");
}

static void
check_slice_place (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char need[] = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  KubeValue *terms = member_of (member_of (spec, "nodeSelector"), "nodeSelectorTerms");
  g_autoptr (GPtrArray) set = g_ptr_array_new ();

  check_places (errors, path, spec, "must be either unset or set to a non-empty string", set);
  if (has_member (spec, "nodeSelector") && kube_value_get_length (terms) != 1)
    kube_validate_invalid_struct (errors, AT (AT (path, "nodeSelector"), "nodeSelectorTerms"), "[@core.NodeSelectorTerm", terms,
                                  "must have exactly one node selector term");
  check_flag (errors, path, spec, "allNodes", "`allNodes`", set);
  check_flag (errors, path, spec, "perDeviceNodeSelection", "`perDeviceNodeSelection`", set);
  if (set->len == 0) {
    kube_field_errors_required (errors, path, need);
  } else if (set->len > 1) {
    g_autofree char *detail = g_strconcat (need, ", but multiple fields are set", NULL);
    add_several (errors, path, set, detail);
  }
}

static void
check_same_string (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text, const char *old)
{
  if (!equals (text, old))
    kube_field_errors_invalid (errors, path, text, "field is immutable");
}

/* @old: (nullable): the stored specification. */
static void
check_spec (KubeFieldErrors *errors, KubeValue *spec, KubeValue *old)
{
  KubeValue *pool = member_of (spec, "pool"), *devices = member_of (spec, "devices"), *sets = member_of (spec, "sharedCounters");
  const KubeFieldPath *path = AT (NULL, "spec"), *pool_path = AT (path, "pool");

  kube_validate_csi_driver (errors, AT (path, "driver"), string_of (spec, "driver"));
  check_pool (errors, pool_path, pool);
  if (old != NULL) {
    check_same_string (errors, AT (pool_path, "name"), string_of (pool, "name"), string_of (member_of (old, "pool"), "name"));
    check_same_string (errors, AT (path, "driver"), string_of (spec, "driver"), string_of (old, "driver"));
    kube_validate_immutable (errors, AT (path, "nodeName"), member_of (spec, "nodeName"), member_of (old, "nodeName"), NULL);
  }
  check_slice_place (errors, path, spec);
  if (sets != NULL && devices != NULL)
    kube_field_errors_invalid (errors, path, "", "only one of `sharedCounters` or `devices` is allowed");
  check_devices (errors, AT (path, "devices"), devices, boolean_of (spec, "perDeviceNodeSelection"));
  check_counter_sets (errors, AT (path, "sharedCounters"), sets);
}

static void
create_slice (KubeFieldErrors *errors, KubeValue *object)
{
  check_spec (errors, member_of (object, "spec"), NULL);
}

static void
update_slice (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  check_spec (errors, member_of (object, "spec"), member_of (old, "spec"));
}

const KubeValidateRules kube_validate_device_slice_rules[] = {
  { "resource.k8s.io", "ResourceSlice", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_slice, update_slice, NULL },
  { NULL },
};
