/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"
#include "kube-pod-resources.h"

static const char *const container_resources[] = { "cpu", "memory", "ephemeral-storage", NULL };
static const char *const standard_resources[] = {
  "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
  "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
  "storage", "requests.storage", "services.nodeports", "services.loadbalancers", NULL,
};
static const char *const integer_resources[] = { "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
                                                 "persistentvolumeclaims", "services.nodeports", "services.loadbalancers", NULL };

gboolean
kube_validate_is_native_resource (const char *name)
{
  return strchr (name, '/') == NULL || strstr (name, "kubernetes.io/") != NULL;
}

static gboolean
is_huge_page (const char *name)
{
  return g_str_has_prefix (name, "hugepages-");
}

gboolean
kube_validate_is_overcommit_allowed (const char *name)
{
  return kube_validate_is_native_resource (name) && !is_huge_page (name);
}

gboolean
kube_validate_is_extended_resource (const char *name)
{
  g_autofree char *quota = NULL;

  if (kube_validate_is_native_resource (name) || g_str_has_prefix (name, "requests."))
    return FALSE;
  quota = g_strconcat ("requests.", name, NULL);
  return kube_name_is_valid (KUBE_NAME_QUALIFIED, quota);
}

gboolean
kube_validate_resource_is_integer (const char *name)
{
  return kube_validate_one_of (name, integer_resources) || (!kube_validate_is_native_resource (name) && kube_validate_is_extended_resource (name));
}

void
kube_validate_resource_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  guint before = kube_field_errors_get_length (errors);

  kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, name);
  if (kube_field_errors_get_length (errors) == before && strchr (name, '/') == NULL && !kube_validate_one_of (name, standard_resources) &&
      !is_huge_page (name))
    kube_field_errors_invalid (errors, path, name, "must be a standard resource type or fully qualified");
}

void
kube_validate_container_resource_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  if (kube_validate_one_of (name, container_resources))
    return;
  kube_validate_resource_name (errors, path, name);
  if (strchr (name, '/') == NULL) {
    if (!is_huge_page (name))
      kube_field_errors_invalid (errors, path, name, "must be a standard resource for containers");
  } else if (!kube_validate_is_native_resource (name) && !kube_validate_is_extended_resource (name)) {
    kube_field_errors_invalid (errors, path, name, "doesn't follow extended resource name standard");
  }
}

void
kube_validate_resource_quantity (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *value)
{
  KubeQuantity quantity;
  g_autofree char *text = NULL;

  if (!kube_quantity_from_value (value, &quantity, NULL))
    return;
  if (quantity.value < 0) {
    text = kube_quantity_print (&quantity);
    kube_field_errors_invalid (errors, path, text, "must be greater than or equal to 0");
  }
  if (kube_validate_resource_is_integer (name) && kube_quantity_get_milli_value (&quantity) % 1000 != 0) {
    g_free (text);
    text = kube_quantity_print (&quantity);
    kube_field_errors_invalid (errors, path, text, "must be an integer");
  }
}

void
kube_validate_amount (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *amounts, const char *name)
{
  KubeQuantity amount;

  if (kube_validate_get_quantity (amounts, name, &amount) && amount.value < 0)
    kube_field_errors_invalid_integer (errors, AT_KEY (path, name), kube_quantity_get_value (&amount), "must be a valid resource quantity");
}

gboolean
kube_validate_get_quantity (KubeValue *map, const char *name, KubeQuantity *quantity)
{
  KubeValue *value = member_of (map, name);
  return value != NULL && kube_quantity_from_value (value, quantity, NULL);
}

static void
check_request (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *value, KubeValue *limits)
{
  const KubeFieldPath *requests = AT (path, "requests");
  gboolean overcommit = kube_validate_is_overcommit_allowed (name);
  KubeQuantity request, limit;
  int order;

  if (!kube_quantity_from_value (value, &request, NULL))
    return;
  if (!kube_validate_get_quantity (limits, name, &limit)) {
    if (!overcommit)
      kube_field_errors_required (errors, AT (path, "limits"), "Limit must be set for non overcommitable resources");
    return;
  }
  order = kube_quantity_compare (&request, &limit);
  if ((order != 0 && !overcommit) || order > 0) {
    g_autofree char *bad = kube_quantity_print (&request);
    g_autofree char *most = kube_quantity_print (&limit);
    kube_field_errors_invalid_format (errors, requests, bad, overcommit ? "must be less than or equal to %s limit of %s" : "must be equal to %s limit of %s",
                                      name, most);
  }
}

static void
check_huge_page (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *value)
{
  KubeQuantity size, quantity;

  if (!is_huge_page (name) || !kube_quantity_parse (name + strlen ("hugepages-"), &size, NULL) || !kube_quantity_from_value (value, &quantity, NULL))
    return;
  if (kube_quantity_get_value (&size) <= 0 || kube_quantity_get_value (&quantity) % kube_quantity_get_value (&size) != 0) {
    g_autofree char *text = kube_quantity_print (&quantity);
    kube_field_errors_invalid_format (errors, path, text, "%s is not positive integer multiple of %s", text, name);
  }
}

static gboolean
has_key (GPtrArray *keys, const char *key)
{
  return g_ptr_array_find_with_equal_func (keys, key, g_str_equal, NULL);
}

static gboolean
has_request_of (GPtrArray *keys, const char *name)
{
  gsize length = strlen (name);

  for (guint i = 0; i < keys->len; i++)
    if (g_str_has_prefix (keys->pdata[i], name) && ((const char *) keys->pdata[i])[length] == '/')
      return TRUE;
  return FALSE;
}

/* A claim may be used once as a whole, or once for each of its requests. */
static void
check_claim_use (KubeFieldErrors *errors, const KubeFieldPath *path, GPtrArray *keys, const char *name, const char *request)
{
  g_autofree char *key = *request != '\0' ? g_strconcat (name, "/", request, NULL) : g_strdup (name);

  if (has_key (keys, name)) {
    kube_field_errors_duplicate (errors, path, name);
    return;
  }
  if (*request != '\0')
    kube_validate_format (errors, AT (path, "request"), KUBE_NAME_DNS1123_LABEL, request);
  if (has_key (keys, key) || (*request == '\0' && has_request_of (keys, name)))
    kube_field_errors_duplicate (errors, path, key);
  g_ptr_array_add (keys, g_steal_pointer (&key));
}

static void
check_claims (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *claims, const NameSet *pod_claims)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < kube_value_get_length (claims); i++) {
    KubeValue *claim = kube_value_get_element (claims, i);
    const char *name = string_of (claim, "name");
    const KubeFieldPath *at = AT_INDEX (path, i);

    if (*name == '\0') {
      kube_field_errors_required (errors, at, NULL);
      continue;
    }
    check_claim_use (errors, at, keys, name, string_of (claim, "request"));
    if (!name_set_has (pod_claims, name)) {
      g_autoptr (GString) bad = g_string_new (NULL);
      g_autoptr (GString) detail = g_string_new ("must be one of the names in pod.spec.resourceClaims");
      kube_go_quote (bad, name, -1);
      if (pod_claims->n == 0)
        g_string_append (detail, " which is empty");
      for (guint k = 0; k < pod_claims->n && k < G_N_ELEMENTS (pod_claims->few); k++)
        g_string_append_printf (detail, "%s%s", k == 0 ? ": " : ", ", pod_claims->few[k]);
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_FOUND, at, bad->str, detail->str);
    }
  }
}

typedef void (*CheckNameFunc) (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name);

/* @claims: (nullable): those of the pod; NULL where none may be named */
static void
check_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *resources, CheckNameFunc check_name, const NameSet *claims)
{
  KubeValue *maps[] = { member_of (resources, "limits"), member_of (resources, "requests") };
  static const char *const names[] = { "limits", "requests" };
  gboolean compute = FALSE, huge = FALSE;

  for (guint m = 0; m < 2; m++)
    for (guint i = 0; i < kube_value_get_length (maps[m]); i++) {
      const char *name = kube_value_get_key (maps[m], i);
      KubeValue *value = kube_value_get_element (maps[m], i);
      const KubeFieldPath *at = AT_KEY (AT (path, names[m]), name);

      check_name (errors, at, name);
      kube_validate_resource_quantity (errors, at, name, value);
      if (m == 1)
        check_request (errors, path, name, value, maps[0]);
      check_huge_page (errors, at, name, value);
      huge |= is_huge_page (name);
      compute |= equals (name, "cpu") || equals (name, "memory");
    }
  if (huge && !compute)
    kube_field_errors_forbidden (errors, path, "HugePages require cpu or memory");
  if (claims != NULL)
    check_claims (errors, AT (path, "claims"), member_of (resources, "claims"), claims);
}

void
kube_validate_container_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *resources, const NameSet *claims)
{
  check_resources (errors, path, resources, kube_validate_container_resource_name, claims);
}

static void
check_pod_resource_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  static const char *const supported[] = { "cpu", "hugepages-", "memory", NULL };

  kube_validate_resource_name (errors, path, name);
  if (kube_validate_one_of (name, standard_resources) && !kube_validate_one_of (name, supported))
    kube_field_errors_not_supported (errors, path, name, supported);
}

/* What a pod as a whole may use. */
/* What the pod has must be enough for its containers. @list: "requests" or "limits" */
static void
check_sum (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, const char *list, const char *name, KubeValue *value)
{
  KubeQuantity whole, sum;

  if (kube_quantity_from_value (value, &whole, NULL) && kube_pod_spec_sum (spec, list, name, &sum) && kube_quantity_compare (&sum, &whole) > 0) {
    g_autofree char *bad = kube_quantity_print (&whole), *least = kube_quantity_print (&sum);
    kube_field_errors_invalid_format (errors, AT_KEY (AT (path, list), name), bad, "must be greater than or equal to aggregate container %s of %s", list, least);
  }
}

static void
check_container_limits (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *containers, KubeValue *limits)
{
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *own = member_of (member_of (kube_value_get_element (containers, i), "resources"), "limits");

    for (guint k = 0; k < kube_value_get_length (own); k++) {
      const char *name = kube_value_get_key (own, k);
      KubeQuantity limit, whole;

      if (!kube_validate_get_quantity (own, name, &limit) || !kube_validate_get_quantity (limits, name, &whole) || kube_quantity_compare (&limit, &whole) <= 0)
        continue;
      g_autofree char *bad = kube_quantity_print (&limit), *most = kube_quantity_print (&whole);
      kube_field_errors_invalid_format (errors, AT (AT_KEY (AT_INDEX (AT (path, "containers"), i), name), "limits"), bad,
                                        "must be less than or equal to pod limits of %s", most);
    }
  }
}

void
kube_validate_pod_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, const NameSet *claims)
{
  KubeValue *resources = member_of (spec, "resources"), *requests = member_of (resources, "requests"), *limits = member_of (resources, "limits");

  if (resources == NULL)
    return;
  if (kube_value_get_length (member_of (resources, "claims")) > 0)
    kube_field_errors_forbidden (errors, AT (path, "claims"), "claims may not be set for Resources at pod-level");
  check_resources (errors, path, resources, check_pod_resource_name, claims);
  for (guint i = 0; i < kube_value_get_length (requests); i++)
    check_sum (errors, path, spec, "requests", kube_value_get_key (requests, i), kube_value_get_element (requests, i));
  for (guint i = 0; i < kube_value_get_length (limits); i++)
    if (g_str_has_prefix (kube_value_get_key (limits, i), "hugepages-"))
      check_sum (errors, path, spec, "limits", kube_value_get_key (limits, i), kube_value_get_element (limits, i));
  check_container_limits (errors, path, member_of (spec, "containers"), limits);
}

/* What a pod needs beyond its containers: checked as if it were their limits. */
void
kube_validate_overhead (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *overhead)
{
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) resources = NULL;

  if (overhead == NULL)
    return;
  builder = kube_builder_new (NULL);
  kube_node_put_value (kube_builder_get_root (builder), "limits", overhead);
  resources = kube_builder_end (builder);
  check_resources (errors, path, resources, kube_validate_container_resource_name, NULL);
}
