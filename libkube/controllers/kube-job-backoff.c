/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-job.h"

#define FIRST_WAIT (10 * G_USEC_PER_SEC)
#define LONGEST_WAIT (10 * 60 * G_USEC_PER_SEC)

/* FALSE: some container that counts has not finished, or there is none. */
static gboolean
find_last_finish (KubeValue *statuses, GHashTable *only, gint64 *last)
{
  for (guint i = 0; i < kube_value_get_length (statuses); i++) {
    KubeValue *status = kube_value_get_element (statuses, i);
    gint64 time;

    if (only != NULL && !g_hash_table_contains (only, kube_value_get_member_string (status, "name")))
      continue;
    if (!kube_time_parse (kube_value_get_string (status, "state.terminated.finishedAt"), &time, NULL))
      return FALSE;
    *last = MAX (*last, time);
  }
  return TRUE;
}

/* Sidecars end after the containers that they serve. */
static GHashTable *
list_sidecars (KubeObject *pod)
{
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);
  KubeValue *containers = kube_object_get (pod, "spec.initContainers");

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *container = kube_value_get_element (containers, i);

    if (g_strcmp0 (kube_value_get_member_string (container, "restartPolicy"), "Always") == 0)
      g_hash_table_add (names, (gpointer) kube_value_get_member_string (container, "name"));
  }
  return names;
}

gint64
kube_job_pod_finish_time (KubeObject *pod)
{
  g_autoptr (GHashTable) sidecars = list_sidecars (pod);
  KubeValue *ready = kube_condition_find (kube_object_get_value (pod), "Ready");
  gint64 time = -1;

  if (find_last_finish (kube_object_get (pod, "status.containerStatuses"), NULL, &time) && find_last_finish (kube_object_get (pod, "status.initContainerStatuses"), sidecars, &time) &&
      time >= 0)
    return time;
  if (g_strcmp0 (kube_value_get_string (ready, "status"), "False") == 0 && kube_time_parse (kube_value_get_string (ready, "lastTransitionTime"), &time, NULL))
    return time;
  if (kube_object_is_deleting (pod))
    return kube_object_get_deletion_time (pod) - kube_object_get_integer (pod, "metadata.deletionGracePeriodSeconds", 0) * G_USEC_PER_SEC;
  return kube_object_get_creation_time (pod);
}

KubeJobBackoff *
kube_job_backoff_new (const char *uid)
{
  KubeJobBackoff *backoff = g_new0 (KubeJobBackoff, 1);

  backoff->uid = g_strdup (uid);
  backoff->counted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return backoff;
}

void
kube_job_backoff_free (KubeJobBackoff *backoff)
{
  g_hash_table_unref (backoff->counted);
  g_free (backoff->uid);
  g_free (backoff);
}

/* Adds what is new of @pods to @seen; the finish times of the new ones. */
static GArray *
list_new (KubeJobBackoff *backoff, GPtrArray *pods, GHashTable *seen)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = ((KubeJobPod *) g_ptr_array_index (pods, i))->object;
    gint64 time = kube_job_pod_finish_time (pod);

    if (!g_hash_table_contains (backoff->counted, kube_object_get_uid (pod)))
      g_array_append_val (times, time);
    g_hash_table_add (seen, g_strdup (kube_object_get_uid (pod)));
  }
  return times;
}

static gint64
get_latest (GArray *times)
{
  gint64 latest = G_MININT64;

  for (guint i = 0; i < times->len; i++)
    latest = MAX (latest, g_array_index (times, gint64, i));
  return latest;
}

void
kube_job_backoff_observe (KubeJobBackoff *backoff, GPtrArray *succeeded, GPtrArray *failed)
{
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) successes = list_new (backoff, succeeded, seen), failures = list_new (backoff, failed, seen);
  gint64 last_success = get_latest (successes);

  g_hash_table_unref (backoff->counted);
  backoff->counted = seen;
  if (successes->len > 0)
    backoff->failures = 0;
  for (guint i = 0; i < failures->len; i++)
    backoff->failures += g_array_index (failures, gint64, i) > last_success;
  if (failures->len > 0)
    backoff->last_failure = get_latest (failures);
}

gint64
kube_job_backoff_left (gint64 failures, gint64 last_failure, gint64 now)
{
  gint64 wait = FIRST_WAIT;

  if (failures == 0)
    return 0;
  for (gint64 i = 1; i < failures && wait < LONGEST_WAIT; i++)
    wait *= 2;
  return MAX (last_failure + MIN (wait, LONGEST_WAIT) - now, 0);
}
