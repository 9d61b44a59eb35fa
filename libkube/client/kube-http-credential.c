/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-http-credential-private.h"

#include <kube/kube-builder.h>
#include <kube/kube-time.h>
#include <string.h>

#define TOKEN_FILE_FRESH (60 * (gint64) G_USEC_PER_SEC) /* as client-go: mounted tokens are renewed well before they end */

struct _KubeHttpCredential {
  KubeHttpTransport *transport; /* not owned: it outlives this */
  KubeConfig *config;           /* (owned) */
  KubeClock *clock;             /* (owned) */
  char *header;                 /* (nullable) */
  gint64 read_at;               /* monotonic; 0: never */
  gint64 expires_at;            /* wall clock; -1: never */
  GPtrArray *waiting;           /* (element-type GTask): while a program runs */
  gboolean is_running;
};

KubeHttpCredential *
kube_http_credential_new (KubeHttpTransport *transport, KubeConfig *config, KubeClock *clock)
{
  KubeHttpCredential *self = g_new0 (KubeHttpCredential, 1);

  self->transport = transport;
  self->config = kube_config_ref (config);
  self->clock = g_object_ref (clock);
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  return self;
}

void
kube_http_credential_free (KubeHttpCredential *self)
{
  g_ptr_array_unref (self->waiting);
  g_free (self->header);
  g_object_unref (self->clock);
  kube_config_unref (self->config);
  g_free (self);
}

static void
set_bearer (KubeHttpCredential *self, const char *token)
{
  g_free (self->header);
  self->header = token != NULL && *token != '\0' ? g_strconcat ("Bearer ", token, NULL) : NULL;
  self->read_at = kube_clock_get_monotonic_time (self->clock);
}

static void
set_basic (KubeHttpCredential *self)
{
  g_autofree char *pair
      = g_strconcat (self->config->username, ":", self->config->password != NULL ? self->config->password : "", NULL);
  g_autofree char *encoded = g_base64_encode ((const guchar *) pair, strlen (pair));

  g_free (self->header);
  self->header = g_strconcat ("Basic ", encoded, NULL);
}

/* A file that cannot be read now may still have left a token that is good. */
static void
read_token_file (KubeHttpCredential *self)
{
  g_autofree char *token = NULL;

  if (g_file_get_contents (self->config->token_file, &token, NULL, NULL) && *g_strstrip (token) != '\0')
    set_bearer (self, token);
  else if (self->header == NULL)
    set_bearer (self, self->config->token);
}

static gboolean
apply_exec_status (KubeHttpCredential *self, KubeValue *credential, GError **error)
{
  KubeValue *status = kube_value_get (credential, "status");
  const char *token = kube_value_get_string (status, "token"), *expires = kube_value_get_string (status, "expirationTimestamp");
  const char *certificate = kube_value_get_string (status, "clientCertificateData"),
             *key = kube_value_get_string (status, "clientKeyData");

  if (token == NULL && (certificate == NULL || key == NULL)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "exec plugin %s didn't return a token or cert/key pair",
                 self->config->exec->command);
    return FALSE;
  }
  self->expires_at = -1;
  if (expires != NULL && !kube_time_parse (expires, &self->expires_at, error))
    return FALSE;
  set_bearer (self, token);
  return certificate == NULL || key == NULL || kube_http_transport_set_certificate (self->transport, certificate, key, error);
}

static void
answer (KubeHttpCredential *self, GTask *task, const GError *error)
{
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_pointer (task, g_strdup (self->header), g_free);
}

static gboolean
read_exec_output (KubeHttpCredential *self, GSubprocess *process, GBytes *output, GError **error)
{
  gsize length = 0;
  const char *text = output != NULL ? g_bytes_get_data (output, &length) : NULL;

  if (!g_subprocess_get_successful (process)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "getting credentials: exec: executable %s failed%s%s",
                 self->config->exec->command, self->config->exec->install_hint != NULL ? "\n\n" : "",
                 self->config->exec->install_hint != NULL ? self->config->exec->install_hint : "");
    return FALSE;
  }
  g_autoptr (KubeValue) credential = kube_value_parse (text != NULL ? text : "", length, error);
  if (credential == NULL) {
    g_prefix_error (error, "getting credentials: decoding stdout: ");
    return FALSE;
  }
  return apply_exec_status (self, credential, error);
}

static void
on_exec_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubeHttpCredential *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GPtrArray) waiting = self->waiting;

  if (g_subprocess_communicate_finish (G_SUBPROCESS (source), result, &output, NULL, &error))
    read_exec_output (self, G_SUBPROCESS (source), output, &error);
  self->is_running = FALSE;
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    answer (self, g_ptr_array_index (waiting, i), error);
}

/* What the program is told of whom it is asked for. */
static char *
make_exec_info (KubeConfig *config)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_set_string (root, "apiVersion", config->exec->api_version);
  kube_node_set_string (root, "kind", "ExecCredential");
  kube_node_set_boolean (root, "spec.interactive", FALSE);
  if (config->exec->provide_cluster_info) {
    kube_node_set_string (root, "spec.cluster.server", config->server);
    if (config->tls_server_name != NULL)
      kube_node_set_string (root, "spec.cluster.tls-server-name", config->tls_server_name);
    if (config->insecure)
      kube_node_set_boolean (root, "spec.cluster.insecure-skip-tls-verify", TRUE);
    if (config->ca_pem != NULL) {
      g_autofree char *encoded = g_base64_encode ((const guchar *) config->ca_pem, strlen (config->ca_pem));
      kube_node_set_string (root, "spec.cluster.certificate-authority-data", encoded);
    }
  }
  g_autoptr (KubeValue) value = kube_builder_end (builder);
  return kube_value_print (value, NULL);
}

static gboolean
start_exec (KubeHttpCredential *self, GError **error)
{
  const KubeConfigExec *exec = self->config->exec;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *info = make_exec_info (self->config);

  g_ptr_array_add (argv, exec->command);
  for (guint i = 0; exec->args != NULL && exec->args[i] != NULL; i++)
    g_ptr_array_add (argv, exec->args[i]);
  g_ptr_array_add (argv, NULL);
  for (guint i = 0; exec->env[i] != NULL; i++) {
    g_auto (GStrv) pair = g_strsplit (exec->env[i], "=", 2);
    g_subprocess_launcher_setenv (launcher, pair[0], pair[1], TRUE);
  }
  g_subprocess_launcher_setenv (launcher, "KUBERNETES_EXEC_INFO", info, TRUE);
  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, error);
  if (process == NULL) {
    g_prefix_error (error, "getting credentials: exec: ");
    return FALSE;
  }
  self->is_running = TRUE;
  g_subprocess_communicate_async (process, NULL, NULL, on_exec_done, self);
  return TRUE;
}

static gboolean
exec_is_fresh (KubeHttpCredential *self)
{
  return self->read_at != 0 && (self->expires_at < 0 || self->expires_at > kube_clock_get_time (self->clock));
}

static void
get_by_exec (KubeHttpCredential *self, GTask *task)
{
  g_autoptr (GError) error = NULL;

  if (exec_is_fresh (self) || (!self->is_running && !start_exec (self, &error))) {
    answer (self, task, error);
    return;
  }
  g_ptr_array_add (self->waiting, g_object_ref (task));
}

void
kube_http_credential_get_async (KubeHttpCredential *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  gint64 age = kube_clock_get_monotonic_time (self->clock) - self->read_at;

  if (self->config->exec != NULL) {
    get_by_exec (self, task);
    return;
  }
  if (self->config->token_file != NULL && (self->read_at == 0 || age >= TOKEN_FILE_FRESH))
    read_token_file (self);
  else if (self->config->token_file == NULL && self->config->token != NULL && self->header == NULL)
    set_bearer (self, self->config->token);
  else if (self->config->token_file == NULL && self->config->token == NULL && self->config->username != NULL
           && self->header == NULL)
    set_basic (self);
  answer (self, task, NULL);
}

char *
kube_http_credential_get_finish (KubeHttpCredential *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
kube_http_credential_refuse (KubeHttpCredential *self)
{
  self->read_at = 0;
  return self->config->exec != NULL || self->config->token_file != NULL;
}
