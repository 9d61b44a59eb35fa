/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/kube-http-private.h"
#include "http/kube-stream-session.h"

G_BEGIN_DECLS

/* What is the same of a session whatever carries it; a carrier embeds it as its first member. */

typedef struct {
  void (*input) (KubeStreamSession *session, const guint8 *data, gsize length);
  void (*send) (KubeStreamSession *session, guint channel, GBytes *data);
  void (*close_channel) (KubeStreamSession *session, guint channel);
  /* says good-bye; the connection is finished afterwards */
  void (*close) (KubeStreamSession *session, guint code, const char *reason);
  void (*clear) (KubeStreamSession *session);
  /* (nullable): FALSE: the client has yet to open channels; a carrier that says so calls kube_stream_session_opened() */
  gboolean (*is_open) (KubeStreamSession *session);
} KubeStreamSessionOps;

struct _KubeStreamSession {
  guint refs;
  const KubeStreamSessionOps *ops;
  KubeHttpConnection *connection; /* (owned) */
  char *protocol;
  gboolean has_close;
  const KubeStreamSessionFuncs *funcs;
  gpointer user_data;
  gboolean sent;     /* since `drained` was told last */
  GSource *opening;  /* (owned) (nullable): until it is open */
  gboolean close_waiting; /* to be closed once it is open */
  guint close_code;
  char *close_reason; /* (nullable) */
  gboolean closing;  /* no more of ours */
  gboolean closed;
  GError *error;     /* (nullable): why it ended */
};

/* For carriers. */
void kube_stream_session_init (KubeStreamSession *session, const KubeStreamSessionOps *ops, KubeHttpConnection *connection, const char *protocol, gboolean has_close);
void kube_stream_session_write (KubeStreamSession *session, GBytes *bytes);
void kube_stream_session_tell_data (KubeStreamSession *session, guint channel, const void *data, gsize length);
void kube_stream_session_tell_channel_closed (KubeStreamSession *session, guint channel);
void kube_stream_session_opened (KubeStreamSession *session);
/* The client broke the protocol, or said good-bye (@error NULL): writes what is queued, then ends. */
void kube_stream_session_end (KubeStreamSession *session, GError *error);

/* (transfer full): the sessions of a request that asks for an upgrade; what is answered to it is sent. */
KubeStreamSession *kube_web_session_new (KubeHttpConnection *connection, const KubeHttpHead *head, const char *const *protocols, GError **error);
KubeStreamSession *kube_spdy_session_new (KubeHttpConnection *connection, const KubeHttpHead *head, const char *const *protocols, GError **error);
/* SPDY within WebSocket messages (kubectl port-forward since 1.31). */
KubeStreamSession *kube_spdy_session_new_tunnelled (KubeHttpConnection *connection, const char *protocol);

/* No framing at all: what is sent and received is channel 0. */
KubeStreamSession *kube_plain_session_new (KubeHttpConnection *connection);

/* Hands the connection over to @session. */
void kube_stream_session_take_over (KubeStreamSession *session);

G_END_DECLS
