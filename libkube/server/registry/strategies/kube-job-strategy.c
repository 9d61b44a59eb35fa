/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* A Job selects its own pods by its uid, unless it brings a selector of its own. */
static void
prepare_create (KubeWriteContext *context)
{
  const char *uid = kube_node_get_string (context->object, "metadata.uid"), *name = kube_node_get_string (context->object, "metadata.name");
  KubeNode *labels, *matches;

  if (kube_node_get_boolean (context->object, "spec.manualSelector", FALSE))
    return;
  labels = kube_node_ensure_object (context->object, "spec.template.metadata.labels");
  kube_node_put_string (labels, "batch.kubernetes.io/job-name", name != NULL ? name : "");
  kube_node_put_string (labels, "job-name", name != NULL ? name : "");
  kube_node_put_string (labels, "batch.kubernetes.io/controller-uid", uid);
  kube_node_put_string (labels, "controller-uid", uid);
  matches = kube_node_ensure_object (context->object, "spec.selector.matchLabels");
  kube_node_put_string (matches, "batch.kubernetes.io/controller-uid", uid);
  /* A Job without labels has those of its template by default: with what was added to these, once it has been stored. */
  context->op->needs_read_back = TRUE;
}

const KubeStrategy kube_job_strategy = {
  .group = "batch",
  .plural = "jobs",
  .prepare_create = prepare_create,
  .orphans = TRUE,
};
