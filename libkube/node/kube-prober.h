/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-handler.h"

G_BEGIN_DECLS

typedef enum {
  KUBE_PROBE_STARTUP,
  KUBE_PROBE_READINESS,
  KUBE_PROBE_LIVENESS,
} KubeProbeKind;

/* One probe of one running container: runs it period by period and tells when its result changes. */
typedef struct _KubeProber KubeProber;

/* kube_prober_new()'s @good: the result until a run says otherwise. KubeProberFunc's @good: the probe's result now; a startup probe tells TRUE once, or FALSE once when it has failed too often; @output: what the last run said.
 * @failed: (called at each single failure) what goes into the Unhealthy event. */
typedef void (*KubeProberFunc) (KubeProber *prober, KubeProbeKind kind, gboolean good, gpointer user_data);
typedef void (*KubeProberFailFunc) (KubeProber *prober, KubeProbeKind kind, KubeHandlerResult result, const char *output,
                                    gpointer user_data);

KubeProber *kube_prober_new (KubeNodeContext *node, KubeObject *pod, KubeValue *container, const char *id, KubeProbeKind kind,
                             KubeValue *probe, const char *pod_ip, gint64 started_at, gboolean good, KubeProberFunc changed,
                             KubeProberFailFunc failed, gpointer user_data);
void kube_prober_free (KubeProber *prober);
gboolean kube_prober_is_good (KubeProber *prober);

G_END_DECLS
