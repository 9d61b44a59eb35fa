/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-convert-private.h"

static const struct {
  const char *core, *events;
} names[] = {
  { "involvedObject", "regarding" },
  { "message", "note" },
  { "source", "deprecatedSource" },
  { "firstTimestamp", "deprecatedFirstTimestamp" },
  { "lastTimestamp", "deprecatedLastTimestamp" },
  { "count", "deprecatedCount" },
  { "reportingComponent", "reportingController" },
};

static gboolean
is_old_autoscaler (KubeKind *kind)
{
  return g_str_equal (kind->version, "v1") && g_str_equal (kind->group, "autoscaling") && g_str_equal (kind->plural, "horizontalpodautoscalers");
}

gboolean
kube_convert_is_needed (KubeKind *kind)
{
  return (kind->storage_group != NULL && !g_str_equal (kind->storage_group, kind->group)) || is_old_autoscaler (kind);
}

static KubeObject *
rename_members (KubeObject *object, const char *api_version, gboolean to_core)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (object));
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_put_string (root, "apiVersion", api_version);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const char *from = to_core ? names[i].events : names[i].core, *to = to_core ? names[i].core : names[i].events;
    KubeValue *value = kube_value_get_member (kube_object_get_value (object), from);
    if (value == NULL)
      continue;
    kube_node_put_value (root, to, value);
    kube_node_remove_member (root, from);
  }
  return kube_object_new_from_builder (builder);
}

KubeObject *
kube_convert_from_storage (KubeKind *kind, KubeObject *stored)
{
  if (!kube_convert_is_needed (kind) || g_strcmp0 (kube_object_get_api_version (stored), kind->api_version) == 0)
    return kube_object_ref (stored);
  if (is_old_autoscaler (kind))
    return kube_convert_autoscaler_to_v1 (kind, stored);
  return rename_members (stored, kind->api_version, FALSE);
}

KubeObject *
kube_convert_to_storage (KubeKind *kind, KubeObject *object, KubeObject *previous)
{
  if (is_old_autoscaler (kind))
    return kube_convert_autoscaler_to_v2 (object, previous);
  return kube_convert_is_needed (kind) ? rename_members (object, "v1", TRUE) : kube_object_ref (object);
}
