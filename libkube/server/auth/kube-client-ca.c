/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-client-ca.h"

#include <gnutls/x509.h>
#include <kube/kube-builder.h>

#define MAX_CHAIN 8
#define MAX_NAME_PARTS 1000
#define CREDENTIAL_ID "authentication.kubernetes.io/credential-id"

struct _KubeClientCa {
  gnutls_x509_trust_list_t trusted;
};

typedef struct {
  gnutls_x509_crt_t certificates[MAX_CHAIN];
  guint n;
} Chain;

static void
chain_clear (Chain *chain)
{
  for (guint i = 0; i < chain->n; i++)
    gnutls_x509_crt_deinit (chain->certificates[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Chain, chain_clear)

KubeClientCa *
kube_client_ca_new (const char *pem, GError **error)
{
  gnutls_datum_t data = { (guchar *) pem, strlen (pem) };
  g_autoptr (KubeClientCa) ca = g_new0 (KubeClientCa, 1);
  int code = gnutls_x509_trust_list_init (&ca->trusted, 0);

  if (code >= 0)
    code = gnutls_x509_trust_list_add_trust_mem (ca->trusted, &data, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
  if (code <= 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "client CA: %s", code < 0 ? gnutls_strerror (code) : "no certificate");
    return NULL;
  }
  return g_steal_pointer (&ca);
}

void
kube_client_ca_free (KubeClientCa *ca)
{
  if (ca->trusted != NULL)
    gnutls_x509_trust_list_deinit (ca->trusted, 1);
  g_free (ca);
}

static gboolean
chain_load (Chain *chain, GPtrArray *certificates)
{
  for (guint i = 0; i < certificates->len && chain->n < MAX_CHAIN; i++) {
    gsize size;
    const void *der = g_bytes_get_data (g_ptr_array_index (certificates, i), &size);
    gnutls_datum_t data = { (guchar *) der, size };

    if (gnutls_x509_crt_init (&chain->certificates[chain->n]) < 0)
      return FALSE;
    if (gnutls_x509_crt_import (chain->certificates[chain->n++], &data, GNUTLS_X509_FMT_DER) < 0)
      return FALSE;
  }
  return chain->n > 0;
}

static gboolean
chain_verify (Chain *chain, KubeClientCa *ca, GError **error)
{
  gnutls_typed_vdata_st purpose = { GNUTLS_DT_KEY_PURPOSE_OID, (guchar *) GNUTLS_KP_TLS_WWW_CLIENT, 0 };
  gnutls_datum_t text;
  guint status = 0;
  int code = gnutls_x509_trust_list_verify_crt2 (ca->trusted, chain->certificates, chain->n, &purpose, 1, 0, &status, NULL);

  if (code >= 0 && status == 0)
    return TRUE;
  if (code < 0 || gnutls_certificate_verification_status_print (status, GNUTLS_CRT_X509, &text, 0) < 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "client certificate: %s", gnutls_strerror (code));
    return FALSE;
  }
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "client certificate: %s", (const char *) text.data);
  gnutls_free (text.data);
  return FALSE;
}

static char *
get_name_part (gnutls_x509_crt_t certificate, const char *oid, guint index)
{
  char small[256];
  gsize size = sizeof small;
  int code = gnutls_x509_crt_get_dn_by_oid (certificate, oid, index, 0, small, &size);
  g_autofree char *large = NULL;

  if (code >= 0)
    return g_strndup (small, size);
  if (code != GNUTLS_E_SHORT_MEMORY_BUFFER)
    return NULL;
  large = g_malloc (size + 1);
  if (gnutls_x509_crt_get_dn_by_oid (certificate, oid, index, 0, large, &size) < 0)
    return NULL;
  large[size] = '\0';
  return g_steal_pointer (&large);
}

static KubeValue *
make_extra (gnutls_x509_crt_t certificate)
{
  guint8 digest[32];
  gsize size = sizeof digest;
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autoptr (GString) id = g_string_new ("X509SHA256=");

  if (gnutls_x509_crt_get_fingerprint (certificate, GNUTLS_DIG_SHA256, digest, &size) < 0)
    return NULL;
  for (guint i = 0; i < size; i++)
    g_string_append_printf (id, "%02x", digest[i]);
  g_autoptr (KubeValue) empty = kube_value_parse ("[]", -1, NULL);
  kube_node_put_value (kube_builder_get_root (builder), CREDENTIAL_ID, empty);
  kube_node_append_string (kube_node_get_member (kube_builder_get_root (builder), CREDENTIAL_ID), id->str);
  return kube_builder_end (builder);
}

KubeUser *
kube_client_ca_identify (KubeClientCa *ca, GPtrArray *certificates, GError **error)
{
  g_auto (Chain) chain = { 0 };
  g_autofree char *name = NULL;
  g_autoptr (GPtrArray) groups = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (KubeValue) extra = NULL;

  if (!chain_load (&chain, certificates)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "client certificate: cannot be read");
    return NULL;
  }
  if (!chain_verify (&chain, ca, error))
    return NULL;
  name = get_name_part (chain.certificates[0], GNUTLS_OID_X520_COMMON_NAME, 0);
  if (name == NULL || *name == '\0')
    return NULL;
  for (guint i = 0; i < MAX_NAME_PARTS; i++) {
    char *group = get_name_part (chain.certificates[0], GNUTLS_OID_X520_ORGANIZATION_NAME, i);
    if (group == NULL)
      break;
    g_ptr_array_add (groups, group);
  }
  g_ptr_array_add (groups, NULL);
  extra = make_extra (chain.certificates[0]);
  return kube_user_new (name, NULL, (const char *const *) groups->pdata, extra);
}
