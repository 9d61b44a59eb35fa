/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* A Job selects its own pods by its uid, unless it brings a selector of its own. */
static void
prepare_create (KubeWriteContext *context)
{
  const char *uid = kube_node_get_string (context->object, "metadata.uid"), *name = kube_node_get_string (context->object, "metadata.name");
  KubeNode *labels, *matches, *own = kube_node_get (context->object, "metadata.labels"), *template = kube_node_get (context->object, "spec.template.metadata.labels");
  gboolean bare = kube_node_get_length (own) == 0 && kube_node_get_length (template) == 0;
  g_autoptr (KubeValue) all = NULL;

  if (kube_node_get_boolean (context->object, "spec.manualSelector", FALSE))
    return;
  labels = kube_node_ensure_object (context->object, "spec.template.metadata.labels");
  if (name != NULL && *name != '\0') {
    kube_node_put_string (labels, "batch.kubernetes.io/job-name", name);
    kube_node_put_string (labels, "job-name", name);
  }
  kube_node_put_string (labels, "batch.kubernetes.io/controller-uid", uid);
  kube_node_put_string (labels, "controller-uid", uid);
  matches = kube_node_ensure_object (context->object, "spec.selector.matchLabels");
  kube_node_put_string (matches, "batch.kubernetes.io/controller-uid", uid);
  /* a Job without labels of its own has those of its template */
  if (bare) {
    all = kube_node_to_value (kube_node_get (context->object, "spec.template.metadata.labels"));
    kube_node_set_value (context->object, "metadata.labels", all);
  }
}

const KubeStrategy kube_job_strategy = {
  .group = "batch",
  .plural = "jobs",
  .prepare_create = prepare_create,
  .orphans = TRUE,
};
