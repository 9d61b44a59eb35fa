/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-node-agent.h>

#include "kube-node-context.h"

G_BEGIN_DECLS

/* Keeps the Node object and its Lease: registers the node, renews the lease every ten seconds, writes the status when it changes and every five minutes. For one
 * main context. */
typedef struct _KubeNodeStatus KubeNodeStatus;

typedef void (*KubeNodeStatusFunc) (gpointer user_data);

/* @tick: called with each renewal of the lease. */
KubeNodeStatus *kube_node_status_new (KubeNodeContext *node, const KubeNodeAgentOptions *options, KubeNodeStatusFunc tick,
                                      gpointer user_data);
void kube_node_status_free (KubeNodeStatus *status);
void kube_node_status_start (KubeNodeStatus *status);
/* Something that it says has changed. */
void kube_node_status_changed (KubeNodeStatus *status);

/* What a node of these options can give to pods (KubeNodeContext.allocatable), and its memory in bytes. */
KubeValue *kube_node_measure (const KubeNodeAgentOptions *options, gboolean allocatable,
                              gint64 *memory) G_GNUC_WARN_UNUSED_RESULT;
/* The host's first address. */
char *kube_node_find_address (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
