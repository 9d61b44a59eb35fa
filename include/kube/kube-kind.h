/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeKind:
 *
 * What libkube knows of a kind of object: its names, scope, verbs and subresources, and in the library its schema. The kinds of
 * Kubernetes come from tables made at build time; others are made at run time by the same descriptor. Immutable; any thread.
 * Two kinds are the same kind if their pointers are the same within one #KubeScheme.
 *
 * Since: 1.0
 */
typedef struct _KubeKind KubeKind;

#define KUBE_TYPE_KIND (kube_kind_get_type ())

typedef enum {
  KUBE_VERB_GET = 1 << 0,
  KUBE_VERB_LIST = 1 << 1,
  KUBE_VERB_WATCH = 1 << 2,
  KUBE_VERB_CREATE = 1 << 3,
  KUBE_VERB_UPDATE = 1 << 4,
  KUBE_VERB_PATCH = 1 << 5,
  KUBE_VERB_DELETE = 1 << 6,
  KUBE_VERB_DELETE_COLLECTION = 1 << 7,
} KubeVerb;

#define KUBE_VERBS_ALL ((KubeVerb) 0xff)

KUBE_AVAILABLE_IN_1_0
GType kube_kind_get_type (void) G_GNUC_CONST;
/* A kind that is known by its names only (an object of it is any JSON object): what a client needs to speak of custom kinds. */
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_kind_new (const char *group, const char *version, const char *kind, const char *plural, gboolean namespaced);
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_kind_ref (KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
void kube_kind_unref (KubeKind *kind);

KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_group (KubeKind *kind); /* "" for the core group */
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_version (KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_api_version (KubeKind *kind); /* "v1", "apps/v1" */
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_name (KubeKind *kind); /* "Pod" */
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_list_name (KubeKind *kind); /* "PodList" */
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_plural (KubeKind *kind); /* "pods" */
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_singular (KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_qualified_name (KubeKind *kind); /* "pods", "deployments.apps": as error messages name a resource */
KUBE_AVAILABLE_IN_1_0
const char *kube_kind_get_qualified_kind (KubeKind *kind); /* "Pod", "Deployment.apps" */
KUBE_AVAILABLE_IN_1_0
const char *const *kube_kind_get_short_names (KubeKind *kind); /* (nullable) (array zero-terminated=1) */
KUBE_AVAILABLE_IN_1_0
const char *const *kube_kind_get_categories (KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
gboolean kube_kind_is_namespaced (KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
KubeVerb kube_kind_get_verbs (KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
const char *const *kube_kind_get_subresources (KubeKind *kind); /* "status", "scale", "log", … */
KUBE_AVAILABLE_IN_1_0
gboolean kube_kind_has_subresource (KubeKind *kind, const char *subresource);
/* The path of the collection: /api/v1/namespaces/NS/pods; @namespace NULL: of all namespaces, or the kind has none. */
KUBE_AVAILABLE_IN_1_0
char *kube_kind_dup_path (KubeKind *kind, const char *namespace_) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeKind, kube_kind_unref)

G_END_DECLS
