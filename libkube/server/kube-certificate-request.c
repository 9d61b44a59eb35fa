/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-certificate-request.h"

#include <gnutls/x509.h>
#include <kube/kube-error.h>

static void
request_clear (gnutls_x509_crq_t *request)
{
  if (*request != NULL)
    gnutls_x509_crq_deinit (*request);
}
typedef gnutls_x509_crq_t Request;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Request, request_clear)

static gboolean
import (Request *request, const char *base64, GError **error)
{
  gsize length;
  g_autofree guchar *bytes = g_base64_decode (base64 != NULL ? base64 : "", &length);
  gnutls_datum_t pem = { bytes, (unsigned) length };
  int code = gnutls_x509_crq_init (request);

  if (code >= 0)
    code = gnutls_x509_crq_import (*request, &pem, GNUTLS_X509_FMT_PEM);
  if (code < 0)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, gnutls_strerror (code));
  return code >= 0;
}

/* As Go words it for each kind of key. */
static const char *
describe_failure (Request request)
{
  unsigned bits;

  switch (gnutls_x509_crq_get_pk_algorithm (request, &bits)) {
  case GNUTLS_PK_RSA:
    return "crypto/rsa: verification error";
  case GNUTLS_PK_ECDSA:
    return "x509: ECDSA verification failure";
  case GNUTLS_PK_EDDSA_ED25519:
    return "x509: Ed25519 verification failure";
  default:
    return "x509: cannot verify signature: algorithm unimplemented";
  }
}

GStrv
kube_certificate_request_read (const char *base64, GError **error)
{
  g_autoptr (GPtrArray) organizations = g_ptr_array_new_with_free_func (g_free);
  g_auto (Request) request = NULL;

  if (!import (&request, base64, error))
    return NULL;
  if (gnutls_x509_crq_verify (request, 0) < 0) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, describe_failure (request));
    return NULL;
  }
  for (unsigned i = 0;; i++) {
    char name[256];
    size_t size = sizeof name;
    int code = gnutls_x509_crq_get_dn_by_oid (request, GNUTLS_OID_X520_ORGANIZATION_NAME, i, 0, name, &size);

    if (code == GNUTLS_E_SHORT_MEMORY_BUFFER)
      continue;
    if (code < 0)
      break;
    g_ptr_array_add (organizations, g_strndup (name, size));
  }
  g_ptr_array_add (organizations, NULL);
  return (GStrv) g_ptr_array_steal (organizations, NULL);
}
