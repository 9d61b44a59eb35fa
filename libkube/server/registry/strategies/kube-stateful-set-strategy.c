/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-warnings.h"

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
warn (KubeOperation *op, KubeValue *set, KubeValue *old)
{
  KubeValue *claims = kube_value_get (set, "spec.volumeClaimTemplates");

  if (old != NULL && kube_value_get_integer (set, "metadata.generation", 0) == kube_value_get_integer (old, "metadata.generation", 0))
    return;
  for (guint i = 0; i < kube_value_get_length (claims); i++) {
    /* Upstream calls the same thing by two names. */
    g_autofree char *path = g_strdup_printf ("spec.volumeClaimTemplates[%u]%s", i, old != NULL ? ".Spec" : "");
    kube_claim_warn (op, path, kube_value_get_member (kube_value_get_element (claims, i), "spec"));
  }
  if (kube_value_get_integer (set, "spec.revisionHistoryLimit", 0) < 0)
    kube_warn (op, "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended");
}

const KubeStrategy kube_stateful_set_strategy = {
  .group = "apps",
  .plural = "statefulsets",
  .prepare_create = name_claims,
  .prepare_update = name_claims,
  .warn = warn,
};
