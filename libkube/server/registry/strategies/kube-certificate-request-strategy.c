/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* Who asks is what the server knows of the request's user, whatever the client writes. */
static void
prepare_create (KubeWriteContext *context)
{
  KubeUser *user = context->op->user;
  KubeNode *groups;

  kube_node_set_string (context->object, "spec.username", user->name);
  kube_node_set_string (context->object, "spec.uid", user->uid);
  kube_node_remove (context->object, "spec.groups");
  groups = kube_node_ensure_array (context->object, "spec.groups");
  for (guint i = 0; user->groups[i] != NULL; i++)
    kube_node_append_string (groups, user->groups[i]);
  kube_node_set_value (context->object, "spec.extra", user->extra);
}

/* Approval and status change their own parts alone, and neither changes the request. */
static void
prepare_update (KubeWriteContext *context)
{
  kube_node_set_value (context->object, "spec", kube_value_get (context->old, "spec"));
  if (g_str_equal (context->subresource, "approval")) {
    KubeNode *conditions = kube_node_get (context->object, "status.conditions");
    g_autoptr (KubeValue) value = conditions != NULL ? kube_node_to_value (conditions) : NULL;
    kube_node_set_value (context->object, "status", kube_value_get (context->old, "status"));
    kube_node_set_value (context->object, "status.conditions", value);
  }
}

const KubeStrategy kube_certificate_request_strategy = {
  .group = "certificates.k8s.io",
  .plural = "certificatesigningrequests",
  .spec_fixed = TRUE,
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
};
