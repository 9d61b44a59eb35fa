/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-warnings.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

/* A Secret of the type of TLS is looked at as who serves with it would, and warned of in the words of Go's crypto/tls. */

#define ID_MAX 64

static void
clear_datum (gnutls_datum_t *datum)
{
  g_clear_pointer (&datum->data, gnutls_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (gnutls_datum_t, clear_datum)

/* Moves @at behind the next block of PEM that reads as one. Returns: (transfer full) (nullable): its type. */
static char *
next_block (const char **at, gnutls_datum_t *der)
{
  const char *begin;

  while ((begin = strstr (*at, "-----BEGIN ")) != NULL) {
    const char *type = begin + strlen ("-----BEGIN "), *dashes = strstr (type, "-----"), *end;
    g_autofree char *name = dashes != NULL ? g_strndup (type, (gsize) (dashes - type)) : g_strdup ("");
    g_autofree char *last = g_strdup_printf ("-----END %s-----", name);
    gnutls_datum_t pem = { (guchar *) begin, 0 };

    *at = type;
    if (dashes == NULL || (end = strstr (dashes, last)) == NULL)
      continue;
    pem.size = (unsigned int) (end + strlen (last) - begin);
    if (gnutls_pem_base64_decode2 (NULL, &pem, der) != GNUTLS_E_SUCCESS)
      continue;
    *at = end + strlen (last);
    return g_steal_pointer (&name);
  }
  return NULL;
}

static void
add_type (GString *types, const char *type)
{
  g_string_append_printf (types, "%s%s", types->len > 0 ? " " : "", type);
}

static gboolean
is_certificate (const char *type)
{
  return g_str_equal (type, "CERTIFICATE");
}

static gboolean
is_key (const char *type)
{
  return g_str_equal (type, "PRIVATE KEY") || g_str_has_suffix (type, " PRIVATE KEY");
}

/* The first block of @text that is wanted, in @der; otherwise the types of those that were passed over. Returns: how many those were. */
static guint
find_block (const char *text, gboolean (*is_wanted) (const char *type), gnutls_datum_t *der, GString *skipped)
{
  guint n = 0;

  for (;; n++) {
    g_auto (gnutls_datum_t) block = { NULL, 0 };
    g_autofree char *type = next_block (&text, &block);

    if (type == NULL)
      return n;
    if (is_wanted (type)) {
      *der = block;
      block.data = NULL;
      return n;
    }
    add_type (skipped, type);
  }
}

/* Returns: (nullable): what is wrong. */
static char *
find_certificate (const char *text, gnutls_datum_t *der)
{
  g_autoptr (GString) skipped = g_string_new (NULL);
  guint n = find_block (text, is_certificate, der, skipped);

  if (der->data != NULL)
    return NULL;
  if (n == 0)
    return g_strdup ("tls: failed to find any PEM data in certificate input");
  if (n == 1 && g_str_has_suffix (skipped->str, "PRIVATE KEY"))
    return g_strdup ("tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched");
  return g_strdup_printf ("tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [%s]", skipped->str);
}

static char *
find_key (const char *text, gnutls_datum_t *der)
{
  g_autoptr (GString) skipped = g_string_new (NULL);
  guint n = find_block (text, is_key, der, skipped);

  if (der->data != NULL)
    return NULL;
  if (n == 0)
    return g_strdup ("tls: failed to find any PEM data in key input");
  if (n == 1 && is_certificate (skipped->str))
    return g_strdup ("tls: found a certificate rather than a key in the PEM for the private key");
  return g_strdup_printf ("tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [%s]",
                          skipped->str);
}

static const char *
compare (gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
  guint8 id[ID_MAX], key_id[ID_MAX];
  gsize length = sizeof id, key_length = sizeof key_id;
  int algorithm = gnutls_x509_crt_get_pk_algorithm (certificate, NULL);

  if (algorithm != GNUTLS_PK_RSA && algorithm != GNUTLS_PK_ECDSA && algorithm != GNUTLS_PK_EDDSA_ED25519)
    return "tls: unknown public key algorithm";
  if (gnutls_x509_privkey_get_pk_algorithm (key) != algorithm)
    return "tls: private key type does not match public key type";
  if (gnutls_x509_crt_get_key_id (certificate, GNUTLS_KEYID_USE_SHA256, id, &length) != GNUTLS_E_SUCCESS ||
      gnutls_x509_privkey_get_key_id (key, GNUTLS_KEYID_USE_SHA256, key_id, &key_length) != GNUTLS_E_SUCCESS || length != key_length ||
      memcmp (id, key_id, length) != 0)
    return "tls: private key does not match public key";
  return NULL;
}

static const char *
check_pair (const gnutls_datum_t *certificate_der, const gnutls_datum_t *key_der)
{
  gnutls_x509_crt_t certificate;
  gnutls_x509_privkey_t key;
  const char *problem;

  if (gnutls_x509_crt_init (&certificate) != GNUTLS_E_SUCCESS)
    return NULL;
  if (gnutls_x509_privkey_init (&key) != GNUTLS_E_SUCCESS) {
    gnutls_x509_crt_deinit (certificate);
    return NULL;
  }
  if (gnutls_x509_crt_import (certificate, certificate_der, GNUTLS_X509_FMT_DER) != GNUTLS_E_SUCCESS)
    problem = "x509: malformed certificate";
  else if (gnutls_x509_privkey_import (key, key_der, GNUTLS_X509_FMT_DER) != GNUTLS_E_SUCCESS &&
           gnutls_x509_privkey_import_pkcs8 (key, key_der, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN) != GNUTLS_E_SUCCESS)
    problem = "tls: failed to parse private key";
  else
    problem = compare (certificate, key);
  gnutls_x509_privkey_deinit (key);
  gnutls_x509_crt_deinit (certificate);
  return problem;
}

static char *
get_text (KubeValue *data, const char *key)
{
  const char *text = kube_value_get_member_string (data, key);
  gsize length = 0;
  g_autofree guchar *bytes = text != NULL ? g_base64_decode (text, &length) : NULL;

  return g_strndup (bytes != NULL ? (const char *) bytes : "", length);
}

void
kube_secret_warn (KubeOperation *op, KubeValue *secret, KubeValue *old)
{
  KubeValue *data = kube_value_get_member (secret, "data");
  g_auto (gnutls_datum_t) certificate = { NULL, 0 }, key = { NULL, 0 };
  g_autofree char *certificate_text = NULL, *key_text = NULL, *found = NULL;
  const char *problem;

  if (g_strcmp0 (kube_value_get_string (secret, "type"), "kubernetes.io/tls") != 0)
    return;
  certificate_text = get_text (data, "tls.crt");
  key_text = get_text (data, "tls.key");
  found = find_certificate (certificate_text, &certificate);
  if (found == NULL)
    found = find_key (key_text, &key);
  problem = found != NULL ? found : check_pair (&certificate, &key);
  if (problem != NULL)
    kube_warn (op, "%s", problem);
}
