/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-http-front.h>
#include "http/kube-http-head.h"
#include "http/kube-tls.h"
#include "kube-call.h"

G_BEGIN_DECLS

/* What the files of the HTTP front share. The front accepts; each connection lives on one worker, a thread that waits in epoll for all of its connections and in whose main context
 * the pipeline's answers come back. One request of a connection is under way at a time; what a client sends ahead waits. */

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
  gint64 session; /* exec, attach, port-forward: nothing is said */
  gint64 streams; /* SPDY: until the client has opened those that it asked for */
} KubeHttpTimeouts;

typedef struct {
  KubeClock *clock;       /* (owned) */
  KubeTlsServer *tls;     /* (owned) */
  KubeClientCa *client_ca; /* (owned) (nullable) */
  KubeHttpGate *gate;     /* (owned) */
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

/* @settings: what they name must outlive the worker's thread. */
KubeHttpWorker *kube_http_worker_new (const KubeHttpSettings *settings);
/* @socket has entered the gate as @address. Any thread. */
void kube_http_worker_take (KubeHttpWorker *worker, GSocket *socket, const char *address);
/* Ends streams and idle connections, answers what is under way and closes. Any thread. */
void kube_http_worker_drain (KubeHttpWorker *worker);
/* Cuts what is left and joins the thread. */
void kube_http_worker_free (KubeHttpWorker *worker);

/* What becomes of a connection that is no longer HTTP. On its worker's thread. */
typedef struct {
  void (*data) (gconstpointer data, gsize length, gpointer user_data);
  void (*drained) (gpointer user_data); /* less than a quarter of the limit waits to be written */
  void (*closed) (gpointer user_data);  /* the last one */
} KubeHttpRawFuncs;

/* All on the worker's thread. A connection that is closed takes and gives nothing any more. */
KubeHttpConnection *kube_http_connection_ref (KubeHttpConnection *connection);
void kube_http_connection_unref (KubeHttpConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeHttpConnection, kube_http_connection_unref)
void kube_http_connection_close (KubeHttpConnection *connection);
/* Writes what it can at once; the rest waits. */
void kube_http_connection_send (KubeHttpConnection *connection, const void *data, gsize length);
/* Queues @bytes, as a chunk where @chunk, and writes before this turn of the main loop ends. */
void kube_http_connection_push (KubeHttpConnection *connection, GBytes *bytes, gboolean chunk);
/* Bytes that wait to be written; a stream whose client takes less than it is sent is cut above the limit. */
gsize kube_http_connection_get_queued (KubeHttpConnection *connection);
#define KUBE_HTTP_MAX_QUEUED (1024 * 1024)
/* The answer is an endless one: its client may be quiet, and is heeded when it leaves. */
void kube_http_connection_begin_stream (KubeHttpConnection *connection);
/* All of the answer has been handed over. */
void kube_http_connection_end_answer (KubeHttpConnection *connection, gboolean keep_alive);
/* Instead of an answer: @funcs get what the client sends from here on. */
void kube_http_connection_take_over (KubeHttpConnection *connection, const KubeHttpRawFuncs *funcs, gpointer user_data);
void kube_http_connection_set_paused (KubeHttpConnection *connection, gboolean paused);
/* Writes what is queued, then closes. */
void kube_http_connection_finish (KubeHttpConnection *connection);
GMainContext *kube_http_connection_get_context (KubeHttpConnection *connection);
KubeClock *kube_http_connection_get_clock (KubeHttpConnection *connection);
const KubeHttpTimeouts *kube_http_connection_get_timeouts (KubeHttpConnection *connection);
KubeUser *kube_http_connection_get_peer (KubeHttpConnection *connection, const char **error);
const char *kube_http_connection_get_address (KubeHttpConnection *connection);
gboolean kube_http_connection_is_draining (KubeHttpConnection *connection);
guint32 kube_http_connection_random (KubeHttpConnection *connection);
/* An empty buffer of the worker's, for the length of one call. */
GString *kube_http_connection_get_scratch (KubeHttpConnection *connection);
/* RFC 9110's Date of now. */
const char *kube_http_connection_get_date (KubeHttpConnection *connection);

#define KUBE_TYPE_HTTP_CALL (kube_http_call_get_type ())
G_DECLARE_FINAL_TYPE (KubeHttpCall, kube_http_call, KUBE, HTTP_CALL, KubeCall)

/* Takes over what @head holds. */
KubeCall *kube_http_call_new (KubeHttpConnection *connection, KubeHttpHead *head, GBytes *body);
const KubeHttpHead *kube_http_call_get_head (KubeHttpCall *call);
GMainContext *kube_http_call_get_context (KubeHttpCall *call);
/* The connection is done with it: all was written, or the client has gone. */
void kube_http_call_finish (KubeHttpCall *call);
/* At shut-down: a stream ends in order, anything else goes on. */
void kube_http_call_end_stream (KubeHttpCall *call);

/* For tests: a front before any function. @timeouts: (nullable) */
KubeHttpFront *kube_http_front_new_with_func (KubeCallFunc handle, gpointer user_data, KubeClock *clock, const KubeHttpFrontOptions *options,
                                              const KubeHttpTimeouts *timeouts, GError **error);

G_END_DECLS
