/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-selector-private.h"
#include "kube-table-private.h"

#include <kube/kube-selector.h>
#include <kube/kube-time.h>

/* Cells of workloads and of what scales and guards them. */

static const char *
text_of (KubeValue *value, const char *path)
{
  const char *text = kube_value_get_string (value, path);
  return text != NULL ? text : "";
}

/* Where a workload has its pod template. */
static KubeValue *
find_template (KubeValue *object)
{
  KubeValue *template_ = kube_value_get (object, "spec.jobTemplate.spec.template");

  if (template_ == NULL)
    template_ = kube_value_get (object, "spec.template");
  return template_ != NULL ? template_ : kube_value_get (object, "template");
}

static void
print_containers (KubeValue *object, gint64 now, GString *out)
{
  g_autofree char *text = kube_table_join (kube_value_get (find_template (object), "spec.containers"), "name", ",");
  kube_table_text (out, text);
}

static void
print_images (KubeValue *object, gint64 now, GString *out)
{
  g_autofree char *text = kube_table_join (kube_value_get (find_template (object), "spec.containers"), "image", ",");
  kube_table_text (out, text);
}

static void
print_label_selector (KubeValue *value, GString *out)
{
  g_autoptr (KubeSelector) selector = kube_selector_from_either (value, NULL);
  g_autofree char *text = selector != NULL ? kube_selector_print (selector) : NULL;

  if (selector == NULL)
    kube_table_text (out, "<error>");
  else
    kube_table_text_or (out, text, "<none>");
}

static void
print_selector (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *spec = kube_value_get (object, "spec.jobTemplate.spec");
  KubeValue *value = kube_value_get_member (spec != NULL ? spec : kube_value_get (object, "spec"), "selector");

  print_label_selector (value, out);
}

static void
print_network_policy_selector (KubeValue *object, gint64 now, GString *out)
{
  print_label_selector (kube_value_get (object, "spec.podSelector"), out);
}

static void
print_ready_of_replicas (KubeValue *object, gint64 now, GString *out)
{
  g_string_append_printf (out, "\"%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "\"", kube_value_get_integer (object, "status.readyReplicas", 0),
                          kube_value_get_integer (object, "spec.replicas", 0));
}

static void
print_daemon_set_node_selector (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *labels = kube_value_get (object, "spec.template.spec.nodeSelector");
  g_autoptr (KubeSelector) selector = kube_selector_from_labels (labels);
  g_autofree char *text = kube_selector_print (selector);

  kube_table_text_or (out, text, "<none>");
}

static void
print_revision_controller (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *owners = kube_value_get (object, "metadata.ownerReferences");

  for (guint i = 0; i < kube_value_get_length (owners); i++) {
    KubeValue *owner = kube_value_get_element (owners, i);
    if (kube_value_get_boolean (owner, "controller", FALSE)) {
      const char *api_version = text_of (owner, "apiVersion"), *slash = strchr (api_version, '/');
      g_autofree char *kind = g_utf8_strdown (text_of (owner, "kind"), -1);
      g_autofree char *text = slash != NULL ? g_strdup_printf ("%s.%.*s/%s", kind, (int) (slash - api_version), api_version, text_of (owner, "name"))
                                            : g_strdup_printf ("%s/%s", kind, text_of (owner, "name"));
      kube_table_text (out, text);
      return;
    }
  }
  kube_table_text (out, "<none>");
}

/* --- jobs --- */

static gboolean
has_condition (KubeValue *object, const char *type)
{
  KubeValue *conditions = kube_value_get (object, "status.conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    if (strcmp (text_of (condition, "type"), type) == 0)
      return strcmp (text_of (condition, "status"), "True") == 0;
  }
  return FALSE;
}

static void
print_job_status (KubeValue *job, gint64 now, GString *out)
{
  const char *status = has_condition (job, "Complete")                                ? "Complete"
                       : has_condition (job, "Failed")                                ? "Failed"
                       : kube_value_get (job, "metadata.deletionTimestamp") != NULL ? "Terminating"
                       : has_condition (job, "Suspended")                             ? "Suspended"
                       : has_condition (job, "FailureTarget")                         ? "FailureTarget"
                       : has_condition (job, "SuccessCriteriaMet")                    ? "SuccessCriteriaMet"
                                                                                      : "Running";
  kube_table_text (out, status);
}

static void
print_job_completions (KubeValue *job, gint64 now, GString *out)
{
  gint64 done = kube_value_get_integer (job, "status.succeeded", 0), all = kube_value_get_integer (job, "spec.completions", -1);
  gint64 parallelism = kube_value_get_integer (job, "spec.parallelism", 0);

  if (all >= 0)
    g_string_append_printf (out, "\"%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "\"", done, all);
  else if (parallelism > 1)
    g_string_append_printf (out, "\"%" G_GINT64_FORMAT "/1 of %" G_GINT64_FORMAT "\"", done, parallelism);
  else
    g_string_append_printf (out, "\"%" G_GINT64_FORMAT "/1\"", done);
}

static void
print_job_duration (KubeValue *job, gint64 now, GString *out)
{
  const char *start = kube_value_get_string (job, "status.startTime"), *end = kube_value_get_string (job, "status.completionTime");
  gint64 until = now;

  if (start == NULL) {
    kube_table_text (out, "");
    return;
  }
  if (end != NULL && !kube_time_parse (end, &until, NULL))
    until = now;
  kube_table_age (out, start, until);
}

static void
print_cron_job_last_schedule (KubeValue *job, gint64 now, GString *out)
{
  const char *time = kube_value_get_string (job, "status.lastScheduleTime");

  if (time != NULL)
    kube_table_age (out, time, now);
  else
    kube_table_text (out, "<none>");
}

static void
print_cron_job_timezone (KubeValue *job, gint64 now, GString *out)
{
  const char *zone = kube_value_get_string (job, "spec.timeZone");
  kube_table_text (out, zone != NULL ? zone : "<none>");
}

static void
print_cron_job_suspend (KubeValue *job, gint64 now, GString *out)
{
  KubeValue *suspend = kube_value_get (job, "spec.suspend");

  kube_table_text (out, kube_value_is_null (suspend) ? "<unset>" : kube_value_get_boolean (suspend, NULL, FALSE) ? "True" : "False");
}

/* --- budgets and autoscalers --- */

static void
print_int_or_string (KubeValue *value, const char *none, GString *out)
{
  const char *text = kube_value_peek_string (value, NULL);

  if (kube_value_is_null (value))
    kube_table_text (out, none);
  else if (text != NULL)
    kube_table_text (out, text);
  else
    g_string_append_printf (out, "\"%" G_GINT64_FORMAT "\"", kube_value_get_integer (value, NULL, 0));
}

static void
print_budget_min_available (KubeValue *object, gint64 now, GString *out)
{
  print_int_or_string (kube_value_get (object, "spec.minAvailable"), "N/A", out);
}

static void
print_budget_max_unavailable (KubeValue *object, gint64 now, GString *out)
{
  print_int_or_string (kube_value_get (object, "spec.maxUnavailable"), "N/A", out);
}

static void
print_autoscaler_reference (KubeValue *object, gint64 now, GString *out)
{
  g_autofree char *text = g_strconcat (text_of (object, "spec.scaleTargetRef.kind"), "/", text_of (object, "spec.scaleTargetRef.name"), NULL);
  kube_table_text (out, text);
}

static void
print_autoscaler_min_pods (KubeValue *object, gint64 now, GString *out)
{
  print_int_or_string (kube_value_get (object, "spec.minReplicas"), "<unset>", out);
}

static void
append_percent (GString *list, KubeValue *value, const char *none)
{
  if (kube_value_is_null (value))
    g_string_append (list, none);
  else
    g_string_append_printf (list, "%" G_GINT64_FORMAT "%%", kube_value_get_integer (value, NULL, 0));
}

static void
append_metric (GString *list, KubeValue *metric, KubeValue *status)
{
  static const struct {
    const char *type;
    const char *key;
  } types[] = { { "External", "external" }, { "Object", "object" }, { "Pods", "pods" }, { "Resource", "resource" }, { "ContainerResource", "containerResource" } };
  const char *type = text_of (metric, "type"), *key = NULL, *average, *found;
  KubeValue *source, *current;

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (strcmp (types[i].type, type) == 0)
      key = types[i].key;
  if (key == NULL) {
    g_string_append (list, "<unknown type>");
    return;
  }
  source = kube_value_get_member (metric, key);
  current = kube_value_get (kube_value_get_member (status, key), "current");
  average = kube_value_get_string (source, "target.averageValue");
  if (strcmp (key, "resource") == 0 || strcmp (key, "containerResource") == 0) {
    g_string_append_printf (list, "%s: ", text_of (source, "name"));
    if (average == NULL) {
      append_percent (list, kube_value_get (current, "averageUtilization"), "<unknown>");
      g_string_append_c (list, '/');
      append_percent (list, kube_value_get (source, "target.averageUtilization"), "<auto>");
      return;
    }
  }
  found = kube_value_get_string (current, average != NULL ? "averageValue" : "value");
  g_string_append_printf (list, "%s/%s%s", found != NULL ? found : "<unknown>", average != NULL ? average : text_of (source, "target.value"),
                          average != NULL && (strcmp (key, "external") == 0 || strcmp (key, "object") == 0) ? " (avg)" : "");
}

/* The first version knows one metric, the processor's use. */
static void
print_cpu_target (KubeValue *object, GString *out)
{
  g_autoptr (GString) list = g_string_new ("cpu: ");

  append_percent (list, kube_value_get (object, "status.currentCPUUtilizationPercentage"), "<unknown>");
  g_string_append_c (list, '/');
  append_percent (list, kube_value_get (object, "spec.targetCPUUtilizationPercentage"), "<auto>");
  kube_table_text (out, list->str);
}

static void
print_autoscaler_targets (KubeValue *object, gint64 now, GString *out)
{
  KubeValue *metrics = kube_value_get (object, "spec.metrics"), *statuses = kube_value_get (object, "status.currentMetrics");
  guint n = kube_value_get_length (metrics);
  g_autoptr (GString) list = g_string_new (NULL);

  if (!kube_value_is_null (kube_value_get (object, "spec.targetCPUUtilizationPercentage"))) {
    print_cpu_target (object, out);
    return;
  }
  for (guint i = 0; i < n && i < 2; i++) {
    g_string_append (list, i > 0 ? ", " : "");
    append_metric (list, kube_value_get_element (metrics, i), i < kube_value_get_length (statuses) ? kube_value_get_element (statuses, i) : NULL);
  }
  if (n > 2)
    g_string_append_printf (list, " + %u more...", n - 2);
  kube_table_text_or (out, list->str, "<none>");
}

const KubeTableCell kube_table_workload_cells[] = {
  { "@containers", print_containers },
  { "@images", print_images },
  { "@template-containers", print_containers },
  { "@template-images", print_images },
  { "@selector", print_selector },
  { "@network-policy-selector", print_network_policy_selector },
  { "@deployment-ready", print_ready_of_replicas },
  { "@stateful-set-ready", print_ready_of_replicas },
  { "@daemon-set-node-selector", print_daemon_set_node_selector },
  { "@revision-controller", print_revision_controller },
  { "@job-status", print_job_status },
  { "@job-completions", print_job_completions },
  { "@job-duration", print_job_duration },
  { "@cron-job-last-schedule", print_cron_job_last_schedule },
  { "@cron-job-timezone", print_cron_job_timezone },
  { "@cron-job-suspend", print_cron_job_suspend },
  { "@budget-min-available", print_budget_min_available },
  { "@budget-max-unavailable", print_budget_max_unavailable },
  { "@autoscaler-reference", print_autoscaler_reference },
  { "@autoscaler-min-pods", print_autoscaler_min_pods },
  { "@autoscaler-targets", print_autoscaler_targets },
  { NULL, NULL },
};
