/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>
#include <kube/sys/kube-store.h>

G_BEGIN_DECLS

/* The watch hub: what was committed, in order, to everybody who watches a range of keys. It holds the newest events in memory (by bytes), and reads older ones from
 * the store's history. A watch begins after a revision and then sees every event of its range once, in order, or ends with an error; it never blocks a commit. */

#define KUBE_TYPE_HUB (kube_hub_get_type ())
G_DECLARE_FINAL_TYPE (KubeHub, kube_hub, KUBE, HUB, GObject)

/* One event, shared by all its watchers and immutable but for what is derived from it once. */
typedef struct _KubeHubEvent KubeHubEvent;
struct _KubeHubEvent {
  gatomicrefcount refs;
  KubeStoreEventType type;
  guint64 revision;
  char *key;
  KubeObject *object;       /* after; for a removal its last state */
  KubeObject *previous;     /* (nullable): before */
  gboolean shares_previous; /* it is the object of an event before this one */
  GBytes *frames[4];        /* (atomic): encoded once for each encoding, see kube_hub_event_get_frame() */
};
KubeHubEvent *kube_hub_event_ref (KubeHubEvent *event);
void kube_hub_event_unref (KubeHubEvent *event);
/* (transfer none): the frame in slot @slot, made by @encode where nobody has made it yet. */
GBytes *kube_hub_event_get_frame (KubeHubEvent *event, guint slot, GBytes *(*encode) (KubeHubEvent *event, gpointer user_data), gpointer user_data);

typedef struct _KubeHubWatch KubeHubWatch;

/* On the watch's own main context. @events: what came since the last call, in order, all of this watch's range; %NULL with @n_events 0 and @error where the watch ends
 * (%KUBE_ERROR_EXPIRED: its start is compacted; %KUBE_ERROR_TOO_MANY_REQUESTS: it was too slow; %KUBE_ERROR_SERVICE_UNAVAILABLE: the hub is closing). @revision: everything of the range up to it was delivered. */
typedef void (*KubeHubWatchFunc) (KubeHubWatch *watch, KubeHubEvent *const *events, guint n_events, guint64 revision, const GError *error, gpointer user_data);

/* Takes the store's commit func. @history_bytes: how much memory the newest events may take; 0: 16 MiB. */
KubeHub *kube_hub_new (KubeStore *store, gsize history_bytes);
/* @prefix: keys that begin with it; a prefix that does not end in '/' is that one key. @after: begin after this revision; the newest where it is 0.
 * Events come on the thread-default main context of the caller, never from within this call. */
KubeHubWatch *kube_hub_watch (KubeHub *hub, const char *prefix, guint64 after, KubeHubWatchFunc func, gpointer user_data);
/* On the watch's own thread; the func is not called again. To be called for each watch, also for one that ended with an error. */
void kube_hub_watch_stop (KubeHubWatch *watch);
/* Up to which revision everything of the watch's range was delivered (for bookmarks), which moves on while nothing of its range happens. On the watch's own thread. */
guint64 kube_hub_watch_get_revision (KubeHubWatch *watch);
/* (transfer full) (nullable): the object that was written to @key at @revision, if that is the newest event of it that is held in memory. Watches and whoever asks
 * share it, so it is parsed once. */
KubeObject *kube_hub_find (KubeHub *hub, const char *key, guint64 revision);
/* What was written last under a prefix. */
typedef struct _KubeHubMark KubeHubMark;
/* (transfer none): the mark of the keys that begin with @prefix, which ends in '/'; it lives as long as the hub. Each costs every commit under it a little. */
const KubeHubMark *kube_hub_mark (KubeHub *hub, const char *prefix);
/* The revision of the newest event since somebody asked for the mark first, 0 where there was none. An event counts after its write can be read, and before its
 * writer is told: what was read after this was got is still what is there as long as this stays the same. Any thread, no lock. */
guint64 kube_hub_mark_get_revision (const KubeHubMark *mark);
/* The newest revision that was handed out to watches. */
guint64 kube_hub_get_revision (KubeHub *hub);
void kube_hub_close (KubeHub *hub);

G_END_DECLS
