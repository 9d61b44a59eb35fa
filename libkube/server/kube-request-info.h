/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-scheme.h>

G_BEGIN_DECLS

/* What a request is about, as upstream's RequestInfo: the input of authorization, routing, metrics and audit. */
typedef struct {
  gboolean is_resource;     /* under /api/v1 or /apis/GROUP/VERSION */
  const char *verb;         /* "get" "list" "watch" "create" "update" "patch" "delete" "deletecollection"; the lower-case method for other paths */
  char *other_verb;         /* (nullable): what @verb is, where it comes from a method that HTTP does not know */
  char *path;
  char *group, *version, *resource, *subresource, *namespace_, *name; /* "" where absent */
  char *field_selector, *label_selector; /* (nullable): for authorization */
  KubeKind *kind;           /* (nullable): where the scheme has the resource */
} KubeRequestInfo;

/* A parameter of a query as upstream reads one: anything but "0" and "false" is true. @text: (nullable): what is absent is false. */
gboolean kube_query_is_true (const char *text);
/* Errors: none; a path that is no resource is one with is_resource FALSE. */
void kube_request_info_init (KubeRequestInfo *info, const char *method, const char *path, const char *query_watch, const char *field_selector, KubeScheme *scheme);
void kube_request_info_clear (KubeRequestInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeRequestInfo, kube_request_info_clear)

G_END_DECLS
