/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-http-pipe-private.h"
#include "kube-source.h"

#include <gio/gunixinputstream.h>
#include <sys/socket.h>
#include <unistd.h>

/* The transport's end. */
typedef struct {
  KubeHttpTransport *transport;  /* (owned) */
  GCancellable *cancellable;     /* (owned): ended when the reader goes */
  GSocketConnection *connection; /* (owned) */
  GSource *gone;                 /* (owned): the reader has gone */
} Pipe;

static void
pipe_free (Pipe *pipe)
{
  kube_clear_source (&pipe->gone);
  g_object_unref (pipe->connection);
  g_object_unref (pipe->cancellable);
  kube_http_transport_unref (pipe->transport);
  g_free (pipe);
}

static gboolean
on_gone (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Pipe *pipe = user_data;

  g_cancellable_cancel (pipe->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_spliced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Pipe *pipe = user_data;

  g_output_stream_splice_finish (G_OUTPUT_STREAM (source), result, NULL);
  g_io_stream_close (G_IO_STREAM (pipe->connection), NULL, NULL);
  pipe_free (pipe);
}

GInputStream *
kube_http_pipe_new (GInputStream *body, KubeHttpTransport *transport, GError **error)
{
  int fds[2];

  /* A socket, since writing to a pipe whose reader has gone would raise a signal. */
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "opening a stream: %s", g_strerror (errno));
    return NULL;
  }
  g_autoptr (GInputStream) theirs = g_unix_input_stream_new (fds[1], TRUE);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fds[0], error);
  if (socket == NULL) {
    close (fds[0]);
    return NULL;
  }

  Pipe *pipe = g_new0 (Pipe, 1);
  pipe->transport = kube_http_transport_ref (transport);
  pipe->cancellable = g_cancellable_new ();
  pipe->connection = g_socket_connection_factory_create_connection (socket);
  pipe->gone = g_socket_create_source (socket, G_IO_HUP, NULL);
  g_source_set_callback (pipe->gone, G_SOURCE_FUNC (on_gone), pipe, NULL);
  g_source_attach (pipe->gone, kube_http_transport_get_context (transport));
  g_output_stream_splice_async (g_io_stream_get_output_stream (G_IO_STREAM (pipe->connection)), body,
                                G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE, G_PRIORITY_DEFAULT, pipe->cancellable, on_spliced, pipe);
  return g_steal_pointer (&theirs);
}
