/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-warnings.h"
#include <kube/kube-time.h>

static void
set_transition (KubeWriteContext *context)
{
  char now[KUBE_TIME_STRING_SIZE];
  kube_node_set_string (context->object, "status.lastPhaseTransitionTime", kube_time_format (kube_clock_get_time (context->op->clock), now));
}

static void
prepare_create (KubeWriteContext *context)
{
  kube_node_set_string (context->object, "status.phase", "Pending");
  set_transition (context);
}

static void
prepare_update (KubeWriteContext *context)
{
  if (g_str_equal (context->subresource, "status") && g_strcmp0 (kube_node_get_string (context->object, "status.phase"), kube_value_get_string (context->old, "status.phase")) != 0)
    set_transition (context);
}

const KubeStrategy kube_persistent_volume_strategy = {
  .group = "",
  .plural = "persistentvolumes",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .warn = kube_persistent_volume_warn,
  .returns_deleted = TRUE,
};
