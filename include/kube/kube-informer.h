/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/kube-selector.h>
#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/**
 * KubeInformer:
 *
 * Keeps up to date what there is of one kind, within a namespace and selectors, and says what changed. It lists, then watches, and lists again where the
 * server asks for it; #KubeInformer::added, #KubeInformer::updated and #KubeInformer::removed come in order, and #KubeInformer::synced once, after the first list
 * was handed out. Signals come on the main context that was thread-default when it was made; its readers are for that thread too. In process it shares the
 * store's objects.
 *
 * Signals: added (KubeObject), updated (KubeObject old, KubeObject new), removed (KubeObject last), synced (), error (GError; it tries again by itself).
 *
 * Since: 1.0
 */
#define KUBE_TYPE_INFORMER (kube_informer_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeInformer, kube_informer, KUBE, INFORMER, GObject)

/* @namespace_: NULL for all. Not started. */
KUBE_AVAILABLE_IN_1_0
KubeInformer *kube_informer_new (KubeClient *client, KubeKind *kind, const char *namespace_) G_GNUC_WARN_UNUSED_RESULT;
/* Before it is started. Text as in a request's options. */
KUBE_AVAILABLE_IN_1_0
void kube_informer_set_selectors (KubeInformer *informer, const char *label_selector, const char *field_selector);
KUBE_AVAILABLE_IN_1_0
void kube_informer_set_clock (KubeInformer *informer, KubeClock *clock);
/* Reads what there is as a stream of events (sendInitialEvents) instead of lists, while the server can do that. */
KUBE_AVAILABLE_IN_1_0
void kube_informer_set_streaming (KubeInformer *informer, gboolean streaming);
KUBE_AVAILABLE_IN_1_0
void kube_informer_start (KubeInformer *informer);
KUBE_AVAILABLE_IN_1_0
void kube_informer_stop (KubeInformer *informer);
KUBE_AVAILABLE_IN_1_0
gboolean kube_informer_is_synced (KubeInformer *informer);
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_informer_get_kind (KubeInformer *informer);
/* The newest resourceVersion that this informer has seen, 0 before the first list. Bookmarks count. */
KUBE_AVAILABLE_IN_1_0
guint64 kube_informer_get_revision (KubeInformer *informer);

/* (transfer none) (nullable) */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_informer_get (KubeInformer *informer, const char *namespace_, const char *name);
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_informer_get_by_key (KubeInformer *informer, const char *key);
/* (transfer container) (element-type KubeObject): a snapshot, each held; @namespace_ NULL: all; @selector: NULL: all. Ordered by nothing. */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_informer_list (KubeInformer *informer, const char *namespace_, KubeSelector *selector) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
guint kube_informer_get_length (KubeInformer *informer);

/**
 * KubeIndexFunc: (skip)
 * @object: an object
 * @values: (element-type utf8): to be added to; g_free() frees an element
 * @user_data: the function's data
 *
 * Says under which values kube_informer_list_by() finds @object.
 *
 * Since: 1.0
 */
typedef void (*KubeIndexFunc) (KubeObject *object, GPtrArray *values, gpointer user_data);
/**
 * KubeIndexListFunc:
 * @object: an object
 * @user_data: (closure): the function's data
 *
 * What #KubeIndexFunc is, for languages whose functions return what they find.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1): the values under which kube_informer_list_by() finds @object
 *
 * Since: 1.0
 */
typedef char **(*KubeIndexListFunc) (KubeObject *object, gpointer user_data);
/* Before it is started. An index of the same name is made once. Ready-made: "namespace", "controller" (uid of the controlling owner), "owner" (uids of all owners). */
KUBE_AVAILABLE_IN_1_0
void kube_informer_add_index (KubeInformer *informer, const char *name, KubeIndexFunc func, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
void kube_informer_add_index_full (KubeInformer *informer, const char *name, KubeIndexListFunc func, gpointer user_data, GDestroyNotify destroy);
/* (transfer container) (element-type KubeObject) */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_informer_list_by (KubeInformer *informer, const char *index, const char *value) G_GNUC_WARN_UNUSED_RESULT;

/**
 * KubeInformerFactory:
 *
 * One informer for each kind, shared by all who ask on one main context: what the controllers of a process have in common.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_INFORMER_FACTORY (kube_informer_factory_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeInformerFactory, kube_informer_factory, KUBE, INFORMER_FACTORY, GObject)

KUBE_AVAILABLE_IN_1_0
KubeInformerFactory *kube_informer_factory_new (KubeClient *client, KubeClock *clock);
/* (transfer none): over all namespaces, made at the first call and started by kube_informer_factory_start() (at once where that was called before). */
KUBE_AVAILABLE_IN_1_0
KubeInformer *kube_informer_factory_get (KubeInformerFactory *factory, KubeKind *kind);
KUBE_AVAILABLE_IN_1_0
void kube_informer_factory_start (KubeInformerFactory *factory);
KUBE_AVAILABLE_IN_1_0
void kube_informer_factory_stop (KubeInformerFactory *factory);
/* Whether every informer that was asked for is synced; #KubeInformerFactory::synced tells when. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_informer_factory_is_synced (KubeInformerFactory *factory);

G_END_DECLS
