/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/kube-http-private.h"

G_BEGIN_DECLS

/* Between kube-http-worker.c (the thread, its timer, its SoupServer) and kube-http-connection.c (one connection from accept to close). */

struct _KubeHttpWorker {
  gatomicrefcount refs;
  KubeHttpSettings settings;
  GThread *thread;
  GMainContext *context;
  SoupServer *server;    /* only on thread */
  GQueue connections;    /* (element-type KubeHttpConnection): only on thread */
  GSource *timer;        /* only on thread */
  gint64 timer_at;       /* -1: not set */
  guint64 random[2];
  gboolean draining;     /* only on thread */
  gboolean stopping;     /* only on thread */
};

KubeHttpWorker *kube_http_worker_ref (KubeHttpWorker *worker);
void kube_http_worker_unref (KubeHttpWorker *worker);
/* Makes the timer fire at @deadline or before. */
void kube_http_worker_arm (KubeHttpWorker *worker, gint64 deadline);

/* Begins the TLS handshake; the connection owns itself from here on. */
void kube_http_connection_begin (KubeHttpWorker *worker, GSocket *socket, const char *address);
/* The connection that @message came by. (nullable) */
KubeHttpConnection *kube_http_connection_of (SoupServerMessage *message);
void kube_http_connection_started (KubeHttpConnection *connection);
void kube_http_connection_handle (KubeHttpConnection *connection, SoupServerMessage *message, const char *path);
void kube_http_connection_finished (KubeHttpConnection *connection, SoupServerMessage *message);
/* FALSE: the request was refused and the connection is no longer libsoup's. */
gboolean kube_http_connection_check (KubeHttpConnection *connection, SoupServerMessage *message);
/* Cuts it where its deadline has passed. Returns its deadline, -1 for none. */
gint64 kube_http_connection_expire (KubeHttpConnection *connection, gint64 now);
void kube_http_connection_drain (KubeHttpConnection *connection);

G_END_DECLS
