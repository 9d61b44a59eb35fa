/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* (transfer full): the error that a Status object says. @http_status: the answer's, 0 where there is none (a watch's ERROR
 * event). */
GError *kube_error_new_from_status (KubeValue *status, int http_status);
/* (transfer full): the error for an answer that is not a Status, as client-go words it. @method: of the request; @text:
 * (nullable): the body's beginning */
GError *kube_error_new_from_http (int http_status, const char *method, const char *text, int retry_after);

G_END_DECLS
