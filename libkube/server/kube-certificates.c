/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-certificates.h>

#include <gio/gio.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <sys/socket.h>

#define SERIAL_SIZE 16
#define SECONDS_PER_DAY ((gint64) 24 * 60 * 60)
/* A certificate is valid from a little before it was made, for hosts whose clocks run behind. */
#define BACKDATE_SECONDS (5 * 60)

static void
privkey_clear (gnutls_x509_privkey_t *key)
{
  if (*key != NULL)
    gnutls_x509_privkey_deinit (*key);
}
typedef gnutls_x509_privkey_t Privkey;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Privkey, privkey_clear)

static void
crt_clear (gnutls_x509_crt_t *certificate)
{
  if (*certificate != NULL)
    gnutls_x509_crt_deinit (*certificate);
}
typedef gnutls_x509_crt_t Crt;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Crt, crt_clear)

static gboolean
check (int code, const char *what, GError **error)
{
  if (code >= 0)
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", what, gnutls_strerror (code));
  return FALSE;
}

static char *
take_pem (gnutls_datum_t *pem)
{
  char *text = g_strndup ((const char *) pem->data, pem->size);
  gnutls_free (pem->data);
  return text;
}

static gboolean
load_key (Privkey *key, const char *pem, GError **error)
{
  gnutls_datum_t data = { (guchar *) pem, strlen (pem) };

  return check (gnutls_x509_privkey_init (key), "private key", error) &&
         check (gnutls_x509_privkey_import2 (*key, &data, GNUTLS_X509_FMT_PEM, NULL, 0), "not a private key", error);
}

static gboolean
load_certificate (Crt *certificate, const char *pem, GError **error)
{
  gnutls_datum_t data = { (guchar *) pem, strlen (pem) };

  return check (gnutls_x509_crt_init (certificate), "certificate", error) &&
         check (gnutls_x509_crt_import (*certificate, &data, GNUTLS_X509_FMT_PEM), "not a certificate", error);
}

/**
 * kube_private_key_new:
 * @error: return location for an error
 *
 * Makes an ECDSA key on the curve P-256.
 *
 * Returns: (transfer full): the key as PEM, or %NULL with %KUBE_ERROR_INTERNAL
 * Since: 1.0
 */
char *
kube_private_key_new (GError **error)
{
  g_auto (Privkey) key = NULL;
  gnutls_datum_t pem;

  if (!check (gnutls_x509_privkey_init (&key), "private key", error) ||
      !check (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
              "making a private key", error) ||
      !check (gnutls_x509_privkey_export2 (key, GNUTLS_X509_FMT_PEM, &pem), "private key", error))
    return NULL;
  return take_pem (&pem);
}

static gboolean
add_name_part (gnutls_x509_crt_t certificate, const char *oid, const char *text, GError **error)
{
  return check (gnutls_x509_crt_set_dn_by_oid (certificate, oid, 0, text, strlen (text)), text, error);
}

static gboolean
begin_certificate (Crt *certificate, const char *common_name, int days, gnutls_x509_privkey_t key, GError **error)
{
  guint8 serial[SERIAL_SIZE], id[64];
  gsize id_size = sizeof id;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (!check (gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial), "random numbers", error))
    return FALSE;
  /* positive, and never shorter than it says */
  serial[0] = (serial[0] & 0x7f) | 0x40;
  return check (gnutls_x509_crt_init (certificate), "certificate", error) &&
         check (gnutls_x509_crt_set_version (*certificate, 3), "version", error) &&
         check (gnutls_x509_crt_set_serial (*certificate, serial, sizeof serial), "serial", error) &&
         check (gnutls_x509_crt_set_activation_time (*certificate, now - BACKDATE_SECONDS), "validity", error) &&
         check (gnutls_x509_crt_set_expiration_time (*certificate, now + days * SECONDS_PER_DAY), "validity", error) &&
         check (gnutls_x509_crt_set_key (*certificate, key), "key", error) &&
         add_name_part (*certificate, GNUTLS_OID_X520_COMMON_NAME, common_name, error) &&
         check (gnutls_x509_crt_get_key_id (*certificate, 0, id, &id_size), "key id", error) &&
         check (gnutls_x509_crt_set_subject_key_id (*certificate, id, id_size), "key id", error);
}

static char *
sign_and_print (gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer, gnutls_x509_privkey_t issuer_key, GError **error)
{
  gnutls_datum_t pem;

  if (!check (gnutls_x509_crt_sign2 (certificate, issuer, issuer_key, GNUTLS_DIG_SHA256, 0), "signing a certificate", error) ||
      !check (gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &pem), "certificate", error))
    return NULL;
  return take_pem (&pem);
}

/**
 * kube_certificate_new_ca:
 * @common_name: the CA's name
 * @key_pem: its private key
 * @days: how long it is valid
 * @error: return location for an error
 *
 * Makes a self-signed certificate that may sign others.
 *
 * Returns: (transfer full): the certificate as PEM, or %NULL with %KUBE_ERROR_INTERNAL
 * Since: 1.0
 */
char *
kube_certificate_new_ca (const char *common_name, const char *key_pem, int days, GError **error)
{
  g_auto (Privkey) key = NULL;
  g_auto (Crt) certificate = NULL;

  if (!load_key (&key, key_pem, error) || !begin_certificate (&certificate, common_name, days, key, error) ||
      !check (gnutls_x509_crt_set_basic_constraints (certificate, 1, -1), "basic constraints", error) ||
      !check (gnutls_x509_crt_set_key_usage (certificate,
                                             GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT | GNUTLS_KEY_KEY_CERT_SIGN),
              "key usage", error))
    return NULL;
  return sign_and_print (certificate, certificate, key, error);
}

static gboolean
add_alternative_names (gnutls_x509_crt_t certificate, const KubeCertificateOptions *options, GError **error)
{
  for (guint i = 0; options->dns_names != NULL && options->dns_names[i] != NULL; i++) {
    const char *name = options->dns_names[i];
    if (!check (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, name, strlen (name), GNUTLS_FSAN_APPEND),
                name, error))
      return FALSE;
  }
  for (guint i = 0; options->addresses != NULL && options->addresses[i] != NULL; i++) {
    g_autoptr (GInetAddress) address = g_inet_address_new_from_string (options->addresses[i]);
    if (address == NULL) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "not an IP address: %s", options->addresses[i]);
      return FALSE;
    }
    if (!check (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_IPADDRESS, g_inet_address_to_bytes (address),
                                                      g_inet_address_get_native_size (address), GNUTLS_FSAN_APPEND),
                options->addresses[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
add_usages (gnutls_x509_crt_t certificate, const KubeCertificateOptions *options, GError **error)
{
  return check (gnutls_x509_crt_set_basic_constraints (certificate, 0, -1), "basic constraints", error) &&
         check (gnutls_x509_crt_set_key_usage (certificate, GNUTLS_KEY_DIGITAL_SIGNATURE), "key usage", error) &&
         (!options->server || check (gnutls_x509_crt_set_key_purpose_oid (certificate, GNUTLS_KP_TLS_WWW_SERVER, 0), "usage", error)) &&
         (!options->client || check (gnutls_x509_crt_set_key_purpose_oid (certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0), "usage", error));
}

/**
 * kube_certificate_new:
 * @options: what it shall say
 * @key_pem: the private key that it is for
 * @ca_certificate_pem: the CA that signs it
 * @ca_key_pem: the CA's private key
 * @error: return location for an error
 *
 * Makes a certificate for a server, a client, or both.
 *
 * Returns: (transfer full): the certificate as PEM, or %NULL with %KUBE_ERROR_INTERNAL
 * Since: 1.0
 */
char *
kube_certificate_new (const KubeCertificateOptions *options, const char *key_pem, const char *ca_certificate_pem, const char *ca_key_pem,
                      GError **error)
{
  g_auto (Privkey) key = NULL;
  g_auto (Privkey) ca_key = NULL;
  g_auto (Crt) ca = NULL;
  g_auto (Crt) certificate = NULL;
  guint8 id[64];
  gsize id_size = sizeof id;

  if (!load_key (&key, key_pem, error) || !load_key (&ca_key, ca_key_pem, error) || !load_certificate (&ca, ca_certificate_pem, error) ||
      !begin_certificate (&certificate, options->common_name, options->days, key, error))
    return NULL;
  for (guint i = 0; options->organizations != NULL && options->organizations[i] != NULL; i++) {
    if (!add_name_part (certificate, GNUTLS_OID_X520_ORGANIZATION_NAME, options->organizations[i], error))
      return NULL;
  }
  if (!add_alternative_names (certificate, options, error) || !add_usages (certificate, options, error) ||
      !check (gnutls_x509_crt_get_subject_key_id (ca, id, &id_size, NULL), "the CA's key id", error) ||
      !check (gnutls_x509_crt_set_authority_key_id (certificate, id, id_size), "key id", error))
    return NULL;
  return sign_and_print (certificate, ca, ca_key, error);
}

/**
 * kube_certificate_get_expiry:
 * @certificate_pem: a certificate
 *
 * Returns: when it ends to be valid, in microseconds since the epoch; -1 where it is no certificate
 * Since: 1.0
 */
gint64
kube_certificate_get_expiry (const char *certificate_pem)
{
  g_auto (Crt) certificate = NULL;
  time_t expiry;

  if (!load_certificate (&certificate, certificate_pem, NULL))
    return -1;
  expiry = gnutls_x509_crt_get_expiration_time (certificate);
  return expiry == (time_t) -1 ? -1 : (gint64) expiry * G_USEC_PER_SEC;
}
