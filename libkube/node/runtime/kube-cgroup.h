/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* Control groups of either version, by their path below the root ("/kube-1234/podX/Y"). On version 1 a path stands in every controller's tree. */
typedef enum {
  KUBE_CGROUP_NONE,
  KUBE_CGROUP_V1,
  KUBE_CGROUP_HYBRID, /* version 1 for the controllers, and an empty version 2 beside it */
  KUBE_CGROUP_V2,
} KubeCgroupMode;

KubeCgroupMode kube_cgroup_get_mode (void);
/* Makes it, with what @resources says: cpuShares, cpuQuota, cpuPeriod, memory, pids. What the kernel does not have is left out. */
void kube_cgroup_create (const char *path, KubeValue *resources);
/* Gives one that is there other limits; what @resources does not name stays as it is. */
gboolean kube_cgroup_update (const char *path, KubeValue *resources, GError **error);
/* With all below it, whose processes are killed. */
void kube_cgroup_remove (const char *path);
gboolean kube_cgroup_exists (const char *path);
void kube_cgroup_kill (const char *path);
gboolean kube_cgroup_had_oom_kill (const char *path);
gboolean kube_cgroup_get_usage (const char *path, guint64 *cpu_nanoseconds, guint64 *memory_working_set);

G_END_DECLS
