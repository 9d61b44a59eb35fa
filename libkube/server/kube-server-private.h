/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-server.h>
#include "kube-authenticator.h"
#include "kube-call.h"
#include "kube-hub.h"
#include "kube-storage.h"

G_BEGIN_DECLS

/* What the files of this layer see of a server. Any thread. */

KubeStore *kube_server_get_store (KubeServer *server);
KubeHub *kube_server_get_hub (KubeServer *server);
KubeAuth *kube_server_get_auth (KubeServer *server);
KubeStorageCache *kube_server_get_cache (KubeServer *server);
/* Main context of the housekeeping thread: for watches and timers of the server's own. */
GMainContext *kube_server_get_context (KubeServer *server);
typedef struct _KubeHousekeeper KubeHousekeeper;
KubeHousekeeper *kube_server_get_housekeeper (KubeServer *server);
/* Seconds that an event is kept after its last write. */
#define KUBE_EVENT_TTL 3600
gboolean kube_server_is_shutting_down (KubeServer *server);
const KubeServerOptions *kube_server_get_options (KubeServer *server);
/* (transfer full) (nullable) */
KubeNodeApi *kube_server_resolve_node (KubeServer *server, const char *name);

typedef struct {
  char *name;
  gboolean live;
  KubeHealthCheck check;
  gpointer user_data;
} KubeServerCheck;
/* (transfer full) (element-type KubeServerCheck) */
GArray *kube_server_copy_checks (KubeServer *server);

G_END_DECLS
