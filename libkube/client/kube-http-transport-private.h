/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-config-private.h"
#include <gio/gio.h>

G_BEGIN_DECLS

/* KubeHttpTransport: the HTTP engine of one client: a thread of its own with a main context and a pool of connections, so that
 * callers on any thread share connections, and bodies are read and parsed beside them. All but new, ref, unref and invoke is
 * called on that thread. */
typedef struct _KubeHttpTransport KubeHttpTransport;

typedef struct {
  const char *method;
  const char *path;         /* with its query */
  GPtrArray *headers;       /* (element-type utf8): names and values by turns */
  const char *content_type; /* (nullable) */
  GBytes *body;             /* (nullable) */
} KubeHttpMessage;

typedef struct {
  int status;
  int retry_after; /* seconds; -1: not said */
  goffset length;  /* -1: not said */
  gboolean is_json;
  char **warnings;    /* (nullable) */
  GInputStream *body; /* (owned) */
} KubeHttpAnswer;

void kube_http_answer_free (KubeHttpAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeHttpAnswer, kube_http_answer_free)

KubeHttpTransport *kube_http_transport_new (KubeConfig *config, GError **error);
KubeHttpTransport *kube_http_transport_ref (KubeHttpTransport *self);
void kube_http_transport_unref (KubeHttpTransport *self);
GMainContext *kube_http_transport_get_context (KubeHttpTransport *self);
void kube_http_transport_invoke (KubeHttpTransport *self, GSourceFunc func, gpointer data);
/* The certificate that is presented from now on. */
gboolean kube_http_transport_set_certificate (KubeHttpTransport *self, const char *certificate_pem, const char *key_pem,
                                              GError **error);
void kube_http_transport_send_async (KubeHttpTransport *self, const KubeHttpMessage *message, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
KubeHttpAnswer *kube_http_transport_send_finish (KubeHttpTransport *self, GAsyncResult *result, GError **error);
/* Whether the connection broke under the request, so that one that changes nothing can be sent again. */
gboolean kube_http_transport_is_broken (const GError *error);
/* Makes an error of the engine one of %KUBE_ERROR, but for a cancelled one. */
void kube_http_transport_convert_error (GError **error, const char *method, const char *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeHttpTransport, kube_http_transport_unref)

G_END_DECLS
