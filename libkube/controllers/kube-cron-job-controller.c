/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-scheme.h>
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"
#include "kube-cron-job.h"
#include "kube-job.h"
#include "kube-owner.h"

/* So many missed times are worth a warning. */
#define MANY 100

typedef struct {
  KubeInformer *cron_jobs; /* (unowned) */
  KubeInformer *jobs;      /* (unowned) */
} CronJobs;

/* One look at one of them. */
typedef struct {
  CronJobs *controller;
  KubeObject *object;      /* (unowned) */
  GPtrArray *jobs;         /* (element-type KubeObject): that it controls */
  KubePlan *plan;
  gint64 now;
} Look;

/* (nullable): in which zone its schedule is; the zone that a schedule names itself goes before. */
static KubeCronSchedule *
parse_schedule (KubeObject *object, GError **error)
{
  return kube_cron_schedule_new (kube_object_get_string (object, "spec.schedule"), kube_object_get_string (object, "spec.timeZone"), error);
}

/* --- what is looked at when --- */

static gboolean
is_same_text (KubeObject *a, KubeObject *b, const char *path)
{
  return g_strcmp0 (kube_object_get_string (a, path), kube_object_get_string (b, path)) == 0;
}

/* A new schedule begins with its next time: what it would have missed was not due. */
static void
keys_of_cron_job (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  g_autofree char *key = kube_object_dup_key (object);
  g_autoptr (KubeCronSchedule) schedule = NULL;
  gint64 left;

  if (old == NULL || (is_same_text (object, old, "spec.schedule") && is_same_text (object, old, "spec.timeZone"))) {
    g_ptr_array_add (keys, g_steal_pointer (&key));
    return;
  }
  schedule = parse_schedule (object, NULL);
  if (schedule == NULL) {
    kube_event_recorder_recordf (kube_controller_get_recorder (controller), object, NULL, "Warning", "UnParseableCronJobSchedule", "unparseable schedule for cronjob: %s",
                                 kube_object_get_string (object, "spec.schedule"));
    return;
  }
  left = kube_cron_next_look (object, schedule, kube_clock_get_time (kube_controller_get_clock (controller)));
  if (left >= 0)
    kube_controller_enqueue_after (controller, key, left);
}

/* --- what has become of its Jobs --- */

/* (nullable): the condition with which @job has ended. */
static const char *
get_end (KubeObject *job)
{
  KubeValue *value = kube_object_get_value (job);

  return kube_condition_is (value, "Complete", "True") ? "Complete" : kube_condition_is (value, "Failed", "True") ? "Failed" : NULL;
}

static gboolean
find_active (KubeNode *status, const char *uid, guint *index)
{
  KubeNode *active = kube_node_get_member (status, "active");

  for (*index = 0; active != NULL && *index < kube_node_get_length (active); (*index)++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (active, *index), "uid"), uid) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
remove_active (KubeNode *status, const char *uid)
{
  guint index;

  if (!find_active (status, uid, &index))
    return FALSE;
  kube_node_remove_element (kube_node_get_member (status, "active"), index);
  if (kube_node_get_length (kube_node_get_member (status, "active")) == 0)
    kube_node_remove_member (status, "active");
  return TRUE;
}

static void
plan_deletion (Look *look, KubeObject *job, KubeNode *status)
{
  kube_plan_delete (look->plan, job, "Background");
  kube_plan_report (look->plan, look->object, "SuccessfulDelete", "Deleted job ", "FailedDelete", "Deleted job: ");
  remove_active (status, kube_object_get_uid (job));
}

static int
by_start (gconstpointer a, gconstpointer b)
{
  KubeObject *x = *(KubeObject *const *) a, *y = *(KubeObject *const *) b;
  gint64 start_x = G_MAXINT64, start_y = G_MAXINT64;

  kube_time_parse (kube_object_get_string (x, "status.startTime"), &start_x, NULL);
  kube_time_parse (kube_object_get_string (y, "status.startTime"), &start_y, NULL);
  return start_x != start_y ? (start_x < start_y ? -1 : 1) : g_strcmp0 (kube_object_get_name (x), kube_object_get_name (y));
}

/* Only so many that have ended with @end stay, the youngest. */
static void
trim_history (Look *look, const char *end, const char *limit, KubeNode *status)
{
  gint64 most = kube_object_get_integer (look->object, limit, G_MAXINT64);
  g_autoptr (GPtrArray) ended = g_ptr_array_new ();

  for (guint i = 0; i < look->jobs->len; i++) {
    if (g_strcmp0 (get_end (g_ptr_array_index (look->jobs, i)), end) == 0)
      g_ptr_array_add (ended, g_ptr_array_index (look->jobs, i));
  }
  g_ptr_array_sort (ended, by_start);
  for (gint64 i = 0; i < (gint64) ended->len - most; i++) {
    if (!kube_object_is_deleting (g_ptr_array_index (ended, i)))
      plan_deletion (look, g_ptr_array_index (ended, i), status);
  }
}

static void
note_success (KubeNode *status, KubeObject *job)
{
  const char *completion = kube_object_get_string (job, "status.completionTime");
  gint64 time, last = G_MININT64;

  kube_time_parse (kube_node_get_string (status, "lastSuccessfulTime"), &last, NULL);
  if (kube_time_parse (completion, &time, NULL) && time > last)
    kube_node_put_string (status, "lastSuccessfulTime", completion);
}

static void
note_jobs (Look *look, KubeNode *status)
{
  guint index;

  for (guint i = 0; i < look->jobs->len; i++) {
    KubeObject *job = g_ptr_array_index (look->jobs, i);
    const char *end = get_end (job);

    if (end == NULL && !find_active (status, kube_object_get_uid (job), &index))
      kube_plan_event (look->plan, look->object, "Warning", "UnexpectedJob", "Saw a job that the controller did not create or forgot: %s", kube_object_get_name (job));
    else if (end != NULL && remove_active (status, kube_object_get_uid (job)))
      kube_plan_event (look->plan, look->object, "Normal", "SawCompletedJob", "Saw completed job: %s, condition: %s", kube_object_get_name (job), end);
    if (g_strcmp0 (end, "Complete") == 0)
      note_success (status, job);
  }
}

/* That the informer does not have one means something only where it is not behind the list of those that are active. */
static void
note_missing (Look *look, KubeNode *status)
{
  KubeValue *active = kube_object_get (look->object, "status.active");

  if (kube_informer_get_revision (look->controller->jobs) < g_ascii_strtoull (kube_object_get_resource_version (look->object), NULL, 10))
    return;
  for (guint i = 0; i < kube_value_get_length (active); i++) {
    KubeValue *reference = kube_value_get_element (active, i);
    const char *name = kube_value_get_string (reference, "name"), *uid = kube_value_get_string (reference, "uid");
    KubeObject *job = kube_informer_get (look->controller->jobs, kube_object_get_namespace (look->object), name);

    if ((job == NULL || g_strcmp0 (kube_object_get_uid (job), uid) != 0) && remove_active (status, uid))
      kube_plan_event (look->plan, look->object, "Normal", "MissingJob", "Active job went missing: %s", name);
  }
}

/* TRUE: there was something to note or to remove; what comes next decides on that. */
static gboolean
plan_status (Look *look)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (look->object));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  g_autoptr (KubeObject) updated = NULL;

  trim_history (look, "Complete", "spec.successfulJobsHistoryLimit", status);
  trim_history (look, "Failed", "spec.failedJobsHistoryLimit", status);
  note_jobs (look, status);
  note_missing (look, status);
  updated = kube_object_new_from_builder (builder);
  if (!kube_status_is_same (look->object, updated)) {
    kube_plan_then (look->plan);
    kube_plan_update_status (look->plan, updated);
  }
  return !kube_plan_is_empty (look->plan);
}

/* --- the next Job --- */

static char *
print_scheduled (gint64 time, GTimeZone *zone)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) shown = g_date_time_to_timezone (utc, zone);

  return g_date_time_format (shown, g_date_time_get_utc_offset (shown) == 0 ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%dT%H:%M:%S%:z");
}

/* "Fri, 02 Jan 2026 03:04:00 +0000", whatever the language here is. */
static char *
print_missed (gint64 time)
{
  static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
  static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);

  return g_strdup_printf ("%s, %02d %s %04d %02d:%02d:%02d +0000", days[g_date_time_get_day_of_week (utc) - 1], g_date_time_get_day_of_month (utc),
                          months[g_date_time_get_month (utc) - 1], g_date_time_get_year (utc), g_date_time_get_hour (utc), g_date_time_get_minute (utc), g_date_time_get_second (utc));
}

/* The name comes from the time, so that no time gets two. */
static char *
name_job (KubeObject *object, gint64 time)
{
  return g_strdup_printf ("%s-%" G_GINT64_FORMAT, kube_object_get_name (object), time / (60 * G_USEC_PER_SEC));
}

static KubeObject *
make_job (KubeObject *object, const char *name, gint64 time)
{
  g_autoptr (KubeBuilder) builder = kube_owner_begin_from_template (object, "batch/v1", "Job", kube_object_get (object, "spec.jobTemplate"));
  KubeNode *metadata = kube_node_get_member (kube_builder_get_root (builder), "metadata");
  const char *zone_name = kube_object_get_string (object, "spec.timeZone");
  g_autoptr (GTimeZone) zone = kube_time_zone_find (zone_name == NULL ? "UTC" : zone_name);
  g_autofree char *scheduled = print_scheduled (time, zone);

  kube_node_remove_member (metadata, "finalizers");
  kube_node_put_string (metadata, "name", name);
  kube_node_put_string (kube_node_ensure_object (metadata, "annotations"), "batch.kubernetes.io/cronjob-scheduled-timestamp", scheduled);
  return kube_object_new_from_builder (builder);
}

typedef struct {
  KubeObject *object; /* (owned) */
  gint64 time;        /* that the Job is for */
  guint creation;     /* which request of the plan makes it */
} Start;

static void
start_free (gpointer data)
{
  Start *start = data;

  kube_object_unref (start->object);
  g_free (start);
}

static void
plan_started (KubeObject *object, KubeObject *job, gint64 time, KubePlan *plan)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (object));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  KubeNode *reference = kube_node_append_object (kube_node_ensure_array (status, "active"));
  g_autoptr (KubeObject) updated = NULL;
  char text[KUBE_TIME_STRING_SIZE];

  kube_node_put_string (reference, "apiVersion", "batch/v1");
  kube_node_put_string (reference, "kind", "Job");
  kube_node_put_string (reference, "namespace", kube_object_get_namespace (job));
  kube_node_put_string (reference, "name", kube_object_get_name (job));
  kube_node_put_string (reference, "uid", kube_object_get_uid (job));
  kube_node_put_string (reference, "resourceVersion", kube_object_get_resource_version (job));
  kube_node_put_string (status, "lastScheduleTime", kube_time_format (time, text));
  updated = kube_object_new_from_builder (builder);
  kube_plan_update_status (plan, updated);
}

/* Where its namespace is being deleted there is no answer, and nothing to note. */
static gboolean
on_created (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error)
{
  Start *start = user_data;
  KubeResponse *answer = g_ptr_array_index (answers, start->creation);

  if (answer != NULL)
    plan_started (start->object, kube_response_get_object (answer), start->time, next);
  return TRUE;
}

static void
start_job (Look *look, gint64 time)
{
  g_autofree char *name = name_job (look->object, time);
  KubeObject *known = kube_informer_get (look->controller->jobs, kube_object_get_namespace (look->object), name);
  g_autoptr (KubeObject) job = NULL;
  Start *start;

  if (known != NULL) {
    /* Made by a look whose last write failed. */
    if (kube_owner_is_controlled_by (known, look->object))
      plan_started (look->object, known, time, look->plan);
    return;
  }
  job = make_job (look->object, name, time);
  start = g_new0 (Start, 1);
  *start = (Start) { kube_object_ref (look->object), time, kube_plan_get_length (look->plan) };
  kube_plan_create (look->plan, job);
  kube_plan_report (look->plan, look->object, "SuccessfulCreate", "Created job ", "FailedCreate", "Error creating job: ");
  kube_plan_tolerate_cause (look->plan, "NamespaceTerminating");
  kube_plan_continue (look->plan, on_created, start, start_free);
}

/* --- when --- */

/* Those that still run give way; the look after starts the next. */
static void
replace_active (Look *look)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (look->object));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  KubeValue *active = kube_object_get (look->object, "status.active");
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < kube_value_get_length (active); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (active, i), "name");
    KubeObject *job = kube_informer_get (look->controller->jobs, kube_object_get_namespace (look->object), name);

    if (job != NULL)
      plan_deletion (look, job, status);
  }
  updated = kube_object_new_from_builder (builder);
  kube_plan_then (look->plan);
  kube_plan_update_status (look->plan, updated);
  kube_plan_requeue_after (look->plan, 0);
}

static gboolean
is_started (KubeObject *object, gint64 time)
{
  g_autofree char *name = name_job (object, time);
  gint64 last = -1;

  kube_time_parse (kube_object_get_string (object, "status.lastScheduleTime"), &last, NULL);
  return last == time || kube_value_find_element (kube_object_get (object, "status.active"), "name", name) != NULL;
}

static void
plan_start (Look *look, const KubeCronTimes *times)
{
  gint64 deadline = kube_object_get_integer (look->object, "spec.startingDeadlineSeconds", -1), due = times->latest;
  const char *policy = kube_object_get_string (look->object, "spec.concurrencyPolicy");
  gboolean is_active = kube_value_get_length (kube_object_get (look->object, "status.active")) > 0;

  if (times->missed > MANY)
    kube_plan_event (look->plan, look->object, "Warning", "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew");
  if (deadline >= 0 && look->now - due > MIN (deadline, G_MAXINT32) * G_USEC_PER_SEC) {
    g_autofree char *text = print_missed (due);

    kube_plan_event (look->plan, look->object, "Warning", "MissSchedule", "Missed scheduled time to start a job: %s", text);
  } else if (is_started (look->object, due)) {
    return;
  } else if (is_active && g_strcmp0 (policy, "Forbid") == 0) {
    kube_plan_event (look->plan, look->object, "Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid");
  } else if (is_active && g_strcmp0 (policy, "Replace") == 0) {
    replace_active (look);
  } else {
    start_job (look, due);
  }
}

static void
plan_schedule (Look *look)
{
  const char *text = kube_object_get_string (look->object, "spec.schedule"), *zone_name = kube_object_get_string (look->object, "spec.timeZone");
  g_autoptr (GTimeZone) zone = zone_name == NULL ? NULL : kube_time_zone_find (zone_name);
  g_autoptr (KubeCronSchedule) schedule = NULL;
  g_autoptr (GError) error = NULL;
  KubeCronTimes times;
  gint64 left;

  if (zone_name != NULL && zone == NULL) {
    kube_plan_event (look->plan, look->object, "Warning", "UnknownTimeZone", "invalid timeZone: \"%s\": unknown time zone %s", zone_name, zone_name);
    return;
  }
  if (kube_object_get_boolean (look->object, "spec.suspend", FALSE))
    return;
  if (strstr (text, "TZ") != NULL)
    kube_plan_event (look->plan, look->object, "Warning", "UnsupportedSchedule",
                     "CRON_TZ or TZ used in schedule \"%s\" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details", text);
  schedule = parse_schedule (look->object, &error);
  if (schedule == NULL) {
    kube_plan_event (look->plan, look->object, "Warning", "UnparseableSchedule", "unparseable schedule: \"%s\" : %s", text, error->message);
    return;
  }
  if (!kube_cron_times_init (&times, look->object, schedule, look->now, TRUE, &error)) {
    kube_plan_event (look->plan, look->object, "Warning", "InvalidSchedule", "invalid schedule: %s : %s", text, error->message);
    return;
  }
  if (times.latest >= 0)
    plan_start (look, &times);
  left = kube_cron_next_look (look->object, schedule, look->now);
  if (left >= 0)
    kube_plan_requeue_after (look->plan, left);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  CronJobs *self = user_data;
  KubeObject *object = kube_informer_get_by_key (self->cron_jobs, key);
  g_autoptr (GPtrArray) jobs = NULL;
  Look look;

  if (object == NULL)
    return TRUE;
  jobs = kube_informer_list_by (self->jobs, "controller", kube_object_get_uid (object));
  look = (Look) { self, object, jobs, plan, kube_clock_get_time (kube_controller_get_clock (controller)) };
  if (plan_status (&look))
    kube_plan_requeue_after (plan, 0);
  else if (!kube_object_is_deleting (object))
    plan_schedule (&look);
  return TRUE;
}

void
kube_cron_job_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  CronJobs *self = g_new0 (CronJobs, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "cronjob-controller", reconcile, self, g_free);
  KubeKind *kind = KUBE_KIND ("batch/v1", "CronJob");

  self->cron_jobs = kube_controller_watch (controller, kind, keys_of_cron_job, self);
  self->jobs = kube_controller_watch_owned (controller, KUBE_KIND ("batch/v1", "Job"), kind);
  kube_informer_add_index (self->jobs, "controller", NULL, NULL);
}
