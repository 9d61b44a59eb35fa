/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-token-signer.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <kube/kube-builder.h>
#include <string.h>

#define COORDINATE 32
#define MAX_TOKEN (16 * 1024)

struct _KubeTokenSigner {
  GMutex mutex; /* signing */
  gnutls_privkey_t key;
  gnutls_pubkey_t public_key;
  char *id;
  guint8 x[COORDINATE], y[COORDINATE];
};

static char *
encode (const void *data, gsize size)
{
  char *text = g_base64_encode (data, size);
  char *end;

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  end = strchr (text, '=');
  if (end != NULL)
    *end = '\0';
  return text;
}

/* Strict: RFC 7515 has neither padding nor line breaks, and two texts for one token would be two entries of a cache. */
static guint8 *
decode (const char *text, gsize length, gsize *size)
{
  g_autofree char *padded = NULL;
  g_autofree guint8 *data = NULL;
  g_autofree char *again = NULL;

  if (length % 4 == 1)
    return NULL;
  padded = g_strdup_printf ("%.*s%s", (int) length, text, length % 4 == 2 ? "==" : length % 4 == 3 ? "=" : "");
  g_strdelimit (padded, "-", '+');
  g_strdelimit (padded, "_", '/');
  data = g_base64_decode (padded, size);
  again = encode (data, *size);
  return strlen (again) == length && memcmp (again, text, length) == 0 ? g_steal_pointer (&data) : NULL;
}

/* GnuTLS gives integers without leading zeros, or with one where the sign bit would be set. */
static gboolean
normalise (const gnutls_datum_t *integer, guint8 out[COORDINATE])
{
  const guint8 *data = integer->data;
  gsize size = integer->size;

  while (size > 0 && *data == 0) {
    data++;
    size--;
  }
  if (size > COORDINATE)
    return FALSE;
  memset (out, 0, COORDINATE - size);
  memcpy (out + COORDINATE - size, data, size);
  return TRUE;
}

static gboolean
learn_public_key (KubeTokenSigner *signer)
{
  gnutls_datum_t x = { 0 }, y = { 0 }, spki = { 0 };
  gnutls_ecc_curve_t curve;
  guint8 digest[32];
  gboolean good;

  if (gnutls_pubkey_init (&signer->public_key) < 0 || gnutls_pubkey_import_privkey (signer->public_key, signer->key, 0, 0) < 0 ||
      gnutls_pubkey_export_ecc_raw (signer->public_key, &curve, &x, &y) < 0)
    return FALSE;
  good = curve == GNUTLS_ECC_CURVE_SECP256R1 && normalise (&x, signer->x) && normalise (&y, signer->y) &&
         gnutls_pubkey_export2 (signer->public_key, GNUTLS_X509_FMT_DER, &spki) >= 0 &&
         gnutls_hash_fast (GNUTLS_DIG_SHA256, spki.data, spki.size, digest) >= 0;
  if (good)
    signer->id = encode (digest, sizeof digest);
  gnutls_free (x.data);
  gnutls_free (y.data);
  gnutls_free (spki.data);
  return good;
}

KubeTokenSigner *
kube_token_signer_new (const char *key_pem, GError **error)
{
  g_autoptr (KubeTokenSigner) signer = g_new0 (KubeTokenSigner, 1);
  gnutls_datum_t pem = { (guchar *) key_pem, strlen (key_pem) };

  g_mutex_init (&signer->mutex);
  if (gnutls_privkey_init (&signer->key) < 0 ||
      gnutls_privkey_import_x509_raw (signer->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0) < 0 || !learn_public_key (signer)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "the key for service account tokens is no P-256 key");
    return NULL;
  }
  return g_steal_pointer (&signer);
}

void
kube_token_signer_free (KubeTokenSigner *signer)
{
  if (signer->public_key != NULL)
    gnutls_pubkey_deinit (signer->public_key);
  if (signer->key != NULL)
    gnutls_privkey_deinit (signer->key);
  g_mutex_clear (&signer->mutex);
  g_free (signer->id);
  g_free (signer);
}

static gboolean
sign (KubeTokenSigner *signer, const char *text, guint8 out[2 * COORDINATE])
{
  gnutls_datum_t data = { (guchar *) text, strlen (text) }, der = { 0 }, r = { 0 }, s = { 0 };
  gboolean good;

  g_mutex_lock (&signer->mutex);
  good = gnutls_privkey_sign_data2 (signer->key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der) >= 0;
  g_mutex_unlock (&signer->mutex);
  good = good && gnutls_decode_rs_value (&der, &r, &s) >= 0 && normalise (&r, out) && normalise (&s, out + COORDINATE);
  gnutls_free (der.data);
  gnutls_free (r.data);
  gnutls_free (s.data);
  return good;
}

char *
kube_token_signer_sign (KubeTokenSigner *signer, KubeValue *claims, GError **error)
{
  g_autofree char *header = g_strdup_printf ("{\"alg\":\"ES256\",\"kid\":\"%s\"}", signer->id);
  gsize size;
  g_autofree char *payload = kube_value_print (claims, &size);
  g_autofree char *header64 = encode (header, strlen (header));
  g_autofree char *payload64 = encode (payload, size);
  g_autofree char *text = g_strconcat (header64, ".", payload64, NULL);
  guint8 signature[2 * COORDINATE];
  g_autofree char *signature64 = NULL;

  if (!sign (signer, text, signature)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "signing a token failed");
    return NULL;
  }
  signature64 = encode (signature, sizeof signature);
  return g_strconcat (text, ".", signature64, NULL);
}

static gboolean
check_header (KubeTokenSigner *signer, const char *text, gsize length)
{
  gsize size;
  g_autofree guint8 *json = decode (text, length, &size);
  g_autoptr (KubeValue) header = json != NULL ? kube_value_parse ((const char *) json, size, NULL) : NULL;

  return g_strcmp0 (kube_value_get_member_string (header, "alg"), "ES256") == 0 &&
         g_strcmp0 (kube_value_get_member_string (header, "kid"), signer->id) == 0 && kube_value_get_member (header, "crit") == NULL;
}

static gboolean
check_signature (KubeTokenSigner *signer, const char *text, gsize length, const char *signature64)
{
  gsize size;
  g_autofree guint8 *signature = decode (signature64, strlen (signature64), &size);
  gnutls_datum_t data = { (guchar *) text, length }, der = { 0 };
  gnutls_datum_t r = { signature, COORDINATE }, s = { signature + COORDINATE, COORDINATE };
  gboolean good;

  if (signature == NULL || size != 2 * COORDINATE || gnutls_encode_rs_value (&der, &r, &s) < 0)
    return FALSE;
  good = gnutls_pubkey_verify_data2 (signer->public_key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der) >= 0;
  gnutls_free (der.data);
  return good;
}

KubeValue *
kube_token_signer_verify (KubeTokenSigner *signer, const char *token, GError **error)
{
  const char *payload = strchr (token, '.');
  const char *signature = payload != NULL ? strchr (payload + 1, '.') : NULL;
  g_autofree guint8 *json = NULL;
  KubeValue *claims = NULL;
  gsize size;

  if (signature != NULL && strlen (token) <= MAX_TOKEN && check_header (signer, token, payload - token) &&
      check_signature (signer, token, signature - token, signature + 1)) {
    json = decode (payload + 1, signature - payload - 1, &size);
    claims = json != NULL ? kube_value_parse ((const char *) json, size, NULL) : NULL;
  }
  if (claims == NULL)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "invalid bearer token");
  return claims;
}

KubeValue *
kube_token_signer_get_jwks (KubeTokenSigner *signer)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *key = kube_node_append_object (kube_node_ensure_array (kube_builder_get_root (builder), "keys"));
  g_autofree char *x = encode (signer->x, COORDINATE);
  g_autofree char *y = encode (signer->y, COORDINATE);

  kube_node_put_string (key, "use", "sig");
  kube_node_put_string (key, "kty", "EC");
  kube_node_put_string (key, "kid", signer->id);
  kube_node_put_string (key, "crv", "P-256");
  kube_node_put_string (key, "alg", "ES256");
  kube_node_put_string (key, "x", x);
  kube_node_put_string (key, "y", y);
  return kube_builder_end (builder);
}
