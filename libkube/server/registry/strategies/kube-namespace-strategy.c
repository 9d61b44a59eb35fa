/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include <kube/kube-time.h>

#define FINALIZER "kubernetes"

static void
prepare_create (KubeWriteContext *context)
{
  KubeNode *finalizers, *labels;
  gboolean found = FALSE;

  kube_node_set_string (context->object, "status.phase", "Active");
  finalizers = kube_node_ensure_array (context->object, "spec.finalizers");
  for (guint i = 0; i < kube_node_get_length (finalizers); i++)
    found |= g_strcmp0 (kube_node_get_string (kube_node_get_element (finalizers, i), NULL), FINALIZER) == 0;
  if (!found)
    kube_node_append_string (finalizers, FINALIZER);
  labels = kube_node_ensure_object (context->object, "metadata.labels");
  kube_node_put_string (labels, "kubernetes.io/metadata.name", kube_node_get_string (context->object, "metadata.name"));
}

/* spec.finalizers change by the finalize subresource alone, and that changes nothing else. */
static void
prepare_update (KubeWriteContext *context)
{
  if (g_str_equal (context->subresource, "finalize")) {
    kube_node_set_value (context->object, "status", kube_value_get_member (context->old, "status"));
    return;
  }
  kube_node_set_value (context->object, "spec.finalizers", kube_value_get (context->old, "spec.finalizers"));
  kube_node_put_string (kube_node_ensure_object (context->object, "metadata.labels"), "kubernetes.io/metadata.name", kube_node_get_string (context->object, "metadata.name"));
}

static gboolean
is_held (KubeObject *object)
{
  return kube_value_get_length (kube_object_get (object, "spec.finalizers")) > 0;
}

/* A namespace ends in two steps: it is terminating until its controller has emptied it and taken the finalizer away. */
static gboolean
hold_deletion (KubeOperation *op, KubeObject *old, KubeNode *object)
{
  char now[KUBE_TIME_STRING_SIZE];

  if (!kube_object_is_deleting (old)) {
    kube_node_set_string (object, "metadata.deletionTimestamp", kube_time_format (kube_clock_get_time (op->clock), now));
    kube_node_set_string (object, "status.phase", "Terminating");
    return TRUE;
  }
  return is_held (old);
}

const KubeStrategy kube_namespace_strategy = {
  .group = "",
  .plural = "namespaces",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .hold_deletion = hold_deletion,
  .is_held = is_held,
};
