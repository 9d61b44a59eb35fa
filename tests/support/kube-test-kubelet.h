/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-test-cluster.h"

G_BEGIN_DECLS

/* Plays the node agents' part for all pods, bound or not: gives them an address and lets them run, makes them ready, and lets deleted ones go. To be called before the cluster starts.
 * A pod with the annotation "test/ready" = "false" runs and never gets ready; with "test/stay" it is left to the test when it is deleted; with "test/ignore" it is left alone.
 * @ready_after, @gone_after: microseconds. */
void kube_test_kubelet_add (KubeTestCluster *cluster, gint64 ready_after, gint64 gone_after);

G_END_DECLS
