/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-registry.h"

G_BEGIN_DECLS

/* Where a request to a pod's or service's proxy goes. */
typedef struct {
  gboolean tls;
  char *address; /* of a pod */
  guint16 port;
} KubeProxyTarget;

/* What the name in the request means: NAME, NAME:PORT or SCHEME:NAME:PORT. Errors: as upstream words them. */
gboolean kube_proxy_find_target (KubeOperation *op, KubeProxyTarget *target, GError **error);
/* "ADDRESS:PORT" */
char *kube_proxy_target_print (const KubeProxyTarget *target) G_GNUC_WARN_UNUSED_RESULT;
void kube_proxy_target_clear (KubeProxyTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeProxyTarget, kube_proxy_target_clear)

/* Whether a header of a request is no pod's business: credentials. */
gboolean kube_proxy_is_private_header (const char *name);
/* Why @target could not be reached, as Go words it, which is what clients look for. */
GError *kube_proxy_explain (const GError *error, const char *target);

/* kube-proxy-tunnel.c: hands on a request for another protocol. @path: escaped. */
void kube_proxy_tunnel (KubeOperation *op, const KubeProxyTarget *target, const char *path);

G_END_DECLS
