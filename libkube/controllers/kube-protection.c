/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-protection.h"

#include <kube/kube-error.h>

static gboolean
has_finalizer (KubeObject *object, const char *finalizer)
{
  KubeValue *finalizers = kube_object_get (object, "metadata.finalizers");

  for (guint i = 0; i < kube_value_get_length (finalizers); i++) {
    if (g_strcmp0 (kube_value_get_string (kube_value_get_element (finalizers, i), NULL), finalizer) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
plan_update (KubePlan *plan, KubeBuilder *builder)
{
  g_autoptr (KubeObject) updated = kube_object_new_from_builder (builder);

  kube_plan_update (plan, updated);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

gboolean
kube_protection_is_asked (KubeObject *object, const char *finalizer)
{
  return kube_object_is_deleting (object) && has_finalizer (object, finalizer);
}

void
kube_protection_plan_release (KubePlan *plan, KubeObject *object, const char *finalizer)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (object));
  KubeNode *finalizers = kube_node_get (kube_builder_get_root (builder), "metadata.finalizers");

  for (guint i = kube_node_get_length (finalizers); i > 0; i--) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (finalizers, i - 1), NULL), finalizer) == 0)
      kube_node_remove_element (finalizers, i - 1);
  }
  plan_update (plan, builder);
}

void
kube_protection_plan_hold (KubePlan *plan, KubeObject *object, const char *finalizer)
{
  g_autoptr (KubeBuilder) builder = NULL;

  if (kube_object_is_deleting (object) || has_finalizer (object, finalizer))
    return;
  builder = kube_builder_new (kube_object_get_value (object));
  kube_node_append_string (kube_node_ensure_array (kube_builder_get_root (builder), "metadata.finalizers"), finalizer);
  plan_update (plan, builder);
}
