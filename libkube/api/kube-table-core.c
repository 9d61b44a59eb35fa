/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-table-private.h"

/* Cells of the core group: nodes, services, endpoints, configuration, events, volumes and claims. */

static const char *
text_of (KubeValue *value, const char *path)
{
  const char *text = kube_value_get_string (value, path);
  return text != NULL ? text : "";
}

/* --- nodes --- */

static void
print_node_status (KubeValue *node, gint64 now, GString *out)
{
  KubeValue *conditions = kube_value_get (node, "status.conditions");
  const char *status = "Unknown";

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    if (strcmp (text_of (condition, "type"), "Ready") == 0)
      status = strcmp (text_of (condition, "status"), "True") == 0 ? "Ready" : "NotReady";
  }
  g_string_append_printf (out, "\"%s%s\"", status, kube_value_get_boolean (node, "spec.unschedulable", FALSE) ? ",SchedulingDisabled" : "");
}

static int
compare_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
print_node_roles (KubeValue *node, gint64 now, GString *out)
{
  static const char prefix[] = "node-role.kubernetes.io/";
  KubeValue *labels = kube_value_get (node, "metadata.labels");
  g_autoptr (GPtrArray) roles = g_ptr_array_new ();
  g_autofree char *text = NULL;

  for (guint i = 0; i < kube_value_get_length (labels); i++) {
    const char *key = kube_value_get_key (labels, i);
    const char *role = g_str_has_prefix (key, prefix)                  ? key + strlen (prefix)
                       : strcmp (key, "kubernetes.io/role") == 0 ? kube_value_peek_string (kube_value_get_element (labels, i), NULL)
                                                                 : NULL;
    if (role != NULL && *role != '\0' && !g_ptr_array_find_with_equal_func (roles, role, g_str_equal, NULL))
      g_ptr_array_add (roles, (char *) role);
  }
  g_ptr_array_sort (roles, compare_text);
  g_ptr_array_add (roles, NULL);
  text = g_strjoinv (",", (char **) roles->pdata);
  kube_table_text_or (out, text, "<none>");
}

static void
print_address (KubeValue *node, const char *type, GString *out)
{
  KubeValue *addresses = kube_value_get (node, "status.addresses");

  for (guint i = 0; i < kube_value_get_length (addresses); i++) {
    KubeValue *address = kube_value_get_element (addresses, i);
    if (strcmp (text_of (address, "type"), type) == 0) {
      kube_table_text (out, text_of (address, "address"));
      return;
    }
  }
  kube_table_text (out, "<none>");
}

static void
print_node_internal_ip (KubeValue *node, gint64 now, GString *out)
{
  print_address (node, "InternalIP", out);
}

static void
print_node_external_ip (KubeValue *node, gint64 now, GString *out)
{
  print_address (node, "ExternalIP", out);
}

static void
print_node_kernel (KubeValue *node, gint64 now, GString *out)
{
  const char *kernel = text_of (node, "status.nodeInfo.kernelVersion"), *architecture = text_of (node, "status.nodeInfo.architecture");
  g_autofree char *text = g_strdup_printf ("%s%s%s%s", *kernel != '\0' ? kernel : "<unknown>", *architecture != '\0' ? " (" : "", architecture,
                                           *architecture != '\0' ? ")" : "");
  kube_table_text (out, text);
}

/* --- services and endpoints --- */

static void
append_balancer (KubeValue *service, GString *list)
{
  KubeValue *ingress = kube_value_get (service, "status.loadBalancer.ingress");

  for (guint i = 0; i < kube_value_get_length (ingress); i++) {
    KubeValue *point = kube_value_get_element (ingress, i);
    const char *text = *text_of (point, "ip") != '\0' ? text_of (point, "ip") : text_of (point, "hostname");
    if (*text != '\0')
      g_string_append_printf (list, "%s%s", list->len > 0 ? "," : "", text);
  }
}

static void
print_service_external_ip (KubeValue *service, gint64 now, GString *out)
{
  const char *type = text_of (service, "spec.type");
  g_autofree char *external = kube_table_join (kube_value_get (service, "spec.externalIPs"), NULL, ",");
  g_autoptr (GString) list = g_string_new (NULL);

  if (strcmp (type, "ExternalName") == 0) {
    kube_table_text (out, text_of (service, "spec.externalName"));
  } else if (strcmp (type, "LoadBalancer") == 0) {
    append_balancer (service, list);
    if (*external != '\0')
      g_string_append_printf (list, "%s%s", list->len > 0 ? "," : "", external);
    kube_table_text_or (out, list->str, "<pending>");
  } else if (strcmp (type, "ClusterIP") == 0 || strcmp (type, "NodePort") == 0) {
    kube_table_text_or (out, external, "<none>");
  } else {
    kube_table_text (out, "<unknown>");
  }
}

static void
print_service_ports (KubeValue *service, gint64 now, GString *out)
{
  KubeValue *ports = kube_value_get (service, "spec.ports");
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    gint64 node = kube_value_get_integer (port, "nodePort", 0);
    g_string_append_printf (list, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", kube_value_get_integer (port, "port", 0));
    if (node > 0)
      g_string_append_printf (list, ":%" G_GINT64_FORMAT, node);
    g_string_append_printf (list, "/%s", text_of (port, "protocol"));
  }
  kube_table_text_or (out, list->str, "<none>");
}

static void
print_labels (KubeValue *labels, GString *out)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (labels); i++)
    g_string_append_printf (list, "%s%s=%s", i > 0 ? "," : "", kube_value_get_key (labels, i), text_of (kube_value_get_element (labels, i), NULL));
  kube_table_text_or (out, list->str, "<none>");
}

static void
print_service_selector (KubeValue *service, gint64 now, GString *out)
{
  print_labels (kube_value_get (service, "spec.selector"), out);
}

static void
print_template_labels (KubeValue *object, gint64 now, GString *out)
{
  print_labels (kube_value_get (object, "template.metadata.labels"), out);
}

/* The first three of many, and how many more there are. */
typedef struct {
  GString *text;
  guint count;
} FewOf;

enum { FEW = 3 };

static void
few_add (FewOf *few, const char *text)
{
  if (few->count++ < FEW)
    g_string_append_printf (few->text, "%s%s", few->text->len > 0 ? "," : "", text);
}

static void
few_end (FewOf *few, const char *none, GString *out)
{
  if (few->count > FEW)
    g_string_append_printf (few->text, " + %u more...", few->count - FEW);
  kube_table_text_or (out, few->text->str, none);
  g_string_free (few->text, TRUE);
}

static void
add_subset (FewOf *few, KubeValue *subset)
{
  KubeValue *addresses = kube_value_get_member (subset, "addresses"), *ports = kube_value_get_member (subset, "ports");
  guint n = kube_value_get_length (addresses);

  if (kube_value_get_length (ports) == 0)
    for (guint i = 0; i < n; i++)
      few_add (few, text_of (kube_value_get_element (addresses, i), "ip"));
  for (guint p = 0; p < kube_value_get_length (ports); p++) {
    gint64 port = kube_value_get_integer (kube_value_get_element (ports, p), "port", 0);
    for (guint i = 0; i < n; i++) {
      const char *ip = text_of (kube_value_get_element (addresses, i), "ip");
      g_autofree char *text = g_strdup_printf (strchr (ip, ':') != NULL ? "[%s]:%" G_GINT64_FORMAT : "%s:%" G_GINT64_FORMAT, ip, port);
      few_add (few, text);
    }
  }
}

static void
print_endpoints (KubeValue *endpoints, gint64 now, GString *out)
{
  KubeValue *subsets = kube_value_get (endpoints, "subsets");
  FewOf few = { g_string_new (NULL), 0 };

  for (guint i = 0; i < kube_value_get_length (subsets); i++)
    add_subset (&few, kube_value_get_element (subsets, i));
  few_end (&few, kube_value_get_length (subsets) == 0 ? "<none>" : "", out);
}

static void
print_slice_ports (KubeValue *slice, gint64 now, GString *out)
{
  KubeValue *ports = kube_value_get (slice, "ports");
  FewOf few = { g_string_new (NULL), 0 };

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    gint64 number = kube_value_get_integer (port, "port", -1);
    g_autofree char *text = number >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, number) : g_strdup (text_of (port, "name"));
    few_add (&few, number < 0 && kube_value_get_member (port, "name") == NULL ? "*" : text);
  }
  few_end (&few, "<unset>", out);
}

static void
print_slice_endpoints (KubeValue *slice, gint64 now, GString *out)
{
  KubeValue *endpoints = kube_value_get (slice, "endpoints");
  FewOf few = { g_string_new (NULL), 0 };

  for (guint i = 0; i < kube_value_get_length (endpoints); i++) {
    KubeValue *addresses = kube_value_get_member (kube_value_get_element (endpoints, i), "addresses");
    for (guint k = 0; k < kube_value_get_length (addresses); k++)
      few_add (&few, text_of (kube_value_get_element (addresses, k), NULL));
  }
  few_end (&few, "<unset>", out);
}

/* --- configuration --- */

static void
print_config_map_data (KubeValue *object, gint64 now, GString *out)
{
  kube_table_integer (out, (gint64) kube_value_get_length (kube_value_get (object, "data")) + kube_value_get_length (kube_value_get (object, "binaryData")));
}

/* --- events of both groups --- */

static const char *
either (KubeValue *event, const char *first, const char *second)
{
  const char *text = text_of (event, first);
  return *text != '\0' ? text : text_of (event, second);
}

static const char *
first_seen (KubeValue *event)
{
  const char *time = either (event, "firstTimestamp", "deprecatedFirstTimestamp");
  return *time != '\0' ? time : kube_value_get_string (event, "eventTime");
}

static void
print_event_first_seen (KubeValue *event, gint64 now, GString *out)
{
  kube_table_age (out, first_seen (event), now);
}

static void
print_event_last_seen (KubeValue *event, gint64 now, GString *out)
{
  const char *series = kube_value_get_string (event, "series.lastObservedTime"), *last = either (event, "lastTimestamp", "deprecatedLastTimestamp");

  kube_table_age (out, series != NULL ? series : *last != '\0' ? last : first_seen (event), now);
}

static KubeValue *
event_about (KubeValue *event)
{
  KubeValue *about = kube_value_get (event, "involvedObject");
  return about != NULL ? about : kube_value_get (event, "regarding");
}

static void
print_event_object (KubeValue *event, gint64 now, GString *out)
{
  KubeValue *about = event_about (event);
  g_autofree char *kind = g_utf8_strdown (text_of (about, "kind"), -1);
  g_autofree char *text = *text_of (about, "name") != '\0' ? g_strconcat (kind, "/", text_of (about, "name"), NULL) : g_strdup (kind);

  kube_table_text (out, text);
}

static void
print_event_subobject (KubeValue *event, gint64 now, GString *out)
{
  kube_table_text (out, text_of (event_about (event), "fieldPath"));
}

static void
print_event_source (KubeValue *event, gint64 now, GString *out)
{
  const char *component = either (event, "source.component", "deprecatedSource.component"), *host = either (event, "source.host", "deprecatedSource.host");
  g_autofree char *text = NULL;

  if (*component == '\0')
    component = either (event, "reportingComponent", "reportingController");
  if (*host == '\0')
    host = text_of (event, "reportingInstance");
  text = *host != '\0' ? g_strconcat (component, ", ", host, NULL) : g_strdup (component);
  kube_table_text (out, text);
}

static void
print_event_message (KubeValue *event, gint64 now, GString *out)
{
  g_autofree char *text = g_strdup (either (event, "message", "note"));
  kube_table_text (out, g_strstrip (text));
}

static void
print_event_count (KubeValue *event, gint64 now, GString *out)
{
  gint64 count = kube_value_get_integer (event, "count", kube_value_get_integer (event, "deprecatedCount", 0));

  count = kube_value_get_integer (event, "series.count", count);
  kube_table_integer (out, count != 0 ? count : 1);
}

/* --- volumes and claims --- */

static void
print_access_modes (KubeValue *modes, GString *out)
{
  static const struct {
    const char *mode;
    const char *text;
  } names[] = { { "ReadWriteOnce", "RWO" }, { "ReadOnlyMany", "ROX" }, { "ReadWriteMany", "RWX" }, { "ReadWriteOncePod", "RWOP" } };
  g_autoptr (GString) list = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    for (guint k = 0; k < kube_value_get_length (modes); k++)
      if (strcmp (text_of (kube_value_get_element (modes, k), NULL), names[i].mode) == 0) {
        g_string_append_printf (list, "%s%s", list->len > 0 ? "," : "", names[i].text);
        break;
      }
  kube_table_text (out, list->str);
}

static void
print_phase (KubeValue *object, gint64 now, GString *out)
{
  kube_table_text (out, kube_value_get (object, "metadata.deletionTimestamp") != NULL ? "Terminating" : text_of (object, "status.phase"));
}

static void
print_volume_access_modes (KubeValue *volume, gint64 now, GString *out)
{
  print_access_modes (kube_value_get (volume, "spec.accessModes"), out);
}

static void
print_volume_claim (KubeValue *volume, gint64 now, GString *out)
{
  KubeValue *claim = kube_value_get (volume, "spec.claimRef");
  g_autofree char *text = claim != NULL ? g_strconcat (text_of (claim, "namespace"), "/", text_of (claim, "name"), NULL) : NULL;

  kube_table_text (out, text);
}

static void
print_claim_capacity (KubeValue *claim, gint64 now, GString *out)
{
  if (*text_of (claim, "spec.volumeName") == '\0')
    kube_table_text (out, "");
  else
    kube_table_text_or (out, kube_value_get_string (claim, "status.capacity.storage"), "0");
}

static void
print_claim_access_modes (KubeValue *claim, gint64 now, GString *out)
{
  print_access_modes (*text_of (claim, "spec.volumeName") != '\0' ? kube_value_get (claim, "status.accessModes") : NULL, out);
}

static void
print_storage_class (KubeValue *object, gint64 now, GString *out)
{
  const char *beta = kube_value_get_member_string (kube_value_get (object, "metadata.annotations"), "volume.beta.kubernetes.io/storage-class");
  kube_table_text (out, beta != NULL ? beta : text_of (object, "spec.storageClassName"));
}

static void
print_volume_attributes_class (KubeValue *object, gint64 now, GString *out)
{
  const char *name = kube_value_get_string (object, "spec.volumeAttributesClassName");
  kube_table_text (out, name != NULL ? name : "<unset>");
}

static void
print_volume_mode (KubeValue *object, gint64 now, GString *out)
{
  const char *mode = kube_value_get_string (object, "spec.volumeMode");
  kube_table_text (out, mode != NULL ? mode : "<unset>");
}

static void
print_quota (KubeValue *quota, gboolean limits, GString *out)
{
  KubeValue *hard = kube_value_get (quota, "status.hard"), *used = kube_value_get (quota, "status.used");
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (hard); i++) {
    const char *name = kube_value_get_key (hard, i), *in_use = kube_value_get_member_string (used, name);
    if (g_str_has_prefix (name, "limits.") == limits)
      g_string_append_printf (list, "%s%s: %s/%s", list->len > 0 ? ", " : "", name, in_use != NULL ? in_use : "0",
                              text_of (kube_value_get_element (hard, i), NULL));
  }
  kube_table_text (out, list->str);
}

static void
print_quota_request (KubeValue *quota, gint64 now, GString *out)
{
  print_quota (quota, FALSE, out);
}

static void
print_quota_limit (KubeValue *quota, gint64 now, GString *out)
{
  print_quota (quota, TRUE, out);
}

const KubeTableCell kube_table_core_cells[] = {
  { "@node-status", print_node_status },
  { "@node-roles", print_node_roles },
  { "@node-internal-ip", print_node_internal_ip },
  { "@node-external-ip", print_node_external_ip },
  { "@node-kernel", print_node_kernel },
  { "@service-external-ip", print_service_external_ip },
  { "@service-ports", print_service_ports },
  { "@service-selector", print_service_selector },
  { "@template-labels", print_template_labels },
  { "@endpoints", print_endpoints },
  { "@endpoint-slice-ports", print_slice_ports },
  { "@endpoint-slice-endpoints", print_slice_endpoints },
  { "@config-map-data", print_config_map_data },
  { "@event-first-seen", print_event_first_seen },
  { "@event-last-seen", print_event_last_seen },
  { "@event-object", print_event_object },
  { "@event-subobject", print_event_subobject },
  { "@event-source", print_event_source },
  { "@event-message", print_event_message },
  { "@event-count", print_event_count },
  { "@volume-status", print_phase },
  { "@volume-access-modes", print_volume_access_modes },
  { "@volume-claim", print_volume_claim },
  { "@claim-status", print_phase },
  { "@claim-capacity", print_claim_capacity },
  { "@claim-access-modes", print_claim_access_modes },
  { "@storage-class", print_storage_class },
  { "@volume-attributes-class", print_volume_attributes_class },
  { "@volume-mode", print_volume_mode },
  { "@quota-request", print_quota_request },
  { "@quota-limit", print_quota_limit },
  { NULL, NULL },
};
