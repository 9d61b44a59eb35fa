/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"
#include "kube-pods.h"

gboolean
kube_pod_is_ready (KubeObject *pod)
{
  return kube_condition_is (kube_object_get_value (pod), "Ready", "True");
}

gboolean
kube_pod_is_finished (KubeObject *pod)
{
  const char *phase = kube_object_get_string (pod, "status.phase");

  return g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0;
}

gboolean
kube_pod_is_active (KubeObject *pod)
{
  return !kube_object_is_deleting (pod) && !kube_pod_is_finished (pod);
}

gint64
kube_pod_count_restarts (KubeObject *pod)
{
  KubeValue *statuses = kube_object_get (pod, "status.containerStatuses");
  gint64 most = 0;

  for (guint i = 0; i < kube_value_get_length (statuses); i++)
    most = MAX (most, kube_value_get_integer (kube_value_get_element (statuses, i), "restartCount", 0));
  return most;
}

gint64
kube_pod_available_in (KubeObject *pod, gint64 min_ready, gint64 now)
{
  KubeValue *ready = kube_condition_find (kube_object_get_value (pod), "Ready");
  gint64 since;

  if (g_strcmp0 (kube_value_get_string (ready, "status"), "True") != 0)
    return -1;
  if (min_ready == 0)
    return 0;
  if (!kube_time_parse (kube_value_get_string (ready, "lastTransitionTime"), &since, NULL))
    return -1;
  return MAX (since + min_ready - now, 0);
}
