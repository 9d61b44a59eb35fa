/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-kind.h>

G_BEGIN_DECLS

/**
 * KubeScheme:
 *
 * The set of kinds that a server or a client knows. kube_scheme_get_default() has those of Kubernetes; a scheme of one's own
 * begins with them and can be added to while it is in use. Any thread.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_SCHEME (kube_scheme_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeScheme, kube_scheme, KUBE, SCHEME, GObject)

/* (transfer none) */
KUBE_AVAILABLE_IN_1_0
KubeScheme *kube_scheme_get_default (void);
KUBE_AVAILABLE_IN_1_0
KubeScheme *kube_scheme_new (void);
/* (transfer none) (nullable). @api_version: "v1", "apps/v1". */
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_scheme_find_kind (KubeScheme *scheme, const char *api_version, const char *kind);
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_scheme_find_resource (KubeScheme *scheme, const char *group, const char *version, const char *plural);
/* (transfer container) (element-type KubeKind): all that are served, ordered by group, version, plural. */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_scheme_list_kinds (KubeScheme *scheme);
/* Adds or replaces a kind (same group, version and plural). Errors: %KUBE_ERROR_INVALID. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_scheme_add_kind (KubeScheme *scheme, KubeKind *kind, GError **error);
KUBE_AVAILABLE_IN_1_0
gboolean kube_scheme_remove_kind (KubeScheme *scheme, KubeKind *kind);
/* Grows by one with each change, so that what was derived from the scheme (discovery, OpenAPI) can be cached. */
KUBE_AVAILABLE_IN_1_0
guint64 kube_scheme_get_generation (KubeScheme *scheme);

/* The kind of the default scheme by its name, for code that names built-in kinds: KUBE_KIND ("apps/v1", "Deployment"); never NULL for those. */
#define KUBE_KIND(api_version, kind) (kube_scheme_find_kind (kube_scheme_get_default (), (api_version), (kind)))

G_END_DECLS
