/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-http-front.h>
#include <libsoup/soup.h>
#include "auth/kube-client-ca.h"
#include "kube-call.h"

G_BEGIN_DECLS

/* What the files of the HTTP front share. A connection lives on one worker: it is shaken hands with, then handed to that worker's SoupServer; its KubeHttpConnection goes along as data of the
 * remote address object, which is the only thing of ours that libsoup carries through. */

typedef struct _KubeHttpGate KubeHttpGate;
typedef struct _KubeHttpWorker KubeHttpWorker;
typedef struct _KubeHttpConnection KubeHttpConnection;

/* Microseconds. */
typedef struct {
  gint64 handshake;
  gint64 header;
  gint64 body;
  gint64 idle;
  gint64 stall; /* an answer of which nothing could be written */
} KubeHttpTimeouts;

typedef struct {
  KubeClock *clock;               /* (owned) */
  GTlsCertificate *certificate;   /* (owned) */
  KubeClientCa *client_ca;        /* (owned) (nullable) */
  KubeHttpGate *gate;             /* (owned) */
  gsize max_body;
  KubeHttpTimeouts timeouts;
  KubeCallFunc handle;
  gpointer handle_data;
} KubeHttpSettings;

/* Counts connections, in all and for each address. Any thread. */
KubeHttpGate *kube_http_gate_new (guint max, guint max_per_address);
KubeHttpGate *kube_http_gate_ref (KubeHttpGate *gate);
void kube_http_gate_unref (KubeHttpGate *gate);
gboolean kube_http_gate_enter (KubeHttpGate *gate, const char *address);
void kube_http_gate_leave (KubeHttpGate *gate, const char *address);
/* Waits until nobody is inside; FALSE: not before @end_time (monotonic). */
gboolean kube_http_gate_wait_empty (KubeHttpGate *gate, gint64 end_time);

/* A thread with a main context and a SoupServer. @settings: what they name must outlive it, gate and clock are referenced. */
KubeHttpWorker *kube_http_worker_new (const KubeHttpSettings *settings);
/* @socket has entered the gate as @address. Any thread. */
void kube_http_worker_take (KubeHttpWorker *worker, GSocket *socket, const char *address);
/* Ends streams and idle connections, answers what is under way and closes. Any thread. */
void kube_http_worker_drain (KubeHttpWorker *worker);
/* Cuts what is left and joins the thread. */
void kube_http_worker_free (KubeHttpWorker *worker);

typedef enum {
  KUBE_HTTP_HANDSHAKE,
  KUBE_HTTP_IDLE,
  KUBE_HTTP_HEADER,
  KUBE_HTTP_BODY,
  KUBE_HTTP_ANSWER, /* the pipeline has it: no deadline */
  KUBE_HTTP_WRITE,
  KUBE_HTTP_STREAM, /* quiet for as long as it likes */
  KUBE_HTTP_CLOSING,
} KubeHttpState;

/* On its worker's thread. */
KubeHttpConnection *kube_http_connection_ref (KubeHttpConnection *connection);
void kube_http_connection_unref (KubeHttpConnection *connection);
void kube_http_connection_set_state (KubeHttpConnection *connection, KubeHttpState state);
/* TCP is shut down both ways: whoever reads or writes finds out. */
void kube_http_connection_cut (KubeHttpConnection *connection);
/* Calls @func once when the client has closed its side. */
void kube_http_connection_watch_hangup (KubeHttpConnection *connection, GSourceFunc func, gpointer user_data);
void kube_http_connection_unwatch_hangup (KubeHttpConnection *connection);
GMainContext *kube_http_connection_get_context (KubeHttpConnection *connection);
KubeUser *kube_http_connection_get_peer (KubeHttpConnection *connection, const char **error);
const char *kube_http_connection_get_address (KubeHttpConnection *connection);
gboolean kube_http_connection_is_draining (KubeHttpConnection *connection);
guint32 kube_http_connection_random (KubeHttpConnection *connection);

#define KUBE_TYPE_HTTP_CALL (kube_http_call_get_type ())
G_DECLARE_FINAL_TYPE (KubeHttpCall, kube_http_call, KUBE, HTTP_CALL, KubeCall)

KubeCall *kube_http_call_new (KubeHttpConnection *connection, SoupServerMessage *message, const char *path);
GMainContext *kube_http_call_get_context (KubeHttpCall *call);
/* After the handler returned: waits where there is no answer yet. */
void kube_http_call_pause (KubeHttpCall *call);
/* libsoup is done with the message, one way or the other. */
void kube_http_call_finish (KubeHttpCall *call);
/* At shut-down: a stream ends in order, anything else goes on. */
void kube_http_call_end_stream (KubeHttpCall *call);

/* For tests: a front before any function. @timeouts: (nullable) */
KubeHttpFront *kube_http_front_new_with_func (KubeCallFunc handle, gpointer user_data, KubeClock *clock, const KubeHttpFrontOptions *options,
                                              const KubeHttpTimeouts *timeouts, GError **error);

G_END_DECLS
