/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>
#include <kube/kube-version-macros.h>

G_BEGIN_DECLS

/**
 * KUBE_ERROR:
 *
 * The one error domain of libkube. Its codes are the reasons of the API's Status; what a Status carries beyond reason and
 * message travels with the error and is read with kube_error_get_details().
 *
 * Since: 1.0
 */
#define KUBE_ERROR (kube_error_quark ())

/* In the order of the table in kube-error.c (reason, HTTP status). */
typedef enum {
  KUBE_ERROR_UNKNOWN,                 /* ""                     500 */
  KUBE_ERROR_UNAUTHORIZED,            /* Unauthorized           401 */
  KUBE_ERROR_FORBIDDEN,               /* Forbidden              403 */
  KUBE_ERROR_NOT_FOUND,               /* NotFound               404 */
  KUBE_ERROR_ALREADY_EXISTS,          /* AlreadyExists          409 */
  KUBE_ERROR_CONFLICT,                /* Conflict               409 */
  KUBE_ERROR_GONE,                    /* Gone                   410 */
  KUBE_ERROR_INVALID,                 /* Invalid                422 */
  KUBE_ERROR_SERVER_TIMEOUT,          /* ServerTimeout          500 */
  KUBE_ERROR_STORE_READ,              /* StorageReadError       500 */
  KUBE_ERROR_TIMEOUT,                 /* Timeout                504 */
  KUBE_ERROR_TOO_MANY_REQUESTS,       /* TooManyRequests        429 */
  KUBE_ERROR_BAD_REQUEST,             /* BadRequest             400 */
  KUBE_ERROR_METHOD_NOT_ALLOWED,      /* MethodNotAllowed       405 */
  KUBE_ERROR_NOT_ACCEPTABLE,          /* NotAcceptable          406 */
  KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE,/* RequestEntityTooLarge  413 */
  KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE,  /* UnsupportedMediaType   415 */
  KUBE_ERROR_INTERNAL,                /* InternalError          500 */
  KUBE_ERROR_EXPIRED,                 /* Expired                410 */
  KUBE_ERROR_SERVICE_UNAVAILABLE,     /* ServiceUnavailable     503 */
} KubeError;

/**
 * KubeErrorCause:
 * @reason: (nullable): machine-readable, for example `FieldValueRequired`
 * @field: (nullable): path of the field, for example `spec.containers[0].name`
 * @message: (nullable): for people
 *
 * One cause of an error, as in a Status' `details.causes`.
 *
 * Since: 1.0
 */
typedef struct {
  char *reason;
  char *field;
  char *message;
} KubeErrorCause;

/**
 * KubeErrorDetails:
 * @group: (nullable): API group of the object that the error is about
 * @kind: (nullable): its kind, or its resource name where upstream puts that
 * @name: (nullable): its name
 * @uid: (nullable): its uid
 * @retry_after: seconds after which a retry may help; 0 where there is none
 * @http_status: the HTTP status where it is not the reason's usual one; else 0
 * @causes: (element-type KubeErrorCause) (nullable): the causes, in order
 * @continue_: (nullable): of a list whose pages have expired: the token with which it goes on as of now, no longer consistent with what came before
 *
 * What a Status says beyond reason and message. Owned by its error.
 *
 * Since: 1.0
 */
typedef struct {
  char *group;
  char *kind;
  char *name;
  char *uid;
  int retry_after;
  int http_status;
  GPtrArray *causes;
  char *continue_;
} KubeErrorDetails;

KUBE_AVAILABLE_IN_1_0
GQuark kube_error_quark (void);
/* (nullable when @error is of another domain): the details, writable by who made the error, before it is shared. */
KUBE_AVAILABLE_IN_1_0
KubeErrorDetails *kube_error_get_details (const GError *error);
/* The Status reason, "" for UNKNOWN. */
KUBE_AVAILABLE_IN_1_0
const char *kube_error_get_reason (KubeError code);
/* The HTTP status of an error of any domain (500 for foreign ones). */
KUBE_AVAILABLE_IN_1_0
int kube_error_get_http_status (const GError *error);
/* The code for a Status reason, or for an HTTP status where @reason is NULL or not known. */
KUBE_AVAILABLE_IN_1_0
KubeError kube_error_from_reason (const char *reason, int http_status);
/* Adds a cause to @error's details; NULL for what is absent. No-op on foreign errors. */
KUBE_AVAILABLE_IN_1_0
void kube_error_add_cause (GError *error, const char *reason, const char *field, const char *message);
/* Sets what the error is about; NULL leaves a member as it is. */
KUBE_AVAILABLE_IN_1_0
void kube_error_set_subject (GError *error, const char *group, const char *kind, const char *name);

G_END_DECLS
