/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-http-transport-private.h"

#include <libsoup/soup.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 10000

struct _KubeHttpTransport {
  gatomicrefcount refs;
  GThread *thread;       /* (owned) */
  GMainContext *context; /* (owned) */
  GMainLoop *loop;       /* (owned) */

  /* only on thread */
  SoupSession *session;         /* (owned) */
  GTlsCertificate *certificate; /* (owned) (nullable) */

  char *base; /* scheme, authority and path before ours */
  gboolean insecure;
  GTlsDatabase *authorities;       /* (owned) (nullable) */
  int authorities_fd;              /* what it reads, again for each connection; -1 */
  GSocketConnectable *connectable; /* (owned) (nullable) */
  GProxyResolver *proxy;           /* (owned) (nullable) */
};

void
kube_http_answer_free (KubeHttpAnswer *answer)
{
  g_strfreev (answer->warnings);
  g_clear_object (&answer->body);
  g_free (answer);
}

/* An address that goes by another name: TLS asks for that name and compares the certificate with it, the connection goes to the
 * address. */
#define KUBE_TYPE_HTTP_ALIAS (kube_http_alias_get_type ())
G_DECLARE_FINAL_TYPE (KubeHttpAlias, kube_http_alias, KUBE, HTTP_ALIAS, GNetworkAddress)

struct _KubeHttpAlias {
  GNetworkAddress parent;
  GSocketConnectable *address; /* (owned) */
};

static GSocketAddressEnumerator *
alias_enumerate (GSocketConnectable *connectable)
{
  return g_socket_connectable_enumerate (KUBE_HTTP_ALIAS (connectable)->address);
}

static GSocketAddressEnumerator *
alias_proxy_enumerate (GSocketConnectable *connectable)
{
  return g_socket_connectable_proxy_enumerate (KUBE_HTTP_ALIAS (connectable)->address);
}

static void
alias_iface_init (GSocketConnectableIface *iface)
{
  iface->enumerate = alias_enumerate;
  iface->proxy_enumerate = alias_proxy_enumerate;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (KubeHttpAlias, kube_http_alias, G_TYPE_NETWORK_ADDRESS,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE, alias_iface_init))

static void
kube_http_alias_finalize (GObject *object)
{
  g_clear_object (&KUBE_HTTP_ALIAS (object)->address);
  G_OBJECT_CLASS (kube_http_alias_parent_class)->finalize (object);
}

static void
kube_http_alias_class_init (KubeHttpAliasClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_http_alias_finalize;
}

static void
kube_http_alias_init (KubeHttpAlias *self)
{
}

static GSocketConnectable *
alias_new (const char *name, const char *host, guint16 port)
{
  KubeHttpAlias *self = g_object_new (KUBE_TYPE_HTTP_ALIAS, "hostname", name, "port", (guint) port, NULL);

  self->address = g_network_address_new (host, port);
  return G_SOCKET_CONNECTABLE (self);
}

static SoupSession *
make_session (KubeHttpTransport *self)
{
  SoupSession *session = soup_session_new_with_options ("max-conns", CONNECTIONS_MAX, "max-conns-per-host", CONNECTIONS_MAX,
                                                        "timeout", 0, "remote-connectable", self->connectable, NULL);

  /* Credentials and answers are the API's own affair; decoders would hold back a watch's events. */
  soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_COOKIE_JAR);
  if (self->authorities != NULL)
    soup_session_set_tls_database (session, self->authorities);
  soup_session_set_proxy_resolver (session, self->proxy);
  return session;
}

static gpointer
run (gpointer data)
{
  KubeHttpTransport *self = data;

  g_main_context_push_thread_default (self->context);
  self->session = make_session (self);
  g_main_loop_run (self->loop);
  soup_session_abort (self->session);
  g_clear_object (&self->session);
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
transport_free (KubeHttpTransport *self)
{
  g_clear_object (&self->certificate);
  g_clear_object (&self->authorities);
  if (self->authorities_fd >= 0)
    close (self->authorities_fd);
  g_clear_object (&self->connectable);
  g_clear_object (&self->proxy);
  g_free (self->base);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_free (self);
}

KubeHttpTransport *
kube_http_transport_ref (KubeHttpTransport *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static gpointer
join_and_free (gpointer data)
{
  KubeHttpTransport *self = data;

  g_thread_join (self->thread);
  transport_free (self);
  return NULL;
}

static gboolean
on_quit (gpointer user_data)
{
  KubeHttpTransport *self = user_data;

  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

void
kube_http_transport_unref (KubeHttpTransport *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_autoptr (GSource) quit = g_idle_source_new (); /* from within: a loop that has not begun cannot be left */
  g_source_set_callback (quit, on_quit, self, NULL);
  g_source_attach (quit, self->context);
  if (self->thread != g_thread_self ()) {
    join_and_free (self);
    return;
  }
  /* The last request let go of it in its own thread, which cannot wait for itself. */
  g_thread_unref (g_thread_new ("kube-http-end", join_and_free, self));
}

GMainContext *
kube_http_transport_get_context (KubeHttpTransport *self)
{
  return self->context;
}

void
kube_http_transport_invoke (KubeHttpTransport *self, GSourceFunc func, gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "kube-http");
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, self->context);
}

gboolean
kube_http_transport_set_certificate (KubeHttpTransport *self, const char *certificate_pem, const char *key_pem, GError **error)
{
  g_autofree char *both = g_strconcat (certificate_pem, "\n", key_pem, NULL);
  GTlsCertificate *certificate = g_tls_certificate_new_from_pem (both, -1, error);

  if (certificate == NULL) {
    g_prefix_error (error, "client certificate: ");
    return FALSE;
  }
  g_clear_object (&self->certificate);
  self->certificate = certificate;
  return TRUE;
}

/* GLib reads authorities from files only; this one is never on a disk. */
static gboolean
set_authorities (KubeHttpTransport *self, const char *pem, GError **error)
{
  gsize length = strlen (pem);

  self->authorities_fd = memfd_create ("kube-ca", MFD_CLOEXEC);
  if (self->authorities_fd < 0 || write (self->authorities_fd, pem, length) != (gssize) length) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "cannot hold the certificate authorities in memory");
    return FALSE;
  }
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", self->authorities_fd);
  self->authorities = g_tls_file_database_new (path, error);
  return self->authorities != NULL;
}

/* Of the environment, where the config says nothing: as Go's http.ProxyFromEnvironment. */
static GProxyResolver *
make_proxy (KubeConfig *config, const char *scheme)
{
  const char *upper = g_str_equal (scheme, "https") ? "HTTPS_PROXY" : "HTTP_PROXY";
  const char *lower = g_str_equal (scheme, "https") ? "https_proxy" : "http_proxy";
  const char *url = config->proxy_url;
  const char *exceptions = NULL;

  if (url == NULL) {
    url = g_getenv (upper) != NULL ? g_getenv (upper) : g_getenv (lower);
    exceptions = g_getenv ("NO_PROXY") != NULL ? g_getenv ("NO_PROXY") : g_getenv ("no_proxy");
  }
  if (url == NULL || *url == '\0')
    return NULL;
  g_auto (GStrv) ignored = g_strsplit_set (exceptions != NULL ? exceptions : "", ", ", -1);
  g_autofree char *all = strstr (url, "://") != NULL ? g_strdup (url) : g_strconcat ("http://", url, NULL);
  return g_simple_proxy_resolver_new (all, config->proxy_url != NULL ? NULL : ignored);
}

static char *
bracketed (const char *host)
{
  return strchr (host, ':') != NULL ? g_strdup_printf ("[%s]", host) : g_strdup (host);
}

static gboolean
set_base (KubeHttpTransport *self, KubeConfig *config, GError **error)
{
  g_autofree char *url
      = strstr (config->server, "://") != NULL ? g_strdup (config->server) : g_strconcat ("http://", config->server, NULL);
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, error);

  if (uri == NULL) {
    g_prefix_error (error, "server \"%s\": ", config->server);
    return FALSE;
  }
  const char *scheme = g_uri_get_scheme (uri), *host = g_uri_get_host (uri), *path = g_uri_get_path (uri);
  if ((!g_str_equal (scheme, "http") && !g_str_equal (scheme, "https")) || host == NULL || *host == '\0') {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "server \"%s\" is not an http or https URL", config->server);
    return FALSE;
  }
  int port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : g_str_equal (scheme, "https") ? 443 : 80;
  g_autofree char *real_host = bracketed (host);
  gsize path_length = strlen (path);
  while (path_length > 0 && path[path_length - 1] == '/')
    path_length--;
  if (config->tls_server_name != NULL)
    self->connectable = alias_new (config->tls_server_name, host, port);
  self->base = g_strdup_printf ("%s://%s:%d%.*s", scheme, real_host, port, (int) path_length, path);
  self->proxy = make_proxy (config, scheme);
  return TRUE;
}

KubeHttpTransport *
kube_http_transport_new (KubeConfig *config, GError **error)
{
  KubeHttpTransport *self = g_new0 (KubeHttpTransport, 1);

  g_atomic_ref_count_init (&self->refs);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->insecure = config->insecure;
  self->authorities_fd = -1;
  if (!set_base (self, config, error) || (config->ca_pem != NULL && !set_authorities (self, config->ca_pem, error))
      || (config->certificate_pem != NULL
          && !kube_http_transport_set_certificate (self, config->certificate_pem, config->key_pem != NULL ? config->key_pem : "",
                                                   error))) {
    transport_free (self);
    return NULL;
  }
  self->thread = g_thread_new ("kube-http", run, self);
  return self;
}

static gboolean
accept_any (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flags, gpointer user_data)
{
  return TRUE;
}

/* A watch is silent for long: the kernel notices a server that has gone without a word. */
static void
set_up_socket (GSocket *socket)
{
  g_socket_set_keepalive (socket, TRUE);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE, 30, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPINTVL, 10, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, 3, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
}

static void
on_network_event (SoupMessage *message, GSocketClientEvent event, GIOStream *connection, gpointer user_data)
{
  static const char *const protocols[] = { "http/1.1", NULL };

  if (event == G_SOCKET_CLIENT_CONNECTED && G_IS_SOCKET_CONNECTION (connection))
    set_up_socket (g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection)));
  /* libsoup has no other way to keep to HTTP/1.1, where a slow watch holds up nobody but itself. */
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && G_IS_TLS_CONNECTION (connection))
    g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (connection), protocols);
}

/* A certificate that stands on the connection is part of what GLib remembers the TLS session by. One that is only given when the server asks for it is not: then a client
 * would go on with the session, and so as the user, of another client in this process. */
static void
present_certificate (SoupMessage *message, GSocketClientEvent event, GIOStream *connection, gpointer certificate)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && G_IS_TLS_CONNECTION (connection))
    g_tls_connection_set_certificate (G_TLS_CONNECTION (connection), certificate);
}

static SoupMessage *
make_message (KubeHttpTransport *self, const KubeHttpMessage *from)
{
  g_autofree char *url = g_strconcat (self->base, from->path, NULL);
  SoupMessage *message = soup_message_new (from->method, url);

  if (message == NULL)
    return NULL;
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  for (guint i = 0; i + 1 < from->headers->len; i += 2)
    soup_message_headers_append (headers, g_ptr_array_index (from->headers, i), g_ptr_array_index (from->headers, i + 1));
  if (from->body != NULL)
    soup_message_set_request_body_from_bytes (message, from->content_type, from->body);
  /* "Idempotent" only lets writes go over connections that are there already; what is sent again is decided by the method. */
  soup_message_set_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_IDEMPOTENT);
  if (self->certificate != NULL)
    g_signal_connect_object (message, "network-event", G_CALLBACK (present_certificate), self->certificate, 0);
  if (self->insecure)
    g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_any), NULL);
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), NULL);
  return message;
}

static void
add_warning (const char *name, const char *value, gpointer user_data)
{
  if (g_ascii_strcasecmp (name, "Warning") == 0)
    g_strv_builder_add (user_data, value);
}

static KubeHttpAnswer *
make_answer (SoupMessage *message, GInputStream *body)
{
  KubeHttpAnswer *answer = g_new0 (KubeHttpAnswer, 1);
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *retry_after = soup_message_headers_get_one (headers, "Retry-After");
  const char *type = soup_message_headers_get_content_type (headers, NULL);
  g_autoptr (GStrvBuilder) warnings = g_strv_builder_new ();
  guint64 seconds;

  answer->status = soup_message_get_status (message);
  answer->retry_after
      = retry_after != NULL && g_ascii_string_to_unsigned (retry_after, 10, 0, G_MAXINT, &seconds, NULL) ? (int) seconds : -1;
  answer->length = soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH
                       ? soup_message_headers_get_content_length (headers)
                       : -1;
  answer->is_json = type != NULL && g_str_has_prefix (type, "application/json");
  soup_message_headers_foreach (headers, add_warning, warnings);
  answer->warnings = g_strv_builder_end (warnings);
  answer->body = body;
  return answer;
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  GInputStream *body = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (body == NULL) {
    g_task_return_error (task, error);
    return;
  }
  SoupMessage *message = soup_session_get_async_result_message (SOUP_SESSION (source), result);
  g_task_return_pointer (task, make_answer (message, body), (GDestroyNotify) kube_http_answer_free);
}

void
kube_http_transport_send_async (KubeHttpTransport *self, const KubeHttpMessage *message, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (SoupMessage) made = make_message (self, message);

  g_task_set_source_tag (task, kube_http_transport_send_async);
  if (made == NULL) {
    g_task_return_new_error (task, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "\"%s\" is not a path", message->path);
    return;
  }
  soup_session_send_async (self->session, made, G_PRIORITY_DEFAULT, cancellable, on_sent, g_steal_pointer (&task));
}

KubeHttpAnswer *
kube_http_transport_send_finish (KubeHttpTransport *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
kube_http_transport_is_broken (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT)
         || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF);
}

void
kube_http_transport_convert_error (GError **error, const char *method, const char *server)
{
  const GError *cause = *error;

  if (cause == NULL || cause->domain == KUBE_ERROR || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  KubeError code
      = g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ? KUBE_ERROR_TIMEOUT : KUBE_ERROR_SERVICE_UNAVAILABLE;
  GError *converted = g_error_new (KUBE_ERROR, code, "%s %s: %s", method, server, cause->message);
  g_error_free (*error);
  *error = converted;
}
