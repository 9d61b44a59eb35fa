/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>

G_BEGIN_DECLS

/**
 * KubePlan:
 *
 * What a reconciler intends: requests, events, and when to look again. It is filled in by a pure function and carried out by the #KubeController.
 *
 * The requests of a stage are sent side by side; kube_plan_then() begins the next stage, which is sent once all of the one before were answered well. The functions that refine a
 * request (kube_plan_tolerate(), kube_plan_report()) are about the one added last. For one thread.
 *
 * Since: 1.0
 */
typedef struct _KubePlan KubePlan;

#define KUBE_TYPE_PLAN (kube_plan_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_plan_get_type (void) G_GNUC_CONST;
/* For tests of plan functions; a controller makes its own. */
KUBE_AVAILABLE_IN_1_0
KubePlan *kube_plan_new (void) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubePlan *kube_plan_ref (KubePlan *plan);
KUBE_AVAILABLE_IN_1_0
void kube_plan_unref (KubePlan *plan);

KUBE_AVAILABLE_IN_1_0
void kube_plan_create (KubePlan *plan, KubeObject *object);
/* A PUT; the object's resourceVersion guards it. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_update (KubePlan *plan, KubeObject *object);
KUBE_AVAILABLE_IN_1_0
void kube_plan_update_status (KubePlan *plan, KubeObject *object);
/* @subresource: (nullable). */
KUBE_AVAILABLE_IN_1_0
void kube_plan_patch (KubePlan *plan, KubeObject *object, const char *subresource, KubePatchType type, KubeValue *patch);
/* With the object's uid as precondition. @propagation: (nullable): "Background", "Foreground", "Orphan". Not found is not a failure. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_delete (KubePlan *plan, KubeObject *object, const char *propagation);
KUBE_AVAILABLE_IN_1_0
void kube_plan_add_request (KubePlan *plan, KubeRequest *request);

/* The last request may fail with @code without being a failure of the plan. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_tolerate (KubePlan *plan, KubeError code);
/* The last request may fail for this cause ("NamespaceTerminating") without being a failure of the plan. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_tolerate_cause (KubePlan *plan, const char *reason);
/* Asks the server for @object; the plan fails where that is gone, was replaced or is being deleted. For writes that an informer that lags would wrongly decide on. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_require (KubePlan *plan, KubeObject *object);
/* What to say about the last request once it was answered: a Normal event @good_reason with @good_message followed by the answered object's name, or a Warning @bad_reason with @bad_message
 * followed by the error. NULL reasons: say nothing. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_report (KubePlan *plan, KubeObject *about, const char *good_reason, const char *good_message, const char *bad_reason, const char *bad_message);
KUBE_AVAILABLE_IN_1_0
void kube_plan_then (KubePlan *plan);
/* An event to record once the request added last was answered well; at once where there is none yet. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_event (KubePlan *plan, KubeObject *about, const char *type, const char *reason, const char *format, ...) G_GNUC_PRINTF (5, 6);
/* Look again after so many microseconds; the earliest of several counts. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_requeue_after (KubePlan *plan, gint64 delay);

KUBE_AVAILABLE_IN_1_0
gboolean kube_plan_is_empty (KubePlan *plan); /* no requests */
KUBE_AVAILABLE_IN_1_0
guint kube_plan_get_length (KubePlan *plan); /* requests */
KUBE_AVAILABLE_IN_1_0
KubeRequest *kube_plan_get_request (KubePlan *plan, guint index); /* (transfer none) */
KUBE_AVAILABLE_IN_1_0
gint64 kube_plan_get_requeue_after (KubePlan *plan); /* -1: no */

typedef struct _KubeController KubeController;

/* @answers: (element-type KubeResponse): those of the plan's requests, in their order; NULL for a failure that was tolerated.
 * @next: to be filled in; it is carried out as a part of the same run. */
typedef gboolean (*KubePlanFunc) (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error);

/* Goes on with what @func makes of the answers, once all requests were answered well: for what no informer shows. */
KUBE_AVAILABLE_IN_1_0
void kube_plan_continue (KubePlan *plan, KubePlanFunc func, gpointer user_data, GDestroyNotify destroy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubePlan, kube_plan_unref)

G_END_DECLS
