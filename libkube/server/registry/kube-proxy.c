/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-html-links.h"
#include "kube-proxy.h"
#include <libsoup/soup.h>
#include <string.h>

/* pods/NAME/proxy and services/NAME/proxy: hands a request on to a pod, and what that answers back to the client. */

#define CHUNK (32 * 1024)
#define MAX_QUEUED (1024 * 1024)

typedef struct {
  KubeOperation *op;
  SoupSession *session; /* (owned) */
  SoupMessage *message; /* (owned) */
  char *prefix;         /* of the request's path, up to what the pod gets to see */
  char *target;         /* "ADDRESS:PORT" */
  GInputStream *stream; /* (nullable) */
  KubeHtmlLinks *links; /* (nullable): of a page */
  gboolean waiting;
} Proxy;

static void proxy_read (Proxy *proxy);

static void
proxy_free (Proxy *proxy)
{
  kube_call_set_drain_func (proxy->op->call, NULL, NULL);
  g_clear_object (&proxy->stream);
  g_clear_pointer (&proxy->links, kube_html_links_free);
  g_clear_object (&proxy->message);
  soup_session_abort (proxy->session);
  g_object_unref (proxy->session);
  kube_operation_unref (proxy->op);
  g_free (proxy->prefix);
  g_free (proxy->target);
  g_free (proxy);
}

/* --- headers --- */

/* What is between two neighbours only, or is said anew by this server. A page that is rewritten has to come as it is. */
static const char *const not_forwarded[] = {
  "accept-encoding", "connection", "content-length", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
  "transfer-encoding", "upgrade", "x-forwarded-for", "x-forwarded-uri", NULL,
};

static const char *const not_returned[] = {
  "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin", "connection", "content-length", "content-type",
  "date", "keep-alive", "location", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", NULL,
};

static gboolean
is_among (const char *const *names, const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  return g_strv_contains (names, lower);
}

static gboolean
is_named_by_connection (KubeCall *call, const char *name)
{
  const char *connection = kube_call_get_header (call, "Connection");

  return connection != NULL && soup_header_contains (connection, name);
}

gboolean
kube_proxy_is_private_header (const char *name)
{
  return g_ascii_strcasecmp (name, "Authorization") == 0 || g_ascii_strncasecmp (name, "Impersonate-", strlen ("Impersonate-")) == 0;
}

static void
forward_header (const char *name, const char *value, gpointer user_data)
{
  Proxy *proxy = user_data;

  if (is_among (not_forwarded, name) || kube_proxy_is_private_header (name) || is_named_by_connection (proxy->op->call, name))
    return;
  soup_message_headers_append (soup_message_get_request_headers (proxy->message), name, value);
}

static void
forward_headers (Proxy *proxy)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (proxy->message);
  KubeCall *call = proxy->op->call;
  const char *host = kube_call_get_header (call, "Host"), *before = kube_call_get_header (call, "X-Forwarded-For");
  g_autofree char *path = g_uri_escape_string (kube_call_get_path (call), "/!$&'()*+,;=:@", FALSE);
  g_autofree char *chain = before != NULL ? g_strdup_printf ("%s, %s", before, kube_call_get_remote (call)) : NULL;

  kube_call_foreach_header (call, forward_header, proxy);
  if (host != NULL)
    soup_message_headers_replace (headers, "Host", host);
  soup_message_headers_replace (headers, "X-Forwarded-For", chain != NULL ? chain : kube_call_get_remote (call));
  soup_message_headers_replace (headers, "X-Forwarded-Uri", path);
}

/* A place on the pod is one behind the proxy. (transfer full) (nullable): NULL where @location is no such place, or is behind the proxy already. */
static char *
move_location (const char *location, gpointer user_data)
{
  Proxy *proxy = user_data;
  const char *host = kube_call_get_header (proxy->op->call, "Host"), *authority = strstr (location, "//"), *path = location;

  if (authority != NULL && (authority == location || (authority[-1] == ':' && memchr (location, '/', authority - location) == NULL))) {
    g_autofree char *there = g_strndup (authority + 2, strcspn (authority + 2, "/?#"));
    if (!g_str_equal (there, proxy->target) && g_strcmp0 (there, host) != 0)
      return NULL;
    path = authority + 2 + strlen (there);
  }
  if (*path != '/' || g_str_has_prefix (path, proxy->prefix))
    return path == location ? NULL : g_strdup (path);
  return g_strconcat (proxy->prefix, path, NULL);
}

static void
return_location (Proxy *proxy, const char *location)
{
  g_autofree char *moved = move_location (location, proxy);

  kube_call_add_header (proxy->op->call, "Location", moved != NULL ? moved : location);
}

static void
return_headers (Proxy *proxy)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (proxy->message);
  const char *location = soup_message_headers_get_one (headers, "Location"), *name, *value;
  SoupMessageHeadersIter iter;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value)) {
    if (!is_among (not_returned, name))
      kube_call_add_header (proxy->op->call, name, value);
  }
  if (location != NULL)
    return_location (proxy, location);
}

GError *
kube_proxy_explain (const GError *error, const char *target)
{
  const char *reason = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) ? "connect: connection refused"
                       : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE) ? "connect: no route to host"
                       : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)        ? "i/o timeout"
                                                                                          : NULL;

  if (reason == NULL)
    return g_error_new (KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "error trying to reach service: %s", error->message);
  return g_error_new (KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "error trying to reach service: dial tcp %s: %s", target, reason);
}

/* --- the body of the answer, no faster than the client takes it --- */

static gboolean
on_drained (gpointer user_data)
{
  Proxy *proxy = user_data;

  if (proxy->waiting) {
    proxy->waiting = FALSE;
    proxy_read (proxy);
  }
  return G_SOURCE_CONTINUE;
}

/* @bytes: (transfer full) */
static void
push (Proxy *proxy, GBytes *bytes)
{
  if (g_bytes_get_size (bytes) > 0)
    kube_call_push (proxy->op->call, bytes);
  g_bytes_unref (bytes);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Proxy *proxy = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  KubeCall *call = proxy->op->call;

  if (bytes == NULL || g_bytes_get_size (bytes) == 0) {
    if (proxy->links != NULL && error == NULL)
      push (proxy, kube_html_links_end (proxy->links));
    kube_call_end_stream (call, error);
    proxy_free (proxy);
    return;
  }
  if (proxy->links != NULL)
    push (proxy, kube_html_links_take (proxy->links, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)));
  else
    kube_call_push (call, bytes);
  proxy->waiting = kube_call_get_queued (call) > MAX_QUEUED;
  if (!proxy->waiting || g_cancellable_is_cancelled (kube_call_get_cancellable (call)))
    proxy_read (proxy);
}

static void
proxy_read (Proxy *proxy)
{
  g_input_stream_read_bytes_async (proxy->stream, CHUNK, G_PRIORITY_DEFAULT, kube_call_get_cancellable (proxy->op->call), on_read, proxy);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Proxy *proxy = user_data;
  g_autoptr (GError) error = NULL;
  KubeCall *call = proxy->op->call;
  SoupMessageHeaders *headers = soup_message_get_response_headers (proxy->message);

  proxy->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (proxy->stream == NULL) {
    kube_operation_take_error (proxy->op, kube_proxy_explain (error, proxy->target));
    proxy_free (proxy);
    return;
  }
  return_headers (proxy);
  if (g_strcmp0 (soup_message_headers_get_content_type (headers, NULL), "text/html") == 0 && soup_message_headers_get_one (headers, "Content-Encoding") == NULL)
    proxy->links = kube_html_links_new (move_location, proxy);
  kube_call_begin_stream (call, soup_message_get_status (proxy->message), soup_message_headers_get_one (headers, "Content-Type"));
  kube_call_set_drain_func (call, on_drained, proxy);
  proxy_read (proxy);
}

/* --- the request --- */

/* A pod's certificate says nothing that the server could check: upstream does not look at it either. */
static gboolean
on_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

static SoupSession *
make_session (void)
{
  SoupSession *session = soup_session_new_with_options ("timeout", 0, "proxy-resolver", NULL, NULL);

  soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_COOKIE_JAR);
  return session;
}

static void
proxy_send (Proxy *proxy, const KubeProxyTarget *target, const char *path)
{
  KubeCall *call = proxy->op->call;
  g_autoptr (GUri) uri = g_uri_build (SOUP_HTTP_URI_FLAGS, target->tls ? "https" : "http", NULL, target->address, target->port, path,
                                      kube_call_get_query_string (call), NULL);
  GBytes *body = kube_call_get_body (call);

  proxy->message = soup_message_new_from_uri (kube_call_get_method (call), uri);
  soup_message_add_flags (proxy->message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_NEW_CONNECTION);
  g_signal_connect (proxy->message, "accept-certificate", G_CALLBACK (on_certificate), NULL);
  forward_headers (proxy);
  if (body != NULL && g_bytes_get_size (body) > 0)
    soup_message_set_request_body_from_bytes (proxy->message, kube_call_get_content_type (call), body);
  proxy->session = make_session ();
  soup_session_send_async (proxy->session, proxy->message, G_PRIORITY_DEFAULT, kube_call_get_cancellable (call), on_answered, proxy);
}

/* Relative links of a page need the slash behind "proxy". */
static void
redirect_to_root (KubeOperation *op)
{
  const char *path = kube_call_get_path (op->call), *query = kube_call_get_query_string (op->call);
  g_autofree char *location = g_strconcat (path, "/", query != NULL ? "?" : NULL, query, NULL);

  kube_call_add_header (op->call, "Location", location);
  kube_call_respond (op->call, 301, NULL, NULL);
}

void
kube_registry_proxy (KubeOperation *op)
{
  const char *method = kube_call_get_method (op->call), *path = kube_call_get_path (op->call);
  g_autofree char *prefix = g_strdup_printf ("/api/%s/namespaces/%s/%s/%s/proxy", op->info.version, op->info.namespace_, op->info.resource, op->info.name);
  g_auto (KubeProxyTarget) target = { 0 };
  g_autofree char *inside = NULL;
  g_autoptr (GError) error = NULL;
  Proxy *proxy;

  if (!g_str_has_prefix (path, prefix) || !kube_proxy_find_target (op, &target, &error)) {
    if (error == NULL)
      kube_operation_answer_no_resource (op);
    else
      kube_operation_answer_error (op, error);
    return;
  }
  path += strlen (prefix);
  inside = g_uri_escape_string (*path != '\0' ? path : "/", "/!$&'()*+,;=:@", FALSE);
  if (is_named_by_connection (op->call, "upgrade")) {
    kube_proxy_tunnel (op, &target, inside);
    return;
  }
  if (*path == '\0' && (g_str_equal (method, "GET") || g_str_equal (method, "HEAD"))) {
    redirect_to_root (op);
    return;
  }
  proxy = g_new0 (Proxy, 1);
  proxy->op = kube_operation_ref (op);
  proxy->prefix = g_steal_pointer (&prefix);
  proxy->target = kube_proxy_target_print (&target);
  proxy_send (proxy, &target, inside);
}
