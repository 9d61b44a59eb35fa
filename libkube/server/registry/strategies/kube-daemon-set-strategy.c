/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

#define GENERATION "deprecated.daemonset.template.generation"

/* Upstream keeps the template's generation in an annotation, for clients of the time when it was a field. */
static void
set_generation (KubeNode *object, gint64 generation)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, generation);
  kube_node_put_string (kube_node_ensure_object (object, "metadata.annotations"), GENERATION, text);
}

static void
prepare_create (KubeWriteContext *context)
{
  set_generation (context->object, 1);
}

static void
prepare_update (KubeWriteContext *context)
{
  const char *text = kube_value_get_member_string (kube_value_get (context->old, "metadata.annotations"), GENERATION);
  gint64 generation = text != NULL ? g_ascii_strtoll (text, NULL, 10) : 1;
  KubeNode *template = kube_node_get (context->object, "spec.template");
  g_autoptr (KubeValue) value = template != NULL ? kube_node_to_value (template) : NULL;

  if (*context->subresource == '\0' && !kube_value_equal (value, kube_value_get (context->old, "spec.template")))
    generation++;
  set_generation (context->object, generation);
}

const KubeStrategy kube_daemon_set_strategy = {
  .group = "apps",
  .plural = "daemonsets",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
};
