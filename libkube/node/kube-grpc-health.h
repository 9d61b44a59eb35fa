/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One call of grpc.health.v1.Health/Check on @stream, a fresh connection without TLS. @authority: host:port. @service: "" for the server as a whole. @timeout: microseconds, for the wording alone: who asks cancels at
 * its end. */
void kube_grpc_health_check_async (GIOStream *stream, const char *authority, const char *service, gint64 timeout,
                                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* Whether it serves. @output: (out) (transfer full): what is to be said of it, as upstream's prober words it. */
gboolean kube_grpc_health_check_finish (GAsyncResult *result, char **output);

/* No connection within @timeout. */
char *kube_grpc_health_describe_unreachable (const char *authority, gint64 timeout) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
