/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-http-transport-private.h"

G_BEGIN_DECLS

/* (transfer full): what comes from @body, which only the transport's thread may read, as a stream for any thread. Who lets it
 * go ends the request. */
GInputStream *kube_http_pipe_new (GInputStream *body, KubeHttpTransport *transport, GError **error);

G_END_DECLS
