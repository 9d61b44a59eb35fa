/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* ResourceClaim and ResourceClaimTemplate. */

static gboolean
namespace_allows_admins (KubeOperation *op)
{
  g_autofree char *key = kube_storage_key (kube_scheme_find_kind (op->scheme, "v1", "Namespace"), NULL, op->info.namespace_);
  g_autoptr (GBytes) bytes = kube_store_get (op->store, key, NULL, NULL);
  g_autoptr (KubeObject) found = bytes != NULL ? kube_object_new_from_bytes (bytes) : NULL;
  KubeValue *labels = found != NULL ? kube_object_get (found, "metadata.labels") : NULL;

  return g_strcmp0 (kube_value_get_member_string (labels, "resource.kubernetes.io/admin-access"), "true") == 0;
}

/* Who may make claims in a namespace that is labelled so may use devices that others have. */
static void
check_admin_access (KubeOperation *op, KubeValue *spec, const KubeFieldPath *path, KubeFieldErrors *errors)
{
  KubeValue *requests = kube_value_get (spec, "devices.requests");
  const KubeFieldPath *at = KUBE_FIELD (KUBE_FIELD (path, "devices"), "requests");

  for (guint i = 0; i < kube_value_get_length (requests); i++) {
    KubeValue *request = kube_value_get_element (requests, i), *exactly = kube_value_get_member (request, "exactly");
    if (kube_value_get_boolean (exactly, "adminAccess", FALSE) && !namespace_allows_admins (op))
      kube_field_errors_forbidden (errors, KUBE_FIELD (KUBE_FIELD_INDEX (at, i), "adminAccess"),
                                   "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace");
  }
}

static void
check_claim (KubeOperation *op, KubeValue *claim, KubeFieldErrors *errors)
{
  check_admin_access (op, kube_value_get_member (claim, "spec"), KUBE_FIELD (NULL, "spec"), errors);
}

static void
check_claim_template (KubeOperation *op, KubeValue *template, KubeFieldErrors *errors)
{
  check_admin_access (op, kube_value_get (template, "spec.spec"), KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "spec"), errors);
}

const KubeStrategy kube_resource_claim_strategy = {
  .group = "resource.k8s.io", .plural = "resourceclaims", .check = check_claim, .returns_deleted = TRUE, .status_metadata = TRUE,
};
const KubeStrategy kube_resource_claim_template_strategy = {
  .group = "resource.k8s.io", .plural = "resourceclaimtemplates", .check = check_claim_template, .returns_deleted = TRUE,
};
