/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-status-private.h"

#include <kube/kube-error.h>
#include <string.h>

#define TEXT_MAX 2048

static void
copy_member (char **to, KubeValue *details, const char *key)
{
  *to = g_strdup (kube_value_get_member_string (details, key));
}

GError *
kube_error_new_from_status (KubeValue *status, int http_status)
{
  const char *message = kube_value_get_string (status, "message");
  KubeValue *said = kube_value_get (status, "details"), *causes = kube_value_get (said, "causes");
  int code = http_status != 0 ? http_status : CLAMP (kube_value_get_integer (status, "code", 0), 0, 999);
  KubeError reason = kube_error_from_reason (kube_value_get_string (status, "reason"), code);
  GError *error = g_error_new_literal (KUBE_ERROR, reason, message != NULL ? message : "the server answered with an error");
  KubeErrorDetails *details = kube_error_get_details (error);

  copy_member (&details->group, said, "group");
  copy_member (&details->kind, said, "kind");
  copy_member (&details->name, said, "name");
  copy_member (&details->uid, said, "uid");
  copy_member (&details->continue_, kube_value_get (status, "metadata"), "continue");
  details->retry_after = CLAMP (kube_value_get_integer (said, "retryAfterSeconds", 0), 0, G_MAXINT);
  for (guint i = 0; i < kube_value_get_length (causes); i++) {
    KubeValue *cause = kube_value_get_element (causes, i);
    kube_error_add_cause (error, kube_value_get_string (cause, "reason"), kube_value_get_string (cause, "field"),
                          kube_value_get_string (cause, "message"));
  }
  if (code != 0 && code != kube_error_get_http_status (error))
    details->http_status = code;
  return error;
}

static const char *
generic_message (KubeError reason)
{
  switch (reason) {
  case KUBE_ERROR_CONFLICT:
    return "the server reported a conflict";
  case KUBE_ERROR_ALREADY_EXISTS:
    return "the server reported a conflict";
  case KUBE_ERROR_NOT_FOUND:
    return "the server could not find the requested resource";
  case KUBE_ERROR_BAD_REQUEST:
    return "the server rejected our request for an unknown reason";
  case KUBE_ERROR_UNAUTHORIZED:
    return "the server has asked for the client to provide credentials";
  case KUBE_ERROR_FORBIDDEN:
    return "the server does not allow access to the requested resource";
  case KUBE_ERROR_NOT_ACCEPTABLE:
    return "the server was unable to respond with a content type that the client supports";
  case KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE:
    return "the body of the request was in an unknown format";
  case KUBE_ERROR_METHOD_NOT_ALLOWED:
    return "the server does not allow this method on the requested resource";
  case KUBE_ERROR_INVALID:
    return "the server rejected our request due to an error in our request";
  case KUBE_ERROR_SERVICE_UNAVAILABLE:
    return "the server is currently unable to handle the request";
  case KUBE_ERROR_TIMEOUT:
    return "the server was unable to return a response in the time allotted, but may still be processing the request";
  case KUBE_ERROR_TOO_MANY_REQUESTS:
    return "the server has received too many requests and has asked us to try again later";
  default:
    return "an error on the server has prevented the request from succeeding";
  }
}

GError *
kube_error_new_from_http (int http_status, const char *method, const char *text, int retry_after)
{
  KubeError reason = kube_error_from_reason (NULL, http_status);
  GError *error;

  if (http_status == 409 && g_str_equal (method, "POST"))
    reason = KUBE_ERROR_ALREADY_EXISTS;
  error = g_error_new_literal (KUBE_ERROR, reason, generic_message (reason));
  if (text != NULL && *text != '\0') {
    g_autofree char *valid = g_utf8_make_valid (text, MIN (strlen (text), TEXT_MAX));
    kube_error_add_cause (error, "UnexpectedServerResponse", NULL, valid);
  }
  kube_error_get_details (error)->retry_after = retry_after;
  if (http_status != kube_error_get_http_status (error))
    kube_error_get_details (error)->http_status = http_status;
  return error;
}
