/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"

/* A log over a WebSocket: what the stream gives is the messages, without channels, and what the client sends is not looked at. The first message is empty: a client learns by it that the log was opened. */

static const char *const protocols[] = { "binary.k8s.io", "base64.binary.k8s.io", NULL };

typedef struct {
  KubeOperation *op;
  KubeStreamSession *session; /* (owned) */
  KubePump *pump;             /* (owned) */
} LogSocket;

static void
on_data (KubeStreamSession *session, guint channel, GBytes *data, gpointer user_data)
{
}

static void
on_channel_closed (KubeStreamSession *session, guint channel, gpointer user_data)
{
}

static void
on_drained (KubeStreamSession *session, gpointer user_data)
{
  kube_pump_resume (((LogSocket *) user_data)->pump);
}

static void
on_closed (KubeStreamSession *session, const GError *error, gpointer user_data)
{
  LogSocket *self = user_data;

  kube_pump_free (self->pump);
  kube_stream_session_unref (self->session);
  kube_operation_unref (self->op);
  g_free (self);
}

static void
on_log_ended (gpointer user_data)
{
  kube_stream_session_close (((LogSocket *) user_data)->session, 1000, NULL);
}

gboolean
kube_pod_log_wants_socket (KubeOperation *op)
{
  const char *upgrade = kube_call_get_header (op->call, "Upgrade");

  return upgrade != NULL && g_ascii_strcasecmp (upgrade, "websocket") == 0;
}

void
kube_pod_log_serve_socket (KubeOperation *op, GInputStream *stream)
{
  static const KubeStreamSessionFuncs funcs = { .data = on_data, .channel_closed = on_channel_closed, .drained = on_drained, .closed = on_closed };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  KubeStreamSession *session = kube_call_upgrade (op->call, protocols, &error);
  LogSocket *self;

  if (session == NULL) {
    kube_operation_answer_error (op, error);
    return;
  }
  self = g_new0 (LogSocket, 1);
  self->op = kube_operation_ref (op);
  self->session = session;
  kube_stream_session_send (session, 0, nothing);
  self->pump = kube_pump_new (session, 0, stream, on_log_ended, self);
  kube_stream_session_start (session, &funcs, self);
}
