/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-registry.h"

G_BEGIN_DECLS

/* Where a request to a pod's or service's proxy goes. */
typedef struct {
  gboolean tls;
  char *address; /* of a pod */
  guint16 port;  /* 0: the scheme's own */
} KubeProxyTarget;

/* What the name in the request means: NAME, NAME:PORT or SCHEME:NAME:PORT. Errors: as upstream words them. */
gboolean kube_proxy_find_target (KubeOperation *op, KubeProxyTarget *target, GError **error);
void kube_proxy_target_clear (KubeProxyTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeProxyTarget, kube_proxy_target_clear)

G_END_DECLS
