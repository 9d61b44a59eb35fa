/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-prober.h"
#include "kube-source.h"

struct _KubeProber {
  KubeNodeContext *node;
  KubeObject *pod;      /* (owned) */
  KubeValue *container; /* (owned) */
  char *id, *pod_ip;
  KubeProbeKind kind;
  KubeValue *probe; /* (owned) */
  gint64 period, timeout;
  gint64 success_threshold, failure_threshold;
  KubeProberFunc changed;
  KubeProberFailFunc failed;
  gpointer user_data;
  GSource *timer;       /* (owned) (nullable) */
  KubeHandler *running; /* (nullable) */
  gboolean good;
  gboolean last; /* of the last run */
  gint64 streak; /* runs in a row that ended like the last one */
  gboolean done; /* a startup probe that has told */
};

static void schedule (KubeProber *prober, gint64 delay);

/* @changed may free the prober. */
static void
on_result (KubeHandlerResult result, const char *output, gpointer data)
{
  KubeProber *prober = data;
  gboolean good = result == KUBE_HANDLER_SUCCESS || result == KUBE_HANDLER_WARNING;

  prober->running = NULL;
  prober->streak = prober->streak > 0 && prober->last == good ? prober->streak + 1 : 1;
  prober->last = good;
  schedule (prober, prober->period);
  if (result != KUBE_HANDLER_SUCCESS)
    prober->failed (prober, prober->kind, result, output, prober->user_data);
  if (prober->streak < (good ? prober->success_threshold : prober->failure_threshold))
    return;
  gboolean tell = prober->kind == KUBE_PROBE_STARTUP ? !prober->done : prober->good != good;
  prober->good = good;
  if (!tell)
    return;
  prober->done = TRUE;
  prober->changed (prober, prober->kind, good, prober->user_data);
}

static gboolean
on_time (gpointer data)
{
  KubeProber *prober = data;

  g_clear_pointer (&prober->timer, g_source_unref);
  if (prober->kind == KUBE_PROBE_STARTUP && prober->done)
    return G_SOURCE_REMOVE;
  prober->running = kube_handler_run (prober->node, prober->pod, prober->container, prober->id, prober->probe, prober->pod_ip,
                                      prober->timeout, on_result, prober);
  return G_SOURCE_REMOVE;
}

static void
schedule (KubeProber *prober, gint64 delay)
{
  kube_clear_source (&prober->timer);
  prober->timer = kube_clock_add_timeout (prober->node->clock, MAX (delay, 0), on_time, prober);
}

KubeProber *
kube_prober_new (KubeNodeContext *node, KubeObject *pod, KubeValue *container, const char *id, KubeProbeKind kind,
                 KubeValue *probe, const char *pod_ip, gint64 started_at, gboolean good, KubeProberFunc changed,
                 KubeProberFailFunc failed, gpointer user_data)
{
  KubeProber *prober = g_new0 (KubeProber, 1);
  gint64 initial = kube_value_get_integer (probe, "initialDelaySeconds", 0) * G_USEC_PER_SEC;

  prober->node = node;
  prober->pod = kube_object_ref (pod);
  prober->container = kube_value_ref (container);
  prober->id = g_strdup (id);
  prober->pod_ip = g_strdup (pod_ip);
  prober->kind = kind;
  prober->probe = kube_value_ref (probe);
  prober->period = MAX (kube_value_get_integer (probe, "periodSeconds", 10), 1) * G_USEC_PER_SEC;
  prober->timeout = MAX (kube_value_get_integer (probe, "timeoutSeconds", 1), 1) * G_USEC_PER_SEC;
  prober->success_threshold = MAX (kube_value_get_integer (probe, "successThreshold", 1), 1);
  prober->failure_threshold = MAX (kube_value_get_integer (probe, "failureThreshold", 3), 1);
  prober->changed = changed;
  prober->failed = failed;
  prober->user_data = user_data;
  prober->good = good;
  schedule (prober, started_at + initial - kube_clock_get_time (node->clock));
  return prober;
}

void
kube_prober_free (KubeProber *prober)
{
  kube_clear_source (&prober->timer);
  g_clear_pointer (&prober->running, kube_handler_cancel);
  kube_object_unref (prober->pod);
  kube_value_unref (prober->container);
  kube_value_unref (prober->probe);
  g_free (prober->id);
  g_free (prober->pod_ip);
  g_free (prober);
}

gboolean
kube_prober_is_good (KubeProber *prober)
{
  return prober->good;
}
