/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cron-schedule.h"
#include "kube-validate-private.h"

#include <kube/kube-selector.h>

/* Job and CronJob. */

#define MISMATCH "`selector` does not match template `labels`"

static void
add_without_value (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail)
{
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, NULL, detail);
}

/* Upstream prints the allowed words of these with Go's %q of a list. */
static void
check_word (KubeFieldErrors *errors, const KubeFieldPath *path, const char *word, const char *const *valid)
{
  g_autoptr (GString) detail = NULL;

  if (*word != '\0') {
    if (!kube_validate_one_of (word, valid))
      kube_field_errors_not_supported (errors, path, word, valid);
    return;
  }
  detail = g_string_new ("valid values: [");
  for (gsize i = 0; valid[i] != NULL; i++)
    g_string_append_printf (detail, "%s\"%s\"", i > 0 ? " " : "", valid[i]);
  g_string_append_c (detail, ']');
  kube_field_errors_required (errors, path, detail->str);
}

static gboolean
has_container (KubeValue *spec, const char *name)
{
  static const char *const lists[] = { "containers", "initContainers" };
  KubeValue *pod = kube_value_get (spec, "template.spec");

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (pod, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++)
      if (equals (string_of (kube_value_get_element (list, i), "name"), name))
        return TRUE;
  }
  return FALSE;
}

static void
check_exit_codes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement, KubeValue *spec)
{
  static const char *const operators[] = { "In", "NotIn", NULL };
  KubeValue *values = member_of (requirement, "values");
  const KubeFieldPath *at = AT (path, "values");
  const char *container = string_of (requirement, "containerName"), *operator = string_of (requirement, "operator");
  guint n = kube_value_get_length (values);
  gboolean ordered = TRUE;
  gint64 before = G_MININT64;

  check_word (errors, AT (path, "operator"), operator, operators);
  if (has_member (requirement, "containerName") && !has_container (spec, container))
    kube_field_errors_invalid (errors, AT (path, "containerName"), container,
                               "must be one of the container or initContainer names in the pod template");
  if (n == 0)
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, at, values != NULL ? "[]" : "null", "at least one value is required");
  else if (n > 255)
    kube_field_errors_too_many (errors, at, (int) n, 255);
  for (guint i = 0; i < n; i++) {
    gint64 code = kube_value_get_integer (kube_value_get_element (values, i), NULL, 0);
    if (equals (operator, "In") && code == 0)
      kube_field_errors_invalid_integer (errors, AT_INDEX (at, i), code, "must not be 0 for the In operator");
    for (guint k = 0; k < i && k < 255; k++)
      if (kube_value_get_integer (kube_value_get_element (values, k), NULL, 0) == code) {
        kube_field_errors_duplicate_integer (errors, AT_INDEX (at, i), code);
        break;
      }
    ordered = ordered && before <= code;
    before = code;
  }
  if (!ordered)
    kube_field_errors_invalid_value (errors, at, values, "must be ordered");
}

static void
check_pod_conditions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *patterns)
{
  static const char *const statuses[] = { "False", "True", "Unknown", NULL };
  guint n = kube_value_get_length (patterns);

  if (n > 20)
    kube_field_errors_too_many (errors, path, (int) n, 20);
  for (guint i = 0; i < n; i++) {
    KubeValue *pattern = kube_value_get_element (patterns, i);
    kube_validate_format (errors, AT (AT_INDEX (path, i), "type"), KUBE_NAME_QUALIFIED, string_of (pattern, "type"));
    check_word (errors, AT (AT_INDEX (path, i), "status"), string_of (pattern, "status"), statuses);
  }
}

static void
check_failure_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule, KubeValue *spec)
{
  static const char *const actions[] = { "Count", "FailIndex", "FailJob", "Ignore", NULL };
  const char *action = string_of (rule, "action");
  KubeValue *codes = member_of (rule, "onExitCodes"), *conditions = member_of (rule, "onPodConditions");
  guint n = kube_value_get_length (conditions);

  if (equals (action, "FailIndex") && !has_member (spec, "backoffLimitPerIndex"))
    kube_field_errors_invalid (errors, AT (path, "action"), action, "requires the backoffLimitPerIndex to be set");
  check_word (errors, AT (path, "action"), action, actions);
  if (codes != NULL)
    check_exit_codes (errors, AT (path, "onExitCodes"), codes, spec);
  if (n > 0)
    check_pod_conditions (errors, AT (path, "onPodConditions"), conditions);
  if (codes != NULL && n > 0)
    add_without_value (errors, path, "specifying both OnExitCodes and OnPodConditions is not supported");
  if (codes == NULL && n == 0)
    add_without_value (errors, path, "specifying one of OnExitCodes and OnPodConditions is required");
}

static void
check_failure_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *policy, KubeValue *spec)
{
  KubeValue *rules = member_of (policy, "rules");
  guint n = kube_value_get_length (rules);

  if (n > 20)
    kube_field_errors_too_many (errors, AT (path, "rules"), (int) n, 20);
  for (guint i = 0; i < n; i++)
    check_failure_rule (errors, AT_INDEX (AT (path, "rules"), i), kube_value_get_element (rules, i), spec);
}

static void
check_success_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule, gint64 completions)
{
  gint64 total = 0, count = integer_of (rule, "succeededCount", 0);
  gboolean has_indexes = has_member (rule, "succeededIndexes");
  const char *indexes = string_of (rule, "succeededIndexes");

  if (!has_member (rule, "succeededCount") && !has_indexes)
    kube_field_errors_required (errors, path, "at least one of succeededCount or succeededIndexes must be specified");
  if (has_indexes) {
    g_autofree char *problem = kube_validate_indexes (indexes, completions, &total);
    if (strlen (indexes) > 64 * 1024)
      kube_field_errors_too_long (errors, AT (path, "succeededIndexes"), 64 * 1024);
    if (problem != NULL) {
      g_autofree char *detail = g_strconcat ("error parsing succeededIndexes: ", problem, NULL);
      kube_field_errors_invalid (errors, AT (path, "succeededIndexes"), indexes, detail);
      total = 0;
    }
  }
  if (has_member (rule, "succeededCount")) {
    g_autofree char *detail = NULL;
    kube_validate_non_negative (errors, AT (path, "succeededCount"), count);
    if (count > completions) {
      detail = g_strdup_printf ("must be less than or equal to %" G_GINT64_FORMAT " (the number of specified completions)", completions);
      kube_field_errors_invalid_integer (errors, AT (path, "succeededCount"), count, detail);
    }
    if (has_indexes && count > total) {
      g_free (detail);
      detail = g_strdup_printf ("must be less than or equal to %" G_GINT64_FORMAT " (the number of indexes in the specified succeededIndexes field)", total);
      kube_field_errors_invalid_integer (errors, AT (path, "succeededCount"), count, detail);
    }
  }
}

static void
check_success_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *policy, gint64 completions)
{
  KubeValue *rules = member_of (policy, "rules");
  guint n = kube_value_get_length (rules);

  if (n == 0)
    kube_field_errors_required (errors, AT (path, "rules"), "at least one rules must be specified when the successPolicy is specified");
  if (n > 20)
    kube_field_errors_too_many (errors, AT (path, "rules"), (int) n, 20);
  for (guint i = 0; i < n; i++)
    check_success_rule (errors, AT_INDEX (AT (path, "rules"), i), kube_value_get_element (rules, i), completions);
}

static void
check_indexed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  gint64 completions = integer_of (spec, "completions", 0), parallelism = integer_of (spec, "parallelism", 0), failed = integer_of (spec, "maxFailedIndexes", 0);
  gboolean high = completions > 100000 && has_member (spec, "backoffLimitPerIndex");

  if (!has_member (spec, "completions"))
    kube_field_errors_required (errors, AT (path, "completions"), "when completion mode is Indexed");
  if (parallelism > 100000)
    kube_field_errors_invalid_integer (errors, AT (path, "parallelism"), parallelism, "must be less than or equal to 100000 when completion mode is Indexed");
  if (has_member (spec, "completions") && has_member (spec, "maxFailedIndexes") && failed > completions)
    kube_field_errors_invalid_integer (errors, AT (path, "maxFailedIndexes"), failed, "must be less than or equal to completions");
  if (failed > 100000)
    kube_field_errors_invalid_integer (errors, AT (path, "maxFailedIndexes"), failed, "must be less than or equal to 100000");
  if (!high)
    return;
  if (!has_member (spec, "maxFailedIndexes"))
    kube_field_errors_required (errors, AT (path, "maxFailedIndexes"), "must be specified when completions is above 100000");
  if (parallelism > 10000)
    kube_field_errors_invalid_integer (errors, AT (path, "parallelism"), parallelism,
                                       "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index");
  if (failed > 10000)
    kube_field_errors_invalid_integer (errors, AT (path, "maxFailedIndexes"), failed,
                                       "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index");
}

static void
check_managed_by (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  const char *name = string_of (spec, "managedBy");
  const KubeFieldPath *at = AT (path, "managedBy");

  if (!has_member (spec, "managedBy"))
    return;
  kube_validate_domain_path (errors, at, name);
  if (strlen (name) > 63)
    kube_field_errors_too_long (errors, at, 63);
}

static void
check_mode (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const modes[] = { "NonIndexed", "Indexed", NULL };
  static const char *const needs_indexes[] = { "backoffLimitPerIndex", "maxFailedIndexes" };
  const char *mode = string_of (spec, "completionMode");

  if (has_member (spec, "maxFailedIndexes") && !has_member (spec, "backoffLimitPerIndex"))
    kube_field_errors_required (errors, AT (path, "backoffLimitPerIndex"), "when maxFailedIndexes is specified");
  check_managed_by (errors, path, spec);
  if (has_member (spec, "completionMode") && !kube_validate_one_of (mode, modes))
    kube_field_errors_not_supported (errors, AT (path, "completionMode"), mode, modes);
  if (equals (mode, "Indexed"))
    check_indexed (errors, path, spec);
  for (gsize i = 0; i < G_N_ELEMENTS (needs_indexes); i++)
    if ((!has_member (spec, "completionMode") || equals (mode, "NonIndexed")) && has_member (spec, needs_indexes[i]))
      kube_field_errors_invalid_integer (errors, AT (path, needs_indexes[i]), integer_of (spec, needs_indexes[i], 0), "requires indexed completion mode");
}

static void
check_policies (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const failed_only[] = { "Failed", NULL };
  static const char *const replacements[] = { "Failed", "TerminatingOrFailed", NULL };
  KubeValue *failure = member_of (spec, "podFailurePolicy"), *success = member_of (spec, "successPolicy");
  const char *replacement = string_of (spec, "podReplacementPolicy");
  const char *const *valid = failure != NULL ? failed_only : replacements;

  if (failure != NULL)
    check_failure_policy (errors, AT (path, "podFailurePolicy"), failure, spec);
  if (success != NULL && !equals (string_of (spec, "completionMode"), "Indexed"))
    kube_validate_invalid_struct (errors, AT (path, "successPolicy"), "@batch.SuccessPolicy", success, "requires indexed completion mode");
  else if (success != NULL && has_member (spec, "completions"))
    check_success_policy (errors, AT (path, "successPolicy"), success, integer_of (spec, "completions", 0));
  if (has_member (spec, "podReplacementPolicy") && !kube_validate_one_of (replacement, valid))
    kube_field_errors_not_supported (errors, AT (path, "podReplacementPolicy"), replacement, valid);
}

static void
check_job_template (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const policies[] = { "OnFailure", "Never", NULL };
  const char *restart = kube_value_get_string (spec, "template.spec.restartPolicy");
  const KubeFieldPath *at = AT (AT (AT (path, "template"), "spec"), "restartPolicy");

  kube_validate_pod_template (errors, AT (path, "template"), member_of (spec, "template"));
  if (restart == NULL || *restart == '\0' || equals (restart, "Always"))
    kube_field_errors_required (errors, at, "valid values: \"OnFailure\", \"Never\"");
  else if (!kube_validate_one_of (restart, policies))
    kube_field_errors_not_supported (errors, at, restart, policies);
  else if (has_member (spec, "podFailurePolicy") && !equals (restart, "Never"))
    kube_field_errors_invalid (errors, at, restart, "only \"Never\" is supported when podFailurePolicy is specified");
}

static void
check_job_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const numbers[] = { "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
                                         "backoffLimitPerIndex", "maxFailedIndexes" };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    kube_validate_non_negative_member (errors, path, spec, numbers[i]);
  check_mode (errors, path, spec);
  check_policies (errors, path, spec);
  check_job_template (errors, path, spec);
}

static void
check_generated_label (KubeFieldErrors *errors, KubeValue *labels, const char *key, const char *value)
{
  const KubeFieldPath *path = AT_KEY (AT (AT (AT (AT (NULL, "spec"), "template"), "metadata"), "labels"), key);
  const char *found = kube_value_get_member_string (labels, key);
  g_autofree char *detail = g_strdup_printf ("must be '%s'", value);

  if (found == NULL)
    kube_field_errors_required (errors, path, detail);
  else if (!equals (found, value))
    kube_field_errors_invalid_value (errors, path, labels, detail);
}

/* Whether @selector selects pods that have only the labels which the server gives them. */
static gboolean
is_generated (KubeValue *selector, const char *name, const char *uid)
{
  g_autoptr (KubeSelector) parsed = kube_selector_from_value (selector, NULL);
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeValue) labels = NULL;

  kube_node_put_string (root, "controller-uid", uid);
  kube_node_put_string (root, "job-name", name);
  kube_node_put_string (root, "batch.kubernetes.io/controller-uid", uid);
  kube_node_put_string (root, "batch.kubernetes.io/job-name", name);
  labels = kube_builder_end (builder);
  return parsed == NULL || kube_selector_matches_labels (parsed, labels);
}

/* The server makes the selector and the labels that fit it, unless the job says that it brings its own. */
static void
check_generated_selector (KubeFieldErrors *errors, KubeValue *job, KubeValue *spec)
{
  KubeValue *meta = member_of (job, "metadata"), *labels = kube_value_get (spec, "template.metadata.labels");

  if (boolean_of (spec, "manualSelector") || !has_member (spec, "selector"))
    return;
  if (!has_text (meta, "uid"))
    kube_field_errors_required (errors, AT (AT (NULL, "metadata"), "uid"), NULL);
  check_generated_label (errors, labels, "controller-uid", string_of (meta, "uid"));
  check_generated_label (errors, labels, "job-name", string_of (meta, "name"));
  check_generated_label (errors, labels, "batch.kubernetes.io/controller-uid", string_of (meta, "uid"));
  check_generated_label (errors, labels, "batch.kubernetes.io/job-name", string_of (meta, "name"));
  if (!is_generated (member_of (spec, "selector"), string_of (meta, "name"), string_of (meta, "uid")))
    kube_validate_invalid_struct (errors, AT (AT (NULL, "spec"), "selector"), "@meta.LabelSelector", member_of (spec, "selector"), "`selector` not auto-generated");
}

static void
check_selected_job (KubeFieldErrors *errors, KubeValue *spec)
{
  KubeValue *value = member_of (spec, "selector"), *labels = kube_value_get (spec, "template.metadata.labels");
  const KubeFieldPath *path = AT (NULL, "spec");
  g_autoptr (KubeSelector) selector = kube_selector_from_value (value, NULL);

  check_job_spec (errors, path, spec);
  if (value == NULL)
    kube_field_errors_required (errors, AT (path, "selector"), NULL);
  kube_validate_label_selector (errors, AT (path, "selector"), value);
  if (selector != NULL && !kube_selector_matches_labels (selector, labels))
    kube_field_errors_invalid_value (errors, AT (AT (AT (path, "template"), "metadata"), "labels"), labels, MISMATCH);
}

static void
create_job (KubeFieldErrors *errors, KubeValue *job)
{
  KubeValue *spec = member_of (job, "spec");
  const char *name = string_of (member_of (job, "metadata"), "name");
  gint64 completions = integer_of (spec, "completions", 0);

  check_generated_selector (errors, job, spec);
  check_selected_job (errors, spec);
  if (equals (string_of (spec, "completionMode"), "Indexed") && completions > 0) {
    g_autofree char *host = g_strdup_printf ("%s-%" G_GINT64_FORMAT, name, completions - 1);
    if (!kube_name_is_valid (KUBE_NAME_DNS1123_LABEL, host))
      kube_field_errors_invalid_format (errors, AT (AT (NULL, "metadata"), "name"), name, "will not able to create pod with invalid DNS label: %s", host);
  }
}

static gboolean
has_suspended (KubeValue *status)
{
  KubeValue *condition = kube_value_find_element (member_of (status, "conditions"), "type", "Suspended");

  return equals (string_of (condition, "status"), "True");
}

/* Whether none of its pods is there: it has not begun, or the controller has said that it took them away. */
static gboolean
is_at_rest (KubeValue *job)
{
  KubeValue *status = member_of (job, "status");

  return boolean_of (member_of (job, "spec"), "suspend") && (!has_member (status, "startTime") || has_suspended (status)) && integer_of (status, "active", 0) == 0;
}

/* Such a job may say anew what its pods may use. */
static void
allow_resources (KubeNode *template_, KubeValue *spec)
{
  static const char *const lists[] = { "containers", "initContainers" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (spec, lists[l]);
    KubeNode *old = kube_node_get_member (kube_node_get_member (template_, "spec"), lists[l]);
    guint n = kube_value_get_length (list);

    for (guint i = 0; i < n && n == kube_node_get_length (old); i++) {
      KubeNode *container = kube_node_get_element (old, i);
      if (g_strcmp0 (kube_node_get_string (container, "name"), string_of (kube_value_get_element (list, i), "name")) == 0)
        kube_node_set_value (container, "resources", kube_value_get_member (kube_value_get_element (list, i), "resources"));
    }
  }
}

/* A suspended job without pods may still say where they go and what they may use. */
static void
check_template_update (KubeFieldErrors *errors, KubeValue *spec, KubeValue *old_job)
{
  static const char *const movable[] = { "spec.nodeSelector", "spec.tolerations", "spec.schedulingGates", "spec.affinity.nodeAffinity", "metadata.annotations",
                                         "metadata.labels" };
  KubeValue *template_ = member_of (spec, "template"), *old = kube_value_get (old_job, "spec.template");
  gboolean rests = is_at_rest (old_job);
  g_autoptr (KubeBuilder) builder = kube_builder_new (old);
  g_autoptr (KubeValue) allowed = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (movable) && rests; i++)
    kube_node_set_value (kube_builder_get_root (builder), movable[i], kube_value_get (template_, movable[i]));
  if (rests) {
    allow_resources (kube_builder_get_root (builder), member_of (template_, "spec"));
    allowed = kube_builder_end (builder);
    kube_validate_immutable (errors, AT (AT (NULL, "spec"), "template.spec"), member_of (template_, "spec"), member_of (allowed, "spec"), "@core.PodSpec");
  } else {
    allowed = kube_builder_end (builder);
    kube_validate_immutable (errors, AT (AT (NULL, "spec"), "template"), template_, allowed, "@core.PodTemplateSpec");
  }
}

static void
check_completions_update (KubeFieldErrors *errors, KubeValue *spec, KubeValue *old)
{
  const KubeFieldPath *path = AT (AT (NULL, "spec"), "completions");
  gint64 completions = integer_of (spec, "completions", 0);

  if (!equals (string_of (spec, "completionMode"), "Indexed"))
    kube_validate_immutable (errors, path, member_of (spec, "completions"), member_of (old, "completions"), NULL);
  else if (has_member (spec, "completions") && completions != integer_of (old, "completions", -1) && completions != integer_of (spec, "parallelism", 0))
    kube_field_errors_invalid_integer (errors, path, completions, "can only be modified in tandem with spec.parallelism");
}

static void
update_job (KubeFieldErrors *errors, KubeValue *job, KubeValue *old_job)
{
  KubeValue *spec = member_of (job, "spec"), *old = member_of (old_job, "spec");
  static const struct {
    const char *key;
    const char *type;
  } fixed[] = { { "completionMode", NULL }, { "podFailurePolicy", "*@batch.PodFailurePolicy" }, { "backoffLimitPerIndex", NULL }, { "managedBy", NULL },
                { "successPolicy", "*@batch.SuccessPolicy" } };

  check_selected_job (errors, spec);
  check_completions_update (errors, spec, old);
  kube_validate_immutable (errors, AT (AT (NULL, "spec"), "selector"), member_of (spec, "selector"), member_of (old, "selector"), "*@meta.LabelSelector");
  check_template_update (errors, spec, old_job);
  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++)
    kube_validate_immutable (errors, AT (AT (NULL, "spec"), fixed[i].key), member_of (spec, fixed[i].key), member_of (old, fixed[i].key), fixed[i].type);
}

/* --- cron jobs --- */

/* Europe/Zurich: no part is a step up, begins with a dash or is longer than 14 characters. */
static gboolean
is_zone_name (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);

  for (guint i = 0; parts[i] != NULL; i++) {
    gsize length = strlen (parts[i]);

    if (equals (parts[i], ".") || equals (parts[i], "..") || *parts[i] == '-' || length < 1 || length > 14)
      return FALSE;
    for (const char *at = parts[i]; *at != '\0'; at++)
      if (!g_ascii_isalnum (*at) && strchr ("_+-.", *at) == NULL)
        return FALSE;
  }
  return TRUE;
}

static void
check_time_zone (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  const char *name = string_of (spec, "timeZone");
  gboolean formed = is_zone_name (name);
  g_autoptr (GTimeZone) zone = formed ? kube_time_zone_find (name) : NULL;

  if (!has_member (spec, "timeZone"))
    return;
  if (*name == '\0') {
    kube_field_errors_invalid (errors, path, name, "timeZone must be nil or non-empty string");
    return;
  }
  if (formed && g_ascii_strcasecmp (name, "Local") == 0)
    kube_field_errors_invalid (errors, path, name, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  if (zone == NULL)
    kube_field_errors_invalid_format (errors, path, name, "unknown time zone %s", name);
}

/* A zone in the schedule stays where it was before it was refused. */
static void
check_schedule_zone (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *old)
{
  const char *schedule = string_of (spec, "schedule");

  if (strstr (schedule, "TZ") == NULL)
    return;
  if (strstr (string_of (old, "schedule"), "TZ") == NULL)
    kube_field_errors_invalid (errors, path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  else if (has_member (spec, "timeZone"))
    kube_field_errors_invalid (errors, path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
}

static void
check_cron_job (KubeFieldErrors *errors, KubeValue *job, KubeValue *old)
{
  static const char *const concurrency[] = { "Allow", "Forbid", "Replace", NULL };
  KubeValue *spec = member_of (job, "spec"), *template_ = kube_value_get (spec, "jobTemplate.spec");
  const KubeFieldPath *path = AT (NULL, "spec"), *template_path = AT (AT (path, "jobTemplate"), "spec");
  const char *schedule = string_of (spec, "schedule");

  if (*schedule == '\0') {
    kube_field_errors_required (errors, AT (path, "schedule"), NULL);
  } else {
    g_autoptr (GError) error = NULL;
    g_autoptr (KubeCronSchedule) parsed = kube_cron_schedule_new (schedule, NULL, &error);
    if (parsed == NULL)
      kube_field_errors_invalid (errors, AT (path, "schedule"), schedule, error->message);
    check_schedule_zone (errors, AT (path, "schedule"), spec, member_of (old, "spec"));
  }
  kube_validate_non_negative_member (errors, path, spec, "startingDeadlineSeconds");
  if (old == NULL || !kube_validate_semantic_equal (member_of (spec, "timeZone"), kube_value_get (old, "spec.timeZone")))
    check_time_zone (errors, AT (path, "timeZone"), spec);
  kube_validate_enum (errors, AT (path, "concurrencyPolicy"), string_of (spec, "concurrencyPolicy"), "", concurrency);
  check_job_spec (errors, template_path, template_);
  if (has_member (template_, "selector"))
    kube_validate_invalid_struct (errors, AT (template_path, "selector"), "@meta.LabelSelector", member_of (template_, "selector"), "`selector` will be auto-generated");
  if (boolean_of (template_, "manualSelector"))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, AT (template_path, "manualSelector"), "true", "supported values: \"nil\", \"false\"");
  kube_validate_non_negative_member (errors, path, spec, "successfulJobsHistoryLimit");
  kube_validate_non_negative_member (errors, path, spec, "failedJobsHistoryLimit");
}

static void
create_cron_job (KubeFieldErrors *errors, KubeValue *job)
{
  const char *name = string_of (member_of (job, "metadata"), "name");

  check_cron_job (errors, job, NULL);
  if (strlen (name) > 52)
    kube_field_errors_invalid (errors, AT (AT (NULL, "metadata"), "name"), name, "must be no more than 52 characters");
}

const KubeValidateRules kube_validate_batch_rules[] = {
  { "batch", "Job", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_AGAIN_FIRST | KUBE_VALIDATE_META_ON_UPDATE, create_job, update_job, kube_validate_job_update_status },
  { "batch", "CronJob", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_STATUS_ALONE, create_cron_job, check_cron_job, NULL },
  { NULL },
};
