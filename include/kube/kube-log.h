/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <kube/kube-version-macros.h>

G_BEGIN_DECLS

/* Logging is GLib's structured log. One topic a file: `#define KUBE_LOG_TOPIC "kubelet"` before this header is included (the
 * library's own files; applications need not). kube_info (2, "…") is written where the verbosity of the topic is at least 2,
 * as klog's -v has it. The library never logs an error that it also returns. */

typedef enum {
  KUBE_LOG_FORMAT_TEXT, /* klog's: I0102 15:04:05.000006 pid file:line] message */
  KUBE_LOG_FORMAT_JSON,
} KubeLogFormat;

/* Installs libkube's writer (stderr) for the process; an application that has its own writer does not call it. */
KUBE_AVAILABLE_IN_1_0
void kube_log_init (KubeLogFormat format, int verbosity);
KUBE_AVAILABLE_IN_1_0
gboolean kube_log_enabled (const char *topic, int verbosity);
/* verbosity for single topics: "kubelet=4,scheduler=2" */
KUBE_AVAILABLE_IN_1_0
void kube_log_set_topics (const char *topics);
KUBE_AVAILABLE_IN_1_0
void kube_log_write (GLogLevelFlags level, const char *topic, const char *file, int line, const char *format, ...) G_GNUC_PRINTF (5, 6);

#ifdef KUBE_LOG_TOPIC
#define kube_info(verbosity, ...) \
  G_STMT_START { if (kube_log_enabled (KUBE_LOG_TOPIC, verbosity)) kube_log_write (G_LOG_LEVEL_INFO, KUBE_LOG_TOPIC, __FILE_NAME__, __LINE__, __VA_ARGS__); } G_STMT_END
#define kube_warning(...) kube_log_write (G_LOG_LEVEL_WARNING, KUBE_LOG_TOPIC, __FILE_NAME__, __LINE__, __VA_ARGS__)
#endif

G_END_DECLS
