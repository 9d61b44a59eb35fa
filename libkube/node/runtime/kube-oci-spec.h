/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include <kube/kube-image-store.h>

G_BEGIN_DECLS

typedef struct {
  KubeValue *pod;         /* the pod's configuration, as KubeRuntime has it */
  KubeValue *container;   /* the container's */
  KubeImage *image;       /* (nullable) */
  const char *rootfs;     /* where its file system is mounted: users are looked up there */
  const char *namespaces; /* folder of the pod's namespaces: net, ipc, uts, pid */
  const char *pid;        /* (nullable): a namespace of processes to be in */
  const char *shm;        /* (nullable): the pod's /dev/shm */
  const char *cgroup;     /* path of the container's cgroup */
  gboolean unified;       /* cgroup v2 */
} KubeOciSpec;

/* The container's config.json. Errors: KUBE_ERROR_INVALID for a user that the image does not know, for a command that is nowhere. */
KubeValue *kube_oci_spec_make (const KubeOciSpec *spec, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Another process of a container: its `process` with other arguments. */
KubeValue *kube_oci_spec_make_exec (KubeValue *config, const char *const *argv, gboolean tty) G_GNUC_WARN_UNUSED_RESULT;
/* The seccomp profile of RuntimeDefault for a process with these capabilities. */
void kube_oci_seccomp_build (KubeNode *linux_, const char *const *capabilities);

/* What an image's USER text means in @rootfs. @groups: (element-type guint32): appended to. */
gboolean kube_image_user_resolve (const char *rootfs, const char *text, gint64 group, guint32 *uid, guint32 *gid, GArray *groups,
                                  GError **error);

G_END_DECLS
