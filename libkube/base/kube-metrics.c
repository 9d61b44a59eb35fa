/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-metrics.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_SERIES 10000

/* What upstream's client library takes where nobody says otherwise. */
static const double default_buckets[] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };

typedef struct {
  char **label_values; /* (owned) (nullable) */
  double value;        /* counter, gauge; a histogram's sum */
  guint64 count;       /* a histogram's */
  guint64 buckets[];   /* a histogram's, not yet cumulated */
} Series;

struct _KubeMetric {
  KubeMetricType type;
  char *name;         /* (owned) */
  char *help;         /* (owned) */
  char **label_names; /* (owned) (nullable) */
  guint n_labels;
  double *buckets; /* (owned) (nullable) */
  guint n_buckets;

  GMutex lock;
  Series *single;     /* (mutex lock) (nullable): the only series of a metric without labels */
  GHashTable *series; /* (mutex lock) (element-type char** Series): key owned by the series */
};

static GMutex registry_lock;
static GHashTable *registry; /* (mutex registry_lock) (element-type utf8 KubeMetric) */

static guint
hash_labels (gconstpointer key)
{
  guint hash = 5381;
  for (const char *const *value = key; *value != NULL; value++)
    hash = hash * 33 + g_str_hash (*value);
  return hash;
}

static gboolean
equal_labels (gconstpointer a, gconstpointer b)
{
  return g_strv_equal (a, b);
}

static void
set_buckets (KubeMetric *metric, const double *buckets)
{
  metric->n_buckets = 0;
  if (buckets == NULL) {
    buckets = default_buckets;
    metric->n_buckets = G_N_ELEMENTS (default_buckets);
  } else {
    while (buckets[metric->n_buckets] != 0)
      metric->n_buckets++;
  }
  metric->buckets = g_memdup2 (buckets, metric->n_buckets * sizeof *buckets);
}

/**
 * kube_metric_get: (skip)
 * @type: its type
 * @name: its name, upstream's where upstream has it
 * @help: one line for people
 * @label_names: (nullable) (array zero-terminated=1): names of its labels
 * @buckets: (nullable): a histogram's upper bounds, ascending, ended by 0; %NULL: upstream's defaults
 *
 * Finds or registers a metric, which then lives as long as the process. Where @name is registered already, the rest is not
 * looked at.
 *
 * Returns: (transfer none): the metric
 * Since: 1.0
 */
KubeMetric *
kube_metric_get (KubeMetricType type, const char *name, const char *help, const char *const *label_names, const double *buckets)
{
  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  KubeMetric *metric = g_hash_table_lookup (registry, name);
  if (metric == NULL) {
    metric = g_new0 (KubeMetric, 1);
    metric->type = type;
    metric->name = g_strdup (name);
    metric->help = g_strdup (help);
    metric->label_names = g_strdupv ((char **) label_names);
    metric->n_labels = label_names != NULL ? g_strv_length ((char **) label_names) : 0;
    if (type == KUBE_METRIC_HISTOGRAM)
      set_buckets (metric, buckets);
    g_mutex_init (&metric->lock);
    metric->series = g_hash_table_new (hash_labels, equal_labels);
    g_hash_table_insert (registry, metric->name, metric);
  }
  g_mutex_unlock (&registry_lock);
  return metric;
}

static Series *
series_new (KubeMetric *metric, const char *const *label_values)
{
  Series *series = g_malloc0 (sizeof (Series) + metric->n_buckets * sizeof (guint64));
  series->label_values = g_strdupv ((char **) label_values);
  return series;
}

/* (mutex lock): NULL where there are too many */
static Series *
get_series (KubeMetric *metric, const char *const *label_values)
{
  if (metric->n_labels == 0 || label_values == NULL) {
    if (metric->single == NULL && metric->n_labels == 0)
      metric->single = series_new (metric, NULL);
    return metric->single;
  }
  Series *series = g_hash_table_lookup (metric->series, label_values);
  if (series == NULL && g_hash_table_size (metric->series) < MAX_SERIES) {
    series = series_new (metric, label_values);
    g_hash_table_insert (metric->series, series->label_values, series);
  }
  return series;
}

static void
count_dropped (void)
{
  kube_metric_add (kube_metric_get (KUBE_METRIC_COUNTER, "cardinality_enforcement_unexpected_categorizations_total",
                                    "Updates of series that were not made because their metric has too many", NULL, NULL),
                   NULL, 1);
}

typedef enum { ADD, SET, OBSERVE } Update;

static void
update (KubeMetric *metric, const char *const *label_values, double value, Update what)
{
  g_mutex_lock (&metric->lock);
  Series *series = get_series (metric, label_values);
  if (series != NULL && what == SET)
    series->value = value;
  else if (series != NULL)
    series->value += value;
  if (series != NULL && what == OBSERVE) {
    guint i = 0;
    while (i < metric->n_buckets && value > metric->buckets[i])
      i++;
    if (i < metric->n_buckets)
      series->buckets[i]++;
    series->count++;
  }
  g_mutex_unlock (&metric->lock);
  if (series == NULL)
    count_dropped ();
}

/**
 * kube_metric_add: (skip)
 * @metric: a counter or gauge
 * @label_values: (nullable): as many as the metric has label names
 * @amount: how much; not negative for a counter
 *
 * Since: 1.0
 */
void
kube_metric_add (KubeMetric *metric, const char *const *label_values, double amount)
{
  g_return_if_fail (metric->type != KUBE_METRIC_HISTOGRAM);
  g_return_if_fail (metric->type != KUBE_METRIC_COUNTER || amount >= 0);
  update (metric, label_values, amount, ADD);
}

/**
 * kube_metric_set: (skip)
 * @metric: a gauge
 * @label_values: (nullable): as many as the metric has label names
 * @value: its value
 *
 * Since: 1.0
 */
void
kube_metric_set (KubeMetric *metric, const char *const *label_values, double value)
{
  g_return_if_fail (metric->type == KUBE_METRIC_GAUGE);
  update (metric, label_values, value, SET);
}

/**
 * kube_metric_observe: (skip)
 * @metric: a histogram
 * @label_values: (nullable): as many as the metric has label names
 * @value: what was measured
 *
 * Since: 1.0
 */
void
kube_metric_observe (KubeMetric *metric, const char *const *label_values, double value)
{
  g_return_if_fail (metric->type == KUBE_METRIC_HISTOGRAM);
  update (metric, label_values, value, OBSERVE);
}

static void
append_escaped (GString *out, const char *text, gboolean quotes)
{
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '\n')
      g_string_append (out, "\\n");
    else if (*c == '\\' || (quotes && *c == '"'))
      g_string_append_printf (out, "\\%c", *c);
    else
      g_string_append_c (out, *c);
  }
}

static void
append_number (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isinf (value))
    g_string_append (out, value > 0 ? "+Inf" : "-Inf");
  else if (isnan (value))
    g_string_append (out, "NaN");
  else if (value == floor (value) && fabs (value) < 1e15)
    g_string_append_printf (out, "%" G_GINT64_FORMAT, (gint64) value);
  else {
    g_ascii_formatd (text, sizeof text, "%.15g", value);
    if (g_ascii_strtod (text, NULL) != value)
      g_ascii_dtostr (text, sizeof text, value);
    g_string_append (out, text);
  }
}

static void
append_sample (GString *out, const KubeMetric *metric, const Series *series, const char *suffix, const double *le, double value)
{
  const char *separator = "{";

  g_string_append (out, metric->name);
  g_string_append (out, suffix);
  for (guint i = 0; i < metric->n_labels && series->label_values != NULL; i++) {
    g_string_append_printf (out, "%s%s=\"", separator, metric->label_names[i]);
    append_escaped (out, series->label_values[i], TRUE);
    g_string_append_c (out, '"');
    separator = ",";
  }
  if (le != NULL) {
    g_string_append_printf (out, "%sle=\"", separator);
    append_number (out, *le);
    g_string_append_c (out, '"');
    separator = ",";
  }
  g_string_append (out, *separator == ',' ? "} " : " ");
  append_number (out, value);
  g_string_append_c (out, '\n');
}

static void
append_series (GString *out, const KubeMetric *metric, const Series *series)
{
  const double infinity = INFINITY;
  guint64 cumulated = 0;

  if (metric->type != KUBE_METRIC_HISTOGRAM) {
    append_sample (out, metric, series, "", NULL, series->value);
    return;
  }
  for (guint i = 0; i < metric->n_buckets; i++) {
    cumulated += series->buckets[i];
    append_sample (out, metric, series, "_bucket", &metric->buckets[i], cumulated);
  }
  append_sample (out, metric, series, "_bucket", &infinity, series->count);
  append_sample (out, metric, series, "_sum", NULL, series->value);
  append_sample (out, metric, series, "_count", NULL, series->count);
}

static int
compare_series (gconstpointer a, gconstpointer b)
{
  const Series *x = *(const Series *const *) a, *y = *(const Series *const *) b;

  for (guint i = 0; x->label_values[i] != NULL && y->label_values[i] != NULL; i++) {
    int order = strcmp (x->label_values[i], y->label_values[i]);
    if (order != 0)
      return order;
  }
  return 0;
}

static GPtrArray *
sorted_values (GHashTable *table, GCompareFunc compare)
{
  GPtrArray *values = g_ptr_array_sized_new (g_hash_table_size (table));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (values, value);
  g_ptr_array_sort (values, compare);
  return values;
}

static void
append_header (GString *out, const char *name, const char *help, KubeMetricType type)
{
  static const char *const types[] = { "counter", "gauge", "histogram" };

  g_string_append_printf (out, "# HELP %s ", name);
  append_escaped (out, help, FALSE);
  g_string_append_printf (out, "\n# TYPE %s %s\n", name, types[type]);
}

static void
append_metric (GString *out, KubeMetric *metric)
{
  g_autoptr (GPtrArray) sorted = NULL;

  g_mutex_lock (&metric->lock);
  if (metric->single != NULL || g_hash_table_size (metric->series) > 0) {
    append_header (out, metric->name, metric->help, metric->type);
    if (metric->single != NULL)
      append_series (out, metric, metric->single);
    sorted = sorted_values (metric->series, compare_series);
    for (guint i = 0; i < sorted->len; i++)
      append_series (out, metric, g_ptr_array_index (sorted, i));
  }
  g_mutex_unlock (&metric->lock);
}

static void
append_value (GString *out, KubeMetricType type, const char *name, const char *help, double value)
{
  append_header (out, name, help, type);
  g_string_append_printf (out, "%s ", name);
  append_number (out, value);
  g_string_append_c (out, '\n');
}

static double
timeval_seconds (const struct timeval *t)
{
  return t->tv_sec + t->tv_usec / 1e6;
}

/* When the process began, in seconds since the epoch; 0 where the system does not tell. */
static double
start_time (void)
{
  g_autofree char *stat = NULL;
  struct timespec now, since_boot;
  unsigned long long ticks;

  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL))
    return 0;
  const char *after_name = strrchr (stat, ')'); /* the name may hold spaces */
  if (after_name == NULL
      || sscanf (after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
    return 0;
  clock_gettime (CLOCK_REALTIME, &now);
  clock_gettime (CLOCK_BOOTTIME, &since_boot);
  return now.tv_sec - since_boot.tv_sec + (now.tv_nsec - since_boot.tv_nsec) / 1e9 + (double) ticks / sysconf (_SC_CLK_TCK);
}

static guint
count_open_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    count++;
  return count > 0 ? count - 1 : 0; /* without the folder itself */
}

static void
append_process (GString *out)
{
  g_autofree char *statm = NULL;
  unsigned long virtual_pages = 0, resident_pages = 0;
  long page = sysconf (_SC_PAGESIZE);
  struct rusage usage;
  struct rlimit files;

  getrusage (RUSAGE_SELF, &usage);
  getrlimit (RLIMIT_NOFILE, &files);
  if (g_file_get_contents ("/proc/self/statm", &statm, NULL, NULL)
      && sscanf (statm, "%lu %lu", &virtual_pages, &resident_pages) != 2)
    resident_pages = 0;
  append_value (out, KUBE_METRIC_COUNTER, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                timeval_seconds (&usage.ru_utime) + timeval_seconds (&usage.ru_stime));
  append_value (out, KUBE_METRIC_GAUGE, "process_max_fds", "Maximum number of open file descriptors.", files.rlim_cur);
  append_value (out, KUBE_METRIC_GAUGE, "process_open_fds", "Number of open file descriptors.", count_open_files ());
  append_value (out, KUBE_METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes.",
                (double) resident_pages * page);
  append_value (out, KUBE_METRIC_GAUGE, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                start_time ());
  append_value (out, KUBE_METRIC_GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
                (double) virtual_pages * page);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const KubeMetric *x = *(const KubeMetric *const *) a, *y = *(const KubeMetric *const *) b;
  return strcmp (x->name, y->name);
}

/**
 * kube_metrics_print:
 *
 * Returns: (transfer full): all metrics that have values, sorted by name, in the Prometheus text format 0.0.4
 * Since: 1.0
 */
char *
kube_metrics_print (void)
{
  static const char *const build_labels[] = { "git_version", "major", "minor", NULL };
  static const char *const build_values[] = { "v1.36.0", "1", "36", NULL };
  g_autoptr (GPtrArray) sorted = NULL;
  GString *out = g_string_sized_new (16384);

  kube_metric_set (kube_metric_get (KUBE_METRIC_GAUGE, "kubernetes_build_info",
                                    "A metric with a constant '1' value labeled by the version that this answers as",
                                    build_labels, NULL),
                   build_values, 1);

  g_mutex_lock (&registry_lock);
  sorted = sorted_values (registry, compare_names);
  g_mutex_unlock (&registry_lock);
  for (guint i = 0; i < sorted->len; i++)
    append_metric (out, g_ptr_array_index (sorted, i));
  append_process (out);
  return g_string_free (out, FALSE);
}
