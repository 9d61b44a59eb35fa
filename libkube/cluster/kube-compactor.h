/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-store.h>

G_BEGIN_DECLS

/* Forgets history that is older than five to ten minutes, as kube-apiserver's --etcd-compaction-interval. Lives on the thread-default main context. */
typedef struct _KubeCompactor KubeCompactor;

KubeCompactor *kube_compactor_new (KubeStore *store, KubeClock *clock);
void kube_compactor_free (KubeCompactor *compactor);

G_END_DECLS
