/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"

void
kube_registry_stream_pod (KubeOperation *op)
{
  kube_operation_answer_no_method (op);
}
