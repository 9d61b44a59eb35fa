/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-server-private.h"

G_BEGIN_DECLS

/* Writes what upstream's server makes at its start and what is missing of it: namespaces, roles and bindings, priority classes, the kubernetes service and what it is reached by, configuration for
 * extension servers, flow schemas. Blocks on a main context of its own. */
gboolean kube_bootstrap (KubeServer *server, GError **error);
/* Writes the endpoints of the kubernetes service, as kube_server_publish() says. */
gboolean kube_bootstrap_publish (KubeServer *server, const char *address, guint16 port, GError **error);

G_END_DECLS
