/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* What a Job's status may say and become: others than the Job controller may write it. What did not change is let be. */

/* --- indexes --- */

typedef struct {
  gint64 from, to;
} Interval;

/* Returns: (nullable): what is wrong. */
static char *
read_index (const char *text, gint64 completions, gint64 *index)
{
  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, index, NULL))
    return g_strdup_printf ("cannot convert string to integer for index: \"%s\"", text);
  return *index >= completions ? g_strdup_printf ("too large index: \"%s\"", text) : NULL;
}

/* `3` or `3-5`. Returns: (nullable): what is wrong. */
static char *
read_interval (const char *text, gint64 completions, Interval *interval)
{
  g_auto (GStrv) limits = g_strsplit (text, "-", -1);
  guint n = g_strv_length (limits);
  char *problem;

  if (n > 2)
    return g_strdup_printf ("the fragment \"%s\" violates the requirement that an index interval can have at most two parts separated by '-'", text);
  problem = read_index (n > 0 ? limits[0] : "", completions, &interval->from);
  interval->to = interval->from;
  if (problem == NULL && n > 1)
    problem = read_index (limits[1], completions, &interval->to);
  if (problem == NULL && n > 1 && interval->from >= interval->to)
    return g_strdup_printf ("non-increasing order, previous: %" G_GINT64_FORMAT ", current: %" G_GINT64_FORMAT, interval->from, interval->to);
  return problem;
}

char *
kube_validate_indexes (const char *text, gint64 completions, gint64 *total)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  Interval interval = { 0 };
  gint64 before = 0;

  *total = 0;
  for (guint i = 0; parts[i] != NULL; i++) {
    char *problem = read_interval (parts[i], completions, &interval);
    if (problem != NULL)
      return problem;
    if (i > 0 && before >= interval.from)
      return g_strdup_printf ("non-increasing order, previous: %" G_GINT64_FORMAT ", current: %" G_GINT64_FORMAT, before, interval.from);
    *total += interval.to - interval.from + 1;
    before = interval.to;
  }
  return NULL;
}

/* Moves @at to the next part that reads as one. */
static gboolean
next_interval (char **parts, guint *at, gint64 completions, Interval *interval)
{
  for (; parts[*at] != NULL; (*at)++) {
    g_autofree char *problem = read_interval (parts[*at], completions, interval);
    if (problem == NULL)
      return TRUE;
  }
  return FALSE;
}

/* The first index that both lists have; -1: none. */
static gint64
find_overlap (const char *completed, const char *failed, gint64 completions)
{
  g_auto (GStrv) a = g_strsplit (completed, ",", -1), b = g_strsplit (failed, ",", -1);
  guint i = 0, k = 0;
  Interval x, y;

  while (next_interval (a, &i, completions, &x) && next_interval (b, &k, completions, &y)) {
    if (x.from <= y.to && y.from <= x.to)
      return MAX (x.from, y.from);
    if (x.from <= y.from)
      i++;
    else
      k++;
  }
  return -1;
}

/* --- the status --- */

typedef struct {
  KubeFieldErrors *errors;
  const KubeFieldPath *path, *conditions;
  KubeValue *spec, *status, *old;
} JobCheck;

static gboolean
has_condition (KubeValue *status, const char *type, const char *value)
{
  KubeValue *conditions = member_of (status, "conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    if (equals (string_of (condition, "type"), type) && equals (string_of (condition, "status"), value))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_true (KubeValue *status, const char *type)
{
  return has_condition (status, type, "True");
}

static gboolean
is_finished (KubeValue *status)
{
  return is_true (status, "Complete") || is_true (status, "Failed");
}

static gboolean
turned (const JobCheck *check, const char *type)
{
  return is_true (check->status, type) != is_true (check->old, type);
}

static gboolean
changed (const JobCheck *check, const char *field)
{
  return !kube_validate_semantic_equal (member_of (check->status, field), member_of (check->old, field));
}

static void
refuse_conditions (const JobCheck *check, const char *detail)
{
  kube_field_errors_add (check->errors, KUBE_FIELD_ERROR_INVALID, check->conditions, NULL, detail);
}

static void
refuse (const JobCheck *check, const char *field, const char *detail)
{
  kube_field_errors_invalid_value (check->errors, AT (check->path, field), member_of (check->status, field), detail);
}

static void
check_counts (const JobCheck *check)
{
  static const char *const numbers[] = { "active", "succeeded", "failed", "ready", "terminating" }, *const lists[] = { "succeeded", "failed" };
  g_auto (NameSet) seen = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    kube_validate_non_negative_member (check->errors, check->path, check->status, numbers[i]);
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (member_of (check->status, "uncountedTerminatedPods"), lists[l]);
    const KubeFieldPath *at = AT (AT (check->path, "uncountedTerminatedPods"), lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      const char *uid = element_string (list, i);
      if (*uid == '\0')
        kube_field_errors_invalid (check->errors, AT_INDEX (at, i), uid, "must not be empty");
      else if (!name_set_add (&seen, uid))
        kube_field_errors_duplicate (check->errors, AT_INDEX (at, i), uid);
    }
  }
}

static gboolean
is_before (KubeValue *status, const char *field, const char *other)
{
  g_autoptr (GDateTime) a = g_date_time_new_from_iso8601 (string_of (status, field), NULL), b = g_date_time_new_from_iso8601 (string_of (status, other), NULL);

  return a != NULL && b != NULL && g_date_time_compare (a, b) < 0;
}

static void
check_completion (const JobCheck *check)
{
  gboolean complete = is_true (check->status, "Complete"), failed = is_true (check->status, "Failed"), completed = has_member (check->status, "completionTime");
  gboolean turned_complete = turned (check, "Complete"), timed = changed (check, "completionTime");

  if (complete && failed && (turned_complete || turned (check, "Failed")))
    refuse_conditions (check, "cannot set Complete=True and Failed=true conditions");
  if (complete && is_true (check->status, "FailureTarget") && (turned_complete || turned (check, "FailureTarget")))
    refuse_conditions (check, "cannot set Complete=True and FailureTarget=true conditions");
  if (completed && !complete && (turned_complete || timed))
    refuse (check, "completionTime", "cannot set completionTime when there is no Complete=True condition");
  if (!completed && complete && (turned_complete || timed))
    kube_field_errors_required (check->errors, AT (check->path, "completionTime"), "completionTime is required for Complete jobs");
  if (is_before (check->status, "completionTime", "startTime") && (timed || changed (check, "startTime")))
    refuse (check, "completionTime", "must be equal to or after `startTime`");
  if (failed && !is_true (check->status, "FailureTarget") && (turned (check, "Failed") || changed (check, "failedIndexes")))
    refuse_conditions (check, "cannot set Failed=True condition without the FailureTarget=true condition");
  if (complete && !is_true (check->status, "SuccessCriteriaMet") && (turned_complete || turned (check, "SuccessCriteriaMet")))
    refuse_conditions (check, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
}

static void
check_finished (const JobCheck *check)
{
  gboolean finishes = is_finished (check->status) != is_finished (check->old);
  gboolean suspended_empty = boolean_of (check->spec, "suspend") && has_member (check->spec, "completions") && integer_of (check->spec, "completions", 0) == 0;
  KubeValue *uncounted = member_of (check->status, "uncountedTerminatedPods");

  if (!is_finished (check->status))
    return;
  if (integer_of (check->status, "active", 0) > 0 && (finishes || changed (check, "active")))
    refuse (check, "active", "active>0 is invalid for finished job");
  if (!has_member (check->status, "startTime") && (finishes || changed (check, "startTime")) && !suspended_empty)
    kube_field_errors_required (check->errors, AT (check->path, "startTime"), "startTime is required for finished job");
  if (kube_value_get_length (member_of (uncounted, "succeeded")) + kube_value_get_length (member_of (uncounted, "failed")) > 0 &&
      (finishes || changed (check, "uncountedTerminatedPods")))
    kube_validate_invalid_struct (check->errors, AT (check->path, "uncountedTerminatedPods"), "@batch.UncountedTerminatedPods", uncounted,
                                  "must be empty for finished job");
}

static void
check_index_list (const JobCheck *check, const char *field)
{
  gint64 total;
  g_autofree char *problem = NULL, *detail = NULL;

  if (!has_text (check->status, field) || !changed (check, field) || !has_member (check->spec, "completions"))
    return;
  problem = kube_validate_indexes (string_of (check->status, field), integer_of (check->spec, "completions", 0), &total);
  if (problem == NULL)
    return;
  detail = g_strdup_printf ("error parsing %s: %s", field, problem);
  refuse (check, field, detail);
}

static void
check_indexes (const JobCheck *check)
{
  const char *completed = string_of (check->status, "completedIndexes"), *failed = string_of (check->status, "failedIndexes");
  gboolean completes = changed (check, "completedIndexes"), fails = changed (check, "failedIndexes"), per_index = has_member (check->spec, "backoffLimitPerIndex");
  gint64 overlap = -1;

  check_index_list (check, "completedIndexes");
  if (per_index)
    check_index_list (check, "failedIndexes");
  if (completes && *completed != '\0' && !equals (string_of (check->spec, "completionMode"), "Indexed"))
    refuse (check, "completedIndexes", "cannot set non-empty completedIndexes when non-indexed completion mode");
  if (fails && !per_index && has_member (check->status, "failedIndexes"))
    refuse (check, "failedIndexes", "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
  if ((completes || fails) && *completed != '\0' && *failed != '\0' && has_member (check->spec, "completions"))
    overlap = find_overlap (completed, failed, integer_of (check->spec, "completions", 0));
  if (overlap >= 0) {
    g_autofree char *detail = g_strdup_printf ("failedIndexes and completedIndexes overlap at index: %" G_GINT64_FORMAT, overlap);
    refuse (check, "failedIndexes", detail);
  }
}

static void
check_pods (const JobCheck *check)
{
  gboolean met = is_true (check->status, "SuccessCriteriaMet"), finished = is_finished (check->status), finishes = finished != is_finished (check->old);

  if (finished && integer_of (check->status, "terminating", 0) > 0 && (finishes || changed (check, "terminating")))
    refuse (check, "terminating", "terminating>0 is invalid for finished job");
  if (integer_of (check->status, "ready", 0) > integer_of (check->status, "active", 0) && (changed (check, "ready") || changed (check, "active")))
    refuse (check, "ready", "cannot set more ready pods than active");
  if (met && is_true (check->status, "Failed"))
    refuse_conditions (check, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (met && is_true (check->status, "FailureTarget"))
    refuse_conditions (check, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  if (has_member (check->spec, "successPolicy") && !met && is_true (check->status, "Complete"))
    refuse_conditions (check, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
}

/* A controller says so after its user has said it in the spec. */
static gboolean
resumes (const JobCheck *check)
{
  return is_true (check->old, "Suspended") && has_condition (check->status, "Suspended", "False");
}

/* What may not be taken back. */
static void
check_transitions (const JobCheck *check)
{
  static const char *const terminal[] = { "Failed", "Complete", "FailureTarget" }, *const counters[] = { "failed", "succeeded" };
  gboolean elastic = equals (string_of (check->spec, "completionMode"), "Indexed") &&
                     kube_validate_semantic_equal (member_of (check->spec, "completions"), member_of (check->spec, "parallelism"));

  for (gsize i = 0; i < G_N_ELEMENTS (terminal); i++)
    if (is_true (check->old, terminal[i]) && !is_true (check->status, terminal[i])) {
      g_autofree char *detail = g_strdup_printf ("cannot disable the terminal %s=True condition", terminal[i]);
      refuse_conditions (check, detail);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (counters); i++) {
    g_autofree char *detail = g_strdup_printf ("cannot decrease the %s counter", counters[i]);
    gint64 n = integer_of (check->status, counters[i], 0);
    if (n < integer_of (check->old, counters[i], 0) && !(elastic && equals (counters[i], "succeeded")))
      kube_field_errors_invalid_integer (check->errors, AT (check->path, counters[i]), n, detail);
  }
  if (has_member (check->status, "completionTime") && has_member (check->old, "completionTime") && changed (check, "completionTime"))
    refuse (check, "completionTime", "field is immutable");
  if (has_member (check->old, "startTime") && changed (check, "startTime") && !boolean_of (check->spec, "suspend") && !resumes (check))
    refuse (check, "startTime", "field is immutable for unsuspended job once set");
  if (!turned (check, "SuccessCriteriaMet"))
    return;
  if (is_true (check->old, "SuccessCriteriaMet"))
    refuse_conditions (check, "cannot disable the SuccessCriteriaMet=True condition");
  else if (is_true (check->old, "Complete"))
    refuse_conditions (check, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
}

void
kube_validate_job_update_status (KubeFieldErrors *errors, KubeValue *job, KubeValue *old_job)
{
  const KubeFieldPath *path = AT (NULL, "status");
  JobCheck check = { errors, path, AT (path, "conditions"), member_of (job, "spec"), member_of (job, "status"), member_of (old_job, "status") };

  check_counts (&check);
  check_completion (&check);
  check_finished (&check);
  check_indexes (&check);
  check_pods (&check);
  check_transitions (&check);
}
