/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/sys/kube-runtime.h>

#include "kube-cgroup.h"
#include "kube-conmon.h"

G_BEGIN_DECLS

/* Where a runtime keeps what: all below DATA/node, which is a mount of its own where the programs need a mount namespace of theirs. */
typedef struct {
  char *base;       /* DATA/node */
  char *containers; /* one folder each: config.json, state.json, pid files, root file system */
  char *sandboxes;  /* one folder a pod: sandbox.json, ns/, shm/ */
  char *exits;
  char *crun;
  char *logs;
  char *cgroup;     /* "/kube-1234abcd": of this data directory only */
} KubeOciPaths;

void kube_oci_paths_init (KubeOciPaths *paths, const char *data_dir);
void kube_oci_paths_clear (KubeOciPaths *paths);

/* A pod's namespaces, pinned by mounts in @folder/ns, and its /dev/shm. */
gboolean kube_sandbox_create (const char *folder, KubeValue *config, GError **error);
gboolean kube_sandbox_is_alive (const char *folder, KubeValue *config);
void kube_sandbox_remove (const char *folder);
/* Unmounts everything at and below @folder, the latest first. */
void kube_unmount_below (const char *folder, gboolean itself);
/* A mount namespace in which crun does not see an empty version 2 hierarchy; -1 where it needs none. Makes mounts below @base appear in it. */
int kube_crun_namespace_new (const char *base, GError **error);

/* The container's root file system and config.json, ready to start. */
gboolean kube_bundle_create (const KubeOciPaths *paths, const char *id, KubeValue *pod, KubeValue *container, KubeImage *image, const char *layer_folder, GError **error);

G_END_DECLS
