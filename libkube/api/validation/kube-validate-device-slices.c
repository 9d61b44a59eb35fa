/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-device.h"

/* ResourceSlice. */

enum {
  DEVICES_MAX = 128,
  DEVICES_MAX_WITH_MORE = 64, /* where a device has taints or consumes counters */
  COUNTER_SETS_MAX = 8,
  COUNTERS_MAX = 32, /* in a set, and in what a device consumes of one */
  CONSUMPTIONS_MAX = 2,
  COUNTER_NAME_MAX = 63,
  ATTRIBUTES_MAX = 32, /* with the capacities */
  ATTRIBUTE_VALUE_MAX = 64,
  ATTRIBUTE_NAME_MAX = 63 + 1 + 32,
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

/* Long keys are cut in the middle where they stand in a path. */
static char *
shorten_key (const char *key, gsize maximum)
{
  gsize length = strlen (key), rest = maximum - strlen ("...");

  if (length <= maximum)
    return g_strdup (key);
  return g_strdup_printf ("%.*s...%s", (int)((rest + 1) / 2), key, key + length - rest / 2);
}

static void
check_capacity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *capacity, gboolean shared)
{
  if (!has_member (capacity, "requestPolicy"))
    return;
  if (shared)
    kube_validate_device_request_policy (errors, AT (path, "requestPolicy"), capacity);
  else
    kube_field_errors_forbidden (errors, AT (path, "requestPolicy"), "allowMultipleAllocations must be true");
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
    g_autofree char *key = shorten_key (name, ATTRIBUTE_NAME_MAX);
    const KubeFieldPath *at = AT_KEY (AT (path, "attributes"), key);

    kube_validate_device_attribute_name (errors, at, name);
    check_attribute (errors, at, kube_value_get_element (attributes, i));
  }
  for (guint i = 0; i < n_capacity; i++) {
    const char *name = kube_value_get_key (capacity, i);
    g_autofree char *key = shorten_key (name, ATTRIBUTE_NAME_MAX);
    const KubeFieldPath *at = AT_KEY (AT (path, "capacity"), key);

    kube_validate_device_attribute_name (errors, at, name);
    check_capacity (errors, at, kube_value_get_element (capacity, i), shared);
  }
}

/* A set of counters, and what a device consumes of one: @name_key says which. */
static void
check_counters (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *set, gconstpointer name_key)
{
  KubeValue *counters = member_of (set, "counters");
  const KubeFieldPath *at = AT (path, "counters");
  guint n = kube_value_get_length (counters);

  if (has_text (set, name_key))
    kube_validate_format (errors, AT (path, (const char *)name_key), KUBE_NAME_DNS1123_LABEL, string_of (set, name_key));
  else
    kube_field_errors_required (errors, AT (path, (const char *)name_key), NULL);
  if (n == 0)
    kube_field_errors_required (errors, at, NULL);
  if (n > COUNTERS_MAX)
    kube_field_errors_too_many (errors, at, (int)n, COUNTERS_MAX);
  for (guint i = 0; i < n && n <= COUNTERS_MAX; i++) {
    const char *name = kube_value_get_key (counters, i);
    g_autofree char *key = shorten_key (name, COUNTER_NAME_MAX);
    kube_validate_format (errors, AT_KEY (at, key), KUBE_NAME_DNS1123_LABEL, name);
  }
}

static void
check_taint (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *taint, gconstpointer data G_GNUC_UNUSED)
{
  kube_validate_format (errors, AT (path, "key"), KUBE_NAME_QUALIFIED, string_of (taint, "key"));
  if (has_text (taint, "value"))
    kube_validate_format (errors, AT (path, "value"), KUBE_NAME_LABEL_VALUE, string_of (taint, "value"));
  if (has_text (taint, "effect"))
    kube_validate_device_effect (errors, AT (path, "effect"), string_of (taint, "effect"));
  else
    kube_field_errors_required (errors, AT (path, "effect"), NULL);
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

static KubeValue *
find_device (KubeValue *devices, const char *name)
{
  for (guint i = 0; i < kube_value_get_length (devices); i++)
    if (equals (string_of (kube_value_get_element (devices, i), "name"), name))
      return kube_value_get_element (devices, i);
  return NULL;
}

typedef struct {
  KubeValue *old;             /* (nullable): the devices that were */
  gboolean own_node_selection;
} DeviceCheck;

static void
check_device (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device, gconstpointer data)
{
  const DeviceCheck *check = data;
  const char *name = string_of (device, "name");
  KubeValue *old = find_device (check->old, name), *taints = member_of (device, "taints");

  kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, name);
  check_attributes (errors, path, device);
  if (old == NULL || !kube_validate_semantic_equal (taints, member_of (old, "taints")))
    kube_validate_device_list (errors, AT (path, "taints"), taints, TAINTS_MAX, check_taint, NULL);
  kube_validate_device_set (errors, AT (path, "consumesCounters"), member_of (device, "consumesCounters"), CONSUMPTIONS_MAX, check_counters,
                            "counterSet", "counterSet");
  check_device_place (errors, path, device, check->own_node_selection);
  kube_validate_device_binding (errors, path, device);
}

static guint
get_device_limit (KubeValue *devices)
{
  for (guint i = 0; i < kube_value_get_length (devices); i++) {
    KubeValue *device = kube_value_get_element (devices, i);
    if (kube_value_get_length (member_of (device, "taints")) > 0 || kube_value_get_length (member_of (device, "consumesCounters")) > 0)
      return DEVICES_MAX_WITH_MORE;
  }
  return DEVICES_MAX;
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
  DeviceCheck check = { member_of (old, "devices"), boolean_of (spec, "perDeviceNodeSelection") };

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
  kube_validate_device_set (errors, AT (path, "devices"), devices, get_device_limit (devices), check_device, &check, "name");
  kube_validate_device_set (errors, AT (path, "sharedCounters"), sets, COUNTER_SETS_MAX, check_counters, "name", "name");
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
