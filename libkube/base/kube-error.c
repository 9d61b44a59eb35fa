/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-error.h>

static const struct {
  const char *reason;
  int http_status;
} table[] = {
  [KUBE_ERROR_UNKNOWN] = { "", 500 },
  [KUBE_ERROR_UNAUTHORIZED] = { "Unauthorized", 401 },
  [KUBE_ERROR_FORBIDDEN] = { "Forbidden", 403 },
  [KUBE_ERROR_NOT_FOUND] = { "NotFound", 404 },
  [KUBE_ERROR_ALREADY_EXISTS] = { "AlreadyExists", 409 },
  [KUBE_ERROR_CONFLICT] = { "Conflict", 409 },
  [KUBE_ERROR_GONE] = { "Gone", 410 },
  [KUBE_ERROR_INVALID] = { "Invalid", 422 },
  [KUBE_ERROR_SERVER_TIMEOUT] = { "ServerTimeout", 500 },
  [KUBE_ERROR_STORE_READ] = { "StorageReadError", 500 },
  [KUBE_ERROR_TIMEOUT] = { "Timeout", 504 },
  [KUBE_ERROR_TOO_MANY_REQUESTS] = { "TooManyRequests", 429 },
  [KUBE_ERROR_BAD_REQUEST] = { "BadRequest", 400 },
  [KUBE_ERROR_METHOD_NOT_ALLOWED] = { "MethodNotAllowed", 405 },
  [KUBE_ERROR_NOT_ACCEPTABLE] = { "NotAcceptable", 406 },
  [KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE] = { "RequestEntityTooLarge", 413 },
  [KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE] = { "UnsupportedMediaType", 415 },
  [KUBE_ERROR_INTERNAL] = { "InternalError", 500 },
  [KUBE_ERROR_EXPIRED] = { "Expired", 410 },
  [KUBE_ERROR_SERVICE_UNAVAILABLE] = { "ServiceUnavailable", 503 },
};
G_STATIC_ASSERT (G_N_ELEMENTS (table) == KUBE_ERROR_SERVICE_UNAVAILABLE + 1);

typedef KubeErrorDetails KubeErrorPrivate;

static void
cause_free (gpointer data)
{
  KubeErrorCause *cause = data;
  g_free (cause->reason);
  g_free (cause->field);
  g_free (cause->message);
  g_free (cause);
}

static void
add_cause (KubeErrorDetails *details, const char *reason, const char *field, const char *message)
{
  KubeErrorCause *cause = g_new (KubeErrorCause, 1);
  cause->reason = g_strdup (reason);
  cause->field = g_strdup (field);
  cause->message = g_strdup (message);
  if (details->causes == NULL)
    details->causes = g_ptr_array_new_with_free_func (cause_free);
  g_ptr_array_add (details->causes, cause);
}

static void
kube_error_private_init (KubeErrorPrivate *details)
{
}

static void
kube_error_private_copy (const KubeErrorPrivate *from, KubeErrorPrivate *to)
{
  to->group = g_strdup (from->group);
  to->kind = g_strdup (from->kind);
  to->name = g_strdup (from->name);
  to->uid = g_strdup (from->uid);
  to->continue_ = g_strdup (from->continue_);
  to->retry_after = from->retry_after;
  to->http_status = from->http_status;
  for (guint i = 0; from->causes != NULL && i < from->causes->len; i++) {
    const KubeErrorCause *cause = g_ptr_array_index (from->causes, i);
    add_cause (to, cause->reason, cause->field, cause->message);
  }
}

static void
kube_error_private_clear (KubeErrorPrivate *details)
{
  g_free (details->group);
  g_free (details->kind);
  g_free (details->name);
  g_free (details->uid);
  g_free (details->continue_);
  g_clear_pointer (&details->causes, g_ptr_array_unref);
}

G_DEFINE_EXTENDED_ERROR (KubeError, kube_error)

/**
 * kube_error_get_details: (skip)
 * @error: an error of any domain
 *
 * The details are writable by who made the error, until the error is shared.
 *
 * Returns: (transfer none) (nullable): the details, %NULL where @error is of another domain
 * Since: 1.0
 */
KubeErrorDetails *
kube_error_get_details (const GError *error)
{
  return error != NULL && error->domain == KUBE_ERROR ? kube_error_get_private (error) : NULL;
}

/**
 * kube_error_get_reason:
 * @code: a code of this domain
 *
 * Returns: the Status reason, "" for %KUBE_ERROR_UNKNOWN and for what is no code
 * Since: 1.0
 */
const char *
kube_error_get_reason (KubeError code)
{
  return (guint) code < G_N_ELEMENTS (table) ? table[code].reason : "";
}

/**
 * kube_error_get_http_status:
 * @error: an error of any domain
 *
 * Returns: the HTTP status that stands for @error, 500 for errors of other domains
 * Since: 1.0
 */
int
kube_error_get_http_status (const GError *error)
{
  const KubeErrorDetails *details = kube_error_get_details (error);

  if (details == NULL)
    return 500;
  if (details->http_status != 0)
    return details->http_status;
  return (guint) error->code < G_N_ELEMENTS (table) ? table[error->code].http_status : 500;
}

/**
 * kube_error_from_reason:
 * @reason: (nullable): a Status reason
 * @http_status: the HTTP status that came with it
 *
 * Finds the code for @reason, or, where that is absent or not known, the one that @http_status stands for.
 *
 * Returns: the code; %KUBE_ERROR_UNKNOWN where neither says anything
 * Since: 1.0
 */
KubeError
kube_error_from_reason (const char *reason, int http_status)
{
  if (reason != NULL && *reason != '\0') {
    for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
      if (g_str_equal (table[i].reason, reason))
        return i;
    }
  }
  /* 409 means either of two reasons and 410 too: as in upstream, Conflict and Gone are meant where nobody says more. */
  if (http_status == 409)
    return KUBE_ERROR_CONFLICT;
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    if (table[i].http_status == http_status && http_status != 500)
      return i;
  }
  return http_status >= 500 ? KUBE_ERROR_INTERNAL : KUBE_ERROR_UNKNOWN;
}

/**
 * kube_error_add_cause:
 * @error: an error of any domain
 * @reason: (nullable): for example `FieldValueRequired`
 * @field: (nullable): path of the field
 * @message: (nullable): for people
 *
 * Adds a cause to the details of @error; does nothing for errors of other domains.
 *
 * Since: 1.0
 */
void
kube_error_add_cause (GError *error, const char *reason, const char *field, const char *message)
{
  KubeErrorDetails *details = kube_error_get_details (error);

  if (details != NULL)
    add_cause (details, reason, field, message);
}

static void
replace (char **member, const char *value)
{
  if (value == NULL)
    return;
  g_free (*member);
  *member = g_strdup (value);
}

/**
 * kube_error_set_subject:
 * @error: an error of any domain
 * @group: (nullable): API group
 * @kind: (nullable): kind or resource
 * @name: (nullable): object's name
 *
 * Says what @error is about; %NULL leaves a member as it is. Does nothing for errors of other domains.
 *
 * Since: 1.0
 */
void
kube_error_set_subject (GError *error, const char *group, const char *kind, const char *name)
{
  KubeErrorDetails *details = kube_error_get_details (error);

  if (details == NULL)
    return;
  replace (&details->group, group);
  replace (&details->kind, kind);
  replace (&details->name, name);
}
