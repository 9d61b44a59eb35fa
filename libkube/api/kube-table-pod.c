/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-table-private.h"

#include <kube/kube-time.h>

/* A pod's row as kubectl knows it: what its containers say goes before what its phase says. */
typedef struct {
  gint64 restarts;
  gint64 last_restart; /* -1: none */
  guint ready;
  guint total;
  char reason[256];
} PodSummary;

static const char *
text_of (KubeValue *value, const char *path)
{
  const char *text = kube_value_get_string (value, path);
  return text != NULL ? text : "";
}

static gboolean
is_sidecar (KubeValue *container)
{
  return strcmp (text_of (container, "restartPolicy"), "Always") == 0;
}

static KubeValue *
find_by_name (KubeValue *list, const char *name)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (strcmp (text_of (kube_value_get_element (list, i), "name"), name) == 0)
      return kube_value_get_element (list, i);
  return NULL;
}

static KubeValue *
find_condition (KubeValue *pod, const char *type)
{
  KubeValue *conditions = kube_value_get (pod, "status.conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++)
    if (strcmp (text_of (kube_value_get_element (conditions, i), "type"), type) == 0)
      return kube_value_get_element (conditions, i);
  return NULL;
}

static gboolean
is_condition_true (KubeValue *pod, const char *type)
{
  return strcmp (text_of (find_condition (pod, type), "status"), "True") == 0;
}

G_GNUC_PRINTF (2, 3)
static void
set_reason (PodSummary *summary, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_vsnprintf (summary->reason, sizeof summary->reason, format, args);
  va_end (args);
}

static void
note_restart (KubeValue *status, gint64 *restarts, gint64 *last)
{
  const char *finished = kube_value_get_string (status, "lastState.terminated.finishedAt");
  gint64 time;

  *restarts += kube_value_get_integer (status, "restartCount", 0);
  if (finished != NULL && kube_time_parse (finished, &time, NULL))
    *last = MAX (*last, time);
}

static void
set_terminated (PodSummary *summary, const char *prefix, KubeValue *terminated)
{
  const char *reason = text_of (terminated, "reason");
  gint64 signal = kube_value_get_integer (terminated, "signal", 0);

  if (*reason != '\0')
    set_reason (summary, "%s%s", prefix, reason);
  else if (signal != 0)
    set_reason (summary, "%sSignal:%" G_GINT64_FORMAT, prefix, signal);
  else
    set_reason (summary, "%sExitCode:%" G_GINT64_FORMAT, prefix, kube_value_get_integer (terminated, "exitCode", 0));
}

/* Whether the pod still waits for @status, which is an init container's. */
static gboolean
is_waiting_for (PodSummary *summary, KubeValue *status, gboolean sidecar, guint index, guint n)
{
  KubeValue *terminated = kube_value_get (status, "state.terminated");
  const char *waiting = text_of (status, "state.waiting.reason");

  if (!kube_value_is_null (terminated) && kube_value_get_integer (terminated, "exitCode", 0) == 0)
    return FALSE;
  if (sidecar && kube_value_get_boolean (status, "started", FALSE)) {
    summary->ready += kube_value_get_boolean (status, "ready", FALSE);
    return FALSE;
  }
  if (!kube_value_is_null (terminated))
    set_terminated (summary, "Init:", terminated);
  else if (*waiting != '\0' && strcmp (waiting, "PodInitializing") != 0)
    set_reason (summary, "Init:%s", waiting);
  else
    set_reason (summary, "Init:%u/%u", index, n);
  return TRUE;
}

static gboolean
sum_init_containers (PodSummary *summary, KubeValue *pod, gint64 *sidecar_restarts, gint64 *sidecar_last)
{
  KubeValue *containers = kube_value_get (pod, "spec.initContainers"), *statuses = kube_value_get (pod, "status.initContainerStatuses");
  guint n = kube_value_get_length (containers);

  for (guint i = 0; i < n; i++)
    summary->total += is_sidecar (kube_value_get_element (containers, i));
  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    KubeValue *status = kube_value_get_element (statuses, i);
    gboolean sidecar = is_sidecar (find_by_name (containers, text_of (status, "name")));

    note_restart (status, &summary->restarts, &summary->last_restart);
    if (sidecar)
      note_restart (status, sidecar_restarts, sidecar_last);
    if (is_waiting_for (summary, status, sidecar, i, n))
      return TRUE;
  }
  return FALSE;
}

static void
sum_containers (PodSummary *summary, KubeValue *pod)
{
  KubeValue *statuses = kube_value_get (pod, "status.containerStatuses");
  gboolean running = FALSE;
  char error[sizeof summary->reason] = "";

  for (guint i = kube_value_get_length (statuses); i > 0; i--) {
    KubeValue *status = kube_value_get_element (statuses, i - 1);
    KubeValue *terminated = kube_value_get (status, "state.terminated");
    const char *waiting = text_of (status, "state.waiting.reason");

    note_restart (status, &summary->restarts, &summary->last_restart);
    if (*waiting != '\0') {
      set_reason (summary, "%s", waiting);
    } else if (!kube_value_is_null (terminated)) {
      set_terminated (summary, "", terminated);
      if (kube_value_get_integer (terminated, "exitCode", 0) != 0)
        g_strlcpy (error, summary->reason, sizeof error);
    } else if (kube_value_get_boolean (status, "ready", FALSE) && !kube_value_is_null (kube_value_get (status, "state.running"))) {
      running = TRUE;
      summary->ready++;
    }
  }
  if (strcmp (summary->reason, "Completed") != 0)
    return;
  if (running && is_condition_true (pod, "Ready"))
    set_reason (summary, "Running");
  else if (*error != '\0')
    g_strlcpy (summary->reason, error, sizeof summary->reason);
  else if (running)
    set_reason (summary, "NotReady");
}

static void
summarize (KubeValue *pod, PodSummary *summary)
{
  const char *phase = text_of (pod, "status.phase"), *reason = text_of (pod, "status.reason");
  gint64 sidecar_restarts = 0, sidecar_last = -1;
  gboolean deleting = kube_value_get_string (pod, "metadata.deletionTimestamp") != NULL, initializing;

  *summary = (PodSummary){ .last_restart = -1, .total = kube_value_get_length (kube_value_get (pod, "spec.containers")) };
  set_reason (summary, "%s", *reason != '\0' ? reason : phase);
  if (strcmp (text_of (find_condition (pod, "PodScheduled"), "reason"), "SchedulingGated") == 0)
    set_reason (summary, "SchedulingGated");

  initializing = sum_init_containers (summary, pod, &sidecar_restarts, &sidecar_last);
  if (!initializing || is_condition_true (pod, "Initialized")) {
    summary->restarts = sidecar_restarts;
    summary->last_restart = sidecar_last;
    sum_containers (summary, pod);
  }

  if (deleting && strcmp (reason, "NodeLost") == 0)
    set_reason (summary, "Unknown");
  else if (deleting && strcmp (phase, "Failed") != 0 && strcmp (phase, "Succeeded") != 0)
    set_reason (summary, "Terminating");
}

static void
print_status (KubeValue *pod, gint64 now, GString *out)
{
  PodSummary summary;

  summarize (pod, &summary);
  kube_table_text (out, summary.reason);
}

static void
print_ready (KubeValue *pod, gint64 now, GString *out)
{
  PodSummary summary;

  summarize (pod, &summary);
  g_string_append_printf (out, "\"%u/%u\"", summary.ready, summary.total);
}

static void
print_restarts (KubeValue *pod, gint64 now, GString *out)
{
  PodSummary summary;

  summarize (pod, &summary);
  if (summary.restarts != 0 && summary.last_restart >= 0) {
    g_autofree char *age = kube_time_print_age (now - summary.last_restart);
    g_string_append_printf (out, "\"%" G_GINT64_FORMAT " (%s ago)\"", summary.restarts, age);
  } else {
    g_string_append_printf (out, "\"%" G_GINT64_FORMAT "\"", summary.restarts);
  }
}

static void
print_readiness_gates (KubeValue *pod, gint64 now, GString *out)
{
  KubeValue *gates = kube_value_get (pod, "spec.readinessGates");
  guint n = kube_value_get_length (gates), good = 0;

  if (n == 0) {
    kube_table_text (out, "<none>");
    return;
  }
  for (guint i = 0; i < n; i++)
    good += is_condition_true (pod, text_of (kube_value_get_element (gates, i), "conditionType"));
  g_string_append_printf (out, "\"%u/%u\"", good, n);
}

const KubeTableCell kube_table_pod_cells[] = {
  { "@pod-status", print_status },
  { "@pod-ready", print_ready },
  { "@pod-restarts", print_restarts },
  { "@pod-readiness-gates", print_readiness_gates },
  { NULL, NULL },
};
