/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* dataSource and dataSourceRef say the same where only one of them is given. */
static void
prepare_create (KubeWriteContext *context)
{
  KubeNode *source = kube_node_get (context->object, "spec.dataSource"), *reference = kube_node_get (context->object, "spec.dataSourceRef");
  g_autoptr (KubeValue) copy = NULL;

  if ((source != NULL) == (reference != NULL))
    return;
  if (reference != NULL && kube_node_get (reference, "namespace") != NULL)
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
