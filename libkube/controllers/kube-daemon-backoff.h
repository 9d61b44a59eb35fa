/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How long to leave a failed pod where it is, by what it is of: twice as long each time, forgotten when it has been well for long. */
typedef struct _KubeDaemonBackoff KubeDaemonBackoff;

KubeDaemonBackoff *kube_daemon_backoff_new (void) G_GNUC_WARN_UNUSED_RESULT;
void kube_daemon_backoff_free (KubeDaemonBackoff *self);
/* 0: act now, and the next time will have to wait longer; else how long to wait still, in microseconds. */
gint64 kube_daemon_backoff_try (KubeDaemonBackoff *self, const char *key, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeDaemonBackoff, kube_daemon_backoff_free)

G_END_DECLS
