/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/sys/kube-node-api.h>

G_BEGIN_DECLS

/* Reads a log file of the CRI's format. @end: a descriptor that becomes readable when nobody writes any more (a pidfd), taken; -1: nobody writes now. A file that does not exist is an
 * empty log, which @options->follow waits for. A thread of its own reads; closing the stream ends it. */
GInputStream *kube_container_log_open (const char *path, const KubeLogOptions *options, int end,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The last lines, at most @max_lines and @max_bytes of text: what becomes a termination message. */
char *kube_container_log_read_tail (const char *path, gint64 max_lines, gsize max_bytes) G_GNUC_WARN_UNUSED_RESULT;

/* Where @path has grown over @max_size: renames it and drops the oldest, so that @max_files are left with the one that the writer must open anew.
 * Returns: (transfer full) (nullable): what it is called now; NULL: it stays */
char *kube_container_log_rotate (const char *path, gint64 max_size, guint max_files);

G_END_DECLS
