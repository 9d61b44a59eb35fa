/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

typedef enum {
  KUBE_WATCH_ADDED,
  KUBE_WATCH_MODIFIED,
  KUBE_WATCH_DELETED,
  KUBE_WATCH_BOOKMARK,
} KubeWatchEventType;

/**
 * KubeWatch:
 *
 * A stream of changes, made by kube_client_watch(). It is made stopped; kube_watch_start() begins it. Events come on the main context that was
 * thread-default when the watch was made. It ends with one #KubeWatch::closed, whose error is %NULL where the server ended it in order (time-out);
 * an ERROR event of the server is that error (%KUBE_ERROR_EXPIRED: list again).
 *
 * Since: 1.0
 */
#define KUBE_TYPE_WATCH (kube_watch_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (KubeWatch, kube_watch, KUBE, WATCH, GObject)

struct _KubeWatchClass {
  GObjectClass parent;
  void (*start) (KubeWatch *watch);
  void (*stop) (KubeWatch *watch);
  gpointer reserved[6];
};

typedef void (*KubeWatchFunc) (KubeWatch *watch, KubeWatchEventType type, KubeObject *object, gpointer user_data);

KUBE_AVAILABLE_IN_1_0
void kube_watch_start (KubeWatch *watch);
/* No signal comes after it. */
KUBE_AVAILABLE_IN_1_0
void kube_watch_stop (KubeWatch *watch);
/* (scope notified): called for each event before #KubeWatch::event is emitted, without a signal's cost. */
KUBE_AVAILABLE_IN_1_0
void kube_watch_set_func (KubeWatch *watch, KubeWatchFunc func, gpointer user_data, GDestroyNotify destroy);
/* For implementations, on the watch's context. */
KUBE_AVAILABLE_IN_1_0
void kube_watch_emit (KubeWatch *watch, KubeWatchEventType type, KubeObject *object);
KUBE_AVAILABLE_IN_1_0
void kube_watch_emit_closed (KubeWatch *watch, const GError *error);

G_END_DECLS
