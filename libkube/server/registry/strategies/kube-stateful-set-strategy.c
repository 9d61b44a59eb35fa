/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* Claims in a StatefulSet are written with their kind. */
static void
name_claims (KubeWriteContext *context)
{
  KubeNode *claims = kube_node_get (context->object, "spec.volumeClaimTemplates");

  for (guint i = 0; i < kube_node_get_length (claims); i++) {
    KubeNode *claim = kube_node_get_element (claims, i);
    kube_node_put_string (claim, "apiVersion", "v1");
    kube_node_put_string (claim, "kind", "PersistentVolumeClaim");
  }
}

static void
prepare_create (KubeWriteContext *context)
{
  name_claims (context);
  /* A feature that is off. */
  kube_node_remove (context->object, "spec.updateStrategy.rollingUpdate.maxUnavailable");
}

const KubeStrategy kube_stateful_set_strategy = {
  .group = "apps",
  .plural = "statefulsets",
  .prepare_create = prepare_create,
  .prepare_update = name_claims,
};
