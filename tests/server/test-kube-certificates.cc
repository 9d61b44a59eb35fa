/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <gio/gio.h>
#include <kube/kube-certificates.h>
#include "auth/kube-client-ca.h"

namespace {

struct Pair {
  char *key, *certificate;
  Pair (char *k, char *c) : key (k), certificate (c) {}
  ~Pair () { g_free (key); g_free (certificate); }
};

Pair
make_ca (const char *name)
{
  char *key = kube_private_key_new (NULL);
  return Pair (key, kube_certificate_new_ca (name, key, 10, NULL));
}

Pair
make_client (const Pair &ca, const char *name, const char *const *groups, int days = 1, gboolean client = TRUE)
{
  KubeCertificateOptions options = {};
  options.common_name = name;
  options.organizations = groups;
  options.client = client;
  options.server = !client;
  options.days = days;
  char *key = kube_private_key_new (NULL);
  GError *error = NULL;
  char *certificate = kube_certificate_new (&options, key, ca.certificate, ca.key, &error);
  EXPECT_EQ (error, nullptr) << error->message;
  return Pair (key, certificate);
}

KubeUser *
identify (const Pair &ca, const Pair &client, GError **error)
{
  g_autoptr (KubeClientCa) trusted = kube_client_ca_new (ca.certificate, NULL);
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (client.certificate, -1, NULL);
  g_autoptr (GByteArray) der = NULL;
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_object_get (certificate, "certificate", &der, NULL);
  g_ptr_array_add (chain, g_bytes_new (der->data, der->len));
  return kube_client_ca_identify (trusted, chain, error);
}

TEST (KubeCertificates, AServerCertificateIsGoodForItsNamesAndAddresses)
{
  Pair ca = make_ca ("kubernetes");
  const char *dns[] = { "localhost", "kubernetes.default.svc", NULL };
  const char *addresses[] = { "127.0.0.1", "::1", NULL };
  KubeCertificateOptions options = {};
  options.common_name = "kube-apiserver";
  options.dns_names = dns;
  options.addresses = addresses;
  options.server = TRUE;
  options.days = 1;
  g_autofree char *key = kube_private_key_new (NULL);
  g_autofree char *pem = kube_certificate_new (&options, key, ca.certificate, ca.key, NULL);
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (pem, -1, NULL);
  g_autoptr (GTlsCertificate) root = g_tls_certificate_new_from_pem (ca.certificate, -1, NULL);
  ASSERT_NE (certificate, nullptr);

  for (const char *host : { "localhost", "kubernetes.default.svc", "127.0.0.1", "::1" }) {
    g_autoptr (GSocketConnectable) identity = g_network_address_new (host, 443);
    EXPECT_EQ (g_tls_certificate_verify (certificate, identity, root), 0) << host;
  }
  g_autoptr (GSocketConnectable) other = g_network_address_new ("example.org", 443);
  EXPECT_EQ (g_tls_certificate_verify (certificate, other, root), G_TLS_CERTIFICATE_BAD_IDENTITY);
  Pair stranger = make_ca ("kubernetes");
  g_autoptr (GTlsCertificate) wrong = g_tls_certificate_new_from_pem (stranger.certificate, -1, NULL);
  EXPECT_NE (g_tls_certificate_verify (certificate, NULL, wrong), 0);
}

TEST (KubeCertificates, ExpiryIsWhatWasAskedFor)
{
  Pair ca = make_ca ("ca");
  gint64 expected = g_get_real_time () + G_GINT64_CONSTANT (10) * 24 * 3600 * G_USEC_PER_SEC;
  EXPECT_NEAR ((double) kube_certificate_get_expiry (ca.certificate), (double) expected, 10e6);
  EXPECT_EQ (kube_certificate_get_expiry ("nonsense"), -1);
}

TEST (KubeCertificates, WhatIsNoKeyIsRefused)
{
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (kube_certificate_new_ca ("ca", "nonsense", 1, &error), nullptr);
  ASSERT_NE (error, nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INTERNAL));
}

TEST (KubeClientCa, CommonNameIsTheUserAndEachOrganizationAGroup)
{
  Pair ca = make_ca ("client");
  const char *groups[] = { "system:masters", "developers", "système", NULL };
  Pair client = make_client (ca, "kubernetes-admin", groups);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeUser) user = identify (ca, client, &error);
  ASSERT_NE (user, nullptr) << error->message;
  EXPECT_STREQ (user->name, "kubernetes-admin");
  ASSERT_EQ (g_strv_length (user->groups), 3u);
  EXPECT_STREQ (user->groups[0], "system:masters");
  EXPECT_STREQ (user->groups[1], "developers");
  EXPECT_STREQ (user->groups[2], "système");
  KubeValue *ids = kube_value_get_member (user->extra, "authentication.kubernetes.io/credential-id");
  ASSERT_EQ (kube_value_get_length (ids), 1u);
  EXPECT_TRUE (g_str_has_prefix (kube_value_peek_string (kube_value_get_element (ids, 0), NULL), "X509SHA256="));
}

TEST (KubeClientCa, ACertificateOfAnotherCaIsNotBelieved)
{
  Pair ca = make_ca ("client"), other = make_ca ("client");
  Pair client = make_client (other, "kubernetes-admin", NULL);
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (identify (ca, client, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED));
}

TEST (KubeClientCa, AnExpiredCertificateIsNotBelieved)
{
  Pair ca = make_ca ("client");
  Pair client = make_client (ca, "kubernetes-admin", NULL, -1);
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (identify (ca, client, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED));
}

TEST (KubeClientCa, AServersCertificateIsNoClients)
{
  Pair ca = make_ca ("client");
  Pair server = make_client (ca, "kube-apiserver", NULL, 1, FALSE);
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (identify (ca, server, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED));
}

}
