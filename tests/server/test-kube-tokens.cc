/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth-fixture.h"

namespace {

const char ACCOUNT[] = R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"builder","namespace":"ci","uid":"u-1"}})";
const char POD[] = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"ci","uid":"u-pod"},"spec":{"serviceAccountName":"builder","nodeName":"n1"}})";
const char NODE[] = R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"u-node"}})";
const char ISSUER[] = "https://kubernetes.default.svc.cluster.local";

TEST (KubeTokenSigner, WhatItSignsItVerifies)
{
  g_autofree char *key = kube_private_key_new (NULL);
  g_autoptr (KubeTokenSigner) signer = kube_token_signer_new (key, NULL);
  g_autoptr (KubeValue) claims = kube_value_parse ("{\"sub\":\"x\",\"exp\":1}", -1, NULL);
  /* r and s of every length come up: some need padding, some have a sign byte */
  for (int i = 0; i < 300; i++) {
    g_autofree char *token = kube_token_signer_sign (signer, claims, NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (KubeValue) back = kube_token_signer_verify (signer, token, &error);
    ASSERT_NE (back, nullptr) << error->message;
    EXPECT_TRUE (kube_value_equal (back, claims));
    g_auto (GStrv) parts = g_strsplit (token, ".", -1);
    ASSERT_EQ (strlen (parts[2]), 86u);
  }
}

TEST (KubeTokenSigner, WhatItHasNotSignedIsRefused)
{
  g_autofree char *key = kube_private_key_new (NULL);
  g_autofree char *other_key = kube_private_key_new (NULL);
  g_autoptr (KubeTokenSigner) signer = kube_token_signer_new (key, NULL);
  g_autoptr (KubeTokenSigner) other = kube_token_signer_new (other_key, NULL);
  g_autoptr (KubeValue) claims = kube_value_parse ("{\"sub\":\"x\"}", -1, NULL);
  g_autofree char *good = kube_token_signer_sign (signer, claims, NULL);
  g_autofree char *foreign = kube_token_signer_sign (other, claims, NULL);
  std::string token = good;
  size_t dot = token.find ('.'), last = token.rfind ('.');

  std::vector<std::string> bad = {
    foreign, "", ".", "..", "a.b.c", token.substr (0, last), token.substr (0, last + 1), token + "=", token + "A", " " + token,
    "eyJhbGciOiJub25lIn0" + token.substr (dot, last - dot) + ".", std::string (100000, 'a'),
    token.substr (0, dot) + ".eyJzdWIiOiJ5In0" + token.substr (last),
  };
  for (auto &text : bad) {
    g_autoptr (GError) error = NULL;
    EXPECT_EQ (kube_token_signer_verify (signer, text.c_str (), &error), nullptr) << text;
    EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED));
  }
  for (size_t i = last + 1; i < token.size (); i += 7) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ (kube_token_signer_verify (signer, changed.c_str (), NULL), nullptr) << i;
  }
}

TEST (KubeTokenSigner, OnlyP256KeysSign)
{
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (kube_token_signer_new ("nonsense", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INTERNAL));
}

TEST (KubeTokenSigner, TheKeySetHasThePublicKeyAndNothingElse)
{
  g_autofree char *key = kube_private_key_new (NULL);
  g_autoptr (KubeTokenSigner) signer = kube_token_signer_new (key, NULL);
  g_autoptr (KubeValue) jwks = kube_token_signer_get_jwks (signer);
  KubeValue *one = kube_value_get (jwks, "keys.0");
  EXPECT_STREQ (kube_value_get_string (one, "kty"), "EC");
  EXPECT_STREQ (kube_value_get_string (one, "crv"), "P-256");
  EXPECT_STREQ (kube_value_get_string (one, "alg"), "ES256");
  EXPECT_EQ (strlen (kube_value_get_string (one, "x")), 43u);
  EXPECT_EQ (strlen (kube_value_get_string (one, "y")), 43u);
  EXPECT_EQ (kube_value_get (one, "d"), nullptr);
  EXPECT_EQ (strlen (kube_value_get_string (one, "kid")), 43u);
}

class KubeTokensTest : public AuthTest {
protected:
  void SetUp () override
  {
    AuthTest::SetUp ();
    put (ACCOUNT);
    put (POD);
    put (NODE);
  }

  KubeObject *create (const char *spec, GError **error = NULL)
  {
    g_autofree char *json = g_strdup_printf (R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":%s})", spec);
    g_autoptr (KubeObject) request = object (json);
    g_autoptr (KubeObject) account = object (ACCOUNT);
    g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
    return kube_auth_create_token (auth, account, request, warnings, error);
  }

  std::string token (const char *spec = "{}")
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (KubeObject) answer = create (spec, &error);
    EXPECT_NE (answer, nullptr) << error->message;
    return kube_object_get_string (answer, "status.token");
  }

  /* "" where it is good, else what is wrong */
  std::string verdict (const std::string &t, const char *const *audiences = NULL)
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (KubeUser) user = kube_tokens_authenticate (auth->tokens, t.c_str (), audiences, NULL, &error);
    return user != NULL ? "" : error->message;
  }
};

TEST_F (KubeTokensTest, ATokenIsItsServiceAccount)
{
  std::string t = token (R"({"boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u-pod"}})");
  g_autoptr (KubeUser) user = kube_tokens_authenticate (auth->tokens, t.c_str (), NULL, NULL, NULL);
  ASSERT_NE (user, nullptr);
  EXPECT_STREQ (user->name, "system:serviceaccount:ci:builder");
  EXPECT_STREQ (user->uid, "u-1");
  EXPECT_TRUE (kube_user_in_group (user, "system:serviceaccounts"));
  EXPECT_TRUE (kube_user_in_group (user, "system:serviceaccounts:ci"));
  EXPECT_TRUE (kube_user_in_group (user, "system:authenticated"));
  auto extra = [&] (const char *key) {
    return kube_value_peek_string (kube_value_get_element (kube_value_get_member (user->extra, key), 0), NULL);
  };
  EXPECT_STREQ (extra ("authentication.kubernetes.io/pod-name"), "p");
  EXPECT_STREQ (extra ("authentication.kubernetes.io/pod-uid"), "u-pod");
  EXPECT_STREQ (extra ("authentication.kubernetes.io/node-name"), "n1");
  EXPECT_STREQ (extra ("authentication.kubernetes.io/node-uid"), "u-node");
  EXPECT_TRUE (g_str_has_prefix (extra ("authentication.kubernetes.io/credential-id"), "JTI="));
}

TEST_F (KubeTokensTest, TheAnswerSaysWhatWasGiven)
{
  g_autoptr (KubeObject) answer = create (R"({"expirationSeconds":600})");
  EXPECT_STREQ (kube_object_get_string (answer, "spec.audiences.0"), ISSUER);
  EXPECT_STREQ (kube_object_get_string (answer, "status.expirationTimestamp"), "2023-11-14T22:23:20Z");
  EXPECT_EQ (kube_object_get_integer (answer, "spec.expirationSeconds", 0), 600);
}

TEST_F (KubeTokensTest, AnExpiredTokenIsRefusedEvenWhereItIsCached)
{
  std::string t = token (R"({"expirationSeconds":600})");
  EXPECT_EQ (verdict (t), "");
  kube_virtual_clock_advance (clock, G_GINT64_CONSTANT (659) * G_USEC_PER_SEC);
  EXPECT_EQ (verdict (t), "");
  kube_virtual_clock_advance (clock, 2 * G_USEC_PER_SEC);
  EXPECT_EQ (verdict (t), "service account token has expired");
}

TEST_F (KubeTokensTest, PodsTokensLiveOnForAYearAndSayFromWhen)
{
  g_autoptr (KubeObject) answer = create (R"({"expirationSeconds":3607,"boundObjectRef":{"kind":"Pod","name":"p"}})");
  std::string t = kube_object_get_string (answer, "status.token");
  EXPECT_STREQ (kube_object_get_string (answer, "status.expirationTimestamp"), "2023-11-14T23:13:27Z");
  kube_virtual_clock_advance (clock, G_GINT64_CONSTANT (360) * 24 * 3600 * G_USEC_PER_SEC);
  EXPECT_EQ (verdict (t), "");
  std::string other = token (R"({"expirationSeconds":3607})");
  kube_virtual_clock_advance (clock, G_GINT64_CONSTANT (2) * 3600 * G_USEC_PER_SEC);
  EXPECT_EQ (verdict (other), "service account token has expired");
}

TEST_F (KubeTokensTest, WithItsServiceAccountATokenEnds)
{
  std::string t = token ();
  EXPECT_EQ (verdict (t), "");
  remove ("v1", "ServiceAccount", "ci", "builder");
  kube_virtual_clock_advance (clock, 10 * G_USEC_PER_SEC);
  EXPECT_EQ (verdict (t), "service account token has been invalidated");
  put (R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"builder","namespace":"ci","uid":"another"}})");
  EXPECT_EQ (verdict (t), "service account token has been invalidated");
}

TEST_F (KubeTokensTest, WithItsPodABoundTokenEnds)
{
  std::string t = token (R"({"boundObjectRef":{"kind":"Pod","name":"p"}})");
  remove ("v1", "Pod", "ci", "p");
  EXPECT_EQ (verdict (t), "service account token has been invalidated");
}

TEST_F (KubeTokensTest, ATokenIsGoodForItsAudiencesOnly)
{
  std::string t = token (R"({"audiences":["vault","store"]})");
  const char *vault[] = { "vault", "elsewhere", NULL };
  EXPECT_NE (verdict (t), "");
  EXPECT_EQ (verdict (t, vault), "");
  g_auto (GStrv) matched = NULL;
  g_autoptr (KubeUser) user = kube_tokens_authenticate (auth->tokens, t.c_str (), vault, &matched, NULL);
  ASSERT_EQ (g_strv_length (matched), 1u);
  EXPECT_STREQ (matched[0], "vault");
}

TEST_F (KubeTokensTest, ATokenOfAnotherIssuerIsNotOurs)
{
  g_autofree char *key = kube_private_key_new (NULL);
  g_autoptr (KubeTokenSigner) signer = kube_token_signer_new (key, NULL);
  KubeTokens *mine = kube_tokens_new (store, scheme, KUBE_CLOCK (clock), key, "https://me", NULL);
  g_autoptr (KubeValue) claims = kube_value_parse (R"({"iss":"https://you","aud":["https://me"],"exp":9999999999,"kubernetes.io":{"namespace":"ci","serviceaccount":{"name":"builder","uid":"u-1"}}})", -1, NULL);
  g_autofree char *t = kube_token_signer_sign (signer, claims, NULL);
  EXPECT_EQ (kube_tokens_authenticate (mine, t, NULL, NULL, NULL), nullptr);
  kube_tokens_free (mine);
}

struct BadRequest {
  const char *spec;
  KubeError code;
  const char *message;
};

TEST_F (KubeTokensTest, BadRequestsAreWordedAsUpstreamWordsThem)
{
  put (R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"other","namespace":"ci","uid":"x"},"spec":{"serviceAccountName":"default"}})");
  const BadRequest cases[] = {
    { R"({"expirationSeconds":5})", KUBE_ERROR_INVALID,
      "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes" },
    { R"({"expirationSeconds":4294967297})", KUBE_ERROR_INVALID,
      "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds" },
    { R"({"boundObjectRef":{"apiVersion":"v1","kind":"ConfigMap","name":"x"}})", KUBE_ERROR_BAD_REQUEST, "cannot bind token to object of type /v1, Kind=ConfigMap" },
    { R"({"boundObjectRef":{"apiVersion":"apps/v1","kind":"Pod","name":"p"}})", KUBE_ERROR_BAD_REQUEST, "cannot bind token to object of type apps/v1, Kind=Pod" },
    { R"({"boundObjectRef":{"kind":"Node","name":"x"}})", KUBE_ERROR_NOT_FOUND, "nodes \"x\" not found" },
    { R"({"boundObjectRef":{"kind":"Pod","name":"other"}})", KUBE_ERROR_BAD_REQUEST,
      "cannot bind token for serviceaccount \"builder\" to pod running with different serviceaccount name." },
    { R"({"boundObjectRef":{"kind":"Pod","name":"p","uid":"wrong"}})", KUBE_ERROR_CONFLICT,
      "Operation cannot be fulfilled on Pod \"p\": the UID in the bound object reference (wrong) does not match the UID in record. The object might have been deleted and then recreated" },
  };
  for (auto &c : cases) {
    g_autoptr (GError) error = NULL;
    EXPECT_EQ (create (c.spec, &error), nullptr) << c.spec;
    ASSERT_NE (error, nullptr);
    EXPECT_EQ (error->code, c.code);
    EXPECT_STREQ (error->message, c.message);
  }
}

TEST_F (KubeTokensTest, ReviewsSayWhoseATokenIs)
{
  std::string t = token ();
  g_autofree char *json = g_strdup_printf (R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"%s"}})", t.c_str ());
  g_autoptr (KubeObject) review = object (json);
  g_autoptr (KubeObject) answer = kube_auth_review_token (auth, review, NULL);
  EXPECT_TRUE (kube_object_get_boolean (answer, "status.authenticated", FALSE));
  EXPECT_STREQ (kube_object_get_string (answer, "status.user.username"), "system:serviceaccount:ci:builder");
  EXPECT_STREQ (kube_object_get_string (answer, "status.audiences.0"), ISSUER);
  g_autoptr (KubeObject) bad = object (R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"a.b.c"}})");
  g_autoptr (KubeObject) refused = kube_auth_review_token (auth, bad, NULL);
  EXPECT_FALSE (kube_object_get_boolean (refused, "status.authenticated", FALSE));
  EXPECT_STREQ (kube_object_get_string (refused, "status.error"), "invalid bearer token");
}

TEST_F (KubeTokensTest, OpenIdConfigurationNamesTheKeySet)
{
  g_autoptr (GBytes) bytes = kube_auth_get_openid_configuration (auth, "https://10.96.0.1");
  g_autoptr (KubeValue) value = kube_value_parse ((const char *) g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
  EXPECT_STREQ (kube_value_get_string (value, "issuer"), ISSUER);
  EXPECT_STREQ (kube_value_get_string (value, "jwks_uri"), "https://10.96.0.1/openid/v1/jwks");
  EXPECT_STREQ (kube_value_get_string (value, "id_token_signing_alg_values_supported.0"), "ES256");
}

}
