/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-watch.h>

G_BEGIN_DECLS

/* KubeHttpStream: the way of a watch's events from the thread that reads and parses them to the context of the watch. Counted,
 * any thread. */
typedef struct _KubeHttpStream KubeHttpStream;

KubeHttpStream *kube_http_stream_ref (KubeHttpStream *self);
void kube_http_stream_unref (KubeHttpStream *self);
GCancellable *kube_http_stream_get_cancellable (KubeHttpStream *self);
/* On the reading thread: reads @body to its end, then closes. */
void kube_http_stream_read (KubeHttpStream *self, GInputStream *body);
/* @error: (transfer full) (nullable) */
void kube_http_stream_close (KubeHttpStream *self, GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeHttpStream, kube_http_stream_unref)

#define KUBE_TYPE_HTTP_WATCH (kube_http_watch_get_type ())
G_DECLARE_FINAL_TYPE (KubeHttpWatch, kube_http_watch, KUBE, HTTP_WATCH, KubeWatch)

/* Begins the request whose answer goes into @stream. */
typedef void (*KubeHttpWatchStart) (KubeHttpStream *stream, gpointer user_data);
/* @user_data: freed by @destroy with the watch. */
KubeWatch *kube_http_watch_new (KubeHttpWatchStart start, gpointer user_data, GDestroyNotify destroy);

G_END_DECLS
