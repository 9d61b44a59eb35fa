/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-typed.h"

G_BEGIN_DECLS

/* metadata.managedFields: who set which fields of an object. Managers that update only leave a trace; managers that apply own what they say, and what they no
 * longer say goes. Nothing here does I/O or knows of requests. */
typedef struct _KubeManagers KubeManagers;

/* Whose change it is. */
typedef struct {
  const char *name;
  const char *api_version;
  const char *subresource; /* "" for the object itself */
  const char *time;        /* RFC 3339 */
  const char *const *reset; /* (nullable): members of the object, as steps, that such a request sets back whatever a client sends: nobody owns them by it */
} KubeManagerInfo;

KubeManagers *kube_managers_new (void) G_GNUC_WARN_UNUSED_RESULT;
void kube_managers_free (KubeManagers *managers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeManagers, kube_managers_free)

/* Those that hold for an update from @live to @next: what the client sends is taken where it can be read, what is @live otherwise; a list with nothing in it, or
 * with one empty entry, begins anew. */
KubeManagers *kube_managers_choose (KubeValue *live, KubeValue *next, gboolean subresource) G_GNUC_WARN_UNUSED_RESULT;
/* Sets metadata.managedFields of @object, or removes it where nobody owns anything. */
void kube_managers_write (KubeManagers *managers, KubeNode *object);
gboolean kube_managers_is_empty (KubeManagers *managers);

/* Records that @info changed @live, or where that is NULL nothing, to @next. Objects without managers stay so: they are tracked since they were made, or since
 * somebody first applied to them. */
void kube_managers_update (KubeManagers *managers, KubeKind *kind, KubeValue *live, KubeValue *next, const KubeManagerInfo *info);

/* (transfer full): what @config, applied by @info, makes of @live (nullable: it is not there); the managers as they are then. @force: takes what others own. Errors:
 * %KUBE_ERROR_CONFLICT with a cause for each field that others own, %KUBE_ERROR_UNKNOWN where @config has not the form of the schema. */
KubeValue *kube_managers_apply (KubeManagers *managers, KubeKind *kind, KubeValue *live, KubeValue *config, const KubeManagerInfo *info, gboolean force, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
