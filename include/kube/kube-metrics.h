/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <kube/kube-version-macros.h>

G_BEGIN_DECLS

/* Prometheus metrics. A metric is registered once and lives as long as the process; updates are atomic, cheap, and allowed from
 * any thread. Names and labels are upstream's where upstream has the metric. */
typedef struct _KubeMetric KubeMetric;

typedef enum {
  KUBE_METRIC_COUNTER,
  KUBE_METRIC_GAUGE,
  KUBE_METRIC_HISTOGRAM,
} KubeMetricType;

/* The same name gives the same metric. @label_names: (nullable) (array zero-terminated=1): static strings.
 * @buckets: (nullable) (array zero-terminated=0): upper bounds of a histogram, ascending, ended by 0; NULL: upstream's defaults. */
KUBE_AVAILABLE_IN_1_0
KubeMetric *kube_metric_get (KubeMetricType type, const char *name, const char *help, const char *const *label_names, const double *buckets);
/* @label_values: as many as names, or NULL where there are none. At most 10,000 series a metric; what is over is dropped and counted. */
KUBE_AVAILABLE_IN_1_0
void kube_metric_add (KubeMetric *metric, const char *const *label_values, double amount);
KUBE_AVAILABLE_IN_1_0
void kube_metric_set (KubeMetric *metric, const char *const *label_values, double value);
KUBE_AVAILABLE_IN_1_0
void kube_metric_observe (KubeMetric *metric, const char *const *label_values, double value);
/* All metrics in the Prometheus text format 0.0.4, with process_* and build information. */
KUBE_AVAILABLE_IN_1_0
char *kube_metrics_print (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
