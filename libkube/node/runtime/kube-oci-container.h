/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/sys/kube-runtime.h>

#include "kube-conmon.h"

G_BEGIN_DECLS

/* One container of a KubeRuntimeOci: what is known of it, its folder with a note of that, its processes. Belongs to the runtime's context; a worker reads only what does not
 * change (info.id, info.config, folder). */
typedef struct {
  gatomicrefcount references;
  KubeRuntimeOci *runtime; /* (unowned): outlives it */
  KubeContainer info;
  KubeValue *pod; /* its pod's configuration */
  char *folder, *cgroup, *log;
  int init_pidfd, conmon_pidfd;
  GSource *end_source; /* (owned) (nullable) */
  GSource *kill_timer; /* (owned) (nullable) */
  gint64 kill_at;      /* monotonic; 0: not asked to stop */
  gboolean starting, signalled;
} KubeOciContainer;

KubeOciContainer *kube_oci_container_new (KubeRuntimeOci *runtime, const char *id, const char *uid, KubeValue *config, KubeValue *pod);
KubeOciContainer *kube_oci_container_ref (KubeOciContainer *container);
void kube_oci_container_unref (KubeOciContainer *container);
/* A GDestroyNotify for the runtime's table: its sources go, and what workers still do with it ends without effect. */
void kube_oci_container_drop (gpointer container);

/* Its note, state.json. */
void kube_oci_container_save (KubeOciContainer *container);
void kube_oci_container_load (KubeOciContainer *container, KubeValue *state);
/* (transfer full): what crun was given */
KubeValue *kube_oci_container_read_config (KubeOciContainer *container, GError **error);
void kube_oci_container_init_conmon (KubeOciContainer *container, KubeConmon *conmon);
void kube_oci_container_remove_files (KubeOciContainer *container);

/* What became of a start: it runs (and a stop that was asked for meanwhile takes effect), or it never will. */
void kube_oci_container_note_start (KubeOciContainer *container, int pid, int conmon_pid);
void kube_oci_container_note_failure (KubeOciContainer *container, const char *message);
/* Its end, from what conmon left. */
void kube_oci_container_note_end (KubeOciContainer *container);
void kube_oci_container_watch_end (KubeOciContainer *container);
/* Its stop signal now, and SIGKILL after @grace microseconds. */
void kube_oci_container_stop (KubeOciContainer *container, gint64 grace);

/* A descriptor of a process; -1: there is none. */
int kube_oci_open_pid (int pid);

G_END_DECLS
