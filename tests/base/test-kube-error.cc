/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <gio/gio.h>
#include <kube/kube-error.h>

TEST (KubeError, EveryReasonMapsBackToItsCode)
{
  for (int code = KUBE_ERROR_UNKNOWN + 1; code <= KUBE_ERROR_SERVICE_UNAVAILABLE; code++) {
    const char *reason = kube_error_get_reason ((KubeError) code);
    ASSERT_STRNE (reason, "");
    EXPECT_EQ (kube_error_from_reason (reason, 0), code) << reason;
  }
  EXPECT_STREQ (kube_error_get_reason (KUBE_ERROR_UNKNOWN), "");
  EXPECT_STREQ (kube_error_get_reason ((KubeError) 1000), "");
}

TEST (KubeError, StatusDecidesWhereTheReasonIsUnknown)
{
  EXPECT_EQ (kube_error_from_reason (NULL, 404), KUBE_ERROR_NOT_FOUND);
  EXPECT_EQ (kube_error_from_reason ("Whatever", 422), KUBE_ERROR_INVALID);
  EXPECT_EQ (kube_error_from_reason ("", 409), KUBE_ERROR_CONFLICT);
  EXPECT_EQ (kube_error_from_reason (NULL, 410), KUBE_ERROR_GONE);
  EXPECT_EQ (kube_error_from_reason (NULL, 500), KUBE_ERROR_INTERNAL);
  EXPECT_EQ (kube_error_from_reason (NULL, 502), KUBE_ERROR_INTERNAL);
  EXPECT_EQ (kube_error_from_reason (NULL, 504), KUBE_ERROR_TIMEOUT);
  EXPECT_EQ (kube_error_from_reason (NULL, 302), KUBE_ERROR_UNKNOWN);
  EXPECT_EQ (kube_error_from_reason ("Expired", 410), KUBE_ERROR_EXPIRED);
}

TEST (KubeError, DetailsTravelWithCopies)
{
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_INVALID, "Pod \"p\" is invalid");
  kube_error_set_subject (error, "", "Pod", "p");
  kube_error_set_subject (error, NULL, NULL, "q");
  kube_error_add_cause (error, "FieldValueRequired", "spec.containers", NULL);
  kube_error_get_details (error)->retry_after = 3;

  GError *copy = g_error_copy (error);
  g_prefix_error (&copy, "creating: ");
  g_error_free (error);

  const KubeErrorDetails *details = kube_error_get_details (copy);
  ASSERT_NE (details, nullptr);
  EXPECT_STREQ (details->group, "");
  EXPECT_STREQ (details->kind, "Pod");
  EXPECT_STREQ (details->name, "q");
  EXPECT_EQ (details->retry_after, 3);
  ASSERT_EQ (details->causes->len, 1u);
  const KubeErrorCause *cause = (const KubeErrorCause *) g_ptr_array_index (details->causes, 0);
  EXPECT_STREQ (cause->field, "spec.containers");
  EXPECT_EQ (cause->message, nullptr);
  EXPECT_STREQ (copy->message, "creating: Pod \"p\" is invalid");
  g_error_free (copy);
}

TEST (KubeError, HttpStatusIsTheReasonsUnlessTheErrorSaysOtherwise)
{
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS, "x");
  EXPECT_EQ (kube_error_get_http_status (error), 409);
  kube_error_get_details (error)->http_status = 418;
  EXPECT_EQ (kube_error_get_http_status (error), 418);
  g_error_free (error);
}

TEST (KubeError, ForeignErrorsHaveNoDetails)
{
  GError *error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "x");
  EXPECT_EQ (kube_error_get_details (error), nullptr);
  EXPECT_EQ (kube_error_get_http_status (error), 500);
  kube_error_add_cause (error, "a", "b", "c");
  kube_error_set_subject (error, "a", "b", "c");
  g_error_free (error);
}
