/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

typedef enum {
  KUBE_DAEMON_STAY = 1 << 0, /* a pod that is there may stay */
  KUBE_DAEMON_RUN = 1 << 1,  /* one is to be made */
} KubeDaemonFitFlags;

/* The pods of a DaemonSet: what they are made from and where they belong. */
typedef struct {
  KubeObject *set;     /* (unowned) */
  KubeValue *template_; /* (owned): the set's, with the tolerations that every daemon has */
  GArray *tolerations; /* (nullable) (element-type KubeToleration): of @template_ */
} KubeDaemonFit;

void kube_daemon_fit_init (KubeDaemonFit *self, KubeObject *set);
void kube_daemon_fit_clear (KubeDaemonFit *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeDaemonFit, kube_daemon_fit_clear)

/* As the scheduler would decide by names, labels and taints. */
KubeDaemonFitFlags kube_daemon_fit_check (KubeDaemonFit *self, KubeObject *node);
/* (transfer full): a pod for the node, which only the scheduler binds. @hash: the revision's. */
KubeObject *kube_daemon_fit_make_pod (KubeDaemonFit *self, const char *hash, const char *node) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): the node that a pod is on, or is for. */
const char *kube_daemon_fit_get_node (KubeObject *pod);
/* Whether @pod was made from the set's present template, by its hash, or by the generation that older releases told pods by. */
gboolean kube_daemon_fit_is_updated (KubeObject *set, KubeObject *pod, const char *hash);

G_END_DECLS
