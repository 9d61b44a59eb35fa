/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/sys/kube-runtime.h>

#include "kube-cgroup.h"
#include "kube-oci-container.h"

G_BEGIN_DECLS

/* Where a runtime keeps what: all below DATA/node, which is a mount of its own where the programs need a mount namespace of theirs. */
typedef struct {
  char *base;       /* DATA/node */
  char *containers; /* one folder each: config.json, state.json, pid files, root file system */
  char *sandboxes;  /* one folder a pod: sandbox.json, ns/, shm/ */
  char *exits;
  char *crun;
  char *logs;
  char *cgroup; /* "/kube-1234abcd": of this data directory only */
} KubeOciPaths;

void kube_oci_paths_init (KubeOciPaths *paths, const char *data_dir);
void kube_oci_paths_clear (KubeOciPaths *paths);

/* A pod's namespaces, pinned by mounts in @folder/ns, and its /dev/shm. */
gboolean kube_sandbox_create (const char *folder, KubeValue *config, GError **error);
gboolean kube_sandbox_is_alive (const char *folder, KubeValue *config);
void kube_sandbox_remove (const char *folder);
/* A connection to a port of 127.0.0.1 inside of a network namespace (NULL: the host's); -1 and an error. */
int kube_sandbox_dial (const char *netns, guint16 port, GError **error);
/* Unmounts everything at and below @folder, the latest first. */
void kube_unmount_below (const char *folder, gboolean itself);
/* A mount namespace in which crun does not see an empty version 2 hierarchy; -1 where it needs none. Makes mounts below @base appear in it. */
int kube_crun_namespace_new (const char *base, GError **error);

/* An image's files at @target, for reading; what was mounted there before goes. */
gboolean kube_image_mount (KubeImage *image, const char *layer_folder, const char *target, GError **error);

/* The container's root file system and config.json, ready to start. @pid_namespace: (nullable): whose processes it sees. */
gboolean kube_bundle_create (const KubeOciPaths *paths, const char *id, KubeValue *pod, KubeValue *container, KubeImage *image,
                             const char *layer_folder, const char *pid_namespace, GError **error);

struct _KubeRuntimeOci {
  GObject parent;
  KubeOciPaths paths;
  KubeImageStore *images; /* (owned) */
  char *conmon, *crun;    /* (owned) */
  int mount_namespace;    /* for crun, or -1 */
  GMainContext *context;  /* (owned) */
  GHashTable *containers; /* (owned): id -> KubeOciContainer; only on context */
  GHashTable *pods;       /* (owned): uid -> KubeValue, its configuration; only on context */
  GThreadPool *workers;   /* (owned) */
};

/* kube-runtime-oci-adopt.c: takes over what is on the disk. */
void kube_runtime_oci_adopt (KubeRuntimeOci *self);

G_END_DECLS
