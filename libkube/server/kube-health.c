/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-paths.h"

typedef struct {
  const char *name;
  gboolean good;
} Outcome;

static gboolean
check_ping (KubeServer *server, gpointer user_data, GError **error)
{
  return TRUE;
}

static gboolean
check_shutdown (KubeServer *server, gpointer user_data, GError **error)
{
  return !kube_server_is_shutting_down (server);
}

/* A read: a store that cannot answer it is not there. */
static gboolean
check_store (KubeServer *server, gpointer user_data, GError **error)
{
  return kube_store_get_revision (kube_server_get_store (server)) > 0;
}

static const struct {
  const char *name;
  gboolean live;
  KubeHealthCheck check;
} own_checks[] = {
  { "ping", TRUE, check_ping },
  { "log", TRUE, check_ping },
  { "etcd", TRUE, check_store },
  { "etcd-readiness", FALSE, check_store },
  { "informer-sync", FALSE, check_ping },
  { "poststarthook/rbac/bootstrap-roles", TRUE, check_ping },
  { "poststarthook/scheduling/bootstrap-system-priority-classes", TRUE, check_ping },
  { "shutdown", FALSE, check_shutdown },
};

static gboolean
belongs (const char *endpoint, const char *name, gboolean live)
{
  if (g_str_equal (endpoint, "readyz"))
    return TRUE;
  return live && !g_str_equal (name, "etcd-readiness");
}

static void
collect (KubeOperation *op, const char *endpoint, GArray *outcomes, GArray *added)
{
  for (guint i = 0; i < G_N_ELEMENTS (own_checks); i++) {
    if (belongs (endpoint, own_checks[i].name, own_checks[i].live)) {
      Outcome outcome = { own_checks[i].name, own_checks[i].check (op->server, NULL, NULL) };
      g_array_append_val (outcomes, outcome);
    }
  }
  for (guint i = 0; i < added->len; i++) {
    const KubeServerCheck *check = &g_array_index (added, KubeServerCheck, i);
    if (belongs (endpoint, check->name, check->live)) {
      Outcome outcome = { check->name, check->check (op->server, check->user_data, NULL) };
      g_array_append_val (outcomes, outcome);
    }
  }
}

static gboolean
answer_one (KubeOperation *op, GArray *outcomes, const char *name)
{
  for (guint i = 0; i < outcomes->len; i++) {
    const Outcome *outcome = &g_array_index (outcomes, Outcome, i);
    if (!g_str_equal (outcome->name, name))
      continue;
    if (outcome->good)
      kube_operation_answer_text (op, 200, "ok");
    else
      kube_operation_answer_text (op, 500, "internal server error: not ready\n");
    return TRUE;
  }
  return FALSE;
}

static void
answer_all (KubeOperation *op, GArray *outcomes, const char *endpoint)
{
  const char *const *excluded = kube_call_get_query_all (op->call, "exclude");
  g_autoptr (GString) report = g_string_new (NULL);
  gboolean good = TRUE;

  for (guint i = 0; i < outcomes->len; i++) {
    const Outcome *outcome = &g_array_index (outcomes, Outcome, i);
    gboolean skip = excluded != NULL && g_strv_contains (excluded, outcome->name);
    good &= skip || outcome->good;
    g_string_append_printf (report, skip ? "[+]%s excluded: ok\n" : outcome->good ? "[+]%s ok\n" : "[-]%s failed: reason withheld\n", outcome->name);
  }
  if (!good) {
    g_string_append_printf (report, "%s check failed\n", endpoint);
    kube_operation_answer_text (op, 500, report->str);
  } else if (kube_call_get_query (op->call, "verbose") != NULL) {
    g_string_append_printf (report, "%s check passed\n", endpoint);
    kube_operation_answer_text (op, 200, report->str);
  } else {
    kube_operation_answer_text (op, 200, "ok");
  }
}

gboolean
kube_health_answer (KubeOperation *op, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path + 1, "/", 2);
  g_autoptr (GArray) added = kube_server_copy_checks (op->server);
  g_autoptr (GArray) outcomes = g_array_new (FALSE, FALSE, sizeof (Outcome));

  collect (op, parts[0], outcomes, added);
  kube_call_add_header (op->call, "Cache-Control", "no-cache, private");
  if (parts[1] != NULL && *parts[1] != '\0')
    return answer_one (op, outcomes, parts[1]);
  answer_all (op, outcomes, parts[0]);
  return TRUE;
}
