/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-http-worker.h"
#include "kube-source.h"

#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Deadlines are kept to this, so that many connections need few wake-ups. */
#define TIMER_SLACK (50 * 1000)
#define STOP_PATIENCE (500 * 1000)
#define EVENTS_AT_ONCE 128

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
  g_ptr_array_unref (worker->later);
  g_string_free (worker->scratch, TRUE);
  close (worker->epoll);
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

void
kube_http_worker_look_later (KubeHttpWorker *worker, KubeHttpConnection *connection)
{
  g_ptr_array_add (worker->later, connection);
  if (worker->later->len == 1)
    g_source_set_ready_time (worker->later_source, 0);
}

static gboolean
dispatch_later (GSource *source, GSourceFunc callback, gpointer user_data)
{
  KubeHttpWorker *worker = user_data;
  g_autoptr (GPtrArray) now = worker->later;

  g_source_set_ready_time (source, -1);
  worker->later = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_http_connection_unref);
  for (guint i = 0; i < now->len; i++)
    kube_http_connection_continue (g_ptr_array_index (now, i));
  return G_SOURCE_CONTINUE;
}

static gboolean
on_epoll (int fd, GIOCondition condition, gpointer user_data)
{
  struct epoll_event events[EVENTS_AT_ONCE];
  int n = epoll_wait (fd, events, EVENTS_AT_ONCE, 0);

  /* whoever is closed in here lives on until its turn in `later` */
  for (int i = 0; i < n; i++)
    kube_http_connection_on_ready (events[i].data.ptr, events[i].events);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs later_funcs = { .dispatch = dispatch_later };

static gboolean
never_called (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
start_sources (KubeHttpWorker *worker, GSource **waiter)
{
  *waiter = g_unix_fd_source_new (worker->epoll, G_IO_IN);
  g_source_set_callback (*waiter, G_SOURCE_FUNC (on_epoll), worker, NULL);
  /* GLib takes the descriptor of a source that must not recurse out of the poll while it runs, and wakes itself for that */
  g_source_set_can_recurse (*waiter, TRUE);
  g_source_attach (*waiter, worker->context);
  worker->later_source = g_source_new (&later_funcs, sizeof (GSource));
  g_source_set_callback (worker->later_source, never_called, worker, NULL);
  g_source_attach (worker->later_source, worker->context);
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

/* Calls that are still in the pipeline hold their connection; they get a moment to notice that their client has gone. */
static void
close_all (KubeHttpWorker *worker)
{
  gboolean late = FALSE;
  g_autoptr (GSource) timeout = g_timeout_source_new (STOP_PATIENCE / 1000);

  while (worker->connections.head != NULL)
    kube_http_connection_close (worker->connections.head->data);
  g_source_set_callback (timeout, give_up, &late, NULL);
  g_source_attach (timeout, worker->context);
  while (g_atomic_ref_count_compare (&worker->refs, 2) == FALSE && !late)
    g_main_context_iteration (worker->context, TRUE);
  g_source_destroy (timeout);
}

static gpointer
run (gpointer data)
{
  KubeHttpWorker *worker = data;
  g_autoptr (GSource) waiter = NULL;

  g_main_context_push_thread_default (worker->context);
  start_sources (worker, &waiter);
  while (!worker->stopping)
    g_main_context_iteration (worker->context, TRUE);
  close_all (worker);
  g_source_destroy (waiter);
  kube_clear_source (&worker->timer);
  kube_clear_source (&worker->later_source);
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
  worker->epoll = epoll_create1 (EPOLL_CLOEXEC);
  worker->later = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_http_connection_unref);
  worker->scratch = g_string_sized_new (4096);
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

  g_source_set_static_name (source, "kube-http-worker");
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
