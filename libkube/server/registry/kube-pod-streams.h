/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../http/kube-stream-session.h"
#include "kube-registry.h"

G_BEGIN_DECLS

/* Streams between a client and a pod's node: logs, exec, attach, port-forward. */

/* Of the query; the container is left open. */
gboolean kube_pod_read_log_options (KubeOperation *op, KubeLogOptions *options, GError **error);
void kube_pod_stream_log (KubeOperation *op, KubeNodeApi *node, KubeObject *pod, const KubeLogOptions *options);
/* kube-pod-log-socket.c */
gboolean kube_pod_log_wants_socket (KubeOperation *op);
void kube_pod_log_serve_socket (KubeOperation *op, GInputStream *stream);
void kube_pod_stream_exec (KubeOperation *op, KubeNodeApi *node, KubeObject *pod, const char *container);
void kube_pod_stream_ports (KubeOperation *op, KubeNodeApi *node, KubeObject *pod);

/* kube-pump.c: copies what a stream gives to a channel of a session, no faster than the client takes it. */
typedef struct _KubePump KubePump;
/* @done: at the stream's end, or on its error. */
KubePump *kube_pump_new (KubeStreamSession *session, guint channel, GInputStream *stream, void (*done) (gpointer user_data), gpointer user_data);
/* The session has drained. */
void kube_pump_resume (KubePump *pump);
/* Ends it; `done` is not called any more. */
void kube_pump_free (KubePump *pump);

/* Writes what a client sends on a channel to a stream, and holds the client back meanwhile. */
typedef struct _KubeSink KubeSink;
KubeSink *kube_sink_new (KubeStreamSession *session, GOutputStream *stream);
void kube_sink_write (KubeSink *sink, GBytes *data);
/* Closes the stream once all is written. */
void kube_sink_end (KubeSink *sink);
void kube_sink_free (KubeSink *sink);

G_END_DECLS
