/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "http"
#include "http/kube-http-private.h"

#include <errno.h>
#include <kube/kube-log.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_THREADS 4
#define BACKLOG 4096
/* How long to leave new connections in the kernel's queue when this process is out of descriptors. */
#define EXHAUSTED_PAUSE_MS 100

static const KubeHttpTimeouts default_timeouts = {
  .handshake = 10 * G_USEC_PER_SEC,
  .header = 32 * G_USEC_PER_SEC,
  .body = 60 * G_USEC_PER_SEC,
  .idle = 90 * G_USEC_PER_SEC,
  .stall = 60 * G_USEC_PER_SEC,
  /* kubelet's streamingConnectionIdleTimeout and stream creation timeout */
  .session = 4 * 3600 * (gint64) G_USEC_PER_SEC,
  .streams = 30 * G_USEC_PER_SEC,
};

struct _KubeHttpFront {
  GObject parent;
  KubeServer *server; /* (owned) (nullable) */
  KubeHttpSettings settings;
  GSocket *listener;
  GPtrArray *workers; /* (element-type KubeHttpWorker) */
  GThread *acceptor;  /* (nullable): NULL once stopped */
  int wake;
  guint16 port;
};

G_DEFINE_FINAL_TYPE (KubeHttpFront, kube_http_front, G_TYPE_OBJECT)

static void
kube_http_front_init (KubeHttpFront *front)
{
  front->wake = -1;
  front->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_http_worker_free);
}

static void
kube_http_front_finalize (GObject *object)
{
  KubeHttpFront *front = KUBE_HTTP_FRONT (object);

  kube_http_front_stop (front, 0);
  g_ptr_array_unref (front->workers);
  g_clear_object (&front->listener);
  g_clear_pointer (&front->settings.tls, kube_tls_server_free);
  g_clear_object (&front->settings.clock);
  g_clear_pointer (&front->settings.client_ca, kube_client_ca_free);
  g_clear_pointer (&front->settings.gate, kube_http_gate_unref);
  g_clear_object (&front->server);
  if (front->wake >= 0)
    close (front->wake);
  G_OBJECT_CLASS (kube_http_front_parent_class)->finalize (object);
}

static void
kube_http_front_class_init (KubeHttpFrontClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_http_front_finalize;
}

static void
dispatch (KubeHttpFront *front, GSocket *socket, guint *turn)
{
  g_autoptr (GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);
  g_autofree char *address = NULL;

  if (!G_IS_INET_SOCKET_ADDRESS (remote))
    return;
  address = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  if (!kube_http_gate_enter (front->settings.gate, address)) {
    kube_info (2, "refused a connection from %s: too many", address);
    return;
  }
  kube_http_worker_take (g_ptr_array_index (front->workers, (*turn)++ % front->workers->len), socket, address);
}

static gboolean
wait_for_client (KubeHttpFront *front, gboolean exhausted)
{
  struct pollfd fds[2] = { { front->wake, POLLIN, 0 }, { g_socket_get_fd (front->listener), POLLIN, 0 } };

  while (poll (fds, exhausted ? 1 : 2, exhausted ? EXHAUSTED_PAUSE_MS : -1) < 0 && errno == EINTR)
    ;
  return (fds[0].revents & POLLIN) == 0;
}

static gpointer
accept_thread (gpointer data)
{
  KubeHttpFront *front = data;
  guint turn = 0;
  gboolean exhausted = FALSE;

  while (wait_for_client (front, exhausted)) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GSocket) socket = g_socket_accept (front->listener, NULL, &error);

    exhausted = error != NULL && (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS) || errno == EMFILE || errno == ENFILE ||
                                  errno == ENOBUFS || errno == ENOMEM);
    if (exhausted)
      kube_warning ("accepting: %s", error->message);
    if (socket != NULL)
      dispatch (front, socket, &turn);
  }
  return NULL;
}

static gboolean
listen_on (KubeHttpFront *front, const char *address, guint16 port, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string (address, port);
  g_autoptr (GSocketAddress) bound = NULL;

  if (wanted == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "not an IP address: %s", address);
    return FALSE;
  }
  front->listener = g_socket_new (g_socket_address_get_family (wanted), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &local);
  if (front->listener != NULL) {
    g_socket_set_blocking (front->listener, FALSE);
    g_socket_set_listen_backlog (front->listener, BACKLOG);
    if (g_socket_bind (front->listener, wanted, TRUE, &local) && g_socket_listen (front->listener, &local))
      bound = g_socket_get_local_address (front->listener, &local);
  }
  if (bound == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "listening on %s port %u: %s", address, port, local->message);
    return FALSE;
  }
  front->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return TRUE;
}

static gboolean
load_certificates (KubeHttpFront *front, const KubeHttpFrontOptions *options, GError **error)
{
  front->settings.tls = kube_tls_server_new (options->certificate_pem, options->key_pem, options->client_ca_pem != NULL, error);
  if (front->settings.tls == NULL || options->client_ca_pem == NULL)
    return front->settings.tls != NULL;
  front->settings.client_ca = kube_client_ca_new (options->client_ca_pem, error);
  return front->settings.client_ca != NULL;
}

KubeHttpFront *
kube_http_front_new_with_func (KubeCallFunc handle, gpointer user_data, KubeClock *clock, const KubeHttpFrontOptions *options,
                               const KubeHttpTimeouts *timeouts, GError **error)
{
  g_autoptr (KubeHttpFront) front = g_object_new (KUBE_TYPE_HTTP_FRONT, NULL);
  KubeHttpSettings *settings = &front->settings;
  guint threads = options->threads > 0 ? options->threads : MIN (g_get_num_processors (), MAX_THREADS);

  settings->clock = g_object_ref (clock);
  settings->handle = handle;
  settings->handle_data = user_data;
  settings->timeouts = timeouts != NULL ? *timeouts : default_timeouts;
  settings->max_body = options->max_body > 0 ? options->max_body : 3 * 1024 * 1024;
  settings->gate = kube_http_gate_new (options->max_connections > 0 ? options->max_connections : 20000,
                                       options->max_connections_per_address > 0 ? options->max_connections_per_address : 16384);
  if (!load_certificates (front, options, error) ||
      !listen_on (front, options->address != NULL ? options->address : "0.0.0.0", options->port, error))
    return NULL;
  front->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (guint i = 0; i < threads; i++)
    g_ptr_array_add (front->workers, kube_http_worker_new (settings));
  front->acceptor = g_thread_new ("kube-accept", accept_thread, front);
  return g_steal_pointer (&front);
}

static void
handle_by_server (KubeCall *call, gpointer user_data)
{
  kube_server_handle (user_data, call);
}

/**
 * kube_http_front_new:
 * @server: the server whose port this is
 * @options: address, certificate and limits
 * @error: return location for an error
 *
 * Opens the port and serves it until kube_http_front_stop().
 *
 * Returns: (transfer full): the front, or %NULL with %KUBE_ERROR_INTERNAL: the address is in use, the key does not fit the certificate
 * Since: 1.0
 */
KubeHttpFront *
kube_http_front_new (KubeServer *server, const KubeHttpFrontOptions *options, GError **error)
{
  KubeHttpFront *front = kube_http_front_new_with_func (handle_by_server, server, kube_clock_get_real (), options, NULL, error);

  if (front != NULL)
    front->server = g_object_ref (server);
  return front;
}

/**
 * kube_http_front_get_port:
 * @front: a front
 *
 * Returns: the port that it listens on
 * Since: 1.0
 */
guint16
kube_http_front_get_port (KubeHttpFront *front)
{
  return front->port;
}

/**
 * kube_http_front_stop:
 * @front: a front
 * @grace: microseconds
 *
 * Stops accepting, ends watches, waits for requests under way for at most @grace, then cuts. Blocks.
 *
 * Since: 1.0
 */
void
kube_http_front_stop (KubeHttpFront *front, gint64 grace)
{
  if (front->acceptor == NULL)
    return;
  eventfd_write (front->wake, 1);
  g_thread_join (g_steal_pointer (&front->acceptor));
  g_socket_close (front->listener, NULL);
  for (guint i = 0; i < front->workers->len; i++)
    kube_http_worker_drain (g_ptr_array_index (front->workers, i));
  kube_http_gate_wait_empty (front->settings.gate, g_get_monotonic_time () + grace);
  g_ptr_array_set_size (front->workers, 0);
}
