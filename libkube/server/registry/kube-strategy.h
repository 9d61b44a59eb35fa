/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include "kube-field-errors.h"
#include "kube-operation.h"

G_BEGIN_DECLS

/* What a kind does beyond its tables, as hooks in the order of a write. Kinds without a row in the table of kube-strategy.c have none. */

typedef struct {
  KubeOperation *op;
  KubeKind *kind;
  const char *subresource; /* "" for the object itself */
  KubeValue *old;          /* (nullable): NULL on create */
  KubeNode *object;        /* the new state */
} KubeWriteContext;

typedef struct {
  const char *group, *plural;
  /* Sets what clients may not set, after the generic part (status, generation). */
  void (*prepare_create) (KubeWriteContext *context);
  void (*prepare_update) (KubeWriteContext *context);
  /* Takes what the object needs beyond itself (addresses, ports); undone by `settle` with committed FALSE. */
  gboolean (*allocate) (KubeWriteContext *context, GError **error);
  void (*settle) (KubeOperation *op, KubeObject *object, KubeObject *old, gboolean committed, gboolean removed);
  /* The grace period of a deletion: *grace -1 where none is given. FALSE: the kind has no graceful deletion. */
  gboolean (*check_graceful) (KubeObject *object, gint64 *grace);
  /* Instead of removing it: what to make of an object that is to be deleted and has finalizers of its kind's own. FALSE: nothing, go on. */
  gboolean (*hold_deletion) (KubeOperation *op, KubeObject *old, KubeNode *object);
  /* Whether an object that is being deleted has finalizers of its kind's own left. */
  gboolean (*is_held) (KubeObject *object);
  /* What must hold beyond a new object itself; what it finds stands before all else. */
  void (*check) (KubeOperation *op, KubeValue *object, KubeFieldErrors *errors);
  /* Warnings for who writes this, or its status. */
  void (*warn) (KubeOperation *op, KubeValue *object, KubeValue *old);
  void (*warn_status) (KubeOperation *op, KubeValue *object);
  guint needs_version : 1;   /* an update must say which version it is of */
  guint expires : 1;         /* it is kept for KUBE_EVENT_TTL after its last write */
  guint update_creates : 1;  /* an update makes an object that is not there */
  guint returns_deleted : 1; /* a deletion answers with the object */
  guint orphans : 1;         /* a deletion that says nothing of dependents leaves them */
  guint created_with_status : 1; /* a client may create it with a status */
  guint generation_from_zero : 1; /* a new object has none, the first change of its spec makes it 1 */
  guint generation_fixed : 1;     /* it stays what it was made with */
  guint generation_of_labels : 1;
  guint generation_of_annotations : 1; /* a change of annotations counts as one of the spec */
  guint spec_fixed : 1;      /* an update does not take the spec from the client */
  guint status_labels : 1;   /* a status update does not take labels from the client */
  guint status_metadata : 1; /* nor annotations, finalizers and owners */
} KubeStrategy;

/* All warnings: of the strategy, and of the pods in an object. */
void kube_strategy_warn (const KubeStrategy *strategy, KubeOperation *op, KubeValue *object, KubeValue *old);
/* kube-gates.c: takes away what belongs to features that are off. */
void kube_gates_apply (KubeWriteContext *context);
/* Never NULL. */
const KubeStrategy *kube_strategy_find (KubeKind *kind);

/* The hooks, one file a kind under strategies/. */
extern const KubeStrategy kube_certificate_request_strategy;
extern const KubeStrategy kube_daemon_set_strategy;
extern const KubeStrategy kube_definition_strategy;
extern const KubeStrategy kube_ingress_strategy;
extern const KubeStrategy kube_network_policy_strategy;
extern const KubeStrategy kube_job_strategy;
extern const KubeStrategy kube_persistent_volume_claim_strategy;
extern const KubeStrategy kube_persistent_volume_strategy;
extern const KubeStrategy kube_stateful_set_strategy;
extern const KubeStrategy kube_pod_strategy;
extern const KubeStrategy kube_resource_claim_strategy;
extern const KubeStrategy kube_resource_claim_template_strategy;
extern const KubeStrategy kube_service_strategy;
extern const KubeStrategy kube_namespace_strategy;

G_END_DECLS
