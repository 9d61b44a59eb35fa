/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/* Conditions: entries of status.conditions, keyed by type. */

typedef enum {
  KUBE_CONDITION_DEFAULT = 0,
  KUBE_CONDITION_UPDATE_TIME = 1 << 0, /* has lastUpdateTime, which moves with every change */
} KubeConditionFlags;

/* (transfer none) (nullable) */
KubeValue *kube_condition_find (KubeValue *object, const char *type);
gboolean kube_condition_is (KubeValue *object, const char *type, const char *status);

/* @status: the node of an object's status. A condition whose status and reason stay as they were is left alone; lastTransitionTime moves with the status only. Returns whether anything changed. */
gboolean kube_condition_set (KubeNode *status, const char *type, const char *value, const char *reason, const char *message, gint64 now, KubeConditionFlags flags);
gboolean kube_condition_remove (KubeNode *status, const char *type);

/* A count that the API leaves out where it is zero. */
void kube_status_set_count (KubeNode *status, const char *name, gint64 count);
/* Whether both objects have the same status. */
gboolean kube_status_is_same (KubeObject *a, KubeObject *b);

G_END_DECLS
