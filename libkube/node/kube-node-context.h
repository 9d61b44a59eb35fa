/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/kube-event-recorder.h>
#include <kube/kube-informer.h>
#include <kube/kube-image-store.h>
#include <kube/sys/kube-network.h>
#include <kube/sys/kube-runtime.h>

#include "image/kube-image-puller.h"
#include "kube-object-sources.h"

G_BEGIN_DECLS

typedef struct _KubeNodeAdmission KubeNodeAdmission;

/* What a node's pods have in common. Owned by the agent; all of it is for the agent's main context. */
typedef struct {
  KubeClient *client;
  KubeClock *clock;
  KubeRuntime *runtime;
  KubeNetwork *network;
  KubeImageStore *images;  /* (nullable): simulated */
  KubeImagePuller *puller; /* (nullable) */
  KubeEventRecorder *recorder;
  KubeObjectSources *sources;
  KubeNodeAdmission *admission;
  KubeInformer *services; /* (nullable): simulated */
  char *node_name, *node_ip;
  char *pods_dir, *logs_dir; /* (nullable) */
  char *cluster_dns, *cluster_domain;
  gint64 memory_capacity; /* bytes */
  KubeValue *allocatable;
  gboolean network_ready;
} KubeNodeContext;

G_END_DECLS
