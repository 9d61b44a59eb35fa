/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>
#include <kube/sys/kube-node-api.h>

G_BEGIN_DECLS

/* How one container's processes are started: the programs, and the places that they use. */
typedef struct {
  const char *conmon, *crun;
  const char *crun_root;
  int mount_namespace; /* -1: the caller's */
  const char *id;
  const char *folder; /* of the container: config.json is in it, the rest is made there */
  const char *exits;  /* folder of exit files */
  const char *log;
  gboolean tty, stdin_open, stdin_once;
} KubeConmon;

/* Starts a container under a conmon of its own, which outlives us; blocks until it runs. The error is crun's. */
gboolean kube_conmon_start (const KubeConmon *conmon, int *pid, int *conmon_pid, GError **error);
/* A pid that stands in a file of the container's folder, "pid" or "conmon.pid"; 0: there is none. */
int kube_conmon_read_pid (const char *folder, const char *name);
/* Has the log opened anew, after it was renamed. FALSE: conmon has ended. */
gboolean kube_conmon_reopen_log (const char *folder);
/* Gives a running container other limits (cpuShares, cpuQuota, cpuPeriod, memory); the error is crun's. */
gboolean kube_conmon_update (const KubeConmon *conmon, KubeValue *resources, GError **error);
/* Runs another process in a container; blocks until it is started. */
KubeExec *kube_conmon_exec (const KubeConmon *conmon, KubeValue *config, const KubeExecOptions *options, GError **error);
/* Joins the container's own streams. @end: a descriptor of conmon's process, taken. */
KubeExec *kube_conmon_attach (const KubeConmon *conmon, const KubeExecOptions *options, int end, GError **error);

G_END_DECLS
