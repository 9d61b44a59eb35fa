/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* The files of a volume that is made of API objects, by relative path. */
typedef struct {
  char *path;
  GBytes *data;
  guint mode;
  gint64 uid; /* -1: root */
} KubeVolumeFile;

GPtrArray *kube_volume_files_new (void); /* (element-type KubeVolumeFile) */
void kube_volume_files_add (GPtrArray *files, const char *path, GBytes *data, guint mode,
                            gint64 uid); /* a later one of the same path replaces */

/* Makes @folder show exactly @files: all change in one instant, by the link `..data` to a new folder, as upstream's AtomicWriter has it. Does nothing where they are
 * the same. @group: -1 or the files' group. */
gboolean kube_atomic_write (const char *folder, GPtrArray *files, gint64 group, GError **error);

G_END_DECLS
