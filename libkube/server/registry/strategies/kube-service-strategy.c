/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"

const KubeStrategy kube_service_strategy = {
  .group = "",
  .plural = "services",
  .returns_deleted = TRUE,
};
