/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-table-private.h"

#include <kube/kube-time.h>

/* Cells of the smaller groups: ingress, storage, access, flow control, admission, certificates, devices. */

static const char *
text_of (KubeValue *value, const char *path)
{
  const char *text = kube_value_get_string (value, path);
  return text != NULL ? text : "";
}

static KubeValue *
find_condition (KubeValue *list, const char *type)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (strcmp (text_of (kube_value_get_element (list, i), "type"), type) == 0)
      return kube_value_get_element (list, i);
  return NULL;
}

/* --- ingress and addresses --- */

static void
print_ingress_class (KubeValue *object, gint64 now, GString *out)
{
  const char *name = kube_value_get_string (object, "spec.ingressClassName");
  kube_table_text (out, name != NULL ? name : "<none>");
}

static void
print_ingress_hosts (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *rules = kube_value_get (object, "spec.rules");
  g_autoptr (GString) list = g_string_new (NULL);
  guint n = kube_value_get_length (rules), found = 0;
  gboolean more = FALSE;

  for (guint i = 0; i < n; i++) {
    const char *host = text_of (kube_value_get_element (rules, i), "host");
    more |= found == 3;
    if (!more && *host != '\0')
      g_string_append_printf (list, "%s%s", found++ > 0 ? "," : "", host);
  }
  if (more)
    g_string_append_printf (list, " + %u more...", n - 3);
  kube_table_text_or (out, list->str, "*");
}

static int
compare_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
print_ingress_address (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *points = kube_value_get (object, "status.loadBalancer.ingress");
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_autofree char *text = NULL;

  for (guint i = 0; i < kube_value_get_length (points); i++) {
    KubeValue *point = kube_value_get_element (points, i);
    const char *address = *text_of (point, "ip") != '\0' ? text_of (point, "ip") : text_of (point, "hostname");
    if (*address != '\0' && !g_ptr_array_find_with_equal_func (list, address, g_str_equal, NULL))
      g_ptr_array_add (list, (char *) address);
  }
  g_ptr_array_sort (list, compare_text);
  g_ptr_array_add (list, NULL);
  text = g_strjoinv (",", (char **) list->pdata);
  kube_table_text (out, text);
}

static void
print_ingress_ports (KubeValue *object, gint64 now, GString *out)
{
  kube_table_text (out, kube_value_get_length (kube_value_get (object, "spec.tls")) > 0 ? "80, 443" : "80");
}

static void
print_ingress_class_parameters (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *parameters = kube_value_get (object, "spec.parameters");
  const char *group = kube_value_get_string (parameters, "apiGroup");
  g_autofree char *text = g_strdup_printf ("%s%s%s/%s", text_of (parameters, "kind"), group != NULL ? "." : "", group != NULL ? group : "",
                                           text_of (parameters, "name"));
  kube_table_text (out, kube_value_is_null (parameters) ? "<none>" : text);
}

static void
print_ip_address_parent (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *ref = kube_value_get (object, "spec.parentRef");
  const char *group = text_of (ref, "group"), *namespace_ = text_of (ref, "namespace");
  g_autofree char *text = g_strdup_printf ("%s%s%s%s%s/%s", text_of (ref, "resource"), *group != '\0' ? "." : "", group, *namespace_ != '\0' ? "/" : "",
                                           namespace_, text_of (ref, "name"));
  kube_table_text (out, kube_value_is_null (ref) ? "<none>" : text);
}

static void
print_service_cidrs (KubeValue *object, gint64 now, GString *out)
{
  g_autofree char *text = kube_table_join (kube_value_get (object, "spec.cidrs"), NULL, ",");
  kube_table_text (out, text);
}

/* --- storage --- */

static void
print_default_name (KubeValue *object, const char *annotation, const char *beta, GString *out)
{
  KubeValue *annotations = kube_value_get (object, "metadata.annotations");
  gboolean is_default = g_strcmp0 (kube_value_get_member_string (annotations, annotation), "true") == 0 ||
                        (beta != NULL && g_strcmp0 (kube_value_get_member_string (annotations, beta), "true") == 0);
  g_autofree char *text = g_strconcat (text_of (object, "metadata.name"), is_default ? " (default)" : NULL, NULL);
  kube_table_text (out, text);
}

static void
print_storage_class_name (KubeValue *object, gint64 now, GString *out)
{
  print_default_name (object, "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class", out);
}

static void
print_csi_driver_tokens (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *requests = kube_value_get (object, "spec.tokenRequests");
  g_autofree char *text = kube_table_join (requests, "audience", ",");
  kube_table_text (out, kube_value_is_null (requests) ? "<unset>" : text);
}

static void
print_csi_driver_modes (KubeValue *object, gint64 now, GString *out)
{
  g_autofree char *text = kube_table_join (kube_value_get (object, "spec.volumeLifecycleModes"), NULL, ",");
  kube_table_text_or (out, text, "<none>");
}

/* --- access --- */

static void
print_binding_role (KubeValue *object, gint64 now, GString *out)
{
  g_autofree char *text = g_strconcat (text_of (object, "roleRef.kind"), "/", text_of (object, "roleRef.name"), NULL);
  kube_table_text (out, text);
}

static void
print_subjects (KubeValue *object, const char *kind, GString *out)
{
  KubeValue *subjects = kube_value_get (object, "subjects");
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (subjects); i++) {
    KubeValue *subject = kube_value_get_element (subjects, i);
    if (strcmp (text_of (subject, "kind"), kind) != 0)
      continue;
    g_string_append (list, list->len > 0 ? ", " : "");
    if (strcmp (kind, "ServiceAccount") == 0)
      g_string_append_printf (list, "%s/", text_of (subject, "namespace"));
    g_string_append (list, text_of (subject, "name"));
  }
  kube_table_text (out, list->str);
}

static void
print_binding_users (KubeValue *object, gint64 now, GString *out)
{
  print_subjects (object, "User", out);
}

static void
print_binding_groups (KubeValue *object, gint64 now, GString *out)
{
  print_subjects (object, "Group", out);
}

static void
print_binding_service_accounts (KubeValue *object, gint64 now, GString *out)
{
  print_subjects (object, "ServiceAccount", out);
}

/* --- flow control --- */

static void
print_flow_schema_missing (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *condition = find_condition (kube_value_get (object, "status.conditions"), "Dangling");
  kube_table_text (out, condition != NULL ? text_of (condition, "status") : "?");
}

/* --- admission --- */

static void
print_policy_param_kind (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *kind = kube_value_get (object, "spec.paramKind");
  g_autofree char *text = g_strconcat (text_of (kind, "apiVersion"), "/", text_of (kind, "kind"), NULL);
  kube_table_text (out, kube_value_is_null (kind) ? "<unset>" : text);
}

static void
print_policy_param_ref (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *ref = kube_value_get (object, "spec.paramRef");
  const char *namespace_ = text_of (ref, "namespace"), *name = text_of (ref, "name");
  g_autofree char *text = g_strconcat (*namespace_ != '\0' ? namespace_ : "*", "/", name, NULL);
  kube_table_text (out, *name == '\0' ? "<unset>" : text);
}

/* --- the rest --- */

static void
print_api_service_service (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *service = kube_value_get (object, "spec.service");
  g_autofree char *text = g_strconcat (text_of (service, "namespace"), "/", text_of (service, "name"), NULL);
  kube_table_text (out, kube_value_is_null (service) ? "Local" : text);
}

static void
print_api_service_available (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *condition = find_condition (kube_value_get (object, "status.conditions"), "Available");
  const char *status = text_of (condition, "status");
  g_autofree char *text = *status == '\0' || strcmp (status, "True") == 0 ? g_strdup (*status == '\0' ? "Unknown" : status)
                                                                         : g_strdup_printf ("%s (%s)", status, text_of (condition, "reason"));
  kube_table_text (out, text);
}

static void
print_csr_condition (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *conditions = kube_value_get (object, "status.conditions");
  g_autofree char *text = g_strconcat (find_condition (conditions, "Denied") != NULL     ? "Denied"
                                       : find_condition (conditions, "Approved") != NULL ? "Approved"
                                                                                         : "Pending",
                                       find_condition (conditions, "Failed") != NULL ? ",Failed" : "",
                                       *text_of (object, "status.certificate") != '\0' ? ",Issued" : "", NULL);
  kube_table_text (out, text);
}

static void
print_csr_duration (KubeValue *object, gint64 now, GString *out)
{
  gint64 seconds = kube_value_get_integer (object, "spec.expirationSeconds", -1);
  g_autofree char *text = seconds >= 0 ? kube_time_print_age (seconds * G_USEC_PER_SEC) : NULL;

  kube_table_text_or (out, text, "<none>");
}

static void
print_resource_claim_state (KubeValue *object, gint64 now, GString *out)
{
  gboolean deleted = kube_value_get (object, "metadata.deletionTimestamp") != NULL, allocated = kube_value_get (object, "status.allocation") != NULL;
  gboolean reserved = allocated && kube_value_get_length (kube_value_get (object, "status.reservedFor")) > 0;
  g_autofree char *text = g_strconcat (deleted ? "deleted" : "", deleted && allocated ? "," : "", allocated ? "allocated" : deleted ? "" : "pending",
                                       reserved ? ",reserved" : "", NULL);
  kube_table_text (out, text);
}

static void
print_component (KubeValue *object, const char *what, GString *out)
{
  KubeValue *healthy = find_condition (kube_value_get (object, "conditions"), "Healthy");
  const char *status = healthy == NULL ? "Unknown" : strcmp (text_of (healthy, "status"), "True") == 0 ? "Healthy" : "Unhealthy";

  kube_table_text (out, what == NULL ? status : text_of (healthy, what));
}

static void
print_component_status (KubeValue *object, gint64 now, GString *out)
{
  print_component (object, NULL, out);
}

static void
print_component_message (KubeValue *object, gint64 now, GString *out)
{
  print_component (object, "message", out);
}

static void
print_component_error (KubeValue *object, gint64 now, GString *out)
{
  print_component (object, "error", out);
}

const KubeTableCell kube_table_other_cells[] = {
  { "@ingress-class", print_ingress_class },
  { "@ingress-hosts", print_ingress_hosts },
  { "@ingress-address", print_ingress_address },
  { "@ingress-ports", print_ingress_ports },
  { "@ingress-class-parameters", print_ingress_class_parameters },
  { "@ip-address-parent", print_ip_address_parent },
  { "@service-cidrs", print_service_cidrs },
  { "@storage-class-name", print_storage_class_name },
  { "@csi-driver-tokens", print_csi_driver_tokens },
  { "@csi-driver-modes", print_csi_driver_modes },
  { "@binding-role", print_binding_role },
  { "@binding-users", print_binding_users },
  { "@binding-groups", print_binding_groups },
  { "@binding-service-accounts", print_binding_service_accounts },
  { "@flow-schema-missing", print_flow_schema_missing },
  { "@policy-param-kind", print_policy_param_kind },
  { "@policy-param-ref", print_policy_param_ref },
  { "@api-service-service", print_api_service_service },
  { "@api-service-available", print_api_service_available },
  { "@csr-condition", print_csr_condition },
  { "@csr-duration", print_csr_duration },
  { "@resource-claim-state", print_resource_claim_state },
  { "@component-status", print_component_status },
  { "@component-message", print_component_message },
  { "@component-error", print_component_error },
  { NULL, NULL },
};
