/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-time.h>
#include "kube-conditions.h"

KubeValue *
kube_condition_find (KubeValue *object, const char *type)
{
  return kube_value_find_element (kube_value_get (object, "status.conditions"), "type", type);
}

gboolean
kube_condition_is (KubeValue *object, const char *type, const char *status)
{
  return g_strcmp0 (kube_value_get_string (kube_condition_find (object, type), "status"), status) == 0;
}

static gboolean
find (KubeNode *status, const char *type, guint *index)
{
  KubeNode *conditions = kube_node_get_member (status, "conditions");

  for (*index = 0; *index < kube_node_get_length (conditions); (*index)++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (conditions, *index), "type"), type) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
kube_condition_set (KubeNode *status, const char *type, const char *value, const char *reason, const char *message, gint64 now, KubeConditionFlags flags)
{
  KubeNode *conditions = kube_node_ensure_array (status, "conditions"), *condition = NULL;
  char time[KUBE_TIME_STRING_SIZE];
  gboolean same_status = FALSE;
  guint index;

  kube_time_format (now, time);
  if (find (status, type, &index)) {
    condition = kube_node_get_element (conditions, index);
    same_status = g_strcmp0 (kube_node_get_string (condition, "status"), value) == 0;
    if (same_status && g_strcmp0 (kube_node_get_string (condition, "reason"), reason) == 0)
      return FALSE;
  } else {
    condition = kube_node_append_object (conditions);
    kube_node_put_string (condition, "type", type);
  }
  kube_node_put_string (condition, "status", value);
  kube_node_put_string (condition, "reason", reason);
  kube_node_put_string (condition, "message", message);
  if (!same_status)
    kube_node_put_string (condition, "lastTransitionTime", time);
  if (flags & KUBE_CONDITION_UPDATE_TIME)
    kube_node_put_string (condition, "lastUpdateTime", time);
  return TRUE;
}

gboolean
kube_condition_remove (KubeNode *status, const char *type)
{
  guint index;

  if (!find (status, type, &index))
    return FALSE;
  kube_node_remove_element (kube_node_get_member (status, "conditions"), index);
  if (kube_node_get_length (kube_node_get_member (status, "conditions")) == 0)
    kube_node_remove_member (status, "conditions");
  return TRUE;
}

gboolean
kube_status_is_same (KubeObject *a, KubeObject *b)
{
  return kube_value_equal (kube_object_get (a, "status"), kube_object_get (b, "status"));
}

void
kube_status_set_count (KubeNode *status, const char *name, gint64 count)
{
  if (count == 0)
    kube_node_remove_member (status, name);
  else
    kube_node_set_integer (status, name, count);
}
