/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <string>

#include "kube-decode.h"
#include "kube-field-errors.h"
#include "kube-validation.h"

namespace {

/* What validation says of an object (@old: NULL on create), as upstream's messages show it; each text once. */
std::string
check (const char *api_version, const char *kind_name, const char *json, const char *old_json = nullptr, const char *subresource = nullptr)
{
  KubeKind *kind = KUBE_KIND (api_version, kind_name);
  g_auto (KubeFieldErrors) errors = { nullptr };
  KubeValue *values[2] = { nullptr, nullptr };
  const char *texts[] = { json, old_json };

  for (int i = 0; i < 2 && texts[i] != nullptr; i++) {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeValue) parsed = kube_value_parse (texts[i], -1, &error);
    gboolean has_empty;
    g_autoptr (KubeValue) decoded = parsed != nullptr ? kube_decode_request (kind, parsed, nullptr, nullptr, &has_empty, &error) : nullptr;
    if (decoded == nullptr)
      return error->message;
    g_autoptr (KubeBuilder) builder = kube_builder_new (decoded);
    kube_default (kind, kube_builder_get_root (builder));
    values[i] = kube_builder_end (builder);
  }
  if (old_json == nullptr)
    kube_validate_create (kind, values[0], &errors);
  else
    kube_validate_update (kind, subresource, values[0], values[1], &errors);
  g_clear_pointer (&values[0], kube_value_unref);
  g_clear_pointer (&values[1], kube_value_unref);
  g_autofree char *text = kube_field_errors_print (&errors);
  return text;
}

std::string
check_review (const char *kind, const char *json)
{
  return check ("authorization.k8s.io/v1", kind, json);
}

TEST (KubeValidation, AReviewAsksOneThingOfSomebodyAndHasNoName)
{
  EXPECT_EQ (check_review ("SelfSubjectAccessReview", R"({"spec":{"nonResourceAttributes":{"path":"/x","verb":"get"}}})"), "");
  EXPECT_EQ (check_review ("SubjectAccessReview", R"({"spec":{"user":"a"}})"),
             "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified");
  EXPECT_EQ (check_review ("SubjectAccessReview", R"({"metadata":{"name":"x"},"spec":{"resourceAttributes":{},"nonResourceAttributes":{"path":"/x"}}})"),
             "[spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"\"}: cannot be specified in combination with resourceAttributes, "
             "spec.user: Invalid value: \"\": at least one of user or group must be specified, "
             "metadata: Invalid value: {\"name\":\"x\"}: must be empty]");
  EXPECT_EQ (check_review ("LocalSubjectAccessReview", R"({"metadata":{"namespace":"n"},"spec":{"user":"a","resourceAttributes":{"namespace":"m"}}})"),
             "spec.resourceAttributes.namespace: Invalid value: \"m\": must match metadata.namespace");
}

TEST (KubeValidation, AReviewsSelectorsAreTextOrRequirementsOfAnyOperator)
{
  EXPECT_EQ (check_review ("SelfSubjectAccessReview",
                           R"({"spec":{"resourceAttributes":{"labelSelector":{"requirements":[{"key":"a","operator":"Odd"}]},"fieldSelector":{}}}})"),
             "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required");
  EXPECT_EQ (check_review ("SelfSubjectAccessReview",
                           R"({"spec":{"resourceAttributes":{"fieldSelector":{"rawSelector":"a=b","requirements":[{"operator":"In"}]}}}})"),
             "[spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"a=b\": may not specified at the same time as requirements, "
             "spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, "
             "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn']");
}

std::string
check_request (const char *status, const char *old_status, const char *subresource)
{
  std::string start = R"({"metadata":{"name":"r","uid":"u","resourceVersion":"1"},"spec":{"signerName":"example.com/s"},"status":)";
  return check ("certificates.k8s.io/v1", "CertificateSigningRequest", (start + status + "}").c_str (), (start + old_status + "}").c_str (), subresource);
}

TEST (KubeValidation, CertificateRequestsAreDecidedOnceAndByApprovalAlone)
{
  const char *approved = R"({"conditions":[{"type":"Approved","status":"True"}]})";

  EXPECT_EQ (check_request (approved, "{}", "approval"), "");
  EXPECT_EQ (check_request (approved, "{}", "status"), "status.conditions: Forbidden: updates may not add a condition of type \"Approved\"");
  EXPECT_EQ (check_request ("{}", approved, "approval"), "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"");
  EXPECT_EQ (check_request (R"({"conditions":[{"type":"Approved","status":"True"},{"type":"Denied","status":"Unknown"},{}]})", approved, "approval"),
             "[status.conditions[1].status: Unsupported value: \"Unknown\": supported values: \"True\", "
             "status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive, "
             "status.conditions[2].type: Required value, status.conditions[2].status: Required value]");
}

TEST (KubeValidation, AnIssuedCertificateIsOneAndStays)
{
  auto with = [] (const char *pem) {
    g_autofree char *base64 = g_base64_encode (reinterpret_cast<const guchar *> (pem), strlen (pem));
    return std::string (R"({"certificate":")") + base64 + "\"}";
  };
  std::string good = with ("words\n-----BEGIN CERTIFICATE-----\nMAQwAjAA\n-----END CERTIFICATE-----\n");

  EXPECT_EQ (check_request (good.c_str (), "{}", "status"), "");
  EXPECT_EQ (check_request (with ("words").c_str (), "{}", "status"),
             "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block");
  EXPECT_EQ (check_request (with ("-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n").c_str (), "{}", "status"),
             "status.certificate: Invalid value: \"<certificate data>\": only CERTIFICATE PEM blocks are allowed, found \"KEY\"");
  EXPECT_EQ (check_request (with ("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n").c_str (), "{}", "status"),
             "status.certificate: Invalid value: \"<certificate data>\": x509: malformed certificate");
  EXPECT_EQ (check_request ("{}", good.c_str (), "status"), "status.certificate: Forbidden: updates may not modify existing certificate content");
}

TEST (KubeValidation, ARangeWithSeveralFaultsIsToldOfEach)
{
  EXPECT_EQ (check ("networking.k8s.io/v1", "NetworkPolicy",
                    R"({"metadata":{"name":"p","namespace":"n"},"spec":{"podSelector":{},"egress":[{"to":[{"ipBlock":{"cidr":"010.0.0.1/8"}}]}]}})"),
             "[spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"010.0.0.1/8\": must not have leading 0s in IP or prefix length, "
             "spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"010.0.0.1/8\": must not have bits set beyond the prefix length]");
}

} // namespace
