/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

/* The version in which custom resources are stored from now on counts as one in which some are. */
static void
note_stored_version (KubeWriteContext *context)
{
  KubeNode *versions = kube_node_get (context->object, "spec.versions"),
           *stored = kube_node_get (context->object, "status.storedVersions");

  if (g_str_equal (context->subresource, "status"))
    return;
  for (guint i = 0; i < kube_node_get_length (versions); i++) {
    KubeNode *version = kube_node_get_element (versions, i);
    const char *name = kube_node_get_string (version, "name");

    if (!kube_node_get_boolean (version, "storage", FALSE) || name == NULL)
      continue;
    for (guint k = 0; k < kube_node_get_length (stored); k++)
      if (g_strcmp0 (kube_node_get_string (kube_node_get_element (stored, k), NULL), name) == 0)
        return;
    if (stored == NULL || kube_node_get_length (stored) == 0)
      kube_node_remove (context->object, "status.storedVersions");
    kube_node_append_string (kube_node_ensure_array (context->object, "status.storedVersions"), name);
    return;
  }
}

const KubeStrategy kube_definition_strategy = {
  .group = "apiextensions.k8s.io",
  .plural = "customresourcedefinitions",
  .prepare_create = note_stored_version,
  .prepare_update = note_stored_version,
};
