/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-http-client-private.h"
#include "kube-http-credential-private.h"
#include "kube-http-pipe-private.h"
#include "kube-http-transport-private.h"
#include "kube-http-watch-private.h"
#include "kube-status-private.h"

#include <string.h>

#define TRIES_MAX 10
#define BODY_MAX (1024 * 1024 * 1024)
#define ERROR_BODY_MAX (3 * 1024 * 1024)
#define READ_SIZE (64 * 1024)
#define DEFAULT_USER_AGENT "libkube/v1.36"

/* What requests share; it outlives the client while any is under way. */
typedef struct {
  gatomicrefcount refs;
  KubeHttpTransport *transport;   /* (owned) */
  KubeHttpCredential *credential; /* (owned): only on the transport's thread */
  KubeConfig *config;             /* (owned) */
  KubeClock *clock;               /* (owned) */
  GMutex lock;
  char *user_agent; /* (mutex lock) */
} Engine;

struct _KubeHttpClient {
  GObject parent;
  Engine *engine;
};

typedef enum { SEND, OPEN, WATCH } Mode;

/* One request, through all its tries. Lives on the transport's thread. */
typedef struct {
  Engine *engine;       /* (owned) */
  KubeRequest *request; /* (owned) */
  Mode mode;
  GTask *task;               /* (owned) (nullable): of SEND and OPEN */
  KubeHttpStream *stream;    /* (owned) (nullable): of WATCH */
  GCancellable *cancellable; /* (owned) (nullable) */
  guint tries;
  gboolean refused;       /* another credential was tried already */
  KubeHttpAnswer *answer; /* (owned) (nullable) */
  GByteArray *body;       /* (owned) (nullable) */
} Exchange;

static void kube_http_client_iface_init (KubeClientInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KubeHttpClient, kube_http_client, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_CLIENT, kube_http_client_iface_init))

static Engine *
engine_ref (Engine *engine)
{
  g_atomic_ref_count_inc (&engine->refs);
  return engine;
}

static void
engine_unref (Engine *engine)
{
  if (!g_atomic_ref_count_dec (&engine->refs))
    return;
  kube_http_transport_unref (engine->transport);
  kube_http_credential_free (engine->credential);
  kube_config_unref (engine->config);
  g_object_unref (engine->clock);
  g_mutex_clear (&engine->lock);
  g_free (engine->user_agent);
  g_free (engine);
}

static Exchange *
exchange_new (Engine *engine, KubeRequest *request, Mode mode)
{
  Exchange *exchange = g_new0 (Exchange, 1);

  exchange->engine = engine_ref (engine);
  exchange->request = kube_request_ref (request);
  exchange->mode = mode;
  return exchange;
}

static void
exchange_free (Exchange *exchange)
{
  g_clear_pointer (&exchange->answer, kube_http_answer_free);
  g_clear_pointer (&exchange->body, g_byte_array_unref);
  g_clear_object (&exchange->task);
  g_clear_object (&exchange->cancellable);
  g_clear_pointer (&exchange->stream, kube_http_stream_unref);
  kube_request_unref (exchange->request);
  engine_unref (exchange->engine);
  g_free (exchange);
}

/* The end of an exchange that failed; takes @error. */
static void
exchange_fail (Exchange *exchange, GError *error)
{
  kube_http_transport_convert_error (&error, kube_request_get_method (exchange->request), exchange->engine->config->server);
  if (exchange->mode == WATCH)
    kube_http_stream_close (exchange->stream, error);
  else
    g_task_return_error (exchange->task, error);
  exchange_free (exchange);
}

static void exchange_begin (Exchange *exchange);

static gboolean
on_retry (gpointer user_data)
{
  exchange_begin (user_data);
  return G_SOURCE_REMOVE;
}

static void
exchange_retry (Exchange *exchange, int seconds)
{
  g_clear_pointer (&exchange->answer, kube_http_answer_free);
  g_clear_pointer (&exchange->body, g_byte_array_unref);
  g_source_unref (kube_clock_add_timeout (exchange->engine->clock, seconds * (gint64) G_USEC_PER_SEC, on_retry, exchange));
}

static void
exchange_complete (Exchange *exchange)
{
  g_autoptr (GBytes) body = g_byte_array_free_to_bytes (g_steal_pointer (&exchange->body));
  const KubeHttpAnswer *answer = exchange->answer;
  GError *error = NULL;
  KubeResponse *response = kube_http_client_parse_response (exchange->request, answer->status, answer->is_json, body,
                                                            (const char *const *) answer->warnings, &error);

  if (response == NULL) {
    exchange_fail (exchange, error);
    return;
  }
  g_task_return_pointer (exchange->task, response, (GDestroyNotify) kube_response_unref);
  exchange_free (exchange);
}

static GError *
make_status_error (Exchange *exchange)
{
  const KubeHttpAnswer *answer = exchange->answer;
  g_autoptr (KubeValue) status = NULL;
  const char *text = (const char *) exchange->body->data;

  if (answer->is_json)
    status = kube_value_parse (text != NULL ? text : "", exchange->body->len, NULL);
  if (g_strcmp0 (kube_value_get_member_string (status, "kind"), "Status") == 0)
    return kube_error_new_from_status (status, answer->status);
  g_byte_array_append (exchange->body, (const guint8 *) "", 1);
  return kube_error_new_from_http (answer->status, kube_request_get_method (exchange->request),
                                   (const char *) exchange->body->data, MAX (answer->retry_after, 0));
}

/* A bad answer has been read. */
static void
exchange_refused (Exchange *exchange)
{
  const KubeHttpAnswer *answer = exchange->answer;
  gboolean asked_to_wait = answer->retry_after >= 0 && (answer->status == 429 || answer->status >= 500);

  if (answer->status == 401 && !exchange->refused && kube_http_credential_refuse (exchange->engine->credential)) {
    exchange->refused = TRUE;
    exchange_retry (exchange, 0);
    return;
  }
  if (asked_to_wait && exchange->tries < TRIES_MAX) {
    exchange_retry (exchange, answer->retry_after);
    return;
  }
  exchange_fail (exchange, make_status_error (exchange));
}

static gboolean
is_good (const KubeHttpAnswer *answer)
{
  return answer->status >= 200 && answer->status < 300;
}

static void read_body (Exchange *exchange);

/* The connection broke; a request that changes nothing is sent again. Takes @error. */
static void
exchange_broken (Exchange *exchange, GError *error)
{
  gboolean again = kube_http_transport_is_broken (error) && g_str_equal (kube_request_get_method (exchange->request), "GET");

  if (!again || exchange->tries >= TRIES_MAX) {
    exchange_fail (exchange, error);
    return;
  }
  g_error_free (error);
  exchange_retry (exchange, 1);
}

static void
on_body_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exchange *exchange = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  gboolean good = is_good (exchange->answer);

  if (bytes == NULL) {
    exchange_broken (exchange, error);
    return;
  }
  if (g_bytes_get_size (bytes) > 0) {
    g_byte_array_append (exchange->body, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    if (exchange->body->len <= (good ? BODY_MAX : ERROR_BODY_MAX))
      read_body (exchange);
    else
      exchange_fail (exchange, g_error_new (KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE,
                                            "the server's answer is longer than %d bytes", good ? BODY_MAX : ERROR_BODY_MAX));
    return;
  }
  if (good)
    exchange_complete (exchange);
  else
    exchange_refused (exchange);
}

static void
read_body (Exchange *exchange)
{
  g_input_stream_read_bytes_async (exchange->answer->body, READ_SIZE, G_PRIORITY_DEFAULT, exchange->cancellable, on_body_read,
                                   exchange);
}

static void
exchange_open (Exchange *exchange)
{
  GError *error = NULL;
  GInputStream *stream = kube_http_pipe_new (exchange->answer->body, exchange->engine->transport, &error);

  if (stream == NULL) {
    exchange_fail (exchange, error);
    return;
  }
  g_task_return_pointer (exchange->task, stream, g_object_unref);
  exchange_free (exchange);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exchange *exchange = user_data;
  GError *error = NULL;

  exchange->answer = kube_http_transport_send_finish (exchange->engine->transport, result, &error);
  if (exchange->answer == NULL)
    exchange_broken (exchange, error);
  else if (is_good (exchange->answer) && exchange->mode == WATCH) {
    kube_http_stream_read (exchange->stream, exchange->answer->body);
    exchange_free (exchange);
  } else if (is_good (exchange->answer) && exchange->mode == OPEN)
    exchange_open (exchange);
  else {
    exchange->body = g_byte_array_sized_new (CLAMP (exchange->answer->length, 1024, 4 * 1024 * 1024));
    read_body (exchange);
  }
}

static void
add_header (GPtrArray *headers, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_ptr_array_add (headers, g_strdup (name));
  g_ptr_array_add (headers, g_strdup (value));
}

static void
add_impersonation (GPtrArray *headers, const KubeConfig *config)
{
  add_header (headers, "Impersonate-User", config->impersonate_user);
  add_header (headers, "Impersonate-Uid", config->impersonate_uid);
  for (guint i = 0; config->impersonate_groups != NULL && config->impersonate_groups[i] != NULL; i++)
    add_header (headers, "Impersonate-Group", config->impersonate_groups[i]);
  for (guint i = 0; i < kube_value_get_length (config->impersonate_extra); i++) {
    KubeValue *values = kube_value_get_element (config->impersonate_extra, i);
    g_autofree char *key = g_uri_escape_string (kube_value_get_key (config->impersonate_extra, i), NULL, FALSE);
    g_autofree char *name = g_strconcat ("Impersonate-Extra-", key, NULL);
    for (guint j = 0; j < kube_value_get_length (values); j++)
      add_header (headers, name, kube_value_peek_string (kube_value_get_element (values, j), NULL));
  }
}

static char *
dup_user_agent (Engine *engine)
{
  g_mutex_lock (&engine->lock);
  char *user_agent = g_strdup (engine->user_agent);
  g_mutex_unlock (&engine->lock);
  return user_agent;
}

static void
on_credential (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exchange *exchange = user_data;
  Engine *engine = exchange->engine;
  GError *error = NULL;
  g_autofree char *authorization = kube_http_credential_get_finish (engine->credential, result, &error);
  g_autoptr (GPtrArray) headers = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *user_agent = dup_user_agent (engine);
  g_autofree char *path = kube_request_dup_path (exchange->request);
  g_autoptr (GBytes) body = kube_request_dup_body (exchange->request);

  if (error != NULL) {
    exchange_fail (exchange, error);
    return;
  }
  add_header (headers, "Accept", exchange->mode == OPEN ? "*/*" : "application/json, */*");
  add_header (headers, "User-Agent", user_agent);
  add_header (headers, "Authorization", authorization);
  add_impersonation (headers, engine->config);
  const KubeHttpMessage message = {
    .method = kube_request_get_method (exchange->request),
    .path = path,
    .headers = headers,
    .content_type = kube_request_get_content_type (exchange->request),
    .body = body,
  };
  exchange->tries++;
  kube_http_transport_send_async (engine->transport, &message, exchange->cancellable, on_answer, exchange);
}

static void
exchange_begin (Exchange *exchange)
{
  g_autoptr (GError) error = NULL;

  if (exchange->cancellable != NULL && g_cancellable_set_error_if_cancelled (exchange->cancellable, &error))
    exchange_fail (exchange, g_steal_pointer (&error));
  else
    kube_http_credential_get_async (exchange->engine->credential, on_credential, exchange);
}

static void
exchange_start (Exchange *exchange)
{
  kube_http_transport_invoke (exchange->engine->transport, on_retry, exchange);
}

static void
start_task (KubeClient *client, KubeRequest *request, Mode mode, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data, gpointer tag)
{
  Exchange *exchange = exchange_new (KUBE_HTTP_CLIENT (client)->engine, request, mode);

  exchange->task = g_task_new (client, cancellable, callback, user_data);
  g_task_set_source_tag (exchange->task, tag);
  exchange->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  exchange_start (exchange);
}

static void
http_send_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                 gpointer user_data)
{
  start_task (client, request, SEND, cancellable, callback, user_data, http_send_async);
}

static KubeResponse *
http_send_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, http_send_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
http_open_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                 gpointer user_data)
{
  start_task (client, request, OPEN, cancellable, callback, user_data, http_open_async);
}

static GInputStream *
http_open_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, http_open_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
start_watch (KubeHttpStream *stream, gpointer user_data)
{
  const Exchange *model = user_data;
  Exchange *exchange = exchange_new (model->engine, model->request, WATCH);

  exchange->stream = kube_http_stream_ref (stream);
  exchange->cancellable = g_object_ref (kube_http_stream_get_cancellable (stream));
  exchange_start (exchange);
}

static KubeWatch *
http_watch (KubeClient *client, KubeRequest *request)
{
  Exchange *model = exchange_new (KUBE_HTTP_CLIENT (client)->engine, request, WATCH);
  return kube_http_watch_new (start_watch, model, (GDestroyNotify) exchange_free);
}

static void
kube_http_client_iface_init (KubeClientInterface *iface)
{
  iface->send_async = http_send_async;
  iface->send_finish = http_send_finish;
  iface->watch = http_watch;
  iface->open_async = http_open_async;
  iface->open_finish = http_open_finish;
}

static void
kube_http_client_finalize (GObject *object)
{
  engine_unref (KUBE_HTTP_CLIENT (object)->engine);
  G_OBJECT_CLASS (kube_http_client_parent_class)->finalize (object);
}

static void
kube_http_client_class_init (KubeHttpClientClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_http_client_finalize;
}

static void
kube_http_client_init (KubeHttpClient *self)
{
}

KubeClient *
kube_http_client_new_with_clock (KubeConfig *config, KubeClock *clock, GError **error)
{
  KubeHttpTransport *transport = kube_http_transport_new (config, error);

  if (transport == NULL)
    return NULL;
  KubeHttpClient *self = g_object_new (KUBE_TYPE_HTTP_CLIENT, NULL);
  self->engine = g_new0 (Engine, 1);
  g_atomic_ref_count_init (&self->engine->refs);
  self->engine->transport = transport;
  self->engine->credential = kube_http_credential_new (transport, config, clock);
  self->engine->config = kube_config_ref (config);
  self->engine->clock = g_object_ref (clock);
  g_mutex_init (&self->engine->lock);
  self->engine->user_agent = g_strdup (DEFAULT_USER_AGENT);
  return KUBE_CLIENT (self);
}

/**
 * kube_http_client_new:
 * @config: where the cluster is and who one is there
 * @error: %KUBE_ERROR_BAD_REQUEST for a server that is no URL, or why a certificate cannot be used
 *
 * Nothing is sent yet.
 *
 * Returns: (transfer full): a client
 * Since: 1.0
 */
KubeClient *
kube_http_client_new (KubeConfig *config, GError **error)
{
  return kube_http_client_new_with_clock (config, kube_clock_get_real (), error);
}

/**
 * kube_http_client_set_user_agent:
 * @client: a client
 * @user_agent: for example `kube-scheduler/v1.36`
 *
 * Says who asks, from the next request on.
 *
 * Since: 1.0
 */
void
kube_http_client_set_user_agent (KubeHttpClient *client, const char *user_agent)
{
  g_mutex_lock (&client->engine->lock);
  g_free (client->engine->user_agent);
  client->engine->user_agent = g_strdup (user_agent);
  g_mutex_unlock (&client->engine->lock);
}
