/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A connection that a client turned into numbered channels: exec, attach, port-forward, logs. Behind it is a WebSocket (v5/v4/plain channel.k8s.io, their base64 forms, or no
 * channels at all: binary.k8s.io) or, for clients older than 1.30, SPDY/3.1. Belongs to the thread of its call; callbacks come on that thread's main context. */

typedef struct _KubeStreamSession KubeStreamSession;

typedef struct {
  /* @channel: 0 stdin, 1 stdout, 2 stderr, 3 error, 4 resize; for port-forward 2n data and 2n+1 error of the n-th port. */
  void (*data) (KubeStreamSession *session, guint channel, GBytes *data, gpointer user_data);
  /* the client will send nothing more on @channel (v5's close signal; a half-closed SPDY stream) */
  void (*channel_closed) (KubeStreamSession *session, guint channel, gpointer user_data);
  /* what was queued has gone out to less than a quarter of the limit */
  void (*drained) (KubeStreamSession *session, gpointer user_data);
  /* the last callback: the connection is gone. @error: (nullable): NULL where it ended in order. */
  void (*closed) (KubeStreamSession *session, const GError *error, gpointer user_data);
  /* (nullable): SPDY port-forward: the client opened a pair of streams for @port; the session hands out @channel and @channel + 1. FALSE refuses it. */
  gboolean (*port_opened) (KubeStreamSession *session, guint channel, guint16 port, gpointer user_data);
} KubeStreamSessionFuncs;

/* Data that came before this waits. @user_data lives until `closed`. */
void kube_stream_session_start (KubeStreamSession *session, const KubeStreamSessionFuncs *funcs, gpointer user_data);
/* The sub-protocol that was agreed on: "v5.channel.k8s.io", "" for none; SPDY's "v4.channel.k8s.io". */
const char *kube_stream_session_get_protocol (KubeStreamSession *session);
/* Whether the client tells the end of its stdin (v5, SPDY). */
gboolean kube_stream_session_has_close (KubeStreamSession *session);
void kube_stream_session_send (KubeStreamSession *session, guint channel, GBytes *data);
/* No more of ours on @channel. */
void kube_stream_session_close_channel (KubeStreamSession *session, guint channel);
/* Bytes sent and not yet written: above 1 MiB a sender stops until `drained`. */
gsize kube_stream_session_get_queued (KubeStreamSession *session);
/* While paused nothing is read from the client, and TCP holds it back. */
void kube_stream_session_set_paused (KubeStreamSession *session, gboolean paused);
/* Writes what is queued, says good-bye (@code: 1000 for a good end, 1011 …; @reason: (nullable)), then `closed` is called. */
void kube_stream_session_close (KubeStreamSession *session, guint code, const char *reason);

KubeStreamSession *kube_stream_session_ref (KubeStreamSession *session);
void kube_stream_session_unref (KubeStreamSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeStreamSession, kube_stream_session_unref)

G_END_DECLS
