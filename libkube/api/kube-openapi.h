/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-scheme.h>

G_BEGIN_DECLS

/* OpenAPI documents of all kinds of a scheme, as bodies of answers (JSON, or gnostic protobuf). (transfer full); cached by the scheme's generation. */

/* GET /openapi/v3: the index of paths with their hashes. */
GBytes *kube_openapi_get_v3_index (KubeScheme *scheme);
/* GET /openapi/v3/@path: "api/v1", "apis/apps/v1"; NULL where there is none. @hash: (out) (optional) (transfer full): what the index says. @protobuf: in gnostic's form. */
GBytes *kube_openapi_get_v3 (KubeScheme *scheme, const char *path, gboolean protobuf, char **hash);
/* GET /openapi/v2 */
GBytes *kube_openapi_get_v2 (KubeScheme *scheme, gboolean protobuf, char **hash);

G_END_DECLS
