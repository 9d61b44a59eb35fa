/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-event-recorder.h>
#include <kube/kube-informer.h>
#include <kube/kube-plan.h>

G_BEGIN_DECLS

typedef struct _KubeManager KubeManager;

/**
 * KubeController:
 *
 * Brings the world to what objects ask for, one key at a time: what it watches puts keys into its queue, its reconcile function turns a key into a #KubePlan from what
 * the informers show, and the controller carries the plan out. A key is reconciled again only when the informers show what its last plan wrote, so that a reconcile
 * function never decides on a state older than its own writes. A failure comes back later and later. Belongs to its manager's thread.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_CONTROLLER (kube_controller_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeController, kube_controller, KUBE, CONTROLLER, GObject)

/**
 * KubeReconcileFunc:
 * @controller: the controller
 * @key: "namespace/name" or "name"
 * @plan: to be filled in; empty: all is as it should be
 * @user_data: the function's data
 * @error: set it to be called again later, rate-limited; nothing of @plan is done then
 *
 * Observed state in, intended writes out. It reads informers, does no I/O and does not block.
 *
 * Returns: %FALSE with @error set
 * Since: 1.0
 */
typedef gboolean (*KubeReconcileFunc) (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error);

/**
 * KubeKeyFunc: (skip)
 * @controller: the controller
 * @object: an object that has changed
 * @old: (nullable): its state before
 * @keys: (element-type utf8): to be added to; g_free() frees an element
 * @user_data: the function's data
 *
 * Says which keys are to be looked at because of @object.
 *
 * Since: 1.0
 */
typedef void (*KubeKeyFunc) (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data);

/**
 * KubeKeyListFunc:
 * @controller: the controller
 * @object: an object that has changed
 * @old: (nullable): its state before
 * @user_data: (closure): the function's data
 *
 * What #KubeKeyFunc is, for languages whose functions return what they find.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1): which keys are to be looked at because of @object
 *
 * Since: 1.0
 */
typedef char **(*KubeKeyListFunc) (KubeController *controller, KubeObject *object, KubeObject *old, gpointer user_data);

/* @name: as upstream names it ("replicaset-controller"): in events, metrics and its identity. */
KUBE_AVAILABLE_IN_1_0
KubeController *kube_controller_new (KubeManager *manager, const char *name, KubeReconcileFunc reconcile, gpointer user_data, GDestroyNotify destroy) G_GNUC_WARN_UNUSED_RESULT;
/* Before the manager starts: the name of the account that it writes as, where that is not its own name. */
KUBE_AVAILABLE_IN_1_0
void kube_controller_set_identity (KubeController *controller, const char *identity);
/* (transfer none): the informer. Before the manager starts: every change of an object of @kind queues what @keys says, its own key where that is NULL. */
KUBE_AVAILABLE_IN_1_0
KubeInformer *kube_controller_watch (KubeController *controller, KubeKind *kind, KubeKeyFunc keys, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
KubeInformer *kube_controller_watch_full (KubeController *controller, KubeKind *kind, KubeKeyListFunc keys, gpointer user_data, GDestroyNotify destroy);
/* Changes of objects of @kind queue the key of their controlling owner where that is of @owner_kind. */
KUBE_AVAILABLE_IN_1_0
KubeInformer *kube_controller_watch_owned (KubeController *controller, KubeKind *kind, KubeKind *owner_kind);
/* (transfer none): an informer to read, whose changes queue nothing. */
KUBE_AVAILABLE_IN_1_0
KubeInformer *kube_controller_get_informer (KubeController *controller, KubeKind *kind);
/* How many keys may be in work at once; 5 is the default, as upstream's. */
KUBE_AVAILABLE_IN_1_0
void kube_controller_set_concurrency (KubeController *controller, guint keys);
KUBE_AVAILABLE_IN_1_0
void kube_controller_enqueue (KubeController *controller, const char *key);
KUBE_AVAILABLE_IN_1_0
void kube_controller_enqueue_after (KubeController *controller, const char *key, gint64 delay);
KUBE_AVAILABLE_IN_1_0
const char *kube_controller_get_name (KubeController *controller);
KUBE_AVAILABLE_IN_1_0
KubeManager *kube_controller_get_manager (KubeController *controller);
KUBE_AVAILABLE_IN_1_0
KubeClient *kube_controller_get_client (KubeController *controller);
KUBE_AVAILABLE_IN_1_0
KubeClock *kube_controller_get_clock (KubeController *controller);
KUBE_AVAILABLE_IN_1_0
KubeEventRecorder *kube_controller_get_recorder (KubeController *controller);
/* (transfer none) (nullable): why the last plan for @key failed; NULL where it did not. */
KUBE_AVAILABLE_IN_1_0
const GError *kube_controller_get_error (KubeController *controller, const char *key);
/* Whether no key is ready or in work; keys may still wait for their time. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_controller_is_idle (KubeController *controller);

/**
 * KubeManager:
 *
 * Controllers that share informers on one main context (the thread-default one when it was made). They begin once all informers are synced, and, where a lease is set, while this
 * process leads.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_MANAGER (kube_manager_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeManager, kube_manager, KUBE, MANAGER, GObject)

/**
 * KubeManagerClientFunc:
 * @manager: the manager
 * @name: of a controller
 * @user_data: the function's data
 *
 * Gives each controller an identity of its own.
 *
 * Returns: (transfer full): the client that the controller writes with
 * Since: 1.0
 */
typedef KubeClient *(*KubeManagerClientFunc) (KubeManager *manager, const char *name, gpointer user_data);

/* @client: reads and watches. @clock: (nullable). */
KUBE_AVAILABLE_IN_1_0
KubeManager *kube_manager_new (KubeClient *client, KubeClock *clock) G_GNUC_WARN_UNUSED_RESULT;
/* Before controllers are made; without it they write with the manager's client. */
KUBE_AVAILABLE_IN_1_0
void kube_manager_set_client_func (KubeManager *manager, KubeManagerClientFunc func, gpointer user_data, GDestroyNotify destroy);
/* Before it starts: controllers run only while this lease in kube-system is held. */
KUBE_AVAILABLE_IN_1_0
void kube_manager_set_lease (KubeManager *manager, const char *name, const char *identity);
KUBE_AVAILABLE_IN_1_0
KubeClient *kube_manager_get_client (KubeManager *manager);
KUBE_AVAILABLE_IN_1_0
KubeClock *kube_manager_get_clock (KubeManager *manager);
KUBE_AVAILABLE_IN_1_0
KubeInformerFactory *kube_manager_get_informers (KubeManager *manager);
KUBE_AVAILABLE_IN_1_0
void kube_manager_start (KubeManager *manager);
KUBE_AVAILABLE_IN_1_0
void kube_manager_stop (KubeManager *manager);
KUBE_AVAILABLE_IN_1_0
gboolean kube_manager_is_started (KubeManager *manager); /* informers are synced, controllers run */
/* (transfer none) (nullable) */
KUBE_AVAILABLE_IN_1_0
KubeController *kube_manager_find (KubeManager *manager, const char *name);

G_END_DECLS
