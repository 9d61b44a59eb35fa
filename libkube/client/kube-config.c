/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-config-private.h"

#include <kube/kube-builder.h>
#include <kube/kube-yaml.h>
#include <string.h>

#define SERVICE_ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"
#define FILE_MAX (4 * 1024 * 1024)

G_DEFINE_BOXED_TYPE (KubeConfig, kube_config, kube_config_ref, kube_config_unref)

static KubeConfig *
config_new (void)
{
  KubeConfig *config = g_new0 (KubeConfig, 1);
  g_atomic_ref_count_init (&config->refs);
  return config;
}

static void
exec_free (KubeConfigExec *exec)
{
  g_free (exec->command);
  g_strfreev (exec->args);
  g_strfreev (exec->env);
  g_free (exec->api_version);
  g_free (exec->install_hint);
  g_free (exec);
}

/**
 * kube_config_ref:
 * @config: a config
 *
 * Returns: (transfer full): @config
 * Since: 1.0
 */
KubeConfig *
kube_config_ref (KubeConfig *config)
{
  g_atomic_ref_count_inc (&config->refs);
  return config;
}

/**
 * kube_config_unref:
 * @config: (transfer full): a config
 *
 * Since: 1.0
 */
void
kube_config_unref (KubeConfig *config)
{
  if (!g_atomic_ref_count_dec (&config->refs))
    return;
  g_free (config->server);
  g_free (config->namespace_);
  g_free (config->ca_pem);
  g_free (config->tls_server_name);
  g_free (config->proxy_url);
  g_free (config->certificate_pem);
  g_free (config->key_pem);
  g_free (config->token);
  g_free (config->token_file);
  g_free (config->username);
  g_free (config->password);
  g_clear_pointer (&config->exec, exec_free);
  g_free (config->impersonate_user);
  g_free (config->impersonate_uid);
  g_strfreev (config->impersonate_groups);
  g_clear_pointer (&config->impersonate_extra, kube_value_unref);
  g_free (config);
}

/**
 * kube_config_new:
 * @server: the server's URL, for example `https://127.0.0.1:6443`
 * @ca_pem: (nullable): who signs the server's certificate; %NULL: the system's authorities
 * @certificate_pem: (nullable): one's own certificate
 * @key_pem: (nullable): its key
 * @token: (nullable): a bearer token
 *
 * Returns: (transfer full): a config
 * Since: 1.0
 */
KubeConfig *
kube_config_new (const char *server, const char *ca_pem, const char *certificate_pem, const char *key_pem, const char *token)
{
  KubeConfig *config = config_new ();

  config->server = g_strdup (server);
  config->ca_pem = g_strdup (ca_pem);
  config->certificate_pem = g_strdup (certificate_pem);
  config->key_pem = g_strdup (key_pem);
  config->token = g_strdup (token);
  return config;
}

/**
 * kube_config_get_server:
 * @config: a config
 *
 * Returns: the server's URL
 * Since: 1.0
 */
const char *
kube_config_get_server (KubeConfig *config)
{
  return config->server;
}

/**
 * kube_config_get_namespace:
 * @config: a config
 *
 * Returns: the namespace of the context, `default` where it says none
 * Since: 1.0
 */
const char *
kube_config_get_namespace (KubeConfig *config)
{
  return config->namespace_ != NULL ? config->namespace_ : "default";
}

static gboolean
read_file (const char *path, char **contents, gsize *length, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (g_file_get_contents (path, contents, length, &cause) && *length <= FILE_MAX)
    return TRUE;
  if (cause == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s is larger than %d bytes", path, FILE_MAX);
  else
    g_set_error_literal (error, KUBE_ERROR,
                         g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? KUBE_ERROR_NOT_FOUND
                                                                                   : KUBE_ERROR_BAD_REQUEST,
                         cause->message);
  return FALSE;
}

static char *
resolve (const char *path, const char *folder)
{
  return g_path_is_absolute (path) || folder == NULL ? g_strdup (path) : g_build_filename (folder, path, NULL);
}

/* What KEY-data holds, or else the file that KEY names. FALSE: it cannot be read. */
static gboolean
read_pem (KubeValue *section, const char *key, const char *folder, char **pem, GError **error)
{
  g_autofree char *data_key = g_strconcat (key, "-data", NULL);
  const char *data = kube_value_get_member_string (section, data_key), *file = kube_value_get_member_string (section, key);
  gsize length;

  if (data != NULL && *data != '\0') {
    g_autofree char *decoded = (char *) g_base64_decode (data, &length);
    if (strstr (decoded, "-----BEGIN ") == NULL) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s is not the base64 form of a PEM text", data_key);
      return FALSE;
    }
    *pem = g_steal_pointer (&decoded);
    return TRUE;
  }
  if (file == NULL || *file == '\0')
    return TRUE;
  g_autofree char *path = resolve (file, folder);
  g_autofree char *contents = NULL;
  if (!read_file (path, &contents, &length, error)) {
    g_prefix_error (error, "unable to read %s: ", key);
    return FALSE;
  }
  *pem = g_steal_pointer (&contents);
  return TRUE;
}

static char *
dup_member (KubeValue *section, const char *key)
{
  const char *text = kube_value_get_member_string (section, key);
  return text != NULL && *text != '\0' ? g_strdup (text) : NULL;
}

static char **
dup_strings (KubeValue *array)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < kube_value_get_length (array); i++) {
    const char *text = kube_value_peek_string (kube_value_get_element (array, i), NULL);
    if (text != NULL)
      g_strv_builder_add (builder, text);
  }
  return kube_value_get_length (array) > 0 ? g_strv_builder_end (builder) : NULL;
}

static gboolean
read_cluster (KubeConfig *config, KubeValue *cluster, const char *folder, GError **error)
{
  config->server = dup_member (cluster, "server");
  config->insecure = kube_value_get_boolean (cluster, "insecure-skip-tls-verify", FALSE);
  config->tls_server_name = dup_member (cluster, "tls-server-name");
  config->proxy_url = dup_member (cluster, "proxy-url");
  if (config->server == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid configuration: no server found for the cluster");
    return FALSE;
  }
  if (!read_pem (cluster, "certificate-authority", folder, &config->ca_pem, error))
    return FALSE;
  if (config->insecure && config->ca_pem != NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                         "specifying a root certificates file with the insecure flag is not allowed");
    return FALSE;
  }
  return TRUE;
}

static char **
read_environment (KubeValue *env)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < kube_value_get_length (env); i++) {
    KubeValue *item = kube_value_get_element (env, i);
    const char *name = kube_value_get_string (item, "name"), *value = kube_value_get_string (item, "value");
    if (name == NULL || strchr (name, '=') != NULL)
      continue;
    g_autofree char *pair = g_strconcat (name, "=", value != NULL ? value : "", NULL);
    g_strv_builder_add (builder, pair);
  }
  return g_strv_builder_end (builder);
}

static gboolean
read_exec (KubeConfig *config, KubeValue *exec, const char *folder, GError **error)
{
  const char *command = kube_value_get_string (exec, "command"), *api_version = kube_value_get_string (exec, "apiVersion");

  if (command == NULL || *command == '\0' || api_version == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s must be specified for a user to use exec authentication plugin",
                 command == NULL || *command == '\0' ? "command" : "apiVersion");
    return FALSE;
  }
  if (g_strcmp0 (kube_value_get_string (exec, "interactiveMode"), "Always") == 0) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                         "an exec plugin that must ask the user cannot be used by a library");
    return FALSE;
  }
  config->exec = g_new0 (KubeConfigExec, 1);
  /* As a shell does, only what has a slash is a path. */
  config->exec->command = strchr (command, '/') != NULL ? resolve (command, folder) : g_strdup (command);
  config->exec->args = dup_strings (kube_value_get (exec, "args"));
  config->exec->env = read_environment (kube_value_get (exec, "env"));
  config->exec->api_version = g_strdup (api_version);
  config->exec->install_hint = dup_member (exec, "installHint");
  config->exec->provide_cluster_info = kube_value_get_boolean (exec, "provideClusterInfo", FALSE);
  return TRUE;
}

static gboolean
read_user (KubeConfig *config, KubeValue *user, const char *folder, GError **error)
{
  const char *token_file = kube_value_get_string (user, "tokenFile");
  KubeValue *exec = kube_value_get (user, "exec"), *extra = kube_value_get_member (user, "as-user-extra");

  if (kube_value_is_object (kube_value_get_member (user, "auth-provider"))) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "auth-provider is not supported: use an exec plugin");
    return FALSE;
  }
  if (!read_pem (user, "client-certificate", folder, &config->certificate_pem, error)
      || !read_pem (user, "client-key", folder, &config->key_pem, error))
    return FALSE;
  if ((config->certificate_pem == NULL) != (config->key_pem == NULL)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s must be specified for a user to use the %s authentication method",
                 config->key_pem == NULL ? "client-key-data or client-key" : "client-certificate-data or client-certificate",
                 "client certificate");
    return FALSE;
  }
  config->token = dup_member (user, "token");
  config->token_file = token_file != NULL && *token_file != '\0' ? resolve (token_file, folder) : NULL;
  config->username = dup_member (user, "username");
  config->password = dup_member (user, "password");
  config->impersonate_user = dup_member (user, "as");
  config->impersonate_uid = dup_member (user, "as-uid");
  config->impersonate_groups = dup_strings (kube_value_get_member (user, "as-groups"));
  if (kube_value_is_object (extra))
    config->impersonate_extra = kube_value_detach (extra);
  return !kube_value_is_object (exec) || read_exec (config, exec, folder, error);
}

/* One file of a configuration. */
typedef struct {
  KubeValue *value; /* (owned) */
  char *folder;     /* (nullable): where its relative paths begin */
} Source;

static void
source_free (gpointer data)
{
  Source *source = data;
  kube_value_unref (source->value);
  g_free (source->folder);
  g_free (source);
}

static gboolean
add_source (GPtrArray *sources, const char *text, gssize length, const char *folder, GError **error)
{
  g_autoptr (KubeValue) value = kube_yaml_parse (text, length, error);

  if (value == NULL)
    return FALSE;
  if (!kube_value_is_object (value) && !kube_value_is_null (value)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "a kubeconfig must be an object");
    return FALSE;
  }
  Source *source = g_new (Source, 1);
  source->value = g_steal_pointer (&value);
  source->folder = g_strdup (folder);
  g_ptr_array_add (sources, source);
  return TRUE;
}

/* The entry of this name: what the first file says of it counts, as kubectl merges files. */
static KubeValue *
find_entry (GPtrArray *sources, const char *list, const char *name, const char **folder)
{
  for (guint i = 0; i < sources->len; i++) {
    const Source *source = g_ptr_array_index (sources, i);
    KubeValue *entries = kube_value_get_member (source->value, list);
    for (guint j = 0; j < kube_value_get_length (entries); j++) {
      KubeValue *entry = kube_value_get_element (entries, j);
      if (g_strcmp0 (kube_value_get_string (entry, "name"), name) != 0)
        continue;
      *folder = source->folder;
      return entry;
    }
  }
  return NULL;
}

static const char *
current_context (GPtrArray *sources)
{
  for (guint i = 0; i < sources->len; i++) {
    const Source *source = g_ptr_array_index (sources, i);
    const char *name = kube_value_get_member_string (source->value, "current-context");
    if (name != NULL && *name != '\0')
      return name;
  }
  return NULL;
}

static KubeConfig *
config_from_sources (GPtrArray *sources, const char *context_name, GError **error)
{
  g_autoptr (KubeConfig) config = config_new ();
  const char *folder = NULL;

  if (context_name == NULL)
    context_name = current_context (sources);
  if (context_name == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "invalid configuration: no configuration has been provided");
    return NULL;
  }
  KubeValue *context = kube_value_get_member (find_entry (sources, "contexts", context_name, &folder), "context");
  if (!kube_value_is_object (context)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "context \"%s\" does not exist", context_name);
    return NULL;
  }
  config->namespace_ = dup_member (context, "namespace");

  const char *cluster_name = kube_value_get_member_string (context, "cluster");
  KubeValue *cluster = kube_value_get_member (find_entry (sources, "clusters", cluster_name, &folder), "cluster");
  if (cluster_name == NULL || !kube_value_is_object (cluster)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "cluster \"%s\" does not exist",
                 cluster_name != NULL ? cluster_name : "");
    return NULL;
  }
  if (!read_cluster (config, cluster, folder, error))
    return NULL;

  const char *user_name = kube_value_get_member_string (context, "user");
  if (user_name == NULL || *user_name == '\0')
    return g_steal_pointer (&config);
  KubeValue *user = find_entry (sources, "users", user_name, &folder);
  if (user == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "auth info \"%s\" does not exist", user_name);
    return NULL;
  }
  return read_user (config, kube_value_get_member (user, "user"), folder, error) ? g_steal_pointer (&config) : NULL;
}

KubeConfig *
kube_config_parse (const char *text, gssize length, const char *folder, const char *context, GError **error)
{
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (source_free);

  return add_source (sources, text, length, folder, error) ? config_from_sources (sources, context, error) : NULL;
}

KubeConfig *
kube_config_load_files (const char *const *paths, gboolean explicit_, const char *context, GError **error)
{
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (source_free);

  for (; *paths != NULL; paths++) {
    g_autofree char *text = NULL;
    g_autofree char *absolute = g_canonicalize_filename (*paths, NULL);
    g_autofree char *folder = g_path_get_dirname (absolute);
    g_autoptr (GError) cause = NULL;
    gsize length;
    if (!read_file (*paths, &text, &length, &cause)) {
      if (!explicit_ && g_error_matches (cause, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
        continue;
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
    if (!add_source (sources, text, length, folder, error)) {
      g_prefix_error (error, "error loading config file \"%s\": ", *paths);
      return NULL;
    }
  }
  return config_from_sources (sources, context, error);
}

KubeConfig *
kube_config_new_from_service_account (const char *folder, const char *host, const char *port, GError **error)
{
  g_autoptr (KubeConfig) config = config_new ();
  g_autofree char *ca_path = g_build_filename (folder, "ca.crt", NULL);
  g_autofree char *namespace_path = g_build_filename (folder, "namespace", NULL);
  gsize length;

  if (host == NULL || port == NULL || *host == '\0' || *port == '\0') {
    g_set_error_literal (
        error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined");
    return NULL;
  }
  config->token_file = g_build_filename (folder, "token", NULL);
  if (!read_file (config->token_file, &config->token, &length, error))
    return NULL;
  g_strstrip (config->token);
  /* Without this file the system's authorities count, as in client-go. */
  if (g_file_test (ca_path, G_FILE_TEST_EXISTS) && !read_file (ca_path, &config->ca_pem, &length, error))
    return NULL;
  if (g_file_get_contents (namespace_path, &config->namespace_, NULL, NULL))
    g_strstrip (config->namespace_);
  config->server = g_strdup_printf (strchr (host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s", host, port);
  return g_steal_pointer (&config);
}

/**
 * kube_config_new_in_cluster:
 * @error: %KUBE_ERROR_NOT_FOUND where this is not a pod with a service account
 *
 * Returns: (transfer full): what a pod knows of its cluster
 * Since: 1.0
 */
KubeConfig *
kube_config_new_in_cluster (GError **error)
{
  return kube_config_new_from_service_account (SERVICE_ACCOUNT_FOLDER, g_getenv ("KUBERNETES_SERVICE_HOST"),
                                               g_getenv ("KUBERNETES_SERVICE_PORT"), error);
}

/**
 * kube_config_load:
 * @path: (nullable): a kubeconfig file; %NULL: those of `$KUBECONFIG`, else `~/.kube/config`, else the cluster that this is a
 *   pod of
 * @context: (nullable): a context's name; %NULL: the current one
 * @error: %KUBE_ERROR_NOT_FOUND where there is no such file, context, cluster or user, %KUBE_ERROR_BAD_REQUEST where a file is
 *   not good
 *
 * Of several files, the first that says something of a cluster, user or context counts, as with kubectl. Paths in a file begin
 * at its folder.
 *
 * Returns: (transfer full): a config
 * Since: 1.0
 */
KubeConfig *
kube_config_load (const char *path, const char *context, GError **error)
{
  const char *listed = g_getenv ("KUBECONFIG");

  if (path != NULL)
    return kube_config_load_files ((const char *const[]){ path, NULL }, TRUE, context, error);
  if (listed != NULL && *listed != '\0') {
    g_auto (GStrv) items = g_strsplit (listed, G_SEARCHPATH_SEPARATOR_S, -1);
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
    for (char **item = items; *item != NULL; item++) {
      if (**item != '\0')
        g_strv_builder_add (builder, *item);
    }
    g_auto (GStrv) paths = g_strv_builder_end (builder);
    return kube_config_load_files ((const char *const *) paths, FALSE, context, error);
  }
  g_autofree char *own = g_build_filename (g_get_home_dir (), ".kube", "config", NULL);
  if (g_file_test (own, G_FILE_TEST_EXISTS))
    return kube_config_load_files ((const char *const[]){ own, NULL }, TRUE, context, error);
  return kube_config_new_in_cluster (error);
}

static void
put_base64 (KubeNode *node, const char *key, const char *pem)
{
  if (pem == NULL)
    return;
  g_autofree char *encoded = g_base64_encode ((const guchar *) pem, strlen (pem));
  kube_node_put_string (node, key, encoded);
}

static void
put_text (KubeNode *node, const char *key, const char *text)
{
  if (text != NULL)
    kube_node_put_string (node, key, text);
}

static KubeNode *
append_named (KubeNode *root, const char *list, const char *name, const char *member)
{
  KubeNode *entry = kube_node_append_object (kube_node_ensure_array (root, list));

  kube_node_put_string (entry, "name", name);
  return kube_node_put_object (entry, member);
}

static void
put_strings (KubeNode *node, const char *key, char **texts)
{
  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    kube_node_append_string (kube_node_ensure_array (node, key), texts[i]);
}

static void
put_exec (KubeNode *user, const KubeConfigExec *exec)
{
  KubeNode *node = kube_node_put_object (user, "exec");

  kube_node_put_string (node, "apiVersion", exec->api_version);
  kube_node_put_string (node, "command", exec->command);
  put_strings (node, "args", exec->args);
  put_text (node, "installHint", exec->install_hint);
  kube_node_put_string (node, "interactiveMode", "IfAvailable");
  if (exec->provide_cluster_info)
    kube_node_set_boolean (node, "provideClusterInfo", TRUE);
  for (guint i = 0; exec->env[i] != NULL; i++) {
    g_auto (GStrv) pair = g_strsplit (exec->env[i], "=", 2);
    KubeNode *item = kube_node_append_object (kube_node_ensure_array (node, "env"));
    kube_node_put_string (item, "name", pair[0]);
    kube_node_put_string (item, "value", pair[1]);
  }
}

/**
 * kube_config_print:
 * @config: a config
 * @name: how its cluster, user and context are called
 *
 * Returns: (transfer full): the text of a kubeconfig file, which holds keys and tokens
 * Since: 1.0
 */
char *
kube_config_print (KubeConfig *config, const char *name)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_put_string (root, "apiVersion", "v1");
  kube_node_put_string (root, "kind", "Config");
  kube_node_put_string (root, "current-context", name);

  KubeNode *cluster = append_named (root, "clusters", name, "cluster");
  kube_node_put_string (cluster, "server", config->server);
  put_base64 (cluster, "certificate-authority-data", config->ca_pem);
  put_text (cluster, "tls-server-name", config->tls_server_name);
  put_text (cluster, "proxy-url", config->proxy_url);
  if (config->insecure)
    kube_node_set_boolean (cluster, "insecure-skip-tls-verify", TRUE);

  KubeNode *context = append_named (root, "contexts", name, "context");
  kube_node_put_string (context, "cluster", name);
  kube_node_put_string (context, "user", name);
  put_text (context, "namespace", config->namespace_);

  KubeNode *user = append_named (root, "users", name, "user");
  put_base64 (user, "client-certificate-data", config->certificate_pem);
  put_base64 (user, "client-key-data", config->key_pem);
  put_text (user, "token", config->token);
  put_text (user, "tokenFile", config->token_file);
  put_text (user, "username", config->username);
  put_text (user, "password", config->password);
  put_text (user, "as", config->impersonate_user);
  put_text (user, "as-uid", config->impersonate_uid);
  put_strings (user, "as-groups", config->impersonate_groups);
  if (config->impersonate_extra != NULL)
    kube_node_put_value (user, "as-user-extra", config->impersonate_extra);
  if (config->exec != NULL)
    put_exec (user, config->exec);

  g_autoptr (KubeValue) value = kube_builder_end (builder);
  return kube_yaml_print (value);
}
