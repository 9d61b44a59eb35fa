/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-paths.h"
#include "kube-openapi.h"
#include <kube/kube-metrics.h>
#include <sys/utsname.h>

#define GIT_VERSION "v1.36.3"

static void
answer_not_found (KubeOperation *op)
{
  kube_operation_answer_text (op, 404, "404 page not found\n");
}

static void
answer_version (KubeOperation *op)
{
  g_autoptr (GBytes) body = NULL;
  struct utsname host;
  char *json;

  uname (&host);
  json = g_strdup_printf ("{\"major\":\"1\",\"minor\":\"36\",\"emulationMajor\":\"1\",\"emulationMinor\":\"36\",\"minCompatibilityMajor\":\"1\",\"minCompatibilityMinor\":\"35\","
                          "\"gitVersion\":\"" GIT_VERSION "+libkube\",\"gitCommit\":\"\",\"gitTreeState\":\"clean\",\"buildDate\":\"1970-01-01T00:00:00Z\",\"goVersion\":\"\",\"compiler\":\"gcc\","
                          "\"platform\":\"linux/%s\"}",
      g_str_equal (host.machine, "x86_64") ? "amd64" : g_str_equal (host.machine, "aarch64") ? "arm64" : host.machine);
  body = g_bytes_new_take (json, strlen (json));
  kube_operation_answer_json (op, 200, body);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
answer_root (KubeOperation *op)
{
  static const char *const fixed[] = { "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/healthz", "/healthz/ping", "/livez", "/livez/ping", "/metrics", "/openapi/v2", "/openapi/v3",
    "/openapi/v3/", "/openid/v1/jwks", "/readyz", "/readyz/ping", "/version" };
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  GString *out = g_string_new ("{\"paths\":[");
  g_autoptr (GBytes) body = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    g_ptr_array_add (paths, g_strdup (fixed[i]));
  kube_discovery_append_paths (op, paths);
  g_ptr_array_sort (paths, compare_paths);
  for (guint i = 0; i < paths->len; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    kube_json_append_string (out, g_ptr_array_index (paths, i), -1);
  }
  g_string_append (out, "]}");
  body = g_string_free_to_bytes (out);
  kube_operation_answer_json (op, 200, body);
}

static void
answer_metrics (KubeOperation *op)
{
  g_autoptr (GBytes) body = NULL;
  char *text;

  kube_server_update_metrics (op->server);
  text = kube_metrics_print ();
  body = g_bytes_new_take (text, strlen (text));

  kube_call_respond (op->call, 200, "text/plain; version=0.0.4; charset=utf-8", body);
}

static gboolean
wants_protobuf (KubeOperation *op)
{
  const char *accept = kube_call_get_header (op->call, "Accept");
  return accept != NULL && strstr (accept, "proto-openapi") != NULL && strstr (accept, "application/json") == NULL;
}

static void
answer_cached (KubeOperation *op, GBytes *body, const char *hash, const char *type)
{
  g_autofree char *etag = hash != NULL ? g_strdup_printf ("\"%s\"", hash) : NULL;
  g_autoptr (GBytes) empty = NULL;

  if (etag != NULL) {
    kube_call_add_header (op->call, "ETag", etag);
    kube_call_add_header (op->call, "Vary", "Accept");
    if (g_strcmp0 (kube_call_get_header (op->call, "If-None-Match"), etag) == 0) {
      empty = g_bytes_new (NULL, 0);
      kube_call_respond (op->call, 304, NULL, empty);
      return;
    }
  }
  kube_call_respond (op->call, 200, type, body);
}

static void
answer_openapi_v3 (KubeOperation *op, const char *rest)
{
  gboolean protobuf = wants_protobuf (op);
  g_autofree char *hash = NULL;
  g_autoptr (GBytes) body = NULL;

  if (*rest == '\0') {
    body = kube_openapi_get_v3_index (op->scheme);
    kube_call_respond (op->call, 200, "application/json", body);
    return;
  }
  body = kube_openapi_get_v3 (op->scheme, rest, protobuf, &hash);
  if (body == NULL) {
    answer_not_found (op);
    return;
  }
  if (kube_call_get_query (op->call, "hash") != NULL)
    kube_call_add_header (op->call, "Cache-Control", "public, immutable");
  answer_cached (op, body, hash, protobuf ? "application/com.github.proto-openapi.spec.v3.v1.0+protobuf" : "application/json");
}

static void
answer_openapi_v2 (KubeOperation *op)
{
  gboolean protobuf = wants_protobuf (op);
  g_autofree char *hash = NULL;
  g_autoptr (GBytes) body = kube_openapi_get_v2 (op->scheme, protobuf, &hash);

  answer_cached (op, body, hash, protobuf ? "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" : "application/json");
}

static void
answer_jwks (KubeOperation *op)
{
  g_autoptr (GBytes) body = kube_auth_get_jwks (kube_server_get_auth (op->server));
  kube_call_respond (op->call, 200, "application/jwk-set+json", body);
}

static void
answer_openid (KubeOperation *op)
{
  g_autoptr (GBytes) body = kube_auth_get_openid_configuration (kube_server_get_auth (op->server), "https://kubernetes.default.svc");
  kube_call_respond (op->call, 200, "application/json", body);
}

/* Paths below /api and /apis that are no resource of the scheme. */
static void
handle_api (KubeOperation *op, char **parts, guint n)
{
  gboolean legacy = g_str_equal (parts[0], "api");
  const char *group = legacy ? "" : n > 1 ? parts[1] : NULL, *version = legacy ? (n > 1 ? parts[1] : NULL) : n > 2 ? parts[2] : NULL;

  if (group == NULL || (legacy && version == NULL)) {
    if (legacy)
      kube_discovery_answer_versions (op);
    else
      kube_discovery_answer_groups (op);
    return;
  }
  if (!kube_discovery_has_group (op, group)) {
    answer_not_found (op);
    return;
  }
  if (version == NULL)
    kube_discovery_answer_group (op, group);
  else if (n > (legacy ? 2u : 3u) || !kube_discovery_answer_resources (op, group, version))
    kube_operation_answer_no_resource (op);
}

static const struct {
  const char *path;
  void (*answer) (KubeOperation *op);
} exact[] = {
  { "/", answer_root },
  { "/version", answer_version },
  { "/metrics", answer_metrics },
  { "/openapi/v2", answer_openapi_v2 },
  { "/openid/v1/jwks", answer_jwks },
  { "/.well-known/openid-configuration", answer_openid },
};

static char *
trim_path (const char *path)
{
  char *trimmed = g_strdup (path);
  gsize length = strlen (trimmed);

  while (length > 1 && trimmed[length - 1] == '/')
    trimmed[--length] = '\0';
  return trimmed;
}

static gboolean
is_health (const char *path)
{
  return g_str_has_prefix (path, "/livez") || g_str_has_prefix (path, "/readyz") || g_str_has_prefix (path, "/healthz");
}

void
kube_paths_handle (KubeOperation *op)
{
  g_autofree char *path = trim_path (op->info.path);
  g_auto (GStrv) parts = g_strsplit (path + 1, "/", -1);
  guint n = g_strv_length (parts);
  gboolean get = g_str_equal (kube_call_get_method (op->call), "GET"), legacy = g_strcmp0 (parts[0], "api") == 0, api = legacy || g_strcmp0 (parts[0], "apis") == 0;

  if (api && !get && !op->info.is_resource && (n == 1 || kube_discovery_has_group (op, legacy ? "" : parts[1]))) {
    kube_operation_answer_no_method (op);
    return;
  }
  if (api) {
    handle_api (op, parts, n);
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (exact); i++) {
    if (!g_str_equal (exact[i].path, path))
      continue;
    if (get)
      exact[i].answer (op);
    else
      kube_operation_answer_no_method (op);
    return;
  }
  if (g_str_equal (path, "/openapi/v3") || g_str_has_prefix (path, "/openapi/v3/"))
    answer_openapi_v3 (op, path[11] == '/' ? path + 12 : "");
  else if (!is_health (path) || !kube_health_answer (op, path))
    answer_not_found (op);
}
