/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

static void
put_if_absent (KubeNode *object, const char *key, const char *text)
{
  if (kube_node_get_member (object, key) == NULL)
    kube_node_put_string (object, key, text);
}

/* A Job selects its own pods by its uid, unless it brings a selector of its own. Labels that it brings stay, and are refused where they are another's. */
static void
prepare_create (KubeWriteContext *context)
{
  const char *uid = kube_node_get_string (context->object, "metadata.uid"), *name = kube_node_get_string (context->object, "metadata.name");
  KubeNode *labels;

  if (kube_node_get_boolean (context->object, "spec.manualSelector", FALSE))
    return;
  labels = kube_node_ensure_object (context->object, "spec.template.metadata.labels");
  put_if_absent (labels, "batch.kubernetes.io/job-name", name != NULL ? name : "");
  put_if_absent (labels, "job-name", name != NULL ? name : "");
  put_if_absent (labels, "batch.kubernetes.io/controller-uid", uid);
  put_if_absent (labels, "controller-uid", uid);
  put_if_absent (kube_node_ensure_object (context->object, "spec.selector.matchLabels"), "batch.kubernetes.io/controller-uid", uid);
  /* A Job without labels has those of its template by default: with what was added to these, once it has been stored. */
  context->op->needs_read_back = TRUE;
}

const KubeStrategy kube_job_strategy = {
  .group = "batch",
  .plural = "jobs",
  .prepare_create = prepare_create,
  .orphans = TRUE,
};
