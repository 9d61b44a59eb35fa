/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"
#include "kube-certificate-request.h"

/* Who may decide about certificate requests, and sign them, is told apart by the signer, and no request for a client may name the group that may do anything. */

#define GROUP "certificates.k8s.io"
#define CLIENT_SIGNER "kubernetes.io/kube-apiserver-client"
#define MASTERS "system:masters"

static gboolean
is_about (KubeAdmission *admission, const char *subresource)
{
  return g_str_equal (admission->info->resource, "certificatesigningrequests") && g_str_equal (admission->info->group, GROUP) &&
         g_str_equal (admission->info->subresource, subresource);
}

/* A right may name a signer, or all signers of a domain with an asterisk after its slash. */
static gboolean
may (KubeAdmission *admission, const char *verb, const char *signer)
{
  g_autofree char *domain = g_strndup (signer, strcspn (signer, "/"));
  g_autofree char *all = g_strconcat (domain, "/*", NULL);
  const char *const names[] = { signer, all };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    KubeRequestInfo info = {
      .is_resource = TRUE, .verb = verb, .path = (char *) "", .group = (char *) GROUP, .version = (char *) "*", .resource = (char *) "signers",
      .subresource = (char *) "", .namespace_ = (char *) "", .name = (char *) names[i],
    };
    if (kube_auth_authorize (admission->auth, admission->user, &info, NULL))
      return TRUE;
  }
  return FALSE;
}

static gboolean
check_signer (KubeAdmission *admission, const char *verb, GError **error)
{
  const char *signer = kube_object_get_string (admission->old, "spec.signerName");

  if (may (admission, verb, signer != NULL ? signer : ""))
    return TRUE;
  return kube_admission_forbid (admission, error, "user not permitted to %s requests with signerName \"%s\"", verb, signer);
}

static gboolean
check_approval (KubeAdmission *admission, GError **error)
{
  return !is_about (admission, "approval") || check_signer (admission, "approve", error);
}

static gboolean
differs (KubeAdmission *admission, const char *path)
{
  return !kube_value_equal (kube_object_get (admission->old, path), kube_object_get (admission->final, path));
}

static gboolean
check_signing (KubeAdmission *admission, GError **error)
{
  if (!is_about (admission, "status") || (!differs (admission, "status.certificate") && !differs (admission, "status.conditions")))
    return TRUE;
  return check_signer (admission, "sign", error);
}

static gboolean
check_subject (KubeAdmission *admission, GError **error)
{
  g_autoptr (GError) bad = NULL;
  g_auto (GStrv) organizations = NULL;

  if (!is_about (admission, "") || g_strcmp0 (kube_object_get_string (admission->final, "spec.signerName"), CLIENT_SIGNER) != 0)
    return TRUE;
  organizations = kube_certificate_request_read (kube_object_get_string (admission->final, "spec.request"), &bad);
  if (organizations == NULL)
    return kube_admission_forbid (admission, error, "failed to parse CSR: %s", bad->message);
  if (g_strv_contains ((const char *const *) organizations, MASTERS))
    return kube_admission_forbid (admission, error, "use of %s signer with %s group is not allowed", CLIENT_SIGNER, MASTERS);
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_certificate_approval = { "CertificateApproval", KUBE_ADMIT_UPDATE, NULL, check_approval };
const KubeAdmissionPlugin kube_admission_certificate_signing = { "CertificateSigning", KUBE_ADMIT_UPDATE, NULL, check_signing };
const KubeAdmissionPlugin kube_admission_certificate_subject_restriction = { "CertificateSubjectRestriction", KUBE_ADMIT_CREATE, NULL, check_subject };
