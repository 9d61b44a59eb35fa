/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-stream-session-private.h"
#include "kube-source.h"

void
kube_stream_session_init (KubeStreamSession *session, const KubeStreamSessionOps *ops, KubeHttpConnection *connection, const char *protocol, gboolean has_close)
{
  session->refs = 1;
  session->ops = ops;
  session->connection = kube_http_connection_ref (connection);
  session->protocol = g_strdup (protocol);
  session->has_close = has_close;
}

KubeStreamSession *
kube_stream_session_ref (KubeStreamSession *session)
{
  session->refs++;
  return session;
}

void
kube_stream_session_unref (KubeStreamSession *session)
{
  if (--session->refs > 0)
    return;
  session->ops->clear (session);
  kube_http_connection_unref (session->connection);
  g_clear_error (&session->error);
  g_free (session->protocol);
  g_free (session->close_reason);
  g_free (session);
}

static gboolean
is_open (KubeStreamSession *session)
{
  return session->ops->is_open == NULL || session->ops->is_open (session);
}

static gboolean
on_not_opened (gpointer user_data)
{
  KubeStreamSession *session = user_data;

  kube_clear_source (&session->opening);
  kube_stream_session_end (session, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_TIMEOUT, "timed out waiting for client to create streams"));
  return G_SOURCE_REMOVE;
}

static void
on_data (gconstpointer data, gsize length, gpointer user_data)
{
  KubeStreamSession *session = user_data;

  if (!session->closing)
    session->ops->input (session, data, length);
}

static void
on_drained (gpointer user_data)
{
  KubeStreamSession *session = user_data;

  if (!session->sent || session->funcs == NULL || session->closing)
    return;
  session->sent = FALSE;
  session->funcs->drained (session, session->user_data);
}

static void
on_closed (gpointer user_data)
{
  g_autoptr (KubeStreamSession) session = user_data;

  session->closed = session->closing = TRUE;
  kube_clear_source (&session->opening);
  if (session->funcs != NULL)
    session->funcs->closed (session, session->error, session->user_data);
}

static const KubeHttpRawFuncs raw_funcs = { on_data, on_drained, on_closed };

void
kube_stream_session_take_over (KubeStreamSession *session)
{
  kube_http_connection_set_paused (session->connection, TRUE);
  kube_http_connection_take_over (session->connection, &raw_funcs, kube_stream_session_ref (session));
}

void
kube_stream_session_start (KubeStreamSession *session, const KubeStreamSessionFuncs *funcs, gpointer user_data)
{
  session->funcs = funcs;
  session->user_data = user_data;
  if (session->closed) {
    funcs->closed (session, session->error, user_data);
    return;
  }
  if (!is_open (session))
    session->opening = kube_clock_add_timeout (kube_http_connection_get_clock (session->connection), kube_http_connection_get_timeouts (session->connection)->streams, on_not_opened, session);
  kube_http_connection_set_paused (session->connection, FALSE);
}

const char *
kube_stream_session_get_protocol (KubeStreamSession *session)
{
  return session->protocol;
}

gboolean
kube_stream_session_has_close (KubeStreamSession *session)
{
  return session->has_close;
}

void
kube_stream_session_write (KubeStreamSession *session, GBytes *bytes)
{
  session->sent = TRUE;
  kube_http_connection_push (session->connection, bytes, FALSE);
}

void
kube_stream_session_send (KubeStreamSession *session, guint channel, GBytes *data)
{
  if (!session->closing)
    session->ops->send (session, channel, data);
}

void
kube_stream_session_close_channel (KubeStreamSession *session, guint channel)
{
  if (!session->closing && session->ops->close_channel != NULL)
    session->ops->close_channel (session, channel);
}

gsize
kube_stream_session_get_queued (KubeStreamSession *session)
{
  return kube_http_connection_get_queued (session->connection);
}

void
kube_stream_session_set_paused (KubeStreamSession *session, gboolean paused)
{
  if (!session->closed)
    kube_http_connection_set_paused (session->connection, paused);
}

void
kube_stream_session_close (KubeStreamSession *session, guint code, const char *reason)
{
  if (session->closing || session->close_waiting)
    return;
  /* a command may be over before its client has opened all streams: it waits for each, and must get what was said on them */
  if (!session->closed && !is_open (session)) {
    session->close_waiting = TRUE;
    session->close_code = code;
    session->close_reason = g_strdup (reason);
    return;
  }
  session->ops->close (session, code, reason);
  session->closing = TRUE;
  kube_http_connection_finish (session->connection);
}

void
kube_stream_session_opened (KubeStreamSession *session)
{
  g_autofree char *reason = NULL;

  if (session->closing || !is_open (session))
    return;
  kube_clear_source (&session->opening);
  if (!session->close_waiting)
    return;
  session->close_waiting = FALSE;
  reason = g_steal_pointer (&session->close_reason);
  kube_stream_session_close (session, session->close_code, reason);
}

void
kube_stream_session_tell_data (KubeStreamSession *session, guint channel, const void *data, gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  if (session->funcs != NULL && !session->closing)
    session->funcs->data (session, channel, bytes, session->user_data);
}

void
kube_stream_session_tell_channel_closed (KubeStreamSession *session, guint channel)
{
  if (session->funcs != NULL && !session->closing && session->funcs->channel_closed != NULL)
    session->funcs->channel_closed (session, channel, session->user_data);
}

void
kube_stream_session_end (KubeStreamSession *session, GError *error)
{
  g_clear_error (&session->error);
  session->error = error;
  session->closing = TRUE;
  kube_http_connection_finish (session->connection);
}

/* --- without framing --- */

static void
plain_input (KubeStreamSession *session, const guint8 *data, gsize length)
{
  kube_stream_session_tell_data (session, 0, data, length);
}

static void
plain_send (KubeStreamSession *session, guint channel, GBytes *bytes)
{
  kube_stream_session_write (session, bytes);
}

static void
plain_close (KubeStreamSession *session, guint code, const char *reason)
{
}

static void
plain_clear (KubeStreamSession *session)
{
}

KubeStreamSession *
kube_plain_session_new (KubeHttpConnection *connection)
{
  static const KubeStreamSessionOps ops = { plain_input, plain_send, NULL, plain_close, plain_clear, NULL };
  KubeStreamSession *session = g_new0 (KubeStreamSession, 1);

  kube_stream_session_init (session, &ops, connection, "", FALSE);
  return session;
}
