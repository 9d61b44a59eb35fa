/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include "kube-request-info.h"
#include "kube-authenticator.h"
#include "kube-storage.h"
#include "kube-user.h"

G_BEGIN_DECLS

/* One admission plugin: an object that mutates, then validates. Plugins are rows of the table in kube-admission.c, in upstream's order. They run on the call's thread and must not wait:
 * what they need of the store they read with kube_admission_get(). */

typedef enum { KUBE_ADMIT_CREATE = 1, KUBE_ADMIT_UPDATE = 2, KUBE_ADMIT_DELETE = 4, KUBE_ADMIT_CONNECT = 8 } KubeAdmitOperation;

typedef struct {
  KubeStore *store;
  KubeStorageCache *cache;    /* (nullable): for reads of what nearly every write asks for */
  KubeScheme *scheme;
  KubeAuth *auth;
  KubeClock *clock;
  KubeAdmitOperation operation;
  const KubeRequestInfo *info;
  KubeKind *kind;             /* of the object: the subresource's own where it has one */
  KubeUser *user;
  KubeObject *old;            /* (nullable) */
  KubeBuilder *object;        /* (nullable): new state while mutating */
  KubeObject *final;          /* (nullable): new state while validating */
  gboolean dry_run;
  GPtrArray *warnings;        /* (element-type utf8): plugins add */
} KubeAdmission;

typedef struct {
  const char *name;           /* upstream's: "NamespaceLifecycle" */
  KubeAdmitOperation operations;
  gboolean (*mutate) (KubeAdmission *admission, GError **error);   /* (nullable) */
  gboolean (*validate) (KubeAdmission *admission, GError **error); /* (nullable) */
} KubeAdmissionPlugin;

gboolean kube_admission_mutate (KubeAdmission *admission, GError **error);
gboolean kube_admission_validate (KubeAdmission *admission, GError **error);

G_END_DECLS
