/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"
#include "kube-proxy.h"
#include <stdio.h>

/* A request for another protocol (a WebSocket, mostly) that is handed on: what the pod answers decides, and then bytes go both ways until one side ends. */

#define MAX_HEAD (64 * 1024)

typedef struct {
  KubeOperation *op;
  char *target;                /* "ADDRESS:PORT" */
  GString *head;               /* of the request; then of the answer, and what came behind it */
  GIOStream *connection;       /* (nullable) */
  KubeStreamSession *session;  /* (nullable): the client's side */
  KubePump *pump;
  KubeSink *sink;
} Tunnel;

static void
tunnel_free (Tunnel *tunnel)
{
  g_clear_pointer (&tunnel->pump, kube_pump_free);
  g_clear_pointer (&tunnel->sink, kube_sink_free);
  g_clear_pointer (&tunnel->session, kube_stream_session_unref);
  if (tunnel->connection != NULL)
    g_io_stream_close_async (tunnel->connection, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_clear_object (&tunnel->connection);
  g_string_free (tunnel->head, TRUE);
  g_free (tunnel->target);
  kube_operation_unref (tunnel->op);
  g_free (tunnel);
}

static void
tunnel_fail (Tunnel *tunnel, GError *error)
{
  kube_operation_take_error (tunnel->op, error);
  tunnel_free (tunnel);
}

/* --- both ways --- */

static void
on_data (KubeStreamSession *session, guint channel, GBytes *data, gpointer user_data)
{
  kube_sink_write (((Tunnel *) user_data)->sink, data);
}

static void
on_drained (KubeStreamSession *session, gpointer user_data)
{
  kube_pump_resume (((Tunnel *) user_data)->pump);
}

static void
on_closed (KubeStreamSession *session, const GError *error, gpointer user_data)
{
  tunnel_free (user_data);
}

static void
on_pod_ended (gpointer user_data)
{
  kube_stream_session_close (((Tunnel *) user_data)->session, 0, NULL);
}

static void
join (Tunnel *tunnel)
{
  static const KubeStreamSessionFuncs funcs = { on_data, NULL, on_drained, on_closed, NULL };
  GError *error = NULL;
  g_autoptr (GBytes) head = NULL;

  tunnel->session = kube_call_upgrade (tunnel->op->call, NULL, &error);
  if (tunnel->session == NULL) {
    tunnel_fail (tunnel, error);
    return;
  }
  head = g_bytes_new (tunnel->head->str, tunnel->head->len);
  kube_stream_session_send (tunnel->session, 0, head);
  tunnel->sink = kube_sink_new (tunnel->session, g_io_stream_get_output_stream (tunnel->connection));
  tunnel->pump = kube_pump_new (tunnel->session, 0, g_io_stream_get_input_stream (tunnel->connection), on_pod_ended, tunnel);
  kube_stream_session_start (tunnel->session, &funcs, tunnel);
}

/* --- the pod's answer --- */

static void read_answer (Tunnel *tunnel);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tunnel *tunnel = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  guint status = 0;

  if (bytes == NULL || g_bytes_get_size (bytes) == 0 || tunnel->head->len > MAX_HEAD) {
    g_clear_error (&error);
    tunnel_fail (tunnel, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_INTERNAL, "Internal error occurred: the pod gave no answer to an upgrade"));
    return;
  }
  g_string_append_len (tunnel->head, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  if (g_strstr_len (tunnel->head->str, tunnel->head->len, "\r\n\r\n") == NULL) {
    read_answer (tunnel);
    return;
  }
  if (sscanf (tunnel->head->str, "HTTP/1.%*1u %3u", &status) == 1 && (status == 101 || status >= 400))
    join (tunnel);
  else
    tunnel_fail (tunnel, g_error_new (KUBE_ERROR, KUBE_ERROR_INTERNAL, "Internal error occurred: invalid upgrade response: status code %u", status));
}

static void
read_answer (Tunnel *tunnel)
{
  g_input_stream_read_bytes_async (g_io_stream_get_input_stream (tunnel->connection), 4096, G_PRIORITY_DEFAULT, kube_call_get_cancellable (tunnel->op->call), on_read, tunnel);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tunnel *tunnel = user_data;
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error)) {
    tunnel_fail (tunnel, kube_proxy_explain (error, tunnel->target));
    return;
  }
  g_string_truncate (tunnel->head, 0);
  read_answer (tunnel);
}

/* --- the request --- */

static void
append_header (const char *name, const char *value, gpointer user_data)
{
  if (!kube_proxy_is_private_header (name))
    g_string_append_printf (user_data, "%s: %s\r\n", name, value);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tunnel *tunnel = user_data;
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (source), result, &error);

  if (connection == NULL) {
    tunnel_fail (tunnel, kube_proxy_explain (error, tunnel->target));
    return;
  }
  tunnel->connection = G_IO_STREAM (connection);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (tunnel->connection), tunnel->head->str, tunnel->head->len, G_PRIORITY_DEFAULT,
                                   kube_call_get_cancellable (tunnel->op->call), on_written, tunnel);
}

static gboolean
on_certificate (GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

static void
on_event (GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable, GIOStream *connection, gpointer user_data)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_signal_connect (connection, "accept-certificate", G_CALLBACK (on_certificate), NULL);
}

void
kube_proxy_tunnel (KubeOperation *op, const KubeProxyTarget *target, const char *path)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  Tunnel *tunnel = g_new0 (Tunnel, 1);
  const char *query = kube_call_get_query_string (op->call);

  tunnel->op = kube_operation_ref (op);
  tunnel->target = kube_proxy_target_print (target);
  tunnel->head = g_string_new (NULL);
  g_string_append_printf (tunnel->head, "%s %s%s%s HTTP/1.1\r\n", kube_call_get_method (op->call), path, query != NULL ? "?" : "", query != NULL ? query : "");
  kube_call_foreach_header (op->call, append_header, tunnel->head);
  g_string_append_printf (tunnel->head, "X-Forwarded-For: %s\r\n\r\n", kube_call_get_remote (op->call));
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_tls (client, target->tls);
  g_signal_connect (client, "event", G_CALLBACK (on_event), NULL);
  g_socket_client_connect_to_host_async (client, target->address, target->port, kube_call_get_cancellable (op->call), on_connected, tunnel);
}
