/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-server-private.h"
#include "kube-bootstrap.h"
#include "kube-housekeeper.h"
#include "kube-operation.h"
#include "kube-paths.h"
#include "kube-storage.h"
#include "registry/kube-registry.h"
#include <kube/kube-metrics.h>

#define KUBE_LOG_TOPIC "server"
#include <kube/kube-log.h>

/**
 * KubeServer:
 *
 * The pipeline that every request goes through, over HTTPS or in process, on the thread of its call:
 *
 *   request info → authentication (with impersonation) → limits → authorization → route → decode → admission → defaults, validation → store → encode
 *
 * The stages up to routing stand below, in kube_server_handle(), one function each; what follows is in registry/, in the order of a write. A stage that waits comes back to the call's own
 * main context; no stage blocks. The server has one thread of its own for what it does unasked (expiry).
 */
struct _KubeServer {
  GObject parent;
  KubeStore *store;
  KubeHub *hub;
  KubeScheme *scheme;
  KubeClock *clock;
  KubeAuth *auth;
  KubeStorageCache *cache;
  KubeServerOptions options; /* (owned) strings */
  GMainContext *context;     /* of the housekeeping thread */
  GMainLoop *loop;
  GThread *thread;
  KubeHousekeeper *housekeeper;
  gint shutting_down;        /* (atomic) */
  gint in_flight;            /* (atomic) */
  GRWLock resolver_lock;     /* read while the resolver runs: one that was replaced is over */
  KubeNodeResolver resolver; /* (lock resolver_lock), as the next two */
  gpointer resolver_data;
  GDestroyNotify resolver_destroy;
  GMutex mutex;
  GArray *checks;            /* (mutex mutex) (element-type KubeServerCheck) */
  KubeMetric *requests, *durations, *current;
};

G_DEFINE_FINAL_TYPE (KubeServer, kube_server, G_TYPE_OBJECT)

/* Requests that are not watches and are under way at a time: upstream's --max-requests-inflight and --max-mutating-requests-inflight together. */
#define MAX_IN_FLIGHT 600

static void
check_clear (gpointer data)
{
  g_free (((KubeServerCheck *) data)->name);
}

static void
kube_server_init (KubeServer *self)
{
  static const char *const labels[] = { "verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component", "code", NULL };
  static const char *const duration_labels[] = { "verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component", NULL };
  static const double buckets[] = { 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 0 };

  g_mutex_init (&self->mutex);
  g_rw_lock_init (&self->resolver_lock);
  self->checks = g_array_new (FALSE, FALSE, sizeof (KubeServerCheck));
  g_array_set_clear_func (self->checks, check_clear);
  self->requests = kube_metric_get (KUBE_METRIC_COUNTER, "apiserver_request_total", "Requests by verb, resource and status.", labels, NULL);
  self->durations = kube_metric_get (KUBE_METRIC_HISTOGRAM, "apiserver_request_duration_seconds", "Seconds from a request's arrival to its answer.", duration_labels, buckets);
  self->current = kube_metric_get (KUBE_METRIC_GAUGE, "apiserver_current_inflight_requests", "Requests that are under way.", NULL, NULL);
}

static gpointer
run_loop (gpointer data)
{
  KubeServer *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static gboolean
quit_loop (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
kube_server_dispose (GObject *object)
{
  KubeServer *self = KUBE_SERVER (object);

  kube_server_shut_down (self);
  if (self->thread != NULL) {
    g_autoptr (GSource) quit = g_idle_source_new ();
    /* from within the loop: it may not have begun to run yet */
    g_source_set_callback (quit, quit_loop, self->loop, NULL);
    g_source_attach (quit, self->context);
    if (g_thread_self () != self->thread)
      g_thread_join (self->thread);
    else
      g_thread_unref (self->thread);
    self->thread = NULL;
  }
  G_OBJECT_CLASS (kube_server_parent_class)->dispose (object);
}

static void
kube_server_finalize (GObject *object)
{
  KubeServer *self = KUBE_SERVER (object);

  g_clear_pointer (&self->housekeeper, kube_housekeeper_free);
  g_clear_pointer (&self->auth, kube_auth_free);
  g_clear_pointer (&self->cache, kube_storage_cache_free);
  g_clear_object (&self->hub);
  g_clear_object (&self->store);
  g_clear_object (&self->scheme);
  g_clear_object (&self->clock);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  if (self->resolver_destroy != NULL)
    self->resolver_destroy (self->resolver_data);
  g_array_unref (self->checks);
  g_free ((char *) self->options.service_cidr);
  g_free ((char *) self->options.service_node_ports);
  g_free ((char *) self->options.token_issuer);
  g_free ((char *) self->options.client_ca_pem);
  g_free ((char *) self->options.root_ca_pem);
  g_mutex_clear (&self->mutex);
  g_rw_lock_clear (&self->resolver_lock);
  G_OBJECT_CLASS (kube_server_parent_class)->finalize (object);
}

static void
kube_server_class_init (KubeServerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kube_server_dispose;
  G_OBJECT_CLASS (klass)->finalize = kube_server_finalize;
}

static char *
copy_or (const char *text, const char *fallback)
{
  return g_strdup (text != NULL ? text : fallback);
}

static void
copy_options (KubeServer *self, const KubeServerOptions *options)
{
  static const KubeServerOptions none;

  if (options == NULL)
    options = &none;
  self->scheme = g_object_ref (options->scheme != NULL ? options->scheme : kube_scheme_get_default ());
  self->clock = g_object_ref (options->clock != NULL ? options->clock : kube_clock_get_real ());
  self->options.service_cidr = copy_or (options->service_cidr, "10.96.0.0/16");
  self->options.service_node_ports = copy_or (options->service_node_ports, "30000-32767");
  self->options.token_issuer = copy_or (options->token_issuer, "https://kubernetes.default.svc.cluster.local");
  self->options.client_ca_pem = g_strdup (options->client_ca_pem);
  self->options.root_ca_pem = g_strdup (options->root_ca_pem);
  self->options.history_bytes = options->history_bytes;
}

/**
 * kube_server_new:
 * @store: the store, which the server uses alone
 * @options: (nullable): options
 * @error: return location for an error
 *
 * Writes what upstream's server makes at its first start and is ready when it returns. Blocks for that, on a main context of its own.
 *
 * Returns: (transfer full): a server, or %NULL with @error
 * Since: 1.0
 */
KubeServer *
kube_server_new (KubeStore *store, const KubeServerOptions *options, GError **error)
{
  g_autoptr (KubeServer) self = g_object_new (KUBE_TYPE_SERVER, NULL);
  g_autofree char *events = NULL;
  KubeAuthOptions auth = { 0 };

  copy_options (self, options);
  self->store = g_object_ref (store);
  self->hub = kube_hub_new (store, self->options.history_bytes);
  auth = (KubeAuthOptions){ self->store, self->hub, self->scheme, self->clock, options != NULL ? options->token_key_pem : NULL, self->options.token_issuer };
  self->cache = kube_storage_cache_new (self->store, self->hub);
  self->auth = kube_auth_new (&auth, error);
  if (self->auth == NULL || !kube_bootstrap (self, error) || !kube_auth_start (self->auth, error))
    return NULL;
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  events = kube_storage_key (KUBE_KIND ("v1", "Event"), NULL, NULL);
  self->housekeeper = kube_housekeeper_new (self->store, self->clock, self->context, events, KUBE_EVENT_TTL);
  self->thread = g_thread_new ("kube-server", run_loop, self);
  return g_steal_pointer (&self);
}

/* --- the pipeline --- */

static gboolean
is_long_running (const KubeRequestInfo *info)
{
  static const char *const streams[] = { "log", "exec", "attach", "portforward", "proxy", NULL };
  return g_str_equal (info->verb, "watch") || g_strv_contains (streams, info->subresource);
}

static gboolean
authenticate (KubeOperation *op)
{
  GError *error = NULL;

  op->user = kube_auth_authenticate (kube_server_get_auth (op->server), op->call, &op->info, &error);
  if (op->user == NULL) {
    kube_operation_take_error (op, error);
    return FALSE;
  }
  kube_call_set_user (op->call, op->user);
  return TRUE;
}

static gboolean
check_limits (KubeOperation *op)
{
  KubeServer *self = op->server;
  GError *error;

  /* Watches and their like stay for as long as they want: the connections are what limits them. */
  if (is_long_running (&op->info) || kube_call_is_local (op->call))
    return TRUE;
  op->in_flight = TRUE;
  if (g_atomic_int_add (&self->in_flight, 1) < MAX_IN_FLIGHT)
    return TRUE;
  error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_TOO_MANY_REQUESTS, "Too many requests, please try again later.");
  kube_error_get_details (error)->retry_after = 1;
  kube_operation_take_error (op, error);
  return FALSE;
}

static gboolean
authorize (KubeOperation *op)
{
  g_autofree char *reason = NULL;

  if (kube_auth_authorize (kube_server_get_auth (op->server), op->user, &op->info, &reason))
    return TRUE;
  kube_operation_take_error (op, kube_auth_forbidden (op->user, &op->info, reason));
  return FALSE;
}

static void
route (KubeOperation *op)
{
  GError *error = NULL;

  if (!op->info.is_resource || op->kind == NULL || *op->info.resource == '\0') {
    kube_paths_handle (op);
    return;
  }
  if (!kube_operation_negotiate (op, TRUE, &error)) {
    kube_operation_take_error (op, error);
    return;
  }
  kube_registry_handle (op);
}

static const char *
metric_verb (const KubeRequestInfo *info)
{
  static const char *const verbs[][2] = { { "get", "GET" }, { "list", "LIST" }, { "watch", "WATCH" }, { "create", "POST" }, { "update", "PUT" }, { "patch", "PATCH" }, { "delete", "DELETE" },
    { "deletecollection", "DELETECOLLECTION" }, { "post", "POST" } };

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    if (g_str_equal (verbs[i][0], info->verb))
      return verbs[i][1];
  }
  return "other";
}

void
kube_server_count (KubeOperation *op)
{
  KubeServer *self = op->server;
  gboolean known = op->kind != NULL;
  const char *scope = !known ? "" : *op->info.name != '\0' ? "resource" : *op->info.namespace_ != '\0' ? "namespace" : "cluster";
  char code[16];
  const char *values[] = { metric_verb (&op->info), op->dry_run ? "All" : "", known ? op->info.group : "", known ? op->info.version : "", known ? op->info.resource : "",
    op->subresource != NULL ? op->info.subresource : "", scope, "apiserver", code, NULL };

  g_snprintf (code, sizeof code, "%d", kube_call_get_http_status (op->call));
  kube_metric_add (self->requests, values, 1);
  if (!is_long_running (&op->info))
    kube_metric_observe (self->durations, values, (double) (g_get_monotonic_time () - kube_call_get_received (op->call)) / G_USEC_PER_SEC);
  if (op->in_flight)
    g_atomic_int_add (&self->in_flight, -1);
}

void
kube_server_handle (KubeServer *self, KubeCall *call)
{
  g_autoptr (KubeOperation) op = kube_operation_new (self, call);

  if (authenticate (op) && check_limits (op) && authorize (op))
    route (op);
}

void
kube_server_update_metrics (KubeServer *self)
{
  kube_metric_set (self->current, NULL, g_atomic_int_get (&self->in_flight));
}

/* --- what stages ask --- */

/**
 * kube_server_get_scheme:
 * @server: a server
 *
 * Returns: (transfer none): the kinds that it serves
 * Since: 1.0
 */
KubeScheme *
kube_server_get_scheme (KubeServer *self)
{
  return self->scheme;
}

/**
 * kube_server_get_clock:
 * @server: a server
 *
 * Returns: (transfer none): where it gets the time
 * Since: 1.0
 */
KubeClock *
kube_server_get_clock (KubeServer *self)
{
  return self->clock;
}

KubeStore *
kube_server_get_store (KubeServer *self)
{
  return self->store;
}

KubeHub *
kube_server_get_hub (KubeServer *self)
{
  return self->hub;
}

KubeStorageCache *
kube_server_get_cache (KubeServer *self)
{
  return self->cache;
}

KubeAuth *
kube_server_get_auth (KubeServer *self)
{
  return self->auth;
}

GMainContext *
kube_server_get_context (KubeServer *self)
{
  return self->context;
}

KubeHousekeeper *
kube_server_get_housekeeper (KubeServer *self)
{
  return self->housekeeper;
}

const KubeServerOptions *
kube_server_get_options (KubeServer *self)
{
  return &self->options;
}

gboolean
kube_server_is_shutting_down (KubeServer *self)
{
  return g_atomic_int_get (&self->shutting_down) != 0;
}

/**
 * kube_server_shut_down:
 * @server: a server
 *
 * `/readyz` is false from here on and watches end; what is under way completes.
 *
 * Since: 1.0
 */
void
kube_server_shut_down (KubeServer *self)
{
  if (g_atomic_int_compare_and_exchange (&self->shutting_down, 0, 1) && self->hub != NULL)
    kube_hub_close (self->hub);
}

/**
 * kube_server_publish:
 * @server: a server
 * @address: (nullable): where its port is reached; %NULL, the unspecified address or loopback: this host's own address
 * @port: its port
 * @error: return location for an error
 *
 * Makes the server what stands behind the service `kubernetes`, so that pods reach it at that service's address. Blocks.
 *
 * Returns: %TRUE on success
 * Since: 1.0
 */
gboolean
kube_server_publish (KubeServer *self, const char *address, guint16 port, GError **error)
{
  return kube_bootstrap_publish (self, address, port, error);
}

/**
 * kube_server_set_node_resolver:
 * @server: a server
 * @resolver: (scope notified) (nullable): gives the API of a node
 * @user_data: for @resolver
 * @destroy: (nullable): frees @user_data
 *
 * How the server reaches the node agents, for logs, exec, attach and port-forward. @resolver is called on any thread and must be quick. When this returns, the one before it is not called
 * any more, on no thread.
 *
 * Since: 1.0
 */
void
kube_server_set_node_resolver (KubeServer *self, KubeNodeResolver resolver, gpointer user_data, GDestroyNotify destroy)
{
  GDestroyNotify old_destroy;
  gpointer old_data;

  g_rw_lock_writer_lock (&self->resolver_lock);
  old_destroy = self->resolver_destroy;
  old_data = self->resolver_data;
  self->resolver = resolver;
  self->resolver_data = user_data;
  self->resolver_destroy = destroy;
  g_rw_lock_writer_unlock (&self->resolver_lock);
  if (old_destroy != NULL)
    old_destroy (old_data);
}

KubeNodeApi *
kube_server_resolve_node (KubeServer *self, const char *name)
{
  KubeNodeApi *node;

  g_rw_lock_reader_lock (&self->resolver_lock);
  node = self->resolver != NULL ? self->resolver (self, name, self->resolver_data) : NULL;
  g_rw_lock_reader_unlock (&self->resolver_lock);
  return node;
}

/**
 * kube_server_add_health_check:
 * @server: a server
 * @name: its name in paths and reports
 * @live: whether /livez reports it too
 * @check: (scope forever): is called on any thread and must be quick
 * @user_data: for @check
 *
 * Adds a check to what /livez, /readyz and /healthz report.
 *
 * Since: 1.0
 */
void
kube_server_add_health_check (KubeServer *self, const char *name, gboolean live, KubeHealthCheck check, gpointer user_data)
{
  KubeServerCheck added = { g_strdup (name), live, check, user_data };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_array_append_val (self->checks, added);
}

GArray *
kube_server_copy_checks (KubeServer *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  GArray *copy = g_array_new (FALSE, FALSE, sizeof (KubeServerCheck));

  g_array_set_clear_func (copy, check_clear);
  for (guint i = 0; i < self->checks->len; i++) {
    KubeServerCheck check = g_array_index (self->checks, KubeServerCheck, i);
    check.name = g_strdup (check.name);
    g_array_append_val (copy, check);
  }
  return copy;
}
