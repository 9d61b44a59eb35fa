/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"

/* Ports of a pod, each a pair of channels: data and errors. Over a plain WebSocket the client names the ports in the query and each of its channels begins with its port in two bytes, low byte
 * first; over SPDY it opens a pair for each connection. */

#define MAX_PORTS 128

static const char *const protocols[] = { "SPDY/3.1+portforward.k8s.io", "portforward.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", NULL };

typedef struct _Forward Forward;

typedef struct {
  Forward *forward;
  guint channel;
  guint16 port;
  GIOStream *connection; /* (nullable) */
  KubePump *pump;        /* (nullable) */
  KubeSink *sink;        /* (nullable) */
  GQueue early;          /* (element-type GBytes): what came before the connection stood */
  gboolean ended;        /* the client has sent all */
} Connection;

struct _Forward {
  guint refs;
  KubeOperation *op;
  KubeNodeApi *node;
  KubeObject *pod;
  KubeStreamSession *session;
  GPtrArray *connections; /* (element-type Connection) */
  guint announced;        /* ports of the query that have not ended */
  gboolean closed;
};

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  g_clear_pointer (&connection->pump, kube_pump_free);
  g_clear_pointer (&connection->sink, kube_sink_free);
  if (connection->connection != NULL)
    g_io_stream_close_async (connection->connection, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_clear_object (&connection->connection);
  g_queue_clear_full (&connection->early, (GDestroyNotify) g_bytes_unref);
  g_free (connection);
}

static void
forward_unref (Forward *self)
{
  if (--self->refs > 0)
    return;
  g_ptr_array_unref (self->connections);
  g_clear_pointer (&self->session, kube_stream_session_unref);
  kube_object_unref (self->pod);
  g_object_unref (self->node);
  kube_operation_unref (self->op);
  g_free (self);
}

static Connection *
find_connection (Forward *self, guint channel)
{
  for (guint i = 0; i < self->connections->len; i++) {
    Connection *connection = g_ptr_array_index (self->connections, i);
    if (connection->channel == channel)
      return connection;
  }
  return NULL;
}

static void
data_ended (gpointer user_data)
{
  Connection *connection = user_data;
  Forward *self = connection->forward;

  kube_stream_session_close_channel (self->session, connection->channel);
  kube_stream_session_close_channel (self->session, connection->channel + 1);
  /* a plain WebSocket cannot close a channel: its client learns the end from the end of all */
  if (self->announced > 0 && --self->announced == 0)
    kube_stream_session_close (self->session, 1000, NULL);
}

static void
on_dialled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Connection *connection = user_data;
  Forward *self = connection->forward;
  g_autoptr (GError) error = NULL;

  connection->connection = kube_node_api_dial_finish (KUBE_NODE_API (source), result, &error);
  if (self->closed) {
    forward_unref (self);
    return;
  }
  if (connection->connection == NULL) {
    g_autofree char *text = g_strdup_printf ("error forwarding port %u to pod %s: %s", connection->port, kube_object_get_name (self->pod), error->message);
    g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
    kube_stream_session_send (self->session, connection->channel + 1, bytes);
    data_ended (connection);
  } else {
    GBytes *early;
    connection->sink = kube_sink_new (self->session, g_io_stream_get_output_stream (connection->connection));
    connection->pump = kube_pump_new (self->session, connection->channel, g_io_stream_get_input_stream (connection->connection), data_ended, connection);
    while ((early = g_queue_pop_head (&connection->early)) != NULL) {
      kube_sink_write (connection->sink, early);
      g_bytes_unref (early);
    }
    kube_stream_session_set_paused (self->session, FALSE);
    if (connection->ended)
      kube_sink_end (connection->sink);
  }
  forward_unref (self);
}

static gboolean
open_port (Forward *self, guint channel, guint16 port)
{
  Connection *connection;

  if (self->connections->len >= MAX_PORTS * 8 || port == 0)
    return FALSE;
  connection = g_new0 (Connection, 1);
  connection->forward = self;
  connection->channel = channel;
  connection->port = port;
  g_queue_init (&connection->early);
  g_ptr_array_add (self->connections, connection);
  self->refs++;
  kube_node_api_dial_async (self->node, self->pod, port, NULL, on_dialled, connection);
  return TRUE;
}

static void
on_data (KubeStreamSession *session, guint channel, GBytes *data, gpointer user_data)
{
  Connection *connection = find_connection (user_data, channel);

  if (connection == NULL)
    return;
  if (connection->sink != NULL) {
    kube_sink_write (connection->sink, data);
    return;
  }
  g_queue_push_tail (&connection->early, g_bytes_ref (data));
  kube_stream_session_set_paused (session, TRUE);
}

static void
on_channel_closed (KubeStreamSession *session, guint channel, gpointer user_data)
{
  Connection *connection = find_connection (user_data, channel);

  if (connection == NULL)
    return;
  connection->ended = TRUE;
  if (connection->sink != NULL)
    kube_sink_end (connection->sink);
}

static void
on_drained (KubeStreamSession *session, gpointer user_data)
{
  Forward *self = user_data;

  for (guint i = 0; i < self->connections->len; i++) {
    Connection *connection = g_ptr_array_index (self->connections, i);
    if (connection->pump != NULL)
      kube_pump_resume (connection->pump);
  }
}

static gboolean
on_port_opened (KubeStreamSession *session, guint channel, guint16 port, gpointer user_data)
{
  return open_port (user_data, channel, port);
}

static void
on_closed (KubeStreamSession *session, const GError *error, gpointer user_data)
{
  Forward *self = user_data;

  self->closed = TRUE;
  for (guint i = 0; i < self->connections->len; i++) {
    Connection *connection = g_ptr_array_index (self->connections, i);
    g_clear_pointer (&connection->pump, kube_pump_free);
    g_clear_pointer (&connection->sink, kube_sink_free);
  }
  forward_unref (self);
}

/* The ports of the query. -1: one of them is none. */
static int
read_ports (KubeOperation *op, guint16 ports[MAX_PORTS])
{
  const char *const *given = kube_call_get_query_all (op->call, "ports");
  int n = 0;

  for (guint i = 0; given != NULL && given[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (given[i], ",", -1);
    for (guint k = 0; parts[k] != NULL; k++) {
      guint64 port;
      if (n == MAX_PORTS || !g_ascii_string_to_unsigned (parts[k], 10, 1, G_MAXUINT16, &port, NULL))
        return -1;
      ports[n++] = (guint16) port;
    }
  }
  return n;
}

static void
announce_ports (Forward *self, const guint16 *ports, int n)
{
  self->announced = (guint) n;
  for (int i = 0; i < n; i++) {
    guint8 text[2] = { ports[i] & 0xff, ports[i] >> 8 };
    g_autoptr (GBytes) bytes = g_bytes_new (text, sizeof text);
    kube_stream_session_send (self->session, (guint) (2 * i), bytes);
    kube_stream_session_send (self->session, (guint) (2 * i + 1), bytes);
    open_port (self, (guint) (2 * i), ports[i]);
  }
}

void
kube_pod_stream_ports (KubeOperation *op, KubeNodeApi *node, KubeObject *pod)
{
  static const KubeStreamSessionFuncs funcs = { on_data, on_channel_closed, on_drained, on_closed, on_port_opened };
  guint16 ports[MAX_PORTS];
  int n = read_ports (op, ports);
  g_autoptr (GError) error = NULL;
  KubeStreamSession *session;
  Forward *self;

  if (n < 0) {
    kube_operation_take_error (op, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "query parameter \"ports\" is not a list of ports"));
    return;
  }
  session = kube_call_upgrade (op->call, protocols, &error);
  if (session == NULL) {
    kube_operation_answer_error (op, error);
    return;
  }
  self = g_new0 (Forward, 1);
  self->refs = 1;
  self->op = kube_operation_ref (op);
  self->node = g_object_ref (node);
  self->pod = kube_object_ref (pod);
  self->session = session;
  self->connections = g_ptr_array_new_with_free_func (connection_free);
  if (strstr (kube_stream_session_get_protocol (session), "channel.k8s.io") != NULL)
    announce_ports (self, ports, n);
  kube_stream_session_start (session, &funcs, self);
}
