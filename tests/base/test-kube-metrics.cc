/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-metrics.h>
#include <string>
#include <thread>
#include <vector>

namespace
{

std::string
printed ()
{
  char *text = kube_metrics_print ();
  std::string result = text;
  g_free (text);
  return result;
}

bool
has (const std::string &text)
{
  return printed ().find (text) != std::string::npos;
}

}

TEST (KubeMetrics, CountersCountPerSeries)
{
  const char *names[] = { "verb", "code", NULL };
  KubeMetric *metric = kube_metric_get (KUBE_METRIC_COUNTER, "test_requests_total", "Requests.\nAll.", names, NULL);
  EXPECT_EQ (metric, kube_metric_get (KUBE_METRIC_COUNTER, "test_requests_total", "", names, NULL));
  const char *get[] = { "GET", "200", NULL }, *post[] = { "PO\"ST\n", "201", NULL };
  kube_metric_add (metric, post, 1);
  kube_metric_add (metric, get, 1);
  kube_metric_add (metric, get, 2.5);
  EXPECT_TRUE (has ("# HELP test_requests_total Requests.\\nAll.\n# TYPE test_requests_total counter\n"
                    "test_requests_total{verb=\"GET\",code=\"200\"} 3.5\n"
                    "test_requests_total{verb=\"PO\\\"ST\\n\",code=\"201\"} 1\n"))
      << printed ();
}

TEST (KubeMetrics, HistogramsCumulate)
{
  const double buckets[] = { 0.1, 1, 0 };
  KubeMetric *metric = kube_metric_get (KUBE_METRIC_HISTOGRAM, "test_seconds", "Time.", NULL, buckets);
  kube_metric_observe (metric, NULL, 0.1);
  kube_metric_observe (metric, NULL, 0.5);
  kube_metric_observe (metric, NULL, 7);
  EXPECT_TRUE (has ("# TYPE test_seconds histogram\ntest_seconds_bucket{le=\"0.1\"} 1\ntest_seconds_bucket{le=\"1\"} 2\n"
                    "test_seconds_bucket{le=\"+Inf\"} 3\ntest_seconds_sum 7.6\ntest_seconds_count 3\n"))
      << printed ();
}

TEST (KubeMetrics, GaugesAreSetAndMoved)
{
  KubeMetric *metric = kube_metric_get (KUBE_METRIC_GAUGE, "test_gauge", "Gauge.", NULL, NULL);
  kube_metric_set (metric, NULL, 5);
  kube_metric_add (metric, NULL, -7);
  EXPECT_TRUE (has ("\ntest_gauge -2\n"));
}

TEST (KubeMetrics, TooManySeriesAreDroppedAndCounted)
{
  const char *names[] = { "n", NULL };
  KubeMetric *metric = kube_metric_get (KUBE_METRIC_COUNTER, "test_many", "Many.", names, NULL);
  for (int i = 0; i < 10007; i++) {
    std::string text = std::to_string (i);
    const char *values[] = { text.c_str (), NULL };
    kube_metric_add (metric, values, 1);
  }
  EXPECT_FALSE (has ("test_many{n=\"10000\"}"));
  EXPECT_TRUE (has ("\ncardinality_enforcement_unexpected_categorizations_total 7\n"));
}

TEST (KubeMetrics, UpdatesFromManyThreadsAreAllCounted)
{
  KubeMetric *metric = kube_metric_get (KUBE_METRIC_COUNTER, "test_threads", "Threads.", NULL, NULL);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back ([=] {
      for (int i = 0; i < 10000; i++)
        kube_metric_add (metric, NULL, 1);
    });
  }
  for (auto &thread : threads)
    thread.join ();
  EXPECT_TRUE (has ("\ntest_threads 40000\n"));
}

TEST (KubeMetrics, TellsOfTheProcess)
{
  std::string text = printed ();
  for (const char *name : { "process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes",
                            "process_start_time_seconds", "kubernetes_build_info{git_version=\"v1.36.0\"" })
    EXPECT_NE (text.find (std::string ("\n") + name), std::string::npos) << name;
  double started = g_ascii_strtod (text.c_str () + text.find ("\nprocess_start_time_seconds ") + 28, NULL);
  EXPECT_LT (ABS (started - g_get_real_time () / 1e6), 600);
}
