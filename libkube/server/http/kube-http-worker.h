/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/kube-http-private.h"

G_BEGIN_DECLS

/* Between kube-http-worker.c (the thread, epoll, the timer) and kube-http-connection.c (one connection from accept to close). */

#define KUBE_HTTP_RECORD 16384

struct _KubeHttpWorker {
  gatomicrefcount refs;
  KubeHttpSettings settings;
  GThread *thread;
  GMainContext *context;
  /* only on thread: */
  int epoll;
  GQueue connections;   /* (element-type KubeHttpConnection) */
  GPtrArray *later;     /* (element-type KubeHttpConnection) (owned): to be looked at before the loop sleeps */
  GSource *later_source;
  GSource *timer;
  gint64 timer_at;      /* -1: not set */
  guint64 random[2];
  GString *scratch;
  gint64 date_at;       /* second of date */
  char date[32];
  gboolean draining;
  gboolean stopping;
  char in[KUBE_HTTP_RECORD];
  char out[KUBE_HTTP_RECORD];
};

KubeHttpWorker *kube_http_worker_ref (KubeHttpWorker *worker);
void kube_http_worker_unref (KubeHttpWorker *worker);
/* Makes the timer fire at @deadline or before. */
void kube_http_worker_arm (KubeHttpWorker *worker, gint64 deadline);
/* (transfer full): calls kube_http_connection_continue() soon, then lets go of it. */
void kube_http_worker_look_later (KubeHttpWorker *worker, KubeHttpConnection *connection);

/* Begins the TLS handshake; the connection owns itself from here on. */
void kube_http_connection_begin (KubeHttpWorker *worker, GSocket *socket, const char *address);
void kube_http_connection_on_ready (KubeHttpConnection *connection, guint32 events);
void kube_http_connection_continue (KubeHttpConnection *connection);
/* Closes it where its deadline has passed. Returns its deadline, -1 for none. */
gint64 kube_http_connection_expire (KubeHttpConnection *connection, gint64 now);
void kube_http_connection_drain (KubeHttpConnection *connection);

G_END_DECLS
