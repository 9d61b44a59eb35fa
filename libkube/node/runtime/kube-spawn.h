/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Starts programs without copying the process (clone with CLONE_VM and CLONE_VFORK): it takes as long in a process of gigabytes as in a small one. */
typedef struct {
  const char *const *argv;
  const char *const *envp; /* (nullable): the caller's */
  const char *cwd;         /* (nullable) */
  int stdio[3];            /* descriptors for 0, 1, 2; -1: /dev/null */
  int extra;               /* becomes descriptor 3, or -1 */
  int mount_namespace;     /* to enter, or -1 */
  gboolean new_session;
  int namespaces; /* CLONE_NEW… flags: new ones for the child */
} KubeSpawn;

/* The child's pid and, in @pidfd (nullable), a descriptor of it; all other descriptors are closed in it. errno is in the error (G_SPAWN_ERROR). */
int kube_spawn (const KubeSpawn *spawn, int *pidfd, GError **error);
/* Waits for a child by its descriptor, which is closed: the exit code, or 128 and the signal's number. */
int kube_spawn_wait (int pidfd);

/* Runs @func in a child that shares this process' memory and, with CLONE_FILES in @flags, its descriptors, but has new namespaces (@flags); the caller waits. @func may only make system
 * calls; it returns 0 or an errno, which is handed on. */
int kube_spawn_call (int flags, int (*func) (gpointer data), gpointer data);

G_END_DECLS
