/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-node-context.h"

G_BEGIN_DECLS

typedef enum {
  KUBE_HANDLER_SUCCESS,
  KUBE_HANDLER_WARNING, /* it answered well, but with something that is told of */
  KUBE_HANDLER_FAILURE, /* it answered, badly */
  KUBE_HANDLER_ERROR,   /* it could not be run */
} KubeHandlerResult;

/* @output: what it said, at most 10 KiB. */
typedef void (*KubeHandlerFunc) (KubeHandlerResult result, const char *output, gpointer user_data);
typedef struct _KubeHandler KubeHandler;

/* Runs what a probe or a hook says (exec, httpGet, tcpSocket, grpc, sleep) for a container. @func is called once, on the main context, unless kube_handler_cancel() was called before. @timeout: microseconds. */
KubeHandler *kube_handler_run (KubeNodeContext *node, KubeObject *pod, KubeValue *container, const char *id, KubeValue *handler,
                               const char *pod_ip, gint64 timeout, KubeHandlerFunc func, gpointer user_data);
void kube_handler_cancel (KubeHandler *handler);

G_END_DECLS
