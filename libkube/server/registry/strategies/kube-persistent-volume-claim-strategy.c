/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-warnings.h"

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
normalize_sources (KubeNode *claim)
{
  KubeNode *source = kube_node_get (claim, "spec.dataSource"), *reference = kube_node_get (claim, "spec.dataSourceRef");
  g_autoptr (KubeValue) copy = NULL;

  if ((source != NULL) == (reference != NULL))
    return;
  if (reference != NULL && kube_node_get (reference, "namespace") != NULL)
    return;
  if (source == NULL && !is_source (reference))
    return;
  copy = kube_node_to_value (source != NULL ? source : reference);
  kube_node_set_value (claim, source != NULL ? "spec.dataSourceRef" : "spec.dataSource", copy);
}

static void
prepare_create (KubeWriteContext *context)
{
  KubeNode *source = kube_node_get (context->object, "spec.dataSource");
  const char *elsewhere = kube_node_get_string (context->object, "spec.dataSourceRef.namespace");

  if (source != NULL && !is_source (source))
    kube_node_remove (context->object, "spec.dataSource");
  /* Sources of other namespaces are a feature that is off. */
  if (elsewhere != NULL && *elsewhere != '\0')
    kube_node_remove (context->object, "spec.dataSourceRef");
  normalize_sources (context->object);
}

static void
prepare_update (KubeWriteContext *context)
{
  if (*context->subresource == '\0')
    normalize_sources (context->object);
}

static void
warn (KubeOperation *op, KubeValue *claim, KubeValue *old)
{
  kube_class_annotation_warn (op, claim);
  kube_claim_warn (op, "spec", kube_value_get (claim, "spec"));
}

const KubeStrategy kube_persistent_volume_claim_strategy = {
  .group = "",
  .plural = "persistentvolumeclaims",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .warn = warn,
  .returns_deleted = TRUE,
};
