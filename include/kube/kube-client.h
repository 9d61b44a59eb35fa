/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-request.h>
#include <kube/kube-scheme.h>
#include <kube/kube-watch.h>

G_BEGIN_DECLS

/**
 * KubeClient:
 *
 * The way to an API server: in the same process (#KubeLocalClient) or over the network (#KubeHttpClient). Everything above the server speaks only to this
 * interface. Any thread; callbacks come on the main context that was thread-default at the call. Errors are of %KUBE_ERROR with the Status' details.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_CLIENT (kube_client_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeClient, kube_client, KUBE, CLIENT, GObject)

struct _KubeClientInterface {
  GTypeInterface parent;
  void (*send_async) (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  KubeResponse *(*send_finish) (KubeClient *client, GAsyncResult *result, GError **error);
  /* (nullable): blocking; the default runs send_async on a main context of its own */
  KubeResponse *(*send) (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GError **error);
  KubeWatch *(*watch) (KubeClient *client, KubeRequest *request);
  /* a GET whose body is a stream of bytes (log) */
  void (*open_async) (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  GInputStream *(*open_finish) (KubeClient *client, GAsyncResult *result, GError **error);
  KubeScheme *(*get_scheme) (KubeClient *client);
  gpointer reserved[8];
};

KUBE_AVAILABLE_IN_1_0
void kube_client_send_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
KubeResponse *kube_client_send_finish (KubeClient *client, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeResponse *kube_client_send (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer full): a watch, not yet started. @request: %KUBE_VERB_WATCH on a collection, its options as a list's. */
KUBE_AVAILABLE_IN_1_0
KubeWatch *kube_client_watch (KubeClient *client, KubeRequest *request) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_client_open_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
GInputStream *kube_client_open_finish (KubeClient *client, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer none): the kinds that this client knows. */
KUBE_AVAILABLE_IN_1_0
KubeScheme *kube_client_get_scheme (KubeClient *client);

/* The common requests, blocking. All return what the server answered, (transfer full). Not to be called on a thread that other callbacks of the program wait for;
 * controllers use plans, event-driven code kube_client_send_async(). */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_client_get (KubeClient *client, KubeKind *kind, const char *namespace_, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeObjectList *kube_client_list (KubeClient *client, KubeKind *kind, const char *namespace_, const char *label_selector, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Kind, namespace and name are the object's own. */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_client_create (KubeClient *client, KubeObject *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_client_update (KubeClient *client, KubeObject *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_client_update_status (KubeClient *client, KubeObject *object, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_client_patch (KubeClient *client, KubeObject *object, KubePatchType type, KubeValue *patch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
gboolean kube_client_delete (KubeClient *client, KubeKind *kind, const char *namespace_, const char *name, GError **error);

/* The kind of @object by its apiVersion and kind in the client's scheme. Errors: %KUBE_ERROR_BAD_REQUEST. */
KUBE_AVAILABLE_IN_1_0
KubeKind *kube_client_get_kind_of (KubeClient *client, KubeObject *object, GError **error);

G_END_DECLS
