/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-operation.h"

G_BEGIN_DECLS

/* What is served beside resources; each answers the call. */
void kube_paths_handle (KubeOperation *op);

/* kube-discovery.c: @group NULL: all groups; "" the core group. @version NULL: the group itself. */
void kube_discovery_answer_versions (KubeOperation *op);                          /* /api */
void kube_discovery_answer_groups (KubeOperation *op);                            /* /apis */
gboolean kube_discovery_answer_group (KubeOperation *op, const char *group);      /* /apis/GROUP; FALSE: there is none */
gboolean kube_discovery_answer_resources (KubeOperation *op, const char *group, const char *version);
gboolean kube_discovery_has_group (KubeOperation *op, const char *group);
void kube_discovery_append_paths (KubeOperation *op, GPtrArray *paths);

/* kube-health.c: /livez, /readyz, /healthz and their checks. FALSE: no such check. */
gboolean kube_health_answer (KubeOperation *op, const char *path);

G_END_DECLS
