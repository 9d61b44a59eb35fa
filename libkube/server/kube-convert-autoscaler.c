/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-convert-private.h"
#include "kube-decode.h"
#include <kube/kube-scheme.h>

/* autoscaling/v1 knows one metric, the use of CPU in per cent of what was asked for; autoscaling/v2, in which autoscalers are stored, has a list of them, and more. */

static gboolean
is_cpu (KubeValue *metric)
{
  return g_strcmp0 (kube_value_get_string (metric, "type"), "Resource") == 0 && g_strcmp0 (kube_value_get_string (metric, "resource.name"), "cpu") == 0;
}

static gint64
find_percentage (KubeValue *metrics, const char *path)
{
  for (guint i = 0; i < kube_value_get_length (metrics); i++) {
    KubeValue *metric = kube_value_get_element (metrics, i);
    if (is_cpu (metric))
      return kube_value_get_integer (metric, path, -1);
  }
  return -1;
}

/* The canonical form of what was put together, with a place for its version. */
static KubeObject *
finish (KubeKind *kind, KubeBuilder *builder)
{
  g_autofree char *version = g_strdup (kube_node_get_string (kube_builder_get_root (builder), "metadata.resourceVersion"));
  g_autoptr (KubeValue) value = kube_builder_end (builder), decoded = kube_decode_object (kind, value, NULL, NULL, NULL);
  g_autoptr (KubeBuilder) whole = kube_builder_new (decoded != NULL ? decoded : value);

  kube_default (kind, kube_builder_get_root (whole));
  kube_node_set_string (kube_builder_get_root (whole), "metadata.resourceVersion", version != NULL ? version : "");
  return kube_object_new_from_builder (whole);
}

KubeObject *
kube_convert_autoscaler_to_v1 (KubeKind *kind, KubeObject *stored)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (stored));
  KubeNode *root = kube_builder_get_root (builder);
  gint64 target = find_percentage (kube_object_get (stored, "spec.metrics"), "resource.target.averageUtilization");
  gint64 current = find_percentage (kube_object_get (stored, "status.currentMetrics"), "resource.current.averageUtilization");

  kube_node_put_string (root, "apiVersion", kind->api_version);
  kube_node_remove (root, "spec.metrics");
  kube_node_remove (root, "spec.behavior");
  kube_node_remove (root, "status.currentMetrics");
  kube_node_remove (root, "status.conditions");
  if (target >= 0)
    kube_node_set_integer (root, "spec.targetCPUUtilizationPercentage", target);
  if (current >= 0)
    kube_node_set_integer (root, "status.currentCPUUtilizationPercentage", current);
  return finish (kind, builder);
}

static void
append_cpu (KubeNode *metrics, const char *what, gint64 percentage)
{
  KubeNode *metric = kube_node_append_object (metrics);

  kube_node_set_string (metric, "type", "Resource");
  kube_node_set_string (metric, "resource.name", "cpu");
  if (g_str_equal (what, "target"))
    kube_node_set_string (metric, "resource.target.type", "Utilization");
  kube_node_set_integer (kube_node_ensure_object (kube_node_get (metric, "resource"), what), "averageUtilization", percentage);
}

/* @path is a list of metrics of the v2 form: the CPU's, and what the stored object has besides. */
static void
set_metrics (KubeNode *root, const char *path, const char *what, gint64 percentage, KubeObject *previous)
{
  KubeValue *others = previous != NULL ? kube_object_get (previous, path) : NULL;
  KubeNode *metrics;

  if (percentage < 0 && kube_value_get_length (others) == 0)
    return;
  metrics = kube_node_ensure_array (root, path);
  if (percentage >= 0)
    append_cpu (metrics, what, percentage);
  for (guint i = 0; i < kube_value_get_length (others); i++) {
    if (!is_cpu (kube_value_get_element (others, i)))
      kube_node_append_value (metrics, kube_value_get_element (others, i));
  }
}

KubeObject *
kube_convert_autoscaler_to_v2 (KubeObject *object, KubeObject *previous)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (object));
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_put_string (root, "apiVersion", "autoscaling/v2");
  kube_node_remove (root, "spec.targetCPUUtilizationPercentage");
  kube_node_remove (root, "status.currentCPUUtilizationPercentage");
  set_metrics (root, "spec.metrics", "target", kube_object_get_integer (object, "spec.targetCPUUtilizationPercentage", -1), previous);
  set_metrics (root, "status.currentMetrics", "current", kube_object_get_integer (object, "status.currentCPUUtilizationPercentage", -1), previous);
  if (previous != NULL) {
    kube_node_set_value (root, "spec.behavior", kube_object_get (previous, "spec.behavior"));
    kube_node_set_value (root, "status.conditions", kube_object_get (previous, "status.conditions"));
  }
  return finish (KUBE_KIND ("autoscaling/v2", "HorizontalPodAutoscaler"), builder);
}
