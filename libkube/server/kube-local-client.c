/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-local-call.h"
#include "kube-server-private.h"

#define DEFAULT_USER_AGENT "libkube"

/**
 * KubeLocalClient:
 *
 * A client of a server in the same process. A request runs through the server's pipeline on the caller's thread, as far as it goes without waiting; what it waits for comes back to the main
 * context that was thread-default at the call. Objects are handed over as they are: nothing is printed, parsed or copied for the caller.
 */
struct _KubeLocalClient {
  GObject parent;
  KubeServer *server;
  KubeUser *user;
  GMutex lock;
  char *user_agent; /* (mutex lock) */
};

static void kube_local_client_iface_init (KubeClientInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KubeLocalClient, kube_local_client, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (KUBE_TYPE_CLIENT, kube_local_client_iface_init))

typedef struct {
  GTask *task;
  KubeLocalCall *call;
  KubeLocalStream *stream; /* (nullable): of an open */
  gulong cancelled;
} Pending;

static void
pending_free (Pending *pending)
{
  GCancellable *cancellable = g_task_get_cancellable (pending->task);

  if (pending->cancelled != 0)
    g_signal_handler_disconnect (cancellable, pending->cancelled);
  g_clear_object (&pending->stream);
  g_object_unref (pending->call);
  g_object_unref (pending->task);
  g_free (pending);
}

static void
on_answer (KubeLocalCall *call, int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const GError *error, gpointer user_data)
{
  Pending *pending = user_data;

  if (error != NULL)
    g_task_return_error (pending->task, g_error_copy (error));
  else
    g_task_return_pointer (pending->task, kube_response_new (http_status, object, list, body, kube_call_get_warnings (KUBE_CALL (call))), (GDestroyNotify) kube_response_unref);
  pending_free (pending);
}

static void
handle (KubeLocalClient *self, Pending *pending)
{
  g_autoptr (KubeCall) call = KUBE_CALL (g_object_ref (pending->call));
  kube_server_handle (self->server, call);
}

static Pending *
begin (KubeLocalClient *self, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data, const KubeLocalCallFuncs *funcs, gpointer tag)
{
  g_autofree char *path = kube_request_dup_path (request), *user_agent = NULL;
  Pending *pending = g_new0 (Pending, 1);

  g_mutex_lock (&self->lock);
  user_agent = g_strdup (self->user_agent);
  g_mutex_unlock (&self->lock);

  pending->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (pending->task, tag);
  pending->call = kube_local_call_new (self->user, user_agent, kube_request_get_method (request), path, kube_request_get_content_type (request), kube_request_get_object (request),
      kube_request_get_patch (request, NULL), funcs, pending);
  return pending;
}

static void
kube_local_client_send_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  static const KubeLocalCallFuncs funcs = { .answer = on_answer };

  handle (KUBE_LOCAL_CLIENT (client), begin (KUBE_LOCAL_CLIENT (client), request, cancellable, callback, user_data, &funcs, kube_local_client_send_async));
}

static KubeResponse *
kube_local_client_send_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static KubeWatch *
kube_local_client_watch (KubeClient *client, KubeRequest *request)
{
  KubeLocalClient *self = KUBE_LOCAL_CLIENT (client);
  g_autofree char *path = kube_request_dup_path (request);

  return kube_local_watch_new (self->server, self->user, path);
}

/* --- streams of bytes --- */

static void
on_opened (KubeLocalCall *call, int http_status, gpointer user_data)
{
  Pending *pending = user_data;

  g_task_return_pointer (pending->task, g_object_ref (pending->stream), g_object_unref);
}

static void
on_bytes (KubeLocalCall *call, GBytes *bytes, gpointer user_data)
{
  kube_local_stream_push (((Pending *) user_data)->stream, bytes);
}

static void
on_end (KubeLocalCall *call, const GError *error, gpointer user_data)
{
  Pending *pending = user_data;

  kube_local_stream_end (pending->stream, error);
  pending_free (pending);
}

static void
on_whole (KubeLocalCall *call, int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const GError *error, gpointer user_data)
{
  Pending *pending = user_data;

  if (error != NULL) {
    g_task_return_error (pending->task, g_error_copy (error));
  } else {
    if (body != NULL)
      kube_local_stream_push (pending->stream, body);
    kube_local_stream_end (pending->stream, NULL);
    g_task_return_pointer (pending->task, g_object_ref (pending->stream), g_object_unref);
  }
  pending_free (pending);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  kube_call_gone (KUBE_CALL (((Pending *) user_data)->call));
}

static void
kube_local_client_open_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  static const KubeLocalCallFuncs funcs = { .answer = on_whole, .begin = on_opened, .bytes = on_bytes, .end = on_end };
  Pending *pending = begin (KUBE_LOCAL_CLIENT (client), request, cancellable, callback, user_data, &funcs, kube_local_client_open_async);

  pending->stream = kube_local_stream_new ();
  if (cancellable != NULL)
    pending->cancelled = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), pending);
  handle (KUBE_LOCAL_CLIENT (client), pending);
}

static GInputStream *
kube_local_client_open_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static KubeScheme *
kube_local_client_get_scheme (KubeClient *client)
{
  return kube_server_get_scheme (KUBE_LOCAL_CLIENT (client)->server);
}

static void
kube_local_client_iface_init (KubeClientInterface *iface)
{
  iface->send_async = kube_local_client_send_async;
  iface->send_finish = kube_local_client_send_finish;
  iface->watch = kube_local_client_watch;
  iface->open_async = kube_local_client_open_async;
  iface->open_finish = kube_local_client_open_finish;
  iface->get_scheme = kube_local_client_get_scheme;
}

static void
kube_local_client_finalize (GObject *object)
{
  KubeLocalClient *self = KUBE_LOCAL_CLIENT (object);

  g_clear_object (&self->server);
  g_clear_pointer (&self->user, kube_user_unref);
  g_free (self->user_agent);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (kube_local_client_parent_class)->finalize (object);
}

static void
kube_local_client_class_init (KubeLocalClientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_local_client_finalize;
}

static void
kube_local_client_init (KubeLocalClient *self)
{
  g_mutex_init (&self->lock);
  self->user_agent = g_strdup (DEFAULT_USER_AGENT);
}

/**
 * kube_local_client_new:
 * @server: a server of this process
 * @user: who the requests come from, for example `system:kube-scheduler`
 * @groups: (nullable) (array zero-terminated=1): the user's groups; `system:authenticated` is added
 *
 * Returns: (transfer full): a client
 * Since: 1.0
 */
KubeClient *
kube_local_client_new (KubeServer *server, const char *user, const char *const *groups)
{
  KubeLocalClient *self = g_object_new (KUBE_TYPE_LOCAL_CLIENT, NULL);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) all = NULL;

  if (groups != NULL)
    g_strv_builder_addv (builder, (const char **) groups);
  if (groups == NULL || !g_strv_contains (groups, "system:authenticated"))
    g_strv_builder_add (builder, "system:authenticated");
  all = g_strv_builder_end (builder);
  self->server = g_object_ref (server);
  self->user = kube_user_new (user, NULL, (const char *const *) all, NULL);
  return KUBE_CLIENT (self);
}

/**
 * kube_local_client_set_user_agent:
 * @client: a client
 * @user_agent: for example `kube-scheduler`
 *
 * Says who asks, from the next request on: objects' managers (metadata.managedFields) are named after it, up to the first slash. `libkube` otherwise.
 *
 * Since: 1.0
 */
void
kube_local_client_set_user_agent (KubeLocalClient *client, const char *user_agent)
{
  g_return_if_fail (KUBE_IS_LOCAL_CLIENT (client) && user_agent != NULL);

  g_mutex_lock (&client->lock);
  g_free (client->user_agent);
  client->user_agent = g_strdup (user_agent);
  g_mutex_unlock (&client->lock);
}
