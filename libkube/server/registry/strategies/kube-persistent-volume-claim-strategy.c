/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* dataSource knows two kinds; others are for dataSourceRef alone. */
static gboolean
is_source (KubeNode *source)
{
  const char *group = kube_node_get_string (source, "apiGroup"), *kind = kube_node_get_string (source, "kind");

  if (g_strcmp0 (kind, "PersistentVolumeClaim") == 0)
    return group == NULL || *group == '\0';
  return g_strcmp0 (kind, "VolumeSnapshot") == 0 && g_strcmp0 (group, "snapshot.storage.k8s.io") == 0;
}

/* dataSource and dataSourceRef say the same where only one of them is given. */
static void
prepare_create (KubeWriteContext *context)
{
  KubeNode *source = kube_node_get (context->object, "spec.dataSource"), *reference = kube_node_get (context->object, "spec.dataSourceRef");
  g_autoptr (KubeValue) copy = NULL;

  if (source != NULL && !is_source (source)) {
    kube_node_remove (context->object, "spec.dataSource");
    source = NULL;
  }
  if ((source != NULL) == (reference != NULL))
    return;
  if (reference != NULL && kube_node_get (reference, "namespace") != NULL)
    return;
  if (source == NULL && !is_source (reference))
    return;
  copy = kube_node_to_value (source != NULL ? source : reference);
  kube_node_set_value (context->object, source != NULL ? "spec.dataSourceRef" : "spec.dataSource", copy);
}

const KubeStrategy kube_persistent_volume_claim_strategy = {
  .group = "",
  .plural = "persistentvolumeclaims",
  .prepare_create = prepare_create,
  .returns_deleted = TRUE,
};
