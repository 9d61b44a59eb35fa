/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-hub.h"

G_BEGIN_DECLS

KubeHubEvent *kube_hub_event_new (const KubeStoreEvent *committed);
/* Whether the event is of the keys that begin with @prefix, or of the one key where @prefix does not end in '/'. */
gboolean kube_hub_event_is_in (KubeHubEvent *event, const char *prefix, gsize length);

/* The newest events, in order, bounded by bytes. Guarded by its owner. */
typedef struct {
  KubeHubEvent **events; /* a ring of @size from @head on */
  gsize head, length, size;
  GHashTable *newest; /* (element-type utf8 KubeHubEvent): of each key in the ring */
  gsize bytes, limit;
  guint64 base; /* all events after this revision are here */
} KubeHubRing;

void kube_hub_ring_init (KubeHubRing *ring, gsize limit, guint64 base);
void kube_hub_ring_clear (KubeHubRing *ring);
/* Takes @event, which nobody else knows yet: what it replaced is shared with the event that wrote it, where that is here. What it pushes out is appended to @dropped (transfer full). */
void kube_hub_ring_push (KubeHubRing *ring, KubeHubEvent *event, GPtrArray *dropped);
/* Index of the first event after @revision. */
gsize kube_hub_ring_find (const KubeHubRing *ring, guint64 revision);
KubeHubEvent *kube_hub_ring_get (const KubeHubRing *ring, gsize index);

/* Pieces of the store's history as events, shared by the watches that read the same part at about the same time. Any thread. */
typedef struct {
  GPtrArray *events; /* (owned) (nullable) (element-type KubeHubEvent) */
  guint64 after, last;
} KubeHubPiece;

typedef struct {
  KubeStore *store; /* (unowned) */
  GMutex mutex;
  KubeHubPiece pieces[4]; /* (mutex mutex) */
  guint next;
} KubeHubHistory;

void kube_hub_history_init (KubeHubHistory *history, KubeStore *store);
void kube_hub_history_clear (KubeHubHistory *history);
/* (transfer full) (element-type KubeHubEvent): events that hold those after @after up to @last, and perhaps some before. */
GPtrArray *kube_hub_history_read (KubeHubHistory *history, guint64 after, guint64 *last, GError **error);
/* Nobody reads history any more. */
void kube_hub_history_forget (KubeHubHistory *history);

G_END_DECLS
