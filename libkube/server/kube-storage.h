/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>
#include <kube/kube-scheme.h>
#include "kube-hub.h"

G_BEGIN_DECLS

/* Where objects lie in the store, and plain reads of them for stages that need to look at others (admission, authentication). Any thread. */

/* "/registry/GROUP/PLURAL/[NAMESPACE/]NAME", "core" for the group "". @name NULL: the prefix of all in @namespace_ (NULL: of all), ending in '/'. */
char *kube_storage_key (KubeKind *kind, const char *namespace_, const char *name);
/* Errors: KUBE_ERROR_NOT_FOUND as upstream words it: pods "x" not found */
KubeObject *kube_storage_get (KubeStore *store, KubeKind *kind, const char *namespace_, const char *name, GError **error);
/* (transfer container) (element-type KubeObject). @revision: (out) (optional): of the snapshot */
GPtrArray *kube_storage_list (KubeStore *store, KubeKind *kind, const char *namespace_, guint64 *revision, GError **error);

/* The same reads through a memory of what was read last, for objects that nearly every write asks for (namespaces, service accounts, priority classes). The store is
 * asked only where something was written to an object of the kind since. Lists are shared: not to be changed. */
typedef struct _KubeStorageCache KubeStorageCache;
KubeStorageCache *kube_storage_cache_new (KubeStore *store, KubeHub *hub);
void kube_storage_cache_free (KubeStorageCache *cache);
KubeObject *kube_storage_cache_get (KubeStorageCache *cache, KubeKind *kind, const char *namespace_, const char *name, GError **error);
GPtrArray *kube_storage_cache_list (KubeStorageCache *cache, KubeKind *kind, const char *namespace_);

/* The key before which the keys that begin with @prefix (which ends in '/') end. */
char *kube_storage_end_of (const char *prefix);
/* (transfer full): pods "x" not found */
GError *kube_storage_not_found (KubeKind *kind, const char *name);

G_END_DECLS
