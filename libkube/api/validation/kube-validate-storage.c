/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* StorageClass, VolumeAttributesClass, CSI objects, VolumeAttachment, PriorityClass, RuntimeClass. */

static void
check_provisioner (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  g_autofree char *lower = NULL;

  if (*name == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  lower = g_utf8_strdown (name, -1);
  kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, lower);
}

static void
check_parameters (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *parameters, gboolean required)
{
  guint n = kube_value_get_length (parameters);
  gsize total = 0;

  if (n > 512) {
    kube_field_errors_too_long (errors, path, 512);
    return;
  }
  for (guint i = 0; i < n; i++) {
    gsize length = 0;
    kube_value_peek_string (kube_value_get_element (parameters, i), &length);
    total += length + strlen (kube_value_get_key (parameters, i));
    if (*kube_value_get_key (parameters, i) == '\0')
      kube_field_errors_invalid (errors, path, "", "field can not be empty.");
  }
  if (total > 256 * 1024)
    kube_field_errors_too_long (errors, path, 256 * 1024);
  if (required && n == 0)
    kube_field_errors_required (errors, path, "must contain at least one key/value pair");
}

static void
check_topology (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *term)
{
  KubeValue *expressions = member_of (term, "matchLabelExpressions");
  g_auto (NameSet) keys = { 0 };

  for (guint i = 0; i < kube_value_get_length (expressions); i++) {
    KubeValue *expression = kube_value_get_element (expressions, i), *values = member_of (expression, "values");
    const KubeFieldPath *at = AT_INDEX (AT (path, "matchLabelExpressions"), i);
    g_auto (NameSet) seen = { 0 };

    if (kube_value_get_length (values) == 0)
      kube_field_errors_required (errors, AT (at, "values"), NULL);
    for (guint k = 0; k < kube_value_get_length (values); k++)
      if (!name_set_add (&seen, element_string (values, k)))
        kube_field_errors_duplicate (errors, AT_INDEX (AT (at, "values"), k), element_string (values, k));
    kube_validate_format (errors, AT (at, "key"), KUBE_NAME_QUALIFIED, string_of (expression, "key"));
    if (!name_set_add (&keys, string_of (expression, "key")))
      kube_field_errors_duplicate (errors, AT (at, "key"), string_of (expression, "key"));
  }
}

/* Terms that say the same. Upstream starts out with as many empty terms as there are terms. */
static void
check_same_topologies (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *terms, guint index)
{
  KubeValue *expressions = member_of (kube_value_get_element (terms, index), "matchLabelExpressions");
  guint n = kube_value_get_length (expressions) == 0 ? MIN (kube_value_get_length (terms), 100) : 0;

  for (guint i = 0; i < index && i < 100; i++)
    if (kube_validate_semantic_equal (member_of (kube_value_get_element (terms, i), "matchLabelExpressions"), expressions))
      n++;
  while (n-- > 0)
    kube_field_errors_duplicate (errors, AT (path, "matchLabelExpressions"), "");
}

static void
create_storage_class (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const reclaim[] = { "Delete", "Retain", NULL };
  static const char *const binding[] = { "Immediate", "WaitForFirstConsumer", NULL };
  KubeValue *topologies = member_of (object, "allowedTopologies");
  const char *mode = string_of (object, "volumeBindingMode"), *policy = string_of (object, "reclaimPolicy");

  check_provisioner (errors, AT (NULL, "provisioner"), string_of (object, "provisioner"));
  check_parameters (errors, AT (NULL, "parameters"), member_of (object, "parameters"), FALSE);
  if (*policy != '\0' && !kube_validate_one_of (policy, reclaim))
    kube_field_errors_not_supported (errors, AT (NULL, "reclaimPolicy"), policy, reclaim);
  if (!has_member (object, "volumeBindingMode"))
    kube_field_errors_required (errors, AT (NULL, "volumeBindingMode"), NULL);
  else if (!kube_validate_one_of (mode, binding))
    kube_field_errors_not_supported (errors, AT (NULL, "volumeBindingMode"), mode, binding);
  for (guint i = 0; i < kube_value_get_length (topologies); i++) {
    KubeValue *term = kube_value_get_element (topologies, i);
    check_topology (errors, AT_INDEX (AT (NULL, "allowedTopologies"), i), term);
    check_same_topologies (errors, AT_INDEX (AT (NULL, "allowedTopologies"), i), topologies, i);
  }
}

static void
update_storage_class (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  static const struct {
    const char *key;
    const char *type;
  } fixed[] = { { "parameters", NULL }, { "provisioner", "s" }, { "reclaimPolicy", NULL }, { "volumeBindingMode", NULL } };

  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++)
    kube_validate_immutable (errors, AT (NULL, fixed[i].key), member_of (object, fixed[i].key), member_of (old, fixed[i].key), fixed[i].type);
}

static void
create_attributes_class (KubeFieldErrors *errors, KubeValue *object)
{
  check_provisioner (errors, AT (NULL, "driverName"), string_of (object, "driverName"));
  check_parameters (errors, AT (NULL, "parameters"), member_of (object, "parameters"), TRUE);
}

static void
update_attributes_class (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  if (!equals (string_of (object, "driverName"), string_of (old, "driverName")))
    kube_field_errors_forbidden (errors, AT (NULL, "driverName"), "updates to driverName are forbidden.");
  if (!kube_validate_semantic_equal (member_of (object, "parameters"), member_of (old, "parameters")))
    kube_field_errors_forbidden (errors, AT (NULL, "parameters"), "updates to parameters are forbidden.");
}

/* --- CSI --- */

static void
check_driver_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  g_autofree char *lower = NULL;
  g_autoptr (GPtrArray) messages = NULL;

  if (*name == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (strlen (name) > 63)
    kube_field_errors_too_long (errors, path, 63);
  lower = g_utf8_strdown (name, -1);
  messages = kube_name_check_all (KUBE_NAME_DNS1123_SUBDOMAIN, lower);
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    kube_field_errors_invalid (errors, path, name, messages->pdata[i]);
}

static void
check_token_requests (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requests)
{
  g_auto (NameSet) audiences = { 0 };

  for (guint i = 0; i < kube_value_get_length (requests); i++) {
    KubeValue *request = kube_value_get_element (requests, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    gint64 seconds = integer_of (request, "expirationSeconds", 600);

    if (!name_set_add (&audiences, string_of (request, "audience"))) {
      kube_field_errors_duplicate (errors, AT (at, "audience"), string_of (request, "audience"));
      continue;
    }
    if (seconds < 600)
      kube_field_errors_invalid_integer (errors, AT (at, "expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
    if (seconds > G_GINT64_CONSTANT (1) << 32)
      kube_field_errors_invalid_integer (errors, AT (at, "expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds");
  }
}

static void
create_csi_driver (KubeFieldErrors *errors, KubeValue *object)
{
  static const struct {
    const char *key;
    const char *name;
  } required[] = { { "attachRequired", "attachedRequired" }, { "podInfoOnMount", "podInfoOnMount" }, { "storageCapacity", "storageCapacity" } };
  static const char *const policies[] = { "File", "None", "ReadWriteOnceWithFSType", NULL };
  static const char *const modes[] = { "Persistent", "Ephemeral", NULL };
  KubeValue *spec = member_of (object, "spec"), *list = member_of (spec, "volumeLifecycleModes");
  const KubeFieldPath *path = AT (NULL, "spec");
  gint64 period = integer_of (spec, "nodeAllocatableUpdatePeriodSeconds", 10);

  for (gsize i = 0; i < G_N_ELEMENTS (required); i++)
    if (!has_member (spec, required[i].key))
      kube_field_errors_required (errors, AT (path, required[i].name), NULL);
  if (has_member (spec, "fsGroupPolicy") && !kube_validate_one_of (string_of (spec, "fsGroupPolicy"), policies))
    kube_field_errors_not_supported (errors, AT (path, "fsGroupPolicy"), string_of (spec, "fsGroupPolicy"), policies);
  check_token_requests (errors, AT (path, "tokenRequests"), member_of (spec, "tokenRequests"));
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (!kube_validate_one_of (element_string (list, i), modes))
      kube_field_errors_not_supported (errors, AT (path, "volumeLifecycleModes"), element_string (list, i), modes);
  if (!has_member (spec, "seLinuxMount"))
    kube_field_errors_required (errors, AT (path, "seLinuxMount"), NULL);
  if (period < 10)
    kube_field_errors_invalid_integer (errors, AT (path, "nodeAllocatableUpdatePeriodSeconds"), period, "must be greater than or equal to 10 seconds");
  if (has_member (spec, "serviceAccountTokenInSecrets") && kube_value_get_length (member_of (spec, "tokenRequests")) == 0)
    kube_field_errors_invalid_value (errors, AT (path, "serviceAccountTokenInSecrets"), member_of (spec, "serviceAccountTokenInSecrets"),
                                     "serviceAccountTokenInSecrets is set but no tokenRequests are specified");
}

static void
update_csi_driver (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  const KubeFieldPath *path = AT (NULL, "spec");

  create_csi_driver (errors, object);
  kube_validate_immutable (errors, AT (path, "attachedRequired"), kube_value_get (object, "spec.attachRequired"), kube_value_get (old, "spec.attachRequired"), NULL);
  kube_validate_immutable (errors, AT (path, "volumeLifecycleModes"), kube_value_get (object, "spec.volumeLifecycleModes"),
                           kube_value_get (old, "spec.volumeLifecycleModes"), NULL);
}

static void
check_node_driver (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *driver, NameSet *names)
{
  KubeValue *keys = member_of (driver, "topologyKeys");
  const char *id = string_of (driver, "nodeID");
  g_auto (NameSet) seen = { 0 };

  check_driver_name (errors, AT (path, "name"), string_of (driver, "name"));
  if (*id == '\0')
    kube_field_errors_required (errors, AT (path, "nodeID"), NULL);
  if (strlen (id) > 256)
    kube_field_errors_invalid (errors, AT (path, "nodeID"), id, "must be 256 characters or less");
  kube_validate_non_negative_member (errors, AT (path, "allocatable"), member_of (driver, "allocatable"), "count");
  if (!name_set_add (names, string_of (driver, "name")))
    kube_field_errors_duplicate (errors, AT (path, "name"), string_of (driver, "name"));
  for (guint i = 0; i < kube_value_get_length (keys); i++) {
    const char *key = element_string (keys, i);
    if (*key == '\0')
      kube_field_errors_required (errors, path, NULL);
    if (!name_set_add (&seen, key))
      kube_field_errors_duplicate (errors, path, key);
    kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, key);
  }
}

static void
create_csi_node (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *drivers = kube_value_get (object, "spec.drivers");
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (drivers); i++)
    check_node_driver (errors, AT_INDEX (AT (AT (NULL, "spec"), "drivers"), i), kube_value_get_element (drivers, i), &names);
}

static KubeValue *
without_allocatable (KubeValue *driver)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (driver);
  kube_node_remove_member (kube_builder_get_root (builder), "allocatable");
  return kube_builder_end (builder);
}

static void
update_csi_node (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  KubeValue *drivers = kube_value_get (object, "spec.drivers"), *before = kube_value_get (old, "spec.drivers");

  for (guint i = 0; i < kube_value_get_length (before); i++)
    for (guint k = 0; k < kube_value_get_length (drivers); k++) {
      KubeValue *a = kube_value_get_element (before, i), *b = kube_value_get_element (drivers, k);
      if (equals (string_of (a, "name"), string_of (b, "name"))) {
        g_autoptr (KubeValue) was = without_allocatable (a);
        g_autoptr (KubeValue) is = without_allocatable (b);
        kube_validate_immutable (errors, AT (AT (NULL, "spec"), "drivers"), is, was, "@storage.CSINodeDriver");
      }
    }
}

static void
create_capacity (KubeFieldErrors *errors, KubeValue *object)
{
  KubeQuantity capacity;

  kube_validate_label_selector (errors, AT (NULL, "nodeTopology"), member_of (object, "nodeTopology"));
  kube_validate_format (errors, AT (NULL, "storageClassName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (object, "storageClassName"));
  if (kube_validate_get_quantity (object, "capacity", &capacity) && capacity.value < 0) {
    g_autofree char *text = kube_quantity_print (&capacity);
    kube_field_errors_invalid (errors, AT (NULL, "capacity"), text, "must be greater than or equal to 0");
  }
}

static void
update_capacity (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_capacity (errors, object);
  kube_validate_immutable (errors, AT (NULL, "nodeTopology"), member_of (object, "nodeTopology"), member_of (old, "nodeTopology"), "*@meta.LabelSelector");
  kube_validate_immutable (errors, AT (NULL, "storageClassName"), member_of (object, "storageClassName"), member_of (old, "storageClassName"), "s");
}

static void
create_attachment (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *source = member_of (spec, "source");
  const char *volume = string_of (source, "persistentVolumeName");
  const KubeFieldPath *path = AT (NULL, "spec");
  gboolean named = has_member (source, "persistentVolumeName"), described = has_member (source, "inlineVolumeSpec");

  check_driver_name (errors, AT (path, "attacher"), string_of (spec, "attacher"));
  if (!named && !described)
    kube_field_errors_required (errors, AT (path, "source"), "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  else if (named && described)
    kube_field_errors_forbidden (errors, AT (path, "source"), "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  else if (named && *volume == '\0')
    kube_field_errors_required (errors, AT (AT (path, "source"), "persistentVolumeName"), "must specify non empty persistentVolumeName");
  kube_validate_format (errors, AT (path, "nodeName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (spec, "nodeName"));
  if (named)
    kube_validate_format (errors, AT (NULL, "spec.source.persistentVolumeName"), KUBE_NAME_DNS1123_SUBDOMAIN, volume);
}

static void
update_attachment (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  kube_validate_immutable (errors, AT (NULL, "spec"), member_of (object, "spec"), member_of (old, "spec"), "@storage.VolumeAttachmentSpec");
}

/* --- classes of pods --- */

static void
create_priority_class (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const preemption[] = { "PreemptLowerPriority", "Never", NULL };
  const char *name = string_of (member_of (object, "metadata"), "name");
  gint64 value = integer_of (object, "value", 0);
  gboolean known = (equals (name, "system-node-critical") && value == 2000001000) || (equals (name, "system-cluster-critical") && value == 2000000000);

  if (g_str_has_prefix (name, "system-")) {
    if (!known) {
      g_autofree char *detail = g_strdup_printf ("priority class names with 'system-' prefix are reserved for system use only. error: %s is not a known system "
                                                 "priority class",
                                                 name);
      kube_field_errors_forbidden (errors, AT (AT (NULL, "metadata"), "name"), detail);
    }
  } else if (value > 1000000000) {
    kube_field_errors_forbidden (errors, AT (NULL, "value"), "maximum allowed value of a user defined priority is 1000000000");
  }
  if (has_member (object, "preemptionPolicy"))
    kube_validate_enum (errors, AT (NULL, "preemptionPolicy"), string_of (object, "preemptionPolicy"), "", preemption);
}

static void
update_priority_class (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  if (integer_of (object, "value", 0) != integer_of (old, "value", 0))
    kube_field_errors_forbidden (errors, AT (NULL, "value"), "may not be changed in an update.");
  kube_validate_immutable (errors, AT (NULL, "preemptionPolicy"), member_of (object, "preemptionPolicy"), member_of (old, "preemptionPolicy"), NULL);
}

static void
create_runtime_class (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *fixed = kube_value_get (object, "overhead.podFixed"), *scheduling = member_of (object, "scheduling"),
            *tolerations = member_of (scheduling, "tolerations");
  const char *handler = string_of (object, "handler");
  const KubeFieldPath *path = AT (NULL, "scheduling");

  if (*handler == '\0')
    kube_field_errors_required (errors, AT (NULL, "handler"), NULL);
  else
    kube_validate_format (errors, AT (NULL, "handler"), KUBE_NAME_DNS1123_LABEL, handler);
  for (guint i = 0; i < kube_value_get_length (fixed); i++) {
    const char *name = kube_value_get_key (fixed, i);
    const KubeFieldPath *at = AT_KEY (AT (AT (NULL, "overhead"), "limits"), name);
    kube_validate_container_resource_name (errors, at, name);
    kube_validate_resource_quantity (errors, at, name, kube_value_get_element (fixed, i));
  }
  kube_validate_labels (errors, AT (path, "nodeSelector"), member_of (scheduling, "nodeSelector"));
  kube_validate_tolerations (errors, AT (path, "tolerations"), tolerations);
  for (guint i = 1; i < kube_value_get_length (tolerations); i++)
    for (guint k = 0; k < i && k < 100; k++)
      if (kube_validate_semantic_equal (kube_value_get_element (tolerations, i), kube_value_get_element (tolerations, k))) {
        g_autoptr (GString) bad = g_string_new (NULL);
        kube_go_struct_print (bad, "@core.Toleration", kube_value_get_element (tolerations, i));
        kube_field_errors_add (errors, KUBE_FIELD_ERROR_DUPLICATE, AT_INDEX (AT (path, "tolerations"), i), bad->str, NULL);
        break;
      }
}

static void
update_runtime_class (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  create_runtime_class (errors, object);
  kube_validate_immutable (errors, AT (NULL, "handler"), member_of (object, "handler"), member_of (old, "handler"), "s");
}

const KubeValidateRules kube_validate_storage_rules[] = {
  { "storage.k8s.io", "StorageClass", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_FIRST, create_storage_class, update_storage_class, NULL },
  { "storage.k8s.io", "VolumeAttributesClass", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE,
    create_attributes_class, update_attributes_class, NULL },
  { "storage.k8s.io", "CSIDriver", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_csi_driver, update_csi_driver, NULL },
  { "storage.k8s.io", "CSINode", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST, create_csi_node, update_csi_node, NULL },
  { "storage.k8s.io", "CSIStorageCapacity", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_capacity, update_capacity, NULL },
  { "storage.k8s.io", "VolumeAttachment", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST, create_attachment, update_attachment, NULL },
  { "scheduling.k8s.io", "PriorityClass", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE, create_priority_class, update_priority_class, NULL },
  { "node.k8s.io", "RuntimeClass", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_ANY_FINALIZER, create_runtime_class, update_runtime_class, NULL },
  { NULL },
};
