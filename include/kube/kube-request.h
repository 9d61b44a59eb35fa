/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-kind.h>
#include <kube/kube-object.h>

G_BEGIN_DECLS

typedef enum {
  KUBE_PATCH_JSON,      /* application/json-patch+json */
  KUBE_PATCH_MERGE,     /* application/merge-patch+json */
  KUBE_PATCH_STRATEGIC, /* application/strategic-merge-patch+json */
  KUBE_PATCH_APPLY,     /* application/apply-patch+yaml */
} KubePatchType;

/**
 * KubeRequest:
 *
 * One request to an API server, whatever the way to it: a verb on a kind's collection or object. Made, filled in, then sent; not changed after it was sent.
 *
 * Since: 1.0
 */
typedef struct _KubeRequest KubeRequest;

#define KUBE_TYPE_REQUEST (kube_request_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_request_get_type (void) G_GNUC_CONST;
/* @verb: one verb. @namespace_: NULL for cluster-scoped kinds and for lists over all namespaces. @name: NULL for collections. */
KUBE_AVAILABLE_IN_1_0
KubeRequest *kube_request_new (KubeVerb verb, KubeKind *kind, const char *namespace_, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* Anything else the server serves: discovery, /version, /readyz. @path: with its query. */
KUBE_AVAILABLE_IN_1_0
KubeRequest *kube_request_new_raw (const char *method, const char *path) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeRequest *kube_request_ref (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
void kube_request_unref (KubeRequest *request);

KUBE_AVAILABLE_IN_1_0
void kube_request_set_subresource (KubeRequest *request, const char *subresource);
KUBE_AVAILABLE_IN_1_0
void kube_request_set_object (KubeRequest *request, KubeObject *object);
KUBE_AVAILABLE_IN_1_0
void kube_request_set_patch (KubeRequest *request, KubePatchType type, KubeValue *patch);
/* A query parameter by its API name (labelSelector, fieldSelector, resourceVersion, resourceVersionMatch, limit, continue, timeoutSeconds,
 * allowWatchBookmarks, sendInitialEvents, dryRun, fieldManager, fieldValidation, force, …). A parameter may be set several times; NULL removes it. */
KUBE_AVAILABLE_IN_1_0
void kube_request_set_option (KubeRequest *request, const char *name, const char *value);
KUBE_AVAILABLE_IN_1_0
void kube_request_set_option_integer (KubeRequest *request, const char *name, gint64 value);
/* DELETE: what DeleteOptions says. @grace_period: seconds, -1 not given. @propagation: "Background", "Foreground", "Orphan" or NULL. */
KUBE_AVAILABLE_IN_1_0
void kube_request_set_delete_options (KubeRequest *request, gint64 grace_period, const char *propagation, const char *uid, const char *resource_version);

KUBE_AVAILABLE_IN_1_0
KubeVerb kube_request_get_verb (KubeRequest *request); /* 0 for raw ones */
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_request_get_kind (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
const char *kube_request_get_namespace (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
const char *kube_request_get_name (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
const char *kube_request_get_subresource (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_request_get_object (KubeRequest *request); /* the body, DeleteOptions included */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_request_get_patch (KubeRequest *request, KubePatchType *type);
KUBE_AVAILABLE_IN_1_0
const char *kube_request_get_option (KubeRequest *request, const char *name);
/* HTTP's view: method, path with escaped query, media type of the body (or NULL), body (or NULL). */
KUBE_AVAILABLE_IN_1_0
const char *kube_request_get_method (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
char *kube_request_dup_path (KubeRequest *request) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
const char *kube_request_get_content_type (KubeRequest *request);
KUBE_AVAILABLE_IN_1_0
GBytes *kube_request_dup_body (KubeRequest *request) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeRequest, kube_request_unref)

/**
 * KubeResponse:
 *
 * A good answer: an object, a list, or bytes (raw requests, logs), with the server's warnings. Immutable. (Bad answers are errors.)
 *
 * Since: 1.0
 */
typedef struct _KubeResponse KubeResponse;

#define KUBE_TYPE_RESPONSE (kube_response_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_response_get_type (void) G_GNUC_CONST;
/* All (nullable), (transfer none); @warnings: (array zero-terminated=1). */
KUBE_AVAILABLE_IN_1_0
KubeResponse *kube_response_new (int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const char *const *warnings) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeResponse *kube_response_ref (KubeResponse *response);
KUBE_AVAILABLE_IN_1_0
void kube_response_unref (KubeResponse *response);
KUBE_AVAILABLE_IN_1_0
int kube_response_get_http_status (KubeResponse *response);
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_response_get_object (KubeResponse *response);
KUBE_AVAILABLE_IN_1_0
KubeObjectList *kube_response_get_list (KubeResponse *response);
KUBE_AVAILABLE_IN_1_0
GBytes *kube_response_get_body (KubeResponse *response);
KUBE_AVAILABLE_IN_1_0
const char *const *kube_response_get_warnings (KubeResponse *response);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeResponse, kube_response_unref)

G_END_DECLS
