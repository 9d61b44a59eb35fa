/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-device.h"

/* What became of a ResourceClaim: the devices that it got, who uses them, and what their drivers say. */

enum {
  RESERVED_FOR_MAX = 256,
  RESULTS_MAX = 32,
  CONDITIONS_MAX = 8,
  ADDRESSES_MAX = 16,
  INTERFACE_NAME_MAX = 256,
  HARDWARE_ADDRESS_MAX = 128,
};

/* How a device's identity prints: its parts are handles that show nothing. */
static const char identity[] = "{\"Driver\":{},\"Pool\":{},\"Device\":{},\"ShareID\":{}}";

static gboolean
is_same_device (KubeValue *a, KubeValue *b)
{
  static const char *const keys[] = { "driver", "pool", "device", "shareID" };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!equals (string_of (a, keys[i]), string_of (b, keys[i])))
      return FALSE;
  return TRUE;
}

static gboolean
has_device (KubeValue *list, guint n, KubeValue *device)
{
  for (guint i = 0; i < n; i++)
    if (is_same_device (kube_value_get_element (list, i), device))
      return TRUE;
  return FALSE;
}

static void
check_share (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device)
{
  const char *id = string_of (device, "shareID");
  gboolean good = strlen (id) == 36 && g_uuid_string_is_valid (id);

  if (!has_member (device, "shareID"))
    return;
  if (!good)
    kube_field_errors_invalid_format (errors, AT (path, "shareID"), id, strlen (id) == 36 ? "error validating uid: invalid UUID format"
                                                                                          : "error validating uid: invalid UUID length: %d", (int)strlen (id));
  else if (strpbrk (id, "ABCDEF") != NULL)
    kube_field_errors_invalid (errors, AT (path, "shareID"), id,
                               "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters");
}

static void
check_device_name (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device)
{
  kube_validate_csi_driver (errors, AT (path, "driver"), string_of (device, "driver"));
  kube_validate_device_pool_name (errors, AT (path, "pool"), string_of (device, "pool"));
  kube_validate_format (errors, AT (path, "device"), KUBE_NAME_DNS1123_LABEL, string_of (device, "device"));
}

/* --- the allocation --- */

static void
check_result (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *result, gconstpointer claim)
{
  kube_validate_device_request_ref (errors, AT (path, "request"), kube_value_get_member (result, "request"), claim);
  check_device_name (errors, path, result);
  kube_validate_device_binding (errors, path, result);
  check_share (errors, path, result);
}

static void
check_config (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *config, gconstpointer claim)
{
  static const char *const sources[] = { "FromClaim", "FromClass", NULL };

  kube_validate_enum (errors, AT (path, "source"), string_of (config, "source"), "", sources);
  kube_validate_device_config (errors, path, config, claim);
}

static void
check_allocation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *allocation, KubeValue *claim)
{
  KubeValue *devices = member_of (allocation, "devices"), *selector = member_of (allocation, "nodeSelector");
  const KubeFieldPath *at = AT (path, "devices");

  kube_validate_device_list (errors, AT (at, "results"), member_of (devices, "results"), RESULTS_MAX, check_result, claim);
  kube_validate_device_list (errors, AT (at, "config"), member_of (devices, "config"), 2 * KUBE_DEVICE_CONFIG_MAX, check_config, claim);
  if (selector != NULL)
    kube_validate_node_selector (errors, AT (path, "nodeSelector"), selector);
}

/* --- who uses it --- */

static void
check_consumer (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *consumer, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const keys[] = { "resource", "name", "uid" };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!has_text (consumer, keys[i]))
      kube_field_errors_required (errors, AT (path, keys[i]), NULL);
}

static gboolean
has_new (KubeValue *list, KubeValue *old)
{
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    gboolean found = FALSE;
    for (guint o = 0; o < kube_value_get_length (old) && !found; o++)
      found = kube_value_equal (kube_value_get_element (list, i), kube_value_get_element (old, o));
    if (!found)
      return TRUE;
  }
  return FALSE;
}

static void
check_reservations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, KubeValue *old)
{
  KubeValue *status = member_of (object, "status"), *reserved = member_of (status, "reservedFor");

  if (kube_value_get_length (reserved) == 0)
    return;
  if (!has_member (status, "allocation"))
    kube_field_errors_forbidden (errors, path, "may not be specified when `allocated` is not set");
  else if (has_member (member_of (object, "metadata"), "deletionTimestamp") && has_new (reserved, member_of (member_of (old, "status"), "reservedFor")))
    kube_field_errors_forbidden (errors, path, "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
}

/* --- what drivers say --- */

static void
check_address (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *element, gconstpointer data G_GNUC_UNUSED)
{
  const char *text = kube_value_peek_string (element, NULL);
  g_autofree char *canonical = text != NULL ? kube_validate_canonical_cidr (text) : NULL;

  if (canonical == NULL)
    kube_field_errors_invalid (errors, path, text, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)");
  else if (!equals (canonical, text))
    kube_field_errors_invalid_format (errors, path, text, "must be in canonical form (\"%s\")", canonical);
}

static void
check_network (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *network)
{
  if (strlen (string_of (network, "interfaceName")) > INTERFACE_NAME_MAX)
    kube_field_errors_too_long (errors, AT (path, "interfaceName"), INTERFACE_NAME_MAX);
  if (strlen (string_of (network, "hardwareAddress")) > HARDWARE_ADDRESS_MAX)
    kube_field_errors_too_long (errors, AT (path, "hardwareAddress"), HARDWARE_ADDRESS_MAX);
  kube_validate_device_set (errors, AT (path, "ips"), member_of (network, "ips"), ADDRESSES_MAX, check_address, NULL, NULL);
}

static void
check_state (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *device, KubeValue *results)
{
  KubeValue *conditions = member_of (device, "conditions");

  check_device_name (errors, path, device);
  check_share (errors, path, device);
  if (!has_device (results, kube_value_get_length (results), device))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, identity, "must be an allocated device in the claim");
  if (kube_value_get_length (conditions) > CONDITIONS_MAX)
    kube_field_errors_too_many (errors, AT (path, "conditions"), (int)kube_value_get_length (conditions), CONDITIONS_MAX);
  kube_validate_conditions (errors, AT (path, "conditions"), conditions);
  if (has_member (device, "data"))
    kube_validate_device_object (errors, AT (path, "data"), member_of (device, "data"));
  check_network (errors, AT (path, "networkData"), member_of (device, "networkData"));
}

static void
check_states (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *devices, KubeValue *results)
{
  for (guint i = 0; i < kube_value_get_length (devices); i++)
    check_state (errors, AT_INDEX (path, i), kube_value_get_element (devices, i), results);
  for (guint i = 0; i < kube_value_get_length (devices); i++)
    if (has_device (devices, i, kube_value_get_element (devices, i)))
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_DUPLICATE, AT_INDEX (path, i), identity, NULL);
}

void
kube_validate_device_claim_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  KubeValue *status = member_of (object, "status"), *old_allocation = member_of (member_of (old, "status"), "allocation");
  KubeValue *allocation = member_of (status, "allocation");
  const KubeFieldPath *path = AT (NULL, "status"), *reserved_at = AT (path, "reservedFor");

  kube_validate_device_set (errors, reserved_at, member_of (status, "reservedFor"), RESERVED_FOR_MAX, check_consumer, NULL, "uid");
  check_states (errors, AT (path, "devices"), member_of (status, "devices"), member_of (member_of (allocation, "devices"), "results"));
  check_reservations (errors, reserved_at, object, old);
  if (allocation != NULL && old_allocation != NULL)
    kube_validate_immutable (errors, AT (path, "allocation"), allocation, old_allocation, "@resource.AllocationResult");
  else if (allocation != NULL)
    check_allocation (errors, AT (path, "allocation"), allocation, member_of (member_of (object, "spec"), "devices"));
}
