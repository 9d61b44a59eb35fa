/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-worker.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Deadlines are kept to this, so that many connections need few wake-ups. */
#define TIMER_SLACK (50 * 1000)
#define STOP_PATIENCE (500 * 1000)

KubeHttpWorker *
kube_http_worker_ref (KubeHttpWorker *worker)
{
  g_atomic_ref_count_inc (&worker->refs);
  return worker;
}

void
kube_http_worker_unref (KubeHttpWorker *worker)
{
  if (!g_atomic_ref_count_dec (&worker->refs))
    return;
  kube_http_gate_unref (worker->settings.gate);
  g_object_unref (worker->settings.clock);
  g_main_context_unref (worker->context);
  g_free (worker);
}

void
kube_http_worker_arm (KubeHttpWorker *worker, gint64 deadline)
{
  if (worker->stopping || (worker->timer_at >= 0 && worker->timer_at <= deadline + TIMER_SLACK))
    return;
  worker->timer_at = deadline + TIMER_SLACK;
  kube_clock_set_timer (worker->settings.clock, worker->timer, worker->timer_at);
}

static gboolean
on_timer (gpointer user_data)
{
  KubeHttpWorker *worker = user_data;
  gint64 now = kube_clock_get_monotonic_time (worker->settings.clock);
  gint64 next = -1;

  worker->timer_at = -1;
  for (GList *link = worker->connections.head; link != NULL;) {
    KubeHttpConnection *connection = link->data;
    gint64 deadline;

    link = link->next;
    deadline = kube_http_connection_expire (connection, now);
    if (deadline >= 0 && (next < 0 || deadline < next))
      next = deadline;
  }
  if (next >= 0)
    kube_http_worker_arm (worker, next);
  else
    kube_clock_set_timer (worker->settings.clock, worker->timer, -1);
  return G_SOURCE_CONTINUE;
}

static void
on_request_started (SoupServer *server, SoupServerMessage *message, KubeHttpWorker *worker)
{
  KubeHttpConnection *connection = kube_http_connection_of (message);

  if (connection != NULL)
    kube_http_connection_started (connection);
}

static void
on_request_over (SoupServer *server, SoupServerMessage *message, KubeHttpWorker *worker)
{
  KubeHttpConnection *connection = kube_http_connection_of (message);

  if (connection != NULL)
    kube_http_connection_finished (connection, message);
}

static void
on_headers (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  KubeHttpConnection *connection = kube_http_connection_of (message);

  if (connection == NULL)
    soup_server_message_set_status (message, SOUP_STATUS_FORBIDDEN, NULL);
  else if (kube_http_connection_check (connection, message))
    kube_http_connection_set_state (connection, KUBE_HTTP_BODY);
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  kube_http_connection_handle (kube_http_connection_of (message), message, path);
}

/* libsoup keeps connections alive only while a server listens somewhere. This socket listens where nobody can connect (it has no name that outlives this function), and its source is on a
 * context that never runs. */
static void
pretend_to_listen (SoupServer *server)
{
  g_autoptr (GMainContext) nowhere = g_main_context_new ();
  struct sockaddr_un unnamed = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autoptr (GSocket) listener = NULL;

  /* an address of two bytes makes the kernel choose an abstract one */
  if (fd < 0 || bind (fd, (struct sockaddr *) &unnamed, sizeof (sa_family_t)) < 0 || listen (fd, 1) < 0 ||
      (listener = g_socket_new_from_fd (fd, NULL)) == NULL) {
    if (fd >= 0)
      close (fd);
    return;
  }
  shutdown (fd, SHUT_RDWR);
  g_main_context_push_thread_default (nowhere);
  soup_server_listen_socket (server, listener, 0, NULL);
  g_main_context_pop_thread_default (nowhere);
}

static void
start_server (KubeHttpWorker *worker)
{
  worker->server = soup_server_new (NULL, NULL);
  pretend_to_listen (worker->server);
  g_signal_connect (worker->server, "request-started", G_CALLBACK (on_request_started), worker);
  g_signal_connect (worker->server, "request-finished", G_CALLBACK (on_request_over), worker);
  g_signal_connect (worker->server, "request-aborted", G_CALLBACK (on_request_over), worker);
  soup_server_add_early_handler (worker->server, NULL, on_headers, worker, NULL);
  soup_server_add_handler (worker->server, NULL, on_request, worker, NULL);
  worker->timer = kube_clock_create_timer (worker->settings.clock, -1);
  g_source_set_callback (worker->timer, on_timer, worker, NULL);
  g_source_attach (worker->timer, worker->context);
}

static gboolean
give_up (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
stop_server (KubeHttpWorker *worker)
{
  gboolean late = FALSE;
  g_autoptr (GSource) timeout = g_timeout_source_new (STOP_PATIENCE / 1000);

  for (GList *link = worker->connections.head; link != NULL; link = link->next)
    kube_http_connection_cut (link->data);
  soup_server_disconnect (worker->server);
  g_source_set_callback (timeout, give_up, &late, NULL);
  g_source_attach (timeout, worker->context);
  while (worker->connections.length > 0 && !late)
    g_main_context_iteration (worker->context, TRUE);
  g_source_destroy (timeout);
  g_source_destroy (worker->timer);
  g_source_unref (worker->timer);
  g_clear_object (&worker->server);
}

static gpointer
run (gpointer data)
{
  KubeHttpWorker *worker = data;

  g_main_context_push_thread_default (worker->context);
  start_server (worker);
  while (!worker->stopping)
    g_main_context_iteration (worker->context, TRUE);
  stop_server (worker);
  g_main_context_pop_thread_default (worker->context);
  kube_http_worker_unref (worker);
  return NULL;
}

KubeHttpWorker *
kube_http_worker_new (const KubeHttpSettings *settings)
{
  KubeHttpWorker *worker = g_new0 (KubeHttpWorker, 1);

  g_atomic_ref_count_init (&worker->refs);
  worker->settings = *settings;
  g_object_ref (worker->settings.clock);
  kube_http_gate_ref (worker->settings.gate);
  worker->context = g_main_context_new ();
  worker->timer_at = -1;
  worker->random[0] = ((guint64) g_random_int () << 32) | g_random_int ();
  worker->random[1] = ((guint64) g_random_int () << 32) | g_random_int () | 1;
  worker->thread = g_thread_new ("kube-http", run, kube_http_worker_ref (worker));
  return worker;
}

typedef struct {
  KubeHttpWorker *worker;
  GSocket *socket;
  char *address;
} Newcomer;

static void
newcomer_free (gpointer data)
{
  Newcomer *newcomer = data;

  if (newcomer->socket != NULL)
    kube_http_gate_leave (newcomer->worker->settings.gate, newcomer->address);
  g_clear_object (&newcomer->socket);
  g_free (newcomer->address);
  kube_http_worker_unref (newcomer->worker);
  g_free (newcomer);
}

static gboolean
take (gpointer user_data)
{
  Newcomer *newcomer = user_data;

  if (newcomer->worker->stopping || newcomer->worker->draining)
    return G_SOURCE_REMOVE;
  kube_http_connection_begin (newcomer->worker, newcomer->socket, newcomer->address);
  g_clear_object (&newcomer->socket);
  return G_SOURCE_REMOVE;
}

static void
invoke (KubeHttpWorker *worker, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, worker->context);
}

void
kube_http_worker_take (KubeHttpWorker *worker, GSocket *socket, const char *address)
{
  Newcomer *newcomer = g_new (Newcomer, 1);

  newcomer->worker = kube_http_worker_ref (worker);
  newcomer->socket = g_object_ref (socket);
  newcomer->address = g_strdup (address);
  invoke (worker, take, newcomer, newcomer_free);
}

static gboolean
drain (gpointer user_data)
{
  KubeHttpWorker *worker = user_data;

  worker->draining = TRUE;
  for (GList *link = worker->connections.head; link != NULL;) {
    KubeHttpConnection *connection = link->data;
    link = link->next;
    kube_http_connection_drain (connection);
  }
  return G_SOURCE_REMOVE;
}

void
kube_http_worker_drain (KubeHttpWorker *worker)
{
  invoke (worker, drain, kube_http_worker_ref (worker), (GDestroyNotify) kube_http_worker_unref);
}

static gboolean
stop (gpointer user_data)
{
  ((KubeHttpWorker *) user_data)->stopping = TRUE;
  return G_SOURCE_REMOVE;
}

void
kube_http_worker_free (KubeHttpWorker *worker)
{
  invoke (worker, stop, worker, NULL);
  g_thread_join (worker->thread);
  kube_http_worker_unref (worker);
}
